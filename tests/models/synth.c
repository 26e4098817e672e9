// SPDX-License-Identifier: MIT
#include "tests/models/synth_parts.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/quant/ggml_types.h"
#include "compiler/quant/half.h"
#include "compiler/quant/requant.h"
#include "compiler/tests/gguf_walk.h"
#include "compiler/tests/gguf_writer.h"
#include "tests/models/kquant.h"

/* Deviations of what a matrix makes from an input of deviation 1. */
#define GAIN_QK	 1.0f /* scores: its square */
#define GAIN_V	 1.5f
#define GAIN_O	 1.5f
#define GAIN_FF	 1.5f
#define GAIN_DN	 0.8f
#define GAIN_OUT 3.0f
#define BIAS	 0.4f
/* Share of the strong direction; its square is the share of the variance. */
#define STRONG 0.5f

/* Queries, keys and values may have biases in any of them but those of latent attention. */
#define BIASES_FFN (SYNTH_BIAS_GATE | SYNTH_BIAS_UP | SYNTH_BIAS_DOWN)
#define BIASES_ALL (SYNTH_BIAS_O | BIASES_FFN)

static const struct arch {
	const char *name;
	uint32_t biases; /* that it can have beside those */
	bool head_norms, row_norms, layer_norm, no_pre, post, fused, no_gate;
	bool gate_apart; /* fused is attn_qkv only */
} archs[] = {
	{ "llama", .biases = BIASES_ALL },
	{ "granite", .biases = BIASES_ALL },
	{ "qwen2", .biases = SYNTH_BIAS_OUT },
	{ "qwen2moe", .biases = SYNTH_BIAS_OUT },
	{ "qwen3moe", .head_norms = true },
	{ "olmoe", .row_norms = true },
	{ "granitemoe", .biases = SYNTH_BIAS_O },
	{ "gpt-oss", .biases = SYNTH_BIAS_O },
	{ "afmoe", .head_norms = true, .post = true },
	{ "deepseek2" },
	{ "qwen3", .head_norms = true },
	{ "openelm", .head_norms = true, .fused = true, .gate_apart = true },
	{ "gemma" },
	{ "gemma2", .post = true },
	{ "gemma3", .post = true, .head_norms = true },
	{ "olmo2", .row_norms = true, .no_pre = true, .post = true },
	{ "phi3", .biases = SYNTH_BIAS_O | SYNTH_BIAS_OUT, .fused = true },
	{ "starcoder2", .biases = BIASES_ALL, .layer_norm = true, .no_gate = true },
	{ "gpt2", .biases = BIASES_ALL, .layer_norm = true, .no_gate = true, .fused = true },
};

static const struct arch *find_arch(const char *name)
{
	size_t i;

	for (i = 0; name && i < sizeof(archs) / sizeof(archs[0]); i++) {
		if (!strcmp(archs[i].name, name))
			return &archs[i];
	}
	return NULL;
}

uint32_t synth_head_size(const struct synth_model *m)
{
	return m->head_size ? m->head_size : m->width / m->heads;
}

/* A stream of numbers for a seed and a name (FNV-1a). */
static uint64_t stream(uint64_t seed, const char *name)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325) ^ seed;

	for (; *name; name++)
		h = (h ^ (uint8_t)*name) * UINT64_C(0x100000001b3);
	return h;
}

static float uniform(uint64_t *rng)
{
	return (float)(gguf_random(rng) >> 40) * 0x1p-24f;
}

/* Nearly normal, deviation 1: no function of libm, so the bytes are the same everywhere. */
static float normal(uint64_t *rng)
{
	float sum = -6.0f;
	int i;

	for (i = 0; i < 12; i++)
		sum += uniform(rng);
	return sum;
}

static uint16_t to_bf16(float v)
{
	uint32_t u = float_bits(v);

	return (uint16_t)((u + 0x7fff + (u >> 16 & 1)) >> 16);
}

