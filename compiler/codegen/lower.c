// SPDX-License-Identifier: MIT
/* Operations of the graph to commands, one after the other; attention and the step's frame apart. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "compiler/codegen/lower.h"

static struct cg_val *val(struct lower *l, const struct ir_op *op)
{
	return &l->vals[op->id];
}

/* Room for a value of all columns. */
static void new_val(struct lower *l, const struct ir_op *op, uint8_t rcols)
{
	struct cg_val *v = val(l, op);
	uint64_t g;

	if (v->set) {
		v->rcols = rcols;
		return;
	}
	*v = (struct cg_val){ .set = true, .rcols = rcols };
	if (op->dt == IR_F32) {
		v->cstride = (uint64_t)(op->width + 31) / 32 * 128;
		v->buf = cg_buf(l->p, op->name, v->cstride * l->shape->cols);
		return;
	}
	g = ir_groups(op->width, op->seg);
	v->cstride = 32 * g;
	v->scstride = 4 * g;
	v->buf = cg_buf(l->p, op->name, v->cstride * l->shape->cols);
	v->sbuf = cg_buf(l->p, lw_name(l, op->name, "scales"), v->scstride * l->shape->cols);
}

/* The part of v that a slice at element `off` is. */
static struct cg_val view(const struct cg_val *v, const struct ir_op *of, uint64_t off)
{
	struct cg_val r = *v;
	uint64_t g;

	if (of->dt == IR_F32) {
		r.off += 4 * off;
		return r;
	}
	g = off / of->seg * (lw_seg_bytes(of->seg) / 32);
	r.off += 32 * g;
	r.soff += 4 * g;
	return r;
}

static const struct ir_op *root_of(const struct ir_op *op, uint64_t *off)
{
	for (*off = 0; op->kind == IR_SLICE; op = op->in[0])
		*off += op->off;
	return op;
}

bool lw_may_overwrite(const struct ir_op *op)
{
	uint64_t off, o;
	const struct ir_op *root = root_of(op->in[0], &off), *u;
	size_t i;

	for (u = op->next; u; u = u->next) {
		for (i = 0; u->kind != IR_SLICE && i < u->n_in; i++) {
			if (root_of(u->in[i], &o) == root && o < off + op->width &&
			    off < o + u->in[i]->width)
				return false;
		}
	}
	return true;
}

static void lower_embed(struct lower *l, const struct ir_op *op)
{
	struct ir_tensor *t = op->mats[0];
	struct cg_cmd *c;

	new_val(l, op, R_COLS);
	c = cg_cmd(l->p, IG1_OP_T_EMB, op->name);
	c->u.emb.fmt = lw_wfmt(t);
	c->u.emb.rom = t->addr;
	c->u.emb.wstride = (uint32_t)t->stride;
	c->u.emb.rows = (uint32_t)t->rows;
	c->u.emb.groups = (uint32_t)t->groups;
	c->u.emb.rcols = R_COLS;
	c->u.emb.istride = CG_COL_BYTES;
	c->u.emb.ystride = (uint32_t)val(l, op)->cstride;
	cg_ref(l->p, c, CG_FIELD(emb, idx), false, false, l->coltab,
	       op->by_pos ? CG_COL_POS : CG_COL_TOKEN);
	cg_ref(l->p, c, CG_FIELD(emb, y), false, true, val(l, op)->buf, val(l, op)->off);
}

