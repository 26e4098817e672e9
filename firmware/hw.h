/* SPDX-License-Identifier: MIT */
/*
 * The firmware's way to its hardware. On the MCU these are inline (hw_mmio.h); a host build links
 * functions of the same names over a model of the chip (tests/mock.c). Everything but start.S and
 * hw_mmio.h therefore builds and runs on both.
 *
 * Registers are named by their byte offset in the MCU block (IG1_MCU_*).
 */
#ifndef FW_HW_H
#define FW_HW_H

#include <stdint.h>

#include "ig1_chip.h"

#ifdef __riscv
#include "hw_mmio.h"
#else
uint32_t hw_read32(uint32_t reg);
void hw_write32(uint32_t reg, uint32_t value);
/* Address of static data as the copy engine knows it. */
uint32_t hw_local(const void *p);
/* The device tree window, IG1_FDT_WINDOW_BYTES, read by words only. */
const volatile uint32_t *hw_fdt(void);
/* SRAM that nothing uses, in words; below it and above it the firmware lives. */
volatile uint32_t *hw_spare(uint32_t *words);
uint64_t hw_cycle(void);
/* Returns when an event of IRQ_MASK is pending; at once if one is already. */
void hw_wait(void);
#endif

static inline void hw_write64(uint32_t reg, uint64_t value)
{
	hw_write32(reg, (uint32_t)value);
	hw_write32(reg + 4, (uint32_t)(value >> 32));
}

#endif
