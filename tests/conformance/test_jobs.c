// SPDX-License-Identifier: MIT
/* Jobs that end well: data, arguments, order, tokens, fences, isolation of memory contents. */
#include "conformance.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ig1_chip.h"

static void data_moves_through_scratch_and_sram(void **state)
{
	struct area a, b, sram;
	struct prog p = { 0 };
	uint64_t args[3];
	struct rig r;
	size_t i;

	(void)state;
	rig_open(&r);
	area_open(&r, &a, 8192, ACCEL_BUFFER_HOST, ACCEL_MAP_READ_ONLY);
	area_open(&r, &b, 8192, ACCEL_BUFFER_HOST, 0);
	area_open(&r, &sram, 8192, ACCEL_BUFFER_RESIDENT, 0);
	for (i = 0; i < a.bytes; i++)
		a.p[i] = (uint8_t)(i * 31 + i / 256);
	/* Not page-aligned on purpose: 8184 bytes from offset 4. */
	prog_move(&p, IG1_OP_D_LD, 1, 4, 64, 8184);
	prog_move(&p, IG1_OP_D_ST, 2, 8, 64, 8184);
	prog_move(&p, IG1_OP_D_LD, 2, 8, 32768, 8184);
	prog_move(&p, IG1_OP_D_ST, 3, 4, 32768, 8184);
	prog_end(&p);
	args[0] = a.va;
	args[1] = sram.va;
	args[2] = b.va;
	assert_int_equal(run_prog(&r, &p, args, 3, NULL), 0);
	assert_memory_equal(a.p + 4, b.p + 4, 8184);
	assert_int_equal(b.p[0], 0);
	area_close(&r, &sram);
	area_close(&r, &b);
	area_close(&r, &a);
	rig_close(&r);
}

static void arguments_arrive(void **state)
{
	struct prog p = { 0 };
	uint64_t args[8], got[8];
	struct area out;
	struct rig r;
	uint8_t i;

	(void)state;
	rig_open(&r);
	area_open(&r, &out, 4096, ACCEL_BUFFER_HOST, 0);
	for (i = 0; i < 8; i++) {
		args[i] = i ? 0x0102030405060708u * i : out.va;
		prog_seq(&p, "st",
			 (struct ig1_fmt_seq){ .op = IG1_OP_S_ST,
					       .rb = (uint8_t)(i + 1),
					       .width = IG1_LDW_U64,
					       .imm = 8u * i });
	}
	prog_sync(&p);
	prog_move(&p, IG1_OP_D_ST, 1, 0, 0, 64);
	prog_end(&p);
	assert_int_equal(run_prog(&r, &p, args, 8, NULL), 0);
	memcpy(got, out.p, sizeof(got));
	assert_memory_equal(got, args, sizeof(args));
	area_close(&r, &out);
	rig_close(&r);
}

/* Adds R2 to the u32 at R1 of host memory. */
static void build_add(struct prog *p)
{
	prog_move(p, IG1_OP_D_LD, 1, 0, 0, 4);
	prog_sync(p);
	prog_seq(p, "ld", (struct ig1_fmt_seq){ .op = IG1_OP_S_LD, .rd = 9 });
	prog_seq(p, "x3",
		 (struct ig1_fmt_seq){
			 .op = IG1_OP_S_ALU, .alu = IG1_ALUOP_MUL, .rd = 9, .ra = 9, .imm = 3 });
	prog_seq(p, "add",
		 (struct ig1_fmt_seq){
			 .op = IG1_OP_S_ALU, .alu = IG1_ALUOP_ADD, .rd = 9, .ra = 9, .rb = 2 });
	prog_seq(p, "st", (struct ig1_fmt_seq){ .op = IG1_OP_S_ST, .rb = 9 });
	prog_move(p, IG1_OP_D_ST, 1, 0, 0, 4);
	prog_end(p);
}

static void jobs_of_a_queue_run_in_order(void **state)
{
	enum { N = 200 };
	struct accel_fence *f[N];
	struct area code[N], out;
	struct prog p = { 0 };
	uint32_t expect = 0, got;
	uint64_t args[2];
	struct rig r;
	size_t i;

	(void)state;
	rig_open(&r);
	area_open(&r, &out, 4096, ACCEL_BUFFER_HOST, 0);
	build_add(&p);
	for (i = 0; i < N; i++) {
		args[0] = out.va;
		args[1] = i;
		expect = expect * 3 + (uint32_t)i;
		f[i] = submit(&r, r.queue, &p, args, 2, &code[i], NULL);
		assert_int_equal(accel_fence_value(f[i]), i + 1);
	}
	assert_int_equal(accel_fence_wait(f[N - 1], ACCEL_FOREVER), 0);
	for (i = 0; i < N; i++) {
		assert_int_equal(accel_fence_wait(f[i], 0), 0);
		accel_fence_unref(f[i]);
		area_close(&r, &code[i]);
	}
	memcpy(&got, out.p, 4);
	if (strcmp(test_backend, "null"))
		assert_int_equal(got, expect);
	area_close(&r, &out);
	rig_close(&r);
}

