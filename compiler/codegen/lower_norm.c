// SPDX-License-Identifier: MIT
/* Rows less their mean; rows over their length. */
#include "compiler/codegen/lower.h"

/* A number for each row: in[0]'s sum, or that of its squares. */
static uint32_t row_sums(struct lower *l, const struct ir_op *op, bool squares)
{
	const struct cg_val *x = &l->vals[op->in[0]->id];
	uint32_t rows = op->width / op->seg, sums;
	struct cg_cmd *c;

	sums = cg_buf(l->p, lw_name(l, op->name, "sums"), 4ull * rows * l->shape->cols);
	c = lw_vec(l, squares ? IG1_OP_V_MUL : IG1_OP_V_MOV, lw_name(l, op->name, "sum"), op->seg,
		   rows, x->rcols);
	lw_src_val(l, c, 'a', x, 0, op->seg);
	if (squares)
		lw_src_val(l, c, 'b', x, 0, op->seg);
	lw_red(l, c, IG1_VRED_SUM, sums, 0, 1, rows);
	return sums;
}

/* fn of the rows' numbers, in place. */
static struct cg_cmd *of_rows(struct lower *l, const struct ir_op *op, uint8_t code,
			      const char *what, uint32_t sums)
{
	const struct cg_val *x = &l->vals[op->in[0]->id];
	uint32_t rows = op->width / op->seg;
	struct cg_cmd *c = lw_vec(l, code, lw_name(l, op->name, what), rows, 1, x->rcols);

	lw_src(l, c, 'a', sums, 0, 1, 0, rows, R_ZERO);
	lw_dst(l, c, sums, 0, 0, rows);
	return c;
}

void lw_norm(struct lower *l, const struct ir_op *op)
{
	const struct cg_val *x = &l->vals[op->in[0]->id];
	bool center = op->kind == IR_CENTER;
	uint32_t rows = op->width / op->seg, sums = row_sums(l, op, !center);
	struct cg_cmd *c;

	if (center) {
		c = of_rows(l, op, IG1_OP_V_LIN, "mean", sums);
		c->u.vec.alpha = (float)(1.0 / op->seg);
	} else {
		c = of_rows(l, op, IG1_OP_V_MAX, "limit", sums);
		lw_src_const(l, c, 'b', op->konst, 0);
		c->u.vec.b0 = 0;
		c = of_rows(l, op, IG1_OP_V_RSQRT, "rsqrt", sums);
		c->u.vec.alpha = 1;
	}
	c = lw_vec(l, center ? IG1_OP_V_SUB : IG1_OP_V_MUL, op->name, op->seg, rows, x->rcols);
	lw_src_val(l, c, 'a', x, 0, op->seg);
	lw_src(l, c, 'b', sums, 0, 0, 1, rows, R_ZERO);
	lw_dst_val(l, c, &l->vals[op->id], op->dt, 0, op->seg);
}
