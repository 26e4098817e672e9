// SPDX-License-Identifier: MIT
/*
 * Dense families and mixtures of experts on the Verilated chip: logits of a prompt and decoded tokens
 * are those of the reference model, byte for byte. One with a window goes on until its ring has come
 * round.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "accel/accel.h"
#include "compiler/compile.h"
#include "compiler/quant/ggml_types.h"
#include "tests/models/synth.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define STEPS	      8

static const uint8_t flags[] = { 1, 0 };

/* clang-format off */
static const struct rtl {
	struct synth_model m;
	uint32_t prompt;
} models[] = {
	{ { .arch = "llama", .window = 7, .flags = flags, .sinks = true }, 12 },
	{ { .arch = "gemma" }, 8 },
	{ { .arch = "gemma2", .window = 5, .attn_cap = 3, .final_cap = 4, .tied = true }, 12 },
	{ { .arch = "gemma3", .window = 5, .pattern = 2, .scaling = "linear", .factor = 4 }, 12 },
	{ { .arch = "olmo2", .window = 6, .pattern = 2, .scaling = "yarn", .factor = 2 }, 12 },
	{ { .arch = "granite", .attn_scale = 0.1f, .embd_scale = 4, .residual_scale = 0.4f,
	    .logit_scale = 2 }, 8 },
	{ { .arch = "phi3", .rope_freqs = true, .original = 64, .attn_factor = 1.2f }, 8 },
	{ { .arch = "starcoder2", .window = 20, .bias = SYNTH_BIAS_ALL }, 133 },
	{ { .arch = "gpt2", .bias = SYNTH_BIAS_ALL }, 8 },
	{ { .arch = "llama", .experts = 5, .used = 2 }, 8 },
	{ { .arch = "qwen2moe", .experts = 4, .used = 3, .expert_ff = 20, .shared_ff = 32,
	    .bias = SYNTH_BIAS_QKV, .scales = true }, 8 },
	{ { .arch = "qwen3moe", .experts = 9, .used = 2, .expert_ff = 32,
	    .expert_files = SYNTH_FUSED }, 8 },
	{ { .arch = "olmoe", .experts = 6, .used = 3 }, 8 },
	{ { .arch = "granitemoe", .experts = 5, .used = 2, .shared_ff = 32, .residual_scale = 0.4f,
	    .embd_scale = 4 }, 8 },
	{ { .arch = "afmoe", .window = 5, .pattern = 2, .experts = 6, .used = 2, .expert_ff = 32,
	    .shared_ff = 32, .dense_layers = 1, .select_bias = true, .weights_norm = true,
	    .weights_scale = 2.8f }, 12 },
	{ { .arch = "gpt-oss", .window = 5, .sinks = true, .experts = 5, .used = 2,
	    .bias = SYNTH_BIAS_QKV | SYNTH_BIAS_O, .expert_ff = 32 }, 12 },
	{ { .arch = "deepseek2", .head_size = 48, .rope_dims = 16, .mla_rank = 32,
	    .mla_q_rank = 32, .mla_plain = 16, .mla_value = 16, .experts = 8, .used = 2,
	    .expert_ff = 32, .shared_ff = 32, .gating = 2, .groups = 4, .used_groups = 2,
	    .select_bias = true, .weights_norm = true, .weights_scale = 2.5f }, 8 },
	{ { .arch = "deepseek2", .head_size = 48, .rope_dims = 16, .mla_rank = 32,
	    .mla_plain = 16, .mla_value = 24, .mla_joined = true, .experts = 4, .used = 1,
	    .expert_ff = 32 }, 8 },
	{ { .arch = "llama", .head_size = 40, .value_size = 68, .window = 7,
	    .kv_of = (const uint32_t[]){ 2, 1 } }, 12 },
	{ { .arch = "qwen3", .head_size = 64, .value_size = 24 }, 8 },
	/* weight formats: t2_0 and q8_0, b1_0, mx4 for experts, mx4 and q4_0 */
	{ { .arch = "llama", .width = 256, .type = GGML_TYPE_TQ2_0, .type2 = GGML_TYPE_Q8_0 }, 8 },
	{ { .arch = "qwen3", .width = 128, .head_size = 32, .type = GGML_TYPE_Q1_0 }, 8 },
	{ { .arch = "gpt-oss", .window = 5, .experts = 5, .used = 2, .sinks = true, .expert_ff = 32,
	    .bias = SYNTH_BIAS_QKV | SYNTH_BIAS_O, .expert_type = GGML_TYPE_MXFP4, .type = GGML_TYPE_Q4_0 }, 8 },
	{ { .arch = "llama", .type = GGML_TYPE_MXFP4, .type2 = GGML_TYPE_Q4_0 }, 8 },
	/* q4_1 and q6_k, for embeddings, too; q5_1 for experts; nv4 and iq4 */
	{ { .arch = "llama", .width = 256, .type = GGML_TYPE_Q4_K, .type2 = GGML_TYPE_Q6_K,
	    .tied = true }, 8 },
	{ { .arch = "qwen3moe", .experts = 5, .used = 2, .expert_ff = 32,
	    .type = GGML_TYPE_Q5_1, .type2 = GGML_TYPE_Q4_1 }, 8 },
	{ { .arch = "llama", .width = 128, .type = GGML_TYPE_NVFP4, .type2 = GGML_TYPE_IQ4_NL }, 8 },
	{ { .arch = "llama", .type = GGML_TYPE_IQ4_NL, .type2 = GGML_TYPE_Q5_1, .tied = true }, 8 },
};
/* clang-format on */