static int encode_row(uint32_t type, const float *src, uint8_t *dst, size_t n)
{
	size_t i;

	switch (type) {
	case GGML_TYPE_F32:
		for (i = 0; i < n; i++) {
			uint32_t u = htole32(float_bits(src[i]));

			memcpy(dst + 4 * i, &u, 4);
		}
		return 0;
	case GGML_TYPE_F16:
		for (i = 0; i < n; i++)
			store_le16(dst + 2 * i, float_to_half(src[i]));
		return 0;
	case GGML_TYPE_BF16:
		for (i = 0; i < n; i++)
			store_le16(dst + 2 * i, to_bf16(src[i]));
		return 0;
	case GGML_TYPE_Q8_0:
		return requant_row_q8_0(src, dst, (int64_t)n);
	case GGML_TYPE_Q4_0:
		return requant_row_q4_0(src, dst, (int64_t)n);
	case GGML_TYPE_Q4_K:
		kquant_q4_k(src, dst, n);
		return 0;
	case GGML_TYPE_Q6_K:
		kquant_q6_k(src, dst, n);
		return 0;
	case GGML_TYPE_TQ2_0:
		kquant_tq2_0(src, dst, n);
		return 0;
	case GGML_TYPE_Q1_0:
		kquant_q1_0(src, dst, n);
		return 0;
	case GGML_TYPE_MXFP4:
		kquant_mxfp4(src, dst, n);
		return 0;
	case GGML_TYPE_NVFP4:
		kquant_nvfp4(src, dst, n);
		return 0;
	case GGML_TYPE_Q4_1:
		kquant_q4_1(src, dst, n);
		return 0;
	case GGML_TYPE_Q5_1:
		kquant_q5_1(src, dst, n);
		return 0;
	case GGML_TYPE_IQ4_NL:
		kquant_iq4_nl(src, dst, n);
		return 0;
	default:
		return -EINVAL;
	}
}

/* The type for rows of n elements. */
static uint32_t fit_type(uint32_t type, uint32_t n)
{
	const struct ggml_type_traits *t = ggml_type_get(type);

	if (t && t->block > 32 && n % t->block)
		t = ggml_type_get(GGML_TYPE_Q8_0);
	if (t && t->block == 32 && n % 32)
		t = ggml_type_get(GGML_TYPE_F16);
	return t ? t->id : type;
}

/* rows: of all `count` matrices, which is more than one for dims = 3. */
static void put_tensors(struct synth *s, const char *name, uint32_t type, uint32_t dims,
			uint32_t cols, uint32_t rows, uint32_t count, const float *values)
{
	int64_t ne[3] = { cols, rows / count, count };
	uint64_t row_bytes;
	uint8_t *data;
	uint32_t r;

	if (s->error)
		return;
	s->error = ggml_row_size(type, cols, &row_bytes);
	if (s->error)
		return;
	data = malloc(row_bytes * rows);
	if (!data) {
		s->error = -ENOMEM;
		return;
	}
	for (r = 0; r < rows && !s->error; r++)
		s->error = encode_row(type, values + (size_t)cols * r, data + row_bytes * r, cols);
	if (!s->error)
		gguf_write_tensor(s->w, name, type, dims, ne, data, row_bytes * rows);
	free(data);
}

static void put_tensor(struct synth *s, const char *name, uint32_t type, uint32_t dims,
		       uint32_t cols, uint32_t rows, const float *values)
{
	put_tensors(s, name, type, dims, cols, rows, 1, values);
}

