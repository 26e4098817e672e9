// SPDX-License-Identifier: MIT
/* Devices: back end selection, parameters, the mask of a simulated chip. */
#include "internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* In the order in which a device is looked for when none is named; null never finds one so. */
static const struct backend_ops *const backends[] = {
#ifdef ACCEL_HAVE_DRM
	&backend_drm,
#endif
#ifdef ACCEL_HAVE_SIM
	&backend_sim,
#endif
	&backend_ref,
	&backend_null,
};

#define BACKENDS (sizeof(backends) / sizeof(backends[0]))

const char *accel_backend_name(size_t index, const char **doc)
{
	if (index >= BACKENDS)
		return NULL;
	if (doc)
		*doc = backends[index]->doc;
	return backends[index]->name;
}

const struct backend_ops *backend_find(const char *name)
{
	size_t i;

	for (i = 0; i < BACKENDS; i++) {
		if (!strcmp(backends[i]->name, name))
			return backends[i];
	}
	return NULL;
}

int accel_backend_devices(const char *backend, size_t *count)
{
	const struct backend_ops *ops;

	if (!backend || !count)
		return ACCEL_EARG;
	ops = backend_find(backend);
	if (!ops)
		return ACCEL_EBACKEND;
	return ops->count(count);
}

static int bring_up(struct accel_device *dev, const struct accelfile *file);

static bool has_mask(const struct accel_device *dev)
{
	return !memcmp(dev->info.mask_id, dev->mask->mask_id, sizeof(dev->mask->mask_id));
}

/* Looks for real chip number `index` of those that have the mask; true: it is brought up. */
static bool find_by_mask(struct accel_device *dev, size_t devices)
{
	uint32_t wanted = dev->options.index, i;

	for (i = 0; i < devices; i++) {
		dev->options.index = i;
		if (bring_up(dev, NULL)) {
			env_take_error(&dev->env, NULL, 0); /* busy or forbidden: no candidate */
			continue;
		}
		if (has_mask(dev) && !wanted--)
			return true;
		dev->ops->close(dev->bdev);
		dev->bdev = NULL;
	}
	return false;
}

/* dev->mask is the file asked for, if any. */
static int choose(struct accel_device *dev, const char *name)
{
	uint32_t index = dev->options.index;
	size_t i, n;

	if (!name || !*name)
		name = getenv("ACCEL_BACKEND");
	if (name && *name) {
		dev->ops = backend_find(name);
		if (!dev->ops)
			return env_fail(&dev->env, ACCEL_EBACKEND,
					"back end '%.40s' is unknown or not compiled in", name);
		/* Opening a real one tells better why there is none. */
		if (dev->ops->flags & BACKEND_NEEDS_MASK &&
		    (dev->ops->count(&n) || dev->options.index >= n))
			return env_fail(&dev->env, ACCEL_ENODEV, "back end %s has no device %u",
					dev->ops->name, dev->options.index);
		return 0;
	}
	for (i = 0; i < BACKENDS; i++) {
		if (backends[i]->count(&n) || index >= n)
			continue;
		dev->ops = backends[i];
		if (dev->ops->flags & BACKEND_NEEDS_MASK || !dev->mask || find_by_mask(dev, n))
			return 0;
		dev->options.index = index;
	}
	dev->ops = NULL;
	return env_fail(&dev->env, ACCEL_ENODEV, "no back end has a device %u", dev->options.index);
}

/* Lock held, or the device still private. */
static int bring_up(struct accel_device *dev, const struct accelfile *file)
{
	struct backend_mask mask, *m = NULL;
	struct backend_dev *bdev;
	const void *fdt;
	size_t bytes;
	int err;

	if (file) {
		mask = (struct backend_mask){
			.rom = file->rom.p,
			.rom_bytes = file->rom.n,
			.crom = file->crom.p,
			.crom_bytes = file->crom.n,
			.fdt = file->fdt.p,
			.fdt_bytes = file->fdt.n,
		};
		m = &mask;
	}
	err = dev->ops->open(&dev->env, &dev->options, m, &bdev);
	if (err)
		return err;
	err = dev->ops->fdt(bdev, &fdt, &bytes);
	if (!err)
		err = chipfdt_read(&dev->env, fdt, bytes, &dev->info);
	if (err) {
		dev->ops->close(bdev);
		return err;
	}
	__atomic_store_n(&dev->bdev, bdev, __ATOMIC_RELEASE);
	return 0;
}

