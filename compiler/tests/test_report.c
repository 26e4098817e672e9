// SPDX-License-Identifier: MIT
/*
 * What a report says, against other ways to it: the evaluator against the independent double precision
 * pass for every architecture, accuracy from logits by both routes, errors of tensors from the image's
 * bytes, ROM bytes from the estimate's count.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/frontends/frontend.h"
#include "compiler/quant/ggml_types.h"
#include "compiler/report/eval.h"
#include "compiler/report/measure.h"
#include "compiler/tests/gguf_walk.h"
#include "compiler/tests/model_run.h"
#include "compiler/tests/test_folder.h"
#include "tests/models/forward64_ssm.h"
#include "tests/models/shapes.h"
#include "tests/models/synth_ssm.h"

#define TOKENS 40u
/*
 * Two double precision passes over the same numbers; what is left are constants that the compiler keeps
 * as fp32 (scales, epsilons) and sums in another order.
 */
#define NMSE_BOUND 1e-13

static void make_tokens(uint32_t vocab, int32_t *t)
{
	uint32_t i;

	for (i = 0; i < TOKENS; i++)
		t[i] = (int32_t)((i * i * 7 + i * 31 + 1) % vocab);
}

/* Logits of all tokens by the evaluator, `step` at a time. */
static double *evaluate(const uint8_t *data, size_t size, const int32_t *tokens, uint32_t step)
{
	struct gguf_error err = { 0 };
	struct gguf_file *f;
	struct ir_model m;
	struct eval *e;
	double *logits;
	uint32_t i, n;

	assert_int_equal(gguf_open_mem(data, size, &f, &err), 0);
	ir_init(&m);
	if (fe_build(&m, f, 0) || eval_open(&m, TOKENS, &e))
		fail_msg("%s", m.diag.msg);
	logits = calloc((size_t)TOKENS * m.meta.vocab, sizeof(*logits));
	assert_non_null(logits);
	for (i = 0; i < TOKENS; i += n) {
		n = TOKENS - i < step ? TOKENS - i : step;
		if (eval_run(e, tokens + i, n, logits + (size_t)i * m.meta.vocab))
			fail_msg("%s", m.diag.msg);
	}
	assert_int_equal(eval_run(e, tokens, 1, logits), -ERANGE);
	eval_close(e);
	ir_free(&m);
	gguf_close(f);
	return logits;
}

static double *oracle(bool ssm, const uint8_t *data, size_t size, const int32_t *tokens,
		      size_t *vocab)
{
	struct gguf_error err = { 0 };
	struct forward64 *m;
	double *logits, tie;

	if (ssm) {
		if (forward64_ssm(data, size, FORWARD64_EXACT, FORWARD64_BY_CONTEXT, tokens, TOKENS,
				  &logits, vocab, &tie, &err))
			fail_msg("%s", err.msg);
		return logits;
	}
	if (forward64_open_mem(data, size, FORWARD64_EXACT, &m, &err))
		fail_msg("%s", err.msg);
	*vocab = forward64_vocab(m);
	logits = calloc(TOKENS * *vocab, sizeof(*logits));
	assert_non_null(logits);
	assert_int_equal(forward64_run(m, tokens, TOKENS, logits, NULL), 0);
	forward64_close(m);
	return logits;
}

static void check_model(const char *name, bool ssm, const uint8_t *data, size_t size,
			uint32_t vocab)
{
	static const uint32_t steps[] = { 1, 7 };
	double *want, *got, *other, error = 0, power = 0;
	int32_t tokens[TOKENS];
	size_t n, i;

	make_tokens(vocab, tokens);
	want = oracle(ssm, data, size, tokens, &n);
	assert_int_equal(n, vocab);
	n *= TOKENS;
	got = evaluate(data, size, tokens, EVAL_COLUMNS);
	for (i = 0; i < n; i++) {
		error += (got[i] - want[i]) * (got[i] - want[i]);
		power += want[i] * want[i];
	}
	print_message("# %-20s NMSE %.1e\n", name, error / power);
	if (!(error / power < NMSE_BOUND))
		fail_msg("%s: NMSE %g", name, error / power);
	/* in other steps the same; of the large ones that takes too long */
	for (i = 0; i < sizeof(steps) / sizeof(steps[0]) && size < 1000000; i++) {
		other = evaluate(data, size, tokens, steps[i]);
		assert_memory_equal(got, other, n * sizeof(*got));
		free(other);
	}
	free(want);
	free(got);
}

