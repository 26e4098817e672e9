// SPDX-License-Identifier: MIT
/* Buffers. */
#include "internal.h"

#include <inttypes.h>

int accel_buffer_create(struct accel_device *dev, uint64_t bytes, uint32_t flags,
			struct accel_buffer **out)
{
	return buffer_create(dev, NULL, bytes, flags, out);
}

int buffer_create(struct accel_device *dev, struct accel_space *space, uint64_t bytes,
		  uint32_t flags, struct accel_buffer **out)
{
	struct accel_buffer *b;
	int err;

	if (!dev || !out)
		return ACCEL_EARG;
	*out = NULL;
	if (!bytes || bytes > UINT64_C(1) << IG1_VA_BITS)
		return env_fail(&dev->env, ACCEL_EARG, "buffer of %" PRIu64 " bytes", bytes);
	if (flags & ~ACCEL_BUFFER_RESIDENT)
		return env_fail(&dev->env, ACCEL_EARG, "buffer: flags %#x", flags);
	err = device_ready(dev);
	if (err)
		return err;
	b = env_zalloc(&dev->env, 1, sizeof(*b));
	if (!b)
		return ACCEL_ENOMEM;
	atomic_init(&b->refs, 1);
	b->bytes = (bytes + PAGE - 1) / PAGE * PAGE;
	b->flags = flags;
	err = dev->ops->bo_create(dev->bdev, space ? space->b : NULL, b->bytes,
				  flags & ACCEL_BUFFER_RESIDENT ? BACKEND_BO_RESIDENT : 0, &b->b);
	if (err) {
		env_free(&dev->env, b);
		/* Full SRAM is no failure to those who try host memory next. */
		if (err == ACCEL_ENOSPACE && flags & ACCEL_BUFFER_RESIDENT)
			return err;
		return env_fail(&dev->env, err, "buffer of %" PRIu64 " bytes: %s", bytes,
				accel_error_string(err));
	}
	b->dev = accel_device_ref(dev);
	*out = b;
	return 0;
}

struct accel_buffer *accel_buffer_ref(struct accel_buffer *b)
{
	if (b)
		atomic_fetch_add(&b->refs, 1);
	return b;
}

void accel_buffer_unref(struct accel_buffer *b)
{
	struct accel_device *dev;

	if (!b || atomic_fetch_sub(&b->refs, 1) != 1)
		return;
	dev = b->dev;
	dev->ops->bo_destroy(b->b);
	env_free(&dev->env, b);
	accel_device_unref(dev);
}

void *accel_buffer_data(struct accel_buffer *b)
{
	return b ? b->dev->ops->bo_ptr(b->b) : NULL;
}

uint64_t accel_buffer_size(const struct accel_buffer *b)
{
	return b ? b->bytes : 0;
}
