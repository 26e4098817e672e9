/* SPDX-License-Identifier: MIT */
/*
 * As little of a driver as runs a job: memory, firmware, one queue, page tables, a decode job of
 * the model in a mask; and the same job on the reference model in a copy of the memory.
 */
#ifndef SIM_DRIVER_H
#define SIM_DRIVER_H

#include <stdbool.h>
#include <stdint.h>

#include "ig1_chip.h"
#include "vfu_client.h"

#define SIM_RAM	       0x1000000u
#define SIM_BASE       0x40000000ull /* bus address of the memory */
#define SIM_ENTRIES    4u	     /* of a ring */
#define SIM_SHARED     0u	     /* by file */
#define SIM_BY_MESSAGE 1u

struct sim_driver {
	struct vfu_client c;
	int ram_fd, irq[IG1_VECTORS];
	uint8_t *ram;
	uint64_t used; /* bump allocator */
	uint64_t root; /* bus address of the page table */
	uint64_t rings;
	uint64_t results, results_end; /* what a job writes, offsets */
	uint32_t tail, seq;
	struct ig1_job job;
};

/* Connects, maps memory, switches the device on. All abort with a message if something fails. */
void sim_open(struct sim_driver *d, const char *socket, uint32_t how);
/* Drops the connection. */
void sim_close(struct sim_driver *d);
/* What a reset takes away: command register, MSI-X, firmware, queue 0. false: no READY. */
bool sim_boot(struct sim_driver *d, const char *firmware);

uint32_t sim_get(struct sim_driver *d, uint32_t reg);
void sim_set(struct sim_driver *d, uint32_t reg, uint32_t v);
/* 0 or IG1_MBOX_E*, 255: no answer within ms. */
uint32_t sim_mailbox(struct sim_driver *d, uint32_t cmd, uint32_t a0, uint64_t a12, int ms);

/* Fills memory for a decode job over the mask's model: one column, `steps` tokens. */
void sim_prepare(struct sim_driver *d, const char *mask, uint32_t token, uint32_t steps);
/* Puts it into the ring. */
void sim_submit(struct sim_driver *d, uint64_t id);
/* Waits for the interrupt and takes the completion. false: none within ms. */
bool sim_wait(struct sim_driver *d, struct ig1_completion *done, int ms);

/*
 * Runs the prepared job on the reference model and compares: completion, untimed counters, every
 * byte the job may write. `before` is the memory before the job. Returns what differs, or NULL.
 */
const char *sim_compare(struct sim_driver *d, const char *mask, const uint8_t *before,
			const struct ig1_completion *done);

#endif
