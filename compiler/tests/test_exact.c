// SPDX-License-Identifier: MIT
/* Types that the chip's formats hold without a change of value, row by row. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "compiler/quant/exact.h"
#include "compiler/quant/ggml_types.h"
#include "compiler/quant/half.h"
#include "compiler/tests/exact_rows.h"
#include "compiler/tests/gguf_walk.h"
#include "kernels.h"

#define ROW EXACT_ROW

static uint64_t rng = 1;

static uint64_t below(uint64_t n)
{
	return gguf_random(&rng) % n;
}

/* Whether the format has a row of a type (of F32: of the floats x) with the values x. */
static bool holds(uint32_t type, const void *row, const float *x, uint32_t wfmt)
{
	uint8_t out[ROW / 32 * 34];
	float back[ROW];
	int ret = exact_blocks(wfmt, type, row, x, out, ROW), i;

	if (ret) {
		assert_int_equal(ret, -EDOM);
		return false;
	}
	exact_chip_row(wfmt, out, back);
	for (i = 0; i < ROW; i++) {
		if (!(back[i] == x[i]))
			fail_msg("element %d is %g, was %g", i, (double)back[i], (double)x[i]);
	}
	return true;
}

static bool holds_values(const float *x, uint32_t wfmt)
{
	return holds(GGML_TYPE_F32, x, x, wfmt);
}

#define B1  (1u << IG1_WFMT_B1_0)
#define T2  (1u << IG1_WFMT_T2_0)
#define Q4  (1u << IG1_WFMT_Q4_0)
#define MX  (1u << IG1_WFMT_MX4)
#define NV  (1u << IG1_WFMT_NV4)
#define IQ  (1u << IG1_WFMT_IQ4)
#define Q41 (1u << IG1_WFMT_Q4_1)
#define Q51 (1u << IG1_WFMT_Q5_1)
#define Q6  (1u << IG1_WFMT_Q6_K)
#define Q8  (1u << IG1_WFMT_Q8_0)

static void test_types(void **state)
{
	static const struct {
		uint32_t type, formats;
		uint32_t some; /* where a scale has few bits, too, or happens to be a multiple */
		bool values;   /* the same from its values */
	} list[] = {
		{ GGML_TYPE_TQ1_0, T2 | Q4 | NV | Q41 | Q51 | Q6 | Q8, MX, true },
		{ GGML_TYPE_TQ2_0, T2 | Q4 | NV | Q41 | Q51 | Q6 | Q8, MX, true },
		{ GGML_TYPE_Q2_0, T2 | Q4 | NV | Q41 | Q51 | Q6 | Q8, MX, true },
		{ GGML_TYPE_Q1_0, B1 | T2 | Q4 | NV | Q41 | Q51 | Q6 | Q8, MX, true },
		{ GGML_TYPE_Q4_0, Q4 | Q41 | Q51 | Q6 | Q8, 0, true },
		{ GGML_TYPE_Q5_0, Q51 | Q6 | Q8, 0, true },
		{ GGML_TYPE_IQ4_NL, IQ | Q8, 0, true },
		{ GGML_TYPE_IQ4_XS, IQ, Q8, true },
		{ GGML_TYPE_MXFP4, MX | NV | Q51 | Q6 | Q8, 0, true },
		{ GGML_TYPE_NVFP4, NV | Q6, Q8, true },
		{ GGML_TYPE_Q3_K, Q6, NV | Q8, true },
		{ GGML_TYPE_Q6_K, Q6, 0, true },
		{ GGML_TYPE_Q4_1, Q41 | Q51, 0, false },
		{ GGML_TYPE_Q4_K, Q41 | Q51, 0, false },
		{ GGML_TYPE_Q5_1, Q51, 0, false },
		{ GGML_TYPE_Q5_K, Q51, 0, false },
		{ GGML_TYPE_Q2_K, 0, 0, true },
	};
	uint8_t row[ROW * 4];
	uint32_t wfmt, found;
	float x[ROW];
	size_t i, k;

	(void)state;
	for (i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		for (k = 0; k < 200; k++) {
			exact_random_row(&rng, list[i].type, row);
			assert_int_equal(ggml_dequantize_row(list[i].type, row, x, ROW), 0);
			for (wfmt = 0, found = 0; wfmt < IG1_WFMT_MAX; wfmt++) {
				if (!ig1_wfmt_block_bytes(wfmt))
					continue;
				if (holds(list[i].type, row, x, wfmt))
					found |= 1u << wfmt;
				if (list[i].values && holds_values(x, wfmt) != (found >> wfmt & 1))
					fail_msg("%s: not the same of F32",
						 ggml_type_name(list[i].type));
			}
			if ((found & ~list[i].some) != list[i].formats)
				fail_msg("%s: formats %#x, not %#x", ggml_type_name(list[i].type),
					 found, list[i].formats);
		}
	}
}

