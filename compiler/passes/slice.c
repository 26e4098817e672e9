// SPDX-License-Identifier: MIT
#include "compiler/passes/pass.h"

struct ir_op *pass_slice_root(struct ir_op *op, uint64_t *off)
{
	*off = 0;
	while (op->kind == IR_SLICE) {
		*off += op->off;
		op = op->in[0];
	}
	return op;
}

struct ir_op *pass_slice(struct ir_model *m, struct ir_op *at, struct ir_op *of, uint32_t off,
			 uint32_t width, const char *name)
{
	struct ir_op *s;

	if (!off && width == of->width)
		return of;
	s = ir_op_make(m, IR_SLICE, name, 1, &of, 0);
	if (!s)
		return NULL;
	s->off = off;
	s->width = width;
	s->dt = of->dt;
	s->seg = of->seg;
	ir_op_before(m, at, s);
	return s;
}
