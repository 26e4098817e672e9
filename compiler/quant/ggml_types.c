// SPDX-License-Identifier: MIT
#include "compiler/quant/ggml_types.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>

#include "compiler/quant/half.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* The non-linear 4-bit grid of IQ4_NL and IQ4_XS. */
static const int8_t iq4_values[16] = { -127, -104, -83, -65, -49, -35, -22, -10,
				       1,    13,   25,	38,  53,  69,  89,  113 };

/* Twice the E2M1 values; the scales of MXFP4 and NVFP4 are halved in return. */
static const int8_t e2m1_twice[16] = { 0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12 };

static void dequantize_f32(const uint8_t *src, float *dst, int64_t n)
{
	int64_t i;

	for (i = 0; i < n; i++)
		dst[i] = float_from_bits(load_le32(src + 4 * i));
}

static void dequantize_f16(const uint8_t *src, float *dst, int64_t n)
{
	int64_t i;

	for (i = 0; i < n; i++)
		dst[i] = half_to_float(load_le16(src + 2 * i));
}

static void dequantize_bf16(const uint8_t *src, float *dst, int64_t n)
{
	int64_t i;

	for (i = 0; i < n; i++)
		dst[i] = bf16_to_float(load_le16(src + 2 * i));
}

static void dequantize_q4_0(const uint8_t *src, float *dst, int64_t blocks)
{
	for (; blocks > 0; blocks--, src += 18, dst += 32) {
		const uint8_t *qs = src + 2;
		float d = half_to_float(load_le16(src));
		int j;

		for (j = 0; j < 16; j++)
			dst[j] = d * (float)((qs[j] & 15) - 8);
		for (j = 0; j < 16; j++)
			dst[16 + j] = d * (float)((qs[j] >> 4) - 8);
	}
}

static void affine_values(const struct ggml_affine *a, float *dst)
{
	int j;

	for (j = 0; j < 32; j++)
		dst[j] = a->scale * (float)a->codes[j] + a->constant;
}

/* Low nibbles, then high ones. */
static void affine_nibbles(const uint8_t *qs, uint8_t *codes)
{
	int j;

	for (j = 0; j < 16; j++) {
		codes[j] = qs[j] & 15;
		codes[16 + j] = qs[j] >> 4;
	}
}

static void affine_q4_1(const uint8_t *src, int g, struct ggml_affine *out)
{
	(void)g;
	out->scale = half_to_float(load_le16(src));
	out->constant = half_to_float(load_le16(src + 2));
	affine_nibbles(src + 4, out->codes);
}

static void dequantize_q4_1(const uint8_t *src, float *dst, int64_t blocks)
{
	struct ggml_affine a;

	for (; blocks > 0; blocks--, src += 20, dst += 32) {
		affine_q4_1(src, 0, &a);
		affine_values(&a, dst);
	}
}

static void dequantize_q5_0(const uint8_t *src, float *dst, int64_t blocks)
{
	for (; blocks > 0; blocks--, src += 22, dst += 32) {
		const uint8_t *qs = src + 6;
		uint32_t qh = load_le32(src + 2);
		float d = half_to_float(load_le16(src));
		int j;

		for (j = 0; j < 16; j++)
			dst[j] = d * (float)((int)((qs[j] & 15) | (qh >> j & 1) << 4) - 16);
		for (j = 0; j < 16; j++)
			dst[16 + j] =
				d * (float)((int)((qs[j] >> 4) | (qh >> (16 + j) & 1) << 4) - 16);
	}
}

static void affine_q5_1(const uint8_t *src, int g, struct ggml_affine *out)
{
	uint32_t qh = load_le32(src + 4);
	int j;

	(void)g;
	out->scale = half_to_float(load_le16(src));
	out->constant = half_to_float(load_le16(src + 2));
	affine_nibbles(src + 8, out->codes);
	for (j = 0; j < 32; j++)
		out->codes[j] |= (uint8_t)((qh >> j & 1) << 4);
}

static void dequantize_q5_1(const uint8_t *src, float *dst, int64_t blocks)
{
	struct ggml_affine a;

	for (; blocks > 0; blocks--, src += 24, dst += 32) {
		affine_q5_1(src, 0, &a);
		affine_values(&a, dst);
	}
}

