// SPDX-License-Identifier: MIT
/* What is refused in folders, and that the message names the file and what is supported. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "compiler/frontends/hf.h"
#include "compiler/tests/hf_fixture.h"

#define L     "model.layers.0."

#define BYTES "{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"use_regex\":false}"
#define VOCAB                                                                                     \
	"\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"b\":1,\"ab\":2},\"merges\":[\"a b\"]}," \
	"\"added_tokens\":[{\"id\":3,\"content\":\"<|end|>\",\"special\":true},"                  \
	"{\"id\":5,\"content\":\"<tool>\",\"special\":false}]}"

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
		  "config.json: num_hidden_layers|n_layer|num_transformer_layers: missing" },
		{ "config.json",
		  "{\"architectures\":[\"LlamaForCausalLM\"],\"hidden_act\":\"relu\","
		  "\"num_hidden_layers\":1}",
		  -ENOTSUP, "relu, supported for llama: silu|swish" },
		{ "config.json",
		  "{\"architectures\":[\"LlamaForCausalLM\"]," FX_SIZES "\"quantization_config\":{"
		  "\"quant_method\":\"gptq\"}}",
		  -ENOTSUP, "quantization_config: method \"gptq\"" },
		{ "config.json",
		  "{\"architectures\":[\"LlamaForCausalLM\"]," FX_SIZES "\"rope_scaling\":{"
		  "\"rope_type\":\"dynamic\",\"factor\":2}}",
		  -ENOTSUP,
		  "rope_scaling: type \"dynamic\" is not supported for llama; supported: default, "
		  "linear, yarn, llama3" },
		{ "config.json",
		  "{\"architectures\":[\"MistralForCausalLM\"]," FX_SIZES
		  "\"rope_parameters\":{\"rope_type\":\"yarn\",\"factor\":16,"
		  "\"llama_4_scaling_beta\":0.1}}",
		  -ENOTSUP, "rope_scaling.llama_4_scaling_beta: 0.1, supported: 0" },
		{ "config.json",
		  "{\"architectures\":[\"LlamaForCausalLM\"]," FX_SIZES "\"rope_scaling\":{"
		  "\"rope_type\":\"longrope\",\"long_factor\":[1,1],\"short_factor\":[1,1],"
		  "\"original_max_position_embeddings\":32}}",
		  -ENOTSUP, "type \"longrope\" is not supported for llama; supported: default" },
		{ "config.json",
		  "{\"architectures\":[\"Phi3ForCausalLM\"]," FX_SIZES "\"rope_scaling\":{"
		  "\"rope_type\":\"dynamic\"}}",
		  -ENOTSUP, "not supported for phi3; supported: default, linear, yarn, longrope" },
		{ "config.json",
		  "{\"architectures\":[\"Qwen3ForCausalLM\"]," FX_SIZES "\"rope_scaling\":{"
		  "\"rope_type\":\"llama3\",\"factor\":2}}",
		  -ENOTSUP, "not supported for qwen3; supported: default, linear, yarn" },
		{ "config.json",
		  "{\"architectures\":[\"Qwen3MoeForCausalLM\"]," FX_SIZES "\"num_experts\":2,"
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
		{ "config.json",
		  "{\"architectures\":[\"NemotronHForCausalLM\"]," FX_SIZES
		  "\"mlp_hidden_act\":\"relu2\",\"head_dim\":4,\"layer_norm_epsilon\":1e-5,"
		  "\"conv_kernel\":4,\"mamba_num_heads\":2,\"mamba_head_dim\":4,"
		  "\"ssm_state_size\":4,\"n_groups\":1,\"hybrid_override_pattern\":\"X\"}",
		  -ENOTSUP, "hybrid_override_pattern[0]: \"X\", supported: *, M, -, E" },
		{ "config.json",
		  "{\"architectures\":[\"NemotronHForCausalLM\"]," FX_SIZES
		  "\"mlp_hidden_act\":\"silu\"}",
		  -ENOTSUP, "mlp_hidden_act: silu, supported for nemotron_h: relu2" },
		{ "config.json",
		  "{\"architectures\":[\"FalconH1ForCausalLM\"]," FX_SIZES
		  "\"mamba_rms_norm\":true,\"mamba_norm_before_gate\":true}",
		  -ENOTSUP, "mamba_norm_before_gate: true, supported for falcon-h1: false" },
		{ "config.json",
		  "{\"architectures\":[\"Gemma2ForCausalLM\"]," FX_SIZES
		  "\"hidden_activation\":\"gelu\",\"query_pre_attn_scalar\":0}",
		  -EINVAL, "query_pre_attn_scalar: 0, supported: 1e-12 to 1e12" },
	};
	struct gguf_error err;
	size_t i;
	int rc;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fx_put_globals();
		hf_put_text(&fx_folder, "config.json",
			    "{\"architectures\":[\"LlamaForCausalLM\"]," FX_SIZES "\"a\":0}");
		hf_finish_file(&fx_folder, "model.safetensors");
		if (cases[i].text)
			hf_put_text(&fx_folder, cases[i].file, cases[i].text);
		else
			hf_remove(&fx_folder, cases[i].file);
		err = (struct gguf_error){ 0 };
		rc = hf_open_files(fx_folder.file, fx_folder.n, &fx_file, &err);
		if (rc != cases[i].code || !strstr(err.msg, cases[i].says))
			fail_msg("case %zu: %d \"%s\", expected %d \"%s\"", i, rc, err.msg,
				 cases[i].code, cases[i].says);
		/* what another architecture has is not offered */
		if (strstr(err.msg, "supported for llama;"))
			assert_null(strstr(strstr(err.msg, "; supported"), "longrope"));
		fx_file = NULL;
		fx_reset();
	}
	/* weights that nobody asked for, and pickles */
	fx_put_globals();
	fx_put(L "self_attn.extra.weight", 2, 0, 0);
	hf_put_text(&fx_folder, "config.json",
		    "{\"architectures\":[\"LlamaForCausalLM\"]," FX_SIZES "\"a\":0}");
	hf_finish_file(&fx_folder, "model.safetensors");
	err = (struct gguf_error){ 0 };
	assert_int_equal(hf_open_files(fx_folder.file, fx_folder.n, &fx_file, &err), -ENOTSUP);
	assert_non_null(strstr(err.msg, "self_attn.extra.weight: not part of a supported llama"));
	hf_remove(&fx_folder, "model.safetensors");
	hf_put_text(&fx_folder, "pytorch_model.bin", "PK");
	err = (struct gguf_error){ 0 };
	assert_int_equal(hf_open_files(fx_folder.file, fx_folder.n, &fx_file, &err), -ENOTSUP);
	assert_non_null(strstr(err.msg, "pytorch_model.bin: not read (pickled"));
	fx_file = NULL;
	fx_reset();
}

