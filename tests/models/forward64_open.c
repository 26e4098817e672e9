// SPDX-License-Identifier: MIT
/* Keys and tensors of a GGUF file to a struct forward64. */
#include "tests/models/forward64_model.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/quant/ggml_types.h"
#include "compiler/quant/half.h"

#define GROUP FORWARD64_GROUP

/* What opening carries along; error is sticky. */
struct loader {
	struct forward64 *m;
	const struct gguf_file *f;
	struct gguf_error *err;
	int error;
};

static void refuse(struct loader *l, int error, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void refuse(struct loader *l, int error, const char *fmt, ...)
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

/*
 * A row of weights as ggml's reference makes Q8_0 of it: in single precision, with the reciprocal
 * of the scale, which is stored as F16. Weights of a coarse type often lie half way between codes,
 * where anything else would choose another one.
 */
static void round_weights(double *x, size_t n)
{
	size_t i, j;

	for (i = 0; i < n; i += GROUP) {
		size_t end = n - i < GROUP ? n : i + GROUP;
		float max = 0, scale, f16;

		for (j = i; j < end; j++)
			max = fmaxf(max, fabsf((float)x[j]));
		scale = max / 127;
		f16 = half_to_float(float_to_half(scale));
		for (j = i; j < end; j++)
			x[j] = scale > 0 ? (double)(roundf((float)x[j] * (1 / scale)) * f16) : 0;
	}
}

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
		if (l->m->int8 && t->n_dims > 1 && t->type != GGML_TYPE_Q8_0 &&
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
	const char *output = "output.weight";
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
	/* absent: tied, the embedding is used for the output too */
	if (gguf_find_tensor(l->f, output))
		m->output.w = tensor(l, output, true, m->vocab, m->width);
	else
		m->output.w = tensor(l, "token_embd.weight", true, m->vocab, m->width);
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
