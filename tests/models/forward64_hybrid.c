// SPDX-License-Identifier: MIT
/* Attention of hybrids, and linear attention by the delta rule and of second order: models.md section 6. */
#include "tests/models/forward64_net.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/models/forward64_sqla.h"

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
	net_round_row(m, tmp, m->head_size);
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
			net_round_row(m, w, n);
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
	double *gate = net_room(m, heads * d);

	for (k = 0; k < heads; k++) {
		memcpy(q + k * d, qg + 2 * k * d, d * sizeof(*q));
		memcpy(gate + k * d, qg + (2 * k + 1) * d, d * sizeof(*q));
	}
	return gate;
}

static void head_norms(struct net *m, size_t i, const char *what, double *x, size_t heads)
{
	double *w = net_part(m, i, what, 1, m->head_size, false);
	size_t k;

	for (k = 0; k < heads; k++)
		net_rms(x + k * m->head_size, w, m->head_size, m->eps);
}

double *net_attention(struct net *m, size_t i, const double *h)
{
	size_t d = m->head_size, nq = m->heads * d, nk = m->kv_heads * d, t, e, g;
	size_t ng = (d + GROUP - 1) / GROUP;
	bool gated = !strncmp(m->arch, "qwen", 4);
	double *q = net_layer_linear(m, i, "attn_q", gated ? 2 * nq : nq, m->width, h),
	       *gate = NULL;
	double *k = net_layer_linear(m, i, "attn_k", nk, m->width, h);
	double *v = net_layer_linear(m, i, "attn_v", nk, m->width, h);
	double *scales = net_room(m, m->n * m->kv_heads * ng), *o = net_room(m, m->n * nq);

	if (gated) {
		double *own = net_room(m, m->n * nq);

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
				scales[(t * m->kv_heads + e) * ng + g] = net_round_group(
					m, v + t * nk + e * d + g * GROUP,
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
	return net_layer_linear(m, i, "attn_output", m->width, nq, o);
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

/* Older files have, for each key head in turn, the rows of its queries, keys, values and gates. */
static double *split_joined(struct net *m, size_t i, const double *h, double **z)
{
	size_t ds = m->state, nk = m->groups, per = m->inner / nk, keys = nk * ds;
	size_t all = 2 * keys + m->inner, width = all + m->inner, t, g;
	double *in = net_layer_linear(m, i, "ssm_in", width, m->width, h);
	double *x = net_room(m, m->n * all);

	*z = net_room(m, m->n * m->inner);
	for (t = 0; t < m->n; t++) {
		for (g = 0; g < nk; g++) {
			const double *from = in + t * width + g * 2 * (ds + per);
			double *to = x + t * all;

			memcpy(to + g * ds, from, ds * sizeof(*x));
			memcpy(to + keys + g * ds, from + ds, ds * sizeof(*x));
			memcpy(to + 2 * keys + g * per, from + 2 * ds, per * sizeof(*x));
			memcpy(*z + t * m->inner + g * per, from + 2 * ds + per, per * sizeof(*x));
		}
	}
	return x;
}

double *net_delta(struct net *m, size_t i, const double *h)
{
	size_t ds = m->state, nk = m->groups, nv = m->rank, hv = m->inner / nv, keys = nk * ds;
	size_t all = 2 * keys + m->inner, per = nv / nk, t, v, e, j;
	bool next = !strcmp(m->arch, "qwen3next");
	bool joined = net_has(m, i, "ssm_in.weight");
	double *z = joined ? NULL : net_layer_linear(m, i, "attn_gate", m->inner, m->width, h);
	double *x = joined ? split_joined(m, i, h, &z)
			   : net_layer_linear(m, i, "attn_qkv", all, m->width, h);
	double *s = net_room(m, nv * hv * ds);
	double *ba = next ? net_layer_linear(m, i, "ssm_ba", 2 * nv, m->width, h) : NULL;
	double *beta = next ? NULL : net_layer_linear(m, i, "ssm_beta", nv, m->width, h);
	double *alpha = next ? NULL : net_layer_linear(m, i, "ssm_alpha", nv, m->width, h);
	double *bias = net_part(m, i, "ssm_dt.bias", 1, nv, false),
	       *y = net_room(m, m->n * m->inner);
	double *a = net_part(m, i, "ssm_a", 1, nv, false);
	double *norm = net_part(m, i, "ssm_norm.weight", 1, hv, false);

	x = net_conv(m, i, x, all, 0, all);
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
			double keep = exp(a[v] * net_softplus(g + bias[v]));

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
			net_rms(y + t * m->inner + v * hv, norm, hv, m->eps);
		}
		for (e = 0; e < m->inner; e++)
			y[t * m->inner + e] *= net_silu(z[t * m->inner + e]);
	}
	return net_layer_linear(m, i, "ssm_out", m->width, m->inner, y);
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

double *net_squared(struct net *m, size_t i, const double *h)
{
	size_t nq = m->heads * m->head_size, nk = m->kv_heads * m->head_size, k;
	double *y = net_room(m, m->n * nq), *rate, *bias;
	struct sqla64 s = { .n = m->n,
			    .heads = m->heads,
			    .kv_heads = m->kv_heads,
			    .d = m->head_size,
			    .parallel = by_cache(m),
			    .int8 = m->int8,
			    .tie = &m->tie };

	s.q = net_layer_linear(m, i, "attn_q", nq, m->width, h);
	s.k = net_layer_linear(m, i, "attn_k", nk, m->width, h);
	s.v = net_layer_linear(m, i, "attn_v", nk, m->width, h);
	s.q = net_causal(m, i, "ssm_conv1d_q", s.q, nq, 0, nq);
	s.k = net_causal(m, i, "ssm_conv1d_k", s.k, nk, 0, nk);
	s.v = net_causal(m, i, "ssm_conv1d_v", s.v, nk, 0, nk);
	rate = net_layer_linear(m, i, "ssm_alpha", m->kv_heads, m->width, h);
	bias = net_has(m, i, "ssm_dt.bias") ? net_part(m, i, "ssm_dt.bias", 1, m->kv_heads, false)
					    : NULL;
	for (k = 0; bias && k < m->n * m->kv_heads; k++)
		rate[k] += bias[k % m->kv_heads];
	s.rate = rate;
	if (!m->error && forward64_sqla(&s, y))
		net_refuse(m, -ENOMEM, "memory for", "blk");
	return net_layer_linear(m, i, "attn_output", m->width, nq, y);
}
