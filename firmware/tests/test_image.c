// SPDX-License-Identifier: MIT
/*
 * The firmware file itself, on an interpreter: header, boot, jobs, mailbox, traps. Prints the
 * instructions and cycles of a job's turn-around. argv[1]: the file.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "rv32.h"

#define ENTRIES	 16u
#define RING	 CHIP_HOST_BASE
#define CQ	 (CHIP_HOST_BASE + 0x4000)
#define CONFIG	 (CHIP_HOST_BASE + 0x8000)
#define LIMIT	 10000000
#define MAX_FILE 70000

static uint8_t file[MAX_FILE];
static size_t file_bytes;
static struct rv32 cpu;
static struct chip chip;
static uint32_t tail;

static void load(void)
{
	struct ig1_fw_header h;

	memcpy(&h, file, sizeof(h));
	chip_init(&chip);
	assert_int_equal(chip_make_tree(&chip), 0);
	rv32_reset(&cpu, &chip);
	/* What the SRAM held before must not matter. */
	memset(cpu.mem, 0xdb, sizeof(cpu.mem));
	memcpy(cpu.mem + h.load_addr, file + sizeof(h), h.image_bytes);
	cpu.pc = h.entry;
	tail = 0;
}

static void run(void)
{
	assert_int_equal(rv32_run(&cpu, LIMIT), 0);
	assert_int_equal(cpu.traps, 0);
	assert_int_equal(chip.breaches, 0);
}

static void boot(void)
{
	load();
	run();
	assert_int_equal(chip.fw[0], IG1_FW_STATE_READY);
}

static uint32_t mbox(uint32_t cmd, uint32_t a0, uint32_t a1, uint32_t a2, uint32_t a3)
{
	chip_mbox(&chip, cmd, a0, a1, a2, a3);
	run();
	assert_int_equal(chip.mbox_done, chip.mbox_seq);
	return chip.mbox_ret;
}

static void create(void)
{
	struct ig1_queue *c = chip_host(&chip, CONFIG, sizeof(*c));

	memset(c, 0, sizeof(*c));
	c->ring = RING;
	c->cq = CQ;
	c->entries = ENTRIES;
	c->vector = 2;
	assert_int_equal(mbox(IG1_MBOX_QUEUE_CREATE, 4, (uint32_t)CONFIG, CONFIG >> 32, 0), 0);
}

static void submit(uint32_t id)
{
	struct ig1_job *job =
		chip_host(&chip, RING + tail++ % ENTRIES * sizeof(*job), sizeof(*job));

	memset(job, 0, sizeof(*job));
	job->magic = IG1_JOB_MAGIC;
	job->job_id = 0x500000000ull + id;
	job->context = 3;
	job->nargs = 8;
	job->args[7] = 0x123456789ull * id;
	job->pt_root = 0x7000;
	job->prog_va = 0x1000;
	job->prog_len = 1;
	chip_doorbell(&chip, 4, tail);
}

static const struct ig1_completion *completion(uint32_t n)
{
	const struct ig1_completion *c =
		chip_host(&chip, CQ + n % ENTRIES * sizeof(*c), sizeof(*c));

	return c->phase == (n / ENTRIES % 2 ? 0 : 1) ? c : NULL;
}

