// SPDX-License-Identifier: MIT
/*
 * Contents follow the PCI Express Base Specification 5.0, chapter 7, register by register; names
 * are those of <linux/pci_regs.h>.
 */
#include "pci_config.h"

#include <linux/pci_regs.h>
#include <string.h>

#include "ig1_chip.h"

#define AER_BYTES 0x48u

static void put(uint8_t *p, size_t offset, uint32_t v, unsigned int bytes)
{
	while (bytes--) {
		p[offset++] = (uint8_t)v;
		v >>= 8;
	}
}

static uint32_t get(const uint8_t *p, size_t offset, unsigned int bytes)
{
	uint32_t v = 0;

	while (bytes--)
		v = v << 8 | p[offset + bytes];
	return v;
}

static void reg8(struct pci_config *c, size_t offset, uint32_t init, uint32_t write)
{
	put(c->init, offset, init, 1);
	put(c->write, offset, write, 1);
}

static void reg16(struct pci_config *c, size_t offset, uint32_t init, uint32_t write)
{
	put(c->init, offset, init, 2);
	put(c->write, offset, write, 2);
}

static void reg32(struct pci_config *c, size_t offset, uint32_t init, uint32_t write)
{
	put(c->init, offset, init, 4);
	put(c->write, offset, write, 4);
}

static void header(struct pci_config *c)
{
	reg16(c, PCI_VENDOR_ID, IG1_PCI_VENDOR, 0);
	reg16(c, PCI_DEVICE_ID, IG1_PCI_DEVICE, 0);
	reg16(c, PCI_COMMAND, 0,
	      PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_PARITY | PCI_COMMAND_SERR |
		      PCI_COMMAND_INTX_DISABLE);
	reg16(c, PCI_STATUS, PCI_STATUS_CAP_LIST, 0);
	put(c->clear, PCI_STATUS,
	    PCI_STATUS_PARITY | PCI_STATUS_SIG_TARGET_ABORT | PCI_STATUS_REC_TARGET_ABORT |
		    PCI_STATUS_REC_MASTER_ABORT | PCI_STATUS_SIG_SYSTEM_ERROR |
		    PCI_STATUS_DETECTED_PARITY,
	    2);
	reg32(c, PCI_CLASS_REVISION, IG1_PCI_CLASS << 8 | IG1_PCI_REVISION, 0);
	reg8(c, PCI_CACHE_LINE_SIZE, 0, 0xff);
	reg32(c, PCI_BASE_ADDRESS_0 + 4 * IG1_PCI_BAR_REGS, 0, ~(IG1_BAR0_SIZE - 1));
	reg32(c, PCI_BASE_ADDRESS_0 + 4 * IG1_PCI_BAR_MSIX, 0, ~(IG1_PCI_BAR_MSIX_BYTES - 1));
	reg16(c, PCI_SUBSYSTEM_VENDOR_ID, IG1_PCI_SUBSYSTEM_VENDOR, 0);
	reg16(c, PCI_SUBSYSTEM_ID, IG1_PCI_SUBSYSTEM, 0);
	reg8(c, PCI_CAPABILITY_LIST, PCI_CONFIG_PM, 0);
	reg8(c, PCI_INTERRUPT_LINE, 0, 0xff);
}

/* Version 3, D0 and D3hot, no PME; leaving D3hot resets (No_Soft_Reset is 0). */
static void power(struct pci_config *c)
{
	const size_t at = PCI_CONFIG_PM;

	reg8(c, at, PCI_CAP_ID_PM, 0);
	reg8(c, at + 1, PCI_CONFIG_MSIX, 0);
	reg16(c, at + PCI_PM_PMC, 3, 0);
	reg16(c, at + PCI_PM_CTRL, 0, PCI_PM_CTRL_STATE_MASK);
}

