// SPDX-License-Identifier: GPL-2.0-only
/* Changes of address spaces: VM_BIND. */
#include "ig1_vm_bind.h"

#include <linux/dma-resv.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "ig1_device.h"
#include "ig1_job.h"
#include "ig1_sync.h"
#include "ig1_trace.h"

#define OPS_MAX 1024

/* --- mappings ------------------------------------------------------------------------------- */

static struct ig1_va *to_va(struct drm_gpuva *va)
{
	return container_of(va, struct ig1_va, base);
}

static struct ig1_va *take_spare(struct ig1_vm_op *op)
{
	struct ig1_va *va;
	u32 i;

	for (i = 0; i < IG1_VM_OP_VAS; i++) {
		va = op->spare[i];
		op->spare[i] = NULL;
		if (va)
			return va;
	}
	WARN_ON_ONCE(1);
	return NULL;
}

static void link_va(struct ig1_va *va, struct drm_gpuvm_bo *vm_bo)
{
	struct mutex *lock = ig1_gem_list_lock(vm_bo->obj);

	mutex_lock(lock);
	drm_gpuva_link(&va->base, vm_bo);
	mutex_unlock(lock);
}

/* Takes a mapping out of its buffer's list. Its vm_bo, and so the buffer, stay until put_gone(). */
static void unlink_va(struct ig1_va *va, struct list_head *gone)
{
	struct drm_gpuvm_bo *vm_bo = drm_gpuvm_bo_get(va->base.vm_bo);
	struct mutex *lock = ig1_gem_list_lock(vm_bo->obj);

	mutex_lock(lock);
	drm_gpuva_unlink(&va->base);
	mutex_unlock(lock);
	va->base.vm_bo = vm_bo;
	list_add_tail(&va->node, gone);
}

/* The last reference takes the buffer's out of the VM's lists, which its dma_resv protects. */
static void put_vm_bo(struct ig1_vm *vm, struct drm_gpuvm_bo *vm_bo)
{
	struct drm_gem_object *obj = vm_bo->obj;

	/* The object has to outlive its lock. */
	drm_gem_object_get(obj);
	dma_resv_lock(ig1_vm_resv(vm), NULL);
	mutex_lock(ig1_gem_list_lock(obj));
	drm_gpuvm_bo_put(vm_bo);
	mutex_unlock(ig1_gem_list_lock(obj));
	dma_resv_unlock(ig1_vm_resv(vm));
	drm_gem_object_put(obj);
}

static void put_gone(struct ig1_vm *vm, struct list_head *gone)
{
	struct ig1_va *va, *tmp;

	list_for_each_entry_safe(va, tmp, gone, node) {
		list_del(&va->node);
		put_vm_bo(vm, va->base.vm_bo);
		kfree(va);
	}
}

/* Page-table entries of the new mapping; the operation has put aside what that takes. */
static int write_entries(struct ig1_vm_op *op)
{
	u64 flags = op->readonly ? 0 : IG1_PTE_WRITE, va = op->va;
	struct ig1_extent_iter it;
	struct ig1_extent e;
	int ret;

	if (ig1_bo_resident(op->bo))
		flags |= IG1_PTE_SRAM;
	ig1_extent_start(&it, op->bo, op->offset, op->size);
	while (ig1_extent_next(&it, &e)) {
		ret = ig1_mmu_map(&op->vm->mmu, &op->pts, va, e.addr, e.bytes, flags);
		if (ret)
			return ret;
		va += e.bytes;
	}
	return 0;
}

static int step_map(struct drm_gpuva_op *step, void *priv)
{
	struct ig1_vm_op *op = priv;
	struct ig1_va *va;
	int ret;

	ret = write_entries(op);
	if (ret)
		return ret;
	va = take_spare(op);
	if (!va)
		return -ENOMEM;
	va->readonly = op->readonly;
	drm_gpuva_map(&op->vm->base, &va->base, &step->map);
	link_va(va, op->vm_bo);
	return 0;
}

