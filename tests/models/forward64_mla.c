// SPDX-License-Identifier: MIT
/* Latent attention (deepseek2) in double precision, in its absorbed form. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/models/forward64_model.h"

#define GROUP FORWARD64_GROUP

/* --- loading --------------------------------------------------------------------------------- */

static void load_scale(struct loader *l, size_t key)
{
	double factor = forward64_number(l, "rope.scaling.factor", 0), plain, m;
	double mult = forward64_number(l, "rope.scaling.yarn_log_multiplier", 0);
	struct gguf_str type = { "linear", 6 };

	l->m->attn_scale = 1 / sqrt((double)key);
	gguf_get_str(l->f, "deepseek2.rope.scaling.type", &type, NULL);
	if (!gguf_str_eq(type, "yarn") || factor == 0)
		return;
	plain = m = 1 + 0.1 * log(factor);
	if (mult != 0) {
		m = 1 + mult * log(factor);
		/* once for all layers */
		if (l->m->rope.mscale > 0 && !l->m->layer[0].mla->rank)
			l->m->rope.mscale /= plain;
	}
	l->m->attn_scale *= m * m;
}

/* Both matrices of all heads from attn_kv_b: a head's key rows, which are turned, then its value rows. */
static void load_joined(struct loader *l, size_t i, struct mla64 *a)
{
	size_t heads = l->m->heads, per = a->plain + a->value, h, r, c;
	char name[96];
	double *exact, *kept;

	snprintf(name, sizeof(name), "blk.%zu.attn_kv_b.weight", i);
	exact = forward64_tensor(l, name, true, heads * per, a->rank, false);
	kept = forward64_tensor(l, name, true, heads * per, a->rank, true);
	a->k_b = (struct linear){ .rows = heads * a->rank, .cols = a->plain };
	a->v_b = (struct linear){ .rows = heads * a->value, .cols = a->rank };
	a->k_b.w = calloc(a->k_b.rows * a->k_b.cols, sizeof(double));
	a->v_b.w = calloc(a->v_b.rows * a->v_b.cols, sizeof(double));
	if (!a->k_b.w || !a->v_b.w)
		forward64_refuse(l, -ENOMEM, "out of memory");
	for (h = 0; h < heads && !l->error; h++) {
		for (r = 0; r < a->rank; r++) {
			double *row = a->k_b.w + (h * a->rank + r) * a->plain;

			for (c = 0; c < a->plain; c++)
				row[c] = exact[(h * per + c) * a->rank + r];
			if (l->m->int8)
				forward64_round_weights(row, a->plain);
		}
		memcpy(a->v_b.w + h * a->value * a->rank, kept + (h * per + a->plain) * a->rank,
		       a->value * a->rank * sizeof(double));
	}
	free(exact);
	free(kept);
}

