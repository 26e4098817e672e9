// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: Queues
 *
 * A queue is RUNNING, STOPPED (a job faulted, or CANCEL; its jobs end with ECANCELED until
 * RESUME) or BANNED (a job timed out, or the chip was lost under it). The firmware knows a queue
 * as a context and keeps a stop flag of its own for it, which it sets itself when a job faults,
 * so that no later job starts in between. The driver's state is what counts for jobs that have
 * not reached the chip.
 *
 * RESUME waits for the end of all jobs submitted before, so a cancelled job never runs. Cancelled
 * jobs do not wait for their fences (ig1_gate.c).
 */
#include <linux/capability.h>
#include <linux/log2.h>
#include <linux/slab.h>

#include "ig1_device.h"
#include "ig1_queue.h"

struct ig1_queue *ig1_queue_get(struct ig1_queue *queue)
{
	kref_get(&queue->ref);
	return queue;
}

static void queue_free_work(struct work_struct *work)
{
	struct ig1_queue *queue = container_of(work, struct ig1_queue, free_work);
	struct ig1_device *dev = queue->dev;

	mutex_lock(&dev->sched.lock);
	list_del(&queue->node);
	mutex_unlock(&dev->sched.lock);
	/* Those of jobs that were given up before they were pushed. */
	ig1_gates_open(&queue->gates);
	drm_sched_entity_fini(&queue->entity);
	ig1_sched_put(queue->sched);
	if (queue->ring_bo) {
		ig1_bo_vunmap(queue->ring_bo, &queue->ring_map);
		drm_gem_object_put(&queue->ring_bo->base.base);
	}
	ig1_context_free(dev, queue->context);
	ig1_vm_put(queue->vm);
	ig1_file_stats_put(queue->stats);
	mutex_destroy(&queue->submit_lock);
	mutex_destroy(&queue->control_lock);
	kfree_rcu(queue, rcu);
	drm_dev_put(&dev->drm);
	ig1_live_put();
}

static void queue_release(struct kref *ref)
{
	struct ig1_queue *queue = container_of(ref, struct ig1_queue, ref);

	queue_work(ig1_free_wq, &queue->free_work);
}

void ig1_queue_put(struct ig1_queue *queue)
{
	if (queue)
		kref_put(&queue->ref, queue_release);
}

struct ig1_queue *ig1_queue_lookup(struct ig1_file *file, u32 id)
{
	struct ig1_queue *queue;

	xa_lock(&file->queues);
	queue = xa_load(&file->queues, id);
	if (queue)
		kref_get(&queue->ref);
	xa_unlock(&file->queues);
	return queue;
}

int ig1_queue_error_locked(const struct ig1_queue *queue)
{
	lockdep_assert_held(&queue->dev->hwq.lock);
	if (queue->dev->hwq.dead)
		return queue->dev->hwq.dead;
	if (queue->state != DRM_INTAGLIO_QUEUE_RUNNING)
		return queue->error ?: -ECANCELED;
	return ig1_vm_usable(queue->vm) ? 0 : -ECANCELED;
}

void ig1_queue_ban_locked(struct ig1_queue *queue, int error)
{
	lockdep_assert_held(&queue->dev->hwq.lock);
	if (queue->state == DRM_INTAGLIO_QUEUE_BANNED)
		return;
	queue->state = DRM_INTAGLIO_QUEUE_BANNED;
	queue->error = error;
}

void ig1_queue_settle(struct ig1_queue *queue)
{
	int error;

	scoped_guard(spinlock, &queue->dev->hwq.lock)
		error = ig1_queue_error_locked(queue);
	if (error)
		ig1_gates_open(&queue->gates);
}

void ig1_queues_settle(struct ig1_device *dev)
{
	struct ig1_queue *queue;

	guard(mutex)(&dev->sched.lock);
	list_for_each_entry(queue, &dev->sched.queues, node)
		ig1_queue_settle(queue);
}

