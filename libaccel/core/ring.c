// SPDX-License-Identifier: MIT
#include "session.h"

static struct accel_env *env_of(const struct accel_session *s)
{
	return &s->m->dev->env;
}

static const struct ig1_image_manifest *manifest(const struct accel_session *s)
{
	return &s->m->file->manifest;
}

uint64_t ring_region(const struct accel_model *m)
{
	return 2 * m->file->manifest.win_blocks * m->file->manifest.win_block_bytes;
}

uint32_t ring_steps(const struct accel_model *m, uint32_t n)
{
	return m->file->manifest.win_blocks && n > IG1_WINDOW_SLACK ? IG1_WINDOW_SLACK : n;
}

int ring_init(struct accel_session *s)
{
	const struct ig1_image_manifest *f = manifest(s);
	struct session_ring *g = &s->ring;
	uint32_t i;

	if (!f->win_blocks)
		return 0;
	g->slot = env_zalloc(env_of(s), f->win_blocks, sizeof(struct kv_block *));
	g->number = env_zalloc(env_of(s), f->win_blocks, sizeof(*g->number));
	if (!g->slot || !g->number) {
		env_free(env_of(s), g->slot);
		env_free(env_of(s), g->number);
		return ACCEL_ENOMEM;
	}
	for (i = 0; i < f->win_blocks; i++)
		g->number[i] = RING_NONE;
	g->va = s->kv_va + f->kv_blocks * f->kv_block_bytes;
	g->n = f->win_blocks;
	return 0;
}

static void unbind(struct accel_session *s, uint32_t i)
{
	uint64_t bytes = manifest(s)->win_block_bytes, va = s->ring.va + i * bytes;

	s->m->dev->ops->unbind(s->m->space->b, va, bytes);
	s->m->dev->ops->unbind(s->m->space->b, va + s->ring.n * bytes, bytes);
}

/* At both addresses, or at none. */
static int bind(struct accel_session *s, uint32_t i, const struct kv_block *b)
{
	const struct backend_ops *ops = s->m->dev->ops;
	uint64_t bytes = manifest(s)->win_block_bytes, va = s->ring.va + i * bytes;
	uint64_t off = kv_block_offset(b);
	int err;

	err = ops->bind(s->m->space->b, va, b->slab->buf->b, off, bytes, BACKEND_MAP_WRITE);
	if (err)
		return env_fail(env_of(s), err, "window: %s", accel_error_string(err));
	err = ops->bind(s->m->space->b, va + s->ring.n * bytes, b->slab->buf->b, off, bytes,
			BACKEND_MAP_WRITE);
	if (!err)
		return 0;
	ops->unbind(s->m->space->b, va, bytes);
	return env_fail(env_of(s), err, "window: %s", accel_error_string(err));
}

static void drop(struct accel_session *s, uint32_t i)
{
	struct session_ring *g = &s->ring;

	g->number[i] = RING_NONE;
	if (!g->slot[i])
		return;
	unbind(s, i);
	kv_block_unref(s->m, g->slot[i]);
	g->slot[i] = NULL;
}

void ring_fini(struct accel_session *s)
{
	uint32_t i;

	for (i = 0; i < s->ring.n; i++)
		drop(s, i);
	env_free(env_of(s), s->ring.slot);
	env_free(env_of(s), s->ring.number);
}

/* Memory of its own for a slot; of a shared one the contents come along if they are wanted. */
static int own_slot(struct accel_session *s, struct runner *r, uint32_t i, bool keep)
{
	struct session_ring *g = &s->ring;
	struct kv_block *old = g->slot[i], *b;
	int err;

	if (old && atomic_load(&old->refs) == 1)
		return 0;
	err = kv_block_create(s->m, manifest(s)->win_block_bytes, &b);
	if (err)
		return err;
	err = bind(s, i, b);
	if (!err && old && keep)
		err = runner_copy(r, old, g->va + i * manifest(s)->win_block_bytes);
	if (!err) {
		g->slot[i] = b;
		kv_block_unref(s->m, old);
		return 0;
	}
	/* what cannot be mapped again is gone; nothing may stay mapped to memory that is given back */
	if (old && bind(s, i, old)) {
		unbind(s, i);
		kv_block_unref(s->m, old);
		g->slot[i] = NULL;
		g->number[i] = RING_NONE;
	}
	kv_block_unref(s->m, b);
	return err;
}

bool ring_reaches(const struct accel_session *s, uint32_t pos)
{
	const struct session_ring *g = &s->ring;
	uint32_t window = manifest(s)->window, b;

	if (!g->n)
		return true;
	for (b = (pos + 1 > window ? pos + 1 - window : 0) / KV_POSITIONS; b * KV_POSITIONS < pos;
	     b++) {
		if (g->number[b % g->n] != b)
			return false;
	}
	return true;
}

int ring_own(struct accel_session *s, struct runner *r, uint32_t pos, uint32_t n)
{
	struct session_ring *g = &s->ring;
	uint32_t b, last = (pos + n - 1) / KV_POSITIONS;
	int err = 0;

	if (!g->n || !n)
		return 0;
	if (n > IG1_WINDOW_SLACK || !ring_reaches(s, pos))
		return env_fail(env_of(s), ACCEL_ESTATE,
				"window: %u tokens at position %u, of which the past is gone", n,
				pos);
	for (b = pos / KV_POSITIONS; b <= last && !err; b++) {
		err = own_slot(s, r, b % g->n, b * KV_POSITIONS < pos);
		if (!err)
			g->number[b % g->n] = b;
	}
	return err;
}

void ring_trim(struct accel_session *s)
{
	struct session_ring *g = &s->ring;
	uint32_t i;

	for (i = 0; i < g->n; i++) {
		if (g->number[i] != RING_NONE && g->number[i] * KV_POSITIONS >= s->pos)
			drop(s, i);
	}
}

int ring_fork(struct accel_session *s, struct accel_session *to)
{
	uint32_t i;
	int err;

	for (i = 0; i < s->ring.n; i++) {
		if (!s->ring.slot[i])
			continue;
		err = bind(to, i, s->ring.slot[i]);
		if (err)
			return err;
		atomic_fetch_add(&s->ring.slot[i]->refs, 1);
		to->ring.slot[i] = s->ring.slot[i];
		to->ring.number[i] = s->ring.number[i];
	}
	return 0;
}
