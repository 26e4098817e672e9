// SPDX-License-Identifier: MIT
/* Written from models.md sections 4 and 6; one token after the other, nothing shared between them but state. */
#include "tests/models/forward64_ssm.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/quant/ggml_types.h"
#include "compiler/quant/half.h"
#include "tests/models/forward64_model.h"
#include "tests/models/forward64_sqla.h"

#define GROUP 32

struct block {
	struct block *next;
};

struct net {
	const struct gguf_file *f;
	struct gguf_error *err;
	int error; /* sticky */
	struct block *blocks;
	char arch[24];
	bool int8;
	enum forward64_form form;
	double tie;
	size_t layers, width, vocab, n, context;
	size_t heads, kv_heads, head_size;
	size_t taps, inner, state, rank, groups;
	uint32_t *kv_of, *ff_of;
	double eps, embd_scale, residual_scale, logit_scale, attn_scale, rope_base;
	bool rope, neox;
	size_t lora[4]; /* rwkv7: of w, a, v, g */
	size_t ff, rescale, interval;
	double *first_value;
};

/* --- memory, keys, tensors --------------------------------------------------------------------- */

static void refuse(struct net *m, int error, const char *what, const char *name)
{
	if (m->error)
		return;
	m->error = error;
	if (m->err)
		snprintf(m->err->msg, sizeof(m->err->msg), "%s %s", what, name);
}

/* Zeroed; freed at the end. Never NULL: after a failure it is a byte bucket of the right size or exit. */
static double *room(struct net *m, size_t n)
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

static size_t count(struct net *m, const char *key, size_t otherwise)
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
static double *tensor(struct net *m, const char *name, size_t rows, size_t cols, bool matrix)
{
	const struct gguf_tensor *t = gguf_find_tensor(m->f, name);
	double *out = room(m, rows * cols);
	float *row;
	size_t r, c;

	if (!t || t->elements != rows * cols || (size_t)t->ne[0] != cols) {
		refuse(m, -EINVAL, "tensor: missing or of another shape:", name);
		return out;
	}
	row = malloc((cols + GGML_MAX_BLOCK) * sizeof(*row));
	for (r = 0; r < rows && row; r++) {
		if (ggml_dequantize_row(t->type, t->data + t->size / rows * r, row, (int64_t)cols))
			refuse(m, -EINVAL, "tensor: type", name);
		for (c = 0; c < cols; c++)
			out[r * cols + c] = row[c];
		if (matrix && m->int8 && t->type != GGML_TYPE_Q8_0 && t->type != GGML_TYPE_Q4_0)
			to_q8_0(out + r * cols, cols);
	}
	free(row);
	return out;
}

static bool has(struct net *m, size_t i, const char *what)
{
	char name[96];

	snprintf(name, sizeof(name), "blk.%zu.%s", i, what);
	return gguf_find_tensor(m->f, name);
}

static double *part(struct net *m, size_t i, const char *what, size_t rows, size_t cols,
		    bool matrix)
{
	char name[96];

	snprintf(name, sizeof(name), "blk.%zu.%s", i, what);
	return tensor(m, name, rows, cols, matrix);
}

/* --- operators --------------------------------------------------------------------------------- */

static double round_group(struct net *m, double *x, size_t n)
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

static void round_row(struct net *m, double *x, size_t n)
{
	size_t i;

	for (i = 0; m->int8 && i < n; i += GROUP)
		round_group(m, x + i, n - i < GROUP ? n - i : GROUP);
}

/* y[t] = W q(x[t]) for n rows t */
static double *linear(struct net *m, const double *w, size_t rows, size_t cols, const double *x)
{
	double *y = room(m, m->n * rows), *q = room(m, cols);
	size_t t, r, c;

	for (t = 0; t < m->n; t++) {
		memcpy(q, x + t * cols, cols * sizeof(*q));
		round_row(m, q, cols);
		for (r = 0; r < rows; r++) {
			for (c = 0; c < cols; c++)
				y[t * rows + r] += w[r * cols + c] * q[c];
		}
	}
	return y;
}

static double *layer_linear(struct net *m, size_t i, const char *what, size_t rows, size_t cols,
			    const double *x)
{
	char name[64];
	double *y, *b;
	size_t t, r;

	snprintf(name, sizeof(name), "%s.weight", what);
	y = linear(m, part(m, i, name, rows, cols, true), rows, cols, x);
	snprintf(name, sizeof(name), "%s.bias", what);
	if (!has(m, i, name))
		return y;
	b = part(m, i, name, 1, rows, false);
	for (t = 0; t < m->n; t++) {
		for (r = 0; r < rows; r++)
			y[t * rows + r] += b[r];
	}
	return y;
}

