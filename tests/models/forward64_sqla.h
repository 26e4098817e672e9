/* SPDX-License-Identifier: MIT */
/*
 * Squared linear attention (models.md section 6) of all tokens in double precision, in either of its
 * forms, which are the same function: exact, or with the roundings that the chip has in that form.
 */
#ifndef IG1_TESTS_MODELS_FORWARD64_SQLA_H
#define IG1_TESTS_MODELS_FORWARD64_SQLA_H

#include <stdbool.h>
#include <stddef.h>

struct sqla64 {
	size_t n, heads, kv_heads, d;
	bool parallel, int8;
	double *q;	    /* n x heads x d; with int8 the parallel form rounds these three */
	double *k, *v;	    /* n x kv_heads x d */
	const double *rate; /* n x kv_heads: a token's decay is exp(-softplus(rate)) */
	double *tie; /* goes down to how near a rounded number came to the middle of two codes */
};

/* y: n x heads x d. 0 or -ENOMEM. */
int forward64_sqla(const struct sqla64 *s, double *y);

#endif
