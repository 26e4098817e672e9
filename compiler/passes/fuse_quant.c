// SPDX-License-Identifier: MIT
/* quant(f(x)) becomes f(x) written as q8, where the vector unit's pass can do so. */
#include "compiler/passes/pass.h"

/* It is written half a head at a time: groups must not cross the middle. */
bool pass_rope_to_q8(const struct ir_op *op)
{
	return op->kind == IR_ROPE && op->table->dims == op->seg && op->seg / 2 % 32 == 0;
}

/* An operand has one element for a row. */
static bool by_rows(const struct ir_op *op)
{
	size_t i;

	for (i = 0; i < op->n_in; i++) {
		if (op->in[i]->width != op->width)
			return true;
	}
	return op->konst && op->konst->n != op->width && op->konst->n != 1;
}

static bool writes_q8(const struct ir_op *op, const struct ir_op *q)
{
	switch (op->kind) {
	case IR_RMSNORM:
		return op->seg == q->seg;
	case IR_ELT:
		return op->seg == q->seg || !by_rows(op);
	case IR_BIAS:
		return true;
	case IR_ROPE:
		return op->seg == q->seg && pass_rope_to_q8(op);
	default:
		return false;
	}
}

int pass_fuse_quant(struct ir_model *m, const struct pass_options *o)
{
	struct ir_op *op, *next, *x;

	(void)o;
	for (op = m->first; op; op = next) {
		next = op->next;
		if (op->kind != IR_QUANT)
			continue;
		x = op->in[0];
		if (!writes_q8(x, op) || ir_only_user(m, x) != op)
			continue;
		x->dt = IR_Q8;
		x->seg = op->seg;
		ir_replace_uses(m, op, x, NULL);
		ir_op_unlink(m, op);
	}
	return 0;
}
