// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: Hardware queues
 *
 * The firmware serves rings in host memory, one per priority here. A job is an entry on a list
 * all the way: @waiting while the ring is full, @inflight while it is in the ring. So handing a
 * job over never fails and allocates nothing, and after a reset the jobs that were not begun
 * simply go into the new rings.
 *
 * The firmware answers each ring in its order, so the completion that is read next belongs to the
 * first entry of @inflight. Everything in a completion is checked against that before it is used:
 * a chip that answers nonsense is reset, it cannot make the driver touch what it does not own.
 *
 * Entries are ended outside of &ig1_hwqs.lock and under &ig1_hwq.done_lock, which keeps their
 * order whoever looks: the interrupt thread, a timeout that finds the interrupt lost, or a reset.
 */
#include <linux/bitmap.h>
#include <linux/dma-fence.h>
#include <linux/dma-mapping.h>
#include <linux/lockdep.h>
#include <linux/pci.h>
#include <linux/slab.h>

#include <drm/drm_managed.h>
#include <drm/drm_print.h>

#include "ig1_debugfs.h"
#include "ig1_device.h"
#include "ig1_trace.h"

static void doorbell(struct ig1_device *dev, u32 queue, u32 tail)
{
	ig1_wr(dev, IG1_REG_DOORBELL(queue), tail);
}

static bool forgot(struct ig1_device *dev)
{
	return !(ig1_rd(dev, IG1_REG_CONTROL) & IG1_REG_CONTROL_MCU_RUN);
}

static void cut_off(struct ig1_device *dev)
{
	pci_clear_master(dev->pdev);
}

static int flr(struct ig1_device *dev)
{
	return pci_try_reset_function(dev->pdev);
}

static int flr_locked(struct ig1_device *dev)
{
	struct pci_dev *pdev = dev->pdev;
	int err;

	/* Without the handlers of a reset, which want a device that works. */
	pci_cfg_access_lock(pdev);
	err = pci_save_state(pdev);
	if (!err) {
		err = __pci_reset_function_locked(pdev);
		pci_restore_state(pdev);
	}
	pci_cfg_access_unlock(pdev);
	return err;
}

static const struct ig1_hwq_ops hwq_ops = {
	.doorbell = doorbell,
	.broken = ig1_reset_schedule,
	.mbox = ig1_mbox,
	.forgot = forgot,
	.halt = ig1_reset_halt,
	.flr = flr,
	.flr_locked = flr_locked,
	.stop = ig1_device_stop,
	.start = ig1_device_start,
	.cut_off = cut_off,
};

void ig1_hwqs_setup(struct ig1_hwqs *hwqs, const struct ig1_hwq_ops *ops)
{
	u32 i;

	spin_lock_init(&hwqs->lock);
	spin_lock_init(&hwqs->context_lock);
	init_waitqueue_head(&hwqs->idle);
	hwqs->ops = ops;
	hwqs->next_context = IG1_CONTEXT_KERNEL + 1;
	for (i = 0; i < IG1_PRIORITIES; i++) {
		mutex_init(&hwqs->q[i].done_lock);
		INIT_LIST_HEAD(&hwqs->q[i].inflight);
		INIT_LIST_HEAD(&hwqs->q[i].waiting);
	}
}

int ig1_hwq_init(struct ig1_device *dev)
{
	struct ig1_hwqs *hwqs = &dev->hwq;

	ig1_hwqs_setup(hwqs, &hwq_ops);
	hwqs->contexts = drmm_kcalloc(&dev->drm, BITS_TO_LONGS(IG1_CONTEXTS),
				      sizeof(*hwqs->contexts), GFP_KERNEL);
	if (!hwqs->contexts)
		return -ENOMEM;
	__set_bit(IG1_CONTEXT_KERNEL, hwqs->contexts);
	return 0;
}

