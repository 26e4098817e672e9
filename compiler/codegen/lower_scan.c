// SPDX-License-Identifier: MIT
/*
 * The selective scan of one column, some heads of it at a time: two sets of buffers, so that the next
 * heads' state is loaded while the vector unit is at these. A row of a pass are the numbers of state
 * that belong to one element.
 */
#include "compiler/codegen/lower.h"

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

	c = lw_state_pass(&k->s, IG1_OP_V_MUL, "exponent", n);
	lw_src_crom(k->s.l, c, 'a', a + 4 * head * first, op->dim);
	c->u.vec.a2 = (int32_t)head;
	lw_state_heads(&k->s, c, 'b', k->dt, first, k->s.off[DT]);
	lw_state_dst(&k->s, c, buf, 0);
	c = lw_state_pass(&k->s, IG1_OP_V_EXPS, "decay", n);
	lw_state_full(&k->s, c, 'a', buf, 0);
	lw_src_crom(k->s.l, c, 'b', a + 4 * head * op->heads, 0);
	c->u.vec.b0 = 0;
	c->u.vec.alpha = 1.0f;
	lw_state_dst(&k->s, c, buf, 0);
}

/* Heads first .. first + n of one group, whose state is at byte `at` of the part's buffers. */
static void update(struct scan *k, unsigned int set, uint64_t at, uint32_t group, uint32_t first,
		   uint32_t n)
{
	uint64_t row = (uint64_t)first * k->op->seg, bc = (uint64_t)group * k->op->dim;
	struct lw_state *s = &k->s;
	struct cg_cmd *c;

	c = lw_state_pass(s, IG1_OP_V_ROT, "update", n);
	if (k->decay)
		lw_state_heads(s, c, 'a', k->decay, first, s->off[DECAY]);
	else
		lw_state_full(s, c, 'a', k->exps[set], at);
	lw_state_cols(s, c, 'b', k->b, bc, 0, s->off[B]);
	lw_state_full(s, c, 'c', k->state[set], at);
	lw_state_rows(s, c, 'd', k->xdt, 4 * row);
	lw_state_dst(s, c, k->state[set], at);
	c = lw_state_pass(s, IG1_OP_V_MUL, "output", n);
	lw_state_full(s, c, 'a', k->state[set], at);
	lw_state_cols(s, c, 'b', k->c, bc, 0, s->off[C]);
	lw_state_sum(s, c, k->y, row, s->off[Y]);
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

	k.step = lw_state_step(op);
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
