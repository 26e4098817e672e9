// SPDX-License-Identifier: MIT
/* Mixtures of experts in double precision. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/models/forward64_model.h"

/* --- loading --------------------------------------------------------------------------------- */

static bool is(const struct loader *l, const char *arch)
{
	return !strcmp(l->m->arch, arch);
}

static bool no_gate(const struct loader *l)
{
	return is(l, "nemotron_h_moe");
}

/* Rows `part` of `parts` of every expert. */
static struct linear *split(struct loader *l, const double *w, size_t n, size_t rows, size_t cols,
			    size_t part, size_t parts)
{
	struct linear *out = calloc(n, sizeof(*out));
	size_t i;

	for (i = 0; out && i < n; i++) {
		out[i].rows = rows;
		out[i].cols = cols;
		out[i].w = malloc(rows * cols * sizeof(double));
		if (!out[i].w)
			break;
		memcpy(out[i].w, w + (i * parts + part) * rows * cols,
		       rows * cols * sizeof(double));
	}
	if (!out || i < n)
		forward64_refuse(l, -ENOMEM, "out of memory");
	return out;
}

/* A matrix of all experts. */
static struct linear *stacked(struct loader *l, size_t layer, const char *what, size_t n,
			      size_t rows, size_t cols, size_t part, size_t parts)
{
	struct linear *out = NULL;
	char name[96];
	double *w, *scales;
	size_t i;

	snprintf(name, sizeof(name), "blk.%zu.%s_exps.weight", layer, what);
	w = forward64_tensor(l, name, true, n * parts * rows, cols, true);
	if (w)
		out = split(l, w, n, rows, cols, part, parts);
	free(w);
	snprintf(name, sizeof(name), "%s_exps", what);
	scales = forward64_scales(l, layer, name, n);
	for (i = 0; out && scales && i < n; i++)
		out[i].scale = scales[i];
	free(scales);
	return out;
}

static struct linear *single(struct loader *l, size_t layer, const char *what, size_t n,
			     size_t rows, size_t cols)
{
	struct linear *out = calloc(n, sizeof(*out));
	char name[96];
	size_t i;

	if (!out)
		forward64_refuse(l, -ENOMEM, "out of memory");
	for (i = 0; out && i < n; i++) {
		snprintf(name, sizeof(name), "blk.%zu.%s.%zu.weight", layer, what, i);
		out[i].rows = rows;
		out[i].cols = cols;
		out[i].w = forward64_tensor(l, name, true, rows, cols, true);
	}
	return out;
}

/* Experts that take and give other vectors than the residual's; their width. */
static size_t load_latent(struct loader *l, size_t i, struct experts64 *e)
{
	size_t width = l->m->width, latent = (size_t)forward64_number(l, "moe_latent_size", 0);

	if (!latent)
		return width;
	forward64_linear(l, i, "ffn_latent_down", latent, width, true, &e->to_latent);
	forward64_linear(l, i, "ffn_latent_up", width, latent, true, &e->from_latent);
	return latent;
}

static void load_experts(struct loader *l, size_t i, struct experts64 *e, size_t ff)
{
	size_t width = load_latent(l, i, e);
	char name[96];

	snprintf(name, sizeof(name), "blk.%zu.ffn_gate.0.weight", i);
	if (gguf_find_tensor(l->f, name)) {
		e->gate = single(l, i, "ffn_gate", e->n, ff, width);
		e->up = single(l, i, "ffn_up", e->n, ff, width);
		e->down = single(l, i, "ffn_down", e->n, width, ff);
		return;
	}
	snprintf(name, sizeof(name), "blk.%zu.ffn_gate_up_exps.weight", i);
	if (gguf_find_tensor(l->f, name)) {
		e->gate = stacked(l, i, "ffn_gate_up", e->n, ff, width, 0, 2);
		e->up = stacked(l, i, "ffn_gate_up", e->n, ff, width, 1, 2);
	} else {
		if (!no_gate(l))
			e->gate = stacked(l, i, "ffn_gate", e->n, ff, width, 0, 1);
		e->up = stacked(l, i, "ffn_up", e->n, ff, width, 0, 1);
	}
	e->down = stacked(l, i, "ffn_down", e->n, width, ff, 0, 1);
}

