// SPDX-License-Identifier: GPL-2.0-only
/* KUnit: buffers in host memory and from other devices, as the chip sees them, and their end. */
#include <kunit/test.h>

#include <linux/delay.h>
#include <linux/dma-buf.h>
#include <linux/file.h>
#include <linux/mm.h>
#include <linux/module.h>

#include <drm/drm_kunit_helpers.h>
#include <drm/drm_managed.h>
#include <drm/drm_prime.h>

#include "ig1_device.h"
#include "ig1_vm_bind.h"

#define PAGE IG1_PAGE_BYTES
#define VA   SZ_1M
#define LEAF (IG1_PTE_VALID | IG1_PTE_LEAF | IG1_PTE_WRITE)

struct rig {
	struct ig1_device *dev;
	struct drm_file *file;
	struct ig1_vm *vm;
};

static const struct file_operations fops = {
	.owner = THIS_MODULE,
};

static const struct drm_driver driver = {
	.driver_features = DRIVER_GEM | DRIVER_SYNCOBJ | IG1_DRIVER_GPUVA,
	.gem_create_object = ig1_gem_create_object,
	.gem_prime_import = ig1_gem_import,
	.gem_prime_import_sg_table = ig1_gem_import_sg,
	.fops = &fops,
	.name = "intaglio-test",
};

static void sram_release(struct drm_device *drm, void *data)
{
	ig1_sram_teardown(data);
}

static int rig_init(struct kunit *test)
{
	struct device *parent = drm_kunit_helper_alloc_device(test);
	struct ig1_device *dev;
	struct rig *rig;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, parent);
	dev = drm_kunit_helper_alloc_drm_device_with_driver(test, parent, struct ig1_device, drm,
							    &driver);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, dev);
	rig = kunit_kzalloc(test, sizeof(*rig), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, rig);
	rig->dev = dev;
	init_rwsem(&dev->hw_lock);
	KUNIT_ASSERT_EQ(test, ig1_gem_init(dev), 0);
	KUNIT_ASSERT_EQ(test, ig1_mmu_pool_init(&dev->drm, &dev->mmu, NULL), 0);
	KUNIT_ASSERT_EQ(test, ig1_sram_setup(&dev->sram, 16 * PAGE), 0);
	KUNIT_ASSERT_EQ(test, drmm_add_action_or_reset(&dev->drm, sram_release, &dev->sram), 0);
	KUNIT_ASSERT_EQ(test, ig1_vms_init(dev), 0);
	rig->file = kunit_kzalloc(test, sizeof(*rig->file), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, rig->file);
	spin_lock_init(&rig->file->table_lock);
	rig->file->object_idr = (struct idr)IDR_INIT(rig->file->object_idr);
	rig->vm = ig1_vm_create(dev);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, rig->vm);
	test->priv = rig;
	return 0;
}

static void rig_exit(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct drm_gem_object *obj;
	int id;

	if (!rig)
		return;
	ig1_vm_put(rig->vm);
	idr_for_each_entry(&rig->file->object_idr, obj, id)
		drm_gem_object_put(obj);
	idr_destroy(&rig->file->object_idr);
	flush_workqueue(ig1_free_wq);
	flush_delayed_fput();
	/* Whatever the test has done, nothing is left mapped and nothing is left counted. */
	KUNIT_EXPECT_EQ(test, atomic_read(&rig->dev->gem.mappings), 0);
	KUNIT_EXPECT_EQ(test, atomic64_read(&rig->dev->gem.host_bytes), 0);
	KUNIT_EXPECT_TRUE(test, list_empty(&rig->dev->gem.mapped));
	KUNIT_EXPECT_EQ(test, rig->dev->mmu.count, 0);
}

/* The handle takes the reference over. */
static u32 new_handle(struct kunit *test, struct drm_gem_object *obj)
{
	struct rig *rig = test->priv;
	int id = idr_alloc(&rig->file->object_idr, obj, 1, 0, GFP_KERNEL);

	KUNIT_ASSERT_GT(test, id, 0);
	return id;
}

