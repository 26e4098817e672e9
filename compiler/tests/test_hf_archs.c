// SPDX-License-Identifier: MIT
/*
 * Folders of all kinds of architectures as GGUF tensors and keys: names, shapes and every value,
 * against the index arithmetic of the papers' and converters' descriptions. Also what is refused.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/frontends/hf.h"
#include "compiler/quant/ggml_types.h"
#include "compiler/quant/half.h"
#include "compiler/tests/gguf_walk.h"
#include "compiler/tests/hf_writer.h"

#define MAX_SOURCES 64

/* The folder that a test makes, and what it put in. */
static struct hf_folder folder;
static struct source {
	char name[128];
	float *v;
	size_t n;
} sources[MAX_SOURCES];
static size_t n_sources;
static struct gguf_file *file;
static float *loaded[MAX_SOURCES];
static size_t n_loaded;

static void reset(void)
{
	hf_folder_free(&folder);
	gguf_close(file);
	file = NULL;
	while (n_sources)
		free(sources[--n_sources].v);
	while (n_loaded)
		free(loaded[--n_loaded]);
}

/* An F32 tensor of small numbers that are all different; shape in PyTorch's order, 0 ends it. */
static void put(const char *name, uint64_t a, uint64_t b, uint64_t c)
{
	uint64_t shape[4] = { a, b, b ? c : 0, 0 };
	size_t n = a * (b ? b : 1) * (b && c ? c : 1), i;
	struct source *s = &sources[n_sources++];

	assert_true(n_sources <= MAX_SOURCES);
	snprintf(s->name, sizeof(s->name), "%s", name);
	s->n = n;
	s->v = malloc(n * sizeof(*s->v));
	assert_non_null(s->v);
	for (i = 0; i < n; i++)
		s->v[i] = (float)n_sources * 0.01f + (float)i * 0x1p-12f;
	hf_tensor(&folder, name, "F32", shape, s->v, n * sizeof(*s->v));
}

static const float *src(const char *name)
{
	size_t i;

	for (i = 0; i < n_sources; i++) {
		if (!strcmp(sources[i].name, name))
			return sources[i].v;
	}
	fail_msg("no source %s", name);
	return NULL;
}

static void open_folder(const char *config)
{
	struct gguf_error err = { 0 };

	hf_put_text(&folder, "config.json", config);
	hf_finish_file(&folder, "model.safetensors");
	if (hf_open_files(folder.file, folder.n, &file, &err))
		fail_msg("%s", err.msg);
	gguf_walk(file);
}

/* All values of a GGUF tensor of that shape, read row by row. */
static const float *get(const char *name, int64_t ne0, int64_t ne1, int64_t ne2)
{
	const struct gguf_tensor *t = gguf_find_tensor(file, name);
	uint64_t row, rows;
	uint8_t *buf;
	float *v;

	if (!t)
		fail_msg("no tensor %s", name);
	if (t->ne[0] != ne0 || t->ne[1] != ne1 || t->ne[2] != ne2)
		fail_msg("%s: %lld x %lld x %lld", name, (long long)t->ne[0], (long long)t->ne[1],
			 (long long)t->ne[2]);
	rows = t->elements / (uint64_t)ne0;
	buf = malloc(t->size / rows);
	v = malloc(t->elements * sizeof(*v));
	assert_true(buf && v && n_loaded < MAX_SOURCES);
	for (row = 0; row < rows; row++)
		assert_int_equal(ggml_dequantize_row(t->type, gguf_tensor_row(t, row, buf),
						     v + row * (uint64_t)ne0, ne0),
				 0);
	free(buf);
	loaded[n_loaded++] = v;
	return v;
}

static void same(const char *name, const float *got, const float *want, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (got[i] != want[i])
			fail_msg("%s: element %zu is %g, expected %g", name, i, (double)got[i],
				 (double)want[i]);
	}
}

static void copied(const char *gguf, const char *hf, int64_t ne0, int64_t ne1)
{
	same(gguf, get(gguf, ne0, ne1, 1), src(hf), (size_t)(ne0 * ne1));
}

static void key_u32(const char *key, uint32_t want)
{
	uint32_t v = ~want;

	if (gguf_get_u32(file, key, &v, NULL) || v != want)
		fail_msg("key %s: %u, expected %u", key, v, want);
}

static void key_f32(const char *key, float want)
{
	float v = -1;

	if (gguf_get_f32(file, key, &v, NULL) || v != want)
		fail_msg("key %s: %g, expected %g", key, (double)v, (double)want);
}

static void key_absent(const char *key)
{
	if (gguf_find_kv(file, key))
		fail_msg("key %s is there", key);
}

#define SIZES                                                                          \
	"\"max_position_embeddings\":64,\"hidden_size\":8,\"num_hidden_layers\":1,"    \
	"\"intermediate_size\":6,\"num_attention_heads\":2,\"num_key_value_heads\":1," \
	"\"vocab_size\":5,\"rms_norm_eps\":1e-6,\"hidden_act\":\"silu\","
#define L "model.layers.0."

static void put_globals(void)
{
	put("model.embed_tokens.weight", 5, 8, 0);
	put("model.norm.weight", 8, 0, 0);
}

static void put_attention(uint64_t head)
{
	put(L "self_attn.q_proj.weight", 2 * head, 8, 0);
	put(L "self_attn.k_proj.weight", head, 8, 0);
	put(L "self_attn.v_proj.weight", head, 8, 0);
	put(L "self_attn.o_proj.weight", 8, 2 * head, 0);
	put(L "input_layernorm.weight", 8, 0, 0);
	put(L "post_attention_layernorm.weight", 8, 0, 0);
}

