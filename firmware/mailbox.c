// SPDX-License-Identifier: MIT
/* Mailbox commands. Arguments come from the host's driver and are checked all the same. */
#include "mailbox.h"

#include "copy.h"
#include "fw.h"
#include "hw.h"
#include "log.h"
#include "queue.h"
#include "sched.h"
#include "telemetry.h"

/* A chunk between two looks at the scheduler. */
#define ZERO_CHUNK_PAGES 64u

struct answer {
	uint32_t value;
	uint32_t out[IG1_MCU_MBOX_OUT_COUNT];
};

static uint32_t arg(uint32_t n)
{
	return hw_read32(IG1_MCU_MBOX_ARG(n));
}

static uint64_t arg64(uint32_t n)
{
	return arg(n) | (uint64_t)arg(n + 1) << 32;
}

static uint32_t destroy(uint32_t n)
{
	if (n >= IG1_QUEUES)
		return IG1_MBOX_EARG;
	if (queues[n].state == QUEUE_NONE)
		return IG1_MBOX_ESTATE;
	queue_drop(n);
	sched_stop_queue(n);
	queue_destroy(n);
	return IG1_MBOX_EOK;
}

static uint32_t sram_zero(uint32_t first, uint32_t pages)
{
	uint32_t all = fw_chip.sram_bytes / IG1_PAGE_BYTES, n;

	if (first > all || pages > all - first)
		return IG1_MBOX_EARG;
	while (pages) {
		n = pages < ZERO_CHUNK_PAGES ? pages : ZERO_CHUNK_PAGES;
		if (copy_zero_sram(first * IG1_PAGE_BYTES, n * IG1_PAGE_BYTES))
			return IG1_MBOX_EBUS;
		first += n;
		pages -= n;
		sched_poll();
	}
	return IG1_MBOX_EOK;
}

static uint32_t read_log(uint64_t bus, uint32_t space, uint32_t first, struct answer *a)
{
	uint64_t end;
	int n;

	if (bus % 4 ||
	    __builtin_add_overflow(bus, (uint64_t)space * sizeof(struct ig1_fw_log), &end))
		return IG1_MBOX_EARG;
	n = log_read(bus, space, first);
	if (n < 0)
		return IG1_MBOX_EBUS;
	a->value = (uint32_t)n;
	return IG1_MBOX_EOK;
}

static uint32_t info(struct answer *a)
{
	uint32_t spare;

	hw_spare(&spare);
	a->out[0] = sched_stats.done;
	a->out[1] = sched_stats.faulted;
	a->out[2] = queue_waiting();
	a->out[3] = spare * 4;
	return IG1_MBOX_EOK;
}

static uint32_t running(struct answer *a)
{
	if (sched_running.queue == IG1_QUEUES)
		return IG1_MBOX_EOK;
	a->value = sched_running.context << 16 | (sched_running.queue + 1);
	a->out[0] = (uint32_t)sched_running.id;
	a->out[1] = (uint32_t)(sched_running.id >> 32);
	a->out[2] = hw_read32(IG1_MCU_COUNTERS(2 * IG1_CTR_COMMANDS));
	a->out[3] = hw_read32(IG1_MCU_SEQ_EMITTED);
	return IG1_MBOX_EOK;
}

static uint32_t telemetry(struct answer *a)
{
	const struct telemetry *t = telemetry_read();

	a->out[0] = t->mhz;
	a->out[1] = t->milliwatts;
	a->out[2] = t->millidegrees;
	a->out[3] = t->load;
	return IG1_MBOX_EOK;
}

static uint32_t execute(uint32_t command, struct answer *a)
{
	int ready = hw_read32(IG1_MCU_FW_STATE) == IG1_FW_STATE_READY;

	switch (command) {
	case IG1_MBOX_PING:
		a->value = arg(0);
		return IG1_MBOX_EOK;
	case IG1_MBOX_LOG_READ:
		return read_log(arg64(0), arg(2), arg(3), a);
	case IG1_MBOX_INFO:
		return info(a);
	case IG1_MBOX_RUNNING:
		return running(a);
	case IG1_MBOX_TELEMETRY:
		return ready ? telemetry(a) : IG1_MBOX_ESTATE;
	case IG1_MBOX_QUEUE_CREATE:
		return ready ? queue_create(arg(0), arg64(1)) : IG1_MBOX_ESTATE;
	case IG1_MBOX_QUEUE_DESTROY:
		return destroy(arg(0));
	case IG1_MBOX_CTX_STOP:
		if (arg(0) >= SCHED_CONTEXTS)
			return IG1_MBOX_EARG;
		sched_stop_context(arg(0));
		return IG1_MBOX_EOK;
	case IG1_MBOX_CTX_RESUME:
		if (arg(0) >= SCHED_CONTEXTS)
			return IG1_MBOX_EARG;
		sched_resume_context(arg(0));
		return IG1_MBOX_EOK;
	case IG1_MBOX_SRAM_ZERO:
		return ready ? sram_zero(arg(0), arg(1)) : IG1_MBOX_ESTATE;
	default:
		return IG1_MBOX_ECMD;
	}
}

void mailbox_run(void)
{
	uint32_t command = hw_read32(IG1_MCU_MBOX_CMD), seq = hw_read32(IG1_MCU_MBOX_SEQ), i;
	struct answer a = { 0 };
	uint32_t ret = execute(command, &a);

	if (ret)
		log_put(LOG_WARNING, "mailbox: command %u: error %u", command, ret);
	for (i = 0; i < IG1_MCU_MBOX_OUT_COUNT; i++)
		hw_write32(IG1_MCU_MBOX_OUT(i), a.out[i]);
	hw_write32(IG1_MCU_MBOX_VAL, a.value);
	hw_write32(IG1_MCU_MBOX_RET, ret);
	/* Last: this is what the host waits for. */
	hw_write32(IG1_MCU_MBOX_DONE, seq);
}