/* Files that are parsed as a whole are bounded by what they are. */
static void test_too_large(void **state)
{
	static const struct {
		const char *name;
		size_t limit;
	} cases[] = {
		{ "config.json", 4 << 20 },
		{ "generation_config.json", 1 << 20 },
		{ "tokenizer_config.json", 16 << 20 },
		{ "model.safetensors.index.json", 64 << 20 },
	};
	char says[128];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct gguf_error err = { 0 };
		char *text = malloc(cases[i].limit + 1);

		assert_non_null(text);
		memset(text, ' ', cases[i].limit + 1);
		fx_put_globals();
		hf_put_text(&fx_folder, "config.json",
			    "{\"architectures\":[\"LlamaForCausalLM\"]," FX_SIZES "\"a\":0}");
		hf_put_text(&fx_folder, "tokenizer.json",
			    "{\"pre_tokenizer\":{\"type\":\"ByteLevel\"}," VOCAB);
		hf_finish_file(&fx_folder, "model.safetensors");
		hf_put(&fx_folder, cases[i].name, text, cases[i].limit + 1);
		free(text);
		assert_int_equal(hf_open_files(fx_folder.file, fx_folder.n, &fx_file, &err),
				 -EINVAL);
		snprintf(says, sizeof(says), "%s: %zu bytes, supported: at most %zu", cases[i].name,
			 cases[i].limit + 1, cases[i].limit);
		if (strcmp(err.msg, says))
			fail_msg("\"%s\", expected \"%s\"", err.msg, says);
		fx_file = NULL;
		fx_reset();
	}
}

