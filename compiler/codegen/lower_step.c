// SPDX-License-Identifier: MIT
/*
 * What surrounds the graph: loading the columns, their addresses and rotation rows, the logits and
 * the feedback of tokens.
 */
#include "compiler/codegen/lower.h"

static void load_columns(struct lower *l)
{
	struct cg_cmd *c = cg_cmd(l->p, IG1_OP_D_LD, "columns/load");

	c->u.dma.rva = R_TABLE;
	c->u.dma.v1 = sizeof(struct ig1_column);
	c->u.dma.s1 = CG_COL_BYTES;
	c->u.dma.bytes = sizeof(struct ig1_column);
	c->u.dma.rn1 = R_COLS;
	c->u.dma.n2 = 1;
	c->va_kind = CG_VA_COLUMNS;
	cg_ref(l->p, c, CG_FIELD(dma, sp), false, true, l->coltab, 0);
}

static void skip(struct lower *l, const char *name, enum ig1_cond cond, unsigned int ra,
		 unsigned int rb, uint64_t imm, uint32_t len)
{
	struct cg_cmd *c = cg_cmd(l->p, IG1_OP_S_SKIP, name);

	c->u.seq.cond = (uint8_t)cond;
	c->u.seq.ra = (uint8_t)ra;
	c->u.seq.rb = (uint8_t)rb;
	c->u.seq.imm = imm;
	c->u.seq.len = len;
}

static void load_imm(struct lower *l, const char *name, unsigned int rd, uint64_t imm)
{
	struct cg_cmd *c = cg_cmd(l->p, IG1_OP_S_LI, name);

	c->u.seq.rd = (uint8_t)rd;
	c->u.seq.imm = imm;
}

void lw_prologue(struct lower *l)
{
	bool decode = l->kind == IG1_PROG_DECODE;
	unsigned int all = decode ? R_COLS : R_WANTED;

	/* attention looks at up to two columns beyond the last */
	l->coltab = cg_buf(l->p, "columns",
			   (uint64_t)CG_COL_BYTES * (l->shape->cols + (lw_single(l) ? 0 : 2)));
	/* a count of zero makes a command do nothing but its tokens */
	load_imm(l, "start/stored", R_STORED, 0);
	load_columns(l);
	skip(l, "start/no_logits", IG1_COND_EQ, R_LOGITS, R_ZERO, 0, 1);
	lw_alu(l, "start/stored", R_STORED, all, IG1_ALUOP_ADD, R_ZERO, 0);
	lw_alu(l, "start/picked", R_PICKED, decode ? R_COLS : R_STORED, IG1_ALUOP_ADD, R_ZERO, 0);
	if (!lw_single(l)) {
		lw_alu(l, "start/pairs", R_PAIRS, R_COLS, IG1_ALUOP_ADD, R_ZERO, 1);
		lw_alu(l, "start/pairs", R_PAIRS, R_PAIRS, IG1_ALUOP_SHR, R_ZERO, 1);
	}
	if (l->kv->window)
		l->wintab = cg_buf(l->p, "windows", (uint64_t)CG_COL_BYTES * (l->shape->cols + 2));
	if (decode)
		l->tokens = cg_buf(l->p, "tokens", 4ull * l->shape->cols);
}

static void rope_row(struct lower *l, const struct ir_table *t, unsigned int at, unsigned int to)
{
	struct cg_cmd *c;

	c = lw_vec(l, IG1_OP_V_MOV, lw_name(l, t->name, "row"), t->stride / 4, 1, R_ZERO);
	lw_src_crom(l, c, 'a', t->addr, 0);
	c->u.vec.ra = (uint8_t)at;
	lw_dst(l, c, l->rope_bufs[t->id], 0, 0, 0);
	c->u.vec.ry = (uint8_t)to;
}

/*
 * R[block], a block's number, becomes the region plus its distance. The number modulo the ring's size r
 * is b - b m / 2^40 r with m = 2^40 / r + 1: exact, since b and r are below 2^20.
 */
static void block_address(struct lower *l, unsigned int block, unsigned int kv, unsigned int t)
{
	uint64_t r = l->kv->ring, bytes = r ? l->kv->ring_bytes : l->kv->block_bytes;
	const char *n = "columns/window";

	if (r) {
		lw_alu(l, n, t, block, IG1_ALUOP_MUL, R_ZERO, (1ull << 40) / r + 1);
		lw_alu(l, n, t, t, IG1_ALUOP_SHR, R_ZERO, 40);
		lw_alu(l, n, t, t, IG1_ALUOP_MUL, R_ZERO, r);
		lw_alu(l, n, block, block, IG1_ALUOP_SUB, t, 0);
	}
	lw_alu(l, n, block, block, IG1_ALUOP_MUL, R_ZERO, bytes);
	lw_alu(l, n, block, block, IG1_ALUOP_ADD, kv, 0);
}

