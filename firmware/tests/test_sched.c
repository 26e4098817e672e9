// SPDX-License-Identifier: MIT
/* Descriptor checks, contexts, scratch; a random run against a model of what must come out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../queue.h"
#include "../sched.h"
#include "rig.h"

#define OFF(field) offsetof(struct ig1_job, field)

static uint32_t last_go(void)
{
	unsigned int i;

	for (i = mock_chip.n_journal; i--;) {
		if (mock_chip.journal[i].event == CHIP_LAUNCH)
			return (uint32_t)mock_chip.journal[i].b;
	}
	return 0;
}

/* A 32-bit word of the descriptor, replaced by a value that must or must not be refused. */
static const struct {
	uint32_t at, value;
	uint32_t fault_at; /* ~0: accepted */
} words[] = {
	{ OFF(magic), 0, OFF(magic) },
	{ OFF(magic), IG1_JOB_MAGIC ^ 0x80000000, OFF(magic) },
	{ OFF(flags), IG1_JOB_STOP_ON_FAULT, ~0u },
	{ OFF(flags), 2, OFF(flags) },
	{ OFF(flags), 3, OFF(flags) },
	{ OFF(flags), 0x80000000, OFF(flags) },
	{ OFF(job_id), 0xffffffff, ~0u },
	{ OFF(context), 65535, ~0u },
	{ OFF(context), 65536, OFF(context) },
	{ OFF(context), 0xffffffff, OFF(context) },
	{ OFF(nargs), 9, OFF(nargs) },
	{ OFF(nargs), 0xffffffff, OFF(nargs) },
	{ OFF(nargs), 7, OFF(args) + 56 },
	{ OFF(nargs), 0, OFF(args) },
	{ OFF(pt_root), 0x1800, OFF(pt_root) },
	{ OFF(pt_root), 1, OFF(pt_root) },
	{ OFF(pt_root) + 4, 0xffffffff, ~0u },
	{ OFF(prog_va), 0x40, OFF(prog_va) },
	{ OFF(prog_va), 0x80, ~0u },
	{ OFF(prog_va) + 4, 0xffffffff, ~0u },
	{ OFF(prog_len), 0, OFF(prog_len) },
	{ OFF(prog_len), 1, ~0u },
	{ OFF(prog_len), IG1_MAX_COUNT, ~0u },
	{ OFF(prog_len), IG1_MAX_COUNT + 1, OFF(prog_len) },
	{ OFF(emit_entries), 0xffffffff, ~0u },
	{ OFF(emit_va), 8, OFF(emit_va) },
	{ OFF(emit_va), 16, ~0u },
	{ OFF(trace_va), 16, OFF(trace_va) },
	{ OFF(trace_va), 32, ~0u },
	{ OFF(trace_entries), 0xffffffff, ~0u },
	{ OFF(pad0), 1, OFF(pad0) },
	{ OFF(watchdog), 0xffffffff, ~0u },
	{ OFF(pad1), 1, OFF(pad1) },
	{ OFF(pad1) + 4, 0x80000000, OFF(pad1) },
	{ OFF(pad1) + 20, 1, OFF(pad1) + 16 },
	{ OFF(pad1) + 44, 1, OFF(pad1) + 40 },
};

static void test_descriptor(void **state)
{
	struct ig1_job job;
	uint32_t i, v;

	(void)state;
	rig_create(0, 0);
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		rig_job(&job, 100 + i, 3);
		v = words[i].value;
		memcpy((uint8_t *)&job + words[i].at, &v, 4);
		rig_put(0, &job);
		rig_ring_bell(0);
		rig_run();
		if (words[i].fault_at != ~0u) {
			const struct ig1_completion *c;

			assert_int_equal(rig_running(), 0);
			c = rig_completion(0);
			assert_non_null(c);
			assert_int_equal(c->job_id, job.job_id);
			assert_int_equal(c->context, job.context);
			assert_int_equal(c->fault, IG1_FAULT_DESC);
			assert_int_equal(c->fault_addr, words[i].fault_at);
			assert_int_equal(c->fault_index, 0);
			assert_int_equal(c->emitted, 0);
			assert_int_equal(c->counters[0], 0);
			assert_int_equal(c->status, 1);
		} else {
			assert_int_equal(mock_chip.busy, 1);
			rig_finish();
			assert_non_null(rig_completion(0));
		}
	}
}

