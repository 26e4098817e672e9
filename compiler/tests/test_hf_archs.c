// SPDX-License-Identifier: MIT
/*
 * Folders of all kinds of architectures as GGUF tensors and keys: names, shapes and every value,
 * against the index arithmetic of the papers' and converters' descriptions.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "compiler/frontends/source.h"
#include "compiler/tests/gguf_walk.h"
#include "compiler/tests/hf_fixture.h"

#define L "model.layers.0."

static void put_attention(uint64_t head)
{
	fx_put(L "self_attn.q_proj.weight", 2 * head, 8, 0);
	fx_put(L "self_attn.k_proj.weight", head, 8, 0);
	fx_put(L "self_attn.v_proj.weight", head, 8, 0);
	fx_put(L "self_attn.o_proj.weight", 8, 2 * head, 0);
	fx_put(L "input_layernorm.weight", 8, 0, 0);
	fx_put(L "post_attention_layernorm.weight", 8, 0, 0);
}

/* Experts [rows, cols] each to {cols, rows, experts}. */
static void stacked(const char *gguf, const char *pattern, size_t experts, int64_t rows,
		    int64_t cols)
{
	const float *got = fx_get(gguf, cols, rows, (int64_t)experts);
	size_t e, n = (size_t)(rows * cols);
	char name[128];

	for (e = 0; e < experts; e++) {
		const char *at = strchr(pattern, '#');

		snprintf(name, sizeof(name), "%.*s%zu%s", (int)(at - pattern), pattern, e, at + 1);
		fx_same(gguf, got + e * n, fx_src(name), n);
	}
}

static void put_experts(const char *pattern, size_t experts, uint64_t rows, uint64_t cols)
{
	const char *at = strchr(pattern, '#');
	char name[128];
	size_t e;

	for (e = 0; e < experts; e++) {
		snprintf(name, sizeof(name), "%.*s%zu%s", (int)(at - pattern), pattern, e, at + 1);
		fx_put(name, rows, cols, 0);
	}
}

static void test_mixtral(void **state)
{
	const float *got, *want;
	size_t r, c;

	(void)state;
	fx_put_globals();
	fx_put("lm_head.weight", 5, 8, 0);
	put_attention(4);
	fx_put(L "block_sparse_moe.gate.weight", 3, 8, 0);
	put_experts(L "block_sparse_moe.experts.#.w1.weight", 3, 6, 8);
	put_experts(L "block_sparse_moe.experts.#.w2.weight", 3, 8, 6);
	put_experts(L "block_sparse_moe.experts.#.w3.weight", 3, 6, 8);
	fx_open_folder("{\"architectures\":[\"MixtralForCausalLM\"]," FX_SIZES
		       "\"num_local_experts\":3,\"num_experts_per_tok\":2,\"rope_theta\":1e6}");
	fx_copied("token_embd.weight", "model.embed_tokens.weight", 8, 5);
	fx_copied("output.weight", "lm_head.weight", 8, 5);
	fx_copied("blk.0.attn_v.weight", L "self_attn.v_proj.weight", 8, 4);
	fx_copied("blk.0.ffn_gate_inp.weight", L "block_sparse_moe.gate.weight", 8, 3);
	stacked("blk.0.ffn_gate_exps.weight", L "block_sparse_moe.experts.#.w1.weight", 3, 6, 8);
	stacked("blk.0.ffn_down_exps.weight", L "block_sparse_moe.experts.#.w2.weight", 3, 8, 6);
	stacked("blk.0.ffn_up_exps.weight", L "block_sparse_moe.experts.#.w3.weight", 3, 6, 8);
	/* heads of 4: rows 0 1 2 3 are pairs (0, 2) and (1, 3) */
	got = fx_get("blk.0.attn_q.weight", 8, 8, 1);
	want = fx_src(L "self_attn.q_proj.weight");
	for (r = 0; r < 8; r++) {
		static const size_t from[] = { 0, 2, 1, 3 };

		for (c = 0; c < 8; c++)
			assert_true(got[r * 8 + c] == want[(r / 4 * 4 + from[r % 4]) * 8 + c]);
	}
	fx_key_u32("llama.expert_count", 3);
	fx_key_u32("llama.expert_used_count", 2);
	fx_key_u32("llama.rope.dimension_count", 4);
	fx_key_f32("llama.rope.freq_base", 1e6f);
	fx_key_f32("llama.attention.layer_norm_rms_epsilon", 1e-6f);
	fx_reset();
}

static void test_qwen2moe(void **state)
{
	(void)state;
	fx_put_globals();
	put_attention(4);
	fx_put(L "self_attn.q_proj.bias", 8, 0, 0);
	fx_put(L "self_attn.k_proj.bias", 4, 0, 0);
	fx_put(L "self_attn.v_proj.bias", 4, 0, 0);
	fx_put(L "mlp.gate.weight", 2, 8, 0);
	put_experts(L "mlp.experts.#.gate_proj.weight", 2, 3, 8);
	put_experts(L "mlp.experts.#.up_proj.weight", 2, 3, 8);
	put_experts(L "mlp.experts.#.down_proj.weight", 2, 8, 3);
	fx_put(L "mlp.shared_expert.gate_proj.weight", 7, 8, 0);
	fx_put(L "mlp.shared_expert.up_proj.weight", 7, 8, 0);
	fx_put(L "mlp.shared_expert.down_proj.weight", 8, 7, 0);
	fx_put(L "mlp.shared_expert_gate.weight", 1, 8, 0);
	fx_open_folder("{\"architectures\":[\"Qwen2MoeForCausalLM\"]," FX_SIZES
		       "\"num_experts\":2,\"num_experts_per_tok\":1,\"moe_intermediate_size\":3,"
		       "\"shared_expert_intermediate_size\":7,\"norm_topk_prob\":false,"
		       "\"tie_word_embeddings\":true}");
	fx_copied("blk.0.attn_q.weight", L "self_attn.q_proj.weight", 8, 8);
	fx_copied("blk.0.attn_q.bias", L "self_attn.q_proj.bias", 8, 1);
	stacked("blk.0.ffn_up_exps.weight", L "mlp.experts.#.up_proj.weight", 2, 3, 8);
	fx_copied("blk.0.ffn_down_shexp.weight", L "mlp.shared_expert.down_proj.weight", 7, 8);
	fx_copied("blk.0.ffn_gate_inp_shexp.weight", L "mlp.shared_expert_gate.weight", 8, 1);
	fx_key_u32("qwen2moe.expert_feed_forward_length", 3);
	fx_key_u32("qwen2moe.expert_shared_feed_forward_length", 7);
	fx_reset();
}

