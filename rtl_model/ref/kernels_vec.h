/* SPDX-License-Identifier: MIT */
/*
 * Elementwise and row kernels over vectors of IG1_VL lanes, included once per SIMD variant after
 * its target pragma. The same operations in the same order as fp.h, written without branches.
 */
#ifndef IG1_VL
#error "define IG1_VL"
#endif

#include <immintrin.h>

#include "kernels_impl.h"

#define GROUP	  IG1_NUM_GROUP_ELEMS
#define ROW_VECS  (IG1_NUM_REDUCE_PARTIALS / IG1_VL)
#define VINLINE	  static inline __attribute__((always_inline))
#define VEC(type) __attribute__((vector_size(IG1_VL * sizeof(type))))

typedef float vf VEC(float);
typedef int32_t vi VEC(int32_t);
typedef uint32_t vu VEC(uint32_t);

VINLINE vf vset_bits(uint32_t b)
{
	return (vf)(b - (vu){ 0 });
}

VINLINE vf vset(float x)
{
	return vset_bits(ig1_f32_bits(x));
}

VINLINE vf vload(const float *p)
{
	vf v;

	memcpy(&v, p, sizeof(v));
	return v;
}

VINLINE void vstore(float *p, vf v)
{
	memcpy(p, &v, sizeof(v));
}

/* n < IG1_VL elements, the rest from `fill` */
VINLINE vf vload_part(const float *p, size_t n, vf fill)
{
	memcpy(&fill, p, n * sizeof(*p));
	return fill;
}

VINLINE vu vpick(vi mask, vu yes, vu no)
{
	return ((vu)mask & yes) | (~(vu)mask & no);
}

/* int8 lanes: __builtin_convertvector goes element by element here */
#if IG1_VL == 16
VINLINE void vstore_i8(int8_t *p, vi v)
{
	_mm_storeu_si128((__m128i *)p, _mm512_cvtepi32_epi8((__m512i)v));
}

VINLINE vf vfrom_i8(const int8_t *p)
{
	return (vf)_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)p)));
}
#else
VINLINE void vstore_i8(int8_t *p, vi v)
{
	__m128i h = _mm_packs_epi32(_mm256_castsi256_si128((__m256i)v),
				    _mm256_extracti128_si256((__m256i)v, 1));

	_mm_storel_epi64((__m128i *)p, _mm_packs_epi16(h, h));
}

VINLINE vf vfrom_i8(const int8_t *p)
{
	return (vf)_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)p)));
}
#endif

VINLINE vf vmad(vf a, vf b, vf c)
{
	return a * b + c;
}

VINLINE vf vcanon(vf x)
{
	return (vf)vpick(x != x, (vu)vset_bits(IG1_F32_NAN), (vu)x);
}

VINLINE vi vorder_key(vf x)
{
	vu b = (vu)vcanon(x);
	vi s;

	b = vpick((vi)(b & IG1_MAG) <= (int32_t)IG1_MANT, b & IG1_SIGN, b);
	s = (vi)b >> 31;
	return (vi)(b ^ ((vu)s & IG1_MAG));
}

VINLINE vf vrecip(vf x)
{
	vu b = (vu)x, sign = b & IG1_SIGN, mag = b & IG1_MAG;
	vu mb = (mag & IG1_MANT) | IG1_F32_ONE;
	vf one = vset_bits(IG1_F32_ONE);
	vf nm = (vf)(mb | IG1_SIGN);
	vf y = (vf)(IG1_F32_RECIP_SEED - mb);
	vu r;
	vi exp;

	y = vmad(y, vmad(nm, y, one), y);
	y = vmad(y, vmad(nm, y, one), y);
	y = vmad(y, vmad(nm, y, one), y);
	r = (vu)y;
	/* an infinite x gives -1 or less here */
	exp = (vi)(r >> 23) + 127 - (vi)(mag >> 23);
	r = vpick(exp > 0, ((vu)exp << 23) | (r & IG1_MANT), (vu){ 0 });
	r = vpick((vi)mag <= (int32_t)IG1_MANT, (vu)vset_bits(IG1_F32_INF), r);
	return (vf)vpick(x != x, (vu)vset_bits(IG1_F32_NAN), r | sign);
}

