// SPDX-License-Identifier: MIT
/* Decoding on the chip and by the host, stopping, cancelling, faults in the middle, traces. */
#include "conformance.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ig1_chip.h"

#define STEPS 40

static int pick_greedy(void *ctx, uint32_t position, const float *logits, uint32_t vocab,
		       int32_t *token)
{
	uint32_t *calls = ctx;

	(void)position;
	(*calls)++;
	return accel_logits_argmax(logits, vocab, token);
}

static struct accel_session *open_steps(struct bench *b, uint32_t decode_steps)
{
	struct accel_session_options o = { .size = sizeof(o), .decode_steps = decode_steps };
	struct accel_session *s;

	OK(b->dev, accel_session_create(b->m, &o, &s));
	return s;
}

static void greedy_on_chip_is_greedy_by_host(void **state)
{
	static const uint32_t steps[] = { 1, 7, 32, 64 };
	struct accel_session *s;
	int32_t v[13], want[STEPS], got[STEPS];
	uint32_t n, calls = 0;
	struct bench b;
	size_t i;

	(void)state;
	bench_open(&b, test_model);
	fill_tokens(&b, 1, v, 13);
	s = session_open(&b, 0);
	OK(b.dev, accel_session_append(s, v, 12, NULL));
	OK(b.dev, accel_session_decode_host(s, v[12], STEPS, NULL, 0, pick_greedy, &calls, NULL,
					    NULL, want, &n));
	assert_int_equal(n, STEPS);
	assert_int_equal(calls, STEPS);
	assert_int_equal(accel_session_position(s), 12 + STEPS);
	accel_session_unref(s);
	for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		s = open_steps(&b, steps[i]);
		OK(b.dev, accel_session_append(s, v, 12, NULL));
		OK(b.dev, accel_session_decode(s, v[12], STEPS, NULL, 0, NULL, NULL, got, &n));
		assert_int_equal(n, STEPS);
		assert_memory_equal(want, got, sizeof(want));
		assert_int_equal(accel_session_position(s), 12 + STEPS);
		accel_session_unref(s);
	}
	bench_close(&b);
}

static void decoding_stores_what_appending_would(void **state)
{
	struct accel_session *s, *t;
	int32_t v[5], out[STEPS], x;
	float *a, *c;
	struct bench b;

	(void)state;
	bench_open(&b, test_model);
	fill_tokens(&b, 6, v, 5);
	a = logits_alloc(&b, 1);
	c = logits_alloc(&b, 1);
	s = session_open(&b, 0);
	OK(b.dev, accel_session_append(s, v, 4, NULL));
	OK(b.dev, accel_session_decode(s, v[4], STEPS, NULL, 0, NULL, NULL, out, NULL));
	x = out[STEPS - 1];
	OK(b.dev, accel_session_append(s, &x, 1, a));
	t = session_open(&b, 0);
	OK(b.dev, accel_session_append(t, v, 5, NULL));
	OK(b.dev, accel_session_append(t, out, STEPS, c));
	assert_logits(&b, c, a, 1, "logits after decoding");
	accel_session_unref(t);
	accel_session_unref(s);
	free(c);
	free(a);
	bench_close(&b);
}

struct sink {
	int32_t v[256];
	uint32_t n, stop_at;
};

static int on_token(void *ctx, uint32_t slot, int32_t token)
{
	struct sink *k = ctx;

	if (slot)
		return 1;
	k->v[k->n++] = token;
	return k->n == k->stop_at;
}

static void stop_tokens_end_decoding(void **state)
{
	struct accel_session *s;
	int32_t first, want[STEPS], got[STEPS], stops[4];
	struct sink sink = { 0 };
	uint32_t n, k, i, at;
	struct bench b;

	(void)state;
	bench_open(&b, test_model);
	first = token_at(&b, 9, 0);
	s = session_open(&b, 0);
	OK(b.dev, accel_session_decode(s, first, STEPS, NULL, 0, NULL, NULL, want, NULL));
	/* As the first, the second (both on the chip) and the fourth entry (by the host). */
	for (k = 0; k < 4; k++) {
		stops[0] = stops[1] = stops[2] = stops[3] = (int32_t)b.vocab - 1;
		stops[k] = want[STEPS / 2];
		for (at = 0; at < STEPS && want[at] != stops[k] && want[at] != stops[(k + 1) % 4];)
			at++;
		memset(&sink, 0, sizeof(sink));
		OK(b.dev, accel_session_rewind(s, 0));
		OK(b.dev,
		   accel_session_decode(s, first, STEPS, stops, 4, on_token, &sink, got, &n));
		assert_int_equal(n, at + 1);
		assert_int_equal(sink.n, n);
		assert_int_equal(accel_session_position(s), n);
		for (i = 0; i < n; i++)
			assert_true(got[i] == want[i] && sink.v[i] == want[i]);
	}
	accel_session_unref(s);
	bench_close(&b);
}

