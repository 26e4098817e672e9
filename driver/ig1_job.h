/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _IG1_JOB_H_
#define _IG1_JOB_H_

#include <linux/dma-fence.h>
#include <linux/ktime.h>
#include <linux/spinlock.h>

#include <drm/gpu_scheduler.h>

#include "intaglio_accel.h"
#include "ig1_hwq.h"
#include "ig1_sync.h"

struct drm_device;
struct drm_file;
struct ig1_device;
struct ig1_queue;

/* Jobs of one EXEC. */
#define IG1_EXEC_JOBS_MAX 64

/**
 * struct ig1_fence - Hardware fence: the chip has let go of a job
 */
struct ig1_fence {
	/** @base: base */
	struct dma_fence base;
	/** @lock: of @base */
	spinlock_t lock;
};

/*
 * Counts as a reference for the caller. The fence keeps the module, and so, for as long as user
 * space may ask a scheduler's fence for its name, the memory of schedulers (ig1_sched.c).
 */
void ig1_fence_init(struct ig1_fence *fence, u64 context, u64 seqno);

/**
 * struct ig1_job - A job from EXEC to its end
 */
struct ig1_job {
	/** @base: base */
	struct drm_sched_job base;
	/** @entry: as the hardware queues see it */
	struct ig1_hwq_entry entry;
	/** @queue: queue, a reference */
	struct ig1_queue *queue;
	/** @fence: hardware fence, a reference; initialised in run_job */
	struct ig1_fence *fence;
	/** @syncs: fences to wait for and to signal, until the job is pushed */
	struct ig1_syncs syncs;
	/** @seq: number in the queue */
	u64 seq;
	/** @run: @fence is initialised */
	bool run;
	/** @ready: @base is initialised */
	bool ready;
	/** @powered: holds a power reference */
	bool powered;
	/** @verdict: error if the driver makes the chip abort it; under &ig1_hwqs.lock */
	int verdict;
	/** @idle: the chip executed nothing at the last look; timeout work only */
	bool idle;
	/** @begun: when it was first seen to run, or 0; timeout work only */
	ktime_t begun;
	/** @moved: when it last emitted a token or was begun; timeout work only */
	ktime_t moved;
	/** @commands: commands it had issued then; timeout work only */
	u32 commands;
	/** @emitted: token records it had written then; timeout work only */
	u32 emitted;
};

static inline struct ig1_job *to_ig1_job(struct drm_sched_job *job)
{
	return container_of(job, struct ig1_job, base);
}

/* Whether an entry is a job of a queue, not one of the driver's own. */
bool ig1_job_is(const struct ig1_hwq_entry *entry);

/* NULL: no memory. Holds a reference of the queue. */
struct ig1_job *ig1_job_create(struct ig1_queue *queue, const struct drm_intaglio_job *args);

/* Releases everything a job holds, at any stage. Fence-signalling context. */
void ig1_job_free(struct ig1_job *job);

/* Hands it to the chip, or ends it in its turn if its queue does not run. */
void ig1_job_run(struct ig1_job *job);

/* -EINVAL, or 0. */
int ig1_job_check(const struct drm_intaglio_job *args);

int ig1_exec_ioctl(struct drm_device *drm, void *data, struct drm_file *file);

#endif /* _IG1_JOB_H_ */
