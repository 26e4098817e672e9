// SPDX-License-Identifier: MIT
/*
 * The reference model: every fault of docs/isa.md with its address and index, loops and tokens, and every
 * operator against an fp64 model of its definition within the bound that docs/isa.md states.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ig1_numbers.h"
#include "ig1_tables.h"
#include "rig.h"

#define ROM_ROWS    96
#define ROM_GROUPS  11
#define CROM_FLOATS 256

static uint8_t rom[ROM_ROWS * ROM_GROUPS * 34];
static float crom[CROM_FLOATS];
static uint32_t rng = 1;

static uint32_t rnd(void)
{
	rng ^= rng << 13;
	rng ^= rng >> 17;
	rng ^= rng << 5;
	return rng;
}

static float rndf(float lo, float hi)
{
	return lo + (hi - lo) * (float)((rnd() >> 8) / 16777216.0);
}

/* A positive half between 2^-9 and 2^-5. */
static uint16_t rnd_half(void)
{
	return (uint16_t)((6 + rnd() % 4) << 10 | (rnd() & 0x3ff));
}

static int setup(void **state)
{
	static struct rig g;
	size_t i;

	for (i = 0; i < sizeof(rom); i += 34) {
		uint16_t h = rnd_half();
		size_t j;

		memcpy(rom + i, &h, 2);
		for (j = 2; j < 34; j++)
			rom[i + j] = (uint8_t)rnd();
	}
	for (i = 0; i < CROM_FLOATS; i++)
		crom[i] = rndf(-2, 2);
	*state = &g;
	return rig_open(&g, "small", rom, sizeof(rom), crom, sizeof(crom));
}

static int teardown(void **state)
{
	rig_close(*state);
	return 0;
}

static void seq(struct rig *g, struct ig1_fmt_seq f)
{
	ig1_encode_seq(&f, rig_cmd(g));
}

static void vec(struct rig *g, struct ig1_fmt_vec f)
{
	ig1_encode_vec(&f, rig_cmd(g));
}

static float *scratch_f(struct rig *g, uint32_t addr)
{
	return (float *)(ig1_ref_scratch(g->ref) + addr);
}

static void expect(struct rig *g, uint32_t code, uint64_t addr, uint32_t index)
{
	rig_end(g);
	rig_run(g);
	assert_int_equal(g->done.fault, code);
	assert_int_equal(g->done.fault_addr, addr);
	assert_int_equal(g->done.fault_index, index);
	assert_int_equal(g->done.status, code ? 1 : 0);
	rig_reset(g);
}

static void job_descriptor(void **state)
{
	struct rig *g = *state;
	struct ig1_job good;
	const struct {
		size_t at, n;
		uint64_t v;
	} bad[] = {
		{ offsetof(struct ig1_job, magic), 4, 1 },
		{ offsetof(struct ig1_job, flags), 4, 2 },
		{ offsetof(struct ig1_job, context), 4, 0x10000 },
		{ offsetof(struct ig1_job, nargs), 4, 9 },
		{ offsetof(struct ig1_job, pt_root), 8, 8 },
		{ offsetof(struct ig1_job, prog_va), 8, 64 },
		{ offsetof(struct ig1_job, emit_va), 8, 8 },
		{ offsetof(struct ig1_job, trace_va), 8, 16 },
		{ offsetof(struct ig1_job, pad0), 4, 1 },
		{ offsetof(struct ig1_job, args) + 8, 8, 1 },
		{ offsetof(struct ig1_job, pad1) + 16, 8, 1 },
	};
	size_t i;

	good = g->job;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		g->job = good;
		g->job.nargs = 1;
		memcpy((uint8_t *)&g->job + bad[i].at, &bad[i].v, bad[i].n);
		expect(g, IG1_FAULT_DESC, bad[i].at, 0);
	}
	g->job = good;
	expect(g, IG1_FAULT_NONE, 0, 0);
}

