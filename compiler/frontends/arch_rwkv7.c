// SPDX-License-Identifier: MIT
/*
 * RWKV-7 (models.md section 6): linear attention whose state forgets by element and corrects itself, on
 * mixtures of a token with the one before it; then a feed-forward on another such mixture.
 */
#include <stdio.h>

#include "compiler/frontends/rwkv.h"

static int read_keys(struct fe_net *n)
{
	struct fe_rwkv *r = &n->rwkv;
	struct fe_keys *k = &n->keys;

	if (fe_read_wkv(n) || fe_u32(k, "attention.decay_lora_rank", true, &r->decay) ||
	    fe_check_range(n, "attention.decay_lora_rank", r->decay, FE_MAX_RANK) ||
	    fe_u32(k, "attention.iclr_lora_rank", true, &r->iclr) ||
	    fe_check_range(n, "attention.iclr_lora_rank", r->iclr, FE_MAX_RANK) ||
	    fe_u32(k, "attention.value_residual_mix_lora_rank", true, &r->value) ||
	    fe_check_range(n, "attention.value_residual_mix_lora_rank", r->value, FE_MAX_RANK) ||
	    fe_u32(k, "attention.gate_lora_rank", true, &r->gate) ||
	    fe_check_range(n, "attention.gate_lora_rank", r->gate, FE_MAX_RANK))
		return n->m->diag.err;
	return 0;
}

/* b + W2 fn(W1 x); fn 0: none, b NULL: none */
static struct ir_op *lora(struct fe_net *n, uint32_t i, struct ir_op *x, char which, uint32_t rank,
			  enum ir_fn fn, bool bias)
{
	char tensor[32], name[32];
	struct ir_op *op;

	snprintf(tensor, sizeof(tensor), "time_mix_%c1", which);
	op = fe_linear(n, i, x, tensor, rank, FE_NO_BIAS, tensor);
	snprintf(name, sizeof(name), "time_mix_%c1_act", which);
	if (fn)
		op = fe_layer_act(n, i, op, fn, name);
	snprintf(tensor, sizeof(tensor), "time_mix_%c2", which);
	op = fe_linear(n, i, op, tensor, n->width, FE_NO_BIAS, tensor);
	if (!bias)
		return op;
	snprintf(tensor, sizeof(tensor), "time_mix_%c0.weight", which);
	snprintf(name, sizeof(name), "time_mix_%c0", which);
	return fe_bias(n, op, fe_layer_vector(n, i, tensor), fe_layer_name(n, i, name));
}

/* v, and from the second layer on a share of the first layer's. */
static struct ir_op *mix_value(struct fe_net *n, uint32_t i, struct ir_op *v, struct ir_op *x)
{
	struct ir_op *in[3];

	/* the first layer's tensors for this are without a use: source_part_of() */
	if (!i) {
		n->rwkv.first_value = v;
		return v;
	}
	in[0] = fe_binary(n, i, IR_FN_SUB, n->rwkv.first_value, v, "time_mix_v_change");
	in[1] = fe_layer_act(n, i, lora(n, i, x, 'v', n->rwkv.value, IR_FN_NONE, true),
			     IR_FN_SIGMOID, "time_mix_v_share");
	in[2] = v;
	return fe_elt(n, i, IR_FN_MAD, 3, in, NULL, "time_mix_v");
}

static struct ir_op *wkv(struct fe_net *n, uint32_t i, struct ir_op *const in[6])
{
	struct ir_op *op = ir_op_new(n->m, IR_WKV, fe_layer_name(n, i, "wkv"), 6, in, 0);

	if (!op)
		return NULL;
	op->width = n->width;
	op->seg = n->rwkv.head;
	op->dim = n->rwkv.head;
	op->heads = n->width / n->rwkv.head;
	op->kv_heads = op->heads;
	return op;
}

static struct ir_op *time_mix(struct fe_net *n, uint32_t i, struct ir_op *h)
{
	enum { R, W, K, V, A, G, PARTS };
	static const char *const names[PARTS] = { "mix_r", "mix_w", "mix_k",
						  "mix_v", "mix_a", "mix_g" };
	struct ir_op *dx = fe_shift_change(n, i, h, "time_shift"), *x[PARTS], *in[6], *kk, *v, *a,
		     *t[3], *op;
	struct ir_const *k[PARTS];
	uint32_t j;

