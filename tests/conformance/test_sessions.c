// SPDX-License-Identifier: MIT
/* Sessions: what is stored does not depend on how it got there. All comparisons are of bytes. */
#include "conformance.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Crosses two block borders where the context allows. */
static size_t prompt_length(const struct bench *b)
{
	return b->context < 72 ? b->context : 71;
}

static void chunks_do_not_matter(void **state)
{
	static const uint32_t chunks[] = { 0, 1, 2, 3, 7, 32 };
	struct accel_session *s;
	struct bench b;
	float *all, *x, *last;
	int32_t v[128];
	size_t i, n;

	(void)state;
	bench_open(&b, test_model);
	n = prompt_length(&b);
	fill_tokens(&b, 1, v, n);
	all = logits_alloc(&b, n);
	x = logits_alloc(&b, n);
	last = logits_alloc(&b, 1);
	s = session_open(&b, 1);
	append_all(&b, s, v, n, all);
	assert_int_equal(accel_session_position(s), n);
	assert_int_equal(accel_session_room(s), b.context - n);
	accel_session_unref(s);
	for (i = 0; i < sizeof(chunks) / sizeof(chunks[0]); i++) {
		if (chunks[i] > b.max_cols)
			continue;
		s = session_open(&b, chunks[i]);
		append_all(&b, s, v, n, x);
		assert_logits(&b, all, x, n, "all logits");
		accel_session_unref(s);
		s = session_open(&b, chunks[i]);
		OK(b.dev, accel_session_append(s, v, n, last));
		assert_logits(&b, all + (n - 1) * b.vocab, last, 1, "last logits");
		accel_session_unref(s);
		/* Cut by the caller instead, without logits in between. */
		s = session_open(&b, chunks[i]);
		OK(b.dev, accel_session_append(s, v, 1, NULL));
		OK(b.dev, accel_session_append(s, v + 1, n - 3, NULL));
		OK(b.dev, accel_session_append(s, v + n - 2, 2, last));
		assert_logits(&b, all + (n - 1) * b.vocab, last, 1, "logits after pieces");
		accel_session_unref(s);
	}
	free(last);
	free(x);
	free(all);
	bench_close(&b);
}

static void results_depend_on_the_past(void **state)
{
	struct accel_session *s, *t;
	struct bench b;
	float *x, *y;
	int32_t v[40], w[40];

	(void)state;
	bench_open(&b, test_model);
	fill_tokens(&b, 1, v, 40);
	memcpy(w, v, sizeof(w));
	w[0] = (v[0] + 1) % (int32_t)b.vocab;
	x = logits_alloc(&b, 1);
	y = logits_alloc(&b, 1);
	s = session_open(&b, 0);
	t = session_open(&b, 0);
	OK(b.dev, accel_session_append(s, v, 40, x));
	OK(b.dev, accel_session_append(t, w, 40, y));
	assert_memory_not_equal(x, y, b.vocab * sizeof(float));
	accel_session_unref(t);
	accel_session_unref(s);
	free(y);
	free(x);
	bench_close(&b);
}

static void rewind_and_replay(void **state)
{
	struct accel_session *s;
	struct bench b;
	float *all, *x;
	int32_t v[128], w[40];
	size_t n, at;
	static const size_t back[] = { 70, 64, 63, 33, 32, 31, 1, 0 };
	size_t i;

	(void)state;
	bench_open(&b, test_model);
	n = prompt_length(&b);
	fill_tokens(&b, 1, v, n);
	fill_tokens(&b, 2, w, 40);
	all = logits_alloc(&b, n);
	x = logits_alloc(&b, n);
	s = session_open(&b, 0);
	append_all(&b, s, v, n, all);
	for (i = 0; i < sizeof(back) / sizeof(back[0]); i++) {
		at = back[i] < n ? back[i] : n - 1;
		OK(b.dev, accel_session_rewind(s, (uint32_t)at));
		assert_int_equal(accel_session_position(s), at);
		/* Something else in between must leave no trace. */
		OK(b.dev, accel_session_append(s, w, n - at < 40 ? n - at : 40, NULL));
		OK(b.dev, accel_session_rewind(s, (uint32_t)at));
		append_all(&b, s, v + at, n - at, x + at * b.vocab);
		assert_logits(&b, all + at * b.vocab, x + at * b.vocab, n - at, "replay");
	}
	FAILS(b.dev, ACCEL_EARG, accel_session_rewind(s, (uint32_t)n + 1));
	accel_session_unref(s);
	free(x);
	free(all);
	bench_close(&b);
}

