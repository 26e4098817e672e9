// SPDX-License-Identifier: MIT
/* Every check of an argument, and option structs of other sizes. */
#include "conformance.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void device_options(void **state)
{
	struct {
		struct accel_device_options o;
		uint64_t later;
	} big = { .o = { .size = sizeof(big), .backend = test_backend, .mask = test_toy } };
	struct accel_device_options o = { .size = sizeof(o), .backend = test_backend };
	struct accel_allocator holes = { 0 };
	struct accel_device *dev;
	char text[128];
	size_t n;

	(void)state;
	assert_int_equal(accel_device_open(&o, NULL), ACCEL_EARG);
	/* A newer caller that sets nothing new, then one that does. */
	assert_int_equal(accel_device_open(&big.o, &dev), 0);
	accel_device_unref(dev);
	big.later = 1;
	assert_int_equal(accel_device_open(&big.o, &dev), ACCEL_ESIZE);
	assert_null(dev);
	o.size = 3;
	assert_int_equal(accel_device_open(&o, &dev), ACCEL_ESIZE);
	/* An older caller. */
	o.size = offsetof(struct accel_device_options, mask);
	assert_int_equal(accel_device_open(&o, &dev), 0);
	accel_device_unref(dev);
	o.size = sizeof(o);
	o.error = text;
	o.error_size = sizeof(text);
	o.backend = "nothing";
	assert_int_equal(accel_device_open(&o, &dev), ACCEL_EBACKEND);
	assert_non_null(strstr(text, "nothing"));
	o.backend = test_backend;
	o.index = 77;
	assert_int_equal(accel_device_open(&o, &dev), ACCEL_ENODEV);
	o.index = 0;
	o.pad = 1;
	assert_int_equal(accel_device_open(&o, &dev), ACCEL_EARG);
	o.pad = 0;
	o.allocator = &holes;
	assert_int_equal(accel_device_open(&o, &dev), ACCEL_EARG);
	o.allocator = NULL;
	o.mask = "/nonexistent";
	assert_int_equal(accel_device_open(&o, &dev), ACCEL_EIO);
	assert_non_null(strstr(text, "/nonexistent"));
	o.mask = test_toy;
	if (test_simulated) {
		o.host_bytes = UINT64_MAX;
		assert_int_equal(accel_device_open(&o, &dev), ACCEL_EARG);
	}
	assert_int_equal(accel_backend_devices(NULL, &n), ACCEL_EARG);
	assert_int_equal(accel_backend_devices(test_backend, NULL), ACCEL_EARG);
	assert_int_equal(accel_last_error(NULL, NULL, 0), ACCEL_EARG);
}

static void environment_chooses_the_backend(void **state)
{
	struct accel_device_options o = { .size = sizeof(o) };
	struct accel_device *dev;

	(void)state;
	setenv("ACCEL_BACKEND", "null", 1);
	assert_int_equal(accel_device_open(&o, &dev), 0);
	assert_string_equal(accel_device_backend(dev), "null");
	accel_device_unref(dev);
	setenv("ACCEL_BACKEND", "bogus", 1);
	assert_int_equal(accel_device_open(&o, &dev), ACCEL_EBACKEND);
	o.backend = "null"; /* the API wins */
	assert_int_equal(accel_device_open(&o, &dev), 0);
	accel_device_unref(dev);
	unsetenv("ACCEL_BACKEND");
}

