// SPDX-License-Identifier: MIT
/*
 * Bench of ig1_mem: all five clients make random requests at once, over two address spaces with
 * good and bad pages, host bus with random stalls and latency. What a request must do is what the
 * reference model's MMU does when it is accepted; answers are compared in order, memories at the
 * end. Environment: SEED, COUNT (requests per test). TAP.
 */
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <memory>
#include <vector>

#include "Vtb.h"
#include "prim_dpi_mem.h"
#include "tb.h"
#include "tb_mmu.h"

#ifndef TB_SRAM_BYTES
#error TB_SRAM_BYTES, TB_MEM_BYTES and TB_DPI come from run.sh
#endif

static const unsigned int MEM = TB_MEM_BYTES;
static const uint64_t BUS = UINT64_C(0x40000000);
static const uint32_t HOST = 1 << 20;
static const unsigned int SRAM_PAGES = 8;
static const uint64_t SRAM_BASE = TB_SRAM_BYTES - SRAM_PAGES * 4096;
static const uint64_t SRAM_BIG = SRAM_BASE & ~UINT64_C(0x1fffff); /* a large leaf's, with them */
static const unsigned int PAGES = 32;				  /* of the test's virtual window */

enum { FETCH, WRITER, DMA, TILE, PHYS, CLIENTS };

static int host_read(void *ctx, uint64_t addr, void *dst, size_t n)
{
	if (addr < BUS || addr - BUS > HOST - n)
		return -1;
	memcpy(dst, static_cast<uint8_t *>(ctx) + (addr - BUS), n);
	return 0;
}

static int host_write(void *ctx, uint64_t addr, const void *src, size_t n)
{
	if (addr < BUS || addr - BUS > HOST - n)
		return -1;
	memcpy(static_cast<uint8_t *>(ctx) + (addr - BUS), src, n);
	return 0;
}

struct request {
	bool active, we, host;
	uint64_t addr;
	uint32_t bytes;
	uint8_t data[MEM];
};

struct answer {
	uint32_t fault, bytes;
	bool read;
	uint8_t data[MEM];
	uint64_t addr;
};

struct bus_slot {
	uint64_t due;
	bool err, read;
	uint8_t data[MEM];
};

class bench
{
public:
	explicit bench(uint64_t seed);
	~bench();
	int run(uint64_t count, unsigned int stall, unsigned int latency);
	uint64_t cycles = 0, done = 0, faults = 0, misses = 0;

private:
	uint64_t page(unsigned int space);
	void tables(unsigned int space);
	void new_request(unsigned int c);
	void drive();
	void accept(unsigned int c);
	bool respond(unsigned int c, const uint32_t *data, uint32_t fault);
	bool clock();
	void switch_space();
	int compare();

	VerilatedContext context;
	std::unique_ptr<Vtb> top;
	tb_rng rng;
	struct tb_mmu *mmu;
	std::vector<uint8_t> host[2];
	uint8_t *sram;
	uint64_t root[2] = {};
	uint64_t next_page = 0;
	request req[CLIENTS] = {};
	std::deque<answer> want[CLIENTS];
	std::deque<bus_slot> bus;
	uint64_t window[2] = { UINT64_C(0x3ffff0000), UINT64_C(0x001f4000) };
	unsigned int space = 0;
	unsigned int stall = 0, latency = 1;
	bool quiet = false;
};

