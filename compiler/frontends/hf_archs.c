// SPDX-License-Identifier: MIT
/* Tables of transformers; hf_archs.h says how they are read. */
#include "compiler/frontends/hf_tables.h"

/* clang-format off */

/* ---- keys ---- */

static const struct hf_key dense_keys[] = { SIZES, HEADS, RMS, FF, END };

/* rope.dimension_count: what the llama converter writes, and partial rotation. */
static const struct hf_key rope_dims[] = {
	{ "rope.dimension_count", "head_dim|hidden_size/num_attention_heads", HF_U32, true }, END
};

static const struct hf_key mistral_keys[] = {
	{ "rope.dimension_count", "head_dim|hidden_size/num_attention_heads", HF_U32, true },
	WINDOW,
	END
};

static const struct hf_key mixtral_keys[] = {
	{ "rope.dimension_count", "head_dim|hidden_size/num_attention_heads", HF_U32, true },
	EXPERTS("num_local_experts"),
	WINDOW,
	END
};

static const struct hf_key qwen2moe_keys[] = { EXPERTS("num_experts"),
					       EXPERT_FF,
					       { "expert_shared_feed_forward_length",
						 "shared_expert_intermediate_size", HF_U32, true },
					       END };

static const struct hf_key qwen3moe_keys[] = { EXPERTS("num_experts"), EXPERT_FF, END };

static const struct hf_key olmoe_keys[] = { EXPERTS("num_experts"), END };

static const struct hf_key olmo3_keys[] = { WINDOW, END };

static const struct hf_key granite_keys[] = { GRANITE, END };

static const struct hf_key granitemoe_keys[] = { GRANITE,
						 EXPERTS("num_local_experts"),
						 { "expert_shared_feed_forward_length",
						   "shared_intermediate_size", HF_U32, false },
						 END };

static const struct hf_key afmoe_keys[] = {
	EXPERTS("num_experts|num_local_experts"),
	EXPERT_FF,
	{ "leading_dense_block_count", "num_dense_layers", HF_U32, true },
	{ "expert_shared_count", "num_shared_experts", HF_U32, true },
	{ "expert_weights_scale", "route_scale", HF_F32, true },
	{ "expert_weights_norm", "route_norm", HF_BOOL, true },
	{ "expert_gating_func", "score_func", HF_GATING, false },
	{ "expert_group_count", "n_group", HF_U32, false },
	{ "expert_group_used_count", "topk_group", HF_U32, false },
	WINDOW,
	END
};

#define QUERY_SCALAR { "attention.scale", "query_pre_attn_scalar", HF_RSQRT, false }

static const struct hf_key gemma2_keys[] = {
	WINDOW,
	QUERY_SCALAR,
	{ "attn_logit_softcapping", "attn_logit_softcapping", HF_F32, false },
	{ "final_logit_softcapping", "final_logit_softcapping", HF_F32, false },
	END
};

static const struct hf_key gemma3_keys[] = {
	WINDOW,
	QUERY_SCALAR,
	{ "rope.freq_base_swa", "rope_local_base_freq|rope_parameters.sliding_attention.rope_theta",
	  HF_F32, false },
	{ "rope.freq_base", "rope_theta|rope_parameters.full_attention.rope_theta|1000000", HF_F32,
	  false },
	{ "attn_logit_softcapping", "attn_logit_softcapping", HF_F32, false },
	{ "final_logit_softcapping", "final_logit_softcapping", HF_F32, false },
	END
};

static const struct hf_key phi3_keys[] = {
	{ "rope.scaling.original_context_length",
	  "original_max_position_embeddings|rope_scaling.original_max_position_embeddings", HF_U32,
	  false },
	WINDOW,
	END
};

static const struct hf_key starcoder2_keys[] = {
	SIZES,	HEADS, FF, { "attention.layer_norm_epsilon", "norm_epsilon", HF_F32, true },
	WINDOW, END
};

