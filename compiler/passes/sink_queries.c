// SPDX-License-Identifier: MIT
/*
 * What only the queries need moves behind what makes keys and values, right before their store: the
 * DMA stores while the vector unit makes the queries. (Behind the store it would be issued late:
 * the sequencer waits while the DMA's queue is full.)
 */
#include "compiler/passes/pass.h"

static void sink(struct ir_model *m, struct ir_op *att)
{
	struct ir_op *user = att, *op = att->in[0], *at = att->prev;

	while (at && (at->kind != IR_KVSTORE || at->layer != att->layer))
		at = at->prev;
	while (at && (op->kind == IR_QUANT || op->kind == IR_ROPE || op->kind == IR_SLICE) &&
	       ir_only_user(m, op) == user) {
		ir_op_unlink(m, op);
		ir_op_before(m, at, op);
		at = op;
		user = op;
		op = op->in[0];
	}
}

int pass_sink_queries(struct ir_model *m, const struct pass_options *o)
{
	struct ir_op *op;

	(void)o;
	for (op = m->first; op; op = op->next) {
		if (op->kind == IR_ATTENTION)
			sink(m, op);
	}
	return 0;
}
