// SPDX-License-Identifier: MIT
/* The device: lock, worker, regions, interrupts, resets. */
#include "pci_device.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dma_guard.h"
#include "pci_internal.h"

/* Cycles between looks at who else wants the chip: well below a millisecond. */
#define SLICE 32u

void pci_log(const struct pci_device *dev, enum pci_log_level level, const char *format, ...)
{
	char text[160];
	va_list ap;

	if (!dev->o.log)
		return;
	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	dev->o.log(dev->o.log_ctx, level, text);
}

void pci_lock(struct pci_device *dev)
{
	atomic_fetch_add(&dev->waiters, 1);
	pthread_mutex_lock(&dev->lock);
	if (atomic_fetch_sub(&dev->waiters, 1) == 1)
		pthread_cond_signal(&dev->handoff);
}

void pci_unlock(struct pci_device *dev)
{
	pthread_mutex_unlock(&dev->lock);
}

void pci_event(struct pci_device *dev, enum pci_event event)
{
	if (dev->client && dev->client->event)
		dev->client->event(dev->client->ctx, event);
}

/* --- interrupts --------------------------------------------------------------------------------- */

/* Lock held. An MSI is a write of the bus master's. */
static bool deliver(struct pci_device *dev, unsigned int v)
{
	const struct pci_client *c = dev->client;

	if (!c || !pci_config_msix_enabled(&dev->config) || !pci_config_master(&dev->config))
		return false;
	if (!c->own_msix_table && pci_msix_masked(&dev->msix, v))
		return false;
	if (!c->msix(c->ctx, v, dev->msix.table[v][0] | (uint64_t)dev->msix.table[v][1] << 32,
		     dev->msix.table[v][2]))
		return false;
	dev->count.interrupts++;
	return true;
}

/* Lock held. Whether there were any. */
static bool interrupts(struct pci_device *dev)
{
	uint32_t raised = dev->o.chip->irqs(dev->chip), left;
	unsigned int v;

	for (left = raised; left; left &= left - 1) {
		v = (unsigned int)__builtin_ctz(left);
		if (v >= IG1_VECTORS || pci_inject_strikes(dev, PCI_FAULT_IRQ_LOST) ||
		    pci_has_fault(dev, PCI_FAULT_LINK_DOWN))
			continue;
		if (!deliver(dev, v))
			dev->msix.pending |= 1u << v;
	}
	return raised;
}

static void retry(struct pci_device *dev)
{
	uint32_t pending = dev->msix.pending;
	unsigned int v;

	for (; pending; pending &= pending - 1) {
		v = (unsigned int)__builtin_ctz(pending);
		if (deliver(dev, v))
			dev->msix.pending &= ~(1u << v);
	}
}

void pci_device_msix_retry(struct pci_device *dev)
{
	pci_lock(dev);
	retry(dev);
	pci_unlock(dev);
}

/* --- time --------------------------------------------------------------------------------------- */

/* The chip has something to do, and may. */
static bool runnable(const struct pci_device *dev)
{
	if (!dev->chip || dev->blocked || pci_has_fault(dev, PCI_FAULT_STALL))
		return false;
	/* in D3hot the clock stands, with everything in its place until the reset at the end */
	if (pci_config_get32(&dev->config, PCI_CONFIG_PM + 4) & 3)
		return false;
	return !dev->o.chip->idle(dev->chip);
}

/* The chip waits for an answer of the client's, and that is all. */
static bool waits(const struct pci_device *dev)
{
	return dev->slot_head != dev->slot_tail &&
	       !dev->slot[dev->slot_head % PCI_DMA_SLOTS].done &&
	       !pci_has_fault(dev, PCI_FAULT_DMA_HANG) && !dev->o.chip->idle(dev->chip);
}

static void *work(void *arg)
{
	struct pci_device *dev = arg;
	uint64_t ran;

	pthread_mutex_lock(&dev->lock);
	while (!dev->quit) {
		if (atomic_load(&dev->waiters)) {
			pthread_cond_wait(&dev->handoff, &dev->lock);
			continue;
		}
		if (!runnable(dev)) {
			pthread_cond_wait(&dev->wake, &dev->lock);
			continue;
		}
		ran = dev->o.chip->run(dev->chip, SLICE);
		dev->count.cycles += ran;
		dev->blocked = !interrupts(dev) && ran < SLICE && waits(dev);
	}
	pthread_mutex_unlock(&dev->lock);
	return NULL;
}

