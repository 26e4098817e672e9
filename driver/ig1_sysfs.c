// SPDX-License-Identifier: GPL-2.0-only
/* Attributes of the PCI device. Reading does not wake the chip. */
#include <linux/device.h>
#include <linux/kstrtox.h>
#include <linux/sysfs.h>

#include "ig1_device.h"
#include "ig1_fdt.h"
#include "ig1_hwmon.h"
#include "ig1_sysfs.h"

static struct ig1_device *to_dev(struct device *parent)
{
	return dev_get_drvdata(parent);
}

/**
 * DOC: mask_id
 *
 * SHA-256 of the weight ROM and the constant ROM, 64 hexadecimal digits: which model the chip has.
 */
static ssize_t mask_id_show(struct device *parent, struct device_attribute *attr, char *buf)
{
	struct ig1_device *dev = to_dev(parent);

	return sysfs_emit(buf, "%*phN\n", (int)sizeof(dev->chip.mask_id), dev->chip.mask_id);
}
static DEVICE_ATTR_RO(mask_id);

/**
 * DOC: fw_version
 *
 * Version of the running firmware, major.minor.patch, and its ABI, major.minor.
 */
static ssize_t fw_version_show(struct device *parent, struct device_attribute *attr, char *buf)
{
	struct ig1_device *dev = to_dev(parent);
	u32 v = dev->fw.version, abi = dev->fw.abi;

	return sysfs_emit(buf, "%u.%u.%u abi %u.%u\n", v >> 16, v >> 8 & 0xff, v & 0xff, abi >> 16,
			  abi & 0xffff);
}
static DEVICE_ATTR_RO(fw_version);

static ssize_t emit_string(struct device *parent, const char *prop, char *buf)
{
	struct ig1_device *dev = to_dev(parent);
	const char *s;

	s = ig1_fdt_string(dev->chip.fdt, dev->chip.fdt_bytes, IG1_FDT_MODEL, prop);
	return s ? sysfs_emit(buf, "%s\n", s) : -ENODATA;
}

/**
 * DOC: model
 *
 * Name of the model, from the chip's device tree.
 */
static ssize_t model_show(struct device *parent, struct device_attribute *attr, char *buf)
{
	return emit_string(parent, IG1_FDT_MODEL_NAME, buf);
}
static DEVICE_ATTR_RO(model);

/**
 * DOC: model_arch
 *
 * Architecture of the model, from the chip's device tree.
 */
static ssize_t model_arch_show(struct device *parent, struct device_attribute *attr, char *buf)
{
	return emit_string(parent, IG1_FDT_MODEL_ARCH, buf);
}
static DEVICE_ATTR_RO(model_arch);

/**
 * DOC: telemetry
 *
 * Clock in MHz, power in mW, temperature in 0.001 degrees Celsius, load in 1/1000; a line each.
 * The firmware estimates them from the jobs' counters, nothing is measured. ENODATA while the
 * chip sleeps.
 */
static ssize_t telemetry_show(struct device *parent, struct device_attribute *attr, char *buf)
{
	struct ig1_telemetry t;
	int err;

	err = ig1_telemetry_read(to_dev(parent), &t);
	if (err)
		return err;
	return sysfs_emit(buf, "clock_mhz %u\npower_mw %u\ntemp_mc %u\nload_permille %u\n", t.mhz,
			  t.milliwatts, t.millidegrees, t.load);
}
static DEVICE_ATTR_RO(telemetry);

/**
 * DOC: job_timeout_ms
 *
 * Milliseconds without progress after which a job is given up, for queues that are created from
 * now on.
 */
static ssize_t job_timeout_ms_show(struct device *parent, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%u\n", READ_ONCE(to_dev(parent)->reset.timeout_ms));
}

static ssize_t job_timeout_ms_store(struct device *parent, struct device_attribute *attr,
				    const char *buf, size_t count)
{
	u32 v;
	int err;

	err = kstrtou32(buf, 0, &v);
	if (err)
		return err;
	if (!v || v > S32_MAX)
		return -EINVAL;
	WRITE_ONCE(to_dev(parent)->reset.timeout_ms, v);
	return count;
}
static DEVICE_ATTR_RW(job_timeout_ms);

/**
 * DOC: job_limit_ms
 *
 * Milliseconds that a job may run without emitting a token, progress or not. Also bounds the cycles
 * that user space may give a job, tokens or not, at the nominal clock. Zero: no limit.
 */
static ssize_t job_limit_ms_show(struct device *parent, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%u\n", READ_ONCE(to_dev(parent)->reset.limit_ms));
}

static ssize_t job_limit_ms_store(struct device *parent, struct device_attribute *attr,
				  const char *buf, size_t count)
{
	u32 v;
	int err;

	err = kstrtou32(buf, 0, &v);
	if (err)
		return err;
	WRITE_ONCE(to_dev(parent)->reset.limit_ms, v);
	return count;
}
static DEVICE_ATTR_RW(job_limit_ms);

static struct attribute *attrs[] = {
	&dev_attr_mask_id.attr,
	&dev_attr_fw_version.attr,
	&dev_attr_model.attr,
	&dev_attr_model_arch.attr,
	&dev_attr_telemetry.attr,
	&dev_attr_job_timeout_ms.attr,
	&dev_attr_job_limit_ms.attr,
	NULL
};

static const struct attribute_group group = {
	.attrs = attrs,
};

const struct attribute_group *ig1_dev_groups[] = {
	&group,
	NULL
};
