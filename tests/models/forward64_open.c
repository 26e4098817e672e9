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

/* Of every layer; KV heads are heads where the file does not say. */
static void read_heads(struct loader *l)
{
	struct forward64 *m = l->m;
	uint32_t *v = calloc(m->layers, sizeof(*v));
	char buf[128];
	size_t i;

	if (!v || gguf_get_u32_layers(l->f, key_name(l, "attention.head_count", buf), m->layers, v,
				      l->err))
		refuse(l, -EINVAL, "key %s", buf);
	for (i = 0; i < m->layers && !l->error; i++)
		m->layer[i].heads = v[i];
	key_name(l, "attention.head_count_kv", buf);
	if (!l->error && gguf_find_kv(l->f, buf) &&
	    gguf_get_u32_layers(l->f, buf, m->layers, v, l->err))
		refuse(l, -EINVAL, "key %s", buf);
	for (i = 0; i < m->layers && !l->error; i++) {
		struct layer *y = &m->layer[i];

		y->kv_heads = v[i];
		if (!y->heads || !y->kv_heads || y->heads % y->kv_heads)
			refuse(l, -EINVAL, "heads of layer %zu make no sense", i);
		m->heads = y->heads > m->heads ? y->heads : m->heads;
		m->kv_heads = y->kv_heads > m->kv_heads ? y->kv_heads : m->kv_heads;
	}
	free(v);
}

static void read_sizes(struct loader *l)
{
	struct forward64 *m = l->m;
	size_t share;

	m->layers = count(l, "block_count", true, 0);
	m->width = count(l, "embedding_length", true, 0);
	if (l->error || m->layers > 4096) {
		refuse(l, -EINVAL, "layers make no sense");
		return;
	}
	m->layer = calloc(m->layers, sizeof(*m->layer));
	if (!m->layer) {
		refuse(l, -ENOMEM, "out of memory");
		return;
	}
	read_heads(l);
	if (l->error)
		return;
	share = m->width / m->layer[0].heads;
	m->head_size = count(l, "attention.key_length", false, share);
	m->value_size = count(l, "attention.value_length", false, share);
	if (!m->head_size || !m->value_size)
		refuse(l, -EINVAL, "heads make no sense");
	m->eps = number(l,
			m->layer_norm ? "attention.layer_norm_epsilon"
				      : "attention.layer_norm_rms_epsilon",
			-1);
	if (!(m->eps >= 0))
		refuse(l, -EINVAL, "the norms' epsilon: missing or negative");
}

/* --- tensors --------------------------------------------------------------------------------- */

/*
 * A row of weights as ggml's reference makes Q8_0 of it: in single precision, with the reciprocal
 * of the scale, which is stored as F16. Weights of a coarse type often lie half way between codes,
 * where anything else would choose another one.
 */
void forward64_round_weights(double *x, size_t n)
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

bool forward64_native(uint32_t type)
{
	switch (type) {
	case GGML_TYPE_F32:
	case GGML_TYPE_F16:
	case GGML_TYPE_BF16:
	case GGML_TYPE_Q2_K:
		return false;
	default:
		return true;
	}
}

/* rows x cols as doubles; NULL when the tensor is absent and not required. */
double *forward64_tensor(struct loader *l, const char *name, bool required, size_t rows,
			 size_t cols, bool int8)
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
	}
	/* a matrix of one column has a scale or a constant for every number */
	if (int8 && l->m->int8 && t->n_dims > 1 && cols > 1 && !forward64_native(t->type)) {
		for (r = 0; r < rows; r++)
			forward64_round_weights(out + r * cols, cols);
	}
	free(row);
	return out;
fail:
	free(out);
	free(row);
	return NULL;
}

static double *tensor(struct loader *l, const char *name, bool required, size_t rows, size_t cols)
{
	return forward64_tensor(l, name, required, rows, cols, true);
}

static double *layer_tensor(struct loader *l, size_t i, const char *what, bool required,
			    size_t rows, size_t cols)
{
	char name[96];

	snprintf(name, sizeof(name), "blk.%zu.%s", i, what);
	return tensor(l, name, required, rows, cols);
}

