// SPDX-License-Identifier: MIT
/*
 * AVX-512 with VNNI. A vector of 16 int32 lanes holds one group sum each: four rows by four groups
 * ("a quad of groups"), or eight rows by two when a row has just two. Weights are transposed in
 * 4-byte units so that a lane sees only its own group and no horizontal sums are needed; the
 * activations are transposed once per call. vpdpbusd multiplies unsigned by signed, so weights are
 * biased to unsigned and the sums start at -bias * sum(x): exact for all int8 values.
 */
#if defined(__x86_64__) && !defined(__clang__)

#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,f16c,avx2")

#include <immintrin.h>

#define IG1_VL 16
#include "kernels_vec.h"

/* Groups of activations prepared at a time, over all columns of a pass: 96 KiB of stack. */
#define SCRATCH_GROUPS 2048
#define MAX_COLS       8

struct weights {
	const uint8_t *w;
	size_t row_bytes;
	const float *ws;
	size_t ws_stride;
};

/* Quad q of a column: dwords k of four groups, then dwords k + 4, for k = 0..3. */
struct quad {
	__m256i x[4];
	__m256i init; /* -bias * partial sums of x: four lanes per half of a group; or sums of x */
	__m128 scale;
};

/* What makes a form's weights unsigned, as a power of two; those with a constant are. */
VINLINE int bias_shift(unsigned int form)
{
	switch (form) {
	case IG1_WFMT_Q4_0:
		return 3;
	case IG1_WFMT_T2_0:
		return 1;
	case IG1_WFMT_B1_0:
		return 0;
	case IG1_WFMT_MX4:
	case IG1_WFMT_NV4:
		return 4;
	case IG1_WFMT_Q6_K:
		return 5;
	default:
		return 7;
	}
}

/* Whether the sums of a group's halves have lanes of their own: its bytes are used where they lie. */
VINLINE int in_bytes(unsigned int form)
{
	return form == IG1_WFMT_Q8_0 || form == IG1_FORM_I8;
}

VINLINE int two_terms(unsigned int form)
{
	return form != IG1_FORM_I8 && ig1_wfmt_terms(form) == 2;
}

/* n groups (1..4) of one column; absent ones are zeros with scale -0, whose term is -0. */
VINLINE void prepare_quad(struct quad *out, unsigned int form, const int8_t *xq, const float *xs,
			  unsigned int n, int pairs)
{
	int8_t x[4][GROUP] = { 0 };
	float s[4] = { -0.0f, -0.0f, -0.0f, -0.0f };
	__m256i a[4], t[4], sum = _mm256_setzero_si256();
	int k;

	memcpy(x, xq, n * GROUP);
	memcpy(s, xs, n * sizeof(*xs));
	if (pairs) {
		memcpy(x[2], x[0], 2 * GROUP);
		memcpy(s + 2, s, 2 * sizeof(*s));
	}
	for (k = 0; k < 4; k++)
		a[k] = _mm256_loadu_si256((const __m256i *)x[k]);
	t[0] = _mm256_unpacklo_epi32(a[0], a[1]);
	t[1] = _mm256_unpackhi_epi32(a[0], a[1]);
	t[2] = _mm256_unpacklo_epi32(a[2], a[3]);
	t[3] = _mm256_unpackhi_epi32(a[2], a[3]);
	out->x[0] = _mm256_unpacklo_epi64(t[0], t[2]);
	out->x[1] = _mm256_unpackhi_epi64(t[0], t[2]);
	out->x[2] = _mm256_unpacklo_epi64(t[1], t[3]);
	out->x[3] = _mm256_unpackhi_epi64(t[1], t[3]);
	for (k = 0; k < 4; k++)
		sum = _mm256_dpbusd_epi32(sum, _mm256_set1_epi8(1), out->x[k]);
	if (!in_bytes(form) && !ig1_has_halves(form))
		sum = _mm256_add_epi32(sum, _mm256_permute2x128_si256(sum, sum, 1));
	if (ig1_has_constant(form))
		out->init = sum;
	else
		out->init = _mm256_sub_epi32(_mm256_setzero_si256(),
					     _mm256_slli_epi32(sum, bias_shift(form)));
	out->scale = _mm_loadu_ps(s);
}

