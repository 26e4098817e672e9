// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: Power
 *
 * The chip sleeps when no job has wanted it for AUTOSUSPEND_MS. D3 loses the resident SRAM, so it
 * does not while buffers live there. Each job holds a power reference from EXEC to its end.
 *
 * System sleep and a function-level reset that is announced let the chip finish the jobs in its
 * rings, copy the resident SRAM to host memory by a program of the driver's own (ig1_resident.c),
 * and stop. Afterwards the copy goes back and the jobs that waited continue. Jobs that do not end
 * in time refuse the sleep; before a reset they are lost (-EIO).
 *
 * These transitions, and the bus errors' callbacks, end in ig1_reset_complete() like a recovery.
 */
#include <linux/pci.h>
#include <linux/pm_runtime.h>

#include "ig1_device.h"
#include "ig1_resident.h"

#define AUTOSUSPEND_MS 1000
/* For the jobs in the rings, before a sleep and before a reset. */
#define SUSPEND_PARK_MS 30000
#define RESET_PARK_MS	1000

int ig1_pm_get(struct ig1_device *dev)
{
	int err = pm_runtime_resume_and_get(dev->drm.dev);

	return err < 0 ? err : 0;
}

bool ig1_pm_get_if_awake(struct ig1_device *dev)
{
	int err = pm_runtime_get_if_active(dev->drm.dev);

	/* No runtime PM, or not now: it stays as it is. The reference is for the put. */
	if (err < 0)
		pm_runtime_get_noresume(dev->drm.dev);
	return err != 0;
}

void ig1_pm_put(struct ig1_device *dev)
{
	pm_runtime_mark_last_busy(dev->drm.dev);
	pm_runtime_put_autosuspend(dev->drm.dev);
}

void ig1_pm_put_unused(struct ig1_device *dev)
{
	/* The idle check suspends it when the time since the last work has passed. */
	pm_runtime_put(dev->drm.dev);
}

void ig1_pm_kick(struct ig1_device *dev)
{
	int idx;

	if (!drm_dev_enter(&dev->drm, &idx))
		return;
	/* A reference that comes and goes starts the timer anew. */
	if (dev->pm.enabled && ig1_pm_get_if_awake(dev))
		ig1_pm_put(dev);
	drm_dev_exit(idx);
}

static void config_release(void *config)
{
	kfree(config);
}

int ig1_pm_init(struct ig1_device *dev)
{
	struct device *parent = dev->drm.dev;
	int err;

	err = pci_save_state(dev->pdev);
	if (err)
		return err;
	/* The PCI core's copy is used up by whoever restores it first. */
	dev->pm.config = pci_store_saved_state(dev->pdev);
	if (!dev->pm.config)
		return -ENOMEM;
	err = devm_add_action_or_reset(parent, config_release, dev->pm.config);
	if (err)
		return err;
	pm_runtime_set_autosuspend_delay(parent, AUTOSUSPEND_MS);
	pm_runtime_use_autosuspend(parent);
	pm_runtime_mark_last_busy(parent);
	dev->pm.enabled = true;
	/* The PCI core holds a reference for drivers that do nothing, and forbids it by default. */
	pm_runtime_allow(parent);
	pm_runtime_put_autosuspend(parent);
	return 0;
}

void ig1_pm_fini(struct ig1_device *dev)
{
	struct device *parent = dev->drm.dev;

	if (!dev->pm.enabled)
		return;
	dev->pm.enabled = false;
	/* Awake, and back to what the PCI core expects. */
	pm_runtime_get_sync(parent);
	pm_runtime_forbid(parent);
	pm_runtime_dont_use_autosuspend(parent);
}

void ig1_pm_release(struct ig1_device *dev)
{
	ig1_resident_free(dev->pm.resident);
	dev->pm.resident = NULL;
}

static bool sram_in_use(struct ig1_device *dev)
{
	return ig1_sram_free_pages(&dev->sram) != dev->sram.pages;
}

/*
 * The first half: parks jobs, saves the SRAM, stops the chip. @force: whatever it costs.
 */
