/* SPDX-License-Identifier: MIT */
/*
 * IG1 arithmetic, one operation at a time: the executable form of docs/isa.md, section "Numbers".
 *
 * fp32, round to nearest even, subnormal operands read as zero, tiny results become zero, no fused
 * multiply-add. On x86 this is the FTZ|DAZ mode of MXCSR: hold ig1_fp_enter() around every call.
 * Elsewhere (or with IG1_FP_SOFT) the flushes are written out and enter/leave do nothing.
 * Compile with -ffp-contract=off. A NaN has any payload until ig1_canon() at a store.
 *
 * A compiler may move arithmetic on registers over a change of mode; what is loaded from and stored
 * to memory in between stays. A function that enters, computes inline and leaves pins operands that
 * came by value and results that leave by value with ig1_fp_pin(); one that only calls functions of
 * other files in between need not.
 */
#ifndef IG1_REF_FP_H
#define IG1_REF_FP_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "ig1_numbers.h"

#if defined(__x86_64__) && !defined(IG1_FP_SOFT)
#define IG1_FP_MXCSR 1
#include <xmmintrin.h>
#else
#define IG1_FP_MXCSR 0
#endif

struct ig1_fpenv {
	uint32_t saved;
};

#define IG1_MXCSR_FLAGS UINT32_C(0x003f)
/* all exceptions masked, round to nearest, FTZ, DAZ */
#define IG1_MXCSR_MODE UINT32_C(0x9fc0)

/* Put the calling thread into IG1's mode; cheap when it already is. Nests. */
static inline struct ig1_fpenv ig1_fp_enter(void)
{
	struct ig1_fpenv env = { 0 };
#if IG1_FP_MXCSR
	env.saved = _mm_getcsr();
	if ((env.saved & ~IG1_MXCSR_FLAGS) != IG1_MXCSR_MODE)
		_mm_setcsr(IG1_MXCSR_MODE);
	__asm__ volatile("" ::: "memory");
#endif
	return env;
}

static inline void ig1_fp_leave(struct ig1_fpenv env)
{
#if IG1_FP_MXCSR
	__asm__ volatile("" ::: "memory");
	if ((env.saved & ~IG1_MXCSR_FLAGS) != IG1_MXCSR_MODE)
		_mm_setcsr(env.saved);
#else
	(void)env;
#endif
}

/* The value, computed or used on this side of a change of mode. */
static inline float ig1_fp_pin(float x)
{
#if IG1_FP_MXCSR
	__asm__ volatile("" : "+x"(x));
#endif
	return x;
}

static inline uint32_t ig1_f32_bits(float x)
{
	uint32_t b;

	memcpy(&b, &x, sizeof(b));
	return b;
}

static inline float ig1_f32_from(uint32_t b)
{
	float x;

	memcpy(&x, &b, sizeof(x));
	return x;
}

#define IG1_SIGN UINT32_C(0x80000000)
#define IG1_MAG	 UINT32_C(0x7fffffff)
#define IG1_MANT UINT32_C(0x007fffff)

static inline int ig1_is_nan_bits(uint32_t b)
{
	return (b & IG1_MAG) > IG1_F32_INF;
}

/* What an operand is read as: subnormals are zeros of their sign. */
static inline uint32_t ig1_daz_bits(uint32_t b)
{
	return (b & IG1_MAG) <= IG1_MANT ? b & IG1_SIGN : b;
}

/* What a store writes: every NaN is the canonical one. */
static inline uint32_t ig1_canon_bits(uint32_t b)
{
	return ig1_is_nan_bits(b) ? IG1_F32_NAN : b;
}

static inline float ig1_canon(float x)
{
	return ig1_f32_from(ig1_canon_bits(ig1_f32_bits(x)));
}

static inline float ig1_neg(float x)
{
	return ig1_f32_from(ig1_f32_bits(x) ^ IG1_SIGN);
}

#if IG1_FP_MXCSR

static inline float ig1_mul(float a, float b)
{
	return a * b;
}

static inline float ig1_add(float a, float b)
{
	return a + b;
}

#else

