// SPDX-License-Identifier: MIT
/* Text parts of models for images and sounds: where numbers come from, what is left out, what is refused. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "compiler/frontends/hf.h"
#include "compiler/frontends/source.h"
#include "compiler/tests/hf_fixture.h"

#define L "language_model.model.layers.0."

static size_t left_out(void)
{
	struct source_left_out kinds[SOURCE_LEFT_OUT];

	if (!source_left_out(fx_file, kinds))
		return 0;
	assert_string_equal(kinds[0].what, "images and sounds");
	assert_true(kinds[0].bytes >= 4 * kinds[0].tensors);
	return kinds[0].tensors;
}

/* What text_config leaves out is the class's, or stands around it. */
static void test_gemma3(void **state)
{
	(void)state;
	fx_put("language_model.model.embed_tokens.weight", 5, 16, 0);
	fx_put("language_model.model.norm.weight", 16, 0, 0);
	fx_put(L "self_attn.v_proj.weight", 1024, 16, 0);
	fx_put("vision_tower.vision_model.embeddings.patch_embedding.weight", 4, 3, 2);
	fx_put("multi_modal_projector.mm_input_projection_weight", 3, 3, 0);
	fx_open_folder("{\"architectures\":[\"Gemma3ForConditionalGeneration\"],"
		       "\"eos_token_id\":[1,106],\"rms_norm_eps\":0.5,\"hidden_size\":9,"
		       "\"text_config\":{\"hidden_size\":16,\"intermediate_size\":32,"
		       "\"model_type\":\"gemma3_text\",\"num_hidden_layers\":1,"
		       "\"rope_scaling\":{\"factor\":8.0,\"rope_type\":\"linear\"},"
		       "\"sliding_window\":1024},\"vision_config\":{\"hidden_size\":7}}");
	fx_copied("token_embd.weight", "language_model.model.embed_tokens.weight", 16, 5);
	fx_copied("blk.0.attn_v.weight", L "self_attn.v_proj.weight", 16, 1024);
	fx_key_u32("gemma3.embedding_length", 16);
	fx_key_u32("gemma3.attention.head_count", 8);
	fx_key_u32("gemma3.attention.head_count_kv", 4);
	fx_key_u32("gemma3.attention.key_length", 256);
	fx_key_u32("gemma3.attention.sliding_window", 1024);
	fx_key_u32("gemma3.context_length", 131072);
	fx_key_f32("gemma3.attention.layer_norm_rms_epsilon", 1e-6f);
	fx_key_f32("gemma3.attention.scale", (float)(1 / sqrt(256)));
	fx_key_f32("gemma3.rope.freq_base", 1e6f);
	fx_key_f32("gemma3.rope.scaling.factor", 8);
	assert_int_equal(left_out(), 2);
	fx_reset();
}

/* Numbers beside those of the images, positions by sections. */
static void test_qwen2_vl(void **state)
{
	(void)state;
	fx_put_globals();
	fx_put("model.layers.0.self_attn.q_proj.bias", 8, 0, 0);
	fx_put("visual.blocks.0.attn.qkv.weight", 6, 2, 0);
	fx_open_folder("{\"architectures\":[\"Qwen2_5_VLForConditionalGeneration\"]," FX_SIZES
		       "\"tie_word_embeddings\":true,\"vision_config\":{},"
		       "\"rope_scaling\":{\"type\":\"mrope\",\"mrope_section\":[1,1,0]}}");
	fx_copied("blk.0.attn_q.bias", "model.layers.0.self_attn.q_proj.bias", 8, 1);
	fx_key_u32("qwen2.embedding_length", 8);
	fx_key_absent("qwen2.rope.scaling.type");
	assert_int_equal(left_out(), 1);
	fx_reset();
	/* newer ones */
	fx_put("model.language_model.embed_tokens.weight", 5, 8, 0);
	fx_put("model.language_model.norm.weight", 8, 0, 0);
	fx_put("lm_head.weight", 5, 8, 0);
	fx_put("model.visual.merger.ln_q.weight", 6, 2, 0);
	fx_open_folder("{\"architectures\":[\"Qwen2_5_VLForConditionalGeneration\"],"
		       "\"tie_word_embeddings\":false,\"text_config\":{" FX_SIZES
		       "\"model_type\":\"qwen2_5_vl_text\"}}");
	fx_copied("output.weight", "lm_head.weight", 8, 5);
	assert_int_equal(left_out(), 1);
	fx_reset();
	/* a text model has no such parts */
	fx_put_globals();
	fx_open_folder("{\"architectures\":[\"Qwen2ForCausalLM\"]," FX_SIZES "\"a\":0}");
	assert_int_equal(left_out(), 0);
	fx_reset();
}