void synth_matrices(struct synth *s, const char *name, uint32_t type, uint32_t cols, uint32_t rows,
		    uint32_t count, float gain)
{
	uint64_t rng = stream(s->m->seed, name);
	float *v, *strong = malloc(cols * sizeof(*v));
	float unit = gain / sqrtf((float)cols * (1 + STRONG * STRONG));
	uint32_t r, c;

	rows *= count;
	v = malloc((size_t)cols * rows * sizeof(*v));
	if (!v || !strong) {
		s->error = -ENOMEM;
		goto out;
	}
	for (c = 0; c < cols; c++)
		strong[c] = gguf_random(&rng) & 1 ? STRONG : -STRONG;
	for (r = 0; r < rows; r++) {
		float size = unit * (0.5f + uniform(&rng)), share = normal(&rng);

		for (c = 0; c < cols; c++)
			v[(size_t)cols * r + c] = size * (normal(&rng) + share * strong[c]);
	}
	put_tensors(s, name, fit_type(type, cols), count > 1 ? 3 : 2, cols, rows, count, v);
out:
	free(v);
	free(strong);
}

/* {cols, rows}: outputs have the deviation `gain` for inputs of deviation 1. */
static void matrix(struct synth *s, const char *name, uint32_t type, uint32_t cols, uint32_t rows,
		   float gain)
{
	synth_matrices(s, name, type, cols, rows, 1, gain);
}

/* n values around `mean`, at least a quarter of it away from zero when it is positive. */
static void vector(struct synth *s, const char *name, uint32_t n, float mean, float deviation)
{
	uint64_t rng = stream(s->m->seed, name);
	float *v = malloc(n * sizeof(*v));
	uint32_t i;

	if (!v) {
		s->error = -ENOMEM;
		return;
	}
	for (i = 0; i < n; i++) {
		v[i] = mean + deviation * normal(&rng);
		if (mean > 0)
			v[i] = fmaxf(v[i], 0.25f * mean);
	}
	put_tensor(s, name, GGML_TYPE_F32, 1, n, 1, v);
	free(v);
}

/* Factors from 1 to 8, rising: high frequencies stay, low ones are slowed down. */
static void freq_factors(struct synth *s, const char *name, uint32_t n)
{
	uint64_t rng = stream(s->m->seed, name);
	float *v = malloc(n * sizeof(*v));
	uint32_t i;

	if (!v) {
		s->error = -ENOMEM;
		return;
	}
	for (i = 0; i < n; i++) {
		float x = ((float)i + uniform(&rng)) / (float)n;

		v[i] = 1 + 7 * x * x;
	}
	put_tensor(s, name, GGML_TYPE_F32, 1, n, 1, v);
	free(v);
}

void synth_scales(struct synth *s, uint32_t layer, const char *what, uint32_t n)
{
	char name[64];

	snprintf(name, sizeof(name), "blk.%u.%s.scale", layer, what);
	if (s->m->scales && strcmp(what, "ffn_gate_inp"))
		vector(s, name, n, 1, 0.3f);
}

/* Matrix and, if wanted, bias of a layer. */
static void linear(struct synth *s, uint32_t layer, const char *what, uint32_t type, uint32_t cols,
		   uint32_t rows, float gain, uint32_t bias)
{
	char name[64];

	snprintf(name, sizeof(name), "blk.%u.%s.weight", layer, what);
	matrix(s, name, type, cols, rows, gain);
	synth_scales(s, layer, what, 1);
	if (!bias)
		return;
	snprintf(name, sizeof(name), "blk.%u.%s.bias", layer, what);
	vector(s, name, rows, 0, BIAS);
}

static void norm(struct synth *s, uint32_t layer, const char *what, uint32_t n, float mean)
{
	char name[64];

	snprintf(name, sizeof(name), "blk.%u.%s.weight", layer, what);
	vector(s, name, n, mean, 0.25f * mean);
}

/* Before a half of a block. */
static void pre_norm(struct synth *s, uint32_t layer, const char *what)
{
	const struct arch *a = find_arch(s->m->arch);
	char name[64];

	if (a->no_pre)
		return;
	norm(s, layer, what, s->m->width, 1);
	snprintf(name, sizeof(name), "blk.%u.%s.bias", layer, what);
	if (a->layer_norm)
		vector(s, name, s->m->width, 0, BIAS);
}

