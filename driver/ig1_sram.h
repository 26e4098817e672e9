/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _IG1_SRAM_H_
#define _IG1_SRAM_H_

#include <linux/mutex.h>
#include <linux/types.h>

/**
 * struct ig1_sram_run - Consecutive pages
 */
struct ig1_sram_run {
	/** @first: number of the first page */
	u32 first;
	/** @pages: how many */
	u32 pages;
};

/**
 * struct ig1_sram_block - Pages of one buffer, in the order of its offsets
 */
struct ig1_sram_block {
	/** @runs: kvmalloc memory */
	struct ig1_sram_run *runs;
	/** @count: of @runs */
	u32 count;
};

/**
 * struct ig1_sram - Allocator of resident SRAM pages
 *
 * Pages have one owner, the buffer; sharing is mapping the same buffer again.
 */
struct ig1_sram {
	/** @lock: protects @used, and @free against other writers; memory is allocated under it */
	struct mutex lock;
	/** @used: bit per page */
	unsigned long *used;
	/** @pages: in all */
	u32 pages;
	/** @free: not used */
	u32 free;
};

int ig1_sram_setup(struct ig1_sram *sram, u64 bytes);
void ig1_sram_teardown(struct ig1_sram *sram);
int ig1_sram_alloc(struct ig1_sram *sram, u32 pages, struct ig1_sram_block *block);
void ig1_sram_free(struct ig1_sram *sram, struct ig1_sram_block *block);
u32 ig1_sram_free_pages(struct ig1_sram *sram);

#endif /* _IG1_SRAM_H_ */
