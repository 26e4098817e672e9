// SPDX-License-Identifier: GPL-2.0-only
/* KUnit: arrays and syncobjs of user space. */
#include <linux/uaccess.h>

#include <drm/drm_syncobj.h>

#include "ig1_sync.h"
#include "ig1_test_vm.h"

static void test_array(struct kunit *test)
{
	struct drm_intaglio_obj_array a = { 0 };
	struct rig *rig = test->priv;
	u32 words[8] = { 1, 2, 0, 3, 4, 0, 5, 6 }, *got;

	rig_map_user(test);
	KUNIT_ASSERT_EQ(test, copy_to_user(rig->user, words, sizeof(words)), 0);
	KUNIT_EXPECT_NULL(test, ig1_array_get(&a, 8, 8, 4));
	a.array = (uintptr_t)rig->user;
	a.count = 2;
	a.stride = 12;
	got = ig1_array_get(&a, 8, 8, 4);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, got);
	KUNIT_EXPECT_EQ(test, got[0], 1);
	KUNIT_EXPECT_EQ(test, got[1], 2);
	KUNIT_EXPECT_EQ(test, got[2], 3);
	KUNIT_EXPECT_EQ(test, got[3], 4);
	kvfree(got);
	/* An older caller's element, the rest is zero. */
	a.stride = 4;
	got = ig1_array_get(&a, 4, 8, 4);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, got);
	KUNIT_EXPECT_EQ(test, got[0], 1);
	KUNIT_EXPECT_EQ(test, got[1], 0);
	KUNIT_EXPECT_EQ(test, got[2], 2);
	kvfree(got);
	KUNIT_EXPECT_EQ(test, PTR_ERR(ig1_array_get(&a, 8, 8, 4)), -EINVAL);
	a.stride = 12;
	a.count = 5;
	KUNIT_EXPECT_EQ(test, PTR_ERR(ig1_array_get(&a, 8, 8, 4)), -EINVAL);
	a.stride = PAGE_SIZE + 4;
	a.count = 1;
	KUNIT_EXPECT_EQ(test, PTR_ERR(ig1_array_get(&a, 8, 8, 4)), -EINVAL);
	/* Something that the kernel does not know. */
	a.stride = 16;
	KUNIT_EXPECT_EQ(test, PTR_ERR(ig1_array_get(&a, 8, 8, 4)), -EINVAL);
	a.stride = 8;
	a.array = 8;
	KUNIT_EXPECT_EQ(test, PTR_ERR(ig1_array_get(&a, 8, 8, 4)), -EFAULT);
}

struct bad_sync {
	const char *name;
	struct drm_intaglio_sync sync;
	int error;
};

static const struct bad_sync bad_syncs[] = {
	{ "flags", { .flags = 4, .handle = 1 }, -EINVAL },
	{ "timeline, point 0", { .flags = DRM_INTAGLIO_SYNC_TIMELINE, .handle = 1 }, -EINVAL },
	{ "binary, point 1", { .handle = 1, .point = 1 }, -EINVAL },
	{ "wait, handle", { .handle = 9 }, -ENOENT },
	{ "signal, handle", { .flags = DRM_INTAGLIO_SYNC_SIGNAL, .handle = 9 }, -ENOENT },
	{ "nothing to wait for", { .handle = 1 }, -EINVAL },
	{ "good", { .flags = DRM_INTAGLIO_SYNC_SIGNAL, .handle = 1 }, 0 },
	{ "good timeline",
	  { .flags = DRM_INTAGLIO_SYNC_SIGNAL | DRM_INTAGLIO_SYNC_TIMELINE,
	    .handle = 1,
	    .point = 3 },
	  0 },
};

static void bad_sync_name(const struct bad_sync *c, char *to)
{
	strscpy(to, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(bad_sync, bad_syncs, bad_sync_name);

static void test_syncs(struct kunit *test)
{
	const struct bad_sync *c = test->param_value;
	struct drm_intaglio_obj_array a = { 0 };
	struct rig *rig = test->priv;
	struct drm_syncobj *syncobj;
	struct ig1_syncs syncs;

	rig_map_user(test);
	KUNIT_ASSERT_EQ(test, drm_syncobj_create(&syncobj, 0, NULL), 0);
	KUNIT_ASSERT_EQ(test, rig_syncobj(test, rig->file, syncobj), 1);
	KUNIT_ASSERT_EQ(test, copy_to_user(rig->user, &c->sync, sizeof(c->sync)), 0);
	a.array = (uintptr_t)rig->user;
	a.stride = sizeof(c->sync);
	a.count = 1;
	KUNIT_EXPECT_EQ(test, ig1_syncs_get(rig->file, &a, &syncs), c->error);
	ig1_syncs_put(&syncs);
	KUNIT_EXPECT_EQ(test, kref_read(&syncobj->refcount), 1);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(test_array),
	KUNIT_CASE_PARAM(test_syncs, bad_sync_gen_params),
	{},
};

static struct kunit_suite suite = {
	.name = "ig1_sync",
	.init = rig_init,
	.exit = rig_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
