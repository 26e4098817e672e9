// SPDX-License-Identifier: MIT
/* Batches: columns of several sessions in one job. */
#include "decode.h"

#include <string.h>

struct accel_batch {
	atomic_uint refs;
	struct accel_model *m;
	struct runner r;
};

int accel_batch_create(struct accel_model *m, const struct accel_session_options *options,
		       struct accel_batch **out)
{
	struct accel_batch *b;
	int err;

	if (!m || !out)
		return ACCEL_EARG;
	*out = NULL;
	b = env_zalloc(&m->dev->env, 1, sizeof(*b));
	if (!b)
		return ACCEL_ENOMEM;
	atomic_init(&b->refs, 1);
	b->m = m;
	err = runner_init(&b->r, m, options);
	if (err) {
		env_free(&m->dev->env, b);
		return err;
	}
	accel_model_ref(m);
	*out = b;
	return 0;
}

struct accel_batch *accel_batch_ref(struct accel_batch *b)
{
	if (b)
		atomic_fetch_add(&b->refs, 1);
	return b;
}

void accel_batch_unref(struct accel_batch *b)
{
	struct accel_model *m;

	if (!b || atomic_fetch_sub(&b->refs, 1) != 1)
		return;
	m = b->m;
	runner_fini(&b->r);
	env_free(&m->dev->env, b);
	accel_model_unref(m);
}

void accel_batch_cancel(struct accel_batch *b)
{
	if (b)
		runner_cancel(&b->r);
}

int accel_batch_counters(struct accel_batch *b, uint64_t *counters, size_t n, uint64_t *jobs,
			 int reset)
{
	return b ? runner_counters(&b->r, counters, n, jobs, reset) : ACCEL_EARG;
}

static int take_session(struct accel_batch *b, struct accel_session *s, size_t i)
{
	if (!s || s->m != b->m)
		return env_fail(&b->m->dev->env, ACCEL_EARG,
				"batch: entry %zu has no session of this model", i);
	if (s->in_batch)
		return env_fail(&b->m->dev->env, ACCEL_EARG,
				"batch: the session of entry %zu is there twice", i);
	s->in_batch = true;
	return 0;
}

static int check_entries(struct accel_batch *b, const struct accel_batch_entry *e, size_t n)
{
	size_t i, j, taken;
	int err = 0;

	for (i = 0, taken = 0; i < n && !err; i++) {
		err = take_session(b, e[i].session, i);
		if (err)
			break;
		taken++;
		for (j = 0; j < sizeof(e[i].pad) / sizeof(e[i].pad[0]); j++) {
			if (e[i].pad[j])
				err = env_fail(&b->m->dev->env, ACCEL_EARG,
					       "batch: pad of entry %zu is set", i);
		}
		if (!err && (!e[i].tokens || !e[i].n))
			err = env_fail(&b->m->dev->env, ACCEL_EARG,
				       "batch: entry %zu has no tokens", i);
		if (!err)
			err = session_check(e[i].session, e[i].tokens, e[i].n);
	}
	for (i = 0; i < taken; i++)
		e[i].session->in_batch = false;
	return err;
}

/* Where the next job continues: entry and token in it. */
struct cursor {
	size_t entry, token;
};

/* A part of an entry in a job. */
struct share {
	const struct accel_batch_entry *e;
	const int32_t *tokens;
	uint32_t first, cols;
	bool wanted; /* its last column's logits */
};

static void fed(struct accel_session *s, const int32_t *tokens, uint32_t n)
{
	uint32_t i;

	for (i = 0; i < n; i++)
		state_fed(s, s->pos + i, tokens[i]);
	s->pos += n;
	state_done(s);
}

static int run_job(struct accel_batch *b, const struct accel_batch_entry *e, size_t n,
		   struct cursor *at, struct share *shares)
{
	uint32_t max = b->r.o.chunk, cols = 0, lo = max, hi = 0, n_shares = 0, i, last;
	uint32_t vocab = b->m->file->manifest.vocab;
	struct ig1_column *c = runner_columns(&b->r);
	const float *logits = NULL;
	struct share *sh;
	int err;

