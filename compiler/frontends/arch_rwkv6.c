// SPDX-License-Identifier: MIT
/*
 * RWKV-6 (models.md section 6): linear attention whose state forgets by element, read before it is
 * updated, on mixtures of a token with the one before it whose shares depend on both; then a gated
 * feed-forward on two other such mixtures.
 */
#include <stdio.h>

#include "compiler/frontends/rwkv.h"

enum { W, K, V, R, G, PARTS };

static int read_keys(struct fe_net *n)
{
	struct fe_rwkv *r = &n->rwkv;
	struct fe_keys *k = &n->keys;

	if (fe_read_wkv(n) || fe_u32(k, "time_mix_extra_dim", true, &r->value) ||
	    fe_check_range(n, "time_mix_extra_dim", r->value, FE_MAX_RANK) ||
	    fe_u32(k, "time_decay_extra_dim", true, &r->decay) ||
	    fe_check_range(n, "time_decay_extra_dim", r->decay, FE_MAX_RANK) ||
	    fe_u32(k, "rescale_every_n_layers", false, &r->rescale))
		return n->m->diag.err;
	return 0;
}

static struct ir_const *constant(struct fe_net *n, uint32_t i, const char *name)
{
	struct ir_tensor *t = fe_layer_vector(n, i, name);

	return t ? ir_const_tensor(n->m, t) : NULL;
}

/* One tensor, or, in older files, one for each. */
static int lerps(struct fe_net *n, uint32_t i, struct ir_const *lerp[PARTS])
{
	static const char letters[PARTS] = { 'w', 'k', 'v', 'r', 'g' };
	char name[32];
	uint32_t j;

	if (!fe_has_tensor(n, i, "time_mix_lerp_w.weight"))
		return fe_layer_rows(n, i, "time_mix_lerp_fused.weight", n->width, PARTS, lerp);
	for (j = 0; j < PARTS; j++) {
		snprintf(name, sizeof(name), "time_mix_lerp_%c.weight", letters[j]);
		if (fe_layer_rows(n, i, name, n->width, 1, &lerp[j]))
			break;
	}
	return n->m->diag.err;
}

/* h + dx (W2_j tanh(W1 (h + dx lerp_x))_j + lerp_j) */
static int mixtures(struct fe_net *n, uint32_t i, struct ir_op *h, struct ir_op *x[PARTS])
{
	static const char *const names[PARTS] = { "mix_w", "mix_k", "mix_v", "mix_r", "mix_g" };
	uint32_t rank = n->rwkv.value, j;
	struct ir_tensor *w2[PARTS];
	struct ir_const *lerp[PARTS];
	struct ir_op *dx = fe_shift_change(n, i, h, "time_shift"), *m, *in[3];

	if (lerps(n, i, lerp) ||
	    fe_layer_mats(n, i, "time_mix_w2.weight", rank, n->width, PARTS, w2))
		return n->m->diag.err;
	m = fe_mad(n, i, dx, constant(n, i, "time_mix_lerp_x.weight"), h, "mix_x");
	m = fe_linear(n, i, m, "time_mix_w1", PARTS * rank, FE_NO_BIAS, "time_mix_w1");
	m = fe_layer_act(n, i, m, IR_FN_TANH, "time_mix_w1_act");
	for (j = 0; j < PARTS; j++) {
		x[j] = fe_slice(n, m, j * rank, rank, fe_layer_name(n, i, names[j]));
		x[j] = fe_matmul(n, x[j], w2[j], fe_layer_name(n, i, names[j]));
		in[0] = x[j];
		in[0] = x[j] ? fe_elt(n, i, IR_FN_ADD, 1, in, lerp[j], names[j]) : NULL;
		in[1] = dx;
		in[2] = h;
		x[j] = fe_elt(n, i, IR_FN_MAD, 3, in, NULL, names[j]);
	}
	return n->m->diag.err;
}

static struct ir_op *time_mix(struct fe_net *n, uint32_t i, struct ir_op *h)
{
	struct ir_op *x[PARTS], *in[4], *t[3], *op, *w;
	struct ir_tensor *u;

