// SPDX-License-Identifier: MIT
/*
 * What a job costs the guest, in instructions. For QEMU with -icount shift=0 and one CPU, where the time
 * stamp counter counts them (tests/vm/figures). A thread with the lowest priority fills every gap
 * with a loop of known length, so that what is left of the elapsed instructions was work: of the
 * scheduler's worker, of the interrupt, of the wake-up. The loop reads a port, which takes the host
 * long and the guest an instruction: a wait for the chip is too short for timer ticks then.
 */
#include "node.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#ifdef __x86_64__
#include <sys/io.h>
#endif
#include <unistd.h>

#define JOBS	  512u
#define BATCH_MAX 16u
#define CALIBRATE 5000u
#define PORT	  0x80 /* POST codes; nobody reads or writes it */

static volatile uint64_t spins;
static volatile bool quit;

static uint64_t now(void)
{
#ifdef __x86_64__
	return __builtin_ia32_rdtsc();
#else
	return 0;
#endif
}

static int allow_port(void)
{
#ifdef __x86_64__
	return ioperm(PORT, 1, 1) ? -errno : 0;
#else
	return -ENOSYS;
#endif
}

static __attribute__((noinline)) void spin(uint64_t until)
{
	while (!quit && spins < until) {
#ifdef __x86_64__
		inb(PORT);
#endif
		spins++;
	}
}

static void *filler(void *arg)
{
	(void)arg;
	spin(UINT64_MAX);
	return NULL;
}

static void must(int err, const char *what)
{
	if (!err)
		return;
	fprintf(stderr, "figures: %s: %s\n", what, strerror(err < 0 ? -err : err));
	exit(1);
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Instructions of one turn: the least of some tries has no tick in it. */
static double turn(void)
{
	uint64_t best = UINT64_MAX, t;
	int i;

	for (i = 0; i < 20; i++) {
		t = now();
		spin(spins + CALIBRATE);
		t = now() - t;
		if (t < best)
			best = t;
	}
	return (double)best / CALIBRATE;
}

static uint64_t median(uint64_t *v)
{
	qsort(v, JOBS, sizeof(*v), compare);
	return v[JOBS / 2];
}

/* Of an EXEC with some jobs: medians, in instructions. */
struct cost {
	uint64_t submit, rest, elapsed;
};

static struct cost jobs(struct node_rig *rig, uint32_t batch, double per_turn)
{
	struct drm_intaglio_job job[BATCH_MAX];
	struct drm_intaglio_sync sync = { .flags = DRM_INTAGLIO_SYNC_TIMELINE |
						   DRM_INTAGLIO_SYNC_SIGNAL,
					  .handle = rig->q.syncobj };
	struct drm_intaglio_exec exec = { .queue_id = rig->q.id,
					  .jobs = { sizeof(job[0]), batch, (uintptr_t)job } };
	uint64_t submit[JOBS], rest[JOBS], elapsed[JOBS], t, turns;
	uint32_t i, n;

	for (n = 0; n < JOBS; n++) {
		memset(job, 0, sizeof(job));
		for (i = 0; i < batch; i++) {
			job[i].prog_va = NODE_CODE_VA;
			job[i].prog_len = 1;
		}
		sync.point = ++rig->q.point;
		job[batch - 1].syncs =
			(struct drm_intaglio_obj_array){ sizeof(sync), 1, (uintptr_t)&sync };
		turns = spins;
		t = now();
		must(NODE_CALL(rig->fd, EXEC, &exec), "EXEC");
		submit[n] = now() - t;
		t = now();
		must(drm_sys.syncobj_wait(rig->fd, rig->q.syncobj, sync.point), "wait");
		elapsed[n] = now() - t;
		rest[n] = elapsed[n] - (uint64_t)(per_turn * (double)(spins - turns));
	}
	return (struct cost){ median(submit), median(rest), median(elapsed) };
}

/* A row of the table in docs/driver.md, per job. */
static void row(const char *what, uint64_t one, uint64_t batch)
{
	printf("| %s | %" PRIu64 " | %" PRIu64 " |\n", what, one,
	       (batch + BATCH_MAX / 2) / BATCH_MAX);
}

int main(void)
{
	const struct sched_param idle = { 0 }, first = { .sched_priority = 60 };
	struct node_rig rig;
	struct prog prog = { .n = 0 };
	struct cost one, batch;
	double per_turn;
	pthread_t thread;
	uint64_t t;

	t = now();
	usleep(1000);
	if (now() == t) {
		fprintf(stderr, "figures: no time stamp counter\n");
		return 1;
	}
	node_rig_open(node_open(0, 3000), &rig);
	prog_end(&prog);
	memcpy(rig.code.p, prog.w, sizeof(prog.w));

	must(allow_port(), "ioperm");
	per_turn = turn();
	must(pthread_create(&thread, NULL, filler, NULL), "thread");
	must(pthread_setschedparam(thread, SCHED_IDLE, &idle), "SCHED_IDLE");
	/* Nothing runs inside of an EXEC but the EXEC. */
	must(pthread_setschedparam(pthread_self(), SCHED_FIFO, &first), "SCHED_FIFO");
	printf("a turn of the filler: %.2f instructions\n", per_turn);
	/* What the first calls set up is not in the medians. */
	jobs(&rig, 1, per_turn);
	one = jobs(&rig, 1, per_turn);
	batch = jobs(&rig, BATCH_MAX, per_turn);
	printf("| instructions | one job per EXEC | %u jobs per EXEC, each |\n|---|---|---|\n",
	       BATCH_MAX);
	row("EXEC", one.submit, batch.submit);
	row("from there until the waiter has the result", one.rest, batch.rest);
	row("of the same time, with the waits for the chip", one.elapsed, batch.elapsed);
	quit = true;
	pthread_join(thread, NULL);
	node_rig_close(&rig);
	return 0;
}
