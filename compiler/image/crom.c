// SPDX-License-Identifier: MIT
/* Constant ROM: norm weights, biases, rotation tables. */
#include <endian.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/image/build.h"
#include "crc32.h"
#include "compiler/quant/ggml_types.h"

static void store_f32(uint8_t *p, float v)
{
	uint32_t u;

	memcpy(&u, &v, 4);
	u = htole32(u);
	memcpy(p, &u, 4);
}

/* The tensor's values in source order; the caller frees. */
static int load(struct ir_model *m, const struct ir_tensor *t, float **out)
{
	uint64_t n = t->rows * t->cols, i;
	float *f = malloc((n + GGML_MAX_BLOCK) * sizeof(*f));
	uint8_t *buf = malloc(t->size / t->rows);
	int ret = 0;

	if (!f || !buf) {
		free(f);
		free(buf);
		return diag_nomem(&m->diag);
	}
	for (i = 0; i < t->rows && !ret; i++)
		ret = ggml_dequantize_row(t->src_type, build_row(t, i, buf), f + t->cols * i,
					  (int64_t)t->cols);
	free(buf);
	for (i = 0; i < n && !ret; i++) {
		if (!isfinite(f[i]))
			ret = -EINVAL;
	}
	if (ret) {
		free(f);
		return diag_set(&m->diag, ret, "tensor %s: not finite or not readable", t->name);
	}
	*out = f;
	return 0;
}

static uint64_t source_index(const struct ir_tensor *t, uint64_t i)
{
	uint64_t r, half = t->perm_rot / 2;

	if (t->transposed)
		return i % t->rows * t->cols + i / t->rows;
	if (!t->perm_head)
		return i;
	r = i % t->perm_head;
	i -= r;
	if (r < t->perm_rot)
		r = r < half ? 2 * r : 2 * (r - half) + 1;
	return i + r;
}

int build_const(struct ir_model *m, const struct ir_const *c, float *out)
{
	uint64_t k, i;
	size_t j;

	for (j = 0; j < c->n_pieces; j++) {
		const struct ir_piece *p = &c->pieces[j];
		float *f;

		for (k = 0; !p->t && k < p->n * p->repeat; k++)
			*out++ = p->value;
		if (!p->t)
			continue;
		if (load(m, p->t, &f))
			return m->diag.err;
		for (k = 0; k < p->repeat; k++) {
			for (i = 0; i < p->n; i++)
				*out++ = f[source_index(p->t, i)];
		}
		free(f);
	}
	return 0;
}

static int put_const(struct ir_model *m, const struct ir_const *c, struct ig1_image_tensor *entries,
		     uint8_t *rom)
{
	float *f = malloc((c->n + 1) * sizeof(*f));
	uint64_t at = c->addr, i;
	size_t j;
	int ret;

	if (!f)
		return diag_nomem(&m->diag);
	ret = build_const(m, c, f);
	for (i = 0; i < c->n && !ret; i++)
		store_f32(rom + at + 4 * i, f[i]);
	free(f);
	for (j = 0; j < c->n_pieces && !ret; j++) {
		const struct ir_piece *p = &c->pieces[j];

		if (p->t) {
			entries[p->t->id].offset = at;
			entries[p->t->id].crc = ig1_crc32(0, rom + at, 4 * p->n);
		}
		at += 4 * p->n * p->repeat;
	}
	return ret;
}

static double clamp01(double v)
{
	return v < 0 ? 0 : v > 1 ? 1 : v;
}

/* The pair at which a wavelength makes `turns` turns in the original context (yarn). */
static double yarn_dim(const struct ir_table *t, double turns)
{
	return t->dims * log((double)t->orig_ctx / (turns * 2 * M_PI)) / (2 * log(t->base));
}

int build_freqs(struct ir_model *m, const struct ir_table *t, double *out)
{
	uint32_t half = t->dims / 2, i;
	float *factors = NULL;
	double lo = 0, hi = 0;
	int ret = 0;

	if (t->factors)
		ret = load(m, t->factors, &factors);
	if (t->ext != 0) {
		lo = fmax(0, floor(yarn_dim(t, t->beta_fast)));
		hi = fmin((double)t->dims - 1, ceil(yarn_dim(t, t->beta_slow)));
	}
	for (i = 0; i < half && !ret; i++) {
		double f = pow(t->base, -2.0 * i / t->dims), r = 0;

		if (factors && factors[i] == 0.0f) {
			ret = diag_set(&m->diag, -EINVAL, "tensor %s: element %u is zero",
				       t->factors->name, i);
			break;
		}
		if (factors)
			f /= (double)factors[i];
		if (t->ext != 0)
			r = (1 - clamp01((i - lo) / fmax(0.001, hi - lo))) * t->ext;
		out[i] = f * (t->scale * (1 - r) + r);
	}
	free(factors);
	return ret;
}

static int put_table(struct ir_model *m, const struct ir_table *t, uint8_t *rom)
{
	uint32_t half = t->dims / 2, i, pos;
	double *freq = calloc(half, sizeof(*freq));
	int ret;

	if (!freq)
		return diag_nomem(&m->diag);
	ret = build_freqs(m, t, freq);
	for (pos = 0; pos < t->positions && !ret; pos++) {
		uint8_t *row = rom + t->addr + t->stride * pos;

		for (i = 0; i < half; i++) {
			double a = pos * freq[i];
			float s = (float)(sin(a) * t->mscale);

			store_f32(row + 4 * i, (float)(cos(a) * t->mscale));
			store_f32(row + 4 * (half + i), -s);
			store_f32(row + 4 * (2 * half + i), s);
		}
	}
	free(freq);
	return ret;
}

int build_crom(struct ir_model *m, struct ig1_image_tensor *entries, uint8_t **out)
{
	const struct ir_const *c;
	const struct ir_table *t;
	uint8_t *rom;
	int ret = 0;

	rom = calloc(1, m->meta.crom_bytes + 1);
	if (!rom)
		return diag_nomem(&m->diag);
	for (c = m->consts; c && !ret; c = c->next)
		ret = put_const(m, c, entries, rom);
	for (t = m->tables; t && !ret; t = t->next)
		ret = put_table(m, t, rom);
	if (ret) {
		free(rom);
		return ret;
	}
	*out = rom;
	return 0;
}
