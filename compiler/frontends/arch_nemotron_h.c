// SPDX-License-Identifier: MIT
/* A block is a Mamba-2 layer, attention without positions, or a feed-forward without a gate. */
#include "compiler/frontends/ssm.h"

static struct ir_op *block(struct fe_net *n, uint32_t i, struct ir_op *x)
{
	if (n->kv_of[i])
		return fe_attention(n, i, x);
	return fe_mix(n, i, x, n->ff[i] ? fe_ffn_of : fe_mamba2);
}

const struct fe_arch fe_arch_nemotron_h = {
	.name = "nemotron_h",
	.hybrid = true,
	.no_rope = true,
	.no_gate = true,
	.act = IR_FN_RELU2,
	.bias_q = true,
	.bias_o = true,
	.bias_ffn = true,
	.read = fe_read_mamba2,
	.block = block,
};