static void issue_faults(void **state)
{
	struct rig *g = *state;
	uint32_t size = g->cfg->scratch_bytes;
	uint32_t *w;

	/* opcode: unknown, reserved */
	rig_cmd(g)[0] = 0xff;
	expect(g, IG1_FAULT_OPCODE, 0, 0);
	rig_cmd(g)[0] = 0x57;
	expect(g, IG1_FAULT_OPCODE, 0, 0);
	/* field: stray bits, the lowest word is named; a reserved weight format */
	w = rig_cmd(g);
	w[0] = IG1_OP_S_END;
	w[30] = 1;
	w[9] = 4;
	expect(g, IG1_FAULT_FIELD, 9, 0);
	w = rig_cmd(g);
	w[0] = IG1_OP_T_MM;
	w[1] = (uint32_t)IG1_WFMT_PLANES << 16;
	expect(g, IG1_FAULT_FIELD, 1, 0);
	/* token: taken before given; given too often */
	rig_cmd(g)[0] = IG1_OP_S_SYNC | 1u << 19;
	expect(g, IG1_FAULT_TOKEN, 3, 0);
	seq(g, (struct ig1_fmt_seq){ .op = IG1_OP_S_LOOP, .imm = 256, .len = 1 });
	seq(g, (struct ig1_fmt_seq){ .op = IG1_OP_S_SYNC, .signal = 1 << 5 });
	expect(g, IG1_FAULT_TOKEN, 5, 1);
	/* counts before alignment before ranges */
	vec(g, (struct ig1_fmt_vec){
		       .op = IG1_OP_V_MOV, .n0 = IG1_MAX_COUNT + 1, .n1 = 1, .n2 = 1, .a = 2 });
	expect(g, IG1_FAULT_COUNT, IG1_MAX_COUNT + 1, 0);
	vec(g, (struct ig1_fmt_vec){ .op = IG1_OP_V_MOV, .n0 = 0, .n1 = 1, .n2 = 1, .a = 2 });
	expect(g, IG1_FAULT_NONE, 0, 0);
	vec(g,
	    (struct ig1_fmt_vec){ .op = IG1_OP_V_MOV, .n0 = 1, .n1 = 1, .n2 = 1, .a = size + 2 });
	expect(g, IG1_FAULT_ALIGN, size + 2, 0);
	vec(g, (struct ig1_fmt_vec){
		       .op = IG1_OP_V_MOV, .n0 = 4, .n1 = 1, .n2 = 1, .a0 = 1, .a = size - 12 });
	expect(g, IG1_FAULT_SCRATCH, size - 12, 0);
	/* a negative stride's lowest byte wraps */
	vec(g, (struct ig1_fmt_vec){
		       .op = IG1_OP_V_MOV, .n0 = 4, .n1 = 1, .n2 = 1, .a0 = -1, .a = 8 });
	expect(g, IG1_FAULT_SCRATCH, (uint64_t)-4, 0);
	vec(g, (struct ig1_fmt_vec){ .op = IG1_OP_V_MOV,
				     .n0 = 2,
				     .n1 = 1,
				     .n2 = 1,
				     .a0 = 1,
				     .sa = IG1_SPACE_CROM,
				     .a = sizeof(crom) - 4 });
	expect(g, IG1_FAULT_CROM, sizeof(crom) - 4, 0);
	vec(g, (struct ig1_fmt_vec){ .op = IG1_OP_V_MOV,
				     .n0 = 2,
				     .n1 = 1,
				     .n2 = 1,
				     .a0 = 1,
				     .out = IG1_VFMT_Q8,
				     .red = IG1_VRED_SUM,
				     .y0 = 1 });
	expect(g, IG1_FAULT_FIELD, 1, 0);
	vec(g, (struct ig1_fmt_vec){ .op = IG1_OP_V_MOV,
				     .n0 = 2,
				     .n1 = 1,
				     .n2 = 1,
				     .a0 = 1,
				     .out = IG1_VFMT_Q8,
				     .y0 = 2 });
	expect(g, IG1_FAULT_FIELD, 21, 0);
	{
		struct ig1_fmt_mm f = { .op = IG1_OP_T_MM,
					.wstride = 34 * ROM_GROUPS,
					.groups = 1,
					.rows = ROM_ROWS,
					.cols = 1,
					.rom = 2 + 34 * (ROM_GROUPS - 1) };

		ig1_encode_mm(&f, rig_cmd(g));
		expect(g, IG1_FAULT_ROM, f.rom, 0);
	}
	/* emb: index beyond the matrix */
	{
		struct ig1_fmt_emb f = { .op = IG1_OP_T_EMB,
					 .wstride = 34,
					 .groups = 1,
					 .rows = 7,
					 .cols = 1,
					 .idx = 64,
					 .y = 128 };
		uint32_t seven = 7;

		memcpy(ig1_ref_scratch(g->ref) + 64, &seven, 4);
		ig1_encode_emb(&f, rig_cmd(g));
		expect(g, IG1_FAULT_INDEX, 7, 0);
	}
	/* attention: heads x qper, dims */
	{
		struct ig1_fmt_att f = {
			.op = IG1_OP_T_PV, .npos = 1, .heads = 1, .qper = 1, .groups = 1, .dims = 33
		};

		ig1_encode_att(&f, rig_cmd(g));
		expect(g, IG1_FAULT_COUNT, 33, 0);
		f = (struct ig1_fmt_att){
			.op = IG1_OP_T_QK, .npos = 1, .heads = 0xffff, .qper = 0xffff, .groups = 1
		};
		ig1_encode_att(&f, rig_cmd(g));
		expect(g, IG1_FAULT_COUNT, UINT64_C(0xffff) * 0xffff, 0);
		f = (struct ig1_fmt_att){
			.op = IG1_OP_T_QK, .npos = 1, .heads = 1, .qper = 1, .groups = 1, .kv = 512
		};
		ig1_encode_att(&f, rig_cmd(g));
		expect(g, IG1_FAULT_ALIGN, 512, 0);
	}
	/* program end */
	rig_cmd(g)[0] = IG1_OP_S_SYNC;
	rig_run(g);
	assert_int_equal(g->done.fault, IG1_FAULT_PROG);
	assert_int_equal(g->done.fault_index, 1);
	rig_reset(g);
}

