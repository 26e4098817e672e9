// SPDX-License-Identifier: MIT
/*
 * State space models and hybrids through the compiler and the reference model: against the double
 * precision pass over the same file, and the same bytes in chunks of any size, in batches, decoded and
 * prefilled, on both chips.
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

#include "compiler/tests/gguf_walk.h"
#include "compiler/tests/model_run.h"
#include "tests/models/forward64_ssm.h"
#include "tests/models/nmse.h"
#include "tests/models/synth_ssm.h"

#define PROMPT 70
#define STEPS  6

/*
 * The chip rounds where FORWARD64_INT8 does and computes in single precision between: 1e-14 to 1e-11.
 * A number in the middle between two codes may go to the other side, and a state carries the difference
 * on; then another seed has to do. int8 itself costs 1e-4 to 2e-2, most where there are many layers.
 */
#define NMSE_INT8      1e-10
#define NMSE_TIED      1e-2
#define NMSE_MOE       1.0 /* the same where experts are chosen: another one may be */
#define NEAR_TIE       2e-3
#define NMSE_EXACT     4e-2
#define NMSE_EXACT_MOE 0.2 /* where int8 makes scores of experts change places */
#define NMSE_SEEN      1e-5
#define SEEDS	       24

static void make_tokens(uint32_t vocab, uint32_t *t, uint32_t n)
{
	uint32_t i;

	for (i = 0; i < n; i++)
		t[i] = (i * i * 7 + i * 31 + 1) % vocab;
}

static void open_model(struct model_run *r, const uint8_t *data, size_t size, const char *chip,
		       uint32_t seqs)
{
	const struct compile_options o = { .data = data, .size = size, .chip = compile_chip(chip) };

	if (model_open(r, &o, seqs))
		fail_msg("%s", r->err);
}

static float *prompt(struct model_run *r, uint32_t seq, const uint32_t *tokens, uint32_t n,
		     uint32_t chunk)
{
	float *l = malloc(4ull * n * r->mf->vocab);

	assert_non_null(l);
	if (model_prompt(r, seq, tokens, n, chunk, l))
		fail_msg("%s", r->err);
	return l;
}

/* The graph's text gives the same graph. */
static void check_text(struct model_run *r)
{
	struct strbuf a = { 0 }, b = { 0 };
	struct ir_model m;

	ir_print(&r->built.model, &a);
	ir_init(&m);
	if (ir_parse(&m, a.p, a.len))
		fail_msg("%s", m.diag.msg);
	assert_int_equal(ir_verify(&m), 0);
	ir_print(&m, &b);
	assert_int_equal(a.len, b.len);
	assert_memory_equal(a.p, b.p, a.len);
	ir_free(&m);
	strbuf_free(&a);
	strbuf_free(&b);
}

static double against(const struct synth_ssm *m, enum forward64_numbers numbers,
		      const uint32_t *tokens, const float *got, double *tie)
{
	struct gguf_error err = { 0 };
	struct nmse s = { 0 };
	double *want;
	uint8_t *data;
	size_t size, vocab;

	assert_int_equal(synth_ssm_build(m, &data, &size), 0);
	if (forward64_ssm(data, size, numbers, FORWARD64_BY_CONTEXT, (const int32_t *)tokens,
			  PROMPT, &want, &vocab, tie, &err))
		fail_msg("%s: %s", m->name, err.msg);
	assert_int_equal(vocab, m->vocab);
	nmse_add(&s, got, want, PROMPT * vocab);
	free(want);
	free(data);
	return nmse_get(&s);
}

#ifndef __SANITIZE_ADDRESS__
/*
 * A tenth more of any one tensor of a layer would be noticed. This is about the test and its oracle:
 * sanitizers find nothing here in the minutes that it would take.
 */
static void check_sensitive(const struct synth_ssm *m, const uint8_t *data, size_t size,
			    const uint32_t *tokens, const float *got)
{
	struct synth_ssm other = *m;
	struct gguf_error err = { 0 };
	double least = INFINITY, v;
	char name[96], which[96] = "";
	struct gguf_file *f;
	size_t i;

	assert_int_equal(gguf_open_mem(data, size, &f, &err), 0);
	for (i = 0; i < gguf_n_tensors(f); i++) {
		const struct gguf_tensor *t = gguf_tensor(f, i);

		snprintf(name, sizeof(name), "%.*s", (int)t->name.len, t->name.ptr);
		other.change = name;
		/* biases that only choose: a tenth may choose nothing else */
		other.factor = strstr(name, "exp_probs_b") ? -2 : 1.1f;
		/* a norm takes such a factor out again, and the row sums of a matrix before it, too */
		if (strstr(name, "ssm_x.") && m->inner_norms)
			continue;
		/* the norms behind these do the same; the first layer has no use of its v's */
		if (m->lora &&
		    (strstr(name, "k_k.") || strstr(name, "token_embd.") ||
		     strstr(name, "blk.0.time_mix_v0") || strstr(name, "blk.0.time_mix_v1") ||
		     strstr(name, "blk.0.time_mix_v2")))
			continue;
		/* without a bias behind them these only scale all scores */
		if (m->plain_conv && (strstr(name, "_q.") || strstr(name, "_k.")))
			continue;
		v = against(&other, FORWARD64_INT8, tokens, got, NULL);
		if (v < least) {
			least = v;
			snprintf(which, sizeof(which), "%s", name);
		}
	}
	gguf_close(f);
	print_message("# %-20s the least a tenth of a tensor does: %.1e, %s\n", m->name, least,
		      which);
	if (!(least > NMSE_SEEN))
		fail_msg("%s: a change of %s would pass: NMSE %g", m->name, which, least);
}
#endif

