// SPDX-License-Identifier: MIT
/*
 * Halves, dequantisation and requantisation. The expected values are computed
 * element by element from the layout tables, in double: every product of a
 * scale and a code is exact there, so one rounding at the end gives the float
 * that the definition gives.
 */
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

#include "compiler/frontends/gguf.h"
#include "compiler/quant/ggml_types.h"
#include "compiler/quant/half.h"
#include "compiler/quant/requant.h"
#include "compiler/tests/gguf_walk.h"
#include "compiler/tests/test_skip.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static uint64_t seed = 1;

static void fill(uint8_t *p, size_t n)
{
	while (n--)
		*p++ = (uint8_t)gguf_random(&seed);
}

/* Uniform in [-1, 1). */
static float uniform(void)
{
	return (float)((int64_t)gguf_random(&seed) >> 40) * 0x1p-23f;
}

/* ---- an independent formulation of the formats ---- */

static double half_value(uint16_t h)
{
	int e = h >> 10 & 31, m = h & 1023;
	double v;

	if (e == 31)
		v = m ? NAN : INFINITY;
	else
		v = e ? ldexp(1024 + m, e - 25) : ldexp(m, -24);
	return h & 0x8000 ? -v : v;
}

static double half_at(const uint8_t *p)
{
	return half_value((uint16_t)(p[0] | p[1] << 8));
}

static int nibble(const uint8_t *qs, int byte, int high)
{
	return high ? qs[byte] >> 4 : qs[byte] & 15;
}

/* Elements 0..15 are low nibbles, 16..31 high ones. */
static int nibble32(const uint8_t *qs, int j)
{
	return nibble(qs, j % 16, j >= 16);
}

static int bit(const uint8_t *p, int i)
{
	return p[i / 8] >> i % 8 & 1;
}

static const int iq4_grid[] = { -127, -104, -83, -65, -49, -35, -22, -10,
				1,    13,   25,	 38,  53,  69,	89,  113 };

static double e2m1(int q)
{
	static const double magnitude[] = { 0, .5, 1, 1.5, 2, 3, 4, 6 };

	return q & 8 ? 0 - magnitude[q & 7] : magnitude[q];
}

static double ue4m3(uint8_t s)
{
	int e = s >> 3 & 15, m = s & 7;

	if (s == 0 || s == 0x7f)
		return 0;
	return e ? ldexp(1 + m / 8.0, e - 7) : ldexp(m, -9);
}

/* Digit t of the five base-3 digits of a byte, by the definition's two steps. */
static int trit(int byte, int t)
{
	while (t--)
		byte = byte * 3 % 256;
	return byte * 3 >> 8;
}

