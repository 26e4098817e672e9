// SPDX-License-Identifier: MIT
/* Sampler: each step worked out by hand, all of them against a naive full sort, and the draws. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "../core/sampler.h"
#include "../core/sampler_rng.h"

#define SEED 20260905

static struct sampler *make(const struct sampler_params *p)
{
	char err[SAMPLER_ERR_LEN] = "";
	struct sampler *s;

	if (sampler_create(p, &s, err))
		fail_msg("%s", err);
	return s;
}

/* The first outputs of pcg32-demo.c, seed 42, stream 54. */
static void test_pcg32(void **state)
{
	static const uint32_t want[] = { 0xa15c02b7, 0x7b47f409, 0xba1d3330,
					 0x83d2f293, 0xbfa4784b, 0xcbed606e };
	struct pcg32 g;
	double d;
	int i;

	(void)state;
	pcg32_seed(&g, 42, 54);
	for (i = 0; i < 6; i++)
		assert_int_equal(pcg32_next(&g), want[i]);
	pcg32_seed(&g, 42, 54);
	d = pcg32_double(&g);
	assert_true(d == ((double)(0xa15c02b7 >> 5) * 67108864.0 + (0x7b47f409 >> 6)) /
				 9007199254740992.0);
}

static void test_greedy(void **state)
{
	static const float tie[] = { 1.0f, 3.0f, -INFINITY, 3.0f, 2.0f };
	static const float none[] = { -INFINITY, -INFINITY };
	static const float nan_[] = { 1.0f, NAN }, inf[] = { 1.0f, INFINITY };
	struct sampler_params p;
	struct sampler *s;
	double prob, e = exp(-2.0) + exp(-1.0) + 2.0;

	(void)state;
	sampler_params_init(&p);
	s = make(&p);
	assert_int_equal(sampler_sample(s, tie, 5, &prob), 1);
	assert_true(fabs(prob - 1.0 / e) < 1e-15);
	assert_int_equal(sampler_sample(s, tie, 1, NULL), 0);
	assert_int_equal(sampler_sample(s, none, 2, NULL), -EDOM);
	assert_int_equal(sampler_sample(s, nan_, 2, NULL), -EDOM);
	assert_int_equal(sampler_sample(s, inf, 2, NULL), -EDOM);
	assert_int_equal(sampler_sample(s, tie, 0, NULL), -EINVAL);
	sampler_destroy(s);
	p.temperature = 1.0;
	s = make(&p);
	assert_int_equal(sampler_sample(s, none, 2, NULL), -EDOM);
	assert_int_equal(sampler_sample(s, nan_, 2, NULL), -EDOM);
	sampler_destroy(s);
	sampler_destroy(NULL);
}

static void test_penalties(void **state)
{
	/* id 0: 4 / 2 = 2; id 1: -1 * 2 = -2; id 2 untouched */
	static const float l[] = { 4.0f, -1.0f, 3.0f };
	struct sampler_params p;
	struct sampler *s;
	double prob, sum;
	int i;

	(void)state;
	sampler_params_init(&p);
	p.repeat_penalty = 2.0;
	p.last_n = 2;
	s = make(&p);
	assert_int_equal(sampler_sample(s, l, 3, NULL), 0);
	assert_int_equal(sampler_accept(s, 0), 0);
	assert_int_equal(sampler_accept(s, 1), 0);
	assert_int_equal(sampler_sample(s, l, 3, &prob), 2);
	sum = exp(2.0) + exp(-2.0) + exp(3.0);
	assert_true(fabs(prob - exp(3.0) / sum) < 1e-15);
	assert_int_equal(sampler_accept(s, 2), 0); /* pushes 0 out of the window */
	assert_int_equal(sampler_sample(s, l, 3, NULL), 0);
	assert_int_equal(sampler_accept(s, 1 << 20), 0); /* outside of this vocabulary: ignored */
	assert_int_equal(sampler_accept(s, -1), -EINVAL);
	assert_int_equal(sampler_sample(s, l, 3, NULL), 0);
	sampler_reset(s);
	assert_int_equal(sampler_sample(s, l, 3, NULL), 0);
	sampler_destroy(s);

	/* three times id 0: 4 - 3 * 0.25 - 0.5 = 2.75 */
	sampler_params_init(&p);
	p.frequency_penalty = 0.25;
	p.presence_penalty = 0.5;
	s = make(&p);
	for (i = 0; i < 3; i++)
		assert_int_equal(sampler_accept(s, 0), 0);
	assert_int_equal(sampler_sample(s, l, 3, &prob), 2);
	sum = exp(2.75) + exp(-1.0) + exp(3.0);
	assert_true(fabs(prob - exp(3.0) / sum) < 1e-15);
	sampler_destroy(s);

	p.last_n = 0;
	s = make(&p);
	assert_int_equal(sampler_accept(s, 0), 0);
	assert_int_equal(sampler_sample(s, l, 3, NULL), 0);
	sampler_destroy(s);
}