static uint32_t top(const float *v, uint32_t n)
{
	uint32_t best = 0, i;

	for (i = 1; i < n; i++)
		best = v[i] > v[best] ? i : best;
	return best;
}

/* Chunks, batches of sequences, decode and prefill: `want` are the prompt's logits. */
static void check_bytes(const struct synth_ssm *m, const uint8_t *data, size_t size,
			const char *chip, const uint32_t *tokens, const float *want)
{
	static const uint32_t chunks[] = { 1, 2, 3, 8 };
	uint32_t pos[8], first[8], many[8 * STEPS], one[STEPS], n, i, k;
	size_t row = 4ull * m->vocab;
	struct model_run r;
	float *got, *last = malloc(8 * row), *step = malloc(row);

	assert_non_null(last);
	assert_non_null(step);
	open_model(&r, data, size, chip, 8);
	for (i = 0; i < sizeof(chunks) / sizeof(chunks[0]); i++) {
		if (chunks[i] > r.mf->max_cols)
			continue;
		got = prompt(&r, i, tokens, PROMPT, chunks[i]);
		if (memcmp(got, want, PROMPT * row))
			fail_msg("%s, chip %s: chunks of %u differ", m->name, chip, chunks[i]);
		free(got);
		model_forget(&r, i);
	}
	n = r.mf->max_cols < 8 ? r.mf->max_cols : 8;
	for (i = 0; i < n; i++) {
		pos[i] = 3 * i + 1;
		free(prompt(&r, i, tokens, pos[i], r.mf->max_cols));
		first[i] = top(want + (pos[i] - 1) * m->vocab, m->vocab);
	}
	assert_int_equal(model_decode(&r, 0, pos, first, n, STEPS, UINT32_MAX, many, last),
			 n * STEPS);
	for (i = 0; i < n; i++) {
		model_forget(&r, i);
		free(prompt(&r, i, tokens, pos[i], 1));
		assert_int_equal(
			model_decode(&r, i, &pos[i], &first[i], 1, STEPS, UINT32_MAX, one, step),
			STEPS);
		for (k = 0; k < STEPS; k++)
			assert_int_equal(many[k * n + i], one[k]);
		assert_memory_equal(step, last + i * m->vocab, row);
		model_forget(&r, i);
	}
	/* decode is prefill of what it emitted */
	free(prompt(&r, 0, tokens, pos[n - 1], 1));
	for (k = 0; k < STEPS; k++) {
		const uint32_t *t = k ? &one[k - 1] : &first[n - 1];

		assert_int_equal(model_prefill(&r, 0, pos[n - 1] + k, t, 1, step), 0);
		assert_int_equal(top(step, m->vocab), one[k]);
	}
	assert_memory_equal(step, last + (n - 1) * m->vocab, row);
	model_close(&r);
	free(last);
	free(step);
}

static void test_shape(void **state)
{
	struct synth_ssm m = *(const struct synth_ssm *)*state;
	double int8 = 0, exact, tie;
	uint32_t tokens[PROMPT], i;
	struct model_run r;
	uint8_t *data = NULL;
	float *got = NULL;
	size_t size = 0;

	make_tokens(m.vocab, tokens, PROMPT);
	for (i = 0;; i++, m.seed++) {
		if (i == SEEDS)
			fail_msg("%s: none of %d seeds agrees with the int8 pass", m.name, SEEDS);
		assert_int_equal(synth_ssm_build(&m, &data, &size), 0);
		open_model(&r, data, size, "default", 1);
		got = prompt(&r, 0, tokens, PROMPT, r.mf->max_cols);
		check_text(&r);
		model_close(&r);
		int8 = against(&m, FORWARD64_INT8, tokens, got, &tie);
		if (int8 < NMSE_INT8)
			break;
		if (!(int8 < (m.experts ? NMSE_MOE : NMSE_TIED)) || tie > NEAR_TIE)
			fail_msg("%s, seed %d: NMSE %g against the int8 pass, nearest tie %g",
				 m.name, (int)m.seed, int8, tie);
		free(got);
		free(data);
	}
	exact = against(&m, FORWARD64_EXACT, tokens, got, NULL);
	print_message("# %-20s seed %2d: int8 %.0e, exact %.1e\n", m.name, (int)m.seed, int8,
		      exact);
	assert_true(exact < (m.experts ? NMSE_EXACT_MOE : NMSE_EXACT));
#ifndef __SANITIZE_ADDRESS__
	check_sensitive(&m, data, size, tokens, got);
#endif
	check_bytes(&m, data, size, "default", tokens, got);
	check_bytes(&m, data, size, "small", tokens, got);
	free(got);
	free(data);
}