static void plus_1(const char *gguf, const char *hf, int64_t n)
{
	const float *got = fx_get(gguf, n, 1, 1), *want = fx_src(hf);
	int64_t i;

	for (i = 0; i < n; i++)
		assert_true(got[i] == want[i] + 1.0f);
}

static void test_gemma(void **state)
{
	(void)state;
	fx_put_globals();
	fx_put("lm_head.weight", 5, 8, 0);
	put_attention(6);
	fx_put(L "pre_feedforward_layernorm.weight", 8, 0, 0);
	fx_put(L "post_feedforward_layernorm.weight", 8, 0, 0);
	fx_put(L "mlp.gate_proj.weight", 6, 8, 0);
	fx_put(L "mlp.up_proj.weight", 6, 8, 0);
	fx_put(L "mlp.down_proj.weight", 8, 6, 0);
	fx_open_folder("{\"architectures\":[\"Gemma2ForCausalLM\"],\"max_position_embeddings\":64,"
		       "\"hidden_size\":8,\"num_hidden_layers\":1,\"intermediate_size\":6,"
		       "\"num_attention_heads\":2,\"num_key_value_heads\":1,\"vocab_size\":5,"
		       "\"rms_norm_eps\":1e-6,\"hidden_activation\":\"gelu_pytorch_tanh\","
		       "\"head_dim\":6,\"sliding_window\":4096,\"attn_logit_softcapping\":50.0,"
		       "\"final_logit_softcapping\":30.0}");
	fx_key_absent("gemma2.attention.scale");
	plus_1("output_norm.weight", "model.norm.weight", 8);
	plus_1("blk.0.attn_norm.weight", L "input_layernorm.weight", 8);
	plus_1("blk.0.post_attention_norm.weight", L "post_attention_layernorm.weight", 8);
	plus_1("blk.0.ffn_norm.weight", L "pre_feedforward_layernorm.weight", 8);
	plus_1("blk.0.post_ffw_norm.weight", L "post_feedforward_layernorm.weight", 8);
	fx_copied("blk.0.attn_q.weight", L "self_attn.q_proj.weight", 8, 12);
	assert_null(gguf_find_tensor(fx_file, "output.weight"));
	fx_key_u32("gemma2.attention.key_length", 6);
	fx_key_u32("gemma2.attention.sliding_window", 4096);
	fx_key_f32("gemma2.attn_logit_softcapping", 50);
	fx_key_f32("gemma2.final_logit_softcapping", 30);
	fx_reset();
	/* which layers have a window: said only where it is not every sixth that has none */
	fx_put_globals();
	fx_open_folder(
		"{\"architectures\":[\"Gemma3ForCausalLM\"],\"max_position_embeddings\":64,"
		"\"hidden_size\":8,\"num_hidden_layers\":7,\"intermediate_size\":6,"
		"\"num_attention_heads\":2,\"rms_norm_eps\":1e-6,\"rope_local_base_freq\":10000,"
		"\"query_pre_attn_scalar\":168,\"attn_logit_softcapping\":20,"
		"\"rope_scaling\":{\"rope_type\":\"linear\",\"factor\":8},\"layer_types\":["
		"\"sliding_attention\",\"sliding_attention\",\"sliding_attention\","
		"\"sliding_attention\",\"sliding_attention\",\"full_attention\","
		"\"sliding_attention\"]}");
	fx_key_absent("gemma3.attention.sliding_window_pattern");
	fx_key_f32("gemma3.rope.freq_base", 1e6f);
	fx_key_f32("gemma3.attention.scale", (float)(1 / sqrt(168)));
	fx_key_f32("gemma3.attn_logit_softcapping", 20);
	fx_key_f32("gemma3.rope.freq_base_swa", 1e4f);
	fx_key_f32("gemma3.rope.scaling.factor", 8);
	fx_reset();
	fx_put_globals();
	fx_open_folder("{\"architectures\":[\"Gemma3ForCausalLM\"],\"max_position_embeddings\":64,"
		       "\"hidden_size\":8,\"num_hidden_layers\":2,\"intermediate_size\":6,"
		       "\"num_attention_heads\":2,\"rms_norm_eps\":1e-6,"
		       "\"layer_types\":[\"full_attention\",\"sliding_attention\"]}");
	{
		uint32_t windowed[2] = { 7, 7 };

		assert_int_equal(gguf_get_u32_layers(fx_file,
						     "gemma3.attention.sliding_window_pattern", 2,
						     windowed, NULL),
				 0);
		assert_int_equal(windowed[0], 0);
		assert_int_equal(windowed[1], 1);
	}
	fx_reset();
}

