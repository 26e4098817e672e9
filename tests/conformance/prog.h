/* SPDX-License-Identifier: MIT */
/* Programs written command by command, for tests. */
#ifndef PROG_H
#define PROG_H

#include "ig1_isa.h"

#define PROG_MAX 96u

struct prog {
	uint32_t w[PROG_MAX][IG1_CMD_WORDS];
	const char *name[PROG_MAX];
	uint32_t n;
};

static inline uint32_t *prog_next(struct prog *p, const char *name)
{
	p->name[p->n] = name;
	return p->w[p->n++];
}

static inline void prog_seq(struct prog *p, const char *name, struct ig1_fmt_seq f)
{
	ig1_encode_seq(&f, prog_next(p, name));
}

static inline void prog_sync(struct prog *p)
{
	prog_seq(p, "sync", (struct ig1_fmt_seq){ .op = IG1_OP_S_SYNC });
}

static inline void prog_end(struct prog *p)
{
	prog_seq(p, "end", (struct ig1_fmt_seq){ .op = IG1_OP_S_END });
}

static inline void prog_li(struct prog *p, uint8_t rd, uint64_t imm)
{
	prog_seq(p, "li", (struct ig1_fmt_seq){ .op = IG1_OP_S_LI, .rd = rd, .imm = imm });
}

/* Runs until its watchdog or somebody else ends it. */
static inline void prog_endless(struct prog *p)
{
	prog_seq(p, "loop",
		 (struct ig1_fmt_seq){ .op = IG1_OP_S_LOOP, .imm = IG1_MAX_COUNT, .len = 2 });
	prog_seq(p, "loop",
		 (struct ig1_fmt_seq){ .op = IG1_OP_S_LOOP, .imm = IG1_MAX_COUNT, .len = 1 });
	prog_li(p, 21, 1);
	prog_end(p);
}

/* One row of `bytes` between scratch and R[rva] + va. */
static inline void prog_move(struct prog *p, uint8_t op, uint8_t rva, uint64_t va, uint32_t sp,
			     uint32_t bytes)
{
	struct ig1_fmt_dma f = {
		.op = op, .rva = rva, .va = va, .sp = sp, .bytes = bytes, .n1 = 1, .n2 = 1
	};

	ig1_encode_dma(&f, prog_next(p, "move"));
}

#endif