/*
 * Entries of what is unmapped are cleared only if nothing new comes there: a running job sees the
 * old or the new mapping, never a hole.
 */
static int clear_entries(struct ig1_vm_op *op, u64 va, u64 size)
{
	return op->bo ? 0 : ig1_mmu_unmap(&op->vm->mmu, &op->pts, va, size);
}

static int step_remap(struct drm_gpuva_op *step, void *priv)
{
	struct drm_gpuva_op_remap *remap = &step->remap;
	struct ig1_va *old = to_va(remap->unmap->va), *prev = NULL, *next = NULL;
	struct ig1_vm_op *op = priv;
	u64 va, size;
	int ret;

	drm_gpuva_op_remap_to_unmap_range(remap, &va, &size);
	ret = clear_entries(op, va, size);
	if (ret)
		return ret;
	if (remap->prev) {
		prev = take_spare(op);
		if (!prev)
			return -ENOMEM;
		prev->readonly = old->readonly;
	}
	if (remap->next) {
		next = take_spare(op);
		if (!next)
			return -ENOMEM;
		next->readonly = old->readonly;
	}
	drm_gpuva_remap(prev ? &prev->base : NULL, next ? &next->base : NULL, remap);
	if (prev)
		link_va(prev, old->base.vm_bo);
	if (next)
		link_va(next, old->base.vm_bo);
	unlink_va(old, &op->gone);
	return 0;
}

static int step_unmap(struct drm_gpuva_op *step, void *priv)
{
	struct ig1_va *va = to_va(step->unmap.va);
	struct ig1_vm_op *op = priv;
	int ret;

	ret = clear_entries(op, va->base.va.addr, va->base.va.range);
	if (ret)
		return ret;
	drm_gpuva_unmap(&step->unmap);
	unlink_va(va, &op->gone);
	return 0;
}

const struct drm_gpuvm_ops ig1_gpuvm_ops = {
	.vm_free = ig1_vm_free,
	.sm_step_map = step_map,
	.sm_step_remap = step_remap,
	.sm_step_unmap = step_unmap,
};

void ig1_vm_unbind_all(struct ig1_vm *vm)
{
	struct drm_gpuva *va, *tmp;
	LIST_HEAD(gone);

	mutex_lock(&vm->op_lock);
	drm_gpuvm_for_each_va_safe(va, tmp, &vm->base) {
		drm_gpuva_remove(va);
		unlink_va(to_va(va), &gone);
	}
	mutex_unlock(&vm->op_lock);
	put_gone(vm, &gone);
}

/* --- operations ----------------------------------------------------------------------------- */

static int bad_op(struct ig1_vm *vm, const char *field)
{
	drm_dbg(&vm->dev->drm, "VM_BIND: bad %s\n", field);
	return -EINVAL;
}

static int check_range(struct ig1_vm *vm, const struct drm_intaglio_bind_op *args)
{
	if (!args->size || args->size % IG1_PAGE_BYTES)
		return bad_op(vm, "size");
	if (args->va % IG1_PAGE_BYTES)
		return bad_op(vm, "va");
	if (args->size > BIT_ULL(IG1_VA_BITS) || args->va > BIT_ULL(IG1_VA_BITS) - args->size)
		return bad_op(vm, "va and size");
	return 0;
}

static int check_op(struct ig1_vm *vm, const struct drm_intaglio_bind_op *args)
{
	if (args->pad)
		return bad_op(vm, "pad");
	switch (args->op) {
	case DRM_INTAGLIO_BIND_MAP:
		if (args->flags & ~DRM_INTAGLIO_BIND_READONLY)
			return bad_op(vm, "flags");
		if (args->offset % IG1_PAGE_BYTES)
			return bad_op(vm, "offset");
		break;
	case DRM_INTAGLIO_BIND_UNMAP:
		if (args->flags)
			return bad_op(vm, "flags");
		if (args->handle || args->offset)
			return bad_op(vm, "handle or offset");
		break;
	default:
		return bad_op(vm, "op");
	}
	return check_range(vm, args);
}