/* Element j of a row as the type's layout has it: its scale, constant and code. */
static void source_parts(uint32_t type, const uint8_t *row, int j, float *scale, float *constant,
			 int *code)
{
	bool k = type == GGML_TYPE_Q4_K || type == GGML_TYPE_Q5_K;
	bool five = type == GGML_TYPE_Q5_1 || type == GGML_TYPE_Q5_K;
	const uint8_t *b = k ? row : row + j / 32 * ggml_type_get(type)->bytes;
	float d = half_to_float(load_le16(b)), m = half_to_float(load_le16(b + 2));
	int s = j / 32, l = j % 32, fifth, sc, min;
	const uint8_t *a = b + 4, *qs;

	if (!k) {
		qs = b + (five ? 8 : 4);
		fifth = five ? b[4 + l / 8] >> l % 8 & 1 : 0;
		*scale = d;
		*constant = m;
		*code = (l < 16 ? qs[l] & 15 : qs[l - 16] >> 4) + 16 * fifth;
		return;
	}
	sc = s < 4 ? a[s] % 64 : a[s + 4] % 16 + a[s - 4] / 64 * 16;
	min = s < 4 ? a[s + 4] % 64 : a[s + 4] / 16 + a[s] / 64 * 16;
	qs = b + (five ? 48 : 16) + s / 2 * 32;
	fifth = five ? b[16 + l] >> s & 1 : 0;
	*scale = d * (float)sc;
	*constant = -(m * (float)min);
	*code = (s % 2 ? qs[l] >> 4 : qs[l] & 15) + 16 * fifth;
}

/* The block's scales, constants and codes, bit for bit, and the type's values. */
static void same_parts(uint32_t type, const uint8_t *row, uint32_t wfmt, const uint8_t *out)
{
	bool five = wfmt == IG1_WFMT_Q5_1;
	float x[ROW], scale, constant;
	int j, want, code;

	exact_chip_row(wfmt, out, x);
	for (j = 0; j < ROW; j++) {
		const uint8_t *b = out + j / 32 * ig1_wfmt_block_bytes(wfmt);

		source_parts(type, row, j, &scale, &constant, &want);
		assert_true(load_le32(b) == float_bits(scale));
		assert_true(load_le32(b + 4) == float_bits(constant));
		code = b[(five ? 12 : 8) + j % 16] >> j % 32 / 16 * 4 & 15;
		code += five ? (b[8 + j % 32 / 8] >> j % 8 & 1) << 4 : 0;
		assert_int_equal(code, want);
		assert_true(x[j] == scale * (float)code + constant);
	}
}

static void test_affine(void **state)
{
	static const struct {
		uint32_t type, wfmt;
	} list[] = {
		{ GGML_TYPE_Q4_1, IG1_WFMT_Q4_1 }, { GGML_TYPE_Q4_K, IG1_WFMT_Q4_1 },
		{ GGML_TYPE_Q4_1, IG1_WFMT_Q5_1 }, { GGML_TYPE_Q4_K, IG1_WFMT_Q5_1 },
		{ GGML_TYPE_Q5_1, IG1_WFMT_Q5_1 }, { GGML_TYPE_Q5_K, IG1_WFMT_Q5_1 },
	};
	/* as hostile files have them: zeros of both signs, subnormals, infinities, NaN */
	static const uint16_t odd[] = { 0, 0x8000, 1, 0x8001, 0x3ff, 0x7c00, 0xfc00, 0x7e00 };
	uint8_t row[ROW * 4], out[ROW / 32 * 28];
	unsigned int round, i, none;
	float x[ROW];
	int j, ret;

	(void)state;
	for (i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		for (round = 0, none = 0; round < 200; round++) {
			exact_random_row(&rng, list[i].type, row);
			if (round % 2)
				store_le16(row + 2 * below(2), odd[below(8)]);
			assert_int_equal(ggml_dequantize_row(list[i].type, row, x, ROW), 0);
			for (j = 0; j < ROW && isfinite(x[j]); j++)
				;
			none += j < ROW;
			ret = exact_blocks(list[i].wfmt, list[i].type, row, x, out, ROW);
			assert_int_equal(ret, j < ROW ? -EDOM : 0);
			if (!ret)
				same_parts(list[i].type, row, list[i].wfmt, out);
		}
		assert_in_range(none, 10, 90);
	}
}

/*
 * Codes of five bits with a scale of 24 and a constant: no type, but values all the same; not where the
 * product or the sum is none of a float's numbers, or the chip makes 0 of one.
 */
