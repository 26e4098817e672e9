// SPDX-License-Identifier: MIT
/*
 * Keys and values of all columns are stored before any column attends. A column attends alone:
 * scores, softmax (or squared scores times decays, over their sum), the values' scales folded into the
 * probabilities, weighted sum.
 */
#include "compiler/codegen/lower.h"

void lw_add_kv_step(struct lower *l, const char *name, unsigned int rd, uint32_t layer)
{
	if (!l->run)
		return;
	if (!l->kv->layers[layer].ring) {
		lw_alu(l, name, rd, rd, IG1_ALUOP_ADD, R_KV, 0);
		return;
	}
	if (l->nested) {
		lw_alu(l, name, rd, rd, IG1_ALUOP_ADD, R_LAYER, 0);
		return;
	}
	lw_alu(l, name, R_AUX, R_LAYER, IG1_ALUOP_MUL, R_ZERO, l->run->ring_step);
	lw_alu(l, name, rd, rd, IG1_ALUOP_ADD, R_AUX, 0);
}

/* The only column: its addresses are in registers. */
static void single_store(struct lower *l, const struct ir_op *op, unsigned int *data,
			 unsigned int *scales)
{
	const char *n = lw_name(l, op->name, "address");

	bool ring = l->kv->layers[op->layer].ring;

	*data = R_S_DATA;
	*scales = R_S_SCALES;
	if (!l->run && !ring)
		return;
	*data = R_S_T0;
	*scales = R_S_T0 + 1;
	if (ring) {
		lw_ld(l, n, *data, R_ZERO, IG1_LDW_U64, l->wintab, CG_WIN_DATA);
		lw_ld(l, n, *scales, R_ZERO, IG1_LDW_U64, l->wintab, CG_WIN_SCALES);
		lw_add_kv_step(l, n, *data, op->layer);
		lw_add_kv_step(l, n, *scales, op->layer);
		return;
	}
	lw_alu(l, n, *data, R_S_DATA, IG1_ALUOP_ADD, R_KV, 0);
	lw_alu(l, n, *scales, R_S_SCALES, IG1_ALUOP_ADD, R_KV, 0);
}

/* Groups of in[of], and with n2 = 2 as many behind them. */
static struct cg_cmd *store(struct lower *l, const char *name, const struct ir_op *op, size_t of,
			    uint64_t va, uint64_t v1, uint64_t v2, uint32_t bytes, unsigned int rva,
			    unsigned int rsp, uint32_t n2)
{
	struct cg_cmd *c = cg_cmd(l->p, IG1_OP_D_ST, lw_name(l, op->name, name));

	c->u.dma.va = va;
	c->u.dma.rva = (uint8_t)rva;
	c->u.dma.v1 = v1;
	c->u.dma.v2 = v2;
	c->u.dma.rsp = (uint8_t)rsp;
	c->u.dma.s1 = bytes;
	c->u.dma.bytes = bytes;
	c->u.dma.n1 = (uint32_t)ir_groups(op->in[of]->width, op->in[of]->seg);
	c->u.dma.n2 = n2;
	c->va_kind = CG_VA_KV;
	c->va_id = op->layer;
	c->va_write = true;
	return c;
}

/* Running sums of the position, a number per KV head and part. `off` is used. */
static void store_sums(struct lower *l, const struct ir_op *op, unsigned int scales,
		       unsigned int off)
{
	const struct cg_val *s = &l->vals[op->in[2]->id];
	struct cg_cmd *c;

	if (off)
		lw_alu(l, lw_name(l, op->name, "address"), off, R_COL, IG1_ALUOP_MUL, R_ZERO,
		       s->cstride);
	c = store(l, "sums", op, 0, l->kv->layers[op->layer].sums, 128, 0, 4, scales, off, 1);
	c->u.dma.n1 = 2 * op->kv_heads;
	cg_ref(l->p, c, CG_FIELD(dma, sp), false, false, s->buf, s->off);
}

