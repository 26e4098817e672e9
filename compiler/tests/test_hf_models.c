// SPDX-License-Identifier: MIT
/*
 * Every architecture of docs/models.md: a random model as a GGUF file and as a folder with all of
 * its class's conversions undone give the same image.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/quant/ggml_types.h"
#include "compiler/tests/gguf_walk.h"
#include "compiler/tests/hf_same.h"
#include "image.h"
#include "tests/models/shapes.h"
#include "tests/models/synth_ssm.h"

/* Of shapes.c; those left out have something that no folder says. */
static const char *const transformers[] = {
	"llama-mha",
	"llama-gqa-freqs",
	"llama-d64-yarn",
	"llama-moe8x2",
	"qwen2-d8",
	"qwen3-d20",
	"gemma",
	"gemma2",
	"gemma3",
	"gemma3-wide",
	"olmo2",
	"olmo2-window-yarn",
	"granite",
	"phi3-long",
	"phi3-short-window",
	"starcoder2",
	"gpt2",
	"qwen3moe-7x1",
	"qwen2moe-12x4",
	"olmoe",
	"granitemoe",
	"granitemoe-plain",
	"afmoe",
	"afmoe-softmax",
	"gpt-oss",
	"deepseek2-lite",
	"deepseek2-groups",
	"openelm",
};

/* Of synth_ssm.c. */
static const char *const recurrent[] = {
	"mamba-plain",
	"mamba-odd",
	"mamba2-plain",
	"mamba2-groups",
	"jamba-pattern",
	"granitehybrid-plain",
	"granitehybrid-odd",
	"nemotron_h-plain",
	"falcon-h1-plain",
	"falcon-h1-no-norm",
	"falcon-h1-plain-conv",
	"nemotron_h-plain-conv",
	"granitehybrid-plain-conv",
	"rwkv7-plain",
	"rwkv7-odd",
	"rwkv6-plain",
	"rwkv6-odd",
	"qwen3next-plain",
	"qwen35-plain",
	"qwen35-parts",
	"jamba-experts",
	"granitehybrid-experts",
	"nemotron_h_moe-latent",
	"nemotron_h_moe-odd",
	"qwen3next-experts",
	"qwen35moe",
};

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))
#define CONTEXT	    64

static struct {
	char arch[32];
	bool experts;
} seen[64];
static size_t n_seen;

static void compare(const char *name, const char *arch, bool experts, uint8_t *data, size_t size)
{
	/* these vocabularies' scores are not ranks of merges */
	static const uint32_t skip[] = { IG1_SEC_TOKENIZER, 0 };
	struct gguf_file *f;
	struct hf_folder d;

	assert_int_equal(gguf_open_mem(data, size, &f, NULL), 0);
	hf_make_exact(f);
	hf_from_gguf(&d, f, 1);
	hf_same("gguf", data, size, &d, CONTEXT, skip, name);
	hf_folder_free(&d);
	gguf_close(f);
	free(data);
	assert_true(n_seen < COUNT(seen));
	snprintf(seen[n_seen].arch, sizeof(seen[0].arch), "%s", arch);
	seen[n_seen++].experts = experts;
}

static struct synth_model shape(const char *name)
{
	size_t i;

	for (i = 0; i < n_shapes; i++) {
		if (!strcmp(shapes[i].name, name))
			return shapes[i];
	}
	fail_msg("no shape %s", name);
	return shapes[0];
}

static void test_transformers(void **state)
{
	static const uint32_t types[] = { GGML_TYPE_F32, GGML_TYPE_BF16, GGML_TYPE_F16 };
	size_t i, size;
	uint8_t *data;

	(void)state;
	for (i = 0; i < COUNT(transformers); i++) {
		struct synth_model m = shape(transformers[i]);

		m.type = types[i % COUNT(types)];
		m.type2 = 0;
		if (!strcmp(m.arch, "llama"))
			m.rope_freqs = false; /* computed from rope_scaling: test_hf_archs */
		if (!strcmp(m.arch, "gpt-oss")) {
			m.expert_type = GGML_TYPE_MXFP4;
			m.ff = m.expert_ff = 64;
		}
		assert_int_equal(synth_build(&m, &data, &size), 0);
		compare(m.name, m.arch, m.experts, data, size);
	}
}

static struct synth_ssm ssm_shape(const char *name)
{
	size_t i;

