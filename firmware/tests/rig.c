// SPDX-License-Identifier: MIT
/* Host side of the queue tests. */
#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../fw.h"
#include "../queue.h"

#define CONFIG_AT (CHIP_HOST_BASE + 0x80000)

static uint32_t tails[IG1_QUEUES], heads[IG1_QUEUES];

int rig_setup(void **state)
{
	(void)state;
	mock_reset();
	memset(tails, 0, sizeof(tails));
	memset(heads, 0, sizeof(heads));
	if (chip_make_tree(&mock_chip))
		return -1;
	if (fw_boot())
		return -1;
	mock_chip.n_journal = 0;
	return 0;
}

int rig_teardown(void **state)
{
	(void)state;
	if (mock_chip.breaches)
		print_error("%u breaches, first: %s\n", mock_chip.breaches, mock_chip.breach);
	return mock_chip.breaches ? -1 : 0;
}

void rig_run(void)
{
	int n;

	for (n = 0; fw_step(); n++)
		assert_true(n < 10000);
	/* Asleep: nothing may be pending that would not wake it. */
	assert_int_equal(
		mock_chip.pending & (IG1_MCU_IRQ_PENDING_MBOX | IG1_MCU_IRQ_PENDING_DOORBELL), 0);
}

uint32_t rig_mbox(uint32_t cmd, uint32_t a0, uint32_t a1, uint32_t a2, uint32_t a3)
{
	chip_mbox(&mock_chip, cmd, a0, a1, a2, a3);
	rig_run();
	assert_int_equal(mock_chip.mbox_done, mock_chip.mbox_seq);
	return mock_chip.mbox_ret;
}

uint64_t rig_ring(uint32_t q)
{
	return CHIP_HOST_BASE + q * 0x2000;
}

uint64_t rig_cq(uint32_t q)
{
	return rig_ring(q) + 0x1000;
}

struct ig1_queue *rig_config_at(uint64_t bus)
{
	return chip_host(&mock_chip, bus, sizeof(struct ig1_queue));
}

uint64_t rig_config(uint32_t q, uint32_t priority)
{
	struct ig1_queue *c = rig_config_at(CONFIG_AT);

	memset(c, 0, sizeof(*c));
	c->ring = rig_ring(q);
	c->cq = rig_cq(q);
	c->entries = RIG_ENTRIES;
	c->priority = priority;
	c->vector = q % IG1_VECTORS;
	return CONFIG_AT;
}

void rig_create(uint32_t q, uint32_t priority)
{
	uint64_t at = rig_config(q, priority);

	memset(chip_host(&mock_chip, rig_cq(q), 0x1000), 0, 0x1000);
	tails[q] = 0;
	heads[q] = 0;
	assert_int_equal(rig_mbox(IG1_MBOX_QUEUE_CREATE, q, (uint32_t)at, (uint32_t)(at >> 32), 0),
			 IG1_MBOX_EOK);
}

void rig_job(struct ig1_job *job, uint32_t id, uint32_t context)
{
	uint32_t i;

	memset(job, 0, sizeof(*job));
	job->magic = IG1_JOB_MAGIC;
	job->job_id = 0xabcd00000000ull | id;
	job->context = context;
	job->nargs = IG1_ARGS;
	job->pt_root = 0x770000000000ull + ((uint64_t)context << 12);
	job->prog_va = (uint64_t)id << 12;
	job->prog_len = 100 + id;
	job->emit_entries = 3;
	job->emit_va = 0x1122334450ull;
	job->trace_va = 0x5566778840ull;
	job->trace_entries = 9;
	job->watchdog = 0x1234567890ull;
	for (i = 0; i < IG1_ARGS; i++)
		job->args[i] = 0x0101010101010101ull * (i + 1) + id;
}

void rig_put(uint32_t q, const struct ig1_job *job)
{
	uint64_t at = rig_ring(q) + tails[q]++ % RIG_ENTRIES * sizeof(*job);

	memcpy(mock_chip.host + (at - CHIP_HOST_BASE), job, sizeof(*job));
}

void rig_ring_bell(uint32_t q)
{
	chip_doorbell(&mock_chip, q, tails[q]);
}

void rig_submit(uint32_t q, uint32_t id, uint32_t context)
{
	struct ig1_job job;

	rig_job(&job, id, context);
	rig_put(q, &job);
	rig_ring_bell(q);
}

const struct ig1_completion *rig_completion(uint32_t q)
{
	uint64_t at = rig_cq(q) + heads[q] % RIG_ENTRIES * sizeof(struct ig1_completion);
	const struct ig1_completion *c = (const void *)(mock_chip.host + (at - CHIP_HOST_BASE));

	if (c->phase != (heads[q] / RIG_ENTRIES % 2 ? 0 : 1))
		return NULL;
	heads[q]++;
	return c;
}

void rig_expect(uint32_t q, uint32_t id, uint32_t fault, uint64_t addr)
{
	const struct ig1_completion *c = rig_completion(q);

	assert_non_null(c);
	assert_int_equal((uint32_t)c->job_id, id);
	assert_int_equal(c->fault, fault);
	assert_int_equal(c->status, fault ? 1 : 0);
	assert_int_equal(c->fault_addr, addr);
	assert_int_equal(c->head, heads[q]);
}

void rig_expect_none(uint32_t q)
{
	assert_null(rig_completion(q));
}

uint32_t rig_running(void)
{
	return mock_chip.busy ? mock_chip.live[2] >> 12 : 0;
}

void rig_finish(void)
{
	chip_finish(&mock_chip, 0, 0, 0, rig_running());
	rig_run();
}

int rig_find(int from, enum chip_event event, uint64_t a)
{
	unsigned int i;

	for (i = (unsigned int)from; from >= 0 && i < mock_chip.n_journal; i++) {
		if (mock_chip.journal[i].event == event && mock_chip.journal[i].a == a)
			return (int)i;
	}
	return -1;
}