/* rows of n, each over its own root mean square */
static void rms(double *x, const double *w, size_t n, double eps)
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
	double *w = part(m, i, what, 1, m->width, false), *h = room(m, m->n * m->width);
	size_t t;

	memcpy(h, x, m->n * m->width * sizeof(*h));
	for (t = 0; t < m->n; t++)
		rms(h + t * m->width, w, m->width, m->eps);
	return h;
}

static double silu(double x)
{
	return x / (1 + exp(-x));
}

static double softplus(double x)
{
	return x > 30 ? x : log1p(exp(x));
}

/* conv(x) + b of columns off .. off + width of rows of stride */
static double *causal(struct net *m, size_t i, const char *what, const double *x, size_t stride,
		      size_t off, size_t width)
{
	double *w, *b, *y = room(m, m->n * width);
	size_t t, c, j;
	char name[64];

	snprintf(name, sizeof(name), "%s.weight", what);
	w = part(m, i, name, width, m->taps, false);
	snprintf(name, sizeof(name), "%s.bias", what);
	b = has(m, i, name) ? part(m, i, name, 1, width, false) : room(m, width);
	for (t = 0; t < m->n; t++) {
		for (c = 0; c < width; c++) {
			double sum = b[c];

			for (j = 0; j < m->taps; j++) {
				if (t + j + 1 >= m->taps)
					sum += w[c * m->taps + j] *
					       x[(t + j + 1 - m->taps) * stride + off + c];
			}
			y[t * width + c] = sum;
		}
	}
	return y;
}

static double *conv(struct net *m, size_t i, const double *x, size_t stride, size_t off,
		    size_t width)
{
	double *y = causal(m, i, "ssm_conv1d", x, stride, off, width);
	size_t k;

	for (k = 0; k < m->n * width; k++)
		y[k] = silu(y[k]);
	return y;
}

static double *cut(struct net *m, const double *x, size_t stride, size_t off, size_t width)
{
	double *y = room(m, m->n * width);
	size_t t;

	for (t = 0; t < m->n; t++)
		memcpy(y + t * width, x + t * stride + off, width * sizeof(*y));
	return y;
}

static void inner_norm(struct net *m, size_t i, const char *what, double *x, size_t width)
{
	double *w = NULL;
	size_t t;

	if (has(m, i, what))
		w = part(m, i, what, 1, width, false);
	else if (!count(m, "ssm.dt_b_c_rms", 0))
		return;
	for (t = 0; t < m->n; t++)
		rms(x + t * width, w, width, m->eps);
}

static double *mamba(struct net *m, size_t i, const double *h)
{
	size_t di = m->inner, ds = m->state, r = m->rank, all = r + 2 * ds, t, c, k;
	double *in = layer_linear(m, i, "ssm_in", 2 * di, m->width, h);
	double *u = conv(m, i, in, 2 * di, 0, di), *x = layer_linear(m, i, "ssm_x", all, di, u);
	double *dt = cut(m, x, all, 0, r), *b = cut(m, x, all, r, ds), *s = room(m, di * ds);
	double *cc = cut(m, x, all, r + ds, ds), *y = room(m, m->n * di);
	double *a = part(m, i, "ssm_a", di, ds, false), *d = part(m, i, "ssm_d", 1, di, false);

	inner_norm(m, i, "ssm_dt_norm.weight", dt, r);
	inner_norm(m, i, "ssm_b_norm.weight", b, ds);
	inner_norm(m, i, "ssm_c_norm.weight", cc, ds);
	dt = layer_linear(m, i, "ssm_dt", di, r, dt);
	for (t = 0; t < m->n; t++) {
		for (c = 0; c < di; c++) {
			double step = softplus(dt[t * di + c]), sum = 0;

			for (k = 0; k < ds; k++) {
				double *v = &s[c * ds + k];

				*v = *v * exp(step * a[c * ds + k]) +
				     b[t * ds + k] * u[t * di + c] * step;
				sum += cc[t * ds + k] * *v;
			}
			y[t * di + c] =
				(sum + d[c] * u[t * di + c]) * silu(in[t * 2 * di + di + c]);
		}
	}
	return layer_linear(m, i, "ssm_out", m->width, di, y);
}

