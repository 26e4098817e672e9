// SPDX-License-Identifier: MIT
/* Boot: self-test, device tree, and what the host may know before anything works. */
#include "boot.h"

#include "fw.h"
#include "hw.h"
#include "log.h"

/*
 * Distance in words of the words tested in the MCU's own spare SRAM, a power of two. 1 tests every
 * cell, which takes longer than all the rest of the boot and is for silicon. More tests data and
 * address lines: the first words and then every n-th.
 */
#ifndef FW_SRAM_TEST_STEP
#define FW_SRAM_TEST_STEP 16u
#endif

#define ROM_CHECK_WORDS 4096u
#define PATTERN		0xa5c3965au

struct fw_chip fw_chip;

enum type {
	TYPE_U32,
	TYPE_U64,
	TYPE_STRING,
	TYPE_BYTES32,
};

static const struct binding {
	const char *path; /* NULL: as the one before */
	const char *name;
	enum type type;
} bindings[] = {
	{ IG1_FDT_ROOT, IG1_FDT_ROOT_COMPATIBLE, TYPE_STRING },
	{ NULL, IG1_FDT_ROOT_SPEC, TYPE_U32 },
	{ IG1_FDT_CHIP, IG1_FDT_CHIP_CONFIG, TYPE_STRING },
	{ NULL, IG1_FDT_CHIP_TILES, TYPE_U32 },
	{ NULL, IG1_FDT_CHIP_ROWS, TYPE_U32 },
	{ NULL, IG1_FDT_CHIP_COLUMNS, TYPE_U32 },
	{ NULL, IG1_FDT_CHIP_LANES, TYPE_U32 },
	{ NULL, IG1_FDT_CHIP_MEM_BYTES, TYPE_U32 },
	{ NULL, IG1_FDT_CHIP_SCRATCH_BYTES, TYPE_U32 },
	{ NULL, IG1_FDT_CHIP_SRAM_BYTES, TYPE_U64 },
	{ NULL, IG1_FDT_CHIP_ROM_BYTES, TYPE_U64 },
	{ NULL, IG1_FDT_CHIP_CROM_BYTES, TYPE_U64 },
	{ NULL, IG1_FDT_CHIP_CLOCK_FREQUENCY, TYPE_U64 },
	{ IG1_FDT_MASK, IG1_FDT_MASK_MASK_ID, TYPE_BYTES32 },
	{ NULL, IG1_FDT_MASK_ROM_CHECK, TYPE_U32 },
	{ IG1_FDT_MODEL, IG1_FDT_MODEL_NAME, TYPE_STRING },
	{ NULL, IG1_FDT_MODEL_ARCH, TYPE_STRING },
	{ NULL, IG1_FDT_MODEL_LAYERS, TYPE_U32 },
	{ NULL, IG1_FDT_MODEL_WIDTH, TYPE_U32 },
	{ NULL, IG1_FDT_MODEL_VOCAB, TYPE_U32 },
	{ NULL, IG1_FDT_MODEL_CONTEXT, TYPE_U32 },
	{ NULL, IG1_FDT_MODEL_HEADS, TYPE_U32 },
	{ NULL, IG1_FDT_MODEL_KV_HEADS, TYPE_U32 },
	{ NULL, IG1_FDT_MODEL_HEAD_SIZE, TYPE_U32 },
	{ NULL, IG1_FDT_MODEL_FORMAT, TYPE_STRING },
};

#define BINDINGS (sizeof(bindings) / sizeof(bindings[0]))

static uint32_t next_spare(uint32_t i)
{
	return i < FW_SRAM_TEST_STEP ? i + 1 : i + FW_SRAM_TEST_STEP;
}

/*
 * Spare SRAM: each word its own pattern, then its complement, so that stuck cells, stuck address
 * bits and neighbours that copy each other show.
 */
