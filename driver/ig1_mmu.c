// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page tables in DMA memory.
 *
 * The chip may walk a table while it is changed. So an entry is written with one store, what it
 * points to is written before it, and a large leaf is split by filling a table with the same
 * translations before the entry changes: a walk sees the old or the new mapping. A table that is no
 * longer referred to goes to the list &ig1_pt_cache.dropped, not to the allocator, since a job may
 * still be inside it.
 */
#include "ig1_mmu.h"

#include <linux/align.h>
#include <linux/dma-mapping.h>
#include <linux/overflow.h>
#include <linux/slab.h>

#include <drm/drm_device.h>
#include <drm/drm_managed.h>
#include <drm/drm_print.h>

#define TOP_LEVEL (IG1_PT_LEVELS - 1)

/* Bytes that an entry of a level covers. */
static u64 region_bytes(u32 level)
{
	return BIT_ULL(IG1_PAGE_SHIFT + level * IG1_PT_BITS);
}

static u32 region_index(u64 va, u32 level)
{
	return va >> (IG1_PAGE_SHIFT + level * IG1_PT_BITS) & (IG1_PT_ENTRIES - 1);
}

/* --- memory of tables ----------------------------------------------------------------------- */

static void pool_fini(struct drm_device *drm, void *data)
{
	struct ig1_mmu_pool *pool = data;

	drm_WARN_ON(drm, pool->count);
	mutex_destroy(&pool->lock);
}

/**
 * ig1_mmu_pool_init() - Make a source of page tables
 * @drm: its owner
 * @pool: uninitialised
 * @dev: device that reads the tables, or NULL in tests
 *
 * Return: 0 or -ENOMEM.
 */
int ig1_mmu_pool_init(struct drm_device *drm, struct ig1_mmu_pool *pool, struct device *dev)
{
	pool->dev = dev;
	pool->count = 0;
	INIT_LIST_HEAD(&pool->all);
	mutex_init(&pool->lock);
	return drmm_add_action_or_reset(drm, pool_fini, pool);
}

static void free_entries(struct ig1_mmu_pool *pool, struct ig1_pt *pt)
{
	lockdep_assert_held(&pool->lock);
	if (!pt->entries)
		return;
	if (pool->dev)
		dma_free_coherent(pool->dev, IG1_PAGE_BYTES, pt->entries, pt->dma);
	else
		kfree(pt->entries);
	pt->entries = NULL;
	list_del(&pt->all);
	pool->count--;
}

/**
 * ig1_mmu_pool_unplug() - Free the DMA memory of all tables
 * @pool: source
 *
 * After drm_dev_unplug() and with the chip stopped: nobody reads or writes tables any more.
 */
void ig1_mmu_pool_unplug(struct ig1_mmu_pool *pool)
{
	struct ig1_pt *pt, *tmp;

	mutex_lock(&pool->lock);
	list_for_each_entry_safe(pt, tmp, &pool->all, all)
		free_entries(pool, pt);
	mutex_unlock(&pool->lock);
}

static void pt_free(struct ig1_mmu_pool *pool, struct ig1_pt *pt)
{
	mutex_lock(&pool->lock);
	free_entries(pool, pt);
	mutex_unlock(&pool->lock);
	kfree(pt->child);
	kfree(pt);
}

static struct ig1_pt *pt_create(struct ig1_mmu_pool *pool, bool inner)
{
	struct ig1_pt *pt = kzalloc_obj(*pt, GFP_KERNEL_ACCOUNT);

	if (!pt)
		return NULL;
	INIT_LIST_HEAD(&pt->node);
	if (inner) {
		pt->child = kcalloc(IG1_PT_ENTRIES, sizeof(*pt->child), GFP_KERNEL_ACCOUNT);
		if (!pt->child)
			goto err_pt;
	}
	if (pool->dev) {
		pt->entries = dma_alloc_coherent(pool->dev, IG1_PAGE_BYTES, &pt->dma,
						 GFP_KERNEL_ACCOUNT);
	} else {
		pt->entries = kzalloc(IG1_PAGE_BYTES, GFP_KERNEL_ACCOUNT);
		pt->dma = (uintptr_t)pt->entries & IG1_PTE_ADDR;
	}
	if (!pt->entries)
		goto err_child;
	mutex_lock(&pool->lock);
	list_add(&pt->all, &pool->all);
	pool->count++;
	mutex_unlock(&pool->lock);
	return pt;

err_child:
	kfree(pt->child);
err_pt:
	kfree(pt);
	return NULL;
}

