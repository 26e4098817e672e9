/* SPDX-License-Identifier: MIT */
/*
 * Copy engine. Synchronous: one copy at a time, done when the function returns. Local data is
 * static (not on the stack), 4-byte aligned; sizes are multiples of 4.
 * Return 0, or -1 when the host refused the access.
 */
#ifndef FW_COPY_H
#define FW_COPY_H

#include <stdint.h>

int copy_from_host(void *dst, uint64_t bus, uint32_t bytes);
int copy_to_host(uint64_t bus, const void *src, uint32_t bytes);
/* Zeroes resident SRAM. */
int copy_zero_sram(uint32_t offset, uint32_t bytes);

#endif