static void tokens_are_emitted(void **state)
{
	struct ig1_token t[8];
	struct accel_fence *f;
	struct area emit, code;
	struct prog p = { 0 };
	uint64_t ctr[ACCEL_COUNTERS];
	uint32_t emitted, traced, i;
	struct rig r;

	(void)state;
	rig_open(&r);
	area_open(&r, &emit, 4096, ACCEL_BUFFER_HOST, 0);
	prog_seq(&p, "loop",
		 (struct ig1_fmt_seq){ .op = IG1_OP_S_LOOP, .rd = 9, .imm = 8, .len = 2 });
	prog_seq(&p, "x",
		 (struct ig1_fmt_seq){
			 .op = IG1_OP_S_ALU, .alu = IG1_ALUOP_MUL, .rd = 10, .ra = 9, .imm = 100 });
	prog_seq(&p, "emit",
		 (struct ig1_fmt_seq){ .op = IG1_OP_S_EMIT, .ra = 10, .rb = 9, .kind = 1 });
	prog_end(&p);
	f = submit(&r, r.queue, &p, NULL, 0, &code, &emit);
	assert_int_equal(accel_fence_wait(f, ACCEL_FOREVER), 0);
	memcpy(t, emit.p, sizeof(t));
	for (i = 0; i < 8; i++) {
		assert_int_equal(t[i].seq, i + 1);
		assert_int_equal(t[i].slot, i);
		assert_int_equal(t[i].kind, 1);
		assert_int_equal(t[i].value, 100 * i);
	}
	OK(r.dev, accel_fence_counters(f, ctr, ACCEL_COUNTERS, &emitted, &traced));
	assert_int_equal(emitted, 8);
	assert_int_equal(traced, 0);
	assert_int_equal(ctr[IG1_CTR_EMITS], 8);
	assert_int_equal(ctr[IG1_CTR_COMMANDS], 18);
	accel_fence_unref(f);
	area_close(&r, &code);
	area_close(&r, &emit);
	rig_close(&r);
}

static void fences_can_be_polled(void **state)
{
	struct prog p = { 0 };
	struct accel_fence *f;
	struct pollfd pfd;
	struct area code;
	struct rig r;
	int fd, late;

	(void)state;
	rig_open(&r);
	prog_end(&p);
	f = submit(&r, r.queue, &p, NULL, 0, &code, NULL);
	OK(r.dev, accel_fence_fd(f, &fd));
	pfd = (struct pollfd){ .fd = fd, .events = POLLIN };
	assert_int_equal(poll(&pfd, 1, 60000), 1);
	assert_int_equal(accel_fence_wait(f, 0), 0);
	/* After the end as well. */
	OK(r.dev, accel_fence_fd(f, &late));
	pfd.fd = late;
	assert_int_equal(poll(&pfd, 1, 0), 1);
	close(fd);
	close(late);
	accel_fence_unref(f);
	area_close(&r, &code);
	rig_close(&r);
}

/* Fills 4096 bytes of scratch and the page at R1 with what R2's page holds. */
static void build_fill(struct prog *p)
{
	prog_move(p, IG1_OP_D_LD, 2, 0, 8192, 4096);
	prog_move(p, IG1_OP_D_ST, 1, 0, 8192, 4096);
	prog_end(p);
}

static void sram_pages_are_zeroed_between_owners(void **state)
{
	struct area sram, host;
	struct prog fill = { 0 }, dump = { 0 };
	uint64_t args[2];
	struct rig r;
	int round, i;

	(void)state;
	rig_open(&r);
	area_open(&r, &host, 4096, ACCEL_BUFFER_HOST, 0);
	build_fill(&fill);
	prog_move(&dump, IG1_OP_D_LD, 1, 0, 0, 4096);
	prog_move(&dump, IG1_OP_D_ST, 2, 0, 0, 4096);
	prog_end(&dump);
	for (round = 0; round < 80; round++) { /* more than there are pages */
		area_open(&r, &sram, 4096, ACCEL_BUFFER_RESIDENT, 0);
		args[0] = sram.va;
		args[1] = host.va;
		memset(host.p, 0x77, 4096);
		assert_int_equal(run_prog(&r, &dump, args, 2, NULL), 0);
		for (i = 0; i < 4096; i++)
			assert_int_equal(host.p[i], 0);
		memset(host.p, 0x5a, 4096);
		assert_int_equal(run_prog(&r, &fill, args, 2, NULL), 0);
		area_close(&r, &sram);
	}
	area_close(&r, &host);
	rig_close(&r);
}