static void load_shared(struct loader *l, size_t i, struct experts64 *e, size_t ff)
{
	size_t width = l->m->width;
	char name[96];

	if (!ff)
		return;
	if (!no_gate(l))
		forward64_linear(l, i, "ffn_gate_shexp", ff, width, true, &e->s_gate);
	forward64_linear(l, i, "ffn_up_shexp", ff, width, true, &e->s_up);
	forward64_linear(l, i, "ffn_down_shexp", width, ff, true, &e->s_down);
	if (!is(l, "qwen2moe") && !is(l, "qwen3next") && !is(l, "qwen35moe"))
		return;
	snprintf(name, sizeof(name), "blk.%zu.ffn_gate_inp_shexp.weight", i);
	e->shared_gate = forward64_tensor(l, name, true, 1, width, false);
}

static bool flag(struct loader *l, const char *key)
{
	bool v = false;
	char name[96];

	snprintf(name, sizeof(name), "%s.%s", l->m->arch, key);
	gguf_get_bool(l->f, name, &v, NULL);
	return v;
}

static void load_rules(struct loader *l, struct experts64 *e)
{
	bool keys = is(l, "afmoe") || is(l, "deepseek2") || is(l, "nemotron_h_moe");

	e->gating = is(l, "afmoe") || is(l, "nemotron_h_moe") ? 2 : is(l, "gpt-oss") ? 3 : 1;
	e->norm = !is(l, "qwen2moe") && !is(l, "olmoe") && !is(l, "gpt-oss") && !is(l, "jamba");
	e->oai = is(l, "gpt-oss");
	if (!keys)
		return;
	if (forward64_number(l, "expert_gating_func", 0) > 0)
		e->gating = (int)forward64_number(l, "expert_gating_func", 0);
	e->norm = flag(l, "expert_weights_norm");
	e->scale = forward64_number(l, "expert_weights_scale", 0);
	if (is(l, "deepseek2") && forward64_number(l, "expert_group_count", 0) > 1) {
		e->groups = (size_t)forward64_number(l, "expert_group_count", 0);
		e->used_groups = (size_t)forward64_number(l, "expert_group_used_count", 0);
		if (!e->used_groups || e->used_groups > e->groups || e->n % e->groups)
			forward64_refuse(l, -EINVAL, "key expert_group_count");
	}
}

/* {rows, n} to the matrices of the experts. */
static void load_biases(struct loader *l, size_t i, const char *what, struct linear *to, size_t n)
{
	char name[96];
	double *all;
	size_t k;

	snprintf(name, sizeof(name), "blk.%zu.%s_exps.bias", i, what);
	all = l->error ? NULL : forward64_tensor(l, name, true, n, to[0].rows, false);
	for (k = 0; all && k < n; k++) {
		to[k].bias = malloc(to[k].rows * sizeof(double));
		if (to[k].bias)
			memcpy(to[k].bias, all + k * to[k].rows, to[k].rows * sizeof(double));
		else
			forward64_refuse(l, -ENOMEM, "out of memory");
	}
	free(all);
}

void forward64_load_moe(struct loader *l, size_t i)
{
	struct forward64 *m = l->m;
	bool own = !is(l, "llama") && !is(l, "olmoe") && !is(l, "granitemoe") && !is(l, "jamba") &&
		   !is(l, "granitehybrid");
	struct experts64 *e = calloc(1, sizeof(*e));
	size_t ff, shared;
	char name[96];

	m->layer[i].moe = e;
	if (!e) {
		forward64_refuse(l, -ENOMEM, "out of memory");
		return;
	}
	e->n = forward64_count(l, "expert_count", true, 0);
	e->used = forward64_count(l, "expert_used_count", true, 0);
	ff = forward64_count(l, own ? "expert_feed_forward_length" : "feed_forward_length", true,
			     0);
	shared = (size_t)forward64_number(l, "expert_shared_feed_forward_length", 0);
	if (is(l, "afmoe") || is(l, "deepseek2"))
		shared = ff * (size_t)forward64_number(l, "expert_shared_count", 0);
	if (!l->error && e->used > e->n)
		forward64_refuse(l, -EINVAL, "key expert_used_count");
	if (l->error)
		return;
	load_rules(l, e);
	forward64_linear(l, i, "ffn_gate_inp", e->n, m->width, m->int8_routers, &e->router);
	load_experts(l, i, e, ff);
	load_shared(l, i, e, is(l, "qwen3moe") || is(l, "olmoe") || is(l, "gpt-oss") ? 0 : shared);
	snprintf(name, sizeof(name), "blk.%zu.exp_probs_b.bias", i);
	if (is(l, "afmoe") || is(l, "deepseek2") || is(l, "nemotron_h_moe"))
		e->select = forward64_tensor(l, name, false, 1, e->n, false);
	if (!is(l, "gpt-oss"))
		return;
	snprintf(name, sizeof(name), "blk.%zu.ffn_gate_inp.bias", i);
	e->router.bias = forward64_tensor(l, name, true, 1, e->n, false);
	load_biases(l, i, "ffn_gate", e->gate, e->n);
	load_biases(l, i, "ffn_up", e->up, e->n);
	load_biases(l, i, "ffn_down", e->down, e->n);
}

