// SPDX-License-Identifier: MIT
#include "compiler/codegen/trace.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ig1_tables.h"
#include "rtl_model/spec/ig1_seq_ops.h"

#define MAX_ROWS 65536u	    /* intervals of one operand; beyond it their hull is taken */
#define MAX_WORK 200000000u /* intervals of a run: a stream may come from a hostile file */

struct loop {
	uint32_t start, end; /* first command of the body, first behind it */
	uint64_t left, iter;
	uint8_t rd;
};

struct trace {
	const struct trace_job *job;
	struct diag *d;
	uint32_t pc;
	uint64_t reg[IG1_REGS];
	bool known[IG1_REGS];
	struct loop loops[IG1_LOOP_DEPTH];
	uint32_t depth;
	uint8_t *scratch;
	uint8_t *valid; /* by scratch word: its bytes in `scratch` are those of the chip */
	struct trace_access *acc;
	size_t n_acc, cap_acc;
	uint64_t work;
};

static int fail(struct trace *t, int err, const char *what)
{
	return diag_set(t->d, err, "command %u: %s", t->pc, what);
}

static int add(struct trace *t, enum trace_space space, bool write, uint64_t lo, uint64_t bytes)
{
	struct trace_access *a;
	uint64_t hi;

	if (!bytes)
		return 0;
	if (++t->work > MAX_WORK)
		return fail(t, -E2BIG, "more accesses than the checker follows");
	if (__builtin_add_overflow(lo, bytes, &hi))
		return fail(t, -EINVAL, "address range wraps");
	if (space == TRACE_SCRATCH && hi > t->job->chip->scratch_bytes)
		return fail(t, -EINVAL, "scratch operand out of range");
	if (t->n_acc) {
		a = &t->acc[t->n_acc - 1];
		if (a->space == space && a->write == write && a->hi == lo) {
			a->hi = hi;
			return 0;
		}
	}
	if (t->n_acc == t->cap_acc) {
		size_t cap = t->cap_acc ? 2 * t->cap_acc : 256;

		a = realloc(t->acc, cap * sizeof(*a));
		if (!a)
			return diag_nomem(t->d);
		t->acc = a;
		t->cap_acc = cap;
	}
	t->acc[t->n_acc++] = (struct trace_access){ (uint8_t)space, write, lo, hi };
	return 0;
}

/* A value of a register that an engine's operand depends on. */
static int reg(struct trace *t, unsigned int r, uint64_t *v)
{
	*v = t->reg[r];
	return t->known[r] ? 0 : fail(t, -ENOTSUP, "operand depends on computed data");
}

/* n2 x n1 x n0 pieces of `tail` bytes; steps are bytes and may be negative. */
struct shape {
	uint64_t n[3];
	int64_t step[3];
	uint64_t tail;
};

static int add_shape(struct trace *t, enum trace_space space, bool write, uint64_t base,
		     const struct shape *s)
{
	uint64_t rows, i2, i1, n0 = s->n[0], tail = s->tail;
	int64_t lo = 0, span;
	int k;

	if (!s->n[0] || !s->n[1] || !s->n[2] || !tail)
		return 0;
	/* a row whose pieces touch is one piece */
	span = (int64_t)(n0 - 1) * s->step[0];
	if (span >= 0 && (n0 == 1 || (uint64_t)s->step[0] <= tail)) {
		tail += (uint64_t)span;
		n0 = 1;
	} else if (span < 0) {
		base += (uint64_t)span;
		tail += (uint64_t)-span;
		n0 = 1;
	} else {
		tail += (uint64_t)span;
		n0 = 1;
	}
	if (__builtin_mul_overflow(s->n[1], s->n[2], &rows) || rows > MAX_ROWS) {
		for (k = 1; k < 3; k++) {
			span = (int64_t)(s->n[k] - 1) * s->step[k];
			if (span < 0)
				lo += span;
			else
				tail += (uint64_t)span;
		}
		return add(t, space, write, base + (uint64_t)lo, tail + (uint64_t)-lo);
	}
	for (i2 = 0; i2 < s->n[2]; i2++) {
		for (i1 = 0; i1 < s->n[1]; i1++) {
			uint64_t at = base + i2 * (uint64_t)s->step[2] + i1 * (uint64_t)s->step[1];

			if (add(t, space, write, at, tail))
				return t->d->err;
		}
	}
	return 0;
}

static int scratch(struct trace *t, bool write, uint64_t base, unsigned int r, struct shape s)
{
	uint64_t v;

	if (reg(t, r, &v))
		return t->d->err;
	return add_shape(t, TRACE_SCRATCH, write, base + v, &s);
}

