// SPDX-License-Identifier: MIT
/* Writes a random model of a given shape as a GGUF file; see synth.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/quant/ggml_types.h"
#include "tests/models/synth.h"

static struct synth_model model = {
	.name = "synth",
	.arch = "llama",
	.seed = 1,
	.layers = 2,
	.width = 64,
	.heads = 4,
	.kv_heads = 4,
	.ff = 128,
	.vocab = 512,
	.context = 256,
	.eps = 1e-5f,
	.type = GGML_TYPE_Q8_0,
};

static const struct option {
	const char *name;
	enum { TEXT, NUMBER, FLOAT, FLAG, TYPE, SEED } kind;
	void *at;
	const char *help;
} options[] = {
	{ "name", TEXT, &model.name, "general.name" },
	{ "arch", TEXT, &model.arch, "as the compiler names it" },
	{ "seed", SEED, &model.seed, "of the weights" },
	{ "layers", NUMBER, &model.layers, "" },
	{ "width", NUMBER, &model.width, "embedding length" },
	{ "heads", NUMBER, &model.heads, "query heads" },
	{ "kv-heads", NUMBER, &model.kv_heads, "key and value heads" },
	{ "head-size", NUMBER, &model.head_size, "0: width / heads" },
	{ "ff", NUMBER, &model.ff, "feed-forward length" },
	{ "ff-step", NUMBER, &model.ff_step, "added to it with every layer" },
	{ "vocab", NUMBER, &model.vocab, "tokens" },
	{ "context", NUMBER, &model.context, "positions" },
	{ "tied", FLAG, &model.tied, "0 or 1: no output matrix" },
	{ "bias", NUMBER, &model.bias,
	  "sum of 1 q, 2 k, 4 v, 8 o, 16 gate, 32 up, 64 down, 128 output" },
	{ "eps", FLOAT, &model.eps, "of the norms" },
	{ "rope-dims", NUMBER, &model.rope_dims, "0: no key" },
	{ "rope-base", FLOAT, &model.rope_base, "0: no key" },
	{ "scaling", TEXT, &model.scaling, "none, linear or yarn" },
	{ "factor", FLOAT, &model.factor, "of the scaling" },
	{ "scale-linear", FLOAT, &model.scale_linear, "the old key" },
	{ "original", NUMBER, &model.original, "original context" },
	{ "attn-factor", FLOAT, &model.attn_factor, "of yarn" },
	{ "beta-fast", FLOAT, &model.beta_fast, "of yarn" },
	{ "beta-slow", FLOAT, &model.beta_slow, "of yarn" },
	{ "rope-freqs", FLAG, &model.rope_freqs, "0 or 1: frequency factors" },
	{ "type", TYPE, &model.type,
	  "of the matrices: F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_1, Q4_K, Q6_K, TQ2_0, Q1_0, IQ4_NL, "
	  "MXFP4, NVFP4" },
	{ "type2", TYPE, &model.type2, "of attn_v, ffn_down and the output" },
	{ "type2-from", NUMBER, &model.type2_from, "first layer with it" },
	{ "experts", NUMBER, &model.experts, "0: a dense model" },
	{ "used", NUMBER, &model.used, "experts of a token" },
	{ "expert-ff", NUMBER, &model.expert_ff, "feed-forward length of an expert, 0: ff" },
	{ "shared-ff", NUMBER, &model.shared_ff, "of the shared expert, 0: none" },
	{ "expert-files", NUMBER, &model.expert_files,
	  "0 stacked, 1 gate and up in one, 2 single" },
	{ "scales", FLAG, &model.scales, "0 or 1: a number for every matrix of a layer" },
};
#define N_OPTIONS (sizeof(options) / sizeof(options[0]))

static void usage(FILE *f)
{
	size_t i;

	fprintf(f, "usage: mksynth [NAME=VALUE]... FILE\n");
	for (i = 0; i < N_OPTIONS; i++)
		fprintf(f, "  %-13s %s\n", options[i].name, options[i].help);
}

static int set_type(uint32_t *at, const char *value)
{
	uint32_t id;

	for (id = 0; id < 64; id++) {
		if (ggml_type_get(id) && !strcmp(ggml_type_name(id), value)) {
			*at = id;
			return 0;
		}
	}
	return -1;
}

static int set(const struct option *o, const char *value)
{
	char *end = NULL;
	unsigned long long n;
	float f;

	switch (o->kind) {
	case TEXT:
		*(const char **)o->at = value;
		return 0;
	case TYPE:
		return set_type(o->at, value);
	case FLOAT:
		f = strtof(value, &end);
		*(float *)o->at = f;
		return end == value || *end ? -1 : 0;
	default:
		break;
	}
	n = strtoull(value, &end, 0);
	if (end == value || *end)
		return -1;
	if (o->kind == SEED)
		*(uint64_t *)o->at = n;
	else if (o->kind == FLAG)
		*(bool *)o->at = n;
	else
		*(uint32_t *)o->at = (uint32_t)n;
	return o->kind != SEED && n > UINT32_MAX ? -1 : 0;
}

int main(int argc, char **argv)
{
	int i, ret;

	if (argc == 2 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
		usage(stdout);
		return 0;
	}
	if (argc < 2 || strchr(argv[argc - 1], '=') || argv[argc - 1][0] == '-') {
		usage(stderr);
		return 2;
	}
	for (i = 1; i < argc - 1; i++) {
		const char *value = strchr(argv[i], '=');
		size_t k = 0, n = value ? (size_t)(value - argv[i]) : 0;

		while (k < N_OPTIONS &&
		       (strlen(options[k].name) != n || strncmp(options[k].name, argv[i], n)))
			k++;
		if (!value || k == N_OPTIONS || set(&options[k], value + 1)) {
			fprintf(stderr, "mksynth: %s\n", argv[i]);
			usage(stderr);
			return 2;
		}
	}
	ret = synth_write(&model, argv[argc - 1]);
	if (ret)
		fprintf(stderr, "mksynth: %s: %s\n", argv[argc - 1], strerror(-ret));
	return ret ? 1 : 0;
}