static inline float ig1_mul(float a, float b)
{
	/* the product of two 24-bit significands is exact in double */
	double p = (double)ig1_f32_from(ig1_daz_bits(ig1_f32_bits(a))) *
		   (double)ig1_f32_from(ig1_daz_bits(ig1_f32_bits(b)));
	double m = p < 0 ? -p : p;

	/* below the midpoint under 2^-126, rounding to 24 bits stays below 2^-126 */
	if (m < 0x1.ffffffp-127)
		return ig1_f32_from((ig1_f32_bits(a) ^ ig1_f32_bits(b)) & IG1_SIGN);
	return (float)p;
}

static inline float ig1_add(float a, float b)
{
	/* a sum that is subnormal is exact, so the flush may come after */
	float s = ig1_f32_from(ig1_daz_bits(ig1_f32_bits(a))) +
		  ig1_f32_from(ig1_daz_bits(ig1_f32_bits(b)));

	return ig1_f32_from(ig1_daz_bits(ig1_f32_bits(s)));
}

#endif

static inline float ig1_mad(float a, float b, float c)
{
	return ig1_add(ig1_mul(a, b), c);
}

static inline float ig1_i2f(int32_t v)
{
	return (float)v;
}

/* Exact; subnormal halves are normal singles. */
static inline float ig1_f16_to_f32(uint16_t h)
{
	uint32_t sign = (uint32_t)(h & 0x8000) << 16;
	uint32_t exp = (h >> 10) & 31;
	uint32_t mant = h & 0x3ff;
	uint32_t shift;

	if (exp == 31)
		return ig1_f32_from(mant ? IG1_F32_NAN : sign | IG1_F32_INF);
	if (exp)
		return ig1_f32_from(sign | (exp + 112) << 23 | mant << 13);
	if (!mant)
		return ig1_f32_from(sign);
	/* 2^-24 * mant: the leading one moves to bit 23 */
	shift = (uint32_t)__builtin_clz(mant) - 8;
	return ig1_f32_from(sign | (126 - shift) << 23 | ((mant << shift) & IG1_MANT));
}

/* Round half away from zero, clamp to [-127, 127], NaN gives 0. */
static inline int8_t ig1_f32_to_i8(float x)
{
	uint32_t b = ig1_f32_bits(x);
	uint32_t mag = b & IG1_MAG;
	uint32_t exp = mag >> 23;
	uint32_t sig = (mag & IG1_MANT) | (UINT32_C(1) << 23);
	uint32_t v;

	if (mag > IG1_F32_INF || exp < 126)
		return 0;
	if (exp >= 134)
		v = 127;
	else
		v = ((sig >> (149 - exp)) + 1) >> 1; /* one fraction bit decides */
	if (v > 127)
		v = 127;
	return (int8_t)(b & IG1_SIGN ? -(int32_t)v : (int32_t)v);
}

/* Signed integer order: -inf < ... < -0 < +0 < ... < +inf < NaN. */
static inline int32_t ig1_order_key(float x)
{
	uint32_t b = ig1_canon_bits(ig1_daz_bits(ig1_f32_bits(x)));
	int32_t k;

	if (b & IG1_SIGN)
		b ^= IG1_MAG;
	memcpy(&k, &b, sizeof(k));
	return k;
}

static inline float ig1_from_order_key(int32_t k)
{
	uint32_t b;

	memcpy(&b, &k, sizeof(b));
	if (b & IG1_SIGN)
		b ^= IG1_MAG;
	return ig1_f32_from(b);
}

static inline float ig1_max(float a, float b)
{
	int32_t ka = ig1_order_key(a), kb = ig1_order_key(b);

	return ig1_from_order_key(ka > kb ? ka : kb);
}

/* ---- special functions ---- */

