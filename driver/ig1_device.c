// SPDX-License-Identifier: GPL-2.0-only
/* A chip: its parts, in the order in which they come and go. */
#include "ig1_device.h"

#include <linux/dma-mapping.h>
#include <linux/pci.h>
#include <linux/sched/mm.h>

#include <drm/drm_managed.h>

#include "ig1_fdt.h"

/* What sums and products of cycles and times have room for. */
#define CLOCK_HZ_MAX BIT_ULL(40)

/* What an entry of the page table can address. */
#define DMA_BITS 56

/* --- identity ------------------------------------------------------------------------------- */

static int check_identity(struct ig1_device *dev)
{
	struct device *parent = dev->drm.dev;
	u32 id = ig1_rd(dev, IG1_REG_ID);

	dev->chip.spec = ig1_rd(dev, IG1_REG_SPEC);
	if (id != IG1_CHIP_ID)
		return dev_err_probe(parent, -ENODEV, "not an IG1: ID %#x\n", id);
	if (dev->chip.spec >> 16 != IG1_SPEC_VERSION >> 16)
		return dev_err_probe(parent, -ENODEV, "specification %u.%u is unknown\n",
				     dev->chip.spec >> 16, dev->chip.spec & 0xffff);
	return 0;
}

static int bad_tree(struct ig1_device *dev, const char *what)
{
	return dev_err_probe(dev->drm.dev, -EINVAL, "device tree: bad %s\n", what);
}

/* The blob comes from the chip: it describes the chip and nothing else is believed. */
static int read_tree(struct ig1_device *dev)
{
	struct ig1_chip *chip = &dev->chip;
	u32 bytes = ig1_rd(dev, IG1_REG_FDT_SIZE), len, i;
	const char *compatible;
	const void *mask;
	__le32 *words;

	if (!bytes || bytes > IG1_FDT_WINDOW_BYTES)
		return bad_tree(dev, "size");
	words = drmm_kzalloc(&dev->drm, round_up(bytes, 4), GFP_KERNEL);
	if (!words)
		return -ENOMEM;
	for (i = 0; i < DIV_ROUND_UP(bytes, 4); i++)
		words[i] = cpu_to_le32(ig1_rd(dev, IG1_REG_FDT_WINDOW + 4 * i));
	chip->fdt = words;
	chip->fdt_bytes = bytes;

	compatible = ig1_fdt_string(words, bytes, IG1_FDT_ROOT, IG1_FDT_ROOT_COMPATIBLE);
	if (!compatible || strcmp(compatible, IG1_FDT_ROOT_COMPATIBLE_VALUE))
		return bad_tree(dev, IG1_FDT_ROOT_COMPATIBLE);
	if (ig1_fdt_u64(words, bytes, IG1_FDT_CHIP, IG1_FDT_CHIP_SRAM_BYTES, &chip->sram_bytes))
		return bad_tree(dev, IG1_FDT_CHIP_SRAM_BYTES);
	if (ig1_fdt_u64(words, bytes, IG1_FDT_CHIP, IG1_FDT_CHIP_CLOCK_FREQUENCY,
			&chip->clock_hz) ||
	    !chip->clock_hz || chip->clock_hz > CLOCK_HZ_MAX)
		return bad_tree(dev, IG1_FDT_CHIP_CLOCK_FREQUENCY);
	mask = ig1_fdt_get(words, bytes, IG1_FDT_MASK, IG1_FDT_MASK_MASK_ID, &len);
	if (!mask || len != sizeof(chip->mask_id))
		return bad_tree(dev, IG1_FDT_MASK_MASK_ID);
	memcpy(chip->mask_id, mask, sizeof(chip->mask_id));
	return 0;
}

/* --- PCI ------------------------------------------------------------------------------------ */

static int init_pci(struct ig1_device *dev)
{
	struct pci_dev *pdev = dev->pdev;
	int ret;

	ret = pcim_enable_device(pdev);
	if (ret)
		return dev_err_probe(&pdev->dev, ret, "cannot enable the device\n");
	if (pci_resource_len(pdev, IG1_PCI_BAR_REGS) < IG1_REG_BYTES)
		return dev_err_probe(&pdev->dev, -ENODEV, "BAR %d is too small\n",
				     IG1_PCI_BAR_REGS);
	dev->regs = pcim_iomap_region(pdev, IG1_PCI_BAR_REGS, DRM_INTAGLIO_DRIVER_NAME);
	if (IS_ERR(dev->regs))
		return dev_err_probe(&pdev->dev, PTR_ERR(dev->regs), "cannot map BAR %d\n",
				     IG1_PCI_BAR_REGS);
	ret = dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(DMA_BITS));
	if (ret)
		return dev_err_probe(&pdev->dev, ret, "no DMA\n");
	dma_set_max_seg_size(&pdev->dev, UINT_MAX);
	ret = check_identity(dev);
	if (ret)
		return ret;
	/* Before it may use the bus: what it was doing is nothing that this kernel knows of. */
	ret = ig1_reset_quiesce(dev);
	if (ret)
		return ret;
	pci_set_master(pdev);
	ret = ig1_irq_init(dev);
	if (ret)
		return dev_err_probe(&pdev->dev, ret, "no interrupts\n");
	return 0;
}

