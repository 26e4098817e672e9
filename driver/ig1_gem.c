// SPDX-License-Identifier: GPL-2.0-only
/* Buffers in host memory and in resident SRAM. */
#include "ig1_gem.h"

#include <linux/dma-buf.h>
#include <linux/dma-mapping.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/scatterlist.h>

#include <drm/drm_managed.h>
#include <drm/drm_prime.h>

#include "ig1_device.h"

IG1_IMPORT_NS(DMA_BUF);

/**
 * DOC: DMA mappings
 *
 * The pages of a host buffer are pinned and mapped for the chip when they are bound for the first
 * time, an imported buffer's when it is imported. Mappings must not outlive the driver's time with
 * the PCI device, but buffers do. So all mapped buffers are in &ig1_gem.mapped, and unplug undoes
 * their mappings and waits for those that are being freed meanwhile.
 */

/* --- mappings ------------------------------------------------------------------------------- */

static void add_mapped(struct ig1_device *dev, struct ig1_bo *bo)
{
	atomic_inc(&dev->gem.mappings);
	mutex_lock(&dev->gem.lock);
	list_add_tail(&bo->mapped, &dev->gem.mapped);
	mutex_unlock(&dev->gem.lock);
}

/* The extents that the chip will see must be whole pages that an entry can hold. */
static int check_extents(struct sg_table *sgt)
{
	struct scatterlist *sg;
	u64 addr, len;
	int i;

	for_each_sgtable_dma_sg(sgt, sg, i) {
		addr = sg_dma_address(sg);
		len = sg_dma_len(sg);
		if ((addr | len) % IG1_PAGE_BYTES ||
		    (addr + len - 1) & ~(IG1_PTE_ADDR | (IG1_PAGE_BYTES - 1)))
			return -EINVAL;
	}
	return 0;
}

static int map_locked(struct ig1_device *dev, struct ig1_bo *bo)
{
	struct sg_table *sgt;
	int ret;

	dma_resv_assert_held(bo->base.base.resv);
	ret = drm_gem_shmem_pin_locked(&bo->base);
	if (ret)
		return ret;
	sgt = drm_gem_shmem_get_sg_table(&bo->base);
	if (IS_ERR(sgt)) {
		ret = PTR_ERR(sgt);
		goto err_unpin;
	}
	ret = dma_map_sgtable(dev->drm.dev, sgt, DMA_BIDIRECTIONAL, 0);
	if (ret)
		goto err_free;
	ret = check_extents(sgt);
	if (ret)
		goto err_unmap;
	bo->base.pages_mark_dirty_on_put = true;
	bo->sgt = sgt;
	add_mapped(dev, bo);
	return 0;

err_unmap:
	dma_unmap_sgtable(dev->drm.dev, sgt, DMA_BIDIRECTIONAL, 0);
err_free:
	sg_free_table(sgt);
	kfree(sgt);
err_unpin:
	drm_gem_shmem_unpin_locked(&bo->base);
	return ret;
}

int ig1_bo_map(struct ig1_bo *bo)
{
	struct drm_gem_object *obj = &bo->base.base;
	int ret = 0;

	if (ig1_bo_resident(bo))
		return 0;
	/* Not interruptible: VM_BIND calls this after it has done things. Holders are brief. */
	dma_resv_lock(obj->resv, NULL);
	if (drm_gem_is_imported(obj))
		ret = check_extents(bo->sgt);
	else if (!bo->sgt)
		ret = map_locked(to_ig1(obj->dev), bo);
	dma_resv_unlock(obj->resv);
	return ret;
}

/* The buffer is no longer in &ig1_gem.mapped. */
static void unmap(struct ig1_device *dev, struct ig1_bo *bo)
{
	struct drm_gem_object *obj = &bo->base.base;

	if (drm_gem_is_imported(obj)) {
		dma_buf_unmap_attachment_unlocked(obj->import_attach, bo->sgt, DMA_BIDIRECTIONAL);
		bo->sgt = NULL;
	} else {
		dma_resv_lock(obj->resv, NULL);
		dma_unmap_sgtable(dev->drm.dev, bo->sgt, DMA_BIDIRECTIONAL, 0);
		sg_free_table(bo->sgt);
		kfree(bo->sgt);
		bo->sgt = NULL;
		drm_gem_shmem_unpin_locked(&bo->base);
		dma_resv_unlock(obj->resv);
	}
	if (atomic_dec_and_test(&dev->gem.mappings))
		wake_up_all(&dev->gem.idle);
}

