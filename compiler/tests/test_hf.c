// SPDX-License-Identifier: MIT
/* Folders with safetensors compile to what the GGUF file of the same model compiles to. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/quant/ggml_types.h"
#include "compiler/tests/gguf_walk.h"
#include "compiler/tests/hf_same.h"
#include "image.h"
#include "tests/models/synth.h"

/* Every way in which matrices of the dense architectures lie in a file. */
static void test_same_as_gguf(void **state)
{
	static const struct synth_model models[] = {
		{ .name = "mha",
		  .arch = "llama",
		  .layers = 2,
		  .width = 64,
		  .heads = 4,
		  .kv_heads = 4,
		  .ff = 96,
		  .vocab = 300,
		  .context = 64,
		  .tied = true,
		  .eps = 1e-5f,
		  .type = GGML_TYPE_F32,
		  .seed = 1 },
		{ .name = "gqa",
		  .arch = "llama",
		  .layers = 2,
		  .width = 72,
		  .heads = 6,
		  .kv_heads = 2,
		  .head_size = 20,
		  .ff = 100,
		  .vocab = 97,
		  .context = 64,
		  .eps = 1e-6f,
		  .bias = SYNTH_BIAS_ALL,
		  .rope_base = 500000,
		  .type = GGML_TYPE_BF16,
		  .seed = 2 },
		{ .name = "linear",
		  .arch = "llama",
		  .layers = 1,
		  .width = 64,
		  .heads = 4,
		  .kv_heads = 1,
		  .ff = 64,
		  .vocab = 64,
		  .context = 64,
		  .eps = 1e-5f,
		  .scaling = "linear",
		  .factor = 4,
		  .type = GGML_TYPE_F16,
		  .seed = 3 },
		{ .name = "yarn",
		  .arch = "llama",
		  .layers = 1,
		  .width = 64,
		  .heads = 2,
		  .kv_heads = 1,
		  .head_size = 64,
		  .ff = 64,
		  .vocab = 64,
		  .context = 128,
		  .eps = 1e-5f,
		  .scaling = "yarn",
		  .factor = 4,
		  .original = 32,
		  .beta_fast = 16,
		  .beta_slow = 2,
		  .type = GGML_TYPE_BF16,
		  .seed = 4 },
		{ .name = "q2",
		  .arch = "qwen2",
		  .layers = 2,
		  .width = 64,
		  .heads = 8,
		  .kv_heads = 2,
		  .ff = 96,
		  .vocab = 300,
		  .context = 64,
		  .bias = SYNTH_BIAS_ALL,
		  .eps = 1e-6f,
		  .rope_base = 1e6f,
		  .type = GGML_TYPE_BF16,
		  .seed = 5 },
		{ .name = "q3",
		  .arch = "qwen3",
		  .layers = 2,
		  .width = 40,
		  .heads = 4,
		  .kv_heads = 2,
		  .head_size = 16,
		  .ff = 56,
		  .vocab = 300,
		  .context = 64,
		  .tied = true,
		  .eps = 1e-6f,
		  .type = GGML_TYPE_F16,
		  .seed = 6 },
	};
	/* these vocabularies' scores are not ranks of merges */
	static const uint32_t skip[] = { IG1_SEC_TOKENIZER, 0 };
	size_t i, shards;

	(void)state;
	for (i = 0; i < sizeof(models) / sizeof(models[0]); i++) {
		for (shards = 1; shards <= 3; shards += 2) {
			struct hf_folder d;
			struct gguf_file *f;
			uint8_t *data;
			size_t size;

			assert_int_equal(synth_build(&models[i], &data, &size), 0);
			assert_int_equal(gguf_open_mem(data, size, &f, NULL), 0);
			hf_from_gguf(&d, f, (unsigned int)shards);
			hf_same("gguf", data, size, &d, 0, skip, models[i].name);
			hf_folder_free(&d);
			gguf_close(f);
			free(data);
		}
	}
}

/* The same with a text part that is wrapped in each of the ways there are. */
static void test_text_part(void **state)
{
	static const struct {
		const char *arch;
		struct hf_wrapping w;
	} cases[] = {
		{ "llama",
		  { "LlavaForConditionalGeneration", "llama", "language_model.model.",
		    "language_model." } },
		{ "llama",
		  { "Mistral3ForConditionalGeneration", "mistral", "language_model.model.",
		    "language_model." } },
		{ "qwen3",
		  { "Qwen3VLForConditionalGeneration", "qwen3_vl_text", "model.language_model.",
		    "" } },
		{ "llama",
		  { "SmolVLMForConditionalGeneration", "llama", "model.text_model.", "" } },
		{ "gemma3",
		  { "Gemma3ForConditionalGeneration", "gemma3_text", "language_model.model.",
		    "language_model." } },
	};
	static const uint32_t skip[] = { IG1_SEC_TOKENIZER, 0 };
	struct synth_model m = { .name = "text",
				 .layers = 2,
				 .width = 64,
				 .heads = 4,
				 .kv_heads = 2,
				 .head_size = 16,
				 .ff = 96,
				 .vocab = 300,
				 .context = 64,
				 .eps = 1e-5f,
				 .type = GGML_TYPE_BF16,
				 .seed = 8 };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct hf_folder d;
		struct gguf_file *f;
		uint8_t *data;
		size_t size;

		m.arch = cases[i].arch;
		if (!strcmp(m.arch, "gemma3")) {
			m.tied = true;
			m.head_size = 256; /* where the class' scale of scores is the usual one */
			m.window = 32;
		}
		assert_int_equal(synth_build(&m, &data, &size), 0);
		assert_int_equal(gguf_open_mem(data, size, &f, NULL), 0);
		hf_make_exact(f);
		hf_from_gguf(&d, f, 1 + 2 * (i % 2));
		hf_wrap(&d, &cases[i].w);
		hf_same("gguf", data, size, &d, 0, skip, cases[i].w.class);
		hf_folder_free(&d);
		gguf_close(f);
		free(data);
	}
}

/*
 * Trained models, their Q8_0 written as F32: the ROM comes out with the same bytes, and the
 * tokenizer too. The tensor table and the graph say which type the file had.
 */
static void test_demo_models(void **state)
{
	static const char *const names[] = { "tinyqwen2-Q8_0", "tinyqwen3-Q8_0" };
	static const uint32_t skip[] = { IG1_SEC_TENSORS, IG1_SEC_GRAPH, 0 };
	char path[512];
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		struct hf_folder d;
		struct gguf_file *f;

		snprintf(path, sizeof(path), "%s/models/%s.gguf", gguf_source_root(), names[i]);
		assert_int_equal(gguf_open_file(path, &f, NULL), 0);
		hf_from_gguf(&d, f, 1 + (unsigned int)i);
		hf_same(path, NULL, 0, &d, 0, skip, names[i]);
		hf_folder_free(&d);
		gguf_close(f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_as_gguf),
		cmocka_unit_test(test_text_part),
		cmocka_unit_test(test_demo_models),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, hf_same_setup, hf_same_teardown);
}