static void drop_handle(struct kunit *test, u32 handle)
{
	struct rig *rig = test->priv;

	drm_gem_object_put(idr_remove(&rig->file->object_idr, handle));
}

static struct ig1_bo *new_host(struct kunit *test, u32 pages, u32 *handle)
{
	struct drm_intaglio_gem_info info = { 0 };
	struct rig *rig = test->priv;
	struct ig1_bo *bo = ig1_bo_create_host(rig->dev, (u64)pages * PAGE);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, bo);
	*handle = new_handle(test, &bo->base.base);
	info.handle = *handle;
	KUNIT_EXPECT_EQ(test, ig1_gem_info_ioctl(&rig->dev->drm, &info, rig->file), 0);
	KUNIT_EXPECT_EQ(test, info.size, (u64)pages * PAGE);
	KUNIT_EXPECT_EQ(test, info.flags, 0);
	return bo;
}

static int bind(struct kunit *test, u64 va, u32 handle, u32 page, u32 pages)
{
	const struct drm_intaglio_bind_op args = {
		.op = handle ? DRM_INTAGLIO_BIND_MAP : DRM_INTAGLIO_BIND_UNMAP,
		.handle = handle,
		.offset = (u64)page * PAGE,
		.va = va,
		.size = (u64)pages * PAGE,
	};
	struct rig *rig = test->priv;
	struct ig1_vm_op *op;
	int ret;

	op = ig1_vm_op_prepare(rig->vm, rig->file, &args);
	if (IS_ERR(op))
		return PTR_ERR(op);
	ret = ig1_vm_op_run(op);
	ig1_vm_op_end(op);
	return ret;
}

static u64 translate(struct kunit *test, u64 va)
{
	struct rig *rig = test->priv;
	u64 bytes, entry = ig1_mmu_walk(&rig->vm->mmu, va, &bytes);

	return entry ? entry + (va & (bytes - 1) & ~(u64)(PAGE - 1)) : 0;
}

/* Where the DMA layer says that a page of a buffer is. */
static u64 dma_of(struct ig1_bo *bo, u32 page)
{
	u64 at = (u64)page * PAGE;
	struct scatterlist *sg;
	int i;

	for_each_sgtable_dma_sg(bo->sgt, sg, i) {
		if (at < sg_dma_len(sg))
			return sg_dma_address(sg) + at;
		at -= sg_dma_len(sg);
	}
	return 0;
}

/* --- host memory ---------------------------------------------------------------------------- */

/* Pages come when the buffer is bound, once, and the chip sees each where the CPU has it. */
static void test_host(struct kunit *test)
{
	struct rig *rig = test->priv;
	const u32 pages = 24;
	struct iosys_map map;
	struct ig1_bo *bo;
	u32 handle, i;
	u8 *view;

	bo = new_host(test, pages, &handle);
	KUNIT_EXPECT_EQ(test, atomic64_read(&rig->dev->gem.host_bytes), pages * PAGE);
	KUNIT_EXPECT_EQ(test, bo->base.base.funcs->status(&bo->base.base), 0);
	KUNIT_EXPECT_NULL(test, bo->sgt);
	KUNIT_ASSERT_EQ(test, bind(test, VA, handle, 0, pages), 0);
	KUNIT_ASSERT_NOT_NULL(test, bo->sgt);
	KUNIT_EXPECT_EQ(test, bo->base.base.funcs->status(&bo->base.base), DRM_GEM_OBJECT_RESIDENT);
	KUNIT_ASSERT_EQ(test, bind(test, VA + SZ_2M, handle, 5, 7), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&rig->dev->gem.mappings), 1);
	KUNIT_EXPECT_TRUE(test, bo->base.pages_mark_dirty_on_put);
	for (i = 0; i < pages; i++) {
		KUNIT_EXPECT_EQ(test, translate(test, VA + i * PAGE), dma_of(bo, i) | LEAF);
		/* The chip has no other way to memory here than the CPU. */
		KUNIT_EXPECT_EQ(test, dma_of(bo, i), page_to_phys(bo->base.pages[i]));
	}
	for (i = 0; i < 7; i++)
		KUNIT_EXPECT_EQ(test, translate(test, VA + SZ_2M + i * PAGE),
				dma_of(bo, 5 + i) | LEAF);
	KUNIT_EXPECT_EQ(test, translate(test, VA + SZ_2M + 7 * PAGE), 0);
	/* The completion ring's way. */
	KUNIT_ASSERT_EQ(test, ig1_bo_vmap(bo, &map), 0);
	view = map.vaddr;
	KUNIT_EXPECT_EQ(test, view[3 * PAGE], 0);
	view[3 * PAGE] = 0x5a;
	KUNIT_EXPECT_EQ(test, *(u8 *)page_address(bo->base.pages[3]), 0x5a);
	/* Neither handle nor mapping: the view holds the buffer. */
	KUNIT_EXPECT_EQ(test, bind(test, 0, 0, 0, 1024), 0);
	drop_handle(test, handle);
	flush_workqueue(ig1_free_wq);
	KUNIT_EXPECT_EQ(test, atomic64_read(&rig->dev->gem.host_bytes), pages * PAGE);
	KUNIT_EXPECT_EQ(test, view[3 * PAGE], 0x5a);
	ig1_bo_vunmap(bo, &map);
	KUNIT_EXPECT_EQ(test, atomic64_read(&rig->dev->gem.host_bytes), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&rig->dev->gem.mappings), 0);
}

