/* SPDX-License-Identifier: MIT */
/*
 * Interpreter of RV32IM with machine mode, its bus that of the chip's MCU (rtl_model/rtl/mcu): SRAM
 * from 0, peripherals and device tree from the model. For running the firmware's image in tests and
 * for counting its instructions. Cycles follow the core's rules (ig1_mcu_core.sv) with peripherals
 * that answer in the next cycle.
 */
#ifndef FW_TESTS_RV32_H
#define FW_TESTS_RV32_H

#include <stdint.h>

#include "chip.h"

struct rv32 {
	uint32_t pc, x[32];
	uint32_t mstatus, mie, mtvec, mscratch, mepc, mcause, mtval;
	uint64_t cycle, instret;
	uint32_t traps;
	uint32_t low_sp; /* lowest stack pointer after start */
	int asleep;
	struct chip *chip;
	/* When each peripheral register was last written. */
	uint64_t written_instret[IG1_MCU_SIZE / 4], written_cycle[IG1_MCU_SIZE / 4];
	uint8_t mem[IG1_MCU_SRAM_BYTES];
};

void rv32_reset(struct rv32 *cpu, struct chip *chip);

/* Runs until wfi finds nothing pending: 0; or `limit` instructions have been executed: -1. */
int rv32_run(struct rv32 *cpu, uint64_t limit);

#endif
