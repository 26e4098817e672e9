// SPDX-License-Identifier: MIT
/* Decoding: on the chip, with a sampler of the host, and for several sessions at once. */
#include "decode.h"

#include <string.h>

#define NO_TOKEN UINT32_MAX

static bool is_stop(const int32_t *stop, size_t n, int32_t token)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (stop[i] == token)
			return true;
	}
	return false;
}

/* Of `left` steps those that a job takes. */
static uint32_t job_steps(const struct runner *r, uint32_t left)
{
	uint32_t n = left < r->o.decode_steps ? left : r->o.decode_steps;

	return state_steps(r->m, ring_steps(r->m, n));
}

/* One accel_session_decode() in progress. */
struct single {
	struct accel_session *s;
	const int32_t *stop;
	size_t n_stop;
	accel_token_fn fn;
	void *ctx;
	int32_t *tokens;
	uint32_t n; /* reported */
	int32_t last;
	bool ended;
	int err;
};

/* Not 0: no more tokens wanted. */
static int report(struct single *d, int32_t token)
{
	if (d->tokens)
		d->tokens[d->n] = token;
	d->n++;
	state_fed(d->s, d->s->pos, d->last);
	d->s->pos++;
	d->last = token;
	d->ended = is_stop(d->stop, d->n_stop, token);
	if (d->fn && d->fn(d->ctx, 0, token))
		d->ended = true;
	return d->ended;
}

static int on_token(void *ctx, uint32_t i, const struct ig1_token *t)
{
	struct single *d = ctx;

	(void)i;
	if (t->kind != IG1_EMIT_TOKEN)
		return 0;
	if (t->slot || t->value >= d->s->m->file->manifest.vocab) {
		d->err = env_fail(&d->s->m->dev->env, ACCEL_EFAULT,
				  "decode: the program gave token %u in column %u", t->value,
				  t->slot);
		return 1;
	}
	return report(d, (int32_t)t->value);
}

static int begin(struct single *d, int32_t first, uint32_t steps)
{
	struct accel_env *env = &d->s->m->dev->env;

	if (d->n_stop && !d->stop)
		return env_fail(env, ACCEL_EARG, "decode: n_stop without stop");
	if (!steps)
		return env_fail(env, ACCEL_EARG, "decode: no steps");
	d->last = first;
	return session_check(d->s, &first, 1);
}

int accel_session_decode(struct accel_session *s, int32_t first, uint32_t steps,
			 const int32_t *stop, size_t n_stop, accel_token_fn fn, void *ctx,
			 int32_t *tokens, uint32_t *n_out)
{
	struct single d = { s, stop, n_stop, fn, ctx, tokens, 0, 0, false, 0 };
	uint32_t on_chip[2] = { NO_TOKEN, NO_TOKEN };
	uint32_t n, before, i;
	int err;

	if (n_out)
		*n_out = 0;
	if (!s)
		return ACCEL_EARG;
	err = begin(&d, first, steps);
	if (err)
		return err;
	if (steps > accel_session_room(s))
		return env_fail(&s->m->dev->env, ACCEL_ECONTEXT,
				"%u steps at position %u do not fit the context of %u", steps,
				s->pos, s->m->file->manifest.context);
	for (i = 0; i < 2 && i < n_stop; i++)
		on_chip[i] = (uint32_t)stop[i];
	while (!err && !d.ended && d.n < steps) {
		err = runner_check(&s->r);
		if (err)
			break;
		n = job_steps(&s->r, steps - d.n);
		err = session_prepare_ahead(s, &s->r, n, steps - d.n);
		if (err)
			break;
		runner_columns(&s->r)[0] = session_column(s, d.last, s->pos);
		before = d.n;
		err = runner_decode(&s->r, 1, n, on_chip, on_token, &d);
		if (!err)
			err = d.err;
		if (!err && d.n == before)
			err = env_fail(&s->m->dev->env, ACCEL_EFAULT,
				       "decode: the program gave no token");
		/* steps beyond the last token that was wanted have changed the state, too */
		if (!err && s->r.complete && s->r.emitted == d.n - before)
			state_done(s);
	}
	session_trim(s);
	if (n_out)
		*n_out = d.n;
	return err;
}

