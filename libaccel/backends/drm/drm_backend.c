// SPDX-License-Identifier: MIT
/* Back end for chips behind the kernel driver: devices, address spaces, buffers. */
#include "drm_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct backend_bo {
	struct drm_dev *dev;
	struct drm_bo bo;
};

/* errno numbers of the kernel's own, such as ENOTSUPP, have no name. */
static const char *error_text(int err)
{
	const char *s = strerrordesc_np(-err);

	return s ? s : "unknown error";
}

int drm_count(struct drm_dev *dev, const char *name, int err)
{
	uint64_t n = __atomic_add_fetch(&dev->ioctls, 1, __ATOMIC_RELAXED);

	env_debug(dev->env, ENV_DEBUG_IOCTL, "ioctl %llu: %s: %s", (unsigned long long)n, name,
		  err ? error_text(err) : "done");
	return err;
}

int drm_call(struct drm_dev *dev, const char *name, unsigned long request, void *arg)
{
	return drm_count(dev, name, drm_sys.ioctl(dev->fd, request, arg));
}

int drm_error(int err)
{
	switch (-err) {
	case 0:
		return 0;
	case ENODEV:
	case EIO:
		return ACCEL_EDEVICE;
	case EACCES:
	case EPERM:
		return ACCEL_EPERM;
	case EOPNOTSUPP:
	case ENOTTY:
		return ACCEL_ENOTSUP;
	case ENOMEM:
	case ENOSPC:
	case ECANCELED:
		return env_errno(err);
	case EMFILE:
	case ENFILE:
		return ACCEL_ENOSPACE;
	default:
		/* The core checked all arguments: what is left are disagreements with the driver. */
		return ACCEL_EIO;
	}
}

int drm_fail(struct drm_dev *dev, int err, const char *what)
{
	return env_fail(dev->env, drm_error(err), "%s: %s: %s", dev->node, what,
			err == -ENODEV ? "the device was unplugged" : error_text(err));
}

/* --- devices ------------------------------------------------------------------------------------ */

/* An open descriptor of our driver; -ENOTTY: another driver's node. */
static int open_node(uint32_t node, struct drm_sys_version *v)
{
	int fd = drm_sys.open(node), err;

	if (fd < 0)
		return fd;
	err = drm_sys.version(fd, v);
	if (!err && strcmp(v->name, DRM_INTAGLIO_DRIVER_NAME))
		err = -ENOTTY;
	if (!err)
		return fd;
	drm_sys.close(fd);
	return err;
}

static int drm_devices(size_t *devices)
{
	struct drm_sys_version v;
	uint32_t nodes[DRM_SYS_NODES];
	int i, n, fd;

	*devices = 0;
	n = drm_sys.nodes(nodes, DRM_SYS_NODES);
	for (i = 0; i < n; i++) {
		fd = open_node(nodes[i], &v);
		if (fd < 0)
			continue;
		drm_sys.close(fd);
		(*devices)++;
	}
	return 0;
}

/* Opens device number `index`. Nodes that cannot be opened are reported if it is not found. */
static int find(struct drm_dev *dev, uint32_t index)
{
	uint32_t nodes[DRM_SYS_NODES], found = 0;
	struct drm_sys_version v = { 0 };
	int i, n, fd, why = 0;
	char closed[32] = "";

	n = drm_sys.nodes(nodes, DRM_SYS_NODES);
	for (i = 0; i < n; i++) {
		snprintf(dev->node, sizeof(dev->node), "/dev/accel/accel%u", nodes[i]);
		fd = open_node(nodes[i], &v);
		if (fd < 0) {
			if (fd != -ENOTTY && !closed[0]) {
				memcpy(closed, dev->node, sizeof(closed));
				why = fd;
			}
			continue;
		}
		if (found++ < index) {
			drm_sys.close(fd);
			continue;
		}
		dev->fd = fd;
		if (v.major == DRM_INTAGLIO_VERSION_MAJOR)
			return 0;
		return env_fail(dev->env, ACCEL_EVERSION,
				"%s: driver version %d.%d, this library speaks %d", dev->node,
				v.major, v.minor, DRM_INTAGLIO_VERSION_MAJOR);
	}
	if (closed[0])
		return env_fail(dev->env, ACCEL_ENODEV, "%s: %s%s", closed, error_text(why),
				why == -EACCES ? " (it belongs to group render)" : "");
	return env_fail(dev->env, ACCEL_ENODEV, "back end drm has no device %u", index);
}

