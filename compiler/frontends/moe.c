// SPDX-License-Identifier: MIT
/* models.md section 4, moe. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "compiler/frontends/moe.h"

#define MAX_EXPERTS 4096u
#define MAX_USED    256u /* commands of a program are written out for each */
#define MAX_GROUPS  64u

static int refuse(struct fe_net *n, const char *key, uint32_t v, const char *supported)
{
	return diag_set(&n->m->diag, -ENOTSUP, "key %s.%s: %u, supported: %s", n->arch->name, key,
			v, supported);
}

/* One is enough: the other is then missed by its name. */
static bool has_experts(const struct fe_net *n, uint32_t layer)
{
	char router[64], down[64];

	snprintf(router, sizeof(router), "blk.%u.ffn_gate_inp.weight", layer);
	snprintf(down, sizeof(down), "blk.%u.ffn_down_exps.weight", layer);
	return gguf_find_tensor(n->f, router) || gguf_find_tensor(n->f, down);
}

/* The feed-forward length of the first layer with experts. */
static uint32_t layer_width(const struct fe_net *n)
{
	uint32_t i = 0;

	while (n->arch->moe->by_tensor && i + 1 < n->layers && !has_experts(n, i))
		i++;
	return n->ff[i];
}

static int read_width(struct fe_net *n, struct fe_moe *e)
{
	bool split = n->arch->moe->split_width && e->width;

	e->width = split ? e->width / e->used : 0;
	return fe_u32(&n->keys, "expert_feed_forward_length", !split, &e->width);
}

static int read_counts(struct fe_net *n, struct fe_moe *e)
{
	const struct fe_moe_rules *r = n->arch->moe;
	struct fe_keys *k = &n->keys;

	if (fe_u32(k, "expert_count", r->needs_experts, &e->experts) ||
	    fe_u32(k, "expert_used_count", e->experts != 0, &e->used))
		return n->m->diag.err;
	if (!e->experts && !r->needs_experts && !e->used)
		return 0;
	if (fe_check_range(n, "expert_count", e->experts, MAX_EXPERTS) ||
	    fe_check_range(n, "expert_used_count", e->used,
			   e->experts < MAX_USED ? e->experts : MAX_USED))
		return n->m->diag.err;
	e->width = layer_width(n);
	if (r->own_width && read_width(n, e))
		return n->m->diag.err;
	if (r->leading_dense && fe_u32(k, "leading_dense_block_count", false, &e->dense_layers))
		return n->m->diag.err;
	if (r->latent && fe_u32(k, "moe_latent_size", false, &e->latent))
		return n->m->diag.err;
	return fe_check_range(n,
			      r->own_width ? "expert_feed_forward_length" : "feed_forward_length",
			      e->width, IR_MAX_WIDTH / 2 / e->experts);
}

static int read_gating(struct fe_net *n, struct fe_moe *e)
{
	static const char *const names[] = { "none", "1 (softmax)", "2 (sigmoid)",
					     "3 (softmax of the chosen)" };
	const struct fe_moe_rules *r = n->arch->moe;
	struct fe_keys *k = &n->keys;
	bool norm = r->norm;
	float scale = 0;

	e->gating = FE_GATING_NONE;
	if (fe_u32(k, "expert_gating_func", false, &e->gating))
		return n->m->diag.err;
	if (e->gating == FE_GATING_NONE)
		e->gating = r->gating;
	if (e->gating > FE_GATING_CHOSEN)
		return refuse(n, "expert_gating_func", e->gating,
			      "1 (softmax), 2 (sigmoid), 3 (softmax of the chosen)");
	if (!r->gating_key && e->gating != r->gating)
		return refuse(n, "expert_gating_func", e->gating, names[r->gating]);
	if ((r->norm_key && fe_bool(k, "expert_weights_norm", &norm)) ||
	    fe_f32(k, "expert_weights_scale", false, &scale))
		return n->m->diag.err;
	if (!(scale > -1e30f && scale < 1e30f))
		return diag_set(&n->m->diag, -EINVAL, "key %s.expert_weights_scale: %g",
				n->arch->name, (double)scale);
	if (!r->scale_key && scale != 0 && scale != 1)
		return diag_set(&n->m->diag, -ENOTSUP,
				"key %s.expert_weights_scale: %g, supported for %s: 0, 1",
				n->arch->name, (double)scale, n->arch->name);
	e->norm = norm;
	e->scale = scale;
	return 0;
}