bench::bench(uint64_t seed) : rng(seed)
{
	struct ig1_dpi_mem mem = { nullptr, 0, 0, 0, TB_DPI ? TB_SRAM_BYTES : 0 };
	struct ig1_bus bus_fns = {};

	host[0].resize(HOST);
	tables(0);
	tables(1);
	for (size_t i = static_cast<size_t>(next_page * 4096); i < HOST; i++)
		host[0][i] = static_cast<uint8_t>(rng.u32());
	host[1] = host[0];
	bus_fns.ctx = host[1].data();
	bus_fns.read = host_read;
	bus_fns.write = host_write;
	mmu = tb_mmu_new(TB_SRAM_BYTES, &bus_fns);
	sram = tb_mmu_sram(mmu);
	if (ig1_dpi_mem_set(0, &mem))
		abort();
	tb_randomise(&context, seed);
	top.reset(new Vtb(&context, "tb"));
	top->chip_i = 0;
	top->host_rst_ni = 1;
	top->eval();
	top->host_rst_ni = 0;
	tb_reset(&context, top.get());
	top->host_rst_ni = 1;
	/* the gate body's memory has no defined contents: write what the test uses */
	for (uint64_t at = SRAM_BIG; at < TB_SRAM_BYTES; at += MEM) {
		quiet = true;
		request &r = req[PHYS];
		r = request();
		r.active = r.we = true;
		r.addr = at;
		r.bytes = MEM;
		for (unsigned int k = 0; k < MEM; k++)
			r.data[k] = static_cast<uint8_t>(rng.u32());
		while (r.active || !want[PHYS].empty())
			if (!clock())
				abort();
		quiet = false;
	}
	space = 1;
	switch_space();
}

bench::~bench()
{
	top->final();
	tb_mmu_free(mmu);
	ig1_dpi_mem_clear(0);
}

/* Page-table entries of the window: host and SRAM, read-only and not, and every kind of bad one. */
void bench::tables(unsigned int sp)
{
	uint64_t *t[3];
	uint64_t data = 64 * 4096;

	for (int l = 0; l < 3; l++)
		t[l] = reinterpret_cast<uint64_t *>(host[0].data() + 4096 * next_page++);
	root[sp] = BUS + static_cast<uint64_t>(reinterpret_cast<uint8_t *>(t[2]) - host[0].data());
	for (unsigned int i = 0; i < PAGES; i++) {
		uint64_t va = window[sp] + i * UINT64_C(4096);
		uint64_t pte = BUS + data + 4096 * rng.below(32);

		pte |= IG1_PTE_VALID | IG1_PTE_LEAF | (rng.percent(70) ? IG1_PTE_WRITE : 0);
		if (rng.percent(50))
			pte = (SRAM_BASE + 4096 * rng.below(SRAM_PAGES)) | (pte & 0xfff) |
			      IG1_PTE_SRAM;
		switch (rng.below(16)) {
		case 0:
			pte = 0;
			break;
		case 1:
			pte |= UINT64_C(1)
			       << (rng.percent(50) ? 4 + rng.below(8) : 56 + rng.below(8));
			break;
		case 2:
			pte = IG1_PTE_VALID | IG1_PTE_LEAF | IG1_PTE_WRITE | (BUS + HOST);
			break;
		case 3:
			pte = IG1_PTE_VALID | IG1_PTE_LEAF | IG1_PTE_SRAM | TB_SRAM_BYTES;
			break;
		default:
			break;
		}
		/* the window may cross a table: the second half then has its own */
		uint64_t *e2 = &t[2][va >> 30 & 511], *e1 = nullptr;

		if (!*e2)
			*e2 = (BUS + 4096 * next_page++) | IG1_PTE_VALID;
		e1 = reinterpret_cast<uint64_t *>(host[0].data() +
						  ((*e2 & IG1_PTE_ADDR_MASK) - BUS)) +
		     (va >> 21 & 511);
		if (!*e1)
			*e1 = (BUS + 4096 * next_page++) | IG1_PTE_VALID;
		reinterpret_cast<uint64_t *>(
			host[0].data() + ((*e1 & IG1_PTE_ADDR_MASK) - BUS))[va >> 12 & 511] = pte;
	}
	/* large leaves at fixed places: good, misaligned, too far into the SRAM, and bad pointers */
	uint64_t *l1 = reinterpret_cast<uint64_t *>(host[0].data() + 4096 * next_page++);

	t[2][100] =
		(BUS + static_cast<uint64_t>(reinterpret_cast<uint8_t *>(l1) - host[0].data())) |
		IG1_PTE_VALID;
	l1[0] = BUS | IG1_PTE_VALID | IG1_PTE_LEAF;
	l1[1] = (BUS + 4096) | IG1_PTE_VALID | IG1_PTE_LEAF;
	l1[2] = SRAM_BIG | IG1_PTE_VALID | IG1_PTE_LEAF | IG1_PTE_SRAM;
	l1[3] = TB_SRAM_BYTES | IG1_PTE_VALID | IG1_PTE_LEAF | IG1_PTE_SRAM;
	l1[4] = BUS | IG1_PTE_VALID | IG1_PTE_WRITE;
	l1[5] = (BUS + HOST) | IG1_PTE_VALID;
	l1[6] = BUS | IG1_PTE_VALID | IG1_PTE_LEAF | 0x20;
	t[2][101] = BUS | IG1_PTE_VALID | IG1_PTE_LEAF;
	t[2][102] = IG1_PTE_VALID | IG1_PTE_LEAF | IG1_PTE_SRAM;
	t[2][103] = BUS | IG1_PTE_VALID | IG1_PTE_SRAM;
	t[2][104] = (BUS - 4096) | IG1_PTE_VALID;
	if (next_page > 60)
		abort();
}