static int query(struct drm_dev *dev, uint32_t type, void *p, uint32_t *bytes)
{
	struct drm_intaglio_dev_query q = { .type = type, .size = *bytes, .pointer = (uintptr_t)p };
	int err = DRM_CALL(dev, DEV_QUERY, &q);

	if (!err)
		*bytes = q.size;
	return err;
}

static int read_chip(struct drm_dev *dev)
{
	uint32_t bytes = sizeof(dev->chip);
	int err = query(dev, DRM_INTAGLIO_QUERY_CHIP, &dev->chip, &bytes);

	if (err)
		return drm_fail(dev, err, "chip");
	if (bytes < sizeof(dev->chip))
		return env_fail(dev->env, ACCEL_EVERSION, "%s: the driver knows %u bytes of %zu",
				dev->node, bytes, sizeof(dev->chip));
	if (dev->chip.page_bytes != IG1_PAGE_BYTES || dev->chip.va_bits < IG1_VA_BITS)
		return env_fail(dev->env, ACCEL_EVERSION, "%s: pages of %u bytes, %u address bits",
				dev->node, dev->chip.page_bytes, dev->chip.va_bits);
	return 0;
}

static int read_fdt(struct drm_dev *dev)
{
	uint32_t bytes = 0, got;
	int err = query(dev, DRM_INTAGLIO_QUERY_FDT, NULL, &bytes);

	if (!err && (!bytes || bytes > IG1_FDT_WINDOW_BYTES))
		return env_fail(dev->env, ACCEL_EFORMAT, "%s: device tree of %u bytes", dev->node,
				bytes);
	if (!err) {
		dev->fdt = env_zalloc(dev->env, bytes, 1);
		if (!dev->fdt)
			return ACCEL_ENOMEM;
		got = bytes;
		err = query(dev, DRM_INTAGLIO_QUERY_FDT, dev->fdt, &got);
		dev->fdt_bytes = got < bytes ? got : bytes;
	}
	return err ? drm_fail(dev, err, "device tree") : 0;
}

static void drm_close(struct backend_dev *bdev)
{
	struct drm_dev *dev = drm_dev(bdev);

	if (dev->fd >= 0)
		drm_sys.close(dev->fd);
	env_free(dev->env, dev->fdt);
	env_free(dev->env, dev);
}

static int drm_open(struct accel_env *env, const struct backend_options *options,
		    const struct backend_mask *mask, struct backend_dev **out)
{
	struct drm_dev *dev = env_zalloc(env, 1, sizeof(*dev));
	int err;

	(void)mask;
	if (!dev)
		return ACCEL_ENOMEM;
	dev->env = env;
	dev->fd = -1;
	err = find(dev, options->index);
	if (!err)
		err = read_chip(dev);
	if (!err)
		err = read_fdt(dev);
	if (err) {
		drm_close((struct backend_dev *)dev);
		return err;
	}
	*out = (struct backend_dev *)dev;
	return 0;
}

static int drm_fdt(struct backend_dev *bdev, const void **fdt, size_t *bytes)
{
	*fdt = drm_dev(bdev)->fdt;
	*bytes = drm_dev(bdev)->fdt_bytes;
	return 0;
}

static const char *drm_node(struct backend_dev *bdev)
{
	return drm_dev(bdev)->node;
}

