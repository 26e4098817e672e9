// SPDX-License-Identifier: GPL-2.0-only
/* KUnit: queues and jobs on the scheduler, with a chip that the test plays. */
#include <linux/delay.h>

#include <drm/drm_drv.h>

#include <linux/pci.h>

#include "ig1_test_chip.h"

static void test_done(struct kunit *test)
{
	struct test_chip *chip = test_chip_create(test);
	struct ig1_queue *queue = test_queue(chip, 2);
	struct dma_fence *a = test_submit(chip, queue, NULL), *b = test_submit(chip, queue, NULL);
	const struct ig1_hw_job *desc;

	test_wait_tail(chip, 2, 2);
	desc = test_chip_job(chip, 2, 0);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(desc->magic), IG1_JOB_MAGIC);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(desc->flags), IG1_JOB_STOP_ON_FAULT);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(desc->context), queue->context);
	KUNIT_EXPECT_EQ(test, le64_to_cpu(desc->pt_root), chip->root.dma);
	KUNIT_EXPECT_EQ(test, le64_to_cpu(desc->prog_va), 0x10000);
	test_chip_answer(chip, 2, 0);
	test_expect(chip, a, 0);
	KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(b));
	test_chip_answer(chip, 2, 0);
	test_expect(chip, b, 0);
	KUNIT_EXPECT_EQ(test, queue->completed, 2);
	KUNIT_EXPECT_EQ(test, chip->stats->counts.done, 2);
	KUNIT_EXPECT_EQ(test, chip->stats->counts.counters[IG1_CTR_CYCLES], 200);
	close_queue(chip, queue);
	expect_no_queues(chip);
}

/* Records are in the ring, by number, before anyone is told. */
static void test_records(struct kunit *test)
{
	struct test_chip *chip = test_chip_create(test);
	struct ig1_queue *queue = test_queue(chip, 1);
	struct drm_intaglio_completion *ring;
	struct dma_fence *fence;
	u64 seq;

	ring = kunit_kcalloc(test, 4, sizeof(*ring), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, ring);
	queue->ring = ring;
	queue->ring_entries = 4;
	for (seq = 1; seq <= 9; seq++) {
		fence = test_submit(chip, queue, NULL);
		test_wait_tail(chip, 1, seq);
		test_chip_answer(chip, 1, 0);
		KUNIT_EXPECT_EQ(test, ring[seq % 4].seq, seq);
		KUNIT_EXPECT_EQ(test, ring[seq % 4].error, 0);
		KUNIT_EXPECT_EQ(test, ring[seq % 4].counters[IG1_CTR_CYCLES], 100);
		test_expect(chip, fence, 0);
	}
	queue->ring = NULL;
	close_queue(chip, queue);
}

/* A fault stops the queue; what follows ends in order and does not run; RESUME lets it go on. */
static void test_stop_on_fault(struct kunit *test)
{
	struct test_chip *chip = test_chip_create(test);
	struct ig1_queue *queue = test_queue(chip, 1);
	struct dma_fence *f[4];
	u32 i;

	for (i = 0; i < 3; i++)
		f[i] = test_submit(chip, queue, NULL);
	test_wait_tail(chip, 1, 3);
	mutex_lock(&queue->control_lock);
	KUNIT_EXPECT_EQ(test, ig1_queue_resume(queue), 0);
	test_chip_answer(chip, 1, IG1_FAULT_PAGE);
	KUNIT_EXPECT_EQ(test, state_of(queue), DRM_INTAGLIO_QUEUE_STOPPED);
	KUNIT_EXPECT_EQ(test, queue->last.error, -EFAULT);
	KUNIT_EXPECT_EQ(test, queue->last.fault, IG1_FAULT_PAGE);
	KUNIT_EXPECT_EQ(test, queue->last.fault_addr, 0x1234000);
	KUNIT_EXPECT_EQ(test, queue->last.seq, 1);
	KUNIT_EXPECT_EQ(test, ig1_queue_resume(queue), -EBUSY);
	/* Submitted before anybody noticed: does not reach the ring, and waits for its turn. */
	f[3] = test_submit(chip, queue, NULL);
	flush_workqueue(chip->dev->sched.wq);
	KUNIT_EXPECT_EQ(test, chip->tail[1], 3);
	KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(f[3]));
	test_chip_answer(chip, 1, IG1_FAULT_ABORT);
	KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(f[3]));
	test_chip_answer(chip, 1, IG1_FAULT_ABORT);
	test_expect(chip, f[0], -EFAULT);
	test_expect(chip, f[1], -ECANCELED);
	test_expect(chip, f[2], -ECANCELED);
	test_expect(chip, f[3], -ECANCELED);
	KUNIT_EXPECT_EQ(test, chip->tail[1], 3);
	KUNIT_EXPECT_EQ(test, ig1_queue_resume(queue), 0);
	mutex_unlock(&queue->control_lock);
	KUNIT_EXPECT_EQ(test, state_of(queue), DRM_INTAGLIO_QUEUE_RUNNING);
	f[0] = test_submit(chip, queue, NULL);
	test_wait_tail(chip, 1, 4);
	test_chip_answer(chip, 1, 0);
	test_expect(chip, f[0], 0);
	close_queue(chip, queue);
}

/* CANCEL ends what runs and what waits, here and in the firmware. */
static void test_cancel(struct kunit *test)
{
	struct test_chip *chip = test_chip_create(test);
	struct ig1_queue *queue = test_queue(chip, 1), *other = test_queue(chip, 1);
	const u32 n = IG1_SCHED_CREDITS + 5;
	struct dma_fence *f[IG1_SCHED_CREDITS + 5], *g;
	u32 i;

	for (i = 0; i < n; i++)
		f[i] = test_submit(chip, queue, NULL);
	/* The queue has no more in the ring than its credits. */
	test_wait_tail(chip, 1, IG1_SCHED_CREDITS);
	g = test_submit(chip, other, NULL);
	test_wait_tail(chip, 1, IG1_SCHED_CREDITS + 1);
	mutex_lock(&queue->control_lock);
	KUNIT_EXPECT_EQ(test, ig1_queue_cancel(queue), 0);
	mutex_unlock(&queue->control_lock);
	KUNIT_EXPECT_EQ(test, chip->stopped_context, queue->context);
	ig1_hwq_process(chip->dev, 1);
	for (i = 0; i < n; i++)
		test_expect(chip, f[i], -ECANCELED);
	KUNIT_EXPECT_EQ(test, chip->tail[1], IG1_SCHED_CREDITS + 1);
	KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(g));
	test_chip_answer(chip, 1, 0);
	test_expect(chip, g, 0);
	KUNIT_EXPECT_EQ(test, state_of(other), DRM_INTAGLIO_QUEUE_RUNNING);
	close_queue(chip, queue);
	close_queue(chip, other);
	expect_no_queues(chip);
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

