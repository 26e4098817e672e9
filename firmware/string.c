// SPDX-License-Identifier: MIT
/* The two functions a compiler takes for granted. Words where both ends allow it. */
#include "fw.h"

#ifdef __riscv
void *memcpy(void *restrict dst, const void *restrict src, size_t n)
{
	uint8_t *d = dst;
	const uint8_t *s = src;

	if ((((uintptr_t)d | (uintptr_t)s) & 3) == 0) {
		for (; n >= 4; n -= 4, d += 4, s += 4)
			*(uint32_t *)d = *(const uint32_t *)s;
	}
	while (n--)
		*d++ = *s++;
	return dst;
}

void *memset(void *dst, int value, size_t n)
{
	uint32_t word = (uint8_t)value * 0x01010101u;
	uint8_t *d = dst;

	if (((uintptr_t)d & 3) == 0) {
		for (; n >= 4; n -= 4, d += 4)
			*(uint32_t *)d = word;
	}
	while (n--)
		*d++ = (uint8_t)value;
	return dst;
}
#endif