/**
 * ig1_gem_unplug() - Undo all DMA mappings
 * @dev: device, after drm_dev_unplug() and with the chip stopped
 */
void ig1_gem_unplug(struct ig1_device *dev)
{
	struct ig1_gem *gem = &dev->gem;
	struct ig1_bo *bo;

	mutex_lock(&gem->lock);
	while (!list_empty(&gem->mapped)) {
		bo = list_first_entry(&gem->mapped, struct ig1_bo, mapped);
		list_del_init(&bo->mapped);
		/* Being freed: that takes it from here and unmaps it. */
		if (!kref_get_unless_zero(&bo->base.base.refcount))
			continue;
		mutex_unlock(&gem->lock);
		unmap(dev, bo);
		drm_gem_object_put(&bo->base.base);
		mutex_lock(&gem->lock);
	}
	mutex_unlock(&gem->lock);
	wait_event(gem->idle, !atomic_read(&gem->mappings));
}

void ig1_extent_start(struct ig1_extent_iter *it, const struct ig1_bo *bo, u64 offset, u64 bytes)
{
	u64 n;

	it->bo = bo;
	it->sg = bo->sgt ? bo->sgt->sgl : NULL;
	it->index = 0;
	it->left = bytes;
	if (ig1_bo_resident(bo)) {
		for (; it->index < bo->block.count; it->index++, offset -= n) {
			n = (u64)bo->block.runs[it->index].pages * IG1_PAGE_BYTES;
			if (offset < n)
				break;
		}
	} else {
		for (; it->index < bo->sgt->nents;
		     it->index++, offset -= n, it->sg = sg_next(it->sg)) {
			n = sg_dma_len(it->sg);
			if (offset < n)
				break;
		}
	}
	it->skip = offset;
}

bool ig1_extent_next(struct ig1_extent_iter *it, struct ig1_extent *e)
{
	const struct ig1_bo *bo = it->bo;

	if (!it->left)
		return false;
	if (ig1_bo_resident(bo)) {
		if (it->index >= bo->block.count)
			return false;
		e->addr = (u64)bo->block.runs[it->index].first * IG1_PAGE_BYTES;
		e->bytes = (u64)bo->block.runs[it->index].pages * IG1_PAGE_BYTES;
	} else {
		if (it->index >= bo->sgt->nents)
			return false;
		e->addr = sg_dma_address(it->sg);
		e->bytes = sg_dma_len(it->sg);
		it->sg = sg_next(it->sg);
	}
	it->index++;
	e->addr += it->skip;
	e->bytes = min(e->bytes - it->skip, it->left);
	it->skip = 0;
	it->left -= e->bytes;
	return true;
}

/* --- objects -------------------------------------------------------------------------------- */

static void ig1_bo_free(struct drm_gem_object *obj)
{
	struct ig1_device *dev = to_ig1(obj->dev);
	struct ig1_bo *bo = to_ig1_bo(obj);
	struct drm_gem_object *root = bo->root;

	mutex_lock(&dev->gem.lock);
	list_del_init(&bo->mapped);
	mutex_unlock(&dev->gem.lock);
	if (bo->sgt)
		unmap(dev, bo);
	if (bo->counted)
		atomic64_sub(obj->size, &dev->gem.host_bytes);
#ifndef HAVE_GEM_GPUVA_LOCK
	mutex_destroy(&bo->list_lock);
#endif
	if (ig1_bo_resident(bo)) {
		ig1_sram_free(&dev->sram, &bo->block);
		ig1_pm_kick(dev);
		drm_gem_object_release(obj);
		kfree(bo);
	} else {
		drm_gem_shmem_free(&bo->base);
	}
	/* Last: the object's lock was in there. */
	if (root)
		drm_gem_object_put(root);
}

static struct dma_buf *ig1_bo_export(struct drm_gem_object *obj, int flags)
{
	struct ig1_bo *bo = to_ig1_bo(obj);

	if (ig1_bo_resident(bo))
		return ERR_PTR(-EOPNOTSUPP);
	/* Its fences are those of a VM, which nobody else may wait for. */
	if (bo->root)
		return ERR_PTR(-EINVAL);
	return drm_gem_prime_export(obj, flags);
}