static void test_bias(void **state)
{
	static const float l[] = { 4.0f, -1.0f, 3.0f };
	struct sampler_bias b[] = { { 0, -INFINITY }, { 1, 3.0f }, { 1, 1.5f } };
	struct sampler_params p;
	struct sampler *s;
	double prob;

	(void)state;
	sampler_params_init(&p);
	p.bias = b;
	p.n_bias = 3;
	s = make(&p);
	b[0].bias = 0.0f;				     /* the sampler has its own copy */
	assert_int_equal(sampler_sample(s, l, 3, &prob), 1); /* -1 + 4.5 */
	assert_true(fabs(prob - exp(0.5) / (exp(0.5) + 1.0)) < 1e-15);
	assert_int_equal(sampler_sample(s, l, 1, NULL), -ERANGE);
	sampler_destroy(s);
}

/* The ids a sampler draws, as a bit set, and each one's frequency against its probability. */
static uint32_t support(const struct sampler_params *p, const float *l, size_t n, uint32_t draws)
{
	struct sampler *s = make(p);
	double prob[32] = { 0 };
	uint32_t count[32] = { 0 }, set = 0, i;

	for (i = 0; i < draws; i++) {
		double q;
		int32_t id = sampler_sample(s, l, n, &q);

		assert_in_range(id, 0, n - 1);
		assert_true(!count[id] || q == prob[id]);
		prob[id] = q;
		count[id]++;
		set |= 1u << id;
	}
	for (i = 0; i < n; i++) {
		double mean = prob[i] * draws, sd = sqrt(mean * (1.0 - prob[i]));

		if (fabs(count[i] - mean) > 5.0 * sd + 1e-9)
			fail_msg("id %u: %u of %u draws at probability %g", i, count[i], draws,
				 prob[i]);
	}
	sampler_destroy(s);
	return set;
}

static void test_truncation(void **state)
{
	/* probabilities .05 .5 .15 .3 */
	const float l[] = { logf(0.05f), logf(0.5f), logf(0.15f), logf(0.3f) };
	static const float flat[] = { 0, 0, 0, 0, 0, 0, 0, 0 };
	struct sampler_params p;

	(void)state;
	sampler_params_init(&p);
	p.temperature = 1.0;
	p.seed = SEED;
	assert_int_equal(support(&p, l, 4, 20000), 0xf);
	p.top_k = 1;
	assert_int_equal(support(&p, l, 4, 100), 0x2);
	p.top_k = 3;
	assert_int_equal(support(&p, l, 4, 20000), 0xe);
	p.top_k = 9;
	assert_int_equal(support(&p, l, 4, 20000), 0xf);
	p.top_k = 0;
	p.top_p = 0.4;
	assert_int_equal(support(&p, l, 4, 100), 0x2);
	p.top_p = 0.79;
	assert_int_equal(support(&p, l, 4, 20000), 0xa);
	p.top_p = 0.81;
	assert_int_equal(support(&p, l, 4, 20000), 0xe);
	p.top_k = 2; /* .5 / .8 = .625 of what top_k leaves */
	p.top_p = 0.62;
	assert_int_equal(support(&p, l, 4, 100), 0x2);
	p.top_p = 0.63;
	assert_int_equal(support(&p, l, 4, 20000), 0xa);
	p.top_k = 0;
	p.top_p = 1.0;
	p.min_p = 0.29; /* of .5: .145 */
	assert_int_equal(support(&p, l, 4, 20000), 0xe);
	p.min_p = 0.31;
	assert_int_equal(support(&p, l, 4, 20000), 0xa);
	p.temperature = 3.0; /* min_p comes before the temperature */
	assert_int_equal(support(&p, l, 4, 20000), 0xa);
	p.min_p = 1.0;
	assert_int_equal(support(&p, l, 4, 100), 0x2);
	/* equal logits: the lowest ids stay */
	p.min_p = 0.0;
	p.top_k = 3;
	assert_int_equal(support(&p, flat, 8, 20000), 0x7);
	p.top_k = 0;
	p.top_p = 0.5;
	assert_int_equal(support(&p, flat, 8, 20000), 0xf);
}