/* Element j of the block at b. */
static double value(uint32_t type, const uint8_t *b, int j)
{
	int n = j / 128, g = j / 32 % 4, l = j % 32, s = j / 32, k = 8 * n + 2 * g + l / 16, q, sc;
	const uint8_t *a;

	switch (type) {
	case GGML_TYPE_F32: {
		float f;

		memcpy(&f, b, 4);
		return f;
	}
	case GGML_TYPE_F16:
		return half_at(b);
	case GGML_TYPE_BF16: {
		uint32_t u = (uint32_t)b[0] << 16 | (uint32_t)b[1] << 24;
		float f;

		memcpy(&f, &u, 4);
		return f;
	}
	case GGML_TYPE_Q4_0:
		return half_at(b) * (nibble32(b + 2, j) - 8);
	case GGML_TYPE_Q4_1:
		return half_at(b) * nibble32(b + 4, j) + half_at(b + 2);
	case GGML_TYPE_Q5_0:
		return half_at(b) * (nibble32(b + 6, j) + 16 * bit(b + 2, j) - 16);
	case GGML_TYPE_Q5_1:
		return half_at(b) * (nibble32(b + 8, j) + 16 * bit(b + 4, j)) + half_at(b + 2);
	case GGML_TYPE_Q8_0:
		return half_at(b) * (b[2 + j] < 128 ? b[2 + j] : b[2 + j] - 256);
	case GGML_TYPE_Q2_K:
		q = b[16 + 32 * n + l] >> 2 * g & 3;
		return half_at(b + 80) * (b[k] & 15) * q - half_at(b + 82) * (b[k] >> 4);
	case GGML_TYPE_Q3_K:
		q = b[32 + 32 * n + l] >> 2 * g & 3;
		a = b + 96;
		sc = (k < 8 ? a[k] & 15 : a[k - 8] >> 4) | (a[8 + k % 4] >> 2 * (k / 4) & 3) << 4;
		return half_at(b + 108) * (sc - 32) * (q - (b[l] >> (4 * n + g) & 1 ? 0 : 4));
	case GGML_TYPE_Q4_K:
	case GGML_TYPE_Q5_K: {
		int m;

		a = b + 4;
		sc = s < 4 ? a[s] & 63 : (a[s + 4] & 15) | (a[s - 4] >> 6) << 4;
		m = s < 4 ? a[s + 4] & 63 : a[s + 4] >> 4 | (a[s] >> 6) << 4;
		if (type == GGML_TYPE_Q4_K)
			q = nibble(b + 16, 32 * (s / 2) + l, s & 1);
		else
			q = nibble(b + 48, 32 * (s / 2) + l, s & 1) | (b[16 + l] >> s & 1) << 4;
		return half_at(b) * sc * q - half_at(b + 2) * m;
	}
	case GGML_TYPE_Q6_K:
		q = nibble(b, 64 * n + 32 * (g % 2) + l, g >= 2) |
		    (b[128 + 32 * n + l] >> 2 * g & 3) << 4;
		sc = b[192 + k] < 128 ? b[192 + k] : b[192 + k] - 256;
		return half_at(b + 208) * sc * (q - 32);
	case GGML_TYPE_IQ4_NL:
		return half_at(b) * iq4_grid[nibble32(b + 2, j)];
	case GGML_TYPE_IQ4_XS:
		sc = (b[4 + s / 2] >> 4 * (s % 2) & 15) | ((b[2] | b[3] << 8) >> 2 * s & 3) << 4;
		return half_at(b) * (sc - 32) * iq4_grid[nibble(b + 8, 16 * s + l % 16, l >= 16)];
	case GGML_TYPE_TQ1_0:
		if (j < 160)
			q = trit(b[j % 32], j / 32);
		else if (j < 240)
			q = trit(b[32 + (j - 160) % 16], (j - 160) / 16);
		else
			q = trit(b[48 + (j - 240) % 4], (j - 240) / 4);
		return half_at(b + 52) * (q - 1);
	case GGML_TYPE_TQ2_0:
		return half_at(b + 64) * ((b[32 * n + l] >> 2 * g & 3) - 1);
	case GGML_TYPE_MXFP4:
		return ldexp(e2m1(nibble32(b + 1, j)), b[0] - 127);
	case GGML_TYPE_NVFP4:
		return ue4m3(b[j / 16]) * e2m1(nibble(b + 4, 8 * (j / 16) + j % 8, j % 16 >= 8));
	case GGML_TYPE_Q1_0:
		return bit(b + 2, j) ? half_at(b) : -half_at(b);
	case GGML_TYPE_Q2_0:
		return half_at(b) * ((bit(b + 2, 2 * j) | bit(b + 2, 2 * j + 1) << 1) - 1);
	default:
		fail();
		return 0;
	}
}

static const struct {
	uint32_t type;
	const char *name;
	uint32_t block, bytes;
} table[] = {
	{ 0, "F32", 1, 4 },	  { 1, "F16", 1, 2 },	    { 30, "BF16", 1, 2 },
	{ 2, "Q4_0", 32, 18 },	  { 3, "Q4_1", 32, 20 },    { 6, "Q5_0", 32, 22 },
	{ 7, "Q5_1", 32, 24 },	  { 8, "Q8_0", 32, 34 },    { 10, "Q2_K", 256, 84 },
	{ 11, "Q3_K", 256, 110 }, { 12, "Q4_K", 256, 144 }, { 13, "Q5_K", 256, 176 },
	{ 14, "Q6_K", 256, 210 }, { 20, "IQ4_NL", 32, 18 }, { 23, "IQ4_XS", 256, 136 },
	{ 34, "TQ1_0", 256, 54 }, { 35, "TQ2_0", 256, 66 }, { 39, "MXFP4", 32, 17 },
	{ 40, "NVFP4", 64, 36 },  { 41, "Q1_0", 128, 18 },  { 42, "Q2_0", 64, 18 },
};

