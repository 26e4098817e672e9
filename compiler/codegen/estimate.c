// SPDX-License-Identifier: MIT
#include "compiler/codegen/estimate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ig1_isa.h"

/*
 * Cycles, as the RTL's traces show them. Rows of a pass follow each other without a gap but for
 * reductions, whose tree takes one row at a time.
 */
static const struct {
	uint32_t seq;	    /* sequencer: fetch, decode, execute */
	uint32_t seq_load;  /* s.ld: on top */
	uint32_t issue;	    /* a command of an engine: fetch, decode, check; then one per operand */
	uint32_t queue;	    /* commands an engine's queue holds */
	uint32_t vec;	    /* v.*: on top of the operation's latency */
	uint32_t vec_alus;  /* chunks under way at once */
	uint32_t vec_tree;  /* of a row's reduction */
	uint32_t vec_quant; /* of the quantiser */
	uint32_t tile;	    /* t.*: first operand, last result */
	uint32_t tile_pass; /* of a pass over the rows: results leave the array */
	uint32_t tile_block; /* of a KV block: from memory to the array */
	uint32_t dma_load, dma_store;
	uint32_t start; /* from the end of a command to the start of the next */
} table = {
	.seq = 3,
	.seq_load = 1,
	.issue = 3,
	.queue = 4,
	.vec = 4,
	.vec_alus = 4,
	.vec_tree = 6,
	.vec_quant = 9,
	.tile = 9,
	.tile_pass = 3,
	.tile_block = 4,
	.dma_load = 9,
	.dma_store = 4,
	.start = 1,
};

/* Latency of a vector operation in cycles, sources it reads. */
static uint32_t vec_latency(uint8_t op)
{
	switch (op) {
	case IG1_OP_V_MUL3:
	case IG1_OP_V_ROT:
		return 2;
	case IG1_OP_V_RECIP:
		return 6;
	case IG1_OP_V_RSQRT:
		return 10;
	case IG1_OP_V_EXPS:
		return 11;
	case IG1_OP_V_SIGM:
		return 16;
	case IG1_OP_V_SILU:
		return 17;
	case IG1_OP_V_SILUMUL:
		return 18;
	default:
		return 1;
	}
}

#define TOKEN_RING 256u

/* The end of a command, and which one. */
struct mark {
	uint64_t at;
	uint32_t by;
};

struct timing {
	const struct ig1_config *chip;
	struct estimate *out;
	void (*span)(void *ctx, const struct estimate_span *s);
	void *ctx;
	uint64_t now;			       /* of the sequencer */
	struct mark free[IG1_ENGINE_COUNT];    /* when an engine is done with what it has */
	struct mark ends[IG1_ENGINE_COUNT][4]; /* ring of the commands in its queue */
	struct mark token[IG1_TOKENS][TOKEN_RING];
	uint32_t given[IG1_TOKENS], taken[IG1_TOKENS];
};

static uint64_t ceil_div(uint64_t a, uint64_t b)
{
	return (a + b - 1) / b;
}

