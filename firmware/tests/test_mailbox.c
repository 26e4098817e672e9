// SPDX-License-Identifier: MIT
/* Mailbox commands with good and bad arguments; the log behind one of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../fw.h"
#include "../log.h"
#include "../queue.h"
#include "rig.h"

#define LOG_AT	 (CHIP_HOST_BASE + 0x90000)
#define SRAM_ALL (CHIP_SRAM_BYTES / IG1_PAGE_BYTES)

static const struct ig1_fw_log *records(void)
{
	return chip_host(&mock_chip, LOG_AT, 4096);
}

static uint32_t read_log(uint64_t bus, uint32_t space, uint32_t first)
{
	return rig_mbox(IG1_MBOX_LOG_READ, (uint32_t)bus, (uint32_t)(bus >> 32), space, first);
}

static void test_ping(void **state)
{
	(void)state;
	assert_int_equal(rig_mbox(IG1_MBOX_PING, 0xdeadbeef, 0, 0, 0), IG1_MBOX_EOK);
	assert_int_equal(mock_chip.mbox_val, 0xdeadbeef);
	/* Values of one answer do not stay for the next. */
	assert_int_equal(rig_mbox(IG1_MBOX_CTX_RESUME, 1, 0, 0, 0), IG1_MBOX_EOK);
	assert_int_equal(mock_chip.mbox_val, 0);
}

static void test_unknown(void **state)
{
	static const uint32_t commands[] = { 0, 11, 12, 0x100, 0x80000001, 0xffffffff };
	uint32_t i;

	(void)state;
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		assert_int_equal(rig_mbox(commands[i], 0, 0, 0, 0), IG1_MBOX_ECMD);
}

static void test_sram_zero(void **state)
{
	uint32_t i;

	(void)state;
	memset(mock_chip.sram, 0x5a, sizeof(mock_chip.sram));
	assert_int_equal(rig_mbox(IG1_MBOX_SRAM_ZERO, SRAM_ALL + 1, 0, 0, 0), IG1_MBOX_EARG);
	assert_int_equal(rig_mbox(IG1_MBOX_SRAM_ZERO, SRAM_ALL, 1, 0, 0), IG1_MBOX_EARG);
	assert_int_equal(rig_mbox(IG1_MBOX_SRAM_ZERO, 1, SRAM_ALL, 0, 0), IG1_MBOX_EARG);
	assert_int_equal(rig_mbox(IG1_MBOX_SRAM_ZERO, 1, 0xffffffff, 0, 0), IG1_MBOX_EARG);
	assert_int_equal(rig_mbox(IG1_MBOX_SRAM_ZERO, 0xffffffff, 2, 0, 0), IG1_MBOX_EARG);
	assert_int_equal(rig_mbox(IG1_MBOX_SRAM_ZERO, 0x100000, 1, 0, 0), IG1_MBOX_EARG);
	assert_int_equal(rig_mbox(IG1_MBOX_SRAM_ZERO, SRAM_ALL, 0, 0, 0), IG1_MBOX_EOK);
	for (i = 0; i < CHIP_SRAM_BYTES; i++)
		assert_int_equal(mock_chip.sram[i], 0x5a);
	assert_int_equal(rig_mbox(IG1_MBOX_SRAM_ZERO, 3, 130, 0, 0), IG1_MBOX_EOK);
	for (i = 0; i < CHIP_SRAM_BYTES; i++)
		assert_int_equal(mock_chip.sram[i],
				 i >= 3 * IG1_PAGE_BYTES && i < 133 * IG1_PAGE_BYTES ? 0 : 0x5a);
	assert_int_equal(rig_mbox(IG1_MBOX_SRAM_ZERO, 0, SRAM_ALL, 0, 0), IG1_MBOX_EOK);
	for (i = 0; i < CHIP_SRAM_BYTES; i++)
		assert_int_equal(mock_chip.sram[i], 0);
}

/* A job that ends while a large area is cleared is answered in between. */
static void test_sram_zero_yields(void **state)
{
	int body, done;

	(void)state;
	rig_create(0, 0);
	rig_submit(0, 1, 1);
	rig_submit(0, 2, 1);
	rig_run();
	mock_chip.n_journal = 0;
	chip_mbox(&mock_chip, IG1_MBOX_SRAM_ZERO, 0, SRAM_ALL, 0, 0);
	mock_chip.copy_delay = 50;
	/* It ends just when the mailbox is looked at. */
	mock_chip.abort_left = 5;
	rig_run();
	body = rig_find(0, CHIP_WRITE, rig_cq(0));
	done = rig_find(0, CHIP_DONE, mock_chip.mbox_seq);
	assert_true(body >= 0 && body < done);
	assert_int_equal(rig_running(), 2);
}

