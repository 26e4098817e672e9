// SPDX-License-Identifier: MIT
/* Choosing, launching and finishing jobs. */
#include "sched.h"

#include "fw.h"
#include "hw.h"
#include "log.h"
#include "queue.h"
#include "telemetry.h"

#define NO_QUEUE IG1_QUEUES
#define GO	 1u
#define GO_CLEAR 2u

struct sched_stats sched_stats;
struct sched_running sched_running;

/*
 * The job that should be next; its queue's head still points to it. If it can be launched, it is in
 * the sequencer's registers.
 */
static struct {
	uint32_t queue; /* NO_QUEUE: none */
	int refused;	/* the host did not let it be read */
	uint32_t bad;	/* see sched_check */
	struct ig1_job job;
} next;

static struct ig1_completion completion;
static uint8_t turn[IG1_PRIORITIES]; /* queue served last */
static uint32_t stopped[SCHED_CONTEXTS / 32];

/* Whose data is in scratch. */
static struct {
	int dirty; /* to be cleared in any case */
	uint32_t context;
	uint64_t pt_root;
} scratch;

void sched_init(void)
{
	sched_running.queue = NO_QUEUE;
	next.queue = NO_QUEUE;
	scratch.dirty = 1;
}

void sched_reset(void)
{
	sched_init();
	memset(turn, 0, sizeof(turn));
	memset(stopped, 0, sizeof(stopped));
	memset(&sched_stats, 0, sizeof(sched_stats));
}

static int is_stopped(uint32_t context)
{
	return stopped[context / 32] >> (context % 32) & 1;
}

static void stop(uint32_t context)
{
	stopped[context / 32] |= 1u << (context % 32);
}

/* In the order of the reference model's check. */
uint32_t sched_check(const struct ig1_job *job)
{
	uint32_t i;

#define REFUSE(cond, field)                                         \
	do {                                                        \
		if (cond)                                           \
			return offsetof(struct ig1_job, field) + 1; \
	} while (0)

	REFUSE(job->magic != IG1_JOB_MAGIC, magic);
	REFUSE(job->flags & ~IG1_JOB_STOP_ON_FAULT, flags);
	REFUSE(job->context >= SCHED_CONTEXTS, context);
	REFUSE(job->nargs > IG1_ARGS, nargs);
	REFUSE(job->pt_root % IG1_PAGE_BYTES, pt_root);
	REFUSE(job->prog_va % IG1_COMMAND_BYTES, prog_va);
	REFUSE(!job->prog_len || job->prog_len > IG1_MAX_COUNT, prog_len);
	REFUSE(job->emit_va % sizeof(struct ig1_token), emit_va);
	REFUSE(job->trace_va % sizeof(struct ig1_trace), trace_va);
	REFUSE(job->pad0, pad0);
	for (i = job->nargs; i < IG1_ARGS; i++)
		REFUSE(job->args[i], args[i]);
	for (i = 0; i < sizeof(job->pad1) / sizeof(job->pad1[0]); i++)
		REFUSE(job->pad1[i], pad1[i]);
#undef REFUSE
	return 0;
}

/* Registers and descriptor have the same layout from the page-table root to the arguments. */
static inline __attribute__((always_inline)) void write_words(uint32_t reg, const void *src,
							      uint32_t words)
{
	const uint32_t *p = src;
	uint32_t i;

#pragma GCC unroll 32
	for (i = 0; i < words; i++)
		hw_write32(reg + 4 * i, p[i]);
}

