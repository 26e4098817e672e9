/* SPDX-License-Identifier: MIT */
/* Chrome trace files (chrome://tracing, Perfetto) from the chip's trace records: one row per engine,
 * one after another of all jobs. */
#ifndef TRACE_H
#define TRACE_H

#include "cli.h"

struct trace {
	FILE *f;
	const char *path;
	struct accel_model *m;
	double us_per_cycle;
	uint64_t base; /* cycle at which the current job begins */
	uint64_t jobs, dropped;
	bool first;
};

/* 0, or -1 with errno set. */
int trace_open(struct trace *t, const char *path, struct accel_device *dev, struct accel_model *m);
/* An accel_trace_fn; ctx is the struct trace. */
void trace_job(void *ctx, enum accel_program program, const struct accel_trace_record *r, size_t n,
	       int dropped);
int trace_close(struct trace *t);

#endif
