// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: Timeouts and resets
 *
 * A timer runs per queue while its oldest job is with the hardware queues. When it expires the
 * firmware is asked which job it executes. A job that waits behind others is left alone, and so
 * is one that goes on: simulated chips are slow. A job is given up when it has issued no command
 * since the last look, or when it has run for &ig1_reset.limit_ms without emitting a token.
 *
 * 1. What the chip looks like goes into a core dump.
 * 2. The job's queue is banned, so that none of its jobs starts any more.
 * 3. The firmware is asked to stop the context. It aborts the job, and the completion that it
 *    writes ends it with -ETIME in the ordinary way. Others do not notice.
 * 4. If that fails, or if the firmware does not answer at all (then no job is to blame, and 2 and 3
 *    are left out), the chip is reset. The resident SRAM survives this kind of reset (docs/isa.md,
 *    CONTROL). The firmware starts anew and gets all jobs again that had not begun. A job that
 *    may have begun is not repeated, since its program may have changed what it reads: it ends
 *    with -EIO, its queue is banned.
 * 5. If the chip cannot even be reset, because a transfer on the bus does not end, a
 *    function-level reset follows. That loses the resident SRAM. It takes locks of the PCI core
 *    and of IOMMU drivers that memory is allocated under, so it comes in a work item of its own,
 *    without &ig1_device.hw_lock: like one from outside, with the recovery's second half behind it.
 *    Until then all jobs wait, also those that had not begun.
 * 6. If the chip does not come back it is cut off from the bus, all jobs end with -EIO and the
 *    device is unplugged.
 *
 * Resets that lose the SRAM (this one, a function-level reset without a warning, slot reset) ban
 * all queues whose address space maps resident buffers: no job computes on zeros unawares.
 *
 * After a bus error it is for the PCI core to reset the slot. If that is not over in RECOVERY_MS,
 * while jobs wait, it will not be any more (some kernels do not tell): step 6.
 *
 * A chip that is found at probe is stopped the same way, by 4 and, if need be, 5.
 *
 * Timeouts and resets run on one ordered workqueue.
 */
#include <linux/delay.h>
#include <linux/iopoll.h>
#include <linux/moduleparam.h>
#include <linux/pci.h>
#include <linux/sched/mm.h>

#include <drm/drm_managed.h>

#include "ig1_coredump.h"
#include "ig1_debugfs.h"
#include "ig1_device.h"
#include "ig1_queue.h"
#include "ig1_trace.h"

static uint timeout_ms = IG1_TIMEOUT_MS;
module_param(timeout_ms, uint, 0444);
MODULE_PARM_DESC(timeout_ms, "ms without progress after which a job is given up (default 30000)");

#define RECOVERY_MS 60000
/* How often who waits for a recovery looks whether there will be one. */
#define RETRY_LOOK_MS	100
#define HALT_TIMEOUT_US 1000000
/* A chip that was asked to abort a job has answered already; this is for the interrupt. */
#define ABORT_TRIES 100

static void reset_work(struct work_struct *work);
static void flr_work(struct work_struct *work);

static void wq_release(struct drm_device *drm, void *res)
{
	destroy_workqueue(res);
}

int ig1_reset_init(struct ig1_device *dev)
{
	struct ig1_reset *reset = &dev->reset;
	int err;

	INIT_WORK(&reset->work, reset_work);
	INIT_WORK(&reset->flr_work, flr_work);
	init_waitqueue_head(&reset->over);
	reset->timeout_ms = max(timeout_ms, 1u);
	reset->limit_ms = IG1_LIMIT_MS;
	reset->wq = alloc_ordered_workqueue("intaglio-reset", WQ_MEM_RECLAIM);
	if (!reset->wq)
		return -ENOMEM;
	err = drmm_add_action_or_reset(&dev->drm, wq_release, reset->wq);
	if (err)
		return err;
	return ig1_coredump_init(dev);
}

void ig1_reset_fini(struct ig1_device *dev)
{
	disable_work_sync(&dev->reset.work);
	disable_work_sync(&dev->reset.flr_work);
	ig1_coredump_fini(dev);
}

