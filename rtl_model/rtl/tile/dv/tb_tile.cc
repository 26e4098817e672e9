// SPDX-License-Identifier: MIT
/*
 * ig1_tile against the reference model: random resolved commands, every byte of scratch they may
 * write compared, counters, faults with their address, abort, cycles of typical commands. The
 * memory behind the client port answers late and in order; its pages are the ones the model walks
 * to. SEED and COUNT from the environment.
 */
#include "Vtb.h"
#include "../../vec/dv/compute_tb.h"

#include <chrono>
#include <deque>

extern "C" {
#include "tests/blocks.h"
}

static const uint32_t page_bytes = 4096, pages = 512;

/* Host memory: three tables, then the data of a 2 MiB region of virtual addresses. */
struct host {
	std::vector<uint64_t> tables;
	std::vector<uint8_t> data;
	std::vector<uint8_t> refused; /* by page: host refuses reads */
	uint64_t va = UINT64_C(0x2a) << 30 | UINT64_C(0x155) << 21;

	host() : tables(3 * 512), data(pages * page_bytes), refused(pages)
	{
		tables[va >> 30 & 511] = page_bytes | IG1_PTE_VALID;
		tables[512 + (va >> 21 & 511)] = 2 * page_bytes | IG1_PTE_VALID;
		for (uint32_t i = 0; i < pages; i++)
			map(i, IG1_FAULT_NONE);
	}

	/* a page that reads, or one that faults so */
	void map(uint32_t page, uint8_t fault)
	{
		uint64_t pte = (uint64_t)(3 + page) * page_bytes | IG1_PTE_VALID | IG1_PTE_LEAF;

		refused[page] = fault == IG1_FAULT_BUS;
		if (fault == IG1_FAULT_PAGE)
			pte = 0;
		if (fault == IG1_FAULT_PTE)
			pte &= ~(uint64_t)IG1_PTE_LEAF;
		tables[1024 + page] = pte;
	}

	/* what the MMU says of an address */
	uint8_t fault(uint64_t at) const
	{
		uint64_t page = (at - va) / page_bytes;

		if (at < va || page >= pages)
			return IG1_FAULT_PAGE;
		if (!(tables[1024 + page] & IG1_PTE_VALID))
			return IG1_FAULT_PAGE;
		if (!(tables[1024 + page] & IG1_PTE_LEAF))
			return IG1_FAULT_PTE;
		return refused[page] ? IG1_FAULT_BUS : IG1_FAULT_NONE;
	}

	static int read(void *ctx, uint64_t addr, void *dst, size_t n)
	{
		const host *h = (const host *)ctx;

		if (addr + n <= 3 * page_bytes) {
			memcpy(dst, (const uint8_t *)h->tables.data() + addr, n);
			return 0;
		}
		addr -= 3 * page_bytes;
		if (addr + n > h->data.size() || h->refused[addr / page_bytes])
			return -5;
		memcpy(dst, &h->data[addr], n);
		return 0;
	}

	static int write(void *, uint64_t, const void *, size_t)
	{
		return -5;
	}
};

static const struct block_format *format(uint8_t fmt)
{
	const struct block_format *f = block_formats;

	while (f->fmt != fmt)
		f++;
	return f;
}

struct tile_bench : bench<Vtb> {
	struct request {
		uint64_t va, when;
		uint32_t bytes;
	};

	std::vector<uint8_t> rom;
	host mem;
	std::deque<request> flight;
	bool eager = false; /* memory answers at once */
	bool broken = false;
	uint64_t macs = 0, rom_bytes = 0, kv_bytes = 0;
	uint32_t half;
	uint32_t y_lo, y_hi; /* what the last command made may write */

