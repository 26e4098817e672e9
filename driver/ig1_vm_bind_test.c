// SPDX-License-Identifier: GPL-2.0-only
/* KUnit: VM_BIND, what waits for its fences, and what is released when. */
#include <linux/delay.h>
#include <linux/dma-fence.h>
#include <linux/dma-resv.h>
#include <linux/uaccess.h>

#include <drm/drm_syncobj.h>

#include "ig1_test_vm.h"

static int bind(struct kunit *test, struct drm_intaglio_bind_op *ops, u32 count, u32 flags,
		u32 *done)
{
	struct rig *rig = test->priv;
	struct drm_intaglio_vm_bind args = {
		.vm_id = rig->vm_id,
		.flags = flags,
		.ops.stride = sizeof(*ops),
		.ops.count = count,
		.ops.array = (uintptr_t)rig->user,
	};
	int ret;

	KUNIT_ASSERT_EQ(test, copy_to_user(rig->user, ops, count * sizeof(*ops)), 0);
	ret = ig1_vm_bind_ioctl(&rig->dev->drm, &args, rig->file);
	*done = args.ops.count;
	return ret;
}

static void test_bind_sync(struct kunit *test)
{
	struct drm_intaglio_bind_op op[3] = { { GOOD_MAP }, { GOOD_MAP }, { GOOD_MAP } };
	struct drm_intaglio_vm_bind args = { 0 };
	struct rig *rig = test->priv;
	u32 handle, done;

	rig_map_user(test);
	rig_bo(test, 4, &handle);
	op[1].va = SZ_2M;
	op[2].va = SZ_4M;
	KUNIT_EXPECT_EQ(test, bind(test, op, 3, 0, &done), 0);
	KUNIT_EXPECT_EQ(test, done, 3);
	KUNIT_EXPECT_EQ(test, rig_mappings(test), 3);
	/* The first that fails ends it, the earlier ones stay. */
	op[0].va = SZ_8M;
	op[1].handle = 9;
	KUNIT_EXPECT_EQ(test, bind(test, op, 3, 0, &done), -ENOENT);
	KUNIT_EXPECT_EQ(test, done, 1);
	KUNIT_EXPECT_EQ(test, rig_mappings(test), 4);
	op[0].syncs.count = 1;
	KUNIT_EXPECT_EQ(test, bind(test, op, 1, 0, &done), -EINVAL);
	KUNIT_EXPECT_EQ(test, done, 0);
	op[0].syncs.count = 0;
	KUNIT_EXPECT_EQ(test, bind(test, op, 1, 2, &done), -EINVAL);
	args.vm_id = 9;
	KUNIT_EXPECT_EQ(test, ig1_vm_bind_ioctl(&rig->dev->drm, &args, rig->file), -ENOENT);
	args.vm_id = rig->vm_id;
	KUNIT_EXPECT_EQ(test, ig1_vm_bind_ioctl(&rig->dev->drm, &args, rig->file), 0);
	args.ops.count = 1025;
	args.ops.stride = sizeof(op[0]);
	KUNIT_EXPECT_EQ(test, ig1_vm_bind_ioctl(&rig->dev->drm, &args, rig->file), -EINVAL);
}

/* --- fences --------------------------------------------------------------------------------- */

static const char *mock_name(struct dma_fence *fence)
{
	return "test";
}

static const struct dma_fence_ops mock_fence_ops = {
	.get_driver_name = mock_name,
	.get_timeline_name = mock_name,
};

static DEFINE_SPINLOCK(mock_lock);

/* A fence that the test signals. */
static struct dma_fence *new_fence(struct kunit *test)
{
	struct dma_fence *fence = kzalloc_obj(*fence);

	KUNIT_ASSERT_NOT_NULL(test, fence);
	dma_fence_init(fence, &mock_fence_ops, &mock_lock, dma_fence_context_alloc(1), 1);
	return fence;
}

static void end_fence(struct dma_fence *fence)
{
	dma_fence_signal(fence);
	dma_fence_put(fence);
}

static void add_fence(struct kunit *test, struct dma_fence *fence)
{
	struct dma_resv *resv = ig1_vm_resv(rig_vm(test));

	dma_resv_lock(resv, NULL);
	KUNIT_ASSERT_EQ(test, dma_resv_reserve_fences(resv, 1), 0);
	dma_resv_add_fence(resv, fence, DMA_RESV_USAGE_BOOKKEEP);
	dma_resv_unlock(resv);
}

