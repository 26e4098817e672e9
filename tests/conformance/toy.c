// SPDX-License-Identifier: MIT
/* The toy model: weights, programs, device tree, file. */
#include "toy.h"

#include <errno.h>
#include <libfdt.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "ig1_chip.h"
#include "image.h"
#include "prog.h"
#include "tokenizer_blob.h"

#define ROW_BYTES 34u /* one q8_0 block */

/* ROM: embeddings, positions, output matrix. */
#define ROM_EMB 0u
#define ROM_POS (ROM_EMB + TOY_VOCAB * ROW_BYTES)
#define ROM_OUT (ROM_POS + TOY_CONTEXT * ROW_BYTES)
#define ROM_END (ROM_OUT + TOY_VOCAB * ROW_BYTES)

/* KV block: keys, key scales, values, value scales. */
#define KV_KS 1024u
#define KV_V  2048u
#define KV_VS 3072u

/* Scratch. */
enum {
	S_COL = 0x0000,
	S_X = 0x0200,
	S_T = 0x0280,
	S_XQ = 0x0300,
	S_XS = 0x0340,
	S_SCORE = 0x1000,
	S_VS = 0x1400,
	S_PQ = 0x2000,
	S_PS = 0x2100,
	S_O = 0x2200,
	S_OQ = 0x2300,
	S_OS = 0x2340,
	S_LOGITS = 0x3000,
	S_MAX = 0x3200,
	S_BAD = 0x3400,
	S_STATE = 0x3480,
};

static void alu(struct prog *p, uint8_t rd, uint8_t op, uint8_t ra, uint8_t rb, uint64_t imm)
{
	prog_seq(p, "address",
		 (struct ig1_fmt_seq){
			 .op = IG1_OP_S_ALU, .rd = rd, .alu = op, .ra = ra, .rb = rb, .imm = imm });
}

static void skip(struct prog *p, uint8_t ra, uint8_t cond, uint8_t rb, uint64_t imm, uint32_t len)
{
	prog_seq(p, "skip",
		 (struct ig1_fmt_seq){ .op = IG1_OP_S_SKIP,
				       .ra = ra,
				       .cond = cond,
				       .rb = rb,
				       .imm = imm,
				       .len = len });
}

static void emb(struct prog *p, const char *name, uint32_t rom, uint32_t rows, uint32_t idx,
		uint8_t ridx, uint32_t y)
{
	struct ig1_fmt_emb f = {
		.op = IG1_OP_T_EMB,
		.fmt = IG1_WFMT_Q8_0,
		.rom = rom,
		.wstride = ROW_BYTES,
		.rows = rows,
		.groups = 1,
		.cols = 1,
		.idx = idx,
		.istride = 4,
		.ridx = ridx,
		.y = y,
		.ystride = 128,
	};

	ig1_encode_emb(&f, prog_next(p, name));
}

/* One row of n (+ R[rn]) elements. q8: scales to z. */
static void vec(struct prog *p, const char *name, struct ig1_fmt_vec f)
{
	f.n1 = f.n2 = 1;
	f.a0 = 1;
	f.b0 = !!f.bb;
	f.y0 = f.out != IG1_VFMT_NONE;
	ig1_encode_vec(&f, prog_next(p, name));
}

static void dma(struct prog *p, const char *name, struct ig1_fmt_dma f)
{
	f.n2 = 1;
	ig1_encode_dma(&f, prog_next(p, name));
}

static void att(struct prog *p, const char *name, struct ig1_fmt_att f)
{
	f.heads = f.qper = f.groups = 1;
	f.rnpos = 15;
	f.bstride = TOY_BLOCK;
	f.xstride = f.ystride = 128;
	f.xsstride = 16;
	ig1_encode_att(&f, prog_next(p, name));
}

static void load_columns(struct prog *p)
{
	dma(p, "columns",
	    (struct ig1_fmt_dma){ .op = IG1_OP_D_LD,
				  .rva = 1,
				  .v1 = 32,
				  .sp = S_COL,
				  .s1 = 32,
				  .bytes = 32,
				  .rn1 = 2 });
	prog_sync(p);
}

