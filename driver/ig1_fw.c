// SPDX-License-Identifier: GPL-2.0-only
/* Firmware: the file, its start, the mailbox and the log. */
#include "ig1_fw.h"

#include <linux/crc32.h>
#include <linux/delay.h>
#include <linux/dma-mapping.h>
#include <linux/ktime.h>
#include <linux/module.h>

#include <drm/drm_managed.h>
#include <drm/drm_print.h>

#include "ig1_device.h"
#include "ig1_trace.h"

#define FW_NAME	       "intaglio/ig1-fw.bin"
#define ABI_MAJOR(abi) upper_16_bits(abi)
#define ABI_MINOR(abi) lower_16_bits(abi)
#define POLL_MIN_US    10
#define POLL_MAX_US    1000
/* What a PCI device that is not there reads as. */
#define GONE (~0u)

static uint fw_timeout_ms = 10000;
module_param(fw_timeout_ms, uint, 0644);
MODULE_PARM_DESC(fw_timeout_ms, "Time for the firmware to start or to answer (default 10000 ms)");

/* Looked for in this order. */
static const char *const fw_names[] = { FW_NAME };
MODULE_FIRMWARE(FW_NAME);

static const char *const error_names[] = {
	[IG1_FW_ERROR_NONE] = "none", [IG1_FW_ERROR_FDT] = "device tree",
	[IG1_FW_ERROR_SRAM] = "SRAM", [IG1_FW_ERROR_ROM] = "ROM",
	[IG1_FW_ERROR_TRAP] = "trap",
};

static int bad_file(struct device *dev, const char *field)
{
	dev_err(dev, "firmware %s: bad %s\n", FW_NAME, field);
	return -EINVAL;
}

/**
 * ig1_fw_check() - Check a firmware file
 * @dev: for messages
 * @data: the file
 * @size: its size
 * @image: filled in; points into @data
 *
 * Return: 0, -EINVAL (malformed), -EPROTO (another ABI).
 */
int ig1_fw_check(struct device *dev, const void *data, size_t size, struct ig1_fw_image *image)
{
	const struct ig1_hw_fw_header *h = data;
	u32 bytes, entry, i;

	if (size < sizeof(*h))
		return bad_file(dev, "size");
	if (le32_to_cpu(h->magic) != IG1_FW_MAGIC)
		return bad_file(dev, "magic");
	image->abi = le32_to_cpu(h->abi);
	image->version = le32_to_cpu(h->version);
	image->load_addr = le32_to_cpu(h->load_addr);
	bytes = le32_to_cpu(h->image_bytes);
	if (ABI_MAJOR(image->abi) != ABI_MAJOR(IG1_FW_ABI)) {
		dev_err(dev, "firmware %s: ABI %u.%u, the driver speaks %u.%u\n", FW_NAME,
			ABI_MAJOR(image->abi), ABI_MINOR(image->abi), ABI_MAJOR(IG1_FW_ABI),
			ABI_MINOR(IG1_FW_ABI));
		return -EPROTO;
	}
	if (!bytes || bytes % 4 || bytes != size - sizeof(*h))
		return bad_file(dev, "image_bytes");
	if (image->load_addr % 4 || image->load_addr > IG1_MCU_SRAM_BYTES ||
	    bytes > IG1_MCU_SRAM_BYTES - image->load_addr)
		return bad_file(dev, "load_addr");
	entry = le32_to_cpu(h->entry);
	if (entry % 4 || entry < image->load_addr || entry - image->load_addr >= bytes)
		return bad_file(dev, "entry");
	for (i = 0; i < ARRAY_SIZE(h->pad); i++) {
		if (h->pad[i])
			return bad_file(dev, "pad");
	}
	image->words = data + sizeof(*h);
	image->count = bytes / 4;
	if ((crc32_le(~0, data + sizeof(*h), bytes) ^ ~0) != le32_to_cpu(h->crc32))
		return bad_file(dev, "crc32");
	return 0;
}

static void fw_release(struct drm_device *drm, void *data)
{
	release_firmware(data);
}

/**
 * ig1_fw_init() - Get the firmware file and the mailbox' memory
 * @dev: device, its PCI part is there
 *
 * Return: 0 or a negative errno.
 */
