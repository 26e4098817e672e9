// SPDX-License-Identifier: MIT
#include "compiler/frontends/ssm.h"

static struct ir_op *block(struct fe_net *n, uint32_t i, struct ir_op *x)
{
	return fe_mix(n, i, x, fe_mamba2);
}

const struct fe_arch fe_arch_mamba2 = {
	.name = "mamba2",
	.no_attention = true,
	.no_rope = true,
	.bias_conv = true,
	.read = fe_read_mamba2,
	.block = block,
};
