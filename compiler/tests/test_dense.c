// SPDX-License-Identifier: MIT
/*
 * The dense families: programs do not grow with the depth of a model whose layers repeat, one by one or
 * in a pattern; what a file gets wrong is named. What the programs compute is tests/models' affair.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/quant/ggml_types.h"
#include "compiler/tests/gguf_writer.h"
#include "compiler/tests/model_run.h"
#include "tests/models/synth.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* clang-format off */
static const struct synth_model models[] = {
	{ .arch = "gemma", .layers = 2 },
	{ .arch = "gemma2", .layers = 4, .window = 24 },
	{ .arch = "gemma3", .layers = 12, .window = 24 },
	{ .arch = "olmo2", .layers = 2 },
	{ .arch = "olmo2", .layers = 8, .window = 40, .scaling = "yarn", .factor = 2 },
	{ .arch = "granite", .layers = 2, .residual_scale = 0.25f, .embd_scale = 3 },
	{ .arch = "granite", .layers = 2, .residual_scale = 0.25f, .bias = SYNTH_BIAS_ALL },
	{ .arch = "phi3", .layers = 2, .rope_freqs = true, .original = 64 },
	{ .arch = "starcoder2", .layers = 2, .bias = SYNTH_BIAS_ALL, .window = 20 },
	{ .arch = "gpt2", .layers = 2, .bias = SYNTH_BIAS_ALL },
	{ .arch = "llama", .layers = 2, .sinks = true, .window = 30 },
};
/* clang-format on */

static struct synth_model filled(const struct synth_model *m, uint32_t layers)
{
	struct synth_model d = *m;

	d.layers = layers;
	d.width = 32;
	d.heads = 2;
	d.kv_heads = 1;
	d.ff = 32;
	d.vocab = 64;
	d.context = 512;
	d.eps = 1e-5f;
	d.type = GGML_TYPE_Q8_0;
	return d;
}

static int compile(uint8_t *data, size_t size, struct compile_result *r)
{
	const struct compile_options o = {
		.model = "model", .data = data, .size = size, .chip = compile_chip("small")
	};

	return compile_model(&o, r);
}

static void commands(const struct synth_model *m, uint32_t layers, size_t n[IG1_PROGS],
		     size_t *single)
{
	const struct synth_model d = filled(m, layers);
	struct compile_result r;
	uint8_t *data;
	size_t size;
	unsigned int k;

	assert_int_equal(synth_build(&d, &data, &size), 0);
	if (compile(data, size, &r))
		fail_msg("%s: %s", d.arch, r.model.diag.msg);
	for (k = 0; k < IG1_PROGS; k++)
		n[k] = r.code.prog[k].n_cmds;
	/* of the version for one column, which the first command goes past */
	*single = r.code.prog[IG1_PROG_DECODE].cmds[0].u.seq.len;
	compile_free(&r);
	free(data);
}

static void test_depth(void **state)
{
	size_t i, a[IG1_PROGS], b[IG1_PROGS], single;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(models); i++) {
		commands(&models[i], models[i].layers, a, &single);
		commands(&models[i], 3 * models[i].layers, b, &single);
		print_message("# %-10s %2u layers: %zu and %zu commands\n", models[i].arch,
			      models[i].layers, a[0], a[1]);
		if (memcmp(a, b, sizeof(a)))
			fail_msg("%s: %zu and %zu commands for %u layers, %zu and %zu for three "
				 "times as many",
				 models[i].arch, a[0], a[1], models[i].layers, b[0], b[1]);
		if (single > CG_CACHE_CMDS)
			fail_msg("%s: %zu commands for a token, the sequencer keeps %u",
				 models[i].arch, single, CG_CACHE_CMDS);
	}
}

