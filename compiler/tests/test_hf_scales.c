// SPDX-License-Identifier: MIT
/* Weights in 8 bits and fewer with scales, through every way in which rows are moved. */
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

/* So that it is missing: nothing asks for it under another name. */
static void rename_tensor(const char *name)
{
	char *at = strstr(fx_folder.header, name);

	assert_non_null(at);
	memcpy(at + strlen(name) - 5, "other", 5);
}

static void test_refused(void **state)
{
	(void)state;
	fill();
	fx_put_globals();
	put_fp8(L "mlp.up_proj.weight", 6, 8, "_scale_inv", 2, 1);
	fx_refused(
		"{\"architectures\":[\"LlamaForCausalLM\"]," FX_SIZES BLOCKS, -EINVAL,
		"up_proj.weight_scale_inv: 2 numbers, expected 1, or one for each 3 x 5 of 6 x 8");
	fx_put_globals();
	put_fp8(L "mlp.up_proj.weight", 6, 8, "_scale_inv", 5, 1);
	fx_refused("{\"architectures\":[\"LlamaForCausalLM\"]," FX_SIZES WHOLE, -EINVAL,
		   "up_proj.weight_scale_inv: 5 numbers, expected 1 or 6");
	fx_put_globals();
	put_fp8(L "mlp.up_proj.weight", 6, 8, ".other", 1, 0);
	fx_refused("{\"architectures\":[\"LlamaForCausalLM\"]," FX_SIZES WHOLE, -EINVAL,
		   "missing: model.layers.0.mlp.up_proj.weight_scale_inv");
	fx_put_globals();
	fx_refused(
		"{\"architectures\":[\"LlamaForCausalLM\"]," FX_SIZES
		"\"quantization_config\":{\"quant_method\":\"fp8\",\"weight_block_size\":[0,5]}}",
		-EINVAL, "weight_block_size: not two numbers");
	fx_put_globals();
	hf_tensor(&fx_folder, L "mlp.up_proj.weight", "I8", (uint64_t[]){ 6, 8, 0 }, codes, 48);
	fx_refused("{\"architectures\":[\"LlamaForCausalLM\"]," FX_SIZES "\"a\":0}", -ENOTSUP,
		   "dtype I8 is not supported; supported: F32, F16, BF16, F8_E4M3, F8_E5M2");
}

/* 1 sign, 5 exponent (bias 15), 2 mantissa bits; the largest exponent: infinities and no numbers. */
static double e5m2(uint8_t c)
{
	double m = (c & 3) / 4.0, v;

	v = c & 0x7c ? (1 + m) * pow(2, (c >> 2 & 31) - 15) : m * pow(2, -14);
	return c & 0x80 ? -v : v;
}

static void test_e5m2(void **state)
{
	uint8_t all[256];
	uint64_t shape[3] = { 32, 8, 0 }, one[2] = { 1, 0 };
	float scale = 0.5f;
	const float *v;
	int i;

	(void)state;
	for (i = 0; i < 256; i++)
		all[i] = (uint8_t)i;
	fx_put_globals();
	hf_tensor(&fx_folder, L "mlp.up_proj.weight", "F8_E5M2", shape, all, 256);
	hf_tensor(&fx_folder, L "mlp.up_proj.weight_scale", "F32", one, &scale, 4);
	fx_open_folder("{\"architectures\":[\"LlamaForCausalLM\"]," FX_SIZES WHOLE);
	v = fx_get("blk.0.ffn_up.weight", 8, 32, 1);
	for (i = 0; i < 256; i++) {
		if ((i & 0x7f) > 0x7c)
			assert_true(isnan(v[i]));
		else if ((i & 0x7f) == 0x7c)
			assert_true(isinf(v[i]));
		else
			assert_true((double)v[i] == e5m2((uint8_t)i) * 0.5);
	}
	fx_reset();
}

/* ---- compressed-tensors ---- */

