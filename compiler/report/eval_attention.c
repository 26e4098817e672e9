// SPDX-License-Identifier: MIT
/* Rotations, and attention over all positions so far. */
#include <math.h>
#include <stdlib.h>

#include "compiler/report/eval_internal.h"

int eval_rope(struct eval *e, const struct ir_op *op)
{
	uint32_t half = op->table->dims / 2, heads = op->width / op->seg, h, i, c;
	const double *x = eval_in(e, op, 0), *freq;
	double *y = eval_out(e, op);

	if (eval_freqs(e, op->table, &freq))
		return e->m->diag.err;
	for (i = 0; i < op->width * COLS; i++)
		y[i] = x[i];
	for (i = 0; i < half; i++) {
		size_t a = op->pairs ? 2 * i : i, b = op->pairs ? 2 * i + 1 : i + half;

		for (c = 0; c < e->n; c++) {
			double angle = (e->pos + c) * freq[i];
			double cosine = cos(angle) * op->table->mscale;
			double sine = sin(angle) * op->table->mscale;

			for (h = 0; h < heads; h++) {
				size_t at = (size_t)h * op->seg * COLS + c;
				double u = x[at + a * COLS], v = x[at + b * COLS];

				y[at + a * COLS] = u * cosine - v * sine;
				y[at + b * COLS] = u * sine + v * cosine;
			}
		}
	}
	return 0;
}

/* Column c of a value of n elements becomes a row. */
static void store(const double *x, uint32_t n, uint32_t c, double *to)
{
	uint32_t i;

	for (i = 0; i < n; i++)
		to[i] = x[(size_t)i * COLS + c];
}

struct head {
	const double *keys, *values; /* of position 0 */
	size_t kstep, vstep;	     /* from position to position */
	uint32_t first, end;	     /* positions it sees */
	double sink;		     /* -inf: none */
};

/* p: room for a number per position. */
static void attend(const struct ir_op *op, const struct head *h, const double *q, uint32_t vseg,
		   double *p, double *y)
{
	double scale = (double)op->scale, cap = (double)op->cap, max = h->sink, sum;
	uint32_t j, i;

	for (j = h->first; j < h->end; j++) {
		p[j] = 0;
		for (i = 0; i < op->seg; i++)
			p[j] += q[(size_t)i * COLS] * h->keys[j * h->kstep + i];
		p[j] *= scale;
		if (cap != 0)
			p[j] = cap * tanh(p[j] / cap);
		max = fmax(max, p[j]);
	}
	sum = exp(h->sink - max);
	for (j = h->first; j < h->end; j++) {
		p[j] = exp(p[j] - max);
		sum += p[j];
	}
	for (i = 0; i < vseg; i++) {
		double s = 0;

		for (j = h->first; j < h->end; j++)
			s += p[j] * h->values[j * h->vstep + i];
		y[(size_t)i * COLS] = s / sum;
	}
}

int eval_attention(struct eval *e, const struct ir_op *op)
{
	uint32_t vseg = op->vseg ? op->vseg : op->seg, per = op->heads / op->kv_heads, h, c;
	struct eval_op *o = &e->ops[op->id];
	uint32_t width = op->in[1]->width, vwidth = op->n_in == 3 ? op->in[2]->width : width;
	const double *q = eval_in(e, op, 0);
	const float *sinks = NULL;
	double *p;

	if (op->sink && eval_const(e, op->konst, &sinks))
		return e->m->diag.err;
	p = eval_alloc(e, e->positions);
	if (!p)
		return e->m->diag.err;
	for (c = 0; c < e->n; c++) {
		size_t at = e->pos + c;

		store(eval_in(e, op, 1), width, c, o->state + at * width);
		if (op->n_in == 3)
			store(eval_in(e, op, 2), vwidth, c, o->values + at * vwidth);
	}
	for (c = 0; c < e->n; c++) {
		struct head s = { .kstep = width, .vstep = vwidth, .end = e->pos + c + 1 };

		if (op->window && s.end > op->window)
			s.first = s.end - op->window;
		for (h = 0; h < op->heads; h++) {
			size_t kv = h / per;

			s.keys = o->state + kv * op->seg;
			s.values = op->n_in == 3 ? o->values + kv * vseg : s.keys;
			s.sink = sinks ? (double)sinks[h] : -INFINITY;
			attend(op, &s, q + (size_t)h * op->seg * COLS + c, vseg, p,
			       o->v + (size_t)h * vseg * COLS + c);
		}
	}
	free(p);
	return 0;
}

/* Logarithms of the decays of KV heads up to position pos. */
static void add_decays(struct eval_op *o, const double *x, uint32_t heads, uint32_t c, size_t pos)
{
	uint32_t h;

	for (h = 0; h < heads; h++) {
		double v = x[(size_t)h * COLS + c];

		/* ln sigmoid(-v) */
		v = v > 30 ? -v : -log1p(exp(v));
		o->decays[pos * heads + h] = v + (pos ? o->decays[(pos - 1) * heads + h] : 0);
	}
}

/* Of one head and column at position pos: ir.h's definition, over all positions. */
static void attend_squared(const struct ir_op *op, const struct eval_op *o, uint32_t kv, size_t pos,
			   const double *q, double *y)
{
	size_t width = (size_t)op->kv_heads * op->seg, j;
	double sum = 0;
	uint32_t i;

	for (j = 0; j <= pos; j++) {
		const double *k = o->state + j * width + (size_t)kv * op->seg;
		const double *v = o->values + j * width + (size_t)kv * op->seg;
		double dot = 0, w;

		for (i = 0; i < op->seg; i++)
			dot += q[(size_t)i * COLS] * k[i];
		w = dot * dot *
		    exp(o->decays[pos * op->kv_heads + kv] - o->decays[j * op->kv_heads + kv]);
		sum += w;
		for (i = 0; i < op->seg; i++)
			y[(size_t)i * COLS] += w * v[i];
	}
	for (i = 0; i < op->seg; i++)
		y[(size_t)i * COLS] = sum > 0 ? y[(size_t)i * COLS] / sum : 0;
}

int eval_squared(struct eval *e, const struct ir_op *op)
{
	uint32_t width = op->in[1]->width, per = op->heads / op->kv_heads, h, c;
	struct eval_op *o = &e->ops[op->id];
	const double *q = eval_in(e, op, 0);

	for (c = 0; c < e->n; c++) {
		size_t pos = e->pos + c;

		store(eval_in(e, op, 1), width, c, o->state + pos * width);
		store(eval_in(e, op, 2), width, c, o->values + pos * width);
		add_decays(o, eval_in(e, op, 3), op->kv_heads, c, pos);
		for (h = 0; h < op->heads; h++) {
			size_t at = (size_t)h * op->seg * COLS + c;

			attend_squared(op, o, h / per, pos, q + at, o->v + at);
		}
	}
	return 0;
}
