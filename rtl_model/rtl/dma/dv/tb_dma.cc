// SPDX-License-Identifier: MIT
/*
 * Bench of ig1_dma: random d.ld and d.st against a loop that moves rows in order. Memory and scratch
 * are models with random stalls and latency; some pages fault. A faulting load must leave exactly
 * the rows before it in scratch, a fault names the first byte of the access. Throughput of short
 * rows is bounded. Environment: SEED, COUNT. TAP.
 */
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <memory>
#include <vector>

#include "Vtb.h"
#include "ig1_chip.h"
#include "ig1_isa.h"
#include "tb.h"

static const unsigned int MEM = TB_MEM_BYTES;
static const uint32_t SCRATCH = 32 * 1024;
static const uint64_t BASE = UINT64_C(0x123450000);
static const uint32_t SPAN = 64 * 4096;

struct slot {
	uint64_t due;
	uint32_t fault;
	uint8_t data[MEM];
};

class bench
{
public:
	explicit bench(uint64_t seed);
	~bench()
	{
		top->final();
	}
	bool command(const struct ig1_fmt_dma &f, bool aborted);
	struct ig1_fmt_dma random_command();

	tb_rng rng;
	unsigned int stall = 0, latency = 1;
	uint64_t cycles = 0, bytes = 0;
	bool faults_on = true;
	uint32_t fault = 0;

private:
	uint32_t fault_at(uint64_t va, bool we) const;
	void clock();

	VerilatedContext context;
	std::unique_ptr<Vtb> top;
	std::vector<uint8_t> mem[2], scratch[2]; /* bench, expected */
	std::vector<uint8_t> pages; /* fault code of a page; write faults for writes only */
	std::deque<slot> fly;
	uint8_t rd_line[MEM];
	bool rd_fresh = false;
	bool broken = false;
};

bench::bench(uint64_t seed) : rng(seed), pages(SPAN / 4096)
{
	for (auto &m : mem)
		m.resize(SPAN);
	for (auto &s : scratch)
		s.resize(SCRATCH);
	for (uint32_t i = 0; i < SPAN; i++)
		mem[0][i] = mem[1][i] = static_cast<uint8_t>(rng.u32());
	for (uint32_t i = 0; i < SCRATCH; i++)
		scratch[0][i] = scratch[1][i] = static_cast<uint8_t>(rng.u32());
	for (auto &p : pages)
		p = rng.percent(6) ? static_cast<uint8_t>(IG1_FAULT_PAGE + rng.below(4)) : 0;
	tb_randomise(&context, seed);
	top.reset(new Vtb(&context, "tb"));
	top->cmd_valid_i = 0;
	top->abort_i = 0;
	tb_reset(&context, top.get());
}

uint32_t bench::fault_at(uint64_t va, bool we) const
{
	if (va < BASE || va - BASE >= SPAN)
		return IG1_FAULT_PAGE;
	if (!faults_on)
		return 0;
	uint32_t p = pages[(va - BASE) / 4096];

	return p == IG1_FAULT_WRITE && !we ? 0 : p;
}