/* Columns c of both at register offsets off and soff. */
static void store_parts(struct lower *l, const struct ir_op *op, unsigned int data,
			unsigned int scales, unsigned int off, unsigned int soff)
{
	const struct cg_val *k = &l->vals[op->in[0]->id];
	const struct cg_val *v = op->n_in == 1 ? k : &l->vals[op->in[1]->id];
	const struct cg_kv_layer *kv = &l->kv->layers[op->layer];
	bool packed = k->buf == v->buf && k->sbuf == v->sbuf && v->off > k->off &&
		      op->in[0]->seg == op->in[1]->seg;
	const char *n = lw_name(l, op->name, "address");
	struct cg_cmd *c;

	c = store(l, packed ? "data" : "k_data", op, 0, kv->k, 1024, kv->v - kv->k, 32, data, off,
		  packed ? 2 : 1);
	if (packed)
		c->u.dma.s2 = (uint32_t)(v->off - k->off);
	cg_ref(l->p, c, CG_FIELD(dma, sp), false, false, k->buf, k->off);
	c = store(l, packed ? "scales" : "k_scales", op, 0, kv->ks, 128, kv->vs - kv->ks, 4, scales,
		  soff, packed ? 2 : 1);
	if (packed)
		c->u.dma.s2 = (uint32_t)(v->soff - k->soff);
	cg_ref(l->p, c, CG_FIELD(dma, sp), false, false, k->sbuf, k->soff);
	if (packed && op->squared)
		store_sums(l, op, scales, off);
	if (packed || op->n_in == 1)
		return;
	if (off) {
		lw_alu(l, n, off, R_COL, IG1_ALUOP_MUL, R_ZERO, v->cstride);
		lw_alu(l, n, soff, R_COL, IG1_ALUOP_MUL, R_ZERO, v->scstride);
	}
	c = store(l, "v_data", op, 1, kv->v, 1024, 0, 32, data, off, 1);
	cg_ref(l->p, c, CG_FIELD(dma, sp), false, false, v->buf, v->off);
	c = store(l, "v_scales", op, 1, kv->vs, 128, 0, 4, scales, soff, 1);
	cg_ref(l->p, c, CG_FIELD(dma, sp), false, false, v->sbuf, v->soff);
	if (op->squared)
		store_sums(l, op, scales, off);
}

void lw_kvstore(struct lower *l, const struct ir_op *op)
{
	enum { AT = R_T0, DATA, SCALES, OFF, SOFF };
	const struct cg_val *k = &l->vals[op->in[0]->id];
	const char *n = lw_name(l, op->name, "address");
	unsigned int data, scales;
	size_t loop;

	if (lw_single(l)) {
		lw_single_addresses(l);
		single_store(l, op, &data, &scales);
		store_parts(l, op, data, scales, R_ZERO, R_ZERO);
		return;
	}
	loop = lw_loop(l, lw_name(l, op->name, "columns"), R_COL, R_COLS);
	lw_alu(l, n, AT, R_COL, IG1_ALUOP_MUL, R_ZERO, CG_COL_BYTES);
	if (l->kv->layers[op->layer].ring) {
		lw_ld(l, n, DATA, AT, IG1_LDW_U64, l->wintab, CG_WIN_DATA);
		lw_ld(l, n, SCALES, AT, IG1_LDW_U64, l->wintab, CG_WIN_SCALES);
	} else {
		lw_ld(l, n, DATA, AT, IG1_LDW_U64, l->coltab, CG_COL_DATA);
		lw_ld(l, n, SCALES, AT, IG1_LDW_U64, l->coltab, CG_COL_SCALES);
	}
	lw_add_kv_step(l, n, DATA, op->layer);
	lw_add_kv_step(l, n, SCALES, op->layer);
	lw_alu(l, n, OFF, R_COL, IG1_ALUOP_MUL, R_ZERO, k->cstride);
	lw_alu(l, n, SOFF, R_COL, IG1_ALUOP_MUL, R_ZERO, k->scstride);
	store_parts(l, op, DATA, SCALES, OFF, SOFF);
	lw_loop_end(l, loop);
}

/* Scratch of one run of KV heads. */
struct att_bufs {
	uint32_t scores, max, sum, recip, vscale, prob, pscale;
	uint32_t sums, decay; /* squared: running sums; a row per KV head */
};

struct att {
	struct lower *l;
	const struct ir_op *op;
	const struct cg_val *q, *y;
	struct att_bufs bufs[2];
	int64_t span; /* positions a row has room for, and a sink; a multiple of 32 */
	uint32_t qper, groups;
	uint32_t vseg, vgroups; /* elements and groups of a value */
	uint32_t step;		/* KV heads at once */
	/* registers: byte offsets of the column in q, its scales and the result; KV blocks */
	unsigned int off, soff, yoff, blocks;
};

/*
 * A column under way: npos positions (0: there is no such column), its KV region. With a window both
 * begin at the first block with a visible position, and `lead` positions of it are not visible.
 */
