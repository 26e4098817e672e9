// SPDX-License-Identifier: MIT
#include "compiler/codegen/hazards.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ig1_tables.h"

#define GRAIN	   4u  /* bytes of scratch that share a record */
#define VA_GRAIN   32u /* the same in the address space: a row of a KV block */
#define PAGE_CELLS 1024u
#define HASH_SIZE  4096u
#define MAX_WORK   2000000000u /* cells looked at: a stream may be hostile */

/* Who touched a cell last: numbers of executed commands, from 1; 0 is nobody. */
struct cell {
	uint32_t writer;
	uint32_t reader[IG1_ENGINE_COUNT]; /* since that write */
};

struct page {
	struct page *next;
	uint64_t number;
	struct cell cells[PAGE_CELLS];
};

/* An executed command. */
struct node {
	uint32_t index; /* in the program */
	uint32_t engine;
	/* by engine: the last command known to be complete when this one starts */
	uint32_t done[IG1_ENGINE_COUNT];
};

struct token {
	uint32_t *givers; /* nodes, oldest first */
	size_t n, cap, taken;
	uint32_t last_taker;
};

struct checker {
	const struct hazards_program *p;
	struct hazards_stats *stats;
	struct diag *d;
	struct node *nodes;
	size_t n_nodes, cap_nodes;
	uint32_t last[IG1_ENGINE_COUNT];     /* node each engine executed last */
	uint32_t seq_done[IG1_ENGINE_COUNT]; /* known complete at the point of issue */
	struct token tokens[IG1_TOKENS];
	struct cell *scratch;
	struct page *pages[HASH_SIZE];
	uint64_t work;
};

static const char *name_of(const struct checker *c, uint32_t index)
{
	const char *s = c->p->name ? c->p->name(c->p->name_ctx, index) : NULL;

	return s ? s : "unnamed";
}

/* Node a is complete before node b starts. */
static bool before(const struct checker *c, uint32_t a, const struct node *b)
{
	return c->nodes[a].engine == b->engine || a <= b->done[c->nodes[a].engine];
}

static void learn(uint32_t *done, const uint32_t *from)
{
	unsigned int e;

	for (e = 0; e < IG1_ENGINE_COUNT; e++) {
		if (from[e] > done[e])
			done[e] = from[e];
	}
}

static int report(struct checker *c, const char *what, const char *space, uint64_t addr,
		  const struct node *now, uint32_t other, const char *did)
{
	uint32_t index = c->nodes[other].index;

	return diag_set(c->d, -EBADMSG,
			"command %u (%s) %s %s 0x%" PRIx64
			", which command %u (%s) %s, and nothing "
			"orders them",
			now->index, name_of(c, now->index), what, space, addr, index,
			name_of(c, index), did);
}

static int take(struct checker *c, struct node *n, unsigned int t)
{
	struct token *k = &c->tokens[t];
	const struct node *giver;
	uint32_t g;

	if (k->taken == k->n)
		return diag_set(c->d, -EBADMSG,
				"command %u (%s) takes token %u, which nobody has given", n->index,
				name_of(c, n->index), t);
	g = k->givers[k->taken++];
	giver = &c->nodes[g];
	learn(n->done, giver->done);
	if (g > n->done[giver->engine])
		n->done[giver->engine] = g;
	return 0;
}

/* Two takers must be ordered, or either could take either token. */
static int check_taker(struct checker *c, const struct node *n, uint32_t id, unsigned int t)
{
	struct token *k = &c->tokens[t];
	uint32_t other = k->last_taker;

	k->last_taker = id;
	if (!other || before(c, other, n))
		return 0;
	return diag_set(c->d, -EBADMSG,
			"commands %u (%s) and %u (%s) both take token %u, unordered",
			c->nodes[other].index, name_of(c, c->nodes[other].index), n->index,
			name_of(c, n->index), t);
}

static int give(struct checker *c, const struct node *n, uint32_t id, unsigned int t)
{
	struct token *k = &c->tokens[t];
	uint32_t other = k->n ? k->givers[k->n - 1] : 0;

	if (k->n - k->taken >= IG1_TOKEN_MAX)
		return diag_set(c->d, -EBADMSG, "command %u (%s) gives token %u beyond %u",
				n->index, name_of(c, n->index), t, IG1_TOKEN_MAX);
	if (other && !before(c, other, n))
		return diag_set(c->d, -EBADMSG,
				"commands %u (%s) and %u (%s) both give token %u, unordered",
				c->nodes[other].index, name_of(c, c->nodes[other].index), n->index,
				name_of(c, n->index), t);
	if (k->n == k->cap) {
		size_t cap = k->cap ? 2 * k->cap : 64;
		uint32_t *p = realloc(k->givers, cap * sizeof(*p));

		if (!p)
			return diag_nomem(c->d);
		k->givers = p;
		k->cap = cap;
	}
	k->givers[k->n++] = id;
	return 0;
}

