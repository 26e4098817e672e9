// SPDX-License-Identifier: GPL-2.0-only
/* KUnit: bus errors and sleep. */
#include "ig1_test_chip.h"

/* --- bus errors ----------------------------------------------------------------------------- */

/* The bus is gone for good: jobs end, the device is unplugged and does not come back. */
static void test_bus_lost(struct kunit *test)
{
	struct test_chip *chip = test_chip_create(test);
	struct pci_dev *pdev = bus_device(chip);
	struct dma_fence *never = test_foreign_fence(chip), *f[3];
	struct ig1_device *dev = chip->dev;
	struct ig1_queue *queue;

	dev->reset.timeout_ms = 10000;
	queue = test_queue(chip, 1);
	f[0] = test_submit(chip, queue, NULL);
	test_wait_tail(chip, 1, 1);
	f[1] = test_submit(chip, queue, never);
	KUNIT_EXPECT_TRUE(test, bus_error(pdev, pci_channel_io_perm_failure) ==
					PCI_ERS_RESULT_DISCONNECT);
	test_expect(chip, f[0], -EIO);
	test_expect(chip, f[1], -EIO);
	test_expect_alone(chip, never);
	KUNIT_EXPECT_TRUE(test, drm_dev_is_unplugged(&dev->drm));
	KUNIT_EXPECT_TRUE(test, dev->reset.failed);
	KUNIT_EXPECT_TRUE(test, chip->cut);
	KUNIT_EXPECT_EQ(test, chip->starts, 0);
	f[2] = test_submit(chip, queue, NULL);
	test_expect(chip, f[2], -EIO);
	/* And again: it is nothing new. */
	KUNIT_EXPECT_TRUE(test, bus_error(pdev, pci_channel_io_perm_failure) ==
					PCI_ERS_RESULT_DISCONNECT);
	KUNIT_EXPECT_TRUE(test,
			  bus_error(pdev, pci_channel_io_frozen) == PCI_ERS_RESULT_DISCONNECT);
	ig1_pci_err_handlers.resume(pdev);
	KUNIT_EXPECT_EQ(test, chip->starts, 0);
	close_queue(chip, queue);
	expect_no_queues(chip);
}

/* The slot is reset: what may have been begun is lost, the rest goes on, SRAM is not trusted. */
static void test_bus_frozen(struct kunit *test)
{
	struct test_chip *chip = test_chip_create(test);
	struct pci_dev *pdev = bus_device(chip);
	struct ig1_device *dev = chip->dev;
	struct ig1_queue *queue, *other;
	struct dma_fence *f[2];

	dev->reset.timeout_ms = 10000;
	queue = test_queue(chip, 1);
	other = test_queue(chip, 1);
	f[0] = test_submit(chip, queue, NULL);
	test_wait_tail(chip, 1, 1);
	f[1] = test_submit(chip, other, NULL);
	test_wait_tail(chip, 1, 2);
	KUNIT_EXPECT_TRUE(test,
			  bus_error(pdev, pci_channel_io_normal) == PCI_ERS_RESULT_CAN_RECOVER);
	KUNIT_EXPECT_FALSE(test, dev->pm.suspended);
	chip->mbox_error = -EIO;
	KUNIT_EXPECT_TRUE(test,
			  bus_error(pdev, pci_channel_io_frozen) == PCI_ERS_RESULT_NEED_RESET);
	KUNIT_EXPECT_TRUE(test, dev->pm.suspended);
	KUNIT_EXPECT_TRUE(test, dev->pm.loss.sram);
	KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(f[0]));
	KUNIT_EXPECT_EQ(test, chip->starts, 0);
	ig1_pci_err_handlers.resume(pdev);
	KUNIT_EXPECT_FALSE(test, dev->pm.suspended);
	KUNIT_EXPECT_EQ(test, dev->pm.frozen, 0);
	KUNIT_EXPECT_EQ(test, chip->starts, 1);
	test_expect(chip, f[0], -EIO);
	KUNIT_EXPECT_EQ(test, state_of(queue), DRM_INTAGLIO_QUEUE_BANNED);
	KUNIT_EXPECT_EQ(test, chip->tail[1], 1);
	test_chip_answer(chip, 1, 0);
	test_expect(chip, f[1], 0);
	close_queue(chip, queue);
	close_queue(chip, other);
}

