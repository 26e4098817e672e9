// SPDX-License-Identifier: GPL-2.0-only
/* A device for tests without hardware: rings in memory, a mailbox of functions. */
#include <linux/delay.h>
#include <linux/pm_runtime.h>

#include <drm/drm_drv.h>
#include <drm/drm_kunit_helpers.h>

#include "ig1_test_chip.h"

/* The device knows no test; one runs at a time. */
static struct test_chip *current_chip;

static void doorbell(struct ig1_device *dev, u32 queue, u32 tail)
{
	current_chip->tail[queue] = tail;
}

static void broken(struct ig1_device *dev)
{
	current_chip->broken++;
}

const struct ig1_hw_job *test_chip_job(struct test_chip *chip, u32 ring, u32 n)
{
	if (n >= chip->tail[ring])
		return NULL;
	return &chip->dev->hwq.q[ring].ring[n & (IG1_HWQ_ENTRIES - 1)];
}

struct ig1_hw_completion *test_chip_write(struct test_chip *chip, u32 ring, u32 fault)
{
	u32 n = chip->answered[ring];
	struct ig1_hw_completion *c = &chip->dev->hwq.q[ring].cq[n & (IG1_HWQ_ENTRIES - 1)];
	const struct ig1_hw_job *job = test_chip_job(chip, ring, n);

	KUNIT_ASSERT_NOT_NULL(chip->test, job);
	memset(c, 0, sizeof(*c));
	c->job_id = job->job_id;
	c->context = job->context;
	c->status = cpu_to_le32(fault ? 1 : 0);
	c->fault = cpu_to_le32(fault);
	c->fault_addr = cpu_to_le64(fault ? 0x1234000 : 0);
	c->counters[IG1_CTR_CYCLES] = cpu_to_le64(100);
	c->head = cpu_to_le32(n + 1);
	c->phase = cpu_to_le32(n & IG1_HWQ_ENTRIES ? 0 : 1);
	chip->answered[ring]++;
	return c;
}

void test_chip_answer(struct test_chip *chip, u32 ring, u32 fault)
{
	test_chip_write(chip, ring, fault);
	ig1_hwq_process(chip->dev, ring);
}

/* What the firmware does with a stopped context, as far as its jobs are the next. */
static void stop_context(struct test_chip *chip, u32 context)
{
	const struct ig1_hw_job *job;
	u32 ring;

	chip->stopped_context = context;
	if (!chip->obeys)
		return;
	for (ring = 0; ring < IG1_PRIORITIES; ring++) {
		while ((job = test_chip_job(chip, ring, chip->answered[ring])) &&
		       le32_to_cpu(job->context) == context)
			test_chip_write(chip, ring, IG1_FAULT_ABORT);
	}
}

static int mbox(struct ig1_device *dev, u32 cmd, const u32 args[4], u32 *val, u32 out[4])
{
	struct test_chip *chip = current_chip;
	const struct ig1_hw_job *job;
	int ring, error = chip->mbox_error;

	if (cmd == chip->ends_at) {
		test_chip_write(chip, chip->running_ring, 0);
		chip->ends_at = 0;
		error = chip->ends_error;
	}
	/* As ig1_mbox() does. */
	if (error == -ETIMEDOUT)
		dev->fw.running = false;
	if (error)
		return error;
	switch (cmd) {
	case IG1_MBOX_RUNNING:
		ring = chip->running_ring;
		job = ring < 0 ? NULL : test_chip_job(chip, ring, chip->answered[ring]);
		*val = job ? le32_to_cpu(job->context) << 16 | (ring + 1) : 0;
		out[0] = job ? lower_32_bits(le64_to_cpu(job->job_id)) : 0;
		out[1] = job ? upper_32_bits(le64_to_cpu(job->job_id)) : 0;
		out[2] = chip->commands;
		out[3] = chip->emitted;
		return 0;
	case IG1_MBOX_CTX_STOP:
		stop_context(chip, args[0]);
		return 0;
	case IG1_MBOX_CTX_RESUME:
		return 0;
	default:
		return -EINVAL;
	}
}

static bool forgot(struct ig1_device *dev)
{
	return false;
}

static int chip_halt(struct ig1_device *dev)
{
	return current_chip->halt_error;
}

