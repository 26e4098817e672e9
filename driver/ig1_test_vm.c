// SPDX-License-Identifier: GPL-2.0-only
/* Address spaces for tests: a device without a chip. */
#include "ig1_test_vm.h"

#include <linux/delay.h>
#include <linux/mman.h>

#include <drm/drm_kunit_helpers.h>
#include <drm/drm_managed.h>
#include <drm/drm_syncobj.h>

#define LEAF (IG1_PTE_VALID | IG1_PTE_LEAF | IG1_PTE_SRAM)

static void sram_release(struct drm_device *drm, void *data)
{
	ig1_sram_teardown(data);
}

#ifdef HAVE_SYNCOBJ_XA
static void syncobjs_init(struct drm_file *file)
{
	xa_init_flags(&file->syncobj_xa, XA_FLAGS_ALLOC1);
}

static void syncobjs_fini(struct drm_file *file)
{
	struct drm_syncobj *syncobj;
	unsigned long id;

	xa_for_each(&file->syncobj_xa, id, syncobj)
		drm_syncobj_put(syncobj);
	xa_destroy(&file->syncobj_xa);
}
#else
static void syncobjs_init(struct drm_file *file)
{
	spin_lock_init(&file->syncobj_table_lock);
	file->syncobj_idr = (struct idr)IDR_INIT(file->syncobj_idr);
}

static void syncobjs_fini(struct drm_file *file)
{
	struct drm_syncobj *syncobj;
	int id;

	idr_for_each_entry(&file->syncobj_idr, syncobj, id)
		drm_syncobj_put(syncobj);
	idr_destroy(&file->syncobj_idr);
}
#endif

u32 rig_syncobj(struct kunit *test, struct drm_file *file, struct drm_syncobj *syncobj)
{
	u32 handle;

	KUNIT_ASSERT_EQ(test, drm_syncobj_get_handle(file, syncobj, &handle), 0);
	drm_syncobj_put(syncobj);
	return handle;
}

static void rig_file(struct kunit *test, struct rig *rig)
{
	rig->file = kunit_kzalloc(test, sizeof(*rig->file), GFP_KERNEL);
	rig->priv = kunit_kzalloc(test, sizeof(*rig->priv), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, rig->file);
	KUNIT_ASSERT_NOT_NULL(test, rig->priv);
	spin_lock_init(&rig->file->table_lock);
	rig->file->object_idr = (struct idr)IDR_INIT(rig->file->object_idr);
	syncobjs_init(rig->file);
	rig->priv->dev = rig->dev;
	xa_init_flags(&rig->priv->vms, XA_FLAGS_ALLOC1);
	rig->file->driver_priv = rig->priv;
}

int rig_init(struct kunit *test)
{
	struct device *parent = drm_kunit_helper_alloc_device(test);
	struct drm_intaglio_vm_create create = { 0 };
	struct ig1_device *dev;
	struct rig *rig;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, parent);
	dev = drm_kunit_helper_alloc_drm_device(test, parent, struct ig1_device, drm,
						DRIVER_GEM | DRIVER_SYNCOBJ | IG1_DRIVER_GPUVA);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, dev);
	rig = kunit_kzalloc(test, sizeof(*rig), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, rig);
	rig->dev = dev;
	init_rwsem(&dev->hw_lock);
	KUNIT_ASSERT_EQ(test, ig1_gem_init(dev), 0);
	KUNIT_ASSERT_EQ(test, ig1_mmu_pool_init(&dev->drm, &dev->mmu, NULL), 0);
	KUNIT_ASSERT_EQ(test, ig1_sram_setup(&dev->sram, (u64)SRAM_PAGES * PAGE), 0);
	KUNIT_ASSERT_EQ(test, drmm_add_action_or_reset(&dev->drm, sram_release, &dev->sram), 0);
	KUNIT_ASSERT_EQ(test, ig1_vms_init(dev), 0);
	rig_file(test, rig);
	KUNIT_ASSERT_EQ(test, ig1_vm_create_ioctl(&dev->drm, &create, rig->file), 0);
	rig->vm_id = create.vm_id;
	test->priv = rig;
	return 0;
}

static bool all_released(struct ig1_device *dev)
{
	return list_empty(&dev->vms.list) && !dev->mmu.count && dev->sram.free == SRAM_PAGES;
}

void rig_exit(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct drm_gem_object *obj;
	int id, i;

	if (!rig)
		return;
	ig1_vm_close_all(rig->priv);
	idr_for_each_entry(&rig->file->object_idr, obj, id)
		drm_gem_object_put(obj);
	idr_destroy(&rig->file->object_idr);
	syncobjs_fini(rig->file);
	/* The scheduler gives a finished operation, and with it its VM, back in its own time. */
	for (i = 0; i < 1000 && !all_released(rig->dev); i++) {
		usleep_range(1000, 2000);
		flush_workqueue(ig1_free_wq);
	}
	flush_workqueue(ig1_free_wq);
	KUNIT_EXPECT_EQ(test, rig->dev->mmu.count, 0);
	KUNIT_EXPECT_EQ(test, rig->dev->sram.free, SRAM_PAGES);
	KUNIT_EXPECT_TRUE(test, list_empty(&rig->dev->vms.list));
}