/* A job that was with the chip when a page was unmapped keeps the page. */
static void test_release(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct dma_fence *fence = new_fence(test);
	u32 handle, tables;
	struct ig1_bo *bo = rig_bo(test, 2, &handle);

	rig_map(test, SZ_1M, handle, 0, 2, 0);
	tables = rig->dev->mmu.count;
	add_fence(test, fence);
	rig_unmap(test, SZ_1M, 2);
	KUNIT_EXPECT_EQ(test, rig_translate(test, SZ_1M), 0);
	flush_workqueue(ig1_free_wq);
	KUNIT_EXPECT_GT(test, rig_refs(bo), 1);
	KUNIT_EXPECT_EQ(test, rig->dev->mmu.count, tables);
	end_fence(fence);
	flush_workqueue(ig1_free_wq);
	KUNIT_EXPECT_EQ(test, rig_refs(bo), 1);
	KUNIT_EXPECT_EQ(test, rig->dev->mmu.count, 1);
}

/* No memory for a fence that stands for all: pages stay until each has signalled, nobody waits. */
static void test_release_no_memory(struct kunit *test)
{
	const struct drm_intaglio_bind_op args = { .op = DRM_INTAGLIO_BIND_UNMAP,
						   .va = SZ_1M,
						   .size = 2 * PAGE };
	struct rig *rig = test->priv;
	struct dma_fence *fence[3];
	struct ig1_vm_op *op;
	struct ig1_bo *bo;
	u32 handle, i;

	bo = rig_bo(test, 2, &handle);
	rig_map(test, SZ_1M, handle, 0, 2, 0);
	for (i = 0; i < ARRAY_SIZE(fence); i++) {
		fence[i] = new_fence(test);
		add_fence(test, fence[i]);
	}
	op = ig1_vm_op_prepare(rig_vm(test), rig->file, &args);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, op);
	KUNIT_ASSERT_EQ(test, ig1_vm_op_run(op), 0);
	ig1_vm_op_release(op, false);
	/* In any order. */
	for (i = ARRAY_SIZE(fence); i--;) {
		flush_workqueue(ig1_free_wq);
		KUNIT_EXPECT_GT(test, rig_refs(bo), 1);
		end_fence(fence[i]);
	}
	flush_workqueue(ig1_free_wq);
	KUNIT_EXPECT_EQ(test, rig_refs(bo), 1);
	/* And where they have all signalled before. */
	rig_map(test, SZ_1M, handle, 0, 2, 0);
	op = ig1_vm_op_prepare(rig_vm(test), rig->file, &args);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, op);
	KUNIT_ASSERT_EQ(test, ig1_vm_op_run(op), 0);
	ig1_vm_op_release(op, false);
	KUNIT_EXPECT_EQ(test, rig_refs(bo), 1);
}

/* An operation of an asynchronous call: waits for @in, result in the returned syncobj's fence. */
static struct drm_syncobj *bind_async(struct kunit *test, struct drm_intaglio_bind_op *op,
				      struct dma_fence *in)
{
	struct rig *rig = test->priv;
	struct drm_intaglio_sync sync[2] = { { .flags = DRM_INTAGLIO_SYNC_SIGNAL } };
	struct drm_syncobj *out, *wait;
	void __user *at = rig->user + 1024;
	u32 done;

	KUNIT_ASSERT_EQ(test, drm_syncobj_create(&out, 0, NULL), 0);
	KUNIT_ASSERT_EQ(test, drm_syncobj_create(&wait, 0, in), 0);
	sync[0].handle = rig_syncobj(test, rig->file, out);
	sync[1].handle = rig_syncobj(test, rig->file, wait);
	KUNIT_ASSERT_EQ(test, copy_to_user(at, sync, sizeof(sync)), 0);
	op->syncs.array = (uintptr_t)at;
	op->syncs.stride = sizeof(sync[0]);
	op->syncs.count = 2;
	KUNIT_ASSERT_EQ(test, bind(test, op, 1, DRM_INTAGLIO_VM_BIND_ASYNC, &done), 0);
	return out;
}

