// SPDX-License-Identifier: MIT
/*
 * The selective scan of one column, some heads of it at a time: two sets of buffers, so that the next
 * heads' state is loaded while the vector unit is at these. A row of a pass are the numbers of state
 * that belong to one element.
 */
#include "compiler/codegen/lower.h"

#define PART_BYTES 32768u /* of state at once, but at least one head */

struct scan {
	struct lw_state s;
	const struct ir_op *op;
	const struct cg_val *x, *dt, *b, *c, *decay, *y;
	uint32_t xdt;	   /* buffer: x dt of the column */
	uint32_t state[2]; /* buffers of a part */
	uint32_t exps[2];  /* likewise: decay of a part, when it is made here */
	uint32_t step;	   /* heads of a part */
};

enum { X, DT, B, C, Y, DECAY };

/* A pass over the state of heads first .. first + n; heads of one element each are rows of one block. */
static struct cg_cmd *pass(struct scan *k, uint8_t code, const char *name, uint32_t n)
{
	const struct ir_op *op = k->op;
	bool flat = op->seg == 1;
	struct cg_cmd *c = lw_vec(k->s.l, code, lw_name(k->s.l, op->name, name), op->dim,
				  flat ? n : op->seg, R_ZERO);

	c->u.vec.n2 = flat ? 1 : n;
	return c;
}

/* Operands: all of the state; B or C, the same for all rows; one element a row; one a head. */
static void full(struct scan *k, struct cg_cmd *c, char which, uint32_t buf, uint64_t off)
{
	const struct ir_op *op = k->op;

	lw_src(k->s.l, c, which, buf, off, 1, op->dim, (int64_t)op->dim * op->seg, R_ZERO);
}

static void per_group(struct scan *k, struct cg_cmd *c, char which, const struct cg_val *v,
		      uint32_t group, unsigned int reg)
{
	lw_src(k->s.l, c, which, v->buf, v->off + 4ull * k->op->dim * group, 1, 0, 0, reg);
}

static void per_row(struct scan *k, struct cg_cmd *c, char which, uint32_t buf, uint64_t off)
{
	lw_src(k->s.l, c, which, buf, off, 0, 1, k->op->seg, R_ZERO);
}

static void per_head(struct scan *k, struct cg_cmd *c, char which, const struct cg_val *v,
		     uint32_t head, unsigned int reg)
{
	bool flat = k->op->seg == 1;

	lw_src(k->s.l, c, which, v->buf, v->off + 4ull * head, 0, flat, !flat, reg);
}

/* x dt */
static void scale_input(struct scan *k)
{
	const struct ir_op *op = k->op;
	bool flat = op->seg == 1;
	struct cg_cmd *c = lw_vec(k->s.l, IG1_OP_V_MUL, lw_name(k->s.l, op->name, "input"),
				  flat ? op->heads : op->seg, flat ? 1 : op->heads, R_ZERO);

	lw_src(k->s.l, c, 'a', k->x->buf, k->x->off, 1, op->seg, 0, k->s.off[X]);
	lw_src(k->s.l, c, 'b', k->dt->buf, k->dt->off, flat, 1, 0, k->s.off[DT]);
	lw_dst(k->s.l, c, k->xdt, 0, op->seg, 0);
}

/* exp(dt A) of heads first .. first + n */
static void make_decay(struct scan *k, uint32_t buf, uint32_t first, uint32_t n)
{
	const struct ir_op *op = k->op;
	uint64_t head = (uint64_t)op->dim * op->seg, a = op->konst->addr;
	struct cg_cmd *c;

	c = pass(k, IG1_OP_V_MUL, "exponent", n);
	lw_src_crom(k->s.l, c, 'a', a + 4 * head * first, op->dim);
	c->u.vec.a2 = (int32_t)head;
	per_head(k, c, 'b', k->dt, first, k->s.off[DT]);
	lw_dst(k->s.l, c, buf, 0, op->dim, (int64_t)head);
	c = pass(k, IG1_OP_V_EXPS, "decay", n);
	full(k, c, 'a', buf, 0);
	lw_src_crom(k->s.l, c, 'b', a + 4 * head * op->heads, 0);
	c->u.vec.b0 = 0;
	c->u.vec.alpha = 1.0f;
	lw_dst(k->s.l, c, buf, 0, op->dim, (int64_t)head);
}