static void callback_ends_decoding(void **state)
{
	struct accel_session *s;
	int32_t first, want[STEPS], rest[STEPS];
	struct sink sink;
	uint32_t n, stop_at;
	struct bench b;

	(void)state;
	bench_open(&b, test_model);
	first = token_at(&b, 9, 1);
	s = session_open(&b, 0);
	OK(b.dev, accel_session_decode(s, first, STEPS, NULL, 0, NULL, NULL, want, NULL));
	for (stop_at = 1; stop_at < STEPS; stop_at += 6) {
		memset(&sink, 0, sizeof(sink));
		sink.stop_at = stop_at;
		OK(b.dev, accel_session_rewind(s, 0));
		OK(b.dev,
		   accel_session_decode(s, first, STEPS, NULL, 0, on_token, &sink, NULL, &n));
		assert_int_equal(n, stop_at);
		assert_int_equal(accel_session_position(s), stop_at);
		/* The rest follows as if nothing had happened. */
		OK(b.dev, accel_session_decode(s, sink.v[stop_at - 1], STEPS - stop_at, NULL, 0,
					       NULL, NULL, rest, NULL));
		assert_memory_equal(want + stop_at, rest, (STEPS - stop_at) * sizeof(*rest));
	}
	accel_session_unref(s);
	bench_close(&b);
}

static void batches_decode_as_sessions_do(void **state)
{
	struct accel_session_options o = { .size = sizeof(o) };
	struct accel_session *s[64];
	int32_t first[64], v[64][9], want[64][STEPS], got[64 * STEPS];
	struct accel_batch *batch;
	uint32_t i, n, done;
	struct bench b;

	(void)state;
	bench_open(&b, test_model);
	n = b.max_cols < 64 ? b.max_cols : 64;
	for (i = 0; i < n; i++) {
		fill_tokens(&b, 20 + i, v[i], 9);
		s[i] = session_open(&b, 0);
		OK(b.dev, accel_session_append(s[i], v[i], i % 8 + 1, NULL));
		first[i] = v[i][8];
		OK(b.dev,
		   accel_session_decode(s[i], first[i], STEPS, NULL, 0, NULL, NULL, want[i], NULL));
		OK(b.dev, accel_session_rewind(s[i], i % 8 + 1));
	}
	for (o.decode_steps = 3; o.decode_steps < 70; o.decode_steps += 61) {
		OK(b.dev, accel_batch_create(b.m, &o, &batch));
		OK(b.dev, accel_batch_decode(batch, s, first, n, STEPS, NULL, NULL, got, &done));
		assert_int_equal(done, STEPS);
		for (i = 0; i < n; i++) {
			assert_memory_equal(want[i], got + i * STEPS, sizeof(want[i]));
			assert_int_equal(accel_session_position(s[i]), i % 8 + 1 + STEPS);
			OK(b.dev, accel_session_rewind(s[i], i % 8 + 1));
		}
		accel_batch_unref(batch);
	}
	for (i = 0; i < n; i++)
		accel_session_unref(s[i]);
	bench_close(&b);
}

static void toy_open(struct bench *b, const char *name, const struct toy_options *o)
{
	char path[600];

	snprintf(path, sizeof(path), "%s/%s.accel", test_dir, name);
	assert_int_equal(toy_write(path, o), 0);
	bench_open(b, path);
}