static int read_groups(struct fe_net *n, struct fe_moe *e)
{
	struct fe_keys *k = &n->keys;

	if (fe_u32(k, "expert_group_count", false, &e->groups) ||
	    fe_u32(k, "expert_group_used_count", false, &e->used_groups))
		return n->m->diag.err;
	if (e->groups <= 1) {
		e->groups = 0;
		e->used_groups = 0;
		return 0;
	}
	if (fe_check_range(n, "expert_group_count", e->groups, MAX_GROUPS) ||
	    fe_check_range(n, "expert_group_used_count", e->used_groups, e->groups))
		return n->m->diag.err;
	if (e->experts % e->groups)
		return diag_set(&n->m->diag, -EINVAL,
				"key %s.expert_group_count: %u does not divide expert_count %u",
				n->arch->name, e->groups, e->experts);
	if (e->used > e->experts / e->groups * e->used_groups)
		return diag_set(
			&n->m->diag, -EINVAL,
			"key %s.expert_used_count: %u, but %u groups of %u experts are used",
			n->arch->name, e->used, e->used_groups, e->experts / e->groups);
	return 0;
}

static int read_shared(struct fe_net *n, struct fe_moe *e)
{
	struct fe_keys *k = &n->keys;
	uint32_t count = 0;

	switch (n->arch->moe->shared) {
	case FE_SHARED_NONE:
		return 0;
	case FE_SHARED_WIDTH:
		if (fe_u32(k, "expert_shared_feed_forward_length", false, &e->shared))
			return n->m->diag.err;
		if (n->arch->moe->shared_gate && !e->shared &&
		    fe_has_tensor(n, 0, "ffn_up_shexp.weight"))
			e->shared = n->ff[0];
		if (!e->shared)
			return 0;
		return fe_check_range(n, "expert_shared_feed_forward_length", e->shared,
				      IR_MAX_WIDTH / 2);
	case FE_SHARED_COUNT:
		if (fe_u32(k, "expert_shared_count", false, &count) || !count)
			return n->m->diag.err;
		e->shared = count * e->width;
		return fe_check_range(n, "expert_shared_count", count, IR_MAX_WIDTH / 2 / e->width);
	}
	return 0;
}

int fe_moe_read(struct fe_net *n)
{
	struct fe_moe *e;

	if (!n->arch->moe)
		return 0;
	e = arena_alloc(&n->m->arena, sizeof(*e));
	if (!e)
		return diag_nomem(&n->m->diag);
	if (read_counts(n, e) || !e->experts)
		return n->m->diag.err;
	if (read_gating(n, e) || read_groups(n, e) || read_shared(n, e))
		return n->m->diag.err;
	n->moe = e;
	return 0;
}

bool fe_moe_layer(const struct fe_net *n, uint32_t layer)
{
	if (!n->moe || layer < n->moe->dense_layers)
		return false;
	return !n->arch->moe->by_tensor || has_experts(n, layer);
}

/* --- graph ----------------------------------------------------------------------------------- */

/* The router's logits: exactly, since a wrong choice is a large error. */
static struct ir_op *router(struct fe_net *n, uint32_t i, struct ir_op *h)
{
	const struct fe_moe *e = n->moe;
	struct ir_tensor *w, *b = NULL;
	struct ir_op *op;

	if (!h)
		return NULL;
	w = fe_layer_tensor(n, i, "ffn_gate_inp.weight", true, h->width, e->experts);
	if (n->arch->moe->biases)
		b = fe_layer_tensor(n, i, "ffn_gate_inp.bias", true, e->experts, 1);
	if (n->m->diag.err)
		return NULL;
	if ((uint64_t)h->width * e->experts > IR_MAX_WIDTH) {
		diag_set(&n->m->diag, -ENOTSUP, "tensor %s: %u x %u elements, supported: %u in all",
			 w->name, h->width, e->experts, IR_MAX_WIDTH);
		return NULL;
	}
	op = ir_op_new(n->m, IR_DOTS, fe_layer_name(n, i, "router"), 1, &h, 0);
	if (!op)
		return NULL;
	op->konst = ir_const_tensor(n->m, w);
	if (!op->konst)
		return NULL;
	op->width = e->experts;
	return fe_bias(n, op, b, fe_layer_name(n, i, "router_bias"));
}

static struct ir_op *weights_of(struct fe_net *n, uint32_t i, struct ir_op *logits)
{
	struct ir_op *op;

