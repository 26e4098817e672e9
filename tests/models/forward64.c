// SPDX-License-Identifier: MIT
#include "tests/models/forward64.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/quant/ggml_types.h"
#include "compiler/quant/half.h"

#define GROUP 32 /* numbers with one scale */

/* rows x cols, row by row; bias may be NULL. y[r] = sum over c of w[r][c] x[c] + bias[r] */
struct linear {
	double *w, *bias;
	size_t rows, cols;
};

struct layer {
	double *attn_norm, *ffn_norm; /* width */
	double *q_norm, *k_norm;      /* head size, or NULL */
	struct linear q, k, v, o;     /* attention */
	struct linear gate, up, down; /* feed-forward */
};

struct forward64 {
	char arch[16];
	bool int8;
	size_t layers, width, heads, kv_heads, head_size, vocab;
	double eps;
	bool neox; /* rotated pairs are (i, i + n/2), not (2i, 2i + 1) */
	size_t rope_dims;
	double *rope_freq;   /* rope_dims / 2: radians per position */
	double rope_mscale;  /* of cosine and sine */
	double *embd;	     /* vocab x width */
	double *output_norm; /* width */
	struct linear output;
	struct layer *layer;
};

/* What opening carries along; error is sticky. */
struct loader {
	struct forward64 *m;
	const struct gguf_file *f;
	struct gguf_error *err;
	int error;
};

static void __attribute__((format(printf, 3, 4))) refuse(struct loader *l, int error,
							 const char *fmt, ...)
{
	va_list ap;

	if (l->error)
		return;
	l->error = error;
	if (!l->err || l->err->msg[0])
		return;
	va_start(ap, fmt);
	vsnprintf(l->err->msg, sizeof(l->err->msg), fmt, ap);
	va_end(ap);
}

/* --- int8 ------------------------------------------------------------------------------------ */

/* n numbers, at most GROUP, to multiples of their largest magnitude / 127; returns that. */
static double round_group(double *x, size_t n)
{
	double max = 0, scale;
	size_t i;

	for (i = 0; i < n; i++)
		max = fmax(max, fabs(x[i]));
	scale = max / 127;
	for (i = 0; i < n && scale > 0; i++)
		x[i] = round(x[i] / scale) * scale;
	return scale;
}

static void round_groups(double *x, size_t n)
{
	size_t i;

	for (i = 0; i < n; i += GROUP)
		round_group(x + i, n - i < GROUP ? n - i : GROUP);
}

/* The same for a row of weights, whose scales are F16. */
static void round_weights(double *x, size_t n)
{
	size_t i, j;

	for (i = 0; i < n; i += GROUP) {
		size_t k = n - i < GROUP ? n - i : GROUP;
		double scale = round_group(x + i, k);
		double f16 = half_to_float(float_to_half((float)scale));

		for (j = i; j < i + k && scale > 0; j++)
			x[j] *= f16 / scale;
	}
}

/* --- keys ------------------------------------------------------------------------------------ */

static const char *key_name(const struct loader *l, const char *key, char buf[128])
{
	snprintf(buf, 128, "%s.%s", l->m->arch, key);
	return buf;
}

/* `otherwise` when the key is absent. */
static double number(struct loader *l, const char *key, double otherwise)
{
	float v = 0;
	char buf[128];
	int ret = gguf_get_f32(l->f, key_name(l, key, buf), &v, l->err);

	if (ret == -ENOENT)
		return otherwise;
	if (ret)
		refuse(l, ret, "key %s", buf);
	return v;
}

static size_t count(struct loader *l, const char *key, bool required, size_t otherwise)
{
	uint32_t v = 0;
	char buf[128];
	int ret = gguf_get_u32(l->f, key_name(l, key, buf), &v, l->err);

	if (ret == -ENOENT && !required)
		return otherwise;
	if (ret || !v || v > 1u << 24)
		refuse(l, ret ? ret : -EINVAL, "key %s: missing, 0 or too large", buf);
	return v;
}

