/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _IG1_TEST_VM_H_
#define _IG1_TEST_VM_H_

#include <kunit/test.h>

#include "ig1_device.h"
#include "ig1_vm_bind.h"

struct drm_syncobj;

#define PAGE	   IG1_PAGE_BYTES
#define SRAM_PAGES 2048

#define MAP_OP(bo, from, to, bytes) \
	.op = DRM_INTAGLIO_BIND_MAP, .handle = bo, .offset = from, .va = to, .size = bytes
#define UNMAP_OP(from, bytes) .op = DRM_INTAGLIO_BIND_UNMAP, .va = from, .size = bytes
#define GOOD_MAP	      MAP_OP(1, 0, SZ_1M, 2 * PAGE)
#define GOOD_UNMAP	      UNMAP_OP(SZ_1M, 2 * PAGE)

/**
 * struct rig - A device without a chip, a file and an address space; &kunit.priv of the tests
 */
struct rig {
	/** @dev: device */
	struct ig1_device *dev;
	/** @file: file */
	struct drm_file *file;
	/** @priv: its driver's part */
	struct ig1_file *priv;
	/** @vm_id: address space */
	u32 vm_id;
	/** @user: page that the ioctls' pointers point to, after rig_map_user() */
	void __user *user;
};

/* Of every suite; rig_exit() expects that all is released. */
int rig_init(struct kunit *test);
void rig_exit(struct kunit *test);
struct ig1_vm *rig_vm(struct kunit *test);

/* A resident buffer and its handle. The handle holds it. */
struct ig1_bo *rig_bo(struct kunit *test, u32 pages, u32 *handle);

/* The same in many pieces: single pages with holes between them. */
struct ig1_bo *rig_scattered_bo(struct kunit *test, u32 pages, u32 *handle);
u32 rig_refs(struct ig1_bo *bo);

/* A handle takes the reference over. */
u32 rig_syncobj(struct kunit *test, struct drm_file *file, struct drm_syncobj *syncobj);
void rig_map_user(struct kunit *test);
int rig_op(struct kunit *test, const struct drm_intaglio_bind_op *args);
void rig_map(struct kunit *test, u64 va, u32 handle, u32 page, u32 pages, u32 flags);
void rig_unmap(struct kunit *test, u64 va, u32 pages);
u64 rig_translate(struct kunit *test, u64 va);

/* What a page of a buffer should translate to. */
u64 rig_page(struct ig1_bo *bo, u32 page, u32 flags);

/* Mappings in the VM's tree. */
u32 rig_mappings(struct kunit *test);

#endif /* _IG1_TEST_VM_H_ */