/*
 * A column's entry in wintab, at byte offset R[at], from its position and region. A window begins
 * inside a block: the positions of that block before it are computed and masked.
 */
static void window_entry(struct lower *l, unsigned int at, unsigned int pos, unsigned int kv,
			 unsigned int t)
{
	unsigned int first = t, end = t + 1, block = t + 2;
	const char *n = "columns/window";

	if (l->kv->ring) {
		lw_alu(l, n, block, pos, IG1_ALUOP_SHR, R_ZERO, 5);
		block_address(l, block, kv, first);
		lw_alu(l, n, first, pos, IG1_ALUOP_AND, R_ZERO, 31);
		lw_alu(l, n, first, first, IG1_ALUOP_SHL, R_ZERO, 2);
		lw_alu(l, n, end, block, IG1_ALUOP_ADD, first, 0);
		lw_st(l, n, at, end, IG1_LDW_U64, l->wintab, CG_WIN_SCALES);
		lw_alu(l, n, first, first, IG1_ALUOP_SHL, R_ZERO, 3);
		lw_alu(l, n, end, block, IG1_ALUOP_ADD, first, 0);
		lw_st(l, n, at, end, IG1_LDW_U64, l->wintab, CG_WIN_DATA);
	}
	lw_alu(l, n, end, pos, IG1_ALUOP_ADD, R_ZERO, 1);
	lw_alu(l, n, first, end, IG1_ALUOP_MAX, R_ZERO, l->kv->window);
	lw_alu(l, n, first, first, IG1_ALUOP_SUB, R_ZERO, l->kv->window);
	lw_alu(l, n, block, first, IG1_ALUOP_AND, R_ZERO, 31);
	lw_st(l, n, at, block, IG1_LDW_U32, l->wintab, CG_WIN_LEAD);
	lw_alu(l, n, block, first, IG1_ALUOP_SUB, block, 0);
	lw_alu(l, n, end, end, IG1_ALUOP_SUB, block, 0);
	lw_st(l, n, at, end, IG1_LDW_U32, l->wintab, CG_WIN_NPOS);
	lw_alu(l, n, block, block, IG1_ALUOP_SHR, R_ZERO, 5);
	block_address(l, block, kv, first);
	lw_st(l, n, at, block, IG1_LDW_U64, l->wintab, CG_WIN_KV);
}

/* Of the only column: its rotation row; its position stays in R_S_POS. */
static void single_column(struct lower *l)
{
	const struct ir_table *t;

	lw_ld(l, "columns/position", R_S_POS, R_ZERO, IG1_LDW_U32, l->coltab, CG_COL_POS);
	if (l->m->meta.state_bytes)
		lw_ld(l, "columns/state", R_S_STATE, R_ZERO, IG1_LDW_U64, l->coltab, CG_COL_STATE);
	/* otherwise it comes with the addresses of keys and values */
	if (!l->kv->block_bytes)
		lw_alu(l, "columns/position", R_S_NPOS, R_S_POS, IG1_ALUOP_ADD, R_ZERO, 1);
	for (t = l->m->tables; t; t = t->next) {
		lw_alu(l, t->name, R_S_T0, R_S_POS, IG1_ALUOP_MUL, R_ZERO, t->stride);
		rope_row(l, t, R_S_T0, R_ZERO);
	}
	if (!l->kv->window)
		return;
	lw_ld(l, "columns/window", R_S_KV, R_ZERO, IG1_LDW_U64, l->coltab, CG_COL_KV);
	window_entry(l, R_ZERO, R_S_POS, R_S_KV, R_S_T0);
}

/*
 * Its addresses, into registers, when they are first wanted: until then the engines have something
 * to do. In a run of layers the first one computes them.
 */