static uint64_t most(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t mm_cycles(struct timing *t, const struct trace_event *e)
{
	const struct ig1_config *c = t->chip;
	const struct trace_counts *n = &e->n;
	uint64_t par = (uint64_t)c->tiles * c->rows, fmt = e->w[1] >> 16 & 15, cols, all, passes,
		 sum = 0;
	uint64_t groups = ceil_div(n->groups, ig1_wfmt_step_groups((uint32_t)fmt));

	t->out->macs += n->rows * n->groups * 32 * n->cols;
	if (n->cols)
		t->out->rom_bytes += n->rows * n->groups * ig1_wfmt_block_bytes((uint32_t)fmt);
	passes = ceil_div(n->rows, par);
	for (all = n->cols; all; all -= cols) {
		cols = all < c->columns ? all : c->columns;
		sum += ceil_div(cols * n->groups * 36, c->mem_bytes) +
		       passes * (table.tile_pass +
				 most(groups, cols * ceil_div(4 * par, c->mem_bytes)));
	}
	return sum;
}

static uint64_t att_cycles(struct timing *t, const struct trace_event *e)
{
	const struct ig1_config *c = t->chip;
	const struct trace_counts *n = &e->n;
	bool qk = e->op == IG1_OP_T_QK;
	uint64_t pieces = n->heads * n->groups, blocks = n->npos / 32, rest = n->npos % 32, sum;

	t->out->macs += n->npos * n->groups * 32 * n->heads * n->qper;
	t->out->kv_bytes += pieces * n->npos * (qk ? 36 : 32);
	sum = blocks *
	      (1024 / c->mem_bytes + (qk ? ceil_div(128, c->mem_bytes) : 0) + table.tile_block);
	if (rest)
		sum += ceil_div(32 * rest, c->mem_bytes) +
		       (qk ? ceil_div(4 * rest, c->mem_bytes) : 0) + table.tile_block;
	return pieces * sum * ceil_div(n->qper, c->columns);
}

static uint64_t vec_cycles(struct timing *t, const struct trace_event *e)
{
	const struct trace_counts *n = &e->n;
	uint64_t chunks = ceil_div(n->n0, t->chip->lanes), latency = vec_latency(e->op), row, reads;
	struct ig1_fmt_vec f;

	ig1_decode_vec(e->w, &f);
	t->out->vec_elems += n->n0 * n->n1 * n->n2;
	/* one scratch read a cycle; constant ROM has a port of its own */
	reads = !f.sa;
	if (e->n_sources > 1)
		reads += !f.sb;
	if (e->n_sources > 2)
		reads += !f.sc;
	if (e->n_sources > 3)
		reads += !f.sd;
	row = chunks * most(most(reads, 1), ceil_div(latency, table.vec_alus));
	if (f.out == IG1_VFMT_Q8)
		row = most(row, chunks + 1);
	if (f.red)
		row += table.vec_tree - 1;
	return table.vec + latency + row * n->n1 * n->n2 +
	       (f.out == IG1_VFMT_Q8 ? table.vec_quant : 0);
}

static uint64_t work(struct timing *t, const struct trace_event *e)
{
	const struct trace_counts *n = &e->n;

	switch (e->op) {
	case IG1_OP_T_MM:
		return table.tile + mm_cycles(t, e);
	case IG1_OP_T_EMB:
		t->out->rom_bytes += n->cols * n->groups * ig1_wfmt_block_bytes(e->w[1] >> 16 & 15);
		return table.tile + n->cols * ceil_div(128 * n->groups, t->chip->mem_bytes);
	case IG1_OP_T_QK:
	case IG1_OP_T_PV:
		return table.tile + att_cycles(t, e);
	case IG1_OP_D_LD:
	case IG1_OP_D_ST:
		t->out->dma_bytes += n->bytes * n->n1 * n->n2;
		return (e->op == IG1_OP_D_LD ? table.dma_load : table.dma_store) +
		       n->n1 * n->n2 * ceil_div(n->bytes, t->chip->mem_bytes);
	default:
		return vec_cycles(t, e);
	}
}

/* Nothing to do but its tokens. */
static bool nothing(const struct trace_event *e)
{
	return !e->n_acc;
}

static uint32_t operands(const struct trace_event *e)
{
	switch (e->engine) {
	case IG1_ENGINE_TILE:
		return e->op == IG1_OP_T_MM ? 4 : 3;
	case IG1_ENGINE_VEC:
		return e->n_sources + 2;
	default:
		return 1;
	}
}

/* Not before `m` and `gap` cycles more; *after becomes its command when that is later than *at. */
static void wait_for(uint64_t *at, uint32_t *after, const struct mark *m, uint32_t gap)
{
	if (m->at + gap <= *at)
		return;
	*at = m->at + gap;
	*after = m->by;
}

static void wait_tokens(struct timing *t, uint16_t wait, uint64_t *at, uint32_t *after)
{
	unsigned int k;

	for (k = 0; k < IG1_TOKENS; k++) {
		if (wait & 1u << k && t->taken[k] < t->given[k])
			wait_for(at, after, &t->token[k][t->taken[k]++ % TOKEN_RING], table.start);
	}
}

static void give_tokens(struct timing *t, uint16_t signal, const struct mark *end)
{
	unsigned int k;

	for (k = 0; k < IG1_TOKENS; k++) {
		if (signal & 1u << k)
			t->token[k][t->given[k]++ % TOKEN_RING] = *end;
	}
}

static int on_event(void *ctx, const struct trace_event *e)
{
	struct timing *t = ctx;
	struct estimate_span s = { .index = e->index,
				   .op = e->op,
				   .engine = e->engine,
				   .start_after = ESTIMATE_NOTHING,
				   .issue_after = ESTIMATE_NOTHING };
	struct mark end = { .by = (uint32_t)t->out->commands }, *slot;
	unsigned int q;

	t->out->commands++;
	t->out->count[e->engine]++;
	if (e->engine == IG1_ENGINE_SEQ) {
		s.start = t->now;
		wait_tokens(t, e->wait, &s.start, &s.start_after);
		if (e->op == IG1_OP_S_SYNC || e->op == IG1_OP_S_END) {
			for (q = 0; q < IG1_ENGINE_COUNT; q++)
				wait_for(&s.start, &s.start_after, &t->free[q], 0);
		}
		end.at = s.start + table.seq + (e->op == IG1_OP_S_LD ? table.seq_load : 0);
		t->now = end.at;
		s.issue = s.start;
	} else {
		/* the queue has room when the command `queue` before this one has left it */
		slot = &t->ends[e->engine][t->out->count[e->engine] % table.queue];
		t->now += table.issue + operands(e);
		wait_for(&t->now, &s.issue_after, slot, 0);
		s.issue = t->now;
		s.start = s.issue + table.start;
		wait_for(&s.start, &s.start_after, &t->free[e->engine], table.start);
		wait_tokens(t, e->wait, &s.start, &s.start_after);
		end.at = s.start + (nothing(e) ? 1 : work(t, e));
		*slot = end;
	}
	s.end = end.at;
	t->out->busy[e->engine] += s.end - s.start;
	t->free[e->engine] = end;
	give_tokens(t, e->signal, &end);
	t->out->cycles = most(t->out->cycles, s.end);
	if (t->span)
		t->span(t->ctx, &s);
	return 0;
}

int estimate_job(const struct trace_job *job,
		 void (*span)(void *ctx, const struct estimate_span *s), void *ctx,
		 struct estimate *out, struct diag *d)
{
	struct timing *t = calloc(1, sizeof(*t));
	int ret;

	*out = (struct estimate){ 0 };
	if (!t)
		return diag_nomem(d);
	t->chip = job->chip;
	t->out = out;
	t->span = span;
	t->ctx = ctx;
	out->macs_cycle = 32ull * job->chip->tiles * job->chip->rows * job->chip->columns;
	ret = trace_run(job, on_event, t, d);
	free(t);
	return ret;
}

int estimate_step(const struct estimate_step *step,
		  void (*span)(void *ctx, const struct estimate_span *s), void *ctx,
		  struct estimate *out, struct diag *d)
{
	/* addresses do not matter but that they differ */
	struct trace_job job = { .chip = step->chip,
				 .prog = step->prog,
				 .n_cmds = step->n_cmds,
				 .n_cols = step->cols,
				 .max_commands = 1u << 24 };
	bool decode = step->kind == IG1_PROG_DECODE;
	struct ig1_column *table = calloc(step->cols, sizeof(*table));
	uint32_t i;
	int ret;

	if (!table)
		return diag_nomem(d);
	for (i = 0; i < step->cols; i++) {
		table[i].pos = step->pos + (decode ? 0 : i);
		table[i].kv = 0x10000000 + (decode ? i * step->kv_bytes : 0);
		table[i].state = (1ull << (IG1_VA_BITS + 1)) + (decode ? i * step->state_bytes : 0);
	}
	job.cols = table;
	job.args[0] = 0x10000;
	job.args[1] = step->cols;
	job.args[2] = decode ? 0 : 0x1000000;
	job.args[3] = step->cols - 1;
	job.args[4] = 1;
	job.args[5] = 1;
	job.args[6] = UINT32_MAX;
	job.args[7] = UINT32_MAX;
	ret = estimate_job(&job, span, ctx, out, d);
	free(table);
	return ret;
}
