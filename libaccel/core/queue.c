// SPDX-License-Identifier: MIT
/* Queues: timelines, order, poison. */
#include "internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

int accel_queue_create(struct accel_space *space, uint32_t priority, struct accel_queue **out)
{
	struct accel_device *dev;
	struct accel_queue *q;
	int err;

	if (!space || !out)
		return ACCEL_EARG;
	*out = NULL;
	dev = space->dev;
	if (priority >= IG1_PRIORITIES)
		return env_fail(&dev->env, ACCEL_EARG, "queue: priority %u, the lowest is %u",
				priority, IG1_PRIORITIES - 1);
	q = env_zalloc(&dev->env, 1, sizeof(*q));
	if (!q)
		return ACCEL_ENOMEM;
	err = cond_init_monotonic(&q->idle);
	if (err)
		goto free;
	err = dev->ops->queue_create(space->b, priority, &q->b);
	if (err)
		goto cond;
	pthread_mutex_init(&q->lock, NULL);
	atomic_init(&q->refs, 1);
	q->space = accel_space_ref(space);
	*out = q;
	return 0;
cond:
	pthread_cond_destroy(&q->idle);
free:
	env_free(&dev->env, q);
	return err;
}

struct accel_queue *accel_queue_ref(struct accel_queue *q)
{
	if (q)
		atomic_fetch_add(&q->refs, 1);
	return q;
}

static bool busy(const struct accel_queue *q)
{
	return q->in_flight || q->waiting || q->completing;
}

/* Ends fences that were taken off the queue. Lock held, dropped meanwhile. */
static void end_all(struct accel_queue *q, struct accel_fence *list, int status)
{
	struct accel_fault fault = q->fault;
	struct accel_fence *f;

	q->completing++;
	pthread_mutex_unlock(&q->lock);
	while ((f = list)) {
		list = f->next;
		f->next = NULL;
		fence_complete(f, status, NULL, &fault);
		accel_fence_unref(f);
	}
	pthread_mutex_lock(&q->lock);
	q->completing--;
}

static void job_done(void *ctx, const struct backend_result *result);

/* After a failure or cancellation, once the jobs handed over have ended. Lock held. */
static int resume(struct accel_queue *q)
{
	const struct backend_ops *ops = q->space->dev->ops;
	int err = q->stopped && ops->resume ? ops->resume(q->b) : 0;

	if (!err)
		q->stopped = false;
	return err;
}

/* Hands jobs over while the back end takes them. Lock held. */
static void hand_over(struct accel_queue *q)
{
	const struct backend_ops *ops = q->space->dev->ops;
	struct accel_fence *f, *list;
	int err;

	while (q->waiting && q->in_flight < ops->queue_depth && !q->poison) {
		if (q->stopped && q->in_flight)
			return;
		f = q->waiting;
		q->waiting = f->next;
		f->next = NULL;
		q->in_flight++;
		err = resume(q);
		if (!err)
			err = ops->submit(q->b, &f->job, job_done, f);
		if (!err)
			continue;
		q->in_flight--;
		q->poison = err;
		memset(&q->fault, 0, sizeof(q->fault));
		f->next = q->waiting;
		list = f;
		q->waiting = NULL;
		end_all(q, list, err);
	}
}