/* Logits after v, then w, in a session of its own. */
static void alone(struct bench *b, const int32_t *v, size_t n, const int32_t *w, size_t m,
		  float *out)
{
	struct accel_session *s = session_open(b, 0);

	OK(b->dev, accel_session_append(s, v, n, NULL));
	append_all(b, s, w, m, out);
	accel_session_unref(s);
}

static void forks_are_equal_and_apart(void **state)
{
	static const size_t at[] = { 1, 31, 32, 33, 63, 64, 65 };
	struct accel_session *s, *t, *u;
	float *want_w, *want_x, *got;
	struct bench b;
	int32_t v[80], w[30], x[30];
	size_t i, n, m;

	(void)state;
	bench_open(&b, test_model);
	fill_tokens(&b, 1, v, 80);
	fill_tokens(&b, 2, w, 30);
	fill_tokens(&b, 3, x, 30);
	want_w = logits_alloc(&b, 30);
	want_x = logits_alloc(&b, 30);
	got = logits_alloc(&b, 30);
	for (i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		n = at[i];
		m = b.context - n < 30 ? b.context - n : 30;
		alone(&b, v, n, w, m, want_w);
		alone(&b, v, n, x, m, want_x);
		s = session_open(&b, 0);
		OK(b.dev, accel_session_append(s, v, n, NULL));
		OK(b.dev, accel_session_fork(s, &t));
		OK(b.dev, accel_session_fork(t, &u));
		assert_int_equal(accel_session_position(t), n);
		/* The child writes first, then the parent, then the grandchild as the child did. */
		append_all(&b, t, w, m, got);
		assert_logits(&b, want_w, got, m, "child");
		append_all(&b, s, x, m, got);
		assert_logits(&b, want_x, got, m, "parent after child");
		accel_session_unref(s);
		append_all(&b, u, w, m, got);
		assert_logits(&b, want_w, got, m, "grandchild after all");
		/* And what the child stored is still its own. */
		OK(b.dev, accel_session_rewind(t, (uint32_t)n));
		append_all(&b, t, x, m, got);
		assert_logits(&b, want_x, got, m, "child again");
		accel_session_unref(u);
		accel_session_unref(t);
	}
	free(got);
	free(want_x);
	free(want_w);
	bench_close(&b);
}

static void forks_share_memory(void **state)
{
	struct accel_session *s, *t[4];
	struct bench b;
	int32_t v[80];
	uint64_t res, host, n, before, after;
	size_t len, i;

	(void)state;
	bench_open(&b, test_model);
	len = prompt_length(&b) - 2;
	fill_tokens(&b, 1, v, len + 1);
	/* The first takes the programs' memory. */
	s = session_open(&b, 0);
	accel_session_unref(s);
	OK(b.dev, accel_device_get(b.dev, ACCEL_PARAM_SRAM_FREE, &before));
	s = session_open(&b, 0);
	OK(b.dev, accel_session_append(s, v, len, NULL));
	OK(b.dev, accel_model_get(b.m, ACCEL_MODEL_KV_BLOCKS, &n));
	n = n ? (len + 31) / 32 : 0;
	for (i = 0; i < 4; i++)
		OK(b.dev, accel_session_fork(s, &t[i]));
	OK(b.dev, accel_model_get(b.m, ACCEL_MODEL_KV_RESIDENT, &res));
	OK(b.dev, accel_model_get(b.m, ACCEL_MODEL_KV_HOST, &host));
	assert_int_equal(res + host, n);
	/* Each that writes takes its own last block; the last one keeps the old one. */
	for (i = 0; i < 4; i++)
		OK(b.dev, accel_session_append(t[i], v + len, 1, NULL));
	OK(b.dev, accel_session_append(s, v + len, 1, NULL));
	OK(b.dev, accel_model_get(b.m, ACCEL_MODEL_KV_RESIDENT, &res));
	OK(b.dev, accel_model_get(b.m, ACCEL_MODEL_KV_HOST, &host));
	assert_int_equal(res + host, n + (n ? 4 : 0));
	for (i = 0; i < 4; i++)
		accel_session_unref(t[i]);
	OK(b.dev, accel_session_rewind(s, 1));
	OK(b.dev, accel_model_get(b.m, ACCEL_MODEL_KV_RESIDENT, &res));
	OK(b.dev, accel_model_get(b.m, ACCEL_MODEL_KV_HOST, &host));
	assert_int_equal(res + host, !!n);
	accel_session_unref(s);
	OK(b.dev, accel_device_get(b.dev, ACCEL_PARAM_SRAM_FREE, &after));
	assert_int_equal(before, after);
	bench_close(&b);
}

