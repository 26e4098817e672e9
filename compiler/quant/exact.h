/* SPDX-License-Identifier: MIT */
/*
 * Rows of floats in one of the chip's formats (IG1_WFMT_*) without any change of value, where that is
 * possible: blocks of 32 whose elements are multiples of a number that can be a scale, all of them (or of
 * nv4 and q6_k: of each half) of the same.
 *
 *	b1_0   -1, 1			a half
 *	t2_0   -2 to 1			a half
 *	q4_0   -8 to 7			a half
 *	mx4    twice E2M1's values	a normal bfloat16
 *	nv4    the same			a half for 16
 *	iq4    IQ4_NL's values		a normal float
 *	q4_1   0 to 15, then a float added	a normal float
 *	q5_1   0 to 31, then a float added	a normal float
 *	q6_k   -32 to 31		a normal float for 16
 *	q8_0   -127 to 127		a half
 *
 * A tensor is what its values are, whatever the file calls it. But where a sum with the constant was
 * rounded, values do not tell: rows of affine types (struct ggml_affine) keep their own scales, constants
 * and codes, and what the chip's sums of products make of them is nearer to the file than its values are.
 *
 * Where requant.h's quantiser makes such a block, its bytes are taken, so that a Q8_0 file written
 * as F32 comes back. Else the scale is the largest that there is. The last block is filled up as if
 * zeros followed src.
 *
 * 0, -EINVAL: n is negative or the format reserved, -EDOM: a block has no such scale (or an element is
 * not finite).
 */
#ifndef IG1_COMPILER_QUANT_EXACT_H
#define IG1_COMPILER_QUANT_EXACT_H

#include <stdint.h>

int exact_row(uint32_t wfmt, const float *src, void *dst, int64_t n);
/* A row of n elements in blocks of a type (enum ggml_type); values is what ggml_dequantize_row makes of it. */
int exact_blocks(uint32_t wfmt, uint32_t type, const void *src, const float *values, void *dst,
		 int64_t n);

#endif
