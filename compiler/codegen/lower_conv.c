// SPDX-License-Identifier: MIT
/*
 * Causal convolution of every element over time: the window of former inputs is loaded, one pass per
 * tap over all elements adds its share to the biases, and the window moves on by one row in memory.
 */
#include "compiler/codegen/lower.h"

#define PART 4096u /* elements at once, so that wide layers do not fill the scratch */

static void tap(struct lw_state *s, const struct cg_val *y, uint32_t j, uint32_t first, uint32_t n,
		uint32_t src, uint64_t src_off, unsigned int reg)
{
	const struct ir_op *op = s->op;
	uint64_t weights = op->konst->addr, row = 4ull * op->width;
	struct cg_cmd *c = lw_vec(s->l, IG1_OP_V_MAD, lw_name(s->l, op->name, "tap"), n, 1, R_ZERO);

	lw_src(s->l, c, 'a', src, src_off, 1, 0, 0, reg);
	lw_src_crom(s->l, c, 'b', weights + j * row + 4ull * first, 0);
	if (!j) {
		lw_src_crom(s->l, c, 'c', weights + op->taps * row + 4ull * first, 0);
	} else {
		lw_src(s->l, c, 'c', y->buf, y->off + 4ull * first, 1, 0, 0, s->off[1]);
	}
	lw_dst(s->l, c, y->buf, y->off + 4ull * first, 0, 0);
	c->u.vec.ry = (uint8_t)s->off[1];
}

void lw_conv(struct lower *l, const struct ir_op *op, const struct cg_val *y)
{
	const struct cg_val *x = &l->vals[op->in[0]->id], *vals[] = { x, y };
	uint32_t width = op->width, past = op->taps - 1, first, n, j, win;
	uint64_t row = 4ull * width;
	struct lw_state s;

	n = width < PART ? width : PART;
	win = cg_buf(l->p, lw_name(l, op->name, "window"), 4ull * n * past);
	lw_state_begin(&s, l, op, vals, 2);
	for (first = 0; first < width; first += n) {
		uint64_t at = 4ull * first, x_off = x->off + at;

		n = width - first < PART ? width - first : PART;
		lw_state_move(&s, IG1_OP_D_LD, "load", at, row, past, 4 * n, win, 0, R_ZERO);
		/* the window without its oldest row, and the input behind it */
		if (past > 1)
			lw_state_move(&s, IG1_OP_D_ST, "store", at, row, past - 1, 4 * n, win,
				      4ull * n, R_ZERO);
		lw_state_move(&s, IG1_OP_D_ST, "store", at + (past - 1) * row, 0, 1, 4 * n, x->buf,
			      x_off, s.off[0]);
		for (j = 0; j < past; j++)
			tap(&s, y, j, first, n, win, 4ull * n * j, R_ZERO);
		tap(&s, y, past, first, n, x->buf, x_off, s.off[0]);
	}
	lw_state_end(&s);
}