static int same_float(float a, float b)
{
	return (isnan(a) && isnan(b)) || memcmp(&a, &b, sizeof(a)) == 0;
}

/* ---- halves ---- */

static void test_half_to_float(void **state)
{
	uint32_t h;

	(void)state;
	for (h = 0; h < 0x10000; h++) {
		float f = half_to_float((uint16_t)h), want = (float)half_value((uint16_t)h);

		assert_true(same_float(f, want));
		if (isnan(f)) /* payload and sign are kept */
			assert_int_equal(float_bits(f),
					 (h & 0x8000) << 16 | 0x7f800000 | (h & 0x3ff) << 13);
		else
			assert_int_equal(float_to_half(f), h);
	}
}

/* The definition: the nearest multiple of the half's unit at this magnitude, ties to even. */
static uint16_t slow_float_to_half(float f)
{
	uint16_t sign = signbit(f) ? 0x8000 : 0;
	double v = fabs((double)f), units;
	int e;

	if (isnan(f))
		return sign | 0x7e00;
	if (v >= 65520)
		return sign | 0x7c00;
	if (v < 0x1p-14)
		return sign | (uint16_t)nearbyint(v * 0x1p24);
	frexp(v, &e); /* v in [2^(e-1), 2^e), unit 2^(e-11) */
	units = nearbyint(ldexp(v, 11 - e));
	return sign | (uint16_t)((e + 14) * 1024 + (int)(units - 1024));
}

static void check_to_half(uint32_t bits)
{
	float f = float_from_bits(bits);
	uint16_t got = float_to_half(f), want = slow_float_to_half(f);

	if (isnan(f) ? (got & 0xfe00) != want : got != want)
		fail_msg("%08x: got %04x, expected %04x", bits, got, want);
}

static void test_float_to_half(void **state)
{
	uint32_t h, i;
	int d;

	(void)state;
	/* Around every half and every midpoint of two neighbours. */
	for (h = 0; h < 0x7c00; h++) {
		double mid = (half_value((uint16_t)h) +
			      (h + 1 < 0x7c00 ? half_value((uint16_t)(h + 1)) : 65536)) /
			     2;

		for (d = -1; d <= 1; d++) {
			check_to_half(float_bits((float)mid) + (uint32_t)d);
			check_to_half((float_bits((float)mid) + (uint32_t)d) | 0x80000000);
			if (h || d >= 0)
				check_to_half(float_bits((float)half_value((uint16_t)h)) +
					      (uint32_t)d);
		}
	}
	for (i = 0; i < 2000000; i++)
		check_to_half((uint32_t)gguf_random(&seed));
	check_to_half(0x7f800000);
	check_to_half(0xff800000);
	check_to_half(0x7f800001); /* a signalling NaN of small payload must not become infinity */
	check_to_half(1);
}

/* ---- types ---- */

static void test_type_table(void **state)
{
	uint64_t size = 99;
	size_t i, supported = 0;
	uint32_t id;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(table); i++) {
		const struct ggml_type_traits *t = ggml_type_get(table[i].type);

		assert_non_null(t);
		assert_int_equal(t->id, table[i].type);
		assert_string_equal(t->name, table[i].name);
		assert_int_equal(t->block, table[i].block);
		assert_int_equal(t->bytes, table[i].bytes);
		assert_true(t->block <= GGML_MAX_BLOCK);
		assert_true(ggml_type_supported(table[i].type));
		assert_int_equal(ggml_row_size(table[i].type, 512, &size), 0);
		assert_int_equal(size, 512 / table[i].block * table[i].bytes);
		assert_int_equal(ggml_row_size(table[i].type, 0, &size), 0);
		assert_int_equal(size, 0);
		assert_int_equal(ggml_row_size(table[i].type, -(int64_t)table[i].block, &size),
				 -EINVAL);
		if (table[i].block > 1)
			assert_int_equal(ggml_row_size(table[i].type, table[i].block + 1, &size),
					 -EINVAL);
	}
	for (id = 0; id < 100; id++)
		supported += ggml_type_supported(id);
	assert_int_equal(supported, ARRAY_SIZE(table));
	size = 99;
	assert_int_equal(ggml_row_size(GGML_TYPE_F32, INT64_C(1) << 62, &size), -EOVERFLOW);
	assert_int_equal(ggml_row_size(GGML_TYPE_I8, 32, &size), -ENOTSUP);
	assert_int_equal(ggml_row_size(4, 32, &size), -ENOTSUP);
	assert_int_equal(ggml_row_size(0xffffffff, 32, &size), -ENOTSUP);
	assert_int_equal(
		ggml_tensor_size(GGML_TYPE_F32, (int64_t[]){ 1 << 20, 1 << 20, 1 << 20, 4 }, &size),
		-EOVERFLOW);
	assert_int_equal(ggml_tensor_size(GGML_TYPE_F32, (int64_t[]){ 4, 1, -1, 1 }, &size),
			 -EINVAL);
	assert_int_equal(size, 99);
	assert_int_equal(ggml_tensor_size(GGML_TYPE_Q8_0, (int64_t[]){ 64, 3, 5, 7 }, &size), 0);
	assert_int_equal(size, 2 * 34 * 3 * 5 * 7);
	assert_string_equal(ggml_type_name(GGML_TYPE_I32), "I32");
	assert_string_equal(ggml_type_name(GGML_TYPE_IQ2_XXS), "IQ2_XXS");
	assert_string_equal(ggml_type_name(31), "unknown");
	assert_string_equal(ggml_type_name(0xffffffff), "unknown");
}

