/* SPDX-License-Identifier: MIT */
/* The model of forward64 in memory: made by forward64_open.c, used by forward64.c. */
#ifndef IG1_TESTS_MODELS_FORWARD64_MODEL_H
#define IG1_TESTS_MODELS_FORWARD64_MODEL_H

#include <stdbool.h>
#include <stddef.h>

#include "tests/models/forward64.h"

#define FORWARD64_GROUP 32 /* numbers with one scale */

/* rows x cols, row by row; bias may be NULL. y[r] = sum over c of w[r][c] x[c] + bias[r] */
struct linear {
	double *w, *bias;
	size_t rows, cols;
};

struct layer {
	double *attn_norm, *ffn_norm;		/* width; NULL: no norm before */
	double *attn_norm_bias, *ffn_norm_bias; /* or NULL */
	double *attn_post, *ffn_post;		/* width, or NULL: no norm behind */
	double *q_norm, *k_norm;		/* head size, or all heads, or NULL */
	double *sinks;				/* heads, or NULL */
	size_t window;				/* positions it looks at, 0: all */
	const struct rotation *rope;		/* NULL: none */
	struct linear q, k, v, o;		/* attention */
	struct linear gate, up, down;		/* feed-forward; gate.w NULL: none */
};

struct rotation {
	size_t dims;
	double *freq;  /* dims / 2: radians per position */
	double mscale; /* of cosine and sine */
};

struct forward64 {
	char arch[16];
	bool int8;
	size_t layers, width, heads, kv_heads, head_size, vocab;
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

#endif
