// SPDX-License-Identifier: MIT
/* Tables of state space models, hybrids and linear attention; hf_archs.h says how they are read. */
#include "compiler/frontends/hf_tables.h"

/* clang-format off */

/* ---- keys ---- */

static const struct hf_key dense_keys[] = { SIZES, HEADS, RMS, FF, END };

/* Those of Mamba's own configs; no attention, no feed-forward. */
#define MAMBA(inner, state) \
	{ "context_length", "max_position_embeddings|1048576", HF_U32, true }, \
	{ "embedding_length", "hidden_size|d_model", HF_U32, true }, \
	{ "block_count", "num_hidden_layers|n_layer", HF_U32, true }, \
	{ "vocab_size", "vocab_size", HF_U32, false }, \
	{ "feed_forward_length", "0", HF_U32, true }, \
	{ "attention.head_count", "0", HF_U32, true }, \
	{ "attention.layer_norm_rms_epsilon", "layer_norm_epsilon|rms_norm_eps|0.00001", HF_F32, \
	  true }, \
	{ "ssm.conv_kernel", "conv_kernel|d_conv|4", HF_U32, true }, \
	{ "ssm.inner_size", inner, HF_U32, true }, \
	{ "ssm.state_size", state, HF_U32, true }
#define MAMBA1_KEYS \
	MAMBA("intermediate_size|d_inner|expand*hidden_size|2*hidden_size|2*d_model", \
	      "state_size|d_state|16"), \
	{ "ssm.time_step_rank", "time_step_rank|hidden_size+15/16", HF_U32, true }
/* The same for Mamba-2 layers of hybrids, whose names begin with mamba_. */
#define MAMBA2_KEYS(inner) \
	{ "ssm.conv_kernel", "mamba_d_conv", HF_U32, true }, \
	{ "ssm.inner_size", inner, HF_U32, true }, \
	{ "ssm.state_size", "mamba_d_state", HF_U32, true }, \
	{ "ssm.time_step_rank", "mamba_n_heads", HF_U32, true }, \
	{ "ssm.group_count", "mamba_n_groups", HF_U32, true }
#define GRANITE_MAMBA MAMBA2_KEYS("mamba_n_heads*mamba_d_head|mamba_expand*hidden_size")

static const struct hf_key mamba_keys[] = { MAMBA1_KEYS, END };

static const struct hf_key falcon_mamba_keys[] = {
	MAMBA1_KEYS, { "ssm.dt_b_c_rms", "1", HF_BOOL, true }, END
};

static const struct hf_key mamba2_keys[] = {
	MAMBA("num_heads*head_dim|expand*hidden_size|2*hidden_size", "state_size|d_state|128"),
	{ "ssm.time_step_rank", "num_heads|expand*hidden_size/head_dim", HF_U32, true },
	{ "ssm.group_count", "n_groups|1", HF_U32, true },
	END
};

#define JAMBA \
	{ "ssm.conv_kernel", "mamba_d_conv", HF_U32, true }, \
	{ "ssm.inner_size", "mamba_expand*hidden_size", HF_U32, true }, \
	{ "ssm.state_size", "mamba_d_state", HF_U32, true }, \
	{ "ssm.time_step_rank", "mamba_dt_rank|hidden_size+15/16", HF_U32, true }

static const struct hf_key jamba_keys[] = { EXPERTS("num_experts"), JAMBA, END };
static const struct hf_key jamba_dense_keys[] = { JAMBA, END };

static const struct hf_key granitehybrid_keys[] = {
	GRANITE,
	{ "expert_count", "num_local_experts", HF_U32, false },
	{ "expert_used_count", "num_experts_per_tok", HF_U32, false },
	{ "expert_shared_feed_forward_length", "shared_intermediate_size", HF_U32, false },
	GRANITE_MAMBA,
	END
};

static const struct hf_key granitehybrid_dense_keys[] = {
	GRANITE,
	{ "feed_forward_length", "shared_intermediate_size", HF_U32, true },
	GRANITE_MAMBA,
	END
};