/* ---- dequantisation ---- */

/* Blocks of one type against value(), element by element, from an odd address. */
static void check_blocks(size_t i, const uint8_t *blocks, int count)
{
	int64_t n = (int64_t)count * table[i].block, j;
	size_t bytes = (size_t)count * table[i].bytes;
	uint8_t *src = malloc(bytes + 1);
	float *dst = malloc((size_t)n * sizeof(*dst));

	assert_non_null(src);
	assert_non_null(dst);
	memcpy(src + 1, blocks, bytes);
	assert_int_equal(ggml_dequantize_row(table[i].type, src + 1, dst, n), 0);
	for (j = 0; j < n; j++) {
		const uint8_t *b = src + 1 + j / table[i].block * table[i].bytes;
		float want = (float)value(table[i].type, b, (int)(j % table[i].block));

		if (!same_float(dst[j], want))
			fail_msg("%s block %d element %d: got %a, expected %a", table[i].name,
				 (int)(j / table[i].block), (int)(j % table[i].block), dst[j],
				 want);
	}
	free(dst);
	free(src);
}

static void test_dequantize_random(void **state)
{
	static uint8_t blocks[64 * 210];
	size_t i;
	int round;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(table); i++) {
		for (round = 0; round < 16; round++) {
			fill(blocks, sizeof(blocks));
			check_blocks(i, blocks, 64);
		}
	}
}

/* Every value of every byte, the others zero or all ones: each field's bits one after another. */
static void test_dequantize_bytes(void **state)
{
	uint8_t block[210];
	uint32_t at, v, base;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(table); i++) {
		for (at = 0; at < table[i].bytes; at++) {
			for (v = 0; v < 256; v += at < 20 || at >= 48 ? 1 : 5) {
				for (base = 0; base < 2; base++) {
					memset(block, base ? 0x3c : 0x11, sizeof(block));
					block[at] = (uint8_t)v;
					check_blocks(i, block, 1);
				}
			}
		}
	}
}