/* Experts [rows, cols] each to {cols, rows, experts}. */
static void stacked(const char *gguf, const char *pattern, size_t experts, int64_t rows,
		    int64_t cols)
{
	const float *got = get(gguf, cols, rows, (int64_t)experts);
	size_t e, n = (size_t)(rows * cols);
	char name[128];

	for (e = 0; e < experts; e++) {
		const char *at = strchr(pattern, '#');

		snprintf(name, sizeof(name), "%.*s%zu%s", (int)(at - pattern), pattern, e, at + 1);
		same(gguf, got + e * n, src(name), n);
	}
}

static void put_experts(const char *pattern, size_t experts, uint64_t rows, uint64_t cols)
{
	const char *at = strchr(pattern, '#');
	char name[128];
	size_t e;

	for (e = 0; e < experts; e++) {
		snprintf(name, sizeof(name), "%.*s%zu%s", (int)(at - pattern), pattern, e, at + 1);
		put(name, rows, cols, 0);
	}
}

static void test_mixtral(void **state)
{
	const float *got, *want;
	size_t r, c;

	(void)state;
	put_globals();
	put("lm_head.weight", 5, 8, 0);
	put_attention(4);
	put(L "block_sparse_moe.gate.weight", 3, 8, 0);
	put_experts(L "block_sparse_moe.experts.#.w1.weight", 3, 6, 8);
	put_experts(L "block_sparse_moe.experts.#.w2.weight", 3, 8, 6);
	put_experts(L "block_sparse_moe.experts.#.w3.weight", 3, 6, 8);
	open_folder("{\"architectures\":[\"MixtralForCausalLM\"]," SIZES
		    "\"num_local_experts\":3,\"num_experts_per_tok\":2,\"rope_theta\":1e6}");
	copied("token_embd.weight", "model.embed_tokens.weight", 8, 5);
	copied("output.weight", "lm_head.weight", 8, 5);
	copied("blk.0.attn_v.weight", L "self_attn.v_proj.weight", 8, 4);
	copied("blk.0.ffn_gate_inp.weight", L "block_sparse_moe.gate.weight", 8, 3);
	stacked("blk.0.ffn_gate_exps.weight", L "block_sparse_moe.experts.#.w1.weight", 3, 6, 8);
	stacked("blk.0.ffn_down_exps.weight", L "block_sparse_moe.experts.#.w2.weight", 3, 8, 6);
	stacked("blk.0.ffn_up_exps.weight", L "block_sparse_moe.experts.#.w3.weight", 3, 6, 8);
	/* heads of 4: rows 0 1 2 3 are pairs (0, 2) and (1, 3) */
	got = get("blk.0.attn_q.weight", 8, 8, 1);
	want = src(L "self_attn.q_proj.weight");
	for (r = 0; r < 8; r++) {
		static const size_t from[] = { 0, 2, 1, 3 };

		for (c = 0; c < 8; c++)
			assert_true(got[r * 8 + c] == want[(r / 4 * 4 + from[r % 4]) * 8 + c]);
	}
	key_u32("llama.expert_count", 3);
	key_u32("llama.expert_used_count", 2);
	key_u32("llama.rope.dimension_count", 4);
	key_f32("llama.rope.freq_base", 1e6f);
	key_f32("llama.attention.layer_norm_rms_epsilon", 1e-6f);
	reset();
}

static void test_qwen2moe(void **state)
{
	(void)state;
	put_globals();
	put_attention(4);
	put(L "self_attn.q_proj.bias", 8, 0, 0);
	put(L "mlp.gate.weight", 2, 8, 0);
	put_experts(L "mlp.experts.#.gate_proj.weight", 2, 3, 8);
	put_experts(L "mlp.experts.#.up_proj.weight", 2, 3, 8);
	put_experts(L "mlp.experts.#.down_proj.weight", 2, 8, 3);
	put(L "mlp.shared_expert.gate_proj.weight", 7, 8, 0);
	put(L "mlp.shared_expert.up_proj.weight", 7, 8, 0);
	put(L "mlp.shared_expert.down_proj.weight", 8, 7, 0);
	put(L "mlp.shared_expert_gate.weight", 1, 8, 0);
	open_folder("{\"architectures\":[\"Qwen2MoeForCausalLM\"]," SIZES
		    "\"num_experts\":2,\"num_experts_per_tok\":1,\"moe_intermediate_size\":3,"
		    "\"shared_expert_intermediate_size\":7,\"norm_topk_prob\":false,"
		    "\"tie_word_embeddings\":true}");
	copied("blk.0.attn_q.weight", L "self_attn.q_proj.weight", 8, 8);
	copied("blk.0.attn_q.bias", L "self_attn.q_proj.bias", 8, 1);
	stacked("blk.0.ffn_up_exps.weight", L "mlp.experts.#.up_proj.weight", 2, 3, 8);
	copied("blk.0.ffn_down_shexp.weight", L "mlp.shared_expert.down_proj.weight", 7, 8);
	copied("blk.0.ffn_gate_inp_shexp.weight", L "mlp.shared_expert_gate.weight", 8, 1);
	key_u32("qwen2moe.expert_feed_forward_length", 3);
	key_u32("qwen2moe.expert_shared_feed_forward_length", 7);
	reset();
}

static void plus_1(const char *gguf, const char *hf, int64_t n)
{
	const float *got = get(gguf, n, 1, 1), *want = src(hf);
	int64_t i;

	for (i = 0; i < n; i++)
		assert_true(got[i] == want[i] + 1.0f);
}

