// SPDX-License-Identifier: GPL-2.0-only
/* State for people, and ways to make trouble for tests. */
#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/fault-inject.h>
#include <linux/workqueue.h>

#include <drm/drm_debugfs.h>
#include <drm/drm_print.h>

#include "ig1_debugfs.h"
#include "ig1_device.h"
#include "ig1_queue.h"

#ifdef CONFIG_FAULT_INJECTION
static DECLARE_FAULT_ATTR(fail_irq);
static DECLARE_FAULT_ATTR(fail_abort);
static DECLARE_FAULT_ATTR(fail_reset);

bool ig1_fail_irq(void)
{
	return should_fail(&fail_irq, 1);
}

bool ig1_fail_abort(void)
{
	return should_fail(&fail_abort, 1);
}

bool ig1_fail_reset(void)
{
	return should_fail(&fail_reset, 1);
}

/* One set for all devices; each device's folder shows it. */
static void init_faults(struct dentry *root)
{
	fault_create_debugfs_attr("fail_irq", root, &fail_irq);
	fault_create_debugfs_attr("fail_abort", root, &fail_abort);
	fault_create_debugfs_attr("fail_reset", root, &fail_reset);
}
#else
static void init_faults(struct dentry *root)
{
}
#endif

static struct ig1_device *seq_dev(struct seq_file *m)
{
	struct drm_debugfs_entry *entry = m->private;

	return to_ig1(entry->dev);
}

/* What exists of things that processes cause, to be as before when they are gone. */
static void print_objects(struct ig1_device *dev, struct drm_printer *p)
{
	u32 vms, tables;

	scoped_guard(mutex, &dev->vms.lock)
		vms = list_count_nodes(&dev->vms.list);
	scoped_guard(mutex, &dev->mmu.lock)
		tables = dev->mmu.count;
	drm_printf(p, "contexts: %u\naddress spaces: %u\npage tables: %u\n", ig1_contexts(dev), vms,
		   tables);
	drm_printf(p, "DMA mappings: %d\nhost buffers: %lld bytes\n",
		   atomic_read(&dev->gem.mappings), atomic64_read(&dev->gem.host_bytes));
	drm_printf(p, "free SRAM: %u pages\n", ig1_sram_free_pages(&dev->sram));
}

static int show_state(struct seq_file *m, void *unused)
{
	static const char * const states[] = { "running", "stopped", "banned" };
	struct drm_printer p = drm_seq_file_printer(m);
	struct ig1_device *dev = seq_dev(m);
	struct ig1_queue *queue;

	drm_printf(&p, "firmware: %s\nreset failed: %u\n", dev->fw.running ? "running" : "stopped",
		   READ_ONCE(dev->reset.failed));
	ig1_hwq_print(dev, &p);
	print_objects(dev, &p);
	guard(mutex)(&dev->sched.lock);
	list_for_each_entry(queue, &dev->sched.queues, node) {
		guard(spinlock)(&dev->hwq.lock);
		drm_printf(&p,
			   "queue %u: context %u priority %u %s active %u submitted %llu completed %llu\n",
			   queue->id, queue->context, queue->priority, states[queue->state],
			   queue->active, queue->submitted, queue->completed);
	}
	return 0;
}

static int show_log(struct seq_file *m, void *unused)
{
	struct drm_printer p = drm_seq_file_printer(m);
	struct ig1_device *dev = seq_dev(m);
	int idx, err = -ENODATA;

	if (!drm_dev_enter(&dev->drm, &idx))
		return -ENODEV;
	if (ig1_pm_get_if_awake(dev)) {
		down_read(&dev->hw_lock);
		err = ig1_fw_log_print(dev, &p);
		up_read(&dev->hw_lock);
		ig1_pm_put_unused(dev);
	}
	drm_dev_exit(idx);
	return err;
}

static const struct drm_debugfs_info files[] = {
	{ "state", show_state, 0, NULL },
	{ "fw_log", show_log, 0, NULL },
};

/*
 * The writer wants to know that it is over. It does not wait for the work: a reset that fails
 * unplugs the device, and that waits until nobody is in here.
 */
static int force_reset(void *data, u64 val)
{
	struct ig1_device *dev = data;

	ig1_reset_schedule(dev);
	while ((work_busy(&dev->reset.work) || READ_ONCE(dev->reset.flr)) &&
	       !drm_dev_is_unplugged(&dev->drm)) {
		if (msleep_interruptible(10))
			return -EINTR;
	}
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(force_reset_fops, NULL, force_reset, "%llu\n");

void ig1_debugfs_init(struct ig1_device *dev)
{
	struct dentry *root = dev->drm.debugfs_root;

	drm_debugfs_add_files(&dev->drm, files, ARRAY_SIZE(files));
	if (!root)
		return;
	debugfs_create_file("force_reset", 0200, root, dev, &force_reset_fops);
	init_faults(root);
}
