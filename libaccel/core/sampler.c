// SPDX-License-Identifier: MIT
#include "sampler.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sampler_rng.h"

#define STREAM 54

struct sampler {
	struct sampler_params p;
	struct sampler_bias *bias;
	struct pcg32 rng;
	int32_t *ring; /* last_n accepted ids */
	int32_t *sorted;
	uint32_t n_ring, at;
	double *logit; /* n_alloc */
	double *weight;
	uint32_t *heap;
	uint32_t *pick;
	size_t n_alloc;
};

static int __attribute__((format(printf, 3, 4))) fail(char *err, int code, const char *fmt, ...)
{
	va_list ap;

	if (err) {
		va_start(ap, fmt);
		vsnprintf(err, SAMPLER_ERR_LEN, fmt, ap);
		va_end(ap);
	}
	return code;
}

/*
 * exp(x) for x <= 0 from additions, multiplications and one rounding to integer, so that it is the
 * same everywhere; about 1 ulp. x = k ln 2 + r, |r| <= ln 2 / 2, Taylor to r^13 (error < 2^-57).
 */
static double exp_fixed(double x)
{
	static const double c[] = {
		1.0 / 6227020800.0, 1.0 / 479001600.0, 1.0 / 39916800.0, 1.0 / 3628800.0,
		1.0 / 362880.0,	    1.0 / 40320.0,     1.0 / 5040.0,	 1.0 / 720.0,
		1.0 / 120.0,	    1.0 / 24.0,	       1.0 / 6.0,	 0.5,
	};
	const double ln2_hi = 0x1.62e42feep-1, ln2_lo = 0x1.a39ef35793c76p-33;
	double k, r, p = 0.0;
	unsigned int i;

	if (!(x > -708.0)) /* below the normal numbers: nothing */
		return 0.0;
	k = (double)(int)(x * 0x1.71547652b82fep0 - 0.5);
	r = (x - k * ln2_hi) - k * ln2_lo;
	for (i = 0; i < sizeof(c) / sizeof(c[0]); i++)
		p = p * r + c[i];
	return ldexp((p * r + 1.0) * r + 1.0, (int)k);
}

void sampler_params_init(struct sampler_params *p)
{
	memset(p, 0, sizeof(*p));
	p->size = sizeof(*p);
	p->top_p = 1.0;
	p->repeat_penalty = 1.0;
	p->last_n = 64;
}

static int check(const struct sampler_params *p, char *err)
{
	size_t i;

	if (!(p->temperature >= 0.0) || !isfinite(p->temperature))
		return fail(err, -EINVAL, "temperature: %g is not >= 0", p->temperature);
	if (!(p->top_p > 0.0 && p->top_p <= 1.0))
		return fail(err, -EINVAL, "top_p: %g is not in (0, 1]", p->top_p);
	if (!(p->min_p >= 0.0 && p->min_p <= 1.0))
		return fail(err, -EINVAL, "min_p: %g is not in [0, 1]", p->min_p);
	if (!(p->repeat_penalty > 0.0) || !isfinite(p->repeat_penalty))
		return fail(err, -EINVAL, "repeat_penalty: %g is not > 0", p->repeat_penalty);
	if (!isfinite(p->presence_penalty))
		return fail(err, -EINVAL, "presence_penalty: not finite");
	if (!isfinite(p->frequency_penalty))
		return fail(err, -EINVAL, "frequency_penalty: not finite");
	if (p->last_n > SAMPLER_MAX_LAST_N)
		return fail(err, -EINVAL, "last_n: %u, at most %u", (unsigned int)p->last_n,
			    SAMPLER_MAX_LAST_N);
	if (p->n_bias > SAMPLER_MAX_BIAS || (p->n_bias && !p->bias))
		return fail(err, -EINVAL, "logit_bias: %zu entries", p->n_bias);
	for (i = 0; i < p->n_bias; i++) {
		if (p->bias[i].id < 0)
			return fail(err, -EINVAL, "logit_bias[%zu].id: %d", i, (int)p->bias[i].id);
		if (isnan(p->bias[i].bias) || p->bias[i].bias == INFINITY)
			return fail(err, -EINVAL, "logit_bias[%zu].bias: not a number to add", i);
	}
	return 0;
}