/* A few values worked out by hand, so that the formulas above are not alone. */
static void test_dequantize_by_hand(void **state)
{
	uint8_t b[256] = { 0 };
	float x[256];

	(void)state;
	/* Q4_0: d = 0.5, byte 0xf0: element 0 is 0.5 * (0 - 8), 16 is 0.5 * (15 - 8). */
	memcpy(b, "\x00\x38\xf0", 3);
	assert_int_equal(ggml_dequantize_row(GGML_TYPE_Q4_0, b, x, 32), 0);
	assert_true(x[0] == -4.0f && x[16] == 3.5f && x[1] == -4.0f);
	/* Q8_0: d = -2, codes -128 and 127. */
	memcpy(b, "\x00\xc0\x80\x7f", 4);
	assert_int_equal(ggml_dequantize_row(GGML_TYPE_Q8_0, b, x, 32), 0);
	assert_true(x[0] == 256.0f && x[1] == -254.0f);
	/* Q5_1: d = 1, m = -1, qh bit 17, code of element 17 = 16 + 3. */
	memset(b, 0, sizeof(b));
	memcpy(b, "\x00\x3c\x00\xbc\x00\x00\x02\x00\x00\x30", 10);
	assert_int_equal(ggml_dequantize_row(GGML_TYPE_Q5_1, b, x, 32), 0);
	assert_true(x[17] == 18.0f && x[1] == -1.0f && x[16] == -1.0f);
	/* Q6_K: d = 1, scale of the last 16 = -3; element 255: low 15, high 2: 47 - 32 = 15. */
	memset(b, 0, sizeof(b));
	b[127] = 0xf0;
	b[191] = 0x80;
	b[207] = 0xfd;
	b[209] = 0x3c;
	assert_int_equal(ggml_dequantize_row(GGML_TYPE_Q6_K, b, x, 256), 0);
	assert_true(x[255] == -45.0f && x[254] == 96.0f && x[0] == 0.0f);
	/* Q4_K: d = 1, dmin = 2; sub-block 7: scale 33, minimum 19; element 255: 9. */
	memset(b, 0, sizeof(b));
	b[1] = 0x3c;
	b[3] = 0x40;
	b[4 + 11] = 0x31; /* minimum's low 4, scale's low 4 */
	b[4 + 3] = 2 << 6;
	b[4 + 7] = 1 << 6;
	b[143] = 0x90;
	assert_int_equal(ggml_dequantize_row(GGML_TYPE_Q4_K, b, x, 256), 0);
	assert_true(x[255] == 33.0f * 9 - 2.0f * 19);
	/* MXFP4: scale 2^(129 - 127), codes 7 (6) and 9 (-0.5). */
	memset(b, 0, sizeof(b));
	memcpy(b, "\x81\x97", 2);
	assert_int_equal(ggml_dequantize_row(GGML_TYPE_MXFP4, b, x, 32), 0);
	assert_true(x[0] == 24.0f && x[16] == -2.0f);
	/* NVFP4: UE4M3 0x7e = 448, 0x01 = 2^-9; code 2 is 1. */
	memset(b, 0, sizeof(b));
	memcpy(b, "\x7e\x01\x7f\x38\x22", 5);
	b[12] = 0x20;
	b[28] = 0x02;
	assert_int_equal(ggml_dequantize_row(GGML_TYPE_NVFP4, b, x, 64), 0);
	assert_true(x[0] == 448.0f && x[8] == 448.0f && x[24] == 0x1p-9f && x[48] == 1.0f);
	/* TQ1_0: first digits 2, 1 and 0. */
	memset(b, 0, sizeof(b));
	b[53] = 0x3c;
	b[0] = 0xff;
	b[1] = 0x80;
	assert_int_equal(ggml_dequantize_row(GGML_TYPE_TQ1_0, b, x, 256), 0);
	assert_true(x[0] == 1.0f && x[1] == 0.0f && x[2] == -1.0f);
	/* Q1_0 and Q2_0, lowest bits first. */
	memset(b, 0, sizeof(b));
	memcpy(b, "\x00\x3c\x02", 3);
	assert_int_equal(ggml_dequantize_row(GGML_TYPE_Q1_0, b, x, 128), 0);
	assert_true(x[0] == -1.0f && x[1] == 1.0f && x[2] == -1.0f);
	assert_int_equal(ggml_dequantize_row(GGML_TYPE_Q2_0, b, x, 64), 0);
	assert_true(x[0] == 1.0f && x[1] == -1.0f);
}

static void test_dequantize_errors(void **state)
{
	uint8_t b[512] = { 0 };
	float x[256];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(table); i++) {
		assert_int_equal(ggml_dequantize_row(table[i].type, b, x, 0), 0);
		assert_int_equal(ggml_dequantize_row(table[i].type, b, x, -256), -EINVAL);
		if (table[i].block > 1)
			assert_int_equal(
				ggml_dequantize_row(table[i].type, b, x, table[i].block / 2),
				-EINVAL);
	}
	assert_int_equal(ggml_dequantize_row(GGML_TYPE_I32, b, x, 1), -ENOTSUP);
	assert_int_equal(ggml_dequantize_row(GGML_TYPE_Q8_1, b, x, 32), -ENOTSUP);
	assert_int_equal(ggml_dequantize_row(99, b, x, 32), -ENOTSUP);
}

/* ---- requantisation ---- */

