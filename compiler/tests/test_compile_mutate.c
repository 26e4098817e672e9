// SPDX-License-Identifier: MIT
/*
 * Damaged inputs: model files through the whole compiler, command streams through the hazard checker
 * and the estimator. Nothing may crash, hang, or fail without a message; what is accepted must
 * compile. Arguments: rounds, seed. TAP.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "compiler/codegen/estimate.h"
#include "compiler/codegen/hazards.h"
#include "compiler/compile.h"
#include "compiler/quant/ggml_types.h"
#include "compiler/tests/gguf_walk.h"
#include "compiler/tests/model_gen.h"

static const struct gen_spec specs[] = {
	{ .name = "m1",
	  .arch = "llama",
	  .layers = 2,
	  .width = 64,
	  .heads = 4,
	  .kv_heads = 2,
	  .ff = 64,
	  .vocab = 32,
	  .context = 64,
	  .bias_qkv = true,
	  .rope_freqs = true,
	  .rope_dims = 12,
	  .scaling = "yarn",
	  .factor = 4,
	  .orig_context = 32,
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
	  .type = GGML_TYPE_F32,
	  .seed = 2 },
};

#define N_SPECS (sizeof(specs) / sizeof(specs[0]))

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

/* 1: compiled, 0: refused, -1: refused without a word. */
static int compile_damaged(const uint8_t *data, size_t size, size_t head)
{
	struct compile_options o = { .model = "m",
				     .chip = compile_chip(below(2) ? "default" : "small") };
	struct compile_result r;
	uint8_t *copy = malloc(size);
	uint64_t k;
	int ret;

	if (!copy)
		return -1;
	memcpy(copy, data, size);
	for (k = below(3) + 1; k; k--)
		damage(copy, head);
	o.data = copy;
	o.size = size;
	o.format = (enum pass_format)below(3);
	ret = compile_model(&o, &r);
	if (ret)
		ret = r.model.diag.msg[0] ? 0 : -1;
	else
		ret = 1;
	compile_free(&r);
	free(copy);
	return ret;
}

static int models(uint64_t rounds)
{
	uint64_t i, accepted = 0, silent = 0;
	uint8_t *data[N_SPECS];
	size_t size[N_SPECS], head[N_SPECS];

	for (i = 0; i < N_SPECS; i++) {
		struct gguf_file *f;

		if (gen_model(&specs[i], &data[i], &size[i]) ||
		    gguf_open_mem(data[i], size[i], &f, NULL))
			return -1;
		/* where the first tensor's data begin */
		head[i] = (size_t)(gguf_tensor(f, 0)->data - data[i]);
		gguf_close(f);
	}
	for (i = 0; i < rounds; i++) {
		size_t s = below(N_SPECS);
		int ret = compile_damaged(data[s], size[s], head[s]);

		accepted += ret > 0;
		silent += ret < 0;
	}
	for (i = 0; i < N_SPECS; i++)
		free(data[i]);
	printf("# %llu damaged models, %llu compiled\n", (unsigned long long)rounds,
	       (unsigned long long)accepted);
	return silent ? -1 : 0;
}

static int programs(uint64_t rounds)
{
	struct compile_options o = { .model = "m", .chip = compile_chip("small") };
	uint64_t i, k, safe = 0, hazard = 0, silent = 0;
	struct compile_result r;
	struct estimate est;
	uint8_t *data, *code, *copy;
	size_t size, bytes;

	if (gen_model(&specs[1], &data, &size))
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
	uint64_t rounds = argc > 1 ? strtoull(argv[1], NULL, 0) : 300;
	int bad;

	state = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
	printf("1..2\n");
	bad = models(rounds);
	printf("%sok 1 - damaged models\n", bad ? "not " : "");
	if (programs(rounds)) {
		bad = 1;
		printf("not ");
	}
	printf("ok 2 - damaged programs\n");
	return bad ? 1 : 0;
}