static int flr(struct ig1_device *dev)
{
	struct test_chip *chip = current_chip;
	struct ig1_loss loss = {};

	chip->flrs++;
	if (chip->flr_busy) {
		chip->flr_busy--;
		return -EAGAIN;
	}
	if (!chip->pdev)
		return -ENOTTY;
	if (chip->flr_helps)
		chip->halt_error = 0;
	/* Like reset_done, which also looks at the power of a real device. */
	ig1_pm_ops.resume(&chip->pdev->dev);
	if (!chip->flr_again)
		return 0;
	chip->flr_again--;
	chip->halt_error = -ETIMEDOUT;
	down_write(&dev->hw_lock);
	ig1_reset_begin(dev, &loss);
	ig1_reset_complete(dev, &loss);
	up_write(&dev->hw_lock);
	return 0;
}

static int flr_locked(struct ig1_device *dev)
{
	struct test_chip *chip = current_chip;

	chip->flrs++;
	if (!chip->pdev)
		return -ENOTTY;
	if (chip->flr_helps)
		chip->halt_error = 0;
	return 0;
}

static void stop(struct ig1_device *dev)
{
	ig1_hwq_stop(dev);
}

/* What ig1_hwq_start() does after it has made the firmware's queues. */
static int start(struct ig1_device *dev)
{
	struct test_chip *chip = current_chip;
	u32 i;

	if (chip->start_error)
		return chip->start_error;
	chip->starts++;
	/* Whatever was the matter with the firmware. */
	chip->mbox_error = 0;
	dev->fw.running = true;
	for (i = 0; i < IG1_PRIORITIES; i++) {
		memset(dev->hwq.q[i].cq, 0, IG1_HWQ_ENTRIES * sizeof(*dev->hwq.q[i].cq));
		chip->answered[i] = 0;
		chip->tail[i] = 0;
	}
	ig1_hwq_restart(dev);
	return 0;
}

static void cut_off(struct ig1_device *dev)
{
	current_chip->cut = true;
}

static const struct ig1_hwq_ops ops = {
	.doorbell = doorbell,
	.broken = broken,
	.mbox = mbox,
	.forgot = forgot,
	.halt = chip_halt,
	.flr = flr,
	.flr_locked = flr_locked,
	.stop = stop,
	.start = start,
	.cut_off = cut_off,
};

static void chip_exit(void *data)
{
	struct test_chip *chip = data;

	/* Whatever a failed test has left. */
	ig1_hwq_kill(chip->dev, -ENODEV);
	flush_workqueue(chip->dev->sched.wq);
	/* A job's last reference to its queue goes when the scheduler frees it, in its own time. */
	ig1_live_wait();
	flush_workqueue(ig1_free_wq);
	ig1_file_stats_put(chip->stats);
	pm_runtime_disable(chip->dev->drm.dev);
	current_chip = NULL;
}

struct test_chip *test_chip_create(struct kunit *test)
{
	struct device *parent = drm_kunit_helper_alloc_device(test);
	struct test_chip *chip;
	struct ig1_device *dev;
	struct ig1_hwq *q;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, parent);
	chip = kunit_kzalloc(test, sizeof(*chip), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, chip);
	dev = drm_kunit_helper_alloc_drm_device(test, parent, struct ig1_device, drm,
						DRIVER_GEM | DRIVER_SYNCOBJ);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, dev);
	chip->test = test;
	chip->dev = dev;
	chip->running_ring = -1;
	chip->obeys = true;
	current_chip = chip;
	pm_runtime_set_active(parent);
	pm_runtime_enable(parent);

	init_rwsem(&dev->hw_lock);
	mutex_init(&dev->unplug_lock);
	mutex_init(&dev->fw.lock);
	INIT_LIST_HEAD(&dev->vms.list);
	mutex_init(&dev->vms.lock);
	dev->chip.clock_hz = 1000000000;
	KUNIT_ASSERT_EQ(test, ig1_stats_init(dev), 0);
	KUNIT_ASSERT_EQ(test, ig1_hwq_init(dev), 0);
	KUNIT_ASSERT_EQ(test, ig1_reset_init(dev), 0);
	KUNIT_ASSERT_EQ(test, ig1_sched_init(dev), 0);
	ig1_device_prime_lockdep(dev);
	/* There are no registers to dump. */
	dev->reset.dump = NULL;
	dev->reset.timeout_ms = 40;
	dev->hwq.ops = &ops;
	dev->fw.running = true;
	for (q = dev->hwq.q; q < dev->hwq.q + IG1_PRIORITIES; q++) {
		q->ring = kunit_kcalloc(test, IG1_HWQ_ENTRIES, sizeof(*q->ring), GFP_KERNEL);
		q->cq = kunit_kcalloc(test, IG1_HWQ_ENTRIES, sizeof(*q->cq), GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, q->ring);
		KUNIT_ASSERT_NOT_NULL(test, q->cq);
	}
	ig1_hwq_restart(dev);

	/* Of an address space only its root and its state matter here. */
	chip->vm = kunit_kzalloc(test, sizeof(*chip->vm), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, chip->vm);
	kref_init(&chip->vm->ref);
	mutex_init(&chip->vm->op_lock);
	INIT_LIST_HEAD(&chip->vm->base.rb.list);
	chip->root.dma = 0x5000;
	chip->vm->mmu.root = &chip->root;
	chip->stats = ig1_file_stats_create();
	KUNIT_ASSERT_NOT_NULL(test, chip->stats);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, chip_exit, chip), 0);
	return chip;
}