static double *mamba2(struct net *m, size_t i, const double *h)
{
	size_t di = m->inner, ds = m->state, nh = m->rank, g = m->groups, p = di / nh;
	size_t all = 2 * di + 2 * g * ds + nh, conved = di + 2 * g * ds, t, k, e, q;
	double *in = layer_linear(m, i, "ssm_in", all, m->width, h);
	double *x = conv(m, i, in, all, di, conved), *s = room(m, di * ds);
	double *bias = part(m, i, "ssm_dt.bias", 1, nh, false), *y = room(m, m->n * di);
	double *a = part(m, i, "ssm_a", nh, 1, false), *d = part(m, i, "ssm_d", nh, 1, false);
	double *norm = NULL;

	if (strcmp(m->arch, "falcon-h1") || has(m, 0, "ssm_norm.weight"))
		norm = part(m, i, "ssm_norm.weight", g, di / g, false);
	for (t = 0; t < m->n; t++) {
		const double *xt = x + t * conved, *z = in + t * all, *raw = z + all - nh;

		for (k = 0; k < nh; k++) {
			double dt = softplus(raw[k] + bias[k]), keep = exp(dt * a[k]);
			const double *b = xt + di + k / (nh / g) * ds, *c = b + g * ds;

			for (e = k * p; e < (k + 1) * p; e++) {
				double sum = 0;

				for (q = 0; q < ds; q++) {
					s[e * ds + q] = s[e * ds + q] * keep + b[q] * xt[e] * dt;
					sum += c[q] * s[e * ds + q];
				}
				y[t * di + e] = (sum + d[k] * xt[e]) * silu(z[e]);
			}
		}
		for (k = 0; norm && k < g; k++)
			rms(y + t * di + k * (di / g), norm + k * (di / g), di / g, m->eps);
	}
	return layer_linear(m, i, "ssm_out", m->width, di, y);
}

static void rotate(struct net *m, double *head, size_t pos)
{
	size_t half = m->head_size / 2, k;

	for (k = 0; m->rope && k < half; k++) {
		double angle = (double)pos * pow(m->rope_base, -(double)k / (double)half);
		double *a = m->neox ? &head[k] : &head[2 * k];
		double *b = m->neox ? &head[k + half] : &head[2 * k + 1];
		double a0 = *a, b0 = *b;

		*a = a0 * cos(angle) - b0 * sin(angle);
		*b = a0 * sin(angle) + b0 * cos(angle);
	}
}

/* The chip keeps the first parts of all pairs before the second ones; groups are cut in that order. */
static void round_head(struct net *m, double *head)
{
	size_t half = m->head_size / 2, k;
	double tmp[1024];

	if (!m->int8 || m->head_size > 1024)
		return;
	for (k = 0; k < m->head_size; k++)
		tmp[k] =
			m->rope && !m->neox ? head[k < half ? 2 * k : 2 * (k - half) + 1] : head[k];
	round_row(m, tmp, m->head_size);
	for (k = 0; k < m->head_size; k++)
		head[m->rope && !m->neox ? (k < half ? 2 * k : 2 * (k - half) + 1) : k] = tmp[k];
}

/* One query over positions 0 .. n - 1; v is rounded, scales are of its groups. */
static void attend(struct net *m, const double *q, const double *k, const double *v,
		   const double *scales, size_t n, double *out)
{
	size_t d = m->head_size, stride = m->kv_heads * d, ng = (d + GROUP - 1) / GROUP, j, e;
	double *p = calloc(2 * n, sizeof(*p)), *w = p + n, max = -INFINITY, sum = 0;

	for (j = 0; j < n; j++) {
		for (e = 0; e < d; e++)
			p[j] += q[e] * k[j * stride + e];
		p[j] *= m->attn_scale;
		max = fmax(max, p[j]);
	}
	for (j = 0; j < n; j++)
		sum += p[j] = exp(p[j] - max);
	for (e = 0; e < d; e++) {
		/* the values' scales are folded into the weights, which are rounded by positions */
		for (j = 0; j < n && e % GROUP == 0; j++)
			w[j] = p[j] / sum *
			       (m->int8 ? scales[j * m->kv_heads * ng + e / GROUP] : 1);
		if (e % GROUP == 0)
			round_row(m, w, n);
		out[e] = 0;
		for (j = 0; j < n; j++) {
			double scale = m->int8 ? scales[j * m->kv_heads * ng + e / GROUP] : 1;

			out[e] += scale > 0 ? w[j] * (v[j * stride + e] / scale) : 0;
		}
	}
	free(p);
}

/* Per head the query, then the gate: the gates, while q keeps the queries. */
static double *split_gates(struct net *m, double *qg, double *q)
{
	size_t d = m->head_size, heads = m->n * m->heads, k;
	double *gate = room(m, heads * d);

	for (k = 0; k < heads; k++) {
		memcpy(q + k * d, qg + 2 * k * d, d * sizeof(*q));
		memcpy(gate + k * d, qg + (2 * k + 1) * d, d * sizeof(*q));
	}
	return gate;
}

static void head_norms(struct net *m, size_t i, const char *what, double *x, size_t heads)
{
	double *w = part(m, i, what, 1, m->head_size, false);
	size_t k;

	for (k = 0; k < heads; k++)
		rms(x + k * m->head_size, w, m->head_size, m->eps);
}

