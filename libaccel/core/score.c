// SPDX-License-Identifier: MIT
/* Scoring: negative log-likelihoods from logits. */
#include "session.h"

#include <math.h>

int accel_logits_argmax(const float *logits, size_t vocab, int32_t *token)
{
	size_t i, best = 0;

	if (!logits || !vocab || vocab > INT32_MAX || !token)
		return ACCEL_EARG;
	for (i = 0; i < vocab; i++) {
		if (isnan(logits[i]))
			return ACCEL_EDOMAIN;
		if (logits[i] > logits[best])
			best = i;
	}
	*token = (int32_t)best;
	return 0;
}

int accel_logits_nll(const float *logits, size_t vocab, int32_t token, double *nll)
{
	double sum = 0, max;
	int32_t best;
	size_t i;
	int err;

	if (!nll || token < 0 || (size_t)token >= vocab)
		return ACCEL_EARG;
	err = accel_logits_argmax(logits, vocab, &best);
	if (err)
		return err;
	max = logits[best];
	if (isinf(max))
		return ACCEL_EDOMAIN;
	for (i = 0; i < vocab; i++)
		sum += exp(logits[i] - max);
	*nll = max + log(sum) - logits[token];
	return 0;
}

struct score {
	const int32_t *tokens;
	size_t n;
	uint32_t base; /* position of tokens[0] */
	float *nll;
	int32_t *top;
	int err;
};

static int on_logits(void *ctx, uint32_t position, const float *logits, uint32_t vocab)
{
	struct score *s = ctx;
	size_t i = position - s->base;
	double nll;

	if (s->top)
		s->err = accel_logits_argmax(logits, vocab, &s->top[i]);
	if (!s->err && i + 1 < s->n) {
		s->err = accel_logits_nll(logits, vocab, s->tokens[i + 1], &nll);
		s->nll[i] = (float)nll;
	}
	return s->err;
}

int accel_session_score(struct accel_session *s, const int32_t *tokens, size_t n, float *nll,
			int32_t *top)
{
	struct score sc = { tokens, n, 0, nll, top, 0 };
	int err;

	if (!s)
		return ACCEL_EARG;
	if (!tokens || !n || !nll)
		return env_fail(&s->m->dev->env, ACCEL_EARG, "score: no tokens or no nll");
	sc.base = s->pos;
	err = accel_session_append_all(s, tokens, n, on_logits, &sc);
	if (!sc.err)
		return err;
	accel_last_error(s->m->dev, NULL, 0);
	return env_fail(&s->m->dev->env, sc.err, "score: %s", accel_error_string(sc.err));
}
