// SPDX-License-Identifier: MIT
/* Driver for chips in this process: memory, contexts, scheduling. */
#include "soft.h"

#include <inttypes.h>
#include <string.h>

/* An SRAM buffer is a list of runs, since resident pages need not be consecutive. */
struct run {
	uint64_t first, n; /* pages */
};

struct backend_bo {
	struct soft_dev *dev;
	uint64_t bytes;
	bool sram;
	uint64_t bus; /* host memory */
	struct run *runs;
	size_t n_runs;
	/* of the retired list */
	uint64_t stamp;
	struct backend_bo *next;
};

struct backend_space {
	struct soft_dev *dev;
	struct vm vm;
	uint32_t context;
	uint32_t in_flight; /* jobs with the chip */
};

struct soft_job {
	struct ig1_job job;
	struct backend_queue *queue;
	backend_done_fn done;
	void *ctx;
	bool started, cancel;
	struct soft_job *next;
};

struct backend_queue {
	struct backend_space *space;
	uint32_t priority;
};

struct soft_dev {
	struct accel_env *env;
	struct hostmem mem;
	const struct soft_chip_ops *ops;
	void *chip;
	const void *fdt;
	size_t fdt_bytes;
	bool worker, stop, lost;
	pthread_t thread;

	pthread_mutex_t lock; /* of everything below, the page tables, and queues' jobs */
	pthread_cond_t work;
	struct pages sram;
	uint64_t *contexts; /* bit set: in use */
	uint32_t context_hint;
	uint64_t job_id;
	struct soft_job *waiting[IG1_PRIORITIES]; /* in order of submission */
	struct soft_job *running;		  /* with the chip, in order of job_id */
	struct backend_bo *retired;
};

static struct soft_dev *soft(struct backend_dev *dev)
{
	return (struct soft_dev *)dev;
}

void *soft_chip(struct backend_dev *dev)
{
	return soft(dev)->chip;
}

struct hostmem *soft_hostmem(struct soft_dev *dev)
{
	return &dev->mem;
}

/* --- memory ---------------------------------------------------------------------------------- */

static void bo_release(struct backend_bo *bo)
{
	struct soft_dev *dev = bo->dev;
	size_t i;

	if (!bo->sram) {
		hostmem_free(&dev->mem, bo->bus, bo->bytes);
	} else {
		for (i = 0; i < bo->n_runs; i++)
			pages_give(&dev->sram, bo->runs[i].first, bo->runs[i].n);
	}
	env_free(dev->env, bo->runs);
	env_free(dev->env, bo);
}

/* Buffers destroyed while jobs ran are released when those jobs are done. Lock held. */
static void reap(struct soft_dev *dev)
{
	uint64_t oldest = dev->running ? dev->running->job.job_id : UINT64_MAX;
	struct backend_bo **p = &dev->retired, *bo;

	while (*p) {
		bo = *p;
		if (bo->stamp < oldest) {
			*p = bo->next;
			bo_release(bo);
		} else {
			p = &bo->next;
		}
	}
}

static int sram_take(struct soft_dev *dev, struct backend_bo *bo)
{
	uint64_t left = bo->bytes / IG1_PAGE_BYTES, n = left, first;
	struct run *runs;

	if (left > dev->sram.free)
		return ACCEL_ENOSPACE;
	/* One run if possible, else the largest power of two that fits, and so on. */
	while (left) {
		n = n > left ? left : n;
		if (pages_take_run(&dev->sram, n, &first)) {
			n = (n + 1) / 2;
			continue;
		}
		runs = env_realloc(dev->env, bo->runs, bo->n_runs + 1, sizeof(*runs));
		if (!runs) {
			pages_give(&dev->sram, first, n);
			return ACCEL_ENOMEM;
		}
		bo->runs = runs;
		runs[bo->n_runs++] = (struct run){ first, n };
		left -= n;
	}
	return 0;
}

