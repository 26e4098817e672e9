// SPDX-License-Identifier: MIT
/*
 * Fuzz entry of the firmware's device tree reader: what it accepts libfdt accepts too, and both find
 * the same nodes and properties.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "firmware/tests/trees.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t room = (size + 3) & ~(size_t)3;
	const char *differ;
	void *copy;
	int accepted;

	if (size > UINT32_MAX - 3)
		return 0;
	copy = calloc(1, room ? room : 1);
	if (!copy)
		return 0;
	if (size)
		memcpy(copy, data, size);
	differ = trees_compare(copy, size, &accepted);
	free(copy);
	if (differ) {
		fprintf(stderr, "fuzz_fdt: the readers differ: %s\n", differ);
		abort();
	}
	return 0;
}