static void sessions_do_not_meet(void **state)
{
	struct accel_session *s, *t;
	struct bench b;
	float *want_v, *want_w, *got_v, *got_w;
	int32_t v[40], w[40];
	size_t i;

	(void)state;
	bench_open(&b, test_model);
	fill_tokens(&b, 1, v, 40);
	fill_tokens(&b, 2, w, 40);
	want_v = logits_alloc(&b, 40);
	want_w = logits_alloc(&b, 40);
	got_v = logits_alloc(&b, 40);
	got_w = logits_alloc(&b, 40);
	s = session_open(&b, 0);
	append_all(&b, s, v, 40, want_v);
	accel_session_unref(s);
	s = session_open(&b, 0);
	append_all(&b, s, w, 40, want_w);
	accel_session_unref(s);
	s = session_open(&b, 0);
	t = session_open(&b, 0);
	for (i = 0; i < 40; i += 5) {
		append_all(&b, s, v + i, 5, got_v + i * b.vocab);
		append_all(&b, t, w + i, 5, got_w + i * b.vocab);
	}
	assert_logits(&b, want_v, got_v, 40, "first session");
	assert_logits(&b, want_w, got_w, 40, "second session");
	accel_session_unref(t);
	accel_session_unref(s);
	free(got_w);
	free(got_v);
	free(want_w);
	free(want_v);
	bench_close(&b);
}

static void batch_neighbours_do_not_matter(void **state)
{
	enum { N = 4 };
	static const size_t lens[N] = { 1, 37, 12, 40 };
	struct accel_session_options o = { .size = sizeof(o) };
	struct accel_batch_entry e[N];
	struct accel_session *s[N];
	struct accel_batch *batch;
	float *want[N], *got[N];
	int32_t v[N][48];
	struct bench b;
	size_t i, round;

	(void)state;
	bench_open(&b, test_model);
	for (i = 0; i < N; i++) {
		fill_tokens(&b, (uint32_t)i + 5, v[i], 48);
		want[i] = logits_alloc(&b, 2);
		got[i] = logits_alloc(&b, 2);
		s[i] = session_open(&b, 0);
		OK(b.dev, accel_session_append(s[i], v[i], lens[i], want[i]));
		OK(b.dev, accel_session_append(s[i], v[i] + lens[i], 1, want[i] + b.vocab));
		accel_session_unref(s[i]);
	}
	for (o.chunk = 1; o.chunk <= b.max_cols; o.chunk += b.max_cols > 8 ? 5 : 1) {
		OK(b.dev, accel_batch_create(b.m, &o, &batch));
		for (i = 0; i < N; i++)
			s[i] = session_open(&b, 0);
		for (round = 0; round < 2; round++) {
			memset(e, 0, sizeof(e));
			for (i = 0; i < N; i++)
				e[i] = (struct accel_batch_entry){
					.session = s[i],
					.tokens = v[i] + (round ? lens[i] : 0),
					.n = round ? 1 : lens[i],
					.logits = got[i] + round * b.vocab,
				};
			OK(b.dev, accel_batch_append(batch, e, N));
		}
		for (i = 0; i < N; i++) {
			assert_logits(&b, want[i], got[i], 2, "batch");
			assert_int_equal(accel_session_position(s[i]), lens[i] + 1);
			accel_session_unref(s[i]);
		}
		accel_batch_unref(batch);
	}
	for (i = 0; i < N; i++) {
		free(got[i]);
		free(want[i]);
	}
	bench_close(&b);
}

