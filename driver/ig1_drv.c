// SPDX-License-Identifier: GPL-2.0-only
/* Module, PCI driver and DRM driver of the IG1 inference accelerator. */
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/rcupdate.h>
#include <linux/wait_bit.h>

#include <drm/drm_accel.h>
#include <drm/drm_gem.h>
#include <drm/drm_ioctl.h>

#include "ig1_debugfs.h"
#include "ig1_device.h"
#include "ig1_hwmon.h"
#include "ig1_queue.h"
#include "ig1_sysfs.h"

struct workqueue_struct *ig1_free_wq;

static atomic_t live = ATOMIC_INIT(0);

void ig1_live_get(void)
{
	atomic_inc(&live);
}

void ig1_live_put(void)
{
	if (atomic_dec_and_test(&live))
		wake_up_var(&live);
}

void ig1_live_wait(void)
{
	wait_var_event(&live, !atomic_read(&live));
}

/* --- files ---------------------------------------------------------------------------------- */

static int ig1_open(struct drm_device *drm, struct drm_file *file)
{
	struct ig1_file *priv = kzalloc_obj(*priv, GFP_KERNEL_ACCOUNT);

	if (!priv)
		return -ENOMEM;
	priv->dev = to_ig1(drm);
	priv->stats = ig1_file_stats_create();
	if (!priv->stats) {
		kfree(priv);
		return -ENOMEM;
	}
	xa_init_flags(&priv->vms, XA_FLAGS_ALLOC1);
	xa_init_flags(&priv->queues, XA_FLAGS_ALLOC1);
	file->driver_priv = priv;
	return 0;
}

static void ig1_postclose(struct drm_device *drm, struct drm_file *file)
{
	struct ig1_file *priv = file->driver_priv;

	ig1_queue_close_all(priv);
	ig1_vm_close_all(priv);
	ig1_file_stats_put(priv->stats);
	kfree(priv);
	/* Memory that nothing uses any more is free when close() returns. */
	flush_workqueue(ig1_free_wq);
}

/* --- DRM driver ----------------------------------------------------------------------------- */

#define IG1_IOCTL(name, func) DRM_IOCTL_DEF_DRV(INTAGLIO_##name, func, 0)

static const struct drm_ioctl_desc ig1_ioctls[] = {
	IG1_IOCTL(DEV_QUERY, ig1_dev_query_ioctl),
	IG1_IOCTL(GEM_CREATE, ig1_gem_create_ioctl),
	IG1_IOCTL(GEM_MMAP_OFFSET, ig1_gem_mmap_offset_ioctl),
	IG1_IOCTL(GEM_INFO, ig1_gem_info_ioctl),
	IG1_IOCTL(VM_CREATE, ig1_vm_create_ioctl),
	IG1_IOCTL(VM_DESTROY, ig1_vm_destroy_ioctl),
	IG1_IOCTL(VM_BIND, ig1_vm_bind_ioctl),
	IG1_IOCTL(VM_GET_STATE, ig1_vm_get_state_ioctl),
	IG1_IOCTL(QUEUE_CREATE, ig1_queue_create_ioctl),
	IG1_IOCTL(QUEUE_DESTROY, ig1_queue_destroy_ioctl),
	IG1_IOCTL(QUEUE_GET_STATE, ig1_queue_get_state_ioctl),
	IG1_IOCTL(QUEUE_CONTROL, ig1_queue_control_ioctl),
	IG1_IOCTL(EXEC, ig1_exec_ioctl),
};

static const struct file_operations ig1_fops = {
	.owner = THIS_MODULE,
	DRM_ACCEL_FOPS,
	.show_fdinfo = drm_show_fdinfo,
};

/*
 * Changelog of the ioctls:
 * - 1.0: initial
 */