static double *attention(struct net *m, size_t i, const double *h)
{
	size_t d = m->head_size, nq = m->heads * d, nk = m->kv_heads * d, t, e, g;
	size_t ng = (d + GROUP - 1) / GROUP;
	bool gated = !strncmp(m->arch, "qwen", 4);
	double *q = layer_linear(m, i, "attn_q", gated ? 2 * nq : nq, m->width, h), *gate = NULL;
	double *k = layer_linear(m, i, "attn_k", nk, m->width, h);
	double *v = layer_linear(m, i, "attn_v", nk, m->width, h);
	double *scales = room(m, m->n * m->kv_heads * ng), *o = room(m, m->n * nq);

	if (gated) {
		double *own = room(m, m->n * nq);

		gate = split_gates(m, q, own);
		q = own;
		head_norms(m, i, "attn_q_norm.weight", q, m->n * m->heads);
		head_norms(m, i, "attn_k_norm.weight", k, m->n * m->kv_heads);
	}
	for (t = 0; t < m->n; t++) {
		for (e = 0; e < m->kv_heads; e++) {
			rotate(m, k + t * nk + e * d, t);
			round_head(m, k + t * nk + e * d);
			for (g = 0; m->int8 && g < ng; g++)
				scales[(t * m->kv_heads + e) * ng + g] =
					round_group(m, v + t * nk + e * d + g * GROUP,
						    d - g * GROUP < GROUP ? d - g * GROUP : GROUP);
		}
		for (e = 0; e < m->heads; e++) {
			size_t kv = e / (m->heads / m->kv_heads);

			rotate(m, q + t * nq + e * d, t);
			round_head(m, q + t * nq + e * d);
			attend(m, q + t * nq + e * d, k + kv * d, v + kv * d, scales + kv * ng,
			       t + 1, o + t * nq + e * d);
		}
	}
	for (e = 0; gated && e < m->n * nq; e++)
		o[e] /= 1 + exp(-gate[e]);
	return layer_linear(m, i, "attn_output", m->width, nq, o);
}

/* Experts where the layer has a router, else one feed-forward. */
static double *ffn(struct net *m, size_t i, const double *h)
{
	size_t ff = m->ff_of[i], k;
	double *up, *gate;

	if (has(m, i, "ffn_gate_inp.weight")) {
		up = room(m, m->n * m->width);
		if (!m->error)
			m->error = forward64_experts(m->f, m->arch,
						     m->int8 ? FORWARD64_INT8 : FORWARD64_EXACT, i,
						     m->width, h, m->n, up, &m->tie, m->err);
		return up;
	}
	up = layer_linear(m, i, "ffn_up", ff, m->width, h);
	if (has(m, i, "ffn_gate.weight")) {
		gate = layer_linear(m, i, "ffn_gate", ff, m->width, h);
		for (k = 0; k < m->n * ff; k++)
			up[k] *= silu(gate[k]);
	} else {
		for (k = 0; k < m->n * ff; k++)
			up[k] = up[k] > 0 ? up[k] * up[k] : 0;
	}
	return layer_linear(m, i, "ffn_down", m->width, ff, up);
}

/* --- gated delta net --------------------------------------------------------------------------- */

static void unit(double *x, size_t n, double eps)
{
	double sum = 0;
	size_t k;

	for (k = 0; k < n; k++)
		sum += x[k] * x[k];
	for (k = 0; k < n; k++)
		x[k] /= fmax(sqrt(sum), eps);
}

static double *delta_net(struct net *m, size_t i, const double *h)
{
	size_t ds = m->state, nk = m->groups, nv = m->rank, hv = m->inner / nv, keys = nk * ds;
	size_t all = 2 * keys + m->inner, per = nv / nk, t, v, e, j;
	bool next = !strcmp(m->arch, "qwen3next");
	double *x = layer_linear(m, i, "attn_qkv", all, m->width, h), *s = room(m, nv * hv * ds);
	double *z = layer_linear(m, i, "attn_gate", m->inner, m->width, h);
	double *ba = next ? layer_linear(m, i, "ssm_ba", 2 * nv, m->width, h) : NULL;
	double *beta = next ? NULL : layer_linear(m, i, "ssm_beta", nv, m->width, h);
	double *alpha = next ? NULL : layer_linear(m, i, "ssm_alpha", nv, m->width, h);
	double *bias = part(m, i, "ssm_dt.bias", 1, nv, false), *y = room(m, m->n * m->inner);
	double *a = part(m, i, "ssm_a", 1, nv, false);
	double *norm = part(m, i, "ssm_norm.weight", 1, hv, false);

	x = conv(m, i, x, all, 0, all);
	for (t = 0; t < m->n; t++) {
		double *q = x + t * all, *k = q + keys, *val = k + keys;

		for (v = 0; v < 2 * nk; v++)
			unit(q + v * ds, ds, m->eps);
		for (v = 0; v < nv; v++) {
			size_t kh = next ? v / per : v % nk;
			const double *kk = k + kh * ds, *qq = q + kh * ds;
			double b =
				next ? ba[t * 2 * nv + kh * 2 * per + v % per] : beta[t * nv + v];
			double g = next ? ba[t * 2 * nv + kh * 2 * per + per + v % per]
					: alpha[t * nv + v];
			double keep = exp(a[v] * softplus(g + bias[v]));

			b = 1 / (1 + exp(-b));
			for (e = 0; e < hv; e++) {
				double *row = s + (v * hv + e) * ds, known = 0, d;
				double *out = &y[t * m->inner + v * hv + e];

				for (j = 0; j < ds; j++) {
					row[j] *= keep;
					known += row[j] * kk[j];
				}
				d = (val[v * hv + e] - known) * b;
				for (j = 0; j < ds; j++) {
					row[j] += d * kk[j];
					*out += row[j] * qq[j] / sqrt((double)ds);
				}
			}
			rms(y + t * m->inner + v * hv, norm, hv, m->eps);
		}
		for (e = 0; e < m->inner; e++)
			y[t * m->inner + e] *= silu(z[t * m->inner + e]);
	}
	return layer_linear(m, i, "ssm_out", m->width, m->inner, y);
}