static void op_free(struct ig1_vm_op *op)
{
	u32 i;

	put_gone(op->vm, &op->gone);
	ig1_pt_cache_free(&op->vm->dev->mmu, &op->pts);
	if (op->vm_bo)
		put_vm_bo(op->vm, op->vm_bo);
	if (op->bo)
		drm_gem_object_put(&op->bo->base.base);
	for (i = 0; i < IG1_VM_OP_VAS; i++)
		kfree(op->spare[i]);
	dma_fence_put(op->fence);
	drm_gpuvm_put(&op->vm->base);
	kfree(op);
}

static void op_fence_cb(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct ig1_vm_op *op = container_of(cb, struct ig1_vm_op, cb);

	queue_work(ig1_free_wq, &op->work);
}

/* Any fence that has not signalled, with a reference. Allocates nothing. */
static struct dma_fence *first_fence(struct dma_resv *resv)
{
	struct dma_resv_iter cursor;
	struct dma_fence *fence;

	dma_resv_iter_begin(&cursor, resv, DMA_RESV_USAGE_BOOKKEEP);
	dma_resv_for_each_fence_unlocked(&cursor, fence) {
		dma_fence_get(fence);
		break;
	}
	dma_resv_iter_end(&cursor);
	return fence;
}

void ig1_vm_op_release(struct ig1_vm_op *op, bool memory)
{
	struct dma_resv *resv = ig1_vm_resv(op->vm);

	do {
		dma_fence_put(op->fence);
		op->fence = NULL;
		/*
		 * Without memory for one fence that stands for all: one after the other. Not a
		 * wait, since unplug may wait for the caller, and then nothing signals.
		 */
		op->again = !memory ||
			    dma_resv_get_singleton(resv, DMA_RESV_USAGE_BOOKKEEP, &op->fence);
		if (op->again)
			op->fence = first_fence(resv);
		if (op->fence && !dma_fence_add_callback(op->fence, &op->cb, op_fence_cb))
			return;
	} while (op->again && op->fence);
	op_free(op);
}

static void op_work(struct work_struct *work)
{
	struct ig1_vm_op *op = container_of(work, struct ig1_vm_op, work);

	if (op->again)
		ig1_vm_op_release(op, true);
	else
		op_free(op);
}

void ig1_vm_op_end(struct ig1_vm_op *op)
{
	if (list_empty(&op->gone) && list_empty(&op->pts.dropped)) {
		op_free(op);
		return;
	}
	ig1_pt_cache_trim(&op->vm->dev->mmu, &op->pts);
	/*
	 * Jobs that were with the chip when entries changed have their fences in the dma_resv, and
	 * maybe others.
	 */
	ig1_vm_op_release(op, true);
}

static int prepare_spares(struct ig1_vm_op *op)
{
	u32 i;

	for (i = 0; i < IG1_VM_OP_VAS; i++) {
		op->spare[i] = kzalloc_obj(*op->spare[i], GFP_KERNEL_ACCOUNT);
		if (!op->spare[i])
			return -ENOMEM;
	}
	return 0;
}

/* The buffer's place in the VM; makes jobs lock it if it is not private. */
static int prepare_vm_bo(struct ig1_vm_op *op)
{
	struct drm_gem_object *obj = &op->bo->base.base;
	struct drm_gpuvm_bo *vm_bo = drm_gpuvm_bo_create(&op->vm->base, obj);

	if (!vm_bo)
		return -ENOMEM;
	dma_resv_lock(ig1_vm_resv(op->vm), NULL);
	op->vm_bo = ig1_compat_vm_bo_obtain(vm_bo, ig1_gem_list_lock(obj));
	drm_gpuvm_bo_extobj_add(op->vm_bo);
	dma_resv_unlock(ig1_vm_resv(op->vm));
	return 0;
}

static int prepare_map(struct ig1_vm_op *op, struct drm_file *file, u32 handle,
		       struct ig1_pt_need *need)
{
	struct ig1_vm *vm = op->vm;
	struct ig1_extent_iter it;
	struct ig1_extent e;
	struct ig1_bo *bo;
	u64 va = op->va;
	int ret;