/* Called by the back end's thread. */
static void job_done(void *ctx, const struct backend_result *result)
{
	struct accel_fence *f = ctx, *list = NULL;
	struct accel_queue *q = f->queue;
	struct accel_fault fault = { 0 };
	int status = result->error;

	if (status == ACCEL_EFAULT || (status == ACCEL_ECANCELED && result->fault)) {
		fault.code = result->fault;
		fault.index = result->fault_index;
		fault.address = result->fault_addr;
		fault.value = f->value;
	}
	device_account(f->dev, result);
	pthread_mutex_lock(&q->lock);
	q->in_flight--;
	q->completing++;
	q->stopped |= status != 0;
	if (status && f->value <= q->cancelled) {
		status = ACCEL_ECANCELED;
	} else if (status == ACCEL_ECANCELED && q->poison) {
		/* Handed over before the job that failed was known to. */
		fault = q->fault;
	} else if (status && !q->poison) {
		q->poison = status;
		q->fault = fault;
		list = q->waiting;
		q->waiting = NULL;
	}
	pthread_mutex_unlock(&q->lock);
	fence_complete(f, status, result, &fault);
	accel_fence_unref(f);
	pthread_mutex_lock(&q->lock);
	q->completing--;
	if (list)
		end_all(q, list, ACCEL_ECANCELED);
	hand_over(q);
	if (!busy(q))
		pthread_cond_broadcast(&q->idle);
	pthread_mutex_unlock(&q->lock);
}

static void wait_idle(struct accel_queue *q, bool cancel)
{
	struct accel_device *dev = q->space->dev;
	struct timespec t;

	pthread_mutex_lock(&q->lock);
	while (busy(q)) {
		if (!cancel) {
			pthread_cond_wait(&q->idle, &q->lock);
			continue;
		}
		/* Again and again: a cancellation that comes just before the start is lost. */
		pthread_mutex_unlock(&q->lock);
		dev->ops->cancel(q->b);
		clock_gettime(CLOCK_MONOTONIC, &t);
		t.tv_nsec += 5000000;
		if (t.tv_nsec >= 1000000000) {
			t.tv_nsec -= 1000000000;
			t.tv_sec++;
		}
		pthread_mutex_lock(&q->lock);
		if (busy(q))
			pthread_cond_timedwait(&q->idle, &q->lock, &t);
	}
	pthread_mutex_unlock(&q->lock);
}

/* Lock held, dropped meanwhile. */
static void cancel_waiting(struct accel_queue *q)
{
	struct accel_fence *list = q->waiting;

	q->waiting = NULL;
	q->cancelled = q->value;
	end_all(q, list, ACCEL_ECANCELED);
}

int accel_queue_cancel(struct accel_queue *q)
{
	if (!q)
		return ACCEL_EARG;
	pthread_mutex_lock(&q->lock);
	q->stopped = true;
	cancel_waiting(q);
	pthread_mutex_unlock(&q->lock);
	return q->space->dev->ops->cancel(q->b);
}

int accel_queue_reset(struct accel_queue *q)
{
	int err;

	if (!q)
		return ACCEL_EARG;
	wait_idle(q, false);
	pthread_mutex_lock(&q->lock);
	err = resume(q);
	if (!err) {
		q->poison = 0;
		memset(&q->fault, 0, sizeof(q->fault));
	}
	pthread_mutex_unlock(&q->lock);
	return err;
}

void accel_queue_unref(struct accel_queue *q)
{
	struct accel_device *dev;
	struct accel_space *space;

	if (!q || atomic_fetch_sub(&q->refs, 1) != 1)
		return;
	space = q->space;
	dev = space->dev;
	pthread_mutex_lock(&q->lock);
	cancel_waiting(q);
	pthread_mutex_unlock(&q->lock);
	wait_idle(q, true);
	dev->ops->queue_destroy(q->b);
	pthread_mutex_destroy(&q->lock);
	pthread_cond_destroy(&q->idle);
	env_free(&dev->env, q);
	accel_space_unref(space);
}

