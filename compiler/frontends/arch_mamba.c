// SPDX-License-Identifier: MIT
#include "compiler/frontends/ssm.h"

static struct ir_op *block(struct fe_net *n, uint32_t i, struct ir_op *x)
{
	return fe_mix(n, i, x, fe_mamba);
}

const struct fe_arch fe_arch_mamba = {
	.name = "mamba",
	.no_attention = true,
	.no_rope = true,
	.read = fe_read_mamba,
	.block = block,
};