static struct dma_fence *foreign_fence(struct test_chip *chip)
{
	struct dma_fence *fence = kzalloc_obj(*fence);

	KUNIT_ASSERT_NOT_NULL(chip->test, fence);
	dma_fence_init(fence, &foreign_ops, &foreign_lock, dma_fence_context_alloc(1), 1);
	return fence;
}

/* Nobody but the test has it any more: no callback, no gate. */
static void expect_alone(struct test_chip *chip, struct dma_fence *fence)
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

/* A job runs when the fence that it waits for signals, not before. */
static void test_dependency(struct kunit *test)
{
	struct test_chip *chip = test_chip_create(test);
	struct ig1_queue *queue = test_queue(chip, 1);
	struct dma_fence *fence = foreign_fence(chip), *f = test_submit(chip, queue, fence);

	flush_workqueue(chip->dev->sched.wq);
	usleep_range(5000, 6000);
	flush_workqueue(chip->dev->sched.wq);
	KUNIT_EXPECT_EQ(test, chip->tail[1], 0);
	KUNIT_EXPECT_FALSE(test, list_empty(&queue->gates.shut));
	dma_fence_signal(fence);
	KUNIT_EXPECT_TRUE(test, list_empty(&queue->gates.shut));
	test_wait_tail(chip, 1, 1);
	test_chip_answer(chip, 1, 0);
	test_expect(chip, f, 0);
	dma_fence_put(fence);
	close_queue(chip, queue);
	expect_no_queues(chip);
}

/* Jobs of a queue follow each other without waiting, as the scheduler has it. */
static void test_own_dependency(struct kunit *test)
{
	struct test_chip *chip = test_chip_create(test);
	struct ig1_queue *queue = test_queue(chip, 1);
	struct dma_fence *f = test_submit(chip, queue, NULL), *g = test_submit(chip, queue, f);

	KUNIT_EXPECT_TRUE(test, list_empty(&queue->gates.shut));
	test_wait_tail(chip, 1, 2);
	test_chip_answer(chip, 1, 0);
	test_chip_answer(chip, 1, 0);
	test_expect(chip, f, 0);
	test_expect(chip, g, 0);
	close_queue(chip, queue);
}

/* CANCEL ends a job that waits for a fence which never signals, in its turn; RESUME works then. */
static void test_cancel_waiting(struct kunit *test)
{
	struct test_chip *chip = test_chip_create(test);
	struct ig1_queue *queue = test_queue(chip, 1);
	struct dma_fence *never = foreign_fence(chip), *f[3];
	u32 i;

	chip->obeys = false;
	f[0] = test_submit(chip, queue, NULL);
	test_wait_tail(chip, 1, 1);
	f[1] = test_submit(chip, queue, never);
	f[2] = test_submit(chip, queue, NULL);
	mutex_lock(&queue->control_lock);
	KUNIT_EXPECT_EQ(test, ig1_queue_cancel(queue), 0);
	flush_workqueue(chip->dev->sched.wq);
	/* The first one is with the chip. */
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(f[i]));
	KUNIT_EXPECT_EQ(test, ig1_queue_resume(queue), -EBUSY);
	test_chip_answer(chip, 1, IG1_FAULT_ABORT);
	for (i = 0; i < 3; i++)
		test_expect(chip, f[i], -ECANCELED);
	KUNIT_EXPECT_EQ(test, chip->tail[1], 1);
	expect_alone(chip, never);
	KUNIT_EXPECT_EQ(test, ig1_queue_resume(queue), 0);
	mutex_unlock(&queue->control_lock);
	f[0] = test_submit(chip, queue, NULL);
	test_wait_tail(chip, 1, 2);
	test_chip_answer(chip, 1, 0);
	test_expect(chip, f[0], 0);
	close_queue(chip, queue);
	expect_no_queues(chip);
}

/* A job that got past the check before the queue was stopped. */
static void test_late_waiting(struct kunit *test)
{
	struct test_chip *chip = test_chip_create(test);
	struct ig1_queue *queue = test_queue(chip, 1);
	struct dma_fence *never = foreign_fence(chip), *f;

	mutex_lock(&queue->control_lock);
	KUNIT_EXPECT_EQ(test, ig1_queue_cancel(queue), 0);
	f = test_submit(chip, queue, never);
	test_expect(chip, f, -ECANCELED);
	mutex_unlock(&queue->control_lock);
	expect_alone(chip, never);
	close_queue(chip, queue);
	expect_no_queues(chip);
}

/* A fault stops the queue; the job behind it does not wait for its fence. */
static void test_fault_waiting(struct kunit *test)
{
	struct test_chip *chip = test_chip_create(test);
	struct ig1_queue *queue = test_queue(chip, 1);
	struct dma_fence *never = foreign_fence(chip), *f = test_submit(chip, queue, NULL), *g;

	test_wait_tail(chip, 1, 1);
	g = test_submit(chip, queue, never);
	test_chip_answer(chip, 1, IG1_FAULT_PAGE);
	test_expect(chip, f, -EFAULT);
	test_expect(chip, g, -ECANCELED);
	expect_alone(chip, never);
	close_queue(chip, queue);
	expect_no_queues(chip);
}

/* Whose owner goes, by whatever way, leaves nothing on the fence that his jobs waited for. */
static void test_close_waiting(struct kunit *test)
{
	struct test_chip *chip = test_chip_create(test);
	struct ig1_queue *queue = test_queue(chip, 1);
	struct dma_fence *never = foreign_fence(chip), *f = test_submit(chip, queue, never);

	close_queue(chip, queue);
	test_expect(chip, f, -ECANCELED);
	KUNIT_EXPECT_EQ(test, chip->tail[1], 0);
	expect_no_queues(chip);
	expect_alone(chip, never);
}