static void test_dense_and_experts(void **state)
{
	uint8_t *data;
	size_t size, i;

	(void)state;
	for (i = 0; i < n_shapes; i++) {
		assert_int_equal(synth_build(&shapes[i], &data, &size), 0);
		check_model(shapes[i].name, false, data, size, shapes[i].vocab);
		free(data);
	}
}

static void test_states(void **state)
{
	uint8_t *data;
	size_t size, i;

	(void)state;
	for (i = 0; i < n_ssm_shapes; i++) {
		assert_int_equal(synth_ssm_build(&ssm_shapes[i], &data, &size), 0);
		check_model(ssm_shapes[i].name, true, data, size, ssm_shapes[i].vocab);
		free(data);
	}
}

/* All matrices of it are requantised. */
static const struct synth_model small = {
	.name = "small",
	.arch = "llama",
	.seed = 3,
	.layers = 2,
	.width = 96,
	.heads = 4,
	.kv_heads = 2,
	.ff = 100,
	.vocab = 300,
	.context = 80,
	.bias = SYNTH_BIAS_ALL,
	.eps = 1e-5f,
	.type = GGML_TYPE_F32,
};

static int stop_after(void *ctx, const char *pass, struct ir_model *m, double seconds)
{
	struct eval *e = NULL;

	(void)seconds;
	if (strcmp(pass, "split_attention"))
		return 0;
	*(int *)ctx = eval_open(m, 1, &e);
	return 1;
}

static void test_refusals(void **state)
{
	struct compile_options o = { .model = "small", .chip = compile_chip("small") };
	struct compile_result r;
	struct gguf_file *f;
	struct ir_model m;
	struct eval *e;
	double logits[300];
	int32_t token = 300;
	uint8_t *data;
	int got = 0;

	(void)state;
	assert_int_equal(synth_build(&small, &data, &o.size), 0);
	o.data = data;
	o.watch = (struct pass_watch){ &got, stop_after };
	assert_int_equal(compile_model(&o, &r), 1);
	assert_int_equal(got, -ENOTSUP);
	assert_non_null(strstr(r.model.diag.msg, "layer.0/attn"));
	compile_free(&r);

	assert_int_equal(gguf_open_mem(data, o.size, &f, NULL), 0);
	ir_init(&m);
	assert_int_equal(fe_build(&m, f, 0), 0);
	assert_int_equal(eval_open(&m, 81, &e), -ERANGE);
	memset(&m.diag, 0, sizeof(m.diag));
	assert_int_equal(eval_open(&m, 80, &e), 0);
	assert_int_equal(eval_run(e, &token, 1, logits), -EINVAL);
	memset(&m.diag, 0, sizeof(m.diag));
	token = -1;
	assert_int_equal(eval_run(e, &token, 1, logits), -EINVAL);
	eval_close(e);
	ir_free(&m);
	gguf_close(f);
	free(data);
}

/* Damaged files that the front end accepts are evaluated, whatever comes out. */
static void damage(uint8_t *p, size_t n, uint64_t *seed)
{
	size_t at = gguf_random(seed) % (n - 8);
	uint32_t v = (uint32_t)(gguf_random(seed) % 70);

	if (gguf_random(seed) % 2)
		p[at] ^= (uint8_t)(1 << gguf_random(seed) % 8);
	else
		memcpy(p + at, &v, sizeof(v));
}

static bool runs_damaged(const uint8_t *data, size_t size)
{
	const int32_t tokens[] = { 1, 0, 2 };
	double *logits = NULL;
	struct eval *e = NULL;
	struct gguf_file *f;
	struct ir_model m;
	bool ran = false;

	if (gguf_open_mem(data, size, &f, NULL))
		return false;
	ir_init(&m);
	if (!fe_build(&m, f, 0) && !eval_open(&m, 3, &e)) {
		logits = calloc(3 * (size_t)m.meta.vocab, sizeof(*logits));
		assert_non_null(logits);
		ran = !eval_run(e, tokens, 3, logits);
	}
	assert_true(ran || m.diag.msg[0]);
	eval_close(e);
	free(logits);
	ir_free(&m);
	gguf_close(f);
	return ran;
}