/* Begins a loop; its length is patched by loop_end(). */
static uint32_t loop(struct prog *p, uint8_t rd, uint8_t ra)
{
	prog_seq(p, "loop", (struct ig1_fmt_seq){ .op = IG1_OP_S_LOOP, .rd = rd, .ra = ra });
	return p->n - 1;
}

static void loop_end(struct prog *p, uint32_t at)
{
	p->w[at][6] = p->n - at - 1;
}

#define ENDLESS 4u /* commands */

static void endless(struct prog *p)
{
	uint32_t outer, inner;

	prog_seq(p, "endless",
		 (struct ig1_fmt_seq){ .op = IG1_OP_S_LI, .rd = 24, .imm = IG1_MAX_COUNT });
	outer = loop(p, 25, 24);
	inner = loop(p, 26, 24);
	alu(p, 27, IG1_ALUOP_ADD, 27, 0, 1);
	loop_end(p, inner);
	loop_end(p, outer);
}

/* Where in the region: its pages are not all the same. */
#define STATE_AT (TOY_STATE / 2 + 0x180)

/* The state in R11's region becomes, and is added to, the input. */
static void recur(struct prog *p)
{
	prog_seq(p, "state",
		 (struct ig1_fmt_seq){ .op = IG1_OP_S_LD,
				       .rd = 11,
				       .ra = 10,
				       .width = IG1_LDW_U64,
				       .imm = S_COL + offsetof(struct ig1_column, state) });
	dma(p, "state.load",
	    (struct ig1_fmt_dma){ .op = IG1_OP_D_LD,
				  .va = STATE_AT,
				  .rva = 11,
				  .sp = S_STATE,
				  .bytes = 128,
				  .n1 = 1 });
	prog_sync(p);
	vec(p, "state.half",
	    (struct ig1_fmt_vec){ .op = IG1_OP_V_LIN,
				  .out = IG1_VFMT_F32,
				  .n0 = 32,
				  .a = S_STATE,
				  .y = S_STATE,
				  .alpha = 0.5f });
	vec(p, "state.add",
	    (struct ig1_fmt_vec){ .op = IG1_OP_V_ADD,
				  .out = IG1_VFMT_F32,
				  .n0 = 32,
				  .a = S_X,
				  .bb = S_STATE,
				  .y = S_X });
	prog_sync(p);
	dma(p, "state.store",
	    (struct ig1_fmt_dma){ .op = IG1_OP_D_ST,
				  .va = STATE_AT,
				  .rva = 11,
				  .sp = S_X,
				  .bytes = 128,
				  .n1 = 1 });
}

