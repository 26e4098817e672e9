/* SPDX-License-Identifier: MIT */
/* What the firmware's files share: build number, helpers without a C library, entry points. */
#ifndef FW_FW_H
#define FW_FW_H

#include <stddef.h>
#include <stdint.h>

#include "ig1_chip.h"

#define FW_VERSION 0x00010100u /* major << 16 | minor << 8 | patch */

/* What the device tree says about this chip; valid after a successful boot. */
struct fw_chip {
	uint32_t sram_bytes; /* resident SRAM */
	uint64_t rom_bytes;  /* used weight ROM */
	uint64_t clock_hz;
};

extern struct fw_chip fw_chip;

/*
 * Self-test, device tree, registers FW_*. Returns IG1_FW_ERROR_*; the state is ready or failed
 * accordingly.
 */
uint32_t fw_boot(void);

/* Handles what is pending. Nonzero: there may be more to do, do not sleep. */
int fw_step(void);

/* Never returns. */
void fw_main(void) __attribute__((noreturn));

/* The vector's end: an exception nobody expects. Never returns. */
void fw_trap(uint32_t cause, uint32_t pc, uint32_t value) __attribute__((noreturn));
/* Its part that is not endless. */
void fw_trap_report(uint32_t cause, uint32_t pc, uint32_t value);

#ifndef __riscv
#include <string.h>
#else
void *memcpy(void *restrict dst, const void *restrict src, size_t n);
void *memset(void *dst, int value, size_t n);
#endif

#endif