static void object_arguments(void **state)
{
	struct rig r, other;
	struct accel_buffer *b, *foreign;
	struct accel_space *s;
	struct accel_queue *q;
	uint64_t va = 0, v;
	char text[8];

	(void)state;
	rig_open(&r);
	rig_open(&other);
	assert_int_equal(accel_space_create(NULL, &s), ACCEL_EARG);
	assert_int_equal(accel_space_create(r.dev, NULL), ACCEL_EARG);
	assert_int_equal(accel_device_get(NULL, ACCEL_PARAM_TILES, &v), ACCEL_EARG);
	assert_int_equal(accel_device_get(r.dev, ACCEL_PARAM_TILES, NULL), ACCEL_EARG);
	assert_int_equal(accel_device_get_string(r.dev, ACCEL_STRING_MODEL, NULL, 8), ACCEL_EARG);
	assert_int_equal(accel_device_get_string(r.dev, ACCEL_STRING_MODEL, text, 0), ACCEL_EARG);
	FAILS(r.dev, ACCEL_EARG,
	      accel_device_get_string(r.dev, (enum accel_device_string)99, text, 8));
	assert_int_equal(accel_buffer_create(NULL, 4096, 0, &b), ACCEL_EARG);
	assert_int_equal(accel_buffer_create(r.dev, 4096, 0, NULL), ACCEL_EARG);
	FAILS(r.dev, ACCEL_EARG, accel_buffer_create(r.dev, 0, 0, &b));
	FAILS(r.dev, ACCEL_EARG, accel_buffer_create(r.dev, UINT64_MAX, 0, &b));
	FAILS(r.dev, ACCEL_EARG, accel_buffer_create(r.dev, 4096, 0x80, &b));
	OK(r.dev, accel_buffer_create(r.dev, 8192, 0, &b));
	OK(other.dev, accel_buffer_create(other.dev, 8192, 0, &foreign));
	assert_int_equal(accel_space_map(NULL, b, 0, 4096, 0, &va), ACCEL_EARG);
	assert_int_equal(accel_space_map(r.space, NULL, 0, 4096, 0, &va), ACCEL_EARG);
	assert_int_equal(accel_space_map(r.space, b, 0, 4096, 0, NULL), ACCEL_EARG);
	FAILS(r.dev, ACCEL_EARG, accel_space_map(r.space, foreign, 0, 4096, 0, &va));
	FAILS(r.dev, ACCEL_EARG, accel_space_map(r.space, b, 1, 4096, 0, &va));
	FAILS(r.dev, ACCEL_EARG, accel_space_map(r.space, b, 0, 4095, 0, &va));
	FAILS(r.dev, ACCEL_EARG, accel_space_map(r.space, b, 0, 0, 0, &va));
	FAILS(r.dev, ACCEL_EARG, accel_space_map(r.space, b, 4096, 8192, 0, &va));
	FAILS(r.dev, ACCEL_EARG, accel_space_map(r.space, b, UINT64_MAX - 4095, 8192, 0, &va));
	FAILS(r.dev, ACCEL_EARG, accel_space_map(r.space, b, 0, 4096, 0x80, &va));
	va = 0;
	FAILS(r.dev, ACCEL_EARG, accel_space_map(r.space, b, 0, 4096, ACCEL_MAP_FIXED, &va));
	va = (1 << 20) + 1;
	FAILS(r.dev, ACCEL_EARG, accel_space_map(r.space, b, 0, 4096, ACCEL_MAP_FIXED, &va));
	va = UINT64_MAX - 4095;
	FAILS(r.dev, ACCEL_EARG, accel_space_map(r.space, b, 0, 4096, ACCEL_MAP_FIXED, &va));
	assert_int_equal(accel_space_unmap(NULL, 0), ACCEL_EARG);
	assert_int_equal(accel_queue_create(NULL, 0, &q), ACCEL_EARG);
	assert_int_equal(accel_queue_create(r.space, 0, NULL), ACCEL_EARG);
	FAILS(r.dev, ACCEL_EARG, accel_queue_create(r.space, 4, &q));
	assert_int_equal(accel_queue_cancel(NULL), ACCEL_EARG);
	assert_int_equal(accel_queue_reset(NULL), ACCEL_EARG);
	assert_null(accel_buffer_data(NULL));
	assert_int_equal(accel_buffer_size(NULL), 0);
	accel_buffer_unref(foreign);
	accel_buffer_unref(b);
	rig_close(&other);
	rig_close(&r);
}

