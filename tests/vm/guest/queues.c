// SPDX-License-Identifier: MIT
/*
 * What becomes of jobs between queues and between chips. TAP.
 *
 *	queues limit	a job that only runs too long is given up; the shell has set the limit
 *	queues priority	a job overtakes those of a lower priority that wait
 *	queues prime	a buffer of one chip in the jobs of another one
 *	queues reset FILE	what a reset by writing to FILE costs: the job that ran, and no other
 *	queues hang COMMAND	what it costs that the bus hangs, which COMMAND (of a shell) causes: the
 *				job that ran and who has resident memory, and no other
 */
#include "node.h"

#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <unistd.h>

#define BYTES	 64u
#define SHARE_VA UINT64_C(0x5000000)
/* Places in a page: what is copied, and where to. */
#define SOURCE 0u
#define FLAG   256u
#define SLOTS  512u
#define JOBS   8u

static void must(int err, const char *what)
{
	if (!err)
		return;
	printf("Bail out! %s: %s\n", what, strerror(-err));
	exit(1);
}

static struct drm_intaglio_stats_info stats(int fd)
{
	struct drm_intaglio_stats_info info = { 0 };
	struct drm_intaglio_dev_query a = { .type = DRM_INTAGLIO_QUERY_STATS,
					    .size = sizeof(info),
					    .pointer = (uintptr_t)&info };

	must(NODE_CALL(fd, DEV_QUERY, &a), "DEV_QUERY");
	return info;
}

/* Writes programs one behind the other; *at becomes the address behind the last. */
static uint64_t put(struct node_bo *code, uint64_t *at, const struct prog *p)
{
	uint64_t va = *at;

	memcpy((uint8_t *)code->p + (va - NODE_CODE_VA), p->w, p->n * sizeof(p->w[0]));
	*at += p->n * sizeof(p->w[0]);
	return va;
}

static struct drm_intaglio_job endless_job(struct node_bo *code, uint64_t *at)
{
	struct prog p = { 0 };

	prog_endless(&p);
	return (struct drm_intaglio_job){ .prog_len = p.n,
					  .watchdog = UINT64_C(1) << 60,
					  .prog_va = put(code, at, &p) };
}

/* Copies BYTES from R1 to R2, so many times. */
static struct drm_intaglio_job copy_times(struct node_bo *code, uint64_t *at, uint32_t times)
{
	struct prog p = { 0 };

	if (times > 1)
		prog_seq(&p, "loop",
			 (struct ig1_fmt_seq){ .op = IG1_OP_S_LOOP, .imm = times, .len = 2 });
	prog_move(&p, IG1_OP_D_LD, 1, 0, 0, BYTES);
	prog_move(&p, IG1_OP_D_ST, 2, 0, 0, BYTES);
	prog_end(&p);
	return (struct drm_intaglio_job){ .prog_len = p.n,
					  .nargs = 2,
					  .prog_va = put(code, at, &p) };
}

static struct drm_intaglio_job copy_job(struct node_bo *code, uint64_t *at)
{
	return copy_times(code, at, 1);
}

static bool all(const void *p, uint8_t value)
{
	const uint8_t *bytes = p;
	uint32_t i;

	for (i = 0; i < BYTES && bytes[i] == value; i++)
		;
	return i == BYTES;
}

/* --- a job that runs too long --------------------------------------------------------------------- */

static int limit(void)
{
	int fd = node_open(0, 200);
	struct drm_intaglio_stats_info before = stats(fd), after;
	struct drm_intaglio_queue_get_state state = { 0 };
	struct drm_intaglio_completion c;
	uint64_t at = NODE_CODE_VA;
	struct drm_intaglio_job job;
	struct node_rig r;

	node_rig_open(fd, &r);
	job = endless_job(&r.code, &at);
	tap_result(node_submit(fd, &r.q, &job), 0, "an endless job is taken");
	tap_result(node_wait(fd, &r.q, job.seq, &c), 0, "it ends");
	tap_result(c.error, -ETIME, "its record says that it was given up");
	state.queue_id = r.q.id;
	tap_result(NODE_CALL(fd, QUEUE_GET_STATE, &state), 0, "its queue can be asked");
	tap_ok(state.state == DRM_INTAGLIO_QUEUE_BANNED, "and is banned (state %u)", state.state);
	after = stats(fd);
	tap_ok(after.timeouts == before.timeouts + 1, "one job was given up (%llu)",
	       (unsigned long long)(after.timeouts - before.timeouts));
	tap_ok(after.resets == before.resets, "the chip was not reset for it");
	node_rig_close(&r);
	return tap_end();
}

