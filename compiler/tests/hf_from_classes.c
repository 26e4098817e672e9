// SPDX-License-Identifier: MIT
/* What config.json and safetensors of a class call the keys and tensors of GGUF files. */
#include <string.h>

#include "compiler/tests/hf_from_gguf.h"

/* clang-format off */

#define GLOBALS \
	{ "token_embd", "model.embed_tokens", SAME }, \
	{ "output_norm", "model.norm", SAME }, \
	{ "output", "lm_head", SAME }
#define PRE_NORMS \
	{ "attn_norm", "input_layernorm", SAME }, \
	{ "ffn_norm", "post_attention_layernorm", SAME }
#define ATTENTION(q, k) \
	{ "attn_q", "self_attn.q_proj", q }, \
	{ "attn_k", "self_attn.k_proj", k }, \
	{ "attn_v", "self_attn.v_proj", SAME }, \
	{ "attn_output", "self_attn.o_proj", SAME }
#define HEAD_NORMS(how) \
	{ "attn_q_norm", "self_attn.q_norm", how }, \
	{ "attn_k_norm", "self_attn.k_norm", how }
#define MLP \
	{ "ffn_gate", "mlp.gate_proj", SAME }, \
	{ "ffn_up", "mlp.up_proj", SAME }, \
	{ "ffn_down", "mlp.down_proj", SAME }
#define EXPERTS(router) \
	{ "ffn_gate_inp", router, SAME }, \
	{ "ffn_gate_exps", "mlp.experts.{e}.gate_proj", PER_EXPERT }, \
	{ "ffn_up_exps", "mlp.experts.{e}.up_proj", PER_EXPERT }, \
	{ "ffn_down_exps", "mlp.experts.{e}.down_proj", PER_EXPERT }
#define SHARED(of) \
	{ "ffn_gate_shexp", "mlp." of ".gate_proj", SAME }, \
	{ "ffn_up_shexp", "mlp." of ".up_proj", SAME }, \
	{ "ffn_down_shexp", "mlp." of ".down_proj", SAME }
#define MAMBA(mixer) \
	{ "ssm_in", mixer "in_proj", SAME }, \
	{ "ssm_conv1d.weight", mixer "conv1d.weight", DEPTHWISE }, \
	{ "ssm_conv1d.bias", mixer "conv1d.bias", SAME }, \
	{ "ssm_x", mixer "x_proj", SAME }, \
	{ "ssm_dt.weight", mixer "dt_proj.weight", SAME }, \
	{ "ssm_dt.bias", mixer "dt_proj.bias", SAME }, \
	{ "ssm_a", mixer "A_log", LOG_OF_MINUS }, \
	{ "ssm_d", mixer "D", SAME }, \
	{ "ssm_out", mixer "out_proj", SAME }
#define MAMBA2(mixer) \
	{ "ssm_in", mixer "in_proj", SAME }, \
	{ "ssm_conv1d.weight", mixer "conv1d.weight", DEPTHWISE }, \
	{ "ssm_conv1d.bias", mixer "conv1d.bias", SAME }, \
	{ "ssm_dt.bias", mixer "dt_bias", SAME }, \
	{ "ssm_a", mixer "A_log", LOG_OF_MINUS }, \
	{ "ssm_d", mixer "D", SQUEEZE }, \
	{ "ssm_norm", mixer "norm", FLAT }, \
	{ "ssm_out", mixer "out_proj", SAME }
#define END { NULL, NULL, SAME }