/* a[j] holds blocks of group j in its 128-bit lanes; v[k] gets dword k of the four groups. */
VINLINE void transpose(__m512i v[4], const __m512i a[4])
{
	__m512i t0 = _mm512_unpacklo_epi32(a[0], a[1]);
	__m512i t1 = _mm512_unpackhi_epi32(a[0], a[1]);
	__m512i t2 = _mm512_unpacklo_epi32(a[2], a[3]);
	__m512i t3 = _mm512_unpackhi_epi32(a[2], a[3]);

	v[0] = _mm512_unpacklo_epi64(t0, t2);
	v[1] = _mm512_unpackhi_epi64(t0, t2);
	v[2] = _mm512_unpacklo_epi64(t1, t3);
	v[3] = _mm512_unpackhi_epi64(t1, t3);
}

static const uint8_t no_block[2 + GROUP];

/* Block of slot (i, j): with pairs, slots 2 and 3 are groups 0 and 1 of the next row. */
VINLINE const uint8_t *slot(unsigned int form, const uint8_t *const *row, size_t at, int i, int j,
			    unsigned int n, int pairs)
{
	const uint8_t *p;

	if (pairs)
		p = row[2 * i + (j >> 1)] + (size_t)(j & 1) * block_bytes(form);
	else if ((unsigned int)j < n)
		p = row[i] + at + (size_t)j * block_bytes(form);
	else
		return no_block;
	return p;
}

VINLINE __m512i load_two(unsigned int form, const uint8_t *lo, const uint8_t *hi)
{
	return _mm512_inserti64x4(_mm512_castsi256_si512(group_weights(form, lo)),
				  group_weights(form, hi), 1);
}

/* Unsigned weights of a quad: v[k] and v[4 + k] are dwords k of the halves, two rows each. */
VINLINE void load_bytes(unsigned int form, __m512i v[8], const uint8_t *const *row, size_t at,
			unsigned int n, int pairs)
{
	const __m512i bias = _mm512_set1_epi8(-128);
	__m512i a[4];
	int j, k;

#pragma GCC unroll 4
	for (k = 0; k < 2; k++) {
#pragma GCC unroll 4
		for (j = 0; j < 4; j++)
			a[j] = _mm512_xor_si512(
				load_two(form, slot(form, row, at, 2 * k, j, n, pairs),
					 slot(form, row, at, 2 * k + 1, j, n, pairs)),
				bias);
		transpose(v + 4 * k, a);
	}
}

/* Bits from base on, gathered as the scales are, as bytes of 0 or value: v[k] is dword k of a lane. */
VINLINE void gather_bits(__m512i v[8], __m512i idx, __mmask16 mask, const uint8_t *base,
			 __m512i value)
{
	__m512i a = _mm512_mask_i32gather_epi32(_mm512_setzero_si512(), mask, idx, base, 1);
	int k;

#pragma GCC unroll 8
	for (k = 0; k < 8; k++) {
		/* byte k / 2 of a lane four times, then the bits of one half of it */
		__m128i own = _mm_setr_epi32(0, 0x04040404, 0x08080808, 0x0c0c0c0c);
		__m128i at = _mm_add_epi8(own, _mm_set1_epi8((char)(k / 2)));
		__m512i bits = _mm512_set1_epi32(k % 2 ? (int)0x80402010 : 0x08040201);
		__m512i b = _mm512_shuffle_epi8(a, _mm512_broadcast_i32x4(at));

		v[k] = _mm512_maskz_mov_epi8(_mm512_test_epi8_mask(b, bits), value);
	}
}

/* Pairs of bits likewise, as bytes of 0 to 3. */
VINLINE void gather_pairs(__m512i v[8], __m512i idx, __mmask16 mask, const uint8_t *base)
{
	const __m512i three = _mm512_set1_epi8(3), zero = _mm512_setzero_si512();
	__m512i a = _mm512_mask_i32gather_epi32(zero, mask, idx, base, 1);
	__m512i b = _mm512_mask_i32gather_epi32(zero, mask, idx, base + 4, 1);
	int k;

#pragma GCC unroll 4
	for (k = 0; k < 4; k++) {
		v[2 * k] = _mm512_and_si512(_mm512_srli_epi16(a, 2 * k), three);
		v[2 * k + 1] = _mm512_and_si512(_mm512_srli_epi16(b, 2 * k), three);
	}
}

