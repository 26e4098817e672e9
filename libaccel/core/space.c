// SPDX-License-Identifier: MIT
/* Address spaces: who has which range, mapping of buffers. */
#include "internal.h"

#include <inttypes.h>

#define FIRST_VA (UINT64_C(1) << 20) /* small addresses stay unmapped, they are mistakes */
#define END_VA	 (UINT64_C(1) << IG1_VA_BITS)

int accel_space_create(struct accel_device *dev, struct accel_space **out)
{
	struct accel_space *s;
	int err;

	if (!dev || !out)
		return ACCEL_EARG;
	*out = NULL;
	err = device_ready(dev);
	if (err)
		return err;
	s = env_zalloc(&dev->env, 1, sizeof(*s));
	if (!s)
		return ACCEL_ENOMEM;
	atomic_init(&s->refs, 1);
	err = dev->ops->space_create(dev->bdev, &s->b);
	if (err) {
		env_free(&dev->env, s);
		return err;
	}
	pthread_mutex_init(&s->lock, NULL);
	s->dev = accel_device_ref(dev);
	*out = s;
	return 0;
}

struct accel_space *accel_space_ref(struct accel_space *s)
{
	if (s)
		atomic_fetch_add(&s->refs, 1);
	return s;
}

static void drop_range(struct accel_space *s, struct range *r)
{
	struct accel_device *dev = s->dev;

	if (r->buf) {
		dev->ops->unbind(s->b, r->va, r->bytes);
		accel_buffer_unref(r->buf);
	}
	env_free(&dev->env, r);
}

void accel_space_unref(struct accel_space *s)
{
	struct accel_device *dev;
	struct range *r;

	if (!s || atomic_fetch_sub(&s->refs, 1) != 1)
		return;
	dev = s->dev;
	while ((r = s->ranges)) {
		s->ranges = r->next;
		drop_range(s, r);
	}
	dev->ops->space_destroy(s->b);
	pthread_mutex_destroy(&s->lock);
	env_free(&dev->env, s);
	accel_device_unref(dev);
}

/* Puts r where it fits (first fit), or at r->va if fixed. Lock held. */
static int place(struct accel_space *s, struct range *r, bool fixed)
{
	struct range **p;
	uint64_t at = FIRST_VA, end;

	for (p = &s->ranges;; p = &(*p)->next) {
		end = *p ? (*p)->va : END_VA;
		if (fixed) {
			if (at <= r->va && r->va + r->bytes <= end)
				break;
			if (r->va < at)
				return ACCEL_ESTATE;
		} else if (at < end && end - at >= r->bytes) {
			r->va = at;
			break;
		}
		if (!*p)
			return fixed ? ACCEL_ESTATE : ACCEL_ENOSPACE;
		at = (*p)->va + (*p)->bytes;
	}
	r->next = *p;
	*p = r;
	return 0;
}

static struct range *take_range(struct accel_space *s, uint64_t va, bool mapping)
{
	struct range **p, *r;

	for (p = &s->ranges; (r = *p); p = &r->next) {
		if (r->va == va && !!r->buf == mapping) {
			*p = r->next;
			return r;
		}
	}
	return NULL;
}

int accel_space_map(struct accel_space *s, struct accel_buffer *buf, uint64_t offset,
		    uint64_t bytes, uint32_t flags, uint64_t *va)
{
	struct accel_device *dev;
	struct range *r;
	uint64_t end;
	int err;

	if (!s || !buf || !va)
		return ACCEL_EARG;
	dev = s->dev;
	if (buf->dev != dev)
		return env_fail(&dev->env, ACCEL_EARG, "map: the buffer is another device's");
	if (flags & ~(ACCEL_MAP_READ_ONLY | ACCEL_MAP_FIXED))
		return env_fail(&dev->env, ACCEL_EARG, "map: flags %#x", flags);
	if (offset % PAGE || bytes % PAGE || !bytes ||
	    __builtin_add_overflow(offset, bytes, &end) || end > buf->bytes)
		return env_fail(&dev->env, ACCEL_EARG,
				"map: [%#" PRIx64 ", +%#" PRIx64 ") of a buffer of %#" PRIx64
				" bytes",
				offset, bytes, buf->bytes);
	if (flags & ACCEL_MAP_FIXED && (*va % PAGE || *va < FIRST_VA ||
					__builtin_add_overflow(*va, bytes, &end) || end > END_VA))
		return env_fail(&dev->env, ACCEL_EARG, "map: fixed address %#" PRIx64, *va);
	r = env_zalloc(&dev->env, 1, sizeof(*r));
	if (!r)
		return ACCEL_ENOMEM;
	r->va = flags & ACCEL_MAP_FIXED ? *va : 0;
	r->bytes = bytes;
	r->offset = offset;
	r->buf = buf;
	pthread_mutex_lock(&s->lock);
	err = place(s, r, flags & ACCEL_MAP_FIXED);
	if (err) {
		pthread_mutex_unlock(&s->lock);
		env_free(&dev->env, r);
		return env_fail(&dev->env, err,
				err == ACCEL_ESTATE ? "map: the range is in use"
						    : "map: the address space is full");
	}
	/* Under the lock, so that the range cannot be unmapped before it is bound. */
	err = dev->ops->bind(s->b, r->va, buf->b, offset, bytes,
			     flags & ACCEL_MAP_READ_ONLY ? 0 : BACKEND_MAP_WRITE);
	if (err) {
		take_range(s, r->va, true);
		pthread_mutex_unlock(&s->lock);
		env_free(&dev->env, r);
		return env_fail(&dev->env, err, "map: %s", accel_error_string(err));
	}
	accel_buffer_ref(buf);
	*va = r->va;
	pthread_mutex_unlock(&s->lock);
	return 0;
}

int accel_space_unmap(struct accel_space *s, uint64_t va)
{
	struct range *r;

	if (!s)
		return ACCEL_EARG;
	pthread_mutex_lock(&s->lock);
	r = take_range(s, va, true);
	pthread_mutex_unlock(&s->lock);
	if (!r)
		return env_fail(&s->dev->env, ACCEL_EARG, "unmap: no mapping begins at %#" PRIx64,
				va);
	drop_range(s, r);
	return 0;
}

int space_reserve(struct accel_space *s, uint64_t bytes, uint64_t *va)
{
	struct range *r = env_zalloc(&s->dev->env, 1, sizeof(*r));
	int err;

	if (!r)
		return ACCEL_ENOMEM;
	r->bytes = bytes;
	pthread_mutex_lock(&s->lock);
	err = place(s, r, false);
	pthread_mutex_unlock(&s->lock);
	if (err) {
		env_free(&s->dev->env, r);
		return env_fail(&s->dev->env, err, "no %#" PRIx64 " bytes of address space left",
				bytes);
	}
	*va = r->va;
	return 0;
}

void space_release(struct accel_space *s, uint64_t va)
{
	struct range *r;

	pthread_mutex_lock(&s->lock);
	r = take_range(s, va, false);
	pthread_mutex_unlock(&s->lock);
	if (r)
		drop_range(s, r);
}

const void *space_peek(struct accel_space *s, uint64_t va, uint64_t *bytes)
{
	const uint8_t *p = NULL;
	struct range *r;

	pthread_mutex_lock(&s->lock);
	for (r = s->ranges; r; r = r->next) {
		if (va < r->va || va - r->va >= r->bytes || !r->buf)
			continue;
		p = accel_buffer_data(r->buf);
		if (p) {
			p += r->offset + (va - r->va);
			*bytes = r->bytes - (va - r->va);
		}
		break;
	}
	pthread_mutex_unlock(&s->lock);
	return p;
}
