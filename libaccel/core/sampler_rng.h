/* SPDX-License-Identifier: MIT */
/*
 * PCG32, XSH RR 64/32 (M. O'Neill, "PCG: A Family of Simple Fast Space-Efficient Statistically Good
 * Algorithms for Random Number Generation", 2014). Integer arithmetic only: the same everywhere.
 */
#ifndef SAMPLER_RNG_H
#define SAMPLER_RNG_H

#include <stdint.h>

struct pcg32 {
	uint64_t state, inc;
};

static inline uint32_t pcg32_next(struct pcg32 *g)
{
	uint64_t old = g->state;
	uint32_t x = (uint32_t)((old >> 18 ^ old) >> 27);
	unsigned int rot = (unsigned int)(old >> 59);

	g->state = old * 6364136223846793005ull + g->inc;
	return x >> rot | x << (-rot & 31);
}

static inline void pcg32_seed(struct pcg32 *g, uint64_t seed, uint64_t stream)
{
	g->state = 0;
	g->inc = stream << 1 | 1;
	pcg32_next(g);
	g->state += seed;
	pcg32_next(g);
}

/* Uniform in [0, 1), 53 bits from two draws, the first one the upper. */
static inline double pcg32_double(struct pcg32 *g)
{
	uint64_t hi = pcg32_next(g) >> 5, lo = pcg32_next(g) >> 6;

	return (double)(hi << 26 | lo) * 0x1p-53;
}

#endif
