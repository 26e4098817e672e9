/* SPDX-License-Identifier: MIT */
/* Device trees for tests. */
#ifndef FW_TESTS_TREE_H
#define FW_TESTS_TREE_H

#include <stdint.h>

struct tree_values {
	const char *compatible;
	uint32_t spec;
	uint64_t sram_bytes, rom_bytes;
	int mask_id_bytes;
	uint32_t rom_check;
	int skip_last; /* without the last property */
};

void tree_defaults(struct tree_values *v);

/* Writes a tree of the chip's binding. Returns its size or -1. */
int tree_make(void *buf, int room, const struct tree_values *v);

#endif