/* The names that synth_parts.h has. */
void synth_vector(struct synth *s, const char *name, uint32_t n, float mean, float deviation)
{
	vector(s, name, n, mean, deviation);
}

void synth_linear(struct synth *s, uint32_t layer, const char *what, uint32_t type, uint32_t cols,
		  uint32_t rows, float gain, uint32_t bias)
{
	linear(s, layer, what, type, cols, rows, gain, bias);
}

void synth_norm(struct synth *s, uint32_t layer, const char *what, uint32_t n)
{
	norm(s, layer, what, n, 1);
}

static void write_attention(struct synth *s, uint32_t i, uint32_t type2)
{
	const struct synth_model *m = s->m;
	const struct arch *a = find_arch(m->arch);
	uint32_t heads = m->heads_of ? m->heads_of[i] : m->heads;
	uint32_t kv_heads = m->kv_of ? m->kv_of[i] : m->kv_heads;
	uint32_t d = synth_head_size(m), dv = m->value_size ? m->value_size : d;
	uint32_t nq = heads * d, nk = kv_heads * d, nv = kv_heads * dv;
	uint32_t bias = m->bias & (a->biases | SYNTH_BIAS_QKV);
	char name[64];

	pre_norm(s, i, "attn_norm");
	if (!strcmp(m->arch, "deepseek2")) {
		synth_mla(s, i);
		return;
	}
	if (!strcmp(m->arch, "afmoe"))
		linear(s, i, "attn_gate", m->type, m->width, nq, GAIN_FF, 0);
	if (a->fused || m->fused_qkv) {
		linear(s, i, "attn_qkv", m->type, m->width, nq + nk + nv, GAIN_QK,
		       bias & SYNTH_BIAS_QKV);
	} else {
		linear(s, i, "attn_q", m->type, m->width, nq, GAIN_QK, bias & SYNTH_BIAS_Q);
		linear(s, i, "attn_k", m->type, m->width, nk, GAIN_QK, bias & SYNTH_BIAS_K);
		linear(s, i, "attn_v", type2, m->width, nv, GAIN_V, bias & SYNTH_BIAS_V);
	}
	if (a->head_norms || a->row_norms) {
		norm(s, i, "attn_q_norm", a->row_norms ? nq : d, GAIN_QK);
		norm(s, i, "attn_k_norm", a->row_norms ? nk : d, GAIN_QK);
	}
	snprintf(name, sizeof(name), "blk.%u.attn_sinks.weight", i);
	if (m->sinks)
		vector(s, name, heads, 0, 2);
	linear(s, i, "attn_output", m->type, heads * dv, m->width, GAIN_O, bias & SYNTH_BIAS_O);
	if (a->post)
		norm(s, i, "post_attention_norm", m->width, 1);
}

static void write_layer(struct synth *s, uint32_t i)
{
	const struct synth_model *m = s->m;
	const struct arch *a = find_arch(m->arch);
	uint32_t ff = m->ff + i * m->ff_step, bias = m->bias & a->biases;
	uint32_t type2 = m->type2 && i >= m->type2_from ? m->type2 : m->type;
	bool both = a->fused && !a->no_gate && !a->gate_apart;

	write_attention(s, i, type2);
	pre_norm(s, i, synth_ffn_norm(m));
	if (synth_moe_layer(s, i, type2)) {
		if (a->post)
			norm(s, i, "post_ffw_norm", m->width, 1);
		return;
	}
	if (!a->no_gate && !both)
		linear(s, i, "ffn_gate", m->type, m->width, ff, GAIN_FF, bias & SYNTH_BIAS_GATE);
	linear(s, i, "ffn_up", m->type, m->width, both ? 2 * ff : ff, GAIN_FF,
	       bias & SYNTH_BIAS_UP);
	linear(s, i, "ffn_down", type2, ff, m->width, GAIN_DN, bias & SYNTH_BIAS_DOWN);
	if (a->post)
		norm(s, i, "post_ffw_norm", m->width, 1);
}

