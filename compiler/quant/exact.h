/* SPDX-License-Identifier: MIT */
/*
 * Rows of floats in the chip's two formats without any change of value, where that is possible:
 * blocks of 32 in which every element is a whole multiple (Q8_0: -127 to 127, Q4_0: -8 to 7) of one
 * binary16 number. Ternary, 1-bit and 2-bit types, MXFP4, IQ4_NL and Q5_0 usually are such rows; a
 * tensor is what its values are, whatever the file calls it.
 *
 * Where requant.h's quantiser makes such a block, its bytes are taken, so that a Q8_0 file written
 * as F32 comes back. Else the scale is the largest that there is. The last block is filled up as if
 * zeros followed src.
 *
 * 0, -EINVAL: n is negative, -EDOM: a block has no such scale (or an element is not finite).
 */
#ifndef IG1_COMPILER_QUANT_EXACT_H
#define IG1_COMPILER_QUANT_EXACT_H

#include <stdint.h>

int exact_row_q8_0(const float *src, void *dst, int64_t n);
int exact_row_q4_0(const float *src, void *dst, int64_t n);

#endif
