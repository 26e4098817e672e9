// SPDX-License-Identifier: MIT
/* The chip's bus master: access to the client's memory, checked as by an IOMMU. */
#include <errno.h>
#include <string.h>

#include "pci_internal.h"

static struct dma_entry *find(struct pci_device *dev, uint64_t addr, size_t n, uint32_t prot)
{
	struct dma_entry *e;

	if (!n || n > DMA_MAX_BYTES || !pci_config_master(&dev->config) ||
	    pci_has_fault(dev, PCI_FAULT_LINK_DOWN) ||
	    pci_inject_strikes(dev, PCI_FAULT_DMA_ERROR)) {
		dev->count.dma_refused++;
		return NULL;
	}
	e = dma_map_find(&dev->map, addr, n, prot);
	if (!e) {
		dev->count.dma_refused++;
		pci_log(dev, PCI_LOG_INFO, "DMA %s of %zu bytes at %#llx refused: not mapped",
			prot & DMA_WRITE ? "write" : "read", n, (unsigned long long)addr);
	}
	return e;
}

static struct pci_dma_slot *new_slot(struct pci_device *dev, bool write, uint64_t addr, size_t n)
{
	struct pci_dma_slot *s;

	if (dev->slot_tail - dev->slot_head == PCI_DMA_SLOTS)
		return NULL;
	s = &dev->slot[dev->slot_tail++ % PCI_DMA_SLOTS];
	s->addr = addr;
	s->n = (uint32_t)n;
	s->write = write;
	s->done = false;
	s->err = -EFAULT;
	s->ticket = dev->ticket++;
	return s;
}

static int message(struct pci_device *dev, bool write, uint64_t addr, const void *data, size_t n)
{
	struct pci_dma_slot *s;
	int err;

	if (!dev->client || !dev->client->dma)
		return -EFAULT;
	s = new_slot(dev, write, addr, n);
	if (!s)
		return -EFAULT;
	err = dev->client->dma(dev->client->ctx, s->ticket, write, addr, data, n);
	if (err) {
		dev->slot_tail--;
		return err;
	}
	return -EINPROGRESS;
}

int pci_dma_read(void *ctx, uint64_t addr, void *dst, size_t n)
{
	struct pci_device *dev = ctx;
	struct dma_entry *e = find(dev, addr, n, DMA_READ);

	if (!e)
		return -EFAULT;
	dev->count.dma_reads++;
	if (pci_has_fault(dev, PCI_FAULT_DMA_HANG))
		return new_slot(dev, false, addr, n) ? -EINPROGRESS : -EFAULT;
	if (e->r.mode == DMA_MESSAGE)
		return message(dev, false, addr, NULL, n);
	return dma_entry_read(e, addr, dst, n);
}

int pci_dma_write(void *ctx, uint64_t addr, const void *src, size_t n)
{
	struct pci_device *dev = ctx;
	struct dma_entry *e = find(dev, addr, n, DMA_WRITE);

	if (!e)
		return -EFAULT;
	dev->count.dma_writes++;
	if (e->r.mode == DMA_MESSAGE)
		return message(dev, true, addr, src, n);
	return dma_entry_write(e, addr, src, n);
}

int pci_dma_finish(void *ctx, void *dst, size_t n)
{
	struct pci_device *dev = ctx;
	struct pci_dma_slot *s = &dev->slot[dev->slot_head % PCI_DMA_SLOTS];

	if (dev->slot_head == dev->slot_tail)
		return -EFAULT;
	if (!s->done)
		return -EINPROGRESS;
	dev->slot_head++;
	if (s->err || s->n != n)
		return -EFAULT;
	if (dst)
		memcpy(dst, s->data, n);
	return 0;
}

void pci_dma_reset(struct pci_device *dev)
{
	dev->slot_head = dev->slot_tail;
	dev->blocked = false;
}

static void answer(struct pci_device *dev, struct pci_dma_slot *s, int err)
{
	s->done = true;
	s->err = err;
	if (dev->blocked) {
		dev->blocked = false;
		pthread_cond_signal(&dev->wake);
	}
}

int pci_device_dma_done(struct pci_device *dev, uint32_t ticket, int err, const void *data,
			size_t n)
{
	struct pci_dma_slot *s;
	uint32_t i;
	int ret = 0;

	pci_lock(dev);
	for (i = dev->slot_head; i != dev->slot_tail; i++) {
		s = &dev->slot[i % PCI_DMA_SLOTS];
		if (s->ticket != ticket || s->done)
			continue;
		if (!err && n != (s->write ? 0 : s->n))
			ret = err = -EINVAL;
		if (!err && !s->write)
			memcpy(s->data, data, n);
		answer(dev, s, err);
		break;
	}
	pci_unlock(dev);
	return ret;
}

int pci_device_dma_map(struct pci_device *dev, const struct dma_region *region, int fd)
{
	int err;

	pci_lock(dev);
	err = dev->client ? dma_map_add(&dev->map, region, fd) : -ENOTCONN;
	pci_unlock(dev);
	return err;
}

/* What is with the client for this place fails now: nothing may refer to it after the unmapping. */
static void cancel(struct pci_device *dev, uint64_t addr, uint64_t size)
{
	struct pci_dma_slot *s;
	uint32_t i;

	for (i = dev->slot_head; i != dev->slot_tail; i++) {
		s = &dev->slot[i % PCI_DMA_SLOTS];
		if (!s->done && s->addr - addr < size)
			answer(dev, s, -EFAULT);
	}
}

int pci_device_dma_unmap(struct pci_device *dev, uint64_t addr, uint64_t size)
{
	int err;

	pci_lock(dev);
	err = dma_map_remove(&dev->map, addr, size);
	if (!err)
		cancel(dev, addr, size);
	pci_unlock(dev);
	return err;
}

void pci_device_dma_unmap_all(struct pci_device *dev)
{
	pci_lock(dev);
	dma_map_clear(&dev->map);
	cancel(dev, 0, UINT64_MAX);
	pci_unlock(dev);
}
