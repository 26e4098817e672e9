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

/* Eight partial sums of one group. */
VINLINE __m256i group_sums(unsigned int form, const uint8_t *w, const int8_t *x)
{
	__m256i q = group_weights(form, w), v = _mm256_loadu_si256((const __m256i *)x);

	return _mm256_add_epi32(
		_mm256_madd_epi16(_mm256_cvtepi8_epi16(_mm256_castsi256_si128(q)),
				  _mm256_cvtepi8_epi16(_mm256_castsi256_si128(v))),
		_mm256_madd_epi16(_mm256_cvtepi8_epi16(_mm256_extracti128_si256(q, 1)),
				  _mm256_cvtepi8_epi16(_mm256_extracti128_si256(v, 1))));
}

/* n (1..8) groups of a row into its partial sums; an absent one adds -0. */
VINLINE __m256 add_groups(unsigned int form, __m256 acc, const uint8_t *w, const float *ws,
			  const int8_t *x, const float *xs, unsigned int n)
{
	__m256i d[8], lo, hi, sum;
	const __m256i present = _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n),
						   _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
	__m256 dw, dx;
	unsigned int j;

#pragma GCC unroll 8
	for (j = 0; j < 8; j++)
		d[j] = j < n ? group_sums(form, w + j * block_bytes(form), x + j * GROUP)
			     : _mm256_setzero_si256();
	lo = _mm256_hadd_epi32(_mm256_hadd_epi32(d[0], d[1]), _mm256_hadd_epi32(d[2], d[3]));
	hi = _mm256_hadd_epi32(_mm256_hadd_epi32(d[4], d[5]), _mm256_hadd_epi32(d[6], d[7]));
	sum = _mm256_add_epi32(_mm256_permute2x128_si256(lo, hi, 0x20),
			       _mm256_permute2x128_si256(lo, hi, 0x31));
	if (form == IG1_FORM_I8) {
		dw = _mm256_maskload_ps(ws, present);
	} else {
		__m128i h16;
		short h[8];

#pragma GCC unroll 8
		for (j = 0; j < 8; j++) {
			h[j] = 0;
			if (j < n)
				memcpy(&h[j], w + j * block_bytes(form), sizeof(h[j]));
		}
		h16 = _mm_setr_epi16(h[0], h[1], h[2], h[3], h[4], h[5], h[6], h[7]);
		dw = form == IG1_WFMT_MX4
			     ? (__m256)_mm256_slli_epi32(_mm256_cvtepu16_epi32(h16), 16)
			     : _mm256_cvtph_ps(h16);
	}
	dx = _mm256_maskload_ps(xs, present);
	if (n < 8) /* a scale of -0 makes the term -0 */
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
	uint32_t r, c, g;

	for (r = 0; r < rows; r++, w += row_bytes) {
		for (c = 0; c < cols; c++) {
			const int8_t *x = xq + c * xq_stride;
			const float *s = xs + c * xs_stride;
			const uint8_t *w_tail;
			const float *s_tail;
			float lane[IG1_NUM_DOT_PARTIALS];
			__m256 acc = _mm256_setzero_ps();

			for (g = 0; g + 8 <= groups; g += 8)
				acc = add_groups(form, acc, w + g * block_bytes(form),
						 scale_at(form, ws, g), x + (size_t)g * GROUP,
						 s + g, 8);
			w_tail = w + g * block_bytes(form);
			s_tail = scale_at(form, ws, g);
			x += (size_t)g * GROUP;
			s += g;
			switch (groups - g) { /* constants, so that absent groups cost nothing */
			case 1:
				acc = add_groups(form, acc, w_tail, s_tail, x, s, 1);
				break;
			case 2:
				acc = add_groups(form, acc, w_tail, s_tail, x, s, 2);
				break;
			case 3:
				acc = add_groups(form, acc, w_tail, s_tail, x, s, 3);
				break;
			case 4:
				acc = add_groups(form, acc, w_tail, s_tail, x, s, 4);
				break;
			case 5:
				acc = add_groups(form, acc, w_tail, s_tail, x, s, 5);
				break;
			case 6:
				acc = add_groups(form, acc, w_tail, s_tail, x, s, 6);
				break;
			case 7:
				acc = add_groups(form, acc, w_tail, s_tail, x, s, 7);
				break;
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
