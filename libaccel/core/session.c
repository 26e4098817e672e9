// SPDX-License-Identifier: MIT
/* Sessions: KV memory of one sequence, prefill, rewind, fork. */
#include "session.h"

#include <string.h>

static struct accel_env *env_of(const struct accel_session *s)
{
	return &s->m->dev->env;
}

int accel_session_create(struct accel_model *m, const struct accel_session_options *options,
			 struct accel_session **out)
{
	const struct ig1_image_manifest *f;
	struct accel_session *s;
	int err = ACCEL_ENOMEM;

	if (!m || !out)
		return ACCEL_EARG;
	*out = NULL;
	f = &m->file->manifest;
	s = env_zalloc(&m->dev->env, 1, sizeof(*s));
	if (!s)
		return ACCEL_ENOMEM;
	atomic_init(&s->refs, 1);
	s->m = m;
	s->lost = SESSION_WHOLE;
	s->blocks = env_zalloc(&m->dev->env, f->kv_blocks + 1, sizeof(struct kv_block *));
	if (!s->blocks)
		goto free;
	if (f->kv_blocks || f->win_blocks) {
		err = space_reserve(m->space, f->kv_block_bytes * f->kv_blocks + ring_region(m),
				    &s->kv_va);
		if (err)
			goto blocks;
	}
	err = ring_init(s);
	if (err)
		goto region;
	err = state_init(s);
	if (err)
		goto ring;
	err = runner_init(&s->r, m, options);
	if (err)
		goto state;
	accel_model_ref(m);
	*out = s;
	return 0;
state:
	state_fini(s);
ring:
	ring_fini(s);
region:
	if (s->kv_va)
		space_release(m->space, s->kv_va);
blocks:
	env_free(&m->dev->env, s->blocks);
free:
	env_free(&m->dev->env, s);
	return err;
}

struct accel_session *accel_session_ref(struct accel_session *s)
{
	if (s)
		atomic_fetch_add(&s->refs, 1);
	return s;
}

static uint64_t block_va(const struct accel_session *s, uint32_t i)
{
	return s->kv_va + i * s->m->file->manifest.kv_block_bytes;
}

/* n blocks from number i on, neighbours in one slab, of which b is the first. */
static int bind_blocks(struct accel_session *s, uint32_t i, const struct kv_block *b, uint32_t n)
{
	int err;

	err = s->m->dev->ops->bind(s->m->space->b, block_va(s, i), b->slab->buf->b,
				   kv_block_offset(b), n * s->m->file->manifest.kv_block_bytes,
				   BACKEND_MAP_WRITE);
	return err ? env_fail(env_of(s), err, "KV block: %s", accel_error_string(err)) : 0;
}

static int bind_block(struct accel_session *s, uint32_t i, const struct kv_block *b)
{
	return bind_blocks(s, i, b, 1);
}

static void drop_block(struct accel_session *s, uint32_t i)
{
	if (!s->blocks[i])
		return;
	s->m->dev->ops->unbind(s->m->space->b, block_va(s, i), s->m->file->manifest.kv_block_bytes);
	kv_block_unref(s->m, s->blocks[i]);
	s->blocks[i] = NULL;
}

/* Takes blocks for numbers [first, last), which have none, and binds them. */
static int add_blocks(struct accel_session *s, uint32_t first, uint32_t last)
{
	struct kv_block **b = s->blocks;
	uint32_t i, end, n;
	int err = 0;

	for (end = first; end < last && !err; end++)
		err = kv_block_create(s->m, s->m->file->manifest.kv_block_bytes, &b[end]);
	end -= !!err;
	for (i = first; i < end && !err; i += n) {
		n = 1;
		while (i + n < end && b[i + n]->slab == b[i]->slab &&
		       b[i + n]->index == b[i]->index + n)
			n++;
		err = bind_blocks(s, i, b[i], n);
	}
	for (i = first; err && i < end; i++)
		drop_block(s, i);
	return err;
}

void session_trim(struct accel_session *s)
{
	uint32_t i;

	for (i = (s->pos + KV_POSITIONS - 1) / KV_POSITIONS; i < s->m->file->manifest.kv_blocks;
	     i++)
		drop_block(s, i);
	ring_trim(s);
}

void accel_session_unref(struct accel_session *s)
{
	struct accel_model *m;

	if (!s || atomic_fetch_sub(&s->refs, 1) != 1)
		return;
	m = s->m;
	runner_fini(&s->r);
	s->pos = 0;
	session_trim(s);
	state_fini(s);
	ring_fini(s);
	if (s->kv_va)
		space_release(m->space, s->kv_va);
	env_free(&m->dev->env, s->blocks);
	env_free(&m->dev->env, s);
	accel_model_unref(m);
}