struct side {
	unsigned int npos, kv, lead;
};

enum { NPOS0 = R_T0, KV0, NPOS1, KV1, COL, OFF, SOFF, BLOCKS, LEAD0, LEAD1 };

static const struct side sides[2] = { { NPOS0, KV0, LEAD0 }, { NPOS1, KV1, LEAD1 } };

/* From the entry at byte offset R[at] of wintab. */
static void load_window(struct att *a, const struct side *s, unsigned int at)
{
	const char *n = lw_name(a->l, a->op->name, "address");

	lw_ld(a->l, n, s->npos, at, IG1_LDW_U32, a->l->wintab, CG_WIN_NPOS);
	lw_ld(a->l, n, s->kv, at, IG1_LDW_U64, a->l->wintab, CG_WIN_KV);
	lw_ld(a->l, n, s->lead, at, IG1_LDW_U32, a->l->wintab, CG_WIN_LEAD);
}

/* Registers of the column whose number is in COL; `last`: it may be beyond the last. */
static void load_column(struct att *a, const struct side *s, bool last)
{
	struct lower *l = a->l;
	const char *n = lw_name(l, a->op->name, "address");
	struct cg_cmd *c;

	lw_alu(l, n, OFF, COL, IG1_ALUOP_MUL, R_ZERO, CG_COL_BYTES);
	if (a->op->window) {
		load_window(a, s, OFF);
	} else {
		lw_ld(l, n, s->npos, OFF, IG1_LDW_U32, l->coltab, CG_COL_POS);
		lw_ld(l, n, s->kv, OFF, IG1_LDW_U64, l->coltab, CG_COL_KV);
		lw_alu(l, n, s->npos, s->npos, IG1_ALUOP_ADD, R_ZERO, 1);
	}
	if (last) {
		c = cg_cmd(l->p, IG1_OP_S_SKIP, n);
		c->u.seq.cond = IG1_COND_LT;
		c->u.seq.ra = COL;
		c->u.seq.rb = R_COLS;
		c->u.seq.len = a->op->window ? 2 : 1;
		c = cg_cmd(l->p, IG1_OP_S_LI, n);
		c->u.seq.rd = (uint8_t)s->npos;
		if (a->op->window) {
			c = cg_cmd(l->p, IG1_OP_S_LI, n);
			c->u.seq.rd = (uint8_t)s->lead;
		}
	}
	lw_add_kv_step(l, n, s->kv, a->op->layer);
	lw_alu(l, n, OFF, COL, IG1_ALUOP_MUL, R_ZERO, a->q->cstride);
	lw_alu(l, n, SOFF, COL, IG1_ALUOP_MUL, R_ZERO, a->q->scstride);
}

static struct cg_cmd *scores(struct att *a, const struct side *s, const struct att_bufs *b,
			     uint32_t first, uint32_t kv_heads)
{
	struct lower *l = a->l;
	const struct cg_kv_layer *kv = &l->kv->layers[a->op->layer];
	uint64_t h0 = (uint64_t)first * a->qper, k0 = (uint64_t)first * a->groups;
	struct cg_cmd *c = cg_cmd(l->p, IG1_OP_T_QK, lw_name(l, a->op->name, "scores"));

	c->u.att.kv = kv->k + 1024 * k0;
	c->u.att.rkv = (uint8_t)s->kv;
	c->u.att.ks = kv->ks + 128 * k0;
	c->u.att.rks = (uint8_t)s->kv;
	c->u.att.rnpos = (uint8_t)s->npos;
	c->u.att.heads = (uint16_t)kv_heads;
	c->u.att.qper = (uint16_t)a->qper;
	c->u.att.groups = (uint16_t)a->groups;
	c->u.att.xstride = 32 * a->groups;
	c->u.att.xsstride = 4 * a->groups;
	c->u.att.rx = (uint8_t)a->off;
	c->u.att.rxs = (uint8_t)a->soff;
	c->u.att.ystride = (uint32_t)(4 * a->span);
	c->u.att.bstride = (uint32_t)kv->bstride;
	c->u.att.sbstride = (uint32_t)kv->bstride;
	c->va_kind = CG_VA_KV;
	c->va_id = a->op->layer;
	cg_ref(l->p, c, CG_FIELD(att, x), false, false, a->q->buf, a->q->off + 32 * a->groups * h0);
	cg_ref(l->p, c, CG_FIELD(att, xs), false, false, a->q->sbuf,
	       a->q->soff + 4 * a->groups * h0);
	cg_ref(l->p, c, CG_FIELD(att, y), false, true, b->scores, 0);
	return c;
}