/* The nibbles of a quad's blocks, `from` bytes into each: v[k] is dword k of every lane's group. */
VINLINE void load_nibbles(unsigned int form, __m512i v[8], const uint8_t *const *row, size_t at,
			  unsigned int n, int pairs, size_t from)
{
	const __m512i low = _mm512_set1_epi8(15);
	__m512i a[4];
	int j, k;

#pragma GCC unroll 4
	for (j = 0; j < 4; j++) {
		const __m128i *p[4];

#pragma GCC unroll 4
		for (k = 0; k < 4; k++)
			p[k] = (const __m128i *)(slot(form, row, at, k, j, n, pairs) + from);
		a[j] = _mm512_castsi128_si512(_mm_loadu_si128(p[0]));
		a[j] = _mm512_inserti32x4(a[j], _mm_loadu_si128(p[1]), 1);
		a[j] = _mm512_inserti32x4(a[j], _mm_loadu_si128(p[2]), 2);
		a[j] = _mm512_inserti32x4(a[j], _mm_loadu_si128(p[3]), 3);
	}
	transpose(v, a);
#pragma GCC unroll 4
	for (k = 0; k < 4; k++) {
		v[4 + k] = _mm512_and_si512(_mm512_srli_epi16(v[k], 4), low);
		v[k] = _mm512_and_si512(v[k], low);
	}
}

/* Unsigned weights of a quad of the other forms: v[k] is dword k of every lane's group. */
VINLINE void load_codes(unsigned int form, __m512i v[8], const uint8_t *const *row, size_t at,
			unsigned int n, int pairs, __m512i idx, __mmask16 mask, const uint8_t *base)
{
	const __m128i e2m1 =
		_mm_setr_epi8(16, 17, 18, 19, 20, 22, 24, 28, 16, 15, 14, 13, 12, 10, 8, 4);
	const __m128i iq4 = _mm_xor_si128(_mm_setr_epi8(IG1_NUM_IQ4), _mm_set1_epi8(-128));
	const __m512i two = _mm512_set1_epi8(2), top = _mm512_set1_epi8(32);
	const size_t codes = ig1_codes_at(form);
	__m512i high[8];
	int k;

	if (form == IG1_WFMT_B1_0) {
		gather_bits(v, idx, mask, base + codes, two);
		return;
	}
	if (form == IG1_WFMT_T2_0)
		gather_pairs(v, idx, mask, base + codes);
	else
		load_nibbles(form, v, row, at, n, pairs, codes + (form == IG1_WFMT_Q5_1 ? 4 : 0));
	if (form == IG1_WFMT_Q5_1)
		gather_bits(high, idx, mask, base + codes, _mm512_set1_epi8(16));
	if (form == IG1_WFMT_Q6_K)
		gather_pairs(high, idx, mask, base + codes + 16);
#pragma GCC unroll 8
	for (k = 0; k < 8; k++) {
		switch (form) {
		case IG1_WFMT_T2_0:
			v[k] = _mm512_xor_si512(v[k], two);
			break;
		case IG1_WFMT_MX4:
		case IG1_WFMT_NV4:
			v[k] = _mm512_shuffle_epi8(_mm512_broadcast_i32x4(e2m1), v[k]);
			break;
		case IG1_WFMT_IQ4:
			v[k] = _mm512_shuffle_epi8(_mm512_broadcast_i32x4(iq4), v[k]);
			break;
		case IG1_WFMT_Q5_1:
			v[k] = _mm512_or_si512(v[k], high[k]);
			break;
		case IG1_WFMT_Q6_K:
			v[k] = _mm512_or_si512(v[k], _mm512_slli_epi16(high[k], 4));
			v[k] = _mm512_xor_si512(v[k], top);
			break;
		}
	}
}

