// SPDX-License-Identifier: MIT
/*
 * Models of many shapes through the compiler, the runtime and the reference back end, against the
 * double precision pass over the same file.
 *
 * A prompt of 70 tokens: two full KV blocks and a part of a third.
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
#include "compiler/compile.h"
#include "compiler/quant/ggml_types.h"
#include "tests/models/forward64.h"
#include "tests/models/nmse.h"
#include "tests/models/synth.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define PROMPT 70
#define STEPS  8

/*
 * What int8 may cost. A group of 32 numbers with one scale keeps each to half a step, an error of
 * (amax / 127)^2 / 12, which is 2e-5 to 8e-5 of their mean square (amax is 2 to 4 deviations). On
 * the way through a layer lie nine such roundings (attention input, q, k, v, softmax weights, their
 * sum, feed-forward input, product, and as much for the weights when they are not Q8_0 or Q4_0 in
 * the file), and the residual hands on what each layer adds. That makes 1e-4 to 3e-4 per layer.
 * A mistake in what is computed costs 1e-2 to 2; test_shape() measures that, too.
 */
#define NMSE_BOUND 2e-3
/* A mutation must be this many times above the bound to count as seen. */
#define SEEN 5

/* clang-format off */
static const struct synth_model shapes[] = {
	{ .name = "llama-mha", .arch = "llama", .layers = 2, .width = 72, .heads = 6, .kv_heads = 6,
	  .ff = 100, .vocab = 301, .context = 70, .tied = true, .eps = 1e-5f,
	  .type = GGML_TYPE_F32 },
	{ .name = "llama-gqa-freqs", .arch = "llama", .layers = 2, .width = 128, .heads = 4,
	  .kv_heads = 2, .ff = 224, .vocab = 512, .context = 96, .eps = 1e-6f, .rope_dims = 32,
	  .rope_base = 500000, .rope_freqs = true, .type = GGML_TYPE_Q8_0 },
	{ .name = "llama-mqa-linear", .arch = "llama", .layers = 2, .width = 72, .heads = 6,
	  .kv_heads = 1, .head_size = 20, .ff = 100, .vocab = 97, .context = 128, .bias = true,
	  .eps = 1e-5f, .scaling = "linear", .factor = 4, .type = GGML_TYPE_F16 },
	{ .name = "llama-d64-yarn", .arch = "llama", .layers = 2, .width = 96, .heads = 2,
	  .kv_heads = 1, .head_size = 64, .ff = 160, .vocab = 320, .context = 128, .eps = 1e-5f,
	  .scaling = "yarn", .factor = 4, .original = 32, .type = GGML_TYPE_BF16 },
	{ .name = "llama-d8-partial", .arch = "llama", .layers = 3, .width = 64, .heads = 8,
	  .kv_heads = 4, .ff = 192, .vocab = 400, .context = 80, .tied = true, .eps = 1e-5f,
	  .rope_dims = 4, .type = GGML_TYPE_Q4_0 },
	{ .name = "llama-kquants", .arch = "llama", .layers = 2, .width = 256, .heads = 4,
	  .kv_heads = 2, .ff = 256, .vocab = 300, .context = 100, .eps = 1e-5f, .rope_freqs = true,
	  .type = GGML_TYPE_Q4_K, .type2 = GGML_TYPE_Q6_K },
	{ .name = "llama-d128", .arch = "llama", .layers = 1, .width = 128, .heads = 2,
	  .kv_heads = 2, .head_size = 128, .ff = 96, .vocab = 288, .context = 256, .eps = 1e-5f,
	  .type = GGML_TYPE_Q8_0 },
	{ .name = "llama-d80-yarn-freqs", .arch = "llama", .layers = 2, .width = 160, .heads = 2,
	  .kv_heads = 1, .head_size = 80, .ff = 130, .vocab = 333, .context = 200, .eps = 1e-5f,
	  .scaling = "yarn", .factor = 8, .original = 40, .attn_factor = 1.25f, .beta_fast = 16,
	  .beta_slow = 2, .rope_freqs = true, .type = GGML_TYPE_F16 },
	{ .name = "llama-deep", .arch = "llama", .layers = 7, .width = 64, .heads = 4,
	  .kv_heads = 2, .ff = 64, .ff_step = 36, .vocab = 300, .context = 72, .tied = true,
	  .eps = 1e-5f, .type = GGML_TYPE_Q4_0, .type2 = GGML_TYPE_Q8_0 },
	{ .name = "llama-odd", .arch = "llama", .layers = 2, .width = 75, .heads = 5, .kv_heads = 5,
	  .head_size = 14, .ff = 101, .vocab = 303, .context = 75, .bias = true, .eps = 1e-5f,
	  .type = GGML_TYPE_F32 },
	{ .name = "llama-heads40", .arch = "llama", .layers = 1, .width = 96, .heads = 40,
	  .kv_heads = 8, .head_size = 10, .ff = 64, .vocab = 300, .context = 96, .eps = 1e-5f,
	  .scale_linear = 2.5f, .type = GGML_TYPE_F16 },
	{ .name = "llama-vocab", .arch = "llama", .layers = 1, .width = 32, .heads = 2,
	  .kv_heads = 1, .ff = 1500, .vocab = 4099, .context = 80, .eps = 1e-5f,
	  .type = GGML_TYPE_Q8_0 },
	{ .name = "llama-tiny", .arch = "llama", .layers = 1, .width = 6, .heads = 2, .kv_heads = 1,
	  .head_size = 4, .ff = 3, .vocab = 5, .context = 71, .eps = 1e-5f,
	  .type = GGML_TYPE_F32 },
	{ .name = "qwen2-d8", .arch = "qwen2", .layers = 2, .width = 64, .heads = 8, .kv_heads = 2,
	  .ff = 96, .vocab = 512, .context = 96, .tied = true, .bias = true, .eps = 1e-6f,
	  .rope_base = 1e6f, .type = GGML_TYPE_Q8_0 },
	{ .name = "qwen2-d20-partial", .arch = "qwen2", .layers = 2, .width = 72, .heads = 6,
	  .kv_heads = 3, .head_size = 20, .ff = 100, .vocab = 299, .context = 90, .bias = true,
	  .eps = 1e-6f, .rope_dims = 10, .type = GGML_TYPE_F32 },
	{ .name = "qwen2-d64-yarn", .arch = "qwen2", .layers = 2, .width = 128, .heads = 2,
	  .kv_heads = 2, .ff = 224, .vocab = 512, .context = 256, .bias = true, .eps = 1e-6f,
	  .rope_base = 1e6f, .scaling = "yarn", .factor = 4, .original = 64,
	  .type = GGML_TYPE_Q4_0, .type2 = GGML_TYPE_Q8_0 },
	{ .name = "qwen3-d128-wide", .arch = "qwen3", .layers = 2, .width = 96, .heads = 3,
	  .kv_heads = 1, .head_size = 128, .ff = 160, .vocab = 384, .context = 128, .tied = true,
	  .eps = 1e-6f, .rope_base = 1e6f, .type = GGML_TYPE_Q8_0 },
	{ .name = "qwen3-d20", .arch = "qwen3", .layers = 2, .width = 72, .heads = 6,
	  .kv_heads = 2, .head_size = 20, .ff = 100, .vocab = 301, .context = 77, .eps = 1e-6f,
	  .type = GGML_TYPE_F32 },
	{ .name = "qwen3-d64-eps", .arch = "qwen3", .layers = 2, .width = 64, .heads = 4,
	  .kv_heads = 1, .head_size = 64, .ff = 128, .vocab = 300, .context = 128, .eps = 0.25f,
	  .scaling = "yarn", .factor = 2, .original = 48, .type = GGML_TYPE_Q4_0 },
	{ .name = "qwen3-d80-partial", .arch = "qwen3", .layers = 2, .width = 90, .heads = 4,
	  .kv_heads = 2, .head_size = 80, .ff = 70, .vocab = 310, .context = 96, .eps = 1e-6f,
	  .rope_dims = 40, .scaling = "linear", .factor = 3, .type = GGML_TYPE_BF16 },
};
/* clang-format on */