static void lower_rmsnorm(struct lower *l, const struct ir_op *op)
{
	const struct cg_val *x = val(l, op->in[0]);
	uint32_t rows = op->width / op->seg, ss, rs;
	struct cg_cmd *c;

	ss = cg_buf(l->p, lw_name(l, op->name, "sums"), 4ull * rows * l->shape->cols);
	rs = cg_buf(l->p, lw_name(l, op->name, "rsqrts"), 4ull * rows * l->shape->cols);
	c = lw_vec(l, IG1_OP_V_MUL, lw_name(l, op->name, "sumsq"), op->seg, rows, x->rcols);
	lw_src_val(l, c, 'a', x, 0, op->seg);
	lw_src_val(l, c, 'b', x, 0, op->seg);
	lw_red(l, c, IG1_VRED_SUM, ss, 0, 1, rows);
	/* one row per column: let the columns be the row */
	c = lw_vec(l, IG1_OP_V_RSQRT, lw_name(l, op->name, "rsqrt"), rows > 1 ? rows : 0, 1,
		   rows > 1 ? x->rcols : R_ZERO);
	if (rows == 1)
		c->u.vec.rn0 = x->rcols;
	lw_src(l, c, 'a', ss, 0, 1, 0, rows, R_ZERO);
	lw_dst(l, c, rs, 0, 0, rows);
	c->u.vec.alpha = (float)(1.0 / op->seg);
	c->u.vec.beta = op->eps;
	if (op->dt == IR_F32 && lw_may_overwrite(op) && !x->roff) {
		*val(l, op) = *x;
	} else {
		new_val(l, op, x->rcols);
	}
	c = lw_vec(l, IG1_OP_V_MUL3, lw_name(l, op->name, "scale"), op->seg, rows, x->rcols);
	lw_src_val(l, c, 'a', x, 0, op->seg);
	lw_src(l, c, 'b', rs, 0, 0, 1, rows, R_ZERO);
	lw_src_crom(l, c, 'c', op->konst->addr, op->seg);
	lw_dst_val(l, c, val(l, op), op->dt, 0, op->seg);
}

static void lower_matmul(struct lower *l, const struct ir_op *op)
{
	const struct cg_val *x = val(l, op->in[0]), *y;
	const struct ir_tensor *t = op->mats[0];
	struct cg_cmd *c;

	if (op->acc)
		*val(l, op) = *val(l, op->in[1]);
	else
		new_val(l, op, x->rcols);
	y = val(l, op);
	c = cg_cmd(l->p, IG1_OP_T_MM, op->name);
	c->u.mm.fmt = lw_wfmt(t);
	c->u.mm.acc = (uint8_t)op->acc;
	c->u.mm.scaled = op->scale != 0;
	c->u.mm.alpha = op->scale;
	c->u.mm.rom = t->addr;
	c->u.mm.wstride = (uint32_t)t->stride;
	c->u.mm.rows = op->width;
	c->u.mm.groups = (uint32_t)t->groups;
	c->u.mm.rcols = x->rcols;
	c->u.mm.rrom = (uint8_t)lw_run_reg(l, R_ROM);
	c->u.mm.xstride = (uint32_t)x->cstride;
	c->u.mm.xsstride = (uint32_t)x->scstride;
	c->u.mm.ystride = (uint32_t)y->cstride;
	cg_ref(l->p, c, CG_FIELD(mm, x), false, false, x->buf, x->off);
	cg_ref(l->p, c, CG_FIELD(mm, xs), false, false, x->sbuf, x->soff);
	cg_ref(l->p, c, CG_FIELD(mm, y), false, true, y->buf, y->off);
}

static void lower_bias(struct lower *l, const struct ir_op *op)
{
	const struct cg_val *x = val(l, op->in[0]);
	uint32_t seg = op->dt == IR_Q8 ? op->seg : op->width;
	struct cg_cmd *c;

	if (op->dt == IR_F32 && lw_may_overwrite(op) && !x->roff)
		*val(l, op) = *x;
	else
		new_val(l, op, x->rcols);
	c = lw_vec(l, IG1_OP_V_ADD, op->name, seg, op->width / seg, x->rcols);
	lw_src_val(l, c, 'a', x, 0, seg);
	lw_src_crom(l, c, 'b', op->konst->addr, seg);
	lw_dst_val(l, c, val(l, op), op->dt, 0, seg);
}

