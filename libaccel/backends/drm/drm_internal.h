/* SPDX-License-Identifier: MIT */
/* What the files of the drm back end share. */
#ifndef ACCEL_DRM_INTERNAL_H
#define ACCEL_DRM_INTERNAL_H

#include "backends/backend.h"
#include "drm_sys.h"
#include "uapi/intaglio_accel.h"

struct drm_dev {
	struct accel_env *env;
	int fd;
	char node[32];
	struct drm_intaglio_chip_info chip;
	void *fdt;
	size_t fdt_bytes;
	uint64_t ioctls; /* atomic */
};

struct backend_space {
	struct drm_dev *dev;
	uint32_t id;
};

/* A GEM object; p is NULL for one in SRAM. */
struct drm_bo {
	uint32_t handle;
	uint64_t bytes;
	void *p;
};

static inline struct drm_dev *drm_dev(struct backend_dev *dev)
{
	return (struct drm_dev *)dev;
}

/* drm_sys.ioctl, counted; name is for ACCEL_DEBUG=ioctl. Negative errno. */
int drm_call(struct drm_dev *dev, const char *name, unsigned long request, void *arg);
#define DRM_CALL(dev, NAME, arg) drm_call(dev, #NAME, DRM_IOCTL_INTAGLIO_##NAME, arg)
/* Counts and shows a call that did not go through drm_call(); returns err. */
int drm_count(struct drm_dev *dev, const char *name, int err);
/* enum accel_error for a negative errno of the driver. */
int drm_error(int err);
/* The same, with a sentence: what was tried. */
int drm_fail(struct drm_dev *dev, int err, const char *what);

/* vm_id: the only VM it will be bound to, or 0. Negative errno, nothing recorded. */
int drm_bo_init(struct drm_dev *dev, uint64_t bytes, uint32_t flags, uint32_t vm_id,
		struct drm_bo *bo);
void drm_bo_fini(struct drm_dev *dev, struct drm_bo *bo);

/* drm_queue.c: members of backend_drm */
#define DRM_QUEUE_DEPTH 8u
int drm_queue_create(struct backend_space *space, uint32_t priority, struct backend_queue **out);
void drm_queue_destroy(struct backend_queue *queue);
int drm_queue_submit(struct backend_queue *queue, const struct backend_job *job,
		     backend_done_fn done, void *ctx);
int drm_queue_cancel(struct backend_queue *queue);
int drm_queue_resume(struct backend_queue *queue);

#endif
