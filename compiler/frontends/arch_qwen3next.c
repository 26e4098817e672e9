// SPDX-License-Identifier: MIT
/*
 * Qwen3-Next and Qwen3.5 (models.md section 6): gated delta net (Yang et al. 2024) in most layers, gated
 * attention in the others, a feed-forward or experts after each. The two differ in where gates come from and in
 * which value heads share a key head.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "compiler/frontends/moe.h"
#include "compiler/frontends/rwkv.h"
#include "compiler/frontends/ssm.h"

static const char *const keys[] = { "expert_count", "expert_used_count", NULL };

static const struct fe_moe_rules rules = {
	.gating = FE_GATING_SOFTMAX,
	.norm = true,
	.own_width = true,
	.split_width = true,
	.shared = FE_SHARED_WIDTH,
	.shared_gate = true,
};

static bool interleaved(const struct fe_net *n)
{
	return !strcmp(n->arch->name, "qwen3next");
}

static int read_keys(struct fe_net *n)
{
	uint32_t interval = 4, i;
	char name[64];

	n->recurrent = arena_array(&n->m->arena, n->blocks, sizeof(*n->recurrent));
	if (!n->recurrent)
		return diag_nomem(&n->m->diag);
	if (fe_read_mamba2(n) || fe_u32(&n->keys, "full_attention_interval", false, &interval) ||
	    fe_check_range(n, "full_attention_interval", interval, FE_MAX_LAYERS))
		return n->m->diag.err;
	for (i = 0; i < n->layers; i++)
		n->recurrent[i] = (i + 1) % interval != 0;
	snprintf(name, sizeof(name), "%s.attention.recurrent_layers", n->arch->name);
	if (!gguf_find_kv(n->f, name))
		return 0;
	return fe_u32_layers(&n->keys, "attention.recurrent_layers", n->blocks, n->recurrent);
}

/*
 * A matmul whose matrix has `pairs` times two parts of `rows` rows in turn: the first ones of all come
 * first, then the second ones.
 */
static struct ir_op *paired(struct fe_net *n, uint32_t i, struct ir_op *h, const char *tensor,
			    uint32_t pairs, uint32_t rows)
{
	struct ir_tensor **parts;
	struct ir_op *op;
	uint32_t k;
	char buf[64];

	parts = arena_array(&n->m->arena, 2 * (size_t)pairs, sizeof(struct ir_tensor *));
	if (!parts) {
		diag_nomem(&n->m->diag);
		return NULL;
	}
	snprintf(buf, sizeof(buf), "%s.weight", tensor);
	if (!h || fe_layer_mats(n, i, buf, h->width, rows, 2 * pairs, parts))
		return NULL;
	op = ir_op_new(n->m, IR_MATMUL, fe_layer_name(n, i, tensor), 1, &h, 2 * pairs);
	if (!op)
		return NULL;
	for (k = 0; k < 2 * pairs; k++)
		op->mats[k] = parts[k < pairs ? 2 * k : 2 * (k - pairs) + 1];
	op->width = 2 * pairs * rows;
	snprintf(buf, sizeof(buf), "blk.%u.%s.scale", i, tensor);
	return fe_output_scale(n, op, buf, fe_layer_name(n, i, tensor));
}

/* *b, *a: one number per value head */
static void gates(struct fe_net *n, uint32_t i, struct ir_op *h, struct ir_op **b, struct ir_op **a)
{
	uint32_t heads = n->ssm.rank, groups = n->ssm.groups;
	struct ir_op *ba;

	if (!interleaved(n)) {
		*b = fe_linear(n, i, h, "ssm_beta", heads, FE_NO_BIAS, "ssm_beta");
		*a = fe_linear(n, i, h, "ssm_alpha", heads, FE_NO_BIAS, "ssm_alpha");
		return;
	}
	ba = paired(n, i, h, "ssm_ba", groups, heads / groups);
	*b = fe_slice(n, ba, 0, heads, fe_layer_name(n, i, "ssm_beta"));
	*a = fe_slice(n, ba, heads, heads, fe_layer_name(n, i, "ssm_alpha"));
}

