// SPDX-License-Identifier: MIT
/* Devices, files, buffers, syncobjs and the dispatch of ioctls. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <drm.h>

#include "backends/drm/drm_sys.h"
#include "fake_internal.h"

#define FIRST_FD   5000
#define FILES	   64
#define PAGE	   ((uint64_t)IG1_PAGE_BYTES)
#define FW_VERSION 0x010203
#define MAP_SHIFT  32

struct fake_kernel fake_kernel;
pthread_mutex_t fake_lock = PTHREAD_MUTEX_INITIALIZER;
pthread_cond_t fake_changed = PTHREAD_COND_INITIALIZER;

static struct fake_dev *devices;
static struct fake_file *files[FILES];

/* CPU mappings, to find the buffer at unmap. */
static struct mapping {
	struct mapping *next;
	void *p;
	struct fake_bo *bo;
} * mappings;

void fake_kernel_init(const char *mask)
{
	memset(&fake_kernel, 0, sizeof(fake_kernel));
	fake_kernel.nodes[0] = (struct fake_node){ .number = 3, .driver = "other", .major = 1 };
	fake_kernel.nodes[1] = (struct fake_node){ .number = 4,
						   .driver = DRM_INTAGLIO_DRIVER_NAME,
						   .major = DRM_INTAGLIO_VERSION_MAJOR,
						   .mask = mask };
}

static void __attribute__((noreturn)) broken(const char *what)
{
	fprintf(stderr, "fake kernel: %s\n", what);
	abort();
}

/* --- objects of a file ---------------------------------------------------------------------------- */

void *fake_lookup(struct fake_file *f, enum fake_type type, uint32_t id)
{
	return id < FAKE_IDS ? f->objects[type][id] : NULL;
}

int fake_add(struct fake_file *f, enum fake_type type, void *object)
{
	int i;

	for (i = 1; i < FAKE_IDS; i++) {
		if (!f->objects[type][i]) {
			f->objects[type][i] = object;
			return i;
		}
	}
	return -ENOSPC;
}

void fake_remove(struct fake_file *f, enum fake_type type, uint32_t id)
{
	f->objects[type][id] = NULL;
}

static struct fake_file *file_of(int fd)
{
	if (fd < FIRST_FD || fd >= FIRST_FD + FILES || !files[fd - FIRST_FD])
		broken("use of a descriptor that is not open");
	return files[fd - FIRST_FD];
}

/* The bad pointers that tests use are small. */
static bool bad_pointer(uint64_t p)
{
	return p < PAGE;
}

/* --- arrays ------------------------------------------------------------------------------------------ */

int fake_array(const struct drm_intaglio_obj_array *a, size_t size, uint32_t max)
{
	if (!a->count)
		return 0;
	if (a->count > max || a->stride < size || a->stride > 4096)
		return -EINVAL;
	return bad_pointer(a->array) ? -EFAULT : 0;
}

int fake_element(const struct drm_intaglio_obj_array *a, uint32_t i, void *dst, size_t size)
{
	const uint8_t *p = (const uint8_t *)(uintptr_t)a->array + (size_t)i * a->stride;
	size_t k;

	memcpy(dst, p, size);
	for (k = size; k < a->stride; k++) {
		if (p[k])
			return -EINVAL;
	}
	return 0;
}

/* --- syncobjs ----------------------------------------------------------------------------------------- */

void fake_syncobj_put(struct fake_syncobj *s)
{
	if (!--s->refs)
		free(s);
}

int fake_syncs_get(struct fake_file *f, const struct drm_intaglio_obj_array *a,
		   struct fake_syncs *out)
{
	struct drm_intaglio_sync s;
	struct fake_syncobj *obj;
	uint32_t i;
	int err = fake_array(a, sizeof(s), 1024);

