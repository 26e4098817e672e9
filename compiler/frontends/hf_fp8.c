// SPDX-License-Identifier: MIT
/*
 * Weights in 8-bit floats, as DeepSeek publishes them: NAME of dtype F8_E4M3 and NAME_scale_inv (or
 * NAME_scale), by which they are multiplied: one number for all, for a row, or for a block of
 * quantization_config.weight_block_size.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "compiler/frontends/hf_internal.h"

#define MAX_BLOCK 65536

#define refuse(h, s, code, fmt, ...) \
	hf_fail(h, code, "tensor %.100s: " fmt, (s)->name, ##__VA_ARGS__)

static bool is_fp8(struct hf *h)
{
	const json_t *m = hf_get(h->config, "quantization_config.quant_method", 32);

	return m && json_is_string(m) && !strcmp(json_string_value(m), "fp8");
}

/* rows x columns; 0, 0 where the config has none */
static int block_size(struct hf *h, uint64_t block[2])
{
	const json_t *list = hf_get(h->config, "quantization_config.weight_block_size", 37);
	size_t i;

	block[0] = block[1] = 0;
	for (i = 0; list && i < 2; i++) {
		json_int_t v = json_integer_value(json_array_get(list, i));

		if (json_array_size(list) != 2 || v < 1 || v > MAX_BLOCK)
			return hf_fail(h, -EINVAL,
				       "config.json: quantization_config.weight_block_size: not "
				       "two numbers from 1 to %u",
				       MAX_BLOCK);
		block[i] = (uint64_t)v;
	}
	return 0;
}

/* Which block a scale is for follows from how many there are. */
static int bind(struct hf *h, struct st_tensor *s, struct st_tensor *scale, const uint64_t block[2])
{
	uint64_t cols = s->n_dims ? s->shape[s->n_dims - 1] : 1, rows = s->size / cols;
	uint64_t n = scale->size / scale->bytes;

	if (scale->type == ST_NO_TYPE)
		return refuse(h, scale, -ENOTSUP,
			      "dtype %s is not supported; supported: F32, F16, BF16", scale->dtype);
	scale->used = true;
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

/* What concerns activations only. */
static bool of_activations(const char *name)
{
	static const char *const ends[] = { ".input_scale", ".activation_scale",
					    "_activation_scale" };
	size_t i, n = strlen(name);

	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		size_t m = strlen(ends[i]);

		if (n >= m && !strcmp(name + n - m, ends[i]))
			return true;
	}
	return false;
}

int hf_fp8(struct hf *h)
{
	static const char *const suffixes[] = { "_scale_inv", "_scale" };
	struct st_tensor *scale;
	uint64_t block[2];
	char name[272];
	size_t i, k;
	int rc;

	if (!is_fp8(h))
		return 0;
	rc = block_size(h, block);
	for (i = 0; i < h->set.n && !rc; i++) {
		struct st_tensor *s = &h->set.t[i];

		s->used |= of_activations(s->name);
		if (strcmp(s->dtype, "F8_E4M3"))
			continue;
		for (scale = NULL, k = 0; k < 2 && !scale; k++) {
			snprintf(name, sizeof(name), "%s%s", s->name, suffixes[k]);
			scale = st_find(&h->set, name);
		}
		rc = scale ? bind(h, s, scale, block)
			   : refuse(h, s, -EINVAL, "missing: %s_scale_inv", s->name);
	}
	return rc;
}