static int count(struct trace *t, uint64_t base, unsigned int r, uint64_t *out)
{
	uint64_t v;

	if (reg(t, r, &v))
		return t->d->err;
	*out = base + v;
	return *out > IG1_MAX_COUNT ? fail(t, -EINVAL, "count above the limit") : 0;
}

static int see_mm(struct trace *t, const uint32_t *w, struct trace_counts *n)
{
	struct ig1_fmt_mm f;
	struct shape x, xs, y;

	ig1_decode_mm(w, &f);
	n->groups = f.groups;
	if (count(t, f.rows, f.rrows, &n->rows) || count(t, f.cols, f.rcols, &n->cols))
		return t->d->err;
	if (!n->rows || !n->cols || !n->groups)
		return 0;
	x = (struct shape){ { 1, 1, n->cols }, { 0, 0, f.xstride }, 32 * n->groups };
	xs = (struct shape){ { 1, 1, n->cols }, { 0, 0, f.xsstride }, 4 * n->groups };
	y = (struct shape){ { 1, 1, n->cols }, { 0, 0, f.ystride }, 4 * n->rows };
	if (scratch(t, false, f.x, f.rx, x) || scratch(t, false, f.xs, f.rxs, xs) ||
	    (f.acc && scratch(t, false, f.y, f.ry, y)))
		return t->d->err;
	return scratch(t, true, f.y, f.ry, y);
}

static int see_emb(struct trace *t, const uint32_t *w, struct trace_counts *n)
{
	struct ig1_fmt_emb f;

	ig1_decode_emb(w, &f);
	n->rows = f.rows;
	n->groups = f.groups;
	if (count(t, f.cols, f.rcols, &n->cols))
		return t->d->err;
	if (!n->rows || !n->groups)
		return 0;
	if (scratch(t, false, f.idx, f.ridx,
		    (struct shape){ { 1, 1, n->cols }, { 0, 0, f.istride }, 4 }))
		return t->d->err;
	return scratch(t, true, f.y, f.ry,
		       (struct shape){ { 1, 1, n->cols }, { 0, 0, f.ystride }, 128 * n->groups });
}

/* Blocks of t.qk and t.pv: only rows below npos are read. */
static int see_blocks(struct trace *t, uint64_t base, uint64_t stride, uint64_t per_head,
		      uint64_t row_bytes, const struct trace_counts *n)
{
	uint64_t blocks = (n->npos + 31) / 32, pieces, b, i;

	if (__builtin_mul_overflow(blocks, n->heads * per_head, &pieces) || pieces > MAX_ROWS)
		return add_shape(t, TRACE_VA, false, base,
				 &(struct shape){ { 1, n->heads * per_head, blocks },
						  { 0, (int64_t)(32 * row_bytes), (int64_t)stride },
						  32 * row_bytes });
	for (b = 0; b < blocks; b++) {
		uint64_t rows = n->npos - 32 * b < 32 ? n->npos - 32 * b : 32;

		for (i = 0; i < n->heads * per_head; i++) {
			if (add(t, TRACE_VA, false, base + b * stride + i * 32 * row_bytes,
				rows * row_bytes))
				return t->d->err;
		}
	}
	return 0;
}

static int see_att(struct trace *t, const uint32_t *w, struct trace_counts *n)
{
	struct ig1_fmt_att f;
	uint64_t kv, ks, heads, blocks, g;
	bool pv;

	ig1_decode_att(w, &f);
	pv = f.op == IG1_OP_T_PV;
	n->groups = f.groups;
	n->heads = f.heads;
	n->qper = f.qper;
	heads = n->heads * n->qper;
	if (count(t, f.npos, f.rnpos, &n->npos))
		return t->d->err;
	if (!n->npos || !heads || !n->groups || (pv && !f.dims))
		return 0;
	if (reg(t, f.rkv, &kv) || reg(t, f.rks, &ks))
		return t->d->err;
	blocks = (n->npos + 31) / 32;
	g = pv ? n->groups : 1;
	if (see_blocks(t, f.kv + kv, f.bstride, n->groups, 32, n) ||
	    (!pv && see_blocks(t, f.ks + ks, f.sbstride, n->groups, 4, n)))
		return t->d->err;
	if (scratch(t, false, f.x, f.rx,
		    (struct shape){ { 1, heads, g },
				    { 0, f.xstride, pv ? f.xgstride : 0 },
				    pv ? 32 * blocks : 32 * n->groups }) ||
	    scratch(t, false, f.xs, f.rxs,
		    (struct shape){ { 1, heads, g },
				    { 0, f.xsstride, pv ? f.xsgstride : 0 },
				    pv ? 4 * blocks : 4 * n->groups }))
		return t->d->err;
	return scratch(t, true, f.y, f.ry,
		       (struct shape){ { 1, 1, heads },
				       { 0, 0, f.ystride },
				       pv ? 4ull * f.dims : 4 * n->npos });
}