static char dir[256], gguf[512], accel[512];

struct result {
	float *logits;
	int32_t tokens[STEPS];
	uint32_t n;
};

static int on_row(void *ctx, uint32_t position, const float *logits, uint32_t vocab)
{
	struct result *r = ctx;

	memcpy(r->logits + (size_t)position * vocab, logits, vocab * sizeof(*logits));
	return 0;
}

#define OK(expr)                                                                 \
	do {                                                                     \
		int err_ = (expr);                                               \
		if (err_) {                                                      \
			char text_[512] = "";                                    \
			if (dev)                                                 \
				accel_last_error(dev, text_, 512);               \
			fail_msg("%s, %s: %d, %s", backend, #expr, err_, text_); \
		}                                                                \
	} while (0)

static void run(const char *backend, uint32_t prompt, uint32_t vocab, struct result *r)
{
	struct accel_device_options o = { .size = sizeof(o), .backend = backend };
	struct accel_device *dev = NULL;
	struct accel_session *s;
	struct accel_model *m;
	int32_t tokens[256];
	uint32_t i;

	for (i = 0; i < prompt; i++)
		tokens[i] = (int32_t)((i * i * 7 + i * 31 + 1) % vocab);
	r->logits = calloc((size_t)prompt * vocab, sizeof(float));
	assert_non_null(r->logits);
	OK(accel_device_open(&o, &dev));
	OK(accel_model_open(dev, accel, NULL, &m));
	OK(accel_session_create(m, NULL, &s));
	OK(accel_session_append_all(s, tokens, prompt, on_row, r));
	OK(accel_session_decode(s, tokens[0], STEPS, NULL, 0, NULL, NULL, r->tokens, &r->n));
	accel_session_unref(s);
	accel_model_unref(m);
	accel_device_unref(dev);
}

static void test_same(void **state)
{
	const struct rtl *t = *state;
	struct compile_options o = { .model = gguf, .out = accel, .chip = compile_chip("small") };
	struct synth_model d = t->m;
	struct result ref = { 0 }, rtl = { 0 };
	struct compile_result r;
	uint32_t i;

	d.layers = 2;
	d.width = d.width ? d.width : 32;
	d.heads = 2;
	d.kv_heads = 1;
	d.ff = d.width;
	d.vocab = 64;
	d.context = 256;
	d.eps = 1e-5f;
	d.type = d.type ? d.type : GGML_TYPE_Q8_0;
	assert_int_equal(synth_write(&d, gguf), 0);
	if (compile_model(&o, &r))
		fail_msg("%s: %s", d.arch, r.model.diag.msg);
	assert_true(!d.window || r.code.kv.ring);
	compile_free(&r);
	run("ref", t->prompt, d.vocab, &ref);
	run("sim", t->prompt, d.vocab, &rtl);
	for (i = 0; i < t->prompt * d.vocab; i++) {
		if (memcmp(&ref.logits[i], &rtl.logits[i], 4))
			fail_msg("%s: position %u, logit %u: %.9g, on the chip %.9g", d.arch,
				 i / d.vocab, i % d.vocab, ref.logits[i], rtl.logits[i]);
	}
	assert_int_equal(ref.n, STEPS);
	assert_int_equal(rtl.n, STEPS);
	assert_memory_equal(ref.tokens, rtl.tokens, sizeof(ref.tokens));
	print_message("# %-10s %u positions, %d tokens\n", d.arch, t->prompt, STEPS);
	free(ref.logits);
	free(rtl.logits);
}

static int setup(void **state)
{
	const char *tmp = getenv("TMPDIR");

	(void)state;
	snprintf(dir, sizeof(dir), "%s/intaglio-rtl-XXXXXX", tmp && *tmp ? tmp : "/tmp");
	if (!mkdtemp(dir))
		return -1;
	snprintf(gguf, sizeof(gguf), "%s/m.gguf", dir);
	snprintf(accel, sizeof(accel), "%s/m.accel", dir);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(gguf);
	unlink(accel);
	return rmdir(dir);
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(models)];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(models); i++)
		tests[i] = (struct CMUnitTest){ models[i].m.arch, test_same, NULL, NULL,
						(void *)&models[i] };
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("dense on the chip", tests, setup, teardown);
}
