// SPDX-License-Identifier: MIT
/* Random programs: the sequencer's commands, loops and branches, faults, and all of it in order. */
#include "randgen.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ig1_tables.h"

/* ---- sequencer ---- */

static bool make_seq(struct gen *g)
{
	struct ig1_fmt_seq f = { 0 };
	uint8_t reg = (uint8_t)between(g, 9, LAST_REG);
	struct box b;

	switch (below(g, 6)) {
	case 0:
	case 1:
		f.op = IG1_OP_S_ALU;
		f.rd = reg;
		f.ra = (uint8_t)below(g, IG1_REGS);
		f.rb = (uint8_t)below(g, IG1_REGS);
		f.alu = (uint8_t)between(g, IG1_ALUOP_ADD, IG1_ALUOP_MAX);
		f.imm = percent(g, 50) ? below(g, 100) : randprog_next(&g->rng);
		break;
	case 2:
		f.width = (uint8_t)below(g, 2);
		if (!gen_place(g, f.width ? 8 : 4, NULL, 0, &b))
			return false;
		f.op = IG1_OP_S_LD;
		f.rd = reg;
		f.imm = b.lo;
		touch(g, SCRATCH, b.lo, b.hi, false);
		break;
	case 3:
		if (!gen_place(g, 8, NULL, 0, &b))
			return false;
		gen_store(g, b.lo, (uint8_t)below(g, IG1_REGS), percent(g, 50));
		return true;
	case 4:
		f.op = IG1_OP_S_SYNC;
		break;
	default:
		if (g->depth || g->emits == g->world->emit_entries)
			return false;
		f.op = IG1_OP_S_EMIT;
		f.ra = (uint8_t)below(g, IG1_REGS);
		f.rb = (uint8_t)below(g, IG1_REGS);
		f.kind = (uint16_t)randprog_next(&g->rng);
		g->emits++;
		break;
	}
	if (f.op == IG1_OP_S_SYNC)
		gen_sync(g);
	else
		gen_seq(g, &f);
	return true;
}

static void make_one(struct gen *g, uint32_t kinds);

/* Nothing is outstanding at either end of a body, so that hazards stay inside it. */
static uint32_t body(struct gen *g, uint32_t kinds, uint32_t commands)
{
	uint32_t first = g->len, end = g->len + commands;

	gen_sync(g);
	while (g->len < end && !g->error)
		make_one(g, kinds);
	gen_sync(g);
	return g->len - first;
}

static bool make_flow(struct gen *g, uint32_t kinds)
{
	struct ig1_fmt_seq f = { 0 };
	uint32_t at, n, count = g->loop_count;
	uint8_t reg = g->loop_reg;

	if (g->depth >= 4)
		return false;
	g->depth++;
	if (percent(g, 50)) {
		f.op = IG1_OP_S_SKIP;
		f.ra = (uint8_t)below(g, IG1_REGS);
		f.rb = (uint8_t)below(g, IG1_REGS);
		f.cond = (uint8_t)below(g, 5);
		f.imm = percent(g, 50) ? 0 : randprog_next(&g->rng);
		gen_sync(g);
		at = g->len;
		gen_seq(g, &f);
		f.len = body(g, kinds, between(g, 1, 4));
	} else {
		if (g->loop_depth == IG1_LOOP_DEPTH - 1) {
			g->depth--;
			return false;
		}
		f.op = IG1_OP_S_LOOP;
		f.rd = (uint8_t)(LAST_REG + 1 + g->loop_depth);
		n = between(g, 0, 4);
		f.imm = n;
		if (percent(g, 30)) {
			f.ra = (uint8_t)between(g, 9, LAST_REG);
			f.imm = percent(g, 50) ? below(g, n + 1) : randprog_next(&g->rng);
			gen_li(g, f.ra, n - f.imm);
		}
		at = g->len;
		gen_seq(g, &f);
		g->loop_depth++;
		g->loop_count = n ? n : 1;
		g->loop_reg = f.rd;
		f.len = body(g, kinds, between(g, 1, 6));
		if (percent(g, 20)) {
			gen_seq(g, &(struct ig1_fmt_seq){ .op = IG1_OP_S_BRK,
							  .ra = f.rd,
							  .cond = IG1_COND_GE,
							  .imm = below(g, 4) });
			f.len++;
			if (g->opt->sequential)
				f.len++;
		}
		g->loop_depth--;
		g->loop_count = count;
		g->loop_reg = reg;
		gen_sync(g);
	}
	g->depth--;
	/* in sequential mode the command itself is followed by a sync, which is part of the body */
	if (g->opt->sequential)
		f.len++;
	if (g->len && !g->error) {
		uint32_t w[IG1_CMD_WORDS];

		ig1_encode_seq(&f, w);
		memcpy(g->w[at], w, sizeof(w));
	}
	return true;
}

