/* SPDX-License-Identifier: MIT */
/*
 * Small random models as GGUF files, for shapes that no trained model at hand has.
 *
 * Weights depend on the seed and the tensor's name only, so two descriptions that differ in one
 * point (a key, a missing tensor, a type) give files that differ in that point alone. Norm weights
 * lie near 1, matrices near 1 / sqrt(inputs) with one strong direction and rows of unequal size,
 * attention scores have a deviation of about 1: neither flat nor one-hot.
 *
 * A matrix whose rows are not a multiple of the type's block gets the next coarser one that fits:
 * K-quants, TQ2_0 and Q1_0 become Q8_0, the 32-blocks F16.
 */
#ifndef IG1_TESTS_MODELS_SYNTH_H
#define IG1_TESTS_MODELS_SYNTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Biases, as far as the architecture has them. */
enum synth_bias {
	SYNTH_BIAS_Q = 1 << 0,
	SYNTH_BIAS_K = 1 << 1,
	SYNTH_BIAS_V = 1 << 2,
	SYNTH_BIAS_QKV = 7,
	SYNTH_BIAS_O = 1 << 3,
	SYNTH_BIAS_GATE = 1 << 4,
	SYNTH_BIAS_UP = 1 << 5,
	SYNTH_BIAS_DOWN = 1 << 6,
	SYNTH_BIAS_OUT = 1 << 7,
	SYNTH_BIAS_ALL = 0xff,
};

struct synth_model {
	const char *name;
	const char *arch; /* one that the compiler knows */
	uint64_t seed;
	uint32_t layers, width, heads, kv_heads;
	uint32_t head_size;  /* 0: no key, which means width / heads */
	uint32_t value_size; /* 0: head_size */
	/* Per layer, NULL: heads, kv_heads. With them there is a head_size. */
	const uint32_t *heads_of, *kv_of;
	uint32_t ff;
	uint32_t ff_step; /* layer i has ff + i * ff_step; not 0: the key is an array */
	uint32_t vocab;	  /* at least 4; from 259 on with byte tokens */
	uint32_t context;
	bool tied;	/* no output matrix */
	uint32_t bias;	/* enum synth_bias */
	bool fused_qkv; /* attn_qkv also where it is not usual */
	float eps;
	/* Below: 0 or NULL leaves the key out. */
	uint32_t rope_dims;
	float rope_base;
	const char *scaling; /* "none", "linear", "yarn" */
	float factor;
	float scale_linear; /* the old name of factor */
	uint32_t original;  /* context before scaling */
	float attn_factor, beta_fast, beta_slow;
	bool rope_freqs; /* a tensor of frequency factors, for phi3 two */
	float base_win;	 /* rope.freq_base_swa */
	bool no_rope;	 /* granite: rope.scaling.finetuned is false */
	uint32_t window, pattern;
	const uint8_t *flags; /* the pattern as a flag per layer */
	bool sinks;
	float attn_cap, final_cap;
	float attn_scale, embd_scale, residual_scale, logit_scale;
	/*
	 * enum ggml_type of the matrices: F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_1, Q4_K, Q6_K, TQ2_0, Q1_0,
	 * IQ4_NL, MXFP4, NVFP4
	 */
	uint32_t type;
	/* Another one for attn_v, ffn_down and the (tied) output, as quantisers like to mix; 0: no. */
	uint32_t type2;
	uint32_t type2_from; /* not in the layers before this one */
	/* Mixture of experts, when experts is not 0; what the architecture does not have is left out. */
	uint32_t experts, used;
	uint32_t expert_type;  /* of their matrices: one of the above; 0: type or type2 */
	uint32_t expert_ff;    /* width of an expert; 0: ff */
	uint32_t shared_ff;    /* width of the shared expert; 0: none */
	uint32_t expert_files; /* enum synth_experts */
	uint32_t dense_layers; /* that lead */
	uint32_t gating, groups, used_groups;
	bool select_bias, weights_norm;
	float weights_scale;
	bool scales; /* a number for every matrix of a layer, which multiplies its output */
	/* Latent attention; head_size is mla_rank + rope_dims. */
	uint32_t mla_rank, mla_q_rank, mla_plain, mla_value;
	bool mla_joined; /* attn_kv_b and the keys that come with it, as in older files */
	float yarn_log;
};

/* How a file holds its experts. */
enum synth_experts {
	SYNTH_STACKED, /* one tensor for all, gate and up apart */
	SYNTH_FUSED,   /* gate and up in one */
	SYNTH_SINGLE,  /* a tensor for each, as in very old files */
};

struct gguf_writer;

/* The size of a head as the file's readers see it. */
uint32_t synth_head_size(const struct synth_model *m);

/* *data is malloc'ed. 0, -EINVAL for a description that makes no sense, or -ENOMEM. */
int synth_build(const struct synth_model *m, uint8_t **data, size_t *size);

/* A model as small as they are, where only the architecture matters. */
struct synth_model synth_tiny(const char *arch);

/* As synth_build, to a file; also negative errno of the file's operations. */
int synth_write(const struct synth_model *m, const char *path);

/*
 * Its two halves, for files with something more or something else: keys (with a vocabulary) that may
 * contradict the tensors, which must make sense. The writer is initialised.
 */
int synth_keys(const struct synth_model *m, struct gguf_writer *w);
int synth_tensors(const struct synth_model *m, struct gguf_writer *w);

#endif