	tile_bench(uint64_t seed) : bench(seed), rom(4 << 20)
	{
		half = cfg->scratch_bytes / 2;
		for (size_t i = 0; i < rom.size(); i += 4) {
			uint32_t v = r.u32();

			memcpy(&rom[i], &v, 4);
		}
		for (size_t i = 0; i < mem.data.size(); i += 4) {
			uint32_t v = i < mem.data.size() / 2 ? r.u32() : r.f32();

			memcpy(&mem.data[i], &v, 4);
		}
		ig1_dpi_chip_set(5, rom.data(), rom.size(), NULL, 0);
		top->chip_i = 5;
		top->rsp_valid_i = 0;
		top->req_ready_i = 0;

		struct ig1_mask mask = { rom.data(), rom.size(), NULL, 0 };
		struct ig1_bus bus = { &mem, host::read, host::write, NULL };

		remask = mask;
		rebus = bus;
		restart();
	}

	struct ig1_mask remask;
	struct ig1_bus rebus;

	/* the model keeps translations; a new one forgets them */
	void restart()
	{
		std::vector<uint8_t> keep;

		if (ref) {
			keep.assign(want, want + cfg->scratch_bytes);
			ig1_ref_destroy(ref);
		}
		ref = bench_ref_create(cfg, &remask, &rebus, 0);
		want = ig1_ref_scratch(ref);
		if (!keep.empty())
			memcpy(want, keep.data(), keep.size());
	}

	void before_edge() override
	{
		top->req_ready_i = eager || !r.one_in(3);
		top->rsp_valid_i = 0;
		top->rsp_fault_i = 0;
		if (!flight.empty() && flight.front().when <= cycles) {
			const request &q = flight.front();
			uint8_t fault = mem.fault(q.va);

			top->rsp_valid_i = 1;
			top->rsp_fault_i = fault;
			for (uint32_t i = 0; i < line / 4; i++)
				top->rsp_data_i[i] = 0xdeadbeef;
			if (!fault)
				for (uint32_t i = 0; i < q.bytes; i += 4)
					memcpy(&top->rsp_data_i[i / 4],
					       &mem.data[q.va - mem.va + i], 4);
		}
	}

	void at_edge() override
	{
		if (top->rsp_valid_i)
			flight.pop_front();
		if (top->req_valid_o && top->req_ready_i) {
			uint64_t va = top->req_va_o;
			uint32_t n = top->req_bytes_o;

			if (top->req_we_o || !n || n > line || n % 4 || va % 4 ||
			    va / line != (va + n - 1) / line || flight.size() >= 8)
				broken = true;
			flight.push_back({ va, cycles + (eager ? 1 : 1 + r.below(12)), n });
		}
	}

	void each_cycle() override
	{
		macs += top->stat_macs_o;
		rom_bytes += top->stat_rom_bytes_o;
		kv_bytes += top->stat_kv_bytes_o;
	}

	void fill(uint32_t addr, uint32_t bytes)
	{
		std::vector<uint32_t> v(bytes / 4);

		for (uint32_t &x : v) /* half int8, half scales, wherever they end up */
			x = r.one_in(2) ? r.u32() : r.f32();
		put(addr, v.data(), bytes);
	}

	/* An address for n1 x n2 pieces of `tail` bytes in [lo, hi). */
	uint32_t place(uint32_t lo, uint32_t hi, uint32_t n1, uint32_t s1, uint32_t n2, uint32_t s2,
		       uint32_t tail)
	{
		uint64_t up = (uint64_t)(n1 - 1) * s1 + (uint64_t)(n2 - 1) * s2 + tail;

		if (up > hi - lo) {
			printf("Bail out! operand does not fit\n");
			exit(1);
		}
		if (r.one_in(6))
			return (uint32_t)(hi - up) & ~3u;
		return lo + 4 * r.below((uint32_t)(hi - lo - up) / 4 + 1);
	}

	void place_y(uint32_t *y, uint32_t cols, uint32_t stride, uint32_t tail)
	{
		*y = place(half, cfg->scratch_bytes, cols, stride, 1, 0, tail);
		y_lo = *y;
		y_hi = *y + (cols - 1) * stride + tail;
	}