static int stop_chip(struct ig1_device *dev, long park_ms, bool force)
{
	struct ig1_resident *resident = NULL;
	struct ig1_loss loss = {};
	int err, dead = 0;

	/* Stopped already, for a reset that is to come: perhaps this one. A sleep can wait. */
	if (READ_ONCE(dev->reset.flr))
		return force ? 0 : -EBUSY;
	/* Memory before the lock, which is a fence's way. */
	if (sram_in_use(dev))
		resident = ig1_resident_alloc(dev);
	if (IS_ERR(resident)) {
		if (!force)
			return PTR_ERR(resident);
		resident = NULL;
		loss.sram = true;
	}
	err = ig1_hwq_park(dev, msecs_to_jiffies(park_ms));
	if (err && !force) {
		drm_dbg(&dev->drm, "jobs are still running\n");
		goto free;
	}
	down_write(&dev->hw_lock);
	if (dev->pm.suspended) {
		up_write(&dev->hw_lock);
		err = force ? 0 : -EBUSY;
		goto unpark;
	}
	/* Somebody may have made a buffer since. */
	if (!resident && sram_in_use(dev))
		err = err ?: -EAGAIN;
	/* The rings are empty, or the chip is busy and cannot be asked. */
	err = err ?: resident ? ig1_resident_save(dev, resident) : 0;
	if (err && !force)
		goto unlock;
	if (err)
		loss.sram = true;
	ig1_reset_begin(dev, &loss);
	dev->pm.suspended = true;
	dev->pm.resident = resident;
	dev->pm.loss = loss;
	up_write(&dev->hw_lock);
	return 0;
unlock:
	if (err == -ETIMEDOUT) {
		/* It may be copying still, into memory that is about to be freed. */
		ig1_reset_begin(dev, &loss);
		dead = ig1_reset_complete(dev, &loss);
		/* It is not stopped before that. */
		if (dev->reset.flr)
			swap(dev->pm.resident, resident);
	}
	up_write(&dev->hw_lock);
unpark:
	if (!dead)
		ig1_hwq_unpark(dev);
free:
	ig1_resident_free(resident);
	/* The caller unplugs it. */
	return dead ? -ENODEV : err;
}

/* The second half. */
static int start_chip(struct ig1_device *dev)
{
	struct ig1_loss *loss = &dev->pm.loss;
	int err = 0;

	down_write(&dev->hw_lock);
	if (!dev->pm.suspended || dev->reset.failed)
		goto unlock;
	err = ig1_reset_complete(dev, loss);
	if (dev->reset.flr)
		goto unlock;
	if (!err && dev->pm.resident && !loss->sram) {
		err = ig1_resident_load(dev, dev->pm.resident);
		if (err) {
			/*
			 * What it held is still here: the queues that need it learn that it is
			 * not.
			 */
			drm_err(&dev->drm, "resident SRAM is lost: %pe\n", ERR_PTR(err));
			loss->sram = true;
			ig1_reset_begin(dev, loss);
			err = ig1_reset_complete(dev, loss);
			if (dev->reset.flr)
				goto unlock;
		}
	}
	ig1_resident_free(dev->pm.resident);
	dev->pm.resident = NULL;
	dev->pm.suspended = false;
	WRITE_ONCE(dev->pm.frozen, 0);
	if (!err)
		ig1_hwq_unpark(dev);
unlock:
	up_write(&dev->hw_lock);
	return err;
}

static struct ig1_device *to_dev(struct device *parent)
{
	return dev_get_drvdata(parent);
}

static int system_suspend(struct device *parent)
{
	struct ig1_device *dev = to_dev(parent);
	int idx, err = 0;

	if (!drm_dev_enter(&dev->drm, &idx))
		return 0;
	/* Asleep already: nothing to keep, and it stays asleep. */
	if (!pm_runtime_suspended(parent))
		err = stop_chip(dev, SUSPEND_PARK_MS, false);
	drm_dev_exit(idx);
	if (READ_ONCE(dev->reset.failed))
		ig1_reset_give_up(dev);
	return err;
}

static int system_resume(struct device *parent)
{
	struct ig1_device *dev = to_dev(parent);
	int idx, err;

	if (!drm_dev_enter(&dev->drm, &idx))
		return 0;
	err = start_chip(dev);
	drm_dev_exit(idx);
	if (err)
		ig1_reset_give_up(dev);
	return err;
}

static int runtime_suspend(struct device *parent)
{
	struct ig1_device *dev = to_dev(parent);
	int idx;

	if (!drm_dev_enter(&dev->drm, &idx))
		return 0;
	/* No job holds a reference. Buffers in the chip keep it awake. */
	down_write(&dev->hw_lock);
	if (sram_in_use(dev) || !ig1_hwq_idle(dev) || dev->pm.suspended) {
		up_write(&dev->hw_lock);
		drm_dev_exit(idx);
		return -EBUSY;
	}
	dev->hwq.ops->stop(dev);
	up_write(&dev->hw_lock);
	drm_dev_exit(idx);
	return 0;
}

