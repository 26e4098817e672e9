// SPDX-License-Identifier: MIT
/*
 * Damaged inputs: model files through the whole compiler, command streams through the hazard checker
 * and the estimator. Nothing may crash, hang, or fail without a message. A damaged file that is
 * accepted is a model too: it runs, and gives the logits that the double precision pass gives for
 * the same bytes. Arguments: rounds of models, of programs, seed. TAP.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "compiler/codegen/estimate.h"
#include "compiler/codegen/hazards.h"
#include "compiler/compile.h"
#include "compiler/quant/ggml_types.h"
#include "compiler/tests/gguf_walk.h"
#include "compiler/tests/model_run.h"
#include "tests/models/forward64_ssm.h"
#include "tests/models/nmse.h"
#include "tests/models/synth.h"
#include "tests/models/synth_ssm.h"

static const struct synth_model specs[] = {
	{ .name = "m1",
	  .arch = "llama",
	  .layers = 2,
	  .width = 64,
	  .heads = 4,
	  .kv_heads = 2,
	  .ff = 64,
	  .vocab = 32,
	  .context = 64,
	  .bias = SYNTH_BIAS_QKV,
	  .rope_freqs = true,
	  .rope_dims = 12,
	  .scaling = "yarn",
	  .factor = 4,
	  .original = 32,
	  .eps = 1e-5f,
	  .type = GGML_TYPE_Q4_0,
	  .seed = 1 },
	{ .name = "m2",
	  .arch = "qwen3",
	  .layers = 2,
	  .width = 36,
	  .heads = 3,
	  .kv_heads = 1,
	  .ff = 40,
	  .vocab = 32,
	  .context = 64,
	  .head_size = 12,
	  .tied = true,
	  .eps = 1e-5f,
	  .type = GGML_TYPE_F32,
	  .seed = 2 },
	{ .name = "m3",
	  .arch = "gemma2",
	  .layers = 2,
	  .width = 32,
	  .heads = 2,
	  .kv_heads = 1,
	  .ff = 32,
	  .vocab = 32,
	  .context = 64,
	  .tied = true,
	  .window = 4,
	  .attn_cap = 20,
	  .final_cap = 30,
	  .eps = 1e-5f,
	  .type = GGML_TYPE_Q8_0,
	  .seed = 3 },
	{ .name = "m4",
	  .arch = "gpt2",
	  .layers = 1,
	  .width = 32,
	  .heads = 2,
	  .kv_heads = 2,
	  .ff = 32,
	  .vocab = 32,
	  .context = 64,
	  .bias = SYNTH_BIAS_ALL,
	  .eps = 1e-5f,
	  .type = GGML_TYPE_Q8_0,
	  .seed = 4 },
	{ .name = "m5",
	  .arch = "phi3",
	  .layers = 1,
	  .width = 32,
	  .heads = 2,
	  .kv_heads = 2,
	  .ff = 32,
	  .vocab = 32,
	  .context = 64,
	  .rope_freqs = true,
	  .original = 32,
	  .window = 5,
	  .eps = 1e-5f,
	  .type = GGML_TYPE_Q8_0,
	  .seed = 5 },
	{ .name = "moe3",
	  .arch = "llama",
	  .layers = 2,
	  .width = 64,
	  .heads = 4,
	  .kv_heads = 2,
	  .ff = 32,
	  .vocab = 32,
	  .context = 64,
	  .experts = 5,
	  .used = 2,
	  .scales = true,
	  .eps = 1e-5f,
	  .type = GGML_TYPE_Q8_0,
	  .seed = 3 },
	{ .name = "moe4",
	  .arch = "qwen2moe",
	  .bias = SYNTH_BIAS_QKV,
	  .layers = 2,
	  .width = 36,
	  .heads = 3,
	  .kv_heads = 1,
	  .head_size = 12,
	  .ff = 40,
	  .vocab = 32,
	  .context = 64,
	  .experts = 4,
	  .used = 3,
	  .expert_ff = 20,
	  .expert_files = SYNTH_SINGLE,
	  .shared_ff = 24,
	  .eps = 1e-5f,
	  .type = GGML_TYPE_F32,
	  .seed = 4 },
	{ .name = "moe5",
	  .arch = "deepseek2",
	  .layers = 2,
	  .width = 32,
	  .heads = 2,
	  .kv_heads = 1,
	  .head_size = 48,
	  .rope_dims = 16,
	  .mla_rank = 32,
	  .mla_q_rank = 24,
	  .mla_plain = 16,
	  .mla_value = 16,
	  .ff = 32,
	  .vocab = 32,
	  .context = 64,
	  .experts = 6,
	  .used = 3,
	  .expert_ff = 32,
	  .shared_ff = 32,
	  .gating = 2,
	  .groups = 3,
	  .used_groups = 2,
	  .select_bias = true,
	  .weights_norm = true,
	  .weights_scale = 2.5f,
	  .eps = 1e-5f,
	  .type = GGML_TYPE_Q8_0,
	  .seed = 5 },
	{ .name = "moe6",
	  .arch = "afmoe",
	  .layers = 4,
	  .width = 32,
	  .heads = 2,
	  .kv_heads = 1,
	  .ff = 32,
	  .vocab = 32,
	  .context = 64,
	  .window = 20,
	  .experts = 4,
	  .used = 2,
	  .expert_ff = 32,
	  .shared_ff = 32,
	  .dense_layers = 1,
	  .select_bias = true,
	  .weights_norm = true,
	  .eps = 1e-5f,
	  .type = GGML_TYPE_Q8_0,
	  .seed = 6 },
};

#define N_SPECS (sizeof(specs) / sizeof(specs[0]))

static const struct synth_ssm ssm_specs[] = {
	{ .name = "ssm1",
	  .arch = "mamba",
	  .layers = 2,
	  .width = 32,
	  .vocab = 32,
	  .context = 64,
	  .taps = 4,
	  .inner = 64,
	  .state = 8,
	  .rank = 4,
	  .inner_norms = true,
	  .eps = 1e-5f,
	  .type = GGML_TYPE_Q8_0,
	  .seed = 7 },
	{ .name = "ssm2",
	  .arch = "falcon-h1",
	  .layers = 2,
	  .width = 32,
	  .vocab = 32,
	  .context = 64,
	  .taps = 3,
	  .inner = 32,
	  .state = 8,
	  .rank = 4,
	  .groups = 2,
	  .heads = 2,
	  .kv_heads = 1,
	  .head_size = 16,
	  .ff = 32,
	  .eps = 1e-5f,
	  .type = GGML_TYPE_Q8_0,
	  .seed = 11 },
	{ .name = "ssm3",
	  .arch = "qwen3next",
	  .layers = 2,
	  .pattern = "mmma",
	  .width = 32,
	  .vocab = 32,
	  .context = 64,
	  .taps = 4,
	  .inner = 32,
	  .state = 16,
	  .rank = 2,
	  .groups = 1,
	  .heads = 2,
	  .kv_heads = 1,
	  .head_size = 16,
	  .ff = 32,
	  .eps = 1e-6f,
	  .type = GGML_TYPE_Q8_0,
	  .seed = 9 },
};

#define N_SSM	 (sizeof(ssm_specs) / sizeof(ssm_specs[0]))
#define N_MODELS (N_SPECS + N_SSM)

/* An undamaged file. */
struct model {
	uint8_t *data;
	size_t size, head; /* where the first tensor's data begin */
	bool experts, ssm;
};

