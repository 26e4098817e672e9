// SPDX-License-Identifier: MIT
#include "tests/models/forward64_sqla.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/models/forward64_model.h"

#define GROUP FORWARD64_GROUP

static double decay(const struct sqla64 *s, size_t t, size_t head)
{
	double x = s->rate[t * s->kv_heads + head];

	return exp(-(x > 30 ? x : log1p(exp(x))));
}

/* All products of two elements, those of different ones times the root of two. */
static void monomials(const double *x, size_t d, long double *out)
{
	size_t i, j;

	for (i = 0; i < d; i++) {
		for (j = i; j < d; j++)
			*out++ = (i == j ? 1 : sqrtl(2)) * x[i] * x[j];
	}
}

/*
 * A KV head and the query heads that share it, token after token. Of signed products only the squared cosine
 * of query and key is left: more than double precision holds them, for the result to be exact to it.
 */
static int recurrent(const struct sqla64 *s, size_t head, double *y)
{
	size_t d = s->d, dim = d * (d + 1) / 2, per = s->heads / s->kv_heads, t, m, i, j;
	long double *h = calloc(dim * (d + 3) + d, sizeof(*h)), *z = h + dim * d, *k = z + dim;
	long double *q = k + dim, *v_sum = q + dim, sum;

	if (!h)
		return -ENOMEM;
	for (t = 0; t < s->n; t++) {
		const double *v = s->v + (t * s->kv_heads + head) * d;
		double a = decay(s, t, head);

		monomials(s->k + (t * s->kv_heads + head) * d, d, k);
		for (m = 0; m < dim; m++) {
			for (i = 0; i < d; i++)
				h[m * d + i] = a * h[m * d + i] + k[m] * v[i];
			z[m] = a * z[m] + k[m];
		}
		for (j = head * per; j < (head + 1) * per; j++) {
			double *out = y + (t * s->heads + j) * d;

			monomials(s->q + (t * s->heads + j) * d, d, q);
			memset(v_sum, 0, d * sizeof(*v_sum));
			for (m = 0, sum = 0; m < dim; m++) {
				sum += q[m] * z[m];
				for (i = 0; i < d; i++)
					v_sum[i] += q[m] * h[m * d + i];
			}
			for (i = 0; i < d; i++)
				out[i] = sum > 0 ? (double)(v_sum[i] / sum) : 0;
		}
	}
	free(h);
	return 0;
}

/* One query head of one token over all before; w, u: room for n numbers; scales: of the values' groups. */
static void look_back(const struct sqla64 *s, size_t t, size_t j, const double *scales, double *w,
		      double *u, double *out)
{
	size_t d = s->d, ng = (d + GROUP - 1) / GROUP, head = j / (s->heads / s->kv_heads), b, i;
	const double *q = s->q + (t * s->heads + j) * d;
	double sum = 0, keep = 1;

	for (b = t + 1; b-- > 0;) {
		const double *k = s->k + (b * s->kv_heads + head) * d;
		double dot = 0;

		for (i = 0; i < d; i++)
			dot += q[i] * k[i];
		w[b] = dot * dot * keep;
		sum += w[b];
		keep *= decay(s, b, head);
	}
	for (i = 0; i < d; i++) {
		/* the values' scales are folded into the weights, which are rounded by positions */
		for (b = 0; b <= t && i % GROUP == 0; b++) {
			const double *scale = &scales[(b * s->kv_heads + head) * ng + i / GROUP];

			u[b] = sum > 0 ? w[b] / sum * (s->int8 ? *scale : 1) : 0;
		}
		if (s->int8 && i % GROUP == 0)
			forward64_round_groups(u, t + 1, s->tie);
		out[i] = 0;
		for (b = 0; b <= t; b++) {
			double v = s->v[(b * s->kv_heads + head) * d + i];
			double scale = scales[(b * s->kv_heads + head) * ng + i / GROUP];

			out[i] += u[b] * (!s->int8 ? v : scale > 0 ? v / scale : 0);
		}
	}
}

static int parallel(const struct sqla64 *s, double *y)
{
	size_t d = s->d, ng = (d + GROUP - 1) / GROUP, nk = s->n * s->kv_heads, t, j, g;
	double *scales = calloc(nk * ng + 2 * s->n, sizeof(*scales)), *w = scales + nk * ng;

	if (!scales)
		return -ENOMEM;
	for (t = 0; t < nk && s->int8; t++) {
		forward64_round_groups(s->k + t * d, d, s->tie);
		for (g = 0; g < ng; g++)
			scales[t * ng + g] = forward64_round_group(
				s->v + t * d + g * GROUP,
				d - g * GROUP < GROUP ? d - g * GROUP : GROUP, s->tie);
	}
	for (t = 0; t < s->n * s->heads && s->int8; t++)
		forward64_round_groups(s->q + t * d, d, s->tie);
	for (t = 0; t < s->n; t++) {
		for (j = 0; j < s->heads; j++)
			look_back(s, t, j, scales, w, w + s->n, y + (t * s->heads + j) * d);
	}
	free(scales);
	return 0;
}

int forward64_sqla(const struct sqla64 *s, double *y)
{
	size_t h;
	int ret = 0;

	if (s->parallel)
		return parallel(s, y);
	for (h = 0; h < s->kv_heads && !ret; h++)
		ret = recurrent(s, h, y);
	return ret;
}