/* A number per position in each of `rows` rows, from `va` of the first block on. */
static void load_rows(struct att *a, const struct side *s, const char *name, uint64_t va,
		      uint32_t rows, uint32_t buf)
{
	struct lower *l = a->l;
	struct cg_cmd *c = cg_cmd(l->p, IG1_OP_D_LD, lw_name(l, a->op->name, name));

	c->u.dma.va = va;
	c->u.dma.rva = (uint8_t)s->kv;
	c->u.dma.v1 = l->kv->layers[a->op->layer].bstride;
	c->u.dma.v2 = 128;
	c->u.dma.s1 = 128;
	c->u.dma.s2 = (uint32_t)(4 * a->span);
	c->u.dma.bytes = 128;
	c->u.dma.rn1 = (uint8_t)a->blocks;
	c->u.dma.n2 = rows;
	c->va_kind = CG_VA_KV;
	c->va_id = a->op->layer;
	cg_ref(l->p, c, CG_FIELD(dma, sp), false, true, buf, 0);
}

/* Scales of the values, a row per KV head and group; running sums, two rows per KV head. */
static void value_scales(struct att *a, const struct side *s, const struct att_bufs *b,
			 uint32_t first, uint32_t kv_heads)
{
	const struct cg_kv_layer *kv = &a->l->kv->layers[a->op->layer];
	const char *n = lw_name(a->l, a->op->name, "v_scales");

	if (a->blocks == BLOCKS) {
		lw_alu(a->l, n, BLOCKS, s->npos, IG1_ALUOP_ADD, R_ZERO, 31);
		lw_alu(a->l, n, BLOCKS, BLOCKS, IG1_ALUOP_SHR, R_ZERO, 5);
	}
	load_rows(a, s, "v_scales", kv->vs + 128ull * first * a->vgroups, kv_heads * a->vgroups,
		  b->vscale);
	if (a->op->squared)
		load_rows(a, s, "sums", kv->sums + 256ull * first, 2 * kv_heads, b->sums);
}

/* Rows of scores, as a source and the destination. */
static void in_place(struct att *a, struct cg_cmd *c, const struct side *s,
		     const struct att_bufs *b)
{
	c->u.vec.rn0 = (uint8_t)s->npos;
	lw_src(a->l, c, 'a', b->scores, 0, 1, a->span, 0, R_ZERO);
	lw_dst(a->l, c, b->scores, 0, a->span, 0);
}

/*
 * cap * tanh(scale * x / cap) = 2 cap * s - cap with s = sigmoid(2 scale * x / cap): the scores become
 * s, the softmax's factor 2 cap. s has an error of 4.75 u, a capped score hence one of 9.5 cap u:
 * 2.8e-5 at most for a cap of 50.
 */
static float cap_scores(struct att *a, const struct side *s, const struct att_bufs *b,
			uint32_t heads)
{
	const char *n = lw_name(a->l, a->op->name, "cap");
	struct cg_cmd *c;

	c = lw_vec(a->l, IG1_OP_V_LIN, n, 0, heads, R_ZERO);
	c->u.vec.alpha = (float)(2.0 * (double)a->op->scale / (double)a->op->cap);
	in_place(a, c, s, b);
	c = lw_vec(a->l, IG1_OP_V_SIGM, n, 0, heads, R_ZERO);
	in_place(a, c, s, b);
	return 2 * a->op->cap;
}

/* -inf where the first block's positions lie before the window: their probability is exactly 0. */
static void mask_lead(struct att *a, const struct side *s, const struct att_bufs *b, uint32_t heads)
{
	struct cg_cmd *c =
		lw_vec(a->l, IG1_OP_V_MOV, lw_name(a->l, a->op->name, "mask"), 0, heads, R_ZERO);

	c->u.vec.rn0 = (uint8_t)s->lead;
	lw_src_const(a->l, c, 'a', a->op->konst, 0);
	c->u.vec.a0 = 0;
	c->u.vec.a += a->op->sink ? 4 * a->op->heads : 0;
	lw_dst(a->l, c, b->scores, 0, a->span, 0);
}

