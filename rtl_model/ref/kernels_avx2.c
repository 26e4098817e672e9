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

enum fmt {
	FMT_Q8_0,
	FMT_Q4_0,
	FMT_I8,
};

VINLINE size_t block_bytes(enum fmt fmt)
{
	return fmt == FMT_Q8_0 ? IG1_Q8_0_BYTES : fmt == FMT_Q4_0 ? IG1_Q4_0_BYTES : GROUP;
}

VINLINE __m256i widen(const void *p)
{
	return _mm256_cvtepi8_epi16(_mm_loadu_si128(p));
}

/* Eight partial sums of one group. */
VINLINE __m256i group_sums(enum fmt fmt, const uint8_t *w, const int8_t *x)
{
	__m256i lo, hi;

	if (fmt == FMT_Q4_0) {
		__m128i b = _mm_loadu_si128((const __m128i *)(w + 2));
		__m128i low = _mm_set1_epi8(15), eight = _mm_set1_epi8(8);
		__m128i l = _mm_sub_epi8(_mm_and_si128(b, low), eight);
		__m128i h = _mm_sub_epi8(_mm_and_si128(_mm_srli_epi16(b, 4), low), eight);

		lo = _mm256_cvtepi8_epi16(l);
		hi = _mm256_cvtepi8_epi16(h);
	} else {
		w += fmt == FMT_Q8_0 ? 2 : 0;
		lo = widen(w);
		hi = widen(w + GROUP / 2);
	}
	return _mm256_add_epi32(_mm256_madd_epi16(lo, widen(x)),
				_mm256_madd_epi16(hi, widen(x + GROUP / 2)));
}

/* n (1..8) groups of a row into its partial sums; an absent one adds -0. */
VINLINE __m256 add_groups(enum fmt fmt, __m256 acc, const uint8_t *w, const float *ws,
			  const int8_t *x, const float *xs, unsigned int n)
{
	__m256i d[8], lo, hi, sum;
	const __m256i present = _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n),
						   _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
	__m256 dw, dx;
	unsigned int j;

#pragma GCC unroll 8
	for (j = 0; j < 8; j++)
		d[j] = j < n ? group_sums(fmt, w + j * block_bytes(fmt), x + j * GROUP)
			     : _mm256_setzero_si256();
	lo = _mm256_hadd_epi32(_mm256_hadd_epi32(d[0], d[1]), _mm256_hadd_epi32(d[2], d[3]));
	hi = _mm256_hadd_epi32(_mm256_hadd_epi32(d[4], d[5]), _mm256_hadd_epi32(d[6], d[7]));
	sum = _mm256_add_epi32(_mm256_permute2x128_si256(lo, hi, 0x20),
			       _mm256_permute2x128_si256(lo, hi, 0x31));
	if (fmt == FMT_I8) {
		dw = _mm256_maskload_ps(ws, present);
	} else {
		short h[8];

#pragma GCC unroll 8
		for (j = 0; j < 8; j++) {
			h[j] = 0;
			if (j < n)
				memcpy(&h[j], w + j * block_bytes(fmt), sizeof(h[j]));
		}
		dw = _mm256_cvtph_ps(
			_mm_setr_epi16(h[0], h[1], h[2], h[3], h[4], h[5], h[6], h[7]));
	}
	dx = _mm256_maskload_ps(xs, present);
	if (n < 8) /* a scale of -0 makes the term -0 */
		dx = _mm256_or_ps(
			dx, (__m256)_mm256_andnot_si256(present, _mm256_set1_epi32((int)IG1_SIGN)));
	return _mm256_add_ps(acc, _mm256_mul_ps(_mm256_cvtepi32_ps(sum), _mm256_mul_ps(dw, dx)));
}

VINLINE const float *scale_at(enum fmt fmt, const float *ws, uint32_t g)
{
	return fmt == FMT_I8 ? ws + g : NULL;
}

VINLINE void dot_all(enum fmt fmt, const uint8_t *w, size_t row_bytes, const float *ws,
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
				acc = add_groups(fmt, acc, w + g * block_bytes(fmt),
						 scale_at(fmt, ws, g), x + (size_t)g * GROUP, s + g,
						 8);
			w_tail = w + g * block_bytes(fmt);
			s_tail = scale_at(fmt, ws, g);
			x += (size_t)g * GROUP;
			s += g;
			switch (groups - g) { /* constants, so that absent groups cost nothing */
			case 1:
				acc = add_groups(fmt, acc, w_tail, s_tail, x, s, 1);
				break;
			case 2:
				acc = add_groups(fmt, acc, w_tail, s_tail, x, s, 2);
				break;
			case 3:
				acc = add_groups(fmt, acc, w_tail, s_tail, x, s, 3);
				break;
			case 4:
				acc = add_groups(fmt, acc, w_tail, s_tail, x, s, 4);
				break;
			case 5:
				acc = add_groups(fmt, acc, w_tail, s_tail, x, s, 5);
				break;
			case 6:
				acc = add_groups(fmt, acc, w_tail, s_tail, x, s, 6);
				break;
			case 7:
				acc = add_groups(fmt, acc, w_tail, s_tail, x, s, 7);
				break;
			}
			_mm256_storeu_ps(lane, acc);
			y[r * y_row_stride + c * y_col_stride] = ig1_canon(ig1_dot_tree(lane));
		}
		if (fmt == FMT_I8)
			ws += ws_stride;
	}
}

static void dot_q8_0(const uint8_t *w, size_t row_bytes, uint32_t rows, uint32_t groups,
		     const int8_t *xq, size_t xq_stride, const float *xs, size_t xs_stride,
		     uint32_t cols, float *y, size_t y_row_stride, size_t y_col_stride)
{
	dot_all(FMT_Q8_0, w, row_bytes, NULL, 0, rows, groups, xq, xq_stride, xs, xs_stride, cols,
		y, y_row_stride, y_col_stride);
}

static void dot_q4_0(const uint8_t *w, size_t row_bytes, uint32_t rows, uint32_t groups,
		     const int8_t *xq, size_t xq_stride, const float *xs, size_t xs_stride,
		     uint32_t cols, float *y, size_t y_row_stride, size_t y_col_stride)
{
	dot_all(FMT_Q4_0, w, row_bytes, NULL, 0, rows, groups, xq, xq_stride, xs, xs_stride, cols,
		y, y_row_stride, y_col_stride);
}

static void dot_i8(const int8_t *w, size_t row_stride, const float *ws, size_t ws_stride,
		   uint32_t rows, uint32_t groups, const int8_t *xq, size_t xq_stride,
		   const float *xs, size_t xs_stride, uint32_t cols, float *y, size_t y_row_stride,
		   size_t y_col_stride)
{
	dot_all(FMT_I8, (const uint8_t *)w, row_stride, ws, ws_stride, rows, groups, xq, xq_stride,
		xs, xs_stride, cols, y, y_row_stride, y_col_stride);
}

const struct ig1_kernels ig1_kernels_avx2 = {
	.name = "avx2",
	.dot_q8_0 = dot_q8_0,
	.dot_q4_0 = dot_q4_0,
	.dot_i8 = dot_i8,
	IG1_VEC_KERNELS,
};

#else
typedef int ig1_no_avx2;
#endif