/*
 * Against exact arithmetic on these small models: what int8 activations cost, and in the second case
 * weights requantised to four bits. Another function gives 0.5 to 2.
 */
#define NMSE_INT8 0.03
#define NMSE_Q4	  0.2
/* Where experts are chosen, scores that change places make other ones answer. */
#define NMSE_INT8_MOE 0.1
#define NMSE_Q4_MOE   0.5
#define MOST_LOGIT    1e4

static uint64_t state = 1;

static uint64_t below(uint64_t n)
{
	return gguf_random(&state) % n;
}

static uint64_t odd_value(void)
{
	static const uint64_t v[] = { 0,	  1,	      2,	  3,	      31,
				      32,	  33,	      255,	  65535,      65536,
				      0x7fffffff, 0x80000000, 0xffffffff, 1ull << 40, UINT64_MAX };

	return v[below(sizeof(v) / sizeof(v[0]))];
}

static void damage(uint8_t *p, size_t n)
{
	size_t at = below(n - 8);
	uint64_t v;

	switch (below(4)) {
	case 0:
		p[at] ^= (uint8_t)(1 << below(8));
		break;
	case 1:
		p[at] = (uint8_t)below(256);
		break;
	case 2:
		v = odd_value();
		memcpy(p + at, &v, below(2) ? 8 : 4);
		break;
	default:
		memcpy(&v, p + at, 8);
		v += below(2) ? 1 + below(40) : -(1 + below(40));
		memcpy(p + at, &v, 8);
		break;
	}
}

