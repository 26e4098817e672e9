// SPDX-License-Identifier: MIT
/*
 * attention(q, k, v) -> kvstore(quant k, quant v); attention(quant q) over what is stored. Running sums
 * are stored as they are.
 */
#include "compiler/passes/pass.h"

static struct ir_op *quant(struct ir_model *m, struct ir_op *at, struct ir_op *x, uint32_t seg,
			   const char *what)
{
	struct ir_op *q =
		ir_op_make(m, IR_QUANT, arena_printf(&m->arena, "%s_%s", at->name, what), 1, &x, 0);

	if (!q)
		return NULL;
	q->width = x->width;
	q->seg = seg;
	q->dt = IR_Q8;
	ir_op_before(m, at, q);
	return q;
}

int pass_split_attention(struct ir_model *m, const struct pass_options *o)
{
	struct ir_op *op, *kv[3], *store, *q;

	(void)o;
	for (op = m->first; op; op = op->next) {
		if (op->kind != IR_ATTENTION || op->n_in == 1)
			continue;
		q = quant(m, op, op->in[0], op->seg, "q");
		kv[0] = quant(m, op, op->in[1], op->seg, "k");
		if (op->n_in >= 3)
			kv[1] = quant(m, op, op->in[2], op->vseg ? op->vseg : op->seg, "v");
		if (op->squared)
			kv[2] = op->in[3];
		store = ir_op_make(m, IR_KVSTORE, arena_printf(&m->arena, "%s_store", op->name),
				   op->n_in - 1, kv, 0);
		if (!q || !store)
			return m->diag.err;
		store->layer = op->layer;
		store->seg = op->seg;
		store->kv_heads = op->kv_heads;
		store->window = op->window;
		store->vseg = op->vseg;
		store->squared = op->squared;
		ir_op_before(m, op, store);
		op->in[0] = q;
		op->n_in = 1;
	}
	return 0;
}
