/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _IG1_VM_H_
#define _IG1_VM_H_

#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/workqueue.h>

#include <drm/drm_gpuvm.h>
#include <drm/gpu_scheduler.h>

#include "ig1_gate.h"
#include "ig1_mmu.h"

struct drm_exec;
struct drm_file;
struct ig1_device;
struct ig1_file;
struct ig1_sched;

/**
 * struct ig1_vms - All address spaces of a device
 */
struct ig1_vms {
	/** @lock: protects @list */
	struct mutex lock;
	/** @list: address spaces, by &ig1_vm.node; for dumps */
	struct list_head list;
	/** @sched: runs asynchronous operations of all of them; drmm, so outlives every entity */
	struct ig1_sched *sched;
};

/**
 * struct ig1_vm - An address space
 */
struct ig1_vm {
	/**
	 * @base: mappings; they and what waits for release refer to it, and it to the drm_device
	 */
	struct drm_gpuvm base;
	/** @dev: device */
	struct ig1_device *dev;
	/** @ref: users: handle, queues, asynchronous operations. The last one unmaps everything */
	struct kref ref;
	/** @op_lock: protects @mmu and the tree of mappings; taken in fence-signalling context */
	struct mutex op_lock;
	/** @mmu: page tables; gone after unplug */
	struct ig1_mmu mmu;
	/** @node: in &ig1_vms.list */
	struct list_head node;
	/** @bind_lock: held over arm and push of asynchronous operations */
	struct mutex bind_lock;
	/** @entity: queue of asynchronous operations */
	struct drm_sched_entity entity;
	/** @fence_context: of the fences that say that operations have run */
	u64 fence_context;
	/** @gates: before the fences that asynchronous operations wait for */
	struct ig1_gates gates;
	/** @unusable: an asynchronous operation failed; set once */
	bool unusable;
	/** @free_work: the end, in process context */
	struct work_struct free_work;
};

static inline struct ig1_vm *to_ig1_vm(struct drm_gpuvm *gpuvm)
{
	return container_of(gpuvm, struct ig1_vm, base);
}

/* Address space by id, with a reference, or NULL. */
struct ig1_vm *ig1_vm_lookup(struct ig1_file *file, u32 id);

static inline struct ig1_vm *ig1_vm_get(struct ig1_vm *vm)
{
	kref_get(&vm->ref);
	return vm;
}

/* Any context; the end is a work item. NULL is fine. */
void ig1_vm_put(struct ig1_vm *vm);

/*
 * Bus address of the root table, constant while the device is plugged; use inside drm_dev_enter().
 * A later VM may get the same one: the firmware compares it to know whose data is in scratch, so a
 * context number that is used again has to be announced by IG1_MBOX_CTX_RESUME.
 */
static inline u64 ig1_vm_pt_root(const struct ig1_vm *vm)
{
	return vm->mmu.root->dma;
}

/* Objects private to the VM and the VM itself share it. */
static inline struct dma_resv *ig1_vm_resv(struct ig1_vm *vm)
{
	return drm_gpuvm_resv(&vm->base);
}

/* False: jobs of it end with -ECANCELED (checked in EXEC and again in run_job). */
static inline bool ig1_vm_usable(const struct ig1_vm *vm)
{
	return !READ_ONCE(vm->unusable);
}

/*
 * For EXEC. Within drm_exec_until_all_locked(): locks the VM's dma_resv and those of the buffers
 * mapped in it that are not private, with room for @fences fences each; the caller calls
 * drm_exec_retry_on_contention() after it.
 */
int ig1_vm_prepare_exec(struct ig1_vm *vm, struct drm_exec *exec, u32 fences);

/* After it: implicit dependencies of a job. May allocate. */
int ig1_vm_depend(struct ig1_vm *vm, struct drm_exec *exec, struct drm_sched_job *job);

/*
 * After arm: the job's scheduler fence into all of them. It must not signal before the chip has let
 * go of the job, see DOC: Lifetimes in ig1_device.h.
 */
void ig1_vm_add_fence(struct ig1_vm *vm, struct drm_exec *exec, struct dma_fence *fence);

int ig1_vms_init(struct ig1_device *dev);

/* After drm_dev_unplug(): asynchronous operations do not wait for fences, they fail now. */
void ig1_vms_open_gates(struct ig1_device *dev);

/* Called when a file closes, after its queues are gone. */
void ig1_vm_close_all(struct ig1_file *file);

int ig1_vm_create_ioctl(struct drm_device *drm, void *data, struct drm_file *file);
int ig1_vm_destroy_ioctl(struct drm_device *drm, void *data, struct drm_file *file);
int ig1_vm_bind_ioctl(struct drm_device *drm, void *data, struct drm_file *file);
int ig1_vm_get_state_ioctl(struct drm_device *drm, void *data, struct drm_file *file);

#endif /* _IG1_VM_H_ */
