// SPDX-License-Identifier: MIT
/* Matmuls take int8 groups: a quant before each, shared by matmuls of one value. */
#include "compiler/passes/pass.h"

/* The operations whose in[0] meets rows of ROM. */
static bool multiplies(const struct ir_op *op)
{
	return op->kind == IR_MATMUL || op->kind == IR_EXPERTS || op->kind == IR_COMBINE ||
	       op->kind == IR_HEADMM;
}

/* What is one row for it. */
static uint32_t row_of(const struct ir_op *op)
{
	return op->kind == IR_COMBINE || op->kind == IR_HEADMM ? (uint32_t)op->mats[0]->cols
							       : op->in[0]->width;
}

int pass_insert_quant(struct ir_model *m, const struct pass_options *o)
{
	struct ir_op *op, *u, *x, *q;

	(void)o;
	for (op = m->first; op; op = op->next) {
		if (!multiplies(op) || op->in[0]->dt == IR_Q8)
			continue;
		x = op->in[0];
		q = ir_op_make(m, IR_QUANT, arena_printf(&m->arena, "%s_q8", x->name) ?: x->name, 1,
			       &x, 0);
		if (!q)
			return m->diag.err;
		q->width = x->width;
		q->seg = row_of(op);
		q->dt = IR_Q8;
		ir_op_before(m, op, q);
		for (u = op; u; u = u->next) {
			if (multiplies(u) && u->in[0] == x && row_of(u) == q->seg)
				u->in[0] = q;
		}
	}
	return 0;
}
