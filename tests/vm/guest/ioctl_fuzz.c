// SPDX-License-Identifier: MIT
/*
 * Random ioctls whose arguments know their types: ids come from pools of living objects most of the
 * time, sizes and addresses are mostly aligned, flags mostly known, arrays real. Each thread has the
 * node open on its own and shares another descriptor with all others. The program itself only has to
 * survive and to have done every call with success; the kernel's log is for the caller to judge. TAP.
 *
 *	ioctl_fuzz [--iterations N] [--threads N] [--processes N] [--seed N] [--seconds N] [--fail N]
 *
 * --fail N: in every other call the kernel fails one of the first N allocations and copies
 * (CONFIG_FAULT_INJECTION, /proc/thread-self/fail-nth).
 */
#include "node.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGE	      ((uint64_t)IG1_PAGE_BYTES)
#define POOL	      24
#define FEW	      500 /* calls; of more than that some have a bad argument */
#define EXTRA	      (DRM_INTAGLIO_EXEC + 1)
#define STRIDE	      10000 /* calls from one sign of life to the next */

#define PROGRAMS      4
#define PROGRAM_BYTES (8 * IG1_COMMAND_BYTES) /* room for each */
#define PROGRAM_VA    UINT64_C(0x100000)

/* Calls beside the driver's own. */
enum extra_call {
	CALL_GEM_CLOSE = EXTRA,
	CALL_SYNCOBJ_CREATE,
	CALL_SYNCOBJ_DESTROY,
	CALL_PRIME,
	CALL_RAW,
	CALL_OPEN,
	CALLS,
};

enum pool_type {
	POOL_BO,
	POOL_VM,
	POOL_QUEUE,
	POOL_SYNCOBJ,
	POOL_TYPES,
};

struct pool {
	uint32_t id[POOL];
	uint32_t n;
};

struct fuzzer {
	uint64_t random;
	int own, shared, fd; /* fd: of the current call */
	struct pool pools[POOL_TYPES];
	uint64_t calls[CALLS], good[CALLS];
	pthread_t thread;
	uint64_t iterations;
	struct prog programs[PROGRAMS];
	uint64_t points;
	int fail_nth;	 /* its file, or -1 */
	uint64_t failed; /* calls in which the kernel failed something */
	bool speaks;	 /* of its progress */
};

static time_t deadline;
static double started;
static uint32_t fail_max, node;

static double seconds_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static uint64_t rnd(struct fuzzer *f)
{
	f->random ^= f->random << 13;
	f->random ^= f->random >> 7;
	f->random ^= f->random << 17;
	return f->random;
}

/* 1 in n */
static bool one_in(struct fuzzer *f, uint32_t n)
{
	return rnd(f) % n == 0;
}

/* Small, at a power of two, near the top, or anything. */
static uint64_t number(struct fuzzer *f)
{
	switch (rnd(f) % 5) {
	case 0:
		return rnd(f) % 8;
	case 1:
		return (UINT64_C(1) << rnd(f) % 64) + rnd(f) % 3 - 1;
	case 2:
		return UINT64_MAX - rnd(f) % 4096;
	case 3:
		return rnd(f) % 64 * PAGE;
	default:
		return rnd(f);
	}
}

static uint64_t mostly(struct fuzzer *f, uint64_t value)
{
	return one_in(f, 60) ? number(f) : value;
}

static uint32_t flags(struct fuzzer *f, uint32_t known)
{
	return (uint32_t)mostly(f, rnd(f) & known);
}

static uint32_t zero(struct fuzzer *f)
{
	return one_in(f, 64) ? (uint32_t)number(f) : 0;
}

static uint32_t pick(struct fuzzer *f, enum pool_type t)
{
	struct pool *p = &f->pools[t];

	return (uint32_t)mostly(f, p->n ? p->id[rnd(f) % p->n] : 0);
}

static void keep(struct fuzzer *f, enum pool_type t, uint32_t id)
{
	struct pool *p = &f->pools[t];

	if (p->n < POOL)
		p->id[p->n++] = id;
	else
		p->id[rnd(f) % POOL] = id; /* the old one lives until close */
}

