/* SPDX-License-Identifier: MIT */
/*
 * Chrome trace files (chrome://tracing, Perfetto) from the chip's trace records: one row per engine,
 * the jobs one after another.
 */
#ifndef TRACE_H
#define TRACE_H

#include "cli.h"

struct trace {
	FILE *f;
	const char *path;
	struct accel_model *m;
	double us_per_cycle;
	bool exact;    /* cycles are the chip's */
	uint64_t base; /* cycle at which the current job begins */
	uint64_t jobs, dropped;
	bool first;
	bool complete;
	/* of one token: the last job, until it is known what of it is the token */
	bool one;
	enum accel_program program;
	struct accel_trace_record *kept;
	size_t n_kept;
};

/* one: of one token, see trace_token(); else of everything. 0, or -1 with errno set. */
int trace_open(struct trace *t, const char *path, struct accel_device *dev, struct accel_model *m,
	       bool one);
/* An accel_trace_fn; ctx is the struct trace. */
void trace_job(void *ctx, enum accel_program program, const struct accel_trace_record *r, size_t n,
	       int dropped);
/*
 * The last job had `steps` steps, each of the same commands; the last one gave token number `token`:
 * writes that one's commands, from time 0 on, and the token in the sequencer's row. The chip counts by
 * job: counters (ACCEL_COUNTERS) are of all steps.
 */
void trace_token(struct trace *t, uint32_t token, uint32_t steps, const uint64_t *counters);
int trace_close(struct trace *t);

#endif
