// SPDX-License-Identifier: MIT
#include "tests/models/kquant.h"

#include <math.h>
#include <string.h>

#include "compiler/quant/half.h"
#include "ig1_numbers.h"

static int clamp(float v, int lo, int hi)
{
	return v < (float)lo ? lo : v > (float)hi ? hi : (int)lrintf(v);
}

/* v / d, 0 where there is nothing to divide. */
static float ratio(float v, float d)
{
	return d != 0.0f ? v / d : 0.0f;
}

/* 256 values: d * scale * q - dmin * min, scale and min of 6 bits per 32. */
static void block_q4_k(const float *x, uint8_t *b)
{
	uint8_t *a = b + 4, *qs = b + 16;
	float step[8], low[8], step_max = 0, low_max = 0, d, dmin;
	int s, l, sc, m, q;

	memset(b, 0, KQUANT_Q4_K_BYTES);
	for (s = 0; s < 8; s++) {
		float lo = 0, hi = 0;

		for (l = 0; l < 32; l++) {
			lo = fminf(lo, x[32 * s + l]);
			hi = fmaxf(hi, x[32 * s + l]);
		}
		step[s] = (hi - lo) / 15;
		low[s] = -lo;
		step_max = fmaxf(step_max, step[s]);
		low_max = fmaxf(low_max, low[s]);
	}
	store_le16(b, float_to_half(step_max / 63));
	store_le16(b + 2, float_to_half(low_max / 63));
	d = half_to_float(load_le16(b));
	dmin = half_to_float(load_le16(b + 2));
	for (s = 0; s < 8; s++) {
		sc = clamp(ratio(step[s], d), 0, 63);
		m = clamp(ratio(low[s], dmin), 0, 63);
		if (s < 4) {
			a[s] |= sc;
			a[s + 4] |= m;
		} else {
			a[s + 4] |= (sc & 15) | (m & 15) << 4;
			a[s - 4] |= sc >> 4 << 6;
			a[s] |= m >> 4 << 6;
		}
		for (l = 0; l < 32; l++) {
			q = clamp(ratio(x[32 * s + l] + dmin * m, d * sc), 0, 15);
			qs[32 * (s / 2) + l] |= q << 4 * (s % 2);
		}
	}
}

/* 256 values: d * scale * (q - 32), scale of 8 bits per 16. */
static void block_q6_k(const float *x, uint8_t *b)
{
	uint8_t *ql = b, *qh = b + 128, *scales = b + 192;
	float step[16], step_max = 0, d;
	int k, j, sc, q;

	memset(b, 0, KQUANT_Q6_K_BYTES);
	for (k = 0; k < 16; k++) {
		float top = 0;

		for (j = 0; j < 16; j++)
			top = fmaxf(top, fabsf(x[16 * k + j]));
		step[k] = top / 31;
		step_max = fmaxf(step_max, step[k]);
	}
	store_le16(b + 208, float_to_half(step_max / 127));
	d = half_to_float(load_le16(b + 208));
	for (k = 0; k < 16; k++) {
		sc = clamp(ratio(step[k], d), 0, 127);
		scales[k] = (uint8_t)sc;
		for (j = 16 * k; j < 16 * k + 16; j++) {
			int n = j / 128, g = j / 32 % 4, l = j % 32;

			q = clamp(ratio(x[j], d * sc), -32, 31) + 32;
			ql[64 * n + 32 * (g % 2) + l] |= (q & 15) << 4 * (g / 2);
			qh[32 * n + l] |= q >> 4 << 2 * g;
		}
	}
}

void kquant_q4_k(const float *src, uint8_t *dst, size_t n)
{
	for (; n >= KQUANT_BLOCK; n -= KQUANT_BLOCK) {
		block_q4_k(src, dst);
		src += KQUANT_BLOCK;
		dst += KQUANT_Q4_K_BYTES;
	}
}

void kquant_q6_k(const float *src, uint8_t *dst, size_t n)
{
	for (; n >= KQUANT_BLOCK; n -= KQUANT_BLOCK) {
		block_q6_k(src, dst);
		src += KQUANT_BLOCK;
		dst += KQUANT_Q6_K_BYTES;
	}
}

/* The mean magnitude as a half. */
static uint16_t mean(const float *x, int n)
{
	float sum = 0;
	int j;

	for (j = 0; j < n; j++)
		sum += fabsf(x[j]);
	return float_to_half(sum / (float)n);
}

void kquant_tq2_0(const float *src, uint8_t *dst, size_t n)
{
	for (; n >= KQUANT_BLOCK; n -= KQUANT_BLOCK) {
		uint16_t h = mean(src, KQUANT_BLOCK);
		float d = half_to_float(h);
		int j;

		memset(dst, 0, KQUANT_TQ2_0_BYTES);
		for (j = 0; j < KQUANT_BLOCK; j++) {
			int q = clamp(ratio(src[j], d), -1, 1) + 1;

			dst[32 * (j / 128) + j % 32] |= q << 2 * (j / 32 % 4);
		}
		store_le16(dst + 64, h);
		src += KQUANT_BLOCK;
		dst += KQUANT_TQ2_0_BYTES;
	}
}

