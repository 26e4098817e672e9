// SPDX-License-Identifier: MIT
/* The assembler and disassembler: as(dis(x)) == x for any bytes, known texts, refusals. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <errno.h>
#include <locale.h>
#include <string.h>

#include <cmocka.h>

#include "compiler/asm/asm.h"
#include "ig1_tables.h"

#define ROUNDS 100000

static uint64_t rng = 0x2545f4914f6cdd1d;

static uint64_t rnd(void)
{
	uint64_t z = rng += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static void random_valid(uint32_t *w)
{
	const struct ig1_op_desc *op = &ig1_ops[rnd() % IG1_OPS];
	uint32_t i, v;

	for (i = 0; i < IG1_CMD_WORDS; i++)
		w[i] = (uint32_t)(rnd() & (rnd() & 1 ? rnd() : ~0ull)) & (rnd() % 4 ? ~0u : 0);
	for (i = 0; i < IG1_CMD_WORDS; i++)
		w[i] &= op->used[i];
	for (i = 0; i < op->fmt->count; i++) {
		const struct ig1_field_desc *f = &op->fmt->fields[i];
		uint32_t mask = f->bits < 32 ? ((1u << f->bits) - 1) << f->lo : ~0u;

		if (!f->en || !(op->used[f->word] >> f->lo & 1))
			continue;
		do
			v = f->en->values[rnd() % f->en->count].code;
		while (!(f->en->valid >> v & 1));
		w[f->word] = (w[f->word] & ~mask) | v << f->lo;
	}
	w[0] = (w[0] & ~0xffu) | op->code;
}

static void round_trip(const uint32_t *w, int want_word)
{
	char text[IG1_DISASM_MAX], err[IG1_ASM_ERR];
	uint32_t back[IG1_CMD_WORDS];
	int n = ig1_disasm(w, text, sizeof(text));

	assert_true(n > 0);
	assert_int_equal(n, strlen(text));
	assert_int_equal(!strncmp(text, ".word", 5), want_word);
	if (ig1_asm_line(text, back, err, sizeof(err)) != 1)
		fail_msg("%s\n%s", err, text);
	if (memcmp(w, back, sizeof(back)))
		fail_msg("differs: %s", text);
}

static void test_valid(void **state)
{
	uint32_t w[IG1_CMD_WORDS];
	int i;

	(void)state;
	for (i = 0; i < ROUNDS; i++) {
		random_valid(w);
		assert_int_equal(ig1_cmd_check(w, NULL), IG1_FAULT_NONE);
		round_trip(w, 0);
	}
}

static void test_random_bits(void **state)
{
	uint32_t w[IG1_CMD_WORDS], k;
	int i, refused = 0, bad;

	(void)state;
	for (i = 0; i < ROUNDS; i++) {
		if (i & 1) {
			random_valid(w);
			k = (uint32_t)rnd() % (32 * IG1_CMD_WORDS);
			w[k / 32] ^= 1u << k % 32;
		} else {
			for (k = 0; k < IG1_CMD_WORDS; k++)
				w[k] = (uint32_t)rnd();
		}
		bad = ig1_cmd_check(w, NULL) != IG1_FAULT_NONE;
		refused += bad;
		round_trip(w, bad);
	}
	/* Half is noise; flipping a bit of a valid command must break some and leave some. */
	assert_in_range(refused, ROUNDS / 2, ROUNDS - ROUNDS / 20);
}

static void test_every_f32_exponent(void **state)
{
	uint32_t w[IG1_CMD_WORDS] = { IG1_OP_V_LIN }, hi, lo;

	(void)state;
	for (hi = 0; hi < 512; hi++) {
		static const uint32_t low[] = { 0, 1, 2, 0x400000, 0x7fffff, 0x2aaaaa };

		for (lo = 0; lo < 6; lo++) {
			w[28] = hi << 23 | low[lo];
			w[29] = hi << 23 | (uint32_t)(rnd() & 0x7fffff);
			round_trip(w, 0);
		}
	}
}