static void job_arguments(void **state)
{
	struct accel_job job = { .size = sizeof(job) }, bad;
	struct {
		struct accel_job job;
		uint64_t later;
	} big;
	struct accel_fence *f;
	struct accel_fault fault;
	uint64_t ctr[ACCEL_COUNTERS + 1];
	struct prog p = { 0 };
	struct area code;
	struct rig r;
	int fd;

	(void)state;
	rig_open(&r);
	prog_end(&p);
	area_open(&r, &code, sizeof(p.w), 0, 0);
	memcpy(code.p, p.w, sizeof(p.w));
	job.prog = code.va;
	job.commands = 1;
	assert_int_equal(accel_queue_submit(NULL, &job, &f), ACCEL_EARG);
	assert_int_equal(accel_queue_submit(r.queue, NULL, &f), ACCEL_EARG);
#define BAD(member, value)  \
	bad = job;          \
	bad.member = value; \
	FAILS(r.dev, ACCEL_EARG, accel_queue_submit(r.queue, &bad, &f))
	BAD(prog, 0);
	BAD(prog, code.va + 64);
	BAD(commands, 0);
	BAD(commands, (1u << 24) + 1);
	BAD(nargs, 9);
	BAD(args[0], 1);
	BAD(args[7], 1);
	BAD(emit, 8);
	BAD(emit_entries, 1);
	BAD(trace, 16);
	BAD(trace_entries, 1);
	bad = job;
	bad.size = 4;
	FAILS(r.dev, ACCEL_ESIZE, accel_queue_submit(r.queue, &bad, &f));
	memset(&big, 0, sizeof(big));
	big.job = job;
	big.job.size = sizeof(big);
	OK(r.dev, accel_queue_submit(r.queue, &big.job, &f));
	assert_int_equal(accel_fence_wait(f, ACCEL_FOREVER), 0);
	assert_int_equal(accel_fence_wait(NULL, 0), ACCEL_EARG);
	assert_int_equal(accel_fence_fd(NULL, &fd), ACCEL_EARG);
	assert_int_equal(accel_fence_fd(f, NULL), ACCEL_EARG);
	assert_int_equal(accel_fence_fault(NULL, &fault), ACCEL_EARG);
	assert_int_equal(accel_fence_fault(f, NULL), ACCEL_EARG);
	assert_int_equal(accel_fence_counters(f, ctr, ACCEL_COUNTERS + 1, NULL, NULL), ACCEL_EARG);
	assert_int_equal(accel_fence_counters(f, NULL, 1, NULL, NULL), ACCEL_EARG);
	assert_int_equal(accel_fence_counters(f, NULL, 0, NULL, NULL), 0);
	assert_int_equal(accel_fence_value(NULL), 0);
	accel_fence_unref(f);
	big.later = 1;
	FAILS(r.dev, ACCEL_ESIZE, accel_queue_submit(r.queue, &big.job, &f));
	area_close(&r, &code);
	rig_close(&r);
}

static void model_arguments(void **state)
{
	struct accel_model_options o = { .size = sizeof(o), .flags = 0x80 };
	struct accel_device *dev = open_device(NULL);
	struct accel_sampler *sampler;
	struct accel_detok *d;
	struct accel_model *m;
	const char *text;
	int32_t id = 0;
	float x[2] = { 0, 1 };
	size_t n;
	uint64_t v;

	(void)state;
	assert_int_equal(accel_model_open(NULL, test_toy, NULL, &m), ACCEL_EARG);
	assert_int_equal(accel_model_open(dev, NULL, NULL, &m), ACCEL_EARG);
	assert_int_equal(accel_model_open(dev, test_toy, NULL, NULL), ACCEL_EARG);
	FAILS(dev, ACCEL_EARG, accel_model_open(dev, test_toy, &o, &m));
	o.flags = 0;
	o.pad = 1;
	FAILS(dev, ACCEL_EARG, accel_model_open(dev, test_toy, &o, &m));
	OK(dev, accel_model_open(dev, test_toy, NULL, &m));
	assert_int_equal(accel_model_get(NULL, ACCEL_MODEL_VOCAB, &v), ACCEL_EARG);
	assert_int_equal(accel_model_get(m, ACCEL_MODEL_VOCAB, NULL), ACCEL_EARG);
	assert_null(accel_model_string(NULL, ACCEL_MODEL_NAME));
	assert_null(accel_model_string(m, (enum accel_model_string)99));
	assert_null(accel_model_command_name(NULL, 0, 0));
	assert_int_equal(accel_model_tokenize(NULL, "a", 1, 0, &id, 1, &n), ACCEL_EARG);
	assert_int_equal(accel_model_tokenize(m, "a", 1, 0, &id, 1, NULL), ACCEL_EARG);
	FAILS(dev, ACCEL_EARG, accel_model_tokenize(m, NULL, 1, 0, &id, 1, &n));
	FAILS(dev, ACCEL_EARG, accel_model_tokenize(m, "a", 1, 0, NULL, 1, &n));
	FAILS(dev, ACCEL_EARG, accel_model_tokenize(m, "a", 1, 0x100, &id, 1, &n));
	assert_int_equal(accel_model_find_token(NULL, "a", 1), ACCEL_EARG);
	assert_int_equal(accel_model_find_token(m, NULL, 1), ACCEL_EARG);
	assert_int_equal(accel_model_is_end(m, -1), ACCEL_EARG);
	assert_int_equal(accel_model_is_end(m, TOY_VOCAB), ACCEL_EARG);
	assert_int_equal(accel_detok_create(NULL, 0, &d), ACCEL_EARG);
	assert_int_equal(accel_detok_create(m, 0, NULL), ACCEL_EARG);
	FAILS(dev, ACCEL_EARG, accel_detok_create(m, 0x80, &d));
	OK(dev, accel_detok_create(m, 0, &d));
	assert_int_equal(accel_detok_push(d, 1, NULL, &n), ACCEL_EARG);
	assert_int_equal(accel_detok_push(d, 1, &text, NULL), ACCEL_EARG);
	FAILS(dev, ACCEL_EARG, accel_detok_push(d, -7, &text, &n));
	accel_detok_destroy(d);
	assert_int_equal(accel_sampler_create(NULL, NULL, &sampler), ACCEL_EARG);
	assert_int_equal(accel_sampler_create(dev, NULL, NULL), ACCEL_EARG);
	OK(dev, accel_sampler_create(dev, NULL, &sampler));
	assert_int_equal(accel_sampler_sample(sampler, NULL, 2, &id, NULL), ACCEL_EARG);
	assert_int_equal(accel_sampler_sample(sampler, x, 2, NULL, NULL), ACCEL_EARG);
	assert_int_equal(accel_sampler_sample(NULL, x, 2, &id, NULL), ACCEL_EARG);
	FAILS(dev, ACCEL_EARG, accel_sampler_accept(sampler, -1));
	x[1] = NAN;
	FAILS(dev, ACCEL_EDOMAIN, accel_sampler_sample(sampler, x, 2, &id, NULL));
	accel_sampler_destroy(sampler);
	accel_model_unref(m);
	accel_device_unref(dev);
}