struct ig1_bo *rig_bo(struct kunit *test, u32 pages, u32 *handle)
{
	struct rig *rig = test->priv;
	struct ig1_bo *bo = ig1_bo_create_resident(rig->dev, (u64)pages * PAGE);
	int id;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, bo);
	id = idr_alloc(&rig->file->object_idr, &bo->base.base, 1, 0, GFP_KERNEL);
	KUNIT_ASSERT_GT(test, id, 0);
	*handle = id;
	return bo;
}

struct ig1_bo *rig_scattered_bo(struct kunit *test, u32 pages, u32 *handle)
{
	struct rig *rig = test->priv;
	struct ig1_sram_block *one, rest = { 0 };
	struct ig1_bo *bo;
	u32 n = 2 * pages, i;

	one = kunit_kcalloc(test, n, sizeof(*one), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, one);
	for (i = 0; i < n; i++)
		KUNIT_ASSERT_EQ(test, ig1_sram_alloc(&rig->dev->sram, 1, &one[i]), 0);
	KUNIT_ASSERT_EQ(test, ig1_sram_alloc(&rig->dev->sram, rig->dev->sram.free, &rest), 0);
	for (i = 0; i < n; i += 2)
		ig1_sram_free(&rig->dev->sram, &one[i]);
	bo = rig_bo(test, pages, handle);
	KUNIT_EXPECT_EQ(test, bo->block.count, pages);
	for (i = 1; i < n; i += 2)
		ig1_sram_free(&rig->dev->sram, &one[i]);
	ig1_sram_free(&rig->dev->sram, &rest);
	return bo;
}

u32 rig_refs(struct ig1_bo *bo)
{
	return kref_read(&bo->base.base.refcount);
}

struct ig1_vm *rig_vm(struct kunit *test)
{
	struct rig *rig = test->priv;

	return xa_load(&rig->priv->vms, rig->vm_id);
}

int rig_op(struct kunit *test, const struct drm_intaglio_bind_op *args)
{
	struct rig *rig = test->priv;
	struct ig1_vm_op *op;
	int ret;

	op = ig1_vm_op_prepare(rig_vm(test), rig->file, args);
	if (IS_ERR(op))
		return PTR_ERR(op);
	ret = ig1_vm_op_run(op);
	ig1_vm_op_end(op);
	return ret;
}

void rig_map(struct kunit *test, u64 va, u32 handle, u32 page, u32 pages, u32 flags)
{
	struct drm_intaglio_bind_op op = {
		.op = DRM_INTAGLIO_BIND_MAP,
		.flags = flags,
		.handle = handle,
		.offset = (u64)page * PAGE,
		.va = va,
		.size = (u64)pages * PAGE,
	};

	KUNIT_ASSERT_EQ(test, rig_op(test, &op), 0);
}

void rig_unmap(struct kunit *test, u64 va, u32 pages)
{
	struct drm_intaglio_bind_op op = {
		.op = DRM_INTAGLIO_BIND_UNMAP,
		.va = va,
		.size = (u64)pages * PAGE,
	};

	KUNIT_ASSERT_EQ(test, rig_op(test, &op), 0);
}

u64 rig_translate(struct kunit *test, u64 va)
{
	u64 bytes, entry = ig1_mmu_walk(&rig_vm(test)->mmu, va, &bytes);

	return entry ? entry + (va & (bytes - 1) & ~(u64)(PAGE - 1)) : 0;
}

u64 rig_page(struct ig1_bo *bo, u32 page, u32 flags)
{
	u64 write = flags & DRM_INTAGLIO_BIND_READONLY ? 0 : IG1_PTE_WRITE;
	u32 i;

	for (i = 0; page >= bo->block.runs[i].pages; i++)
		page -= bo->block.runs[i].pages;
	return (u64)(bo->block.runs[i].first + page) * PAGE | LEAF | write;
}

u32 rig_mappings(struct kunit *test)
{
	struct drm_gpuva *va;
	u32 n = 0;

	drm_gpuvm_for_each_va(va, &rig_vm(test)->base)
		n++;
	return n;
}

void rig_map_user(struct kunit *test)
{
	struct rig *rig = test->priv;
	unsigned long p = kunit_vm_mmap(test, NULL, 0, PAGE_SIZE, PROT_READ | PROT_WRITE,
					MAP_ANONYMOUS | MAP_PRIVATE, 0);

	KUNIT_ASSERT_NE(test, p, 0);
	KUNIT_ASSERT_LT(test, p, (unsigned long)TASK_SIZE);
	rig->user = (void __user *)p;
}
