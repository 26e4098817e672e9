// SPDX-License-Identifier: GPL-2.0-only
/* The firmware's estimates of power and temperature, for hwmon and sysfs. */
#include <linux/hwmon.h>

#include "ig1_device.h"
#include "ig1_hwmon.h"

int ig1_telemetry_read(struct ig1_device *dev, struct ig1_telemetry *t)
{
	const u32 args[4] = {};
	int idx, err;
	u32 out[4];

	if (!drm_dev_enter(&dev->drm, &idx))
		return -ENODEV;
	if (!ig1_pm_get_if_awake(dev)) {
		err = -ENODATA;
		goto exit;
	}
	down_read(&dev->hw_lock);
	err = dev->fw.running ? ig1_mbox(dev, IG1_MBOX_TELEMETRY, args, NULL, out) : -ENODATA;
	up_read(&dev->hw_lock);
	if (err == -ETIMEDOUT)
		ig1_reset_schedule(dev);
	ig1_pm_put_unused(dev);
	if (!err) {
		t->mhz = out[0];
		t->milliwatts = out[1];
		t->millidegrees = out[2];
		t->load = out[3];
	}
exit:
	drm_dev_exit(idx);
	return err;
}

/* No IS_REACHABLE: without hwmon these are not called, and not there. */
#if IS_REACHABLE(CONFIG_HWMON)

static umode_t is_visible(const void *data, enum hwmon_sensor_types type, u32 attr, int channel)
{
	return 0444;
}

static int read(struct device *parent, enum hwmon_sensor_types type, u32 attr, int channel,
		long *val)
{
	struct ig1_telemetry t;
	int err;

	err = ig1_telemetry_read(dev_get_drvdata(parent), &t);
	if (err)
		return err;
	if (type == hwmon_power && attr == hwmon_power_input)
		*val = (long)t.milliwatts * 1000;
	else if (type == hwmon_temp && attr == hwmon_temp_input)
		*val = t.millidegrees;
	else
		return -EOPNOTSUPP;
	return 0;
}

static int read_string(struct device *parent, enum hwmon_sensor_types type, u32 attr, int channel,
		       const char **str)
{
	*str = "estimate";
	return 0;
}

static const struct hwmon_ops hwmon_ops = {
	.is_visible = is_visible,
	.read = read,
	.read_string = read_string,
};

static const struct hwmon_channel_info * const channels[] = {
	HWMON_CHANNEL_INFO(power, HWMON_P_INPUT | HWMON_P_LABEL),
	HWMON_CHANNEL_INFO(temp, HWMON_T_INPUT | HWMON_T_LABEL),
	NULL
};

static const struct hwmon_chip_info chip_info = {
	.ops = &hwmon_ops,
	.info = channels,
};

int ig1_hwmon_init(struct ig1_device *dev)
{
	struct device *hwmon;

	hwmon = devm_hwmon_device_register_with_info(dev->drm.dev, "intaglio", dev, &chip_info,
						     NULL);
	return PTR_ERR_OR_ZERO(hwmon);
}

#else

int ig1_hwmon_init(struct ig1_device *dev)
{
	return 0;
}

#endif
