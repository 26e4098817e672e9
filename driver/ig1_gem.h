/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _IG1_GEM_H_
#define _IG1_GEM_H_

#include <linux/atomic.h>
#include <linux/iosys-map.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/wait.h>

#include <drm/drm_gem_shmem_helper.h>

#include "intaglio_accel.h"
#include "ig1_compat.h"
#include "ig1_sram.h"

struct dma_buf;
struct dma_buf_attachment;
struct ig1_device;
struct scatterlist;
struct sg_table;

/**
 * struct ig1_gem - All buffers of a device
 */
struct ig1_gem {
	/** @lock: protects @mapped */
	struct mutex lock;
	/** @mapped: buffers with a DMA mapping, by &ig1_bo.mapped */
	struct list_head mapped;
	/** @mappings: DMA mappings that exist */
	atomic_t mappings;
	/** @idle: woken when @mappings becomes zero */
	wait_queue_head_t idle;
	/** @host_bytes: bytes of host buffers created here */
	atomic64_t host_bytes;
};

/**
 * struct ig1_bo - A buffer, in host memory or in resident SRAM
 */
struct ig1_bo {
	/** @base: base; resident and imported buffers use its GEM object only */
	struct drm_gem_shmem_object base;
	/** @flags: DRM_INTAGLIO_GEM_* */
	u32 flags;
	/** @counted: in &ig1_gem.host_bytes */
	bool counted;
	/** @root: object that carries the dma_resv of the VM it is private to, or NULL */
	struct drm_gem_object *root;
	/** @block: pages of a resident buffer */
	struct ig1_sram_block block;
	/** @sgt: pages as the chip sees them, from ig1_bo_map() to unplug; under the dma_resv */
	struct sg_table *sgt;
	/** @mapped: in &ig1_gem.mapped while @sgt is set, until the last reference is dropped */
	struct list_head mapped;
#ifndef HAVE_GEM_GPUVA_LOCK
	/** @list_lock: protects the list of mappings */
	struct mutex list_lock;
#endif
};

static inline struct ig1_bo *to_ig1_bo(struct drm_gem_object *obj)
{
	return container_of(to_drm_gem_shmem_obj(obj), struct ig1_bo, base);
}

static inline bool ig1_bo_resident(const struct ig1_bo *bo)
{
	return bo->flags & DRM_INTAGLIO_GEM_RESIDENT;
}

struct ig1_bo *ig1_bo_create_resident(struct ig1_device *dev, u64 size);
struct ig1_bo *ig1_bo_create_host(struct ig1_device *dev, u64 size);

/* Bytes of the largest buffer in host memory: half of that. */
u64 ig1_bo_host_max(void);

/* Buffer with handle, or -ENOENT; drop with drm_gem_object_put(). */
struct ig1_bo *ig1_bo_lookup(struct drm_file *file, u32 handle);

/*
 * Kernel's view of a host buffer (completion ring). Valid until ig1_bo_vunmap(), also after unplug;
 * a view holds a reference of the buffer. -EINVAL: resident, or another device's registers.
 */
int ig1_bo_vmap(struct ig1_bo *bo, struct iosys_map *map);
void ig1_bo_vunmap(struct ig1_bo *bo, struct iosys_map *map);

/*
 * Makes the pages of a host buffer visible to the chip, until unplug. Needs drm_dev_enter(), locks
 * the dma_resv. -EINVAL: imported pages that the chip cannot address.
 */
int ig1_bo_map(struct ig1_bo *bo);

/**
 * struct ig1_extent - Consecutive addresses as the chip sees them
 */
struct ig1_extent {
	/** @addr: bus address or SRAM offset */
	u64 addr;
	/** @bytes: length */
	u64 bytes;
};

/**
 * struct ig1_extent_iter - Walks the extents of a part of a buffer
 */
struct ig1_extent_iter {
	/** @bo: buffer, mapped or resident */
	const struct ig1_bo *bo;
	/** @sg: next element of a host buffer */
	struct scatterlist *sg;
	/** @index: number of @sg, or of the next run of a resident buffer */
	u32 index;
	/** @skip: bytes of it that come before the part */
	u64 skip;
	/** @left: bytes still to come */
	u64 left;
};

void ig1_extent_start(struct ig1_extent_iter *it, const struct ig1_bo *bo, u64 offset, u64 bytes);
/* False at the end. An end with it->left != 0 is a buffer that is too short. */
bool ig1_extent_next(struct ig1_extent_iter *it, struct ig1_extent *e);

/* Lock of the buffer's list of mappings. */
static inline struct mutex *ig1_gem_list_lock(struct drm_gem_object *obj)
{
#ifdef HAVE_GEM_GPUVA_LOCK
	return &obj->gpuva.lock;
#else
	return &to_ig1_bo(obj)->list_lock;
#endif
}

int ig1_gem_init(struct ig1_device *dev);
void ig1_gem_unplug(struct ig1_device *dev);
struct drm_gem_object *ig1_gem_create_object(struct drm_device *drm, size_t size);
struct drm_gem_object *ig1_gem_import(struct drm_device *drm, struct dma_buf *dma_buf);
struct drm_gem_object *ig1_gem_import_sg(struct drm_device *drm, struct dma_buf_attachment *attach,
					 struct sg_table *sgt);

int ig1_gem_create_ioctl(struct drm_device *drm, void *data, struct drm_file *file);
int ig1_gem_mmap_offset_ioctl(struct drm_device *drm, void *data, struct drm_file *file);
int ig1_gem_info_ioctl(struct drm_device *drm, void *data, struct drm_file *file);

#endif /* _IG1_GEM_H_ */