static void write_tensors(struct synth *s)
{
	const struct synth_model *m = s->m;
	uint32_t type2 = m->type2 ? m->type2 : m->type, i;

	matrix(s, "token_embd.weight", m->tied ? type2 : m->type, m->width, m->vocab, GAIN_OUT);
	for (i = 0; i < m->layers; i++)
		write_layer(s, i);
	if (!strcmp(m->arch, "gpt2"))
		matrix(s, "position_embd.weight", m->type, m->width, m->context, GAIN_OUT);
	vector(s, "output_norm.weight", m->width, 1, 0.25f);
	if (find_arch(m->arch)->layer_norm)
		vector(s, "output_norm.bias", m->width, 0, BIAS);
	if (!m->tied)
		matrix(s, "output.weight", type2, m->width, m->vocab, GAIN_OUT);
	if (m->bias & SYNTH_BIAS_OUT & find_arch(m->arch)->biases)
		vector(s, "output.bias", m->vocab, 0, BIAS);
	i = (m->rope_dims ? m->rope_dims : synth_head_size(m)) / 2;
	if (m->rope_freqs && strcmp(m->arch, "phi3")) {
		freq_factors(s, "rope_freqs.weight", i);
	} else if (m->rope_freqs) {
		freq_factors(s, "rope_factors_long.weight", i);
		freq_factors(s, "rope_factors_short.weight", i);
	}
}

static const char *key(const struct synth *s, const char *name, char buf[64])
{
	snprintf(buf, 64, "%s.%s", s->m->arch, name);
	return buf;
}

static void key_u32(struct synth *s, const char *name, uint32_t v)
{
	char buf[64];

	gguf_write_u32(s->w, key(s, name, buf), v);
}

void synth_key_u32(struct synth *s, const char *name, uint32_t v)
{
	key_u32(s, name, v);
}

void synth_key_f32(struct synth *s, const char *name, float v)
{
	char buf[64];

	gguf_write_f32(s->w, key(s, name, buf), v);
}

void synth_key_bool(struct synth *s, const char *name, bool v)
{
	char buf[64];

	gguf_write_bool(s->w, key(s, name, buf), v);
}

static void opt_u32(struct synth *s, const char *name, uint32_t v)
{
	if (v)
		key_u32(s, name, v);
}

static void opt_f32(struct synth *s, const char *name, float v)
{
	char buf[64];

	if (v != 0)
		gguf_write_f32(s->w, key(s, name, buf), v);
}

static void write_ff(struct synth *s)
{
	const struct synth_model *m = s->m;
	uint32_t *v, i;
	char buf[64];

	if (!m->ff_step) {
		key_u32(s, "feed_forward_length", m->ff);
		return;
	}
	v = malloc(m->layers * sizeof(*v));
	if (!v) {
		s->error = -ENOMEM;
		return;
	}
	for (i = 0; i < m->layers; i++)
		v[i] = m->ff + i * m->ff_step;
	gguf_write_arr(s->w, key(s, "feed_forward_length", buf), GGUF_U32, m->layers, v);
	free(v);
}

static void write_heads(struct synth *s)
{
	const struct synth_model *m = s->m;
	char buf[64];

	if (m->heads_of)
		gguf_write_arr(s->w, key(s, "attention.head_count", buf), GGUF_U32, m->layers,
			       m->heads_of);
	else
		key_u32(s, "attention.head_count", m->heads);
	if (m->mla_joined) {
		key_u32(s, "attention.head_count_kv", m->heads);
		key_u32(s, "attention.key_length", m->mla_plain + m->rope_dims);
		key_u32(s, "attention.value_length", m->mla_value);
		return;
	}
	if (m->kv_of)
		gguf_write_arr(s->w, key(s, "attention.head_count_kv", buf), GGUF_I32, m->layers,
			       m->kv_of);
	else if (m->kv_heads != m->heads)
		key_u32(s, "attention.head_count_kv", m->kv_heads);
	opt_u32(s, "attention.key_length", m->head_size);
	opt_u32(s, "attention.value_length", m->value_size ? m->value_size : m->head_size);
}

