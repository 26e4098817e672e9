/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _IG1_HWQ_H_
#define _IG1_HWQ_H_

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>

#include "ig1_hw.h"

struct drm_printer;
struct ig1_device;

/* Entries of each ring, a power of two. */
#define IG1_HWQ_ENTRIES 256

/* Context numbers of the chip; 0 belongs to the driver's own jobs. */
#define IG1_CONTEXTS	   65536
#define IG1_CONTEXT_KERNEL 0

/**
 * struct ig1_result - What a job left behind, in host order and checked
 */
struct ig1_result {
	/** @error: 0 when the chip answered, else why it did not (negative errno) */
	int error;
	/** @fault: IG1_FAULT_* */
	u32 fault;
	/** @fault_addr: see the code */
	u64 fault_addr;
	/** @fault_index: index of the faulting command */
	u32 fault_index;
	/** @emitted: token records written */
	u32 emitted;
	/** @traced: trace records written */
	u32 traced;
	/** @counters: of the job */
	u64 counters[IG1_CTR_COUNT];
};

/**
 * struct ig1_hwq_entry - A job as the hardware queues see it
 *
 * Owned by a hardware queue from ig1_hwq_push() until @done is called.
 */
struct ig1_hwq_entry {
	/** @node: in &ig1_hwq.waiting or &ig1_hwq.inflight */
	struct list_head node;
	/** @id: number of the job on this device, not zero; given by ig1_hwq_push() */
	u64 id;
	/** @error: why it ends without an answer of the chip */
	int error;
	/** @desc: descriptor, complete but for the number */
	struct ig1_hw_job desc;
	/**
	 * @done: called once, in order, when the chip has let go of the job. Process context and
	 * fence-signalling; under &ig1_hwq.done_lock only. May free the entry.
	 */
	void (*done)(struct ig1_hwq_entry *entry, const struct ig1_result *result);
};

/**
 * struct ig1_hwq - A hardware queue: the jobs of one priority
 */
struct ig1_hwq {
	/** @ring: submission ring, DMA memory */
	struct ig1_hw_job *ring;
	/** @cq: completion ring, DMA memory */
	struct ig1_hw_completion *cq;
	/** @ring_dma: bus address of @ring */
	dma_addr_t ring_dma;
	/** @cq_dma: bus address of @cq */
	dma_addr_t cq_dma;
	/** @tail: jobs put into the ring, free-running; under &ig1_hwqs.lock */
	u32 tail;
	/** @done: completions taken from the ring, free-running; under &ig1_hwqs.lock */
	u32 done;
	/** @inflight: jobs in the ring, oldest first; under &ig1_hwqs.lock */
	struct list_head inflight;
	/** @waiting: jobs for which the ring has no room, oldest first; under &ig1_hwqs.lock */
	struct list_head waiting;
	/** @done_lock: order of the @done calls; outside of &ig1_hwqs.lock */
	struct mutex done_lock;
};

/**
 * struct ig1_hwq_ops - Ways to the chip, replaced by tests
 */
struct ig1_hwq_ops {
	/** @doorbell: a queue's tail has moved; atomic */
	void (*doorbell)(struct ig1_device *dev, u32 queue, u32 tail);
	/** @broken: the chip's answers make no sense; atomic */
	void (*broken)(struct ig1_device *dev);
	/** @mbox: ig1_mbox() */
	int (*mbox)(struct ig1_device *dev, u32 cmd, const u32 args[4], u32 *val, u32 out[4]);
	/** @forgot: somebody else has reset all of the chip, resident SRAM included */
	bool (*forgot)(struct ig1_device *dev);
	/** @halt: ig1_reset_halt() */
	int (*halt)(struct ig1_device *dev);
	/**
	 * @flr: function-level reset, as the PCI core does it: between ig1_pci_err_handlers'
	 * reset_prepare and reset_done. Not under hw_lock. -EAGAIN: somebody else is at the device
	 */
	int (*flr)(struct ig1_device *dev);
	/** @flr_locked: the same at probe: with the device locked, and without the handlers */
	int (*flr_locked)(struct ig1_device *dev);
	/** @stop: ig1_device_stop() */
	void (*stop)(struct ig1_device *dev);
	/** @start: ig1_device_start() */
	int (*start)(struct ig1_device *dev);
	/** @cut_off: keeps the chip from memory for good */
	void (*cut_off)(struct ig1_device *dev);
};

/**
 * struct ig1_hwqs - All hardware queues of a device
 */