	uint32_t stride(uint32_t natural)
	{
		return r.one_in(8) ? 0 : r.one_in(3) ? natural + 4 * r.below(9) : natural;
	}

	static float f32(uint32_t bits)
	{
		float v;

		memcpy(&v, &bits, 4);
		return v;
	}

	/* Mostly scales of a sum's size; anything stands beside them, and where blocks overlap. */
	void scale_blocks(uint8_t fmt, uint64_t at, uint32_t wstride, uint32_t rows,
			  uint32_t groups)
	{
		const struct block_format *f = format(fmt);
		uint32_t block = f->bytes;

		if (r.one_in(5))
			return;
		for (uint64_t i = 0; i < (uint64_t)rows * groups; i++) {
			uint8_t *b = &rom[at + i / groups * wstride + i % groups * block];

			for (uint32_t t = 0; t < f->terms; t++)
				block_set_scale(f, b, t, r.u32(), false);
		}
	}

	void make_mm(uint32_t w[32])
	{
		struct ig1_fmt_mm f = {};
		uint32_t block;

		f.op = IG1_OP_T_MM;
		f.fmt = block_formats[r.below(BLOCK_FORMATS)].fmt;
		f.acc = r.one_in(3);
		f.scaled = r.one_in(3);
		f.alpha = f32(r.f32());
		block = ig1_wfmt_block_bytes(f.fmt);
		f.rows = r.one_in(3) ? r.range(1, 200) : r.range(1, 70);
		f.groups = r.one_in(3) ? r.range(1, 40) : r.range(1, 9);
		f.cols = r.one_in(3) ? r.range(1, 20) : r.range(1, 4);
		if (CFG_LANES == 32 && r.one_in(40)) { /* more than the column buffer holds */
			f.groups = r.range(513, 1100);
			f.rows = r.range(1, 70);
			f.cols = r.range(1, 3);
		}
		f.wstride = r.one_in(6) ? 2 * r.below(100) : f.groups * block + 2 * r.below(3);
		f.rom = 2 *
			r.below((uint32_t)(rom.size() - f.groups * block - f.rows * f.wstride) / 2);
		if (r.one_in(8)) /* the mask's last row */
			f.rom = rom.size() - f.groups * block - (f.rows - 1) * f.wstride;
		scale_blocks(f.fmt, f.rom, f.wstride, f.rows, f.groups);
		f.xstride = stride(32 * f.groups);
		f.xsstride = stride(4 * f.groups);
		f.ystride = r.one_in(3) ? 4 * (f.rows + r.below(40)) : 4 * f.rows;
		f.x = place(0, half, f.cols, f.xstride, 1, 0, 32 * f.groups);
		f.xs = place(0, half, f.cols, f.xsstride, 1, 0, 4 * f.groups);
		place_y(&f.y, f.cols, f.ystride, 4 * f.rows);
		ig1_encode_mm(&f, w);
	}

	void make_emb(uint32_t w[32])
	{
		struct ig1_fmt_emb f = {};
		uint32_t block, c;
		bool bad = r.one_in(6);

		f.op = IG1_OP_T_EMB;
		f.fmt = block_formats[r.below(BLOCK_FORMATS)].fmt;
		block = ig1_wfmt_block_bytes(f.fmt);
		f.rows = r.range(1, 500);
		f.groups = r.range(1, 20);
		f.cols = r.range(1, 8);
		f.wstride = f.groups * block;
		f.rom = 2 * r.below((uint32_t)(rom.size() - f.rows * f.wstride) / 2);
		scale_blocks(f.fmt, f.rom, f.wstride, f.rows, f.groups);
		f.istride = 4 * r.below(20);
		f.ystride = 128 * f.groups + 4 * r.below(10);
		f.idx = place(0, half, f.cols, f.istride, 1, 0, 4);
		for (c = 0; c < f.cols; c++) {
			uint32_t i = r.below(f.rows);

			if (bad && r.one_in(3))
				i = r.one_in(2) ? f.rows : r.u32() | 0x10000;
			put(f.idx + c * f.istride, &i, 4);
		}
		place_y(&f.y, f.cols, f.ystride, 128 * f.groups);
		ig1_encode_emb(&f, w);
	}