static int check_job(struct accel_env *env, const struct accel_job *job)
{
	uint32_t i;

	if (!job->prog || job->prog % IG1_COMMAND_BYTES)
		return env_fail(env, ACCEL_EARG, "job.prog: %#" PRIx64, job->prog);
	if (!job->commands || job->commands > IG1_MAX_COUNT)
		return env_fail(env, ACCEL_EARG, "job.commands: %u", job->commands);
	if (job->nargs > ACCEL_JOB_ARGS)
		return env_fail(env, ACCEL_EARG, "job.nargs: %u", job->nargs);
	for (i = job->nargs; i < ACCEL_JOB_ARGS; i++) {
		if (job->args[i])
			return env_fail(env, ACCEL_EARG, "job.args[%u] is set, nargs is %u", i,
					job->nargs);
	}
	if (job->emit % sizeof(struct ig1_token) || (job->emit_entries && !job->emit))
		return env_fail(env, ACCEL_EARG, "job.emit: %#" PRIx64, job->emit);
	if (job->trace % sizeof(struct ig1_trace) || (job->trace_entries && !job->trace))
		return env_fail(env, ACCEL_EARG, "job.trace: %#" PRIx64, job->trace);
	return 0;
}

static void dump_job(struct accel_queue *q, struct accel_fence *f)
{
	struct accel_env *env = &f->dev->env;
	const struct backend_job *j = &f->job;
	char text[1024], name[32];
	uint64_t bytes, want;
	const void *p;
	uint32_t i;
	int n;

	f->dump = env_dump_serial(env);
	n = snprintf(text, sizeof(text),
		     "value %" PRIu64 "\nprog %#" PRIx64 "\ncommands %u\nemit %#" PRIx64
		     "\nemit_entries %u\ntrace %#" PRIx64 "\ntrace_entries %u\nwatchdog %" PRIu64
		     "\n",
		     f->value, j->prog_va, j->prog_len, j->emit_va, j->emit_entries, j->trace_va,
		     j->trace_entries, j->watchdog);
	for (i = 0; i < j->nargs; i++)
		n += snprintf(text + n, sizeof(text) - (size_t)n, "R%u %#" PRIx64 "\n", i + 1,
			      j->args[i]);
	env_dump(env, f->dump, "job.txt", text, (size_t)n);
	p = space_peek(q->space, j->prog_va, &bytes);
	want = (uint64_t)j->prog_len * IG1_COMMAND_BYTES;
	if (p)
		env_dump(env, f->dump, "program.bin", p, bytes < want ? bytes : want);
	for (i = 0; i < j->nargs; i++) {
		p = space_peek(q->space, j->args[i], &bytes);
		if (!p)
			continue;
		snprintf(name, sizeof(name), "r%u.bin", i + 1);
		env_dump(env, f->dump, name, p, bytes);
	}
}

int accel_queue_submit(struct accel_queue *q, const struct accel_job *user,
		       struct accel_fence **out)
{
	struct accel_device *dev;
	struct accel_fence *f, **p;
	struct accel_job job;
	int err;

	if (out)
		*out = NULL;
	if (!q || !user)
		return ACCEL_EARG;
	dev = q->space->dev;
	err = env_options(&dev->env, &job, sizeof(job), user, "accel_job");
	if (!err)
		err = check_job(&dev->env, &job);
	if (err)
		return err;
	err = fence_create(q, &f);
	if (err)
		return err;
	f->job = (struct backend_job){
		.prog_va = job.prog,
		.prog_len = job.commands,
		.nargs = job.nargs,
		.emit_va = job.emit,
		.emit_entries = job.emit_entries,
		.trace_va = job.trace,
		.trace_entries = job.trace_entries,
		.watchdog = job.watchdog,
	};
	memcpy(f->job.args, job.args, sizeof(job.args));
	pthread_mutex_lock(&q->lock);
	if (q->poison) {
		pthread_mutex_unlock(&q->lock);
		accel_fence_unref(f);
		return env_fail(&dev->env, ACCEL_ESTATE,
				"an earlier job of the queue failed; reset it first");
	}
	f->value = ++q->value;
	if (dev->env.debug & ENV_DEBUG_DUMP)
		dump_job(q, f);
	if (out)
		*out = accel_fence_ref(f);
	for (p = &q->waiting; *p; p = &(*p)->next)
		;
	*p = f;
	hand_over(q);
	pthread_mutex_unlock(&q->lock);
	return 0;
}