void lw_single_addresses(struct lower *l)
{
	const char *n = "columns/address";
	enum { BLOCK = R_S_T0, T };
	size_t at = l->p->n_cmds;

	if (l->addressed)
		return;
	l->addressed = true;
	if (l->run)
		skip(l, n, IG1_COND_NE, R_LAYER, R_ZERO, 0, 0);
	lw_ld(l, n, R_S_KV, R_ZERO, IG1_LDW_U64, l->coltab, CG_COL_KV);
	lw_alu(l, n, R_S_NPOS, R_S_POS, IG1_ALUOP_ADD, R_ZERO, 1);
	lw_alu(l, n, BLOCK, R_S_POS, IG1_ALUOP_SHR, R_ZERO, 5);
	lw_alu(l, n, R_S_BLOCKS, BLOCK, IG1_ALUOP_ADD, R_ZERO, 1);
	lw_alu(l, n, BLOCK, BLOCK, IG1_ALUOP_MUL, R_ZERO, l->kv->block_bytes);
	lw_alu(l, n, BLOCK, BLOCK, IG1_ALUOP_ADD, R_S_KV, 0);
	lw_alu(l, n, T, R_S_POS, IG1_ALUOP_AND, R_ZERO, 31);
	lw_alu(l, n, T, T, IG1_ALUOP_SHL, R_ZERO, 2);
	lw_alu(l, n, R_S_SCALES, BLOCK, IG1_ALUOP_ADD, T, 0);
	lw_alu(l, n, T, T, IG1_ALUOP_SHL, R_ZERO, 3);
	lw_alu(l, n, R_S_DATA, BLOCK, IG1_ALUOP_ADD, T, 0);
	if (l->run && !l->p->diag->err)
		l->p->cmds[at].u.seq.len = (uint32_t)(l->p->n_cmds - 1 - at);
}

/* Per column: addresses of the position's row and scale in its KV block; its rotation rows. */
void lw_columns(struct lower *l)
{
	const char *n = "columns/address";
	enum { COL = R_T0, POS, KV, BLOCK, T };
	const struct ir_table *t;
	size_t loop;

	for (t = l->m->tables; t; t = t->next)
		l->rope_bufs[t->id] = cg_buf(l->p, t->name, t->stride * l->shape->cols);
	if (lw_single(l)) {
		single_column(l);
		return;
	}
	if (!l->kv->block_bytes && !l->m->tables)
		return;
	loop = lw_loop(l, "columns", R_COL, R_COLS);
	lw_alu(l, n, COL, R_COL, IG1_ALUOP_MUL, R_ZERO, CG_COL_BYTES);
	lw_ld(l, n, POS, COL, IG1_LDW_U32, l->coltab, CG_COL_POS);
	lw_ld(l, n, KV, COL, IG1_LDW_U64, l->coltab, CG_COL_KV);
	lw_alu(l, n, BLOCK, POS, IG1_ALUOP_SHR, R_ZERO, 5);
	lw_alu(l, n, BLOCK, BLOCK, IG1_ALUOP_MUL, R_ZERO, l->kv->block_bytes);
	lw_alu(l, n, BLOCK, BLOCK, IG1_ALUOP_ADD, KV, 0);
	lw_alu(l, n, T, POS, IG1_ALUOP_AND, R_ZERO, 31);
	lw_alu(l, n, T, T, IG1_ALUOP_SHL, R_ZERO, 2);
	lw_alu(l, n, KV, BLOCK, IG1_ALUOP_ADD, T, 0);
	lw_st(l, n, COL, KV, IG1_LDW_U64, l->coltab, CG_COL_SCALES);
	lw_alu(l, n, T, T, IG1_ALUOP_SHL, R_ZERO, 3);
	lw_alu(l, n, KV, BLOCK, IG1_ALUOP_ADD, T, 0);
	lw_st(l, n, COL, KV, IG1_LDW_U64, l->coltab, CG_COL_DATA);
	if (l->kv->window) {
		lw_ld(l, n, KV, COL, IG1_LDW_U64, l->coltab, CG_COL_KV);
		window_entry(l, COL, POS, KV, BLOCK);
	}
	for (t = l->m->tables; t; t = t->next) {
		lw_alu(l, t->name, T, POS, IG1_ALUOP_MUL, R_ZERO, t->stride);
		lw_alu(l, t->name, KV, R_COL, IG1_ALUOP_MUL, R_ZERO, t->stride);
		rope_row(l, t, T, KV);
	}
	lw_loop_end(l, loop);
}

struct logits {
	uint32_t buf, part_max,
		part_arg; /* of a part; maxima and their places per column and part */
	uint32_t parts;
	uint64_t stride; /* bytes of a column in buf */
};