static void sram_teardown(struct drm_device *drm, void *data)
{
	ig1_sram_teardown(data);
}

static int init_sram(struct ig1_device *dev)
{
	int ret = ig1_sram_setup(&dev->sram, dev->chip.sram_bytes);

	if (ret == -EINVAL)
		return bad_tree(dev, IG1_FDT_CHIP_SRAM_BYTES);
	return ret ?: drmm_add_action_or_reset(&dev->drm, sram_teardown, &dev->sram);
}

/* --- start and stop ------------------------------------------------------------------------- */

/**
 * ig1_device_start() - From a chip in any state to one that takes jobs
 * @dev: device, hw_lock held for writing
 *
 * Return: 0 or a negative errno; then the chip is stopped.
 */
int ig1_device_start(struct ig1_device *dev)
{
	int ret;

	lockdep_assert_held_write(&dev->hw_lock);
	ret = ig1_reset_halt(dev);
	if (ret)
		return ret;
	ret = ig1_fw_boot(dev);
	if (ret)
		goto err_stop;
	ig1_irq_start(dev);
	ret = ig1_hwq_start(dev);
	if (ret)
		goto err_stop;
	return 0;

err_stop:
	ig1_device_stop(dev);
	return ret;
}

/**
 * ig1_device_stop() - Keep the chip from doing anything
 * @dev: device, hw_lock held for writing
 *
 * When it returns the chip accesses no memory and no handler runs. Idempotent; the chip may be
 * gone.
 */
void ig1_device_stop(struct ig1_device *dev)
{
	lockdep_assert_held_write(&dev->hw_lock);
	ig1_hwq_stop(dev);
	ig1_irq_stop(dev);
	ig1_fw_stop(dev);
	ig1_reset_halt(dev);
}

/*
 * Locks that a reset needs, and with it the end of a job, must not be held while memory is
 * reclaimed: that may wait for the job. Tell lockdep before it happens.
 */
void ig1_device_prime_lockdep(struct ig1_device *dev)
{
	u32 i;

	fs_reclaim_acquire(GFP_KERNEL);
	might_lock(&dev->hw_lock);
	might_lock(&dev->fw.lock);
	might_lock(&dev->sched.lock);
	for (i = 0; i < IG1_PRIORITIES; i++)
		might_lock(&dev->hwq.q[i].done_lock);
	fs_reclaim_release(GFP_KERNEL);
}

/**
 * ig1_device_init() - Everything up to a running chip
 * @dev: device, zeroed but for its drm_device
 *
 * Memory belongs to the drm_device, the rest to the PCI device: there is nothing to undo, but the
 * chip to stop.
 *
 * Return: 0 or a negative errno.
 */
int ig1_device_init(struct ig1_device *dev)
{
	int ret;

	init_rwsem(&dev->hw_lock);
	ret = drmm_mutex_init(&dev->drm, &dev->unplug_lock);
	if (ret)
		return ret;
	ret = ig1_stats_init(dev);
	if (ret)
		return ret;
	ret = ig1_hwq_init(dev);
	if (ret)
		return ret;
	ret = ig1_sched_init(dev);
	if (ret)
		return ret;
	ret = ig1_reset_init(dev);
	if (ret)
		return ret;
	ret = ig1_gem_init(dev);
	if (ret)
		return ret;
	ret = ig1_mmu_pool_init(&dev->drm, &dev->mmu, dev->drm.dev);
	if (ret)
		return ret;
	ret = ig1_vms_init(dev);
	if (ret)
		return ret;
	ret = init_pci(dev);
	if (ret)
		return ret;
	ret = read_tree(dev);
	if (ret)
		return ret;
	ret = init_sram(dev);
	if (ret)
		return ret;
	ret = ig1_fw_init(dev);
	if (ret)
		return ret;
	ret = ig1_hwq_alloc(dev);
	if (ret)
		return ret;
	ig1_device_prime_lockdep(dev);
	down_write(&dev->hw_lock);
	ret = ig1_device_start(dev);
	up_write(&dev->hw_lock);
	if (ret)
		return dev_err_probe(dev->drm.dev, ret, "cannot start the chip\n");
	ret = ig1_pm_init(dev);
	if (ret)
		goto err_stop;
	return 0;

err_stop:
	down_write(&dev->hw_lock);
	ig1_device_stop(dev);
	up_write(&dev->hw_lock);
	return ret;
}

void ig1_device_cut(struct ig1_device *dev)
{
	guard(mutex)(&dev->unplug_lock);
	if (!drm_dev_is_unplugged(&dev->drm))
		drm_dev_unplug(&dev->drm);
}

/**
 * ig1_device_unplug() - The PCI device goes; files may stay
 * @dev: device
 */
void ig1_device_unplug(struct ig1_device *dev)
{
	ig1_device_cut(dev);
	ig1_pm_fini(dev);
	ig1_reset_fini(dev);
	ig1_sched_unplug(dev);
	down_write(&dev->hw_lock);
	ig1_device_stop(dev);
	up_write(&dev->hw_lock);
	pci_clear_master(dev->pdev);
	ig1_pm_release(dev);
	/* What waited for jobs' fences, and DMA memory that is held by something else. */
	flush_workqueue(ig1_free_wq);
	ig1_mmu_pool_unplug(&dev->mmu);
	ig1_gem_unplug(dev);
}
