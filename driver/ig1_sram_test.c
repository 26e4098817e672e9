// SPDX-License-Identifier: GPL-2.0-only
/* Allocator of resident SRAM pages. */
#include <kunit/test.h>

#include <linux/bitmap.h>
#include <linux/prandom.h>
#include <linux/sizes.h>

#include "ig1_hw.h"
#include "ig1_sram.h"

#define PAGES 1024

static int sram_init(struct kunit *test)
{
	struct ig1_sram *sram = kunit_kzalloc(test, sizeof(*sram), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, sram);
	KUNIT_ASSERT_EQ(test, ig1_sram_setup(sram, (u64)PAGES * IG1_PAGE_BYTES), 0);
	test->priv = sram;
	return 0;
}

static void sram_exit(struct kunit *test)
{
	if (test->priv)
		ig1_sram_teardown(test->priv);
}

static u32 block_pages(const struct ig1_sram_block *block)
{
	u32 sum = 0, i;

	for (i = 0; i < block->count; i++)
		sum += block->runs[i].pages;
	return sum;
}

static void test_sizes(struct kunit *test)
{
	struct ig1_sram sram = { 0 };

	KUNIT_EXPECT_EQ(test, ig1_sram_setup(&sram, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, ig1_sram_setup(&sram, IG1_PAGE_BYTES + 4), -EINVAL);
	KUNIT_EXPECT_EQ(test, ig1_sram_setup(&sram, BIT_ULL(43)), -EINVAL);
}

static void test_one_run(struct kunit *test)
{
	struct ig1_sram *sram = test->priv;
	struct ig1_sram_block a = { 0 }, b = { 0 };

	KUNIT_ASSERT_EQ(test, ig1_sram_alloc(sram, 3, &a), 0);
	KUNIT_EXPECT_EQ(test, a.count, 1);
	/* Large blocks begin where large leaves fit. */
	KUNIT_ASSERT_EQ(test, ig1_sram_alloc(sram, SZ_2M / IG1_PAGE_BYTES, &b), 0);
	KUNIT_EXPECT_EQ(test, b.count, 1);
	KUNIT_EXPECT_EQ(test, b.runs[0].first % (SZ_2M / IG1_PAGE_BYTES), 0);
	KUNIT_EXPECT_EQ(test, ig1_sram_free_pages(sram), PAGES - 3 - SZ_2M / IG1_PAGE_BYTES);
	ig1_sram_free(sram, &a);
	ig1_sram_free(sram, &b);
	KUNIT_EXPECT_EQ(test, ig1_sram_free_pages(sram), PAGES);
	KUNIT_EXPECT_TRUE(test, bitmap_empty(sram->used, PAGES));
}

static void test_all(struct kunit *test)
{
	struct ig1_sram *sram = test->priv;
	struct ig1_sram_block a = { 0 }, b = { 0 };

	KUNIT_EXPECT_EQ(test, ig1_sram_alloc(sram, PAGES + 1, &a), -ENOSPC);
	KUNIT_EXPECT_EQ(test, a.count, 0);
	KUNIT_ASSERT_EQ(test, ig1_sram_alloc(sram, PAGES, &a), 0);
	KUNIT_EXPECT_EQ(test, ig1_sram_alloc(sram, 1, &b), -ENOSPC);
	ig1_sram_free(sram, &a);
	/* An empty block is fine. */
	ig1_sram_free(sram, &b);
	KUNIT_EXPECT_EQ(test, ig1_sram_free_pages(sram), PAGES);
}

/* Every second page free: a block of runs of one page each. */
static void test_fragments(struct kunit *test)
{
	struct ig1_sram *sram = test->priv;
	struct ig1_sram_block *one, many = { 0 };
	u32 i;

	one = kunit_kcalloc(test, PAGES, sizeof(*one), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, one);
	for (i = 0; i < PAGES; i++)
		KUNIT_ASSERT_EQ(test, ig1_sram_alloc(sram, 1, &one[i]), 0);
	for (i = 0; i < PAGES; i += 2)
		ig1_sram_free(sram, &one[i]);
	KUNIT_ASSERT_EQ(test, ig1_sram_alloc(sram, PAGES / 2 - 1, &many), 0);
	KUNIT_EXPECT_EQ(test, many.count, PAGES / 2 - 1);
	for (i = 0; i < many.count; i++) {
		KUNIT_EXPECT_EQ(test, many.runs[i].first, 2 * i);
		KUNIT_EXPECT_EQ(test, many.runs[i].pages, 1);
	}
	KUNIT_EXPECT_EQ(test, ig1_sram_free_pages(sram), 1);
	ig1_sram_free(sram, &many);
	for (i = 1; i < PAGES; i += 2)
		ig1_sram_free(sram, &one[i]);
	KUNIT_EXPECT_EQ(test, ig1_sram_free_pages(sram), PAGES);
}

/* Random blocks never overlap, and none is refused while there is room. */
static void test_random(struct kunit *test)
{
	struct ig1_sram *sram = test->priv;
	struct ig1_sram_block block[40] = { 0 };
	unsigned long *owned;
	struct rnd_state rnd;
	u32 round, i, k, n;
	int ret;

	owned = kunit_kcalloc(test, BITS_TO_LONGS(PAGES), sizeof(*owned), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, owned);
	prandom_seed_state(&rnd, 7);
	for (round = 0; round < 5000; round++) {
		k = prandom_u32_state(&rnd) % ARRAY_SIZE(block);
		if (block[k].count) {
			for (i = 0; i < block[k].count; i++)
				bitmap_clear(owned, block[k].runs[i].first, block[k].runs[i].pages);
			ig1_sram_free(sram, &block[k]);
			continue;
		}
		n = 1 + prandom_u32_state(&rnd) % 60;
		ret = ig1_sram_alloc(sram, n, &block[k]);
		if (n > PAGES - bitmap_weight(owned, PAGES)) {
			KUNIT_ASSERT_EQ(test, ret, -ENOSPC);
			continue;
		}
		KUNIT_ASSERT_EQ(test, ret, 0);
		KUNIT_ASSERT_EQ(test, block_pages(&block[k]), n);
		for (i = 0; i < block[k].count; i++) {
			u32 first = block[k].runs[i].first, end = first + block[k].runs[i].pages;

			KUNIT_ASSERT_LE(test, end, PAGES);
			KUNIT_ASSERT_GE(test, find_next_bit(owned, end, first), end);
			bitmap_set(owned, first, end - first);
		}
		KUNIT_ASSERT_EQ(test, ig1_sram_free_pages(sram),
				PAGES - bitmap_weight(owned, PAGES));
	}
	for (k = 0; k < ARRAY_SIZE(block); k++)
		ig1_sram_free(sram, &block[k]);
	KUNIT_EXPECT_EQ(test, ig1_sram_free_pages(sram), PAGES);
}

static struct kunit_case sram_cases[] = {
	KUNIT_CASE(test_sizes),	    KUNIT_CASE(test_one_run), KUNIT_CASE(test_all),
	KUNIT_CASE(test_fragments), KUNIT_CASE(test_random),  {},
};

static struct kunit_suite sram_suite = {
	.name = "ig1_sram",
	.init = sram_init,
	.exit = sram_exit,
	.test_cases = sram_cases,
};

kunit_test_suite(sram_suite);
