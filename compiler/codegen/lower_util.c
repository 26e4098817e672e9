// SPDX-License-Identifier: MIT
#include "compiler/codegen/lower.h"

const char *lw_name(struct lower *l, const char *base, const char *what)
{
	const char *s = arena_printf(l->p->arena, "%s/%s", base, what);

	if (!s)
		diag_nomem(l->p->diag);
	return s ? s : "";
}

bool lw_single(const struct lower *l)
{
	return l->shape->cols == 1;
}

unsigned int lw_run_reg(const struct lower *l, unsigned int reg)
{
	return l->run ? reg : R_ZERO;
}

uint64_t lw_seg_bytes(uint32_t seg)
{
	return ((uint64_t)seg + 31) / 32 * 32;
}

uint8_t lw_wfmt(const struct ir_tensor *t)
{
	return (uint8_t)ir_format_wfmt(t->fmt);
}

struct cg_cmd *lw_alu(struct lower *l, const char *name, unsigned int rd, unsigned int ra,
		      enum ig1_aluop alu, unsigned int rb, uint64_t imm)
{
	struct cg_cmd *c = cg_cmd(l->p, IG1_OP_S_ALU, name);

	c->u.seq.rd = (uint8_t)rd;
	c->u.seq.ra = (uint8_t)ra;
	c->u.seq.rb = (uint8_t)rb;
	c->u.seq.alu = (uint8_t)alu;
	c->u.seq.imm = imm;
	return c;
}

struct cg_cmd *lw_ld(struct lower *l, const char *name, unsigned int rd, unsigned int ra,
		     enum ig1_ldw width, uint32_t buf, uint64_t off)
{
	struct cg_cmd *c = cg_cmd(l->p, IG1_OP_S_LD, name);

	c->u.seq.rd = (uint8_t)rd;
	c->u.seq.ra = (uint8_t)ra;
	c->u.seq.width = (uint8_t)width;
	cg_ref(l->p, c, CG_FIELD(seq, imm), true, false, buf, off);
	return c;
}

struct cg_cmd *lw_st(struct lower *l, const char *name, unsigned int ra, unsigned int rb,
		     enum ig1_ldw width, uint32_t buf, uint64_t off)
{
	struct cg_cmd *c = cg_cmd(l->p, IG1_OP_S_ST, name);

	c->u.seq.ra = (uint8_t)ra;
	c->u.seq.rb = (uint8_t)rb;
	c->u.seq.width = (uint8_t)width;
	cg_ref(l->p, c, CG_FIELD(seq, imm), true, true, buf, off);
	return c;
}

size_t lw_loop(struct lower *l, const char *name, unsigned int rd, unsigned int count)
{
	struct cg_cmd *c;

	/* a command of the body would take it every time: one without effect takes it here */
	if (l->carry)
		lw_vec(l, IG1_OP_V_MOV, name, 0, 1, R_ZERO);
	c = cg_cmd(l->p, IG1_OP_S_LOOP, name);
	c->u.seq.rd = (uint8_t)rd;
	c->u.seq.ra = (uint8_t)count;
	return l->p->n_cmds - 1;
}

void lw_loop_end(struct lower *l, size_t at)
{
	if (!l->p->diag->err)
		l->p->cmds[at].u.seq.len = (uint32_t)(l->p->n_cmds - 1 - at);
}

/* Counts that do not fit their field are refused before lowering; see cg_lower. */
struct cg_cmd *lw_vec(struct lower *l, uint8_t op, const char *name, uint64_t n0, uint64_t n1,
		      unsigned int rcols)
{
	struct cg_cmd *c = cg_cmd(l->p, op, name);

	c->u.vec.n0 = (uint32_t)n0;
	c->u.vec.n1 = (uint32_t)n1;
	c->u.vec.n2 = rcols ? 0 : 1;
	c->u.vec.rn2 = (uint8_t)rcols;
	if (l->carry)
		c->u.vec.wait |= 1u << CG_CARRY;
	l->carry = false;
	return c;
}

