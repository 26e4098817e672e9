/* SPDX-License-Identifier: MIT */
/* Comparison of the firmware's device tree reader with libfdt, for tests and the fuzz entry. */
#ifndef FW_TESTS_TREES_H
#define FW_TESTS_TREES_H

#include <stddef.h>
#include <stdint.h>

/*
 * Reads `size` bytes at `data` (4-byte aligned, readable up to the next multiple of 4) with both.
 * Returns NULL when they agree, else what they disagree in. *accepted: the reader took it. libfdt
 * must accept that too; about what the reader refuses it is not asked.
 */
const char *trees_compare(const void *data, size_t size, int *accepted);

#endif