int soft_bo_create(struct backend_dev *bdev, struct backend_space *space, uint64_t bytes,
		   uint32_t flags, struct backend_bo **out)
{
	struct soft_dev *dev = soft(bdev);
	struct backend_bo *bo;
	size_t i;
	int err;

	(void)space;
	bo = env_zalloc(dev->env, 1, sizeof(*bo));
	if (!bo)
		return ACCEL_ENOMEM;
	bo->dev = dev;
	bo->bytes = bytes;
	bo->sram = flags & BACKEND_BO_RESIDENT;
	if (!bo->sram) {
		err = hostmem_alloc(&dev->mem, bytes, &bo->bus);
		if (err)
			goto free;
	} else {
		pthread_mutex_lock(&dev->lock);
		err = sram_take(dev, bo);
		pthread_mutex_unlock(&dev->lock);
		for (i = 0; !err && i < bo->n_runs; i++)
			err = dev->ops->sram_zero(dev->chip, bo->runs[i].first, bo->runs[i].n);
		if (err) {
			pthread_mutex_lock(&dev->lock);
			bo_release(bo);
			pthread_mutex_unlock(&dev->lock);
			return err;
		}
	}
	env_debug(dev->env, ENV_DEBUG_BO, "bo %p: %" PRIu64 " bytes of %s", (void *)bo, bytes,
		  bo->sram ? "SRAM" : "host memory");
	*out = bo;
	return 0;
free:
	env_free(dev->env, bo);
	return err;
}

void soft_bo_destroy(struct backend_bo *bo)
{
	struct soft_dev *dev = bo->dev;

	env_debug(dev->env, ENV_DEBUG_BO, "bo %p: gone", (void *)bo);
	pthread_mutex_lock(&dev->lock);
	bo->stamp = dev->job_id;
	bo->next = dev->retired;
	dev->retired = bo;
	reap(dev);
	pthread_mutex_unlock(&dev->lock);
}

void *soft_bo_ptr(struct backend_bo *bo)
{
	return bo->sram ? NULL : hostmem_ptr(&bo->dev->mem, bo->bus, bo->bytes);
}

static uint64_t bo_target(const struct backend_bo *bo, uint64_t offset)
{
	uint64_t page = offset / IG1_PAGE_BYTES;
	size_t i;

	if (!bo->sram)
		return bo->bus + offset;
	for (i = 0; page >= bo->runs[i].n; i++)
		page -= bo->runs[i].n;
	return (bo->runs[i].first + page) * IG1_PAGE_BYTES;
}

int soft_bind(struct backend_space *space, uint64_t va, struct backend_bo *bo, uint64_t offset,
	      uint64_t bytes, uint32_t flags)
{
	struct soft_dev *dev = space->dev;
	uint64_t i;
	int err = 0;

	env_debug(dev->env, ENV_DEBUG_BO,
		  "context %u: bind %#" PRIx64 "+%#" PRIx64 " to bo %p+%#" PRIx64 "%s",
		  space->context, va, bytes, (void *)bo, offset,
		  flags & BACKEND_MAP_WRITE ? "" : " read-only");
	pthread_mutex_lock(&dev->lock);
	for (i = 0; i < bytes && !err; i += IG1_PAGE_BYTES)
		err = vm_map(&space->vm, va + i, bo_target(bo, offset + i), bo->sram,
			     flags & BACKEND_MAP_WRITE);
	if (err) {
		for (i = 0; i < bytes; i += IG1_PAGE_BYTES)
			vm_unmap(&space->vm, va + i);
	}
	pthread_mutex_unlock(&dev->lock);
	return err;
}

int soft_unbind(struct backend_space *space, uint64_t va, uint64_t bytes)
{
	struct soft_dev *dev = space->dev;
	uint64_t i;

	env_debug(dev->env, ENV_DEBUG_BO, "context %u: unbind %#" PRIx64 "+%#" PRIx64,
		  space->context, va, bytes);
	pthread_mutex_lock(&dev->lock);
	for (i = 0; i < bytes; i += IG1_PAGE_BYTES)
		vm_unmap(&space->vm, va + i);
	pthread_mutex_unlock(&dev->lock);
	return 0;
}

/* --- contexts ---------------------------------------------------------------------------------- */