static void faults_leave_a_usable_session(void **state)
{
	struct toy_options o = { .seed = 1, .fault_step = 6 };
	struct accel_session *s, *t;
	struct accel_fault f;
	struct bench b;
	int32_t want[10], got[10], first = 5;
	const char *name;
	char text[512];
	uint32_t n, calls = 0;

	(void)state;
	toy_open(&b, "fault", &o);
	s = session_open(&b, 0);
	t = session_open(&b, 0);
	OK(b.dev, accel_session_fault(s, &f, &name));
	assert_int_equal(f.code, 0);
	OK(b.dev, accel_session_decode_host(t, first, 10, NULL, 0, pick_greedy, &calls, NULL, NULL,
					    want, NULL));
	accel_last_error(b.dev, NULL, 0);
	assert_int_equal(accel_session_decode(s, first, 10, NULL, 0, NULL, NULL, got, &n),
			 ACCEL_EFAULT);
	assert_int_equal(accel_last_error(b.dev, text, sizeof(text)), ACCEL_EFAULT);
	assert_non_null(strstr(text, "bad.embedding"));
	assert_non_null(strstr(text, "index"));
	OK(b.dev, accel_session_fault(s, &f, &name));
	assert_int_equal(f.code, IG1_FAULT_INDEX);
	assert_int_equal(f.index, toy_fault_index());
	assert_int_equal(f.address, TOY_FAULT_ADDRESS);
	assert_string_equal(name, "bad.embedding");
	/* Five tokens came before it, and they count. */
	assert_int_equal(n, 5);
	assert_int_equal(accel_session_position(s), 5);
	assert_memory_equal(want, got, 5 * sizeof(*got));
	OK(b.dev, accel_session_decode_host(s, got[4], 5, NULL, 0, pick_greedy, &calls, NULL, NULL,
					    got, NULL));
	assert_memory_equal(want + 5, got, 5 * sizeof(*got));
	accel_session_unref(t);
	accel_session_unref(s);
	bench_close(&b);
}

static void *cancel_soon(void *arg)
{
	usleep(30000);
	accel_session_cancel(arg);
	return NULL;
}

static void sessions_can_be_cancelled(void **state)
{
	struct accel_session_options so = { .size = sizeof(so) };
	struct toy_options o = { .seed = 1, .endless = 1 };
	struct accel_session *s;
	float *x, *y;
	struct bench b;
	pthread_t thread;
	int32_t v[8];
	uint32_t n;
	int i;

	(void)state;
	toy_open(&b, "endless", &o);
	so.watchdog = LONG_WATCHDOG;
	fill_tokens(&b, 1, v, 8);
	x = logits_alloc(&b, 1);
	y = logits_alloc(&b, 1);
	OK(b.dev, accel_session_create(b.m, &so, &s));
	OK(b.dev, accel_session_append(s, v, 8, x));
	for (i = 0; i < 3; i++) {
		OK(b.dev, accel_session_rewind(s, 7));
		assert_int_equal(pthread_create(&thread, NULL, cancel_soon, s), 0);
		FAILS(b.dev, ACCEL_ECANCELED,
		      accel_session_decode(s, v[7], 9, NULL, 0, NULL, NULL, NULL, &n));
		pthread_join(thread, NULL);
		assert_int_equal(n, 0);
		assert_int_equal(accel_session_position(s), 7);
		OK(b.dev, accel_session_append(s, v + 7, 1, y));
		assert_logits(&b, x, y, 1, "after cancellation");
	}
	/* Without a call in progress, the next one ends. */
	accel_session_cancel(s);
	FAILS(b.dev, ACCEL_ECANCELED, accel_session_append(s, v, 1, NULL));
	OK(b.dev, accel_session_append(s, v, 1, NULL));
	accel_session_unref(s);
	free(y);
	free(x);
	bench_close(&b);
}

struct traced {
	struct bench *b;
	size_t jobs, records[2];
	int bad;
};

static void on_trace(void *ctx, enum accel_program program, const struct accel_trace_record *r,
		     size_t n, int dropped)
{
	struct traced *t = ctx;
	size_t i;

	t->jobs++;
	t->records[program] += n;
	t->bad |= dropped;
	for (i = 0; i < n; i++) {
		t->bad |= r[i].engine < 1 || r[i].engine > 3 || r[i].issue > r[i].start ||
			  r[i].start > r[i].end;
		t->bad |= !accel_model_command_name(t->b->m, program, r[i].index);
		t->bad |= i && r[i].end < r[i - 1].end;
	}
}