	if (!h || mixtures(n, i, h, x))
		return NULL;
	in[0] = fe_linear(n, i, x[R], "time_mix_receptance", n->width, FE_NO_BIAS,
			  "time_mix_receptance");
	in[1] = fe_linear(n, i, x[K], "time_mix_key", n->width, FE_NO_BIAS, "time_mix_key");
	in[2] = fe_linear(n, i, x[V], "time_mix_value", n->width, FE_NO_BIAS, "time_mix_value");
	w = fe_linear(n, i, x[W], "time_mix_decay_w1", n->rwkv.decay, FE_NO_BIAS,
		      "time_mix_decay_w1");
	w = fe_layer_act(n, i, w, IR_FN_TANH, "time_mix_decay_act");
	w = fe_linear(n, i, w, "time_mix_decay_w2", n->width, FE_NO_BIAS, "time_mix_decay_w2");
	w = fe_bias(n, w, fe_layer_vector(n, i, "time_mix_decay.weight"),
		    fe_layer_name(n, i, "time_mix_decay"));
	w = fe_affine(n, fe_layer_act(n, i, w, IR_FN_EXP, "time_mix_rate"), -1, 0,
		      fe_layer_name(n, i, "time_mix_rate_neg"));
	in[3] = fe_layer_act(n, i, w, IR_FN_EXP, "time_mix_keep");
	op = ir_op_new(n->m, IR_WKV, fe_layer_name(n, i, "wkv"), 4, in, 0);
	if (!op)
		return NULL;
	op->width = n->width;
	op->seg = n->rwkv.head;
	op->dim = n->rwkv.head;
	op->heads = n->width / n->rwkv.head;
	op->kv_heads = op->heads;
	op->early = 1;
	/* the token's own share: v times the sum of r u k */
	u = fe_layer_tensor(n, i, "time_mix_first.weight", true, n->rwkv.head, op->heads);
	t[0] = in[2];
	t[1] = fe_head_dot(n, i, in[1],
			   fe_gain(n, in[0], u, fe_layer_name(n, i, "time_mix_first")));
	t[2] = op;
	op = fe_elt(n, i, IR_FN_MAD, 3, t, NULL, "time_mix_own");
	if (!op)
		return NULL;
	op->seg = n->rwkv.head;
	op = fe_head_norm(n, i, op);
	op = fe_glu(n,
		    fe_linear(n, i, x[G], "time_mix_gate", n->width, FE_NO_BIAS, "time_mix_gate"),
		    op, IR_FN_SILU, fe_layer_name(n, i, "time_mix_gated"));
	return fe_linear(n, i, op, "time_mix_output", n->width, FE_NO_BIAS, "time_mix_output");
}

static struct ir_op *channel_mix(struct fe_net *n, uint32_t i, struct ir_op *h)
{
	struct ir_op *dx = fe_shift_change(n, i, h, "channel_shift"), *k, *r;

	k = fe_mad(n, i, dx, constant(n, i, "channel_mix_lerp_k.weight"), h, "channel_mix_k");
	r = fe_mad(n, i, dx, constant(n, i, "channel_mix_lerp_r.weight"), h, "channel_mix_r");
	k = fe_linear(n, i, k, "channel_mix_key", n->rwkv.ff, FE_NO_BIAS, "channel_mix_key");
	k = fe_layer_act(n, i, k, IR_FN_RELU2, "channel_mix_act");
	k = fe_linear(n, i, k, "channel_mix_value", n->width, FE_NO_BIAS, "channel_mix_value");
	r = fe_linear(n, i, r, "channel_mix_receptance", n->width, FE_NO_BIAS,
		      "channel_mix_receptance");
	return fe_glu(n, r, k, IR_FN_SIGMOID, fe_layer_name(n, i, "channel_mix_gated"));
}

static struct ir_op *block(struct fe_net *n, uint32_t i, struct ir_op *x)
{
	x = fe_add(n, x, time_mix(n, i, fe_layer_norm(n, i, x, "attn_norm")),
		   fe_layer_name(n, i, "time_mix_residual"));
	x = fe_add(n, x, channel_mix(n, i, fe_layer_norm(n, i, x, "attn_norm_2")),
		   fe_layer_name(n, i, "channel_mix_residual"));
	/* the weights behind were scaled up in turn */
	if (n->rwkv.rescale && (i + 1) % n->rwkv.rescale == 0)
		x = fe_affine(n, x, 0.5f, 0, fe_layer_name(n, i, "rescale"));
	return x;
}

const struct fe_arch fe_arch_rwkv6 = {
	.name = "rwkv6",
	.no_attention = true,
	.no_rope = true,
	.layer_norm = true,
	.embd_norm = true,
	.read = read_keys,
	.block = block,
};
