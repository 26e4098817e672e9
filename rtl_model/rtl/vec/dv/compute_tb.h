/* SPDX-License-Identifier: MIT */
/*
 * Shared by the benches of the compute blocks: the clock, the scratch through the bench's port,
 * commands into the engine port, the reference model beside it. Both sides start each command from
 * equal scratch contents.
 */
#ifndef COMPUTE_TB_H
#define COMPUTE_TB_H

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <memory>
#include <vector>

#include "tb.h"

extern "C" {
#include "ig1_chip.h"
#include "ig1_isa.h"
#include "prim_dpi_chip.h"
#include "ref.h"
struct ig1_bench_ref;
/* bench_ref.c */
struct ig1_ref *bench_ref_create(const struct ig1_config *cfg, const struct ig1_mask *mask,
				 const struct ig1_bus *bus, uint64_t pt_root);
/* 0, or -1 with the fault; counters of this command alone */
int bench_ref_exec(struct ig1_ref *r, const uint32_t w[32], uint32_t *fault, uint64_t *addr,
		   uint64_t counters[IG1_CTR_COUNT]);
}

struct rng : tb_rng {
	using tb_rng::tb_rng;
	uint32_t f32()
	{
		static const uint32_t special[] = {
			0x00000000, 0x80000000, 0x00000001, 0x807fffff, 0x00800000, 0x80800000,
			0x7f7fffff, 0xff7fffff, 0x7f800000, 0xff800000, 0x7fc00000, 0xffc12345,
			0x7f800001, 0x3f800000, 0xbf800000, 0x42b17217, 0x42b17218, 0xc2aeac4f,
			0xc2aeac50, 0x3f000000, 0x4b400000, 0x3effffff,
		};
		uint32_t r = below(64);

		if (r == 0)
			return special[below(sizeof(special) / sizeof(special[0]))];
		if (r < 4)
			return u32();
		/* magnitudes around one, and around the range of exp */
		return (u32() & 0x807fffff) | range(r < 40 ? 120 : 110, r < 40 ? 130 : 134) << 23;
	}
};

template <class Top> struct bench {
	static constexpr unsigned lanes = CFG_LANES;
	static constexpr unsigned line = 4 * CFG_LANES;

	VerilatedContext ctx;
	std::unique_ptr<Top> top;
	rng r;
	const struct ig1_config *cfg;
	struct ig1_ref *ref = nullptr;
	uint8_t *want = nullptr; /* the model's scratch */
	uint64_t cycles = 0, worked = 0, trace = 0xcbf29ce484222325;
	uint32_t got_fault = 0;
	uint64_t got_addr = 0;
	bool disturb = false; /* the bench's port takes cycles from the block */

	bench(uint64_t seed) : r(seed)
	{
		tb_randomise(&ctx, seed);
		top.reset(new Top(&ctx));
		cfg = &ig1_configs[0];
		for (unsigned i = 0; i < IG1_CONFIGS; i++)
			if (!strcmp(ig1_configs[i].name, CFG_NAME))
				cfg = &ig1_configs[i];
	}

	/* what else happens in a cycle: inputs are set before it settles, outputs seen at its edge */
	virtual void before_edge()
	{
	}
	virtual void at_edge()
	{
	}
	virtual void each_cycle()
	{
	}
	virtual ~bench()
	{
		top->final();
		ig1_ref_destroy(ref);
	}

	void settle()
	{
		if (disturb) {
			top->rd_valid_i = r.one_in(3);
			top->rd_addr_i = 4 * r.below(cfg->scratch_bytes / 4);
		}
		before_edge();
		top->clk_i = 0;
		top->eval();
	}

	void edge()
	{
		at_edge();
		top->clk_i = 1;
		top->eval();
		top->rd_valid_i = 0;
		top->wr_valid_i = 0;
		cycles++;
	}

	void tick()
	{
		settle();
		edge();
	}

	void reset()
	{
		top->rd_valid_i = 0;
		top->wr_valid_i = 0;
		top->cmd_valid_i = 0;
		top->abort_i = 0;
		tb_reset(&ctx, top.get());
	}

	void write(uint32_t addr, const uint8_t *p, uint32_t n)
	{
		for (uint32_t at = 0; at < n; at += line) {
			uint32_t words = std::min(n - at, line) / 4;

			top->wr_valid_i = 1;
			top->wr_addr_i = addr + at;
			for (uint32_t i = 0; i < words; i++)
				memcpy(&top->wr_data_i[i], p + at + 4 * i, 4);
			top->wr_mask_i = (uint32_t)((UINT64_C(1) << words) - 1);
			tick();
		}
	}

	void read(uint32_t addr, uint8_t *p, uint32_t n)
	{
		bool keep = disturb;

		disturb = false;
		for (uint32_t at = 0; at < n; at += line) {
			top->rd_valid_i = 1;
			top->rd_addr_i = addr + at;
			tick();
			memcpy(p + at, &top->rd_data_o[0], std::min(n - at, line));
		}
		disturb = keep;
	}

	/* both sides */
	void put(uint32_t addr, const void *p, uint32_t n)
	{
		memcpy(want + addr, p, n);
		write(addr, (const uint8_t *)p, n);
	}

	/* the first differing byte, or -1 */
	int64_t compare(uint32_t lo, uint32_t hi)
	{
		lo &= ~3u;
		hi = std::min<uint32_t>((hi + 3) & ~3u, cfg->scratch_bytes);
		if (hi <= lo)
			return -1;
		std::vector<uint8_t> got(hi - lo + line);

		read(lo, got.data(), hi - lo);
		for (uint32_t i = 0; i < hi - lo; i++)
			if (got[i] != want[lo + i]) {
				printf("# scratch %#x: %02x, should be %02x (word %02x%02x%02x%02x)\n",
				       lo + i, got[i], want[lo + i], want[(lo + i) | 3],
				       want[((lo + i) & ~3u) + 2], want[((lo + i) & ~3u) + 1],
				       want[(lo + i) & ~3u]);
				return lo + i;
			}
		return -1;
	}

	/* the block's scratch into the model, after an undefined result */
	void adopt()
	{
		read(0, want, cfg->scratch_bytes);
	}

	/*
	 * One command to its end; cycles from acceptance to done, or -1 when it takes more than
	 * limit. abort_after: cycles after which abort is raised.
	 */
	int64_t run(const uint32_t w[32], uint64_t limit, uint64_t abort_after = UINT64_MAX)
	{
		uint64_t start;

		for (int i = 0; i < 32; i++)
			top->cmd_i[i] = w[i];
		top->cmd_valid_i = 1;
		top->eval();
		while (!top->cmd_ready_o)
			tick();
		start = cycles;
		for (;;) {
			if (cycles - start >= abort_after)
				top->abort_i = 1;
			settle();
			each_cycle();
			bool done = top->done_o && !top->cmd_valid_i;

			got_fault = top->fault_o;
			got_addr = top->fault_addr_o;

			edge();
			top->cmd_valid_i = 0;
			if (done)
				break;
			if (cycles - start > limit)
				return -1;
		}
		top->abort_i = 0;
		worked += cycles - start - 1;
		for (uint64_t v = cycles - start - 1, i = 0; i < 8; i++, v >>= 8)
			trace = (trace ^ (v & 0xff)) * UINT64_C(0x100000001b3);
		return (int64_t)(cycles - start - 1);
	}
};

#endif
