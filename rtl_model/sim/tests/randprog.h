/* SPDX-License-Identifier: MIT */
/*
 * Random programs for comparing two implementations of the chip. The same seed and options give the
 * same program. Every program ends; its results do not depend on timing, because engines that touch
 * the same bytes are ordered by tokens or s.sync (boxes around what a command touches are compared,
 * so some pairs are ordered without need).
 *
 * Faulty programs end with one command that the chip refuses or cannot finish: then only the
 * completion is defined, not memory.
 */
#ifndef IG1_RANDPROG_H
#define IG1_RANDPROG_H

#include <stdint.h>

#include "ig1_chip.h"

enum randprog_kind {
	RANDPROG_VEC = 1 << 0,
	RANDPROG_MM = 1 << 1,
	RANDPROG_EMB = 1 << 2,
	RANDPROG_KV = 1 << 3, /* t.qk and t.pv */
	RANDPROG_DMA = 1 << 4,
	RANDPROG_SEQ = 1 << 5,
	RANDPROG_FLOW = 1 << 6, /* loops and branches */
	RANDPROG_ALL = (1 << 7) - 1,
};

#define RANDPROG_REGIONS 8
#define RANDPROG_BAD	 16

/* Virtual addresses a program may use. Regions do not share bytes that can be written. */
struct randprog_region {
	uint64_t va;
	uint64_t bytes; /* a multiple of 4096 */
	int writable;
};

struct randprog_world {
	const struct ig1_config *cfg;
	uint64_t rom_bytes;
	uint64_t crom_bytes;
	struct randprog_region region[RANDPROG_REGIONS]; /* the first is the largest to read */
	uint32_t regions;
	uint64_t bad_va[RANDPROG_BAD]; /* multiples of 4096; an access faults */
	uint32_t bads;
	uint64_t ro_va; /* a page that may be read only */
	uint32_t emit_entries;
};

struct randprog_options {
	uint64_t seed;
	uint32_t commands; /* about */
	uint32_t kinds;	   /* RANDPROG_* */
	int sequential;	   /* s.sync after every command */
	int faulty;
};

struct randprog {
	uint32_t (*w)[IG1_CMD_WORDS];
	uint32_t len;
	uint64_t args[IG1_ARGS];
	const char *fault; /* what the faulty command is about; NULL: none */
	/* An operand was changed at random: a command may now overlap itself or another one that it
	 * is not ordered with, so what it writes is undefined. */
	int undefined;
};

/* 0 or -ENOMEM. */
int randprog_make(const struct randprog_world *world, const struct randprog_options *options,
		  struct randprog *out);
void randprog_free(struct randprog *prog);

/* The generator's random numbers: xorshift64* (Vigna 2016). */
struct randprog_rng {
	uint64_t state;
};

void randprog_seed(struct randprog_rng *rng, uint64_t seed);
uint64_t randprog_next(struct randprog_rng *rng);
uint32_t randprog_below(struct randprog_rng *rng, uint32_t n);
/* An fp32 pattern: mostly moderate numbers, some zeros, subnormals, infinities and NaNs. */
uint32_t randprog_float(struct randprog_rng *rng);

#endif
