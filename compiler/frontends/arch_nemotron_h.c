// SPDX-License-Identifier: MIT
/* A block is a Mamba-2 layer, attention without positions, or a feed-forward without a gate, or such experts. */
#include "compiler/frontends/moe.h"
#include "compiler/frontends/ssm.h"

static const char *const keys[] = { "expert_count", "expert_used_count", NULL };

static const struct fe_moe_rules rules = {
	.gating = FE_GATING_SIGMOID,
	.norm_key = true,
	.scale_key = true,
	.own_width = true,
	.by_tensor = true,
	.select_bias = true,
	.shared = FE_SHARED_WIDTH,
	.no_gate = true,
	.latent = true,
	.act = IR_FN_RELU2,
};

static struct ir_op *block(struct fe_net *n, uint32_t i, struct ir_op *x)
{
	if (n->kv_of[i])
		return fe_attention(n, i, x);
	if (fe_moe_layer(n, i))
		return fe_moe_ffn(n, i, fe_layer_norm(n, i, x, "attn_norm"), x);
	return fe_mix(n, i, x, n->ff[i] ? fe_ffn_of : fe_mamba2);
}

/* What both have; feed-forwards are experts in one of them. */
#define NEMOTRON_H                                                            \
	.hybrid = true, .no_rope = true, .no_gate = true, .act = IR_FN_RELU2, \
	.bias_o = FE_MAY_BIAS, .bias_ffn = FE_MAY_BIAS, .read = fe_read_mamba2, .block = block

const struct fe_arch fe_arch_nemotron_h = { .name = "nemotron_h", NEMOTRON_H };

const struct fe_arch fe_arch_nemotron_h_moe = {
	.name = "nemotron_h_moe", NEMOTRON_H, .keys = keys, .moe = &rules
};
