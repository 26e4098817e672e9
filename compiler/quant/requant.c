// SPDX-License-Identifier: MIT
#include "compiler/quant/requant.h"

#include <errno.h>
#include <math.h>
#include <stddef.h>

#include "compiler/quant/half.h"

/*
 * NaN and infinity have the largest exponents, so one maximum over the magnitude
 * bits tells both whether the block is finite and its max|x|.
 */
static uint32_t largest_bits(const float *x)
{
	uint32_t top = 0;
	int j;

	for (j = 0; j < REQUANT_BLOCK; j++) {
		uint32_t u = float_bits(x[j]) & 0x7fffffffu;

		top = u > top ? u : top;
	}
	return top;
}

/* The scale as stored, and 1 / d for the codes (0 where the block is coded as zeros). */
static int make_scale(float d, uint16_t *stored, float *inverse)
{
	*stored = float_to_half(d);
	if ((*stored & 0x7fff) >= 0x7c00)
		return -ERANGE;
	*inverse = d != 0.0f ? 1.0f / d : 0.0f;
	if (!isfinite(*inverse))
		*inverse = 0.0f;
	return 0;
}

/* roundf for |v| < 2^23, half away from zero, in a form that vectorises: v - i is exact. */
static inline int round_half_away(float v)
{
	int i = (int)v;
	float rest = v - (float)i;

	return i + (rest >= 0.5f) - (rest <= -0.5f);
}

static int block_q8_0(const float *x, uint8_t *out)
{
	uint32_t top = largest_bits(x);
	uint16_t stored;
	float inverse;
	int j, rc;

	if (top >= 0x7f800000u)
		return -EINVAL;
	rc = make_scale(float_from_bits(top) / 127.0f, &stored, &inverse);
	if (rc)
		return rc;
	store_le16(out, stored);
	for (j = 0; j < REQUANT_BLOCK; j++)
		out[2 + j] = (uint8_t)(int8_t)round_half_away(x[j] * inverse);
	return 0;
}

static int block_q4_0(const float *x, uint8_t *out)
{
	uint32_t top = largest_bits(x);
	float largest = 0.0f, inverse;
	uint16_t stored;
	uint8_t q[REQUANT_BLOCK];
	int j, rc;

	if (top >= 0x7f800000u)
		return -EINVAL;
	/* A block of zeros keeps +0 whatever the zeros' signs, so that d is always -0. */
	for (j = 0; top && j < REQUANT_BLOCK; j++) {
		if ((float_bits(x[j]) & 0x7fffffffu) == top) {
			largest = x[j];
			break;
		}
	}
	rc = make_scale(largest / -8.0f, &stored, &inverse);
	if (rc)
		return rc;
	store_le16(out, stored);
	for (j = 0; j < REQUANT_BLOCK; j++) {
		int v = (int)(x[j] * inverse + 8.5f);

		q[j] = v > 15 ? 15 : v;
	}
	for (j = 0; j < REQUANT_BLOCK / 2; j++)
		out[2 + j] = q[j] | q[j + REQUANT_BLOCK / 2] << 4;
	return 0;
}

static int requant_row(const float *src, uint8_t *dst, int64_t n, size_t bytes,
		       int (*block)(const float *x, uint8_t *out))
{
	float last[REQUANT_BLOCK] = { 0 };
	int rc;

	if (n < 0)
		return -EINVAL;
	for (; n >= REQUANT_BLOCK; n -= REQUANT_BLOCK, src += REQUANT_BLOCK, dst += bytes) {
		rc = block(src, dst);
		if (rc)
			return rc;
	}
	if (n == 0)
		return 0;
	memcpy(last, src, (size_t)n * sizeof(*src));
	return block(last, dst);
}

int requant_row_q8_0(const float *src, void *dst, int64_t n)
{
	return requant_row(src, dst, n, REQUANT_Q8_0_BYTES, block_q8_0);
}

int requant_row_q4_0(const float *src, void *dst, int64_t n)
{
	return requant_row(src, dst, n, REQUANT_Q4_0_BYTES, block_q4_0);
}
