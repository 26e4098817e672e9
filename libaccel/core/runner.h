/* SPDX-License-Identifier: MIT */
/*
 * Runs the model's programs: the queue and buffers that a session or batch needs to submit jobs
 * and see their results. One thread at a time, except runner_cancel().
 */
#ifndef ACCEL_RUNNER_H
#define ACCEL_RUNNER_H

#include "model.h"

struct mapped {
	struct accel_buffer *buf;
	uint64_t va;
	void *p;
	uint64_t bytes;
};

struct runner {
	struct accel_model *m;
	struct accel_session_options o; /* defaults filled in */
	struct accel_queue *queue;
	struct mapped columns, logits, emit, trace;
	uint64_t window; /* for sources of copies; 0: not reserved yet */
	atomic_int cancel;
	uint64_t counters[IG1_CTR_COUNT];
	uint64_t jobs;
	uint32_t emitted; /* by the last job, which ended well if it is */
	bool complete;
	struct accel_fault fault;
	const char *fault_name;
};

int runner_init(struct runner *r, struct accel_model *m, const struct accel_session_options *user);
void runner_fini(struct runner *r);

/* Other trace options from now on. */
int runner_trace(struct runner *r, uint32_t entries, accel_trace_fn fn, void *ctx);

/* Async-signal-safe. */
void runner_cancel(struct runner *r);
/* ACCEL_ECANCELED once after runner_cancel(). */
int runner_check(struct runner *r);

/* max_cols entries, to be filled before a job. */
struct ig1_column *runner_columns(struct runner *r);

/* Logits of columns [first, first+n), n may be 0: *logits has n x vocab values until the next job. */
int runner_prefill(struct runner *r, uint32_t cols, uint32_t first, uint32_t n,
		   const float **logits);

/* Gets record number i (from 0) of a decode job; not 0: enough, end the job. */
typedef int (*runner_token_fn)(void *ctx, uint32_t i, const struct ig1_token *t);

/* Greedy steps; stop[2] as R7, R8. When fn ends the job, the result is 0. */
int runner_decode(struct runner *r, uint32_t cols, uint32_t steps, const uint32_t stop[2],
		  runner_token_fn fn, void *ctx);

/* Copies block src to dst_va, where another block is bound. */
int runner_copy(struct runner *r, struct kv_block *src, uint64_t dst_va);

/* Copies bytes, whole pages, within the address space. */
int runner_copy_pages(struct runner *r, uint64_t src_va, uint64_t dst_va, uint64_t bytes);

/* Moves the model's programs into SRAM, once, by the first runner, before its own first job. */
int stage_programs(struct runner *r);

int runner_counters(struct runner *r, uint64_t *counters, size_t n, uint64_t *jobs, int reset);

#endif