/* Unused arguments one by one, and used ones of any value. */
static void test_unused_arguments(void **state)
{
	struct ig1_job job;
	uint32_t n, i, want;

	(void)state;
	for (n = 0; n <= IG1_ARGS; n++) {
		for (i = 0; i < IG1_ARGS; i++) {
			rig_job(&job, 1, 1);
			memset(job.args, 0, sizeof(job.args));
			job.nargs = n;
			job.args[i] = 1ull << 63;
			want = i < n ? 0 : OFF(args) + 8 * i + 1;
			assert_int_equal(sched_check(&job), want);
		}
	}
}

/* With every field wrong the first in the order is named; repairing it, the next. */
static void test_descriptor_order(void **state)
{
	static const uint32_t order[] = {
		OFF(magic),	OFF(flags),	OFF(context),	OFF(nargs),	OFF(pt_root),
		OFF(prog_va),	OFF(prog_len),	OFF(emit_va),	OFF(trace_va),	OFF(pad0),
		OFF(args) + 16, OFF(args) + 24, OFF(args) + 32, OFF(args) + 40, OFF(args) + 48,
		OFF(args) + 56, OFF(pad1),	OFF(pad1) + 8,	OFF(pad1) + 16, OFF(pad1) + 24,
		OFF(pad1) + 32, OFF(pad1) + 40
	};
	struct ig1_job job, good;
	uint32_t i;

	(void)state;
	memset(&job, 0xff, sizeof(job));
	rig_job(&good, 1, 1);
	good.nargs = 2;
	memset(&good.args[2], 0, 48);
	for (i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		assert_int_equal(sched_check(&job), order[i] + 1);
		memcpy((uint8_t *)&job + order[i], (uint8_t *)&good + order[i], 8);
		/* The neighbour of a 32-bit field stays wrong. */
		if (i + 1 < sizeof(order) / sizeof(order[0]) && order[i + 1] == order[i] + 4)
			memset((uint8_t *)&job + order[i + 1], 0xff, 4);
	}
	assert_int_equal(sched_check(&job), 0);
}

static uint32_t run_one(uint32_t id, uint32_t context, uint64_t pt_root, uint32_t fault)
{
	struct ig1_job job;
	uint32_t go;

	rig_job(&job, id, context);
	job.pt_root = pt_root;
	rig_put(0, &job);
	rig_ring_bell(0);
	rig_run();
	assert_int_equal(rig_running(), id);
	go = last_go();
	chip_finish(&mock_chip, fault, 0, 0, 0);
	rig_run();
	assert_non_null(rig_completion(0));
	return go;
}

static void test_scratch(void **state)
{
	(void)state;
	rig_create(0, 0);
	assert_int_equal(run_one(1, 0, 0, 0), 3); /* the first of all */
	assert_int_equal(run_one(2, 0, 0, 0), 1); /* the same again */
	assert_int_equal(run_one(3, 5, 0, 0), 3); /* another context */
	assert_int_equal(run_one(4, 5, 0, 0), 1);
	assert_int_equal(run_one(5, 5, 0x1000, 0), 3); /* another page table */
	assert_int_equal(run_one(6, 5, 0x1000, IG1_FAULT_ROM), 1);
	assert_int_equal(run_one(7, 5, 0x1000, 0), 3); /* after a fault */
	assert_int_equal(run_one(8, 5, 0x1000, 0), 1);
	assert_int_equal(rig_mbox(IG1_MBOX_CTX_STOP, 5, 0, 0, 0), 0);
	assert_int_equal(rig_mbox(IG1_MBOX_CTX_RESUME, 5, 0, 0, 0), 0);
	assert_int_equal(run_one(9, 5, 0x1000, 0), 3); /* the number may be somebody else's */
	assert_int_equal(rig_mbox(IG1_MBOX_CTX_RESUME, 4, 0, 0, 0), 0);
	assert_int_equal(run_one(10, 5, 0x1000, 0), 1);
}

