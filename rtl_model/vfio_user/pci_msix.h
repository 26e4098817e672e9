/* SPDX-License-Identifier: MIT */
/* The BAR with the MSI-X table and the pending bits. Not locked. */
#ifndef PCI_MSIX_H
#define PCI_MSIX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ig1_chip.h"

struct pci_msix {
	uint32_t table[IG1_VECTORS][4]; /* address low, high, data, control */
	uint32_t pending;
};

/* All vectors masked, none pending. */
void pci_msix_reset(struct pci_msix *m);
/* Any bytes within IG1_PCI_BAR_MSIX_BYTES; outside table and pending bits is zero. */
void pci_msix_read(const struct pci_msix *m, size_t offset, void *data, size_t n);
/* True: an entry changed, vectors may have been unmasked. */
bool pci_msix_write(struct pci_msix *m, size_t offset, const void *data, size_t n);
bool pci_msix_masked(const struct pci_msix *m, unsigned int vector);

#endif