int accel_session_decode_host(struct accel_session *s, int32_t first, uint32_t steps,
			      const int32_t *stop, size_t n_stop, accel_sample_fn sample,
			      void *sample_ctx, accel_token_fn fn, void *ctx, int32_t *tokens,
			      uint32_t *n_out)
{
	struct single d = { s, stop, n_stop, fn, ctx, tokens, 0, 0, false, 0 };
	const float *logits;
	uint32_t vocab;
	int32_t next;
	int err;

	if (n_out)
		*n_out = 0;
	if (!s)
		return ACCEL_EARG;
	if (!sample)
		return env_fail(&s->m->dev->env, ACCEL_EARG, "decode_host: no sampler");
	err = begin(&d, first, steps);
	if (err)
		return err;
	if (steps > accel_session_room(s))
		return env_fail(&s->m->dev->env, ACCEL_ECONTEXT,
				"%u steps at position %u do not fit the context of %u", steps,
				s->pos, s->m->file->manifest.context);
	vocab = s->m->file->manifest.vocab;
	while (!d.ended && d.n < steps) {
		err = runner_check(&s->r);
		if (!err)
			err = session_prepare_ahead(s, &s->r, 1, steps - d.n);
		if (err)
			break;
		runner_columns(&s->r)[0] = session_column(s, d.last, s->pos);
		err = runner_prefill(&s->r, 1, 0, 1, &logits);
		if (err)
			break;
		next = -1;
		err = sample(sample_ctx, s->pos, logits, vocab, &next);
		if (err) {
			env_fail(&s->m->dev->env, err, "decode_host: the sampler failed: %s",
				 accel_error_string(err));
			break;
		}
		if (next < 0 || (uint32_t)next >= vocab) {
			err = env_fail(&s->m->dev->env, ACCEL_EARG,
				       "decode_host: the sampler chose %d of %u", next, vocab);
			break;
		}
		report(&d, next);
		state_done(s);
	}
	session_trim(s);
	if (n_out)
		*n_out = d.n;
	return err;
}

/* One accel_batch_decode() in progress. */
struct many {
	struct runner *r;
	struct accel_session *const *sessions;
	uint32_t n, steps, base; /* base: steps of earlier jobs */
	accel_token_fn fn;
	void *ctx;
	int32_t *tokens;
	struct ig1_column *next; /* columns of the next job */
	uint32_t done;		 /* complete steps of this job */
	bool ended;
	int err;
};

static int on_batch_token(void *ctx, uint32_t i, const struct ig1_token *t)
{
	struct many *d = ctx;
	uint32_t step = i / d->n, slot = i % d->n;

	if (t->kind != IG1_EMIT_TOKEN || t->slot != slot ||
	    t->value >= d->r->m->file->manifest.vocab) {
		d->err = env_fail(&d->r->m->dev->env, ACCEL_EFAULT,
				  "batch: the program gave token %u in column %u, expected column "
				  "%u",
				  t->value, t->slot, slot);
		return 1;
	}
	if (d->tokens)
		d->tokens[(size_t)slot * d->steps + d->base + step] = (int32_t)t->value;
	state_fed(d->sessions[slot], d->sessions[slot]->pos + step, (int32_t)d->next[slot].token);
	d->next[slot].token = t->value;
	if (d->fn && d->fn(d->ctx, slot, (int32_t)t->value))
		d->ended = true;
	if (slot + 1 < d->n)
		return 0;
	d->done = step + 1;
	return d->ended;
}

int batch_decode(struct runner *r, struct accel_session *const *sessions, const int32_t *first,
		 uint32_t n, uint32_t steps, accel_token_fn fn, void *ctx, int32_t *tokens,
		 uint32_t *steps_out)
{
	static const uint32_t no_stop[2] = { NO_TOKEN, NO_TOKEN };
	struct many d = { r, sessions, n, steps, 0, fn, ctx, tokens, NULL, 0, false, 0 };
	uint32_t now, i;
	int err = 0;

	d.next = env_zalloc(&r->m->dev->env, n, sizeof(*d.next));
	if (!d.next)
		return ACCEL_ENOMEM;
	for (i = 0; i < n; i++)
		d.next[i] = session_column(sessions[i], first[i], 0);
	while (!err && !d.ended && d.base < steps) {
		err = runner_check(r);
		now = job_steps(r, steps - d.base);
		for (i = 0; i < n && !err; i++) {
			d.next[i].pos = sessions[i]->pos;
			err = session_prepare(sessions[i], r, now);
		}
		if (err)
			break;
		memcpy(runner_columns(r), d.next, n * sizeof(*d.next));
		d.done = 0;
		err = runner_decode(r, n, now, no_stop, on_batch_token, &d);
		if (!err)
			err = d.err;
		if (!err && !d.done)
			err = env_fail(&r->m->dev->env, ACCEL_EFAULT,
				       "batch: the program gave no tokens");
		d.base += d.done;
		for (i = 0; i < n; i++) {
			sessions[i]->pos += d.done;
			if (!err && r->complete && r->emitted == d.done * n)
				state_done(sessions[i]);
		}
	}
	for (i = 0; i < n; i++)
		session_trim(sessions[i]);
	env_free(&r->m->dev->env, d.next);
	if (steps_out)
		*steps_out = d.base;
	return err;
}
