/* SPDX-License-Identifier: MIT */
/* Mixtures of experts as feed-forwards: what architectures say about them, and the pieces. */
#ifndef IG1_COMPILER_FRONTENDS_MOE_H
#define IG1_COMPILER_FRONTENDS_MOE_H

#include "compiler/frontends/build.h"

/* How router logits become weights: numbers of the key expert_gating_func. */
enum fe_gating {
	FE_GATING_NONE,
	FE_GATING_SOFTMAX,
	FE_GATING_SIGMOID,
	FE_GATING_CHOSEN, /* softmax of the chosen logits */
};

enum fe_shared {
	FE_SHARED_NONE,
	FE_SHARED_WIDTH, /* of expert_shared_feed_forward_length, where that is not 0 */
	FE_SHARED_COUNT, /* expert_shared_count times the experts' width */
};

/* What an architecture says. */
struct fe_moe_rules {
	enum fe_gating gating; /* without the key */
	bool gating_key;       /* the key may choose another one */
	bool norm;	       /* without the key expert_weights_norm */
	bool norm_key;
	bool scale_key;	    /* expert_weights_scale counts */
	bool needs_experts; /* expert_count of 0 is refused */
	bool own_width;	    /* expert_feed_forward_length, not feed_forward_length */
	bool split_width;   /* without that key feed_forward_length, divided among those used */
	bool leading_dense; /* leading_dense_block_count layers have none */
	bool by_tensor;	    /* a layer has experts iff it has their tensors */
	bool select_bias;   /* exp_probs_b, where the file has it */
	bool biases;	    /* of the router and of experts are required */
	enum fe_shared shared;
	bool shared_gate; /* the shared expert's result is scaled by a gate; its width may have no key */
	bool no_gate; /* experts are down(act(up)) */
	/* Between ffn_latent_down and ffn_latent_up, where a layer has them; but the shared expert is not. */
	bool latent;
	enum ir_fn act; /* 0: silu */
};

/* What the file says; n->moe. */
struct fe_moe {
	uint32_t experts, used, groups, used_groups, width, shared, dense_layers;
	uint32_t gating; /* enum fe_gating */
	uint32_t latent; /* moe_latent_size; 0: the tensor says it */
	bool norm;
	float scale; /* of the chosen experts' weights; 0: none */
};

/* Reads the keys where n->arch->moe is set; n->moe stays NULL for a dense model. Needs n->ff. */
int fe_moe_read(struct fe_net *n);
bool fe_moe_layer(const struct fe_net *n, uint32_t layer);
/* x plus the experts' sum of h, or the sum alone when x is NULL. */
struct ir_op *fe_moe_ffn(struct fe_net *n, uint32_t layer, struct ir_op *h, struct ir_op *x);

#endif
