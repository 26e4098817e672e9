// SPDX-License-Identifier: GPL-2.0-only
/* KUnit: times and counters. */
#include "ig1_test_chip.h"

/* Times of counters that a chip may have made up. */
static void test_cycles(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, ig1_cycles_to_ns(0, 1000), 0);
	KUNIT_EXPECT_EQ(test, ig1_cycles_to_ns(1, 0), 0);
	KUNIT_EXPECT_EQ(test, ig1_cycles_to_ns(1500, 1000), 1500000000);
	KUNIT_EXPECT_EQ(test, ig1_cycles_to_ns(7, 3000000000), 2);
	KUNIT_EXPECT_EQ(test, ig1_cycles_to_ns(BIT_ULL(40) - 1, BIT_ULL(40)), 999999999);
	KUNIT_EXPECT_EQ(test, ig1_cycles_to_ns(U64_MAX, 1), -1000000000ull);
}

/* Registers of a chip that is being reset mean nothing: there are none in this test. */
static void test_stopped_cycles(struct kunit *test)
{
	struct test_chip *chip = test_chip_create(test);
	struct drm_intaglio_stats_info info;

	KUNIT_ASSERT_EQ(test, ig1_pm_get(chip->dev), 0);
	chip->dev->fw.running = false;
	ig1_stats_query(chip->dev, &info);
	KUNIT_EXPECT_EQ(test, info.cycles, 0);
	ig1_pm_put(chip->dev);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(test_cycles),
	KUNIT_CASE(test_stopped_cycles),
	{},
};

static struct kunit_suite suite = {
	.name = "ig1_stats",
	.test_cases = cases,
};

kunit_test_suite(suite);
