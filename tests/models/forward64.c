// SPDX-License-Identifier: MIT
/* The pass over a model in memory. */
#include "tests/models/forward64_model.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define GROUP FORWARD64_GROUP

/* --- int8 ------------------------------------------------------------------------------------ */

/*
 * n numbers, at most GROUP, to multiples of their largest magnitude / 127; returns that. *tie goes
 * down to the least distance from the middle between two codes.
 */
static double round_group(double *x, size_t n, double *tie)
{
	double max = 0, scale;
	size_t i;

	for (i = 0; i < n; i++)
		max = fmax(max, fabs(x[i]));
	scale = max / 127;
	for (i = 0; i < n && scale > 0; i++) {
		double code = round(x[i] / scale);

		*tie = fmin(*tie, 0.5 - fabs(x[i] / scale - code));
		x[i] = code * scale;
	}
	return scale;
}

static void round_groups(double *x, size_t n, double *tie)
{
	size_t i;

	for (i = 0; i < n; i += GROUP)
		round_group(x + i, n - i < GROUP ? n - i : GROUP, tie);
}

/* --- operators ------------------------------------------------------------------------------- */

static void apply(const struct linear *l, const double *x, double *y)
{
	size_t r, c;

	for (r = 0; r < l->rows; r++) {
		double sum = 0;

		for (c = 0; c < l->cols; c++)
			sum += l->w[r * l->cols + c] * x[c];
		y[r] = (l->scale != 0 ? l->scale : 1) * sum + (l->bias ? l->bias[r] : 0);
	}
}

/* y may be x. */
static void rms_norm(const double *x, const double *w, size_t n, double eps, double *y)
{
	double sum = 0, scale;
	size_t i;

	for (i = 0; i < n; i++)
		sum += x[i] * x[i];
	scale = 1 / sqrt(sum / (double)n + eps);
	for (i = 0; i < n; i++)
		y[i] = x[i] * scale * w[i];
}

/* rms_norm, or with the mean subtracted first; bias may be NULL. */
static void norm(const struct forward64 *m, const double *x, const double *w, const double *bias,
		 size_t n, double *y)
{
	double mean = 0;
	size_t i;

	for (i = 0; i < n && m->layer_norm; i++)
		mean += x[i] / (double)n;
	for (i = 0; i < n; i++)
		y[i] = x[i] - mean;
	rms_norm(y, w, n, m->eps, y);
	for (i = 0; i < n && bias; i++)
		y[i] += bias[i];
}

static double activate(const struct forward64 *m, double x)
{
	if (m->gelu)
		return 0.5 * x * (1 + tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)));
	return x / (1 + exp(-x));
}

static void rotate(const struct forward64 *m, const struct rotation *t, double *head, size_t pos)
{
	size_t half = t ? t->dims / 2 : 0, i;

	for (i = 0; i < half; i++) {
		double angle = (double)pos * t->freq[i];
		double c = cos(angle) * t->mscale, s = sin(angle) * t->mscale;
		double *a = m->neox ? &head[i] : &head[2 * i];
		double *b = m->neox ? &head[i + half] : &head[2 * i + 1];
		double a0 = *a, b0 = *b;

		*a = a0 * c - b0 * s;
		*b = a0 * s + b0 * c;
	}
}

/* The softmax of scores first .. n - 1, in place; sink: one more logit, or -INFINITY. */
static void softmax(double *p, size_t first, size_t n, double sink)
{
	double max = sink, sum;
	size_t j;

	for (j = 0; j < first; j++)
		p[j] = 0;
	for (j = first; j < n; j++)
		max = fmax(max, p[j]);
	sum = exp(sink - max);
	for (j = first; j < n; j++) {
		p[j] = exp(p[j] - max);
		sum += p[j];
	}
	for (j = first; j < n; j++)
		p[j] /= sum;
}

/* What a query head looks at: rows of its KV head, one per position, strides apart. */
struct past {
	const double *keys, *values;
	const double *scales; /* of the values' groups, scale_stride apart; FORWARD64_INT8 */
	size_t first, n;      /* positions first .. n - 1 are visible */
	size_t stride, value_stride, scale_stride;
	double scale, cap, sink;
	double *p, *scaled; /* room for n numbers each */
};