struct ig1_hwqs {
	/**
	 * @lock: protects the queues' lists and indices, @started, @parked, @dead, @last_id and the
	 * state of every &struct ig1_queue. Taken in fence-signalling context, never in interrupts.
	 */
	spinlock_t lock;
	/** @started: doorbells may be rung */
	bool started;
	/** @parked: nothing is put into the rings (suspend) */
	bool parked;
	/** @dead: not zero: no job reaches the chip again, all end with this error */
	int dead;
	/** @last_id: number of the last job */
	u64 last_id;
	/** @idle: woken when the rings have become empty */
	wait_queue_head_t idle;
	/** @config: a queue's configuration for the firmware, DMA memory */
	struct ig1_hw_queue *config;
	/** @config_dma: its bus address */
	dma_addr_t config_dma;
	/** @context_lock: protects @contexts and @next_context */
	spinlock_t context_lock;
	/** @contexts: numbers in use, a bit each */
	unsigned long *contexts;
	/** @next_context: where the search begins, so that a number is not reused soon */
	u32 next_context;
	/** @ops: ways to the chip */
	const struct ig1_hwq_ops *ops;
	/** @q: queue per priority */
	struct ig1_hwq q[IG1_PRIORITIES];
};

/* Jobs a ring has room for; the indices run freely. */
static inline u32 ig1_ring_space(u32 tail, u32 done)
{
	return IG1_HWQ_ENTRIES - (tail - done);
}

/* Phase of completion number n (from 0). */
static inline u32 ig1_ring_phase(u32 n)
{
	return n & IG1_HWQ_ENTRIES ? 0 : 1;
}

/* Memory only; drmm. */
int ig1_hwq_init(struct ig1_device *dev);

/* DMA memory of the rings; managed by the parent device, whose DMA mask is set. */
int ig1_hwq_alloc(struct ig1_device *dev);

/*
 * Makes the firmware's queues and gives it all jobs that are not done, in their order. hw_lock
 * held for writing; the chip knows of no job.
 */
int ig1_hwq_start(struct ig1_device *dev);

/* Its second half: the rings are empty, and get what there is. */
void ig1_hwq_restart(struct ig1_device *dev);

/* No doorbell is rung and no completion is read after it. Idempotent. */
void ig1_hwq_stop(struct ig1_device *dev);

/* Reads the completions that vector reports. Inside drm_dev_enter(). */
void ig1_hwq_vector(struct ig1_device *dev, u32 vector);

/* The same for one queue. Returns the number of jobs that ended. */
u32 ig1_hwq_process(struct ig1_device *dev, u32 queue);

/* The same for all, after the chip was stopped: what it had answered before. */
void ig1_hwq_harvest(struct ig1_device *dev);

/* Whether the rings hold job @id. */
bool ig1_hwq_has(struct ig1_device *dev, u64 id);

/* Hands a job over; &ig1_hwqs.lock held, not @dead. Never fails. */
void ig1_hwq_push_locked(struct ig1_device *dev, u32 queue, struct ig1_hwq_entry *entry);

/*
 * Ends the jobs for which @pick returns an error, in order. Only while the queues are stopped and
 * the chip executes nothing. @pick is called under &ig1_hwqs.lock; @head: the job may have been
 * begun.
 */
void ig1_hwq_end(struct ig1_device *dev,
		 int (*pick)(struct ig1_hwq_entry *entry, bool head, void *data), void *data);

/* Ends all jobs with the error and refuses new ones; the chip must not reach memory any more. */
void ig1_hwq_kill(struct ig1_device *dev, int error);

/* Stops filling the rings, and waits until they are empty; -EBUSY after the timeout (jiffies). */
int ig1_hwq_park(struct ig1_device *dev, long timeout);
void ig1_hwq_unpark(struct ig1_device *dev);
bool ig1_hwq_idle(struct ig1_device *dev);

/*
 * A job of the driver's own, made before hw_lock is taken and run at most once. NULL: no memory.
 */
struct ig1_hwq_kernel_job *ig1_hwq_kernel_job_create(void);
void ig1_hwq_kernel_job_put(struct ig1_hwq_kernel_job *job);

/*
 * Runs it, on parked queues too, and waits for it. hw_lock held. Returns 0, -EIO (fault) or
 * -ETIMEDOUT (the chip still has it and what it refers to; only a reset takes that back).
 */
int ig1_hwq_run(struct ig1_device *dev, struct ig1_hwq_kernel_job *job,
		const struct ig1_hw_job *desc, long timeout);

/* Context numbers. -ENOSPC: none left. */
int ig1_context_alloc(struct ig1_device *dev);
void ig1_context_free(struct ig1_device *dev, u32 context);
/* How many are in use; the driver's own is one. */
u32 ig1_contexts(struct ig1_device *dev);

void ig1_hwq_print(struct ig1_device *dev, struct drm_printer *p);

/* Parts for tests. */
bool ig1_hwq_parse(const struct ig1_hw_completion *c, u32 n, const struct ig1_hwq_entry *entry,
		   struct ig1_result *result);
void ig1_hwqs_setup(struct ig1_hwqs *hwqs, const struct ig1_hwq_ops *ops);

#endif /* _IG1_HWQ_H_ */