static int no_sample(void *ctx, uint32_t position, const float *logits, uint32_t vocab,
		     int32_t *token)
{
	(void)position;
	(void)logits;
	*token = (int32_t)vocab; /* one too many */
	return *(int *)ctx;
}

static void session_arguments(void **state)
{
	struct accel_session_options o = { .size = sizeof(o) };
	struct accel_session *s, *t;
	struct accel_fault fault;
	struct bench b;
	int32_t v[4] = { 1, 2, 3, 4 }, out[4];
	uint64_t ctr[ACCEL_COUNTERS + 1];
	uint32_t n;
	float nll[4];
	int code = 0;

	(void)state;
	bench_open(&b, test_toy);
	assert_int_equal(accel_session_create(NULL, &o, &s), ACCEL_EARG);
	assert_int_equal(accel_session_create(b.m, &o, NULL), ACCEL_EARG);
	o.chunk = b.max_cols + 1;
	FAILS(b.dev, ACCEL_EARG, accel_session_create(b.m, &o, &s));
	o.chunk = 0;
	o.priority = 4;
	FAILS(b.dev, ACCEL_EARG, accel_session_create(b.m, &o, &s));
	o.priority = 0;
	o.decode_steps = 1u << 30;
	FAILS(b.dev, ACCEL_EARG, accel_session_create(b.m, &o, &s));
	o.decode_steps = 0;
	o.trace_entries = 4;
	FAILS(b.dev, ACCEL_EARG, accel_session_create(b.m, &o, &s));
	o.trace_entries = 1u << 30;
	FAILS(b.dev, ACCEL_EARG, accel_session_create(b.m, &o, &s));
	o.trace_entries = 0;
	OK(b.dev, accel_session_create(b.m, NULL, &s));
	assert_int_equal(accel_session_append(NULL, v, 4, NULL), ACCEL_EARG);
	FAILS(b.dev, ACCEL_EARG, accel_session_append(s, NULL, 4, NULL));
	FAILS(b.dev, ACCEL_EARG, accel_session_append(s, v, 0, NULL));
	v[2] = TOY_VOCAB;
	FAILS(b.dev, ACCEL_EARG, accel_session_append(s, v, 4, NULL));
	v[2] = -1;
	FAILS(b.dev, ACCEL_EARG, accel_session_append(s, v, 4, NULL));
	v[2] = 3;
	assert_int_equal(accel_session_position(s), 0);
	assert_int_equal(accel_session_append_all(NULL, v, 4, NULL, NULL), ACCEL_EARG);
	FAILS(b.dev, ACCEL_EARG, accel_session_append_all(s, v, 4, NULL, NULL));
	assert_int_equal(accel_session_decode(NULL, 1, 1, NULL, 0, NULL, NULL, out, &n),
			 ACCEL_EARG);
	FAILS(b.dev, ACCEL_EARG, accel_session_decode(s, 1, 0, NULL, 0, NULL, NULL, out, &n));
	FAILS(b.dev, ACCEL_EARG, accel_session_decode(s, 1, 1, NULL, 1, NULL, NULL, out, &n));
	FAILS(b.dev, ACCEL_EARG, accel_session_decode(s, -1, 1, NULL, 0, NULL, NULL, out, &n));
	FAILS(b.dev, ACCEL_EARG,
	      accel_session_decode(s, TOY_VOCAB, 1, NULL, 0, NULL, NULL, out, &n));
	FAILS(b.dev, ACCEL_ECONTEXT,
	      accel_session_decode(s, 1, UINT32_MAX, NULL, 0, NULL, NULL, NULL, &n));
	FAILS(b.dev, ACCEL_EARG,
	      accel_session_decode_host(s, 1, 1, NULL, 0, NULL, NULL, NULL, NULL, out, &n));
	FAILS(b.dev, ACCEL_EARG,
	      accel_session_decode_host(s, 1, 1, NULL, 0, no_sample, &code, NULL, NULL, out, &n));
	code = ACCEL_EDOMAIN;
	FAILS(b.dev, ACCEL_EDOMAIN,
	      accel_session_decode_host(s, 1, 1, NULL, 0, no_sample, &code, NULL, NULL, out, &n));
	assert_int_equal(accel_session_position(s), 0);
	assert_int_equal(accel_session_rewind(NULL, 0), ACCEL_EARG);
	FAILS(b.dev, ACCEL_EARG, accel_session_rewind(s, 1));
	assert_int_equal(accel_session_fork(NULL, &t), ACCEL_EARG);
	assert_int_equal(accel_session_fork(s, NULL), ACCEL_EARG);
	assert_int_equal(accel_session_score(NULL, v, 4, nll, NULL), ACCEL_EARG);
	FAILS(b.dev, ACCEL_EARG, accel_session_score(s, v, 4, NULL, NULL));
	FAILS(b.dev, ACCEL_EARG, accel_session_score(s, NULL, 4, nll, NULL));
	assert_int_equal(accel_session_counters(NULL, ctr, 1, NULL, 0), ACCEL_EARG);
	FAILS(b.dev, ACCEL_EARG, accel_session_counters(s, ctr, ACCEL_COUNTERS + 1, NULL, 0));
	assert_int_equal(accel_session_fault(s, NULL, NULL), ACCEL_EARG);
	assert_int_equal(accel_session_fault(NULL, &fault, NULL), ACCEL_EARG);
	assert_int_equal(accel_session_position(NULL), 0);
	assert_int_equal(accel_session_room(NULL), 0);
	accel_session_cancel(NULL);
	/* An empty session forks and rewinds. */
	OK(b.dev, accel_session_rewind(s, 0));
	OK(b.dev, accel_session_fork(s, &t));
	assert_int_equal(accel_session_position(t), 0);
	accel_session_unref(t);
	accel_session_unref(s);
	bench_close(&b);
}