static void context_is_a_limit(void **state)
{
	struct accel_session *s;
	struct bench b;
	int32_t *v, out[2];
	uint32_t n;

	(void)state;
	bench_open(&b, test_model);
	v = calloc(b.context + 1, sizeof(*v));
	assert_non_null(v);
	fill_tokens(&b, 1, v, b.context + 1);
	s = session_open(&b, 0);
	FAILS(b.dev, ACCEL_ECONTEXT, accel_session_append(s, v, b.context + 1, NULL));
	assert_int_equal(accel_session_position(s), 0);
	OK(b.dev, accel_session_append(s, v, b.context - 1, NULL));
	FAILS(b.dev, ACCEL_ECONTEXT, accel_session_append(s, v, 2, NULL));
	FAILS(b.dev, ACCEL_ECONTEXT,
	      accel_session_decode(s, v[0], 2, NULL, 0, NULL, NULL, out, &n));
	assert_int_equal(n, 0);
	assert_int_equal(accel_session_position(s), b.context - 1);
	OK(b.dev, accel_session_append(s, v + b.context - 1, 1, NULL));
	assert_int_equal(accel_session_room(s), 0);
	FAILS(b.dev, ACCEL_ECONTEXT, accel_session_append(s, v, 1, NULL));
	accel_session_unref(s);
	free(v);
	bench_close(&b);
}

/* All resident SRAM but `left` pages. */
static struct accel_buffer *take_sram(struct accel_device *dev, uint64_t left)
{
	struct accel_buffer *buf;
	uint64_t bytes;

	OK(dev, accel_device_get(dev, ACCEL_PARAM_SRAM_FREE, &bytes));
	OK(dev, accel_buffer_create(dev, bytes - left * 4096, ACCEL_BUFFER_RESIDENT, &buf));
	return buf;
}

static void kv_goes_to_host_memory_when_sram_is_full(void **state)
{
	struct accel_buffer *ballast;
	struct accel_session *s, *t;
	float *want, *got;
	struct bench b;
	int32_t v[TOY_CONTEXT];
	uint64_t res, host;

	(void)state;
	bench_open(&b, test_toy);
	fill_tokens(&b, 1, v, TOY_CONTEXT);
	want = logits_alloc(&b, TOY_CONTEXT);
	got = logits_alloc(&b, TOY_CONTEXT);
	s = session_open(&b, 0);
	append_all(&b, s, v, TOY_CONTEXT, want);
	accel_session_unref(s);
	bench_close(&b);
	bench_open(&b, test_toy);
	s = session_open(&b, 0);
	ballast = take_sram(b.dev, 3);
	append_all(&b, s, v, TOY_CONTEXT, got);
	assert_logits(&b, want, got, TOY_CONTEXT, "half in host memory");
	OK(b.dev, accel_model_get(b.m, ACCEL_MODEL_KV_RESIDENT, &res));
	OK(b.dev, accel_model_get(b.m, ACCEL_MODEL_KV_HOST, &host));
	assert_int_equal(res, 3);
	assert_int_equal(host, 1);
	t = session_open(&b, 0);
	append_all(&b, t, v, TOY_CONTEXT, got);
	assert_logits(&b, want, got, TOY_CONTEXT, "all in host memory");
	/* Copies between the two kinds. */
	accel_session_unref(s);
	OK(b.dev, accel_session_rewind(t, 90));
	OK(b.dev, accel_session_fork(t, &s));
	append_all(&b, s, v + 90, 10, got + 90 * b.vocab);
	assert_logits(&b, want + 90 * b.vocab, got + 90 * b.vocab, 10, "copied to SRAM");
	OK(b.dev, accel_model_get(b.m, ACCEL_MODEL_KV_RESIDENT, &res));
	assert_int_equal(res, 2); /* the copy and a new one */
	accel_session_unref(s);
	accel_session_unref(t);
	accel_buffer_unref(ballast);
	bench_close(&b);
	free(got);
	free(want);
}