/* Numbers that multiply what n matrices make: NAME.scale, if the file has it. */
double *forward64_scales(struct loader *l, size_t layer, const char *what, size_t n)
{
	char name[96];

	snprintf(name, sizeof(name), "blk.%zu.%s.scale", layer, what);
	return forward64_tensor(l, name, false, 1, n, false);
}

static void load_scale(struct loader *l, size_t layer, const char *what, struct linear *out)
{
	double *v = forward64_scales(l, layer, what, 1);

	if (v)
		out->scale = *v;
	free(v);
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
	load_scale(l, i, what, out);
}

/* The names that forward64_model.h has. */
void forward64_refuse(struct loader *l, int error, const char *what)
{
	refuse(l, error, "%s", what);
}

double forward64_number(struct loader *l, const char *key, double otherwise)
{
	return number(l, key, otherwise);
}

size_t forward64_count(struct loader *l, const char *key, bool required, size_t otherwise)
{
	return count(l, key, required, otherwise);
}

void forward64_linear(struct loader *l, size_t layer, const char *what, size_t rows, size_t cols,
		      bool int8, struct linear *out)
{
	char name[96];

	out->rows = rows;
	out->cols = cols;
	snprintf(name, sizeof(name), "blk.%zu.%s.weight", layer, what);
	out->w = forward64_tensor(l, name, true, rows, cols, int8);
	load_scale(l, layer, what, out);
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

/* What the architectures have; names of tensors are all that differs otherwise. */
static const struct arch {
	const char *name;
	bool norm_pairs; /* rotated pairs are (2i, 2i + 1) */
	bool o_bias, ffn_bias, head_norms, row_norms, layer_norm, no_pre, post, fused, no_gate,
		gelu;
	bool gate_apart; /* fused is attn_qkv only */
} archs[] = {
	{ "llama", .norm_pairs = true, .o_bias = true, .ffn_bias = true },
	{ "openelm", .head_norms = true, .fused = true, .gate_apart = true },
	{ "granite", .norm_pairs = true, .o_bias = true, .ffn_bias = true },
	{ "qwen2" },
	{ "qwen3", .head_norms = true },
	{ "qwen2moe" },
	{ "qwen3moe", .head_norms = true },
	{ "olmoe", .row_norms = true },
	{ "granitemoe", .norm_pairs = true, .o_bias = true },
	{ "gpt-oss", .o_bias = true },
	{ "afmoe", .head_norms = true, .post = true },
	{ "deepseek2", .norm_pairs = true },
	{ "gemma", .gelu = true },
	{ "gemma2", .gelu = true, .post = true },
	{ "gemma3", .gelu = true, .post = true, .head_norms = true },
	{ "olmo2", .row_norms = true, .no_pre = true, .post = true },
	{ "phi3", .fused = true, .o_bias = true },
	{ "starcoder2", .layer_norm = true, .no_gate = true, .gelu = true, .o_bias = true,
	  .ffn_bias = true },
	{ "gpt2", .layer_norm = true, .no_gate = true, .gelu = true, .o_bias = true,
	  .ffn_bias = true, .fused = true },
};

static const struct arch *find_arch(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(archs) / sizeof(archs[0]); i++) {
		if (!strcmp(archs[i].name, name))
			return &archs[i];
	}
	return NULL;
}

static bool is_arch(const struct loader *l, const char *name)
{
	return !strcmp(l->m->arch, name);
}

/* Rows from .. from + rows of a matrix and its bias. */
static void cut_linear(struct loader *l, const struct linear *all, size_t from, size_t rows,
		       struct linear *out)
{
	if (l->error)
		return;
	out->rows = rows;
	out->cols = all->cols;
	out->scale = all->scale;
	out->w = malloc(rows * all->cols * sizeof(*out->w));
	out->bias = all->bias ? malloc(rows * sizeof(*out->bias)) : NULL;
	if (!out->w || (all->bias && !out->bias)) {
		refuse(l, -ENOMEM, "out of memory");
		return;
	}
	memcpy(out->w, all->w + from * all->cols, rows * all->cols * sizeof(*out->w));
	if (all->bias)
		memcpy(out->bias, all->bias + from, rows * sizeof(*out->bias));
}

