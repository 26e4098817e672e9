// SPDX-License-Identifier: MIT
/* Recurrent state of sessions: where it lives, snapshots, going back. */
#include "session.h"

#include <string.h>

struct state_snapshot {
	atomic_uint refs; /* sessions */
	uint32_t pos;
	struct accel_buffer *buf;
};

static struct accel_env *env_of(const struct accel_session *s)
{
	return &s->m->dev->env;
}

static int bind(struct accel_session *s, uint64_t va, struct accel_buffer *buf, bool write)
{
	int err = s->m->dev->ops->bind(s->m->space->b, va, buf->b, 0, s->st.bytes,
				       write ? BACKEND_MAP_WRITE : 0);

	return err ? env_fail(env_of(s), err, "state: %s", accel_error_string(err)) : 0;
}

static void unbind(struct accel_session *s, uint64_t va)
{
	s->m->dev->ops->unbind(s->m->space->b, va, s->st.bytes);
}

int state_init(struct accel_session *s)
{
	struct session_state *st = &s->st;
	int err;

	st->bytes = s->m->file->manifest.state_bytes;
	st->pos = STATE_LOST;
	if (!st->bytes)
		return 0;
	err = space_reserve(s->m->space, st->bytes, &st->va);
	if (err)
		return err;
	err = space_reserve(s->m->space, st->bytes, &st->window);
	if (err)
		space_release(s->m->space, st->va);
	return err;
}

static void drop_buffer(struct accel_session *s)
{
	if (!s->st.buf)
		return;
	unbind(s, s->st.va);
	accel_buffer_unref(s->st.buf);
	s->st.buf = NULL;
	s->st.pos = STATE_LOST;
}

static void snapshot_unref(struct accel_session *s, struct state_snapshot *x)
{
	if (atomic_fetch_sub(&x->refs, 1) != 1)
		return;
	accel_buffer_unref(x->buf);
	env_free(env_of(s), x);
}

void state_fini(struct accel_session *s)
{
	struct session_state *st = &s->st;

	if (!st->bytes)
		return;
	while (st->n_snaps)
		snapshot_unref(s, st->snap[--st->n_snaps]);
	drop_buffer(s);
	env_free(env_of(s), st->tokens);
	space_release(s->m->space, st->window);
	space_release(s->m->space, st->va);
}

/* Fresh memory is zero, which is the state before the first token. */
static int start(struct accel_session *s)
{
	struct session_state *st = &s->st;
	int err;

	drop_buffer(s);
	err = buffer_create(s->m->dev, s->m->space, st->bytes, ACCEL_BUFFER_RESIDENT, &st->buf);
	if (err == ACCEL_ENOSPACE)
		err = buffer_create(s->m->dev, s->m->space, st->bytes, ACCEL_BUFFER_HOST, &st->buf);
	if (err)
		return err;
	err = bind(s, st->va, st->buf, true);
	if (err) {
		accel_buffer_unref(st->buf);
		st->buf = NULL;
		return err;
	}
	st->pos = 0;
	return 0;
}

/* Between the state's memory and a buffer: by the CPU where it sees both, else by the chip. */
static int copy(struct accel_session *s, struct runner *r, struct accel_buffer *buf, bool save)
{
	struct session_state *st = &s->st;
	void *mine = accel_buffer_data(st->buf), *other = accel_buffer_data(buf);
	int err;

	if (mine && other) {
		memcpy(save ? other : mine, save ? mine : other, st->bytes);
		return 0;
	}
	err = bind(s, st->window, buf, save);
	if (err)
		return err;
	err = runner_copy_pages(r, save ? st->va : st->window, save ? st->window : st->va,
				st->bytes);
	unbind(s, st->window);
	return err;
}

/* Which one is missed least: the distance between its neighbours is smallest. Never the last. */
static uint32_t least_useful(const struct session_state *st)
{
	uint32_t best = 0, gap = UINT32_MAX, i;

	for (i = 0; i + 1 < st->n_snaps; i++) {
		uint32_t g = st->snap[i + 1]->pos - (i ? st->snap[i - 1]->pos : 0);

		if (g < gap) {
			gap = g;
			best = i;
		}
	}
	return best;
}

static void remove_snapshot(struct accel_session *s, uint32_t i)
{
	struct session_state *st = &s->st;

	snapshot_unref(s, st->snap[i]);
	st->n_snaps--;
	memmove(&st->snap[i], &st->snap[i + 1], (st->n_snaps - i) * sizeof(st->snap[0]));
}

static int take_snapshot(struct accel_session *s, struct runner *r)
{
	struct session_state *st = &s->st;
	struct state_snapshot *x;
	int err;

	x = env_zalloc(env_of(s), 1, sizeof(*x));
	if (!x)
		return ACCEL_ENOMEM;
	atomic_init(&x->refs, 1);
	x->pos = s->pos;
	err = buffer_create(s->m->dev, s->m->space, st->bytes, ACCEL_BUFFER_HOST, &x->buf);
	if (err) {
		env_free(env_of(s), x);
		return err;
	}
	err = copy(s, r, x->buf, true);
	if (err) {
		snapshot_unref(s, x);
		return err;
	}
	st->snap[st->n_snaps++] = x;
	return 0;
}

/*
 * Of the session's position, whose state is in memory. Without room for it there is none, and going
 * back takes longer: that is no failure, and no record of one stays.
 */
