// SPDX-License-Identifier: MIT
/*
 * Every check of every ioctl: a call with otherwise valid arguments and one thing wrong must fail with
 * the error that uapi/intaglio_accel.h documents, and change nothing. Then the plain uses,
 * ioctl_uses.c. TAP.
 */
#include "ioctl_test.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define NOBODY	4000u /* an id or handle that was never given out */
#define BAD_PTR 8u
#define VMS_MAX 4095u /* of a file */

static struct node_rig rig;
static int fd;

void must(int err, const char *what)
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

int exec_jobs(uint32_t queue, const void *jobs, uint32_t stride, uint32_t count)
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

int main(void)
{
	fd = node_open(0, 0);
	node_rig_open(fd, &rig);
	test_query();
	test_gem();
	test_vm();
	test_queue();
	test_exec();
	plain_uses(fd, &rig);
	node_rig_close(&rig);
	drm_sys.close(fd);
	return tap_end();
}
