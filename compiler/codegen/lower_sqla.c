// SPDX-License-Identifier: MIT
/*
 * Squared linear attention in its recurrent form, column after column. The monomials of a head x lie by
 * the distance of their two elements: x[i] x[i + s mod d] for i < d, s = 0, 1, ..., and for an even d half a
 * row at s = d / 2. With x behind itself once more all rows but that one are one pass.
 *
 * State is handled in parts: some KV heads, or some rows of one, in two sets of buffers, so that the
 * next part is loaded while the vector unit is at this one.
 */
#include "compiler/codegen/lower.h"

#define PART_BYTES 32768u /* of state at once, but at least one row */

enum { Q, K, V, X, Y };

struct sqla {
	struct lw_state s;
	const struct ir_op *op;
	const struct cg_val *val[5];
	uint32_t d, dim, rows;	   /* of a head: elements, monomials, rows of state */
	uint32_t per;		   /* query heads of a KV head */
	uint32_t heads, part_rows; /* of a part */
	uint32_t wide, twice;	   /* buffers: heads with their first half behind them; times two */
	uint32_t mono_k, mono_q;   /* of a part's heads */
	uint32_t decay, values;	   /* of the column: of each KV head; its values and a one */
	uint32_t sums, total;	   /* of each query head */
	uint32_t state[2];
};

static const char *name(struct sqla *k, const char *what)
{
	return lw_name(k->s.l, k->op->name, what);
}

/* n0 x n1 x n2 elements */
static struct cg_cmd *pass(struct sqla *k, uint8_t code, const char *what, uint32_t n0, uint32_t n1,
			   uint32_t n2)
{
	struct cg_cmd *c = lw_vec(k->s.l, code, name(k, what), n0, n1, R_ZERO);

	c->u.vec.n2 = n2;
	return c;
}

/* The products of two elements of n heads: those at distance s, `count` of them. */
static struct cg_cmd *products(struct sqla *k, const char *what, uint32_t other, uint32_t s,
			       uint32_t count, uint32_t n, uint32_t to)
{
	int64_t wide = k->d + k->d / 2;
	struct lower *l = k->s.l;
	struct cg_cmd *c = pass(k, IG1_OP_V_MUL, what, count, 1, n);

	lw_src(l, c, 'a', k->wide, 0, 1, 0, wide, R_ZERO);
	lw_src(l, c, 'b', other, 4ull * s, 1, 1, wide, R_ZERO);
	lw_dst(l, c, to, 4ull * s * k->d, k->d, k->dim);
	return c;
}

/* Monomials of n heads of q or k from `first` on. */
static void monomials(struct sqla *k, unsigned int which, uint32_t first, uint32_t n)
{
	uint32_t d = k->d, half = d / 2, full = (d - 1) / 2, other = k->wide, to = k->mono_k, i;
	const struct cg_val *v = k->val[which];
	struct lower *l = k->s.l;
	struct cg_cmd *c;

	for (i = 0; i < (half ? 2 : 1); i++) {
		c = pass(k, IG1_OP_V_MOV, "wide", i ? half : d, n, 1);
		lw_src(l, c, 'a', v->buf, v->off + 4ull * first * d, 1, d, 0, k->s.off[which]);
		lw_dst(l, c, k->wide, i ? 4ull * d : 0, d + half, 0);
	}
	if (which == Q) {
		to = k->mono_q;
		other = k->twice;
		c = pass(k, IG1_OP_V_LIN, "twice", d + half, n, 1);
		c->u.vec.alpha = 2;
		lw_src(l, c, 'a', k->wide, 0, 1, d + half, 0, R_ZERO);
		lw_dst(l, c, other, 0, d + half, 0);
	}
	products(k, "squares", k->wide, 0, d, n, to);
	if (full) {
		c = products(k, "products", other, 1, d, n, to);
		c->u.vec.n1 = full;
	}
	if (d % 2 == 0)
		products(k, "products", other, half, half, n, to);
}

/* sigmoid(-x); what each row of a head's state is added times the monomials: its value, then one */
static void inputs(struct sqla *k)
{
	uint32_t n = k->op->kv_heads;
	struct lower *l = k->s.l;
	struct cg_cmd *c;

	c = pass(k, IG1_OP_V_LIN, "rate", n, 1, 1);
	c->u.vec.alpha = -1;
	lw_src(l, c, 'a', k->val[X]->buf, k->val[X]->off, 1, 0, 0, k->s.off[X]);
	lw_dst(l, c, k->decay, 0, 0, 0);
	c = pass(k, IG1_OP_V_SIGM, "decay", n, 1, 1);
	lw_src(l, c, 'a', k->decay, 0, 1, 0, 0, R_ZERO);
	lw_dst(l, c, k->decay, 0, 0, 0);
	c = pass(k, IG1_OP_V_MOV, "values", k->d, n, 1);
	lw_src(l, c, 'a', k->val[V]->buf, k->val[V]->off, 1, k->d, 0, k->s.off[V]);
	lw_dst(l, c, k->values, 0, k->rows, 0);
	c = pass(k, IG1_OP_V_LIN, "ones", n, 1, 1);
	c->u.vec.beta = 1;
	lw_src(l, c, 'a', k->decay, 0, 1, 0, 0, R_ZERO);
	lw_dst(l, c, k->values, 4ull * k->d, 0, 0);
	c->u.vec.y0 = (int16_t)k->rows;
}

