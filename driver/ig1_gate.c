// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: Gates
 *
 * A scheduler's job waits for its dependencies, even if it will never reach the chip. They are
 * anybody's fences and may never signal; but who cancels jobs, closes a queue or unplugs the device
 * wants them to end now. So a job depends on gates instead: a gate is a fence that signals when the
 * fence behind it does, or when the owner of the jobs opens it.
 *
 * The owner first sees to it that run_job ends jobs (a queue that does not run, a device that is
 * dead), then opens the gates. Whoever pushes jobs looks again afterwards, so that no gate is shut
 * behind the owner's back.
 *
 * The jobs that are ended so may be over before the fences that they waited for. That is fine: they
 * have touched nothing, they carry an error, and those fences are still where they were.
 */
#include "ig1_gate.h"

#include <linux/dma-fence.h>
#include <linux/slab.h>

#include "ig1_compat.h"

/**
 * struct ig1_gate - A fence before another one
 *
 * The callback holds a reference until it has run or is taken away, and so does the job.
 */
struct ig1_gate {
	/** @base: base */
	struct dma_fence base;
	/** @lock: of @base */
	spinlock_t lock;
	/** @gates: of the owner, which outlives the callback */
	struct ig1_gates *gates;
	/** @behind: fence behind it, a reference */
	struct dma_fence *behind;
	/** @cb: on @behind */
	struct dma_fence_cb cb;
	/** @node: in &ig1_gates.shut */
	struct list_head node;
	/** @passed: @behind has signalled; under &ig1_gates.lock */
	bool passed;
};

static const char *gate_driver_name(struct dma_fence *fence)
{
	return "intaglio";
}

static const char *gate_timeline_name(struct dma_fence *fence)
{
	return "intaglio-gate";
}

static void gate_release(struct dma_fence *base)
{
	struct ig1_gate *gate = container_of(base, struct ig1_gate, base);

	dma_fence_put(gate->behind);
	dma_fence_free(base);
}

static const struct dma_fence_ops gate_ops = {
	.get_driver_name = gate_driver_name,
	.get_timeline_name = gate_timeline_name,
	.release = gate_release,
};

static void gate_pass(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct ig1_gate *gate = container_of(cb, struct ig1_gate, cb);
	unsigned long flags;

	spin_lock_irqsave(&gate->gates->lock, flags);
	gate->passed = true;
	list_del_init(&gate->node);
	spin_unlock_irqrestore(&gate->gates->lock, flags);
	dma_fence_signal(&gate->base);
	dma_fence_put(&gate->base);
}

/* A gate before a fence, with a reference for the caller; NULL: no memory. */
static struct ig1_gate *gate_create(struct ig1_gates *gates, struct dma_fence *behind)
{
	struct ig1_gate *gate = kzalloc_obj(*gate, GFP_KERNEL_ACCOUNT);

	if (!gate)
		return NULL;
	spin_lock_init(&gate->lock);
	dma_fence_init(&gate->base, &gate_ops, &gate->lock, dma_fence_context_alloc(1), 1);
	gate->gates = gates;
	gate->behind = dma_fence_get(behind);
	INIT_LIST_HEAD(&gate->node);
	dma_fence_get(&gate->base);
	if (dma_fence_add_callback(behind, &gate->cb, gate_pass)) {
		gate_pass(behind, &gate->cb);
		return gate;
	}
	/* The callback may have come and gone. */
	spin_lock_irq(&gates->lock);
	if (!gate->passed)
		list_add_tail(&gate->node, &gates->shut);
	spin_unlock_irq(&gates->lock);
	return gate;
}

/* The scheduler keeps the order of an entity's jobs, and lets them follow each other closely. */
static bool is_own(struct drm_sched_entity *entity, struct dma_fence *fence)
{
	return to_drm_sched_fence(fence) && (fence->context == entity->fence_context ||
					     fence->context == entity->fence_context + 1);
}

int ig1_gates_shut(struct ig1_gates *gates, struct drm_sched_entity *entity,
		   struct drm_sched_job *job)
{
	struct dma_fence *fence;
	struct ig1_gate *gate;
	unsigned long i;

	xa_for_each(&job->dependencies, i, fence) {
		if (is_own(entity, fence) || dma_fence_is_signaled(fence))
			continue;
		gate = gate_create(gates, fence);
		if (!gate)
			return -ENOMEM;
		/* There is an entry, so this takes no memory. */
		xa_store(&job->dependencies, i, &gate->base, GFP_KERNEL);
		dma_fence_put(fence);
	}
	return 0;
}

void ig1_gates_open(struct ig1_gates *gates)
{
	struct ig1_gate *gate;

	spin_lock_irq(&gates->lock);
	while ((gate = list_first_entry_or_null(&gates->shut, struct ig1_gate, node))) {
		list_del_init(&gate->node);
		/* Its callback, which holds it, waits for the lock at the most. */
		dma_fence_get(&gate->base);
		spin_unlock_irq(&gates->lock);
		if (dma_fence_remove_callback(gate->behind, &gate->cb))
			dma_fence_put(&gate->base);
		dma_fence_signal(&gate->base);
		dma_fence_put(&gate->base);
		spin_lock_irq(&gates->lock);
	}
	spin_unlock_irq(&gates->lock);
}

void ig1_gates_init(struct ig1_gates *gates)
{
	spin_lock_init(&gates->lock);
	INIT_LIST_HEAD(&gates->shut);
}