/* --- priorities ----------------------------------------------------------------------------------- */

/* Jobs that the driver has handed to the firmware and that have not ended, of all rings. */
static uint32_t inflight(void)
{
	uint32_t sum = 0, n;
	char line[256];
	const char *at;
	glob_t found;
	FILE *f;

	must(glob("/sys/kernel/debug/accel/*:*/state", 0, NULL, &found) ? -ENOENT : 0, "debugfs");
	f = fopen(found.gl_pathv[0], "r");
	must(f ? 0 : -errno, "debugfs");
	while (fgets(line, sizeof(line), f)) {
		at = strstr(line, "inflight ");
		if (!strncmp(line, "ring ", 5) && at && sscanf(at, "inflight %u", &n) == 1)
			sum += n;
	}
	fclose(f);
	globfree(&found);
	return sum;
}

/* An address space whose memory is its own, so that nothing but the rings orders its queues. */
struct space {
	int fd;
	uint32_t vm;
	struct node_bo code, page;
	struct drm_intaglio_job endless, copy, copies;
};

static void space_open(struct space *s)
{
	uint64_t at = NODE_CODE_VA;

	s->fd = node_open(0, 200);
	must(node_vm_create(s->fd, &s->vm), "VM_CREATE");
	must(node_bo_create(s->fd, IG1_PAGE_BYTES, 0, s->vm, &s->code), "GEM_CREATE");
	must(node_bo_create(s->fd, IG1_PAGE_BYTES, 0, s->vm, &s->page), "GEM_CREATE");
	must(node_map(s->fd, s->vm, &s->code, 0, NODE_CODE_VA, IG1_PAGE_BYTES, 0), "VM_BIND");
	must(node_map(s->fd, s->vm, &s->page, 0, NODE_DATA_VA, IG1_PAGE_BYTES, 0), "VM_BIND");
	s->endless = endless_job(&s->code, &at);
	s->copy = copy_job(&s->code, &at);
	s->copies = copy_times(&s->code, &at, IG1_MAX_COUNT);
	s->copies.watchdog = s->endless.watchdog;
	memset((uint8_t *)s->page.p + SOURCE, 0xa5, BYTES);
}

static void space_close(struct space *s)
{
	node_vm_destroy(s->fd, s->vm);
	node_bo_destroy(s->fd, &s->code);
	node_bo_destroy(s->fd, &s->page);
	drm_sys.close(s->fd);
}

/* A job of the space between two places of the page */
static struct drm_intaglio_job between(struct drm_intaglio_job job, uint32_t from, uint32_t to)
{
	job.args[0] = NODE_DATA_VA + from;
	job.args[1] = NODE_DATA_VA + to;
	return job;
}

static struct drm_intaglio_job copy_between(const struct space *s, uint32_t from, uint32_t to)
{
	return between(s->copy, from, to);
}

static bool copied(const struct space *s, uint32_t to)
{
	return all((uint8_t *)s->page.p + to, 0xa5);
}

/*
 * While a job holds the chip, jobs of the lowest priority queue up, and one of the highest behind
 * them. It writes what each of them copies to a place of its own, so each tells whether it was
 * overtaken.
 */