static void set_src(struct cg_cmd *c, char which, uint32_t addr, int s0, int64_t s1, int64_t s2,
		    unsigned int reg, enum ig1_space space)
{
	struct ig1_fmt_vec *f = &c->u.vec;

	switch (which) {
	case 'a':
		f->a = addr;
		f->a0 = (int16_t)s0;
		f->a1 = (int32_t)s1;
		f->a2 = (int32_t)s2;
		f->ra = (uint8_t)reg;
		f->sa = (uint8_t)space;
		break;
	case 'b':
		f->bb = addr;
		f->b0 = (int16_t)s0;
		f->b1 = (int32_t)s1;
		f->b2 = (int32_t)s2;
		f->rb = (uint8_t)reg;
		f->sb = (uint8_t)space;
		break;
	case 'c':
		f->c = addr;
		f->c0 = (int16_t)s0;
		f->c1 = (int32_t)s1;
		f->c2 = (int32_t)s2;
		f->rc = (uint8_t)reg;
		f->sc = (uint8_t)space;
		break;
	default:
		f->dd = addr;
		f->d0 = (int16_t)s0;
		f->d1 = (int32_t)s1;
		f->d2 = (int32_t)s2;
		f->sd = (uint8_t)space;
		break;
	}
}

void lw_src(struct lower *l, struct cg_cmd *c, char which, uint32_t buf, uint64_t off, int s0,
	    int64_t s1, int64_t s2, unsigned int reg)
{
	static const size_t fields[] = { CG_FIELD(vec, a), CG_FIELD(vec, bb), CG_FIELD(vec, c),
					 CG_FIELD(vec, dd) };

	set_src(c, which, 0, s0, s1, s2, reg, IG1_SPACE_SCRATCH);
	cg_ref(l->p, c, fields[which - 'a'], false, false, buf, off);
}

void lw_src_val(struct lower *l, struct cg_cmd *c, char which, const struct cg_val *v,
		uint64_t elem, uint32_t seg)
{
	lw_src(l, c, which, v->buf, v->off + 4 * elem, 1, seg, (int64_t)(v->cstride / 4), v->roff);
}

void lw_src_crom(struct lower *l, struct cg_cmd *c, char which, uint64_t addr, int64_t s1)
{
	set_src(c, which, (uint32_t)addr, 1, s1, 0, lw_run_reg(l, R_CROM), IG1_SPACE_CROM);
}

void lw_src_const(struct lower *l, struct cg_cmd *c, char which, const struct ir_const *k,
		  int64_t s1)
{
	set_src(c, which, (uint32_t)k->addr, 1, s1, 0, k->common ? R_ZERO : lw_run_reg(l, R_CROM),
		IG1_SPACE_CROM);
}

void lw_src_crom_at(struct lower *l, struct cg_cmd *c, char which, uint64_t addr, int s0,
		    unsigned int reg)
{
	(void)l;
	set_src(c, which, (uint32_t)addr, s0, 0, 0, reg, IG1_SPACE_CROM);
}

void lw_dst(struct lower *l, struct cg_cmd *c, uint32_t buf, uint64_t off, int64_t s1, int64_t s2)
{
	c->u.vec.out = IG1_VFMT_F32;
	c->u.vec.y0 = 1;
	c->u.vec.y1 = (int32_t)s1;
	c->u.vec.y2 = (int32_t)s2;
	cg_ref(l->p, c, CG_FIELD(vec, y), false, true, buf, off);
}

void lw_dst_val(struct lower *l, struct cg_cmd *c, const struct cg_val *v, enum ir_dtype dt,
		uint64_t elem, uint32_t seg)
{
	if (dt == IR_F32) {
		lw_dst(l, c, v->buf, v->off + 4 * elem, seg, (int64_t)(v->cstride / 4));
		return;
	}
	c->u.vec.out = IG1_VFMT_Q8;
	c->u.vec.y0 = 1;
	c->u.vec.y1 = (int32_t)lw_seg_bytes(seg);
	c->u.vec.y2 = (int32_t)v->cstride;
	c->u.vec.z1 = (int32_t)(lw_seg_bytes(seg) / 32);
	c->u.vec.z2 = (int32_t)(v->scstride / 4);
	cg_ref(l->p, c, CG_FIELD(vec, y), false, true, v->buf, v->off + elem);
	cg_ref(l->p, c, CG_FIELD(vec, z), false, true, v->sbuf, v->soff + elem / 32 * 4);
}

void lw_red(struct lower *l, struct cg_cmd *c, enum ig1_vred red, uint32_t buf, uint64_t off,
	    int64_t s1, int64_t s2)
{
	c->u.vec.red = (uint8_t)red;
	c->u.vec.z1 = (int32_t)s1;
	c->u.vec.z2 = (int32_t)s2;
	cg_ref(l->p, c, CG_FIELD(vec, z), false, true, buf, off);
}