static char dir[256];

/* --- what a test would have to notice ---------------------------------------------------------- */

/* Changes one thing about a model; false where there is nothing to change. */
struct mutation {
	const char *name;
	bool (*apply)(struct synth_model *m);
};

static bool no_scaling(struct synth_model *m)
{
	if (m->factor == 0 && m->scale_linear == 0)
		return false;
	m->factor = m->scale_linear = m->attn_factor = 0;
	m->scaling = NULL;
	return true;
}

static bool linear_for_yarn(struct synth_model *m)
{
	if (!m->scaling || strcmp(m->scaling, "yarn"))
		return false;
	m->scaling = "linear";
	return true;
}

static bool other_original(struct synth_model *m)
{
	m->original *= 3;
	return m->original;
}

static bool no_attn_factor(struct synth_model *m)
{
	if (m->attn_factor == 0)
		return false;
	m->attn_factor = 0;
	return true;
}

static uint32_t rope_dims(const struct synth_model *m)
{
	return m->rope_dims ? m->rope_dims : synth_head_size(m);
}

static bool other_base(struct synth_model *m)
{
	m->rope_base = 3 * (m->rope_base == 0 ? 10000 : m->rope_base);
	return rope_dims(m) > 2;
}

static bool fewer_rope_dims(struct synth_model *m)
{
	m->rope_dims = rope_dims(m) / 4 * 2;
	return m->rope_dims && !m->rope_freqs;
}