/* --- squared linear attention ------------------------------------------------------------------ */

/* What of a sequence is kept: d (d + 1)^2 / 2 numbers, or 2 d for each token; models.md says where. */
static bool by_cache(const struct net *m)
{
	double d = (double)m->head_size;

	if (m->form != FORWARD64_BY_CONTEXT)
		return m->form == FORWARD64_PARALLEL;
	return (double)m->context <= (d + 1) * (d + 1) / 4 + 1.5;
}

static double *squared(struct net *m, size_t i, const double *h)
{
	size_t nq = m->heads * m->head_size, nk = m->kv_heads * m->head_size, k;
	double *y = room(m, m->n * nq), *rate, *bias;
	struct sqla64 s = { .n = m->n,
			    .heads = m->heads,
			    .kv_heads = m->kv_heads,
			    .d = m->head_size,
			    .parallel = by_cache(m),
			    .int8 = m->int8,
			    .tie = &m->tie };

	s.q = layer_linear(m, i, "attn_q", nq, m->width, h);
	s.k = layer_linear(m, i, "attn_k", nk, m->width, h);
	s.v = layer_linear(m, i, "attn_v", nk, m->width, h);
	s.q = causal(m, i, "ssm_conv1d_q", s.q, nq, 0, nq);
	s.k = causal(m, i, "ssm_conv1d_k", s.k, nk, 0, nk);
	s.v = causal(m, i, "ssm_conv1d_v", s.v, nk, 0, nk);
	rate = layer_linear(m, i, "ssm_alpha", m->kv_heads, m->width, h);
	bias = has(m, i, "ssm_dt.bias") ? part(m, i, "ssm_dt.bias", 1, m->kv_heads, false) : NULL;
	for (k = 0; bias && k < m->n * m->kv_heads; k++)
		rate[k] += bias[k % m->kv_heads];
	s.rate = rate;
	if (!m->error && forward64_sqla(&s, y))
		refuse(m, -ENOMEM, "memory for", "blk");
	return layer_linear(m, i, "attn_output", m->width, nq, y);
}

/* --- rwkv7 ------------------------------------------------------------------------------------- */

/* rows of n: less their mean, over their deviation */
static void layer_norm64(double *x, const double *w, const double *b, size_t n, double eps)
{
	double mean = 0, var = 0;
	size_t i;

	for (i = 0; i < n; i++)
		mean += x[i] / (double)n;
	for (i = 0; i < n; i++)
		var += (x[i] - mean) * (x[i] - mean) / (double)n;
	for (i = 0; i < n; i++)
		x[i] = (x[i] - mean) / sqrt(var + eps) * w[i] + b[i];
}

static double *norm_layer(struct net *m, const char *name, const double *x)
{
	double *h = room(m, m->n * m->width), *w, *b;
	char buf[96];
	size_t t;

	snprintf(buf, sizeof(buf), "%s.weight", name);
	w = tensor(m, buf, 1, m->width, false);
	snprintf(buf, sizeof(buf), "%s.bias", name);
	b = tensor(m, buf, 1, m->width, false);
	memcpy(h, x, m->n * m->width * sizeof(*h));
	for (t = 0; t < m->n; t++)
		layer_norm64(h + t * m->width, w, b, m->width, m->eps);
	return h;
}

/* h + (h of the token before - h) * lerp */
static double *lerp(struct net *m, const double *h, const double *l)
{
	double *y = room(m, m->n * m->width);
	size_t t, k, e = m->width;

	for (t = 0; t < m->n; t++) {
		for (k = 0; k < e; k++)
			y[t * e + k] =
				h[t * e + k] + ((t ? h[(t - 1) * e + k] : 0) - h[t * e + k]) * l[k];
	}
	return y;
}

static double sigmoid(double x)
{
	return 1 / (1 + exp(-x));
}

