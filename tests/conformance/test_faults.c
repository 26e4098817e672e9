// SPDX-License-Identifier: MIT
/* Jobs that fail: every fault is reported with code, address and command, and others go on. */
#include "conformance.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ig1_chip.h"

/* Two harmless commands first, so that the index is not zero. */
static void begin(struct prog *p)
{
	memset(p, 0, sizeof(*p));
	prog_li(p, 20, 1);
	prog_sync(p);
}

static void expect_fault(struct rig *r, struct prog *p, const uint64_t *args, uint32_t nargs,
			 uint32_t code, uint64_t address, uint32_t index)
{
	struct accel_fault f;
	struct prog end = { 0 };

	assert_int_equal(run_prog(r, p, args, nargs, &f), ACCEL_EFAULT);
	if (f.code != code || f.address != address || f.index != index)
		fail_msg("fault %s at %u, address %#llx; expected %s at %u, %#llx",
			 accel_fault_name(f.code), f.index, (unsigned long long)f.address,
			 accel_fault_name(code), index, (unsigned long long)address);
	/* The next job runs. */
	prog_end(&end);
	assert_int_equal(run_prog(r, &end, NULL, 0, &f), 0);
	assert_int_equal(f.code, 0);
}

static void encoding_faults(void **state)
{
	struct prog p;
	struct rig r;

	(void)state;
	rig_open(&r);
	begin(&p);
	prog_next(&p, "bad")[0] = 0xee;
	prog_end(&p);
	expect_fault(&r, &p, NULL, 0, IG1_FAULT_OPCODE, 0, 2);
	begin(&p);
	prog_li(&p, 1, 0);
	p.w[2][31] = 1;
	prog_end(&p);
	expect_fault(&r, &p, NULL, 0, IG1_FAULT_FIELD, 31, 2);
	begin(&p);
	prog_end(&p);
	p.w[2][0] |= 1u << 16; /* waits for token 0 */
	expect_fault(&r, &p, NULL, 0, IG1_FAULT_TOKEN, 0, 2);
	begin(&p); /* no end */
	expect_fault(&r, &p, NULL, 0, IG1_FAULT_PROG, 0, 2);
	begin(&p);
	prog_seq(&p, "brk", (struct ig1_fmt_seq){ .op = IG1_OP_S_BRK });
	prog_end(&p);
	expect_fault(&r, &p, NULL, 0, IG1_FAULT_LOOP, 0, 2);
	rig_close(&r);
}

static void operand_faults(void **state)
{
	struct ig1_fmt_emb emb = {
		.op = IG1_OP_T_EMB, .wstride = 34, .rows = 64, .groups = 1, .cols = 1, .y = 4096
	};
	uint64_t scratch, args[1];
	struct area host;
	struct prog p;
	struct rig r;

	(void)state;
	rig_open(&r);
	OK(r.dev, accel_device_get(r.dev, ACCEL_PARAM_SCRATCH_BYTES, &scratch));
	area_open(&r, &host, 4096, ACCEL_BUFFER_HOST, 0);
	args[0] = host.va;
	begin(&p);
	prog_move(&p, IG1_OP_D_LD, 1, 0, (uint32_t)scratch - 4, 8);
	prog_end(&p);
	expect_fault(&r, &p, args, 1, IG1_FAULT_SCRATCH, scratch - 4, 2);
	begin(&p);
	prog_move(&p, IG1_OP_D_LD, 1, 2, 0, 8);
	prog_end(&p);
	expect_fault(&r, &p, args, 1, IG1_FAULT_ALIGN, host.va + 2, 2);
	begin(&p);
	emb.rows = IG1_MAX_COUNT + 1;
	ig1_encode_emb(&emb, prog_next(&p, "emb"));
	prog_end(&p);
	expect_fault(&r, &p, NULL, 0, IG1_FAULT_COUNT, IG1_MAX_COUNT + 1, 2);
	begin(&p);
	emb.rows = 64;
	emb.rom = 1u << 30;
	ig1_encode_emb(&emb, prog_next(&p, "emb"));
	prog_end(&p);
	expect_fault(&r, &p, NULL, 0, IG1_FAULT_ROM, 1u << 30, 2);
	begin(&p);
	prog_seq(&p, "st", (struct ig1_fmt_seq){ .op = IG1_OP_S_ST, .rb = 20, .imm = 64 });
	emb.rom = 0;
	emb.rows = 1;
	emb.idx = 64;
	ig1_encode_emb(&emb, prog_next(&p, "emb"));
	prog_end(&p);
	expect_fault(&r, &p, NULL, 0, IG1_FAULT_INDEX, 1, 3);
	begin(&p);
	prog_seq(&p, "emit", (struct ig1_fmt_seq){ .op = IG1_OP_S_EMIT });
	prog_end(&p);
	expect_fault(&r, &p, NULL, 0, IG1_FAULT_EMIT, 0, 2);
	area_close(&r, &host);
	rig_close(&r);
}