static struct cell *va_cells(struct checker *c, uint64_t page)
{
	struct page **slot = &c->pages[(page ^ page >> 12) % HASH_SIZE], *p;

	for (p = *slot; p; p = p->next) {
		if (p->number == page)
			return p->cells;
	}
	p = calloc(1, sizeof(*p));
	if (!p) {
		diag_nomem(c->d);
		return NULL;
	}
	p->number = page;
	p->next = *slot;
	*slot = p;
	return p->cells;
}

static int touch_cell(struct checker *c, struct cell *cell, const struct node *n, uint32_t id,
		      bool write, const char *space, uint64_t addr)
{
	unsigned int e;

	if (cell->writer && !before(c, cell->writer, n))
		return report(c, write ? "writes" : "reads", space, addr, n, cell->writer,
			      "writes");
	if (!write) {
		cell->reader[n->engine] = id;
		return 0;
	}
	for (e = 0; e < IG1_ENGINE_COUNT; e++) {
		if (cell->reader[e] && !before(c, cell->reader[e], n))
			return report(c, "writes", space, addr, n, cell->reader[e], "reads");
	}
	memset(cell, 0, sizeof(*cell));
	cell->writer = id;
	return 0;
}

#define COL_VA	 0x10000ull
#define LOGIT_VA 0x1000000ull
#define KV_VA	 0x10000000ull
#define STATE_VA (1ull << (IG1_VA_BITS + 1)) /* apart from any KV region */
#define STEPS	 3u			     /* decode: every loop edge twice */

static uint64_t kv_part(const struct hazards_program *p)
{
	return p->kv_block_bytes ? ((uint64_t)p->context + 31) / 32 * p->kv_block_bytes : 0;
}

static uint64_t region(const struct hazards_program *p)
{
	return kv_part(p) + 2 * p->ring * p->ring_bytes;
}

/* The window ring is mapped twice: the second half is the first one. */
static uint64_t canonical(const struct hazards_program *p, uint64_t va)
{
	uint64_t ring = p->ring * p->ring_bytes;

	if (!ring || va < KV_VA || va >= STATE_VA)
		return va;
	return (va - KV_VA) % region(p) >= kv_part(p) + ring ? va - ring : va;
}

static int touch(struct checker *c, const struct node *n, uint32_t id, const struct trace_access *a)
{
	bool va = a->space == TRACE_VA;
	uint64_t grain = va ? VA_GRAIN : GRAIN, cell, last = (a->hi - 1) / grain;
	struct cell *cells = c->scratch;
	uint64_t page = UINT64_MAX;

	c->stats->accesses++;
	c->work += last - a->lo / grain + 1;
	if (c->work > MAX_WORK)
		return diag_set(c->d, -E2BIG, "command %u: more accesses than the checker follows",
				n->index);
	for (cell = a->lo / grain; cell <= last; cell++) {
		uint64_t at = cell;

		if (va) {
			at = canonical(c->p, cell * grain) / grain;
			if (page != at / PAGE_CELLS) {
				page = at / PAGE_CELLS;
				cells = va_cells(c, page);
				if (!cells)
					return c->d->err;
			}
			at %= PAGE_CELLS;
		}
		if (touch_cell(c, &cells[at], n, id, a->write, va ? "address" : "scratch",
			       cell * grain))
			return c->d->err;
	}
	return 0;
}

static int add_node(struct checker *c)
{
	struct node *p;
	size_t cap;

	if (c->n_nodes < c->cap_nodes)
		return 0;
	cap = c->cap_nodes ? 2 * c->cap_nodes : 4096;
	p = realloc(c->nodes, cap * sizeof(*p));
	if (!p)
		return diag_nomem(c->d);
	c->nodes = p;
	c->cap_nodes = cap;
	return 0;
}