static void loops(void **state)
{
	struct rig *g = *state;
	int i;

	/* 3 x 4 iterations of r1 += 10 * outer + inner; a zero loop; a break */
	seq(g, (struct ig1_fmt_seq){ .op = IG1_OP_S_LOOP, .rd = 2, .imm = 3, .len = 4 });
	seq(g, (struct ig1_fmt_seq){ .op = IG1_OP_S_LOOP, .rd = 3, .imm = 4, .len = 3 });
	seq(g, (struct ig1_fmt_seq){
		       .op = IG1_OP_S_ALU, .rd = 4, .ra = 2, .alu = IG1_ALUOP_MUL, .imm = 10 });
	seq(g, (struct ig1_fmt_seq){ .op = IG1_OP_S_ALU, .rd = 4, .ra = 4, .rb = 3 });
	seq(g, (struct ig1_fmt_seq){ .op = IG1_OP_S_ALU, .rd = 1, .ra = 1, .rb = 4 });
	seq(g, (struct ig1_fmt_seq){ .op = IG1_OP_S_LOOP, .rd = 2, .imm = 0, .len = 1 });
	seq(g, (struct ig1_fmt_seq){ .op = IG1_OP_S_LI, .rd = 1, .imm = 0 });
	seq(g, (struct ig1_fmt_seq){ .op = IG1_OP_S_LOOP, .rd = 2, .imm = 100, .len = 2 });
	seq(g, (struct ig1_fmt_seq){ .op = IG1_OP_S_BRK, .ra = 2, .cond = IG1_COND_EQ, .imm = 7 });
	seq(g, (struct ig1_fmt_seq){ .op = IG1_OP_S_ALU, .rd = 1, .ra = 1, .imm = 1000 });
	seq(g, (struct ig1_fmt_seq){ .op = IG1_OP_S_EMIT, .ra = 1, .rb = 2, .kind = 9 });
	rig_end(g);
	assert_int_equal(rig_run(g), 0);
	{
		struct ig1_token t;

		memcpy(&t, rig_host(g, g->emit_bus), sizeof(t));
		assert_int_equal(t.value, 120 + 18 + 7000);
		assert_int_equal(t.slot, 7);
		assert_int_equal(t.kind, 9);
		assert_int_equal(t.seq, 1);
	}
	assert_int_equal(g->done.emitted, 1);
	/* loop: 1 + 3 x (1 + 4 x 3); empty loop 1; loop 1 + 7 x 2 + 1; emit, end */
	assert_int_equal(g->done.counters[IG1_CTR_COMMANDS], 1 + 3 * 13 + 1 + 1 + 15 + 2);
	rig_reset(g);

	/* a skip to a body's end continues the loop: r1 counts odd iterations */
	seq(g, (struct ig1_fmt_seq){ .op = IG1_OP_S_LOOP, .rd = 2, .imm = 9, .len = 3 });
	seq(g, (struct ig1_fmt_seq){
		       .op = IG1_OP_S_ALU, .rd = 3, .ra = 2, .alu = IG1_ALUOP_AND, .imm = 1 });
	seq(g, (struct ig1_fmt_seq){ .op = IG1_OP_S_SKIP, .ra = 3, .cond = IG1_COND_EQ, .len = 1 });
	seq(g, (struct ig1_fmt_seq){ .op = IG1_OP_S_ALU, .rd = 1, .ra = 1, .imm = 1 });
	seq(g, (struct ig1_fmt_seq){ .op = IG1_OP_S_ST, .rb = 1, .imm = 32 });
	expect(g, IG1_FAULT_NONE, 0, 0);
	assert_int_equal(ig1_ref_scratch(g->ref)[32], 4);

	/* faults: fifth level, beyond the parent, len 0, skip and break */
	for (i = 0; i < 5; i++)
		seq(g,
		    (struct ig1_fmt_seq){ .op = IG1_OP_S_LOOP, .imm = 1, .len = 5 - (uint32_t)i });
	rig_cmd(g)[0] = IG1_OP_S_SYNC;
	expect(g, IG1_FAULT_LOOP, 0, 4);
	seq(g, (struct ig1_fmt_seq){ .op = IG1_OP_S_LOOP, .imm = 1, .len = 1 });
	seq(g, (struct ig1_fmt_seq){ .op = IG1_OP_S_LOOP, .imm = 1, .len = 1 });
	expect(g, IG1_FAULT_LOOP, 0, 1);
	seq(g, (struct ig1_fmt_seq){ .op = IG1_OP_S_LOOP, .imm = 1 });
	expect(g, IG1_FAULT_LOOP, 0, 0);
	seq(g, (struct ig1_fmt_seq){ .op = IG1_OP_S_SKIP, .cond = IG1_COND_NE, .len = 100 });
	expect(g, IG1_FAULT_LOOP, 0, 0);
	seq(g, (struct ig1_fmt_seq){ .op = IG1_OP_S_BRK, .cond = IG1_COND_NE });
	expect(g, IG1_FAULT_LOOP, 0, 0);
	seq(g, (struct ig1_fmt_seq){ .op = IG1_OP_S_LOOP, .imm = IG1_MAX_COUNT + 1, .len = 1 });
	expect(g, IG1_FAULT_COUNT, IG1_MAX_COUNT + 1, 0);
	g->job.watchdog = 4096 * 50;
	seq(g, (struct ig1_fmt_seq){ .op = IG1_OP_S_LOOP, .imm = 1000, .len = 1 });
	rig_cmd(g)[0] = IG1_OP_S_SYNC;
	expect(g, IG1_FAULT_WATCHDOG, 0, 1);
	g->job.watchdog = 0;
	g->job.emit_entries = 0;
	seq(g, (struct ig1_fmt_seq){ .op = IG1_OP_S_EMIT });
	expect(g, IG1_FAULT_EMIT, 0, 0);
	g->job.emit_entries = 256;
}