	void make_att(uint32_t w[32], bool pv)
	{
		struct ig1_fmt_att f = {};
		uint32_t blocks, cols, at, s_at, bytes, s_bytes, x_bytes, xs_bytes;

		f.op = pv ? IG1_OP_T_PV : IG1_OP_T_QK;
		f.npos = r.one_in(3)   ? r.range(1, 150)
			 : r.one_in(6) ? r.range(500, 700)
				       : r.range(1, 40);
		f.heads = r.range(1, 3);
		f.qper = r.one_in(3) ? r.range(1, 10) : r.range(1, 4);
		f.groups = f.npos < 200 && r.one_in(5) ? r.range(1, 20) : r.range(1, 4);
		blocks = (f.npos + 31) / 32;
		cols = (uint32_t)f.heads * f.qper;
		bytes = 1024 * f.heads * f.groups;
		s_bytes = 128 * f.heads * f.groups;
		f.bstride = r.one_in(8) ? 1024 * r.below(3) : bytes + 1024 * r.below(3);
		at = 1024 *
		     r.below(((uint32_t)mem.data.size() / 2 - bytes - blocks * f.bstride) / 1024);
		f.kv = mem.va + at;
		if (pv) {
			f.dims = r.one_in(2) ? 32 * f.groups : r.range(1, 32 * f.groups);
			x_bytes = 32 * blocks;
			xs_bytes = 4 * blocks;
			f.xgstride = stride(x_bytes);
			f.xsgstride = stride(xs_bytes);
		} else {
			f.sbstride = r.one_in(8) ? 128 * r.below(3) : s_bytes + 128 * r.below(3);
			s_at = (uint32_t)mem.data.size() / 2 +
			       128 * r.below(((uint32_t)mem.data.size() / 2 - s_bytes -
					      blocks * f.sbstride) /
					     128);
			f.ks = mem.va + s_at;
			x_bytes = 32 * f.groups;
			xs_bytes = 4 * f.groups;
		}
		f.xstride = stride(pv ? f.groups * x_bytes : x_bytes);
		f.xsstride = stride(pv ? f.groups * xs_bytes : xs_bytes);
		f.x = place(0, half, cols, f.xstride, pv ? f.groups : 1, f.xgstride, x_bytes);
		f.xs = place(0, half, cols, f.xsstride, pv ? f.groups : 1, f.xsgstride, xs_bytes);
		f.ystride = pv ? 4u * f.dims : 4 * f.npos;
		if (r.one_in(3))
			f.ystride += 4 * r.below(30);
		place_y(&f.y, cols, f.ystride, pv ? 4u * f.dims : 4 * f.npos);
		ig1_encode_att(&f, w);

		/* pages that fault, perhaps in the way */
		for (uint32_t i = 0; i < pages; i++)
			mem.map(i, IG1_FAULT_NONE);
		if (r.one_in(5)) {
			static const uint8_t faults[] = { IG1_FAULT_PAGE, IG1_FAULT_PTE,
							  IG1_FAULT_BUS };
			uint32_t n = r.range(1, 4);

			while (n--) {
				uint64_t where = (!pv && r.one_in(2) ? f.ks - mem.va : at) +
						 r.below(bytes + (blocks - 1) * f.bstride);

				if (where / page_bytes < pages)
					mem.map((uint32_t)(where / page_bytes), faults[r.below(3)]);
			}
		}
		restart();
	}

	void make(uint32_t w[32])
	{
		switch (r.below(8)) {
		case 0:
			return make_emb(w);
		case 1:
		case 2:
			return make_att(w, false);
		case 3:
		case 4:
			return make_att(w, true);
		default:
			return make_mm(w);
		}
	}