static int query_stats(struct drm_dev *dev, enum backend_query what, uint64_t *value)
{
	struct drm_intaglio_stats_info s = { 0 };
	uint32_t bytes = sizeof(s);
	int err = query(dev, DRM_INTAGLIO_QUERY_STATS, &s, &bytes);

	if (err)
		return drm_fail(dev, err, "statistics");
	switch (what) {
	case BACKEND_CHIP_JOBS_DONE:
		*value = s.jobs_done;
		break;
	case BACKEND_CHIP_JOBS_FAULTED:
		*value = s.jobs_faulted;
		break;
	case BACKEND_CHIP_TIMEOUTS:
		*value = s.timeouts;
		break;
	case BACKEND_CHIP_RESETS:
		*value = s.resets;
		break;
	case BACKEND_CHIP_CYCLES:
		*value = s.cycles;
		break;
	default:
		*value = s.counters[what - BACKEND_CHIP_COUNTER_0];
		break;
	}
	return 0;
}

static int drm_query(struct backend_dev *bdev, enum backend_query what, uint64_t *value)
{
	struct drm_intaglio_memory_info m = { 0 };
	struct drm_dev *dev = drm_dev(bdev);
	uint32_t bytes = sizeof(m);
	int err;

	switch (what) {
	case BACKEND_FW_VERSION:
		*value = dev->chip.fw_version;
		return 0;
	case BACKEND_CYCLE_EXACT:
		*value = 1;
		return 0;
	case BACKEND_IOCTLS:
		*value = __atomic_load_n(&dev->ioctls, __ATOMIC_RELAXED);
		return 0;
	case BACKEND_SRAM_BYTES:
	case BACKEND_SRAM_FREE:
	case BACKEND_CHIP_HOST_USED:
		err = query(dev, DRM_INTAGLIO_QUERY_MEMORY, &m, &bytes);
		if (err)
			return drm_fail(dev, err, "memory");
		*value = what == BACKEND_SRAM_BYTES  ? m.sram_bytes
			 : what == BACKEND_SRAM_FREE ? m.sram_free
						     : m.host_bytes;
		return 0;
	case BACKEND_HOST_BYTES: /* the machine's, not ours to tell */
	case BACKEND_HOST_FREE:
		return ACCEL_ENOTSUP;
	default:
		return query_stats(dev, what, value);
	}
}

/* --- address spaces and buffers -------------------------------------------------------------------- */

static int drm_space_create(struct backend_dev *bdev, struct backend_space **out)
{
	struct drm_intaglio_vm_create args = { 0 };
	struct drm_dev *dev = drm_dev(bdev);
	struct backend_space *s;
	int err;

	s = env_zalloc(dev->env, 1, sizeof(*s));
	if (!s)
		return ACCEL_ENOMEM;
	err = DRM_CALL(dev, VM_CREATE, &args);
	if (err) {
		env_free(dev->env, s);
		return drm_fail(dev, err, "address space");
	}
	s->dev = dev;
	s->id = args.vm_id;
	*out = s;
	return 0;
}

static void drm_space_destroy(struct backend_space *s)
{
	struct drm_intaglio_vm_destroy args = { .vm_id = s->id };

	DRM_CALL(s->dev, VM_DESTROY, &args);
	env_free(s->dev->env, s);
}

void drm_bo_fini(struct drm_dev *dev, struct drm_bo *bo)
{
	if (bo->p)
		drm_sys.unmap(bo->p, bo->bytes);
	drm_count(dev, "GEM_CLOSE", drm_sys.bo_close(dev->fd, bo->handle));
}

int drm_bo_init(struct drm_dev *dev, uint64_t bytes, uint32_t flags, uint32_t vm_id,
		struct drm_bo *bo)
{
	struct drm_intaglio_gem_create args = { .size = bytes, .flags = flags, .vm_id = vm_id };
	struct drm_intaglio_gem_mmap_offset at = { 0 };
	int err;

	memset(bo, 0, sizeof(*bo));
	err = DRM_CALL(dev, GEM_CREATE, &args);
	if (err)
		return err;
	bo->handle = args.handle;
	bo->bytes = args.size;
	if (flags & DRM_INTAGLIO_GEM_RESIDENT)
		return 0;
	at.handle = bo->handle;
	err = DRM_CALL(dev, GEM_MMAP_OFFSET, &at);
	if (!err)
		err = drm_sys.map(dev->fd, at.offset, bo->bytes, &bo->p);
	if (err)
		drm_bo_fini(dev, bo);
	return err;
}

