/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _IG1_MMU_H_
#define _IG1_MMU_H_

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/types.h>

#include "ig1_hw.h"

struct device;
struct drm_device;

/**
 * struct ig1_mmu_pool - Where page-table pages come from
 *
 * Knows all of them, so that their DMA memory goes when the device does, whoever still holds one.
 */
struct ig1_mmu_pool {
	/** @dev: device that reads them; NULL in tests: ordinary memory */
	struct device *dev;
	/** @lock: protects @all and @count */
	struct mutex lock;
	/** @all: tables with memory, by &ig1_pt.all */
	struct list_head all;
	/** @count: of @all */
	u32 count;
};

/**
 * struct ig1_pt - A page-table page
 */
struct ig1_pt {
	/** @entries: read by the chip; NULL after unplug */
	__le64 *entries;
	/** @dma: bus address of @entries */
	dma_addr_t dma;
	/** @child: table per entry; NULL at level 0 */
	struct ig1_pt **child;
	/** @used: entries that are valid */
	u32 used;
	/** @node: in a list of spare or dropped tables */
	struct list_head node;
	/** @all: in &ig1_mmu_pool.all */
	struct list_head all;
};

/**
 * struct ig1_pt_need - How many tables a change may take
 *
 * Tables that exist already are not considered, since they may have gone when the change is made.
 */
struct ig1_pt_need {
	/** @leafs: tables of level 0 */
	u32 leafs;
	/** @inners: tables of level 1 */
	u32 inners;
	/** @leaf_next: first address beyond the last region counted in @leafs */
	u64 leaf_next;
	/** @inner_next: likewise for @inners */
	u64 inner_next;
};

/**
 * struct ig1_pt_cache - Tables put aside for one change, and those it made superfluous
 */
struct ig1_pt_cache {
	/** @leafs: spare tables of level 0 */
	struct list_head leafs;
	/** @inners: spare tables of level 1 */
	struct list_head inners;
	/** @dropped: tables no longer referred to; to be freed when running jobs have ended */
	struct list_head dropped;
};

/**
 * struct ig1_mmu - Page tables of one address space
 *
 * The owner serialises calls (&ig1_vm.op_lock).
 */
struct ig1_mmu {
	/** @pool: source of tables */
	struct ig1_mmu_pool *pool;
	/** @root: level-2 table, NULL after ig1_mmu_fini() */
	struct ig1_pt *root;
};

int ig1_mmu_pool_init(struct drm_device *drm, struct ig1_mmu_pool *pool, struct device *dev);
void ig1_mmu_pool_unplug(struct ig1_mmu_pool *pool);

void ig1_pt_cache_init(struct ig1_pt_cache *cache);
int ig1_pt_cache_fill(struct ig1_mmu_pool *pool, struct ig1_pt_cache *cache,
		      const struct ig1_pt_need *need);
void ig1_pt_cache_trim(struct ig1_mmu_pool *pool, struct ig1_pt_cache *cache);
void ig1_pt_cache_free(struct ig1_mmu_pool *pool, struct ig1_pt_cache *cache);

/* For each extent of a mapping in ascending order, or for the ends of what is unmapped. */
void ig1_pt_need_extent(struct ig1_pt_need *need, u64 va, u64 addr, u64 bytes);
void ig1_pt_need_ends(struct ig1_pt_need *need, u64 va, u64 bytes);

int ig1_mmu_init(struct ig1_mmu *mmu, struct ig1_mmu_pool *pool);
void ig1_mmu_fini(struct ig1_mmu *mmu);

/*
 * Neither allocates; both may run in fence-signalling context. @addr: bus address, or SRAM offset
 * with IG1_PTE_SRAM in @flags (IG1_PTE_WRITE, IG1_PTE_SRAM). Everything is a multiple of the page
 * size and checked. -ENOSPC: the cache has too few tables, a defect of the caller.
 */
int ig1_mmu_map(struct ig1_mmu *mmu, struct ig1_pt_cache *cache, u64 va, u64 addr, u64 bytes,
		u64 flags);
int ig1_mmu_unmap(struct ig1_mmu *mmu, struct ig1_pt_cache *cache, u64 va, u64 bytes);

/* Entry that translates @va and the bytes it covers; 0 if none. */
u64 ig1_mmu_walk(const struct ig1_mmu *mmu, u64 va, u64 *bytes);

#endif /* _IG1_MMU_H_ */