static void dma(struct rig *g, uint32_t op, uint64_t va, uint32_t sp, uint32_t bytes)
{
	struct ig1_fmt_dma f = {
		.op = (uint8_t)op, .va = va, .sp = sp, .bytes = bytes, .n1 = 1, .n2 = 1
	};

	ig1_encode_dma(&f, rig_cmd(g));
}

static void translation(void **state)
{
	struct rig *g = *state;
	const uint64_t va = 0x40000000;
	uint8_t *sram = ig1_ref_sram(g->ref);
	uint64_t page = rig_page(g);
	int i;

	rig_map(g, va, page, IG1_PTE_WRITE);
	rig_map(g, va + 4096, 0x3000, IG1_PTE_WRITE | IG1_PTE_SRAM);
	rig_map(g, va + 8192, page, 0);
	/* one row over a host page and an SRAM page */
	for (i = 0; i < 64; i++)
		ig1_ref_scratch(g->ref)[0x100 + i] = (uint8_t)(i * 3);
	dma(g, IG1_OP_D_ST, va + 4096 - 32, 0x100, 64);
	dma(g, IG1_OP_D_LD, va + 4096 - 32, 0x200, 64);
	expect(g, IG1_FAULT_NONE, 0, 0);
	assert_memory_equal(ig1_ref_scratch(g->ref) + 0x200, ig1_ref_scratch(g->ref) + 0x100, 64);
	assert_memory_equal(rig_host(g, page) + 4096 - 32, ig1_ref_scratch(g->ref) + 0x100, 32);
	assert_memory_equal(sram + 0x3000, ig1_ref_scratch(g->ref) + 0x120, 32);
	/* faults: no page, read-only, beyond 39 bits; the address is that of the first byte refused */
	dma(g, IG1_OP_D_LD, va + 3 * 4096 - 8, 0, 64);
	expect(g, IG1_FAULT_PAGE, va + 3 * 4096, 0);
	dma(g, IG1_OP_D_ST, va + 8192 - 4, 0, 64);
	expect(g, IG1_FAULT_WRITE, va + 8192, 0);
	dma(g, IG1_OP_D_LD, UINT64_C(1) << 39, 0, 4);
	expect(g, IG1_FAULT_PAGE, UINT64_C(1) << 39, 0);
	dma(g, IG1_OP_D_LD, va + 2, 0, 4);
	expect(g, IG1_FAULT_ALIGN, va + 2, 0);
	/* malformed entries */
	rig_pte(g, va, 0, page | IG1_PTE_VALID);
	dma(g, IG1_OP_D_LD, va, 0, 4);
	expect(g, IG1_FAULT_PTE, va, 0);
	rig_pte(g, va, 0, page | IG1_PTE_VALID | IG1_PTE_LEAF | 1u << 9);
	dma(g, IG1_OP_D_LD, va, 0, 4);
	expect(g, IG1_FAULT_PTE, va, 0);
	rig_map(g, va, g->cfg->sram_bytes, IG1_PTE_SRAM);
	dma(g, IG1_OP_D_LD, va, 0, 4);
	expect(g, IG1_FAULT_PTE, va, 0);
	rig_pte(g, va, 1, 4096 | IG1_PTE_VALID | IG1_PTE_LEAF | IG1_PTE_SRAM);
	dma(g, IG1_OP_D_LD, va, 0, 4);
	expect(g, IG1_FAULT_PTE, va, 0);
	/* a large page */
	rig_pte(g, va, 1, 0x200000 | IG1_PTE_VALID | IG1_PTE_LEAF | IG1_PTE_SRAM | IG1_PTE_WRITE);
	dma(g, IG1_OP_D_ST, va + 0x12344, 0x100, 8);
	expect(g, IG1_FAULT_NONE, 0, 0);
	assert_memory_equal(sram + 0x212344, ig1_ref_scratch(g->ref) + 0x100, 8);
	/* a table, then a page, that the host refuses */
	rig_pte(g, va, 1, (UINT64_C(1) << 50) | IG1_PTE_VALID);
	dma(g, IG1_OP_D_LD, va, 0, 4);
	expect(g, IG1_FAULT_BUS, va, 0);
	rig_pte(g, va, 1, 0);
	rig_map(g, va, UINT64_C(1) << 50, 0);
	dma(g, IG1_OP_D_LD, va + 64, 0, 4);
	expect(g, IG1_FAULT_BUS, va + 64, 0);
	/* the next job is not disturbed */
	expect(g, IG1_FAULT_NONE, 0, 0);
}

