// SPDX-License-Identifier: GPL-2.0-only
/* KUnit: queues' arguments and ioctls. */
#include "ig1_test_chip.h"

#define QUEUE(prio, ...)                                  \
	{                                                 \
		.vm_id = 1, .priority = prio, __VA_ARGS__ \
	}
#define RING(entries, ...) QUEUE(1, .ring_handle = 1, .ring_entries = entries, __VA_ARGS__)

static const struct queue_case {
	const char *name;
	struct drm_intaglio_queue_create args;
	u64 bo_size;
	int error;
} queue_cases[] = {
	{ "plain", QUEUE(1), 0, 0 },
	{ "flags", QUEUE(1, .flags = 1), 0, -EINVAL },
	{ "priority", QUEUE(IG1_PRIORITIES), 0, -EINVAL },
	{ "lowest", QUEUE(IG1_PRIORITIES - 1), 0, 0 },
	{ "entries_without_ring", QUEUE(1, .ring_entries = 1), 0, -EINVAL },
	{ "offset_without_ring", QUEUE(1, .ring_offset = 64), 0, -EINVAL },
	{ "ring", RING(16), 8192, 0 },
	{ "one", RING(1), 4096, 0 },
	{ "most", RING(4096), 4096 * 320, 0 },
	{ "entries_zero", RING(0), 8192, -EINVAL },
	{ "entries_odd", RING(12), 8192, -EINVAL },
	{ "entries", RING(8192), 1 << 24, -EINVAL },
	{ "entries_huge", RING(1u << 31), U64_MAX, -EINVAL },
	{ "offset_unaligned", RING(16, .ring_offset = 32), 8192, -EINVAL },
	{ "fits", RING(16, .ring_offset = 8192 - 16 * 320), 8192, 0 },
	{ "end", RING(16, .ring_offset = 8192 - 15 * 320), 8192, -EINVAL },
	{ "beyond", RING(16, .ring_offset = 1 << 20), 8192, -EINVAL },
	{ "overflow", RING(16, .ring_offset = -64ull), 8192, -EINVAL },
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
	KUNIT_CASE_PARAM(test_queue_check, queue_gen_params),
	KUNIT_CASE(test_queue_ioctls),
	{},
};

static struct kunit_suite suite = {
	.name = "ig1_queue",
	.test_cases = cases,
};

kunit_test_suite(suite);
