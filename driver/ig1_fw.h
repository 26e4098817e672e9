/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _IG1_FW_H_
#define _IG1_FW_H_

#include <linux/firmware.h>
#include <linux/mutex.h>
#include <linux/types.h>

#include "ig1_hw.h"

struct drm_printer;
struct ig1_device;

/**
 * struct ig1_fw_image - What a firmware file holds
 */
struct ig1_fw_image {
	/** @words: the image, little-endian words inside the file */
	const __le32 *words;
	/** @count: of @words */
	u32 count;
	/** @load_addr: MCU address of the first */
	u32 load_addr;
	/** @abi: major << 16 | minor */
	u32 abi;
	/** @version: major << 16 | minor << 8 | patch */
	u32 version;
};

/**
 * struct ig1_fw - The chip's firmware
 */
struct ig1_fw {
	/** @blob: the file, kept for restarts; drmm */
	const struct firmware *blob;
	/** @image: what its header says */
	struct ig1_fw_image image;
	/** @abi: ABI the running firmware reported */
	u32 abi;
	/** @version: version the running firmware reported */
	u32 version;
	/** @running: serves the mailbox; under hw_lock */
	bool running;
	/** @lock: one command at a time; protects @seq, @log and the mailbox registers */
	struct mutex lock;
	/** @seq: number of the last command */
	u32 seq;
	/** @log: DMA memory for log records, IG1_FW_LOG_RECORDS of them; gone after unplug */
	struct ig1_hw_fw_log *log;
	/** @log_dma: its bus address */
	dma_addr_t log_dma;
};

#define IG1_FW_LOG_RECORDS 64

/* The file and its memory. Needs no chip but chip identity; returns -ENOENT without a file. */
int ig1_fw_init(struct ig1_device *dev);

/*
 * Loads and starts the firmware, waits until it serves its mailbox. The chip has just been reset.
 * hw_lock held for writing. -EIO: self-test failed (its log goes to the kernel's), -ETIMEDOUT,
 * -EPROTO: another ABI.
 */
int ig1_fw_boot(struct ig1_device *dev);

/* Holds the MCU in reset. hw_lock held for writing. */
void ig1_fw_stop(struct ig1_device *dev);

/*
 * One mailbox command. hw_lock held (either way) and inside drm_dev_enter(); may sleep, allocates
 * nothing. @val and @out may be NULL. Returns 0, -EIO (firmware not running), -ETIMEDOUT (then a
 * reset is needed: the caller calls ig1_reset_schedule() unless it is the reset), -EINVAL, -EBUSY
 * and -EFAULT for the firmware's EARG and ECMD, ESTATE, EBUS.
 */
int ig1_mbox(struct ig1_device *dev, u32 cmd, const u32 args[4], u32 *val, u32 out[4]);

/*
 * Prints the firmware's log; for debugfs and coredumps. Locks as ig1_mbox(). A firmware that failed
 * still answers; one that hangs costs a timeout.
 */
int ig1_fw_log_print(struct ig1_device *dev, struct drm_printer *p);

/* Checks a firmware file and tells what its header says. */
int ig1_fw_check(struct device *dev, const void *data, size_t size, struct ig1_fw_image *image);

#endif /* _IG1_FW_H_ */