static void neg_exp(const char *gguf, const char *hf, int64_t ne0, int64_t ne1)
{
	const float *got = fx_get(gguf, ne0, ne1, 1), *want = fx_src(hf);
	int64_t i;

	for (i = 0; i < ne0 * ne1; i++)
		assert_true(fabs((double)got[i] + exp((double)want[i])) < 1e-6);
}

#define M "backbone.layers.0.mixer."

static void test_mamba(void **state)
{
	(void)state;
	fx_put("backbone.embeddings.weight", 5, 8, 0);
	fx_put("backbone.norm_f.weight", 8, 0, 0);
	fx_put("backbone.layers.0.norm.weight", 8, 0, 0);
	fx_put(M "in_proj.weight", 32, 8, 0);
	fx_put(M "conv1d.weight", 16, 1, 4);
	fx_put(M "conv1d.bias", 16, 0, 0);
	fx_put(M "x_proj.weight", 7, 16, 0);
	fx_put(M "dt_proj.weight", 16, 1, 0);
	fx_put(M "dt_proj.bias", 16, 0, 0);
	fx_put(M "A_log", 16, 3, 0);
	fx_put(M "D", 16, 0, 0);
	fx_put(M "out_proj.weight", 8, 16, 0);
	fx_open_folder("{\"architectures\":[\"MambaForCausalLM\"],\"hidden_size\":8,"
		       "\"num_hidden_layers\":1,\"intermediate_size\":16,\"state_size\":3,"
		       "\"conv_kernel\":4,\"time_step_rank\":\"auto\",\"layer_norm_epsilon\":1e-5,"
		       "\"hidden_act\":\"silu\",\"use_conv_bias\":true,\"use_bias\":false}");
	fx_copied("blk.0.ssm_conv1d.weight", M "conv1d.weight", 4, 16);
	fx_copied("blk.0.ssm_conv1d.bias", M "conv1d.bias", 16, 1);
	fx_copied("blk.0.ssm_dt.weight", M "dt_proj.weight", 1, 16);
	fx_copied("blk.0.ssm_d", M "D", 16, 1);
	neg_exp("blk.0.ssm_a", M "A_log", 3, 16);
	fx_key_u32("mamba.ssm.inner_size", 16);
	fx_key_u32("mamba.ssm.time_step_rank", 1);
	fx_key_u32("mamba.context_length", 1048576);
	fx_key_u32("mamba.attention.head_count", 0);
	fx_reset();
	fx_put("backbone.embeddings.weight", 5, 8, 0);
	fx_put("backbone.norm_f.weight", 8, 0, 0);
	fx_put("backbone.layers.0.norm.weight", 8, 0, 0);
	fx_put(M "in_proj.weight", 46, 8, 0);
	fx_put(M "conv1d.weight", 28, 1, 4);
	fx_put(M "conv1d.bias", 28, 0, 0);
	fx_put(M "dt_bias", 4, 0, 0);
	fx_put(M "A_log", 4, 0, 0);
	fx_put(M "D", 4, 0, 0);
	fx_put(M "norm.weight", 16, 0, 0);
	fx_put(M "out_proj.weight", 8, 16, 0);
	fx_open_folder("{\"architectures\":[\"Mamba2ForCausalLM\"],\"hidden_size\":8,"
		       "\"num_hidden_layers\":1,\"num_heads\":4,\"head_dim\":4,\"state_size\":3,"
		       "\"n_groups\":2,\"conv_kernel\":4,\"layer_norm_epsilon\":1e-5}");
	neg_exp("blk.0.ssm_a", M "A_log", 1, 4);
	fx_copied("blk.0.ssm_d", M "D", 1, 4);
	fx_copied("blk.0.ssm_dt.bias", M "dt_bias", 4, 1);
	fx_copied("blk.0.ssm_norm.weight", M "norm.weight", 8, 2);
	fx_key_u32("mamba2.ssm.inner_size", 16);
	fx_key_u32("mamba2.ssm.group_count", 2);
	fx_key_u32("mamba2.ssm.time_step_rank", 4);
	fx_reset();
}

static void test_jamba(void **state)
{
	uint32_t kv[4] = { 9, 9, 9, 9 };

	(void)state;
	fx_put("model.embed_tokens.weight", 5, 8, 0);
	fx_put("model.final_layernorm.weight", 8, 0, 0);
	fx_put("model.layers.3.mamba.dt_layernorm.weight", 2, 0, 0);
	fx_put("model.layers.3.mamba.A_log", 16, 3, 0);
	fx_put("model.layers.3.feed_forward.router.weight", 2, 8, 0);
	put_experts("model.layers.3.feed_forward.experts.#.up_proj.weight", 2, 6, 8);
	fx_open_folder("{\"architectures\":[\"JambaForCausalLM\"],\"max_position_embeddings\":64,"
		       "\"hidden_size\":8,\"num_hidden_layers\":4,\"intermediate_size\":6,"
		       "\"num_attention_heads\":2,\"num_key_value_heads\":1,\"rms_norm_eps\":1e-6,"
		       "\"hidden_act\":\"silu\",\"num_experts\":2,\"num_experts_per_tok\":1,"
		       "\"attn_layer_period\":2,\"attn_layer_offset\":1,\"mamba_d_conv\":4,"
		       "\"mamba_d_state\":3,\"mamba_expand\":2,\"mamba_dt_rank\":2}");
	assert_int_equal(gguf_get_u32_layers(fx_file, "jamba.attention.head_count_kv", 4, kv, NULL),
			 0);
	assert_true(kv[0] == 0 && kv[1] == 1 && kv[2] == 0 && kv[3] == 1);
	neg_exp("blk.3.ssm_a", "model.layers.3.mamba.A_log", 3, 16);
	fx_copied("blk.3.ssm_dt_norm.weight", "model.layers.3.mamba.dt_layernorm.weight", 2, 1);
	stacked("blk.3.ffn_up_exps.weight", "model.layers.3.feed_forward.experts.#.up_proj.weight",
		2, 6, 8);
	fx_key_u32("jamba.ssm.inner_size", 16);
	fx_reset();
}