/* Any of them may have biases, or one matrix for all three. */
static void load_qkv(struct loader *l, size_t i, struct layer *y)
{
	struct forward64 *m = l->m;
	size_t e = m->width, nq = y->heads * m->head_size, nk = y->kv_heads * m->head_size;
	size_t nv = y->kv_heads * m->value_size;
	struct linear all = { 0 };
	char name[64];

	snprintf(name, sizeof(name), "blk.%zu.attn_qkv.weight", i);
	if (!gguf_find_tensor(l->f, name)) {
		load_linear(l, i, "attn_q", nq, e, true, &y->q);
		load_linear(l, i, "attn_k", nk, e, true, &y->k);
		load_linear(l, i, "attn_v", nv, e, true, &y->v);
		return;
	}
	load_linear(l, i, "attn_qkv", nq + nk + nv, e, true, &all);
	cut_linear(l, &all, 0, nq, &y->q);
	cut_linear(l, &all, nq, nk, &y->k);
	cut_linear(l, &all, nq + nk, nv, &y->v);
	free(all.w);
	free(all.bias);
}

static void load_ffn(struct loader *l, size_t i, const struct arch *a, struct layer *y)
{
	size_t e = l->m->width, ff = ff_length(l, i);
	struct linear all = { 0 };

	if (l->error)
		return;
	load_linear(l, i, "ffn_down", e, ff, a->ffn_bias, &y->down);
	if (a->fused && !a->no_gate && !a->gate_apart) {
		load_linear(l, i, "ffn_up", 2 * ff, e, false, &all);
		cut_linear(l, &all, 0, ff, &y->gate);
		cut_linear(l, &all, ff, ff, &y->up);
		free(all.w);
		return;
	}
	load_linear(l, i, "ffn_up", ff, e, a->ffn_bias, &y->up);
	if (!a->no_gate)
		load_linear(l, i, "ffn_gate", ff, e, a->ffn_bias, &y->gate);
}

static void load_layer(struct loader *l, size_t i)
{
	struct forward64 *m = l->m;
	const struct arch *a = find_arch(m->arch);
	struct layer *y = &m->layer[i];
	size_t e = m->width, d = m->head_size;

	if (l->error)
		return;
	if (!a->no_pre) {
		y->attn_norm = layer_tensor(l, i, "attn_norm.weight", true, 1, e);
		y->ffn_norm = layer_tensor(l, i,
					   is_arch(l, "gpt-oss") ? "post_attention_norm.weight"
								 : "ffn_norm.weight",
					   true, 1, e);
	}
	if (a->layer_norm) {
		y->attn_norm_bias = layer_tensor(l, i, "attn_norm.bias", false, 1, e);
		y->ffn_norm_bias = layer_tensor(l, i, "ffn_norm.bias", false, 1, e);
	}
	if (a->post) {
		y->attn_post = layer_tensor(l, i, "post_attention_norm.weight", true, 1, e);
		y->ffn_post = layer_tensor(l, i, "post_ffw_norm.weight", true, 1, e);
	}
	if (a->head_norms || a->row_norms) {
		y->q_norm = layer_tensor(l, i, "attn_q_norm.weight", true, 1,
					 a->row_norms ? y->heads * d : d);
		y->k_norm = layer_tensor(l, i, "attn_k_norm.weight", true, 1,
					 a->row_norms ? y->kv_heads * d : d);
	}
	y->sinks = layer_tensor(l, i, "attn_sinks.weight", false, 1, y->heads);
	if (is_arch(l, "deepseek2")) {
		forward64_load_mla(l, i);
	} else {
		load_qkv(l, i, y);
		load_linear(l, i, "attn_output", e, y->heads * m->value_size, a->o_bias, &y->o);
	}
	if (is_arch(l, "afmoe"))
		load_linear(l, i, "attn_gate", y->heads * d, e, false, &y->attn_gate);
	if (forward64_number(l, "expert_count", 0) > 0 &&
	    (double)i >= number(l, "leading_dense_block_count", 0))
		forward64_load_moe(l, i);
	else
		load_ffn(l, i, a, y);
}