struct tally {
	uint64_t refused, ran, compared, failed;
	double worst; /* NMSE */
};

static const uint32_t prompt[] = { 3, 1, 30, 17, 17, 5, 9, 2 };

#define PROMPT (sizeof(prompt) / sizeof(prompt[0]))

/* What the file's bytes say, of a state space model or another; 0, or that pass does not know. */
static int exact(const struct model *m, const struct compile_options *o, const int32_t *tokens,
		 size_t n, double *want)
{
	double *logits = NULL, most = 0;
	struct forward64 *f = NULL;
	size_t vocab, i;
	int ret;

	if (!m->ssm) {
		ret = forward64_open_mem(o->data, o->size, FORWARD64_EXACT, &f, NULL);
		if (!ret)
			ret = forward64_run(f, tokens, n, want, NULL);
		forward64_close(f);
		return ret;
	}
	ret = forward64_ssm(o->data, o->size, FORWARD64_EXACT, FORWARD64_BY_CONTEXT, tokens, n,
			    &logits, &vocab, NULL, NULL);
	/* states that grow, since their decays come from elsewhere, have no digits left */
	for (i = 0; !ret && i < n * vocab; i++)
		most = fmax(most, fabs(logits[i]));
	if (!ret && !(most < MOST_LOGIT))
		ret = -ERANGE;
	if (!ret)
		memcpy(want, logits, n * vocab * sizeof(*want));
	free(logits);
	return ret;
}

/* An accepted file must run, and compute what it says. */
static void run_damaged(struct model_run *r, const struct compile_options *o, const struct model *m,
			struct tally *t)
{
	float *got = calloc(PROMPT * (size_t)r->mf->vocab, sizeof(*got));
	double *want = calloc(PROMPT * (size_t)r->mf->vocab, sizeof(*want)), value;
	double limit = o->format != PASS_FORMAT_Q4_0 ? (m->experts ? NMSE_INT8_MOE : NMSE_INT8)
						     : (m->experts ? NMSE_Q4_MOE : NMSE_Q4);
	struct nmse sum = { 0 };
	int32_t tokens[PROMPT];
	size_t i, n;

	n = PROMPT < r->mf->context ? PROMPT : r->mf->context;
	if (!got || !want || r->mf->vocab < 32 || model_prompt(r, 0, prompt, (uint32_t)n, 1, got)) {
		printf("# compiled, but: %s\n", r->err);
		t->failed++;
		goto out;
	}
	t->ran++;
	for (i = 0; i < n; i++)
		tokens[i] = (int32_t)prompt[i];
	if (exact(m, o, tokens, n, want))
		goto out;
	nmse_add(&sum, got, want, n * r->mf->vocab);
	value = nmse_get(&sum);
	t->compared++;
	if (value > t->worst)
		t->worst = value;
	if (!(value < limit)) {
		printf("# %s, format %d: NMSE %g, limit %g\n", r->mf->arch, (int)o->format, value,
		       limit);
		t->failed++;
	}
out:
	free(want);
	free(got);
}

static void compile_damaged(const struct model *m, struct tally *t)
{
	struct compile_options o = { .model = "m",
				     .chip = compile_chip(below(2) ? "default" : "small") };
	uint8_t *copy = malloc(m->size);
	struct model_run r;
	uint64_t k;
	int ret;

	if (!copy) {
		t->failed++;
		return;
	}
	memcpy(copy, m->data, m->size);
	for (k = below(3) + 1; k; k--)
		damage(copy, m->head);
	o.data = copy;
	o.size = m->size;
	o.format = (enum pass_format)below(3);
	ret = model_open(&r, &o, 1);
	if (!ret) {
		run_damaged(&r, &o, m, t);
		model_close(&r);
	} else if (!r.compiled && r.err[0]) {
		t->refused++;
	} else {
		printf("# damaged model: \"%s\"\n", r.err);
		t->failed++;
	}
	free(copy);
}