static void test_gemma(void **state)
{
	(void)state;
	put_globals();
	put("lm_head.weight", 5, 8, 0);
	put_attention(6);
	put(L "pre_feedforward_layernorm.weight", 8, 0, 0);
	put(L "post_feedforward_layernorm.weight", 8, 0, 0);
	put(L "mlp.gate_proj.weight", 6, 8, 0);
	put(L "mlp.up_proj.weight", 6, 8, 0);
	put(L "mlp.down_proj.weight", 8, 6, 0);
	open_folder("{\"architectures\":[\"Gemma2ForCausalLM\"],\"max_position_embeddings\":64,"
		    "\"hidden_size\":8,\"num_hidden_layers\":1,\"intermediate_size\":6,"
		    "\"num_attention_heads\":2,\"num_key_value_heads\":1,\"vocab_size\":5,"
		    "\"rms_norm_eps\":1e-6,\"hidden_activation\":\"gelu_pytorch_tanh\","
		    "\"head_dim\":6,\"sliding_window\":4096,\"attn_logit_softcapping\":50.0,"
		    "\"final_logit_softcapping\":30.0}");
	plus_1("output_norm.weight", "model.norm.weight", 8);
	plus_1("blk.0.attn_norm.weight", L "input_layernorm.weight", 8);
	plus_1("blk.0.post_attention_norm.weight", L "post_attention_layernorm.weight", 8);
	plus_1("blk.0.ffn_norm.weight", L "pre_feedforward_layernorm.weight", 8);
	plus_1("blk.0.post_ffw_norm.weight", L "post_feedforward_layernorm.weight", 8);
	copied("blk.0.attn_q.weight", L "self_attn.q_proj.weight", 8, 12);
	assert_null(gguf_find_tensor(file, "output.weight"));
	key_u32("gemma2.attention.key_length", 6);
	key_u32("gemma2.attention.sliding_window", 4096);
	key_f32("gemma2.attn_logit_softcapping", 50);
	key_f32("gemma2.final_logit_softcapping", 30);
	reset();
	/* which layers have a window: said only where it is not every sixth that has none */
	put_globals();
	open_folder(
		"{\"architectures\":[\"Gemma3ForCausalLM\"],\"max_position_embeddings\":64,"
		"\"hidden_size\":8,\"num_hidden_layers\":7,\"intermediate_size\":6,"
		"\"num_attention_heads\":2,\"rms_norm_eps\":1e-6,\"rope_local_base_freq\":10000,"
		"\"rope_scaling\":{\"rope_type\":\"linear\",\"factor\":8},\"layer_types\":["
		"\"sliding_attention\",\"sliding_attention\",\"sliding_attention\","
		"\"sliding_attention\",\"sliding_attention\",\"full_attention\","
		"\"sliding_attention\"]}");
	key_absent("gemma3.attention.sliding_window_pattern");
	key_f32("gemma3.rope.freq_base", 1e6f);
	key_f32("gemma3.rope.freq_base_swa", 1e4f);
	key_f32("gemma3.rope.scaling.factor", 8);
	reset();
	put_globals();
	open_folder("{\"architectures\":[\"Gemma3ForCausalLM\"],\"max_position_embeddings\":64,"
		    "\"hidden_size\":8,\"num_hidden_layers\":2,\"intermediate_size\":6,"
		    "\"num_attention_heads\":2,\"rms_norm_eps\":1e-6,"
		    "\"layer_types\":[\"full_attention\",\"sliding_attention\"]}");
	{
		uint32_t windowed[2] = { 7, 7 };

		assert_int_equal(gguf_get_u32_layers(file,
						     "gemma3.attention.sliding_window_pattern", 2,
						     windowed, NULL),
				 0);
		assert_int_equal(windowed[0], 0);
		assert_int_equal(windowed[1], 1);
	}
	reset();
}

static void neg_exp(const char *gguf, const char *hf, int64_t ne0, int64_t ne1)
{
	const float *got = get(gguf, ne0, ne1, 1), *want = src(hf);
	int64_t i;

	for (i = 0; i < ne0 * ne1; i++)
		assert_true(fabs((double)got[i] + exp((double)want[i])) < 1e-6);
}

#define M "backbone.layers.0.mixer."

static void test_mamba(void **state)
{
	(void)state;
	put("backbone.embeddings.weight", 5, 8, 0);
	put("backbone.norm_f.weight", 8, 0, 0);
	put("backbone.layers.0.norm.weight", 8, 0, 0);
	put(M "in_proj.weight", 32, 8, 0);
	put(M "conv1d.weight", 16, 1, 4);
	put(M "conv1d.bias", 16, 0, 0);
	put(M "x_proj.weight", 7, 16, 0);
	put(M "dt_proj.weight", 16, 1, 0);
	put(M "dt_proj.bias", 16, 0, 0);
	put(M "A_log", 16, 3, 0);
	put(M "D", 16, 0, 0);
	put(M "out_proj.weight", 8, 16, 0);
	open_folder("{\"architectures\":[\"MambaForCausalLM\"],\"hidden_size\":8,"
		    "\"num_hidden_layers\":1,\"intermediate_size\":16,\"state_size\":3,"
		    "\"conv_kernel\":4,\"time_step_rank\":\"auto\",\"layer_norm_epsilon\":1e-5,"
		    "\"hidden_act\":\"silu\",\"use_conv_bias\":true,\"use_bias\":false}");
	copied("blk.0.ssm_conv1d.weight", M "conv1d.weight", 4, 16);
	copied("blk.0.ssm_conv1d.bias", M "conv1d.bias", 16, 1);
	copied("blk.0.ssm_dt.weight", M "dt_proj.weight", 1, 16);
	copied("blk.0.ssm_d", M "D", 16, 1);
	neg_exp("blk.0.ssm_a", M "A_log", 3, 16);
	key_u32("mamba.ssm.inner_size", 16);
	key_u32("mamba.ssm.time_step_rank", 1);
	key_u32("mamba.context_length", 1048576);
	key_u32("mamba.attention.head_count", 0);
	reset();
	put("backbone.embeddings.weight", 5, 8, 0);
	put("backbone.norm_f.weight", 8, 0, 0);
	put("backbone.layers.0.norm.weight", 8, 0, 0);
	put(M "in_proj.weight", 46, 8, 0);
	put(M "conv1d.weight", 28, 1, 4);
	put(M "conv1d.bias", 28, 0, 0);
	put(M "dt_bias", 4, 0, 0);
	put(M "A_log", 4, 0, 0);
	put(M "D", 4, 0, 0);
	put(M "norm.weight", 16, 0, 0);
	put(M "out_proj.weight", 8, 16, 0);
	open_folder("{\"architectures\":[\"Mamba2ForCausalLM\"],\"hidden_size\":8,"
		    "\"num_hidden_layers\":1,\"num_heads\":4,\"head_dim\":4,\"state_size\":3,"
		    "\"n_groups\":2,\"conv_kernel\":4,\"layer_norm_epsilon\":1e-5}");
	neg_exp("blk.0.ssm_a", M "A_log", 1, 4);
	copied("blk.0.ssm_d", M "D", 1, 4);
	copied("blk.0.ssm_dt.bias", M "dt_bias", 4, 1);
	copied("blk.0.ssm_norm.weight", M "norm.weight", 8, 2);
	key_u32("mamba2.ssm.inner_size", 16);
	key_u32("mamba2.ssm.group_count", 2);
	key_u32("mamba2.ssm.time_step_rank", 4);
	reset();
}