	void show(const uint32_t w[32])
	{
		struct ig1_fmt_mm m;
		struct ig1_fmt_att a;
		struct ig1_fmt_emb e;

		switch (w[0] & 0xff) {
		case IG1_OP_T_MM:
			ig1_decode_mm(w, &m);
			printf("# t.mm fmt %u acc %u scaled %u rom %#llx wstride %u rows %u groups %u cols "
			       "%u x %#x+%u xs %#x+%u y %#x+%u alpha %g\n",
			       m.fmt, m.acc, m.scaled, (unsigned long long)m.rom, m.wstride, m.rows,
			       m.groups, m.cols, m.x, m.xstride, m.xs, m.xsstride, m.y, m.ystride,
			       m.alpha);
			break;
		case IG1_OP_T_EMB:
			ig1_decode_emb(w, &e);
			printf("# t.emb fmt %u rows %u groups %u cols %u\n", e.fmt, e.rows,
			       e.groups, e.cols);
			break;
		default:
			ig1_decode_att(w, &a);
			printf("# op %#x npos %u heads %u qper %u groups %u dims %u kv %#llx bstride %u y "
			       "%#x+%u\n",
			       a.op, a.npos, a.heads, a.qper, a.groups, a.dims,
			       (unsigned long long)a.kv, a.bstride, a.y, a.ystride);
			break;
		}
	}

	/* a command on both sides; cycles or -1 */
	int64_t both(const uint32_t w[32])
	{
		uint64_t addr = 0, ctr[IG1_CTR_COUNT];
		uint32_t fault = 0;
		int64_t n;

		bench_ref_exec(ref, w, &fault, &addr, ctr);
		switch (fault) {
		case IG1_FAULT_NONE:
		case IG1_FAULT_INDEX:
		case IG1_FAULT_PAGE:
		case IG1_FAULT_PTE:
		case IG1_FAULT_BUS:
			break;
		default:
			printf("# the model refuses: fault %u, %#llx\n", fault,
			       (unsigned long long)addr);
			show(w);
			return -1;
		}
		macs = rom_bytes = kv_bytes = 0;
		n = run(w, 4000000);
		if (n < 0)
			printf("# not done\n");
		else if (got_fault != fault || got_addr != addr) {
			printf("# fault %u at %#llx, should be %u at %#llx\n", got_fault,
			       (unsigned long long)got_addr, fault, (unsigned long long)addr);
			n = -1;
		} else if (!fault &&
			   (macs != ctr[IG1_CTR_MACS] || rom_bytes != ctr[IG1_CTR_ROM_BYTES] ||
			    kv_bytes != ctr[IG1_CTR_KV_BYTES])) {
			printf("# macs %llu rom %llu kv %llu, should be %llu %llu %llu\n",
			       (unsigned long long)macs, (unsigned long long)rom_bytes,
			       (unsigned long long)kv_bytes, (unsigned long long)ctr[IG1_CTR_MACS],
			       (unsigned long long)ctr[IG1_CTR_ROM_BYTES],
			       (unsigned long long)ctr[IG1_CTR_KV_BYTES]);
			n = -1;
		} else if (broken) {
			printf("# a request breaks the port's rules\n");
			n = -1;
		}
		if (n < 0)
			show(w);
		faulted = fault != 0;
		return n;
	}

	bool faulted = false;
};