static void write_keys(struct synth *s)
{
	const struct synth_model *m = s->m;
	char buf[64];

	gguf_write_str(s->w, "general.architecture", m->arch);
	gguf_write_str(s->w, "general.name", m->name ? m->name : "synth");
	key_u32(s, "context_length", m->context);
	key_u32(s, "embedding_length", m->width);
	key_u32(s, "block_count", m->layers);
	write_ff(s);
	write_heads(s);
	gguf_write_f32(s->w,
		       key(s,
			   find_arch(m->arch) && find_arch(m->arch)->layer_norm
				   ? "attention.layer_norm_epsilon"
				   : "attention.layer_norm_rms_epsilon",
			   buf),
		       m->eps);
	opt_u32(s, "rope.dimension_count", m->rope_dims);
	opt_f32(s, "rope.freq_base", m->rope_base);
	if (m->scaling)
		gguf_write_str(s->w, key(s, "rope.scaling.type", buf), m->scaling);
	opt_f32(s, "rope.scaling.factor", m->factor);
	opt_f32(s, "rope.scale_linear", m->scale_linear);
	opt_u32(s, "rope.scaling.original_context_length", m->original);
	opt_f32(s, "rope.scaling.attn_factor", m->attn_factor);
	opt_f32(s, "rope.scaling.yarn_beta_fast", m->beta_fast);
	opt_f32(s, "rope.scaling.yarn_beta_slow", m->beta_slow);
	opt_f32(s, "rope.freq_base_swa", m->base_win);
	if (m->no_rope)
		gguf_write_bool(s->w, key(s, "rope.scaling.finetuned", buf), false);
	opt_u32(s, "attention.sliding_window", m->window);
	if (m->flags)
		gguf_write_arr(s->w, key(s, "attention.sliding_window_pattern", buf), GGUF_BOOL,
			       m->layers, m->flags);
	else
		opt_u32(s, "attention.sliding_window_pattern", m->pattern);
	opt_f32(s, "attn_logit_softcapping", m->attn_cap);
	opt_f32(s, "final_logit_softcapping", m->final_cap);
	opt_f32(s, "attention.scale", m->attn_scale);
	opt_f32(s, "embedding_scale", m->embd_scale);
	opt_f32(s, "residual_scale", m->residual_scale);
	opt_f32(s, "logit_scale", m->logit_scale);
	key_u32(s, "vocab_size", m->vocab);
	synth_moe_keys(s);
}

/* <unk>, <s>, </s>, bytes if there is room, then words: a, <space>a, b, <space>b, ... */
static void write_tokenizer(struct synth *s)
{
	static const char *const specials[] = { "<unk>", "<s>", "</s>" };
	uint32_t n = s->m->vocab, i, bytes = n >= 259 ? 256 : 0;
	char(*text)[16] = calloc(n, sizeof(*text));
	const char **texts = calloc(n, sizeof(*texts));
	int32_t *types = calloc(n, sizeof(*types));
	float *scores = calloc(n, sizeof(*scores));

	if (!text || !texts || !types || !scores) {
		s->error = -ENOMEM;
		goto out;
	}
	for (i = 0; i < n; i++) {
		uint32_t k = i - 3 - bytes, left = k / 2;
		char word[8] = "";
		size_t at = sizeof(word) - 1;

		texts[i] = text[i];
		types[i] = 1;
		if (i < 3) {
			snprintf(text[i], sizeof(text[i]), "%s", specials[i]);
			types[i] = i ? 3 : 2;
		} else if (i - 3 < bytes) {
			snprintf(text[i], sizeof(text[i]), "<0x%02X>", (unsigned int)(i - 3));
			types[i] = 6;
		} else {
			do {
				word[--at] = (char)('a' + left % 26);
				left /= 26;
			} while (left-- && at);
			snprintf(text[i], sizeof(text[i]), "%s%s", k % 2 ? "\xe2\x96\x81" : "",
				 word + at);
			scores[i] = -(float)k;
		}
	}
	gguf_write_str(s->w, "tokenizer.ggml.model", "llama");
	gguf_write_strs(s->w, "tokenizer.ggml.tokens", n, texts);
	gguf_write_arr(s->w, "tokenizer.ggml.scores", GGUF_F32, n, scores);
	gguf_write_arr(s->w, "tokenizer.ggml.token_type", GGUF_I32, n, types);
	gguf_write_u32(s->w, "tokenizer.ggml.bos_token_id", 1);
	gguf_write_u32(s->w, "tokenizer.ggml.eos_token_id", 2);
	gguf_write_u32(s->w, "tokenizer.ggml.unknown_token_id", 0);
out:
	free(text);
	free(texts);
	free(types);
	free(scores);
}

