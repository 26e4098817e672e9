// SPDX-License-Identifier: MIT
/* Boot: what is published, and each way it fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "../boot.h"
#include "../fw.h"
#include "mock.h"
#include "tree.h"

static int setup(void **state)
{
	(void)state;
	mock_reset();
	return chip_make_tree(&mock_chip);
}

static int teardown(void **state)
{
	(void)state;
	return mock_chip.breaches ? -1 : 0;
}

static void set_tree(const struct tree_values *v)
{
	int n = tree_make(mock_chip.fdt, sizeof(mock_chip.fdt), v);

	assert_true(n > 0);
	mock_chip.fdt_size = (uint32_t)n;
}

static void expect_failed(uint32_t error)
{
	assert_int_equal(fw_boot(), error);
	assert_int_equal(mock_chip.fw[0], IG1_FW_STATE_FAILED);
	assert_int_equal(mock_chip.fw[1], error);
	/* Whoever it is, it says so. */
	assert_int_equal(mock_chip.fw[2], IG1_FW_ABI);
	assert_int_equal(mock_chip.fw[3], FW_VERSION);
}

static void test_ready(void **state)
{
	uint32_t i;

	(void)state;
	assert_int_equal(fw_boot(), IG1_FW_ERROR_NONE);
	assert_int_equal(mock_chip.fw[0], IG1_FW_STATE_READY);
	assert_int_equal(mock_chip.fw[1], IG1_FW_ERROR_NONE);
	assert_int_equal(mock_chip.fw[2], IG1_FW_ABI);
	assert_int_equal(mock_chip.fw[3], FW_VERSION);
	assert_int_equal(fw_chip.sram_bytes, CHIP_SRAM_BYTES);
	assert_int_equal(fw_chip.rom_bytes, CHIP_ROM_BYTES);
	/* The test leaves the resident SRAM as it was. */
	for (i = 0; i < CHIP_SRAM_BYTES; i++)
		assert_int_equal(mock_chip.sram[i], 0xa5);
}

static void test_tree_damaged(void **state)
{
	(void)state;
	mock_chip.fdt[0] ^= 1;
	expect_failed(IG1_FW_ERROR_FDT);
	setup(NULL);
	mock_chip.fdt_size = 0;
	expect_failed(IG1_FW_ERROR_FDT);
	setup(NULL);
	mock_chip.fdt_size = IG1_FDT_WINDOW_BYTES + 1;
	expect_failed(IG1_FW_ERROR_FDT);
	setup(NULL);
	mock_chip.fdt_size -= 8;
	expect_failed(IG1_FW_ERROR_FDT);
}

static void test_tree_values(void **state)
{
	static const uint64_t sram[] = { 0, 4095, 6144, 1ull << 32, 0xfffffffffffff000ull };
	struct tree_values v;
	uint32_t i;

	(void)state;
	tree_defaults(&v);
	v.rom_check = chip_rom_check(&mock_chip);
	set_tree(&v);
	assert_int_equal(fw_boot(), 0);
	v.compatible = "intaglio,ig2";
	set_tree(&v);
	expect_failed(IG1_FW_ERROR_FDT);
	v.compatible = "";
	set_tree(&v);
	expect_failed(IG1_FW_ERROR_FDT);
	v.compatible = IG1_FDT_ROOT_COMPATIBLE_VALUE;
	v.spec = IG1_SPEC_VERSION + 0x10000;
	set_tree(&v);
	expect_failed(IG1_FW_ERROR_FDT);
	v.spec = IG1_SPEC_VERSION + 1; /* a minor version */
	set_tree(&v);
	assert_int_equal(fw_boot(), 0);
	v.mask_id_bytes = 31;
	set_tree(&v);
	expect_failed(IG1_FW_ERROR_FDT);
	v.mask_id_bytes = 32;
	v.skip_last = 1;
	set_tree(&v);
	expect_failed(IG1_FW_ERROR_FDT);
	v.skip_last = 0;
	for (i = 0; i < sizeof(sram) / sizeof(sram[0]); i++) {
		v.sram_bytes = sram[i];
		set_tree(&v);
		expect_failed(IG1_FW_ERROR_FDT);
	}
}