static void dequantize_q8_0(const uint8_t *src, float *dst, int64_t blocks)
{
	for (; blocks > 0; blocks--, src += 34, dst += 32) {
		const uint8_t *qs = src + 2;
		float d = half_to_float(load_le16(src));
		int j;

		for (j = 0; j < 32; j++)
			dst[j] = d * (float)(int8_t)qs[j];
	}
}

static void dequantize_q2_k(const uint8_t *src, float *dst, int64_t blocks)
{
	for (; blocks > 0; blocks--, src += 84, dst += 256) {
		const uint8_t *scales = src, *qs = src + 16;
		float d = half_to_float(load_le16(src + 80));
		float dmin = half_to_float(load_le16(src + 82));
		int k, l;

		for (k = 0; k < 16; k++) { /* runs of 16 elements share a scale */
			const uint8_t *q = qs + 32 * (k / 8) + 16 * (k % 2);
			int shift = 2 * (k / 2 % 4);
			float dk = d * (float)(scales[k] & 15);
			float mk = dmin * (float)(scales[k] >> 4);

			for (l = 0; l < 16; l++)
				dst[16 * k + l] = dk * (float)(q[l] >> shift & 3) - mk;
		}
	}
}

static void dequantize_q3_k(const uint8_t *src, float *dst, int64_t blocks)
{
	for (; blocks > 0; blocks--, src += 110, dst += 256) {
		const uint8_t *hmask = src, *qs = src + 32, *scales = src + 96;
		float d = half_to_float(load_le16(src + 108));
		int k, l;

		for (k = 0; k < 16; k++) {
			const uint8_t *q = qs + 32 * (k / 8) + 16 * (k % 2);
			const uint8_t *h = hmask + 16 * (k % 2);
			int shift = 2 * (k / 2 % 4), bit = k / 2;
			int low = k < 8 ? scales[k] & 15 : scales[k - 8] >> 4;
			int high = scales[8 + k % 4] >> (2 * (k / 4)) & 3;
			float dk = d * (float)((low | high << 4) - 32);

			for (l = 0; l < 16; l++)
				dst[16 * k + l] = dk * (float)((q[l] >> shift & 3) +
							       4 * (h[l] >> bit & 1) - 4);
		}
	}
}

/* Scale and minimum of the sub-block s of Q4_K and Q5_K: 6 bits each, packed in 12 bytes. */
static void q4_k_scale(const uint8_t *a, int s, int *scale, int *min)
{
	if (s < 4) {
		*scale = a[s] & 63;
		*min = a[s + 4] & 63;
	} else {
		*scale = (a[s + 4] & 15) | (a[s - 4] >> 6) << 4;
		*min = (a[s + 4] >> 4) | (a[s] >> 6) << 4;
	}
}

static void affine_q4_k(const uint8_t *src, int g, struct ggml_affine *out)
{
	const uint8_t *q = src + 16 + 32 * (g / 2);
	int shift = 4 * (g % 2), scale, min, l;

	q4_k_scale(src + 4, g, &scale, &min);
	out->scale = half_to_float(load_le16(src)) * (float)scale;
	out->constant = -(half_to_float(load_le16(src + 2)) * (float)min);
	for (l = 0; l < 32; l++)
		out->codes[l] = q[l] >> shift & 15;
}

static void dequantize_q4_k(const uint8_t *src, float *dst, int64_t blocks)
{
	struct ggml_affine a;
	int g;

	for (; blocks > 0; blocks--, src += 144) {
		for (g = 0; g < 8; g++, dst += 32) {
			affine_q4_k(src, g, &a);
			affine_values(&a, dst);
		}
	}
}

static void affine_q5_k(const uint8_t *src, int g, struct ggml_affine *out)
{
	const uint8_t *qh = src + 16, *q = src + 48 + 32 * (g / 2);
	int shift = 4 * (g % 2), scale, min, l;

	q4_k_scale(src + 4, g, &scale, &min);
	out->scale = half_to_float(load_le16(src)) * (float)scale;
	out->constant = -(half_to_float(load_le16(src + 2)) * (float)min);
	for (l = 0; l < 32; l++)
		out->codes[l] = (uint8_t)((q[l] >> shift & 15) | (qh[l] >> g & 1) << 4);
}