/* The scales of a quad's blocks, one for each term. */
VINLINE void load_scales(unsigned int form, __m512 d[2], __m512i idx, __mmask16 mask,
			 const uint8_t *base)
{
	const __m512i zero = _mm512_setzero_si512();
	__m512i h = _mm512_mask_i32gather_epi32(zero, mask, idx, base, 1);

	d[1] = _mm512_setzero_ps();
	if (form == IG1_WFMT_MX4) {
		d[0] = (__m512)_mm512_slli_epi32(h, 16);
	} else if (ig1_scale_bytes(form) == 2) {
		d[0] = _mm512_cvtph_ps(_mm512_cvtepi32_epi16(h));
		if (two_terms(form))
			d[1] = _mm512_cvtph_ps(_mm512_cvtepi32_epi16(_mm512_srli_epi32(h, 16)));
	} else {
		d[0] = (__m512)h;
		if (two_terms(form))
			d[1] = (__m512)_mm512_mask_i32gather_epi32(zero, mask, idx, base + 4, 1);
	}
}

VINLINE __m512 scaled(__m512i sum, __m512 dw, __m128 dx)
{
	return _mm512_mul_ps(_mm512_cvtepi32_ps(sum),
			     _mm512_mul_ps(dw, _mm512_broadcast_f32x4(dx)));
}

/*
 * One quad of groups of four (eight) rows: weights to v[8], then a term, or two, per column.
 * row[] are the rows' first blocks, at the quad's byte offset, n its groups, idx and mask gather
 * the scales from sbase. Second terms go to the vector after the first ones'.
 */
VINLINE void quad_terms(unsigned int form, const uint8_t *const *row, size_t at, unsigned int n,
			int pairs, __m512i idx, __mmask16 mask, const void *sbase,
			const struct quad *x, size_t x_col, unsigned int cols, __m512 *acc)
{
	__m512i v[8];
	__m512 dw[2];
	unsigned int c;
	int k;

	if (in_bytes(form))
		load_bytes(form, v, row, at, n, pairs);
	else
		load_codes(form, v, row, at, n, pairs, idx, mask, sbase);
	if (form == IG1_FORM_I8)
		dw[0] = _mm512_mask_i32gather_ps(_mm512_setzero_ps(), mask, idx, sbase, 4);
	else
		load_scales(form, dw, idx, mask, sbase);
	for (c = 0; c < cols; c++, x += x_col) {
		__m512i s0, s1, sum;

		if (!in_bytes(form)) {
			__m512i lo = _mm512_broadcast_i32x4(_mm256_castsi256_si128(x->init));

			s0 = ig1_has_constant(form) ? _mm512_setzero_si512() : lo;
			s1 = _mm512_setzero_si512();
			if (ig1_has_halves(form))
				s1 = _mm512_broadcast_i32x4(_mm256_extracti128_si256(x->init, 1));
#pragma GCC unroll 4
			for (k = 0; k < 4; k++) {
				const __m128i *xk = (const __m128i *)&x->x[k];

				s0 = _mm512_dpbusd_epi32(s0, v[k], _mm512_broadcast_i32x4(xk[0]));
				s1 = _mm512_dpbusd_epi32(s1, v[4 + k],
							 _mm512_broadcast_i32x4(xk[1]));
			}
			sum = ig1_has_halves(form) ? s0 : _mm512_add_epi32(s0, s1);
			if (two_terms(form))
				acc[2 * c + 1] = _mm512_add_ps(
					acc[2 * c + 1],
					scaled(ig1_has_halves(form) ? s1 : lo, dw[1], x->scale));
		} else {
			s0 = _mm512_broadcast_i64x4(x->init);
			s1 = s0;
#pragma GCC unroll 4
			for (k = 0; k < 4; k++) {
				__m512i xk = _mm512_broadcast_i64x4(x->x[k]);

				s0 = _mm512_dpbusd_epi32(s0, v[k], xk);
				s1 = _mm512_dpbusd_epi32(s1, v[4 + k], xk);
			}
			sum = _mm512_add_epi32(_mm512_shuffle_i32x4(s0, s1, 0x88),
					       _mm512_shuffle_i32x4(s0, s1, 0xdd));
		}
		acc[2 * c] = _mm512_add_ps(acc[2 * c], scaled(sum, dw[0], x->scale));
	}
}

