// SPDX-License-Identifier: MIT
/* Types that the chip's formats hold without a change of value, as whole models. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/quant/ggml_types.h"
#include "compiler/quant/half.h"
#include "compiler/tests/exact_rows.h"
#include "compiler/tests/gguf_writer.h"
#include "compiler/tests/model_run.h"
#include "tests/models/forward64.h"
#include "tests/models/nmse.h"
#include "tests/models/synth.h"

#define ROW EXACT_ROW

static const struct synth_model spec = {
	.name = "exact",
	.arch = "qwen2",
	.bias = SYNTH_BIAS_QKV,
	.layers = 2,
	.width = 256,
	.heads = 4,
	.kv_heads = 2,
	.ff = 256,
	.vocab = 64,
	.context = 64,
	.eps = 1e-5f,
	.type = GGML_TYPE_F32,
	.seed = 8,
};

/* The same with experts and a shared one. */
static struct synth_model with_experts(void)
{
	struct synth_model m = spec;

	m.arch = "qwen2moe";
	m.experts = 5;
	m.used = 2;
	m.shared_ff = 256;
	return m;
}

/* Scales of a tensor's n matrices: all different, so that none can be taken for another. */
static void scales_of(float scale, float *out, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		out[i] = scale * (1 + 0.5f * (float)i);
}

static uint32_t only_type;
static uint64_t rng, codes_seed = 5;

static uint32_t the_type(const char *name)
{
	(void)name;
	return only_type;
}

/*
 * The model with all matrices of the layers in other types and random codes; with a scale, that
 * many times as large by a tensor of its own, or, `folded`, as F32 with the scale in it.
 */
static void make_of(const struct synth_model *m, uint32_t (*type_of)(const char *name), float scale,
		    bool folded, uint8_t **data, size_t *size)
{
	uint8_t *base, *rows;
	struct gguf_writer w;
	struct gguf_file *f;
	size_t bytes, i, k;
	float *values;

	assert_int_equal(synth_build(m, &base, &bytes), 0);
	assert_int_equal(gguf_open_mem(base, bytes, &f, NULL), 0);
	gguf_writer_init(&w);
	assert_int_equal(synth_keys(m, &w), 0);
	rng = codes_seed;
	for (i = 0; i < gguf_n_tensors(f); i++) {
		const struct gguf_tensor *t = gguf_tensor(f, i);
		size_t n = (size_t)(t->elements / ROW), row;
		size_t matrices = (size_t)t->ne[2];
		const struct ggml_type_traits *tt;
		float scales[8];
		char name[64] = "";
		uint32_t type;

		memcpy(name, t->name.ptr, t->name.len);
		scales_of(scale, scales, matrices);
		if (t->n_dims == 1 || strncmp(name, "blk.", 4) || strstr(name, "_inp")) {
			gguf_write_tensor(&w, name, t->type, t->n_dims, t->ne, t->data, t->size);
			continue;
		}
		type = type_of(name);
		tt = ggml_type_get(type);
		row = ROW / tt->block * tt->bytes;
		rows = malloc(n * row);
		values = malloc(n * ROW * sizeof(*values));
		assert_true(rows && values);
		for (k = 0; k < n; k++)
			exact_random_row(&rng, type, rows + k * row);
		if (folded) {
			ggml_dequantize_row(type, rows, values, (int64_t)(n * ROW));
			for (k = 0; k < n * ROW; k++)
				values[k] *= scales[k / (n * ROW / matrices)];
			gguf_write_tensor(&w, name, GGML_TYPE_F32, t->n_dims, t->ne, values,
					  n * ROW * sizeof(*values));
		} else {
			gguf_write_tensor(&w, name, type, t->n_dims, t->ne, rows, n * row);
			strcpy(strrchr(name, '.'), ".scale");
			if (scale != 1)
				gguf_write_tensor(&w, name, GGML_TYPE_F32, 1,
						  (int64_t[]){ (int64_t)matrices }, scales,
						  matrices * sizeof(*scales));
		}
		free(rows);
		free(values);
	}
	assert_int_equal(gguf_writer_finish(&w, data, size), 0);
	gguf_writer_free(&w);
	gguf_close(f);
	free(base);
}