static void msix(struct pci_config *c)
{
	const size_t at = PCI_CONFIG_MSIX;

	reg8(c, at, PCI_CAP_ID_MSIX, 0);
	reg8(c, at + 1, PCI_CONFIG_EXP, 0);
	reg16(c, at + PCI_MSIX_FLAGS, IG1_VECTORS - 1,
	      PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	reg32(c, at + PCI_MSIX_TABLE, IG1_PCI_MSIX_TABLE | IG1_PCI_BAR_MSIX, 0);
	reg32(c, at + PCI_MSIX_PBA, IG1_PCI_MSIX_PBA | IG1_PCI_BAR_MSIX, 0);
}

/* Endpoint, 16 GT/s x8, 256-byte payloads, function-level reset. */
static void express(struct pci_config *c)
{
	const size_t at = PCI_CONFIG_EXP;

	reg8(c, at, PCI_CAP_ID_EXP, 0);
	reg8(c, at + 1, 0, 0);
	reg16(c, at + PCI_EXP_FLAGS, 2 | PCI_EXP_TYPE_ENDPOINT << 4, 0);
	reg32(c, at + PCI_EXP_DEVCAP,
	      1 | PCI_EXP_DEVCAP_EXT_TAG | PCI_EXP_DEVCAP_L0S | PCI_EXP_DEVCAP_L1 |
		      PCI_EXP_DEVCAP_RBER | PCI_EXP_DEVCAP_FLR,
	      0);
	reg16(c, at + PCI_EXP_DEVCTL,
	      PCI_EXP_DEVCTL_RELAX_EN | PCI_EXP_DEVCTL_NOSNOOP_EN | PCI_EXP_DEVCTL_READRQ_512B,
	      0xffff & ~(PCI_EXP_DEVCTL_PHANTOM | PCI_EXP_DEVCTL_AUX_PME));
	put(c->clear, at + PCI_EXP_DEVSTA,
	    PCI_EXP_DEVSTA_CED | PCI_EXP_DEVSTA_NFED | PCI_EXP_DEVSTA_FED | PCI_EXP_DEVSTA_URD, 2);
	reg32(c, at + PCI_EXP_LNKCAP, PCI_EXP_LNKCAP_SLS_16_0GB | 8 << 4, 0);
	reg16(c, at + PCI_EXP_LNKCTL, 0,
	      PCI_EXP_LNKCTL_RCB | PCI_EXP_LNKCTL_CCC | PCI_EXP_LNKCTL_ES);
	reg16(c, at + PCI_EXP_LNKSTA, PCI_EXP_LNKSTA_CLS_16_0GB | 8 << PCI_EXP_LNKSTA_NLW_SHIFT, 0);
	reg32(c, at + PCI_EXP_DEVCAP2, PCI_EXP_DEVCAP2_COMP_TMOUT_DIS, 0);
	reg16(c, at + PCI_EXP_DEVCTL2, 0, PCI_EXP_DEVCTL2_COMP_TMOUT_DIS);
	reg32(c, at + PCI_EXP_LNKCAP2,
	      PCI_EXP_LNKCAP2_SLS_2_5GB | PCI_EXP_LNKCAP2_SLS_5_0GB | PCI_EXP_LNKCAP2_SLS_8_0GB |
		      PCI_EXP_LNKCAP2_SLS_16_0GB,
	      0);
	reg16(c, at + PCI_EXP_LNKCTL2, PCI_EXP_LNKCTL2_TLS_16_0GT, PCI_EXP_LNKCTL2_TLS);
}

static void extended(struct pci_config *c, size_t at, uint32_t id, uint32_t version, size_t next)
{
	reg32(c, at, id | version << 16 | (uint32_t)next << 20, 0);
}

static void errors(struct pci_config *c)
{
	const uint32_t unc = PCI_ERR_UNC_DLP | PCI_ERR_UNC_POISON_TLP | PCI_ERR_UNC_FCP |
			     PCI_ERR_UNC_COMP_TIME | PCI_ERR_UNC_COMP_ABORT | PCI_ERR_UNC_UNX_COMP |
			     PCI_ERR_UNC_RX_OVER | PCI_ERR_UNC_MALF_TLP | PCI_ERR_UNC_UNSUP |
			     PCI_ERR_UNC_INTN;
	const uint32_t cor = PCI_ERR_COR_RCVR | PCI_ERR_COR_BAD_TLP | PCI_ERR_COR_BAD_DLLP |
			     PCI_ERR_COR_REP_ROLL | PCI_ERR_COR_REP_TIMER | PCI_ERR_COR_ADV_NFAT |
			     PCI_ERR_COR_INTERNAL;
	const size_t at = PCI_CONFIG_AER;

	extended(c, at, PCI_EXT_CAP_ID_ERR, 2, PCI_CONFIG_DSN);
	put(c->clear, at + PCI_ERR_UNCOR_STATUS, unc, 4);
	reg32(c, at + PCI_ERR_UNCOR_MASK, PCI_ERR_UNC_INTN, unc);
	reg32(c, at + PCI_ERR_UNCOR_SEVER,
	      PCI_ERR_UNC_DLP | PCI_ERR_UNC_FCP | PCI_ERR_UNC_RX_OVER | PCI_ERR_UNC_MALF_TLP |
		      PCI_ERR_UNC_INTN,
	      unc);
	put(c->clear, at + PCI_ERR_COR_STATUS, cor, 4);
	reg32(c, at + PCI_ERR_COR_MASK, PCI_ERR_COR_ADV_NFAT | PCI_ERR_COR_INTERNAL, cor);
	memset(c->sticky + at + 4, 0xff, AER_BYTES - 4);
}

static void serial_number(struct pci_config *c, uint64_t serial, size_t next)
{
	extended(c, PCI_CONFIG_DSN, PCI_EXT_CAP_ID_DSN, 1, next);
	reg32(c, PCI_CONFIG_DSN + 4, (uint32_t)serial, 0);
	reg32(c, PCI_CONFIG_DSN + 8, (uint32_t)(serial >> 32), 0);
}

static void injection(struct pci_config *c)
{
	const size_t at = PCI_CONFIG_INJECT;

	extended(c, at, 0x23, 1, 0); /* designated vendor-specific */
	reg32(c, at + 4, IG1_PCI_VENDOR | PCI_CONFIG_INJECT_SIZE << 20, 0);
	reg16(c, at + 8, PCI_CONFIG_INJECT_ID, 0);
	reg32(c, at + PCI_CONFIG_INJECT_REG, 0, ~0u);
	memset(c->sticky + at + PCI_CONFIG_INJECT_REG, 0xff, 4);
}

void pci_config_init(struct pci_config *c, uint64_t serial, bool inject)
{
	memset(c, 0, sizeof(*c));
	header(c);
	power(c);
	msix(c);
	express(c);
	errors(c);
	serial_number(c, serial, inject ? PCI_CONFIG_INJECT : 0);
	if (inject)
		injection(c);
	memcpy(c->data, c->init, sizeof(c->data));
}

void pci_config_reset(struct pci_config *c, bool sticky)
{
	size_t i;

	for (i = 0; i < PCI_CONFIG_BYTES; i++) {
		uint8_t keep = sticky ? c->sticky[i] : 0;

		c->data[i] = (c->data[i] & keep) | (c->init[i] & ~keep);
	}
}

void pci_config_read(const struct pci_config *c, size_t offset, void *data, size_t n)
{
	memcpy(data, c->data + offset, n);
}

uint32_t pci_config_get32(const struct pci_config *c, size_t offset)
{
	return get(c->data, offset, 4);
}

static uint32_t power_state(const struct pci_config *c)
{
	return get(c->data, PCI_CONFIG_PM + PCI_PM_CTRL, 2) & PCI_PM_CTRL_STATE_MASK;
}

bool pci_config_memory(const struct pci_config *c)
{
	return (get(c->data, PCI_COMMAND, 2) & PCI_COMMAND_MEMORY) && !power_state(c);
}

bool pci_config_master(const struct pci_config *c)
{
	return (get(c->data, PCI_COMMAND, 2) & PCI_COMMAND_MASTER) && !power_state(c);
}

bool pci_config_msix_enabled(const struct pci_config *c)
{
	uint32_t flags = get(c->data, PCI_CONFIG_MSIX + PCI_MSIX_FLAGS, 2);

	return (flags & PCI_MSIX_FLAGS_ENABLE) && !(flags & PCI_MSIX_FLAGS_MASKALL);
}

static bool touches(size_t offset, size_t n, size_t reg, size_t bytes)
{
	return offset < reg + bytes && reg < offset + n;
}

/* States other than D0 and D3hot do not exist: a write of one is dropped. */
static uint32_t power_write(struct pci_config *c, uint32_t before)
{
	uint32_t now = power_state(c);

	if (now == 1 || now == 2) {
		c->data[PCI_CONFIG_PM + PCI_PM_CTRL] &= (uint8_t)~PCI_PM_CTRL_STATE_MASK;
		c->data[PCI_CONFIG_PM + PCI_PM_CTRL] |= (uint8_t)before;
		return 0;
	}
	if (now == before)
		return 0;
	return now ? PCI_CONFIG_DO_POWER : PCI_CONFIG_DO_WAKE;
}

uint32_t pci_config_write(struct pci_config *c, size_t offset, const void *data, size_t n)
{
	const size_t devctl = PCI_CONFIG_EXP + PCI_EXP_DEVCTL;
	uint32_t state = power_state(c), todo = 0;
	const uint8_t *src = data;
	size_t i;

	for (i = 0; i < n; i++) {
		uint8_t *p = &c->data[offset + i];
		uint8_t w = c->write[offset + i];

		*p = (*p & ~w) | (src[i] & w);
		*p &= ~(src[i] & c->clear[offset + i]);
	}
	todo |= power_write(c, state);
	if (c->data[devctl + 1] & PCI_EXP_DEVCTL_BCR_FLR >> 8) {
		c->data[devctl + 1] &= (uint8_t) ~(PCI_EXP_DEVCTL_BCR_FLR >> 8);
		todo |= PCI_CONFIG_DO_FLR;
	}
	if (touches(offset, n, PCI_CONFIG_MSIX + PCI_MSIX_FLAGS, 2) ||
	    touches(offset, n, PCI_COMMAND, 2))
		todo |= PCI_CONFIG_DO_MSIX;
	/* the register's last byte says that it is complete */
	if (c->write[PCI_CONFIG_INJECT + PCI_CONFIG_INJECT_REG] &&
	    touches(offset, n, PCI_CONFIG_INJECT + PCI_CONFIG_INJECT_REG + 3, 1))
		todo |= PCI_CONFIG_DO_INJECT;
	return todo;
}

void pci_config_error(struct pci_config *c)
{
	const size_t aer = PCI_CONFIG_AER, dev = PCI_CONFIG_EXP + PCI_EXP_DEVSTA;
	bool fatal = get(c->data, aer + PCI_ERR_UNCOR_SEVER, 4) & PCI_ERR_UNC_INTN;
	uint32_t status = get(c->data, aer + PCI_ERR_UNCOR_STATUS, 4) | PCI_ERR_UNC_INTN;

	put(c->data, aer + PCI_ERR_UNCOR_STATUS, status, 4);
	/* the first error's bit number */
	put(c->data, aer + PCI_ERR_CAP, (uint32_t)__builtin_ctz(PCI_ERR_UNC_INTN), 1);
	c->data[dev] |= fatal ? PCI_EXP_DEVSTA_FED : PCI_EXP_DEVSTA_NFED;
	if (get(c->data, PCI_COMMAND, 2) & PCI_COMMAND_SERR)
		c->data[PCI_STATUS + 1] |= PCI_STATUS_SIG_SYSTEM_ERROR >> 8;
}