static bool all_rope_dims(struct synth_model *m)
{
	if (!m->rope_dims || m->rope_dims == synth_head_size(m))
		return false;
	m->rope_dims = 0;
	return true;
}

static bool no_freqs(struct synth_model *m)
{
	if (!m->rope_freqs)
		return false;
	m->rope_freqs = false;
	return true;
}

/* llama and qwen2 differ in the pairs that are rotated. */
static bool other_pairs(struct synth_model *m)
{
	if (rope_dims(m) < 4 || m->bias || m->rope_freqs || !strcmp(m->arch, "qwen3"))
		return false;
	m->arch = strcmp(m->arch, "llama") ? "llama" : "qwen2";
	return true;
}

static bool no_bias(struct synth_model *m)
{
	if (!m->bias)
		return false;
	m->bias = false;
	return true;
}

static bool no_head_norms(struct synth_model *m)
{
	if (strcmp(m->arch, "qwen3"))
		return false;
	m->arch = "qwen2";
	return true;
}

static bool small_eps(struct synth_model *m)
{
	if (m->eps < 0.01f)
		return false;
	m->eps = 1e-6f;
	return true;
}

static bool other_weights(struct synth_model *m)
{
	m->seed++;
	return true;
}

static const struct mutation mutations[] = {
	{ "no scaling", no_scaling },
	{ "linear for yarn", linear_for_yarn },
	{ "another original context", other_original },
	{ "no attn_factor", no_attn_factor },
	{ "another base", other_base },
	{ "half the rope dims", fewer_rope_dims },
	{ "all dims rotated", all_rope_dims },
	{ "no rope_freqs", no_freqs },
	{ "the other pairs", other_pairs },
	{ "no biases", no_bias },
	{ "no q/k norms", no_head_norms },
	{ "a small eps", small_eps },
	{ "other weights", other_weights },
};

/* --- running ----------------------------------------------------------------------------------- */

struct run {
	struct accel_device *dev;
	struct accel_model *model;
	uint32_t vocab, context;
};

