// SPDX-License-Identifier: GPL-2.0-only
/* Address spaces: VM_BIND and its splits, arguments, fences, and what is released when. */
#include <kunit/test.h>

#include <linux/delay.h>
#include <linux/dma-fence.h>
#include <linux/dma-resv.h>
#include <linux/mman.h>
#include <linux/prandom.h>
#include <linux/uaccess.h>

#include <drm/drm_kunit_helpers.h>
#include <drm/drm_managed.h>
#include <drm/drm_syncobj.h>

#include "ig1_device.h"
#include "ig1_sync.h"
#include "ig1_vm_bind.h"

#define PAGE	     IG1_PAGE_BYTES
#define SRAM_PAGES   2048
#define LEAF	     (IG1_PTE_VALID | IG1_PTE_LEAF | IG1_PTE_SRAM)
#define WINDOW_PAGES 256
#define WINDOW_VA    (SZ_2M - WINDOW_PAGES / 2 * PAGE)

struct rig {
	struct ig1_device *dev;
	struct drm_file *file;
	struct ig1_file *priv;
	u32 vm_id;
	/* A page that the ioctls' pointers point to. */
	void __user *user;
};

/* --- a device without a chip ---------------------------------------------------------------- */

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

/* A handle takes the reference over. */
static u32 syncobj_handle(struct kunit *test, struct drm_file *file, struct drm_syncobj *syncobj)
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

static int rig_init(struct kunit *test)
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

static void rig_exit(struct kunit *test)
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

/* A resident buffer and its handle. The handle holds it. */
static struct ig1_bo *new_bo(struct kunit *test, u32 pages, u32 *handle)
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

/* The same in many pieces: single pages with holes between them. */
static struct ig1_bo *new_scattered_bo(struct kunit *test, u32 pages, u32 *handle)
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
	bo = new_bo(test, pages, handle);
	KUNIT_EXPECT_EQ(test, bo->block.count, pages);
	for (i = 1; i < n; i += 2)
		ig1_sram_free(&rig->dev->sram, &one[i]);
	ig1_sram_free(&rig->dev->sram, &rest);
	return bo;
}

static u32 bo_refs(struct ig1_bo *bo)
{
	return kref_read(&bo->base.base.refcount);
}

static struct ig1_vm *the_vm(struct kunit *test)
{
	struct rig *rig = test->priv;

	return xa_load(&rig->priv->vms, rig->vm_id);
}

/* --- operations ----------------------------------------------------------------------------- */

static int try_op(struct kunit *test, const struct drm_intaglio_bind_op *args)
{
	struct rig *rig = test->priv;
	struct ig1_vm_op *op;
	int ret;

	op = ig1_vm_op_prepare(the_vm(test), rig->file, args);
	if (IS_ERR(op))
		return PTR_ERR(op);
	ret = ig1_vm_op_run(op);
	ig1_vm_op_end(op);
	return ret;
}

static void map(struct kunit *test, u64 va, u32 handle, u32 page, u32 pages, u32 flags)
{
	struct drm_intaglio_bind_op op = {
		.op = DRM_INTAGLIO_BIND_MAP,
		.flags = flags,
		.handle = handle,
		.offset = (u64)page * PAGE,
		.va = va,
		.size = (u64)pages * PAGE,
	};

	KUNIT_ASSERT_EQ(test, try_op(test, &op), 0);
}

static void unmap(struct kunit *test, u64 va, u32 pages)
{
	struct drm_intaglio_bind_op op = {
		.op = DRM_INTAGLIO_BIND_UNMAP,
		.va = va,
		.size = (u64)pages * PAGE,
	};

	KUNIT_ASSERT_EQ(test, try_op(test, &op), 0);
}

static u64 translate(struct kunit *test, u64 va)
{
	u64 bytes, entry = ig1_mmu_walk(&the_vm(test)->mmu, va, &bytes);

	return entry ? entry + (va & (bytes - 1) & ~(u64)(PAGE - 1)) : 0;
}

/* What a page of a buffer should translate to. */
static u64 page_of(struct ig1_bo *bo, u32 page, u32 flags)
{
	u64 write = flags & DRM_INTAGLIO_BIND_READONLY ? 0 : IG1_PTE_WRITE;
	u32 i;

	for (i = 0; page >= bo->block.runs[i].pages; i++)
		page -= bo->block.runs[i].pages;
	return (u64)(bo->block.runs[i].first + page) * PAGE | LEAF | write;
}