static void batch_arguments(void **state)
{
	struct accel_batch_entry e[2] = { 0 };
	struct accel_session *s, *foreign, *list[2];
	struct accel_batch *batch;
	struct bench b, other;
	int32_t v[2] = { 1, 2 }, first[8] = { 0 };
	uint64_t ctr[1];
	uint32_t n;

	(void)state;
	bench_open(&b, test_toy);
	bench_open(&other, test_toy);
	assert_int_equal(accel_batch_create(NULL, NULL, &batch), ACCEL_EARG);
	assert_int_equal(accel_batch_create(b.m, NULL, NULL), ACCEL_EARG);
	OK(b.dev, accel_batch_create(b.m, NULL, &batch));
	s = session_open(&b, 0);
	foreign = session_open(&other, 0);
	e[0] = (struct accel_batch_entry){ .session = s, .tokens = v, .n = 2 };
	e[1] = e[0];
	assert_int_equal(accel_batch_append(NULL, e, 1), ACCEL_EARG);
	FAILS(b.dev, ACCEL_EARG, accel_batch_append(batch, NULL, 1));
	FAILS(b.dev, ACCEL_EARG, accel_batch_append(batch, e, 0));
	FAILS(b.dev, ACCEL_EARG, accel_batch_append(batch, e, 2)); /* twice */
	e[1].session = foreign;
	FAILS(b.dev, ACCEL_EARG, accel_batch_append(batch, e, 2));
	e[1].session = NULL;
	FAILS(b.dev, ACCEL_EARG, accel_batch_append(batch, e, 2));
	e[0].n = 0;
	FAILS(b.dev, ACCEL_EARG, accel_batch_append(batch, e, 1));
	e[0].n = 2;
	e[0].tokens = NULL;
	FAILS(b.dev, ACCEL_EARG, accel_batch_append(batch, e, 1));
	e[0].tokens = v;
	e[0].pad[3] = 1;
	FAILS(b.dev, ACCEL_EARG, accel_batch_append(batch, e, 1));
	e[0].pad[3] = 0;
	v[1] = TOY_VOCAB;
	FAILS(b.dev, ACCEL_EARG, accel_batch_append(batch, e, 1));
	v[1] = 2;
	assert_int_equal(accel_session_position(s), 0);
	OK(b.dev, accel_batch_append(batch, e, 1)); /* nothing stuck */
	list[0] = list[1] = s;
	assert_int_equal(accel_batch_decode(NULL, list, first, 1, 1, NULL, NULL, NULL, &n),
			 ACCEL_EARG);
	FAILS(b.dev, ACCEL_EARG,
	      accel_batch_decode(batch, NULL, first, 1, 1, NULL, NULL, NULL, &n));
	FAILS(b.dev, ACCEL_EARG, accel_batch_decode(batch, list, NULL, 1, 1, NULL, NULL, NULL, &n));
	FAILS(b.dev, ACCEL_EARG,
	      accel_batch_decode(batch, list, first, 0, 1, NULL, NULL, NULL, &n));
	FAILS(b.dev, ACCEL_EARG,
	      accel_batch_decode(batch, list, first, b.max_cols + 1, 1, NULL, NULL, NULL, &n));
	FAILS(b.dev, ACCEL_EARG,
	      accel_batch_decode(batch, list, first, 2, 1, NULL, NULL, NULL, &n));
	FAILS(b.dev, ACCEL_EARG,
	      accel_batch_decode(batch, list, first, 1, 0, NULL, NULL, NULL, &n));
	FAILS(b.dev, ACCEL_ECONTEXT,
	      accel_batch_decode(batch, list, first, 1, 1000, NULL, NULL, NULL, &n));
	assert_int_equal(accel_batch_counters(NULL, ctr, 1, NULL, 0), ACCEL_EARG);
	accel_batch_cancel(NULL);
	accel_session_unref(foreign);
	accel_session_unref(s);
	accel_batch_unref(batch);
	bench_close(&other);
	bench_close(&b);
}