/* Lock held, after anything that may have given the chip work. */
static void kick(struct pci_device *dev)
{
	if (dev->chip) {
		interrupts(dev);
		if (!dev->o.chip->idle(dev->chip))
			pthread_cond_signal(&dev->wake);
	}
}

/* --- resets ------------------------------------------------------------------------------------- */

/* Lock held. A chip fresh from power-on, since a PCI reset reaches every register of BAR0. */
static int power_cycle(struct pci_device *dev, bool on)
{
	int err = 0;

	if (dev->chip)
		dev->o.chip->destroy(dev->chip);
	dev->chip = NULL;
	pci_dma_reset(dev);
	pci_inject_reset(dev);
	pci_msix_reset(&dev->msix);
	if (on) {
		err = dev->o.chip->create(dev->o.chip_arg, &dev->bus, pci_dma_finish, &dev->chip);
		if (err) {
			dev->chip = NULL;
			pci_log(dev, PCI_LOG_ERROR, "the chip does not come up: %s",
				strerror(-err));
		}
	}
	return err;
}

static void reset(struct pci_device *dev, bool sticky, const char *why)
{
	pci_log(dev, PCI_LOG_INFO, "reset: %s", why);
	dev->count.resets++;
	pci_config_reset(&dev->config, sticky);
	power_cycle(dev, dev->client != NULL);
}

void pci_device_reset(struct pci_device *dev)
{
	pci_lock(dev);
	reset(dev, false, "conventional");
	pci_unlock(dev);
}

/* --- life --------------------------------------------------------------------------------------- */

int pci_device_attach(struct pci_device *dev, const struct pci_client *client)
{
	int err = -EBUSY;

	pci_lock(dev);
	if (!dev->client) {
		dev->client = client;
		pci_config_reset(&dev->config, false);
		err = power_cycle(dev, true);
		if (err)
			dev->client = NULL;
	}
	pci_unlock(dev);
	return err;
}

void pci_device_detach(struct pci_device *dev)
{
	pci_lock(dev);
	dev->client = NULL;
	pci_config_reset(&dev->config, false);
	power_cycle(dev, false);
	dma_map_clear(&dev->map);
	pci_unlock(dev);
}

int pci_device_create(const struct pci_device_options *options, struct pci_device **out)
{
	struct pci_device *dev = calloc(1, sizeof(*dev));
	int err;

	if (!dev)
		return -ENOMEM;
	dev->o = *options;
	dev->bus = (struct ig1_bus){ dev, pci_dma_read, pci_dma_write, NULL };
	dma_map_init(&dev->map);
	pci_config_init(&dev->config, options->serial, options->inject);
	pci_msix_reset(&dev->msix);
	pthread_mutex_init(&dev->lock, NULL);
	pthread_cond_init(&dev->handoff, NULL);
	pthread_cond_init(&dev->wake, NULL);
	err = dma_guard_install();
	if (!err)
		err = -pthread_create(&dev->worker, NULL, work, dev);
	if (err) {
		pthread_mutex_destroy(&dev->lock);
		pthread_cond_destroy(&dev->handoff);
		pthread_cond_destroy(&dev->wake);
		free(dev);
		return err;
	}
	*out = dev;
	return 0;
}

void pci_device_destroy(struct pci_device *dev)
{
	if (!dev)
		return;
	pci_device_detach(dev);
	pci_lock(dev);
	dev->quit = true;
	pthread_cond_broadcast(&dev->wake);
	pthread_cond_broadcast(&dev->handoff);
	pci_unlock(dev);
	pthread_join(dev->worker, NULL);
	dma_map_free(&dev->map);
	pthread_mutex_destroy(&dev->lock);
	pthread_cond_destroy(&dev->handoff);
	pthread_cond_destroy(&dev->wake);
	free(dev);
}

void pci_device_status(struct pci_device *dev, struct pci_status *status)
{
	pci_lock(dev);
	*status = dev->count;
	status->attached = dev->client != NULL;
	status->powered = dev->chip != NULL;
	status->idle = !runnable(dev);
	status->faults = dev->faults;
	status->mappings = (uint32_t)dev->map.count;
	pci_unlock(dev);
}

/* --- regions ------------------------------------------------------------------------------------ */

