// SPDX-License-Identifier: MIT
/*
 * Long sequences of models with a window: the ring that windowed layers live in is overwritten several
 * times. Against the double precision pass, in pieces, decoding, batches; going back and forking; what
 * a sequence takes in memory and time does not grow beyond the window.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "accel/accel.h"
#include "compiler/codegen/estimate.h"
#include "compiler/compile.h"
#include "compiler/quant/ggml_types.h"
#include "tests/models/forward64.h"
#include "tests/models/nmse.h"
#include "tests/models/synth.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define PROMPT	      300u
#define STEPS	      100u /* of decoding: more than a job takes */
#define SEEDS	      24
#define AGREE	      200u  /* positions that have to agree: the ring has come round */
#define NMSE_INT8     1e-10 /* see test_models.c */
#define NEAR_TIE      2e-4
#define NMSE_TIE      0.1

static char dir[256], gguf[512], accel[512];

/* clang-format off */
static const struct synth_model shapes[] = {
	{ .name = "all", .arch = "starcoder2", .layers = 2, .width = 32, .heads = 2, .kv_heads = 1,
	  .ff = 32, .vocab = 64, .context = 512, .eps = 1e-5f, .window = 20, .bias = SYNTH_BIAS_ALL,
	  .type = GGML_TYPE_Q8_0 },
	{ .name = "alternating", .arch = "gemma2", .seed = 2, .layers = 4, .width = 32, .heads = 2,
	  .kv_heads = 2, .ff = 32, .vocab = 64, .context = 512, .tied = true, .eps = 1e-6f,
	  .window = 33, .attn_cap = 20, .type = GGML_TYPE_Q8_0 },
	{ .name = "five-of-six", .arch = "gemma3", .seed = 13, .layers = 12, .width = 32, .heads = 2,
	  .kv_heads = 1, .ff = 32, .vocab = 64, .context = 600, .tied = true, .eps = 1e-6f,
	  .window = 50, .type = GGML_TYPE_Q8_0 },
	{ .name = "flags", .arch = "llama", .layers = 3, .width = 32, .heads = 2, .kv_heads = 2,
	  .ff = 32, .vocab = 64, .context = 500, .eps = 1e-5f, .window = 64, .sinks = true,
	  .flags = (const uint8_t[]){ 1, 0, 1 }, .type = GGML_TYPE_Q8_0 },
};
/* clang-format on */

struct run {
	struct accel_device *dev;
	struct accel_model *model;
	uint32_t vocab;
	int32_t tokens[PROMPT];
};

#define OK(r, expr)                                                       \
	do {                                                              \
		int err_ = (expr);                                        \
		if (err_) {                                               \
			char text_[512];                                  \
			accel_last_error((r)->dev, text_, sizeof(text_)); \
			fail_msg("%s: %d, %s", #expr, err_, text_);       \
		}                                                         \
	} while (0)

static void compile(const struct synth_model *d, const char *chip)
{
	struct compile_options o = { .model = gguf, .out = accel, .chip = compile_chip(chip) };
	struct compile_result r;

	assert_int_equal(synth_write(d, gguf), 0);
	if (compile_model(&o, &r))
		fail_msg("%s: %s", d->name, r.model.diag.msg);
	assert_true(r.code.kv.ring > 0);
	assert_true(32 * r.code.kv.ring < PROMPT);
	compile_free(&r);
}

static void run_open(struct run *r, const struct synth_model *d, const char *chip)
{
	struct accel_device_options o = { .size = sizeof(o), .backend = "ref" };
	uint32_t i;

	compile(d, chip);
	assert_int_equal(accel_device_open(&o, &r->dev), 0);
	OK(r, accel_model_open(r->dev, accel, NULL, &r->model));
	r->vocab = d->vocab;
	for (i = 0; i < PROMPT; i++)
		r->tokens[i] = (int32_t)((i * i * 7 + i * 31 + 1) % d->vocab);
}

static void run_close(struct run *r)
{
	accel_model_unref(r->model);
	accel_device_unref(r->dev);
	unlink(gguf);
	unlink(accel);
}

static struct accel_session *session(struct run *r)
{
	struct accel_session *s;

	OK(r, accel_session_create(r->model, NULL, &s));
	return s;
}

struct rows {
	float *out;
	uint32_t first;
};

static int on_row(void *ctx, uint32_t position, const float *logits, uint32_t vocab)
{
	struct rows *rows = ctx;

	memcpy(rows->out + (size_t)(position - rows->first) * vocab, logits,
	       vocab * sizeof(*logits));
	return 0;
}

/* Logits of tokens first .. n - 1, which are appended `piece` at a time; the caller frees. */
static float *append(struct run *r, struct accel_session *s, uint32_t first, uint32_t n,
		     uint32_t piece)
{
	struct rows rows = { calloc((n - first) * r->vocab, sizeof(float)), first };
	uint32_t i;

	assert_non_null(rows.out);
	assert_int_equal(accel_session_position(s), first);
	for (i = first; i < n; i += piece)
		OK(r, accel_session_append_all(s, r->tokens + i, n - i < piece ? n - i : piece,
					       on_row, &rows));
	return rows.out;
}

static void assert_same(const char *what, const float *a, const float *b, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (memcmp(&a[i], &b[i], sizeof(*a)))
			fail_msg("%s: logit %zu: %.9g and %.9g", what, i, a[i], b[i]);
	}
}