/* The device goes: nobody waits for anything any more. */
static void test_unplug_waiting(struct kunit *test)
{
	struct test_chip *chip = test_chip_create(test);
	struct ig1_queue *queue = test_queue(chip, 1), *other = test_queue(chip, 2);
	struct dma_fence *never = foreign_fence(chip), *f[3];

	f[0] = test_submit(chip, queue, NULL);
	test_wait_tail(chip, 1, 1);
	f[1] = test_submit(chip, queue, never);
	f[2] = test_submit(chip, other, never);
	ig1_hwq_kill(chip->dev, -ENODEV);
	ig1_queues_settle(chip->dev);
	test_expect(chip, f[0], -ENODEV);
	test_expect(chip, f[1], -ENODEV);
	test_expect(chip, f[2], -ENODEV);
	expect_alone(chip, never);
	close_queue(chip, queue);
	close_queue(chip, other);
	expect_no_queues(chip);
}

/* An address space whose bind failed. */
static void test_vm_unusable(struct kunit *test)
{
	struct test_chip *chip = test_chip_create(test);
	struct ig1_queue *queue = test_queue(chip, 1);

	WRITE_ONCE(chip->vm->unusable, true);
	test_expect(chip, test_submit(chip, queue, NULL), -ECANCELED);
	KUNIT_EXPECT_EQ(test, chip->tail[1], 0);
	KUNIT_EXPECT_EQ(test, state_of(queue), DRM_INTAGLIO_QUEUE_STOPPED);
	close_queue(chip, queue);
}

/* The interrupt is lost: the timer finds the answer, and nobody is to blame. */
static void test_lost_interrupt(struct kunit *test)
{
	struct test_chip *chip = test_chip_create(test);
	struct ig1_queue *queue = test_queue(chip, 1);
	struct dma_fence *f = test_submit(chip, queue, NULL);

	test_wait_tail(chip, 1, 1);
	test_chip_write(chip, 1, 0);
	test_expect(chip, f, 0);
	KUNIT_EXPECT_EQ(test, state_of(queue), DRM_INTAGLIO_QUEUE_RUNNING);
	KUNIT_EXPECT_EQ(test, chip->starts, 0);
	close_queue(chip, queue);
}

/* A job that goes on is left alone, and those behind it are. */
static void test_progress(struct kunit *test)
{
	struct test_chip *chip = test_chip_create(test);
	struct ig1_queue *queue = test_queue(chip, 1), *behind = test_queue(chip, 3);
	struct dma_fence *f, *g;
	u32 i;

	chip->running_ring = 1;
	f = test_submit(chip, queue, NULL);
	g = test_submit(chip, behind, NULL);
	test_wait_tail(chip, 1, 1);
	test_wait_tail(chip, 3, 1);
	for (i = 0; i < 60; i++) {
		chip->commands++;
		usleep_range(5000, 6000);
	}
	KUNIT_EXPECT_EQ(test, chip->dev->stats.timeouts, 0);
	test_chip_answer(chip, 1, 0);
	test_chip_answer(chip, 3, 0);
	test_expect(chip, f, 0);
	test_expect(chip, g, 0);
	close_queue(chip, queue);
	close_queue(chip, behind);
}

/* Busy for ever, and nothing comes out: the limit ends it. */
static void test_limit(struct kunit *test)
{
	struct test_chip *chip = test_chip_create(test);
	struct ig1_queue *queue;
	struct dma_fence *f;
	u32 i;

	chip->dev->reset.limit_ms = 200;
	chip->running_ring = 1;
	queue = test_queue(chip, 1);
	f = test_submit(chip, queue, NULL);
	for (i = 0; i < 400 && !dma_fence_is_signaled(f); i++) {
		chip->commands++;
		/* Tokens buy time. */
		if (i < 60)
			chip->emitted++;
		usleep_range(5000, 6000);
	}
	KUNIT_EXPECT_GT(test, i, 60);
	test_expect(chip, f, -ETIME);
	close_queue(chip, queue);
}

/* The hung job's queue is banned, the chip is not reset, others do not notice. */
static void test_timeout(struct kunit *test)
{
	struct test_chip *chip = test_chip_create(test);
	struct ig1_queue *queue = test_queue(chip, 1), *other = test_queue(chip, 1);
	struct dma_fence *a, *b, *c, *d;

	chip->running_ring = 1;
	a = test_submit(chip, queue, NULL);
	test_wait_tail(chip, 1, 1);
	b = test_submit(chip, queue, NULL);
	test_wait_tail(chip, 1, 2);
	c = test_submit(chip, other, NULL);
	test_wait_tail(chip, 1, 3);
	test_expect(chip, a, -ETIME);
	test_expect(chip, b, -ECANCELED);
	KUNIT_EXPECT_EQ(test, state_of(queue), DRM_INTAGLIO_QUEUE_BANNED);
	KUNIT_EXPECT_EQ(test, queue->last.seq, 2);
	KUNIT_EXPECT_EQ(test, chip->stopped_context, queue->context);
	KUNIT_EXPECT_EQ(test, chip->starts, 0);
	KUNIT_EXPECT_EQ(test, chip->dev->stats.timeouts, 1);
	KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(c));
	test_chip_answer(chip, 1, 0);
	test_expect(chip, c, 0);
	KUNIT_EXPECT_EQ(test, state_of(other), DRM_INTAGLIO_QUEUE_RUNNING);
	/* For good. */
	mutex_lock(&queue->control_lock);
	KUNIT_EXPECT_EQ(test, ig1_queue_resume(queue), -ECANCELED);
	KUNIT_EXPECT_EQ(test, ig1_queue_cancel(queue), -ECANCELED);
	mutex_unlock(&queue->control_lock);
	d = test_submit(chip, queue, NULL);
	test_expect(chip, d, -ECANCELED);
	close_queue(chip, queue);
	close_queue(chip, other);
	expect_no_queues(chip);
}

struct end_case {
	const char *name;
	u32 at; /* mailbox command */
	int error;
	u32 starts;
	u32 timeouts;
};

static const struct end_case end_cases[] = {
	{ "refused", IG1_MBOX_CTX_STOP, -EBUSY, 0, 1 },
	{ "stop not answered", IG1_MBOX_CTX_STOP, -ETIMEDOUT, 1, 1 },
	{ "look not answered", IG1_MBOX_RUNNING, -ETIMEDOUT, 1, 0 },
};

