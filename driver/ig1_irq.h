/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _IG1_IRQ_H_
#define _IG1_IRQ_H_

#include "ig1_hw.h"

struct ig1_device;

/**
 * struct ig1_irq_vector - One interrupt vector
 */
struct ig1_irq_vector {
	/** @dev: device, for the handler */
	struct ig1_device *dev;
	/** @index: number of the vector */
	u32 index;
	/** @irq: Linux interrupt number */
	int irq;
	/** @name: in /proc/interrupts */
	char name[24];
};

/**
 * struct ig1_irq - Interrupts
 *
 * With fewer than IG1_VECTORS vectors, hardware queue n reports on vector n mod @count.
 */
struct ig1_irq {
	/** @vector: the vectors */
	struct ig1_irq_vector vector[IG1_VECTORS];
	/** @count: how many there are */
	u32 count;
	/** @started: between ig1_irq_start() and ig1_irq_stop(); under hw_lock */
	bool started;
};

int ig1_irq_init(struct ig1_device *dev);
void ig1_irq_start(struct ig1_device *dev);
void ig1_irq_stop(struct ig1_device *dev);

/*
 * The threaded handler calls ig1_hwq_vector(dev, vector), in ig1_hwq.h, inside drm_dev_enter();
 * with a single vector for everything it is called for all.
 */

#endif /* _IG1_IRQ_H_ */
