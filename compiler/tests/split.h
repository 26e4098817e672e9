/* SPDX-License-Identifier: MIT */
/* Cuts GGUF files into parts, for tests. */
#ifndef IG1_COMPILER_TESTS_SPLIT_H
#define IG1_COMPILER_TESTS_SPLIT_H

#include <stddef.h>
#include <stdint.h>

#include "compiler/frontends/gguf.h"

/* What a test may get wrong; 0 everywhere gives n good parts. */
struct split_faults {
	size_t part; /* of the faults below, from 0 */
	uint64_t add_no, add_count, add_tensors;
	int no_no, no_count;   /* the key is left out */
	const char *extra_key; /* a string key of the part */
	const char *extra_value;
	const char *repeat; /* a tensor of this name once more in the part */
};

/*
 * Parts (malloc'ed data, no names) with all keys in the first and the tensors spread over them;
 * empty_first: the first has none. n >= 1. 0 or -ENOMEM.
 */
int split_build(const struct gguf_file *f, size_t n, int empty_first,
		const struct split_faults *faults, struct gguf_part *parts);

#endif