static int command_once(struct ig1_queue *queue, u32 command, u32 *recoveries)
{
	const u32 args[4] = { queue->context };
	struct ig1_device *dev = queue->dev;
	int err;

	down_read(&dev->hw_lock);
	*recoveries = dev->reset.recoveries;
	err = dev->hwq.ops->mbox(dev, command, args, NULL, NULL);
	up_read(&dev->hw_lock);
	return err;
}

/* A mailbox command for the queue's context, with the device awake. */
static int context_command(struct ig1_queue *queue, u32 command)
{
	struct ig1_device *dev = queue->dev;
	/* A reset stops whatever ran. Who wants to go on need not be why the firmware hangs. */
	bool last = command == IG1_MBOX_CTX_STOP;
	u32 recoveries;
	int idx, err;

	if (!drm_dev_enter(&dev->drm, &idx))
		return -ENODEV;
	err = ig1_pm_get(dev);
	if (err)
		goto exit;
	err = command_once(queue, command, &recoveries);
	if (!last && ig1_reset_retry(dev, err, recoveries)) {
		err = command_once(queue, command, &recoveries);
		last = true;
	}
	if (err == -ETIMEDOUT) {
		/* Otherwise it has been asked for, and this process waits no longer. */
		if (last)
			ig1_reset_schedule(dev);
		err = -EIO;
	}
	ig1_pm_put(dev);
exit:
	drm_dev_exit(idx);
	return err;
}

/*
 * No job of the queue starts after it; a running one is aborted. If the chip does not obey, the
 * reset that follows ends the jobs.
 */
static void queue_stop(struct ig1_queue *queue, u32 state)
{
	bool active;

	scoped_guard(spinlock, &queue->dev->hwq.lock) {
		if (queue->state != DRM_INTAGLIO_QUEUE_BANNED)
			queue->state = state;
		active = queue->active;
	}
	ig1_queue_settle(queue);
	if (active)
		context_command(queue, IG1_MBOX_CTX_STOP);
}

void ig1_queue_close(struct ig1_queue *queue)
{
	scoped_guard(spinlock, &queue->dev->hwq.lock)
		queue->closed = true;
	scoped_guard(mutex, &queue->control_lock)
		queue_stop(queue, DRM_INTAGLIO_QUEUE_BANNED);
	ig1_queue_put(queue);
}

void ig1_queue_close_all(struct ig1_file *file)
{
	struct ig1_queue *queue;
	unsigned long id;

	xa_for_each(&file->queues, id, queue) {
		xa_erase(&file->queues, id);
		ig1_queue_close(queue);
	}
}

int ig1_queue_check_create(const struct drm_intaglio_queue_create *args)
{
	if (args->flags || args->priority >= IG1_PRIORITIES)
		return -EINVAL;
	if (!args->ring_handle)
		return args->ring_offset || args->ring_entries ? -EINVAL : 0;
	if (!is_power_of_2(args->ring_entries) || args->ring_entries > IG1_RING_ENTRIES_MAX ||
	    !IS_ALIGNED(args->ring_offset, 64))
		return -EINVAL;
	return 0;
}

int ig1_queue_check_ring(const struct drm_intaglio_queue_create *args, u64 bo_size)
{
	u64 bytes = (u64)args->ring_entries * sizeof(struct drm_intaglio_completion);

	return args->ring_offset > bo_size || bytes > bo_size - args->ring_offset ? -EINVAL : 0;
}

static int map_ring(struct ig1_queue *queue, struct drm_file *file,
		    const struct drm_intaglio_queue_create *args)
{
	struct ig1_bo *bo;
	int err;

	if (!args->ring_handle)
		return 0;
	bo = ig1_bo_lookup(file, args->ring_handle);
	if (IS_ERR(bo))
		return PTR_ERR(bo);
	err = ig1_queue_check_ring(args, bo->base.base.size);
	if (err)
		goto put_bo;
	err = ig1_bo_vmap(bo, &queue->ring_map);
	if (err)
		goto put_bo;
	queue->ring_bo = bo;
	queue->ring = queue->ring_map.vaddr + args->ring_offset;
	queue->ring_entries = args->ring_entries;
	return 0;
put_bo:
	drm_gem_object_put(&bo->base.base);
	return err;
}

