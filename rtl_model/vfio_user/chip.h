/* SPDX-License-Identifier: MIT */
/*
 * What the PCI device needs of a chip. chip_sim.c is the Verilated one; tests bring their own.
 * One thread at a time per chip; bus callbacks come from inside the calls.
 */
#ifndef VFIO_USER_CHIP_H
#define VFIO_USER_CHIP_H

#include <stddef.h>
#include <stdint.h>

#include "ref.h" /* struct ig1_bus */

struct chip_ops {
	/*
	 * Powers up, MCU in reset. The bus answers reads and writes with 0, a negative errno or
	 * -EINPROGRESS; in the last case finish(bus->ctx, dst, n) has the answer to the oldest such
	 * request when it no longer returns -EINPROGRESS (rtl_model/sim/sim.h).
	 */
	int (*create)(void *arg, const struct ig1_bus *bus,
		      int (*finish)(void *ctx, void *dst, size_t n), void **chip);
	void (*destroy)(void *chip);
	/* BAR0; offset is a multiple of 4. Never waits for the bus. */
	uint32_t (*read32)(void *chip, uint32_t offset);
	void (*write32)(void *chip, uint32_t offset, uint32_t value);
	/* At most n cycles: fewer on an interrupt, when idle, or to wait for finish. How many. */
	uint64_t (*run)(void *chip, uint64_t n);
	/* Interrupts raised since the last call, one bit per vector. */
	uint32_t (*irqs)(void *chip);
	/* Nothing will happen without the host. */
	int (*idle)(void *chip);
};

#endif
