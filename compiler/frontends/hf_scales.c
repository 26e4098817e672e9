// SPDX-License-Identifier: MIT
/*
 * Weights in 8 bits and fewer, and the scales that they are multiplied by.
 *
 * quant_method fp8, as DeepSeek publishes them: NAME of dtype F8_E4M3 or F8_E5M2 and NAME_scale_inv (or
 * NAME_scale), one number for all, for a row, or for a block of quantization_config.weight_block_size.
 *
 * quant_method compressed-tensors: the same (format float-quantized), of I8 (int-quantized), or
 * (pack-quantized) NAME_packed with codes of 4 or 8 bits in I32, the first in the lowest bits; NAME_shape, the
 * number of rows and columns; NAME_scale, a number for a row or for each group of a row's columns; for codes
 * without a sign NAME_zero_point, packed by rows; and NAME_g_idx where columns are not grouped in order.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "compiler/frontends/hf_internal.h"
#include "compiler/quant/half.h"

#define MAX_BLOCK 65536
#define MAX_DIM	  (1u << 24)

#define refuse(h, s, code, fmt, ...) \
	hf_fail(h, code, "tensor %.100s: " fmt, (s)->name, ##__VA_ARGS__)

static json_t *quantization(const struct hf *h)
{
	return hf_get(h->config, "quantization_config", strlen("quantization_config"));
}

static bool method_is(const struct hf *h, const char *want)
{
	const char *m = json_string_value(json_object_get(quantization(h), "quant_method"));

	return m && !strcmp(m, want);
}

static const char *const formats[] = { "float-quantized", "int-quantized", "naive-quantized",
				       "pack-quantized" };

/* Weights that something else is done to when they are used. */
static bool empty(const json_t *j)
{
	return !j || json_is_null(j) || (json_is_object(j) && !json_object_size(j));
}

static int check_compressed(struct hf *h)
{
	json_t *q = quantization(h), *sparsity = json_object_get(q, "sparsity_config");
	const char *format = json_string_value(json_object_get(q, "format"));
	const char *dense = json_string_value(json_object_get(sparsity, "format"));
	size_t i;

	for (i = 0; format && i < sizeof(formats) / sizeof(formats[0]); i++) {
		if (!strcmp(format, formats[i]))
			break;
	}
	if (!format || i == sizeof(formats) / sizeof(formats[0]))
		return hf_fail(h, -ENOTSUP,
			       "config.json: quantization_config.format: \"%.32s\" is not "
			       "supported; supported: float-quantized, int-quantized, "
			       "naive-quantized, pack-quantized",
			       format ? format : "");
	if (!empty(sparsity) && (!dense || strcmp(dense, "dense")))
		return hf_fail(h, -ENOTSUP,
			       "config.json: quantization_config.sparsity_config: format "
			       "\"%.32s\" is not supported; supported: dense",
			       dense ? dense : "");
	if (!empty(json_object_get(q, "transform_config")))
		return hf_fail(h, -ENOTSUP,
			       "config.json: quantization_config.transform_config: rotated "
			       "weights are not supported");
	return 0;
}

int hf_check_quantization(struct hf *h)
{
	const char *method = json_string_value(json_object_get(quantization(h), "quant_method"));

	if (!quantization(h) || method_is(h, "fp8") ||
	    (method_is(h, "mxfp4") && h->arch->flags & HF_MXFP4_OK))
		return 0;
	if (method_is(h, "compressed-tensors"))
		return check_compressed(h);
	return hf_fail(h, -ENOTSUP,
		       "config.json: quantization_config: method \"%.32s\" is not supported; "
		       "supported: unquantised weights, fp8, compressed-tensors, and mxfp4 of "
		       "gpt-oss",
		       method ? method : "");
}

/* ---- a number for all, a row or a block ---- */

/* quantization_config.weight_block_size, or the block_structure of the first group that has one */
static const json_t *block_list(const struct hf *h, const char **name)
{
	json_t *q = quantization(h), *group, *j;
	const char *key;

	*name = "weight_block_size";
	j = json_object_get(q, *name);
	if (j && !json_is_null(j))
		return j;
	*name = "config_groups: weights.block_structure";
	json_object_foreach(json_object_get(q, "config_groups"), key, group)
	{
		j = json_object_get(json_object_get(group, "weights"), "block_structure");
		if (j && !json_is_null(j))
			return j;
	}
	return NULL;
}

