/* SPDX-License-Identifier: MIT */
/* What pci_device.c, pci_dma.c and pci_inject.c share. */
#ifndef PCI_INTERNAL_H
#define PCI_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "pci_config.h"
#include "pci_device.h"
#include "pci_inject.h"
#include "pci_msix.h"

#define PCI_DMA_SLOTS 64u /* requests that are with the client; more than the chip ever has */

/* A request that is with the client, in the order of issue. */
struct pci_dma_slot {
	uint64_t addr;
	uint32_t ticket, n;
	bool write, done;
	int err;
	uint8_t data[DMA_MAX_BYTES];
};

struct pci_device {
	struct pci_device_options o;
	const struct pci_client *client; /* NULL: none */

	/*
	 * The lock covers everything below and the chip. Others than the worker announce themselves
	 * in `waiters` first; the worker looks at it all the time and lets them in.
	 */
	pthread_mutex_t lock;
	atomic_uint waiters;
	pthread_cond_t handoff; /* waiters became 0 */
	pthread_cond_t wake;	/* there may be something to do for the worker */
	pthread_t worker;
	bool quit;

	struct ig1_bus bus;
	void *chip; /* NULL: no power */
	struct pci_config config;
	struct pci_msix msix;
	struct dma_map map;
	bool blocked; /* the chip waits for an answer of the client */

	struct pci_dma_slot slot[PCI_DMA_SLOTS];
	uint32_t slot_head, slot_tail; /* free-running */
	uint32_t ticket;

	/* injected, pci_inject.c */
	uint32_t faults;		/* one bit per enum pci_fault */
	uint32_t dma_errors, irqs_lost; /* left; 0 with the bit set: without end */

	struct pci_status count;
};

void pci_lock(struct pci_device *dev);
void pci_unlock(struct pci_device *dev);
__attribute__((format(printf, 3, 4))) void
pci_log(const struct pci_device *dev, enum pci_log_level level, const char *format, ...);

static inline bool pci_has_fault(const struct pci_device *dev, enum pci_fault fault)
{
	return dev->faults & 1u << fault;
}

/* pci_dma.c, lock held. Bus callbacks, ctx is the device. */
int pci_dma_read(void *ctx, uint64_t addr, void *dst, size_t n);
int pci_dma_write(void *ctx, uint64_t addr, const void *src, size_t n);
int pci_dma_finish(void *ctx, void *dst, size_t n);
/* Forgets everything that is with the client. */
void pci_dma_reset(struct pci_device *dev);

/* pci_inject.c, lock held. */
void pci_inject_register(struct pci_device *dev); /* the capability was written */
void pci_inject_reset(struct pci_device *dev);
/* Counts a fault of which n are left down; true: it strikes now. */
bool pci_inject_strikes(struct pci_device *dev, enum pci_fault fault);
/* What a register access looks like from outside. */
uint32_t pci_inject_read(const struct pci_device *dev, uint32_t offset, uint32_t value);
void pci_inject_written(struct pci_device *dev, uint32_t offset);

/* pci_device.c, lock held. */
void pci_event(struct pci_device *dev, enum pci_event event);

#endif
