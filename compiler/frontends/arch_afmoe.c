// SPDX-License-Identifier: MIT
/* Arcee's Trinity: gated attention, some layers without positions, norms on both sides. */
#include <math.h>

#include "compiler/frontends/moe.h"

/*
 * Every fourth layer sees all positions, and does not know them. A file may say otherwise of windows, but
 * not of positions.
 */
#define PERIOD 4

static const char *const keys[] = { "expert_count", "expert_used_count", NULL };

static const struct fe_moe_rules rules = {
	.gating = FE_GATING_SIGMOID,
	.gating_key = true,
	.norm_key = true,
	.scale_key = true,
	.needs_experts = true,
	.own_width = true,
	.leading_dense = true,
	.select_bias = true,
	.shared = FE_SHARED_COUNT,
};

static int read_afmoe(struct fe_net *n)
{
	n->embd_scale = sqrtf((float)n->width);
	return fe_windows(n, 0, PERIOD);
}

static struct ir_op *attention(struct fe_net *n, uint32_t i, struct ir_op *x)
{
	uint32_t nq = n->heads * n->head_size;
	const struct fe_attend a = { .window = n->windowed && n->windowed[i] ? n->window : 0,
				     .scale = n->attn_scale };
	struct ir_table *rope = (i + 1) % PERIOD ? n->rope : NULL;
	struct ir_op *h, *in[3], *gate, *op;

	h = fe_layer_norm(n, i, x, "attn_norm");
	fe_qkv(n, i, h, in);
	gate = fe_linear(n, i, h, "attn_gate", nq, FE_NO_BIAS, "attn_gate");
	in[0] = fe_norm_rows(n, i, in[0], n->head_size, "attn_q_norm");
	in[1] = fe_norm_rows(n, i, in[1], n->head_size, "attn_k_norm");
	in[0] = fe_rope_by(n, in[0], rope, fe_layer_name(n, i, "rope_q"));
	in[1] = fe_rope_by(n, in[1], rope, fe_layer_name(n, i, "rope_k"));
	op = fe_attend(n, i, in[0], in[1], in[2], &a);
	op = fe_glu(n, gate, op, IR_FN_SIGMOID, fe_layer_name(n, i, "attn_gated"));
	op = fe_linear(n, i, op, "attn_output", n->width, FE_NO_BIAS, "attn_output");
	op = fe_layer_norm(n, i, op, "post_attention_norm");
	return fe_add(n, x, op, fe_layer_name(n, i, "attn_residual"));
}

static struct ir_op *block(struct fe_net *n, uint32_t i, struct ir_op *x)
{
	return fe_ffn(n, i, attention(n, i, x));
}

const struct fe_arch fe_arch_afmoe = {
	.name = "afmoe",
	.post_norms = true,
	.same_values = true,
	.keys = keys,
	.moe = &rules,
	.read = read_afmoe,
	.block = block,
};
