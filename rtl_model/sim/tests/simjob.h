/* SPDX-License-Identifier: MIT */
/* Jobs on the Verilated chip without firmware: what that does, through the debug port. */
#ifndef IG1_SIMJOB_H
#define IG1_SIMJOB_H

#include <stdbool.h>
#include <stdint.h>

#include "ref.h"
#include "sim.h"

/* Registers of the MCU's bus; the program ends ("Bail out!") when the bus does not answer. */
uint32_t simjob_reg(struct ig1_sim *sim, uint32_t offset);
void simjob_set_reg(struct ig1_sim *sim, uint32_t offset, uint32_t v);

/* Starts a job; with `clear`, scratch is cleared first. */
void simjob_launch(struct ig1_sim *sim, const struct ig1_job *job, bool clear, uint64_t watchdog);
bool simjob_busy(struct ig1_sim *sim);
void simjob_abort(struct ig1_sim *sim);
/* Waits for its end; false if it has not come within `left` cycles. */
bool simjob_finish(struct ig1_sim *sim, uint64_t left, struct ig1_completion *done);

#endif
