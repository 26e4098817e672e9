// SPDX-License-Identifier: MIT
/* Queues: creation, rings, phase, priorities, destruction, hosts that refuse. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../queue.h"
#include "rig.h"

static uint32_t create_at(uint32_t q, uint64_t at)
{
	return rig_mbox(IG1_MBOX_QUEUE_CREATE, q, (uint32_t)at, (uint32_t)(at >> 32), 0);
}

/* One bad field at a time. */
static void test_create_refuses(void **state)
{
	static const uint32_t entries[] = { 0, 1, 3, 6, 1025, 2048, 0x80000000u };
	uint64_t at;
	uint32_t i;

	(void)state;
	at = rig_config(0, 0);
	assert_int_equal(create_at(IG1_QUEUES, at), IG1_MBOX_EARG);
	assert_int_equal(create_at(0xffffffff, at), IG1_MBOX_EARG);
	assert_int_equal(create_at(0, at + 2), IG1_MBOX_EARG);
	assert_int_equal(create_at(0, 0x100), IG1_MBOX_EBUS);
	for (i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
		rig_config_at(rig_config(0, 0))->entries = entries[i];
		assert_int_equal(create_at(0, at), IG1_MBOX_EARG);
	}
	rig_config(0, IG1_PRIORITIES);
	assert_int_equal(create_at(0, at), IG1_MBOX_EARG);
	rig_config_at(rig_config(0, 0))->vector = IG1_VECTORS;
	assert_int_equal(create_at(0, at), IG1_MBOX_EARG);
	rig_config_at(rig_config(0, 0))->ring += 2048;
	assert_int_equal(create_at(0, at), IG1_MBOX_EARG);
	rig_config_at(rig_config(0, 0))->cq += 4;
	assert_int_equal(create_at(0, at), IG1_MBOX_EARG);
	rig_config_at(rig_config(0, 0))->ring = 0xfffffffffffff000ull;
	rig_config_at(at)->entries = 32;
	assert_int_equal(create_at(0, at), IG1_MBOX_EARG);
	rig_config_at(rig_config(0, 0))->cq = 0xfffffffffffff000ull;
	rig_config_at(at)->entries = 32;
	assert_int_equal(create_at(0, at), IG1_MBOX_EARG);
	for (i = 0; i < 9; i++) {
		rig_config_at(rig_config(0, 0))->pad[i] = 1;
		assert_int_equal(create_at(0, at), IG1_MBOX_EARG);
	}
	rig_config(0, 0);
	assert_int_equal(create_at(0, at), IG1_MBOX_EOK);
	assert_int_equal(create_at(0, at), IG1_MBOX_ESTATE);
	for (i = 2; i <= 1024; i *= 2) {
		rig_config_at(rig_config(1, 3))->entries = i;
		assert_int_equal(create_at(1, at), IG1_MBOX_EOK);
		assert_int_equal(rig_mbox(IG1_MBOX_QUEUE_DESTROY, 1, 0, 0, 0), IG1_MBOX_EOK);
	}
}

