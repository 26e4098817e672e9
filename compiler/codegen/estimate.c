// SPDX-License-Identifier: MIT
#include "compiler/codegen/estimate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ig1_isa.h"

/* Cycles from start to the first result and from the last operand to the end, all in. */
static const struct {
	uint32_t fetch;	  /* sequencer: a command from memory, pipelined */
	uint32_t seq;	  /* a command of the sequencer itself */
	uint32_t tile;	  /* t.*: quantised columns in, sums out */
	uint32_t att_block; /* t.qk, t.pv: a KV block from memory, on top of its bytes */
	uint32_t vec;	  /* v.*: read, arithmetic, write */
	uint32_t vec_row; /* per row: addresses, and the tree of a reduction */
	uint32_t dma;	  /* d.*: translation and first word */
	uint32_t dma_row; /* per row */
	uint32_t token;	  /* from the end of a command to the start of one that waits for it */
	uint32_t queue;	  /* commands an engine's queue holds */
} table = {
	.fetch = 1, .seq = 2, .tile = 24, .att_block = 4, .vec = 16, .vec_row = 1,
	.dma = 20, .dma_row = 1, .token = 2, .queue = 8,
};

#define TOKEN_RING 256u

struct timing {
	const struct ig1_config *chip;
	struct estimate *out;
	void (*span)(void *ctx, const struct estimate_span *s);
	void *ctx;
	uint64_t now; /* of the sequencer */
	uint64_t free[IG1_ENGINE_COUNT]; /* when an engine is done with what it has */
	uint64_t ends[IG1_ENGINE_COUNT][8]; /* ring of the commands in its queue */
	uint64_t token[IG1_TOKENS][TOKEN_RING];
	uint32_t given[IG1_TOKENS], taken[IG1_TOKENS];
};

static uint64_t ceil_div(uint64_t a, uint64_t b)
{
	return (a + b - 1) / b;
}

static uint64_t tile_cycles(struct timing *t, const struct trace_event *e)
{
	const struct ig1_config *c = t->chip;
	const struct trace_counts *n = &e->n;
	uint64_t par = (uint64_t)c->tiles * c->rows, groups, blocks, fmt = e->w[1] >> 16 & 15;
	uint64_t block = ig1_wfmt_block_bytes((uint32_t)fmt);

	switch (e->op) {
	case IG1_OP_T_MM:
		t->out->macs += n->rows * n->groups * 32 * n->cols;
		if (n->cols)
			t->out->rom_bytes += n->rows * n->groups * block;
		/* a row reads 34 bytes a cycle: two groups of half the bits */
		groups = fmt == IG1_WFMT_Q4_0 ? ceil_div(n->groups, 2) : n->groups;
		return ceil_div(n->rows, par) * groups * ceil_div(n->cols, c->columns);
	case IG1_OP_T_EMB:
		t->out->rom_bytes += n->cols * n->groups * block;
		return n->cols * ceil_div(32 * n->groups * 4, c->mem_bytes);
	default:
		blocks = ceil_div(n->npos, 32) * n->heads * n->groups;
		t->out->macs += n->npos * n->groups * 32 * n->heads * n->qper;
		t->out->kv_bytes += n->heads * n->groups * n->npos *
				    (e->op == IG1_OP_T_QK ? 36 : 32);
		return blocks * (1024 / c->mem_bytes + table.att_block) *
		       ceil_div(n->qper, c->columns);
	}
}

static uint64_t work(struct timing *t, const struct trace_event *e)
{
	const struct trace_counts *n = &e->n;

	switch (e->engine) {
	case IG1_ENGINE_TILE:
		return table.tile + tile_cycles(t, e);
	case IG1_ENGINE_VEC:
		t->out->vec_elems += n->n0 * n->n1 * n->n2;
		return table.vec +
		       n->n1 * n->n2 * (ceil_div(n->n0, t->chip->lanes) + table.vec_row);
	default:
		t->out->dma_bytes += n->bytes * n->n1 * n->n2;
		return table.dma +
		       n->n1 * n->n2 * (ceil_div(n->bytes, t->chip->mem_bytes) + table.dma_row);
	}
}

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t wait_tokens(struct timing *t, uint16_t wait, uint64_t at)
{
	unsigned int k;

	for (k = 0; k < IG1_TOKENS; k++) {
		if (wait & 1u << k && t->taken[k] < t->given[k])
			at = later(at, t->token[k][t->taken[k]++ % TOKEN_RING] + table.token);
	}
	return at;
}

static void give_tokens(struct timing *t, uint16_t signal, uint64_t at)
{
	unsigned int k;

	for (k = 0; k < IG1_TOKENS; k++) {
		if (signal & 1u << k)
			t->token[k][t->given[k]++ % TOKEN_RING] = at;
	}
}

static int on_event(void *ctx, const struct trace_event *e)
{
	struct timing *t = ctx;
	uint64_t issue, start, end, *slot;
	unsigned int q;

	t->now += table.fetch * ceil_div(IG1_COMMAND_BYTES, t->chip->mem_bytes);
	t->out->commands++;
	t->out->count[e->engine]++;
	if (e->engine == IG1_ENGINE_SEQ) {
		start = wait_tokens(t, e->wait, t->now);
		if (e->op == IG1_OP_S_SYNC || e->op == IG1_OP_S_END) {
			for (q = 0; q < IG1_ENGINE_COUNT; q++)
				start = later(start, t->free[q]);
		}
		end = start + table.seq;
		t->out->busy[IG1_ENGINE_SEQ] += table.seq;
		t->now = end;
		issue = start;
	} else {
		/* the queue has room when the command `queue` before this one has left it */
		slot = &t->ends[e->engine][t->out->count[e->engine] % table.queue];
		t->now = later(t->now, *slot);
		issue = t->now;
		start = wait_tokens(t, e->wait, later(issue, t->free[e->engine]));
		end = start + work(t, e);
		t->out->busy[e->engine] += end - start;
		*slot = end;
	}
	t->free[e->engine] = end;
	give_tokens(t, e->signal, end);
	t->out->cycles = later(t->out->cycles, end);
	if (t->span)
		t->span(t->ctx, &(struct estimate_span){ e->index, e->op, e->engine, issue, start,
							 end });
	return 0;
}

int estimate_job(const struct trace_job *job, void (*span)(void *ctx, const struct estimate_span *s),
		 void *ctx, struct estimate *out, struct diag *d)
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