	switch (n->moe->gating) {
	case FE_GATING_SIGMOID:
		return fe_act(n, logits, IR_FN_SIGMOID, fe_layer_name(n, i, "router_sigmoid"));
	case FE_GATING_CHOSEN:
		return logits;
	default:
		op = ir_op_new(n->m, IR_SOFTMAX, fe_layer_name(n, i, "router_softmax"), 1, &logits,
			       0);
		if (op)
			op->width = logits->width;
		return op;
	}
}

static struct ir_op *route(struct fe_net *n, uint32_t i, struct ir_op *p)
{
	const struct fe_moe *e = n->moe;
	struct ir_tensor *bias = NULL;
	struct ir_op *in[2] = { p, p }, *op;

	if (n->arch->moe->select_bias)
		bias = fe_layer_optional(n, i, "exp_probs_b.bias", e->experts);
	if (bias)
		in[1] = fe_bias(n, p, bias, fe_layer_name(n, i, "router_select"));
	op = ir_op_new(n->m, IR_ROUTE, fe_layer_name(n, i, "route"), bias ? 2 : 1, in, 0);
	if (!op)
		return NULL;
	op->konst = ir_const_selector(n->m, e->experts);
	if (!op->konst)
		return NULL;
	op->experts = e->experts;
	op->used = e->used;
	op->groups = e->groups;
	op->used_groups = e->used_groups;
	op->chosen = e->gating == FE_GATING_CHOSEN;
	op->norm = e->norm;
	op->scale = e->scale;
	op->width = e->used;
	return op;
}

/* A matrix of every expert: one tensor, or, in very old files, one per expert. *count: tensors. */
static int expert_tensors(struct fe_net *n, uint32_t i, const char *what, uint64_t cols,
			  uint64_t rows, struct ir_tensor ***out, size_t *count)
{
	const struct fe_moe *e = n->moe;
	struct ir_tensor **list;
	char name[96];
	bool single;
	uint32_t k;

	snprintf(name, sizeof(name), "blk.%u.%s.0.weight", i, what);
	single = gguf_find_tensor(n->f, name);
	*count = single ? e->experts : 1;
	list = arena_array(&n->m->arena, *count, sizeof(*list));
	*out = list;
	if (!list)
		return diag_nomem(&n->m->diag);
	if (!single) {
		snprintf(name, sizeof(name), "blk.%u.%s_exps.weight", i, what);
		return fe_tensor3(n, name, true, cols, rows, e->experts, list);
	}
	for (k = 0; k < e->experts; k++) {
		snprintf(name, sizeof(name), "blk.%u.%s.%u.weight", i, what, k);
		if (fe_tensor(n, name, true, cols, rows, &list[k]))
			return n->m->diag.err;
	}
	return 0;
}

/* Biases of one or two parts. */
static struct ir_const *expert_biases(struct fe_net *n, uint32_t i, const char *const what[2],
				      uint64_t rows)
{
	struct ir_tensor *t[2] = { NULL, NULL };
	size_t parts = what[1] ? 2 : 1, k;
	struct ir_const *c;

	for (k = 0; k < parts; k++) {
		t[k] = fe_layer_tensor(n, i, what[k], true, rows, n->moe->experts);
		if (!t[k])
			return NULL;
	}
	c = ir_const_new(n->m, t[0]->name, parts);
	if (!c)
		return NULL;
	for (k = 0; k < parts; k++) {
		c->pieces[k] =
			(struct ir_piece){ .t = t[k], .n = rows * n->moe->experts, .repeat = 1 };
		c->n += c->pieces[k].n;
	}
	return c;
}

/*
 * Rows of x for each part and chosen expert, times the numbers WHAT.scale of these parts and experts, where
 * the file has them. Not where there are biases: those are not multiplied.
 */
static struct ir_op *scale_chosen(struct fe_net *n, uint32_t i, struct ir_op *x, struct ir_op *to,
				  const char *const *what, uint32_t parts, const char *name)
{
	struct ir_tensor *t[2] = { NULL, NULL };
	const struct fe_moe *e = n->moe;
	struct ir_op *op;
	uint32_t k;
	char buf[64];

	if (!x || n->arch->moe->biases)
		return x;
	for (k = 0; k < parts; k++) {
		snprintf(buf, sizeof(buf), "%s.scale", what[k]);
		t[k] = k && !strcmp(what[k], what[0])
			       ? t[0]
			       : fe_layer_tensor(n, i, buf, false, e->experts, 1);
	}
	if (!t[0] && !t[1])
		return n->m->diag.err ? NULL : x;
	op = ir_op_new(n->m, IR_GATHER, fe_layer_name(n, i, name), 1, &to, 0);
	if (!op)
		return NULL;
	op->konst = ir_const_new(n->m, (t[0] ? t[0] : t[1])->name, parts);
	if (!op->konst)
		return NULL;
	for (k = 0; k < parts; k++)
		op->konst->pieces[k] =
			(struct ir_piece){ .t = t[k], .value = 1, .n = e->experts, .repeat = 1 };
	op->konst->n = (uint64_t)parts * e->experts;
	op->parts = parts;
	op->width = parts * e->used;
	return fe_mul(n, x, op, x->width / op->width,
		      arena_printf(&n->m->arena, "%s_scaled", x->name) ?: x->name);
}