/* No line is longer than the documented maximum, and short buffers are refused. */
static void test_length(void **state)
{
	char text[IG1_DISASM_MAX];
	uint32_t w[IG1_CMD_WORDS], i, k;
	int n;

	(void)state;
	for (i = 0; i < IG1_OPS; i++) {
		memcpy(w, ig1_ops[i].used, sizeof(w));
		w[0] = (w[0] & ~0xffu) | ig1_ops[i].code;
		for (k = 0; k < ig1_ops[i].fmt->count; k++) {
			const struct ig1_field_desc *f = &ig1_ops[i].fmt->fields[k];

			if (f->kind == IG1_KIND_SINT && f->bits == 32 && w[f->word])
				w[f->word] = 0x80000000;
			if (f->kind == IG1_KIND_F32 && w[f->word])
				w[f->word] = 0x80800001;
			if (f->en && (w[f->word] >> f->lo & 1))
				w[f->word] ^= ((1u << f->bits) - 2) << f->lo;
		}
		assert_int_equal(ig1_cmd_check(w, NULL), IG1_FAULT_NONE);
		n = ig1_disasm(w, text, sizeof(text));
		assert_true(n > 0 && n < IG1_DISASM_MAX / 10 * 9);
		assert_int_equal(ig1_disasm(w, text, (size_t)n + 1), n);
		assert_int_equal(ig1_disasm(w, text, (size_t)n), -ENOSPC);
		assert_string_equal(text, "");
	}
	assert_int_equal(ig1_disasm(w, text, 0), -ENOSPC);
	memset(w, 0xff, sizeof(w));
	assert_int_equal(ig1_disasm(w, text, sizeof(text)), 5 + 32 * 11);
}

static void test_known_text(void **state)
{
	struct ig1_fmt_mm mm = { .op = IG1_OP_T_MM,
				 .wait = 3,
				 .signal = 0x10,
				 .fmt = IG1_WFMT_Q4_0,
				 .rom = 0x123456789a,
				 .wstride = 72,
				 .rows = 4096,
				 .alpha = 0.125f,
				 .rx = 9 };
	struct ig1_fmt_vec v = { .op = IG1_OP_V_LIN,
				 .out = IG1_VFMT_F32,
				 .red = IG1_VRED_SUM,
				 .n0 = 7,
				 .a0 = -3,
				 .y0 = 1,
				 .alpha = -1e-20f };
	struct ig1_fmt_seq s = { .op = IG1_OP_S_SKIP, .rb = 31, .cond = IG1_COND_GE, .len = 2 };
	char text[IG1_DISASM_MAX];
	uint32_t w[IG1_CMD_WORDS];

	(void)state;
	ig1_encode_mm(&mm, w);
	assert_true(ig1_disasm(w, text, sizeof(text)) > 0);
	assert_string_equal(text, "t.mm wait=0x3 signal=0x10 fmt=q4_0 rom=0x123456789a wstride=72 "
				  "rows=4096 alpha=0.125 rx=r9");
	v.beta = ig1_bits_to_f32(0x7fc00001);
	ig1_encode_vec(&v, w);
	assert_true(ig1_disasm(w, text, sizeof(text)) > 0);
	assert_string_equal(
		text, "v.lin out=f32 red=sum n0=7 a0=-3 y0=1 alpha=-1e-20 beta=f32:0x7fc00001");
	ig1_encode_seq(&s, w);
	assert_true(ig1_disasm(w, text, sizeof(text)) > 0);
	assert_string_equal(text, "s.skip rb=r31 cond=ge len=2");
}

struct f32_case {
	uint32_t bits;
	const char *text;
};

