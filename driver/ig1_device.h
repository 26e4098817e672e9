/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _IG1_DEVICE_H_
#define _IG1_DEVICE_H_

#include <linux/io.h>
#include <linux/pci.h>
#include <linux/rwsem.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include <drm/drm_device.h>
#include <drm/drm_drv.h>
#include <drm/drm_file.h>
#include <drm/drm_print.h>

#include "intaglio_accel.h"
#include "ig1_compat.h"
#include "ig1_fw.h"
#include "ig1_gem.h"
#include "ig1_hw.h"
#include "ig1_hwq.h"
#include "ig1_irq.h"
#include "ig1_mmu.h"
#include "ig1_pm.h"
#include "ig1_reset.h"
#include "ig1_sched.h"
#include "ig1_sram.h"
#include "ig1_stats.h"
#include "ig1_vm.h"

/**
 * DOC: Lifetimes
 *
 * &struct ig1_device embeds the &struct drm_device and lives until the last reference to that is
 * dropped, which may be long after the PCI device went away. Two kinds of things hang on it:
 *
 * - Memory and schedulers that an open file may still reach: released by drmm actions. Address
 *   spaces, queues and jobs hold a reference of the &struct drm_device, so that a scheduler never
 *   dies before its entities.
 * - What needs the PCI device (registers, interrupts, DMA mappings, page tables): used between
 *   drm_dev_enter() and drm_dev_exit() only, and gone when ig1_device_unplug() returns.
 *
 * Who refers to whom::
 *
 *	file ──► VM ──► buffers mapped in it            queue ──► VM, ring buffer
 *	file ──► queue ──► VM                           job ──► queue, VM
 *	private buffer ──► dma_resv of its VM           bind job ──► VM, buffer
 *	VM, queue, job ──► drm_device                   file, job ──► statistics
 *
 * A buffer never points to a file or a VM (only to the object that carries the VM's dma_resv).
 *
 * A page that is unmapped may still be used by the jobs the chip has at that time, because it
 * caches translations from the start of a job to its end. So whatever an operation unmaps
 * (mappings, their buffers' references, page-table pages) is released only after all fences in the
 * VM's dma_resv have signalled. Each job adds its fence there before it can reach the chip, and **a
 * job's fence signals only when the chip no longer executes it**: after its completion, or after
 * the chip was stopped.
 *
 * Work items that may drop the last reference of the device run on ig1_free_wq, which belongs to
 * the module: it is drained when the module goes, never by the device.
 */

/**
 * DOC: Lock order
 *
 * Outer locks first:
 *
 * - &ig1_device.unplug_lock: one drm_dev_unplug() of several; outside of drm_dev_enter()
 * - &ig1_queue.control_lock: one CANCEL or RESUME at a time
 *
 *   - &ig1_queue.submit_lock: job numbers, order of arm and push
 *   - &ig1_vm.bind_lock: likewise, for asynchronous operations in a VM
 *
 *     - dma_resv of VMs and buffers (ww order)
 *
 *       - &ig1_vm.op_lock: page tables and mapping tree. Taken in fence-signalling context
 *
 *         - the buffer's list of mappings (ig1_gem_list_lock())
 *
 *     - &ig1_device.hw_lock, read: whoever talks to the firmware; write: reset, suspend, unplug
 *
 *       - &ig1_fw.lock: one mailbox command at a time
 *       - &ig1_scheds.lock: list of queues. A reset looks through it for whose SRAM is lost
 *
 *         - &ig1_vm.op_lock, see above
 *
 *       - &ig1_hwq.done_lock: order in which jobs of a ring end
 *
 * - &ig1_vms.lock: list of VMs; unplug opens their gates under it
 *
 *   - &ig1_gates.lock (spinlock), also inside a fence's lock
 *
 * - leaves: &ig1_hwqs.lock (spinlock: rings, and states of all queues), &ig1_hwqs.context_lock
 *   (spinlock), &ig1_gem.lock, &ig1_sram.lock, &ig1_mmu_pool.lock, the list of spare schedulers,
 *   the seqlocks of &struct ig1_stats and &struct ig1_file_stats
 *
 * &ig1_hwq.done_lock, &ig1_hwqs.lock, &ig1_device.hw_lock, &ig1_scheds.lock and the mailbox are a
 * fence's way: nothing is allocated under them and no dma_resv is locked. Lockdep is told so at
 * probe.
 */

/**
 * struct ig1_chip - What the chip says about itself
 *
 * Read once at probe, constant afterwards.
 */
struct ig1_chip {
	/** @spec: version of the specification */
	u32 spec;
	/** @sram_bytes: resident SRAM */
	u64 sram_bytes;
	/** @clock_hz: nominal clock */
	u64 clock_hz;
	/** @mask_id: SHA-256 of the ROMs */
	u8 mask_id[32];
	/** @fdt: copy of the device tree blob, drmm memory */
	void *fdt;
	/** @fdt_bytes: its size */
	u32 fdt_bytes;
};

