// SPDX-License-Identifier: MIT
/* Types that the chip's formats hold without a change of value, row by row and as whole models. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/quant/exact.h"
#include "compiler/quant/ggml_types.h"
#include "compiler/quant/half.h"
#include "compiler/tests/gguf_walk.h"
#include "compiler/tests/gguf_writer.h"
#include "compiler/tests/model_run.h"
#include "fp.h"
#include "kernels.h"
#include "tests/models/forward64.h"
#include "tests/models/nmse.h"
#include "tests/models/synth.h"

#define ROW 256

static uint64_t rng = 1;

static uint64_t below(uint64_t n)
{
	return gguf_random(&rng) % n;
}

/* Where a block has its half precision scale: at its beginning or its end. */
static size_t scale_at(uint32_t type)
{
	return type == GGML_TYPE_TQ1_0 ? 52 : type == GGML_TYPE_TQ2_0 ? 64 : 0;
}

/* ROW elements of random codes with sane scales. */
static void random_row(uint32_t type, uint8_t *row)
{
	const struct ggml_type_traits *t = ggml_type_get(type);
	/* codes of IQ4_NL go to 127, those of Q5_0 to 16: weights of about the same size */
	uint32_t base = type == GGML_TYPE_IQ4_NL ? 0x1400
			: type == GGML_TYPE_Q5_0 ? 0x2000
						 : 0x2800;
	uint8_t *p = row;
	size_t i, k;

	for (i = 0; i < ROW / t->block; i++, p += t->bytes) {
		for (k = 0; k < t->bytes; k++)
			p[k] = (uint8_t)below(256);
		if (type == GGML_TYPE_MXFP4)
			p[0] = (uint8_t)(118 + below(8));
		else if (type == GGML_TYPE_NVFP4)
			for (k = 0; k < 4; k++)
				p[k] = (uint8_t)(0x28 + below(8));
		else
			store_le16(p + scale_at(type), (uint16_t)(base + below(0x400)));
		/* a ternary code of 3 is none that a quantiser writes */
		for (k = 0; type == GGML_TYPE_TQ2_0 && k < 64; k++)
			p[k] &= (uint8_t) ~(p[k] >> 1 & 0x55);
		/* nor are bytes that no five ternary digits make */
		for (k = 0; type == GGML_TYPE_TQ1_0 && k < 52; k++)
			p[k] = (uint8_t)((below(243) * 256 + 242) / 243);
	}
}

/* The chip's block of 32 weights as floats. */
static void chip_row(uint32_t wfmt, const uint8_t *blocks, float *out)
{
	struct ig1_fpenv env = ig1_fp_enter();

	ig1_kernels()->dequant[wfmt](out, blocks, ROW / 32);
	ig1_fp_leave(env);
}

static bool holds(const float *x, uint32_t wfmt)
{
	uint8_t out[ROW / 32 * 34];
	float back[ROW];
	int ret = exact_row(wfmt, x, out, ROW), i;

	if (ret) {
		assert_int_equal(ret, -EDOM);
		return false;
	}
	chip_row(wfmt, out, back);
	for (i = 0; i < ROW; i++) {
		if (!(back[i] == x[i]))
			fail_msg("element %d is %g, was %g", i, (double)back[i], (double)x[i]);
	}
	return true;
}

#define B1 (1u << IG1_WFMT_B1_0)
#define T2 (1u << IG1_WFMT_T2_0)
#define Q4 (1u << IG1_WFMT_Q4_0)
#define MX (1u << IG1_WFMT_MX4)
#define Q8 (1u << IG1_WFMT_Q8_0)