/* Both halves of a head for all heads and columns; what is not rotated is copied. */
static void lower_rope(struct lower *l, const struct ir_op *op)
{
	const struct cg_val *x = val(l, op->in[0]), *y;
	uint32_t half = op->table->dims / 2, heads = op->width / op->seg, i;
	uint32_t rope = l->rope_bufs[op->table->id];
	int64_t stride = 3 * (int64_t)half;
	struct cg_cmd *c;

	new_val(l, op, x->rcols);
	y = val(l, op);
	for (i = 0; i < 2; i++) {
		c = lw_vec(l, IG1_OP_V_ROT, lw_name(l, op->name, i ? "high" : "low"), half, heads,
			   x->rcols);
		lw_src_val(l, c, 'a', x, (uint64_t)i * half, op->seg);
		lw_src_val(l, c, 'b', x, (uint64_t)(1 - i) * half, op->seg);
		lw_src(l, c, 'c', rope, 0, 1, 0, stride, R_ZERO);
		lw_src(l, c, 'd', rope, 4ull * half * (1 + i), 1, 0, stride, R_ZERO);
		lw_dst_val(l, c, y, op->dt, (uint64_t)i * half, op->seg);
	}
	if (op->seg > op->table->dims) {
		c = lw_vec(l, IG1_OP_V_MOV, lw_name(l, op->name, "rest"), op->seg - op->table->dims,
			   heads, x->rcols);
		lw_src_val(l, c, 'a', x, op->table->dims, op->seg);
		lw_dst_val(l, c, y, op->dt, op->table->dims, op->seg);
	}
}

static void lower_quant(struct lower *l, const struct ir_op *op)
{
	const struct cg_val *x = val(l, op->in[0]);
	struct cg_cmd *c;

	new_val(l, op, x->rcols);
	c = lw_vec(l, IG1_OP_V_MOV, op->name, op->seg, op->width / op->seg, x->rcols);
	lw_src_val(l, c, 'a', x, 0, op->seg);
	lw_dst_val(l, c, val(l, op), op->dt, 0, op->seg);
}

static void lower_binary(struct lower *l, const struct ir_op *op, uint8_t code)
{
	const struct cg_val *a = val(l, op->in[0]), *b = val(l, op->in[1]);
	uint32_t seg = op->dt == IR_Q8 ? op->seg : op->width;
	struct cg_cmd *c;

	/* a residual stays where it is: see in_place() of runs.c */
	if (op->dt == IR_F32 && lw_may_overwrite(op) && !a->roff)
		*val(l, op) = *a;
	else
		new_val(l, op, a->rcols);
	c = lw_vec(l, code, op->name, seg, op->width / seg, a->rcols);
	lw_src_val(l, c, 'a', a, 0, seg);
	lw_src_val(l, c, 'b', b, 0, seg);
	lw_dst_val(l, c, val(l, op), op->dt, 0, seg);
}

static void lower_dot(struct lower *l, const struct ir_op *op)
{
	const struct cg_val *a = val(l, op->in[0]), *b = val(l, op->in[1]), *y = val(l, op);
	struct cg_cmd *c = lw_vec(l, IG1_OP_V_MUL, op->name, op->seg, op->width, a->rcols);

	lw_src_val(l, c, 'a', a, 0, op->seg);
	lw_src_val(l, c, 'b', b, 0, op->seg);
	lw_red(l, c, IG1_VRED_SUM, y->buf, y->off, 1, (int64_t)(y->cstride / 4));
}

/* The columns whose logits are wanted; decode wants all. */
static void lower_pick(struct lower *l, const struct ir_op *op)
{
	struct cg_val *v = val(l, op);

	*v = *val(l, op->in[0]);
	v->rcols = R_PICKED;
	if (l->kind == IG1_PROG_DECODE)
		return;
	lw_alu(l, op->name, R_PICK, R_FIRST, IG1_ALUOP_MUL, R_ZERO, v->cstride);
	v->roff = R_PICK;
}