static void forget(struct fuzzer *f, enum pool_type t, uint32_t id)
{
	struct pool *p = &f->pools[t];
	uint32_t i;

	for (i = 0; i < p->n; i++) {
		if (p->id[i] == id)
			p->id[i--] = p->id[--p->n];
	}
}

static uint64_t pointer(struct fuzzer *f, const void *p)
{
#ifndef NODE_FAKE
	/* In the kernel's half, not canonical, not mapped. */
	static const uint64_t bad[] = { 8, UINT64_C(0xffff888000000000), UINT64_C(1) << 62,
					UINT64_C(0x7ffffffff000) };

	if (one_in(f, 40))
		return bad[rnd(f) % 4];
#else
	if (one_in(f, 40))
		return 8;
#endif
	return (uintptr_t)p;
}

/* --- calls -------------------------------------------------------------------------------------------- */

static int query(struct fuzzer *f)
{
	static __thread uint8_t buf[IG1_FDT_WINDOW_BYTES];
	struct drm_intaglio_dev_query q = { .type = (uint32_t)mostly(f, rnd(f) % 4),
					    .size = (uint32_t)(rnd(f) % sizeof(buf)),
					    .pointer = one_in(f, 3) ? 0 : pointer(f, buf) };

	return NODE_CALL(f->fd, DEV_QUERY, &q);
}

/* Real memory is what the fuzzer must not run out of. */
static uint64_t modest(uint64_t bytes)
{
	return bytes < UINT64_C(1) << 60 ? bytes % (64 * PAGE) : bytes;
}

static int gem_create(struct fuzzer *f)
{
	struct drm_intaglio_gem_create c = {
		.size = mostly(f, (1 + rnd(f) % 16) * PAGE - rnd(f) % 2 * 100),
		.flags = flags(f, DRM_INTAGLIO_GEM_RESIDENT),
		.vm_id = one_in(f, 3) ? pick(f, POOL_VM) : 0,
		.pad = zero(f),
	};
	int err;

	if (!(c.flags & DRM_INTAGLIO_GEM_RESIDENT))
		c.size = modest(c.size);
	err = NODE_CALL(f->fd, GEM_CREATE, &c);
	if (!err)
		keep(f, POOL_BO, c.handle);
	return err;
}

static int gem_mmap_offset(struct fuzzer *f)
{
	struct drm_intaglio_gem_mmap_offset o = { .handle = pick(f, POOL_BO), .pad = zero(f) };
	struct drm_intaglio_gem_info i = { .handle = o.handle };
	int err = NODE_CALL(f->fd, GEM_MMAP_OFFSET, &o);
	void *p;

	if (err || NODE_CALL(f->fd, GEM_INFO, &i) || drm_sys.map(f->fd, o.offset, i.size, &p))
		return err;
	*(volatile uint8_t *)p = (uint8_t)rnd(f);
	drm_sys.unmap(p, i.size);
	return 0;
}

static int gem_info(struct fuzzer *f)
{
	struct drm_intaglio_gem_info i = { .handle = pick(f, POOL_BO) };

	return NODE_CALL(f->fd, GEM_INFO, &i);
}

static int vm_create(struct fuzzer *f)
{
	struct drm_intaglio_vm_create c = { .flags = zero(f) };
	int err = NODE_CALL(f->fd, VM_CREATE, &c);

	if (!err)
		keep(f, POOL_VM, c.vm_id);
	return err;
}

static int vm_destroy(struct fuzzer *f)
{
	struct drm_intaglio_vm_destroy d = { .vm_id = pick(f, POOL_VM), .pad = zero(f) };
	int err = NODE_CALL(f->fd, VM_DESTROY, &d);

	if (!err)
		forget(f, POOL_VM, d.vm_id);
	return err;
}

static uint32_t some_syncs(struct fuzzer *f, struct drm_intaglio_sync *s, uint32_t max)
{
	uint32_t i, n = one_in(f, 2) ? (uint32_t)(rnd(f) % (max + 1)) : 0;

	for (i = 0; i < n; i++) {
		s[i].flags = DRM_INTAGLIO_SYNC_TIMELINE | DRM_INTAGLIO_SYNC_SIGNAL;
		if (one_in(f, 3))
			s[i].flags = flags(f, s[i].flags);
		s[i].handle = pick(f, POOL_SYNCOBJ);
		s[i].point = s[i].flags & DRM_INTAGLIO_SYNC_TIMELINE ? mostly(f, ++f->points) : 0;
		/* Waits: for what may have been signalled. */
		if (!(s[i].flags & DRM_INTAGLIO_SYNC_SIGNAL) && s[i].point)
			s[i].point = 1 + rnd(f) % f->points;
	}
	return n;
}

