// SPDX-License-Identifier: MIT
/* Llama 1 to 3, Mistral, Yi, SmolLM2, TinyLlama and others converted as "llama". */
#include "compiler/frontends/build.h"

/* A window is Mistral's; most files leave it out. */
static int read_llama(struct fe_net *n)
{
	return fe_windows(n, 0, 0);
}

const struct fe_arch fe_arch_llama = {
	.name = "llama",
	.rope_pairs = 1,
	.rope_freqs = true,
	.bias_q = true,
	.bias_o = true,
	.bias_ffn = true,
	.read = read_llama,
};