/* The heads' sinks, in the unit of the scores, behind the last one. Returns the count with it. */
static unsigned int add_sink(struct att *a, const struct side *s, const struct att_bufs *b,
			     uint32_t first, uint32_t heads)
{
	const char *n = lw_name(a->l, a->op->name, "sink");
	const double cap = a->op->cap;
	struct cg_cmd *c;

	lw_alu(a->l, n, R_AUX, s->npos, IG1_ALUOP_SHL, R_ZERO, 2);
	lw_alu(a->l, n, R_TOKEN, s->npos, IG1_ALUOP_ADD, R_ZERO, 1);
	c = lw_vec(a->l, IG1_OP_V_LIN, n, 1, heads, R_ZERO);
	lw_src_const(a->l, c, 'a', a->op->konst, 1);
	c->u.vec.a += 4 * first * a->qper;
	c->u.vec.alpha = (float)(cap != 0 ? 0.5 / cap : 1 / (double)a->op->scale);
	c->u.vec.beta = cap != 0 ? 0.5f : 0;
	lw_dst(a->l, c, b->scores, 0, a->span, 0);
	c->u.vec.ry = R_AUX;
	return R_TOKEN;
}

/* A pass over a number per KV head and position, into the decays. */
static struct cg_cmd *decay_pass(struct att *a, const struct side *s, const struct att_bufs *b,
				 uint8_t code, uint32_t kv_heads)
{
	struct cg_cmd *c =
		lw_vec(a->l, code, lw_name(a->l, a->op->name, "decay"), 0, kv_heads, R_ZERO);

	c->u.vec.rn0 = (uint8_t)s->npos;
	lw_dst(a->l, c, b->decay, 0, a->span, 0);
	return c;
}

/*
 * The decay between a position and the column's: exp(S' - S) of their running sums, each a pair; its last
 * one is the column's own. The difference of the first halves is exact where it is not so large that
 * nothing is left of the decay.
 */
static void decays(struct att *a, const struct side *s, const struct att_bufs *b, uint32_t kv_heads)
{
	const char *n = lw_name(a->l, a->op->name, "decay");
	int64_t span = a->span;
	struct lower *l = a->l;
	struct cg_cmd *c;

	lw_alu(l, n, R_TOKEN, s->npos, IG1_ALUOP_SUB, R_ZERO, 1);
	lw_alu(l, n, R_AUX, R_TOKEN, IG1_ALUOP_SHL, R_ZERO, 2);
	c = decay_pass(a, s, b, IG1_OP_V_SUB, kv_heads);
	lw_src(l, c, 'a', b->sums, 0, 1, 2 * span, 0, R_ZERO);
	lw_src(l, c, 'b', b->sums, 0, 0, 2 * span, 0, R_AUX);
	c = decay_pass(a, s, b, IG1_OP_V_ADD, kv_heads);
	lw_src(l, c, 'a', b->decay, 0, 1, span, 0, R_ZERO);
	lw_src(l, c, 'b', b->sums, 4 * (uint64_t)span, 1, 2 * span, 0, R_ZERO);
	c = decay_pass(a, s, b, IG1_OP_V_EXPS, kv_heads);
	c->u.vec.alpha = 1;
	lw_src(l, c, 'a', b->decay, 0, 1, span, 0, R_ZERO);
	lw_src(l, c, 'b', b->sums, 4 * (uint64_t)span, 0, 2 * span, 0, R_AUX);
}

/* Squared scores times decays, and their sums, at least what may be divided by. */
static void squares(struct att *a, const struct side *s, const struct att_bufs *b,
		    uint32_t kv_heads)
{
	const char *n = lw_name(a->l, a->op->name, "square");
	int64_t span = a->span;
	struct lower *l = a->l;
	struct cg_cmd *c;

	decays(a, s, b, kv_heads);
	c = lw_vec(l, IG1_OP_V_MUL3, n, 0, a->qper, R_ZERO);
	c->u.vec.n2 = kv_heads;
	c->u.vec.rn0 = (uint8_t)s->npos;
	lw_src(l, c, 'a', b->scores, 0, 1, span, span * a->qper, R_ZERO);
	lw_src(l, c, 'b', b->scores, 0, 1, span, span * a->qper, R_ZERO);
	lw_src(l, c, 'c', b->decay, 0, 1, 0, span, R_ZERO);
	lw_dst(l, c, b->scores, 0, span, span * a->qper);
	lw_red(l, c, IG1_VRED_SUM, b->sum, 0, 1, a->qper);
	c = lw_vec(l, IG1_OP_V_MAX, n, kv_heads * a->qper, 1, R_ZERO);
	lw_src(l, c, 'a', b->sum, 0, 1, 0, 0, R_ZERO);
	lw_src_const(l, c, 'b', a->op->konst, 0);
	c->u.vec.b0 = 0;
	lw_dst(l, c, b->sum, 0, 0, 0);
}