static void expect_result(struct kunit *test, struct drm_syncobj *out, int error)
{
	struct dma_fence *fence = drm_syncobj_fence_get(out);

	KUNIT_ASSERT_NOT_NULL(test, fence);
	KUNIT_EXPECT_GT(test, dma_fence_wait_timeout(fence, false, 5 * HZ), 0);
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(fence), error ?: 1);
	dma_fence_put(fence);
}

static void test_bind_async(struct kunit *test)
{
	struct drm_intaglio_bind_op op = { GOOD_MAP }, back = { GOOD_UNMAP };
	struct dma_fence *first = new_fence(test), *second = new_fence(test);
	struct drm_syncobj *out, *out2;
	struct ig1_bo *bo;
	u32 handle;

	rig_map_user(test);
	bo = rig_bo(test, 4, &handle);
	out = bind_async(test, &op, first);
	out2 = bind_async(test, &back, second);
	/* The second may run, but operations keep their order. */
	end_fence(second);
	KUNIT_EXPECT_EQ(test, rig_translate(test, SZ_1M), 0);
	end_fence(first);
	expect_result(test, out, 0);
	expect_result(test, out2, 0);
	KUNIT_EXPECT_EQ(test, rig_translate(test, SZ_1M), 0);
	flush_workqueue(ig1_free_wq);

	first = new_fence(test);
	out = bind_async(test, &op, first);
	end_fence(first);
	expect_result(test, out, 0);
	KUNIT_EXPECT_EQ(test, rig_translate(test, SZ_1M), rig_page(bo, 0, 0));
}

/* After a failure MAP ends with an error, queued or not; UNMAP goes on. */
static void test_unusable(struct kunit *test)
{
	struct drm_intaglio_bind_op op = { GOOD_MAP }, back = { GOOD_UNMAP };
	struct drm_intaglio_vm_get_state state = { 0 };
	struct dma_fence *fence = new_fence(test), *fence2 = new_fence(test);
	struct rig *rig = test->priv;
	struct drm_syncobj *out, *out2;
	u32 handle, done;

	rig_map_user(test);
	rig_bo(test, 4, &handle);
	rig_map(test, SZ_1M, handle, 0, 4, 0);
	out = bind_async(test, &op, fence);
	out2 = bind_async(test, &back, fence2);
	WRITE_ONCE(rig_vm(test)->unusable, true);
	end_fence(fence);
	end_fence(fence2);
	expect_result(test, out, -ECANCELED);
	expect_result(test, out2, 0);
	KUNIT_EXPECT_EQ(test, rig_translate(test, SZ_1M), 0);
	KUNIT_EXPECT_NE(test, rig_translate(test, SZ_1M + 2 * PAGE), 0);
	op.syncs.count = 0;
	back.syncs.count = 0;
	KUNIT_EXPECT_EQ(test, bind(test, &op, 1, 0, &done), -ECANCELED);
	KUNIT_EXPECT_EQ(test, bind(test, &op, 1, DRM_INTAGLIO_VM_BIND_ASYNC, &done), -ECANCELED);
	back.size = SZ_1M;
	KUNIT_EXPECT_EQ(test, bind(test, &back, 1, 0, &done), 0);
	KUNIT_EXPECT_EQ(test, rig_mappings(test), 0);
	state.vm_id = rig->vm_id;
	KUNIT_EXPECT_EQ(test, ig1_vm_get_state_ioctl(&rig->dev->drm, &state, rig->file), 0);
	KUNIT_EXPECT_EQ(test, state.state, DRM_INTAGLIO_VM_UNUSABLE);
}

/* All operations of an asynchronous call, or none. */
static void test_async_none(struct kunit *test)
{
	struct drm_intaglio_bind_op op[2] = { { GOOD_MAP }, { MAP_OP(1, 0, 1, 2 * PAGE) } };
	u32 handle, done;
	struct ig1_bo *bo;

	rig_map_user(test);
	bo = rig_bo(test, 4, &handle);
	KUNIT_EXPECT_EQ(test, bind(test, op, 2, DRM_INTAGLIO_VM_BIND_ASYNC, &done), -EINVAL);
	KUNIT_EXPECT_EQ(test, done, 2);
	KUNIT_EXPECT_EQ(test, rig_mappings(test), 0);
	KUNIT_EXPECT_EQ(test, rig_refs(bo), 1);
}