/*
 * In older files ssm_in has, for each key head in turn, the rows of its queries, keys, values and gates;
 * kinds first to first + n of these, each of all heads.
 */
static struct ir_op *of_joined(struct fe_net *n, uint32_t i, struct ir_op *h, uint32_t first,
			       uint32_t kinds, const char *name)
{
	uint32_t heads = n->ssm.groups, values = n->ssm.inner / heads, at = 0, k, g;
	const uint32_t rows[4] = { n->ssm.state, n->ssm.state, values, values };
	struct ir_tensor *part;
	struct ir_op *op;
	char buf[64];

	op = h ? ir_op_new(n->m, IR_MATMUL, fe_layer_name(n, i, name), 1, &h, kinds * heads) : NULL;
	for (k = 0; op && k < first + kinds; at += rows[k++]) {
		for (g = 0; g < heads && k >= first; g++) {
			part = fe_layer_part(n, i, "ssm_in.weight", h->width,
					     2 * (n->ssm.state * heads + n->ssm.inner),
					     g * 2 * (n->ssm.state + values) + at, rows[k],
					     k * heads + g);
			if (!part)
				return NULL;
			op->mats[(k - first) * heads + g] = part;
			op->width += rows[k];
		}
	}
	snprintf(buf, sizeof(buf), "blk.%u.ssm_in.scale", i);
	return fe_output_scale(n, op, buf, fe_layer_name(n, i, name));
}

static struct ir_op *delta_net(struct fe_net *n, uint32_t i, struct ir_op *h)
{
	const struct fe_ssm *s = &n->ssm;
	uint32_t keys = s->groups * s->state, heads = s->rank, seg = s->inner / heads;
	struct ir_op *x, *z, *a, *b, *in[6], *op;

	if (interleaved(n) && fe_has_tensor(n, i, "ssm_in.weight")) {
		x = of_joined(n, i, h, 0, 3, "attn_qkv");
		z = of_joined(n, i, h, 3, 1, "attn_gate");
	} else {
		x = fe_linear(n, i, h, "attn_qkv", 2 * keys + s->inner, FE_NO_BIAS, "attn_qkv");
		z = fe_linear(n, i, h, "attn_gate", s->inner, FE_NO_BIAS, "attn_gate");
	}
	gates(n, i, h, &b, &a);
	x = fe_ssm_conv(n, i, x, FE_NO_BIAS);
	op = fe_slice(n, x, 0, keys, fe_layer_name(n, i, "delta_q"));
	op = fe_l2norm(n, op, s->state, n->eps, fe_layer_name(n, i, "delta_q_norm"));
	in[0] = fe_affine(n, op, (float)(1 / sqrt((double)s->state)), 0,
			  fe_layer_name(n, i, "delta_q_scale"));
	op = fe_slice(n, x, keys, keys, fe_layer_name(n, i, "delta_k"));
	in[1] = fe_l2norm(n, op, s->state, n->eps, fe_layer_name(n, i, "delta_k_norm"));
	b = fe_layer_act(n, i, b, IR_FN_SIGMOID, "delta_beta");
	op = fe_slice(n, x, 2 * keys, s->inner, fe_layer_name(n, i, "delta_v"));
	in[2] = fe_mul(n, op, b, seg, fe_layer_name(n, i, "delta_v_beta"));
	a = fe_bias(n, a, fe_layer_tensor(n, i, "ssm_dt.bias", true, heads, 1),
		    fe_layer_name(n, i, "ssm_dt"));
	a = fe_layer_act(n, i, a, IR_FN_SOFTPLUS, "ssm_dt_act");
	a = fe_gain(n, a, fe_layer_tensor(n, i, "ssm_a", true, heads, 1),
		    fe_layer_name(n, i, "ssm_exponent"));
	in[3] = fe_layer_act(n, i, a, IR_FN_EXP, "ssm_decay");
	in[4] = in[1];
	/* what the decayed state knows under k is taken out: -beta e^g (S k) */
	op = fe_mul(n, b, in[3], 0, fe_layer_name(n, i, "delta_take"));
	in[5] = fe_affine(n, op, -1, 0, fe_layer_name(n, i, "delta_take_neg"));
	op = ir_op_new(n->m, IR_WKV, fe_layer_name(n, i, "delta"), 6, in, 0);
	if (!op)
		return NULL;
	op->width = s->inner;
	op->seg = seg;
	op->dim = s->state;
	op->heads = heads;
	op->kv_heads = s->groups;
	op->spread = !interleaved(n);
	op = fe_rmsnorm(n, op, fe_layer_tensor(n, i, "ssm_norm.weight", true, seg, 1), seg, heads,
			fe_layer_name(n, i, "ssm_norm"));
	op = fe_glu(n, z, op, IR_FN_SILU, fe_layer_name(n, i, "delta_gated"));
	return fe_linear(n, i, op, "ssm_out", n->width, FE_NO_BIAS, "ssm_out");
}