/* (a0 + a1) + (a2 + a3) in every lane of each four, or a0 + a1 of each two */
VINLINE __m512 tree4(__m512 a, int pairs)
{
	a = _mm512_add_ps(a, _mm512_permute_ps(a, 0xb1));
	return pairs ? a : _mm512_add_ps(a, _mm512_permute_ps(a, 0x4e));
}

/*
 * A column's results. Terms of quads alternate between a[0] and a[1], which hold partials 0 to 3
 * and 4 to 7; with two terms a group these hold the even and the odd ones.
 */
VINLINE __m512 dot_tree(unsigned int form, const __m512 a[2], unsigned int n_quads, int pairs)
{
	if (!two_terms(form))
		/* partials 4 to 7 that were never used sum to +0 */
		return _mm512_add_ps(tree4(a[0], pairs),
				     n_quads > 1 ? tree4(a[1], 0) : _mm512_setzero_ps());
	if (pairs)
		return _mm512_add_ps(tree4(_mm512_add_ps(a[0], a[1]), 1), _mm512_setzero_ps());
	return tree4(_mm512_add_ps(a[0], a[1]), 0);
}

VINLINE void dot_pass(unsigned int form, const struct weights *w, uint32_t rows, uint32_t groups,
		      int pairs, const struct quad *x, unsigned int cols, float *y,
		      size_t y_row_stride, size_t y_col_stride)
{
	const uint32_t block = pairs ? 8 : 4;
	const unsigned int n_quads = (groups + 3) / 4, full = groups / 4, tail = groups % 4;
	const __mmask16 tail_mask = (__mmask16)(((1U << tail) - 1) * 0x1111);
	const size_t step = 4 * block_bytes(form);
	const unsigned int turns = two_terms(form) ? 1 : 2; /* of quads among the accumulators */
	__m512i idx = _mm512_setzero_si512();
	uint32_t r, left, i;
	unsigned int c, q;

	for (r = 0; r < rows; r += block) {
		const uint8_t *row[8];
		const uint8_t *sbase;
		size_t sstep;
		__m512 acc[2 * MAX_COLS];

		left = rows - r < block ? rows - r : block;
		for (i = 0; i < block; i++) /* rows past the end repeat the last */
			row[i] = w->w + (r + (i < left ? i : left - 1)) * w->row_bytes;
		if (r == 0 || left < block) {
			int32_t at[16];

			for (i = 0; i < 16; i++) {
				uint32_t ri = pairs ? i / 2 : i / 4, g = pairs ? i % 2 : i % 4;

				ri = ri < left ? ri : left - 1;
				at[i] = form == IG1_FORM_I8 ? (int32_t)(ri * w->ws_stride + g)
							    : (int32_t)(ri * w->row_bytes +
									g * block_bytes(form));
			}
			idx = _mm512_loadu_si512(at);
		}
		if (form == IG1_FORM_I8) {
			sbase = (const uint8_t *)(w->ws + r * w->ws_stride);
			sstep = 4 * sizeof(float);
		} else {
			sbase = row[0];
			sstep = step;
		}
		for (c = 0; c < 2 * cols; c++)
			acc[c] = _mm512_setzero_ps();
		if (pairs) {
			quad_terms(form, row, 0, 2, 1, idx, 0xffff, sbase, x, n_quads, cols, acc);
		} else {
			for (q = 0; q < full; q++)
				quad_terms(form, row, q * step, 4, 0, idx, 0xffff,
					   sbase + q * sstep, x + q, n_quads, cols,
					   acc + q % turns);
			if (tail)
				quad_terms(form, row, q * step, tail, 0, idx, tail_mask,
					   sbase + q * sstep, x + q, n_quads, cols,
					   acc + q % turns);
		}
		for (c = 0; c < cols; c++) {
			float out[16], *yc = y + c * y_col_stride;
			__m512 t = dot_tree(form, acc + 2 * c, n_quads, pairs);

			t = (__m512)vcanon((vf)t);
			_mm512_storeu_ps(out, t);
			for (i = 0; i < left; i++)
				yc[(r + i) * y_row_stride] = out[pairs ? 2 * i : 4 * i];
		}
	}
}