static void test_stop_running(void **state)
{
	int body, done;

	(void)state;
	rig_create(0, 0);
	rig_create(1, 1);
	rig_submit(0, 1, 9);
	rig_submit(0, 2, 9);
	rig_submit(0, 3, 8);
	rig_submit(1, 4, 9);
	rig_run();
	assert_int_equal(rig_running(), 1);
	mock_chip.n_journal = 0;
	assert_int_equal(rig_mbox(IG1_MBOX_CTX_STOP, 9, 0, 0, 0), IG1_MBOX_EOK);
	body = rig_find(0, CHIP_WRITE, rig_cq(0));
	done = rig_find(0, CHIP_DONE, mock_chip.mbox_seq);
	assert_true(rig_find(0, CHIP_ABORT, 1) >= 0);
	assert_true(body >= 0 && body < done);
	rig_expect(0, 1, IG1_FAULT_ABORT, 0);
	rig_expect(0, 2, IG1_FAULT_ABORT, 0);
	rig_expect_none(0);
	/* The other context goes on. */
	assert_int_equal(rig_running(), 3);
	rig_finish();
	rig_expect(0, 3, 0, 0);
	rig_expect(1, 4, IG1_FAULT_ABORT, 0);
	rig_submit(0, 5, 9);
	rig_run();
	rig_expect(0, 5, IG1_FAULT_ABORT, 0);
	assert_int_equal(rig_mbox(IG1_MBOX_CTX_RESUME, 9, 0, 0, 0), IG1_MBOX_EOK);
	rig_submit(0, 6, 9);
	rig_run();
	assert_int_equal(rig_running(), 6);
	rig_finish();
	rig_expect(0, 6, 0, 0);
}

/* Stopping a context that does not run aborts nothing. */
static void test_stop_other(void **state)
{
	(void)state;
	rig_create(0, 0);
	rig_submit(0, 1, 1);
	rig_submit(0, 2, 65535);
	rig_run();
	mock_chip.n_journal = 0;
	assert_int_equal(rig_mbox(IG1_MBOX_CTX_STOP, 65535, 0, 0, 0), IG1_MBOX_EOK);
	assert_int_equal(rig_find(0, CHIP_ABORT, 1), -1);
	assert_int_equal(rig_running(), 1);
	rig_finish();
	rig_expect(0, 1, 0, 0);
	rig_expect(0, 2, IG1_FAULT_ABORT, 0);
	assert_int_equal(rig_mbox(IG1_MBOX_CTX_STOP, 65536, 0, 0, 0), IG1_MBOX_EARG);
	assert_int_equal(rig_mbox(IG1_MBOX_CTX_RESUME, 65536, 0, 0, 0), IG1_MBOX_EARG);
	assert_int_equal(rig_mbox(IG1_MBOX_CTX_RESUME, 3, 0, 0, 0), IG1_MBOX_EOK);
}

/* The job ends by itself while the abort is on its way: its own result counts. */
static void test_stop_race(void **state)
{
	(void)state;
	rig_create(0, 0);
	rig_submit(0, 1, 1);
	rig_run();
	chip_finish(&mock_chip, 0, 0, 0, 1);
	assert_int_equal(rig_mbox(IG1_MBOX_CTX_STOP, 1, 0, 0, 0), IG1_MBOX_EOK);
	rig_expect(0, 1, 0, 0);
	assert_int_equal(rig_find(0, CHIP_ABORT, 1), -1);
}

/* Only a job that asks for it stops its context; others of the queue and later jobs of it wait. */
static void test_stop_on_fault(void **state)
{
	struct ig1_job job;
	uint32_t i;

	(void)state;
	rig_create(0, 0);
	for (i = 1; i <= 3; i++) {
		rig_job(&job, i, 7);
		job.flags = IG1_JOB_STOP_ON_FAULT;
		rig_put(0, &job);
	}
	rig_job(&job, 4, 8);
	rig_put(0, &job);
	rig_ring_bell(0);
	rig_run();
	/* A job that ends well stops nothing. */
	rig_finish();
	rig_expect(0, 1, 0, 0);
	assert_int_equal(rig_running(), 2);
	chip_finish(&mock_chip, IG1_FAULT_PAGE, 0x1234, 5, 0);
	rig_run();
	rig_expect(0, 2, IG1_FAULT_PAGE, 0x1234);
	rig_expect(0, 3, IG1_FAULT_ABORT, 0);
	assert_int_equal(rig_running(), 4);
	/* Without the flag the next one of the context runs. */
	rig_submit(0, 5, 8);
	rig_run();
	chip_finish(&mock_chip, IG1_FAULT_PAGE, 0, 0, 0);
	rig_run();
	rig_expect(0, 4, IG1_FAULT_PAGE, 0);
	assert_int_equal(rig_running(), 5);
	rig_finish();
	rig_expect(0, 5, 0, 0);
	rig_submit(0, 6, 7);
	rig_run();
	rig_expect(0, 6, IG1_FAULT_ABORT, 0);
	assert_int_equal(rig_mbox(IG1_MBOX_CTX_RESUME, 7, 0, 0, 0), IG1_MBOX_EOK);
	rig_submit(0, 7, 7);
	rig_run();
	assert_int_equal(rig_running(), 7);
	rig_finish();
	rig_expect(0, 7, 0, 0);
	/* A descriptor that is refused is a fault like another. */
	rig_job(&job, 8, 7);
	job.flags = IG1_JOB_STOP_ON_FAULT;
	job.prog_len = 0;
	rig_put(0, &job);
	rig_submit(0, 9, 7);
	rig_run();
	rig_expect(0, 8, IG1_FAULT_DESC, OFF(prog_len));
	rig_expect(0, 9, IG1_FAULT_ABORT, 0);
}