static struct ir_op *gated_attention(struct fe_net *n, uint32_t i, struct ir_op *h)
{
	const struct fe_attend a = { .scale = n->attn_scale };
	uint32_t nq = n->heads * n->head_size, nk = n->kv_heads * n->head_size;
	struct ir_op *qg = paired(n, i, h, "attn_q", n->heads, n->head_size), *q, *k, *v, *op;

	q = fe_slice(n, qg, 0, nq, fe_layer_name(n, i, "attn_q_own"));
	op = fe_slice(n, qg, nq, nq, fe_layer_name(n, i, "attn_q_gate"));
	k = fe_linear(n, i, h, "attn_k", nk, FE_NO_BIAS, "attn_k");
	v = fe_linear(n, i, h, "attn_v", nk, FE_NO_BIAS, "attn_v");
	if (!q || !k || !v)
		return NULL;
	q = fe_rope(n, fe_norm_rows(n, i, q, n->head_size, "attn_q_norm"),
		    fe_layer_name(n, i, "rope_q"));
	k = fe_rope(n, fe_norm_rows(n, i, k, n->head_size, "attn_k_norm"),
		    fe_layer_name(n, i, "rope_k"));
	op = fe_glu(n, op, fe_attend(n, i, q, k, v, &a), IR_FN_SIGMOID,
		    fe_layer_name(n, i, "attn_gated"));
	return fe_linear(n, i, op, "attn_output", n->width, FE_NO_BIAS, "attn_output");
}

static struct ir_op *block(struct fe_net *n, uint32_t i, struct ir_op *x)
{
	struct ir_op *h;

	if (n->recurrent[i])
		x = fe_mix(n, i, x, delta_net);
	else
		x = fe_mix(n, i, x, gated_attention);
	h = fe_layer_norm(n, i, x, "post_attention_norm");
	if (fe_moe_layer(n, i))
		return fe_moe_ffn(n, i, h, x);
	return fe_add(n, x, fe_ffn_of(n, i, h), fe_layer_name(n, i, "ffn_residual"));
}

const struct fe_arch fe_arch_qwen3next = {
	.name = "qwen3next",
	.same_values = true,
	.keys = keys,
	.moe = &rules,
	.read = read_keys,
	.block = block,
};

const struct fe_arch fe_arch_qwen35 = {
	.name = "qwen35",
	.same_values = true,
	.read = read_keys,
	.block = block,
};

/* Its rotation by sections is the plain one where positions are those of text. */
const struct fe_arch fe_arch_qwen35moe = {
	.name = "qwen35moe",
	.same_values = true,
	.keys = keys,
	.moe = &rules,
	.read = read_keys,
	.block = block,
};