#define N 700

static float sort_logit[N];

static int by_logit(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	if (sort_logit[x] != sort_logit[y])
		return sort_logit[x] > sort_logit[y] ? -1 : 1;
	return x < y ? -1 : x > y;
}

/* Full sort and libm; the probability the sampler reports must be that of its id. */
static void naive(const struct sampler_params *p, double *prob)
{
	uint32_t id[N], i, n = 0, k;
	double w[N], sum = 0.0, cum = 0.0, max;

	for (i = 0; i < N; i++) {
		prob[i] = 0.0;
		if (sort_logit[i] > -INFINITY)
			id[n++] = i;
	}
	qsort(id, n, sizeof(id[0]), by_logit);
	max = sort_logit[id[0]];
	if (p->top_k && p->top_k < n)
		n = p->top_k;
	for (i = 0; i < n; i++)
		sum += w[i] = exp(sort_logit[id[i]] - max);
	for (k = 0; k < n; k++) {
		cum += w[k] / sum;
		if (cum >= p->top_p) {
			n = k + 1;
			break;
		}
	}
	while (n > 1 && w[n - 1] < p->min_p)
		n--;
	for (i = 0, sum = 0.0; i < n; i++)
		sum += w[i] = exp((sort_logit[id[i]] - max) / p->temperature);
	for (i = 0; i < n; i++)
		prob[id[i]] = w[i] / sum;
}

static void test_naive(void **state)
{
	static const double temp[] = { 0.3, 1.0, 2.0 }, top_p[] = { 0.1, 0.9371, 1.0 };
	static const double min_p[] = { 0.0, 0.0513 };
	static const uint32_t top_k[] = { 0, 1, 40, N - 1 };
	unsigned int round, draws = 0, i;
	struct pcg32 g;
	double prob[N];

	(void)state;
	pcg32_seed(&g, SEED, 1);
	for (round = 0; round < 288; round++) {
		struct sampler_params p;
		struct sampler *s;
		double q;

		sampler_params_init(&p);
		p.seed = round;
		p.temperature = temp[round % 3];
		p.top_p = top_p[round / 3 % 3];
		p.min_p = min_p[round / 9 % 2];
		p.top_k = top_k[round / 18 % 4];
		for (i = 0; i < N; i++) { /* many ties, some excluded */
			sort_logit[i] = (float)(pcg32_next(&g) % 64) * 0.25f - 9.0f;
			if (pcg32_next(&g) % 10 == 0)
				sort_logit[i] = -INFINITY;
		}
		naive(&p, prob);
		s = make(&p);
		for (i = 0; i < 40; i++, draws++) {
			int32_t id = sampler_sample(s, sort_logit, N, &q);

			assert_in_range(id, 0, N - 1);
			if (fabs(q - prob[id]) > 1e-13)
				fail_msg("round %u (seed %d): id %d has probability %.17g, naive "
					 "%.17g",
					 round, SEED, id, q, prob[id]);
		}
		sampler_destroy(s);
	}
	print_message("# %u draws\n", draws);
}