static const struct hf_key gpt2_keys[] = {
	SIZES,
	{ "feed_forward_length", "n_inner|4*n_embd", HF_U32, true },
	{ "attention.head_count", "n_head", HF_U32, true },
	{ "attention.layer_norm_epsilon", "layer_norm_epsilon", HF_F32, true },
	END
};

static const struct hf_key openelm_keys[] = {
	{ "context_length", "max_context_length", HF_U32, true },
	{ "embedding_length", "model_dim", HF_U32, true },
	{ "block_count", "num_transformer_layers", HF_U32, true },
	{ "vocab_size", "vocab_size", HF_U32, false },
	{ "attention.key_length", "head_dim", HF_U32, true },
	{ "attention.value_length", "head_dim", HF_U32, true },
	{ "attention.layer_norm_rms_epsilon", "0.000001", HF_F32, true },
	{ "rope.dimension_count", "head_dim", HF_U32, true },
	{ "rope.freq_base", "rope_freq_constant", HF_F32, false },
	END
};

static const struct hf_key deepseek2_keys[] = {
	SIZES,
	RMS,
	FF,
	{ "attention.head_count", "num_attention_heads", HF_U32, true },
	{ "attention.head_count_kv", "1", HF_U32, true },
	{ "rope.freq_base", "rope_theta|rope_parameters.rope_theta", HF_F32, false },
	{ "attention.q_lora_rank", "q_lora_rank", HF_U32, false },
	{ "attention.kv_lora_rank", "kv_lora_rank", HF_U32, true },
	{ "attention.key_length", "kv_lora_rank+qk_rope_head_dim", HF_U32, true },
	{ "attention.value_length", "kv_lora_rank", HF_U32, true },
	{ "attention.key_length_mla", "qk_nope_head_dim+qk_rope_head_dim", HF_U32, true },
	{ "attention.value_length_mla", "v_head_dim", HF_U32, true },
	{ "rope.dimension_count", "qk_rope_head_dim", HF_U32, true },
	{ "leading_dense_block_count", "first_k_dense_replace", HF_U32, true },
	EXPERTS("n_routed_experts"),
	EXPERT_FF,
	{ "expert_shared_count", "n_shared_experts|0", HF_U32, true },
	{ "expert_weights_scale", "routed_scaling_factor|1", HF_F32, true },
	{ "expert_weights_norm", "norm_topk_prob|0", HF_BOOL, true },
	{ "expert_gating_func", "scoring_func", HF_GATING, false },
	{ "expert_group_count", "n_group", HF_U32, false },
	{ "expert_group_used_count", "topk_group", HF_U32, false },
	END
};

static const struct hf_key gptoss_keys[] = { EXPERTS("num_local_experts"),
					     { "expert_feed_forward_length", "intermediate_size",
					       HF_U32, true },
					     { "rope.dimension_count", "head_dim", HF_U32, true },
					     WINDOW,
					     END };

/* ---- demands ---- */

static const struct hf_demand llama_demands[] = { SILU, WHOLE_ROPE, END_DEMANDS };
static const struct hf_demand phi3_demands[] = { SILU, END_DEMANDS };
static const struct hf_demand qwen_demands[] = {
	SILU, WHOLE_ROPE, { "use_sliding_window", "false|-" }, END_DEMANDS
};
/* The router's weights: normalised or not is not in the GGUF file but in the architecture. */
static const struct hf_demand qwen2moe_demands[] = { SILU,
						     WHOLE_ROPE,
						     { "use_sliding_window", "false|-" },
						     { "norm_topk_prob", "false|-" },
						     { "decoder_sparse_step", "1|-" },
						     { "mlp_only_layers", "[]|-" },
						     END_DEMANDS };
static const struct hf_demand qwen3moe_demands[] = { SILU,
						     WHOLE_ROPE,
						     { "use_sliding_window", "false|-" },
						     { "norm_topk_prob", "true" },
						     { "decoder_sparse_step", "1|-" },
						     { "mlp_only_layers", "[]|-" },
						     END_DEMANDS };