/* rows x columns; 0, 0 where the config has none */
static int block_size(struct hf *h, uint64_t block[2])
{
	const char *name;
	const json_t *list = block_list(h, &name);
	size_t i;

	block[0] = block[1] = 0;
	for (i = 0; list && i < 2; i++) {
		json_int_t v = json_integer_value(json_array_get(list, i));

		if (json_array_size(list) != 2 || v < 1 || v > MAX_BLOCK)
			return hf_fail(h, -EINVAL,
				       "config.json: quantization_config.%s: not two numbers "
				       "from 1 to %u",
				       name, MAX_BLOCK);
		block[i] = (uint64_t)v;
	}
	return 0;
}

static int check_scale(struct hf *h, struct st_tensor *scale)
{
	if (scale->type == ST_NO_TYPE)
		return refuse(h, scale, -ENOTSUP,
			      "dtype %s is not supported; supported: F32, F16, BF16", scale->dtype);
	scale->used = true;
	return 0;
}

/* Which block a scale is for follows from how many there are. */
static int bind(struct hf *h, struct st_tensor *s, struct st_tensor *scale, const uint64_t block[2])
{
	uint64_t cols = s->n_dims ? s->shape[s->n_dims - 1] : 1, rows = s->size / cols;
	uint64_t n = scale->size / scale->bytes;
	int rc = check_scale(h, scale);

	if (rc)
		return rc;
	s->scale = scale;
	s->scale_cols = 1;
	s->block[0] = rows;
	s->block[1] = cols;
	if (n == 1)
		return 0;
	if (block[0] && s->n_dims == 2 && scale->n_dims == 2 &&
	    scale->shape[0] == (rows - 1) / block[0] + 1 &&
	    scale->shape[1] == (cols - 1) / block[1] + 1) {
		s->scale_cols = scale->shape[1];
		s->block[0] = block[0];
		s->block[1] = block[1];
		return 0;
	}
	if (!block[0] && s->n_dims == 2 && n == rows && scale->shape[0] == rows) {
		s->block[0] = 1;
		return 0;
	}
	if (block[0])
		return refuse(h, scale, -EINVAL,
			      "%" PRIu64 " numbers, expected 1, or one for each %" PRIu64
			      " x %" PRIu64 " of %" PRIu64 " x %" PRIu64,
			      n, block[0], block[1], rows, cols);
	return refuse(h, scale, -EINVAL, "%" PRIu64 " numbers, expected 1 or %" PRIu64, n, rows);
}

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && !strcmp(s + n - m, end);
}

/* What concerns activations and the KV cache only. */
static bool of_activations(const char *name)
{
	static const char *const ends[] = { ".input_scale",	 ".output_scale",
					    ".activation_scale", "_activation_scale",
					    ".k_scale",		 ".v_scale" };
	size_t i;

	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		if (ends_with(name, ends[i]))
			return true;
	}
	return false;
}

/* ---- packed codes ---- */

static struct st_tensor *companion(struct hf *h, const struct st_tensor *s, const char *suffix)
{
	char name[272];

	snprintf(name, sizeof(name), "%s%s", s->name, suffix);
	return st_find(&h->set, name);
}

static uint64_t words(uint64_t n, uint32_t bits)
{
	return (n + 32 / bits - 1) / (32 / bits);
}

/* The shape that is stored, and how many bits a code then has. */
static int packed_shape(struct hf *h, struct st_tensor *s)
{
	struct st_tensor *t = companion(h, s, "_shape");
	bool wide = t && !strcmp(t->dtype, "I64");
	uint64_t v[2];
	uint32_t i;

	if (!t)
		return refuse(h, s, -EINVAL, "missing: %s_shape", s->name);
	if (t->n_dims != 1 || t->shape[0] != 2 || (!wide && strcmp(t->dtype, "I32")))
		return refuse(h, t, -EINVAL, "not two numbers of I32 or I64");
	t->used = true;
	for (i = 0; i < 2; i++)
		v[i] = wide ? load_le64(t->data + 8 * i) : load_le32(t->data + 4 * i);
	if (s->n_dims != 2 || strcmp(s->dtype, "I32") || v[0] != s->shape[0] || !v[1] ||
	    v[1] > MAX_DIM)
		return refuse(h, s, -EINVAL, "packed: not I32 with as many rows as %s", t->name);
	for (s->bits = 4; s->bits <= 8; s->bits *= 2) {
		if (s->shape[1] == words(v[1], s->bits))
			break;
	}
	if (s->bits > 8)
		return refuse(h, s, -ENOTSUP,
			      "%" PRIu64 " words for %" PRIu64
			      " columns are not codes of 4 or 8 bits",
			      s->shape[1], v[1]);
	s->stride = 4 * s->shape[1];
	s->shape[1] = v[1];
	/* as the others: a byte for each element */
	s->size = (size_t)(v[0] * v[1]);
	s->bytes = 1;
	s->code = ST_PACKED;
	return 0;
}

