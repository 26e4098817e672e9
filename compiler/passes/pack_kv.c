// SPDX-License-Identifier: MIT
/*
 * The quantised keys and values of a layer, of one length, become parts of one value, so that one DMA
 * command stores both.
 */
#include "compiler/passes/pass.h"

static int pack(struct ir_model *m, struct ir_op *store)
{
	uint64_t off[2];
	struct ir_op *root[2], *both, *op;
	size_t i;

	for (i = 0; i < 2; i++)
		root[i] = pass_slice_root(store->in[i], &off[i]);
	if (root[0] == root[1])
		return 0;
	both = ir_op_make(m, IR_CONCAT, arena_printf(&m->arena, "%s_pack", store->name), 2, root,
			  0);
	if (!both)
		return m->diag.err;
	both->width = root[0]->width + root[1]->width;
	both->seg = store->seg;
	both->dt = IR_Q8;
	ir_op_before(m, store, both);
	for (op = store; op; op = op->next) {
		for (i = 0; i < op->n_in; i++) {
			uint64_t o;
			struct ir_op *r = pass_slice_root(op->in[i], &o);

			if (op == both || op->kind == IR_SLICE || (r != root[0] && r != root[1]))
				continue;
			if (r == root[1])
				o += root[0]->width;
			op->in[i] = pass_slice(m, op, both, (uint32_t)o, op->in[i]->width,
					       op->in[i]->name);
			if (!op->in[i])
				return m->diag.err;
		}
	}
	return 0;
}

int pass_pack_kv(struct ir_model *m, const struct pass_options *o)
{
	struct ir_op *op;

	for (op = m->first; op; op = op->next) {
		if (op->kind == IR_KVSTORE && op->n_in >= 2 && op->in[0]->seg == op->in[1]->seg &&
		    pack(m, op))
			return m->diag.err;
	}
	return pass_dead_code(m, o);
}
