/* SPDX-License-Identifier: MIT */
/*
 * Faults for testing drivers, in the harness around the chip; the RTL knows nothing of them. Any
 * reset of the device (and `clear`) ends the lasting ones, as a reset would be expected to.
 */
#ifndef PCI_INJECT_H
#define PCI_INJECT_H

#include <stdint.h>

struct pci_device;

enum pci_fault {
	PCI_FAULT_CLEAR,      /* ends all others */
	PCI_FAULT_MCU_LOCKUP, /* MCU dead, STATUS.MCU_LOCKUP set; until CONTROL is written */
	PCI_FAULT_MCU_STUCK,  /* MCU dead, nothing shows it; until CONTROL is written */
	PCI_FAULT_STALL,      /* the chip is clocked by register accesses only */
	PCI_FAULT_DMA_HANG,   /* bus reads are never answered: jobs never end */
	PCI_FAULT_DMA_ERROR,  /* the next n accesses fail */
	PCI_FAULT_IRQ_LOST,   /* the next n interrupts vanish */
	PCI_FAULT_LINK_DOWN,  /* registers read as ones, writes and DMA vanish */
	PCI_FAULT_AER,	      /* an uncorrectable error in AER, PCI_EVENT_ERROR */
	PCI_FAULT_UNPLUG,     /* PCI_EVENT_REQUEST */
	PCI_FAULT_DISCONNECT, /* PCI_EVENT_DISCONNECT */
	PCI_FAULTS,
};

/* Name as on the control socket; NULL beyond the last. */
const char *pci_fault_name(unsigned int fault);

/* n: how often, where that has a meaning; 0: until cleared. -EINVAL, -ENODEV (chip is off). */
int pci_device_inject(struct pci_device *dev, unsigned int fault, uint32_t n);

#endif
