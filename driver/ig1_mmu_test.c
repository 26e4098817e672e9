// SPDX-License-Identifier: GPL-2.0-only
/* Page tables against a plain array of translations. */
#include <kunit/test.h>

#include <linux/prandom.h>
#include <linux/sizes.h>

#include <drm/drm_drv.h>
#include <drm/drm_kunit_helpers.h>
#include <drm/drm_managed.h>

#include "ig1_mmu.h"

#define PAGE IG1_PAGE_BYTES
/* The window of the random test: across a border of 1 GiB, with whole regions of 2 MiB. */
#define WINDOW_VA    (SZ_1G - SZ_4M)
#define WINDOW_PAGES (4 * SZ_4M / PAGE)
#define LEAF	     (IG1_PTE_VALID | IG1_PTE_LEAF)

struct rig {
	struct ig1_mmu_pool pool;
	struct ig1_mmu mmu;
	struct ig1_pt_cache cache;
};

static int rig_init(struct kunit *test)
{
	struct device *parent = drm_kunit_helper_alloc_device(test);
	struct drm_device *drm;
	struct rig *rig;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, parent);
	drm = __drm_kunit_helper_alloc_drm_device(test, parent, sizeof(*drm), 0, DRIVER_GEM);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, drm);
	/* The pool's end checks that no table is left, after the test. */
	rig = drmm_kzalloc(drm, sizeof(*rig), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, rig);
	KUNIT_ASSERT_EQ(test, ig1_mmu_pool_init(drm, &rig->pool, NULL), 0);
	KUNIT_ASSERT_EQ(test, ig1_mmu_init(&rig->mmu, &rig->pool), 0);
	ig1_pt_cache_init(&rig->cache);
	test->priv = rig;
	return 0;
}

static void rig_exit(struct kunit *test)
{
	struct rig *rig = test->priv;

	if (!rig)
		return;
	ig1_mmu_fini(&rig->mmu);
	ig1_pt_cache_free(&rig->pool, &rig->cache);
}

static void map(struct kunit *test, u64 va, u64 addr, u64 bytes, u64 flags)
{
	struct rig *rig = test->priv;
	struct ig1_pt_need need = { 0 };

	ig1_pt_need_extent(&need, va, addr, bytes);
	KUNIT_ASSERT_EQ(test, ig1_pt_cache_fill(&rig->pool, &rig->cache, &need), 0);
	KUNIT_EXPECT_EQ(test, ig1_mmu_map(&rig->mmu, &rig->cache, va, addr, bytes, flags), 0);
	ig1_pt_cache_free(&rig->pool, &rig->cache);
}

static void unmap(struct kunit *test, u64 va, u64 bytes)
{
	struct rig *rig = test->priv;
	struct ig1_pt_need need = { 0 };

	ig1_pt_need_ends(&need, va, bytes);
	KUNIT_ASSERT_EQ(test, ig1_pt_cache_fill(&rig->pool, &rig->cache, &need), 0);
	KUNIT_EXPECT_EQ(test, ig1_mmu_unmap(&rig->mmu, &rig->cache, va, bytes), 0);
	ig1_pt_cache_free(&rig->pool, &rig->cache);
}

/* Address and flags that a page translates to, or 0. */
static u64 translate(struct kunit *test, u64 va)
{
	struct rig *rig = test->priv;
	u64 bytes, entry = ig1_mmu_walk(&rig->mmu, va, &bytes);

	return entry ? entry + (va & (bytes - 1) & ~(u64)(PAGE - 1)) : 0;
}

static void expect_leaf(struct kunit *test, u64 va, u64 bytes)
{
	struct rig *rig = test->priv;
	u64 got;

	KUNIT_EXPECT_NE(test, ig1_mmu_walk(&rig->mmu, va, &got), 0);
	KUNIT_EXPECT_EQ(test, got, bytes);
}

