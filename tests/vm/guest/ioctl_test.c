// SPDX-License-Identifier: MIT
/*
 * Every check of every ioctl: a call with otherwise valid arguments and one thing wrong must fail with
 * the error that uapi/intaglio_accel.h documents, and change nothing. Then the plain uses. TAP.
 */
#include "node.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE	((uint64_t)IG1_PAGE_BYTES)
#define NOBODY	4000u /* an id or handle that was never given out */
#define BAD_PTR 8u
#define VMS_MAX 4095u /* of a file */

static struct node_rig rig;
static int fd;

static void must(int err, const char *what)
{
	if (!err)
		return;
	printf("Bail out! %s: errno %d\n", what, -err);
	exit(1);
}

/* A copy of `valid` with one member changed. */
#define BAD(NAME, valid, member, value, want)                                                  \
	do {                                                                                   \
		__typeof__(valid) bad_ = (valid);                                              \
		bad_.member = (value);                                                         \
		tap_result(NODE_CALL(fd, NAME, &bad_), want, #NAME ": " #member " = " #value); \
	} while (0)

/* An array's element with zeros, or something else, behind what the kernel knows. */
#define LONGER(type)            \
	struct {                \
		type known;     \
		uint64_t later; \
	}

/* --- DEV_QUERY ------------------------------------------------------------------------------------ */

static void test_query(void)
{
	struct drm_intaglio_chip_info chip, part;
	struct drm_intaglio_dev_query q = { .type = DRM_INTAGLIO_QUERY_CHIP,
					    .size = sizeof(chip),
					    .pointer = (uintptr_t)&chip };
	struct drm_intaglio_memory_info mem;
	struct drm_intaglio_stats_info stats;
	uint8_t fdt[IG1_FDT_WINDOW_BYTES];
	uint32_t type;

	BAD(DEV_QUERY, q, type, 4, -EINVAL);
	BAD(DEV_QUERY, q, pointer, BAD_PTR, -EFAULT);
	for (type = 0; type <= DRM_INTAGLIO_QUERY_STATS; type++) {
		struct drm_intaglio_dev_query s = { .type = type };

		tap_ok(!NODE_CALL(fd, DEV_QUERY, &s) && s.size > 0 && s.size <= sizeof(fdt),
		       "query %u tells its size, %u", type, s.size);
	}
	memset(&chip, 0, sizeof(chip));
	tap_ok(!NODE_CALL(fd, DEV_QUERY, &q) && q.size == sizeof(chip) &&
		       chip.page_bytes == IG1_PAGE_BYTES && chip.va_bits >= IG1_VA_BITS &&
		       chip.priorities == IG1_PRIORITIES && chip.counters == IG1_CTR_COUNT &&
		       chip.spec >> 16 == IG1_SPEC_VERSION >> 16 && chip.sram_bytes % PAGE == 0 &&
		       chip.fw_abi >> 16 == IG1_FW_ABI >> 16 && chip.clock_hz,
	       "the chip's information makes sense");
	memset(&part, 0xee, sizeof(part));
	q.pointer = (uintptr_t)&part;
	q.size = 8;
	tap_ok(!NODE_CALL(fd, DEV_QUERY, &q) && q.size == 8 && !memcmp(&part, &chip, 8) &&
		       ((uint8_t *)&part)[8] == 0xee,
	       "a small buffer gets a part");
	q = (struct drm_intaglio_dev_query){ DRM_INTAGLIO_QUERY_FDT, sizeof(fdt), (uintptr_t)fdt };
	tap_ok(!NODE_CALL(fd, DEV_QUERY, &q) && q.size < sizeof(fdt) && fdt[0] == 0xd0 &&
		       fdt[1] == 0x0d && fdt[2] == 0xfe && fdt[3] == 0xed,
	       "the device tree has its magic number");
	q = (struct drm_intaglio_dev_query){ DRM_INTAGLIO_QUERY_MEMORY, sizeof(mem),
					     (uintptr_t)&mem };
	tap_ok(!NODE_CALL(fd, DEV_QUERY, &q) && mem.sram_bytes == chip.sram_bytes &&
		       mem.sram_free <= mem.sram_bytes && mem.host_bytes >= rig.code.size,
	       "memory is counted");
	q = (struct drm_intaglio_dev_query){ DRM_INTAGLIO_QUERY_STATS, sizeof(stats),
					     (uintptr_t)&stats };
	tap_ok(!NODE_CALL(fd, DEV_QUERY, &q) && q.size == sizeof(stats), "statistics are there");
	tap_result(drm_sys.ioctl(fd, DRM_IOWR(DRM_COMMAND_BASE + DRM_INTAGLIO_EXEC + 1, q), &q),
		   -EINVAL, "an ioctl number beyond the last");
}

/* --- buffers ---------------------------------------------------------------------------------------- */

static void test_gem(void)
{
	struct drm_intaglio_gem_create c = { .size = PAGE };
	struct drm_intaglio_gem_mmap_offset o = { .handle = rig.data.handle };
	struct drm_intaglio_gem_info i = { .handle = rig.data.handle };
	struct node_bo a, r, private;
	int dmabuf, err;

	BAD(GEM_CREATE, c, size, 0, -EINVAL);
	BAD(GEM_CREATE, c, size, UINT64_MAX, -EINVAL);
	BAD(GEM_CREATE, c, flags, 1u << 1, -EINVAL);
	BAD(GEM_CREATE, c, flags, 1u << 31, -EINVAL);
	BAD(GEM_CREATE, c, pad, 1, -EINVAL);
	BAD(GEM_CREATE, c, vm_id, NOBODY, -ENOENT);
	/* an address space holds it, no machine does */
	BAD(GEM_CREATE, c, size, UINT64_C(1) << IG1_VA_BITS, -ENOMEM);
	BAD(GEM_CREATE, c, size, (UINT64_C(1) << IG1_VA_BITS) + 1, -EINVAL);
	c.flags = DRM_INTAGLIO_GEM_RESIDENT;
	BAD(GEM_CREATE, c, size, UINT64_C(1) << 38, -ENOSPC);
	BAD(GEM_MMAP_OFFSET, o, handle, NOBODY, -ENOENT);
	BAD(GEM_MMAP_OFFSET, o, handle, 0, -ENOENT);
	BAD(GEM_MMAP_OFFSET, o, pad, 1, -EINVAL);
	BAD(GEM_INFO, i, handle, NOBODY, -ENOENT);
	must(node_bo_create(fd, PAGE + 1, 0, 0, &a), "buffer");
	tap_ok(a.size == 2 * PAGE && !*(uint64_t *)a.p && !((uint8_t *)a.p)[a.size - 1],
	       "a buffer is whole pages of zeros");
	must(node_bo_create(fd, PAGE, DRM_INTAGLIO_GEM_RESIDENT, 0, &r), "resident buffer");
	o.handle = r.handle;
	tap_result(NODE_CALL(fd, GEM_MMAP_OFFSET, &o), -EOPNOTSUPP, "mapping resident memory");
	i.handle = r.handle;
	tap_ok(!NODE_CALL(fd, GEM_INFO, &i) && i.flags == DRM_INTAGLIO_GEM_RESIDENT &&
		       i.size == PAGE,
	       "a resident buffer is described");
	must(node_bo_create(fd, PAGE, 0, rig.vm, &private), "private buffer");
	err = node_export(fd, a.handle, &dmabuf);
	if (err == -EOPNOTSUPP) {
		tap_skip("PRIME", "the kernel has none");
	} else {
		uint32_t again = 0;

		tap_result(err, 0, "export");
		tap_ok(!err && !node_import(fd, dmabuf, &again) && again == a.handle,
		       "import gives the same handle");
		if (!err)
			close(dmabuf);
		tap_result(node_export(fd, private.handle, &dmabuf), -EINVAL,
			   "export of a private buffer");
		tap_result(node_export(fd, r.handle, &dmabuf), -EOPNOTSUPP,
			   "export of a resident buffer");
	}
	node_bo_destroy(fd, &private);
	node_bo_destroy(fd, &r);
	node_bo_destroy(fd, &a);
}

/* --- address spaces ------------------------------------------------------------------------------------ */

static int bind_ops(uint32_t vm, uint32_t flags, const void *ops, uint32_t stride, uint32_t *count)
{
	struct drm_intaglio_vm_bind a = { vm, flags, { stride, *count, (uintptr_t)ops } };
	int err = NODE_CALL(fd, VM_BIND, &a);

	*count = a.ops.count;
	return err;
}

#define BAD_OP(valid, member, value, want)                                      \
	do {                                                                    \
		struct drm_intaglio_bind_op bad_ = (valid);                     \
		uint32_t n_ = 1;                                                \
		bad_.member = (value);                                          \
		tap_result(bind_ops(rig.vm, 0, &bad_, sizeof(bad_), &n_), want, \
			   "VM_BIND: op." #member " = " #value);                \
		tap_ok(n_ == 0, "and no operation is done");                    \
	} while (0)

static void test_bind_op(uint32_t foreign_handle)
{
	struct drm_intaglio_bind_op map = { .op = DRM_INTAGLIO_BIND_MAP,
					    .handle = rig.data.handle,
					    .va = 0x5000000,
					    .size = PAGE };
	struct drm_intaglio_bind_op unmap = { .op = DRM_INTAGLIO_BIND_UNMAP,
					      .va = 0x5000000,
					      .size = PAGE };
	struct drm_intaglio_sync s = { .flags = DRM_INTAGLIO_SYNC_SIGNAL, .handle = rig.q.syncobj };
	struct drm_intaglio_bind_op part = map;
	struct node_bo pages;

	must(node_bo_create(fd, 2 * PAGE, 0, 0, &pages), "two pages");
	part.handle = pages.handle;
	BAD_OP(part, offset, 1, -EINVAL);
	BAD_OP(part, offset, 64, -EINVAL);
	BAD_OP(part, size, PAGE + 1, -EINVAL);
	node_bo_destroy(fd, &pages);
	BAD_OP(map, op, 2, -EINVAL);
	BAD_OP(map, flags, 1u << 1, -EINVAL);
	BAD_OP(map, handle, NOBODY, -ENOENT);
	BAD_OP(map, handle, 0, -ENOENT);
	BAD_OP(map, handle, foreign_handle, -EINVAL);
	BAD_OP(map, pad, 1, -EINVAL);
	BAD_OP(map, offset, PAGE, -EINVAL);
	BAD_OP(map, offset, UINT64_MAX - PAGE + 1, -EINVAL);
	BAD_OP(map, va, 0x5000001, -EINVAL);
	BAD_OP(map, va, UINT64_C(1) << 63, -EINVAL);
	BAD_OP(map, va, UINT64_MAX - PAGE + 1, -EINVAL);
	BAD_OP(map, size, 0, -EINVAL);
	BAD_OP(map, size, PAGE - 1, -EINVAL);
	BAD_OP(map, size, 2 * PAGE, -EINVAL);
	BAD_OP(map, size, UINT64_MAX - PAGE + 1, -EINVAL);
	BAD_OP(map, syncs.count, 1, -EINVAL);
	BAD_OP(unmap, flags, DRM_INTAGLIO_BIND_READONLY, -EINVAL);
	BAD_OP(unmap, handle, rig.data.handle, -EINVAL);
	BAD_OP(unmap, offset, PAGE, -EINVAL);
	BAD_OP(unmap, pad, 1, -EINVAL);
	BAD_OP(unmap, size, 0, -EINVAL);
	BAD_OP(unmap, va, UINT64_C(1) << 63, -EINVAL);
	map.syncs = (struct drm_intaglio_obj_array){ sizeof(s), 1, (uintptr_t)&s };
	BAD_OP(map, op, DRM_INTAGLIO_BIND_MAP, -EINVAL); /* syncs without ASYNC */
}

/* Of a file of its own, which takes them all with it. */
static void test_vm_limit(void)
{
	int file = node_open(0, 0), err;
	uint32_t vm, n = 0;

	if (!node_real()) {
		tap_skip("VM_CREATE: one more than there can be", "the kernel is a fake");
		drm_sys.close(file);
		return;
	}
	while (!(err = node_vm_create(file, &vm)) && n < 2 * VMS_MAX)
		n++;
	tap_result(err, -ENOSPC, "VM_CREATE: one more than there can be");
	tap_ok(n == VMS_MAX && vm <= VMS_MAX, "of %u", n);
	drm_sys.close(file);
}

static void test_vm(void)
{
	struct drm_intaglio_vm_create c = { 0 };
	struct drm_intaglio_vm_destroy d = { .vm_id = rig.vm };
	struct drm_intaglio_vm_get_state g = { .vm_id = rig.vm };
	struct drm_intaglio_bind_op ops[3] = {
		{ .handle = rig.data.handle, .va = 0x5000000, .size = PAGE },
		{ .handle = rig.data.handle, .va = 0x5001000, .size = PAGE },
		{ .handle = NOBODY, .va = 0x5002000, .size = PAGE },
	};
	LONGER(struct drm_intaglio_bind_op) big = { .known = ops[0] };
	struct drm_intaglio_vm_bind b = { .vm_id = rig.vm,
					  .ops = { sizeof(ops[0]), 1, (uintptr_t)ops } };
	struct node_bo foreign;
	uint32_t vm, n;

	BAD(VM_CREATE, c, flags, 1, -EINVAL);
	test_vm_limit();
	BAD(VM_DESTROY, d, pad, 1, -EINVAL);
	BAD(VM_DESTROY, d, vm_id, NOBODY, -ENOENT);
	BAD(VM_DESTROY, d, vm_id, 0, -ENOENT);
	BAD(VM_GET_STATE, g, vm_id, NOBODY, -ENOENT);
	tap_ok(!NODE_CALL(fd, VM_GET_STATE, &g) && g.state == DRM_INTAGLIO_VM_USABLE,
	       "a VM is usable");
	BAD(VM_BIND, b, vm_id, NOBODY, -ENOENT);
	BAD(VM_BIND, b, flags, 1u << 1, -EINVAL);
	BAD(VM_BIND, b, ops.count, 1025, -EINVAL);
	BAD(VM_BIND, b, ops.stride, sizeof(ops[0]) - 8, -EINVAL);
	BAD(VM_BIND, b, ops.stride, 0, -EINVAL);
	BAD(VM_BIND, b, ops.array, BAD_PTR, -EFAULT);
	n = 1;
	tap_result(bind_ops(rig.vm, 0, &big, sizeof(big), &n), 0, "VM_BIND: a longer element");
	big.later = 1;
	tap_result(bind_ops(rig.vm, 0, &big, sizeof(big), &n), -EINVAL,
		   "VM_BIND: a longer element that says something");
	n = 3;
	tap_result(bind_ops(rig.vm, 0, ops, sizeof(ops[0]), &n), -ENOENT,
		   "VM_BIND: the third of three is wrong");
	tap_ok(n == 2, "the two before it are done");
	must(node_vm_create(fd, &vm), "VM_CREATE");
	must(node_bo_create(fd, PAGE, 0, vm, &foreign), "private buffer");
	test_bind_op(foreign.handle);
	tap_result(node_map(fd, vm, &foreign, 0, 0x5000000, PAGE, 0), 0,
		   "a private buffer in its own VM");
	tap_result(node_unmap(fd, rig.vm, 0x4fff000, 8 * PAGE), 0, "UNMAP of a range with holes");
	node_bo_destroy(fd, &foreign);
	tap_result(node_vm_destroy(fd, vm), 0, "VM_DESTROY");
	tap_result(node_vm_destroy(fd, vm), -ENOENT, "VM_DESTROY: again");
}

/* --- queues ---------------------------------------------------------------------------------------------- */

static void test_queue(void)
{
	struct drm_intaglio_queue_create c = { .vm_id = rig.vm,
					       .priority = 1,
					       .ring_handle = rig.q.ring.handle,
					       .ring_entries = NODE_RING };
	struct drm_intaglio_queue_destroy d = { .queue_id = rig.q.id };
	struct drm_intaglio_queue_get_state g = { .queue_id = rig.q.id };
	struct drm_intaglio_queue_control k = { .queue_id = rig.q.id };
	struct drm_intaglio_queue_create part = c, large = c;
	struct node_bo resident, ring;

	BAD(QUEUE_CREATE, c, vm_id, NOBODY, -ENOENT);
	BAD(QUEUE_CREATE, c, priority, IG1_PRIORITIES, -EINVAL);
	BAD(QUEUE_CREATE, c, flags, 1, -EINVAL);
	BAD(QUEUE_CREATE, c, ring_handle, NOBODY, -ENOENT);
	BAD(QUEUE_CREATE, c, ring_handle, 0, -EINVAL);
	part.ring_entries = NODE_RING / 2; /* there is room behind them */
	BAD(QUEUE_CREATE, part, ring_offset, 32, -EINVAL);
	BAD(QUEUE_CREATE, c, ring_offset, 64, -EINVAL); /* the last record is outside */
	BAD(QUEUE_CREATE, c, ring_offset, UINT64_MAX - 63, -EINVAL);
	BAD(QUEUE_CREATE, c, ring_entries, 0, -EINVAL);
	BAD(QUEUE_CREATE, c, ring_entries, NODE_RING - 1, -EINVAL);
	BAD(QUEUE_CREATE, c, ring_entries, 2 * NODE_RING, -EINVAL);
	must(node_bo_create(fd, 8192 * sizeof(struct drm_intaglio_completion), 0, 0, &ring),
	     "large ring");
	large.ring_handle = ring.handle;
	BAD(QUEUE_CREATE, large, ring_entries, 8192, -EINVAL);
	node_bo_destroy(fd, &ring);
	must(node_bo_create(fd, NODE_RING * sizeof(struct drm_intaglio_completion),
			    DRM_INTAGLIO_GEM_RESIDENT, 0, &resident),
	     "resident buffer");
	BAD(QUEUE_CREATE, c, ring_handle, resident.handle, -EINVAL);
	node_bo_destroy(fd, &resident);
	if (node_privileged(false)) {
		BAD(QUEUE_CREATE, c, priority, 0, -EACCES);
		node_privileged(true);
	} else {
		tap_skip("priority 0 without CAP_SYS_NICE", "the test does not run as root");
	}
	BAD(QUEUE_DESTROY, d, queue_id, NOBODY, -ENOENT);
	BAD(QUEUE_DESTROY, d, pad, 1, -EINVAL);
	BAD(QUEUE_GET_STATE, g, queue_id, NOBODY, -ENOENT);
	BAD(QUEUE_CONTROL, k, queue_id, NOBODY, -ENOENT);
	BAD(QUEUE_CONTROL, k, op, 2, -EINVAL);
	tap_ok(!NODE_CALL(fd, QUEUE_GET_STATE, &g) && g.state == DRM_INTAGLIO_QUEUE_RUNNING &&
		       !g.last.seq && !g.submitted && !g.completed,
	       "the queue is as new");
	c.ring_handle = 0;
	c.ring_entries = 0;
	tap_result(NODE_CALL(fd, QUEUE_CREATE, &c), 0, "a queue without a ring");
	d.queue_id = c.queue_id;
	tap_result(NODE_CALL(fd, QUEUE_DESTROY, &d), 0, "QUEUE_DESTROY");
	tap_result(NODE_CALL(fd, QUEUE_DESTROY, &d), -ENOENT, "QUEUE_DESTROY: again");
}

/* --- EXEC --------------------------------------------------------------------------------------------------- */

static int exec_jobs(uint32_t queue, const void *jobs, uint32_t stride, uint32_t count)
{
	struct drm_intaglio_exec a = { .queue_id = queue,
				       .jobs = { stride, count, (uintptr_t)jobs } };

	return NODE_CALL(fd, EXEC, &a);
}

#define BAD_JOB(valid, member, value, want)                                   \
	do {                                                                  \
		struct drm_intaglio_job bad_ = (valid);                       \
		bad_.member = (value);                                        \
		tap_result(exec_jobs(rig.q.id, &bad_, sizeof(bad_), 1), want, \
			   "EXEC: job." #member " = " #value);                \
	} while (0)

#define BAD_SYNC(job, valid, member, value, want)                                                \
	do {                                                                                     \
		struct drm_intaglio_sync bad_ = (valid);                                         \
		struct drm_intaglio_job j_ = (job);                                              \
		bad_.member = (value);                                                           \
		j_.syncs = (struct drm_intaglio_obj_array){ sizeof(bad_), 1, (uintptr_t)&bad_ }; \
		tap_result(exec_jobs(rig.q.id, &j_, sizeof(j_), 1), want,                        \
			   "EXEC: sync." #member " = " #value);                                  \
	} while (0)

/* The numbers cannot be written back, so that nothing is queued. */
static void exec_from_read_only_memory(void)
{
	struct drm_intaglio_queue_get_state g = { .queue_id = rig.q.id };
	struct drm_intaglio_job *jobs;
	struct prog end = { 0 };

	if (!node_real()) {
		tap_skip("EXEC: jobs in read-only memory", "the kernel is a fake");
		return;
	}
	prog_end(&end);
	memcpy(rig.code.p, end.w, sizeof(end.w));
	jobs = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(jobs == MAP_FAILED ? -ENOMEM : 0, "mmap");
	jobs[0] = (struct drm_intaglio_job){ .prog_va = NODE_CODE_VA, .prog_len = 1 };
	must(mprotect(jobs, PAGE, PROT_READ), "mprotect");
	tap_result(exec_jobs(rig.q.id, jobs, sizeof(jobs[0]), 1), -EFAULT,
		   "EXEC: jobs in read-only memory");
	tap_ok(!NODE_CALL(fd, QUEUE_GET_STATE, &g) && !g.submitted && !g.completed,
	       "and nothing is queued");
	munmap(jobs, PAGE);
}

static void test_exec(void)
{
	struct drm_intaglio_job job = { .prog_va = NODE_CODE_VA, .prog_len = 1 }, pair[2];
	struct drm_intaglio_sync s = {
		.flags = DRM_INTAGLIO_SYNC_TIMELINE | DRM_INTAGLIO_SYNC_SIGNAL,
		.handle = rig.q.syncobj,
		.point = 1,
	};
	struct drm_intaglio_exec e = { .queue_id = rig.q.id,
				       .jobs = { sizeof(job), 1, (uintptr_t)&job } };
	LONGER(struct drm_intaglio_job) big = { .known = job };
	struct drm_intaglio_queue_get_state g = { .queue_id = rig.q.id };

	BAD(EXEC, e, queue_id, NOBODY, -ENOENT);
	BAD(EXEC, e, flags, 1, -EINVAL);
	BAD(EXEC, e, jobs.count, 0, -EINVAL);
	BAD(EXEC, e, jobs.count, 65, -EINVAL);
	BAD(EXEC, e, jobs.stride, sizeof(job) - 8, -EINVAL);
	BAD(EXEC, e, jobs.array, BAD_PTR, -EFAULT);
	BAD_JOB(job, prog_va, NODE_CODE_VA + 64, -EINVAL);
	BAD_JOB(job, prog_len, 0, -EINVAL);
	BAD_JOB(job, prog_len, IG1_MAX_COUNT + 1, -EINVAL);
	BAD_JOB(job, nargs, 9, -EINVAL);
	BAD_JOB(job, args[0], 1, -EINVAL);
	BAD_JOB(job, args[7], 1, -EINVAL);
	BAD_JOB(job, emit_va, 8, -EINVAL);
	BAD_JOB(job, trace_va, 16, -EINVAL);
	job.syncs = (struct drm_intaglio_obj_array){ sizeof(s), 1, (uintptr_t)&s };
	BAD_JOB(job, syncs.count, 1025, -EINVAL);
	BAD_JOB(job, syncs.stride, 8, -EINVAL);
	BAD_JOB(job, syncs.array, BAD_PTR, -EFAULT);
	memset(&job.syncs, 0, sizeof(job.syncs));
	BAD_SYNC(job, s, flags, 1u << 2, -EINVAL);
	BAD_SYNC(job, s, flags, DRM_INTAGLIO_SYNC_SIGNAL, -EINVAL);   /* binary, with a point */
	BAD_SYNC(job, s, flags, DRM_INTAGLIO_SYNC_TIMELINE, -EINVAL); /* nothing there yet */
	BAD_SYNC(job, s, point, 0, -EINVAL);
	BAD_SYNC(job, s, handle, NOBODY, -ENOENT);
	big.later = 1;
	tap_result(exec_jobs(rig.q.id, &big, sizeof(big), 1), -EINVAL,
		   "EXEC: a longer job that says something");
	pair[0] = pair[1] = job;
	pair[1].nargs = 9;
	tap_result(exec_jobs(rig.q.id, pair, sizeof(job), 2), -EINVAL,
		   "EXEC: the second of two is wrong");
	exec_from_read_only_memory();
	tap_ok(!NODE_CALL(fd, QUEUE_GET_STATE, &g) && !g.submitted, "none of all that was queued");
}

static void data_flows(void)
{
	struct drm_intaglio_completion c;
	uint64_t args[1] = { NODE_DATA_VA };
	uint32_t *p = rig.data.p, i;
	struct prog prog = { 0 };

	for (i = 0; i < 16; i++)
		p[i] = 0x1000 + i;
	prog_move(&prog, IG1_OP_D_LD, 1, 0, 0, 64);
	prog_move(&prog, IG1_OP_D_ST, 1, 256, 0, 64);
	prog_end(&prog);
	tap_result(node_run(&rig, &prog, args, 1, &c), 0, "a job");
	tap_ok(!c.error && !c.fault && c.seq == 1 && c.counters[IG1_CTR_COMMANDS] == 3 &&
		       c.counters[IG1_CTR_DMA_BYTES] == 128,
	       "its record");
	tap_ok(!memcmp(p, p + 64, 64), "its data");
}

static void tokens_arrive(void)
{
	struct drm_intaglio_job job = {
		.prog_va = NODE_CODE_VA, .prog_len = 4, .emit_va = NODE_DATA_VA, .emit_entries = 4
	};
	const struct ig1_token *t = rig.data.p;
	struct drm_intaglio_completion c = { 0 };
	struct prog prog = { 0 };
	int err;

	prog_seq(&prog, "loop",
		 (struct ig1_fmt_seq){ .op = IG1_OP_S_LOOP, .rd = 9, .imm = 4, .len = 1 });
	prog_seq(&prog, "emit", (struct ig1_fmt_seq){ .op = IG1_OP_S_EMIT, .ra = 9, .kind = 1 });
	prog_end(&prog);
	job.prog_len = prog.n;
	memcpy(rig.code.p, prog.w, sizeof(prog.w));
	memset(rig.data.p, 0, PAGE);
	err = node_submit(fd, &rig.q, &job);
	if (!err)
		err = node_wait(fd, &rig.q, job.seq, &c);
	tap_ok(!err && !c.error && c.emitted == 4 && t[0].seq == 1 && t[3].seq == 4 &&
		       t[3].value == 3,
	       "token records arrive in memory");
}

static void faults_stop_the_queue(void)
{
	struct drm_intaglio_queue_get_state g = { .queue_id = rig.q.id };
	struct drm_intaglio_queue_control k = { .queue_id = rig.q.id,
						.op = DRM_INTAGLIO_QUEUE_RESUME };
	struct drm_intaglio_job job = { .prog_va = NODE_CODE_VA, .prog_len = 1 };
	struct prog bad = { 0 }, end = { 0 };
	struct drm_intaglio_completion c;
	int err;

	prog_li(&bad, 9, 0);
	prog_next(&bad, "bad")[0] = 0xee;
	prog_end(&end);
	tap_result(node_run(&rig, &bad, NULL, 0, &c), 0, "a job that faults");
	tap_ok(c.error == -EFAULT && c.fault == IG1_FAULT_OPCODE && c.fault_index == 1,
	       "its record has the fault");
	tap_ok(!NODE_CALL(fd, QUEUE_GET_STATE, &g) && g.state == DRM_INTAGLIO_QUEUE_STOPPED &&
		       g.last.seq == c.seq && g.last.fault == c.fault && g.last.error == c.error &&
		       g.submitted == c.seq && g.completed == c.seq,
	       "so has the queue's state");
	tap_result(exec_jobs(rig.q.id, &job, sizeof(job), 1), -ECANCELED,
		   "EXEC: the queue is stopped");
	do {
		err = NODE_CALL(fd, QUEUE_CONTROL, &k);
	} while (err == -EBUSY);
	tap_result(err, 0, "RESUME");
	tap_result(NODE_CALL(fd, QUEUE_CONTROL, &k), 0, "RESUME: of a queue that runs");
	tap_ok(!node_run(&rig, &end, NULL, 0, &c) && !c.error, "the queue runs again");
}

static void cancel_ends_jobs(void)
{
	struct drm_intaglio_queue_control k = { .queue_id = rig.q.id };
	struct drm_intaglio_job job = { .prog_va = NODE_CODE_VA, .watchdog = UINT64_C(1) << 60 };
	struct drm_intaglio_completion c[2] = { 0 };
	struct prog p = { 0 }, end = { 0 };
	uint64_t seq[2] = { 0 };
	int err;

	prog_endless(&p);
	job.prog_len = p.n;
	memcpy(rig.code.p, p.w, sizeof(p.w));
	must(node_submit(fd, &rig.q, &job), "EXEC");
	seq[0] = job.seq;
	must(node_submit(fd, &rig.q, &job), "EXEC");
	seq[1] = job.seq;
	k.op = DRM_INTAGLIO_QUEUE_CANCEL;
	tap_result(NODE_CALL(fd, QUEUE_CONTROL, &k), 0, "CANCEL");
	err = node_wait(fd, &rig.q, seq[1], &c[1]);
	if (!err)
		err = node_wait(fd, &rig.q, seq[0], &c[0]);
	tap_ok(!err && c[0].error == -ECANCELED && c[1].error == -ECANCELED,
	       "running and waiting jobs end with ECANCELED");
	k.op = DRM_INTAGLIO_QUEUE_RESUME;
	do {
		err = NODE_CALL(fd, QUEUE_CONTROL, &k);
	} while (err == -EBUSY);
	tap_result(err, 0, "RESUME");
	prog_end(&end);
	tap_ok(!node_run(&rig, &end, NULL, 0, &c[0]) && !c[0].error, "the queue runs again");
	job.watchdog = 10000;
	memcpy(rig.code.p, p.w, sizeof(p.w));
	must(node_submit(fd, &rig.q, &job), "EXEC");
	tap_ok(!node_wait(fd, &rig.q, job.seq, &c[0]) && c[0].error == -EFAULT &&
		       c[0].fault == IG1_FAULT_WATCHDOG,
	       "the watchdog ends a job");
	do {
		err = NODE_CALL(fd, QUEUE_CONTROL, &k);
	} while (err == -EBUSY);
}

static uint64_t completed(uint32_t queue)
{
	struct drm_intaglio_queue_get_state g = { .queue_id = queue };

	must(NODE_CALL(fd, QUEUE_GET_STATE, &g), "QUEUE_GET_STATE");
	return g.completed;
}

static int resume(uint32_t queue)
{
	struct drm_intaglio_queue_control k = { .queue_id = queue,
						.op = DRM_INTAGLIO_QUEUE_RESUME };
	int err;

	do {
		err = NODE_CALL(fd, QUEUE_CONTROL, &k);
	} while (err == -EBUSY);
	return err;
}

/*
 * Jobs wait for somebody's fence that does not signal; CANCEL and QUEUE_DESTROY end them all the same,
 * and those behind them. `busy`: a queue that runs something until the fence has been seen not to
 * matter, or NULL.
 */
static void end_waiting_jobs(const char *what, uint32_t handle, uint64_t point,
			     struct node_queue *busy)
{
	struct drm_intaglio_job job = { .prog_va = NODE_CODE_VA, .prog_len = 1 };
	struct drm_intaglio_queue_control k = { .op = DRM_INTAGLIO_QUEUE_CANCEL };
	struct drm_intaglio_queue_destroy d = { 0 };
	struct drm_intaglio_completion c[2] = { 0 };
	struct node_queue q[2];
	struct prog end = { 0 };
	uint64_t seq[2][2];
	int err, i;

	prog_end(&end);
	memcpy(rig.code.p, end.w, sizeof(end.w));
	for (i = 0; i < 2; i++) {
		must(node_queue_create(fd, rig.vm, 1, &q[i]), "QUEUE_CREATE");
		must(node_submit_after(fd, &q[i], &job, handle, point), "EXEC");
		seq[i][0] = job.seq;
		must(node_submit(fd, &q[i], &job), "EXEC");
		seq[i][1] = job.seq;
	}
	usleep(100000);
	tap_ok(!completed(q[0].id) && !completed(q[1].id), "jobs wait for %s", what);
	k.queue_id = q[0].id;
	tap_result(NODE_CALL(fd, QUEUE_CONTROL, &k), 0, "CANCEL");
	d.queue_id = q[1].id;
	tap_result(NODE_CALL(fd, QUEUE_DESTROY, &d), 0, "QUEUE_DESTROY");
	q[1].id = 0;
	for (i = 0; i < 2; i++) {
		err = node_wait(fd, &q[i], seq[i][1], &c[1]);
		if (!err)
			err = node_wait(fd, &q[i], seq[i][0], &c[0]);
		tap_ok(!err && c[0].error == -ECANCELED && c[1].error == -ECANCELED,
		       "the jobs of the queue that is %s end with ECANCELED",
		       i ? "destroyed" : "cancelled");
	}
	if (busy) {
		tap_ok(!completed(busy->id), "before the fence signals");
		k.queue_id = busy->id;
		must(NODE_CALL(fd, QUEUE_CONTROL, &k), "CANCEL");
		drm_sys.syncobj_wait(fd, handle, point);
	}
	tap_result(resume(q[0].id), 0, "RESUME");
	must(node_submit(fd, &q[0], &job), "EXEC");
	tap_ok(!node_wait(fd, &q[0], job.seq, &c[0]) && !c[0].error, "the queue runs again");
	for (i = 0; i < 2; i++)
		node_queue_destroy(fd, &q[i]);
}

static void cancel_ends_waiting_jobs(void)
{
	struct drm_intaglio_job job = { .prog_va = NODE_CODE_VA, .watchdog = UINT64_C(1) << 60 };
	struct node_rig busy;
	struct prog p = { 0 };
	uint32_t never;

	node_rig_open(fd, &busy);
	prog_endless(&p);
	memcpy(busy.code.p, p.w, sizeof(p.w));
	job.prog_len = p.n;
	must(node_submit(fd, &busy.q, &job), "EXEC");
	end_waiting_jobs("a job that does not end", busy.q.syncobj, busy.q.point, &busy.q);
	node_rig_close(&busy);
	if (node_never(fd, &never)) {
		tap_skip("jobs wait for a fence that never signals", "this kernel has no sw_sync");
		return;
	}
	end_waiting_jobs("a fence that never signals", never, 0, NULL);
	drm_sys.syncobj_destroy(fd, never);
}

#define SHARED_VA UINT64_C(0x5000000)

/* A job that copies a word from one address to another, after a fence if a handle is given. */
static uint64_t submit_copy(struct node_rig *r, uint64_t from, uint64_t to, uint32_t handle,
			    uint64_t point)
{
	struct drm_intaglio_job job = { .prog_va = NODE_CODE_VA, .nargs = 2, .args = { from, to } };
	struct prog p = { 0 };

	prog_move(&p, IG1_OP_D_LD, 1, 0, 0, 4);
	prog_move(&p, IG1_OP_D_ST, 2, 0, 0, 4);
	prog_end(&p);
	memcpy(r->code.p, p.w, sizeof(p.w));
	job.prog_len = p.n;
	must(node_submit_after(fd, &r->q, &job, handle, point), "EXEC");
	return job.seq;
}

static void cancel(struct node_queue *q)
{
	struct drm_intaglio_queue_control k = { .queue_id = q->id,
						.op = DRM_INTAGLIO_QUEUE_CANCEL };

	must(NODE_CALL(fd, QUEUE_CONTROL, &k), "CANCEL");
}

/*
 * Two VMs map one buffer. The first's job, which writes it, waits for a third's, which is endless; the
 * second's reads it, and would be in the chip's ring long before the writer without implicit fences.
 */
static void reader_follows_writer(struct node_rig *writer, struct node_rig *reader,
				  const uint32_t *shared)
{
	struct drm_intaglio_job job = { .prog_va = NODE_CODE_VA, .watchdog = UINT64_C(1) << 60 };
	struct drm_intaglio_completion c;
	uint32_t *word = reader->data.p;
	struct prog p = { 0 };
	struct node_rig busy;
	uint64_t seq[2];

	node_rig_open(fd, &busy);
	prog_endless(&p);
	memcpy(busy.code.p, p.w, sizeof(p.w));
	job.prog_len = p.n;
	must(node_submit(fd, &busy.q, &job), "EXEC");
	*(uint32_t *)writer->data.p = 0x600d;
	*word = 0xbad;
	seq[0] = submit_copy(writer, NODE_DATA_VA, SHARED_VA, busy.q.syncobj, busy.q.point);
	seq[1] = submit_copy(reader, SHARED_VA, NODE_DATA_VA, 0, 0);
	usleep(100000);
	tap_ok(!completed(busy.q.id), "a third job is still running");
	cancel(&busy.q);
	tap_ok(!node_wait(fd, &writer->q, seq[0], &c) && !c.error, "the writer ends well");
	tap_ok(!node_wait(fd, &reader->q, seq[1], &c) && !c.error, "so does the reader");
	tap_ok(*shared == 0x600d && *word == 0x600d, "it read what was written: %#x", *word);
	node_rig_close(&busy);
}

/* The chip is free, the first VM's job never starts. */
static void reader_waits(struct node_rig *writer, struct node_rig *reader,
			 struct node_rig *stranger)
{
	uint64_t before = completed(reader->q.id), seq;
	struct drm_intaglio_completion c;
	uint32_t never;

	if (node_never(fd, &never)) {
		tap_skip("a job waits for one that never starts", "this kernel has no sw_sync");
		return;
	}
	submit_copy(writer, NODE_DATA_VA, SHARED_VA, never, 0);
	seq = submit_copy(reader, SHARED_VA, NODE_DATA_VA, 0, 0);
	tap_ok(!node_wait(fd, &stranger->q, submit_copy(stranger, SHARED_VA, NODE_DATA_VA, 0, 0),
			  &c) &&
		       !c.error,
	       "a job with a private buffer does not wait");
	usleep(100000);
	tap_ok(completed(reader->q.id) == before, "one with the shared buffer does");
	cancel(&writer->q);
	tap_ok(!node_wait(fd, &reader->q, seq, &c) && !c.error, "until the first is cancelled");
	drm_sys.syncobj_destroy(fd, never);
}

static void implicit_fences(void)
{
	struct node_rig writer, reader, stranger;
	struct node_bo shared, private;

	if (!node_real()) {
		tap_skip("implicit fences", "the kernel is a fake");
		return;
	}
	node_rig_open(fd, &writer);
	node_rig_open(fd, &reader);
	node_rig_open(fd, &stranger);
	must(node_bo_create(fd, PAGE, 0, 0, &shared), "shared buffer");
	must(node_bo_create(fd, PAGE, 0, stranger.vm, &private), "private buffer");
	must(node_map(fd, writer.vm, &shared, 0, SHARED_VA, PAGE, 0), "VM_BIND");
	must(node_map(fd, reader.vm, &shared, 0, SHARED_VA, PAGE, 0), "VM_BIND");
	must(node_map(fd, stranger.vm, &private, 0, SHARED_VA, PAGE, 0), "VM_BIND");
	reader_follows_writer(&writer, &reader, shared.p);
	reader_waits(&writer, &reader, &stranger);
	node_rig_close(&writer);
	node_rig_close(&reader);
	node_rig_close(&stranger);
	node_bo_destroy(fd, &shared);
	node_bo_destroy(fd, &private);
}

/* Many jobs, an asynchronous mapping that the first waits for, in one go. */
static void fences_order_work(void)
{
	struct drm_intaglio_job jobs[64] = { 0 };
	struct drm_intaglio_sync bound = {
		.flags = DRM_INTAGLIO_SYNC_TIMELINE | DRM_INTAGLIO_SYNC_SIGNAL, .point = 7
	};
	struct drm_intaglio_sync wait, last = {
		.flags = DRM_INTAGLIO_SYNC_TIMELINE | DRM_INTAGLIO_SYNC_SIGNAL,
		.handle = rig.q.syncobj,
	};
	struct drm_intaglio_sync done = { .flags = DRM_INTAGLIO_SYNC_SIGNAL };
	struct drm_intaglio_bind_op op = { .op = DRM_INTAGLIO_BIND_MAP,
					   .handle = rig.data.handle,
					   .va = 0x6000000,
					   .size = PAGE };
	struct drm_intaglio_vm_bind b = { .vm_id = rig.vm,
					  .flags = DRM_INTAGLIO_VM_BIND_ASYNC,
					  .ops = { sizeof(op), 1, (uintptr_t)&op } };
	struct prog p = { 0 };
	uint32_t i, *word = rig.data.p;
	int err;

	must(drm_sys.syncobj_create(fd, &bound.handle), "syncobj");
	must(drm_sys.syncobj_create(fd, &done.handle), "syncobj");
	prog_move(&p, IG1_OP_D_LD, 1, 0, 0, 4);
	prog_sync(&p);
	prog_seq(&p, "ld", (struct ig1_fmt_seq){ .op = IG1_OP_S_LD, .rd = 9 });
	prog_seq(&p, "x3",
		 (struct ig1_fmt_seq){
			 .op = IG1_OP_S_ALU, .alu = IG1_ALUOP_MUL, .rd = 9, .ra = 9, .imm = 3 });
	prog_seq(&p, "add",
		 (struct ig1_fmt_seq){
			 .op = IG1_OP_S_ALU, .alu = IG1_ALUOP_ADD, .rd = 9, .ra = 9, .rb = 2 });
	prog_seq(&p, "st", (struct ig1_fmt_seq){ .op = IG1_OP_S_ST, .rb = 9 });
	prog_move(&p, IG1_OP_D_ST, 1, 0, 0, 4);
	prog_end(&p);
	memcpy(rig.code.p, p.w, sizeof(p.w));
	*word = 0;
	op.syncs = (struct drm_intaglio_obj_array){ sizeof(bound), 1, (uintptr_t)&bound };
	tap_result(NODE_CALL(fd, VM_BIND, &b), 0, "VM_BIND: ASYNC");
	wait = bound;
	wait.flags = DRM_INTAGLIO_SYNC_TIMELINE;
	last.point = ++rig.q.point;
	for (i = 0; i < 64; i++) {
		jobs[i] = (struct drm_intaglio_job){ .prog_va = NODE_CODE_VA,
						     .prog_len = p.n,
						     .nargs = 2,
						     .args = { 0x6000000, i } };
	}
	jobs[0].syncs = (struct drm_intaglio_obj_array){ sizeof(wait), 1, (uintptr_t)&wait };
	jobs[62].syncs = (struct drm_intaglio_obj_array){ sizeof(done), 1, (uintptr_t)&done };
	jobs[63].syncs = (struct drm_intaglio_obj_array){ sizeof(last), 1, (uintptr_t)&last };
	tap_result(exec_jobs(rig.q.id, jobs, sizeof(jobs[0]), 64), 0, "EXEC: 64 jobs at once");
	tap_ok(jobs[63].seq == jobs[0].seq + 63, "they are numbered one after the other");
	err = drm_sys.syncobj_wait(fd, rig.q.syncobj, last.point);
	for (i = 0, jobs[0].seq = 0; i < 64; i++)
		jobs[0].seq = (uint32_t)(jobs[0].seq * 3 + i);
	tap_ok(!err && *word == (uint32_t)jobs[0].seq, "they run in order, after the mapping");
	tap_result(node_unmap(fd, rig.vm, 0x6000000, PAGE), 0, "UNMAP");
	drm_sys.syncobj_destroy(fd, bound.handle);
	drm_sys.syncobj_destroy(fd, done.handle);
}

/* Objects live as long as they are used. */
static void lifetimes(void)
{
	struct drm_intaglio_completion c;
	struct prog end = { 0 };
	struct node_rig r;
	uint32_t vm;

	prog_end(&end);
	node_rig_open(fd, &r);
	/* The program's handle goes, its mapping stays. */
	memcpy(r.code.p, end.w, sizeof(end.w));
	tap_result(drm_sys.bo_close(fd, r.code.handle), 0, "closing the handle of a mapped buffer");
	r.code.handle = 0;
	tap_ok(!node_run(&r, &end, NULL, 0, &c) && !c.error, "the chip still sees it");
	vm = r.vm;
	tap_result(node_vm_destroy(fd, vm), 0, "VM_DESTROY: under a queue");
	tap_result(node_map(fd, vm, &r.data, 0, 0x5000000, PAGE, 0), -ENOENT,
		   "VM_BIND: of a destroyed VM");
	tap_ok(!node_run(&r, &end, NULL, 0, &c) && !c.error, "its queue runs on");
	node_queue_destroy(fd, &r.q);
	node_bo_destroy(fd, &r.data);
	node_bo_destroy(fd, &r.code);
}

int main(void)
{
	fd = node_open(0, 0);
	node_rig_open(fd, &rig);
	test_query();
	test_gem();
	test_vm();
	test_queue();
	test_exec();
	data_flows();
	tokens_arrive();
	faults_stop_the_queue();
	cancel_ends_jobs();
	cancel_ends_waiting_jobs();
	implicit_fences();
	fences_order_work();
	lifetimes();
	node_rig_close(&rig);
	drm_sys.close(fd);
	return tap_end();
}