static void free_list(struct ig1_mmu_pool *pool, struct list_head *list)
{
	struct ig1_pt *pt, *tmp;

	list_for_each_entry_safe(pt, tmp, list, node) {
		list_del(&pt->node);
		pt_free(pool, pt);
	}
}

void ig1_pt_cache_init(struct ig1_pt_cache *cache)
{
	INIT_LIST_HEAD(&cache->leafs);
	INIT_LIST_HEAD(&cache->inners);
	INIT_LIST_HEAD(&cache->dropped);
}

/**
 * ig1_pt_cache_fill() - Put tables aside
 * @pool: source
 * @cache: empty
 * @need: how many
 *
 * Return: 0 or -ENOMEM; then the caller frees the cache as ever.
 */
int ig1_pt_cache_fill(struct ig1_mmu_pool *pool, struct ig1_pt_cache *cache,
		      const struct ig1_pt_need *need)
{
	struct ig1_pt *pt;
	u32 i;

	for (i = 0; i < need->leafs + need->inners; i++) {
		pt = pt_create(pool, i >= need->leafs);
		if (!pt)
			return -ENOMEM;
		list_add(&pt->node, pt->child ? &cache->inners : &cache->leafs);
	}
	return 0;
}

/**
 * ig1_pt_cache_trim() - Free spare tables
 * @pool: source
 * @cache: only dropped tables are left in it
 */
void ig1_pt_cache_trim(struct ig1_mmu_pool *pool, struct ig1_pt_cache *cache)
{
	free_list(pool, &cache->leafs);
	free_list(pool, &cache->inners);
}

/**
 * ig1_pt_cache_free() - Free spare and dropped tables
 * @pool: source
 * @cache: empty afterwards
 *
 * No job may run that was with the chip when tables were dropped.
 */
void ig1_pt_cache_free(struct ig1_mmu_pool *pool, struct ig1_pt_cache *cache)
{
	ig1_pt_cache_trim(pool, cache);
	free_list(pool, &cache->dropped);
}

/* Counts the regions of a level that [va, end) touches and that were not counted before. */
static u32 count_regions(u64 va, u64 end, u32 level, u64 *next)
{
	u64 size = region_bytes(level);
	u64 first = max(round_down(va, size), *next);
	u64 last = round_up(end, size);

	if (first >= last)
		return 0;
	*next = last;
	return (last - first) / size;
}

/**
 * ig1_pt_need_extent() - Count the tables to map an extent
 * @need: sums, zero at first
 * @va: address, ascending from call to call
 * @addr: where it is mapped to
 * @bytes: length
 */
void ig1_pt_need_extent(struct ig1_pt_need *need, u64 va, u64 addr, u64 bytes)
{
	u64 end = va + bytes, leaf = region_bytes(1), inner = region_bytes(2);
	u64 lo, hi;

	/* [lo, hi): what large leaves of 1 GiB cover, then of 2 MiB; tables for the rest. */
	lo = round_up(va, inner);
	hi = round_down(end, inner);
	if (lo >= hi || (addr - va) % inner) {
		need->inners += count_regions(va, end, 2, &need->inner_next);
	} else {
		if (va < lo)
			need->inners += count_regions(va, lo, 2, &need->inner_next);
		if (hi < end)
			need->inners += count_regions(hi, end, 2, &need->inner_next);
	}
	lo = round_up(va, leaf);
	hi = round_down(end, leaf);
	if (lo >= hi || (addr - va) % leaf) {
		need->leafs += count_regions(va, end, 1, &need->leaf_next);
	} else {
		if (va < lo)
			need->leafs += count_regions(va, lo, 1, &need->leaf_next);
		if (hi < end)
			need->leafs += count_regions(hi, end, 1, &need->leaf_next);
	}
}