#define SAME_LAYOUT(first, reg, field)                                                            \
	_Static_assert(IG1_MCU_##reg - IG1_MCU_SEQ_PT_ROOT(0) ==                                  \
			       offsetof(struct ig1_job, field) - offsetof(struct ig1_job, first), \
		       #field)
SAME_LAYOUT(pt_root, SEQ_PROG(0), prog_va);
SAME_LAYOUT(pt_root, SEQ_PROG_LEN, prog_len);
SAME_LAYOUT(pt_root, SEQ_EMIT_ENTRIES, emit_entries);
SAME_LAYOUT(pt_root, SEQ_EMIT(0), emit_va);
SAME_LAYOUT(pt_root, SEQ_TRACE(0), trace_va);
SAME_LAYOUT(pt_root, SEQ_TRACE_ENTRIES, trace_entries);

/* The sequencer takes its registers over at the launch, so they may be written at any time. */
static void write_job(const struct ig1_job *job)
{
	uint64_t budget = job->watchdog ? job->watchdog : IG1_WATCHDOG_DEFAULT;

	write_words(IG1_MCU_SEQ_PT_ROOT(0), &job->pt_root,
		    (offsetof(struct ig1_job, pad0) - offsetof(struct ig1_job, pt_root)) / 4);
	hw_write64(IG1_MCU_SEQ_WATCHDOG(0), budget);
	write_words(IG1_MCU_SEQ_ARGS(0), job->args, IG1_MCU_SEQ_ARGS_COUNT);
}

/* The lowest bit of m above the bit `last`, else the lowest. m is not zero. */
static uint32_t after(uint32_t m, uint32_t last)
{
	uint32_t high = m >> last >> 1, n = 0;

	if (high) {
		m = high;
		n = last + 1;
	}
	for (; !(m & 1); m >>= 1)
		n++;
	return n;
}

/* The queue to serve now, or NO_QUEUE. */
static uint32_t choose(void)
{
	uint32_t p;

	for (p = 0; p < IG1_PRIORITIES; p++) {
		if (queue_ready[p])
			return after(queue_ready[p], turn[p]);
	}
	return NO_QUEUE;
}

/* Counts it and hands it to the host. */
static void complete(uint32_t n)
{
	if (completion.status)
		sched_stats.faulted++;
	else
		sched_stats.done++;
	queue_complete(n, &completion);
}

/* Would the job read ahead still be chosen? Among equals it keeps its place. */
static int next_is_current(void)
{
	uint32_t p;

	if (next.queue == NO_QUEUE)
		return 0;
	for (p = 0; p < queues[next.queue].priority; p++) {
		if (queue_ready[p])
			return 0;
	}
	return queue_ready[p] >> next.queue & 1;
}

/* Reads the descriptor at the head of the queue to serve next, if it has not been read. */
static void prefetch(void)
{
	if (next_is_current())
		return;
	next.queue = choose();
	if (next.queue == NO_QUEUE)
		return;
	next.refused = queue_peek(next.queue, &next.job);
	if (next.refused)
		return;
	next.bad = sched_check(&next.job);
	if (!next.bad)
		write_job(&next.job);
}

static int next_can_launch(void)
{
	return !next.refused && !next.bad && !is_stopped(next.job.context);
}

/* The job read ahead is consumed; returns its queue. */
static uint32_t take_next(void)
{
	uint32_t n = next.queue;

	next.queue = NO_QUEUE;
	turn[queues[n].priority] = (uint8_t)n;
	queue_take(n);
	return n;
}

static void launch_next(void)
{
	const struct ig1_job *job = &next.job;
	uint32_t go = GO;

	if (scratch.dirty || scratch.context != job->context || scratch.pt_root != job->pt_root)
		go |= GO_CLEAR;
	hw_write32(IG1_MCU_SEQ_GO, go);
	sched_running.queue = take_next();
	sched_running.id = job->job_id;
	sched_running.context = job->context;
	sched_running.flags = job->flags;
	scratch.dirty = 0;
	scratch.context = job->context;
	scratch.pt_root = job->pt_root;
}

/* Answers the job read ahead, which cannot be launched. */
static void answer_next(void)
{
	uint64_t at = queue_head_address(next.queue);
	uint32_t n = take_next();

	memset(&completion, 0, sizeof(completion));
	completion.status = 1;
	if (next.refused) {
		/* Whose job it is cannot be known; the host sees it by its place. */
		log_put(LOG_ERROR, "queue %u: descriptor refused by the host", n, 0);
		completion.fault = IG1_FAULT_BUS;
		completion.fault_addr = at;
		complete(n);
		queue_break(n);
		return;
	}
	completion.job_id = next.job.job_id;
	completion.context = next.job.context;
	completion.fault = next.bad ? IG1_FAULT_DESC : IG1_FAULT_ABORT;
	completion.fault_addr = next.bad ? next.bad - 1 : 0;
	if (next.job.magic == IG1_JOB_MAGIC && next.job.flags == IG1_JOB_STOP_ON_FAULT &&
	    next.job.context < SCHED_CONTEXTS)
		stop(next.job.context);
	complete(n);
}

/* The finished job's results, before the sequencer gets another. */
static void read_result(void)
{
	uint32_t *p = (uint32_t *)(void *)completion.counters;
	uint32_t i;

	completion.job_id = sched_running.id;
	completion.context = sched_running.context;
	completion.fault = hw_read32(IG1_MCU_SEQ_FAULT);
	completion.status = completion.fault ? 1 : 0;
	completion.fault_addr = hw_read32(IG1_MCU_SEQ_FAULT_ADDR(0)) |
				(uint64_t)hw_read32(IG1_MCU_SEQ_FAULT_ADDR(1)) << 32;
	completion.fault_index = hw_read32(IG1_MCU_SEQ_FAULT_INDEX);
	completion.emitted = hw_read32(IG1_MCU_SEQ_EMITTED);
	completion.traced = hw_read32(IG1_MCU_SEQ_TRACED);
#pragma GCC unroll 32
	for (i = 0; i < IG1_MCU_COUNTERS_COUNT; i++)
		p[i] = hw_read32(IG1_MCU_COUNTERS(i));
	if (completion.status) {
		scratch.dirty = 1;
		if (sched_running.flags & IG1_JOB_STOP_ON_FAULT)
			stop(sched_running.context);
	}
}

static int sequencer_busy(void)
{
	return hw_read32(IG1_MCU_SEQ_STATUS) & IG1_MCU_SEQ_STATUS_BUSY;
}

int sched_poll(void)
{
	uint32_t finished;

	if (sched_running.queue != NO_QUEUE) {
		if (sequencer_busy()) {
			prefetch();
			return 0;
		}
		finished = sched_running.queue;
		sched_running.queue = NO_QUEUE;
		read_result();
		/* The idle sequencer first, then the host that waits for this job. */
		if (next_is_current() && next_can_launch())
			launch_next();
		complete(finished);
		telemetry_add(completion.counters);
	}
	prefetch();
	if (sched_running.queue != NO_QUEUE || next.queue == NO_QUEUE)
		return 0;
	if (!next_can_launch()) {
		answer_next();
		return 1;
	}
	launch_next();
	prefetch();
	return 0;
}

/* The running job ends, its completion is written; the sequencer may have another one then. */
static void abort_running(void)
{
	hw_write32(IG1_MCU_SEQ_ABORT, 1);
	while (sequencer_busy())
		;
}

void sched_stop_context(uint32_t context)
{
	stop(context);
	if (sched_running.queue != NO_QUEUE && sched_running.context == context) {
		abort_running();
		sched_poll();
	}
}

void sched_resume_context(uint32_t context)
{
	stopped[context / 32] &= ~(1u << (context % 32));
	/* The number may name another process now, with a page table at the same place. */
	if (scratch.context == context)
		scratch.dirty = 1;
}

void sched_stop_queue(uint32_t n)
{
	if (next.queue == n)
		next.queue = NO_QUEUE;
	if (sched_running.queue == n) {
		abort_running();
		sched_poll();
	}
}