static const struct {
	struct synth_model keys, tensors; /* tensors without an arch: the same */
	int ret;
	const char *says;
} files[] = {
	{ { .arch = "gemma2", .attn_cap = -1 },
	  { 0 },
	  -EINVAL,
	  "key gemma2.attn_logit_softcapping: -1, supported" },
	{ { .arch = "gemma", .attn_cap = 20 },
	  { 0 },
	  -ENOTSUP,
	  "key gemma.attn_logit_softcapping: not supported" },
	{ { .arch = "gemma", .attn_scale = 1e9f },
	  { 0 },
	  -EINVAL,
	  "key gemma.attention.scale: 1e+09, supported: 0, 1e-6 to 1e6" },
	{ { .arch = "gemma3", .final_cap = 1e9f },
	  { 0 },
	  -EINVAL,
	  "key gemma3.final_logit_softcapping: 1e+09" },
	{ { .arch = "gemma3", .window = 20, .base_win = -3 },
	  { 0 },
	  -EINVAL,
	  "key gemma3.rope.freq_base_swa: -3" },
	{ { .arch = "granite", .logit_scale = 1e9f },
	  { 0 },
	  -EINVAL,
	  "key granite.logit_scale: 1e+09" },
	/* windows of architectures without them: 512 positions hide nothing */
	{ { .arch = "qwen3", .window = 8 },
	  { 0 },
	  -ENOTSUP,
	  "key qwen3.attention.sliding_window: 8, supported for qwen3: the key absent, 0, or the "
	  "context's 512 and more" },
	{ { .arch = "granite", .window = 511 }, { 0 }, -ENOTSUP, "granite.attention.sliding" },
	{ { .arch = "gpt2", .bias = SYNTH_BIAS_ALL, .window = 20 },
	  { 0 },
	  -ENOTSUP,
	  "key gpt2.attention.sliding_window: 20" },
	{ { .arch = "qwen3", .window = 512 }, { 0 }, 0, NULL },
	{ { .arch = "qwen3", .window = 4096 }, { 0 }, 0, NULL },
	{ { .arch = "llama", .window = 8 }, { 0 }, 0, NULL },
	{ { .arch = "llama", .logit_scale = 2 }, { 0 }, -ENOTSUP, "key llama.logit_scale" },
	{ { .arch = "olmo2" },
	  { .arch = "gemma2" },
	  -EINVAL,
	  "tensor blk.0.attn_q_norm.weight: missing" },
	{ { .arch = "olmo2" },
	  { .arch = "qwen3" },
	  -EINVAL,
	  "tensor blk.0.attn_q_norm.weight: shape 16 x 1, expected 32 x 1" },
	{ { .arch = "gemma" },
	  { .arch = "gemma2" },
	  -ENOTSUP,
	  "tensor blk.0.post_attention_norm.weight: not part of a supported gemma model" },
	{ { .arch = "gpt2" },
	  { .arch = "starcoder2" },
	  -EINVAL,
	  "tensor position_embd.weight: missing" },
	{ { .arch = "starcoder2", .bias = SYNTH_BIAS_ALL },
	  { .arch = "gpt2", .bias = SYNTH_BIAS_ALL },
	  -ENOTSUP,
	  "tensor position_embd.weight: not part of a supported starcoder2 model" },
	{ { .arch = "llama", .rope_freqs = false },
	  { .arch = "phi3" },
	  -EINVAL,
	  "tensor blk.0.ffn_gate.weight: missing" },
	{ { .arch = "gpt2", .bias = SYNTH_BIAS_ALL },
	  { .arch = "gpt2" },
	  -EINVAL,
	  "tensor blk.0.attn_qkv.bias: missing" },
	{ { .arch = "starcoder2" }, { 0 }, -EINVAL, "tensor blk.0.attn_output.bias: missing" },
	{ { .arch = "starcoder2", .bias = SYNTH_BIAS_O },
	  { 0 },
	  -EINVAL,
	  "tensor blk.0.ffn_up.bias: missing" },
	{ { .arch = "phi3" }, { .arch = "llama" }, 0, NULL },
	{ { .arch = "llama", .scaling = "longrope" },
	  { 0 },
	  -ENOTSUP,
	  "key llama.rope.scaling.type: \"longrope\", supported: none, linear, yarn" },
	{ { .arch = "phi3", .scaling = "longrope" }, { 0 }, 0, NULL },
};

static void test_refusals(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(files); i++) {
		struct synth_model keys = filled(&files[i].keys, 2);
		struct synth_model tensors =
			filled(files[i].tensors.arch ? &files[i].tensors : &files[i].keys, 2);
		struct compile_result r;
		struct gguf_writer w;
		uint8_t *data;
		size_t size;
		int ret;

		gguf_writer_init(&w);
		assert_int_equal(synth_keys(&keys, &w), 0);
		assert_int_equal(synth_tensors(&tensors, &w), 0);
		assert_int_equal(gguf_writer_finish(&w, &data, &size), 0);
		gguf_writer_free(&w);
		ret = compile(data, size, &r);
		if (ret != files[i].ret || (ret && !strstr(r.model.diag.msg, files[i].says)))
			fail_msg("%zu, %s: %d, %s", i, keys.arch, ret, r.model.diag.msg);
		compile_free(&r);
		free(data);
	}
}