static const struct hf_name llama[] = { GLOBALS, PRE_NORMS, ATTENTION(ROWS_Q, ROWS_K), MLP, END };
static const struct hf_name mixtral[] = {
	GLOBALS, PRE_NORMS, ATTENTION(ROWS_Q, ROWS_K),
	{ "ffn_gate_inp", "block_sparse_moe.gate", SAME },
	{ "ffn_gate_exps", "block_sparse_moe.experts.{e}.w1", PER_EXPERT },
	{ "ffn_up_exps", "block_sparse_moe.experts.{e}.w3", PER_EXPERT },
	{ "ffn_down_exps", "block_sparse_moe.experts.{e}.w2", PER_EXPERT },
	END
};
static const struct hf_name qwen[] = {
	GLOBALS, PRE_NORMS, ATTENTION(SAME, SAME), HEAD_NORMS(SAME), MLP, EXPERTS("mlp.gate"),
	SHARED("shared_expert"), { "ffn_gate_inp_shexp", "mlp.shared_expert_gate", SAME }, END
};
static const struct hf_name olmo2[] = {
	GLOBALS, ATTENTION(SAME, SAME), HEAD_NORMS(SAME), MLP,
	{ "post_attention_norm", "post_attention_layernorm", SAME },
	{ "post_ffw_norm", "post_feedforward_layernorm", SAME },
	END
};
static const struct hf_name granitemoe[] = {
	GLOBALS, PRE_NORMS, ATTENTION(ROWS_Q, ROWS_K),
	{ "ffn_gate_inp", "block_sparse_moe.router.layer", SAME },
	{ "ffn_gate_exps", "block_sparse_moe.input_linear", WITH_UP },
	{ "ffn_up_exps", "", IS_UP },
	{ "ffn_down_exps", "block_sparse_moe.output_linear", SAME },
	{ "ffn_gate_shexp", "shared_mlp.input_linear", WITH_UP },
	{ "ffn_up_shexp", "", IS_UP },
	{ "ffn_down_shexp", "shared_mlp.output_linear", SAME },
	END
};
static const struct hf_name granitehybrid_moe[] = {
	GLOBALS, PRE_NORMS, ATTENTION(ROWS_Q, ROWS_K), MAMBA2("mamba."),
	{ "ffn_gate_inp", "block_sparse_moe.router.layer", SAME },
	{ "ffn_gate_exps", "block_sparse_moe.input_linear", WITH_UP },
	{ "ffn_up_exps", "", IS_UP },
	{ "ffn_down_exps", "block_sparse_moe.output_linear", SAME },
	{ "ffn_gate_shexp", "shared_mlp.input_linear", WITH_UP },
	{ "ffn_up_shexp", "", IS_UP },
	{ "ffn_down_shexp", "shared_mlp.output_linear", SAME },
	END
};
static const struct hf_name granitehybrid[] = {
	GLOBALS, PRE_NORMS, ATTENTION(ROWS_Q, ROWS_K), MAMBA2("mamba."),
	{ "ffn_gate", "shared_mlp.input_linear", WITH_UP },
	{ "ffn_up", "", IS_UP },
	{ "ffn_down", "shared_mlp.output_linear", SAME },
	END
};
static const struct hf_name afmoe[] = {
	GLOBALS, ATTENTION(SAME, SAME), HEAD_NORMS(SAME), MLP, EXPERTS("mlp.router.gate"),
	SHARED("shared_experts"),
	{ "attn_norm", "input_layernorm", SAME },
	{ "post_attention_norm", "post_attention_layernorm", SAME },
	{ "ffn_norm", "pre_mlp_layernorm", SAME },
	{ "post_ffw_norm", "post_mlp_layernorm", SAME },
	{ "attn_gate", "self_attn.gate_proj", SAME },
	{ "exp_probs_b.bias", "mlp.expert_bias", SAME },
	END
};
#define GEMMA_GLOBALS \
	{ "token_embd", "model.embed_tokens", SAME }, \
	{ "output_norm", "model.norm", MINUS_1 }, \
	{ "attn_norm", "input_layernorm", MINUS_1 }