/* What an asynchronous call that fails had put before a fence is gone with it. */
static void test_async_none_waiting(struct kunit *test)
{
	struct drm_intaglio_bind_op op[2] = { { GOOD_MAP }, { MAP_OP(1, 0, 1, 2 * PAGE) } };
	struct dma_fence *fence = new_fence(test);
	struct drm_intaglio_sync sync = { 0 };
	struct rig *rig = test->priv;
	struct drm_syncobj *wait;
	u32 handle, done, i;

	rig_map_user(test);
	rig_bo(test, 4, &handle);
	KUNIT_ASSERT_EQ(test, drm_syncobj_create(&wait, 0, fence), 0);
	sync.handle = rig_syncobj(test, rig->file, wait);
	KUNIT_ASSERT_EQ(test, copy_to_user(rig->user + 1024, &sync, sizeof(sync)), 0);
	op[0].syncs.array = (uintptr_t)(rig->user + 1024);
	op[0].syncs.stride = sizeof(sync);
	op[0].syncs.count = 1;
	for (i = 0; i < 10; i++)
		KUNIT_EXPECT_EQ(test, bind(test, op, 2, DRM_INTAGLIO_VM_BIND_ASYNC, &done),
				-EINVAL);
	KUNIT_EXPECT_TRUE(test, list_empty(&rig_vm(test)->gates.shut));
	/* Ours and the syncobj's. */
	KUNIT_EXPECT_EQ(test, kref_read(&fence->refcount), 2);
	end_fence(fence);
}

/* The device goes: an operation that waits for a fence fails, and lets go of the fence. */
static void test_unplug_queued(struct kunit *test)
{
	struct drm_intaglio_bind_op op = { GOOD_MAP };
	struct dma_fence *never = new_fence(test);
	struct rig *rig = test->priv;
	struct drm_syncobj *out;
	u32 handle;

	rig_map_user(test);
	rig_bo(test, 4, &handle);
	out = bind_async(test, &op, never);
	KUNIT_EXPECT_FALSE(test, list_empty(&rig_vm(test)->gates.shut));
	drm_dev_unplug(&rig->dev->drm);
	ig1_vms_open_gates(rig->dev);
	expect_result(test, out, -ENODEV);
	KUNIT_EXPECT_TRUE(test, list_empty(&never->cb_list));
	KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(never));
	KUNIT_EXPECT_FALSE(test, ig1_vm_usable(rig_vm(test)));
	end_fence(never);
}

/* Dropped with an operation queued: that holds the address space, and runs. */
static void test_destroy_queued(struct kunit *test)
{
	struct drm_intaglio_bind_op op = { GOOD_MAP };
	struct drm_intaglio_vm_destroy destroy = { 0 };
	struct dma_fence *fence = new_fence(test);
	struct rig *rig = test->priv;
	struct drm_syncobj *out;
	u32 handle;
	struct ig1_bo *bo;

	rig_map_user(test);
	bo = rig_bo(test, 4, &handle);
	out = bind_async(test, &op, fence);
	destroy.vm_id = rig->vm_id;
	KUNIT_EXPECT_EQ(test, ig1_vm_destroy_ioctl(&rig->dev->drm, &destroy, rig->file), 0);
	flush_workqueue(ig1_free_wq);
	KUNIT_EXPECT_FALSE(test, list_empty(&rig->dev->vms.list));
	end_fence(fence);
	expect_result(test, out, 0);
	/* The job's end, then the address space's. */
	while (!list_empty(&rig->dev->vms.list))
		cond_resched();
	flush_workqueue(ig1_free_wq);
	KUNIT_EXPECT_EQ(test, rig_refs(bo), 1);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(test_bind_sync),	     KUNIT_CASE(test_release),
	KUNIT_CASE(test_release_no_memory),  KUNIT_CASE(test_bind_async),
	KUNIT_CASE(test_unusable),	     KUNIT_CASE(test_async_none),
	KUNIT_CASE(test_async_none_waiting), KUNIT_CASE(test_unplug_queued),
	KUNIT_CASE(test_destroy_queued),     {},
};

static struct kunit_suite suite = {
	.name = "ig1_vm_bind",
	.init = rig_init,
	.exit = rig_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