void forward64_load_mla(struct loader *l, size_t i)
{
	struct forward64 *m = l->m;
	struct mla64 *a = calloc(1, sizeof(*a));
	size_t key, q_rank, e = m->width;
	bool joined;
	char name[96];

	m->layer[i].mla = a;
	if (!a) {
		forward64_refuse(l, -ENOMEM, "out of memory");
		return;
	}
	snprintf(name, sizeof(name), "blk.%zu.attn_kv_b.weight", i);
	joined = gguf_find_tensor(l->f, name);
	key = forward64_count(l, joined ? "attention.key_length" : "attention.key_length_mla", true,
			      0);
	load_scale(l, key);
	a->rank = forward64_count(l, "attention.kv_lora_rank", true, 0);
	a->value = forward64_count(
		l, joined ? "attention.value_length" : "attention.value_length_mla", true, 0);
	q_rank = (size_t)forward64_number(l, "attention.q_lora_rank", 0);
	a->rot = m->rope.dims;
	if (!l->error &&
	    (key <= a->rot || (joined ? m->kv_heads != m->heads
				      : m->head_size != a->rank + a->rot || m->kv_heads != 1)))
		forward64_refuse(l, -EINVAL, "latent attention: sizes");
	if (l->error)
		return;
	a->plain = key - a->rot;
	if (q_rank) {
		forward64_linear(l, i, "attn_q_a", q_rank, e, true, &a->q_a);
		snprintf(name, sizeof(name), "blk.%zu.attn_q_a_norm.weight", i);
		a->q_norm = forward64_tensor(l, name, true, 1, q_rank, false);
	}
	forward64_linear(l, i, q_rank ? "attn_q_b" : "attn_q", m->heads * key, q_rank ? q_rank : e,
			 true, &a->q);
	forward64_linear(l, i, "attn_kv_a_mqa", a->rank + a->rot, e, true, &a->kv);
	snprintf(name, sizeof(name), "blk.%zu.attn_kv_a_norm.weight", i);
	a->kv_norm = forward64_tensor(l, name, true, 1, a->rank, false);
	if (joined) {
		load_joined(l, i, a);
	} else {
		forward64_linear(l, i, "attn_k_b", m->heads * a->rank, a->plain, true, &a->k_b);
		forward64_linear(l, i, "attn_v_b", m->heads * a->value, a->rank, true, &a->v_b);
	}
	forward64_linear(l, i, "attn_output", e, m->heads * a->value, true, &a->o);
}

void forward64_free_mla(struct mla64 *a)
{
	if (!a)
		return;
	forward64_free_linear(&a->q_a);
	forward64_free_linear(&a->q);
	forward64_free_linear(&a->kv);
	forward64_free_linear(&a->k_b);
	forward64_free_linear(&a->v_b);
	forward64_free_linear(&a->o);
	free(a->q_norm);
	free(a->kv_norm);
	free(a);
}

/* --- computing ------------------------------------------------------------------------------- */

struct work {
	double *h, *low, *q, *kv, *head, *latent, *out, *p, *scaled;
	double *keys, *scales; /* n x (rank + rot), n x groups of them */
};

static void round_input(const struct forward64 *m, double *x, size_t n, double *tie)
{
	if (m->int8)
		forward64_round_groups(x, n, tie);
}

/*
 * Pairs (2i, 2i + 1), written as the chip keeps them: first parts before second ones. Scores do not
 * depend on it; which numbers share a group does.
 */
static void rotate(const struct forward64 *m, const double *x, size_t pos, double *y)
{
	size_t half = m->rope.dims / 2, i;

	for (i = 0; i < half; i++) {
		double angle = (double)pos * m->rope.freq[i];
		double c = cos(angle) * m->rope.mscale, s = sin(angle) * m->rope.mscale;

		y[i] = x[2 * i] * c - x[2 * i + 1] * s;
		y[half + i] = x[2 * i] * s + x[2 * i + 1] * c;
	}
}

/* Rows of one head of a matrix that holds all heads'. */
static struct linear head_of(const struct linear *all, size_t rows, size_t h)
{
	return (struct linear){ .w = all->w + h * rows * all->cols,
				.rows = rows,
				.cols = all->cols };
}

static void store(const struct forward64 *m, const struct mla64 *a, size_t pos, struct work *w,
		  double *tie)
{
	size_t d = a->rank + a->rot, groups = (d + GROUP - 1) / GROUP, g;
	double *key = w->keys + pos * d;

	forward64_apply(&a->kv, w->h, w->kv);
	forward64_rms_norm(w->kv, a->kv_norm, a->rank, m->eps, key);
	rotate(m, w->kv + a->rank, pos, key + a->rank);
	for (g = 0; g < groups && m->int8; g++)
		w->scales[pos * groups + g] = forward64_round_group(
			key + g * GROUP, d - g * GROUP < GROUP ? d - g * GROUP : GROUP, tie);
}

