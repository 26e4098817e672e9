// SPDX-License-Identifier: GPL-2.0-only
/* Address spaces: their life, and what jobs need of them. */
#include "ig1_vm.h"

#include <linux/dma-resv.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include <drm/drm_exec.h>
#include <drm/drm_managed.h>

#include "ig1_device.h"
#include "ig1_vm_bind.h"

/* Address spaces of a file. */
#define VM_ID_LIMIT XA_LIMIT(1, 4095)

struct ig1_vm *ig1_vm_lookup(struct ig1_file *file, u32 id)
{
	struct ig1_vm *vm;

	xa_lock(&file->vms);
	vm = xa_load(&file->vms, id);
	if (vm)
		ig1_vm_get(vm);
	xa_unlock(&file->vms);
	return vm;
}

/* No users: no job runs or will run, no operation is queued. */
static void vm_release(struct ig1_vm *vm)
{
	struct ig1_device *dev = vm->dev;

	mutex_lock(&dev->vms.lock);
	list_del(&vm->node);
	mutex_unlock(&dev->vms.lock);

	/* Those of operations that were given up before they were pushed. */
	ig1_gates_open(&vm->gates);
	drm_sched_entity_destroy(&vm->entity);
	ig1_vm_unbind_all(vm);
	ig1_mmu_fini(&vm->mmu);
	/* The rest goes with the last thing that waits for a fence in our dma_resv. */
	drm_gpuvm_put(&vm->base);
}

static void free_work(struct work_struct *work)
{
	vm_release(container_of(work, struct ig1_vm, free_work));
}

static void vm_last_put(struct kref *ref)
{
	struct ig1_vm *vm = container_of(ref, struct ig1_vm, ref);

	queue_work(ig1_free_wq, &vm->free_work);
}

void ig1_vm_put(struct ig1_vm *vm)
{
	if (vm)
		kref_put(&vm->ref, vm_last_put);
}

void ig1_vm_free(struct drm_gpuvm *gpuvm)
{
	struct ig1_vm *vm = to_ig1_vm(gpuvm);

	mutex_destroy(&vm->bind_lock);
	mutex_destroy(&vm->op_lock);
	kfree(vm);
	ig1_live_put();
}

/*
 * Locks that are taken where fences are signalled must not be held while memory is reclaimed. Tell
 * lockdep before it happens.
 */
static void prime_lockdep(struct ig1_vm *vm)
{
	fs_reclaim_acquire(GFP_KERNEL);
	might_lock(&vm->op_lock);
	fs_reclaim_release(GFP_KERNEL);
}

/**
 * ig1_vm_create() - Make an empty address space
 * @dev: device, inside drm_dev_enter()
 *
 * Return: the address space with one reference, or ERR_PTR().
 */
struct ig1_vm *ig1_vm_create(struct ig1_device *dev)
{
	struct drm_gpu_scheduler *sched = &dev->vms.sched->base;
	struct drm_gem_object *root;
	struct ig1_vm *vm;
	int ret;

	vm = kzalloc_obj(*vm, GFP_KERNEL_ACCOUNT);
	if (!vm)
		return ERR_PTR(-ENOMEM);
	ret = ig1_mmu_init(&vm->mmu, &dev->mmu);
	if (ret)
		goto err_free;
	ret = drm_sched_entity_init(&vm->entity, DRM_SCHED_PRIORITY_KERNEL, &sched, 1, NULL);
	if (ret)
		goto err_mmu;
	root = drm_gpuvm_resv_object_alloc(&dev->drm);
	if (!root) {
		ret = -ENOMEM;
		goto err_entity;
	}
	vm->dev = dev;
	kref_init(&vm->ref);
	INIT_WORK(&vm->free_work, free_work);
	mutex_init(&vm->op_lock);
	mutex_init(&vm->bind_lock);
	ig1_gates_init(&vm->gates);
	vm->fence_context = dma_fence_context_alloc(1);
	prime_lockdep(vm);
	drm_gpuvm_init(&vm->base, "intaglio", IG1_GPUVM_FLAGS, &dev->drm, root, 0,
		       BIT_ULL(IG1_VA_BITS), 0, 0, &ig1_gpuvm_ops);
	drm_gem_object_put(root);
	ig1_live_get();
	mutex_lock(&dev->vms.lock);
	list_add_tail(&vm->node, &dev->vms.list);
	mutex_unlock(&dev->vms.lock);
	return vm;

err_entity:
	drm_sched_entity_destroy(&vm->entity);
err_mmu:
	ig1_mmu_fini(&vm->mmu);
err_free:
	kfree(vm);
	return ERR_PTR(ret);
}

/* --- jobs ----------------------------------------------------------------------------------- */