uint32_t boot_test_spare(void)
{
	uint32_t words, i, bad = 0;
	volatile uint32_t *p = hw_spare(&words);

	for (i = 0; i < words; i = next_spare(i))
		p[i] = PATTERN ^ i;
	for (i = 0; i < words; i = next_spare(i)) {
		bad |= p[i] ^ PATTERN ^ i;
		p[i] = ~(PATTERN ^ i);
	}
	for (i = 0; i < words; i = next_spare(i))
		bad |= p[i] ^ ~(PATTERN ^ i);
	if (bad)
		log_put(LOG_ERROR, "MCU SRAM: bits %x", bad, 0);
	return bad ? IG1_FW_ERROR_SRAM : IG1_FW_ERROR_NONE;
}

static int check_binding(const struct dt *f, uint32_t node, const struct binding *b)
{
	struct dt_prop p;
	uint64_t v64;
	uint32_t v32;
	int err;

	switch (b->type) {
	case TYPE_U32:
		return dt_u32(f, node, b->name, &v32);
	case TYPE_U64:
		return dt_u64(f, node, b->name, &v64);
	case TYPE_STRING:
		return dt_string(f, node, b->name, &p);
	default:
		err = dt_prop(f, node, b->name, &p);
		return err ? err : p.len == 32 ? 0 : -DT_ETYPE;
	}
}

/* Values that the firmware relies on. */
static int read_values(const struct dt *f, uint32_t *rom_check)
{
	uint32_t root, chip, mask, spec;
	struct dt_prop compatible;
	uint64_t sram;

	if (dt_node(f, IG1_FDT_ROOT, &root) || dt_node(f, IG1_FDT_CHIP, &chip) ||
	    dt_node(f, IG1_FDT_MASK, &mask) ||
	    dt_string(f, root, IG1_FDT_ROOT_COMPATIBLE, &compatible) ||
	    dt_u32(f, root, IG1_FDT_ROOT_SPEC, &spec) ||
	    dt_u64(f, chip, IG1_FDT_CHIP_SRAM_BYTES, &sram) ||
	    dt_u64(f, chip, IG1_FDT_CHIP_ROM_BYTES, &fw_chip.rom_bytes) ||
	    dt_u64(f, chip, IG1_FDT_CHIP_CLOCK_FREQUENCY, &fw_chip.clock_hz) ||
	    dt_u32(f, mask, IG1_FDT_MASK_ROM_CHECK, rom_check))
		return -1;
	if (!dt_is(f, &compatible, IG1_FDT_ROOT_COMPATIBLE_VALUE)) {
		log_put(LOG_ERROR, "device tree: another chip", 0, 0);
		return -1;
	}
	if (spec >> 16 != IG1_SPEC_VERSION >> 16) {
		log_put(LOG_ERROR, "device tree: specification %x", spec, 0);
		return -1;
	}
	/* Test and copy registers have 32 bits. */
	if (!sram || sram % IG1_PAGE_BYTES || sram >> 32) {
		log_put(LOG_ERROR, "device tree: sram-bytes", 0, 0);
		return -1;
	}
	fw_chip.sram_bytes = (uint32_t)sram;
	return 0;
}

uint32_t boot_read_tree(uint32_t *rom_check)
{
	uint32_t bytes = hw_read32(IG1_MCU_FDT_SIZE), node = 0;
	struct dt f;
	size_t i;
	int err;

	if (bytes > IG1_FDT_WINDOW_BYTES) {
		log_put(LOG_ERROR, "device tree: %u bytes", bytes, 0);
		return IG1_FW_ERROR_FDT;
	}
	err = dt_open(&f, hw_fdt(), bytes);
	if (err) {
		log_put(LOG_ERROR, "device tree: error %u", (uint32_t)-err, 0);
		return IG1_FW_ERROR_FDT;
	}
	for (i = 0; i < BINDINGS; i++) {
		err = bindings[i].path ? dt_node(&f, bindings[i].path, &node) : 0;
		err = err ? err : check_binding(&f, node, &bindings[i]);
		if (err) {
			log_put(LOG_ERROR, "device tree: error %u, binding %u", (uint32_t)-err,
				(uint32_t)i);
			return IG1_FW_ERROR_FDT;
		}
	}
	return read_values(&f, rom_check) ? IG1_FW_ERROR_FDT : IG1_FW_ERROR_NONE;
}

