// SPDX-License-Identifier: MIT
/* MSI-X table and pending bits (PCI Express Base Specification 5.0, 7.7.2). */
#include "pci_msix.h"

#include <linux/pci_regs.h>
#include <string.h>

#define ENTRY	    PCI_MSIX_ENTRY_SIZE
#define TABLE_BYTES (IG1_VECTORS * ENTRY)

_Static_assert(IG1_VECTORS <= 32, "pending bits are one word");
_Static_assert(IG1_PCI_MSIX_TABLE + TABLE_BYTES <= IG1_PCI_MSIX_PBA, "table meets pending bits");

void pci_msix_reset(struct pci_msix *m)
{
	unsigned int i;

	memset(m, 0, sizeof(*m));
	for (i = 0; i < IG1_VECTORS; i++)
		m->table[i][3] = PCI_MSIX_ENTRY_CTRL_MASKBIT;
}

static uint8_t byte_at(const struct pci_msix *m, size_t at)
{
	if (at - IG1_PCI_MSIX_TABLE < TABLE_BYTES) {
		at -= IG1_PCI_MSIX_TABLE;
		return (uint8_t)(m->table[at / ENTRY][at % ENTRY / 4] >> 8 * (at % 4));
	}
	if (at - IG1_PCI_MSIX_PBA < 4)
		return (uint8_t)(m->pending >> 8 * (at - IG1_PCI_MSIX_PBA));
	return 0;
}

void pci_msix_read(const struct pci_msix *m, size_t offset, void *data, size_t n)
{
	uint8_t *p = data;
	size_t i;

	for (i = 0; i < n; i++)
		p[i] = byte_at(m, offset + i);
}

bool pci_msix_write(struct pci_msix *m, size_t offset, const void *data, size_t n)
{
	static const uint32_t writable[4] = { ~3u, ~0u, ~0u, PCI_MSIX_ENTRY_CTRL_MASKBIT };
	const uint8_t *p = data;
	bool changed = false;
	size_t i, at;

	for (i = 0; i < n; i++) {
		uint32_t *w, bits;

		at = offset + i - IG1_PCI_MSIX_TABLE;
		if (at >= TABLE_BYTES)
			continue;
		w = &m->table[at / ENTRY][at % ENTRY / 4];
		bits = writable[at % ENTRY / 4] & 0xffu << 8 * (at % 4);
		*w = (*w & ~bits) | ((uint32_t)p[i] << 8 * (at % 4) & bits);
		changed = true;
	}
	return changed;
}

bool pci_msix_masked(const struct pci_msix *m, unsigned int vector)
{
	return m->table[vector][3] & PCI_MSIX_ENTRY_CTRL_MASKBIT;
}