static void test_log_read(void **state)
{
	const struct ig1_fw_log *r = records();
	uint32_t i, have;

	(void)state;
	assert_int_equal(read_log(LOG_AT, 10, 0), IG1_MBOX_EOK);
	have = mock_chip.mbox_val;
	assert_true(have >= 1);
	assert_int_equal(r[0].seq, 1);
	assert_int_equal(r[0].level, LOG_INFO);
	assert_true(r[0].cycle > 0);
	assert_string_equal(r[0].text, "ready, firmware 10100, resident SRAM 1024 KiB");
	assert_int_equal(read_log(LOG_AT, 0, 0), IG1_MBOX_EOK);
	assert_int_equal(mock_chip.mbox_val, 0);
	assert_int_equal(read_log(LOG_AT, 10, have + 1), IG1_MBOX_EOK);
	assert_int_equal(mock_chip.mbox_val, 0);
	assert_int_equal(read_log(LOG_AT, 10, 0xffffffff), IG1_MBOX_EOK);
	assert_int_equal(mock_chip.mbox_val, 0);
	/* Bad addresses; the refusals are logged too. */
	assert_int_equal(read_log(LOG_AT + 2, 1, 0), IG1_MBOX_EARG);
	assert_int_equal(read_log(0x1000, 1, 0), IG1_MBOX_EBUS);
	assert_int_equal(read_log(0xffffffffffffffc0ull, 2, 0), IG1_MBOX_EARG);
	assert_int_equal(read_log(0xfffffffffffffffcull, 0xffffffff, 0), IG1_MBOX_EARG);
	assert_int_equal(read_log(LOG_AT, 100, have + 1), IG1_MBOX_EOK);
	assert_int_equal(mock_chip.mbox_val, 4);
	for (i = 0; i < 4; i++) {
		assert_int_equal(r[i].seq, have + 1 + i);
		assert_int_equal(r[i].level, LOG_WARNING);
	}
	assert_string_equal(r[1].text, "mailbox: command 7: error 3");
	/* Space for fewer: the oldest of them. */
	assert_int_equal(read_log(LOG_AT, 2, have + 2), IG1_MBOX_EOK);
	assert_int_equal(mock_chip.mbox_val, 2);
	assert_int_equal(r[0].seq, have + 2);
}

static void test_log_wrap(void **state)
{
	const struct ig1_fw_log *r = records();
	uint32_t i, k, last = 1, first;
	char text[48];

	(void)state;
	for (i = 2; i < 3 * LOG_RECORDS; i++) {
		log_put(LOG_INFO, "number %u, %x", i, i * 3);
		last++;
		memset(chip_host(&mock_chip, LOG_AT, 8192), 0xee, 8192);
		first = last > LOG_RECORDS ? last - LOG_RECORDS + 1 : 1;
		assert_int_equal(read_log(LOG_AT, 100, 0), IG1_MBOX_EOK);
		assert_int_equal(mock_chip.mbox_val, last - first + 1);
		for (k = 0; k < mock_chip.mbox_val; k++) {
			assert_int_equal(r[k].seq, first + k);
			snprintf(text, sizeof(text), "number %u, %x", first + k, (first + k) * 3);
			if (first + k > 1)
				assert_string_equal(r[k].text, text);
		}
		/* Nothing behind what was asked for. */
		assert_int_equal(((const uint8_t *)&r[mock_chip.mbox_val])[0], 0xee);
	}
}

static void test_log_format(void **state)
{
	const struct ig1_fw_log *r = records();
	static const char longer[] = "0123456789012345678901234567890123456789012345678901234567";

	(void)state;
	log_reset();
	log_put(LOG_ERROR, "%u %x", 0xffffffff, 0xffffffff);
	log_put(LOG_ERROR, "%u%x%", 0, 0);
	log_put(LOG_ERROR, longer, 0, 0);
	log_put(LOG_ERROR, "01234567890123456789012345678901234567890123%u", 1234567890, 0);
	assert_int_equal(read_log(LOG_AT, 10, 1), IG1_MBOX_EOK);
	assert_string_equal(r[0].text, "4294967295 ffffffff");
	assert_string_equal(r[1].text, "00%");
	assert_int_equal(strlen(r[2].text), 47);
	assert_memory_equal(r[2].text, longer, 47);
	assert_string_equal(r[3].text, "01234567890123456789012345678901234567890123123");
}

/* After a failed boot: what helps to find out why, nothing else. */
static void test_failed(void **state)
{
	uint64_t at = rig_config(0, 0);

	(void)state;
	mock_chip.rom[0]++;
	assert_int_equal(fw_boot(), IG1_FW_ERROR_ROM);
	assert_int_equal(rig_mbox(IG1_MBOX_PING, 1, 0, 0, 0), IG1_MBOX_EOK);
	assert_int_equal(rig_mbox(IG1_MBOX_QUEUE_CREATE, 0, (uint32_t)at, (uint32_t)(at >> 32), 0),
			 IG1_MBOX_ESTATE);
	assert_int_equal(rig_mbox(IG1_MBOX_SRAM_ZERO, 0, 1, 0, 0), IG1_MBOX_ESTATE);
	assert_int_equal(rig_mbox(IG1_MBOX_QUEUE_DESTROY, 0, 0, 0, 0), IG1_MBOX_ESTATE);
	assert_int_equal(read_log(LOG_AT, 10, 2), IG1_MBOX_EOK);
	assert_true(mock_chip.mbox_val >= 1);
	assert_int_equal(records()[0].level, LOG_ERROR);
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, rig_setup, rig_teardown)
	const struct CMUnitTest tests[] = {
		T(test_ping),	  T(test_unknown),  T(test_sram_zero),	T(test_sram_zero_yields),
		T(test_log_read), T(test_log_wrap), T(test_log_format), T(test_failed),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("mailbox", tests, NULL, NULL);
}