static void read_sizes(struct loader *l)
{
	struct forward64 *m = l->m;

	m->layers = count(l, "block_count", true, 0);
	m->width = count(l, "embedding_length", true, 0);
	m->heads = count(l, "attention.head_count", true, 0);
	m->kv_heads = count(l, "attention.head_count_kv", false, m->heads);
	if (l->error)
		return;
	m->head_size = count(l, "attention.key_length", false, m->width / m->heads);
	if (count(l, "attention.value_length", false, m->width / m->heads) != m->head_size)
		refuse(l, -ENOTSUP, "values of another length than keys");
	if (m->layers > 4096 || m->heads % m->kv_heads || !m->head_size)
		refuse(l, -EINVAL, "layers or heads make no sense");
	m->eps = number(l, "attention.layer_norm_rms_epsilon", -1);
	if (!(m->eps >= 0))
		refuse(l, -EINVAL, "key attention.layer_norm_rms_epsilon: missing or negative");
}

/* --- tensors --------------------------------------------------------------------------------- */

/* rows x cols as doubles; NULL when the tensor is absent and not required. */
static double *tensor(struct loader *l, const char *name, bool required, size_t rows, size_t cols)
{
	const struct gguf_tensor *t = gguf_find_tensor(l->f, name);
	float *row = NULL;
	double *out = NULL;
	size_t r, c;

	if (l->error)
		return NULL;
	if (!t) {
		if (required)
			refuse(l, -EINVAL, "tensor %s: missing", name);
		return NULL;
	}
	if ((size_t)t->ne[0] != cols || t->elements != rows * cols) {
		refuse(l, -EINVAL, "tensor %s: shape", name);
		return NULL;
	}
	out = malloc(rows * cols * sizeof(*out));
	row = malloc(cols * sizeof(*row));
	if (!out || !row) {
		refuse(l, -ENOMEM, "out of memory");
		goto fail;
	}
	for (r = 0; r < rows; r++) {
		if (ggml_dequantize_row(t->type, t->data + t->size / rows * r, row,
					(int64_t)cols)) {
			refuse(l, -EINVAL, "tensor %s: type", name);
			goto fail;
		}
		for (c = 0; c < cols; c++)
			out[r * cols + c] = row[c];
		if (l->m->int8 && rows > 1 && t->type != GGML_TYPE_Q8_0 &&
		    t->type != GGML_TYPE_Q4_0)
			round_weights(out + r * cols, cols);
	}
	free(row);
	return out;
fail:
	free(out);
	free(row);
	return NULL;
}

static double *layer_tensor(struct loader *l, size_t i, const char *what, bool required,
			    size_t rows, size_t cols)
{
	char name[96];

	snprintf(name, sizeof(name), "blk.%zu.%s", i, what);
	return tensor(l, name, required, rows, cols);
}

static void load_linear(struct loader *l, size_t i, const char *what, size_t rows, size_t cols,
			bool may_bias, struct linear *out)
{
	char name[64];

	out->rows = rows;
	out->cols = cols;
	snprintf(name, sizeof(name), "%s.weight", what);
	out->w = layer_tensor(l, i, name, true, rows, cols);
	snprintf(name, sizeof(name), "%s.bias", what);
	if (may_bias)
		out->bias = layer_tensor(l, i, name, false, 1, rows);
}

/* feed_forward_length may differ between layers; the tensor knows. */
static size_t ff_length(struct loader *l, size_t i)
{
	uint32_t *v = calloc(l->m->layers, sizeof(*v)), n = 0;
	char buf[128];

	if (!v) {
		refuse(l, -ENOMEM, "out of memory");
		return 0;
	}
	if (gguf_get_u32_layers(l->f, key_name(l, "feed_forward_length", buf), l->m->layers, v,
				l->err))
		refuse(l, -EINVAL, "key %s", buf);
	n = v[i];
	free(v);
	if (!n)
		refuse(l, -EINVAL, "key %s: 0", buf);
	return n;
}

static void load_layer(struct loader *l, size_t i)
{
	struct forward64 *m = l->m;
	struct layer *y = &m->layer[i];
	size_t e = m->width, nq = m->heads * m->head_size, nk = m->kv_heads * m->head_size;
	size_t ff = ff_length(l, i);
	bool llama = !strcmp(m->arch, "llama"), qwen3 = !strcmp(m->arch, "qwen3");

	if (l->error)
		return;
	y->attn_norm = layer_tensor(l, i, "attn_norm.weight", true, 1, e);
	load_linear(l, i, "attn_q", nq, e, !qwen3, &y->q);
	load_linear(l, i, "attn_k", nk, e, !qwen3, &y->k);
	load_linear(l, i, "attn_v", nk, e, !qwen3, &y->v);
	load_linear(l, i, "attn_output", e, nq, llama, &y->o);
	if (qwen3) {
		y->q_norm = layer_tensor(l, i, "attn_q_norm.weight", true, 1, m->head_size);
		y->k_norm = layer_tensor(l, i, "attn_k_norm.weight", true, 1, m->head_size);
	}
	y->ffn_norm = layer_tensor(l, i, "ffn_norm.weight", true, 1, e);
	load_linear(l, i, "ffn_gate", ff, e, llama, &y->gate);
	load_linear(l, i, "ffn_up", ff, e, llama, &y->up);
	load_linear(l, i, "ffn_down", e, ff, llama, &y->down);
}

