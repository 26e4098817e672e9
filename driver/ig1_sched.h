/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _IG1_SCHED_H_
#define _IG1_SCHED_H_

#include <linux/list.h>
#include <linux/mutex.h>

#include <drm/gpu_scheduler.h>

struct drm_sched_backend_ops;
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
	/** @node: in &ig1_scheds.spare */
	struct list_head node;
};

/**
 * struct ig1_scheds - What the schedulers of a device share
 */
struct ig1_scheds {
	/** @wq: runs their work: ordered, so jobs are handed over one at a time; drmm */
	struct workqueue_struct *wq;
	/** @lock: protects @spare and @queues */
	struct mutex lock;
	/** @spare: schedulers not in use, memory kept until the device is released */
	struct list_head spare;
	/** @queues: all queues, by &ig1_queue.node */
	struct list_head queues;
	/** @ops: what the schedulers call; replaced by tests */
	const struct drm_sched_backend_ops *ops;
};

int ig1_sched_init(struct ig1_device *dev);

/*
 * Stops the chip, ends all jobs with -ENODEV. Those that wait for a fence end when it signals,
 * without reaching the chip.
 */
void ig1_sched_unplug(struct ig1_device *dev);

/* A running scheduler, or an error. */
struct ig1_sched *ig1_sched_get(struct ig1_device *dev);
/* Its entities are gone and its jobs freed. */
void ig1_sched_put(struct ig1_device *dev, struct ig1_sched *sched);

#endif /* _IG1_SCHED_H_ */