static void make_one(struct gen *g, uint32_t kinds)
{
	bool done = false;
	uint32_t k;

	for (k = 0; k < TRIES && !done && !g->error; k++) {
		uint32_t kind = 1u << below(g, 7);

		g->boxes = g->mine;
		if (!(kinds & kind))
			continue;
		switch (kind) {
		case RANDPROG_VEC:
			done = gen_vec(g);
			break;
		case RANDPROG_MM:
			done = gen_mm(g);
			break;
		case RANDPROG_EMB:
			done = gen_emb(g);
			break;
		case RANDPROG_KV:
			done = gen_kv(g);
			break;
		case RANDPROG_DMA:
			done = gen_dma(g);
			break;
		case RANDPROG_SEQ:
			done = make_seq(g);
			break;
		default:
			done = percent(g, 40) && make_flow(g, kinds);
			break;
		}
	}
	g->boxes = g->mine;
	if (!done)
		gen_sync(g);
}

/* ---- faults ---- */

static void raw(struct gen *g, const struct ig1_fmt_seq *f)
{
	uint32_t w[IG1_CMD_WORDS];

	ig1_encode_seq(f, w);
	gen_append(g, w);
}

/* A good command of a kind that touches memory or scratch, as the last one. */
static uint32_t *victim(struct gen *g, uint32_t kinds)
{
	uint32_t before;
	int i;

	kinds &= RANDPROG_VEC | RANDPROG_MM | RANDPROG_EMB | RANDPROG_KV | RANDPROG_DMA;
	for (i = 0; i < 100 && !g->error; i++) {
		before = g->len;
		make_one(g, kinds);
		if (g->len > before && (g->w[g->len - 1][0] & 0xff) >= IG1_OP_T_MM)
			return g->w[g->len - 1];
	}
	return NULL;
}

