/* SPDX-License-Identifier: MIT */
/*
 * What the tests that only look for crashes do with an open GGUF file, and
 * where they find real ones.
 */
#ifndef IG1_COMPILER_TESTS_GGUF_WALK_H
#define IG1_COMPILER_TESTS_GGUF_WALK_H

#include <stddef.h>
#include <stdint.h>

#include "compiler/frontends/gguf.h"

/*
 * Reads every key, string, array element (through every getter) and the first
 * row of every tensor, and looks each name up again. Returns a sum over what was
 * read; aborts where the reader contradicts itself.
 */
uint64_t gguf_walk(const struct gguf_file *f);

struct gguf_paths {
	char **path; /* sorted */
	size_t count;
};

/* The *.gguf files of a folder and of its sub-folders, one level down; none if it is absent. */
void gguf_paths_find(struct gguf_paths *p, const char *folder);
void gguf_paths_free(struct gguf_paths *p);

/* The source tree: INTAGLIO_SOURCE_ROOT, else the working directory. */
const char *gguf_source_root(void);

/*
 * The folder of test models that are not part of the source tree:
 * INTAGLIO_SHARED_MODELS, else ../shared/models beside it. It need not exist.
 */
void gguf_shared_models(char *path, size_t room);

/* splitmix64: the tests' random numbers. */
uint64_t gguf_random(uint64_t *state);

#endif