	memset(out, 0, sizeof(*out));
	if (err || !a->count)
		return err;
	out->v = calloc(a->count, sizeof(*out->v));
	for (i = 0; i < a->count && !err; i++) {
		err = fake_element(a, i, &s, sizeof(s));
		if (!err && (s.flags & ~(DRM_INTAGLIO_SYNC_TIMELINE | DRM_INTAGLIO_SYNC_SIGNAL) ||
			     !(s.flags & DRM_INTAGLIO_SYNC_TIMELINE) != !s.point))
			err = -EINVAL;
		obj = err ? NULL : fake_lookup(f, FAKE_SYNCOBJ, s.handle);
		if (!err && !obj)
			err = -ENOENT;
		/* A wait needs a fence that somebody will signal. */
		if (!err && !(s.flags & DRM_INTAGLIO_SYNC_SIGNAL) &&
		    obj->added < (s.point ? s.point : 1))
			err = -EINVAL;
		if (err)
			break;
		obj->refs++;
		out->v[out->n++] =
			(struct fake_sync){ obj, s.point ? s.point : obj->added, s.flags };
	}
	if (err)
		fake_syncs_end(out, false);
	return err;
}

void fake_syncs_attach(struct fake_syncs *s)
{
	uint32_t i;

	for (i = 0; i < s->n; i++) {
		if (!(s->v[i].flags & DRM_INTAGLIO_SYNC_SIGNAL))
			continue;
		if (!(s->v[i].flags & DRM_INTAGLIO_SYNC_TIMELINE))
			s->v[i].point = s->v[i].obj->added + 1;
		if (s->v[i].obj->added < s->v[i].point)
			s->v[i].obj->added = s->v[i].point;
	}
}

bool fake_syncs_ready(const struct fake_syncs *s)
{
	uint32_t i;

	for (i = 0; i < s->n; i++) {
		if (!(s->v[i].flags & DRM_INTAGLIO_SYNC_SIGNAL) &&
		    s->v[i].obj->signaled < s->v[i].point)
			return false;
	}
	return true;
}

void fake_syncs_end(struct fake_syncs *s, bool signal)
{
	uint32_t i;

	for (i = 0; i < s->n; i++) {
		if (signal && s->v[i].flags & DRM_INTAGLIO_SYNC_SIGNAL &&
		    s->v[i].obj->signaled < s->v[i].point)
			s->v[i].obj->signaled = s->v[i].point;
		fake_syncobj_put(s->v[i].obj);
	}
	free(s->v);
	memset(s, 0, sizeof(*s));
	pthread_cond_broadcast(&fake_changed);
}

static int syncobj_create(int fd, uint32_t *handle)
{
	struct fake_syncobj *s = calloc(1, sizeof(*s));
	int id;

	pthread_mutex_lock(&fake_lock);
	s->refs = 1;
	id = fake_add(file_of(fd), FAKE_SYNCOBJ, s);
	pthread_mutex_unlock(&fake_lock);
	if (id < 0) {
		free(s);
		return id;
	}
	*handle = (uint32_t)id;
	return 0;
}

static int syncobj_destroy(int fd, uint32_t handle)
{
	struct fake_syncobj *s;
	int err = -EINVAL;

	pthread_mutex_lock(&fake_lock);
	s = fake_lookup(file_of(fd), FAKE_SYNCOBJ, handle);
	if (s) {
		fake_remove(file_of(fd), FAKE_SYNCOBJ, handle);
		fake_syncobj_put(s);
		err = 0;
	}
	pthread_mutex_unlock(&fake_lock);
	return err;
}

static int syncobj_wait(int fd, uint32_t handle, uint64_t point)
{
	struct fake_syncobj *s;
	struct fake_file *f;
	int err = 0;

	pthread_mutex_lock(&fake_lock);
	f = file_of(fd);
	s = fake_lookup(f, FAKE_SYNCOBJ, handle);
	fake_kernel.calls[_IOC_NR(DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT)]++;
	if (!s)
		err = -ENOENT;
	else if (s->added < point)
		err = -EINVAL;
	else if (f->dev->unplugged)
		err = -ENODEV;
	if (!err)
		s->refs++;
	while (!err && s->signaled < point)
		pthread_cond_wait(&fake_changed, &fake_lock);
	if (!err)
		fake_syncobj_put(s);
	pthread_mutex_unlock(&fake_lock);
	return err;
}