void ig1_reset_schedule(struct ig1_device *dev)
{
	WRITE_ONCE(dev->reset.wanted, READ_ONCE(dev->reset.recoveries));
	queue_work(dev->reset.wq, &dev->reset.work);
}

static bool settled(struct ig1_device *dev, u32 recoveries)
{
	return READ_ONCE(dev->reset.recoveries) != recoveries || READ_ONCE(dev->reset.failed) ||
	       drm_dev_is_unplugged(&dev->drm);
}

bool ig1_reset_retry(struct ig1_device *dev, int err, u32 recoveries)
{
	unsigned long end = jiffies + msecs_to_jiffies(RECOVERY_MS);

	/* No answer to this command, or to another one before it. */
	if (err != -ETIMEDOUT && err != -EIO)
		return false;
	if (err == -ETIMEDOUT && READ_ONCE(dev->reset.recoveries) == recoveries)
		ig1_reset_schedule(dev);
	/*
	 * Not for the end of the work: if it fails it unplugs the device, which waits for the
	 * caller. Nor for ever: nobody resets a device that is unplugged, or wakes who waits here.
	 */
	while (!settled(dev, recoveries) && time_before(jiffies, end)) {
		if (wait_event_killable_timeout(dev->reset.over, settled(dev, recoveries),
						msecs_to_jiffies(RETRY_LOOK_MS)) < 0)
			return false;
	}
	return READ_ONCE(dev->reset.recoveries) != recoveries;
}

int ig1_reset_halt(struct ig1_device *dev)
{
	u32 v;
	int err;

	ig1_wr(dev, IG1_REG_CONTROL, IG1_REG_CONTROL_RESET);
	err = readl_poll_timeout(dev->regs + IG1_REG_CONTROL, v,
				 v == U32_MAX || !(v & IG1_REG_CONTROL_RESET), 10, HALT_TIMEOUT_US);
	return err ?: v == U32_MAX ? -ENODEV : 0;
}

int ig1_reset_quiesce(struct ig1_device *dev)
{
	const struct ig1_hwq_ops *ops = dev->hwq.ops;
	struct device *parent = dev->drm.dev;
	int err = ops->halt(dev);

	if (err == -ETIMEDOUT) {
		dev_warn(parent, "chip does not stop, trying a function-level reset\n");
		err = ops->flr_locked(dev);
		if (err)
			return dev_err_probe(parent, err, "its function cannot be reset\n");
		err = ops->halt(dev);
	}
	return err ? dev_err_probe(parent, err, "chip does not stop\n") : 0;
}

static void process_all(struct ig1_device *dev)
{
	u32 i;

	for (i = 0; i < IG1_PRIORITIES; i++)
		ig1_hwq_process(dev, i);
}

/* What the firmware says it executes. */
static int ask_running(struct ig1_device *dev, u64 *id, u32 *commands, u32 *emitted)
{
	const u32 args[4] = {};
	u32 val, out[4];
	int err;

	err = dev->hwq.ops->mbox(dev, IG1_MBOX_RUNNING, args, &val, out);
	if (err)
		return err;
	*id = val ? out[0] | (u64)out[1] << 32 : 0;
	*commands = out[2];
	*emitted = out[3];
	return 0;
}

static bool maps_resident(struct ig1_vm *vm)
{
	struct drm_gpuva *va;

	guard(mutex)(&vm->op_lock);
	drm_gpuvm_for_each_va(va, &vm->base) {
		if (va->gem.obj && ig1_bo_resident(to_ig1_bo(va->gem.obj)))
			return true;
	}
	return false;
}

/* Queues whose memory in the chip is gone. */
static void ban_sram_users(struct ig1_device *dev)
{
	struct ig1_queue *queue;

	guard(mutex)(&dev->sched.lock);
	list_for_each_entry(queue, &dev->sched.queues, node) {
		if (!maps_resident(queue->vm))
			continue;
		guard(spinlock)(&dev->hwq.lock);
		ig1_queue_ban_locked(queue, -EIO);
	}
}

