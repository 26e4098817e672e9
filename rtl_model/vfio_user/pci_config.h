/* SPDX-License-Identifier: MIT */
/*
 * Configuration space: PCI Express endpoint, capabilities PM, MSI-X and PCI Express, extended
 * capabilities AER, serial number and, on request, the fault injection register. Plain data with
 * write masks; a write reports what it means for the device. Not locked.
 */
#ifndef PCI_CONFIG_H
#define PCI_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PCI_CONFIG_BYTES 4096u

/* Where the capabilities are. */
#define PCI_CONFIG_PM	  0x40u
#define PCI_CONFIG_MSIX	  0x48u
#define PCI_CONFIG_EXP	  0x60u
#define PCI_CONFIG_AER	  0x100u
#define PCI_CONFIG_DSN	  0x150u
#define PCI_CONFIG_INJECT 0x160u

/* The injection capability (DVSEC): write fault | n << 8, read back the last one. */
#define PCI_CONFIG_INJECT_ID   0x4953u
#define PCI_CONFIG_INJECT_REG  0x0cu
#define PCI_CONFIG_INJECT_SIZE 0x10u

/* What a write asks for, PCI_CONFIG_DO_*. */
#define PCI_CONFIG_DO_FLR    (1u << 0)
#define PCI_CONFIG_DO_WAKE   (1u << 1) /* D3hot to D0: resets, too */
#define PCI_CONFIG_DO_MSIX   (1u << 2) /* enable, function mask or bus mastering changed */
#define PCI_CONFIG_DO_POWER  (1u << 3) /* D0 to D3hot */
#define PCI_CONFIG_DO_INJECT (1u << 4)

struct pci_config {
	uint8_t data[PCI_CONFIG_BYTES];
	uint8_t init[PCI_CONFIG_BYTES];	  /* after power-on */
	uint8_t write[PCI_CONFIG_BYTES];  /* bits that can be written */
	uint8_t clear[PCI_CONFIG_BYTES];  /* bits that a written 1 clears */
	uint8_t sticky[PCI_CONFIG_BYTES]; /* bits that a function-level reset keeps */
};

void pci_config_init(struct pci_config *c, uint64_t serial, bool inject);
/* sticky: keep what survives a function-level reset; otherwise as after power-on. */
void pci_config_reset(struct pci_config *c, bool sticky);

/* offset + n <= PCI_CONFIG_BYTES. */
void pci_config_read(const struct pci_config *c, size_t offset, void *data, size_t n);
uint32_t pci_config_write(struct pci_config *c, size_t offset, const void *data, size_t n);

uint32_t pci_config_get32(const struct pci_config *c, size_t offset);

bool pci_config_memory(const struct pci_config *c);	  /* BARs answer */
bool pci_config_master(const struct pci_config *c);	  /* the function may use the bus */
bool pci_config_msix_enabled(const struct pci_config *c); /* and not masked as a whole */

/* An uncorrectable internal error, as if the function had detected it. */
void pci_config_error(struct pci_config *c);

#endif
