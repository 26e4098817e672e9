/* SPDX-License-Identifier: MIT */
/*
 * The model of forward64_ssm in memory, and what its files share: forward64_ssm.c has keys, tensors, matrices
 * and the pass; the others an operator each. Values are rows of all n positions. Results live as long as the
 * pass; errors are sticky, and what comes after one is of the right size.
 */
#ifndef IG1_TESTS_MODELS_FORWARD64_NET_H
#define IG1_TESTS_MODELS_FORWARD64_NET_H

#include <stdbool.h>
#include <stddef.h>

#include "tests/models/forward64_ssm.h"

#define GROUP 32

struct block;

struct net {
	const struct gguf_file *f;
	struct gguf_error *err;
	int error; /* sticky */
	struct block *blocks;
	char arch[24];
	bool int8;
	enum forward64_form form;
	double tie;
	size_t layers, width, vocab, n, context;
	size_t heads, kv_heads, head_size;
	size_t taps, inner, state, rank, groups;
	uint32_t *kv_of, *ff_of;
	double eps, embd_scale, residual_scale, logit_scale, attn_scale, rope_base;
	bool rope, neox;
	size_t lora[4]; /* rwkv7: of w, a, v, g */
	size_t ff, rescale, interval;
	double *first_value;
};

/* forward64_ssm.c */
void net_refuse(struct net *m, int error, const char *what, const char *name);
double *net_room(struct net *m, size_t n); /* zeroed */
size_t net_count(struct net *m, const char *key, size_t otherwise);
/* rows x cols; a matrix is rounded as the chip holds it. net_part: blk.I.WHAT */
double *net_tensor(struct net *m, const char *name, size_t rows, size_t cols, bool matrix);
bool net_has(struct net *m, size_t i, const char *what);
double *net_part(struct net *m, size_t i, const char *what, size_t rows, size_t cols, bool matrix);
/* n numbers to int8, and their scale; groups of a row, but only with int8 */
double net_round_group(struct net *m, double *x, size_t n);
void net_round_row(struct net *m, double *x, size_t n);
/* W q(x); of a layer, with WHAT.bias if there is one */
double *net_linear(struct net *m, const double *w, size_t rows, size_t cols, const double *x);
double *net_layer_linear(struct net *m, size_t i, const char *what, size_t rows, size_t cols,
			 const double *x);
void net_rms(double *x, const double *w, size_t n, double eps);
double net_silu(double x);
double net_softplus(double x);
/* columns off .. off + width of rows of stride */
double *net_cut(struct net *m, const double *x, size_t stride, size_t off, size_t width);

/* forward64_mamba.c */
/* WHAT: weights and, if there is one, bias; net_conv: silu of ssm_conv1d's */
double *net_causal(struct net *m, size_t i, const char *what, const double *x, size_t stride,
		   size_t off, size_t width);
double *net_conv(struct net *m, size_t i, const double *x, size_t stride, size_t off, size_t width);
double *net_mamba(struct net *m, size_t i, const double *h);
double *net_mamba2(struct net *m, size_t i, const double *h);

/* forward64_hybrid.c */
double *net_attention(struct net *m, size_t i, const double *h);
double *net_delta(struct net *m, size_t i, const double *h);
double *net_squared(struct net *m, size_t i, const double *h);

/* forward64_rwkv.c */
double *net_norm_layer(struct net *m, const char *name, const double *x);
double *net_time_mix7(struct net *m, size_t i, const double *h);
double *net_channel_mix7(struct net *m, size_t i, const double *h);
double *net_time_mix6(struct net *m, size_t i, const double *h);
double *net_channel_mix6(struct net *m, size_t i, const double *h);

#endif