static void test_types(void **state)
{
	static const struct {
		uint32_t type, formats;
		uint32_t some; /* where a half is one of eight bits, too */
	} list[] = {
		{ GGML_TYPE_TQ1_0, T2 | Q4 | Q8, MX },
		{ GGML_TYPE_TQ2_0, T2 | Q4 | Q8, MX },
		{ GGML_TYPE_Q2_0, T2 | Q4 | Q8, MX },
		{ GGML_TYPE_Q1_0, B1 | T2 | Q4 | Q8, MX },
		{ GGML_TYPE_Q4_0, Q4 | Q8, 0 },
		{ GGML_TYPE_Q5_0, Q8, 0 },
		{ GGML_TYPE_IQ4_NL, Q8, 0 },
		{ GGML_TYPE_MXFP4, MX | Q8, 0 },
		{ GGML_TYPE_Q4_1, 0, 0 },
		{ GGML_TYPE_Q6_K, 0, 0 },
	};
	uint8_t row[ROW * 4];
	uint32_t wfmt, found;
	float x[ROW];
	size_t i, k;

	(void)state;
	for (i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		for (k = 0; k < 200; k++) {
			random_row(list[i].type, row);
			assert_int_equal(ggml_dequantize_row(list[i].type, row, x, ROW), 0);
			for (wfmt = 0, found = 0; wfmt < IG1_WFMT_MAX; wfmt++) {
				if (ig1_wfmt_block_bytes(wfmt) && holds(x, wfmt))
					found |= 1u << wfmt;
			}
			if ((found & ~list[i].some) != list[i].formats)
				fail_msg("%s: formats %#x, not %#x", ggml_type_name(list[i].type),
					 found, list[i].formats);
		}
	}
}

/* Zeros are a row of any format, of the smallest one then. */
static void test_zeros(void **state)
{
	float x[ROW] = { 0, -0.0f };
	uint32_t wfmt;

	(void)state;
	for (wfmt = 0; wfmt < IG1_WFMT_MAX; wfmt++) {
		if (ig1_wfmt_block_bytes(wfmt))
			assert_true(holds(x, wfmt));
	}
	/* but beside others one bit has no place for it */
	x[3] = 2;
	assert_false(holds(x, IG1_WFMT_B1_0));
	assert_true(holds(x, IG1_WFMT_T2_0));
}

/* The scale of MXFP4 has eight bits of exponent, as mx4's but for subnormals; a half five and its own. */
static void test_mxfp4_range(void **state)
{
	uint8_t block[ROW / 32 * 17];
	float x[ROW];
	int e, i;

	(void)state;
	for (e = 1; e < 255; e++) {
		for (i = 0; i < ROW / 32; i++) {
			memset(block + 17 * i, 0x71, 17); /* 0.5 and 6 */
			block[17 * i] = (uint8_t)e;
		}
		assert_int_equal(ggml_dequantize_row(GGML_TYPE_MXFP4, block, x, ROW), 0);
		/* 1 and 12 units of 2^(e - 128), or 8 and 96 of an eighth; halves: 2^-24 to 2^15 */
		assert_int_equal(holds(x, IG1_WFMT_Q8_0), e - 128 >= -24 && e - 128 - 3 <= 15);
		/* 12 units of 2^125 are no float */
		assert_int_equal(holds(x, IG1_WFMT_MX4), e >= 2 && e <= 252);
	}
}

static bool is_code(uint32_t wfmt, double q)
{
	double m = fabs(q);

	switch (wfmt) {
	case IG1_WFMT_Q4_0:
		return q >= -8 && q <= 7;
	case IG1_WFMT_T2_0:
		return q >= -2 && q <= 1;
	case IG1_WFMT_B1_0:
		return m == 1;
	case IG1_WFMT_MX4:
		return m <= 4 || m == 6 || m == 8 || m == 12;
	default:
		return m <= 127;
	}
}

/* Whether any scale at all is the block's: the slow way. */
static bool any_scale(const float *x, uint32_t wfmt)
{
	uint32_t h;
	int i;

	for (h = 0; h < 0x10000; h++) {
		float f = wfmt == IG1_WFMT_MX4 ? bf16_to_float((uint16_t)h)
					       : half_to_float((uint16_t)h);
		double d = (double)f;

		if (!isnormal(f))
			continue;
		for (i = 0; i < 32; i++) {
			double q = (double)x[i] / d;

			if (q != rint(q) || !is_code(wfmt, q) || q * d != (double)x[i])
				break;
		}
		if (i == 32)
			return true;
	}
	return false;
}

