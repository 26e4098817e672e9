/* SPDX-License-Identifier: MIT */
/*
 * Scheduler: one job at a time, four priorities, round robin between the queues of one. The
 * descriptor of the next job is read, checked and put into the sequencer's registers while the
 * current one runs, so that it starts before its predecessor's completion is written.
 */
#ifndef FW_SCHED_H
#define FW_SCHED_H

#include <stdint.h>

#include "ig1_chip.h"

#define SCHED_CONTEXTS 65536u

struct sched_stats {
	uint32_t done, faulted;
};

/* The job the sequencer has. */
struct sched_running {
	uint32_t queue; /* IG1_QUEUES: none */
	uint64_t id;
	uint32_t context;
	uint32_t flags; /* IG1_JOB_* */
};

extern struct sched_stats sched_stats;
extern struct sched_running sched_running;

/* Finishes and starts what can be. Nonzero: a job without a launch was answered, call again. */
int sched_poll(void);

/* 0, or the byte offset of the first bad field + 1. */
uint32_t sched_check(const struct ig1_job *job);

/* Both return when no job of it runs any more and its completion is written. */
void sched_stop_context(uint32_t context);
void sched_stop_queue(uint32_t n);
void sched_resume_context(uint32_t context);

/* At start, memory is zero. */
void sched_init(void);
/* For tests: at any time. */
void sched_reset(void);

#endif
