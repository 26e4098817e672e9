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

#define IG1_FORM_I8 IG1_WFMT_MAX /* beside IG1_WFMT_*: no blocks, but int8 rows and scales apart */

/* Each of the formats, for what exists once per format: X(WFMT suffix, name) */
#define IG1_EACH_WFMT(X)	      X(Q8_0, q8_0) X(Q4_0, q4_0) X(T2_0, t2_0) X(B1_0, b1_0) X(MX4, mx4)

#define IG1_DOT_ENTRY(wfmt, name)     [IG1_WFMT_##wfmt] = dot_##name,
#define IG1_DEQUANT_ENTRY(wfmt, name) [IG1_WFMT_##wfmt] = k_dequant_##name,

/* A block's scale, in its first two bytes. */
static inline float ig1_block_scale(unsigned int wfmt, const uint8_t *b)
{
	uint16_t h = (uint16_t)(b[0] | b[1] << 8);

	return wfmt == IG1_WFMT_MX4 ? ig1_f32_from((uint32_t)h << 16) : ig1_f16_to_f32(h);
}

static inline int ig1_nibble(const uint8_t *b, int j)
{
	return j < 16 ? b[j] & 15 : b[j - 16] >> 4;
}

/* Twice the value of an E2M1 code. */
static inline int ig1_e2m1(int code)
{
	int e = code >> 1 & 3, m = code & 1, v = e ? (2 | m) << (e - 1) : m;

	return code & 8 ? -v : v;
}

/* Weight j of a block, in units of its scale. */
static inline int ig1_block_weight(unsigned int wfmt, const uint8_t *b, int j)
{
	const uint8_t *q = b + 2;

	switch (wfmt) {
	case IG1_WFMT_Q4_0:
		return ig1_nibble(q, j) - 8;
	case IG1_WFMT_T2_0:
		return ((q[j % 8] >> (j / 8 * 2) & 3) ^ 2) - 2;
	case IG1_WFMT_B1_0:
		return q[j / 8] >> (j % 8) & 1 ? 1 : -1;
	case IG1_WFMT_MX4:
		return ig1_e2m1(ig1_nibble(q, j));
	default:
		return (int8_t)q[j];
	}
}

#endif
