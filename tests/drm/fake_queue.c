// SPDX-License-Identifier: MIT
/* Queues of the fake kernel: one job of a queue at a time goes to the reference model. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fake_internal.h"

#define MAX_RING 4096
#define MAX_JOBS 64

static void end_job(struct fake_queue *q, struct drm_intaglio_completion *c)
{
	struct drm_intaglio_completion *ring, *to;
	struct fake_job *j = q->jobs;
	bool lost;
	int i;

	q->jobs = j->next;
	q->completed++;
	c->seq = j->seq;
	if (c->error)
		q->last = *c;
	q->dev->stats.jobs_done += !c->error;
	q->dev->stats.jobs_faulted += c->error == -EFAULT;
	q->dev->stats.timeouts += c->error == -ETIME;
	for (i = 0; i < IG1_CTR_COUNT; i++)
		q->dev->stats.counters[i] += c->counters[i];
	lost = fake_kernel.lose_record;
	fake_kernel.lose_record = false;
	if (q->ring && !lost) {
		ring = (void *)((uint8_t *)backend_ref.bo_ptr(q->ring->b) + q->ring_offset);
		to = &ring[j->seq & (q->ring_entries - 1)];
		memcpy((uint8_t *)to + sizeof(to->seq), (uint8_t *)c + sizeof(c->seq),
		       sizeof(*c) - sizeof(c->seq));
		__atomic_store_n(&to->seq, c->seq, __ATOMIC_RELEASE);
	}
	fake_syncs_end(&j->syncs, true);
	free(j);
}

/* All jobs not running end with this error. */
static void flush(struct fake_queue *q, int error)
{
	struct drm_intaglio_completion c;

	while (q->jobs) {
		memset(&c, 0, sizeof(c));
		c.error = error;
		end_job(q, &c);
	}
}

static void done(void *ctx, const struct backend_result *r)
{
	struct fake_job *j = ctx;
	struct fake_queue *q = j->queue;
	struct fake_dev *dev = q->dev;
	struct drm_intaglio_completion c = {
		.fault = r->fault,
		.fault_addr = r->fault_addr,
		.fault_index = r->fault_index,
		.emitted = r->emitted,
		.traced = r->traced,
	};

	memcpy(c.counters, r->counters, sizeof(r->counters));
	pthread_mutex_lock(&fake_lock);
	if (r->error == ACCEL_EFAULT) {
		c.error = -EFAULT;
		if (r->fault == IG1_FAULT_ABORT && q->cancel)
			c.error = dev->unplugged ? -ENODEV : -ECANCELED;
	} else if (r->error) {
		c.error = -EIO;
	}
	q->running = false;
	if (c.error && q->state == DRM_INTAGLIO_QUEUE_RUNNING) {
		q->state = DRM_INTAGLIO_QUEUE_STOPPED;
		q->settling = true;
	}
	end_job(q, &c);
	if (q->state != DRM_INTAGLIO_QUEUE_RUNNING)
		flush(q, dev->unplugged ? -ENODEV : -ECANCELED);
	fake_progress(dev);
	pthread_cond_broadcast(&fake_changed);
	pthread_mutex_unlock(&fake_lock);
}

static void ban(struct fake_queue *q)
{
	struct drm_intaglio_completion c = { .error = -ETIME };

	q->state = DRM_INTAGLIO_QUEUE_BANNED;
	q->dev->stats.resets++;
	end_job(q, &c);
	flush(q, -ECANCELED);
}

bool fake_queue_progress(struct fake_queue *q)
{
	struct fake_job *j = q->jobs;

	if (!j || q->running || !fake_syncs_ready(&j->syncs))
		return false;
	if (fake_kernel.hang_next) {
		fake_kernel.hang_next = false;
		ban(q);
		return true;
	}
	q->running = true;
	q->cancel = false;
	if (backend_ref.submit(q->b, &j->job, done, j))
		abort();
	return false;
}

/* --- calls ------------------------------------------------------------------------------------------- */

int fake_queue_create(struct fake_file *f, struct drm_intaglio_queue_create *a)
{
	struct fake_vm *vm = fake_lookup(f, FAKE_VM, a->vm_id);
	struct fake_bo *ring = NULL;
	struct fake_queue *q;
	uint64_t bytes, end;
	int id;

	if (a->flags || a->priority >= IG1_PRIORITIES || a->ring_entries > MAX_RING ||
	    a->ring_entries & (a->ring_entries - 1) || a->ring_offset % 64 ||
	    !a->ring_entries != !a->ring_handle || (!a->ring_handle && a->ring_offset))
		return -EINVAL;
	if (a->priority < 1 && fake_kernel.unprivileged)
		return -EACCES;
	if (!vm)
		return -ENOENT;
	if (a->ring_handle) {
		ring = fake_lookup(f, FAKE_BO, a->ring_handle);
		if (!ring)
			return -ENOENT;
		bytes = a->ring_entries * sizeof(struct drm_intaglio_completion);
		if (ring->flags & DRM_INTAGLIO_GEM_RESIDENT ||
		    __builtin_add_overflow(a->ring_offset, bytes, &end) || end > ring->size)
			return -EINVAL;
	}
	q = calloc(1, sizeof(*q));
	*q = (struct fake_queue){
		.dev = f->dev,
		.vm = vm,
		.ring = ring,
		.ring_offset = a->ring_offset,
		.ring_entries = a->ring_entries,
	};
	if (backend_ref.queue_create(vm->b, a->priority, &q->b)) {
		free(q);
		return -ENOMEM;
	}
	id = fake_add(f, FAKE_QUEUE, q);
	if (id < 0) {
		backend_ref.queue_destroy(q->b);
		free(q);
		return id;
	}
	vm->refs++;
	if (ring)
		ring->refs++;
	q->next = f->dev->queues;
	f->dev->queues = q;
	a->queue_id = (uint32_t)id;
	return 0;
}

