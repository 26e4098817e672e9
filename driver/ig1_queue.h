/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _IG1_QUEUE_H_
#define _IG1_QUEUE_H_

#include <linux/iosys-map.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/workqueue.h>

#include <drm/gpu_scheduler.h>

#include "intaglio_accel.h"
#include "ig1_gate.h"
#include "ig1_job.h"

struct drm_device;
struct drm_file;
struct ig1_bo;
struct ig1_device;
struct ig1_file;
struct ig1_file_stats;
struct ig1_sched;
struct ig1_vm;

/* Priorities above it (lower numbers) want CAP_SYS_NICE. */
#define IG1_MIN_PRIORITY_USER 1

#define IG1_QUEUES_PER_FILE 256
#define IG1_RING_ENTRIES_MAX 4096

/**
 * struct ig1_queue - Queue of a process
 */
struct ig1_queue {
	/** @ref: references of the file and of each job */
	struct kref ref;
	/** @dev: device, by a reference of its drm_device */
	struct ig1_device *dev;
	/** @vm: address space of the jobs */
	struct ig1_vm *vm;
	/** @stats: counters of the file */
	struct ig1_file_stats *stats;
	/** @id: as user space knows it */
	u32 id;
	/** @priority: hardware queue */
	u32 priority;
	/** @context: number by which the firmware knows the queue */
	u32 context;
	/** @sched: scheduler of this queue alone */
	struct ig1_sched *sched;
	/** @entity: the only one of @sched */
	struct drm_sched_entity entity;
	/** @fence_context: of the hardware fences */
	u64 fence_context;
	/** @submit_lock: order of arm and push, @submitted */
	struct mutex submit_lock;
	/** @control_lock: one cancel or resume at a time */
	struct mutex control_lock;
	/** @submitted: number of the last job */
	u64 submitted;
	/** @state: DRM_INTAGLIO_QUEUE_*; under &ig1_hwqs.lock */
	u32 state;
	/** @error: of jobs that end because the queue does not run; under &ig1_hwqs.lock */
	int error;
	/** @closed: QUEUE_DESTROY or the file is closed; under &ig1_hwqs.lock */
	bool closed;
	/** @active: jobs that the hardware queues have, or that are being ended; &ig1_hwqs.lock */
	u32 active;
	/** @cancelled: jobs that end when @active is zero, oldest first; under &ig1_hwqs.lock */
	struct list_head cancelled;
	/** @gates: before the fences that jobs wait for */
	struct ig1_gates gates;
	/** @completed: jobs that have ended; under &ig1_hwqs.lock */
	u64 completed;
	/** @last: the last one that ended with an error; under &ig1_hwqs.lock */
	struct drm_intaglio_completion last;
	/** @ring_bo: buffer of the completion ring, or NULL */
	struct ig1_bo *ring_bo;
	/** @ring_map: the kernel's view of @ring_bo */
	struct iosys_map ring_map;
	/** @ring: first record */
	struct drm_intaglio_completion *ring;
	/** @ring_entries: records, a power of two */
	u32 ring_entries;
	/** @node: in &ig1_scheds.queues */
	struct list_head node;
	/** @free_work: the end, in process context */
	struct work_struct free_work;
	/** @rcu: readers of names of its fences */
	struct rcu_head rcu;
};

/* Queue by id with a reference, or NULL. */
struct ig1_queue *ig1_queue_lookup(struct ig1_file *file, u32 id);
struct ig1_queue *ig1_queue_get(struct ig1_queue *queue);
/* Any context but hard interrupts; the end is a work item. */
void ig1_queue_put(struct ig1_queue *queue);

/* Why jobs of the queue cannot run: 0 or a negative errno; &ig1_hwqs.lock held. */
int ig1_queue_error_locked(const struct ig1_queue *queue);

/* Its jobs end with @error from now on, for good; &ig1_hwqs.lock held. */
void ig1_queue_ban_locked(struct ig1_queue *queue, int error);

struct ig1_queue *ig1_queue_create(struct ig1_device *dev, struct ig1_vm *vm,
				   struct ig1_file_stats *stats, u32 priority);

/*
 * If its jobs cannot run, lets those that wait for a fence end now. After each change that may keep
 * them from running, and after each push.
 */
void ig1_queue_settle(struct ig1_queue *queue);

/* The same for all queues of a device. */
void ig1_queues_settle(struct ig1_device *dev);

/* The end for its owner: cancels its jobs and drops the reference. */
void ig1_queue_close(struct ig1_queue *queue);

/* &ig1_queue.control_lock held. */
int ig1_queue_cancel(struct ig1_queue *queue);
int ig1_queue_resume(struct ig1_queue *queue);

/* Cancels all queues and drops the file's references. */
void ig1_queue_close_all(struct ig1_file *file);

/* Argument checks that look at nothing else; for tests too. */
int ig1_queue_check_create(const struct drm_intaglio_queue_create *args);
int ig1_queue_check_ring(const struct drm_intaglio_queue_create *args, u64 bo_size);

int ig1_queue_create_ioctl(struct drm_device *drm, void *data, struct drm_file *file);
int ig1_queue_destroy_ioctl(struct drm_device *drm, void *data, struct drm_file *file);
int ig1_queue_get_state_ioctl(struct drm_device *drm, void *data, struct drm_file *file);
int ig1_queue_control_ioctl(struct drm_device *drm, void *data, struct drm_file *file);

#endif /* _IG1_QUEUE_H_ */