/* Column R9: logits to S_LOGITS. R10: its table offset, R12: position, R13: KV, R15: positions. */
static void column(struct prog *p, const struct toy_options *o)
{
	alu(p, 10, IG1_ALUOP_SHL, 9, 0, 5);
	if (o->stall) {
		prog_seq(p, "stall",
			 (struct ig1_fmt_seq){
				 .op = IG1_OP_S_LD, .rd = 24, .ra = 10, .imm = S_COL });
		skip(p, 24, IG1_COND_NE, 0, o->stall, ENDLESS);
		endless(p);
	}
	prog_seq(p, "position",
		 (struct ig1_fmt_seq){ .op = IG1_OP_S_LD, .rd = 12, .ra = 10, .imm = S_COL + 4 });
	prog_seq(p, "kv",
		 (struct ig1_fmt_seq){ .op = IG1_OP_S_LD,
				       .rd = 13,
				       .ra = 10,
				       .width = IG1_LDW_U64,
				       .imm = S_COL + 8 });
	emb(p, "embedding", ROM_EMB, TOY_VOCAB, S_COL, 10, S_X);
	emb(p, "position.embedding", ROM_POS, TOY_CONTEXT, S_COL + 4, 10, S_T);
	prog_sync(p);
	vec(p, "input",
	    (struct ig1_fmt_vec){ .op = IG1_OP_V_ADD,
				  .out = IG1_VFMT_F32,
				  .n0 = 32,
				  .a = S_X,
				  .bb = S_T,
				  .y = S_X });
	if (o->recurrent)
		recur(p);
	vec(p, "input.q8",
	    (struct ig1_fmt_vec){ .op = IG1_OP_V_MOV,
				  .out = IG1_VFMT_Q8,
				  .n0 = 32,
				  .a = S_X,
				  .y = S_XQ,
				  .z = S_XS });
	prog_sync(p);
	alu(p, 14, IG1_ALUOP_SHR, 12, 0, 5);
	alu(p, 14, IG1_ALUOP_SHL, 14, 0, 12);
	alu(p, 14, IG1_ALUOP_ADD, 14, 13, 0);
	alu(p, 16, IG1_ALUOP_AND, 12, 0, 31);
	alu(p, 18, IG1_ALUOP_SHL, 16, 0, 2);
	alu(p, 18, IG1_ALUOP_ADD, 18, 14, 0);
	alu(p, 17, IG1_ALUOP_SHL, 16, 0, 5);
	alu(p, 17, IG1_ALUOP_ADD, 17, 14, 0);
	dma(p, "key.store",
	    (struct ig1_fmt_dma){ .op = IG1_OP_D_ST, .rva = 17, .sp = S_XQ, .bytes = 32, .n1 = 1 });
	dma(p, "key.scale.store",
	    (struct ig1_fmt_dma){
		    .op = IG1_OP_D_ST, .va = KV_KS, .rva = 18, .sp = S_XS, .bytes = 4, .n1 = 1 });
	dma(p, "value.store",
	    (struct ig1_fmt_dma){
		    .op = IG1_OP_D_ST, .va = KV_V, .rva = 17, .sp = S_XQ, .bytes = 32, .n1 = 1 });
	dma(p, "value.scale.store",
	    (struct ig1_fmt_dma){
		    .op = IG1_OP_D_ST, .va = KV_VS, .rva = 18, .sp = S_XS, .bytes = 4, .n1 = 1 });
	alu(p, 15, IG1_ALUOP_ADD, 12, 0, 1);
	alu(p, 19, IG1_ALUOP_ADD, 12, 0, 32);
	alu(p, 19, IG1_ALUOP_SHR, 19, 0, 5);
	prog_sync(p);
	att(p, "scores",
	    (struct ig1_fmt_att){ .op = IG1_OP_T_QK,
				  .rkv = 13,
				  .ks = KV_KS,
				  .rks = 13,
				  .x = S_XQ,
				  .xs = S_XS,
				  .y = S_SCORE,
				  .sbstride = TOY_BLOCK });
	dma(p, "value.scales",
	    (struct ig1_fmt_dma){ .op = IG1_OP_D_LD,
				  .va = KV_VS,
				  .rva = 13,
				  .v1 = TOY_BLOCK,
				  .sp = S_VS,
				  .s1 = 128,
				  .bytes = 128,
				  .rn1 = 19 });
	prog_sync(p);
	vec(p, "scores.scaled",
	    (struct ig1_fmt_vec){ .op = IG1_OP_V_LIN,
				  .out = IG1_VFMT_F32,
				  .rn0 = 15,
				  .a = S_SCORE,
				  .y = S_SCORE,
				  .alpha = 0.25f });
	vec(p, "weights",
	    (struct ig1_fmt_vec){ .op = IG1_OP_V_SIGM,
				  .out = IG1_VFMT_F32,
				  .rn0 = 15,
				  .a = S_SCORE,
				  .y = S_SCORE });
	vec(p, "weights.q8",
	    (struct ig1_fmt_vec){ .op = IG1_OP_V_MUL,
				  .out = IG1_VFMT_Q8,
				  .rn0 = 15,
				  .a = S_SCORE,
				  .bb = S_VS,
				  .y = S_PQ,
				  .z = S_PS });
	prog_sync(p);
	att(p, "attention",
	    (struct ig1_fmt_att){ .op = IG1_OP_T_PV,
				  .kv = KV_V,
				  .rkv = 13,
				  .dims = 32,
				  .x = S_PQ,
				  .xs = S_PS,
				  .y = S_O });
	prog_sync(p);
	vec(p, "residual",
	    (struct ig1_fmt_vec){ .op = IG1_OP_V_ADD,
				  .out = IG1_VFMT_F32,
				  .n0 = 32,
				  .a = S_X,
				  .bb = S_O,
				  .y = S_O });
	vec(p, "residual.q8",
	    (struct ig1_fmt_vec){ .op = IG1_OP_V_MOV,
				  .out = IG1_VFMT_Q8,
				  .n0 = 32,
				  .a = S_O,
				  .y = S_OQ,
				  .z = S_OS });
	prog_sync(p);
	ig1_encode_mm(&(struct ig1_fmt_mm){ .op = IG1_OP_T_MM,
					    .fmt = IG1_WFMT_Q8_0,
					    .rom = ROM_OUT,
					    .wstride = ROW_BYTES,
					    .rows = TOY_VOCAB,
					    .groups = 1,
					    .cols = 1,
					    .x = S_OQ,
					    .xstride = 32,
					    .xs = S_OS,
					    .xsstride = 4,
					    .y = S_LOGITS,
					    .ystride = 4 * TOY_VOCAB },
		      prog_next(p, "output"));
	prog_sync(p);
}