/* Unplug takes DMA mappings away from buffers that are still bound; what the CPU sees stays. */
static void test_unplug(struct kunit *test)
{
	struct rig *rig = test->priv;
	u32 handle[3], i;
	struct ig1_bo *bo[3];
	struct iosys_map map;

	for (i = 0; i < 3; i++) {
		bo[i] = new_host(test, 2, &handle[i]);
		KUNIT_ASSERT_EQ(test, bind(test, VA + i * SZ_2M, handle[i], 0, 2), 0);
	}
	KUNIT_ASSERT_EQ(test, ig1_bo_vmap(bo[1], &map), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&rig->dev->gem.mappings), 3);
	drm_dev_unplug(&rig->dev->drm);
	ig1_mmu_pool_unplug(&rig->dev->mmu);
	ig1_gem_unplug(rig->dev);
	KUNIT_EXPECT_EQ(test, atomic_read(&rig->dev->gem.mappings), 0);
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_NULL(test, bo[i]->sgt);
	*(u8 *)map.vaddr = 1;
	ig1_bo_vunmap(bo[1], &map);
	/* Once more is nothing. */
	ig1_gem_unplug(rig->dev);
}

/* A buffer that the memory could not hold is refused before anything is allocated for its pages. */
static void test_size(struct kunit *test)
{
	u64 max = (u64)totalram_pages() / 2 * PAGE_SIZE;
	struct rig *rig = test->priv;
	struct ig1_bo *bo;

	KUNIT_EXPECT_EQ(test, PTR_ERR(ig1_bo_create_host(rig->dev, max + PAGE_SIZE)), -ENOMEM);
	KUNIT_EXPECT_EQ(test, PTR_ERR(ig1_bo_create_host(rig->dev, BIT_ULL(IG1_VA_BITS))), -ENOMEM);
	KUNIT_EXPECT_EQ(test, PTR_ERR(ig1_bo_create_host(rig->dev, U64_MAX & PAGE_MASK)), -ENOMEM);
	KUNIT_EXPECT_EQ(test, atomic64_read(&rig->dev->gem.host_bytes), 0);
	bo = ig1_bo_create_host(rig->dev, max);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, bo);
	KUNIT_EXPECT_EQ(test, atomic64_read(&rig->dev->gem.host_bytes), max);
	drm_gem_object_put(&bo->base.base);
}