static void scratch_is_cleared_between_contexts(void **state)
{
	struct prog fill = { 0 }, dump = { 0 };
	struct area src, dst, other_out;
	uint64_t args[2];
	struct rig r, other;
	int i;

	(void)state;
	rig_open(&r);
	other.dev = accel_device_ref(r.dev);
	OK(r.dev, accel_space_create(r.dev, &other.space));
	OK(r.dev, accel_queue_create(other.space, 1, &other.queue));
	area_open(&r, &src, 4096, ACCEL_BUFFER_HOST, 0);
	area_open(&r, &dst, 4096, ACCEL_BUFFER_HOST, 0);
	area_open(&other, &other_out, 4096, ACCEL_BUFFER_HOST, 0);
	memset(src.p, 0x3c, 4096);
	build_fill(&fill);
	args[0] = dst.va;
	args[1] = src.va;
	assert_int_equal(run_prog(&r, &fill, args, 2, NULL), 0);
	assert_memory_equal(dst.p, src.p, 4096);
	prog_move(&dump, IG1_OP_D_ST, 1, 0, 8192, 4096);
	prog_end(&dump);
	memset(other_out.p, 0xff, 4096);
	args[0] = other_out.va;
	assert_int_equal(run_prog(&other, &dump, args, 1, NULL), 0);
	for (i = 0; i < 4096; i++)
		assert_int_equal(other_out.p[i], 0);
	area_close(&other, &other_out);
	area_close(&r, &dst);
	area_close(&r, &src);
	rig_close(&other);
	rig_close(&r);
}

struct client {
	struct rig r;
	pthread_t thread;
	uint32_t seed;
	int failed;
};

static void *client_main(void *arg)
{
	struct client *c = arg;
	struct accel_buffer *code, *out;
	struct accel_fence *f;
	struct prog p = { 0 };
	struct accel_job job = { .size = sizeof(job), .nargs = 2 };
	uint32_t expect = 0, got, i;
	uint64_t va;

	build_add(&p);
	c->failed |= accel_buffer_create(c->r.dev, sizeof(p.w), 0, &code);
	c->failed |= accel_buffer_create(c->r.dev, 4096, 0, &out);
	if (c->failed)
		return NULL;
	memcpy(accel_buffer_data(code), p.w, p.n * IG1_COMMAND_BYTES);
	c->failed |= accel_space_map(c->r.space, code, 0, accel_buffer_size(code), 1, &job.prog);
	c->failed |= accel_space_map(c->r.space, out, 0, 4096, 0, &va);
	job.commands = p.n;
	job.args[0] = va;
	for (i = 0; i < 60 && !c->failed; i++) {
		job.args[1] = c->seed + i;
		expect = expect * 3 + c->seed + i;
		c->failed |= accel_queue_submit(c->r.queue, &job, &f);
		if (i % 7 == 0)
			c->failed |= accel_fence_wait(f, ACCEL_FOREVER);
		accel_fence_unref(f);
	}
	c->failed |= accel_queue_reset(c->r.queue); /* waits */
	memcpy(&got, accel_buffer_data(out), 4);
	if (strcmp(test_backend, "null"))
		c->failed |= got != expect;
	accel_buffer_unref(out);
	accel_buffer_unref(code);
	return NULL;
}

static void many_threads_share_a_device(void **state)
{
	struct accel_device *dev = open_device(test_toy);
	struct client c[6];
	size_t i;

	(void)state;
	for (i = 0; i < 6; i++) {
		c[i].r.dev = dev;
		c[i].seed = (uint32_t)(i * 1000);
		c[i].failed = 0;
		OK(dev, accel_space_create(dev, &c[i].r.space));
		OK(dev, accel_queue_create(c[i].r.space, (uint32_t)i % 4, &c[i].r.queue));
		assert_int_equal(pthread_create(&c[i].thread, NULL, client_main, &c[i]), 0);
	}
	for (i = 0; i < 6; i++) {
		pthread_join(c[i].thread, NULL);
		assert_int_equal(c[i].failed, 0);
		accel_queue_unref(c[i].r.queue);
		accel_space_unref(c[i].r.space);
	}
	accel_device_unref(dev);
}

TEST_LIST(jobs, cmocka_unit_test(jobs_of_a_queue_run_in_order),
	  cmocka_unit_test(fences_can_be_polled), cmocka_unit_test(many_threads_share_a_device));
TEST_LIST(jobs_results, cmocka_unit_test(data_moves_through_scratch_and_sram),
	  cmocka_unit_test(arguments_arrive), cmocka_unit_test(tokens_are_emitted),
	  cmocka_unit_test(sram_pages_are_zeroed_between_owners),
	  cmocka_unit_test(scratch_is_cleared_between_contexts));
