/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _IG1_TEST_CHIP_H_
#define _IG1_TEST_CHIP_H_

#include <linux/delay.h>

#include <kunit/test.h>

#include "ig1_device.h"
#include "ig1_queue.h"

/**
 * struct test_chip - A device whose chip the test plays
 */
struct test_chip {
	/** @test: for assertions */
	struct kunit *test;
	/** @dev: device */
	struct ig1_device *dev;
	/** @vm: address space, never released */
	struct ig1_vm *vm;
	/** @root: its page table */
	struct ig1_pt root;
	/** @stats: of a file */
	struct ig1_file_stats *stats;
	/** @tail: last doorbell of each ring */
	u32 tail[IG1_PRIORITIES];
	/** @answered: completions written to each ring since the last start */
	u32 answered[IG1_PRIORITIES];
	/** @running_ring: the chip executes its next job; -1: none */
	int running_ring;
	/** @commands: commands it has issued */
	u32 commands;
	/** @emitted: token records it has written */
	u32 emitted;
	/** @obeys: a context that is stopped ends its jobs */
	bool obeys;
	/** @ends_at: mailbox command before which its job ends by itself; 0: none */
	u32 ends_at;
	/** @ends_error: of that command */
	int ends_error;
	/** @mbox_error: of every mailbox command */
	int mbox_error;
	/** @halt_error: of every reset of the chip alone */
	int halt_error;
	/** @flrs: function-level resets that were asked for */
	u32 flrs;
	/** @flr_busy: the next ones that somebody else is in the way of */
	u32 flr_busy;
	/** @flr_again: the next ones behind which it hangs again */
	u32 flr_again;
	/** @flr_helps: one ends @halt_error */
	bool flr_helps;
	/** @pdev: device for the handlers of bus errors and resets; NULL: it has no resets */
	struct pci_dev *pdev;
	/** @start_error: of every start */
	int start_error;
	/** @stopped_context: context that the last command stopped */
	u32 stopped_context;
	/** @starts: how often the chip was started */
	u32 starts;
	/** @broken: how often nonsense was reported */
	u32 broken;
	/** @cut: the chip was cut off */
	bool cut;
};

struct test_chip *test_chip_create(struct kunit *test);

/* Descriptor n of a ring, or NULL beyond its tail. */
const struct ig1_hw_job *test_chip_job(struct test_chip *chip, u32 ring, u32 n);

/* Writes the next answer of a ring without saying so. */
struct ig1_hw_completion *test_chip_write(struct test_chip *chip, u32 ring, u32 fault);
/* Writes it, and the interrupt comes. */
void test_chip_answer(struct test_chip *chip, u32 ring, u32 fault);

struct ig1_queue *test_queue(struct test_chip *chip, u32 priority);

/* Submits a job; returns its finished fence, to be put. */
struct dma_fence *test_submit(struct test_chip *chip, struct ig1_queue *queue,
			      struct dma_fence *dependency);

/* Waits for a fence and expects an error, or 0; puts it. */
void test_expect(struct test_chip *chip, struct dma_fence *fence, int error);

/* Somebody else's fence, which does not signal. */
struct dma_fence *test_foreign_fence(struct test_chip *chip);
/* Nobody but the test has it any more: no callback, no gate. Ends it. */
void test_expect_alone(struct test_chip *chip, struct dma_fence *fence);

/* Waits until the ring has got n descriptors. */
void test_wait_tail(struct test_chip *chip, u32 ring, u32 n);

static inline u32 state_of(struct ig1_queue *queue)
{
	guard(spinlock)(&queue->dev->hwq.lock);
	return queue->state;
}

/* Its end is asynchronous; so is that of the numbers it held. */
static inline void close_queue(struct test_chip *chip, struct ig1_queue *queue)
{
	ig1_queue_close(queue);
	flush_workqueue(chip->dev->sched.wq);
	flush_workqueue(ig1_free_wq);
}

static inline void expect_no_queues(struct test_chip *chip)
{
	u32 i;

	for (i = 0; i < 1000 && !list_empty(&chip->dev->sched.queues); i++) {
		usleep_range(1000, 2000);
		flush_workqueue(ig1_free_wq);
	}
	KUNIT_EXPECT_TRUE(chip->test, list_empty(&chip->dev->sched.queues));
}

/* A PCI device as far as the handlers look at it: its driver's data. */
static inline struct pci_dev *bus_device(struct test_chip *chip)
{
	struct pci_dev *pdev = kunit_kzalloc(chip->test, sizeof(*pdev), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(chip->test, pdev);
	pci_set_drvdata(pdev, chip->dev);
	return pdev;
}

static inline pci_ers_result_t bus_error(struct pci_dev *pdev, pci_channel_state_t state)
{
	return ig1_pci_err_handlers.error_detected(pdev, state);
}

#endif /* _IG1_TEST_CHIP_H_ */
