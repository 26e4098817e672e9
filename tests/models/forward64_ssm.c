// SPDX-License-Identifier: MIT
/* Written from models.md sections 4 and 6; one token after the other, nothing shared between them but state. */
#include "tests/models/forward64_net.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/quant/ggml_types.h"
#include "compiler/quant/half.h"
#include "tests/models/forward64_model.h"

struct block {
	struct block *next;
};

/* --- memory, keys, tensors --------------------------------------------------------------------- */

void net_refuse(struct net *m, int error, const char *what, const char *name)
{
	if (m->error)
		return;
	m->error = error;
	if (m->err)
		snprintf(m->err->msg, sizeof(m->err->msg), "%s %s", what, name);
}

/* Zeroed; freed at the end. Never NULL: after a failure it is a byte bucket of the right size or exit. */
double *net_room(struct net *m, size_t n)
{
	struct block *b = calloc(1, sizeof(*b) + (n + 1) * sizeof(double));

	if (!b) {
		fprintf(stderr, "forward64_ssm: out of memory\n");
		abort();
	}
	b->next = m->blocks;
	m->blocks = b;
	return (double *)(b + 1);
}

static double number(struct net *m, const char *key, double otherwise)
{
	char name[128];
	float v;

	snprintf(name, sizeof(name), "%s.%s", m->arch, key);
	return gguf_get_f32(m->f, name, &v, NULL) ? otherwise : v;
}

size_t net_count(struct net *m, const char *key, size_t otherwise)
{
	char name[128];
	uint32_t v;

	snprintf(name, sizeof(name), "%s.%s", m->arch, key);
	return gguf_get_u32(m->f, name, &v, NULL) ? otherwise : v;
}

/* As ggml's reference makes Q8_0 of a row; see forward64_open.c. */
static void to_q8_0(double *x, size_t n)
{
	size_t i, j, end;

	for (i = 0; i < n; i = end) {
		float max = 0, scale, stored;

		end = n - i < GROUP ? n : i + GROUP;
		for (j = i; j < end; j++)
			max = fmaxf(max, fabsf((float)x[j]));
		scale = max / 127;
		stored = half_to_float(float_to_half(scale));
		for (j = i; j < end; j++)
			x[j] = scale > 0 ? (double)(roundf((float)x[j] * (1 / scale)) * stored) : 0;
	}
}

/* rows x cols; a matrix is rounded as the chip holds it, other tensors are kept. */
double *net_tensor(struct net *m, const char *name, size_t rows, size_t cols, bool matrix)
{
	const struct gguf_tensor *t = gguf_find_tensor(m->f, name);
	double *out = net_room(m, rows * cols);
	float *row;
	size_t r, c;

	if (!t || t->elements != rows * cols || (size_t)t->ne[0] != cols) {
		net_refuse(m, -EINVAL, "tensor: missing or of another shape:", name);
		return out;
	}
	row = malloc((cols + GGML_MAX_BLOCK) * sizeof(*row));
	for (r = 0; r < rows && row; r++) {
		if (ggml_dequantize_row(t->type, t->data + t->size / rows * r, row, (int64_t)cols))
			net_refuse(m, -EINVAL, "tensor: type", name);
		for (c = 0; c < cols; c++)
			out[r * cols + c] = row[c];
		if (matrix && m->int8 && cols > 1 && !forward64_native(t->type))
			to_q8_0(out + r * cols, cols);
	}
	free(row);
	return out;
}

bool net_has(struct net *m, size_t i, const char *what)
{
	char name[96];

	snprintf(name, sizeof(name), "blk.%zu.%s", i, what);
	return gguf_find_tensor(m->f, name);
}

double *net_part(struct net *m, size_t i, const char *what, size_t rows, size_t cols, bool matrix)
{
	char name[96];

	snprintf(name, sizeof(name), "blk.%zu.%s", i, what);
	return net_tensor(m, name, rows, cols, matrix);
}

/* --- operators --------------------------------------------------------------------------------- */

double net_round_group(struct net *m, double *x, size_t n)
{
	double max = 0, scale, code;
	size_t i;

	for (i = 0; i < n; i++)
		max = fmax(max, fabs(x[i]));
	scale = max / 127;
	for (i = 0; i < n && scale > 0; i++) {
		code = round(x[i] / scale);
		m->tie = fmin(m->tie, 0.5 - fabs(x[i] / scale - code));
		x[i] = code * scale;
	}
	return scale;
}

void net_round_row(struct net *m, double *x, size_t n)
{
	size_t i;

	for (i = 0; m->int8 && i < n; i += GROUP)
		net_round_group(m, x + i, n - i < GROUP ? n - i : GROUP);
}

