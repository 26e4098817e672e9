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
#include "tests/models/shapes.h"
#include "tests/models/synth.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define PROMPT	      70
#define STEPS	      8 /* of decoding */

/*
 * The chip rounds to int8 in the places that FORWARD64_INT8 names and computes in single precision
 * between them, so it is as far from that pass as single precision is: 1e-14 to 1e-12 (errors of
 * 1e-7 to 1e-6, squared), position by position. Only where a number lies in the middle between two
 * codes, the two may round it to different sides, and everything after it differs by what int8
 * costs. Then another seed, which has its ties elsewhere, has to do: up to SEEDS, until one agrees
 * in all positions. A difference without such a tie, or too large for it, is a failure at once.
 */
#define NMSE_INT8 1e-10
#define NEAR_TIE  1e-3 /* of a step: codes to 127; a soft cap of 60 leaves 7e-6 of a score */
#define NMSE_TIE  0.1  /* what it may cost a position */
#define NMSE_MOE  1.0  /* the same where experts are chosen: another one may be */
#define SEEDS	  24
/*
 * Large models are hardly ever without a tie; of random ones the second KV block is wanted, or this
 * many positions of several seeds.
 */
#define RANDOM_AGREE 40
#define RANDOM_SUM   160

/*
 * What int8 costs against exact arithmetic. A group of 32 numbers with one scale keeps each to half
 * a step, (amax / 127)^2 / 12 of error, which is 2e-5 to 8e-5 of their mean square (amax is 2 to 4
 * deviations). There are eight such roundings in a layer, more where weights are rounded too; the
 * residual hands them on and the softmax of scores turns an error of theirs into a factor. Random
 * models end at 2e-4 to 4e-3, trained ones at 1e-4. A mistake in what is computed costs 1e-3 to 2.
 */
#define NMSE_EXACT 5e-3
/* Where int8 makes scores of experts change places, another one answers. */
#define NMSE_EXACT_MOE 0.2

/* A changed model is at least this far from the chip's results. */
#define NMSE_SEEN 1e-5

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
	if (!m->original || (m->scaling && !strcmp(m->scaling, "linear")))
		return false;
	/* phi3: to the other side of the context */
	m->original = strcmp(m->arch, "phi3")	 ? m->original * 3
		      : m->original < m->context ? m->context
						 : m->context / 2;
	return true;
}

static bool no_attn_factor(struct synth_model *m)
{
	if (m->attn_factor == 0)
		return false;
	m->attn_factor = 0;
	return true;
}

/* 0: nothing is rotated */
static uint32_t rope_dims(const struct synth_model *m)
{
	if (m->no_rope || !strcmp(m->arch, "gpt2"))
		return 0;
	return m->rope_dims ? m->rope_dims : synth_head_size(m);
}

static bool other_base(struct synth_model *m)
{
	m->rope_base = m->rope_base == 0 ? 500000 : 10000;
	return rope_dims(m) > 2;
}

static bool fewer_rope_dims(struct synth_model *m)
{
	m->rope_dims = rope_dims(m) / 4 * 2;
	return m->rope_dims && !m->rope_freqs && !m->mla_rank;
}

static bool all_rope_dims(struct synth_model *m)
{
	if (!m->rope_dims || m->rope_dims == synth_head_size(m) || m->rope_freqs || m->mla_rank)
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
	if (rope_dims(m) < 4 || m->bias || m->rope_freqs || m->window ||
	    (strcmp(m->arch, "llama") && strcmp(m->arch, "qwen2")))
		return false;
	m->arch = strcmp(m->arch, "llama") ? "llama" : "qwen2";
	return true;
}

static bool one_bias_less(struct synth_model *m)
{
	if (!m->bias)
		return false;
	m->bias &= m->bias - 1;
	/* one tensor */
	if (m->fused_qkv || !strcmp(m->arch, "gpt2") || !strcmp(m->arch, "phi3"))
		m->bias &= ~(uint32_t)SYNTH_BIAS_QKV;
	return true;
}

static bool no_head_norms(struct synth_model *m)
{
	if (strncmp(m->arch, "qwen3", 5))
		return false;
	m->arch = m->experts ? "qwen2moe" : "qwen2";
	return true;
}

static bool no_window(struct synth_model *m)
{
	if (!m->window || m->window >= m->context)
		return false;
	m->window = m->context;
	return true;
}

static bool wider_window(struct synth_model *m)
{
	if (!m->window || m->window >= m->context)
		return false;
	m->window++;
	return true;
}