/* Logits to R3 + 256 * R21. */
static void store_logits(struct prog *p)
{
	alu(p, 21, IG1_ALUOP_SHL, 21, 0, 8);
	alu(p, 21, IG1_ALUOP_ADD, 21, 3, 0);
	dma(p, "logits.store",
	    (struct ig1_fmt_dma){ .op = IG1_OP_D_ST,
				  .rva = 21,
				  .sp = S_LOGITS,
				  .bytes = 4 * TOY_VOCAB,
				  .n1 = 1 });
	prog_sync(p);
}

static void build_prefill(struct prog *p, const struct toy_options *o)
{
	uint32_t cols;

	load_columns(p);
	cols = loop(p, 9, 2);
	column(p, o);
	skip(p, 3, IG1_COND_EQ, 0, 0, 7);
	skip(p, 9, IG1_COND_LT, 4, 0, 6);
	alu(p, 21, IG1_ALUOP_SUB, 9, 4, 0);
	skip(p, 21, IG1_COND_GE, 5, 0, 4);
	store_logits(p);
	loop_end(p, cols);
	prog_seq(p, "end", (struct ig1_fmt_seq){ .op = IG1_OP_S_END });
}

#define FAULT_COMMAND 7u

static void build_decode(struct prog *p, const struct toy_options *o)
{
	uint32_t steps, cols;

	load_columns(p);
	prog_seq(p, "bad.index",
		 (struct ig1_fmt_seq){ .op = IG1_OP_S_LI, .rd = 23, .imm = TOY_FAULT_ADDRESS });
	prog_seq(p, "bad.index", (struct ig1_fmt_seq){ .op = IG1_OP_S_ST, .rb = 23, .imm = S_BAD });
	if (o->endless)
		endless(p);
	steps = loop(p, 20, 6);
	if (o->fault_step) {
		skip(p, 20, IG1_COND_NE, 0, o->fault_step - 1, 2);
		prog_sync(p);
		emb(p, "bad.embedding", ROM_EMB, TOY_VOCAB, S_BAD, 0, S_X);
	}
	cols = loop(p, 9, 2);
	column(p, o);
	skip(p, 3, IG1_COND_EQ, 0, 0, 5);
	alu(p, 21, IG1_ALUOP_ADD, 9, 0, 0);
	store_logits(p);
	vec(p, "argmax",
	    (struct ig1_fmt_vec){ .op = IG1_OP_V_MOV,
				  .red = IG1_VRED_ARGMAX,
				  .n0 = TOY_VOCAB,
				  .a = S_LOGITS,
				  .z = S_MAX });
	prog_sync(p);
	prog_seq(p, "token", (struct ig1_fmt_seq){ .op = IG1_OP_S_LD, .rd = 22, .imm = S_MAX });
	prog_seq(p, "token.emit",
		 (struct ig1_fmt_seq){
			 .op = IG1_OP_S_EMIT, .ra = 22, .rb = 9, .kind = IG1_EMIT_TOKEN });
	prog_seq(p, "token.feed",
		 (struct ig1_fmt_seq){ .op = IG1_OP_S_ST, .ra = 10, .rb = 22, .imm = S_COL });
	prog_seq(p, "position.feed",
		 (struct ig1_fmt_seq){ .op = IG1_OP_S_ST, .ra = 10, .rb = 15, .imm = S_COL + 4 });
	loop_end(p, cols);
	skip(p, 2, IG1_COND_NE, 0, 1, 2);
	prog_seq(
		p, "stop",
		(struct ig1_fmt_seq){ .op = IG1_OP_S_BRK, .ra = 22, .rb = 7, .cond = IG1_COND_EQ });
	prog_seq(
		p, "stop",
		(struct ig1_fmt_seq){ .op = IG1_OP_S_BRK, .ra = 22, .rb = 8, .cond = IG1_COND_EQ });
	loop_end(p, steps);
	prog_seq(p, "end", (struct ig1_fmt_seq){ .op = IG1_OP_S_END });
}

