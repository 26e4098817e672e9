// SPDX-License-Identifier: MIT
/* Jobs on the Verilated chip without firmware. */
#include "simjob.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ig1_chip.h"

uint32_t simjob_reg(struct ig1_sim *sim, uint32_t offset)
{
	uint32_t v = 0;

	if (ig1_sim_debug_read(sim, IG1_MCU_BASE + offset, &v))
		printf("Bail out! debug read of %#x\n", offset), exit(1);
	return v;
}

void simjob_set_reg(struct ig1_sim *sim, uint32_t offset, uint32_t v)
{
	if (ig1_sim_debug_write(sim, IG1_MCU_BASE + offset, v))
		printf("Bail out! debug write of %#x\n", offset), exit(1);
}

static void set_reg64(struct ig1_sim *sim, uint32_t offset, uint64_t v)
{
	simjob_set_reg(sim, offset, (uint32_t)v);
	simjob_set_reg(sim, offset + 4, (uint32_t)(v >> 32));
}

void simjob_launch(struct ig1_sim *sim, const struct ig1_job *job, bool clear, uint64_t watchdog)
{
	uint32_t i;

	simjob_set_reg(sim, IG1_MCU_IRQ_PENDING, 15);
	set_reg64(sim, IG1_MCU_SEQ_PT_ROOT(0), job->pt_root);
	set_reg64(sim, IG1_MCU_SEQ_PROG(0), job->prog_va);
	simjob_set_reg(sim, IG1_MCU_SEQ_PROG_LEN, job->prog_len);
	simjob_set_reg(sim, IG1_MCU_SEQ_EMIT_ENTRIES, job->emit_entries);
	set_reg64(sim, IG1_MCU_SEQ_EMIT(0), job->emit_va);
	set_reg64(sim, IG1_MCU_SEQ_TRACE(0), job->trace_va);
	simjob_set_reg(sim, IG1_MCU_SEQ_TRACE_ENTRIES, job->trace_entries);
	set_reg64(sim, IG1_MCU_SEQ_WATCHDOG(0), watchdog);
	for (i = 0; i < IG1_ARGS; i++)
		set_reg64(sim, IG1_MCU_SEQ_ARGS(2 * i), job->args[i]);
	simjob_set_reg(sim, IG1_MCU_SEQ_GO, clear ? 3 : 1);
}

bool simjob_busy(struct ig1_sim *sim)
{
	return simjob_reg(sim, IG1_MCU_SEQ_STATUS) & IG1_MCU_SEQ_STATUS_BUSY;
}

void simjob_abort(struct ig1_sim *sim)
{
	simjob_set_reg(sim, IG1_MCU_SEQ_ABORT, 1);
}

bool simjob_finish(struct ig1_sim *sim, uint64_t left, struct ig1_completion *done)
{
	uint32_t i;

	while (simjob_busy(sim)) {
		uint64_t n = ig1_sim_run(sim, left < 100000 ? left : 100000);

		left -= n;
		if (!left)
			return false;
	}
	memset(done, 0, sizeof(*done));
	if (!(simjob_reg(sim, IG1_MCU_IRQ_PENDING) & IG1_MCU_IRQ_PENDING_JOB))
		return false;
	done->status = !!(simjob_reg(sim, IG1_MCU_SEQ_STATUS) & IG1_MCU_SEQ_STATUS_FAULT);
	done->fault = simjob_reg(sim, IG1_MCU_SEQ_FAULT);
	done->fault_addr = simjob_reg(sim, IG1_MCU_SEQ_FAULT_ADDR(0)) |
			   (uint64_t)simjob_reg(sim, IG1_MCU_SEQ_FAULT_ADDR(1)) << 32;
	done->fault_index = simjob_reg(sim, IG1_MCU_SEQ_FAULT_INDEX);
	done->emitted = simjob_reg(sim, IG1_MCU_SEQ_EMITTED);
	done->traced = simjob_reg(sim, IG1_MCU_SEQ_TRACED);
	for (i = 0; i < IG1_CTR_COUNT; i++)
		done->counters[i] = simjob_reg(sim, IG1_MCU_COUNTERS(2 * i)) |
				    (uint64_t)simjob_reg(sim, IG1_MCU_COUNTERS(2 * i + 1)) << 32;
	return true;
}
