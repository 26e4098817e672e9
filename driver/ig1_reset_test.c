// SPDX-License-Identifier: GPL-2.0-only
/* Tests of recoveries that need more than a reset of the chip alone, and of what meets them. */
#include "ig1_test_chip.h"

/* A chip that does not reset, with a job that it executes and one that it has not begun. */
static void stuck(struct test_chip *chip, struct ig1_queue *queue[2], struct dma_fence *f[2])
{
	struct ig1_device *dev = chip->dev;
	struct ig1_loss loss = {};
	u32 i;

	dev->reset.timeout_ms = 10000;
	for (i = 0; i < 2; i++) {
		queue[i] = test_queue(chip, 1);
		f[i] = test_submit(chip, queue[i], NULL);
		test_wait_tail(chip, 1, i + 1);
	}
	chip->halt_error = -ETIMEDOUT;
	chip->running_ring = 1;
	down_write(&dev->hw_lock);
	ig1_reset_begin(dev, &loss);
	KUNIT_EXPECT_EQ(chip->test, ig1_reset_complete(dev, &loss), 0);
	KUNIT_EXPECT_TRUE(chip->test, dev->pm.suspended);
	KUNIT_EXPECT_TRUE(chip->test, dev->pm.loss.sram);
	KUNIT_EXPECT_FALSE(chip->test, dma_fence_is_signaled(f[0]));
	KUNIT_EXPECT_EQ(chip->test, dev->stats.resets, 0);
	up_write(&dev->hw_lock);
}

/* The same, where a reset of the function helps, but somebody is at the device for two tries. */
static void stuck_while_busy(struct test_chip *chip, struct ig1_queue *queue[2],
			     struct dma_fence *f[2])
{
	chip->pdev = bus_device(chip);
	chip->flr_helps = true;
	chip->flr_busy = 2;
	stuck(chip, queue, f);
}

/* Of the two jobs the one that was executed is lost, the other one runs now. */
static void expect_first_lost(struct test_chip *chip, struct ig1_queue *queue[2],
			      struct dma_fence *f[2])
{
	test_expect(chip, f[0], -EIO);
	test_chip_answer(chip, 1, 0);
	test_expect(chip, f[1], 0);
	close_queue(chip, queue[0]);
	close_queue(chip, queue[1]);
}

/*
 * A transfer that does not end keeps the chip from resetting: the whole function is reset, as soon
 * as nobody else is at the device. A sleep does not come between.
 */
static void test_flr(struct kunit *test)
{
	struct test_chip *chip = test_chip_create(test);
	struct ig1_device *dev = chip->dev;
	struct ig1_queue *queue[2];
	struct dma_fence *f[2];

	stuck_while_busy(chip, queue, f);
	KUNIT_EXPECT_EQ(test, ig1_pm_ops.suspend(&chip->pdev->dev), -EBUSY);
	flush_workqueue(dev->reset.wq);
	KUNIT_EXPECT_EQ(test, chip->flrs, 3);
	KUNIT_EXPECT_EQ(test, chip->starts, 1);
	KUNIT_EXPECT_EQ(test, dev->stats.resets, 1);
	KUNIT_EXPECT_FALSE(test, dev->reset.flr);
	KUNIT_EXPECT_FALSE(test, dev->pm.suspended);
	KUNIT_EXPECT_EQ(test, state_of(queue[0]), DRM_INTAGLIO_QUEUE_BANNED);
	expect_first_lost(chip, queue, f);
}

/* There is no such reset (@works: or it changes nothing): the device is given up. */
static void flr_fails(struct kunit *test, bool works)
{
	struct test_chip *chip = test_chip_create(test);
	struct ig1_device *dev = chip->dev;
	struct ig1_queue *queue[2];
	struct dma_fence *f[2];

	if (works)
		chip->pdev = bus_device(chip);
	stuck(chip, queue, f);
	flush_workqueue(dev->reset.wq);
	KUNIT_EXPECT_EQ(test, chip->flrs, 1);
	KUNIT_EXPECT_EQ(test, chip->starts, 0);
	KUNIT_EXPECT_TRUE(test, dev->reset.failed);
	KUNIT_EXPECT_TRUE(test, chip->cut);
	KUNIT_EXPECT_TRUE(test, drm_dev_is_unplugged(&dev->drm));
	test_expect(chip, f[0], -EIO);
	test_expect(chip, f[1], -EIO);
	close_queue(chip, queue[0]);
	close_queue(chip, queue[1]);
	expect_no_queues(chip);
}

