// SPDX-License-Identifier: MIT
/*
 * Whole models: compiled, run on the reference model, compared with the same file evaluated in
 * double precision. What must be equal bit for bit is compared so: chunks of any size, decode and
 * prefill, batches and single sequences, both chip configurations.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/quant/ggml_types.h"
#include "compiler/tests/gguf_walk.h"
#include "compiler/tests/model_gen.h"
#include "compiler/tests/model_run.h"

/* 8-bit activations, keys, values and probabilities; measured 1e-4 to 1.3e-3 on these models. */
#define NMSE_LIMIT 4e-3
#define TOKENS	   70u /* more than two KV blocks */
#define STEPS	   12u

static const struct gen_spec specs[] = {
	{ .name = "llama, pairs, grouped queries",
	  .arch = "llama",
	  .layers = 2,
	  .width = 64,
	  .heads = 8,
	  .kv_heads = 2,
	  .ff = 96,
	  .vocab = 100,
	  .context = 128,
	  .type = GGML_TYPE_Q8_0,
	  .seed = 1 },
	{ .name = "llama, one KV head, tied",
	  .arch = "llama",
	  .layers = 2,
	  .width = 96,
	  .heads = 3,
	  .kv_heads = 1,
	  .ff = 64,
	  .vocab = 77,
	  .context = 100,
	  .tied = true,
	  .type = GGML_TYPE_Q4_0,
	  .seed = 2 },
	{ .name = "llama, all biases",
	  .arch = "llama",
	  .layers = 2,
	  .width = 64,
	  .heads = 4,
	  .kv_heads = 4,
	  .ff = 64,
	  .vocab = 64,
	  .context = 96,
	  .bias_qkv = true,
	  .bias_o = true,
	  .bias_ffn = true,
	  .type = GGML_TYPE_F32,
	  .seed = 3 },
	{ .name = "llama, bias on queries only",
	  .arch = "llama",
	  .layers = 1,
	  .width = 64,
	  .heads = 4,
	  .kv_heads = 2,
	  .ff = 64,
	  .vocab = 64,
	  .context = 96,
	  .bias_q_only = true,
	  .type = GGML_TYPE_F16,
	  .seed = 4 },
	{ .name = "llama, odd sizes",
	  .arch = "llama",
	  .layers = 2,
	  .width = 60,
	  .heads = 3,
	  .kv_heads = 3,
	  .ff = 50,
	  .vocab = 61,
	  .context = 90,
	  .type = GGML_TYPE_F32,
	  .seed = 5 },
	{ .name = "llama, rope_freqs",
	  .arch = "llama",
	  .layers = 2,
	  .width = 64,
	  .heads = 4,
	  .kv_heads = 2,
	  .ff = 64,
	  .vocab = 64,
	  .context = 96,
	  .rope_freqs = true,
	  .type = GGML_TYPE_Q8_0,
	  .seed = 6 },
	{ .name = "llama, linear scaling",
	  .arch = "llama",
	  .layers = 2,
	  .width = 64,
	  .heads = 4,
	  .kv_heads = 2,
	  .ff = 64,
	  .vocab = 64,
	  .context = 96,
	  .scaling = "linear",
	  .factor = 4,
	  .type = GGML_TYPE_Q8_0,
	  .seed = 7 },
	{ .name = "llama, part of the head rotated",
	  .arch = "llama",
	  .layers = 2,
	  .width = 64,
	  .heads = 4,
	  .kv_heads = 2,
	  .ff = 64,
	  .vocab = 64,
	  .context = 96,
	  .rope_dims = 6,
	  .type = GGML_TYPE_Q8_0,
	  .seed = 8 },
	{ .name = "llama, mixed formats",
	  .arch = "llama",
	  .layers = 2,
	  .width = 64,
	  .heads = 4,
	  .kv_heads = 2,
	  .ff = 64,
	  .vocab = 64,
	  .context = 96,
	  .type = GGML_TYPE_Q4_0,
	  .type_v = GGML_TYPE_Q8_0,
	  .seed = 9 },
	{ .name = "qwen2, biases",
	  .arch = "qwen2",
	  .layers = 2,
	  .width = 64,
	  .heads = 4,
	  .kv_heads = 2,
	  .ff = 96,
	  .vocab = 90,
	  .context = 96,
	  .bias_qkv = true,
	  .bias_out = true,
	  .rope_base = 1e6f,
	  .type = GGML_TYPE_Q8_0,
	  .seed = 10 },
	{ .name = "qwen2, yarn",
	  .arch = "qwen2",
	  .layers = 2,
	  .width = 128,
	  .heads = 2,
	  .kv_heads = 1,
	  .ff = 64,
	  .vocab = 64,
	  .context = 256,
	  .bias_qkv = true,
	  .scaling = "yarn",
	  .factor = 4,
	  .orig_context = 64,
	  .type = GGML_TYPE_Q8_0,
	  .seed = 11 },
	{ .name = "qwen2, yarn, attn_factor",
	  .arch = "qwen2",
	  .layers = 1,
	  .width = 128,
	  .heads = 2,
	  .kv_heads = 2,
	  .ff = 64,
	  .vocab = 64,
	  .context = 128,
	  .bias_qkv = true,
	  .scaling = "yarn",
	  .factor = 8,
	  .attn_factor = 0.8f,
	  .orig_context = 32,
	  .type = GGML_TYPE_Q8_0,
	  .seed = 12 },
	{ .name = "qwen3, wide heads",
	  .arch = "qwen3",
	  .layers = 2,
	  .width = 64,
	  .heads = 4,
	  .kv_heads = 2,
	  .ff = 96,
	  .vocab = 80,
	  .context = 96,
	  .head_size = 128,
	  .rope_base = 1e6f,
	  .type = GGML_TYPE_Q8_0,
	  .seed = 13 },
	{ .name = "qwen3, heads of 80",
	  .arch = "qwen3",
	  .layers = 2,
	  .width = 96,
	  .heads = 4,
	  .kv_heads = 4,
	  .ff = 96,
	  .vocab = 80,
	  .context = 96,
	  .head_size = 80,
	  .type = GGML_TYPE_Q4_0,
	  .seed = 14 },
	{ .name = "qwen3, small heads",
	  .arch = "qwen3",
	  .layers = 2,
	  .width = 64,
	  .heads = 8,
	  .kv_heads = 4,
	  .ff = 64,
	  .vocab = 64,
	  .context = 96,
	  .head_size = 10,
	  .type = GGML_TYPE_F32,
	  .seed = 15 },
	/* scores or logits do not fit the small chip's scratch at once */
	{ .name = "qwen3, many positions",
	  .arch = "qwen3",
	  .layers = 1,
	  .width = 64,
	  .heads = 8,
	  .kv_heads = 4,
	  .ff = 64,
	  .vocab = 64,
	  .context = 8000,
	  .head_size = 64,
	  .type = GGML_TYPE_Q8_0,
	  .seed = 16 },
	{ .name = "qwen2, large vocabulary",
	  .arch = "qwen2",
	  .layers = 1,
	  .width = 32,
	  .heads = 2,
	  .kv_heads = 1,
	  .ff = 32,
	  .vocab = 70001,
	  .context = 96,
	  .bias_qkv = true,
	  .bias_out = true,
	  .type = GGML_TYPE_Q8_0,
	  .seed = 17 },
	{ .name = "qwen3, parts of two and one head",
	  .arch = "qwen3",
	  .layers = 2,
	  .width = 64,
	  .heads = 5,
	  .kv_heads = 5,
	  .ff = 64,
	  .vocab = 64,
	  .context = 5000,
	  .head_size = 32,
	  .type = GGML_TYPE_Q8_0,
	  .seed = 18 },
	{ .name = "llama, layers that differ",
	  .arch = "llama",
	  .layers = 5,
	  .width = 64,
	  .heads = 4,
	  .kv_heads = 2,
	  .ff = 64,
	  .vocab = 64,
	  .context = 96,
	  .odd_layer = 2,
	  .type = GGML_TYPE_Q8_0,
	  .seed = 19 },
};