static void test_against_search(void **state)
{
	static const struct {
		uint32_t wfmt;
		int codes; /* of a block that might be one */
	} list[] = { { IG1_WFMT_Q8_0, 130 },
		     { IG1_WFMT_Q4_0, 16 },
		     { IG1_WFMT_MX4, 9 },
		     { IG1_WFMT_T2_0, 4 },
		     { IG1_WFMT_B1_0, 2 } };
	unsigned int round, k, found, none;
	uint8_t out[34];
	float x[32];
	int i;

	(void)state;
	for (k = 0; k < sizeof(list) / sizeof(list[0]); k++) {
		for (round = 0, found = 0, none = 0; round < 300; round++) {
			int step = 1 + (int)below(round % 2 ? 40 : 4);
			int codes = 1 + (int)below((uint64_t)list[k].codes), ret;
			float d = half_to_float((uint16_t)(1 + below(0x7bff)));
			bool want;

			if (list[k].wfmt == IG1_WFMT_MX4)
				d = bf16_to_float((uint16_t)(0x3800 + below(0x800)));
			/* multiples of a multiple of a scale, now and then one that is not */
			for (i = 0; i < 32; i++) {
				int q = (int)below((uint64_t)codes) - codes / 2;

				if (list[k].wfmt == IG1_WFMT_B1_0)
					q = q < 0 || codes == 1 ? -1 : 1;
				x[i] = d * (float)step * (float)q;
			}
			if (!below(4))
				x[below(32)] *= 1.5f;
			ret = exact_row(list[k].wfmt, x, out, 32);
			want = any_scale(x, list[k].wfmt);
			for (i = 0; i < 32 && x[i] == 0; i++)
				;
			want |= i == 32;
			if ((ret == 0) != want)
				fail_msg("round %u, format %u: %d, a search says %d", round,
					 list[k].wfmt, ret, want);
			found += want;
			none += !want;
		}
		assert_true(found > 50 && none > 50);
	}
}

static void test_refused(void **state)
{
	float x[32] = { 1, 0.1f, 0.01f };
	uint8_t out[34];

	(void)state;
	assert_int_equal(exact_row(IG1_WFMT_Q8_0, x, out, -1), -EINVAL);
	assert_int_equal(exact_row(IG1_WFMT_NV4, x, out, 32), -EINVAL);
	assert_int_equal(exact_row(UINT32_MAX, x, out, 32), -EINVAL);
	assert_int_equal(exact_row(IG1_WFMT_Q8_0, x, out, 32), -EDOM);
	x[1] = NAN;
	assert_int_equal(exact_row(IG1_WFMT_Q8_0, x, out, 32), -EDOM);
	x[1] = INFINITY;
	assert_int_equal(exact_row(IG1_WFMT_Q4_0, x, out, 32), -EDOM);
	/* a short row: as if zeros followed */
	x[0] = 3;
	x[1] = -8;
	assert_int_equal(exact_row(IG1_WFMT_Q4_0, x, out, 2), 0);
	assert_int_equal(exact_row(IG1_WFMT_Q4_0, x, out, 0), 0);
}

/* ---- whole models ---- */

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
	rng = 5;
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
			random_row(type, rows + k * row);
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

/* NMSE of the chip's logits for one file against exact arithmetic on another. */
static double compare(struct model_run *r, const uint8_t *data, size_t size)
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
	if (forward64_open_mem(data, size, FORWARD64_EXACT, &f, &err))
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
		chip_row(e->fmt, (const uint8_t *)rom + e->offset + k * e->stride, b);
		for (i = 0; i < ROW; i++)
			assert_true(a[i] == b[i]);
	}
	gguf_close(f);
}