/* Rows row .. row + rows of heads first .. first + n; these are all rows, or it is one head. */
static void part(struct sqla *k, uint32_t state, uint32_t first, uint32_t n, uint32_t row,
		 uint32_t rows)
{
	uint64_t at = ((uint64_t)first * k->rows + row) * k->dim * 4;
	uint32_t bytes = 4 * n * rows * k->dim, j;
	int64_t dim = k->dim, head = dim * rows;
	struct lower *l = k->s.l;
	struct cg_cmd *c;

	lw_state_move(&k->s, IG1_OP_D_LD, "load", at, 0, 1, bytes, state, 0, R_ZERO);
	c = pass(k, IG1_OP_V_ROT, "update", k->dim, rows, n);
	lw_src(l, c, 'a', k->decay, 4ull * first, 0, 0, 1, R_ZERO);
	lw_src(l, c, 'b', k->mono_k, 0, 1, 0, dim, R_ZERO);
	lw_src(l, c, 'c', state, 0, 1, dim, head, R_ZERO);
	lw_src(l, c, 'd', k->values, 4 * ((uint64_t)first * k->rows + row), 0, 1, k->rows, R_ZERO);
	lw_dst(l, c, state, 0, dim, head);
	for (j = 0; j < k->per; j++) {
		uint64_t q = (uint64_t)first * k->per + j;

		c = pass(k, IG1_OP_V_MUL, "output", k->dim, rows, n);
		lw_src(l, c, 'a', state, 0, 1, dim, head, R_ZERO);
		lw_src(l, c, 'b', k->mono_q, 4 * (uint64_t)dim * j, 1, 0, dim * k->per, R_ZERO);
		lw_red(l, c, IG1_VRED_SUM, k->sums, 4 * (q * k->rows + row), 1,
		       (int64_t)k->per * k->rows);
	}
	lw_state_move(&k->s, IG1_OP_D_ST, "store", at, 0, 1, bytes, state, 0, R_ZERO);
}

/* y = sums of values / sums of ones */
static void divide(struct sqla *k)
{
	uint32_t n = k->op->heads;
	struct lower *l = k->s.l;
	struct cg_cmd *c;

	c = pass(k, IG1_OP_V_MAX, "limit", n, 1, 1);
	lw_src(l, c, 'a', k->sums, 4ull * k->d, (int)k->rows, 0, 0, R_ZERO);
	lw_src_const(l, c, 'b', k->op->konst, 0);
	c->u.vec.b0 = 0;
	lw_dst(l, c, k->total, 0, 0, 0);
	c = pass(k, IG1_OP_V_RECIP, "recip", n, 1, 1);
	lw_src(l, c, 'a', k->total, 0, 1, 0, 0, R_ZERO);
	lw_dst(l, c, k->total, 0, 0, 0);
	c = pass(k, IG1_OP_V_MUL, "divide", k->d, n, 1);
	lw_src(l, c, 'a', k->sums, 0, 1, k->rows, 0, R_ZERO);
	lw_src(l, c, 'b', k->total, 0, 0, 1, 0, R_ZERO);
	lw_dst(l, c, k->val[Y]->buf, k->val[Y]->off, k->d, 0);
	c->u.vec.ry = (uint8_t)k->s.off[Y];
}

static void all_parts(struct sqla *k)
{
	uint32_t h, n, row, rows, set = 0;

	for (h = 0; h < k->op->kv_heads; h += n) {
		n = k->op->kv_heads - h < k->heads ? k->op->kv_heads - h : k->heads;
		monomials(k, K, h, n);
		monomials(k, Q, h * k->per, n * k->per);
		for (row = 0; row < k->rows; row += rows) {
			rows = k->rows - row < k->part_rows ? k->rows - row : k->part_rows;
			part(k, k->state[set], h, n, row, rows);
			set = !set;
		}
	}
}

static void sizes(struct sqla *k)
{
	uint64_t row, head;

	k->d = k->op->seg;
	k->dim = ir_monomials(k->d);
	k->rows = k->d + 1;
	k->per = k->op->heads / k->op->kv_heads;
	row = 4ull * k->dim;
	head = row * k->rows;
	k->heads = head < PART_BYTES ? (uint32_t)(PART_BYTES / head) : 1;
	if (k->heads > k->op->kv_heads)
		k->heads = k->op->kv_heads;
	k->part_rows = head < PART_BYTES  ? k->rows
		       : row < PART_BYTES ? (uint32_t)(PART_BYTES / row)
					  : 1;
}

static uint32_t make_buf(struct sqla *k, struct lower *l, const char *what, uint64_t elements)
{
	return cg_buf(l->p, lw_name(l, k->op->name, what), 4 * elements);
}

void lw_sqla(struct lower *l, const struct ir_op *op, const struct cg_val *y)
{
	struct sqla k = { .op = op };
	uint64_t wide, n;
	uint32_t i;

	for (i = 0; i < op->n_in; i++)
		k.val[i] = &l->vals[op->in[i]->id];
	k.val[Y] = y;
	sizes(&k);
	n = (uint64_t)k.heads * k.per;
	wide = n * (k.d + k.d / 2);
	k.wide = make_buf(&k, l, "wide", wide);
	k.twice = make_buf(&k, l, "twice", wide);
	k.mono_k = make_buf(&k, l, "k", (uint64_t)k.heads * k.dim);
	k.mono_q = make_buf(&k, l, "q", n * k.dim);
	k.decay = make_buf(&k, l, "decay", op->kv_heads);
	k.values = make_buf(&k, l, "values", (uint64_t)op->kv_heads * k.rows);
	k.sums = make_buf(&k, l, "sums", (uint64_t)op->heads * k.rows);
	k.total = make_buf(&k, l, "total", op->heads);
	for (i = 0; i < 2; i++)
		k.state[i] = make_buf(&k, l, "state", (uint64_t)k.heads * k.part_rows * k.dim);
	lw_state_begin(&k.s, l, op, k.val, 5);
	inputs(&k);
	all_parts(&k);
	divide(&k);
	lw_state_end(&k.s);
}