#define CT(format)                                                                              \
	"{\"architectures\":[\"LlamaForCausalLM\"]," FX_SIZES                                   \
	"\"quantization_config\":{\"quant_method\":\"compressed-tensors\",\"format\":\"" format \
	"\""

/* Floats and integers of 8 bits; blocks that the groups' settings name. */
static void test_bytes(void **state)
{
	const float *got;
	size_t r, c;

	(void)state;
	fill();
	fx_put_globals();
	put_fp8(L "mlp.up_proj.weight", 6, 8, "_scale", 6, 1);
	put_fp8(L "mlp.down_proj.weight", 8, 6, "_scale", 1, 0);
	fx_put(L "self_attn.k_scale", 1, 0, 0);
	fx_open_folder(CT("float-quantized") ",\"sparsity_config\":{},\"ignore\":[\"lm_head\"]}}");
	got = fx_get("blk.0.ffn_up.weight", 8, 6, 1);
	for (r = 0; r < 6; r++)
		for (c = 0; c < 8; c++)
			assert_true(got[r * 8 + c] == (float)e4m3(codes[r * 8 + c]) * scales[r]);
	got = fx_get("blk.0.ffn_down.weight", 6, 8, 1);
	for (r = 0; r < 48; r++)
		assert_true(got[r] == (float)e4m3(codes[r]) * scales[0]);
	fx_reset();
	fx_put_globals();
	put_fp8(L "mlp.up_proj.weight", ROWS, COLS, "_scale", 6, 2);
	fx_open_folder(CT("float-quantized") ",\"config_groups\":{\"group_0\":{\"weights\":{"
					     "\"block_structure\":[3,5]}}}}}");
	got = fx_get("blk.0.ffn_up.weight", COLS, ROWS, 1);
	for (r = 0; r < ROWS; r++)
		for (c = 0; c < COLS; c++)
			assert_true(got[r * COLS + c] ==
				    (float)e4m3(codes[r * COLS + c]) * scales[r / 3 * 2 + c / 5]);
	fx_reset();
	fx_put_globals();
	hf_tensor(&fx_folder, L "mlp.up_proj.weight", "I8", (uint64_t[]){ 6, 8, 0 }, codes, 48);
	hf_tensor(&fx_folder, L "mlp.up_proj.weight_scale", "F32", (uint64_t[]){ 6, 1, 0 }, scales,
		  24);
	fx_open_folder(CT("int-quantized") "}}");
	got = fx_get("blk.0.ffn_up.weight", 8, 6, 1);
	for (r = 0; r < 6; r++)
		for (c = 0; c < 8; c++)
			assert_true(got[r * 8 + c] == (float)(int8_t)codes[r * 8 + c] * scales[r]);
	fx_reset();
}

/* n codes of `bits` bits in words of 32, the first in the lowest; the last word is filled up with zeros. */
static size_t pack(const uint8_t *v, size_t n, size_t step, unsigned int bits, uint32_t *out,
		   size_t out_step)
{
	size_t per = 32 / bits, i;

	for (i = 0; i < n; i++) {
		uint32_t *w = &out[i / per * out_step];

		*w = i % per ? *w : 0;
		*w |= (uint32_t)v[i * step] << i % per * bits;
	}
	return (n + per - 1) / per;
}

struct packing {
	unsigned int bits;
	size_t rows, cols, groups;
	bool zero, order;
};

