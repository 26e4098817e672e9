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
	bool norms;	   /* of time step, B and C */
	bool no_gate_norm; /* mamba2: none behind the gate */
};

struct fe_rwkv {
	uint32_t head, decay, iclr, value, gate, ff; /* size of a head; ranks; feed-forward */
	uint32_t rescale;	   /* rwkv6: halve the residual every so many layers */
	struct ir_op *first_value; /* of the first layer */
};

/* A tensor that all layers which could have it do, or none. */
struct fe_optional {
	const struct fe_optional *next;
	const char *name; /* behind "blk.N." */
	uint32_t layer;	  /* the first that could */
	bool there;
};

struct fe_net {
	struct ir_model *m;
	const struct gguf_file *f;
	const struct fe_arch *arch;
	struct fe_keys keys;
	uint32_t layers, width, vocab, context;
	uint32_t blocks;	    /* with layers behind `layers` that predict further tokens */
	uint32_t heads, kv_heads;   /* of the layer being built; before, of one with most of them */
	uint32_t *heads_of, *kv_of; /* per layer; of hybrids 0 where it does not attend */
	uint32_t head_size, value_size; /* of queries and keys; of values */
	uint32_t *ff;			/* per layer */
	float eps;
	struct ir_table *rope;		       /* NULL: positions are not rotated */
	struct ir_table *rope_win;	       /* of windowed layers, where they have another one */
	uint32_t window;		       /* positions that windowed layers see */
	uint8_t *windowed;		       /* per layer; NULL: none */
	bool reads_window;		       /* fe_windows() was called */
	float attn_scale, attn_cap, final_cap; /* caps: 0: none */
	float embd_scale, residual_scale, logit_scale; /* factors, 1: none */
	struct fe_ssm ssm;
	uint32_t *recurrent; /* qwen3next: per layer, 0: attention */
	struct fe_rwkv rwkv;
	struct fe_moe *moe; /* NULL: there are no experts */
	struct fe_mla *mla; /* of arch_deepseek2.c */
	uint8_t *used;	    /* per tensor of the file: 1: part of the graph */
	const struct fe_optional *optional;
};

enum fe_bias {
	FE_NO_BIAS,
	FE_MAY_BIAS, /* in all layers or in none */
	FE_BIAS,
};

/* What differs between the architectures. */
struct fe_arch {
	const char *name;    /* general.architecture */
	uint32_t rope_pairs; /* 1: rotation of pairs (2i, 2i+1), 0: (i, i + n/2) */
	bool head_norms;     /* attn_q_norm and attn_k_norm of every head are required */
	bool row_norms;	     /* the same of all heads together */
	bool layer_norm; /* norms subtract the mean and may have biases; else they are RMS norms */
	bool no_pre_norms; /* attention and feed-forward take the residual itself */
	bool post_norms;   /* post_attention_norm, post_ffw_norm before the residual adds */
	bool fused;   /* attn_qkv (others may have it), and ffn_up may have the gate's rows first */
	bool no_gate; /* feed-forward: down(act(up)) */
	bool no_rope;
	bool pos_embd;	   /* position_embd is added to the embedding */
	bool long_rope;	   /* rope_factors_long or _short, by the context */
	enum ir_fn act;	   /* of the feed-forward; IR_FN_NONE: silu */
	bool hybrid;	   /* heads and feed-forward length per layer, 0 where there are none */
	bool embd_norm;	   /* token_embd_norm follows the embedding */
	bool same_values;  /* as long as keys */
	bool mla;	   /* attention over latent vectors: see arch_deepseek2.c */
	bool no_attention; /* no heads, no feed-forward, no positions */
	bool bias_qkv;	   /* q, k and v need biases; else they may have them */
	enum fe_bias bias_o, bias_ffn; /* of attn_output; of the feed-forward */
	bool bias_conv;		       /* Mamba-2's convolution needs one; else it may have it */
	bool bias_out;		       /* the output may have one */
	bool sinks;		       /* attention needs them; else it may have them */
	/* of net.c's special_keys those that it reads itself; NULL ends them */
	const char *const *keys;
	const struct fe_moe_rules *moe; /* moe.h; NULL: a dense one */
	/* Further keys, before the first block; NULL: there are none. */
	int (*read)(struct fe_net *n);
	/* Block `layer` on the residual x; NULL: attention and feed-forward. */
	struct ir_op *(*block)(struct fe_net *n, uint32_t layer, struct ir_op *x);
};