static const char *make_fault(struct gen *g, uint32_t kinds)
{
	struct ig1_fmt_dma dma = { .op = IG1_OP_D_LD, .bytes = 4, .n1 = 1, .n2 = 1 };
	struct ig1_fmt_seq seq = { 0 };
	uint32_t w[IG1_CMD_WORDS] = { 0 }, *v, i;
	const char *what = "none";

	gen_sync(g);
	switch (below(g, 16)) {
	case 0:
		w[0] = (uint32_t)below(g, 256);
		gen_append(g, w);
		what = "opcode or empty command";
		break;
	case 1:
		v = victim(g, kinds);
		if (v)
			v[below(g, IG1_CMD_WORDS)] ^= 1u << below(g, 32);
		g->undefined = 1;
		what = "flipped bit";
		break;
	case 2:
		v = victim(g, kinds);
		if (v)
			v[0] |= 0x10000u << below(g, 12);
		what = "token not given";
		break;
	case 3:
		seq.op = IG1_OP_S_LOOP;
		seq.imm = 300;
		seq.len = 1;
		raw(g, &seq);
		seq = (struct ig1_fmt_seq){ .op = IG1_OP_S_LI, .rd = 9, .signal = 0x0800 };
		raw(g, &seq);
		what = "token overflow";
		break;
	case 4:
	case 5:
		v = victim(g, kinds);
		if (v) {
			i = between(g, 2, 27);
			v[i] = percent(g, 50) ? v[i] + g->world->cfg->scratch_bytes
					      : (uint32_t)randprog_next(&g->rng);
		}
		g->undefined = 1;
		what = "wild word";
		break;
	case 6:
		seq.op = percent(g, 50) ? IG1_OP_S_LD : IG1_OP_S_ST;
		seq.imm = percent(g, 50) ? g->world->cfg->scratch_bytes - 4 + 2 * below(g, 4)
					 : randprog_next(&g->rng);
		seq.width = 1;
		raw(g, &seq);
		what = "scratch access of the sequencer";
		break;
	case 7:
		for (i = 0; i < 5; i++) {
			seq = (struct ig1_fmt_seq){ .op = IG1_OP_S_LOOP,
						    .imm = 1 + below(g, 2),
						    .len = 5 - i };
			raw(g, &seq);
		}
		seq = (struct ig1_fmt_seq){ .op = IG1_OP_S_LI, .rd = 9 };
		raw(g, &seq);
		what = "loops too deep";
		break;
	case 8:
		seq.op = percent(g, 50) ? IG1_OP_S_LOOP : IG1_OP_S_SKIP;
		seq.imm = percent(g, 20) ? UINT64_C(1) << 25 : 1;
		seq.len = percent(g, 30) ? 0 : (uint32_t)randprog_next(&g->rng);
		seq.cond = seq.op == IG1_OP_S_SKIP ? IG1_COND_NE : 0;
		raw(g, &seq);
		what = "loop or skip beyond its body";
		break;
	case 9:
		seq.op = IG1_OP_S_BRK;
		raw(g, &seq);
		what = "break outside a loop";
		break;
	case 10:
		for (i = g->emits; i <= g->world->emit_entries; i++) {
			seq = (struct ig1_fmt_seq){ .op = IG1_OP_S_EMIT, .ra = 1, .kind = 7 };
			raw(g, &seq);
		}
		what = "token buffer full";
		break;
	case 11:
	case 12:
	case 13:
		dma.op = percent(g, 50) ? IG1_OP_D_LD : IG1_OP_D_ST;
		dma.va = g->world->bad_va[below(g, g->world->bads)] + 4 * below(g, 1000);
		dma.bytes = 4 * between(g, 1, 2000);
		/* sometimes the bad page comes after a good one */
		dma.sp = 0;
		ig1_encode_dma(&dma, w);
		gen_append(g, w);
		what = "bad page";
		break;
	case 14:
		dma.op = IG1_OP_D_ST;
		dma.va = g->world->ro_va + 4 * below(g, 1000);
		dma.n1 = between(g, 1, 3);
		dma.v1 = 8;
		ig1_encode_dma(&dma, w);
		gen_append(g, w);
		what = "write to a read-only page";
		break;
	default:
		/* runs off the program's end */
		return "no end";
	}
	raw(g, &(struct ig1_fmt_seq){ .op = IG1_OP_S_END });
	return what;
}

/* ---- programs ---- */

/* Scratch is filled from the first region, which holds random data. */
static void prologue(struct gen *g)
{
	struct ig1_fmt_dma f = { .op = IG1_OP_D_LD, .n1 = 1, .n2 = 1 };
	uint64_t bytes = g->world->region[0].bytes;
	uint32_t w[IG1_CMD_WORDS];
	int i;

	f.va = g->world->region[0].va;
	f.bytes = (uint32_t)(bytes < ZONE ? bytes : ZONE);
	touch(g, SCRATCH, 0, f.bytes, true);
	touch(g, MEMORY, f.va, f.va + f.bytes, false);
	ig1_encode_dma(&f, w);
	gen_put(g, w);
	gen_sync(g);
	for (i = 0; i < 4; i++)
		gen_li(g, (uint8_t)between(g, 9, LAST_REG), randprog_next(&g->rng));
}

int randprog_make(const struct randprog_world *world, const struct randprog_options *options,
		  struct randprog *out)
{
	struct gen *g = calloc(1, sizeof(*g));
	uint32_t i;

	if (!g)
		return -ENOMEM;
	g->world = world;
	g->opt = options;
	g->loop_count = 1;
	randprog_seed(&g->rng, options->seed);
	memset(out, 0, sizeof(*out));
	for (i = 0; i < IG1_ARGS; i++)
		out->args[i] = percent(g, 50) ? below(g, 1000) : randprog_next(&g->rng);
	prologue(g);
	while (g->len < options->commands && !g->error)
		make_one(g, options->kinds);
	if (options->faulty)
		out->fault = make_fault(g, options->kinds);
	else
		raw(g, &(struct ig1_fmt_seq){ .op = IG1_OP_S_END });
	out->undefined = g->undefined;
	out->w = g->w;
	out->len = g->len;
	i = (uint32_t)-g->error;
	free(g);
	if (i)
		randprog_free(out);
	return -(int)i;
}

void randprog_free(struct randprog *prog)
{
	free(prog->w);
	memset(prog, 0, sizeof(*prog));
}
