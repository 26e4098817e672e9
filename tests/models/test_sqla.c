// SPDX-License-Identifier: MIT
/*
 * The two forms of squared linear attention: the same function in double precision, near to each other
 * on the reference model, each where its own roundings put it; which is chosen; what they cost.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/quant/ggml_types.h"
#include "compiler/tests/model_run.h"
#include "tests/models/forward64_ssm.h"
#include "tests/models/nmse.h"
#include "tests/models/synth_ssm.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define PROMPT	      70u
#define LONG	      3000u

/* As in test_ssm.c: single precision between roundings to int8; a tie may cost a seed. */
#define NMSE_INT8 1e-10
#define SEEDS	  24
/* int8 queries, keys and values on one side, fp32 ones on the other: what int8 costs in all. */
#define NMSE_FORMS 5e-3
/* With running sums of one fp32 number each, the parallel form is at 5e-11 to 1e-6. */
#define NMSE_LONG 1e-12
/* Double precision in another order. */
#define SAME64 1e-12

static const struct synth_ssm model = { .name = "forms",
					.arch = "sqla",
					.layers = 2,
					.width = 64,
					.vocab = 64,
					.context = 128,
					.taps = 2,
					.heads = 4,
					.kv_heads = 2,
					.head_size = 16,
					.ff = 96,
					.eps = 1e-5f,
					.type = GGML_TYPE_Q8_0 };

/* pass_linear and forward64_form of a form */
static const struct form {
	const char *name;
	enum pass_linear pass;
	enum forward64_form want;
} forms[2] = { { "recurrent", PASS_LINEAR_RECURRENT, FORWARD64_RECURRENT },
	       { "parallel", PASS_LINEAR_PARALLEL, FORWARD64_PARALLEL } };

static void make_tokens(uint32_t vocab, uint32_t *t, uint32_t n)
{
	uint32_t i;

	for (i = 0; i < n; i++)
		t[i] = (i * i * 7 + i * 31 + 1) % vocab;
}

static double *pass64(const struct synth_ssm *m, enum forward64_numbers numbers,
		      enum forward64_form form, const uint32_t *tokens, uint32_t n)
{
	struct gguf_error err = { 0 };
	size_t size, vocab;
	uint8_t *data;
	double *out;

	assert_int_equal(synth_ssm_build(m, &data, &size), 0);
	if (forward64_ssm(data, size, numbers, form, (const int32_t *)tokens, n, &out, &vocab, NULL,
			  &err))
		fail_msg("%s: %s", m->name, err.msg);
	assert_int_equal(vocab, m->vocab);
	free(data);
	return out;
}

static void open_model(struct model_run *r, const struct synth_ssm *m, enum pass_linear form,
		       const char *chip)
{
	struct compile_options o = { .linear = form, .chip = compile_chip(chip) };
	uint8_t *data;

	assert_int_equal(synth_ssm_build(m, &data, &o.size), 0);
	o.data = data;
	if (model_open(r, &o, 1))
		fail_msg("%s: %s", m->name, r->err);
	free(data);
}

/* Logits of n tokens on the reference model. */
static float *run(const struct synth_ssm *m, enum pass_linear form, const uint32_t *tokens,
		  uint32_t n)
{
	struct model_run r;
	float *l = malloc(4ull * n * m->vocab);

	assert_non_null(l);
	open_model(&r, m, form, "default");
	if (model_prompt(&r, 0, tokens, n, r.mf->max_cols, l))
		fail_msg("%s", r.err);
	model_close(&r);
	return l;
}

static double error_of(const float *got, const double *want, size_t n)
{
	struct nmse s = { 0 };

	nmse_add(&s, got, want, n);
	return nmse_get(&s);
}

/* Both forms of one file; true: both are near their double precision passes. */
static bool try_forms(const struct synth_ssm *m, const uint32_t *tokens, double *between)
{
	size_t n = (size_t)PROMPT * m->vocab, i, f;
	float *got[2];
	double *want[2], e[2], most = 0, size = 0;

	for (f = 0; f < 2; f++)
		want[f] = pass64(m, FORWARD64_EXACT, forms[f].want, tokens, PROMPT);
	for (i = 0; i < n; i++) {
		most = fmax(most, fabs(want[0][i] - want[1][i]));
		size = fmax(size, fabs(want[0][i]));
	}
	if (!(most <= SAME64 * size))
		fail_msg("%s: the forms differ by %g of %g in double precision", m->name, most,
			 size);
	free(want[0]);
	free(want[1]);
	for (f = 0; f < 2; f++) {
		got[f] = run(m, forms[f].pass, tokens, PROMPT);
		want[f] = pass64(m, FORWARD64_INT8, forms[f].want, tokens, PROMPT);
		e[f] = error_of(got[f], want[f], n);
		/* each pass is the one of its form, and of no other */
		if (f && error_of(got[1], want[0], n) < 100 * e[1])
			fail_msg("%s: the forms cannot be told apart", m->name);
	}
	*between = error_of(got[1], want[0], n);
	print_message("# d %2u seed %2d: recurrent %.0e, parallel %.0e, between them %.1e, "
		      "in double precision %.0e\n",
		      m->head_size, (int)m->seed, e[0], e[1], *between, most / size);
	for (f = 0; f < 2; f++) {
		free(got[f]);
		free(want[f]);
	}
	return e[0] < NMSE_INT8 && e[1] < NMSE_INT8;
}

