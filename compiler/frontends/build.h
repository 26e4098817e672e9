/* SPDX-License-Identifier: MIT */
/*
 * Building a graph from a model file: the numbers of the model and the pieces that the blocks of the
 * architectures are put together from. Pieces return NULL for a NULL input or after an error, which is in
 * m->diag, so that a chain needs one check at its end.
 */
#ifndef IG1_COMPILER_FRONTENDS_BUILD_H
#define IG1_COMPILER_FRONTENDS_BUILD_H

#include "compiler/frontends/frontend.h"

/* Keys ssm.*; see ssm.h. */
struct fe_ssm {
	uint32_t taps, inner, state, rank, groups;
	bool norms; /* of time step, B and C */
};

struct fe_net {
	struct ir_model *m;
	const struct gguf_file *f;
	const struct fe_arch *arch;
	struct fe_keys keys;
	uint32_t layers, width, heads, kv_heads, head_size, vocab, context;
	uint32_t *ff; /* per layer */
	float eps;
	struct ir_table *rope;
	struct fe_ssm ssm;
	uint8_t *used; /* per tensor of the file: 1: part of the graph */
};

/* What differs between the architectures. */
struct fe_arch {
	const char *name;    /* general.architecture */
	uint32_t rope_pairs; /* 1: rotation of pairs (2i, 2i+1), 0: (i, i + n/2) */
	bool head_norms;     /* attn_q_norm and attn_k_norm of every head are required */
	bool rope_freqs;     /* rope_freqs.weight divides the frequencies; else it is ignored */
	bool no_attention;   /* no heads, no feed-forward, no positions */
	bool bias_q, bias_o, bias_ffn, bias_out; /* which biases a file may have */
	/* of net.c's special_keys those that it reads itself; NULL ends them */
	const char *const *keys;
	/* Further keys, before the first block; NULL: there are none. */
	int (*read)(struct fe_net *n);
	/* Block `layer` on the residual x; NULL: attention and feed-forward. */
	struct ir_op *(*block)(struct fe_net *n, uint32_t layer, struct ir_op *x);
};

extern const struct fe_arch fe_arch_llama, fe_arch_qwen2, fe_arch_qwen3;
extern const struct fe_arch fe_arch_mamba, fe_arch_mamba2;

/* net.c */
int fe_build_net(struct ir_model *m, const struct gguf_file *f, const struct fe_arch *arch,
		 uint32_t context);
struct ir_op *fe_attention(struct fe_net *n, uint32_t layer, struct ir_op *x);
struct ir_op *fe_ffn(struct fe_net *n, uint32_t layer, struct ir_op *x);

/* rope.c: n->rope from the keys. */
int fe_rope_table(struct fe_net *n);

/* build.c */
int fe_check_range(struct fe_net *n, const char *key, uint32_t v, uint32_t max); /* 1 to max */
/* A tensor of the file, marked as used. *out is NULL when it is optional and absent. */
int fe_tensor(struct fe_net *n, const char *name, bool required, uint64_t cols, uint64_t rows,
	      struct ir_tensor **out);
struct ir_tensor *fe_layer_tensor(struct fe_net *n, uint32_t layer, const char *name, bool required,
				  uint64_t cols, uint64_t rows);
const char *fe_layer_name(struct fe_net *n, uint32_t layer, const char *what);
/* Rows of seg elements; the weight, of seg elements, is repeated `copies` times. */
struct ir_op *fe_rmsnorm(struct fe_net *n, struct ir_op *x, struct ir_tensor *w, uint32_t seg,
			 uint32_t copies, const char *name);
struct ir_op *fe_matmul(struct fe_net *n, struct ir_op *x, struct ir_tensor *w, const char *name);
struct ir_op *fe_bias(struct fe_net *n, struct ir_op *x, struct ir_tensor *b, const char *name);
/* `tensor`.weight and, where may_bias, `tensor`.bias if the file has it */
struct ir_op *fe_linear(struct fe_net *n, uint32_t layer, struct ir_op *x, const char *tensor,
			uint32_t rows, bool may_bias, const char *name);
struct ir_op *fe_add(struct fe_net *n, struct ir_op *a, struct ir_op *b, const char *name);
/* fn(x), fn(g) * u */
struct ir_op *fe_act(struct fe_net *n, struct ir_op *x, enum ir_fn fn, const char *name);
struct ir_op *fe_glu(struct fe_net *n, struct ir_op *g, struct ir_op *u, enum ir_fn fn,
		     const char *name);
/* x * y; y may have one element for each row of seg elements of x */
struct ir_op *fe_mul(struct fe_net *n, struct ir_op *x, struct ir_op *y, uint32_t seg,
		     const char *name);
/* x times the elements of w, repeated until they are enough */
struct ir_op *fe_gain(struct fe_net *n, struct ir_op *x, struct ir_tensor *w, const char *name);
/* x * scale + shift */
struct ir_op *fe_affine(struct fe_net *n, struct ir_op *x, float scale, float shift,
			const char *name);
struct ir_op *fe_rope(struct fe_net *n, struct ir_op *x, const char *name);

#endif