static double silu64(double x)
{
	return x / (1 + exp(-x));
}

/* Each element-wise operator with strides, against fp64 within the bound of docs/isa.md. */
static void vector_operators(void **state)
{
	struct rig *g = *state;
	static const struct {
		uint8_t op;
		double lo, hi; /* operands that neither over- nor underflow on the way */
	} ops[] = {
		{ IG1_OP_V_MOV, -9, 9 },       { IG1_OP_V_ADD, -9, 9 },
		{ IG1_OP_V_SUB, -9, 9 },       { IG1_OP_V_MUL, -9, 9 },
		{ IG1_OP_V_MAD, -9, 9 },       { IG1_OP_V_MUL3, -9, 9 },
		{ IG1_OP_V_LIN, -9, 9 },       { IG1_OP_V_EXPS, -40, 40 },
		{ IG1_OP_V_RECIP, -9, 9 },     { IG1_OP_V_RSQRT, 0, 100 },
		{ IG1_OP_V_SIGM, -80, 80 },    { IG1_OP_V_SILU, -80, 80 },
		{ IG1_OP_V_SILUMUL, -80, 80 }, { IG1_OP_V_ROT, -9, 9 },
		{ IG1_OP_V_MAX, -9, 9 },
	};
	double worst[IG1_OPS] = { 0 };
	const uint32_t A = 0, B = 0x4000, C = 0x8000, D = 0xc000, Y = 0x10000, Z = 0x18000;
	size_t k, trial;
	uint32_t i, j;

	for (i = 0; i < 0x4000; i++)
		scratch_f(g, A)[i] = 0;
	for (trial = 0; trial < 40; trial++) {
		for (k = 0; k < sizeof(ops) / sizeof(ops[0]); k++) {
			uint32_t n0 = 1 + rnd() % 70, n1 = 1 + rnd() % 5;
			struct ig1_fmt_vec f = {
				.op = ops[k].op,
				.out = IG1_VFMT_F32,
				.red = IG1_VRED_MAX,
				.n0 = n0,
				.n1 = n1,
				.n2 = 1,
				.a = A,
				.a0 = (int16_t)(rnd() % 3),
				.a1 = 211,
				.y = Y,
				.y0 = (int16_t)(1 + rnd() % 2),
				.y1 = 150,
				.z = Z,
				.z1 = 3,
			};
			const uint32_t srcs = ig1_vec_sources(f.op);
			const struct ig1_vec_bound bound = ig1_vec_bound(f.op);
			double alpha = 1, beta = 0;

			if (srcs & 2) {
				f.bb = B;
				f.b0 = (int16_t)(rnd() % 3);
				f.b1 = 150;
			}
			if (srcs & 4) {
				f.c = C;
				f.c0 = 1;
				f.c1 = (int32_t)(rnd() % 2) * 80;
			}
			if (srcs & 8) {
				f.dd = D + 4 * 400;
				f.d0 = -1;
				f.d1 = 80;
			}
			if (f.op == IG1_OP_V_LIN || f.op == IG1_OP_V_RSQRT) {
				f.alpha = rndf(0.5f, 2);
				f.beta = rndf(f.op == IG1_OP_V_LIN ? -3 : 0.01f, 3);
				alpha = f.alpha;
				beta = f.beta;
			} else if (f.op == IG1_OP_V_EXPS) {
				f.alpha = rndf(0.1f, 1);
				alpha = f.alpha;
			}
			for (i = 0; i < 0x4000 / 4; i++) {
				scratch_f(g, A)[i] = rndf((float)ops[k].lo, (float)ops[k].hi);
				scratch_f(g, B)[i] = rndf((float)ops[k].lo, (float)ops[k].hi);
				scratch_f(g, C)[i] = rndf((float)ops[k].lo, (float)ops[k].hi);
				scratch_f(g, D)[i] = rndf((float)ops[k].lo, (float)ops[k].hi);
			}
			vec(g, f);
			expect(g, IG1_FAULT_NONE, 0, 0);
			assert_int_equal(g->done.counters[IG1_CTR_VEC_ELEMS], n0 * n1);
			for (j = 0; j < n1; j++) {
				float top = -INFINITY;

				for (i = 0; i < n0; i++) {
					double a = scratch_f(g, A)[i * (uint32_t)f.a0 + 211 * j];
					double b = scratch_f(g, B)[i * (uint32_t)f.b0 + 150 * j];
					double c = scratch_f(g, C)[i + (uint32_t)f.c1 * j];
					double d = scratch_f(g, D)[400 - i + 80 * j];
					float got = scratch_f(g, Y)[i * (uint32_t)f.y0 + 150 * j];
					double want = 0, size = 0, factor = 0, err;

					switch (f.op) {
					case IG1_OP_V_MOV:
						want = a;
						break;
					case IG1_OP_V_ADD:
						want = a + b;
						break;
					case IG1_OP_V_SUB:
						want = a - b;
						break;
					case IG1_OP_V_MUL:
						want = a * b;
						break;
					case IG1_OP_V_MAD:
						want = a * b + c;
						size = fabs(a * b) + fabs(c);
						break;
					case IG1_OP_V_MUL3:
						want = a * b * c;
						break;
					case IG1_OP_V_LIN:
						want = a * alpha + beta;
						size = fabs(a * alpha) + fabs(beta);
						break;
					case IG1_OP_V_EXPS:
						want = exp((a - b) * alpha);
						factor = fabs((a - b) * alpha);
						break;
					case IG1_OP_V_RECIP:
						want = 1 / a;
						break;
					case IG1_OP_V_RSQRT:
						want = 1 / sqrt(a * alpha + beta);
						factor = (fabs(a * alpha) + fabs(beta)) /
							 fabs(a * alpha + beta);
						break;
					case IG1_OP_V_SIGM:
						want = 1 / (1 + exp(-a));
						break;
					case IG1_OP_V_SILU:
						want = silu64(a);
						break;
					case IG1_OP_V_SILUMUL:
						want = silu64(a) * b;
						break;
					case IG1_OP_V_ROT:
						want = a * c + b * d;
						size = fabs(a * c) + fabs(b * d);
						break;
					case IG1_OP_V_MAX:
						want = a > b ? a : b;
						break;
					}
					if (size == 0)
						size = fabs(want);
					err = fabs(got - want) / size * 0x1p24;
					if (!(err <= bound.err + bound.arg * factor))
						fail_msg(
							"op 0x%02x: %.9g instead of %.9g, error %g u",
							f.op, (double)got, want, err);
					worst[k] = fmax(worst[k], err);
					if (got > top)
						top = got;
				}
				assert_true(scratch_f(g, Z)[3 * j] == top);
			}
		}
	}
	for (k = 0; k < sizeof(ops) / sizeof(ops[0]); k++)
		print_message("# %s: worst error %.2f u, bound %g u%s\n",
			      ig1_op_find(ops[k].op)->name, worst[k], ig1_vec_bound(ops[k].op).err,
			      ig1_vec_bound(ops[k].op).arg > 0 ? " and more with the argument"
							       : "");
}