static void make(const struct synth_model *m, uint32_t type, float scale, bool folded,
		 uint8_t **data, size_t *size)
{
	only_type = type;
	make_of(m, the_type, scale, folded, data, size);
}

static const uint32_t prompt[] = { 1, 5, 60, 33, 12, 7 };
#define PROMPT (sizeof(prompt) / sizeof(prompt[0]))

/* NMSE of the chip's logits for one file against an independent pass over another. */
static double compare(struct model_run *r, const uint8_t *data, size_t size,
		      enum forward64_numbers numbers)
{
	float *got = calloc(PROMPT * spec.vocab, sizeof(*got));
	double *want = calloc(PROMPT * spec.vocab, sizeof(*want));
	struct gguf_error err = { 0 };
	struct nmse sum = { 0 };
	struct forward64 *f;
	int32_t tokens[PROMPT];
	size_t i;

	assert_true(got && want);
	for (i = 0; i < PROMPT; i++)
		tokens[i] = (int32_t)prompt[i];
	assert_int_equal(model_prompt(r, 0, prompt, PROMPT, 4, got), 0);
	if (forward64_open_mem(data, size, numbers, &f, &err))
		fail_msg("%s", err.msg);
	assert_int_equal(forward64_run(f, tokens, PROMPT, want, NULL), 0);
	nmse_add(&sum, got, want, PROMPT * spec.vocab);
	forward64_close(f);
	free(got);
	free(want);
	return nmse_get(&sum);
}

static void open_model(struct model_run *r, const uint8_t *data, size_t size)
{
	struct compile_options o = {
		.model = "m", .data = data, .size = size, .chip = compile_chip("default")
	};

	if (model_open(r, &o, 1))
		fail_msg("%s", r->err);
}

/* Every value in ROM is the file's. */
static void same_values(struct model_run *r, const uint8_t *data, size_t size, const char *name)
{
	const struct ig1_image_tensor *e;
	const struct gguf_tensor *t;
	struct gguf_file *f;
	const void *rom;
	size_t bytes, row;
	uint32_t i, k;

	assert_int_equal(gguf_open_mem(data, size, &f, NULL), 0);
	t = gguf_find_tensor(f, name);
	assert_int_equal(ig1_image_section(r->img, IG1_SEC_ROM, 0, &rom, &bytes), 0);
	assert_int_equal(ig1_image_tensor_find(r->img, name, &i), 0);
	e = ig1_image_tensor(r->img, i);
	row = t->size / e->rows;
	for (k = 0; k < e->rows; k++) {
		float a[ROW], b[ROW];

		ggml_dequantize_row(t->type, t->data + k * row, a, ROW);
		exact_chip_row(e->fmt, (const uint8_t *)rom + e->offset + k * e->stride, b);
		for (i = 0; i < ROW; i++)
			assert_true(a[i] == b[i]);
	}
	gguf_close(f);
}

