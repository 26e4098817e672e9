/* SPDX-License-Identifier: MIT */
/* The host's driver for tests of queues: rings, jobs, completions. Asserts on its own. */
#ifndef FW_TESTS_RIG_H
#define FW_TESTS_RIG_H

#include <stdint.h>

#include "mock.h"

#define RIG_ENTRIES 8u

/* cmocka's setup and teardown: booted firmware; no breach of the register contract. */
int rig_setup(void **state);
int rig_teardown(void **state);

/* Steps until the firmware would sleep. */
void rig_run(void);

/* A mailbox command to its end; returns MBOX_RET. */
uint32_t rig_mbox(uint32_t cmd, uint32_t a0, uint32_t a1, uint32_t a2, uint32_t a3);

uint64_t rig_ring(uint32_t q);
uint64_t rig_cq(uint32_t q);
/* A valid configuration of RIG_ENTRIES in host memory; returns its address. */
uint64_t rig_config(uint32_t q, uint32_t priority);
struct ig1_queue *rig_config_at(uint64_t bus);
void rig_create(uint32_t q, uint32_t priority);

/* A valid job; its program's address is job_id << 12, so that launches can be told apart. */
void rig_job(struct ig1_job *job, uint32_t id, uint32_t context);
/* Puts it into the ring without and with ringing the doorbell. */
void rig_put(uint32_t q, const struct ig1_job *job);
void rig_ring_bell(uint32_t q);
void rig_submit(uint32_t q, uint32_t id, uint32_t context);

/* The next completion, which must be there, or NULL if there is none. */
const struct ig1_completion *rig_completion(uint32_t q);
void rig_expect(uint32_t q, uint32_t id, uint32_t fault, uint64_t addr);
void rig_expect_none(uint32_t q);

/* Ends the running job well and lets the firmware go on. */
void rig_finish(void);

/* Number of the running job, or 0. */
uint32_t rig_running(void);

/* Index in the journal of the first such event from `from` on; -1: none. */
int rig_find(int from, enum chip_event event, uint64_t a);

#endif
