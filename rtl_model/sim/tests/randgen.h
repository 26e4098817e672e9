/* SPDX-License-Identifier: MIT */
/*
 * Inside the generator of random programs: its state, and what makes commands out of operands.
 * randgen.c has hazards, tokens and places, randengine.c a function for each kind of engine command,
 * randprog.c the sequencer's commands, faults and whole programs.
 */
#ifndef IG1_RANDGEN_H
#define IG1_RANDGEN_H

#include <stdbool.h>
#include <stdint.h>

#include "ig1_isa.h"
#include "randprog.h"

#define ZONE	   0xc000 /* bytes of scratch that programs use, with luck often the same ones */
#define MAX_BOXES  512
#define LAST_REG   27 /* 28..31 count loops */
#define TRIES	   30
#define ENGINES	   3 /* tile, vec, dma; the sequencer is number 3 in the tables below */
#define SEQ	   3
#define FREE_TOKEN 12 /* tokens from here on go around at random */

enum space { SCRATCH, MEMORY };

struct box {
	uint64_t lo, hi;
	uint32_t index; /* of the command */
	uint8_t engine;
	uint8_t space;
	bool write;
};

struct gen {
	int undefined; /* see struct randprog */
	const struct randprog_world *world;
	const struct randprog_options *opt;
	struct randprog_rng rng;
	uint32_t (*w)[IG1_CMD_WORDS];
	uint32_t len, cap;
	int error;

	/* what commands since the last sync touch; those from `mine` on belong to the next command */
	struct box box[MAX_BOXES];
	uint32_t boxes, mine;
	uint32_t last[ENGINES]; /* index + 1 of the engine's last command since the sync */
	/* the same: commands of the first known to the second */
	uint32_t ordered[ENGINES][SEQ + 1];
	uint32_t free_tokens[IG1_TOKENS];
	uint32_t depth; /* of loops and branches */
	uint32_t loop_depth;
	uint32_t loop_count;
	uint8_t loop_reg;
	uint32_t emits;
};

static inline uint32_t below(struct gen *g, uint32_t n)
{
	return randprog_below(&g->rng, n);
}

static inline uint32_t between(struct gen *g, uint32_t lo, uint32_t hi)
{
	return lo + below(g, hi - lo + 1);
}

static inline bool percent(struct gen *g, uint32_t p)
{
	return below(g, 100) < p;
}

static inline float real(struct gen *g)
{
	return ig1_bits_to_f32(randprog_float(&g->rng));
}

static inline void touch(struct gen *g, enum space space, uint64_t lo, uint64_t hi, bool write)
{
	if (g->boxes < MAX_BOXES)
		g->box[g->boxes++] = (struct box){ lo, hi, 0, 0, (uint8_t)space, write };
}

static inline bool boxes_meet(const struct box *a, const struct box *b)
{
	return a->space == b->space && a->lo < b->hi && b->lo < a->hi;
}

/*
 * An address as field plus register: *field + R[result] is addr, or addr plus the loop's progress
 * of *slack bytes at most.
 */
struct operand {
	uint64_t field;
	uint64_t slack;
	uint8_t reg;
	uint64_t value;	 /* of the register, when it is not the loop's */
	uint32_t stride; /* of the loop's */
};

/* Extent of a strided operand around its base. */
struct extent {
	int64_t lo, hi;
};

/* A command as it is; its index. */
uint32_t gen_append(struct gen *g, const uint32_t *w);
/* s.sync: what was ordered before it is no hazard any more. */
void gen_sync(struct gen *g);
/*
 * A command whose boxes were touched: ordered after what it must come after. What is touched belongs to
 * the next command that is made, so it comes after every gen_settle().
 */
void gen_put(struct gen *g, uint32_t *w);
void gen_seq(struct gen *g, const struct ig1_fmt_seq *f);
void gen_li(struct gen *g, uint8_t rd, uint64_t imm);
void gen_store(struct gen *g, uint64_t addr, uint8_t reg, bool wide);

/* Chosen before the place is known, since the place must leave room for the slack. */
struct operand gen_plan(struct gen *g, uint32_t align);
/* Registers of a command must differ, or one operand's value overwrites another's. */
void gen_settle(struct gen *g, struct operand *o, uint64_t addr, uint32_t *regs, bool wide);
/*
 * A count of n as field plus register, sometimes, in multiples of unit; in a loop a count that grows
 * up to n.
 */
void gen_settle_count(struct gen *g, uint32_t *field, uint8_t *reg, uint32_t unit, uint32_t *regs);
/* A scratch place for `bytes`, away from the n boxes given. */
bool gen_place(struct gen *g, uint64_t bytes, const struct box *avoid, uint32_t n, struct box *out);
struct extent gen_extent(uint64_t n0, int64_t s0, uint64_t n1, int64_t s1, uint64_t n2, int64_t s2,
			 int64_t tail);
bool gen_memory(struct gen *g, uint64_t bytes, uint32_t align, bool write, struct box *out);

/* Engine commands; false: no place was found, nothing is made. */
bool gen_vec(struct gen *g);
bool gen_mm(struct gen *g);
bool gen_emb(struct gen *g);
bool gen_kv(struct gen *g);
bool gen_dma(struct gen *g);

#endif