	for (i = 0; i < n_ssm_shapes; i++) {
		if (!strcmp(ssm_shapes[i].name, name))
			return ssm_shapes[i];
	}
	fail_msg("no shape %s", name);
	return ssm_shapes[0];
}

static void test_recurrent(void **state)
{
	size_t i, size;
	uint8_t *data;

	(void)state;
	for (i = 0; i < COUNT(recurrent); i++) {
		struct synth_ssm m = ssm_shape(recurrent[i]);

		m.type = GGML_TYPE_F32;
		if (!strcmp(m.arch, "jamba"))
			m.inner = 2 * m.width; /* the config has the factor */
		if (!strcmp(m.arch, "nemotron_h_moe") && m.weights_scale == 0)
			m.weights_scale = 1; /* as the config says it */
		assert_int_equal(synth_ssm_build(&m, &data, &size), 0);
		compare(m.name, m.arch, m.experts, data, size);
	}
}

/* Mistral's window: as the GGUF key has it, and not the same as none. */
static void test_window(void **state)
{
	static const char *const names[] = { "llama-mha", "llama-moe8x2" };
	static const char key[] = "\"sliding_window\": 8";
	size_t i, size;

	(void)state;
	for (i = 0; i < COUNT(names); i++) {
		struct synth_model m = shape(names[i]);
		struct hf_folder d, null;
		const struct gguf_part *config;
		struct gguf_file *f;
		uint8_t *data;
		char *text, *at, *other;

		m.type = GGML_TYPE_F32;
		m.window = 8;
		assert_int_equal(synth_build(&m, &data, &size), 0);
		assert_int_equal(gguf_open_mem(data, size, &f, NULL), 0);
		hf_from_gguf(&d, f, 1);
		hf_from_gguf(&null, f, 1);
		config = hf_find(&null, "config.json");
		text = strndup((const char *)config->data, config->size);
		assert_non_null(text);
		at = strstr(text, key);
		assert_non_null(at);
		assert_non_null(strstr(text, m.experts ? "Mixtral" : "Mistral"));
		*at = '\0';
		assert_true(asprintf(&other, "%s\"sliding_window\": null%s", text,
				     at + strlen(key)) > 0);
		hf_put_text(&null, "config.json", other);
		free(other);
		free(text);
		assert_false(hf_is_same(&d, &null, CONTEXT));
		hf_folder_free(&null);
		hf_folder_free(&d);
		gguf_close(f);
		compare(m.name, m.arch, m.experts, data, size);
	}
}

/* Replaced in a file of the folder, everywhere; what is left at its end are spaces. */
static void put_instead(uint8_t *text, size_t n, const char *from, const char *to)
{
	size_t old = strlen(from), len = strlen(to);
	uint8_t *at = text, *end = text + n;

	assert_true(len <= old);
	while ((at = memmem(at, (size_t)(end - at), from, old))) {
		memcpy(at, to, len);
		at += len;
		memmove(at, at + old - len, (size_t)(end - at) - (old - len));
		memset(end - (old - len), ' ', old - len);
	}
}

/* gpt2 as published, without "transformer." before its names. */
static void test_bare_names(void **state)
{
	struct synth_model m = shape("gpt2");
	struct hf_folder d, bare;
	struct gguf_file *f;
	uint8_t *data, *p;
	uint64_t n;
	size_t size;

	(void)state;
	m.type = GGML_TYPE_F32;
	assert_int_equal(synth_build(&m, &data, &size), 0);
	assert_int_equal(gguf_open_mem(data, size, &f, NULL), 0);
	hf_from_gguf(&d, f, 1);
	hf_from_gguf(&bare, f, 1);
	p = (uint8_t *)hf_find(&bare, "model.safetensors")->data;
	memcpy(&n, p, sizeof(n));
	assert_non_null(memmem(p + 8, n, "\"transformer.h.0.ln_1", 21));
	put_instead(p + 8, n, "\"transformer.", "\"");
	assert_null(memmem(p + 8, n, "transformer", 11));
	assert_true(hf_is_same(&d, &bare, CONTEXT));
	hf_folder_free(&d);
	hf_folder_free(&bare);
	gguf_close(f);
	free(data);
}