/* Storage inside a concat's value for its parts, before they are made. */
static int place_concats(struct lower *l)
{
	struct ir_op *op;
	uint64_t off;
	size_t i;

	for (op = l->m->first; op; op = op->next) {
		if (op->kind != IR_CONCAT)
			continue;
		new_val(l, op, R_COLS);
		for (i = 0, off = 0; i < op->n_in; i++) {
			if (op->in[i]->kind == IR_SLICE || val(l, op->in[i])->set)
				return diag_set(&l->m->diag, -ENOTSUP,
						"%s: a part has a place already", op->name);
			*val(l, op->in[i]) = view(val(l, op), op, off);
			off += op->in[i]->width;
		}
	}
	return 0;
}

/* What is done to each logit: a bias, a function of it alone. */
static bool of_one_logit(const struct ir_op *op)
{
	return op->kind == IR_BIAS || (op->kind == IR_ELT && op->n_in == 1 && !op->konst);
}

/* The matmul of the vocabulary, which is computed in parts, and what is done to its results. */
static bool makes_logits(const struct lower *l, const struct ir_op *op)
{
	const struct ir_op *user;

	if (op->kind != IR_MATMUL && !of_one_logit(op))
		return false;
	for (user = ir_only_user(l->m, op); user; user = ir_only_user(l->m, user)) {
		if (user->kind == IR_LOGITS)
			return true;
		if (!of_one_logit(user))
			return false;
	}
	return false;
}

static int lower_logits(struct lower *l, const struct ir_op *op)
{
	const struct ir_op *mm = op->in[0];

	while (of_one_logit(mm))
		mm = mm->in[0];
	if (mm->kind != IR_MATMUL || mm->acc || mm->n_mats != 1 || mm->scale != 0)
		return diag_set(&l->m->diag, -ENOTSUP, "%s: logits are not a matmul's result",
				op->name);
	lw_logits(l, mm, val(l, mm->in[0]));
	return 0;
}

static int lower_experts(struct lower *l, const struct ir_op *op)
{
	if (op->in[0]->dt != IR_Q8)
		return diag_set(&l->m->diag, -ENOTSUP, "%s: input is not quantised", op->name);
	if (op->acc)
		*val(l, op) = *val(l, op->in[2]);
	else
		new_val(l, op, val(l, op->in[0])->rcols);
	if (op->kind == IR_EXPERTS)
		lw_experts(l, op);
	else
		lw_combine(l, op);
	return l->m->diag.err;
}

