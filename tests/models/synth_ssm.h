/* SPDX-License-Identifier: MIT */
/*
 * Small random state space models and hybrids as GGUF files; see synth.h. Decays range over what trained
 * models have: from almost none to almost all of a state lost in a token.
 */
#ifndef IG1_TESTS_MODELS_SYNTH_SSM_H
#define IG1_TESTS_MODELS_SYNTH_SSM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct synth_ssm {
	const char *name;
	/*
	 * mamba, mamba2, jamba, granitehybrid, nemotron_h, nemotron_h_moe, falcon-h1, rwkv6, rwkv7, qwen3next,
	 * qwen35, qwen35moe, sqla
	 */
	const char *arch;
	const char *row; /* in the table of architectures; NULL: its architecture's */
	uint64_t seed;
	uint32_t layers, width, vocab, context;
	uint32_t taps, inner, state;
	uint32_t rank;	 /* of the time step; mamba2 and what is made of it: heads */
	uint32_t groups; /* mamba2 */
	/*
	 * What a layer is, one letter each, repeated: m state space, a attention, f feed-forward, e experts (of
	 * nemotron_h_moe).
	 */
	const char *pattern;
	uint32_t heads, kv_heads, head_size, ff;
	uint32_t rescale; /* rwkv6 */
	/* rwkv6 and rwkv7, with head_size and ff: ranks, each one more than the one before */
	uint32_t lora;
	/* Experts, when experts is not 0; what the architecture does not have is left out. */
	uint32_t experts, used;
	uint32_t expert_ff; /* width of an expert; not of jamba and granitehybrid, where it is ff */
	uint32_t shared_ff; /* width of the shared expert; 0: none */
	uint32_t latent;    /* width of what experts work on; 0: that of the model */
	uint32_t every; /* jamba, granitehybrid: experts in layers every - 1, 2 every - 1, ... */
	bool select_bias, weights_norm;
	float weights_scale;
	bool inner_norms;  /* mamba: of time step, B and C */
	bool no_gate_norm; /* falcon-h1 */
	bool scales;	   /* granitehybrid: all four */
	bool plain_conv; /* sqla, Mamba-2: without biases; sqla's scores' factors then do not matter */
	bool joined_in; /* qwen3next: ssm_in, as in older files */
	bool attn_bias; /* of queries, keys and values, not of qwen3next and its relatives */
	float eps;
	uint32_t type;	  /* enum ggml_type of the matrices */
	const char *drop; /* this tensor is left out, for refusals */
	const char *wide; /* this one has rows one element longer */
	/* Elements of this tensor (NULL: of none) are multiplied by `factor`. */
	const char *change;
	float factor;
};

extern const struct synth_ssm ssm_shapes[];
extern const size_t n_ssm_shapes;

/* *data is malloc'ed. 0 or a negative errno. */
int synth_ssm_build(const struct synth_ssm *m, uint8_t **data, size_t *size);

#endif