static int32_t top(const float *v, size_t n)
{
	size_t best = 0, i;

	for (i = 1; i < n; i++)
		best = v[i] > v[best] ? i : best;
	return (int32_t)best;
}

/* Positions that agree with the int8 pass until a number lies between two codes. */
static uint32_t follows(const struct synth_model *d, struct run *r, const float *got)
{
	double ties[PROMPT], *want = calloc((size_t)PROMPT * d->vocab, sizeof(*want)), tie = 1, v;
	struct gguf_error err = { 0 };
	struct forward64 *m;
	uint32_t i;

	assert_non_null(want);
	if (forward64_open(gguf, FORWARD64_INT8, &m, &err))
		fail_msg("%s", err.msg);
	assert_int_equal(forward64_run(m, r->tokens, PROMPT, want, ties), 0);
	forward64_close(m);
	for (i = 0, v = 0; i < PROMPT; i++) {
		struct nmse s = { 0 };

		nmse_add(&s, got + (size_t)i * d->vocab, want + (size_t)i * d->vocab, d->vocab);
		v = nmse_get(&s);
		tie = fmin(tie, ties[i]);
		if (!(v < NMSE_INT8))
			break;
	}
	free(want);
	if (i < PROMPT && (!(v < NMSE_TIE) || tie > NEAR_TIE))
		fail_msg("%s: position %u differs from the int8 pass: NMSE %g, nearest tie %g",
			 d->name, i, v, tie);
	return i;
}

static void check_decode(struct run *r, const float *logits)
{
	struct accel_session *s[2] = { session(r), session(r) };
	struct accel_session_options o = { .size = sizeof(o) };
	int32_t one[STEPS], two[2 * STEPS], first[2];
	struct accel_batch *b;
	uint32_t n, i;
	float *all;

	for (i = 0; i < 2; i++) {
		OK(r, accel_session_append(s[i], r->tokens, 150 + 7 * i, NULL));
		first[i] = r->tokens[150 + 7 * i];
	}
	OK(r, accel_batch_create(r->model, &o, &b));
	OK(r, accel_batch_decode(b, s, first, 2, STEPS, NULL, NULL, two, &n));
	assert_int_equal(n, STEPS);
	accel_batch_unref(b);
	for (i = 0; i < 2; i++) {
		/* back by a few, still in the ring, and once more */
		OK(r, accel_session_rewind(s[i], 150 + 7 * i + STEPS - 20));
		accel_session_unref(s[i]);
		s[i] = session(r);
		free(append(r, s[i], 0, 150 + 7 * i, 32));
		OK(r, accel_session_decode(s[i], first[i], STEPS, NULL, 0, NULL, NULL, one, &n));
		assert_int_equal(n, STEPS);
		assert_memory_equal(one, two + i * STEPS, sizeof(one));
		accel_session_unref(s[i]);
	}
	/* what was decoded is what a prefill of it says */
	s[0] = session(r);
	free(append(r, s[0], 0, 157, 157));
	memcpy(r->tokens + 158, one, (PROMPT - 158 < STEPS ? PROMPT - 158 : STEPS) * 4);
	all = append(r, s[0], 157, 157 + STEPS, 11);
	for (i = 0; i < STEPS; i++)
		assert_int_equal(top(all + (size_t)i * r->vocab, r->vocab), one[i]);
	accel_session_unref(s[0]);
	free(all);
	(void)logits;
}