static int see_vec(struct trace *t, const uint32_t *w, struct trace_counts *n)
{
	struct ig1_fmt_vec f;
	unsigned int i, sources;
	uint64_t groups;

	ig1_decode_vec(w, &f);
	if (count(t, f.n0, f.rn0, &n->n0) || count(t, f.n1, f.rn1, &n->n1) ||
	    count(t, f.n2, f.rn2, &n->n2))
		return t->d->err;
	if (!n->n0 || !n->n1 || !n->n2)
		return 0;
	sources = ig1_vec_sources(f.op);
	groups = (n->n0 + 31) / 32;
	{
		const struct {
			uint32_t addr;
			uint8_t space, r;
			int64_t s0, s1, s2;
		} src[4] = {
			{ f.a, f.sa, f.ra, f.a0, f.a1, f.a2 },
			{ f.bb, f.sb, f.rb, f.b0, f.b1, f.b2 },
			{ f.c, f.sc, f.rc, f.c0, f.c1, f.c2 },
			{ f.dd, f.sd, f.rc, f.d0, f.d1, f.d2 },
		};

		for (i = 0; sources >> i; i++) {
			struct shape s = { { n->n0, n->n1, n->n2 },
					   { 4 * src[i].s0, 4 * src[i].s1, 4 * src[i].s2 },
					   4 };

			if (src[i].space == IG1_SPACE_SCRATCH &&
			    scratch(t, false, src[i].addr, src[i].r, s))
				return t->d->err;
		}
	}
	if (f.out == IG1_VFMT_F32 &&
	    scratch(t, true, f.y, f.ry,
		    (struct shape){ { n->n0, n->n1, n->n2 },
				    { 4 * (int64_t)f.y0, 4 * (int64_t)f.y1, 4 * (int64_t)f.y2 },
				    4 }))
		return t->d->err;
	if (f.out == IG1_VFMT_Q8 &&
	    scratch(t, true, f.y, f.ry,
		    (struct shape){ { 1, n->n1, n->n2 }, { 0, f.y1, f.y2 }, 32 * groups }))
		return t->d->err;
	if (f.out != IG1_VFMT_Q8 && f.red == IG1_VRED_NONE)
		return 0;
	return scratch(t, true, f.z, f.rz,
		       (struct shape){ { 1, n->n1, n->n2 },
				       { 0, 4 * (int64_t)f.z1, 4 * (int64_t)f.z2 },
				       f.out == IG1_VFMT_Q8 ? 4 * groups : 4 });
}

static int see_dma(struct trace *t, const uint32_t *w, struct trace_counts *n)
{
	struct ig1_fmt_dma f;
	uint64_t va, bytes;
	bool load;

	ig1_decode_dma(w, &f);
	load = f.op == IG1_OP_D_LD;
	if (reg(t, f.rbytes, &bytes) || count(t, f.n1, f.rn1, &n->n1) ||
	    count(t, f.n2, f.rn2, &n->n2))
		return t->d->err;
	n->bytes = f.bytes + bytes;
	if (!n->n1 || !n->n2 || !n->bytes)
		return 0;
	if (reg(t, f.rva, &va))
		return t->d->err;
	if (add_shape(t, TRACE_VA, !load, f.va + va,
		      &(struct shape){
			      { 1, n->n1, n->n2 }, { 0, (int64_t)f.v1, (int64_t)f.v2 }, n->bytes }))
		return t->d->err;
	return scratch(t, load, f.sp, f.rsp,
		       (struct shape){ { 1, n->n1, n->n2 }, { 0, f.s1, f.s2 }, n->bytes });
}

