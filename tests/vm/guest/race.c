// SPDX-License-Identifier: MIT
/*
 * Two threads do to the same object what does not go together: destroy it twice, use it while it is
 * destroyed. Either way round each call must end as if it had come first or second, a job that was
 * taken must end, and afterwards no memory is missing. TAP.
 *
 *	race [--rounds N]
 */
#include "node.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#define PAGE	((uint64_t)IG1_PAGE_BYTES)
#define BIND_VA UINT64_C(0x5000000)
#define RESULTS 4

struct world {
	struct node_rig rig;
	struct node_bo bo; /* to be closed or bound */
	uint32_t made;	   /* id or handle that a call gave */
	struct drm_intaglio_job job;
	int got[2];
};

struct pair {
	const char *name;
	int (*call[2])(struct world *w);
	/* What each of the calls may say; the list ends with 1. */
	int may[2][RESULTS];
	bool one_wins; /* exactly one of them succeeds */
};

static struct world world;
static const struct pair *current; /* NULL: the end */
static pthread_barrier_t begin, end;
static uint64_t seed = 1;

static uint32_t rnd(void)
{
	seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (uint32_t)(seed >> 33);
}

static void must(int err, const char *what)
{
	if (!err)
		return;
	printf("Bail out! %s: %s\n", what, strerror(-err));
	exit(1);
}

/* --- calls ---------------------------------------------------------------------------------------- */

static int queue_destroy(struct world *w)
{
	struct drm_intaglio_queue_destroy a = { .queue_id = w->rig.q.id };

	return NODE_CALL(w->rig.fd, QUEUE_DESTROY, &a);
}

static int vm_destroy(struct world *w)
{
	return node_vm_destroy(w->rig.fd, w->rig.vm);
}

static int bo_close(struct world *w)
{
	return drm_sys.bo_close(w->rig.fd, w->bo.handle);
}

static int exec(struct world *w)
{
	return node_submit(w->rig.fd, &w->rig.q, &w->job);
}

static int control(struct world *w, uint32_t op)
{
	struct drm_intaglio_queue_control a = { .queue_id = w->rig.q.id, .op = op };

	return NODE_CALL(w->rig.fd, QUEUE_CONTROL, &a);
}

static int cancel(struct world *w)
{
	return control(w, DRM_INTAGLIO_QUEUE_CANCEL);
}

static int get_state(struct world *w)
{
	struct drm_intaglio_queue_get_state a = { .queue_id = w->rig.q.id };

	return NODE_CALL(w->rig.fd, QUEUE_GET_STATE, &a);
}

static int queue_create(struct world *w)
{
	struct drm_intaglio_queue_create a = { .vm_id = w->rig.vm, .priority = 1 };
	int err = NODE_CALL(w->rig.fd, QUEUE_CREATE, &a);

	w->made = a.queue_id;
	return err;
}

static int gem_create(struct world *w)
{
	struct drm_intaglio_gem_create a = { .size = PAGE, .vm_id = w->rig.vm };
	int err = NODE_CALL(w->rig.fd, GEM_CREATE, &a);

	w->made = a.handle;
	return err;
}

static int map(struct world *w)
{
	return node_map(w->rig.fd, w->rig.vm, &w->bo, 0, BIND_VA, PAGE, 0);
}

static int unmap(struct world *w)
{
	return node_unmap(w->rig.fd, w->rig.vm, BIND_VA, 2 * PAGE);
}

static int bind_later(struct world *w)
{
	struct drm_intaglio_bind_op op = { .op = DRM_INTAGLIO_BIND_MAP,
					   .handle = w->bo.handle,
					   .va = BIND_VA + PAGE,
					   .size = PAGE };
	struct drm_intaglio_vm_bind a = { .vm_id = w->rig.vm,
					  .flags = DRM_INTAGLIO_VM_BIND_ASYNC,
					  .ops = { sizeof(op), 1, (uintptr_t)&op } };

	return NODE_CALL(w->rig.fd, VM_BIND, &a);
}

