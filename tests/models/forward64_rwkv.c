// SPDX-License-Identifier: MIT
/* RWKV: models.md section 6. */
#include "tests/models/forward64_net.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

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

double *net_norm_layer(struct net *m, const char *name, const double *x)
{
	double *h = net_room(m, m->n * m->width), *w, *b;
	char buf[96];
	size_t t;

	snprintf(buf, sizeof(buf), "%s.weight", name);
	w = net_tensor(m, buf, 1, m->width, false);
	snprintf(buf, sizeof(buf), "%s.bias", name);
	b = net_tensor(m, buf, 1, m->width, false);
	memcpy(h, x, m->n * m->width * sizeof(*h));
	for (t = 0; t < m->n; t++)
		layer_norm64(h + t * m->width, w, b, m->width, m->eps);
	return h;
}

/* h + (h of the token before - h) * lerp */
static double *lerp(struct net *m, const double *h, const double *l)
{
	double *y = net_room(m, m->n * m->width);
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
	y = net_layer_linear(m, i, name, rank, m->width, x);
	for (k = 0; k < m->n * rank; k++)
		y[k] = fn(y[k]);
	snprintf(name, sizeof(name), "time_mix_%c2", which);
	y = net_layer_linear(m, i, name, m->width, rank, y);
	snprintf(name, sizeof(name), "time_mix_%c0.weight", which);
	b = bias ? net_part(m, i, name, 1, m->width, false) : NULL;
	for (k = 0; bias && k < m->n * m->width; k++)
		y[k] += b[k % m->width];
	return y;
}

double *net_time_mix7(struct net *m, size_t i, const double *h)
{
	static const char *const names[3] = { "time_mix_receptance", "time_mix_key",
					      "time_mix_value" };
	size_t e = m->width, d = m->head_size, t, c, j, p;
	double *l = net_part(m, i, "time_mix_lerp_fused.weight", 6, e, false), *x[6], *r, *w, *k,
	       *v, *a, *g;
	double *k_k = net_part(m, i, "time_mix_k_k.weight", 1, e, false);
	double *k_a = net_part(m, i, "time_mix_k_a.weight", 1, e, false);
	double *r_k = net_part(m, i, "time_mix_r_k.weight", 1, e, false);
	double *lnw = net_part(m, i, "time_mix_ln.weight", 1, e, false);
	double *lnb = net_part(m, i, "time_mix_ln.bias", 1, e, false), *y = net_room(m, m->n * e);
	double *s = net_room(m, e * d), *kk = net_room(m, e), *mixed;

	for (j = 0; j < 6; j++)
		x[j] = lerp(m, h, l + j * e);
	r = net_layer_linear(m, i, names[0], e, e, x[0]);
	k = net_layer_linear(m, i, names[1], e, e, x[2]);
	v = net_layer_linear(m, i, names[2], e, e, x[3]);
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
	return net_layer_linear(m, i, "time_mix_output", e, e, y);
}

double *net_channel_mix7(struct net *m, size_t i, const double *h)
{
	double *x = lerp(m, h, net_part(m, i, "channel_mix_lerp_k.weight", 1, m->width, false)), *k;
	size_t c;

	k = net_layer_linear(m, i, "channel_mix_key", m->ff, m->width, x);
	for (c = 0; c < m->n * m->ff; c++)
		k[c] = k[c] > 0 ? k[c] * k[c] : 0;
	return net_layer_linear(m, i, "channel_mix_value", m->width, m->ff, k);
}

/* --- rwkv6 ------------------------------------------------------------------------------------- */

/* h + (h of the token before - h) * share of the position */
static double *lerp_by(struct net *m, const double *h, const double *share)
{
	double *y = net_room(m, m->n * m->width);
	size_t c, e = m->width;

	for (c = 0; c < m->n * e; c++)
		y[c] = h[c] + ((c >= e ? h[c - e] : 0) - h[c]) * share[c];
	return y;
}

double *net_time_mix6(struct net *m, size_t i, const double *h)
{
	size_t e = m->width, d = m->head_size, rank = m->lora[0], t, c, j, p;
	double *fused = net_part(m, i, "time_mix_lerp_fused.weight", 5, e, false), *x[5], *share;
	double *w2 = net_part(m, i, "time_mix_w2.weight", 5 * e, rank, true), *mix, *r, *k, *v, *w,
	       *g;
	double *u = net_part(m, i, "time_mix_first.weight", e / d, d, false),
	       *y = net_room(m, m->n * e);
	double *lnw = net_part(m, i, "time_mix_ln.weight", 1, e, false), *s = net_room(m, e * d);
	double *lnb = net_part(m, i, "time_mix_ln.bias", 1, e, false);
	double *slow = net_part(m, i, "time_mix_decay.weight", 1, e, false);

	mix = lerp(m, h, net_part(m, i, "time_mix_lerp_x.weight", 1, e, false));
	mix = net_layer_linear(m, i, "time_mix_w1", 5 * rank, e, mix);
	for (c = 0; c < m->n * 5 * rank; c++)
		mix[c] = tanh(mix[c]);
	for (j = 0; j < 5; j++) {
		share = net_linear(m, w2 + j * e * rank, e, rank,
				   net_cut(m, mix, 5 * rank, j * rank, rank));
		for (c = 0; c < m->n * e; c++)
			share[c] += fused[j * e + c % e];
		x[j] = lerp_by(m, h, share);
	}
	w = net_layer_linear(m, i, "time_mix_decay_w1", m->lora[1], e, x[0]);
	for (c = 0; c < m->n * m->lora[1]; c++)
		w[c] = tanh(w[c]);
	w = net_layer_linear(m, i, "time_mix_decay_w2", e, m->lora[1], w);
	k = net_layer_linear(m, i, "time_mix_key", e, e, x[1]);
	v = net_layer_linear(m, i, "time_mix_value", e, e, x[2]);
	r = net_layer_linear(m, i, "time_mix_receptance", e, e, x[3]);
	g = net_layer_linear(m, i, "time_mix_gate", e, e, x[4]);
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
			yt[c] *= net_silu(g[t * e + c]);
	}
	return net_layer_linear(m, i, "time_mix_output", e, e, y);
}

double *net_channel_mix6(struct net *m, size_t i, const double *h)
{
	double *r = lerp(m, h, net_part(m, i, "channel_mix_lerp_r.weight", 1, m->width, false));
	double *y = net_channel_mix7(m, i, h);
	size_t c;

	r = net_layer_linear(m, i, "channel_mix_receptance", m->width, m->width, r);
	for (c = 0; c < m->n * m->width; c++)
		y[c] *= sigmoid(r[c]);
	return y;
}