static int lower_op(struct lower *l, const struct ir_op *op)
{
	switch (op->kind) {
	case IR_EMBED:
		lower_embed(l, op);
		break;
	case IR_RMSNORM:
		lower_rmsnorm(l, op);
		break;
	case IR_MATMUL:
		if (op->in[0]->dt != IR_Q8)
			return diag_set(&l->m->diag, -ENOTSUP, "%s: input is not quantised",
					op->name);
		if (!makes_logits(l, op))
			lower_matmul(l, op);
		break;
	case IR_BIAS:
		if (!makes_logits(l, op))
			lower_bias(l, op);
		break;
	case IR_SLICE:
		*val(l, op) = view(val(l, op->in[0]), op->in[0], op->off);
		break;
	case IR_CONCAT:
		break;
	case IR_ROPE:
		if (op->pairs)
			return diag_set(&l->m->diag, -ENOTSUP, "%s: rotation of adjacent pairs",
					op->name);
		lower_rope(l, op);
		break;
	case IR_QUANT:
		lower_quant(l, op);
		break;
	case IR_KVSTORE:
		lw_kvstore(l, op);
		break;
	case IR_ATTENTION:
		if (op->n_in != 1 || op->in[0]->dt != IR_Q8)
			return diag_set(&l->m->diag, -ENOTSUP, "%s: not split", op->name);
		new_val(l, op, R_COLS);
		lw_attention(l, op, val(l, op->in[0]), val(l, op));
		break;
	case IR_ADD:
		lower_binary(l, op, IG1_OP_V_ADD);
		break;
	case IR_ELT:
		if (makes_logits(l, op))
			break;
		new_val(l, op, val(l, op->in[0])->rcols);
		lw_elt(l, op);
		break;
	case IR_CONV:
		new_val(l, op, R_COLS);
		lw_conv(l, op, val(l, op));
		break;
	case IR_SCAN:
		new_val(l, op, R_COLS);
		lw_scan(l, op, val(l, op));
		break;
	case IR_DOT:
		new_val(l, op, val(l, op->in[0])->rcols);
		lower_dot(l, op);
		break;
	case IR_SHIFT:
		new_val(l, op, R_COLS);
		lw_shift(l, op, val(l, op));
		break;
	case IR_WKV:
		new_val(l, op, R_COLS);
		lw_wkv(l, op, val(l, op));
		break;
	case IR_SQLA:
		new_val(l, op, R_COLS);
		lw_sqla(l, op, val(l, op));
		break;
	case IR_RUNSUM:
		new_val(l, op, R_COLS);
		lw_runsum(l, op, val(l, op));
		break;
	case IR_DOTS:
		new_val(l, op, val(l, op->in[0])->rcols);
		lw_dots(l, op);
		break;
	case IR_SOFTMAX:
		new_val(l, op, val(l, op->in[0])->rcols);
		lw_softmax(l, op);
		break;
	case IR_ROUTE:
		new_val(l, op, val(l, op->in[0])->rcols);
		val(l, op)->sbuf = cg_buf(l->p, lw_name(l, op->name, "numbers"),
					  4ull * op->used * l->shape->cols);
		lw_route(l, op);
		break;
	case IR_GATHER:
		new_val(l, op, val(l, op->in[0])->rcols);
		lw_gather(l, op);
		break;
	case IR_HEADMM:
		if (op->in[0]->dt != IR_Q8)
			return diag_set(&l->m->diag, -ENOTSUP, "%s: input is not quantised",
					op->name);
		new_val(l, op, val(l, op->in[0])->rcols);
		lw_headmm(l, op);
		break;
	case IR_JOIN:
		new_val(l, op, val(l, op->in[0])->rcols);
		lw_join(l, op);
		break;
	case IR_EXPERTS:
	case IR_COMBINE:
		return lower_experts(l, op);
	case IR_ACT:
	case IR_GLU:
		return diag_set(&l->m->diag, -ENOTSUP, "%s: not expanded", op->name);
	case IR_PICK:
		lower_pick(l, op);
		break;
	case IR_LOGITS:
		return lower_logits(l, op);
	case IR_CENTER:
	case IR_L2NORM:
		new_val(l, op, val(l, op->in[0])->rcols);
		lw_norm(l, op);
		break;
	case IR_KINDS:
		break;
	}
	return l->m->diag.err;
}

/* "layer.3/attn" of a run of layers 3 to 7: "layer.3-7/attn" */
static const char *run_name(struct lower *l, const char *name, size_t count)
{
	const char *slash = strchr(name, '/');
	unsigned int layer;
	const char *s;

	if (!slash || sscanf(name, "layer.%u/", &layer) != 1)
		return name;
	s = arena_printf(l->p->arena, "layer.%u-%zu%s", layer, layer + count - 1, slash);
	if (!s)
		diag_nomem(l->p->diag);
	return s ? s : name;
}

static void run_step(struct lower *l, unsigned int rd, uint64_t step)
{
	lw_alu(l, "layers", rd, R_LAYER, IG1_ALUOP_MUL, R_ZERO, step);
}

/* Choices are read in the run, and layers stand before it. */
static bool routes_late(struct ir_op *const *ops, const struct cg_run *run)
{
	bool before = false;
	size_t j;

	for (j = 0; j < run->first; j++)
		before = before || cg_is_anchor(ops[j]);
	for (j = 0; j < run->period && before; j++) {
		if (ops[run->first + j]->kind == IR_ROUTE)
			return true;
	}
	return false;
}

