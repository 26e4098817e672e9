// SPDX-License-Identifier: MIT
/* Fences: the end of one job. */
#include "internal.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

int cond_init_monotonic(pthread_cond_t *cond)
{
	pthread_condattr_t attr;
	int err;

	if (pthread_condattr_init(&attr))
		return ACCEL_ENOMEM;
	err = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	if (!err)
		err = pthread_cond_init(cond, &attr);
	pthread_condattr_destroy(&attr);
	return err ? ACCEL_ENOMEM : 0;
}

int fence_create(struct accel_queue *queue, struct accel_fence **out)
{
	struct accel_device *dev = queue->space->dev;
	struct accel_fence *f = env_zalloc(&dev->env, 1, sizeof(*f));

	if (!f)
		return ACCEL_ENOMEM;
	if (cond_init_monotonic(&f->cond)) {
		env_free(&dev->env, f);
		return ACCEL_ENOMEM;
	}
	pthread_mutex_init(&f->lock, NULL);
	atomic_init(&f->refs, 1);
	f->dev = accel_device_ref(dev);
	f->queue = queue;
	f->event = -1;
	*out = f;
	return 0;
}

struct accel_fence *accel_fence_ref(struct accel_fence *f)
{
	if (f)
		atomic_fetch_add(&f->refs, 1);
	return f;
}

void accel_fence_unref(struct accel_fence *f)
{
	struct accel_device *dev;

	if (!f || atomic_fetch_sub(&f->refs, 1) != 1)
		return;
	dev = f->dev;
	if (f->event >= 0)
		close(f->event);
	pthread_cond_destroy(&f->cond);
	pthread_mutex_destroy(&f->lock);
	env_free(&dev->env, f);
	accel_device_unref(dev);
}

uint64_t accel_fence_value(const struct accel_fence *f)
{
	return f ? f->value : 0;
}

static void raise_event(int fd)
{
	uint64_t one = 1;
	ssize_t n;

	do {
		n = write(fd, &one, sizeof(one));
	} while (n < 0 && errno == EINTR);
}

void fence_complete(struct accel_fence *f, int status, const struct backend_result *result,
		    const struct accel_fault *fault)
{
	pthread_mutex_lock(&f->lock);
	f->status = status;
	if (result)
		f->result = *result;
	if (fault)
		f->fault = *fault;
	f->done = true;
	if (f->event >= 0)
		raise_event(f->event);
	pthread_cond_broadcast(&f->cond);
	pthread_mutex_unlock(&f->lock);
}

int accel_fence_wait(struct accel_fence *f, int64_t deadline)
{
	struct timespec t;
	int err = 0, status;

	if (!f)
		return ACCEL_EARG;
	if (deadline < 0)
		deadline = 0;
	t.tv_sec = deadline / 1000000000;
	t.tv_nsec = deadline % 1000000000;
	pthread_mutex_lock(&f->lock);
	while (!f->done && err != ETIMEDOUT) {
		if (deadline == ACCEL_FOREVER)
			pthread_cond_wait(&f->cond, &f->lock);
		else
			err = pthread_cond_timedwait(&f->cond, &f->lock, &t);
	}
	status = f->done ? f->status : ACCEL_ETIMEOUT;
	pthread_mutex_unlock(&f->lock);
	return status;
}

int accel_fence_fd(struct accel_fence *f, int *fd)
{
	int err = 0;

	if (!f || !fd)
		return ACCEL_EARG;
	*fd = -1;
	pthread_mutex_lock(&f->lock);
	if (f->event < 0) {
		f->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (f->event >= 0 && f->done)
			raise_event(f->event);
	}
	if (f->event >= 0)
		*fd = dup(f->event);
	if (*fd < 0)
		err = errno;
	pthread_mutex_unlock(&f->lock);
	return err ? env_fail_errno(&f->dev->env, err, "eventfd of a fence") : 0;
}

static int ended(struct accel_fence *f)
{
	bool done;

	pthread_mutex_lock(&f->lock);
	done = f->done;
	pthread_mutex_unlock(&f->lock);
	return done ? 0 : env_fail(&f->dev->env, ACCEL_ESTATE, "the job has not ended");
}

int accel_fence_fault(struct accel_fence *f, struct accel_fault *fault)
{
	int err;

	if (!f || !fault)
		return ACCEL_EARG;
	memset(fault, 0, sizeof(*fault));
	err = ended(f);
	if (!err)
		*fault = f->fault;
	return err;
}

int accel_fence_counters(struct accel_fence *f, uint64_t *counters, size_t n, uint32_t *emitted,
			 uint32_t *traced)
{
	int err;

	if (!f || (n && !counters) || n > IG1_CTR_COUNT)
		return ACCEL_EARG;
	err = ended(f);
	if (err)
		return err;
	memcpy(counters ? counters : &(uint64_t){ 0 }, f->result.counters,
	       n * sizeof(f->result.counters[0]));
	if (emitted)
		*emitted = f->result.emitted;
	if (traced)
		*traced = f->result.traced;
	return 0;
}