static void test_jamba(void **state)
{
	uint32_t kv[4] = { 9, 9, 9, 9 };

	(void)state;
	put("model.embed_tokens.weight", 5, 8, 0);
	put("model.final_layernorm.weight", 8, 0, 0);
	put("model.layers.3.mamba.dt_layernorm.weight", 2, 0, 0);
	put("model.layers.3.mamba.A_log", 16, 3, 0);
	put("model.layers.3.feed_forward.router.weight", 2, 8, 0);
	put_experts("model.layers.3.feed_forward.experts.#.up_proj.weight", 2, 6, 8);
	open_folder("{\"architectures\":[\"JambaForCausalLM\"],\"max_position_embeddings\":64,"
		    "\"hidden_size\":8,\"num_hidden_layers\":4,\"intermediate_size\":6,"
		    "\"num_attention_heads\":2,\"num_key_value_heads\":1,\"rms_norm_eps\":1e-6,"
		    "\"hidden_act\":\"silu\",\"num_experts\":2,\"num_experts_per_tok\":1,"
		    "\"attn_layer_period\":2,\"attn_layer_offset\":1,\"mamba_d_conv\":4,"
		    "\"mamba_d_state\":3,\"mamba_expand\":2,\"mamba_dt_rank\":2}");
	assert_int_equal(gguf_get_u32_layers(file, "jamba.attention.head_count_kv", 4, kv, NULL),
			 0);
	assert_true(kv[0] == 0 && kv[1] == 1 && kv[2] == 0 && kv[3] == 1);
	neg_exp("blk.3.ssm_a", "model.layers.3.mamba.A_log", 3, 16);
	copied("blk.3.ssm_dt_norm.weight", "model.layers.3.mamba.dt_layernorm.weight", 2, 1);
	stacked("blk.3.ffn_up_exps.weight", "model.layers.3.feed_forward.experts.#.up_proj.weight",
		2, 6, 8);
	key_u32("jamba.ssm.inner_size", 16);
	reset();
}

static void test_deepseek2(void **state)
{
	enum { NOPE = 3, V = 5, R = 4, H = 2 };
	const float *got, *want;
	size_t h, i, j;

	(void)state;
	put_globals();
	put(L "self_attn.q_a_proj.weight", 4, 8, 0);
	put(L "self_attn.q_a_layernorm.weight", 4, 0, 0);
	put(L "self_attn.q_b_proj.weight", H * (NOPE + 2), 4, 0);
	put(L "self_attn.kv_a_proj_with_mqa.weight", R + 2, 8, 0);
	put(L "self_attn.kv_a_layernorm.weight", R, 0, 0);
	put(L "self_attn.kv_b_proj.weight", H * (NOPE + V), R, 0);
	put(L "mlp.gate.weight", 2, 8, 0);
	put(L "mlp.gate.e_score_correction_bias", 2, 0, 0);
	put_experts(L "mlp.experts.#.down_proj.weight", 2, 8, 3);
	put(L "mlp.shared_experts.up_proj.weight", 3, 8, 0);
	put("model.layers.1.enorm.weight", 8, 0, 0); /* of a layer that predicts further on */
	open_folder(
		"{\"architectures\":[\"DeepseekV3ForCausalLM\"]," SIZES
		"\"q_lora_rank\":4,\"kv_lora_rank\":4,\"qk_nope_head_dim\":3,"
		"\"qk_rope_head_dim\":2,\"v_head_dim\":5,\"first_k_dense_replace\":0,"
		"\"n_routed_experts\":2,\"num_experts_per_tok\":1,\"moe_intermediate_size\":3,"
		"\"n_shared_experts\":1,\"routed_scaling_factor\":2.5,\"norm_topk_prob\":true,"
		"\"scoring_func\":\"sigmoid\",\"n_group\":1,\"topk_group\":1,"
		"\"num_nextn_predict_layers\":1,\"rope_scaling\":{\"type\":\"yarn\",\"factor\":40,"
		"\"mscale\":1.0,\"mscale_all_dim\":1.0,\"beta_fast\":32,\"beta_slow\":1,"
		"\"original_max_position_embeddings\":4096}}");
	want = src(L "self_attn.kv_b_proj.weight");
	got = get("blk.0.attn_k_b.weight", NOPE, R, H);
	for (h = 0; h < H; h++)
		for (j = 0; j < R; j++)
			for (i = 0; i < NOPE; i++)
				assert_true(got[(h * R + j) * NOPE + i] ==
					    want[(h * (NOPE + V) + i) * R + j]);
	got = get("blk.0.attn_v_b.weight", R, V, H);
	for (h = 0; h < H; h++)
		same("attn_v_b", got + h * V * R, want + (h * (NOPE + V) + NOPE) * R, V * R);
	copied("blk.0.exp_probs_b.bias", L "mlp.gate.e_score_correction_bias", 2, 1);
	copied("blk.0.attn_kv_a_mqa.weight", L "self_attn.kv_a_proj_with_mqa.weight", 8, R + 2);
	stacked("blk.0.ffn_down_exps.weight", L "mlp.experts.#.down_proj.weight", 2, 8, 3);
	assert_null(gguf_find_tensor(file, "blk.1.attn_norm.weight"));
	key_u32("deepseek2.attention.key_length", R + 2);
	key_u32("deepseek2.attention.key_length_mla", NOPE + 2);
	key_u32("deepseek2.attention.head_count_kv", 1);
	key_u32("deepseek2.expert_gating_func", 2);
	key_f32("deepseek2.expert_weights_scale", 2.5f);
	key_f32("deepseek2.rope.scaling.yarn_log_multiplier", 0.1f);
	reset();
}

