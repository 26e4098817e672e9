/* SPDX-License-Identifier: MIT */
/*
 * Reference model of IG1: executes jobs bit for bit as the chip does (docs/isa.md), including
 * faults, address translation and every counter that does not depend on time. It knows nothing of
 * queues and firmware: one call runs one job to its end.
 *
 * Ownership: the caller owns ROM, constant ROM and host memory and keeps them for the model's life.
 * Threads: one at a time per model.
 */
#ifndef IG1_REF_H
#define IG1_REF_H

#include <stddef.h>
#include <stdint.h>

#include "ig1_chip.h"

/* Host memory as the chip's bus master sees it. Both return 0 or a negative errno (fault `bus`). */
struct ig1_bus {
	void *ctx;
	int (*read)(void *ctx, uint64_t addr, void *dst, size_t n);
	int (*write)(void *ctx, uint64_t addr, const void *src, size_t n);
	/* Optional: a pointer through which [addr, addr+n) stays readable and writable for the call
	 * in progress, or NULL. n never crosses a 4096-byte boundary. */
	void *(*map)(void *ctx, uint64_t addr, size_t n);
};

struct ig1_mask {
	const uint8_t *rom; /* weight ROM */
	size_t rom_bytes;
	const uint8_t *crom; /* constant ROM, fp32 little-endian */
	size_t crom_bytes;
};

struct ig1_ref;

/*
 * Called after each command that has been executed (not for faulting ones), for lockstep checks:
 * index = command index, w = its 32 words.
 */
typedef void (*ig1_ref_step_fn)(void *ctx, uint32_t index, const uint32_t w[32]);

/* 0, -EINVAL (mask larger than the chip's ROM), -ENOMEM. */
int ig1_ref_create(const struct ig1_config *cfg, const struct ig1_mask *mask,
		   const struct ig1_bus *bus, struct ig1_ref **out);
void ig1_ref_destroy(struct ig1_ref *ref);
void ig1_ref_set_step(struct ig1_ref *ref, ig1_ref_step_fn fn, void *ctx);

/*
 * Runs `job`; fills `done` (all but head and phase). scratch is cleared first when `clear` is set
 * (the firmware does so when the context changes). The watchdog counts commands, 4096 to a cycle
 * budget of one command, since the model has no time; it exists to bound a run, not to equal the
 * chip's. Always returns with the job finished.
 */
void ig1_ref_run(struct ig1_ref *ref, const struct ig1_job *job, int clear,
		 struct ig1_completion *done);

/* May be called from another thread or a signal handler: the running job ends with fault abort. */
void ig1_ref_abort(struct ig1_ref *ref);

/* Scratch and resident SRAM, for tests and for the firmware's sram_zero. */
uint8_t *ig1_ref_scratch(struct ig1_ref *ref);
uint8_t *ig1_ref_sram(struct ig1_ref *ref);

#endif
