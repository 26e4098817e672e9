// SPDX-License-Identifier: MIT
/* The drm back end where a driver does not cooperate: selection, errors, unplug, bans, and costs. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "accel/accel.h"
#include "backends/drm/drm_sys.h"
#include "conformance/prog.h"
#include "conformance/toy.h"
#include "fake_kernel.h"
#include "ig1_chip.h"
#include "uapi/intaglio_accel.h"

static char dir[64], toy[96], other[96];

static int open_drm(const char *backend, const char *mask, uint32_t index, char *text,
		    struct accel_device **dev)
{
	struct accel_device_options o = { .size = sizeof(o),
					  .backend = backend,
					  .mask = mask,
					  .index = index,
					  .error = text,
					  .error_size = text ? 256 : 0 };

	return accel_device_open(&o, dev);
}

static struct accel_device *must_open(void)
{
	struct accel_device *dev;
	char text[256];

	if (open_drm("drm", NULL, 0, text, &dev))
		fail_msg("open: %s", text);
	return dev;
}

struct rig {
	struct accel_device *dev;
	struct accel_space *space;
	struct accel_queue *queue;
	struct accel_buffer *code;
	struct accel_job job;
};

static void rig_open(struct rig *r, const struct prog *p)
{
	r->dev = must_open();
	assert_int_equal(accel_space_create(r->dev, &r->space), 0);
	assert_int_equal(accel_queue_create(r->space, 1, &r->queue), 0);
	assert_int_equal(accel_buffer_create(r->dev, sizeof(p->w), 0, &r->code), 0);
	memcpy(accel_buffer_data(r->code), p->w, sizeof(p->w));
	memset(&r->job, 0, sizeof(r->job));
	r->job.size = sizeof(r->job);
	r->job.commands = p->n;
	r->job.watchdog = UINT64_C(1) << 60;
	assert_int_equal(accel_space_map(r->space, r->code, 0, accel_buffer_size(r->code),
					 ACCEL_MAP_READ_ONLY, &r->job.prog),
			 0);
}

static void rig_close(struct rig *r)
{
	accel_buffer_unref(r->code);
	accel_queue_unref(r->queue);
	accel_space_unref(r->space);
	accel_device_unref(r->dev);
}

static int run(struct rig *r)
{
	struct accel_fence *f;
	int err = accel_queue_submit(r->queue, &r->job, &f);

	if (err)
		return err;
	err = accel_fence_wait(f, accel_deadline(INT64_C(30000000000)));
	accel_fence_unref(f);
	return err;
}

static void expect_detail(struct accel_device *dev, const char *word)
{
	char text[512];

	accel_last_error(dev, text, sizeof(text));
	if (!strstr(text, word))
		fail_msg("'%s' does not say '%s'", text, word);
}

static const struct prog end_only = { .w = { { IG1_OP_S_END } }, .n = 1 };

static void build_endless(struct prog *p)
{
	memset(p, 0, sizeof(*p));
	prog_endless(p);
}

/* --- enumeration and selection ------------------------------------------------------------------ */

static void nodes_are_scanned(void **state)
{
	static const char *const names[] = {
		"accel10", "accel2",	      "accel",		 "accel1x",
		"accel-1", "accel03",	      "card0",		 "Accel4",
		"accel0",  "accel4294967295", "accel4294967296", "accel99999999999999999999"
	};
	char path[160], class[96];
	uint32_t n[8];
	size_t i;

	(void)state;
	snprintf(class, sizeof(class), "%s/accel", dir);
	assert_int_equal(drm_sys_scan(class, n, 8), 0);
	assert_int_equal(mkdir(class, 0700), 0);
	assert_int_equal(drm_sys_scan(class, n, 8), 0);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", class, names[i]);
		assert_int_equal(mkdir(path, 0700), 0);
	}
	assert_int_equal(drm_sys_scan(class, n, 8), 4);
	assert_int_equal(n[0], 0);
	assert_int_equal(n[1], 2);
	assert_int_equal(n[2], 10);
	assert_int_equal(n[3], UINT32_MAX);
	assert_int_equal(drm_sys_scan(class, n, 2), 2);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", class, names[i]);
		rmdir(path);
	}
	rmdir(class);
	assert_int_equal(drm_sys_scan("/proc/version/x", n, 8), -ENOTDIR);
}