/* --- rotary positions ------------------------------------------------------------------------ */

/* The pair whose angle makes `turns` turns over the original context. */
static double yarn_pair(double n, double base, double original, double turns)
{
	return n * log(original / (turns * 2 * M_PI)) / (2 * log(base));
}

static void load_rope(struct loader *l)
{
	struct forward64 *m = l->m;
	struct gguf_str type = { "linear", 6 };
	char buf[128];
	size_t n, i, original;
	double base, factor, attn, ext, fast, slow, lo, hi, *freqs = NULL;

	n = m->rope_dims = count(l, "rope.dimension_count", false, m->head_size);
	base = number(l, "rope.freq_base", 10000);
	factor = number(l, "rope.scaling.factor", number(l, "rope.scale_linear", 0));
	original = count(l, "rope.scaling.original_context_length", false,
			 count(l, "context_length", true, 0));
	attn = number(l, "rope.scaling.attn_factor", 1);
	ext = number(l, "rope.scaling.yarn_ext_factor", -1);
	fast = number(l, "rope.scaling.yarn_beta_fast", 32);
	slow = number(l, "rope.scaling.yarn_beta_slow", 1);
	gguf_get_str(l->f, key_name(l, "rope.scaling.type", buf), &type, NULL);
	if (l->error)
		return;
	if (n % 2 || n > m->head_size) {
		refuse(l, -EINVAL, "key rope.dimension_count");
		return;
	}
	if (!gguf_str_eq(type, "none") && !gguf_str_eq(type, "linear") &&
	    !gguf_str_eq(type, "yarn")) {
		refuse(l, -ENOTSUP, "key %s", buf);
		return;
	}
	if (factor == 0 || gguf_str_eq(type, "none"))
		factor = 1;
	if (ext < 0)
		ext = gguf_str_eq(type, "yarn") ? 1 : 0;
	if (!strcmp(m->arch, "llama"))
		freqs = tensor(l, "rope_freqs.weight", false, 1, n / 2);
	m->rope_freq = calloc(n / 2, sizeof(double));
	if (!m->rope_freq)
		refuse(l, -ENOMEM, "out of memory");
	if (l->error)
		goto out;
	lo = fmax(0, floor(yarn_pair((double)n, base, (double)original, fast)));
	hi = fmin((double)n - 1, ceil(yarn_pair((double)n, base, (double)original, slow)));
	for (i = 0; i < n / 2; i++) {
		double theta = pow(base, -2.0 * (double)i / (double)n), ramp, keep;

		if (freqs)
			theta /= freqs[i];
		/* keep: the share that is not slowed down */
		ramp = fmin(1, fmax(0, ((double)i - lo) / fmax(0.001, hi - lo)));
		keep = ext * (1 - ramp);
		m->rope_freq[i] = theta * ((1 - keep) / factor + keep);
	}
	m->rope_mscale = attn * (ext != 0 ? 1 + 0.1 * log(factor) : 1);
out:
	free(freqs);
}

/* --- opening --------------------------------------------------------------------------------- */