/* Weighted sum of the latent vectors of positions 0 .. pos, for the query in w->head. */
static void attend(const struct forward64 *m, const struct mla64 *a, size_t pos, struct work *w,
		   double *tie)
{
	size_t d = a->rank + a->rot, groups = (d + GROUP - 1) / GROUP, i, j;

	for (j = 0; j <= pos; j++) {
		w->p[j] = 0;
		for (i = 0; i < d; i++)
			w->p[j] += w->head[i] * w->keys[j * d + i];
		w->p[j] *= m->attn_scale;
	}
	forward64_softmax(w->p, pos + 1);
	for (i = 0; i < a->rank; i++) {
		if (m->int8 && i % GROUP == 0) {
			for (j = 0; j <= pos; j++)
				w->scaled[j] = w->p[j] * w->scales[j * groups + i / GROUP];
			forward64_round_groups(w->scaled, pos + 1, tie);
		}
		w->latent[i] = 0;
		for (j = 0; j <= pos; j++) {
			double scale = m->int8 ? w->scales[j * groups + i / GROUP] : 1;
			double p = m->int8 ? w->scaled[j] : w->p[j];

			if (scale > 0)
				w->latent[i] += p * (w->keys[j * d + i] / scale);
		}
	}
}

static void position(const struct forward64 *m, const struct layer *y, size_t pos, double *x,
		     struct work *w, double *tie)
{
	const struct mla64 *a = y->mla;
	size_t key = a->plain + a->rot, h, i;
	const double *from = w->h;

	forward64_rms_norm(x, y->attn_norm, m->width, m->eps, w->h);
	round_input(m, w->h, m->width, tie);
	store(m, a, pos, w, tie);
	if (a->q_a.w) {
		forward64_apply(&a->q_a, w->h, w->low);
		forward64_rms_norm(w->low, a->q_norm, a->q_a.rows, m->eps, w->low);
		round_input(m, w->low, a->q_a.rows, tie);
		from = w->low;
	}
	forward64_apply(&a->q, from, w->q);
	for (h = 0; h < m->heads; h++) {
		struct linear k_b = head_of(&a->k_b, a->rank, h),
			      v_b = head_of(&a->v_b, a->value, h);

		rotate(m, w->q + h * key + a->plain, pos, w->head + a->rank);
		round_input(m, w->q + h * key, a->plain, tie);
		forward64_apply(&k_b, w->q + h * key, w->head);
		round_input(m, w->head, a->rank + a->rot, tie);
		attend(m, a, pos, w, tie);
		round_input(m, w->latent, a->rank, tie);
		forward64_apply(&v_b, w->latent, w->out + h * a->value);
	}
	round_input(m, w->out, m->heads * a->value, tie);
	forward64_apply(&a->o, w->out, w->h);
	for (i = 0; i < m->width; i++)
		x[i] += w->h[i];
}

int forward64_mla(const struct forward64 *m, const struct layer *y, size_t n, double *x,
		  double *ties)
{
	const struct mla64 *a = y->mla;
	size_t d = a->rank + a->rot, pos;
	struct work w = {
		.h = calloc(m->width, sizeof(double)),
		.low = calloc(a->q_a.rows + 1, sizeof(double)),
		.q = calloc(a->q.rows, sizeof(double)),
		.kv = calloc(d, sizeof(double)),
		.head = calloc(d, sizeof(double)),
		.latent = calloc(a->rank, sizeof(double)),
		.out = calloc(m->heads * a->value, sizeof(double)),
		.p = calloc(n, sizeof(double)),
		.scaled = calloc(n, sizeof(double)),
		.keys = calloc(n * d, sizeof(double)),
		.scales = calloc(n * (d / GROUP + 1), sizeof(double)),
	};
	int ret = w.h && w.low && w.q && w.kv && w.head && w.latent && w.out && w.p && w.scaled &&
				  w.keys && w.scales
			  ? 0
			  : -ENOMEM;

	for (pos = 0; pos < n && !ret; pos++)
		position(m, y, pos, x + pos * m->width, &w, &ties[pos]);
	free(w.h);
	free(w.low);
	free(w.q);
	free(w.kv);
	free(w.head);
	free(w.latent);
	free(w.out);
	free(w.p);
	free(w.scaled);
	free(w.keys);
	free(w.scales);
	return ret;
}