static void test_damaged(void **state)
{
	uint64_t seed = 1;
	size_t size, i, k, ran = 0, refused = 0;
	uint8_t *data;

	(void)state;
	for (i = 0; i < 900; i++) {
		const struct synth_model *d = &shapes[i / 2 % n_shapes];

		/* the large ones would take too long */
		if (d->vocab > 1000 || d->ff > 1000)
			continue;
		if (i % 2)
			assert_int_equal(
				synth_ssm_build(&ssm_shapes[i / 2 % n_ssm_shapes], &data, &size),
				0);
		else
			assert_int_equal(synth_build(d, &data, &size), 0);
		for (k = 0; k < 2; k++)
			damage(data, size < 6000 ? size : 6000, &seed);
		if (runs_damaged(data, size))
			ran++;
		else
			refused++;
		free(data);
	}
	print_message("# %zu ran, %zu were refused\n", ran, refused);
	assert_true(ran > 50 && refused > 50);
}

/* --- a model that is compiled ------------------------------------------------------------------ */

struct fixture {
	struct model_run run;
	struct compile_options o;
	struct report rep;
	uint8_t *data;
	char path[64]; /* of the model file */
};

/* Takes data. */
static void report_on(struct fixture *f, uint8_t *data, size_t size, const char *chip)
{
	memset(f, 0, sizeof(*f));
	f->data = data;
	f->o.data = data;
	f->o.size = size;
	f->o.chip = compile_chip(chip);
	if (model_open(&f->run, &f->o, 1))
		fail_msg("%s", f->run.err);
	if (report_collect(&f->rep, &f->o, &f->run.built, "some/where/model.gguf", 40))
		fail_msg("%s", f->rep.diag.msg);
}

static void open_report(struct fixture *f, const struct synth_model *d, const char *chip)
{
	uint8_t *data;
	size_t size;

	assert_int_equal(synth_build(d, &data, &size), 0);
	report_on(f, data, size, chip);
}

static void close_report(struct fixture *f)
{
	report_free(&f->rep);
	model_close(&f->run);
	free(f->data);
}

static const struct ir_tensor *find_tensor(const struct ir_model *m, const char *name)
{
	const struct ir_tensor *t;

	for (t = m->tensors; t && strcmp(t->name, name); t = t->next)
		;
	return t;
}

/* Errors of a matrix from what stands in the image's ROM. */
static void check_tensor(struct fixture *f, const struct report_tensor *t)
{
	const struct ir_tensor *ir = find_tensor(&f->run.built.model, t->name);
	double error2 = 0, power2 = 0, error = 0, power = 0;
	float *want = malloc((t->cols + 32) * sizeof(float)), *got = malloc((t->cols + 32) * 4);
	const struct gguf_tensor *g;
	struct gguf_file *file;
	const uint8_t *rom, *row;
	size_t bytes;
	uint64_t r, i;

	assert_non_null(ir);
	assert_true(want && got);
	assert_int_equal(gguf_open_mem(f->data, f->o.size, &file, NULL), 0);
	g = gguf_find_tensor(file, t->name);
	assert_non_null(g);
	assert_int_equal(ig1_image_section(f->run.img, IG1_SEC_ROM, 0, (const void **)&rom, &bytes),
			 0);
	assert_int_equal(t->source_bytes, g->size);
	assert_int_equal(t->rows * t->cols, g->elements);
	for (r = 0; r < t->rows; r++) {
		assert_int_equal(ggml_dequantize_row(GGML_TYPE_Q8_0,
						     rom + ir->addr + r * ir->stride, got,
						     (int64_t)(ir->groups * 32)),
				 0);
		row = gguf_tensor_row(g, build_source_row(ir, r), NULL);
		assert_int_equal(ggml_dequantize_row(g->type, row, want, (int64_t)t->cols), 0);
		for (i = 0; i < t->cols; i++) {
			double d = (double)got[i] - (double)want[i];

			error2 += d * d;
			error = fmax(error, fabs(d));
			power2 += (double)want[i] * (double)want[i];
			power = fmax(power, fabs((double)want[i]));
		}
	}
	assert_true(fabs(t->rms_error - sqrt(error2 / power2)) < 1e-12);
	assert_true(fabs(t->max_error - error / power) < 1e-12);
	assert_true(t->rms_error > 1e-3 && t->max_error > 1e-3);
	gguf_close(file);
	free(want);
	free(got);
}

