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
	double *attn_norm, *ffn_norm; /* width */
	double *q_norm, *k_norm;      /* head size, or NULL */
	struct linear q, k, v, o;     /* attention */
	struct linear gate, up, down; /* feed-forward */
};

struct forward64 {
	char arch[16];
	bool int8;
	size_t layers, width, heads, kv_heads, head_size, vocab;
	double eps;
	bool neox; /* rotated pairs are (i, i + n/2), not (2i, 2i + 1) */
	size_t rope_dims;
	double *rope_freq;   /* rope_dims / 2: radians per position */
	double rope_mscale;  /* of cosine and sine */
	double *embd;	     /* vocab x width */
	double *output_norm; /* width */
	struct linear output;
	struct layer *layer;
};

#endif
