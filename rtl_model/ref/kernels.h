/* SPDX-License-Identifier: MIT */
/*
 * Row kernels of the reference model. Every variant gives the bits of fp.h; they differ in speed.
 *
 * The caller holds ig1_fp_enter() around every call. Counts are elements unless named otherwise,
 * no pointer needs alignment, outputs do not overlap inputs except where they are the same array.
 * Arguments are trusted: bounds were checked by the caller.
 */
#ifndef IG1_REF_KERNELS_H
#define IG1_REF_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "ig1_isa.h"

enum ig1_simd {
	IG1_SIMD_SCALAR,
	IG1_SIMD_AVX2,
	IG1_SIMD_AVX512, /* with VNNI */
	IG1_SIMD_COUNT,
};

#define IG1_WFMT_MAX 16 /* values of a command's field fmt */

/*
 * y[r * y_row_stride + c * y_col_stride] = group dot of weight row r and column c. Weights are
 * blocks of a format, `groups` of them from w + r * row_bytes; activations are groups * 32 int8 from
 * xq + c * xq_stride with one scale each from xs + c * xs_stride.
 */
typedef void ig1_dot_fn(const uint8_t *w, size_t row_bytes, uint32_t rows, uint32_t groups,
			const int8_t *xq, size_t xq_stride, const float *xs, size_t xs_stride,
			uint32_t cols, float *y, size_t y_row_stride, size_t y_col_stride);

/* Blocks of a format to y[groups * 32], the weights. */
typedef void ig1_dequant_fn(float *y, const uint8_t *w, size_t groups);

struct ig1_kernels {
	const char *name;

	ig1_dot_fn *dot[IG1_WFMT_MAX]; /* by IG1_WFMT_*; reserved ones NULL */
	/* the same with int8 rows and their fp32 scales apart (strides in elements) */
	void (*dot_i8)(const int8_t *w, size_t row_stride, const float *ws, size_t ws_stride,
		       uint32_t rows, uint32_t groups, const int8_t *xq, size_t xq_stride,
		       const float *xs, size_t xs_stride, uint32_t cols, float *y,
		       size_t y_row_stride, size_t y_col_stride);

	/* elementwise; results are canonical; y may be any of the operands */
	void (*mul)(float *y, const float *a, const float *b, size_t n);
	void (*add)(float *y, const float *a, const float *b, size_t n);
	void (*mad)(float *y, const float *a, const float *b, const float *c, size_t n);
	void (*affine)(float *y, const float *a, float alpha, float beta, size_t n);
	void (*exp_affine)(float *y, const float *a, float alpha, float beta, size_t n);
	void (*recip)(float *y, const float *a, size_t n);
	void (*rsqrt)(float *y, const float *a, size_t n);
	void (*sigmoid)(float *y, const float *a, size_t n);
	void (*silu)(float *y, const float *a, size_t n);
	void (*silu_mul)(float *y, const float *a, const float *b, size_t n); /* silu(a) * b */
	void (*canon)(float *y, const float *a, size_t n);

	/* one row to one value */
	float (*sum)(const float *x, size_t n);
	float (*max)(const float *x, size_t n);
	uint32_t (*argmax)(const float *x, size_t n);

	/* x[groups * 32] to q and one scale per group */
	void (*quantise)(int8_t *q, float *scale, const float *x, size_t groups);
	ig1_dequant_fn *dequant[IG1_WFMT_MAX];
};

/* The terms of one group of a row, before they are added up; as many as the format has. Not fast. */
void ig1_group_terms(unsigned int wfmt, const uint8_t *block, const int8_t *x, float xs,
		     float term[2]);

/* Kernels of one kind, NULL when this processor or build lacks it. */
const struct ig1_kernels *ig1_kernels_get(enum ig1_simd kind);

/* What ig1_kernels() hands out from now on; -ENOTSUP when lacking. Call before other threads run. */
int ig1_kernels_set(enum ig1_simd kind);

/* The chosen kernels; without a choice the fastest, or what IG1_SIMD=scalar|avx2|avx512 names. */
const struct ig1_kernels *ig1_kernels(void);

#endif
