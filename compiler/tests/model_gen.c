// SPDX-License-Identifier: MIT
#include "compiler/tests/model_gen.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/quant/ggml_types.h"
#include "compiler/quant/half.h"
#include "compiler/quant/requant.h"
#include "compiler/tests/gguf_walk.h"

/* Sum of four uniforms: bell-shaped, variance 1. */
static float normal(uint64_t *seed)
{
	double v = 0;
	int i;

	for (i = 0; i < 4; i++)
		v += (double)(gguf_random(seed) >> 11) * 0x1p-53 - 0.5;
	return (float)(v * sqrt(3.0));
}

static uint32_t head_size(const struct gen_spec *s)
{
	return s->head_size ? s->head_size : s->width / s->heads;
}

static void key_u32(struct gguf_writer *w, const struct gen_spec *s, const char *key, uint32_t v)
{
	char name[128];

	snprintf(name, sizeof(name), "%s.%s", s->arch, key);
	gguf_write_u32(w, name, v);
}

static void key_f32(struct gguf_writer *w, const struct gen_spec *s, const char *key, float v)
{
	char name[128];

	snprintf(name, sizeof(name), "%s.%s", s->arch, key);
	gguf_write_f32(w, name, v);
}

void gen_keys(struct gguf_writer *w, const struct gen_spec *s)
{
	char name[128];

	gguf_writer_init(w);
	gguf_write_str(w, "general.architecture", s->arch);
	gguf_write_str(w, "general.name", s->name);
	key_u32(w, s, "block_count", s->layers);
	key_u32(w, s, "embedding_length", s->width);
	key_u32(w, s, "context_length", s->context);
	key_u32(w, s, "feed_forward_length", s->ff);
	key_u32(w, s, "attention.head_count", s->heads);
	key_u32(w, s, "attention.head_count_kv", s->kv_heads);
	key_f32(w, s, "attention.layer_norm_rms_epsilon", 1e-5f);
	if (s->head_size) {
		key_u32(w, s, "attention.key_length", s->head_size);
		key_u32(w, s, "attention.value_length", s->head_size);
	}
	if (s->rope_dims)
		key_u32(w, s, "rope.dimension_count", s->rope_dims);
	if (s->rope_base != 0)
		key_f32(w, s, "rope.freq_base", s->rope_base);
	if (s->scaling) {
		snprintf(name, sizeof(name), "%s.rope.scaling.type", s->arch);
		gguf_write_str(w, name, s->scaling);
		key_f32(w, s, "rope.scaling.factor", s->factor);
	}
	if (s->attn_factor != 0)
		key_f32(w, s, "rope.scaling.attn_factor", s->attn_factor);
	if (s->orig_context)
		key_u32(w, s, "rope.scaling.original_context_length", s->orig_context);
}

/* cols x rows, values of standard deviation `scale` around `mean`. */
static void tensor(struct gguf_writer *w, const char *name, uint32_t type, int64_t cols,
		   int64_t rows, float mean, float scale, uint64_t *seed)
{
	const int64_t ne[2] = { cols, rows };
	uint64_t row_bytes, i, j;
	float *f = malloc((size_t)cols * sizeof(*f));
	uint8_t *data;

	if (ggml_row_size(type, cols, &row_bytes))
		abort();
	data = malloc(row_bytes * (size_t)rows);
	if (!f || !data)
		abort();
	for (i = 0; i < (uint64_t)rows; i++) {
		uint8_t *p = data + i * row_bytes;

		for (j = 0; j < (uint64_t)cols; j++)
			f[j] = mean + scale * normal(seed);
		switch (type) {
		case GGML_TYPE_F32:
			memcpy(p, f, row_bytes);
			break;
		case GGML_TYPE_F16:
			for (j = 0; j < (uint64_t)cols; j++)
				store_le16(p + 2 * j, float_to_half(f[j]));
			break;
		case GGML_TYPE_Q8_0:
			requant_row_q8_0(f, p, cols);
			break;
		case GGML_TYPE_Q4_0:
			requant_row_q4_0(f, p, cols);
			break;
		default:
			abort();
		}
	}
	gguf_write_tensor(w, name, type, rows > 1 ? 2 : 1, ne, data, row_bytes * (size_t)rows);
	free(f);
	free(data);
}

static void layer_tensor(struct gguf_writer *w, uint32_t layer, const char *what, uint32_t type,
			 int64_t cols, int64_t rows, float mean, float scale, uint64_t *seed)
{
	char name[64];

	snprintf(name, sizeof(name), "blk.%u.%s", layer, what);
	tensor(w, name, type, cols, rows, mean, scale, seed);
}