KUNIT_ARRAY_PARAM_DESC(end, end_cases, name);

/*
 * The job that is in question ends by itself. What runs by now is another one, which no reset may
 * end, but of a firmware that hangs: nobody else would look after that.
 */
static void test_timeout_ended(struct kunit *test)
{
	const struct end_case *param = test->param_value;
	struct test_chip *chip = test_chip_create(test);
	struct ig1_device *dev = chip->dev;
	struct ig1_queue *queue, *other;
	struct dma_fence *a, *b;

	/* As who submits does. One that sleeps is not reset. */
	KUNIT_ASSERT_EQ(test, ig1_pm_get(dev), 0);
	queue = test_queue(chip, 1);
	dev->reset.timeout_ms = 10000;
	other = test_queue(chip, 1);
	chip->running_ring = 1;
	chip->ends_at = param->at;
	chip->ends_error = param->error;
	a = test_submit(chip, queue, NULL);
	test_wait_tail(chip, 1, 1);
	b = test_submit(chip, other, NULL);
	test_expect(chip, a, 0);
	if (param->starts) {
		test_expect(chip, b, -EIO);
	} else {
		KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(b));
		test_chip_answer(chip, 1, 0);
		test_expect(chip, b, 0);
	}
	drain_workqueue(dev->reset.wq);
	KUNIT_EXPECT_EQ(test, chip->starts, param->starts);
	KUNIT_EXPECT_EQ(test, dev->stats.timeouts, param->timeouts);
	KUNIT_EXPECT_EQ(test, state_of(queue), param->timeouts ? DRM_INTAGLIO_QUEUE_BANNED :
								  DRM_INTAGLIO_QUEUE_RUNNING);
	close_queue(chip, queue);
	close_queue(chip, other);
	expect_no_queues(chip);
	ig1_pm_put(dev);
}

/* The chip does not obey: reset. What had not begun runs afterwards, in order. */
static void test_reset(struct kunit *test)
{
	struct test_chip *chip = test_chip_create(test);
	struct ig1_queue *queue = test_queue(chip, 1), *other = test_queue(chip, 1);
	struct ig1_queue *high = test_queue(chip, 0);
	struct dma_fence *a, *b[3], *c;
	u64 id[4];
	u32 i;

	chip->running_ring = 1;
	chip->obeys = false;
	a = test_submit(chip, queue, NULL);
	test_wait_tail(chip, 1, 1);
	for (i = 0; i < 3; i++) {
		b[i] = test_submit(chip, other, NULL);
		test_wait_tail(chip, 1, 2 + i);
		id[i] = le64_to_cpu(test_chip_job(chip, 1, 1 + i)->job_id);
	}
	c = test_submit(chip, high, NULL);
	test_wait_tail(chip, 0, 1);
	test_expect(chip, a, -ETIME);
	/* Behind the reset. */
	drain_workqueue(chip->dev->reset.wq);
	KUNIT_EXPECT_EQ(test, chip->starts, 1);
	KUNIT_EXPECT_EQ(test, chip->dev->stats.resets, 1);
	KUNIT_EXPECT_EQ(test, chip->tail[1], 3);
	KUNIT_EXPECT_EQ(test, chip->tail[0], 1);
	for (i = 0; i < 3; i++) {
		KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(b[i]));
		KUNIT_EXPECT_EQ(test, le64_to_cpu(test_chip_job(chip, 1, i)->job_id), id[i]);
	}
	test_chip_answer(chip, 0, 0);
	for (i = 0; i < 3; i++)
		test_chip_answer(chip, 1, 0);
	for (i = 0; i < 3; i++)
		test_expect(chip, b[i], 0);
	test_expect(chip, c, 0);
	close_queue(chip, queue);
	close_queue(chip, other);
	close_queue(chip, high);
	expect_no_queues(chip);
}

/* The firmware is dead. The job that may have begun is lost, the one behind it is not to blame. */
static void test_firmware_dead(struct kunit *test)
{
	struct test_chip *chip = test_chip_create(test);
	struct ig1_queue *queue, *behind;
	struct dma_fence *a, *b;

	/* The one behind finds out. */
	chip->dev->reset.timeout_ms = 10000;
	queue = test_queue(chip, 1);
	chip->dev->reset.timeout_ms = 40;
	behind = test_queue(chip, 1);
	chip->mbox_error = -ETIMEDOUT;
	a = test_submit(chip, queue, NULL);
	test_wait_tail(chip, 1, 1);
	b = test_submit(chip, behind, NULL);
	test_expect(chip, a, -EIO);
	drain_workqueue(chip->dev->reset.wq);
	KUNIT_EXPECT_EQ(test, chip->starts, 1);
	KUNIT_EXPECT_EQ(test, state_of(queue), DRM_INTAGLIO_QUEUE_BANNED);
	KUNIT_EXPECT_EQ(test, state_of(behind), DRM_INTAGLIO_QUEUE_RUNNING);
	KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(b));
	KUNIT_EXPECT_EQ(test, chip->tail[1], 1);
	test_chip_answer(chip, 1, 0);
	test_expect(chip, b, 0);
	close_queue(chip, queue);
	close_queue(chip, behind);
}

/* A reset that is not its fault, while it runs: it cannot be repeated, and its queue says so. */
static void test_reset_running(struct kunit *test)
{
	struct test_chip *chip = test_chip_create(test);
	struct ig1_device *dev = chip->dev;
	struct ig1_queue *queue, *other;
	struct ig1_loss loss = {};
	struct dma_fence *a, *b, *c;

	dev->reset.timeout_ms = 10000;
	queue = test_queue(chip, 1);
	other = test_queue(chip, 2);
	chip->running_ring = 1;
	a = test_submit(chip, queue, NULL);
	b = test_submit(chip, queue, NULL);
	test_wait_tail(chip, 1, 2);
	c = test_submit(chip, other, NULL);
	test_wait_tail(chip, 2, 1);
	down_write(&dev->hw_lock);
	ig1_reset_begin(dev, &loss);
	KUNIT_EXPECT_FALSE(test, loss.unknown);
	KUNIT_EXPECT_EQ(test, ig1_reset_complete(dev, &loss), 0);
	up_write(&dev->hw_lock);
	KUNIT_EXPECT_EQ(test, loss.ended, 2);
	test_expect(chip, a, -EIO);
	test_expect(chip, b, -ECANCELED);
	KUNIT_EXPECT_EQ(test, state_of(queue), DRM_INTAGLIO_QUEUE_BANNED);
	KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(c));
	KUNIT_EXPECT_EQ(test, chip->tail[2], 1);
	test_chip_answer(chip, 2, 0);
	test_expect(chip, c, 0);
	close_queue(chip, queue);
	close_queue(chip, other);
}