static void test_agree(void **state)
{
	static const uint32_t sizes[] = { 1, 2, 7, 16, 33 };
	uint32_t tokens[PROMPT];
	struct synth_ssm m = model;
	double between = INFINITY;
	size_t i;
	int k;

	(void)state;
	make_tokens(m.vocab, tokens, PROMPT);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		m.head_size = sizes[i];
		m.seed = 0;
		for (k = 0; k < SEEDS && !try_forms(&m, tokens, &between); k++)
			m.seed++;
		assert_true(k < SEEDS);
		assert_true(between < NMSE_FORMS);
	}
}

/* Of `first` tokens of another text, nothing is left after fast decays: both forms forget alike. */
static void test_forget(void **state)
{
	uint32_t tokens[PROMPT], others[PROMPT], i;
	struct synth_ssm m = model;
	size_t f, row = m.vocab;

	(void)state;
	make_tokens(m.vocab, tokens, PROMPT);
	memcpy(others, tokens, sizeof(tokens));
	for (i = 0; i < 8; i++)
		others[i] = (tokens[i] + 17) % m.vocab;
	m.change = "blk.0.ssm_dt.bias";
	m.factor = -20; /* rates of up to 80 */
	m.layers = 1;
	for (f = 0; f < 2; f++) {
		float *a = run(&m, forms[f].pass, tokens, PROMPT);
		float *b = run(&m, forms[f].pass, others, PROMPT);
		double worst = 0, size = 0;

		for (i = 0; i < row; i++) {
			assert_true(isfinite(a[(PROMPT - 1) * row + i]));
			worst = fmax(worst, fabs((double)a[(PROMPT - 1) * row + i] -
						 (double)b[(PROMPT - 1) * row + i]));
			size = fmax(size, fabs((double)a[8 * row + i] - (double)b[8 * row + i]));
		}
		print_message("# %s: %.1e at position 8, %.1e at %u\n", forms[f].name, size, worst,
			      PROMPT - 1);
		assert_true(size > 1e-2 && worst < 1e-6);
		free(a);
		free(b);
	}
}

/* Queries of zero take nothing of any token: no division by zero in either form. */
static void test_zero(void **state)
{
	uint32_t tokens[PROMPT];
	struct synth_ssm m = model;
	size_t f;

	(void)state;
	make_tokens(m.vocab, tokens, PROMPT);
	m.plain_conv = true;
	m.change = "blk.1.attn_q.weight";
	m.factor = 0;
	for (f = 0; f < 2; f++) {
		double e = INFINITY;
		int k;

		for (k = 0, m.seed = 0; k < SEEDS && !(e < NMSE_INT8); k++, m.seed++) {
			float *got = run(&m, forms[f].pass, tokens, PROMPT);
			double *want = pass64(&m, FORWARD64_INT8, forms[f].want, tokens, PROMPT);

			e = error_of(got, want, (size_t)PROMPT * m.vocab);
			free(got);
			free(want);
			assert_true(isfinite(e));
		}
		assert_true(e < NMSE_INT8);
	}
}

/*
 * Thousands of tokens, each with a rate of about two: their sum has no digits left for one of them, if it is
 * a single number; the products of so many decays are far below what fp32 holds.
 */
static void test_long(void **state)
{
	uint32_t *tokens = malloc(LONG * sizeof(*tokens));
	struct synth_ssm m = model;
	size_t f, at, n;
	double e = INFINITY;
	int k;

	(void)state;
	assert_non_null(tokens);
	m.layers = 1;
	m.heads = 2;
	m.width = 32;
	m.vocab = 32;
	m.head_size = 8;
	m.ff = 32;
	m.context = 4096;
	m.change = "blk.0.ssm_dt.bias";
	m.factor = -1;
	make_tokens(m.vocab, tokens, LONG);
	for (f = 0; f < 2; f++) {
		for (k = 0, m.seed = 0; k < SEEDS; k++, m.seed++) {
			double *want = pass64(&m, FORWARD64_INT8, forms[f].want, tokens, LONG);
			float *got = run(&m, forms[f].pass, tokens, LONG);

			at = (size_t)(LONG - 8) * m.vocab;
			n = 8 * (size_t)m.vocab;
			e = error_of(got + at, want + at, n);
			free(got);
			free(want);
			if (e < NMSE_LONG)
				break;
		}
		print_message("# %s, the last 8 of %u tokens, seed %d: %.0e\n", forms[f].name, LONG,
			      (int)m.seed, e);
		assert_true(k < SEEDS);
	}
	free(tokens);
}