static void test_flr_missing(struct kunit *test)
{
	flr_fails(test, false);
}

static void test_flr_useless(struct kunit *test)
{
	flr_fails(test, true);
}

/* It hangs again before it is whole: it is reset once more. */
static void test_flr_again(struct kunit *test)
{
	struct test_chip *chip = test_chip_create(test);
	struct ig1_device *dev = chip->dev;
	struct ig1_queue *queue[2], *other;
	struct dma_fence *f[2];

	chip->pdev = bus_device(chip);
	chip->flr_helps = true;
	chip->flr_again = 1;
	stuck(chip, queue, f);
	flush_workqueue(dev->reset.wq);
	KUNIT_EXPECT_EQ(test, chip->flrs, 2);
	KUNIT_EXPECT_EQ(test, chip->starts, 2);
	KUNIT_EXPECT_FALSE(test, dev->reset.failed);
	test_expect(chip, f[0], -EIO);
	test_expect(chip, f[1], -EIO);
	chip->running_ring = -1;
	other = test_queue(chip, 1);
	f[0] = test_submit(chip, other, NULL);
	test_wait_tail(chip, 1, 1);
	test_chip_answer(chip, 1, 0);
	test_expect(chip, f[0], 0);
	close_queue(chip, queue[0]);
	close_queue(chip, queue[1]);
	close_queue(chip, other);
}

/* An error that changes nothing at the chip comes between: the reset is still to come. */
static void test_flr_error(struct kunit *test)
{
	struct test_chip *chip = test_chip_create(test);
	struct ig1_device *dev = chip->dev;
	struct ig1_queue *queue[2];
	struct dma_fence *f[2];

	stuck_while_busy(chip, queue, f);
	KUNIT_EXPECT_TRUE(test, bus_error(chip->pdev, pci_channel_io_normal) ==
					PCI_ERS_RESULT_CAN_RECOVER);
	ig1_pci_err_handlers.resume(chip->pdev);
	KUNIT_EXPECT_TRUE(test, dev->reset.flr);
	KUNIT_EXPECT_TRUE(test, dev->pm.suspended);
	flush_workqueue(dev->reset.wq);
	KUNIT_EXPECT_EQ(test, chip->flrs, 3);
	KUNIT_EXPECT_EQ(test, chip->starts, 1);
	expect_first_lost(chip, queue, f);
}

/* One that resets the slot comes between: that is the reset, and no other disturbs it. */
static void test_flr_frozen(struct kunit *test)
{
	struct test_chip *chip = test_chip_create(test);
	struct ig1_device *dev = chip->dev;
	struct ig1_queue *queue[2];
	struct dma_fence *f[2];

	stuck_while_busy(chip, queue, f);
	KUNIT_EXPECT_TRUE(test, bus_error(chip->pdev, pci_channel_io_frozen) ==
					PCI_ERS_RESULT_NEED_RESET);
	KUNIT_EXPECT_FALSE(test, dev->reset.flr);
	flush_workqueue(dev->reset.wq);
	KUNIT_EXPECT_LE(test, chip->flrs, 2);
	KUNIT_EXPECT_EQ(test, chip->starts, 0);
	KUNIT_EXPECT_FALSE(test, dev->reset.failed);
	chip->halt_error = 0;
	ig1_pci_err_handlers.resume(chip->pdev);
	KUNIT_EXPECT_EQ(test, chip->starts, 1);
	KUNIT_EXPECT_FALSE(test, dev->pm.suspended);
	KUNIT_EXPECT_EQ(test, dev->pm.frozen, 0);
	/* What ran is known from before. */
	expect_first_lost(chip, queue, f);
}