/* The same ids on every machine; found once, the distribution is checked above. */
static void test_deterministic(void **state)
{
	static const int32_t want[16] = { 5,  72, 70, 78, 70, 83, 12, 87,
					  75, 52, 54, 37, 0,  34, 26, 9 };
	struct sampler_params p;
	struct sampler *a, *b;
	struct pcg32 g;
	float l[100];
	int32_t first[200];
	int i, same = 0;

	(void)state;
	pcg32_seed(&g, SEED, 2);
	for (i = 0; i < 100; i++)
		l[i] = (float)(pcg32_next(&g) % 4096) / 512.0f;
	sampler_params_init(&p);
	p.temperature = 0.8;
	p.top_k = 40;
	p.top_p = 0.95;
	p.min_p = 0.05;
	p.repeat_penalty = 1.1;
	p.seed = 1234;
	a = make(&p);
	for (i = 0; i < 200; i++) {
		first[i] = sampler_sample(a, l, 100, NULL);
		assert_int_equal(sampler_accept(a, first[i]), 0);
		if (i < 16 && first[i] != want[i])
			fail_msg("draw %d is %d, expected %d", i, first[i], want[i]);
	}
	sampler_reset(a);
	p.seed = 1235;
	b = make(&p);
	for (i = 0; i < 200; i++) {
		int32_t id = sampler_sample(b, l, 100, NULL);

		assert_int_equal(sampler_sample(a, l, 100, NULL), first[i]);
		assert_int_equal(sampler_accept(a, first[i]), 0);
		assert_int_equal(sampler_accept(b, id), 0);
		same += id == first[i];
	}
	assert_true(same < 100);
	sampler_destroy(a);
	sampler_destroy(b);
}

static void refuse(const struct sampler_params *p, int code, const char *message)
{
	char err[SAMPLER_ERR_LEN] = "";
	struct sampler *s;
	int r = sampler_create(p, &s, err);

	if (r != code || strncmp(err, message, strlen(message)))
		fail_msg("returned %d '%s', expected %d '%s'", r, err, code, message);
	assert_null(s);
}

static void test_params(void **state)
{
	struct {
		struct sampler_params p;
		uint8_t tail[8];
	} longer;
	struct sampler_bias b = { 0, NAN };
	struct sampler_params p;
	struct sampler *s;

	(void)state;
#define REFUSE(field, value)                      \
	do {                                      \
		sampler_params_init(&p);          \
		p.field = value;                  \
		refuse(&p, -EINVAL, #field ": "); \
	} while (0)
	REFUSE(temperature, -0.1);
	REFUSE(temperature, NAN);
	REFUSE(temperature, INFINITY);
	REFUSE(top_p, 0.0);
	REFUSE(top_p, 1.01);
	REFUSE(top_p, NAN);
	REFUSE(min_p, -0.1);
	REFUSE(min_p, 1.1);
	REFUSE(min_p, NAN);
	REFUSE(repeat_penalty, 0.0);
	REFUSE(repeat_penalty, NAN);
	REFUSE(presence_penalty, NAN);
	REFUSE(frequency_penalty, INFINITY);
	REFUSE(last_n, SAMPLER_MAX_LAST_N + 1);
	REFUSE(size, sizeof(p) - 1);
#undef REFUSE
	sampler_params_init(&p);
	p.n_bias = 1;
	refuse(&p, -EINVAL, "logit_bias: ");
	p.bias = &b;
	refuse(&p, -EINVAL, "logit_bias[0].bias: ");
	b.bias = INFINITY;
	refuse(&p, -EINVAL, "logit_bias[0].bias: ");
	b.id = -1;
	refuse(&p, -EINVAL, "logit_bias[0].id: ");

	memset(&longer, 0, sizeof(longer));
	sampler_params_init(&longer.p);
	longer.p.size = sizeof(longer);
	assert_int_equal(sampler_create(&longer.p, &s, NULL), 0);
	sampler_destroy(s);
	longer.tail[5] = 1;
	refuse(&longer.p, -E2BIG, "size: ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pcg32),	      cmocka_unit_test(test_greedy),
		cmocka_unit_test(test_penalties),     cmocka_unit_test(test_bias),
		cmocka_unit_test(test_truncation),    cmocka_unit_test(test_naive),
		cmocka_unit_test(test_deterministic), cmocka_unit_test(test_params),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("sampler", tests, NULL, NULL);
}