static const struct hf_key nemotron_h_keys[] = {
	SIZES,
	{ "attention.head_count", "num_attention_heads", HF_U32, true },
	{ "attention.key_length", "head_dim|attention_head_dim", HF_U32, true },
	{ "attention.value_length", "head_dim|attention_head_dim", HF_U32, true },
	{ "attention.layer_norm_rms_epsilon", "layer_norm_epsilon|norm_eps|rms_norm_eps", HF_F32,
	  true },
	{ "ssm.conv_kernel", "conv_kernel", HF_U32, true },
	{ "ssm.inner_size", "mamba_num_heads*mamba_head_dim", HF_U32, true },
	{ "ssm.state_size", "ssm_state_size", HF_U32, true },
	{ "ssm.time_step_rank", "mamba_num_heads", HF_U32, true },
	{ "ssm.group_count", "n_groups", HF_U32, true },
	END
};

static const struct hf_key nemotron_h_moe_keys[] = {
	EXPERTS("n_routed_experts"),
	EXPERT_FF,
	{ "expert_shared_feed_forward_length", "moe_shared_expert_intermediate_size", HF_U32, true },
	{ "expert_weights_norm", "norm_topk_prob", HF_BOOL, true },
	{ "expert_weights_scale", "routed_scaling_factor", HF_F32, true },
	{ "moe_latent_size", "moe_latent_size", HF_U32, false },
	END
};

static const struct hf_key falcon_h1_keys[] = {
	MAMBA2_KEYS("mamba_d_ssm|mamba_expand*hidden_size"), END
};

#define DELTA \
	{ "ssm.conv_kernel", "linear_conv_kernel_dim", HF_U32, true }, \
	{ "ssm.inner_size", "linear_value_head_dim*linear_num_value_heads", HF_U32, true }, \
	{ "ssm.state_size", "linear_key_head_dim", HF_U32, true }, \
	{ "ssm.time_step_rank", "linear_num_value_heads", HF_U32, true }, \
	{ "ssm.group_count", "linear_num_key_heads", HF_U32, true }

static const struct hf_key delta_keys[] = { DELTA, END };

static const struct hf_key delta_moe_keys[] = {
	DELTA,
	{ "feed_forward_length", "intermediate_size", HF_U32, false },
	EXPERTS("num_experts"),
	EXPERT_FF,
	{ "expert_shared_feed_forward_length", "shared_expert_intermediate_size", HF_U32, true },
	END
};

/* Its context is as long as one likes. */
#define RWKV(ff) \
	{ "context_length", "1048576", HF_U32, true }, \
	{ "embedding_length", "hidden_size", HF_U32, true }, \
	{ "block_count", "num_hidden_layers", HF_U32, true }, \
	{ "vocab_size", "vocab_size", HF_U32, false }, \
	{ "feed_forward_length", ff, HF_U32, true }, \
	{ "attention.head_count", "0", HF_U32, true }

#define ATT6 "@rwkv.blocks.0.attention."

static const struct hf_key rwkv6_keys[] = {
	RWKV("intermediate_size|hidden_size*7/2/32*32"),
	{ "attention.layer_norm_epsilon", "layer_norm_epsilon", HF_F32, true },
	{ "wkv.head_size", "head_size", HF_U32, true },
	{ "rescale_every_n_layers", "rescale_every|0", HF_U32, true },
	{ "time_mix_extra_dim", ATT6 "time_maa_w1:1/5", HF_U32, true },
	{ "time_decay_extra_dim", ATT6 "time_decay_w1:1", HF_U32, true },
	END
};

#define LORA7(layer, what) "|@model.layers." layer ".attn." what "_lora.lora.0.weight:0"

static const struct hf_key rwkv7_keys[] = {
	RWKV("intermediate_size|4*hidden_size"),
	{ "attention.layer_norm_epsilon", "norm_eps|layer_norm_epsilon", HF_F32, true },
	{ "wkv.head_size", "head_dim|head_size", HF_U32, true },
	{ "attention.decay_lora_rank", "decay_low_rank_dim" LORA7("0", "w"), HF_U32, true },
	{ "attention.iclr_lora_rank", "a_low_rank_dim" LORA7("0", "a"), HF_U32, true },
	{ "attention.value_residual_mix_lora_rank", "v_low_rank_dim" LORA7("1", "v"), HF_U32,
	  true },
	{ "attention.gate_lora_rank", "gate_low_rank_dim" LORA7("0", "g"), HF_U32, true },
	END
};

/* ---- demands ---- */

/* Mamba-2: time steps are not clamped. */
#define TIME_STEPS { "time_step_limit", "[0,inf]|-" }
#define MAMBA_DEMANDS { "hidden_act", "silu|-" }, { "use_bias", "false|-" }, { "use_conv_bias", "true|-" }