/* gate (if there is one) and up of the chosen experts, one behind the other */
static struct ir_op *gate_up(struct fe_net *n, uint32_t i, struct ir_op *h, struct ir_op *to)
{
	static const char *const bias[2] = { "ffn_gate_exps.bias", "ffn_up_exps.bias" };
	static const char *const apart[2] = { "ffn_gate_exps", "ffn_up_exps" };
	static const char *const fused[2] = { "ffn_gate_up_exps", "ffn_gate_up_exps" };
	uint32_t parts = n->arch->moe->no_gate ? 1 : 2;
	const struct fe_moe *e = n->moe;
	struct ir_tensor **gate = NULL, **up, *both = NULL;
	struct ir_op *in[2] = { h, to }, *op;
	size_t count, count_gate, k;
	char name[64];

	snprintf(name, sizeof(name), "blk.%u.ffn_gate_up_exps.weight", i);
	if (parts == 2 && fe_tensor3(n, name, false, h->width, 2ull * e->width, e->experts, &both))
		return NULL;
	if (both) {
		gate = &both;
		up = &both;
		count = 1;
	} else {
		if (parts == 2 &&
		    expert_tensors(n, i, "ffn_gate", h->width, e->width, &gate, &count_gate))
			return NULL;
		if (expert_tensors(n, i, "ffn_up", h->width, e->width, &up, &count))
			return NULL;
		if (gate && count != count_gate) {
			diag_set(&n->m->diag, -ENOTSUP,
				 "tensor %s: one tensor for all experts, but not for the gate",
				 up[0]->name);
			return NULL;
		}
	}
	op = ir_op_new(n->m, IR_EXPERTS,
		       fe_layer_name(n, i, gate ? "experts_gate_up" : "experts_up"), 2, in,
		       parts * count);
	if (!op)
		return NULL;
	for (k = 0; k < count; k++) {
		if (gate)
			op->mats[k] = gate[k];
		op->mats[(parts - 1) * count + k] = up[k];
	}
	op->parts = parts;
	op->width = parts * e->used * e->width;
	if (n->arch->moe->biases) {
		op->konst = expert_biases(n, i, bias, e->width);
		if (!op->konst)
			return NULL;
	}
	return scale_chosen(n, i, op, to, both ? fused : apart + 2 - parts, parts,
			    "experts_scales");
}

/* What goes into the experts' last matrices. */
static struct ir_op *activate(struct fe_net *n, uint32_t i, struct ir_op *op, enum ir_fn act)
{
	const char *name = fe_layer_name(n, i, "experts_act");
	uint32_t half;

	if (!op || n->arch->moe->no_gate)
		return fe_act(n, op, act, name);
	half = op->width / 2;
	return fe_glu(n, fe_slice(n, op, 0, half, fe_layer_name(n, i, "experts_gate")),
		      fe_slice(n, op, half, half, fe_layer_name(n, i, "experts_up")), act, name);
}

/* The weighted sum of the experts, of `width` elements. */
static struct ir_op *combine(struct fe_net *n, uint32_t i, struct ir_op *h, struct ir_op *to,
			     uint32_t width)
{
	static const char *const bias[2] = { "ffn_down_exps.bias", NULL };
	static const char *const down_exps = "ffn_down_exps";
	struct ir_op *in[2] = { h, to }, *op;
	struct ir_tensor **down;
	size_t count, k;

	if (expert_tensors(n, i, "ffn_down", n->moe->width, width, &down, &count))
		return NULL;
	/* what multiplies an expert's result may as well multiply its input */
	in[0] = scale_chosen(n, i, h, to, &down_exps, 1, "experts_down_scales");
	op = ir_op_new(n->m, IR_COMBINE, fe_layer_name(n, i, "experts_down"), 2, in, count);
	if (!op)
		return NULL;
	for (k = 0; k < count; k++)
		op->mats[k] = down[k];
	op->parts = 1;
	op->width = width;
	if (n->arch->moe->biases) {
		op->konst = expert_biases(n, i, bias, width);
		if (!op->konst)
			return NULL;
	}
	return op;
}