/* What follows the matmul, on a part. */
static void logits_post(struct lower *l, const struct ir_op *mm, const struct cg_val *x,
			const struct logits *g, uint32_t row, uint32_t n)
{
	const struct ir_op *op;
	struct cg_cmd *c;

	for (op = ir_only_user(l->m, mm); op->kind != IR_LOGITS; op = ir_only_user(l->m, op)) {
		bool bias = op->kind == IR_BIAS;

		c = lw_vec(l, bias ? IG1_OP_V_ADD : lw_elt_opcode(op->fn), op->name, n, 1,
			   x->rcols);
		lw_src(l, c, 'a', g->buf, 0, 1, 0, (int64_t)(g->stride / 4), R_ZERO);
		if (bias)
			lw_src_crom(l, c, 'b', op->konst->addr + 4ull * row, 0);
		if (op->fn == IR_FN_LIN) {
			c->u.vec.alpha = op->scale;
			c->u.vec.beta = op->shift;
		}
		lw_dst(l, c, g->buf, 0, 0, (int64_t)(g->stride / 4));
	}
}

/* Rows row .. row + n of the vocabulary, part number `part`. */
static void logits_part(struct lower *l, const struct ir_op *mm, const struct cg_val *x,
			const struct logits *g, uint32_t part, uint32_t row, uint32_t n)
{
	const struct ir_tensor *t = mm->mats[0];
	unsigned int red;
	struct cg_cmd *c;

	c = cg_cmd(l->p, IG1_OP_T_MM, mm->name);
	c->u.mm.fmt = lw_wfmt(t);
	c->u.mm.rom = t->addr + row * t->stride;
	c->u.mm.wstride = (uint32_t)t->stride;
	c->u.mm.rows = n;
	c->u.mm.groups = (uint32_t)t->groups;
	c->u.mm.rcols = x->rcols;
	c->u.mm.xstride = (uint32_t)x->cstride;
	c->u.mm.xsstride = (uint32_t)x->scstride;
	c->u.mm.ystride = (uint32_t)g->stride;
	cg_ref(l->p, c, CG_FIELD(mm, x), false, false, x->buf, x->off);
	cg_ref(l->p, c, CG_FIELD(mm, xs), false, false, x->sbuf, x->soff);
	cg_ref(l->p, c, CG_FIELD(mm, y), false, true, g->buf, 0);
	logits_post(l, mm, x, g, row, n);
	c = cg_cmd(l->p, IG1_OP_D_ST, "logits/store");
	c->u.dma.rva = R_LOGITS;
	c->u.dma.va = 4ull * row;
	c->u.dma.v1 = 4ull * l->m->meta.vocab;
	c->u.dma.s1 = (uint32_t)g->stride;
	c->u.dma.bytes = 4 * n;
	c->u.dma.rn1 = R_STORED;
	c->u.dma.n2 = 1;
	c->va_kind = CG_VA_LOGITS;
	c->va_write = true;
	cg_ref(l->p, c, CG_FIELD(dma, sp), false, false, g->buf, 0);
	if (l->kind != IG1_PROG_DECODE)
		return;
	for (red = IG1_VRED_MAX; red <= IG1_VRED_ARGMAX; red++) {
		if (g->parts == 1 && red == IG1_VRED_MAX)
			continue;
		c = lw_vec(l, IG1_OP_V_MOV, red == IG1_VRED_MAX ? "logits/max" : "logits/argmax", n,
			   1, x->rcols);
		lw_src(l, c, 'a', g->buf, 0, 1, 0, (int64_t)(g->stride / 4), R_ZERO);
		if (g->parts == 1)
			lw_red(l, c, (enum ig1_vred)red, l->tokens, 0, 0, 1);
		else
			lw_red(l, c, (enum ig1_vred)red,
			       red == IG1_VRED_MAX ? g->part_max : g->part_arg, 4ull * part, 0,
			       g->parts);
	}
}