/* Who finds the firmware hung while making a queue waits for the reset and has its queue. */
static void test_reset_retry(struct kunit *test)
{
	struct test_chip *chip = test_chip_create(test);
	struct ig1_device *dev = chip->dev;
	struct ig1_queue *queue;
	struct dma_fence *f;

	chip->mbox_error = -ETIMEDOUT;
	queue = test_queue(chip, 1);
	KUNIT_EXPECT_EQ(test, chip->starts, 1);
	KUNIT_EXPECT_EQ(test, dev->reset.recoveries, 1);
	f = test_submit(chip, queue, NULL);
	test_wait_tail(chip, 1, 1);
	test_chip_answer(chip, 1, 0);
	test_expect(chip, f, 0);
	close_queue(chip, queue);

	/* The reset fails. */
	chip->mbox_error = -ETIMEDOUT;
	chip->start_error = -EIO;
	queue = ig1_queue_create(dev, ig1_vm_get(chip->vm), ig1_file_stats_get(chip->stats), 1);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(queue), -EIO);
	flush_work(&dev->reset.work);
	KUNIT_EXPECT_TRUE(test, drm_dev_is_unplugged(&dev->drm));
}

/* Two find the same: the reset that comes second would only cost another job. */
static void test_reset_once(struct kunit *test)
{
	struct test_chip *chip = test_chip_create(test);
	struct ig1_device *dev = chip->dev;
	struct ig1_loss loss = {};
	u32 recoveries = 0;

	/* One that sleeps is not reset. */
	KUNIT_ASSERT_EQ(test, ig1_pm_get(dev), 0);
	down_write(&dev->hw_lock);
	/* The command of one of them has not been answered; a job's timer is first. */
	ig1_reset_schedule(dev);
	ig1_reset_begin(dev, &loss);
	KUNIT_EXPECT_EQ(test, ig1_reset_complete(dev, &loss), 0);
	up_write(&dev->hw_lock);
	flush_work(&dev->reset.work);
	KUNIT_EXPECT_EQ(test, chip->starts, 1);
	/* Who notices only now that it was not answered then asks for none. */
	KUNIT_EXPECT_TRUE(test, ig1_reset_retry(dev, -ETIMEDOUT, recoveries));
	flush_work(&dev->reset.work);
	KUNIT_EXPECT_EQ(test, chip->starts, 1);
	ig1_reset_schedule(dev);
	flush_work(&dev->reset.work);
	KUNIT_EXPECT_EQ(test, chip->starts, 2);
	ig1_pm_put(dev);
}

/* Nobody knows what ran: the oldest of each ring may have. */
static void test_reset_unknown(struct kunit *test)
{
	struct test_chip *chip = test_chip_create(test);
	struct ig1_device *dev = chip->dev;
	struct ig1_queue *q[3];
	struct ig1_loss loss = {};
	struct dma_fence *f[3];
	u32 i;

	dev->reset.timeout_ms = 10000;
	for (i = 0; i < 3; i++) {
		q[i] = test_queue(chip, i ? 2 : 1);
		f[i] = test_submit(chip, q[i], NULL);
		test_wait_tail(chip, i ? 2 : 1, i ? i : 1);
	}
	chip->mbox_error = -ETIMEDOUT;
	down_write(&dev->hw_lock);
	ig1_reset_begin(dev, &loss);
	chip->mbox_error = 0;
	KUNIT_EXPECT_EQ(test, ig1_reset_complete(dev, &loss), 0);
	up_write(&dev->hw_lock);
	test_expect(chip, f[0], -EIO);
	test_expect(chip, f[1], -EIO);
	KUNIT_EXPECT_EQ(test, chip->tail[2], 1);
	test_chip_answer(chip, 2, 0);
	test_expect(chip, f[2], 0);
	for (i = 0; i < 3; i++)
		close_queue(chip, q[i]);
}

/* The chip does not come back: all jobs end, the device is gone. */
static void test_reset_fails(struct kunit *test)
{
	struct test_chip *chip = test_chip_create(test);
	struct ig1_device *dev = chip->dev;
	struct ig1_queue *queue, *other;
	struct ig1_loss loss = {};
	struct dma_fence *a, *b;

	dev->reset.timeout_ms = 10000;
	queue = test_queue(chip, 1);
	other = test_queue(chip, 2);
	a = test_submit(chip, queue, NULL);
	b = test_submit(chip, other, a);
	test_wait_tail(chip, 1, 1);
	chip->start_error = -EIO;
	down_write(&dev->hw_lock);
	ig1_reset_begin(dev, &loss);
	KUNIT_EXPECT_EQ(test, ig1_reset_complete(dev, &loss), -EIO);
	up_write(&dev->hw_lock);
	KUNIT_EXPECT_TRUE(test, dev->reset.failed);
	KUNIT_EXPECT_TRUE(test, chip->cut);
	test_expect(chip, a, -EIO);
	test_expect(chip, b, -EIO);
	KUNIT_EXPECT_EQ(test, chip->tail[2], 0);
	close_queue(chip, queue);
	close_queue(chip, other);
	expect_no_queues(chip);
}

/* --- bus errors ----------------------------------------------------------------------------- */

