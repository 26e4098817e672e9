// SPDX-License-Identifier: MIT
/* Functions of elements, norms of rows, and operations that only move elements. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "compiler/report/eval_internal.h"

static double sigmoid(double x)
{
	return 1 / (1 + exp(-x));
}

static double act(uint32_t fn, double x)
{
	switch (fn) {
	case IR_FN_SIGMOID:
		return sigmoid(x);
	case IR_FN_SILU:
		return x * sigmoid(x);
	case IR_FN_GELU:
		return 0.5 * x * (1 + tanh(sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
	case IR_FN_RELU2:
		return x > 0 ? x * x : 0;
	case IR_FN_TANH:
		return tanh(x);
	case IR_FN_EXP:
		return exp(x);
	case IR_FN_SOFTPLUS:
		return x > 20 ? x : log1p(exp(x));
	default:
		return NAN; /* ir_verify lets none through */
	}
}

static double glu(uint32_t fn, double g, double u)
{
	if (fn != IR_FN_OAI)
		return act(fn, g) * u;
	g = fmin(g, 7);
	return g * sigmoid(1.702 * g) * (fmax(-7, fmin(u, 7)) + 1);
}

int eval_act(struct eval *e, const struct ir_op *op)
{
	const double *g = eval_in(e, op, 0), *u = op->kind == IR_GLU ? eval_in(e, op, 1) : NULL;
	size_t n = (size_t)op->width * COLS, i;
	double *y = eval_out(e, op);

	for (i = 0; i < n; i++)
		y[i] = u ? glu(op->fn, g[i], u[i]) : act(op->fn, g[i]);
	return 0;
}

static double elt(const struct ir_op *op, double a, double b, double c)
{
	double scale = (double)op->scale, shift = (double)op->shift;

	switch (op->fn) {
	case IR_FN_MOV:
		return a;
	case IR_FN_ADD:
		return a + b;
	case IR_FN_SUB:
		return a - b;
	case IR_FN_MUL:
		return a * b;
	case IR_FN_MAX:
		return fmax(a, b);
	case IR_FN_MAD:
		return a * b + c;
	case IR_FN_MUL3:
		return a * b * c;
	case IR_FN_LIN:
		return a * scale + shift;
	case IR_FN_EXPS:
		return exp((a - b) * scale);
	case IR_FN_RECIP:
		return 1 / a;
	case IR_FN_RSQRT:
		return 1 / sqrt(a * scale + shift);
	case IR_FN_SILUMUL:
		return act(IR_FN_SILU, a) * b;
	default:
		return act(op->fn, a);
	}
}

/* An operand: a value, or a constant, of all elements, one per row, or one. */
struct operand {
	const double *v;
	const float *k;
	uint64_t n;
};

static double element(const struct operand *o, const struct ir_op *op, uint32_t i, uint32_t c)
{
	uint64_t at = i;

	if (!o->n)
		return 0;
	if (o->n != op->width)
		at = o->n == 1 ? 0 : i / op->seg;
	return o->k ? (double)o->k[at] : o->v[at * COLS + c];
}

int eval_elt(struct eval *e, const struct ir_op *op)
{
	struct ir_op same = { .fn = IR_FN_ADD, .width = op->width };
	uint32_t kpos = op->kind == IR_BIAS ? 1 : op->kpos, i, c, k;
	const struct ir_op *f = op->kind == IR_ELT ? op : &same;
	struct operand o[3] = { { 0 } };
	double *y = eval_out(e, op);
	size_t in = 0;

	for (k = 0; k < ir_fn_operands(f->fn); k++) {
		if (op->konst && k == kpos) {
			if (eval_const(e, op->konst, &o[k].k))
				return e->m->diag.err;
			o[k].n = op->konst->n;
		} else {
			o[k].n = op->in[in]->width;
			o[k].v = eval_in(e, op, in++);
		}
	}
	for (i = 0; i < op->width; i++) {
		for (c = 0; c < COLS; c++)
			*y++ = elt(f, element(&o[0], f, i, c), element(&o[1], f, i, c),
				   element(&o[2], f, i, c));
	}
	return 0;
}

