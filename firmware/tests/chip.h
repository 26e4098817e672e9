/* SPDX-License-Identifier: MIT */
/*
 * Model of what surrounds the MCU, for tests: its peripheral registers as the firmware and as the
 * host see them, copy engine, host memory, resident SRAM, ROM and a sequencer whose jobs end when
 * the test says so. It records what happens in order, and counts breaches of the register contract.
 */
#ifndef FW_TESTS_CHIP_H
#define FW_TESTS_CHIP_H

#include <stddef.h>
#include <stdint.h>

#include "ig1_chip.h"

#define CHIP_HOST_BASE	0x1230000000ull
#define CHIP_HOST_BYTES (1u << 20)
#define CHIP_SRAM_BYTES (1u << 20)
#define CHIP_ROM_BYTES	(64u << 10)
#define CHIP_JOURNAL	4096
#define CHIP_BREACHES	256

enum chip_event {
	CHIP_READ,   /* copy from host: address, bytes */
	CHIP_WRITE,  /* copy to host: address, bytes */
	CHIP_ZERO,   /* resident SRAM: offset, bytes */
	CHIP_LAUNCH, /* address of the program, SEQ_GO */
	CHIP_ABORT,
	CHIP_IRQ,  /* vector */
	CHIP_DONE, /* MBOX_DONE */
};

struct chip_record {
	enum chip_event event;
	uint64_t a, b;
};

struct chip {
	uint8_t host[CHIP_HOST_BYTES];
	uint8_t sram[CHIP_SRAM_BYTES];
	uint32_t rom[CHIP_ROM_BYTES / 4];
	uint32_t fdt[IG1_FDT_WINDOW_BYTES / 4];
	uint32_t fdt_size;

	uint32_t pending, mask;
	uint32_t fw[4]; /* state, error, abi, version */
	uint32_t mbox_cmd, mbox_seq, mbox_arg[4];
	uint32_t mbox_done, mbox_ret, mbox_val, mbox_out[4];
	uint32_t bell_mask, bell[IG1_QUEUES];
	uint32_t copy[5]; /* host, local, bytes and direction */
	uint32_t copy_left;
	int copy_error;
	uint32_t seq[(IG1_MCU_SEQ_GO - IG1_MCU_SEQ_PT_ROOT(0)) / 4];  /* as written */
	uint32_t live[(IG1_MCU_SEQ_GO - IG1_MCU_SEQ_PT_ROOT(0)) / 4]; /* of the job, from SEQ_GO */
	int busy;
	uint32_t abort_left;
	uint32_t fault, fault_index, emitted, traced;
	uint64_t fault_addr, counters[IG1_CTR_COUNT];
	uint64_t rom_at;
	uint32_t sram_at;

	/* Behaviour, set by tests. */
	uint32_t copy_delay, abort_delay; /* status reads until done */
	uint64_t refuse_at, refuse_bytes; /* the host refuses this range */
	uint32_t ring_queue, ring_tail; /* a doorbell rings when the next copy ends; tail 0: not */
	uint32_t sram_stuck;		/* bits of resident SRAM that read as one */
	uint32_t sram_alias;		/* address bits it ignores */

	/* Bytes of the MCU's SRAM at a copy's local address, or NULL. */
	uint8_t *(*local)(void *ctx, uint32_t addr, uint32_t bytes);
	void *local_ctx;

	struct chip_record journal[CHIP_JOURNAL];
	unsigned int n_journal;
	unsigned int breaches;
	char breach[CHIP_BREACHES]; /* the first one */
};

void chip_init(struct chip *c);

/* The MCU's side. */
uint32_t chip_read(struct chip *c, uint32_t reg);
void chip_write(struct chip *c, uint32_t reg, uint32_t value);
int chip_irq(const struct chip *c);

/* The host's side. */
void *chip_host(struct chip *c, uint64_t bus, uint64_t bytes); /* NULL: refused */
void chip_doorbell(struct chip *c, uint32_t queue, uint32_t tail);
void chip_mbox(struct chip *c, uint32_t cmd, uint32_t a0, uint32_t a1, uint32_t a2, uint32_t a3);

/* Ends the running job. Counters, emitted and traced are made from `n`. */
void chip_finish(struct chip *c, uint32_t fault, uint64_t addr, uint32_t index, uint32_t n);
uint64_t chip_counter(uint32_t n, uint32_t i);

/* A device tree of a small chip in `c`, and a ROM that fits. */
int chip_make_tree(struct chip *c);
/* Its sum as the device tree wants it. */
uint32_t chip_rom_check(const struct chip *c);

#endif