void fake_queue_kill(struct fake_queue *q, int error)
{
	if (q->state == DRM_INTAGLIO_QUEUE_RUNNING)
		q->state = DRM_INTAGLIO_QUEUE_STOPPED;
	q->cancel = true;
	if (!q->running)
		flush(q, error);
	while (q->running) {
		backend_ref.cancel(q->b);
		pthread_cond_wait(&fake_changed, &fake_lock);
	}
}

int fake_queue_destroy(struct fake_file *f, struct drm_intaglio_queue_destroy *a)
{
	struct fake_queue *q = fake_lookup(f, FAKE_QUEUE, a->queue_id), **p;

	if (a->pad)
		return -EINVAL;
	if (!q)
		return -ENOENT;
	fake_remove(f, FAKE_QUEUE, a->queue_id);
	fake_queue_kill(q, -ECANCELED);
	for (p = &q->dev->queues; *p != q; p = &(*p)->next)
		;
	*p = q->next;
	backend_ref.queue_destroy(q->b);
	fake_vm_put(q->vm);
	if (q->ring)
		fake_bo_put(q->ring);
	free(q);
	return 0;
}

int fake_queue_get_state(struct fake_file *f, struct drm_intaglio_queue_get_state *a)
{
	struct fake_queue *q = fake_lookup(f, FAKE_QUEUE, a->queue_id);

	if (!q)
		return -ENOENT;
	a->state = q->state;
	a->last = q->last;
	a->submitted = q->submitted;
	a->completed = q->completed;
	return 0;
}

int fake_queue_control(struct fake_file *f, struct drm_intaglio_queue_control *a)
{
	struct fake_queue *q = fake_lookup(f, FAKE_QUEUE, a->queue_id);

	if (a->op > DRM_INTAGLIO_QUEUE_RESUME)
		return -EINVAL;
	if (!q)
		return -ENOENT;
	if (q->state == DRM_INTAGLIO_QUEUE_BANNED)
		return -ECANCELED;
	if (a->op == DRM_INTAGLIO_QUEUE_CANCEL) {
		q->state = DRM_INTAGLIO_QUEUE_STOPPED;
		q->cancel = true;
		q->settling = true;
		if (q->running)
			backend_ref.cancel(q->b);
		else
			flush(q, -ECANCELED);
		return 0;
	}
	if (q->jobs)
		return -EBUSY;
	if (q->settling) {
		q->settling = false;
		return -EBUSY;
	}
	q->state = DRM_INTAGLIO_QUEUE_RUNNING;
	return 0;
}

static int check_job(const struct drm_intaglio_job *j)
{
	uint32_t i;

	if (j->prog_va % IG1_COMMAND_BYTES || !j->prog_len || j->prog_len > IG1_MAX_COUNT ||
	    j->nargs > 8 || j->emit_va % sizeof(struct ig1_token) ||
	    j->trace_va % sizeof(struct ig1_trace))
		return -EINVAL;
	for (i = j->nargs; i < 8; i++) {
		if (j->args[i])
			return -EINVAL;
	}
	return 0;
}

static int add_job(struct fake_file *f, const struct drm_intaglio_obj_array *a, uint32_t i,
		   struct fake_job *j)
{
	struct drm_intaglio_job u;
	int err = fake_element(a, i, &u, sizeof(u));

	if (!err)
		err = check_job(&u);
	if (!err)
		err = fake_syncs_get(f, &u.syncs, &j->syncs);
	if (err)
		return err;
	j->job = (struct backend_job){
		.prog_va = u.prog_va,
		.prog_len = u.prog_len,
		.nargs = u.nargs,
		.emit_va = u.emit_va,
		.emit_entries = u.emit_entries,
		.trace_va = u.trace_va,
		.trace_entries = u.trace_entries,
		.watchdog = u.watchdog,
	};
	memcpy(j->job.args, u.args, sizeof(u.args));
	return 0;
}

int fake_exec(struct fake_file *f, struct drm_intaglio_exec *a)
{
	struct fake_queue *q = fake_lookup(f, FAKE_QUEUE, a->queue_id);
	struct fake_job *list = NULL, **tail = &list, *j;
	struct drm_intaglio_job *user;
	uint32_t i;
	int err;

	if (a->flags || !a->jobs.count)
		return -EINVAL;
	if (!q)
		return -ENOENT;
	err = fake_array(&a->jobs, sizeof(*user), MAX_JOBS);
	if (err)
		return err;
	for (i = 0; i < a->jobs.count && !err; i++) {
		j = calloc(1, sizeof(*j));
		j->queue = q;
		*tail = j;
		tail = &j->next;
		err = add_job(f, &a->jobs, i, j);
	}
	if (!err && (q->state != DRM_INTAGLIO_QUEUE_RUNNING || q->vm->unusable))
		err = -ECANCELED;
	if (err) {
		while ((j = list)) {
			list = j->next;
			fake_syncs_end(&j->syncs, false);
			free(j);
		}
		return err;
	}
	for (i = 0, j = list; j; j = j->next, i++) {
		fake_syncs_attach(&j->syncs);
		j->seq = ++q->submitted;
		user = (void *)(uintptr_t)(a->jobs.array + (uint64_t)i * a->jobs.stride);
		user->seq = j->seq;
	}
	for (tail = &q->jobs; *tail; tail = &(*tail)->next)
		;
	*tail = list;
	fake_progress(f->dev);
	return 0;
}