/* --- buffers ------------------------------------------------------------------------------------------ */

void fake_bo_put(struct fake_bo *bo)
{
	if (--bo->refs)
		return;
	if (!(bo->flags & DRM_INTAGLIO_GEM_RESIDENT))
		bo->dev->host_bytes -= bo->size;
	backend_ref.bo_destroy(bo->b);
	free(bo);
}

static int gem_create(struct fake_file *f, struct drm_intaglio_gem_create *a)
{
	struct fake_vm *vm = NULL;
	struct fake_bo *bo;
	uint64_t size;
	int id, err;

	if (a->flags & ~DRM_INTAGLIO_GEM_RESIDENT || a->pad || !a->size ||
	    a->size > UINT64_C(1) << IG1_VA_BITS)
		return -EINVAL;
	if (a->vm_id) {
		vm = fake_lookup(f, FAKE_VM, a->vm_id);
		if (!vm)
			return -ENOENT;
	}
	size = (a->size + PAGE - 1) / PAGE * PAGE;
	if (!(a->flags & DRM_INTAGLIO_GEM_RESIDENT) &&
	    size > (uint64_t)sysconf(_SC_PHYS_PAGES) / 2 * (uint64_t)sysconf(_SC_PAGESIZE))
		return -ENOMEM;
	bo = calloc(1, sizeof(*bo));
	*bo = (struct fake_bo){ 1, f->dev, vm, size, a->flags, NULL };
	err = backend_ref.bo_create(f->dev->ref, NULL, size,
				    a->flags & DRM_INTAGLIO_GEM_RESIDENT ? BACKEND_BO_RESIDENT : 0,
				    &bo->b);
	if (err) {
		free(bo);
		return err == ACCEL_ENOSPACE && a->flags & DRM_INTAGLIO_GEM_RESIDENT ? -ENOSPC
										     : -ENOMEM;
	}
	if (!(a->flags & DRM_INTAGLIO_GEM_RESIDENT))
		f->dev->host_bytes += size;
	id = fake_add(f, FAKE_BO, bo);
	if (id < 0) {
		fake_bo_put(bo);
		return -ENOMEM;
	}
	a->handle = (uint32_t)id;
	a->size = size;
	return 0;
}

static int gem_mmap_offset(struct fake_file *f, struct drm_intaglio_gem_mmap_offset *a)
{
	struct fake_bo *bo = fake_lookup(f, FAKE_BO, a->handle);

	if (a->pad)
		return -EINVAL;
	if (!bo)
		return -ENOENT;
	if (bo->flags & DRM_INTAGLIO_GEM_RESIDENT)
		return -EOPNOTSUPP;
	a->offset = (uint64_t)a->handle << MAP_SHIFT;
	return 0;
}

static int gem_info(struct fake_file *f, struct drm_intaglio_gem_info *a)
{
	struct fake_bo *bo = fake_lookup(f, FAKE_BO, a->handle);

	if (!bo)
		return -ENOENT;
	a->flags = bo->flags;
	a->size = bo->size;
	return 0;
}

static int bo_close(int fd, uint32_t handle)
{
	struct fake_bo *bo;
	int err = -EINVAL;

	pthread_mutex_lock(&fake_lock);
	bo = fake_lookup(file_of(fd), FAKE_BO, handle);
	if (bo) {
		fake_remove(file_of(fd), FAKE_BO, handle);
		fake_bo_put(bo);
		err = 0;
	}
	pthread_mutex_unlock(&fake_lock);
	return err;
}