static void test_tensors(void **state)
{
	size_t i, matrices = 0;
	struct fixture f;

	(void)state;
	open_report(&f, &small, "default");
	assert_string_equal(f.rep.file, "model.gguf");
	for (i = 0; i < f.rep.n_tensors; i++) {
		const struct report_tensor *t = &f.rep.tensors[i];

		if (t->fate == REPORT_REQUANT) {
			check_tensor(&f, t);
			matrices++;
		} else {
			assert_int_equal(t->fate, REPORT_CONSTANT);
			assert_int_equal(t->rom_bytes, 4 * t->rows * t->cols);
		}
	}
	assert_int_equal(matrices, 2 * 7 + 2);
	assert_true(fabs(report_bits(f.rep.source_bytes, f.rep.weights) - 32) < 1e-12);
	close_report(&f);
}

/* Nothing of K-quants is lost, and the report says so. */
static void test_exact_tensors(void **state)
{
	struct synth_model m = small;
	size_t i, four = 0, six = 0;
	struct fixture f;

	(void)state;
	m.width = m.ff = 256;
	m.type = GGML_TYPE_Q4_K;
	m.type2 = GGML_TYPE_Q6_K;
	open_report(&f, &m, "default");
	for (i = 0; i < f.rep.n_tensors; i++) {
		const struct report_tensor *t = &f.rep.tensors[i];

		if (t->fate == REPORT_CONSTANT)
			continue;
		assert_int_equal(t->fate, REPORT_REENCODED);
		assert_true(t->rms_error == 0 && t->max_error == 0);
		four += !strcmp(t->type, "Q4_K") && !strcmp(t->format, "q4_1") &&
			t->rom_bytes == t->rows * t->cols * 6 / 8;
		six += !strcmp(t->type, "Q6_K") && !strcmp(t->format, "q6_k") &&
		       t->rom_bytes == t->rows * t->cols;
	}
	assert_int_equal(f.rep.n_requantised, 0);
	assert_int_equal(four, 2 * 5 + 1);
	assert_int_equal(six, 2 * 2 + 1);
	close_report(&f);
}

/* ROM, scratch and path of all shapes: what must add up does. */
static void check_sums(uint8_t *data, size_t size, const char *chip)
{
	const struct report_path *p;
	uint64_t bytes = 0, sum = 0, embed = 0, cycles;
	const struct ir_tensor *t;
	const struct ir_op *op;
	struct fixture f;
	unsigned int q;
	size_t i;

	report_on(&f, data, size, chip);
	p = &f.rep.path;
	for (t = f.run.built.model.tensors; t; t = t->next)
		bytes += t->placed ? t->rows * t->stride : 0;
	for (i = 0; i < f.rep.rom.tiles; i++)
		sum += f.rep.rom.tile[i];
	assert_int_equal(sum, bytes);
	assert_true(sum <= f.rep.rom.bytes && f.rep.rom.bytes < sum + 64 * f.rep.n_tensors + 64);
	/* the estimate counts by commands: those of matrices, and rows of embeddings */
	for (op = f.run.built.model.first; op; op = op->next)
		embed += op->kind == IR_EMBED ? op->mats[0]->stride : 0;
	assert_int_equal(f.rep.rom.read + embed, p->all.rom_bytes);
	assert_true(f.rep.rom.fill > 0 && f.rep.rom.fill <= 1);
	for (cycles = p->gaps, q = 0; q < IG1_ENGINE_COUNT; q++) {
		assert_true(p->on_path[q] <= p->all.busy[q] || q == IG1_ENGINE_SEQ);
		cycles += p->on_path[q];
	}
	assert_int_equal(cycles, p->all.cycles);
	for (i = 0; i < p->n_chain; i++) {
		assert_true(p->chain[i].start < p->chain[i].end);
		assert_true(!i || p->chain[i - 1].end <= p->chain[i].start);
	}
	for (cycles = p->gaps, i = 0; i < p->n_steps; i++) {
		cycles += p->steps[i].cycles;
		assert_true(!i || p->steps[i].cycles <= p->steps[i - 1].cycles);
	}
	assert_int_equal(cycles, p->all.cycles);
	for (q = 0; q < IG1_PROGS; q++) {
		for (sum = 0, i = 0; i < f.rep.sram.programs[q].n_bufs; i++) {
			const struct report_buf *b = &f.rep.sram.programs[q].bufs[i];

			assert_true(b->addr + b->bytes <= f.rep.sram.scratch);
			sum = b->addr + b->bytes > sum ? b->addr + b->bytes : sum;
		}
		assert_true(sum <= f.rep.sram.programs[q].scratch ||
			    f.rep.sram.programs[q].scratch == 0);
	}
	close_report(&f);
}