/* The chip hangs behind the slot's reset: from there on it is a recovery of the driver's. */
static void test_frozen_flr(struct kunit *test)
{
	struct test_chip *chip = test_chip_create(test);
	struct ig1_device *dev = chip->dev;
	struct ig1_queue *queue;
	struct dma_fence *f;

	chip->pdev = bus_device(chip);
	chip->flr_helps = true;
	chip->flr_busy = 1;
	dev->reset.timeout_ms = 10000;
	queue = test_queue(chip, 1);
	f = test_submit(chip, queue, NULL);
	test_wait_tail(chip, 1, 1);
	chip->mbox_error = -EIO;
	KUNIT_EXPECT_TRUE(test, bus_error(chip->pdev, pci_channel_io_frozen) ==
					PCI_ERS_RESULT_NEED_RESET);
	chip->halt_error = -ETIMEDOUT;
	ig1_pci_err_handlers.resume(chip->pdev);
	KUNIT_EXPECT_TRUE(test, dev->reset.flr);
	KUNIT_EXPECT_EQ(test, dev->pm.frozen, 0);
	flush_workqueue(dev->reset.wq);
	KUNIT_EXPECT_EQ(test, chip->starts, 1);
	KUNIT_EXPECT_FALSE(test, dev->pm.suspended);
	test_expect(chip, f, -EIO);
	close_queue(chip, queue);
}

/**
 * struct overdue - Who finds that the PCI core's recovery does not end
 */
struct overdue {
	/** @work: finds it */
	struct work_struct work;
	/** @dev: device */
	struct ig1_device *dev;
};

static void lose_overdue(struct work_struct *work)
{
	ig1_reset_lose_overdue(container_of(work, struct overdue, work)->dev);
}

/*
 * The PCI core's recovery is overdue for who looks without the lock, and over when he has it: the
 * chip stays.
 */
static void test_overdue(struct kunit *test)
{
	struct test_chip *chip = test_chip_create(test);
	struct pci_dev *pdev = bus_device(chip);
	struct ig1_device *dev = chip->dev;
	struct overdue late = { .dev = dev };

	KUNIT_EXPECT_TRUE(test,
			  bus_error(pdev, pci_channel_io_frozen) == PCI_ERS_RESULT_NEED_RESET);
	ig1_reset_lose_overdue(dev);
	KUNIT_EXPECT_FALSE(test, dev->reset.failed);
	WRITE_ONCE(dev->pm.frozen, jiffies - msecs_to_jiffies(61000));
	INIT_WORK_ONSTACK(&late.work, lose_overdue);
	/* It waits for the lock, and the recovery ends before it has that. */
	down_write(&dev->hw_lock);
	queue_work(ig1_free_wq, &late.work);
	msleep(50);
	WRITE_ONCE(dev->pm.frozen, 0);
	up_write(&dev->hw_lock);
	flush_work(&late.work);
	destroy_work_on_stack(&late.work);
	KUNIT_EXPECT_FALSE(test, dev->reset.failed);
	KUNIT_EXPECT_FALSE(test, chip->cut);
	KUNIT_EXPECT_FALSE(test, drm_dev_is_unplugged(&dev->drm));
}

/* Errors while the system goes to sleep: the chip starts when it wakes, and not before. */
static void sleep_error(struct kunit *test, pci_channel_state_t state)
{
	struct test_chip *chip = test_chip_create(test);
	struct pci_dev *pdev = bus_device(chip);
	struct ig1_device *dev = chip->dev;

	KUNIT_EXPECT_EQ(test, ig1_pm_ops.suspend(&pdev->dev), 0);
	bus_error(pdev, state);
	ig1_pci_err_handlers.resume(pdev);
	KUNIT_EXPECT_TRUE(test, dev->pm.suspended);
	KUNIT_EXPECT_EQ(test, chip->starts, 0);
	KUNIT_EXPECT_EQ(test, ig1_pm_ops.resume(&pdev->dev), 0);
	KUNIT_EXPECT_FALSE(test, dev->pm.suspended);
	KUNIT_EXPECT_EQ(test, chip->starts, 1);
}

