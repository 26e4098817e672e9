/* SPDX-License-Identifier: MIT */
/*
 * Rows of floats in one of the chip's formats (IG1_WFMT_*) without any change of value, where that is
 * possible: blocks of 32 in which every element is a whole multiple of one binary16 number (q8_0: -127
 * to 127, q4_0: -8 to 7, t2_0: -2 to 1, b1_0: -1 and 1) or, for mx4, an E2M1 multiple of a normal
 * bfloat16. Ternary, 1-bit and 2-bit types, MXFP4, IQ4_NL and Q5_0 usually are such rows; a tensor is
 * what its values are, whatever the file calls it.
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

#endif