static const struct hf_name gemma[] = {
	GEMMA_GLOBALS, ATTENTION(SAME, SAME), MLP,
	{ "ffn_norm", "post_attention_layernorm", MINUS_1 }, END
};
static const struct hf_name gemma2[] = {
	GEMMA_GLOBALS, ATTENTION(SAME, SAME), HEAD_NORMS(MINUS_1), MLP,
	{ "post_attention_norm", "post_attention_layernorm", MINUS_1 },
	{ "ffn_norm", "pre_feedforward_layernorm", MINUS_1 },
	{ "post_ffw_norm", "post_feedforward_layernorm", MINUS_1 },
	END
};
static const struct hf_name phi3[] = {
	GLOBALS, PRE_NORMS,
	{ "attn_qkv", "self_attn.qkv_proj", SAME },
	{ "attn_output", "self_attn.o_proj", SAME },
	{ "ffn_up", "mlp.gate_up_proj", SAME },
	{ "ffn_down", "mlp.down_proj", SAME },
	END
};
static const struct hf_name starcoder2[] = {
	GLOBALS, PRE_NORMS, ATTENTION(SAME, SAME),
	{ "ffn_up", "mlp.c_fc", SAME },
	{ "ffn_down", "mlp.c_proj", SAME },
	END
};
static const struct hf_name gpt2[] = {
	{ "token_embd", "transformer.wte", SAME },
	{ "position_embd", "transformer.wpe", SAME },
	{ "output_norm", "transformer.ln_f", SAME },
	{ "attn_norm", "ln_1", SAME },
	{ "ffn_norm", "ln_2", SAME },
	{ "attn_qkv.weight", "attn.c_attn.weight", TRANSPOSED },
	{ "attn_qkv.bias", "attn.c_attn.bias", SAME },
	{ "attn_output.weight", "attn.c_proj.weight", TRANSPOSED },
	{ "attn_output.bias", "attn.c_proj.bias", SAME },
	{ "ffn_up.weight", "mlp.c_fc.weight", TRANSPOSED },
	{ "ffn_up.bias", "mlp.c_fc.bias", SAME },
	{ "ffn_down.weight", "mlp.c_proj.weight", TRANSPOSED },
	{ "ffn_down.bias", "mlp.c_proj.bias", SAME },
	END
};
static const struct hf_name gpt_oss[] = {
	GLOBALS, ATTENTION(SAME, SAME),
	{ "attn_norm", "input_layernorm", SAME },
	{ "post_attention_norm", "post_attention_layernorm", SAME },
	{ "attn_sinks.weight", "self_attn.sinks", SAME },
	{ "ffn_gate_inp", "mlp.router", SAME },
	{ "ffn_gate_exps.weight", "mlp.experts.gate_up_proj", BLOCKS_UP },
	{ "ffn_gate_exps.bias", "mlp.experts.gate_up_proj_bias", IN_TURN },
	{ "ffn_up_exps", "", IS_UP },
	{ "ffn_down_exps.weight", "mlp.experts.down_proj", BLOCKS },
	{ "ffn_down_exps.bias", "mlp.experts.down_proj_bias", SAME },
	END
};
static const struct hf_name deepseek2[] = {
	GLOBALS, PRE_NORMS, MLP, EXPERTS("mlp.gate"), SHARED("shared_experts"),
	{ "exp_probs_b.bias", "mlp.gate.e_score_correction_bias", SAME },
	{ "attn_q", "self_attn.q_proj", SAME },
	{ "attn_q_a", "self_attn.q_a_proj", SAME },
	{ "attn_q_a_norm", "self_attn.q_a_layernorm", SAME },
	{ "attn_q_b", "self_attn.q_b_proj", SAME },
	{ "attn_kv_a_mqa", "self_attn.kv_a_proj_with_mqa", SAME },
	{ "attn_kv_a_norm", "self_attn.kv_a_layernorm", SAME },
	{ "attn_k_b", "self_attn.kv_b_proj", KV_B },
	{ "attn_v_b", "", IS_V_B },
	{ "attn_output", "self_attn.o_proj", SAME },
	END
};
#define BACKBONE \
	{ "token_embd", "backbone.embeddings", SAME }, \
	{ "output_norm", "backbone.norm_f", SAME }, \
	{ "output", "lm_head", SAME }, \
	{ "attn_norm", "norm", SAME }