/* Heads first .. first + n of one group, whose state is at byte `at` of the part's buffers. */
static void update(struct scan *k, unsigned int set, uint64_t at, uint32_t group, uint32_t first,
		   uint32_t n)
{
	const struct ir_op *op = k->op;
	uint32_t state = k->state[set];
	uint64_t row = 4ull * first * op->seg;
	struct cg_cmd *c;

	c = pass(k, IG1_OP_V_ROT, "update", n);
	if (k->decay)
		per_head(k, c, 'a', k->decay, first, k->s.off[DECAY]);
	else
		full(k, c, 'a', k->exps[set], at);
	per_group(k, c, 'b', k->b, group, k->s.off[B]);
	full(k, c, 'c', state, at);
	per_row(k, c, 'd', k->xdt, row);
	lw_dst(k->s.l, c, state, at, op->dim, (int64_t)op->dim * op->seg);
	c = pass(k, IG1_OP_V_MUL, "output", n);
	full(k, c, 'a', state, at);
	per_group(k, c, 'b', k->c, group, k->s.off[C]);
	lw_red(k->s.l, c, IG1_VRED_SUM, k->y->buf, k->y->off + row, 1, op->seg);
	c->u.vec.rz = (uint8_t)k->s.off[Y];
}

static void part(struct scan *k, unsigned int set, uint32_t first, uint32_t n)
{
	const struct ir_op *op = k->op;
	uint32_t per_group = op->heads / op->kv_heads, h, some;
	uint64_t head = 4ull * op->dim * op->seg;

	lw_state_move(&k->s, IG1_OP_D_LD, "load", first * head, 0, 1, (uint32_t)(n * head),
		      k->state[set], 0, R_ZERO);
	if (!k->decay)
		make_decay(k, k->exps[set], first, n);
	for (h = first; h < first + n; h += some) {
		some = per_group - h % per_group;
		if (some > first + n - h)
			some = first + n - h;
		update(k, set, (h - first) * head, h / per_group, h, some);
	}
	lw_state_move(&k->s, IG1_OP_D_ST, "store", first * head, 0, 1, (uint32_t)(n * head),
		      k->state[set], 0, R_ZERO);
}

void lw_scan(struct lower *l, const struct ir_op *op, const struct cg_val *y)
{
	const struct cg_val *v = l->vals;
	struct scan k = { .op = op,
			  .x = &v[op->in[0]->id],
			  .dt = &v[op->in[1]->id],
			  .b = &v[op->in[2]->id],
			  .c = &v[op->in[3]->id],
			  .decay = op->n_in > 4 ? &v[op->in[4]->id] : NULL,
			  .y = y };
	const struct cg_val *vals[LW_STATE_VALS] = { k.x, k.dt, k.b, k.c, k.y, k.decay };
	uint64_t head = 4ull * op->dim * op->seg;
	uint32_t first, sets, i;

	k.step = head < PART_BYTES ? (uint32_t)(PART_BYTES / head) : 1;
	if (k.step > op->heads)
		k.step = op->heads;
	sets = k.step < op->heads ? 2 : 1;
	k.xdt = cg_buf(l->p, lw_name(l, op->name, "input"), 4ull * op->width);
	for (i = 0; i < sets; i++) {
		k.state[i] = cg_buf(l->p, lw_name(l, op->name, "state"), head * k.step);
		if (!k.decay)
			k.exps[i] = cg_buf(l->p, lw_name(l, op->name, "decay"), head * k.step);
	}
	lw_state_begin(&k.s, l, op, vals, k.decay ? 6 : 5);
	scale_input(&k);
	for (first = 0, i = 0; first < op->heads; first += k.step, i = (i + 1) % sets)
		part(&k, i, first, op->heads - first < k.step ? op->heads - first : k.step);
	lw_state_end(&k.s);
}