static const struct hf_demand mamba_demands[] = { MAMBA_DEMANDS, END_DEMANDS };
static const struct hf_demand mamba2_demands[] = { MAMBA_DEMANDS, TIME_STEPS, END_DEMANDS };
static const struct hf_demand jamba_demands[] = { { "hidden_act", "silu" },
						  { "mamba_proj_bias", "false|-" },
						  END_DEMANDS };
static const struct hf_demand granite_demands[] = {
	SILU, WHOLE_ROPE, { "mamba_proj_bias", "false|-" }, { "mamba_conv_bias", "true|false|-" },
	{ "position_embedding_type", "rope|nope|-" },
	TIME_STEPS,
	END_DEMANDS
};
#define NEMOTRON_H \
	{ "mlp_hidden_act", "relu2" }, \
	{ "mamba_hidden_act", "silu|-" }, \
	{ "use_bias", "false|-" }, \
	{ "mamba_proj_bias", "false|-" }, \
	{ "use_conv_bias", "true|false|-" }, \
	TIME_STEPS
static const struct hf_demand nemotron_h_demands[] = { NEMOTRON_H, END_DEMANDS };
static const struct hf_demand nemotron_h_moe_demands[] = {
	NEMOTRON_H, { "n_group", "1|-" }, { "topk_group", "1|-" }, END_DEMANDS
};
static const struct hf_demand falcon_h1_demands[] = { SILU,
						      WHOLE_ROPE,
						      { "mamba_rms_norm", "true|false|-" },
						      { "mamba_norm_before_gate", "false",
							"mamba_rms_norm" },
						      { "mamba_proj_bias", "false|-" },
						      { "mamba_conv_bias", "true|false|-" },
						      /* multipliers are not for biases */
						      { "attention_bias", "false|-" },
						      { "mlp_bias", "false|-" },
						      TIME_STEPS,
						      END_DEMANDS };
static const struct hf_demand delta_demands[] = { SILU,
						  { "attention_bias", "false|-" },
						  { "attn_output_gate", "true|-" },
						  END_DEMANDS };
static const struct hf_demand delta_moe_demands[] = { SILU,
						      { "attention_bias", "false|-" },
						      { "attn_output_gate", "true|-" },
						      { "norm_topk_prob", "true|-" },
						      { "decoder_sparse_step", "1|-" },
						      { "mlp_only_layers", "[]|-" },
						      END_DEMANDS };
static const struct hf_demand rwkv6_demands[] = { END_DEMANDS };
static const struct hf_demand rwkv7_demands[] = { { "hidden_act", "sqrelu|-" },
						  { "norm_first", "true|-" },
						  { "norm_bias", "true|-" },
						  END_DEMANDS };

/* ---- tensors ---- */

static const struct hf_rule granite_globals[] = {
	{ "token_embd", "model.embed_tokens", HF_COPY, false },
	{ "output_norm", "model.norm", HF_COPY, false },
	{ "output", "lm_head", HF_COPY, false },
	NO_RULE
};

static const struct hf_rule jamba_globals[] = {
	{ "token_embd", "model.embed_tokens", HF_COPY, false },
	{ "output_norm", "model.final_layernorm", HF_COPY, false },
	{ "output", "lm_head", HF_COPY, false },
	NO_RULE
};

static const struct hf_rule mamba_globals[] = {
	{ "token_embd", "backbone.embeddings", HF_COPY, false },
	{ "token_embd", "backbone.embedding", HF_COPY, false },
	{ "output_norm", "backbone.norm_f", HF_COPY, false },
	{ "output", "lm_head", HF_COPY, false },
	NO_RULE
};

static const struct hf_rule falcon_h1_globals[] = {
	{ "token_embd", "model.embed_tokens*embedding_multiplier", HF_SCALE, false },
	{ "output_norm", "model.final_layernorm", HF_COPY, false },
	{ "output", "lm_head*lm_head_multiplier", HF_SCALE, false },
	{ "output", "model.embed_tokens*lm_head_multiplier", HF_SCALE_TIED, false },
	NO_RULE
};

static const struct hf_rule delta_globals[] = {
	{ "token_embd", "model.embed_tokens", HF_COPY, false },
	{ "output_norm", "model.norm", HF_PLUS1, false },
	{ "output", "lm_head", HF_COPY, false },
	NO_RULE
};

