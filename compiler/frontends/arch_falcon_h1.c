// SPDX-License-Identifier: MIT
/* Attention and Mamba-2 side by side on the same input, then the feed-forward. */
#include <stdio.h>

#include "compiler/frontends/ssm.h"

/* Models have the norm behind the gate in all layers or in none; the tensors say it. */
static int read_keys(struct fe_net *n)
{
	char name[64];
	uint32_t i;

	n->ssm.no_gate_norm = true;
	for (i = 0; i < n->layers; i++) {
		snprintf(name, sizeof(name), "blk.%u.ssm_norm.weight", i);
		if (gguf_find_tensor(n->f, name))
			n->ssm.no_gate_norm = false;
	}
	return fe_read_mamba2(n);
}

static struct ir_op *block(struct fe_net *n, uint32_t i, struct ir_op *x)
{
	struct ir_op *h = fe_layer_norm(n, i, x, "attn_norm"), *a, *s;

	a = fe_attention_of(n, i, h);
	s = fe_mamba2(n, i, h);
	x = fe_add(n, x, a, fe_layer_name(n, i, "attn_residual"));
	x = fe_add(n, x, s, fe_layer_name(n, i, "ssm_residual"));
	/* the tensor's name has no ".weight" */
	h = fe_rmsnorm(n, x, fe_layer_tensor(n, i, "ffn_norm", true, n->width, 1), n->width, 1,
		       fe_layer_name(n, i, "ffn_norm"));
	return fe_add(n, x, fe_ffn_of(n, i, h), fe_layer_name(n, i, "ffn_residual"));
}

const struct fe_arch fe_arch_falcon_h1 = {
	.name = "falcon-h1",
	.bias_ffn = FE_MAY_BIAS,
	.read = read_keys,
	.block = block,
};
