// SPDX-License-Identifier: MIT
/*
 * Operations with a state: column after column, each loads what the one before has stored. The DMA
 * executes in order, so columns of one sequence need nothing else to follow each other.
 */
#include "compiler/codegen/lower.h"

#define PART_BYTES 32768u /* of state at once, but at least one head */

enum { STATE = R_T0, COLUMN, OFFSETS };

void lw_state_begin(struct lw_state *s, struct lower *l, const struct ir_op *op,
		    const struct cg_val *const *vals, size_t n)
{
	const char *name = lw_name(l, op->name, "address");
	size_t i, j;

	*s = (struct lw_state){ .l = l, .op = op, .va = R_S_STATE };
	if (lw_single(l)) {
		if (l->run) {
			s->va = R_S_T0;
			lw_alu(l, name, s->va, R_S_STATE, IG1_ALUOP_ADD, R_STATE, 0);
		}
		return;
	}
	s->va = STATE;
	s->loop = lw_loop(l, lw_name(l, op->name, "columns"), R_COL, R_COLS);
	lw_alu(l, name, COLUMN, R_COL, IG1_ALUOP_MUL, R_ZERO, CG_COL_BYTES);
	lw_ld(l, name, STATE, COLUMN, IG1_LDW_U64, l->coltab, CG_COL_STATE);
	if (l->run)
		lw_alu(l, name, STATE, STATE, IG1_ALUOP_ADD, R_STATE, 0);
	for (i = 0; i < n; i++) {
		for (j = 0; j < i && vals[j]->cstride != vals[i]->cstride; j++)
			;
		s->off[i] = OFFSETS + (unsigned int)j;
		if (j == i)
			lw_alu(l, name, s->off[i], R_COL, IG1_ALUOP_MUL, R_ZERO, vals[i]->cstride);
	}
}

void lw_state_end(struct lw_state *s)
{
	if (!lw_single(s->l))
		lw_loop_end(s->l, s->loop);
}

struct cg_cmd *lw_state_move(struct lw_state *s, uint8_t op, const char *name, uint64_t at,
			     uint64_t pitch, uint32_t rows, uint32_t bytes, uint32_t buf,
			     uint64_t off, unsigned int reg)
{
	struct cg_cmd *c = cg_cmd(s->l->p, op, lw_name(s->l, s->op->name, name));

	c->u.dma.va = s->op->state + at;
	c->u.dma.rva = (uint8_t)s->va;
	c->u.dma.v1 = rows > 1 ? pitch : 0;
	c->u.dma.s1 = rows > 1 ? bytes : 0;
	c->u.dma.rsp = (uint8_t)reg;
	c->u.dma.bytes = bytes;
	c->u.dma.n1 = rows;
	c->u.dma.n2 = 1;
	c->va_kind = CG_VA_STATE;
	c->va_id = (uint32_t)s->op->id;
	c->va_write = op == IG1_OP_D_ST;
	cg_ref(s->l->p, c, CG_FIELD(dma, sp), false, op == IG1_OP_D_LD, buf, off);
	return c;
}

uint32_t lw_state_step(const struct ir_op *op)
{
	uint64_t head = 4ull * op->dim * op->seg, n = head < PART_BYTES ? PART_BYTES / head : 1;

	return n < op->heads ? (uint32_t)n : op->heads;
}

struct cg_cmd *lw_state_pass(struct lw_state *s, uint8_t code, const char *name, uint32_t n)
{
	bool flat = s->op->seg == 1;
	struct cg_cmd *c = lw_vec(s->l, code, lw_name(s->l, s->op->name, name), s->op->dim,
				  flat ? n : s->op->seg, R_ZERO);

	c->u.vec.n2 = flat ? 1 : n;
	return c;
}

void lw_state_full(struct lw_state *s, struct cg_cmd *c, char which, uint32_t buf, uint64_t off)
{
	lw_src(s->l, c, which, buf, off, 1, s->op->dim, (int64_t)s->op->dim * s->op->seg, R_ZERO);
}

void lw_state_cols(struct lw_state *s, struct cg_cmd *c, char which, const struct cg_val *v,
		   uint64_t elem, uint32_t step, unsigned int reg)
{
	bool flat = s->op->seg == 1;

	lw_src(s->l, c, which, v->buf, v->off + 4 * elem, 1, flat ? step : 0, flat ? 0 : step, reg);
}

void lw_state_rows(struct lw_state *s, struct cg_cmd *c, char which, uint32_t buf, uint64_t off)
{
	lw_src(s->l, c, which, buf, off, 0, 1, s->op->seg, R_ZERO);
}

void lw_state_heads(struct lw_state *s, struct cg_cmd *c, char which, const struct cg_val *v,
		    uint64_t elem, unsigned int reg)
{
	bool flat = s->op->seg == 1;

	lw_src(s->l, c, which, v->buf, v->off + 4 * elem, 0, flat, !flat, reg);
}

void lw_state_dst(struct lw_state *s, struct cg_cmd *c, uint32_t buf, uint64_t off)
{
	lw_dst(s->l, c, buf, off, s->op->dim, (int64_t)s->op->dim * s->op->seg);
}

void lw_state_sum(struct lw_state *s, struct cg_cmd *c, const struct cg_val *v, uint64_t elem,
		  unsigned int reg)
{
	lw_red(s->l, c, IG1_VRED_SUM, v->buf, v->off + 4 * elem, 1, s->op->seg);
	c->u.vec.rz = (uint8_t)reg;
}
