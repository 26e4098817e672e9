/* SPDX-License-Identifier: MIT */
/*
 * Perplexity of a token sequence by two rules:
 *
 * blocks: consecutive blocks of `block` tokens, each evaluated from an empty session with BOS in
 * front; every token counts.
 *
 * windows: as llama.cpp's llama-perplexity: consecutive windows of `ctx` tokens (the sequence begins
 * with BOS, and BOS replaces the first token of each window); of each window only the predictions of
 * tokens ctx/2 + 1 .. ctx - 1 count; an incomplete window is left out.
 */
#ifndef PERPLEXITY_H
#define PERPLEXITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "accel/accel.h"

struct perplexity {
	size_t scored;	  /* tokens that counted */
	double sum, sum2; /* of nll */
};

/* Reports windows or blocks done; not 0: stop. */
typedef int (*perplexity_fn)(void *ctx, size_t done, size_t total, const struct perplexity *p);

/* nll (may be NULL) gets a value per token. 0 or enum accel_error, ACCEL_ECANCELED after a stop;
 * *p covers what was done. bos -1: windows only, nothing is replaced. */
int perplexity_blocks(struct accel_session *s, const int32_t *ids, size_t n, size_t block,
		      int32_t bos, float *nll, struct perplexity *p, perplexity_fn fn, void *ctx);
int perplexity_windows(struct accel_session *s, const int32_t *ids, size_t n, size_t ctx_size,
		       int32_t bos, struct perplexity *p, perplexity_fn fn, void *ctx);

double perplexity_mean(const struct perplexity *p);
/* exp(mean), and its standard error by the delta method. */
double perplexity_value(const struct perplexity *p);
double perplexity_error(const struct perplexity *p);

#endif
