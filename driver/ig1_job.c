// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: Jobs
 *
 * A job's fences signal in the order of its queue, whatever ends it, because address spaces rely
 * on that to release memory: the last fence of a queue stands for all before it. So a job that
 * does not reach the chip (its queue is stopped, its address space unusable, the device gone)
 * waits on &ig1_queue.cancelled until the queue's earlier jobs have ended, instead of failing in
 * run_job.
 *
 * Such a job does not wait for the fences that it depends on: see ig1_gate.c.
 *
 * &ig1_queue.active counts the jobs that are with the hardware queues or being ended. Whoever
 * brings it to zero ends the cancelled ones, one after the other.
 */
#include <linux/module.h>
#include <linux/slab.h>

#include "ig1_device.h"
#include "ig1_queue.h"
#include "ig1_trace.h"

static const char *fence_driver_name(struct dma_fence *fence)
{
	return "intaglio";
}

static const char *fence_timeline_name(struct dma_fence *fence)
{
	return "intaglio-chip";
}

/*
 * The last reference of a fence may be dropped long after the device is gone, through a file
 * descriptor of its own. The code here must still be there then, so a fence keeps the module, and
 * the module's end waits for the return of whoever puts it here (ig1_exit()).
 */
static void fence_release(struct dma_fence *base)
{
	dma_fence_free(base);
	module_put(THIS_MODULE);
}

static const struct dma_fence_ops fence_ops = {
	.get_driver_name = fence_driver_name,
	.get_timeline_name = fence_timeline_name,
	.release = fence_release,
};

void ig1_fence_init(struct ig1_fence *fence, u64 context, u64 seqno)
{
	__module_get(THIS_MODULE);
	spin_lock_init(&fence->lock);
	dma_fence_init(&fence->base, &fence_ops, &fence->lock, context, seqno);
}

int ig1_job_check(const struct drm_intaglio_job *args)
{
	u32 i;

	if (!args->prog_len || args->prog_len > IG1_MAX_COUNT ||
	    !IS_ALIGNED(args->prog_va, IG1_COMMAND_BYTES) || args->nargs > IG1_ARGS ||
	    !IS_ALIGNED(args->emit_va, IG1_TOKEN_BYTES) ||
	    !IS_ALIGNED(args->trace_va, IG1_TRACE_BYTES))
		return -EINVAL;
	for (i = args->nargs; i < IG1_ARGS; i++) {
		if (args->args[i])
			return -EINVAL;
	}
	return 0;
}

/*
 * Cycles a job may take: no more than a job may run without a token, at the nominal clock. The time
 * limits of ig1_reset.c look at time that passes here; this one is the chip's own.
 */
static u64 budget(struct ig1_device *dev, u64 wanted)
{
	u32 limit_ms = READ_ONCE(dev->reset.limit_ms);

	wanted = wanted ?: IG1_WATCHDOG_DEFAULT;
	/* 2^40 Hz and 2^32 ms at the most. */
	return limit_ms ? min(wanted, DIV_ROUND_UP_ULL(dev->chip.clock_hz, 1000) * limit_ms)
			: wanted;
}

/* What the hardware queue calls when the chip has let go of the job. */
static void job_done(struct ig1_hwq_entry *entry, const struct ig1_result *result);

bool ig1_job_is(const struct ig1_hwq_entry *entry)
{
	return entry->done == job_done;
}

struct ig1_job *ig1_job_create(struct ig1_queue *queue, const struct drm_intaglio_job *args)
{
	struct ig1_hw_job *desc;
	struct ig1_job *job;
	u32 i;

	job = kzalloc_obj(*job, GFP_KERNEL_ACCOUNT);
	if (!job)
		return NULL;
	job->fence = kzalloc_obj(*job->fence, GFP_KERNEL_ACCOUNT);
	if (!job->fence) {
		kfree(job);
		return NULL;
	}
	job->queue = ig1_queue_get(queue);
	job->entry.done = job_done;
	desc = &job->entry.desc;
	desc->magic = cpu_to_le32(IG1_JOB_MAGIC);
	desc->flags = cpu_to_le32(IG1_JOB_STOP_ON_FAULT);
	desc->context = cpu_to_le32(queue->context);
	desc->nargs = cpu_to_le32(args->nargs);
	desc->prog_va = cpu_to_le64(args->prog_va);
	desc->prog_len = cpu_to_le32(args->prog_len);
	desc->emit_entries = cpu_to_le32(args->emit_entries);
	desc->emit_va = cpu_to_le64(args->emit_va);
	desc->trace_va = cpu_to_le64(args->trace_va);
	desc->trace_entries = cpu_to_le32(args->trace_entries);
	desc->watchdog = cpu_to_le64(budget(queue->dev, args->watchdog));
	for (i = 0; i < IG1_ARGS; i++)
		desc->args[i] = cpu_to_le64(args->args[i]);
	return job;
}

void ig1_job_free(struct ig1_job *job)
{
	struct ig1_queue *queue;

	if (!job)
		return;
	queue = job->queue;
	if (job->ready)
		drm_sched_job_cleanup(&job->base);
	ig1_syncs_put(&job->syncs);
	/* Before run_job has initialised it, it is only memory. */
	if (job->run)
		dma_fence_put(&job->fence->base);
	else
		kfree(job->fence);
	if (job->powered)
		ig1_pm_put(queue->dev);
	kfree(job);
	ig1_queue_put(queue);
}