static bool other_pattern(struct synth_model *m)
{
	if (!m->window)
		return false;
	m->flags = NULL;
	m->pattern = m->pattern == 2 || !strcmp(m->arch, "gemma2") || !strcmp(m->arch, "gpt-oss")
			     ? 3
			     : 2;
	return true;
}

static bool other_base_win(struct synth_model *m)
{
	if (!m->window || (strcmp(m->arch, "gemma3") && strcmp(m->arch, "olmo2")))
		return false;
	m->base_win = 700;
	return true;
}

static bool no_sinks(struct synth_model *m)
{
	if (!m->sinks)
		return false;
	m->sinks = false;
	return true;
}

static bool other_attn_cap(struct synth_model *m)
{
	m->attn_cap *= 2;
	return m->attn_cap != 0;
}

static bool other_final_cap(struct synth_model *m)
{
	m->final_cap *= 2;
	return m->final_cap != 0;
}

static bool other_attn_scale(struct synth_model *m)
{
	m->attn_scale *= 1.25f;
	return m->attn_scale != 0;
}

static bool other_embd_scale(struct synth_model *m)
{
	m->embd_scale *= 1.25f;
	return m->embd_scale != 0;
}

static bool other_residual_scale(struct synth_model *m)
{
	m->residual_scale *= 1.25f;
	return m->residual_scale != 0;
}

static bool other_logit_scale(struct synth_model *m)
{
	m->logit_scale *= 1.25f;
	return m->logit_scale != 0;
}

static bool small_eps(struct synth_model *m)
{
	if (m->eps < 0.01f)
		return false;
	m->eps = 1e-6f;
	return true;
}

static bool other_number_of_experts(struct synth_model *m)
{
	if (m->experts < 2)
		return false;
	m->used += m->used < m->experts ? 1 : -1;
	return true;
}

static bool no_shared_expert(struct synth_model *m)
{
	if (!m->shared_ff)
		return false;
	m->shared_ff = 0;
	return true;
}

static bool other_weights_scale(struct synth_model *m)
{
	m->weights_scale *= 1.25f;
	return m->weights_scale != 0;
}

static bool no_weights_norm(struct synth_model *m)
{
	if (!m->weights_norm)
		return false;
	m->weights_norm = false;
	return true;
}

static bool no_select_bias(struct synth_model *m)
{
	if (!m->select_bias)
		return false;
	m->select_bias = false;
	return true;
}

static bool other_groups(struct synth_model *m)
{
	if (m->used_groups == m->groups)
		return false;
	m->used_groups++;
	return true;
}

static bool other_gating(struct synth_model *m)
{
	if (!m->gating)
		return false;
	m->gating = 3 - m->gating;
	return true;
}

static bool no_dense_layers(struct synth_model *m)
{
	if (!m->dense_layers)
		return false;
	m->dense_layers = 0;
	return true;
}

static bool other_yarn_log(struct synth_model *m)
{
	m->yarn_log *= 2;
	return m->yarn_log != 0;
}

static bool no_scales(struct synth_model *m)
{
	if (!m->scales)
		return false;
	m->scales = false;
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
	{ "one bias less", one_bias_less },
	{ "no q/k norms", no_head_norms },
	{ "a small eps", small_eps },
	{ "no window", no_window },
	{ "a wider window", wider_window },
	{ "another pattern", other_pattern },
	{ "another base of windowed layers", other_base_win },
	{ "no sinks", no_sinks },
	{ "another cap of scores", other_attn_cap },
	{ "another cap of logits", other_final_cap },
	{ "another scale of scores", other_attn_scale },
	{ "another embedding scale", other_embd_scale },
	{ "another residual scale", other_residual_scale },
	{ "another logit scale", other_logit_scale },
	{ "another number of experts", other_number_of_experts },
	{ "no shared expert", no_shared_expert },
	{ "another scale of experts", other_weights_scale },
	{ "no norm of experts' weights", no_weights_norm },
	{ "no bias of choices", no_select_bias },
	{ "another number of groups", other_groups },
	{ "another gating", other_gating },
	{ "no dense layers", no_dense_layers },
	{ "another yarn multiplier", other_yarn_log },
	{ "no scales of matrices", no_scales },
	{ "other weights", other_weights },
};

/* --- running ----------------------------------------------------------------------------------- */