void bench::clock()
{
	top->rd_ready_i = !rng.percent(stall);
	top->wr_ready_i = !rng.percent(stall);
	top->req_ready_i = !rng.percent(stall);
	top->rsp_valid_i = !fly.empty() && fly.front().due <= cycles && !rng.percent(stall);
	if (top->rsp_valid_i) {
		memcpy(&top->rsp_data_i[0], fly.front().data, MEM);
		top->rsp_fault_i = static_cast<uint8_t>(fly.front().fault);
		fly.pop_front();
	}
	/* read data: that of the last accepted read */
	if (rd_fresh)
		memcpy(&top->rd_data_i[0], rd_line, MEM);
	top->clk_i = 0;
	top->eval();
	bytes += top->stat_dma_bytes_o;
	if (top->rd_valid_o && top->rd_ready_i) {
		uint32_t at = top->rd_addr_o;

		for (unsigned int i = 0; i < MEM; i++)
			rd_line[i] = at + i < SCRATCH ? scratch[0][at + i] : 0;
		rd_fresh = true;
	}
	if (top->wr_valid_o && top->wr_ready_i) {
		const uint8_t *d = reinterpret_cast<const uint8_t *>(&top->wr_data_o[0]);

		for (unsigned int i = 0; i < MEM; i++) {
			if (!(top->wr_mask_o >> i / 4 & 1))
				continue;
			if (top->wr_addr_o + i >= SCRATCH)
				broken = true;
			else
				scratch[0][top->wr_addr_o + i] = d[i];
		}
	}
	if (top->req_valid_o && top->req_ready_i) {
		slot s = {};
		uint64_t va = top->req_va_o;
		unsigned int n = top->req_bytes_o;

		/* the port's rules */
		if (!n || n % 4 || va % 4 || va % MEM + n > MEM || fly.size() >= 8)
			broken = true;
		s.fault = fault_at(va, top->req_we_o);
		if (!s.fault && top->req_we_o)
			memcpy(&mem[0][va - BASE], &top->req_data_o[0], n);
		else if (!s.fault)
			memcpy(s.data, &mem[0][va - BASE], n);
		/* what is beyond the access must not matter */
		for (unsigned int i = n; i < MEM; i++)
			s.data[i] = static_cast<uint8_t>(rng.u32());
		s.due = cycles + 1 + rng.below(latency);
		fly.push_back(s);
	}
	top->clk_i = 1;
	top->eval();
	cycles++;
}

bool bench::command(const struct ig1_fmt_dma &f, bool aborted)
{
	const bool store = f.op == IG1_OP_D_ST;
	uint32_t w[IG1_CMD_WORDS], code = 0;
	uint64_t addr = 0, moved = 0, limit;
	uint64_t before = bytes;
	std::vector<uint8_t> saved = mem[1];

	/* expected, access by access */
	for (uint64_t i2 = 0; i2 < f.n2 && !code; i2++) {
		for (uint64_t i1 = 0; i1 < f.n1 && !code; i1++) {
			uint64_t va = f.va + i2 * f.v2 + i1 * f.v1;
			uint32_t sp = static_cast<uint32_t>(f.sp + i2 * f.s2 + i1 * f.s1);

			for (uint32_t i = 0; i < f.bytes && !code; i += 4) {
				code = fault_at(va + i, store);
				addr = va + i;
				if (code)
					break;
				if (store)
					memcpy(&mem[1][va + i - BASE], &scratch[1][sp + i], 4);
				else
					memcpy(&scratch[1][sp + i], &mem[1][va + i - BASE], 4);
				moved += 4;
			}
		}
	}
	fault = code;
	ig1_encode_dma(&f, w);
	memcpy(&top->cmd_i[0], w, sizeof(w));
	top->cmd_valid_i = 1;
	while (!top->cmd_ready_o)
		clock();
	clock();
	top->cmd_valid_i = 0;
	memset(&top->cmd_i[0], 0xa5, sizeof(w));
	limit = cycles + 1000 + 100 * (static_cast<uint64_t>(f.bytes) / 4 + 1) * f.n1 * f.n2;
	while (!top->done_o && cycles < limit) {
		if (aborted && rng.percent(2))
			top->abort_i = 1;
		clock();
	}
	if (!top->done_o) {
		printf("# no end\n");
		return false;
	}
	/* the result is read in the cycle of done_o */
	const uint32_t got = top->fault_o;
	const uint64_t got_addr = top->fault_addr_o;
	const bool was_aborted = top->abort_i;

	clock();
	top->abort_i = 0;
	if (broken) {
		printf("# a port's rule is broken\n");
		return false;
	}
	if (was_aborted) {
		/* anything may be half done */
		scratch[1] = scratch[0];
		mem[1] = mem[0];
		return fly.empty();
	}
	if (got != code || (code && got_addr != addr)) {
		printf("# fault %u at %#" PRIx64 ", should be %u at %#" PRIx64 "\n", got, got_addr,
		       code, addr);
		return false;
	}
	if (scratch[0] != scratch[1]) {
		printf("# scratch differs\n");
		return false;
	}
	if (code && store) {
		/* writes behind the faulting one may have been on their way */
		mem[1] = mem[0];
	} else if (mem[0] != mem[1]) {
		printf("# memory differs\n");
		return false;
	}
	if (!code && bytes - before != moved) {
		printf("# %" PRIu64 " bytes counted, should be %" PRIu64 "\n", bytes - before,
		       moved);
		return false;
	}
	return true;
}