/**
 * ig1_queue_create() - Make a queue that nobody knows yet
 * @dev: device
 * @vm: address space; its reference goes to the queue, or is dropped
 * @stats: counters; likewise
 * @priority: hardware queue
 *
 * Return: the queue, or an error.
 */
struct ig1_queue *ig1_queue_create(struct ig1_device *dev, struct ig1_vm *vm,
				   struct ig1_file_stats *stats, u32 priority)
{
	struct drm_gpu_scheduler *scheds[1];
	struct ig1_queue *queue;
	int err;

	queue = kzalloc_obj(*queue, GFP_KERNEL_ACCOUNT);
	if (!queue) {
		err = -ENOMEM;
		goto put;
	}
	kref_init(&queue->ref);
	queue->dev = dev;
	queue->vm = vm;
	queue->stats = stats;
	queue->priority = priority;
	queue->fence_context = dma_fence_context_alloc(1);
	mutex_init(&queue->submit_lock);
	mutex_init(&queue->control_lock);
	INIT_LIST_HEAD(&queue->cancelled);
	ig1_gates_init(&queue->gates);
	INIT_WORK(&queue->free_work, queue_free_work);
	err = ig1_context_alloc(dev);
	if (err < 0)
		goto free;
	queue->context = err;
	/* The number may have been stopped in its previous life, and its scratch be somebody's. */
	err = context_command(queue, IG1_MBOX_CTX_RESUME);
	if (err)
		goto free_context;
	queue->sched = ig1_sched_get_queue(dev);
	if (IS_ERR(queue->sched)) {
		err = PTR_ERR(queue->sched);
		goto free_context;
	}
	scheds[0] = &queue->sched->base;
	err = drm_sched_entity_init(&queue->entity, DRM_SCHED_PRIORITY_KERNEL, scheds, 1, NULL);
	if (err)
		goto put_sched;
	drm_dev_get(&dev->drm);
	ig1_live_get();
	mutex_lock(&dev->sched.lock);
	list_add_tail(&queue->node, &dev->sched.queues);
	mutex_unlock(&dev->sched.lock);
	return queue;

put_sched:
	ig1_sched_put(queue->sched);
free_context:
	ig1_context_free(dev, queue->context);
free:
	kfree(queue);
put:
	ig1_file_stats_put(stats);
	ig1_vm_put(vm);
	return ERR_PTR(err);
}

int ig1_queue_create_ioctl(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct drm_intaglio_queue_create *args = data;
	struct ig1_file *ifile = file->driver_priv;
	struct ig1_queue *queue;
	struct ig1_vm *vm;
	int err;

	err = ig1_queue_check_create(args);
	if (err) {
		drm_dbg(drm, "QUEUE_CREATE: flags %#x, priority %u, or ring of %u at %#llx\n",
			args->flags, args->priority, args->ring_entries, args->ring_offset);
		return err;
	}
	if (args->priority < IG1_MIN_PRIORITY_USER && !capable(CAP_SYS_NICE)) {
		drm_dbg(drm, "QUEUE_CREATE: priority %u wants CAP_SYS_NICE\n", args->priority);
		return -EACCES;
	}
	vm = ig1_vm_lookup(ifile, args->vm_id);
	if (!vm) {
		drm_dbg(drm, "QUEUE_CREATE: no VM %u\n", args->vm_id);
		return -ENOENT;
	}
	queue = ig1_queue_create(ifile->dev, vm, ig1_file_stats_get(ifile->stats), args->priority);
	if (IS_ERR(queue))
		return PTR_ERR(queue);
	err = map_ring(queue, file, args);
	if (err) {
		drm_dbg(drm, "QUEUE_CREATE: ring in buffer %u: %d\n", args->ring_handle, err);
		ig1_queue_put(queue);
		return err;
	}
	/* Under the lock, since another thread may destroy it as soon as it can be found. */
	xa_lock(&ifile->queues);
	err = __xa_alloc(&ifile->queues, &queue->id, queue, XA_LIMIT(1, IG1_QUEUES_PER_FILE),
			 GFP_KERNEL);
	if (!err)
		args->queue_id = queue->id;
	xa_unlock(&ifile->queues);
	if (err) {
		drm_dbg(drm, "QUEUE_CREATE: number of the queue: %d\n", err);
		ig1_queue_put(queue);
	}
	return err == -EBUSY ? -ENOSPC : err;
}