static const struct hf_name mamba[] = { BACKBONE, MAMBA("mixer."), END };
static const struct hf_name mamba2[] = { BACKBONE, MAMBA2("mixer."), END };
static const struct hf_name nemotron_h[] = {
	BACKBONE, MAMBA2("mixer."),
	{ "attn_q", "mixer.q_proj", ROWS_Q },
	{ "attn_k", "mixer.k_proj", ROWS_K },
	{ "attn_v", "mixer.v_proj", SAME },
	{ "attn_output", "mixer.o_proj", SAME },
	{ "ffn_up", "mixer.up_proj", SAME },
	{ "ffn_down", "mixer.down_proj", SAME },
	{ "ffn_gate_inp", "mixer.gate", SAME },
	{ "exp_probs_b.bias", "mixer.gate.e_score_correction_bias", SAME },
	{ "ffn_latent_down", "mixer.fc1_latent_proj", SAME },
	{ "ffn_latent_up", "mixer.fc2_latent_proj", SAME },
	{ "ffn_up_exps", "mixer.experts.{e}.up_proj", PER_EXPERT },
	{ "ffn_down_exps", "mixer.experts.{e}.down_proj", PER_EXPERT },
	{ "ffn_up_shexp", "mixer.shared_experts.up_proj", SAME },
	{ "ffn_down_shexp", "mixer.shared_experts.down_proj", SAME },
	END
};
static const struct hf_name jamba[] = {
	{ "token_embd", "model.embed_tokens", SAME },
	{ "output_norm", "model.final_layernorm", SAME },
	{ "output", "lm_head", SAME },
	ATTENTION(SAME, SAME), MAMBA("mamba."),
	{ "attn_norm", "input_layernorm", SAME },
	{ "ffn_norm", "pre_ff_layernorm", SAME },
	{ "ssm_dt_norm", "mamba.dt_layernorm", SAME },
	{ "ssm_b_norm", "mamba.b_layernorm", SAME },
	{ "ssm_c_norm", "mamba.c_layernorm", SAME },
	{ "ffn_gate", "feed_forward.gate_proj", SAME },
	{ "ffn_up", "feed_forward.up_proj", SAME },
	{ "ffn_down", "feed_forward.down_proj", SAME },
	{ "ffn_gate_inp", "feed_forward.router", SAME },
	{ "ffn_gate_exps", "feed_forward.experts.{e}.gate_proj", PER_EXPERT },
	{ "ffn_up_exps", "feed_forward.experts.{e}.up_proj", PER_EXPERT },
	{ "ffn_down_exps", "feed_forward.experts.{e}.down_proj", PER_EXPERT },
	END
};
static const struct hf_name openelm[] = {
	{ "token_embd", "transformer.token_embeddings", SAME },
	{ "output_norm", "transformer.norm", SAME },
	{ "attn_norm", "attn_norm", SAME },
	{ "ffn_norm", "ffn_norm", SAME },
	{ "attn_qkv", "attn.qkv_proj", SAME },
	{ "attn_q_norm", "attn.q_norm", SAME },
	{ "attn_k_norm", "attn.k_norm", SAME },
	{ "attn_output", "attn.out_proj", SAME },
	{ "ffn_gate", "ffn.proj_1", WITH_UP },
	{ "ffn_up", "", IS_UP },
	{ "ffn_down", "ffn.proj_2", SAME },
	END
};
static const struct hf_name falcon_h1[] = {
	{ "token_embd", "model.embed_tokens*embedding_multiplier", DIVIDED },
	{ "output_norm", "model.final_layernorm", SAME },
	{ "output", "lm_head*lm_head_multiplier", DIVIDED },
	{ "attn_norm", "input_layernorm", SAME },
	{ "ffn_norm", "pre_ff_layernorm.weight", SAME },
	{ "attn_q", "self_attn.q_proj*attention_in_multiplier", DIVIDED },
	{ "attn_k", "self_attn.k_proj*attention_in_multiplier*key_multiplier", DIVIDED },
	{ "attn_v", "self_attn.v_proj*attention_in_multiplier", DIVIDED },
	{ "attn_output", "self_attn.o_proj*attention_out_multiplier", DIVIDED },
	{ "ssm_in", "mamba.in_proj*ssm_in_multiplier", DIVIDED_PARTS },
	{ "ssm_out", "mamba.out_proj*ssm_out_multiplier", DIVIDED },
	MAMBA2("mamba."),
	{ "ffn_gate", "feed_forward.gate_proj*mlp_multipliers.0", DIVIDED },
	{ "ffn_up", "feed_forward.up_proj", SAME },
	{ "ffn_down", "feed_forward.down_proj*mlp_multipliers.1", DIVIDED },
	END
};
#define DELTA \
	{ "token_embd", "model.embed_tokens", SAME }, \
	{ "output_norm", "model.norm", MINUS_1 }, \
	{ "output", "lm_head", SAME }, \
	{ "attn_norm", "input_layernorm", MINUS_1 }, \
	{ "post_attention_norm", "post_attention_layernorm", MINUS_1 }, \
	ATTENTION(SAME, SAME), HEAD_NORMS(MINUS_1), MLP, EXPERTS("mlp.gate"), \
	SHARED("shared_expert"), { "ffn_gate_inp_shexp", "mlp.shared_expert_gate", SAME }, \
	{ "ssm_norm", "linear_attn.norm", SAME }