static void test_known_f32(void **state)
{
	static const struct f32_case cases[] = {
		{ 0x3f800000, "1" },
		{ 0x3dcccccd, "0.1" },
		{ 0x42f6e979, "123.456" },
		{ 0x4b800000, "16777216" },
		{ 0x501502f9, "1e10" },
		{ 0x00000001, "1e-45" },
		{ 0x7f7fffff, "3.4028235e38" },
		{ 0x80000000, "-0" },
		{ 0x7f800000, "f32:0x7f800000" },
		{ 0xffc12345, "f32:0xffc12345" },
		{ 0x38d1b717, "0.0001" },
		{ 0x40490fdb, "3.1415927" },
		{ 0x42c80000, "100" },
		{ 0x461c4000, "10000" },
		{ 0x3ca3d70a, "0.02" },
		{ 0x3727c5ac, "0.00001" },
	};
	uint32_t w[IG1_CMD_WORDS] = { IG1_OP_V_EXPS }, back[IG1_CMD_WORDS];
	char text[IG1_DISASM_MAX], want[64];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		w[28] = cases[i].bits;
		snprintf(want, sizeof(want), "v.exps alpha=%s", cases[i].text);
		assert_true(ig1_disasm(w, text, sizeof(text)) > 0);
		assert_string_equal(text, want);
		assert_int_equal(ig1_asm_line(want, back, NULL, 0), 1);
		assert_memory_equal(w, back, sizeof(w));
	}
	assert_int_equal(ig1_asm_line("v.exps alpha=+12.50e-1", back, NULL, 0), 1);
	assert_int_equal(back[28], 0x3fa00000);
	assert_int_equal(ig1_asm_line("v.exps alpha=.5", back, NULL, 0), 1);
	assert_int_equal(back[28], 0x3f000000);
}

/* A locale with a decimal comma changes nothing; without one installed this is a plain repeat. */
static void test_locale(void **state)
{
	(void)state;
	if (!setlocale(LC_ALL, "de_DE.UTF-8") && !setlocale(LC_ALL, "de_DE.utf8"))
		print_message("# no locale with a decimal comma is installed\n");
	test_known_f32(state);
	setlocale(LC_ALL, "C");
}

static void test_lenient_input(void **state)
{
	uint32_t a[IG1_CMD_WORDS], b[IG1_CMD_WORDS];
	char err[IG1_ASM_ERR];

	(void)state;
	assert_int_equal(ig1_asm_line("s.li rd=r4 imm=255", a, err, sizeof(err)), 1);
	assert_int_equal(
		ig1_asm_line("  17:\ts.li  imm=0xfF rd=r04 # c=d ; e\r\n", b, err, sizeof(err)), 1);
	assert_memory_equal(a, b, sizeof(a));
	assert_int_equal(ig1_asm_line("", a, err, sizeof(err)), 0);
	assert_int_equal(ig1_asm_line(" \t ; nothing", a, err, sizeof(err)), 0);
	assert_int_equal(ig1_asm_line("# nothing", a, err, sizeof(err)), 0);
	assert_int_equal(ig1_asm_line("9:", a, err, sizeof(err)), 0);
	assert_memory_equal(a, b, sizeof(a));
	assert_int_equal(ig1_asm_line("v.mov a0=-32768 a1=-2147483648", a, err, sizeof(err)), 1);
	assert_int_equal(a[19], 0x8000);
	assert_int_equal(a[8], 0x80000000);
}

struct error_case {
	const char *line, *message;
};

