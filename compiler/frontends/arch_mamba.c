// SPDX-License-Identifier: MIT
#include "compiler/frontends/ssm.h"

static struct ir_op *block(struct fe_net *n, uint32_t i, struct ir_op *x)
{
	struct ir_op *h =
		fe_rmsnorm(n, x, fe_layer_tensor(n, i, "attn_norm.weight", true, n->width, 1),
			   n->width, 1, fe_layer_name(n, i, "attn_norm"));

	return fe_add(n, x, fe_mamba(n, i, h), fe_layer_name(n, i, "ssm_residual"));
}

const struct fe_arch fe_arch_mamba = {
	.name = "mamba",
	.no_attention = true,
	.read = fe_read_mamba,
	.block = block,
};