static const struct hf_name qwen3next[] = {
	DELTA,
	{ "attn_qkv", "linear_attn.in_proj_qkvz", QKVZ },
	{ "attn_gate", "", IS_Z },
	{ "ssm_ba", "linear_attn.in_proj_ba", SAME },
	{ "ssm_conv1d.weight", "linear_attn.conv1d.weight", DEPTHWISE },
	{ "ssm_dt.bias", "linear_attn.dt_bias", SAME },
	{ "ssm_a", "linear_attn.A_log", LOG_OF_MINUS },
	{ "ssm_out", "linear_attn.out_proj", SAME },
	END
};
static const struct hf_name qwen35[] = {
	DELTA,
	{ "attn_qkv", "linear_attn.in_proj_qkv", UNTILED_QKV },
	{ "attn_gate", "linear_attn.in_proj_z", UNTILED_ROWS },
	{ "ssm_beta", "linear_attn.in_proj_b", UNTILED },
	{ "ssm_alpha", "linear_attn.in_proj_a", UNTILED },
	{ "ssm_conv1d.weight", "linear_attn.conv1d.weight", UNTILED_CONV },
	{ "ssm_dt.bias", "linear_attn.dt_bias", UNTILED },
	{ "ssm_a", "linear_attn.A_log", UNTILED_LOG },
	{ "ssm_out", "linear_attn.out_proj", UNTILED_COLUMNS },
	END
};
static const struct hf_name rwkv6[] = {
	{ "token_embd", "rwkv.embeddings", SAME },
	{ "token_embd_norm", "rwkv.blocks.0.pre_ln", SAME },
	{ "output_norm", "rwkv.ln_out", SAME },
	{ "output", "head", SAME },
	{ "attn_norm", "ln1", SAME },
	{ "attn_norm_2", "ln2", SAME },
	{ "time_mix_lerp_x.weight", "attention.time_maa_x", LEADING },
	{ "time_mix_lerp_fused.weight", "attention.time_maa_{wkvrg}", PER_LETTER },
	{ "time_mix_w1.weight", "attention.time_maa_w1", TRANSPOSED },
	{ "time_mix_w2.weight", "attention.time_maa_w2", TRANSPOSED_5 },
	{ "time_mix_decay.weight", "attention.time_decay", LEADING },
	{ "time_mix_decay_w1.weight", "attention.time_decay_w1", TRANSPOSED },
	{ "time_mix_decay_w2.weight", "attention.time_decay_w2", TRANSPOSED },
	{ "time_mix_first.weight", "attention.time_faaaa", SAME },
	{ "time_mix_receptance", "attention.receptance", SAME },
	{ "time_mix_key", "attention.key", SAME },
	{ "time_mix_value", "attention.value", SAME },
	{ "time_mix_gate", "attention.gate", SAME },
	{ "time_mix_output", "attention.output", SCALED_BACK },
	{ "time_mix_ln", "attention.ln_x", SAME },
	{ "channel_mix_lerp_k.weight", "feed_forward.time_maa_k", LEADING },
	{ "channel_mix_lerp_r.weight", "feed_forward.time_maa_r", LEADING },
	{ "channel_mix_key", "feed_forward.key", SAME },
	{ "channel_mix_value", "feed_forward.value", SCALED_BACK },
	{ "channel_mix_receptance", "feed_forward.receptance", SAME },
	END
};
#define LORA(x) \
	{ "time_mix_" x "1.weight", "attn." x "_lora.lora.0.weight", SAME }, \
	{ "time_mix_" x "2.weight", "attn." x "_lora.lora.2.weight", SAME }, \
	{ "time_mix_" x "0.weight", "attn." x "_lora.lora.2.bias", SAME }
static const struct hf_name rwkv7[] = {
	{ "token_embd", "model.embeddings", SAME },
	{ "token_embd_norm", "model.layers.0.pre_norm", SAME },
	{ "output_norm", "model.norm", SAME },
	{ "output", "lm_head", SAME },
	{ "attn_norm", "attn_norm", SAME },
	{ "attn_norm_2", "ffn_norm", SAME },
	{ "time_mix_lerp_fused.weight", "attn.x_{rwkvag}", PER_LETTER },
	LORA("w"), LORA("a"), LORA("v"), LORA("g"),
	{ "time_mix_k_k.weight", "attn.k_k", SAME },
	{ "time_mix_k_a.weight", "attn.k_a", SAME },
	{ "time_mix_r_k.weight", "attn.r_k", SAME },
	{ "time_mix_receptance", "attn.r_proj", SAME },
	{ "time_mix_key", "attn.k_proj", SAME },
	{ "time_mix_value", "attn.v_proj", SAME },
	{ "time_mix_output", "attn.o_proj", SAME },
	{ "time_mix_ln", "attn.g_norm", SAME },
	{ "channel_mix_lerp_k.weight", "ffn.x_k", LEADING },
	{ "channel_mix_key", "ffn.key", SAME },
	{ "channel_mix_value", "ffn.value", SAME },
	END
};

#define END_VALUES { NULL, NULL, 0 }
#define USED { "num_experts_per_tok", "expert_used_count", 'u' }
#define EXPERT_FF { "moe_intermediate_size", "expert_feed_forward_length", 'u' }
#define GRANITE \
	{ "embedding_multiplier", "embedding_scale", 'f' }, \
	{ "attention_multiplier", "attention.scale", 'f' }, \
	{ "residual_multiplier", "residual_scale", 'f' }, \
	{ "logits_scaling", "logit_scale", 'f' }

static const struct hf_value none[] = { END_VALUES };
static const struct hf_value mistral_values[] = {
	{ "sliding_window", "attention.sliding_window", 'u' }, END_VALUES
};
static const struct hf_value mixtral_values[] = {
	{ "num_local_experts", "expert_count", 'u' }, USED,
	{ "sliding_window", "attention.sliding_window", 'u' }, END_VALUES
};
static const struct hf_value qwenmoe_values[] = {
	{ "num_experts", "expert_count", 'u' }, USED, EXPERT_FF,
	{ "shared_expert_intermediate_size", "expert_shared_feed_forward_length", 'u' }, END_VALUES
};
static const struct hf_value granite_values[] = { GRANITE, END_VALUES };
static const struct hf_value granitemoe_values[] = {
	GRANITE, { "num_local_experts", "expert_count", 'u' }, USED,
	{ "shared_intermediate_size", "expert_shared_feed_forward_length", 'u' }, END_VALUES
};
#define GRANITE_MAMBA \
	{ "mamba_d_conv", "ssm.conv_kernel", 'u' }, { "mamba_d_state", "ssm.state_size", 'u' }, \
	{ "mamba_n_heads", "ssm.time_step_rank", 'u' }, \
	{ "mamba_n_groups", "ssm.group_count", 'u' }