void eval_softmax(double *x, uint32_t n, size_t stride)
{
	double max = -INFINITY, sum = 0;
	uint32_t i;

	for (i = 0; i < n; i++)
		max = fmax(max, x[i * stride]);
	for (i = 0; i < n; i++) {
		x[i * stride] = exp(x[i * stride] - max);
		sum += x[i * stride];
	}
	for (i = 0; i < n; i++)
		x[i * stride] /= sum;
}

/* One row of n elements, COLS apart. */
static void norm_row(const struct ir_op *op, const double *x, const float *w, uint32_t n, double *y)
{
	double sum = 0, sum2 = 0, shift = 0, scale = 1;
	uint32_t i;

	for (i = 0; i < n; i++) {
		sum += x[i * COLS];
		sum2 += x[i * COLS] * x[i * COLS];
	}
	if (op->kind == IR_RMSNORM)
		scale = 1 / sqrt(sum2 / n + (double)op->eps);
	else if (op->kind == IR_L2NORM)
		scale = 1 / sqrt(fmax(sum2, (double)w[0]));
	else
		shift = sum / n;
	for (i = 0; i < n; i++) {
		y[i * COLS] = (x[i * COLS] - shift) * scale;
		if (op->kind == IR_RMSNORM)
			y[i * COLS] *= (double)w[i];
	}
}

int eval_norm(struct eval *e, const struct ir_op *op)
{
	const double *x = eval_in(e, op, 0);
	double *y = eval_out(e, op);
	const float *w = NULL;
	uint32_t c, i;

	if (op->kind == IR_SOFTMAX) {
		memcpy(y, x, (size_t)op->width * COLS * sizeof(*y));
		for (c = 0; c < COLS; c++)
			eval_softmax(y + c, op->width, COLS);
		return 0;
	}
	if (op->konst && eval_const(e, op->konst, &w))
		return e->m->diag.err;
	for (i = 0; i < op->width; i += op->seg) {
		for (c = 0; c < COLS; c++)
			norm_row(op, x + (size_t)i * COLS + c, op->kind == IR_RMSNORM ? w + i : w,
				 op->seg, y + (size_t)i * COLS + c);
	}
	return 0;
}

static void copy(double *to, const double *from, size_t elements)
{
	memcpy(to, from, elements * COLS * sizeof(*to));
}

/* Rows of both, side by side. */
static void join(struct eval *e, const struct ir_op *op)
{
	size_t a = op->in[0]->width / op->heads, b = op->in[1]->width / op->heads, h;
	double *y = eval_out(e, op);

	for (h = 0; h < op->heads; h++) {
		copy(y + h * (a + b) * COLS, eval_in(e, op, 0) + h * a * COLS, a);
		copy(y + (h * (a + b) + a) * COLS, eval_in(e, op, 1) + h * b * COLS, b);
	}
}

static void dot_rows(struct eval *e, const struct ir_op *op)
{
	const double *a = eval_in(e, op, 0), *b = eval_in(e, op, 1);
	size_t n = (size_t)op->seg * COLS, r, i;
	double *y = eval_out(e, op);

	for (r = 0; r < op->width; r++) {
		for (i = 0; i < n; i++)
			y[r * COLS + i % COLS] += a[r * n + i] * b[r * n + i];
	}
}

static void give_logits(struct eval *e, const struct ir_op *op)
{
	const double *x = eval_in(e, op, 0);
	uint32_t vocab = e->m->meta.vocab, i, c;

	for (c = 0; c < e->n; c++) {
		for (i = 0; i < vocab; i++)
			e->logits[(size_t)c * vocab + i] = x[(size_t)i * COLS + c];
	}
}

int eval_shape(struct eval *e, const struct ir_op *op)
{
	double *y = eval_out(e, op);
	size_t i;

	switch (op->kind) {
	case IR_SLICE:
	case IR_PICK:
		copy(y, eval_in(e, op, 0) + (size_t)op->off * COLS, op->width);
		break;
	case IR_CONCAT:
		for (i = 0; i < op->n_in; i++) {
			copy(y, eval_in(e, op, i), op->in[i]->width);
			y += (size_t)op->in[i]->width * COLS;
		}
		break;
	case IR_JOIN:
		join(e, op);
		break;
	case IR_DOT:
		dot_rows(e, op);
		break;
	case IR_LOGITS:
		give_logits(e, op);
		break;
	default:
		return diag_set(&e->m->diag, -EINVAL, "graph: \"%s\" only moves nothing", op->name);
	}
	return 0;
}
