// SPDX-License-Identifier: MIT
/*
 * AVX2: products widened to 16 bits (vpmaddwd is exact), eight groups of a row summed into the
 * eight lanes that are its interleaved partial sums.
 */
#if defined(__x86_64__) && !defined(__clang__)

#pragma GCC target("avx2,f16c")

#include <immintrin.h>

#define IG1_VL 8
#include "kernels_vec.h"

VINLINE unsigned int terms_of(unsigned int form)
{
	return form == IG1_FORM_I8 ? 1 : ig1_wfmt_terms(form);
}

/* Eight partial sums of each term of one group. */
VINLINE void group_sums(unsigned int form, __m256i *out, const uint8_t *w, const int8_t *x)
{
	__m256i q = group_weights(form, w), v = _mm256_loadu_si256((const __m256i *)x);
	__m256i v0 = _mm256_cvtepi8_epi16(_mm256_castsi256_si128(v));
	__m256i v1 = _mm256_cvtepi8_epi16(_mm256_extracti128_si256(v, 1));
	__m256i lo = _mm256_madd_epi16(_mm256_cvtepi8_epi16(_mm256_castsi256_si128(q)), v0);
	__m256i hi = _mm256_madd_epi16(_mm256_cvtepi8_epi16(_mm256_extracti128_si256(q, 1)), v1);

	if (ig1_has_halves(form)) {
		out[0] = lo;
		out[1] = hi;
	} else {
		out[0] = _mm256_add_epi32(lo, hi);
		if (ig1_has_constant(form))
			out[1] = _mm256_madd_epi16(_mm256_add_epi16(v0, v1), _mm256_set1_epi16(1));
	}
}

/* The scales of the terms of n blocks. */
VINLINE __m256 block_scales(unsigned int form, const uint8_t *w, unsigned int n)
{
	uint16_t h[8] = { 0 };
	uint32_t f[8] = { 0 };
	uint64_t two[4] = { 0 };
	unsigned int j;
	__m128i h16;

#pragma GCC unroll 8
	for (j = 0; j < 8; j++) {
		const uint8_t *b = w + j * block_bytes(form);

		if (j >= n)
			continue;
		if (ig1_codes_at(form) == 2)
			memcpy(&h[j], b, 2);
		else if (ig1_codes_at(form) == 4)
			memcpy(&f[j], b, 4);
		else
			memcpy(&two[j % 4], b, 8);
	}
	if (ig1_codes_at(form) == 8)
		return (__m256)_mm256_setr_epi64x((long long)two[0], (long long)two[1],
						  (long long)two[2], (long long)two[3]);
	if (ig1_scale_bytes(form) == 4)
		return (__m256)_mm256_setr_epi32((int)f[0], (int)f[1], (int)f[2], (int)f[3],
						 (int)f[4], (int)f[5], (int)f[6], (int)f[7]);
	if (terms_of(form) == 2)
		h16 = _mm_setr_epi32((int)f[0], (int)f[1], (int)f[2], (int)f[3]);
	else
		h16 = _mm_setr_epi16((short)h[0], (short)h[1], (short)h[2], (short)h[3],
				     (short)h[4], (short)h[5], (short)h[6], (short)h[7]);
	return form == IG1_WFMT_MX4 ? (__m256)_mm256_slli_epi32(_mm256_cvtepu16_epi32(h16), 16)
				    : _mm256_cvtph_ps(h16);
}

/* n groups of a row, whose terms fill at most 8 lanes, into its partial sums; an absent term adds -0. */
VINLINE __m256 add_groups(unsigned int form, __m256 acc, const uint8_t *w, const float *ws,
			  const int8_t *x, const float *xs, unsigned int n)
{
	const unsigned int terms = terms_of(form);
	__m256i d[8], lo, hi, sum;
	const __m256i at = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
	const __m256i present = _mm256_cmpgt_epi32(_mm256_set1_epi32((int)(n * terms)), at);
	__m256 dw, dx;
	unsigned int j;

#pragma GCC unroll 8
	for (j = 0; j < 8; j += terms) {
		d[j] = d[j + terms - 1] = _mm256_setzero_si256();
		if (j < n * terms)
			group_sums(form, d + j, w + j / terms * block_bytes(form),
				   x + j / terms * GROUP);
	}
	lo = _mm256_hadd_epi32(_mm256_hadd_epi32(d[0], d[1]), _mm256_hadd_epi32(d[2], d[3]));
	hi = _mm256_hadd_epi32(_mm256_hadd_epi32(d[4], d[5]), _mm256_hadd_epi32(d[6], d[7]));
	sum = _mm256_add_epi32(_mm256_permute2x128_si256(lo, hi, 0x20),
			       _mm256_permute2x128_si256(lo, hi, 0x31));
	dw = form == IG1_FORM_I8 ? _mm256_maskload_ps(ws, present) : block_scales(form, w, n);
	dx = _mm256_maskload_ps(xs, _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), at));
	if (terms == 2)
		dx = _mm256_permutevar8x32_ps(dx, _mm256_srli_epi32(at, 1));
	if (n * terms < 8) /* a scale of -0 makes the term -0 */
		dx = _mm256_or_ps(
			dx, (__m256)_mm256_andnot_si256(present, _mm256_set1_epi32((int)IG1_SIGN)));
	return _mm256_add_ps(acc, _mm256_mul_ps(_mm256_cvtepi32_ps(sum), _mm256_mul_ps(dw, dx)));
}

