// SPDX-License-Identifier: MIT
/* The generated codecs and tables against each other and against places written down by hand. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "ig1_tables.h"

#define ROUNDS 20000

static uint64_t rng = 0x9e3779b97f4a7c15;

static uint64_t rnd(void)
{
	uint64_t z = rng += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static uint64_t raw_field(const uint32_t *w, const struct ig1_field_desc *d)
{
	if (d->bits == 64)
		return w[d->word] | (uint64_t)w[d->word + 1] << 32;
	return w[d->word] >> d->lo & ((1ull << d->bits) - 1);
}

static void set_field(uint32_t *w, const struct ig1_field_desc *d, uint64_t v)
{
	uint64_t mask = d->bits == 64 ? ~0ull : ((1ull << d->bits) - 1) << d->lo;

	v = d->bits == 64 ? v : v << d->lo & mask;
	w[d->word] = (uint32_t)((w[d->word] & ~mask) | v);
	if (d->bits == 64)
		w[d->word + 1] = (uint32_t)(v >> 32);
}

/* The member's value as the field's raw bits, and that sign extension happened. */
static uint64_t member_bits(const void *p, size_t size, const struct ig1_field_desc *d)
{
	uint64_t v = 0;
	int64_t s;

	memcpy(&v, p, size);
	if (d->kind != IG1_KIND_SINT)
		return v;
	s = (int64_t)(v << (64 - 8 * size)) >> (64 - 8 * size);
	assert_true(s >= -(1ll << (d->bits - 1)) && s < 1ll << (d->bits - 1));
	return (uint64_t)s & (d->bits == 64 ? ~0ull : (1ull << d->bits) - 1);
}

static const struct ig1_fmt_desc *format(const char *name)
{
	size_t i;

	for (i = 0; i < IG1_FORMATS; i++) {
		if (!strcmp(ig1_formats[i].name, name))
			return &ig1_formats[i];
	}
	fail_msg("no format %s", name);
	return NULL;
}

static void random_words(const struct ig1_fmt_desc *d, uint32_t *w)
{
	uint32_t i;

	memset(w, 0, IG1_COMMAND_BYTES);
	for (i = 0; i < d->count; i++)
		set_field(w, &d->fields[i], rnd() & (rnd() & 1 ? rnd() : ~0ull));
}

