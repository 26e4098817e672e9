// SPDX-License-Identifier: MIT
/*
 * fp.h against fp64 models of its definitions, and every SIMD variant against the scalar kernels
 * bit for bit, on random and corner operands.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "blocks.h"
#include "compiler/tests/test_skip.h"
#include "fp.h"
#include "kernels.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

float soft_mul(float a, float b);
float soft_add(float a, float b);
float soft_sigmoid(float x);
float soft_rsqrt(float x);

static uint64_t rng_state;

static uint32_t rng(void)
{
	rng_state ^= rng_state << 13;
	rng_state ^= rng_state >> 7;
	rng_state ^= rng_state << 17;
	return (uint32_t)(rng_state >> 16);
}

static const uint32_t corners[] = {
	0x00000000, 0x80000000, 0x00000001, 0x80000001, 0x007fffff, 0x807fffff, 0x00800000,
	0x80800000, 0x00800001, 0x00ffffff, 0x01000000, 0x3f800000, 0xbf800000, 0x3f800001,
	0x3f7fffff, 0x3f000000, 0xbf000000, 0x3effffff, 0x40000000, 0x4b000000, 0x4b7fffff,
	0x4b800000, 0x42fe0000, 0x42ff0000, 0x42feffff, 0x42b17217, 0x42b17218, 0xc2aeac4f,
	0xc2aeac50, 0x7e7fffff, 0x7e800000, 0x7e800001, 0x7effffff, 0x7f000000, 0x7f7fffff,
	0xff7fffff, 0x7f800000, 0xff800000, 0x7fc00000, 0xffc00000, 0x7f800001, 0xff800001,
	0x1f800000, 0x1fffffff, 0x20000000, 0x5f800000, 0x3fc00000, 0x40200000, 0xc0200000,
};

#define N_CORNERS (sizeof(corners) / sizeof(corners[0]))

/* 0: any bits and corners; 1: finite and of a model's size; 2: sums and products underflow */
static float rnd(int tame)
{
	uint32_t r = rng();

	if (tame == 2)
		return ig1_f32_from((r & IG1_SIGN) | (1 + r % 4) << 23 | (rng() % 32) << 18);
	if (tame)
		return ((float)(int32_t)rng() * 0x1p-31f) * ig1_f32_from((124 + r % 6) << 23);
	switch (r % 8) {
	case 0:
		return ig1_f32_from(corners[rng() % N_CORNERS]);
	case 1: /* few significant bits: ties and cancellations */
		return ig1_f32_from((r & IG1_SIGN) | (120 + rng() % 16) << 23 | (rng() % 32) << 18);
	case 2: /* near the flush */
		return ig1_f32_from((r & IG1_SIGN) | (rng() % 4) << 23 | (rng() & IG1_MANT));
	case 3:
	case 4:
		return ig1_f32_from((r & IG1_SIGN) | (100 + rng() % 40) << 23 | (rng() & IG1_MANT));
	default:
		return ig1_f32_from(rng());
	}
}

static int same(float a, float b)
{
	return ig1_f32_bits(a) == ig1_f32_bits(b);
}

/* ---- fp.h against fp64 ---- */

static double flushed(float x)
{
	return (double)ig1_f32_from(ig1_daz_bits(ig1_f32_bits(x)));
}

typedef double ref_fn(double);

static double ref_recip(double x)
{
	return 1 / x;
}

static double ref_rsqrt(double x)
{
	return x == 0 ? INFINITY : 1 / sqrt(x);
}

static double ref_sigmoid(double x)
{
	return 1 / (1 + exp(-x));
}

static double ref_silu(double x)
{
	return x / (1 + exp(-x));
}