static void test_granitemoe(void **state)
{
	const float *gate, *up, *want;
	size_t e;

	(void)state;
	put_globals();
	put_attention(4);
	put(L "block_sparse_moe.router.layer.weight", 2, 8, 0);
	put(L "block_sparse_moe.input_linear.weight", 2, 6, 8);
	put(L "block_sparse_moe.output_linear.weight", 2, 8, 3);
	open_folder("{\"architectures\":[\"GraniteMoeForCausalLM\"]," SIZES
		    "\"num_local_experts\":2,\"num_experts_per_tok\":1,\"embedding_multiplier\":12,"
		    "\"attention_multiplier\":0.0625,\"residual_multiplier\":0.25,"
		    "\"logits_scaling\":8.0}");
	want = src(L "block_sparse_moe.input_linear.weight");
	gate = get("blk.0.ffn_gate_exps.weight", 8, 3, 2);
	up = get("blk.0.ffn_up_exps.weight", 8, 3, 2);
	for (e = 0; e < 2; e++) {
		same("gate", gate + e * 24, want + e * 48, 24);
		same("up", up + e * 24, want + e * 48 + 24, 24);
	}
	same("down", get("blk.0.ffn_down_exps.weight", 3, 8, 2),
	     src(L "block_sparse_moe.output_linear.weight"), 48);
	key_f32("granitemoe.embedding_scale", 12);
	key_f32("granitemoe.attention.scale", 0.0625f);
	key_f32("granitemoe.logit_scale", 8);
	reset();
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

		put_globals();
		put(L "mamba.A_log", 4, 0, 0);
		put(L "mamba.norm.weight", 16, 0, 0);
		put(L "shared_mlp.input_linear.weight", 6, 8, 0);
		put(L "shared_mlp.output_linear.weight", 8, 3, 0);
		if (experts)
			put(L "block_sparse_moe.input_linear.weight", 2, 6, 8);
		snprintf(config, sizeof(config),
			 "{\"architectures\":[\"GraniteMoeHybridForCausalLM\"],%s" HYBRID
			 "\"num_local_experts\":%d,\"num_experts_per_tok\":%d}",
			 sizes, 2 * experts, experts);
		open_folder(config);
		want = src(L "shared_mlp.input_linear.weight");
		same("up",
		     get(experts ? "blk.0.ffn_up_shexp.weight" : "blk.0.ffn_up.weight", 8, 3, 1),
		     want + 24, 24);
		key_u32("granitehybrid.feed_forward_length", experts ? 6 : 3);
		assert_int_equal(gguf_get_u32_layers(file, "granitehybrid.attention.head_count_kv",
						     2, kv, NULL),
				 0);
		assert_true(kv[0] == 0 && kv[1] == 1);
		copied("blk.0.ssm_norm.weight", L "mamba.norm.weight", 8, 2);
		neg_exp("blk.0.ssm_a", L "mamba.A_log", 1, 4);
		reset();
	}
}