struct ig1_fmt_dma bench::random_command()
{
	struct ig1_fmt_dma f = {};
	int64_t span;

	do {
		f.op = rng.percent(50) ? IG1_OP_D_LD : IG1_OP_D_ST;
		f.bytes = 4 * (1 + rng.below(rng.percent(60) ? 8 : rng.percent(80) ? 100 : 1500));
		f.n1 = rng.percent(40) ? 1 : 1 + rng.below(20);
		f.n2 = rng.percent(60) ? 1 : 1 + rng.below(5);
		f.s1 = rng.percent(20) ? 4 * rng.below(100) : f.bytes + 4 * rng.below(4);
		f.s2 = rng.percent(20) ? 4 * rng.below(100) : f.s1 * f.n1;
		span = static_cast<int64_t>(f.n1 - 1) * f.s1 +
		       static_cast<int64_t>(f.n2 - 1) * f.s2 + f.bytes;
	} while (span > SCRATCH);
	f.sp = 4 * rng.below(static_cast<uint32_t>((SCRATCH - span) / 4 + 1));
	f.v1 = rng.percent(30) ? 4 * rng.below(2500) : f.bytes + 4 * rng.below(4);
	f.v2 = rng.percent(30) ? 4 * rng.below(2500) : f.v1 * f.n1;
	if (rng.percent(20))
		f.v1 = -f.v1;
	if (rng.percent(20))
		f.v2 = -f.v2;
	f.va = BASE + 4 * rng.below(SPAN / 4);
	return f;
}

int main()
{
	static const unsigned int cases[][2] = { { 0, 1 }, { 0, 30 }, { 40, 1 }, { 40, 60 } };
	uint64_t seed = tb_env("SEED", 1), count = tb_env("COUNT", 2000);
	bench b(seed);
	int failed = 0, test = 0;

	setvbuf(stdout, nullptr, _IOLBF, 0);
	printf("# %s, seed %" PRIu64 "\n1..9\n", TB_NAME, seed);
	for (unsigned int i = 0; i < 4; i++) {
		uint64_t faults = 0, k;

		b.stall = cases[i][0];
		b.latency = cases[i][1];
		for (k = 0; k < count; k++) {
			if (!b.command(b.random_command(), false))
				break;
			faults += b.fault != 0;
		}
		failed += k != count;
		printf("%sok %d - %" PRIu64 " commands, %" PRIu64
		       " faults, stall %u%%, latency up to %u\n",
		       k == count ? "" : "not ", ++test, k, faults, b.stall, b.latency);
		if (k != count) {
			printf("Bail out! the rest would follow from it\n");
			return 1;
		}
	}
	{
		uint64_t k;

		for (k = 0; k < count / 4; k++)
			if (!b.command(b.random_command(), true) ||
			    !b.command(b.random_command(), false))
				break;
		failed += k != count / 4;
		printf("%sok %d - aborted commands end, the next ones are right\n",
		       k == count / 4 ? "" : "not ", ++test);
	}
	/* short rows, nothing in the way: a row per cycle */
	b.stall = 0;
	b.latency = 1;
	b.faults_on = false;
	for (unsigned int op = 0; op < 2; op++) {
		for (unsigned int bytes = 4; bytes <= 32; bytes += 28) {
			struct ig1_fmt_dma f = {};
			uint64_t start = b.cycles;
			bool ok;

			f.op = op ? IG1_OP_D_ST : IG1_OP_D_LD;
			f.va = BASE;
			f.v1 = 4096;
			f.v2 = 32;
			f.s1 = bytes;
			f.s2 = 32 * bytes;
			f.bytes = bytes;
			f.n1 = 32;
			f.n2 = 16;
			ok = b.command(f, false);
			start = b.cycles - start;
			ok = ok && start <= 512 + 12;
			failed += !ok;
			printf("%sok %d - %s, 512 rows of %u bytes: %" PRIu64 " cycles\n",
			       ok ? "" : "not ", ++test, op ? "d.st" : "d.ld", bytes, start);
		}
	}
	return failed != 0;
}
