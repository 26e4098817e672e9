// SPDX-License-Identifier: MIT
/*
 * The double precision pass against llama.cpp's results for real models, and the files of the
 * random ones against their description.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <glob.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/quant/ggml_types.h"
#include "compiler/tests/gguf_walk.h"
#include "compiler/tests/test_skip.h"
#include "tests/models/forward64.h"
#include "tests/models/kquant.h"
#include "tests/models/nmse.h"
#include "tests/models/synth.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/*
 * llama.cpp works in single precision: with weights that were expanded to F32 it differs by
 * rounding alone. With F16 weights it rounds activations to F16, with quantised ones to 8 bits and
 * a scale per 32, and is itself that far from the file's exact result.
 */
#define NMSE_F32   1e-11
#define NMSE_F16   1e-6
#define NMSE_QUANT 1e-3

static char shared_models[4096];

/* Little-endian floats; the caller frees. */
static float *read_floats(const char *path, size_t n)
{
	float *v = calloc(n, sizeof(*v));
	FILE *f = fopen(path, "rb");

	assert_non_null(v);
	if (!f || fread(v, sizeof(*v), n, f) != n)
		fail_msg("%s: not %zu values", path, n);
	fclose(f);
	return v;
}

static size_t read_ids(const json_t *a, int32_t *ids, size_t room)
{
	size_t n = json_array_size(a), i;

	assert_true(n > 0 && n <= room);
	for (i = 0; i < n; i++)
		ids[i] = (int32_t)json_integer_value(json_array_get(a, i));
	return n;
}

/* The logits after each of the prompts that have a file. */
static double prompts_nmse(const struct forward64 *m, const json_t *doc, const char *folder)
{
	const json_t *prompts = json_object_get(doc, "prompts");
	size_t vocab = forward64_vocab(m), i, n, files = 0;
	struct nmse sum = { 0 };

	for (i = 0; i < json_array_size(prompts); i++) {
		const json_t *p = json_array_get(prompts, i);
		const char *name = json_string_value(json_object_get(p, "logits_file"));
		int32_t ids[512];
		char path[4400];
		double *got;
		float *want;

		if (!name)
			continue;
		n = read_ids(json_object_get(p, "prompt_ids"), ids, ARRAY_SIZE(ids));
		snprintf(path, sizeof(path), "%s/%s", folder, name);
		want = read_floats(path, vocab);
		got = calloc(n * vocab, sizeof(*got));
		assert_non_null(got);
		assert_int_equal(forward64_run(m, ids, n, got, NULL), 0);
		nmse_add(&sum, want, got + (n - 1) * vocab, vocab);
		free(got);
		free(want);
		files++;
	}
	assert_true(files > 0);
	return nmse_get(&sum);
}

static double nll(const double *logits, size_t n, int32_t token)
{
	double max = -INFINITY, sum = 0;
	size_t i;

	for (i = 0; i < n; i++)
		max = fmax(max, logits[i]);
	for (i = 0; i < n; i++)
		sum += exp(logits[i] - max);
	return log(sum) + max - logits[token];
}

/* The text in blocks, each after token 1 with nothing before it: every token's surprise. */
static double text_nmse(const struct forward64 *m, const json_t *doc, const char *folder,
			double *perplexity)
{
	const json_t *p = json_object_get(doc, "perplexity");
	const char *name = json_string_value(json_object_get(p, "nll_file"));
	size_t block = (size_t)json_integer_value(json_object_get(p, "block"));
	size_t vocab = forward64_vocab(m), n, at, i;
	int32_t ids[8192], in[512];
	struct nmse sum = { 0 };
	double *logits, total = 0;
	char path[4400];
	float *want;

	assert_true(name && block && block < ARRAY_SIZE(in));
	n = read_ids(json_object_get(p, "token_ids"), ids, ARRAY_SIZE(ids));
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	want = read_floats(path, n);
	logits = calloc(block * vocab, sizeof(*logits));
	assert_non_null(logits);
	for (at = 0; at < n; at += block) {
		size_t k = n - at < block ? n - at : block;

		in[0] = 1;
		memcpy(in + 1, ids + at, (k - 1) * sizeof(*in));
		assert_int_equal(forward64_run(m, in, k, logits, NULL), 0);
		for (i = 0; i < k; i++) {
			double v = nll(logits + i * vocab, vocab, ids[at + i]);

			total += v;
			nmse_add(&sum, &want[at + i], &v, 1);
		}
	}
	*perplexity = exp(total / (double)n);
	free(logits);
	free(want);
	return nmse_get(&sum);
}