uint32_t toy_fault_index(void)
{
	return FAULT_COMMAND;
}

static uint32_t rnd(uint32_t *s)
{
	*s = *s * 1664525u + 1013904223u;
	return *s >> 8;
}

static void fill_row(uint8_t *row, uint32_t *s, uint16_t scale)
{
	int i;

	row[0] = (uint8_t)scale;
	row[1] = (uint8_t)(scale >> 8);
	for (i = 0; i < 32; i++)
		row[2 + i] = (uint8_t)((int)(rnd(s) % 255) - 127);
}

static void fill_rom(uint8_t *rom, const struct toy_options *o)
{
	uint32_t s = o->seed * 2654435761u + 1, i, other;

	for (i = 0; i < TOY_VOCAB; i++)
		fill_row(rom + ROM_EMB + i * ROW_BYTES, &s, 0x2400); /* 2^-6 */
	for (i = 0; i < TOY_CONTEXT; i++)
		fill_row(rom + ROM_POS + i * ROW_BYTES, &s, 0x2000); /* 2^-7 */
	for (i = 0; i < TOY_VOCAB; i++)
		fill_row(rom + ROM_OUT + i * ROW_BYTES, &s, 0x1c00); /* 2^-8 */
	if (o->change_row) {
		other = s;
		fill_row(rom + ROM_OUT + (o->change_row % TOY_VOCAB) * ROW_BYTES, &other, 0x1c00);
	}
}

static uint32_t crc32_of(const uint8_t *p, size_t n)
{
	uint32_t c = ~0u;
	int k;

	for (; n; n--) {
		c ^= *p++;
		for (k = 0; k < 8; k++)
			c = c >> 1 ^ (c & 1 ? 0xedb88320u : 0);
	}
	return ~c;
}

static int add_tensors(struct ig1_image_writer *w, const uint8_t *rom)
{
	static const struct {
		const char *name;
		uint32_t at, rows;
	} t[3] = {
		{ "token_embd.weight", ROM_EMB, TOY_VOCAB },
		{ "position_embd.weight", ROM_POS, TOY_CONTEXT },
		{ "output.weight", ROM_OUT, TOY_VOCAB },
	};
	struct ig1_image_tensor v[3] = { 0 };
	const char *names[3];
	int i;

	for (i = 0; i < 3; i++) {
		names[i] = t[i].name;
		v[i].fmt = IG1_WFMT_Q8_0;
		v[i].offset = t[i].at;
		v[i].rows = t[i].rows;
		v[i].groups = 1;
		v[i].stride = ROW_BYTES;
		v[i].bytes = t[i].rows * ROW_BYTES;
		v[i].src_type = 8;
		v[i].crc = crc32_of(rom + t[i].at, v[i].bytes);
	}
	return ig1_image_add_tensors(w, v, names, 3);
}

static uint32_t rom_check(const uint8_t *rom, size_t bytes)
{
	uint32_t sum = 0, word;
	size_t i;

	for (i = 0; i < 4096 && i < bytes / 4; i++) {
		memcpy(&word, rom + 4 * i, 4);
		sum += word;
	}
	return sum;
}

