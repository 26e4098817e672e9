/* SPDX-License-Identifier: MIT */
/*
 * Choosing the next token from logits.
 *
 * Steps, in this order (that of llama.cpp's default chain):
 *	1. logit_bias is added
 *	2. penalties over the last_n accepted tokens: a repeated token's logit is divided by
 *	   repeat_penalty if positive, multiplied by it otherwise; then it loses
 *	   frequency_penalty * count + presence_penalty
 *	3. temperature 0: the highest logit, the lowest id of equals; done
 *	4. top_k highest logits stay
 *	5. top_p: of the softmax of what is left, the fewest tokens that reach top_p stay
 *	6. min_p: tokens less probable than min_p times the most probable one go
 *	7. temperature divides the logits, softmax, one draw
 * Equal logits are ordered by id throughout.
 *
 * Deterministic: the same logits, parameters and accepted tokens give the same id on every machine
 * whose doubles are IEEE 754 and whose compiler does not fuse multiply and add
 * (-ffp-contract=off). Sums run in a fixed order, exp() is this file's own, the generator is
 * PCG32 (stream 54) seeded with `seed`; a draw with temperature > 0 takes two 32-bit numbers.
 *
 * A sampler belongs to one thread at a time.
 */
#ifndef SAMPLER_H
#define SAMPLER_H

#include <stddef.h>
#include <stdint.h>

#define SAMPLER_MAX_LAST_N 65536u
#define SAMPLER_MAX_BIAS   65536u
#define SAMPLER_ERR_LEN	   256

struct sampler_bias {
	int32_t id;
	float bias; /* added to the logit; -INFINITY bans the token */
};

struct sampler_params {
	size_t size;		  /* sizeof(struct sampler_params) */
	double temperature;	  /* >= 0; 0 is greedy */
	double top_p;		  /* (0, 1]; 1 is off */
	double min_p;		  /* [0, 1]; 0 is off */
	double repeat_penalty;	  /* > 0; 1 is off */
	double presence_penalty;  /* 0 is off */
	double frequency_penalty; /* 0 is off */
	uint64_t seed;
	const struct sampler_bias *bias; /* copied; entries of one id add up */
	size_t n_bias;
	uint32_t top_k;	 /* 0 is off */
	uint32_t last_n; /* window of the penalties, at most SAMPLER_MAX_LAST_N; 0 is off */
};

struct sampler;

/* Greedy, everything else off, last_n 64. */
void sampler_params_init(struct sampler_params *p);

/*
 * Returns 0, -EINVAL (err, SAMPLER_ERR_LEN bytes or NULL, names the parameter), -E2BIG (a longer
 * struct from a newer caller sets something this version does not know) or -ENOMEM.
 */
int sampler_create(const struct sampler_params *p, struct sampler **out, char *err);
void sampler_destroy(struct sampler *s);

/* Back to the state after sampler_create(). */
void sampler_reset(struct sampler *s);

/* A token of the prompt or the answer, for the penalties. -EINVAL for a negative id. */
int sampler_accept(struct sampler *s, int32_t id);

/*
 * Choose. Logits may be -INFINITY (excluded). The id is not accepted by itself. *prob (may be NULL)
 * gets the token's probability in the distribution it was drawn from; greedy: in the softmax of
 * the logits after steps 1 and 2.
 *
 * Returns an id, or -EDOM (a logit is NaN or +INFINITY, or all are excluded), -ERANGE (logit_bias
 * names an id outside of n_vocab), -EINVAL (n_vocab) or -ENOMEM. Errors change no state.
 */
int32_t sampler_sample(struct sampler *s, const float *logits, size_t n_vocab, double *prob);

#endif