/*
 * The definition in double, every float operation followed by the rounding to
 * float (a double has more than twice a float's bits, so this is the float result).
 */
static void slow_q8_0(const float *x, uint8_t *out)
{
	double top = 0, inverse;
	float d;
	int j;

	for (j = 0; j < 32; j++)
		top = fmax(top, fabs((double)x[j]));
	d = (float)(top / 127.0);
	inverse = d != 0 ? (float)(1.0 / (double)d) : 0;
	if (isinf(inverse))
		inverse = 0;
	out[0] = slow_float_to_half(d) & 255;
	out[1] = slow_float_to_half(d) >> 8;
	for (j = 0; j < 32; j++) {
		double p = (float)((double)x[j] * inverse);

		out[2 + j] = (uint8_t)(int)(p < 0 ? -floor(0.5 - p) : floor(p + 0.5));
	}
}

static void slow_q4_0(const float *x, uint8_t *out)
{
	double top = 0, inverse;
	float d;
	int j;

	for (j = 31; j >= 0; j--) /* the first of equals, but +0 for zeros */
		if (fabs((double)x[j]) >= fabs(top) && x[j] != 0)
			top = x[j];
	d = (float)(top / -8.0);
	inverse = d != 0 ? (float)(1.0 / (double)d) : 0;
	if (isinf(inverse))
		inverse = 0;
	memset(out, 0, 18);
	out[0] = slow_float_to_half(d) & 255;
	out[1] = slow_float_to_half(d) >> 8;
	for (j = 0; j < 32; j++) {
		double p = (float)((double)x[j] * inverse);
		double q = fmin(15, trunc((double)(float)(p + 8.5)));

		out[2 + j % 16] |= (uint8_t)((int)q << (j < 16 ? 0 : 4));
	}
}

static void check_requant(const float *x)
{
	uint8_t got[34], want[34];

	memset(got, 0xee, sizeof(got));
	assert_int_equal(requant_row_q8_0(x, got, 32), 0);
	slow_q8_0(x, want);
	assert_memory_equal(got, want, 34);
	memset(got, 0xee, sizeof(got));
	assert_int_equal(requant_row_q4_0(x, got, 32), 0);
	slow_q4_0(x, want);
	assert_memory_equal(got, want, 18);
}

static void test_requant_definition(void **state)
{
	float x[32];
	int i, j;

	(void)state;
	for (i = 0; i < 20000; i++) {
		float scale = ldexpf(1, (int)(gguf_random(&seed) % 152) - 140);

		for (j = 0; j < 32; j++)
			x[j] = uniform() * scale;
		if (i % 5 == 0) /* ties: multiples of half a step, both signs of the maximum */
			for (j = 0; j < 32; j++)
				x[j] = scale * (float)((int)(gguf_random(&seed) % 33) - 16);
		if (i % 7 == 0)
			for (j = 0; j < 32; j++)
				x[j] = scale * 0.5f *
				       (float)((int)(gguf_random(&seed) % 509) - 254);
		check_requant(x);
	}
	/* Tiny values, of which some have no finite 1 / d; one above zero; zeros of both signs. */
	for (i = 0; i < 32; i++) {
		for (j = 0; j < 32; j++)
			x[j] = float_from_bits((uint32_t)gguf_random(&seed) &
					       (0x80ffffffu >> i | 0x80000000u));
		check_requant(x);
	}
	for (j = 0; j < 32; j++)
		x[j] = j % 3 ? 0.0f : -0.0f;
	check_requant(x);
	x[31] = -1.0f;
	check_requant(x);
}

static void test_requant_zero_block(void **state)
{
	static const uint8_t codes8[32];
	float x[32] = { 0 };
	uint8_t q[34], codes4[16];

	(void)state;
	memset(codes4, 0x88, sizeof(codes4));
	assert_int_equal(requant_row_q8_0(x, q, 32), 0);
	assert_int_equal(q[0] | q[1] << 8, 0);
	assert_memory_equal(q + 2, codes8, 32);
	assert_int_equal(requant_row_q4_0(x, q, 32), 0);
	assert_int_equal(q[0] | q[1] << 8, 0x8000);
	assert_memory_equal(q + 2, codes4, 16);
}