/**
 * struct ig1_device - An IG1 chip
 */
struct ig1_device {
	/** @drm: base; its lifetime is ours */
	struct drm_device drm;
	/** @pdev: PCI device, only inside drm_dev_enter() */
	struct pci_dev *pdev;
	/** @regs: BAR0, only inside drm_dev_enter() */
	void __iomem *regs;
	/** @unplug_lock: makes one drm_dev_unplug() of several */
	struct mutex unplug_lock;
	/** @hw_lock: read: use of the firmware; write: reset, suspend, unplug */
	struct rw_semaphore hw_lock;
	/** @chip: what the chip is */
	struct ig1_chip chip;
	/** @irq: interrupt vectors */
	struct ig1_irq irq;
	/** @fw: firmware and mailbox */
	struct ig1_fw fw;
	/** @sram: pages of the resident SRAM */
	struct ig1_sram sram;
	/** @gem: buffers */
	struct ig1_gem gem;
	/** @mmu: memory of page tables */
	struct ig1_mmu_pool mmu;
	/** @vms: address spaces and their scheduler */
	struct ig1_vms vms;
	/** @hwq: hardware queues and completions */
	struct ig1_hwqs hwq;
	/** @sched: job schedulers */
	struct ig1_scheds sched;
	/** @reset: recovery */
	struct ig1_reset reset;
	/** @pm: power management */
	struct ig1_pm pm;
	/** @stats: sums over all jobs */
	struct ig1_stats stats;
};

/**
 * struct ig1_file - An open file
 */
struct ig1_file {
	/** @dev: device */
	struct ig1_device *dev;
	/** @vms: address spaces by id, &struct ig1_vm, from 1 */
	struct xarray vms;
	/** @queues: queues by id, &struct ig1_queue, from 1 */
	struct xarray queues;
	/** @stats: counters that jobs share, see ig1_stats.h */
	struct ig1_file_stats *stats;
};

/* For whatever may drop the last reference of a device; not a reclaim path. */
extern struct workqueue_struct *ig1_free_wq;

/*
 * Address spaces and queues, which may outlive their file and their device while something of
 * theirs is not over. The module stays until all of them are gone.
 */
void ig1_live_get(void);
void ig1_live_put(void);
void ig1_live_wait(void);

static inline struct ig1_device *to_ig1(struct drm_device *drm)
{
	return container_of(drm, struct ig1_device, drm);
}

static inline u32 ig1_rd(struct ig1_device *dev, u32 reg)
{
	return readl(dev->regs + reg);
}

static inline void ig1_wr(struct ig1_device *dev, u32 reg, u32 val)
{
	writel(val, dev->regs + reg);
}

/**
 * DOC: Sequences
 *
 * Probe (ig1_device_init): ig1_hwq_init, ig1_sched_init, ig1_reset_init, ig1_stats_init (memory
 * only, drmm), ig1_gem_init, ig1_mmu_pool_init, ig1_vms_init -> registers -> identity ->
 * ig1_reset_quiesce (whatever the last owner left running) -> bus master, vectors -> device tree ->
 * SRAM -> ig1_fw_init, ig1_hwq_alloc -> ig1_device_start -> ig1_pm_init (sees a running chip; takes
 * over its power) -> drm_dev_register.
 *
 * ig1_device_start/stop need hw_lock held for writing. They are all that probe, reset, suspend and
 * resume do to the chip; reset is stop(hard) and start.
 *
 * start: CONTROL.RESET -> ig1_fw_boot -> ig1_irq_start -> ig1_hwq_start (makes the hardware
 * queues by mailbox).
 * stop: ig1_hwq_stop (no doorbell after it; rings keep their state) -> ig1_irq_stop (no
 * handler runs after it) -> ig1_fw_stop.
 *
 * Unplug (ig1_device_unplug): drm_dev_unplug -> ig1_pm_fini -> ig1_reset_fini (no reset runs after
 * it) -> ig1_sched_unplug (all jobs end with -ENODEV; no job's fence stays unsignalled) ->
 * ig1_device_stop -> ig1_mmu_pool_unplug, ig1_gem_unplug (DMA mappings gone).
 *
 * Ioctls that touch the chip: drm_dev_enter -> ig1_pm_get -> down_read(hw_lock) -> use, and back.
 */
int ig1_device_init(struct ig1_device *dev);
int ig1_device_start(struct ig1_device *dev);
void ig1_device_stop(struct ig1_device *dev);
void ig1_device_unplug(struct ig1_device *dev);

/* Locks that memory is not allocated under; all of them are initialised. */
void ig1_device_prime_lockdep(struct ig1_device *dev);

/* drm_dev_unplug(), once. A recovery that failed and the end of the device may meet here. */
void ig1_device_cut(struct ig1_device *dev);

int ig1_dev_query_ioctl(struct drm_device *drm, void *data, struct drm_file *file);

#endif /* _IG1_DEVICE_H_ */