/* Experts' matrices in one tensor, transposed. */
static void test_qwen3_vl_moe(void **state)
{
	enum { X = 2, E = 8, F = 3 };
	const float *gate, *up, *down, *both, *src;
	size_t x, e, f;

	(void)state;
	fx_put("model.language_model.embed_tokens.weight", 5, E, 0);
	fx_put("model.language_model.norm.weight", E, 0, 0);
	fx_put("model.language_model.layers.0.mlp.gate.weight", X, E, 0);
	fx_put("model.language_model.layers.0.mlp.experts.gate_up_proj", X, E, 2 * F);
	fx_put("model.language_model.layers.0.mlp.experts.down_proj", X, F, E);
	fx_put("model.visual.deepstack_merger_list.0.norm.weight", 6, 0, 0);
	fx_open_folder("{\"architectures\":[\"Qwen3VLMoeForConditionalGeneration\"],"
		       "\"text_config\":{" FX_SIZES "\"model_type\":\"qwen3_vl_moe_text\","
		       "\"num_experts\":2,\"num_experts_per_tok\":1,\"moe_intermediate_size\":3,"
		       "\"norm_topk_prob\":true,\"rope_scaling\":{\"rope_type\":\"default\","
		       "\"mrope_interleaved\":true,\"mrope_section\":[1,1,0]}}}");
	fx_key_str("general.architecture", "qwen3moe");
	both = fx_src("model.language_model.layers.0.mlp.experts.gate_up_proj");
	src = fx_src("model.language_model.layers.0.mlp.experts.down_proj");
	gate = fx_get("blk.0.ffn_gate_exps.weight", E, F, X);
	up = fx_get("blk.0.ffn_up_exps.weight", E, F, X);
	down = fx_get("blk.0.ffn_down_exps.weight", F, E, X);
	for (x = 0; x < X; x++) {
		for (e = 0; e < E; e++) {
			for (f = 0; f < F; f++) {
				const float *row = both + (x * E + e) * 2 * F;

				assert_true(gate[(x * F + f) * E + e] == row[f]);
				assert_true(up[(x * F + f) * E + e] == row[F + f]);
				assert_true(down[(x * E + e) * F + f] == src[(x * F + f) * E + e]);
			}
		}
	}
	assert_int_equal(left_out(), 1);
	fx_reset();
}

/* Of other programs, or stored twice. */
static void test_others(void **state)
{
	struct source_left_out kinds[SOURCE_LEFT_OUT];

	(void)state;
	fx_put_globals();
	fx_put("lm_head.weight", 5, 8, 0);
	fx_put("model.layers.0.self_attn.rotary_emb.inv_freq", 2, 0, 0);
	fx_open_folder("{\"architectures\":[\"LlamaForCausalLM\"]," FX_SIZES
		       "\"tie_word_embeddings\":true}");
	assert_int_equal(source_left_out(fx_file, kinds), 2);
	assert_string_equal(kinds[0].what, "a copy of the embedding");
	assert_int_equal(kinds[0].tensors, 1);
	assert_int_equal(kinds[0].bytes, 5 * 8 * 4);
	assert_string_equal(kinds[1].what, "constants of other programs");
	assert_int_equal(kinds[1].tensors, 1);
	assert_int_equal(kinds[1].bytes, 8);
	fx_reset();
}

/* A tensor is of one kind only, though its name is of two. */
static void test_counted_once(void **state)
{
	struct source_left_out kinds[SOURCE_LEFT_OUT];

	(void)state;
	fx_put("model.language_model.embed_tokens.weight", 5, 8, 0);
	fx_put("model.language_model.norm.weight", 8, 0, 0);
	fx_put("model.language_model.layers.0.mlp.up_proj.input_scale", 1, 0, 0);
	fx_put("model.visual.blocks.0.mlp.up_proj.input_scale", 1, 0, 0);
	fx_open_folder("{\"architectures\":[\"Qwen2_5_VLForConditionalGeneration\"],"
		       "\"quantization_config\":{\"quant_method\":\"fp8\"},"
		       "\"text_config\":{" FX_SIZES "\"model_type\":\"qwen2_5_vl_text\"}}");
	assert_int_equal(source_left_out(fx_file, kinds), 2);
	assert_int_equal(kinds[0].tensors, 1);
	assert_int_equal(kinds[1].tensors, 1);
	assert_string_equal(kinds[1].what, "scales of activations");
	assert_int_equal(kinds[1].bytes, 4);
	fx_reset();
}