VINLINE vf vrsqrt(vf x)
{
	vu b = (vu)x, mag = b & IG1_MAG;
	vu even = ((mag >> 23) & 1) ^ 1;
	vu mb = (mag & IG1_MANT) | (even + 127) << 23;
	vu k = (vu)(((vi)(mag >> 23) - 127 - (vi)even) >> 1);
	vf nh = (vf)((mb - (UINT32_C(1) << 23)) | IG1_SIGN);
	vf y = (vf)(IG1_F32_RSQRT_SEED - (mb >> 1));
	vf three_halves = vset_bits(IG1_F32_RSQRT_THREE_HALVES);
	vu r;

	y = y * vmad(nh, y * y, three_halves);
	y = y * vmad(nh, y * y, three_halves);
	y = y * vmad(nh, y * y, three_halves);
	r = (vu)y - (k << 23);
	r = vpick((vi)mag == (int32_t)IG1_F32_INF, (vu){ 0 }, r);
	r = vpick((vi)b < 0, (vu)vset_bits(IG1_F32_NAN), r);
	r = vpick((vi)mag <= (int32_t)IG1_MANT, (vu)vset_bits(IG1_F32_INF), r);
	return (vf)vpick(x != x, (vu)vset_bits(IG1_F32_NAN), r);
}

VINLINE vf vexp(vf x)
{
	vf shift = vset_bits(IG1_F32_EXP_SHIFT);
	vf one = vset_bits(IG1_F32_ONE);
	vf inf = vset_bits(IG1_F32_INF);
	vf t = vmad(x, vset_bits(IG1_F32_EXP_LOG2E), shift);
	vf n = t - shift;
	vi k = (vi)((vu)t - IG1_F32_EXP_SHIFT);
	vf r = vmad(n, vset_bits(IG1_F32_EXP_NEG_LN2_HI), x);
	vf p;
	vu b;
	vi exp;

	r = vmad(n, vset_bits(IG1_F32_EXP_NEG_LN2_LO), r);
	p = vmad(vset_bits(IG1_F32_EXP_C5), r, vset_bits(IG1_F32_EXP_C4));
	p = vmad(p, r, vset_bits(IG1_F32_EXP_C3));
	p = vmad(p, r, vset_bits(IG1_F32_EXP_C2));
	p = vmad(p, r, one);
	p = vmad(p, r, one);
	b = (vu)p;
	exp = (vi)((b >> 23) + (vu)k);
	b = ((vu)exp << 23) | (b & IG1_MANT);
	b = vpick(exp >= 255, (vu)inf, b);
	b = vpick((exp <= 0) | (x < vset_bits(IG1_F32_EXP_LO)), (vu){ 0 }, b);
	b = vpick(x > vset_bits(IG1_F32_EXP_HI), (vu)inf, b);
	return (vf)vpick(x != x, (vu)vset_bits(IG1_F32_NAN), b);
}

VINLINE vf vsigmoid(vf x)
{
	return vrecip(vset_bits(IG1_F32_ONE) + vexp((vf)((vu)x ^ IG1_SIGN)));
}

VINLINE vf vsilu(vf x)
{
	return x * vsigmoid(x);
}

/* y[i] = f(A, B, C) with the vectors of up to three operands; unused ones name a. */
#define EACH3(a, b, c, expr)                                       \
	do {                                                       \
		vf A, B, C, out;                                   \
		size_t i;                                          \
                                                                   \
		for (i = 0; i + IG1_VL <= n; i += IG1_VL) {        \
			A = vload((a) + i);                        \
			B = vload((b) + i);                        \
			C = vload((c) + i);                        \
			(void)B;                                   \
			(void)C;                                   \
			vstore(y + i, vcanon(expr));               \
		}                                                  \
		if (i < n) {                                       \
			A = vload_part((a) + i, n - i, (vf){ 0 }); \
			B = vload_part((b) + i, n - i, (vf){ 0 }); \
			C = vload_part((c) + i, n - i, (vf){ 0 }); \
			(void)B;                                   \
			(void)C;                                   \
			out = vcanon(expr);                        \
			memcpy(y + i, &out, (n - i) * sizeof(*y)); \
		}                                                  \
	} while (0)

static void k_mul(float *y, const float *a, const float *b, size_t n)
{
	EACH3(a, b, a, A * B);
}

static void k_add(float *y, const float *a, const float *b, size_t n)
{
	EACH3(a, b, a, A + B);
}

