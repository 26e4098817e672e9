// SPDX-License-Identifier: MIT
/*
 * The shipped models' logits are the same bytes whatever way they are computed: the RTL and the
 * reference model, both configurations, prompts in one piece or in pieces of 1, 7 and 32 tokens,
 * jobs of one column or of all, sequences alone or in a full batch.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "accel/accel.h"
#include "compiler/compile.h"
#include "compiler/tests/test_skip.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define PROMPT	      34 /* ends in the second KV block; more than a piece of 32 */
#define STEPS	      5u
#define MAX_BATCH     8u

static const char *const models[] = { "tinyqwen3-Q8_0", "tinyqwen3-Q4_0",  "tinyqwen2-Q8_0",
				      "tinyqwen2-Q4_0", "tinymamba1-Q8_0", "tinymamba2-Q8_0",
				      "tinymoe8x2-Q4_0" };
static const char *const chips[] = { "default", "small" };
static const size_t pieces[] = { PROMPT, 1, 7, 32 };

struct way {
	const char *backend, *model;
};

static char dir[256];

struct run {
	struct accel_device *dev;
	struct accel_model *m;
	uint32_t vocab, cols;
};

static void check(struct run *r, int err, const char *what)
{
	char text[512];

	if (!err)
		return;
	accel_last_error(r->dev, text, sizeof(text));
	fail_msg("%s: %d, %s", what, err, text);
}

#define OK(r, expr) check(r, expr, #expr)

static void image_path(char *buf, size_t n, const char *model, const char *chip)
{
	snprintf(buf, n, "%s/%s-%s.accel", dir, model, chip);
}

static void compile(const char *model, const char *chip)
{
	char gguf[512], path[512];
	struct compile_options o = { .model = gguf, .out = path, .chip = compile_chip(chip) };
	struct compile_result r;

	snprintf(gguf, sizeof(gguf), "%s/models/%s.gguf", getenv("INTAGLIO_SOURCE_ROOT"), model);
	image_path(path, sizeof(path), model, chip);
	if (!access(path, R_OK))
		return;
	if (compile_model(&o, &r))
		fail_msg("%s for %s: %s", gguf, chip, r.model.diag.msg);
	compile_free(&r);
}

static int open_device(const char *backend, const char *mask, struct accel_device **dev, char *text,
		       size_t n)
{
	struct accel_device_options o = {
		.size = sizeof(o), .backend = backend, .mask = mask, .error = text, .error_size = n
	};

	return accel_device_open(&o, dev);
}

static void run_open(struct run *r, const char *backend, const char *model, const char *chip)
{
	char path[512], text[512] = "";
	uint64_t v;

	image_path(path, sizeof(path), model, chip);
	if (open_device(backend, path, &r->dev, text, sizeof(text)))
		fail_msg("%s: %s", backend, text);
	OK(r, accel_model_open(r->dev, path, NULL, &r->m));
	OK(r, accel_model_get(r->m, ACCEL_MODEL_VOCAB, &v));
	r->vocab = (uint32_t)v;
	OK(r, accel_model_get(r->m, ACCEL_MODEL_MAX_COLS, &v));
	r->cols = (uint32_t)v;
}

static void run_close(struct run *r)
{
	accel_model_unref(r->m);
	accel_device_unref(r->dev);
}

static struct accel_session *session(struct run *r, uint32_t cols)
{
	struct accel_session_options o = { .size = sizeof(o), .chunk = cols };
	struct accel_session *s;

	OK(r, accel_session_create(r->m, &o, &s));
	return s;
}

static int32_t prompt_token(const struct run *r, size_t i)
{
	return i ? (int32_t)((i * i * 7 + i * 31) % r->vocab) : 1;
}

struct rows {
	float *v;
	size_t n, vocab;
};

static int on_row(void *ctx, uint32_t position, const float *logits, uint32_t vocab)
{
	struct rows *rows = ctx;

	assert_int_equal(position, rows->n);
	memcpy(rows->v + rows->n++ * vocab, logits, vocab * sizeof(*logits));
	return 0;
}

/* Logits of all positions of the prompt; the caller frees. */
static float *logits(struct run *r, size_t piece, uint32_t cols)
{
	struct rows rows = { calloc((size_t)PROMPT * r->vocab, sizeof(float)), 0, r->vocab };
	struct accel_session *s = session(r, cols);
	int32_t tokens[PROMPT];
	size_t i;

	assert_non_null(rows.v);
	for (i = 0; i < PROMPT; i++)
		tokens[i] = prompt_token(r, i);
	for (i = 0; i < PROMPT; i += piece)
		OK(r,
		   accel_session_append_all(s, tokens + i, i + piece < PROMPT ? piece : PROMPT - i,
					    on_row, &rows));
	assert_int_equal(rows.n, PROMPT);
	accel_session_unref(s);
	return rows.v;
}

static void assert_same(const char *what, const float *want, const float *got, size_t n,
			size_t vocab)
{
	size_t i;

	for (i = 0; i < n * vocab; i++) {
		if (memcmp(&want[i], &got[i], sizeof(*got)))
			fail_msg("%s: position %zu, logit %zu: %.9g, not %.9g", what, i / vocab,
				 i % vocab, got[i], want[i]);
	}
}

static void compare_chip(const struct way *w, const char *chip, const float *want)
{
	size_t i, k;
	struct run r;
	char what[128];
	float *got;

	run_open(&r, w->backend, w->model, chip);
	assert_true(r.cols > 1);
	for (i = 0; i < ARRAY_SIZE(pieces); i++) {
		for (k = 0; k < 2; k++) {
			if (pieces[i] == 1 && k)
				continue; /* one column in any case */
			got = logits(&r, pieces[i], k ? 1 : r.cols);
			snprintf(what, sizeof(what), "%s chip, pieces of %zu, %u columns", chip,
				 pieces[i], k ? 1 : r.cols);
			assert_same(what, want, got, PROMPT, r.vocab);
			free(got);
		}
	}
	run_close(&r);
}