static void test_sums(void **state)
{
	uint8_t *data;
	size_t size, i;

	(void)state;
	for (i = 0; i < n_shapes; i++) {
		assert_int_equal(synth_build(&shapes[i], &data, &size), 0);
		check_sums(data, size, i % 2 ? "small" : "default");
	}
	for (i = 0; i < n_ssm_shapes; i++) {
		assert_int_equal(synth_ssm_build(&ssm_shapes[i], &data, &size), 0);
		check_sums(data, size, i % 2 ? "default" : "small");
	}
}

/* --- accuracy ---------------------------------------------------------------------------------- */

static void test_known_divergence(void **state)
{
	/* p = (1/2, 1/4, 1/4), q = (1/4, 1/4, 1/2) */
	const double source[] = { log(2), 0, 0 };
	const float chip[] = { 1, 1, 1 + (float)log(2) };
	struct report rep = { .meta = { .vocab = 3 } };
	struct report_accuracy *a = &rep.accuracy;

	(void)state;
	assert_int_equal(report_accuracy_begin(&rep, "two\ntokens", 2), 0);
	assert_string_equal(a->text, "two\xef\xbf\xbdtokens");
	report_accuracy_add(&rep, source, chip, 2);
	assert_true(fabs(a->kl_sum - 0.25 * log(2)) < 1e-7);
	assert_int_equal(a->top1, 0);
	assert_int_equal(a->scored, 1);
	assert_true(fabs(report_perplexity(a->nll_source, 1) - 4) < 1e-12);
	assert_true(fabs(report_perplexity(a->nll_chip, 1) - 2) < 1e-6);
	/* the same distribution: a constant does not matter */
	report_accuracy_add(&rep, (const double[]){ 1 + (double)(float)log(2), 1, 1 },
			    (const float[]){ (float)log(2), 0, 0 }, -1);
	assert_true((double)a->kl[1] < 1e-7);
	assert_int_equal(a->top1, 1);
	assert_int_equal(a->scored, 1);
	assert_int_equal(a->tokens, 2);
	assert_int_equal(a->kl_max_at, 0);
	assert_true(isnan(report_perplexity(0, 0)));
	report_free(&rep);
}

/* What the chip thinks impossible and the file does not; what neither does. */
static void test_infinite_divergence(void **state)
{
	const double source[] = { 1, 1, -INFINITY };
	const float chip[] = { 1, -INFINITY, -INFINITY };
	struct strbuf s = { 0 };
	struct fixture f;

	(void)state;
	open_report(&f, &small, "default");
	f.rep.meta.vocab = 3;
	assert_int_equal(report_accuracy_begin(&f.rep, "text", 2), 0);
	report_accuracy_add(&f.rep, source, (const float[]){ 2, 2, -INFINITY }, 0);
	assert_true((double)f.rep.accuracy.kl[0] < 1e-12);
	report_accuracy_add(&f.rep, source, chip, 1);
	assert_true(isinf(f.rep.accuracy.kl_max));
	report_print_html(&f.rep, &s);
	report_print_text(&f.rep, &s);
	report_print_json(&f.rep, &s);
	assert_int_equal(s.err, 0);
	assert_non_null(strstr(s.p, "\"kl_max\": null"));
	strbuf_free(&s);
	close_report(&f);
}

struct chip_ctx {
	struct fixture *f;
	uint32_t pos;
};

static int no_chip(void *ctx, const int32_t *tokens, uint32_t n, float *logits)
{
	(void)ctx, (void)tokens, (void)n, (void)logits;
	return -ENOSYS;
}

static int run_chip(void *ctx, const int32_t *tokens, uint32_t n, float *logits)
{
	struct chip_ctx *c = ctx;
	uint32_t i, vocab = c->f->run.mf->vocab;
	int ret = 0;

	for (i = 0; i < n && !ret; i++, c->pos++)
		ret = model_prefill(&c->f->run, 0, c->pos, (const uint32_t *)tokens + i, 1,
				    logits + (size_t)i * vocab);
	return ret;
}

