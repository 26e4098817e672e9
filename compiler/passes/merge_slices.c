// SPDX-License-Identifier: MIT
/*
 * f(x[a..b]) and f(x[b..c]) become f(x[a..c]), for biases, norms of heads and rotations: the query
 * and key heads of a layer then take one pass of the vector unit. Quantisation stays apart, and so
 * do rotations that write quantised values: keys are wanted before queries (sink_queries).
 */
#include <string.h>

#include "compiler/passes/pass.h"

static bool same_function(const struct ir_op *a, const struct ir_op *b)
{
	if (a->kind != b->kind || a->dt != b->dt || a->seg != b->seg)
		return false;
	switch (a->kind) {
	case IR_BIAS:
		return true;
	case IR_RMSNORM:
		/* by heads only: a row norm of two parts is not the norm of both */
		return !memcmp(&a->eps, &b->eps, sizeof(a->eps)) && a->width % a->seg == 0;
	case IR_ROPE:
		return a->table == b->table && a->pairs == b->pairs && !pass_rope_to_q8(a);
	default:
		return false;
	}
}

static struct ir_const *join(struct ir_model *m, const struct ir_const *a, const struct ir_const *b)
{
	struct ir_const *c = ir_const_new(m, arena_printf(&m->arena, "%s+", a->name) ?: a->name,
					  a->n_pieces + b->n_pieces);

	if (!c)
		return NULL;
	memcpy(c->pieces, a->pieces, a->n_pieces * sizeof(*c->pieces));
	memcpy(c->pieces + a->n_pieces, b->pieces, b->n_pieces * sizeof(*c->pieces));
	c->n = a->n + b->n;
	return c;
}

/* a comes before b in the list; lo is the one with the lower slice. */
static int merge(struct ir_model *m, struct ir_op *a, struct ir_op *b)
{
	uint64_t oa, ob;
	struct ir_op *root = pass_slice_root(a->in[0], &oa), *in, *op, *part, *lo, *hi;

	pass_slice_root(b->in[0], &ob);
	lo = oa < ob ? a : b;
	hi = oa < ob ? b : a;
	in = pass_slice(m, a, root, (uint32_t)(oa < ob ? oa : ob), a->width + b->width, root->name);
	if (!in)
		return m->diag.err;
	op = ir_op_make(m, a->kind, arena_printf(&m->arena, "%s+", lo->name) ?: lo->name, 1, &in,
			0);
	if (!op)
		return m->diag.err;
	op->width = in->width;
	op->seg = a->seg;
	op->dt = a->dt;
	op->eps = a->eps;
	op->table = a->table;
	op->pairs = a->pairs;
	if (a->konst) {
		op->konst = join(m, lo->konst, hi->konst);
		if (!op->konst)
			return m->diag.err;
	}
	ir_op_before(m, a, op);
	part = pass_slice(m, a, op, 0, lo->width, lo->name);
	if (!part)
		return m->diag.err;
	ir_replace_uses(m, lo, part, NULL);
	part = pass_slice(m, a, op, lo->width, hi->width, hi->name);
	if (!part)
		return m->diag.err;
	ir_replace_uses(m, hi, part, NULL);
	ir_op_unlink(m, a);
	ir_op_unlink(m, b);
	return 0;
}

static struct ir_op *partner(struct ir_op *a)
{
	uint64_t oa, ob;
	struct ir_op *root = pass_slice_root(a->in[0], &oa), *b;

	for (b = a->next; b; b = b->next) {
		if (!same_function(a, b) || pass_slice_root(b->in[0], &ob) != root)
			continue;
		if (oa + a->width == ob || ob + b->width == oa)
			return b;
	}
	return NULL;
}

int pass_merge_slices(struct ir_model *m, const struct pass_options *o)
{
	struct ir_op *op, *b, *prev;

	(void)o;
	for (op = m->first; op; op = op->next) {
		if (op->kind != IR_BIAS && op->kind != IR_RMSNORM && op->kind != IR_ROPE)
			continue;
		b = partner(op);
		if (!b)
			continue;
		prev = op->prev; /* the operation's input: there is one */
		if (merge(m, op, b))
			return m->diag.err;
		op = prev;
	}
	return pass_dead_code(m, o);
}