int ig1_vm_prepare_exec(struct ig1_vm *vm, struct drm_exec *exec, u32 fences)
{
	int ret = drm_gpuvm_prepare_vm(&vm->base, exec, fences);

	/* Contention: the caller starts again, and nothing of ours is locked. */
	if (ret)
		return ret;
	return drm_gpuvm_prepare_objects(&vm->base, exec, fences);
}

int ig1_vm_depend(struct ig1_vm *vm, struct drm_exec *exec, struct drm_sched_job *job)
{
	struct drm_gem_object *obj;
	int ret;

	ig1_exec_for_each_locked(exec, obj) {
		if (!drm_gpuvm_is_extobj(&vm->base, obj))
			continue;
		ret = drm_sched_job_add_implicit_dependencies(job, obj, true);
		if (ret)
			return ret;
	}
	return 0;
}

void ig1_vm_add_fence(struct ig1_vm *vm, struct drm_exec *exec, struct dma_fence *fence)
{
	drm_gpuvm_resv_add_fence(&vm->base, exec, fence, DMA_RESV_USAGE_BOOKKEEP,
				 DMA_RESV_USAGE_WRITE);
}

/* --- ioctls --------------------------------------------------------------------------------- */

int ig1_vm_create_ioctl(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct drm_intaglio_vm_create *args = data;
	struct ig1_device *dev = to_ig1(drm);
	struct ig1_file *priv = file->driver_priv;
	struct ig1_vm *vm;
	int ret, idx;

	if (args->flags) {
		drm_dbg(drm, "VM_CREATE: flags %#x\n", args->flags);
		return -EINVAL;
	}
	if (!drm_dev_enter(drm, &idx))
		return -ENODEV;
	vm = ig1_vm_create(dev);
	drm_dev_exit(idx);
	if (IS_ERR(vm))
		return PTR_ERR(vm);
	ret = xa_alloc(&priv->vms, &args->vm_id, vm, VM_ID_LIMIT, GFP_KERNEL);
	if (ret) {
		ig1_vm_put(vm);
		return ret == -EBUSY ? -ENOSPC : ret;
	}
	return 0;
}

int ig1_vm_destroy_ioctl(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct drm_intaglio_vm_destroy *args = data;
	struct ig1_file *priv = file->driver_priv;
	struct ig1_vm *vm;

	if (args->pad) {
		drm_dbg(drm, "VM_DESTROY: padding\n");
		return -EINVAL;
	}
	vm = xa_erase(&priv->vms, args->vm_id);
	if (!vm) {
		drm_dbg(drm, "VM_DESTROY: no VM %u\n", args->vm_id);
		return -ENOENT;
	}
	ig1_vm_put(vm);
	return 0;
}

int ig1_vm_get_state_ioctl(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct drm_intaglio_vm_get_state *args = data;
	struct ig1_file *priv = file->driver_priv;
	struct ig1_vm *vm;

	vm = ig1_vm_lookup(priv, args->vm_id);
	if (!vm) {
		drm_dbg(drm, "VM_GET_STATE: no VM %u\n", args->vm_id);
		return -ENOENT;
	}
	args->state = ig1_vm_usable(vm) ? DRM_INTAGLIO_VM_USABLE : DRM_INTAGLIO_VM_UNUSABLE;
	ig1_vm_put(vm);
	return 0;
}

void ig1_vm_close_all(struct ig1_file *file)
{
	struct ig1_vm *vm;
	unsigned long id;

	xa_for_each(&file->vms, id, vm)
		ig1_vm_put(vm);
	xa_destroy(&file->vms);
}

void ig1_vms_open_gates(struct ig1_device *dev)
{
	struct ig1_vm *vm;

	guard(mutex)(&dev->vms.lock);
	list_for_each_entry(vm, &dev->vms.list, node)
		ig1_gates_open(&vm->gates);
}

/* --- device --------------------------------------------------------------------------------- */

static void sched_fini(struct drm_device *drm, void *data)
{
	ig1_sched_put(data);
}

int ig1_vms_init(struct ig1_device *dev)
{
	const struct drm_sched_init_args args = {
		.ops = &ig1_bind_sched_ops,
		.num_rqs = DRM_SCHED_PRIORITY_COUNT,
		.credit_limit = 1,
		.timeout = MAX_SCHEDULE_TIMEOUT,
		.name = "intaglio-bind",
		.dev = dev->drm.dev,
	};
	int ret;

	INIT_LIST_HEAD(&dev->vms.list);
	ret = drmm_mutex_init(&dev->drm, &dev->vms.lock);
	if (ret)
		return ret;
	dev->vms.sched = ig1_sched_get(&args);
	if (IS_ERR(dev->vms.sched))
		return PTR_ERR(dev->vms.sched);
	return drmm_add_action_or_reset(&dev->drm, sched_fini, dev->vms.sched);
}