static void test_running(void **state)
{
	(void)state;
	rig_create(5, 0);
	assert_int_equal(rig_mbox(IG1_MBOX_RUNNING, 0, 0, 0, 0), IG1_MBOX_EOK);
	assert_int_equal(mock_chip.mbox_val, 0);
	rig_submit(5, 77, 0xfffe);
	rig_run();
	mock_chip.counters[IG1_CTR_COMMANDS] = 0x900000123ull;
	mock_chip.emitted = 42;
	assert_int_equal(rig_mbox(IG1_MBOX_RUNNING, 0, 0, 0, 0), IG1_MBOX_EOK);
	assert_int_equal(mock_chip.mbox_val, 0xfffe0006);
	assert_int_equal(mock_chip.mbox_out[0], 77);
	assert_int_equal(mock_chip.mbox_out[1], 0xabcd);
	assert_int_equal(mock_chip.mbox_out[2], 0x123);
	assert_int_equal(mock_chip.mbox_out[3], 42);
	rig_finish();
	assert_int_equal(rig_mbox(IG1_MBOX_RUNNING, 0, 0, 0, 0), IG1_MBOX_EOK);
	assert_int_equal(mock_chip.mbox_val, 0);
	assert_int_equal(mock_chip.mbox_out[3], 0);
}

static void test_info(void **state)
{
	(void)state;
	rig_create(0, 0);
	rig_create(1, 0);
	rig_submit(0, 1, 1);
	rig_submit(0, 2, 1);
	rig_submit(1, 3, 1);
	rig_run();
	assert_int_equal(rig_mbox(IG1_MBOX_INFO, 0, 0, 0, 0), IG1_MBOX_EOK);
	assert_int_equal(mock_chip.mbox_out[0], 0);
	assert_int_equal(mock_chip.mbox_out[2], 2);
	assert_int_equal(mock_chip.mbox_out[3], MOCK_SPARE_WORDS * 4);
	rig_finish();
	chip_finish(&mock_chip, IG1_FAULT_EMIT, 0, 0, 0);
	rig_run();
	rig_finish();
	assert_int_equal(rig_mbox(IG1_MBOX_INFO, 0, 0, 0, 0), IG1_MBOX_EOK);
	assert_int_equal(mock_chip.mbox_out[0], 2);
	assert_int_equal(mock_chip.mbox_out[1], 1);
	assert_int_equal(mock_chip.mbox_out[2], 0);
}

/* --- random run ------------------------------------------------------------------------------ */

#define CONTEXTS 6u

static struct {
	uint32_t id, context, bad;
} expect[IG1_QUEUES][RIG_ENTRIES];
static uint32_t sent[IG1_QUEUES], got[IG1_QUEUES];
static int stopped[CONTEXTS];

static uint32_t seed;

static uint32_t rnd(uint32_t n)
{
	seed = seed * 1664525u + 1013904223u;
	return (uint32_t)((uint64_t)(seed >> 8) * n >> 24);
}