static const struct pair pairs[] = {
	{ "QUEUE_DESTROY twice",
	  { queue_destroy, queue_destroy },
	  { { 0, -ENOENT, 1 }, { 0, -ENOENT, 1 } },
	  true },
	{ "VM_DESTROY twice",
	  { vm_destroy, vm_destroy },
	  { { 0, -ENOENT, 1 }, { 0, -ENOENT, 1 } },
	  true },
	{ "GEM_CLOSE twice",
	  { bo_close, bo_close },
	  { { 0, -EINVAL, 1 }, { 0, -EINVAL, 1 } },
	  true },
	{ "QUEUE_DESTROY and EXEC",
	  { queue_destroy, exec },
	  { { 0, 1 }, { 0, -ENOENT, -ECANCELED, 1 } } },
	{ "QUEUE_DESTROY and CANCEL",
	  { queue_destroy, cancel },
	  { { 0, 1 }, { 0, -ENOENT, -ECANCELED, 1 } } },
	{ "QUEUE_DESTROY and QUEUE_GET_STATE",
	  { queue_destroy, get_state },
	  { { 0, 1 }, { 0, -ENOENT, 1 } } },
	{ "CANCEL and EXEC", { cancel, exec }, { { 0, 1 }, { 0, -ECANCELED, 1 } } },
	{ "VM_DESTROY and QUEUE_CREATE",
	  { vm_destroy, queue_create },
	  { { 0, 1 }, { 0, -ENOENT, 1 } } },
	{ "VM_DESTROY and GEM_CREATE",
	  { vm_destroy, gem_create },
	  { { 0, 1 }, { 0, -ENOENT, 1 } } },
	{ "VM_DESTROY and EXEC", { vm_destroy, exec }, { { 0, 1 }, { 0, 1 } } },
	{ "VM_DESTROY and VM_BIND", { vm_destroy, map }, { { 0, 1 }, { 0, -ENOENT, 1 } } },
	{ "VM_DESTROY and VM_BIND ASYNC",
	  { vm_destroy, bind_later },
	  { { 0, 1 }, { 0, -ENOENT, 1 } } },
	{ "GEM_CLOSE and VM_BIND", { bo_close, map }, { { 0, 1 }, { 0, -ENOENT, 1 } } },
	{ "MAP and UNMAP of the same range", { map, unmap }, { { 0, 1 }, { 0, 1 } } },
};

/* --- rounds ---------------------------------------------------------------------------------------- */

static void set_up(int fd)
{
	struct prog p = { 0 };

	memset(&world, 0, sizeof(world));
	node_rig_open(fd, &world.rig);
	must(node_bo_create(fd, PAGE, 0, 0, &world.bo), "GEM_CREATE");
	prog_end(&p);
	memcpy(world.rig.code.p, p.w, sizeof(p.w));
	world.job = (struct drm_intaglio_job){ .prog_va = NODE_CODE_VA, .prog_len = p.n };
}

/* Whatever is there yet; the calls of what is gone fail. */
static void clean_up(void)
{
	struct world *w = &world;
	struct drm_intaglio_queue_destroy q = { .queue_id = w->made };

	if (w->made && current->call[1] == queue_create)
		must(NODE_CALL(w->rig.fd, QUEUE_DESTROY, &q), "QUEUE_DESTROY of a queue just made");
	if (w->made && current->call[1] == gem_create)
		must(drm_sys.bo_close(w->rig.fd, w->made), "GEM_CLOSE of a buffer just made");
	if (current->call[0] == bo_close)
		w->bo.handle = 0;
	node_bo_destroy(w->rig.fd, &w->bo);
	if (current->call[0] == queue_destroy)
		w->rig.q.id = 0;
	node_queue_destroy(w->rig.fd, &w->rig.q);
	if (current->call[0] == vm_destroy)
		w->rig.vm = 0;
	else
		must(vm_destroy(w), "VM_DESTROY");
	node_bo_destroy(w->rig.fd, &w->rig.code);
	node_bo_destroy(w->rig.fd, &w->rig.data);
}

