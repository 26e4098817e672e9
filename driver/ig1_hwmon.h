/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _IG1_HWMON_H_
#define _IG1_HWMON_H_

#include <linux/types.h>

struct ig1_device;

/**
 * struct ig1_telemetry - The firmware's digital estimates; nothing is measured
 */
struct ig1_telemetry {
	/** @mhz: clock */
	u32 mhz;
	/** @milliwatts: power */
	u32 milliwatts;
	/** @millidegrees: temperature, Celsius */
	u32 millidegrees;
	/** @load: busy time in 1/1000 */
	u32 load;
};

/* -ENODATA: the chip sleeps, and reading does not wake it. */
int ig1_telemetry_read(struct ig1_device *dev, struct ig1_telemetry *t);

int ig1_hwmon_init(struct ig1_device *dev);

#endif /* _IG1_HWMON_H_ */