static const struct hf_rule rwkv6_globals[] = {
	{ "token_embd", "rwkv.embeddings", HF_COPY, false },
	{ "token_embd_norm", "rwkv.blocks.0.pre_ln", HF_COPY, false },
	{ "output_norm", "rwkv.ln_out", HF_COPY, false },
	{ "output", "head", HF_COPY, false },
	NO_RULE
};

static const struct hf_rule rwkv7_globals[] = {
	{ "token_embd", "model.embeddings", HF_COPY, false },
	{ "token_embd_norm", "model.layers.0.pre_norm", HF_COPY, false },
	{ "output_norm", "model.norm", HF_COPY, false },
	{ "output", "lm_head", HF_COPY, false },
	NO_RULE
};

static const struct hf_rule granitehybrid_layer[] = { MAMBA2("mamba."), NO_RULE };

static const struct hf_rule granitehybrid_moe_layer[] = {
	PRE_NORMS, QKVO(HF_PERMUTE_Q, HF_PERMUTE_K), GRANITE_EXPERTS, NO_RULE
};

/* Without experts the shared one is the feed-forward. */
static const struct hf_rule granitehybrid_dense_layer[] = {
	PRE_NORMS,
	QKVO(HF_PERMUTE_Q, HF_PERMUTE_K),
	{ "ffn_gate", "shared_mlp.input_linear", HF_HALF_0, false },
	{ "ffn_up", "shared_mlp.input_linear", HF_HALF_1, false },
	{ "ffn_down", "shared_mlp.output_linear", HF_COPY, false },
	NO_RULE
};

static const struct hf_rule mamba_layer[] = { { "attn_norm", "norm", HF_COPY, false },
					      MAMBA1("mixer."),
					      NO_RULE };

static const struct hf_rule mamba2_layer[] = { { "attn_norm", "norm", HF_COPY, false },
					       MAMBA2("mixer."),
					       NO_RULE };

static const struct hf_rule jamba_layer[] = {
	{ "attn_norm", "input_layernorm", HF_COPY, false },
	{ "ffn_norm", "pre_ff_layernorm", HF_COPY, false },
	QKVO(HF_COPY, HF_COPY),
	MAMBA1("mamba."),
	{ "ssm_dt_norm", "mamba.dt_layernorm", HF_COPY, false },
	{ "ssm_b_norm", "mamba.b_layernorm", HF_COPY, false },
	{ "ssm_c_norm", "mamba.c_layernorm", HF_COPY, false },
	{ "ffn_gate", "feed_forward.gate_proj", HF_COPY, false },
	{ "ffn_up", "feed_forward.up_proj", HF_COPY, false },
	{ "ffn_down", "feed_forward.down_proj", HF_COPY, false },
	{ "ffn_gate_inp", "feed_forward.router", HF_COPY, false },
	{ "ffn_gate_exps", "feed_forward.experts.{e}.gate_proj", HF_COPY, false },
	{ "ffn_up_exps", "feed_forward.experts.{e}.up_proj", HF_COPY, false },
	{ "ffn_down_exps", "feed_forward.experts.{e}.down_proj", HF_COPY, false },
	NO_RULE
};

/* Its attention has no positions; rows are permuted as in the GGUF files all the same. */
static const struct hf_rule nemotron_h_layer[] = {
	{ "attn_norm", "norm", HF_COPY, false },
	MAMBA2("mixer."),
	{ "attn_q", "mixer.q_proj", HF_PERMUTE_Q, false },
	{ "attn_k", "mixer.k_proj", HF_PERMUTE_K, false },
	{ "attn_v", "mixer.v_proj", HF_COPY, false },
	{ "attn_output", "mixer.o_proj", HF_COPY, false },
	{ "ffn_up", "mixer.up_proj", HF_COPY, false },
	{ "ffn_down", "mixer.down_proj", HF_COPY, false },
	NO_RULE
};

static const struct hf_rule nemotron_h_moe_layer[] = {
	{ "ffn_gate_inp", "mixer.gate", HF_COPY, false },
	{ "exp_probs_b.bias", "mixer.gate.e_score_correction_bias", HF_COPY, true },
	{ "ffn_latent_down", "mixer.fc1_latent_proj", HF_COPY, false },
	{ "ffn_latent_up", "mixer.fc2_latent_proj", HF_COPY, false },
	{ "ffn_up_exps", "mixer.experts.{e}.up_proj", HF_COPY, false },
	{ "ffn_down_exps", "mixer.experts.{e}.down_proj", HF_COPY, false },
	{ "ffn_up_shexp", "mixer.shared_experts.up_proj", HF_COPY, false },
	{ "ffn_down_shexp", "mixer.shared_experts.down_proj", HF_COPY, false },
	NO_RULE
};