	bo = ig1_bo_lookup(file, handle);
	if (IS_ERR(bo)) {
		drm_dbg(&vm->dev->drm, "VM_BIND: no buffer %u\n", handle);
		return PTR_ERR(bo);
	}
	op->bo = bo;
	if (op->size > bo->base.base.size || op->offset > bo->base.base.size - op->size)
		return bad_op(vm, "offset and size");
	if (bo->root && bo->root != vm->base.r_obj)
		return bad_op(vm, "handle: private to another VM");
	ret = ig1_bo_map(bo);
	if (ret)
		return ret;
	ig1_extent_start(&it, bo, op->offset, op->size);
	while (ig1_extent_next(&it, &e)) {
		ig1_pt_need_extent(need, va, e.addr, e.bytes);
		va += e.bytes;
	}
	/* An exporter may round its buffer's size up. */
	if (it.left)
		return bad_op(vm, "offset and size");
	return prepare_vm_bo(op);
}

struct ig1_vm_op *ig1_vm_op_prepare(struct ig1_vm *vm, struct drm_file *file,
				    const struct drm_intaglio_bind_op *args)
{
	struct ig1_pt_need need = { 0 };
	struct ig1_vm_op *op;
	int ret;

	ret = check_op(vm, args);
	if (ret)
		return ERR_PTR(ret);
	if (args->op == DRM_INTAGLIO_BIND_MAP && !ig1_vm_usable(vm))
		return ERR_PTR(-ECANCELED);
	op = kzalloc_obj(*op, GFP_KERNEL_ACCOUNT);
	if (!op)
		return ERR_PTR(-ENOMEM);
	drm_gpuvm_get(&vm->base);
	op->vm = vm;
	op->readonly = args->flags & DRM_INTAGLIO_BIND_READONLY;
	op->offset = args->offset;
	op->va = args->va;
	op->size = args->size;
	INIT_LIST_HEAD(&op->gone);
	INIT_WORK(&op->work, op_work);
	ig1_pt_cache_init(&op->pts);
	if (args->op == DRM_INTAGLIO_BIND_MAP)
		ret = prepare_map(op, file, args->handle, &need);
	else
		ig1_pt_need_ends(&need, op->va, op->size);
	if (!ret)
		ret = ig1_pt_cache_fill(&vm->dev->mmu, &op->pts, &need);
	if (!ret)
		ret = prepare_spares(op);
	if (ret) {
		op_free(op);
		return ERR_PTR(ret);
	}
	return op;
}

int ig1_vm_op_run(struct ig1_vm_op *op)
{
	struct ig1_vm *vm = op->vm;
	int ret;

	mutex_lock(&vm->op_lock);
	if (op->bo)
		ret = ig1_compat_sm_map(&vm->base, op, op->va, op->size, &op->bo->base.base,
					op->offset);
	else
		ret = drm_gpuvm_sm_unmap(&vm->base, op, op->va, op->size);
	mutex_unlock(&vm->op_lock);
	trace_ig1_bind(vm, op->va, op->size, op->bo, ret);
	return ret;
}

/* --- asynchronous operations ---------------------------------------------------------------- */

/**
 * struct ig1_bind_job - An operation on the VM's queue
 */
struct ig1_bind_job {
	/** @base: base */
	struct drm_sched_job base;
	/** @vm: address space, by a user's reference */
	struct ig1_vm *vm;
	/** @op: what to do */
	struct ig1_vm_op *op;
	/** @fence: has signalled when it has run, and holds the module as a job's does */
	struct ig1_fence *fence;
	/** @syncs: fences before and after */
	struct ig1_syncs syncs;
	/** @work: frees it, since free_job is part of signalling fences */
	struct work_struct work;
};

static struct ig1_bind_job *to_bind_job(struct drm_sched_job *job)
{
	return container_of(job, struct ig1_bind_job, base);
}

