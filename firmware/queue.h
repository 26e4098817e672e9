/* SPDX-License-Identifier: MIT */
/*
 * Queues: configuration, submission and completion rings in host memory. Head and tail run freely;
 * the host promises to have room in the completion ring for every entry it submits.
 *
 * A queue that breaks (the host refuses an access, or its tail is nonsense) takes no more jobs
 * until it is destroyed.
 */
#ifndef FW_QUEUE_H
#define FW_QUEUE_H

#include <stdint.h>

#include "ig1_chip.h"

enum queue_state {
	QUEUE_NONE,
	QUEUE_OPEN,
	QUEUE_BROKEN,
};

struct queue {
	uint64_t ring, cq;
	uint32_t entries;
	uint32_t head; /* entries consumed */
	uint32_t tail; /* entries submitted */
	uint32_t done; /* completions written */
	uint8_t state, priority, vector;
};

extern struct queue queues[IG1_QUEUES];
/* Per priority, one bit per open queue with entries waiting. */
extern uint16_t queue_ready[IG1_PRIORITIES];

/* Returns IG1_MBOX_E*. */
uint32_t queue_create(uint32_t n, uint64_t config_bus);
/* Forgets what waits; the running job still completes. */
void queue_drop(uint32_t n);
/* After this the rings are not touched; no job of the queue runs. */
void queue_destroy(uint32_t n);

/* Takes over the tails of the queues whose doorbell rang. */
void queue_doorbells(void);

uint64_t queue_head_address(uint32_t n);
/* Reads the entry at the head, which stays there. -1 when the host refused. */
int queue_peek(uint32_t n, struct ig1_job *job);
/* The entry at the head is consumed. */
void queue_take(uint32_t n);

/*
 * Writes a completion, phase last, and interrupts the host. Fills in head, phase and padding of c,
 * which is static. A refusal breaks the queue.
 */
void queue_complete(uint32_t n, struct ig1_completion *c);

void queue_break(uint32_t n);

uint32_t queue_waiting(void);
/* For tests; at start memory is zero. */
void queue_reset(void);

#endif