#define OK(r, expr)                                                                                \
	do {                                                                                       \
		int err_ = (expr);                                                                 \
		if (err_) {                                                                        \
			char text_[512];                                                           \
			accel_last_error((r)->dev, text_, sizeof(text_));                          \
			fail_msg("%s: %d, %s", #expr, err_, text_);                                \
		}                                                                                  \
	} while (0)

static void compile(const char *gguf, const char *accel, const char *chip)
{
	struct compile_options o = { .model = gguf, .out = accel, .chip = compile_chip(chip) };
	struct compile_result r;
	int ret;

	assert_non_null(o.chip);
	ret = compile_model(&o, &r);
	if (ret)
		fail_msg("%s for %s: %d, %s", gguf, chip, ret, r.model.diag.msg);
	compile_free(&r);
}

static void run_open(struct run *r, const char *accel)
{
	char text[512] = "";
	struct accel_device_options o = {
		.size = sizeof(o), .backend = "ref", .error = text, .error_size = sizeof(text),
	};
	uint64_t v;

	if (accel_device_open(&o, &r->dev))
		fail_msg("device: %s", text);
	OK(r, accel_model_open(r->dev, accel, NULL, &r->model));
	OK(r, accel_model_get(r->model, ACCEL_MODEL_VOCAB, &v));
	r->vocab = (uint32_t)v;
	OK(r, accel_model_get(r->model, ACCEL_MODEL_CONTEXT, &v));
	r->context = (uint32_t)v;
}

static void run_close(struct run *r)
{
	accel_model_unref(r->model);
	accel_device_unref(r->dev);
}

static struct accel_session *session(struct run *r, uint32_t chunk)
{
	struct accel_session_options o = { .size = sizeof(o), .chunk = chunk };
	struct accel_session *s;

	OK(r, accel_session_create(r->model, &o, &s));
	return s;
}

struct rows {
	float *out;
	uint32_t n;
};

static int on_row(void *ctx, uint32_t position, const float *logits, uint32_t vocab)
{
	struct rows *rows = ctx;

	assert_int_equal(position, rows->n);
	memcpy(rows->out + (size_t)rows->n++ * vocab, logits, vocab * sizeof(*logits));
	return 0;
}

/* Logits of every one of n tokens in a new session; the caller frees. */
static float *prefill(struct run *r, uint32_t chunk, const int32_t *tokens, size_t n)
{
	struct accel_session *s = session(r, chunk);
	struct rows rows = { calloc(n * r->vocab, sizeof(float)), 0 };

	assert_non_null(rows.out);
	OK(r, accel_session_append_all(s, tokens, n, on_row, &rows));
	assert_int_equal(rows.n, n);
	accel_session_unref(s);
	return rows.out;
}

static void assert_same(const char *what, const float *a, const float *b, size_t n, size_t vocab)
{
	size_t i;

	for (i = 0; i < n * vocab; i++) {
		if (memcmp(&a[i], &b[i], sizeof(*a)))
			fail_msg("%s: position %zu, logit %zu: %.9g and %.9g", what, i / vocab,
				 i % vocab, a[i], b[i]);
	}
}

static int32_t top_float(const float *v, size_t n)
{
	size_t best = 0, i;

	for (i = 1; i < n; i++)
		best = v[i] > v[best] ? i : best;
	return (int32_t)best;
}

static int32_t top_double(const double *v, size_t n)
{
	size_t best = 0, i;

	for (i = 1; i < n; i++)
		best = v[i] > v[best] ? i : best;
	return (int32_t)best;
}

/* The chip's own loop must choose what the logits of a prefill say. */
static void check_decode(struct run *r, const int32_t *prompt, const float *logits)
{
	int32_t tokens[PROMPT + STEPS + 1], got[STEPS];
	uint32_t steps = r->context - PROMPT, n = 0, i;
	struct accel_session *s;
	float *all;

	if (steps > STEPS)
		steps = STEPS;
	if (!steps)
		return;
	memcpy(tokens, prompt, PROMPT * sizeof(*tokens));
	tokens[PROMPT] = top_float(logits + (size_t)(PROMPT - 1) * r->vocab, r->vocab);
	s = session(r, 0);
	OK(r, accel_session_append(s, prompt, PROMPT, NULL));
	OK(r, accel_session_decode(s, tokens[PROMPT], steps, NULL, 0, NULL, NULL, got, &n));
	accel_session_unref(s);
	assert_int_equal(n, steps);
	memcpy(tokens + PROMPT + 1, got, steps * sizeof(*got));
	all = prefill(r, 0, tokens, PROMPT + steps);
	for (i = 0; i < steps; i++) {
		int32_t want = top_float(all + (size_t)(PROMPT + i) * r->vocab, r->vocab);

		if (got[i] != want)
			fail_msg("decode step %u: token %d, by the logits %d", i, got[i], want);
	}
	free(all);
}

/* --- comparing --------------------------------------------------------------------------------- */

static double *forward(const struct synth_model *d, enum forward64_numbers numbers,
		       const int32_t *tokens, size_t n)
{
	struct gguf_error err = { 0 };
	struct forward64 *m;
	double *logits;
	uint8_t *data;
	size_t size;

	assert_int_equal(synth_build(d, &data, &size), 0);
	if (forward64_open_mem(data, size, numbers, &m, &err))
		fail_msg("%s: %s", d->name, err.msg);
	logits = calloc(n * forward64_vocab(m), sizeof(*logits));
	assert_non_null(logits);
	assert_int_equal(forward64_run(m, tokens, n, logits), 0);
	forward64_close(m);
	free(data);
	return logits;
}

static double compare(const float *got, const double *want, size_t n)
{
	struct nmse s = { 0 };

	nmse_add(&s, got, want, n);
	return nmse_get(&s);
}

static bool seen(double nmse)
{
	return nmse > SEEN * NMSE_BOUND;
}

/* The least that a change of the model does to the comparison, and which one that is. */
static double weakest_mutation(const struct synth_model *d, const int32_t *tokens, const float *got,
			       const char **which)
{
	double least = INFINITY;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(mutations); i++) {
		struct synth_model m = *d;
		double *want, v;

		if (!mutations[i].apply(&m))
			continue;
		want = forward(&m, FORWARD64_EXACT, tokens, PROMPT);
		v = compare(got, want, (size_t)PROMPT * d->vocab);
		free(want);
		if (v < least) {
			least = v;
			*which = mutations[i].name;
		}
	}
	return least;
}