uint64_t pci_device_region_size(unsigned int region)
{
	switch (region) {
	case PCI_REGION_BAR0 + IG1_PCI_BAR_REGS:
		return IG1_BAR0_SIZE;
	case PCI_REGION_BAR0 + IG1_PCI_BAR_MSIX:
		return IG1_PCI_BAR_MSIX_BYTES;
	case PCI_REGION_CONFIG:
		return PCI_CONFIG_BYTES;
	default:
		return 0;
	}
}

static bool inside(unsigned int region, uint64_t offset, size_t n)
{
	uint64_t size = pci_device_region_size(region);

	return n <= size && offset <= size - n;
}

static uint32_t reg_read(struct pci_device *dev, uint32_t offset)
{
	dev->count.accesses++;
	if (!dev->chip)
		return ~0u;
	return pci_inject_read(dev, offset, dev->o.chip->read32(dev->chip, offset));
}

static void regs_read(struct pci_device *dev, uint32_t offset, uint8_t *p, size_t n)
{
	uint32_t word, skip;
	size_t part;

	for (; n; n -= part, p += part, offset += (uint32_t)part) {
		skip = offset % 4;
		part = n < 4 - skip ? n : 4 - skip;
		word = reg_read(dev, offset - skip);
		memcpy(p, (uint8_t *)&word + skip, part);
	}
}

static void regs_write(struct pci_device *dev, uint32_t offset, const uint8_t *p, size_t n)
{
	uint32_t word;

	if (offset % 4 || n % 4) {
		pci_log(dev, PCI_LOG_INFO, "write of %zu bytes to register %#x dropped", n, offset);
		return;
	}
	for (; n; n -= 4, p += 4, offset += 4) {
		memcpy(&word, p, 4);
		dev->count.accesses++;
		if (!dev->chip || pci_has_fault(dev, PCI_FAULT_LINK_DOWN))
			continue;
		dev->o.chip->write32(dev->chip, offset, word);
		pci_inject_written(dev, offset);
	}
}

int pci_device_read(struct pci_device *dev, unsigned int region, uint64_t offset, void *data,
		    size_t n)
{
	if (!inside(region, offset, n))
		return -EINVAL;
	pci_lock(dev);
	if (region == PCI_REGION_CONFIG) {
		if (pci_has_fault(dev, PCI_FAULT_LINK_DOWN))
			memset(data, 0xff, n);
		else
			pci_config_read(&dev->config, offset, data, n);
	} else if (!pci_config_memory(&dev->config)) {
		memset(data, 0xff, n);
	} else if (region == PCI_REGION_BAR0 + IG1_PCI_BAR_MSIX) {
		pci_msix_read(&dev->msix, offset, data, n);
	} else {
		regs_read(dev, (uint32_t)offset, data, n);
		kick(dev);
	}
	pci_unlock(dev);
	return 0;
}

/* Lock held. */
static void config_write(struct pci_device *dev, size_t offset, const void *data, size_t n)
{
	uint32_t todo = pci_config_write(&dev->config, offset, data, n);

	if (todo & PCI_CONFIG_DO_FLR)
		reset(dev, true, "function-level");
	else if (todo & PCI_CONFIG_DO_WAKE)
		reset(dev, true, "D3hot to D0");
	if (todo & PCI_CONFIG_DO_POWER)
		pci_log(dev, PCI_LOG_DEBUG, "in D3hot");
	if (todo & PCI_CONFIG_DO_MSIX)
		retry(dev);
	if (todo & PCI_CONFIG_DO_INJECT)
		pci_inject_register(dev);
}

int pci_device_write(struct pci_device *dev, unsigned int region, uint64_t offset, const void *data,
		     size_t n)
{
	if (!inside(region, offset, n))
		return -EINVAL;
	pci_lock(dev);
	if (region == PCI_REGION_CONFIG) {
		/* the injection register gets through, or the link would stay down */
		if (!pci_has_fault(dev, PCI_FAULT_LINK_DOWN) || offset >= PCI_CONFIG_INJECT)
			config_write(dev, offset, data, n);
	} else if (pci_config_memory(&dev->config)) {
		if (region == PCI_REGION_BAR0 + IG1_PCI_BAR_MSIX) {
			if (pci_msix_write(&dev->msix, offset, data, n))
				retry(dev);
		} else {
			regs_write(dev, (uint32_t)offset, data, n);
			kick(dev);
		}
	}
	pci_unlock(dev);
	return 0;
}