/* Numbers that the model has as factors are part of the matrices in GGUF. */
static const struct hf_rule falcon_h1_layer[] = {
	{ "attn_norm", "input_layernorm", HF_COPY, false },
	{ "ffn_norm", "pre_ff_layernorm.weight", HF_COPY, true },
	{ "attn_q", "self_attn.q_proj*attention_in_multiplier", HF_SCALE, false },
	{ "attn_k", "self_attn.k_proj*key_multiplier*attention_in_multiplier", HF_SCALE, false },
	{ "attn_v", "self_attn.v_proj*attention_in_multiplier", HF_SCALE, false },
	{ "attn_output", "self_attn.o_proj*attention_out_multiplier", HF_SCALE, false },
	{ "ssm_in", "mamba.in_proj*ssm_in_multiplier", HF_SCALE_PARTS, false },
	{ "ssm_conv1d.weight", "mamba.conv1d.weight", HF_CONV, true },
	{ "ssm_conv1d.bias", "mamba.conv1d.bias", HF_COPY, true },
	{ "ssm_dt.bias", "mamba.dt_bias", HF_COPY, true },
	{ "ssm_a", "mamba.A_log", HF_NEG_EXP_1, true },
	{ "ssm_d", "mamba.D", HF_TRAIL, true },
	{ "ssm_norm", "mamba.norm", HF_GROUPS, false },
	{ "ssm_out", "mamba.out_proj*ssm_out_multiplier", HF_SCALE, false },
	{ "ffn_gate", "feed_forward.gate_proj*mlp_multipliers.0", HF_SCALE, false },
	{ "ffn_up", "feed_forward.up_proj", HF_COPY, false },
	{ "ffn_down", "feed_forward.down_proj*mlp_multipliers.1", HF_SCALE, false },
	NO_RULE
};

/* Norms add one to their weights, but the delta net's does not. */
#define DELTA_BLOCK \
	{ "attn_norm", "input_layernorm", HF_PLUS1, false }, \
	{ "post_attention_norm", "post_attention_layernorm", HF_PLUS1, false }, \
	QKVO(HF_COPY, HF_COPY), \
	QK_NORMS(HF_PLUS1), \
	{ "ssm_norm", "linear_attn.norm", HF_COPY, false }, \
	MLP, \
	MLP_EXPERTS, \
	STACKED_EXPERTS, \
	{ "ffn_gate_shexp", "mlp.shared_expert.gate_proj", HF_COPY, false }, \
	{ "ffn_up_shexp", "mlp.shared_expert.up_proj", HF_COPY, false }, \
	{ "ffn_down_shexp", "mlp.shared_expert.down_proj", HF_COPY, false }, \
	{ "ffn_gate_inp_shexp", "mlp.shared_expert_gate", HF_COPY, false }

static const struct hf_rule qwen3next_layer[] = {
	DELTA_BLOCK,
	{ "attn_qkv", "linear_attn.in_proj_qkvz", HF_DELTA_QKV, false },
	{ "attn_gate", "linear_attn.in_proj_qkvz", HF_DELTA_Z, false },
	{ "ssm_ba", "linear_attn.in_proj_ba", HF_COPY, false },
	{ "ssm_conv1d.weight", "linear_attn.conv1d.weight", HF_CONV, true },
	{ "ssm_dt.bias", "linear_attn.dt_bias", HF_COPY, true },
	{ "ssm_a", "linear_attn.A_log", HF_NEG_EXP, true },
	{ "ssm_out", "linear_attn.out_proj", HF_COPY, false },
	NO_RULE
};

static const struct hf_rule qwen35_layer[] = {
	DELTA_BLOCK,
	{ "attn_qkv", "linear_attn.in_proj_qkv", HF_TILE_QKV, false },
	{ "attn_gate", "linear_attn.in_proj_z", HF_TILE_ROWS, false },
	{ "ssm_beta", "linear_attn.in_proj_b", HF_TILE, false },
	{ "ssm_alpha", "linear_attn.in_proj_a", HF_TILE, false },
	{ "ssm_conv1d.weight", "linear_attn.conv1d.weight", HF_TILE_CONV, true },
	{ "ssm_dt.bias", "linear_attn.dt_bias", HF_TILE, true },
	{ "ssm_a", "linear_attn.A_log", HF_TILE_NEG_EXP, true },
	{ "ssm_out", "linear_attn.out_proj", HF_TILE_COLUMNS, false },
	NO_RULE
};

