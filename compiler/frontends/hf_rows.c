// SPDX-License-Identifier: MIT
#include "compiler/frontends/hf_rows.h"

#include <math.h>

#include "compiler/quant/ggml_types.h"
#include "compiler/quant/half.h"

/* Where unit u begins: the source, *element in it, and the run that it is of. */
static const struct st_tensor *locate(const struct hf_rows *r, uint64_t u, uint64_t *element,
				      const struct hf_run **run)
{
	const struct hf_run *s = r->run;
	uint64_t w = u % r->part_units, q, in;

	while (w >= s->units)
		w -= s++->units;
	q = w / s->inner;
	in = w % s->inner;
	if (s->half)
		in = in % 2 * s->half + in / 2;
	if (s->groups) {
		uint64_t all = s->groups * s->each, k = q % all;

		q += k % s->groups * s->each + k / s->groups - k;
	}
	*element = (q * s->outer + s->offset + in * s->step) * r->unit;
	*run = s;
	return r->parts[u / r->part_units];
}

/* F8_E4M3: no infinities, the code of all ones is no number (OCP OFP8, table 1). */
static float from_e4m3(uint8_t code)
{
	int exponent = code >> 3 & 15, mantissa = code & 7;
	float v;

	if (exponent == 15 && mantissa == 7)
		return NAN;
	v = exponent ? ldexpf((float)(8 + mantissa), exponent - 10) : ldexpf((float)mantissa, -9);
	return code & 0x80 ? -v : v;
}

/* Code number `at` of a row. */
static int packed(const struct st_tensor *s, uint64_t row, uint64_t at)
{
	uint64_t bit = at * s->bits;

	return s->data[row * s->stride + bit / 8] >> bit % 8 & ((1 << s->bits) - 1);
}

/* What stands for zero in a block of a row: packed by rows, the first in the lowest bits. */
static int zero_of(const struct st_tensor *s, uint64_t row, uint64_t block)
{
	uint64_t per = 32 / s->bits, bit = row % per * s->bits;

	if (!s->zero)
		return 1 << (s->bits - 1);
	return s->zero->data[(row / per * s->scale_cols + block) * 4 + bit / 8] >> bit % 8 &
	       ((1 << s->bits) - 1);
}

static float decode(const struct st_tensor *s, uint64_t at, uint64_t row, uint64_t col,
		    uint64_t block)
{
	switch (s->code) {
	case ST_E5M2: /* the upper half of a binary16 */
		return half_to_float((uint16_t)(s->data[at] << 8));
	case ST_I8:
		return (float)(int8_t)s->data[at];
	case ST_PACKED:
		return (float)(packed(s, row, col) - zero_of(s, row, block));
	default:
		return from_e4m3(s->data[at]);
	}
}

/* n elements from number `at` on. */
static void load(const struct st_tensor *s, uint64_t at, uint64_t n, float *out)
{
	uint64_t i, cols = s->n_dims ? s->shape[s->n_dims - 1] : 1, row, col, block = 0;
	float scale;

	if (s->type != ST_NO_TYPE) {
		ggml_dequantize_row(s->type, s->data + at * s->bytes, out, (int64_t)n);
		return;
	}
	for (i = 0; i < n; i++) {
		row = (at + i) / cols;
		col = (at + i) % cols;
		if (s->scale)
			block = s->order ? load_le32(s->order->data + 4 * col) : col / s->block[1];
		out[i] = decode(s, at + i, row, col, block);
		if (!s->scale)
			continue;
		block += row / s->block[0] * s->scale_cols;
		ggml_dequantize_row(s->scale->type, s->scale->data + block * s->scale->bytes,
				    &scale, 1);
		out[i] *= scale;
	}
}

static uint8_t *store(uint8_t *dst, const struct hf_rows *r, const struct hf_run *run, float v)
{
	uint32_t u, k;

	for (k = 0; k < run->n_by; k++)
		v *= run->by[k];
	if (r->map == HF_MAP_PLUS1)
		v += 1.0f;
	else if (r->map == HF_MAP_NEG_EXP)
		v = (float)-exp((double)v);
	u = htole32(float_bits(v));
	memcpy(dst, &u, sizeof(u));
	return dst + sizeof(u);
}

void hf_read_units(const struct gguf_rows *base, const struct gguf_tensor *t, uint64_t first,
		   uint64_t n, uint8_t *dst)
{
	const struct hf_rows *r = (const struct hf_rows *)base;
	uint64_t u = first * r->per_row, end = u + n * r->per_row, at, i, k, some;
	const struct st_tensor *s;
	const struct hf_run *run;
	float v[64];

	(void)t;
	for (; u < end; u++) {
		s = locate(r, u, &at, &run);
		if (!r->f32) {
			memcpy(dst, s->data + at * s->bytes, r->unit * s->bytes);
			dst += r->unit * s->bytes;
			continue;
		}
		for (i = 0; i < r->unit; i += some) {
			some = r->unit - i < 64 ? r->unit - i : 64;
			load(s, at + i, some, v);
			for (k = 0; k < some; k++)
				dst = store(dst, r, run, v[k]);
		}
	}
}

void hf_read_transposed(const struct gguf_rows *base, const struct gguf_tensor *t, uint64_t first,
			uint64_t n, uint8_t *dst)
{
	const struct hf_rows *r = (const struct hf_rows *)base;
	const struct hf_run *run = r->run;
	const struct st_tensor *s = r->parts[0];
	uint64_t row, i, at, cols = r->cols;
	float v;

	(void)t;
	for (row = first; row < first + n; row++) {
		at = (row / cols * run->outer + run->offset) * r->src_cols +
		     row % cols * r->col_step + r->col_first;
		for (i = 0; i < run->inner; i++, at += r->src_cols) {
			if (!r->f32) {
				memcpy(dst, s->data + at * s->bytes, s->bytes);
				dst += s->bytes;
				continue;
			}
			load(s, at, 1, &v);
			dst = store(dst, r, run, v);
		}
	}
}

void hf_read_mxfp4(const struct gguf_rows *base, const struct gguf_tensor *t, uint64_t first,
		   uint64_t n, uint8_t *dst)
{
	const struct hf_rows *r = (const struct hf_rows *)base;
	uint64_t blocks = (uint64_t)t->ne[0] / HF_MXFP4_BLOCK, row, b, at;
	const struct hf_run *run;
	int j;

	for (row = first; row < first + n; row++) {
		const uint8_t *codes = locate(r, row, &at, &run)->data + at;
		const uint8_t *scales = r->scales + at / HF_MXFP4_STORED_BYTES;

		for (b = 0; b < blocks; b++, codes += HF_MXFP4_STORED_BYTES) {
			*dst++ = scales[b];
			for (j = 0; j < 16; j++) {
				uint8_t lo = codes[j / 2] >> 4 * (j % 2) & 15;
				uint8_t hi = codes[8 + j / 2] >> 4 * (j % 2) & 15;

				*dst++ = (uint8_t)(lo | hi << 4);
			}
		}
	}
}