/* exp of the scores less their greatest, and its sums. first: KV head */
static void exponentials(struct att *a, const struct side *s, const struct att_bufs *b,
			 uint32_t first, uint32_t kv_heads)
{
	struct lower *l = a->l;
	uint32_t heads = kv_heads * a->qper;
	float alpha = a->op->scale;
	unsigned int n0 = s->npos;
	int64_t span = a->span;
	struct cg_cmd *c;

	if (a->op->cap != 0)
		alpha = cap_scores(a, s, b, heads);
	if (a->op->window)
		mask_lead(a, s, b, heads);
	if (a->op->sink)
		n0 = add_sink(a, s, b, first, heads);
	c = lw_vec(l, IG1_OP_V_MOV, lw_name(l, a->op->name, "max"), 0, heads, R_ZERO);
	c->u.vec.rn0 = (uint8_t)n0;
	lw_src(l, c, 'a', b->scores, 0, 1, span, 0, R_ZERO);
	lw_red(l, c, IG1_VRED_MAX, b->max, 0, 1, 0);
	c = lw_vec(l, IG1_OP_V_EXPS, lw_name(l, a->op->name, "exp"), 0, heads, R_ZERO);
	c->u.vec.rn0 = (uint8_t)n0;
	c->u.vec.alpha = alpha;
	lw_src(l, c, 'a', b->scores, 0, 1, span, 0, R_ZERO);
	lw_src(l, c, 'b', b->max, 0, 0, 1, 0, R_ZERO);
	lw_dst(l, c, b->scores, 0, span, 0);
	lw_red(l, c, IG1_VRED_SUM, b->sum, 0, 1, 0);
}

/* What each position's value counts; carried: the scores were computed in the iteration before. */
static void weights(struct att *a, const struct side *s, const struct att_bufs *b, uint32_t first,
		    uint32_t kv_heads, bool carried)
{
	uint32_t heads = kv_heads * a->qper, g;
	struct lower *l = a->l;
	int64_t span = a->span;
	struct cg_cmd *c;

	l->carry = carried;
	if (a->op->squared)
		squares(a, s, b, kv_heads);
	else
		exponentials(a, s, b, first, kv_heads);
	c = lw_vec(l, IG1_OP_V_RECIP, lw_name(l, a->op->name, "recip"), heads, 1, R_ZERO);
	lw_src(l, c, 'a', b->sum, 0, 1, 0, 0, R_ZERO);
	lw_dst(l, c, b->recip, 0, 0, 0);
	for (g = 0; g < a->vgroups; g++) {
		c = lw_vec(l, IG1_OP_V_MUL3, lw_name(l, a->op->name, "prob"), 0, a->qper, R_ZERO);
		c->u.vec.n2 = kv_heads;
		c->u.vec.rn0 = (uint8_t)s->npos;
		lw_src(l, c, 'a', b->scores, 0, 1, span, span * a->qper, R_ZERO);
		lw_src(l, c, 'b', b->recip, 0, 0, 1, a->qper, R_ZERO);
		lw_src(l, c, 'c', b->vscale, 4 * (uint64_t)span * g, 1, 0, span * a->vgroups,
		       R_ZERO);
		c->u.vec.out = IG1_VFMT_Q8;
		c->u.vec.y0 = 1;
		c->u.vec.y1 = (int32_t)span;
		c->u.vec.y2 = (int32_t)(span * a->qper);
		c->u.vec.z1 = (int32_t)(span / 32);
		c->u.vec.z2 = (int32_t)(span / 32 * a->qper);
		cg_ref(l->p, c, CG_FIELD(vec, y), false, true, b->prob, (uint64_t)span * heads * g);
		cg_ref(l->p, c, CG_FIELD(vec, z), false, true, b->pscale,
		       (uint64_t)span / 8 * heads * g);
	}
}

