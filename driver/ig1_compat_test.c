// SPDX-License-Identifier: GPL-2.0-only
/* KUnit: what ig1_compat.h makes of the kernel it is built for. */
#include <kunit/test.h>

#include <linux/delay.h>

#include <drm/drm_kunit_helpers.h>

#include "ig1_test_chip.h"

static const struct drm_gem_object_funcs no_funcs = {};

/* Every locked object, once, in the order of locking; none if there are none. */
static void test_exec_for_each(struct kunit *test)
{
	struct device *parent = drm_kunit_helper_alloc_device(test);
	struct drm_gem_object *obj, *at;
	struct drm_device *drm;
	struct drm_exec exec;
	const u32 count = 5;
	u32 n = 0, i;
	int err;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, parent);
	drm = __drm_kunit_helper_alloc_drm_device(test, parent, sizeof(*drm), 0, DRIVER_GEM);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, drm);
	obj = kunit_kcalloc(test, count, sizeof(*obj), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, obj);
	drm_exec_init(&exec, 0, 0);
	ig1_exec_for_each_locked(&exec, at)
		n++;
	KUNIT_EXPECT_EQ(test, n, 0);
	for (i = 0; i < count; i++) {
		obj[i].funcs = &no_funcs;
		drm_gem_private_object_init(drm, &obj[i], PAGE_SIZE);
		KUNIT_EXPECT_FALSE(test, drm_gem_is_imported(&obj[i]));
	}
	drm_exec_until_all_locked(&exec) {
		for (i = 0, err = 0; i < count && !err; i++)
			err = drm_exec_lock_obj(&exec, &obj[i]);
		drm_exec_retry_on_contention(&exec);
	}
	KUNIT_EXPECT_EQ(test, err, 0);
	ig1_exec_for_each_locked(&exec, at) {
		if (n < count)
			KUNIT_EXPECT_PTR_EQ(test, at, &obj[n]);
		n++;
	}
	KUNIT_EXPECT_EQ(test, n, count);
	drm_exec_fini(&exec);
	for (i = 0; i < count; i++)
		drm_gem_private_object_fini(&obj[i]);
}

/* A job whose timer finds nothing wrong stays with the scheduler, which frees it when it ends. */
static void test_no_hang(struct kunit *test)
{
	struct test_chip *chip = test_chip_create(test);
	struct ig1_queue *queue = test_queue(chip, 1);
	struct dma_fence *f = test_submit(chip, queue, NULL);
	u32 i;

	chip->running_ring = 1;
	test_wait_tail(chip, 1, 1);
	/* The timer runs out several times. */
	for (i = 0; i < 40; i++) {
		chip->commands++;
		usleep_range(5000, 6000);
	}
	KUNIT_EXPECT_EQ(test, chip->dev->stats.timeouts, 0);
	KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(f));
	test_chip_answer(chip, 1, 0);
	test_expect(chip, f, 0);
	/* The job's reference and ours: without the job's end the queue would stay. */
	ig1_queue_close(queue);
	for (i = 0; i < 1000 && !list_empty(&chip->dev->sched.queues); i++)
		usleep_range(1000, 2000);
	KUNIT_EXPECT_TRUE(test, list_empty(&chip->dev->sched.queues));
}

/* The scheduler is the same memory again, and works. */
static void test_sched_again(struct kunit *test)
{
	struct test_chip *chip = test_chip_create(test);
	struct ig1_sched *sched = ig1_sched_get_queue(chip->dev), *again;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, sched);
	KUNIT_EXPECT_TRUE(test, drm_sched_wqueue_ready(&sched->base));
	KUNIT_EXPECT_STREQ(test, sched->base.name, "intaglio");
	KUNIT_EXPECT_EQ(test, sched->base.credit_limit, IG1_SCHED_CREDITS);
	ig1_sched_put(sched);
	again = ig1_sched_get_queue(chip->dev);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, again);
	KUNIT_EXPECT_PTR_EQ(test, again, sched);
	KUNIT_EXPECT_TRUE(test, drm_sched_wqueue_ready(&again->base));
	ig1_sched_put(again);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(test_exec_for_each),
	KUNIT_CASE(test_no_hang),
	KUNIT_CASE(test_sched_again),
	{},
};

static struct kunit_suite suite = {
	.name = "ig1_compat",
	.test_cases = cases,
};

kunit_test_suite(suite);