	while (cols < max && at->entry < n) {
		const struct accel_batch_entry *x = &e[at->entry];

		sh = &shares[n_shares++];
		sh->e = x;
		sh->first = cols;
		sh->cols =
			x->n - at->token < max - cols ? (uint32_t)(x->n - at->token) : max - cols;
		err = session_prepare(x->session, &b->r, sh->cols);
		if (err)
			return err;
		for (i = 0; i < sh->cols; i++)
			c[cols++] = session_column(x->session, x->tokens[at->token + i],
						   x->session->pos + i);
		sh->tokens = x->tokens + at->token;
		at->token += sh->cols;
		sh->wanted = at->token == x->n && x->logits;
		if (sh->wanted) {
			lo = lo < cols - 1 ? lo : cols - 1;
			hi = cols;
		}
		if (at->token == x->n) {
			at->entry++;
			at->token = 0;
		}
	}
	err = runner_prefill(&b->r, cols, hi ? lo : 0, hi ? hi - lo : 0, &logits);
	if (err)
		return err;
	for (i = 0; i < n_shares; i++) {
		sh = &shares[i];
		fed(sh->e->session, sh->tokens, sh->cols);
		last = sh->first + sh->cols - 1;
		if (sh->wanted)
			memcpy(sh->e->logits, logits + (size_t)(last - lo) * vocab,
			       vocab * sizeof(float));
	}
	return 0;
}

int accel_batch_append(struct accel_batch *b, const struct accel_batch_entry *entries, size_t n)
{
	struct cursor at = { 0, 0 };
	struct share *shares;
	size_t i;
	int err;

	if (!b)
		return ACCEL_EARG;
	if (!entries || !n)
		return env_fail(&b->m->dev->env, ACCEL_EARG, "batch: no entries");
	err = check_entries(b, entries, n);
	if (err)
		return err;
	shares = env_zalloc(&b->m->dev->env, b->r.o.chunk, sizeof(*shares));
	if (!shares)
		return ACCEL_ENOMEM;
	while (!err && at.entry < n) {
		err = runner_check(&b->r);
		if (!err)
			err = run_job(b, entries, n, &at, shares);
	}
	for (i = 0; i < n && !err; i++)
		err = state_appended(entries[i].session, &b->r);
	env_free(&b->m->dev->env, shares);
	return err;
}

int accel_batch_decode(struct accel_batch *b, struct accel_session *const *sessions,
		       const int32_t *first, size_t n, uint32_t steps, accel_token_fn fn, void *ctx,
		       int32_t *tokens, uint32_t *steps_out)
{
	struct accel_env *env;
	size_t i, taken = 0;
	int err = 0;

	if (steps_out)
		*steps_out = 0;
	if (!b)
		return ACCEL_EARG;
	env = &b->m->dev->env;
	if (!sessions || !first || !n || n > b->m->file->manifest.max_cols)
		return env_fail(env, ACCEL_EARG, "batch: %zu sessions, a job takes 1 to %u", n,
				b->m->file->manifest.max_cols);
	if (!steps)
		return env_fail(env, ACCEL_EARG, "batch: no steps");
	for (i = 0; i < n && !err; i++) {
		err = take_session(b, sessions[i], i);
		if (err)
			break;
		taken++;
		err = session_check(sessions[i], &first[i], 1);
		if (!err && steps > accel_session_room(sessions[i]))
			err = env_fail(env, ACCEL_ECONTEXT,
				       "batch: %u steps of session %zu do not fit the context",
				       steps, i);
	}
	for (i = 0; i < taken; i++)
		sessions[i]->in_batch = false;
	if (err)
		return err;
	return batch_decode(&b->r, sessions, first, (uint32_t)n, steps, fn, ctx, tokens, steps_out);
}
