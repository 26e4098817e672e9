// SPDX-License-Identifier: MIT
/*
 * Mixtures of experts: the choice is made on the chip, and only the chosen experts' rows of ROM are
 * read, by commands whose ROM address comes from a register.
 *
 * The greatest score's number is written by a reduction and read into a register, which addresses a
 * row of the selector constant that is one there and zero elsewhere: with it the score is taken out
 * and the next greatest is found. Everything but that is done for all columns at once.
 */
#include <float.h>

#include "compiler/codegen/lower.h"

/* Registers, of both kinds of program. */
enum { INDEX = R_T0 + 6, AT, COL, COL2, COL3 = R_T0 + 2, COL4 };

/* A loop over columns, or none: there is only one. */
static size_t each_column(struct lower *l, const char *name)
{
	return lw_single(l) ? 0 : lw_loop(l, name, R_COL, R_COLS);
}

static void each_column_end(struct lower *l, size_t loop)
{
	if (!lw_single(l))
		lw_loop_end(l, loop);
}

/* R[to] = the column's byte offset in something; returns the register. */
static unsigned int column(struct lower *l, const char *name, unsigned int to, uint64_t stride)
{
	if (lw_single(l))
		return R_ZERO;
	lw_alu(l, name, to, R_COL, IG1_ALUOP_MUL, R_ZERO, stride);
	return to;
}

/* Rows of n numbers for all columns, of a routing in the making. */
struct rows {
	uint32_t buf;
	uint32_t n;
};

static struct rows new_rows(struct lower *l, const char *base, const char *what, uint32_t n)
{
	return (struct rows){ cg_buf(l->p, lw_name(l, base, what), 4ull * n * l->shape->cols), n };
}

static void src_rows(struct lower *l, struct cg_cmd *c, char which, struct rows r, int s0,
		     int64_t s1)
{
	lw_src(l, c, which, r.buf, 0, s0, s1, r.n, R_ZERO);
}

/* One number per column: let the columns be the row. */
static struct cg_cmd *vec_columns(struct lower *l, uint8_t op, const char *name, uint8_t rcols)
{
	struct cg_cmd *c = lw_vec(l, op, name, 0, 1, R_ZERO);

	c->u.vec.rn0 = rcols;
	return c;
}

/* to = recip(from), one number per column */
static void recip(struct lower *l, const char *name, struct rows from, struct rows to,
		  uint8_t rcols)
{
	struct cg_cmd *c = vec_columns(l, IG1_OP_V_RECIP, lw_name(l, name, "recip"), rcols);

	lw_src(l, c, 'a', from.buf, 0, 1, 0, 0, R_ZERO);
	lw_dst(l, c, to.buf, 0, 0, 0);
}

/* y = softmax of rows of n; x and y may be the same. */
static void softmax(struct lower *l, const char *name, const struct cg_val *x,
		    const struct cg_val *y, uint32_t n)
{
	struct rows max = new_rows(l, name, "max", 1), sum = new_rows(l, name, "sum", 1);
	struct cg_cmd *c;

	c = lw_vec(l, IG1_OP_V_MOV, lw_name(l, name, "max"), n, 1, x->rcols);
	lw_src_val(l, c, 'a', x, 0, n);
	lw_red(l, c, IG1_VRED_MAX, max.buf, 0, 0, 1);
	c = lw_vec(l, IG1_OP_V_EXPS, lw_name(l, name, "exp"), n, 1, x->rcols);
	lw_src_val(l, c, 'a', x, 0, n);
	src_rows(l, c, 'b', max, 0, 0);
	c->u.vec.alpha = 1;
	lw_dst_val(l, c, y, IR_F32, 0, n);
	lw_red(l, c, IG1_VRED_SUM, sum.buf, 0, 0, 1);
	recip(l, name, sum, sum, x->rcols);
	c = lw_vec(l, IG1_OP_V_MUL, lw_name(l, name, "scale"), n, 1, x->rcols);
	lw_src_val(l, c, 'a', y, 0, n);
	src_rows(l, c, 'b', sum, 0, 0);
	lw_dst_val(l, c, y, IR_F32, 0, n);
}

void lw_softmax(struct lower *l, const struct ir_op *op)
{
	softmax(l, op->name, &l->vals[op->in[0]->id], &l->vals[op->id], op->width);
}

