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
		double sum = l->bias ? l->bias[r] : 0;

		for (c = 0; c < l->cols; c++)
			sum += l->w[r * l->cols + c] * x[c];
		y[r] = sum;
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

static void rotate(const struct forward64 *m, double *head, size_t pos)
{
	size_t half = m->rope_dims / 2, i;

	for (i = 0; i < half; i++) {
		double angle = (double)pos * m->rope_freq[i];
		double c = cos(angle) * m->rope_mscale, s = sin(angle) * m->rope_mscale;
		double *a = m->neox ? &head[i] : &head[2 * i];
		double *b = m->neox ? &head[i + half] : &head[2 * i + 1];
		double a0 = *a, b0 = *b;

		*a = a0 * c - b0 * s;
		*b = a0 * s + b0 * c;
	}
}

/* The softmax of n scores, in place. */
static void softmax(double *p, size_t n)
{
	double max = -INFINITY, sum = 0;
	size_t j;

	for (j = 0; j < n; j++)
		max = fmax(max, p[j]);
	for (j = 0; j < n; j++) {
		p[j] = exp(p[j] - max);
		sum += p[j];
	}
	for (j = 0; j < n; j++)
		p[j] /= sum;
}

/* What a query head looks at: rows of its KV head, one per position, `stride` numbers apart. */
struct past {
	const double *keys, *values;
	const double *scales; /* of the values' groups, scale_stride apart; FORWARD64_INT8 */
	size_t n, stride, scale_stride;
	double *p, *scaled; /* room for n numbers each */
};

static void attend(const struct past *s, const double *q, size_t d, double *out)
{
	size_t j, i;

	for (j = 0; j < s->n; j++) {
		s->p[j] = 0;
		for (i = 0; i < d; i++)
			s->p[j] += q[i] * s->keys[j * s->stride + i];
		s->p[j] /= sqrt((double)d);
	}
	softmax(s->p, s->n);
	for (i = 0; i < d; i++) {
		out[i] = 0;
		for (j = 0; j < s->n; j++)
			out[i] += s->p[j] * s->values[j * s->stride + i];
	}
}

/*
 * The same where q, keys and values are rounded already: what a softmax weight and a value's scale
 * make together is rounded over groups of positions.
 */
static void attend_int8(const struct past *s, const double *q, size_t d, double *out, double *tie)
{
	size_t g, j, i;

	attend(s, q, d, out);
	for (g = 0; g * GROUP < d; g++) {
		for (j = 0; j < s->n; j++)
			s->scaled[j] = s->p[j] * s->scales[j * s->scale_stride + g];
		round_groups(s->scaled, s->n, tie);
		for (i = g * GROUP; i < d && i < (g + 1) * GROUP; i++) {
			out[i] = 0;
			for (j = 0; j < s->n; j++) {
				double scale = s->scales[j * s->scale_stride + g];

				if (scale > 0)
					out[i] += s->scaled[j] *
						  (s->values[j * s->stride + i] / scale);
			}
		}
	}
}

/* --- the pass -------------------------------------------------------------------------------- */

struct work {
	double *h, *q, *o, *p, *scaled, *gate, *up;
	double *keys, *values; /* n x kv_heads x head_size */
	double *scales;	       /* FORWARD64_INT8: n x kv_heads x groups, of the values */
	double *x;	       /* n x width: the residual of every position */
	double *ties;	       /* n */
};