/* y[t] = W q(x[t]) for n rows t */
double *net_linear(struct net *m, const double *w, size_t rows, size_t cols, const double *x)
{
	double *y = net_room(m, m->n * rows), *q = net_room(m, cols);
	size_t t, r, c;

	for (t = 0; t < m->n; t++) {
		memcpy(q, x + t * cols, cols * sizeof(*q));
		net_round_row(m, q, cols);
		for (r = 0; r < rows; r++) {
			for (c = 0; c < cols; c++)
				y[t * rows + r] += w[r * cols + c] * q[c];
		}
	}
	return y;
}

double *net_layer_linear(struct net *m, size_t i, const char *what, size_t rows, size_t cols,
			 const double *x)
{
	char name[64];
	double *y, *b;
	size_t t, r;

	snprintf(name, sizeof(name), "%s.weight", what);
	y = net_linear(m, net_part(m, i, name, rows, cols, true), rows, cols, x);
	snprintf(name, sizeof(name), "%s.bias", what);
	if (!net_has(m, i, name))
		return y;
	b = net_part(m, i, name, 1, rows, false);
	for (t = 0; t < m->n; t++) {
		for (r = 0; r < rows; r++)
			y[t * rows + r] += b[r];
	}
	return y;
}

/* rows of n, each over its own root mean square */
void net_rms(double *x, const double *w, size_t n, double eps)
{
	double sum = 0;
	size_t i;

	for (i = 0; i < n; i++)
		sum += x[i] * x[i];
	for (i = 0; i < n; i++)
		x[i] *= (w ? w[i] : 1) / sqrt(sum / (double)n + eps);
}

static double *layer_norm(struct net *m, size_t i, const char *what, const double *x)
{
	double *w = net_part(m, i, what, 1, m->width, false), *h = net_room(m, m->n * m->width);
	size_t t;

	memcpy(h, x, m->n * m->width * sizeof(*h));
	for (t = 0; t < m->n; t++)
		net_rms(h + t * m->width, w, m->width, m->eps);
	return h;
}

double net_silu(double x)
{
	return x / (1 + exp(-x));
}

double net_softplus(double x)
{
	return x > 30 ? x : log1p(exp(x));
}

double *net_cut(struct net *m, const double *x, size_t stride, size_t off, size_t width)
{
	double *y = net_room(m, m->n * width);
	size_t t;

	for (t = 0; t < m->n; t++)
		memcpy(y + t * width, x + t * stride + off, width * sizeof(*y));
	return y;
}

/* Experts where the layer has a router, else one feed-forward. */
static double *ffn(struct net *m, size_t i, const double *h)
{
	size_t ff = m->ff_of[i], k;
	double *up, *gate;

	if (net_has(m, i, "ffn_gate_inp.weight")) {
		up = net_room(m, m->n * m->width);
		if (!m->error)
			m->error = forward64_experts(m->f, m->arch,
						     m->int8 ? FORWARD64_INT8 : FORWARD64_EXACT, i,
						     m->width, h, m->n, up, &m->tie, m->err);
		return up;
	}
	up = net_layer_linear(m, i, "ffn_up", ff, m->width, h);
	if (net_has(m, i, "ffn_gate.weight")) {
		gate = net_layer_linear(m, i, "ffn_gate", ff, m->width, h);
		for (k = 0; k < m->n * ff; k++)
			up[k] *= net_silu(gate[k]);
	} else {
		for (k = 0; k < m->n * ff; k++)
			up[k] = up[k] > 0 ? up[k] * up[k] : 0;
	}
	return net_layer_linear(m, i, "ffn_down", m->width, ff, up);
}

/* --- the pass ---------------------------------------------------------------------------------- */

static void add(struct net *m, double *x, const double *y)
{
	size_t k;

	for (k = 0; k < m->n * m->width; k++)
		x[k] += m->residual_scale * y[k];
}