static void device_free(struct accel_device *dev)
{
	struct accel_env env;

	if (dev->bdev)
		dev->ops->close(dev->bdev);
	accelfile_unref(dev->mask);
	env_free(&dev->env, dev->firmware);
	pthread_mutex_destroy(&dev->lock);
	env_fini(&dev->env);
	env = dev->env;
	env_free(&env, dev);
}

int accel_device_open(const struct accel_device_options *user, struct accel_device **out)
{
	struct accel_device_options o;
	struct accel_device *dev;
	struct accel_env env;
	char detail[ENV_DETAIL_BYTES] = "";
	int err;

	if (!out)
		return ACCEL_EARG;
	*out = NULL;
	err = env_init(&env, NULL, NULL, NULL);
	if (err)
		return err;
	err = env_options(&env, &o, sizeof(o), user, "accel_device_options");
	if (!err && o.pad)
		err = env_fail(&env, ACCEL_EARG, "accel_device_options.pad is not zero");
	if (err) {
		/* The struct cannot be trusted, so neither can its error buffer. */
		env_fini(&env);
		return err;
	}
	env_fini(&env);
	if (o.error && o.error_size)
		o.error[0] = 0;
	err = env_init(&env, o.allocator, o.log, o.log_ctx);
	if (err)
		return err;
	dev = env_zalloc(&env, 1, sizeof(*dev));
	if (!dev) {
		env_fini(&env);
		return ACCEL_ENOMEM;
	}
	dev->env = env; /* its mutex was never used; made again in its place */
	pthread_mutex_destroy(&env.lock);
	pthread_mutex_init(&dev->env.lock, NULL);
	pthread_mutex_init(&dev->lock, NULL);
	atomic_init(&dev->refs, 1);
	dev->options.index = o.index;
	dev->options.host_bytes = o.host_bytes;
	if (o.firmware) {
		dev->firmware = env_strdup(&dev->env, o.firmware);
		if (!dev->firmware) {
			err = ACCEL_ENOMEM;
			goto fail;
		}
		dev->options.firmware = dev->firmware;
	}
	if (o.mask)
		err = accelfile_open(&dev->env, o.mask, &dev->mask);
	if (!err)
		err = choose(dev, o.backend);
	if (err)
		goto fail;
	if (dev->ops->flags & BACKEND_NEEDS_MASK) {
		if (dev->mask)
			err = bring_up(dev, dev->mask);
	} else if (!dev->bdev) {
		err = bring_up(dev, NULL);
		if (!err && dev->mask && !has_mask(dev))
			err = env_fail(&dev->env, ACCEL_EMISMATCH,
				       "%s is not the mask of the chip (%s)", o.mask,
				       dev->info.name);
	}
	if (err)
		goto fail;
	*out = dev;
	return 0;
fail:
	env_take_error(&dev->env, detail, sizeof(detail));
	if (o.error && o.error_size)
		snprintf(o.error, o.error_size, "%s", detail[0] ? detail : accel_error_string(err));
	device_free(dev);
	return err;
}

struct accel_device *accel_device_ref(struct accel_device *dev)
{
	if (dev)
		atomic_fetch_add(&dev->refs, 1);
	return dev;
}

void accel_device_unref(struct accel_device *dev)
{
	if (dev && atomic_fetch_sub(&dev->refs, 1) == 1)
		device_free(dev);
}

const char *accel_device_backend(const struct accel_device *dev)
{
	return dev ? dev->ops->name : NULL;
}