static void test_requant_refuses(void **state)
{
	static const float bad[] = { NAN, INFINITY, -INFINITY, -NAN };
	uint8_t q[3 * 34], before[3 * 34];
	float x[96];
	size_t i, at;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		for (at = 32; at < 96; at++) {
			size_t j;

			for (j = 0; j < 96; j++)
				x[j] = uniform();
			x[at] = bad[i];
			memset(q, 0xee, sizeof(q));
			memset(before, 0xee, sizeof(before));
			assert_int_equal(requant_row_q8_0(x, q, 96), -EINVAL);
			slow_q8_0(x, before);
			if (at >= 64)
				slow_q8_0(x + 32, before + 34);
			assert_memory_equal(q, before, sizeof(q));
			assert_int_equal(requant_row_q4_0(x, q, 96), -EINVAL);
		}
	}
	/* Scales at f16's end: 65504 fits, what rounds to 65536 does not. */
	for (i = 0; i < 32; i++)
		x[i] = 0;
	x[3] = 65504.0f * 127;
	assert_int_equal(requant_row_q8_0(x, q, 32), 0);
	assert_int_equal(q[0] | q[1] << 8, 0x7bff);
	x[3] = 65520.0f * 127;
	assert_int_equal(requant_row_q8_0(x, q, 32), -ERANGE);
	x[3] = -65504.0f * 8;
	assert_int_equal(requant_row_q4_0(x, q, 32), 0);
	x[3] = 65520.0f * 8;
	assert_int_equal(requant_row_q4_0(x, q, 32), -ERANGE);
	x[3] = 3.4e38f;
	assert_int_equal(requant_row_q8_0(x, q, 32), -ERANGE);
	assert_int_equal(requant_row_q4_0(x, q, 32), -ERANGE);
	assert_int_equal(requant_row_q8_0(x, q, -1), -EINVAL);
	assert_int_equal(requant_row_q4_0(x, q, -1), -EINVAL);
}

/* A partial last block is the block that zeros would complete; nothing else is written or read. */
static void test_requant_tail(void **state)
{
	float x[96];
	int64_t n;
	int j;

	(void)state;
	for (n = 0; n <= 64; n++) {
		float *exact = malloc((size_t)(n ? n : 1) * sizeof(*exact));
		uint8_t got[3 * 34], want[3 * 34];

		assert_non_null(exact);
		for (j = 0; j < 96; j++)
			x[j] = j < n ? uniform() : 0.0f;
		memcpy(exact, x, (size_t)n * sizeof(*x));
		memset(got, 0xee, sizeof(got));
		memset(want, 0xee, sizeof(want));
		assert_int_equal(requant_row_q8_0(exact, got, n), 0);
		for (j = 0; j < (n + 31) / 32; j++)
			slow_q8_0(x + 32 * j, want + 34 * j);
		assert_memory_equal(got, want, sizeof(got));
		memset(got, 0xee, sizeof(got));
		memset(want, 0xee, sizeof(want));
		assert_int_equal(requant_row_q4_0(exact, got, n), 0);
		for (j = 0; j < (n + 31) / 32; j++)
			slow_q4_0(x + 32 * j, want + 18 * j);
		assert_memory_equal(got, want, sizeof(got));
		free(exact);
	}
}

/* The error stays below half a step, and the values of a block come back as the same block. */
static void test_round_trip(void **state)
{
	float x[32], y[32];
	uint8_t a[34], b[34];
	int i, j;

	(void)state;
	for (i = 0; i < 5000; i++) {
		float step;

		for (j = 0; j < 32; j++)
			x[j] = uniform() * 3.0f;
		assert_int_equal(requant_row_q8_0(x, a, 32), 0);
		assert_int_equal(ggml_dequantize_row(GGML_TYPE_Q8_0, a, y, 32), 0);
		step = half_to_float(load_le16(a));
		for (j = 0; j < 32; j++)
			assert_true(fabsf(x[j] - y[j]) <= step * (0.5f + 127 * 0x1p-10f));
		assert_int_equal(requant_row_q8_0(y, b, 32), 0);
		assert_memory_equal(a, b, 34);

		assert_int_equal(requant_row_q4_0(x, a, 32), 0);
		assert_int_equal(ggml_dequantize_row(GGML_TYPE_Q4_0, a, y, 32), 0);
		step = fabsf(half_to_float(load_le16(a)));
		for (j = 0; j < 32; j++) /* one code short at the far end of the range */
			assert_true(fabsf(x[j] - y[j]) <= step * 1.01f);
		assert_int_equal(requant_row_q4_0(y, b, 32), 0);
		assert_memory_equal(a, b, 18);
	}
}