static int random_test(tile_bench &b, uint64_t count)
{
	uint64_t i, faults = 0, per_op[4] = { 0 };

	b.fill(0, b.cfg->scratch_bytes);
	for (i = 0; i < count; i++) {
		uint32_t w[32];

		b.make(w);
		per_op[w[0] & 3]++;
		b.disturb = b.r.one_in(4);
		b.eager = b.r.one_in(2);
		if (b.r.one_in(40)) { /* stopped half-way: what is written is undefined */
			if (b.run(w, 4000, b.r.below(200)) < 0) {
				printf("# command %llu: abort is not obeyed\n",
				       (unsigned long long)i);
				b.show(w);
				return -1;
			}
			b.disturb = false;
			b.adopt();
			continue;
		}
		if (b.both(w) < 0) {
			printf("# command %llu\n", (unsigned long long)i);
			return -1;
		}
		b.disturb = false;
		if (b.faulted) {
			faults++;
			b.adopt();
			continue;
		}
		if (i % 64 == 63 ? b.compare(b.half, b.cfg->scratch_bytes) >= 0
				 : b.compare(b.y_lo - 128, b.y_hi + 128) >= 0) {
			printf("# command %llu\n", (unsigned long long)i);
			b.show(w);
			return -1;
		}
		if (b.r.one_in(4))
			b.fill(4 * b.r.below(b.half / 4 - 512), 2048);
		if (b.r.one_in(64))
			b.fill(b.half, b.half);
	}
	printf("# mm %llu, emb %llu, qk %llu, pv %llu; %llu faults\n",
	       (unsigned long long)per_op[0], (unsigned long long)per_op[1],
	       (unsigned long long)per_op[2], (unsigned long long)per_op[3],
	       (unsigned long long)faults);
	return b.compare(0, b.cfg->scratch_bytes) < 0 ? 0 : -1;
}

static void encode_mm(uint32_t w[32], const tile_bench &b, uint8_t fmt, uint32_t rows,
		      uint32_t inputs, uint32_t cols)
{
	struct ig1_fmt_mm f = {};

	f.op = IG1_OP_T_MM;
	f.fmt = fmt;
	f.rows = rows;
	f.groups = inputs / 32;
	f.wstride = f.groups * ig1_wfmt_block_bytes(fmt);
	f.cols = cols;
	f.xstride = inputs;
	f.xs = 64 * 1024;
	f.xsstride = inputs / 8;
	f.y = b.half;
	f.ystride = 4 * rows;
	ig1_encode_mm(&f, w);
}

static void encode_att(uint32_t w[32], tile_bench &b, uint8_t op, uint32_t npos)
{
	struct ig1_fmt_att f = {};
	uint32_t blocks = (npos + 31) / 32;

	f.op = op;
	f.npos = npos;
	f.heads = 3;
	f.qper = 3;
	f.groups = 2;
	f.kv = b.mem.va;
	f.bstride = 1024 * 6;
	f.y = b.half;
	if (op == IG1_OP_T_QK) {
		f.ks = b.mem.va + b.mem.data.size() / 2;
		f.sbstride = 128 * 6;
		f.xstride = 64;
		f.xsstride = 8;
		f.ystride = 4 * npos;
	} else {
		f.dims = 64;
		f.xstride = 32 * blocks;
		f.xsstride = 4 * blocks;
		f.ystride = 256;
	}
	f.xs = 64 * 1024;
	ig1_encode_att(&f, w);
}