static void k_mad(float *y, const float *a, const float *b, const float *c, size_t n)
{
	EACH3(a, b, c, vmad(A, B, C));
}

static void k_affine(float *y, const float *a, float alpha, float beta, size_t n)
{
	vf va = vset(alpha), vb_ = vset(beta);

	EACH3(a, a, a, vmad(A, va, vb_));
}

static void k_exp_affine(float *y, const float *a, float alpha, float beta, size_t n)
{
	vf va = vset(alpha), vb_ = vset(beta);

	EACH3(a, a, a, vexp(vmad(A, va, vb_)));
}

static void k_recip(float *y, const float *a, size_t n)
{
	EACH3(a, a, a, vrecip(A));
}

static void k_rsqrt(float *y, const float *a, size_t n)
{
	EACH3(a, a, a, vrsqrt(A));
}

static void k_sigmoid(float *y, const float *a, size_t n)
{
	EACH3(a, a, a, vsigmoid(A));
}

static void k_silu(float *y, const float *a, size_t n)
{
	EACH3(a, a, a, vsilu(A));
}

static void k_silu_mul(float *y, const float *a, const float *b, size_t n)
{
	EACH3(a, b, a, vsilu(A) * B);
}

static void k_canon(float *y, const float *a, size_t n)
{
	EACH3(a, a, a, A);
}

/* Vector v of the row block at x; elements past n read as fill. */
VINLINE vf row_vec(const float *x, size_t n, int v, vf fill)
{
	size_t at = (size_t)v * IG1_VL;

	if (at + IG1_VL <= n)
		return vload(x + at);
	return at < n ? vload_part(x + at, n - at, fill) : fill;
}

static float row_tree(const vf acc[ROW_VECS])
{
	float p[IG1_NUM_REDUCE_PARTIALS];

	memcpy(p, acc, sizeof(p));
	return ig1_canon(ig1_sum_tree(p));
}

static float k_sum(const float *x, size_t n)
{
	vf acc[ROW_VECS] = { 0 };
	vf nothing = vset_bits(IG1_SIGN); /* a + -0 = a, also for a = -0 */
	size_t i;
	int v;

	for (i = 0; i + IG1_NUM_REDUCE_PARTIALS <= n; i += IG1_NUM_REDUCE_PARTIALS)
#pragma GCC unroll 4
		for (v = 0; v < ROW_VECS; v++)
			acc[v] += vload(x + i + (size_t)v * IG1_VL);
	for (v = 0; v < ROW_VECS; v++)
		acc[v] += row_vec(x + i, n - i, v, nothing);
	return row_tree(acc);
}

static float k_max(const float *x, size_t n)
{
	vf low = vset_bits(IG1_F32_INF | IG1_SIGN);
	vi best = vorder_key(low);
	int32_t lane[IG1_VL], m;
	size_t i;
	int j;

	for (i = 0; i < n; i += IG1_VL) {
		vi k = vorder_key(n - i >= IG1_VL ? vload(x + i) : vload_part(x + i, n - i, low));

		best = (vi)vpick(k > best, (vu)k, (vu)best);
	}
	memcpy(lane, &best, sizeof(lane));
	m = lane[0];
	for (j = 1; j < IG1_VL; j++)
		m = lane[j] > m ? lane[j] : m;
	return ig1_from_order_key(m);
}

static uint32_t k_argmax(const float *x, size_t n)
{
	vi least = INT32_MIN - (vi){ 0 };
	vi best = least;
	vu at = { 0 }, idx = { 0 };
	int32_t key[IG1_VL];
	uint32_t pos[IG1_VL];
	size_t i;
	int j, b = 0;

	for (j = 0; j < IG1_VL; j++)
		idx[j] = (uint32_t)j;
	for (i = 0; i < n; i += IG1_VL) {
		vf a = n - i >= IG1_VL ? vload(x + i)
				       : vload_part(x + i, n - i, vset_bits(IG1_F32_NAN));
		vi k = (vi)vpick(a != a, (vu)least, (vu)vorder_key(a));
		vi up = k > best;

		best = (vi)vpick(up, (vu)k, (vu)best);
		at = vpick(up, idx, at);
		idx += IG1_VL;
	}
	memcpy(key, &best, sizeof(key));
	memcpy(pos, &at, sizeof(pos));
	for (j = 1; j < IG1_VL; j++)
		if (key[j] > key[b] || (key[j] == key[b] && pos[j] < pos[b]))
			b = j;
	return pos[b];
}