/* Renames each property of the binding in turn: every one is missed. */
static void test_tree_lacks(void **state)
{
	uint8_t *bytes = (uint8_t *)mock_chip.fdt;
	uint32_t at, n = 0;

	(void)state;
	for (at = 0; at < mock_chip.fdt_size; at++) {
		if (memcmp(bytes + at, "intaglio,", 9))
			continue;
		/* A value may begin like a name ("intaglio,ig1"). */
		if (!memcmp(bytes + at, IG1_FDT_ROOT_COMPATIBLE_VALUE, 13))
			continue;
		bytes[at] = 'I';
		expect_failed(IG1_FW_ERROR_FDT);
		bytes[at] = 'i';
		n++;
	}
	assert_int_equal(n, 23);
	assert_int_equal(fw_boot(), 0);
}

static void test_rom(void **state)
{
	struct tree_values v;
	uint32_t sum = 0, i;

	(void)state;
	mock_chip.rom[4095] ^= 0x10000;
	expect_failed(IG1_FW_ERROR_ROM);
	mock_chip.rom[4095] ^= 0x10000;
	mock_chip.rom[0]++;
	expect_failed(IG1_FW_ERROR_ROM);
	mock_chip.rom[0]--;
	mock_chip.rom[4096]++; /* is not part of it */
	assert_int_equal(fw_boot(), 0);
	/* A small ROM: all of it and no more. */
	tree_defaults(&v);
	v.rom_bytes = 400;
	for (i = 0; i < 100; i++)
		sum += mock_chip.rom[i];
	v.rom_check = sum;
	set_tree(&v);
	assert_int_equal(fw_boot(), 0);
	v.rom_check++;
	set_tree(&v);
	expect_failed(IG1_FW_ERROR_ROM);
}

static void test_resident_sram(void **state)
{
	uint32_t bit;

	(void)state;
	for (bit = 0; bit < 32; bit++) {
		mock_chip.sram_stuck = 1u << bit;
		expect_failed(IG1_FW_ERROR_SRAM);
	}
	mock_chip.sram_stuck = 0;
	for (bit = 2; bit < 20; bit++) {
		mock_chip.sram_alias = 1u << bit;
		expect_failed(IG1_FW_ERROR_SRAM);
	}
	mock_chip.sram_alias = 0;
	assert_int_equal(fw_boot(), 0);
}

/* The spare SRAM with an address bit that does nothing: one page mapped twice. */
static void test_spare(void **state)
{
	int fd = memfd_create("spare", 0);
	uint8_t *p;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, 8192), 0);
	p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(p != MAP_FAILED);
	mock_spare_at = (volatile uint32_t *)(void *)p;
	mock_spare_words = 2048;
	assert_int_equal(fw_boot(), 0);
	assert_true(mmap(p + 4096, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) !=
		    MAP_FAILED);
	expect_failed(IG1_FW_ERROR_SRAM);
	munmap(p, 8192);
	close(fd);
}

static void test_trap(void **state)
{
	(void)state;
	assert_int_equal(fw_boot(), 0);
	mock_chip.mask = 7;
	fw_trap_report(5, 0x1234, 0x99);
	assert_int_equal(mock_chip.fw[0], IG1_FW_STATE_FAILED);
	assert_int_equal(mock_chip.fw[1], IG1_FW_ERROR_TRAP);
	assert_int_equal(mock_chip.mask, 0);
	assert_int_equal(mock_chip.mbox_out[0], 5);
	assert_int_equal(mock_chip.mbox_out[1], 0x1234);
	assert_int_equal(mock_chip.mbox_out[2], 0x99);
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_ready), T(test_tree_damaged),  T(test_tree_values), T(test_tree_lacks),
		T(test_rom),   T(test_resident_sram), T(test_spare),	   T(test_trap),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("boot", tests, NULL, NULL);
}