static void bind_job_free(struct ig1_bind_job *job)
{
	ig1_syncs_put(&job->syncs);
	kfree(job->fence);
	if (job->op)
		ig1_vm_op_end(job->op);
	ig1_vm_put(job->vm);
	kfree(job);
}

static void bind_job_free_work(struct work_struct *work)
{
	bind_job_free(container_of(work, struct ig1_bind_job, work));
}

static struct dma_fence *bind_job_run(struct drm_sched_job *base)
{
	struct ig1_bind_job *job = to_bind_job(base);
	struct ig1_vm *vm = job->vm;
	struct ig1_fence *fence = job->fence;
	int ret = -ENODEV, idx;
	bool cookie;

	cookie = dma_fence_begin_signalling();
	if (drm_dev_enter(&vm->dev->drm, &idx)) {
		if (job->op->bo && !ig1_vm_usable(vm))
			ret = -ECANCELED;
		else
			ret = ig1_vm_op_run(job->op);
		drm_dev_exit(idx);
	}
	if (ret)
		WRITE_ONCE(vm->unusable, true);
	job->fence = NULL;
	ig1_fence_init(fence, vm->fence_context, job->base.s_fence->finished.seqno);
	if (ret)
		dma_fence_set_error(&fence->base, ret);
	dma_fence_signal(&fence->base);
	dma_fence_end_signalling(cookie);
	return &fence->base;
}

static void bind_job_done(struct drm_sched_job *base)
{
	struct ig1_bind_job *job = to_bind_job(base);

	drm_sched_job_cleanup(base);
	queue_work(ig1_free_wq, &job->work);
}

static enum drm_gpu_sched_stat bind_job_timedout(struct drm_sched_job *base)
{
	/* There is no time limit, and nothing to wait for once it runs. */
	WARN_ON_ONCE(1);
	return IG1_SCHED_STAT_RESET;
}

const struct drm_sched_backend_ops ig1_bind_sched_ops = {
	.run_job = bind_job_run,
	.timedout_job = bind_job_timedout,
	.free_job = bind_job_done,
};

static struct ig1_bind_job *bind_job_create(struct ig1_vm *vm, struct drm_file *file,
					    const struct drm_intaglio_bind_op *args)
{
	struct ig1_bind_job *job;
	int ret;

	job = kzalloc_obj(*job, GFP_KERNEL_ACCOUNT);
	if (!job)
		return ERR_PTR(-ENOMEM);
	job->vm = ig1_vm_get(vm);
	INIT_WORK(&job->work, bind_job_free_work);
	job->fence = kzalloc_obj(*job->fence, GFP_KERNEL_ACCOUNT);
	if (!job->fence) {
		ret = -ENOMEM;
		goto err_free;
	}
	job->op = ig1_vm_op_prepare(vm, file, args);
	if (IS_ERR(job->op)) {
		ret = PTR_ERR(job->op);
		job->op = NULL;
		goto err_free;
	}
	ret = ig1_syncs_get(file, &args->syncs, &job->syncs);
	if (ret) {
		drm_dbg(&vm->dev->drm, "VM_BIND: bad syncs\n");
		goto err_free;
	}
	ret = ig1_compat_sched_job_init(&job->base, &vm->entity, 1, vm, file->client_id);
	if (ret)
		goto err_free;
	ret = ig1_syncs_depend(&job->syncs, &job->base);
	if (ret)
		goto err_job;
	return job;

err_job:
	drm_sched_job_cleanup(&job->base);
err_free:
	bind_job_free(job);
	return ERR_PTR(ret);
}