int soft_space_create(struct backend_dev *bdev, struct backend_space **out)
{
	struct soft_dev *dev = soft(bdev);
	struct backend_space *space;
	uint32_t i, c = 0;
	int err;

	space = env_zalloc(dev->env, 1, sizeof(*space));
	if (!space)
		return ACCEL_ENOMEM;
	space->dev = dev;
	err = vm_init(&space->vm, &dev->mem);
	if (err) {
		env_fail(dev->env, err, "simulated host memory is full (page table)");
		goto free;
	}
	pthread_mutex_lock(&dev->lock);
	for (i = 0; i < SOFT_CONTEXTS; i++) {
		/* Round robin: a number is not used again soon. */
		c = (dev->context_hint + i) % SOFT_CONTEXTS;
		if (!(dev->contexts[c / 64] >> (c % 64) & 1))
			break;
	}
	if (i < SOFT_CONTEXTS) {
		dev->contexts[c / 64] |= UINT64_C(1) << (c % 64);
		dev->context_hint = c + 1;
	}
	pthread_mutex_unlock(&dev->lock);
	if (i == SOFT_CONTEXTS) {
		err = env_fail(dev->env, ACCEL_ENOSPACE, "all %u contexts are in use",
			       SOFT_CONTEXTS);
		goto vm;
	}
	space->context = c;
	*out = space;
	return 0;
vm:
	vm_fini(&space->vm);
free:
	env_free(dev->env, space);
	return err;
}

void soft_space_destroy(struct backend_space *space)
{
	struct soft_dev *dev = space->dev;
	uint32_t c = space->context;

	vm_fini(&space->vm);
	pthread_mutex_lock(&dev->lock);
	dev->contexts[c / 64] &= ~(UINT64_C(1) << (c % 64));
	pthread_mutex_unlock(&dev->lock);
	env_free(dev->env, space);
}

/* --- jobs -------------------------------------------------------------------------------------- */

int soft_queue_create(struct backend_space *space, uint32_t priority, struct backend_queue **out)
{
	struct backend_queue *q = env_zalloc(space->dev->env, 1, sizeof(*q));

	if (!q)
		return ACCEL_ENOMEM;
	q->space = space;
	q->priority = priority;
	*out = q;
	return 0;
}

void soft_queue_destroy(struct backend_queue *queue)
{
	env_free(queue->space->dev->env, queue);
}

int soft_submit(struct backend_queue *queue, const struct backend_job *job, backend_done_fn done,
		void *ctx)
{
	struct soft_dev *dev = queue->space->dev;
	struct soft_job *j, **p;

	j = env_zalloc(dev->env, 1, sizeof(*j));
	if (!j)
		return ACCEL_ENOMEM;
	j->queue = queue;
	j->done = done;
	j->ctx = ctx;
	j->job.magic = IG1_JOB_MAGIC;
	j->job.context = queue->space->context;
	j->job.nargs = job->nargs;
	j->job.pt_root = queue->space->vm.root;
	j->job.prog_va = job->prog_va;
	j->job.prog_len = job->prog_len;
	j->job.emit_entries = job->emit_entries;
	j->job.emit_va = job->emit_va;
	j->job.trace_va = job->trace_va;
	j->job.trace_entries = job->trace_entries;
	j->job.watchdog = job->watchdog;
	memcpy(j->job.args, job->args, sizeof(j->job.args));
	pthread_mutex_lock(&dev->lock);
	if (dev->lost) {
		pthread_mutex_unlock(&dev->lock);
		env_free(dev->env, j);
		return env_fail(dev->env, ACCEL_EDEVICE, "the device is lost");
	}
	for (p = &dev->waiting[queue->priority]; *p; p = &(*p)->next)
		;
	*p = j;
	pthread_cond_signal(&dev->work);
	pthread_mutex_unlock(&dev->lock);
	return 0;
}

int soft_cancel(struct backend_queue *queue)
{
	struct soft_dev *dev = queue->space->dev;
	struct soft_job *j;
	struct ig1_job running;
	bool found = false;

	pthread_mutex_lock(&dev->lock);
	for (j = dev->waiting[queue->priority]; j; j = j->next)
		j->cancel |= j->queue == queue;
	for (j = dev->running; j; j = j->next) {
		if (j->queue == queue) {
			j->cancel = true;
			running = j->job;
			found = true;
		}
	}
	pthread_cond_signal(&dev->work);
	pthread_mutex_unlock(&dev->lock);
	if (found)
		dev->ops->abort(dev->chip, &running);
	return 0;
}