static void memory_faults(void **state)
{
	struct area host, ro;
	uint64_t args[1], gone;
	struct prog p;
	struct rig r;

	(void)state;
	rig_open(&r);
	area_open(&r, &host, 4096, ACCEL_BUFFER_HOST, 0);
	area_open(&r, &ro, 4096, ACCEL_BUFFER_HOST, ACCEL_MAP_READ_ONLY);
	gone = host.va;
	area_close(&r, &host);
	begin(&p);
	prog_move(&p, IG1_OP_D_LD, 1, 16, 0, 16);
	prog_end(&p);
	args[0] = 0; /* low addresses are never mapped */
	expect_fault(&r, &p, args, 1, IG1_FAULT_PAGE, 16, 2);
	args[0] = UINT64_C(1) << 39; /* beyond the address space */
	expect_fault(&r, &p, args, 1, IG1_FAULT_PAGE, args[0] + 16, 2);
	args[0] = gone;
	if (gone != ro.va && gone + 4096 != ro.va)
		expect_fault(&r, &p, args, 1, IG1_FAULT_PAGE, gone + 16, 2);
	begin(&p);
	prog_move(&p, IG1_OP_D_ST, 1, 64, 0, 16);
	prog_end(&p);
	args[0] = ro.va;
	expect_fault(&r, &p, args, 1, IG1_FAULT_WRITE, ro.va + 64, 2);
	area_close(&r, &ro);
	rig_close(&r);
}

static void spaces_are_isolated(void **state)
{
	struct area secret;
	uint64_t args[1];
	struct prog p;
	struct rig r, other;

	(void)state;
	rig_open(&r);
	other.dev = accel_device_ref(r.dev);
	OK(r.dev, accel_space_create(r.dev, &other.space));
	OK(r.dev, accel_queue_create(other.space, 0, &other.queue));
	/* High up, so that the other space has nothing there by chance. */
	area_open(&r, &secret, 4096, ACCEL_BUFFER_RESIDENT, 0);
	OK(r.dev, accel_space_unmap(r.space, secret.va));
	secret.va = UINT64_C(1) << 38;
	OK(r.dev, accel_space_map(r.space, secret.buf, 0, 4096, ACCEL_MAP_FIXED, &secret.va));
	begin(&p);
	prog_move(&p, IG1_OP_D_LD, 1, 0, 0, 16);
	prog_end(&p);
	args[0] = secret.va;
	assert_int_equal(run_prog(&r, &p, args, 1, NULL), 0);
	expect_fault(&other, &p, args, 1, IG1_FAULT_PAGE, secret.va, 2);
	assert_int_equal(run_prog(&r, &p, args, 1, NULL), 0);
	area_close(&r, &secret);
	rig_close(&other);
	rig_close(&r);
}

static void build_endless(struct prog *p)
{
	begin(p);
	prog_endless(p);
}