static int on_event(void *ctx, const struct trace_event *e)
{
	struct checker *c = ctx;
	uint32_t id = (uint32_t)c->n_nodes;
	unsigned int t, q;
	struct node *n;
	size_t i;

	if (add_node(c))
		return c->d->err;
	n = &c->nodes[id];
	*n = (struct node){ .index = e->index, .engine = e->engine };
	learn(n->done, c->seq_done);
	if (c->last[e->engine])
		learn(n->done, c->nodes[c->last[e->engine]].done);
	for (t = 0; t < IG1_TOKENS; t++) {
		if (e->wait & 1u << t && take(c, n, t))
			return c->d->err;
	}
	if (e->op == IG1_OP_S_SYNC) {
		for (q = 0; q < IG1_ENGINE_COUNT; q++)
			n->done[q] = c->last[q];
	}
	for (t = 0; t < IG1_TOKENS; t++) {
		if (e->wait & 1u << t && check_taker(c, n, id, t))
			return c->d->err;
	}
	/* reads first: a command may read what it writes */
	for (i = 0; i < e->n_acc; i++) {
		if (!e->acc[i].write && touch(c, n, id, &e->acc[i]))
			return c->d->err;
	}
	for (i = 0; i < e->n_acc; i++) {
		if (e->acc[i].write && touch(c, n, id, &e->acc[i]))
			return c->d->err;
	}
	for (t = 0; t < IG1_TOKENS; t++) {
		if (e->signal & 1u << t && give(c, n, id, t))
			return c->d->err;
	}
	c->last[e->engine] = id;
	if (e->engine == IG1_ENGINE_SEQ) {
		learn(c->seq_done, n->done);
		c->seq_done[IG1_ENGINE_SEQ] = id;
	}
	c->n_nodes++;
	c->stats->commands++;
	return 0;
}

static void checker_free(struct checker *c)
{
	struct page *p, *next;
	size_t i;

	for (i = 0; i < IG1_TOKENS; i++)
		free(c->tokens[i].givers);
	for (i = 0; i < HASH_SIZE; i++) {
		for (p = c->pages[i]; p; p = next) {
			next = p->next;
			free(p);
		}
	}
	free(c->scratch);
	free(c->nodes);
	free(c);
}

int hazards_check_job(const struct hazards_program *p, const struct trace_job *job,
		      struct hazards_stats *stats, struct diag *d)
{
	struct checker *c = calloc(1, sizeof(*c));
	int ret;

	if (!c)
		return diag_nomem(d);
	c->p = p;
	c->stats = stats;
	c->d = d;
	c->n_nodes = 1; /* 0 is nobody */
	c->scratch = calloc(p->chip->scratch_bytes / GRAIN + 1, sizeof(*c->scratch));
	ret = c->scratch && !add_node(c) ? trace_run(job, on_event, c, d) : diag_nomem(d);
	stats->jobs++;
	checker_free(c);
	return ret;
}

/*
 * Jobs that differ in what decides the flow: one to three columns (loops over columns or pairs of
 * them that run once, twice, with an odd end) or all, with and without logits, columns of one
 * sequence or of several, positions inside a KV block and across its end, and beyond the window.
 */
static int one_job(const struct hazards_program *p, uint32_t n, bool logits, bool together,
		   uint32_t first, struct hazards_stats *stats, struct diag *d)
{
	bool decode = p->kind == IG1_PROG_DECODE;
	uint32_t steps = decode ? STEPS : 1, i;
	struct trace_job job = {
		.chip = p->chip,
		.prog = p->prog,
		.n_cmds = p->n_cmds,
		.n_cols = n,
		.max_commands = 1u << 22,
		.args = { COL_VA, n, logits ? LOGIT_VA : 0, decode ? 0 : n - 1, 1,
			  decode ? steps : 0, UINT32_MAX, UINT32_MAX },
	};
	struct ig1_column *cols;
	int ret;

	/* positions from `first` on, the last one inside the context */
	if (p->context < (uint64_t)first + (together ? n : 1) + steps)
		first = 0;
	if (p->context < (uint64_t)(together ? n : 1) + steps)
		return 0;
	cols = calloc(n, sizeof(*cols));
	if (!cols)
		return diag_nomem(d);
	for (i = 0; i < n; i++) {
		cols[i].pos = first + (together ? i : 0);
		cols[i].kv = KV_VA + (together ? 0 : i * region(p));
		cols[i].state = STATE_VA + (together ? 0 : i * p->state_bytes);
	}
	job.cols = cols;
	ret = hazards_check_job(p, &job, stats, d);
	free(cols);
	return ret;
}

int hazards_check(const struct hazards_program *p, struct hazards_stats *stats, struct diag *d)
{
	/* the last: a window that begins near the ring's end and ends near its beginning */
	const uint32_t firsts[] = { 0, 30, p->window + 29, 32 * p->ring + p->window / 2 };
	uint32_t n;
	size_t i;
	int ret = 0;

	*stats = (struct hazards_stats){ 0 };
	for (i = 0; i < (p->ring ? 4u : p->window ? 3u : 2u) && !ret; i++) {
		for (n = 1; n <= p->max_cols && !ret;
		     n = n < 3 || n >= p->max_cols ? n + 1 : p->max_cols) {
			ret = one_job(p, n, true, false, firsts[i], stats, d);
			if (!ret)
				ret = one_job(p, n, false, false, firsts[i], stats, d);
			if (!ret && n > 1 && p->kind == IG1_PROG_PREFILL)
				ret = one_job(p, n, true, true, firsts[i], stats, d);
		}
	}
	return ret;
}
