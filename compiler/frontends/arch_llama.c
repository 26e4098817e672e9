// SPDX-License-Identifier: MIT
/* Llama 1 to 3, Mistral, Mixtral, Yi, SmolLM2, TinyLlama and others converted as "llama". */
#include "compiler/frontends/moe.h"

static const char *const keys[] = { "expert_count", "expert_used_count", NULL };

static const struct fe_moe_rules mixtral = {
	.gating = FE_GATING_SOFTMAX,
	.norm = true,
	.shared = FE_SHARED_WIDTH,
};

/* A window is Mistral's; most files leave it out. */
static int read_llama(struct fe_net *n)
{
	return fe_windows(n, 0, 0);
}

const struct fe_arch fe_arch_llama = {
	.name = "llama",
	.rope_pairs = 1,
	.bias_o = FE_MAY_BIAS,
	.bias_ffn = FE_MAY_BIAS,
	.read = read_llama,
	.keys = keys,
	.moe = &mixtral,
};
