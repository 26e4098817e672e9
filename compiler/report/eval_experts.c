// SPDX-License-Identifier: MIT
/* Routing, and the matrices of the chosen experts: models.md section 4, moe; ir.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/report/eval_internal.h"

/* The greatest of n, the first of equals; what has been taken is -inf. */
static uint32_t greatest(const double *s, uint32_t n)
{
	uint32_t best = 0, i;

	for (i = 1; i < n; i++) {
		if (s[i] > s[best])
			best = i;
	}
	return best;
}

/* Scores outside of the best groups become -inf; sums, drop: a number per group. */
static void limit_groups(const struct ir_op *op, double *s, double *sums, double *drop)
{
	uint32_t of = op->experts / op->groups, g, i, k;

	for (g = 0; g < op->groups; g++) {
		const double *in = s + (size_t)g * of;
		uint32_t first = greatest(in, of);
		double second = -INFINITY;

		for (i = 0; i < of; i++) {
			if (i != first)
				second = fmax(second, in[i]);
		}
		sums[g] = in[first] + (of > 1 ? second : 0);
		drop[g] = 1;
	}
	for (k = 0; k < op->used_groups; k++) {
		g = greatest(sums, op->groups);
		sums[g] = -INFINITY;
		drop[g] = 0;
	}
	for (i = 0; i < op->experts; i++) {
		if (drop[i / of] != 0)
			s[i] = -INFINITY;
	}
}

static void weights(const struct ir_op *op, double *y)
{
	double sum = 0;
	uint32_t j;

	if (op->chosen)
		eval_softmax(y, op->used, COLS);
	for (j = 0; j < op->used; j++)
		sum += y[(size_t)j * COLS];
	for (j = 0; j < op->used; j++) {
		if (op->norm)
			y[(size_t)j * COLS] /= fmax(sum, (double)IR_ROUTE_LEAST);
		if (op->scale != 0)
			y[(size_t)j * COLS] *= (double)op->scale;
	}
}

int eval_route(struct eval *e, const struct ir_op *op)
{
	const double *p = eval_in(e, op, 0), *select = eval_in(e, op, op->n_in - 1);
	uint32_t *choice = e->ops[op->id].choice, c, i, j;
	double *y = eval_out(e, op), *s;

	s = eval_alloc(e, (uint64_t)op->experts + 2 * (uint64_t)op->groups);
	if (!s)
		return e->m->diag.err;
	for (c = 0; c < e->n; c++) {
		for (i = 0; i < op->experts; i++)
			s[i] = select[(size_t)i * COLS + c];
		if (op->groups > 1)
			limit_groups(op, s, s + op->experts, s + op->experts + op->groups);
		for (j = 0; j < op->used; j++) {
			uint32_t best = greatest(s, op->experts);

			choice[j * COLS + c] = best;
			y[(size_t)j * COLS + c] = p[(size_t)best * COLS + c];
			s[best] = -INFINITY;
		}
		weights(op, y + c);
	}
	free(s);
	return 0;
}

/* Matrix of part k of an expert, and its first row there. */
static const struct ir_tensor *part(const struct ir_op *op, uint32_t k, uint32_t expert,
				    uint64_t rows, uint64_t *first)
{
	size_t per = op->n_mats / op->parts;

	*first = 0;
	if (per > 1)
		return op->mats[k * per + expert];
	if (op->parts > 1 && op->mats[0] == op->mats[1])
		*first = ((uint64_t)expert * op->parts + k) * rows;
	else
		*first = expert * rows;
	return op->mats[k];
}

/* Element i of the input in column c is x[i * COLS + c]. */
static double dot(const float *w, const double *x, uint64_t n)
{
	double sum = 0;
	uint64_t i;

	for (i = 0; i < n; i++)
		sum += (double)w[i] * x[i * COLS];
	return sum;
}

/* One row of a part of an expert, for all that chose it. */
static int expert_row(struct eval *e, const struct ir_op *op, uint32_t k, uint32_t expert,
		      uint64_t r, uint64_t rows, const float *bias)
{
	const struct ir_op *route = op->in[1];
	const uint32_t *choice = e->ops[route->id].choice;
	const double *x = eval_in(e, op, 0), *weight = e->ops[route->id].v;
	bool combine = op->kind == IR_COMBINE;
	double *y = eval_out(e, op), b = 0;
	const struct ir_tensor *t;
	uint64_t first;
	uint32_t j, c;

	t = part(op, k, expert, rows, &first);
	if (eval_row(e, t, first + r))
		return e->m->diag.err;
	if (bias)
		b = (double)bias[((uint64_t)k * route->experts + expert) * rows + r];
	for (j = 0; j < route->used; j++) {
		for (c = 0; c < e->n; c++) {
			size_t at = j * COLS + c;

			if (choice[at] != expert)
				continue;
			if (combine)
				y[r * COLS + c] +=
					weight[at] *
					(dot(e->row, x + j * t->cols * COLS + c, t->cols) + b);
			else
				y[(((uint64_t)k * route->used + j) * rows + r) * COLS + c] =
					dot(e->row, x + c, t->cols) + b;
		}
	}
	return 0;
}

static bool chosen(const struct eval *e, const struct ir_op *route, uint32_t expert)
{
	uint32_t j, c;

	for (j = 0; j < route->used; j++) {
		for (c = 0; c < e->n; c++) {
			if (e->ops[route->id].choice[j * COLS + c] == expert)
				return true;
		}
	}
	return false;
}

int eval_experts(struct eval *e, const struct ir_op *op)
{
	uint64_t rows = ir_expert_rows(op), r;
	const struct ir_op *route = op->in[1];
	const float *bias = NULL;
	uint32_t x, k;

	if (op->konst && eval_const(e, op->konst, &bias))
		return e->m->diag.err;
	if (op->acc)
		memcpy(eval_out(e, op), eval_in(e, op, 2),
		       (size_t)op->width * COLS * sizeof(double));
	for (x = 0; x < route->experts; x++) {
		if (!chosen(e, route, x))
			continue;
		for (k = 0; k < op->parts; k++) {
			for (r = 0; r < rows; r++) {
				if (expert_row(e, op, k, x, r, rows, bias))
					return e->m->diag.err;
			}
		}
	}
	return 0;
}

int eval_gather(struct eval *e, const struct ir_op *op)
{
	const struct ir_op *route = op->in[0];
	const uint32_t *choice = e->ops[route->id].choice;
	double *y = eval_out(e, op);
	const float *numbers;
	uint32_t k, j, c;

	if (eval_const(e, op->konst, &numbers))
		return e->m->diag.err;
	for (k = 0; k < op->parts; k++) {
		for (j = 0; j < route->used; j++) {
			for (c = 0; c < e->n; c++)
				y[((size_t)k * route->used + j) * COLS + c] =
					(double)numbers[k * route->experts + choice[j * COLS + c]];
		}
	}
	return 0;
}