/* Puts NAME_packed and what belongs to it; the values by the format's definition. */
static void put_packed(const char *name, const struct packing *p, float *want)
{
	uint8_t q[256], z[64], max = (uint8_t)((1 << p->bits) - 1);
	uint32_t word[256], zeros[64], order[64],
		shape[2] = { (uint32_t)p->rows, (uint32_t)p->cols };
	uint64_t rng = 3, group = p->cols / p->groups;
	char full[128];
	size_t i, k, n = 0, nz = 0;

	for (i = 0; i < p->rows * p->cols; i++)
		q[i] = (uint8_t)gguf_random(&rng) & max;
	for (i = 0; i < p->rows * p->groups; i++)
		z[i] = p->zero ? (uint8_t)gguf_random(&rng) & max : (uint8_t)(1 << (p->bits - 1));
	for (k = 0; k < p->cols; k++)
		order[k] = (uint32_t)(p->order ? k * 7 % p->cols / group : k / group);
	for (i = 0; i < p->rows; i++)
		n = pack(q + i * p->cols, p->cols, 1, p->bits, word + n * i, 1);
	for (k = 0; k < p->groups; k++)
		nz = pack(z + k, p->rows, p->groups, p->bits, zeros + k, p->groups);
	for (i = 0; i < p->rows; i++)
		for (k = 0; k < p->cols; k++)
			want[i * p->cols + k] =
				(float)(q[i * p->cols + k] - z[i * p->groups + order[k]]) *
				scales[i * p->groups + order[k]];
	snprintf(full, sizeof(full), "%s_packed", name);
	hf_tensor(&fx_folder, full, "I32", (uint64_t[]){ p->rows, n, 0 }, word, p->rows * n * 4);
	snprintf(full, sizeof(full), "%s_shape", name);
	hf_tensor(&fx_folder, full, "I32", (uint64_t[]){ 2, 0 }, shape, 8);
	snprintf(full, sizeof(full), "%s_scale", name);
	hf_tensor(&fx_folder, full, "F32", (uint64_t[]){ p->rows, p->groups, 0 }, scales,
		  p->rows * p->groups * 4);
	snprintf(full, sizeof(full), "%s_zero_point", name);
	if (p->zero)
		hf_tensor(&fx_folder, full, "I32", (uint64_t[]){ nz, p->groups, 0 }, zeros,
			  nz * p->groups * 4);
	snprintf(full, sizeof(full), "%s_g_idx", name);
	if (p->order)
		hf_tensor(&fx_folder, full, "I32", (uint64_t[]){ p->cols, 0 }, order, p->cols * 4);
}

static void test_packed(void **state)
{
	static const struct packing cases[] = {
		{ 4, 6, 16, 2, false, false }, { 4, 6, 16, 1, false, false },
		{ 4, 6, 12, 3, false, false }, { 4, 11, 16, 4, true, false },
		{ 8, 6, 10, 2, false, false }, { 8, 5, 16, 4, true, true },
		{ 4, 6, 16, 4, false, true },
	};
	float want[256];
	size_t i;

	(void)state;
	fill();
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct packing *p = &cases[i];

		fx_put_globals();
		put_packed(L "mlp.up_proj.weight", p, want);
		fx_open_folder(CT("pack-quantized") "}}");
		fx_same("up", fx_get("blk.0.ffn_up.weight", (int64_t)p->cols, (int64_t)p->rows, 1),
			want, p->rows * p->cols);
		fx_reset();
	}
}

/* Experts one below the other, rows of heads in another order. */
static void test_packed_moved(void **state)
{
	static const struct packing p = { 4, 8, 8, 2, true, false };
	static const size_t from[] = { 0, 2, 1, 3 };
	float want[64];
	const float *got;
	size_t r;

	(void)state;
	fill();
	fx_put_globals();
	put_packed(L "self_attn.q_proj.weight", &p, want);
	put_packed(L "block_sparse_moe.experts.0.w1.weight", &p, want);
	put_packed(L "block_sparse_moe.experts.1.w1.weight", &p, want);
	fx_open_folder("{\"architectures\":[\"MixtralForCausalLM\"]," FX_SIZES
		       "\"num_local_experts\":2,\"num_experts_per_tok\":1,"
		       "\"quantization_config\":{\"quant_method\":\"compressed-tensors\","
		       "\"format\":\"pack-quantized\"}}");
	got = fx_get("blk.0.attn_q.weight", 8, 8, 1);
	for (r = 0; r < 8; r++)
		fx_same("q", got + r * 8, want + (r / 4 * 4 + from[r % 4]) * 8, 8);
	got = fx_get("blk.0.ffn_gate_exps.weight", 8, 8, 2);
	fx_same("expert 0", got, want, 64);
	fx_same("expert 1", got + 64, want, 64);
	fx_reset();
}