static double same(double x)
{
	return x;
}

/* bias + W2 fn(W1 x) */
static double *low_rank(struct net *m, size_t i, char which, size_t rank, const double *x,
			double (*fn)(double), bool bias)
{
	char name[32];
	double *y, *b;
	size_t k;

	snprintf(name, sizeof(name), "time_mix_%c1", which);
	y = layer_linear(m, i, name, rank, m->width, x);
	for (k = 0; k < m->n * rank; k++)
		y[k] = fn(y[k]);
	snprintf(name, sizeof(name), "time_mix_%c2", which);
	y = layer_linear(m, i, name, m->width, rank, y);
	snprintf(name, sizeof(name), "time_mix_%c0.weight", which);
	b = bias ? part(m, i, name, 1, m->width, false) : NULL;
	for (k = 0; bias && k < m->n * m->width; k++)
		y[k] += b[k % m->width];
	return y;
}

static double *time_mix(struct net *m, size_t i, const double *h)
{
	static const char *const names[3] = { "time_mix_receptance", "time_mix_key",
					      "time_mix_value" };
	size_t e = m->width, d = m->head_size, t, c, j, p;
	double *l = part(m, i, "time_mix_lerp_fused.weight", 6, e, false), *x[6], *r, *w, *k, *v,
	       *a, *g;
	double *k_k = part(m, i, "time_mix_k_k.weight", 1, e, false);
	double *k_a = part(m, i, "time_mix_k_a.weight", 1, e, false);
	double *r_k = part(m, i, "time_mix_r_k.weight", 1, e, false);
	double *lnw = part(m, i, "time_mix_ln.weight", 1, e, false);
	double *lnb = part(m, i, "time_mix_ln.bias", 1, e, false), *y = room(m, m->n * e);
	double *s = room(m, e * d), *kk = room(m, e), *mixed;

	for (j = 0; j < 6; j++)
		x[j] = lerp(m, h, l + j * e);
	r = layer_linear(m, i, names[0], e, e, x[0]);
	k = layer_linear(m, i, names[1], e, e, x[2]);
	v = layer_linear(m, i, names[2], e, e, x[3]);
	w = low_rank(m, i, 'w', m->lora[0], x[1], tanh, true);
	a = low_rank(m, i, 'a', m->lora[1], x[4], same, true);
	g = low_rank(m, i, 'g', m->lora[3], x[5], sigmoid, false);
	if (i) {
		mixed = low_rank(m, i, 'v', m->lora[2], x[3], same, true);
		for (c = 0; c < m->n * e; c++)
			v[c] += (m->first_value[c] - v[c]) * sigmoid(mixed[c]);
	} else {
		m->first_value = v;
	}
	for (t = 0; t < m->n; t++) {
		double *kt = k + t * e, *vt = v + t * e, *rt = r + t * e, *yt = y + t * e;

		for (c = 0; c < e; c += d) {
			double length = 0, bonus = 0;

			for (j = c; j < c + d; j++) {
				double rate = sigmoid(a[t * e + j]);

				kk[j] = kt[j] * k_k[j];
				length += kk[j] * kk[j];
				a[t * e + j] = rate;
				kt[j] += rate * kt[j] * k_a[j] - kt[j] * k_a[j];
			}
			length = fmax(sqrt(length), 1e-12);
			for (j = c; j < c + d; j++) {
				kk[j] /= length;
				bonus += kt[j] * rt[j] * r_k[j];
			}
			for (p = c; p < c + d; p++) {
				double *row = s + p * d, take = 0;

				for (j = 0; j < d; j++)
					take -= row[j] * kk[c + j];
				for (j = 0; j < d; j++) {
					double keep = exp(-0.606531 * sigmoid(w[t * e + c + j]));

					row[j] = row[j] * keep + vt[p] * kt[c + j] +
						 take * kk[c + j] * a[t * e + c + j];
					yt[p] += row[j] * rt[c + j];
				}
			}
			layer_norm64(yt + c, lnw + c, lnb + c, d, 64e-5);
			for (p = c; p < c + d; p++)
				yt[p] = (yt[p] + vt[p] * bonus) * g[t * e + p];
		}
	}
	return layer_linear(m, i, "time_mix_output", e, e, y);
}

static double *channel_mix(struct net *m, size_t i, const double *h)
{
	double *x = lerp(m, h, part(m, i, "channel_mix_lerp_k.weight", 1, m->width, false)), *k;
	size_t c;

	k = layer_linear(m, i, "channel_mix_key", m->ff, m->width, x);
	for (c = 0; c < m->n * m->ff; c++)
		k[c] = k[c] > 0 ? k[c] * k[c] : 0;
	return layer_linear(m, i, "channel_mix_value", m->width, m->ff, k);
}

/* --- rwkv6 ------------------------------------------------------------------------------------- */