/* Whether a job ends in a reset, and with what. */
static int pick(struct ig1_hwq_entry *entry, bool head, void *data)
{
	struct ig1_loss *loss = data;
	struct ig1_queue *queue;
	struct ig1_job *job;
	int error;

	if (!ig1_job_is(entry)) {
		/* The driver's own; whoever waits for it repeats it or not. */
		error = -EIO;
	} else {
		job = container_of(entry, struct ig1_job, entry);
		queue = job->queue;
		if (entry->id == loss->guilty) {
			error = -ETIME;
		} else if (entry->id == loss->running || (loss->unknown && head)) {
			ig1_queue_ban_locked(queue, -ECANCELED);
			error = -EIO;
		} else {
			error = ig1_queue_error_locked(queue);
		}
	}
	loss->ended += !!error;
	return error;
}

void ig1_reset_fail(struct ig1_device *dev)
{
	WRITE_ONCE(dev->reset.failed, true);
	wake_up_all(&dev->reset.over);
}

void ig1_reset_begin(struct ig1_device *dev, struct ig1_loss *loss)
{
	u32 commands, emitted;

	lockdep_assert_held_write(&dev->hw_lock);
	loss->unknown = ask_running(dev, &loss->running, &commands, &emitted);
	process_all(dev);
	dev->hwq.ops->stop(dev);
}

/* The rest is for who comes behind the function-level reset. */
static void await_flr(struct ig1_device *dev, const struct ig1_loss *loss)
{
	drm_warn(&dev->drm, "chip does not reset, trying a function-level reset\n");
	dev->pm.loss = *loss;
	/* There may be a copy, of a transition that meets this on its way back. */
	if (!dev->pm.resident)
		dev->pm.loss.sram = true;
	dev->pm.suspended = true;
	/* The PCI core's recovery from an error, if there was one, ends here. */
	WRITE_ONCE(dev->pm.frozen, 0);
	WRITE_ONCE(dev->reset.flr, true);
	queue_work(dev->reset.wq, &dev->reset.flr_work);
}

int ig1_reset_complete(struct ig1_device *dev, struct ig1_loss *loss)
{
	const struct ig1_hwq_ops *ops = dev->hwq.ops;
	bool last = dev->reset.flr;
	int err;

	lockdep_assert_held_write(&dev->hw_lock);
	WRITE_ONCE(dev->reset.flr, false);
	err = ig1_fail_reset() ? -EIO : ops->halt(dev);
	if (err == -ETIMEDOUT && !last) {
		/* It waits for its transfers on the bus, one of which does not end. */
		await_flr(dev, loss);
		return 0;
	}
	ig1_stats_reset(dev);
	if (!err) {
		/* Answers written since the last look; another job may have begun behind them. */
		ig1_hwq_harvest(dev);
		if (!ig1_hwq_has(dev, loss->running))
			loss->unknown = true;
		if (loss->sram)
			ban_sram_users(dev);
		ig1_hwq_end(dev, pick, loss);
		err = ops->start(dev);
		if (err) {
			/* Once more: the first attempt may have met what the last owner left. */
			ops->stop(dev);
			err = ops->start(dev);
		}
	}
	trace_ig1_reset(dev, err, loss->ended);
	if (!err) {
		WRITE_ONCE(dev->reset.recoveries, dev->reset.recoveries + 1);
		wake_up_all(&dev->reset.over);
		ig1_queues_settle(dev);
		if (last || !dev->pm.suspended)
			drm_notice(&dev->drm, "reset, %u jobs ended\n", loss->ended);
		return 0;
	}
	drm_err(&dev->drm, "reset failed: %pe\n", ERR_PTR(err));
	ig1_reset_fail(dev);
	ops->stop(dev);
	/* Whatever the chip still does, it does not reach memory. */
	ops->cut_off(dev);
	ig1_hwq_kill(dev, -EIO);
	ig1_queues_settle(dev);
	return err;
}

void ig1_reset_give_up(struct ig1_device *dev)
{
	drm_err(&dev->drm, "device is dead\n");
	/*
	 * No drm_dev_wedged_event(): it wants a primary minor, which accel devices have not. The
	 * node's "remove" event tells whoever listens.
	 */
	ig1_device_cut(dev);
}

/* The function-level reset that the recovery waits for has not come. */
static bool flr_missing(struct ig1_device *dev)
{
	return dev->reset.flr;
}