void kquant_q1_0(const float *src, uint8_t *dst, size_t n)
{
	for (; n >= KQUANT_Q1_0_BLOCK; n -= KQUANT_Q1_0_BLOCK) {
		int j;

		memset(dst, 0, KQUANT_Q1_0_BYTES);
		store_le16(dst, mean(src, KQUANT_Q1_0_BLOCK));
		for (j = 0; j < KQUANT_Q1_0_BLOCK; j++)
			dst[2 + j / 8] |= (src[j] >= 0) << j % 8;
		src += KQUANT_Q1_0_BLOCK;
		dst += KQUANT_Q1_0_BYTES;
	}
}

/* The nearest of E2M1's numbers: magnitudes by code, bit 3 the sign. */
static uint8_t e2m1(float v)
{
	static const float magnitudes[] = { 0, 0.5f, 1, 1.5f, 2, 3, 4, 6 };
	uint8_t best = 0, k;

	for (k = 1; k < 8; k++) {
		if (fabsf(fabsf(v) - magnitudes[k]) < fabsf(fabsf(v) - magnitudes[best]))
			best = k;
	}
	return v < 0 ? best | 8 : best;
}

void kquant_mxfp4(const float *src, uint8_t *dst, size_t n)
{
	for (; n >= 32; n -= 32, src += 32, dst += 17) {
		float top = 0;
		int exponent = 0, j;

		for (j = 0; j < 32; j++)
			top = fmaxf(top, fabsf(src[j]));
		/* the largest comes to lie from 4 to 8 */
		frexpf(top, &exponent);
		exponent = clamp(exponent - 3, -127, 127);
		dst[0] = (uint8_t)(exponent + 127);
		for (j = 0; j < 16; j++)
			dst[1 + j] = (uint8_t)(e2m1(ldexpf(src[j], -exponent)) |
					       e2m1(ldexpf(src[j + 16], -exponent)) << 4);
	}
}

/* UE4M3: four bits of exponent, three of fraction; the last code is no number. */
static float ue4m3(int code)
{
	int exponent = code >> 3, mantissa = code & 7;

	return exponent ? ldexpf((float)(8 + mantissa), exponent - 10)
			: ldexpf((float)mantissa, -9);
}

/* The first code of those that are nearest to what makes 6 of the largest. */
static int nvfp4_scale(const float *x)
{
	float top = 0;
	int best = 0, k;

	for (k = 0; k < 16; k++)
		top = fmaxf(top, fabsf(x[k]));
	for (k = 1; k < 0x7f; k++) {
		if (fabsf(ue4m3(k) - top / 6) < fabsf(ue4m3(best) - top / 6))
			best = k;
	}
	return best;
}

void kquant_nvfp4(const float *src, uint8_t *dst, size_t n)
{
	for (; n >= 64; n -= 64, src += 64, dst += 36) {
		int i, j;

		for (i = 0; i < 4; i++) {
			const float *x = src + 16 * i;
			int code = nvfp4_scale(x);
			float d = ue4m3(code);

			dst[i] = (uint8_t)code;
			for (j = 0; j < 8; j++)
				dst[4 + 8 * i + j] = (uint8_t)(e2m1(ratio(x[j], d)) |
							       e2m1(ratio(x[j + 8], d)) << 4);
		}
	}
}

/* 32 values: d * q + m with q up to top; d and m to dst. */
static void affine(const float *x, int top, uint8_t *dst, int *q)
{
	float lo = x[0], hi = x[0], d, m;
	int j;

	for (j = 1; j < 32; j++) {
		lo = fminf(lo, x[j]);
		hi = fmaxf(hi, x[j]);
	}
	store_le16(dst, float_to_half((hi - lo) / (float)top));
	store_le16(dst + 2, float_to_half(lo));
	d = half_to_float(load_le16(dst));
	m = half_to_float(load_le16(dst + 2));
	for (j = 0; j < 32; j++)
		q[j] = clamp(ratio(x[j] - m, d), 0, top);
}

static void nibbles(const int *q, uint8_t *dst)
{
	int j;

	for (j = 0; j < 16; j++)
		dst[j] = (uint8_t)((q[j] & 15) | (q[j + 16] & 15) << 4);
}

void kquant_q4_1(const float *src, uint8_t *dst, size_t n)
{
	int q[32];

	for (; n >= 32; n -= 32, src += 32, dst += 20) {
		affine(src, 15, dst, q);
		nibbles(q, dst + 4);
	}
}

void kquant_q5_1(const float *src, uint8_t *dst, size_t n)
{
	int q[32], j;

	for (; n >= 32; n -= 32, src += 32, dst += 24) {
		affine(src, 31, dst, q);
		memset(dst + 4, 0, 4);
		for (j = 0; j < 32; j++)
			dst[4 + j / 8] |= (uint8_t)((q[j] >> 4) << j % 8);
		nibbles(q, dst + 8);
	}
}

void kquant_iq4_nl(const float *src, uint8_t *dst, size_t n)
{
	static const int8_t values[] = { IG1_NUM_IQ4 };

	for (; n >= 32; n -= 32, src += 32, dst += 18) {
		float largest = 0, d;
		int q[32], j, k;

		for (j = 0; j < 32; j++)
			largest = fabsf(src[j]) > fabsf(largest) ? src[j] : largest;
		store_le16(dst, float_to_half(largest / -127));
		d = half_to_float(load_le16(dst));
		for (j = 0; j < 32; j++) {
			float v = ratio(src[j], d);

			for (q[j] = 0, k = 1; k < 16; k++)
				q[j] = fabsf(v - values[k]) < fabsf(v - values[q[j]]) ? k : q[j];
		}
		nibbles(q, dst + 2);
	}
}