static const struct hf_value granitehybrid_values[] = {
	GRANITE, GRANITE_MAMBA, { "shared_intermediate_size", "feed_forward_length", 'u' }, END_VALUES
};
static const struct hf_value granitehybrid_moe_values[] = {
	GRANITE, GRANITE_MAMBA, { "num_local_experts", "expert_count", 'u' }, USED,
	{ "shared_intermediate_size", "expert_shared_feed_forward_length", 'u' }, END_VALUES
};
static const struct hf_value afmoe_values[] = {
	{ "num_experts", "expert_count", 'u' }, USED, EXPERT_FF,
	{ "num_dense_layers", "leading_dense_block_count", 'z' },
	{ "num_shared_experts", "expert_shared_count", 'u' },
	{ "route_scale", "expert_weights_scale", 'f' },
	{ "route_norm", "expert_weights_norm", 'b' },
	{ "sliding_window", "attention.sliding_window", 'u' }, END_VALUES
};
static const struct hf_value window_values[] = {
	{ "sliding_window", "attention.sliding_window", 'u' },
	{ "sliding_window_pattern", "attention.sliding_window_pattern", 'u' }, END_VALUES
};
static const struct hf_value gemma2_values[] = {
	{ "sliding_window", "attention.sliding_window", 'u' },
	{ "attn_logit_softcapping", "attn_logit_softcapping", 'f' },
	{ "final_logit_softcapping", "final_logit_softcapping", 'f' }, END_VALUES
};
static const struct hf_value starcoder2_values[] = {
	{ "norm_epsilon", "attention.layer_norm_epsilon", 'f' },
	{ "sliding_window", "attention.sliding_window", 'u' }, END_VALUES
};
static const struct hf_value gpt2_values[] = {
	{ "n_positions", "context_length", 'u' }, { "n_embd", "embedding_length", 'u' },
	{ "n_layer", "block_count", 'u' }, { "n_head", "attention.head_count", 'u' },
	{ "n_inner", "feed_forward_length", 'u' },
	{ "layer_norm_epsilon", "attention.layer_norm_epsilon", 'f' }, END_VALUES
};
static const struct hf_value gpt_oss_values[] = {
	{ "num_local_experts", "expert_count", 'u' }, USED,
	{ "intermediate_size", "expert_feed_forward_length", 'u' },
	{ "sliding_window", "attention.sliding_window", 'u' }, END_VALUES
};
static const struct hf_value deepseek2_values[] = {
	{ "n_routed_experts", "expert_count", 'u' }, USED, EXPERT_FF,
	{ "first_k_dense_replace", "leading_dense_block_count", 'z' },
	{ "n_shared_experts", "expert_shared_count", 'u' },
	{ "routed_scaling_factor", "expert_weights_scale", 'f' },
	{ "norm_topk_prob", "expert_weights_norm", 'b' },
	{ "n_group", "expert_group_count", 'u' },
	{ "topk_group", "expert_group_used_count", 'u' },
	{ "q_lora_rank", "attention.q_lora_rank", 'u' },
	{ "kv_lora_rank", "attention.kv_lora_rank", 'u' },
	{ "v_head_dim", "attention.value_length_mla", 'u' },
	{ "qk_rope_head_dim", "rope.dimension_count", 'u' }, END_VALUES
};
static const struct hf_value mamba_values[] = {
	{ "conv_kernel", "ssm.conv_kernel", 'u' }, { "intermediate_size", "ssm.inner_size", 'u' },
	{ "state_size", "ssm.state_size", 'u' }, { "time_step_rank", "ssm.time_step_rank", 'u' },
	{ "layer_norm_epsilon", "attention.layer_norm_rms_epsilon", 'f' }, END_VALUES
};
static const struct hf_value mamba2_values[] = {
	{ "conv_kernel", "ssm.conv_kernel", 'u' }, { "state_size", "ssm.state_size", 'u' },
	{ "num_heads", "ssm.time_step_rank", 'u' }, { "n_groups", "ssm.group_count", 'u' },
	{ "layer_norm_epsilon", "attention.layer_norm_rms_epsilon", 'f' }, END_VALUES
};
static const struct hf_value jamba_values[] = {
	{ "mamba_d_conv", "ssm.conv_kernel", 'u' }, { "mamba_d_state", "ssm.state_size", 'u' },
	{ "mamba_dt_rank", "ssm.time_step_rank", 'u' },
	{ "num_experts", "expert_count", 'u' }, USED, END_VALUES
};
static const struct hf_value openelm_values[] = {
	{ "max_context_length", "context_length", 'u' }, { "model_dim", "embedding_length", 'u' },
	{ "num_transformer_layers", "block_count", 'u' }, END_VALUES
};
static const struct hf_value nemotron_h_values[] = {
	{ "conv_kernel", "ssm.conv_kernel", 'u' }, { "ssm_state_size", "ssm.state_size", 'u' },
	{ "mamba_num_heads", "ssm.time_step_rank", 'u' }, { "n_groups", "ssm.group_count", 'u' },
	{ "layer_norm_epsilon", "attention.layer_norm_rms_epsilon", 'f' },
	{ "n_routed_experts", "expert_count", 'u' }, USED, EXPERT_FF,
	{ "moe_shared_expert_intermediate_size", "expert_shared_feed_forward_length", 'z' },
	{ "norm_topk_prob", "expert_weights_norm", 'b' },
	{ "routed_scaling_factor", "expert_weights_scale", 'o' },
	{ "moe_latent_size", "moe_latent_size", 'u' }, END_VALUES
};
static const struct hf_value falcon_h1_values[] = {
	{ "mamba_d_conv", "ssm.conv_kernel", 'u' }, { "mamba_d_ssm", "ssm.inner_size", 'u' },
	{ "mamba_d_state", "ssm.state_size", 'u' }, { "mamba_n_heads", "ssm.time_step_rank", 'u' },
	{ "mamba_n_groups", "ssm.group_count", 'u' }, END_VALUES
};
static const struct hf_value delta_values[] = {
	{ "linear_conv_kernel_dim", "ssm.conv_kernel", 'u' },
	{ "linear_key_head_dim", "ssm.state_size", 'u' },
	{ "linear_num_value_heads", "ssm.time_step_rank", 'u' },
	{ "linear_num_key_heads", "ssm.group_count", 'u' },
	{ "full_attention_interval", "full_attention_interval", 'u' },
	{ "num_experts", "expert_count", 'u' }, USED, EXPERT_FF,
	{ "shared_expert_intermediate_size", "expert_shared_feed_forward_length", 'u' }, END_VALUES
};
static const struct hf_value rwkv6_values[] = {
	{ "head_size", "wkv.head_size", 'u' },
	{ "layer_norm_epsilon", "attention.layer_norm_epsilon", 'f' },
	{ "rescale_every", "rescale_every_n_layers", 'u' }, END_VALUES
};
static const struct hf_value rwkv7_values[] = {
	{ "head_dim", "wkv.head_size", 'u' }, { "norm_eps", "attention.layer_norm_epsilon", 'f' },
	END_VALUES
};

