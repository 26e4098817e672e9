// SPDX-License-Identifier: MIT
/* Arithmetic of the estimates, and the estimates of jobs whose energy is known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../telemetry.h"
#include "rig.h"

#define SECOND 1000000000ull /* cycles of the test's chip */

static void test_div(void **state)
{
	static const uint64_t v[] = { 1,	  2,
				      3,	  7,
				      10,	  1000,
				      0xffffffff, 1ull << 32,
				      1000000007, 123456789012345,
				      1ull << 62, (1ull << 63) - 1,
				      1ull << 63, ~0ull - 1,
				      ~0ull };
	size_t i, k;

	(void)state;
	assert_int_equal(telemetry_div(0, 5), 0);
	for (i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		for (k = 0; k < sizeof(v) / sizeof(v[0]); k++)
			assert_int_equal(telemetry_div(v[i], v[k]), v[i] / v[k]);
	}
}

static void read_all(void)
{
	assert_int_equal(rig_mbox(IG1_MBOX_TELEMETRY, 0, 0, 0, 0), IG1_MBOX_EOK);
}

static void near(uint32_t got, uint32_t want, uint32_t tolerance)
{
	assert_in_range(got, want - tolerance, want + tolerance);
}

static void test_idle(void **state)
{
	(void)state;
	mock_cycle = 0;
	read_all();
	assert_int_equal(mock_chip.mbox_out[0], SECOND / 1000000);
	assert_int_equal(mock_chip.mbox_out[1], IG1_TLM_STATIC_MW);
	assert_int_equal(mock_chip.mbox_out[2], IG1_TLM_AMBIENT_MC);
	assert_int_equal(mock_chip.mbox_out[3], 0);
	/* Long after: what the idle chip settles at. */
	mock_cycle += 10000 * SECOND;
	read_all();
	near(mock_chip.mbox_out[2],
	     IG1_TLM_AMBIENT_MC + IG1_TLM_MC_PER_W * IG1_TLM_STATIC_MW / 1000, 10);
}

/* 10 J in a second of which half is one job. */
static void test_load(void **state)
{
	uint64_t counters[IG1_CTR_COUNT] = { 0 };
	uint32_t want = IG1_TLM_STATIC_MW + 10000, before, end, i;

	(void)state;
	mock_cycle = 0;
	read_all();
	counters[IG1_CTR_CYCLES] = SECOND / 2;
	counters[IG1_CTR_MACS] = (10000000000000ull << 10) / ig1_ctr_energy[IG1_CTR_MACS];
	telemetry_add(counters);
	mock_cycle += SECOND;
	read_all();
	near(mock_chip.mbox_out[1], want, 5);
	near(mock_chip.mbox_out[3], 500, 1);
	before = mock_chip.mbox_out[2];
	assert_true(before > IG1_TLM_AMBIENT_MC);
	/* Too early: the same again, and nothing is lost. */
	telemetry_add(counters);
	mock_cycle += IG1_TLM_WINDOW_CYCLES / 2;
	read_all();
	near(mock_chip.mbox_out[1], want, 5);
	assert_int_equal(mock_chip.mbox_out[2], before);
	mock_cycle += SECOND;
	read_all();
	near(mock_chip.mbox_out[1], want, 5);
	/* Heats towards its end, never past it, then cools. */
	end = IG1_TLM_AMBIENT_MC + IG1_TLM_MC_PER_W * want / 1000;
	for (i = 0; i < 40; i++) {
		before = mock_chip.mbox_out[2];
		telemetry_add(counters);
		mock_cycle += SECOND;
		read_all();
		assert_true(mock_chip.mbox_out[2] >= before && mock_chip.mbox_out[2] <= end + 10);
	}
	near(mock_chip.mbox_out[2], end, 100);
	before = mock_chip.mbox_out[2];
	mock_cycle += SECOND;
	read_all();
	assert_true(mock_chip.mbox_out[2] < before);
	assert_int_equal(mock_chip.mbox_out[3], 0);
}

/* Counters of a job are the chip's, but absurd ones must not give absurd answers. */
static void test_extremes(void **state)
{
	uint64_t counters[IG1_CTR_COUNT];
	uint32_t i;

	(void)state;
	memset(counters, 0xff, sizeof(counters));
	read_all();
	for (i = 0; i < 3; i++)
		telemetry_add(counters);
	mock_cycle += SECOND;
	read_all();
	assert_int_equal(mock_chip.mbox_out[1], IG1_TLM_STATIC_MW + 1000000);
	assert_int_equal(mock_chip.mbox_out[3], 1000);
	mock_cycle += 1ull << 63;
	read_all();
	assert_int_equal(mock_chip.mbox_out[1], IG1_TLM_STATIC_MW);
}

/* Jobs are counted where they end, those with a fault too. */
static void test_jobs(void **state)
{
	(void)state;
	rig_create(0, 0);
	read_all();
	mock_cycle += SECOND;
	read_all();
	assert_int_equal(mock_chip.mbox_out[1], IG1_TLM_STATIC_MW);
	rig_submit(0, 1, 1);
	rig_run();
	chip_finish(&mock_chip, IG1_FAULT_PAGE, 0, 0, 1);
	mock_cycle += SECOND;
	rig_run();
	read_all();
	assert_true(mock_chip.mbox_out[1] > IG1_TLM_STATIC_MW);
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, rig_setup, rig_teardown)
	const struct CMUnitTest tests[] = {
		T(test_div), T(test_idle), T(test_load), T(test_extremes), T(test_jobs),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("telemetry", tests, NULL, NULL);
}
