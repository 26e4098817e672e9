/* SPDX-License-Identifier: MIT */
/*
 * The chip's RTL, Verilated, as a library: registers, host memory, interrupts, cycles.
 *
 * A chip is one of the models below, each in a static library of its own (libig1_sim_<name>.a);
 * several may be linked into one program and run side by side. Time passes only inside calls.
 *
 * Ownership: masks, device tree and bus belong to the caller and outlive the chip. Bus callbacks
 * come from inside the calls, on the caller's thread. Threads: one at a time per chip; different
 * chips are independent. At most 256 chips exist at once.
 */
#ifndef IG1_SIM_H
#define IG1_SIM_H

#include <stddef.h>
#include <stdint.h>

#include "ref.h"

#ifdef __cplusplus
extern "C" {
#endif

#define IG1_SIM_READ_LATENCY 200 /* cycles, default */

struct ig1_sim;
struct ig1_sim_model;

/* Configuration and body of the leaves: the same bits and cycles, `dpi` is the fast one. */
extern const struct ig1_sim_model ig1_sim_default_dpi;
extern const struct ig1_sim_model ig1_sim_default_gates;
extern const struct ig1_sim_model ig1_sim_small_dpi;
extern const struct ig1_sim_model ig1_sim_small_gates;

struct ig1_sim_options {
	uint32_t seed;	       /* random contents of unreset registers and memories; 0: zeros */
	uint32_t read_latency; /* cycles of a host read, at least 1; writes are posted */
	uint32_t stall;	   /* per cent of cycles in which the host bus is not ready (needs seed) */
	const char *trace; /* FST file; NULL: none. Ignored by models built without tracing */
	/*
	 * Optional; with it the bus's read and write may return -EINPROGRESS. The answer to the
	 * oldest such request then comes from here: -EINPROGRESS as long as there is none, else as
	 * from read (n bytes to dst) or write (dst is NULL).
	 */
	int (*finish)(void *bus_ctx, void *dst, size_t n);
};

/*
 * Powers a chip up; the MCU is in reset. options may be NULL.
 * 0, -EINVAL (mask larger than the chip's ROM), -EBUSY (256 chips), -ENOMEM.
 */
int ig1_sim_create(const struct ig1_sim_model *model, const struct ig1_mask *mask, const void *fdt,
		   size_t fdt_bytes, const struct ig1_bus *bus,
		   const struct ig1_sim_options *options, struct ig1_sim **out);
void ig1_sim_destroy(struct ig1_sim *sim);
const struct ig1_config *ig1_sim_config(const struct ig1_sim *sim);

/* BAR0, offsets of ig1_chip.h; an access takes a few cycles. Offsets beyond BAR0 wrap. */
uint32_t ig1_sim_read32(struct ig1_sim *sim, uint32_t offset);
void ig1_sim_write32(struct ig1_sim *sim, uint32_t offset, uint32_t value);

/* Runs n cycles. */
void ig1_sim_step(struct ig1_sim *sim, uint64_t n);
/*
 * Runs until an interrupt is raised, the chip is idle (nothing will happen without the host but
 * for the MCU's timer), an answer of the bus is due that finish does not have yet, or n cycles have
 * passed. Returns the cycles run.
 */
uint64_t ig1_sim_run(struct ig1_sim *sim, uint64_t n);
/* Vectors raised since the last call, one bit each. */
uint32_t ig1_sim_irqs(struct ig1_sim *sim);
int ig1_sim_idle(const struct ig1_sim *sim);
uint64_t ig1_sim_cycles(const struct ig1_sim *sim);

/*
 * Debug port: the MCU's peripheral bus while the MCU is held in reset (CONTROL.MCU_RUN = 0).
 * 0, -EIO (bus error), -EBUSY (the MCU runs).
 */
int ig1_sim_debug_read(struct ig1_sim *sim, uint32_t addr, uint32_t *value);
int ig1_sim_debug_write(struct ig1_sim *sim, uint32_t addr, uint32_t value);

/* Resident SRAM, cfg->sram_bytes; NULL: the model holds it in gates. */
uint8_t *ig1_sim_sram(struct ig1_sim *sim);

#ifdef __cplusplus
}
#endif

#endif