VINLINE const float *scale_at(unsigned int form, const float *ws, uint32_t g)
{
	return form == IG1_FORM_I8 ? ws + g : NULL;
}

VINLINE void dot_all(unsigned int form, const uint8_t *w, size_t row_bytes, const float *ws,
		     size_t ws_stride, uint32_t rows, uint32_t groups, const int8_t *xq,
		     size_t xq_stride, const float *xs, size_t xs_stride, uint32_t cols, float *y,
		     size_t y_row_stride, size_t y_col_stride)
{
	const uint32_t step = 8 / terms_of(form);
	uint32_t r, c, g;

	for (r = 0; r < rows; r++, w += row_bytes) {
		for (c = 0; c < cols; c++) {
			const int8_t *x = xq + c * xq_stride;
			const float *s = xs + c * xs_stride;
			const uint8_t *w_tail;
			const float *s_tail;
			float lane[IG1_NUM_DOT_PARTIALS];
			__m256 acc = _mm256_setzero_ps();

			for (g = 0; g + step <= groups; g += step)
				acc = add_groups(form, acc, w + g * block_bytes(form),
						 scale_at(form, ws, g), x + (size_t)g * GROUP,
						 s + g, step);
			w_tail = w + g * block_bytes(form);
			s_tail = scale_at(form, ws, g);
			x += (size_t)g * GROUP;
			s += g;
			switch (groups - g) { /* constants, so that absent groups cost nothing */
#define TAIL(n)                                                               \
	case n:                                                               \
		if (n < step)                                                 \
			acc = add_groups(form, acc, w_tail, s_tail, x, s, n); \
		break
				TAIL(1);
				TAIL(2);
				TAIL(3);
				TAIL(4);
				TAIL(5);
				TAIL(6);
				TAIL(7);
#undef TAIL
			}
			_mm256_storeu_ps(lane, acc);
			y[r * y_row_stride + c * y_col_stride] = ig1_canon(ig1_dot_tree(lane));
		}
		if (form == IG1_FORM_I8)
			ws += ws_stride;
	}
}

#define DOT(WFMT, name)                                                                            \
	static void dot_##name(const uint8_t *w, size_t row_bytes, uint32_t rows, uint32_t groups, \
			       const int8_t *xq, size_t xq_stride, const float *xs,                \
			       size_t xs_stride, uint32_t cols, float *y, size_t y_row_stride,     \
			       size_t y_col_stride)                                                \
	{                                                                                          \
		dot_all(IG1_WFMT_##WFMT, w, row_bytes, NULL, 0, rows, groups, xq, xq_stride, xs,   \
			xs_stride, cols, y, y_row_stride, y_col_stride);                           \
	}

IG1_EACH_WFMT(DOT)

static void dot_i8(const int8_t *w, size_t row_stride, const float *ws, size_t ws_stride,
		   uint32_t rows, uint32_t groups, const int8_t *xq, size_t xq_stride,
		   const float *xs, size_t xs_stride, uint32_t cols, float *y, size_t y_row_stride,
		   size_t y_col_stride)
{
	dot_all(IG1_FORM_I8, (const uint8_t *)w, row_stride, ws, ws_stride, rows, groups, xq,
		xq_stride, xs, xs_stride, cols, y, y_row_stride, y_col_stride);
}

const struct ig1_kernels ig1_kernels_avx2 = {
	.name = "avx2",
	.dot = { IG1_EACH_WFMT(IG1_DOT_ENTRY) },
	.dot_i8 = dot_i8,
	IG1_VEC_KERNELS,
};

#else
typedef int ig1_no_avx2;
#endif