/* Every field of a job reaches its register, every result its field. */
static void test_one_job(void **state)
{
	const struct ig1_completion *c;
	struct ig1_job job;
	const uint32_t *seq = mock_chip.live;
	uint64_t cq = rig_cq(3);
	uint32_t i;
	int at;

	(void)state;
	rig_create(3, 1);
	rig_job(&job, 42, 7);
	rig_put(3, &job);
	rig_run();
	assert_int_equal(rig_running(), 0); /* not before the doorbell */
	mock_chip.n_journal = 0;
	rig_ring_bell(3);
	rig_run();
	assert_int_equal(rig_running(), 42);
	assert_int_equal(mock_chip.journal[1].event, CHIP_LAUNCH);
	assert_int_equal(mock_chip.journal[1].b, 3);
	assert_memory_equal(&seq[0], &job.pt_root, 8);
	assert_memory_equal(&seq[2], &job.prog_va, 8);
	assert_int_equal(seq[4], job.prog_len);
	assert_int_equal(seq[5], job.emit_entries);
	assert_memory_equal(&seq[6], &job.emit_va, 8);
	assert_memory_equal(&seq[8], &job.trace_va, 8);
	assert_int_equal(seq[10], job.trace_entries);
	assert_memory_equal(&seq[12], &job.watchdog, 8);
	assert_memory_equal(&seq[16], job.args, 64);
	rig_expect_none(3);

	chip_finish(&mock_chip, IG1_FAULT_PAGE, 0x123456789abcull, 55, 9);
	rig_run();
	c = rig_completion(3);
	assert_non_null(c);
	assert_int_equal(c->job_id, job.job_id);
	assert_int_equal(c->status, 1);
	assert_int_equal(c->fault, IG1_FAULT_PAGE);
	assert_int_equal(c->fault_addr, 0x123456789abcull);
	assert_int_equal(c->fault_index, 55);
	assert_int_equal(c->emitted, 10);
	assert_int_equal(c->traced, 11);
	assert_int_equal(c->context, 7);
	assert_int_equal(c->head, 1);
	for (i = 0; i < IG1_CTR_COUNT; i++)
		assert_int_equal(c->counters[i], chip_counter(9, i));
	for (i = 0; i < 5; i++)
		assert_int_equal(c->pad[i], 0);
	/* Body, then phase, then interrupt. */
	at = rig_find(0, CHIP_WRITE, cq);
	assert_true(at >= 0);
	assert_int_equal(mock_chip.journal[at].b, 188);
	assert_int_equal(mock_chip.journal[at + 1].event, CHIP_WRITE);
	assert_int_equal(mock_chip.journal[at + 1].a, cq + 188);
	assert_int_equal(mock_chip.journal[at + 1].b, 4);
	assert_int_equal(mock_chip.journal[at + 2].event, CHIP_IRQ);
	assert_int_equal(mock_chip.journal[at + 2].a, 3);

	/* No budget: the default. */
	rig_job(&job, 43, 7);
	job.watchdog = 0;
	job.nargs = 0;
	memset(job.args, 0, sizeof(job.args));
	rig_put(3, &job);
	rig_ring_bell(3);
	rig_run();
	assert_int_equal(seq[12] | (uint64_t)seq[13] << 32, IG1_WATCHDOG_DEFAULT);
	assert_memory_equal(&seq[16], job.args, 64);
	rig_finish();
	rig_expect(3, 43, 0, 0);
}

/* Many times around the ring, in bursts of every size; phase and head follow. */
static void test_wrap(void **state)
{
	uint32_t id = 1, done = 1, burst, i, lap;

	(void)state;
	rig_create(0, 0);
	for (lap = 0; lap < 10; lap++) {
		for (burst = 1; burst <= RIG_ENTRIES; burst++) {
			for (i = 0; i < burst; i++)
				rig_submit(0, id++, 1);
			rig_run();
			for (i = 0; i < burst; i++) {
				rig_expect_none(0);
				assert_int_equal(rig_running(), done);
				rig_finish();
				rig_expect(0, done++, 0, 0);
			}
			assert_int_equal(rig_running(), 0);
		}
	}
	assert_true(id > 300);
}

/* Free-running numbers go through 2^32. */
static void test_wrap_32_bits(void **state)
{
	struct ig1_job job;
	uint32_t i, tail;
	uint64_t at;

	(void)state;
	rig_create(0, 0);
	tail = 0xfffffff8u;
	queues[0].head = tail;
	queues[0].tail = tail;
	queues[0].done = tail;
	for (i = 1; i <= 40; i++, tail++) {
		rig_job(&job, i, 1);
		at = rig_ring(0) + tail % RIG_ENTRIES * sizeof(job);
		memcpy(chip_host(&mock_chip, at, sizeof(job)), &job, sizeof(job));
		chip_doorbell(&mock_chip, 0, tail + 1);
		rig_run();
		assert_int_equal(rig_running(), i);
		rig_finish();
		assert_int_equal(queues[0].head, tail + 1);
	}
	assert_int_equal(queues[0].state, QUEUE_OPEN);
}