static int bind_async(struct ig1_vm *vm, struct drm_file *file,
		      const struct drm_intaglio_bind_op *ops, u32 count)
{
	struct ig1_bind_job **jobs;
	u32 made, i;
	bool cookie;
	int ret = 0;

	jobs = kvcalloc(count, sizeof(*jobs), GFP_KERNEL);
	if (!jobs)
		return -ENOMEM;
	for (made = 0; made < count; made++) {
		jobs[made] = bind_job_create(vm, file, &ops[made]);
		if (IS_ERR(jobs[made])) {
			ret = PTR_ERR(jobs[made]);
			goto err_jobs;
		}
	}
	/* All are right: gates of a job that is given up would stay for as long as the VM does. */
	for (i = 0; i < count && !ret; i++)
		ret = ig1_gates_shut(&vm->gates, &vm->entity, &jobs[i]->base);
	if (ret)
		goto err_jobs;
	/* Nothing fails from here on. */
	mutex_lock(&vm->bind_lock);
	cookie = dma_fence_begin_signalling();
	for (i = 0; i < count; i++) {
		drm_sched_job_arm(&jobs[i]->base);
		ig1_syncs_signal(&jobs[i]->syncs, &jobs[i]->base.s_fence->finished);
		drm_sched_entity_push_job(&jobs[i]->base);
	}
	dma_fence_end_signalling(cookie);
	mutex_unlock(&vm->bind_lock);
	kvfree(jobs);
	return 0;

err_jobs:
	while (made--) {
		drm_sched_job_cleanup(&jobs[made]->base);
		bind_job_free(jobs[made]);
	}
	kvfree(jobs);
	return ret;
}

/* --- ioctl ---------------------------------------------------------------------------------- */

static int bind_one(struct ig1_vm *vm, struct drm_file *file,
		    const struct drm_intaglio_bind_op *args)
{
	struct ig1_vm_op *op;
	int ret;

	if (args->syncs.count)
		return bad_op(vm, "syncs without ASYNC");
	op = ig1_vm_op_prepare(vm, file, args);
	if (IS_ERR(op))
		return PTR_ERR(op);
	ret = ig1_vm_op_run(op);
	/* Half done. It does not happen, since all that is needed was prepared. */
	if (ret)
		WRITE_ONCE(vm->unusable, true);
	ig1_vm_op_end(op);
	return ret;
}

static int bind_sync(struct ig1_vm *vm, struct drm_file *file,
		     const struct drm_intaglio_bind_op *ops, u32 count, u32 *done)
{
	int ret = 0;

	for (*done = 0; *done < count && !ret; *done += !ret) {
		/* An operation on a large buffer is long, and nobody sees what the call returns. */
		if (fatal_signal_pending(current))
			return -EINTR;
		ret = bind_one(vm, file, &ops[*done]);
	}
	return ret;
}

int ig1_vm_bind_ioctl(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct drm_intaglio_vm_bind *args = data;
	struct drm_intaglio_bind_op *ops;
	bool async = args->flags & DRM_INTAGLIO_VM_BIND_ASYNC;
	struct ig1_vm *vm;
	int ret, idx;
	u32 done = 0;

	if (args->flags & ~DRM_INTAGLIO_VM_BIND_ASYNC) {
		drm_dbg(drm, "VM_BIND: flags %#x\n", args->flags);
		ret = -EINVAL;
		goto out;
	}
	if (!drm_dev_enter(drm, &idx)) {
		ret = -ENODEV;
		goto out;
	}
	vm = ig1_vm_lookup(file->driver_priv, args->vm_id);
	if (!vm) {
		drm_dbg(drm, "VM_BIND: no VM %u\n", args->vm_id);
		ret = -ENOENT;
		goto out_exit;
	}
	ops = ig1_array_get(&args->ops, sizeof(*ops), sizeof(*ops), OPS_MAX);
	if (IS_ERR(ops)) {
		drm_dbg(drm, "VM_BIND: bad ops\n");
		ret = PTR_ERR(ops);
		goto out_vm;
	}
	if (!args->ops.count)
		ret = 0;
	else if (async)
		ret = bind_async(vm, file, ops, args->ops.count);
	else
		ret = bind_sync(vm, file, ops, args->ops.count, &done);
	kvfree(ops);
out_vm:
	ig1_vm_put(vm);
out_exit:
	drm_dev_exit(idx);
out:
	if (ret && !async)
		args->ops.count = done;
	return ret;
}