static const struct hf_demand olmoe_demands[] = {
	SILU, WHOLE_ROPE, NO_CLIP, { "norm_topk_prob", "false|-" }, END_DEMANDS
};
static const struct hf_demand olmo2_demands[] = { SILU, WHOLE_ROPE, NO_CLIP, END_DEMANDS };
static const struct hf_demand afmoe_demands[] = { SILU,
						  WHOLE_ROPE,
						  { "mup_enabled", "true" },
						  { "global_attn_every_n_layers", "4|-" },
						  END_DEMANDS };
static const struct hf_demand gemma_demands[] = {
	{ "hidden_activation|hidden_act", "gelu_pytorch_tanh|gelu|-" },
	{ "use_bidirectional_attention", "false|-" },
	END_DEMANDS
};
static const struct hf_demand starcoder2_demands[] = { { "hidden_act", "gelu_pytorch_tanh" },
						       END_DEMANDS };
static const struct hf_demand gpt2_demands[] = { { "activation_function",
						   "gelu_new|gelu_pytorch_tanh" },
						 { "scale_attn_weights", "true|-" },
						 { "scale_attn_by_inverse_layer_idx", "false|-" },
						 END_DEMANDS };
static const struct hf_demand openelm_demands[] = { { "activation_fn_name", "swish" },
						    { "ffn_with_glu", "true" },
						    { "normalize_qk_projections", "true" },
						    { "normalization_layer_name", "rms_norm" },
						    END_DEMANDS };
static const struct hf_demand deepseek2_demands[] = { SILU,
						      { "moe_layer_freq", "1|-" },
						      /* groups by their best expert: not here */
						      { "topk_method", "greedy|noaux_tc|-" },
						      END_DEMANDS };
static const struct hf_demand gptoss_demands[] = { SILU,
						   { "swiglu_limit", "7|7.0|-" },
						   END_DEMANDS };

/* ---- tensors ---- */

static const struct hf_rule globals[] = { { "token_embd", "model.embed_tokens", HF_COPY, false },
					  { "output_norm", "model.norm", HF_COPY, false },
					  { "output", "lm_head", HF_COPY, false },
					  NO_RULE };

static const struct hf_rule gemma_globals[] = { { "token_embd", "model.embed_tokens", HF_COPY,
						  false },
						{ "output_norm", "model.norm", HF_PLUS1, false },
						{ "output", "lm_head", HF_COPY, false },
						NO_RULE };

static const struct hf_rule openelm_globals[] = {
	{ "token_embd", "transformer.token_embeddings", HF_COPY, false },
	{ "output_norm", "transformer.norm", HF_COPY, false },
	{ "output", "lm_head", HF_COPY, false },
	NO_RULE
};

#define GPT2_GLOBALS(prefix) { \
	{ "token_embd", prefix "wte", HF_COPY, false }, \
	{ "position_embd", prefix "wpe", HF_COPY, false }, \
	{ "output_norm", prefix "ln_f", HF_COPY, false }, \
	{ "output", "lm_head", HF_COPY, false }, \
	NO_RULE \
}

static const struct hf_rule gpt2_globals[] = GPT2_GLOBALS("transformer.");
static const struct hf_rule gpt2_bare_globals[] = GPT2_GLOBALS("");

static const struct hf_rule llama_layer[] = { PRE_NORMS, QKVO(HF_PERMUTE_Q, HF_PERMUTE_K), MLP,
					      NO_RULE };

static const struct hf_rule mixtral_layer[] = {
	{ "ffn_gate_inp", "block_sparse_moe.gate", HF_COPY, false },
	{ "ffn_gate_exps", "block_sparse_moe.experts.{e}.w1", HF_COPY, false },
	{ "ffn_down_exps", "block_sparse_moe.experts.{e}.w2", HF_COPY, false },
	{ "ffn_up_exps", "block_sparse_moe.experts.{e}.w3", HF_COPY, false },
	NO_RULE
};