static void watchdog_ends_endless_jobs(void **state)
{
	struct accel_job job = { .size = sizeof(job), .watchdog = 1000000 };
	struct accel_fence *f;
	struct accel_fault fault;
	struct area code;
	struct prog p;
	struct rig r;

	(void)state;
	rig_open(&r);
	build_endless(&p);
	area_open(&r, &code, sizeof(p.w), ACCEL_BUFFER_HOST, ACCEL_MAP_READ_ONLY);
	memcpy(code.p, p.w, sizeof(p.w));
	job.prog = code.va;
	job.commands = p.n;
	OK(r.dev, accel_queue_submit(r.queue, &job, &f));
	assert_int_equal(accel_fence_wait(f, ACCEL_FOREVER), ACCEL_EFAULT);
	OK(r.dev, accel_fence_fault(f, &fault));
	assert_int_equal(fault.code, IG1_FAULT_WATCHDOG);
	accel_fence_unref(f);
	area_close(&r, &code);
	rig_close(&r);
}

static void cancel_ends_jobs(void **state)
{
	struct accel_fence *f, *g;
	struct area code, code2;
	struct prog p, end = { 0 };
	struct accel_fault fault;
	struct rig r;
	int i, err;

	(void)state;
	rig_open(&r);
	build_endless(&p);
	prog_end(&end);
	for (i = 0; i < 3; i++) {
		f = submit(&r, r.queue, &p, NULL, 0, &code, NULL);
		g = submit(&r, r.queue, &end, NULL, 0, &code2, NULL);
		assert_int_equal(accel_fence_wait(f, accel_deadline(i * 10000000)), ACCEL_ETIMEOUT);
		assert_int_equal(accel_fence_wait(g, 0), ACCEL_ETIMEOUT);
		FAILS(r.dev, ACCEL_ESTATE, accel_fence_fault(f, &fault));
		do {
			OK(r.dev, accel_queue_cancel(r.queue));
			err = accel_fence_wait(f, accel_deadline(100000000));
		} while (err == ACCEL_ETIMEOUT);
		assert_int_equal(err, ACCEL_ECANCELED);
		assert_int_equal(accel_fence_wait(g, ACCEL_FOREVER), ACCEL_ECANCELED);
		accel_fence_unref(f);
		accel_fence_unref(g);
		area_close(&r, &code);
		area_close(&r, &code2);
		/* A cancelled queue goes on. */
		assert_int_equal(run_prog(&r, &end, NULL, 0, NULL), 0);
	}
	/* Closing a queue ends its jobs. */
	f = submit(&r, r.queue, &p, NULL, 0, &code, NULL);
	accel_queue_unref(r.queue);
	r.queue = NULL;
	assert_int_equal(accel_fence_wait(f, 0), ACCEL_ECANCELED);
	accel_fence_unref(f);
	area_close(&r, &code);
	rig_close(&r);
}

