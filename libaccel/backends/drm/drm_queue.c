// SPDX-License-Identifier: MIT
/*
 * Queues: jobs go to EXEC one by one, each with a point of the queue's own timeline; a thread per
 * queue waits for the oldest point and reads what became of the job from the completion ring. When
 * the record is there already, it does not ask the kernel.
 */
#include "drm_internal.h"

#include <errno.h>
#include <string.h>
#include <time.h>

/* The driver does not wait for the reader, hence twice what can be in flight. */
#define RING_ENTRIES (2 * DRM_QUEUE_DEPTH)

/* For RESUME, while the driver ends the last jobs. */
#define RESUME_TRIES	   2000
#define RESUME_INTERVAL_NS 500000

struct drm_job {
	struct drm_job *next;
	backend_done_fn done;
	void *ctx;
	uint64_t seq; /* 0: the driver did not take it, the queue had stopped */
	uint64_t point;
};

struct backend_queue {
	struct drm_dev *dev;
	uint32_t id, syncobj;
	struct drm_bo ring;
	pthread_t thread;
	pthread_mutex_t lock; /* of everything below */
	pthread_cond_t cond;
	struct drm_job *first, *last; /* handed over, in order */
	uint64_t points;
	bool cancelled; /* since the last RESUME */
	bool quit;
};

static const struct drm_intaglio_completion *record_of(struct backend_queue *q, uint64_t seq)
{
	const struct drm_intaglio_completion *ring = q->ring.p, *c = &ring[seq % RING_ENTRIES];

	return __atomic_load_n(&c->seq, __ATOMIC_ACQUIRE) == seq ? c : NULL;
}

static const char *const lost[] = {
	"the job took too long, the driver gave up this queue",
	"the device was unplugged",
	"the device stopped working",
};

static void translate(struct backend_queue *q, const struct drm_intaglio_completion *c,
		      struct backend_result *r)
{
	r->fault = c->fault;
	r->fault_addr = c->fault_addr;
	r->fault_index = c->fault_index;
	r->emitted = c->emitted;
	r->traced = c->traced;
	memcpy(r->counters, c->counters, sizeof(r->counters));
	switch (c->error) {
	case 0:
		return;
	case -EFAULT:
		r->error = ACCEL_EFAULT;
		return;
	case -ECANCELED:
		r->error = ACCEL_ECANCELED;
		return;
	default:
		r->error = env_fail(q->dev->env, ACCEL_EDEVICE, "%s: %s", q->dev->node,
				    lost[c->error == -ETIME    ? 0
					 : c->error == -ENODEV ? 1
							       : 2]);
	}
}

/* A job without a record: what the driver knows of the queue. */
static void ask(struct backend_queue *q, uint64_t seq, struct backend_result *r)
{
	struct drm_intaglio_queue_get_state s = { .queue_id = q->id };
	int err = DRM_CALL(q->dev, QUEUE_GET_STATE, &s);

	if (err) {
		r->error = drm_fail(q->dev, err, "state of the queue");
		if (r->error != ACCEL_EDEVICE)
			r->error = ACCEL_EDEVICE; /* nobody will ever know */
	} else if (seq && s.last.seq == seq) {
		translate(q, &s.last, r);
	} else if (s.state == DRM_INTAGLIO_QUEUE_BANNED) {
		r->error = env_fail(q->dev->env, ACCEL_EDEVICE, "%s: %s", q->dev->node, lost[0]);
	} else if (seq) {
		r->error = env_fail(q->dev->env, ACCEL_EDEVICE,
				    "%s: job %llu ended without a completion record", q->dev->node,
				    (unsigned long long)seq);
	} else {
		r->error = ACCEL_ECANCELED;
	}
}

static void settle(struct backend_queue *q, const struct drm_job *j, struct backend_result *r)
{
	const struct drm_intaglio_completion *c = NULL;

	memset(r, 0, sizeof(*r));
	if (j->seq) {
		c = record_of(q, j->seq);
		if (!c) {
			/* An error of the wait, as after unplug, does not unmake the record. */
			drm_count(q->dev, "SYNCOBJ_TIMELINE_WAIT",
				  drm_sys.syncobj_wait(q->dev->fd, q->syncobj, j->point));
			c = record_of(q, j->seq);
		}
	}
	if (c)
		translate(q, c, r);
	else
		ask(q, j->seq, r);
}