/* By the first session, for all; where there is no room they run from host memory. */
static void programs_go_to_sram(void **state)
{
	uint64_t empty, first, second, closed;
	struct accel_buffer *ballast;
	struct accel_session *s, *t;
	float *want, *got;
	struct bench b;
	int32_t v[TOY_CONTEXT];

	(void)state;
	bench_open(&b, test_toy);
	fill_tokens(&b, 1, v, TOY_CONTEXT);
	want = logits_alloc(&b, TOY_CONTEXT);
	got = logits_alloc(&b, TOY_CONTEXT);
	OK(b.dev, accel_device_get(b.dev, ACCEL_PARAM_SRAM_FREE, &empty));
	s = session_open(&b, 0);
	OK(b.dev, accel_device_get(b.dev, ACCEL_PARAM_SRAM_FREE, &first));
	t = session_open(&b, 0);
	OK(b.dev, accel_device_get(b.dev, ACCEL_PARAM_SRAM_FREE, &second));
	assert_true(empty - first >= 8192); /* that of decoding */
	assert_true(empty - first <= 128 * 1024);
	assert_int_equal(first, second);
	append_all(&b, t, v, TOY_CONTEXT, want);
	accel_session_unref(t);
	accel_session_unref(s);
	OK(b.dev, accel_device_get(b.dev, ACCEL_PARAM_SRAM_FREE, &closed));
	assert_int_equal(closed, first);
	accel_model_unref(b.m);
	OK(b.dev, accel_device_get(b.dev, ACCEL_PARAM_SRAM_FREE, &closed));
	assert_int_equal(closed, empty);

	OK(b.dev, accel_model_open(b.dev, test_toy, NULL, &b.m));
	ballast = take_sram(b.dev, 1);
	s = session_open(&b, 0);
	OK(b.dev, accel_device_get(b.dev, ACCEL_PARAM_SRAM_FREE, &first));
	assert_int_equal(first, 4096);
	append_all(&b, s, v, TOY_CONTEXT, got);
	assert_logits(&b, want, got, TOY_CONTEXT, "programs in host memory");
	accel_session_unref(s);
	accel_buffer_unref(ballast);
	bench_close(&b);
	free(got);
	free(want);
}

static void scores_follow_from_logits(void **state)
{
	struct accel_session *s;
	struct bench b;
	float *all, nll[40];
	int32_t v[40], top[40], t;
	double x;
	size_t i;

	(void)state;
	bench_open(&b, test_model);
	fill_tokens(&b, 4, v, 40);
	all = logits_alloc(&b, 40);
	s = session_open(&b, 0);
	append_all(&b, s, v, 40, all);
	accel_session_unref(s);
	s = session_open(&b, 0);
	OK(b.dev, accel_session_score(s, v, 40, nll, top));
	assert_int_equal(accel_session_position(s), 40);
	for (i = 0; i < 40; i++) {
		assert_int_equal(accel_logits_argmax(all + i * b.vocab, b.vocab, &t), 0);
		assert_int_equal(t, top[i]);
		if (i == 39)
			break;
		assert_int_equal(accel_logits_nll(all + i * b.vocab, b.vocab, v[i + 1], &x), 0);
		assert_true(nll[i] == (float)x && x > 0);
	}
	accel_session_unref(s);
	free(all);
	bench_close(&b);
}

/* Any position of a long past, whichever snapshots are left, in sessions that share them. */
static void every_position_comes_back(void **state)
{
	struct accel_session *s, *t;
	struct bench b;
	int32_t v[TOY_CONTEXT];
	float *all, *got;
	uint32_t i, at, x = 1;

	(void)state;
	bench_open(&b, test_model);
	fill_tokens(&b, 1, v, TOY_CONTEXT);
	all = logits_alloc(&b, TOY_CONTEXT);
	got = logits_alloc(&b, 1);
	s = session_open(&b, 0);
	for (i = 0; i < TOY_CONTEXT; i += at) {
		/* pieces of 1 to 19 tokens: more ends than there are snapshots */
		x = x * 1664525u + 1013904223u;
		at = (x >> 16) % 19 + 1;
		at = at < TOY_CONTEXT - i ? at : TOY_CONTEXT - i;
		append_all(&b, s, v + i, at, all + i * b.vocab);
	}
	for (i = 0; i < TOY_CONTEXT; i++) {
		at = i * 37 % TOY_CONTEXT;
		OK(b.dev, accel_session_fork(s, &t));
		OK(b.dev, accel_session_rewind(t, at));
		OK(b.dev, accel_session_append(t, v + at, 1, got));
		assert_logits(&b, all + at * b.vocab, got, 1, "a fork that went back");
		accel_session_unref(t);
	}
	for (i = TOY_CONTEXT; i-- > 0;) {
		OK(b.dev, accel_session_rewind(s, i));
		OK(b.dev, accel_session_append(s, v + i, 1, got));
		assert_logits(&b, all + i * b.vocab, got, 1, "step by step back");
	}
	accel_session_unref(s);
	free(got);
	free(all);
	bench_close(&b);
}