static const struct hf_rule qwen_layer[] = { PRE_NORMS, QKVO(HF_COPY, HF_COPY), QK_NORMS(HF_COPY),
					     MLP, NO_RULE };

static const struct hf_rule moe_layer[] = {
	MLP_EXPERTS,
	{ "ffn_gate_shexp", "mlp.shared_expert.gate_proj", HF_COPY, false },
	{ "ffn_up_shexp", "mlp.shared_expert.up_proj", HF_COPY, false },
	{ "ffn_down_shexp", "mlp.shared_expert.down_proj", HF_COPY, false },
	{ "ffn_gate_inp_shexp", "mlp.shared_expert_gate", HF_COPY, false },
	NO_RULE
};

/* Matrices of all experts in one tensor, the inputs as rows. */
static const struct hf_rule vl_moe_layer[] = {
	{ "ffn_gate_inp", "mlp.gate", HF_COPY, false },
	{ "ffn_gate_exps.weight", "mlp.experts.gate_up_proj", HF_TRANSPOSE_HALF_0, true },
	{ "ffn_up_exps.weight", "mlp.experts.gate_up_proj", HF_TRANSPOSE_HALF_1, true },
	{ "ffn_down_exps.weight", "mlp.experts.down_proj", HF_TRANSPOSE, true },
	NO_RULE
};

static const struct hf_rule olmo2_layer[] = {
	{ "post_attention_norm", "post_attention_layernorm", HF_COPY, false },
	{ "post_ffw_norm", "post_feedforward_layernorm", HF_COPY, false },
	QKVO(HF_COPY, HF_COPY),
	QK_NORMS(HF_COPY),
	MLP,
	NO_RULE
};

static const struct hf_rule granitemoe_layer[] = {
	PRE_NORMS,
	QKVO(HF_PERMUTE_Q, HF_PERMUTE_K),
	GRANITE_EXPERTS,
	NO_RULE
};

static const struct hf_rule afmoe_layer[] = {
	{ "attn_norm", "input_layernorm", HF_COPY, false },
	{ "post_attention_norm", "post_attention_layernorm", HF_COPY, false },
	{ "ffn_norm", "pre_mlp_layernorm", HF_COPY, false },
	{ "post_ffw_norm", "post_mlp_layernorm", HF_COPY, false },
	QKVO(HF_COPY, HF_COPY),
	QK_NORMS(HF_COPY),
	{ "attn_gate", "self_attn.gate_proj", HF_COPY, false },
	MLP,
	{ "ffn_gate_inp", "mlp.router.gate", HF_COPY, false },
	{ "exp_probs_b.bias", "mlp.expert_bias", HF_COPY, true },
	{ "ffn_gate_exps", "mlp.experts.{e}.gate_proj", HF_COPY, false },
	{ "ffn_up_exps", "mlp.experts.{e}.up_proj", HF_COPY, false },
	{ "ffn_down_exps", "mlp.experts.{e}.down_proj", HF_COPY, false },
	{ "ffn_gate_shexp", "mlp.shared_experts.gate_proj", HF_COPY, false },
	{ "ffn_up_shexp", "mlp.shared_experts.up_proj", HF_COPY, false },
	{ "ffn_down_shexp", "mlp.shared_experts.down_proj", HF_COPY, false },
	NO_RULE
};

static const struct hf_rule gemma_layer[] = { { "attn_norm", "input_layernorm", HF_PLUS1, false },
					      { "ffn_norm", "post_attention_layernorm", HF_PLUS1,
						false },
					      QKVO(HF_COPY, HF_COPY),
					      MLP,
					      NO_RULE };