void lw_dots(struct lower *l, const struct ir_op *op)
{
	const struct cg_val *x = &l->vals[op->in[0]->id], *y = &l->vals[op->id];
	uint32_t n = op->in[0]->width;
	struct cg_cmd *c;

	c = lw_vec(l, IG1_OP_V_MUL, op->name, n, op->width, x->rcols);
	lw_src_const(l, c, 'a', op->konst, n);
	lw_src(l, c, 'b', x->buf, x->off, 1, 0, (int64_t)(x->cstride / 4), x->roff);
	lw_red(l, c, IG1_VRED_SUM, y->buf, y->off, 1, (int64_t)(y->cstride / 4));
}

/* --- routing --------------------------------------------------------------------------------- */

struct route {
	struct lower *l;
	const struct ir_op *op;
	const struct cg_val *p, *s, *y; /* weights, what selects, the value */
	const struct ir_const *sel;
};

/* Source `which`: what is one at the number in R[INDEX] and zero elsewhere. */
static void src_one_hot(struct route *r, struct cg_cmd *c, char which)
{
	lw_src_crom_at(r->l, c, which, r->sel->addr + 4ull * (r->op->experts - 1), 1, INDEX);
}

static void src_number(struct route *r, struct cg_cmd *c, char which, unsigned int from_end)
{
	lw_src_crom_at(r->l, c, which, r->sel->addr + 4 * (r->sel->n - from_end), 0, R_ZERO);
}

/* R[INDEX] = the selector's row for the number at `off` of a column of idx */
static void load_number(struct route *r, const char *name, struct rows idx, uint64_t off)
{
	struct lower *l = r->l;

	lw_ld(l, name, INDEX, column(l, name, COL, 4ull * idx.n), IG1_LDW_U32, idx.buf, off);
	lw_alu(l, name, INDEX, INDEX, IG1_ALUOP_MUL, R_ZERO, (uint64_t)-4);
}

/* The column's n scores without the one whose number is in R[INDEX]. */
static void take_out(struct route *r, const char *name, const struct cg_val *from, struct rows to,
		     uint64_t off, uint32_t n)
{
	struct lower *l = r->l;
	struct cg_cmd *c;
	unsigned int a = column(l, name, COL, from->cstride), b = a;

	if (from->buf != to.buf)
		b = column(l, name, COL2, 4ull * to.n);
	c = lw_vec(l, IG1_OP_V_MAD, name, n, 1, R_ZERO);
	src_one_hot(r, c, 'a');
	src_number(r, c, 'b', 2);
	lw_src(l, c, 'c', from->buf, from->off + off, 1, 0, 0, a);
	lw_dst(l, c, to.buf, off, 0, 0);
	c->u.vec.ry = (uint8_t)b;
}

static struct cg_val val_of(struct rows r, uint8_t rcols)
{
	return (struct cg_val){ .set = true, .buf = r.buf, .cstride = 4ull * r.n, .rcols = rcols };
}

static void reduce(struct route *r, const char *what, enum ig1_vred red, const struct cg_val *x,
		   uint32_t n, uint32_t n1, struct rows to)
{
	struct cg_cmd *c =
		lw_vec(r->l, IG1_OP_V_MOV, lw_name(r->l, r->op->name, what), n, n1, x->rcols);

	lw_src_val(r->l, c, 'a', x, 0, n);
	lw_red(r->l, c, red, to.buf, 0, 1, to.n);
}

