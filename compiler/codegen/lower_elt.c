// SPDX-License-Identifier: MIT
/* One element-wise operation is one command. */
#include "compiler/codegen/lower.h"

static const uint8_t opcodes[IR_FNS] = {
	[IR_FN_MOV] = IG1_OP_V_MOV,	[IR_FN_ADD] = IG1_OP_V_ADD,
	[IR_FN_SUB] = IG1_OP_V_SUB,	[IR_FN_MUL] = IG1_OP_V_MUL,
	[IR_FN_MAX] = IG1_OP_V_MAX,	[IR_FN_MAD] = IG1_OP_V_MAD,
	[IR_FN_MUL3] = IG1_OP_V_MUL3,	[IR_FN_LIN] = IG1_OP_V_LIN,
	[IR_FN_EXPS] = IG1_OP_V_EXPS,	[IR_FN_RECIP] = IG1_OP_V_RECIP,
	[IR_FN_RSQRT] = IG1_OP_V_RSQRT, [IR_FN_SIGMOID] = IG1_OP_V_SIGM,
	[IR_FN_SILU] = IG1_OP_V_SILU,	[IR_FN_SILUMUL] = IG1_OP_V_SILUMUL,
};

uint8_t lw_elt_opcode(uint32_t fn)
{
	return opcodes[fn];
}

/* Strides of an operand of n elements: all of them, one per row, or one. */
static void strides(struct cg_cmd *c, char which, const struct ir_op *op, uint64_t n, uint32_t seg)
{
	struct ig1_fmt_vec *f = &c->u.vec;
	int16_t s0 = n == op->width;
	int32_t s1 = n == op->width ? (int32_t)seg : n > 1;

	switch (which) {
	case 'a':
		f->a0 = s0;
		f->a1 = s1;
		break;
	case 'b':
		f->b0 = s0;
		f->b1 = s1;
		break;
	default:
		f->c0 = s0;
		f->c1 = s1;
		break;
	}
}

void lw_elt(struct lower *l, const struct ir_op *op)
{
	uint32_t seg = op->seg ? op->seg : op->width;
	unsigned int operands = ir_fn_operands(op->fn), i;
	const struct cg_val *x = &l->vals[op->in[0]->id];
	struct cg_cmd *c;
	size_t in = 0;

	c = lw_vec(l, opcodes[op->fn], op->name, seg, op->width / seg, x->rcols);
	for (i = 0; i < operands; i++) {
		char which = (char)('a' + i);

		if (op->konst && i == op->kpos) {
			lw_src_const(l, c, which, op->konst, seg);
			strides(c, which, op, op->konst->n, seg);
			continue;
		}
		lw_src_val(l, c, which, &l->vals[op->in[in]->id], 0, seg);
		strides(c, which, op, op->in[in++]->width, seg);
	}
	if (op->fn == IR_FN_LIN || op->fn == IR_FN_EXPS || op->fn == IR_FN_RSQRT)
		c->u.vec.alpha = op->scale;
	if (op->fn == IR_FN_LIN || op->fn == IR_FN_RSQRT)
		c->u.vec.beta = op->shift;
	lw_dst_val(l, c, &l->vals[op->id], op->dt, 0, seg);
}