static const struct hf_rule gemma2_layer[] = {
	{ "attn_norm", "input_layernorm", HF_PLUS1, false },
	{ "post_attention_norm", "post_attention_layernorm", HF_PLUS1, false },
	{ "ffn_norm", "pre_feedforward_layernorm", HF_PLUS1, false },
	{ "post_ffw_norm", "post_feedforward_layernorm", HF_PLUS1, false },
	QKVO(HF_COPY, HF_COPY),
	QK_NORMS(HF_PLUS1),
	MLP,
	NO_RULE
};

static const struct hf_rule phi3_layer[] = { PRE_NORMS,
					     { "attn_qkv", "self_attn.qkv_proj", HF_COPY, false },
					     { "attn_output", "self_attn.o_proj", HF_COPY, false },
					     { "ffn_up", "mlp.gate_up_proj", HF_COPY, false },
					     { "ffn_down", "mlp.down_proj", HF_COPY, false },
					     NO_RULE };

static const struct hf_rule starcoder2_layer[] = { PRE_NORMS,
						   QKVO(HF_COPY, HF_COPY),
						   { "ffn_up", "mlp.c_fc", HF_COPY, false },
						   { "ffn_down", "mlp.c_proj", HF_COPY, false },
						   NO_RULE };

static const struct hf_rule openelm_layer[] = {
	{ "attn_norm", "attn_norm", HF_COPY, false },
	{ "ffn_norm", "ffn_norm", HF_COPY, false },
	{ "attn_qkv", "attn.qkv_proj", HF_COPY, false },
	{ "attn_q_norm", "attn.q_norm", HF_COPY, false },
	{ "attn_k_norm", "attn.k_norm", HF_COPY, false },
	{ "attn_output", "attn.out_proj", HF_COPY, false },
	{ "ffn_gate", "ffn.proj_1", HF_HALF_0, false },
	{ "ffn_up", "ffn.proj_1", HF_HALF_1, false },
	{ "ffn_down", "ffn.proj_2", HF_COPY, false },
	NO_RULE
};

/* Its matrices are stored with the inputs as rows. */
static const struct hf_rule gpt2_layer[] = {
	{ "attn_norm", "ln_1", HF_COPY, false },
	{ "ffn_norm", "ln_2", HF_COPY, false },
	{ "attn_qkv.weight", "attn.c_attn.weight", HF_TRANSPOSE, true },
	{ "attn_qkv.bias", "attn.c_attn.bias", HF_COPY, true },
	{ "attn_output.weight", "attn.c_proj.weight", HF_TRANSPOSE, true },
	{ "attn_output.bias", "attn.c_proj.bias", HF_COPY, true },
	{ "ffn_up.weight", "mlp.c_fc.weight", HF_TRANSPOSE, true },
	{ "ffn_up.bias", "mlp.c_fc.bias", HF_COPY, true },
	{ "ffn_down.weight", "mlp.c_proj.weight", HF_TRANSPOSE, true },
	{ "ffn_down.bias", "mlp.c_proj.bias", HF_COPY, true },
	NO_RULE
};

static const struct hf_rule deepseek2_layer[] = {
	PRE_NORMS,
	{ "attn_q", "self_attn.q_proj", HF_COPY, false },
	{ "attn_q_a", "self_attn.q_a_proj", HF_COPY, false },
	{ "attn_q_a_norm", "self_attn.q_a_layernorm", HF_COPY, false },
	{ "attn_q_b", "self_attn.q_b_proj", HF_COPY, false },
	{ "attn_kv_a_mqa", "self_attn.kv_a_proj_with_mqa", HF_COPY, false },
	{ "attn_kv_a_norm", "self_attn.kv_a_layernorm", HF_COPY, false },
	{ "attn_k_b.weight", "self_attn.kv_b_proj.weight", HF_KV_B_K, true },
	{ "attn_v_b.weight", "self_attn.kv_b_proj.weight", HF_KV_B_V, true },
	{ "attn_output", "self_attn.o_proj", HF_COPY, false },
	MLP,
	MLP_EXPERTS,
	{ "exp_probs_b.bias", "mlp.gate.e_score_correction_bias", HF_COPY, true },
	{ "ffn_gate_shexp", "mlp.shared_experts.gate_proj", HF_COPY, false },
	{ "ffn_up_shexp", "mlp.shared_experts.up_proj", HF_COPY, false },
	{ "ffn_down_shexp", "mlp.shared_experts.down_proj", HF_COPY, false },
	NO_RULE
};