static inline float ig1_recip(float x)
{
	uint32_t b = ig1_daz_bits(ig1_f32_bits(x));
	uint32_t sign = b & IG1_SIGN, mag = b & IG1_MAG, r;
	uint32_t mb = (mag & IG1_MANT) | IG1_F32_ONE;
	float one = ig1_f32_from(IG1_F32_ONE);
	float nm = ig1_f32_from(mb | IG1_SIGN);
	float y = ig1_f32_from(IG1_F32_RECIP_SEED - mb);
	int32_t exp;
	int i;

	if (mag > IG1_F32_INF)
		return ig1_f32_from(IG1_F32_NAN);
	if (mag == IG1_F32_INF)
		return ig1_f32_from(sign);
	if (!mag)
		return ig1_f32_from(sign | IG1_F32_INF);
	for (i = 0; i < 3; i++)
		y = ig1_mad(y, ig1_mad(nm, y, one), y);
	r = ig1_f32_bits(y);
	exp = (int32_t)(r >> 23) + 127 - (int32_t)(mag >> 23);
	if (exp <= 0)
		return ig1_f32_from(sign);
	return ig1_f32_from(sign | (uint32_t)exp << 23 | (r & IG1_MANT));
}

static inline float ig1_rsqrt(float x)
{
	uint32_t b = ig1_daz_bits(ig1_f32_bits(x));
	uint32_t mag = b & IG1_MAG;
	uint32_t even = ((mag >> 23) & 1) ^ 1; /* m in [1,2) or [2,4) so that x = m * 4^k */
	uint32_t mb = (mag & IG1_MANT) | (127 + even) << 23;
	int32_t k = ((int32_t)(mag >> 23) - 127 - (int32_t)even) / 2;
	float nh = ig1_f32_from((mb - (UINT32_C(1) << 23)) | IG1_SIGN);
	float y = ig1_f32_from(IG1_F32_RSQRT_SEED - (mb >> 1));
	int i;

	if (mag > IG1_F32_INF)
		return ig1_f32_from(IG1_F32_NAN);
	if (!mag)
		return ig1_f32_from(IG1_F32_INF);
	if (b & IG1_SIGN)
		return ig1_f32_from(IG1_F32_NAN);
	if (mag == IG1_F32_INF)
		return ig1_f32_from(0);
	for (i = 0; i < 3; i++) {
		float t = ig1_mul(y, y);
		float u = ig1_mad(nh, t, ig1_f32_from(IG1_F32_RSQRT_THREE_HALVES));

		y = ig1_mul(y, u);
	}
	return ig1_f32_from(ig1_f32_bits(y) - ((uint32_t)k << 23));
}

static inline float ig1_exp(float x)
{
	float shift = ig1_f32_from(IG1_F32_EXP_SHIFT);
	float one = ig1_f32_from(IG1_F32_ONE);
	float t, n, r, p;
	uint32_t b;
	int32_t k, exp;

	if (ig1_is_nan_bits(ig1_f32_bits(x)))
		return ig1_f32_from(IG1_F32_NAN);
	if (x > ig1_f32_from(IG1_F32_EXP_HI))
		return ig1_f32_from(IG1_F32_INF);
	if (x < ig1_f32_from(IG1_F32_EXP_LO))
		return ig1_f32_from(0);
	t = ig1_mad(x, ig1_f32_from(IG1_F32_EXP_LOG2E), shift);
	n = ig1_add(t, ig1_neg(shift));
	k = (int32_t)(ig1_f32_bits(t) - IG1_F32_EXP_SHIFT);
	r = ig1_mad(n, ig1_f32_from(IG1_F32_EXP_NEG_LN2_HI), x);
	r = ig1_mad(n, ig1_f32_from(IG1_F32_EXP_NEG_LN2_LO), r);
	p = ig1_mad(ig1_f32_from(IG1_F32_EXP_C5), r, ig1_f32_from(IG1_F32_EXP_C4));
	p = ig1_mad(p, r, ig1_f32_from(IG1_F32_EXP_C3));
	p = ig1_mad(p, r, ig1_f32_from(IG1_F32_EXP_C2));
	p = ig1_mad(p, r, one);
	p = ig1_mad(p, r, one);
	b = ig1_f32_bits(p);
	exp = (int32_t)(b >> 23) + k;
	if (exp <= 0)
		return ig1_f32_from(0);
	if (exp >= 255)
		return ig1_f32_from(IG1_F32_INF);
	return ig1_f32_from((uint32_t)exp << 23 | (b & IG1_MANT));
}