/* The sum of the two greatest scores of every group. */
static void group_scores(struct route *r, struct rows sums)
{
	uint32_t g = r->op->groups, n = r->op->experts / g, i;
	struct rows first, rest, next;
	struct lower *l = r->l;
	const char *name = lw_name(l, r->op->name, "group_rest");
	struct cg_val v;
	struct cg_cmd *c;
	size_t loop;

	reduce(r, "group_max", IG1_VRED_MAX, r->s, n, g, sums);
	if (n == 1)
		return;
	first = new_rows(l, r->op->name, "group_first", g);
	rest = new_rows(l, r->op->name, "group_rest", r->op->experts);
	next = new_rows(l, r->op->name, "group_next", g);
	reduce(r, "group_first", IG1_VRED_ARGMAX, r->s, n, g, first);
	loop = each_column(l, name);
	for (i = 0; i < g; i++) {
		load_number(r, name, first, 4ull * i);
		take_out(r, name, r->s, rest, 4ull * i * n, n);
	}
	each_column_end(l, loop);
	v = val_of(rest, r->s->rcols);
	reduce(r, "group_next", IG1_VRED_MAX, &v, n, g, next);
	c = lw_vec(l, IG1_OP_V_ADD, lw_name(l, r->op->name, "group_sum"), g, 1, r->s->rcols);
	src_rows(l, c, 'a', sums, 1, 0);
	src_rows(l, c, 'b', next, 1, 0);
	lw_dst(l, c, sums.buf, 0, 0, g);
}

/* Scores of experts outside of the best groups become the least number. */
static void limit_groups(struct route *r, struct rows to)
{
	uint32_t g = r->op->groups, n = r->op->experts / g, i;
	struct lower *l = r->l;
	const char *name = lw_name(l, r->op->name, "groups");
	struct rows sums = new_rows(l, r->op->name, "group_sums", g);
	struct rows keep = new_rows(l, r->op->name, "group_keep", g);
	struct rows best = new_rows(l, r->op->name, "group_best", r->op->used_groups);
	struct cg_val v = val_of(sums, r->s->rcols);
	unsigned int col;
	struct cg_cmd *c;
	size_t loop;

	group_scores(r, sums);
	for (i = 0; i < r->op->used_groups; i++) {
		c = lw_vec(l, IG1_OP_V_MOV, name, g, 1, r->s->rcols);
		src_rows(l, c, 'a', sums, 1, 0);
		lw_red(l, c, IG1_VRED_ARGMAX, best.buf, 4ull * i, 0, best.n);
		loop = each_column(l, name);
		load_number(r, name, best, 4ull * i);
		take_out(r, name, &v, sums, 0, g);
		col = column(l, name, COL, 4ull * g);
		c = lw_vec(l, i ? IG1_OP_V_ADD : IG1_OP_V_MOV, name, g, 1, R_ZERO);
		src_one_hot(r, c, 'a');
		if (i)
			lw_src(l, c, 'b', keep.buf, 0, 1, 0, 0, col);
		lw_dst(l, c, keep.buf, 0, 0, 0);
		c->u.vec.ry = (uint8_t)col;
		each_column_end(l, loop);
	}
	/* zero for those that are kept */
	c = lw_vec(l, IG1_OP_V_LIN, name, g, 1, r->s->rcols);
	src_rows(l, c, 'a', keep, 1, 0);
	c->u.vec.alpha = FLT_MAX;
	c->u.vec.beta = -FLT_MAX;
	lw_dst(l, c, keep.buf, 0, 0, g);
	c = lw_vec(l, IG1_OP_V_ADD, name, n, g, r->s->rcols);
	lw_src_val(l, c, 'a', r->s, 0, n);
	src_rows(l, c, 'b', keep, 0, 1);
	lw_dst(l, c, to.buf, 0, n, to.n);
}

/* The chosen weights, divided by their sum, and scaled. */
static void finish_weights(struct route *r)
{
	const struct ir_op *op = r->op;
	struct lower *l = r->l;
	struct rows sum;
	struct cg_cmd *c;

	if (op->chosen)
		softmax(l, lw_name(l, op->name, "chosen"), r->y, r->y, op->used);
	if (op->norm) {
		sum = new_rows(l, op->name, "sum", 1);
		c = lw_vec(l, IG1_OP_V_MOV, lw_name(l, op->name, "sum"), op->used, 1, r->y->rcols);
		lw_src_val(l, c, 'a', r->y, 0, op->used);
		lw_red(l, c, IG1_VRED_SUM, sum.buf, 0, 0, 1);
		c = vec_columns(l, IG1_OP_V_MAX, lw_name(l, op->name, "least"), r->y->rcols);
		lw_src(l, c, 'a', sum.buf, 0, 1, 0, 0, R_ZERO);
		src_number(r, c, 'b', 1);
		lw_dst(l, c, sum.buf, 0, 0, 0);
		recip(l, op->name, sum, sum, r->y->rcols);
		c = lw_vec(l, IG1_OP_V_MUL, lw_name(l, op->name, "norm"), op->used, 1, r->y->rcols);
		lw_src_val(l, c, 'a', r->y, 0, op->used);
		src_rows(l, c, 'b', sum, 0, 0);
		lw_dst_val(l, c, r->y, IR_F32, 0, op->used);
	}
	if (op->scale != 0 && op->scale != 1) {
		c = lw_vec(l, IG1_OP_V_LIN, lw_name(l, op->name, "scale"), op->used, 1,
			   r->y->rcols);
		lw_src_val(l, c, 'a', r->y, 0, op->used);
		c->u.vec.alpha = op->scale;
		lw_dst_val(l, c, r->y, IR_F32, 0, op->used);
	}
}