static int build_fdt(char *buf, int n, const struct toy_options *o, const uint8_t id[32],
		     uint32_t rom_bytes, uint32_t check, uint32_t context)
{
	const struct ig1_config *c = &ig1_configs[IG1_CONFIGS - 1]; /* the small one */
	uint64_t sram = (o->sram_pages ? o->sram_pages : 64) * (uint64_t)IG1_PAGE_BYTES;
	int e = 0;

	e |= fdt_create(buf, n);
	e |= fdt_finish_reservemap(buf);
	e |= fdt_begin_node(buf, "");
	e |= fdt_property_string(buf, IG1_FDT_ROOT_COMPATIBLE, IG1_FDT_ROOT_COMPATIBLE_VALUE);
	e |= fdt_property_u32(buf, IG1_FDT_ROOT_SPEC, IG1_SPEC_VERSION);
	e |= fdt_begin_node(buf, "chip");
	e |= fdt_property_string(buf, IG1_FDT_CHIP_CONFIG, c->name);
	e |= fdt_property_u32(buf, IG1_FDT_CHIP_TILES, c->tiles);
	e |= fdt_property_u32(buf, IG1_FDT_CHIP_ROWS, c->rows);
	e |= fdt_property_u32(buf, IG1_FDT_CHIP_COLUMNS, c->columns);
	e |= fdt_property_u32(buf, IG1_FDT_CHIP_LANES, c->lanes);
	e |= fdt_property_u32(buf, IG1_FDT_CHIP_MEM_BYTES, c->mem_bytes);
	e |= fdt_property_u32(buf, IG1_FDT_CHIP_SCRATCH_BYTES, c->scratch_bytes);
	e |= fdt_property_u64(buf, IG1_FDT_CHIP_SRAM_BYTES, sram);
	e |= fdt_property_u64(buf, IG1_FDT_CHIP_ROM_BYTES, rom_bytes);
	e |= fdt_property_u64(buf, IG1_FDT_CHIP_CROM_BYTES, 4);
	e |= fdt_property_u64(buf, IG1_FDT_CHIP_CLOCK_FREQUENCY, c->clock_hz);
	e |= fdt_end_node(buf);
	e |= fdt_begin_node(buf, "mask");
	e |= fdt_property(buf, IG1_FDT_MASK_MASK_ID, id, 32);
	e |= fdt_property_u32(buf, IG1_FDT_MASK_ROM_CHECK, check);
	e |= fdt_end_node(buf);
	e |= fdt_begin_node(buf, "model");
	e |= fdt_property_string(buf, IG1_FDT_MODEL_NAME, "toy");
	e |= fdt_property_string(buf, IG1_FDT_MODEL_ARCH, "toy");
	e |= fdt_property_u32(buf, IG1_FDT_MODEL_LAYERS, 1);
	e |= fdt_property_u32(buf, IG1_FDT_MODEL_WIDTH, 32);
	e |= fdt_property_u32(buf, IG1_FDT_MODEL_VOCAB, TOY_VOCAB);
	e |= fdt_property_u32(buf, IG1_FDT_MODEL_CONTEXT, context);
	e |= fdt_property_u32(buf, IG1_FDT_MODEL_HEADS, 1);
	e |= fdt_property_u32(buf, IG1_FDT_MODEL_KV_HEADS, 1);
	e |= fdt_property_u32(buf, IG1_FDT_MODEL_HEAD_SIZE, 32);
	e |= fdt_property_string(buf, IG1_FDT_MODEL_FORMAT, "q8_0");
	e |= fdt_end_node(buf);
	e |= fdt_end_node(buf);
	e |= fdt_finish(buf);
	return e ? -EINVAL : 0;
}

/* Letters and a few pairs; a space in front of words. */
static int add_tokenizer(struct ig1_image_writer *w)
{
	static const char *const pairs[] = {
		"th", "he", "in", "er", "an", "re", "on", "at", "en", "nd", "ti", "es",
		"or", "te", "of", "ed", "is", "it", "al", "ar", "st", "to", "nt", "ng",
		"se", "ha", "as", "ou", "io", "le", "ve", "co", "me", "de",
	};
	struct tokenizer_str tokens[TOY_VOCAB];
	float scores[TOY_VOCAB] = { 0 };
	int32_t types[TOY_VOCAB];
	char letters[26];
	struct tokenizer_desc d;
	void *blob;
	size_t n;
	uint32_t i;
	int err;

	tokenizer_desc_init(&d);
	for (i = 0; i < TOY_VOCAB; i++) {
		types[i] = i < 1 ? TOKENIZER_UNKNOWN : i < 3 ? TOKENIZER_CONTROL : TOKENIZER_NORMAL;
		scores[i] = -(float)i;
	}
	tokens[0] = (struct tokenizer_str){ "<unk>", 5 };
	tokens[1] = (struct tokenizer_str){ "<s>", 3 };
	tokens[2] = (struct tokenizer_str){ "</s>", 4 };
	tokens[3] = (struct tokenizer_str){ "\xe2\x96\x81", 3 };
	for (i = 0; i < 26; i++) {
		letters[i] = (char)('a' + i);
		tokens[4 + i] = (struct tokenizer_str){ &letters[i], 1 };
	}
	for (i = 30; i < TOY_VOCAB; i++)
		tokens[i] = (struct tokenizer_str){ pairs[i - 30], 2 };
	d.model = (struct tokenizer_str){ "llama", 5 };
	d.n_tokens = TOY_VOCAB;
	d.tokens = tokens;
	d.scores = scores;
	d.types = types;
	err = tokenizer_blob_write(&d, &blob, &n, NULL);
	if (err)
		return err;
	err = ig1_image_add(w, IG1_SEC_TOKENIZER, 0, blob, n);
	free(blob);
	return err;
}