/* h + (h of the token before - h) * share of the position */
static double *lerp_by(struct net *m, const double *h, const double *share)
{
	double *y = room(m, m->n * m->width);
	size_t c, e = m->width;

	for (c = 0; c < m->n * e; c++)
		y[c] = h[c] + ((c >= e ? h[c - e] : 0) - h[c]) * share[c];
	return y;
}

static double *time_mix6(struct net *m, size_t i, const double *h)
{
	size_t e = m->width, d = m->head_size, rank = m->lora[0], t, c, j, p;
	double *fused = part(m, i, "time_mix_lerp_fused.weight", 5, e, false), *x[5], *share;
	double *w2 = part(m, i, "time_mix_w2.weight", 5 * e, rank, true), *mix, *r, *k, *v, *w, *g;
	double *u = part(m, i, "time_mix_first.weight", e / d, d, false), *y = room(m, m->n * e);
	double *lnw = part(m, i, "time_mix_ln.weight", 1, e, false), *s = room(m, e * d);
	double *lnb = part(m, i, "time_mix_ln.bias", 1, e, false);
	double *slow = part(m, i, "time_mix_decay.weight", 1, e, false);

	mix = lerp(m, h, part(m, i, "time_mix_lerp_x.weight", 1, e, false));
	mix = layer_linear(m, i, "time_mix_w1", 5 * rank, e, mix);
	for (c = 0; c < m->n * 5 * rank; c++)
		mix[c] = tanh(mix[c]);
	for (j = 0; j < 5; j++) {
		share = linear(m, w2 + j * e * rank, e, rank,
			       cut(m, mix, 5 * rank, j * rank, rank));
		for (c = 0; c < m->n * e; c++)
			share[c] += fused[j * e + c % e];
		x[j] = lerp_by(m, h, share);
	}
	w = layer_linear(m, i, "time_mix_decay_w1", m->lora[1], e, x[0]);
	for (c = 0; c < m->n * m->lora[1]; c++)
		w[c] = tanh(w[c]);
	w = layer_linear(m, i, "time_mix_decay_w2", e, m->lora[1], w);
	k = layer_linear(m, i, "time_mix_key", e, e, x[1]);
	v = layer_linear(m, i, "time_mix_value", e, e, x[2]);
	r = layer_linear(m, i, "time_mix_receptance", e, e, x[3]);
	g = layer_linear(m, i, "time_mix_gate", e, e, x[4]);
	for (t = 0; t < m->n; t++) {
		double *yt = y + t * e;

		for (c = 0; c < e; c += d) {
			for (p = 0; p < d; p++) {
				double keep = exp(-exp(slow[c + p] + w[t * e + c + p]));

				for (j = 0; j < d; j++) {
					double *cell = &s[(c + p) * d + j];
					double now = k[t * e + c + p] * v[t * e + c + j];

					yt[c + j] += r[t * e + c + p] * (u[c + p] * now + *cell);
					*cell = *cell * keep + now;
				}
			}
			layer_norm64(yt + c, lnw + c, lnb + c, d, 64e-5);
		}
		for (c = 0; c < e; c++)
			yt[c] *= silu(g[t * e + c]);
	}
	return layer_linear(m, i, "time_mix_output", e, e, y);
}

static double *channel_mix6(struct net *m, size_t i, const double *h)
{
	double *r = lerp(m, h, part(m, i, "channel_mix_lerp_r.weight", 1, m->width, false));
	double *y = channel_mix(m, i, h);
	size_t c;

	r = layer_linear(m, i, "channel_mix_receptance", m->width, m->width, r);
	for (c = 0; c < m->n * m->width; c++)
		y[c] *= sigmoid(r[c]);
	return y;
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
		h = norm_layer(m, name, x);
		add(m, x, six ? time_mix6(m, i, h) : time_mix(m, i, h));
		snprintf(name, sizeof(name), "blk.%zu.attn_norm_2", i);
		h = norm_layer(m, name, x);
		add(m, x, six ? channel_mix6(m, i, h) : channel_mix(m, i, h));
		for (c = 0; m->rescale && (i + 1) % m->rescale == 0 && c < m->n * m->width; c++)
			x[c] *= 0.5;
		return;
	}
	h = layer_norm(m, i, "attn_norm.weight", x);
	if (!strncmp(m->arch, "qwen", 4)) {
		add(m, x, (i + 1) % m->interval ? delta_net(m, i, h) : attention(m, i, h));
		add(m, x, ffn(m, i, layer_norm(m, i, "post_attention_norm.weight", x)));
	} else if (!strcmp(m->arch, "sqla")) {
		add(m, x, squared(m, i, h));
		add(m, x, ffn(m, i, layer_norm(m, i, "ffn_norm.weight", x)));
	} else if (!strcmp(m->arch, "mamba")) {
		add(m, x, mamba(m, i, h));
	} else if (!strcmp(m->arch, "mamba2")) {
		add(m, x, mamba2(m, i, h));
	} else if (!strncmp(m->arch, "nemotron_h", 10)) {
		add(m, x,
		    m->kv_of[i]	  ? attention(m, i, h)
		    : m->ff_of[i] ? ffn(m, i, h)
				  : mamba2(m, i, h));
	} else if (!strcmp(m->arch, "falcon-h1")) {
		add(m, x, attention(m, i, h));
		add(m, x, mamba2(m, i, h));
		add(m, x, ffn(m, i, layer_norm(m, i, "ffn_norm", x)));
	} else {
		bool first = !strcmp(m->arch, "jamba");

		add(m, x,
		    m->kv_of[i] ? attention(m, i, h)
		    : first	? mamba(m, i, h)
				: mamba2(m, i, h));
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
	m->taps = count(m, "ssm.conv_kernel", 2);
	m->context = count(m, "context_length", 0);
	m->heads = count(m, "attention.head_count", 0);
	m->kv_heads = count(m, "attention.head_count_kv", m->heads);
	if (!m->layers || m->layers > 4096 || !m->width || !m->kv_heads || !m->taps) {
		refuse(m, -EINVAL, "keys of", m->arch);
		return;
	}
	m->head_size = count(m, "attention.key_length", m->width / m->heads);
	m->kv_of = calloc(2 * m->layers, sizeof(*m->kv_of));
	m->ff_of = m->kv_of + m->layers;
	per_layer(m, "feed_forward_length", m->ff_of);
}

