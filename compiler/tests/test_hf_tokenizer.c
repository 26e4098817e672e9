// SPDX-License-Identifier: MIT
/* tokenizer.json and its companions as keys. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/tests/hf_fixture.h"
#include "tokenizer_recipe.h"

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
	fx_put_globals();
	hf_put_text(&fx_folder, "tokenizer.json", tokenizer);
	if (config)
		hf_put_text(&fx_folder, "tokenizer_config.json", config);
	fx_open_folder("{\"architectures\":[\"Qwen2ForCausalLM\"]," FX_SIZES "\"eos_token_id\":3}");
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
		fx_key_str("tokenizer.ggml.model", "gpt2");
		fx_key_str("tokenizer.ggml.pre", kinds[i].name);
		fx_reset();
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
	fx_key_str("tokenizer.chat_template", "{{ messages }}");
	fx_key_u32("tokenizer.ggml.bos_token_id", 3);
	fx_key_u32("tokenizer.ggml.eos_token_id", 3);
	assert_int_equal(gguf_get_bool(fx_file, "tokenizer.ggml.add_bos_token", &flag, NULL), 0);
	assert_true(flag);
	assert_int_equal(gguf_get_bool(fx_file, "tokenizer.ggml.add_eos_token", &flag, NULL), 0);
	assert_false(flag);
	assert_int_equal(gguf_get_arr(fx_file, "tokenizer.ggml.merges", &a, NULL), 0);
	assert_int_equal(gguf_arr_str(&a, 0, &s), 0);
	assert_true(gguf_str_eq(s, "a b"));
	assert_int_equal(gguf_get_arr(fx_file, "tokenizer.ggml.tokens", &a, NULL), 0);
	assert_int_equal(a.count, 6);
	assert_int_equal(gguf_arr_str(&a, 4, &s), 0);
	assert_true(gguf_str_eq(s, "[PAD4]"));
	assert_int_equal(gguf_get_arr(fx_file, "tokenizer.ggml.token_type", &a, NULL), 0);
	for (i = 0; i < 6; i++) {
		assert_int_equal(gguf_arr_i64(&a, i, &type), 0);
		assert_int_equal(type, types[i]);
	}
	fx_reset();
}

/* A stage of a recipe as JSON: its code points as escapes, of which the larger ones are two. */
static void put_stage(char *to, size_t room, const char *expr)
{
	size_t n = 0;

	n += (size_t)snprintf(to, room,
			      "{\"type\":\"Split\",\"behavior\":\"Isolated\","
			      "\"pattern\":{\"Regex\":\"");
	while (*expr && n + 16 < room) {
		if (!strncmp(expr, "\\x{", 3)) {
			n += (size_t)snprintf(to + n, room - n, "\\u%04lx",
					      strtoul(expr + 3, NULL, 16));
			expr = strchr(expr, '}') + 1;
		} else if (*expr == '\n' || *expr == '\r') {
			n += (size_t)snprintf(to + n, room - n, "\\%c",
					      *expr++ == '\n' ? 'n' : 'r');
		} else {
			if (*expr == '\\')
				to[n++] = '\\';
			to[n++] = *expr++;
		}
	}
	snprintf(to + n, room - n, "\"}},");
}

/* The older DeepSeek models are llamas; their expressions have letters as ranges. */
static void test_deepseek(void **state)
{
	static const struct {
		enum tokenizer_pre_kind kind;
		const char *name;
	} kinds[] = {
		{ TOKENIZER_PRE_DEEPSEEK_LLM, "deepseek-llm" },
		{ TOKENIZER_PRE_DEEPSEEK_CODER, "deepseek-coder" },
	};
	static char text[16384];
	size_t i, k, n;

	(void)state;
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		const struct tokenizer_recipe *r = &tokenizer_recipe[kinds[i].kind];

		n = (size_t)snprintf(text, sizeof(text),
				     "{\"pre_tokenizer\":{\"type\":\"Sequence\","
				     "\"pretokenizers\":[");
		/* the last one is said as digits, each on its own */
		for (k = 0; k + 1 < TOKENIZER_MAX_STAGES && r->expr[k + 1]; k++) {
			put_stage(text + n, sizeof(text) - n, r->expr[k]);
			n += strlen(text + n);
		}
		snprintf(text + n, sizeof(text) - n,
			 "{\"type\":\"Digits\",\"individual_digits\":true}," BYTES "]}," VOCAB);
		fx_put_globals();
		hf_put_text(&fx_folder, "tokenizer.json", text);
		fx_open_folder("{\"architectures\":[\"LlamaForCausalLM\"]," FX_SIZES
			       "\"eos_token_id\":3}");
		fx_key_str("general.architecture", "llama");
		fx_key_str("tokenizer.ggml.model", "gpt2");
		fx_key_str("tokenizer.ggml.pre", kinds[i].name);
		fx_reset();
	}
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
	fx_key_str("tokenizer.ggml.model", "llama");
	assert_int_equal(gguf_get_bool(fx_file, "tokenizer.ggml.add_space_prefix", &flag, NULL), 0);
	assert_false(flag);
	fx_reset();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bpe),
		cmocka_unit_test(test_deepseek),
		cmocka_unit_test(test_spm),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
