// SPDX-License-Identifier: MIT
/* Fixtures, and all tests as one TAP plan. */
#include "conformance.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *test_backend;
int test_slow;
int test_simulated;
char test_dir[256];
char test_model[512];
char test_toy[512];
char test_recurrent[512];

static char default_model[512];

struct accel_device *open_device(const char *mask)
{
	char text[512];
	struct accel_device_options o = {
		.size = sizeof(o),
		.backend = test_backend,
		.mask = mask,
		.error = text,
		.error_size = sizeof(text),
	};
	struct accel_device *dev;

	if (accel_device_open(&o, &dev))
		fail_msg("cannot open %s: %s", test_backend, text);
	return dev;
}

void rig_open(struct rig *r)
{
	r->dev = open_device(test_toy);
	OK(r->dev, accel_space_create(r->dev, &r->space));
	OK(r->dev, accel_queue_create(r->space, 1, &r->queue));
}

void rig_close(struct rig *r)
{
	accel_queue_unref(r->queue);
	accel_space_unref(r->space);
	accel_device_unref(r->dev);
}

void area_open(struct rig *r, struct area *a, uint64_t bytes, uint32_t buffer_flags,
	       uint32_t map_flags)
{
	memset(a, 0, sizeof(*a));
	OK(r->dev, accel_buffer_create(r->dev, bytes, buffer_flags, &a->buf));
	a->bytes = accel_buffer_size(a->buf);
	a->p = accel_buffer_data(a->buf);
	OK(r->dev, accel_space_map(r->space, a->buf, 0, a->bytes, map_flags, &a->va));
}

void area_close(struct rig *r, struct area *a)
{
	OK(r->dev, accel_space_unmap(r->space, a->va));
	accel_buffer_unref(a->buf);
}

struct accel_fence *submit(struct rig *r, struct accel_queue *q, const struct prog *p,
			   const uint64_t *args, uint32_t nargs, struct area *code,
			   const struct area *emit)
{
	struct accel_job job = {
		.size = sizeof(job), .commands = p->n, .nargs = nargs, .watchdog = LONG_WATCHDOG
	};
	struct accel_fence *f;

	area_open(r, code, p->n * IG1_COMMAND_BYTES, ACCEL_BUFFER_HOST, ACCEL_MAP_READ_ONLY);
	memcpy(code->p, p->w, p->n * IG1_COMMAND_BYTES);
	job.prog = code->va;
	if (nargs)
		memcpy(job.args, args, nargs * sizeof(*args));
	if (emit) {
		job.emit = emit->va;
		job.emit_entries = (uint32_t)(emit->bytes / 16);
	}
	OK(r->dev, accel_queue_submit(q, &job, &f));
	return f;
}

int run_prog(struct rig *r, const struct prog *p, const uint64_t *args, uint32_t nargs,
	     struct accel_fault *fault)
{
	struct area code;
	struct accel_fence *f = submit(r, r->queue, p, args, nargs, &code, NULL);
	int status = accel_fence_wait(f, accel_deadline(INT64_C(60000000000)));

	if (fault)
		OK(r->dev, accel_fence_fault(f, fault));
	accel_fence_unref(f);
	area_close(r, &code);
	if (status)
		OK(r->dev, accel_queue_reset(r->queue));
	return status;
}

void bench_open(struct bench *b, const char *path)
{
	uint64_t v;

	b->dev = open_device(NULL);
	OK(b->dev, accel_model_open(b->dev, path, NULL, &b->m));
	OK(b->dev, accel_model_get(b->m, ACCEL_MODEL_VOCAB, &v));
	b->vocab = (uint32_t)v;
	OK(b->dev, accel_model_get(b->m, ACCEL_MODEL_CONTEXT, &v));
	b->context = (uint32_t)v;
	OK(b->dev, accel_model_get(b->m, ACCEL_MODEL_MAX_COLS, &v));
	b->max_cols = (uint32_t)v;
}

void bench_close(struct bench *b)
{
	accel_model_unref(b->m);
	accel_device_unref(b->dev);
}

struct accel_session *session_open(struct bench *b, uint32_t chunk)
{
	struct accel_session_options o = { .size = sizeof(o), .chunk = chunk };
	struct accel_session *s;

	OK(b->dev, accel_session_create(b->m, &o, &s));
	return s;
}