int accel_last_error(struct accel_device *dev, char *buf, size_t n)
{
	if (!dev || (n && !buf))
		return ACCEL_EARG;
	return env_take_error(&dev->env, buf, n);
}

int64_t accel_deadline(int64_t ns)
{
	struct timespec t;
	int64_t now;

	clock_gettime(CLOCK_MONOTONIC, &t);
	now = t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
	if (__builtin_add_overflow(now, ns, &now))
		return ns > 0 ? ACCEL_FOREVER : 0;
	return now < 0 ? 0 : now;
}

int device_ready(struct accel_device *dev)
{
	if (__atomic_load_n(&dev->bdev, __ATOMIC_ACQUIRE))
		return 0;
	return env_fail(&dev->env, ACCEL_ESTATE,
			"the simulated chip has no mask yet; open a model first");
}

int device_give_mask(struct accel_device *dev, struct accelfile *file, bool *used)
{
	int err = 0;

	*used = false;
	pthread_mutex_lock(&dev->lock);
	if (!dev->bdev) {
		err = bring_up(dev, file);
		if (!err) {
			dev->mask = accelfile_ref(file);
			*used = true;
		}
	}
	pthread_mutex_unlock(&dev->lock);
	return err;
}

void device_account(struct accel_device *dev, const struct backend_result *r)
{
	int i;

	pthread_mutex_lock(&dev->lock);
	dev->jobs_done += !r->error;
	dev->jobs_faulted += !!r->error;
	for (i = 0; i < IG1_CTR_COUNT; i++)
		dev->counters[i] += r->counters[i];
	pthread_mutex_unlock(&dev->lock);
}

static int query(struct accel_device *dev, enum backend_query what, uint64_t *value)
{
	return dev->ops->query(dev->bdev, what, value);
}

