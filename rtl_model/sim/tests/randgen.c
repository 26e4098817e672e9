// SPDX-License-Identifier: MIT
/* Random numbers, order between commands, operands. */
#include "randgen.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ig1_tables.h"

void randprog_seed(struct randprog_rng *rng, uint64_t seed)
{
	rng->state = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15);
	if (!rng->state)
		rng->state = 1;
	randprog_next(rng);
}

uint64_t randprog_next(struct randprog_rng *rng)
{
	rng->state ^= rng->state >> 12;
	rng->state ^= rng->state << 25;
	rng->state ^= rng->state >> 27;
	return rng->state * UINT64_C(0x2545f4914f6cdd1d);
}

uint32_t randprog_below(struct randprog_rng *rng, uint32_t n)
{
	return n ? (uint32_t)((randprog_next(rng) >> 32) * n >> 32) : 0;
}

uint32_t randprog_float(struct randprog_rng *rng)
{
	static const uint32_t special[] = { 0,		0x80000000, 1,		0x807fffff,
					    0x00800000, 0x7f800000, 0xff800000, 0x7fc00000,
					    0xffc12345, 0x7f7fffff, 0x3f800000, 0xbf800000 };
	uint32_t bits = (uint32_t)(randprog_next(rng) >> 32);

	if (!randprog_below(rng, 40))
		return special[randprog_below(rng, sizeof(special) / sizeof(special[0]))];
	if (!randprog_below(rng, 20))
		return bits;
	/* exponents around one */
	return (bits & 0x807fffff) | (120 + randprog_below(rng, 14)) << 23;
}

/* ---- commands and hazards ---- */

uint32_t gen_append(struct gen *g, const uint32_t *w)
{
	void *p;

	if (g->len == g->cap) {
		g->cap = g->cap ? 2 * g->cap : 64;
		p = realloc(g->w, g->cap * sizeof(g->w[0]));
		if (!p) {
			g->error = -ENOMEM;
			g->cap = g->len;
			return 0;
		}
		g->w = p;
	}
	memcpy(g->w[g->len], w, sizeof(g->w[0]));
	return g->len++;
}

void gen_sync(struct gen *g)
{
	struct ig1_fmt_seq f = { .op = IG1_OP_S_SYNC };
	uint32_t w[IG1_CMD_WORDS];
	uint32_t keep = g->boxes - g->mine;

	ig1_encode_seq(&f, w);
	gen_append(g, w);
	memmove(g->box, g->box + g->mine, keep * sizeof(g->box[0]));
	g->boxes = keep;
	g->mine = 0;
	memset(g->last, 0, sizeof(g->last));
	memset(g->ordered, 0, sizeof(g->ordered));
}

/* The newest command of engine s that the next one must come after; index + 1, 0: none. */
static uint32_t newest_conflict(const struct gen *g, uint32_t s, uint32_t e)
{
	uint32_t i, j, newest = 0;

	for (i = g->mine; i < g->boxes; i++) {
		for (j = 0; j < g->mine; j++) {
			const struct box *b = &g->box[j];

			if (b->engine == s && b->index + 1 > g->ordered[s][e] &&
			    (b->write || g->box[i].write) && boxes_meet(b, &g->box[i]) &&
			    b->index + 1 > newest)
				newest = b->index + 1;
		}
	}
	return newest;
}

/* Waits for what the boxes of the next command ask for; may put an s.sync before it. */
static uint32_t order(struct gen *g, uint32_t e)
{
	uint32_t wait = 0, s;
	bool sync = g->boxes > MAX_BOXES - 32;

	for (s = 0; s < ENGINES && !sync; s++) {
		if (s == e || !newest_conflict(g, s, e))
			continue;
		if (percent(g, 20)) {
			sync = true;
			break;
		}
		/* the last command's gift covers all before it */
		wait |= 1u << (4 * s + e);
	}
	if (sync) {
		gen_sync(g);
		return 0;
	}
	for (s = 0; s < ENGINES; s++) {
		if (!(wait >> (4 * s + e) & 1))
			continue;
		g->w[g->last[s] - 1][1] |= 1u << (4 * s + e);
		g->ordered[s][e] = g->last[s];
	}
	return wait;
}

void gen_put(struct gen *g, uint32_t *w)
{
	const struct ig1_op_desc *op = ig1_op_find((uint8_t)w[0]);
	uint32_t e = op->engine == IG1_ENGINE_SEQ ? SEQ : op->engine - 1u;
	uint32_t t, index, i;

	w[0] = (w[0] & 0xffff) | order(g, e) << 16;
	if (!g->depth && percent(g, 15)) {
		t = between(g, FREE_TOKEN, IG1_TOKENS - 1);
		if (g->free_tokens[t] && percent(g, 60)) {
			w[0] |= 0x10000u << t;
			g->free_tokens[t]--;
		}
		t = between(g, FREE_TOKEN, IG1_TOKENS - 1);
		if (g->free_tokens[t] < IG1_TOKEN_MAX) {
			w[1] |= 1u << t;
			g->free_tokens[t]++;
		}
	}
	for (i = 0; i < IG1_CMD_WORDS; i++)
		w[i] &= op->used[i];
	index = gen_append(g, w);
	for (i = g->mine; i < g->boxes; i++) {
		g->box[i].index = index;
		g->box[i].engine = (uint8_t)e;
	}
	/* the sequencer's own commands are over before anything later is issued */
	if (e == SEQ)
		g->boxes = g->mine;
	else
		g->last[e] = index + 1;
	g->mine = g->boxes;
	if (g->opt->sequential)
		gen_sync(g);
}