static void failure_poisons_the_queue_only(void **state)
{
	struct prog bad, good = { 0 };
	struct accel_fence *f[4];
	struct area code[4];
	struct accel_job job = { .size = sizeof(job) };
	struct accel_queue *other;
	struct accel_fault fault;
	struct rig r;
	uint64_t v;
	int i;

	(void)state;
	rig_open(&r);
	OK(r.dev, accel_queue_create(r.space, 2, &other));
	begin(&bad);
	prog_next(&bad, "bad")[0] = 0xff;
	/* Long enough that all four are submitted before it fails. */
	build_endless(&good);
	f[0] = submit(&r, r.queue, &good, NULL, 0, &code[0], NULL);
	f[1] = submit(&r, r.queue, &bad, NULL, 0, &code[1], NULL);
	memset(&good, 0, sizeof(good));
	prog_end(&good);
	f[2] = submit(&r, r.queue, &good, NULL, 0, &code[2], NULL);
	f[3] = submit(&r, other, &good, NULL, 0, &code[3], NULL);
	do {
		OK(r.dev, accel_queue_cancel(r.queue));
	} while (accel_fence_wait(f[0], accel_deadline(50000000)) == ACCEL_ETIMEOUT);
	assert_int_equal(accel_fence_wait(f[3], ACCEL_FOREVER), 0);
	for (i = 0; i < 4; i++) {
		accel_fence_wait(f[i], ACCEL_FOREVER);
		accel_fence_unref(f[i]);
		area_close(&r, &code[i]);
	}
	/* Now for real: a fault, with a job behind it. */
	f[0] = submit(&r, r.queue, &bad, NULL, 0, &code[0], NULL);
	assert_int_equal(accel_fence_wait(f[0], ACCEL_FOREVER), ACCEL_EFAULT);
	OK(r.dev, accel_fence_fault(f[0], &fault));
	assert_int_equal(fault.code, IG1_FAULT_OPCODE);
	assert_int_equal(fault.value, accel_fence_value(f[0]));
	job.prog = code[0].va;
	job.commands = 1;
	while (accel_queue_submit(r.queue, &job, NULL) == 0)
		usleep(100);
	FAILS(r.dev, ACCEL_ESTATE, accel_queue_submit(r.queue, &job, NULL));
	f[3] = submit(&r, other, &good, NULL, 0, &code[3], NULL);
	assert_int_equal(accel_fence_wait(f[3], ACCEL_FOREVER), 0);
	OK(r.dev, accel_queue_reset(r.queue));
	f[2] = submit(&r, r.queue, &good, NULL, 0, &code[2], NULL);
	assert_int_equal(accel_fence_wait(f[2], ACCEL_FOREVER), 0);
	OK(r.dev, accel_device_get(r.dev, ACCEL_PARAM_JOBS_FAULTED, &v));
	assert_true(v >= 1);
	for (i = 0; i < 4; i++) {
		if (i == 1)
			continue;
		accel_fence_unref(f[i]);
		area_close(&r, &code[i]);
	}
	accel_queue_unref(other);
	rig_close(&r);
}

static void jobs_behind_a_failure_are_cancelled(void **state)
{
	struct prog slow_bad, good = { 0 };
	struct accel_fence *a, *b;
	struct area code, code2;
	struct accel_fault fault;
	struct rig r;
	uint32_t at;

	(void)state;
	rig_open(&r);
	begin(&slow_bad);
	prog_seq(&slow_bad, "loop",
		 (struct ig1_fmt_seq){ .op = IG1_OP_S_LOOP, .imm = 200000, .len = 1 });
	prog_li(&slow_bad, 21, 1);
	at = slow_bad.n;
	prog_next(&slow_bad, "bad")[0] = 0xff;
	prog_end(&good);
	a = submit(&r, r.queue, &slow_bad, NULL, 0, &code, NULL);
	b = submit(&r, r.queue, &good, NULL, 0, &code2, NULL);
	assert_int_equal(accel_fence_wait(b, ACCEL_FOREVER), ACCEL_ECANCELED);
	assert_int_equal(accel_fence_wait(a, ACCEL_FOREVER), ACCEL_EFAULT);
	/* The cancelled job tells why. */
	OK(r.dev, accel_fence_fault(b, &fault));
	assert_int_equal(fault.code, IG1_FAULT_OPCODE);
	assert_int_equal(fault.index, at);
	assert_int_equal(fault.value, accel_fence_value(a));
	accel_fence_unref(a);
	accel_fence_unref(b);
	area_close(&r, &code);
	area_close(&r, &code2);
	rig_close(&r);
}

TEST_LIST(faults_results, cmocka_unit_test(encoding_faults), cmocka_unit_test(operand_faults),
	  cmocka_unit_test(memory_faults), cmocka_unit_test(spaces_are_isolated),
	  cmocka_unit_test(watchdog_ends_endless_jobs), cmocka_unit_test(cancel_ends_jobs),
	  cmocka_unit_test(failure_poisons_the_queue_only),
	  cmocka_unit_test(jobs_behind_a_failure_are_cancelled));