static void load(struct loader *l)
{
	struct forward64 *m = l->m;
	const struct gguf_tensor *t;
	struct gguf_str arch;
	size_t i;

	if (gguf_get_str(l->f, "general.architecture", &arch, l->err) ||
	    arch.len >= sizeof(m->arch)) {
		refuse(l, -EINVAL, "key general.architecture");
		return;
	}
	memcpy(m->arch, arch.ptr, arch.len);
	m->neox = strcmp(m->arch, "llama");
	if (m->neox && strcmp(m->arch, "qwen2") && strcmp(m->arch, "qwen3")) {
		refuse(l, -ENOTSUP, "architecture %s", m->arch);
		return;
	}
	read_sizes(l);
	t = gguf_find_tensor(l->f, "token_embd.weight");
	if (!t)
		refuse(l, -EINVAL, "tensor token_embd.weight: missing");
	if (l->error)
		return;
	m->vocab = (size_t)t->ne[1];
	m->embd = tensor(l, "token_embd.weight", true, m->vocab, m->width);
	m->output_norm = tensor(l, "output_norm.weight", true, 1, m->width);
	m->output.rows = m->vocab;
	m->output.cols = m->width;
	/* absent: the embedding is used for the output too */
	m->output.w = tensor(l,
			     gguf_find_tensor(l->f, "output.weight") ? "output.weight" :
								       "token_embd.weight",
			     true, m->vocab, m->width);
	if (!strcmp(m->arch, "qwen2"))
		m->output.bias = tensor(l, "output.bias", false, 1, m->vocab);
	load_rope(l);
	m->layer = calloc(m->layers, sizeof(*m->layer));
	if (!m->layer) {
		m->layers = 0;
		refuse(l, -ENOMEM, "out of memory");
	}
	for (i = 0; i < m->layers; i++)
		load_layer(l, i);
}

static int open_file(struct gguf_file *f, enum forward64_numbers numbers, struct forward64 **out,
		     struct gguf_error *err)
{
	struct loader l = { .f = f, .err = err };

	l.m = calloc(1, sizeof(*l.m));
	if (l.m) {
		l.m->int8 = numbers == FORWARD64_INT8;
		load(&l);
	} else {
		l.error = -ENOMEM;
	}
	gguf_close(f);
	if (l.error)
		forward64_close(l.m);
	else
		*out = l.m;
	return l.error;
}

int forward64_open(const char *path, enum forward64_numbers numbers, struct forward64 **out,
		   struct gguf_error *err)
{
	struct gguf_file *f;
	int ret = gguf_open_file(path, &f, err);

	return ret ? ret : open_file(f, numbers, out, err);
}

int forward64_open_mem(const uint8_t *data, size_t size, enum forward64_numbers numbers,
		       struct forward64 **out, struct gguf_error *err)
{
	struct gguf_file *f;
	int ret = gguf_open_mem(data, size, &f, err);

	return ret ? ret : open_file(f, numbers, out, err);
}

static void free_linear(struct linear *l)
{
	free(l->w);
	free(l->bias);
}

void forward64_close(struct forward64 *m)
{
	size_t i;

	if (!m)
		return;
	for (i = 0; m->layer && i < m->layers; i++) {
		struct layer *y = &m->layer[i];

		free(y->attn_norm);
		free(y->ffn_norm);
		free(y->q_norm);
		free(y->k_norm);
		free_linear(&y->q);
		free_linear(&y->k);
		free_linear(&y->v);
		free_linear(&y->o);
		free_linear(&y->gate);
		free_linear(&y->up);
		free_linear(&y->down);
	}
	free(m->layer);
	free(m->rope_freq);
	free(m->embd);
	free(m->output_norm);
	free_linear(&m->output);
	free(m);
}

uint32_t forward64_vocab(const struct forward64 *m)
{
	return (uint32_t)m->vocab;
}

/* --- operators ------------------------------------------------------------------------------- */

static void apply(const struct linear *l, const double *x, double *y)
{
	size_t r, c;

	for (r = 0; r < l->rows; r++) {
		double sum = l->bias ? l->bias[r] : 0;

		for (c = 0; c < l->cols; c++)
			sum += l->w[r * l->cols + c] * x[c];
		y[r] = sum;
	}
}

/* y may be x. */
static void rms_norm(const double *x, const double *w, size_t n, double eps, double *y)
{
	double sum = 0, scale;
	size_t i;

	for (i = 0; i < n; i++)
		sum += x[i] * x[i];
	scale = 1 / sqrt(sum / (double)n + eps);
	for (i = 0; i < n; i++)
		y[i] = x[i] * scale * w[i];
}

static void rotate(const struct forward64 *m, double *head, size_t pos)
{
	size_t half = m->rope_dims / 2, i;

	for (i = 0; i < half; i++) {
		double angle = (double)pos * m->rope_freq[i];
		double c = cos(angle) * m->rope_mscale, s = sin(angle) * m->rope_mscale;
		double *a = m->neox ? &head[i] : &head[2 * i];
		double *b = m->neox ? &head[i + half] : &head[2 * i + 1];
		double a0 = *a, b0 = *b;

		*a = a0 * c - b0 * s;
		*b = a0 * s + b0 * c;
	}
}

