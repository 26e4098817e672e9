// SPDX-License-Identifier: MIT
/* The caller's allocator: everything is given back, and every failed allocation is an error. */
#include "conformance.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct heap {
	atomic_long live, count;
	long fail_at; /* -1: never */
};

static void *heap_alloc(void *ctx, size_t bytes)
{
	struct heap *h = ctx;
	void *p;

	assert_true(bytes > 0);
	if (atomic_fetch_add(&h->count, 1) == h->fail_at)
		return NULL;
	p = malloc(bytes);
	if (p)
		atomic_fetch_add(&h->live, 1);
	return p;
}

static void *heap_realloc(void *ctx, void *p, size_t bytes)
{
	struct heap *h = ctx;

	if (!p)
		return heap_alloc(ctx, bytes);
	if (atomic_fetch_add(&h->count, 1) == h->fail_at)
		return NULL;
	return realloc(p, bytes);
}

static void heap_free(void *ctx, void *p)
{
	struct heap *h = ctx;

	assert_non_null(p);
	atomic_fetch_sub(&h->live, 1);
	free(p);
}

/* A life of a device; returns the first error. */
static int live(struct heap *h)
{
	struct accel_allocator a = { h, heap_alloc, heap_realloc, heap_free };
	struct accel_device_options o = { .size = sizeof(o),
					  .backend = test_backend,
					  .allocator = &a };
	struct accel_session *s = NULL, *t = NULL;
	struct accel_batch *batch = NULL;
	struct accel_device *dev = NULL;
	struct accel_model *m = NULL;
	struct accel_detok *d = NULL;
	struct accel_sampler *sampler = NULL;
	struct accel_batch_entry e[2] = { 0 };
	int32_t v[40] = { 1, 2, 3 }, out[4];
	float logits[TOY_VOCAB];
	char text[64];
	int err;

	err = accel_device_open(&o, &dev);
	if (!err)
		err = accel_model_open(dev, test_toy, NULL, &m);
	if (!err)
		err = accel_session_create(m, NULL, &s);
	if (!err)
		err = accel_session_append(s, v, 40, logits);
	if (!err)
		err = accel_session_fork(s, &t);
	if (!err)
		err = accel_session_decode(t, 3, 4, NULL, 0, NULL, NULL, out, NULL);
	if (!err)
		err = accel_batch_create(m, NULL, &batch);
	e[0] = (struct accel_batch_entry){ .session = s, .tokens = v, .n = 2, .logits = logits };
	e[1] = (struct accel_batch_entry){ .session = t, .tokens = v, .n = 3 };
	if (!err)
		err = accel_batch_append(batch, e, 2);
	if (!err)
		err = accel_detok_create(m, 0, &d);
	if (!err)
		err = accel_sampler_create(dev, NULL, &sampler);
	if (dev && err)
		assert_true(accel_last_error(dev, text, sizeof(text)) < 0);
	accel_sampler_destroy(sampler);
	accel_detok_destroy(d);
	accel_batch_unref(batch);
	accel_session_unref(t);
	accel_session_unref(s);
	accel_model_unref(m);
	accel_device_unref(dev);
	return err;
}

static void memory_is_given_back(void **state)
{
	struct heap h = { .fail_at = -1 };

	(void)state;
	assert_int_equal(live(&h), 0);
	assert_int_equal(h.live, 0);
	assert_true(h.count > 20);
}

static void failed_allocations_are_errors(void **state)
{
	struct heap h = { .fail_at = -1 };
	long n, i;
	int err;

	(void)state;
	assert_int_equal(live(&h), 0);
	n = h.count;
	for (i = 0; i < n; i += test_slow ? 1 + n / 8 : 1) {
		h = (struct heap){ .fail_at = i };
		err = live(&h);
		if (err != ACCEL_ENOMEM)
			fail_msg("allocation %ld of %ld failed, result %d", i, n, err);
		if (h.live)
			fail_msg("allocation %ld of %ld failed, %ld leaked", i, n, (long)h.live);
	}
}

struct logged {
	pthread_mutex_t lock;
	size_t lines, errors;
	char last[256];
};

static void on_log(void *ctx, enum accel_log_level level, const char *text)
{
	struct logged *l = ctx;

	pthread_mutex_lock(&l->lock);
	l->lines++;
	l->errors += level == ACCEL_LOG_ERROR;
	snprintf(l->last, sizeof(l->last), "%s", text);
	pthread_mutex_unlock(&l->lock);
}

static void log_and_dumps_are_written(void **state)
{
	struct logged l = { .lock = PTHREAD_MUTEX_INITIALIZER };
	struct accel_device_options o = { .size = sizeof(o),
					  .backend = test_backend,
					  .mask = test_toy,
					  .log = on_log,
					  .log_ctx = &l };
	struct accel_device *dev;
	struct accel_buffer *buf;
	struct accel_model *m;
	struct accel_session *s;
	int32_t v[3] = { 1, 2, 3 };
	char path[512];
	size_t before;
	FILE *f;

	(void)state;
	assert_int_equal(accel_device_open(&o, &dev), 0);
	assert_int_equal(accel_buffer_create(dev, 0, 0, &buf), ACCEL_EARG);
	assert_int_equal(l.errors, 1);
	assert_non_null(strstr(l.last, "buffer"));
	accel_device_unref(dev);
	setenv("ACCEL_DEBUG", "submit,bo,dump", 1);
	setenv("ACCEL_DEBUG_DIR", test_dir, 1);
	assert_int_equal(accel_device_open(&o, &dev), 0);
	unsetenv("ACCEL_DEBUG");
	unsetenv("ACCEL_DEBUG_DIR");
	before = l.lines;
	OK(dev, accel_model_open(dev, test_toy, NULL, &m));
	OK(dev, accel_session_create(m, NULL, &s));
	OK(dev, accel_session_append(s, v, 3, NULL));
	accel_session_unref(s);
	accel_model_unref(m);
	accel_device_unref(dev);
	assert_true(l.lines > before + 5);
	assert_int_equal(l.errors, 1);
	/* The first job's program, as the disassembler reads it, and its column table. */
	snprintf(path, sizeof(path), "%s/accel-000001-program.bin", test_dir);
	f = fopen(path, "rb");
	assert_non_null(f);
	fseek(f, 0, SEEK_END);
	assert_true(ftell(f) > 0 && ftell(f) % IG1_COMMAND_BYTES == 0);
	fclose(f);
	snprintf(path, sizeof(path), "%s/accel-000001-r1.bin", test_dir);
	f = fopen(path, "rb");
	assert_non_null(f);
	assert_int_equal(fgetc(f), 1);
	fclose(f);
	snprintf(path, sizeof(path), "%s/accel-000001-job.txt", test_dir);
	f = fopen(path, "rb");
	assert_non_null(f);
	fclose(f);
}

TEST_LIST(memory, cmocka_unit_test(memory_is_given_back),
	  cmocka_unit_test(failed_allocations_are_errors),
	  cmocka_unit_test(log_and_dumps_are_written));