/* Codes without a sign: what stands for zero, for each row and group. */
static int packed_zero(struct hf *h, struct st_tensor *s)
{
	struct st_tensor *t = companion(h, s, "_zero_point");

	if (!t)
		return 0;
	t->used = true;
	if (strcmp(t->dtype, "I32") || t->n_dims != 2 ||
	    t->shape[0] != words(s->shape[0], s->bits) || t->shape[1] != s->scale_cols)
		return refuse(h, t, -EINVAL,
			      "not I32 of %" PRIu64 " x %" PRIu64 ", codes for each row and group",
			      words(s->shape[0], s->bits), s->scale_cols);
	s->zero = t;
	return 0;
}

static int packed_order(struct hf *h, struct st_tensor *s)
{
	struct st_tensor *t = companion(h, s, "_g_idx");
	uint64_t i;

	if (!t)
		return 0;
	t->used = true;
	if (strcmp(t->dtype, "I32") || t->n_dims != 1 || t->shape[0] != s->shape[1])
		return refuse(h, t, -EINVAL, "not I32 of %" PRIu64 ", a group for each column",
			      s->shape[1]);
	for (i = 0; i < s->shape[1]; i++) {
		if (load_le32(t->data + 4 * i) >= s->scale_cols)
			return refuse(h, t, -EINVAL, "element %" PRIu64 ": no group below %" PRIu64,
				      i, s->scale_cols);
	}
	s->order = t;
	return 0;
}

static int bind_packed(struct hf *h, struct st_tensor *s)
{
	struct st_tensor *scale = companion(h, s, "_scale");
	int rc = packed_shape(h, s);
	uint64_t groups;

	if (rc)
		return rc;
	if (!scale)
		return refuse(h, s, -EINVAL, "missing: %s_scale", s->name);
	rc = check_scale(h, scale);
	if (rc)
		return rc;
	groups = scale->n_dims == 2 ? scale->shape[1] : 0;
	if (!groups || scale->shape[0] != s->shape[0] || s->shape[1] % groups)
		return refuse(h, scale, -EINVAL,
			      "not %" PRIu64 " rows of groups that divide %" PRIu64 " columns",
			      s->shape[0], s->shape[1]);
	s->scale = scale;
	s->scale_cols = groups;
	s->block[0] = 1;
	s->block[1] = s->shape[1] / groups;
	rc = packed_zero(h, s);
	return rc ? rc : packed_order(h, s);
}

/* ---- all ---- */

static int bind_bytes(struct hf *h, struct st_tensor *s, const uint64_t block[2])
{
	static const char *const suffixes[] = { "_scale_inv", "_scale" };
	struct st_tensor *scale = NULL;
	size_t k;

	for (k = 0; k < 2 && !scale; k++)
		scale = companion(h, s, suffixes[k]);
	return scale ? bind(h, s, scale, block)
		     : refuse(h, s, -EINVAL, "missing: %s_scale_inv", s->name);
}

int hf_unpacked_names(struct hf *h)
{
	const char *end = ".weight_packed";
	size_t i, n = 0;

	if (!method_is(h, "compressed-tensors"))
		return 0;
	for (i = 0; i < h->set.n; i++) {
		struct st_tensor *s = &h->set.t[i];

		if (!ends_with(s->name, end))
			continue;
		s->name[strlen(s->name) - strlen("_packed")] = '\0';
		s->packed = true;
		n++;
	}
	return n ? st_index(&h->set, h->err) : 0;
}

int hf_scales(struct hf *h)
{
	bool compressed = method_is(h, "compressed-tensors");
	uint64_t block[2];
	size_t i;
	int rc;

	if (!compressed && !method_is(h, "fp8"))
		return 0;
	rc = block_size(h, block);
	for (i = 0; i < h->set.n && !rc; i++) {
		struct st_tensor *s = &h->set.t[i];

		if (s->used)
			continue;
		if (of_activations(s->name))
			hf_skip(h, s, SOURCE_ACTIVATIONS);
		else if (s->packed)
			rc = bind_packed(h, s);
		else if (s->code == ST_E4M3 || s->code == ST_E5M2)
			rc = bind_bytes(h, s, block);
		else if (compressed && !strcmp(s->dtype, "I8") && ends_with(s->name, ".weight")) {
			s->code = ST_I8;
			rc = bind_bytes(h, s, block);
		}
	}
	return rc;
}