int accel_device_get(struct accel_device *dev, enum accel_param param, uint64_t *value)
{
	const struct ig1_config *c;
	int err = 0;

	if (!dev || !value)
		return ACCEL_EARG;
	*value = 0;
	if (param == ACCEL_PARAM_HAS_MASK) {
		*value = !!__atomic_load_n(&dev->bdev, __ATOMIC_ACQUIRE);
		return 0;
	}
	err = device_ready(dev);
	if (err)
		return err;
	c = &dev->info.cfg;
	if ((uint32_t)param >= ACCEL_PARAM_COUNTER_0 &&
	    (uint32_t)param < ACCEL_PARAM_COUNTER_0 + IG1_CTR_COUNT) {
		pthread_mutex_lock(&dev->lock);
		*value = dev->counters[param - ACCEL_PARAM_COUNTER_0];
		pthread_mutex_unlock(&dev->lock);
		return 0;
	}
	if ((uint32_t)param >= ACCEL_PARAM_CHIP_COUNTER_0 &&
	    (uint32_t)param < ACCEL_PARAM_CHIP_COUNTER_0 + IG1_CTR_COUNT)
		return query(dev,
			     (enum backend_query)(BACKEND_CHIP_COUNTER_0 + param -
						  ACCEL_PARAM_CHIP_COUNTER_0),
			     value);
	switch (param) {
	case ACCEL_PARAM_TILES:
		*value = c->tiles;
		break;
	case ACCEL_PARAM_ROWS:
		*value = c->rows;
		break;
	case ACCEL_PARAM_COLUMNS:
		*value = c->columns;
		break;
	case ACCEL_PARAM_LANES:
		*value = c->lanes;
		break;
	case ACCEL_PARAM_MEM_BYTES:
		*value = c->mem_bytes;
		break;
	case ACCEL_PARAM_SCRATCH_BYTES:
		*value = c->scratch_bytes;
		break;
	case ACCEL_PARAM_SRAM_BYTES:
		*value = c->sram_bytes;
		break;
	case ACCEL_PARAM_ROM_BYTES:
		*value = c->rom_bytes;
		break;
	case ACCEL_PARAM_CROM_BYTES:
		*value = c->crom_bytes;
		break;
	case ACCEL_PARAM_CLOCK_HZ:
		*value = c->clock_hz;
		break;
	case ACCEL_PARAM_SPEC:
		*value = dev->info.spec;
		break;
	case ACCEL_PARAM_SRAM_FREE:
		err = query(dev, BACKEND_SRAM_FREE, value);
		break;
	case ACCEL_PARAM_HOST_BYTES:
		err = query(dev, BACKEND_HOST_BYTES, value);
		break;
	case ACCEL_PARAM_HOST_FREE:
		err = query(dev, BACKEND_HOST_FREE, value);
		break;
	case ACCEL_PARAM_FW_VERSION:
		err = query(dev, BACKEND_FW_VERSION, value);
		break;
	case ACCEL_PARAM_CYCLE_EXACT:
		err = query(dev, BACKEND_CYCLE_EXACT, value);
		break;
	case ACCEL_PARAM_IOCTLS:
		err = query(dev, BACKEND_IOCTLS, value);
		break;
	case ACCEL_PARAM_CHIP_HOST_USED:
		err = query(dev, BACKEND_CHIP_HOST_USED, value);
		break;
	case ACCEL_PARAM_CHIP_JOBS_DONE:
		err = query(dev, BACKEND_CHIP_JOBS_DONE, value);
		break;
	case ACCEL_PARAM_CHIP_JOBS_FAULTED:
		err = query(dev, BACKEND_CHIP_JOBS_FAULTED, value);
		break;
	case ACCEL_PARAM_CHIP_TIMEOUTS:
		err = query(dev, BACKEND_CHIP_TIMEOUTS, value);
		break;
	case ACCEL_PARAM_CHIP_RESETS:
		err = query(dev, BACKEND_CHIP_RESETS, value);
		break;
	case ACCEL_PARAM_CHIP_CYCLES:
		err = query(dev, BACKEND_CHIP_CYCLES, value);
		break;
	case ACCEL_PARAM_JOBS_DONE:
		pthread_mutex_lock(&dev->lock);
		*value = dev->jobs_done;
		pthread_mutex_unlock(&dev->lock);
		break;
	case ACCEL_PARAM_JOBS_FAULTED:
		pthread_mutex_lock(&dev->lock);
		*value = dev->jobs_faulted;
		pthread_mutex_unlock(&dev->lock);
		break;
	default:
		return env_fail(&dev->env, ACCEL_EARG, "unknown parameter %d", (int)param);
	}
	return err;
}

int accel_device_get_string(struct accel_device *dev, enum accel_device_string which, char *buf,
			    size_t n)
{
	char hex[65];
	const char *s;
	int i, err;

	if (!dev || !buf || !n)
		return ACCEL_EARG;
	buf[0] = 0;
	err = device_ready(dev);
	if (err)
		return err;
	switch (which) {
	case ACCEL_STRING_CONFIG:
		s = dev->info.config;
		break;
	case ACCEL_STRING_MODEL:
		s = dev->info.name;
		break;
	case ACCEL_STRING_ARCH:
		s = dev->info.arch;
		break;
	case ACCEL_STRING_FORMAT:
		s = dev->info.format;
		break;
	case ACCEL_STRING_MASK_ID:
		for (i = 0; i < 32; i++)
			snprintf(hex + 2 * i, 3, "%02x", dev->info.mask_id[i]);
		s = hex;
		break;
	case ACCEL_STRING_NODE:
		s = dev->ops->node ? dev->ops->node(dev->bdev) : NULL;
		if (!s)
			return ACCEL_ENOTSUP;
		break;
	default:
		return env_fail(&dev->env, ACCEL_EARG, "unknown string %d", (int)which);
	}
	if (strlen(s) >= n)
		return env_fail(&dev->env, ACCEL_EARG, "string of %zu bytes does not fit %zu",
				strlen(s) + 1, n);
	strcpy(buf, s);
	return 0;
}