static int vm_bind(struct fuzzer *f)
{
	static __thread struct drm_intaglio_bind_op ops[4];
	static __thread struct drm_intaglio_sync syncs[4][2];
	uint32_t i, n = one_in(f, 2) ? 1 : 1 + (uint32_t)(rnd(f) % 4);
	struct drm_intaglio_vm_bind b = {
		.vm_id = pick(f, POOL_VM),
		.flags = one_in(f, 4) ? flags(f, DRM_INTAGLIO_VM_BIND_ASYNC) : 0,
	};

	memset(ops, 0, sizeof(ops));
	for (i = 0; i < n; i++) {
		ops[i].op = (uint32_t)mostly(f, !(rnd(f) % 3));
		ops[i].pad = zero(f);
		ops[i].va = mostly(f, 0x100000 + rnd(f) % 64 * PAGE);
		ops[i].size = mostly(f, (1 + rnd(f) % 4) * PAGE);
		if (ops[i].op == DRM_INTAGLIO_BIND_MAP) {
			ops[i].flags = flags(f, DRM_INTAGLIO_BIND_READONLY);
			ops[i].handle = pick(f, POOL_BO);
			ops[i].offset = mostly(f, rnd(f) % 4 * PAGE);
		}
		if (b.flags & DRM_INTAGLIO_VM_BIND_ASYNC || one_in(f, 50)) {
			ops[i].syncs.count = some_syncs(f, syncs[i], 2);
			ops[i].syncs.stride = sizeof(syncs[i][0]);
			ops[i].syncs.array = pointer(f, syncs[i]);
		}
	}
	b.ops.count = n;
	b.ops.stride = (uint32_t)(one_in(f, 40) ? rnd(f) % 64 : sizeof(ops[0]));
	b.ops.array = pointer(f, ops);
	return NODE_CALL(f->fd, VM_BIND, &b);
}

static int vm_get_state(struct fuzzer *f)
{
	struct drm_intaglio_vm_get_state g = { .vm_id = pick(f, POOL_VM) };

	return NODE_CALL(f->fd, VM_GET_STATE, &g);
}

static int queue_create(struct fuzzer *f)
{
	struct drm_intaglio_queue_create c = {
		.vm_id = pick(f, POOL_VM),
		.priority = (uint32_t)mostly(f, rnd(f) % IG1_PRIORITIES),
		.flags = zero(f),
	};
	int err;

	if (!one_in(f, 3)) {
		c.ring_handle = pick(f, POOL_BO);
		c.ring_offset = mostly(f, rnd(f) % 3 * 64);
		c.ring_entries = (uint32_t)mostly(f, 1u << rnd(f) % 6);
	}
	err = NODE_CALL(f->fd, QUEUE_CREATE, &c);
	if (!err)
		keep(f, POOL_QUEUE, c.queue_id);
	return err;
}

static int queue_destroy(struct fuzzer *f)
{
	struct drm_intaglio_queue_destroy d = { .queue_id = pick(f, POOL_QUEUE), .pad = zero(f) };
	int err = NODE_CALL(f->fd, QUEUE_DESTROY, &d);

	if (!err)
		forget(f, POOL_QUEUE, d.queue_id);
	return err;
}

static int queue_get_state(struct fuzzer *f)
{
	struct drm_intaglio_queue_get_state g = { .queue_id = pick(f, POOL_QUEUE) };

	return NODE_CALL(f->fd, QUEUE_GET_STATE, &g);
}

static int queue_control(struct fuzzer *f)
{
	struct drm_intaglio_queue_control c = {
		.queue_id = pick(f, POOL_QUEUE),
		.op = (uint32_t)mostly(f, one_in(f, 8) ? DRM_INTAGLIO_QUEUE_CANCEL
						       : DRM_INTAGLIO_QUEUE_RESUME),
	};

	return NODE_CALL(f->fd, QUEUE_CONTROL, &c);
}