static void test_prompt(void **state)
{
	const struct way *w = *state;
	struct run r;
	float *want;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(chips); i++)
		compile(w->model, chips[i]);
	run_open(&r, "ref", w->model, "default");
	want = logits(&r, PROMPT, r.cols);
	run_close(&r);
	for (i = 0; i < ARRAY_SIZE(chips); i++)
		compare_chip(w, chips[i], want);
	free(want);
}

/* Prompts of different lengths, then greedy steps: all together, and each alone. */
static void check_batch(const struct way *w, const char *chip, int32_t *all)
{
	struct accel_session *s[MAX_BATCH];
	int32_t first[MAX_BATCH], alone[STEPS], tokens[PROMPT];
	struct accel_batch_entry e[MAX_BATCH] = { 0 };
	struct accel_batch *b;
	float *together, *single;
	uint32_t n, i, k, out;
	struct run r;

	run_open(&r, w->backend, w->model, chip);
	n = r.cols < MAX_BATCH ? r.cols : MAX_BATCH;
	together = calloc((size_t)n * r.vocab, sizeof(*together));
	single = calloc(r.vocab, sizeof(*single));
	assert_non_null(together);
	assert_non_null(single);
	for (i = 0; i < PROMPT; i++)
		tokens[i] = prompt_token(&r, i);
	OK(&r, accel_batch_create(r.m, NULL, &b));
	for (i = 0; i < n; i++) {
		s[i] = session(&r, 0);
		e[i] = (struct accel_batch_entry){ .session = s[i],
						   .tokens = tokens,
						   .n = 4 * i + 2,
						   .logits = together + (size_t)i * r.vocab };
	}
	OK(&r, accel_batch_append(b, e, n));
	for (i = 0; i < n; i++)
		OK(&r, accel_logits_argmax(e[i].logits, r.vocab, &first[i]));
	OK(&r, accel_batch_decode(b, s, first, n, STEPS, NULL, NULL, all, &out));
	assert_int_equal(out, STEPS);
	for (i = 0; i < n; i++) {
		accel_session_unref(s[i]);
		s[i] = session(&r, 1);
		OK(&r, accel_session_append(s[i], tokens, e[i].n, single));
		assert_same("alone", single, e[i].logits, 1, r.vocab);
		OK(&r,
		   accel_session_decode(s[i], first[i], STEPS, NULL, 0, NULL, NULL, alone, &out));
		assert_int_equal(out, STEPS);
		for (k = 0; k < STEPS; k++) {
			if (alone[k] != all[i * STEPS + k])
				fail_msg("%s chip, sequence %u of %u: step %u gives %d, alone %d",
					 chip, i, n, k, all[i * STEPS + k], alone[k]);
		}
		accel_session_unref(s[i]);
	}
	accel_batch_unref(b);
	free(together);
	free(single);
	run_close(&r);
}

static void test_batch(void **state)
{
	const struct way *w = *state, reference = { "ref", w->model };
	int32_t want[MAX_BATCH * STEPS], got[MAX_BATCH * STEPS];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(chips); i++)
		compile(w->model, chips[i]);
	check_batch(&reference, "default", want);
	for (i = 0; i < ARRAY_SIZE(chips); i++) {
		memcpy(got, want, sizeof(got));
		check_batch(w, chips[i], got);
		/* a smaller chip has the first of the sequences */
		assert_memory_equal(got, want, sizeof(got));
	}
}

static int setup(void **state)
{
	const char *tmp = getenv("TMPDIR");

	(void)state;
	snprintf(dir, sizeof(dir), "%s/intaglio-bytes-XXXXXX", tmp && *tmp ? tmp : "/tmp");
	return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
	char path[512];
	size_t i, k;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(models); i++) {
		for (k = 0; k < ARRAY_SIZE(chips); k++) {
			image_path(path, sizeof(path), models[i], chips[k]);
			unlink(path);
		}
	}
	return rmdir(dir);
}

static bool have(const char *backend)
{
	const char *name;
	size_t i;

	for (i = 0; (name = accel_backend_name(i, NULL)); i++) {
		if (!strcmp(name, backend))
			return true;
	}
	return false;
}

int main(void)
{
	static const char *const backends[] = { "ref", "sim" };
	static struct way ways[2 * ARRAY_SIZE(models)];
	static struct CMUnitTest tests[2 * ARRAY_SIZE(ways)];
	static char names[ARRAY_SIZE(tests)][160], skipped[ARRAY_SIZE(tests)][200];
	const char *missing = getenv("INTAGLIO_SIM_MISSING");
	size_t i, n = 0;

	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		struct way *w = &ways[i];
		bool sim = i >= ARRAY_SIZE(models);
		unsigned int k;

		w->backend = backends[sim];
		w->model = models[i % ARRAY_SIZE(models)];
		for (k = 0; k < 2; k++, n++) {
			snprintf(names[n], sizeof(names[n]), "%s, %s: %s", w->backend, w->model,
				 k ? "batch = alone = ref" : "any pieces, columns, chip = ref");
			tests[n] = (struct CMUnitTest){ names[n], k ? test_batch : test_prompt,
							NULL, NULL, w };
			if (!have(w->backend))
				test_skip(&tests[n], skipped[n], sizeof(skipped[n]),
					  missing ? missing : "no sim back end");
		}
	}
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return _cmocka_run_group_tests("same_bytes", tests, n, setup, teardown);
}