static void test_gpt2(void **state)
{
	const float *got, *want;
	size_t r, c;

	(void)state;
	put("transformer.wte.weight", 5, 8, 0);
	put("transformer.wpe.weight", 16, 8, 0);
	put("transformer.ln_f.weight", 8, 0, 0);
	put("transformer.ln_f.bias", 8, 0, 0);
	put("transformer.h.0.attn.c_attn.weight", 8, 24, 0);
	put("transformer.h.0.attn.c_attn.bias", 24, 0, 0);
	put("transformer.h.0.attn.bias", 1, 1, 4); /* the mask */
	open_folder("{\"architectures\":[\"GPT2LMHeadModel\"],\"n_positions\":16,\"n_embd\":8,"
		    "\"n_layer\":1,\"n_head\":2,\"vocab_size\":5,\"layer_norm_epsilon\":1e-5,"
		    "\"activation_function\":\"gelu_new\",\"n_inner\":null}");
	got = get("blk.0.attn_qkv.weight", 8, 24, 1);
	want = src("transformer.h.0.attn.c_attn.weight");
	for (r = 0; r < 24; r++)
		for (c = 0; c < 8; c++)
			assert_true(got[r * 8 + c] == want[c * 24 + r]);
	copied("blk.0.attn_qkv.bias", "transformer.h.0.attn.c_attn.bias", 24, 1);
	copied("position_embd.weight", "transformer.wpe.weight", 8, 16);
	copied("output_norm.bias", "transformer.ln_f.bias", 8, 1);
	key_u32("gpt2.feed_forward_length", 32);
	reset();
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
	put_globals();
	put(L "self_attn.sinks", 2, 0, 0);
	put(L "post_attention_layernorm.weight", 8, 0, 0);
	put(L "mlp.router.weight", 2, 8, 0);
	put(L "mlp.router.bias", 2, 0, 0);
	put(L "mlp.experts.gate_up_proj_bias", X, ROWS, 0);
	hf_tensor(&folder, L "mlp.experts.gate_up_proj_blocks", "U8",
		  (uint64_t[]){ X, ROWS, NB, 16, 0 }, blocks, sizeof(blocks));
	hf_tensor(&folder, L "mlp.experts.gate_up_proj_scales", "U8",
		  (uint64_t[]){ X, ROWS, NB, 0 }, scales, sizeof(scales));
	open_folder("{\"architectures\":[\"GptOssForCausalLM\"]," SIZES
		    "\"head_dim\":4,\"num_local_experts\":2,\"num_experts_per_tok\":1,"
		    "\"sliding_window\":128,\"quantization_config\":{\"quant_method\":\"mxfp4\"},"
		    "\"swiglu_limit\":7.0,\"rope_scaling\":{\"rope_type\":\"yarn\",\"factor\":32.0,"
		    "\"beta_fast\":32.0,\"beta_slow\":1.0,\"truncate\":false,"
		    "\"original_max_position_embeddings\":4096},"
		    "\"layer_types\":[\"sliding_attention\"]}");
	gate = get("blk.0.ffn_gate_exps.weight", COLS, ROWS / 2, X);
	up = get("blk.0.ffn_up_exps.weight", COLS, ROWS / 2, X);
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
	bias = src(L "mlp.experts.gate_up_proj_bias");
	gate = get("blk.0.ffn_gate_exps.bias", 3, 2, 1);
	up = get("blk.0.ffn_up_exps.bias", 3, 2, 1);
	for (e = 0; e < X; e++)
		for (r = 0; r < 3; r++)
			assert_true(gate[e * 3 + r] == bias[e * ROWS + 2 * r] &&
				    up[e * 3 + r] == bias[e * ROWS + 2 * r + 1]);
	copied("blk.0.attn_sinks.weight", L "self_attn.sinks", 2, 1);
	copied("blk.0.post_attention_norm.weight", L "post_attention_layernorm.weight", 8, 1);
	key_u32("gpt-oss.expert_feed_forward_length", 6);
	key_u32("gpt-oss.attention.sliding_window", 128);
	key_u32("gpt-oss.rope.scaling.original_context_length", 4096);
	reset();
}

/* Llama 3.1's own numbers: 8, from 1 to 4 of 8192 positions, base 500,000, heads of 128. */
static void test_llama3(void **state)
{
	const float *f;
	int i;

	(void)state;
	put_globals();
	open_folder("{\"architectures\":[\"LlamaForCausalLM\"]," SIZES
		    "\"head_dim\":128,\"rope_theta\":500000.0,\"rope_scaling\":{\"factor\":8.0,"
		    "\"low_freq_factor\":1.0,\"high_freq_factor\":4.0,"
		    "\"original_max_position_embeddings\":8192,\"rope_type\":\"llama3\"}}");
	f = get("rope_freqs.weight", 64, 1, 1);
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
	key_absent("llama.rope.scaling.type");
	reset();
}

/* ---- tokenizers ---- */

static void key_str(const char *key, const char *want)
{
	struct gguf_str s = { "", 0 };

	if (gguf_get_str(file, key, &s, NULL) || !gguf_str_eq(s, want))
		fail_msg("key %s: \"%.*s\", expected \"%s\"", key, (int)s.len, s.ptr, want);
}

#define QWEN_EXPR                                                                        \
	"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?\\\\p{L}+|\\\\p{N}|" \
	" ?[^\\\\s\\\\p{L}\\\\p{N}]+[\\\\r\\\\n]*|\\\\s*[\\\\r\\\\n]+|\\\\s+(?!\\\\S)|\\\\s+"
#define BYTES "{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"use_regex\":false}"
#define VOCAB                                                                                     \
	"\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"b\":1,\"ab\":2},\"merges\":[\"a b\"]}," \
	"\"added_tokens\":[{\"id\":3,\"content\":\"<|end|>\",\"special\":true},"                  \
	"{\"id\":5,\"content\":\"<tool>\",\"special\":false}]}"

static void open_tokenizer(const char *tokenizer, const char *config)
{
	put_globals();
	hf_put_text(&folder, "tokenizer.json", tokenizer);
	if (config)
		hf_put_text(&folder, "tokenizer_config.json", config);
	open_folder("{\"architectures\":[\"Qwen2ForCausalLM\"]," SIZES "\"eos_token_id\":3}");
}