/* The greatest lane, in every lane. */
VINLINE vu vmax_all(vu m)
{
	vu lane;
	int j;

#pragma GCC unroll 16
	for (j = 0; j < IG1_VL; j++)
		lane[j] = (uint32_t)j;
#pragma GCC unroll 4
	for (j = IG1_VL / 2; j; j /= 2) {
		vu other = __builtin_shuffle(m, lane ^ (uint32_t)j);

		m = vpick(other > m, other, m);
	}
	return m;
}

VINLINE void quantise_group(int8_t *q, const float *x, vf id)
{
	/* trunc(v + h) rounds half away when h is the float below 1/2: the sum rounds up at ties */
	const uint32_t below_half = 0x3effffff;
	int v;

#pragma GCC unroll 4
	for (v = 0; v < ROW_VECS; v++) {
		vf r = vload(x + v * IG1_VL) * id;
		vu half = ((vu)r & IG1_SIGN) | below_half;
		vi n = __builtin_convertvector(r + (vf)half, vi);

		n = (vi)vpick(n > 127, (vu)(127 - (vi){ 0 }), (vu)n);
		n = (vi)vpick(n < -127, (vu)(-127 - (vi){ 0 }), (vu)n);
		vstore_i8(q + v * IG1_VL, n);
	}
}

static void k_quantise(int8_t *q, float *scale, const float *x, size_t groups)
{
	size_t g, n, j;

	/* scales of IG1_VL groups at a time: the reciprocal is a long chain */
	for (g = 0; g < groups; g += n, x += n * GROUP, q += n * GROUP) {
		uint32_t amax[IG1_VL] = { 0 };
		float d[IG1_VL], id[IG1_VL];
		vu va;
		vf vd;

		n = groups - g < IG1_VL ? groups - g : IG1_VL;
		for (j = 0; j < n; j++) {
			vu m = { 0 };
			int v;

#pragma GCC unroll 4
			for (v = 0; v < ROW_VECS; v++) {
				vu mag = (vu)vload(x + j * GROUP + (size_t)v * IG1_VL) & IG1_MAG;

				m = vpick(mag > m, mag, m);
			}
			amax[j] = vmax_all(m)[0];
		}
		memcpy(&va, amax, sizeof(va));
		vd = (vf)va * vset_bits(IG1_F32_QUANT_INV127);
		vstore(id, vrecip(vd));
		vd = (vf)vpick((vi)va >= (int32_t)IG1_F32_INF, (vu)vset_bits(IG1_F32_NAN), (vu)vd);
		vstore(d, vd);
		memcpy(scale + g, d, n * sizeof(*d));
		for (j = 0; j < n; j++) {
			if (amax[j] >= IG1_F32_INF || ig1_f32_bits(d[j]) == 0)
				memset(q + j * GROUP, 0, GROUP);
			else
				quantise_group(q + j * GROUP, x + j * GROUP, vset(id[j]));
		}
	}
}

VINLINE __m256i pair(__m128i lo, __m128i hi)
{
	return _mm256_inserti128_si256(_mm256_castsi128_si256(lo), hi, 1);
}

/* Bit j of the word to bit 0 of byte j as 0 or -1. */
VINLINE __m256i spread_bits(const uint8_t *p)
{
	const __m256i byte =
		_mm256_setr_epi64x(0, 0x0101010101010101, 0x0202020202020202, 0x0303030303030303);
	const __m256i bit = _mm256_set1_epi64x((long long)0x8040201008040201);
	int32_t word;

	memcpy(&word, p, sizeof(word));
	return _mm256_cmpeq_epi8(
		_mm256_and_si256(_mm256_shuffle_epi8(_mm256_set1_epi32(word), byte), bit), bit);
}

VINLINE __m256i spread_pairs(const uint8_t *p)
{
	__m128i b = _mm_loadl_epi64((const __m128i *)p);

	return _mm256_and_si256(
		pair(_mm_unpacklo_epi64(b, _mm_srli_epi16(b, 2)),
		     _mm_unpacklo_epi64(_mm_srli_epi16(b, 4), _mm_srli_epi16(b, 6))),
		_mm256_set1_epi8(3));
}