/* The softmax of n scores, in place. */
static void softmax(double *p, size_t n)
{
	double max = -INFINITY, sum = 0;
	size_t j;

	for (j = 0; j < n; j++)
		max = fmax(max, p[j]);
	for (j = 0; j < n; j++) {
		p[j] = exp(p[j] - max);
		sum += p[j];
	}
	for (j = 0; j < n; j++)
		p[j] /= sum;
}

/* One query head over the n keys and values of its KV head, which are `stride` apart. */
static void attend(const double *q, const double *keys, const double *values, size_t n,
		   size_t stride, size_t d, double *p, double *out)
{
	size_t j, i;

	for (j = 0; j < n; j++) {
		p[j] = 0;
		for (i = 0; i < d; i++)
			p[j] += q[i] * keys[j * stride + i];
		p[j] /= sqrt((double)d);
	}
	softmax(p, n);
	for (i = 0; i < d; i++) {
		out[i] = 0;
		for (j = 0; j < n; j++)
			out[i] += p[j] * values[j * stride + i];
	}
}

/*
 * The same where q, keys and values are rounded already: what a weight and a value's scale make
 * together is rounded over groups of positions. scaled: room for n numbers.
 */
static void attend_int8(const double *q, const double *keys, const double *values,
			const double *scales, size_t n, size_t stride, size_t scale_stride,
			size_t d, double *p, double *scaled, double *out)
{
	size_t g, j, i;

	attend(q, keys, values, n, stride, d, p, out);
	for (g = 0; g * GROUP < d; g++) {
		for (j = 0; j < n; j++)
			scaled[j] = p[j] * scales[j * scale_stride + g];
		round_groups(scaled, n);
		for (i = g * GROUP; i < d && i < (g + 1) * GROUP; i++) {
			out[i] = 0;
			for (j = 0; j < n; j++) {
				double scale = scales[j * scale_stride + g];

				if (scale > 0)
					out[i] += scaled[j] * (values[j * stride + i] / scale);
			}
		}
	}
}

/* --- the pass -------------------------------------------------------------------------------- */

struct work {
	double *h, *q, *o, *p, *scaled, *gate, *up;
	double *keys, *values; /* n x kv_heads x head_size */
	double *scales;	       /* FORWARD64_INT8: n x kv_heads x groups, of the values */
	double *x;	       /* n x width: the residual of every position */
};

static size_t head_groups(const struct forward64 *m)
{
	return (m->head_size + GROUP - 1) / GROUP;
}

static void round_input(const struct forward64 *m, double *x, size_t n)
{
	if (m->int8)
		round_groups(x, n);
}

/*
 * A rotated head to int8. The chip keeps first parts of all pairs before second parts; which
 * numbers share a group depends on that.
 */
static void round_rotated(const struct forward64 *m, double *head, double *tmp)
{
	size_t half = m->rope_dims / 2, i;

	if (!m->int8)
		return;
	memcpy(tmp, head, m->head_size * sizeof(*tmp));
	for (i = 0; i < half && !m->neox; i++) {
		tmp[i] = head[2 * i];
		tmp[half + i] = head[2 * i + 1];
	}
	round_groups(tmp, m->head_size);
	memcpy(head, tmp, m->head_size * sizeof(*tmp));
	for (i = 0; i < half && !m->neox; i++) {
		head[2 * i] = tmp[i];
		head[2 * i + 1] = tmp[half + i];
	}
}

static void round_values(const struct forward64 *m, double *head, double *scales)
{
	size_t d = m->head_size, i;

	for (i = 0; i < d && m->int8; i += GROUP)
		scales[i / GROUP] = round_group(head + i, d - i < GROUP ? d - i : GROUP);
}

static void attention_block(const struct forward64 *m, const struct layer *y, size_t n,
			    struct work *w)
{
	size_t d = m->head_size, nk = m->kv_heads * d, group = m->heads / m->kv_heads;
	size_t ng = head_groups(m), ns = m->kv_heads * ng, pos, h, i;