/**
 * ig1_pt_need_ends() - Count the tables to split large leaves at the ends of a range
 * @need: sums, zero at first
 * @va: address
 * @bytes: length
 */
void ig1_pt_need_ends(struct ig1_pt_need *need, u64 va, u64 bytes)
{
	u64 end = va + bytes;

	if (va % region_bytes(1))
		need->leafs += count_regions(va, va + 1, 1, &need->leaf_next);
	if (end % region_bytes(1))
		need->leafs += count_regions(end - 1, end, 1, &need->leaf_next);
	if (va % region_bytes(2))
		need->inners += count_regions(va, va + 1, 2, &need->inner_next);
	if (end % region_bytes(2))
		need->inners += count_regions(end - 1, end, 2, &need->inner_next);
}

/* --- entries -------------------------------------------------------------------------------- */

static u64 get_entry(const struct ig1_pt *pt, u32 i)
{
	return le64_to_cpu(READ_ONCE(pt->entries[i]));
}

static void set_entry(struct ig1_pt *pt, u32 i, u64 entry)
{
	bool was = get_entry(pt, i) & IG1_PTE_VALID;
	bool is = entry & IG1_PTE_VALID;

	pt->used += is;
	pt->used -= was;
	/* What it points to has been written, as the chip sees it. */
	dma_wmb();
	WRITE_ONCE(pt->entries[i], cpu_to_le64(entry));
}

/* A subtree that no entry refers to any more. */
static void drop_tree(struct ig1_pt_cache *cache, struct ig1_pt *pt)
{
	u32 i;

	for (i = 0; pt->child && i < IG1_PT_ENTRIES; i++) {
		if (pt->child[i])
			drop_tree(cache, pt->child[i]);
		pt->child[i] = NULL;
	}
	list_add(&pt->node, &cache->dropped);
}

static void set_leaf(struct ig1_pt_cache *cache, struct ig1_pt *pt, u32 i, u64 entry)
{
	struct ig1_pt *child = pt->child ? pt->child[i] : NULL;

	set_entry(pt, i, entry);
	if (child) {
		pt->child[i] = NULL;
		drop_tree(cache, child);
	}
}

/* The table below entry i of a table at @level; new, or split from a leaf, where there is none. */
static struct ig1_pt *get_child(struct ig1_pt_cache *cache, struct ig1_pt *pt, u32 i, u32 level)
{
	struct list_head *spare = level > 1 ? &cache->inners : &cache->leafs;
	u64 old = get_entry(pt, i), step = region_bytes(level - 1);
	struct ig1_pt *child = pt->child[i];
	u32 k;

	if (child)
		return child;
	child = list_first_entry_or_null(spare, struct ig1_pt, node);
	if (WARN_ON_ONCE(!child))
		return NULL;
	list_del_init(&child->node);
	for (k = 0; (old & IG1_PTE_VALID) && k < IG1_PT_ENTRIES; k++)
		set_entry(child, k, old + k * step);
	pt->child[i] = child;
	set_entry(pt, i, child->dma | IG1_PTE_VALID);
	return child;
}

/* --- mapping -------------------------------------------------------------------------------- */

static int map_table(struct ig1_pt_cache *cache, struct ig1_pt *pt, u32 level, u64 va, u64 end,
		     u64 addr, u64 flags)
{
	u64 size = region_bytes(level), next;
	struct ig1_pt *child;
	int ret;
	u32 i;

	for (; va < end; addr += next - va, va = next) {
		i = region_index(va, level);
		next = min(end, round_down(va, size) + size);
		if (next - va == size && IS_ALIGNED(addr, size)) {
			set_leaf(cache, pt, i, addr | flags);
			continue;
		}
		child = get_child(cache, pt, i, level);
		if (!child)
			return -ENOSPC;
		ret = map_table(cache, child, level - 1, va, next, addr, flags);
		if (ret)
			return ret;
	}
	return 0;
}

