// SPDX-License-Identifier: MIT
/* The plain form: one element at a time, straight from fp.h. */
#include "kernels_impl.h"

#define GROUP IG1_NUM_GROUP_ELEMS

#define BLOCK_KERNELS(WFMT, name)                                                                  \
	static void dot_##name(const uint8_t *w, size_t row_bytes, uint32_t rows, uint32_t groups, \
			       const int8_t *xq, size_t xq_stride, const float *xs,                \
			       size_t xs_stride, uint32_t cols, float *y, size_t y_row_stride,     \
			       size_t y_col_stride)                                                \
	{                                                                                          \
		dot_blocks(IG1_WFMT_##WFMT, w, row_bytes, rows, groups, xq, xq_stride, xs,         \
			   xs_stride, cols, y, y_row_stride, y_col_stride);                        \
	}                                                                                          \
                                                                                                   \
	static void k_dequant_##name(float *y, const uint8_t *w, size_t groups)                    \
	{                                                                                          \
		dequant_blocks(IG1_WFMT_##WFMT, y, w, groups);                                     \
	}

static inline __attribute__((always_inline)) void
group_terms(unsigned int wfmt, const uint8_t *b, const int8_t *x, float xs, float *term)
{
	int32_t sum[2] = { 0 };
	uint32_t t;
	int j;

	for (j = 0; j < GROUP; j++) {
		sum[ig1_has_halves(wfmt) ? j / 16 : 0] += ig1_block_weight(wfmt, b, j) * x[j];
		if (ig1_has_constant(wfmt))
			sum[1] += x[j];
	}
	for (t = 0; t < ig1_wfmt_terms(wfmt); t++)
		term[t] = ig1_group_term(sum[t], ig1_block_scale(wfmt, b, t), xs);
}

void ig1_group_terms(unsigned int wfmt, const uint8_t *block, const int8_t *x, float xs,
		     float term[2])
{
	group_terms(wfmt, block, x, xs, term);
}

static inline __attribute__((always_inline)) void
dot_blocks(unsigned int wfmt, const uint8_t *w, size_t row_bytes, uint32_t rows, uint32_t groups,
	   const int8_t *xq, size_t xq_stride, const float *xs, size_t xs_stride, uint32_t cols,
	   float *y, size_t y_row_stride, size_t y_col_stride)
{
	const uint32_t terms = ig1_wfmt_terms(wfmt);
	uint32_t r, c, g, t;

	for (r = 0; r < rows; r++) {
		for (c = 0; c < cols; c++) {
			float acc[IG1_NUM_DOT_PARTIALS] = { 0 }, term[2];

			for (g = 0; g < groups; g++) {
				group_terms(wfmt,
					    w + r * row_bytes +
						    (size_t)g * ig1_wfmt_block_bytes(wfmt),
					    xq + c * xq_stride + g * GROUP, xs[c * xs_stride + g],
					    term);
				for (t = 0; t < terms; t++) {
					float *a = &acc[(terms * g + t) % IG1_NUM_DOT_PARTIALS];

					*a = ig1_add(*a, term[t]);
				}
			}
			y[r * y_row_stride + c * y_col_stride] = ig1_canon(ig1_dot_tree(acc));
		}
	}
}

static inline __attribute__((always_inline)) void dequant_blocks(unsigned int wfmt, float *y,
								 const uint8_t *w, size_t groups)
{
	size_t g;
	int j;

	for (g = 0; g < groups; g++, w += ig1_wfmt_block_bytes(wfmt), y += GROUP) {
		for (j = 0; j < GROUP; j++) {
			unsigned int half = ig1_has_halves(wfmt) ? (unsigned int)j / 16 : 0;
			float v = ig1_mul(ig1_block_scale(wfmt, w, half),
					  ig1_i2f(ig1_block_weight(wfmt, w, j)));

			if (ig1_has_constant(wfmt))
				v = ig1_add(v, ig1_block_scale(wfmt, w, 1));
			y[j] = ig1_canon(v);
		}
	}
}

IG1_EACH_WFMT(BLOCK_KERNELS)

static void dot_i8(const int8_t *w, size_t row_stride, const float *ws, size_t ws_stride,
		   uint32_t rows, uint32_t groups, const int8_t *xq, size_t xq_stride,
		   const float *xs, size_t xs_stride, uint32_t cols, float *y, size_t y_row_stride,
		   size_t y_col_stride)
{
	uint32_t r, c, g;
	int j;

	for (r = 0; r < rows; r++) {
		for (c = 0; c < cols; c++) {
			float acc[IG1_NUM_DOT_PARTIALS] = { 0 };

			for (g = 0; g < groups; g++) {
				const int8_t *b = w + r * row_stride + g * GROUP;
				const int8_t *x = xq + c * xq_stride + g * GROUP;
				float *a = &acc[g % IG1_NUM_DOT_PARTIALS];
				int32_t sum = 0;

				for (j = 0; j < GROUP; j++)
					sum += b[j] * x[j];
				*a = ig1_add(*a, ig1_group_term(sum, ws[r * ws_stride + g],
								xs[c * xs_stride + g]));
			}
			y[r * y_row_stride + c * y_col_stride] = ig1_canon(ig1_dot_tree(acc));
		}
	}
}

#define EACH(expr)                              \
	do {                                    \
		size_t i;                       \
                                                \
		for (i = 0; i < n; i++)         \
			y[i] = ig1_canon(expr); \
	} while (0)

static void k_mul(float *y, const float *a, const float *b, size_t n)
{
	EACH(ig1_mul(a[i], b[i]));
}

static void k_add(float *y, const float *a, const float *b, size_t n)
{
	EACH(ig1_add(a[i], b[i]));
}

static void k_mad(float *y, const float *a, const float *b, const float *c, size_t n)
{
	EACH(ig1_mad(a[i], b[i], c[i]));
}

static void k_affine(float *y, const float *a, float alpha, float beta, size_t n)
{
	EACH(ig1_mad(a[i], alpha, beta));
}

static void k_exp_affine(float *y, const float *a, float alpha, float beta, size_t n)
{
	EACH(ig1_exp(ig1_mad(a[i], alpha, beta)));
}

static void k_recip(float *y, const float *a, size_t n)
{
	EACH(ig1_recip(a[i]));
}

static void k_rsqrt(float *y, const float *a, size_t n)
{
	EACH(ig1_rsqrt(a[i]));
}

static void k_sigmoid(float *y, const float *a, size_t n)
{
	EACH(ig1_sigmoid(a[i]));
}

static void k_silu(float *y, const float *a, size_t n)
{
	EACH(ig1_silu(a[i]));
}

static void k_silu_mul(float *y, const float *a, const float *b, size_t n)
{
	EACH(ig1_mul(ig1_silu(a[i]), b[i]));
}

static void k_canon(float *y, const float *a, size_t n)
{
	EACH(a[i]);
}

static void k_quantise(int8_t *q, float *scale, const float *x, size_t groups)
{
	size_t g;

	for (g = 0; g < groups; g++)
		scale[g] = ig1_quant_group(q + g * GROUP, x + g * GROUP);
}

const struct ig1_kernels ig1_kernels_scalar = {
	.name = "scalar",
	.dot = { IG1_EACH_WFMT(IG1_DOT_ENTRY) },
	.dot_i8 = dot_i8,
	.mul = k_mul,
	.add = k_add,
	.mad = k_mad,
	.affine = k_affine,
	.exp_affine = k_exp_affine,
	.recip = k_recip,
	.rsqrt = k_rsqrt,
	.sigmoid = k_sigmoid,
	.silu = k_silu,
	.silu_mul = k_silu_mul,
	.canon = k_canon,
	.sum = ig1_sum,
	.max = ig1_row_max,
	.argmax = ig1_argmax,
	.quantise = k_quantise,
	.dequant = { IG1_EACH_WFMT(IG1_DEQUANT_ENTRY) },
};
