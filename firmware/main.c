// SPDX-License-Identifier: MIT
/* The loop. Interrupts only wake it: everything is found by looking. */
#include "fw.h"
#include "hw.h"
#include "mailbox.h"
#include "queue.h"
#include "sched.h"

#define EVENTS (IG1_MCU_IRQ_PENDING_DOORBELL | IG1_MCU_IRQ_PENDING_MBOX | IG1_MCU_IRQ_PENDING_JOB)

int fw_step(void)
{
	uint32_t pending = hw_read32(IG1_MCU_IRQ_PENDING);
	int more;

	/* Cleared before the looking: what happens from now on sets it again. */
	hw_write32(IG1_MCU_IRQ_PENDING, pending);
	if (pending & IG1_MCU_IRQ_PENDING_DOORBELL)
		queue_doorbells();
	more = sched_poll();
	if (pending & IG1_MCU_IRQ_PENDING_MBOX) {
		mailbox_run();
		more = 1;
	}
	return more;
}

void fw_main(void)
{
	sched_init();
	hw_write32(IG1_MCU_IRQ_MASK, EVENTS);
	/* A chip that failed still answers the mailbox, so that its log can be read. */
	fw_boot();
	for (;;) {
		if (!fw_step())
			hw_wait();
	}
}