static void test_sleep_error(struct kunit *test)
{
	sleep_error(test, pci_channel_io_normal);
}

static void test_sleep_frozen(struct kunit *test)
{
	sleep_error(test, pci_channel_io_frozen);
}

/**
 * struct witness - What a fence's end has seen
 */
struct witness {
	/** @cb: of the fence */
	struct dma_fence_cb cb;
	/** @chip: the chip */
	struct test_chip *chip;
	/** @cut: it was cut off by then */
	bool cut;
};

static void look(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct witness *w = container_of(cb, struct witness, cb);

	w->cut = w->chip->cut;
}

/* A chip that does not stop reaches no memory when its jobs' fences signal. */
static void test_unplug_stuck(struct kunit *test)
{
	struct test_chip *chip = test_chip_create(test);
	struct witness w = { .chip = chip };
	struct ig1_queue *queue;
	struct dma_fence *f;

	chip->dev->reset.timeout_ms = 10000;
	queue = test_queue(chip, 1);
	f = test_submit(chip, queue, NULL);
	test_wait_tail(chip, 1, 1);
	chip->halt_error = -ETIMEDOUT;
	KUNIT_ASSERT_EQ(test, dma_fence_add_callback(f, &w.cb, look), 0);
	ig1_sched_unplug(chip->dev);
	test_expect(chip, f, -ENODEV);
	KUNIT_EXPECT_TRUE(test, w.cut);
	close_queue(chip, queue);
	expect_no_queues(chip);
}

/**
 * struct find - A chip that probe finds
 */
struct find {
	/** @name: of the case */
	const char *name;
	/** @halt_error: of its reset */
	int halt_error;
	/** @has_flr: its function can be reset */
	bool has_flr;
	/** @flr_helps: and that ends @halt_error */
	bool flr_helps;
	/** @flrs: how often that is tried */
	u32 flrs;
	/** @error: of it all */
	int error;
};

static const struct find finds[] = {
	{ "idle", 0, true, true, 0, 0 },
	{ "busy", -ETIMEDOUT, true, true, 1, 0 },
	{ "hopeless", -ETIMEDOUT, true, false, 1, -ETIMEDOUT },
	{ "no reset", -ETIMEDOUT, false, false, 1, -ENOTTY },
	{ "gone", -ENODEV, true, true, 0, -ENODEV },
};

KUNIT_ARRAY_PARAM_DESC(find, finds, name);

/* What the last owner left running is stopped, by a reset of the function if need be, once. */
static void test_quiesce(struct kunit *test)
{
	const struct find *find = test->param_value;
	struct test_chip *chip = test_chip_create(test);

	chip->halt_error = find->halt_error;
	chip->flr_helps = find->flr_helps;
	if (find->has_flr)
		chip->pdev = bus_device(chip);
	KUNIT_EXPECT_EQ(test, ig1_reset_quiesce(chip->dev), find->error);
	KUNIT_EXPECT_EQ(test, chip->flrs, find->flrs);
	KUNIT_EXPECT_EQ(test, chip->starts, 0);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(test_flr),
	KUNIT_CASE(test_flr_missing),
	KUNIT_CASE(test_flr_useless),
	KUNIT_CASE(test_flr_again),
	KUNIT_CASE(test_flr_error),
	KUNIT_CASE(test_flr_frozen),
	KUNIT_CASE(test_frozen_flr),
	KUNIT_CASE(test_overdue),
	KUNIT_CASE(test_sleep_error),
	KUNIT_CASE(test_sleep_frozen),
	KUNIT_CASE(test_unplug_stuck),
	KUNIT_CASE_PARAM(test_quiesce, find_gen_params),
	{},
};

static struct kunit_suite suite = {
	.name = "ig1_reset",
	.test_cases = cases,
};

kunit_test_suite(suite);
