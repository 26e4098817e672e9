// SPDX-License-Identifier: MIT
/* Operations by heads: a matrix for each head's row, rows side by side. */
#include "compiler/codegen/lower.h"

void lw_headmm(struct lower *l, const struct ir_op *op)
{
	const struct cg_val *x = &l->vals[op->in[0]->id], *y = &l->vals[op->id];
	const struct ir_tensor *t = op->mats[0];
	uint64_t rows = t->rows / op->heads, h;
	struct cg_cmd *c;

	for (h = 0; h < op->heads; h++) {
		c = cg_cmd(l->p, IG1_OP_T_MM, op->name);
		c->u.mm.fmt = lw_wfmt(t);
		c->u.mm.rom = t->addr + h * rows * t->stride;
		c->u.mm.wstride = (uint32_t)t->stride;
		c->u.mm.rows = (uint32_t)rows;
		c->u.mm.groups = (uint32_t)t->groups;
		c->u.mm.rcols = x->rcols;
		c->u.mm.rrom = (uint8_t)lw_run_reg(l, R_ROM);
		c->u.mm.xstride = (uint32_t)x->cstride;
		c->u.mm.xsstride = (uint32_t)x->scstride;
		c->u.mm.ystride = (uint32_t)y->cstride;
		cg_ref(l->p, c, CG_FIELD(mm, x), false, false, x->buf, x->off + 32 * t->groups * h);
		cg_ref(l->p, c, CG_FIELD(mm, xs), false, false, x->sbuf,
		       x->soff + 4 * t->groups * h);
		cg_ref(l->p, c, CG_FIELD(mm, y), false, true, y->buf, y->off + 4 * rows * h);
	}
}

void lw_join(struct lower *l, const struct ir_op *op)
{
	const struct cg_val *y = &l->vals[op->id];
	uint32_t row = op->width / op->heads, off = 0, i;
	struct cg_cmd *c;

	for (i = 0; i < 2; i++) {
		const struct cg_val *x = &l->vals[op->in[i]->id];
		uint32_t n = op->in[i]->width / op->heads;

		c = lw_vec(l, IG1_OP_V_MOV, op->name, n, op->heads, x->rcols);
		lw_src_val(l, c, 'a', x, 0, n);
		lw_dst_val(l, c, y, IR_F32, off, row);
		off += n;
	}
}
