// SPDX-License-Identifier: GPL-2.0-only
/* KUnit: jobs: what they wait for and how they end. */
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

/* A job runs when the fence that it waits for signals, not before. */
static void test_dependency(struct kunit *test)
{
	struct test_chip *chip = test_chip_create(test);
	struct ig1_queue *queue = test_queue(chip, 1);
	struct dma_fence *fence = test_foreign_fence(chip), *f = test_submit(chip, queue, fence);

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
	struct dma_fence *never = test_foreign_fence(chip), *f[3];
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
	test_expect_alone(chip, never);
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
	struct dma_fence *never = test_foreign_fence(chip), *f;

	mutex_lock(&queue->control_lock);
	KUNIT_EXPECT_EQ(test, ig1_queue_cancel(queue), 0);
	f = test_submit(chip, queue, never);
	test_expect(chip, f, -ECANCELED);
	mutex_unlock(&queue->control_lock);
	test_expect_alone(chip, never);
	close_queue(chip, queue);
	expect_no_queues(chip);
}

/* A fault stops the queue; the job behind it does not wait for its fence. */
static void test_fault_waiting(struct kunit *test)
{
	struct test_chip *chip = test_chip_create(test);
	struct ig1_queue *queue = test_queue(chip, 1);
	struct dma_fence *never = test_foreign_fence(chip), *f = test_submit(chip, queue, NULL), *g;

	test_wait_tail(chip, 1, 1);
	g = test_submit(chip, queue, never);
	test_chip_answer(chip, 1, IG1_FAULT_PAGE);
	test_expect(chip, f, -EFAULT);
	test_expect(chip, g, -ECANCELED);
	test_expect_alone(chip, never);
	close_queue(chip, queue);
	expect_no_queues(chip);
}

/* Whose owner goes, by whatever way, leaves nothing on the fence that his jobs waited for. */
static void test_close_waiting(struct kunit *test)
{
	struct test_chip *chip = test_chip_create(test);
	struct ig1_queue *queue = test_queue(chip, 1);
	struct dma_fence *never = test_foreign_fence(chip), *f = test_submit(chip, queue, never);

	close_queue(chip, queue);
	test_expect(chip, f, -ECANCELED);
	KUNIT_EXPECT_EQ(test, chip->tail[1], 0);
	expect_no_queues(chip);
	test_expect_alone(chip, never);
}

/* The device goes: nobody waits for anything any more. */
static void test_unplug_waiting(struct kunit *test)
{
	struct test_chip *chip = test_chip_create(test);
	struct ig1_queue *queue = test_queue(chip, 1), *other = test_queue(chip, 2);
	struct dma_fence *never = test_foreign_fence(chip), *f[3];

	f[0] = test_submit(chip, queue, NULL);
	test_wait_tail(chip, 1, 1);
	f[1] = test_submit(chip, queue, never);
	f[2] = test_submit(chip, other, never);
	ig1_hwq_kill(chip->dev, -ENODEV);
	ig1_queues_settle(chip->dev);
	test_expect(chip, f[0], -ENODEV);
	test_expect(chip, f[1], -ENODEV);
	test_expect(chip, f[2], -ENODEV);
	test_expect_alone(chip, never);
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

/* --- arguments ------------------------------------------------------------------------------ */

#define JOB(va, len, ...)                                   \
	{                                                   \
		.prog_va = va, .prog_len = len, __VA_ARGS__ \
	}

static const struct job_case {
	const char *name;
	struct drm_intaglio_job job;
	int error;
} job_cases[] = {
	{ "plain", JOB(128, 1), 0 },
	{ "longest", JOB(128, IG1_MAX_COUNT), 0 },
	{ "prog_va", JOB(64, 1), -EINVAL },
	{ "prog_len_zero", JOB(128, 0), -EINVAL },
	{ "prog_len", JOB(128, IG1_MAX_COUNT + 1), -EINVAL },
	{ "nargs", JOB(128, 1, .nargs = 9), -EINVAL },
	{ "all_args", JOB(128, 1, .nargs = 8, .args = { 1, 2, 3, 4, 5, 6, 7, 8 }), 0 },
	{ "arg_unused", JOB(128, 1, .nargs = 2, .args = { 1, 2, 1 }), -EINVAL },
	{ "last_arg_unused", JOB(128, 1, .nargs = 7, .args = { [7] = 1 }), -EINVAL },
	{ "emit_va", JOB(128, 1, .emit_va = 8), -EINVAL },
	{ "trace_va", JOB(128, 1, .trace_va = 16), -EINVAL },
};

KUNIT_ARRAY_PARAM_DESC(job, job_cases, name);

static void test_job_check(struct kunit *test)
{
	const struct job_case *c = test->param_value;

	KUNIT_EXPECT_EQ(test, ig1_job_check(&c->job), c->error);
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
	KUNIT_CASE_PARAM(test_job_check, job_gen_params),
	KUNIT_CASE_PARAM(test_budget, budget_gen_params),
	{},
};

static struct kunit_suite suite = {
	.name = "ig1_job",
	.test_cases = cases,
};

kunit_test_suite(suite);