static int map(int fd, uint64_t offset, size_t bytes, void **p)
{
	struct mapping *m;
	struct fake_bo *bo;
	int err = -EINVAL;

	pthread_mutex_lock(&fake_lock);
	bo = fake_lookup(file_of(fd), FAKE_BO, (uint32_t)(offset >> MAP_SHIFT));
	if (bo && !(offset & ((UINT64_C(1) << MAP_SHIFT) - 1)) && bytes == bo->size) {
		m = calloc(1, sizeof(*m));
		m->p = *p = backend_ref.bo_ptr(bo->b);
		m->bo = bo;
		bo->refs++;
		m->next = mappings;
		mappings = m;
		err = 0;
	}
	pthread_mutex_unlock(&fake_lock);
	return err;
}

static void unmap(void *p, size_t bytes)
{
	struct mapping **m, *gone = NULL;

	pthread_mutex_lock(&fake_lock);
	for (m = &mappings; *m; m = &(*m)->next) {
		if ((*m)->p == p) {
			gone = *m;
			*m = gone->next;
			break;
		}
	}
	if (!gone || gone->bo->size != bytes)
		broken("munmap of what is not mapped");
	fake_bo_put(gone->bo);
	free(gone);
	pthread_mutex_unlock(&fake_lock);
}

/* --- queries ------------------------------------------------------------------------------------------- */

static int dev_query(struct fake_file *f, struct drm_intaglio_dev_query *a)
{
	struct fake_dev *dev = f->dev;
	struct drm_intaglio_chip_info chip = {
		.spec = dev->info.spec,
		.fw_abi = IG1_FW_ABI,
		.fw_version = FW_VERSION,
		.va_bits = FAKE_VA_BITS,
		.page_bytes = IG1_PAGE_BYTES,
		.priorities = IG1_PRIORITIES,
		.min_priority_user = 1,
		.counters = IG1_CTR_COUNT,
		.sram_bytes = dev->info.cfg.sram_bytes,
		.clock_hz = dev->info.cfg.clock_hz,
	};
	struct drm_intaglio_memory_info mem = {
		.sram_bytes = dev->info.cfg.sram_bytes,
		.host_bytes = dev->host_bytes,
	};
	const void *src;
	size_t bytes;

	switch (a->type) {
	case DRM_INTAGLIO_QUERY_CHIP:
		memcpy(chip.mask_id, dev->info.mask_id, sizeof(chip.mask_id));
		src = &chip;
		bytes = sizeof(chip);
		break;
	case DRM_INTAGLIO_QUERY_FDT:
		src = dev->file->fdt.p;
		bytes = dev->file->fdt.n;
		if (fake_kernel.fdt_bytes)
			bytes = fake_kernel.fdt_bytes;
		break;
	case DRM_INTAGLIO_QUERY_MEMORY:
		backend_ref.query(dev->ref, BACKEND_SRAM_FREE, (uint64_t *)&mem.sram_free);
		src = &mem;
		bytes = sizeof(mem);
		break;
	case DRM_INTAGLIO_QUERY_STATS:
		src = &dev->stats;
		bytes = sizeof(dev->stats);
		break;
	default:
		return -EINVAL;
	}
	if (!a->pointer) {
		a->size = (uint32_t)bytes;
		return 0;
	}
	if (bad_pointer(a->pointer))
		return -EFAULT;
	if (a->size > bytes)
		a->size = (uint32_t)bytes;
	memcpy((void *)(uintptr_t)a->pointer, src, a->size);
	return 0;
}

/* --- devices and dispatch -------------------------------------------------------------------------------- */

void fake_progress(struct fake_dev *dev)
{
	struct fake_queue *q;
	struct fake_vm *vm;
	bool again;

	do {
		again = false;
		for (vm = dev->vms; vm; vm = vm->next)
			again |= fake_vm_progress(vm);
		for (q = dev->queues; q; q = q->next)
			again |= fake_queue_progress(q);
	} while (again);
}

