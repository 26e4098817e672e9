// SPDX-License-Identifier: MIT
/*
 * The host interface of the Verilated chip: identification, device tree, mailbox, doorbells,
 * interrupts, MCU SRAM, copy engine, self-test ports, soft reset. Firmware's side through the debug
 * port; one small program on the MCU for what needs it running. Argument: model name. TAP.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "randspace.h"
#include "sim.h"
#include "simmodel.h"

#define HOST_BYTES SPACE_BYTES

static struct ig1_sim *sim;
static const struct ig1_config *cfg;
static uint8_t *host;
static uint8_t rom[5000], crom[64], fdt[777];
static int failed, tests;

static void check(bool ok, const char *what)
{
	printf("%sok %d - %s\n", ok ? "" : "not ", ++tests, what);
	failed += !ok;
}

static uint32_t rd(uint32_t offset)
{
	return ig1_sim_read32(sim, offset);
}

static void wr(uint32_t offset, uint32_t v)
{
	ig1_sim_write32(sim, offset, v);
}

static uint32_t mrd(uint32_t offset)
{
	uint32_t v = 0xdeadbeef;

	if (ig1_sim_debug_read(sim, IG1_MCU_BASE + offset, &v))
		failed++;
	return v;
}

static void mwr(uint32_t offset, uint32_t v)
{
	if (ig1_sim_debug_write(sim, IG1_MCU_BASE + offset, v))
		failed++;
}

static uint32_t mcu_word(uint32_t addr)
{
	wr(IG1_BAR0_LOAD_ADDR, addr);
	return rd(IG1_BAR0_LOAD_DATA);
}

static uint32_t copy(uint64_t bus, uint32_t local, uint32_t bytes, uint32_t go)
{
	uint32_t status;

	mwr(IG1_MCU_IRQ_PENDING, 0xf);
	mwr(IG1_MCU_COPY_HOST(0), (uint32_t)bus);
	mwr(IG1_MCU_COPY_HOST(1), (uint32_t)(bus >> 32));
	mwr(IG1_MCU_COPY_LOCAL, local);
	mwr(IG1_MCU_COPY_BYTES, bytes);
	mwr(IG1_MCU_COPY_GO, go);
	do
		status = mrd(IG1_MCU_COPY_STATUS);
	while (status & IG1_MCU_COPY_STATUS_BUSY);
	if (!(mrd(IG1_MCU_IRQ_PENDING) & IG1_MCU_IRQ_PENDING_COPY))
		return 0x100;
	return status;
}

static void test_identity(void)
{
	uint32_t i, v, bad = 0;

	check(rd(IG1_BAR0_ID) == IG1_CHIP_ID && rd(IG1_BAR0_SPEC) == 0x10000, "ID and SPEC");
	check(rd(IG1_BAR0_FDT_SIZE) == sizeof(fdt) && mrd(IG1_MCU_FDT_SIZE) == sizeof(fdt),
	      "FDT_SIZE on both sides");
	for (i = 0; i < 1024; i += 4) {
		uint32_t want = 0, got = 0;

		if (i < sizeof(fdt))
			memcpy(&want, fdt + i, sizeof(fdt) - i < 4 ? sizeof(fdt) - i : 4);
		ig1_sim_debug_read(sim, 0x50000000 + i, &got);
		bad += rd(0x10000 + i) != want || got != want;
	}
	check(!bad, "device tree through both windows, zeros behind it");
	check(!rd(IG1_BAR0_STATUS) && !rd(0x1f8) && !rd(0x800),
	      "STATUS after power-up, unused offsets");
	check(ig1_sim_debug_read(sim, 0x40001000, &v) == -EIO &&
		      ig1_sim_debug_read(sim, 0x60000000, &v) == -EIO,
	      "bus error outside the peripherals");
}

static void test_mailbox(void)
{
	uint32_t i, bad = 0;

	mwr(IG1_MCU_IRQ_PENDING, 0xf);
	for (i = 0; i < 4; i++)
		wr(IG1_BAR0_MBOX_ARG(i), 0x1000 + i);
	wr(IG1_BAR0_MBOX_CMD, 5);
	wr(IG1_BAR0_MBOX_SEQ, 77);
	check(!(mrd(IG1_MCU_IRQ_PENDING)), "no event before the doorbell");
	wr(IG1_BAR0_MBOX_DOORBELL, 1);
	check(mrd(IG1_MCU_IRQ_PENDING) == IG1_MCU_IRQ_PENDING_MBOX, "mailbox event");
	for (i = 0; i < 4; i++)
		bad += mrd(IG1_MCU_MBOX_ARG(i)) != 0x1000 + i;
	check(!bad && mrd(IG1_MCU_MBOX_CMD) == 5 && mrd(IG1_MCU_MBOX_SEQ) == 77, "command arrives");
	for (i = 0; i < 4; i++)
		mwr(IG1_MCU_MBOX_OUT(i), 0x2000 + i);
	mwr(IG1_MCU_MBOX_VAL, 3);
	mwr(IG1_MCU_MBOX_RET, 4);
	mwr(IG1_MCU_MBOX_DONE, 77);
	for (i = bad = 0; i < 4; i++)
		bad += rd(IG1_BAR0_MBOX_OUT(i)) != 0x2000 + i;
	check(!bad && rd(IG1_BAR0_MBOX_VAL) == 3 && rd(IG1_BAR0_MBOX_RET) == 4 &&
		      rd(IG1_BAR0_MBOX_DONE) == 77,
	      "answer arrives");
	mwr(IG1_MCU_FW_STATE, 2);
	mwr(IG1_MCU_FW_ERROR, 9);
	mwr(IG1_MCU_FW_ABI, 0x10000);
	mwr(IG1_MCU_FW_VERSION, 0x10203);
	check(rd(IG1_BAR0_FW_STATE) == 2 && rd(IG1_BAR0_FW_ERROR) == 9 &&
		      rd(IG1_BAR0_FW_ABI) == 0x10000 && rd(IG1_BAR0_FW_VERSION) == 0x10203,
	      "firmware registers are mirrored");
	mwr(IG1_MCU_IRQ_PENDING, 0xf);
	for (i = 0; i < 16; i++)
		wr(IG1_BAR0_DOORBELL(i), 100 + i);
	wr(IG1_BAR0_DOORBELL(3), 5000);
	for (i = bad = 0; i < 16; i++)
		bad += mrd(IG1_MCU_DOORBELL(i)) != (i == 3 ? 5000 : 100 + i);
	check(!bad && mrd(IG1_MCU_DOORBELL_MASK) == 0xffff &&
		      mrd(IG1_MCU_IRQ_PENDING) == IG1_MCU_IRQ_PENDING_DOORBELL,
	      "doorbells");
	mwr(IG1_MCU_DOORBELL_MASK, 0x00ff);
	check(mrd(IG1_MCU_DOORBELL_MASK) == 0xff00, "doorbell mask is cleared by ones");
}

static void test_irq(void)
{
	ig1_sim_irqs(sim);
	wr(IG1_BAR0_IRQ_ENABLE, 0x05);
	mwr(IG1_MCU_HOST_IRQ, 0);
	mwr(IG1_MCU_HOST_IRQ, 1);
	mwr(IG1_MCU_HOST_IRQ, 9);
	ig1_sim_step(sim, 4);
	check(ig1_sim_irqs(sim) == 1 && rd(IG1_BAR0_IRQ_STATUS) == 3, "only enabled vectors pulse");
	mwr(IG1_MCU_HOST_IRQ, 0);
	ig1_sim_step(sim, 4);
	check(ig1_sim_irqs(sim) == 1, "a vector pulses again while its status stands");
	wr(IG1_BAR0_IRQ_STATUS, 1);
	wr(IG1_BAR0_IRQ_ENABLE, 0x07);
	ig1_sim_step(sim, 4);
	check(ig1_sim_irqs(sim) == 2 && rd(IG1_BAR0_IRQ_STATUS) == 2,
	      "a vector pulses when it is enabled while its status stands");
	wr(IG1_BAR0_IRQ_STATUS, 0xff);
	check(!rd(IG1_BAR0_IRQ_STATUS), "status is cleared by ones");
}

static void test_load(void)
{
	uint32_t i, bad = 0;

	wr(IG1_BAR0_LOAD_ADDR, 0x100);
	for (i = 0; i < 300; i++)
		wr(IG1_BAR0_LOAD_DATA, i * 0x01010101u);
	check(rd(IG1_BAR0_LOAD_ADDR) == 0x100 + 1200, "LOAD_ADDR advances");
	wr(IG1_BAR0_LOAD_ADDR, 0x100);
	for (i = 0; i < 300; i++)
		bad += rd(IG1_BAR0_LOAD_DATA) != i * 0x01010101u;
	check(!bad, "MCU SRAM is written and read back");
}

static void test_copy(uint64_t seed)
{
	struct randprog_rng rng;
	uint8_t shadow[4096];
	uint32_t i, k, n, at, bad = 0;
	uint64_t off;

	randprog_seed(&rng, seed);
	for (i = 0; i < HOST_BYTES; i += 4) {
		uint32_t v = (uint32_t)randprog_next(&rng);

		memcpy(host + i, &v, 4);
	}
	for (i = 0; i < sizeof(shadow); i += 4) {
		wr(IG1_BAR0_LOAD_ADDR, 0x2000 + i);
		wr(IG1_BAR0_LOAD_DATA, 0);
	}
	memset(shadow, 0, sizeof(shadow));
	for (k = 0; k < 60; k++) {
		n = 4 * (randprog_below(&rng, 3) ? randprog_below(&rng, 60)
						 : randprog_below(&rng, 400));
		at = 4 * randprog_below(&rng, (sizeof(shadow) - n) / 4 + 1);
		off = 4 * (uint64_t)randprog_below(&rng, (HOST_BYTES - n) / 4 + 1);
		if (randprog_below(&rng, 2)) {
			bad += copy(SPACE_BUS + off, 0x2000 + at, n, 1) != 0;
			memcpy(shadow + at, host + off, n);
		} else {
			bad += copy(SPACE_BUS + off, 0x2000 + at, n, 2) != 0;
			bad += memcmp(shadow + at, host + off, n) != 0;
		}
	}
	for (i = 0; i < sizeof(shadow); i += 4) {
		uint32_t v;

		memcpy(&v, shadow + i, 4);
		bad += mcu_word(0x2000 + i) != v;
	}
	check(!bad, "copies between host memory and MCU SRAM");
	check(copy(SPACE_BUS + HOST_BYTES - 64, 0x2000, 256, 1) == IG1_MCU_COPY_STATUS_ERROR &&
		      copy(SPACE_BUS + HOST_BYTES - 64, 0x2000, 256, 2) ==
			      IG1_MCU_COPY_STATUS_ERROR,
	      "a copy that the host refuses ends with an error");
	check(copy(SPACE_BUS, IG1_MCU_SRAM_BYTES - 64, 128, 1) == IG1_MCU_COPY_STATUS_ERROR &&
		      copy(SPACE_BUS, 2, 128, 1) == IG1_MCU_COPY_STATUS_ERROR &&
		      copy(SPACE_BUS + 2, 0, 128, 2) == IG1_MCU_COPY_STATUS_ERROR &&
		      copy(cfg->sram_bytes - 64, 0, 128, 3) == IG1_MCU_COPY_STATUS_ERROR,
	      "a copy out of range or not aligned ends with an error");
	check(copy(SPACE_BUS, 0x2000, 128, 1) == 0 && copy(SPACE_BUS, 0x2000, 0, 1) == 0,
	      "the next copy is none the worse for it; an empty one ends");
}

static uint32_t sram_word(uint32_t offset)
{
	mwr(IG1_MCU_SRAM_TEST_ADDR, offset);
	return mrd(IG1_MCU_SRAM_TEST_DATA);
}

static void test_memories(void)
{
	uint8_t *sram = ig1_sim_sram(sim);
	uint32_t i, want, bad = 0;

	mwr(IG1_MCU_ROM_TEST_ADDR(0), 4000);
	mwr(IG1_MCU_ROM_TEST_ADDR(1), 0);
	for (i = 4000; i < 5100; i += 4) {
		want = 0;
		if (i < sizeof(rom))
			memcpy(&want, rom + i, 4);
		bad += mrd(IG1_MCU_ROM_TEST_DATA) != want;
	}
	check(!bad && mrd(IG1_MCU_ROM_TEST_ADDR(0)) == 5100, "weight ROM test reads");
	if (sram)
		memset(sram + 0x1000, 0xa5, 0x3000);
	check(copy(0x1e04, 0, 0x1008, 3) == 0, "resident SRAM is zeroed");
	if (sram)
		check(sram_word(0x1e00) == 0xa5a5a5a5 && sram_word(0x1e04) == 0 &&
			      sram_word(0x2e08) == 0 && sram_word(0x2e0c) == 0xa5a5a5a5,
		      "exactly as much as asked for");
	else
		check(sram_word(0x1e04) == 0 && sram_word(0x2e08) == 0, "from end to end");
	check(sram_word((uint32_t)cfg->sram_bytes) == 0, "beyond the SRAM a test read gives zero");
}

/* Reset with host reads in flight: nothing is left over, and the host's registers survive. */
static void test_reset(void)
{
	wr(IG1_BAR0_MBOX_SEQ, 1234);
	mwr(IG1_MCU_COPY_HOST(0), (uint32_t)SPACE_BUS);
	mwr(IG1_MCU_COPY_HOST(1), 0);
	mwr(IG1_MCU_COPY_LOCAL, 0x3000);
	mwr(IG1_MCU_COPY_BYTES, 0x1000);
	mwr(IG1_MCU_COPY_GO, 1);
	wr(IG1_BAR0_CONTROL, IG1_BAR0_CONTROL_RESET);
	check(rd(IG1_BAR0_CONTROL) & IG1_BAR0_CONTROL_RESET, "RESET reads 1 while it lasts");
	while (rd(IG1_BAR0_CONTROL) & IG1_BAR0_CONTROL_RESET)
		;
	check(rd(IG1_BAR0_MBOX_SEQ) == 1234 && !rd(IG1_BAR0_FW_STATE) && !mrd(IG1_MCU_COPY_STATUS),
	      "reset clears the firmware's side only");
	check(copy(SPACE_BUS + 64, 0x3000, 512, 1) == 0 && ({
		      uint32_t v;
		      memcpy(&v, host + 64, 4);
		      mcu_word(0x3000) == v;
	      }),
	      "copies work after it");
}