/* The part with the greatest maximum, the first of equals, holds the token. */
static void join_parts(struct lower *l, const struct logits *g)
{
	enum { COL = R_S_T0, ROW, PART };
	const char *n = "logits/join";
	unsigned int col = lw_single(l) ? R_ZERO : COL;
	struct cg_cmd *c;
	size_t loop = 0;

	c = lw_vec(l, IG1_OP_V_MOV, n, g->parts, 1, R_COLS);
	lw_src(l, c, 'a', g->part_max, 0, 1, 0, g->parts, R_ZERO);
	lw_red(l, c, IG1_VRED_ARGMAX, l->tokens, 0, 0, 1);
	if (!lw_single(l)) {
		loop = lw_loop(l, n, R_COL, R_COLS);
		lw_alu(l, n, COL, R_COL, IG1_ALUOP_SHL, R_ZERO, 2);
	}
	lw_ld(l, n, PART, col, IG1_LDW_U32, l->tokens, 0);
	lw_alu(l, n, ROW, R_COL, IG1_ALUOP_MUL, R_ZERO, g->parts);
	lw_alu(l, n, ROW, ROW, IG1_ALUOP_ADD, PART, 0);
	lw_alu(l, n, ROW, ROW, IG1_ALUOP_SHL, R_ZERO, 2);
	lw_ld(l, n, ROW, ROW, IG1_LDW_U32, g->part_arg, 0);
	lw_alu(l, n, PART, PART, IG1_ALUOP_MUL, R_ZERO, l->shape->logits);
	lw_alu(l, n, PART, PART, IG1_ALUOP_ADD, ROW, 0);
	lw_st(l, n, col, PART, IG1_LDW_U32, l->tokens, 0);
	if (!lw_single(l))
		lw_loop_end(l, loop);
}

void lw_logits(struct lower *l, const struct ir_op *mm, const struct cg_val *x)
{
	uint32_t vocab = l->m->meta.vocab, step = l->shape->logits, row;
	struct logits g = { .parts = (vocab + step - 1) / step };

	g.stride = 4ull * (step < vocab ? step : vocab);
	g.buf = cg_buf(l->p, "logits", g.stride * l->shape->cols);
	if (g.parts > 1 && l->kind == IG1_PROG_DECODE) {
		g.part_max = cg_buf(l->p, "logits/max", 4ull * g.parts * l->shape->cols);
		g.part_arg = cg_buf(l->p, "logits/argmax", 4ull * g.parts * l->shape->cols);
	}
	for (row = 0; row < vocab; row += step)
		logits_part(l, mm, x, &g, row / step, row, vocab - row < step ? vocab - row : step);
	if (g.parts > 1 && l->kind == IG1_PROG_DECODE)
		join_parts(l, &g);
}

/* A token that ends the loop; a batch has none. */
static void stop(struct lower *l, unsigned int rb)
{
	struct cg_cmd *c = cg_cmd(l->p, IG1_OP_S_BRK, "feedback/stop");

	c->u.seq.cond = IG1_COND_EQ;
	c->u.seq.ra = R_TOKEN;
	c->u.seq.rb = (uint8_t)rb;
}

static void emit(struct lower *l)
{
	struct cg_cmd *c = cg_cmd(l->p, IG1_OP_S_EMIT, "feedback/emit");

	c->u.seq.ra = R_TOKEN;
	c->u.seq.rb = lw_single(l) ? R_ZERO : R_COL;
	c->u.seq.kind = IG1_EMIT_TOKEN;
}

/* Each column's token goes out and into its column; positions advance. */
void lw_feedback(struct lower *l)
{
	enum { COL = R_T0, AT, POS };
	const char *n = "feedback";
	size_t loop;

	if (lw_single(l)) {
		lw_ld(l, n, R_TOKEN, R_ZERO, IG1_LDW_U32, l->tokens, 0);
		lw_st(l, n, R_ZERO, R_TOKEN, IG1_LDW_U32, l->coltab, CG_COL_TOKEN);
		lw_st(l, n, R_ZERO, R_S_NPOS, IG1_LDW_U32, l->coltab, CG_COL_POS);
		emit(l);
		stop(l, R_STOP0);
		stop(l, R_STOP1);
		return;
	}
	loop = lw_loop(l, n, R_COL, R_COLS);
	lw_alu(l, n, COL, R_COL, IG1_ALUOP_MUL, R_ZERO, CG_COL_BYTES);
	lw_alu(l, n, AT, R_COL, IG1_ALUOP_SHL, R_ZERO, 2);
	lw_ld(l, n, R_TOKEN, AT, IG1_LDW_U32, l->tokens, 0);
	emit(l);
	lw_st(l, n, COL, R_TOKEN, IG1_LDW_U32, l->coltab, CG_COL_TOKEN);
	lw_ld(l, n, POS, COL, IG1_LDW_U32, l->coltab, CG_COL_POS);
	lw_alu(l, n, POS, POS, IG1_ALUOP_ADD, R_ZERO, 1);
	lw_st(l, n, COL, POS, IG1_LDW_U32, l->coltab, CG_COL_POS);
	lw_loop_end(l, loop);
}