static int drm_bo_create(struct backend_dev *bdev, struct backend_space *space, uint64_t bytes,
			 uint32_t flags, struct backend_bo **out)
{
	struct drm_dev *dev = drm_dev(bdev);
	struct backend_bo *bo;
	int err;

	bo = env_zalloc(dev->env, 1, sizeof(*bo));
	if (!bo)
		return ACCEL_ENOMEM;
	bo->dev = dev;
	err = drm_bo_init(dev, bytes, flags & BACKEND_BO_RESIDENT ? DRM_INTAGLIO_GEM_RESIDENT : 0,
			  space ? space->id : 0, &bo->bo);
	if (err) {
		env_free(dev->env, bo);
		return err == -ENOSPC ? ACCEL_ENOSPACE : drm_fail(dev, err, "buffer");
	}
	env_debug(dev->env, ENV_DEBUG_BO, "bo %u: %llu bytes of %s", bo->bo.handle,
		  (unsigned long long)bytes, bo->bo.p ? "host memory" : "SRAM");
	*out = bo;
	return 0;
}

static void drm_bo_destroy(struct backend_bo *bo)
{
	env_debug(bo->dev->env, ENV_DEBUG_BO, "bo %u: gone", bo->bo.handle);
	drm_bo_fini(bo->dev, &bo->bo);
	env_free(bo->dev->env, bo);
}

static void *drm_bo_ptr(struct backend_bo *bo)
{
	return bo->bo.p;
}

static int bind_one(struct backend_space *s, struct drm_intaglio_bind_op *op)
{
	struct drm_intaglio_vm_bind args = {
		.vm_id = s->id,
		.ops = { .stride = sizeof(*op), .count = 1, .array = (uintptr_t)op },
	};
	int err;

	env_debug(s->dev->env, ENV_DEBUG_BO, "space %u: %s %#llx+%#llx, bo %u+%#llx%s", s->id,
		  op->op == DRM_INTAGLIO_BIND_MAP ? "bind" : "unbind", (unsigned long long)op->va,
		  (unsigned long long)op->size, op->handle, (unsigned long long)op->offset,
		  op->flags & DRM_INTAGLIO_BIND_READONLY ? " read-only" : "");
	err = DRM_CALL(s->dev, VM_BIND, &args);
	return err ? drm_fail(s->dev, err, "mapping") : 0;
}

static int drm_bind(struct backend_space *s, uint64_t va, struct backend_bo *bo, uint64_t offset,
		    uint64_t bytes, uint32_t flags)
{
	struct drm_intaglio_bind_op op = {
		.op = DRM_INTAGLIO_BIND_MAP,
		.flags = flags & BACKEND_MAP_WRITE ? 0 : DRM_INTAGLIO_BIND_READONLY,
		.handle = bo->bo.handle,
		.offset = offset,
		.va = va,
		.size = bytes,
	};

	return bind_one(s, &op);
}

static int drm_unbind(struct backend_space *s, uint64_t va, uint64_t bytes)
{
	struct drm_intaglio_bind_op op = { .op = DRM_INTAGLIO_BIND_UNMAP, .va = va, .size = bytes };

	return bind_one(s, &op);
}

const struct backend_ops backend_drm = {
	.version = ACCEL_BACKEND_VERSION,
	.name = "drm",
	.doc = "a chip behind the kernel driver, /dev/accel/accelN",
	.queue_depth = DRM_QUEUE_DEPTH,
	.count = drm_devices,
	.open = drm_open,
	.close = drm_close,
	.fdt = drm_fdt,
	.node = drm_node,
	.query = drm_query,
	.space_create = drm_space_create,
	.space_destroy = drm_space_destroy,
	.bo_create = drm_bo_create,
	.bo_destroy = drm_bo_destroy,
	.bo_ptr = drm_bo_ptr,
	.bind = drm_bind,
	.unbind = drm_unbind,
	.queue_create = drm_queue_create,
	.queue_destroy = drm_queue_destroy,
	.submit = drm_queue_submit,
	.cancel = drm_queue_cancel,
	.resume = drm_queue_resume,
};