static const struct hf_rule rwkv6_layer[] = {
	{ "attn_norm", "ln1", HF_COPY, false },
	{ "attn_norm_2", "ln2", HF_COPY, false },
	{ "time_mix_lerp_x.weight", "attention.time_maa_x", HF_FLAT, true },
	{ "time_mix_lerp_fused.weight", "attention.time_maa_{wkvrg}", HF_COPY, true },
	{ "time_mix_w1.weight", "attention.time_maa_w1", HF_TRANSPOSE, true },
	{ "time_mix_w2.weight", "attention.time_maa_w2", HF_TRANSPOSE, true },
	{ "time_mix_decay.weight", "attention.time_decay", HF_FLAT, true },
	{ "time_mix_decay_w1.weight", "attention.time_decay_w1", HF_TRANSPOSE, true },
	{ "time_mix_decay_w2.weight", "attention.time_decay_w2", HF_TRANSPOSE, true },
	{ "time_mix_first.weight", "attention.time_faaaa", HF_COPY, true },
	{ "time_mix_receptance", "attention.receptance", HF_COPY, false },
	{ "time_mix_key", "attention.key", HF_COPY, false },
	{ "time_mix_value", "attention.value", HF_COPY, false },
	{ "time_mix_gate", "attention.gate", HF_COPY, false },
	{ "time_mix_output", "attention.output", HF_RESCALE, false },
	{ "time_mix_ln", "attention.ln_x", HF_COPY, false },
	{ "channel_mix_lerp_k.weight", "feed_forward.time_maa_k", HF_FLAT, true },
	{ "channel_mix_lerp_r.weight", "feed_forward.time_maa_r", HF_FLAT, true },
	{ "channel_mix_key", "feed_forward.key", HF_COPY, false },
	{ "channel_mix_value", "feed_forward.value", HF_RESCALE, false },
	{ "channel_mix_receptance", "feed_forward.receptance", HF_COPY, false },
	NO_RULE
};

#define LORA(name) \
	{ "time_mix_" name "1.weight", "attn." name "_lora.lora.0.weight", HF_COPY, true }, \
	{ "time_mix_" name "2.weight", "attn." name "_lora.lora.2.weight", HF_COPY, true }, \
	{ "time_mix_" name "0.weight", "attn." name "_lora.lora.2.bias", HF_COPY, true }

static const struct hf_rule rwkv7_layer[] = {
	{ "attn_norm", "attn_norm", HF_COPY, false },
	{ "attn_norm_2", "ffn_norm", HF_COPY, false },
	{ "time_mix_lerp_fused.weight", "attn.x_{rwkvag}", HF_COPY, true },
	LORA("w"),
	LORA("a"),
	LORA("v"),
	LORA("g"),
	{ "time_mix_k_k.weight", "attn.k_k", HF_FLAT, true },
	{ "time_mix_k_a.weight", "attn.k_a", HF_FLAT, true },
	{ "time_mix_r_k.weight", "attn.r_k", HF_FLAT, true },
	{ "time_mix_receptance", "attn.r_proj", HF_COPY, false },
	{ "time_mix_key", "attn.k_proj", HF_COPY, false },
	{ "time_mix_value", "attn.v_proj", HF_COPY, false },
	{ "time_mix_output", "attn.o_proj", HF_COPY, false },
	{ "time_mix_ln", "attn.g_norm", HF_COPY, false },
	{ "channel_mix_lerp_k.weight", "ffn.x_k", HF_FLAT, true },
	{ "channel_mix_key", "ffn.key", HF_COPY, false },
	{ "channel_mix_value", "ffn.value", HF_COPY, false },
	NO_RULE
};

/* ---- classes ---- */

#define BACKBONE "backbone.layers."
#define DELTA_FLAGS (HF_RECURRENT | HF_QUARTER_ROPE | HF_DROP_MTP)