static int exec(struct fuzzer *f)
{
	static __thread struct drm_intaglio_job jobs[8];
	static __thread struct drm_intaglio_sync syncs[8][3];
	struct drm_intaglio_queue_control resume = { .op = DRM_INTAGLIO_QUEUE_RESUME };
	struct drm_intaglio_exec e = { .queue_id = pick(f, POOL_QUEUE), .flags = zero(f) };
	uint32_t i, k, n = one_in(f, 2) ? 1 : 1 + (uint32_t)(rnd(f) % 8);
	int err;

	memset(jobs, 0, sizeof(jobs));
	for (i = 0; i < n; i++) {
		struct drm_intaglio_job *j = &jobs[i];

		k = (uint32_t)(rnd(f) % PROGRAMS);
		j->prog_va = mostly(f, PROGRAM_VA + k * PROGRAM_BYTES);
		j->prog_len = (uint32_t)mostly(f, f->programs[k].n);
		j->nargs = (uint32_t)mostly(f, rnd(f) % 3);
		for (k = 0; k < j->nargs && k < 8; k++)
			j->args[k] = number(f);
		j->emit_va = mostly(f, 0x100000 + rnd(f) % 64 * PAGE);
		j->emit_entries = (uint32_t)(rnd(f) % 16);
		j->trace_va = mostly(f, 0x100000 + rnd(f) % 64 * PAGE);
		j->trace_entries = one_in(f, 4) ? (uint32_t)(rnd(f) % 64) : 0;
		/* Endless programs end; a simulated chip is slow. */
		j->watchdog = 1 + rnd(f) % (one_in(f, 20) ? 20000 : 400);
		j->syncs.count = some_syncs(f, syncs[i], 3);
		j->syncs.stride = sizeof(syncs[i][0]);
		j->syncs.array = pointer(f, syncs[i]);
	}
	e.jobs.count = (uint32_t)(one_in(f, 40) ? number(f) : n);
	if (e.jobs.count > 8 && e.jobs.count <= 64)
		e.jobs.count = 65; /* there are only eight */
	e.jobs.stride = (uint32_t)(one_in(f, 40) ? rnd(f) % 256 : sizeof(jobs[0]));
	if (e.jobs.stride > sizeof(jobs[0]))
		e.jobs.count = 1;
	e.jobs.array = pointer(f, jobs);
	err = NODE_CALL(f->fd, EXEC, &e);
	if (err != -ECANCELED)
		return err;
	/* A fault has stopped the queue. */
	resume.queue_id = e.queue_id;
	err = NODE_CALL(f->fd, QUEUE_CONTROL, &resume);
	return err ? err : NODE_CALL(f->fd, EXEC, &e);
}

/* A buffer with programs, bound where EXEC looks. */
static void put_programs(struct fuzzer *f, uint32_t vm)
{
	struct node_bo bo;
	uint32_t i;

	if (node_bo_create(f->fd, PROGRAMS * PROGRAM_BYTES, 0, 0, &bo))
		return;
	for (i = 0; i < PROGRAMS; i++)
		memcpy((uint8_t *)bo.p + i * PROGRAM_BYTES, f->programs[i].w, PROGRAM_BYTES);
	node_map(f->fd, vm, &bo, 0, PROGRAM_VA, bo.size, 0);
	node_bo_destroy(f->fd, &bo);
}

/* A buffer goes from one descriptor to another, or comes home. */
static int prime(struct fuzzer *f)
{
	int to = one_in(f, 2) ? f->own : f->shared, dmabuf, err;
	uint32_t h;

	err = node_export(f->fd, pick(f, POOL_BO), &dmabuf);
	if (err)
		return err;
	err = node_import(to, dmabuf, &h);
	close(dmabuf);
	if (!err && to == f->own)
		keep(f, POOL_BO, h);
	return err;
}