int32_t token_at(const struct bench *b, uint32_t seed, uint32_t i)
{
	uint32_t x = seed * 7919u + i * 2654435761u;

	x ^= x >> 15;
	x *= 2246822519u;
	return (int32_t)((x >> 8) % b->vocab);
}

void fill_tokens(const struct bench *b, uint32_t seed, int32_t *v, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		v[i] = token_at(b, seed, (uint32_t)i);
}

float *logits_alloc(const struct bench *b, size_t n)
{
	float *p = calloc(n * b->vocab, sizeof(float));

	assert_non_null(p);
	return p;
}

struct rows {
	float *out;
	uint32_t base, n;
};

static int on_row(void *ctx, uint32_t position, const float *logits, uint32_t vocab)
{
	struct rows *r = ctx;

	assert_int_equal(position, r->base + r->n);
	memcpy(r->out + (size_t)r->n * vocab, logits, vocab * sizeof(float));
	r->n++;
	return 0;
}

void append_all(struct bench *b, struct accel_session *s, const int32_t *v, size_t n, float *out)
{
	struct rows r = { out, accel_session_position(s), 0 };

	OK(b->dev, accel_session_append_all(s, v, n, on_row, &r));
	assert_int_equal(r.n, n);
}

void assert_logits(const struct bench *b, const float *a, const float *x, size_t rows,
		   const char *what)
{
	size_t i, n = rows * b->vocab;

	for (i = 0; i < n; i++) {
		if (memcmp(&a[i], &x[i], sizeof(float)))
			fail_msg("%s: row %zu, logit %zu: %.9g and %.9g", what, i / b->vocab,
				 i % b->vocab, a[i], x[i]);
	}
}

static int setup(void **state)
{
	const char *model = getenv("ACCEL_TEST_MODEL"), *tmp = getenv("TMPDIR");
	struct toy_options o = { .seed = 1 }, recurrent = { .seed = 1, .recurrent = 1 };

	(void)state;
	snprintf(test_dir, sizeof(test_dir), "%s/accel-conformance-XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(test_dir))
		return -1;
	snprintf(test_toy, sizeof(test_toy), "%s/toy.accel", test_dir);
	if (toy_write(test_toy, &o))
		return -1;
	snprintf(test_recurrent, sizeof(test_recurrent), "%s/recurrent.accel", test_dir);
	if (toy_write(test_recurrent, &recurrent))
		return -1;
	snprintf(test_model, sizeof(test_model), "%s", model && *model ? model : test_toy);
	snprintf(default_model, sizeof(default_model), "%s", test_model);
	return 0;
}

int use_recurrent(void **state)
{
	(void)state;
	strcpy(test_model, test_recurrent);
	return 0;
}

int use_default(void **state)
{
	(void)state;
	strcpy(test_model, default_model);
	return 0;
}

static int teardown(void **state)
{
	char path[1024];
	struct dirent *e;
	DIR *d = opendir(test_dir);

	(void)state;
	while (d && (e = readdir(d))) {
		snprintf(path, sizeof(path), "%s/%s", test_dir, e->d_name);
		unlink(path);
	}
	if (d)
		closedir(d);
	return rmdir(test_dir);
}

int main(int argc, char **argv)
{
	static struct CMUnitTest all[256];
	size_t n = 0;

	test_slow = getenv("ACCEL_TEST_SLOW") && atoi(getenv("ACCEL_TEST_SLOW"));
	test_backend = getenv("ACCEL_TEST_BACKEND");
	if (argc == 3 && !strcmp(argv[1], "--backend"))
		test_backend = argv[2];
	else if (argc != 1)
		return fprintf(stderr, "usage: %s [--backend NAME]\n", argv[0]), 2;
	if (!test_backend || !*test_backend)
		test_backend = "ref";
	test_simulated = strcmp(test_backend, "drm") != 0;
#define ADD_LIST(name)                                                  \
	memcpy(all + n, tests_##name, n_tests_##name * sizeof(all[0])); \
	n += n_tests_##name;
	TEST_LISTS(ADD_LIST)
	if (test_simulated) {
		ADD_LIST(simulated)
	}
	if (!strcmp(test_backend, "null")) {
		ADD_LIST(null)
	} else {
		RESULT_LISTS(ADD_LIST)
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return _cmocka_run_group_tests("conformance", all, n, setup, teardown);
}
