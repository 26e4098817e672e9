// SPDX-License-Identifier: MIT
/* Unused operations, slices of slices, and constants and tables nothing refers to. */
#include "compiler/passes/pass.h"

static void flatten(struct ir_op *op)
{
	while (op->kind == IR_SLICE && op->in[0]->kind == IR_SLICE) {
		op->off += op->in[0]->off;
		op->in[0] = op->in[0]->in[0];
	}
}

static bool const_used(const struct ir_model *m, const struct ir_const *c)
{
	const struct ir_op *op;

	for (op = m->first; op; op = op->next) {
		if (op->konst == c)
			return true;
	}
	return false;
}

static bool table_used(const struct ir_model *m, const struct ir_table *t)
{
	const struct ir_op *op;

	for (op = m->first; op; op = op->next) {
		if (op->table == t)
			return true;
	}
	return false;
}

int pass_dead_code(struct ir_model *m, const struct pass_options *o)
{
	struct ir_op *op, *prev;
	struct ir_const **pc;
	struct ir_table **pt;

	(void)o;
	for (op = m->first; op; op = op->next)
		flatten(op);
	for (op = m->last; op; op = prev) {
		prev = op->prev;
		if (op->kind != IR_KVSTORE && op->kind != IR_LOGITS && !ir_uses(m, op))
			ir_op_unlink(m, op);
	}
	for (pc = &m->consts; *pc;) {
		if (const_used(m, *pc))
			pc = &(*pc)->next;
		else
			*pc = (*pc)->next;
	}
	m->consts_tail = pc;
	for (pt = &m->tables; *pt;) {
		if (table_used(m, *pt))
			pt = &(*pt)->next;
		else
			*pt = (*pt)->next;
	}
	m->tables_tail = pt;
	return 0;
}
