// SPDX-License-Identifier: MIT
//
// Bench of the core alone: memory, timer and peripheral are models behind both ports, with random
// stalls and latencies, which the SRAM of the whole microcontroller never shows.

#include "Vig1_mcu_core.h"
#include "tb_common.h"
#include "verilated.h"

static const uint32_t sram_bytes = 65536;

struct bench {
	Vig1_mcu_core top;
	struct tb_options opt;
	tb_random rnd;
	struct tb_periph periph;
	struct tb_channel fetch, data;
	std::vector<uint32_t> mem;
	uint64_t mtime = 0, mtimecmp = ~0ull;

	explicit bench(const struct tb_options &o)
		: opt(o), rnd(o.seed), periph(rnd, opt), mem(sram_bytes / 4)
	{
		for (uint32_t &word : mem)
			word = rnd.next();
	}

	bool timer(const struct tb_request &req, uint32_t *rdata)
	{
		const bool high = req.addr & 4;
		const uint32_t base = req.addr & ~7u;
		uint64_t *reg = base == 0x02004000 ? &mtimecmp : &mtime;

		if ((base != 0x02004000 && base != 0x0200bff8) || (req.we && req.be != 15))
			return true;
		*rdata = (uint32_t)(high ? *reg >> 32 : *reg);
		if (req.we && high)
			*reg = (*reg & 0xffffffffu) | (uint64_t)req.wdata << 32;
		else if (req.we)
			*reg = (*reg & ~0xffffffffull) | req.wdata;
		return false;
	}

	bool access(const struct tb_request &req, uint32_t *rdata)
	{
		if (req.addr < sram_bytes) {
			*rdata = mem[req.addr / 4];
			if (req.we)
				mem[req.addr / 4] = tb_merge(*rdata, req);
			return false;
		}
		if (req.addr >> 16 == 0x0200)
			return timer(req, rdata);
		if (req.addr >> 30)
			return periph.access(req, rdata);
		return true;
	}

	void tick()
	{
		struct tb_request req;
		bool accept_fetch, accept_data, err;
		uint32_t rdata = 0, fetch_addr;

		fetch.choose(rnd, opt.stall);
		data.choose(rnd, opt.stall);
		top.instr_req_ready_i = fetch.ready;
		top.instr_rsp_valid_i = fetch.rsp_valid();
		top.instr_rsp_rdata_i = fetch.rsp_valid() ? fetch.rdata : rnd.next();
		top.instr_rsp_err_i = fetch.rsp_valid() ? fetch.err : rnd.next() & 1;
		top.data_req_ready_i = data.ready;
		top.data_rsp_valid_i = data.rsp_valid();
		top.data_rsp_rdata_i = data.rsp_valid() ? data.rdata : rnd.next();
		top.data_rsp_err_i = data.rsp_valid() ? data.err : rnd.next() & 1;
		top.irq_ext_i = periph.irq;
		top.irq_timer_i = mtime >= mtimecmp;
		top.eval();
		accept_fetch = top.instr_req_valid_o && fetch.ready;
		accept_data = top.data_req_valid_o && data.ready;
		fetch_addr = top.instr_req_addr_o;
		req.addr = top.data_req_addr_o;
		req.wdata = top.data_req_wdata_o;
		req.be = top.data_req_be_o;
		req.we = top.data_req_we_o;

		top.clk_i = 1;
		top.eval();
		top.clk_i = 0;
		top.eval();

		fetch.retire();
		data.retire();
		mtime++;
		if (accept_fetch) {
			err = fetch_addr >= sram_bytes;
			fetch.answer(rnd, opt, err ? 0 : mem[fetch_addr / 4], err);
		}
		if (accept_data) {
			err = access(req, &rdata);
			data.answer(rnd, opt, rdata, err);
		}
		periph.tick(top.sleep_o);
	}
};

int main(int argc, char **argv)
{
	struct tb_options opt;
	std::vector<uint32_t> image, signature;

	if (tb_parse(argc, argv, &opt) || tb_read_image(opt.image, sram_bytes, &image))
		return 2;

	// Before the model exists: its initial state is random.
	Verilated::commandArgs(argc, argv);
	static bench b(opt);
	bool lockup;

	for (size_t i = 0; i < image.size(); i++)
		b.mem[i] = image[i];
	b.top.clk_i = 0;
	b.top.instr_rsp_valid_i = 0;
	b.top.data_rsp_valid_i = 0;
	b.top.rst_ni = 1;
	b.top.eval();
	b.top.rst_ni = 0;
	b.top.eval();
	b.top.clk_i = 1;
	b.top.eval();
	b.top.clk_i = 0;
	b.top.eval();
	b.top.rst_ni = 1;
	while (b.periph.tohost == 0 && !b.top.lockup_o && b.periph.cycle < opt.max_cycles)
		b.tick();
	lockup = b.top.lockup_o;
	if (opt.signature) {
		signature.push_back(b.periph.tohost);
		for (uint32_t a = b.periph.sig_begin; a < b.periph.sig_end && a < sram_bytes;
		     a += 4)
			signature.push_back(b.mem[a / 4]);
		if (tb_write_signature(opt.signature, signature))
			return 1;
	}
	b.top.final();
	return tb_verdict(b.periph, opt, lockup);
}