static enum drm_gem_object_status ig1_bo_status(struct drm_gem_object *obj)
{
	struct ig1_bo *bo = to_ig1_bo(obj);

	if (ig1_bo_resident(bo) || drm_gem_is_imported(obj) || READ_ONCE(bo->base.pages))
		return DRM_GEM_OBJECT_RESIDENT;
	return 0;
}

static int object_vmap(struct drm_gem_object *obj, struct iosys_map *map)
{
	int ret;

	if (!drm_gem_is_imported(obj))
		return drm_gem_shmem_object_vmap(obj, map);
	ret = dma_buf_vmap(obj->import_attach->dmabuf, map);
	if (ret || !map->is_iomem)
		return ret;
	/* Another device's registers, of which 6.12's helper would warn as of a driver's fault. */
	dma_buf_vunmap(obj->import_attach->dmabuf, map);
	return -EINVAL;
}

static const struct drm_gem_object_funcs host_funcs = {
	.free = ig1_bo_free,
	.export = ig1_bo_export,
	.print_info = drm_gem_shmem_object_print_info,
	.pin = drm_gem_shmem_object_pin,
	.unpin = drm_gem_shmem_object_unpin,
	.get_sg_table = drm_gem_shmem_object_get_sg_table,
	.vmap = object_vmap,
	.vunmap = drm_gem_shmem_object_vunmap,
	.mmap = drm_gem_shmem_object_mmap,
	.status = ig1_bo_status,
	.vm_ops = &drm_gem_shmem_vm_ops,
};

static const struct drm_gem_object_funcs resident_funcs = {
	.free = ig1_bo_free,
	.export = ig1_bo_export,
	.status = ig1_bo_status,
};

/**
 * ig1_gem_create_object() - Allocate an object for the shmem helpers
 * @drm: device
 * @size: not used
 *
 * Return: the object or ERR_PTR(-ENOMEM).
 */
struct drm_gem_object *ig1_gem_create_object(struct drm_device *drm, size_t size)
{
	struct ig1_bo *bo = kzalloc_obj(*bo, GFP_KERNEL_ACCOUNT);

	if (!bo)
		return ERR_PTR(-ENOMEM);
	bo->base.base.funcs = &host_funcs;
	INIT_LIST_HEAD(&bo->mapped);
#ifndef HAVE_GEM_GPUVA_LOCK
	mutex_init(&bo->list_lock);
	drm_gem_gpuva_set_lock(&bo->base.base, &bo->list_lock);
#endif
	return &bo->base.base;
}

/**
 * ig1_bo_create_resident() - New buffer in resident SRAM
 * @dev: device
 * @size: bytes, a multiple of the page sizes
 *
 * The pages still hold what somebody left there.
 *
 * Return: the buffer or ERR_PTR().
 */
struct ig1_bo *ig1_bo_create_resident(struct ig1_device *dev, u64 size)
{
	u64 pages = size / IG1_PAGE_BYTES;
	struct drm_gem_object *obj;
	struct ig1_bo *bo;
	int ret;

	if (pages > dev->sram.pages)
		return ERR_PTR(-ENOSPC);
	obj = ig1_gem_create_object(&dev->drm, size);
	if (IS_ERR(obj))
		return ERR_CAST(obj);
	bo = to_ig1_bo(obj);
	ret = ig1_sram_alloc(&dev->sram, pages, &bo->block);
	if (ret == -ENOSPC) {
		/* What has been dropped may be on its way back. */
		flush_workqueue(ig1_free_wq);
		ret = ig1_sram_alloc(&dev->sram, pages, &bo->block);
	}
	if (ret) {
#ifndef HAVE_GEM_GPUVA_LOCK
		mutex_destroy(&bo->list_lock);
#endif
		kfree(bo);
		return ERR_PTR(ret);
	}
	obj->funcs = &resident_funcs;
	bo->flags = DRM_INTAGLIO_GEM_RESIDENT;
	drm_gem_private_object_init(&dev->drm, obj, size);
	return bo;
}

u64 ig1_bo_host_max(void)
{
	/* What TTM lets all buffers of its drivers have. */
	return (u64)totalram_pages() / 2 * PAGE_SIZE;
}

