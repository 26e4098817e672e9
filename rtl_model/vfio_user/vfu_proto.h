/* SPDX-License-Identifier: MIT */
/*
 * vfio-user messages, from the specification that QEMU publishes (interop/vfio-user). All numbers
 * are in host order. Flags and indices that vfio-user shares with VFIO are those of <linux/vfio.h>.
 */
#ifndef VFU_PROTO_H
#define VFU_PROTO_H

#include <stdint.h>

#define VFU_MAJOR 0
#define VFU_MINOR 1 /* the highest that is spoken */

enum vfu_command {
	VFU_VERSION = 1,
	VFU_DMA_MAP = 2,
	VFU_DMA_UNMAP = 3,
	VFU_DEVICE_GET_INFO = 4,
	VFU_DEVICE_GET_REGION_INFO = 5,
	VFU_DEVICE_GET_REGION_IO_FDS = 6,
	VFU_DEVICE_GET_IRQ_INFO = 7,
	VFU_DEVICE_SET_IRQS = 8,
	VFU_REGION_READ = 9,
	VFU_REGION_WRITE = 10,
	VFU_DMA_READ = 11,  /* to the client */
	VFU_DMA_WRITE = 12, /* to the client */
	VFU_DEVICE_RESET = 13,
	VFU_DIRTY_PAGES = 14, /* of early versions */
	VFU_REGION_WRITE_MULTI = 15,
	VFU_DEVICE_FEATURE = 16,
	VFU_MIG_DATA_READ = 17,
	VFU_MIG_DATA_WRITE = 18,
	VFU_COMMANDS,
};

#define VFU_FLAG_TYPE	  0xfu
#define VFU_TYPE_COMMAND  0u
#define VFU_TYPE_REPLY	  1u
#define VFU_FLAG_NO_REPLY (1u << 4)
#define VFU_FLAG_ERROR	  (1u << 5)

struct vfu_header {
	uint16_t id;
	uint16_t command;
	uint32_t size; /* with the header */
	uint32_t flags;
	uint32_t error; /* an errno */
};

struct vfu_version {
	uint16_t major, minor;
	/* JSON, NUL-terminated */
};

#define VFU_MAP_READ  (1u << 0)
#define VFU_MAP_WRITE (1u << 1)
#define VFU_MAP_MMAP  (1u << 2)
#define VFU_MAP_FILE  (1u << 3)

struct vfu_dma_map {
	uint32_t argsz, flags;
	uint64_t offset, addr, size;
};

struct vfu_dma_unmap {
	uint32_t argsz, flags;
	uint64_t addr, size;
};

struct vfu_device_info {
	uint32_t argsz, flags, regions, irqs;
};

struct vfu_region_info {
	uint32_t argsz, flags, index, cap_offset;
	uint64_t size, offset;
};

struct vfu_region_io_fds {
	uint32_t argsz, flags, index, count;
};

struct vfu_irq_info {
	uint32_t argsz, flags, index, count;
};

struct vfu_irq_set {
	uint32_t argsz, flags, index, start, count;
};

struct vfu_region_access {
	uint64_t offset;
	uint32_t region, count;
};

struct vfu_region_multi {
	uint64_t offset;
	uint32_t region, count;
	uint8_t data[8];
};

struct vfu_dma_access {
	uint64_t addr, count;
};

_Static_assert(sizeof(struct vfu_header) == 16, "header");
_Static_assert(sizeof(struct vfu_dma_map) == 32, "dma_map");
_Static_assert(sizeof(struct vfu_dma_unmap) == 24, "dma_unmap");
_Static_assert(sizeof(struct vfu_region_info) == 32, "region_info");
_Static_assert(sizeof(struct vfu_irq_set) == 20, "irq_set");
_Static_assert(sizeof(struct vfu_region_access) == 16, "region_access");
_Static_assert(sizeof(struct vfu_region_multi) == 24, "region_multi");

#define VFU_MAX_FDS  16u	/* of a message */
#define VFU_MAX_XFER (1u << 20) /* data of a message, our limit and the protocol's default */
/* A header, the largest fixed part and the data. */
#define VFU_MAX_MESSAGE (VFU_MAX_XFER + 4096u)

#endif
