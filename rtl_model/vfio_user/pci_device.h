/* SPDX-License-Identifier: MIT */
/*
 * The chip as a PCI Express endpoint: config space, BARs, MSI-X, DMA, resets, time. It knows no
 * transport; a transport (vfu_session.c speaks vfio-user) calls the functions below and is called
 * through struct pci_client.
 *
 * Threads. A device has one lock and one worker thread, which clocks the chip whenever the chip has
 * something to do and otherwise sleeps. All functions may be called from any thread; they take the
 * lock, and the worker gives way within a few dozen cycles. Callbacks of struct pci_client come
 * with the lock held, from the worker or from within a call: they must not block and must not call
 * back into the device.
 *
 *	who			calls				gets called back
 *	transport thread	attach .. detach, read/write,	msix, dma (a register access clocks
 *				dma_*, reset			the chip, too)
 *	worker			(internal)			msix, dma, event
 *	anybody			inject, status			event
 *
 * One client at a time. Without a client the chip is in reset and not clocked.
 * Functions return 0 or a negative errno.
 */
#ifndef PCI_DEVICE_H
#define PCI_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "chip.h"
#include "dma_map.h"

/* Regions; the numbers are VFIO's, too. */
enum pci_region {
	PCI_REGION_BAR0 = 0,
	PCI_REGION_BAR5 = 5,
	PCI_REGION_ROM = 6,
	PCI_REGION_CONFIG = 7,
	PCI_REGIONS = 8,
};

/* What a client may hear about besides interrupts; all are injected (pci_inject.h). */
enum pci_event {
	PCI_EVENT_ERROR,      /* an uncorrectable error was put into AER */
	PCI_EVENT_REQUEST,    /* please let go of the device: hot unplug */
	PCI_EVENT_DISCONNECT, /* drop the client now: surprise removal */
};

/* The transport's side. Lives from attach to detach. */
struct pci_client {
	void *ctx;
	/*
	 * MSI-X vector `vector` fires; addr and data are its table entry. Returns false if it could
	 * not be delivered: it then stays in the pending bits until pci_device_msix_retry().
	 */
	bool (*msix)(void *ctx, unsigned int vector, uint64_t addr, uint32_t data);
	/*
	 * The client keeps the MSI-X table itself, as vfio-user clients do: entries and their mask
	 * bits here mean nothing. The enable and function mask bits of the capability still count.
	 */
	bool own_msix_table;
	/*
	 * Optional: DMA to memory that was mapped without a file. Sends the request (write: the n
	 * bytes at data); the answer comes with pci_device_dma_done(). n <= DMA_MAX_BYTES.
	 */
	int (*dma)(void *ctx, uint32_t ticket, bool write, uint64_t addr, const void *data,
		   size_t n);
	/* Optional. */
	void (*event)(void *ctx, enum pci_event event);
};

enum pci_log_level { PCI_LOG_ERROR, PCI_LOG_INFO, PCI_LOG_DEBUG };

struct pci_device_options {
	const struct chip_ops *chip;
	void *chip_arg;	 /* for chip->create; the caller's, outlives the device */
	uint64_t serial; /* device serial number */
	bool inject;	 /* the fault injection capability is part of config space */
	/* Optional; any thread, possibly with the lock held. */
	void (*log)(void *ctx, enum pci_log_level level, const char *text);
	void *log_ctx;
};

struct pci_device;

/* Powers nothing up yet. -ENOMEM, -EAGAIN (no thread). options are copied. */
int pci_device_create(const struct pci_device_options *options, struct pci_device **out);
/* Detaches first. */
void pci_device_destroy(struct pci_device *dev);

/*
 * A client comes: power-on reset. -EBUSY: there is one; or what the chip's creation gave.
 * *client must stay until detach.
 */
int pci_device_attach(struct pci_device *dev, const struct pci_client *client);
/* The client is gone: no callback after this returns; all mappings are dropped, the chip is off. */
void pci_device_detach(struct pci_device *dev);

/* Bytes; 0: there is no such region. */
uint64_t pci_device_region_size(unsigned int region);

/*
 * Access to a region, any length within it. BAR0 takes whole 32-bit words: a shorter read gives the
 * part of the word, a shorter write is dropped (nothing on the chip takes byte enables). BARs read
 * as ones and ignore writes while memory space is disabled or the function is in D3hot.
 * -EINVAL: outside the region.
 */
int pci_device_read(struct pci_device *dev, unsigned int region, uint64_t offset, void *data,
		    size_t n);
int pci_device_write(struct pci_device *dev, unsigned int region, uint64_t offset, const void *data,
		     size_t n);

/* Memory of the client, see dma_map.h. `fd` stays the caller's. */
int pci_device_dma_map(struct pci_device *dev, const struct dma_region *region, int fd);
int pci_device_dma_unmap(struct pci_device *dev, uint64_t addr, uint64_t size);
void pci_device_dma_unmap_all(struct pci_device *dev);

/*
 * Answer to client->dma: err is 0 or a negative errno; data are the n bytes of a read. Late or
 * unknown tickets are ignored. -EINVAL: n is not what was asked for (the access fails).
 */
int pci_device_dma_done(struct pci_device *dev, uint32_t ticket, int err, const void *data,
			size_t n);

/* Vectors held back because msix() returned false are tried again. */
void pci_device_msix_retry(struct pci_device *dev);

/* Conventional reset: config space and chip as after power-on. Mappings stay. */
void pci_device_reset(struct pci_device *dev);

struct pci_status {
	bool attached, powered, idle;
	uint32_t faults;     /* injected and still there, one bit per enum pci_fault */
	uint64_t cycles;     /* clocked by the worker since the device was created */
	uint64_t accesses;   /* of BAR0 */
	uint64_t interrupts; /* delivered */
	uint64_t resets;
	uint32_t mappings;
	uint64_t dma_reads, dma_writes, dma_refused;
};
void pci_device_status(struct pci_device *dev, struct pci_status *status);

#endif