#define N_SPECS (sizeof(specs) / sizeof(specs[0]))

static void open_model(struct model_run *r, const uint8_t *data, size_t size, const char *chip,
		       uint32_t seqs)
{
	const struct compile_options o = { .data = data, .size = size, .chip = compile_chip(chip) };

	if (model_open(r, &o, seqs))
		fail_msg("%s", r->err);
}

static void make_tokens(const struct gen_spec *s, uint32_t *t, uint32_t n, uint64_t seed)
{
	while (n--)
		*t++ = (uint32_t)(gguf_random(&seed) >> 33) % s->vocab;
}

static void check(struct model_run *r, int ret)
{
	if (ret < 0)
		fail_msg("%s", r->err);
}

static uint32_t arg_max(const float *p, uint32_t n)
{
	uint32_t i, best = 0;

	for (i = 1; i < n; i++) {
		if (p[i] > p[best])
			best = i;
	}
	return best;
}

/* Logits of all tokens, chunk by chunk. */
static float *prompt_logits(struct model_run *r, uint32_t seq, const uint32_t *tokens, uint32_t n,
			    uint32_t chunk)
{
	float *l = malloc(4ull * n * r->mf->vocab);

	assert_non_null(l);
	check(r, model_prompt(r, seq, tokens, n, chunk, l));
	return l;
}

