/* SPDX-License-Identifier: MIT */
/* How far one set of values is from another. */
#ifndef IG1_TESTS_MODELS_NMSE_H
#define IG1_TESTS_MODELS_NMSE_H

#include <stddef.h>

/* Sums over all values that were added. */
struct nmse {
	double error, power;
};

/* NaN and infinities end in a result that is NaN, which no bound lets pass. */
static inline void nmse_add(struct nmse *s, const float *got, const double *want, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		s->error += (got[i] - want[i]) * (got[i] - want[i]);
		s->power += want[i] * want[i];
	}
}

/* The mean square of the difference over the mean square of what was wanted. */
static inline double nmse_get(const struct nmse *s)
{
	return s->error / s->power;
}

#endif