int ig1_fw_init(struct ig1_device *dev)
{
	struct ig1_fw *fw = &dev->fw;
	size_t i;
	int ret;

	ret = drmm_mutex_init(&dev->drm, &fw->lock);
	if (ret)
		return ret;
	fw->log = dmam_alloc_coherent(dev->drm.dev, IG1_FW_LOG_RECORDS * sizeof(*fw->log),
				      &fw->log_dma, GFP_KERNEL);
	if (!fw->log)
		return -ENOMEM;
	ret = -ENOENT;
	for (i = 0; i < ARRAY_SIZE(fw_names) && ret; i++)
		ret = firmware_request_nowarn(&fw->blob, fw_names[i], dev->drm.dev);
	if (ret)
		return dev_err_probe(dev->drm.dev, ret, "no firmware %s\n", fw_names[0]);
	ret = drmm_add_action_or_reset(&dev->drm, fw_release, (void *)fw->blob);
	if (ret)
		return ret;
	return ig1_fw_check(dev->drm.dev, fw->blob->data, fw->blob->size, &fw->image);
}

/* --- mailbox -------------------------------------------------------------------------------- */

/* Polls a register until it has the value; sleeps longer and longer. */
static int poll_until(struct ig1_device *dev, u32 reg, u32 val)
{
	ktime_t end = ktime_add_ms(ktime_get(), READ_ONCE(fw_timeout_ms));
	u32 us = POLL_MIN_US;
	bool late;
	u32 v;

	for (;;) {
		/* In this order: the process may sleep longer than it wanted. */
		late = ktime_after(ktime_get(), end);
		v = ig1_rd(dev, reg);
		if (v == val)
			return 0;
		if (v == GONE && ig1_rd(dev, IG1_REG_ID) == GONE)
			return -ENODEV;
		if (late)
			return -ETIMEDOUT;
		usleep_range(us, 2 * us);
		us = min(2 * us, POLL_MAX_US);
	}
}

static int mbox_error(u32 ret)
{
	switch (ret) {
	case IG1_MBOX_EOK:
		return 0;
	case IG1_MBOX_EBUS:
		return -EFAULT;
	case IG1_MBOX_ESTATE:
		return -EBUSY;
	default:
		return -EINVAL;
	}
}

static int mbox_locked(struct ig1_device *dev, u32 cmd, const u32 args[4], u32 *val, u32 out[4])
{
	struct ig1_fw *fw = &dev->fw;
	u32 i;
	int ret;

	lockdep_assert_held(&fw->lock);
	/* Zero is what the register holds when nothing was ever asked. */
	if (!++fw->seq)
		fw->seq = 1;
	ig1_wr(dev, IG1_REG_MBOX_CMD, cmd);
	ig1_wr(dev, IG1_REG_MBOX_SEQ, fw->seq);
	for (i = 0; i < 4; i++)
		ig1_wr(dev, IG1_REG_MBOX_ARG(i), args[i]);
	ig1_wr(dev, IG1_REG_MBOX_DOORBELL, 1);
	ret = poll_until(dev, IG1_REG_MBOX_DONE, fw->seq);
	if (ret)
		return ret;
	ret = mbox_error(ig1_rd(dev, IG1_REG_MBOX_RET));
	if (val)
		*val = ig1_rd(dev, IG1_REG_MBOX_VAL);
	for (i = 0; out && i < 4; i++)
		out[i] = ig1_rd(dev, IG1_REG_MBOX_OUT(i));
	return ret;
}

/**
 * ig1_mbox() - Let the firmware do something
 * @dev: device
 * @cmd: IG1_MBOX_*
 * @args: its arguments
 * @val: returned value, or NULL
 * @out: further returned values, or NULL
 *
 * Return: see ig1_fw.h.
 */
int ig1_mbox(struct ig1_device *dev, u32 cmd, const u32 args[4], u32 *val, u32 out[4])
{
	struct ig1_fw *fw = &dev->fw;
	int ret = -EIO;

	lockdep_assert_held(&dev->hw_lock);
	mutex_lock(&fw->lock);
	if (fw->running)
		ret = mbox_locked(dev, cmd, args, val, out);
	if (ret == -ETIMEDOUT || ret == -ENODEV) {
		/* The others need not wait for a firmware that hangs. */
		fw->running = false;
		drm_err(&dev->drm, "firmware does not answer command %u\n", cmd);
	}
	mutex_unlock(&fw->lock);
	trace_ig1_mbox(dev, cmd, args ? args[0] : 0, ret);
	return ret;
}

/* --- start ---------------------------------------------------------------------------------- */