void gen_seq(struct gen *g, const struct ig1_fmt_seq *f)
{
	uint32_t w[IG1_CMD_WORDS];

	ig1_encode_seq(f, w);
	gen_put(g, w);
}

void gen_li(struct gen *g, uint8_t rd, uint64_t imm)
{
	gen_seq(g, &(struct ig1_fmt_seq){ .op = IG1_OP_S_LI, .rd = rd, .imm = imm });
}

/* ---- operands ---- */

/* Chosen before the place is known, since the place must leave room for the slack. */
struct operand gen_plan(struct gen *g, uint32_t align)
{
	struct operand o = { 0 };

	if (g->loop_depth && percent(g, 40)) {
		o.reg = (uint8_t)between(g, 9, LAST_REG);
		o.stride = align * below(g, 9);
		o.slack = (uint64_t)(g->loop_count - 1) * o.stride;
	} else if (percent(g, 20)) {
		o.reg = (uint8_t)between(g, 9, LAST_REG);
		o.value = (uint64_t)align * below(g, 1 << 12);
		if (percent(g, 50))
			o.value = -o.value;
	}
	return o;
}

/* Registers of a command must differ, or one operand's value overwrites another's. */
void gen_settle(struct gen *g, struct operand *o, uint64_t addr, uint32_t *regs, bool wide)
{
	if (o->reg && (*regs >> o->reg & 1)) {
		if (o->slack) /* cannot move any more: stay at the start */
			o->slack = 0;
		o->reg = 0;
		o->value = 0;
	}
	if (!wide && o->value > addr && o->value <= UINT32_MAX)
		o->value = addr & ~UINT64_C(1023);
	o->field = addr - (o->stride ? 0 : o->value);
	if (!o->reg) {
		o->field = addr;
		return;
	}
	*regs |= 1u << o->reg;
	if (o->stride)
		gen_seq(g, &(struct ig1_fmt_seq){ .op = IG1_OP_S_ALU,
						  .rd = o->reg,
						  .ra = g->loop_reg,
						  .alu = IG1_ALUOP_MUL,
						  .imm = o->stride });
	else
		gen_li(g, o->reg, o->value);
}

/*
 * A count of n as field plus register, sometimes, in multiples of unit; in a loop a count that grows
 * up to n.
 */
void gen_settle_count(struct gen *g, uint32_t *field, uint8_t *reg, uint32_t unit, uint32_t *regs)
{
	uint8_t r = (uint8_t)between(g, 9, LAST_REG);
	uint32_t n = *field, step = unit * below(g, 4);
	uint64_t v;

	if (!percent(g, 15) || *regs >> r & 1)
		return;
	*regs |= 1u << r;
	*reg = r;
	if (g->loop_depth && percent(g, 60)) {
		if ((g->loop_count - 1) * step > n)
			step = 0;
		*field = n - (g->loop_count - 1) * step;
		gen_seq(g, &(struct ig1_fmt_seq){ .op = IG1_OP_S_ALU,
						  .rd = r,
						  .ra = g->loop_reg,
						  .alu = IG1_ALUOP_MUL,
						  .imm = step });
		return;
	}
	v = percent(g, 70) ? unit * below(g, n / unit + 1) : -(uint64_t)(unit * below(g, 1000));
	*field = n - (uint32_t)v;
	gen_li(g, r, v);
}

/* A scratch place for `bytes`, away from the n boxes given. */
bool gen_place(struct gen *g, uint64_t bytes, const struct box *avoid, uint32_t n, struct box *out)
{
	uint32_t zone = percent(g, 5) ? g->world->cfg->scratch_bytes : ZONE;
	uint32_t i, k;

	if (bytes > zone)
		return false;
	for (k = 0; k < TRIES; k++) {
		out->lo = 4 * (uint64_t)below(g, (uint32_t)((zone - bytes) / 4 + 1));
		/* the very end now and then */
		if (percent(g, 2))
			out->lo = g->world->cfg->scratch_bytes - bytes;
		out->hi = out->lo + bytes;
		out->space = SCRATCH;
		for (i = 0; i < n; i++)
			if (boxes_meet(out, &avoid[i]))
				break;
		if (i == n)
			return true;
	}
	return false;
}

struct extent gen_extent(uint64_t n0, int64_t s0, uint64_t n1, int64_t s1, uint64_t n2, int64_t s2,
			 int64_t tail)
{
	const uint64_t n[3] = { n0, n1, n2 };
	const int64_t s[3] = { s0, s1, s2 };
	struct extent e = { 0, tail };
	int i;

	for (i = 0; i < 3; i++) {
		int64_t span = (int64_t)(n[i] - 1) * s[i];

		if (span < 0)
			e.lo += span;
		else
			e.hi += span;
	}
	return e;
}

bool gen_memory(struct gen *g, uint64_t bytes, uint32_t align, bool write, struct box *out)
{
	uint32_t k;

	for (k = 0; k < TRIES; k++) {
		const struct randprog_region *r = &g->world->region[below(g, g->world->regions)];

		if ((write && !r->writable) || r->bytes < bytes)
			continue;
		out->lo = r->va +
			  (uint64_t)align * below(g, (uint32_t)((r->bytes - bytes) / align + 1));
		out->hi = out->lo + bytes;
		out->space = MEMORY;
		return true;
	}
	return false;
}

void gen_store(struct gen *g, uint64_t addr, uint8_t reg, bool wide)
{
	touch(g, SCRATCH, addr, addr + (wide ? 8 : 4), true);
	gen_seq(g,
		&(struct ig1_fmt_seq){ .op = IG1_OP_S_ST, .rb = reg, .width = wide, .imm = addr });
}
