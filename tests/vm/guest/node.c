// SPDX-License-Identifier: MIT
/* TAP, and small calls around the ioctls. */
#include "node.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#ifdef NODE_FAKE
#include "tests/drm/fake_kernel.h"
#else
#include <fcntl.h>
#include <sys/ioctl.h>
#include <xf86drm.h>
#endif

static unsigned int tests, failed;

bool tap_ok(bool good, const char *fmt, ...)
{
	va_list ap;

	printf("%s %u - ", good ? "ok" : "not ok", ++tests);
	failed += !good;
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
	return good;
}

static const char *name_of(int err)
{
	const char *s = err ? strerrorname_np(-err) : "success";

	return s ? s : "no errno";
}

bool tap_result(int got, int want, const char *what)
{
	tap_ok(got == want, "%s: %s", what, name_of(want));
	if (got != want)
		printf("# it is %d, %s\n", got, name_of(got));
	return got == want;
}

void tap_skip(const char *what, const char *why)
{
	printf("ok %u - %s # SKIP %s\n", ++tests, what, why);
}

int tap_end(void)
{
	printf("1..%u\n", tests);
	return failed != 0;
}

/* --- the node ------------------------------------------------------------------------------------ */

int node_open(unsigned int index, unsigned int seconds)
{
	uint32_t nodes[DRM_SYS_NODES];
	struct drm_sys_version v;
	int i, n, fd;

	setvbuf(stdout, NULL, _IOLBF, 0);
	alarm(seconds);
	n = drm_sys.nodes(nodes, DRM_SYS_NODES);
	for (i = 0; i < n; i++) {
		fd = drm_sys.open(nodes[i]);
		if (fd < 0)
			continue;
		if (!drm_sys.version(fd, &v) && !strcmp(v.name, DRM_INTAGLIO_DRIVER_NAME) &&
		    !index--)
			return fd;
		drm_sys.close(fd);
	}
	printf("Bail out! no device of driver %s\n", DRM_INTAGLIO_DRIVER_NAME);
	exit(1);
}

#ifdef NODE_FAKE
bool node_real(void)
{
	return false;
}

bool node_privileged(bool on)
{
	fake_kernel.unprivileged = !on;
	return true;
}

int node_export(int fd, uint32_t handle, int *dmabuf)
{
	(void)fd;
	(void)handle;
	*dmabuf = -1;
	return -EOPNOTSUPP;
}

int node_import(int fd, int dmabuf, uint32_t *handle)
{
	(void)fd;
	(void)dmabuf;
	*handle = 0;
	return -EOPNOTSUPP;
}

int node_replace(int fd, int with)
{
	(void)fd;
	drm_sys.close(with);
	return -EOPNOTSUPP;
}

int node_never(int fd, uint32_t *handle)
{
	(void)fd;
	*handle = 0;
	return -EOPNOTSUPP;
}
#else
bool node_real(void)
{
	return true;
}

bool node_privileged(bool on)
{
	return !geteuid() || on ? !seteuid(on ? 0 : 65534) : false;
}

int node_export(int fd, uint32_t handle, int *dmabuf)
{
	return drmPrimeHandleToFD(fd, handle, O_CLOEXEC | O_RDWR, dmabuf) ? -errno : 0;
}

int node_import(int fd, int dmabuf, uint32_t *handle)
{
	return drmPrimeFDToHandle(fd, dmabuf, handle) ? -errno : 0;
}

int node_replace(int fd, int with)
{
	int err = dup3(with, fd, O_CLOEXEC) < 0 ? -errno : 0;

	close(with);
	return err;
}

/* debugfs' sw_sync has no header. Its fences signal when the file is closed, at the end of the process. */
struct sw_sync_create {
	uint32_t value;
	char name[32];
	int32_t fence;
};

