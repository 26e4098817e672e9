/* SPDX-License-Identifier: MIT */
/* hw.h on the MCU. Inline: a launch alone is more than thirty register writes. */
#ifndef FW_HW_MMIO_H
#define FW_HW_MMIO_H

/* From the linker script. */
extern uint32_t fw_spare_begin[], fw_spare_end[];

static inline uint32_t hw_read32(uint32_t reg)
{
	return *(const volatile uint32_t *)(IG1_MCU_BASE + reg);
}

static inline void hw_write32(uint32_t reg, uint32_t value)
{
	*(volatile uint32_t *)(IG1_MCU_BASE + reg) = value;
}

static inline uint32_t hw_local(const void *p)
{
	/* What the copy engine reads must have been stored, what it writes must be loaded anew. */
	__asm__ volatile("" ::: "memory");
	return (uint32_t)p;
}

static inline const volatile uint32_t *hw_fdt(void)
{
	return (const volatile uint32_t *)IG1_MCU_FDT_WINDOW;
}

static inline volatile uint32_t *hw_spare(uint32_t *words)
{
	*words = (uint32_t)(fw_spare_end - fw_spare_begin);
	return fw_spare_begin;
}

static inline uint64_t hw_cycle(void)
{
	uint32_t hi, lo, again;

	do {
		__asm__ volatile("csrr %0, mcycleh\n\tcsrr %1, mcycle\n\tcsrr %2, mcycleh"
				 : "=r"(hi), "=r"(lo), "=r"(again));
	} while (hi != again);
	return (uint64_t)hi << 32 | lo;
}

/* The interrupt line is a level and never taken (mstatus.MIE is clear): no event between a check
 * and the wfi is lost. */
static inline void hw_wait(void)
{
	__asm__ volatile("wfi" ::: "memory");
}

#endif