void forward64_free_moe(struct experts64 *e)
{
	size_t i;

	if (!e)
		return;
	for (i = 0; i < e->n; i++) {
		if (e->gate)
			forward64_free_linear(&e->gate[i]);
		if (e->up)
			forward64_free_linear(&e->up[i]);
		if (e->down)
			forward64_free_linear(&e->down[i]);
	}
	free(e->gate);
	free(e->up);
	free(e->down);
	forward64_free_linear(&e->router);
	forward64_free_linear(&e->to_latent);
	forward64_free_linear(&e->from_latent);
	forward64_free_linear(&e->s_gate);
	forward64_free_linear(&e->s_up);
	forward64_free_linear(&e->s_down);
	free(e->select);
	free(e->shared_gate);
	free(e);
}

/* --- choosing -------------------------------------------------------------------------------- */

/*
 * How near two scores are counts as nearness to a tie: single precision keeps them to about 2e-6 of
 * the larger, which is to be the bound of what tests call a tie, 2e-4.
 */
#define TIE_SCALE 100.0

/* The greatest that is left, the first of equals; it is taken out. */
static size_t take(double *s, size_t n, double *value)
{
	size_t best = 0, i;

	for (i = 1; i < n; i++) {
		if (s[i] > s[best])
			best = i;
	}
	*value = s[best];
	s[best] = -INFINITY;
	return best;
}

/* The `used` greatest of s to chosen; s is destroyed. */
static void choose(double *s, size_t n, size_t used, size_t *chosen, double *tie)
{
	double last = 0, next = -INFINITY;
	size_t i;

	for (i = 0; i < used; i++)
		chosen[i] = take(s, n, &last);
	for (i = 0; i < n; i++)
		next = fmax(next, s[i]);
	if (isfinite(next))
		*tie = fmin(*tie, TIE_SCALE * (last - next) / fmax(fabs(last), fabs(next)));
}

/* Scores outside of the best groups to -inf. */
static void limit_groups(const struct experts64 *e, double *s, double *tie)
{
	size_t per = e->n / e->groups, g, i, *best = calloc(e->groups, sizeof(*best));
	double *sums = calloc(e->groups, sizeof(*sums)), *copy = calloc(e->n, sizeof(*copy)), value;

	for (g = 0; best && sums && copy && g < e->groups; g++) {
		memcpy(copy, s + g * per, per * sizeof(*copy));
		for (i = 0; i < 2 && i < per; i++) {
			take(copy, per, &value);
			sums[g] += value;
		}
	}
	if (best && sums && copy) {
		choose(sums, e->groups, e->used_groups, best, tie);
		memcpy(copy, s, e->n * sizeof(*copy));
		for (i = 0; i < e->n; i++)
			s[i] = -INFINITY;
		for (i = 0; i < e->used_groups; i++)
			memcpy(s + best[i] * per, copy + best[i] * per, per * sizeof(*copy));
	}
	free(best);
	free(sums);
	free(copy);
}

/* Numbers and weights of the chosen experts. */
static void route(const struct experts64 *e, const double *h, size_t *chosen, double *weight,
		  double *p, double *s, double *tie)
{
	double sum = 0;
	size_t i;

	forward64_apply(&e->router, h, p);
	if (e->gating == 1)
		forward64_softmax(p, e->n);
	for (i = 0; i < e->n && e->gating == 2; i++)
		p[i] = 1 / (1 + exp(-p[i]));
	for (i = 0; i < e->n; i++)
		s[i] = p[i] + (e->select ? e->select[i] : 0);
	if (e->groups > 1)
		limit_groups(e, s, tie);
	choose(s, e->n, e->used, chosen, tie);
	for (i = 0; i < e->used; i++)
		weight[i] = p[chosen[i]];
	if (e->gating == 3)
		forward64_softmax(weight, e->used);
	for (i = 0; i < e->used; i++)
		sum += weight[i];
	for (i = 0; i < e->used; i++) {
		if (e->norm)
			weight[i] /= fmax(sum, 6.103515625e-5);
		if (e->scale != 0)
			weight[i] *= e->scale;
	}
}

/* --- computing ------------------------------------------------------------------------------- */

static double glu_oai(double g, double u)
{
	double a = fmin(g, 7);

	return a / (1 + exp(-1.702 * a)) * (fmax(-7, fmin(u, 7)) + 1);
}