int node_never(int fd, uint32_t *handle)
{
	struct sw_sync_create c = { .value = 1, .name = "never" };
	int timeline = open("/sys/kernel/debug/sync/sw_sync", O_RDWR | O_CLOEXEC), err;

	*handle = 0;
	if (timeline < 0)
		return -EOPNOTSUPP;
	if (ioctl(timeline, _IOWR('W', 0, struct sw_sync_create), &c) ||
	    drmSyncobjCreate(fd, 0, handle))
		return -errno;
	err = drmSyncobjImportSyncFile(fd, *handle, c.fence) ? -errno : 0;
	close(c.fence);
	return err;
}
#endif

int node_bo_create(int fd, uint64_t size, uint32_t flags, uint32_t vm, struct node_bo *bo)
{
	struct drm_intaglio_gem_create c = { .size = size, .flags = flags, .vm_id = vm };
	struct drm_intaglio_gem_mmap_offset o = { 0 };
	int err = NODE_CALL(fd, GEM_CREATE, &c);

	memset(bo, 0, sizeof(*bo));
	if (err)
		return err;
	bo->handle = c.handle;
	bo->size = c.size;
	if (flags & DRM_INTAGLIO_GEM_RESIDENT)
		return 0;
	o.handle = c.handle;
	err = NODE_CALL(fd, GEM_MMAP_OFFSET, &o);
	if (!err)
		err = drm_sys.map(fd, o.offset, bo->size, &bo->p);
	if (err)
		drm_sys.bo_close(fd, c.handle);
	return err;
}

void node_bo_destroy(int fd, struct node_bo *bo)
{
	if (bo->p)
		drm_sys.unmap(bo->p, bo->size);
	if (bo->handle)
		drm_sys.bo_close(fd, bo->handle);
	memset(bo, 0, sizeof(*bo));
}

static int bind(int fd, uint32_t vm, struct drm_intaglio_bind_op *op)
{
	struct drm_intaglio_vm_bind a = { .vm_id = vm, .ops = { sizeof(*op), 1, (uintptr_t)op } };

	return NODE_CALL(fd, VM_BIND, &a);
}

int node_map(int fd, uint32_t vm, const struct node_bo *bo, uint64_t offset, uint64_t va,
	     uint64_t size, uint32_t flags)
{
	struct drm_intaglio_bind_op op = {
		.op = DRM_INTAGLIO_BIND_MAP,
		.flags = flags,
		.handle = bo->handle,
		.offset = offset,
		.va = va,
		.size = size,
	};

	return bind(fd, vm, &op);
}

int node_unmap(int fd, uint32_t vm, uint64_t va, uint64_t size)
{
	struct drm_intaglio_bind_op op = { .op = DRM_INTAGLIO_BIND_UNMAP, .va = va, .size = size };

	return bind(fd, vm, &op);
}

int node_vm_create(int fd, uint32_t *vm)
{
	struct drm_intaglio_vm_create a = { 0 };
	int err = NODE_CALL(fd, VM_CREATE, &a);

	*vm = a.vm_id;
	return err;
}

int node_vm_destroy(int fd, uint32_t vm)
{
	struct drm_intaglio_vm_destroy a = { .vm_id = vm };

	return NODE_CALL(fd, VM_DESTROY, &a);
}

int node_queue_create(int fd, uint32_t vm, uint32_t priority, struct node_queue *q)
{
	struct drm_intaglio_queue_create a = { .vm_id = vm,
					       .priority = priority,
					       .ring_entries = NODE_RING };
	int err;

	memset(q, 0, sizeof(*q));
	err = node_bo_create(fd, NODE_RING * sizeof(struct drm_intaglio_completion), 0, 0,
			     &q->ring);
	if (err)
		return err;
	a.ring_handle = q->ring.handle;
	err = drm_sys.syncobj_create(fd, &q->syncobj);
	if (!err)
		err = NODE_CALL(fd, QUEUE_CREATE, &a);
	q->id = a.queue_id;
	q->vm = vm;
	if (err && q->syncobj)
		drm_sys.syncobj_destroy(fd, q->syncobj);
	if (err)
		node_bo_destroy(fd, &q->ring);
	return err;
}

