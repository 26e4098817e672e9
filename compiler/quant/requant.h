/* SPDX-License-Identifier: MIT */
/*
 * Quantisation of rows of floats to those two of the ROM's formats that can stand for any row;
 * exact.h has the others.
 *
 * Blocks of 32 elements, the bytes those of ggml's reference quantiser:
 *   Q8_0  d = max|x| / 127, q = round(x * (1 / d)), half away from zero;
 *   Q4_0  d = x_max / -8 with x_max the value of largest magnitude (the first
 *         of equals), q = min(15, (int)(x * (1 / d) + 8.5)).
 * d is used unrounded for q and stored as f16. A block of zeros has d = 0 (Q4_0:
 * the code of -0, as 0 / -8 is) and codes of value 0. Where 1 / d is not finite,
 * which needs max|x| below 1e-36, d rounds to 0 and the block is coded as zeros.
 *
 * n need not be a multiple of 32: the last block is filled up as if zeros
 * followed src, so dst has (n + 31) / 32 blocks.
 *
 * -EINVAL: n is negative, or an element is NaN or infinite. -ERANGE: a block's
 * scale is beyond f16's 65504. Blocks before the offending one have been
 * written then, and nothing of it or after it.
 */
#ifndef IG1_COMPILER_QUANT_REQUANT_H
#define IG1_COMPILER_QUANT_REQUANT_H

#include <stdint.h>

#define REQUANT_BLOCK	   32
#define REQUANT_Q8_0_BYTES 34
#define REQUANT_Q4_0_BYTES 18

int requant_row_q8_0(const float *src, void *dst, int64_t n);
int requant_row_q4_0(const float *src, void *dst, int64_t n);

#endif
