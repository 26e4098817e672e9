// SPDX-License-Identifier: MIT
/*
 * Running sums with what rounding has taken from them. Of a sum s = a + b rounded with |a| >= |b|, the rest
 * is b - (s - a), exactly (Dekker 1971). The first tokens' inputs may be larger than the sum before them:
 * the rest is then off by a rounding of such an input, which is what it has anyhow.
 */
#include "compiler/codegen/lower.h"

struct runsum {
	struct lw_state s;
	uint32_t n; /* elements */
};

/* What a pass reads: n numbers, `step` elements apart. */
struct part {
	uint32_t buf;
	uint64_t off;
	int step;
	unsigned int reg;
};

static struct cg_cmd *pass(struct runsum *k, uint8_t code, const char *name, struct part a,
			   struct part b)
{
	struct lower *l = k->s.l;
	struct cg_cmd *c = lw_vec(l, code, lw_name(l, k->s.op->name, name), k->n, 1, R_ZERO);

	lw_src(l, c, 'a', a.buf, a.off, a.step, 0, 0, a.reg);
	lw_src(l, c, 'b', b.buf, b.off, b.step, 0, 0, b.reg);
	return c;
}

static void to(struct runsum *k, struct cg_cmd *c, struct part y)
{
	lw_dst(k->s.l, c, y.buf, y.off, 0, 0);
	c->u.vec.y0 = (int16_t)y.step;
	c->u.vec.ry = (uint8_t)y.reg;
}

void lw_runsum(struct lower *l, const struct ir_op *op, const struct cg_val *y)
{
	const struct cg_val *x = &l->vals[op->in[0]->id], *vals[] = { x, y };
	struct runsum k = { .n = op->in[0]->width };
	struct part high, low, in, sum, rest, old[2];
	uint32_t bytes = 4 * op->width, state, sums, rests;

	state = cg_buf(l->p, lw_name(l, op->name, "state"), bytes);
	sums = cg_buf(l->p, lw_name(l, op->name, "sum"), 4ull * k.n);
	rests = cg_buf(l->p, lw_name(l, op->name, "rest"), 4ull * k.n);
	lw_state_begin(&k.s, l, op, vals, 2);
	in = (struct part){ x->buf, x->off, 1, k.s.off[0] };
	high = (struct part){ y->buf, y->off, 2, k.s.off[1] };
	low = (struct part){ y->buf, y->off + 4, 2, k.s.off[1] };
	old[0] = (struct part){ state, 0, 2, R_ZERO };
	old[1] = (struct part){ state, 4, 2, R_ZERO };
	sum = (struct part){ sums, 0, 1, R_ZERO };
	rest = (struct part){ rests, 0, 1, R_ZERO };
	lw_state_move(&k.s, IG1_OP_D_LD, "load", 0, 0, 1, bytes, state, 0, R_ZERO);
	to(&k, pass(&k, IG1_OP_V_ADD, "sum", old[0], in), sum);
	to(&k, pass(&k, IG1_OP_V_SUB, "added", sum, old[0]), rest);
	to(&k, pass(&k, IG1_OP_V_SUB, "rest", in, rest), rest);
	to(&k, pass(&k, IG1_OP_V_ADD, "rest", old[1], rest), rest);
	/* what has become of rests goes to the sum as soon as it counts there */
	to(&k, pass(&k, IG1_OP_V_ADD, "high", sum, rest), high);
	to(&k, pass(&k, IG1_OP_V_SUB, "added", high, sum), sum);
	to(&k, pass(&k, IG1_OP_V_SUB, "low", rest, sum), low);
	lw_state_move(&k.s, IG1_OP_D_ST, "store", 0, 0, 1, bytes, y->buf, y->off, k.s.off[1]);
	lw_state_end(&k.s);
}