/* Nobody tells that the slot could not be reset: a job's timer finds out. */
static void test_bus_forgotten(struct kunit *test)
{
	struct test_chip *chip = test_chip_create(test);
	struct pci_dev *pdev = bus_device(chip);
	struct ig1_device *dev = chip->dev;
	struct ig1_queue *queue = test_queue(chip, 1);
	struct dma_fence *f = test_submit(chip, queue, NULL);

	test_wait_tail(chip, 1, 1);
	KUNIT_EXPECT_TRUE(test,
			  bus_error(pdev, pci_channel_io_frozen) == PCI_ERS_RESULT_NEED_RESET);
	/* Some time-outs of the job: it is not that long yet. */
	msleep(200);
	KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(f));
	down_write(&dev->hw_lock);
	dev->pm.frozen = jiffies - msecs_to_jiffies(61000);
	up_write(&dev->hw_lock);
	test_expect(chip, f, -EIO);
	drain_workqueue(dev->reset.wq);
	KUNIT_EXPECT_TRUE(test, drm_dev_is_unplugged(&dev->drm));
	KUNIT_EXPECT_TRUE(test, chip->cut);
	close_queue(chip, queue);
	expect_no_queues(chip);
}

/* --- power ---------------------------------------------------------------------------------- */

/* Asleep only with nothing in the rings and nothing in the SRAM; awake with rings that work. */
static void test_sleep(struct kunit *test)
{
	struct test_chip *chip = test_chip_create(test);
	struct ig1_queue *queue = test_queue(chip, 1);
	struct ig1_device *dev = chip->dev;
	struct device *parent = dev->drm.dev;
	struct dma_fence *f = test_submit(chip, queue, NULL);

	dev_set_drvdata(parent, dev);
	test_wait_tail(chip, 1, 1);
	KUNIT_EXPECT_EQ(test, ig1_pm_ops.runtime_suspend(parent), -EBUSY);
	test_chip_answer(chip, 1, 0);
	test_expect(chip, f, 0);
	dev->sram.pages = 4;
	dev->sram.free = 3;
	KUNIT_EXPECT_EQ(test, ig1_pm_ops.runtime_suspend(parent), -EBUSY);
	KUNIT_EXPECT_TRUE(test, dev->hwq.started);
	dev->sram.free = 4;
	KUNIT_EXPECT_EQ(test, ig1_pm_ops.runtime_suspend(parent), 0);
	KUNIT_EXPECT_FALSE(test, dev->hwq.started);
	KUNIT_EXPECT_EQ(test, chip->starts, 0);
	KUNIT_EXPECT_EQ(test, ig1_pm_ops.runtime_resume(parent), 0);
	KUNIT_EXPECT_EQ(test, chip->starts, 1);
	f = test_submit(chip, queue, NULL);
	test_wait_tail(chip, 1, 1);
	test_chip_answer(chip, 1, 0);
	test_expect(chip, f, 0);
	close_queue(chip, queue);
}

/* A chip that does not wake up is given up, and who waits is told; the PM core sees no error. */
static void test_no_wake(struct kunit *test)
{
	struct test_chip *chip = test_chip_create(test);
	struct ig1_queue *queue = test_queue(chip, 1);
	struct ig1_device *dev = chip->dev;
	struct device *parent = dev->drm.dev;

	dev_set_drvdata(parent, dev);
	KUNIT_EXPECT_EQ(test, ig1_pm_ops.runtime_suspend(parent), 0);
	chip->start_error = -ETIMEDOUT;
	KUNIT_EXPECT_EQ(test, ig1_pm_ops.runtime_resume(parent), 0);
	test_expect(chip, test_submit(chip, queue, NULL), -EIO);
	drain_workqueue(dev->reset.wq);
	KUNIT_EXPECT_TRUE(test, drm_dev_is_unplugged(&dev->drm));
	KUNIT_EXPECT_TRUE(test, chip->cut);
	close_queue(chip, queue);
	expect_no_queues(chip);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(test_bus_lost), KUNIT_CASE(test_bus_frozen), KUNIT_CASE(test_bus_forgotten),
	KUNIT_CASE(test_sleep),	   KUNIT_CASE(test_no_wake),	{},
};

static struct kunit_suite suite = {
	.name = "ig1_pm",
	.test_cases = cases,
};

kunit_test_suite(suite);