const struct hf_arch hf_recurrent[] = {
	{ "GraniteMoeHybridForCausalLM", "granitehybrid", MODEL, NULL, 0,
	  HF_KV_LAYERS | HF_FINETUNED | HF_DENSE, dense_keys, granitehybrid_dense_keys,
	  granite_demands, granite_globals, granitehybrid_dense_layer, granitehybrid_layer },
	{ "GraniteMoeHybridForCausalLM", "granitehybrid", MODEL, "num_local_experts", 0,
	  HF_KV_LAYERS | HF_FINETUNED, dense_keys, granitehybrid_keys, granite_demands,
	  granite_globals, granitehybrid_moe_layer, granitehybrid_layer },
	{ "MambaForCausalLM|MambaLMHeadModel", "mamba", BACKBONE, NULL, 0, HF_NO_ROPE, mamba_keys,
	  NULL, mamba_demands, mamba_globals, mamba_layer, NULL },
	{ "FalconMambaForCausalLM", "mamba", BACKBONE, NULL, 0, HF_NO_ROPE, falcon_mamba_keys,
	  NULL, mamba_demands, mamba_globals, mamba_layer, NULL },
	{ "Mamba2ForCausalLM", "mamba2", BACKBONE, NULL, 0, HF_NO_ROPE, mamba2_keys, NULL,
	  mamba2_demands, mamba_globals, mamba2_layer, NULL },
	{ "JambaForCausalLM", "jamba", MODEL, NULL, 0, HF_NO_ROPE | HF_KV_LAYERS | HF_DENSE,
	  dense_keys, jamba_dense_keys, jamba_demands, jamba_globals, jamba_layer, NULL },
	{ "JambaForCausalLM", "jamba", MODEL, "num_experts", 0, HF_NO_ROPE | HF_KV_LAYERS,
	  dense_keys, jamba_keys, jamba_demands, jamba_globals, jamba_layer, NULL },
	{ "NemotronHForCausalLM", "nemotron_h", BACKBONE, NULL, 0,
	  HF_NO_ROPE | HF_KV_LAYERS | HF_FF_LAYERS | HF_DENSE, nemotron_h_keys, NULL,
	  nemotron_h_demands, mamba_globals, nemotron_h_layer, NULL },
	{ "NemotronHForCausalLM", "nemotron_h_moe", BACKBONE, "n_routed_experts", 0,
	  HF_NO_ROPE | HF_KV_LAYERS | HF_FF_LAYERS | HF_DROP_MTP, nemotron_h_keys,
	  nemotron_h_moe_keys, nemotron_h_moe_demands, mamba_globals, nemotron_h_layer,
	  nemotron_h_moe_layer },
	{ "FalconH1ForCausalLM", "falcon-h1", MODEL, NULL, 0, 0, dense_keys, falcon_h1_keys,
	  falcon_h1_demands, falcon_h1_globals, falcon_h1_layer, NULL },
	{ "Qwen3NextForCausalLM", "qwen3next", MODEL, NULL, 0, DELTA_FLAGS | HF_DENSE, dense_keys,
	  delta_keys, delta_demands, delta_globals, qwen3next_layer, NULL },
	{ "Qwen3NextForCausalLM", "qwen3next", MODEL, "num_experts", 0, DELTA_FLAGS, dense_keys,
	  delta_moe_keys, delta_moe_demands, delta_globals, qwen3next_layer, NULL },
	{ "Qwen3_5ForCausalLM", "qwen35", MODEL, NULL, 0, DELTA_FLAGS, dense_keys, delta_keys,
	  delta_demands, delta_globals, qwen35_layer, NULL },
	{ "Qwen3_5MoeForCausalLM", "qwen35moe", MODEL, "num_experts", 0, DELTA_FLAGS, dense_keys,
	  delta_moe_keys, delta_moe_demands, delta_globals, qwen35_layer, NULL },
	{ "Rwkv6ForCausalLM", "rwkv6", "rwkv.blocks.", NULL, 0, HF_NO_ROPE, rwkv6_keys, NULL,
	  rwkv6_demands, rwkv6_globals, rwkv6_layer, NULL },
	{ "RWKV7ForCausalLM|Rwkv7ForCausalLM", "rwkv7", MODEL, NULL, 0, HF_NO_ROPE, rwkv7_keys,
	  NULL, rwkv7_demands, rwkv7_globals, rwkv7_layer, NULL },
};
const size_t hf_n_recurrent = sizeof(hf_recurrent) / sizeof(hf_recurrent[0]);