void gen_tensors(struct gguf_writer *w, const struct gen_spec *s)
{
	uint32_t d = head_size(s), nq = s->heads * d, nk = s->kv_heads * d, i;
	float e = 1 / sqrtf((float)s->width);
	/* scores with a spread of a few units, so that positions matter */
	float qk = 1.7f * e;
	uint64_t seed = s->seed;

	tensor(w, "token_embd.weight", s->type, s->width, s->vocab, 0, 1, &seed);
	for (i = 0; i < s->layers; i++) {
		uint32_t tv = s->type_v ? s->type_v : s->type;

		if (i + 1 == s->odd_layer)
			tv = GGML_TYPE_Q4_0;
		layer_tensor(w, i, "attn_norm.weight", GGML_TYPE_F32, s->width, 1, 1, 0.2f, &seed);
		layer_tensor(w, i, "attn_q.weight", s->type, s->width, nq, 0, qk, &seed);
		layer_tensor(w, i, "attn_k.weight", s->type, s->width, nk, 0, qk, &seed);
		layer_tensor(w, i, "attn_v.weight", tv, s->width, nk, 0, e, &seed);
		layer_tensor(w, i, "attn_output.weight", s->type, nq, s->width, 0,
			     2 / sqrtf((float)nq), &seed);
		layer_tensor(w, i, "ffn_norm.weight", GGML_TYPE_F32, s->width, 1, 1, 0.2f, &seed);
		layer_tensor(w, i, "ffn_gate.weight", s->type, s->width, s->ff, 0, e, &seed);
		layer_tensor(w, i, "ffn_up.weight", s->type, s->width, s->ff, 0, e, &seed);
		layer_tensor(w, i, "ffn_down.weight", tv, s->ff, s->width, 0,
			     1 / sqrtf((float)s->ff), &seed);
		if (s->bias_qkv || s->bias_q_only)
			layer_tensor(w, i, "attn_q.bias", GGML_TYPE_F32, nq, 1, 0, 1, &seed);
		if (s->bias_qkv) {
			layer_tensor(w, i, "attn_k.bias", GGML_TYPE_F32, nk, 1, 0, 1, &seed);
			layer_tensor(w, i, "attn_v.bias", GGML_TYPE_F32, nk, 1, 0, 1, &seed);
		}
		if (s->bias_o)
			layer_tensor(w, i, "attn_output.bias", GGML_TYPE_F32, s->width, 1, 0, 1,
				     &seed);
		if (s->bias_ffn) {
			layer_tensor(w, i, "ffn_gate.bias", GGML_TYPE_F32, s->ff, 1, 0, 1, &seed);
			layer_tensor(w, i, "ffn_up.bias", GGML_TYPE_F32, s->ff, 1, 0, 1, &seed);
			layer_tensor(w, i, "ffn_down.bias", GGML_TYPE_F32, s->width, 1, 0, 1,
				     &seed);
		}
		if (!strcmp(s->arch, "qwen3")) {
			layer_tensor(w, i, "attn_q_norm.weight", GGML_TYPE_F32, d, 1, 1.5f, 0.3f,
				     &seed);
			layer_tensor(w, i, "attn_k_norm.weight", GGML_TYPE_F32, d, 1, 1.5f, 0.3f,
				     &seed);
		}
	}
	tensor(w, "output_norm.weight", GGML_TYPE_F32, s->width, 1, 1, 0.2f, &seed);
	if (!s->tied)
		tensor(w, "output.weight", s->type, s->width, s->vocab, 0, e, &seed);
	if (s->bias_out)
		tensor(w, "output.bias", GGML_TYPE_F32, s->vocab, 1, 0, 1, &seed);
	if (s->rope_freqs)
		tensor(w, "rope_freqs.weight", GGML_TYPE_F32, (s->rope_dims ? s->rope_dims : d) / 2,
		       1, 3, 0.8f, &seed);
}

int gen_model(const struct gen_spec *s, uint8_t **data, size_t *size)
{
	struct gguf_writer w;
	int ret;

	gen_keys(&w, s);
	gen_tensors(&w, s);
	ret = gguf_writer_finish(&w, data, size);
	gguf_writer_free(&w);
	return ret;
}

/* ---- the model in double precision ---- */

struct eval {
	const struct gen_spec *s;
	struct gguf_file *f;
	bool plain;
	uint32_t d;
};