/* What an engine wrote is unknown, but for what a DMA brought from the column table. */
static void effects(struct trace *t, const uint32_t *w, const struct trace_counts *n)
{
	const struct trace_job *j = t->job;
	uint64_t table = j->args[0], bytes = (uint64_t)j->n_cols * sizeof(*j->cols);
	struct ig1_fmt_dma f;
	uint64_t i1, i2;
	size_t i;

	for (i = 0; i < t->n_acc; i++) {
		if (t->acc[i].write && t->acc[i].space == TRACE_SCRATCH)
			memset(t->valid + t->acc[i].lo / 4, 0,
			       (t->acc[i].hi + 3) / 4 - t->acc[i].lo / 4);
	}
	if ((w[0] & 0xff) != IG1_OP_D_LD || n->n1 > MAX_ROWS || n->n2 > MAX_ROWS / (n->n1 + 1))
		return;
	ig1_decode_dma(w, &f);
	for (i2 = 0; i2 < n->n2; i2++) {
		for (i1 = 0; i1 < n->n1; i1++) {
			uint64_t va = f.va + t->reg[f.rva] + i1 * f.v1 + i2 * f.v2;
			uint64_t sp = f.sp + t->reg[f.rsp] + i1 * f.s1 + i2 * f.s2;

			if (va < table || va - table > bytes || n->bytes > bytes - (va - table))
				continue;
			/* the range was checked when the access was added */
			memcpy(t->scratch + sp, (const uint8_t *)j->cols + (va - table), n->bytes);
			memset(t->valid + sp / 4, 1, n->bytes / 4);
		}
	}
}

static void set(struct trace *t, unsigned int rd, uint64_t v, bool known)
{
	if (rd) {
		t->reg[rd] = v;
		t->known[rd] = known;
	}
}

static uint32_t body_end(const struct trace *t)
{
	return t->depth ? t->loops[t->depth - 1].end : (uint32_t)t->job->n_cmds;
}

static int load_word(struct trace *t, const struct ig1_fmt_seq *f)
{
	uint64_t at = f->imm + t->reg[f->ra], bytes = f->width ? 8 : 4, v = 0, i;
	bool known = true;

	if (!t->known[f->ra]) {
		/* anywhere: order it behind every write */
		set(t, f->rd, 0, false);
		return add(t, TRACE_SCRATCH, false, 0, t->job->chip->scratch_bytes);
	}
	if (at % 4 || add(t, TRACE_SCRATCH, false, at, bytes))
		return fail(t, -EINVAL, "bad scratch address");
	for (i = 0; i < bytes; i++) {
		v |= (uint64_t)t->scratch[at + i] << 8 * i;
		known = known && t->valid[(at + i) / 4];
	}
	set(t, f->rd, v, known);
	return 0;
}

static int store_word(struct trace *t, const struct ig1_fmt_seq *f)
{
	uint64_t at = f->imm + t->reg[f->ra], bytes = f->width ? 8 : 4, i;

	if (!t->known[f->ra])
		return fail(t, -ENOTSUP, "operand depends on computed data");
	if (at % 4 || add(t, TRACE_SCRATCH, true, at, bytes))
		return fail(t, -EINVAL, "bad scratch address");
	for (i = 0; i < bytes; i++) {
		t->scratch[at + i] = (uint8_t)(t->reg[f->rb] >> 8 * i);
		t->valid[(at + i) / 4] = t->known[f->rb];
	}
	return 0;
}

static int start_loop(struct trace *t, const struct ig1_fmt_seq *f, uint32_t *next)
{
	uint64_t n;

	if (count(t, f->imm, f->ra, &n))
		return t->d->err;
	if (!f->len || f->len > body_end(t) - t->pc - 1 || t->depth == IG1_LOOP_DEPTH)
		return fail(t, -EINVAL, "loop too deep, or its body outside its parent's");
	if (!n) {
		*next = t->pc + 1 + f->len;
		return 0;
	}
	t->loops[t->depth++] = (struct loop){ t->pc + 1, t->pc + 1 + f->len, n - 1, 0, f->rd };
	set(t, f->rd, 0, true);
	return 0;
}

