// SPDX-License-Identifier: MIT
/*
 * Rotations of pairs (2i, 2i+1) become rotations of (i, i + n/2) by reordering, per head, the rows
 * of the matrix that makes the value, its bias and its norm weight. Scores do not change: queries
 * and keys are reordered alike. Rows stay bit for bit; the ROM is filled in the new order.
 */
#include <errno.h>

#include "compiler/passes/pass.h"

static int permute_tensor(struct ir_model *m, struct ir_tensor *t, const struct ir_op *rope)
{
	if (t->perm_head && (t->perm_head != rope->seg || t->perm_rot != rope->table->dims))
		return diag_set(&m->diag, -ENOTSUP, "tensor %s: rotated in two different ways",
				t->name);
	t->perm_head = rope->seg;
	t->perm_rot = rope->table->dims;
	return 0;
}

/* Another user of a reordered value would see the wrong order. */
static int check_single(struct ir_model *m, const struct ir_op *op, const struct ir_op *user)
{
	if (ir_only_user(m, op) == user)
		return 0;
	return diag_set(&m->diag, -ENOTSUP, "%s: rotated and used otherwise", op->name);
}

static int canon_one(struct ir_model *m, struct ir_op *rope)
{
	struct ir_op *op = rope->in[0], *user = rope;
	size_t i;

	for (;; user = op, op = op->in[0]) {
		if (check_single(m, op, user))
			return m->diag.err;
		if (op->kind != IR_BIAS && op->kind != IR_RMSNORM)
			break;
		for (i = 0; i < op->konst->n_pieces; i++) {
			if (permute_tensor(m, op->konst->pieces[i].t, rope))
				return m->diag.err;
		}
	}
	if (op->kind != IR_MATMUL)
		return diag_set(&m->diag, -ENOTSUP, "%s: rotates what is not a matmul's result",
				rope->name);
	for (i = 0; i < op->n_mats; i++) {
		if (op->mats[i]->rows % rope->seg)
			return diag_set(&m->diag, -EINVAL, "tensor %s: rows are no whole heads",
					op->mats[i]->name);
		if (permute_tensor(m, op->mats[i], rope))
			return m->diag.err;
	}
	rope->pairs = 0;
	return 0;
}

int pass_canon_rope(struct ir_model *m, const struct pass_options *o)
{
	struct ir_op *op;

	(void)o;
	for (op = m->first; op; op = op->next) {
		if (op->kind == IR_ROPE && op->pairs && canon_one(m, op))
			return m->diag.err;
	}
	return 0;
}