static struct ir_op *shared_gate(struct fe_net *n, uint32_t i, struct ir_op *h)
{
	struct ir_tensor *w;
	struct ir_op *op;

	w = fe_layer_tensor(n, i, "ffn_gate_inp_shexp.weight", true, h->width, 1);
	if (!w)
		return NULL;
	op = ir_op_new(n->m, IR_DOTS, fe_layer_name(n, i, "shared_gate"), 1, &h, 0);
	if (!op)
		return NULL;
	op->konst = ir_const_tensor(n->m, w);
	if (!op->konst)
		return NULL;
	op->width = 1;
	return fe_act(n, op, IR_FN_SIGMOID, fe_layer_name(n, i, "shared_sigmoid"));
}

static struct ir_op *sum(struct fe_net *n, struct ir_op *x, struct ir_op *y, const char *name)
{
	return x ? fe_add(n, x, y, name) : y;
}

/* The shared expert's first matrices on h: in[1] up, in[0] gate; *gate: what scales its result. */
static void shared_in(struct fe_net *n, uint32_t i, struct ir_op *h, struct ir_op *in[2],
		      struct ir_op **gate)
{
	const struct fe_moe_rules *r = n->arch->moe;
	uint32_t width = n->moe->shared;

	if (!r->no_gate)
		in[0] = fe_linear(n, i, h, "ffn_gate_shexp", width, FE_NO_BIAS, "shared_gate_ff");
	in[1] = fe_linear(n, i, h, "ffn_up_shexp", width, FE_NO_BIAS, "shared_up");
	if (r->shared_gate)
		*gate = shared_gate(n, i, h);
}

static struct ir_op *shared_out(struct fe_net *n, uint32_t i, struct ir_op *const in[2],
				enum ir_fn act, struct ir_op *gate)
{
	const struct fe_moe_rules *r = n->arch->moe;
	const char *name = fe_layer_name(n, i, "shared_act");
	struct ir_op *p;

	p = r->no_gate ? fe_act(n, in[1], act, name) : fe_glu(n, in[0], in[1], act, name);
	p = fe_linear(n, i, p, "ffn_down_shexp", n->width, FE_NO_BIAS, "shared_down");
	if (r->shared_gate)
		p = fe_mul(n, p, gate, n->width, fe_layer_name(n, i, "shared_gated"));
	return p;
}

/* Experts' input in a smaller space, where the layer has one; else h. */
static struct ir_op *to_latent(struct fe_net *n, uint32_t i, struct ir_op *h)
{
	const struct gguf_tensor *g;
	uint32_t width = n->moe->latent;
	char name[64];

	if (!n->arch->moe->latent)
		return h;
	snprintf(name, sizeof(name), "blk.%u.ffn_latent_down.weight", i);
	g = gguf_find_tensor(n->f, name);
	if (!g && !width)
		return h;
	if (!width)
		width = g->ne[1] <= IR_MAX_WIDTH / 8 ? (uint32_t)g->ne[1] : IR_MAX_WIDTH / 8;
	return fe_linear(n, i, h, "ffn_latent_down", width, FE_NO_BIAS, "latent_down");
}

struct ir_op *fe_moe_ffn(struct fe_net *n, uint32_t i, struct ir_op *h, struct ir_op *x)
{
	const struct fe_moe_rules *r = n->arch->moe;
	enum ir_fn act = r->act ? r->act : IR_FN_SILU;
	const struct fe_moe *e = n->moe;
	struct ir_op *to, *op, *latent, *shared[2] = { NULL, NULL }, *gate = NULL, *p;

	if (!h)
		return NULL;
	p = router(n, i, h);
	/* the tile array has these to do while the choice is made */
	latent = to_latent(n, i, h);
	if (e->shared)
		shared_in(n, i, h, shared, &gate);
	to = route(n, i, weights_of(n, i, p));
	if (!to || !latent)
		return NULL;
	op = gate_up(n, i, latent, to);
	if (e->shared) {
		p = shared_out(n, i, shared, act, gate);
		if (!p)
			return NULL;
		x = sum(n, x, p, fe_layer_name(n, i, "shared_sum"));
	}
	op = combine(n, i, activate(n, i, op, act), to, latent->width);
	if (latent != h)
		op = fe_linear(n, i, op, "ffn_latent_up", n->width, FE_NO_BIAS, "latent_up");
	if (!op)
		return NULL;
	return sum(n, x, op, fe_layer_name(n, i, "experts_sum"));
}