/* The errno user space sees, and what the queue becomes. */
static int judge_locked(struct ig1_job *job, const struct ig1_result *result)
{
	struct ig1_queue *queue = job->queue;
	int error;

	lockdep_assert_held(&queue->dev->hwq.lock);
	if (result->error)
		error = result->error;
	else if (result->fault == IG1_FAULT_NONE)
		return 0;
	else if (result->fault == IG1_FAULT_ABORT)
		error = job->verdict ?: queue->error ?: -ECANCELED;
	else
		error = -EFAULT;
	/* The firmware stops the context of a job that faults. */
	if (queue->state == DRM_INTAGLIO_QUEUE_RUNNING)
		queue->state = DRM_INTAGLIO_QUEUE_STOPPED;
	return error;
}

static void fill_record(struct drm_intaglio_completion *rec, const struct ig1_job *job,
			const struct ig1_result *result, int error)
{
	u32 i;

	BUILD_BUG_ON(IG1_CTR_COUNT > DRM_INTAGLIO_COUNTERS_MAX);
	memset(rec, 0, sizeof(*rec));
	rec->seq = job->seq;
	rec->error = error;
	rec->fault = result->fault;
	rec->fault_addr = result->fault_addr;
	rec->fault_index = result->fault_index;
	rec->emitted = result->emitted;
	rec->traced = result->traced;
	for (i = 0; i < IG1_CTR_COUNT; i++)
		rec->counters[i] = result->counters[i];
}

/* Into the ring in user space's buffer; only written, never read. */
static void write_record(struct ig1_queue *queue, const struct drm_intaglio_completion *rec)
{
	struct drm_intaglio_completion *slot;

	if (!queue->ring)
		return;
	slot = queue->ring + (rec->seq & (queue->ring_entries - 1));
	/* All behind the number, which tells the reader that the rest is there. */
	memcpy((void *)slot + sizeof(slot->seq), (const void *)rec + sizeof(rec->seq),
	       sizeof(*rec) - sizeof(rec->seq));
	/* User space loads it with acquire semantics. */
	smp_store_release(&slot->seq, rec->seq);
}

/* Ends one job. It may be freed by another thread as soon as its fence has signalled. */
static void job_end(struct ig1_job *job, const struct ig1_result *result)
{
	struct ig1_queue *queue = job->queue;
	struct ig1_device *dev = queue->dev;
	struct drm_intaglio_completion rec;
	int error;

	scoped_guard(spinlock, &dev->hwq.lock) {
		error = judge_locked(job, result);
		fill_record(&rec, job, result, error);
		queue->completed++;
		if (error)
			queue->last = rec;
	}
	ig1_stats_job(dev, queue->stats, result);
	write_record(queue, &rec);
	trace_ig1_job_done(job, error, result);
	if (error)
		dma_fence_set_error(&job->fence->base, error);
	dma_fence_signal(&job->fence->base);
}

/* One job less is active; if it was the last, ends those that wait for that. */
static void put_active(struct ig1_queue *queue)
{
	struct ig1_hwqs *hwqs = &queue->dev->hwq;
	struct ig1_result result = {};
	struct ig1_job *job;

	spin_lock(&hwqs->lock);
	while (queue->active == 1 && !list_empty(&queue->cancelled)) {
		job = list_first_entry(&queue->cancelled, struct ig1_job, entry.node);
		list_del_init(&job->entry.node);
		spin_unlock(&hwqs->lock);
		result.error = job->entry.error;
		job_end(job, &result);
		spin_lock(&hwqs->lock);
	}
	queue->active--;
	spin_unlock(&hwqs->lock);
}

static void job_done(struct ig1_hwq_entry *entry, const struct ig1_result *result)
{
	struct ig1_job *job = container_of(entry, struct ig1_job, entry);
	struct ig1_queue *queue = ig1_queue_get(job->queue);

	job_end(job, result);
	put_active(queue);
	/* A fault stops the queue. */
	ig1_queue_settle(queue);
	ig1_queue_put(queue);
}

void ig1_job_run(struct ig1_job *job)
{
	struct ig1_queue *queue = ig1_queue_get(job->queue);
	struct ig1_hwqs *hwqs = &queue->dev->hwq;
	bool last = false;
	int error;

	ig1_fence_init(job->fence, queue->fence_context, job->seq);
	job->run = true;
	trace_ig1_job_run(job);
	scoped_guard(spinlock, &hwqs->lock) {
		error = ig1_queue_error_locked(queue);
		if (!error) {
			job->entry.desc.pt_root = cpu_to_le64(ig1_vm_pt_root(queue->vm));
			queue->active++;
			ig1_hwq_push_locked(queue->dev, queue->priority, &job->entry);
			break;
		}
		job->entry.error = error;
		list_add_tail(&job->entry.node, &queue->cancelled);
		/* Nobody is there who would end it later. */
		last = !queue->active;
		if (last)
			queue->active = 1;
	}
	if (last)
		put_active(queue);
	ig1_queue_put(queue);
}