static void traces_have_every_command(void **state)
{
	struct accel_session_options o = { .size = sizeof(o), .trace_entries = 65536 };
	uint64_t ctr[ACCEL_COUNTERS], jobs;
	struct accel_session *s, *plain;
	struct traced t = { 0 };
	int32_t v[6], a[8], c[8];
	struct bench b;

	(void)state;
	bench_open(&b, test_toy);
	t.b = &b;
	o.trace = on_trace;
	o.trace_ctx = &t;
	fill_tokens(&b, 1, v, 6);
	OK(b.dev, accel_session_create(b.m, &o, &s));
	plain = session_open(&b, 0);
	OK(b.dev, accel_session_append(s, v, 5, NULL));
	OK(b.dev, accel_session_decode(s, v[5], 8, NULL, 0, NULL, NULL, a, NULL));
	OK(b.dev, accel_session_append(plain, v, 5, NULL));
	OK(b.dev, accel_session_decode(plain, v[5], 8, NULL, 0, NULL, NULL, c, NULL));
	assert_memory_equal(a, c, sizeof(a)); /* tracing changes nothing */
	assert_int_equal(t.bad, 0);
	assert_int_equal(t.jobs, 2);
	/* 17 commands of engines per column, one more per decode step, one per job. */
	assert_int_equal(t.records[0], 1 + 5 * 17);
	assert_int_equal(t.records[1], 1 + 8 * 18);
	OK(b.dev, accel_session_counters(s, ctr, ACCEL_COUNTERS, &jobs, 1));
	assert_int_equal(jobs, 2);
	assert_int_equal(ctr[IG1_CTR_EMITS], 8);
	assert_true(ctr[IG1_CTR_MACS] >= 13u * 32 * TOY_VOCAB);
	OK(b.dev, accel_session_counters(s, ctr, ACCEL_COUNTERS, &jobs, 0));
	assert_int_equal(jobs, 0);
	/* off, on again with room for less */
	OK(b.dev, accel_session_trace(s, 0, NULL, NULL));
	OK(b.dev, accel_session_decode(s, a[7], 2, NULL, 0, NULL, NULL, c, NULL));
	assert_int_equal(t.jobs, 2);
	OK(b.dev, accel_session_trace(s, 19, on_trace, &t));
	memset(t.records, 0, sizeof(t.records));
	OK(b.dev, accel_session_decode(s, c[1], 2, NULL, 0, NULL, NULL, c, NULL));
	assert_int_equal(t.jobs, 3);
	assert_int_equal(t.records[1], 19);
	assert_int_equal(t.bad, 1); /* some did not fit */
	/* a refusal leaves it as it was */
	assert_int_equal(accel_session_trace(s, 1u << 30, on_trace, &t), ACCEL_EARG);
	assert_int_equal(accel_session_trace(s, 4, NULL, &t), ACCEL_EARG);
	assert_int_equal(accel_session_trace(NULL, 4, on_trace, &t), ACCEL_EARG);
	accel_last_error(b.dev, NULL, 0);
	OK(b.dev, accel_session_decode(s, c[1], 1, NULL, 0, NULL, NULL, c, NULL));
	assert_int_equal(t.jobs, 4);
	accel_session_unref(plain);
	accel_session_unref(s);
	bench_close(&b);
}

static void null_decodes_zeros(void **state)
{
	struct accel_session *s;
	struct bench b;
	int32_t v[3] = { 1, 2, 3 }, out[20];
	uint32_t i, n;
	float *x;

	(void)state;
	bench_open(&b, test_model);
	x = logits_alloc(&b, 1);
	s = session_open(&b, 0);
	OK(b.dev, accel_session_append(s, v, 3, x));
	for (i = 0; i < b.vocab; i++)
		assert_true(x[i] == 0);
	OK(b.dev, accel_session_decode(s, 1, 20, NULL, 0, NULL, NULL, out, &n));
	assert_int_equal(n, 20);
	for (i = 0; i < n; i++)
		assert_int_equal(out[i], 0);
	accel_session_unref(s);
	free(x);
	bench_close(&b);
}

TEST_LIST(decode_results, cmocka_unit_test(greedy_on_chip_is_greedy_by_host),
	  cmocka_unit_test(decoding_stores_what_appending_would),
	  cmocka_unit_test(stop_tokens_end_decoding), cmocka_unit_test(callback_ends_decoding),
	  cmocka_unit_test(batches_decode_as_sessions_do),
	  cmocka_unit_test(faults_leave_a_usable_session),
	  cmocka_unit_test(sessions_can_be_cancelled), cmocka_unit_test(traces_have_every_command));
TEST_LIST(decode_recurrent, RECURRENT_TEST(greedy_on_chip_is_greedy_by_host),
	  RECURRENT_TEST(decoding_stores_what_appending_would),
	  RECURRENT_TEST(stop_tokens_end_decoding), RECURRENT_TEST(callback_ends_decoding),
	  RECURRENT_TEST(batches_decode_as_sessions_do),
	  RECURRENT_TEST(faults_leave_a_usable_session), RECURRENT_TEST(sessions_can_be_cancelled));
TEST_LIST(null, cmocka_unit_test(null_decodes_zeros));