static void test_deepseek2(void **state)
{
	enum { NOPE = 3, V = 5, R = 4, H = 2 };
	struct source_left_out kinds[SOURCE_LEFT_OUT];
	const float *got, *want;
	size_t h, i, j;

	(void)state;
	fx_put_globals();
	fx_put(L "self_attn.q_a_proj.weight", 4, 8, 0);
	fx_put(L "self_attn.q_a_layernorm.weight", 4, 0, 0);
	fx_put(L "self_attn.q_b_proj.weight", H * (NOPE + 2), 4, 0);
	fx_put(L "self_attn.kv_a_proj_with_mqa.weight", R + 2, 8, 0);
	fx_put(L "self_attn.kv_a_layernorm.weight", R, 0, 0);
	fx_put(L "self_attn.kv_b_proj.weight", H * (NOPE + V), R, 0);
	fx_put(L "mlp.gate.weight", 2, 8, 0);
	fx_put(L "mlp.gate.e_score_correction_bias", 2, 0, 0);
	put_experts(L "mlp.experts.#.down_proj.weight", 2, 8, 3);
	fx_put(L "mlp.shared_experts.up_proj.weight", 3, 8, 0);
	fx_put("model.layers.1.enorm.weight", 8, 0, 0); /* of a layer that predicts further on */
	fx_open_folder(
		"{\"architectures\":[\"DeepseekV3ForCausalLM\"]," FX_SIZES
		"\"q_lora_rank\":4,\"kv_lora_rank\":4,\"qk_nope_head_dim\":3,"
		"\"qk_rope_head_dim\":2,\"v_head_dim\":5,\"first_k_dense_replace\":0,"
		"\"n_routed_experts\":2,\"num_experts_per_tok\":1,\"moe_intermediate_size\":3,"
		"\"n_shared_experts\":1,\"routed_scaling_factor\":2.5,\"norm_topk_prob\":true,"
		"\"scoring_func\":\"sigmoid\",\"n_group\":1,\"topk_group\":1,"
		"\"num_nextn_predict_layers\":1,\"rope_scaling\":{\"type\":\"yarn\",\"factor\":40,"
		"\"mscale\":1.0,\"mscale_all_dim\":1.0,\"beta_fast\":32,\"beta_slow\":1,"
		"\"original_max_position_embeddings\":4096}}");
	assert_int_equal(source_left_out(fx_file, kinds), 1);
	assert_int_equal(kinds[0].tensors, 1);
	want = fx_src(L "self_attn.kv_b_proj.weight");
	got = fx_get("blk.0.attn_k_b.weight", NOPE, R, H);
	for (h = 0; h < H; h++)
		for (j = 0; j < R; j++)
			for (i = 0; i < NOPE; i++)
				assert_true(got[(h * R + j) * NOPE + i] ==
					    want[(h * (NOPE + V) + i) * R + j]);
	got = fx_get("blk.0.attn_v_b.weight", R, V, H);
	for (h = 0; h < H; h++)
		fx_same("attn_v_b", got + h * V * R, want + (h * (NOPE + V) + NOPE) * R, V * R);
	fx_copied("blk.0.exp_probs_b.bias", L "mlp.gate.e_score_correction_bias", 2, 1);
	fx_copied("blk.0.attn_kv_a_mqa.weight", L "self_attn.kv_a_proj_with_mqa.weight", 8, R + 2);
	stacked("blk.0.ffn_down_exps.weight", L "mlp.experts.#.down_proj.weight", 2, 8, 3);
	assert_null(gguf_find_tensor(fx_file, "blk.1.attn_norm.weight"));
	fx_key_u32("deepseek2.attention.key_length", R + 2);
	fx_key_u32("deepseek2.attention.key_length_mla", NOPE + 2);
	fx_key_u32("deepseek2.attention.head_count_kv", 1);
	fx_key_u32("deepseek2.expert_gating_func", 2);
	fx_key_f32("deepseek2.expert_weights_scale", 2.5f);
	fx_key_f32("deepseek2.rope.scaling.yarn_log_multiplier", 0.1f);
	fx_reset();
}

static void test_granitemoe(void **state)
{
	const float *gate, *up, *want;
	size_t e;

	(void)state;
	fx_put_globals();
	put_attention(4);
	fx_put(L "block_sparse_moe.router.layer.weight", 2, 8, 0);
	fx_put(L "block_sparse_moe.input_linear.weight", 2, 6, 8);
	fx_put(L "block_sparse_moe.output_linear.weight", 2, 8, 3);
	fx_open_folder(
		"{\"architectures\":[\"GraniteMoeForCausalLM\"]," FX_SIZES
		"\"num_local_experts\":2,\"num_experts_per_tok\":1,\"embedding_multiplier\":12,"
		"\"attention_multiplier\":0.0625,\"residual_multiplier\":0.25,"
		"\"logits_scaling\":8.0}");
	want = fx_src(L "block_sparse_moe.input_linear.weight");
	gate = fx_get("blk.0.ffn_gate_exps.weight", 8, 3, 2);
	up = fx_get("blk.0.ffn_up_exps.weight", 8, 3, 2);
	for (e = 0; e < 2; e++) {
		fx_same("gate", gate + e * 24, want + e * 48, 24);
		fx_same("up", up + e * 24, want + e * 48 + 24, 24);
	}
	fx_same("down", fx_get("blk.0.ffn_down_exps.weight", 3, 8, 2),
		fx_src(L "block_sparse_moe.output_linear.weight"), 48);
	fx_key_f32("granitemoe.embedding_scale", 12);
	fx_key_f32("granitemoe.attention.scale", 0.0625f);
	fx_key_f32("granitemoe.logit_scale", 8);
	fx_reset();
}

