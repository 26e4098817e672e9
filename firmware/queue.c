// SPDX-License-Identifier: MIT
/* Queues and their rings. */
#include "queue.h"

#include "copy.h"
#include "fw.h"
#include "hw.h"
#include "log.h"

#define MIN_ENTRIES 2u
#define MAX_ENTRIES 1024u

struct queue queues[IG1_QUEUES];
uint16_t queue_ready[IG1_PRIORITIES];

static struct ig1_queue config; /* being created */

static void update_ready(uint32_t n)
{
	const struct queue *q = &queues[n];
	uint16_t bit = (uint16_t)(1u << n);

	if (q->state == QUEUE_OPEN && q->head != q->tail)
		queue_ready[q->priority] |= bit;
	else
		queue_ready[q->priority] &= (uint16_t)~bit;
}

void queue_reset(void)
{
	memset(queues, 0, sizeof(queues));
	memset(queue_ready, 0, sizeof(queue_ready));
}

static int config_valid(const struct ig1_queue *c)
{
	uint64_t end;
	uint32_t i;

	if (c->entries < MIN_ENTRIES || c->entries > MAX_ENTRIES || (c->entries & (c->entries - 1)))
		return 0;
	if (c->ring % IG1_PAGE_BYTES || c->cq % IG1_PAGE_BYTES)
		return 0;
	if (__builtin_add_overflow(c->ring, c->entries * sizeof(struct ig1_job), &end) ||
	    __builtin_add_overflow(c->cq, c->entries * sizeof(struct ig1_completion), &end))
		return 0;
	if (c->priority >= IG1_PRIORITIES || c->vector >= IG1_VECTORS)
		return 0;
	for (i = 0; i < sizeof(c->pad) / sizeof(c->pad[0]); i++) {
		if (c->pad[i])
			return 0;
	}
	return 1;
}

uint32_t queue_create(uint32_t n, uint64_t config_bus)
{
	struct queue *q;

	if (n >= IG1_QUEUES || config_bus % 4)
		return IG1_MBOX_EARG;
	q = &queues[n];
	if (q->state != QUEUE_NONE)
		return IG1_MBOX_ESTATE;
	if (copy_from_host(&config, config_bus, sizeof(config)))
		return IG1_MBOX_EBUS;
	if (!config_valid(&config))
		return IG1_MBOX_EARG;
	/* What rang before was meant for the queue's previous life. */
	hw_write32(IG1_MCU_DOORBELL_MASK, 1u << n);
	q->ring = config.ring;
	q->cq = config.cq;
	q->entries = config.entries;
	q->head = 0;
	q->tail = 0;
	q->done = 0;
	q->priority = (uint8_t)config.priority;
	q->vector = (uint8_t)config.vector;
	q->state = QUEUE_OPEN;
	log_put(LOG_INFO, "queue %u: %u entries", n, q->entries);
	return IG1_MBOX_EOK;
}

void queue_drop(uint32_t n)
{
	queues[n].tail = queues[n].head;
	update_ready(n);
}

void queue_destroy(uint32_t n)
{
	queues[n].state = QUEUE_NONE;
	update_ready(n);
	log_put(LOG_INFO, "queue %u: destroyed", n, 0);
}

void queue_break(uint32_t n)
{
	queues[n].state = QUEUE_BROKEN;
	update_ready(n);
}

void queue_doorbells(void)
{
	uint32_t rung = hw_read32(IG1_MCU_DOORBELL_MASK), n, tail;
	struct queue *q = queues;

	/* Cleared first: a doorbell from now on sets it again. */
	hw_write32(IG1_MCU_DOORBELL_MASK, rung);
	for (n = 0; rung; n++, q++, rung >>= 1) {
		if (!(rung & 1) || q->state != QUEUE_OPEN)
			continue;
		tail = hw_read32(IG1_MCU_DOORBELL(n));
		/* Entries once submitted cannot be taken back. */
		if (tail - q->head > q->entries || tail - q->head < q->tail - q->head) {
			log_put(LOG_ERROR, "queue %u: tail %u is out of range", n, tail);
			queue_break(n);
			continue;
		}
		q->tail = tail;
		update_ready(n);
	}
}

/* Bus address of an entry; both rings have entries of the same size. */
static uint64_t entry(uint64_t base, const struct queue *q, uint32_t index)
{
	_Static_assert(sizeof(struct ig1_job) == sizeof(struct ig1_completion), "entry size");
	return base + (index & (q->entries - 1)) * sizeof(struct ig1_job);
}

uint64_t queue_head_address(uint32_t n)
{
	return entry(queues[n].ring, &queues[n], queues[n].head);
}

int queue_peek(uint32_t n, struct ig1_job *job)
{
	return copy_from_host(job, queue_head_address(n), sizeof(*job));
}

void queue_take(uint32_t n)
{
	queues[n].head++;
	update_ready(n);
}

void queue_complete(uint32_t n, struct ig1_completion *c)
{
	struct queue *q = &queues[n];
	uint64_t at = entry(q->cq, q, q->done);

	/* Not q->head, which may be one ahead: so room in one ring is room in the other. */
	c->phase = q->done & q->entries ? 0 : 1;
	c->head = ++q->done;
	if (copy_to_host(at, c, offsetof(struct ig1_completion, phase)) ||
	    copy_to_host(at + offsetof(struct ig1_completion, phase), &c->phase,
			 sizeof(c->phase))) {
		log_put(LOG_ERROR, "queue %u: completion refused by the host", n, 0);
		queue_break(n);
		return;
	}
	hw_write32(IG1_MCU_HOST_IRQ, q->vector);
}

uint32_t queue_waiting(void)
{
	uint32_t n, sum = 0;

	for (n = 0; n < IG1_QUEUES; n++) {
		if (queues[n].state == QUEUE_OPEN)
			sum += queues[n].tail - queues[n].head;
	}
	return sum;
}