/* d, dv: elements of keys and values */
static void attend(const struct past *s, const double *q, size_t d, size_t dv, double *out)
{
	size_t j, i;

	for (j = 0; j < s->n; j++) {
		s->p[j] = 0;
		for (i = 0; i < d; i++)
			s->p[j] += q[i] * s->keys[j * s->stride + i];
		s->p[j] *= s->scale;
		if (s->cap != 0)
			s->p[j] = s->cap * tanh(s->p[j] / s->cap);
	}
	softmax(s->p, s->first, s->n, s->sink);
	for (i = 0; i < dv; i++) {
		out[i] = 0;
		for (j = 0; j < s->n; j++)
			out[i] += s->p[j] * s->values[j * s->value_stride + i];
	}
}

/*
 * The same where q, keys and values are rounded already: what a softmax weight and a value's scale
 * make together is rounded over groups of positions.
 */
static void attend_int8(const struct past *s, const double *q, size_t d, size_t dv, double *out,
			double *tie)
{
	size_t g, j, i;

	attend(s, q, d, dv, out);
	for (g = 0; g * GROUP < dv; g++) {
		for (j = 0; j < s->n; j++)
			s->scaled[j] = s->p[j] * s->scales[j * s->scale_stride + g];
		round_groups(s->scaled, s->n, tie);
		for (i = g * GROUP; i < dv && i < (g + 1) * GROUP; i++) {
			out[i] = 0;
			for (j = 0; j < s->n; j++) {
				double scale = s->scales[j * s->scale_stride + g];

				if (scale > 0)
					out[i] += s->scaled[j] *
						  (s->values[j * s->value_stride + i] / scale);
			}
		}
	}
}

/* The names that forward64_model.h has. */
void forward64_apply(const struct linear *l, const double *x, double *y)
{
	apply(l, x, y);
}

void forward64_softmax(double *p, size_t n)
{
	softmax(p, 0, n, -INFINITY);
}

void forward64_rms_norm(const double *x, const double *w, size_t n, double eps, double *y)
{
	rms_norm(x, w, n, eps, y);
}

double forward64_round_group(double *x, size_t n, double *tie)
{
	return round_group(x, n, tie);
}

void forward64_round_groups(double *x, size_t n, double *tie)
{
	round_groups(x, n, tie);
}

/* --- the pass -------------------------------------------------------------------------------- */

struct work {
	double *h, *sum, *q, *head, *o, *p, *scaled, *gate, *up;
	double *keys, *values; /* n x kv_heads x head_size or value_size */
	double *scales;	       /* FORWARD64_INT8: n x kv_heads x groups, of the values */
	double *x;	       /* n x width: the residual of every position */
	double *ties;	       /* n */
};

static size_t value_groups(const struct forward64 *m)
{
	return (m->value_size + GROUP - 1) / GROUP;
}

static void round_input(const struct forward64 *m, double *x, size_t n, double *tie)
{
	if (m->int8)
		round_groups(x, n, tie);
}

/*
 * A rotated head to int8. The chip keeps first parts of all pairs before second parts; which
 * numbers share a group depends on that.
 */
static void round_rotated(const struct forward64 *m, const struct rotation *t, double *head,
			  double *tmp, double *tie)
{
	size_t half = t ? t->dims / 2 : 0, i;

	if (!m->int8)
		return;
	memcpy(tmp, head, m->head_size * sizeof(*tmp));
	for (i = 0; i < half && !m->neox; i++) {
		tmp[i] = head[2 * i];
		tmp[half + i] = head[2 * i + 1];
	}
	round_groups(tmp, m->head_size, tie);
	memcpy(head, tmp, m->head_size * sizeof(*tmp));
	for (i = 0; i < half && !m->neox; i++) {
		head[2 * i] = tmp[i];
		head[2 * i + 1] = tmp[half + i];
	}
}

static void round_values(const struct forward64 *m, double *head, double *scales, double *tie)
{
	size_t d = m->value_size, i;

	for (i = 0; i < d && m->int8; i += GROUP)
		scales[i / GROUP] = round_group(head + i, d - i < GROUP ? d - i : GROUP, tie);
}

static void norm_heads(const struct forward64 *m, const double *w, double *x, size_t heads)
{
	size_t d = m->row_norms ? heads * m->head_size : m->head_size, i;

	for (i = 0; i < heads * m->head_size && w; i += d)
		rms_norm(x + i, w, d, m->eps, x + i);
}