static struct fake_dev *dev_open(const struct fake_node *node)
{
	struct backend_options options = { 0 };
	struct backend_mask mask;
	struct fake_dev *dev;
	char text[ENV_DETAIL_BYTES];

	for (dev = devices; dev; dev = dev->next) {
		if (dev->node == node)
			return dev;
	}
	dev = calloc(1, sizeof(*dev));
	dev->node = node;
	env_init(&dev->env, NULL, NULL, NULL);
	dev->env.debug = 0;
	if (accelfile_open(&dev->env, node->mask, &dev->file))
		goto fail;
	mask = (struct backend_mask){ dev->file->rom.p,	 dev->file->rom.n, dev->file->crom.p,
				      dev->file->crom.n, dev->file->fdt.p, dev->file->fdt.n };
	if (backend_ref.open(&dev->env, &options, &mask, &dev->ref) ||
	    chipfdt_read(&dev->env, mask.fdt, mask.fdt_bytes, &dev->info))
		goto fail;
	dev->next = devices;
	devices = dev;
	return dev;
fail:
	env_take_error(&dev->env, text, sizeof(text));
	broken(text);
}

static void dev_close(struct fake_dev *dev)
{
	struct fake_dev **p;

	for (p = &devices; *p != dev; p = &(*p)->next)
		;
	*p = dev->next;
	backend_ref.close(dev->ref);
	accelfile_unref(dev->file);
	env_fini(&dev->env);
	free(dev);
}

void fake_kernel_unplug(uint32_t number)
{
	struct fake_queue *q;
	struct fake_dev *dev;

	pthread_mutex_lock(&fake_lock);
	for (dev = devices; dev && dev->node->number != number; dev = dev->next)
		;
	if (!dev)
		broken("unplug of a device that is not open");
	dev->unplugged = true;
	for (q = dev->queues; q; q = q->next)
		fake_queue_kill(q, -ENODEV);
	pthread_mutex_unlock(&fake_lock);
}

static int nodes(uint32_t *n, int max)
{
	int i;

	for (i = 0; i < FAKE_NODES && i < max && fake_kernel.nodes[i].driver; i++)
		n[i] = fake_kernel.nodes[i].number;
	return i;
}

static int open_node(uint32_t number)
{
	const struct fake_node *node = fake_kernel.nodes;
	int i;

	while (node->driver && node->number != number)
		node++;
	if (!node->driver)
		return -ENOENT;
	if (node->open_error)
		return -node->open_error;
	pthread_mutex_lock(&fake_lock);
	for (i = 0; i < FILES && files[i]; i++)
		;
	if (i == FILES)
		broken("too many open files");
	files[i] = calloc(1, sizeof(*files[i]));
	if (node->mask) {
		files[i]->dev = dev_open(node);
		files[i]->dev->opens++;
	}
	pthread_mutex_unlock(&fake_lock);
	return FIRST_FD + i;
}

/* A queue's jobs before its VM, VMs before buffers. */
static void release(struct fake_file *f, enum fake_type type, uint32_t id)
{
	struct drm_intaglio_queue_destroy q = { .queue_id = id };
	struct drm_intaglio_vm_destroy vm = { .vm_id = id };
	void *p = f->objects[type][id];

	switch (type) {
	case FAKE_QUEUE:
		fake_queue_destroy(f, &q);
		break;
	case FAKE_VM:
		fake_vm_destroy(f, &vm);
		break;
	case FAKE_BO:
		fake_remove(f, type, id);
		fake_bo_put(p);
		break;
	default:
		fake_remove(f, type, id);
		fake_syncobj_put(p);
		break;
	}
}