/* The size and direction in the number are wrong; or there is no such call. */
static int raw(struct fuzzer *f)
{
	static __thread uint64_t arg[64];
	static const uint32_t dirs[] = { _IOC_NONE, _IOC_READ, _IOC_WRITE, _IOC_READ | _IOC_WRITE };
	uint32_t nr = DRM_COMMAND_BASE + (uint32_t)(rnd(f) % (one_in(f, 8) ? 0x60 : EXTRA));
	uint32_t i;

	for (i = 0; i < 64; i++)
		arg[i] = one_in(f, 4) ? number(f) : 0;
	/* The kernel may take only a part of it. */
	if (nr == DRM_COMMAND_BASE + DRM_INTAGLIO_GEM_CREATE)
		arg[0] %= 64 * PAGE;
	return drm_sys.ioctl(f->fd,
			     _IOC(dirs[rnd(f) % 4], DRM_IOCTL_BASE, nr, rnd(f) % sizeof(arg)),
			     (void *)(uintptr_t)pointer(f, arg));
}

static int reopen(struct fuzzer *f)
{
	int fd;

	if (!one_in(f, 20)) {
		put_programs(f, pick(f, POOL_VM));
		return 0;
	}
	fd = drm_sys.open(node);
	if (fd < 0)
		return fd;
	/* What came to the shared one from all sides must go some time, too. */
	if (one_in(f, 4))
		return node_replace(f->shared, fd);
	/* With whatever is still running. */
	drm_sys.close(f->own);
	memset(f->pools, 0, sizeof(f->pools));
	f->own = fd;
	return 0;
}

static int other(struct fuzzer *f, unsigned int which)
{
	uint32_t h;
	int err;

	switch (which) {
	case CALL_GEM_CLOSE:
		h = pick(f, POOL_BO);
		err = drm_sys.bo_close(f->fd, h);
		if (!err)
			forget(f, POOL_BO, h);
		return err;
	case CALL_SYNCOBJ_CREATE:
		err = drm_sys.syncobj_create(f->fd, &h);
		if (!err)
			keep(f, POOL_SYNCOBJ, h);
		return err;
	case CALL_SYNCOBJ_DESTROY:
		h = pick(f, POOL_SYNCOBJ);
		err = drm_sys.syncobj_destroy(f->fd, h);
		if (!err)
			forget(f, POOL_SYNCOBJ, h);
		return err;
	case CALL_PRIME:
		return prime(f);
	case CALL_RAW:
		return raw(f);
	default:
		return reopen(f);
	}
}

static int (*const calls[EXTRA])(struct fuzzer *f) = {
	[DRM_INTAGLIO_DEV_QUERY] = query,
	[DRM_INTAGLIO_GEM_CREATE] = gem_create,
	[DRM_INTAGLIO_GEM_MMAP_OFFSET] = gem_mmap_offset,
	[DRM_INTAGLIO_GEM_INFO] = gem_info,
	[DRM_INTAGLIO_VM_CREATE] = vm_create,
	[DRM_INTAGLIO_VM_DESTROY] = vm_destroy,
	[DRM_INTAGLIO_VM_BIND] = vm_bind,
	[DRM_INTAGLIO_VM_GET_STATE] = vm_get_state,
	[DRM_INTAGLIO_QUEUE_CREATE] = queue_create,
	[DRM_INTAGLIO_QUEUE_DESTROY] = queue_destroy,
	[DRM_INTAGLIO_QUEUE_GET_STATE] = queue_get_state,
	[DRM_INTAGLIO_QUEUE_CONTROL] = queue_control,
	[DRM_INTAGLIO_EXEC] = exec,
};

static const char *const names[CALLS] = {
	"DEV_QUERY",
	"GEM_CREATE",
	"GEM_MMAP_OFFSET",
	"GEM_INFO",
	"VM_CREATE",
	"VM_DESTROY",
	"VM_BIND",
	"VM_GET_STATE",
	"QUEUE_CREATE",
	"QUEUE_DESTROY",
	"QUEUE_GET_STATE",
	"QUEUE_CONTROL",
	"EXEC",
	"GEM_CLOSE",
	"SYNCOBJ_CREATE",
	"SYNCOBJ_DESTROY",
	"PRIME",
	"wrong numbers",
	"OPEN",
};

/* Those that cannot succeed (or need not: a fake kernel has no PRIME), and those that always do. */
static bool may_fail_always(unsigned int which)
{
#ifdef NODE_FAKE
	if (which == CALL_PRIME)
		return true;
#endif
	return which == CALL_RAW;
}