static void test_bpe(void **state)
{
	static const struct {
		const char *pre, *name;
	} kinds[] = {
		{ "{\"type\":\"ByteLevel\",\"use_regex\":true}", "gpt-2" },
		{ "{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Split\",\"pattern\":{"
		  "\"Regex\":\"" QWEN_EXPR "\"},\"behavior\":\"Isolated\",\"invert\":false}," BYTES
		  "]}",
		  "qwen2" },
		{ "{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Digits\","
		  "\"individual_digits\":true},{\"type\":\"ByteLevel\"}]}",
		  "smollm" },
		{ "{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Split\",\"pattern\":{"
		  "\"Regex\":\"\\\\p{N}{1,3}\"},\"behavior\":\"Isolated\"},{\"type\":\"Split\","
		  "\"pattern\":{\"Regex\":\"[\xe4\xb8\x80-\xe9\xbe\xa5\xe3\x81\x80-\xe3\x82\x9f"
		  "\xe3\x82\xa0-\xe3\x83\xbf]+\"},\"behavior\":\"Isolated\"},{\"type\":\"Split\","
		  "\"pattern\":{\"Regex\":\"[!\\\"#$%&'()*+,\\\\-./:;<=>?@\\\\[\\\\\\\\\\\\]^_`{|}~]"
		  "[A-Za-z]+|[^\\\\r\\\\n\\\\p{L}\\\\p{P}\\\\p{S}]?[\\\\p{L}\\\\p{M}]+|"
		  " ?[\\\\p{P}\\\\p{S}]+[\\\\r\\\\n]*|\\\\s*[\\\\r\\\\n]+|\\\\s+(?!\\\\S)|\\\\s+\"},"
		  "\"behavior\":\"Isolated\"}," BYTES "]}",
		  "deepseek-v3" },
	};
	static const int64_t types[] = { 1, 1, 1, 3, 5, 4 };
	struct gguf_arr a;
	struct gguf_str s;
	char text[4096];
	int64_t type;
	bool flag;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		snprintf(text, sizeof(text), "{\"pre_tokenizer\":%s," VOCAB, kinds[i].pre);
		open_tokenizer(text, NULL);
		key_str("tokenizer.ggml.model", "gpt2");
		key_str("tokenizer.ggml.pre", kinds[i].name);
		reset();
	}
	/* the other form of merges, a bos by the template, a chat template among several */
	snprintf(text, sizeof(text),
		 "{\"pre_tokenizer\":%s,\"normalizer\":{\"type\":\"NFC\"},\"post_processor\":{"
		 "\"type\":\"Sequence\",\"processors\":[{\"type\":\"ByteLevel\"},{\"type\":"
		 "\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":\"<|end|>\"}},"
		 "{\"Sequence\":{\"id\":\"A\"}}]}]},\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0,"
		 "\"b\":1,\"ab\":2},\"merges\":[[\"a\",\"b\"]]},\"added_tokens\":[{\"id\":3,"
		 "\"content\":\"<|end|>\",\"special\":true},{\"id\":5,\"content\":\"<tool>\","
		 "\"special\":false}]}",
		 kinds[1].pre);
	open_tokenizer(text,
		       "{\"bos_token\":{\"content\":\"<|end|>\"},\"chat_template\":[{\"name\":"
		       "\"tools\",\"template\":\"x\"},{\"name\":\"default\",\"template\":"
		       "\"{{ messages }}\"}]}");
	key_str("tokenizer.chat_template", "{{ messages }}");
	key_u32("tokenizer.ggml.bos_token_id", 3);
	key_u32("tokenizer.ggml.eos_token_id", 3);
	assert_int_equal(gguf_get_bool(file, "tokenizer.ggml.add_bos_token", &flag, NULL), 0);
	assert_true(flag);
	assert_int_equal(gguf_get_bool(file, "tokenizer.ggml.add_eos_token", &flag, NULL), 0);
	assert_false(flag);
	assert_int_equal(gguf_get_arr(file, "tokenizer.ggml.merges", &a, NULL), 0);
	assert_int_equal(gguf_arr_str(&a, 0, &s), 0);
	assert_true(gguf_str_eq(s, "a b"));
	assert_int_equal(gguf_get_arr(file, "tokenizer.ggml.tokens", &a, NULL), 0);
	assert_int_equal(a.count, 6);
	assert_int_equal(gguf_arr_str(&a, 4, &s), 0);
	assert_true(gguf_str_eq(s, "[PAD4]"));
	assert_int_equal(gguf_get_arr(file, "tokenizer.ggml.token_type", &a, NULL), 0);
	for (i = 0; i < 6; i++) {
		assert_int_equal(gguf_arr_i64(&a, i, &type), 0);
		assert_int_equal(type, types[i]);
	}
	reset();
}

/* As gemma's: a split that finds nothing after the normalizer, no space in front. */
static void test_spm(void **state)
{
	bool flag = true;

	(void)state;
	open_tokenizer("{\"normalizer\":{\"type\":\"Replace\",\"pattern\":{\"String\":\" \"},"
		       "\"content\":\"\xe2\x96\x81\"},\"pre_tokenizer\":{\"type\":\"Split\","
		       "\"pattern\":{\"String\":\" \"},\"behavior\":\"MergedWithPrevious\","
		       "\"invert\":false},\"model\":{\"type\":\"BPE\",\"byte_fallback\":true,"
		       "\"unk_token\":\"<unk>\",\"vocab\":{\"<unk>\":0,\"<0x0A>\":1,\"a\":2,"
		       "\"b\":3,\"ab\":4},\"merges\":[\"a b\"]}}",
		       NULL);
	key_str("tokenizer.ggml.model", "llama");
	assert_int_equal(gguf_get_bool(file, "tokenizer.ggml.add_space_prefix", &flag, NULL), 0);
	assert_false(flag);
	reset();
}

/* ---- refusals ---- */