#define HYBRID                                                                                \
	"\"embedding_multiplier\":12,\"attention_multiplier\":0.0625,"                        \
	"\"residual_multiplier\":0.25,\"logits_scaling\":8.0,\"shared_intermediate_size\":3," \
	"\"mamba_d_conv\":4,\"mamba_n_heads\":4,\"mamba_d_head\":4,\"mamba_d_state\":3,"      \
	"\"mamba_n_groups\":2,\"position_embedding_type\":\"nope\","                          \
	"\"layer_types\":[\"mamba\",\"attention\"],"

/* One class, with and without experts: the shared part is the feed-forward where there are none. */
static void test_granitehybrid(void **state)
{
	static const char sizes[] = "\"max_position_embeddings\":64,\"hidden_size\":8,"
				    "\"num_hidden_layers\":2,\"intermediate_size\":6,"
				    "\"num_attention_heads\":2,\"num_key_value_heads\":1,"
				    "\"rms_norm_eps\":1e-6,\"hidden_act\":\"silu\",";
	int experts;

	(void)state;
	for (experts = 0; experts < 2; experts++) {
		uint32_t kv[2] = { 9, 9 };
		char config[1024];
		const float *want;

		fx_put_globals();
		fx_put(L "mamba.A_log", 4, 0, 0);
		fx_put(L "mamba.norm.weight", 16, 0, 0);
		fx_put(L "shared_mlp.input_linear.weight", 6, 8, 0);
		fx_put(L "shared_mlp.output_linear.weight", 8, 3, 0);
		if (experts)
			fx_put(L "block_sparse_moe.input_linear.weight", 2, 6, 8);
		snprintf(config, sizeof(config),
			 "{\"architectures\":[\"GraniteMoeHybridForCausalLM\"],%s" HYBRID
			 "\"num_local_experts\":%d,\"num_experts_per_tok\":%d}",
			 sizes, 2 * experts, experts);
		fx_open_folder(config);
		want = fx_src(L "shared_mlp.input_linear.weight");
		fx_same("up",
			fx_get(experts ? "blk.0.ffn_up_shexp.weight" : "blk.0.ffn_up.weight", 8, 3,
			       1),
			want + 24, 24);
		fx_key_u32("granitehybrid.feed_forward_length", experts ? 6 : 3);
		assert_int_equal(gguf_get_u32_layers(fx_file,
						     "granitehybrid.attention.head_count_kv", 2, kv,
						     NULL),
				 0);
		assert_true(kv[0] == 0 && kv[1] == 1);
		fx_copied("blk.0.ssm_norm.weight", L "mamba.norm.weight", 8, 2);
		neg_exp("blk.0.ssm_a", L "mamba.A_log", 1, 4);
		fx_reset();
	}
}

static void put_under(const char *prefix, const char *name, uint64_t a, uint64_t b, uint64_t c)
{
	char full[128];

	snprintf(full, sizeof(full), "%s%s", prefix, name);
	fx_put(full, a, b, c);
}

static const float *src_under(const char *prefix, const char *name)
{
	char full[128];

	snprintf(full, sizeof(full), "%s%s", prefix, name);
	return fx_src(full);
}

/* As published there is nothing before the names. */
static void test_gpt2(void **state)
{
	static const char *const prefixes[] = { "transformer.", "" };
	const float *got, *want;
	size_t i, r, c;

	(void)state;
	for (i = 0; i < 2; i++) {
		const char *p = prefixes[i];

		put_under(p, "wte.weight", 5, 8, 0);
		put_under(p, "wpe.weight", 16, 8, 0);
		put_under(p, "ln_f.weight", 8, 0, 0);
		put_under(p, "ln_f.bias", 8, 0, 0);
		put_under(p, "h.0.attn.c_attn.weight", 8, 24, 0);
		put_under(p, "h.0.attn.c_attn.bias", 24, 0, 0);
		put_under(p, "h.0.attn.bias", 1, 1, 4); /* the mask */
		put_under(p, "h.0.attn.masked_bias", 1, 0, 0);
		fx_open_folder("{\"architectures\":[\"GPT2LMHeadModel\"],\"n_positions\":16,"
			       "\"n_embd\":8,\"n_layer\":1,\"n_head\":2,\"vocab_size\":5,"
			       "\"layer_norm_epsilon\":1e-5,\"n_inner\":null,"
			       "\"activation_function\":\"gelu_new\"}");
		got = fx_get("blk.0.attn_qkv.weight", 8, 24, 1);
		want = src_under(p, "h.0.attn.c_attn.weight");
		for (r = 0; r < 24; r++)
			for (c = 0; c < 8; c++)
				assert_true(got[r * 8 + c] == want[c * 24 + r]);
		fx_same("blk.0.attn_qkv.bias", fx_get("blk.0.attn_qkv.bias", 24, 1, 1),
			src_under(p, "h.0.attn.c_attn.bias"), 24);
		fx_same("token_embd.weight", fx_get("token_embd.weight", 8, 5, 1),
			src_under(p, "wte.weight"), 40);
		fx_same("position_embd.weight", fx_get("position_embd.weight", 8, 16, 1),
			src_under(p, "wpe.weight"), 128);
		fx_same("output_norm.bias", fx_get("output_norm.bias", 8, 1, 1),
			src_under(p, "ln_f.bias"), 8);
		fx_key_u32("gpt2.feed_forward_length", 32);
		fx_reset();
	}
	for (i = 0; i < 2; i++) {
		static const char *const flags[] = { "\"scale_attn_weights\":false",
						     "\"scale_attn_by_inverse_layer_idx\":true" };
		static const char *const says[] = {
			"scale_attn_weights: false, supported",
			"scale_attn_by_inverse_layer_idx: true, supported"
		};
		char config[512];

		snprintf(config, sizeof(config),
			 "{\"architectures\":[\"GPT2LMHeadModel\"],\"n_embd\":8,\"n_layer\":1,"
			 "\"n_head\":2,\"n_positions\":16,\"layer_norm_epsilon\":1e-5,"
			 "\"activation_function\":\"gelu_new\",%s}",
			 flags[i]);
		fx_put("wte.weight", 5, 8, 0);
		fx_refused(config, -ENOTSUP, says[i]);
	}
}