/* bound: in units of 2^-24 */
static double worst(float (*f)(float), ref_fn *ref, int silu, double bound, uint32_t step)
{
	double max = 0;
	uint64_t i;

	for (i = rng() % step; i < UINT64_C(1) << 32; i += step) {
		float x = ig1_f32_from((uint32_t)i);
		double want, got, err;

		if (ig1_is_nan_bits((uint32_t)i))
			continue;
		want = ref(flushed(x));
		got = (double)f(x);
		if (isnan(want)) {
			/* silu(-inf) = -inf * 0 */
			assert_true(isnan(got));
			continue;
		}
		if (isinf(want) || fabs(want) > 0x1.fffffep127 ||
		    fabs(want) < 0x1p-126 * (1 + 0x1p-20)) {
			if (fabs(want) < 0x1p-126 * (1 - 0x1p-20) && got != 0)
				fail_msg("%08x gives %a, not zero", (uint32_t)i, got);
			if (isinf(want) && got != want)
				fail_msg("%08x gives %a, not %a", (uint32_t)i, got, want);
			continue;
		}
		/* sigmoid(x) itself is flushed there */
		if (silu && (double)x < -87.33) {
			assert_true(fabs(got - want) < 0x1p-119);
			continue;
		}
		err = fabs(got / want - 1);
		if (!(err <= bound * 0x1p-24))
			fail_msg("%08x gives %a, not %a", (uint32_t)i, got, want);
		max = err > max ? err : max;
	}
	return max;
}

static void special_functions(void **state)
{
	const uint32_t step = 4099;
	double e = worst(ig1_exp, exp, 0, IG1_BOUND_EXP, step);
	double r = worst(ig1_recip, ref_recip, 0, IG1_BOUND_RECIP, step);
	double q = worst(ig1_rsqrt, ref_rsqrt, 0, IG1_BOUND_RSQRT, step);
	double g = worst(ig1_sigmoid, ref_sigmoid, 0, IG1_BOUND_SIGMOID, step);
	double l = worst(ig1_silu, ref_silu, 1, IG1_BOUND_SILU, step);

	(void)state;
	print_message("# worst relative error: exp 2^%.2f, recip 2^%.2f, rsqrt 2^%.2f, "
		      "sigmoid 2^%.2f, silu 2^%.2f\n",
		      log2(e), log2(r), log2(q), log2(g), log2(l));
}