static void test_errors(void **state)
{
	static const struct error_case cases[] = {
		{ "t.xx", "no command is called 't.xx'" },
		{ "T.MM", "no command is called 'T.MM'" },
		{ "t.mmx", "no command is called 't.mmx'" },
		{ "t.mm rows", "t.mm: 'rows' is not field=value" },
		{ "t.mm =1", "t.mm: no field is called ''" },
		{ "t.mm op=1", "t.mm: no field is called 'op'" },
		{ "t.mm idx=1", "t.mm: no field is called 'idx'" },
		{ "t.mm rows=", "t.mm: rows: '' is not a number" },
		{ "t.mm rows=-1", "t.mm: rows: '-1' is not a number" },
		{ "t.mm rows=1 rows=1", "t.mm: rows: given twice" },
		{ "t.mm rows=0 rows=1", "t.mm: rows: given twice" },
		{ "t.mm rows=4294967296", "t.mm: rows: '4294967296' does not fit 32 bits" },
		{ "t.mm rom=18446744073709551616",
		  "t.mm: rom: '18446744073709551616' does not fit 64 bits" },
		{ "t.mm rom=0x", "t.mm: rom: '0x' is not a number" },
		{ "t.mm rom=0x1g", "t.mm: rom: '0x1g' is not a number" },
		{ "t.mm wait=0x10000", "t.mm: wait: '0x10000' does not fit 16 bits" },
		{ "t.mm rx=9", "t.mm: rx: '9' is not a register r0..r31" },
		{ "t.mm rx=r32", "t.mm: rx: 'r32' does not fit 5 bits" },
		{ "t.mm rx=r", "t.mm: rx: 'r' is not a register r0..r31" },
		{ "t.mm fmt=1", "t.mm: fmt: no wfmt is called '1'" },
		{ "t.mm fmt=planes", "t.mm: fmt: 'planes' is reserved" },
		{ "t.mm alpha=1e39", "t.mm: alpha: '1e39' does not fit 32 bits" },
		{ "t.mm alpha=inf", "t.mm: alpha: 'inf' is not a decimal or f32:0x.." },
		{ "t.mm alpha=0x1p3", "t.mm: alpha: '0x1p3' is not a decimal or f32:0x.." },
		{ "t.mm alpha=1.2.3", "t.mm: alpha: '1.2.3' is not a decimal or f32:0x.." },
		{ "t.mm alpha=1e", "t.mm: alpha: '1e' is not a decimal or f32:0x.." },
		{ "t.mm alpha=1e99999", "t.mm: alpha: '1e99999' is not a decimal or f32:0x.." },
		{ "t.mm alpha=.", "t.mm: alpha: '.' is not a decimal or f32:0x.." },
		{ "t.mm alpha=f32:0x100000000",
		  "t.mm: alpha: 'f32:0x100000000' does not fit 32 bits" },
		{ "v.mov a0=32768", "v.mov: a0: '32768' does not fit 16 bits" },
		{ "v.mov a0=-32769", "v.mov: a0: '-32769' does not fit 16 bits" },
		{ "v.mov a0=--1", "v.mov: a0: '--1' is not a number" },
		{ "v.mov b0=1", "v.mov: b0: not used by this command" },
		{ "v.mov b0=0", "v.mov: b0: not used by this command" },
		{ "t.qk dims=1", "t.qk: dims: not used by this command" },
		{ "s.li alu=add", "s.li: alu: not used by this command" },
		{ ".word", ".word: 0 words, not 32" },
		{ ".word 0x1 2 3", ".word: 3 words, not 32" },
		{ ".word 0x100000000", ".word: word 0: '0x100000000' is not a 32-bit number" },
		{ ".word x", ".word: word 0: 'x' is not a 32-bit number" },
		{ "s.end \x01\xff", "s.end: '\?\?' is not field=value" },
	};
	char err[IG1_ASM_ERR], line[512];
	uint32_t w[IG1_CMD_WORDS], keep[IG1_CMD_WORDS];
	size_t i;

	(void)state;
	memset(w, 0xa5, sizeof(w));
	memcpy(keep, w, sizeof(w));
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(ig1_asm_line(cases[i].line, w, err, sizeof(err)), -EINVAL);
		assert_string_equal(err, cases[i].message);
		assert_memory_equal(w, keep, sizeof(w));
		assert_int_equal(ig1_asm_line(cases[i].line, w, NULL, 0), -EINVAL);
		assert_int_equal(ig1_asm_line(cases[i].line, w, err, 4), -EINVAL);
		assert_int_equal(strlen(err), 3);
	}
	strcpy(line, ".word");
	for (i = 0; i < 33; i++)
		strcat(line, " 1");
	assert_int_equal(ig1_asm_line(line, w, err, sizeof(err)), -EINVAL);
	assert_string_equal(err, ".word: more than 32 words");
	/* A NUL is a byte like another, and long tokens are cut in messages. */
	assert_int_equal(ig1_asm_line_n("s.end\0", 6, w, err, sizeof(err)), -EINVAL);
	assert_string_equal(err, "no command is called 's.end?'");
	memset(line, 'x', sizeof(line));
	assert_int_equal(ig1_asm_line_n(line, sizeof(line), w, err, sizeof(err)), -EINVAL);
	assert_string_equal(err, "no command is called 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...'");
}

