// SPDX-License-Identifier: MIT
//
// Bench of the whole microcontroller: loads an image through the host port, reads it back, runs it
// until it reports, and reads the signature through the host port. The core's clock stops while
// sleep_o is high.

#include "Vig1_mcu.h"
#include "tb_common.h"
#include "verilated.h"

static const uint32_t sram_bytes = 65536;

struct bench {
	Vig1_mcu top;
	struct tb_options opt;
	tb_random rnd;
	struct tb_periph periph;
	struct tb_channel chan;

	explicit bench(const struct tb_options &o) : opt(o), rnd(o.seed), periph(rnd, opt)
	{
	}

	void tick()
	{
		struct tb_request req;
		uint32_t rdata;
		bool accept, asleep, err;

		chan.choose(rnd, opt.stall);
		top.periph_req_ready_i = chan.ready;
		top.periph_rsp_valid_i = chan.rsp_valid();
		top.periph_rsp_rdata_i = chan.rsp_valid() ? chan.rdata : rnd.next();
		top.periph_rsp_err_i = chan.rsp_valid() ? chan.err : rnd.next() & 1;
		top.irq_i = periph.irq;
		top.eval();
		accept = top.periph_req_valid_o && chan.ready;
		req.addr = top.periph_req_addr_o;
		req.wdata = top.periph_req_wdata_o;
		req.be = top.periph_req_be_o;
		req.we = top.periph_req_we_o;
		asleep = top.sleep_o;

		top.clk_timer_i = 1;
		top.clk_i = !asleep;
		top.eval();
		top.clk_timer_i = 0;
		top.clk_i = 0;
		top.eval();

		chan.retire();
		if (accept) {
			err = periph.access(req, &rdata);
			chan.answer(rnd, opt, rdata, err);
		}
		periph.tick(asleep);
	}

	void load_write(uint32_t addr, uint32_t data)
	{
		top.load_valid_i = 1;
		top.load_we_i = 1;
		top.load_addr_i = addr;
		top.load_wdata_i = data;
		load_wait();
	}

	uint32_t load_read(uint32_t addr)
	{
		top.load_valid_i = 1;
		top.load_we_i = 0;
		top.load_addr_i = addr;
		return load_wait();
	}

	uint32_t load_wait()
	{
		uint32_t data;
		int n = 0;

		for (;; n++) {
			top.eval();
			if (top.load_ready_o)
				break;
			if (n > 10) {
				fprintf(stderr, "load port: no ready\n");
				exit(1);
			}
			tick();
		}
		data = top.load_rdata_o;
		tick();
		top.load_valid_i = 0;
		return data;
	}

	int load(const std::vector<uint32_t> &image)
	{
		for (uint32_t i = 0; i < image.size(); i++)
			load_write(4 * i, image[i]);
		// Beyond the SRAM: dropped, not wrapped.
		load_write(sram_bytes, ~image[0]);
		load_write(0x80000000u, ~image[0]);
		for (uint32_t i = 0; i < image.size(); i++) {
			uint32_t word = load_read(4 * i);

			if (word != image[i]) {
				fprintf(stderr, "load port: 0x%x reads 0x%08x, wrote 0x%08x\n",
					4 * i, word, image[i]);
				return -1;
			}
		}
		if (load_read(sram_bytes) != 0) {
			fprintf(stderr, "load port: read beyond the SRAM is not zero\n");
			return -1;
		}
		return 0;
	}

	// Runs until the program reports, the core locks up or the limit.
	void run(uint64_t limit)
	{
		const uint64_t end = periph.cycle + limit;

		top.core_rst_ni = 1;
		while (periph.tohost == 0 && !top.lockup_o && periph.cycle < end)
			tick();
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

	b.top.clk_i = 0;
	b.top.clk_timer_i = 0;
	b.top.load_valid_i = 0;
	b.top.rst_ni = 1;
	b.top.core_rst_ni = 1;
	b.top.eval();
	b.top.rst_ni = 0;
	b.top.core_rst_ni = 0;
	b.tick();
	b.tick();
	b.top.rst_ni = 1;
	b.tick();
	if (b.load(image))
		return 1;
	if (opt.kill_cycle) {
		b.run(opt.kill_cycle);
		b.top.core_rst_ni = 0;
		b.tick();
		if (opt.reload && b.load(image))
			return 1;
		// The peripheral is reset too, but for an access still to be answered.
		b.periph.tohost = 0;
		b.periph.irq = false;
		b.periph.irq_delay = 0;
	}
	b.run(opt.max_cycles);
	lockup = b.top.lockup_o;
	b.top.core_rst_ni = 0;
	b.tick();
	if (b.top.lockup_o || b.top.sleep_o) {
		fprintf(stderr, "lockup or sleep in reset\n");
		return 1;
	}
	if (opt.signature) {
		signature.push_back(b.periph.tohost);
		for (uint32_t a = b.periph.sig_begin; a < b.periph.sig_end; a += 4)
			signature.push_back(b.load_read(a));
		if (tb_write_signature(opt.signature, signature))
			return 1;
	}
	b.top.final();
	return tb_verdict(b.periph, opt, lockup);
}