static void fail_nth(struct fuzzer *f, uint64_t n)
{
	char text[24];
	int len = snprintf(text, sizeof(text), "%llu", (unsigned long long)n);

	/* What was not used up may hit this very call. */
	if (pwrite(f->fail_nth, text, (size_t)len, 0) != len &&
	    pwrite(f->fail_nth, text, (size_t)len, 0) != len) {
		printf("Bail out! fail-nth cannot be written\n");
		exit(1);
	}
}

/* One call, maybe with a failure inside the kernel. */
static int call(struct fuzzer *f, unsigned int which)
{
	bool fail = f->fail_nth >= 0 && one_in(f, 2);
	char left[24] = "";
	int err;

	if (fail)
		fail_nth(f, 1 + rnd(f) % fail_max);
	err = which < EXTRA ? calls[which](f) : other(f, which);
	if (fail) {
		f->failed += pread(f->fail_nth, left, sizeof(left) - 1, 0) > 0 && !atoi(left);
		fail_nth(f, 0);
	}
	return err;
}

static void write_programs(struct fuzzer *f)
{
	prog_end(&f->programs[0]);
	prog_li(&f->programs[1], 9, 7);
	prog_seq(&f->programs[1], "emit",
		 (struct ig1_fmt_seq){ .op = IG1_OP_S_EMIT, .ra = 9, .kind = 1 });
	prog_end(&f->programs[1]);
	prog_seq(&f->programs[2], "loop",
		 (struct ig1_fmt_seq){ .op = IG1_OP_S_LOOP, .imm = IG1_MAX_COUNT, .len = 1 });
	prog_li(&f->programs[2], 21, 1);
	prog_end(&f->programs[2]);
	prog_move(&f->programs[3], IG1_OP_D_LD, 1, 0, 0, 64);
	prog_move(&f->programs[3], IG1_OP_D_ST, 2, 0, 0, 64);
	prog_end(&f->programs[3]);
}

static void speak(struct fuzzer *f, uint64_t n)
{
	struct drm_intaglio_memory_info m = { 0 };
	struct drm_intaglio_dev_query q = { DRM_INTAGLIO_QUERY_MEMORY, sizeof(m), (uintptr_t)&m };

	NODE_CALL(f->own, DEV_QUERY, &q);
	printf("# %llu calls of this thread in %.0f s, %llu MiB in buffers\n",
	       (unsigned long long)n, seconds_now() - started,
	       (unsigned long long)m.host_bytes >> 20);
}

/* Any call; those that empty the pools less often. */
static unsigned int choose(struct fuzzer *f)
{
	unsigned int which;

	do
		which = (unsigned int)(rnd(f) % CALLS);
	while ((which == DRM_INTAGLIO_VM_DESTROY || which == DRM_INTAGLIO_QUEUE_DESTROY) &&
	       !one_in(f, 3));
	return which;
}

static void *fuzz(void *arg)
{
	struct fuzzer *f = arg;
	unsigned int which;
	uint64_t i;
	int err;

	f->fail_nth = fail_max ? open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC) : -1;
	if (fail_max && f->fail_nth < 0) {
		printf("Bail out! this kernel has no fail-nth\n");
		exit(1);
	}
	for (i = 0; i < f->iterations && (!deadline || time(NULL) < deadline); i++) {
		which = choose(f);
		/* Ids of the own descriptor mean something else, or nothing, on the shared one. */
		f->fd = one_in(f, 8) && which != CALL_OPEN ? f->shared : f->own;
		err = call(f, which);
		f->calls[which]++;
		f->good[which] += !err;
		if (f->speaks && (i + 1) % STRIDE == 0)
			speak(f, i + 1);
	}
	if (f->fail_nth >= 0)
		close(f->fail_nth);
	drm_sys.close(f->own);
	return NULL;
}

