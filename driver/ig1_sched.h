/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _IG1_SCHED_H_
#define _IG1_SCHED_H_

#include <linux/list.h>
#include <linux/mutex.h>

#include <drm/gpu_scheduler.h>

struct drm_sched_backend_ops;
struct drm_sched_init_args;
struct ig1_device;
struct workqueue_struct;

/* Jobs of one queue that the hardware queues may have at a time. */
#define IG1_SCHED_CREDITS 32

/**
 * struct ig1_sched - Scheduler of one queue
 */
struct ig1_sched {
	/** @base: base */
	struct drm_gpu_scheduler base;
	/** @node: in the list of spare ones */
	struct list_head node;
};

/**
 * struct ig1_scheds - What the schedulers of a device share
 */
struct ig1_scheds {
	/** @wq: runs their work: ordered, so jobs are handed over one at a time; drmm */
	struct workqueue_struct *wq;
	/** @lock: protects @queues */
	struct mutex lock;
	/** @queues: all queues, by &ig1_queue.node */
	struct list_head queues;
	/** @ops: what the schedulers call; replaced by tests */
	const struct drm_sched_backend_ops *ops;
};

int ig1_sched_init(struct ig1_device *dev);

/*
 * Stops the chip, ends all jobs and asynchronous operations with -ENODEV, also those that wait for
 * fences.
 */
void ig1_sched_unplug(struct ig1_device *dev);

/* A running scheduler, or an error. */
struct ig1_sched *ig1_sched_get(const struct drm_sched_init_args *args);
/* Its entities are gone and its jobs freed. */
void ig1_sched_put(struct ig1_sched *sched);

/* The one for a queue. */
struct ig1_sched *ig1_sched_get_queue(struct ig1_device *dev);

/* Frees the memory of all schedulers. No fence of ours exists any more. */
void ig1_sched_module_exit(void);

#endif /* _IG1_SCHED_H_ */
