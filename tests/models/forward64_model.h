/* SPDX-License-Identifier: MIT */
/* The model of forward64 in memory: made by forward64_open.c, used by forward64.c. */
#ifndef IG1_TESTS_MODELS_FORWARD64_MODEL_H
#define IG1_TESTS_MODELS_FORWARD64_MODEL_H

#include <stdbool.h>
#include <stddef.h>

#include "tests/models/forward64.h"

#define FORWARD64_GROUP 32 /* numbers with one scale */

/* rows x cols, row by row. y[r] = scale * (sum over c of w[r][c] x[c]) + bias[r]; bias NULL, scale 0: none */
struct linear {
	double *w, *bias, scale;
	size_t rows, cols;
};

/* A mixture of experts. */
struct experts64 {
	size_t n, used, groups, used_groups;
	int gating; /* 1 softmax, 2 sigmoid, 3 softmax of the chosen */
	bool norm, oai;
	double scale; /* 0: none */
	struct linear router;
	double *select;			      /* added where experts are chosen, or NULL */
	struct linear *gate, *up, *down;      /* n each; gate NULL: relu squared */
	struct linear to_latent, from_latent; /* around them; rows 0: none */
	struct linear s_gate, s_up, s_down;   /* the shared one; s_up.rows 0: none */
	double *shared_gate;		      /* width, or NULL */
};

/* Latent attention in its absorbed form; the matrices of every head one below the other. */
struct mla64 {
	size_t rank, rot, plain, value;
	struct linear q_a, q, kv, k_b, v_b, o; /* q_a.w NULL: none */
	double *q_norm, *kv_norm;
};

struct layer {
	size_t heads, kv_heads;
	double *attn_norm, *ffn_norm;		/* width; NULL: no norm before */
	double *attn_norm_bias, *ffn_norm_bias; /* or NULL */
	double *attn_post, *ffn_post;		/* width, or NULL: no norm behind */
	double *q_norm, *k_norm;		/* head size, or all heads, or NULL */
	double *sinks;				/* heads, or NULL */
	size_t window;				/* positions it looks at, 0: all */
	const struct rotation *rope;		/* NULL: none */
	struct linear q, k, v, o;		/* attention */
	struct linear gate, up, down;		/* feed-forward; gate.w NULL: none */
	struct linear attn_gate;		/* of what attention makes; w NULL: none */
	struct experts64 *moe;			/* instead of the feed-forward, or NULL */
	struct mla64 *mla;			/* instead of the attention, or NULL */
};

struct rotation {
	size_t dims;
	double *freq;  /* dims / 2: radians per position */
	double mscale; /* of cosine and sine */
};

/* What opening carries along; error is sticky. */
struct loader {
	struct forward64 *m;
	const struct gguf_file *f;
	struct gguf_error *err;
	int error;
};

struct forward64 {
	char arch[16];
	bool int8, int8_routers;
	size_t layers, width, vocab;
	size_t heads, kv_heads; /* the most of any layer */
	size_t head_size, value_size;
	double eps;
	bool neox;	 /* rotated pairs are (i, i + n/2), not (2i, 2i + 1) */
	bool row_norms;	 /* of q and k: all heads at once */
	bool layer_norm; /* norms subtract the mean */
	bool gelu;	 /* else silu */
	struct rotation rope, rope_win;
	double *embd;	  /* vocab x width */
	double *pos_embd; /* positions x width, or NULL */
	size_t n_pos;
	double *output_norm; /* width */
	double *output_norm_bias;
	double embd_scale, residual_scale, logit_scale, attn_scale;
	double attn_cap, final_cap; /* 0: none */
	struct linear output;
	struct layer *layer;
};

/* forward64_open.c */
void forward64_refuse(struct loader *l, int error, const char *what);
double forward64_number(struct loader *l, const char *key, double otherwise);
size_t forward64_count(struct loader *l, const char *key, bool required, size_t otherwise);
/* rows x cols of a tensor that may have more dimensions; int8: rounded as weights of matrices are */
double *forward64_tensor(struct loader *l, const char *name, bool required, size_t rows,
			 size_t cols, bool int8);
/* a row of weights as Q8_0 */
void forward64_round_weights(double *x, size_t n);
/* Of a layer, `what`.weight. */
void forward64_linear(struct loader *l, size_t layer, const char *what, size_t rows, size_t cols,
		      bool int8, struct linear *out);
void forward64_free_linear(struct linear *l);
/* NAME.scale of n matrices, or NULL */
double *forward64_scales(struct loader *l, size_t layer, const char *what, size_t n);

/* forward64.c */
void forward64_apply(const struct linear *l, const double *x, double *y);
void forward64_softmax(double *p, size_t n);
void forward64_rms_norm(const double *x, const double *w, size_t n, double eps, double *y);
double forward64_round_group(double *x, size_t n, double *tie);
void forward64_round_groups(double *x, size_t n, double *tie);

/* forward64_moe.c: a layer's experts; their sum for the normed input h, in y */
void forward64_load_moe(struct loader *l, size_t layer);
int forward64_moe(const struct forward64 *m, const struct experts64 *e, const double *h, double *y,
		  double *tie);
void forward64_free_moe(struct experts64 *e);
/* The experts of a layer of any file, for n rows of `width`: their sums in y. */
int forward64_experts(const struct gguf_file *f, const char *arch, enum forward64_numbers numbers,
		      size_t layer, size_t width, const double *h, size_t n, double *y, double *tie,
		      struct gguf_error *err);

/* forward64_mla.c: attention of n positions with residuals x and nearness to ties of each */
void forward64_load_mla(struct loader *l, size_t layer);
int forward64_mla(const struct forward64 *m, const struct layer *y, size_t n, double *x,
		  double *ties);
void forward64_free_mla(struct mla64 *a);

#endif