static void test_long(void **state)
{
	static const uint32_t pieces[] = { 1, 13, 64 };
	struct synth_model d = *(const struct synth_model *)*state;
	struct accel_session *s;
	float *got, *other;
	uint32_t i, n;
	struct run r;

	for (i = 0;; i++, d.seed++) {
		if (i == SEEDS)
			fail_msg("%s: none of %d seeds agrees", d.name, SEEDS);
		run_open(&r, &d, "default");
		s = session(&r);
		got = append(&r, s, 0, PROMPT, PROMPT);
		accel_session_unref(s);
		n = follows(&d, &r, got);
		print_message("# %-12s seed %2d: %u positions\n", d.name, (int)d.seed, n);
		if (n >= AGREE)
			break;
		free(got);
		run_close(&r);
	}
	for (i = 0; i < ARRAY_SIZE(pieces); i++) {
		s = session(&r);
		other = append(&r, s, 0, PROMPT, pieces[i]);
		assert_same(d.name, got, other, (size_t)PROMPT * d.vocab);
		accel_session_unref(s);
		free(other);
	}
	check_decode(&r, got);
	run_close(&r);
	run_open(&r, &d, "small");
	s = session(&r);
	other = append(&r, s, 0, PROMPT, PROMPT);
	assert_same("the small chip", got, other, (size_t)PROMPT * d.vocab);
	accel_session_unref(s);
	run_close(&r);
	free(other);
	free(got);
}

/* How far back a session can go, and that it is there then; forks share and part. */
static void test_back(void **state)
{
	const struct synth_model *d = *state;
	struct accel_session *s, *t;
	uint64_t blocks[2], v;
	float *got, *other;
	struct run r;
	uint32_t at;

	run_open(&r, d, "default");
	s = session(&r);
	got = append(&r, s, 0, PROMPT, PROMPT);
	/* far: gone, and nothing has changed */
	assert_int_equal(accel_session_rewind(s, 100), ACCEL_ESTATE);
	accel_last_error(r.dev, NULL, 0);
	assert_int_equal(accel_session_position(s), PROMPT);
	for (at = PROMPT - 1; at > PROMPT - 64; at -= 9) {
		OK(&r, accel_session_rewind(s, at));
		OK(&r, accel_session_fork(s, &t));
		other = append(&r, t, at, PROMPT, 5);
		assert_same("a fork", got + (size_t)at * d->vocab, other,
			    (size_t)(PROMPT - at) * d->vocab);
		free(other);
		accel_session_unref(t);
		other = append(&r, s, at, PROMPT, 64);
		assert_same("again", got + (size_t)at * d->vocab, other,
			    (size_t)(PROMPT - at) * d->vocab);
		free(other);
	}
	/* zero: all over */
	OK(&r, accel_session_rewind(s, 0));
	OK(&r, accel_model_get(r.model, ACCEL_MODEL_KV_RESIDENT, &blocks[0]));
	OK(&r, accel_model_get(r.model, ACCEL_MODEL_KV_HOST, &v));
	assert_int_equal(blocks[0] + v, 0);
	other = append(&r, s, 0, PROMPT, 64);
	assert_same("from zero", got, other, (size_t)PROMPT * d->vocab);
	free(other);
	free(got);
	accel_session_unref(s);
	run_close(&r);
}

static uint64_t blocks_of(struct run *r)
{
	uint64_t resident, host;

	OK(r, accel_model_get(r->model, ACCEL_MODEL_KV_RESIDENT, &resident));
	OK(r, accel_model_get(r->model, ACCEL_MODEL_KV_HOST, &host));
	return resident + host;
}