static void dequantize_q5_k(const uint8_t *src, float *dst, int64_t blocks)
{
	struct ggml_affine a;
	int g;

	for (; blocks > 0; blocks--, src += 176) {
		for (g = 0; g < 8; g++, dst += 32) {
			affine_q5_k(src, g, &a);
			affine_values(&a, dst);
		}
	}
}

static void dequantize_q6_k(const uint8_t *src, float *dst, int64_t blocks)
{
	for (; blocks > 0; blocks--, src += 210, dst += 256) {
		const uint8_t *scales = src + 192;
		float d = half_to_float(load_le16(src + 208));
		int k, l;

		for (k = 0; k < 16; k++) {
			int n = k / 8, g = k / 2 % 4;
			const uint8_t *ql = src + 64 * n + 32 * (g % 2) + 16 * (k % 2);
			const uint8_t *qh = src + 128 + 32 * n + 16 * (k % 2);
			int low = g < 2 ? 0 : 4, high = 2 * g;
			float dk = d * (float)(int8_t)scales[k];

			for (l = 0; l < 16; l++)
				dst[16 * k + l] = dk * (float)((ql[l] >> low & 15) +
							       16 * (qh[l] >> high & 3) - 32);
		}
	}
}

static void dequantize_iq4_nl(const uint8_t *src, float *dst, int64_t blocks)
{
	for (; blocks > 0; blocks--, src += 18, dst += 32) {
		const uint8_t *qs = src + 2;
		float d = half_to_float(load_le16(src));
		int j;

		for (j = 0; j < 16; j++) {
			dst[j] = d * (float)iq4_values[qs[j] & 15];
			dst[16 + j] = d * (float)iq4_values[qs[j] >> 4];
		}
	}
}

static void dequantize_iq4_xs(const uint8_t *src, float *dst, int64_t blocks)
{
	for (; blocks > 0; blocks--, src += 136, dst += 256) {
		const uint8_t *scales_l = src + 4;
		uint32_t scales_h = load_le16(src + 2);
		float d = half_to_float(load_le16(src));
		int s, l;

		for (s = 0; s < 8; s++) {
			const uint8_t *qs = src + 8 + 16 * s;
			int low = scales_l[s / 2] >> (4 * (s % 2)) & 15;
			int high = scales_h >> (2 * s) & 3;
			float ds = d * (float)((low | high << 4) - 32);

			for (l = 0; l < 16; l++) {
				dst[32 * s + l] = ds * (float)iq4_values[qs[l] & 15];
				dst[32 * s + 16 + l] = ds * (float)iq4_values[qs[l] >> 4];
			}
		}
	}
}

/* Digit t, most significant first, of a byte that holds five base-3 digits as a fraction. */
static inline int tq1_digit(uint8_t byte, uint8_t pow3)
{
	return (uint8_t)(byte * pow3) * 3 >> 8;
}

static void dequantize_tq1_0(const uint8_t *src, float *dst, int64_t blocks)
{
	static const uint8_t pow3[5] = { 1, 3, 9, 27, 81 };

	for (; blocks > 0; blocks--, src += 54, dst += 256) {
		const uint8_t *qs = src, *qh = src + 48;
		float d = half_to_float(load_le16(src + 52));
		int t, l;

		for (t = 0; t < 5; t++)
			for (l = 0; l < 32; l++)
				dst[32 * t + l] = d * (float)(tq1_digit(qs[l], pow3[t]) - 1);
		for (t = 0; t < 5; t++)
			for (l = 0; l < 16; l++)
				dst[160 + 16 * t + l] =
					d * (float)(tq1_digit(qs[32 + l], pow3[t]) - 1);
		for (t = 0; t < 4; t++)
			for (l = 0; l < 4; l++)
				dst[240 + 4 * t + l] = d * (float)(tq1_digit(qh[l], pow3[t]) - 1);
	}
}

static void dequantize_tq2_0(const uint8_t *src, float *dst, int64_t blocks)
{
	for (; blocks > 0; blocks--, src += 66, dst += 256) {
		float d = half_to_float(load_le16(src + 64));
		int g, l;

		for (g = 0; g < 8; g++) {
			const uint8_t *q = src + 32 * (g / 4);
			int shift = 2 * (g % 4);

			for (l = 0; l < 32; l++)
				dst[32 * g + l] = d * (float)((q[l] >> shift & 3) - 1);
		}
	}
}