static int priority(void)
{
	struct drm_intaglio_chip_info info = { 0 };
	struct drm_intaglio_dev_query query = { .type = DRM_INTAGLIO_QUERY_CHIP,
						.size = sizeof(info),
						.pointer = (uintptr_t)&info };
	struct drm_intaglio_queue_control cancel = { .op = DRM_INTAGLIO_QUEUE_CANCEL };
	struct node_queue high, low, holder;
	struct drm_intaglio_completion c;
	uint32_t i, flagged = 0, ended = 0;
	struct drm_intaglio_job job[JOBS + 1];
	struct space s;

	space_open(&s);
	must(NODE_CALL(s.fd, DEV_QUERY, &query), "DEV_QUERY");
	must(node_queue_create(s.fd, s.vm, 0, &high), "QUEUE_CREATE");
	must(node_queue_create(s.fd, s.vm, info.priorities - 1, &low), "QUEUE_CREATE");
	must(node_queue_create(s.fd, s.vm, info.priorities - 1, &holder), "QUEUE_CREATE");
	must(node_submit(s.fd, &holder, &s.endless), "EXEC");
	for (i = 0; i < JOBS; i++) {
		job[i] = copy_between(&s, FLAG, SLOTS + i * BYTES);
		must(node_submit(s.fd, &low, &job[i]), "EXEC");
	}
	job[JOBS] = copy_between(&s, SOURCE, FLAG);
	must(node_submit(s.fd, &high, &job[JOBS]), "EXEC");
	while (inflight() != JOBS + 2)
		usleep(10000);
	cancel.queue_id = holder.id;
	tap_result(NODE_CALL(s.fd, QUEUE_CONTROL, &cancel), 0, "the job before them is cancelled");
	for (i = 0; i <= JOBS; i++)
		ended += !node_wait(s.fd, i == JOBS ? &high : &low, job[i].seq, &c) && !c.error;
	tap_ok(ended == JOBS + 1, "all others end well (%u of %u)", ended, JOBS + 1);
	for (i = 0; i < JOBS; i++)
		flagged += copied(&s, SLOTS + i * BYTES);
	tap_ok(flagged == JOBS, "the one of the highest priority has overtaken %u of %u", flagged,
	       JOBS);
	node_queue_destroy(s.fd, &high);
	node_queue_destroy(s.fd, &low);
	node_queue_destroy(s.fd, &holder);
	space_close(&s);
	return tap_end();
}

/* --- a reset under jobs ---------------------------------------------------------------------------- */

/* `path` is what is written to for a reset. */
static int reset(const char *path)
{
	struct drm_intaglio_queue_get_state state = { 0 };
	struct drm_intaglio_stats_info before, after;
	struct drm_intaglio_completion c = { 0 };
	struct drm_intaglio_job next;
	struct node_queue q[2];
	struct space s;
	FILE *f;
	int err;

	space_open(&s);
	before = stats(s.fd);
	must(node_queue_create(s.fd, s.vm, 1, &q[0]), "QUEUE_CREATE");
	must(node_queue_create(s.fd, s.vm, 1, &q[1]), "QUEUE_CREATE");
	must(node_submit(s.fd, &q[0], &s.endless), "EXEC");
	next = copy_between(&s, SOURCE, FLAG);
	must(node_submit(s.fd, &q[1], &next), "EXEC");
	while (inflight() != 2)
		usleep(10000);
	f = fopen(path, "w");
	must(f ? 0 : -errno, path);
	err = fprintf(f, "1\n") < 0;
	err |= fclose(f);
	tap_result(err ? -errno : 0, 0, "the reset is over");
	tap_result(node_wait(s.fd, &q[0], s.endless.seq, &c), 0, "the job that ran ends");
	tap_result(c.error, -EIO, "its record says that a reset met it");
	state.queue_id = q[0].id;
	tap_result(NODE_CALL(s.fd, QUEUE_GET_STATE, &state), 0, "its queue can be asked");
	tap_ok(state.state == DRM_INTAGLIO_QUEUE_BANNED, "and is banned (state %u)", state.state);
	err = node_wait(s.fd, &q[1], next.seq, &c);
	tap_result(err ? err : c.error, 0, "the job behind it, of another queue, ends well");
	tap_ok(copied(&s, FLAG), "and has done its work");
	after = stats(s.fd);
	tap_ok(after.resets == before.resets + 1, "one reset is counted");
	tap_ok(after.timeouts == before.timeouts, "and no time-out");
	node_queue_destroy(s.fd, &q[0]);
	node_queue_destroy(s.fd, &q[1]);
	space_close(&s);
	return tap_end();
}

