/* SPDX-License-Identifier: MIT */
/* A GGUF model and a folder compiled and compared, for cmocka tests. */
#ifndef IG1_COMPILER_TESTS_HF_SAME_H
#define IG1_COMPILER_TESTS_HF_SAME_H

#include <stdbool.h>

#include "compiler/tests/hf_writer.h"

/* A folder for the images, before and after all tests. */
int hf_same_setup(void **state);
int hf_same_teardown(void **state);

/*
 * Fails unless both give the same image, but for the source's size and sum and the sections `skip`
 * (ended by 0; NULL: none). model and data as compile_options'; context 0: the model's.
 */
void hf_same(const char *model, const void *data, size_t size, const struct hf_folder *d,
	     uint32_t context, const uint32_t *skip, const char *what);

/* The folder is refused, with a message that has this in it. */
void hf_refused(const struct hf_folder *d, const char *says);
/* Whether the two give the same image, likewise. */
bool hf_is_same(const struct hf_folder *a, const struct hf_folder *b, uint32_t context);

#endif
