/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _IG1_TEST_CHIP_H_
#define _IG1_TEST_CHIP_H_

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
	/** @mbox_error: of every mailbox command */
	int mbox_error;
	/** @halt_error: of every reset of the chip alone */
	int halt_error;
	/** @flrs: function-level resets that were asked for */
	u32 flrs;
	/** @flr_busy: the next ones that somebody else is in the way of */
	u32 flr_busy;
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

/* Waits until the ring has got n descriptors. */
void test_wait_tail(struct test_chip *chip, u32 ring, u32 n);

#endif /* _IG1_TEST_CHIP_H_ */