static bool has_routes(struct ir_op *const *ops, const struct cg_run *run)
{
	size_t j;

	for (j = 0; j < run->period; j++) {
		if (ops[run->first + j]->kind == IR_ROUTE)
			return true;
	}
	return false;
}

/* Behind the loop the last iteration's values are where the first one's are. */
static void last_values(struct lower *l, const struct cg_run *run)
{
	size_t j, last = run->first + (run->count - 1) * run->period;

	for (j = 0; j < run->period; j++)
		l->vals[last + j] = l->vals[run->first + j];
}

static int lower_named(struct lower *l, const struct ir_op *op, size_t count)
{
	struct ir_op named = *op;

	named.name = run_name(l, named.name, count);
	return lower_op(l, &named);
}

/* One iteration stands for all. */
static int lower_run(struct lower *l, struct ir_op *const *ops, const struct cg_run *run)
{
	size_t j, loop;
	struct cg_cmd *c;

	/*
	 * The sequencer reads choices in the body: whatever has used that memory, in loops of its own
	 * even, is to be complete, and a loop's start has no other means to wait for it.
	 */
	if (routes_late(ops, run))
		cg_cmd(l->p, IG1_OP_S_SYNC, "layers");
	c = cg_cmd(l->p, IG1_OP_S_LOOP, "layers");
	c->u.seq.rd = R_LAYER;
	c->u.seq.imm = run->count;
	loop = l->p->n_cmds - 1;
	run_step(l, R_ROM, run->rom_step);
	run_step(l, R_CROM, run->crom_step);
	run_step(l, R_KV, run->kv_step);
	if (l->m->meta.state_bytes)
		run_step(l, R_STATE, run->state_step);
	l->run = run;
	for (j = 0; j < run->period; j++) {
		if (lower_named(l, ops[run->first + j], run->count))
			return l->m->diag.err;
	}
	l->run = NULL;
	lw_loop_end(l, loop);
	last_values(l, run);
	return 0;
}

/*
 * Runs in a run: the registers of distances are added to at the end of an iteration, so that they are those
 * of both loops. R_LAYER is the distance of layers in the ring.
 */
static void add_distances(struct lower *l, const struct cg_run *run, uint64_t times)
{
	const struct {
		unsigned int reg;
		uint64_t step;
	} d[] = { { R_ROM, run->rom_step },
		  { R_CROM, run->crom_step },
		  { R_KV, run->kv_step },
		  { R_LAYER, run->ring_step },
		  { R_STATE, run->state_step } };
	size_t i;

	for (i = 0; i < sizeof(d) / sizeof(d[0]); i++) {
		if (d[i].step)
			lw_alu(l, "layers", d[i].reg, d[i].reg, IG1_ALUOP_ADD, R_ZERO,
			       d[i].step * times);
	}
}

static size_t begin_nested(struct lower *l, const struct cg_run *run)
{
	struct cg_cmd *c = cg_cmd(l->p, IG1_OP_S_LOOP, "layers");

	c->u.seq.imm = run->count;
	l->run = run;
	return l->p->n_cmds - 1;
}

static int lower_inner(struct lower *l, struct ir_op *const *ops, const struct cg_run *run)
{
	const struct cg_run *outer = l->run;
	bool routes = has_routes(ops, outer); /* as in lower_run, on both sides */
	size_t j, loop;

	if (routes)
		cg_cmd(l->p, IG1_OP_S_SYNC, "layers");
	loop = begin_nested(l, run);
	for (j = 0; j < run->period; j++) {
		if (lower_named(l, ops[run->first + j], run->count))
			return l->m->diag.err;
	}
	add_distances(l, run, 1);
	lw_loop_end(l, loop);
	l->run = outer;
	add_distances(l, run, 0 - (uint64_t)run->count);
	if (routes)
		cg_cmd(l->p, IG1_OP_S_SYNC, "layers");
	last_values(l, run);
	return 0;
}