void bench::new_request(unsigned int c)
{
	request &r = req[c];
	uint32_t line = rng.below(4096 / MEM), off = 0;

	r.active = true;
	r.we = c == WRITER || ((c == DMA || c == PHYS) && rng.percent(50));
	r.bytes = MEM;
	if (c != FETCH && rng.percent(60)) {
		off = 4 * rng.below(MEM / 4);
		r.bytes = 4 * (1 + rng.below((MEM - off) / 4));
	}
	r.host = rng.percent(50);
	for (unsigned int i = 0; i < MEM; i++)
		r.data[i] = static_cast<uint8_t>(rng.u32());
	if (c == PHYS) {
		if (!r.host)
			r.addr = SRAM_BASE + 4096 * rng.below(SRAM_PAGES);
		else if (rng.percent(5))
			r.addr = BUS + HOST;
		else
			r.addr = BUS + 64 * 4096 + 4096 * rng.below(32);
	} else if (rng.percent(85)) {
		/* mostly few pages, so that they are hit, and sometimes all of them */
		r.addr = window[space] + 4096 * rng.below(rng.percent(70) ? 5 : PAGES);
	} else {
		static const unsigned int l2[] = { 100, 100, 100, 101, 102, 103, 104, 105 };
		uint64_t top2 = l2[rng.below(8)];

		r.addr = top2 << 30 | static_cast<uint64_t>(rng.below(8)) << 21 |
			 static_cast<uint64_t>(rng.below(512)) << 12;
		if (top2 == 101)
			r.addr = top2 << 30 | (64 + rng.below(40)) * 4096;
		if (top2 == 102)
			r.addr = top2 << 30 | (SRAM_BASE & 0x3fffffff) |
				 4096 * rng.below(2 * SRAM_PAGES);
		if (rng.percent(10))
			r.addr |= UINT64_C(1) << (39 + rng.below(25));
	}
	r.addr += line * MEM + off;
}

void bench::drive()
{
	top->fetch_req_valid_i = req[FETCH].active;
	top->fetch_req_va_i = req[FETCH].addr;
	top->writer_req_valid_i = req[WRITER].active;
	top->writer_req_va_i = req[WRITER].addr;
	top->writer_req_bytes_i = static_cast<uint8_t>(req[WRITER].bytes);
	memcpy(&top->writer_req_data_i[0], req[WRITER].data, MEM);
	top->dma_req_valid_i = req[DMA].active;
	top->dma_req_we_i = req[DMA].we;
	top->dma_req_va_i = req[DMA].addr;
	top->dma_req_bytes_i = static_cast<uint8_t>(req[DMA].bytes);
	memcpy(&top->dma_req_data_i[0], req[DMA].data, MEM);
	top->tile_req_valid_i = req[TILE].active;
	top->tile_req_va_i = req[TILE].addr;
	top->tile_req_bytes_i = static_cast<uint8_t>(req[TILE].bytes);
	top->phys_req_valid_i = req[PHYS].active;
	top->phys_req_we_i = req[PHYS].we;
	top->phys_req_host_i = req[PHYS].host;
	top->phys_req_addr_i = req[PHYS].addr;
	top->phys_req_bytes_i = static_cast<uint8_t>(req[PHYS].bytes);
	memcpy(&top->phys_req_data_i[0], req[PHYS].data, MEM);
}

