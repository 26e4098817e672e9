/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Differences between the kernels that the driver is built for, and nothing else. HAVE_* come from
 * Kbuild, which looks at the headers.
 */
#ifndef _IG1_COMPAT_H_
#define _IG1_COMPAT_H_

#include <linux/module.h>
#include <linux/slab.h>
#include <linux/stringify.h>

#include <drm/drm_drv.h>
#include <drm/drm_exec.h>
#include <drm/drm_gem.h>
#include <drm/drm_gpuvm.h>
#include <drm/gpu_scheduler.h>

#ifndef kzalloc_obj
/* Flags, where there are some, are GFP_KERNEL and more. */
#define kzalloc_obj(obj, ...) \
	({ \
		const gfp_t _gfp[2] = { GFP_KERNEL, ##__VA_ARGS__ }; \
		kzalloc(sizeof(obj), _gfp[0] | _gfp[1]); \
	})
#endif

/* A symbol namespace is a token or a string. */
#ifdef HAVE_IMPORT_NS_TOKEN
#define IG1_IMPORT_NS(ns) MODULE_IMPORT_NS(ns)
#else
#define IG1_IMPORT_NS(ns) MODULE_IMPORT_NS(__stringify(ns))
#endif

/* Feature flag that gpuvm wants, or used to want. */
#ifdef HAVE_DRIVER_GEM_GPUVA
#define IG1_DRIVER_GPUVA DRIVER_GEM_GPUVA
#else
#define IG1_DRIVER_GPUVA 0
#endif

#ifndef HAVE_GEM_IS_IMPORTED
static inline bool drm_gem_is_imported(const struct drm_gem_object *obj)
{
	return !!obj->import_attach;
}
#endif

#ifndef HAVE_GEM_VMAP
#define drm_gem_vmap   drm_gem_vmap_unlocked
#define drm_gem_vunmap drm_gem_vunmap_unlocked
#endif

/* Lists of mappings are protected by a mutex of ours, or by one in the object. */
#ifdef HAVE_GPUVM_IMMEDIATE_MODE
#define HAVE_GEM_GPUVA_LOCK
#define IG1_GPUVM_FLAGS (DRM_GPUVM_RESV_PROTECTED | DRM_GPUVM_IMMEDIATE_MODE)
#else
#define IG1_GPUVM_FLAGS DRM_GPUVM_RESV_PROTECTED
#endif

/* @lock: of the object's list of mappings; who takes it has changed. */
static inline struct drm_gpuvm_bo *ig1_compat_vm_bo_obtain(struct drm_gpuvm_bo *vm_bo,
							   struct mutex *lock)
{
#ifndef HAVE_GPUVM_IMMEDIATE_MODE
	mutex_lock(lock);
	vm_bo = drm_gpuvm_bo_obtain_prealloc(vm_bo);
	mutex_unlock(lock);
	return vm_bo;
#else
	return drm_gpuvm_bo_obtain_prealloc(vm_bo);
#endif
}

static inline int ig1_compat_sm_map(struct drm_gpuvm *gpuvm, void *priv, u64 addr, u64 range,
				    struct drm_gem_object *obj, u64 offset)
{
#ifdef HAVE_GPUVM_MAP_REQ
	const struct drm_gpuvm_map_req req = {
		.map.va.addr = addr,
		.map.va.range = range,
		.map.gem.obj = obj,
		.map.gem.offset = offset,
	};

	return drm_gpuvm_sm_map(gpuvm, priv, &req);
#else
	return drm_gpuvm_sm_map(gpuvm, priv, addr, range, obj, offset);
#endif
}

/* The index that older kernels want. */
#ifdef HAVE_EXEC_FOR_EACH_2
#define ig1_exec_for_each_locked(exec, obj) drm_exec_for_each_locked_object(exec, obj)
#else
#define ig1_exec_for_each_locked(exec, obj) \
	for (unsigned long __i = 0; ((obj) = drm_exec_obj(exec, __i)); __i++)
#endif

#ifndef HAVE_SCHED_INIT_ARGS
struct drm_sched_init_args {
	const struct drm_sched_backend_ops *ops;
	struct workqueue_struct *submit_wq;
	struct workqueue_struct *timeout_wq;
	u32 num_rqs;
	u32 credit_limit;
	unsigned int hang_limit;
	long timeout;
	atomic_t *score;
	const char *name;
	struct device *dev;
};
#endif

static inline int ig1_compat_sched_init(struct drm_gpu_scheduler *sched,
					const struct drm_sched_init_args *a)
{
#ifdef HAVE_SCHED_INIT_ARGS
	return drm_sched_init(sched, a);
#else
	return drm_sched_init(sched, a->ops, a->submit_wq, a->num_rqs, a->credit_limit,
			      a->hang_limit, a->timeout, a->timeout_wq, a->score, a->name, a->dev);
#endif
}

static inline int ig1_compat_sched_job_init(struct drm_sched_job *job,
					    struct drm_sched_entity *entity, u32 credits,
					    void *owner, u64 client)
{
#ifdef HAVE_SCHED_JOB_CLIENT
	return drm_sched_job_init(job, entity, credits, owner, client);
#else
	return drm_sched_job_init(job, entity, credits, owner);
#endif
}

/* What timedout_job returns after a reset, and when nothing hangs. */
#ifdef HAVE_SCHED_STAT_RESET
#define IG1_SCHED_STAT_RESET DRM_GPU_SCHED_STAT_RESET
#else
#define IG1_SCHED_STAT_RESET DRM_GPU_SCHED_STAT_NOMINAL
#endif

/*
 * For timedout_job when the job is not hung. Older schedulers have taken it off their list and
 * forget it unless it is put back; and since it may have ended meanwhile, they have to look again.
 */
static inline enum drm_gpu_sched_stat ig1_compat_sched_no_hang(struct drm_sched_job *job)
{
#ifdef HAVE_SCHED_STAT_NO_HANG
	return DRM_GPU_SCHED_STAT_NO_HANG;
#else
	struct drm_gpu_scheduler *sched = job->sched;

	spin_lock(&sched->job_list_lock);
	list_add(&job->list, &sched->pending_list);
	spin_unlock(&sched->job_list_lock);
	queue_work(sched->submit_wq, &sched->work_free_job);
	return DRM_GPU_SCHED_STAT_NOMINAL;
#endif
}

#endif /* _IG1_COMPAT_H_ */