/* The bus is gone for good: jobs end, the device is unplugged and does not come back. */
static void test_bus_lost(struct kunit *test)
{
	struct test_chip *chip = test_chip_create(test);
	struct pci_dev *pdev = bus_device(chip);
	struct dma_fence *never = foreign_fence(chip), *f[3];
	struct ig1_device *dev = chip->dev;
	struct ig1_queue *queue;

	dev->reset.timeout_ms = 10000;
	queue = test_queue(chip, 1);
	f[0] = test_submit(chip, queue, NULL);
	test_wait_tail(chip, 1, 1);
	f[1] = test_submit(chip, queue, never);
	KUNIT_EXPECT_EQ(test, bus_error(pdev, pci_channel_io_perm_failure),
			PCI_ERS_RESULT_DISCONNECT);
	test_expect(chip, f[0], -EIO);
	test_expect(chip, f[1], -EIO);
	expect_alone(chip, never);
	KUNIT_EXPECT_TRUE(test, drm_dev_is_unplugged(&dev->drm));
	KUNIT_EXPECT_TRUE(test, dev->reset.failed);
	KUNIT_EXPECT_TRUE(test, chip->cut);
	KUNIT_EXPECT_EQ(test, chip->starts, 0);
	f[2] = test_submit(chip, queue, NULL);
	test_expect(chip, f[2], -EIO);
	/* And again: it is nothing new. */
	KUNIT_EXPECT_EQ(test, bus_error(pdev, pci_channel_io_perm_failure),
			PCI_ERS_RESULT_DISCONNECT);
	KUNIT_EXPECT_EQ(test, bus_error(pdev, pci_channel_io_frozen), PCI_ERS_RESULT_DISCONNECT);
	ig1_pci_err_handlers.resume(pdev);
	KUNIT_EXPECT_EQ(test, chip->starts, 0);
	close_queue(chip, queue);
	expect_no_queues(chip);
}

/* The slot is reset: what may have been begun is lost, the rest goes on, SRAM is not trusted. */
static void test_bus_frozen(struct kunit *test)
{
	struct test_chip *chip = test_chip_create(test);
	struct pci_dev *pdev = bus_device(chip);
	struct ig1_device *dev = chip->dev;
	struct ig1_queue *queue, *other;
	struct dma_fence *f[2];

	dev->reset.timeout_ms = 10000;
	queue = test_queue(chip, 1);
	other = test_queue(chip, 1);
	f[0] = test_submit(chip, queue, NULL);
	test_wait_tail(chip, 1, 1);
	f[1] = test_submit(chip, other, NULL);
	test_wait_tail(chip, 1, 2);
	KUNIT_EXPECT_EQ(test, bus_error(pdev, pci_channel_io_normal),
			PCI_ERS_RESULT_CAN_RECOVER);
	KUNIT_EXPECT_FALSE(test, dev->pm.suspended);
	chip->mbox_error = -EIO;
	KUNIT_EXPECT_EQ(test, bus_error(pdev, pci_channel_io_frozen), PCI_ERS_RESULT_NEED_RESET);
	KUNIT_EXPECT_TRUE(test, dev->pm.suspended);
	KUNIT_EXPECT_TRUE(test, dev->pm.loss.sram);
	KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(f[0]));
	KUNIT_EXPECT_EQ(test, chip->starts, 0);
	ig1_pci_err_handlers.resume(pdev);
	KUNIT_EXPECT_FALSE(test, dev->pm.suspended);
	KUNIT_EXPECT_EQ(test, dev->pm.frozen, 0);
	KUNIT_EXPECT_EQ(test, chip->starts, 1);
	test_expect(chip, f[0], -EIO);
	KUNIT_EXPECT_EQ(test, state_of(queue), DRM_INTAGLIO_QUEUE_BANNED);
	KUNIT_EXPECT_EQ(test, chip->tail[1], 1);
	test_chip_answer(chip, 1, 0);
	test_expect(chip, f[1], 0);
	close_queue(chip, queue);
	close_queue(chip, other);
}

/* Nobody tells that the slot could not be reset: a job's timer finds out. */
static void test_bus_forgotten(struct kunit *test)
{
	struct test_chip *chip = test_chip_create(test);
	struct pci_dev *pdev = bus_device(chip);
	struct ig1_device *dev = chip->dev;
	struct ig1_queue *queue = test_queue(chip, 1);
	struct dma_fence *f = test_submit(chip, queue, NULL);

	test_wait_tail(chip, 1, 1);
	KUNIT_EXPECT_EQ(test, bus_error(pdev, pci_channel_io_frozen), PCI_ERS_RESULT_NEED_RESET);
	/* Some time-outs of the job: it is not that long yet. */
	msleep(200);
	KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(f));
	down_write(&dev->hw_lock);
	dev->pm.frozen = jiffies - msecs_to_jiffies(61000);
	up_write(&dev->hw_lock);
	test_expect(chip, f, -EIO);
	drain_workqueue(dev->reset.wq);
	KUNIT_EXPECT_TRUE(test, drm_dev_is_unplugged(&dev->drm));
	KUNIT_EXPECT_TRUE(test, chip->cut);
	close_queue(chip, queue);
	expect_no_queues(chip);
}

/* --- power ---------------------------------------------------------------------------------- */

/* Asleep only with nothing in the rings and nothing in the SRAM; awake with rings that work. */
static void test_sleep(struct kunit *test)
{
	struct test_chip *chip = test_chip_create(test);
	struct ig1_queue *queue = test_queue(chip, 1);
	struct ig1_device *dev = chip->dev;
	struct device *parent = dev->drm.dev;
	struct dma_fence *f = test_submit(chip, queue, NULL);

	dev_set_drvdata(parent, dev);
	test_wait_tail(chip, 1, 1);
	KUNIT_EXPECT_EQ(test, ig1_pm_ops.runtime_suspend(parent), -EBUSY);
	test_chip_answer(chip, 1, 0);
	test_expect(chip, f, 0);
	dev->sram.pages = 4;
	dev->sram.free = 3;
	KUNIT_EXPECT_EQ(test, ig1_pm_ops.runtime_suspend(parent), -EBUSY);
	KUNIT_EXPECT_TRUE(test, dev->hwq.started);
	dev->sram.free = 4;
	KUNIT_EXPECT_EQ(test, ig1_pm_ops.runtime_suspend(parent), 0);
	KUNIT_EXPECT_FALSE(test, dev->hwq.started);
	KUNIT_EXPECT_EQ(test, chip->starts, 0);
	KUNIT_EXPECT_EQ(test, ig1_pm_ops.runtime_resume(parent), 0);
	KUNIT_EXPECT_EQ(test, chip->starts, 1);
	f = test_submit(chip, queue, NULL);
	test_wait_tail(chip, 1, 1);
	test_chip_answer(chip, 1, 0);
	test_expect(chip, f, 0);
	close_queue(chip, queue);
}

