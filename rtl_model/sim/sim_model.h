/* SPDX-License-Identifier: MIT */
/* What sim.cpp and the variants' wrappers share. */
#ifndef IG1_SIM_MODEL_H
#define IG1_SIM_MODEL_H

#include <cstdint>

#include "sim.h"

/* Pins of one Verilated model. The host bus behind them is sim_bus. */
class sim_chip
{
public:
	virtual ~sim_chip() = default;
	virtual void cycles(uint64_t n, bool until_event, uint64_t *run) = 0;
	virtual uint32_t bar0(bool we, uint32_t offset, uint32_t value) = 0;
	virtual bool debug(bool we, uint32_t addr, uint32_t value, uint32_t *out, bool *err) = 0;
	virtual bool idle() const = 0;

	uint32_t irqs = 0;
	uint64_t now = 0;
};

struct sim_setup {
	unsigned int chip;
	const struct ig1_bus *bus;
	const struct ig1_sim_options *options;
};

struct ig1_sim_model {
	const struct ig1_config *config;
	bool sram_outside; /* the DPI body's SRAM, prim_dpi_mem.h */
	sim_chip *(*create)(const struct sim_setup *setup);
};

#endif