extern const struct fe_arch fe_arch_llama, fe_arch_qwen2, fe_arch_qwen3, fe_arch_gemma,
	fe_arch_gemma2, fe_arch_gemma3, fe_arch_olmo2, fe_arch_granite, fe_arch_phi3,
	fe_arch_starcoder2, fe_arch_gpt2;
extern const struct fe_arch fe_arch_mamba, fe_arch_mamba2, fe_arch_jamba, fe_arch_granitehybrid,
	fe_arch_nemotron_h, fe_arch_falcon_h1, fe_arch_rwkv6, fe_arch_rwkv7, fe_arch_qwen3next,
	fe_arch_qwen35, fe_arch_nemotron_h_moe, fe_arch_qwen35moe, fe_arch_openelm, fe_arch_sqla;
extern const struct fe_arch fe_arch_qwen3moe, fe_arch_qwen2moe, fe_arch_olmoe, fe_arch_granitemoe,
	fe_arch_gpt_oss, fe_arch_afmoe, fe_arch_deepseek2;
extern const struct fe_arch fe_arch_qwen2vl, fe_arch_qwen3vl, fe_arch_qwen3vlmoe;

/* arch_granite.c: its keys and what they do, for relatives */
#define FE_GRANITE_KEYS "attention.scale", "embedding_scale", "residual_scale", "logit_scale"
extern const char *const fe_granite_keys[], *const fe_granitemoe_keys[]; /* arch_moe.c */
int fe_read_granite(struct fe_net *n);

/* net.c */
int fe_build_net(struct ir_model *m, const struct gguf_file *f, const struct fe_arch *arch,
		 uint32_t context);
struct ir_op *fe_attention(struct fe_net *n, uint32_t layer, struct ir_op *x);
struct ir_op *fe_ffn(struct fe_net *n, uint32_t layer, struct ir_op *x);
/* The same without norms and residual, of a normalised h. */
struct ir_op *fe_attention_of(struct fe_net *n, uint32_t layer, struct ir_op *h);
struct ir_op *fe_ffn_of(struct fe_net *n, uint32_t layer, struct ir_op *h);

/* qkv.c: of the model's heads, from h. */
void fe_qkv(struct fe_net *n, uint32_t layer, struct ir_op *h, struct ir_op *out[3]);
bool fe_has_tensor(const struct fe_net *n, uint32_t layer, const char *name);

/* rope.c: n->rope from the keys. */
int fe_rope_table(struct fe_net *n);
/* n->rope_win: without scaling; base: where the file has no rope.freq_base_swa. */
int fe_rope_window(struct fe_net *n, float base);

/*
 * window.c: n->window and n->windowed. window, period: where the file does not say; layer i has the
 * window iff i % period < period - 1, with a period of 0 every layer.
 */
int fe_windows(struct fe_net *n, uint32_t window, uint32_t period);
/* Windowed layers may have a base of their own: not where the architecture makes no table for them. */
int fe_refuse_window_base(struct fe_net *n);

/* build.c */
int fe_check_range(struct fe_net *n, const char *key, uint32_t v, uint32_t max); /* 1 to max */
/* A tensor of the file, marked as used. *out is NULL when it is optional and absent. */
int fe_tensor(struct fe_net *n, const char *name, bool required, uint64_t cols, uint64_t rows,
	      struct ir_tensor **out);
/* The same with `count` matrices of these rows in one tensor of three dimensions. */
int fe_tensor3(struct fe_net *n, const char *name, bool required, uint64_t cols, uint64_t rows,
	       uint64_t count, struct ir_tensor **out);
struct ir_tensor *fe_layer_tensor(struct fe_net *n, uint32_t layer, const char *name, bool required,
				  uint64_t cols, uint64_t rows);