/* 2^(e - 128): the E8M0 scale for twice-E2M1 values; the two smallest are subnormal. */
static float e8m0_half(uint8_t e)
{
	return float_from_bits(e < 2 ? 0x00200000u << e : (uint32_t)(e - 1) << 23);
}

/* Half an unsigned E4M3 value. The code of NaN means 0, and bit 7 is not looked at elsewhere. */
static float ue4m3_half(uint8_t code)
{
	int exponent = code >> 3 & 15, mantissa = code & 7;

	if (code == 0x7f)
		return 0.0f;
	if (exponent == 0)
		return (float)mantissa * 0x1p-10f;
	return (float)(8 + mantissa) * float_from_bits((uint32_t)(exponent + 127 - 11) << 23);
}

static void dequantize_mxfp4(const uint8_t *src, float *dst, int64_t blocks)
{
	for (; blocks > 0; blocks--, src += 17, dst += 32) {
		const uint8_t *qs = src + 1;
		float d = e8m0_half(src[0]);
		int j;

		for (j = 0; j < 16; j++) {
			dst[j] = d * (float)e2m1_twice[qs[j] & 15];
			dst[16 + j] = d * (float)e2m1_twice[qs[j] >> 4];
		}
	}
}

static void dequantize_nvfp4(const uint8_t *src, float *dst, int64_t blocks)
{
	for (; blocks > 0; blocks--, src += 36, dst += 64) {
		int i, j;

		for (i = 0; i < 4; i++) {
			const uint8_t *qs = src + 4 + 8 * i;
			float d = ue4m3_half(src[i]);

			for (j = 0; j < 8; j++) {
				dst[16 * i + j] = d * (float)e2m1_twice[qs[j] & 15];
				dst[16 * i + 8 + j] = d * (float)e2m1_twice[qs[j] >> 4];
			}
		}
	}
}

static void dequantize_q1_0(const uint8_t *src, float *dst, int64_t blocks)
{
	for (; blocks > 0; blocks--, src += 18, dst += 128) {
		float d = half_to_float(load_le16(src));
		int j;

		for (j = 0; j < 128; j++)
			dst[j] = src[2 + j / 8] >> (j % 8) & 1 ? d : -d;
	}
}

static void dequantize_q2_0(const uint8_t *src, float *dst, int64_t blocks)
{
	for (; blocks > 0; blocks--, src += 18, dst += 64) {
		float d = half_to_float(load_le16(src));
		int j;

		for (j = 0; j < 64; j++)
			dst[j] = d * (float)((src[2 + j / 4] >> (2 * (j % 4)) & 3) - 1);
	}
}

#define TYPE(NAME, BLOCK, BYTES, FN)                   \
	[GGML_TYPE_##NAME] = { .id = GGML_TYPE_##NAME, \
			       .name = #NAME,          \
			       .block = BLOCK,         \
			       .bytes = BYTES,         \
			       .dequantize = FN }