static int boot_wait(struct ig1_device *dev)
{
	ktime_t end = ktime_add_ms(ktime_get(), READ_ONCE(fw_timeout_ms));
	u32 us = POLL_MIN_US, state;
	bool late;

	for (;;) {
		late = ktime_after(ktime_get(), end);
		state = ig1_rd(dev, IG1_REG_FW_STATE);
		if (state == IG1_FW_STATE_READY || state == IG1_FW_STATE_FAILED)
			return state;
		if (state == GONE)
			return -ENODEV;
		if (late || ig1_rd(dev, IG1_REG_STATUS) & IG1_REG_STATUS_MCU_LOCKUP)
			return -ETIMEDOUT;
		usleep_range(us, 2 * us);
		us = min(2 * us, POLL_MAX_US);
	}
}

int ig1_fw_boot(struct ig1_device *dev)
{
	struct ig1_fw *fw = &dev->fw;
	struct drm_printer p;
	u32 i, error;
	int state;

	lockdep_assert_held_write(&dev->hw_lock);
	ig1_wr(dev, IG1_REG_CONTROL, 0);
	ig1_wr(dev, IG1_REG_LOAD_ADDR, fw->image.load_addr);
	for (i = 0; i < fw->image.count; i++)
		ig1_wr(dev, IG1_REG_LOAD_DATA, le32_to_cpu(fw->image.words[i]));
	/* Not a number that an earlier life of the chip answered last. */
	fw->seq = ig1_rd(dev, IG1_REG_MBOX_DONE);
	ig1_wr(dev, IG1_REG_CONTROL, IG1_REG_CONTROL_MCU_RUN);

	state = boot_wait(dev);
	if (state < 0) {
		drm_err(&dev->drm, "firmware does not start (status %#x, state %#x)\n",
			ig1_rd(dev, IG1_REG_STATUS), ig1_rd(dev, IG1_REG_FW_STATE));
		return state;
	}
	fw->abi = ig1_rd(dev, IG1_REG_FW_ABI);
	fw->version = ig1_rd(dev, IG1_REG_FW_VERSION);
	if (ABI_MAJOR(fw->abi) != ABI_MAJOR(IG1_FW_ABI)) {
		drm_err(&dev->drm, "firmware reports ABI %#x\n", fw->abi);
		return -EPROTO;
	}
	fw->running = true;
	if (state == IG1_FW_STATE_READY)
		return 0;

	error = ig1_rd(dev, IG1_REG_FW_ERROR);
	drm_err(&dev->drm, "firmware failed: %s (%u)\n",
		error < ARRAY_SIZE(error_names) ? error_names[error] : "unknown", error);
	p = drm_err_printer(&dev->drm, "firmware");
	ig1_fw_log_print(dev, &p);
	fw->running = false;
	return -EIO;
}

void ig1_fw_stop(struct ig1_device *dev)
{
	lockdep_assert_held_write(&dev->hw_lock);
	dev->fw.running = false;
	ig1_wr(dev, IG1_REG_CONTROL, 0);
}

/* --- log ------------------------------------------------------------------------------------ */

static void print_record(struct drm_printer *p, const struct ig1_hw_fw_log *rec)
{
	static const char *const levels[] = { "error", "warning", "info" };
	u32 level = le32_to_cpu(rec->level);

	drm_printf(p, "%u %llu %s: %.*s\n", le32_to_cpu(rec->seq), le64_to_cpu(rec->cycle),
		   level < ARRAY_SIZE(levels) ? levels[level] : "?", (int)sizeof(rec->text),
		   rec->text);
}

int ig1_fw_log_print(struct ig1_device *dev, struct drm_printer *p)
{
	struct ig1_fw *fw = &dev->fw;
	u32 args[4] = {
		lower_32_bits(fw->log_dma),
		upper_32_bits(fw->log_dma),
		IG1_FW_LOG_RECORDS,
		1,
	};
	u32 n = 0, i;
	int ret = -EIO;

	lockdep_assert_held(&dev->hw_lock);
	mutex_lock(&fw->lock);
	if (fw->running)
		ret = mbox_locked(dev, IG1_MBOX_LOG_READ, args, &n, NULL);
	for (i = 0; !ret && i < min_t(u32, n, IG1_FW_LOG_RECORDS); i++)
		print_record(p, &fw->log[i]);
	mutex_unlock(&fw->lock);
	return ret;
}