static void reductions_and_q8(void **state)
{
	struct rig *g = *state;
	int trial;

	for (trial = 0; trial < 200; trial++) {
		uint32_t n = 1 + rnd() % 3000, i, best = 0;
		double sum = 0, mag = 0;
		float *x = scratch_f(g, 0);

		for (i = 0; i < n; i++) {
			x[i] = rndf(-4, 4);
			sum += x[i];
			mag += fabs((double)x[i]);
			if (x[i] > x[best])
				best = i;
		}
		vec(g, (struct ig1_fmt_vec){ .op = IG1_OP_V_MOV,
					     .red = IG1_VRED_SUM,
					     .n0 = n,
					     .n1 = 1,
					     .n2 = 1,
					     .a0 = 1,
					     .z = 0x10000 });
		vec(g, (struct ig1_fmt_vec){ .op = IG1_OP_V_MOV,
					     .red = IG1_VRED_ARGMAX,
					     .n0 = n,
					     .n1 = 1,
					     .n2 = 1,
					     .a0 = 1,
					     .z = 0x10004 });
		vec(g, (struct ig1_fmt_vec){ .op = IG1_OP_V_MOV,
					     .out = IG1_VFMT_Q8,
					     .n0 = n,
					     .n1 = 1,
					     .n2 = 1,
					     .a0 = 1,
					     .y0 = 1,
					     .y = 0x12000,
					     .z = 0x14000 });
		expect(g, IG1_FAULT_NONE, 0, 0);
		assert_true(fabs(scratch_f(g, 0x10000)[0] - sum) <=
			    ((n + 31) / 32 + 4) * 0x1p-24 * mag);
		assert_int_equal(((uint32_t *)scratch_f(g, 0x10004))[0], best);
		for (i = 0; i < (n + 31) / 32 * 32; i++) {
			int8_t q = (int8_t)ig1_ref_scratch(g->ref)[0x12000 + i];
			float d = scratch_f(g, 0x14000)[i / 32];

			if (i >= n)
				assert_int_equal(q, 0);
			else
				assert_true(fabs((double)d * q - x[i]) <=
					    (double)d * (0.5 + 127 * IG1_BOUND_QUANT * 0x1p-24));
		}
	}
	/* the lowest index on ties */
	memset(scratch_f(g, 0), 0, 400);
	scratch_f(g, 0)[30] = scratch_f(g, 0)[70] = 1;
	vec(g, (struct ig1_fmt_vec){ .op = IG1_OP_V_MOV,
				     .red = IG1_VRED_ARGMAX,
				     .n0 = 100,
				     .n1 = 1,
				     .n2 = 1,
				     .a0 = 1,
				     .z = 0x10004 });
	expect(g, IG1_FAULT_NONE, 0, 0);
	assert_int_equal(((uint32_t *)scratch_f(g, 0x10004))[0], 30);
}

