// SPDX-License-Identifier: GPL-2.0-only
/* Pages of the resident SRAM. */
#include "ig1_sram.h"

#include <linux/bitmap.h>
#include <linux/find.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "ig1_hw.h"

/* Larger blocks begin at a multiple of this where that is possible, so that large leaves fit. */
#define ALIGN_PAGES (SZ_2M / IG1_PAGE_BYTES)

/**
 * ig1_sram_setup() - Make an allocator
 * @sram: uninitialised
 * @bytes: size, a multiple of the page size
 *
 * Return: 0, -EINVAL, -ENOMEM.
 */
int ig1_sram_setup(struct ig1_sram *sram, u64 bytes)
{
	if (!bytes || bytes % IG1_PAGE_BYTES || bytes / IG1_PAGE_BYTES > S32_MAX)
		return -EINVAL;
	sram->pages = bytes / IG1_PAGE_BYTES;
	sram->free = sram->pages;
	sram->used = bitmap_zalloc(sram->pages, GFP_KERNEL);
	if (!sram->used)
		return -ENOMEM;
	mutex_init(&sram->lock);
	return 0;
}

void ig1_sram_teardown(struct ig1_sram *sram)
{
	mutex_destroy(&sram->lock);
	bitmap_free(sram->used);
	sram->used = NULL;
}

/* One hole for all of it, or false. */
static bool find_one(struct ig1_sram *sram, u32 pages, u32 *first)
{
	unsigned long at;

	if (pages >= ALIGN_PAGES) {
		at = bitmap_find_next_zero_area(sram->used, sram->pages, 0, pages, ALIGN_PAGES - 1);
		if (at < sram->pages) {
			*first = at;
			return true;
		}
	}
	at = bitmap_find_next_zero_area(sram->used, sram->pages, 0, pages, 0);
	*first = at;
	return at < sram->pages;
}

/* The lowest holes, as many as it takes; without @runs only counts them. */
static u32 gather(struct ig1_sram *sram, u32 pages, struct ig1_sram_run *runs)
{
	unsigned long start, end = 0;
	u32 count = 0;

	while (pages) {
		start = find_next_zero_bit(sram->used, sram->pages, end);
		end = find_next_bit(sram->used, sram->pages, start);
		if (runs) {
			runs[count].first = start;
			runs[count].pages = min_t(u32, pages, end - start);
		}
		pages -= min_t(u32, pages, end - start);
		count++;
	}
	return count;
}

/**
 * ig1_sram_alloc() - Take pages
 * @sram: allocator
 * @pages: how many, not zero
 * @block: filled in
 *
 * The pages are consecutive if there is a hole that large.
 *
 * Return: 0, -ENOSPC, -ENOMEM.
 */
int ig1_sram_alloc(struct ig1_sram *sram, u32 pages, struct ig1_sram_block *block)
{
	u32 first = 0, count = 1, i;
	bool one;
	int ret = 0;

	mutex_lock(&sram->lock);
	if (pages > sram->free) {
		ret = -ENOSPC;
		goto out;
	}
	one = find_one(sram, pages, &first);
	if (!one)
		count = gather(sram, pages, NULL);
	block->runs = kvmalloc_array(count, sizeof(*block->runs), GFP_KERNEL_ACCOUNT);
	if (!block->runs) {
		ret = -ENOMEM;
		goto out;
	}
	block->count = count;
	if (one) {
		block->runs[0].first = first;
		block->runs[0].pages = pages;
	} else {
		gather(sram, pages, block->runs);
	}
	for (i = 0; i < count; i++)
		bitmap_set(sram->used, block->runs[i].first, block->runs[i].pages);
	WRITE_ONCE(sram->free, sram->free - pages);
out:
	mutex_unlock(&sram->lock);
	return ret;
}

/**
 * ig1_sram_free() - Give pages back
 * @sram: allocator
 * @block: from ig1_sram_alloc(), or empty; empty afterwards
 */
void ig1_sram_free(struct ig1_sram *sram, struct ig1_sram_block *block)
{
	u32 i;

	mutex_lock(&sram->lock);
	for (i = 0; i < block->count; i++) {
		bitmap_clear(sram->used, block->runs[i].first, block->runs[i].pages);
		WRITE_ONCE(sram->free, sram->free + block->runs[i].pages);
	}
	mutex_unlock(&sram->lock);
	kvfree(block->runs);
	block->runs = NULL;
	block->count = 0;
}

u32 ig1_sram_free_pages(struct ig1_sram *sram)
{
	/* Without the lock, which is not one to be taken where fences are signalled. */
	return READ_ONCE(sram->free);
}