/*
 * Choice number j. Where weights select, the greatest score is the weight; else it is found by
 * its number: the weights' product with what is one there.
 */
static void choose(struct route *r, uint32_t j, struct cg_val *scores, struct rows rest)
{
	const struct ir_op *op = r->op;
	struct lower *l = r->l;
	const char *name = lw_name(l, op->name, "choice");
	struct rows idx = { r->y->sbuf, op->used };
	bool same = op->n_in == 1;
	unsigned int pc, yc;
	struct cg_cmd *c;
	size_t loop;

	c = lw_vec(l, IG1_OP_V_MOV, lw_name(l, op->name, "number"), op->experts, 1, scores->rcols);
	lw_src_val(l, c, 'a', scores, 0, op->experts);
	lw_red(l, c, IG1_VRED_ARGMAX, idx.buf, 4ull * j, 0, idx.n);
	if (same) {
		c = lw_vec(l, IG1_OP_V_MOV, lw_name(l, op->name, "weight"), op->experts, 1,
			   scores->rcols);
		lw_src_val(l, c, 'a', scores, 0, op->experts);
		lw_red(l, c, IG1_VRED_MAX, r->y->buf, r->y->off + 4ull * j, 0,
		       (int64_t)(r->y->cstride / 4));
	}
	if (same && j + 1 == op->used)
		return;
	loop = each_column(l, name);
	load_number(r, name, idx, 4ull * j);
	if (!same) {
		pc = column(l, name, COL, r->p->cstride);
		yc = column(l, name, COL2, r->y->cstride);
		c = lw_vec(l, IG1_OP_V_MUL, lw_name(l, op->name, "weight"), op->experts, 1, R_ZERO);
		src_one_hot(r, c, 'a');
		lw_src(l, c, 'b', r->p->buf, r->p->off, 1, 0, 0, pc);
		lw_red(l, c, IG1_VRED_SUM, r->y->buf, r->y->off + 4ull * j, 0, 0);
		c->u.vec.rz = (uint8_t)yc;
	}
	if (j + 1 < op->used)
		take_out(r, name, scores, rest, 0, op->experts);
	each_column_end(l, loop);
	*scores = val_of(rest, scores->rcols);
}

void lw_route(struct lower *l, const struct ir_op *op)
{
	const struct cg_val *p = &l->vals[op->in[0]->id], *y = &l->vals[op->id];
	const struct cg_val *s = &l->vals[op->in[op->n_in - 1]->id];
	struct route r = { .l = l, .op = op, .p = p, .s = s, .y = y, .sel = op->konst };
	struct rows rest = new_rows(l, op->name, "rest", op->experts);
	struct cg_val scores = *s;
	uint32_t j;

	if (op->groups > 1) {
		limit_groups(&r, rest);
		scores = val_of(rest, s->rcols);
	}
	for (j = 0; j < op->used; j++)
		choose(&r, j, &scores, rest);
	finish_weights(&r);
}

/* --- matrices of experts ---------------------------------------------------------------------- */

struct experts {
	struct lower *l;
	const struct ir_op *op;
	const struct cg_val *route;
	uint32_t used;
	uint64_t rows; /* of a part of an expert */
};

/* R[INDEX] = the number of the column's choice j */
static void load_choice(struct experts *e, const char *name, uint32_t j)
{
	lw_ld(e->l, name, INDEX, column(e->l, name, COL, 4ull * e->used), IG1_LDW_U32,
	      e->route->sbuf, 4ull * j);
}