static void refused(const char *config, const char *tensor, int code, const char *says)
{
	fx_put_globals();
	if (tensor)
		fx_put(tensor, 2, 0, 0);
	fx_refused(config, code, says);
}

static void test_refused(void **state)
{
	static const char *const qwen =
		"{\"architectures\":[\"X\"],\"text_config\":{\"model_type\":\"qwen2\"," FX_SIZES
		"\"a\":0}}";

	(void)state;
	refused("{\"architectures\":[\"Llama4ForConditionalGeneration\"],\"text_config\":{"
		"\"model_type\":\"llama4_text\"}}",
		NULL, -ENOTSUP,
		"text_config.model_type: \"llama4_text\" is not supported; supported: gemma3_text,");
	refused("{\"architectures\":[\"Mistral3ForConditionalGeneration\"],\"text_config\":{"
		"\"model_type\":\"ministral3\"}}",
		NULL, -ENOTSUP,
		"text_config.model_type: \"ministral3\" is not supported; supported: gemma3_text,");
	refused("{\"architectures\":[\"Ministral3ForCausalLM\"]," FX_SIZES "\"a\":0}", NULL,
		-ENOTSUP, "\"Ministral3ForCausalLM\" is not supported; supported: llama, qwen2");
	refused("{\"architectures\":[\"X\"],\"text_config\":{}}", NULL, -ENOTSUP,
		"text_config.model_type: \"\" is not");
	refused("{\"architectures\":[\"X\"],\"text_config\":7}", NULL, -EINVAL,
		"text_config: not an object");
	refused("{\"architectures\":[\"X\"],\"text_config\":{\"model_type\":\"mistral\"}}", NULL,
		-EINVAL, "num_hidden_layers|n_layer|num_transformer_layers: missing");
	refused(qwen, "language_model.model.norm.weight", -EINVAL,
		"tensor model.norm.weight: occurs twice");
	refused(qwen, "language_model.model.layers.0.cross_attn.q_proj.weight", -ENOTSUP,
		"tensor model.layers.0.cross_attn.q_proj.weight: not part");
	refused("{\"architectures\":[\"Qwen2ForCausalLM\"]," FX_SIZES "\"a\":0}",
		"visual.merger.weight", -ENOTSUP, "tensor visual.merger.weight: not part");
}

/* Every type that the message names has a class that is known: something else is missing then. */
static void test_types(void **state)
{
	char list[256], config[256], *type, *save = NULL;
	struct gguf_error err = { 0 };
	int n = 0;

	(void)state;
	hf_put_text(&fx_folder, "config.json", "{\"text_config\":{}}");
	assert_int_equal(hf_open_files(fx_folder.file, fx_folder.n, &fx_file, &err), -ENOTSUP);
	type = strstr(err.msg, "supported: ");
	assert_non_null(type);
	snprintf(list, sizeof(list), "%s", type + strlen("supported: "));
	for (type = strtok_r(list, ", ", &save); type; type = strtok_r(NULL, ", ", &save), n++) {
		snprintf(config, sizeof(config), "{\"text_config\":{\"model_type\":\"%s\"}}", type);
		hf_put_text(&fx_folder, "config.json", config);
		err = (struct gguf_error){ 0 };
		assert_int_equal(hf_open_files(fx_folder.file, fx_folder.n, &fx_file, &err),
				 -ENOENT);
		assert_string_equal(err.msg, "model.safetensors, model.safetensors.index.json: no "
					     "such file in the folder");
	}
	assert_true(n > 8);
	fx_reset();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gemma3),	     cmocka_unit_test(test_qwen2_vl),
		cmocka_unit_test(test_qwen3_vl_moe), cmocka_unit_test(test_others),
		cmocka_unit_test(test_refused),	     cmocka_unit_test(test_types),
		cmocka_unit_test(test_counted_once),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