/* The window of layer i where the file gives one; period: where it does not say. */
static size_t window_of(struct loader *l, size_t i)
{
	size_t window = is_arch(l, "gemma2") ? 4096 : 0, period = 0;
	uint32_t *flags = NULL, v = 0;
	char buf[128];

	if (is_arch(l, "gemma2") || is_arch(l, "gpt-oss"))
		period = 2;
	if (is_arch(l, "gemma3"))
		period = 6;
	if (is_arch(l, "olmo2") || is_arch(l, "afmoe"))
		period = 4;
	if (is_arch(l, "qwen2") || is_arch(l, "qwen3") || is_arch(l, "gemma") ||
	    is_arch(l, "openelm") || is_arch(l, "granite") || is_arch(l, "gpt2") ||
	    is_arch(l, "deepseek2") || (strstr(l->m->arch, "moe") && !is_arch(l, "afmoe")))
		return 0;
	window = (size_t)number(l, "attention.sliding_window", (double)window);
	key_name(l, "attention.sliding_window_pattern", buf);
	if (!gguf_get_u32(l->f, buf, &v, NULL)) {
		period = v;
	} else {
		flags = calloc(l->m->layers, sizeof(*flags));
		if (flags && !gguf_get_u32_layers(l->f, buf, l->m->layers, flags, NULL))
			period = flags[i] ? 0 : 1;
		free(flags);
	}
	return !period || i % period < period - 1 ? window : 0;
}

static void load_windows(struct loader *l)
{
	struct forward64 *m = l->m;
	bool other = is_arch(l, "gemma3") || is_arch(l, "olmo2");
	double base = is_arch(l, "gemma3") ? 10000 : number(l, "rope.freq_base", 10000);
	size_t i, n = m->rope.dims / 2;
	bool finetuned = true;
	char buf[128];

	if (l->error)
		return;
	m->rope_win.dims = m->rope.dims;
	m->rope_win.mscale = 1;
	m->rope_win.freq = calloc(n + 1, sizeof(double));
	if (!m->rope_win.freq) {
		refuse(l, -ENOMEM, "out of memory");
		return;
	}
	base = number(l, "rope.freq_base_swa", base);
	for (i = 0; i < n; i++)
		m->rope_win.freq[i] = pow(base, -2.0 * (double)i / (double)m->rope.dims);
	if (is_arch(l, "granite"))
		gguf_get_bool(l->f, key_name(l, "rope.scaling.finetuned", buf), &finetuned, NULL);
	for (i = 0; i < m->layers; i++) {
		m->layer[i].window = window_of(l, i);
		m->layer[i].rope = other && m->layer[i].window ? &m->rope_win : &m->rope;
		if (is_arch(l, "gpt2") || !finetuned || (is_arch(l, "afmoe") && i % 4 == 3))
			m->layer[i].rope = NULL;
	}
}

static double nonzero(struct loader *l, const char *key, double otherwise)
{
	double v = number(l, key, 0);

	return v != 0 ? v : otherwise;
}

static void load_factors(struct loader *l)
{
	struct forward64 *m = l->m;
	double d = (double)m->head_size, share = (double)m->width / (double)m->heads;
	bool gemma = !strncmp(m->arch, "gemma", 5), granite = !strncmp(m->arch, "granite", 7);

	m->embd_scale = m->residual_scale = m->logit_scale = 1;
	m->attn_scale = 1 / sqrt(d);
	if ((is_arch(l, "gemma2") && m->layers == 46) || (is_arch(l, "gemma3") && m->layers == 62))
		m->attn_scale = 1 / sqrt(share);
	if (gemma || is_arch(l, "afmoe"))
		m->embd_scale = sqrt((double)m->width);
	if (is_arch(l, "gemma2")) {
		m->attn_cap = number(l, "attn_logit_softcapping", 50);
		m->final_cap = number(l, "final_logit_softcapping", 30);
	}
	if (is_arch(l, "gemma3")) {
		m->attn_cap = number(l, "attn_logit_softcapping", 0);
		m->final_cap = number(l, "final_logit_softcapping", 0);
	}
	if (gemma || granite)
		m->attn_scale = nonzero(l, "attention.scale", m->attn_scale);
	if (granite) {
		m->embd_scale = nonzero(l, "embedding_scale", 1);
		m->residual_scale = nonzero(l, "residual_scale", 1);
		m->logit_scale = 1 / nonzero(l, "logit_scale", 1);
	}
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

	n = m->rope.dims = count(l, "rope.dimension_count", false, m->head_size);
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
	    !gguf_str_eq(type, "yarn") && !gguf_str_eq(type, "longrope")) {
		refuse(l, -ENOTSUP, "key %s", buf);
		return;
	}
	if (factor == 0 || gguf_str_eq(type, "none"))
		factor = 1;
	if (ext < 0)
		ext = gguf_str_eq(type, "yarn") ? 1 : 0;
	if (is_arch(l, "llama") || !strncmp(m->arch, "granite", 7))
		freqs = tensor(l, "rope_freqs.weight", false, 1, n / 2);
	if (is_arch(l, "phi3"))
		freqs = tensor(l,
			       count(l, "context_length", true, 0) > original
				       ? "rope_factors_long.weight"
				       : "rope_factors_short.weight",
			       false, 1, n / 2);
	m->rope.freq = calloc(n / 2, sizeof(double));
	if (!m->rope.freq)
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
		m->rope.freq[i] = theta * ((1 - keep) / factor + keep);
	}
	m->rope.mscale = attn * (ext != 0 ? 1 + 0.1 * log(factor) : 1);
