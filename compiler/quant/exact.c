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
#include "ig1_numbers.h"

#define BLOCK REQUANT_BLOCK
/* Bits between the smallest unit and the largest element's: with a float's own no more than 53. */
#define MAX_SPREAD 28

/* What a scale can be. */
struct scale {
	int bytes;
	/* The scale's bits if d is one. */
	bool (*is)(float d, uint32_t *bits);
};

struct format {
	int hi; /* largest magnitude that a factor of the scale can make */
	bool (*holds)(int64_t q);
	const struct scale *scale;
	void (*store)(const int *q, uint8_t *codes);
	/* May be NULL: a block whose scale and codes are taken where it has x's values. */
	int (*requant)(const float *src, void *dst, int64_t n);
	uint32_t type; /* of such a block */
	int scales;    /* of a block; 0: one */
	bool constant; /* behind them: added to every product */
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

/* m / g where g divides m; both are doubles, whose division is faster. */
static int64_t quotient(int64_t m, uint64_t g)
{
	return (int64_t)((double)m / (double)g);
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

/* x[i] = m[i] * 2^*unit for n i. */
static int common_unit(const float *x, int n, int64_t *m, int *unit)
{
	int e[BLOCK], least = INT32_MAX, i;

	for (i = 0; i < n; i++) {
		if (!isfinite(x[i]))
			return -EDOM;
		m[i] = 0;
		if (x[i] == 0.0f)
			continue;
		m[i] = split(x[i], &e[i]);
		least = e[i] < least ? e[i] : least;
	}
	for (i = 0; i < n; i++) {
		if (!m[i])
			continue;
		if (e[i] - least > MAX_SPREAD)
			return -EDOM;
		m[i] *= (int64_t)1 << (e[i] - least);
	}
	*unit = least;
	return 0;
}

static bool in_range(const struct format *f, const int64_t *m, int n, int64_t times, int *q)
{
	int i;

	for (i = 0; i < n; i++) {
		if (!f->holds(m[i] * times))
			return false;
		q[i] = (int)(m[i] * times);
	}
	return true;
}

/*
 * All elements are multiples of g units, so every scale that fits is g units / k, and the codes are
 * m / g * k. A scale cannot be every g; k takes factors out of it. Zeros have the scale 0.
 */
static int find_scale(const struct format *f, int64_t *m, int n, int unit, uint32_t *d, int *q)
{
	uint64_t g = 0;
	int k, i;

	for (i = 0; i < n; i++) {
		if (!g || quotient(m[i], g) * (int64_t)g != m[i])
			g = gcd((uint64_t)(m[i] < 0 ? -m[i] : m[i]), g);
	}
	if (!g) {
		*d = 0;
		memset(q, 0, (size_t)n * sizeof(*q));
		return 0;
	}
	for (i = 0; i < n; i++)
		m[i] = quotient(m[i], g);
	for (k = 1; k <= f->hi; k++) {
		int twos = __builtin_ctz((unsigned int)k);
		uint64_t odd = (uint64_t)k >> twos;
		double v;
		float narrow;

		if (g % odd)
			continue;
		v = ldexp((double)(g / odd), unit - twos);
		narrow = (float)v;
		if ((double)narrow != v || !isfinite(narrow) || !f->scale->is(narrow, d))
			continue;
		if (in_range(f, m, n, k, q))
			return 0;
		if (in_range(f, m, n, -k, q)) {
			*d |= 1u << (8 * f->scale->bytes - 1);
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

/* Makes the least of n numbers zero, the others what they are beyond it; returns which it was. */
static int take_least(int64_t *m, int n)
{
	int64_t least;
	int at = 0, i;

	for (i = 1; i < n; i++)
		at = m[i] < m[at] ? i : at;
	least = m[at];
	for (i = 0; i < n; i++)
		m[i] -= least;
	return at;
}

/* The chip rounds the product, then the sum, and takes subnormal results for 0. */
static bool sums_are_exact(const float *x, float d, const int *q, float c)
{
	int i;

	for (i = 0; i < BLOCK; i++) {
		float p = d * (float)q[i], y = p + c;

		if ((double)p != (double)d * q[i] || !(y == x[i]) || (y != 0.0f && !isnormal(y)))
			return false;
	}
	return true;
}

static uint8_t *put_scale(const struct scale *s, uint32_t bits, uint8_t *dst)
{
	if (s->bytes == 2)
		store_le16(dst, (uint16_t)bits);
	else
		store_le32(dst, bits);
	return dst + s->bytes;
}

static int block(const struct format *f, const float *x, uint8_t *dst)
{
	int n = f->scales ? BLOCK / f->scales : BLOCK, q[BLOCK], unit, least, ret, i;
	float back[BLOCK];
	int64_t m[BLOCK];
	uint32_t d;

	if (f->requant && !f->requant(x, dst, BLOCK)) {
		ggml_dequantize_row(f->type, dst, back, BLOCK);
		if (same_values(x, back))
			return 0;
	}
	for (i = 0; i < BLOCK; i += n) {
		ret = common_unit(x + i, n, m, &unit);
		least = !ret && f->constant ? take_least(m, n) : 0;
		if (!ret)
			ret = find_scale(f, m, n, unit, &d, q + i);
		if (ret)
			return ret;
		dst = put_scale(f->scale, d, dst);
	}
	if (f->constant) {
		if (!sums_are_exact(x, float_from_bits(d), q, x[least]))
			return -EDOM;
		store_le32(dst, float_bits(x[least]));
		dst += 4;
	}
	f->store(q, dst);
	return 0;
}

static bool is_half(float d, uint32_t *bits)
{
	*bits = float_to_half(d);
	return half_to_float((uint16_t)*bits) == d;
}

/* The chip takes a subnormal one for 0, of floats too. */
static bool is_bf16(float d, uint32_t *bits)
{
	*bits = float_bits(d) >> 16;
	return bf16_to_float((uint16_t)*bits) == d && isnormal(d);
}

static bool is_float(float d, uint32_t *bits)
{
	*bits = float_bits(d);
	return isnormal(d);
}

static const struct scale half_scale = { 2, is_half }, bf16_scale = { 2, is_bf16 },
			  float_scale = { 4, is_float };

static bool holds_q8_0(int64_t q)
{
	return q >= -127 && q <= 127;
}

static bool holds_q4_0(int64_t q)
{
	return q >= -8 && q <= 7;
}

static bool holds_q4_1(int64_t q)
{
	return q >= 0 && q <= 15;
}

static bool holds_q5_1(int64_t q)
{
	return q >= 0 && q <= 31;
}

static bool holds_q6_k(int64_t q)
{
	return q >= -32 && q <= 31;
}

static bool holds_t2_0(int64_t q)
{
	return q >= -2 && q <= 1;
}

static bool holds_b1_0(int64_t q)
{
	return q == -1 || q == 1;
}

/* Of a number of halves; -1: there is none. */
static int e2m1_code(int64_t q)
{
	static const int codes[] = { 0, 1, 2, 3, 4, -1, 5, -1, 6, -1, -1, -1, 7 };

	if (q < -12 || q > 12)
		return -1;
	return q < 0 ? codes[-q] | 8 : codes[q];
}

static bool holds_mx4(int64_t q)
{
	return e2m1_code(q) >= 0;
}

static int iq4_code(int64_t q)
{
	static const int8_t values[] = { IG1_NUM_IQ4 };
	int i;

	for (i = 0; i < 16; i++) {
		if (values[i] == q)
			return i;
	}
	return -1;
}

static bool holds_iq4(int64_t q)
{
	return iq4_code(q) >= 0;
}

static void store_q8_0(const int *q, uint8_t *codes)
{
	int i;

	for (i = 0; i < BLOCK; i++)
		codes[i] = (uint8_t)(int8_t)q[i];
}

/* The lowest bits of each, in the order of all formats that have nibbles, pairs or single bits. */
static void store_nibbles(const int *q, uint8_t *dst)
{
	int i;

	for (i = 0; i < BLOCK / 2; i++)
		dst[i] = (uint8_t)((q[i] & 15) | (q[i + BLOCK / 2] & 15) << 4);
}

static void store_pairs(const int *q, int shift, uint8_t *dst)
{
	int i;

	memset(dst, 0, BLOCK / 4);
	for (i = 0; i < BLOCK; i++)
		dst[i % 8] |= (uint8_t)((q[i] >> shift & 3) << i / 8 * 2);
}

static void store_bits(const int *q, int shift, uint8_t *dst)
{
	int i;

	memset(dst, 0, BLOCK / 8);
	for (i = 0; i < BLOCK; i++)
		dst[i / 8] |= (uint8_t)((q[i] >> shift & 1) << i % 8);
}

static void store_q4_0(const int *q, uint8_t *codes)
{
	int biased[BLOCK], i;

	for (i = 0; i < BLOCK; i++)
		biased[i] = q[i] + 8;
	store_nibbles(biased, codes);
}

static void store_q5_1(const int *q, uint8_t *codes)
{
	store_bits(q, 4, codes);
	store_nibbles(q, codes + BLOCK / 8);
}

static void store_q6_k(const int *q, uint8_t *codes)
{
	store_nibbles(q, codes);
	store_pairs(q, 4, codes + BLOCK / 2);
}

static void store_t2_0(const int *q, uint8_t *codes)
{
	store_pairs(q, 0, codes);
}

static void store_b1_0(const int *q, uint8_t *codes)
{
	int set[BLOCK], i;

	for (i = 0; i < BLOCK; i++)
		set[i] = q[i] > 0;
	store_bits(set, 0, codes);
}

static void store_mx4(const int *q, uint8_t *codes)
{
	int code[BLOCK], i;

	for (i = 0; i < BLOCK; i++)
		code[i] = e2m1_code(q[i]);
	store_nibbles(code, codes);
}

/* There is no 0, but in a block of zeros, whose scale is. */
static void store_iq4(const int *q, uint8_t *codes)
{
	int code[BLOCK], i;

	for (i = 0; i < BLOCK; i++)
		code[i] = q[i] ? iq4_code(q[i]) : 0;
	store_nibbles(code, codes);
}

/* clang-format off */
static const struct format formats[] = {
	[IG1_WFMT_Q8_0] = { 127, holds_q8_0, &half_scale, store_q8_0, requant_row_q8_0, GGML_TYPE_Q8_0 },
	[IG1_WFMT_Q4_0] = { 7, holds_q4_0, &half_scale, store_q4_0, requant_row_q4_0, GGML_TYPE_Q4_0 },
	[IG1_WFMT_T2_0] = { 2, holds_t2_0, &half_scale, store_t2_0 },
	[IG1_WFMT_B1_0] = { 1, holds_b1_0, &half_scale, store_b1_0 },
	[IG1_WFMT_MX4] = { 12, holds_mx4, &bf16_scale, store_mx4 },
	[IG1_WFMT_NV4] = { 12, holds_mx4, &half_scale, store_mx4, .scales = 2 },
	[IG1_WFMT_IQ4] = { 127, holds_iq4, &float_scale, store_iq4 },
	[IG1_WFMT_Q4_1] = { 15, holds_q4_1, &float_scale, store_nibbles, .constant = true },
	[IG1_WFMT_Q5_1] = { 31, holds_q5_1, &float_scale, store_q5_1, .constant = true },
	[IG1_WFMT_Q6_K] = { 32, holds_q6_k, &float_scale, store_q6_k, .scales = 2 },
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

/* -EDOM where codes have too many bits or a number is not finite. */
static int affine_block(const struct format *f, const struct ggml_affine *a, uint8_t *dst)
{
	int q[BLOCK], i;

	if (!isfinite(a->scale) || !isfinite(a->constant))
		return -EDOM;
	for (i = 0; i < BLOCK; i++) {
		q[i] = a->codes[i];
		if (!f->holds(q[i]))
			return -EDOM;
	}
	store_le32(dst, float_bits(a->scale));
	store_le32(dst + 4, float_bits(a->constant));
	f->store(q, dst + 8);
	return 0;
}

int exact_blocks(uint32_t wfmt, uint32_t type, const void *src, const float *values, void *dst,
		 int64_t n)
{
	size_t bytes = ig1_wfmt_block_bytes(wfmt);
	struct ggml_affine a;
	uint8_t *p = dst;
	int64_t g;
	int ret;

	if (n < 0 || !bytes)
		return -EINVAL;
	for (g = 0; g < n / BLOCK; g++, p += bytes) {
		ret = formats[wfmt].constant ? ggml_affine_group(type, src, g, &a) : -ENOTSUP;
		if (!ret)
			ret = affine_block(&formats[wfmt], &a, p);
		if (ret)
			return exact_row(wfmt, values, dst, n);
	}
	return g ? 0 : exact_row(wfmt, values, dst, n);
}