static inline float ig1_sigmoid(float x)
{
	return ig1_recip(ig1_add(ig1_f32_from(IG1_F32_ONE), ig1_exp(ig1_neg(x))));
}

static inline float ig1_silu(float x)
{
	return ig1_mul(x, ig1_sigmoid(x));
}

/* ---- rows ---- */

/* The fixed tree over the 32 partial sums; p is used up. */
static inline float ig1_sum_tree(float p[IG1_NUM_REDUCE_PARTIALS])
{
	int half, j;

	for (half = IG1_NUM_REDUCE_PARTIALS / 2; half; half /= 2)
		for (j = 0; j < half; j++)
			p[j] = ig1_add(p[j], p[j + half]);
	return p[0];
}

static inline float ig1_sum(const float *x, size_t n)
{
	float p[IG1_NUM_REDUCE_PARTIALS] = { 0 };
	size_t i;

	for (i = 0; i < n; i++)
		p[i % IG1_NUM_REDUCE_PARTIALS] = ig1_add(p[i % IG1_NUM_REDUCE_PARTIALS], x[i]);
	return ig1_canon(ig1_sum_tree(p));
}

/* The order is total, so partials and tree give the same as one pass. -inf when n is 0. */
static inline float ig1_row_max(const float *x, size_t n)
{
	float m = ig1_f32_from(IG1_F32_INF | IG1_SIGN);
	size_t i;

	for (i = 0; i < n; i++)
		m = ig1_max(m, x[i]);
	return m;
}

/* Lowest index of the largest element; NaN is never chosen; 0 when there is nothing to choose. */
static inline uint32_t ig1_argmax(const float *x, size_t n)
{
	int32_t best = INT32_MIN; /* below the key of -inf */
	uint32_t at = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		int32_t k = ig1_order_key(x[i]);

		if (ig1_is_nan_bits(ig1_f32_bits(x[i])) || k <= best)
			continue;
		best = k;
		at = (uint32_t)i;
	}
	return at;
}

/* ---- groups of 32 ---- */

/* q[32] and the returned scale from x[32]. */
static inline float ig1_quant_group(int8_t *q, const float *x)
{
	uint32_t amax = 0;
	float d, id;
	int i;

	for (i = 0; i < IG1_NUM_GROUP_ELEMS; i++) {
		uint32_t mag = ig1_daz_bits(ig1_f32_bits(x[i])) & IG1_MAG;

		amax = mag > amax ? mag : amax;
	}
	memset(q, 0, IG1_NUM_GROUP_ELEMS);
	if (amax >= IG1_F32_INF)
		return ig1_f32_from(IG1_F32_NAN);
	d = ig1_mul(ig1_f32_from(amax), ig1_f32_from(IG1_F32_QUANT_INV127));
	if (ig1_f32_bits(d) == 0)
		return d;
	id = ig1_recip(d);
	for (i = 0; i < IG1_NUM_GROUP_ELEMS; i++)
		q[i] = ig1_f32_to_i8(ig1_mul(x[i], id));
	return d;
}

/* What one group adds to its partial sum. */
static inline float ig1_group_term(int32_t isum, float dw, float dx)
{
	return ig1_mul(ig1_i2f(isum), ig1_mul(dw, dx));
}

static inline float ig1_dot_tree(const float a[IG1_NUM_DOT_PARTIALS])
{
	return ig1_add(ig1_add(ig1_add(a[0], a[1]), ig1_add(a[2], a[3])),
		       ig1_add(ig1_add(a[4], a[5]), ig1_add(a[6], a[7])));
}

/*
 * The native weight form: bit j of plane b belongs to x[j] and counts coef[b].
 * For coefficients as of the integer formats the sum fits 21 bits.
 */
static inline int32_t ig1_plane_dot(const uint32_t *planes, const int8_t *coef, int n_planes,
				    const int8_t *x)
{
	int32_t sum = 0;
	int b, j;

	for (b = 0; b < n_planes; b++) {
		int32_t s = 0;

		for (j = 0; j < IG1_NUM_GROUP_ELEMS; j++)
			s += (planes[b] >> j & 1) ? x[j] : 0;
		sum += s * coef[b];
	}
	return sum;
}

#endif