/* Which form a file is compiled to; refuses what a compiled one would not be. */
static bool is_parallel(const struct synth_ssm *m, enum pass_linear form, const char *chip)
{
	struct compile_options o = { .model = m->name, .linear = form, .chip = compile_chip(chip) };
	bool cache = false, state = false;
	struct compile_result r;
	const struct ir_op *op;
	uint8_t *data;

	assert_int_equal(synth_ssm_build(m, &data, &o.size), 0);
	o.data = data;
	if (compile_model(&o, &r))
		fail_msg("%s: %s", m->name, r.model.diag.msg);
	for (op = r.model.first; op; op = op->next) {
		cache = cache || (op->kind == IR_ATTENTION && op->squared);
		state = state || op->kind == IR_SQLA;
	}
	assert_true(cache != state);
	assert_true(cache == (r.code.kv.block_bytes != 0));
	compile_free(&r);
	free(data);
	return cache;
}

/* models.md: where the state is smaller than the cache, at about 22 tokens for 8, 1,058 for 64. */
static void test_choice(void **state)
{
	struct synth_ssm m = model;

	(void)state;
	assert_int_equal(pass_linear_crossing(8), 22);
	assert_int_equal(pass_linear_crossing(64), 1058);
	m.layers = 1;
	m.head_size = 8;
	m.context = 21;
	assert_true(is_parallel(&m, PASS_LINEAR_AUTO, "default"));
	assert_false(is_parallel(&m, PASS_LINEAR_RECURRENT, "default"));
	/* eight heads of 64: 4.3 MB of state, more than SRAM of the small chip */
	m.head_size = 64;
	m.heads = m.kv_heads = 8;
	m.context = 1100;
	assert_true(is_parallel(&m, PASS_LINEAR_AUTO, "small"));
	m.kv_heads = 4;
	assert_false(is_parallel(&m, PASS_LINEAR_AUTO, "small"));
	m.head_size = 8;
	m.context = 22;
	assert_false(is_parallel(&m, PASS_LINEAR_AUTO, "default"));
	assert_true(is_parallel(&m, PASS_LINEAR_PARALLEL, "default"));
}

/* A state costs the same at every position. */
static void test_flat(void **state)
{
	static const uint32_t pos[2] = { 16, 4096 };
	struct estimate e[2][2] = { 0 };
	struct synth_ssm m = model;
	struct model_run r;
	size_t f, k;

	(void)state;
	m.context = 4200;
	for (f = 0; f < 2; f++) {
		open_model(&r, &m, forms[f].pass, "small");
		for (k = 0; k < 2; k++) {
			assert_int_equal(model_estimate(&r.built, pos[k], &e[f][k]), 0);
			print_message("# %s: %llu cycles at %u\n", forms[f].name,
				      (unsigned long long)e[f][k].cycles, pos[k]);
		}
		model_close(&r);
	}
	assert_true(e[0][0].cycles > 0);
	assert_int_equal(e[0][0].cycles, e[0][1].cycles);
	assert_int_equal(e[0][1].kv_bytes, 0);
	assert_true(e[1][1].cycles > 5 * e[1][0].cycles);
	assert_true(e[1][1].kv_bytes > 100 * e[1][0].kv_bytes);
}

static void refuse(const struct synth_ssm *m, const char *says)
{
	struct compile_options o = { .model = "model", .chip = compile_chip("small") };
	struct compile_result r;
	uint8_t *data;

	assert_int_equal(synth_ssm_build(m, &data, &o.size), 0);
	o.data = data;
	assert_int_not_equal(compile_model(&o, &r), 0);
	if (!strstr(r.model.diag.msg, says))
		fail_msg("\"%s\" does not say \"%s\"", r.model.diag.msg, says);
	compile_free(&r);
	free(data);
}

/* Missing tensors are test_ssm.c's; a wrong shape is named with what is expected. */
static void test_refusals(void **state)
{
	static const char *const names[] = { "attn_q.weight",	    "attn_k.weight",
					     "attn_v.weight",	    "ssm_alpha.weight",
					     "ssm_dt.bias",	    "ssm_conv1d_q.weight",
					     "ssm_conv1d_k.weight", "ssm_conv1d_v.weight",
					     "ssm_conv1d_k.bias",   "attn_output.weight",
					     "ffn_down.weight" };
	struct synth_ssm m = model;
	char name[64], says[96];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(name, sizeof(name), "blk.1.%s", names[i]);
		snprintf(says, sizeof(says), "tensor %s: shape", name);
		m.wide = name;
		refuse(&m, says);
	}
	m.wide = NULL;
	m.taps = 1;
	refuse(&m, "key sqla.ssm.conv_kernel: 1, supported: 2 to 64");
	m.taps = 2;
	m.head_size = 1025;
	refuse(&m, "key sqla.attention.key_length: 1025, supported: at most 1024");
	m.head_size = 16;
	m.kv_heads = 3;
	refuse(&m, "key sqla.attention.head_count_kv: 3 does not divide head_count 4");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_agree),	 cmocka_unit_test(test_forget),
		cmocka_unit_test(test_zero),	 cmocka_unit_test(test_long),
		cmocka_unit_test(test_choice),	 cmocka_unit_test(test_flat),
		cmocka_unit_test(test_refusals),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("sqla", tests, NULL, NULL);
}