/* Lock held; it is dropped around the callback. */
static void finish(struct soft_dev *dev, struct soft_job *j, const struct backend_result *r)
{
	env_debug(dev->env, ENV_DEBUG_SUBMIT,
		  "job %" PRIu64 ": %s %s, %u tokens, %" PRIu64 " cycles", j->job.job_id,
		  r->error ? "fault" : "done",
		  r->error == ACCEL_EFAULT ? accel_fault_name(r->fault) : "", r->emitted,
		  r->counters[IG1_CTR_CYCLES]);
	pthread_mutex_unlock(&dev->lock);
	j->done(j->ctx, r);
	env_free(dev->env, j);
	pthread_mutex_lock(&dev->lock);
}

static struct soft_job *take_cancelled(struct soft_dev *dev)
{
	struct soft_job **p, *j;
	int prio;

	for (prio = 0; prio < (int)IG1_PRIORITIES; prio++) {
		for (p = &dev->waiting[prio]; *p; p = &(*p)->next) {
			j = *p;
			if (!j->cancel)
				continue;
			*p = j->next;
			return j;
		}
	}
	return NULL;
}

/* Hands over what the chip takes. */
static void dispatch(struct soft_dev *dev)
{
	struct soft_job **p, **tail, *j;
	int prio;

	for (prio = 0; prio < (int)IG1_PRIORITIES; prio++) {
		for (p = &dev->waiting[prio]; *p;) {
			j = *p;
			if (j->queue->space->in_flight) {
				p = &j->next;
				continue;
			}
			j->job.job_id = dev->job_id + 1;
			if (dev->ops->start(dev->chip, (uint32_t)prio, &j->job))
				return;
			dev->job_id++;
			env_debug(dev->env, ENV_DEBUG_SUBMIT,
				  "job %" PRIu64 ": context %u, priority %d, program %#" PRIx64
				  " of %u commands",
				  j->job.job_id, j->job.context, prio, j->job.prog_va,
				  j->job.prog_len);
			j->queue->space->in_flight++;
			*p = j->next;
			j->next = NULL;
			for (tail = &dev->running; *tail; tail = &(*tail)->next)
				;
			*tail = j;
		}
	}
}

static void complete(struct soft_dev *dev, const struct ig1_completion *done)
{
	struct backend_result r = { 0 };
	struct soft_job **p, *j;

	for (p = &dev->running; *p && (*p)->job.job_id != done->job_id; p = &(*p)->next)
		;
	j = *p;
	if (!j) {
		env_log(dev->env, ACCEL_LOG_WARNING, "completion of unknown job %" PRIu64,
			done->job_id);
		return;
	}
	*p = j->next;
	j->queue->space->in_flight--;
	r.error = done->status ? ACCEL_EFAULT : 0;
	r.fault = done->fault;
	r.fault_addr = done->fault_addr;
	r.fault_index = done->fault_index;
	r.emitted = done->emitted;
	r.traced = done->traced;
	memcpy(r.counters, done->counters, sizeof(r.counters));
	reap(dev);
	finish(dev, j, &r);
}

/* A chip may have missed it: the job had not begun. */
static void abort_again(struct soft_dev *dev)
{
	struct ig1_job job;
	struct soft_job *j;

	for (j = dev->running; j && !j->cancel; j = j->next)
		;
	if (!j)
		return;
	job = j->job;
	pthread_mutex_unlock(&dev->lock);
	dev->ops->abort(dev->chip, &job);
	pthread_mutex_lock(&dev->lock);
}

static void lose(struct soft_dev *dev)
{
	struct backend_result r = { .error = ACCEL_EDEVICE };
	struct soft_job *j;
	int prio;

	if (!dev->lost)
		env_fail(dev->env, ACCEL_EDEVICE, "the device stopped working");
	dev->lost = true;
	while (dev->running) {
		j = dev->running;
		dev->running = j->next;
		j->queue->space->in_flight--;
		finish(dev, j, &r);
	}
	for (prio = 0; prio < (int)IG1_PRIORITIES; prio++) {
		while (dev->waiting[prio]) {
			j = dev->waiting[prio];
			dev->waiting[prio] = j->next;
			finish(dev, j, &r);
		}
	}
	reap(dev);
}