static void *completer(void *arg)
{
	struct backend_queue *q = arg;
	struct backend_result r;
	struct drm_job *j;

	pthread_mutex_lock(&q->lock);
	for (;;) {
		j = q->first;
		if (!j && q->quit)
			break;
		if (!j) {
			pthread_cond_wait(&q->cond, &q->lock);
			continue;
		}
		pthread_mutex_unlock(&q->lock);
		settle(q, j, &r);
		pthread_mutex_lock(&q->lock);
		q->first = j->next;
		if (!q->first)
			q->last = NULL;
		pthread_mutex_unlock(&q->lock);
		env_debug(q->dev->env, ENV_DEBUG_SUBMIT,
			  "queue %u: job %llu: %s, %u tokens, %llu cycles", q->id,
			  (unsigned long long)j->seq,
			  r.error == ACCEL_EFAULT ? accel_fault_name(r.fault)
						  : accel_error_string(r.error),
			  r.emitted, (unsigned long long)r.counters[IG1_CTR_CYCLES]);
		j->done(j->ctx, &r);
		env_free(q->dev->env, j);
		pthread_mutex_lock(&q->lock);
	}
	pthread_mutex_unlock(&q->lock);
	return NULL;
}

static int create(struct backend_queue *q, uint32_t vm_id, uint32_t priority)
{
	struct drm_intaglio_queue_create args = {
		.vm_id = vm_id,
		.priority = priority,
		.ring_handle = q->ring.handle,
		.ring_entries = RING_ENTRIES,
	};
	int err = DRM_CALL(q->dev, QUEUE_CREATE, &args);

	q->id = args.queue_id;
	if (err == -EACCES)
		return env_fail(q->dev->env, ACCEL_EPERM,
				"%s: priority %u needs CAP_SYS_NICE, others may use %u and lower "
				"ones",
				q->dev->node, priority, q->dev->chip.min_priority_user);
	return err ? drm_fail(q->dev, err, "queue") : 0;
}

static void destroy(struct backend_queue *q)
{
	struct drm_intaglio_queue_destroy args = { .queue_id = q->id };

	DRM_CALL(q->dev, QUEUE_DESTROY, &args);
}

int drm_queue_create(struct backend_space *space, uint32_t priority, struct backend_queue **out)
{
	struct drm_dev *dev = space->dev;
	struct backend_queue *q;
	int err;

	if (priority >= dev->chip.priorities)
		return env_fail(dev->env, ACCEL_ENOTSUP, "%s: priority %u, the device has %u",
				dev->node, priority, dev->chip.priorities);
	q = env_zalloc(dev->env, 1, sizeof(*q));
	if (!q)
		return ACCEL_ENOMEM;
	q->dev = dev;
	err = drm_bo_init(dev, RING_ENTRIES * sizeof(struct drm_intaglio_completion), 0, space->id,
			  &q->ring);
	if (err) {
		err = drm_fail(dev, err, "completion ring");
		goto free;
	}
	err = drm_count(dev, "SYNCOBJ_CREATE", drm_sys.syncobj_create(dev->fd, &q->syncobj));
	if (err) {
		err = drm_fail(dev, err, "timeline");
		goto ring;
	}
	err = create(q, space->id, priority);
	if (err)
		goto syncobj;
	err = ACCEL_ENOMEM;
	if (pthread_mutex_init(&q->lock, NULL))
		goto queue;
	if (pthread_cond_init(&q->cond, NULL))
		goto lock;
	err = pthread_create(&q->thread, NULL, completer, q);
	if (err) {
		err = env_fail_errno(dev->env, err, "cannot start the queue's thread");
		goto cond;
	}
	*out = q;
	return 0;
cond:
	pthread_cond_destroy(&q->cond);
lock:
	pthread_mutex_destroy(&q->lock);
queue:
	destroy(q);
syncobj:
	drm_count(dev, "SYNCOBJ_DESTROY", drm_sys.syncobj_destroy(dev->fd, q->syncobj));
ring:
	drm_bo_fini(dev, &q->ring);
free:
	env_free(dev->env, q);
	return err;
}

void drm_queue_destroy(struct backend_queue *q)
{
	struct drm_dev *dev = q->dev;

	pthread_mutex_lock(&q->lock);
	q->quit = true;
	pthread_cond_signal(&q->cond);
	pthread_mutex_unlock(&q->lock);
	pthread_join(q->thread, NULL);
	destroy(q);
	drm_count(dev, "SYNCOBJ_DESTROY", drm_sys.syncobj_destroy(dev->fd, q->syncobj));
	drm_bo_fini(dev, &q->ring);
	pthread_cond_destroy(&q->cond);
	pthread_mutex_destroy(&q->lock);
	env_free(dev->env, q);
}