static bool makes_sense(const struct synth_model *m)
{
	uint32_t d, i;

	if (!find_arch(m->arch) || !synth_moe_makes_sense(m))
		return false;
	if (!m->layers || !m->width || !m->heads || !m->kv_heads || !m->ff || m->vocab < 4 ||
	    !m->context || m->heads % m->kv_heads)
		return false;
	if (m->layers > 256 || m->width > 16384 || m->heads > 1024 || m->head_size > 1024 ||
	    m->ff > 65536 || m->ff_step > 65536 || m->vocab > 1u << 18)
		return false;
	for (i = 0; i < m->layers; i++) {
		uint32_t heads = m->heads_of ? m->heads_of[i] : m->heads;
		uint32_t kv = m->kv_of ? m->kv_of[i] : m->kv_heads;

		if (!heads || !kv || heads % kv || heads > 1024)
			return false;
	}
	if (m->value_size > 1024)
		return false;
	d = synth_head_size(m);
	return d && (m->rope_dims ? m->rope_dims % 2 == 0 && m->rope_dims <= d : d % 2 == 0);
}

int synth_keys(const struct synth_model *m, struct gguf_writer *w)
{
	struct synth s = { .m = m, .w = w };

	write_keys(&s);
	write_tokenizer(&s);
	return s.error;
}

int synth_tensors(const struct synth_model *m, struct gguf_writer *w)
{
	struct synth s = { .m = m, .w = w };

	if (!makes_sense(m))
		return -EINVAL;
	write_tensors(&s);
	return s.error;
}

struct synth_model synth_tiny(const char *arch)
{
	return (struct synth_model){ .name = "m",
				     .arch = arch,
				     .layers = 2,
				     .width = 32,
				     .heads = 2,
				     .kv_heads = 1,
				     .ff = 32,
				     .vocab = 64,
				     .context = 64,
				     .eps = 1e-5f,
				     .seed = 1,
				     .type = GGML_TYPE_Q8_0 };
}

int synth_build(const struct synth_model *m, uint8_t **data, size_t *size)
{
	struct gguf_writer w;
	int ret;

	if (!makes_sense(m))
		return -EINVAL;
	gguf_writer_init(&w);
	ret = synth_keys(m, &w);
	if (!ret)
		ret = synth_tensors(m, &w);
	if (!ret)
		ret = gguf_writer_finish(&w, data, size);
	gguf_writer_free(&w);
	return ret;
}

int synth_write(const struct synth_model *m, const char *path)
{
	uint8_t *data;
	size_t size;
	FILE *f;
	int ret;

	ret = synth_build(m, &data, &size);
	if (ret)
		return ret;
	f = fopen(path, "wb");
	if (!f) {
		ret = -errno;
		goto out;
	}
	if (fwrite(data, 1, size, f) != size)
		ret = -EIO;
	if (fclose(f) && !ret)
		ret = -errno;
out:
	free(data);
	return ret;
}