/* A chip that does not wake up is given up, and who waits is told; the PM core sees no error. */
static void test_no_wake(struct kunit *test)
{
	struct test_chip *chip = test_chip_create(test);
	struct ig1_queue *queue = test_queue(chip, 1);
	struct ig1_device *dev = chip->dev;
	struct device *parent = dev->drm.dev;

	dev_set_drvdata(parent, dev);
	KUNIT_EXPECT_EQ(test, ig1_pm_ops.runtime_suspend(parent), 0);
	chip->start_error = -ETIMEDOUT;
	KUNIT_EXPECT_EQ(test, ig1_pm_ops.runtime_resume(parent), 0);
	test_expect(chip, test_submit(chip, queue, NULL), -EIO);
	drain_workqueue(dev->reset.wq);
	KUNIT_EXPECT_TRUE(test, drm_dev_is_unplugged(&dev->drm));
	KUNIT_EXPECT_TRUE(test, chip->cut);
	close_queue(chip, queue);
	expect_no_queues(chip);
}

/* --- arguments ------------------------------------------------------------------------------ */

#define JOB(...) { .prog_va = 128, .prog_len = 1, __VA_ARGS__ }

static const struct job_case {
	const char *name;
	struct drm_intaglio_job job;
	int error;
} job_cases[] = {
	{ "plain", JOB(), 0 },
	{ "longest", JOB(.prog_len = IG1_MAX_COUNT), 0 },
	{ "prog_va", JOB(.prog_va = 64), -EINVAL },
	{ "prog_len_zero", JOB(.prog_len = 0), -EINVAL },
	{ "prog_len", JOB(.prog_len = IG1_MAX_COUNT + 1), -EINVAL },
	{ "nargs", JOB(.nargs = 9), -EINVAL },
	{ "all_args", JOB(.nargs = 8, .args = { 1, 2, 3, 4, 5, 6, 7, 8 }), 0 },
	{ "arg_unused", JOB(.nargs = 2, .args = { 1, 2, 1 }), -EINVAL },
	{ "last_arg_unused", JOB(.nargs = 7, .args = { [7] = 1 }), -EINVAL },
	{ "emit_va", JOB(.emit_va = 8), -EINVAL },
	{ "trace_va", JOB(.trace_va = 16), -EINVAL },
};

KUNIT_ARRAY_PARAM_DESC(job, job_cases, name);

static void test_job_check(struct kunit *test)
{
	const struct job_case *c = test->param_value;

	KUNIT_EXPECT_EQ(test, ig1_job_check(&c->job), c->error);
}

#define QUEUE(...) { .vm_id = 1, .priority = 1, __VA_ARGS__ }
#define RING(...) QUEUE(.ring_handle = 1, .ring_entries = 16, __VA_ARGS__)

static const struct queue_case {
	const char *name;
	struct drm_intaglio_queue_create args;
	u64 bo_size;
	int error;
} queue_cases[] = {
	{ "plain", QUEUE(), 0, 0 },
	{ "flags", QUEUE(.flags = 1), 0, -EINVAL },
	{ "priority", QUEUE(.priority = IG1_PRIORITIES), 0, -EINVAL },
	{ "lowest", QUEUE(.priority = IG1_PRIORITIES - 1), 0, 0 },
	{ "entries_without_ring", QUEUE(.ring_entries = 1), 0, -EINVAL },
	{ "offset_without_ring", QUEUE(.ring_offset = 64), 0, -EINVAL },
	{ "ring", RING(), 8192, 0 },
	{ "one", RING(.ring_entries = 1), 4096, 0 },
	{ "most", RING(.ring_entries = 4096), 4096 * 320, 0 },
	{ "entries_zero", RING(.ring_entries = 0), 8192, -EINVAL },
	{ "entries_odd", RING(.ring_entries = 12), 8192, -EINVAL },
	{ "entries", RING(.ring_entries = 8192), 1 << 24, -EINVAL },
	{ "entries_huge", RING(.ring_entries = 1u << 31), U64_MAX, -EINVAL },
	{ "offset_unaligned", RING(.ring_offset = 32), 8192, -EINVAL },
	{ "fits", RING(.ring_offset = 8192 - 16 * 320), 8192, 0 },
	{ "end", RING(.ring_offset = 8192 - 15 * 320), 8192, -EINVAL },
	{ "beyond", RING(.ring_offset = 1 << 20), 8192, -EINVAL },
	{ "overflow", RING(.ring_offset = -64ull), 8192, -EINVAL },
};

KUNIT_ARRAY_PARAM_DESC(queue, queue_cases, name);

static void test_queue_check(struct kunit *test)
{
	const struct queue_case *c = test->param_value;
	int err;

	BUILD_BUG_ON(sizeof(struct drm_intaglio_completion) != 320);
	err = ig1_queue_check_create(&c->args);
	if (!err && c->args.ring_handle)
		err = ig1_queue_check_ring(&c->args, c->bo_size);
	KUNIT_EXPECT_EQ(test, err, c->error);
}

static const struct budget_case {
	const char *name;
	u64 watchdog;
	u64 hz;
	u32 limit_ms;
	u64 want;
} budget_cases[] = {
	{ "default", 0, 1000000000, 600000, IG1_WATCHDOG_DEFAULT },
	{ "own", 12345, 1000000000, 600000, 12345 },
	{ "at_the_limit", 600000000000, 1000000000, 600000, 600000000000 },
	{ "beyond", 600000000001, 1000000000, 600000, 600000000000 },
	{ "huge", U64_MAX, 1000000000, 600000, 600000000000 },
	{ "default_beyond", 0, 1000000000, 2000, 2000000000 },
	{ "no_limit", U64_MAX, 1000000000, 0, U64_MAX },
	{ "fastest_longest", U64_MAX, BIT_ULL(40), U32_MAX, 1099511628ull * U32_MAX },
};

KUNIT_ARRAY_PARAM_DESC(budget, budget_cases, name);

/* Whatever user space asks for, a job has no more cycles than the administrator allows. */
static void test_budget(struct kunit *test)
{
	const struct drm_intaglio_job args = { .prog_va = 128, .prog_len = 1 };
	const struct budget_case *c = test->param_value;
	struct test_chip *chip = test_chip_create(test);
	struct ig1_queue *queue = test_queue(chip, 1);
	struct drm_intaglio_job job = args;
	struct ig1_job *made;

	chip->dev->chip.clock_hz = c->hz;
	chip->dev->reset.limit_ms = c->limit_ms;
	job.watchdog = c->watchdog;
	made = ig1_job_create(queue, &job);
	KUNIT_ASSERT_NOT_NULL(test, made);
	KUNIT_EXPECT_EQ(test, le64_to_cpu(made->entry.desc.watchdog), c->want);
	ig1_job_free(made);
	close_queue(chip, queue);
}