static float e2m1(unsigned int code)
{
	static const float v[] = { 0, 0.5f, 1, 1.5f, 2, 3, 4, 6 };

	return code & 8 ? -v[code & 7] : v[code & 7];
}

static void test_gpt_oss(void **state)
{
	enum { X = 2, ROWS = 6, COLS = 64, NB = COLS / 32 };
	static uint8_t blocks[X * ROWS * NB * 16], scales[X * ROWS * NB];
	const float *gate, *up, *bias;
	uint64_t rng = 3;
	size_t i, e, r, c;

	(void)state;
	for (i = 0; i < sizeof(blocks); i++)
		blocks[i] = (uint8_t)gguf_random(&rng);
	for (i = 0; i < sizeof(scales); i++)
		scales[i] = (uint8_t)(110 + gguf_random(&rng) % 20);
	fx_put_globals();
	fx_put(L "self_attn.sinks", 2, 0, 0);
	fx_put(L "post_attention_layernorm.weight", 8, 0, 0);
	fx_put(L "mlp.router.weight", 2, 8, 0);
	fx_put(L "mlp.router.bias", 2, 0, 0);
	fx_put(L "mlp.experts.gate_up_proj_bias", X, ROWS, 0);
	hf_tensor(&fx_folder, L "mlp.experts.gate_up_proj_blocks", "U8",
		  (uint64_t[]){ X, ROWS, NB, 16, 0 }, blocks, sizeof(blocks));
	hf_tensor(&fx_folder, L "mlp.experts.gate_up_proj_scales", "U8",
		  (uint64_t[]){ X, ROWS, NB, 0 }, scales, sizeof(scales));
	fx_open_folder(
		"{\"architectures\":[\"GptOssForCausalLM\"]," FX_SIZES
		"\"head_dim\":4,\"num_local_experts\":2,\"num_experts_per_tok\":1,"
		"\"sliding_window\":128,\"quantization_config\":{\"quant_method\":\"mxfp4\"},"
		"\"swiglu_limit\":7.0,\"rope_scaling\":{\"rope_type\":\"yarn\",\"factor\":32.0,"
		"\"beta_fast\":32.0,\"beta_slow\":1.0,\"truncate\":false,"
		"\"original_max_position_embeddings\":4096},"
		"\"layer_types\":[\"sliding_attention\"]}");
	gate = fx_get("blk.0.ffn_gate_exps.weight", COLS, ROWS / 2, X);
	up = fx_get("blk.0.ffn_up_exps.weight", COLS, ROWS / 2, X);
	for (e = 0; e < X; e++) {
		for (r = 0; r < ROWS; r++) {
			const float *got = (r % 2 ? up : gate) + (e * ROWS / 2 + r / 2) * COLS;

			for (c = 0; c < COLS; c++) {
				size_t b = (e * ROWS + r) * NB + c / 32;
				uint8_t byte = blocks[b * 16 + c % 32 / 2];
				float want = ldexpf(e2m1(c % 2 ? byte >> 4 : byte & 15),
						    scales[b] - 127);

				assert_true(got[c] == want);
			}
		}
	}
	bias = fx_src(L "mlp.experts.gate_up_proj_bias");
	gate = fx_get("blk.0.ffn_gate_exps.bias", 3, 2, 1);
	up = fx_get("blk.0.ffn_up_exps.bias", 3, 2, 1);
	for (e = 0; e < X; e++)
		for (r = 0; r < 3; r++)
			assert_true(gate[e * 3 + r] == bias[e * ROWS + 2 * r] &&
				    up[e * 3 + r] == bias[e * ROWS + 2 * r + 1]);
	fx_copied("blk.0.attn_sinks.weight", L "self_attn.sinks", 2, 1);
	fx_copied("blk.0.post_attention_norm.weight", L "post_attention_layernorm.weight", 8, 1);
	fx_key_u32("gpt-oss.expert_feed_forward_length", 6);
	fx_key_u32("gpt-oss.attention.sliding_window", 128);
	fx_key_u32("gpt-oss.rope.scaling.original_context_length", 4096);
	fx_reset();
}

