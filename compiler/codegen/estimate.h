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

/* One command as it was timed, for --trace. */
struct estimate_span {
	uint32_t index;
	uint8_t op, engine;
	uint64_t issue, start, end;
};

/* span may be NULL. 0 or a negative errno with d set. */
int estimate_job(const struct trace_job *job,
		 void (*span)(void *ctx, const struct estimate_span *s), void *ctx,
		 struct estimate *out, struct diag *d);

#endif
