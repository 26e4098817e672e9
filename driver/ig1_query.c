// SPDX-License-Identifier: GPL-2.0-only
/* DEV_QUERY. */
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "ig1_device.h"
#include "ig1_queue.h"

static_assert(IG1_CTR_COUNT <= DRM_INTAGLIO_COUNTERS_MAX);

static void fill_chip(struct ig1_device *dev, struct drm_intaglio_chip_info *info)
{
	info->spec = dev->chip.spec;
	info->fw_abi = dev->fw.abi;
	info->fw_version = dev->fw.version;
	info->va_bits = IG1_VA_BITS;
	info->page_bytes = IG1_PAGE_BYTES;
	info->priorities = IG1_PRIORITIES;
	info->min_priority_user = IG1_MIN_PRIORITY_USER;
	info->counters = IG1_CTR_COUNT;
	info->sram_bytes = dev->chip.sram_bytes;
	info->clock_hz = dev->chip.clock_hz;
	memcpy(info->mask_id, dev->chip.mask_id, sizeof(info->mask_id));
}

static void fill_memory(struct ig1_device *dev, struct drm_intaglio_memory_info *info)
{
	info->sram_bytes = dev->chip.sram_bytes;
	info->sram_free = (u64)ig1_sram_free_pages(&dev->sram) * IG1_PAGE_BYTES;
	info->host_bytes = atomic64_read(&dev->gem.host_bytes);
}

static int answer(struct drm_intaglio_dev_query *args, const void *data, u32 bytes)
{
	if (!args->pointer) {
		args->size = bytes;
		return 0;
	}
	args->size = min(args->size, bytes);
	return copy_to_user(u64_to_user_ptr(args->pointer), data, args->size) ? -EFAULT : 0;
}

int ig1_dev_query_ioctl(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct drm_intaglio_memory_info memory = { 0 };
	struct drm_intaglio_dev_query *args = data;
	struct drm_intaglio_stats_info stats = { 0 };
	struct drm_intaglio_chip_info chip = { 0 };
	struct ig1_device *dev = to_ig1(drm);

	switch (args->type) {
	case DRM_INTAGLIO_QUERY_CHIP:
		fill_chip(dev, &chip);
		return answer(args, &chip, sizeof(chip));
	case DRM_INTAGLIO_QUERY_FDT:
		return answer(args, dev->chip.fdt, dev->chip.fdt_bytes);
	case DRM_INTAGLIO_QUERY_MEMORY:
		fill_memory(dev, &memory);
		return answer(args, &memory, sizeof(memory));
	case DRM_INTAGLIO_QUERY_STATS:
		/* Asks the chip for its cycles; the size alone needs none. */
		if (args->pointer)
			ig1_stats_query(dev, &stats);
		return answer(args, &stats, sizeof(stats));
	default:
		drm_dbg(drm, "DEV_QUERY: type %u\n", args->type);
		return -EINVAL;
	}
}