static int models(uint64_t rounds)
{
	struct model list[N_MODELS] = { 0 }, *m;
	struct tally t = { 0 };
	struct gguf_file *f;
	uint64_t i;
	int ret;

	for (i = 0; i < N_MODELS; i++) {
		m = &list[i];
		m->ssm = i >= N_SPECS;
		m->experts = !m->ssm && specs[i].experts;
		ret = m->ssm ? synth_ssm_build(&ssm_specs[i - N_SPECS], &m->data, &m->size)
			     : synth_build(&specs[i], &m->data, &m->size);
		if (ret || gguf_open_mem(m->data, m->size, &f, NULL))
			return -1;
		m->head = (size_t)(gguf_tensor(f, 0)->data - m->data);
		gguf_close(f);
	}
	for (i = 0; i < rounds; i++)
		compile_damaged(&list[below(N_MODELS)], &t);
	for (i = 0; i < N_MODELS; i++)
		free(list[i].data);
	printf("# %llu damaged models: %llu refused, %llu run, %llu compared (worst NMSE %.2g), %llu "
	       "failed\n",
	       (unsigned long long)rounds, (unsigned long long)t.refused, (unsigned long long)t.ran,
	       (unsigned long long)t.compared, t.worst, (unsigned long long)t.failed);
	return t.failed || !t.refused || !t.compared ? -1 : 0;
}

static int programs(uint64_t rounds)
{
	struct compile_options o = { .model = "m", .chip = compile_chip("small") };
	uint64_t i, k, safe = 0, hazard = 0, silent = 0;
	struct compile_result r;
	struct estimate est;
	uint8_t *data, *code, *copy;
	size_t size, bytes;

	if (synth_build(&specs[1], &data, &size))
		return -1;
	o.data = data;
	o.size = size;
	if (compile_model(&o, &r))
		return -1;
	for (i = 0; i < rounds; i++) {
		enum ig1_prog kind = (enum ig1_prog)below(IG1_PROGS);
		struct hazards_program p = { .chip = o.chip,
					     .kind = kind,
					     .context = 64,
					     .max_cols = r.code.shape.cols,
					     .kv_block_bytes = r.code.kv.block_bytes };
		struct ig1_column col = { .pos = 40, .kv = 0x10000000 };
		struct trace_job job = { .chip = o.chip,
					 .cols = &col,
					 .n_cols = 1,
					 .max_commands = 20000,
					 .args = { 0x10000, 1, 0, 0, 1, 1 } };
		struct hazards_stats stats;
		struct diag d = { 0 };
		int ret;

		if (cg_encode_all(&r.code.prog[kind], &code, &bytes))
			return -1;
		copy = malloc(bytes);
		if (!copy)
			return -1;
		memcpy(copy, code, bytes);
		free(code);
		for (k = below(2) + 1; k; k--)
			damage(copy, bytes);
		p.prog = copy;
		p.n_cmds = bytes / IG1_COMMAND_BYTES;
		ret = hazards_check(&p, &stats, &d);
		safe += !ret;
		hazard += ret == -EBADMSG;
		silent += ret && !d.msg[0];
		job.prog = copy;
		job.n_cmds = p.n_cmds;
		d = (struct diag){ 0 };
		ret = estimate_job(&job, NULL, NULL, &est, &d);
		silent += ret && !d.msg[0];
		free(copy);
	}
	compile_free(&r);
	free(data);
	printf("# %llu damaged programs, %llu without a hazard, %llu with one\n",
	       (unsigned long long)rounds, (unsigned long long)safe, (unsigned long long)hazard);
	return silent ? -1 : 0;
}

int main(int argc, char **argv)
{
	uint64_t n_models = argc > 1 ? strtoull(argv[1], NULL, 0) : 1000;
	uint64_t n_programs = argc > 2 ? strtoull(argv[2], NULL, 0) : 1000;
	int bad;

	state = argc > 3 ? strtoull(argv[3], NULL, 0) : 1;
	printf("1..2\n");
	bad = models(n_models);
	printf("%sok 1 - damaged models\n", bad ? "not " : "");
	if (programs(n_programs)) {
		bad = 1;
		printf("not ");
	}
	printf("ok 2 - damaged programs\n");
	return bad ? 1 : 0;
}