/* --- a bus that hangs ------------------------------------------------------------------------------ */

static uint32_t queue_state(int fd, const struct node_queue *q)
{
	struct drm_intaglio_queue_get_state state = { .queue_id = q->id };

	must(NODE_CALL(fd, QUEUE_GET_STATE, &state), "QUEUE_GET_STATE");
	return state.state;
}

/* Three contexts: one copies without end, two wait behind it, of which one has resident memory. */
static int hang(const char *command)
{
	enum { RUNS, HOST, RESIDENT, CONTEXTS };
	struct drm_intaglio_job job[CONTEXTS];
	struct drm_intaglio_completion c = { 0 };
	struct drm_intaglio_stats_info before, after;
	struct node_queue q[CONTEXTS];
	struct space s[CONTEXTS];
	struct node_bo sram;
	uint32_t i;
	int err;

	for (i = 0; i < CONTEXTS; i++) {
		space_open(&s[i]);
		must(node_queue_create(s[i].fd, s[i].vm, 1, &q[i]), "QUEUE_CREATE");
	}
	must(node_bo_create(s[RESIDENT].fd, IG1_PAGE_BYTES, DRM_INTAGLIO_GEM_RESIDENT,
			    s[RESIDENT].vm, &sram),
	     "GEM_CREATE");
	must(node_map(s[RESIDENT].fd, s[RESIDENT].vm, &sram, 0, SHARE_VA, IG1_PAGE_BYTES, 0),
	     "VM_BIND");
	before = stats(s[HOST].fd);
	for (i = 0; i < CONTEXTS; i++) {
		job[i] = between(i == RUNS ? s[i].copies : s[i].copy, SOURCE, FLAG);
		must(node_submit(s[i].fd, &q[i], &job[i]), "EXEC");
	}
	while (inflight() != CONTEXTS || !copied(&s[RUNS], FLAG))
		usleep(10000);
	tap_ok(!copied(&s[HOST], FLAG) && !copied(&s[RESIDENT], FLAG), "two jobs wait behind one");
	tap_result(system(command), 0, command);
	tap_result(node_wait(s[RUNS].fd, &q[RUNS], job[RUNS].seq, &c), 0, "the job that ran ends");
	tap_ok(c.error == -ETIME || c.error == -EIO, "its record says that it was lost (%d)",
	       c.error);
	tap_ok(queue_state(s[RUNS].fd, &q[RUNS]) == DRM_INTAGLIO_QUEUE_BANNED,
	       "its queue is banned");
	err = node_wait(s[HOST].fd, &q[HOST], job[HOST].seq, &c);
	tap_result(err ? err : c.error, 0, "one that waited, with host memory only, ends well");
	tap_ok(copied(&s[HOST], FLAG), "and has done its work");
	tap_ok(queue_state(s[HOST].fd, &q[HOST]) == DRM_INTAGLIO_QUEUE_RUNNING,
	       "its queue goes on");
	err = node_wait(s[RESIDENT].fd, &q[RESIDENT], job[RESIDENT].seq, &c);
	tap_result(err ? err : c.error, -EIO, "one that waited and has resident memory is told");
	tap_ok(!copied(&s[RESIDENT], FLAG), "and was not run");
	tap_ok(queue_state(s[RESIDENT].fd, &q[RESIDENT]) == DRM_INTAGLIO_QUEUE_BANNED,
	       "its queue is banned");
	after = stats(s[HOST].fd);
	tap_ok(after.resets > before.resets, "the chip was reset");
	node_bo_destroy(s[RESIDENT].fd, &sram);
	for (i = 0; i < CONTEXTS; i++) {
		node_queue_destroy(s[i].fd, &q[i]);
		space_close(&s[i]);
	}
	return tap_end();
}