int ig1_hwq_alloc(struct ig1_device *dev)
{
	struct device *parent = dev->drm.dev;
	struct ig1_hwqs *hwqs = &dev->hwq;
	struct ig1_hwq *q;

	for (q = hwqs->q; q < hwqs->q + IG1_PRIORITIES; q++) {
		q->ring = dmam_alloc_coherent(parent, IG1_HWQ_ENTRIES * sizeof(*q->ring),
					      &q->ring_dma, GFP_KERNEL);
		q->cq = dmam_alloc_coherent(parent, IG1_HWQ_ENTRIES * sizeof(*q->cq), &q->cq_dma,
					    GFP_KERNEL);
		if (!q->ring || !q->cq)
			return -ENOMEM;
	}
	hwqs->config = dmam_alloc_coherent(parent, sizeof(*hwqs->config), &hwqs->config_dma,
					   GFP_KERNEL);
	return hwqs->config ? 0 : -ENOMEM;
}

/* Puts a job into the ring, which has room; the doorbell is the caller's. */
static void place_locked(struct ig1_hwq *q, struct ig1_hwq_entry *entry)
{
	entry->desc.job_id = cpu_to_le64(entry->id);
	q->ring[q->tail & (IG1_HWQ_ENTRIES - 1)] = entry->desc;
	q->tail++;
	list_add_tail(&entry->node, &q->inflight);
}

/* Fills the ring from the waiting list. */
static void refill_locked(struct ig1_device *dev, u32 queue)
{
	struct ig1_hwqs *hwqs = &dev->hwq;
	struct ig1_hwq *q = &hwqs->q[queue];
	struct ig1_hwq_entry *entry;
	u32 tail = q->tail;

	lockdep_assert_held(&hwqs->lock);
	if (!hwqs->started || hwqs->parked)
		return;
	while (ig1_ring_space(q->tail, q->done) && !list_empty(&q->waiting)) {
		entry = list_first_entry(&q->waiting, struct ig1_hwq_entry, node);
		list_del(&entry->node);
		place_locked(q, entry);
	}
	/* The register access orders the descriptors before it. */
	if (q->tail != tail)
		hwqs->ops->doorbell(dev, queue, q->tail);
}

void ig1_hwq_push_locked(struct ig1_device *dev, u32 queue, struct ig1_hwq_entry *entry)
{
	struct ig1_hwqs *hwqs = &dev->hwq;

	lockdep_assert_held(&hwqs->lock);
	entry->id = ++hwqs->last_id;
	list_add_tail(&entry->node, &hwqs->q[queue].waiting);
	refill_locked(dev, queue);
}

/*
 * Checks and converts completion number n, which should be the entry's. @c is a copy: the chip
 * may still write to the ring.
 */
bool ig1_hwq_parse(const struct ig1_hw_completion *c, u32 n, const struct ig1_hwq_entry *entry,
		   struct ig1_result *result)
{
	u32 i;

	result->error = 0;
	result->fault = le32_to_cpu(c->fault);
	result->fault_addr = le64_to_cpu(c->fault_addr);
	result->fault_index = le32_to_cpu(c->fault_index);
	result->emitted = le32_to_cpu(c->emitted);
	result->traced = le32_to_cpu(c->traced);
	for (i = 0; i < IG1_CTR_COUNT; i++)
		result->counters[i] = le64_to_cpu(c->counters[i]);
	return le64_to_cpu(c->job_id) == entry->id && le32_to_cpu(c->head) == n + 1 &&
	       c->context == entry->desc.context &&
	       le32_to_cpu(c->status) == (result->fault ? 1 : 0) &&
	       result->fault <= IG1_FAULT_DESC &&
	       result->emitted <= le32_to_cpu(entry->desc.emit_entries) &&
	       result->traced <= le32_to_cpu(entry->desc.trace_entries);
}

/*
 * The entry whose completion is there, taken off the list; NULL: none. @stopped: the chip is, and
 * does not get another job.
 */
static struct ig1_hwq_entry *take_done(struct ig1_device *dev, u32 queue, bool stopped,
				       struct ig1_result *result)
{
	struct ig1_hwqs *hwqs = &dev->hwq;
	struct ig1_hwq *q = &hwqs->q[queue];
	struct ig1_hw_completion *slot, copy;
	struct ig1_hwq_entry *entry;