static int typical_test(tile_bench &b)
{
	static const struct {
		uint8_t fmt;
		uint32_t rows, inputs, cols;
	} mm[] = {
		{ IG1_WFMT_Q8_0, 64, 64, 1 },	 { IG1_WFMT_Q8_0, 576, 576, 1 },
		{ IG1_WFMT_Q4_0, 576, 576, 1 },	 { IG1_WFMT_Q8_0, 1536, 576, 1 },
		{ IG1_WFMT_Q8_0, 576, 1536, 1 }, { IG1_WFMT_Q8_0, 576, 576, 8 },
		{ IG1_WFMT_Q4_0, 1536, 576, 8 }, { IG1_WFMT_T2_0, 576, 576, 1 },
		{ IG1_WFMT_B1_0, 576, 576, 1 },	 { IG1_WFMT_MX4, 576, 576, 1 },
		{ IG1_WFMT_Q4_1, 576, 576, 1 },	 { IG1_WFMT_Q5_1, 576, 576, 1 },
		{ IG1_WFMT_NV4, 576, 576, 1 },	 { IG1_WFMT_Q6_K, 576, 576, 1 },
		{ IG1_WFMT_IQ4, 576, 576, 1 },
	};
	static const uint32_t positions[] = { 1, 32, 256 };
	uint32_t w[32];
	int64_t n;

	b.disturb = false;
	b.eager = true;
	for (uint32_t i = 0; i < pages; i++)
		b.mem.map(i, IG1_FAULT_NONE);
	b.restart();
	for (const auto &t : mm) {
		if (4 * t.rows * t.cols > b.half)
			continue;
		encode_mm(w, b, t.fmt, t.rows, t.inputs, t.cols);
		n = b.both(w);
		if (n < 0 || b.compare(b.half, b.cfg->scratch_bytes) >= 0)
			return -1;
		printf("# t.mm %s %4u x %4u, %u columns %6lld cycles, %5.1f %% of the array\n",
		       format(t.fmt)->name, t.rows, t.inputs, t.cols, (long long)n,
		       100.0 * t.rows * t.inputs * t.cols /
			       ((double)n * b.cfg->tiles * b.cfg->rows *
				std::min(t.cols, b.cfg->columns) * 32 *
				ig1_wfmt_step_groups(t.fmt)));
	}
	for (uint32_t p : positions) {
		for (uint8_t op : { IG1_OP_T_QK, IG1_OP_T_PV }) {
			encode_att(w, b, op, p);
			n = b.both(w);
			if (n < 0 || b.compare(b.half, b.cfg->scratch_bytes) >= 0)
				return -1;
			printf("# %s 3 heads x 3, 64 values, %3u positions %6lld cycles\n",
			       op == IG1_OP_T_QK ? "t.qk" : "t.pv", p, (long long)n);
		}
	}
	return 0;
}

static void speed(tile_bench &b)
{
	static const struct {
		uint8_t fmt;
		uint32_t cols;
	} runs[] = { { IG1_WFMT_Q8_0, 1 },
		     { IG1_WFMT_Q8_0, 8 },
		     { IG1_WFMT_Q4_0, 1 },
		     { IG1_WFMT_Q4_0, 8 } };
	uint64_t times = tb_env("SPEED", 0);

	for (const auto &t : runs) {
		uint32_t w[32];
		uint64_t start = b.cycles, i;

		encode_mm(w, b, t.fmt, 1536, 576, t.cols);
		auto at = std::chrono::steady_clock::now();
		for (i = 0; i < times; i++)
			b.run(w, 1000000);
		double s = std::chrono::duration<double>(std::chrono::steady_clock::now() - at)
				   .count();
		printf("# speed: t.mm %s 1536 x 576, %u columns: %.2f GMAC/s, %.0f cycles/s\n",
		       format(t.fmt)->name, t.cols, 1e-9 * 1536 * 576 * t.cols * (double)times / s,
		       (double)(b.cycles - start) / s);
	}
	if (b.top->req_valid_o)
		b.broken = true;
}

int main(int argc, char **argv)
{
	uint64_t seed = tb_env("SEED", 1), count = tb_env("COUNT", 2000);
	tile_bench b(seed);
	int bad = 0;

	(void)argc;
	(void)argv;
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("TAP version 13\n1..2\n# %s, %s bodies, seed %llu, %llu commands\n", CFG_NAME,
	       CFG_BODY, (unsigned long long)seed, (unsigned long long)count);
	b.reset();
	if (random_test(b, count))
		bad = 1;
	printf("%s 1 - random commands equal the reference model\n", bad ? "not ok" : "ok");
	printf("# cycles at work %llu, trace %016llx\n", (unsigned long long)b.worked,
	       (unsigned long long)b.trace);
	if (!bad && typical_test(b))
		bad |= 2;
	printf("%s 2 - typical commands\n", bad ? "not ok" : "ok");
	if (tb_env("SPEED", 0))
		speed(b);
	return bad ? 1 : 0;
}