/* A file with matrices of one type; returns how far its logits are from a pass with int8's roundings. */
static double check_type(uint32_t type, uint32_t fmt, uint32_t requant)
{
	const char *name = "blk.1.ffn_down.weight";
	const struct ig1_image_tensor *e;
	struct model_run r;
	uint8_t *data;
	uint32_t at;
	size_t size;
	double nmse, int8;

	make(&spec, type, 1, false, &data, &size);
	open_model(&r, data, size);
	assert_int_equal(ig1_image_tensor_find(r.img, name, &at), 0);
	e = ig1_image_tensor(r.img, at);
	if (e->fmt != fmt || e->requant != requant)
		fail_msg("%s: format %u, requant %u", ggml_type_name(type), e->fmt, e->requant);
	if (e->requant == 1) {
		float loss = float_from_bits(e->loss);

		assert_true(loss > 1e-4f && loss < 0.01f);
	} else {
		assert_int_equal(e->loss, 0);
		same_values(&r, data, size, name);
	}
	nmse = compare(&r, data, size, FORWARD64_EXACT);
	int8 = compare(&r, data, size, FORWARD64_INT8);
	print_message("# %s: NMSE %.2g, with int8 in both %.2g\n", ggml_type_name(type), nmse,
		      int8);
	assert_true(nmse < 0.02 && int8 < 1e-3);
	model_close(&r);
	free(data);
	return int8;
}

static void test_models(void **state)
{
	static const struct {
		uint32_t type, fmt, requant;
	} list[] = {
		{ GGML_TYPE_TQ1_0, IG1_WFMT_T2_0, 2 }, { GGML_TYPE_TQ2_0, IG1_WFMT_T2_0, 2 },
		{ GGML_TYPE_Q1_0, IG1_WFMT_B1_0, 2 },  { GGML_TYPE_Q2_0, IG1_WFMT_T2_0, 2 },
		{ GGML_TYPE_MXFP4, IG1_WFMT_MX4, 2 },  { GGML_TYPE_NVFP4, IG1_WFMT_NV4, 2 },
		{ GGML_TYPE_IQ4_NL, IG1_WFMT_IQ4, 2 }, { GGML_TYPE_IQ4_XS, IG1_WFMT_IQ4, 2 },
		{ GGML_TYPE_Q4_0, IG1_WFMT_Q4_0, 0 },  { GGML_TYPE_Q4_1, IG1_WFMT_Q4_1, 2 },
		{ GGML_TYPE_Q4_K, IG1_WFMT_Q4_1, 2 },  { GGML_TYPE_Q5_0, IG1_WFMT_Q5_1, 2 },
		{ GGML_TYPE_Q5_1, IG1_WFMT_Q5_1, 2 },  { GGML_TYPE_Q5_K, IG1_WFMT_Q5_1, 2 },
		{ GGML_TYPE_Q3_K, IG1_WFMT_Q6_K, 2 },  { GGML_TYPE_Q6_K, IG1_WFMT_Q6_K, 2 },
		{ GGML_TYPE_Q8_0, IG1_WFMT_Q8_0, 0 },  { GGML_TYPE_Q2_K, IG1_WFMT_Q8_0, 1 },
	};
	double nmse;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		/* a number half way between two codes is rounded either way: then others have to do */
		for (codes_seed = 5; codes_seed < 15; codes_seed++) {
			nmse = check_type(list[i].type, list[i].fmt, list[i].requant);
			if (nmse < 1e-10)
				break;
		}
		assert_true(nmse < 1e-10);
	}
	codes_seed = 5;
}

/* By part and expert, and the format of the part. */
struct expert_file {
	uint32_t types[3][3], formats[3];
};

static const struct expert_file *experts;
static const char *const expert_parts[] = { "ffn_gate.", "ffn_up.", "ffn_down." };

static uint32_t expert_type(const char *name)
{
	size_t i;

	for (i = 0; i < 3; i++) {
		const char *at = strstr(name, expert_parts[i]);

		if (at)
			return experts->types[i][at[strlen(expert_parts[i])] - '0'];
	}
	return GGML_TYPE_Q8_0;
}