struct run {
	struct accel_device *dev;
	struct accel_model *model;
	uint32_t vocab, context;
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

static void compile(const char *gguf, const char *accel, const char *chip, enum pass_format format,
		    uint32_t context)
{
	struct compile_options o = { .model = gguf,
				     .out = accel,
				     .chip = compile_chip(chip),
				     .format = format,
				     .context = context };
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
		.size = sizeof(o), .backend = "ref", .error = text, .error_size = sizeof(text)
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

/* Logits of every one of n tokens in a new session, `piece` at a time; the caller frees. */
static float *prefill(struct run *r, const int32_t *tokens, size_t n, size_t piece)
{
	struct accel_session_options o = { .size = sizeof(o) };
	struct rows rows = { calloc(n * r->vocab, sizeof(float)), 0 };
	struct accel_session *s;
	size_t i;

	assert_non_null(rows.out);
	OK(r, accel_session_create(r->model, &o, &s));
	for (i = 0; i < n; i += piece)
		OK(r, accel_session_append_all(s, tokens + i, n - i < piece ? n - i : piece, on_row,
					       &rows));
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
	struct accel_session_options o = { .size = sizeof(o) };
	struct accel_session *s;
	float *all;

	if (steps > STEPS)
		steps = STEPS;
	if (!steps)
		return;
	memcpy(tokens, prompt, PROMPT * sizeof(*tokens));
	tokens[PROMPT] = top_float(logits + (size_t)(PROMPT - 1) * r->vocab, r->vocab);
	OK(r, accel_session_create(r->model, &o, &s));
	OK(r, accel_session_append(s, prompt, PROMPT, NULL));
	OK(r, accel_session_decode(s, tokens[PROMPT], steps, NULL, 0, NULL, NULL, got, &n));
	accel_session_unref(s);
	assert_int_equal(n, steps);
	memcpy(tokens + PROMPT + 1, got, steps * sizeof(*got));
	all = prefill(r, tokens, PROMPT + steps, PROMPT + steps);
	for (i = 0; i < steps; i++) {
		int32_t want = top_float(all + (size_t)(PROMPT + i) * r->vocab, r->vocab);

		if (got[i] != want)
			fail_msg("decode step %u: token %d, by the logits %d", i, got[i], want);
	}
	free(all);
}

/* --- comparing --------------------------------------------------------------------------------- */

static double *forward(const struct synth_model *d, enum forward64_numbers numbers,
		       const int32_t *tokens, size_t n, double *ties)
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
	assert_int_equal(forward64_run(m, tokens, n, logits, ties), 0);
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

/* The least that a change of the model does to the comparison, and which one that is. */
static double weakest_mutation(const struct synth_model *d, const int32_t *tokens, const float *got,
			       const char **which)
{
	double least = INFINITY;
	size_t i;

	*which = "";

	for (i = 0; i < ARRAY_SIZE(mutations); i++) {
		struct synth_model m = *d;
		double *want, v;

		if (!mutations[i].apply(&m))
			continue;
		want = forward(&m, FORWARD64_INT8, tokens, PROMPT, NULL);
		v = compare(got, want, (size_t)PROMPT * d->vocab);
		free(want);
		if (v < least) {
			least = v;
			*which = mutations[i].name;
		}
	}
	return least;
}

/* What the last positions would lose with the first KV block's tokens. */
static double without_block(const struct synth_model *d, const int32_t *tokens, const float *got)
{
	size_t from = 64 * (size_t)d->vocab, i;
	int32_t other[PROMPT];
	double *want, v;

	for (i = 0; i < PROMPT; i++)
		other[i] = i < 32 ? (tokens[i] + 1) % (int32_t)d->vocab : tokens[i];
	want = forward(d, FORWARD64_INT8, other, PROMPT, NULL);
	v = compare(got + from, want + from, (PROMPT - 64) * (size_t)d->vocab);
	free(want);
	return v;
}

struct files {
	char gguf[512], accel[512], small[512];
};

static void name_files(const char *name, struct files *f)
{
	snprintf(f->gguf, sizeof(f->gguf), "%s/%s.gguf", dir, name);
	snprintf(f->accel, sizeof(f->accel), "%s/%s.accel", dir, name);
	snprintf(f->small, sizeof(f->small), "%s/%s-small.accel", dir, name);
}

static void remove_files(const struct files *f)
{
	unlink(f->gguf);
	unlink(f->accel);
	unlink(f->small);
}

static void make_tokens(uint32_t vocab, int32_t *tokens)
{
	uint32_t i;

	for (i = 0; i < PROMPT; i++)
		tokens[i] = (int32_t)((i * i * 7 + i * 31 + 1) % vocab);
}

/* The model is compiled for the default chip and opened; logits of the prompt. */
static float *start(const struct synth_model *d, const struct files *f, const int32_t *tokens,
		    struct run *r)
{
	assert_int_equal(synth_write(d, f->gguf), 0);
	compile(f->gguf, f->accel, "default", PASS_FORMAT_KEEP, 0);
	run_open(r, f->accel);
	assert_int_equal(r->vocab, d->vocab);
	assert_int_equal(r->context, d->context);
	return prefill(r, tokens, PROMPT, PROMPT);
}

/* The positions that agree with the int8 pass until a tie falls to another side. */
static size_t follows_int8(const struct synth_model *d, const int32_t *tokens, const float *got,
			   double *worst)
{
	double ties[PROMPT], v = 0, tie = 1;
	double *want = forward(d, FORWARD64_INT8, tokens, PROMPT, ties);
	size_t i;

	for (i = 0, *worst = 0; i < PROMPT; i++) {
		v = compare(got + i * d->vocab, want + i * d->vocab, d->vocab);
		tie = fmin(tie, ties[i]);
		if (!(v < NMSE_INT8))
			break;
		*worst = fmax(*worst, v);
	}
	free(want);
	if (i < PROMPT && (!(v < (d->experts ? NMSE_MOE : NMSE_TIE)) || tie > NEAR_TIE))
		fail_msg("%s, seed %d: position %zu differs from the int8 pass: NMSE %g, nearest "
			 "tie %g",
			 d->name, (int)d->seed, i, v, tie);
	return i;
}

/* Against exact arithmetic, and what the comparison would see; prints a line of the table. */
static void check_numbers(const struct synth_model *d, const int32_t *tokens, const float *got,
			  double int8)
{
	double *exact = forward(d, FORWARD64_EXACT, tokens, PROMPT, NULL), cost, least, block;
	size_t vocab = d->vocab, same = 0, i;
	double bound = d->experts ? NMSE_EXACT_MOE : NMSE_EXACT;
	const char *which = "";

	cost = compare(got, exact, PROMPT * vocab);
	for (i = 0; i < PROMPT; i++)
		same += top_float(got + i * vocab, vocab) == top_double(exact + i * vocab, vocab);
	free(exact);
	least = weakest_mutation(d, tokens, got, &which);
	block = without_block(d, tokens, got);
	print_message("# %-20s seed %2d: int8 %.0e, exact %.1e, top-1 %zu/%d; without block 0 "
		      "%.1e, with %s %.1e\n",
		      d->name, (int)d->seed, int8, cost, same, PROMPT, block, which, least);
	if (!(cost < bound))
		fail_msg("%s: NMSE against exact arithmetic %g, bound %g", d->name, cost, bound);
	if (!(least > NMSE_SEEN))
		fail_msg("%s: %s would pass: NMSE %g", d->name, which, least);
	if (!(block > NMSE_SEEN))
		fail_msg("%s: the first KV block could be lost: NMSE %g", d->name, block);
}

/* agree: positions that have to agree with the int8 pass for one of the seeds. */
static void run_shape(struct synth_model d, size_t agree)
{
	static const size_t pieces[] = { 1, 7, 32 };
	int32_t tokens[PROMPT];
	float *got = NULL, *other;
	struct run r, small;
	struct files f;
	double worst;
	char what[64];
	size_t i, n, sum = 0;

	name_files(d.name, &f);
	make_tokens(d.vocab, tokens);
	for (i = 0;; i++) {
		if (i == SEEDS)
			fail_msg("%s: none of %d seeds agrees with the int8 pass", d.name, SEEDS);
		got = start(&d, &f, tokens, &r);
		n = follows_int8(&d, tokens, got, &worst);
		sum += n;
		if (n >= agree || (agree < PROMPT && sum >= RANDOM_SUM))
			break;
		print_message("# %-20s seed %2d: a tie at position %zu\n", d.name, (int)d.seed, n);
		free(got);
		run_close(&r);
		d.seed++;
	}
	/* random ones need not show every change */
	if (agree == PROMPT)
		check_numbers(&d, tokens, got, worst);
	for (i = 0; i < ARRAY_SIZE(pieces); i++) {
		other = prefill(&r, tokens, PROMPT, pieces[i]);
		snprintf(what, sizeof(what), "pieces of %zu", pieces[i]);
		assert_same(what, got, other, PROMPT, d.vocab);
		free(other);
	}
	check_decode(&r, tokens, got);
	run_close(&r);

	compile(f.gguf, f.small, "small", PASS_FORMAT_KEEP, 0);
	run_open(&small, f.small);
	other = prefill(&small, tokens, PROMPT, PROMPT);
	assert_same("the small chip", got, other, PROMPT, d.vocab);
	run_close(&small);
	free(other);
	free(got);
	remove_files(&f);
}

static void test_shape(void **state)
{
	run_shape(*(const struct synth_model *)*state, PROMPT);
}

/* Logits of the prompt of a model that is compiled in another way. */
static float *compiled(const struct synth_model *d, enum pass_format format, uint32_t context,
		       const int32_t *tokens)
{
	struct files f;
	struct run r;
	float *got;

	name_files(d->name, &f);
	assert_int_equal(synth_write(d, f.gguf), 0);
	compile(f.gguf, f.accel, "default", format, context);
	run_open(&r, f.accel);
	got = prefill(&r, tokens, PROMPT, PROMPT);
	run_close(&r);
	remove_files(&f);
	return got;
}

static const struct synth_model plain = {
	.name = "options",
	.arch = "llama",
	.seed = 1,
	.layers = 2,
	.width = 96,
	.heads = 3,
	.kv_heads = 3,
	.ff = 160,
	.vocab = 300,
	.context = 250,
	.eps = 1e-5f,
	.scaling = "yarn",
	.factor = 4,
};

/* Matrices that the compiler requantises are those of a file that holds them so. */
static void test_formats(void **state)
{
	static const struct {
		uint32_t type;
		enum pass_format format;
	} kinds[] = { { GGML_TYPE_Q8_0, PASS_FORMAT_Q8_0 },
		      { GGML_TYPE_Q8_0, PASS_FORMAT_KEEP },
		      { GGML_TYPE_Q4_0, PASS_FORMAT_Q4_0 } };
	int32_t tokens[PROMPT];
	size_t i;

	(void)state;
	make_tokens(plain.vocab, tokens);
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct synth_model stored = plain, wide = plain;
		float *a, *b;

		stored.type = kinds[i].type;
		wide.type = GGML_TYPE_F32;
		a = compiled(&stored, PASS_FORMAT_KEEP, 0, tokens);
		b = compiled(&wide, kinds[i].format, 0, tokens);
		assert_same("requantised", a, b, PROMPT, plain.vocab);
		free(a);
		free(b);
	}
}

/* A shorter context leaves the positions that it has as they were, under yarn too. */
static void test_context(void **state)
{
	static const uint32_t contexts[] = { PROMPT, 96, 249 };
	struct synth_model d = plain;
	int32_t tokens[PROMPT];
	float *a, *b;
	size_t i;

	(void)state;
	d.type = GGML_TYPE_Q8_0;
	make_tokens(d.vocab, tokens);
	a = compiled(&d, PASS_FORMAT_KEEP, 0, tokens);
	for (i = 0; i < ARRAY_SIZE(contexts); i++) {
		b = compiled(&d, PASS_FORMAT_KEEP, contexts[i], tokens);
		assert_same("a shorter context", a, b, PROMPT, d.vocab);
		free(b);
	}
	free(a);
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
	if (rmdir(dir))
		print_message("# models of failed tests: %s\n", dir);
	return 0;
}

static int run_table(void)
{
	static const struct CMUnitTest others[] = { cmocka_unit_test(test_formats),
						    cmocka_unit_test(test_context) };
	size_t n = ARRAY_SIZE(others) + n_shapes, i;
	struct CMUnitTest *tests = calloc(n, sizeof(*tests));
	int ret;

	if (!tests)
		return 1;
	memcpy(tests, others, sizeof(others));
	for (i = 0; i < n_shapes; i++)
		tests[ARRAY_SIZE(others) + i] =
			(struct CMUnitTest){ shapes[i].name, test_shape, NULL, NULL,
					     (void *)&shapes[i] };
	ret = _cmocka_run_group_tests("models", tests, n, setup, teardown);
	free(tests);
	return ret;
}

static uint64_t first_seed;
static unsigned long n_random;

static void test_random(void **state)
{
	unsigned long i;
	char name[32];

	(void)state;
	for (i = 0; i < n_random; i++) {
		struct synth_model d;

		shape_random(first_seed + i, &d);
		snprintf(name, sizeof(name), "random-%llu", (unsigned long long)first_seed + i);
		d.name = name;
		run_shape(d, RANDOM_AGREE);
	}
	print_message("# %lu models\n", n_random);
}

/* Without arguments the table; with two, as many random shapes from a seed on. */
int main(int argc, char **argv)
{
	static const struct CMUnitTest random_tests[] = { cmocka_unit_test(test_random) };

	cmocka_set_message_output(CM_OUTPUT_TAP);
	if (argc < 3)
		return run_table();
	n_random = strtoul(argv[1], NULL, 0);
	first_seed = strtoull(argv[2], NULL, 0);
	return cmocka_run_group_tests_name("models", random_tests, setup, teardown);
}