/* R[AT] = R[INDEX] * distance, plus what a run of layers adds */
static void address(struct experts *e, const char *name, uint64_t distance, unsigned int run_reg)
{
	lw_alu(e->l, name, AT, INDEX, IG1_ALUOP_MUL, R_ZERO, distance);
	if (e->l->run)
		lw_alu(e->l, name, AT, AT, IG1_ALUOP_ADD, run_reg, 0);
}

/* A part's first row, and the distance of the experts. */
static const struct ir_tensor *part(const struct experts *e, uint32_t k, uint64_t *rom,
				    uint64_t *distance)
{
	const struct ir_op *op = e->op;
	const struct ir_tensor *t = op->mats[k * (op->n_mats / op->parts)];
	bool joined = k ? t == op->mats[0] : op->parts > 1 && op->mats[1] == t;

	*rom = t->addr + (joined ? k * e->rows * t->stride : 0);
	*distance = (joined ? op->parts : 1) * e->rows * t->stride;
	return t;
}

static struct cg_cmd *expert_mm(struct experts *e, uint32_t k, uint64_t *distance)
{
	uint64_t rom;
	const struct ir_tensor *t = part(e, k, &rom, distance);
	struct cg_cmd *c = cg_cmd(e->l->p, IG1_OP_T_MM, e->op->name);

	c->u.mm.fmt = lw_wfmt(t);
	c->u.mm.rom = rom;
	c->u.mm.rrom = AT;
	c->u.mm.wstride = (uint32_t)t->stride;
	c->u.mm.rows = (uint32_t)e->rows;
	c->u.mm.groups = (uint32_t)t->groups;
	c->u.mm.cols = 1;
	return c;
}

/* Numbers of the chosen experts, which are in constant ROM part by part. */
void lw_gather(struct lower *l, const struct ir_op *op)
{
	const struct ir_op *route = op->in[0];
	const struct cg_val *y = &l->vals[op->id];
	struct experts e = { .l = l, .op = op, .route = &l->vals[route->id], .used = route->used };
	const char *name = lw_name(l, op->name, "address");
	unsigned int yc;
	struct cg_cmd *c;
	uint32_t j;
	size_t loop;

	loop = each_column(l, lw_name(l, op->name, "columns"));
	yc = column(l, name, COL4, y->cstride);
	for (j = 0; j < e.used; j++) {
		load_choice(&e, name, j);
		address(&e, name, 4, R_CROM);
		c = lw_vec(l, IG1_OP_V_MOV, op->name, 1, op->parts, R_ZERO);
		lw_src_crom_at(l, c, 'a', op->konst->addr, 1, AT);
		c->u.vec.a1 = (int32_t)route->experts;
		lw_dst(l, c, y->buf, y->off + 4ull * j, e.used, 0);
		c->u.vec.ry = (uint8_t)yc;
	}
	each_column_end(l, loop);
}

void lw_experts(struct lower *l, const struct ir_op *op)
{
	const struct cg_val *x = &l->vals[op->in[0]->id], *y = &l->vals[op->id];
	struct experts e = { l, op, &l->vals[op->in[1]->id], op->in[1]->used, ir_expert_rows(op) };
	const char *name = lw_name(l, op->name, "address");
	uint64_t distance, set, rom;
	unsigned int xc, sc, yc;
	struct cg_cmd *c;
	uint32_t j, k;
	size_t loop;

	loop = each_column(l, lw_name(l, op->name, "columns"));
	xc = column(l, name, COL2, x->cstride);
	sc = column(l, name, COL3, x->scstride);
	yc = column(l, name, COL4, y->cstride);
	for (j = 0; j < e.used; j++) {
		load_choice(&e, name, j);
		for (k = 0, set = 0; k < op->parts; k++) {
			uint64_t off = y->off + 4 * (k * e.used + j) * e.rows;

			part(&e, k, &rom, &distance);
			if (distance != set)
				address(&e, name, distance, R_ROM);
			set = distance;
			c = expert_mm(&e, k, &distance);
			c->u.mm.rx = (uint8_t)xc;
			c->u.mm.rxs = (uint8_t)sc;
			c->u.mm.ry = (uint8_t)yc;
			cg_ref(l->p, c, CG_FIELD(mm, x), false, false, x->buf, x->off);
			cg_ref(l->p, c, CG_FIELD(mm, xs), false, false, x->sbuf, x->soff);
			cg_ref(l->p, c, CG_FIELD(mm, y), false, true, y->buf, off);
		}
		if (!op->konst)
			continue;
		address(&e, name, 4 * e.rows, R_CROM);
		c = lw_vec(l, IG1_OP_V_ADD, lw_name(l, op->name, "bias"), e.rows, op->parts,
			   R_ZERO);
		lw_src(l, c, 'a', y->buf, y->off + 4 * j * e.rows, 1, (int64_t)(e.used * e.rows), 0,
		       yc);
		lw_src_crom_at(l, c, 'b', op->konst->addr, 1, AT);
		c->u.vec.b1 = (int32_t)(op->in[1]->experts * e.rows);
		lw_dst(l, c, y->buf, y->off + 4 * j * e.rows, (int64_t)(e.used * e.rows), 0);
		c->u.vec.ry = (uint8_t)yc;
	}
	each_column_end(l, loop);
}