static void collect(uint32_t q, uint64_t *done)
{
	const struct ig1_completion *c;

	while ((c = rig_completion(q))) {
		uint32_t i = got[q]++ % RIG_ENTRIES;

		assert_true(got[q] <= sent[q]);
		assert_int_equal((uint32_t)c->job_id, expect[q][i].id);
		assert_int_equal(c->context, expect[q][i].context);
		assert_int_equal(c->head, got[q]);
		if (expect[q][i].bad)
			assert_int_equal(c->fault, IG1_FAULT_DESC);
		else
			assert_true(c->fault == 0 || c->fault == IG1_FAULT_PAGE ||
				    c->fault == IG1_FAULT_ABORT);
		if (!c->fault)
			assert_int_equal(c->counters[3], chip_counter((uint32_t)c->job_id, 3));
		++*done;
	}
}

static void submit_random(uint32_t q, uint32_t id)
{
	struct ig1_job job;
	uint32_t i = sent[q] % RIG_ENTRIES;

	if (sent[q] - got[q] == RIG_ENTRIES)
		return;
	expect[q][i].id = id;
	expect[q][i].context = rnd(CONTEXTS);
	expect[q][i].bad = !rnd(8);
	rig_job(&job, id, expect[q][i].context);
	if (expect[q][i].bad)
		job.flags = 2;
	rig_put(q, &job);
	sent[q]++;
	if (rnd(3))
		rig_ring_bell(q);
}

/* No job lost, doubled, reordered within its queue, or run while its context is stopped. */
static void test_random(void **state)
{
	uint64_t done = 0, total = 0;
	uint32_t n, q, id = 1, launches;

	(void)state;
	seed = 1;
	memset(sent, 0, sizeof(sent));
	memset(got, 0, sizeof(got));
	memset(stopped, 0, sizeof(stopped));
	for (q = 0; q < IG1_QUEUES; q++)
		rig_create(q, rnd(IG1_PRIORITIES));
	for (n = 0; n < 60000; n++) {
		q = rnd(IG1_QUEUES);
		switch (rnd(8)) {
		case 0:
		case 1:
		case 2:
			submit_random(q, id++);
			break;
		case 3:
			rig_ring_bell(q);
			break;
		case 4:
			if (mock_chip.busy)
				chip_finish(&mock_chip, rnd(6) ? 0 : IG1_FAULT_PAGE, 0, 0,
					    rig_running());
			break;
		case 5:
			if (!rnd(20)) {
				uint32_t c = rnd(CONTEXTS);

				stopped[c] = !stopped[c];
				assert_int_equal(rig_mbox(stopped[c] ? IG1_MBOX_CTX_STOP
								     : IG1_MBOX_CTX_RESUME,
							  c, 0, 0, 0),
						 0);
			}
			break;
		default:
			mock_chip.copy_delay = rnd(4);
			mock_chip.n_journal = 0;
			rig_run();
			for (launches = 0; launches < mock_chip.n_journal; launches++)
				total += mock_chip.journal[launches].event == CHIP_LAUNCH;
			break;
		}
		if (mock_chip.busy && !(mock_chip.pending & IG1_MCU_IRQ_PENDING_JOB)) {
			uint32_t context = (mock_chip.live[0] >> 12) & 0xffff;

			assert_false(stopped[context]);
		}
		collect(q, &done);
	}
	for (q = 0; q < IG1_QUEUES; q++)
		rig_ring_bell(q);
	rig_run();
	while (mock_chip.busy)
		rig_finish();
	for (q = 0; q < IG1_QUEUES; q++) {
		collect(q, &done);
		assert_int_equal(got[q], sent[q]);
		assert_int_equal(queues[q].state, QUEUE_OPEN);
	}
	assert_int_equal(rig_mbox(IG1_MBOX_INFO, 0, 0, 0, 0), 0);
	assert_int_equal(mock_chip.mbox_out[0] + mock_chip.mbox_out[1], done);
	assert_true(total > 1000 && done > 5000);
	print_message("# random run: %u jobs answered, %u launched between waits\n", (uint32_t)done,
		      (uint32_t)total);
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, rig_setup, rig_teardown)
	const struct CMUnitTest tests[] = {
		T(test_descriptor), T(test_unused_arguments), T(test_descriptor_order),
		T(test_scratch),    T(test_stop_running),     T(test_stop_other),
		T(test_stop_race),  T(test_stop_on_fault),    T(test_running),
		T(test_info),	    T(test_random),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("sched", tests, NULL, NULL);
}
