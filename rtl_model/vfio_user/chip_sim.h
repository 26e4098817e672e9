/* SPDX-License-Identifier: MIT */
/* The Verilated chip. */
#ifndef CHIP_SIM_H
#define CHIP_SIM_H

#include "chip.h"
#include "sim.h"

struct mask_file;

/* chip_arg for chip_sim; outlives the device. */
struct chip_sim_arg {
	const struct ig1_sim_model *model;
	const struct mask_file *mask;
	uint32_t seed, latency; /* struct ig1_sim_options */
};

extern const struct chip_ops chip_sim;

/* config as in the device tree; leaves "dpi" or "gates". NULL: it is not in this program. */
const struct ig1_sim_model *chip_sim_model(const char *config, const char *leaves);

#endif