/* falcon-h1: tied is the same as with a copy of the embedding's matrix. */
static void test_tied_scaled(void **state)
{
	struct synth_ssm m = ssm_shape("falcon-h1-plain");
	const struct gguf_tensor *in, *out;
	struct hf_folder d, tied;
	struct gguf_file *f;
	const struct gguf_part *p;
	uint8_t *data;
	size_t size, i;

	(void)state;
	m.type = GGML_TYPE_F32;
	assert_int_equal(synth_ssm_build(&m, &data, &size), 0);
	assert_int_equal(gguf_open_mem(data, size, &f, NULL), 0);
	hf_make_exact(f);
	in = gguf_find_tensor(f, "token_embd.weight");
	out = gguf_find_tensor(f, "output.weight");
	assert_true(in && out && in->elements == out->elements);
	/* the folder's multipliers are 4 and 1/8 */
	for (i = 0; i < in->elements; i++) {
		float v;

		memcpy(&v, in->data + 4 * i, sizeof(v));
		v /= 32;
		memcpy((uint8_t *)out->data + 4 * i, &v, sizeof(v));
	}
	hf_from_gguf(&d, f, 1);
	hf_from_gguf(&tied, f, 1);
	p = hf_find(&tied, "config.json");
	assert_non_null(memmem(p->data, p->size, "\"tie_word_embeddings\": false", 28));
	put_instead((uint8_t *)p->data, p->size, "\"tie_word_embeddings\": false",
		    "\"tie_word_embeddings\": true");
	assert_true(hf_is_same(&d, &tied, CONTEXT));
	hf_folder_free(&tied);
	hf_folder_free(&d);
	gguf_close(f);
	free(data);
}

/* Messages about a folder's tensors have its names. */
static void test_names(void **state)
{
	static const struct {
		const char *from, *to, *says;
	} cases[] = {
		{ "\"intermediate_size\": 100", "\"intermediate_size\": 101",
		  "tensor blk.0.ffn_gate.weight (model.layers.0.mlp.gate_proj.weight): shape 72 x "
		  "100, expected 72 x 101" },
		{ "\"num_hidden_layers\": 2", "\"num_hidden_layers\": 3",
		  "tensor blk.2.attn_norm.weight (model.layers.2.input_layernorm.weight): missing" },
	};
	struct synth_model m = shape("llama-mha");
	struct gguf_file *f;
	uint8_t *data;
	size_t i, size;

	(void)state;
	m.type = GGML_TYPE_F32;
	assert_int_equal(synth_build(&m, &data, &size), 0);
	assert_int_equal(gguf_open_mem(data, size, &f, NULL), 0);
	for (i = 0; i < COUNT(cases); i++) {
		const struct gguf_part *config;
		struct hf_folder d;
		char *text, *at;

		hf_from_gguf(&d, f, 1);
		config = hf_find(&d, "config.json");
		text = strndup((const char *)config->data, config->size);
		assert_non_null(text);
		at = strstr(text, cases[i].from);
		assert_non_null(at);
		memcpy(at, cases[i].to, strlen(cases[i].to));
		hf_put_text(&d, "config.json", text);
		free(text);
		hf_refused(&d, cases[i].says);
		hf_folder_free(&d);
	}
	gguf_close(f);
	free(data);
}

/* The table's first column: an architecture, or "NAME, experts". */
static void test_all_of_the_table(void **state)
{
	char path[512], line[512], arch[32], rest[32];
	size_t found = 0, i;
	bool experts;
	FILE *f;

	(void)state;
	snprintf(path, sizeof(path), "%s/docs/models.md", gguf_source_root());
	f = fopen(path, "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "| %31[^,| ]%31[^|]| yes |", arch, rest) != 2 ||
		    !strstr(line, "| yes |"))
			continue;
		experts = strstr(rest, "experts");
		/* of this project, as GGUF files alone */
		if (!strcmp(arch, "sqla"))
			continue;
		for (i = 0; i < n_seen; i++) {
			if (!strcmp(seen[i].arch, arch) && (seen[i].experts || !experts))
				break;
		}
		if (i == n_seen)
			fail_msg("%s%s: no folder was compiled", arch, experts ? ", experts" : "");
		found++;
	}
	fclose(f);
	assert_true(found >= 28);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_transformers),	 cmocka_unit_test(test_recurrent),
		cmocka_unit_test(test_window),		 cmocka_unit_test(test_names),
		cmocka_unit_test(test_bare_names),	 cmocka_unit_test(test_tied_scaled),
		cmocka_unit_test(test_all_of_the_table),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, hf_same_setup, hf_same_teardown);
}
