/* SPDX-License-Identifier: MIT */
/*
 * Cycles of a job by a table of rates and latencies (estimate.c), without running it: the stream's
 * control flow is followed (trace.h) and each command takes the time of its counts on its engine,
 * behind its tokens. Warm: commands are in the cache, translations hit, KV blocks are in resident
 * SRAM. What a job costs cold, host reads of commands and page tables, comes on top.
 */
#ifndef IG1_COMPILER_CODEGEN_ESTIMATE_H
#define IG1_COMPILER_CODEGEN_ESTIMATE_H

#include <stdio.h>

#include "compiler/codegen/trace.h"

struct estimate {
	uint64_t cycles;
	uint64_t commands;
	uint64_t busy[IG1_ENGINE_COUNT];
	uint64_t count[IG1_ENGINE_COUNT];
	uint64_t macs;	     /* of t.mm, t.qk, t.pv */
	uint64_t macs_cycle; /* the tile array's most for one cycle, 8-bit weights */
	uint64_t rom_bytes, kv_bytes, dma_bytes, vec_elems;
};

/*
 * One command as it was timed, in the order of execution. What it waited for is the number of an earlier
 * one in that order: its end decided the start, or when a command could be issued.
 */
#define ESTIMATE_NOTHING UINT32_MAX
struct estimate_span {
	uint32_t index;
	uint8_t op, engine;
	uint64_t issue, start, end;
	uint32_t start_after; /* NOTHING: it began when it was issued */
	uint32_t issue_after; /* NOTHING: the sequencer came to it from the one before it */
};

/* span may be NULL. 0 or a negative errno with d set. */
int estimate_job(const struct trace_job *job,
		 void (*span)(void *ctx, const struct estimate_span *s), void *ctx,
		 struct estimate *out, struct diag *d);

/*
 * A step of a model's program: `cols` tokens from position pos on, or in a decode program as many
 * sequences, all at pos, and one step.
 */
struct estimate_step {
	const struct ig1_config *chip;
	enum ig1_prog kind;
	const void *prog; /* little-endian commands */
	size_t n_cmds;
	uint32_t cols, pos;
	uint64_t kv_bytes, state_bytes; /* of a sequence */
};
int estimate_step(const struct estimate_step *step,
		  void (*span)(void *ctx, const struct estimate_span *s), void *ctx,
		  struct estimate *out, struct diag *d);

#endif
