/* SPDX-License-Identifier: MIT */
/*
 * A chip behind its registers, as the sim back end drives it: BAR0, host memory, time. Two bodies:
 * sim_chip_rtl.c is the Verilated RTL, tests/conformance has one of the reference model and a
 * few lines of firmware, with which the driver's side is tested where there is no Verilator.
 *
 * One thread at a time. Bus callbacks come from inside the calls.
 */
#ifndef ACCEL_SIM_CHIP_H
#define ACCEL_SIM_CHIP_H

#include "ref.h" /* struct ig1_mask, struct ig1_bus */

struct sim_chip;

/*
 * Powers a chip of this configuration up, with the MCU in reset. Everything passed outlives it.
 * -ENOTSUP: there is no such chip; -EINVAL: the mask does not fit it; -ENOMEM.
 */
int sim_chip_open(const struct ig1_config *cfg, const struct ig1_mask *mask, const void *fdt,
		  size_t fdt_bytes, const struct ig1_bus *bus, struct sim_chip **out);
void sim_chip_close(struct sim_chip *chip);

uint32_t sim_chip_read32(struct sim_chip *chip, uint32_t offset);
void sim_chip_write32(struct sim_chip *chip, uint32_t offset, uint32_t value);

/* Runs n cycles, or fewer if an interrupt is raised or nothing is left to do; returns how many. */
uint64_t sim_chip_run(struct sim_chip *chip, uint64_t n);
/* Interrupt vectors raised since the last call. */
uint32_t sim_chip_irqs(struct sim_chip *chip);

#endif