/* What there is no CPU mapping and no export of. */
static void test_refused(struct kunit *test)
{
	struct drm_intaglio_gem_mmap_offset offset = { 0 };
	struct rig *rig = test->priv;
	struct drm_gem_object *obj;
	struct iosys_map map;
	struct ig1_bo *bo;

	bo = ig1_bo_create_resident(rig->dev, PAGE);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, bo);
	obj = &bo->base.base;
	offset.handle = new_handle(test, obj);
	KUNIT_EXPECT_EQ(test, PTR_ERR(obj->funcs->export(obj, 0)), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, ig1_bo_vmap(bo, &map), -EINVAL);
	KUNIT_EXPECT_EQ(test, ig1_gem_mmap_offset_ioctl(&rig->dev->drm, &offset, rig->file),
			-EOPNOTSUPP);
}

/* --- buffers of others ---------------------------------------------------------------------- */

/* An exporter that says what the test wants, in two pieces. */
struct exporter {
	u64 addr[2];
	u32 bytes[2];
	u32 mapped;
	u32 unmapped;
	/* Views of the kernel: of memory, or as if of registers. */
	u32 viewed;
	bool registers;
	bool released;
};

static struct sg_table *exporter_map(struct dma_buf_attachment *attach,
				     enum dma_data_direction direction)
{
	struct exporter *e = attach->dmabuf->priv;
	struct scatterlist *sg;
	struct sg_table *sgt;
	u32 i;

	sgt = kzalloc_obj(*sgt);
	if (!sgt)
		return ERR_PTR(-ENOMEM);
	if (sg_alloc_table(sgt, 2, GFP_KERNEL)) {
		kfree(sgt);
		return ERR_PTR(-ENOMEM);
	}
	for (i = 0, sg = sgt->sgl; i < 2; i++, sg = sg_next(sg)) {
		sg_dma_address(sg) = e->addr[i];
		sg_dma_len(sg) = e->bytes[i];
	}
	e->mapped++;
	return sgt;
}

static void exporter_unmap(struct dma_buf_attachment *attach, struct sg_table *sgt,
			   enum dma_data_direction direction)
{
	struct exporter *e = attach->dmabuf->priv;

	e->unmapped++;
	sg_free_table(sgt);
	kfree(sgt);
}

static int exporter_vmap(struct dma_buf *buf, struct iosys_map *map)
{
	struct exporter *e = buf->priv;

	if (e->registers)
		iosys_map_set_vaddr_iomem(map, (void __iomem *)e);
	else
		iosys_map_set_vaddr(map, e);
	e->viewed++;
	return 0;
}

static void exporter_vunmap(struct dma_buf *buf, struct iosys_map *map)
{
	struct exporter *e = buf->priv;

	e->viewed--;
}

static void exporter_release(struct dma_buf *buf)
{
	struct exporter *e = buf->priv;

	e->released = true;
}

static const struct dma_buf_ops exporter_ops = {
	.map_dma_buf = exporter_map,
	.unmap_dma_buf = exporter_unmap,
	.vmap = exporter_vmap,
	.vunmap = exporter_vunmap,
	.release = exporter_release,
};

static struct dma_buf *export(struct kunit *test, struct exporter *e, u64 size)
{
	DEFINE_DMA_BUF_EXPORT_INFO(info);
	struct dma_buf *buf;

	info.ops = &exporter_ops;
	info.size = size;
	info.flags = O_RDWR;
	info.priv = e;
	buf = dma_buf_export(&info);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, buf);
	return buf;
}

static struct ig1_bo *import(struct kunit *test, struct exporter *e, u64 size, u32 *handle)
{
	struct dma_buf *buf = export(test, e, size);
	struct rig *rig = test->priv;
	struct drm_gem_object *obj;

	obj = ig1_gem_import(&rig->dev->drm, buf);
	dma_buf_put(buf);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, obj);
	*handle = new_handle(test, obj);
	return to_ig1_bo(obj);
}