/* ---- against files that another quantiser wrote ---- */

static char shared_models[4000];

/* The quantised file's Q8_0 and Q4_0 tensors are the F32 file's, requantised. */
static size_t compare_files(const char *f32_path, const char *quant_path)
{
	struct gguf_file *src = NULL, *quant = NULL;
	struct gguf_error err = { 0 };
	size_t i, compared = 0;

	if (gguf_open_file(f32_path, &src, &err) || gguf_open_file(quant_path, &quant, &err))
		fail_msg("%s", err.msg);
	for (i = 0; i < gguf_n_tensors(quant); i++) {
		const struct gguf_tensor *q = gguf_tensor(quant, i), *t;
		char name[64];
		uint8_t *bytes;
		float *x;

		if (q->type != GGML_TYPE_Q8_0 && q->type != GGML_TYPE_Q4_0)
			continue;
		snprintf(name, sizeof(name), "%.*s", (int)q->name.len, q->name.ptr);
		t = gguf_find_tensor(src, name);
		assert_non_null(t);
		assert_int_equal(t->type, GGML_TYPE_F32);
		assert_true(t->elements == q->elements);
		x = malloc(t->size);
		bytes = malloc(q->size);
		assert_non_null(x);
		assert_non_null(bytes);
		assert_int_equal(ggml_dequantize_row(t->type, t->data, x, (int64_t)t->elements), 0);
		assert_int_equal((q->type == GGML_TYPE_Q8_0 ? requant_row_q8_0 : requant_row_q4_0)(
					 x, bytes, (int64_t)t->elements),
				 0);
		if (memcmp(bytes, q->data, q->size) != 0)
			fail_msg("%s: %s differs", quant_path, name);
		compared++;
		free(bytes);
		free(x);
	}
	gguf_close(src);
	gguf_close(quant);
	return compared;
}

static int quantised_pair(const char *path, char *other, size_t room, const char *type)
{
	const char *end = strstr(path, "-F32.gguf");
	FILE *f;

	if (!end)
		return 0;
	snprintf(other, room, "%.*s-%s.gguf", (int)(end - path), path, type);
	f = fopen(other, "rb");
	if (f)
		fclose(f);
	return f != NULL;
}

static void test_requant_files(void **state)
{
	static const char *const types[] = { "Q8_0", "Q4_0" };
	size_t i, j, files = 0, tensors = 0;
	char other[4200];
	struct gguf_paths p;

	(void)state;
	gguf_paths_find(&p, shared_models);
	for (i = 0; i < p.count; i++) {
		for (j = 0; j < ARRAY_SIZE(types); j++) {
			if (!quantised_pair(p.path[i], other, sizeof(other), types[j]))
				continue;
			tensors += compare_files(p.path[i], other);
			files++;
		}
	}
	gguf_paths_free(&p);
	assert_true(files > 0 && tensors > 0);
	print_message("# %zu tensors of %zu quantised files, byte for byte\n", tensors, files);
}

int main(void)
{
	static char skip_name[4200];
	static struct CMUnitTest tests[] = {
		cmocka_unit_test(test_half_to_float),
		cmocka_unit_test(test_float_to_half),
		cmocka_unit_test(test_type_table),
		cmocka_unit_test(test_dequantize_random),
		cmocka_unit_test(test_dequantize_bytes),
		cmocka_unit_test(test_dequantize_by_hand),
		cmocka_unit_test(test_dequantize_errors),
		cmocka_unit_test(test_requant_definition),
		cmocka_unit_test(test_requant_zero_block),
		cmocka_unit_test(test_requant_refuses),
		cmocka_unit_test(test_requant_tail),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_requant_files),
	};
	struct gguf_paths p;

	gguf_shared_models(shared_models, sizeof(shared_models));
	gguf_paths_find(&p, shared_models);
	if (!p.count)
		test_skip(&tests[ARRAY_SIZE(tests) - 1], skip_name, sizeof(skip_name),
			  "no shared models");
	gguf_paths_free(&p);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("quant", tests, NULL, NULL);
}