static void layer(struct net *m, size_t i, double *x)
{
	char name[64];
	double *h;

	if (m->lora[0]) {
		bool six = !strcmp(m->arch, "rwkv6");
		size_t c;

		snprintf(name, sizeof(name), "blk.%zu.attn_norm", i);
		h = net_norm_layer(m, name, x);
		add(m, x, six ? net_time_mix6(m, i, h) : net_time_mix7(m, i, h));
		snprintf(name, sizeof(name), "blk.%zu.attn_norm_2", i);
		h = net_norm_layer(m, name, x);
		add(m, x, six ? net_channel_mix6(m, i, h) : net_channel_mix7(m, i, h));
		for (c = 0; m->rescale && (i + 1) % m->rescale == 0 && c < m->n * m->width; c++)
			x[c] *= 0.5;
		return;
	}
	h = layer_norm(m, i, "attn_norm.weight", x);
	if (!strncmp(m->arch, "qwen", 4)) {
		add(m, x, (i + 1) % m->interval ? net_delta(m, i, h) : net_attention(m, i, h));
		add(m, x, ffn(m, i, layer_norm(m, i, "post_attention_norm.weight", x)));
	} else if (!strcmp(m->arch, "sqla")) {
		add(m, x, net_squared(m, i, h));
		add(m, x, ffn(m, i, layer_norm(m, i, "ffn_norm.weight", x)));
	} else if (!strcmp(m->arch, "mamba")) {
		add(m, x, net_mamba(m, i, h));
	} else if (!strcmp(m->arch, "mamba2")) {
		add(m, x, net_mamba2(m, i, h));
	} else if (!strncmp(m->arch, "nemotron_h", 10)) {
		add(m, x,
		    m->kv_of[i]	  ? net_attention(m, i, h)
		    : m->ff_of[i] ? ffn(m, i, h)
				  : net_mamba2(m, i, h));
	} else if (!strcmp(m->arch, "falcon-h1")) {
		add(m, x, net_attention(m, i, h));
		add(m, x, net_mamba2(m, i, h));
		add(m, x, ffn(m, i, layer_norm(m, i, "ffn_norm", x)));
	} else {
		bool first = !strcmp(m->arch, "jamba");

		add(m, x,
		    m->kv_of[i] ? net_attention(m, i, h)
		    : first	? net_mamba(m, i, h)
				: net_mamba2(m, i, h));
		add(m, x, ffn(m, i, layer_norm(m, i, "ffn_norm.weight", x)));
	}
}

static void per_layer(struct net *m, const char *key, uint32_t *out)
{
	char name[128];
	size_t i;

	snprintf(name, sizeof(name), "%s.%s", m->arch, key);
	if (gguf_get_u32_layers(m->f, name, (uint32_t)m->layers, out, NULL)) {
		for (i = 0; i < m->layers; i++)
			out[i] = 0;
	}
}

static void sizes_squared(struct net *m)
{
	m->taps = net_count(m, "ssm.conv_kernel", 2);
	m->context = net_count(m, "context_length", 0);
	m->heads = net_count(m, "attention.head_count", 0);
	m->kv_heads = net_count(m, "attention.head_count_kv", m->heads);
	if (!m->layers || m->layers > 4096 || !m->width || !m->kv_heads || !m->taps) {
		net_refuse(m, -EINVAL, "keys of", m->arch);
		return;
	}
	m->head_size = net_count(m, "attention.key_length", m->width / m->heads);
	m->kv_of = calloc(2 * m->layers, sizeof(*m->kv_of));
	m->ff_of = m->kv_of + m->layers;
	per_layer(m, "feed_forward_length", m->ff_of);
}