/* The input of a block's half, in w->h. */
static void before(const struct forward64 *m, const double *x, const double *weight,
		   const double *bias, struct work *w, double *tie)
{
	if (weight)
		norm(m, x, weight, bias, m->width, w->h);
	else
		memcpy(w->h, x, m->width * sizeof(*x));
	round_input(m, w->h, m->width, tie);
}

/* Its result, in w->h, to the residual. */
static void after(const struct forward64 *m, double *x, const double *post, struct work *w)
{
	size_t i;

	if (post)
		norm(m, w->h, post, NULL, m->width, w->h);
	for (i = 0; i < m->width; i++)
		x[i] += m->residual_scale * w->h[i];
}

/* The keys and values of a position, of which w->h is the input. */
static void store(const struct forward64 *m, const struct layer *y, size_t pos, struct work *w)
{
	size_t d = m->head_size, dv = m->value_size, ng = value_groups(m), h;
	double *k = w->keys + pos * y->kv_heads * d, *v = w->values + pos * y->kv_heads * dv;
	double *scales = w->scales + pos * y->kv_heads * ng, *tie = &w->ties[pos];

	apply(&y->k, w->h, k);
	apply(&y->v, w->h, v);
	norm_heads(m, y->k_norm, k, y->kv_heads);
	for (h = 0; h < y->kv_heads; h++) {
		rotate(m, y->rope, k + h * d, pos);
		round_rotated(m, y->rope, k + h * d, w->head, tie);
		round_values(m, v + h * dv, scales + h * ng, tie);
	}
}

/* What attention made, in w->o, times the sigmoid of what a matrix makes of its input. */
static void gate_attention(const struct forward64 *m, const struct layer *y, struct work *w)
{
	size_t i;

	apply(&y->attn_gate, w->h, w->q);
	for (i = 0; i < y->heads * m->value_size; i++)
		w->o[i] /= 1 + exp(-w->q[i]);
}

static void attention_block(const struct forward64 *m, const struct layer *y, size_t n,
			    struct work *w)
{
	size_t d = m->head_size, dv = m->value_size, ng = value_groups(m), pos, h;
	struct past s = {
		.p = w->p, .scaled = w->scaled, .scale = m->attn_scale, .cap = m->attn_cap
	};

	s.stride = y->kv_heads * d;
	s.value_stride = y->kv_heads * dv;
	s.scale_stride = y->kv_heads * ng;
	for (pos = 0; pos < n; pos++) {
		double *x = w->x + pos * m->width, *tie = &w->ties[pos];

		before(m, x, y->attn_norm, y->attn_norm_bias, w, tie);
		store(m, y, pos, w);
		apply(&y->q, w->h, w->q);
		norm_heads(m, y->q_norm, w->q, y->heads);
		for (h = 0; h < y->heads; h++) {
			double *q = w->q + h * d, *o = w->o + h * dv;
			size_t kv = h / (y->heads / y->kv_heads);

			rotate(m, y->rope, q, pos);
			round_rotated(m, y->rope, q, w->head, tie);
			s.keys = w->keys + kv * d;
			s.values = w->values + kv * dv;
			s.scales = w->scales + kv * ng;
			s.n = pos + 1;
			s.first = y->window && s.n > y->window ? s.n - y->window : 0;
			s.sink = y->sinks ? y->sinks[h] : -INFINITY;
			if (m->int8)
				attend_int8(&s, q, d, dv, o, tie);
			else
				attend(&s, q, d, dv, o);
		}
		if (y->attn_gate.w)
			gate_attention(m, y, w);
		round_input(m, w->o, y->heads * dv, tie);
		apply(&y->o, w->o, w->h);
		after(m, x, y->attn_post, w);
	}
}

/* The router sees the input as it is, experts see it rounded. */
static int moe_block(const struct forward64 *m, const struct layer *y, size_t n, struct work *w)
{
	size_t pos;
	int ret = 0;

	for (pos = 0; pos < n && !ret; pos++) {
		double *x = w->x + pos * m->width;

		norm(m, x, y->ffn_norm, NULL, m->width, w->h);
		ret = forward64_moe(m, y->moe, w->h, w->sum, &w->ties[pos]);
		memcpy(w->h, w->sum, m->width * sizeof(*x));
		after(m, x, y->ffn_post, w);
	}
	return ret;
}