/* Mappings in the VM's tree. */
static u32 mappings(struct kunit *test)
{
	struct drm_gpuva *va;
	u32 n = 0;

	drm_gpuvm_for_each_va(va, &the_vm(test)->base)
		n++;
	return n;
}

struct split_case {
	const char *name;
	/* Pages of a second operation on top of a mapping of pages 4 to 11. */
	u32 first, pages;
	/* Mappings after an unmap, after a map. */
	u32 after_unmap, after_map;
};

static const struct split_case split_cases[] = {
	{ "apart", 0, 4, 1, 2 },	 { "front", 2, 4, 1, 2 },     { "back", 10, 4, 1, 2 },
	{ "middle", 6, 2, 2, 3 },	 { "all of it", 4, 8, 0, 1 }, { "more", 0, 16, 0, 1 },
	{ "its beginning", 4, 1, 1, 2 }, { "its end", 11, 1, 1, 2 },
};

static void split_name(const struct split_case *c, char *to)
{
	strscpy(to, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(split, split_cases, split_name);

static void test_split(struct kunit *test)
{
	const struct split_case *c = test->param_value;
	u64 va = SZ_2M - 8 * PAGE;
	struct ig1_bo *a, *b;
	u32 ha, hb, i;
	bool hit;

	a = new_scattered_bo(test, 8, &ha);
	b = new_bo(test, 16, &hb);
	map(test, va + 4 * PAGE, ha, 0, 8, DRM_INTAGLIO_BIND_READONLY);
	unmap(test, va + c->first * PAGE, c->pages);
	KUNIT_EXPECT_EQ(test, mappings(test), c->after_unmap);
	for (i = 0; i < 16; i++) {
		hit = i >= 4 && i < 12 && !(i >= c->first && i < c->first + c->pages);
		KUNIT_EXPECT_EQ(test, translate(test, va + i * PAGE),
				hit ? page_of(a, i - 4, DRM_INTAGLIO_BIND_READONLY) : 0);
	}
	map(test, va + 4 * PAGE, ha, 0, 8, DRM_INTAGLIO_BIND_READONLY);
	map(test, va + c->first * PAGE, hb, c->first, c->pages, 0);
	KUNIT_EXPECT_EQ(test, mappings(test), c->after_map);
	for (i = 0; i < 16; i++) {
		u64 want = 0;

		if (i >= c->first && i < c->first + c->pages)
			want = page_of(b, i, 0);
		else if (i >= 4 && i < 12)
			want = page_of(a, i - 4, DRM_INTAGLIO_BIND_READONLY);
		KUNIT_EXPECT_EQ(test, translate(test, va + i * PAGE), want);
	}
	unmap(test, 0, 1 << 20);
	KUNIT_EXPECT_EQ(test, mappings(test), 0);
	KUNIT_EXPECT_EQ(test, bo_refs(a), 1);
	KUNIT_EXPECT_EQ(test, bo_refs(b), 1);
	/* Only the root is left. */
	KUNIT_EXPECT_EQ(test, the_vm(test)->dev->mmu.count, 1);
}

/* Random operations on buffers in many pieces, compared page by page. */
static void test_random(struct kunit *test)
{
	u32 round, first, pages, page, flags, k, i, handle[3];
	struct rnd_state rnd;
	struct ig1_bo *bo[3];
	u64 *model;

	model = kunit_kcalloc(test, WINDOW_PAGES, sizeof(*model), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, model);
	bo[0] = new_scattered_bo(test, 100, &handle[0]);
	bo[1] = new_scattered_bo(test, 256, &handle[1]);
	bo[2] = new_bo(test, 256, &handle[2]);
	prandom_seed_state(&rnd, 3);
	for (round = 0; round < 300; round++) {
		k = prandom_u32_state(&rnd) % 4;
		first = prandom_u32_state(&rnd) % WINDOW_PAGES;
		pages = 1 + prandom_u32_state(&rnd) % 90;
		pages = min(pages, WINDOW_PAGES - first);
		if (k == 3) {
			unmap(test, WINDOW_VA + first * PAGE, pages);
			memset(model + first, 0, pages * sizeof(*model));
		} else {
			page = prandom_u32_state(&rnd) % (101 - pages);
			flags = prandom_u32_state(&rnd) % 2 ? DRM_INTAGLIO_BIND_READONLY : 0;
			map(test, WINDOW_VA + first * PAGE, handle[k], page, pages, flags);
			for (i = 0; i < pages; i++)
				model[first + i] = page_of(bo[k], page + i, flags);
		}
		for (i = 0; i < WINDOW_PAGES; i++)
			KUNIT_ASSERT_EQ_MSG(test, translate(test, WINDOW_VA + i * PAGE), model[i],
					    "round %u, page %u", round, i);
	}
	unmap(test, WINDOW_VA, WINDOW_PAGES);
	for (k = 0; k < 3; k++)
		KUNIT_EXPECT_EQ(test, bo_refs(bo[k]), 1);
}

/* One page at many addresses, and closed handles: the mappings hold the buffer. */
static void test_share(struct kunit *test)
{
	struct rig *rig = test->priv;
	u32 handle, i;
	struct ig1_bo *bo = new_bo(test, 1, &handle);

	for (i = 0; i < 40; i++)
		map(test, (u64)i * SZ_2M, handle, 0, 1, 0);
	for (i = 0; i < 40; i++)
		KUNIT_EXPECT_EQ(test, translate(test, (u64)i * SZ_2M), page_of(bo, 0, 0));
	idr_remove(&rig->file->object_idr, handle);
	drm_gem_object_put(&bo->base.base);
	KUNIT_EXPECT_EQ(test, ig1_sram_free_pages(&rig->dev->sram), SRAM_PAGES - 1);
	for (i = 0; i < 40; i++) {
		KUNIT_EXPECT_EQ(test, ig1_sram_free_pages(&rig->dev->sram), SRAM_PAGES - 1);
		unmap(test, (u64)i * SZ_2M, 1);
	}
	KUNIT_EXPECT_EQ(test, ig1_sram_free_pages(&rig->dev->sram), SRAM_PAGES);
}

/* --- arguments ------------------------------------------------------------------------------ */

struct bad_op {
	const char *name;
	struct drm_intaglio_bind_op op;
	int error;
};

#define GOOD_MAP   .op = DRM_INTAGLIO_BIND_MAP, .handle = 1, .va = SZ_1M, .size = 2 * PAGE
#define GOOD_UNMAP .op = DRM_INTAGLIO_BIND_UNMAP, .va = SZ_1M, .size = 2 * PAGE

static const struct bad_op bad_ops[] = {
	{ "good map", { GOOD_MAP }, 0 },
	{ "good unmap", { GOOD_UNMAP }, 0 },
	{ "op", { GOOD_MAP, .op = 2 }, -EINVAL },
	{ "pad", { GOOD_MAP, .pad = 1 }, -EINVAL },
	{ "map flags", { GOOD_MAP, .flags = 2 }, -EINVAL },
	{ "handle 0", { GOOD_MAP, .handle = 0 }, -ENOENT },
	{ "handle", { GOOD_MAP, .handle = 77 }, -ENOENT },
	{ "offset not in pages", { GOOD_MAP, .offset = 8 }, -EINVAL },
	{ "offset beyond", { GOOD_MAP, .offset = 4 * PAGE }, -EINVAL },
	{ "offset and size beyond", { GOOD_MAP, .offset = 3 * PAGE }, -EINVAL },
	{ "offset wraps", { GOOD_MAP, .offset = -PAGE }, -EINVAL },
	{ "size 0", { GOOD_MAP, .size = 0 }, -EINVAL },
	{ "size not in pages", { GOOD_MAP, .size = 100 }, -EINVAL },
	{ "size beyond the buffer", { GOOD_MAP, .size = 5 * PAGE }, -EINVAL },
	{ "size wraps", { GOOD_MAP, .size = -PAGE }, -EINVAL },
	{ "va not in pages", { GOOD_MAP, .va = 4 }, -EINVAL },
	{ "va beyond", { GOOD_MAP, .va = BIT_ULL(IG1_VA_BITS) }, -EINVAL },
	{ "va and size beyond", { GOOD_MAP, .va = BIT_ULL(IG1_VA_BITS) - PAGE }, -EINVAL },
	{ "va wraps", { GOOD_MAP, .va = -PAGE }, -EINVAL },
	{ "unmap flags", { GOOD_UNMAP, .flags = 1 }, -EINVAL },
	{ "unmap handle", { GOOD_UNMAP, .handle = 1 }, -EINVAL },
	{ "unmap offset", { GOOD_UNMAP, .offset = PAGE }, -EINVAL },
	{ "unmap size 0", { GOOD_UNMAP, .size = 0 }, -EINVAL },
	{ "unmap va", { GOOD_UNMAP, .va = 1 }, -EINVAL },
	{ "unmap beyond", { GOOD_UNMAP, .size = BIT_ULL(IG1_VA_BITS) }, -EINVAL },
};

static void bad_op_name(const struct bad_op *c, char *to)
{
	strscpy(to, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(bad_op, bad_ops, bad_op_name);

static void test_bad_op(struct kunit *test)
{
	const struct bad_op *c = test->param_value;
	struct ig1_bo *bo;
	u32 handle;

	bo = new_bo(test, 4, &handle);
	KUNIT_ASSERT_EQ(test, handle, 1);
	KUNIT_EXPECT_EQ(test, try_op(test, &c->op), c->error);
	if (c->error) {
		KUNIT_EXPECT_EQ(test, mappings(test), 0);
		KUNIT_EXPECT_EQ(test, bo_refs(bo), 1);
		KUNIT_EXPECT_EQ(test, the_vm(test)->dev->mmu.count, 1);
	}
}

/* A buffer that is private to another VM. */
static void test_private(struct kunit *test)
{
	struct drm_intaglio_bind_op op = { GOOD_MAP };
	struct drm_intaglio_vm_create create = { 0 };
	struct rig *rig = test->priv;
	struct ig1_vm *other;
	struct ig1_bo *bo;

	bo = new_bo(test, 4, &op.handle);
	KUNIT_ASSERT_EQ(test, ig1_vm_create_ioctl(&rig->dev->drm, &create, rig->file), 0);
	other = xa_load(&rig->priv->vms, create.vm_id);
	bo->root = other->base.r_obj;
	drm_gem_object_get(bo->root);
	bo->base.base.resv = bo->root->resv;
	KUNIT_EXPECT_EQ(test, try_op(test, &op), -EINVAL);
	KUNIT_EXPECT_TRUE(test, IS_ERR(bo->base.base.funcs->export(&bo->base.base, 0)));
	rig->vm_id = create.vm_id;
	KUNIT_EXPECT_EQ(test, try_op(test, &op), 0);
}

static void test_vm_ioctls(struct kunit *test)
{
	struct drm_intaglio_vm_get_state state = { 0 };
	struct drm_intaglio_vm_destroy destroy = { 0 };
	struct drm_intaglio_vm_create create = { 0 };
	struct rig *rig = test->priv;
	struct drm_device *drm = &rig->dev->drm;

	create.flags = 1;
	KUNIT_EXPECT_EQ(test, ig1_vm_create_ioctl(drm, &create, rig->file), -EINVAL);
	create.flags = 0;
	KUNIT_EXPECT_EQ(test, ig1_vm_create_ioctl(drm, &create, rig->file), 0);
	KUNIT_EXPECT_NE(test, create.vm_id, 0);
	state.vm_id = create.vm_id;
	KUNIT_EXPECT_EQ(test, ig1_vm_get_state_ioctl(drm, &state, rig->file), 0);
	KUNIT_EXPECT_EQ(test, state.state, DRM_INTAGLIO_VM_USABLE);
	state.vm_id = 0;
	KUNIT_EXPECT_EQ(test, ig1_vm_get_state_ioctl(drm, &state, rig->file), -ENOENT);
	destroy.vm_id = create.vm_id;
	destroy.pad = 1;
	KUNIT_EXPECT_EQ(test, ig1_vm_destroy_ioctl(drm, &destroy, rig->file), -EINVAL);
	destroy.pad = 0;
	KUNIT_EXPECT_EQ(test, ig1_vm_destroy_ioctl(drm, &destroy, rig->file), 0);
	KUNIT_EXPECT_EQ(test, ig1_vm_destroy_ioctl(drm, &destroy, rig->file), -ENOENT);
	state.vm_id = create.vm_id;
	KUNIT_EXPECT_EQ(test, ig1_vm_get_state_ioctl(drm, &state, rig->file), -ENOENT);
}

static void test_gem_ioctls(struct kunit *test)
{
	static const struct {
		struct drm_intaglio_gem_create args;
		int error;
	} create[] = {
		{ { .size = 0 }, -EINVAL },
		{ { .size = BIT_ULL(IG1_VA_BITS) + 1 }, -EINVAL },
		{ { .size = ~0ull }, -EINVAL },
		{ { .size = PAGE, .flags = 2 }, -EINVAL },
		{ { .size = PAGE, .pad = 1 }, -EINVAL },
		{ { .size = PAGE, .vm_id = 99 }, -ENOENT },
		{ { .size = (SRAM_PAGES + 1) * PAGE, .flags = DRM_INTAGLIO_GEM_RESIDENT },
		  -ENOSPC },
	};
	struct drm_intaglio_gem_mmap_offset offset = { 0 };
	struct drm_intaglio_gem_info info = { 0 };
	struct drm_intaglio_gem_create args;
	struct rig *rig = test->priv;
	struct drm_device *drm = &rig->dev->drm;
	u32 handle, i;

	for (i = 0; i < ARRAY_SIZE(create); i++) {
		args = create[i].args;
		KUNIT_EXPECT_EQ_MSG(test, ig1_gem_create_ioctl(drm, &args, rig->file),
				    create[i].error, "case %u", i);
	}
	new_bo(test, 3, &handle);
	info.handle = handle;
	KUNIT_EXPECT_EQ(test, ig1_gem_info_ioctl(drm, &info, rig->file), 0);
	KUNIT_EXPECT_EQ(test, info.size, 3 * PAGE);
	KUNIT_EXPECT_EQ(test, info.flags, DRM_INTAGLIO_GEM_RESIDENT);
	info.handle = 55;
	KUNIT_EXPECT_EQ(test, ig1_gem_info_ioctl(drm, &info, rig->file), -ENOENT);
	offset.handle = handle;
	KUNIT_EXPECT_EQ(test, ig1_gem_mmap_offset_ioctl(drm, &offset, rig->file), -EOPNOTSUPP);
	offset.handle = 55;
	KUNIT_EXPECT_EQ(test, ig1_gem_mmap_offset_ioctl(drm, &offset, rig->file), -ENOENT);
	offset.pad = 1;
	offset.handle = handle;
	KUNIT_EXPECT_EQ(test, ig1_gem_mmap_offset_ioctl(drm, &offset, rig->file), -EINVAL);
}

/* --- user memory ---------------------------------------------------------------------------- */

static void map_user(struct kunit *test)
{
	struct rig *rig = test->priv;
	unsigned long p = kunit_vm_mmap(test, NULL, 0, PAGE_SIZE, PROT_READ | PROT_WRITE,
					MAP_ANONYMOUS | MAP_PRIVATE, 0);

	KUNIT_ASSERT_NE(test, p, 0);
	KUNIT_ASSERT_LT(test, p, (unsigned long)TASK_SIZE);
	rig->user = (void __user *)p;
}

static void test_array(struct kunit *test)
{
	struct drm_intaglio_obj_array a = { 0 };
	struct rig *rig = test->priv;
	u32 words[8] = { 1, 2, 0, 3, 4, 0, 5, 6 }, *got;

	map_user(test);
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

	map_user(test);
	new_bo(test, 4, &handle);
	op[1].va = SZ_2M;
	op[2].va = SZ_4M;
	KUNIT_EXPECT_EQ(test, bind(test, op, 3, 0, &done), 0);
	KUNIT_EXPECT_EQ(test, done, 3);
	KUNIT_EXPECT_EQ(test, mappings(test), 3);
	/* The first that fails ends it, the earlier ones stay. */
	op[0].va = SZ_8M;
	op[1].handle = 9;
	KUNIT_EXPECT_EQ(test, bind(test, op, 3, 0, &done), -ENOENT);
	KUNIT_EXPECT_EQ(test, done, 1);
	KUNIT_EXPECT_EQ(test, mappings(test), 4);
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
	struct dma_resv *resv = ig1_vm_resv(the_vm(test));

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
	struct ig1_bo *bo = new_bo(test, 2, &handle);

	map(test, SZ_1M, handle, 0, 2, 0);
	tables = rig->dev->mmu.count;
	add_fence(test, fence);
	unmap(test, SZ_1M, 2);
	KUNIT_EXPECT_EQ(test, translate(test, SZ_1M), 0);
	flush_workqueue(ig1_free_wq);
	KUNIT_EXPECT_GT(test, bo_refs(bo), 1);
	KUNIT_EXPECT_EQ(test, rig->dev->mmu.count, tables);
	end_fence(fence);
	flush_workqueue(ig1_free_wq);
	KUNIT_EXPECT_EQ(test, bo_refs(bo), 1);
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

	bo = new_bo(test, 2, &handle);
	map(test, SZ_1M, handle, 0, 2, 0);
	for (i = 0; i < ARRAY_SIZE(fence); i++) {
		fence[i] = new_fence(test);
		add_fence(test, fence[i]);
	}
	op = ig1_vm_op_prepare(the_vm(test), rig->file, &args);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, op);
	KUNIT_ASSERT_EQ(test, ig1_vm_op_run(op), 0);
	ig1_vm_op_release(op, false);
	/* In any order. */
	for (i = ARRAY_SIZE(fence); i--;) {
		flush_workqueue(ig1_free_wq);
		KUNIT_EXPECT_GT(test, bo_refs(bo), 1);
		end_fence(fence[i]);
	}
	flush_workqueue(ig1_free_wq);
	KUNIT_EXPECT_EQ(test, bo_refs(bo), 1);
	/* And where they have all signalled before. */
	map(test, SZ_1M, handle, 0, 2, 0);
	op = ig1_vm_op_prepare(the_vm(test), rig->file, &args);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, op);
	KUNIT_ASSERT_EQ(test, ig1_vm_op_run(op), 0);
	ig1_vm_op_release(op, false);
	KUNIT_EXPECT_EQ(test, bo_refs(bo), 1);
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
	sync[0].handle = syncobj_handle(test, rig->file, out);
	sync[1].handle = syncobj_handle(test, rig->file, wait);
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

	map_user(test);
	bo = new_bo(test, 4, &handle);
	out = bind_async(test, &op, first);
	out2 = bind_async(test, &back, second);
	/* The second may run, but operations keep their order. */
	end_fence(second);
	KUNIT_EXPECT_EQ(test, translate(test, SZ_1M), 0);
	end_fence(first);
	expect_result(test, out, 0);
	expect_result(test, out2, 0);
	KUNIT_EXPECT_EQ(test, translate(test, SZ_1M), 0);
	flush_workqueue(ig1_free_wq);

	first = new_fence(test);
	out = bind_async(test, &op, first);
	end_fence(first);
	expect_result(test, out, 0);
	KUNIT_EXPECT_EQ(test, translate(test, SZ_1M), page_of(bo, 0, 0));
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

	map_user(test);
	new_bo(test, 4, &handle);
	map(test, SZ_1M, handle, 0, 4, 0);
	out = bind_async(test, &op, fence);
	out2 = bind_async(test, &back, fence2);
	WRITE_ONCE(the_vm(test)->unusable, true);
	end_fence(fence);
	end_fence(fence2);
	expect_result(test, out, -ECANCELED);
	expect_result(test, out2, 0);
	KUNIT_EXPECT_EQ(test, translate(test, SZ_1M), 0);
	KUNIT_EXPECT_NE(test, translate(test, SZ_1M + 2 * PAGE), 0);
	op.syncs.count = 0;
	back.syncs.count = 0;
	KUNIT_EXPECT_EQ(test, bind(test, &op, 1, 0, &done), -ECANCELED);
	KUNIT_EXPECT_EQ(test, bind(test, &op, 1, DRM_INTAGLIO_VM_BIND_ASYNC, &done), -ECANCELED);
	back.size = SZ_1M;
	KUNIT_EXPECT_EQ(test, bind(test, &back, 1, 0, &done), 0);
	KUNIT_EXPECT_EQ(test, mappings(test), 0);
	state.vm_id = rig->vm_id;
	KUNIT_EXPECT_EQ(test, ig1_vm_get_state_ioctl(&rig->dev->drm, &state, rig->file), 0);
	KUNIT_EXPECT_EQ(test, state.state, DRM_INTAGLIO_VM_UNUSABLE);
}

/* All operations of an asynchronous call, or none. */
static void test_async_none(struct kunit *test)
{
	struct drm_intaglio_bind_op op[2] = { { GOOD_MAP }, { GOOD_MAP, .va = 1 } };
	u32 handle, done;
	struct ig1_bo *bo;

	map_user(test);
	bo = new_bo(test, 4, &handle);
	KUNIT_EXPECT_EQ(test, bind(test, op, 2, DRM_INTAGLIO_VM_BIND_ASYNC, &done), -EINVAL);
	KUNIT_EXPECT_EQ(test, done, 2);
	KUNIT_EXPECT_EQ(test, mappings(test), 0);
	KUNIT_EXPECT_EQ(test, bo_refs(bo), 1);
}

/* What an asynchronous call that fails had put before a fence is gone with it. */
static void test_async_none_waiting(struct kunit *test)
{
	struct drm_intaglio_bind_op op[2] = { { GOOD_MAP }, { GOOD_MAP, .va = 1 } };
	struct dma_fence *fence = new_fence(test);
	struct drm_intaglio_sync sync = { 0 };
	struct rig *rig = test->priv;
	struct drm_syncobj *wait;
	u32 handle, done, i;

	map_user(test);
	new_bo(test, 4, &handle);
	KUNIT_ASSERT_EQ(test, drm_syncobj_create(&wait, 0, fence), 0);
	sync.handle = syncobj_handle(test, rig->file, wait);
	KUNIT_ASSERT_EQ(test, copy_to_user(rig->user + 1024, &sync, sizeof(sync)), 0);
	op[0].syncs.array = (uintptr_t)(rig->user + 1024);
	op[0].syncs.stride = sizeof(sync);
	op[0].syncs.count = 1;
	for (i = 0; i < 10; i++)
		KUNIT_EXPECT_EQ(test, bind(test, op, 2, DRM_INTAGLIO_VM_BIND_ASYNC, &done),
				-EINVAL);
	KUNIT_EXPECT_TRUE(test, list_empty(&the_vm(test)->gates.shut));
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

	map_user(test);
	new_bo(test, 4, &handle);
	out = bind_async(test, &op, never);
	KUNIT_EXPECT_FALSE(test, list_empty(&the_vm(test)->gates.shut));
	drm_dev_unplug(&rig->dev->drm);
	ig1_vms_open_gates(rig->dev);
	expect_result(test, out, -ENODEV);
	KUNIT_EXPECT_TRUE(test, list_empty(&never->cb_list));
	KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(never));
	KUNIT_EXPECT_FALSE(test, ig1_vm_usable(the_vm(test)));
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

	map_user(test);
	bo = new_bo(test, 4, &handle);
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
	KUNIT_EXPECT_EQ(test, bo_refs(bo), 1);
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

	map_user(test);
	KUNIT_ASSERT_EQ(test, drm_syncobj_create(&syncobj, 0, NULL), 0);
	KUNIT_ASSERT_EQ(test, syncobj_handle(test, rig->file, syncobj), 1);
	KUNIT_ASSERT_EQ(test, copy_to_user(rig->user, &c->sync, sizeof(c->sync)), 0);
	a.array = (uintptr_t)rig->user;
	a.stride = sizeof(c->sync);
	a.count = 1;
	KUNIT_EXPECT_EQ(test, ig1_syncs_get(rig->file, &a, &syncs), c->error);
	ig1_syncs_put(&syncs);
	KUNIT_EXPECT_EQ(test, kref_read(&syncobj->refcount), 1);
}

static struct kunit_case vm_cases[] = { KUNIT_CASE_PARAM(test_split, split_gen_params),
					KUNIT_CASE(test_random),
					KUNIT_CASE(test_share),
					KUNIT_CASE_PARAM(test_bad_op, bad_op_gen_params),
					KUNIT_CASE(test_private),
					KUNIT_CASE(test_vm_ioctls),
					KUNIT_CASE(test_gem_ioctls),
					KUNIT_CASE(test_array),
					KUNIT_CASE(test_bind_sync),
					KUNIT_CASE(test_release),
					KUNIT_CASE(test_release_no_memory),
					KUNIT_CASE(test_bind_async),
					KUNIT_CASE(test_unusable),
					KUNIT_CASE(test_async_none),
					KUNIT_CASE(test_async_none_waiting),
					KUNIT_CASE(test_unplug_queued),
					KUNIT_CASE(test_destroy_queued),
					KUNIT_CASE_PARAM(test_syncs, bad_sync_gen_params),
					{} };

static struct kunit_suite vm_suite = {
	.name = "ig1_vm",
	.init = rig_init,
	.exit = rig_exit,
	.test_cases = vm_cases,
};

kunit_test_suite(vm_suite);
