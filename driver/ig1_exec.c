// SPDX-License-Identifier: GPL-2.0-only
/* EXEC: from user space's array to the scheduler. */
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <drm/drm_exec.h>

#include "ig1_device.h"
#include "ig1_queue.h"
#include "ig1_trace.h"

/**
 * struct exec - An EXEC on its way
 */
struct exec {
	/** @queue: queue, a reference */
	struct ig1_queue *queue;
	/** @file: caller */
	struct drm_file *file;
	/** @args: the caller's array of jobs */
	const struct drm_intaglio_obj_array *args;
	/** @in: copy of it */
	struct drm_intaglio_job *in;
	/** @jobs: a job each */
	struct ig1_job **jobs;
};

static void put_jobs(struct exec *e)
{
	u32 i;

	for (i = 0; e->jobs && i < e->args->count; i++)
		ig1_job_free(e->jobs[i]);
	kfree(e->jobs);
	kvfree(e->in);
}

/* Everything that can be wrong with one job, and its memory. */
static int prepare_job(struct exec *e, u32 i)
{
	struct ig1_job *job;
	int err;

	err = ig1_job_check(&e->in[i]);
	if (err) {
		drm_dbg(&e->queue->dev->drm, "EXEC: job %u: bad argument\n", i);
		return err;
	}
	job = ig1_job_create(e->queue, &e->in[i]);
	if (!job)
		return -ENOMEM;
	e->jobs[i] = job;
	err = ig1_syncs_get(e->file, &e->in[i].syncs, &job->syncs);
	if (err) {
		drm_dbg(&e->queue->dev->drm, "EXEC: job %u: syncs: %d\n", i, err);
		return err;
	}
	err = ig1_pm_get(e->queue->dev);
	if (err)
		return err;
	job->powered = true;
	err = ig1_compat_sched_job_init(&job->base, &e->queue->entity, 1, e->queue,
					e->file->client_id);
	if (err)
		return err;
	job->ready = true;
	return ig1_syncs_depend(&job->syncs, &job->base);
}

static int prepare_jobs(struct exec *e)
{
	u32 i;
	int err;

	e->in = ig1_array_get(e->args, offsetofend(struct drm_intaglio_job, syncs), sizeof(*e->in),
			      IG1_EXEC_JOBS_MAX);
	if (IS_ERR(e->in)) {
		err = PTR_ERR(e->in);
		e->in = NULL;
		drm_dbg(&e->queue->dev->drm, "EXEC: array of jobs: %d\n", err);
		return err;
	}
	e->jobs = kcalloc(e->args->count, sizeof(*e->jobs), GFP_KERNEL);
	if (!e->jobs)
		return -ENOMEM;
	for (i = 0; i < e->args->count; i++) {
		err = prepare_job(e, i);
		if (err)
			return err;
	}
	return 0;
}

/* Their numbers, while the call may still fail. */
static int write_numbers(struct exec *e)
{
	const struct drm_intaglio_obj_array *a = e->args;
	struct drm_intaglio_job __user *to;
	u32 i;

	for (i = 0; i < a->count; i++) {
		e->jobs[i]->seq = e->queue->submitted + 1 + i;
		to = u64_to_user_ptr(a->array + (u64)i * a->stride);
		if (copy_to_user(&to->seq, &e->jobs[i]->seq, sizeof(to->seq)))
			return -EFAULT;
	}
	return 0;
}

/*
 * Nothing fails here. A job that has been pushed belongs to the scheduler, which may have freed
 * it already. The last one's fence stands for all, they end in order.
 */
static void push_jobs(struct exec *e, struct drm_exec *exec)
{
	struct ig1_queue *queue = e->queue;
	u32 n = e->args->count, i;
	struct dma_fence *fence;
	struct ig1_job *job;
	bool cookie;

	lockdep_assert_held(&queue->submit_lock);
	cookie = dma_fence_begin_signalling();
	for (i = 0; i < n; i++) {
		job = e->jobs[i];
		e->jobs[i] = NULL;
		drm_sched_job_arm(&job->base);
		fence = &job->base.s_fence->finished;
		if (i == n - 1)
			ig1_vm_add_fence(queue->vm, exec, fence);
		ig1_syncs_signal(&job->syncs, fence);
		WRITE_ONCE(queue->submitted, job->seq);
		trace_ig1_job_queue(job);
		drm_sched_entity_push_job(&job->base);
	}
	/* It may have been stopped since it was looked at. */
	ig1_queue_settle(queue);
	dma_fence_end_signalling(cookie);
}

static int shut_gates(struct exec *e)
{
	struct ig1_queue *queue = e->queue;
	int err = 0;
	u32 i;

	for (i = 0; i < e->args->count && !err; i++)
		err = ig1_gates_shut(&queue->gates, &queue->entity, &e->jobs[i]->base);
	return err;
}

/* Implicit fences; then everything that cannot fail. */
static int push_locked(struct exec *e)
{
	struct ig1_queue *queue = e->queue;
	struct drm_exec exec;
	int err;

	drm_exec_init(&exec, DRM_EXEC_INTERRUPTIBLE_WAIT | DRM_EXEC_IGNORE_DUPLICATES, 0);
	drm_exec_until_all_locked(&exec) {
		err = ig1_vm_prepare_exec(queue->vm, &exec, 1);
		drm_exec_retry_on_contention(&exec);
		if (err)
			goto fini;
	}
	/* The later jobs follow the first. */
	err = ig1_vm_depend(queue->vm, &exec, &e->jobs[0]->base);
	if (!err)
		err = shut_gates(e);
	if (!err)
		push_jobs(e, &exec);
fini:
	drm_exec_fini(&exec);
	return err;
}

static int submit_jobs(struct exec *e)
{
	struct ig1_queue *queue = e->queue;
	int err;

	guard(mutex)(&queue->submit_lock);
	scoped_guard(spinlock, &queue->dev->hwq.lock)
		err = queue->closed ? -ENOENT : ig1_queue_error_locked(queue);
	if (err)
		return err;
	/* Before the reservations: user space's memory must not be touched under them. */
	err = write_numbers(e);
	return err ?: push_locked(e);
}

int ig1_exec_ioctl(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct drm_intaglio_exec *args = data;
	struct exec e = { .file = file, .args = &args->jobs };
	int idx, err;

	if (args->flags || !args->jobs.count || args->jobs.count > IG1_EXEC_JOBS_MAX) {
		drm_dbg(drm, "EXEC: flags %#x, %u jobs\n", args->flags, args->jobs.count);
		return -EINVAL;
	}
	if (!drm_dev_enter(drm, &idx))
		return -ENODEV;
	e.queue = ig1_queue_lookup(file->driver_priv, args->queue_id);
	if (!e.queue) {
		drm_dbg(drm, "EXEC: no queue %u\n", args->queue_id);
		err = -ENOENT;
		goto exit;
	}
	err = prepare_jobs(&e);
	if (!err)
		err = submit_jobs(&e);
	/* Those that were pushed are not there any more. */
	put_jobs(&e);
	ig1_queue_put(e.queue);
exit:
	drm_dev_exit(idx);
	return err;
}
