// SPDX-License-Identifier: MIT
/* q, k, v of a layer, gate and up: matmuls with one input and one format become one command. */
#include "compiler/passes/pass.h"

static void count_uses(struct ir_model *m)
{
	struct ir_tensor *t;
	struct ir_op *op;
	size_t i;

	for (t = m->tensors; t; t = t->next)
		t->uses = 0;
	for (op = m->first; op; op = op->next) {
		for (i = 0; i < op->n_mats; i++)
			op->mats[i]->uses++;
	}
}

static bool fusible(const struct ir_op *op)
{
	return op->kind == IR_MATMUL && !op->acc && op->n_mats == 1 && op->mats[0]->uses == 1;
}

static bool fits(const struct ir_op *a, const struct ir_op *b)
{
	return fusible(b) && b->in[0] == a->in[0] && b->mats[0]->fmt == a->mats[0]->fmt;
}

/* *out: the last operation that was put in, or `first` when there was nothing to fuse. */
static int fuse(struct ir_model *m, struct ir_op *first, struct ir_op **out)
{
	uint64_t width = first->width;
	struct ir_op *op, *next, *fused, *part;
	size_t n = 1, i = 0;
	uint32_t off = 0;

	*out = first;
	for (op = first->next; op; op = op->next) {
		if (!fits(first, op))
			continue;
		if (width + op->width > IR_MAX_WIDTH)
			break;
		width += op->width;
		n++;
	}
	if (n == 1)
		return 0;
	fused = ir_op_make(m, IR_MATMUL,
			   arena_printf(&m->arena, "%s_fused%zu", first->name, n) ?: first->name, 1,
			   first->in, n);
	if (!fused)
		return m->diag.err;
	fused->width = (uint32_t)width;
	ir_op_before(m, first, fused);
	*out = fused;
	for (op = first; op && i < n; op = next) {
		next = op->next;
		if (op != first && !fits(first, op))
			continue;
		fused->mats[i++] = op->mats[0];
		part = pass_slice(m, op, fused, off, op->width, op->name);
		if (!part)
			return m->diag.err;
		off += op->width;
		ir_replace_uses(m, op, part, NULL);
		if (op != first)
			ir_op_unlink(m, op);
	}
	ir_op_unlink(m, first);
	return 0;
}

int pass_fuse_matmul(struct ir_model *m, const struct pass_options *o)
{
	struct ir_op *op, *at;

	(void)o;
	count_uses(m);
	for (op = m->first; op; op = at->next) {
		at = op;
		if (fusible(op) && fuse(m, op, &at))
			return m->diag.err;
	}
	return 0;
}
