// SPDX-License-Identifier: MIT
#include "compiler/quant/exact.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "compiler/quant/ggml_types.h"
#include "compiler/quant/half.h"
#include "compiler/quant/requant.h"

#define BLOCK	   REQUANT_BLOCK
#define MAX_SPREAD 32 /* bits between the smallest unit and the largest element's */

struct format {
	uint32_t type;
	size_t bytes;
	int lo, hi;
	int (*requant)(const float *src, void *dst, int64_t n);
	void (*store)(uint16_t d, const int *q, uint8_t *dst);
};

static uint64_t gcd(uint64_t a, uint64_t b)
{
	while (b) {
		uint64_t r = a % b;

		a = b;
		b = r;
	}
	return a;
}

/* x = m * 2^e with m odd; x is finite and not 0. */
static int64_t split(float x, int *e)
{
	uint32_t u = float_bits(x), m = u & 0x7fffff;
	int exponent = (int)(u >> 23 & 255), zeros;

	*e = exponent ? exponent - 150 : -149;
	m |= exponent ? 0x800000 : 0;
	zeros = __builtin_ctz(m);
	*e += zeros;
	return u >> 31 ? -(int64_t)(m >> zeros) : (int64_t)(m >> zeros);
}

/* x[i] = m[i] * 2^*unit for all i. */
static int common_unit(const float *x, int64_t *m, int *unit)
{
	int e[BLOCK], least = INT32_MAX, i;

	for (i = 0; i < BLOCK; i++) {
		if (!isfinite(x[i]))
			return -EDOM;
		m[i] = 0;
		if (x[i] == 0.0f)
			continue;
		m[i] = split(x[i], &e[i]);
		least = e[i] < least ? e[i] : least;
	}
	for (i = 0; i < BLOCK; i++) {
		if (!m[i])
			continue;
		if (e[i] - least > MAX_SPREAD)
			return -EDOM;
		m[i] *= (int64_t)1 << (e[i] - least);
	}
	*unit = least;
	return 0;
}

static bool in_range(const struct format *f, const int64_t *m, int64_t by, int64_t times, int *q)
{
	int i;

	for (i = 0; i < BLOCK; i++) {
		int64_t v = m[i] / by * times;

		if (v < f->lo || v > f->hi)
			return false;
		q[i] = (int)v;
	}
	return true;
}

/*
 * All elements are multiples of g units, so every scale that fits is g units / k, and the codes are
 * m / g * k. A half cannot hold every g; k takes factors out of it.
 */
static int find_scale(const struct format *f, const int64_t *m, int unit, uint16_t *d, int *q)
{
	uint64_t g = 0;
	int k, i;

	for (i = 0; i < BLOCK; i++)
		g = gcd(g, (uint64_t)(m[i] < 0 ? -m[i] : m[i]));
	for (k = 1; k <= f->hi; k++) {
		int twos = __builtin_ctz((unsigned int)k);
		uint64_t odd = (uint64_t)k >> twos;
		double v;
		float narrow;

		if (g % odd)
			continue;
		v = ldexp((double)(g / odd), unit - twos);
		narrow = (float)v;
		if ((double)narrow != v || !isfinite(narrow))
			continue;
		*d = float_to_half(narrow);
		if (half_to_float(*d) != narrow)
			continue;
		if (in_range(f, m, (int64_t)g, k, q))
			return 0;
		if (in_range(f, m, (int64_t)g, -k, q)) {
			*d |= 0x8000;
			return 0;
		}
	}
	return -EDOM;
}

static bool same_values(const float *a, const float *b)
{
	int i;

	for (i = 0; i < BLOCK; i++) {
		if (!(a[i] == b[i]))
			return false;
	}
	return true;
}

static int block(const struct format *f, const float *x, uint8_t *dst)
{
	int64_t m[BLOCK];
	float back[BLOCK];
	int q[BLOCK], unit, ret;
	uint16_t d;

	ret = f->requant(x, dst, BLOCK);
	if (!ret) {
		ggml_dequantize_row(f->type, dst, back, BLOCK);
		if (same_values(x, back))
			return 0;
	}
	ret = common_unit(x, m, &unit);
	if (!ret)
		ret = find_scale(f, m, unit, &d, q);
	if (!ret)
		f->store(d, q, dst);
	return ret;
}

static void store_q8_0(uint16_t d, const int *q, uint8_t *dst)
{
	int i;

	store_le16(dst, d);
	for (i = 0; i < BLOCK; i++)
		dst[2 + i] = (uint8_t)(int8_t)q[i];
}

static void store_q4_0(uint16_t d, const int *q, uint8_t *dst)
{
	int i;

	store_le16(dst, d);
	for (i = 0; i < BLOCK / 2; i++)
		dst[2 + i] = (uint8_t)((q[i] + 8) | (q[i + BLOCK / 2] + 8) << 4);
}

static int row(const struct format *f, const float *src, uint8_t *dst, int64_t n)
{
	float last[BLOCK] = { 0 };
	int ret = 0;

	if (n < 0)
		return -EINVAL;
	for (; n >= BLOCK && !ret; n -= BLOCK, src += BLOCK, dst += f->bytes)
		ret = block(f, src, dst);
	if (ret || !n)
		return ret;
	memcpy(last, src, (size_t)n * sizeof(*src));
	return block(f, last, dst);
}

int exact_row_q8_0(const float *src, void *dst, int64_t n)
{
	static const struct format q8_0 = { GGML_TYPE_Q8_0,   REQUANT_Q8_0_BYTES, -127, 127,
					    requant_row_q8_0, store_q8_0 };

	return row(&q8_0, src, dst, n);
}

int exact_row_q4_0(const float *src, void *dst, int64_t n)
{
	static const struct format q4_0 = { GGML_TYPE_Q4_0,   REQUANT_Q4_0_BYTES, -8, 7,
					    requant_row_q4_0, store_q4_0 };

	return row(&q4_0, src, dst, n);
}
