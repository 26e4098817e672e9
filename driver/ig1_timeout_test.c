// SPDX-License-Identifier: GPL-2.0-only
/* KUnit: jobs that are given up, and what becomes of the others in a reset. */
#include "ig1_test_chip.h"

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
	KUNIT_EXPECT_EQ(test, state_of(queue),
			param->timeouts ? DRM_INTAGLIO_QUEUE_BANNED : DRM_INTAGLIO_QUEUE_RUNNING);
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

static struct kunit_case cases[] = {
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
	{},
};

static struct kunit_suite suite = {
	.name = "ig1_timeout",
	.test_cases = cases,
};

kunit_test_suite(suite);