/* The number of the node that node_open() finds. */
static uint32_t find_node(void)
{
	uint32_t nodes[DRM_SYS_NODES];
	struct drm_sys_version v = { 0 };
	int i, n = drm_sys.nodes(nodes, DRM_SYS_NODES), fd;

	for (i = 0; i < n; i++) {
		fd = drm_sys.open(nodes[i]);
		if (fd < 0)
			continue;
		if (drm_sys.version(fd, &v))
			v.name[0] = 0;
		drm_sys.close(fd);
		if (!strcmp(v.name, DRM_INTAGLIO_DRIVER_NAME))
			return nodes[i];
	}
	return 0;
}

static int run(uint64_t seed, uint64_t iterations, uint32_t threads)
{
	struct fuzzer *f = calloc(threads, sizeof(*f));
	double took;
	uint64_t n, good, all = 0, failed = 0;
	uint32_t i, k;
	int shared;

	if (!f)
		return 1;
	started = seconds_now();
	shared = node_open(0, 0);
	for (i = 0; i < threads; i++) {
		f[i].speaks = !i;
		f[i].random = seed * 0x9e3779b97f4a7c15u + i * 0xbf58476d1ce4e5b9u + 1;
		f[i].own = node_open(0, 0);
		f[i].shared = shared;
		f[i].iterations = (iterations + threads - 1) / threads;
		f[i].points = 1;
		write_programs(&f[i]);
		if (pthread_create(&f[i].thread, NULL, fuzz, &f[i]))
			return 1;
	}
	for (i = 0; i < threads; i++)
		pthread_join(f[i].thread, NULL);
	drm_sys.close(shared);
	took = seconds_now() - started;
	for (k = 0; k < CALLS; k++) {
		for (i = 0, n = 0, good = 0; i < threads; i++) {
			n += f[i].calls[k];
			good += f[i].good[k];
		}
		all += n;
		tap_ok(n && (good || may_fail_always(k)) && (good < n || n < FEW || k >= EXTRA),
		       "%s: %llu calls, %llu of them good", names[k], (unsigned long long)n,
		       (unsigned long long)good);
	}
	/* Several threads make one or two more. */
	tap_ok(deadline || (all >= iterations && all < iterations + threads),
	       "as many calls as asked for: %llu", (unsigned long long)iterations);
	for (i = 0; i < threads; i++)
		failed += f[i].failed;
	if (fail_max)
		tap_ok(failed != 0, "in %llu calls the kernel failed something",
		       (unsigned long long)failed);
	printf("# %llu calls in %.1f s, %.0f a second\n", (unsigned long long)all, took,
	       (double)all / (took > 0 ? took : 1));
	free(f);
	return tap_end();
}

static uint64_t option(int argc, char **argv, const char *name, uint64_t value)
{
	int i;

	for (i = 1; i + 1 < argc; i += 2) {
		if (!strcmp(argv[i], name))
			value = strtoull(argv[i + 1], NULL, 0);
	}
	return value;
}

int main(int argc, char **argv)
{
	uint64_t seed = option(argc, argv, "--seed", 1);
	uint64_t iterations = option(argc, argv, "--iterations", 20000);
	uint32_t processes = (uint32_t)option(argc, argv, "--processes", 1), i;
	uint32_t threads = (uint32_t)option(argc, argv, "--threads", 1);
	uint64_t seconds = option(argc, argv, "--seconds", 0);
	int status, bad = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
#ifdef NODE_FAKE
	node_fake_no_leak_check();
#endif
	printf("# seed %llu, %llu calls, %u threads in %u processes\n", (unsigned long long)seed,
	       (unsigned long long)iterations, threads, processes);
	deadline = seconds ? time(NULL) + (time_t)seconds : 0;
	fail_max = (uint32_t)option(argc, argv, "--fail", 0);
	node = find_node();
	if (!processes || !threads)
		return fprintf(stderr, "ioctl_fuzz: no process or no thread\n"), 2;
	iterations = (iterations + processes - 1) / processes;
	/* All but the first only tell by how they end. */
	for (i = 1; i < processes; i++) {
		if (!fork()) {
			if (!freopen("/dev/null", "w", stdout))
				_exit(1);
			_exit(run(seed + i, iterations, threads));
		}
	}
	bad = run(seed, iterations, threads);
	while (wait(&status) > 0) {
		if (!WIFEXITED(status) || WEXITSTATUS(status)) {
			printf("# a process ended with status %#x\n", status);
			bad = 1;
		}
	}
	return bad;
}
