// SPDX-License-Identifier: MIT
/* Matmuls take int8 groups: a quant before each, shared by matmuls of one value. */
#include "compiler/passes/pass.h"

int pass_insert_quant(struct ir_model *m, const struct pass_options *o)
{
	struct ir_op *op, *u, *x, *q;

	(void)o;
	for (op = m->first; op; op = op->next) {
		if (op->kind != IR_MATMUL || op->in[0]->dt == IR_Q8)
			continue;
		x = op->in[0];
		q = ir_op_make(m, IR_QUANT, arena_printf(&m->arena, "%s_q8", x->name) ?: x->name, 1,
			       &x, 0);
		if (!q)
			return m->diag.err;
		q->width = x->width;
		q->seg = x->width;
		q->dt = IR_Q8;
		ir_op_before(m, op, q);
		for (u = op; u; u = u->next) {
			if (u->kind == IR_MATMUL && u->in[0] == x)
				u->in[0] = q;
		}
	}
	return 0;
}