static void test_priorities(void **state)
{
	uint32_t q, i;

	(void)state;
	for (q = 0; q < 4; q++)
		rig_create(q, q);
	rig_submit(3, 100, 1);
	rig_run();
	/* While it runs, the lowest first; each displaces the one read ahead. */
	for (i = 0; i < 4; i++) {
		q = 3 - i;
		rig_submit(q, 10 + q, 1);
		rig_submit(q, 20 + q, 1);
		rig_run();
	}
	assert_int_equal(rig_running(), 100);
	rig_finish();
	for (q = 0; q < 4; q++) {
		assert_int_equal(rig_running(), 10 + q);
		rig_finish();
		assert_int_equal(rig_running(), 20 + q);
		rig_finish();
	}
	assert_int_equal(rig_running(), 0);
	rig_expect(3, 100, 0, 0);
	for (q = 0; q < 4; q++) {
		rig_expect(q, 10 + q, 0, 0);
		rig_expect(q, 20 + q, 0, 0);
		rig_expect_none(q);
	}
}

/* A doorbell and the end of the job seen in the same step: the more urgent job is next. */
static void test_late_urgent(void **state)
{
	(void)state;
	rig_create(0, 0);
	rig_create(1, 3);
	rig_submit(1, 1, 1);
	rig_submit(1, 2, 1);
	rig_run();
	assert_int_equal(rig_running(), 1);
	rig_submit(0, 3, 1);
	rig_finish();
	assert_int_equal(rig_running(), 3);
	rig_finish();
	assert_int_equal(rig_running(), 2);
	rig_finish();
	rig_expect(0, 3, 0, 0);
	rig_expect(1, 1, 0, 0);
	rig_expect(1, 2, 0, 0);
}

static void test_round_robin(void **state)
{
	static const uint32_t q[] = { 2, 9, 15 };
	uint32_t i, lap;

	(void)state;
	rig_create(0, 2);
	for (i = 0; i < 3; i++)
		rig_create(q[i], 2);
	rig_submit(0, 99, 1);
	rig_run();
	for (lap = 0; lap < 4; lap++) {
		for (i = 0; i < 3; i++)
			rig_submit(q[i], 1 + lap * 16 + q[i], 1);
	}
	rig_run();
	for (lap = 0; lap < 4; lap++) {
		for (i = 0; i < 3; i++) {
			rig_finish();
			assert_int_equal(rig_running(), 1 + lap * 16 + q[i]);
		}
	}
	rig_finish();
	assert_int_equal(rig_running(), 0);
}

/* A queue that is never empty does not starve its equal. */
static void test_fairness(void **state)
{
	uint32_t i, n[2] = { 0, 0 };

	(void)state;
	rig_create(4, 1);
	rig_create(5, 1);
	for (i = 0; i < 64; i++) {
		while (queues[4].tail - queues[4].head < 2) {
			rig_submit(4, 1, 1);
			rig_run();
		}
		while (queues[5].tail - queues[5].head < 2) {
			rig_submit(5, 2, 1);
			rig_run();
		}
		n[rig_running() - 1]++;
		rig_finish();
	}
	assert_in_range(n[0], 31, 33);
	assert_in_range(n[1], 31, 33);
}

/* The successor starts before the completion of its predecessor is written, from what was read
 * ahead. */
static void test_turnaround_order(void **state)
{
	int at, launch;

	(void)state;
	rig_create(0, 0);
	rig_submit(0, 1, 1);
	rig_submit(0, 2, 1);
	rig_run();
	mock_chip.n_journal = 0;
	rig_finish();
	launch = rig_find(0, CHIP_LAUNCH, 2 << 12);
	at = rig_find(0, CHIP_WRITE, rig_cq(0));
	assert_int_equal(launch, 0);
	assert_int_equal(at, 1);
	rig_finish();
	rig_expect(0, 1, 0, 0);
	rig_expect(0, 2, 0, 0);
}