/* As fine-tuned models are published: whole numbers, inputs as rows, gate and up in turn. */
static void test_gpt_oss_unpacked(void **state)
{
	enum { X = 2, F = 3, E = 8 };
	const float *gate, *up, *down, *both, *src;
	size_t e, r, c;

	(void)state;
	fx_put_globals();
	fx_put(L "mlp.experts.gate_up_proj", X, E, 2 * F);
	fx_put(L "mlp.experts.down_proj", X, F, E);
	fx_open_folder("{\"architectures\":[\"GptOssForCausalLM\"]," FX_SIZES
		       "\"head_dim\":4,\"num_local_experts\":2,\"num_experts_per_tok\":1}");
	both = fx_src(L "mlp.experts.gate_up_proj");
	src = fx_src(L "mlp.experts.down_proj");
	gate = fx_get("blk.0.ffn_gate_exps.weight", E, F, X);
	up = fx_get("blk.0.ffn_up_exps.weight", E, F, X);
	down = fx_get("blk.0.ffn_down_exps.weight", F, E, X);
	for (e = 0; e < X; e++) {
		for (r = 0; r < F; r++) {
			for (c = 0; c < E; c++) {
				const float *p = both + (e * E + c) * 2 * F + 2 * r;

				assert_true(gate[(e * F + r) * E + c] == p[0]);
				assert_true(up[(e * F + r) * E + c] == p[1]);
				assert_true(down[(e * E + c) * F + r] == src[(e * F + r) * E + c]);
			}
		}
	}
	fx_reset();
}

/* Factors that are no powers of two: one product after the other, each rounded to F32. */
static void test_falcon_h1(void **state)
{
	static const float parts[] = { 0.7f, 1.3f, 0.9f, 1.1f, 0.6f };
	const float *got, *want;
	size_t r, c, k;

	(void)state;
	fx_put("model.embed_tokens.weight", 5, 8, 0);
	fx_put("model.final_layernorm.weight", 8, 0, 0);
	fx_put(L "self_attn.k_proj.weight", 4, 8, 0);
	fx_put(L "mamba.in_proj.weight", 2 * 6 + 2 * 3 + 2, 8, 0);
	fx_put(L "feed_forward.down_proj.weight", 8, 6, 0);
	fx_put(L "pre_ff_layernorm.weight", 8, 0, 0);
	fx_open_folder(
		"{\"architectures\":[\"FalconH1ForCausalLM\"]," FX_SIZES
		"\"mamba_rms_norm\":true,\"mamba_norm_before_gate\":false,\"mamba_d_conv\":4,"
		"\"mamba_d_ssm\":6,\"mamba_d_state\":3,\"mamba_n_heads\":2,\"mamba_n_groups\":1,"
		"\"embedding_multiplier\":5.65,\"key_multiplier\":0.39,"
		"\"attention_in_multiplier\":1.1,\"ssm_in_multiplier\":0.35,"
		"\"mlp_multipliers\":[0.88,0.37],\"ssm_multipliers\":[0.7,1.3,0.9,1.1,0.6]}");
	got = fx_get("blk.0.attn_k.weight", 8, 4, 1);
	want = fx_src(L "self_attn.k_proj.weight");
	for (k = 0; k < 32; k++)
		assert_true(got[k] == want[k] * 0.39f * 1.1f);
	got = fx_get("blk.0.ffn_down.weight", 6, 8, 1);
	want = fx_src(L "feed_forward.down_proj.weight");
	for (k = 0; k < 48; k++)
		assert_true(got[k] == want[k] * 0.37f);
	got = fx_get("blk.0.ssm_in.weight", 8, 20, 1);
	want = fx_src(L "mamba.in_proj.weight");
	for (r = 0; r < 20; r++) {
		k = r < 6 ? 0 : r < 12 ? 1 : r < 15 ? 2 : r < 18 ? 3 : 4;
		for (c = 0; c < 8; c++)
			assert_true(got[r * 8 + c] == want[r * 8 + c] * 0.35f * parts[k]);
	}
	got = fx_get("token_embd.weight", 8, 5, 1);
	assert_true(got[3] == fx_src("model.embed_tokens.weight")[3] * 5.65f);
	fx_copied("blk.0.ffn_norm", L "pre_ff_layernorm.weight", 8, 1);
	fx_key_u32("falcon-h1.ssm.inner_size", 6);
	fx_reset();
}

/* The embedding's matrix as the output's has another factor. */
static void test_falcon_h1_tied(void **state)
{
	static const char *const lm_head[] = { "0.25", "8" };
	const float *got, *want;
	char config[1024];
	size_t i, k;

	(void)state;
	for (i = 0; i < 2; i++) {
		fx_put("model.embed_tokens.weight", 5, 8, 0);
		snprintf(config, sizeof(config),
			 "{\"architectures\":[\"FalconH1ForCausalLM\"]," FX_SIZES
			 "\"mamba_norm_before_gate\":false,\"mamba_d_conv\":4,\"mamba_d_ssm\":6,"
			 "\"mamba_d_state\":3,\"mamba_n_heads\":2,\"mamba_n_groups\":1,"
			 "\"tie_word_embeddings\":true,\"embedding_multiplier\":8,"
			 "\"lm_head_multiplier\":%s}",
			 lm_head[i]);
		fx_open_folder(config);
		want = fx_src("model.embed_tokens.weight");
		got = fx_get("token_embd.weight", 8, 5, 1);
		for (k = 0; k < 40; k++)
			assert_true(got[k] == want[k] * 8);
		if (i) {
			assert_null(gguf_find_tensor(fx_file, "output.weight"));
		} else {
			got = fx_get("output.weight", 8, 5, 1);
			for (k = 0; k < 40; k++)
				assert_true(got[k] == want[k] * 0.25f);
		}
		fx_reset();
	}
}

