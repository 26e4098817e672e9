// SPDX-License-Identifier: MIT
/* Weights in 8-bit floats with scales, through every way in which rows are moved. */
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
#include "compiler/quant/ggml_types.h"
#include "compiler/tests/gguf_walk.h"
#include "compiler/tests/hf_fixture.h"

#define L "model.layers.0."
#define DEEP                                                                                 \
	"{\"architectures\":[\"DeepseekV3ForCausalLM\"]," FX_SIZES                           \
	"\"kv_lora_rank\":4,\"qk_nope_head_dim\":3,\"qk_rope_head_dim\":2,\"v_head_dim\":5," \
	"\"first_k_dense_replace\":0,\"n_routed_experts\":2,\"num_experts_per_tok\":1,"      \
	"\"moe_intermediate_size\":3,"
#define BLOCKS "\"quantization_config\":{\"quant_method\":\"fp8\",\"weight_block_size\":[3,5]}}"
#define WHOLE  "\"quantization_config\":{\"quant_method\":\"fp8\"}}"

enum { ROWS = 16, COLS = 8 };

static uint8_t codes[ROWS * COLS];
static float scales[ROWS * COLS];

/* By the format's table: 1 sign, 4 exponent (bias 7), 3 mantissa bits. */
static double e4m3(uint8_t c)
{
	double m = (c & 7) / 8.0, v;

	v = c & 0x78 ? (1 + m) * pow(2, (c >> 3 & 15) - 7) : m * pow(2, -6);
	return c & 0x80 ? -v : v;
}

static void fill(void)
{
	uint64_t rng = 5;
	size_t i;

	for (i = 0; i < sizeof(codes); i++) {
		do
			codes[i] = (uint8_t)gguf_random(&rng);
		while ((codes[i] & 0x7f) == 0x7f);
	}
	for (i = 0; i < ROWS * COLS; i++)
		scales[i] = (float)(1 + gguf_random(&rng) % 1000) * 0.00137f;
}

static void put_fp8(const char *name, uint64_t rows, uint64_t cols, const char *suffix,
		    uint64_t srows, uint64_t scols)
{
	uint64_t shape[3] = { rows, cols, 0 }, sshape[3] = { srows, scols, 0 };
	char full[128];

	hf_tensor(&fx_folder, name, "F8_E4M3", shape, codes, rows * cols);
	snprintf(full, sizeof(full), "%s%s", name, suffix);
	hf_tensor(&fx_folder, full, "F32", sshape, scales, srows * (scols ? scols : 1) * 4);
}

/* All codes: as they are where nothing scales them, and no number where there is none. */
static void test_every_code(void **state)
{
	uint8_t all[256];
	uint64_t shape[3] = { 32, 8, 0 };
	const float *v;
	int i;

	(void)state;
	for (i = 0; i < 256; i++)
		all[i] = (uint8_t)i;
	fx_put_globals();
	hf_tensor(&fx_folder, L "mlp.up_proj.weight", "F8_E4M3", shape, all, 256);
	fx_open_folder("{\"architectures\":[\"LlamaForCausalLM\"]," FX_SIZES "\"a\":0}");
	v = fx_get("blk.0.ffn_up.weight", 8, 32, 1);
	for (i = 0; i < 256; i++) {
		if ((i & 0x7f) == 0x7f)
			assert_true(isnan(v[i]));
		else
			assert_true((double)v[i] == e4m3((uint8_t)i) && !!signbit(v[i]) == i >> 7);
	}
	assert_true(v[0x7e] == 448 && v[1] == 0x1p-9f);
	fx_reset();
}

/* Blocks of 3 x 5 that do not divide 16 x 8: rows in other orders, transposed, stacked. */
static void test_blocks(void **state)
{
	enum { NOPE = 3, V = 5, R = 8, H = 2 };
	float want[ROWS * COLS];
	const float *got;
	size_t r, c, h, i;

	(void)state;
	fill();
	for (r = 0; r < ROWS; r++)
		for (c = 0; c < COLS; c++)
			want[r * COLS + c] =
				(float)e4m3(codes[r * COLS + c]) * scales[r / 3 * 2 + c / 5];
	fx_put_globals();
	put_fp8(L "self_attn.kv_b_proj.weight", H * (NOPE + V), R, "_scale_inv", 6, 2);
	put_fp8(L "self_attn.o_proj.weight", ROWS, COLS, "_scale_inv", 6, 2);
	put_fp8(L "mlp.experts.0.up_proj.weight", ROWS, COLS, "_scale_inv", 6, 2);
	put_fp8(L "mlp.experts.1.up_proj.weight", ROWS, COLS, "_scale_inv", 6, 2);
	fx_open_folder(DEEP BLOCKS);
	fx_same("o", fx_get("blk.0.attn_output.weight", COLS, ROWS, 1), want, ROWS * COLS);
	got = fx_get("blk.0.ffn_up_exps.weight", COLS, ROWS, 2);
	fx_same("expert 0", got, want, ROWS * COLS);
	fx_same("expert 1", got + ROWS * COLS, want, ROWS * COLS);
	got = fx_get("blk.0.attn_k_b.weight", NOPE, R, H);
	for (h = 0; h < H; h++)
		for (r = 0; r < R; r++)
			for (i = 0; i < NOPE; i++)
				assert_true(got[(h * R + r) * NOPE + i] ==
					    want[(h * (NOPE + V) + i) * R + r]);
	got = fx_get("blk.0.attn_v_b.weight", R, V, H);
	for (h = 0; h < H; h++)
		fx_same("v_b", got + h * V * R, want + (h * (NOPE + V) + NOPE) * R, V * R);
	assert_int_equal(gguf_find_tensor(fx_file, "blk.0.attn_output.weight")->type,
			 GGML_TYPE_F32);
	fx_reset();
}