static int exec(struct backend_queue *q, const struct backend_job *job, struct drm_job *j)
{
	struct drm_intaglio_sync sync = {
		.flags = DRM_INTAGLIO_SYNC_TIMELINE | DRM_INTAGLIO_SYNC_SIGNAL,
		.handle = q->syncobj,
		.point = q->points + 1,
	};
	struct drm_intaglio_job one = {
		.prog_va = job->prog_va,
		.prog_len = job->prog_len,
		.nargs = job->nargs,
		.emit_va = job->emit_va,
		.trace_va = job->trace_va,
		.emit_entries = job->emit_entries,
		.trace_entries = job->trace_entries,
		.watchdog = job->watchdog,
		.syncs = { .stride = sizeof(sync), .count = 1, .array = (uintptr_t)&sync },
	};
	struct drm_intaglio_exec args = {
		.queue_id = q->id,
		.jobs = { .stride = sizeof(one), .count = 1, .array = (uintptr_t)&one },
	};
	int err;

	memcpy(one.args, job->args, sizeof(one.args));
	err = DRM_CALL(q->dev, EXEC, &args);
	if (!err) {
		j->seq = one.seq;
		j->point = ++q->points;
	}
	return err;
}

int drm_queue_submit(struct backend_queue *q, const struct backend_job *job, backend_done_fn done,
		     void *ctx)
{
	struct drm_job *j = env_zalloc(q->dev->env, 1, sizeof(*j));
	int err;

	if (!j)
		return ACCEL_ENOMEM;
	j->done = done;
	j->ctx = ctx;
	env_debug(q->dev->env, ENV_DEBUG_SUBMIT, "queue %u: program %#llx of %u commands", q->id,
		  (unsigned long long)job->prog_va, job->prog_len);
	pthread_mutex_lock(&q->lock);
	err = exec(q, job, j);
	/* An earlier job failed and nobody has been told yet: this one waits its turn to be
	 * told. */
	if (err == -ECANCELED)
		err = 0;
	if (!err) {
		if (q->last)
			q->last->next = j;
		else
			q->first = j;
		q->last = j;
		pthread_cond_signal(&q->cond);
	}
	pthread_mutex_unlock(&q->lock);
	if (err) {
		env_free(q->dev->env, j);
		return drm_fail(q->dev, err, "job");
	}
	return 0;
}

static int control(struct backend_queue *q, uint32_t op)
{
	struct drm_intaglio_queue_control args = { .queue_id = q->id, .op = op };

	return DRM_CALL(q->dev, QUEUE_CONTROL, &args);
}

int drm_queue_cancel(struct backend_queue *q)
{
	int err = 0;

	pthread_mutex_lock(&q->lock);
	/* Callers repeat it until the jobs have ended; the driver does not forget. */
	if (!q->cancelled)
		err = control(q, DRM_INTAGLIO_QUEUE_CANCEL);
	q->cancelled |= !err;
	pthread_mutex_unlock(&q->lock);
	/* A queue that is banned or gone has ended its jobs. */
	return err && err != -ECANCELED && err != -ENODEV ? drm_fail(q->dev, err, "cancellation")
							  : 0;
}

int drm_queue_resume(struct backend_queue *q)
{
	struct timespec t = { .tv_nsec = RESUME_INTERVAL_NS };
	int err, tries;

	for (tries = 0;; tries++) {
		pthread_mutex_lock(&q->lock);
		err = control(q, DRM_INTAGLIO_QUEUE_RESUME);
		if (!err)
			q->cancelled = false;
		pthread_mutex_unlock(&q->lock);
		if (err != -EBUSY || tries == RESUME_TRIES)
			break;
		nanosleep(&t, NULL);
	}
	if (err == -ECANCELED)
		return env_fail(q->dev->env, ACCEL_EDEVICE, "%s: %s", q->dev->node, lost[0]);
	if (err == -EBUSY)
		return env_fail(q->dev->env, ACCEL_EDEVICE, "%s: jobs do not end", q->dev->node);
	return err ? drm_fail(q->dev, err, "queue") : 0;
}