static const struct hf_rule gptoss_layer[] = {
	{ "attn_norm", "input_layernorm", HF_COPY, false },
	{ "post_attention_norm", "post_attention_layernorm", HF_COPY, false },
	QKVO(HF_COPY, HF_COPY),
	{ "attn_sinks.weight", "self_attn.sinks", HF_COPY, true },
	{ "ffn_gate_inp", "mlp.router", HF_COPY, false },
	{ "ffn_gate_exps.weight", "mlp.experts.gate_up_proj", HF_MXFP4_EVEN, true },
	{ "ffn_up_exps.weight", "mlp.experts.gate_up_proj", HF_MXFP4_ODD, true },
	{ "ffn_down_exps.weight", "mlp.experts.down_proj", HF_MXFP4, true },
	{ "ffn_gate_exps.weight", "mlp.experts.gate_up_proj", HF_TRANSPOSE_EVEN, true },
	{ "ffn_up_exps.weight", "mlp.experts.gate_up_proj", HF_TRANSPOSE_ODD, true },
	{ "ffn_down_exps.weight", "mlp.experts.down_proj", HF_TRANSPOSE, true },
	{ "ffn_gate_exps.bias", "mlp.experts.gate_up_proj_bias", HF_EVEN, true },
	{ "ffn_up_exps.bias", "mlp.experts.gate_up_proj_bias", HF_ODD, true },
	{ "ffn_down_exps.bias", "mlp.experts.down_proj_bias", HF_COPY, true },
	NO_RULE
};

/* ---- classes ---- */

