// SPDX-License-Identifier: GPL-2.0-only
/* Arrays of user space, and the fences that operations wait for and signal. */
#include "ig1_sync.h"

#include <linux/dma-fence-chain.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <drm/drm_syncobj.h>

#include "ig1_compat.h"

/**
 * struct ig1_sync_out - A syncobj to signal
 */
struct ig1_sync_out {
	/** @syncobj: reference */
	struct drm_syncobj *syncobj;
	/** @chain: node for a timeline, NULL for a binary syncobj */
	struct dma_fence_chain *chain;
	/** @point: of the timeline */
	u64 point;
};

void *ig1_array_get(const struct drm_intaglio_obj_array *a, u32 min, u32 elem, u32 max)
{
	void *p;
	u32 i;
	int ret;

	if (!a->count)
		return NULL;
	if (a->count > max || a->stride < min || a->stride > IG1_STRIDE_MAX)
		return ERR_PTR(-EINVAL);
	p = kvcalloc(a->count, elem, GFP_KERNEL);
	if (!p)
		return ERR_PTR(-ENOMEM);
	for (i = 0; i < a->count; i++) {
		ret = copy_struct_from_user(p + (size_t)i * elem, elem,
					    u64_to_user_ptr(a->array + (u64)i * a->stride),
					    a->stride);
		if (ret) {
			kvfree(p);
			return ERR_PTR(ret == -E2BIG ? -EINVAL : ret);
		}
	}
	return p;
}

static int get_in(struct drm_file *file, const struct drm_intaglio_sync *sync, struct ig1_syncs *s)
{
	int ret = drm_syncobj_find_fence(file, sync->handle, sync->point, 0, &s->in[s->ins]);

	if (!ret)
		s->ins++;
	return ret;
}

static int get_out(struct drm_file *file, const struct drm_intaglio_sync *sync, struct ig1_syncs *s)
{
	struct ig1_sync_out *out = &s->out[s->outs];

	out->syncobj = drm_syncobj_find(file, sync->handle);
	if (!out->syncobj)
		return -ENOENT;
	s->outs++;
	out->point = sync->point;
	if (!(sync->flags & DRM_INTAGLIO_SYNC_TIMELINE))
		return 0;
	out->chain = dma_fence_chain_alloc();
	return out->chain ? 0 : -ENOMEM;
}

int ig1_syncs_get(struct drm_file *file, const struct drm_intaglio_obj_array *a,
		  struct ig1_syncs *s)
{
	const u32 known = DRM_INTAGLIO_SYNC_TIMELINE | DRM_INTAGLIO_SYNC_SIGNAL;
	struct drm_intaglio_sync *sync;
	u32 signals = 0, i;
	int ret = 0;

	memset(s, 0, sizeof(*s));
	sync = ig1_array_get(a, sizeof(*sync), sizeof(*sync), IG1_SYNCS_MAX);
	if (IS_ERR_OR_NULL(sync))
		return PTR_ERR_OR_ZERO(sync);
	for (i = 0; i < a->count; i++) {
		if (sync[i].flags & ~known ||
		    !!(sync[i].flags & DRM_INTAGLIO_SYNC_TIMELINE) != !!sync[i].point) {
			ret = -EINVAL;
			goto out;
		}
		signals += !!(sync[i].flags & DRM_INTAGLIO_SYNC_SIGNAL);
	}
	s->in = kvcalloc(a->count - signals, sizeof(*s->in), GFP_KERNEL_ACCOUNT);
	s->out = kvcalloc(signals, sizeof(*s->out), GFP_KERNEL_ACCOUNT);
	if (!s->in || !s->out) {
		ret = -ENOMEM;
		goto out;
	}
	for (i = 0; i < a->count && !ret; i++) {
		if (sync[i].flags & DRM_INTAGLIO_SYNC_SIGNAL)
			ret = get_out(file, &sync[i], s);
		else
			ret = get_in(file, &sync[i], s);
	}
out:
	kvfree(sync);
	if (ret)
		ig1_syncs_put(s);
	return ret;
}

int ig1_syncs_depend(struct ig1_syncs *s, struct drm_sched_job *job)
{
	struct dma_fence *fence;
	u32 i;
	int ret;

	for (i = 0; i < s->ins; i++) {
		fence = s->in[i];
		s->in[i] = NULL;
		/* Takes the reference, in any case. */
		ret = drm_sched_job_add_dependency(job, fence);
		if (ret)
			return ret;
	}
	return 0;
}

void ig1_syncs_signal(struct ig1_syncs *s, struct dma_fence *fence)
{
	struct ig1_sync_out *out;
	u32 i;

	for (i = 0; i < s->outs; i++) {
		out = &s->out[i];
		if (out->chain) {
			drm_syncobj_add_point(out->syncobj, out->chain, fence, out->point);
			out->chain = NULL;
		} else {
			drm_syncobj_replace_fence(out->syncobj, fence);
		}
	}
}

void ig1_syncs_put(struct ig1_syncs *s)
{
	u32 i;

	for (i = 0; i < s->ins; i++)
		dma_fence_put(s->in[i]);
	for (i = 0; i < s->outs; i++) {
		dma_fence_chain_free(s->out[i].chain);
		drm_syncobj_put(s->out[i].syncobj);
	}
	kvfree(s->in);
	kvfree(s->out);
	memset(s, 0, sizeof(*s));
}