int sampler_create(const struct sampler_params *p, struct sampler **out, char *err)
{
	struct sampler *s;
	size_t i;
	int r;

	*out = NULL;
	if (p->size < sizeof(*p))
		return fail(err, -EINVAL, "size: %zu, at least %zu", p->size, sizeof(*p));
	for (i = sizeof(*p); i < p->size; i++) {
		if (((const uint8_t *)p)[i])
			return fail(err, -E2BIG, "size: byte %zu is set, this version knows %zu", i,
				    sizeof(*p));
	}
	r = check(p, err);
	if (r)
		return r;
	s = calloc(1, sizeof(*s));
	if (!s)
		goto no_memory;
	s->p = *p;
	s->bias = calloc(p->n_bias + 1, sizeof(*s->bias));
	s->ring = calloc((size_t)p->last_n + 1, sizeof(*s->ring));
	s->sorted = calloc((size_t)p->last_n + 1, sizeof(*s->sorted));
	if (!s->bias || !s->ring || !s->sorted)
		goto no_memory;
	if (p->n_bias)
		memcpy(s->bias, p->bias, p->n_bias * sizeof(*s->bias));
	s->p.bias = s->bias;
	sampler_reset(s);
	*out = s;
	return 0;

no_memory:
	sampler_destroy(s);
	return fail(err, -ENOMEM, "out of memory");
}

void sampler_destroy(struct sampler *s)
{
	if (!s)
		return;
	free(s->bias);
	free(s->ring);
	free(s->sorted);
	free(s->logit);
	free(s->weight);
	free(s->heap);
	free(s->pick);
	free(s);
}

void sampler_reset(struct sampler *s)
{
	pcg32_seed(&s->rng, s->p.seed, STREAM);
	s->n_ring = 0;
	s->at = 0;
}

int sampler_accept(struct sampler *s, int32_t id)
{
	if (id < 0)
		return -EINVAL;
	if (!s->p.last_n)
		return 0;
	s->ring[s->at] = id;
	s->at = (s->at + 1) % s->p.last_n;
	if (s->n_ring < s->p.last_n)
		s->n_ring++;
	return 0;
}

static int room(struct sampler *s, size_t n)
{
	if (n <= s->n_alloc)
		return 0;
	free(s->logit);
	free(s->weight);
	free(s->heap);
	free(s->pick);
	s->n_alloc = 0;
	s->logit = calloc(n, sizeof(*s->logit));
	s->weight = calloc(n, sizeof(*s->weight));
	s->heap = calloc(n, sizeof(*s->heap));
	s->pick = calloc(n, sizeof(*s->pick));
	if (!s->logit || !s->weight || !s->heap || !s->pick)
		return -ENOMEM;
	s->n_alloc = n;
	return 0;
}

static int cmp_id(const void *a, const void *b)
{
	int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;

	return (x > y) - (x < y);
}

static void penalise(struct sampler *s, size_t n)
{
	const struct sampler_params *p = &s->p;
	uint32_t i, j;

	if (p->repeat_penalty == 1.0 && p->presence_penalty == 0.0 && p->frequency_penalty == 0.0)
		return;
	memcpy(s->sorted, s->ring, s->n_ring * sizeof(*s->ring));
	qsort(s->sorted, s->n_ring, sizeof(*s->sorted), cmp_id);
	for (i = 0; i < s->n_ring; i = j) {
		int32_t id = s->sorted[i];
		double *l = &s->logit[id];

		for (j = i; j < s->n_ring && s->sorted[j] == id; j++)
			;
		if ((size_t)id >= n || *l == -INFINITY)
			continue;
		*l = *l > 0.0 ? *l / p->repeat_penalty : *l * p->repeat_penalty;
		*l -= (double)(j - i) * p->frequency_penalty + p->presence_penalty;
	}
}

/* Steps 1 and 2. Leaves finite values and -INFINITY. */
static int adjust(struct sampler *s, const float *logits, size_t n)
{
	size_t i;

	for (i = 0; i < s->p.n_bias; i++) {
		if ((size_t)s->bias[i].id >= n)
			return -ERANGE;
	}
	for (i = 0; i < n; i++) {
		if (isnan(logits[i]) || logits[i] == INFINITY)
			return -EDOM;
		s->logit[i] = (double)logits[i];
	}
	for (i = 0; i < s->p.n_bias; i++)
		s->logit[s->bias[i].id] += (double)s->bias[i].bias;
	penalise(s, n);
	for (i = 0; i < n; i++) { /* a huge penalty may overflow */
		if (isnan(s->logit[i]) || s->logit[i] == INFINITY)
			return -EDOM;
	}
	return 0;
}