static void test_models(void **state)
{
	static const struct {
		uint32_t type, fmt, requant;
	} list[] = {
		{ GGML_TYPE_TQ1_0, IG1_WFMT_T2_0, 2 }, { GGML_TYPE_TQ2_0, IG1_WFMT_T2_0, 2 },
		{ GGML_TYPE_Q1_0, IG1_WFMT_B1_0, 2 },  { GGML_TYPE_Q2_0, IG1_WFMT_T2_0, 2 },
		{ GGML_TYPE_MXFP4, IG1_WFMT_MX4, 2 },  { GGML_TYPE_IQ4_NL, IG1_WFMT_Q8_0, 2 },
		{ GGML_TYPE_Q5_0, IG1_WFMT_Q8_0, 2 },  { GGML_TYPE_Q4_0, IG1_WFMT_Q4_0, 0 },
		{ GGML_TYPE_NVFP4, IG1_WFMT_Q8_0, 1 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		const char *name = "blk.1.ffn_down.weight";
		const struct ig1_image_tensor *e;
		struct model_run r;
		uint8_t *data;
		uint32_t at;
		size_t size;
		double nmse;

		make(&spec, list[i].type, 1, false, &data, &size);
		open_model(&r, data, size);
		assert_int_equal(ig1_image_tensor_find(r.img, name, &at), 0);
		e = ig1_image_tensor(r.img, at);
		if (e->fmt != list[i].fmt || e->requant != list[i].requant)
			fail_msg("%s: format %u, requant %u", ggml_type_name(list[i].type), e->fmt,
				 e->requant);
		if (e->requant == 1) {
			float loss = float_from_bits(e->loss);

			assert_true(loss > 1e-4f && loss < 0.01f);
		} else {
			assert_int_equal(e->loss, 0);
			same_values(&r, data, size, name);
		}
		nmse = compare(&r, data, size);
		if (!(nmse < 0.02))
			fail_msg("%s: NMSE %g", ggml_type_name(list[i].type), nmse);
		model_close(&r);
		free(data);
	}
}

static const uint32_t expert_types[3][3] = {
	{ GGML_TYPE_Q1_0, GGML_TYPE_TQ2_0, GGML_TYPE_Q2_0 },  /* gate */
	{ GGML_TYPE_Q1_0, GGML_TYPE_Q1_0, GGML_TYPE_Q1_0 },   /* up */
	{ GGML_TYPE_TQ1_0, GGML_TYPE_Q4_0, GGML_TYPE_MXFP4 }, /* down */
};
static const char *const expert_parts[] = { "ffn_gate.", "ffn_up.", "ffn_down." };

static uint32_t expert_type(const char *name)
{
	size_t i;

	for (i = 0; i < 3; i++) {
		const char *at = strstr(name, expert_parts[i]);

		if (at)
			return expert_types[i][at[strlen(expert_parts[i])] - '0'];
	}
	return GGML_TYPE_Q8_0;
}

/* A file with a tensor for each expert: those of a part are in the smallest format that holds all. */
static void test_experts(void **state)
{
	static const uint32_t formats[] = { IG1_WFMT_T2_0, IG1_WFMT_B1_0, IG1_WFMT_Q8_0 };
	struct synth_model m = spec;
	struct model_run r;
	uint8_t *data;
	size_t size, i;
	uint32_t at, e;
	char name[64];

	(void)state;
	m.arch = "llama";
	m.layers = 1;
	m.experts = 3;
	m.used = 1;
	m.expert_files = SYNTH_SINGLE;
	make_of(&m, expert_type, 1, false, &data, &size);
	open_model(&r, data, size);
	for (i = 0; i < 3; i++) {
		for (e = 0; e < 3; e++) {
			snprintf(name, sizeof(name), "blk.0.%s%u.weight", expert_parts[i], e);
			assert_int_equal(ig1_image_tensor_find(r.img, name, &at), 0);
			if (ig1_image_tensor(r.img, at)->fmt != formats[i])
				fail_msg("%s: format %u", name, ig1_image_tensor(r.img, at)->fmt);
			assert_int_equal(ig1_image_tensor(r.img, at)->loss, 0);
			same_values(&r, data, size, name);
		}
	}
	model_close(&r);
	free(data);
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
	with = compare(&r, folded, n_folded);
	without = compare(&r, plain, n_plain);
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
		cmocka_unit_test(test_types),	    cmocka_unit_test(test_zeros),
		cmocka_unit_test(test_mxfp4_range), cmocka_unit_test(test_against_search),
		cmocka_unit_test(test_refused),	    cmocka_unit_test(test_models),
		cmocka_unit_test(test_experts),	    cmocka_unit_test(test_scale),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