void node_queue_destroy(int fd, struct node_queue *q)
{
	struct drm_intaglio_queue_destroy a = { .queue_id = q->id };

	if (q->id)
		NODE_CALL(fd, QUEUE_DESTROY, &a);
	if (q->syncobj)
		drm_sys.syncobj_destroy(fd, q->syncobj);
	node_bo_destroy(fd, &q->ring);
	memset(q, 0, sizeof(*q));
}

int node_submit_after(int fd, struct node_queue *q, struct drm_intaglio_job *job, uint32_t handle,
		      uint64_t point)
{
	struct drm_intaglio_sync s[2] = {
		{ .flags = DRM_INTAGLIO_SYNC_TIMELINE | DRM_INTAGLIO_SYNC_SIGNAL,
		  .handle = q->syncobj,
		  .point = q->point + 1 },
		{ .flags = point ? DRM_INTAGLIO_SYNC_TIMELINE : 0,
		  .handle = handle,
		  .point = point },
	};
	struct drm_intaglio_exec a = { .queue_id = q->id,
				       .jobs = { sizeof(*job), 1, (uintptr_t)job } };
	int err;

	job->syncs = (struct drm_intaglio_obj_array){ sizeof(s[0]), handle ? 2 : 1, (uintptr_t)s };
	err = NODE_CALL(fd, EXEC, &a);
	q->point += !err;
	return err;
}

int node_submit(int fd, struct node_queue *q, struct drm_intaglio_job *job)
{
	return node_submit_after(fd, q, job, 0, 0);
}

int node_wait(int fd, struct node_queue *q, uint64_t seq, struct drm_intaglio_completion *c)
{
	const struct drm_intaglio_completion *ring = q->ring.p, *r = &ring[seq % NODE_RING];
	int err = drm_sys.syncobj_wait(fd, q->syncobj, q->point);

	memset(c, 0, sizeof(*c));
	if (__atomic_load_n(&r->seq, __ATOMIC_ACQUIRE) != seq)
		return err ? err : -ENODATA;
	memcpy(c, r, sizeof(*c));
	return 0;
}

static void must(int err, const char *what)
{
	if (!err)
		return;
	printf("Bail out! %s: %s\n", what, name_of(err));
	exit(1);
}

void node_rig_open(int fd, struct node_rig *r)
{
	memset(r, 0, sizeof(*r));
	r->fd = fd;
	must(node_vm_create(fd, &r->vm), "VM_CREATE");
	must(node_bo_create(fd, sizeof(((struct prog *)0)->w), 0, r->vm, &r->code), "code");
	must(node_bo_create(fd, IG1_PAGE_BYTES, 0, 0, &r->data), "data");
	must(node_map(fd, r->vm, &r->code, 0, NODE_CODE_VA, r->code.size,
		      DRM_INTAGLIO_BIND_READONLY),
	     "code");
	must(node_map(fd, r->vm, &r->data, 0, NODE_DATA_VA, IG1_PAGE_BYTES, 0), "data");
	must(node_queue_create(fd, r->vm, 1, &r->q), "QUEUE_CREATE");
}

void node_rig_close(struct node_rig *r)
{
	node_queue_destroy(r->fd, &r->q);
	node_vm_destroy(r->fd, r->vm);
	node_bo_destroy(r->fd, &r->code);
	node_bo_destroy(r->fd, &r->data);
}

int node_run(struct node_rig *r, const struct prog *p, const uint64_t *args, uint32_t nargs,
	     struct drm_intaglio_completion *c)
{
	struct drm_intaglio_job job = { .prog_va = NODE_CODE_VA, .prog_len = p->n, .nargs = nargs };
	int err;

	memcpy(r->code.p, p->w, sizeof(p->w));
	if (nargs)
		memcpy(job.args, args, nargs * sizeof(*args));
	err = node_submit(r->fd, &r->q, &job);
	return err ? err : node_wait(r->fd, &r->q, job.seq, c);
}