/* The order of candidates: by logit, then by id. */
static bool before(const struct sampler *s, uint32_t a, uint32_t b)
{
	return s->logit[a] > s->logit[b] || (s->logit[a] == s->logit[b] && a < b);
}

static void sift(struct sampler *s, size_t i, size_t n)
{
	uint32_t v = s->heap[i];
	size_t c;

	while ((c = 2 * i + 1) < n) {
		if (c + 1 < n && before(s, s->heap[c + 1], s->heap[c]))
			c++;
		if (!before(s, s->heap[c], v))
			break;
		s->heap[i] = s->heap[c];
		i = c;
	}
	s->heap[i] = v;
}

/* Move the best candidate from the heap to pick[at]. */
static void take(struct sampler *s, size_t *n_heap, size_t at)
{
	s->pick[at] = s->heap[0];
	s->heap[0] = s->heap[--*n_heap];
	sift(s, 0, *n_heap);
}

/*
 * Steps 4 to 6: fill pick[] with the ids that stay and return how many. Without top_k candidates
 * are taken from the heap only as far as top_p and min_p reach, so nothing is sorted in full.
 */
static size_t truncate_tail(struct sampler *s, size_t n, double max)
{
	const struct sampler_params *p = &s->p;
	bool by_k = p->top_k && p->top_k < n;
	size_t n_heap = n, k, limit = by_k ? p->top_k : n, kept = 0;
	double total = 0.0, sum = 0.0;

	if (!by_k && p->top_p >= 1.0 && p->min_p <= 0.0) {
		memcpy(s->pick, s->heap, n * sizeof(*s->pick));
		return n;
	}
	for (k = 0; k < n && !by_k && p->top_p < 1.0; k++)
		total += exp_fixed(s->logit[s->heap[k]] - max);
	for (k = n / 2; k-- > 0;)
		sift(s, k, n);
	if (by_k) {
		for (k = 0; k < limit; k++) {
			take(s, &n_heap, k);
			total += exp_fixed(s->logit[s->pick[k]] - max);
		}
	}
	for (k = 0; k < limit; k++) {
		double w;

		if (!by_k)
			take(s, &n_heap, k);
		w = exp_fixed(s->logit[s->pick[k]] - max);
		if (k && w < p->min_p)
			break;
		kept = k + 1;
		sum += w;
		if (p->top_p < 1.0 && sum >= p->top_p * total)
			break;
	}
	return kept;
}

/* Step 7. */
static int32_t draw(struct sampler *s, size_t n, double max, double *prob)
{
	double sum = 0.0, cum = 0.0, u;
	size_t k, last = 0;

	for (k = 0; k < n; k++) {
		s->weight[k] = exp_fixed((s->logit[s->pick[k]] - max) / s->p.temperature);
		sum += s->weight[k];
	}
	u = pcg32_double(&s->rng) * sum;
	for (k = 0; k < n; k++) {
		if (s->weight[k] <= 0.0)
			continue;
		last = k;
		cum += s->weight[k];
		if (cum > u)
			break;
	}
	if (prob)
		*prob = s->weight[last] / sum;
	return (int32_t)s->pick[last];
}

int32_t sampler_sample(struct sampler *s, const float *logits, size_t n_vocab, double *prob)
{
	size_t i, n = 0;
	int32_t best = -1;
	double sum = 0.0;
	int r;

	if (!n_vocab || n_vocab > INT32_MAX)
		return -EINVAL;
	r = room(s, n_vocab);
	if (!r)
		r = adjust(s, logits, n_vocab);
	if (r)
		return r;
	for (i = 0; i < n_vocab; i++) {
		if (s->logit[i] == -INFINITY)
			continue;
		if (best < 0 || s->logit[i] > s->logit[best])
			best = (int32_t)i;
		s->heap[n++] = (uint32_t)i;
	}
	if (best < 0)
		return -EDOM;
	if (s->p.temperature > 0.0) {
		n = truncate_tail(s, n, s->logit[best]);
		return draw(s, n, s->logit[best], prob);
	}
	if (prob) {
		for (i = 0; i < n; i++)
			sum += exp_fixed(s->logit[s->heap[i]] - s->logit[best]);
		*prob = 1.0 / sum;
	}
	return best;
}
