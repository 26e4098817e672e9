/* SPDX-License-Identifier: MIT */
/*
 * What is known of the classes that config.json names, as data: keys, demands and tensor names of a
 * class and of its GGUF architecture. hf_keys.c and hf_tensors.c work through it.
 */
#ifndef IG1_COMPILER_FRONTENDS_HF_ARCHS_H
#define IG1_COMPILER_FRONTENDS_HF_ARCHS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum hf_key_type {
	HF_U32,
	HF_F32,
	HF_BOOL,   /* or 0 and 1 */
	HF_GATING, /* "softmax" is 1, "sigmoid" 2 */
	HF_RSQRT,  /* F32: 1 / its root */
};

/*
 * A key of the GGUF file ("<arch>." before it) and where its value is. json has alternatives, split
 * by '|', of which the first whose names are all present counts: a name with dots for nested
 * objects, or names and numbers with + - * / between them, from left to right; division rounds down. null
 * and "auto" count as absent. @TENSOR:I is a size of a tensor, as stored.
 */
struct hf_key {
	const char *key;
	const char *json;
	enum hf_key_type type;
	bool required;
};

/*
 * config.json's value must be one of `values`, split by '|'; "-" allows it to be absent or null,
 * "[0,inf]" are two numbers. when: only where this one is true.
 */
struct hf_demand {
	const char *json;
	const char *values;
	const char *when;
};

enum hf_op {
	HF_COPY,      /* as it lies in the file */
	HF_PERMUTE_Q, /* rows of a head [2][size/2] to [size/2][2]; heads: num_attention_heads */
	HF_PERMUTE_K, /* num_key_value_heads */
	HF_PLUS1,     /* element + 1, in F32 */
	HF_NEG_EXP,   /* -exp(element), in F32 */
	HF_NEG_EXP_1, /* the same, {n} to {1, n} */
	HF_TRAIL,     /* {n} to {1, n} */
	HF_CONV,      /* [C, 1, K] to [C, K] */
	HF_GROUPS,    /* {n} to {n / n_groups, n_groups} */
	HF_FLAT,      /* to {n} */
	HF_TRANSPOSE, /* of every matrix */
	HF_TRANSPOSE_EVEN, /* and then of the rows 0, 2, 4, ... */
	HF_TRANSPOSE_ODD,
	HF_TRANSPOSE_HALF_0, /* and then the first half of the rows */
	HF_TRANSPOSE_HALF_1, /* and the second */
	HF_HALF_0,	     /* of every matrix the first half of the rows */
	HF_HALF_1,	     /* and the second */
	HF_EVEN,	     /* of every matrix rows (of a bias: elements) 0, 2, 4, ... */
	HF_ODD,
	HF_KV_B_K, /* kv_b_proj: the keys' rows of each head, transposed */
	HF_KV_B_V, /* the values' rows of each head */
	HF_MXFP4,  /* NAME_blocks and NAME_scales (U8) to MXFP4 */
	HF_MXFP4_EVEN,
	HF_MXFP4_ODD,
	HF_SCALE,	/* times the config's numbers behind the name, "*a*b"; in F32 */
	HF_SCALE_PARTS, /* falcon-h1's ssm_in: the same, and each part times one of ssm_multipliers */
	HF_SCALE_TIED,	 /* its output: as HF_SCALE; none where embedding_multiplier is the same */
	HF_RESCALE,	 /* rwkv6: halved once for every rescale_every layers before */
	HF_DELTA_QKV,	 /* qwen3next: of all heads queries, then keys, then values */
	HF_DELTA_Z,	 /* and their gates */
	HF_TILE,	 /* qwen35: value heads (rows or elements) [keys][each] to [each][keys] */
	HF_TILE_NEG_EXP, /* the same, then -exp(element) */
	HF_TILE_ROWS,	 /* of linear_value_head_dim rows each */
	HF_TILE_QKV,	 /* behind queries and keys */
	HF_TILE_CONV,	 /* the same of [C, 1, K] */
	HF_TILE_COLUMNS,
	HF_OPS
};

/*
 * gguf and hf without suffix are tried with .weight and .bias, unless raw is set. {e} in hf: the
 * tensors of all experts, one below the other; {abc}: those with each of the letters, each a row.
 * Of several rules for one GGUF name the first whose tensor exists counts.
 */
struct hf_rule {
	const char *gguf, *hf;
	enum hf_op op;
	bool raw;
};

enum {
	HF_TIED = 1 << 0,	   /* an output matrix in the file is a copy of the embedding */
	HF_DROP_MTP = 1 << 1,	   /* layers from num_hidden_layers on are left out */
	HF_MXFP4_OK = 1 << 2,	   /* quantization_config may say mxfp4 */
	HF_KV_LAYERS = 1 << 3,	   /* head_count_kv per layer: 0 where a layer has no attention */
	HF_NO_ROPE = 1 << 4,	   /* rope_scaling is not looked at */
	HF_FINETUNED = 1 << 5,	   /* granite: rope.scaling.finetuned by position_embedding_type */
	HF_YARN_MSCALE = 1 << 6,   /* deepseek2: mscale_all_dim to yarn_log_multiplier */
	HF_DENSE = 1 << 7,	   /* this entry is for folders with at most one expert */
	HF_FF_LAYERS = 1 << 8,	   /* feed_forward_length per layer, as HF_KV_LAYERS */
	HF_RECURRENT = 1 << 9,	   /* layers of linear attention, the others at an interval */
	HF_PART_ROPE = 1 << 10,	   /* partial_rotary_factor of a head is rotated */
	HF_LISTS = 1 << 12,	   /* openelm: heads and the feed-forward's factors are lists */
	HF_LONG_ROPE = 1 << 13,	   /* rope_scaling may be longrope */
	HF_BARE = 1 << 14,	   /* for names without what the class's other entry has first */
	HF_QUARTER_ROPE = 1 << 11, /* the same, a quarter where the config does not say */
};

struct hf_arch {
	const char *classes; /* of config.json's architectures, split by '|' */
	const char *gguf;
	const char *prefix;    /* of a layer's tensors, before the number */
	const char *n_experts; /* as a key's json; NULL: none */
	/* Layer types repeat with this period (the last of each is full attention); 0: not used. */
	uint32_t period;
	uint32_t flags;
	/* Lists end with an entry of NULLs. keys2 comes before keys, layer2 after layer. */
	const struct hf_key *keys, *keys2;
	const struct hf_demand *demands;
	const struct hf_rule *globals, *layer, *layer2;
};

/* hf_archs.c: all of them; NULL behind the last one. */
const struct hf_arch *hf_arch_at(size_t i);

/* hf_archs_recurrent.c: state space models, hybrids, linear attention. */
extern const struct hf_arch hf_recurrent[];
extern const size_t hf_n_recurrent;

/* Ends of tensor names that hold nothing a model needs. */
extern const char *const hf_ignored[];
extern const size_t hf_n_ignored;

#endif