static void test_leaves(struct kunit *test)
{
	map(test, 0, 0x7000, PAGE, IG1_PTE_WRITE);
	expect_leaf(test, 0, PAGE);
	KUNIT_EXPECT_EQ(test, translate(test, 0), 0x7000 | LEAF | IG1_PTE_WRITE);
	KUNIT_EXPECT_EQ(test, translate(test, PAGE), 0);

	map(test, SZ_2M, SZ_4M, SZ_2M, IG1_PTE_SRAM);
	expect_leaf(test, SZ_2M + 5 * PAGE, SZ_2M);
	KUNIT_EXPECT_EQ(test, translate(test, SZ_2M + 5 * PAGE),
			(SZ_4M + 5 * PAGE) | LEAF | IG1_PTE_SRAM);

	map(test, SZ_1G, 3ull * SZ_1G, SZ_1G, 0);
	expect_leaf(test, SZ_1G + SZ_4M, SZ_1G);

	/* Large enough, but the target is not aligned. */
	map(test, 2ull * SZ_1G, SZ_1G + PAGE, SZ_4M, 0);
	expect_leaf(test, 2ull * SZ_1G, PAGE);

	/* The last page. */
	map(test, BIT_ULL(IG1_VA_BITS) - PAGE, IG1_PTE_ADDR, PAGE, 0);
	KUNIT_EXPECT_EQ(test, translate(test, BIT_ULL(IG1_VA_BITS) - PAGE), IG1_PTE_ADDR | LEAF);
}

static void test_split(struct kunit *test)
{
	struct rig *rig = test->priv;
	u64 hole = SZ_1G + 7 * SZ_2M + 3 * PAGE;
	struct ig1_pt_need need = { 0 };

	map(test, SZ_1G, SZ_2G, SZ_1G, IG1_PTE_WRITE);
	KUNIT_EXPECT_EQ(test, rig->pool.count, 1);
	ig1_pt_need_ends(&need, hole, PAGE);
	KUNIT_EXPECT_EQ(test, need.leafs, 1);
	KUNIT_EXPECT_EQ(test, need.inners, 1);
	unmap(test, hole, PAGE);
	KUNIT_EXPECT_EQ(test, rig->pool.count, 3);
	KUNIT_EXPECT_EQ(test, translate(test, hole), 0);
	KUNIT_EXPECT_EQ(test, translate(test, hole - PAGE),
			(hole - PAGE + SZ_1G) | LEAF | IG1_PTE_WRITE);
	KUNIT_EXPECT_EQ(test, translate(test, hole + PAGE),
			(hole + PAGE + SZ_1G) | LEAF | IG1_PTE_WRITE);
	expect_leaf(test, SZ_1G + 8 * SZ_2M, SZ_2M);
	expect_leaf(test, hole - PAGE, PAGE);

	/* Whole again: the tables are superfluous. */
	map(test, SZ_1G, SZ_2G, SZ_1G, IG1_PTE_WRITE);
	KUNIT_EXPECT_EQ(test, rig->pool.count, 1);
	expect_leaf(test, hole, SZ_1G);
}

/* What is superfluous is put aside, not freed, and nothing refers to it. */
static void test_dropped(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct ig1_pt_need need = { 0 };

	map(test, 0, SZ_1G + PAGE, SZ_1G, 0);
	KUNIT_EXPECT_EQ(test, rig->pool.count, 2 + IG1_PT_ENTRIES);
	ig1_pt_need_ends(&need, 0, SZ_1G);
	KUNIT_EXPECT_EQ(test, need.leafs + need.inners, 0);
	KUNIT_EXPECT_EQ(test, ig1_mmu_unmap(&rig->mmu, &rig->cache, 0, SZ_1G), 0);
	KUNIT_EXPECT_EQ(test, rig->mmu.root->used, 0);
	KUNIT_EXPECT_EQ(test, rig->pool.count, 2 + IG1_PT_ENTRIES);
	KUNIT_EXPECT_EQ(test, list_count_nodes(&rig->cache.dropped), 1 + IG1_PT_ENTRIES);
	ig1_pt_cache_free(&rig->pool, &rig->cache);
	KUNIT_EXPECT_EQ(test, rig->pool.count, 1);
}