static void values(struct att *a, const struct side *s, const struct att_bufs *b, uint32_t first,
		   uint32_t kv_heads)
{
	struct lower *l = a->l;
	uint32_t heads = kv_heads * a->qper;
	struct cg_cmd *c = cg_cmd(l->p, IG1_OP_T_PV, lw_name(l, a->op->name, "values"));

	c->u.att.kv = l->kv->layers[a->op->layer].v + 1024ull * first * a->vgroups;
	c->u.att.rkv = (uint8_t)s->kv;
	c->u.att.rnpos = (uint8_t)s->npos;
	c->u.att.heads = (uint16_t)kv_heads;
	c->u.att.qper = (uint16_t)a->qper;
	c->u.att.groups = (uint16_t)a->vgroups;
	c->u.att.dims = (uint16_t)a->vseg;
	c->u.att.xstride = (uint32_t)a->span;
	c->u.att.xsstride = (uint32_t)(a->span / 8);
	c->u.att.xgstride = (uint32_t)(a->span * heads);
	c->u.att.xsgstride = (uint32_t)(a->span / 8 * heads);
	c->u.att.ystride = 4 * a->vseg;
	c->u.att.ry = (uint8_t)a->yoff;
	c->u.att.bstride = (uint32_t)l->kv->layers[a->op->layer].bstride;
	c->va_kind = CG_VA_KV;
	c->va_id = a->op->layer;
	cg_ref(l->p, c, CG_FIELD(att, x), false, false, b->prob, 0);
	cg_ref(l->p, c, CG_FIELD(att, xs), false, false, b->pscale, 0);
	cg_ref(l->p, c, CG_FIELD(att, y), false, true, a->y->buf,
	       a->y->off + 4ull * a->vseg * first * a->qper);
}

/* COL = 2 R_COL + k */
static void pair_column(struct att *a, uint64_t k)
{
	lw_alu(a->l, lw_name(a->l, a->op->name, "address"), COL, R_COL, IG1_ALUOP_ADD, R_COL, k);
}

static void result_offset(struct att *a)
{
	lw_alu(a->l, lw_name(a->l, a->op->name, "address"), OFF, COL, IG1_ALUOP_MUL, R_ZERO,
	       a->y->cstride);
}

/*
 * Two columns an iteration, in two sets of buffers: the scores of a column are computed while the
 * vector unit is at the one before. Columns beyond the last have no positions, so their commands
 * have no effect.
 */
static void pairs_of_columns(struct att *a)
{
	uint32_t heads = a->op->kv_heads, k;
	struct lower *l = a->l;
	struct cg_cmd *c;
	size_t loop;

	c = cg_cmd(l->p, IG1_OP_S_LI, lw_name(l, a->op->name, "address"));
	c->u.seq.rd = COL;
	load_column(a, &sides[0], false);
	c = scores(a, &sides[0], &a->bufs[0], 0, heads);
	c->u.att.signal |= 1u << CG_CARRY;
	loop = lw_loop(l, lw_name(l, a->op->name, "columns"), R_COL, R_PAIRS);
	for (k = 0; k < 2; k++) {
		pair_column(a, k + 1);
		load_column(a, &sides[1 - k], true);
		c = scores(a, &sides[1 - k], &a->bufs[1 - k], 0, heads);
		if (k)
			c->u.att.signal |= 1u << CG_CARRY;
		value_scales(a, &sides[k], &a->bufs[k], 0, heads);
		weights(a, &sides[k], &a->bufs[k], 0, heads, !k);
		pair_column(a, k);
		result_offset(a);
		values(a, &sides[k], &a->bufs[k], 0, heads);
	}
	lw_loop_end(l, loop);
	l->carry = true;
}

/* KV heads of one column in parts; with two sets of buffers the parts overlap. */
static void parts_of_heads(struct att *a, const struct side *s)
{
	uint32_t n = a->op->kv_heads, parts = (n + a->step - 1) / a->step, i,
		 depth = a->l->shape->depth;
	const char *name = lw_name(a->l, a->op->name, "address");

	for (i = 0; i < parts + depth - 1; i++) {
		uint32_t done = i - (depth - 1); /* wraps: not yet */

		if (i < parts) {
			if (i && a->off)
				lw_alu(a->l, name, OFF, COL, IG1_ALUOP_MUL, R_ZERO, a->q->cstride);
			scores(a, s, &a->bufs[i % depth], i * a->step,
			       n - i * a->step < a->step ? n - i * a->step : a->step);
		}
		if (done < parts) {
			const struct att_bufs *b = &a->bufs[done % depth];
			uint32_t heads =
				n - done * a->step < a->step ? n - done * a->step : a->step;

			value_scales(a, s, b, done * a->step, heads);
			weights(a, s, b, done * a->step, heads, false);
			if (a->yoff)
				result_offset(a);
			values(a, s, b, done * a->step, heads);
		}
	}
}

