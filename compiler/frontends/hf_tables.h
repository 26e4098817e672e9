/* SPDX-License-Identifier: MIT */
/* What the tables of hf_archs*.c are put together from. */
#ifndef IG1_COMPILER_FRONTENDS_HF_TABLES_H
#define IG1_COMPILER_FRONTENDS_HF_TABLES_H

#include "compiler/frontends/hf_archs.h"

/* clang-format off */

/* ---- keys ---- */

#define SIZES \
	{ "context_length", "max_position_embeddings|n_positions|n_ctx", HF_U32, true }, \
	{ "embedding_length", "hidden_size|n_embd", HF_U32, true }, \
	{ "block_count", "num_hidden_layers|n_layer", HF_U32, true }, \
	{ "vocab_size", "vocab_size", HF_U32, false }
#define HEADS \
	{ "attention.head_count", "num_attention_heads|n_head", HF_U32, true }, \
	{ "attention.head_count_kv", "num_key_value_heads", HF_U32, false }, \
	{ "attention.key_length", "head_dim", HF_U32, false }, \
	{ "attention.value_length", "head_dim", HF_U32, false }, \
	{ "rope.freq_base", "rope_theta|rope_parameters.rope_theta", HF_F32, false }
#define RMS { "attention.layer_norm_rms_epsilon", "rms_norm_eps", HF_F32, true }
#define FF { "feed_forward_length", "intermediate_size", HF_U32, true }
#define EXPERTS(n) \
	{ "expert_count", n, HF_U32, true }, \
	{ "expert_used_count", "num_experts_per_tok|experts_per_token", HF_U32, true }
#define EXPERT_FF { "expert_feed_forward_length", "moe_intermediate_size", HF_U32, true }
#define WINDOW { "attention.sliding_window", "sliding_window", HF_U32, false }
#define END { NULL, NULL, 0, false }

#define GRANITE \
	{ "embedding_scale", "embedding_multiplier", HF_F32, true }, \
	{ "attention.scale", "attention_multiplier", HF_F32, true }, \
	{ "residual_scale", "residual_multiplier", HF_F32, true }, \
	{ "logit_scale", "logits_scaling", HF_F32, true }, \
	{ "rope.dimension_count", "head_dim|hidden_size/num_attention_heads", HF_U32, true }

/* ---- demands ---- */

#define SILU { "hidden_act|hidden_activation", "silu|swish" }
#define WHOLE_ROPE { "partial_rotary_factor", "1|1.0|-" }
#define NO_CLIP { "clip_qkv", "-" }
#define END_DEMANDS { NULL, NULL }

/* ---- tensors ---- */

#define NO_RULE { NULL, NULL, HF_COPY, false }

#define QKVO(q, k) \
	{ "attn_q", "self_attn.q_proj", q, false }, \
	{ "attn_k", "self_attn.k_proj", k, false }, \
	{ "attn_v", "self_attn.v_proj", HF_COPY, false }, \
	{ "attn_output", "self_attn.o_proj", HF_COPY, false }
#define QK_NORMS(op) \
	{ "attn_q_norm", "self_attn.q_norm", op, false }, \
	{ "attn_k_norm", "self_attn.k_norm", op, false }
#define PRE_NORMS \
	{ "attn_norm", "input_layernorm", HF_COPY, false }, \
	{ "ffn_norm", "post_attention_layernorm", HF_COPY, false }
#define MLP \
	{ "ffn_gate", "mlp.gate_proj", HF_COPY, false }, \
	{ "ffn_up", "mlp.up_proj", HF_COPY, false }, \
	{ "ffn_down", "mlp.down_proj", HF_COPY, false }
#define MLP_EXPERTS \
	{ "ffn_gate_inp", "mlp.gate", HF_COPY, false }, \
	{ "ffn_gate_exps", "mlp.experts.{e}.gate_proj", HF_COPY, false }, \
	{ "ffn_up_exps", "mlp.experts.{e}.up_proj", HF_COPY, false }, \
	{ "ffn_down_exps", "mlp.experts.{e}.down_proj", HF_COPY, false }
/* The same in one tensor for all. */
#define STACKED_EXPERTS \
	{ "ffn_gate_exps.weight", "mlp.experts.gate_up_proj", HF_HALF_0, true }, \
	{ "ffn_up_exps.weight", "mlp.experts.gate_up_proj", HF_HALF_1, true }, \
	{ "ffn_down_exps.weight", "mlp.experts.down_proj", HF_COPY, true }

#define GRANITE_EXPERTS \
	{ "ffn_gate_inp", "block_sparse_moe.router.layer", HF_COPY, false }, \
	{ "ffn_gate_exps", "block_sparse_moe.input_linear", HF_HALF_0, false }, \
	{ "ffn_up_exps", "block_sparse_moe.input_linear", HF_HALF_1, false }, \
	{ "ffn_down_exps", "block_sparse_moe.output_linear", HF_COPY, false }, \
	{ "ffn_gate_shexp", "shared_mlp.input_linear", HF_HALF_0, false }, \
	{ "ffn_up_shexp", "shared_mlp.input_linear", HF_HALF_1, false }, \
	{ "ffn_down_shexp", "shared_mlp.output_linear", HF_COPY, false }

#define MAMBA2(mixer) \
	{ "ssm_in", mixer "in_proj", HF_COPY, false }, \
	{ "ssm_conv1d.weight", mixer "conv1d.weight", HF_CONV, true }, \
	{ "ssm_conv1d.bias", mixer "conv1d.bias", HF_COPY, true }, \
	{ "ssm_dt.bias", mixer "dt_bias", HF_COPY, true }, \
	{ "ssm_a", mixer "A_log", HF_NEG_EXP_1, true }, \
	{ "ssm_d", mixer "D", HF_TRAIL, true }, \
	{ "ssm_norm", mixer "norm", HF_GROUPS, false }, \
	{ "ssm_out", mixer "out_proj", HF_COPY, false }

#define MAMBA1(mixer) \
	{ "ssm_in", mixer "in_proj", HF_COPY, false }, \
	{ "ssm_conv1d.weight", mixer "conv1d.weight", HF_CONV, true }, \
	{ "ssm_conv1d.bias", mixer "conv1d.bias", HF_COPY, true }, \
	{ "ssm_x", mixer "x_proj", HF_COPY, false }, \
	{ "ssm_dt", mixer "dt_proj", HF_COPY, false }, \
	{ "ssm_a", mixer "A_log", HF_NEG_EXP, true }, \
	{ "ssm_d", mixer "D", HF_COPY, true }, \
	{ "ssm_out", mixer "out_proj", HF_COPY, false }

#define MODEL "model.layers."

/* clang-format on */

#endif