static void test_refused_packed(void **state)
{
	static const struct packing p = { 4, 6, 16, 2, true, true };
	static const struct {
		const char *drop, *says;
	} cases[] = {
		{ "_shape", "up_proj.weight: missing: model.layers.0.mlp.up_proj.weight_shape" },
		{ "_scale", "up_proj.weight: missing: model.layers.0.mlp.up_proj.weight_scale" },
	};
	uint32_t wrong[16] = { 5, 16, [2 ... 15] = 2 };
	char name[128];
	float want[256];
	size_t i;

	(void)state;
	fill();
	fx_refused(
		CT("nvfp4-pack-quantized") "}}", -ENOTSUP,
		"quantization_config.format: \"nvfp4-pack-quantized\" is not supported; supported: "
		"float-quantized,");
	fx_refused(CT("pack-quantized") ",\"transform_config\":{\"config_groups\":{}}}}", -ENOTSUP,
		   "transform_config: rotated weights are not supported");
	fx_refused(
		CT("float-quantized") ",\"sparsity_config\":{\"format\":\"sparse-24-bitmask\"}}}",
		-ENOTSUP, "sparsity_config: format \"sparse-24-bitmask\" is not supported");
	fx_refused("{\"architectures\":[\"LlamaForCausalLM\"]," FX_SIZES
		   "\"quantization_config\":{\"quant_method\":\"awq\"}}",
		   -ENOTSUP,
		   "method \"awq\" is not supported; supported: unquantised weights, fp8,");
	for (i = 0; i < 2; i++) {
		fx_put_globals();
		put_packed(L "mlp.up_proj.weight", &p, want);
		snprintf(name, sizeof(name), L "mlp.up_proj.weight%s", cases[i].drop);
		rename_tensor(name);
		fx_refused(CT("pack-quantized") "}}", -EINVAL, cases[i].says);
	}
	fx_put_globals();
	hf_tensor(&fx_folder, L "mlp.up_proj.weight_packed", "I32", (uint64_t[]){ 6, 2, 0 }, codes,
		  48);
	hf_tensor(&fx_folder, L "mlp.up_proj.weight_shape", "I32", (uint64_t[]){ 2, 0 }, wrong, 8);
	fx_refused(CT("pack-quantized") "}}", -EINVAL, "packed: not I32 with as many rows as");
	wrong[0] = 6;
	wrong[1] = 17;
	fx_put_globals();
	hf_tensor(&fx_folder, L "mlp.up_proj.weight_packed", "I32", (uint64_t[]){ 6, 2, 0 }, codes,
		  48);
	hf_tensor(&fx_folder, L "mlp.up_proj.weight_shape", "I32", (uint64_t[]){ 2, 0 }, wrong, 8);
	fx_refused(CT("pack-quantized") "}}", -ENOTSUP,
		   "2 words for 17 columns are not codes of 4 or 8 bits");
	wrong[1] = 16;
	fx_put_globals();
	hf_tensor(&fx_folder, L "mlp.up_proj.weight_packed", "I32", (uint64_t[]){ 6, 2, 0 }, codes,
		  48);
	hf_tensor(&fx_folder, L "mlp.up_proj.weight_shape", "I32", (uint64_t[]){ 2, 0 }, wrong, 8);
	hf_tensor(&fx_folder, L "mlp.up_proj.weight_scale", "F32", (uint64_t[]){ 6, 2, 0 }, scales,
		  48);
	hf_tensor(&fx_folder, L "mlp.up_proj.weight_g_idx", "I32", (uint64_t[]){ 16, 0 }, wrong,
		  64);
	fx_refused(CT("pack-quantized") "}}", -EINVAL, "weight_g_idx: element 0: no group below 2");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_code),     cmocka_unit_test(test_blocks),
		cmocka_unit_test(test_whole_and_rows), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_e5m2),	       cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_packed),	       cmocka_unit_test(test_packed_moved),
		cmocka_unit_test(test_refused_packed),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