/*
 * A weight goes into the scales of the expert's input, so that the experts' matmuls add up to the
 * weighted sum, in the order of the choice.
 */
void lw_combine(struct lower *l, const struct ir_op *op)
{
	const struct cg_val *x = &l->vals[op->in[0]->id], *y = &l->vals[op->id];
	struct experts e = { l, op, &l->vals[op->in[1]->id], op->in[1]->used, ir_expert_rows(op) };
	const char *name = lw_name(l, op->name, "address");
	uint32_t groups = (uint32_t)op->mats[0]->groups, j;
	struct rows scales = new_rows(l, op->name, "scales", e.used * groups);
	unsigned int xc, sc, yc, wc;
	uint64_t distance, rom;
	struct cg_cmd *c;
	size_t loop;

	c = lw_vec(l, IG1_OP_V_MUL, lw_name(l, op->name, "weights"), groups, e.used, x->rcols);
	lw_src(l, c, 'a', x->sbuf, x->soff, 1, groups, (int64_t)(x->scstride / 4), R_ZERO);
	lw_src(l, c, 'b', e.route->buf, e.route->off, 0, 1, (int64_t)(e.route->cstride / 4),
	       R_ZERO);
	lw_dst(l, c, scales.buf, 0, groups, scales.n);
	loop = each_column(l, lw_name(l, op->name, "columns"));
	xc = column(l, name, COL2, x->cstride);
	sc = column(l, name, COL3, 4ull * scales.n);
	yc = column(l, name, COL4, y->cstride);
	part(&e, 0, &rom, &distance);
	for (j = 0; j < e.used; j++) {
		load_choice(&e, name, j);
		address(&e, name, distance, R_ROM);
		c = expert_mm(&e, 0, &distance);
		c->u.mm.acc = j || op->acc;
		c->u.mm.rx = (uint8_t)xc;
		c->u.mm.rxs = (uint8_t)sc;
		c->u.mm.ry = (uint8_t)yc;
		cg_ref(l->p, c, CG_FIELD(mm, x), false, false, x->buf, x->off + 32ull * groups * j);
		cg_ref(l->p, c, CG_FIELD(mm, xs), false, false, scales.buf, 4ull * groups * j);
		cg_ref(l->p, c, CG_FIELD(mm, y), false, true, y->buf, y->off);
	}
	/* after the matmuls, so that the engines take turns once */
	for (j = 0; j < e.used && op->konst; j++) {
		load_choice(&e, name, j);
		address(&e, name, 4 * e.rows, R_CROM);
		wc = column(l, name, COL, e.route->cstride);
		c = lw_vec(l, IG1_OP_V_MAD, lw_name(l, op->name, "bias"), e.rows, 1, R_ZERO);
		lw_src(l, c, 'a', e.route->buf, e.route->off + 4ull * j, 0, 0, 0, wc);
		lw_src_crom_at(l, c, 'b', op->konst->addr, 1, AT);
		lw_src(l, c, 'c', y->buf, y->off, 1, 0, 0, yc);
		lw_dst(l, c, y->buf, y->off, 0, 0);
		c->u.vec.ry = (uint8_t)yc;
	}
	each_column_end(l, loop);
}