static void ffn_block(const struct forward64 *m, const struct layer *y, size_t n, struct work *w)
{
	size_t pos, i;

	for (pos = 0; pos < n; pos++) {
		double *x = w->x + pos * m->width, *tie = &w->ties[pos];

		before(m, x, y->ffn_norm, y->ffn_norm_bias, w, tie);
		if (y->gate.w)
			apply(&y->gate, w->h, w->gate);
		apply(&y->up, w->h, w->up);
		for (i = 0; i < y->up.rows; i++) {
			if (y->gate.w)
				w->up[i] *= activate(m, w->gate[i]);
			else
				w->up[i] = activate(m, w->up[i]);
		}
		round_input(m, w->up, y->up.rows, tie);
		apply(&y->down, w->up, w->h);
		after(m, x, y->ffn_post, w);
	}
}

static int work_init(const struct forward64 *m, size_t n, struct work *w)
{
	size_t nq = m->heads * m->head_size, no = m->heads * m->value_size, ff = 1, i;

	for (i = 0; i < m->layers; i++) {
		if (ff < m->layer[i].up.rows)
			ff = m->layer[i].up.rows;
	}
	w->h = calloc(m->width, sizeof(double));
	w->sum = calloc(m->width, sizeof(double));
	w->q = calloc(nq, sizeof(double));
	w->head = calloc(m->head_size, sizeof(double));
	w->o = calloc(no, sizeof(double));
	w->p = calloc(n, sizeof(double));
	w->scaled = calloc(n, sizeof(double));
	w->scales = calloc(n * m->kv_heads * value_groups(m), sizeof(double));
	w->gate = calloc(ff, sizeof(double));
	w->up = calloc(ff, sizeof(double));
	w->keys = calloc(n * m->kv_heads * m->head_size, sizeof(double));
	w->values = calloc(n * m->kv_heads * m->value_size, sizeof(double));
	w->x = calloc(n * m->width, sizeof(double));
	w->ties = calloc(n, sizeof(double));
	if (!w->h || !w->sum || !w->q || !w->head || !w->o || !w->p || !w->scaled || !w->scales ||
	    !w->gate || !w->up || !w->keys || !w->values || !w->x || !w->ties)
		return -ENOMEM;
	return 0;
}

static void work_free(struct work *w)
{
	free(w->h);
	free(w->sum);
	free(w->q);
	free(w->head);
	free(w->o);
	free(w->p);
	free(w->scaled);
	free(w->scales);
	free(w->gate);
	free(w->up);
	free(w->keys);
	free(w->values);
	free(w->x);
	free(w->ties);
}

int forward64_run(const struct forward64 *m, const int32_t *tokens, size_t n, double *logits,
		  double *ties)
{
	struct work w = { 0 };
	size_t pos, i;
	int ret;

	for (pos = 0; pos < n; pos++) {
		if (tokens[pos] < 0 || (size_t)tokens[pos] >= m->vocab ||
		    (m->pos_embd && pos >= m->n_pos))
			return -EINVAL;
	}
	ret = work_init(m, n ? n : 1, &w);
	if (ret)
		goto out;
	for (pos = 0; pos < n; pos++) {
		for (i = 0; i < m->width; i++) {
			double *x = &w.x[pos * m->width + i];

			*x = m->embd_scale * m->embd[(size_t)tokens[pos] * m->width + i];
			if (m->pos_embd)
				*x += m->pos_embd[pos * m->width + i];
		}
		w.ties[pos] = 0.5;
	}
	for (i = 0; i < m->layers; i++) {
		if (m->layer[i].mla)
			ret = forward64_mla(m, &m->layer[i], n, w.x, w.ties);
		else
			attention_block(m, &m->layer[i], n, &w);
		if (ret)
			goto out;
		if (m->layer[i].moe)
			ret = moe_block(m, &m->layer[i], n, &w);
		else
			ffn_block(m, &m->layer[i], n, &w);
		if (ret)
			goto out;
	}
	for (pos = 0; pos < n; pos++) {
		norm(m, w.x + pos * m->width, m->output_norm, m->output_norm_bias, m->width, w.h);
		round_input(m, w.h, m->width, &w.ties[pos]);
		apply(&m->output, w.h, logits + pos * m->vocab);
		for (i = 0; i < m->vocab; i++) {
			double *v = &logits[pos * m->vocab + i];

			*v *= m->logit_scale;
			if (m->final_cap != 0)
				*v = m->final_cap * tanh(*v / m->final_cap);
		}
	}
	if (ties)
		memcpy(ties, w.ties, n * sizeof(double));
out:
	work_free(&w);
	return ret;
}