/* The PCI core's recovery from an error has not come to its end. */
static bool recovery_overdue(struct ig1_device *dev)
{
	return dev->pm.frozen &&
	       time_after(jiffies, dev->pm.frozen + msecs_to_jiffies(RECOVERY_MS));
}

/*
 * Only if @lost_locked says so (NULL: in any case) under the lock: a recovery may have ended just
 * before.
 */
static void lose(struct ig1_device *dev, bool (*lost_locked)(struct ig1_device *dev))
{
	bool lost;
	int idx;

	if (!drm_dev_enter(&dev->drm, &idx))
		return;
	down_write(&dev->hw_lock);
	lost = !lost_locked || lost_locked(dev);
	if (lost) {
		dev->fw.running = false;
		ig1_reset_fail(dev);
		dev->hwq.ops->stop(dev);
		dev->hwq.ops->cut_off(dev);
		ig1_hwq_kill(dev, -EIO);
		ig1_queues_settle(dev);
	}
	up_write(&dev->hw_lock);
	drm_dev_exit(idx);
	if (lost)
		ig1_reset_give_up(dev);
}

void ig1_reset_lose(struct ig1_device *dev)
{
	lose(dev, NULL);
}

void ig1_reset_lose_overdue(struct ig1_device *dev)
{
	if (READ_ONCE(dev->pm.frozen))
		lose(dev, recovery_overdue);
}

/* hw_lock held for writing. */
static int recover(struct ig1_device *dev, u64 guilty)
{
	struct ig1_loss loss = { .guilty = guilty };

	loss.sram = dev->hwq.ops->forgot(dev);
	ig1_reset_begin(dev, &loss);
	return ig1_reset_complete(dev, &loss);
}

static void reset_work(struct work_struct *work)
{
	struct ig1_device *dev = container_of(work, struct ig1_device, reset.work);
	int idx, err = 0;

	/* It did not wake up, or its end is on its way already. */
	if (READ_ONCE(dev->reset.failed)) {
		ig1_reset_lose(dev);
		return;
	}
	if (!drm_dev_enter(&dev->drm, &idx))
		return;
	/* An idle chip starts anew when it wakes. */
	if (ig1_pm_get_if_awake(dev)) {
		down_write(&dev->hw_lock);
		if (!dev->pm.suspended && READ_ONCE(dev->reset.wanted) == dev->reset.recoveries) {
			ig1_coredump_take(dev, NULL, "reset requested");
			err = recover(dev, 0);
		}
		up_write(&dev->hw_lock);
		ig1_pm_put(dev);
	}
	drm_dev_exit(idx);
	if (err)
		ig1_reset_give_up(dev);
}

static bool flr_wanted(struct ig1_device *dev)
{
	return READ_ONCE(dev->reset.flr) && !drm_dev_is_unplugged(&dev->drm);
}

static void flr_work(struct work_struct *work)
{
	struct ig1_device *dev = container_of(work, struct ig1_device, reset.flr_work);
	unsigned long end = jiffies + msecs_to_jiffies(RECOVERY_MS);
	unsigned int flags;
	int err;

	/* Outside of drm_dev_enter(): reset_done unplugs a device that does not come back. */
	while (flr_wanted(dev)) {
		/* Jobs' fences wait for what the PCI core allocates. */
		flags = memalloc_noreclaim_save();
		err = dev->hwq.ops->flr(dev);
		memalloc_noreclaim_restore(flags);
		/*
		 * -EAGAIN: whoever is at the device resets it himself, refuses to put it to sleep,
		 * or unbinds it. 0: it was reset, but may have hung again in the second half.
		 */
		if ((err && err != -EAGAIN) || time_after(jiffies, end))
			break;
		if (flr_wanted(dev))
			msleep(RETRY_LOOK_MS);
	}
	/* If neither this nor a reset from outside has come to its end. */
	lose(dev, flr_missing);
}

enum verdict {
	JOB_FINE,
	JOB_HUNG,
	CHIP_HUNG,
};

/* Looks at the job that the chip executes. */
static enum verdict look_at(struct ig1_job *job, u32 commands, u32 emitted)
{
	struct ig1_device *dev = job->queue->dev;
	u32 limit = READ_ONCE(dev->reset.limit_ms);
	bool first = !job->begun, moves = job->commands != commands;
	ktime_t now = ktime_get();