	for (pos = 0; pos < n; pos++) {
		double *x = w->x + pos * m->width, *k = w->keys + pos * nk;
		double *v = w->values + pos * nk, *scales = w->scales + pos * ns;

		rms_norm(x, y->attn_norm, m->width, m->eps, w->h);
		round_input(m, w->h, m->width);
		apply(&y->q, w->h, w->q);
		apply(&y->k, w->h, k);
		apply(&y->v, w->h, v);
		for (h = 0; h < m->kv_heads; h++) {
			if (y->k_norm)
				rms_norm(k + h * d, y->k_norm, d, m->eps, k + h * d);
			rotate(m, k + h * d, pos);
			round_rotated(m, k + h * d, w->o);
			round_values(m, v + h * d, scales + h * ng);
		}
		for (h = 0; h < m->heads; h++) {
			double *q = w->q + h * d, *o = w->o + h * d;
			size_t kv = h / group;

			if (y->q_norm)
				rms_norm(q, y->q_norm, d, m->eps, q);
			rotate(m, q, pos);
			round_rotated(m, q, o);
			if (m->int8)
				attend_int8(q, w->keys + kv * d, w->values + kv * d,
					    w->scales + kv * ng, pos + 1, nk, ns, d, w->p,
					    w->scaled, o);
			else
				attend(q, w->keys + kv * d, w->values + kv * d, pos + 1, nk, d,
				       w->p, o);
		}
		round_input(m, w->o, m->heads * d);
		apply(&y->o, w->o, w->h);
		for (i = 0; i < m->width; i++)
			x[i] += w->h[i];
	}
}

static void ffn_block(const struct forward64 *m, const struct layer *y, size_t n, struct work *w)
{
	size_t pos, i;

	for (pos = 0; pos < n; pos++) {
		double *x = w->x + pos * m->width;

		rms_norm(x, y->ffn_norm, m->width, m->eps, w->h);
		round_input(m, w->h, m->width);
		apply(&y->gate, w->h, w->gate);
		apply(&y->up, w->h, w->up);
		for (i = 0; i < y->gate.rows; i++)
			w->up[i] *= w->gate[i] / (1 + exp(-w->gate[i]));
		round_input(m, w->up, y->gate.rows);
		apply(&y->down, w->up, w->h);
		for (i = 0; i < m->width; i++)
			x[i] += w->h[i];
	}
}

static int work_init(const struct forward64 *m, size_t n, struct work *w)
{
	size_t nq = m->heads * m->head_size, nk = m->kv_heads * m->head_size, ff = 1, i;

	for (i = 0; i < m->layers; i++) {
		if (ff < m->layer[i].gate.rows)
			ff = m->layer[i].gate.rows;
	}
	w->h = calloc(m->width, sizeof(double));
	w->q = calloc(nq, sizeof(double));
	w->o = calloc(nq, sizeof(double));
	w->p = calloc(n, sizeof(double));
	w->scaled = calloc(n, sizeof(double));
	w->scales = calloc(n * m->kv_heads * head_groups(m), sizeof(double));
	w->gate = calloc(ff, sizeof(double));
	w->up = calloc(ff, sizeof(double));
	w->keys = calloc(n * nk, sizeof(double));
	w->values = calloc(n * nk, sizeof(double));
	w->x = calloc(n * m->width, sizeof(double));
	if (!w->h || !w->q || !w->o || !w->p || !w->scaled || !w->scales || !w->gate || !w->up ||
	    !w->keys || !w->values || !w->x)
		return -ENOMEM;
	return 0;
}

static void work_free(struct work *w)
{
	free(w->h);
	free(w->q);
	free(w->o);
	free(w->p);
	free(w->scaled);
	free(w->scales);
	free(w->gate);
	free(w->up);
	free(w->keys);
	free(w->values);
	free(w->x);
}

int forward64_run(const struct forward64 *m, const int32_t *tokens, size_t n, double *logits)
{
	struct work w = { 0 };
	size_t pos, i;
	int ret;

	for (pos = 0; pos < n; pos++) {
		if (tokens[pos] < 0 || (size_t)tokens[pos] >= m->vocab)
			return -EINVAL;
	}
	ret = work_init(m, n ? n : 1, &w);
	if (ret)
		goto out;
	for (pos = 0; pos < n; pos++)
		memcpy(w.x + pos * m->width, m->embd + (size_t)tokens[pos] * m->width,
		       m->width * sizeof(double));
	for (i = 0; i < m->layers; i++) {
		attention_block(m, &m->layer[i], n, &w);
		ffn_block(m, &m->layer[i], n, &w);
	}
	for (pos = 0; pos < n; pos++) {
		rms_norm(w.x + pos * m->width, m->output_norm, m->width, m->eps, w.h);
		round_input(m, w.h, m->width);
		apply(&m->output, w.h, logits + pos * m->vocab);
	}
out:
	work_free(&w);
	return ret;
}