/* A file with a tensor for each expert: those of a part are in the smallest format that holds all. */
static void check_experts(const struct expert_file *file)
{
	struct synth_model m = spec;
	struct model_run r;
	uint8_t *data;
	size_t size, i;
	uint32_t at, e;
	char name[64];

	m.arch = "llama";
	m.layers = 1;
	m.experts = 3;
	m.used = 1;
	m.expert_files = SYNTH_SINGLE;
	experts = file;
	make_of(&m, expert_type, 1, false, &data, &size);
	open_model(&r, data, size);
	for (i = 0; i < 3; i++) {
		for (e = 0; e < 3; e++) {
			const struct ig1_image_tensor *t;

			snprintf(name, sizeof(name), "blk.0.%s%u.weight", expert_parts[i], e);
			assert_int_equal(ig1_image_tensor_find(r.img, name, &at), 0);
			t = ig1_image_tensor(r.img, at);
			if (t->fmt != file->formats[i])
				fail_msg("%s: format %u", name, t->fmt);
			assert_int_equal(t->requant == 1, t->fmt == IG1_WFMT_Q8_0);
			assert_int_equal(t->loss != 0, t->fmt == IG1_WFMT_Q8_0);
			if (!t->loss)
				same_values(&r, data, size, name);
		}
	}
	assert_true(compare(&r, data, size, FORWARD64_EXACT) < 0.02);
	model_close(&r);
	free(data);
}

static void test_experts(void **state)
{
	static const struct expert_file list[] = {
		{ { { GGML_TYPE_Q1_0, GGML_TYPE_TQ2_0, GGML_TYPE_Q2_0 },
		    { GGML_TYPE_Q1_0, GGML_TYPE_Q1_0, GGML_TYPE_Q1_0 },
		    { GGML_TYPE_TQ1_0, GGML_TYPE_Q4_0, GGML_TYPE_MXFP4 } },
		  { IG1_WFMT_T2_0, IG1_WFMT_B1_0, IG1_WFMT_Q5_1 } },
		{ { { GGML_TYPE_Q4_K, GGML_TYPE_Q4_1, GGML_TYPE_Q4_0 },
		    { GGML_TYPE_Q4_K, GGML_TYPE_Q5_K, GGML_TYPE_Q5_0 },
		    { GGML_TYPE_Q6_K, GGML_TYPE_Q3_K, GGML_TYPE_NVFP4 } },
		  { IG1_WFMT_Q4_1, IG1_WFMT_Q5_1, IG1_WFMT_Q6_K } },
		/* which none holds */
		{ { { GGML_TYPE_Q4_K, GGML_TYPE_Q4_K, GGML_TYPE_Q6_K },
		    { GGML_TYPE_IQ4_NL, GGML_TYPE_IQ4_XS, GGML_TYPE_IQ4_XS },
		    { GGML_TYPE_NVFP4, GGML_TYPE_NVFP4, GGML_TYPE_MXFP4 } },
		  { IG1_WFMT_Q8_0, IG1_WFMT_IQ4, IG1_WFMT_NV4 } },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(list) / sizeof(list[0]); i++)
		check_experts(&list[i]);
}

/* The second scale multiplies the output: the same as a file with larger weights. */
static void check_scale(const struct synth_model *m)
{
	uint8_t *scaled, *folded, *plain;
	size_t n_scaled, n_folded, n_plain;
	struct model_run r;
	double with, without;

	make(m, GGML_TYPE_NVFP4, 0.375f, false, &scaled, &n_scaled);
	make(m, GGML_TYPE_NVFP4, 0.375f, true, &folded, &n_folded);
	make(m, GGML_TYPE_NVFP4, 1, false, &plain, &n_plain);
	open_model(&r, scaled, n_scaled);
	with = compare(&r, folded, n_folded, FORWARD64_EXACT);
	without = compare(&r, plain, n_plain, FORWARD64_EXACT);
	print_message("# NMSE with the scale %.2g, without %.2g\n", with, without);
	assert_true(with < 0.02 && without > 10 * with);
	model_close(&r);
	free(scaled);
	free(folded);
	free(plain);
}

static void test_scale(void **state)
{
	struct synth_model m = with_experts();

	(void)state;
	check_scale(&spec);
	check_scale(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_models),
		cmocka_unit_test(test_experts),
		cmocka_unit_test(test_scale),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