static int lower_nested(struct lower *l, struct ir_op *const *ops, size_t n,
			const struct cg_run *run)
{
	static const unsigned int regs[] = { R_ROM, R_CROM, R_KV, R_LAYER, R_STATE };
	size_t end = run->first + run->period, i, loop;
	struct cg_run inner;
	int ret = 0;

	/* not in the loop, where they would be worked out again and again */
	for (i = run->first; i < end; i++) {
		if (ops[i]->kind == IR_KVSTORE)
			lw_single_addresses(l);
	}
	if (routes_late(ops, run))
		cg_cmd(l->p, IG1_OP_S_SYNC, "layers");
	for (i = 0; i < sizeof(regs) / sizeof(regs[0]); i++) {
		if (regs[i] != R_STATE || l->m->meta.state_bytes)
			cg_cmd(l->p, IG1_OP_S_LI, "layers")->u.seq.rd = (uint8_t)regs[i];
	}
	l->nested = true;
	loop = begin_nested(l, run);
	for (i = run->first; i < end && !ret;) {
		if (cg_find_run(ops, n, i, end, l->kv, false, &inner)) {
			ret = lower_inner(l, ops, &inner);
			i += inner.count * inner.period;
		} else {
			ret = lower_named(l, ops[i++], run->count);
		}
	}
	add_distances(l, run, 1);
	lw_loop_end(l, loop);
	l->run = NULL;
	l->nested = false;
	last_values(l, run);
	return ret;
}

/* The embedding needs nothing of the columns but their tokens: it runs while the rest is prepared. */
static int lower_graph(struct lower *l)
{
	struct ir_op **ops, *op;
	struct cg_run run;
	size_t n = 0, i = 0;
	int ret = 0;

	for (op = l->m->first; op; op = op->next)
		n++;
	ops = arena_array(l->p->arena, n + 1, sizeof(struct ir_op *));
	if (!ops)
		return diag_nomem(l->p->diag);
	for (op = l->m->first; op; op = op->next)
		ops[i++] = op;
	for (i = 0; i < n && !ret && ops[i]->kind == IR_EMBED; i++)
		ret = lower_op(l, ops[i]);
	lw_columns(l);
	while (i < n && !ret) {
		if (cg_find_run(ops, n, i, n, l->kv, l->shape->nested, &run)) {
			ret = run.nested ? lower_nested(l, ops, n, &run) : lower_run(l, ops, &run);
			i += run.count * run.period;
		} else {
			ret = lower_op(l, ops[i++]);
		}
	}
	return ret;
}

int cg_lower(struct ir_model *m, enum ig1_prog kind, const struct cg_shape *shape,
	     const struct cg_kv *kv, struct cg_prog *p)
{
	struct lower l = { .m = m, .p = p, .kind = kind, .shape = shape, .kv = kv };
	const struct ir_table *r;
	size_t loop = 0, n = 0;

	ir_renumber(m);
	for (r = m->tables; r; r = r->next)
		n++;
	l.vals = arena_array(p->arena, m->last ? m->last->id + 1 : 1, sizeof(*l.vals));
	l.rope_bufs = arena_array(p->arena, n + 1, sizeof(*l.rope_bufs));
	if (!l.vals || !l.rope_bufs)
		return diag_nomem(p->diag);
	lw_prologue(&l);
	/* a loop with loops in it is drained at its edges; see tokens.c */
	if (kind == IG1_PROG_DECODE) {
		cg_cmd(p, IG1_OP_S_SYNC, "steps");
		loop = lw_loop(&l, "steps", R_STEP, R_STEPS);
	}
	if (place_concats(&l))
		return p->diag->err;
	if (lower_graph(&l))
		return p->diag->err;
	if (kind == IG1_PROG_DECODE) {
		lw_feedback(&l);
		cg_cmd(p, IG1_OP_S_SYNC, "steps");
		lw_loop_end(&l, loop);
	}
	cg_cmd(p, IG1_OP_S_END, "end");
	return p->diag->err;
}
