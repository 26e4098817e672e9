/* SPDX-License-Identifier: MIT */
/*
 * The client's memory as the chip may reach it, in bus addresses: what an IOMMU's table is to a
 * card. Not locked; the device's lock covers it.
 */
#ifndef DMA_MAP_H
#define DMA_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DMA_PAGE      4096u
#define DMA_MAX_MAPS  32768u /* below the kernel's default limit of mappings per process */
#define DMA_MAX_BYTES 256u   /* of one access */

#define DMA_READ      1u /* the chip may read */
#define DMA_WRITE     2u

enum dma_mode {
	DMA_MESSAGE, /* no file: every access is a message to the client */
	DMA_MMAP,    /* the file is mapped here */
	DMA_FILE,    /* pread and pwrite */
};

struct dma_region {
	uint64_t addr, size; /* multiples of DMA_PAGE */
	uint64_t offset;     /* in the file, multiple of DMA_PAGE */
	uint32_t prot;
	enum dma_mode mode;
};

struct dma_entry {
	struct dma_region r;
	uint8_t *host; /* of addr, if mapped */
	void *base;    /* of the mapping */
	size_t bytes;
	int fd; /* owned, for DMA_FILE */
};

struct dma_map {
	struct dma_entry **entry; /* by address */
	size_t count, room;
	struct dma_entry *last;
};

void dma_map_init(struct dma_map *map);
void dma_map_free(struct dma_map *map);

/*
 * Adds a region; fd (-1 for DMA_MESSAGE) is duplicated or mapped and stays the caller's.
 * -EINVAL: empty, unaligned, wraps, unknown prot or mode, fd lacking or too small a file;
 * -EEXIST: overlaps; -ENOSPC: too many; -ENOMEM; or what mmap(2) gave.
 */
int dma_map_add(struct dma_map *map, const struct dma_region *region, int fd);
/* -ENOENT: no region has exactly this place. */
int dma_map_remove(struct dma_map *map, uint64_t addr, uint64_t size);
void dma_map_clear(struct dma_map *map);

/* The region that holds all of [addr, addr + n) with these rights, or NULL. n > 0. */
struct dma_entry *dma_map_find(struct dma_map *map, uint64_t addr, size_t n, uint32_t prot);

/*
 * Access to a region that is not DMA_MESSAGE. A write's bytes appear in ascending order to a
 * program that polls for the last ones; those of 16 aligned bytes, which may be a token record, with
 * the first eight last, to a program that polls for them. -EFAULT: the file has shrunk under the mapping (the
 * region then leads to memory nobody sees, as after a card lost its link).
 */
int dma_entry_read(struct dma_entry *e, uint64_t addr, void *dst, size_t n);
int dma_entry_write(struct dma_entry *e, uint64_t addr, const void *src, size_t n);

#endif