static void one_by_one(struct att *a)
{
	struct lower *l = a->l;
	size_t loop = lw_loop(l, lw_name(l, a->op->name, "columns"), R_COL, R_COLS);

	lw_alu(l, lw_name(l, a->op->name, "address"), COL, R_COL, IG1_ALUOP_ADD, R_ZERO, 0);
	load_column(a, &sides[0], false);
	parts_of_heads(a, &sides[0]);
	lw_loop_end(l, loop);
}

/* The only column: what it needs is in registers. */
static void single_column(struct att *a)
{
	struct side s = { R_S_NPOS, R_S_KV, R_ZERO };

	a->blocks = R_S_BLOCKS;
	if (a->op->window) {
		const char *n = lw_name(a->l, a->op->name, "address");

		s = (struct side){ R_S_T0, R_S_T0 + 1, R_S_T0 + 2 };
		a->blocks = R_S_T0 + 3;
		load_window(a, &s, R_ZERO);
		lw_alu(a->l, n, a->blocks, s.npos, IG1_ALUOP_ADD, R_ZERO, 31);
		lw_alu(a->l, n, a->blocks, a->blocks, IG1_ALUOP_SHR, R_ZERO, 5);
		lw_add_kv_step(a->l, n, s.kv, a->op->layer);
	} else if (a->l->run) {
		s.kv = R_S_T0;
		lw_alu(a->l, lw_name(a->l, a->op->name, "address"), s.kv, R_S_KV, IG1_ALUOP_ADD,
		       R_KV, 0);
	}
	a->off = R_ZERO;
	a->soff = R_ZERO;
	a->yoff = R_ZERO;
	parts_of_heads(a, &s);
}

static void make_bufs(struct att *a, struct att_bufs *b)
{
	uint64_t heads = (uint64_t)a->step * a->qper, span = (uint64_t)a->span, g = a->vgroups;
	struct lower *l = a->l;
	const char *n = a->op->name;

	uint32_t first = (uint32_t)l->p->n_bufs, i;

	b->scores = cg_buf(l->p, lw_name(l, n, "scores"), 4 * span * heads);
	b->max = cg_buf(l->p, lw_name(l, n, "max"), 4 * heads);
	b->sum = cg_buf(l->p, lw_name(l, n, "sum"), 4 * heads);
	b->recip = cg_buf(l->p, lw_name(l, n, "recip"), 4 * heads);
	b->vscale = cg_buf(l->p, lw_name(l, n, "v_scales"), 4 * span * a->step * g);
	b->prob = cg_buf(l->p, lw_name(l, n, "prob"), span * heads * g);
	b->pscale = cg_buf(l->p, lw_name(l, n, "prob_scales"), span / 8 * heads * g);
	if (a->op->squared) {
		b->sums = cg_buf(l->p, lw_name(l, n, "sums"), 8 * span * a->step);
		b->decay = cg_buf(l->p, lw_name(l, n, "decay"), 4 * span * a->step);
	}
	/* two sets are there to overlap: sharing memory would order what need not be */
	for (i = first; i < l->p->n_bufs; i++)
		l->p->bufs[i].whole_loop = l->shape->depth == 2;
}

void lw_attention(struct lower *l, const struct ir_op *op, const struct cg_val *q,
		  const struct cg_val *y)
{
	struct att a = { .l = l,
			 .op = op,
			 .q = q,
			 .y = y,
			 .off = OFF,
			 .soff = SOFF,
			 .yoff = OFF,
			 .blocks = BLOCKS };
	uint32_t i;

	a.span = l->m->meta.context;
	if (op->window && op->window + 31 < a.span)
		a.span = op->window + 31;
	a.span = (a.span + !!op->sink + 31) / 32 * 32;
	a.qper = op->heads / op->kv_heads;
	a.groups = (op->seg + 31) / 32;
	a.vseg = op->vseg ? op->vseg : op->seg;
	a.vgroups = (a.vseg + 31) / 32;
	a.step = l->shape->kv_heads < op->kv_heads ? l->shape->kv_heads : op->kv_heads;
	for (i = 0; i < l->shape->depth; i++)
		make_bufs(&a, &a.bufs[i]);
	if (lw_single(l))
		single_column(&a);
	else if (a.step == op->kv_heads && l->shape->depth == 2)
		pairs_of_columns(&a);
	else
		one_by_one(&a);
}