/* bound: of both comparisons. */
static void compare(const char *gguf, const char *json, double bound)
{
	struct gguf_error err = { 0 };
	char folder[4096];
	struct forward64 *m;
	double logits, text, perplexity, want;
	json_error_t e;
	json_t *doc;

	snprintf(folder, sizeof(folder), "%s", json);
	*strrchr(folder, '/') = '\0';
	doc = json_load_file(json, 0, &e);
	if (!doc)
		fail_msg("%s: %s", json, e.text);
	if (forward64_open(gguf, FORWARD64_EXACT, &m, &err))
		fail_msg("%s: %s", gguf, err.msg);
	assert_int_equal(forward64_vocab(m), json_integer_value(json_object_get(doc, "n_vocab")));
	logits = prompts_nmse(m, doc, folder);
	text = text_nmse(m, doc, folder, &perplexity);
	want = json_number_value(json_object_get(json_object_get(doc, "perplexity"), "perplexity"));
	print_message("# %-34s logits %.2e, surprise %.2e, perplexity %.4f (%.4f)\n",
		      strrchr(json, '/') + 1, logits, text, perplexity, want);
	forward64_close(m);
	json_decref(doc);
	if (!(logits < bound) || !(text < bound))
		fail_msg("%s: NMSE of logits %g, of surprise %g, bound %g", json, logits, text,
			 bound);
}

/* The models that come with the sources. */
static void test_shipped(void **state)
{
	static const char *const names[] = { "tinyqwen2-Q8_0", "tinyqwen2-Q4_0", "tinyqwen3-Q8_0",
					     "tinyqwen3-Q4_0", "tinymoe8x2-Q4_0" };
	const char *root = gguf_source_root();
	char gguf[4200], json[4200];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		int family = (int)(strchr(names[i], '-') - names[i]);

		snprintf(gguf, sizeof(gguf), "%s/models/%s.gguf", root, names[i]);
		snprintf(json, sizeof(json), "%s/tests/data/reference/%.*s/%s.json", root, family,
			 names[i], names[i]);
		compare(gguf, json, NMSE_QUANT);
	}
}

/*
 * The references with exact or F16 activations of every architecture that is known here, in the
 * folders of models beside the sources.
 */
static void test_shared(void **state)
{
	static const char *const families[] = { "stories260K*", "tinyqwen2", "tinyqwen3",
						"tinymoe8x2" };
	size_t i, k, n = 0;
	char pattern[4200];

	(void)state;
	for (i = 0; i < ARRAY_SIZE(families); i++) {
		glob_t g;

		snprintf(pattern, sizeof(pattern), "%s/*/reference/%s/*.json", shared_models,
			 families[i]);
		if (glob(pattern, 0, NULL, &g))
			continue;
		for (k = 0; k < g.gl_pathc; k++) {
			const char *json = g.gl_pathv[k], *name = strrchr(json, '/') + 1;
			const char *dequant = strstr(name, ".dequant"), *f16 = strstr(name, "-F16");
			const char *parts = strstr(json, "/reference/");
			const char *end = dequant ? dequant : strstr(name, ".json");
			char gguf[4200];

			if (!dequant && !f16 && !strstr(name, "-F32"))
				continue;
			snprintf(gguf, sizeof(gguf), "%.*s/%.*s.gguf", (int)(parts - json), json,
				 (int)(end - name), name);
			compare(gguf, json, f16 ? NMSE_F16 : NMSE_F32);
			n++;
		}
		globfree(&g);
	}
	assert_true(n > 0);
	print_message("# %zu references\n", n);
}

/* What a type keeps of normal numbers: half a step of its grid, squared. */
static void test_kquant(void **state)
{
	static const struct {
		uint32_t type;
		void (*to)(const float *src, uint8_t *dst, size_t n);
		double least, most;
	} list[] = {
		/* a range of about 4 deviations in 15 or 31 steps: 4^2 / 15^2 / 12 */
		{ GGML_TYPE_Q4_K, kquant_q4_k, 0.002, 0.010 },
		{ GGML_TYPE_Q4_1, kquant_q4_1, 0.002, 0.010 },
		{ GGML_TYPE_Q5_1, kquant_q5_1, 0.0005, 0.0025 },
		/* 1.8 in 31: 1.8^2 / 31^2 / 12 */
		{ GGML_TYPE_Q6_K, kquant_q6_k, 0.0001, 0.0006 },
		/* steps that grow with the number */
		{ GGML_TYPE_IQ4_NL, kquant_iq4_nl, 0.002, 0.010 },
		{ GGML_TYPE_NVFP4, kquant_nvfp4, 0.004, 0.020 },
		{ GGML_TYPE_MXFP4, kquant_mxfp4, 0.004, 0.020 },
	};
	static float x[KQUANT_BLOCK * 16], y[KQUANT_BLOCK * 16];
	static uint8_t q[16 * KQUANT_Q6_K_BYTES];
	double error, power = 0;
	uint64_t rng = 1;
	size_t i, k;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(x); i++) {
		/* blocks of different sizes, one of them zero */
		for (x[i] = -6, k = 0; k < 12; k++)
			x[i] += (float)(gguf_random(&rng) >> 40) * 0x1p-24f;
		x[i] *= (float)(i / 32 % 5) * 0.01f;
		power += (double)x[i] * x[i];
	}
	for (k = 0; k < ARRAY_SIZE(list); k++) {
		list[k].to(x, q, ARRAY_SIZE(x));
		assert_int_equal(ggml_dequantize_row(list[k].type, q, y, ARRAY_SIZE(y)), 0);
		for (i = 0, error = 0; i < ARRAY_SIZE(x); i++)
			error += ((double)x[i] - y[i]) * ((double)x[i] - y[i]);
		print_message("# %s %.2e\n", ggml_type_name(list[k].type), error / power);
		assert_true(error / power > list[k].least && error / power < list[k].most);
	}
}