	guard(spinlock)(&hwqs->lock);
	if (hwqs->started == stopped || q->tail == q->done)
		return NULL;
	slot = &q->cq[q->done & (IG1_HWQ_ENTRIES - 1)];
	if (le32_to_cpu(READ_ONCE(slot->phase)) != ig1_ring_phase(q->done))
		return NULL;
	dma_rmb();
	copy = *slot;
	entry = list_first_entry_or_null(&q->inflight, struct ig1_hwq_entry, node);
	if (!entry || !ig1_hwq_parse(&copy, q->done, entry, result)) {
		drm_err_ratelimited(&dev->drm, "queue %u: completion %u makes no sense\n", queue,
				    q->done);
		if (!stopped) {
			hwqs->started = false;
			hwqs->ops->broken(dev);
		}
		return NULL;
	}
	list_del_init(&entry->node);
	q->done++;
	refill_locked(dev, queue);
	return entry;
}

static bool idle_locked(struct ig1_hwqs *hwqs)
{
	u32 i;

	lockdep_assert_held(&hwqs->lock);
	for (i = 0; i < IG1_PRIORITIES; i++) {
		if (!list_empty(&hwqs->q[i].inflight))
			return false;
	}
	return true;
}

bool ig1_hwq_idle(struct ig1_device *dev)
{
	guard(spinlock)(&dev->hwq.lock);
	return idle_locked(&dev->hwq);
}

static u32 process(struct ig1_device *dev, u32 queue, bool stopped)
{
	struct ig1_hwq *q = &dev->hwq.q[queue];
	struct ig1_hwq_entry *entry;
	struct ig1_result result;
	bool cookie;
	u32 n = 0;

	cookie = dma_fence_begin_signalling();
	mutex_lock(&q->done_lock);
	while ((entry = take_done(dev, queue, stopped, &result))) {
		entry->done(entry, &result);
		n++;
	}
	mutex_unlock(&q->done_lock);
	dma_fence_end_signalling(cookie);
	if (n && ig1_hwq_idle(dev))
		wake_up_all(&dev->hwq.idle);
	return n;
}

u32 ig1_hwq_process(struct ig1_device *dev, u32 queue)
{
	return process(dev, queue, false);
}

void ig1_hwq_harvest(struct ig1_device *dev)
{
	u32 i;

	for (i = 0; i < IG1_PRIORITIES; i++)
		process(dev, i, true);
}

bool ig1_hwq_has(struct ig1_device *dev, u64 id)
{
	struct ig1_hwq_entry *entry;
	u32 i;

	guard(spinlock)(&dev->hwq.lock);
	for (i = 0; i < IG1_PRIORITIES; i++) {
		list_for_each_entry(entry, &dev->hwq.q[i].inflight, node) {
			if (entry->id == id)
				return true;
		}
	}
	return false;
}

void ig1_hwq_vector(struct ig1_device *dev, u32 vector)
{
	u32 i;

	if (ig1_fail_irq())
		return;
	for (i = vector; i < IG1_PRIORITIES; i += max(dev->irq.count, 1u))
		ig1_hwq_process(dev, i);
}

static int create_queue(struct ig1_device *dev, u32 queue)
{
	struct ig1_hwqs *hwqs = &dev->hwq;
	struct ig1_hwq *q = &hwqs->q[queue];
	const u32 args[4] = { queue, lower_32_bits(hwqs->config_dma),
			      upper_32_bits(hwqs->config_dma) };

	memset(q->cq, 0, IG1_HWQ_ENTRIES * sizeof(*q->cq));
	*hwqs->config = (struct ig1_hw_queue){
		.ring = cpu_to_le64(q->ring_dma),
		.cq = cpu_to_le64(q->cq_dma),
		.entries = cpu_to_le32(IG1_HWQ_ENTRIES),
		.priority = cpu_to_le32(queue),
		.vector = cpu_to_le32(queue % dev->irq.count),
	};
	/* Seen by the firmware before the mailbox doorbell. */
	dma_wmb();
	return ig1_mbox(dev, IG1_MBOX_QUEUE_CREATE, args, NULL, NULL);
}

int ig1_hwq_start(struct ig1_device *dev)
{
	int err;
	u32 i;

	lockdep_assert_held_write(&dev->hw_lock);
	for (i = 0; i < IG1_PRIORITIES; i++) {
		err = create_queue(dev, i);
		if (err)
			return err;
	}
	ig1_hwq_restart(dev);
	return 0;
}

