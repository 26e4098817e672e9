// SPDX-License-Identifier: MIT
/* Operations that hand something from a token to the next: ir.h has their definitions. */
#include <math.h>

#include "compiler/report/eval_internal.h"

int eval_shift(struct eval *e, const struct ir_op *op)
{
	const double *x = eval_in(e, op, 0);
	double *y = eval_out(e, op), *last = e->ops[op->id].state;
	uint32_t i, c;

	for (i = 0; i < op->width; i++) {
		for (c = 0; c < e->n; c++)
			y[(size_t)i * COLS + c] = c ? x[(size_t)i * COLS + c - 1] : last[i];
		last[i] = x[(size_t)i * COLS + e->n - 1];
	}
	return 0;
}

/* The state holds the last taps - 1 inputs, row after row, the oldest first. */
int eval_conv(struct eval *e, const struct ir_op *op)
{
	double *y = eval_out(e, op), *past = e->ops[op->id].state;
	uint32_t n = op->width, taps = op->taps, i, j, c;
	const double *x = eval_in(e, op, 0);
	const float *w;

	if (eval_const(e, op->konst, &w))
		return e->m->diag.err;
	for (c = 0; c < e->n; c++) {
		for (i = 0; i < n; i++) {
			double now = x[(size_t)i * COLS + c];
			double sum = (double)w[(size_t)taps * n + i];

			for (j = 0; j + 1 < taps; j++)
				sum += (double)w[(size_t)j * n + i] * past[(size_t)j * n + i];
			y[(size_t)i * COLS + c] = sum + (double)w[(size_t)(taps - 1) * n + i] * now;
			for (j = 0; j + 2 < taps; j++)
				past[(size_t)j * n + i] = past[(size_t)(j + 1) * n + i];
			past[(size_t)(taps - 2) * n + i] = now;
		}
	}
	return 0;
}

int eval_scan(struct eval *e, const struct ir_op *op)
{
	const double *x = eval_in(e, op, 0), *dt = eval_in(e, op, 1), *b = eval_in(e, op, 2),
		     *k = eval_in(e, op, 3), *decay = op->n_in > 4 ? eval_in(e, op, 4) : NULL;
	uint32_t per = op->heads / op->kv_heads, c, i, n;
	double *y = eval_out(e, op);
	const float *a = NULL;

	if (!decay && eval_const(e, op->konst, &a))
		return e->m->diag.err;
	for (c = 0; c < e->n; c++) {
		for (i = 0; i < op->width; i++) {
			double *state = e->ops[op->id].state + (size_t)i * op->dim, sum = 0;
			uint32_t h = i / op->seg;
			size_t group = (size_t)(h / per) * op->dim;
			double step = dt[(size_t)h * COLS + c], in = x[(size_t)i * COLS + c] * step;

			for (n = 0; n < op->dim; n++) {
				double d = decay ? decay[(size_t)h * COLS + c]
						 : exp(step * (double)a[(size_t)i * op->dim + n]);

				state[n] = d * state[n] + b[(group + n) * COLS + c] * in;
				sum += k[(group + n) * COLS + c] * state[n];
			}
			y[(size_t)i * COLS + c] = sum;
		}
	}
	return 0;
}

/* Operands of a head in one column; distances are COLS. */
struct wkv {
	const double *r, *k, *w, *a, *b; /* a, b: NULL without a correction */
	bool w_one, b_one;		 /* one number for all of the head */
	bool early;
	uint32_t dim;
};

static double product(const double *row, const double *by, uint32_t n)
{
	double sum = 0;
	uint32_t j;

	for (j = 0; j < n; j++)
		sum += row[j] * by[(size_t)j * COLS];
	return sum;
}

/* One row of the head's matrix; returns its output. */
static double wkv_row(const struct wkv *o, double *row, double v)
{
	double before = o->early ? product(row, o->r, o->dim) : 0;
	double s = o->a ? product(row, o->a, o->dim) : 0;
	uint32_t j;

	if (o->b && o->b_one)
		v += o->b[0] * s;
	for (j = 0; j < o->dim; j++) {
		size_t at = (size_t)j * COLS;

		row[j] = o->w[o->w_one ? 0 : at] * row[j] + v * o->k[at];
		if (o->b && !o->b_one)
			row[j] += s * o->b[at];
	}
	return o->early ? before : product(row, o->r, o->dim);
}

int eval_wkv(struct eval *e, const struct ir_op *op)
{
	bool w_one = op->in[3]->width == op->heads, fix = op->n_in > 5;
	bool b_one = fix && op->in[5]->width == op->heads && op->dim > 1;
	double *state = e->ops[op->id].state, *y = eval_out(e, op);
	uint32_t per = op->heads / op->kv_heads, c, h, i;
	const double *v = eval_in(e, op, 2);

	for (c = 0; c < e->n; c++) {
		for (h = 0; h < op->heads; h++) {
			uint32_t group = op->spread ? h % op->kv_heads : h / per;
			size_t shared = (size_t)group * op->dim * COLS + c;
			size_t one = (size_t)h * COLS + c, own = (size_t)h * op->dim * COLS + c;
			const struct wkv o = { .r = eval_in(e, op, 0) + shared,
					       .k = eval_in(e, op, 1) + shared,
					       .w = eval_in(e, op, 3) + (w_one ? one : own),
					       .a = fix ? eval_in(e, op, 4) + shared : NULL,
					       .b = fix ? eval_in(e, op, 5) + (b_one ? one : own)
							: NULL,
					       .w_one = w_one,
					       .b_one = b_one,
					       .early = op->early,
					       .dim = op->dim };

			for (i = h * op->seg; i < (h + 1) * op->seg; i++)
				y[(size_t)i * COLS + c] = wkv_row(&o, state + (size_t)i * op->dim,
								  v[(size_t)i * COLS + c]);
		}
	}
	return 0;
}