/* Lets one side begin a little later, never the same. */
static void linger(uint32_t turns)
{
	volatile uint32_t i;

	for (i = 0; i < turns % 3000; i++)
		;
	if (turns % 7 == 0)
		sched_yield();
}

static void *second(void *arg)
{
	const uint32_t *late = arg;

	for (;;) {
		pthread_barrier_wait(&begin);
		if (!current)
			return NULL;
		linger(*late);
		world.got[1] = current->call[1](&world);
		pthread_barrier_wait(&end);
	}
}

static bool allowed(const struct pair *p, int side)
{
	int i;

	for (i = 0; i < RESULTS && p->may[side][i] != 1; i++) {
		if (world.got[side] == p->may[side][i])
			return true;
	}
	return false;
}

/* A job that was taken ends, and its record says how; a queue that was cancelled works again. */
static bool settled(const struct pair *p)
{
	struct world *w = &world;
	struct drm_intaglio_completion c;
	int err;

	if (p->call[1] == exec && !w->got[1]) {
		err = node_wait(w->rig.fd, &w->rig.q, w->job.seq, &c);
		if (err || (c.error && c.error != -ECANCELED) ||
		    (c.error && p->call[0] == vm_destroy))
			return false;
	}
	if (p->call[0] != cancel)
		return true;
	while ((err = control(w, DRM_INTAGLIO_QUEUE_RESUME)) == -EBUSY)
		;
	if (err || exec(w) || node_wait(w->rig.fd, &w->rig.q, w->job.seq, &c))
		return false;
	return !c.error;
}

static void run(const struct pair *p, int fd, uint32_t rounds, uint32_t *late)
{
	uint32_t i, first = 0, both = 0, bad = 0;
	int side, worst[2] = { 0 };
	bool good;

	current = p;
	for (i = 0; i < rounds; i++) {
		set_up(fd);
		*late = rnd() & 1 ? rnd() : 0;
		pthread_barrier_wait(&begin);
		linger(*late ? 0 : rnd());
		world.got[0] = p->call[0](&world);
		pthread_barrier_wait(&end);
		for (side = 0, good = true; side < 2; side++)
			good &= allowed(p, side);
		if (p->one_wins)
			good &= !world.got[0] != !world.got[1];
		good = good && settled(p);
		if (!good && !bad++)
			memcpy(worst, world.got, sizeof(worst));
		first += !world.got[0] && world.got[1];
		both += !world.got[0] && !world.got[1];
		clean_up();
	}
	tap_ok(!bad, "%s: %u rounds", p->name, rounds);
	printf("# the first alone succeeds: %u, both: %u\n", first, both);
	if (bad)
		printf("# %u wrong, the first of them with %d and %d\n", bad, worst[0], worst[1]);
}

static struct drm_intaglio_memory_info memory(int fd)
{
	struct drm_intaglio_memory_info m = { 0 };
	struct drm_intaglio_dev_query q = { DRM_INTAGLIO_QUERY_MEMORY, sizeof(m), (uintptr_t)&m };

	must(NODE_CALL(fd, DEV_QUERY, &q), "DEV_QUERY");
	return m;
}

int main(int argc, char **argv)
{
	uint32_t rounds = argc == 3 && !strcmp(argv[1], "--rounds") ? (uint32_t)atoi(argv[2]) : 100;
	struct drm_intaglio_memory_info before, after;
	pthread_t thread;
	uint32_t late, i;
	int fd, watch;

	watch = node_open(0, 0);
	before = memory(watch);
	fd = node_open(0, 0);
	pthread_barrier_init(&begin, NULL, 2);
	pthread_barrier_init(&end, NULL, 2);
	must(-pthread_create(&thread, NULL, second, &late), "thread");
	for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		run(&pairs[i], fd, rounds, &late);
	current = NULL;
	pthread_barrier_wait(&begin);
	pthread_join(thread, NULL);
	drm_sys.close(fd);
	after = memory(watch);
	tap_ok(before.host_bytes == after.host_bytes && before.sram_free == after.sram_free,
	       "no memory is missing");
	drm_sys.close(watch);
	return tap_end();
}