static void change_key(const struct synth_ssm *m, const char *drop, const char *says)
{
	struct synth_ssm bad = *m;
	struct compile_options o = { .model = "model", .chip = compile_chip("small") };
	struct compile_result r;
	uint8_t *data;

	bad.drop = drop;
	assert_int_equal(synth_ssm_build(&bad, &data, &o.size), 0);
	o.data = data;
	assert_int_not_equal(compile_model(&o, &r), 0);
	if (!strstr(r.model.diag.msg, says))
		fail_msg("%s: \"%s\" does not say \"%s\"", m->name, r.model.diag.msg, says);
	compile_free(&r);
	free(data);
}

/* Of a layer: there may be none of that name; where others have it, one that is missing is named. */
static bool only_bias(const struct synth_ssm *m, const struct gguf_file *f, const char *name)
{
	const char *what = strchr(name + strlen("blk."), '.');
	bool conv = strstr(name, ".ssm_conv1d.bias");
	size_t i, n = 0;

	if (strncmp(name, "blk.", 4) || !(conv || strstr(name, ".attn_")) ||
	    !strstr(name, ".bias") ||
	    (conv && (!strncmp(m->arch, "mamba", 5) || !strcmp(m->arch, "jamba"))))
		return false;
	for (i = 0; i < gguf_n_tensors(f); i++) {
		struct gguf_str s = gguf_tensor(f, i)->name;
		size_t len = strlen(what);

		n += s.len > len && !memcmp(s.ptr + s.len - len, what, len);
	}
	return n == 1;
}

/* Every tensor that is missing and every number that makes no sense is named. */
static void test_refusals(void **state)
{
	struct synth_ssm m = ssm_shapes[0];
	struct gguf_error err = { 0 };
	struct gguf_file *f;
	uint8_t *data;
	size_t size, i, k;
	char name[96];

	(void)state;
	m.taps = 1;
	change_key(&m, NULL, "key mamba.ssm.conv_kernel: 1");
	m.taps = 65;
	change_key(&m, NULL, "key mamba.ssm.conv_kernel: 65");
	m.taps = 4;
	m.experts = 4;
	m.used = 2;
	m.heads = 2;
	change_key(&m, NULL, "key mamba.expert_count: mixtures of experts are not supported");
	for (i = 0; i < n_ssm_shapes; i++) {
		m = ssm_shapes[i];
		if (m.groups > 1 && strncmp(m.arch, "qwen", 4)) {
			m.groups = m.rank - 1;
			change_key(&m, NULL, "ssm.time_step_rank");
			m = ssm_shapes[i];
		}
		if (m.experts) {
			m.used = m.experts + 1;
			change_key(&m, NULL, "expert_used_count");
			m = ssm_shapes[i];
		}
		if (m.pattern && strncmp(m.arch, "qwen", 4)) {
			m.pattern = "m";
			change_key(&m, NULL, "attention.head_count_kv: 0 for all layers");
			m = ssm_shapes[i];
		}
		assert_int_equal(synth_ssm_build(&m, &data, &size), 0);
		assert_int_equal(gguf_open_mem(data, size, &f, &err), 0);
		for (k = 0; k < gguf_n_tensors(f); k++) {
			const struct gguf_tensor *t = gguf_tensor(f, k);

			snprintf(name, sizeof(name), "%.*s", (int)t->name.len, t->name.ptr);
			/* these may be absent */
			if (!strcmp(name, "output.weight") ||
			    (!strcmp(m.arch, "mamba") && strstr(name, "_norm.weight") &&
			     strstr(name, ".ssm_")) ||
			    strstr(name, "blk.0.time_mix_v") || only_bias(&m, f, name))
				continue;
			change_key(&m, name,
				   m.joined_in && strstr(name, ".ssm_in") ? ".attn_qkv" : name);
		}
		gguf_close(f);
		free(data);
	}
}

int main(void)
{
	struct CMUnitTest *tests = calloc(n_ssm_shapes + 1, sizeof(*tests));
	size_t i;
	int ret;

	if (!tests)
		return 1;
	for (i = 0; i < n_ssm_shapes; i++)
		tests[i] = (struct CMUnitTest){ ssm_shapes[i].name, test_shape, NULL, NULL,
						(void *)&ssm_shapes[i] };
	tests[n_ssm_shapes] = (struct CMUnitTest)cmocka_unit_test(test_refusals);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	ret = _cmocka_run_group_tests("ssm", tests, n_ssm_shapes + 1, NULL, NULL);
	free(tests);
	return ret;
}