static void test_accuracy(void **state)
{
	const struct gen_spec *s = *state;
	bool scaled = s->scaling || s->rope_freqs;
	uint32_t tokens[TOKENS], n = s->vocab > 10000 ? 8 : TOKENS;
	struct model_run r;
	double *want, nmse;
	uint8_t *data;
	float *got;
	size_t size;

	assert_int_equal(gen_model(s, &data, &size), 0);
	make_tokens(s, tokens, n, s->seed);
	open_model(&r, data, size, "default", 1);
	got = prompt_logits(&r, 0, tokens, n, r.mf->max_cols);
	want = gen_logits(s, data, size, tokens, n, false);
	nmse = gen_nmse(got, want, (size_t)n * s->vocab);
	free(want);
	print_message("# %s: NMSE %.3g, %zu + %zu commands, %u columns\n", s->name, nmse,
		      r.n_cmds[0], r.n_cmds[1], r.mf->max_cols);
	if (!(nmse < NMSE_LIMIT))
		fail_msg("%s: NMSE %g, limit %g", s->name, nmse, NMSE_LIMIT);
	if (scaled) {
		/* would a wrong rotation have been seen? */
		want = gen_logits(s, data, size, tokens, n, true);
		nmse = gen_nmse(got, want, (size_t)n * s->vocab);
		free(want);
		if (!(nmse > 5 * NMSE_LIMIT))
			fail_msg("%s: rope scaling makes no difference: NMSE %g", s->name, nmse);
	}
	free(got);
	model_close(&r);
	free(data);
}