uint32_t boot_test_rom(uint32_t check)
{
	uint64_t words = fw_chip.rom_bytes / 4;
	uint32_t n = words < ROM_CHECK_WORDS ? (uint32_t)words : ROM_CHECK_WORDS;
	uint32_t sum = 0, i;

	hw_write64(IG1_MCU_ROM_TEST_ADDR(0), 0);
#pragma GCC unroll 4
	for (i = 0; i < n; i++)
		sum += hw_read32(IG1_MCU_ROM_TEST_DATA);
	if (sum == check)
		return IG1_FW_ERROR_NONE;
	log_put(LOG_ERROR, "weight ROM: sum %x, not %x", sum, check);
	return IG1_FW_ERROR_ROM;
}

static uint32_t sram_read(uint32_t at)
{
	hw_write32(IG1_MCU_SRAM_TEST_ADDR, at);
	return hw_read32(IG1_MCU_SRAM_TEST_DATA);
}

static void sram_write(uint32_t at, uint32_t v)
{
	hw_write32(IG1_MCU_SRAM_TEST_ADDR, at);
	hw_write32(IG1_MCU_SRAM_TEST_DATA, v);
}

/* The words tested: 0, 4, 8, 16, ... and the last: at most SPOTS. Zero at the end. */
#define SPOTS 33u

static uint32_t next_spot(uint32_t at)
{
	uint32_t last = fw_chip.sram_bytes - 4;

	if (!at)
		return 4;
	return at < last && at * 2 < last && at * 2 > at ? at * 2 : at < last ? last : 0;
}

/*
 * Data bits at each spot and, since all are written before the first is read, address bits. The
 * contents stay: after a reset of the chip they are still somebody's.
 */
uint32_t boot_test_sram(void)
{
	uint32_t saved[SPOTS], at = 0, n = 0, bad = 0, flip;

	do {
		saved[n++] = sram_read(at);
		at = next_spot(at);
	} while (at);
	for (flip = 0;; flip = ~0u) {
		at = 0;
		do {
			sram_write(at, PATTERN ^ at ^ flip);
			at = next_spot(at);
		} while (at);
		do {
			bad |= sram_read(at) ^ PATTERN ^ at ^ flip;
			at = next_spot(at);
		} while (at);
		if (flip)
			break;
	}
	n = 0;
	do {
		sram_write(at, saved[n++]);
		at = next_spot(at);
	} while (at);
	if (bad)
		log_put(LOG_ERROR, "resident SRAM: bits %x", bad, 0);
	return bad ? IG1_FW_ERROR_SRAM : IG1_FW_ERROR_NONE;
}

uint32_t fw_boot(void)
{
	uint32_t err, check = 0;

	hw_write32(IG1_MCU_FW_ERROR, IG1_FW_ERROR_NONE);
	hw_write32(IG1_MCU_FW_ABI, IG1_FW_ABI);
	hw_write32(IG1_MCU_FW_VERSION, FW_VERSION);
	hw_write32(IG1_MCU_FW_STATE, IG1_FW_STATE_BOOT);
	err = boot_test_spare();
	if (!err)
		err = boot_read_tree(&check);
	if (!err)
		err = boot_test_rom(check);
	if (!err)
		err = boot_test_sram();
	if (!err)
		log_put(LOG_INFO, "ready, firmware %x, resident SRAM %u KiB", FW_VERSION,
			fw_chip.sram_bytes / 1024);
	hw_write32(IG1_MCU_FW_ERROR, err);
	hw_write32(IG1_MCU_FW_STATE, err ? IG1_FW_STATE_FAILED : IG1_FW_STATE_READY);
	return err;
}