static void close_node(int fd)
{
	static const enum fake_type order[] = { FAKE_QUEUE, FAKE_VM, FAKE_BO, FAKE_SYNCOBJ };
	struct fake_file *f;
	uint32_t id;
	size_t i;

	pthread_mutex_lock(&fake_lock);
	f = file_of(fd);
	for (i = 0; i < 4; i++) {
		for (id = 1; id < FAKE_IDS; id++) {
			if (!f->objects[order[i]][id])
				continue;
			if (!f->dev->unplugged && !fake_kernel.no_leak_check)
				broken("an object was left at close");
			release(f, order[i], id);
		}
	}
	files[fd - FIRST_FD] = NULL;
	if (f->dev && !--f->dev->opens)
		dev_close(f->dev);
	free(f);
	pthread_mutex_unlock(&fake_lock);
}

static int version(int fd, struct drm_sys_version *v)
{
	const struct fake_node *node = fake_kernel.nodes;

	pthread_mutex_lock(&fake_lock);
	if (file_of(fd)->dev)
		node = file_of(fd)->dev->node;
	v->major = node->major;
	v->minor = 0;
	snprintf(v->name, sizeof(v->name), "%s", node->driver);
	pthread_mutex_unlock(&fake_lock);
	return 0;
}

static int dispatch(struct fake_file *f, unsigned long request, void *arg)
{
	switch (request) {
	case DRM_IOCTL_INTAGLIO_DEV_QUERY:
		return dev_query(f, arg);
	case DRM_IOCTL_INTAGLIO_GEM_CREATE:
		return gem_create(f, arg);
	case DRM_IOCTL_INTAGLIO_GEM_MMAP_OFFSET:
		return gem_mmap_offset(f, arg);
	case DRM_IOCTL_INTAGLIO_GEM_INFO:
		return gem_info(f, arg);
	case DRM_IOCTL_INTAGLIO_VM_CREATE:
		return fake_vm_create(f, arg);
	case DRM_IOCTL_INTAGLIO_VM_DESTROY:
		return fake_vm_destroy(f, arg);
	case DRM_IOCTL_INTAGLIO_VM_BIND:
		return fake_vm_bind(f, arg);
	case DRM_IOCTL_INTAGLIO_VM_GET_STATE:
		return fake_vm_get_state(f, arg);
	case DRM_IOCTL_INTAGLIO_QUEUE_CREATE:
		return fake_queue_create(f, arg);
	case DRM_IOCTL_INTAGLIO_QUEUE_DESTROY:
		return fake_queue_destroy(f, arg);
	case DRM_IOCTL_INTAGLIO_QUEUE_GET_STATE:
		return fake_queue_get_state(f, arg);
	case DRM_IOCTL_INTAGLIO_QUEUE_CONTROL:
		return fake_queue_control(f, arg);
	case DRM_IOCTL_INTAGLIO_EXEC:
		return fake_exec(f, arg);
	default:
		return -EINVAL;
	}
}

static int do_ioctl(int fd, unsigned long request, void *arg)
{
	unsigned int nr = _IOC_NR(request);
	struct fake_file *f;
	int err = 0;

	pthread_mutex_lock(&fake_lock);
	f = file_of(fd);
	fake_kernel.calls[nr]++;
	if (!f->dev)
		err = -EINVAL;
	else if (f->dev->unplugged)
		err = -ENODEV;
	else if (fake_kernel.fail_error && nr == fake_kernel.fail_nr && !fake_kernel.fail_after--)
		err = -fake_kernel.fail_error;
	if (!err)
		err = dispatch(f, request, arg);
	pthread_mutex_unlock(&fake_lock);
	return err;
}

const struct drm_sys drm_sys = {
	.nodes = nodes,
	.open = open_node,
	.close = close_node,
	.version = version,
	.ioctl = do_ioctl,
	.map = map,
	.unmap = unmap,
	.bo_close = bo_close,
	.syncobj_create = syncobj_create,
	.syncobj_destroy = syncobj_destroy,
	.syncobj_wait = syncobj_wait,
};
