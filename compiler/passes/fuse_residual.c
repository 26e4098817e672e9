// SPDX-License-Identifier: MIT
/*
 * x + matmul(h) becomes a matmul that accumulates into x; x + (matmul(h) + b) the same after b was
 * added to x; x + s * matmul(h) one with a scale. Experts' outputs are combined in x likewise.
 */
#include "compiler/passes/pass.h"

static bool used_after(const struct ir_op *x, const struct ir_op *at)
{
	const struct ir_op *op;
	size_t i;

	for (op = at->next; op; op = op->next) {
		for (i = 0; i < op->n_in; i++) {
			if (op->in[i] == x)
				return true;
		}
	}
	return false;
}

/* a * s */
static bool scales(const struct ir_op *op)
{
	return op->kind == IR_ELT && op->fn == IR_FN_LIN && op->shift == 0 && op->scale != 0;
}

static int fuse(struct ir_model *m, struct ir_op *add)
{
	struct ir_op *x = NULL, *mm = NULL, *bias = NULL, *scale = NULL, *in[3], *op;
	size_t i;

	for (i = 0; i < 2 && !mm; i++) {
		op = add->in[i];
		bias = op->kind == IR_BIAS && ir_only_user(m, op) == add ? op : NULL;
		scale = scales(op) && ir_only_user(m, op) == add ? op : NULL;
		if (bias || scale)
			op = op->in[0];
		if ((op->kind == IR_MATMUL || (op->kind == IR_COMBINE && !bias && !scale)) &&
		    !op->acc && op != add->in[1 - i] &&
		    ir_only_user(m, op) == (bias    ? bias
					    : scale ? scale
						    : add)) {
			mm = op;
			x = add->in[1 - i];
		}
	}
	if (!mm || x->kind == IR_SLICE || used_after(x, add))
		return 0;
	if (bias) {
		/* x is complete before the matmul ran: it stands earlier in the list */
		ir_op_unlink(m, bias);
		ir_op_before(m, add, bias);
		bias->in[0] = x;
		x = bias;
	}
	in[0] = mm->in[0];
	in[1] = mm->n_in > 1 ? mm->in[1] : x;
	in[2] = x;
	op = ir_op_make(m, mm->kind, mm->name, mm->n_in + 1, in, mm->n_mats);
	if (!op)
		return m->diag.err;
	op->konst = mm->konst;
	op->parts = mm->parts;
	for (i = 0; i < mm->n_mats; i++)
		op->mats[i] = mm->mats[i];
	op->width = mm->width;
	op->acc = 1;
	op->scale = scale ? scale->scale : 0;
	ir_op_before(m, add, op);
	ir_replace_uses(m, add, op, NULL);
	if (scale)
		ir_op_unlink(m, scale);
	ir_op_unlink(m, mm);
	ir_op_unlink(m, add);
	return 0;
}

int pass_fuse_residual(struct ir_model *m, const struct pass_options *o)
{
	struct ir_op *op, *next;

	(void)o;
	for (op = m->first; op; op = next) {
		next = op->next;
		if (op->kind == IR_ADD && fuse(m, op))
			return m->diag.err;
	}
	return 0;
}