static uint32_t crc32(const uint8_t *p, size_t n)
{
	uint32_t crc = ~0u, i;

	while (n--) {
		crc ^= *p++;
		for (i = 0; i < 8; i++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
	}
	return ~crc;
}

static void test_header(void **state)
{
	struct ig1_fw_header h;
	uint32_t i;

	(void)state;
	memcpy(&h, file, sizeof(h));
	assert_int_equal(h.magic, IG1_FW_MAGIC);
	assert_int_equal(h.abi, IG1_FW_ABI);
	assert_int_equal(h.image_bytes % 4, 0);
	assert_int_equal(h.image_bytes + sizeof(h), file_bytes);
	assert_true(h.load_addr + h.image_bytes <= IG1_MCU_SRAM_BYTES);
	/* The core starts at 0 whatever the header says. */
	assert_int_equal(h.entry, 0);
	assert_int_equal(h.crc32, crc32(file + sizeof(h), h.image_bytes));
	for (i = 0; i < 9; i++)
		assert_int_equal(h.pad[i], 0);
}

static void test_boot(void **state)
{
	struct ig1_fw_header h;
	uint32_t info;

	(void)state;
	memcpy(&h, file, sizeof(h));
	boot();
	assert_int_equal(chip.fw[3], h.version);
	print_message("# boot: %u instructions, %u cycles\n", (uint32_t)cpu.instret,
		      (uint32_t)cpu.cycle);
	assert_int_equal(mbox(IG1_MBOX_INFO, 0, 0, 0, 0), 0);
	info = chip.mbox_out[3];
	assert_true(info > 4096 && info < IG1_MCU_SRAM_BYTES - h.image_bytes);
	print_message("# free SRAM: %u bytes\n", info);
}

static void test_boot_fails(void **state)
{
	(void)state;
	load();
	chip.rom[77] ^= 2;
	run();
	assert_int_equal(chip.fw[0], IG1_FW_STATE_FAILED);
	assert_int_equal(chip.fw[1], IG1_FW_ERROR_ROM);
	load();
	chip.fdt[0] ^= 1;
	run();
	assert_int_equal(chip.fw[0], IG1_FW_STATE_FAILED);
	assert_int_equal(chip.fw[1], IG1_FW_ERROR_FDT);
	assert_int_equal(mbox(IG1_MBOX_PING, 9, 0, 0, 0), 0);
	assert_int_equal(chip.mbox_val, 9);
}

static void test_jobs(void **state)
{
	const struct ig1_completion *c;
	uint32_t i, k;
	uint64_t want;

	(void)state;
	boot();
	create();
	for (i = 0; i < 100; i++) {
		submit(i);
		run();
		assert_true(chip.busy);
		want = 0x123456789ull * i;
		assert_memory_equal(&chip.live[30], &want, 8);
		assert_null(completion(i));
		chip_finish(&chip, i % 3 ? 0 : IG1_FAULT_ROM, i * 0x100000001ull, i + 1, i);
		run();
		c = completion(i);
		assert_non_null(c);
		assert_int_equal(c->job_id, 0x500000000ull + i);
		assert_int_equal(c->fault, i % 3 ? 0 : IG1_FAULT_ROM);
		assert_int_equal(c->fault_addr, i * 0x100000001ull);
		assert_int_equal(c->fault_index, i + 1);
		assert_int_equal(c->emitted, i + 1);
		assert_int_equal(c->traced, i + 2);
		assert_int_equal(c->head, i + 1);
		for (k = 0; k < IG1_CTR_COUNT; k++)
			assert_int_equal(c->counters[k], chip_counter(i, k));
	}
	assert_int_equal(mbox(IG1_MBOX_INFO, 0, 0, 0, 0), 0);
	assert_int_equal(chip.mbox_out[0], 66);
	assert_int_equal(chip.mbox_out[1], 34);
	assert_int_equal(mbox(IG1_MBOX_LOG_READ, (uint32_t)CONFIG, CONFIG >> 32, 8, 0), 0);
	assert_true(chip.mbox_val >= 2);
	print_message("# stack: %u bytes deep\n", IG1_MCU_SRAM_BYTES - cpu.low_sp);
	assert_true(IG1_MCU_SRAM_BYTES - cpu.low_sp < 1024);
}

static uint32_t since(const uint64_t *written, uint32_t reg, uint64_t start)
{
	assert_true(written[reg / 4] >= start);
	return (uint32_t)(written[reg / 4] - start);
}

/* Instructions from an event to a register write, with a copy engine that takes no time. */
static void report(const char *what, uint32_t reg, uint64_t instret, uint64_t cycle)
{
	print_message("# %s: %u instructions, %u cycles\n", what,
		      since(cpu.written_instret, reg, instret),
		      since(cpu.written_cycle, reg, cycle));
}

static void test_turnaround(void **state)
{
	uint64_t instret, cycle;

	(void)state;
	boot();
	create();
	chip.copy_delay = 0;
	submit(1);
	run();
	chip_finish(&chip, 0, 0, 0, 1);
	run();
	/* Idle: doorbell to launch. */
	submit(2);
	instret = cpu.instret;
	cycle = cpu.cycle;
	run();
	report("doorbell to launch", IG1_MCU_SEQ_GO, instret, cycle);
	/* The next job has been read ahead. */
	submit(3);
	run();
	chip_finish(&chip, 0, 0, 0, 1);
	instret = cpu.instret;
	cycle = cpu.cycle;
	run();
	assert_true(chip.busy);
	report("end of job to next launch", IG1_MCU_SEQ_GO, instret, cycle);
	report("end of job to interrupt, with a next job", IG1_MCU_HOST_IRQ, instret, cycle);
	assert_true(since(cpu.written_instret, IG1_MCU_SEQ_GO, instret) < 400);
	/* None waits. */
	chip_finish(&chip, 0, 0, 0, 1);
	instret = cpu.instret;
	cycle = cpu.cycle;
	run();
	report("end of job to interrupt, alone", IG1_MCU_HOST_IRQ, instret, cycle);
	assert_true(since(cpu.written_instret, IG1_MCU_HOST_IRQ, instret) < 400);
	print_message("# end of job to sleep: %u instructions\n",
		      (uint32_t)(cpu.instret - instret));
}

/* A word of the main path becomes illegal. */
static void test_trap(void **state)
{
	uint32_t at = 0;

	(void)state;
	boot();
	create();
	submit(1);
	run();
	at = cpu.pc;
	memset(cpu.mem + at, 0, 4);
	chip_doorbell(&chip, 4, tail);
	assert_int_equal(rv32_run(&cpu, LIMIT), 0);
	assert_int_equal(cpu.traps, 1);
	assert_int_equal(chip.fw[0], IG1_FW_STATE_FAILED);
	assert_int_equal(chip.fw[1], IG1_FW_ERROR_TRAP);
	assert_int_equal(chip.mbox_out[0], 2);
	assert_int_equal(chip.mbox_out[1], at);
	/* It does not wake up again, and the running job is told to stop. */
	assert_int_equal(chip.mask, 0);
	assert_true(chip.abort_left > 0);
}

static int read_file(const char *path)
{
	FILE *f = fopen(path, "rb");

	if (!f)
		return -1;
	file_bytes = fread(file, 1, sizeof(file), f);
	fclose(f);
	return file_bytes > sizeof(struct ig1_fw_header) && file_bytes < sizeof(file) ? 0 : -1;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_header),	   cmocka_unit_test(test_boot),
		cmocka_unit_test(test_boot_fails), cmocka_unit_test(test_jobs),
		cmocka_unit_test(test_turnaround), cmocka_unit_test(test_trap),
	};

	if (argc != 2 || read_file(argv[1])) {
		fprintf(stderr, "usage: test_image ig1-fw.bin\n");
		return 2;
	}
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("image", tests, NULL, NULL);
}