static const struct hf_arch transformers[] = {
	{ "LlamaForCausalLM", "llama", MODEL, NULL, 0, 0, dense_keys, rope_dims, llama_demands,
	  globals, llama_layer, NULL },
	{ "MistralForCausalLM", "llama", MODEL, NULL, 0, 0, dense_keys, mistral_keys,
	  llama_demands, globals, llama_layer, NULL },
	{ "MixtralForCausalLM", "llama", MODEL, "num_local_experts", 0, 0, dense_keys, mixtral_keys,
	  llama_demands, globals, llama_layer, mixtral_layer },
	{ "Qwen2ForCausalLM", "qwen2", MODEL, NULL, 0, 0, dense_keys, NULL, qwen_demands, globals,
	  qwen_layer, NULL },
	{ "Qwen3ForCausalLM", "qwen3", MODEL, NULL, 0, 0, dense_keys, NULL, qwen_demands, globals,
	  qwen_layer, NULL },
	{ "Qwen2MoeForCausalLM", "qwen2moe", MODEL, "num_experts", 0, 0, dense_keys, qwen2moe_keys,
	  qwen2moe_demands, globals, qwen_layer, moe_layer },
	{ "Qwen3MoeForCausalLM", "qwen3moe", MODEL, "num_experts", 0, 0, dense_keys, qwen3moe_keys,
	  qwen3moe_demands, globals, qwen_layer, moe_layer },
	/* the text part: hf_text.c */
	{ "Qwen3VLMoeTextModel", "qwen3moe", MODEL, "num_experts", 0, 0, dense_keys, qwen3moe_keys,
	  qwen3moe_demands, globals, qwen_layer, vl_moe_layer },
	{ "OlmoeForCausalLM", "olmoe", MODEL, "num_experts", 0, 0, dense_keys, olmoe_keys,
	  olmoe_demands, globals, qwen_layer, moe_layer },
	{ "Olmo2ForCausalLM", "olmo2", MODEL, NULL, 0, 0, dense_keys, NULL, olmo2_demands, globals,
	  olmo2_layer, NULL },
	{ "Olmo3ForCausalLM", "olmo2", MODEL, NULL, 4, 0, dense_keys, olmo3_keys, olmo2_demands,
	  globals, olmo2_layer, NULL },
	{ "GraniteForCausalLM", "granite", MODEL, NULL, 0, 0, dense_keys, granite_keys,
	  llama_demands, globals, llama_layer, NULL },
	{ "GraniteMoeForCausalLM|GraniteMoeSharedForCausalLM", "granitemoe", MODEL,
	  "num_local_experts", 0, 0, dense_keys, granitemoe_keys, llama_demands, globals,
	  granitemoe_layer, NULL },
	{ "AfmoeForCausalLM", "afmoe", MODEL, "num_experts|num_local_experts", 4, 0, dense_keys,
	  afmoe_keys, afmoe_demands, globals, afmoe_layer, NULL },
	{ "GemmaForCausalLM", "gemma", MODEL, NULL, 0, HF_TIED, dense_keys, NULL, gemma_demands,
	  gemma_globals, gemma_layer, NULL },
	{ "Gemma2ForCausalLM", "gemma2", MODEL, NULL, 2, HF_TIED, dense_keys, gemma2_keys,
	  gemma_demands, gemma_globals, gemma2_layer, NULL },
	{ "Gemma3ForCausalLM|Gemma3TextModel", "gemma3", MODEL, NULL, 6, HF_TIED, dense_keys,
	  gemma3_keys, gemma_demands, gemma_globals, gemma2_layer, NULL },
	{ "Phi3ForCausalLM", "phi3", MODEL, NULL, 0, HF_PART_ROPE | HF_LONG_ROPE,
	  dense_keys, phi3_keys,
	  phi3_demands, globals, phi3_layer, NULL },
	{ "Starcoder2ForCausalLM", "starcoder2", MODEL, NULL, 0, 0, starcoder2_keys, NULL,
	  starcoder2_demands, globals, starcoder2_layer, NULL },
	{ "OpenELMForCausalLM", "openelm", "transformer.layers.", NULL, 0, HF_NO_ROPE | HF_LISTS,
	  openelm_keys, NULL, openelm_demands, openelm_globals, openelm_layer, NULL },
	{ "GPT2LMHeadModel", "gpt2", "transformer.h.", NULL, 0, HF_NO_ROPE, gpt2_keys, NULL,
	  gpt2_demands, gpt2_globals, gpt2_layer, NULL },
	{ "GPT2LMHeadModel", "gpt2", "h.", NULL, 0, HF_NO_ROPE | HF_BARE, gpt2_keys, NULL,
	  gpt2_demands, gpt2_bare_globals, gpt2_layer, NULL },
	{ "DeepseekV2ForCausalLM|DeepseekV3ForCausalLM", "deepseek2", MODEL, "n_routed_experts", 0,
	  HF_DROP_MTP | HF_YARN_MSCALE, deepseek2_keys, NULL, deepseek2_demands, globals,
	  deepseek2_layer, NULL },
	{ "GptOssForCausalLM", "gpt-oss", MODEL, NULL, 2, HF_MXFP4_OK, dense_keys, gptoss_keys,
	  gptoss_demands, globals, gptoss_layer, NULL },
};
#define N_TRANSFORMERS (sizeof(transformers) / sizeof(transformers[0]))

const struct hf_arch *hf_arch_at(size_t i)
{
	if (i < N_TRANSFORMERS)
		return &transformers[i];
	i -= N_TRANSFORMERS;
	return i < hf_n_recurrent ? &hf_recurrent[i] : NULL;
}

const char *const hf_ignored[] = {
	".rotary_emb.inv_freq",
	".attn.bias", /* gpt2: the causal mask */
	".attn.masked_bias",
};
const size_t hf_n_ignored = sizeof(hf_ignored) / sizeof(hf_ignored[0]);