/* What the last block's logits owe to the first token. */
static double first_token(const struct synth_model *d, const int32_t *tokens, const float *got)
{
	int32_t other[PROMPT];
	double *want, v;
	size_t from = 64 * (size_t)d->vocab, i;

	/* all of the first block, so that a block that is lost shows whatever the attention is */
	for (i = 0; i < PROMPT; i++)
		other[i] = i < 32 ? (tokens[i] + 1) % (int32_t)d->vocab : tokens[i];
	want = forward(d, FORWARD64_EXACT, other, PROMPT);
	v = compare(got + from, want + from, (PROMPT - 64) * (size_t)d->vocab);
	free(want);
	return v;
}

static void test_shape(void **state)
{
	static const uint32_t chunks[] = { 1, 7, 32 };
	const struct synth_model *d = *state;
	char gguf[512], accel[512], small[512], what[64];
	double total, worst = 0, least, *want, block;
	size_t vocab = d->vocab, same = 0, i;
	const char *which = "";
	int32_t tokens[PROMPT];
	struct run r, q;
	float *got, *other;

	snprintf(gguf, sizeof(gguf), "%s/%s.gguf", dir, d->name);
	snprintf(accel, sizeof(accel), "%s/%s.accel", dir, d->name);
	snprintf(small, sizeof(small), "%s/%s-small.accel", dir, d->name);
	for (i = 0; i < PROMPT; i++)
		tokens[i] = (int32_t)((i * i * 7 + i * 31 + 1) % vocab);
	assert_int_equal(synth_write(d, gguf), 0);
	compile(gguf, accel, "default");
	run_open(&r, accel);
	assert_int_equal(r.vocab, vocab);
	assert_int_equal(r.context, d->context);

	got = prefill(&r, 0, tokens, PROMPT);
	want = forward(d, FORWARD64_EXACT, tokens, PROMPT);
	total = compare(got, want, PROMPT * vocab);
	for (i = 0; i < PROMPT; i++) {
		worst = fmax(worst, compare(got + i * vocab, want + i * vocab, vocab));
		same += top_float(got + i * vocab, vocab) == top_double(want + i * vocab, vocab);
	}
	double *emu = forward(d, FORWARD64_INT8, tokens, PROMPT);
	float *tmp = calloc(PROMPT * vocab, 4); for (i = 0; i < PROMPT*vocab; i++) tmp[i] = emu[i];
	printf("# emu vs exact %.2e dev vs emu %.2e\n", compare(tmp, want, PROMPT*vocab), compare(got, emu, PROMPT*vocab));
	free(want); free(emu); free(tmp);
	least = weakest_mutation(d, tokens, got, &which);
	block = first_token(d, tokens, got);
	print_message("# %-20s NMSE %.2e, worst position %.2e, top-1 %2zu/%d; block 0: %.2g, "
		      "%s: %.2g\n",
		      d->name, total, worst, same, PROMPT, block, which, least);
	if (!(total < NMSE_BOUND))
		fail_msg("%s: NMSE %g, bound %g", d->name, total, NMSE_BOUND);
	if (!seen(least))
		fail_msg("%s: %s would pass: NMSE %g", d->name, which, least);
	if (!seen(block))
		fail_msg("%s: the first KV block could be lost: NMSE %g", d->name, block);

	for (i = 0; i < ARRAY_SIZE(chunks); i++) {
		other = prefill(&r, chunks[i], tokens, PROMPT);
		snprintf(what, sizeof(what), "chunks of %u", chunks[i]);
		assert_same(what, got, other, PROMPT, vocab);
		free(other);
	}
	check_decode(&r, tokens, got);
	run_close(&r);

	compile(gguf, small, "small");
	run_open(&q, small);
	other = prefill(&q, 0, tokens, PROMPT);
	assert_same("the small chip", got, other, PROMPT, vocab);
	run_close(&q);
	free(other);
	free(got);
	unlink(gguf);
	unlink(accel);
	unlink(small);
}

static int setup(void **state)
{
	const char *tmp = getenv("TMPDIR");

	(void)state;
	snprintf(dir, sizeof(dir), "%s/intaglio-models-XXXXXX", tmp && *tmp ? tmp : "/tmp");
	return mkdtemp(dir) ? 0 : -1;
}

/* Files of a test that failed are left there. */
static int teardown(void **state)
{
	(void)state;
	rmdir(dir);
	return 0;
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(shapes)];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(shapes); i++)
		tests[i] = (struct CMUnitTest){ shapes[i].name, test_shape, NULL, NULL,
						(void *)&shapes[i] };
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("models", tests, setup, teardown);
}