static void logits_arguments(void **state)
{
	float x[4] = { 0, 1, 1, -INFINITY };
	int32_t t;
	double v;

	(void)state;
	assert_int_equal(accel_logits_argmax(x, 4, &t), 0);
	assert_int_equal(t, 1); /* the lowest of equals */
	assert_int_equal(accel_logits_nll(x, 4, 1, &v), 0);
	assert_true(fabs(v - log(2 + exp(-1))) < 1e-12);
	assert_int_equal(accel_logits_nll(x, 4, 3, &v), 0);
	assert_true(isinf(v));
	assert_int_equal(accel_logits_nll(x, 4, 4, &v), ACCEL_EARG);
	assert_int_equal(accel_logits_nll(x, 4, -1, &v), ACCEL_EARG);
	assert_int_equal(accel_logits_nll(NULL, 4, 0, &v), ACCEL_EARG);
	assert_int_equal(accel_logits_nll(x, 4, 0, NULL), ACCEL_EARG);
	assert_int_equal(accel_logits_argmax(x, 0, &t), ACCEL_EARG);
	assert_int_equal(accel_logits_argmax(x, 4, NULL), ACCEL_EARG);
	x[0] = NAN;
	assert_int_equal(accel_logits_argmax(x, 4, &t), ACCEL_EDOMAIN);
	assert_int_equal(accel_logits_nll(x, 4, 1, &v), ACCEL_EDOMAIN);
	x[0] = INFINITY;
	assert_int_equal(accel_logits_nll(x, 4, 1, &v), ACCEL_EDOMAIN);
	assert_true(accel_deadline(0) > 0);
	assert_true(accel_deadline(ACCEL_FOREVER) == ACCEL_FOREVER);
	assert_true(accel_deadline(INT64_MIN) == 0);
}

TEST_LIST(arguments, cmocka_unit_test(device_options),
	  cmocka_unit_test(environment_chooses_the_backend), cmocka_unit_test(object_arguments),
	  cmocka_unit_test(job_arguments), cmocka_unit_test(model_arguments),
	  cmocka_unit_test(session_arguments), cmocka_unit_test(batch_arguments),
	  cmocka_unit_test(logits_arguments));