/* A shared block becomes this session's own; its first `keep` positions matter. */
static int own_block(struct accel_session *s, struct runner *r, uint32_t i, uint32_t keep)
{
	struct kv_block *old = s->blocks[i], *b;
	int err;

	err = kv_block_create(s->m, s->m->file->manifest.kv_block_bytes, &b);
	if (err)
		return err;
	err = bind_block(s, i, b);
	if (!err && keep)
		err = runner_copy(r, old, block_va(s, i));
	if (!err) {
		s->blocks[i] = b;
		kv_block_unref(s->m, old);
		return 0;
	}
	/* nothing may stay mapped to memory that is given back */
	if (bind_block(s, i, old)) {
		drop_block(s, i);
		s->lost = keep ? i * KV_POSITIONS : s->lost;
	}
	kv_block_unref(s->m, b);
	return err;
}

/* Blocks up to `last`, and in the same call those before `soon` that a slab has room for. */
static int grow(struct accel_session *s, uint32_t first, uint32_t last, uint32_t soon,
		uint32_t *end)
{
	uint32_t most = first + kv_slab_blocks(s->m, s->m->file->manifest.kv_block_bytes), i;

	for (i = first; i < last && !s->blocks[i]; i++)
		;
	*end = i;
	if (i == last) {
		while (i < soon && i < most && !s->blocks[i])
			i++;
	}
	if (i > *end && !add_blocks(s, first, i)) {
		*end = i;
		return 0;
	}
	return add_blocks(s, first, *end);
}

/* The next `all` positions will be asked for by and by, n of them now. */
static int own(struct accel_session *s, struct runner *r, uint32_t pos, uint32_t n, uint32_t all)
{
	uint32_t first = pos / KV_POSITIONS;
	uint32_t last = (pos + n + KV_POSITIONS - 1) / KV_POSITIONS, i, end;
	uint32_t soon = (pos + all + KV_POSITIONS - 1) / KV_POSITIONS;
	int err = 0;

	if (s->lost < pos)
		return env_fail(env_of(s), ACCEL_ESTATE,
				"the keys and values from position %u on were lost when memory ran "
				"out; rewind to it or to one before it",
				s->lost);
	err = ring_own(s, r, pos, n);
	if (err || !s->m->file->manifest.kv_blocks)
		return err;
	for (i = first; i < last && !err; i = end) {
		end = i + 1;
		if (!s->blocks[i])
			err = grow(s, i, last, soon, &end);
		else if (atomic_load(&s->blocks[i]->refs) > 1)
			err = own_block(s, r, i, i == first ? pos % KV_POSITIONS : 0);
	}
	return err;
}

int session_own(struct accel_session *s, struct runner *r, uint32_t pos, uint32_t n)
{
	return own(s, r, pos, n, n);
}

int session_prepare(struct accel_session *s, struct runner *r, uint32_t n)
{
	return session_prepare_ahead(s, r, n, n);
}

int session_prepare_ahead(struct accel_session *s, struct runner *r, uint32_t n, uint32_t all)
{
	int err = own(s, r, s->pos, n, all);

	return err ? err : state_prepare(s, r, n);
}

int session_check(struct accel_session *s, const int32_t *tokens, size_t n)
{
	uint32_t vocab = s->m->file->manifest.vocab;
	size_t i;

	for (i = 0; i < n; i++) {
		if (tokens[i] < 0 || (uint32_t)tokens[i] >= vocab)
			return env_fail(env_of(s), ACCEL_EARG,
					"token %zu is %d, the vocabulary has %u", i, tokens[i],
					vocab);
	}
	if (n > accel_session_room(s))
		return env_fail(env_of(s), ACCEL_ECONTEXT,
				"%zu tokens at position %u do not fit the context of %u", n, s->pos,
				s->m->file->manifest.context);
	return 0;
}

uint32_t accel_session_position(const struct accel_session *s)
{
	return s ? s->pos : 0;
}

uint32_t accel_session_room(const struct accel_session *s)
{
	return s ? s->m->file->manifest.context - s->pos : 0;
}