/**
 * ig1_bo_create_host() - New buffer in host memory
 * @dev: device
 * @size: bytes, a multiple of the page sizes
 *
 * Return: the buffer, whose pages come when they are needed, or ERR_PTR(): -ENOMEM when it is
 * larger than what the memory holds.
 */
struct ig1_bo *ig1_bo_create_host(struct ig1_device *dev, u64 size)
{
	struct drm_gem_shmem_object *shmem;
	struct ig1_bo *bo;

	/*
	 * A buffer is pinned as a whole when it is bound, and filled when it is mapped. Before the
	 * first page is charged to somebody its page pointers are allocated, a 512th of the size.
	 */
	if (size > ig1_bo_host_max())
		return ERR_PTR(-ENOMEM);
	shmem = drm_gem_shmem_create(&dev->drm, size);
	if (IS_ERR(shmem))
		return ERR_CAST(shmem);
	bo = to_ig1_bo(&shmem->base);
	bo->counted = true;
	atomic64_add(size, &dev->gem.host_bytes);
	return bo;
}

static int zero_runs(struct ig1_device *dev, struct ig1_bo *bo, u32 *recoveries)
{
	u32 args[4] = { 0 }, i;
	int ret = 0;

	down_read(&dev->hw_lock);
	*recoveries = dev->reset.recoveries;
	for (i = 0; i < bo->block.count && !ret; i++) {
		args[0] = bo->block.runs[i].first;
		args[1] = bo->block.runs[i].pages;
		ret = ig1_mbox(dev, IG1_MBOX_SRAM_ZERO, args, NULL, NULL);
	}
	up_read(&dev->hw_lock);
	return ret;
}

static int zero_resident(struct ig1_device *dev, struct ig1_bo *bo)
{
	u32 recoveries;
	int ret;

	ret = ig1_pm_get(dev);
	if (ret)
		return ret;
	ret = zero_runs(dev, bo, &recoveries);
	/* It hangs by somebody's job, maybe. All again: the SRAM may be another one. */
	if (ig1_reset_retry(dev, ret, recoveries)) {
		ret = zero_runs(dev, bo, &recoveries);
		if (ret == -ETIMEDOUT)
			ig1_reset_schedule(dev);
	}
	ig1_pm_put(dev);
	/* Whatever the firmware said: the chip is of no use. */
	return ret ? (ret == -ENODEV ? ret : -EIO) : 0;
}

struct ig1_bo *ig1_bo_lookup(struct drm_file *file, u32 handle)
{
	struct drm_gem_object *obj = drm_gem_object_lookup(file, handle);

	return obj ? to_ig1_bo(obj) : ERR_PTR(-ENOENT);
}

int ig1_bo_vmap(struct ig1_bo *bo, struct iosys_map *map)
{
	int ret;

	if (ig1_bo_resident(bo))
		return -EINVAL;
	ret = drm_gem_vmap(&bo->base.base, map);
	if (ret)
		return ret;
	drm_gem_object_get(&bo->base.base);
	return 0;
}

void ig1_bo_vunmap(struct ig1_bo *bo, struct iosys_map *map)
{
	drm_gem_vunmap(&bo->base.base, map);
	drm_gem_object_put(&bo->base.base);
}

/* --- import --------------------------------------------------------------------------------- */

struct drm_gem_object *ig1_gem_import_sg(struct drm_device *drm, struct dma_buf_attachment *attach,
					 struct sg_table *sgt)
{
	struct drm_gem_object *obj = drm_gem_shmem_prime_import_sg_table(drm, attach, sgt);
	struct ig1_bo *bo;

	if (IS_ERR(obj))
		return obj;
	bo = to_ig1_bo(obj);
	/* Ours to unmap, since that has to happen at unplug. */
	bo->base.sgt = NULL;
	bo->sgt = sgt;
	return obj;
}

struct drm_gem_object *ig1_gem_import(struct drm_device *drm, struct dma_buf *dma_buf)
{
	struct drm_gem_object *obj;
	struct ig1_bo *bo;
	int idx;

	if (!drm_dev_enter(drm, &idx))
		return ERR_PTR(-ENODEV);
	obj = drm_gem_prime_import(drm, dma_buf);
	if (!IS_ERR(obj)) {
		bo = to_ig1_bo(obj);
		/* Not one of ours that comes home. */
		if (drm_gem_is_imported(obj))
			add_mapped(to_ig1(drm), bo);
	}
	drm_dev_exit(idx);
	return obj;
}