/* Scores and weighted sums on a KV cache with two heads of 40 values (two groups). */
static void attention(void **state)
{
	struct rig *g = *state;
	enum { HEADS = 2, QPER = 3, GROUPS = 2, DIMS = 40, POS = 75, BLOCKS = 3 };
	const uint64_t KV = 0x50000000, KS = 0x50010000;
	const uint32_t X = 0, XS = 0x2000, Y = 0x4000;
	uint8_t *sram = ig1_ref_sram(g->ref);
	uint32_t i, b, k, p, h, d;

	for (i = 0; i < 8; i++) {
		rig_map(g, KV + 4096 * i, 0x100000 + 4096 * (7 - i), IG1_PTE_SRAM);
		rig_map(g, KS + 4096 * i, 0x200000 + 4096 * i, IG1_PTE_SRAM);
	}
	for (i = 0; i < 8 * 4096; i++)
		sram[0x100000 + i] = (uint8_t)rnd();
	for (i = 0; i < 8 * 1024; i++)
		((float *)(sram + 0x200000))[i] = rndf(0.01f, 0.1f);
#define DATA(b, at, p, v)                                                       \
	((int8_t)sram[0x100000 + 4096 * (7 - ((b)*4096 + 1024 * (at)) / 4096) + \
		      ((b)*4096 + 1024 * (at)) % 4096 + 32 * (p) + (v)])
#define SCALE(b, at, p) (((float *)(sram + 0x200000 + (b)*512 + 128 * (at)))[p])
	for (i = 0; i < 0x1000; i++)
		ig1_ref_scratch(g->ref)[X + i] = (uint8_t)(rnd() % 255 - 127);
	for (i = 0; i < 0x400; i++)
		scratch_f(g, XS)[i] = rndf(0.01f, 1);
	{
		struct ig1_fmt_att f = {
			.op = IG1_OP_T_QK,
			.kv = KV,
			.ks = KS,
			.npos = POS,
			.heads = HEADS,
			.qper = QPER,
			.groups = GROUPS,
			.x = X,
			.xstride = 64,
			.xs = XS,
			.xsstride = 8,
			.y = Y,
			.ystride = 512,
			.bstride = 4096,
			.sbstride = 512,
		};

		ig1_encode_att(&f, rig_cmd(g));
	}
	expect(g, IG1_FAULT_NONE, 0, 0);
	assert_int_equal(g->done.counters[IG1_CTR_MACS], POS * GROUPS * 32 * HEADS * QPER);
	assert_int_equal(g->done.counters[IG1_CTR_KV_BYTES], POS * GROUPS * HEADS * 36);
	for (h = 0; h < HEADS * QPER; h++) {
		for (p = 0; p < POS; p++) {
			double want = 0, mag = 0;

			for (d = 0; d < GROUPS * 32; d++) {
				uint32_t at = h / QPER * GROUPS + d / 32;
				double v = DATA(p / 32, at, p % 32, d % 32) *
					   (double)SCALE(p / 32, at, p % 32) *
					   (int8_t)ig1_ref_scratch(g->ref)[X + 64 * h + d] *
					   scratch_f(g, XS)[2 * h + d / 32];

				want += v;
				mag += fabs(v);
			}
			assert_true(fabs(scratch_f(g, Y + 512 * h)[p] - want) <= mag * 0x1p-20);
		}
	}
	{
		struct ig1_fmt_att f = {
			.op = IG1_OP_T_PV,
			.kv = KV,
			.npos = POS,
			.heads = HEADS,
			.qper = QPER,
			.groups = GROUPS,
			.dims = DIMS,
			.x = X,
			.xstride = 256,
			.xs = XS,
			.xsstride = 64,
			.xgstride = 128,
			.xsgstride = 32,
			.y = Y,
			.ystride = 4 * DIMS,
			.bstride = 4096,
		};

		ig1_encode_att(&f, rig_cmd(g));
	}
	expect(g, IG1_FAULT_NONE, 0, 0);
	assert_int_equal(g->done.counters[IG1_CTR_KV_BYTES], POS * GROUPS * HEADS * 32);
	for (h = 0; h < HEADS * QPER; h++) {
		for (d = 0; d < DIMS; d++) {
			uint32_t at = h / QPER * GROUPS + d / 32;
			double want = 0, mag = 0;

			for (p = 0; p < POS; p++) {
				double v = DATA(p / 32, at, p % 32, d % 32) *
					   (double)(int8_t)ig1_ref_scratch(
						   g->ref)[X + 256 * h + 128 * (d / 32) + p] *
					   scratch_f(g, XS + 64 * h + 32 * (d / 32))[p / 32];

				want += v;
				mag += fabs(v);
			}
			assert_true(fabs(scratch_f(g, Y + 4 * DIMS * h)[d] - want) <=
				    mag * 0x1p-20);
		}
	}
	/* the fault names the first block that is not there, data before scales */
	for (b = 0; b < 2; b++) {
		struct ig1_fmt_att f = {
			.op = IG1_OP_T_QK,
			.kv = KV,
			.ks = KS,
			.npos = 32 * 10,
			.heads = 1,
			.qper = 1,
			.groups = 1,
			.x = X,
			.xs = XS,
			.y = Y,
			.bstride = 4096,
			.sbstride = b ? 128 : 4096,
		};

		ig1_encode_att(&f, rig_cmd(g));
		expect(g, IG1_FAULT_PAGE, KV + 8 * 4096, 0);
	}
	(void)k;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(job_descriptor),
		cmocka_unit_test(issue_faults),
		cmocka_unit_test(loops),
		cmocka_unit_test(translation),
		cmocka_unit_test(vector_operators),
		cmocka_unit_test(reductions_and_q8),
		cmocka_unit_test(attention),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("ref", tests, setup, teardown);
}