static void test_synth_same_bytes(void **state)
{
	struct synth_model d = { .arch = "llama",
				 .seed = 7,
				 .layers = 2,
				 .width = 48,
				 .heads = 4,
				 .kv_heads = 2,
				 .ff = 50,
				 .ff_step = 2,
				 .vocab = 300,
				 .context = 40,
				 .eps = 1e-5f,
				 .bias = SYNTH_BIAS_ALL,
				 .type = GGML_TYPE_F16,
				 .rope_freqs = true };
	struct gguf_error err = { 0 };
	struct gguf_file *f, *g;
	uint8_t *a, *b;
	size_t na, nb, i;

	(void)state;
	assert_int_equal(synth_build(&d, &a, &na), 0);
	assert_int_equal(synth_build(&d, &b, &nb), 0);
	assert_int_equal(na, nb);
	assert_memory_equal(a, b, na);
	free(b);
	/* without biases: the other tensors stay what they are */
	d.bias = 0;
	assert_int_equal(synth_build(&d, &b, &nb), 0);
	assert_int_equal(gguf_open_mem(a, na, &f, &err), 0);
	assert_int_equal(gguf_open_mem(b, nb, &g, &err), 0);
	assert_true(gguf_n_tensors(g) < gguf_n_tensors(f));
	for (i = 0; i < gguf_n_tensors(g); i++) {
		const struct gguf_tensor *t = gguf_tensor(g, i), *u;
		char name[64];

		snprintf(name, sizeof(name), "%.*s", (int)t->name.len, t->name.ptr);
		u = gguf_find_tensor(f, name);
		assert_non_null(u);
		assert_int_equal(t->size, u->size);
		assert_memory_equal(t->data, u->data, t->size);
	}
	gguf_close(f);
	gguf_close(g);
	free(a);
	free(b);
}

static void test_refuses(void **state)
{
	struct synth_model d = { .arch = "qwen3",
				 .seed = 7,
				 .layers = 1,
				 .width = 32,
				 .heads = 2,
				 .kv_heads = 1,
				 .ff = 32,
				 .vocab = 8,
				 .context = 40,
				 .eps = 1e-5f,
				 .type = GGML_TYPE_F32 };
	static const int32_t bad[] = { 0, 8 }, low[] = { -1 };
	struct gguf_error err = { 0 };
	struct forward64 *m;
	double logits[16];
	uint8_t *data;
	size_t size;

	(void)state;
	assert_int_equal(synth_build(&d, &data, &size), 0);
	assert_int_equal(forward64_open_mem(data, size, FORWARD64_EXACT, &m, &err), 0);
	assert_int_equal(forward64_run(m, bad, 1, logits, NULL), 0);
	assert_int_equal(forward64_run(m, bad, 2, logits, NULL), -EINVAL);
	assert_int_equal(forward64_run(m, low, 1, logits, NULL), -EINVAL);
	forward64_close(m);
	assert_int_equal(forward64_open_mem(data, size / 2, FORWARD64_EXACT, &m, &err), -EINVAL);
	assert_true(err.msg[0]);
	free(data);
	d.arch = "gpt3";
	assert_int_equal(synth_build(&d, &data, &size), -EINVAL);
	d.arch = "qwen2";
	d.heads = 3;
	d.kv_heads = 2;
	assert_int_equal(synth_build(&d, &data, &size), -EINVAL);
}

int main(void)
{
	static char skip_name[4200];
	static struct CMUnitTest tests[] = { cmocka_unit_test(test_kquant),
					     cmocka_unit_test(test_synth_same_bytes),
					     cmocka_unit_test(test_refuses),
					     cmocka_unit_test(test_shipped),
					     cmocka_unit_test(test_shared) };
	struct gguf_paths p;

	gguf_shared_models(shared_models, sizeof(shared_models));
	gguf_paths_find(&p, shared_models);
	if (!p.count)
		test_skip(&tests[ARRAY_SIZE(tests) - 1], skip_name, sizeof(skip_name),
			  "no shared models");
	gguf_paths_free(&p);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("forward64", tests, NULL, NULL);
}