static void test_destroy_running(void **state)
{
	int abort, body, done;

	(void)state;
	rig_create(0, 1);
	rig_create(1, 2);
	rig_submit(0, 1, 1);
	rig_submit(0, 2, 1);
	rig_submit(1, 3, 2);
	rig_run();
	assert_int_equal(rig_running(), 1);
	mock_chip.n_journal = 0;
	assert_int_equal(rig_mbox(IG1_MBOX_QUEUE_DESTROY, 0, 0, 0, 0), IG1_MBOX_EOK);
	rig_expect(0, 1, IG1_FAULT_ABORT, 0);
	rig_expect_none(0);
	/* The other queue goes on; nothing of this one is touched after the answer. */
	assert_int_equal(rig_running(), 3);
	abort = rig_find(0, CHIP_ABORT, 1);
	body = rig_find(0, CHIP_WRITE, rig_cq(0));
	done = rig_find(0, CHIP_DONE, mock_chip.mbox_seq);
	assert_true(abort >= 0 && abort < body && body < done);
	chip_doorbell(&mock_chip, 0, 5);
	rig_finish();
	assert_int_equal(rig_find(done, CHIP_READ, rig_ring(0) + 192), -1);
	assert_int_equal(rig_running(), 0);
	rig_expect(1, 3, 0, 0);
	assert_int_equal(rig_mbox(IG1_MBOX_QUEUE_DESTROY, 0, 0, 0, 0), IG1_MBOX_ESTATE);
	assert_int_equal(rig_mbox(IG1_MBOX_QUEUE_DESTROY, 16, 0, 0, 0), IG1_MBOX_EARG);
}

/* Waiting jobs of a destroyed queue vanish, the one read ahead too. */
static void test_destroy_waiting(void **state)
{
	(void)state;
	rig_create(0, 1);
	rig_create(1, 0);
	rig_submit(0, 1, 1);
	rig_run();
	rig_submit(1, 2, 1);
	rig_submit(1, 3, 1);
	rig_run();
	assert_int_equal(rig_mbox(IG1_MBOX_QUEUE_DESTROY, 1, 0, 0, 0), IG1_MBOX_EOK);
	assert_int_equal(rig_running(), 1);
	rig_finish();
	assert_int_equal(rig_running(), 0);
	rig_expect(0, 1, 0, 0);
	rig_expect_none(1);
}

/* A new life begins at zero; doorbells of the old one are forgotten. */
static void test_recreate(void **state)
{
	uint32_t i;

	(void)state;
	rig_create(0, 1);
	for (i = 1; i <= 5; i++) {
		rig_submit(0, i, 1);
		rig_run();
		rig_finish();
	}
	assert_int_equal(rig_mbox(IG1_MBOX_QUEUE_DESTROY, 0, 0, 0, 0), IG1_MBOX_EOK);
	/* A late one, while the configuration is read. */
	mock_chip.ring_queue = 0;
	mock_chip.ring_tail = 7;
	rig_create(0, 2);
	assert_int_equal(mock_chip.bell[0], 7);
	assert_int_equal(queues[0].state, QUEUE_OPEN);
	assert_int_equal(queues[0].tail, 0);
	rig_submit(0, 77, 1);
	rig_run();
	assert_int_equal(rig_running(), 77);
	rig_finish();
	rig_expect(0, 77, 0, 0);
}

/* The host refuses the descriptor: one completion says so, then the queue is dead. */
static void test_refused_descriptor(void **state)
{
	const struct ig1_completion *c;

	(void)state;
	rig_create(0, 0);
	rig_create(1, 1);
	rig_submit(0, 1, 1);
	rig_run();
	rig_submit(0, 2, 1);
	rig_submit(0, 3, 1);
	rig_submit(1, 4, 1);
	mock_chip.refuse_at = rig_ring(0) + 192;
	mock_chip.refuse_bytes = 4;
	rig_run();
	rig_finish();
	assert_int_equal(rig_running(), 4);
	rig_expect(0, 1, 0, 0);
	c = rig_completion(0);
	assert_non_null(c);
	assert_int_equal(c->job_id, 0);
	assert_int_equal(c->status, 1);
	assert_int_equal(c->fault, IG1_FAULT_BUS);
	assert_int_equal(c->fault_addr, rig_ring(0) + 192);
	rig_expect_none(0);
	rig_finish();
	rig_expect(1, 4, 0, 0);
	assert_int_equal(queues[0].state, QUEUE_BROKEN);
	rig_submit(0, 5, 1);
	rig_run();
	assert_int_equal(rig_running(), 0);
	rig_expect_none(0);
	mock_chip.refuse_bytes = 0;
	assert_int_equal(rig_mbox(IG1_MBOX_QUEUE_DESTROY, 0, 0, 0, 0), IG1_MBOX_EOK);
	rig_create(0, 0);
	rig_submit(0, 6, 1);
	rig_run();
	rig_finish();
	rig_expect(0, 6, 0, 0);
}