/* Heads of scores' scale, the rotated quarter of a head, layers that are not at the interval. */
static void test_qwen3next_keys(void **state)
{
	uint32_t linear[3] = { 9, 9, 9 };

	(void)state;
	fx_put_globals();
	fx_put("mtp.fc.weight", 8, 8, 0);
	fx_open_folder("{\"architectures\":[\"Qwen3NextForCausalLM\"],"
		       "\"max_position_embeddings\":64,\"hidden_size\":8,\"num_hidden_layers\":3,"
		       "\"intermediate_size\":6,\"num_attention_heads\":2,\"head_dim\":64,"
		       "\"rms_norm_eps\":1e-6,\"hidden_act\":\"silu\",\"num_experts\":0,"
		       "\"linear_conv_kernel_dim\":4,\"linear_key_head_dim\":3,"
		       "\"linear_value_head_dim\":5,\"linear_num_key_heads\":2,"
		       "\"linear_num_value_heads\":4,\"layer_types\":[\"full_attention\","
		       "\"linear_attention\",\"linear_attention\"]}");
	fx_key_u32("qwen3next.rope.dimension_count", 16);
	fx_key_u32("qwen3next.full_attention_interval", 4);
	fx_key_u32("qwen3next.ssm.inner_size", 20);
	fx_key_absent("qwen3next.expert_count");
	assert_int_equal(gguf_get_u32_layers(fx_file, "qwen3next.attention.recurrent_layers", 3,
					     linear, NULL),
			 0);
	assert_true(!linear[0] && linear[1] && linear[2]);
	fx_reset();
}

/* Ranks and lengths that the config leaves to the tensors. */
static void test_rwkv_keys(void **state)
{
	(void)state;
	fx_put("rwkv.embeddings.weight", 5, 32, 0);
	fx_put("rwkv.blocks.0.attention.time_maa_w1", 32, 5 * 3, 0);
	fx_put("rwkv.blocks.0.attention.time_decay_w1", 32, 7, 0);
	fx_open_folder("{\"architectures\":[\"Rwkv6ForCausalLM\"],\"hidden_size\":32,"
		       "\"num_hidden_layers\":1,\"intermediate_size\":null,\"head_size\":16,"
		       "\"layer_norm_epsilon\":1e-5,\"rescale_every\":6}");
	fx_key_u32("rwkv6.time_mix_extra_dim", 3);
	fx_key_u32("rwkv6.time_decay_extra_dim", 7);
	fx_key_u32("rwkv6.feed_forward_length", 96);
	fx_key_u32("rwkv6.context_length", 1048576);
	fx_reset();
}

/* Llama 3.1's own numbers: 8, from 1 to 4 of 8192 positions, base 500,000, heads of 128. */
static void test_llama3(void **state)
{
	const float *f;
	int i;

	(void)state;
	fx_put_globals();
	fx_open_folder("{\"architectures\":[\"LlamaForCausalLM\"]," FX_SIZES
		       "\"head_dim\":128,\"rope_theta\":500000.0,\"rope_scaling\":{\"factor\":8.0,"
		       "\"low_freq_factor\":1.0,\"high_freq_factor\":4.0,"
		       "\"original_max_position_embeddings\":8192,\"rope_type\":\"llama3\"}}");
	f = fx_get("rope_freqs.weight", 64, 1, 1);
	for (i = 0; i < 64; i++) {
		double wave = 6.283185307179586 * pow(500000.0, i / 64.0);
		double turns = 8192 / wave;

		/* four turns and more stay, less than one is divided, between them a blend */
		if (turns > 4)
			assert_true(f[i] == 1.0f);
		else if (turns < 1)
			assert_true(f[i] == 8.0f);
		else
			assert_true(fabs(1 / (double)f[i] - ((turns - 1) / 3 * 0.875 + 0.125)) <
				    1e-6);
	}
	assert_true(f[0] == 1 && f[63] == 8);
	fx_key_absent("llama.rope.scaling.type");
	fx_reset();
}

/* Two numbers of yarn are a factor of cosines and sines: GGUF's is beside 1 + 0.1 ln(factor). */
static void test_yarn_mscale(void **state)
{
	static const struct {
		const char *more;
		double attn; /* 0: no key */
	} cases[] = {
		{ "\"mscale\":1.0,\"mscale_all_dim\":1.0", 1 / (1 + 0.1 * M_LN2 * 4) },
		{ "\"mscale\":0.5,\"mscale_all_dim\":2",
		  (1 + 0.05 * M_LN2 * 4) / (1 + 0.2 * M_LN2 * 4) / (1 + 0.1 * M_LN2 * 4) },
		{ "\"mscale\":1.0", 0 },
		{ "\"mscale\":1.0,\"mscale_all_dim\":0", 0 },
		{ "\"mscale\":0.5,\"mscale_all_dim\":2,\"attention_factor\":1.5",
		  1.5 / (1 + 0.1 * M_LN2 * 4) },
	};
	char config[512];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fx_put_globals();
		snprintf(config, sizeof(config),
			 "{\"architectures\":[\"MistralForCausalLM\"]," FX_SIZES
			 "\"rope_parameters\":{\"rope_type\":\"yarn\",\"factor\":16,%s}}",
			 cases[i].more);
		fx_open_folder(config);
		if (cases[i].attn != 0)
			fx_key_f32("llama.rope.scaling.attn_factor", (float)cases[i].attn);
		else
			fx_key_absent("llama.rope.scaling.attn_factor");
		fx_reset();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mixtral),	       cmocka_unit_test(test_qwen2moe),
		cmocka_unit_test(test_gemma),	       cmocka_unit_test(test_mamba),
		cmocka_unit_test(test_jamba),	       cmocka_unit_test(test_deepseek2),
		cmocka_unit_test(test_granitemoe),     cmocka_unit_test(test_granitehybrid),
		cmocka_unit_test(test_gpt2),	       cmocka_unit_test(test_gpt_oss),
		cmocka_unit_test(test_llama3),	       cmocka_unit_test(test_gpt_oss_unpacked),
		cmocka_unit_test(test_falcon_h1),      cmocka_unit_test(test_qwen3next_keys),
		cmocka_unit_test(test_rwkv_keys),      cmocka_unit_test(test_yarn_mscale),
		cmocka_unit_test(test_falcon_h1_tied),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