static const struct drm_driver ig1_drm_driver = {
	.driver_features = DRIVER_COMPUTE_ACCEL | DRIVER_GEM | DRIVER_SYNCOBJ |
			   DRIVER_SYNCOBJ_TIMELINE | IG1_DRIVER_GPUVA,
	.open = ig1_open,
	.postclose = ig1_postclose,
	.show_fdinfo = ig1_show_fdinfo,
	.gem_create_object = ig1_gem_create_object,
	.gem_prime_import = ig1_gem_import,
	.gem_prime_import_sg_table = ig1_gem_import_sg,
	.ioctls = ig1_ioctls,
	.num_ioctls = ARRAY_SIZE(ig1_ioctls),
	.fops = &ig1_fops,
	.name = DRM_INTAGLIO_DRIVER_NAME,
	.desc = "Intaglio IG1 inference accelerator",
	.major = DRM_INTAGLIO_VERSION_MAJOR,
	.minor = DRM_INTAGLIO_VERSION_MINOR,
};

/* --- PCI driver ----------------------------------------------------------------------------- */

static int ig1_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct ig1_device *dev;
	int ret;

	dev = devm_drm_dev_alloc(&pdev->dev, &ig1_drm_driver, struct ig1_device, drm);
	if (IS_ERR(dev))
		return PTR_ERR(dev);
	dev->pdev = pdev;
	pci_set_drvdata(pdev, dev);
	ret = ig1_device_init(dev);
	if (ret)
		return ret;
	ret = ig1_hwmon_init(dev);
	if (ret)
		goto err_unplug;
	ig1_debugfs_init(dev);
	ret = drm_dev_register(&dev->drm, 0);
	if (ret)
		goto err_unplug;
	return 0;

err_unplug:
	ig1_device_unplug(dev);
	return ret;
}

static void ig1_remove(struct pci_dev *pdev)
{
	ig1_device_unplug(pci_get_drvdata(pdev));
}

static const struct pci_device_id ig1_pci_ids[] = {
	/* The vendor number is shared, so the class has to fit too. */
	{ .vendor = IG1_PCI_VENDOR,
	  .device = IG1_PCI_DEVICE,
	  .subvendor = PCI_ANY_ID,
	  .subdevice = PCI_ANY_ID,
	  .class = IG1_PCI_CLASS,
	  .class_mask = ~0 },
	{}
};
MODULE_DEVICE_TABLE(pci, ig1_pci_ids);

static struct pci_driver ig1_pci_driver = {
	.name = DRM_INTAGLIO_DRIVER_NAME,
	.id_table = ig1_pci_ids,
	.probe = ig1_probe,
	.remove = ig1_remove,
	.shutdown = ig1_remove,
	.err_handler = &ig1_pci_err_handlers,
	/* The PCI core sets the one in .driver from this. */
	.dev_groups = ig1_dev_groups,
	.driver.pm = pm_ptr(&ig1_pm_ops),
};

static int __init ig1_init(void)
{
	int ret;

	ig1_free_wq = alloc_workqueue("intaglio-free", WQ_UNBOUND, 0);
	if (!ig1_free_wq)
		return -ENOMEM;
	ret = pci_register_driver(&ig1_pci_driver);
	if (ret)
		destroy_workqueue(ig1_free_wq);
	return ret;
}

static void __exit ig1_exit(void)
{
	pci_unregister_driver(&ig1_pci_driver);
	ig1_live_wait();
	/* The last references of devices may be dropped in here. */
	destroy_workqueue(ig1_free_wq);
	ig1_sched_module_exit();
	/*
	 * Whoever dropped the last fence, and with it the module, may still be at the end of
	 * fence_release(), preempted even: kernels before 7.x call that outside of RCU sections.
	 * It has left when it has slept or been in user space.
	 */
	synchronize_rcu_tasks();
}

module_init(ig1_init);
module_exit(ig1_exit);

MODULE_DESCRIPTION("Intaglio IG1 inference accelerator");
MODULE_AUTHOR("The Intaglio authors");
MODULE_LICENSE("GPL");