/* One scale for all, or one for a row; what scales activations is no weight. */
static void test_whole_and_rows(void **state)
{
	static const size_t from[] = { 0, 2, 1, 3 };
	const float *got;
	size_t r, c;

	(void)state;
	fill();
	fx_put_globals();
	put_fp8(L "self_attn.q_proj.weight", 8, 8, "_scale_inv", 1, 0);
	put_fp8(L "self_attn.v_proj.weight", 4, 8, "_scale", 4, 1);
	fx_put(L "self_attn.q_proj.input_scale", 1, 0, 0);
	fx_open_folder("{\"architectures\":[\"LlamaForCausalLM\"]," FX_SIZES WHOLE);
	got = fx_get("blk.0.attn_q.weight", 8, 8, 1);
	for (r = 0; r < 8; r++)
		for (c = 0; c < 8; c++)
			assert_true(got[r * 8 + c] ==
				    (float)e4m3(codes[(r / 4 * 4 + from[r % 4]) * 8 + c]) *
					    scales[0]);
	got = fx_get("blk.0.attn_v.weight", 8, 4, 1);
	for (r = 0; r < 4; r++)
		for (c = 0; c < 8; c++)
			assert_true(got[r * 8 + c] == (float)e4m3(codes[r * 8 + c]) * scales[r]);
	fx_reset();
}

static void refused(const char *config, int code, const char *says)
{
	struct gguf_error err = { 0 };
	int rc;

	hf_put_text(&fx_folder, "config.json", config);
	hf_finish_file(&fx_folder, "model.safetensors");
	rc = hf_open_files(fx_folder.file, fx_folder.n, &fx_file, &err);
	if (rc != code || !strstr(err.msg, says))
		fail_msg("%d \"%s\", expected %d \"%s\"", rc, err.msg, code, says);
	fx_file = NULL;
	fx_reset();
}

static void test_refused(void **state)
{
	(void)state;
	fill();
	fx_put_globals();
	put_fp8(L "mlp.up_proj.weight", 6, 8, "_scale_inv", 2, 1);
	refused("{\"architectures\":[\"LlamaForCausalLM\"]," FX_SIZES BLOCKS, -EINVAL,
		"up_proj.weight_scale_inv: 2 numbers, expected 1, or one for each 3 x 5 of 6 x 8");
	fx_put_globals();
	put_fp8(L "mlp.up_proj.weight", 6, 8, "_scale_inv", 5, 1);
	refused("{\"architectures\":[\"LlamaForCausalLM\"]," FX_SIZES WHOLE, -EINVAL,
		"up_proj.weight_scale_inv: 5 numbers, expected 1 or 6");
	fx_put_globals();
	put_fp8(L "mlp.up_proj.weight", 6, 8, ".other", 1, 0);
	refused("{\"architectures\":[\"LlamaForCausalLM\"]," FX_SIZES WHOLE, -EINVAL,
		"missing: model.layers.0.mlp.up_proj.weight_scale_inv");
	fx_put_globals();
	refused("{\"architectures\":[\"LlamaForCausalLM\"]," FX_SIZES
		"\"quantization_config\":{\"quant_method\":\"fp8\",\"weight_block_size\":[0,5]}}",
		-EINVAL, "weight_block_size: not two numbers");
	fx_put_globals();
	hf_tensor(&fx_folder, L "mlp.up_proj.weight", "F8_E5M2", (uint64_t[]){ 6, 8, 0 }, codes,
		  48);
	refused("{\"architectures\":[\"LlamaForCausalLM\"]," FX_SIZES "\"a\":0}", -ENOTSUP,
		"dtype F8_E5M2 is not supported; supported: F32, F16, BF16, F8_E4M3");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_code),
		cmocka_unit_test(test_blocks),
		cmocka_unit_test(test_whole_and_rows),
		cmocka_unit_test(test_refused),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
