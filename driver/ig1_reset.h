/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _IG1_RESET_H_
#define _IG1_RESET_H_

#include <linux/types.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

struct ig1_coredump;
struct ig1_device;
struct ig1_job;

/* No progress for this long: a job is hung. */
#define IG1_TIMEOUT_MS 30000
/*
 * Progress or not, a job that emits nothing for this long is given up. Its cycle budget is this
 * long at the most.
 */
#define IG1_LIMIT_MS 600000

/**
 * struct ig1_reset - Recovery
 */
struct ig1_reset {
	/** @wq: ordered: timeouts and resets never overlap; drmm */
	struct workqueue_struct *wq;
	/** @work: a reset that is not a job's fault */
	struct work_struct work;
	/** @wanted: @recoveries when it was asked for: one that came since was the one */
	u32 wanted;
	/** @flr_work: the function-level reset of @flr */
	struct work_struct flr_work;
	/** @flr: a recovery goes on behind a function-level reset that is to come; under hw_lock */
	bool flr;
	/** @timeout_ms: see IG1_TIMEOUT_MS; of queues created from now on */
	u32 timeout_ms;
	/** @limit_ms: see IG1_LIMIT_MS; zero: none */
	u32 limit_ms;
	/** @dump: memory of the next core dump */
	struct ig1_coredump *dump;
	/** @failed: a reset did not bring the chip back; set once */
	bool failed;
	/** @recoveries: resets that did; under hw_lock */
	u32 recoveries;
	/** @over: woken when @failed or @recoveries changes */
	wait_queue_head_t over;
};

/**
 * struct ig1_loss - What a reset costs
 */
struct ig1_loss {
	/** @guilty: number of the job that is the reason, 0: none */
	u64 guilty;
	/** @running: number of the job the chip was executing, 0: none */
	u64 running;
	/** @unknown: @running is not known, the oldest of each ring may have been begun */
	bool unknown;
	/** @sram: the resident SRAM lost its contents */
	bool sram;
	/** @ended: returned: jobs ended by it */
	u32 ended;
};

int ig1_reset_init(struct ig1_device *dev);
void ig1_reset_fini(struct ig1_device *dev);

/* A reset soon; atomic. Nothing after ig1_reset_fini(). */
void ig1_reset_schedule(struct ig1_device *dev);

/*
 * What becomes of a mailbox command of user space's that ended with @err when @recoveries was as
 * given: true when the firmware did not answer and has been started anew since, so that another try
 * makes sense. Waits for that. Inside drm_dev_enter(), the chip awake, without hw_lock.
 */
bool ig1_reset_retry(struct ig1_device *dev, int err, u32 recoveries);

/* There will be no recovery: says so to those who wait in ig1_reset_retry(). */
void ig1_reset_fail(struct ig1_device *dev);

/* The scheduler's timer for a job has run out. */
void ig1_reset_timeout(struct ig1_job *job);

/*
 * Holds all of the chip but its host interface in reset until it is started again: no access to
 * memory after it. Does not look at drm_dev_enter(). -ENODEV: not there, -ETIMEDOUT.
 */
int ig1_reset_halt(struct ig1_device *dev);

/*
 * Stops a chip that is found at probe, whatever its last owner left it doing: by a reset of its
 * function if nothing else helps. The device's lock is held, hw_lock is not: the reset takes locks
 * that memory is allocated under. Says why when it fails.
 */
int ig1_reset_quiesce(struct ig1_device *dev);

/*
 * The two halves of every recovery; hw_lock held for writing. begin() stops the chip after
 * reading what it has answered; complete() decides what becomes of the jobs and starts it again.
 * When complete() fails the device is dead: jobs have ended with -EIO, the caller unplugs it with
 * ig1_reset_give_up(). When it succeeds with &ig1_reset.flr set the chip stays stopped for now
 * (&ig1_pm.suspended, &ig1_pm.loss): it is called again behind a function-level reset.
 */
void ig1_reset_begin(struct ig1_device *dev, struct ig1_loss *loss);
int ig1_reset_complete(struct ig1_device *dev, struct ig1_loss *loss);

/*
 * The chip does not come back: ends all jobs with -EIO, keeps it from memory and unplugs it. With
 * no lock held and outside of drm_dev_enter().
 */
void ig1_reset_lose(struct ig1_device *dev);

/* The same, if the PCI core's recovery from an error does not come to its end. */
void ig1_reset_lose_overdue(struct ig1_device *dev);

/* After a failed recovery, with no lock held and outside of drm_dev_enter(). */
void ig1_reset_give_up(struct ig1_device *dev);

#endif /* _IG1_RESET_H_ */
