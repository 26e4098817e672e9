/* SPDX-License-Identifier: MIT */
/* Shared by the kernel variants only. */
#ifndef IG1_REF_KERNELS_IMPL_H
#define IG1_REF_KERNELS_IMPL_H

#include "fp.h"
#include "kernels.h"

extern const struct ig1_kernels ig1_kernels_scalar;
/* The others use vector builtins and target pragmas that Clang lacks; it builds the fuzz entries. */
#if defined(__x86_64__) && !defined(__clang__)
extern const struct ig1_kernels ig1_kernels_avx2;
extern const struct ig1_kernels ig1_kernels_avx512;
#endif

static inline float ig1_load_f16(const uint8_t *p)
{
	return ig1_f16_to_f32((uint16_t)(p[0] | p[1] << 8));
}

/* Element j of a Q4_0 block's 16 nibble bytes, 0..15. */
static inline int ig1_nibble(const uint8_t *b, int j)
{
	return j < 16 ? b[j] & 15 : b[j - 16] >> 4;
}

#endif