static void test_constant(void **state)
{
	uint8_t out[28];
	float x[32], s;
	int i, k;

	(void)state;
	for (k = 0; k < 200; k++) {
		s = ldexpf((float)(0x800001 + 2 * below(0x400000)), (int)below(40) - 40);
		for (i = 0; i < 32; i++)
			x[i] = s * (float)(1 + below(2)); /* no rounding */
		assert_int_equal(exact_row(IG1_WFMT_Q4_1, x, out, 32), 0);
		for (i = 0; i < 32; i++)
			x[i] = s * (float)(1 + below(16)); /* rounded */
		assert_int_equal(exact_row(IG1_WFMT_Q5_1, x, out, 32), -EDOM);
	}
	/* 3, 4, .., 34 times 2^-126; then 2.5 times, of which the least unit is a subnormal number */
	for (i = 0; i < 32; i++)
		x[i] = ldexpf((float)(3 + i), -126);
	assert_int_equal(exact_row(IG1_WFMT_Q5_1, x, out, 32), 0);
	x[9] = ldexpf(2.5f, -126);
	assert_int_equal(exact_row(IG1_WFMT_Q5_1, x, out, 32), -EDOM);
	/* a scale and a constant, but their sum */
	for (i = 0; i < 32; i++)
		x[i] = ldexpf((float)(i % 2 * 4 - 3), -127);
	assert_int_equal(exact_row(IG1_WFMT_Q5_1, x, out, 32), -EDOM);
	/* the scale would be 2^128, which is no float */
	for (i = 0; i < 32; i++)
		x[i] = i % 2 ? 0x1p127f : -0x1p127f;
	assert_int_equal(exact_row(IG1_WFMT_Q5_1, x, out, 32), -EDOM);
	for (i = 0; i < 32; i++)
		x[i] /= 2;
	assert_int_equal(exact_row(IG1_WFMT_Q5_1, x, out, 32), 0);
	/* nor is twice the scale one */
	for (i = 0; i < 32; i++)
		x[i] = (float)(i % 3 - 1) * 0x1p127f;
	assert_int_equal(exact_row(IG1_WFMT_Q5_1, x, out, 32), -EDOM);
}

/* Zeros are a row of any format, of the smallest one then. */
static void test_zeros(void **state)
{
	float x[ROW] = { 0, -0.0f };
	uint32_t wfmt;

	(void)state;
	for (wfmt = 0; wfmt < IG1_WFMT_MAX; wfmt++) {
		if (ig1_wfmt_block_bytes(wfmt))
			assert_true(holds_values(x, wfmt));
	}
	/* but beside others one bit has no place for it */
	x[3] = 2;
	assert_false(holds_values(x, IG1_WFMT_B1_0));
	assert_true(holds_values(x, IG1_WFMT_T2_0));
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
		assert_int_equal(holds_values(x, IG1_WFMT_Q8_0),
				 e - 128 >= -24 && e - 128 - 3 <= 15);
		/* 12 units of 2^125 are no float */
		assert_int_equal(holds_values(x, IG1_WFMT_MX4), e >= 2 && e <= 252);
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
	case IG1_WFMT_NV4:
		return m <= 4 || m == 6 || m == 8 || m == 12;
	default:
		return m <= 127;
	}
}

/* Whether any scale at all is that of n elements: the slow way. */
static bool any_scale(const float *x, int n, uint32_t wfmt)
{
	uint32_t h;
	int i;

	for (h = 0; h < 0x10000; h++) {
		float f = wfmt == IG1_WFMT_MX4 ? bf16_to_float((uint16_t)h)
					       : half_to_float((uint16_t)h);
		double d = (double)f;

		if (!isnormal(f))
			continue;
		for (i = 0; i < n; i++) {
			double q = (double)x[i] / d;

			if (q != rint(q) || !is_code(wfmt, q) || q * d != (double)x[i])
				break;
		}
		if (i == n)
			return true;
	}
	return false;
}

static bool zeros(const float *x, int n)
{
	while (n && x[n - 1] == 0)
		n--;
	return !n;
}

static void test_against_search(void **state)
{
	static const struct {
		uint32_t wfmt;
		int codes; /* of a block that might be one */
	} list[] = { { IG1_WFMT_Q8_0, 130 }, { IG1_WFMT_Q4_0, 16 }, { IG1_WFMT_MX4, 9 },
		     { IG1_WFMT_NV4, 9 },    { IG1_WFMT_T2_0, 4 },  { IG1_WFMT_B1_0, 2 } };
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
			want = list[k].wfmt == IG1_WFMT_NV4
				       ? (zeros(x, 16) || any_scale(x, 16, list[k].wfmt)) &&
						 (zeros(x + 16, 16) ||
						  any_scale(x + 16, 16, list[k].wfmt))
				       : zeros(x, 32) || any_scale(x, 32, list[k].wfmt);
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
	assert_int_equal(exact_row(IG1_WFMT_PLANES, x, out, 32), -EINVAL);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_types),	    cmocka_unit_test(test_affine),
		cmocka_unit_test(test_constant),    cmocka_unit_test(test_zeros),
		cmocka_unit_test(test_mxfp4_range), cmocka_unit_test(test_against_search),
		cmocka_unit_test(test_refused),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