/* The exporter's addresses are the chip's; it gets its mapping back when the last user goes. */
static void test_import(struct kunit *test)
{
	struct exporter *e = kunit_kzalloc(test, sizeof(*e), GFP_KERNEL);
	struct drm_intaglio_gem_mmap_offset offset = { 0 };
	struct rig *rig = test->priv;
	struct ig1_bo *bo;
	u32 handle, i;

	KUNIT_ASSERT_NOT_NULL(test, e);
	*e = (struct exporter){ .addr = { SZ_16M, BIT_ULL(40) }, .bytes = { 3 * PAGE, 2 * PAGE } };
	bo = import(test, e, 5 * PAGE, &handle);
	KUNIT_EXPECT_EQ(test, e->mapped, 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&rig->dev->gem.mappings), 1);
	KUNIT_EXPECT_EQ(test, atomic64_read(&rig->dev->gem.host_bytes), 0);
	KUNIT_EXPECT_EQ(test, bo->base.base.funcs->status(&bo->base.base), DRM_GEM_OBJECT_RESIDENT);
	offset.handle = handle;
	KUNIT_EXPECT_EQ(test, ig1_gem_mmap_offset_ioctl(&rig->dev->drm, &offset, rig->file),
			-EOPNOTSUPP);
	KUNIT_ASSERT_EQ(test, bind(test, VA, handle, 1, 4), 0);
	for (i = 1; i < 5; i++)
		KUNIT_EXPECT_EQ(test, translate(test, VA + (i - 1) * PAGE),
				(i < 3 ? SZ_16M + i * PAGE : BIT_ULL(40) + (i - 3) * PAGE) | LEAF);
	drop_handle(test, handle);
	KUNIT_EXPECT_EQ(test, e->unmapped, 0);
	KUNIT_ASSERT_EQ(test, bind(test, VA, 0, 0, 4), 0);
	flush_workqueue(ig1_free_wq);
	flush_delayed_fput();
	KUNIT_EXPECT_EQ(test, e->unmapped, 1);
	KUNIT_EXPECT_TRUE(test, e->released);
}

/* A completion ring is written as memory, so another device's registers cannot be one. */
static void test_import_view(struct kunit *test)
{
	struct exporter *e = kunit_kzalloc(test, sizeof(*e), GFP_KERNEL);
	struct iosys_map map;
	struct ig1_bo *bo;
	u32 handle;

	KUNIT_ASSERT_NOT_NULL(test, e);
	*e = (struct exporter){ .addr = { PAGE, SZ_1M }, .bytes = { PAGE, PAGE } };
	bo = import(test, e, 2 * PAGE, &handle);
	KUNIT_ASSERT_EQ(test, ig1_bo_vmap(bo, &map), 0);
	KUNIT_EXPECT_PTR_EQ(test, map.vaddr, (void *)e);
	ig1_bo_vunmap(bo, &map);
	KUNIT_EXPECT_EQ(test, e->viewed, 0);
	e->registers = true;
	KUNIT_EXPECT_EQ(test, ig1_bo_vmap(bo, &map), -EINVAL);
	KUNIT_EXPECT_EQ(test, e->viewed, 0);
	/* Refused, it holds nothing. */
	drop_handle(test, handle);
	flush_workqueue(ig1_free_wq);
	flush_delayed_fput();
	KUNIT_EXPECT_TRUE(test, e->released);
}

/* At unplug the exporter gets its mapping back, once; the buffer stays. */
static void test_import_unplug(struct kunit *test)
{
	struct exporter *e = kunit_kzalloc(test, sizeof(*e), GFP_KERNEL);
	struct rig *rig = test->priv;
	struct dma_buf *buf;
	u32 handle;

	KUNIT_ASSERT_NOT_NULL(test, e);
	*e = (struct exporter){ .addr = { PAGE, SZ_1M }, .bytes = { PAGE, PAGE } };
	import(test, e, 2 * PAGE, &handle);
	KUNIT_ASSERT_EQ(test, bind(test, VA, handle, 0, 2), 0);
	buf = export(test, e, 2 * PAGE);
	drm_dev_unplug(&rig->dev->drm);
	ig1_mmu_pool_unplug(&rig->dev->mmu);
	ig1_gem_unplug(rig->dev);
	KUNIT_EXPECT_EQ(test, e->unmapped, 1);
	KUNIT_EXPECT_FALSE(test, e->released);
	KUNIT_EXPECT_EQ(test, PTR_ERR(ig1_gem_import(&rig->dev->drm, buf)), -ENODEV);
	KUNIT_EXPECT_EQ(test, e->mapped, 1);
	dma_buf_put(buf);
	drop_handle(test, handle);
	flush_workqueue(ig1_free_wq);
	KUNIT_EXPECT_EQ(test, e->unmapped, 1);
}

