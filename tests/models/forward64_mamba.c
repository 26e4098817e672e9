// SPDX-License-Identifier: MIT
/* Mamba, Mamba-2, and the convolution that others have, too: models.md sections 4 and 6. */
#include "tests/models/forward64_net.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* net_conv(x) + b of columns off .. off + width of rows of stride */
double *net_causal(struct net *m, size_t i, const char *what, const double *x, size_t stride,
		   size_t off, size_t width)
{
	double *w, *b, *y = net_room(m, m->n * width);
	size_t t, c, j;
	char name[64];

	snprintf(name, sizeof(name), "%s.weight", what);
	w = net_part(m, i, name, width, m->taps, false);
	snprintf(name, sizeof(name), "%s.bias", what);
	b = net_has(m, i, name) ? net_part(m, i, name, 1, width, false) : net_room(m, width);
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

double *net_conv(struct net *m, size_t i, const double *x, size_t stride, size_t off, size_t width)
{
	double *y = net_causal(m, i, "ssm_conv1d", x, stride, off, width);
	size_t k;

	for (k = 0; k < m->n * width; k++)
		y[k] = net_silu(y[k]);
	return y;
}

static void inner_norm(struct net *m, size_t i, const char *what, double *x, size_t width)
{
	double *w = NULL;
	size_t t;

	if (net_has(m, i, what))
		w = net_part(m, i, what, 1, width, false);
	else if (!net_count(m, "ssm.dt_b_c_rms", 0))
		return;
	for (t = 0; t < m->n; t++)
		net_rms(x + t * width, w, width, m->eps);
}

double *net_mamba(struct net *m, size_t i, const double *h)
{
	size_t di = m->inner, ds = m->state, r = m->rank, all = r + 2 * ds, t, c, k;
	double *in = net_layer_linear(m, i, "ssm_in", 2 * di, m->width, h);
	double *u = net_conv(m, i, in, 2 * di, 0, di),
	       *x = net_layer_linear(m, i, "ssm_x", all, di, u);
	double *dt = net_cut(m, x, all, 0, r), *b = net_cut(m, x, all, r, ds),
	       *s = net_room(m, di * ds);
	double *cc = net_cut(m, x, all, r + ds, ds), *y = net_room(m, m->n * di);
	double *a = net_part(m, i, "ssm_a", di, ds, false),
	       *d = net_part(m, i, "ssm_d", 1, di, false);

	inner_norm(m, i, "ssm_dt_norm.weight", dt, r);
	inner_norm(m, i, "ssm_b_norm.weight", b, ds);
	inner_norm(m, i, "ssm_c_norm.weight", cc, ds);
	dt = net_layer_linear(m, i, "ssm_dt", di, r, dt);
	for (t = 0; t < m->n; t++) {
		for (c = 0; c < di; c++) {
			double step = net_softplus(dt[t * di + c]), sum = 0;

			for (k = 0; k < ds; k++) {
				double *v = &s[c * ds + k];

				*v = *v * exp(step * a[c * ds + k]) +
				     b[t * ds + k] * u[t * di + c] * step;
				sum += cc[t * ds + k] * *v;
			}
			y[t * di + c] =
				(sum + d[c] * u[t * di + c]) * net_silu(in[t * 2 * di + di + c]);
		}
	}
	return net_layer_linear(m, i, "ssm_out", m->width, di, y);
}

double *net_mamba2(struct net *m, size_t i, const double *h)
{
	size_t di = m->inner, ds = m->state, nh = m->rank, g = m->groups, p = di / nh;
	size_t all = 2 * di + 2 * g * ds + nh, conved = di + 2 * g * ds, t, k, e, q;
	double *in = net_layer_linear(m, i, "ssm_in", all, m->width, h);
	double *x = net_conv(m, i, in, all, di, conved), *s = net_room(m, di * ds);
	double *bias = net_part(m, i, "ssm_dt.bias", 1, nh, false), *y = net_room(m, m->n * di);
	double *a = net_part(m, i, "ssm_a", nh, 1, false),
	       *d = net_part(m, i, "ssm_d", nh, 1, false);
	double *norm = NULL;

	if (strcmp(m->arch, "falcon-h1") || net_has(m, 0, "ssm_norm.weight"))
		norm = net_part(m, i, "ssm_norm.weight", g, di / g, false);
	for (t = 0; t < m->n; t++) {
		const double *xt = x + t * conved, *z = in + t * all, *raw = z + all - nh;

		for (k = 0; k < nh; k++) {
			double dt = net_softplus(raw[k] + bias[k]), keep = exp(dt * a[k]);
			const double *b = xt + di + k / (nh / g) * ds, *c = b + g * ds;

			for (e = k * p; e < (k + 1) * p; e++) {
				double sum = 0;

				for (q = 0; q < ds; q++) {
					s[e * ds + q] = s[e * ds + q] * keep + b[q] * xt[e] * dt;
					sum += c[q] * s[e * ds + q];
				}
				y[t * di + e] = (sum + d[k] * xt[e]) * net_silu(z[e]);
			}
		}
		for (k = 0; norm && k < g; k++)
			net_rms(y + t * di + k * (di / g), norm + k * (di / g), di / g, m->eps);
	}
	return net_layer_linear(m, i, "ssm_out", m->width, di, y);
}
