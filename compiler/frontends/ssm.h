/* SPDX-License-Identifier: MIT */
/* State space layers (models.md section 6): Mamba (Gu and Dao 2023) and Mamba-2 (Dao and Gu 2024). */
#ifndef IG1_COMPILER_FRONTENDS_SSM_H
#define IG1_COMPILER_FRONTENDS_SSM_H

#include "compiler/frontends/build.h"

/* Of the parts of ssm_in's result, of which there are five: together they are one row. */
#define FE_MAX_PART (IR_MAX_WIDTH / 8)

/* Keys ssm.*: n->ssm; for Mamba-2 with groups and heads. */
int fe_read_mamba(struct fe_net *n);
int fe_read_mamba2(struct fe_net *n);
/* The layer's mixer on its normalised input h, the output matrix included. */
struct ir_op *fe_mamba(struct fe_net *n, uint32_t layer, struct ir_op *h);
struct ir_op *fe_mamba2(struct fe_net *n, uint32_t layer, struct ir_op *h);
/* Key ssm.conv_kernel: n->ssm.taps, which is what it should be where the key is absent. */
int fe_read_taps(struct fe_net *n, bool required);
/* conv(x) + bias, with NAME.weight and NAME.bias */
struct ir_op *fe_causal_conv(struct fe_net *n, uint32_t layer, struct ir_op *x, const char *name,
			     enum fe_bias bias);
/* silu of that, ssm_conv1d */
struct ir_op *fe_ssm_conv(struct fe_net *n, uint32_t layer, struct ir_op *x, enum fe_bias bias);
/* x + residual_scale * mixer(norm(x)) */
struct ir_op *fe_mix(struct fe_net *n, uint32_t layer, struct ir_op *x,
		     struct ir_op *(*mixer)(struct fe_net *, uint32_t, struct ir_op *));

#endif