struct ig1_queue *test_queue(struct test_chip *chip, u32 priority)
{
	struct ig1_queue *queue;

	queue = ig1_queue_create(chip->dev, ig1_vm_get(chip->vm), ig1_file_stats_get(chip->stats),
				 priority);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(chip->test, queue);
	return queue;
}

struct dma_fence *test_submit(struct test_chip *chip, struct ig1_queue *queue,
			      struct dma_fence *dependency)
{
	static const struct drm_intaglio_job args = { .prog_va = 0x10000, .prog_len = 1 };
	struct dma_fence *fence;
	struct ig1_job *job;

	job = ig1_job_create(queue, &args);
	KUNIT_ASSERT_NOT_NULL(chip->test, job);
	KUNIT_ASSERT_EQ(chip->test,
			ig1_compat_sched_job_init(&job->base, &queue->entity, 1, NULL, 0), 0);
	job->ready = true;
	if (dependency)
		KUNIT_ASSERT_EQ(chip->test,
				drm_sched_job_add_dependency(&job->base, dma_fence_get(dependency)),
				0);
	KUNIT_ASSERT_EQ(chip->test, ig1_gates_shut(&queue->gates, &queue->entity, &job->base), 0);
	mutex_lock(&queue->submit_lock);
	job->seq = ++queue->submitted;
	drm_sched_job_arm(&job->base);
	fence = dma_fence_get(&job->base.s_fence->finished);
	drm_sched_entity_push_job(&job->base);
	ig1_queue_settle(queue);
	mutex_unlock(&queue->submit_lock);
	return fence;
}

void test_expect(struct test_chip *chip, struct dma_fence *fence, int error)
{
	KUNIT_EXPECT_GT_MSG(chip->test, dma_fence_wait_timeout(fence, false, 5 * HZ), 0,
			    "fence does not signal");
	KUNIT_EXPECT_EQ(chip->test, dma_fence_get_status(fence), error ?: 1);
	dma_fence_put(fence);
}

void test_wait_tail(struct test_chip *chip, u32 ring, u32 n)
{
	u32 i;

	for (i = 0; i < 5000 && READ_ONCE(chip->tail[ring]) != n; i++)
		usleep_range(1000, 2000);
	KUNIT_ASSERT_EQ(chip->test, READ_ONCE(chip->tail[ring]), n);
}

/* Somebody else's fence. */
static const char *foreign_name(struct dma_fence *fence)
{
	return "foreign";
}

static const struct dma_fence_ops foreign_ops = {
	.get_driver_name = foreign_name,
	.get_timeline_name = foreign_name,
};

static DEFINE_SPINLOCK(foreign_lock);

struct dma_fence *test_foreign_fence(struct test_chip *chip)
{
	struct dma_fence *fence = kzalloc_obj(*fence);

	KUNIT_ASSERT_NOT_NULL(chip->test, fence);
	dma_fence_init(fence, &foreign_ops, &foreign_lock, dma_fence_context_alloc(1), 1);
	return fence;
}

void test_expect_alone(struct test_chip *chip, struct dma_fence *fence)
{
	u32 i;

	for (i = 0; i < 1000 && kref_read(&fence->refcount) != 1; i++)
		usleep_range(1000, 2000);
	KUNIT_EXPECT_EQ(chip->test, kref_read(&fence->refcount), 1);
	KUNIT_EXPECT_TRUE(chip->test, list_empty(&fence->cb_list));
	KUNIT_EXPECT_FALSE(chip->test, dma_fence_is_signaled(fence));
	dma_fence_signal(fence);
	dma_fence_put(fence);
}