void ig1_hwq_restart(struct ig1_device *dev)
{
	struct ig1_hwqs *hwqs = &dev->hwq;
	struct ig1_hwq *q;
	u32 i;

	guard(spinlock)(&hwqs->lock);
	for (q = hwqs->q; q < hwqs->q + IG1_PRIORITIES; q++) {
		q->tail = 0;
		q->done = 0;
		/* What was in the old ring comes before what waited. */
		list_splice_init(&q->inflight, &q->waiting);
	}
	hwqs->started = true;
	for (i = 0; i < IG1_PRIORITIES; i++)
		refill_locked(dev, i);
}

void ig1_hwq_stop(struct ig1_device *dev)
{
	struct ig1_hwqs *hwqs = &dev->hwq;
	u32 i;

	scoped_guard(spinlock, &hwqs->lock)
		hwqs->started = false;
	/* Whoever is ending jobs is done with it. */
	for (i = 0; i < IG1_PRIORITIES; i++) {
		mutex_lock(&hwqs->q[i].done_lock);
		mutex_unlock(&hwqs->q[i].done_lock);
	}
}

/* The queue's jobs that end, in order; the others wait. */
static void pick_locked(struct ig1_hwq *q, struct list_head *ended,
			int (*pick)(struct ig1_hwq_entry *entry, bool head, void *data), void *data)
{
	struct ig1_hwq_entry *entry, *tmp;
	/* Only the oldest job that the chip knows of may have been begun. */
	struct ig1_hwq_entry *head =
		list_first_entry_or_null(&q->inflight, struct ig1_hwq_entry, node);

	list_splice_init(&q->inflight, &q->waiting);
	list_for_each_entry_safe(entry, tmp, &q->waiting, node) {
		entry->error = pick(entry, entry == head, data);
		if (entry->error)
			list_move_tail(&entry->node, ended);
	}
	q->tail = 0;
	q->done = 0;
}

void ig1_hwq_end(struct ig1_device *dev,
		 int (*pick)(struct ig1_hwq_entry *entry, bool head, void *data), void *data)
{
	struct ig1_hwqs *hwqs = &dev->hwq;
	struct ig1_hwq_entry *entry, *tmp;
	struct ig1_hwq *q;
	LIST_HEAD(ended);
	bool cookie;

	cookie = dma_fence_begin_signalling();
	for (q = hwqs->q; q < hwqs->q + IG1_PRIORITIES; q++) {
		mutex_lock(&q->done_lock);
		scoped_guard(spinlock, &hwqs->lock)
			pick_locked(q, &ended, pick, data);
		list_for_each_entry_safe(entry, tmp, &ended, node) {
			struct ig1_result result = { .error = entry->error };

			list_del_init(&entry->node);
			entry->done(entry, &result);
		}
		mutex_unlock(&q->done_lock);
	}
	dma_fence_end_signalling(cookie);
	wake_up_all(&hwqs->idle);
}

static int pick_all(struct ig1_hwq_entry *entry, bool head, void *data)
{
	return *(int *)data;
}

void ig1_hwq_kill(struct ig1_device *dev, int error)
{
	scoped_guard(spinlock, &dev->hwq.lock) {
		dev->hwq.started = false;
		dev->hwq.dead = error;
	}
	ig1_hwq_end(dev, pick_all, &error);
}

void ig1_hwq_unpark(struct ig1_device *dev)
{
	u32 i;

	guard(spinlock)(&dev->hwq.lock);
	dev->hwq.parked = false;
	for (i = 0; i < IG1_PRIORITIES; i++)
		refill_locked(dev, i);
}

int ig1_hwq_park(struct ig1_device *dev, long timeout)
{
	scoped_guard(spinlock, &dev->hwq.lock)
		dev->hwq.parked = true;
	if (wait_event_timeout(dev->hwq.idle, ig1_hwq_idle(dev), timeout))
		return 0;
	ig1_hwq_unpark(dev);
	return -EBUSY;
}