	if (first)
		job->begun = now;
	if (first || job->emitted != emitted)
		job->moved = now;
	job->commands = commands;
	job->emitted = emitted;
	if (first)
		return JOB_FINE;
	if (!moves)
		return JOB_HUNG;
	return limit && ktime_ms_delta(now, job->moved) >= limit ? JOB_HUNG : JOB_FINE;
}

static enum verdict judge(struct ig1_job *job)
{
	struct ig1_device *dev = job->queue->dev;
	u32 commands, emitted;
	u64 id;
	int err;

	err = ask_running(dev, &id, &commands, &emitted);
	if (err)
		return CHIP_HUNG;
	if (id == job->entry.id) {
		job->idle = false;
		return look_at(job, commands, emitted);
	}
	if (id)
		return JOB_FINE;
	/*
	 * Nothing runs. Between two jobs that is no wonder; twice in a row, with this one in the
	 * ring all the time, it is.
	 */
	if (!job->idle) {
		job->idle = true;
		return JOB_FINE;
	}
	return CHIP_HUNG;
}

static bool ended(const struct ig1_job *job)
{
	return dma_fence_is_signaled(&job->fence->base);
}

/* Asks the firmware to abort a job of a banned queue. If it refuses, the job may be over anyhow. */
static bool abort_job(struct ig1_job *job)
{
	struct ig1_queue *queue = job->queue;
	struct ig1_device *dev = queue->dev;
	const u32 args[4] = { queue->context };
	u32 i, tries = ABORT_TRIES;

	if (ig1_fail_abort() || dev->hwq.ops->mbox(dev, IG1_MBOX_CTX_STOP, args, NULL, NULL))
		tries = 1;
	/* If it hangs, a reset is due whatever becomes of this job. */
	if (!dev->fw.running)
		return false;
	for (i = 0; i < tries && !ended(job); i++) {
		ig1_hwq_process(dev, queue->priority);
		if (!ended(job))
			usleep_range(1000, 2000);
	}
	return ended(job);
}

static int give_up_job(struct ig1_job *job, enum verdict verdict)
{
	struct ig1_queue *queue = job->queue;
	struct ig1_device *dev = queue->dev;

	drm_warn(&dev->drm, "context %u: job %llu: %s\n", queue->context, job->seq,
		 verdict == JOB_HUNG ? "timed out" : "the chip does not answer");
	ig1_stats_timeout(dev);
	ig1_coredump_take(dev, job, verdict == JOB_HUNG ? "job timed out" : "chip does not answer");
	/* Whose timer finds that is chance; the job may only have waited. */
	if (verdict == CHIP_HUNG)
		return recover(dev, 0);
	scoped_guard(spinlock, &dev->hwq.lock) {
		job->verdict = -ETIME;
		ig1_queue_ban_locked(queue, -ECANCELED);
	}
	ig1_queue_settle(queue);
	return abort_job(job) ? 0 : recover(dev, job->entry.id);
}

void ig1_reset_timeout(struct ig1_job *job)
{
	struct ig1_device *dev = job->queue->dev;
	enum verdict verdict;
	int idx, err = 0;

	if (!drm_dev_enter(&dev->drm, &idx))
		return;
	/* The job may have ended without an interrupt. */
	ig1_hwq_process(dev, job->queue->priority);
	down_write(&dev->hw_lock);
	/* Stopped or parked: nothing makes progress, and nothing should. */
	if (!ended(job) && dev->fw.running && !dev->pm.suspended) {
		verdict = judge(job);
		process_all(dev);
		if (verdict != JOB_FINE && !ended(job))
			err = give_up_job(job, verdict);
		/* It does not answer, but the job is over: nobody else would have it reset. */
		if (!err && !dev->fw.running && !dev->pm.suspended)
			ig1_reset_schedule(dev);
	}
	up_write(&dev->hw_lock);
	drm_dev_exit(idx);
	/* An error is final: &ig1_reset.failed is set, nobody starts the chip any more. */
	if (err)
		ig1_reset_give_up(dev);
	else
		ig1_reset_lose_overdue(dev);
}