static size_t head_groups(const struct forward64 *m)
{
	return (m->head_size + GROUP - 1) / GROUP;
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
static void round_rotated(const struct forward64 *m, double *head, double *tmp, double *tie)
{
	size_t half = m->rope_dims / 2, i;

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
	size_t d = m->head_size, i;

	for (i = 0; i < d && m->int8; i += GROUP)
		scales[i / GROUP] = round_group(head + i, d - i < GROUP ? d - i : GROUP, tie);
}

/* The keys and values of a position, of which w->h is the input. */
static void store(const struct forward64 *m, const struct layer *y, size_t pos, struct work *w)
{
	size_t d = m->head_size, nk = m->kv_heads * d, ng = head_groups(m), h;
	double *k = w->keys + pos * nk, *v = w->values + pos * nk, *tie = &w->ties[pos];
	double *scales = w->scales + pos * m->kv_heads * ng;

	apply(&y->k, w->h, k);
	apply(&y->v, w->h, v);
	for (h = 0; h < m->kv_heads; h++) {
		if (y->k_norm)
			rms_norm(k + h * d, y->k_norm, d, m->eps, k + h * d);
		rotate(m, k + h * d, pos);
		round_rotated(m, k + h * d, w->o, tie);
		round_values(m, v + h * d, scales + h * ng, tie);
	}
}

static void attention_block(const struct forward64 *m, const struct layer *y, size_t n,
			    struct work *w)
{
	size_t d = m->head_size, nk = m->kv_heads * d, ng = head_groups(m), pos, h, i;
	struct past s = { .p = w->p, .scaled = w->scaled };

	s.stride = nk;
	s.scale_stride = m->kv_heads * ng;
	for (pos = 0; pos < n; pos++) {
		double *x = w->x + pos * m->width, *tie = &w->ties[pos];

		rms_norm(x, y->attn_norm, m->width, m->eps, w->h);
		round_input(m, w->h, m->width, tie);
		store(m, y, pos, w);
		apply(&y->q, w->h, w->q);
		for (h = 0; h < m->heads; h++) {
			double *q = w->q + h * d, *o = w->o + h * d;
			size_t kv = h / (m->heads / m->kv_heads);

			if (y->q_norm)
				rms_norm(q, y->q_norm, d, m->eps, q);
			rotate(m, q, pos);
			round_rotated(m, q, o, tie);
			s.keys = w->keys + kv * d;
			s.values = w->values + kv * d;
			s.scales = w->scales + kv * ng;
			s.n = pos + 1;
			if (m->int8)
				attend_int8(&s, q, d, o, tie);
			else
				attend(&s, q, d, o);
		}
		round_input(m, w->o, m->heads * d, tie);
		apply(&y->o, w->o, w->h);
		for (i = 0; i < m->width; i++)
			x[i] += w->h[i];
	}
}

static void ffn_block(const struct forward64 *m, const struct layer *y, size_t n, struct work *w)
{
	size_t pos, i;

	for (pos = 0; pos < n; pos++) {
		double *x = w->x + pos * m->width, *tie = &w->ties[pos];

		rms_norm(x, y->ffn_norm, m->width, m->eps, w->h);
		round_input(m, w->h, m->width, tie);
		apply(&y->gate, w->h, w->gate);
		apply(&y->up, w->h, w->up);
		for (i = 0; i < y->gate.rows; i++)
			w->up[i] *= w->gate[i] / (1 + exp(-w->gate[i]));
		round_input(m, w->up, y->gate.rows, tie);
		apply(&y->down, w->up, w->h);
		for (i = 0; i < m->width; i++)
			x[i] += w->h[i];
	}
}

static int work_init(const struct forward64 *m, size_t n, struct work *w)
{
	size_t nq = m->heads * m->head_size, nk = m->kv_heads * m->head_size, ff = 1, i;

	for (i = 0; i < m->layers; i++) {
		if (ff < m->layer[i].gate.rows)
			ff = m->layer[i].gate.rows;
	}
	w->h = calloc(m->width, sizeof(double));
	w->q = calloc(nq, sizeof(double));
	w->o = calloc(nq, sizeof(double));
	w->p = calloc(n, sizeof(double));
	w->scaled = calloc(n, sizeof(double));
	w->scales = calloc(n * m->kv_heads * head_groups(m), sizeof(double));
	w->gate = calloc(ff, sizeof(double));
	w->up = calloc(ff, sizeof(double));
	w->keys = calloc(n * nk, sizeof(double));
	w->values = calloc(n * nk, sizeof(double));
	w->x = calloc(n * m->width, sizeof(double));
	w->ties = calloc(n, sizeof(double));
	if (!w->h || !w->q || !w->o || !w->p || !w->scaled || !w->scales || !w->gate || !w->up ||
	    !w->keys || !w->values || !w->x || !w->ties)
		return -ENOMEM;
	return 0;
}

static void work_free(struct work *w)
{
	free(w->h);
	free(w->q);
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
		if (tokens[pos] < 0 || (size_t)tokens[pos] >= m->vocab)
			return -EINVAL;
	}
	ret = work_init(m, n ? n : 1, &w);
	if (ret)
		goto out;
	for (pos = 0; pos < n; pos++) {
		memcpy(w.x + pos * m->width, m->embd + (size_t)tokens[pos] * m->width,
		       m->width * sizeof(double));
		w.ties[pos] = 0.5;
	}
	for (i = 0; i < m->layers; i++) {
		attention_block(m, &m->layer[i], n, &w);
		ffn_block(m, &m->layer[i], n, &w);
	}
	for (pos = 0; pos < n; pos++) {
		rms_norm(w.x + pos * m->width, m->output_norm, m->width, m->eps, w.h);
		round_input(m, w.h, m->width, &w.ties[pos]);
		apply(&m->output, w.h, logits + pos * m->vocab);
	}
	if (ties)
		memcpy(ties, w.ties, n * sizeof(double));
out:
	work_free(&w);
	return ret;
}