VINLINE __m256i spread_nibbles(const uint8_t *p)
{
	const __m128i low = _mm_set1_epi8(15);
	__m128i b = _mm_loadu_si128((const __m128i *)p);

	return pair(_mm_and_si128(b, low), _mm_and_si128(_mm_srli_epi16(b, 4), low));
}

VINLINE __m256i look_up(__m128i table, __m256i code)
{
	return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(table), code);
}

/* The 32 weights of a block at w or of an int8 group as signed bytes. */
VINLINE __m256i group_weights(unsigned int form, const uint8_t *w)
{
	const __m128i e2m1 = _mm_setr_epi8(0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12);
	const __m128i iq4 = _mm_setr_epi8(IG1_NUM_IQ4);
	const __m256i two = _mm256_set1_epi8(2), sign = _mm256_set1_epi8(32);
	const uint8_t *q = w + ig1_codes_at(form);

	switch (form) {
	case IG1_WFMT_Q4_0:
		return _mm256_sub_epi8(spread_nibbles(q), _mm256_set1_epi8(8));
	case IG1_WFMT_Q4_1:
		return spread_nibbles(q);
	case IG1_WFMT_Q5_1:
		return _mm256_or_si256(_mm256_and_si256(spread_bits(q), _mm256_set1_epi8(16)),
				       spread_nibbles(q + 4));
	case IG1_WFMT_MX4:
	case IG1_WFMT_NV4:
		return look_up(e2m1, spread_nibbles(q));
	case IG1_WFMT_IQ4:
		return look_up(iq4, spread_nibbles(q));
	case IG1_WFMT_Q6_K:
		return _mm256_sub_epi8(
			_mm256_xor_si256(_mm256_or_si256(_mm256_slli_epi16(spread_pairs(q + 16), 4),
							 spread_nibbles(q)),
					 sign),
			sign);
	case IG1_WFMT_T2_0:
		return _mm256_sub_epi8(_mm256_xor_si256(spread_pairs(q), two), two);
	case IG1_WFMT_B1_0: /* 2 - 1 or 0 - 1 */
		return _mm256_sub_epi8(_mm256_and_si256(spread_bits(q), two), _mm256_set1_epi8(1));
	case IG1_WFMT_Q8_0:
		return _mm256_loadu_si256((const __m256i *)q);
	default:
		return _mm256_loadu_si256((const __m256i *)w);
	}
}

VINLINE size_t block_bytes(unsigned int form)
{
	return form == IG1_FORM_I8 ? GROUP : ig1_wfmt_block_bytes(form);
}

VINLINE void dequant_blocks(unsigned int wfmt, float *y, const uint8_t *w, size_t groups)
{
	size_t g;
	int v;

	for (g = 0; g < groups; g++, w += ig1_wfmt_block_bytes(wfmt), y += GROUP) {
		vf d[2] = { vset(ig1_block_scale(wfmt, w, 0)) };
		int8_t q[GROUP];

		d[1] = ig1_wfmt_terms(wfmt) > 1 ? vset(ig1_block_scale(wfmt, w, 1)) : d[0];
		_mm256_storeu_si256((__m256i *)q, group_weights(wfmt, w));
#pragma GCC unroll 4
		for (v = 0; v < ROW_VECS; v++) {
			vf x = vfrom_i8(q + v * IG1_VL);

			x *= d[ig1_has_halves(wfmt) ? v * IG1_VL / 16 : 0];
			vstore(y + v * IG1_VL, vcanon(ig1_has_constant(wfmt) ? x + d[1] : x));
		}
	}
}

#define DEQUANT(WFMT, name)                                                     \
	static void k_dequant_##name(float *y, const uint8_t *w, size_t groups) \
	{                                                                       \
		dequant_blocks(IG1_WFMT_##WFMT, y, w, groups);                  \
	}

IG1_EACH_WFMT(DEQUANT)

#define IG1_VEC_KERNELS                                                                           \
	.mul = k_mul, .add = k_add, .mad = k_mad, .affine = k_affine, .exp_affine = k_exp_affine, \
	.recip = k_recip, .rsqrt = k_rsqrt, .sigmoid = k_sigmoid, .silu = k_silu,                 \
	.silu_mul = k_silu_mul, .canon = k_canon, .sum = k_sum, .max = k_max, .argmax = k_argmax, \
	.quantise = k_quantise, .dequant = { IG1_EACH_WFMT(IG1_DEQUANT_ENTRY) }