VINLINE void dot_all(unsigned int form, const struct weights *w, uint32_t rows, uint32_t groups,
		     const int8_t *xq, size_t xq_stride, const float *xs, size_t xs_stride,
		     uint32_t cols, float *y, size_t y_row_stride, size_t y_col_stride)
{
	struct quad x[SCRATCH_GROUPS / 4];
	const unsigned int n_quads = (groups + 3) / 4;
	const int pairs = groups == 2;
	uint32_t c, pass, i;
	unsigned int q;

	for (c = 0; c < cols; c += pass) {
		pass = (uint32_t)(SCRATCH_GROUPS / 4) / (n_quads ? n_quads : 1);
		pass = pass > MAX_COLS ? MAX_COLS : pass;
		pass = pass > cols - c ? cols - c : pass;
		for (i = 0; i < pass; i++)
			for (q = 0; q < n_quads; q++)
				prepare_quad(&x[i * n_quads + q], form,
					     xq + (c + i) * xq_stride + (size_t)q * 4 * GROUP,
					     xs + (c + i) * xs_stride + (size_t)q * 4,
					     groups - 4 * q < 4 ? groups - 4 * q : 4, pairs);
		if (pass == 1 && pairs)
			dot_pass(form, w, rows, groups, 1, x, 1, y + c * y_col_stride, y_row_stride,
				 y_col_stride);
		else if (pass == 1)
			dot_pass(form, w, rows, groups, 0, x, 1, y + c * y_col_stride, y_row_stride,
				 y_col_stride);
		else if (pairs)
			dot_pass(form, w, rows, groups, 1, x, pass, y + c * y_col_stride,
				 y_row_stride, y_col_stride);
		else
			dot_pass(form, w, rows, groups, 0, x, pass, y + c * y_col_stride,
				 y_row_stride, y_col_stride);
	}
}

/* Rows longer than the scratch or strides past the gather's 32-bit reach: no real model has them. */
static int out_of_reach(uint32_t groups, size_t stride)
{
	return groups > SCRATCH_GROUPS || stride > INT32_MAX / 16;
}

#define DOT(WFMT, name)                                                                            \
	static void dot_##name(const uint8_t *w, size_t row_bytes, uint32_t rows, uint32_t groups, \
			       const int8_t *xq, size_t xq_stride, const float *xs,                \
			       size_t xs_stride, uint32_t cols, float *y, size_t y_row_stride,     \
			       size_t y_col_stride)                                                \
	{                                                                                          \
		const struct weights src = { w, row_bytes, NULL, 0 };                              \
                                                                                                   \
		if (out_of_reach(groups, row_bytes))                                               \
			ig1_kernels_scalar.dot[IG1_WFMT_##WFMT](w, row_bytes, rows, groups, xq,    \
								xq_stride, xs, xs_stride, cols, y, \
								y_row_stride, y_col_stride);       \
		else                                                                               \
			dot_all(IG1_WFMT_##WFMT, &src, rows, groups, xq, xq_stride, xs, xs_stride, \
				cols, y, y_row_stride, y_col_stride);                              \
	}

IG1_EACH_WFMT(DOT)

static void dot_i8(const int8_t *w, size_t row_stride, const float *ws, size_t ws_stride,
		   uint32_t rows, uint32_t groups, const int8_t *xq, size_t xq_stride,
		   const float *xs, size_t xs_stride, uint32_t cols, float *y, size_t y_row_stride,
		   size_t y_col_stride)
{
	const struct weights src = { (const uint8_t *)w, row_stride, ws, ws_stride };

	if (out_of_reach(groups, ws_stride))
		ig1_kernels_scalar.dot_i8(w, row_stride, ws, ws_stride, rows, groups, xq, xq_stride,
					  xs, xs_stride, cols, y, y_row_stride, y_col_stride);
	else
		dot_all(IG1_FORM_I8, &src, rows, groups, xq, xq_stride, xs, xs_stride, cols, y,
			y_row_stride, y_col_stride);
}

const struct ig1_kernels ig1_kernels_avx512 = {
	.name = "avx512",
	.dot = { IG1_EACH_WFMT(IG1_DOT_ENTRY) },
	.dot_i8 = dot_i8,
	IG1_VEC_KERNELS,
};

#else
typedef int ig1_no_avx512;
#endif