static void write_model(struct fixture *f)
{
	FILE *out;
	int fd;

	test_template(f->path, sizeof(f->path), "report");
	fd = mkstemp(f->path);
	assert_true(fd >= 0);
	out = fdopen(fd, "wb");
	assert_non_null(out);
	assert_int_equal(fwrite(f->data, 1, f->o.size, out), f->o.size);
	assert_int_equal(fclose(out), 0);
	f->o.model = f->path;
}

/* KL divergence, perplexities and top tokens from the oracle's logits and the chip's. */
static void test_accuracy(void **state)
{
	double kl = 0, nll[2] = { 0 }, *want;
	struct chip_ctx ctx = { 0 };
	const struct measure_chip chip = { run_chip, &ctx }, broken = { no_chip, NULL };
	const struct report_accuracy *a;
	uint32_t i, k, same = 0;
	int32_t tokens[TOKENS];
	struct fixture f;
	size_t vocab;
	float *got;

	(void)state;
	open_report(&f, &small, "default");
	write_model(&f);
	ctx.f = &f;
	make_tokens(small.vocab, tokens);
	assert_int_equal(measure(&f.rep, &f.o, "text", tokens, TOKENS, &chip), 0);
	want = oracle(false, f.data, f.o.size, tokens, &vocab);
	got = malloc(TOKENS * vocab * sizeof(*got));
	assert_non_null(got);
	assert_int_equal(model_prompt(&f.run, 0, (const uint32_t *)tokens, TOKENS, 8, got), 0);
	for (i = 0; i < TOKENS; i++) {
		double *w = want + i * vocab, p = 0, q = 0, d = 0;
		float *g = got + i * vocab;
		size_t best[2] = { 0, 0 };

		for (k = 0; k < vocab; k++) {
			p += exp(w[k]);
			q += exp((double)g[k]);
			best[0] = w[k] > w[best[0]] ? k : best[0];
			best[1] = g[k] > g[best[1]] ? k : best[1];
		}
		for (k = 0; k < vocab; k++)
			d += exp(w[k]) / p * (w[k] - log(p) - (double)g[k] + log(q));
		kl += d;
		assert_true(fabs(d - (double)f.rep.accuracy.kl[i]) < 1e-6 * (1 + d));
		same += best[0] == best[1];
		if (i + 1 == TOKENS)
			break;
		nll[0] += log(p) - w[tokens[i + 1]];
		nll[1] += log(q) - (double)g[tokens[i + 1]];
	}
	a = &f.rep.accuracy;
	assert_true(kl > 1e-5);
	assert_true(fabs(a->kl_sum - kl) < 1e-6 * kl);
	assert_true(fabs(a->nll_source - nll[0]) < 1e-6 * nll[0]);
	assert_true(fabs(a->nll_chip - nll[1]) < 1e-6 * nll[1]);
	assert_int_equal(a->top1, same);
	assert_int_equal(a->tokens, TOKENS);
	assert_int_equal(a->scored, TOKENS - 1);
	free(f.rep.accuracy.kl);
	/* the chip's error is the caller's */
	memset(&f.rep.accuracy, 0, sizeof(f.rep.accuracy));
	assert_int_equal(measure(&f.rep, &f.o, "text", tokens, 2, &broken), -ENOSYS);
	remove(f.path);
	free(want);
	free(got);
	close_report(&f);
}

static void test_names(void **state)
{
	struct arena a = { 0 };

	(void)state;
	assert_string_equal(report_text(&a, "plain <&> \"text\""), "plain <&> \"text\"");
	assert_string_equal(report_text(&a, "\x1b[31m\xff\xc3\xa9\xe2\x80\xae"),
			    "\xef\xbf\xbd[31m\xef\xbf\xbd\xc3\xa9\xef\xbf\xbd");
	assert_string_equal(report_text(&a, NULL), "");
	assert_string_equal(report_any_layer(&a, "layer.0-4/attn/scores"), "layer/attn/scores");
	assert_string_equal(report_any_layer(&a, "layer.nothing"), "layer.nothing");
	assert_string_equal(report_any_layer(&a, "columns/load"), "columns/load");
	arena_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dense_and_experts),
		cmocka_unit_test(test_states),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_tensors),
		cmocka_unit_test(test_exact_tensors),
		cmocka_unit_test(test_sums),
		cmocka_unit_test(test_known_divergence),
		cmocka_unit_test(test_infinite_divergence),
		cmocka_unit_test(test_accuracy),
		cmocka_unit_test(test_names),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("report", tests, NULL, NULL);
}
