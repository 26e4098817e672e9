// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: Schedulers
 *
 * The firmware schedules: it takes jobs from rings by priority. So a queue has a
 * &drm_gpu_scheduler with one entity of its own, which resolves dependencies and limits the jobs
 * of the queue that the rings hold (IG1_SCHED_CREDITS); order between queues is the rings'. All
 * schedulers of a device share one ordered workqueue.
 *
 * Lifetimes: a job holds its queue, a queue its scheduler and the &drm_device. The queue is
 * released from a work item on ig1_free_wq when the last job is freed, so an entity has no jobs
 * when it ends, a scheduler never ends before its entity, and neither depends on the file or on
 * the PCI device being there. Cancelled jobs run through run_job like others, which ends them;
 * entities are never killed, so no fence signals before those before it.
 *
 * A fence of the scheduler refers to it as long as the fence lives, and kernels before 6.17 follow
 * that reference when user space asks for the fence's name: long after the device is gone, through
 * a file descriptor of its own. So the memory of a scheduler is kept for the next user and freed
 * with the module, which a scheduler's fence holds by the fence that run_job returned
 * (fence_release() in ig1_job.c).
 *
 * The schedulers are not stopped in a reset: the jobs that the chip had are on lists of ours
 * (ig1_hwq.c), and those that were not begun are handed over again. For the scheduler these jobs
 * take longer, nothing else. timedout_job therefore always reports that nothing hangs: what is
 * hung has been ended by then, through its fence.
 */
#include <linux/delay.h>
#include <linux/slab.h>

#include <drm/drm_managed.h>

#include "ig1_device.h"
#include "ig1_queue.h"

static struct dma_fence *run_job(struct drm_sched_job *base)
{
	struct ig1_job *job = to_ig1_job(base);
	struct dma_fence *fence;

	ig1_job_run(job);
	/* The job is freed no earlier than the scheduler knows of it: its fence is still there. */
	fence = dma_fence_get(&job->fence->base);
	return fence;
}

static enum drm_gpu_sched_stat timedout_job(struct drm_sched_job *base)
{
	ig1_reset_timeout(to_ig1_job(base));
	return ig1_compat_sched_no_hang(base);
}

static void free_job(struct drm_sched_job *base)
{
	ig1_job_free(to_ig1_job(base));
}

static const struct drm_sched_backend_ops sched_ops = {
	.run_job = run_job,
	.timedout_job = timedout_job,
	.free_job = free_job,
};

/* Schedulers that are not in use, of all devices; see above. */
static DEFINE_MUTEX(spare_lock);
static LIST_HEAD(spare);

void ig1_sched_module_exit(void)
{
	struct ig1_sched *sched, *tmp;

	list_for_each_entry_safe(sched, tmp, &spare, node)
		kfree(sched);
}

static void sched_release(struct drm_device *drm, void *res)
{
	struct ig1_device *dev = res;

	destroy_workqueue(dev->sched.wq);
	mutex_destroy(&dev->sched.lock);
}

int ig1_sched_init(struct ig1_device *dev)
{
	mutex_init(&dev->sched.lock);
	INIT_LIST_HEAD(&dev->sched.queues);
	dev->sched.ops = &sched_ops;
	dev->sched.wq = alloc_ordered_workqueue("intaglio-sched", WQ_MEM_RECLAIM);
	if (!dev->sched.wq)
		return -ENOMEM;
	return drmm_add_action_or_reset(&dev->drm, sched_release, dev);
}

void ig1_sched_unplug(struct ig1_device *dev)
{
	ig1_hwq_stop(dev);
	/*
	 * A chip that is still there must not write to memory that is about to be released. One
	 * that does not stop waits for a transfer on the bus, or for the reset of its function.
	 */
	if (dev->hwq.ops->halt(dev))
		dev->hwq.ops->cut_off(dev);
	ig1_hwq_kill(dev, -ENODEV);
	ig1_queues_settle(dev);
	ig1_vms_open_gates(dev);
}

struct ig1_sched *ig1_sched_get(const struct drm_sched_init_args *args)
{
	struct ig1_sched *sched;
	int err;

	mutex_lock(&spare_lock);
	sched = list_first_entry_or_null(&spare, struct ig1_sched, node);
	if (sched)
		list_del(&sched->node);
	mutex_unlock(&spare_lock);
	if (!sched)
		sched = kzalloc_obj(*sched);
	if (!sched)
		return ERR_PTR(-ENOMEM);
	err = ig1_compat_sched_init(&sched->base, args);
	if (err) {
		/* It may have been in use before. */
		mutex_lock(&spare_lock);
		list_add(&sched->node, &spare);
		mutex_unlock(&spare_lock);
		return ERR_PTR(err);
	}
	return sched;
}

struct ig1_sched *ig1_sched_get_queue(struct ig1_device *dev)
{
	const struct drm_sched_init_args args = {
		.ops = dev->sched.ops,
		.submit_wq = dev->sched.wq,
		.timeout_wq = dev->reset.wq,
		.num_rqs = 1,
		.credit_limit = IG1_SCHED_CREDITS,
		.timeout = msecs_to_jiffies(READ_ONCE(dev->reset.timeout_ms)),
		.name = "intaglio",
		.dev = dev->drm.dev,
	};

	return ig1_sched_get(&args);
}

void ig1_sched_put(struct ig1_sched *sched)
{
	/*
	 * The work that frees jobs queues the work that runs them when it ends, and it may have
	 * freed the last one only now. drm_sched_fini() waits for them in the other order, which
	 * alone could leave the latter queued.
	 */
	drm_sched_wqueue_stop(&sched->base);
	drm_sched_fini(&sched->base);
	mutex_lock(&spare_lock);
	list_add(&sched->node, &spare);
	mutex_unlock(&spare_lock);
}