/* The whole tensor; NULL when there is none. The caller frees. */
static float *weights(const struct eval *e, const char *name)
{
	const struct gguf_tensor *t = gguf_find_tensor(e->f, name);
	float *f;

	if (!t)
		return NULL;
	f = malloc((t->elements + GGML_MAX_BLOCK) * sizeof(*f));
	if (!f || ggml_dequantize_row(t->type, t->data, f, (int64_t)t->elements))
		abort();
	return f;
}

static float *layer_weights(const struct eval *e, uint32_t layer, const char *what)
{
	char name[64];

	snprintf(name, sizeof(name), "blk.%u.%s", layer, what);
	return weights(e, name);
}

static void norm(double *y, const double *x, const float *w, size_t n)
{
	double sum = 0;
	size_t i;

	for (i = 0; i < n; i++)
		sum += x[i] * x[i];
	sum = 1 / sqrt(sum / (double)n + 1e-5);
	for (i = 0; i < n; i++)
		y[i] = x[i] * sum * (double)w[i];
}

/* y = W x (+ b), with W and b of blk.<layer>.<name> */
static void linear(const struct eval *e, int layer, const char *name, double *y, const double *x,
		   size_t cols, size_t rows)
{
	char full[80];
	float *w, *b;
	size_t i, j;

	if (layer >= 0)
		snprintf(full, sizeof(full), "blk.%d.%s.weight", layer, name);
	else
		snprintf(full, sizeof(full), "%s.weight", name);
	w = weights(e, full);
	if (!w)
		w = weights(e, "token_embd.weight");
	strcpy(strrchr(full, '.'), ".bias");
	b = weights(e, full);
	for (i = 0; i < rows; i++) {
		y[i] = b ? (double)b[i] : 0;
		for (j = 0; j < cols; j++)
			y[i] += (double)w[i * cols + j] * x[j];
	}
	free(w);
	free(b);
}

static double frequency(const struct eval *e, uint32_t i, uint32_t n, const float *factors)
{
	const struct gen_spec *s = e->s;
	double base = s->rope_base != 0 ? (double)s->rope_base : 10000;
	double f = pow(base, -2.0 * i / n), scale, lo, hi, r;
	double orig = s->orig_context ? s->orig_context : s->context;

	if (e->plain)
		return f;
	if (factors)
		f /= (double)factors[i];
	if (!s->scaling || !strcmp(s->scaling, "none"))
		return f;
	scale = 1 / (double)s->factor;
	if (strcmp(s->scaling, "yarn"))
		return f * scale;
	lo = fmax(0, floor(n * log(orig / (32 * 2 * M_PI)) / (2 * log(base))));
	hi = fmin(n - 1, ceil(n * log(orig / (1 * 2 * M_PI)) / (2 * log(base))));
	r = 1 - fmin(1, fmax(0, (i - lo) / fmax(0.001, hi - lo)));
	return f * (scale * (1 - r) + r);
}

static void rotate(const struct eval *e, double *x, size_t heads, uint32_t pos)
{
	const struct gen_spec *s = e->s;
	uint32_t n = s->rope_dims ? s->rope_dims : e->d, i;
	bool pairs = !strcmp(s->arch, "llama");
	float *factors = pairs ? weights(e, "rope_freqs.weight") : NULL;
	double m = 1;
	size_t h;

	if (!e->plain && s->attn_factor != 0)
		m = (double)s->attn_factor;
	if (!e->plain && s->scaling && !strcmp(s->scaling, "yarn"))
		m *= 1 + 0.1 * log((double)s->factor);
	for (h = 0; h < heads; h++, x += e->d) {
		for (i = 0; i < n / 2; i++) {
			double t = pos * frequency(e, i, n, factors);
			double *a = &x[pairs ? 2 * i : i], *b = &x[pairs ? 2 * i + 1 : i + n / 2];
			double c = m * cos(t), d = m * sin(t), u = *a, v = *b;

			*a = u * c - v * d;
			*b = u * d + v * c;
		}
	}
	free(factors);
}

static void head_norms(const struct eval *e, uint32_t layer, const char *name, double *x,
		       size_t heads)
{
	float *w = layer_weights(e, layer, name);
	size_t h;

	for (h = 0; w && h < heads; h++)
		norm(x + h * e->d, x + h * e->d, w, e->d);
	free(w);
}