struct need_case {
	const char *name;
	u64 va, addr, bytes;
	u32 leafs, inners;
};

static const struct need_case need_cases[] = {
	{ "one page", 0x1000, 0x1000, PAGE, 1, 1 },
	{ "across 2 MiB", SZ_2M - PAGE, SZ_2M - PAGE, 2 * PAGE, 2, 1 },
	{ "across 1 GiB", SZ_1G - PAGE, SZ_1G - PAGE, 2 * PAGE, 2, 2 },
	{ "2 MiB leaf", SZ_2M, SZ_4M, SZ_2M, 0, 1 },
	{ "2 MiB, target not aligned", SZ_2M, PAGE, SZ_2M, 1, 1 },
	{ "leaf between pages", SZ_2M - PAGE, SZ_2M - PAGE, SZ_2M + 2 * PAGE, 2, 1 },
	{ "1 GiB leaf", SZ_1G, SZ_2G, SZ_1G, 0, 0 },
	{ "1 GiB, target at 2 MiB", SZ_1G, SZ_2M, SZ_1G, 0, 1 },
	{ "1 GiB leaf between", SZ_1G - SZ_2M, SZ_1G - SZ_2M, SZ_1G + SZ_4M, 0, 2 },
};

static void need_name(const struct need_case *c, char *to)
{
	strscpy(to, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(need, need_cases, need_name);

static void test_need(struct kunit *test)
{
	const struct need_case *c = test->param_value;
	struct ig1_pt_need need = { 0 };

	ig1_pt_need_extent(&need, c->va, c->addr, c->bytes);
	KUNIT_EXPECT_EQ(test, need.leafs, c->leafs);
	KUNIT_EXPECT_EQ(test, need.inners, c->inners);
	map(test, c->va, c->addr, c->bytes, 0);
	KUNIT_EXPECT_EQ(test, ((struct rig *)test->priv)->pool.count, 1 + c->leafs + c->inners);
}

/* Regions that two extents share are counted once. */
static void test_need_shared(struct kunit *test)
{
	struct ig1_pt_need need = { 0 };

	ig1_pt_need_extent(&need, 0, 0x5000, PAGE);
	ig1_pt_need_extent(&need, PAGE, 0x9000, SZ_2M);
	ig1_pt_need_extent(&need, SZ_2M + PAGE, 0, PAGE);
	KUNIT_EXPECT_EQ(test, need.leafs, 2);
	KUNIT_EXPECT_EQ(test, need.inners, 1);
}

struct range_case {
	const char *name;
	u64 va, addr, bytes;
};

static const struct range_case bad_ranges[] = {
	{ "size 0", 0, 0, 0 },
	{ "size not in pages", 0, 0, 0x800 },
	{ "va not in pages", 0x10, 0, PAGE },
	{ "va beyond the space", BIT_ULL(IG1_VA_BITS), 0, PAGE },
	{ "end beyond the space", BIT_ULL(IG1_VA_BITS) - PAGE, 0, 2 * PAGE },
	{ "end wraps", -PAGE, 0, 2 * PAGE },
	{ "size wraps", PAGE, 0, -PAGE },
	{ "target not in pages", 0, 0x10, PAGE },
	{ "target too high", 0, BIT_ULL(56), PAGE },
	{ "target's end too high", 0, BIT_ULL(56) - PAGE, 2 * PAGE },
};

static void range_name(const struct range_case *c, char *to)
{
	strscpy(to, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(range, bad_ranges, range_name);

static void test_bad_range(struct kunit *test)
{
	const struct range_case *c = test->param_value;
	struct rig *rig = test->priv;

	KUNIT_EXPECT_EQ(test, ig1_mmu_map(&rig->mmu, &rig->cache, c->va, c->addr, c->bytes, 0),
			-EINVAL);
	if (!c->addr)
		KUNIT_EXPECT_EQ(test, ig1_mmu_unmap(&rig->mmu, &rig->cache, c->va, c->bytes),
				-EINVAL);
	KUNIT_EXPECT_EQ(test, rig->mmu.root->used, 0);
}

static void check_window(struct kunit *test, const u64 *model, u32 round)
{
	u64 got;
	u32 i;

	for (i = 0; i < WINDOW_PAGES; i++) {
		got = translate(test, WINDOW_VA + (u64)i * PAGE);
		if (got == model[i])
			continue;
		KUNIT_FAIL_AND_ABORT(test, "round %u, page %u: %#llx, not %#llx", round, i, got,
				     model[i]);
	}
}

/* Random changes, many of them whole regions; every page is compared after each. */
static void test_random(struct kunit *test)
{
	struct rig *rig = test->priv;
	u32 round, first, count, i;
	struct rnd_state rnd;
	u64 va, addr, flags;
	u64 *model;

	model = kunit_kcalloc(test, WINDOW_PAGES, sizeof(*model), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, model);
	prandom_seed_state(&rnd, 1);
	for (round = 0; round < 400; round++) {
		first = prandom_u32_state(&rnd) % WINDOW_PAGES;
		count = 1 + prandom_u32_state(&rnd) % (prandom_u32_state(&rnd) % 4 ? 20 : 2500);
		if (prandom_u32_state(&rnd) % 3 == 0) {
			first = round_down(first, IG1_PT_ENTRIES);
			count = round_up(count, IG1_PT_ENTRIES);
		}
		count = min(count, WINDOW_PAGES - first);
		va = WINDOW_VA + (u64)first * PAGE;
		if (prandom_u32_state(&rnd) % 3 == 0) {
			unmap(test, va, (u64)count * PAGE);
			memset(model + first, 0, count * sizeof(*model));
		} else {
			addr = (u64)(prandom_u32_state(&rnd) % 0x10000) * PAGE;
			/* As often as not where large leaves fit. */
			if (prandom_u32_state(&rnd) % 2)
				addr = round_down(addr, SZ_2M) + (va & (SZ_2M - 1));
			flags = prandom_u32_state(&rnd) % 2 ? IG1_PTE_WRITE : IG1_PTE_SRAM;
			map(test, va, addr, (u64)count * PAGE, flags);
			for (i = 0; i < count; i++)
				model[first + i] = (addr + (u64)i * PAGE) | flags | LEAF;
		}
		check_window(test, model, round);
	}
	unmap(test, WINDOW_VA, (u64)WINDOW_PAGES * PAGE);
	KUNIT_EXPECT_EQ(test, rig->pool.count, 1);
}

/* Tables that somebody still holds lose their memory when the device goes. */
static void test_unplug(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct ig1_pt_need need = { .leafs = 2, .inners = 1 };

	map(test, 0, 0, PAGE, 0);
	KUNIT_ASSERT_EQ(test, ig1_pt_cache_fill(&rig->pool, &rig->cache, &need), 0);
	KUNIT_EXPECT_EQ(test, rig->pool.count, 6);
	ig1_mmu_pool_unplug(&rig->pool);
	KUNIT_EXPECT_EQ(test, rig->pool.count, 0);
	KUNIT_EXPECT_NULL(test, rig->mmu.root->entries);
}

static struct kunit_case mmu_cases[] = {
	KUNIT_CASE(test_leaves),
	KUNIT_CASE(test_split),
	KUNIT_CASE(test_dropped),
	KUNIT_CASE_PARAM(test_need, need_gen_params),
	KUNIT_CASE(test_need_shared),
	KUNIT_CASE_PARAM(test_bad_range, range_gen_params),
	KUNIT_CASE(test_random),
	KUNIT_CASE(test_unplug),
	{},
};

static struct kunit_suite mmu_suite = {
	.name = "ig1_mmu",
	.init = rig_init,
	.exit = rig_exit,
	.test_cases = mmu_cases,
};

kunit_test_suite(mmu_suite);