/**
 * struct ig1_hwq_kernel_job - A job of the driver's own; whoever comes last frees it
 */
struct ig1_hwq_kernel_job {
	/** @entry: as the hardware queues see it */
	struct ig1_hwq_entry entry;
	/** @ended: the chip has let go of it */
	struct completion ended;
	/** @ref: of who made it, and of the ring */
	struct kref ref;
	/** @error: how it ended */
	int error;
};

static void kernel_job_free(struct kref *ref)
{
	kfree(container_of(ref, struct ig1_hwq_kernel_job, ref));
}

static void kernel_job_done(struct ig1_hwq_entry *entry, const struct ig1_result *result)
{
	struct ig1_hwq_kernel_job *job = container_of(entry, struct ig1_hwq_kernel_job, entry);

	job->error = result->error ?: result->fault ? -EIO : 0;
	complete_all(&job->ended);
	kref_put(&job->ref, kernel_job_free);
}

struct ig1_hwq_kernel_job *ig1_hwq_kernel_job_create(void)
{
	struct ig1_hwq_kernel_job *job = kzalloc_obj(*job);

	if (!job)
		return NULL;
	kref_init(&job->ref);
	init_completion(&job->ended);
	job->entry.done = kernel_job_done;
	return job;
}

void ig1_hwq_kernel_job_put(struct ig1_hwq_kernel_job *job)
{
	if (job)
		kref_put(&job->ref, kernel_job_free);
}

int ig1_hwq_run(struct ig1_device *dev, struct ig1_hwq_kernel_job *job,
		const struct ig1_hw_job *desc, long timeout)
{
	struct ig1_hwqs *hwqs = &dev->hwq;
	struct ig1_hwq *q = &hwqs->q[0];
	int err;

	job->entry.desc = *desc;
	scoped_guard(spinlock, &hwqs->lock) {
		err = !hwqs->started || !ig1_ring_space(q->tail, q->done) ? -EIO : 0;
		if (err)
			break;
		kref_get(&job->ref);
		job->entry.id = ++hwqs->last_id;
		place_locked(q, &job->entry);
		hwqs->ops->doorbell(dev, 0, q->tail);
	}
	if (!err)
		err = wait_for_completion_timeout(&job->ended, timeout) ? job->error : -ETIMEDOUT;
	return err;
}

int ig1_context_alloc(struct ig1_device *dev)
{
	struct ig1_hwqs *hwqs = &dev->hwq;
	unsigned long n;

	guard(spinlock)(&hwqs->context_lock);
	n = find_next_zero_bit(hwqs->contexts, IG1_CONTEXTS, hwqs->next_context);
	if (n >= IG1_CONTEXTS)
		n = find_first_zero_bit(hwqs->contexts, IG1_CONTEXTS);
	if (n >= IG1_CONTEXTS)
		return -ENOSPC;
	__set_bit(n, hwqs->contexts);
	hwqs->next_context = (n + 1) % IG1_CONTEXTS;
	return n;
}

void ig1_context_free(struct ig1_device *dev, u32 context)
{
	guard(spinlock)(&dev->hwq.context_lock);
	__clear_bit(context, dev->hwq.contexts);
}

u32 ig1_contexts(struct ig1_device *dev)
{
	guard(spinlock)(&dev->hwq.context_lock);
	return bitmap_weight(dev->hwq.contexts, IG1_CONTEXTS);
}

void ig1_hwq_print(struct ig1_device *dev, struct drm_printer *p)
{
	struct ig1_hwqs *hwqs = &dev->hwq;
	u32 i;

	guard(spinlock)(&hwqs->lock);
	drm_printf(p, "started: %u\nparked: %u\ndead: %d\njobs: %llu\n", hwqs->started,
		   hwqs->parked, hwqs->dead, hwqs->last_id);
	for (i = 0; i < IG1_PRIORITIES; i++) {
		const struct ig1_hwq *q = &hwqs->q[i];

		drm_printf(p, "ring %u: tail %u done %u inflight %zu waiting %zu\n", i, q->tail,
			   q->done, list_count_nodes((struct list_head *)&q->inflight),
			   list_count_nodes((struct list_head *)&q->waiting));
	}
}
