// SPDX-License-Identifier: MIT
/* Perplexity by blocks and by windows. */
#include "perplexity.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void count(struct perplexity *p, const float *nll, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		p->sum += nll[i];
		p->sum2 += (double)nll[i] * nll[i];
	}
	p->scored += n;
}

/* Scores v[0..n) from an empty session; nll has n - 1 values. */
static int score(struct accel_session *s, const int32_t *v, size_t n, float *nll)
{
	int err = accel_session_rewind(s, 0);

	return err ? err : accel_session_score(s, v, n, nll, NULL);
}

int perplexity_blocks(struct accel_session *s, const int32_t *ids, size_t n, size_t block,
		      int32_t bos, float *nll, struct perplexity *p, perplexity_fn fn, void *ctx)
{
	size_t total = (n + block - 1) / block, i, len;
	int32_t *v = malloc((block + 1) * sizeof(*v));
	float *x = malloc(block * sizeof(*x));
	int err = v && x ? 0 : ACCEL_ENOMEM;

	memset(p, 0, sizeof(*p));
	for (i = 0; i < total && !err; i++) {
		len = n - i * block < block ? n - i * block : block;
		v[0] = bos;
		memcpy(v + 1, ids + i * block, len * sizeof(*v));
		err = score(s, v, len + 1, x);
		if (err)
			break;
		if (nll)
			memcpy(nll + i * block, x, len * sizeof(*x));
		count(p, x, len);
		if (fn && fn(ctx, i + 1, total, p))
			err = ACCEL_ECANCELED;
	}
	free(x);
	free(v);
	return err;
}

int perplexity_windows(struct accel_session *s, const int32_t *ids, size_t n, size_t ctx_size,
		       int32_t bos, struct perplexity *p, perplexity_fn fn, void *ctx)
{
	size_t total = n / ctx_size, first = ctx_size / 2, i;
	int32_t *v = malloc(ctx_size * sizeof(*v));
	float *x = malloc(ctx_size * sizeof(*x));
	int err = v && x ? 0 : ACCEL_ENOMEM;

	memset(p, 0, sizeof(*p));
	for (i = 0; i < total && !err; i++) {
		memcpy(v, ids + i * ctx_size, ctx_size * sizeof(*v));
		if (bos >= 0)
			v[0] = bos;
		err = score(s, v, ctx_size, x);
		if (err)
			break;
		count(p, x + first, ctx_size - 1 - first);
		if (fn && fn(ctx, i + 1, total, p))
			err = ACCEL_ECANCELED;
	}
	free(x);
	free(v);
	return err;
}

double perplexity_mean(const struct perplexity *p)
{
	return p->scored ? p->sum / (double)p->scored : NAN;
}

double perplexity_value(const struct perplexity *p)
{
	return exp(perplexity_mean(p));
}

double perplexity_error(const struct perplexity *p)
{
	double mean = perplexity_mean(p), n = (double)p->scored;

	if (p->scored < 2)
		return NAN;
	return perplexity_value(p) * sqrt(fmax(p->sum2 / n - mean * mean, 0) / (n - 1));
}
