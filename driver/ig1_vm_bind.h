/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _IG1_VM_BIND_H_
#define _IG1_VM_BIND_H_

#include <linux/list.h>
#include <linux/types.h>
#include <linux/workqueue.h>

#include <drm/drm_gpuvm.h>
#include <drm/gpu_scheduler.h>

#include "intaglio_accel.h"
#include "ig1_mmu.h"

struct dma_fence;
struct drm_file;
struct ig1_bo;
struct ig1_device;
struct ig1_vm;

/* Mappings that one operation can add: the new one and what is left of one it cuts out of. */
#define IG1_VM_OP_VAS 3

/**
 * struct ig1_va - A mapping
 */
struct ig1_va {
	/** @base: base */
	struct drm_gpuva base;
	/** @readonly: the chip must not write */
	bool readonly;
	/** @node: in &ig1_vm_op.gone */
	struct list_head node;
};

/**
 * struct ig1_vm_op - One change of an address space, from its preparation to its end
 *
 * Everything is allocated when it is prepared, so running it cannot fail for want of memory and may
 * happen where fences are signalled. What it removed waits in @gone and @pts until no job uses it.
 */
struct ig1_vm_op {
	/** @vm: address space, by a reference of its gpuvm */
	struct ig1_vm *vm;
	/** @bo: buffer to map, with a reference; NULL: unmap */
	struct ig1_bo *bo;
	/** @vm_bo: its place in the VM, with a reference */
	struct drm_gpuvm_bo *vm_bo;
	/** @readonly: of the new mapping */
	bool readonly;
	/** @offset: into @bo */
	u64 offset;
	/** @va: first address */
	u64 va;
	/** @size: bytes */
	u64 size;
	/** @spare: mappings that may be needed */
	struct ig1_va *spare[IG1_VM_OP_VAS];
	/** @pts: tables that may be needed, and those that were removed */
	struct ig1_pt_cache pts;
	/** @gone: mappings that were removed, by &ig1_va.node; each holds its vm_bo */
	struct list_head gone;
	/** @fence: jobs that may still use what was removed, or one of them */
	struct dma_fence *fence;
	/** @again: @fence is one of several, look for the next when it has signalled */
	bool again;
	/** @cb: on @fence */
	struct dma_fence_cb cb;
	/** @work: frees it all */
	struct work_struct work;
};

extern const struct drm_gpuvm_ops ig1_gpuvm_ops;
extern const struct drm_sched_backend_ops ig1_bind_sched_ops;

struct ig1_vm *ig1_vm_create(struct ig1_device *dev);
void ig1_vm_free(struct drm_gpuvm *gpuvm);

/* All mappings, when no job runs any more. Leaves the page tables alone. */
void ig1_vm_unbind_all(struct ig1_vm *vm);

/*
 * ig1_vm_op_prepare() checks and allocates, inside drm_dev_enter(); ig1_vm_op_run() changes the
 * address space, likewise; ig1_vm_op_end() takes the operation, run or not, and may sleep.
 */
struct ig1_vm_op *ig1_vm_op_prepare(struct ig1_vm *vm, struct drm_file *file,
				    const struct drm_intaglio_bind_op *args);
int ig1_vm_op_run(struct ig1_vm_op *op);
void ig1_vm_op_end(struct ig1_vm_op *op);

/*
 * Frees an operation that has removed something when all fences in the VM's dma_resv have
 * signalled; does not wait for them. @memory: false to do without allocations, as when there is
 * none.
 */
void ig1_vm_op_release(struct ig1_vm_op *op, bool memory);

#endif /* _IG1_VM_BIND_H_ */