/* The request is accepted: this is where it takes its place among all others. */
void bench::accept(unsigned int c)
{
	request &r = req[c];
	answer a = {};

	a.bytes = r.bytes;
	a.read = !r.we;
	a.addr = r.addr;
	if (c != PHYS) {
		a.fault = tb_mmu_access(mmu, r.we, r.addr, r.we ? r.data : a.data, r.bytes);
	} else if (r.host) {
		if (r.we ? host_write(host[1].data(), r.addr, r.data, r.bytes)
			 : host_read(host[1].data(), r.addr, a.data, r.bytes))
			a.fault = IG1_FAULT_BUS;
	} else if (r.we) {
		memcpy(sram + r.addr, r.data, r.bytes);
	} else {
		memcpy(a.data, sram + r.addr, r.bytes);
	}
	want[c].push_back(a);
	r.active = false;
}

bool bench::respond(unsigned int c, const uint32_t *data, uint32_t fault)
{
	if (want[c].empty()) {
		printf("# client %u: answer without request\n", c);
		return false;
	}
	const answer &a = want[c].front();

	if (fault != a.fault || (data && a.read && !a.fault && memcmp(data, a.data, a.bytes))) {
		printf("# client %u, %s of %u bytes at %#" PRIx64 ": fault %u, should be %u%s\n", c,
		       a.read ? "read" : "write", a.bytes, a.addr, fault, a.fault,
		       fault == a.fault ? "; data differ" : "");
		return false;
	}
	faults += fault != 0;
	done++;
	want[c].pop_front();
	return true;
}

bool bench::clock()
{
	bool ok = true;

	if (!quiet)
		for (unsigned int c = 0; c < CLIENTS; c++)
			if (!req[c].active && rng.percent(70))
				new_request(c);
	/* fetching ahead gives up what no longer matters, also while its page is being looked up */
	if (req[FETCH].active && rng.percent(quiet ? 50 : 2))
		req[FETCH].active = false;
	drive();
	top->h_req_ready_i = !rng.percent(stall);
	top->h_rsp_valid_i = !bus.empty() && bus.front().due <= cycles && !rng.percent(stall);
	if (top->h_rsp_valid_i) {
		top->h_rsp_err_i = bus.front().err;
		memcpy(&top->h_rsp_data_i[0], bus.front().data, MEM);
		bus.pop_front();
	}
	top->clk_i = 0;
	top->eval();
	/* what the edge will see */
	const bool ready[CLIENTS] = { top->fetch_req_ready_o != 0, top->writer_req_ready_o != 0,
				      top->dma_req_ready_o != 0, top->tile_req_ready_o != 0,
				      top->phys_req_ready_o != 0 };
	if (top->fetch_rsp_valid_o)
		ok &= respond(FETCH, &top->fetch_rsp_data_o[0], top->fetch_rsp_fault_o);
	if (top->writer_rsp_valid_o)
		ok &= respond(WRITER, nullptr, top->writer_rsp_fault_o);
	if (top->dma_rsp_valid_o)
		ok &= respond(DMA, &top->dma_rsp_data_o[0], top->dma_rsp_fault_o);
	if (top->tile_rsp_valid_o)
		ok &= respond(TILE, &top->tile_rsp_data_o[0], top->tile_rsp_fault_o);
	if (top->phys_rsp_valid_o)
		ok &= respond(PHYS, &top->phys_rsp_data_o[0],
			      top->phys_rsp_err_o ? static_cast<uint32_t>(IG1_FAULT_BUS) : 0);
	unsigned int taken = 0;

	for (unsigned int c = 0; c < CLIENTS; c++) {
		if (req[c].active && ready[c]) {
			accept(c);
			taken++;
		}
		if (want[c].size() > 8) {
			printf("# client %u: %zu requests in flight\n", c, want[c].size());
			ok = false;
		}
	}
	ok &= taken <= 1;
	misses += top->tlb_miss_o;
	if (top->h_req_valid_o && top->h_req_ready_i) {
		bus_slot s = {};

		s.read = !top->h_req_we_o;
		if (s.read)
			s.err = host_read(host[0].data(), top->h_req_addr_o, s.data,
					  top->h_req_bytes_o) != 0;
		else
			s.err = host_write(host[0].data(), top->h_req_addr_o, &top->h_req_data_o[0],
					   top->h_req_bytes_o) != 0;
		s.due = cycles + 1 + rng.below(latency);
		bus.push_back(s);
	}
	top->clk_i = 1;
	top->eval();
	cycles++;
	return ok;
}

