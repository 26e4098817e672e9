// SPDX-License-Identifier: MIT
/* Phi 3 and 4: fused matrices, rotation factors for long contexts. */
#include "compiler/frontends/build.h"

static int read_phi3(struct fe_net *n)
{
	return fe_windows(n, 0, 0);
}

const struct fe_arch fe_arch_phi3 = {
	.name = "phi3",
	.fused = true,
	.long_rope = true,
	.bias_o = FE_MAY_BIAS,
	.bias_out = true,
	.read = read_phi3,
};