/* --- ioctls --------------------------------------------------------------------------------- */

int ig1_gem_create_ioctl(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct drm_intaglio_gem_create *args = data;
	struct ig1_device *dev = to_ig1(drm);
	struct ig1_file *priv = file->driver_priv;
	struct ig1_vm *vm = NULL;
	struct ig1_bo *bo;
	int ret, idx;
	u64 size;

	if (args->pad || args->flags & ~DRM_INTAGLIO_GEM_RESIDENT) {
		drm_dbg(drm, "GEM_CREATE: flags %#x or padding\n", args->flags);
		return -EINVAL;
	}
	if (!args->size || args->size > BIT_ULL(IG1_VA_BITS)) {
		drm_dbg(drm, "GEM_CREATE: size %#llx\n", args->size);
		return -EINVAL;
	}
	size = round_up(args->size, max_t(u64, PAGE_SIZE, IG1_PAGE_BYTES));
	if (!drm_dev_enter(drm, &idx))
		return -ENODEV;
	if (args->vm_id) {
		vm = ig1_vm_lookup(priv, args->vm_id);
		if (!vm) {
			drm_dbg(drm, "GEM_CREATE: no VM %u\n", args->vm_id);
			ret = -ENOENT;
			goto out_exit;
		}
	}
	bo = args->flags & DRM_INTAGLIO_GEM_RESIDENT ? ig1_bo_create_resident(dev, size)
						     : ig1_bo_create_host(dev, size);
	if (IS_ERR(bo)) {
		ret = PTR_ERR(bo);
		goto out_vm;
	}
	if (vm) {
		bo->root = vm->base.r_obj;
		drm_gem_object_get(bo->root);
		bo->base.base.resv = bo->root->resv;
	}
	ret = ig1_bo_resident(bo) ? zero_resident(dev, bo) : 0;
	if (!ret)
		ret = drm_gem_handle_create(file, &bo->base.base, &args->handle);
	if (!ret)
		args->size = size;
	/* The handle holds it now. */
	drm_gem_object_put(&bo->base.base);
out_vm:
	ig1_vm_put(vm);
out_exit:
	drm_dev_exit(idx);
	return ret;
}

int ig1_gem_mmap_offset_ioctl(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct drm_intaglio_gem_mmap_offset *args = data;
	struct ig1_bo *bo;
	int ret;

	if (args->pad) {
		drm_dbg(drm, "GEM_MMAP_OFFSET: padding\n");
		return -EINVAL;
	}
	bo = ig1_bo_lookup(file, args->handle);
	if (IS_ERR(bo)) {
		drm_dbg(drm, "GEM_MMAP_OFFSET: no buffer %u\n", args->handle);
		return PTR_ERR(bo);
	}
	if (ig1_bo_resident(bo) || drm_gem_is_imported(&bo->base.base)) {
		drm_dbg(drm, "GEM_MMAP_OFFSET: buffer %u is resident or imported\n", args->handle);
		ret = -EOPNOTSUPP;
	} else {
		ret = drm_gem_create_mmap_offset(&bo->base.base);
		if (!ret)
			args->offset = drm_vma_node_offset_addr(&bo->base.base.vma_node);
	}
	drm_gem_object_put(&bo->base.base);
	return ret;
}

int ig1_gem_info_ioctl(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct drm_intaglio_gem_info *args = data;
	struct ig1_bo *bo = ig1_bo_lookup(file, args->handle);

	if (IS_ERR(bo)) {
		drm_dbg(drm, "GEM_INFO: no buffer %u\n", args->handle);
		return PTR_ERR(bo);
	}
	args->flags = bo->flags;
	args->size = bo->base.base.size;
	drm_gem_object_put(&bo->base.base);
	return 0;
}

int ig1_gem_init(struct ig1_device *dev)
{
	struct ig1_gem *gem = &dev->gem;

	INIT_LIST_HEAD(&gem->mapped);
	init_waitqueue_head(&gem->idle);
	atomic_set(&gem->mappings, 0);
	atomic64_set(&gem->host_bytes, 0);
	return drmm_mutex_init(&dev->drm, &gem->lock);
}