static void sizes(struct net *m)
{
	uint32_t heads[4096] = { 0 };
	size_t i;

	m->layers = net_count(m, "block_count", 0);
	m->width = net_count(m, "embedding_length", 0);
	m->eps = number(m, "attention.layer_norm_rms_epsilon", -1);
	m->embd_scale = m->residual_scale = m->logit_scale = 1;
	if (!strncmp(m->arch, "rwkv", 4)) {
		m->eps = number(m, "attention.layer_norm_epsilon", -1);
		m->head_size = net_count(m, "wkv.head_size", 0);
		m->ff = net_count(m, "feed_forward_length", 0);
		m->rescale = net_count(m, "rescale_every_n_layers", 0);
		m->lora[0] = net_count(m, "time_mix_extra_dim", 0);
		m->lora[1] = net_count(m, "time_decay_extra_dim", 0);
		if (m->lora[0])
			return;
		m->lora[0] = net_count(m, "attention.decay_lora_rank", 0);
		m->lora[1] = net_count(m, "attention.iclr_lora_rank", 0);
		m->lora[2] = net_count(m, "attention.value_residual_mix_lora_rank", 0);
		m->lora[3] = net_count(m, "attention.gate_lora_rank", 0);
		if (!m->layers || !m->width || !m->head_size || !m->lora[0])
			net_refuse(m, -EINVAL, "keys of", m->arch);
		return;
	}
	if (!strcmp(m->arch, "sqla")) {
		sizes_squared(m);
		return;
	}
	m->taps = net_count(m, "ssm.conv_kernel", 0);
	m->inner = net_count(m, "ssm.inner_size", 0);
	m->state = net_count(m, "ssm.state_size", 0);
	m->rank = net_count(m, "ssm.time_step_rank", 0);
	m->groups = net_count(m, "ssm.group_count", 1);
	m->interval = net_count(m, "full_attention_interval", 4);
	if (!m->layers || m->layers > 4096 || !m->width || !m->taps || !m->inner || !m->rank) {
		net_refuse(m, -EINVAL, "keys of", m->arch);
		return;
	}
	m->kv_of = calloc(2 * m->layers, sizeof(*m->kv_of));
	m->ff_of = m->kv_of + m->layers;
	per_layer(m, "attention.head_count", heads);
	per_layer(m, "attention.head_count_kv", m->kv_of);
	per_layer(m, "feed_forward_length", m->ff_of);
	for (i = 0; i < m->layers; i++) {
		if (m->kv_of[i]) {
			m->kv_heads = m->kv_of[i];
			m->heads = heads[i];
		}
	}
	if (m->heads)
		m->head_size = net_count(m, "attention.key_length", m->width / m->heads);
	m->embd_scale = number(m, "embedding_scale", 1);
	m->residual_scale = number(m, "residual_scale", 1);
	m->logit_scale = number(m, "logit_scale", 1);
	m->attn_scale = number(m, "attention.scale", m->heads ? 1 / sqrt((double)m->head_size) : 1);
	m->rope_base = number(m, "rope.freq_base", 10000);
	m->neox = !strcmp(m->arch, "falcon-h1") || !strncmp(m->arch, "qwen", 4);
	m->rope = m->neox || !strcmp(m->arch, "granitehybrid");
}

static double *run(struct net *m, const int32_t *tokens)
{
	const struct gguf_tensor *t = gguf_find_tensor(m->f, "token_embd.weight");
	double *embd, *x, *norm, *out, *y, *logits;
	size_t i, k;

	if (!t || m->error) {
		net_refuse(m, -EINVAL, "tensor", "token_embd.weight");
		return NULL;
	}
	m->vocab = (size_t)t->ne[1];
	embd = net_tensor(m, "token_embd.weight", m->vocab, m->width, true);
	x = net_room(m, m->n * m->width);
	for (i = 0; i < m->n; i++) {
		for (k = 0; k < m->width; k++)
			x[i * m->width + k] =
				embd[(size_t)tokens[i] * m->width + k] * m->embd_scale;
	}
	if (m->lora[0])
		x = net_norm_layer(m, "token_embd_norm", x);
	for (i = 0; i < m->layers && !m->error; i++)
		layer(m, i, x);
	if (m->lora[0])
		x = net_norm_layer(m, "output_norm", x);
	norm = net_tensor(m, "output_norm.weight", 1, m->width, false);
	for (i = 0; i < m->n && !m->lora[0]; i++)
		net_rms(x + i * m->width, norm, m->width, m->eps);
	out = gguf_find_tensor(m->f, "output.weight")
		      ? net_tensor(m, "output.weight", m->vocab, m->width, true)
		      : embd;
	y = net_linear(m, out, m->vocab, m->width, x);
	logits = malloc(m->n * m->vocab * sizeof(*logits));
	for (i = 0; logits && i < m->n * m->vocab; i++)
		logits[i] = y[i] / m->logit_scale;
	return logits;
}

int forward64_ssm(const uint8_t *data, size_t size, enum forward64_numbers numbers,
		  enum forward64_form form, const int32_t *tokens, size_t n, double **logits,
		  size_t *vocab, double *tie, struct gguf_error *err)
{
	struct net m = {
		.err = err, .int8 = numbers == FORWARD64_INT8, .form = form, .tie = 0.5, .n = n
	};
	struct gguf_file *f;
	struct gguf_str arch;
	struct block *b;
	int ret;

	ret = gguf_open_mem(data, size, &f, err);
	if (ret)
		return ret;
	m.f = f;
	if (gguf_get_str(f, "general.architecture", &arch, err) || arch.len >= sizeof(m.arch))
		net_refuse(&m, -EINVAL, "key", "general.architecture");
	else
		memcpy(m.arch, arch.ptr, arch.len);
	if (!m.error)
		sizes(&m);
	*logits = run(&m, tokens);
	*vocab = m.vocab;
	if (tie)
		*tie = m.tie;
	while ((b = m.blocks)) {
		m.blocks = b->next;
		free(b);
	}
	free(m.kv_of);
	gguf_close(f);
	if (m.error) {
		free(*logits);
		*logits = NULL;
	}
	return m.error;
}