/* A model of 2 layers without some of its tensors. */
static const struct {
	const char *arch;
	const char *without[2];
	const char *says; /* NULL: it compiles */
} parts[] = {
	{ "qwen2", { "blk.0.attn_q.bias" }, "tensor blk.0.attn_q.bias: missing" },
	{ "qwen2", { "blk.1.attn_k.bias" }, "tensor blk.1.attn_k.bias: missing" },
	{ "qwen2", { "blk.1.attn_v.bias" }, "tensor blk.1.attn_v.bias: missing" },
	{ "qwen2", { "blk.0.attn_v.bias", "blk.1.attn_v.bias" }, NULL },
	{ "qwen2", { "output.bias" }, NULL },
	{ "qwen3", { "blk.1.attn_k.bias" }, "tensor blk.1.attn_k.bias: missing, blk.0 has it" },
	{ "gemma2", { "blk.0.attn_q.bias", "blk.1.attn_q.bias" }, NULL },
	{ "starcoder2", { "blk.0.attn_q.bias", "blk.1.attn_q.bias" }, NULL },
	{ "starcoder2",
	  { "blk.0.ffn_down.bias", "blk.1.ffn_down.bias" },
	  "blk.0.ffn_down.bias: mis" },
	{ "starcoder2", { "blk.1.attn_output.bias" }, "blk.1.attn_output.bias: missing" },
	{ "starcoder2", { "blk.1.ffn_norm.bias" }, "tensor blk.1.ffn_norm.bias: missing" },
	{ "gpt2", { "blk.0.attn_qkv.bias" }, "tensor blk.0.attn_qkv.bias: missing" },
	{ "gpt2", { "blk.1.ffn_up.bias" }, "tensor blk.1.ffn_up.bias: missing" },
	{ "gpt2", { "output_norm.bias" }, "tensor output_norm.bias: missing" },
	{ "llama", { "blk.0.attn_k.bias", "blk.1.attn_k.bias" }, NULL },
	{ "llama", { "blk.1.attn_k.bias" }, "tensor blk.1.attn_k.bias: missing, blk.0 has it" },
	{ "llama", { "blk.0.ffn_down.bias" }, "tensor blk.0.ffn_down.bias: missing, blk.1 has it" },
	{ "llama", { "blk.1.attn_sinks.weight" }, "blk.1.attn_sinks.weight: missing, blk.0 has" },
	{ "granite", { "blk.1.attn_output.bias" }, "blk.1.attn_output.bias: missing, blk.0 has" },
	{ "phi3", { "blk.0.attn_qkv.bias" }, "blk.0.attn_qkv.bias: missing, blk.1 has it" },
};

/* Biases are where the architecture has them, and otherwise in all layers or in none. */
static void test_biases(void **state)
{
	size_t i, k;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(parts); i++) {
		const struct synth_model wanted = { .arch = parts[i].arch,
						    .bias = SYNTH_BIAS_ALL,
						    .sinks = !strcmp(parts[i].arch, "llama") };
		struct synth_model m = filled(&wanted, 2);
		struct compile_result r;
		struct gguf_writer w;
		struct gguf_file *f;
		uint8_t *data, *less;
		size_t size;
		int ret;

		assert_int_equal(synth_build(&m, &data, &size), 0);
		assert_int_equal(gguf_open_mem(data, size, &f, NULL), 0);
		gguf_writer_init(&w);
		assert_int_equal(synth_keys(&m, &w), 0);
		for (k = 0; k < gguf_n_tensors(f); k++) {
			const struct gguf_tensor *t = gguf_tensor(f, k);
			char name[64] = "";

			memcpy(name, t->name.ptr, t->name.len);
			if (!strcmp(name, parts[i].without[0]) ||
			    (parts[i].without[1] && !strcmp(name, parts[i].without[1])))
				continue;
			gguf_write_tensor(&w, name, t->type, t->n_dims, t->ne, t->data, t->size);
		}
		assert_int_equal(gguf_writer_finish(&w, &less, &size), 0);
		gguf_writer_free(&w);
		gguf_close(f);
		ret = compile(less, size, &r);
		if (!ret != !parts[i].says || (ret && !strstr(r.model.diag.msg, parts[i].says)))
			fail_msg("%zu, %s: %d, %s", i, m.arch, ret, r.model.diag.msg);
		compile_free(&r);
		free(less);
		free(data);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = { cmocka_unit_test(test_depth),
						   cmocka_unit_test(test_refusals),
						   cmocka_unit_test(test_biases) };

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("dense", tests, NULL, NULL);
}