#define HYBRID                                                                           \
	"\"mamba_d_conv\":4,\"mamba_n_heads\":1,\"mamba_d_head\":4,\"mamba_d_state\":4," \
	"\"mamba_n_groups\":1,\"embedding_multiplier\":1,\"attention_multiplier\":1,"    \
	"\"residual_multiplier\":1,\"logits_scaling\":1,\"shared_intermediate_size\":6," \
	"\"num_local_experts\":0,\"layer_types\":[\"mamba\"],"

static void put_layer(void)
{
	fx_put(L "self_attn.q_proj.weight", 8, 8, 0);
	fx_put(L "self_attn.k_proj.weight", 4, 8, 0);
	fx_put(L "self_attn.v_proj.weight", 4, 8, 0);
	fx_put(L "self_attn.o_proj.weight", 8, 8, 0);
	fx_put(L "mlp.up_proj.weight", 6, 8, 0);
}

/* What config.json says is there. */
static void test_promised(void **state)
{
	static const struct {
		const char *class, *config;
		const char *there[3]; /* beside the layer's matrices */
		const char *says;     /* NULL: it is opened */
	} cases[] = {
		{ "LlamaForCausalLM", "\"tie_word_embeddings\":true", { NULL }, NULL },
		{ "LlamaForCausalLM", "\"a\":0", { NULL }, NULL },
		{ "LlamaForCausalLM",
		  "\"tie_word_embeddings\":false",
		  { NULL },
		  "tensor lm_head.weight: missing, config.json: tie_word_embeddings is false" },
		{ "LlamaForCausalLM", "\"tie_word_embeddings\":false", { "lm_head.weight" }, NULL },
		{ "Rwkv6ForCausalLM",
		  "\"layer_norm_epsilon\":1e-5,\"head_size\":4,\"tie_word_embeddings\":false",
		  { "rwkv.blocks.0.attention.time_maa_w1",
		    "rwkv.blocks.0.attention.time_decay_w1" },
		  "tensor head.weight: missing" },
		{ "LlamaForCausalLM", "\"attention_bias\":false", { NULL }, NULL },
		{ "LlamaForCausalLM",
		  "\"attention_bias\":true",
		  { NULL },
		  "tensor " L
		  "self_attn.q_proj.bias: missing, config.json: attention_bias is true" },
		{ "LlamaForCausalLM",
		  "\"attention_bias\":true",
		  { L "self_attn.q_proj.bias", L "self_attn.k_proj.bias" },
		  "tensor " L "self_attn.v_proj.bias: missing" },
		{ "LlamaForCausalLM",
		  "\"attention_bias\":true",
		  { L "self_attn.q_proj.bias", L "self_attn.k_proj.bias",
		    L "self_attn.v_proj.bias" },
		  NULL },
		{ "Qwen2ForCausalLM",
		  "\"a\":0",
		  { L "self_attn.q_proj.bias", L "self_attn.v_proj.bias" },
		  "tensor " L "self_attn.k_proj.bias: missing, config.json: qkv_bias is absent" },
		{ "Qwen2ForCausalLM", "\"qkv_bias\":false", { NULL }, NULL },
		{ "GraniteMoeHybridForCausalLM",
		  HYBRID "\"mamba_conv_bias\":true",
		  { L "mamba.conv1d.weight" },
		  "tensor " L "mamba.conv1d.bias: missing, config.json: mamba_conv_bias is true" },
		{ "GraniteMoeHybridForCausalLM",
		  HYBRID "\"mamba_conv_bias\":true",
		  { L "mamba.conv1d.weight", L "mamba.conv1d.bias" },
		  NULL },
		{ "GraniteMoeHybridForCausalLM",
		  HYBRID "\"mamba_conv_bias\":false",
		  { L "mamba.conv1d.weight" },
		  NULL },
		{ "Qwen3ForCausalLM",
		  "\"attention_bias\":true",
		  { NULL },
		  "tensor " L "self_attn.q_proj.bias: missing" },
		{ "LlamaForCausalLM",
		  "\"mlp_bias\":true",
		  { NULL },
		  "tensor " L "mlp.up_proj.bias: missing, config.json: mlp_bias is true" },
	};
	size_t i, k;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct gguf_error err = { 0 };
		char config[1024];
		int rc;

		fx_put_globals();
		/* other names */
		if (strncmp(cases[i].class, "Granite", 7))
			put_layer();
		for (k = 0; k < 3 && cases[i].there[k]; k++) {
			const char *name = cases[i].there[k];
			bool bias = strstr(name, ".bias");

			if (strstr(name, "conv1d.weight"))
				fx_put(name, 4, 1, 4);
			else
				fx_put(name,
				       strstr(name, "q_proj") ? 8
				       : bias		      ? 4
							      : 5,
				       bias ? 0 : 8, 0);
		}
		snprintf(config, sizeof(config), "{\"architectures\":[\"%s\"]," FX_SIZES "%s}",
			 cases[i].class, cases[i].config);
		hf_put_text(&fx_folder, "config.json", config);
		hf_finish_file(&fx_folder, "model.safetensors");
		rc = hf_open_files(fx_folder.file, fx_folder.n, &fx_file, &err);
		if (rc != (cases[i].says ? -EINVAL : 0) || (rc && !strstr(err.msg, cases[i].says)))
			fail_msg("case %zu: %d \"%s\", expected \"%s\"", i, rc, err.msg,
				 cases[i].says ? cases[i].says : "");
		if (rc)
			fx_file = NULL;
		fx_reset();
	}
	/* a matrix of its own counts where most models have none */
	fx_put_globals();
	fx_put("lm_head.weight", 5, 8, 0);
	fx_open_folder("{\"architectures\":[\"GemmaForCausalLM\"],\"max_position_embeddings\":64,"
		       "\"hidden_size\":8,\"num_hidden_layers\":1,\"intermediate_size\":6,"
		       "\"num_attention_heads\":2,\"vocab_size\":5,\"rms_norm_eps\":1e-6,"
		       "\"hidden_activation\":\"gelu_pytorch_tanh\","
		       "\"tie_word_embeddings\":false}");
	fx_copied("output.weight", "lm_head.weight", 8, 5);
	fx_reset();
}

