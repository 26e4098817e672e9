// SPDX-License-Identifier: MIT
#include "compiler/frontends/build.h"

static int read_starcoder2(struct fe_net *n)
{
	return fe_windows(n, 0, 0);
}

const struct fe_arch fe_arch_starcoder2 = {
	.name = "starcoder2",
	.layer_norm = true,
	.no_gate = true,
	.act = IR_FN_GELU,
	.bias_o = FE_BIAS,
	.bias_ffn = FE_BIAS,
	.read = read_starcoder2,
};