/*
 * The firmware's way of copying: the core polls while the engine works in its SRAM. RV32I:
 * copies 1 KiB from the host to 0x4000, then raises vector 2 and sleeps.
 */
static void test_running(void)
{
	static const uint32_t prog[] = {
		0x40000537, /* lui  a0, 0x40000 */
		0x800005b7, /* lui  a1, 0x80000 (the bus address) */
		0x10b52023, /* sw   a1, 0x100(a0) */
		0x10052223, /* sw   zero, 0x104(a0) */
		0x00004637, /* lui  a2, 0x4 */
		0x10c52423, /* sw   a2, 0x108(a0) */
		0x40000693, /* li   a3, 1024 */
		0x10d52623, /* sw   a3, 0x10c(a0) */
		0x00100713, /* li   a4, 1 */
		0x10e52823, /* sw   a4, 0x110(a0) */
		0x11452783, /* lw   a5, 0x114(a0) */
		0xfe079ee3, /* bnez a5, -4 */
		0x00200713, /* li   a4, 2 */
		0x00e52423, /* sw   a4, 8(a0) */
		0x10500073, /* wfi */
		0xffdff06f, /* j    -4 */
	};
	uint32_t i, v, bad = 0;
	uint64_t n, now;

	wr(IG1_BAR0_LOAD_ADDR, 0);
	for (i = 0; i < sizeof(prog) / 4; i++)
		wr(IG1_BAR0_LOAD_DATA, prog[i]);
	wr(IG1_BAR0_IRQ_ENABLE, 0xff);
	ig1_sim_irqs(sim);
	wr(IG1_BAR0_CONTROL, IG1_BAR0_CONTROL_MCU_RUN);
	check(ig1_sim_debug_read(sim, IG1_MCU_BASE, &v) == -EBUSY,
	      "no debug port while the MCU runs");
	n = ig1_sim_run(sim, 100000);
	check(ig1_sim_irqs(sim) == 4 && n < 100000, "the MCU's own copy ends");
	ig1_sim_run(sim, 1000);
	now = ig1_sim_cycles(sim);
	check(ig1_sim_idle(sim) && ig1_sim_run(sim, 1000) == 0 && ig1_sim_cycles(sim) == now,
	      "the chip is idle when the MCU sleeps");
	check(rd(IG1_BAR0_LOAD_DATA) == 0, "no load port while the MCU runs");
	wr(IG1_BAR0_CONTROL, 0);
	for (i = 0; i < 1024; i += 4) {
		memcpy(&v, host + i, 4);
		bad += mcu_word(0x4000 + i) != v;
	}
	check(!bad, "and its data is there");
}

