// SPDX-License-Identifier: MIT
/* The end of the firmware. The host sees FW_STATE and resets the chip. */
#include "fw.h"
#include "hw.h"
#include "log.h"

void fw_trap_report(uint32_t cause, uint32_t pc, uint32_t value)
{
	hw_write32(IG1_MCU_IRQ_MASK, 0);
	/* Nobody would notice the job's end. */
	hw_write32(IG1_MCU_SEQ_ABORT, 1);
	hw_write32(IG1_MCU_MBOX_OUT(0), cause);
	hw_write32(IG1_MCU_MBOX_OUT(1), pc);
	hw_write32(IG1_MCU_MBOX_OUT(2), value);
	hw_write32(IG1_MCU_FW_ERROR, IG1_FW_ERROR_TRAP);
	hw_write32(IG1_MCU_FW_STATE, IG1_FW_STATE_FAILED);
	/* Found in the SRAM through LOAD_DATA. */
	log_put(LOG_ERROR, "trap %x at %x", cause, pc);
}

void fw_trap(uint32_t cause, uint32_t pc, uint32_t value)
{
	fw_trap_report(cause, pc, value);
	for (;;)
		hw_wait();
}