int ig1_queue_destroy_ioctl(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct drm_intaglio_queue_destroy *args = data;
	struct ig1_file *ifile = file->driver_priv;
	struct ig1_queue *queue;

	if (args->pad) {
		drm_dbg(drm, "QUEUE_DESTROY: padding\n");
		return -EINVAL;
	}
	queue = xa_erase(&ifile->queues, args->queue_id);
	if (!queue) {
		drm_dbg(drm, "QUEUE_DESTROY: no queue %u\n", args->queue_id);
		return -ENOENT;
	}
	ig1_queue_close(queue);
	return 0;
}

int ig1_queue_get_state_ioctl(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct drm_intaglio_queue_get_state *args = data;
	struct ig1_queue *queue;

	queue = ig1_queue_lookup(file->driver_priv, args->queue_id);
	if (!queue) {
		drm_dbg(drm, "QUEUE_GET_STATE: no queue %u\n", args->queue_id);
		return -ENOENT;
	}
	scoped_guard(spinlock, &queue->dev->hwq.lock) {
		args->state = queue->state;
		args->last = queue->last;
		args->submitted = READ_ONCE(queue->submitted);
		args->completed = queue->completed;
	}
	ig1_queue_put(queue);
	return 0;
}

int ig1_queue_resume(struct ig1_queue *queue)
{
	int err = 0;
	u32 state;

	/* Against an EXEC that is between its check and its last push. */
	guard(mutex)(&queue->submit_lock);
	scoped_guard(spinlock, &queue->dev->hwq.lock) {
		state = queue->state;
		if (state == DRM_INTAGLIO_QUEUE_BANNED)
			err = -ECANCELED;
		else if (state == DRM_INTAGLIO_QUEUE_STOPPED &&
			 (queue->completed != queue->submitted || queue->active))
			err = -EBUSY;
	}
	if (err || state == DRM_INTAGLIO_QUEUE_RUNNING)
		return err;
	err = context_command(queue, IG1_MBOX_CTX_RESUME);
	if (err)
		return err;
	scoped_guard(spinlock, &queue->dev->hwq.lock) {
		if (queue->state == DRM_INTAGLIO_QUEUE_STOPPED)
			queue->state = DRM_INTAGLIO_QUEUE_RUNNING;
	}
	return 0;
}

int ig1_queue_cancel(struct ig1_queue *queue)
{
	scoped_guard(spinlock, &queue->dev->hwq.lock) {
		if (queue->state == DRM_INTAGLIO_QUEUE_BANNED)
			return -ECANCELED;
	}
	queue_stop(queue, DRM_INTAGLIO_QUEUE_STOPPED);
	return 0;
}

int ig1_queue_control_ioctl(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct drm_intaglio_queue_control *args = data;
	struct ig1_queue *queue;
	int err;

	if (args->op != DRM_INTAGLIO_QUEUE_CANCEL && args->op != DRM_INTAGLIO_QUEUE_RESUME) {
		drm_dbg(drm, "QUEUE_CONTROL: operation %u\n", args->op);
		return -EINVAL;
	}
	queue = ig1_queue_lookup(file->driver_priv, args->queue_id);
	if (!queue) {
		drm_dbg(drm, "QUEUE_CONTROL: no queue %u\n", args->queue_id);
		return -ENOENT;
	}
	mutex_lock(&queue->control_lock);
	if (args->op == DRM_INTAGLIO_QUEUE_CANCEL)
		err = ig1_queue_cancel(queue);
	else
		err = ig1_queue_resume(queue);
	mutex_unlock(&queue->control_lock);
	ig1_queue_put(queue);
	return err;
}