static void add_program(struct ig1_image_writer *w, uint32_t which, const struct prog *p)
{
	ig1_image_add(w, IG1_SEC_PROGRAM, which, p->w, (size_t)p->n * IG1_COMMAND_BYTES);
	ig1_image_add_debug(w, which, p->name, p->n);
}

static void add_manifest(struct ig1_image_writer *w, const struct toy_options *o, uint32_t context)
{
	struct ig1_image_manifest m = {
		.abi = o->recurrent || o->window ? IG1_PROGRAM_ABI : IG1_PROGRAM_ABI_KV,
		.vocab = TOY_VOCAB,
		.context = context,
		.max_cols = TOY_MAX_COLS,
		.kv_block_bytes = TOY_BLOCK,
		.kv_blocks = (context + 31) / 32,
		.layers = 1,
		.width = 32,
		.heads = 1,
		.kv_heads = 1,
		.head_size = 32,
		.weights = 32 * (2 * TOY_VOCAB + TOY_CONTEXT),
		.macs_token = 32 * TOY_VOCAB,
		.arch = "toy",
		.name = "toy",
		.state_bytes = o->recurrent ? TOY_STATE : 0,
		.window = o->window,
		.win_blocks = o->window ? (o->window + IG1_WINDOW_SLACK - 1 + 31 + 31) / 32 : 0,
		.win_block_bytes = o->window ? TOY_BLOCK : 0,
	};

	ig1_image_add(w, IG1_SEC_MANIFEST, 0, &m, sizeof(m));
}

int toy_write(const char *path, const struct toy_options *o)
{
	uint32_t context = o->context ? o->context : TOY_CONTEXT;
	const size_t rom_bytes = (ROM_END + 3) / 4 * 4;
	struct ig1_image_writer *w;
	struct prog *prefill, *decode;
	uint8_t *rom, id[32];
	float crom = 0;
	char fdt[4096];
	int err = -ENOMEM;

	rom = calloc(1, rom_bytes);
	prefill = calloc(1, sizeof(*prefill));
	decode = calloc(1, sizeof(*decode));
	if (!rom || !prefill || !decode)
		goto out;
	fill_rom(rom, o);
	build_prefill(prefill, o);
	build_decode(decode, o);
	err = ig1_image_create(path, &w, NULL);
	if (err)
		goto out;
	ig1_image_add(w, IG1_SEC_ROM, 0, rom, rom_bytes);
	ig1_image_add(w, IG1_SEC_CROM, 0, &crom, sizeof(crom));
	ig1_image_mask_id(w, id);
	err = build_fdt(fdt, sizeof(fdt), o, id, (uint32_t)rom_bytes, rom_check(rom, rom_bytes),
			context);
	if (err) {
		ig1_image_abort(w);
		goto out;
	}
	ig1_image_add(w, IG1_SEC_FDT, 0, fdt, fdt_totalsize(fdt));
	add_program(w, IG1_PROG_PREFILL, prefill);
	add_program(w, IG1_PROG_DECODE, decode);
	add_tensors(w, rom);
	add_manifest(w, o, context);
	err = add_tokenizer(w);
	if (err) {
		ig1_image_abort(w);
		goto out;
	}
	err = ig1_image_commit(w, NULL);
out:
	free(decode);
	free(prefill);
	free(rom);
	return err;
}
