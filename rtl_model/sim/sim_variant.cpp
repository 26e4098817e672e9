// SPDX-License-Identifier: MIT
/*
 * One Verilated model behind sim_chip. Compiled once per variant with
 *   SIM_CLASS (the Verilated class), SIM_HEADER, SIM_NAME (the symbol), SIM_CONFIG (index into
 *   ig1_configs), SIM_BODY_DPI (0 or 1), SIM_MEM_BYTES.
 *
 * A cycle: outputs are those after the last rising edge; inputs are set with the falling one, then
 * comes the rising one. No output of the chip depends on an input within the cycle, so this is the
 * whole handshake.
 */
#include <memory>

#include <verilated.h>
#if VM_TRACE_FST
#include <verilated_fst_c.h>
#endif

#include "fp.h"
#include "sim_bus.h"
#include "sim_model.h"

#include SIM_HEADER

namespace
{

struct random_bits {
	uint64_t state;

	/* xorshift64* (Vigna 2016) */
	uint32_t next()
	{
		state ^= state >> 12;
		state ^= state << 25;
		state ^= state >> 27;
		return static_cast<uint32_t>((state * UINT64_C(0x2545f4914f6cdd1d)) >> 32);
	}
};

class variant final : public sim_chip
{
public:
	explicit variant(const struct sim_setup *setup);
	~variant() override;
	void cycles(uint64_t n, bool until_event, uint64_t *run) override;
	uint32_t bar0(bool we, uint32_t offset, uint32_t value) override;
	bool debug(bool we, uint32_t addr, uint32_t value, uint32_t *out, bool *err) override;
	bool idle() const override;

private:
	void cycle();
	void edge();
	void dump();

	VerilatedContext context;
	std::unique_ptr<SIM_CLASS> top;
	sim_bus<SIM_MEM_BYTES> bus;
	random_bits rnd;
	uint32_t stall;
#if VM_TRACE_FST
	std::unique_ptr<VerilatedFstC> trace;
#endif
};

/* The leaves compute in the chip's floating-point mode. */
struct fp_mode {
	struct ig1_fpenv env = ig1_fp_enter();

	~fp_mode()
	{
		ig1_fp_leave(env);
	}
};

variant::variant(const struct sim_setup *setup)
	: bus(*setup->bus, setup->options->read_latency, setup->options->finish),
	  rnd{ (setup->options->seed + UINT64_C(1)) * UINT64_C(0x9e3779b97f4a7c15) },
	  stall(setup->options->seed ? setup->options->stall : 0)
{
	fp_mode mode;

	if (setup->options->seed) {
		context.randReset(2);
		context.randSeed(static_cast<int>(setup->options->seed & 0x7fffffff));
	} else {
		context.randReset(0);
	}
	/* nothing holds before the first clock edges have reached every register */
	context.assertOn(false);
#if VM_TRACE_FST
	context.traceEverOn(setup->options->trace != nullptr);
#endif
	top.reset(new SIM_CLASS(&context, "ig1"));
#if VM_TRACE_FST
	if (setup->options->trace) {
		trace.reset(new VerilatedFstC);
		top->trace(trace.get(), 99);
		trace->open(setup->options->trace);
	}
#endif
	top->chip_i = static_cast<uint8_t>(setup->chip);
	top->b_valid_i = 0;
	top->d_valid_i = 0;
	top->h_req_ready_i = 0;
	top->h_rsp_valid_i = 0;
	top->h_rsp_err_i = 0;
	top->clk_i = 0;
	top->rst_ni = 1;
	top->eval();
	top->rst_ni = 0;
	top->eval();
	for (int i = 0; i < 4; i++)
		edge();
	top->rst_ni = 1;
	context.assertOn(true);
	for (int i = 0; i < 4; i++)
		edge();
	top->h_req_ready_i = 1;
	now = 0;
}

variant::~variant()
{
#if VM_TRACE_FST
	if (trace)
		trace->close();
#endif
	/* Verilator 5.006 takes scopes down through the thread's context, which may be that of a
	 * chip that is gone. */
	Verilated::threadContextp(&context);
	top->final();
}

/* The clock falls with the new inputs, so that what assertions sample at the edge follows them. */
void variant::edge()
{
	top->clk_i = 0;
	top->eval();
	dump();
	top->clk_i = 1;
	top->eval();
	dump();
	now++;
}

inline void variant::dump()
{
#if VM_TRACE_FST
	context.timeInc(1);
	if (trace)
		trace->dump(context.time());
#endif
}

inline void variant::cycle()
{
	const uint32_t *data;
	bool err;

	if (stall)
		top->h_req_ready_i = rnd.next() % 100 >= stall && !bus.full();
	if (top->h_req_valid_o && top->h_req_ready_i)
		bus.request(now, top->h_req_we_o, top->h_req_addr_o, top->h_req_bytes_o,
			    &top->h_req_data_o[0]);
	if (bus.response(now, &err, &data)) {
		top->h_rsp_valid_i = 1;
		top->h_rsp_err_i = err;
		if (data)
			memcpy(&top->h_rsp_data_i[0], data, SIM_MEM_BYTES);
	} else {
		top->h_rsp_valid_i = 0;
	}
	edge();
	irqs |= top->irq_o;
}

void variant::cycles(uint64_t n, bool until_event, uint64_t *run)
{
	fp_mode mode;
	uint64_t i;

	for (i = 0; i < n; i++) {
		if (until_event && (irqs || top->idle_o))
			break;
		cycle();
		if (until_event && bus.waiting()) {
			i++;
			break;
		}
	}
	*run = i;
}

uint32_t variant::bar0(bool we, uint32_t offset, uint32_t value)
{
	fp_mode mode;
	uint32_t out;

	top->b_valid_i = 1;
	top->b_we_i = we;
	top->b_addr_i = offset & 0x1ffff;
	top->b_wdata_i = value;
	do
		cycle();
	while (!top->b_ready_o);
	out = top->b_rdata_o;
	cycle();
	top->b_valid_i = 0;
	return out;
}

bool variant::debug(bool we, uint32_t addr, uint32_t value, uint32_t *out, bool *err)
{
	fp_mode mode;

	top->d_valid_i = 1;
	top->d_we_i = we;
	top->d_addr_i = addr;
	top->d_wdata_i = value;
	do
		cycle();
	while (!top->d_ready_o);
	*out = top->d_rdata_o;
	*err = top->d_err_o;
	cycle();
	top->d_valid_i = 0;
	return true;
}

bool variant::idle() const
{
	return top->idle_o;
}

sim_chip *create(const struct sim_setup *setup)
{
	return new variant(setup);
}

} // namespace

extern "C" {
extern const struct ig1_sim_model SIM_NAME;
const struct ig1_sim_model SIM_NAME = { &ig1_configs[SIM_CONFIG], SIM_BODY_DPI != 0, create };
}
