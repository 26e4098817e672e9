// SPDX-License-Identifier: MIT
/* Mamba layers, some attention between them, which has no positions, and a feed-forward after each, of experts in some. */
#include "compiler/frontends/moe.h"
#include "compiler/frontends/ssm.h"

static const char *const keys[] = { "expert_count", "expert_used_count", NULL };

static const struct fe_moe_rules rules = {
	.gating = FE_GATING_SOFTMAX,
	.by_tensor = true,
};

static struct ir_op *block(struct fe_net *n, uint32_t i, struct ir_op *x)
{
	return fe_ffn(n, i, n->kv_of[i] ? fe_attention(n, i, x) : fe_mix(n, i, x, fe_mamba));
}

const struct fe_arch fe_arch_jamba = {
	.name = "jamba",
	.hybrid = true,
	.no_rope = true,
	.keys = keys,
	.moe = &rules,
	.read = fe_read_mamba,
	.block = block,
};