/* Sequences a and b, on a chip: chunks, decode and batch give the same bits. */
static void check_bits(const struct gen_spec *s, const uint8_t *data, size_t size, const char *chip,
		       const float *want, const uint32_t *tokens, uint32_t n)
{
	uint32_t batch, i, k, pos[8], first[8], one[STEPS], many[STEPS * 8];
	size_t row = 4ull * s->vocab;
	struct model_run r;
	float *got, *last = malloc(8 * row), *step = malloc(8 * row);

	assert_non_null(last);
	assert_non_null(step);
	open_model(&r, data, size, chip, 8);
	for (k = 1; k <= r.mf->max_cols; k = k < 3 ? k + 2 : k + 5) {
		got = prompt_logits(&r, 0, tokens, n, k);
		if (memcmp(got, want, n * row))
			fail_msg("%s, chip %s: chunks of %u differ", s->name, chip, k);
		free(got);
	}
	/* several sequences: the first i + 3 tokens of the prompt, then decoded alone and together */
	batch = r.mf->max_cols < 8 ? r.mf->max_cols : 8;
	for (i = 0; i < batch; i++) {
		pos[i] = i + 3;
		check(&r, model_prompt(&r, i, tokens, pos[i], r.mf->max_cols, NULL));
		first[i] = arg_max(want + (size_t)(pos[i] - 1) * s->vocab, s->vocab);
	}
	assert_int_equal(model_decode(&r, 0, pos, first, batch, STEPS, UINT32_MAX, many, last),
			 batch * STEPS);
	for (i = 0; i < batch; i++) {
		check(&r, model_prompt(&r, 0, tokens, pos[i], 1, NULL));
		assert_int_equal(
			model_decode(&r, 0, &pos[i], &first[i], 1, STEPS, UINT32_MAX, one, step),
			STEPS);
		for (k = 0; k < STEPS; k++) {
			if (many[k * batch + i] != one[k])
				fail_msg("%s, chip %s: batch column %u differs at step %u", s->name,
					 chip, i, k);
		}
		assert_memory_equal(step, last + (size_t)i * s->vocab, row);
	}
	/* decode is prefill of what it emitted */
	i = batch - 1;
	check(&r, model_prompt(&r, 0, tokens, pos[i], 1, NULL));
	for (k = 0; k < STEPS; k++) {
		check(&r, model_prefill(&r, 0, pos[i] + k, k ? &one[k - 1] : &first[i], 1, step));
		assert_int_equal(arg_max(step, s->vocab), one[k]);
	}
	assert_memory_equal(step, last + (size_t)i * s->vocab, row);
	/* a token that stops, of a single column only */
	for (k = 0; k + 1 < STEPS && one[k] != one[STEPS / 2]; k++)
		;
	check(&r, model_prompt(&r, 0, tokens, pos[i], 1, NULL));
	assert_int_equal(
		model_decode(&r, 0, &pos[i], &first[i], 1, STEPS, one[STEPS / 2], many, NULL),
		k + 1);
	assert_int_equal(model_decode(&r, 0, &pos[i], &first[i], 1, 0, UINT32_MAX, many, NULL), 0);
	model_close(&r);
	free(last);
	free(step);
}

static void test_bits(void **state)
{
	const struct gen_spec *s = *state;
	uint32_t tokens[40], n = s->vocab > 10000 ? 11 : 40;
	struct model_run r;
	uint8_t *data;
	float *want;
	size_t size;

	assert_int_equal(gen_model(s, &data, &size), 0);
	make_tokens(s, tokens, n, s->seed + 100);
	open_model(&r, data, size, "default", 1);
	want = prompt_logits(&r, 0, tokens, n, r.mf->max_cols);
	model_close(&r);
	check_bits(s, data, size, "default", want, tokens, n);
	check_bits(s, data, size, "small", want, tokens, n);
	free(want);
	free(data);
}

/* The shapes that must be cut are cut, on the small chip. */
static void test_shapes(void **state)
{
	struct model_run r;
	uint8_t *data;
	size_t size;

	(void)state;
	assert_int_equal(gen_model(&specs[15], &data, &size), 0);
	open_model(&r, data, size, "small", 1);
	assert_true(r.built.code.shape.kv_heads < specs[15].kv_heads);
	model_close(&r);
	free(data);
	assert_int_equal(gen_model(&specs[16], &data, &size), 0);
	open_model(&r, data, size, "small", 1);
	assert_true(r.built.code.shape.logits < specs[16].vocab);
	assert_int_equal(r.mf->max_cols, 2);
	model_close(&r);
	free(data);
	assert_int_equal(gen_model(&specs[17], &data, &size), 0);
	open_model(&r, data, size, "small", 1);
	assert_int_equal(r.built.code.shape.kv_heads, 2);
	assert_int_equal(r.built.code.shape.depth, 2);
	model_close(&r);
	free(data);
}

int main(void)
{
	struct CMUnitTest tests[2 * N_SPECS + 1];
	char names[2 * N_SPECS][96];
	size_t i;

	for (i = 0; i < N_SPECS; i++) {
		snprintf(names[i], sizeof(names[i]), "accuracy: %s", specs[i].name);
		tests[i] = (struct CMUnitTest){ names[i], test_accuracy, NULL, NULL,
						(void *)&specs[i] };
		snprintf(names[N_SPECS + i], sizeof(names[i]), "bits: %s", specs[i].name);
		tests[N_SPECS + i] = (struct CMUnitTest){ names[N_SPECS + i], test_bits, NULL, NULL,
							  (void *)&specs[i] };
	}
	tests[2 * N_SPECS] = (struct CMUnitTest)cmocka_unit_test(test_shapes);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("models", tests, NULL, NULL);
}