struct bad_extent {
	const char *name;
	struct exporter e;
	int error;
};

static const struct bad_extent bad_extents[] = {
	{ "good", { .addr = { 0, SZ_1M }, .bytes = { PAGE, PAGE } }, 0 },
	{ "last address", { .addr = { 0, BIT_ULL(56) - PAGE }, .bytes = { PAGE, PAGE } }, 0 },
	{ "beyond", { .addr = { 0, BIT_ULL(56) }, .bytes = { PAGE, PAGE } }, -EINVAL },
	{ "into beyond",
	  { .addr = { 0, BIT_ULL(56) - PAGE }, .bytes = { PAGE, 2 * PAGE } },
	  -EINVAL },
	{ "address", { .addr = { 0, SZ_1M + 512 }, .bytes = { PAGE, PAGE } }, -EINVAL },
	{ "length", { .addr = { 0, SZ_1M }, .bytes = { PAGE + 8, PAGE - 8 } }, -EINVAL },
	/* The size of a buffer is a promise. */
	{ "too short", { .addr = { 0, SZ_1M }, .bytes = { PAGE, 0 } }, -EINVAL },
};

static void bad_extent_name(const struct bad_extent *c, char *to)
{
	strscpy(to, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(bad_extent, bad_extents, bad_extent_name);

static void test_bad_extent(struct kunit *test)
{
	const struct bad_extent *c = test->param_value;
	struct exporter *e = kunit_kzalloc(test, sizeof(*e), GFP_KERNEL);
	struct rig *rig = test->priv;
	u32 handle;

	KUNIT_ASSERT_NOT_NULL(test, e);
	*e = c->e;
	import(test, e, 2 * PAGE, &handle);
	KUNIT_EXPECT_EQ(test, bind(test, VA, handle, 0, 2), c->error);
	if (!c->error)
		return;
	KUNIT_EXPECT_EQ(test, translate(test, VA), 0);
	/* Only the root. */
	KUNIT_EXPECT_EQ(test, rig->dev->mmu.count, 1);
}

/* An export that comes home is the buffer itself, with its pages mapped once. */
static void test_home(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct drm_gem_object *obj;
	struct dma_buf *buf;
	struct ig1_bo *bo;
	u32 handle;

	bo = new_host(test, 2, &handle);
	KUNIT_ASSERT_EQ(test, bind(test, VA, handle, 0, 2), 0);
	buf = bo->base.base.funcs->export(&bo->base.base, O_RDWR);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, buf);
	obj = ig1_gem_import(&rig->dev->drm, buf);
	KUNIT_EXPECT_PTR_EQ(test, obj, &bo->base.base);
	KUNIT_EXPECT_EQ(test, atomic_read(&rig->dev->gem.mappings), 1);
	drm_gem_object_put(obj);
	dma_buf_put(buf);
	flush_delayed_fput();
	KUNIT_EXPECT_EQ(test, translate(test, VA), dma_of(bo, 0) | LEAF);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(test_host),		KUNIT_CASE(test_unplug),
	KUNIT_CASE(test_size),		KUNIT_CASE(test_refused),
	KUNIT_CASE(test_import),	KUNIT_CASE(test_import_view),
	KUNIT_CASE(test_import_unplug), KUNIT_CASE_PARAM(test_bad_extent, bad_extent_gen_params),
	KUNIT_CASE(test_home),		{},
};

static struct kunit_suite suite = {
	.name = "ig1_gem",
	.init = rig_init,
	.exit = rig_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
