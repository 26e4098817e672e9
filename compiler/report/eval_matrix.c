// SPDX-License-Identifier: MIT
/* Matrices of the file times values: each row is read once for all columns. */
#include <errno.h>

#include "compiler/report/eval_internal.h"

/* y[c] = sum over i of w[i] x[i][c] */
static void dot(const float *w, const double *x, uint64_t n, double *y)
{
	double sum[COLS] = { 0 };
	uint64_t i;
	uint32_t c;

	for (i = 0; i < n; i++) {
		for (c = 0; c < COLS; c++)
			sum[c] += (double)w[i] * x[i * COLS + c];
	}
	for (c = 0; c < COLS; c++)
		y[c] = sum[c];
}

int eval_embed(struct eval *e, const struct ir_op *op)
{
	double *y = eval_out(e, op);
	uint32_t c, i;

	for (c = 0; c < e->n; c++) {
		uint64_t row = op->by_pos ? e->pos + c : (uint64_t)e->tokens[c];

		if (row >= op->mats[0]->rows)
			return diag_set(&e->m->diag, -EINVAL,
					"tensor %s: no row for token or position",
					op->mats[0]->name);
		if (eval_row(e, op->mats[0], row))
			return e->m->diag.err;
		for (i = 0; i < op->width; i++)
			y[(size_t)i * COLS + c] = (double)e->row[i];
	}
	return 0;
}

int eval_matmul(struct eval *e, const struct ir_op *op)
{
	const double *x = eval_in(e, op, 0), *add = op->acc ? eval_in(e, op, 1) : NULL;
	double *y = eval_out(e, op);
	uint64_t row;
	uint32_t c;
	size_t i;

	for (i = 0; i < op->n_mats; i++) {
		const struct ir_tensor *t = op->mats[i];

		for (row = 0; row < t->rows; row++, y += COLS) {
			if (eval_row(e, t, row))
				return e->m->diag.err;
			dot(e->row, x, t->cols, y);
			for (c = 0; c < COLS; c++) {
				if (op->scale != 0)
					y[c] *= (double)op->scale;
				if (add)
					y[c] += *add++;
			}
		}
	}
	return 0;
}

int eval_headmm(struct eval *e, const struct ir_op *op)
{
	const struct ir_tensor *t = op->mats[0];
	uint64_t per = t->rows / op->heads, row;
	const double *x = eval_in(e, op, 0);
	double *y = eval_out(e, op);

	for (row = 0; row < t->rows; row++) {
		if (eval_row(e, t, row))
			return e->m->diag.err;
		dot(e->row, x + row / per * t->cols * COLS, t->cols, y + row * COLS);
	}
	return 0;
}

int eval_dots(struct eval *e, const struct ir_op *op)
{
	const double *x = eval_in(e, op, 0);
	uint64_t n = op->in[0]->width;
	double *y = eval_out(e, op);
	const float *w;
	uint32_t i;

	if (eval_const(e, op->konst, &w))
		return e->m->diag.err;
	for (i = 0; i < op->width; i++)
		dot(w + i * n, x, n, y + (size_t)i * COLS);
	return 0;
}
