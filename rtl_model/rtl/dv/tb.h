/* SPDX-License-Identifier: MIT */
/*
 * Shared by the unit benches: random numbers, environment, reset. All that is random comes from one
 * seed, so two bodies of the same block see the same stimulus and must take the same cycles.
 */
#ifndef IG1_TB_H
#define IG1_TB_H

#include <verilated.h>

#include <cstdint>
#include <cstdlib>

struct tb_rng {
	uint64_t s;

	explicit tb_rng(uint64_t seed) : s((seed + 1) * UINT64_C(0x9e3779b97f4a7c15) | 1)
	{
	}
	/* xorshift64* (Vigna 2016) */
	uint32_t u32()
	{
		s ^= s >> 12;
		s ^= s << 25;
		s ^= s >> 27;
		return (uint32_t)((s * UINT64_C(0x2545f4914f6cdd1d)) >> 32);
	}
	/* 0 .. n-1 */
	uint32_t below(uint32_t n)
	{
		return (uint32_t)((uint64_t)u32() * n >> 32);
	}
	/* lo .. hi */
	uint32_t range(uint32_t lo, uint32_t hi)
	{
		return lo + below(hi - lo + 1);
	}
	bool one_in(uint32_t n)
	{
		return below(n) == 0;
	}
	bool percent(uint32_t p)
	{
		return below(100) < p;
	}
};

static inline uint64_t tb_env(const char *name, uint64_t other)
{
	const char *v = getenv(name);

	return v && *v ? strtoull(v, NULL, 0) : other;
}

/* Random contents of what has no reset. Before the model is made. */
static inline void tb_randomise(VerilatedContext *ctx, uint64_t seed)
{
	ctx->randReset(2);
	ctx->randSeed((int)(seed & 0x7fffffff));
}

/* Some cycles in reset; nothing asserted holds before they have reached every register. */
template <class Top> void tb_reset(VerilatedContext *ctx, Top *top)
{
	ctx->assertOn(false);
	top->clk_i = 0;
	top->rst_ni = 1;
	top->eval();
	top->rst_ni = 0;
	top->eval();
	for (int i = 0; i < 3; i++) {
		top->clk_i = 1;
		top->eval();
		top->clk_i = 0;
		top->eval();
	}
	top->rst_ni = 1;
	ctx->assertOn(true);
}

#endif
