/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _IG1_PM_H_
#define _IG1_PM_H_

#include <linux/pm.h>
#include <linux/types.h>

#include "ig1_reset.h"

struct ig1_device;
struct ig1_resident;
struct pci_error_handlers;
struct pci_saved_state;

/**
 * struct ig1_pm - Power management
 */
struct ig1_pm {
	/** @enabled: between ig1_pm_init() and ig1_pm_fini() */
	bool enabled;
	/** @suspended: the chip is stopped for a transition; under hw_lock */
	bool suspended;
	/** @frozen: jiffies of a bus error that is being recovered from, or 0; under hw_lock */
	unsigned long frozen;
	/** @loss: what the transition costs; under hw_lock */
	struct ig1_loss loss;
	/** @resident: copy of the resident SRAM during a transition, or NULL */
	struct ig1_resident *resident;
	/** @config: configuration space of a working device, for a slot reset */
	struct pci_saved_state *config;
};

int ig1_pm_init(struct ig1_device *dev);
void ig1_pm_fini(struct ig1_device *dev);
/* What a transition that was not completed has kept; the chip is stopped. */
void ig1_pm_release(struct ig1_device *dev);

/* Wakes the chip and keeps it awake; may sleep. */
int ig1_pm_get(struct ig1_device *dev);
/* Keeps it awake if it is; then true. Any context. */
bool ig1_pm_get_if_awake(struct ig1_device *dev);
/* It has worked, and sleeps when it has not for a while. Any context. */
void ig1_pm_put(struct ig1_device *dev);
/* For who only looked: however often that is, it does not keep the chip awake. Any context. */
void ig1_pm_put_unused(struct ig1_device *dev);

/* Something ended that kept the chip awake without a reference. May sleep. */
void ig1_pm_kick(struct ig1_device *dev);

extern const struct dev_pm_ops ig1_pm_ops;
extern const struct pci_error_handlers ig1_pci_err_handlers;

#endif /* _IG1_PM_H_ */