/* --- buffers between chips ------------------------------------------------------------------------- */

/* A chip's job copies from one address to another; what it waits for is in the buffers. */
static uint64_t copy(struct node_rig *r, uint64_t from, uint64_t to)
{
	uint64_t at = NODE_CODE_VA;
	struct drm_intaglio_job job = copy_job(&r->code, &at);

	job.args[0] = from;
	job.args[1] = to;
	must(node_submit(r->fd, &r->q, &job), "EXEC");
	return job.seq;
}

static void expect(struct node_rig *r, uint64_t seq, const char *what)
{
	struct drm_intaglio_completion c = { 0 };
	int err = node_wait(r->fd, &r->q, seq, &c);

	tap_result(err ? err : c.error, 0, what);
}

static int prime(void)
{
	struct node_rig r[2];
	struct node_bo bo, imported = { 0 };
	uint64_t seq[2];
	uint32_t i;
	int dmabuf;

	for (i = 0; i < 2; i++)
		node_rig_open(node_open(i, 100), &r[i]);
	must(node_bo_create(r[0].fd, IG1_PAGE_BYTES, 0, 0, &bo), "GEM_CREATE");
	tap_result(node_export(r[0].fd, bo.handle, &dmabuf), 0, "a chip's buffer is exported");
	tap_result(node_import(r[1].fd, dmabuf, &imported.handle), 0, "another chip imports it");
	close(dmabuf);
	must(node_map(r[0].fd, r[0].vm, &bo, 0, SHARE_VA, IG1_PAGE_BYTES, 0), "VM_BIND");
	tap_result(node_map(r[1].fd, r[1].vm, &imported, 0, SHARE_VA, IG1_PAGE_BYTES, 0), 0,
		   "and maps it");

	/* The second job reads what the first one writes: the buffer's fences order the chips. */
	memset(r[0].data.p, 0x3c, BYTES);
	seq[0] = copy(&r[0], NODE_DATA_VA, SHARE_VA);
	seq[1] = copy(&r[1], SHARE_VA, NODE_DATA_VA);
	expect(&r[0], seq[0], "a job of its own chip writes it");
	expect(&r[1], seq[1], "a job of the other chip reads it");
	tap_ok(all(bo.p, 0x3c), "it has the first chip's bytes");
	tap_ok(all(r[1].data.p, 0x3c), "the second chip has read them");

	/* And back; the first owner's handle is gone meanwhile. */
	memset(r[1].data.p, 0x99, BYTES);
	must(drm_sys.bo_close(r[0].fd, bo.handle), "GEM_CLOSE");
	seq[1] = copy(&r[1], NODE_DATA_VA, SHARE_VA + BYTES);
	seq[0] = copy(&r[0], SHARE_VA + BYTES, NODE_DATA_VA + BYTES);
	expect(&r[1], seq[1], "a job of the other chip writes it");
	expect(&r[0], seq[0], "a job of its own chip reads it");
	tap_ok(all((uint8_t *)bo.p + BYTES, 0x99), "it has the second chip's bytes");
	tap_ok(all((uint8_t *)r[0].data.p + BYTES, 0x99), "the first chip has read them");
	bo.handle = 0;
	node_bo_destroy(r[0].fd, &bo);
	node_bo_destroy(r[1].fd, &imported);
	for (i = 0; i < 2; i++) {
		node_rig_close(&r[i]);
		drm_sys.close(r[i].fd);
	}
	return tap_end();
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(void);
	} tests[] = { { "limit", limit }, { "priority", priority }, { "prime", prime } };
	uint32_t i;

	if (argc == 3 && !strcmp(argv[1], "reset"))
		return reset(argv[2]);
	if (argc == 3 && !strcmp(argv[1], "hang"))
		return hang(argv[2]);
	for (i = 0; argc == 2 && i < sizeof(tests) / sizeof(tests[0]); i++)
		if (!strcmp(argv[1], tests[i].name))
			return tests[i].run();
	fprintf(stderr, "usage: queues limit|priority|prime|reset FILE|hang COMMAND\n");
	return 2;
}