static void *worker(void *arg)
{
	struct backend_result aborted = { .error = ACCEL_EFAULT, .fault = IG1_FAULT_ABORT };
	struct soft_dev *dev = arg;
	struct ig1_completion done;
	struct soft_job *j;
	int r;

	pthread_mutex_lock(&dev->lock);
	for (;;) {
		while ((j = take_cancelled(dev)))
			finish(dev, j, &aborted);
		if (!dev->lost)
			dispatch(dev);
		if (!dev->running) {
			if (dev->stop)
				break;
			pthread_cond_wait(&dev->work, &dev->lock);
			continue;
		}
		pthread_mutex_unlock(&dev->lock);
		memset(&done, 0, sizeof(done));
		r = dev->ops->advance(dev->chip, &done);
		pthread_mutex_lock(&dev->lock);
		if (r > 0)
			complete(dev, &done);
		else if (r < 0)
			lose(dev);
		else
			abort_again(dev);
	}
	pthread_mutex_unlock(&dev->lock);
	return NULL;
}

/* --- devices ------------------------------------------------------------------------------------- */

int soft_create(struct accel_env *env, uint64_t host_bytes, struct soft_dev **out)
{
	struct soft_dev *dev;
	int err;

	dev = env_zalloc(env, 1, sizeof(*dev));
	if (!dev)
		return ACCEL_ENOMEM;
	dev->env = env;
	err = ACCEL_ENOMEM;
	dev->contexts = env_zalloc(env, SOFT_CONTEXTS / 64, sizeof(*dev->contexts));
	if (!dev->contexts)
		goto free;
	if (pthread_mutex_init(&dev->lock, NULL))
		goto contexts;
	if (pthread_cond_init(&dev->work, NULL))
		goto lock;
	err = hostmem_init(&dev->mem, env, host_bytes);
	if (err)
		goto cond;
	*out = dev;
	return 0;
cond:
	pthread_cond_destroy(&dev->work);
lock:
	pthread_mutex_destroy(&dev->lock);
contexts:
	env_free(env, dev->contexts);
free:
	env_free(env, dev);
	return err;
}

int soft_start(struct soft_dev *dev, const struct soft_chip_ops *ops, void *chip, const void *fdt,
	       size_t fdt_bytes, uint64_t sram_bytes)
{
	int err;

	dev->ops = ops;
	dev->chip = chip;
	dev->fdt = fdt;
	dev->fdt_bytes = fdt_bytes;
	err = pages_init(&dev->sram, dev->env, sram_bytes / IG1_PAGE_BYTES);
	if (err)
		return err;
	err = pthread_create(&dev->thread, NULL, worker, dev);
	if (err)
		return env_fail_errno(dev->env, err, "cannot start the device's thread");
	dev->worker = true;
	return 0;
}

void soft_destroy(struct soft_dev *dev)
{
	struct accel_env *env = dev->env;

	if (dev->worker) {
		pthread_mutex_lock(&dev->lock);
		dev->stop = true;
		pthread_cond_signal(&dev->work);
		pthread_mutex_unlock(&dev->lock);
		pthread_join(dev->thread, NULL);
	}
	reap(dev);
	if (dev->chip)
		dev->ops->close(dev->chip);
	pages_fini(&dev->sram, env);
	hostmem_fini(&dev->mem);
	pthread_cond_destroy(&dev->work);
	pthread_mutex_destroy(&dev->lock);
	env_free(env, dev->contexts);
	env_free(env, dev);
}

void soft_close(struct backend_dev *dev)
{
	soft_destroy(soft(dev));
}

int soft_fdt(struct backend_dev *bdev, const void **fdt, size_t *bytes)
{
	*fdt = soft(bdev)->fdt;
	*bytes = soft(bdev)->fdt_bytes;
	return 0;
}

int soft_query(struct backend_dev *bdev, enum backend_query what, uint64_t *value)
{
	struct soft_dev *dev = soft(bdev);

	switch (what) {
	case BACKEND_SRAM_BYTES:
		*value = dev->sram.n * IG1_PAGE_BYTES;
		return 0;
	case BACKEND_SRAM_FREE:
		pthread_mutex_lock(&dev->lock);
		*value = dev->sram.free * IG1_PAGE_BYTES;
		pthread_mutex_unlock(&dev->lock);
		return 0;
	case BACKEND_HOST_BYTES:
		*value = dev->mem.bytes;
		return 0;
	case BACKEND_HOST_FREE:
		*value = hostmem_free_bytes(&dev->mem);
		return 0;
	case BACKEND_CYCLE_EXACT:
		*value = 0;
		return 0;
	default:
		return ACCEL_ENOTSUP;
	}
}
