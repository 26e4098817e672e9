/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _IG1_SYNC_H_
#define _IG1_SYNC_H_

#include <linux/types.h>

#include "intaglio_accel.h"

struct dma_fence;
struct drm_file;
struct drm_sched_job;
struct ig1_sync_out;

/* Fences that one operation may wait for and signal. */
#define IG1_SYNCS_MAX 1024

/* Bytes from element to element: no structure that anybody will ever define is longer. */
#define IG1_STRIDE_MAX 4096

/**
 * struct ig1_syncs - Fences that a job waits for, and syncobjs that it signals
 */
struct ig1_syncs {
	/** @in: references */
	struct dma_fence **in;
	/** @out: syncobjs, with the chain node a timeline wants */
	struct ig1_sync_out *out;
	/** @ins: of @in */
	u32 ins;
	/** @outs: of @out */
	u32 outs;
};

/*
 * Copies an array of user space. @elem: bytes the kernel knows of an element, @min: that every
 * caller has. Returns kvmalloc memory of count * elem bytes (free with kvfree), NULL for count 0,
 * or an error: -EINVAL (count, stride), -EFAULT, -ENOMEM, -E2BIG turned into -EINVAL.
 */
void *ig1_array_get(const struct drm_intaglio_obj_array *a, u32 min, u32 elem, u32 max);

/*
 * Looks everything up and allocates everything: nothing can fail later. -EINVAL: flags, point;
 * -ENOENT: no such syncobj; -EINVAL: nothing attached to wait for. On error @s is empty.
 */
int ig1_syncs_get(struct drm_file *file, const struct drm_intaglio_obj_array *a,
		  struct ig1_syncs *s);

/* Adds @in as dependencies. May allocate; call before arm. On error the caller puts @s as ever. */
int ig1_syncs_depend(struct ig1_syncs *s, struct drm_sched_job *job);

/* Attaches the fence to all @out; call after arm, allocates nothing. */
void ig1_syncs_signal(struct ig1_syncs *s, struct dma_fence *fence);

/* Drops what is left. */
void ig1_syncs_put(struct ig1_syncs *s);

#endif /* _IG1_SYNC_H_ */