/* All queues' descriptors refused while nothing runs: each is answered, none is tried twice. */
static void test_refused_all(void **state)
{
	uint32_t q, n = 0, i;

	(void)state;
	for (q = 0; q < IG1_QUEUES; q++)
		rig_create(q, q % 4);
	for (q = 0; q < IG1_QUEUES; q++)
		rig_submit(q, q, 1);
	for (q = 0; q < IG1_QUEUES; q++)
		queues[q].ring = 0x5000;
	mock_chip.n_journal = 0;
	rig_run();
	for (q = 0; q < IG1_QUEUES; q++) {
		rig_expect(q, 0, IG1_FAULT_BUS, 0x5000);
		assert_int_equal(queues[q].state, QUEUE_BROKEN);
	}
	for (i = 0; i < mock_chip.n_journal; i++)
		n += mock_chip.journal[i].event == CHIP_READ;
	assert_int_equal(n, IG1_QUEUES);
}

/* The host refuses completions, body or phase: no interrupt, the queue is dead, others are not. */
static void test_refused_completion(void **state)
{
	uint32_t phase, q;

	(void)state;
	rig_create(7, 0);
	for (phase = 0; phase < 2; phase++) {
		q = phase;
		rig_create(q, 0);
		rig_submit(q, 1, 1);
		rig_submit(q, 2, 1);
		rig_run();
		mock_chip.refuse_at = rig_cq(q) + (phase ? 188 : 0);
		mock_chip.refuse_bytes = 4;
		mock_chip.n_journal = 0;
		rig_finish();
		assert_int_equal(rig_find(0, CHIP_IRQ, q), -1);
		assert_int_equal(queues[q].state, QUEUE_BROKEN);
		/* The one that had been started ends; there may be room for its completion. */
		rig_finish();
		assert_int_equal(rig_running(), 0);
		rig_submit(7, 3, 1);
		rig_run();
		rig_finish();
		rig_expect(7, 3, 0, 0);
		mock_chip.refuse_bytes = 0;
	}
}

static void test_bad_tail(void **state)
{
	static const uint32_t tails[] = { RIG_ENTRIES + 3, 0xffffffff, 0x80000000, 0, 1 };
	uint32_t i;

	(void)state;
	rig_create(1, 1);
	for (i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
		rig_create(0, 0);
		rig_submit(0, 1, 1);
		rig_run();
		rig_submit(0, 2, 1);
		rig_run();
		chip_doorbell(&mock_chip, 0, tails[i]);
		rig_run();
		assert_int_equal(queues[0].state, QUEUE_BROKEN);
		/* The one under way ends and is answered, the one read ahead is not started. */
		assert_int_equal(rig_running(), 1);
		rig_finish();
		rig_expect(0, 1, 0, 0);
		assert_int_equal(rig_running(), 0);
		rig_submit(1, 9, 1);
		rig_run();
		rig_finish();
		rig_expect(1, 9, 0, 0);
		assert_int_equal(rig_mbox(IG1_MBOX_QUEUE_DESTROY, 0, 0, 0, 0), IG1_MBOX_EOK);
	}
	/* Full, and full again, is fine. */
	rig_create(0, 0);
	for (i = 1; i <= RIG_ENTRIES; i++)
		rig_submit(0, i, 1);
	rig_run();
	rig_ring_bell(0);
	rig_run();
	assert_int_equal(queues[0].state, QUEUE_OPEN);
	for (i = 1; i <= RIG_ENTRIES; i++)
		rig_finish();
	assert_int_equal(rig_running(), 0);
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, rig_setup, rig_teardown)
	const struct CMUnitTest tests[] = {
		T(test_create_refuses),	    T(test_one_job),	     T(test_wrap),
		T(test_wrap_32_bits),	    T(test_priorities),	     T(test_late_urgent),
		T(test_round_robin),	    T(test_fairness),	     T(test_turnaround_order),
		T(test_destroy_running),    T(test_destroy_waiting), T(test_recreate),
		T(test_refused_descriptor), T(test_refused_all),     T(test_refused_completion),
		T(test_bad_tail),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("queue", tests, NULL, NULL);
}