static void sizes(struct net *m)
{
	uint32_t heads[4096] = { 0 };
	size_t i;

	m->layers = count(m, "block_count", 0);
	m->width = count(m, "embedding_length", 0);
	m->eps = number(m, "attention.layer_norm_rms_epsilon", -1);
	m->embd_scale = m->residual_scale = m->logit_scale = 1;
	if (!strncmp(m->arch, "rwkv", 4)) {
		m->eps = number(m, "attention.layer_norm_epsilon", -1);
		m->head_size = count(m, "wkv.head_size", 0);
		m->ff = count(m, "feed_forward_length", 0);
		m->rescale = count(m, "rescale_every_n_layers", 0);
		m->lora[0] = count(m, "time_mix_extra_dim", 0);
		m->lora[1] = count(m, "time_decay_extra_dim", 0);
		if (m->lora[0])
			return;
		m->lora[0] = count(m, "attention.decay_lora_rank", 0);
		m->lora[1] = count(m, "attention.iclr_lora_rank", 0);
		m->lora[2] = count(m, "attention.value_residual_mix_lora_rank", 0);
		m->lora[3] = count(m, "attention.gate_lora_rank", 0);
		if (!m->layers || !m->width || !m->head_size || !m->lora[0])
			refuse(m, -EINVAL, "keys of", m->arch);
		return;
	}
	if (!strcmp(m->arch, "sqla")) {
		sizes_squared(m);
		return;
	}
	m->taps = count(m, "ssm.conv_kernel", 0);
	m->inner = count(m, "ssm.inner_size", 0);
	m->state = count(m, "ssm.state_size", 0);
	m->rank = count(m, "ssm.time_step_rank", 0);
	m->groups = count(m, "ssm.group_count", 1);
	m->interval = count(m, "full_attention_interval", 4);
	if (!m->layers || m->layers > 4096 || !m->width || !m->taps || !m->inner || !m->rank) {
		refuse(m, -EINVAL, "keys of", m->arch);
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
		m->head_size = count(m, "attention.key_length", m->width / m->heads);
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
		refuse(m, -EINVAL, "tensor", "token_embd.weight");
		return NULL;
	}
	m->vocab = (size_t)t->ne[1];
	embd = tensor(m, "token_embd.weight", m->vocab, m->width, true);
	x = room(m, m->n * m->width);
	for (i = 0; i < m->n; i++) {
		for (k = 0; k < m->width; k++)
			x[i * m->width + k] =
				embd[(size_t)tokens[i] * m->width + k] * m->embd_scale;
	}
	if (m->lora[0])
		x = norm_layer(m, "token_embd_norm", x);
	for (i = 0; i < m->layers && !m->error; i++)
		layer(m, i, x);
	if (m->lora[0])
		x = norm_layer(m, "output_norm", x);
	norm = tensor(m, "output_norm.weight", 1, m->width, false);
	for (i = 0; i < m->n && !m->lora[0]; i++)
		rms(x + i * m->width, norm, m->width, m->eps);
	out = gguf_find_tensor(m->f, "output.weight")
		      ? tensor(m, "output.weight", m->vocab, m->width, true)
		      : embd;
	y = linear(m, out, m->vocab, m->width, x);
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
		refuse(&m, -EINVAL, "key", "general.architecture");
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