static int save(struct accel_session *s, struct runner *r)
{
	struct session_state *st = &s->st;
	uint64_t mark = env_mark(env_of(s));
	int err;

	if (!s->pos || (st->n_snaps && st->snap[st->n_snaps - 1]->pos == s->pos))
		return 0;
	if (st->n_snaps == STATE_SNAPSHOTS)
		remove_snapshot(s, least_useful(st));
	err = take_snapshot(s, r);
	if (err != ACCEL_ENOSPACE && err != ACCEL_ENOMEM)
		return err;
	env_forget(env_of(s), mark);
	return 0;
}

uint32_t state_steps(const struct accel_model *m, uint32_t n)
{
	return m->file->manifest.state_bytes && n > STATE_EVERY ? STATE_EVERY : n;
}

static uint32_t last_saved(const struct session_state *st)
{
	return st->n_snaps ? st->snap[st->n_snaps - 1]->pos : 0;
}

/* Feeds the tokens from st->pos to the session's position again. */
static int feed_again(struct accel_session *s, struct runner *r)
{
	struct ig1_column *c = runner_columns(r);
	struct session_state *st = &s->st;
	uint32_t cols, i, end = s->pos;
	int err = 0;

	while (st->pos < end && !err) {
		cols = end - st->pos < r->o.chunk ? end - st->pos : r->o.chunk;
		err = runner_check(r);
		if (!err)
			err = session_own(s, r, st->pos, cols);
		if (err)
			break;
		for (i = 0; i < cols; i++)
			c[i] = session_column(s, st->tokens[st->pos + i], st->pos + i);
		err = runner_prefill(r, cols, 0, 0, NULL);
		if (!err)
			st->pos += cols;
	}
	return err;
}

/* r's columns may hold those of other sessions already. */
static int sync(struct accel_session *s, struct runner *r)
{
	struct session_state *st = &s->st;
	size_t n = s->m->file->manifest.max_cols;
	struct ig1_column *kept;
	int err = 0;

	if (st->buf && st->pos == s->pos)
		return 0;
	if (!st->buf || !st->n_snaps)
		err = start(s);
	if (!err && st->n_snaps) {
		st->pos = STATE_LOST;
		err = copy(s, r, st->snap[st->n_snaps - 1]->buf, false);
		if (!err)
			st->pos = last_saved(st);
	}
	if (err || st->pos == s->pos)
		return err;
	kept = env_zalloc(env_of(s), n, sizeof(*kept));
	if (!kept)
		return ACCEL_ENOMEM;
	memcpy(kept, runner_columns(r), n * sizeof(*kept));
	err = feed_again(s, r);
	if (err)
		st->pos = STATE_LOST;
	memcpy(runner_columns(r), kept, n * sizeof(*kept));
	env_free(env_of(s), kept);
	return err;
}

static int make_room(struct accel_session *s, uint32_t n)
{
	struct session_state *st = &s->st;
	uint32_t room = st->room ? st->room : 64;
	int32_t *p;

	while (room < n)
		room = room > UINT32_MAX / 2 ? n : 2 * room;
	if (room == st->room)
		return 0;
	p = env_zalloc(env_of(s), room, sizeof(*p));
	if (!p)
		return ACCEL_ENOMEM;
	if (st->room)
		memcpy(p, st->tokens, st->room * sizeof(*p));
	env_free(env_of(s), st->tokens);
	st->tokens = p;
	st->room = room;
	return 0;
}

int state_prepare(struct accel_session *s, struct runner *r, uint32_t n)
{
	struct session_state *st = &s->st;
	int err;

	if (!st->bytes)
		return 0;
	err = make_room(s, s->pos + n);
	if (!err)
		err = sync(s, r);
	if (!err && s->pos - last_saved(st) >= STATE_EVERY)
		err = save(s, r);
	if (!err)
		st->pos = STATE_LOST;
	return err;
}

void state_fed(struct accel_session *s, uint32_t pos, int32_t token)
{
	if (s->st.bytes)
		s->st.tokens[pos] = token;
}

void state_done(struct accel_session *s)
{
	s->st.pos = s->pos;
}

int state_appended(struct accel_session *s, struct runner *r)
{
	struct session_state *st = &s->st;

	if (!st->bytes || st->pos != s->pos || s->pos - last_saved(st) < STATE_SHORT)
		return 0;
	return save(s, r);
}

void state_rewound(struct accel_session *s)
{
	struct session_state *st = &s->st;

	if (!st->bytes || st->pos == s->pos)
		return;
	st->pos = STATE_LOST;
	while (st->n_snaps && last_saved(st) > s->pos)
		remove_snapshot(s, st->n_snaps - 1);
}

int state_fork(struct accel_session *s, struct accel_session *to)
{
	struct session_state *st = &s->st;
	uint32_t i;
	int err;

	if (!st->bytes)
		return 0;
	if (st->buf && st->pos == s->pos) {
		err = save(s, &s->r);
		if (err)
			return err;
	}
	err = make_room(to, s->pos);
	if (err)
		return err;
	if (s->pos)
		memcpy(to->st.tokens, st->tokens, s->pos * sizeof(*st->tokens));
	for (i = 0; i < st->n_snaps; i++) {
		atomic_fetch_add(&st->snap[i]->refs, 1);
		to->st.snap[i] = st->snap[i];
	}
	to->st.n_snaps = st->n_snaps;
	return 0;
}
