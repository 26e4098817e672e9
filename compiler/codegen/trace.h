/* SPDX-License-Identifier: MIT */
/*
 * Runs a command stream's control flow without its arithmetic: loops, branches, registers, and the
 * scratch words that registers are loaded from, so that every command is seen with resolved counts
 * and the bytes it touches. What engines compute is unknown; a register loaded from such bytes is
 * unknown, too, and may not decide how often a loop runs or where an engine's operand lies.
 *
 * It knows nothing of how the stream was made; the hazard checker and the estimator stand on it.
 */
#ifndef IG1_COMPILER_CODEGEN_TRACE_H
#define IG1_COMPILER_CODEGEN_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "compiler/ir/diag.h"
#include "ig1_chip.h"

/* A job: arguments and the column table it points to (R1). */
struct trace_job {
	const struct ig1_config *chip;
	const void *prog; /* little-endian commands */
	size_t n_cmds;
	uint64_t args[IG1_ARGS];
	const struct ig1_column *cols;
	uint32_t n_cols;
	uint64_t max_commands; /* executed, a bound on the run */
};

enum trace_space { TRACE_SCRATCH, TRACE_VA };

/* Bytes lo .. hi - 1 */
struct trace_access {
	uint8_t space;
	bool write;
	uint64_t lo, hi;
};

/* Counts with their registers added; which of them mean something depends on the format. */
struct trace_counts {
	uint64_t rows, groups, cols; /* t.mm, t.emb */
	uint64_t npos, heads, qper;  /* t.qk, t.pv; groups as above */
	uint64_t n0, n1, n2;	     /* v.*; d.*: rows and blocks in n1, n2 */
	uint64_t bytes;		     /* d.*: of a row */
};

struct trace_event {
	uint32_t index; /* of the command in the program */
	const uint32_t *w;
	uint8_t op, engine;
	uint16_t wait, signal;
	struct trace_counts n;
	unsigned int n_sources; /* v.* */
	const struct trace_access *acc;
	size_t n_acc; /* 0 of an engine's command: a count is zero */
};

/*
 * Calls event() for every executed command in program order. Returns 0, a negative errno with d set
 * (names the command), or what event() returned when not 0.
 */
int trace_run(const struct trace_job *job, int (*event)(void *ctx, const struct trace_event *e),
	      void *ctx, struct diag *d);

#endif