static int runtime_resume(struct device *parent)
{
	struct ig1_device *dev = to_dev(parent);
	int idx, err;

	if (!drm_dev_enter(&dev->drm, &idx))
		return 0;
	down_write(&dev->hw_lock);
	err = dev->hwq.ops->start(dev);
	/* Once more, as after a reset. */
	if (err)
		err = dev->hwq.ops->start(dev);
	if (err)
		ig1_reset_fail(dev);
	up_write(&dev->hw_lock);
	/*
	 * The PCI device is awake, that its chip is dead is another matter: an error of this
	 * callback would outlive the driver. Whoever woke it cannot unplug it.
	 */
	if (err)
		ig1_reset_schedule(dev);
	drm_dev_exit(idx);
	return 0;
}

const struct dev_pm_ops ig1_pm_ops = {
	SYSTEM_SLEEP_PM_OPS(system_suspend, system_resume)
	/* No idle callback: pm_runtime_autosuspend() in one would count as work since 6.17. */
	RUNTIME_PM_OPS(runtime_suspend, runtime_resume, NULL)
};

/* An announced function-level reset. */
static void reset_prepare(struct pci_dev *pdev)
{
	struct ig1_device *dev = pci_get_drvdata(pdev);
	int idx;

	pm_runtime_get_sync(&pdev->dev);
	if (!drm_dev_enter(&dev->drm, &idx))
		return;
	stop_chip(dev, RESET_PARK_MS, true);
	drm_dev_exit(idx);
}

static void reset_done(struct pci_dev *pdev)
{
	system_resume(&pdev->dev);
	pm_runtime_put_autosuspend(&pdev->dev);
}

static pci_ers_result_t error_detected(struct pci_dev *pdev, pci_channel_state_t state)
{
	struct ig1_device *dev = pci_get_drvdata(pdev);
	struct ig1_loss loss = { .sram = true };
	bool frozen;
	int idx;

	if (state == pci_channel_io_normal)
		return PCI_ERS_RESULT_CAN_RECOVER;
	if (state == pci_channel_io_perm_failure) {
		ig1_reset_lose(dev);
		return PCI_ERS_RESULT_DISCONNECT;
	}
	if (!drm_dev_enter(&dev->drm, &idx))
		return PCI_ERS_RESULT_DISCONNECT;
	down_write(&dev->hw_lock);
	/* A chip that is stopped for a sleep starts when that ends, with what was saved of it. */
	frozen = !dev->pm.suspended || dev->reset.flr || dev->pm.frozen;
	if (!dev->pm.suspended) {
		/* It does not answer, so do not ask. */
		dev->fw.running = false;
		ig1_reset_begin(dev, &loss);
		dev->pm.suspended = true;
		dev->pm.loss = loss;
	}
	/* Of the resets that it may wait for, this is the one. */
	WRITE_ONCE(dev->reset.flr, false);
	if (frozen)
		WRITE_ONCE(dev->pm.frozen, jiffies ?: 1);
	up_write(&dev->hw_lock);
	drm_dev_exit(idx);
	return PCI_ERS_RESULT_NEED_RESET;
}

static pci_ers_result_t slot_reset(struct pci_dev *pdev)
{
	struct ig1_device *dev = pci_get_drvdata(pdev);

	/* Also enables it again; the counts of the PCI core are as they were. */
	if (pci_load_saved_state(pdev, dev->pm.config)) {
		ig1_reset_lose(dev);
		return PCI_ERS_RESULT_DISCONNECT;
	}
	pci_restore_state(pdev);
	return PCI_ERS_RESULT_RECOVERED;
}

static void error_resume(struct pci_dev *pdev)
{
	struct ig1_device *dev = pci_get_drvdata(pdev);

	/* Comes behind an error that left the chip alone, too: others may have stopped it. */
	if (READ_ONCE(dev->pm.frozen))
		system_resume(&pdev->dev);
}

const struct pci_error_handlers ig1_pci_err_handlers = {
	.reset_prepare = reset_prepare,
	.reset_done = reset_done,
	.error_detected = error_detected,
	.slot_reset = slot_reset,
	.resume = error_resume,
};
