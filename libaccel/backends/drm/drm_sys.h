/* SPDX-License-Identifier: MIT */
/*
 * Every system call of the drm back end, so that tests can put a kernel of their own in its place:
 * they link another definition of `drm_sys`. Results are 0 or a negative errno unless said
 * otherwise; calls are repeated on EINTR and EAGAIN.
 */
#ifndef ACCEL_DRM_SYS_H
#define ACCEL_DRM_SYS_H

#include <stddef.h>
#include <stdint.h>

#define DRM_SYS_NODES 64

struct drm_sys_version {
	int major, minor;
	char name[32]; /* of the driver */
};

struct drm_sys {
	/* Numbers N of the accel nodes, ascending, at most max; returns how many. */
	int (*nodes)(uint32_t *n, int max);
	/* Opens /dev/accel/accelN. Returns the descriptor. */
	int (*open)(uint32_t node);
	void (*close)(int fd);
	int (*version)(int fd, struct drm_sys_version *v);
	int (*ioctl)(int fd, unsigned long request, void *arg);
	/* Shared, readable and writable. */
	int (*map)(int fd, uint64_t offset, size_t bytes, void **p);
	void (*unmap)(void *p, size_t bytes);
	int (*bo_close)(int fd, uint32_t handle);
	int (*syncobj_create)(int fd, uint32_t *handle);
	int (*syncobj_destroy)(int fd, uint32_t handle);
	/* Until a point that was given to EXEC is signalled, with or without an error. */
	int (*syncobj_wait)(int fd, uint32_t handle, uint64_t point);
};

extern const struct drm_sys drm_sys;

/* The accel nodes that a class folder (/sys/class/accel) lists; as drm_sys.nodes. */
int drm_sys_scan(const char *folder, uint32_t *n, int max);

#endif
