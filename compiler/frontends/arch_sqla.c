// SPDX-License-Identifier: MIT
/*
 * Squared linear attention (models.md section 6, arXiv 2602.17363) in the blocks of a llama. No such
 * architecture is known to others; docs/models.md defines the files.
 */
#include <errno.h>

#include "compiler/frontends/ssm.h"

static int read_keys(struct fe_net *n)
{
	n->ssm.taps = 2;
	if (n->head_size > IR_MAX_SQUARED)
		return diag_set(&n->m->diag, -ENOTSUP,
				"key %s.attention.key_length: %u, supported: at most %u",
				n->arch->name, n->head_size, IR_MAX_SQUARED);
	return fe_read_taps(n, false);
}

static struct ir_op *sqla(struct fe_net *n, uint32_t i, struct ir_op *h)
{
	uint32_t nq = n->heads * n->head_size, nk = n->kv_heads * n->head_size;
	struct ir_op *in[4], *op;

	in[0] = fe_linear(n, i, h, "attn_q", nq, FE_NO_BIAS, "attn_q");
	in[1] = fe_linear(n, i, h, "attn_k", nk, FE_NO_BIAS, "attn_k");
	in[2] = fe_linear(n, i, h, "attn_v", nk, FE_NO_BIAS, "attn_v");
	in[3] = fe_linear(n, i, h, "ssm_alpha", n->kv_heads, FE_NO_BIAS, "ssm_alpha");
	in[3] = fe_bias(n, in[3], fe_layer_bias(n, i, "ssm_dt", FE_MAY_BIAS, n->kv_heads),
			fe_layer_name(n, i, "ssm_dt"));
	in[0] = fe_causal_conv(n, i, in[0], "ssm_conv1d_q", FE_MAY_BIAS);
	in[1] = fe_causal_conv(n, i, in[1], "ssm_conv1d_k", FE_MAY_BIAS);
	in[2] = fe_causal_conv(n, i, in[2], "ssm_conv1d_v", FE_MAY_BIAS);
	op = ir_op_new(n->m, IR_SQLA, fe_layer_name(n, i, "attn"), 4, in, 0);
	if (!op)
		return NULL;
	op->konst = ir_const_value(n->m, IR_SQLA_LEAST);
	if (!op->konst)
		return NULL;
	op->width = nq;
	op->seg = n->head_size;
	op->layer = i;
	op->heads = n->heads;
	op->kv_heads = n->kv_heads;
	return fe_linear(n, i, op, "attn_output", n->width, FE_NO_BIAS, "attn_output");
}

static struct ir_op *block(struct fe_net *n, uint32_t i, struct ir_op *x)
{
	return fe_ffn(n, i, fe_mix(n, i, x, sqla));
}

const struct fe_arch fe_arch_sqla = {
	.name = "sqla",
	.no_rope = true,
	.read = read_keys,
	.block = block,
};