#define CHECK_MEMBER(member)                                                   \
	assert_string_equal(#member, d->fields[i].name);                       \
	assert_true(member_bits(&f.member, sizeof(f.member), &d->fields[i]) == \
		    raw_field(w, &d->fields[i]));                              \
	i++;

#define FORMAT_TEST(fmt, FIELDS)                                   \
	static void test_codec_##fmt(void **state)                 \
	{                                                          \
		const struct ig1_fmt_desc *d = format(#fmt);       \
		uint32_t w[IG1_CMD_WORDS], back[IG1_CMD_WORDS], i; \
		struct ig1_fmt_##fmt f;                            \
		int n;                                             \
                                                                   \
		(void)state;                                       \
		for (n = 0; n < ROUNDS; n++) {                     \
			random_words(d, w);                        \
			ig1_decode_##fmt(w, &f);                   \
			i = 0;                                     \
			FIELDS(CHECK_MEMBER)                       \
			assert_int_equal(i, d->count);             \
			memset(back, 0xff, sizeof(back));          \
			ig1_encode_##fmt(&f, back);                \
			assert_memory_equal(w, back, sizeof(w));   \
		}                                                  \
	}

FORMAT_TEST(seq, IG1_FIELDS_SEQ)
FORMAT_TEST(mm, IG1_FIELDS_MM)
FORMAT_TEST(emb, IG1_FIELDS_EMB)
FORMAT_TEST(att, IG1_FIELDS_ATT)
FORMAT_TEST(vec, IG1_FIELDS_VEC)
FORMAT_TEST(dma, IG1_FIELDS_DMA)

/* Places copied by hand from the description: the generator must not have moved them. */
static void test_known_places(void **state)
{
	struct ig1_fmt_mm mm = { .op = IG1_OP_T_MM,
				 .wait = 0x8001,
				 .signal = 0x4002,
				 .fmt = IG1_WFMT_Q4_0,
				 .acc = 1,
				 .rom = 0x1122334455667788,
				 .alpha = 1.0f,
				 .rxs = 31,
				 .ry = 3 };
	struct ig1_fmt_vec v = {
		.op = IG1_OP_V_ROT, .out = 2, .red = 1, .sd = 1, .d0 = -2, .c2 = -5
	};
	uint32_t w[IG1_CMD_WORDS];

	(void)state;
	ig1_encode_mm(&mm, w);
	assert_int_equal(w[0], 0x80010020);
	assert_int_equal(w[1], 0x01014002);
	assert_int_equal(w[2], 0x55667788);
	assert_int_equal(w[3], 0x11223344);
	assert_int_equal(w[14], 0x3f800000);
	assert_int_equal(w[17], 0x31f);
	ig1_encode_vec(&v, w);
	assert_int_equal(w[0], 0x4d);
	assert_int_equal(w[1], 0x08060000);
	assert_int_equal(w[15], 0xfffffffb);
	assert_int_equal(w[20], 0xfffe0000);
	assert_int_equal(ig1_wfmt_block_bytes(IG1_WFMT_Q8_0), 34);
	assert_int_equal(ig1_wfmt_block_bytes(IG1_WFMT_Q4_0), 18);
	assert_int_equal(ig1_wfmt_block_bytes(IG1_WFMT_T2_0), 10);
	assert_int_equal(ig1_wfmt_block_bytes(IG1_WFMT_B1_0), 6);
	assert_int_equal(ig1_wfmt_block_bytes(IG1_WFMT_MX4), 18);
	assert_int_equal(ig1_wfmt_block_bytes(IG1_WFMT_Q4_1), 24);
	assert_int_equal(ig1_wfmt_block_bytes(IG1_WFMT_Q5_1), 28);
	assert_int_equal(ig1_wfmt_block_bytes(IG1_WFMT_NV4), 20);
	assert_int_equal(ig1_wfmt_block_bytes(IG1_WFMT_Q6_K), 32);
	assert_int_equal(ig1_wfmt_block_bytes(IG1_WFMT_IQ4), 20);
	assert_int_equal(ig1_wfmt_block_bytes(IG1_WFMT_PLANES), 0);
	assert_int_equal(ig1_wfmt_block_bytes(77), 0);
	assert_int_equal(ig1_wfmt_step_groups(IG1_WFMT_Q4_0), 2);
	assert_int_equal(ig1_wfmt_step_groups(IG1_WFMT_Q4_1), 1);
	assert_int_equal(ig1_wfmt_terms(IG1_WFMT_Q4_1), 2);
	assert_int_equal(ig1_wfmt_terms(IG1_WFMT_IQ4), 1);
}

static void test_opcodes(void **state)
{
	uint32_t w[IG1_CMD_WORDS] = { 0 };
	uint64_t addr;
	int code, known = 0;

	(void)state;
	for (code = 0; code < 256; code++) {
		const struct ig1_op_desc *op = ig1_op_find((uint8_t)code);

		w[0] = (uint32_t)code;
		addr = 99;
		if (!op) {
			assert_int_equal(ig1_cmd_check(w, &addr), IG1_FAULT_OPCODE);
			assert_int_equal(addr, 0);
			continue;
		}
		known++;
		assert_int_equal(op->code, code);
		assert_ptr_equal(ig1_op_by_name(op->name, (uint32_t)strlen(op->name)), op);
		assert_int_equal(ig1_cmd_check(w, &addr), IG1_FAULT_NONE);
	}
	assert_int_equal(known, IG1_OPS);
	assert_null(ig1_op_find(IG1_OP_RSV_T_MMX));
	assert_null(ig1_op_find(IG1_OP_RSV_D_LIST));
	assert_null(ig1_op_find(0));
	assert_null(ig1_op_by_name("t.m", 3));
}

/* Every bit of every operation, alone: accepted or refused by the table, at its own word. */
static void test_single_bits(void **state)
{
	uint32_t w[IG1_CMD_WORDS], i, bit, k;
	uint64_t addr;

	(void)state;
	for (i = 0; i < IG1_OPS; i++) {
		const struct ig1_op_desc *op = &ig1_ops[i];

		for (bit = 8; bit < 32 * IG1_CMD_WORDS; bit++) {
			int ok = op->used[bit / 32] >> bit % 32 & 1, in_format = 0;

			for (k = 0; k < op->fmt->count; k++) {
				const struct ig1_field_desc *f = &op->fmt->fields[k];
				uint32_t lo = 32u * f->word + f->lo;

				if (bit < lo || bit >= lo + f->bits)
					continue;
				in_format = 1;
				if (f->en && 1u << (bit - lo) < 32 &&
				    !(f->en->valid >> (1u << (bit - lo)) & 1))
					ok = 0;
			}
			ok = ok && in_format;
			memset(w, 0, sizeof(w));
			w[0] = op->code;
			w[bit / 32] |= 1u << bit % 32;
			addr = 99;
			assert_int_equal(ig1_cmd_check(w, &addr),
					 ok ? IG1_FAULT_NONE : IG1_FAULT_FIELD);
			assert_int_equal(addr, ok ? 0 : bit / 32);
		}
	}
}

struct used_case {
	uint8_t op, word;
	uint32_t bits;
	int fault;
};

static void test_used_by_hand(void **state)
{
	static const struct used_case cases[] = {
		{ IG1_OP_S_END, 0, 0xffff0001, IG1_FAULT_NONE },  /* wait */
		{ IG1_OP_S_END, 0, 0x100, IG1_FAULT_FIELD },	  /* no field there */
		{ IG1_OP_S_END, 2, 1, IG1_FAULT_FIELD },	  /* rd */
		{ IG1_OP_S_LI, 2, 0x1f, IG1_FAULT_NONE },	  /* rd */
		{ IG1_OP_S_LI, 2, 0x20, IG1_FAULT_FIELD },	  /* above rd */
		{ IG1_OP_S_LI, 2, 0x100, IG1_FAULT_FIELD },	  /* ra */
		{ IG1_OP_S_ALU, 3, 8, IG1_FAULT_NONE },		  /* max */
		{ IG1_OP_S_ALU, 3, 9, IG1_FAULT_FIELD },	  /* undefined alu */
		{ IG1_OP_S_ALU, 3, 0x100, IG1_FAULT_FIELD },	  /* cond is not s.alu's */
		{ IG1_OP_S_SKIP, 3, 0x400, IG1_FAULT_NONE },	  /* ge */
		{ IG1_OP_S_SKIP, 3, 0x500, IG1_FAULT_FIELD },	  /* undefined cond */
		{ IG1_OP_S_EMIT, 7, 0xffff, IG1_FAULT_NONE },	  /* kind */
		{ IG1_OP_S_EMIT, 7, 0x10000, IG1_FAULT_FIELD },	  /* above kind */
		{ IG1_OP_T_MM, 1, 0x00010000, IG1_FAULT_NONE },	  /* q4_0 */
		{ IG1_OP_T_MM, 1, 0x00020000, IG1_FAULT_NONE },	  /* q4_1 */
		{ IG1_OP_T_MM, 1, 0x00060000, IG1_FAULT_NONE },	  /* mx4 */
		{ IG1_OP_T_MM, 1, 0x00080000, IG1_FAULT_FIELD },  /* planes is reserved */
		{ IG1_OP_T_MM, 1, 0x000f0000, IG1_FAULT_FIELD },  /* undefined format */
		{ IG1_OP_T_MM, 1, 0x04000000, IG1_FAULT_FIELD },  /* above scaled */
		{ IG1_OP_T_MM, 15, 1, IG1_FAULT_FIELD },	  /* no field */
		{ IG1_OP_T_EMB, 10, 1, IG1_FAULT_FIELD },	  /* xs of mm only */
		{ IG1_OP_T_QK, 1, 0x10000, IG1_FAULT_FIELD },	  /* list */
		{ IG1_OP_T_QK, 4, 0x80, IG1_FAULT_NONE },	  /* ks */
		{ IG1_OP_T_QK, 8, 0x10000, IG1_FAULT_FIELD },	  /* dims */
		{ IG1_OP_T_QK, 15, 4, IG1_FAULT_FIELD },	  /* xgstride */
		{ IG1_OP_T_PV, 8, 0x10000, IG1_FAULT_NONE },	  /* dims */
		{ IG1_OP_T_PV, 4, 0x80, IG1_FAULT_FIELD },	  /* ks */
		{ IG1_OP_T_PV, 20, 0x80, IG1_FAULT_FIELD },	  /* sbstride */
		{ IG1_OP_T_PV, 16, 0x100, IG1_FAULT_FIELD },	  /* rks */
		{ IG1_OP_V_MOV, 1, 0x01000000, IG1_FAULT_NONE },  /* sa */
		{ IG1_OP_V_MOV, 1, 0x02000000, IG1_FAULT_FIELD }, /* sb */
		{ IG1_OP_V_MOV, 1, 0x00030000, IG1_FAULT_FIELD }, /* out = 3 */
		{ IG1_OP_V_MOV, 6, 1, IG1_FAULT_FIELD },	  /* rb */
		{ IG1_OP_V_MOV, 6, 0x100, IG1_FAULT_FIELD },	  /* rc */
		{ IG1_OP_V_MOV, 11, 1, IG1_FAULT_FIELD },	  /* b1 */
		{ IG1_OP_V_MOV, 19, 0x1, IG1_FAULT_NONE },	  /* a0 */
		{ IG1_OP_V_MOV, 19, 0x10000, IG1_FAULT_FIELD },	  /* b0 */
		{ IG1_OP_V_MOV, 28, 1, IG1_FAULT_FIELD },	  /* alpha */
		{ IG1_OP_V_LIN, 28, 1, IG1_FAULT_NONE },	  /* alpha */
		{ IG1_OP_V_LIN, 29, 1, IG1_FAULT_NONE },	  /* beta */
		{ IG1_OP_V_EXPS, 28, 1, IG1_FAULT_NONE },	  /* alpha */
		{ IG1_OP_V_EXPS, 29, 1, IG1_FAULT_FIELD },	  /* beta */
		{ IG1_OP_V_EXPS, 10, 4, IG1_FAULT_NONE },	  /* bb */
		{ IG1_OP_V_MAD, 13, 4, IG1_FAULT_NONE },	  /* c */
		{ IG1_OP_V_MAD, 16, 4, IG1_FAULT_FIELD },	  /* dd */
		{ IG1_OP_V_MAD, 6, 0x100, IG1_FAULT_NONE },	  /* rc */
		{ IG1_OP_V_ROT, 20, 0xffffffff, IG1_FAULT_NONE }, /* c0, d0 */
		{ IG1_OP_D_LD, 17, 0x1f, IG1_FAULT_NONE },	  /* rn2 */
		{ IG1_OP_D_LD, 17, 0x100, IG1_FAULT_FIELD },	  /* above rn2 */
		{ IG1_OP_D_ST, 31, 1, IG1_FAULT_FIELD },	  /* no field */
	};
	uint32_t w[IG1_CMD_WORDS];
	uint64_t addr;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		memset(w, 0, sizeof(w));
		w[0] = cases[i].op;
		w[cases[i].word] |= cases[i].bits;
		addr = 99;
		if (ig1_cmd_check(w, &addr) != cases[i].fault)
			fail_msg("case %zu", i);
		assert_int_equal(addr, cases[i].fault ? cases[i].word : 0);
	}
}

/* The lowest bad word is named, whether it is a stray bit or an enum value. */
static void test_lowest_word(void **state)
{
	uint32_t w[IG1_CMD_WORDS] = { IG1_OP_T_MM };
	uint64_t addr;

	(void)state;
	w[31] = 1;
	w[19] = 1;
	assert_int_equal(ig1_cmd_check(w, &addr), IG1_FAULT_FIELD);
	assert_int_equal(addr, 19);
	w[1] = 0x00090000;
	assert_int_equal(ig1_cmd_check(w, &addr), IG1_FAULT_FIELD);
	assert_int_equal(addr, 1);
	w[0] |= 0x8000;
	assert_int_equal(ig1_cmd_check(w, &addr), IG1_FAULT_FIELD);
	assert_int_equal(addr, 0);
	assert_int_equal(ig1_cmd_check(w, NULL), IG1_FAULT_FIELD);
}

/* Sources and bounds of vector operations against the bits that each may set and its formula. */
static void test_vec_operations(void **state)
{
	static const uint8_t word[4] = { IG1_WORD_VEC_A, IG1_WORD_VEC_BB, IG1_WORD_VEC_C,
					 IG1_WORD_VEC_DD };
	uint32_t i, k, sources;

	(void)state;
	for (i = 0; i < IG1_OPS; i++) {
		const struct ig1_op_desc *op = &ig1_ops[i];
		const struct ig1_vec_bound bound = ig1_vec_bound(op->code);

		sources = ig1_vec_sources(op->code);
		if (op->engine != IG1_ENGINE_VEC) {
			assert_int_equal(sources, 0);
			continue;
		}
		for (k = 0; k < 4; k++)
			assert_int_equal(sources >> k & 1, op->used[word[k]] == UINT32_MAX);
		/* exact where nothing is rounded or computed */
		assert_int_equal(bound.err == 0 && bound.arg == 0,
				 !strchr(op->doc, '(') || !strncmp(op->doc, "max(", 4));
	}
}

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(ig1_fault_name(IG1_FAULT_WATCHDOG), "watchdog");
	assert_string_equal(ig1_fault_name(IG1_FAULTS), "unknown");
	assert_string_equal(ig1_ctr_names[IG1_CTR_MACS].name, "macs");
	assert_string_equal(ig1_engine_names[IG1_ENGINE_DMA].name, "dma");
	assert_int_equal(ig1_ctr_timed[IG1_CTR_CYCLES], 1);
	assert_int_equal(ig1_ctr_timed[IG1_CTR_MACS], 0);
	assert_int_equal(IG1_BAR0_DOORBELL(3), 0x10c);
	assert_int_equal(IG1_MCU_COUNTERS(2), 0x308);
	assert_true(IG1_PTE_ADDR_MASK == 0x00fffffffffff000ull);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_codec_seq),    cmocka_unit_test(test_codec_mm),
		cmocka_unit_test(test_codec_emb),    cmocka_unit_test(test_codec_att),
		cmocka_unit_test(test_codec_vec),    cmocka_unit_test(test_codec_dma),
		cmocka_unit_test(test_known_places), cmocka_unit_test(test_opcodes),
		cmocka_unit_test(test_single_bits),  cmocka_unit_test(test_used_by_hand),
		cmocka_unit_test(test_lowest_word),  cmocka_unit_test(test_vec_operations),
		cmocka_unit_test(test_names),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