#define M "model.layers."
#define SILU "\"hidden_act\":\"silu\""
#define TANH_GELU "\"hidden_activation\":\"gelu_pytorch_tanh\""
#define FALCON_H1 \
	"\"mamba_rms_norm\":true,\"mamba_norm_before_gate\":false,\"embedding_multiplier\":4," \
	"\"lm_head_multiplier\":0.125,\"attention_in_multiplier\":0.5,\"key_multiplier\":0.25," \
	"\"attention_out_multiplier\":2,\"ssm_in_multiplier\":0.5,\"ssm_out_multiplier\":4," \
	"\"mlp_multipliers\":[0.5,2],\"ssm_multipliers\":[0.5,2,0.25,4,8]"

static const struct hf_class classes[] = {
	{ "llama", false, "LlamaForCausalLM", M, SILU, mistral_values, llama },
	{ "llama", true, "MixtralForCausalLM", M, SILU, mixtral_values, mixtral },
	{ "qwen2", false, "Qwen2ForCausalLM", M, SILU, none, qwen },
	{ "qwen3", false, "Qwen3ForCausalLM", M, SILU, none, qwen },
	{ "qwen2moe", true, "Qwen2MoeForCausalLM", M, SILU ",\"norm_topk_prob\":false",
	  qwenmoe_values, qwen },
	{ "qwen3moe", true, "Qwen3MoeForCausalLM", M, SILU ",\"norm_topk_prob\":true",
	  qwenmoe_values, qwen },
	{ "olmoe", true, "OlmoeForCausalLM", M, SILU ",\"norm_topk_prob\":false", qwenmoe_values,
	  qwen },
	{ "olmo2", false, "Olmo3ForCausalLM", M, SILU, window_values, olmo2 },
	{ "granite", false, "GraniteForCausalLM", M, SILU, granite_values, llama },
	{ "granitemoe", true, "GraniteMoeSharedForCausalLM", M, SILU, granitemoe_values,
	  granitemoe },
	{ "granitehybrid", false, "GraniteMoeHybridForCausalLM", M,
	  SILU ",\"position_embedding_type\":\"rope\"", granitehybrid_values, granitehybrid },
	{ "granitehybrid", true, "GraniteMoeHybridForCausalLM", M,
	  SILU ",\"position_embedding_type\":\"rope\"", granitehybrid_moe_values,
	  granitehybrid_moe },
	{ "openelm", false, "OpenELMForCausalLM", "transformer.layers.",
	  "\"activation_fn_name\":\"swish\",\"ffn_with_glu\":true,\"ffn_dim_divisor\":32,"
	  "\"normalize_qk_projections\":true,\"normalization_layer_name\":\"rms_norm\"",
	  openelm_values, openelm },
	{ "afmoe", true, "AfmoeForCausalLM", M, SILU ",\"mup_enabled\":true", afmoe_values, afmoe },
	{ "gemma", false, "GemmaForCausalLM", M, TANH_GELU, none, gemma },
	{ "gemma2", false, "Gemma2ForCausalLM", M, TANH_GELU, gemma2_values, gemma2 },
	{ "gemma3", false, "Gemma3ForCausalLM", M, TANH_GELU, window_values, gemma2 },
	{ "phi3", false, "Phi3ForCausalLM", M, SILU, window_values, phi3 },
	{ "starcoder2", false, "Starcoder2ForCausalLM", M,
	  "\"hidden_act\":\"gelu_pytorch_tanh\"", starcoder2_values, starcoder2 },
	{ "gpt2", false, "GPT2LMHeadModel", "transformer.h.",
	  "\"activation_function\":\"gelu_new\"", gpt2_values, gpt2 },
	{ "gpt-oss", true, "GptOssForCausalLM", M,
	  SILU ",\"swiglu_limit\":7.0,\"quantization_config\":{\"quant_method\":\"mxfp4\"}",
	  gpt_oss_values, gpt_oss },
	{ "deepseek2", true, "DeepseekV3ForCausalLM", M, SILU, deepseek2_values, deepseek2 },
	{ "mamba", false, "MambaForCausalLM", "backbone.layers.", SILU, mamba_values, mamba },
	{ "mamba2", false, "Mamba2ForCausalLM", "backbone.layers.", SILU, mamba2_values, mamba2 },
	{ "jamba", false, "JambaForCausalLM", M, SILU ",\"num_experts\":1", jamba_values, jamba },
	{ "nemotron_h", false, "NemotronHForCausalLM", "backbone.layers.",
	  "\"mlp_hidden_act\":\"relu2\"", nemotron_h_values, nemotron_h },
	{ "nemotron_h_moe", true, "NemotronHForCausalLM", "backbone.layers.",
	  "\"mlp_hidden_act\":\"relu2\"", nemotron_h_values, nemotron_h },
	{ "jamba", true, "JambaForCausalLM", M, SILU, jamba_values, jamba },
	{ "falcon-h1", false, "FalconH1ForCausalLM", M, SILU "," FALCON_H1, falcon_h1_values,
	  falcon_h1 },
	{ "qwen3next", false, "Qwen3NextForCausalLM", M,
	  SILU ",\"num_experts\":0,\"partial_rotary_factor\":1.0", delta_values, qwen3next },
	{ "qwen35", false, "Qwen3_5ForCausalLM", M,
	  SILU ",\"rope_parameters\":{\"partial_rotary_factor\":1}", delta_values, qwen35 },
	{ "qwen3next", true, "Qwen3NextForCausalLM", M,
	  SILU ",\"norm_topk_prob\":true,\"partial_rotary_factor\":1.0", delta_values,
	  qwen3next },
	{ "qwen35moe", true, "Qwen3_5MoeForCausalLM", M,
	  SILU ",\"rope_parameters\":{\"partial_rotary_factor\":1}", delta_values, qwen35 },
	{ "rwkv6", false, "Rwkv6ForCausalLM", "rwkv.blocks.", "\"a\":0", rwkv6_values, rwkv6 },
	{ "rwkv7", false, "RWKV7ForCausalLM", M, "\"hidden_act\":\"sqrelu\"", rwkv7_values, rwkv7 },
};

/* clang-format on */

const struct hf_class *hf_class_of(const char *arch, bool experts)
{
	size_t i;

	for (i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
		if (!strcmp(classes[i].arch, arch) && classes[i].experts == experts)
			return &classes[i];
	}
	return NULL;
}