/* A layer's vector that all layers have, or none; every layer that could have it asks. */
struct ir_tensor *fe_layer_optional(struct fe_net *n, uint32_t layer, const char *name,
				    uint64_t cols);
/* A layer's NAME.bias, NULL where there is none. */
struct ir_tensor *fe_layer_bias(struct fe_net *n, uint32_t layer, const char *name,
				enum fe_bias bias, uint64_t cols);
/* Rows first to first + rows of a required one that has `all` rows; index: of such parts. */
struct ir_tensor *fe_layer_part(struct fe_net *n, uint32_t layer, const char *name, uint64_t cols,
				uint64_t all, uint64_t first, uint64_t rows, uint32_t index);
/* A layer's required tensor with rows of `cols` elements, `rows` in all; marked as used. */
const struct gguf_tensor *fe_layer_source(struct fe_net *n, uint32_t layer, const char *name,
					  uint64_t cols, uint64_t rows);
/* A tensor of n vectors of `cols` elements, as n constants; its dimensions of 1 do not matter. */
int fe_layer_rows(struct fe_net *n, uint32_t layer, const char *name, uint32_t cols, uint32_t rows,
		  struct ir_const **out);
/* The same of matrices. */
int fe_layer_mats(struct fe_net *n, uint32_t layer, const char *name, uint32_t cols, uint32_t rows,
		  uint32_t parts, struct ir_tensor **out);
const char *fe_layer_name(struct fe_net *n, uint32_t layer, const char *what);
/* Rows of seg elements; the weight, of seg elements, is repeated `copies` times. */
struct ir_op *fe_rmsnorm(struct fe_net *n, struct ir_op *x, struct ir_tensor *w, uint32_t seg,
			 uint32_t copies, const char *name);
/* The architecture's norm of the whole row, tensors NAME.weight and NAME.bias; of a layer, or not. */
struct ir_op *fe_norm(struct fe_net *n, struct ir_op *x, const char *tensor, const char *name);
struct ir_op *fe_layer_norm(struct fe_net *n, uint32_t layer, struct ir_op *x, const char *tensor);
/* A layer's NAME.weight on rows of seg elements, all with the same weights. */
struct ir_op *fe_norm_rows(struct fe_net *n, uint32_t layer, struct ir_op *x, uint32_t seg,
			   const char *name);
/* x less the mean of each row of seg elements */
struct ir_op *fe_center(struct fe_net *n, struct ir_op *x, uint32_t seg, const char *name);
/* rows of seg elements over max(their length, eps) */
struct ir_op *fe_l2norm(struct fe_net *n, struct ir_op *x, uint32_t seg, float eps,
			const char *name);
struct ir_op *fe_slice(struct fe_net *n, struct ir_op *x, uint32_t off, uint32_t width,
		       const char *name);
struct ir_op *fe_matmul(struct fe_net *n, struct ir_op *x, struct ir_tensor *w, const char *name);
struct ir_op *fe_bias(struct fe_net *n, struct ir_op *x, struct ir_tensor *b, const char *name);
/* x times the number in `tensor`, where the file has it */
struct ir_op *fe_output_scale(struct fe_net *n, struct ir_op *x, const char *tensor,
			      const char *name);
/* `tensor`.weight, times `tensor`.scale, and `tensor`.bias */
struct ir_op *fe_linear(struct fe_net *n, uint32_t layer, struct ir_op *x, const char *tensor,
			uint32_t rows, enum fe_bias bias, const char *name);
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
/* by another table; NULL: x itself */
struct ir_op *fe_rope_by(struct fe_net *n, struct ir_op *x, struct ir_table *table,
			 const char *name);
/*
 * Attention of q, k, v with the model's heads. window: positions it sees, the query's own among them,
 * 0: all; cap: of the scaled scores, 0: none; sinks: a logit per head, or NULL.
 */
struct fe_attend {
	uint32_t window;
	float scale, cap;
	struct ir_tensor *sinks;
};
struct ir_op *fe_attend(struct fe_net *n, uint32_t layer, struct ir_op *q, struct ir_op *k,
			struct ir_op *v, const struct fe_attend *a);

#endif
