// SPDX-License-Identifier: MIT
/* prim_vec_alu, prim_vec_reduce, prim_quant32. */
#include <stdlib.h>
#include <string.h>

#include "fp.h"
#include "ig1_isa.h"
#include "kernels.h"
#include "prim_dpi_mask.h"

void ig1_dpi_vec_alu(uint8_t op, uint32_t n, const uint32_t *pa, const uint32_t *pb,
		     const uint32_t *pc, const uint32_t *pd, uint32_t alpha_bits,
		     uint32_t beta_bits, uint32_t *py)
{
	struct ig1_fpenv env = ig1_fp_enter();
	const struct ig1_kernels *k = ig1_kernels();
	float alpha = ig1_f32_from(alpha_bits), beta = ig1_f32_from(beta_bits);
	float a[DPI_WORDS], b[DPI_WORDS], c[DPI_WORDS], d[DPI_WORDS], y[DPI_WORDS];
	uint32_t i;

	if (n > DPI_WORDS)
		n = DPI_WORDS;
	memcpy(a, pa, sizeof(a));
	memcpy(b, pb, sizeof(b));
	memcpy(c, pc, sizeof(c));
	memcpy(d, pd, sizeof(d));
	switch (op) {
	case IG1_OP_V_ADD:
		k->add(y, a, b, n);
		break;
	case IG1_OP_V_SUB:
		for (i = 0; i < n; i++)
			y[i] = ig1_canon(ig1_add(a[i], ig1_neg(b[i])));
		break;
	case IG1_OP_V_MUL:
		k->mul(y, a, b, n);
		break;
	case IG1_OP_V_MAD:
		k->mad(y, a, b, c, n);
		break;
	case IG1_OP_V_MUL3:
		for (i = 0; i < n; i++)
			y[i] = ig1_canon(ig1_mul(ig1_mul(a[i], b[i]), c[i]));
		break;
	case IG1_OP_V_LIN:
		k->affine(y, a, alpha, beta, n);
		break;
	case IG1_OP_V_EXPS:
		/* adding -0 changes no product */
		for (i = 0; i < n; i++)
			y[i] = ig1_add(a[i], ig1_neg(b[i]));
		k->exp_affine(y, y, alpha, -0.0f, n);
		break;
	case IG1_OP_V_RECIP:
		k->recip(y, a, n);
		break;
	case IG1_OP_V_RSQRT:
		k->affine(y, a, alpha, beta, n);
		k->rsqrt(y, y, n);
		break;
	case IG1_OP_V_SIGM:
		k->sigmoid(y, a, n);
		break;
	case IG1_OP_V_SILU:
		k->silu(y, a, n);
		break;
	case IG1_OP_V_SILUMUL:
		k->silu_mul(y, a, b, n);
		break;
	case IG1_OP_V_ROT:
		for (i = 0; i < n; i++)
			y[i] = ig1_canon(ig1_add(ig1_mul(a[i], c[i]), ig1_mul(b[i], d[i])));
		break;
	case IG1_OP_V_MAX:
		for (i = 0; i < n; i++)
			y[i] = ig1_max(a[i], b[i]);
		break;
	default: /* v.mov */
		for (i = 0; i < n; i++)
			y[i] = ig1_f32_from(ig1_canon_bits(ig1_daz_bits(ig1_f32_bits(a[i]))));
		break;
	}
	memcpy(py, y, 4 * (size_t)n);
	ig1_fp_leave(env);
}

/* ---- reduction ---- */

struct dpi_reduce {
	float part[IG1_NUM_REDUCE_PARTIALS];
	int32_t key; /* of the greatest element, INT32_MIN: none yet */
	uint32_t at;
};

void ig1_dpi_reduce_clear(void *handle)
{
	struct dpi_reduce *r = handle;

	memset(r, 0, sizeof(*r));
	r->key = INT32_MIN;
}

void *ig1_dpi_reduce_new(void)
{
	struct dpi_reduce *r = malloc(sizeof(*r));

	if (!r)
		abort();
	ig1_dpi_reduce_clear(r);
	return r;
}

void ig1_dpi_reduce_free(void *handle)
{
	free(handle);
}

void ig1_dpi_reduce_add(void *handle, uint8_t mode, uint32_t index, uint32_t n,
			const uint32_t *data)
{
	struct ig1_fpenv env = ig1_fp_enter();
	struct dpi_reduce *r = handle;
	float x[DPI_WORDS];
	uint32_t first = index % IG1_NUM_REDUCE_PARTIALS, i;

	if (n > IG1_NUM_REDUCE_PARTIALS - first)
		n = IG1_NUM_REDUCE_PARTIALS - first;
	memcpy(x, data, 4 * (size_t)n);
	switch (mode) {
	case IG1_VRED_SUM:
		for (i = 0; i < n; i++)
			r->part[first + i] = ig1_add(r->part[first + i], x[i]);
		break;
	case IG1_VRED_MAX:
	case IG1_VRED_ARGMAX:
		for (i = 0; i < n; i++) {
			int32_t key = ig1_order_key(x[i]);

			if (mode == IG1_VRED_ARGMAX && ig1_is_nan_bits(ig1_f32_bits(x[i])))
				continue;
			if (key > r->key) {
				r->key = key;
				r->at = index + i;
			}
		}
		break;
	}
	ig1_fp_leave(env);
}

/* The row's result; the next row starts. */
uint32_t ig1_dpi_reduce_end(void *handle, uint8_t mode)
{
	struct ig1_fpenv env = ig1_fp_enter();
	struct dpi_reduce *r = handle;
	uint32_t v;

	if (mode == IG1_VRED_SUM)
		v = ig1_canon_bits(ig1_f32_bits(ig1_sum_tree(r->part)));
	else if (mode == IG1_VRED_MAX)
		v = ig1_f32_bits(ig1_from_order_key(r->key));
	else
		v = r->at;
	ig1_dpi_reduce_clear(r);
	ig1_fp_leave(env);
	return v;
}

/* ---- quantiser ---- */

uint32_t ig1_dpi_quant32(const uint32_t *data, uint32_t *q)
{
	struct ig1_fpenv env = ig1_fp_enter();
	float x[32], scale;
	int8_t bytes[32];

	memcpy(x, data, sizeof(x));
	ig1_kernels()->quantise(bytes, &scale, x, 1);
	memcpy(q, bytes, sizeof(bytes));
	ig1_fp_leave(env);
	return ig1_f32_bits(scale);
}
