// SPDX-License-Identifier: MIT
/* The value before (a move in memory), and linear attention with a matrix of state per head. */
#include "compiler/codegen/lower.h"

void lw_shift(struct lower *l, const struct ir_op *op, const struct cg_val *y)
{
	const struct cg_val *x = &l->vals[op->in[0]->id], *vals[] = { x, y };
	uint32_t bytes = 4 * op->width;
	struct lw_state s;

	lw_state_begin(&s, l, op, vals, 2);
	lw_state_move(&s, IG1_OP_D_LD, "load", 0, 0, 1, bytes, y->buf, y->off, s.off[1]);
	lw_state_move(&s, IG1_OP_D_ST, "store", 0, 0, 1, bytes, x->buf, x->off, s.off[0]);
	lw_state_end(&s);
}

enum { R, K, V, W, Y, A, B };

struct wkv {
	struct lw_state s;
	const struct ir_op *op;
	const struct cg_val *val[LW_STATE_VALS];
	bool w_heads;	      /* w is one number per head */
	bool b_heads;	      /* what stands for b is: c */
	struct cg_val u, sum; /* of the column: what k is multiplied with; s */
	uint32_t state[2];    /* buffers of a part */
	uint32_t step;	      /* heads of a part */
};

static void output(struct wkv *k, uint32_t state, uint64_t at, uint32_t first, uint64_t shared,
		   uint32_t step, uint32_t n)
{
	struct cg_cmd *c = lw_state_pass(&k->s, IG1_OP_V_MUL, "output", n);

	lw_state_full(&k->s, c, 'a', state, at);
	lw_state_cols(&k->s, c, 'b', k->val[R], shared, step, k->s.off[R]);
	lw_state_sum(&k->s, c, k->val[Y], (uint64_t)first * k->op->seg, k->s.off[Y]);
}

/* u = v + c s of heads first .. first + n */
static void correct(struct wkv *k, uint32_t first, uint32_t n)
{
	uint64_t row = (uint64_t)first * k->op->seg;
	struct lower *l = k->s.l;
	struct cg_cmd *c =
		lw_vec(l, IG1_OP_V_MAD, lw_name(l, k->op->name, "correct"), k->op->seg, n, R_ZERO);

	lw_src(l, c, 'a', k->sum.buf, 4 * row, 1, k->op->seg, 0, R_ZERO);
	lw_src(l, c, 'b', k->val[B]->buf, k->val[B]->off + 4ull * first, 0, 1, 0, k->s.off[B]);
	lw_src(l, c, 'c', k->u.buf, 4 * row, 1, k->op->seg, 0, R_ZERO);
	lw_dst(l, c, k->u.buf, 4 * row, k->op->seg, 0);
}

/*
 * Heads first .. first + n, whose state is at byte `at` of a buffer; the first number of r, k and a is
 * `shared`, and `step` from head to head.
 */
static void update(struct wkv *k, uint32_t state, uint64_t at, uint32_t first, uint64_t shared,
		   uint32_t step, uint32_t n)
{
	uint64_t row = (uint64_t)first * k->op->seg, own = (uint64_t)first * k->op->dim;
	struct lw_state *s = &k->s;
	struct cg_cmd *c;

	if (k->op->early)
		output(k, state, at, first, shared, step, n);
	if (k->val[A]) {
		c = lw_state_pass(s, IG1_OP_V_MUL, "sums", n);
		lw_state_full(s, c, 'a', state, at);
		lw_state_cols(s, c, 'b', k->val[A], shared, step, s->off[A]);
		lw_state_sum(s, c, &k->sum, row, R_ZERO);
		if (k->b_heads)
			correct(k, first, n);
	}
	c = lw_state_pass(s, IG1_OP_V_ROT, "update", n);
	if (k->w_heads)
		lw_state_heads(s, c, 'a', k->val[W], first, s->off[W]);
	else
		lw_state_cols(s, c, 'a', k->val[W], own, k->op->dim, s->off[W]);
	lw_state_cols(s, c, 'b', k->val[K], shared, step, s->off[K]);
	lw_state_full(s, c, 'c', state, at);
	lw_state_rows(s, c, 'd', k->u.buf, 4 * row);
	lw_state_dst(s, c, state, at);
	if (k->val[A] && !k->b_heads) {
		c = lw_state_pass(s, IG1_OP_V_MAD, "correct", n);
		lw_state_rows(s, c, 'a', k->sum.buf, 4 * row);
		lw_state_cols(s, c, 'b', k->val[B], own, k->op->dim, s->off[B]);
		lw_state_full(s, c, 'c', state, at);
		lw_state_dst(s, c, state, at);
	}
	if (!k->op->early)
		output(k, state, at, first, shared, step, n);
}

/* Heads of a part in runs whose operands lie at equal distances. */
static void part(struct wkv *k, uint32_t state, uint32_t first, uint32_t n)
{
	const struct ir_op *op = k->op;
	uint32_t per = op->heads / op->kv_heads, h, some, group, step;
	uint64_t head = 4ull * op->dim * op->seg;

	lw_state_move(&k->s, IG1_OP_D_LD, "load", first * head, 0, 1, (uint32_t)(n * head), state,
		      0, R_ZERO);
	for (h = first; h < first + n; h += some) {
		if (op->spread || per == 1) {
			group = h % op->kv_heads;
			some = op->kv_heads - group;
			step = op->dim;
		} else {
			group = h / per;
			some = per - h % per;
			step = 0;
		}
		if (some > first + n - h)
			some = first + n - h;
		update(k, state, (h - first) * head, h, (uint64_t)group * op->dim, step, some);
	}
	lw_state_move(&k->s, IG1_OP_D_ST, "store", first * head, 0, 1, (uint32_t)(n * head), state,
		      0, R_ZERO);
}

static struct cg_val row_of(struct lower *l, const struct ir_op *op, const char *name)
{
	return (struct cg_val){ .buf = cg_buf(l->p, lw_name(l, op->name, name), 4ull * op->width) };
}

void lw_wkv(struct lower *l, const struct ir_op *op, const struct cg_val *y)
{
	static const unsigned int order[6] = { R, K, V, W, A, B };
	uint32_t first, sets, i;
	struct wkv k = { .op = op };
	struct cg_cmd *c;

	for (i = 0; i < op->n_in; i++)
		k.val[order[i]] = &l->vals[op->in[i]->id];
	k.val[Y] = y;
	k.w_heads = op->in[3]->width == op->heads && op->dim > 1;
	k.b_heads = op->n_in > 5 && op->in[5]->width == op->heads && op->dim > 1;
	k.u = row_of(l, op, "input");
	k.sum = k.val[A] ? row_of(l, op, "sums") : k.u;
	k.step = lw_state_step(op);
	sets = k.step < op->heads ? 2 : 1;
	for (i = 0; i < sets; i++)
		k.state[i] = cg_buf(l->p, lw_name(l, op->name, "state"),
				    4ull * op->dim * op->seg * k.step);
	lw_state_begin(&k.s, l, op, k.val, op->n_in + 1);
	c = lw_vec(l, IG1_OP_V_MOV, lw_name(l, op->name, "input"), op->width, 1, R_ZERO);
	lw_src(l, c, 'a', k.val[V]->buf, k.val[V]->off, 1, 0, 0, k.s.off[V]);
	lw_dst(l, c, k.u.buf, 0, 0, 0);
	for (first = 0, i = 0; first < op->heads; first += k.step, i = (i + 1) % sets)
		part(&k, k.state[i], first,
		     op->heads - first < k.step ? op->heads - first : k.step);
	lw_state_end(&k.s);
}