static void special_values(void **state)
{
	static const struct {
		float (*f)(float);
		uint32_t x, y;
	} t[] = {
		{ ig1_recip, 0x00000000, 0x7f800000 },	 { ig1_recip, 0x80000000, 0xff800000 },
		{ ig1_recip, 0x007fffff, 0x7f800000 },	 { ig1_recip, 0x807fffff, 0xff800000 },
		{ ig1_recip, 0x7f800000, 0x00000000 },	 { ig1_recip, 0xff800000, 0x80000000 },
		{ ig1_recip, 0xffc00001, 0x7fc00000 },	 { ig1_recip, 0x7e800000, 0x00800000 },
		{ ig1_recip, 0xfe800001, 0x80000000 },	 { ig1_recip, 0x3f800000, 0x3f800000 },
		{ ig1_recip, 0xc0800000, 0xbe800000 },	 { ig1_rsqrt, 0x00000000, 0x7f800000 },
		{ ig1_rsqrt, 0x80000000, 0x7f800000 },	 { ig1_rsqrt, 0x80000001, 0x7f800000 },
		{ ig1_rsqrt, 0x7f800000, 0x00000000 },	 { ig1_rsqrt, 0xff800000, 0x7fc00000 },
		{ ig1_rsqrt, 0x80800000, 0x7fc00000 },	 { ig1_rsqrt, 0x7f800001, 0x7fc00000 },
		{ ig1_exp, 0x00000000, 0x3f800000 },	 { ig1_exp, 0x80000001, 0x3f800000 },
		{ ig1_exp, 0x7f800000, 0x7f800000 },	 { ig1_exp, 0xff800000, 0x00000000 },
		{ ig1_exp, 0x42b17218, 0x7f800000 },	 { ig1_exp, 0xc2aeac50, 0x00000000 },
		{ ig1_exp, 0xffffffff, 0x7fc00000 },	 { ig1_sigmoid, 0x00000000, 0x3f000000 },
		{ ig1_sigmoid, 0x7f800000, 0x3f800000 }, { ig1_sigmoid, 0xff800000, 0x00000000 },
		{ ig1_sigmoid, 0x7fc00000, 0x7fc00000 }, { ig1_silu, 0x80000000, 0x80000000 },
		{ ig1_silu, 0x7f800000, 0x7f800000 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		uint32_t got = ig1_f32_bits(t[i].f(ig1_f32_from(t[i].x)));

		if (got != t[i].y)
			fail_msg("row %zu: %08x gives %08x, not %08x", i, t[i].x, got, t[i].y);
	}
}

/* the processor's flush mode and the written-out form agree */
static void software_flush(void **state)
{
	const struct ig1_fpenv dflt = { 0x1f80 };
	int i;

	(void)state;
	for (i = 0; i < 3000000; i++) {
		float a = rnd(0), b = rnd(0);
		float m, s, g, r, sm, ss, sg, sr;

		if (i % 4 == 0) { /* products around 2^-126 */
			uint32_t e = 1 + rng() % 126;

			a = ig1_f32_from(e << 23 | (rng() & IG1_MANT));
			b = ig1_f32_from((127 - e + rng() % 3) << 23 | (rng() & IG1_MANT));
			if (i % 8 == 0) { /* within an ulp of it */
				b = ig1_recip(
					ig1_f32_from(IG1_F32_ONE | (ig1_f32_bits(a) & IG1_MANT)));
				b = ig1_f32_from((127 - e) << 23 |
						 ((ig1_f32_bits(b) + rng() % 3 - 1) & IG1_MANT));
			}
		}
		a = ig1_fp_pin(a);
		b = ig1_fp_pin(b);
		m = ig1_canon(ig1_fp_pin(ig1_mul(a, b)));
		s = ig1_canon(ig1_fp_pin(ig1_add(a, b)));
		g = ig1_fp_pin(ig1_sigmoid(a));
		r = ig1_fp_pin(ig1_rsqrt(a));
		ig1_fp_leave(dflt);
		sm = ig1_canon(soft_mul(a, b));
		ss = ig1_canon(soft_add(a, b));
		sg = soft_sigmoid(a);
		sr = soft_rsqrt(a);
		ig1_fp_enter();
		if (!same(m, sm) || !same(s, ss) || !same(g, sg) || !same(r, sr))
			fail_msg("operands %08x %08x", ig1_f32_bits(a), ig1_f32_bits(b));
	}
}

static void f16_all(void **state)
{
	uint32_t h;

	(void)state;
	for (h = 0; h < 65536; h++) {
		uint32_t e = h >> 10 & 31, m = h & 1023;
		double want = e ? ldexp(1024 + m, (int)e - 25) : ldexp(m, -24);
		float got = ig1_f16_to_f32((uint16_t)h);

		if (e == 31 && m) {
			assert_int_equal(ig1_f32_bits(got), IG1_F32_NAN);
			continue;
		}
		if (e == 31)
			want = INFINITY;
		assert_true((double)got == (h & 0x8000 ? -want : want));
		assert_int_equal(!!signbit(got), h >> 15);
	}
}

static void to_i8_dense(void **state)
{
	uint64_t i;

	(void)state;
	for (i = 0; i < UINT64_C(1) << 32;
	     i += i >> 23 > 125 && (i & IG1_MAG) >> 23 < 136 ? 3 : 997) {
		float x = ig1_f32_from((uint32_t)i);
		double r = round((double)x); /* half away from zero */
		int want = isnan(x) ? 0 : r > 127 ? 127 : r < -127 ? -127 : (int)r;

		if (ig1_f32_to_i8(x) != want)
			fail_msg("%08x gives %d, not %d", (uint32_t)i, ig1_f32_to_i8(x), want);
	}
}

static void order_and_argmax(void **state)
{
	float x[4];

	(void)state;
	assert_int_equal(ig1_f32_bits(ig1_max(-0.0f, 0.0f)), 0);
	assert_int_equal(ig1_f32_bits(ig1_max(ig1_f32_from(0x80000001), -1.0f)), 0x80000000);
	assert_int_equal(ig1_f32_bits(ig1_max(ig1_f32_from(0xffc12345), INFINITY)), IG1_F32_NAN);
	assert_int_equal(ig1_f32_bits(ig1_max(1.0f, 2.0f)), 0x40000000);
	x[0] = NAN;
	x[1] = -0.0f;
	x[2] = 0.0f;
	x[3] = 0.0f;
	assert_int_equal(ig1_argmax(x, 4), 2);
	assert_int_equal(ig1_argmax(x, 1), 0);
	x[1] = -INFINITY;
	assert_int_equal(ig1_argmax(x, 2), 1);
	assert_int_equal(ig1_argmax(x, 0), 0);
	assert_int_equal(ig1_f32_bits(ig1_row_max(x, 0)), 0xff800000);
}

static void quantise_fp64(void **state)
{
	int it, i;

	(void)state;
	for (it = 0; it < 100000; it++) {
		float x[32], d;
		int8_t q[32];
		double amax = 0;

		for (i = 0; i < 32; i++) {
			x[i] = rnd(1);
			amax = fmax(amax, fabs((double)x[i]));
		}
		d = ig1_quant_group(q, x);
		assert_true(fabs((double)d * 127 / amax - 1) < 0x1p-22);
		for (i = 0; i < 32; i++)
			assert_true(fabs((double)x[i] / (double)d - q[i]) <=
				    0.5 + 127 * IG1_BOUND_QUANT * 0x1p-24);
	}
}

static void plane_form(void **state)
{
	static const int8_t coef8[8] = { 1, 2, 4, 8, 16, 32, 64, -128 };
	static const int8_t coef4[4] = { 1, 2, 4, -8 };
	int it, j, b;

	(void)state;
	for (it = 0; it < 20000; it++) {
		uint32_t p8[8] = { 0 }, p4[4] = { 0 };
		int32_t s8 = 0, s4 = 0;
		int8_t x[32];

		for (j = 0; j < 32; j++) {
			int w = it ? (int)(rng() & 255) - 128 : -128;

			x[j] = it ? (int8_t)rng() : -128;
			s8 += w * x[j];
			s4 += ((w & 15) - 8) * x[j];
			for (b = 0; b < 8; b++)
				p8[b] |= (uint32_t)(w >> b & 1) << j;
			for (b = 0; b < 4; b++)
				p4[b] |= (uint32_t)((w ^ 8) >> b & 1) << j;
		}
		assert_int_equal(ig1_plane_dot(p8, coef8, 8, x), s8);
		assert_int_equal(ig1_plane_dot(p4, coef4, 4, x), s4);
	}
}

/* ---- variants against scalar, and against fp64 ---- */

#define MAX_N 4200

static float fa[MAX_N], fb[MAX_N], fc[MAX_N], ya[MAX_N], yb[MAX_N];

static const struct ig1_kernels *scalar(void)
{
	return ig1_kernels_get(IG1_SIMD_SCALAR);
}

static void equal_rows(const char *what, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (!same(ya[i], yb[i]))
			fail_msg("%s n %zu, element %zu: %08x, not %08x (from %08x %08x %08x)",
				 what, n, i, ig1_f32_bits(yb[i]), ig1_f32_bits(ya[i]),
				 ig1_f32_bits(fa[i]), ig1_f32_bits(fb[i]), ig1_f32_bits(fc[i]));
}

#define BOTH(name, ...)                  \
	do {                             \
		float *y = ya;           \
                                         \
		s->name(y, __VA_ARGS__); \
		y = yb;                  \
		k->name(y, __VA_ARGS__); \
		equal_rows(#name, n);    \
	} while (0)

static void rows_equal(const struct ig1_kernels *k, int tame)
{
	const struct ig1_kernels *s = scalar();
	static int8_t q0[MAX_N], q1[MAX_N];
	int it;

	for (it = 0; it < 400; it++) {
		size_t n = it < 80 ? (size_t)it : rng() % (MAX_N - 64), i;
		float alpha = rnd(tame), beta = rnd(tame);

		for (i = 0; i < n + 64; i++) {
			fa[i] = rnd(tame);
			fb[i] = rnd(tame);
			fc[i] = rnd(tame);
			if (it % 5 == 0) /* exponents for exp */
				fa[i] = ((float)(int32_t)rng()) * 0x1.8p-25f;
		}
		BOTH(mul, fa, fb, n);
		BOTH(add, fa, fb, n);
		BOTH(mad, fa, fb, fc, n);
		BOTH(affine, fa, alpha, beta, n);
		BOTH(exp_affine, fa, alpha, beta, n);
		BOTH(exp_affine, fa, 1.0f, -0.0f, n);
		BOTH(recip, fa, n);
		BOTH(rsqrt, fa, n);
		BOTH(sigmoid, fa, n);
		BOTH(silu, fa, n);
		BOTH(silu_mul, fa, fb, n);
		BOTH(canon, fa, n);
		assert_true(same(s->sum(fa, n), k->sum(fa, n)));
		assert_true(same(s->max(fa, n), k->max(fa, n)));
		if (it % 3 == 0) /* ties */
			for (i = 0; i < n; i++)
				fa[i] = ig1_f32_from(corners[rng() % N_CORNERS]);
		assert_int_equal(s->argmax(fa, n), k->argmax(fa, n));
		assert_true(same(s->max(fa, n), k->max(fa, n)));
		for (i = 0; i < n + 32; i++) { /* groups without NaN and inf, most of them */
			if (rng() % 256 && ((ig1_f32_bits(fb[i]) >> 23) & 255) == 255)
				fb[i] = rnd(1);
			if (it % 3 == 0) /* halves once scaled by 127 */
				fb[i] = (float)((int)(rng() % 509) - 254) * 0.5f;
			if (it % 3 == 1) { /* an ulp or two around halves of the scale */
				fb[i] = (float)(rng() % 2 ? 0.5 : 0.5 + rng() % 126) / 127 *
					fabsf(alpha);
				fb[i] = ig1_f32_from((ig1_f32_bits(fb[i]) + rng() % 5 - 2) ^
						     (rng() & IG1_SIGN));
				if (i % 32 == 0)
					fb[i] = alpha;
			}
		}
		memset(q0, 99, sizeof(q0));
		memset(q1, 99, sizeof(q1));
		memset(ya, 0, sizeof(ya));
		memset(yb, 0, sizeof(yb));
		s->quantise(q0, ya, fb, n / 32);
		k->quantise(q1, yb, fb, n / 32);
		assert_memory_equal(q0, q1, sizeof(q0));
		assert_memory_equal(ya, yb, sizeof(ya));
	}
}

#define MAX_GROUPS 40
#define MAX_ROWS   21
#define MAX_COLS   11

static void check_bound(const char *what, float got, double want, double mag, uint32_t terms)
{
	/* docs/isa.md, and what may be flushed */
	double bound = ((terms + 7) / 8 + 5) * 0x1p-24 * mag + 0x1p-126 * terms;

	if (!(fabs((double)got - want) <= bound))
		fail_msg("%s: %a, not %a within %a", what, (double)got, want, bound);
}

/* The last one of the forms that are tested, an int8 group. */
#define I8 BLOCK_FORMATS

/* Any scales, or such of a sum's size. */
static void random_scales(const struct block_format *f, uint8_t *b, int tame)
{
	unsigned int t;

	for (t = 0; t < f->terms; t++) {
		uint32_t any = ig1_f32_bits(rnd(0));

		if (tame)
			block_set_scale(f, b, t, rng(), tame == 2);
		else
			memcpy(b + t * (f->scale == 'f' ? 4 : 2), &any, f->scale == 'f' ? 4 : 2);
	}
}

/* The dot product of one row and one column in real arithmetic, the sum of the terms' magnitudes. */
static double plain_dot(int fmt, const uint8_t *w, const float *ws, uint32_t groups,
			const int8_t *x, const float *xs, double *mag)
{
	const struct block_format *f = &block_formats[fmt % I8];
	unsigned int t, terms = fmt == I8 ? 1 : f->terms, j;
	double want = 0;
	uint32_t g;

	*mag = 0;
	for (g = 0; g < groups; g++) {
		for (t = 0; t < terms; t++) {
			double v = 0;

			if (fmt == I8) {
				for (j = 0; j < 32; j++)
					v += (int8_t)w[32 * g + j] * x[32 * g + j];
				v *= (double)ws[g];
			} else {
				v = block_sum(f, w + g * f->bytes, t, x + 32 * g) *
				    block_scale(f, w + g * f->bytes, t);
			}
			v *= (double)xs[g];
			want += v;
			*mag += fabs(v);
		}
	}
	return want;
}

static void dequant_equal(const struct ig1_kernels *k, int fmt, const uint8_t *w, uint32_t groups,
			  int tame)
{
	const struct block_format *f = &block_formats[fmt];
	unsigned int i;

	memset(ya, 0, sizeof(ya));
	memset(yb, 0, sizeof(yb));
	scalar()->dequant[f->fmt](ya, w, groups);
	k->dequant[f->fmt](yb, w, groups);
	assert_memory_equal(ya, yb, sizeof(ya));
	for (i = 0; tame == 1 && i < groups * 32; i++) {
		const uint8_t *b = w + i / 32 * f->bytes;
		/* at most 24 bits times 8, rounded once */
		float want = (float)(block_scale(f, b, block_half(f, i % 32)) *
				     block_weight(f, b, i % 32));

		if (f->constant)
			want = (float)((double)want + block_scale(f, b, 1));
		assert_true(ya[i] == want);
	}
}

static void dots_equal(const struct ig1_kernels *k, int tame)
{
	const struct ig1_kernels *s = scalar();
	int it;

	for (it = 0; it < 300; it++) {
		uint32_t groups = it < 41 ? (uint32_t)it : rng() % (MAX_GROUPS + 1);
		uint32_t rows = 1 + rng() % MAX_ROWS, cols = 1 + rng() % MAX_COLS;
		size_t pad = rng() % 6, xst = groups * 32 + rng() % 6, sst = groups + rng() % 4;
		size_t wsst = groups + rng() % 3, i;
		uint32_t r, c, g;
		int fmt;
		/* exact sizes, so that a sanitizer sees any access beyond */
		uint8_t *w;
		int8_t *x = malloc((cols - 1) * xst + groups * 32 + 1);
		float *xs = malloc(((cols - 1) * sst + groups + 1) * sizeof(*xs));
		float *ws = malloc(((rows - 1) * wsst + groups + 1) * sizeof(*ws));

		assert_non_null(x);
		assert_non_null(xs);
		assert_non_null(ws);
		for (i = 0; i < (cols - 1) * xst + groups * 32; i++)
			x[i] = tame == 2 ? (int8_t)(rng() % 29 ? 0 : 1)
			       : it % 3	 ? (int8_t)rng()
					 : (int8_t)-128;
		for (i = 0; i < (cols - 1) * sst + groups; i++)
			xs[i] = rnd(tame);
		for (i = 0; i < (rows - 1) * wsst + groups; i++)
			ws[i] = rnd(tame);
		for (fmt = 0; fmt <= I8; fmt++) {
			const struct block_format *f = &block_formats[fmt % I8];
			size_t block = fmt == I8 ? 32 : f->bytes;
			size_t rb = groups * block + pad;
			size_t size = (rows - 1) * rb + groups * block;

			w = malloc(size + 1);
			assert_non_null(w);
			for (i = 0; i < size; i++)
				w[i] = tame == 2 ? (uint8_t)(rng() % 2 ? 0x01 : 0xff)
				       : it % 5	 ? (uint8_t)rng()
						 : 128;
			for (r = 0; fmt < I8 && r < rows; r++)
				for (g = 0; g < groups; g++)
					random_scales(f, w + r * rb + g * block, tame);
			memset(ya, 0xee, sizeof(ya));
			memset(yb, 0xee, sizeof(yb));
			for (i = 0; i < 2; i++) {
				const struct ig1_kernels *v = i ? k : s;
				float *y = i ? yb : ya;

				if (fmt < I8)
					v->dot[f->fmt](w, rb, rows, groups, x, xst, xs, sst, cols,
						       y, fmt % 2 ? 1 : cols + 1,
						       fmt % 2 ? rows + 1 : 1);
				else
					v->dot_i8((const int8_t *)w, rb, ws, wsst, rows, groups, x,
						  xst, xs, sst, cols, y, cols + 1, 1);
			}
			if (memcmp(ya, yb, sizeof(ya)))
				for (i = 0; i < MAX_N; i++)
					if (!same(ya[i], yb[i]))
						fail_msg("format %d rows %u groups %u cols %u: "
							 "element %zu: %08x, not %08x",
							 fmt, rows, groups, cols, i,
							 ig1_f32_bits(yb[i]), ig1_f32_bits(ya[i]));
			for (r = 0; tame == 1 && r < rows; r++) {
				for (c = 0; c < cols; c++) {
					double mag, want = plain_dot(fmt, w + r * rb, ws + r * wsst,
								     groups, x + c * xst,
								     xs + c * sst, &mag);

					check_bound("dot",
						    fmt < I8 && fmt % 2 ? ya[c * (rows + 1) + r]
									: ya[r * (cols + 1) + c],
						    want, mag, groups * (fmt == I8 ? 1 : f->terms));
				}
			}
			if (fmt < I8)
				dequant_equal(k, fmt, w, groups, tame);
			free(w);
		}
		free(x);
		free(xs);
		free(ws);
	}
}

static void sums_fp64(void **state)
{
	int it;

	(void)state;
	for (it = 0; it < 500; it++) {
		size_t n = rng() % MAX_N, i;
		double sum = 0, mag = 0, depth;

		for (i = 0; i < n; i++) {
			fa[i] = rnd(1);
			sum += (double)fa[i];
			mag += fabs((double)fa[i]);
		}
		/* docs/isa.md */
		depth = (double)((n + 31) / 32 + 4) * 0x1p-24;
		assert_true(fabs((double)ig1_sum(fa, n) - sum) <= depth * mag);
	}
}

/* Every partial sum is -0: absent elements and groups must not turn it to +0. */
static void negative_zero(const struct ig1_kernels *k)
{
	const float up = 0x1.8p-126f, down = -0x1.cp-126f;
	int8_t w[24 * 32] = { 0 }, x[24 * 32] = { 0 };
	float ws[24], xs[24];
	uint32_t groups, g;
	size_t n;

	for (g = 0; g < 24; g++) {
		ws[g] = 1.0f;
		xs[g] = g < 8 ? up : g < 16 ? down : -1.0f;
		w[32 * g] = 1;
		x[32 * g] = g < 16;
	}
	for (groups = 16; groups <= 24; groups++) {
		float y = 1.0f;

		k->dot_i8(w, 0, ws, 0, 1, groups, x, 0, xs, 0, 1, &y, 1, 1);
		assert_int_equal(ig1_f32_bits(y), IG1_SIGN);
	}
	for (n = 0; n < 96; n++)
		fa[n] = n < 32 ? up : n < 64 ? down : -0.0f;
	for (n = 64; n <= 96; n++)
		assert_int_equal(ig1_f32_bits(k->sum(fa, n)), IG1_SIGN);
}

static void variant(enum ig1_simd kind)
{
	const struct ig1_kernels *k = ig1_kernels_get(kind);

	assert_non_null(k);
	negative_zero(k);
	rows_equal(k, 0);
	rows_equal(k, 1);
	rows_equal(k, 2);
	dots_equal(k, 0);
	dots_equal(k, 1);
	dots_equal(k, 2);
}

static void scalar_dots(void **state)
{
	(void)state;
	negative_zero(scalar());
	dots_equal(scalar(), 1);
}

static void avx2(void **state)
{
	(void)state;
	variant(IG1_SIMD_AVX2);
}

static void avx512(void **state)
{
	(void)state;
	variant(IG1_SIMD_AVX512);
}

static void dispatch(void **state)
{
	(void)state;
	assert_int_equal(ig1_kernels_set(IG1_SIMD_SCALAR), 0);
	assert_string_equal(ig1_kernels()->name, "scalar");
	assert_true(ig1_kernels_set(IG1_SIMD_COUNT) < 0);
	assert_string_equal(ig1_kernels()->name, "scalar");
}

/* Of a variant that this processor lacks. */
static void skip_missing(struct CMUnitTest *tests, size_t n)
{
	static const struct {
		CMUnitTestFunction test;
		enum ig1_simd kind;
		const char *reason;
	} variants[] = {
		{ avx2, IG1_SIMD_AVX2, "no AVX2 and F16C, or built without" },
		{ avx512, IG1_SIMD_AVX512, "no AVX-512 F, BW, VL, DQ and VNNI, or built without" },
	};
	static char names[ARRAY_SIZE(variants)][96];
	size_t i, k;

	for (k = 0; k < ARRAY_SIZE(variants); k++) {
		if (ig1_kernels_get(variants[k].kind))
			continue;
		for (i = 0; i < n; i++) {
			if (tests[i].test_func == variants[k].test)
				test_skip(&tests[i], names[k], sizeof(names[k]),
					  variants[k].reason);
		}
	}
}

int main(void)
{
	struct CMUnitTest tests[] = {
		cmocka_unit_test(special_values), cmocka_unit_test(special_functions),
		cmocka_unit_test(software_flush), cmocka_unit_test(f16_all),
		cmocka_unit_test(to_i8_dense),	  cmocka_unit_test(order_and_argmax),
		cmocka_unit_test(quantise_fp64),  cmocka_unit_test(plane_form),
		cmocka_unit_test(sums_fp64),	  cmocka_unit_test(scalar_dots),
		cmocka_unit_test(avx2),		  cmocka_unit_test(avx512),
		cmocka_unit_test(dispatch),
	};
	const char *seed = getenv("SEED");
	struct ig1_fpenv env = ig1_fp_enter();
	int rc;

	rng_state = (seed ? strtoull(seed, NULL, 0) : 1) * UINT64_C(0x9e3779b97f4a7c15) | 1;
	cmocka_set_message_output(CM_OUTPUT_TAP);
	skip_missing(tests, ARRAY_SIZE(tests));
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	ig1_fp_leave(env);
	return rc;
}