#define MIXTRAL(layers, experts)                                                           \
	"{\"architectures\":[\"MixtralForCausalLM\"],\"max_position_embeddings\":64,"      \
	"\"hidden_size\":8,\"num_hidden_layers\":" layers ",\"intermediate_size\":6,"      \
	"\"num_attention_heads\":2,\"num_key_value_heads\":1,\"vocab_size\":5,"            \
	"\"rms_norm_eps\":1e-6,\"hidden_act\":\"silu\",\"num_local_experts\":" experts "," \
	"\"num_experts_per_tok\":2}"
#define EXPERT(n) L "block_sparse_moe.experts." n ".w1.weight"

/* The work is bounded by the tensors that are there, not by what config.json claims. */
static void test_many_experts(void **state)
{
	clock_t from = clock();

	(void)state;
	fx_put_globals();
	fx_open_folder(MIXTRAL("4096", "65536"));
	fx_reset();
	assert_true(clock() - from < 20 * CLOCKS_PER_SEC);
	fx_put_globals();
	fx_put(EXPERT("0"), 6, 8, 0);
	fx_put(EXPERT("2"), 6, 8, 0);
	fx_refused(MIXTRAL("1", "3"), -EINVAL, EXPERT("1") ": missing, others of its kind");
	fx_put_globals();
	fx_put(EXPERT("1"), 6, 8, 0);
	fx_put(EXPERT("2"), 6, 8, 0);
	fx_refused(MIXTRAL("1", "3"), -EINVAL, EXPERT("0") ": missing, others of its kind");
	fx_put_globals();
	fx_put(EXPERT("2"), 6, 8, 0);
	fx_refused(MIXTRAL("1", "3"), -ENOTSUP, EXPERT("2") ": not part of a supported llama");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_promised),
		cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_many_experts),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
