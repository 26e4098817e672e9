// SPDX-License-Identifier: MIT
/* Faults for testing drivers. */
#include "pci_inject.h"

#include <errno.h>
#include <stddef.h>

#include "pci_internal.h"

static const char *const names[PCI_FAULTS] = {
	[PCI_FAULT_CLEAR] = "clear",
	[PCI_FAULT_MCU_LOCKUP] = "mcu-lockup",
	[PCI_FAULT_MCU_STUCK] = "mcu-stuck",
	[PCI_FAULT_STALL] = "stall",
	[PCI_FAULT_DMA_HANG] = "dma-hang",
	[PCI_FAULT_DMA_ERROR] = "dma-error",
	[PCI_FAULT_IRQ_LOST] = "irq-lost",
	[PCI_FAULT_LINK_DOWN] = "link-down",
	[PCI_FAULT_AER] = "aer",
	[PCI_FAULT_UNPLUG] = "unplug",
	[PCI_FAULT_DISCONNECT] = "disconnect",
};

#define MCU_DEAD (1u << PCI_FAULT_MCU_LOCKUP | 1u << PCI_FAULT_MCU_STUCK)

const char *pci_fault_name(unsigned int fault)
{
	return fault < PCI_FAULTS ? names[fault] : NULL;
}

void pci_inject_reset(struct pci_device *dev)
{
	uint32_t i;

	if (pci_has_fault(dev, PCI_FAULT_DMA_HANG)) {
		/* reads that were swallowed come back as failed */
		for (i = dev->slot_head; i != dev->slot_tail; i++)
			dev->slot[i % PCI_DMA_SLOTS].done = true;
	}
	dev->faults = 0;
	dev->dma_errors = 0;
	dev->irqs_lost = 0;
	dev->blocked = false;
	pthread_cond_signal(&dev->wake);
}

bool pci_inject_strikes(struct pci_device *dev, enum pci_fault fault)
{
	uint32_t *left = fault == PCI_FAULT_DMA_ERROR ? &dev->dma_errors : &dev->irqs_lost;

	if (!pci_has_fault(dev, fault))
		return false;
	if (*left && !--*left)
		dev->faults &= ~(1u << fault);
	return true;
}

uint32_t pci_inject_read(const struct pci_device *dev, uint32_t offset, uint32_t value)
{
	if (pci_has_fault(dev, PCI_FAULT_LINK_DOWN))
		return ~0u;
	if (!(dev->faults & MCU_DEAD))
		return value;
	/* the MCU is held in reset, but that is not what it is to look like */
	switch (offset) {
	case IG1_BAR0_CONTROL:
		return value | IG1_BAR0_CONTROL_MCU_RUN;
	case IG1_BAR0_STATUS:
		value |= IG1_BAR0_STATUS_MCU_RUN;
		if (pci_has_fault(dev, PCI_FAULT_MCU_LOCKUP))
			value |= IG1_BAR0_STATUS_MCU_LOCKUP;
		return value;
	default:
		return value;
	}
}

void pci_inject_written(struct pci_device *dev, uint32_t offset)
{
	if (offset == IG1_BAR0_CONTROL)
		dev->faults &= ~MCU_DEAD;
}

static int inject(struct pci_device *dev, unsigned int fault, uint32_t n)
{
	if (fault >= PCI_FAULTS)
		return -EINVAL;
	if (!dev->chip)
		return -ENODEV;
	pci_log(dev, PCI_LOG_INFO, "injected: %s %u", names[fault], n);
	switch (fault) {
	case PCI_FAULT_CLEAR:
		pci_inject_reset(dev);
		return 0;
	case PCI_FAULT_AER:
		pci_config_error(&dev->config);
		pci_event(dev, PCI_EVENT_ERROR);
		return 0;
	case PCI_FAULT_UNPLUG:
		pci_event(dev, PCI_EVENT_REQUEST);
		return 0;
	case PCI_FAULT_DISCONNECT:
		pci_event(dev, PCI_EVENT_DISCONNECT);
		return 0;
	case PCI_FAULT_MCU_LOCKUP:
	case PCI_FAULT_MCU_STUCK:
		dev->o.chip->write32(dev->chip, IG1_BAR0_CONTROL, 0);
		break;
	case PCI_FAULT_DMA_ERROR:
		dev->dma_errors = n;
		break;
	case PCI_FAULT_IRQ_LOST:
		dev->irqs_lost = n;
		break;
	default:
		break;
	}
	dev->faults |= 1u << fault;
	return 0;
}

void pci_inject_register(struct pci_device *dev)
{
	uint32_t v = pci_config_get32(&dev->config, PCI_CONFIG_INJECT + PCI_CONFIG_INJECT_REG);

	inject(dev, v & 0xff, v >> 8);
}

int pci_device_inject(struct pci_device *dev, unsigned int fault, uint32_t n)
{
	int err;

	pci_lock(dev);
	err = inject(dev, fault, n);
	pci_unlock(dev);
	return err;
}