/* Another context: its page table, an empty TLB. */
void bench::switch_space()
{
	quiet = true;
	for (bool busy = true; busy;) {
		if (!clock())
			abort();
		busy = top->walk_busy_o;
		for (unsigned int c = 0; c < CLIENTS; c++)
			busy |= req[c].active || !want[c].empty();
	}
	space ^= 1;
	tb_mmu_start(mmu, root[space]);
	top->pt_root_i = root[space];
	top->flush_i = 1;
	clock();
	top->flush_i = 0;
	quiet = false;
}

int bench::compare()
{
	unsigned int bad = 0;

	quiet = true;
	for (unsigned int i = 0; i < SRAM_PAGES * 4096 && !bad; i += MEM) {
		request &r = req[PHYS];

		r = request();
		r.active = true;
		r.addr = SRAM_BASE + i;
		r.bytes = MEM;
		while (r.active || !want[PHYS].empty())
			bad += !clock();
	}
	quiet = false;
	if (host[0] != host[1]) {
		printf("# host memories differ\n");
		bad++;
	}
	return bad ? -1 : 0;
}

int bench::run(uint64_t count, unsigned int s, unsigned int l)
{
	uint64_t end = done + count, next = done + count / 100,
		 limit = cycles + 400 * count + 100000;

	stall = s;
	latency = l;
	while (done < end) {
		if (!clock())
			return -1;
		if (cycles > limit) {
			printf("# stuck: %" PRIu64 " of %" PRIu64 " requests\n", done, end);
			return -1;
		}
		if (done >= next) {
			next += count / 100;
			switch_space();
		}
	}
	switch_space();
	return compare();
}

int main()
{
	static const unsigned int cases[][2] = { { 0, 1 }, { 0, 40 }, { 30, 1 }, { 50, 100 } };
	uint64_t seed = tb_env("SEED", 1), count = tb_env("COUNT", 20000);
	bench b(seed);
	int failed = 0;

	setvbuf(stdout, nullptr, _IOLBF, 0);
	printf("# %s, seed %" PRIu64 "\n1..4\n", TB_NAME, seed);
	for (unsigned int i = 0; i < 4; i++) {
		uint64_t c = b.cycles, f = b.faults, m = b.misses;
		int err = b.run(count, cases[i][0], cases[i][1]);

		failed |= err;
		printf("%sok %u - %" PRIu64 " requests, stall %u%%, latency up to %u\n",
		       err ? "not " : "", i + 1, count, cases[i][0], cases[i][1]);
		printf("# %" PRIu64 " cycles, %" PRIu64 " faults, %" PRIu64 " walks\n",
		       b.cycles - c, b.faults - f, b.misses - m);
		if (err) {
			printf("Bail out! the rest would follow from it\n");
			break;
		}
	}
	return failed != 0;
}