#define AFFINE(NAME, BLOCK, BYTES, FN)                        \
	[GGML_TYPE_##NAME] = { .id = GGML_TYPE_##NAME,        \
			       .name = #NAME,                 \
			       .block = BLOCK,                \
			       .bytes = BYTES,                \
			       .dequantize = dequantize_##FN, \
			       .affine = affine_##FN }
#define NAMED(NAME) [GGML_TYPE_##NAME] = { .id = GGML_TYPE_##NAME, .name = #NAME }

static const struct ggml_type_traits types[] = {
	TYPE(F32, 1, 4, dequantize_f32),
	TYPE(F16, 1, 2, dequantize_f16),
	TYPE(BF16, 1, 2, dequantize_bf16),
	TYPE(Q4_0, 32, 18, dequantize_q4_0),
	AFFINE(Q4_1, 32, 20, q4_1),
	TYPE(Q5_0, 32, 22, dequantize_q5_0),
	AFFINE(Q5_1, 32, 24, q5_1),
	TYPE(Q8_0, 32, 34, dequantize_q8_0),
	TYPE(Q2_K, 256, 84, dequantize_q2_k),
	TYPE(Q3_K, 256, 110, dequantize_q3_k),
	AFFINE(Q4_K, 256, 144, q4_k),
	AFFINE(Q5_K, 256, 176, q5_k),
	TYPE(Q6_K, 256, 210, dequantize_q6_k),
	TYPE(IQ4_NL, 32, 18, dequantize_iq4_nl),
	TYPE(IQ4_XS, 256, 136, dequantize_iq4_xs),
	TYPE(TQ1_0, 256, 54, dequantize_tq1_0),
	TYPE(TQ2_0, 256, 66, dequantize_tq2_0),
	TYPE(MXFP4, 32, 17, dequantize_mxfp4),
	TYPE(NVFP4, 64, 36, dequantize_nvfp4),
	[GGML_TYPE_Q1_0] = { GGML_TYPE_Q1_0, "Q1_0", 128, 18, dequantize_q1_0, .forked = true },
	[GGML_TYPE_Q2_0] = { GGML_TYPE_Q2_0, "Q2_0", 64, 18, dequantize_q2_0, .forked = true },
	/* Known by name only: codebooks, run-time types, plain integers and doubles. */
	NAMED(Q8_1),
	NAMED(Q8_K),
	NAMED(IQ2_XXS),
	NAMED(IQ2_XS),
	NAMED(IQ3_XXS),
	NAMED(IQ1_S),
	NAMED(IQ3_S),
	NAMED(IQ2_S),
	NAMED(IQ1_M),
	NAMED(I8),
	NAMED(I16),
	NAMED(I32),
	NAMED(I64),
	NAMED(F64),
};

const struct ggml_type_traits *ggml_type_get(uint32_t id)
{
	return id < ARRAY_SIZE(types) && types[id].name ? &types[id] : NULL;
}

const char *ggml_type_name(uint32_t id)
{
	const struct ggml_type_traits *t = ggml_type_get(id);

	return t ? t->name : "unknown";
}

const char *ggml_supported_names(char *buf, size_t room)
{
	size_t n = 0;
	uint32_t id;

	buf[0] = '\0';
	for (id = 0; id < ARRAY_SIZE(types) && n < room; id++) {
		if (ggml_type_supported(id))
			n += (size_t)snprintf(buf + n, room - n, "%s%s", n ? ", " : "",
					      ggml_type_name(id));
	}
	return buf;
}

bool ggml_type_supported(uint32_t id)
{
	const struct ggml_type_traits *t = ggml_type_get(id);

	return t && t->dequantize;
}

int ggml_row_size(uint32_t type, int64_t ne0, uint64_t *size)
{
	const struct ggml_type_traits *t = ggml_type_get(type);
	uint64_t bytes;

	if (!t || !t->dequantize)
		return -ENOTSUP;
	if (ne0 < 0 || ne0 % t->block)
		return -EINVAL;
	if (__builtin_mul_overflow((uint64_t)ne0 / t->block, t->bytes, &bytes))
		return -EOVERFLOW;
	*size = bytes;
	return 0;
}

int ggml_tensor_size(uint32_t type, const int64_t ne[4], uint64_t *size)
{
	uint64_t bytes;
	int i, rc;

	rc = ggml_row_size(type, ne[0], &bytes);
	if (rc)
		return rc;
	for (i = 1; i < 4; i++) {
		if (ne[i] < 0)
			return -EINVAL;
		if (__builtin_mul_overflow(bytes, (uint64_t)ne[i], &bytes))
			return -EOVERFLOW;
	}
	*size = bytes;
	return 0;
}

int ggml_dequantize_row(uint32_t type, const void *src, float *dst, int64_t n)
{
	const struct ggml_type_traits *t = ggml_type_get(type);

	if (!t || !t->dequantize)
		return -ENOTSUP;
	if (n < 0 || n % t->block)
		return -EINVAL;
	t->dequantize(src, dst, n / t->block);
	return 0;
}

int ggml_affine_group(uint32_t type, const void *src, int64_t group, struct ggml_affine *out)
{
	const struct ggml_type_traits *t = ggml_type_get(type);
	int64_t per;

	if (!t || !t->affine)
		return -ENOTSUP;
	per = t->block / 32;
	t->affine((const uint8_t *)src + group / per * t->bytes, (int)(group % per), out);
	return 0;
}
