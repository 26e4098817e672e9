// SPDX-License-Identifier: MIT
/* Granite 4: Mamba-2 layers, some of granite's attention between them, and a feed-forward after each. */
#include "compiler/frontends/moe.h"
#include "compiler/frontends/ssm.h"

static const struct fe_moe_rules rules = {
	.gating = FE_GATING_SOFTMAX,
	.norm = true,
	.by_tensor = true,
	.shared = FE_SHARED_WIDTH,
};

static int read_keys(struct fe_net *n)
{
	return fe_read_granite(n) ? n->m->diag.err : fe_read_mamba2(n);
}

static struct ir_op *block(struct fe_net *n, uint32_t i, struct ir_op *x)
{
	return fe_ffn(n, i, n->kv_of[i] ? fe_attention(n, i, x) : fe_mix(n, i, x, fe_mamba2));
}

const struct fe_arch fe_arch_granitehybrid = {
	.name = "granitehybrid",
	.rope_pairs = 1,
	.hybrid = true,
	.bias_o = FE_MAY_BIAS,
	.bias_ffn = FE_MAY_BIAS,
	.keys = fe_granitemoe_keys,
	.moe = &rules,
	.read = read_keys,
	.block = block,
};