static int append(struct accel_session *s, const int32_t *tokens, size_t n, float *last,
		  accel_logits_fn fn, void *ctx)
{
	uint32_t vocab, cols, i, first, want;
	struct ig1_column *c;
	const float *logits;
	size_t done;
	int err, stop;

	if (!s)
		return ACCEL_EARG;
	if (!tokens || !n)
		return env_fail(env_of(s), ACCEL_EARG, "append: no tokens");
	err = session_check(s, tokens, n);
	if (err)
		return err;
	vocab = s->m->file->manifest.vocab;
	for (done = 0; done < n; done += cols) {
		err = runner_check(&s->r);
		if (err)
			return err;
		cols = n - done < s->r.o.chunk ? (uint32_t)(n - done) : s->r.o.chunk;
		err = session_prepare(s, &s->r, cols);
		if (err)
			return err;
		c = runner_columns(&s->r);
		for (i = 0; i < cols; i++)
			c[i] = session_column(s, tokens[done + i], s->pos + i);
		want = fn ? cols : last && done + cols == n;
		first = fn ? 0 : cols - 1;
		err = runner_prefill(&s->r, cols, first, want, &logits);
		if (err)
			return err;
		for (i = 0; i < cols; i++)
			state_fed(s, s->pos + i, tokens[done + i]);
		s->pos += cols;
		state_done(s);
		if (last && want)
			memcpy(last, logits, vocab * sizeof(float));
		for (i = 0, stop = 0; fn && i < cols && !stop; i++)
			stop = fn(ctx, s->pos - cols + i, logits + (size_t)i * vocab, vocab);
		if (fn && stop)
			return env_fail(env_of(s), ACCEL_ECANCELED, "stopped by the callback");
	}
	return state_appended(s, &s->r);
}

int accel_session_append(struct accel_session *s, const int32_t *tokens, size_t n, float *logits)
{
	return append(s, tokens, n, logits, NULL, NULL);
}

int accel_session_append_all(struct accel_session *s, const int32_t *tokens, size_t n,
			     accel_logits_fn fn, void *ctx)
{
	if (!s)
		return ACCEL_EARG;
	if (!fn)
		return env_fail(env_of(s), ACCEL_EARG, "append_all: no callback");
	return append(s, tokens, n, NULL, fn, ctx);
}

int accel_session_trace(struct accel_session *s, uint32_t entries, accel_trace_fn fn, void *ctx)
{
	return s ? runner_trace(&s->r, entries, fn, ctx) : ACCEL_EARG;
}

int accel_session_rewind(struct accel_session *s, uint32_t position)
{
	if (!s)
		return ACCEL_EARG;
	if (position > s->pos)
		return env_fail(env_of(s), ACCEL_EARG, "rewind to %u, the position is %u", position,
				s->pos);
	if (!ring_reaches(s, position))
		return env_fail(env_of(s), ACCEL_ESTATE,
				"rewind to %u: layers with a window of %u have lost positions it "
				"needs; rewind to 0 and append the tokens again",
				position, s->m->file->manifest.window);
	s->pos = position;
	if (position <= s->lost)
		s->lost = SESSION_WHOLE;
	session_trim(s);
	state_rewound(s);
	return 0;
}

int accel_session_fork(struct accel_session *s, struct accel_session **out)
{
	struct accel_session_options o;
	struct accel_session *n;
	uint32_t i;
	int err;

	if (!s || !out)
		return ACCEL_EARG;
	*out = NULL;
	if (s->lost < s->pos)
		return env_fail(env_of(s), ACCEL_ESTATE,
				"fork: the keys and values from position %u on are lost", s->lost);
	o = s->r.o;
	o.size = sizeof(o);
	err = accel_session_create(s->m, &o, &n);
	if (err)
		return err;
	err = state_fork(s, n);
	if (!err)
		err = ring_fork(s, n);
	if (err) {
		accel_session_unref(n);
		return err;
	}
	for (i = 0;
	     s->m->file->manifest.kv_blocks && i < (s->pos + KV_POSITIONS - 1) / KV_POSITIONS;
	     i++) {
		err = bind_block(n, i, s->blocks[i]);
		if (err) {
			accel_session_unref(n);
			return err;
		}
		atomic_fetch_add(&s->blocks[i]->refs, 1);
		n->blocks[i] = s->blocks[i];
	}
	n->pos = s->pos;
	*out = n;
	return 0;
}

void accel_session_cancel(struct accel_session *s)
{
	if (s)
		runner_cancel(&s->r);
}

int accel_session_counters(struct accel_session *s, uint64_t *counters, size_t n, uint64_t *jobs,
			   int reset)
{
	return s ? runner_counters(&s->r, counters, n, jobs, reset) : ACCEL_EARG;
}

int accel_session_fault(struct accel_session *s, struct accel_fault *fault, const char **name)
{
	if (!s || !fault)
		return ACCEL_EARG;
	*fault = s->r.fault;
	if (name)
		*name = s->r.fault_name;
	return 0;
}