static double relu2(double x)
{
	return x > 0 ? x * x : 0;
}

/* y += weight * down(act(gate x) * up x), without a gate down(relu2(up x)) */
static void expert(const struct forward64 *m, bool oai, const struct linear *gate,
		   const struct linear *up, const struct linear *down, const double *x,
		   double weight, double *tmp, double *y, double *tie)
{
	double *g = tmp, *u = g + up->rows, *out = u + up->rows;
	size_t i;

	if (gate)
		forward64_apply(gate, x, g);
	forward64_apply(up, x, u);
	for (i = 0; i < up->rows; i++)
		u[i] = !gate ? relu2(u[i])
		       : oai ? glu_oai(g[i], u[i])
			     : u[i] * g[i] / (1 + exp(-g[i]));
	if (m->int8)
		forward64_round_groups(u, up->rows, tie);
	forward64_apply(down, u, out);
	for (i = 0; i < down->rows; i++)
		y[i] += weight * out[i];
}

/* The weighted sum of the chosen ones' results for x, in y. */
static void chosen_sum(const struct forward64 *m, const struct experts64 *e, const size_t *chosen,
		       const double *weight, const double *x, double *tmp, double *y, double *tie)
{
	size_t i, k;

	for (i = 0; i < e->used; i++) {
		k = chosen[i];
		expert(m, e->oai, e->gate ? &e->gate[k] : NULL, &e->up[k], &e->down[k], x,
		       weight[i], tmp, y, tie);
	}
}

int forward64_moe(const struct forward64 *m, const struct experts64 *e, const double *h, double *y,
		  double *tie)
{
	size_t ff = e->up[0].rows > e->s_up.rows ? e->up[0].rows : e->s_up.rows, i;
	size_t latent = e->to_latent.rows;
	double *x = calloc(m->width, sizeof(*x)), *tmp = calloc(2 * ff + m->width, sizeof(*tmp));
	double *p = calloc(e->n, sizeof(*p)), *s = calloc(e->n, sizeof(*s));
	double *weight = calloc(e->used, sizeof(*weight)), gate = 1;
	double *small = calloc(2 * latent + 1, sizeof(*small)), *sum = small + latent;
	size_t *chosen = calloc(e->used, sizeof(*chosen));
	int ret = x && tmp && p && s && weight && small && chosen ? 0 : -ENOMEM;

	if (ret)
		goto out;
	memcpy(x, h, m->width * sizeof(*x));
	if (m->int8)
		forward64_round_groups(x, m->width, tie);
	route(e, m->int8_routers ? x : h, chosen, weight, p, s, tie);
	memset(y, 0, m->width * sizeof(*y));
	if (latent) {
		forward64_apply(&e->to_latent, x, small);
		if (m->int8)
			forward64_round_groups(small, latent, tie);
		chosen_sum(m, e, chosen, weight, small, tmp, sum, tie);
		if (m->int8)
			forward64_round_groups(sum, latent, tie);
		forward64_apply(&e->from_latent, sum, y);
	} else {
		chosen_sum(m, e, chosen, weight, x, tmp, y, tie);
	}
	if (e->shared_gate) {
		for (i = 0, gate = 0; i < m->width; i++)
			gate += e->shared_gate[i] * h[i];
		gate = 1 / (1 + exp(-gate));
	}
	if (e->s_up.rows)
		expert(m, false, e->s_gate.rows ? &e->s_gate : NULL, &e->s_up, &e->s_down, x, gate,
		       tmp, y, tie);
out:
	free(x);
	free(tmp);
	free(p);
	free(s);
	free(weight);
	free(small);
	free(chosen);
	return ret;
}

int forward64_experts(const struct gguf_file *f, const char *arch, enum forward64_numbers numbers,
		      size_t layer, size_t width, const double *h, size_t n, double *y, double *tie,
		      struct gguf_error *err)
{
	struct forward64 m = { .int8 = numbers == FORWARD64_INT8, .width = width };
	struct loader l = { .m = &m, .f = f, .err = err };
	size_t i;

	snprintf(m.arch, sizeof(m.arch), "%s", arch);
	m.layer = calloc(layer + 1, sizeof(*m.layer));
	if (!m.layer)
		return -ENOMEM;
	forward64_load_moe(&l, layer);
	for (i = 0; i < n && !l.error; i++)
		l.error = forward64_moe(&m, m.layer[layer].moe, h + i * width, y + i * width, tie);
	forward64_free_moe(m.layer[layer].moe);
	free(m.layer);
	return l.error;
}
