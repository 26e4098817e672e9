// SPDX-License-Identifier: MIT
/* Architectures that differ from dense ones in their feed-forward. (Mixtral is "llama".) */
#include "compiler/frontends/moe.h"

static const char *const keys[] = { "expert_count", "expert_used_count", NULL };

static const struct fe_moe_rules qwen3moe_rules = {
	.gating = FE_GATING_SOFTMAX,
	.norm = true,
	.needs_experts = true,
	.own_width = true,
	.split_width = true,
};

const struct fe_arch fe_arch_qwen3moe = {
	.name = "qwen3moe",
	.head_norms = true,
	.keys = keys,
	.moe = &qwen3moe_rules,
};

const struct fe_arch fe_arch_qwen3vlmoe = {
	.name = "qwen3vlmoe",
	.head_norms = true,
	.keys = keys,
	.moe = &qwen3moe_rules,
};

static const struct fe_moe_rules qwen2moe_rules = {
	.gating = FE_GATING_SOFTMAX,
	.needs_experts = true,
	.own_width = true,
	.split_width = true,
	.shared = FE_SHARED_WIDTH,
	.shared_gate = true,
};

const struct fe_arch fe_arch_qwen2moe = {
	.name = "qwen2moe",
	.bias_out = true,
	.keys = keys,
	.moe = &qwen2moe_rules,
};

static const struct fe_moe_rules olmoe_rules = {
	.gating = FE_GATING_SOFTMAX,
	.needs_experts = true,
};

const struct fe_arch fe_arch_olmoe = {
	.name = "olmoe",
	.row_norms = true,
	.keys = keys,
	.moe = &olmoe_rules,
};

const char *const fe_granitemoe_keys[] = { "expert_count", "expert_used_count", FE_GRANITE_KEYS,
					   NULL };

static const struct fe_moe_rules granite_rules = {
	.gating = FE_GATING_SOFTMAX,
	.norm = true,
	.needs_experts = true,
	.shared = FE_SHARED_WIDTH,
};

/* Unlike granite it always rotates. */
static int read_granite(struct fe_net *n)
{
	struct ir_table *rope = n->rope;
	int ret = fe_read_granite(n);

	n->rope = rope;
	return ret;
}

const struct fe_arch fe_arch_granitemoe = {
	.name = "granitemoe",
	.rope_pairs = 1,
	.bias_o = FE_MAY_BIAS,
	.keys = fe_granitemoe_keys,
	.moe = &granite_rules,
	.read = read_granite,
};

static const struct fe_moe_rules gpt_oss_rules = {
	.gating = FE_GATING_CHOSEN,
	.needs_experts = true,
	.own_width = true,
	.biases = true,
	.act = IR_FN_OAI,
};

/* Half of the layers have a window; a file without its size would be another model. */
static int read_gpt_oss(struct fe_net *n)
{
	uint32_t window;

	return fe_u32(&n->keys, "attention.sliding_window", true, &window) ? n->m->diag.err
									   : fe_windows(n, 0, 2);
}

/* The norm before the experts is named as if it stood behind the attention. */
static struct ir_op *gpt_oss_block(struct fe_net *n, uint32_t i, struct ir_op *x)
{
	x = fe_attention(n, i, x);
	return fe_moe_ffn(n, i, fe_layer_norm(n, i, x, "post_attention_norm"), x);
}

const struct fe_arch fe_arch_gpt_oss = {
	.name = "gpt-oss",
	.bias_o = FE_BIAS,
	.sinks = true,
	.keys = keys,
	.moe = &gpt_oss_rules,
	.read = read_gpt_oss,
	.block = gpt_oss_block,
};