static int unmap_table(struct ig1_pt_cache *cache, struct ig1_pt *pt, u32 level, u64 va, u64 end)
{
	u64 size = region_bytes(level), next;
	struct ig1_pt *child;
	int ret;
	u32 i;

	for (; va < end; va = next) {
		i = region_index(va, level);
		next = min(end, round_down(va, size) + size);
		if (!(get_entry(pt, i) & IG1_PTE_VALID))
			continue;
		if (next - va == size) {
			set_leaf(cache, pt, i, 0);
			continue;
		}
		child = get_child(cache, pt, i, level);
		if (!child)
			return -ENOSPC;
		ret = unmap_table(cache, child, level - 1, va, next);
		if (ret)
			return ret;
		if (!child->used)
			set_leaf(cache, pt, i, 0);
	}
	return 0;
}

static bool range_ok(u64 va, u64 bytes)
{
	return bytes && !((va | bytes) % IG1_PAGE_BYTES) && bytes <= BIT_ULL(IG1_VA_BITS) &&
	       va <= BIT_ULL(IG1_VA_BITS) - bytes;
}

/**
 * ig1_mmu_map() - Map consecutive addresses, replacing what is there
 * @mmu: page tables
 * @cache: enough spare tables, see ig1_pt_need_extent()
 * @va: address
 * @addr: bus address, or offset into the SRAM
 * @bytes: length
 * @flags: IG1_PTE_WRITE, IG1_PTE_SRAM
 *
 * Return: 0, -EINVAL for bad values, -ENOSPC when the cache runs out (a defect).
 */
int ig1_mmu_map(struct ig1_mmu *mmu, struct ig1_pt_cache *cache, u64 va, u64 addr, u64 bytes,
		u64 flags)
{
	u64 last;

	if (!range_ok(va, bytes) || addr & ~IG1_PTE_ADDR ||
	    check_add_overflow(addr, bytes - 1, &last) ||
	    last > (IG1_PTE_ADDR | (IG1_PAGE_BYTES - 1)))
		return -EINVAL;
	return map_table(cache, mmu->root, TOP_LEVEL, va, va + bytes, addr,
			 flags | IG1_PTE_VALID | IG1_PTE_LEAF);
}

/**
 * ig1_mmu_unmap() - Remove all translations of a range
 * @mmu: page tables
 * @cache: enough spare tables, see ig1_pt_need_ends()
 * @va: address
 * @bytes: length
 *
 * Return: as ig1_mmu_map().
 */
int ig1_mmu_unmap(struct ig1_mmu *mmu, struct ig1_pt_cache *cache, u64 va, u64 bytes)
{
	if (!range_ok(va, bytes))
		return -EINVAL;
	return unmap_table(cache, mmu->root, TOP_LEVEL, va, va + bytes);
}

/**
 * ig1_mmu_walk() - Look an address up as the chip does
 * @mmu: page tables
 * @va: address
 * @bytes: bytes that the entry covers, or that have no translation
 *
 * Return: the leaf, or 0.
 */
u64 ig1_mmu_walk(const struct ig1_mmu *mmu, u64 va, u64 *bytes)
{
	const struct ig1_pt *pt = mmu->root;
	u32 level = TOP_LEVEL, i;
	u64 entry;

	for (;; level--) {
		i = region_index(va, level);
		entry = get_entry(pt, i);
		*bytes = region_bytes(level);
		if (!(entry & IG1_PTE_VALID))
			return 0;
		if (entry & IG1_PTE_LEAF)
			return entry;
		pt = pt->child[i];
	}
}

/**
 * ig1_mmu_init() - Make empty page tables
 * @mmu: uninitialised
 * @pool: source of tables
 *
 * Return: 0 or -ENOMEM.
 */
int ig1_mmu_init(struct ig1_mmu *mmu, struct ig1_mmu_pool *pool)
{
	mmu->pool = pool;
	mmu->root = pt_create(pool, true);
	return mmu->root ? 0 : -ENOMEM;
}

/**
 * ig1_mmu_fini() - Free page tables
 * @mmu: no job uses them any more
 */
void ig1_mmu_fini(struct ig1_mmu *mmu)
{
	struct ig1_pt_cache cache;

	if (!mmu->root)
		return;
	ig1_pt_cache_init(&cache);
	drop_tree(&cache, mmu->root);
	mmu->root = NULL;
	ig1_pt_cache_free(mmu->pool, &cache);
}