/* Times of counters that a chip may have made up. */
static void test_cycles(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, ig1_cycles_to_ns(0, 1000), 0);
	KUNIT_EXPECT_EQ(test, ig1_cycles_to_ns(1, 0), 0);
	KUNIT_EXPECT_EQ(test, ig1_cycles_to_ns(1500, 1000), 1500000000);
	KUNIT_EXPECT_EQ(test, ig1_cycles_to_ns(7, 3000000000), 2);
	KUNIT_EXPECT_EQ(test, ig1_cycles_to_ns(BIT_ULL(40) - 1, BIT_ULL(40)), 999999999);
	KUNIT_EXPECT_EQ(test, ig1_cycles_to_ns(U64_MAX, 1), -1000000000ull);
}

/* A queue from its ioctls, with the numbers that user space sees; all of them, and one too many. */
static void test_queue_ioctls(struct kunit *test)
{
	struct test_chip *chip = test_chip_create(test);
	struct drm_intaglio_queue_control control = { .op = DRM_INTAGLIO_QUEUE_RESUME };
	struct drm_intaglio_queue_create create = { .vm_id = 1, .priority = 1 };
	struct drm_intaglio_queue_get_state state = {};
	struct drm_intaglio_queue_destroy destroy = {};
	struct drm_device *drm = &chip->dev->drm;
	struct ig1_file priv = { .dev = chip->dev, .stats = chip->stats };
	struct drm_file file = { .driver_priv = &priv };
	u32 i;

	xa_init_flags(&priv.vms, XA_FLAGS_ALLOC1);
	xa_init_flags(&priv.queues, XA_FLAGS_ALLOC1);
	KUNIT_ASSERT_EQ(test, xa_err(xa_store(&priv.vms, 1, chip->vm, GFP_KERNEL)), 0);
	create.vm_id = 2;
	KUNIT_EXPECT_EQ(test, ig1_queue_create_ioctl(drm, &create, &file), -ENOENT);
	create.vm_id = 1;
	for (i = 1; i <= IG1_QUEUES_PER_FILE; i++) {
		KUNIT_ASSERT_EQ(test, ig1_queue_create_ioctl(drm, &create, &file), 0);
		KUNIT_EXPECT_EQ(test, create.queue_id, i);
	}
	KUNIT_EXPECT_EQ(test, ig1_queue_create_ioctl(drm, &create, &file), -ENOSPC);
	state.queue_id = 7;
	KUNIT_EXPECT_EQ(test, ig1_queue_get_state_ioctl(drm, &state, &file), 0);
	KUNIT_EXPECT_EQ(test, state.state, DRM_INTAGLIO_QUEUE_RUNNING);
	control.queue_id = 7;
	KUNIT_EXPECT_EQ(test, ig1_queue_control_ioctl(drm, &control, &file), 0);
	control.op = 2;
	KUNIT_EXPECT_EQ(test, ig1_queue_control_ioctl(drm, &control, &file), -EINVAL);
	destroy.queue_id = 7;
	destroy.pad = 1;
	KUNIT_EXPECT_EQ(test, ig1_queue_destroy_ioctl(drm, &destroy, &file), -EINVAL);
	destroy.pad = 0;
	KUNIT_EXPECT_EQ(test, ig1_queue_destroy_ioctl(drm, &destroy, &file), 0);
	KUNIT_EXPECT_EQ(test, ig1_queue_destroy_ioctl(drm, &destroy, &file), -ENOENT);
	KUNIT_EXPECT_EQ(test, ig1_queue_get_state_ioctl(drm, &state, &file), -ENOENT);
	control.op = DRM_INTAGLIO_QUEUE_CANCEL;
	KUNIT_EXPECT_EQ(test, ig1_queue_control_ioctl(drm, &control, &file), -ENOENT);
	KUNIT_EXPECT_EQ(test, ig1_queue_create_ioctl(drm, &create, &file), 0);
	KUNIT_EXPECT_EQ(test, create.queue_id, 7);
	ig1_queue_close_all(&priv);
	KUNIT_EXPECT_TRUE(test, xa_empty(&priv.queues));
	xa_destroy(&priv.vms);
	expect_no_queues(chip);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(test_done),
	KUNIT_CASE(test_records),
	KUNIT_CASE(test_stop_on_fault),
	KUNIT_CASE(test_cancel),
	KUNIT_CASE(test_dependency),
	KUNIT_CASE(test_own_dependency),
	KUNIT_CASE(test_cancel_waiting),
	KUNIT_CASE(test_late_waiting),
	KUNIT_CASE(test_fault_waiting),
	KUNIT_CASE(test_close_waiting),
	KUNIT_CASE(test_unplug_waiting),
	KUNIT_CASE(test_vm_unusable),
	KUNIT_CASE(test_lost_interrupt),
	KUNIT_CASE(test_progress),
	KUNIT_CASE(test_limit),
	KUNIT_CASE(test_timeout),
	KUNIT_CASE_PARAM(test_timeout_ended, end_gen_params),
	KUNIT_CASE(test_reset),
	KUNIT_CASE(test_firmware_dead),
	KUNIT_CASE(test_reset_running),
	KUNIT_CASE(test_reset_retry),
	KUNIT_CASE(test_reset_once),
	KUNIT_CASE(test_reset_unknown),
	KUNIT_CASE(test_reset_fails),
	KUNIT_CASE(test_bus_lost),
	KUNIT_CASE(test_bus_frozen),
	KUNIT_CASE(test_bus_forgotten),
	KUNIT_CASE(test_sleep),
	KUNIT_CASE(test_no_wake),
	KUNIT_CASE_PARAM(test_budget, budget_gen_params),
	KUNIT_CASE(test_cycles),
	KUNIT_CASE(test_queue_ioctls),
	KUNIT_CASE_PARAM(test_job_check, job_gen_params),
	KUNIT_CASE_PARAM(test_queue_check, queue_gen_params),
	{}
};

static struct kunit_suite suite = {
	.name = "ig1_job",
	.test_cases = cases,
};

kunit_test_suite(suite);
