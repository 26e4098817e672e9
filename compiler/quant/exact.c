// SPDX-License-Identifier: MIT
#include "compiler/quant/exact.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "compiler/quant/ggml_types.h"
#include "compiler/quant/half.h"
#include "compiler/quant/requant.h"
#include "ig1_isa.h"

#define BLOCK	   REQUANT_BLOCK
#define MAX_SPREAD 32 /* bits between the smallest unit and the largest element's */

struct format {
	int hi; /* largest magnitude that a factor of the scale can make */
	bool (*holds)(int64_t q);
	/* The scale's bits if d is one. */
	bool (*scale)(float d, uint16_t *bits);
	void (*store)(const int *q, uint8_t *codes);
	/* May be NULL: a block whose scale and codes are taken where it has x's values. */
	int (*requant)(const float *src, void *dst, int64_t n);
	uint32_t type; /* of such a block */
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

		if (!f->holds(v))
			return false;
		q[i] = (int)v;
	}
	return true;
}

/*
 * All elements are multiples of g units, so every scale that fits is g units / k, and the codes are
 * m / g * k. A scale cannot be every g; k takes factors out of it. Zeros have the scale 0.
 */
static int find_scale(const struct format *f, const int64_t *m, int unit, uint16_t *d, int *q)
{
	uint64_t g = 0;
	int k, i;

	for (i = 0; i < BLOCK; i++)
		g = gcd(g, (uint64_t)(m[i] < 0 ? -m[i] : m[i]));
	if (!g) {
		*d = 0;
		memset(q, 0, BLOCK * sizeof(*q));
		return 0;
	}
	for (k = 1; k <= f->hi; k++) {
		int twos = __builtin_ctz((unsigned int)k);
		uint64_t odd = (uint64_t)k >> twos;
		double v;
		float narrow;

		if (g % odd)
			continue;
		v = ldexp((double)(g / odd), unit - twos);
		narrow = (float)v;
		if ((double)narrow != v || !isfinite(narrow) || !f->scale(narrow, d))
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

	if (f->requant && !f->requant(x, dst, BLOCK)) {
		ggml_dequantize_row(f->type, dst, back, BLOCK);
		if (same_values(x, back))
			return 0;
	}
	ret = common_unit(x, m, &unit);
	if (!ret)
		ret = find_scale(f, m, unit, &d, q);
	if (ret)
		return ret;
	store_le16(dst, d);
	f->store(q, dst + 2);
	return 0;
}

static bool half_scale(float d, uint16_t *bits)
{
	*bits = float_to_half(d);
	return half_to_float(*bits) == d;
}

/* The chip takes a subnormal one for 0. */
static bool bf16_scale(float d, uint16_t *bits)
{
	*bits = (uint16_t)(float_bits(d) >> 16);
	return bf16_to_float(*bits) == d && isnormal(d);
}

static bool holds_q8_0(int64_t q)
{
	return q >= -127 && q <= 127;
}

static bool holds_q4_0(int64_t q)
{
	return q >= -8 && q <= 7;
}

static bool holds_t2_0(int64_t q)
{
	return q >= -2 && q <= 1;
}

static bool holds_b1_0(int64_t q)
{
	return q == -1 || q == 1;
}

static const int e2m1[] = { 0, 1, 2, 3, 4, 6, 8, 12 }; /* in halves */

static int e2m1_code(int64_t q)
{
	int i;

	for (i = 0; i < 8; i++) {
		if (e2m1[i] == q || e2m1[i] == -q)
			return q < 0 ? i | 8 : i;
	}
	return -1;
}

static bool holds_mx4(int64_t q)
{
	return e2m1_code(q) >= 0;
}

static void store_q8_0(const int *q, uint8_t *codes)
{
	int i;

	for (i = 0; i < BLOCK; i++)
		codes[i] = (uint8_t)(int8_t)q[i];
}

static void store_q4_0(const int *q, uint8_t *codes)
{
	int i;

	for (i = 0; i < BLOCK / 2; i++)
		codes[i] = (uint8_t)((q[i] + 8) | (q[i + BLOCK / 2] + 8) << 4);
}

static void store_t2_0(const int *q, uint8_t *codes)
{
	int i;

	memset(codes, 0, BLOCK / 4);
	for (i = 0; i < BLOCK; i++)
		codes[i % 8] |= (uint8_t)((q[i] & 3) << i / 8 * 2);
}

static void store_b1_0(const int *q, uint8_t *codes)
{
	int i;

	memset(codes, 0, BLOCK / 8);
	for (i = 0; i < BLOCK; i++)
		codes[i / 8] |= (uint8_t)((q[i] > 0) << i % 8);
}

static void store_mx4(const int *q, uint8_t *codes)
{
	int i;

	for (i = 0; i < BLOCK / 2; i++)
		codes[i] = (uint8_t)(e2m1_code(q[i]) | e2m1_code(q[i + BLOCK / 2]) << 4);
}

/* clang-format off */
static const struct format formats[] = {
	[IG1_WFMT_Q8_0] = { 127, holds_q8_0, half_scale, store_q8_0, requant_row_q8_0, GGML_TYPE_Q8_0 },
	[IG1_WFMT_Q4_0] = { 7, holds_q4_0, half_scale, store_q4_0, requant_row_q4_0, GGML_TYPE_Q4_0 },
	[IG1_WFMT_T2_0] = { 2, holds_t2_0, half_scale, store_t2_0 },
	[IG1_WFMT_B1_0] = { 1, holds_b1_0, half_scale, store_b1_0 },
	[IG1_WFMT_MX4] = { 12, holds_mx4, bf16_scale, store_mx4 },
};
/* clang-format on */

int exact_row(uint32_t wfmt, const float *src, void *dst, int64_t n)
{
	size_t bytes = ig1_wfmt_block_bytes(wfmt);
	const struct format *f;
	float last[BLOCK] = { 0 };
	uint8_t *p = dst;
	int ret = 0;

	if (n < 0 || !bytes)
		return -EINVAL;
	f = &formats[wfmt];
	for (; n >= BLOCK && !ret; n -= BLOCK, src += BLOCK, p += bytes)
		ret = block(f, src, p);
	if (ret || !n)
		return ret;
	memcpy(last, src, (size_t)n * sizeof(*src));
	return block(f, last, p);
}
