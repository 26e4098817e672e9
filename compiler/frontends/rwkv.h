/* SPDX-License-Identifier: MIT */
/* What the RWKV architectures share; operations are of a layer, named by it. */
#ifndef IG1_COMPILER_FRONTENDS_RWKV_H
#define IG1_COMPILER_FRONTENDS_RWKV_H

#include "compiler/frontends/build.h"

/* Of low-rank parts: up to five of them are one row. */
#define FE_MAX_RANK (IR_MAX_WIDTH / 8)

/* Keys of both versions: the size of a head, the length of the feed-forward. */
int fe_read_wkv(struct fe_net *n);

/* One pass of the vector unit; a constant is the second operand. */
struct ir_op *fe_elt(struct fe_net *n, uint32_t layer, enum ir_fn fn, size_t n_in,
		     struct ir_op *const *in, struct ir_const *k, const char *name);
struct ir_op *fe_binary(struct fe_net *n, uint32_t layer, enum ir_fn fn, struct ir_op *a,
			struct ir_op *b, const char *name);
/* a * k + b */
struct ir_op *fe_mad(struct fe_net *n, uint32_t layer, struct ir_op *a, struct ir_const *k,
		     struct ir_op *b, const char *name);
struct ir_op *fe_layer_act(struct fe_net *n, uint32_t layer, struct ir_op *x, enum ir_fn fn,
			   const char *name);
/* A tensor of the model's width. */
struct ir_tensor *fe_layer_vector(struct fe_net *n, uint32_t layer, const char *name);
/* h of the token before, less h */
struct ir_op *fe_shift_change(struct fe_net *n, uint32_t layer, struct ir_op *h, const char *name);
/* LayerNorm of each head, time_mix_ln, with the architecture's own epsilon */
struct ir_op *fe_head_norm(struct fe_net *n, uint32_t layer, struct ir_op *x);
/* The sum over each head of a * b */
struct ir_op *fe_head_dot(struct fe_net *n, uint32_t layer, struct ir_op *a, struct ir_op *b);

#endif
