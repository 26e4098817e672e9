// SPDX-License-Identifier: GPL-2.0-only
/* Interrupt vectors. */
#include "ig1_irq.h"

#include <linux/interrupt.h>
#include <linux/pci.h>

#include "ig1_device.h"

/*
 * A message is an edge: the chip sends one each time the firmware raises a vector, whatever its
 * status bit says, so there is nothing to acknowledge and a completion costs no register access.
 * Several hardware queues may share a vector; ig1_hwq_vector() looks at all of them.
 */
static irqreturn_t irq_thread(int irq, void *data)
{
	struct ig1_irq_vector *v = data;
	int idx;

	if (!drm_dev_enter(&v->dev->drm, &idx))
		return IRQ_NONE;
	ig1_hwq_vector(v->dev, v->index);
	drm_dev_exit(idx);
	return IRQ_HANDLED;
}

static void free_vectors(void *data)
{
	pci_free_irq_vectors(data);
}

/**
 * ig1_irq_init() - Get vectors and handlers
 * @dev: device, its PCI part is enabled
 *
 * Interrupts stay off until ig1_irq_start().
 *
 * Return: 0 or a negative errno.
 */
int ig1_irq_init(struct ig1_device *dev)
{
	struct ig1_irq *irq = &dev->irq;
	struct pci_dev *pdev = dev->pdev;
	struct ig1_irq_vector *v;
	int ret, n;

	n = pci_alloc_irq_vectors(pdev, 1, IG1_VECTORS, PCI_IRQ_MSIX | PCI_IRQ_MSI);
	if (n < 0)
		return n;
	ret = devm_add_action_or_reset(&pdev->dev, free_vectors, pdev);
	if (ret)
		return ret;
	for (irq->count = 0; irq->count < n; irq->count++) {
		v = &irq->vector[irq->count];
		v->dev = dev;
		v->index = irq->count;
		v->irq = pci_irq_vector(pdev, irq->count);
		snprintf(v->name, sizeof(v->name), "intaglio-%u", irq->count);
		ret = devm_request_threaded_irq(&pdev->dev, v->irq, NULL, irq_thread,
						IRQF_ONESHOT | IRQF_NO_AUTOEN, v->name, v);
		if (ret)
			return ret;
	}
	return 0;
}

/**
 * ig1_irq_start() - Let interrupts in
 * @dev: device, hw_lock held for writing
 */
void ig1_irq_start(struct ig1_device *dev)
{
	struct ig1_irq *irq = &dev->irq;
	u32 mask = GENMASK(irq->count - 1, 0), i;

	lockdep_assert_held_write(&dev->hw_lock);
	if (irq->started)
		return;
	irq->started = true;
	for (i = 0; i < irq->count; i++)
		enable_irq(irq->vector[i].irq);
	ig1_wr(dev, IG1_REG_IRQ_STATUS, mask);
	ig1_wr(dev, IG1_REG_IRQ_ENABLE, mask);
}

/**
 * ig1_irq_stop() - Keep interrupts out
 * @dev: device, hw_lock held for writing
 *
 * When it returns no handler runs.
 */
void ig1_irq_stop(struct ig1_device *dev)
{
	struct ig1_irq *irq = &dev->irq;
	u32 i;

	lockdep_assert_held_write(&dev->hw_lock);
	if (!irq->started)
		return;
	irq->started = false;
	ig1_wr(dev, IG1_REG_IRQ_ENABLE, 0);
	for (i = 0; i < irq->count; i++)
		disable_irq(irq->vector[i].irq);
}