/* k and v: of all positions so far, [pos][kv head][value] */
static void attend(const struct eval *e, double *y, const double *q, const double *k,
		   const double *v, uint32_t pos)
{
	const struct gen_spec *s = e->s;
	size_t nk = (size_t)s->kv_heads * e->d, h, i, p;
	double *score = malloc((pos + 1) * sizeof(*score));

	if (!score)
		abort();
	for (h = 0; h < s->heads; h++) {
		size_t kh = h / (s->heads / s->kv_heads) * e->d;
		double sum = 0, max = -INFINITY;

		for (p = 0; p <= pos; p++) {
			score[p] = 0;
			for (i = 0; i < e->d; i++)
				score[p] += q[h * e->d + i] * k[p * nk + kh + i];
			score[p] /= sqrt((double)e->d);
			max = fmax(max, score[p]);
		}
		for (p = 0; p <= pos; p++) {
			score[p] = exp(score[p] - max);
			sum += score[p];
		}
		for (i = 0; i < e->d; i++) {
			y[h * e->d + i] = 0;
			for (p = 0; p <= pos; p++)
				y[h * e->d + i] += score[p] / sum * v[p * nk + kh + i];
		}
	}
	free(score);
}

static double *doubles(size_t n)
{
	double *p = calloc(n, sizeof(*p));

	if (!p)
		abort();
	return p;
}

static void run_layer(const struct eval *e, uint32_t l, double *x, double *k, double *v,
		      uint32_t pos)
{
	const struct gen_spec *s = e->s;
	size_t nq = (size_t)s->heads * e->d, nk = (size_t)s->kv_heads * e->d, i;
	double *h = doubles(s->width), *q = doubles(nq), *a = doubles(nq), *o = doubles(s->width);
	double *g = doubles(s->ff), *u = doubles(s->ff);
	float *w;

	w = layer_weights(e, l, "attn_norm.weight");
	norm(h, x, w, s->width);
	free(w);
	linear(e, (int)l, "attn_q", q, h, s->width, nq);
	linear(e, (int)l, "attn_k", k + pos * nk, h, s->width, nk);
	linear(e, (int)l, "attn_v", v + pos * nk, h, s->width, nk);
	head_norms(e, l, "attn_q_norm.weight", q, s->heads);
	head_norms(e, l, "attn_k_norm.weight", k + pos * nk, s->kv_heads);
	rotate(e, q, s->heads, pos);
	rotate(e, k + pos * nk, s->kv_heads, pos);
	attend(e, a, q, k, v, pos);
	linear(e, (int)l, "attn_output", o, a, nq, s->width);
	for (i = 0; i < s->width; i++)
		x[i] += o[i];
	w = layer_weights(e, l, "ffn_norm.weight");
	norm(h, x, w, s->width);
	free(w);
	linear(e, (int)l, "ffn_gate", g, h, s->width, s->ff);
	linear(e, (int)l, "ffn_up", u, h, s->width, s->ff);
	for (i = 0; i < s->ff; i++)
		g[i] = g[i] / (1 + exp(-g[i])) * u[i];
	linear(e, (int)l, "ffn_down", o, g, s->ff, s->width);
	for (i = 0; i < s->width; i++)
		x[i] += o[i];
	free(h);
	free(q);
	free(a);
	free(o);
	free(g);
	free(u);
}

double *gen_logits(const struct gen_spec *s, const uint8_t *data, size_t size,
		   const uint32_t *tokens, size_t n, bool plain_rope)
{
	struct eval e = { .s = s, .plain = plain_rope, .d = head_size(s) };
	size_t nk = (size_t)s->kv_heads * e.d, i;
	double *out = doubles(n * s->vocab), *x = doubles(s->width), *h = doubles(s->width);
	double *k = doubles(s->layers * n * nk), *v = doubles(s->layers * n * nk);
	float *embd, *w;
	uint32_t l, pos;

	if (gguf_open_mem(data, size, &e.f, NULL))
		abort();
	embd = weights(&e, "token_embd.weight");
	w = weights(&e, "output_norm.weight");
	for (pos = 0; pos < n; pos++) {
		for (i = 0; i < s->width; i++)
			x[i] = (double)embd[(size_t)tokens[pos] * s->width + i];
		for (l = 0; l < s->layers; l++)
			run_layer(&e, l, x, k + l * n * nk, v + l * n * nk, pos);
		norm(h, x, w, s->width);
		linear(&e, -1, "output", out + pos * s->vocab, h, s->width, s->vocab);
	}
	free(embd);
	free(w);
	free(x);
	free(h);
	free(k);
	free(v);
	gguf_close(e.f);
	return out;
}

double gen_nmse(const float *a, const double *b, size_t n)
{
	double se = 0, ss = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		se += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
		ss += b[i] * b[i];
	}
	return se / ss;
}
