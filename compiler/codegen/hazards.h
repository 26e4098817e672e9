/* SPDX-License-Identifier: MIT */
/*
 * Checks the order of a finished command stream. It executes the stream (trace.h) for several jobs,
 * follows the tokens, and finds for every byte the commands that touched it last: a read and a write
 * or two writes of the same byte must be ordered.
 *
 * What is ordered: commands of one engine, among themselves; a sequencer command before everything
 * behind it, which is issued only when it is done; a command before one that takes the token it
 * gave; everything before what follows s.sync. A token says which command gave it only if the
 * commands that give it, and those that take it, are ordered among themselves; otherwise it is
 * rejected as ambiguous. It also rejects a token taken before it was given, or given beyond the
 * counter's range.
 *
 * Nothing of the code generator is used: only the specification.
 */
#ifndef IG1_COMPILER_CODEGEN_HAZARDS_H
#define IG1_COMPILER_CODEGEN_HAZARDS_H

#include "compiler/codegen/trace.h"

struct hazards_program {
	const struct ig1_config *chip;
	const void *prog;
	size_t n_cmds;
	enum ig1_prog kind;
	uint32_t context, max_cols;
	uint32_t window; /* of windowed layers, 0: there are none */
	uint32_t ring;	 /* blocks of the ring that they are in, ring_bytes each; 0: none */
	uint64_t ring_bytes;
	uint64_t kv_block_bytes, state_bytes;
	/* The debug database's name of a command, or NULL; may be NULL itself. */
	const char *(*name)(void *ctx, uint32_t command);
	void *name_ctx;
};

struct hazards_stats {
	uint64_t jobs, commands, accesses;
};

/*
 * 0, or a negative errno with d set: -EBADMSG for a hazard, with both commands named; other codes
 * for a stream that cannot be executed. *stats is filled in either case.
 */
int hazards_check(const struct hazards_program *p, struct hazards_stats *stats, struct diag *d);

/* One job only. */
int hazards_check_job(const struct hazards_program *p, const struct trace_job *job,
		      struct hazards_stats *stats, struct diag *d);

#endif