/* Control flow; *next is the command to go on with, *end set by s.end. */
static int see_seq(struct trace *t, const uint32_t *w, uint32_t *next, bool *end)
{
	struct ig1_fmt_seq f;
	bool known, taken;

	ig1_decode_seq(w, &f);
	known = t->known[f.ra] && t->known[f.rb];
	taken = known && ig1_seq_holds(f.cond, t->reg[f.ra], t->reg[f.rb] + f.imm);
	switch (f.op) {
	case IG1_OP_S_END:
		*end = true;
		return 0;
	case IG1_OP_S_LI:
		set(t, f.rd, f.imm, true);
		return 0;
	case IG1_OP_S_ALU:
		set(t, f.rd, ig1_seq_alu(f.alu, t->reg[f.ra], t->reg[f.rb] + f.imm), known);
		return 0;
	case IG1_OP_S_LD:
		return load_word(t, &f);
	case IG1_OP_S_ST:
		return store_word(t, &f);
	case IG1_OP_S_LOOP:
		return start_loop(t, &f, next);
	case IG1_OP_S_SKIP:
		if (f.len > body_end(t) - t->pc - 1)
			return fail(t, -EINVAL, "skip beyond the loop's body");
		/* an unknown condition is one that computed data decide: as if it did not hold */
		if (taken)
			*next = t->pc + 1 + f.len;
		return 0;
	case IG1_OP_S_BRK:
		if (!t->depth)
			return fail(t, -EINVAL, "break outside a loop");
		if (taken)
			*next = t->loops[--t->depth].end;
		return 0;
	default:
		return 0;
	}
}

static int step(struct trace *t, const uint32_t *w, struct trace_event *e, uint32_t *next,
		bool *end)
{
	switch (e->engine) {
	case IG1_ENGINE_SEQ:
		return see_seq(t, w, next, end);
	case IG1_ENGINE_VEC:
		return see_vec(t, w, &e->n);
	case IG1_ENGINE_DMA:
		return see_dma(t, w, &e->n);
	default:
		if (e->op == IG1_OP_T_MM)
			return see_mm(t, w, &e->n);
		if (e->op == IG1_OP_T_EMB)
			return see_emb(t, w, &e->n);
		return see_att(t, w, &e->n);
	}
}

/* At the end of bodies: next iteration, or out. */
static void close_loops(struct trace *t)
{
	while (t->depth && t->pc == t->loops[t->depth - 1].end) {
		struct loop *l = &t->loops[t->depth - 1];

		if (!l->left) {
			t->depth--;
			continue;
		}
		l->left--;
		set(t, l->rd, ++l->iter, true);
		t->pc = l->start;
		return;
	}
}

static int run(struct trace *t, int (*event)(void *, const struct trace_event *), void *ctx)
{
	const struct trace_job *j = t->job;
	uint32_t w[IG1_CMD_WORDS], next, i;
	uint64_t executed, addr;
	bool end = false;
	int ret;

	for (executed = 0; !end; executed++) {
		struct trace_event e = { 0 };

		close_loops(t);
		if (t->pc >= j->n_cmds)
			return fail(t, -EINVAL, "execution runs past the end of the program");
		if (executed >= j->max_commands)
			return fail(t, -E2BIG, "more commands executed than allowed");
		memcpy(w, (const uint8_t *)j->prog + (size_t)t->pc * IG1_COMMAND_BYTES, sizeof(w));
		for (i = 0; i < IG1_CMD_WORDS; i++)
			w[i] = le32toh(w[i]);
		ret = ig1_cmd_check(w, &addr);
		if (ret)
			return diag_set(t->d, -EINVAL, "command %u: fault %s, word %u", t->pc,
					ig1_fault_name((uint32_t)ret), (unsigned int)addr);
		t->n_acc = 0;
		next = t->pc + 1;
		e.index = t->pc;
		e.w = w;
		e.op = (uint8_t)w[0];
		e.engine = ig1_op_find(e.op)->engine;
		e.wait = (uint16_t)(w[0] >> 16);
		e.signal = (uint16_t)w[1];
		e.n_sources =
			e.engine == IG1_ENGINE_VEC ? __builtin_popcount(ig1_vec_sources(e.op)) : 0;
		ret = step(t, w, &e, &next, &end);
		if (ret)
			return ret;
		e.acc = t->acc;
		e.n_acc = t->n_acc;
		if (e.engine != IG1_ENGINE_SEQ)
			effects(t, w, &e.n);
		ret = event(ctx, &e);
		if (ret)
			return ret;
		t->pc = next;
	}
	return 0;
}

int trace_run(const struct trace_job *job, int (*event)(void *ctx, const struct trace_event *e),
	      void *ctx, struct diag *d)
{
	struct trace t = { .job = job, .d = d };
	int ret, i;

	for (i = 0; i < IG1_REGS; i++)
		t.known[i] = true;
	for (i = 0; i < IG1_ARGS; i++)
		t.reg[1 + i] = job->args[i];
	t.scratch = calloc(1, job->chip->scratch_bytes);
	t.valid = calloc(1, job->chip->scratch_bytes / 4 + 1);
	ret = t.scratch && t.valid ? run(&t, event, ctx) : diag_nomem(d);
	free(t.scratch);
	free(t.valid);
	free(t.acc);
	return ret;
}
