// SPDX-License-Identifier: MIT
/*
 * Whole models, compiled and run on the reference model: chunks of any size, decode and prefill,
 * batches and single sequences, both chip configurations give the same bits. What those bits should
 * be is tests/models' affair.
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
#include "compiler/tests/model_run.h"
#include "tests/models/shapes.h"

#define STEPS 12u

/* Scores or logits of these do not fit the small chip's scratch at once. */
enum { MANY_POSITIONS, LARGE_VOCABULARY, HEADS_IN_PARTS, CUT_SHAPES };
static const struct synth_model cut[CUT_SHAPES] = {
	[MANY_POSITIONS] = { .name = "qwen3, many positions",
			     .arch = "qwen3",
			     .layers = 1,
			     .width = 64,
			     .heads = 8,
			     .kv_heads = 4,
			     .ff = 64,
			     .vocab = 64,
			     .context = 8000,
			     .head_size = 64,
			     .eps = 1e-5f,
			     .type = GGML_TYPE_Q8_0,
			     .seed = 16 },
	[LARGE_VOCABULARY] = { .name = "qwen2, large vocabulary",
			       .arch = "qwen2",
			       .layers = 1,
			       .width = 32,
			       .heads = 2,
			       .kv_heads = 1,
			       .ff = 32,
			       .vocab = 70001,
			       .context = 96,
			       .bias = SYNTH_BIAS_QKV | SYNTH_BIAS_OUT,
			       .eps = 1e-5f,
			       .type = GGML_TYPE_Q8_0,
			       .seed = 17 },
	[HEADS_IN_PARTS] = { .name = "qwen3, parts of two and one head",
			     .arch = "qwen3",
			     .layers = 2,
			     .width = 64,
			     .heads = 5,
			     .kv_heads = 5,
			     .ff = 64,
			     .vocab = 64,
			     .context = 5000,
			     .head_size = 32,
			     .eps = 1e-5f,
			     .type = GGML_TYPE_Q8_0,
			     .seed = 18 },
};

static void open_model(struct model_run *r, const uint8_t *data, size_t size, const char *chip,
		       uint32_t seqs)
{
	const struct compile_options o = { .data = data, .size = size, .chip = compile_chip(chip) };

	if (model_open(r, &o, seqs))
		fail_msg("%s", r->err);
}

static void make_tokens(const struct synth_model *s, uint32_t *t, uint32_t n, uint64_t seed)
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

/* Sequences a and b, on a chip: chunks, decode and batch give the same bits. */
static void check_bits(const struct synth_model *s, const uint8_t *data, size_t size,
		       const char *chip, const float *want, const uint32_t *tokens, uint32_t n)
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
	const struct synth_model *s = *state;
	uint32_t tokens[40], n = s->vocab > 10000 ? 11 : 40;
	struct model_run r;
	uint8_t *data;
	float *want;
	size_t size;

	assert_int_equal(synth_build(s, &data, &size), 0);
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
static void open_cut(struct model_run *r, unsigned int which)
{
	uint8_t *data;
	size_t size;

	assert_int_equal(synth_build(&cut[which], &data, &size), 0);
	open_model(r, data, size, "small", 1);
	free(data);
}

static void test_cuts(void **state)
{
	struct model_run r;

	(void)state;
	open_cut(&r, MANY_POSITIONS);
	assert_true(r.built.code.shape.kv_heads < cut[MANY_POSITIONS].kv_heads);
	model_close(&r);
	open_cut(&r, LARGE_VOCABULARY);
	assert_true(r.built.code.shape.logits < cut[LARGE_VOCABULARY].vocab);
	assert_int_equal(r.mf->max_cols, 2);
	model_close(&r);
	open_cut(&r, HEADS_IN_PARTS);
	assert_int_equal(r.built.code.shape.kv_heads, 2);
	assert_int_equal(r.built.code.shape.depth, 2);
	model_close(&r);
}

int main(void)
{
	size_t n = n_shapes + CUT_SHAPES, i;
	struct CMUnitTest *tests = calloc(n + 1, sizeof(*tests));
	int ret;

	if (!tests)
		return 1;
	for (i = 0; i < n; i++) {
		const struct synth_model *m = i < n_shapes ? &shapes[i] : &cut[i - n_shapes];

		tests[i] = (struct CMUnitTest){ m->name, test_bits, NULL, NULL, (void *)m };
	}
	tests[n] = (struct CMUnitTest)cmocka_unit_test(test_cuts);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	ret = _cmocka_run_group_tests("bits", tests, n + 1, NULL, NULL);
	free(tests);
	return ret;
}