/* All layers have the window: memory stays what it is at the ring's size. */
static void test_memory(void **state)
{
	struct accel_session *s;
	uint64_t most = 0;
	struct run r;
	uint32_t i;

	(void)state;
	run_open(&r, &shapes[0], "default");
	s = session(&r);
	for (i = 0; i < PROMPT; i++) {
		OK(&r, accel_session_append(s, &r.tokens[i], 1, NULL));
		if (i < 160)
			most = blocks_of(&r) > most ? blocks_of(&r) : most;
	}
	/* window 20 and a job's 64: (20 + 64 + 61) / 32 */
	assert_int_equal(most, 4);
	assert_int_equal(blocks_of(&r), most);
	accel_session_unref(s);
	assert_int_equal(blocks_of(&r), 0);
	run_close(&r);
}

static uint64_t cycles(const struct compile_result *r, const struct ig1_config *chip, uint32_t pos)
{
	const struct cg_prog *p = &r->code.prog[IG1_PROG_DECODE];
	struct ig1_column col = { .pos = pos, .kv = 0x10000000 };
	struct trace_job job = { .chip = chip,
				 .n_cmds = p->n_cmds,
				 .cols = &col,
				 .n_cols = 1,
				 .max_commands = 1u << 20,
				 .args = { 0x10000, 1, 0, 0, 0, 1, UINT32_MAX, UINT32_MAX } };
	struct estimate e;
	struct diag d = { 0 };
	uint8_t *code;
	size_t bytes;

	assert_int_equal(cg_encode_all(p, &code, &bytes), 0);
	job.prog = code;
	assert_int_equal(estimate_job(&job, NULL, NULL, &e, &d), 0);
	free(code);
	return e.cycles;
}

/* Beyond the window a step takes as long as at its end, wherever the window begins in a block. */
static void test_cost(void **state)
{
	struct synth_model d = shapes[0];
	struct compile_options o = { .chip = compile_chip("small") };
	struct compile_result r;
	uint64_t at, far, early;
	uint32_t i;
	uint8_t *data;
	size_t size;

	(void)state;
	d.context = 8192;
	d.window = 128;
	assert_int_equal(synth_build(&d, &data, &size), 0);
	o.data = data;
	o.size = size;
	o.model = "model";
	o.out = accel;
	if (compile_model(&o, &r))
		fail_msg("%s", r.model.diag.msg);
	early = cycles(&r, o.chip, 20);
	for (i = 0; i < 32; i += 5) {
		at = cycles(&r, o.chip, 128 + i);
		far = cycles(&r, o.chip, 8128 + i);
		print_message("# cycles at %u: %u, at %u: %u\n", 128 + i, (unsigned int)at,
			      8128 + i, (unsigned int)far);
		assert_true(far <= at + at / 100 && at <= far + far / 100);
		assert_true(early < far);
	}
	compile_free(&r);
	free(data);
	unlink(accel);
}

static int setup(void **state)
{
	const char *tmp = getenv("TMPDIR");

	(void)state;
	snprintf(dir, sizeof(dir), "%s/intaglio-window-XXXXXX", tmp && *tmp ? tmp : "/tmp");
	if (!mkdtemp(dir))
		return -1;
	snprintf(gguf, sizeof(gguf), "%s/m.gguf", dir);
	snprintf(accel, sizeof(accel), "%s/m.accel", dir);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(gguf);
	unlink(accel);
	return rmdir(dir);
}

int main(void)
{
	struct CMUnitTest tests[2 + 2 * ARRAY_SIZE(shapes)] = { cmocka_unit_test(test_memory),
								cmocka_unit_test(test_cost) };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(shapes); i++) {
		tests[2 + 2 * i] =
			(struct CMUnitTest){ "long", test_long, NULL, NULL, (void *)&shapes[i] };
		tests[3 + 2 * i] =
			(struct CMUnitTest){ "back", test_back, NULL, NULL, (void *)&shapes[i] };
	}
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("window", tests, setup, teardown);
}