int main(int argc, char **argv)
{
	const struct ig1_sim_model *model = find_model(argc > 1 ? argv[1] : "small_dpi");
	const char *seed = getenv("SEED");
	struct ig1_sim_options options = { .seed = seed ? (uint32_t)atoi(seed) : 1,
					   .read_latency = 50,
					   .stall = 20 };
	struct ig1_bus bus = { .read = randspace_read, .write = randspace_write };
	struct ig1_mask mask = { rom, sizeof(rom), crom, sizeof(crom) };
	size_t i;

	setvbuf(stdout, NULL, _IOLBF, 0);
	host = malloc(HOST_BYTES);
	if (!model || !host)
		return 2;
	bus.ctx = host;
	for (i = 0; i < sizeof(rom); i++)
		rom[i] = (uint8_t)(i * 7 + (i >> 8));
	for (i = 0; i < sizeof(fdt); i++)
		fdt[i] = (uint8_t)(i * 13 + 1);
	if (ig1_sim_create(model, &mask, fdt, sizeof(fdt), &bus, &options, &sim))
		return 1;
	cfg = ig1_sim_config(sim);
	test_identity();
	test_mailbox();
	test_irq();
	test_load();
	test_copy(options.seed);
	test_memories();
	test_reset();
	test_running();
	printf("1..%d\n", tests);
	ig1_sim_destroy(sim);
	free(host);
	return failed != 0;
}
