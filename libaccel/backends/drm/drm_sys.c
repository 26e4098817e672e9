// SPDX-License-Identifier: MIT
/* The real system calls, by libdrm's calls on descriptors. */
#include "drm_sys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xf86drm.h>

static int sys_nodes(uint32_t *n, int max)
{
	return drm_sys_scan("/sys/class/accel", n, max);
}

static int sys_open(uint32_t node)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/dev/accel/accel%u", node);
	do {
		fd = open(path, O_RDWR | O_CLOEXEC);
	} while (fd < 0 && errno == EINTR);
	return fd < 0 ? -errno : fd;
}

static void sys_close(int fd)
{
	close(fd);
}

static int sys_version(int fd, struct drm_sys_version *v)
{
	drmVersionPtr p = drmGetVersion(fd);

	if (!p)
		return errno ? -errno : -ENOTTY;
	v->major = p->version_major;
	v->minor = p->version_minor;
	snprintf(v->name, sizeof(v->name), "%.*s", p->name_len, p->name);
	drmFreeVersion(p);
	return 0;
}

static int sys_ioctl(int fd, unsigned long request, void *arg)
{
	return drmIoctl(fd, request, arg) ? -errno : 0;
}

static int sys_map(int fd, uint64_t offset, size_t bytes, void **p)
{
	*p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)offset);
	if (*p != MAP_FAILED)
		return 0;
	*p = NULL;
	return -errno;
}

static void sys_unmap(void *p, size_t bytes)
{
	munmap(p, bytes);
}

static int sys_bo_close(int fd, uint32_t handle)
{
	return drmCloseBufferHandle(fd, handle) ? -errno : 0;
}

static int sys_syncobj_create(int fd, uint32_t *handle)
{
	return drmSyncobjCreate(fd, 0, handle) ? -errno : 0;
}

static int sys_syncobj_destroy(int fd, uint32_t handle)
{
	return drmSyncobjDestroy(fd, handle) ? -errno : 0;
}

static int sys_syncobj_wait(int fd, uint32_t handle, uint64_t point)
{
	return drmSyncobjTimelineWait(fd, &handle, &point, 1, INT64_MAX, 0, NULL);
}

const struct drm_sys drm_sys = {
	.nodes = sys_nodes,
	.open = sys_open,
	.close = sys_close,
	.version = sys_version,
	.ioctl = sys_ioctl,
	.map = sys_map,
	.unmap = sys_unmap,
	.bo_close = sys_bo_close,
	.syncobj_create = sys_syncobj_create,
	.syncobj_destroy = sys_syncobj_destroy,
	.syncobj_wait = sys_syncobj_wait,
};