	if (fe_layer_rows(n, i, "time_mix_lerp_fused.weight", n->width, PARTS, k))
		return NULL;
	for (j = 0; j < PARTS; j++)
		x[j] = fe_mad(n, i, dx, k[j], h, names[j]);
	in[0] = fe_linear(n, i, x[R], "time_mix_receptance", n->width, FE_NO_BIAS,
			  "time_mix_receptance");
	in[1] = fe_linear(n, i, x[K], "time_mix_key", n->width, FE_NO_BIAS, "time_mix_key");
	v = fe_linear(n, i, x[V], "time_mix_value", n->width, FE_NO_BIAS, "time_mix_value");
	in[2] = v = mix_value(n, i, v, x[V]);
	op = fe_layer_act(n, i, lora(n, i, x[W], 'w', n->rwkv.decay, IR_FN_TANH, true),
			  IR_FN_SIGMOID, "time_mix_w_act");
	op = fe_affine(n, op, -0.606531f, 0, fe_layer_name(n, i, "time_mix_w_log"));
	in[3] = fe_layer_act(n, i, op, IR_FN_EXP, "time_mix_w");
	a = fe_layer_act(n, i, lora(n, i, x[A], 'a', n->rwkv.iclr, IR_FN_NONE, true), IR_FN_SIGMOID,
			 "time_mix_a");
	kk = fe_gain(n, in[1], fe_layer_vector(n, i, "time_mix_k_k.weight"),
		     fe_layer_name(n, i, "time_mix_k_k"));
	kk = fe_l2norm(n, kk, n->rwkv.head, 1e-12f, fe_layer_name(n, i, "time_mix_kk"));
	in[4] = fe_affine(n, kk, -1, 0, fe_layer_name(n, i, "time_mix_kk_neg"));
	in[5] = fe_binary(n, i, IR_FN_MUL, kk, a, "time_mix_kk_a");
	/* k (1 + k_a (a - 1)) */
	t[0] = fe_affine(n, a, 1, -1, fe_layer_name(n, i, "time_mix_a_less"));
	t[0] = fe_gain(n, t[0], fe_layer_vector(n, i, "time_mix_k_a.weight"),
		       fe_layer_name(n, i, "time_mix_k_a"));
	t[1] = t[2] = in[1];
	in[1] = fe_elt(n, i, IR_FN_MAD, 3, t, NULL, "time_mix_k");
	op = fe_head_norm(n, i, wkv(n, i, in));
	t[1] = fe_gain(n, in[0], fe_layer_vector(n, i, "time_mix_r_k.weight"),
		       fe_layer_name(n, i, "time_mix_r_k"));
	t[0] = v;
	t[1] = fe_head_dot(n, i, in[1], t[1]);
	t[2] = op;
	op = fe_elt(n, i, IR_FN_MAD, 3, t, NULL, "time_mix_bonus_add");
	if (!op)
		return NULL;
	op->seg = n->rwkv.head;
	op = fe_mul(n, op, lora(n, i, x[G], 'g', n->rwkv.gate, IR_FN_SIGMOID, false), 0,
		    fe_layer_name(n, i, "time_mix_gated"));
	return fe_linear(n, i, op, "time_mix_output", n->width, FE_NO_BIAS, "time_mix_output");
}

static struct ir_op *channel_mix(struct fe_net *n, uint32_t i, struct ir_op *h)
{
	struct ir_tensor *lerp = fe_layer_vector(n, i, "channel_mix_lerp_k.weight");
	struct ir_op *dx = fe_shift_change(n, i, h, "channel_shift"), *op;

	op = fe_mad(n, i, dx, lerp ? ir_const_tensor(n->m, lerp) : NULL, h, "channel_mix_k");
	op = fe_linear(n, i, op, "channel_mix_key", n->rwkv.ff, FE_NO_BIAS, "channel_mix_key");
	op = fe_layer_act(n, i, op, IR_FN_RELU2, "channel_mix_act");
	return fe_linear(n, i, op, "channel_mix_value", n->width, FE_NO_BIAS, "channel_mix_value");
}

static struct ir_op *block(struct fe_net *n, uint32_t i, struct ir_op *x)
{
	x = fe_add(n, x, time_mix(n, i, fe_layer_norm(n, i, x, "attn_norm")),
		   fe_layer_name(n, i, "time_mix_residual"));
	return fe_add(n, x, channel_mix(n, i, fe_layer_norm(n, i, x, "attn_norm_2")),
		      fe_layer_name(n, i, "channel_mix_residual"));
}

const struct fe_arch fe_arch_rwkv7 = {
	.name = "rwkv7",
	.no_attention = true,
	.no_rope = true,
	.layer_norm = true,
	.embd_norm = true,
	.read = read_keys,
	.block = block,
};