static void devices_are_chosen(void **state)
{
	struct accel_device *dev;
	char text[256], node[64];
	size_t n;

	(void)state;
	fake_kernel_init(toy);
	fake_kernel.nodes[2] = (struct fake_node){ 9, DRM_INTAGLIO_DRIVER_NAME, 1, 0, other };
	assert_int_equal(accel_backend_devices("drm", &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(open_drm("drm", NULL, 1, text, &dev), 0);
	assert_int_equal(accel_device_get_string(dev, ACCEL_STRING_NODE, node, sizeof(node)), 0);
	assert_string_equal(node, "/dev/accel/accel9");
	accel_device_unref(dev);
	assert_int_equal(open_drm("drm", NULL, 2, text, &dev), ACCEL_ENODEV);
	/* None named: the one with the mask, else a simulated chip. */
	assert_int_equal(open_drm(NULL, other, 0, text, &dev), 0);
	assert_string_equal(accel_device_backend(dev), "drm");
	accel_device_get_string(dev, ACCEL_STRING_NODE, node, sizeof(node));
	assert_string_equal(node, "/dev/accel/accel9");
	accel_device_unref(dev);
	assert_int_equal(open_drm(NULL, NULL, 0, text, &dev), 0);
	assert_string_equal(accel_device_backend(dev), "drm");
	assert_int_equal(accel_device_get_string(dev, ACCEL_STRING_NODE, node, 4), ACCEL_EARG);
	accel_device_unref(dev);
	fake_kernel.nodes[2].mask = toy;
	assert_int_equal(open_drm(NULL, toy, 1, text, &dev), 0);
	accel_device_get_string(dev, ACCEL_STRING_NODE, node, sizeof(node));
	assert_string_equal(node, "/dev/accel/accel9");
	accel_device_unref(dev);
	assert_int_equal(open_drm(NULL, other, 0, text, &dev), 0);
	assert_string_equal(accel_device_backend(dev), "ref");
	assert_int_equal(accel_device_get_string(dev, ACCEL_STRING_NODE, node, 64), ACCEL_ENOTSUP);
	accel_device_unref(dev);
	/* Named: the mask must fit. */
	assert_int_equal(open_drm("drm", other, 0, text, &dev), ACCEL_EMISMATCH);
	assert_non_null(strstr(text, "other.accel"));
	/* An unusable node is passed over by those who name none. */
	fake_kernel.nodes[1].open_error = EACCES;
	fake_kernel.nodes[2].open_error = EACCES;
	assert_int_equal(open_drm(NULL, toy, 0, text, &dev), 0);
	assert_string_equal(accel_device_backend(dev), "ref");
	accel_device_unref(dev);
	assert_int_equal(open_drm("drm", NULL, 0, text, &dev), ACCEL_ENODEV);
	assert_non_null(strstr(text, "group render"));
	fake_kernel.nodes[1] = (struct fake_node){ 0 };
	assert_int_equal(open_drm("drm", NULL, 0, text, &dev), ACCEL_ENODEV);
	assert_non_null(strstr(text, "no device"));
}

static void wrong_drivers_are_refused(void **state)
{
	struct accel_device *dev;
	char text[256];

	(void)state;
	fake_kernel_init(toy);
	fake_kernel.nodes[1].major = 2;
	assert_int_equal(open_drm("drm", NULL, 0, text, &dev), ACCEL_EVERSION);
	assert_non_null(strstr(text, "2.0"));
	fake_kernel_init(toy);
	fake_kernel.fdt_bytes = IG1_FDT_WINDOW_BYTES + 1;
	assert_int_equal(open_drm("drm", NULL, 0, text, &dev), ACCEL_EFORMAT);
	fake_kernel.fdt_bytes = 100;
	assert_int_equal(open_drm("drm", NULL, 0, text, &dev), ACCEL_EFORMAT);
	assert_non_null(strstr(text, "device tree"));
}

/* --- errors --------------------------------------------------------------------------------------- */

/* A life that uses every call; returns the first error. */
static int live(void)
{
	struct accel_device *dev = NULL;
	struct accel_session *s = NULL;
	struct accel_buffer *b = NULL;
	struct accel_model *m = NULL;
	int32_t v[40] = { 1, 2, 3 }, out[4];
	uint64_t n;
	int err;

	err = open_drm("drm", NULL, 0, NULL, &dev);
	if (!err)
		err = accel_model_open(dev, toy, NULL, &m);
	if (!err)
		err = accel_buffer_create(dev, 4096, ACCEL_BUFFER_RESIDENT, &b);
	if (!err)
		err = accel_session_create(m, NULL, &s);
	if (!err)
		err = accel_session_append(s, v, 40, NULL);
	if (!err)
		err = accel_session_decode(s, 3, 4, NULL, 0, NULL, NULL, out, NULL);
	if (!err)
		err = accel_device_get(dev, ACCEL_PARAM_SRAM_FREE, &n);
	if (!err)
		err = accel_device_get(dev, ACCEL_PARAM_CHIP_JOBS_DONE, &n);
	/* Full SRAM leaves no detail: it is no failure to those who try host memory next. */
	if (dev && err && err != ACCEL_ENOSPACE)
		assert_int_equal(accel_last_error(dev, NULL, 0), err);
	accel_session_unref(s);
	accel_buffer_unref(b);
	accel_model_unref(m);
	accel_device_unref(dev);
	return err;
}

static void every_call_may_fail(void **state)
{
	static const struct {
		int error, expect;
	} errors[] = {
		{ ENODEV, ACCEL_EDEVICE }, { EIO, ACCEL_EDEVICE },     { ENOMEM, ACCEL_ENOMEM },
		{ EINVAL, ACCEL_EIO },	   { ENOENT, ACCEL_EIO },      { EACCES, ACCEL_EPERM },
		{ ENOTTY, ACCEL_ENOTSUP }, { ENOSPC, ACCEL_ENOSPACE },
	};
	uint64_t calls[256];
	unsigned int nr;
	uint32_t after;
	size_t e;
	int err;

	(void)state;
	fake_kernel_init(toy);
	assert_int_equal(live(), 0);
	memcpy(calls, fake_kernel.calls, sizeof(calls));
	for (nr = DRM_COMMAND_BASE; nr <= DRM_COMMAND_BASE + DRM_INTAGLIO_EXEC; nr++) {
		switch (nr - DRM_COMMAND_BASE) {
		case DRM_INTAGLIO_GEM_INFO: /* not needed */
		case DRM_INTAGLIO_VM_GET_STATE:
		case DRM_INTAGLIO_QUEUE_GET_STATE:
		case DRM_INTAGLIO_QUEUE_CONTROL:
			assert_int_equal(calls[nr], 0);
			continue;
		default:
			assert_true(calls[nr] > 0);
			break;
		}
		for (e = 0; e < sizeof(errors) / sizeof(errors[0]); e++) {
			for (after = 0; after < calls[nr]; after++) {
				fake_kernel_init(toy);
				fake_kernel.fail_nr = nr;
				fake_kernel.fail_error = errors[e].error;
				fake_kernel.fail_after = after;
				/* What could not be destroyed is left to close(). */
				fake_kernel.no_leak_check = true;
				err = live();
				/* Destruction tells nobody, and full SRAM has a way out. */
				if (!err && (nr - DRM_COMMAND_BASE == DRM_INTAGLIO_VM_DESTROY ||
					     nr - DRM_COMMAND_BASE == DRM_INTAGLIO_QUEUE_DESTROY ||
					     nr - DRM_COMMAND_BASE == DRM_INTAGLIO_VM_BIND ||
					     (nr - DRM_COMMAND_BASE == DRM_INTAGLIO_GEM_CREATE &&
					      errors[e].error == ENOSPC)))
					continue;
				if (err != errors[e].expect)
					fail_msg("ioctl %#x, errno %d after %u: result %d", nr,
						 errors[e].error, after, err);
			}
		}
	}
	fake_kernel_init(toy);
	assert_int_equal(live(), 0);
}

static void priorities_need_permission(void **state)
{
	struct accel_queue *q;
	struct rig r;

	(void)state;
	fake_kernel_init(toy);
	fake_kernel.unprivileged = true;
	rig_open(&r, &end_only);
	assert_int_equal(accel_queue_create(r.space, 0, &q), ACCEL_EPERM);
	expect_detail(r.dev, "CAP_SYS_NICE");
	assert_int_equal(run(&r), 0);
	rig_close(&r);
}

/* --- jobs ------------------------------------------------------------------------------------------ */

static void unplug_ends_jobs(void **state)
{
	struct accel_fence *f[3];
	struct accel_buffer *b;
	struct prog p;
	struct rig r;
	int i;

	(void)state;
	fake_kernel_init(toy);
	build_endless(&p);
	rig_open(&r, &p);
	for (i = 0; i < 3; i++)
		assert_int_equal(accel_queue_submit(r.queue, &r.job, &f[i]), 0);
	assert_int_equal(accel_fence_wait(f[0], accel_deadline(10000000)), ACCEL_ETIMEOUT);
	fake_kernel_unplug(4);
	for (i = 0; i < 3; i++) {
		assert_int_equal(accel_fence_wait(f[i], accel_deadline(INT64_C(10000000000))),
				 ACCEL_EDEVICE);
		accel_fence_unref(f[i]);
	}
	expect_detail(r.dev, "unplugged");
	assert_int_equal(accel_queue_reset(r.queue), ACCEL_EDEVICE);
	assert_int_equal(accel_queue_submit(r.queue, &r.job, &f[0]), ACCEL_ESTATE);
	accel_last_error(r.dev, NULL, 0);
	assert_int_equal(accel_buffer_create(r.dev, 4096, 0, &b), ACCEL_EDEVICE);
	expect_detail(r.dev, "unplugged");
	rig_close(&r);
}

static void timeouts_end_a_queue_for_good(void **state)
{
	struct accel_queue *fresh;
	struct rig r;

	(void)state;
	fake_kernel_init(toy);
	rig_open(&r, &end_only);
	assert_int_equal(run(&r), 0);
	fake_kernel.hang_next = true;
	assert_int_equal(run(&r), ACCEL_EDEVICE);
	expect_detail(r.dev, "too long");
	assert_int_equal(accel_queue_reset(r.queue), ACCEL_EDEVICE);
	assert_int_equal(accel_queue_create(r.space, 1, &fresh), 0);
	accel_queue_unref(r.queue);
	r.queue = fresh;
	assert_int_equal(run(&r), 0);
	rig_close(&r);
}

static void lost_records_are_asked_for(void **state)
{
	struct prog bad = { .w = { { 0xee } }, .n = 1 };
	struct rig r;

	(void)state;
	fake_kernel_init(toy);
	rig_open(&r, &bad);
	fake_kernel.lose_record = true;
	assert_int_equal(run(&r), ACCEL_EFAULT); /* the queue's state has it */
	assert_true(fake_kernel.calls[DRM_COMMAND_BASE + DRM_INTAGLIO_QUEUE_GET_STATE] > 0);
	assert_int_equal(accel_queue_reset(r.queue), 0);
	memset(accel_buffer_data(r.code), 0, 128);
	memcpy(accel_buffer_data(r.code), end_only.w, 128);
	assert_int_equal(run(&r), 0);
	accel_last_error(r.dev, NULL, 0);
	fake_kernel.lose_record = true;
	assert_int_equal(run(&r), ACCEL_EDEVICE); /* good or not, nobody knows */
	expect_detail(r.dev, "without a completion record");
	rig_close(&r);
}

/* Jobs are handed over ahead; what was behind a failure is not run, what comes after reset is. */
static void failures_stop_what_was_handed_over(void **state)
{
	struct accel_fence *f[12];
	struct accel_fault fault;
	struct accel_buffer *out;
	struct prog p = { 0 };
	uint64_t va;
	struct rig r;
	int i, round;

	(void)state;
	fake_kernel_init(toy);
	/* Each job adds 1 to a word; R2 != 0: faults first, after a while. */
	prog_seq(&p, "wait",
		 (struct ig1_fmt_seq){ .op = IG1_OP_S_LOOP, .ra = 3, .imm = 1, .len = 1 });
	prog_li(&p, 21, 1);
	prog_seq(&p, "skip",
		 (struct ig1_fmt_seq){
			 .op = IG1_OP_S_SKIP, .ra = 2, .cond = IG1_COND_EQ, .len = 1 });
	prog_next(&p, "bad")[0] = 0xee;
	prog_move(&p, IG1_OP_D_LD, 1, 0, 0, 4);
	prog_sync(&p);
	prog_seq(&p, "ld", (struct ig1_fmt_seq){ .op = IG1_OP_S_LD, .rd = 9 });
	prog_seq(&p, "add",
		 (struct ig1_fmt_seq){
			 .op = IG1_OP_S_ALU, .alu = IG1_ALUOP_ADD, .rd = 9, .ra = 9, .imm = 1 });
	prog_seq(&p, "st", (struct ig1_fmt_seq){ .op = IG1_OP_S_ST, .rb = 9 });
	prog_move(&p, IG1_OP_D_ST, 1, 0, 0, 4);
	prog_end(&p);
	rig_open(&r, &p);
	assert_int_equal(accel_buffer_create(r.dev, 4096, 0, &out), 0);
	assert_int_equal(accel_space_map(r.space, out, 0, 4096, 0, &va), 0);
	r.job.nargs = 3;
	r.job.args[0] = va;
	for (round = 0; round < 40; round++) {
		*(volatile uint32_t *)accel_buffer_data(out) = 0;
		memset(f, 0, sizeof(f));
		for (i = 0; i < 12; i++) {
			r.job.args[1] = i == 3;
			r.job.args[2] = i == 3 ? 20000 * (uint64_t)(round % 4) : 0;
			if (accel_queue_submit(r.queue, &r.job, &f[i]))
				break; /* it has failed by now */
		}
		assert_true(i > 3);
		for (i = 0; i < 12 && f[i]; i++) {
			assert_int_equal(
				accel_fence_wait(f[i], accel_deadline(INT64_C(10000000000))),
				i < 3	? 0
				: i > 3 ? ACCEL_ECANCELED
					: ACCEL_EFAULT);
			if (i >= 3) {
				assert_int_equal(accel_fence_fault(f[i], &fault), 0);
				assert_int_equal(fault.code, IG1_FAULT_OPCODE);
				assert_int_equal(fault.index, 3);
				assert_int_equal(fault.value, accel_fence_value(f[3]));
			}
		}
		assert_int_equal(*(volatile uint32_t *)accel_buffer_data(out), 3);
		for (i = 0; i < 12; i++)
			accel_fence_unref(f[i]);
		assert_int_equal(accel_queue_reset(r.queue), 0);
		accel_last_error(r.dev, NULL, 0);
	}
	accel_buffer_unref(out);
	rig_close(&r);
}

static void cancelled_queues_go_on(void **state)
{
	struct accel_fence *f[4], *g;
	struct prog p;
	struct rig r;
	int i, round;

	(void)state;
	fake_kernel_init(toy);
	build_endless(&p);
	rig_open(&r, &p);
	for (round = 0; round < 20; round++) {
		memcpy(accel_buffer_data(r.code), p.w, sizeof(p.w));
		for (i = 0; i < 4; i++)
			assert_int_equal(accel_queue_submit(r.queue, &r.job, &f[i]), 0);
		assert_int_equal(accel_queue_cancel(r.queue), 0);
		/* At once, while the cancelled ones are ending. */
		if (round & 1)
			assert_int_equal(accel_fence_wait(f[3], ACCEL_FOREVER), ACCEL_ECANCELED);
		assert_int_equal(accel_queue_submit(r.queue, &r.job, &g), 0);
		for (i = 0; i < 4; i++) {
			assert_int_equal(accel_fence_wait(f[i], ACCEL_FOREVER), ACCEL_ECANCELED);
			accel_fence_unref(f[i]);
		}
		assert_int_equal(accel_fence_wait(g, accel_deadline(5000000)), ACCEL_ETIMEOUT);
		assert_int_equal(accel_queue_cancel(r.queue), 0);
		assert_int_equal(accel_fence_wait(g, ACCEL_FOREVER), ACCEL_ECANCELED);
		accel_fence_unref(g);
	}
	memcpy(accel_buffer_data(r.code), end_only.w, 128);
	assert_int_equal(run(&r), 0);
	rig_close(&r);
}

/* --- costs ------------------------------------------------------------------------------------------ */

static uint64_t ioctls(struct accel_device *dev)
{
	uint64_t n;

	assert_int_equal(accel_device_get(dev, ACCEL_PARAM_IOCTLS, &n), 0);
	return n;
}

static int first_sample(void *ctx, uint32_t position, const float *logits, uint32_t vocab,
			int32_t *token)
{
	(void)ctx;
	(void)position;
	(void)logits;
	*token = (int32_t)(vocab / 2);
	return 0;
}

static void decoding_needs_few_calls(void **state)
{
	struct accel_device *dev;
	struct accel_session *s;
	struct accel_model *m;
	int32_t v[32] = { 1 }, out[96];
	uint64_t before, wide, narrow, grown;

	(void)state;
	fake_kernel_init(toy);
	dev = must_open();
	assert_int_equal(accel_model_open(dev, toy, NULL, &m), 0);
	assert_int_equal(accel_session_create(m, NULL, &s), 0);
	assert_int_equal(accel_session_append(s, v, 32, NULL), 0);
	assert_int_equal(accel_session_decode(s, 3, 1, NULL, 0, NULL, NULL, out, NULL), 0);
	assert_int_equal(accel_session_rewind(s, 32), 0);
	before = ioctls(dev);
	assert_int_equal(accel_session_decode(s, 3, 64, NULL, 0, NULL, NULL, out, NULL), 0);
	wide = ioctls(dev) - before;
	print_message("# 64 tokens in one job: %llu ioctls\n", (unsigned long long)wide);
	assert_true(wide * 16 <= 64);
	/* The first one makes the logits' buffer. */
	assert_int_equal(accel_session_rewind(s, 1), 0);
	assert_int_equal(accel_session_decode_host(s, 3, 1, NULL, 0, first_sample, NULL, NULL, NULL,
						   out, NULL),
			 0);
	before = ioctls(dev);
	grown = fake_kernel.calls[_IOC_NR(DRM_IOCTL_INTAGLIO_VM_BIND)];
	assert_int_equal(accel_session_decode_host(s, 3, 90, NULL, 0, first_sample, NULL, NULL,
						   NULL, out, NULL),
			 0);
	narrow = ioctls(dev) - before;
	grown = fake_kernel.calls[_IOC_NR(DRM_IOCTL_INTAGLIO_VM_BIND)] - grown;
	print_message("# 90 tokens, each sampled by the host: %llu ioctls, %llu of them VM_BIND\n",
		      (unsigned long long)narrow, (unsigned long long)grown);
	/* EXEC, a wait; and one call for the blocks of all. */
	assert_true(narrow <= 2 * 90 + grown);
	assert_int_equal(grown, 1);
	accel_session_unref(s);
	accel_model_unref(m);
	accel_device_unref(dev);
}

static void chip_counts_all_processes(void **state)
{
	struct accel_device *second;
	struct rig r;
	uint64_t v;

	(void)state;
	fake_kernel_init(toy);
	rig_open(&r, &end_only);
	second = must_open();
	assert_int_equal(run(&r), 0);
	assert_int_equal(accel_device_get(second, ACCEL_PARAM_JOBS_DONE, &v), 0);
	assert_int_equal(v, 0);
	assert_int_equal(accel_device_get(second, ACCEL_PARAM_CHIP_JOBS_DONE, &v), 0);
	assert_int_equal(v, 1);
	assert_int_equal(
		accel_device_get(second,
				 (enum accel_param)(ACCEL_PARAM_CHIP_COUNTER_0 + IG1_CTR_COMMANDS),
				 &v),
		0);
	assert_int_equal(v, 1);
	assert_int_equal(accel_device_get(second, ACCEL_PARAM_CHIP_HOST_USED, &v), 0);
	assert_true(v >= 4096);
	assert_int_equal(accel_device_get(second, ACCEL_PARAM_CHIP_RESETS, &v), 0);
	assert_int_equal(v, 0);
	accel_device_unref(second);
	rig_close(&r);
}

static int setup(void **state)
{
	struct toy_options a = { .seed = 1 }, b = { .seed = 2 };

	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/accel-drm-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(toy, sizeof(toy), "%s/toy.accel", dir);
	snprintf(other, sizeof(other), "%s/other.accel", dir);
	return toy_write(toy, &a) || toy_write(other, &b) ? -1 : 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(toy);
	unlink(other);
	return rmdir(dir);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(nodes_are_scanned),
		cmocka_unit_test(devices_are_chosen),
		cmocka_unit_test(wrong_drivers_are_refused),
		cmocka_unit_test(every_call_may_fail),
		cmocka_unit_test(priorities_need_permission),
		cmocka_unit_test(unplug_ends_jobs),
		cmocka_unit_test(timeouts_end_a_queue_for_good),
		cmocka_unit_test(lost_records_are_asked_for),
		cmocka_unit_test(failures_stop_what_was_handed_over),
		cmocka_unit_test(cancelled_queues_go_on),
		cmocka_unit_test(decoding_needs_few_calls),
		cmocka_unit_test(chip_counts_all_processes),
	};

	unsetenv("ACCEL_BACKEND");
	setvbuf(stdout, NULL, _IOLBF, 0);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("drm", tests, setup, teardown);
}