static void state_makes_a_difference(void **state)
{
	struct accel_session *s;
	struct bench b, r;
	float *x, *y;
	int32_t v[2];

	(void)state;
	bench_open(&b, test_toy);
	bench_open(&r, test_recurrent);
	fill_tokens(&b, 1, v, 2);
	x = logits_alloc(&b, 2);
	y = logits_alloc(&b, 2);
	s = session_open(&b, 0);
	append_all(&b, s, v, 2, x);
	accel_session_unref(s);
	s = session_open(&r, 0);
	append_all(&r, s, v, 2, y);
	accel_session_unref(s);
	/* the first token has no past, the second one has */
	assert_logits(&b, x, y, 1, "the first token");
	assert_memory_not_equal(x + b.vocab, y + b.vocab, b.vocab * sizeof(float));
	free(y);
	free(x);
	bench_close(&r);
	bench_close(&b);
}

static void state_goes_to_host_memory_when_sram_is_full(void **state)
{
	uint64_t before, after, host, host_after;
	struct accel_buffer *ballast;
	struct accel_session *s, *t;
	float *want, *got;
	bool counted;
	int32_t v[40];
	struct bench b;

	(void)state;
	bench_open(&b, test_recurrent);
	fill_tokens(&b, 1, v, 40);
	want = logits_alloc(&b, 40);
	got = logits_alloc(&b, 40);
	s = session_open(&b, 0); /* the first takes the programs' memory */
	accel_session_unref(s);
	OK(b.dev, accel_device_get(b.dev, ACCEL_PARAM_SRAM_FREE, &before));
	/* not every back end knows */
	counted = !accel_device_get(b.dev, ACCEL_PARAM_HOST_FREE, &host);
	s = session_open(&b, 0);
	append_all(&b, s, v, 40, want);
	OK(b.dev, accel_device_get(b.dev, ACCEL_PARAM_SRAM_FREE, &after));
	assert_true(before - after >= TOY_STATE);
	ballast = take_sram(b.dev, 1);
	t = session_open(&b, 0);
	append_all(&b, t, v, 40, got);
	assert_logits(&b, want, got, 40, "in host memory");
	/* between the two kinds: snapshots of one restored in the other */
	accel_session_unref(t);
	OK(b.dev, accel_session_fork(s, &t));
	OK(b.dev, accel_session_rewind(t, 30));
	append_all(&b, t, v + 30, 10, got);
	assert_logits(&b, want + 30 * b.vocab, got, 10, "from SRAM to host memory");
	accel_session_unref(t);
	accel_session_unref(s);
	accel_buffer_unref(ballast);
	OK(b.dev, accel_device_get(b.dev, ACCEL_PARAM_SRAM_FREE, &after));
	assert_int_equal(before, after);
	if (counted) {
		OK(b.dev, accel_device_get(b.dev, ACCEL_PARAM_HOST_FREE, &host_after));
		assert_int_equal(host, host_after);
	}
	free(got);
	free(want);
	bench_close(&b);
}

TEST_LIST(sessions, cmocka_unit_test(forks_share_memory), cmocka_unit_test(context_is_a_limit));
TEST_LIST(sessions_results, cmocka_unit_test(chunks_do_not_matter),
	  cmocka_unit_test(results_depend_on_the_past), cmocka_unit_test(rewind_and_replay),
	  cmocka_unit_test(forks_are_equal_and_apart), cmocka_unit_test(sessions_do_not_meet),
	  cmocka_unit_test(batch_neighbours_do_not_matter),
	  cmocka_unit_test(kv_goes_to_host_memory_when_sram_is_full),
	  cmocka_unit_test(programs_go_to_sram), cmocka_unit_test(scores_follow_from_logits));
TEST_LIST(sessions_recurrent, cmocka_unit_test(state_makes_a_difference),
	  RECURRENT_TEST(chunks_do_not_matter), RECURRENT_TEST(rewind_and_replay),
	  RECURRENT_TEST(forks_are_equal_and_apart), RECURRENT_TEST(forks_share_memory),
	  RECURRENT_TEST(sessions_do_not_meet), RECURRENT_TEST(batch_neighbours_do_not_matter),
	  RECURRENT_TEST(context_is_a_limit), RECURRENT_TEST(scores_follow_from_logits),
	  RECURRENT_TEST(every_position_comes_back),
	  cmocka_unit_test(state_goes_to_host_memory_when_sram_is_full));