out:
	free(freqs);
}

/* --- opening --------------------------------------------------------------------------------- */

static void load(struct loader *l)
{
	const char *output = "output.weight";
	struct forward64 *m = l->m;
	const struct gguf_tensor *t;
	const struct arch *a;
	struct gguf_str arch;
	size_t i;

	if (gguf_get_str(l->f, "general.architecture", &arch, l->err) ||
	    arch.len >= sizeof(m->arch)) {
		refuse(l, -EINVAL, "key general.architecture");
		return;
	}
	memcpy(m->arch, arch.ptr, arch.len);
	a = find_arch(m->arch);
	if (!a) {
		refuse(l, -ENOTSUP, "architecture %s", m->arch);
		return;
	}
	m->neox = !a->norm_pairs;
	m->row_norms = a->row_norms;
	m->layer_norm = a->layer_norm;
	m->gelu = a->gelu;
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
	if (!strncmp(m->arch, "qwen2", 5))
		m->output.bias = tensor(l, "output.bias", false, 1, m->vocab);
	if (is_arch(l, "phi3"))
		m->output.bias = tensor(l, "output.bias", false, 1, m->vocab);
	if (a->layer_norm)
		m->output_norm_bias = tensor(l, "output_norm.bias", false, 1, m->width);
	t = gguf_find_tensor(l->f, "position_embd.weight");
	if (t && is_arch(l, "gpt2")) {
		m->n_pos = (size_t)t->ne[1];
		m->pos_embd = tensor(l, "position_embd.weight", true, m->n_pos, m->width);
	}
	load_factors(l);
	load_rope(l);
	for (i = 0; i < m->layers; i++)
		load_layer(l, i);
	load_windows(l);
}

static int open_file(struct gguf_file *f, enum forward64_numbers numbers, struct forward64 **out,
		     struct gguf_error *err)
{
	struct loader l = { .f = f, .err = err };

	l.m = calloc(1, sizeof(*l.m));
	if (l.m) {
		l.m->int8 = numbers != FORWARD64_EXACT;
		l.m->int8_routers = numbers == FORWARD64_INT8_ROUTERS;
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

void forward64_free_linear(struct linear *l)
{
	free_linear(l);
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
		free(y->attn_norm_bias);
		free(y->ffn_norm_bias);
		free(y->attn_post);
		free(y->ffn_post);
		free(y->sinks);
		free(y->q_norm);
		free(y->k_norm);
		free_linear(&y->q);
		free_linear(&y->k);
		free_linear(&y->v);
		free_linear(&y->o);
		free_linear(&y->gate);
		free_linear(&y->up);
		free_linear(&y->down);
		free_linear(&y->attn_gate);
		forward64_free_moe(y->moe);
		forward64_free_mla(y->mla);
	}
	free(m->layer);
	free(m->rope.freq);
	free(m->rope_win.freq);
	free(m->embd);
	free(m->pos_embd);
	free(m->output_norm);
	free(m->output_norm_bias);
	free_linear(&m->output);
	free(m);
}

uint32_t forward64_vocab(const struct forward64 *m)
{
	return (uint32_t)m->vocab;
}