static void test_refused(void **state)
{
	static const struct {
		const char *file, *text; /* replaces or adds; text NULL: removes */
		int code;
		const char *says;
	} cases[] = {
		{ "config.json", NULL, -ENOENT, "config.json: no such file" },
		{ "config.json", "[1]", -EINVAL, "config.json: not an object" },
		{ "config.json", "{\"a\":1,\"a\":2}", -EINVAL, "config.json: line 1: duplicate" },
		{ "config.json", "{}", -EINVAL, "config.json: architectures: missing" },
		{ "config.json", "{\"architectures\":[\"T5Model\"]}", -ENOTSUP,
		  "\"T5Model\" is not supported; supported: llama, qwen2" },
		{ "config.json", "{\"architectures\":[\"LlamaForCausalLM\"]}", -EINVAL,
		  "config.json: num_hidden_layers|n_layer: missing" },
		{ "config.json",
		  "{\"architectures\":[\"LlamaForCausalLM\"],\"hidden_act\":\"relu\","
		  "\"num_hidden_layers\":1}",
		  -ENOTSUP, "relu, supported for llama: silu|swish" },
		{ "config.json",
		  "{\"architectures\":[\"LlamaForCausalLM\"]," SIZES "\"quantization_config\":{"
		  "\"quant_method\":\"gptq\"}}",
		  -ENOTSUP, "quantization_config: method \"gptq\"" },
		{ "config.json",
		  "{\"architectures\":[\"LlamaForCausalLM\"]," SIZES "\"rope_scaling\":{"
		  "\"rope_type\":\"dynamic\",\"factor\":2}}",
		  -ENOTSUP, "rope_scaling: type \"dynamic\" is not supported" },
		{ "config.json",
		  "{\"architectures\":[\"Qwen3MoeForCausalLM\"]," SIZES "\"num_experts\":2,"
		  "\"num_experts_per_tok\":1,\"moe_intermediate_size\":3,\"norm_topk_prob\":false}",
		  -ENOTSUP, "norm_topk_prob: false, supported for qwen3moe: true" },
		{ "model.safetensors", NULL, -ENOENT,
		  "model.safetensors.index.json: no such file" },
		{ "model.safetensors", "", -EINVAL, "header length" },
		{ "model.safetensors", "\x02\0\0\0\0\0\0\0{}x", -EINVAL, "header length" },
		{ "model.safetensors.index.json", "{}", -EINVAL, "weight_map: missing or empty" },
		{ "model.safetensors.index.json", "{\"weight_map\":{\"a\":\"../x.safetensors\"}}",
		  -EINVAL, "\"../x.safetensors\" is no safetensors file of the folder" },
		{ "model.safetensors.index.json", "{\"weight_map\":{\"a\":\"x.safetensors\"}}",
		  -ENOENT, "x.safetensors: no such file" },
		{ "model.safetensors.index.json", "{\"weight_map\":{\"a\":\"model.safetensors\"}}",
		  -EINVAL, "not in the index" },
		{ "tokenizer.json", "{\"model\":{\"type\":\"Unigram\"}}", -ENOTSUP,
		  "model.type: \"Unigram\", supported: BPE" },
		{ "tokenizer.json",
		  "{\"pre_tokenizer\":{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Split\","
		  "\"pattern\":{\"Regex\":\"x+\"},\"behavior\":\"Isolated\"}," BYTES "]}," VOCAB,
		  -ENOTSUP, "pre_tokenizer: unknown expression \"x+\"" },
		{ "tokenizer.model", "x", -ENOTSUP, "tokenizer.model: not read" },
	};
	struct gguf_error err;
	size_t i;
	int rc;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		put_globals();
		hf_put_text(&folder, "config.json",
			    "{\"architectures\":[\"LlamaForCausalLM\"]," SIZES "\"a\":0}");
		hf_finish_file(&folder, "model.safetensors");
		if (cases[i].text)
			hf_put_text(&folder, cases[i].file, cases[i].text);
		else
			hf_remove(&folder, cases[i].file);
		err = (struct gguf_error){ 0 };
		rc = hf_open_files(folder.file, folder.n, &file, &err);
		if (rc != cases[i].code || !strstr(err.msg, cases[i].says))
			fail_msg("case %zu: %d \"%s\", expected %d \"%s\"", i, rc, err.msg,
				 cases[i].code, cases[i].says);
		file = NULL;
		reset();
	}
	/* weights that nobody asked for, and pickles */
	put_globals();
	put(L "self_attn.extra.weight", 2, 0, 0);
	hf_put_text(&folder, "config.json",
		    "{\"architectures\":[\"LlamaForCausalLM\"]," SIZES "\"a\":0}");
	hf_finish_file(&folder, "model.safetensors");
	err = (struct gguf_error){ 0 };
	assert_int_equal(hf_open_files(folder.file, folder.n, &file, &err), -ENOTSUP);
	assert_non_null(strstr(err.msg, "self_attn.extra.weight: not part of a supported llama"));
	hf_remove(&folder, "model.safetensors");
	hf_put_text(&folder, "pytorch_model.bin", "PK");
	err = (struct gguf_error){ 0 };
	assert_int_equal(hf_open_files(folder.file, folder.n, &file, &err), -ENOTSUP);
	assert_non_null(strstr(err.msg, "pytorch_model.bin: not read (pickled"));
	file = NULL;
	reset();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mixtral),	   cmocka_unit_test(test_qwen2moe),
		cmocka_unit_test(test_gemma),	   cmocka_unit_test(test_mamba),
		cmocka_unit_test(test_jamba),	   cmocka_unit_test(test_deepseek2),
		cmocka_unit_test(test_granitemoe), cmocka_unit_test(test_granitehybrid),
		cmocka_unit_test(test_gpt2),	   cmocka_unit_test(test_gpt_oss),
		cmocka_unit_test(test_llama3),	   cmocka_unit_test(test_bpe),
		cmocka_unit_test(test_spm),	   cmocka_unit_test(test_refused),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
