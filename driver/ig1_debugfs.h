/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _IG1_DEBUGFS_H_
#define _IG1_DEBUGFS_H_

#include <linux/types.h>

struct ig1_device;

void ig1_debugfs_init(struct ig1_device *dev);

/*
 * Faults on demand, for tests: true when the next one should be injected. Set up below
 * /sys/kernel/debug/accel/N/, see Documentation/fault-injection.
 */
#ifdef CONFIG_FAULT_INJECTION
/* An interrupt is lost. */
bool ig1_fail_irq(void);
/* A job does not obey an abort. */
bool ig1_fail_abort(void);
/* The chip does not come back from a reset. */
bool ig1_fail_reset(void);
#else
static inline bool ig1_fail_irq(void)
{
	return false;
}

static inline bool ig1_fail_abort(void)
{
	return false;
}

static inline bool ig1_fail_reset(void)
{
	return false;
}
#endif

#endif /* _IG1_DEBUGFS_H_ */