static void test_program(void **state)
{
	static const char text[] = "# two commands\n\n0: s.li rd=r3 imm=0x10\n1: s.end";
	uint8_t *bytes = malloc(300 * IG1_COMMAND_BYTES);
	char err[IG1_ASM_ERR], *out;
	size_t n, len, i;
	void *prog;

	(void)state;
	assert_non_null(bytes);
	assert_int_equal(ig1_asm_program(text, strlen(text), &prog, &n, err, sizeof(err)), 0);
	assert_int_equal(n, 2 * IG1_COMMAND_BYTES);
	assert_int_equal(((uint8_t *)prog)[0], IG1_OP_S_LI);
	assert_int_equal(((uint8_t *)prog)[8], 3);
	assert_int_equal(((uint8_t *)prog)[16], 0x10);
	assert_int_equal(((uint8_t *)prog)[128], IG1_OP_S_END);
	assert_int_equal(ig1_disasm_program(prog, n, 1, &out, &len), 0);
	assert_string_equal(out, "    0: s.li rd=r3 imm=0x10\n    1: s.end\n");
	assert_int_equal(len, strlen(out));
	free(out);
	assert_int_equal(ig1_disasm_program(prog, n - 1, 0, &out, &len), -EINVAL);
	assert_null(out);
	free(prog);

	for (i = 0; i < 300 * IG1_COMMAND_BYTES; i++)
		bytes[i] = (uint8_t)rnd();
	for (i = 0; i < 300; i += 2)
		random_valid((uint32_t *)(bytes + i * IG1_COMMAND_BYTES));
	assert_int_equal(ig1_disasm_program(bytes, 300 * IG1_COMMAND_BYTES, 1, &out, &len), 0);
	assert_int_equal(ig1_asm_program(out, len, &prog, &n, err, sizeof(err)), 0);
	assert_int_equal(n, 300 * IG1_COMMAND_BYTES);
	assert_memory_equal(prog, bytes, n);
	free(prog);
	free(out);
	free(bytes);

	assert_int_equal(ig1_asm_program("s.end\n\ns.end x\n", 15, &prog, &n, err, sizeof(err)),
			 -EINVAL);
	assert_string_equal(err, "line 3: s.end: 'x' is not field=value");
	assert_null(prog);
	assert_int_equal(ig1_asm_program("", 0, &prog, &n, err, sizeof(err)), 0);
	assert_null(prog);
	assert_int_equal(n, 0);
	assert_int_equal(ig1_disasm_program(NULL, 0, 0, &out, &len), 0);
	assert_string_equal(out, "");
	free(out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_valid),
		cmocka_unit_test(test_random_bits),
		cmocka_unit_test(test_every_f32_exponent),
		cmocka_unit_test(test_length),
		cmocka_unit_test(test_known_text),
		cmocka_unit_test(test_known_f32),
		cmocka_unit_test(test_locale),
		cmocka_unit_test(test_lenient_input),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_program),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
