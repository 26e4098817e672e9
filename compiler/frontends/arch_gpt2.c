// SPDX-License-Identifier: MIT
/* GPT-2: learned positions. */
#include "compiler/frontends/build.h"

const struct fe_arch fe_arch_gpt2 = {
	.name = "gpt2",
	.layer_norm = true,
	.no_gate = true,
	.no_rope = true,
	.pos_embd = true,
	.fused = true,
	.act = IR_FN_GELU,
	.bias_qkv = true,
	.bias_o = FE_BIAS,
	.bias_ffn = FE_BIAS,
};
