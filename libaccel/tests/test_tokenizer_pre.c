// SPDX-License-Identifier: MIT
/*
 * Pre-tokenizer expressions: pieces worked out by hand from the expressions, names and aliases,
 * and the properties every split has.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "../core/tokenizer_internal.h"
#include "tokenizer_fixture.h"

#define SEED 20260902

/* Contractions, digits, runs of spaces before a word, line ends, punctuation at the end. */
#define TEXT "I'll pay 12345 euros,  isn't\n\n  it?"

static const struct {
	enum tokenizer_pre_kind kind;
	const char *text;
	const char *piece[28];
} split[] = {
	{ TOKENIZER_PRE_GPT2,
	  TEXT,
	  { "I", "'ll", " pay", " 12345", " euros", ",", " ", " isn", "'t", "\n\n ", " it", "?" } },
	{ TOKENIZER_PRE_DEFAULT,
	  TEXT,
	  { "I", "'", "ll", " pay", " ", "123", "45", " euros", ",", " ", " isn", "'", "t", "\n\n ",
	    " it", "?" } },
	{ TOKENIZER_PRE_LLAMA3,
	  TEXT,
	  { "I", "'ll", " pay", " ", "123", "45", " euros", ",", " ", " isn", "'t", "\n\n", " ",
	    " it", "?" } },
	{ TOKENIZER_PRE_QWEN2,
	  TEXT,
	  { "I", "'ll", " pay", " ", "1", "2", "3", "4", "5", " euros", ",", " ", " isn", "'t",
	    "\n\n", " ", " it", "?" } },
	{ TOKENIZER_PRE_QWEN35,
	  TEXT,
	  { "I", "'ll", " pay", " ", "1", "2", "3", "4", "5", " euros", ",", " ", " isn", "'t",
	    "\n\n", " ", " it", "?" } },
	{ TOKENIZER_PRE_SMOLLM,
	  TEXT,
	  { "I", "'ll", " pay", " ", "1", "2", "3", "4", "5", " euros", ",", " ", " isn", "'t",
	    "\n\n ", " it", "?" } },
	{ TOKENIZER_PRE_AFMOE,
	  TEXT,
	  { "I", "'ll", " pay", " ", "12", "345", " euros", ",", " ", " isn", "'t", "\n\n", " ",
	    " it", "?" } },
	{ TOKENIZER_PRE_DEEPSEEK3,
	  TEXT,
	  { "I", "'ll", " pay", " ", "123", "45", " euros", ",", " ", " isn", "'t", "\n\n", " ",
	    " it", "?" } },
	{ TOKENIZER_PRE_TEKKEN,
	  TEXT,
	  { "I", "'ll", " pay", " ", "1", "2", "3", "4", "5", " euros", ",", " ", " isn", "'t",
	    "\n\n", " ", " it", "?" } },
	{ TOKENIZER_PRE_GPT4O,
	  TEXT,
	  { "I'll", " pay", " ", "123", "45", " euros", ",", " ", " isn't", "\n\n", " ", " it",
	    "?" } },
	{ TOKENIZER_PRE_DEEPSEEK_LLM, TEXT, { "I", "'", "ll", " pay",	" ", "1",   "2",
					      "3", "4", "5",  " euros", ",", " ",   " isn",
					      "'", "t", "\n", "\n",	" ", " it", "?" } },
	{ TOKENIZER_PRE_DEEPSEEK_CODER, TEXT, { "I", "'", "ll", " pay",	  " ", "1",   "2",
						"3", "4", "5",	" euros", ",", " ",   " isn",
						"'", "t", "\n", "\n",	  " ", " it", "?" } },
	{ TOKENIZER_PRE_KIMI_K2,
	  TEXT,
	  { "I'll", " pay", " ", "123", "45", " euros", ",", " ", " isn't", "\n\n", " ", " it",
	    "?" } },

	/* Upper-case contractions only where the expression ignores case. */
	{ TOKENIZER_PRE_GPT2, "IT'S", { "IT", "'", "S" } },
	{ TOKENIZER_PRE_LLAMA3, "IT'S", { "IT", "'S" } },
	{ TOKENIZER_PRE_QWEN2, "IT'S", { "IT", "'S" } },
	/* Combining marks: letters for qwen35 only. */
	{ TOKENIZER_PRE_QWEN2, "e\u0301a", { "e", "\u0301a" } },
	{ TOKENIZER_PRE_QWEN35, "e\u0301a", { "e\u0301a" } },
	/* Case changes. */
	{ TOKENIZER_PRE_TEKKEN,
	  "HTTPServer parseJSON aB",
	  { "HTTPServer", " parse", "JSON", " a", "B" } },
	{ TOKENIZER_PRE_GPT4O, "HTTPServer parseJSON", { "HTTPServer", " parse", "JSON" } },
	{ TOKENIZER_PRE_LLAMA3, "HTTPServer parseJSON", { "HTTPServer", " parseJSON" } },
	/* A slash belongs to punctuation's line ends in tekken and gpt-4o. */
	{ TOKENIZER_PRE_TEKKEN, "a?/\n/b", { "a", "?/\n/", "b" } },
	{ TOKENIZER_PRE_LLAMA3, "a?/\n/b", { "a", "?/\n", "/b" } },
	/* Punctuation takes the letters after it (deepseek), or the space before it. */
	{ TOKENIZER_PRE_DEEPSEEK3, "a (b) _c $d", { "a", " (", "b", ")", " _", "c", " $", "d" } },
	{ TOKENIZER_PRE_DEEPSEEK3, "(b)_c", { "(b", ")_", "c" } },
	/* Punctuation with the space before it, as long as it is not of the East. */
	{ TOKENIZER_PRE_DEEPSEEK_LLM, "a (b)  += c", { "a", " (", "b", ")", " ", " +=", " c" } },
	{ TOKENIZER_PRE_DEEPSEEK_CODER, "a (b) + c", { "a", " (", "b", ")", " +", " c" } },
	{ TOKENIZER_PRE_DEEPSEEK_LLM,
	  "x \u2014\u3002\uff01",
	  { "x", " ", "\u2014", "\u3002", "\uff01" } },
	{ TOKENIZER_PRE_DEEPSEEK_CODER, "x \u2014\u3002", { "x", " ", "\u2014\u3002" } },
	/* Letters: those of scripts with case in deepseek-llm, all in deepseek-coder. */
	{ TOKENIZER_PRE_DEEPSEEK_LLM, "b привет \u05d0", { "b", " привет", " \u05d0" } },
	{ TOKENIZER_PRE_DEEPSEEK_LLM,
	  " \U00010400\U0001e943\u00b5!",
	  { " \U00010400\U0001e943\u00b5", "!" } },
	/* the punctuation's range has ASCII letters: words of both are cut again */
	{ TOKENIZER_PRE_DEEPSEEK_LLM, " caf\u00e9s", { " caf", "\u00e9", "s" } },
	{ TOKENIZER_PRE_DEEPSEEK_LLM, "a\u05d0b", { "a", "\u05d0", "b" } },
	{ TOKENIZER_PRE_DEEPSEEK_CODER, "a\u05d0b", { "a\u05d0b" } },
	/* Spaces at the end of the piece, and those that are not. */
	{ TOKENIZER_PRE_DEEPSEEK_LLM, "日  ", { "日", "  " } },
	{ TOKENIZER_PRE_DEEPSEEK_LLM, "日  日  \n", { "日", "  ", "日", "  ", "\n" } },
	{ TOKENIZER_PRE_DEEPSEEK_LLM, "\u05d0  ", { "\u05d0", "  " } },
	{ TOKENIZER_PRE_DEEPSEEK_LLM, "\u05d0  \u05d1", { "\u05d0  \u05d1" } },
	/* kimi-k2: Han is no letter of other words, and CJK punctuation no Han. */
	{ TOKENIZER_PRE_KIMI_K2, "abc日本語かな def", { "abc", "日本語", "かな", " def" } },
	{ TOKENIZER_PRE_KIMI_K2, "x  中文。a", { "x", " ", " ", "中文", "。a" } },
	{ TOKENIZER_PRE_KIMI_K2,
	  "HTTPServer IT'S 1234",
	  { "HTTPServer", " IT'S", " ", "123", "4" } },
	{ TOKENIZER_PRE_KIMI_K2, "a?/\n/b", { "a", "?/\n", "/b" } },
	{ TOKENIZER_PRE_KIMI_K2, "e\u0301A", { "e\u0301", "A" } },
	/* CJK runs are cut out first. */
	{ TOKENIZER_PRE_GPT2, "abc日本語かな def", { "abc日本語かな", " def" } },
	{ TOKENIZER_PRE_DEEPSEEK3, "abc日本語かな def", { "abc", "日本語かな", " def" } },
	{ TOKENIZER_PRE_AFMOE, "abc한국어ア def", { "abc", "한국어ア", " def" } },
	/* Digits in threes from the right. */
	{ TOKENIZER_PRE_AFMOE, "12", { "12" } },
	{ TOKENIZER_PRE_AFMOE, "123456", { "123", "456" } },
	{ TOKENIZER_PRE_AFMOE, "a1234567b", { "a", "1", "234", "567", "b" } },
	{ TOKENIZER_PRE_AFMOE, "١٢٣٤", { "١", "٢٣٤" } },
	{ TOKENIZER_PRE_DEEPSEEK3, "1234567", { "123", "456", "7" } },
	{ TOKENIZER_PRE_DEFAULT, "x=1234567;", { "x", "=", "123", "456", "7", ";" } },
	/* \s knows the other spaces; a line end after spaces. */
	{ TOKENIZER_PRE_LLAMA3,
	  "a \u3000b  \r\nc\t\td ",
	  { "a", " ", "\u3000b", "  \r\n", "c", "\t", "\td", " " } },
	{ TOKENIZER_PRE_GPT2, "a\n b\r\n", { "a", "\n", " b", "\r\n" } },
	{ TOKENIZER_PRE_GPT2, "", { NULL } },
	{ TOKENIZER_PRE_GPT2, "\n", { "\n" } },
	{ TOKENIZER_PRE_SMOLLM, "v1.2", { "v", "1", ".", "2" } },
};

static void check(size_t i)
{
	struct pre_ends ends = { 0 }, tmp = { 0 };
	struct tokenizer_pre *pre;
	const char *text = split[i].text;
	size_t k, at = 0;

	assert_int_equal(tokenizer_pre_create(split[i].kind, &pre, NULL), 0);
	assert_int_equal(
		tokenizer_pre_split(pre, (const uint8_t *)text, strlen(text), &ends, &tmp, NULL),
		0);
	for (k = 0; k < ends.n; k++) {
		const char *want = split[i].piece[k];

		if (!want || strlen(want) != ends.v[k] - at ||
		    strncmp(want, text + at, ends.v[k] - at))
			fail_msg("case %zu (kind %d, '%s'): piece %zu is '%.*s', expected '%s'", i,
				 (int)split[i].kind, text, k, (int)(ends.v[k] - at), text + at,
				 want ? want : "(none)");
		at = ends.v[k];
	}
	assert_null(split[i].piece[k]);
	assert_int_equal(at, strlen(text));
	free(ends.v);
	free(tmp.v);
	tokenizer_pre_destroy(pre);
}

static void test_by_hand(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(split) / sizeof(split[0]); i++)
		check(i);
	print_message("# %zu splits\n", i);
}

/* Pieces are not empty, cover the text, and never cut a code point. */
static void test_properties(void **state)
{
	struct pre_ends ends = { 0 }, tmp = { 0 };
	struct rnd r = { SEED };
	uint8_t buf[600];
	unsigned int kind, i;

	(void)state;
	for (kind = TOKENIZER_PRE_DEFAULT; kind < TOKENIZER_PRE_COUNT; kind++) {
		struct tokenizer_pre *pre;

		assert_int_equal(tokenizer_pre_create(kind, &pre, NULL), 0);
		for (i = 0; i < 500; i++) {
			static const uint32_t odd[] = { ' ',	' ',	'\n',	'\r',	'\t',
							'\'',	'1',	'2',	's',	'A',
							'.',	'/',	0x301,	0x2028, 0xa0,
							0x4e00, 0x3042, 0xac00, 0x661,	0 };
			size_t n = 0, k, at = 0;

			while (n < 500 && rnd_next(&r, 30)) {
				uint32_t c = rnd_next(&r, 4) ? odd[rnd_next(&r, 20)]
							     : rnd_next(&r, 0xd800);

				n += (size_t)tok_utf8_put(c, buf + n);
			}
			assert_int_equal(tokenizer_pre_split(pre, buf, n, &ends, &tmp, NULL), 0);
			for (k = 0; k < ends.n; k++) {
				assert_true(ends.v[k] > at);
				at = ends.v[k];
				assert_true(at == n || (buf[at] & 0xc0) != 0x80);
			}
			assert_int_equal(at, n);
		}
		tokenizer_pre_destroy(pre);
	}
	free(ends.v);
	free(tmp.v);
}

/* Long runs take linear time and stay inside of the limits. */
static void test_long(void **state)
{
	static const char *const unit[] = { " ",  "\n",	 "a", "A",	"1",  ".",
					    "日", " \n", "'", "\u0301", "Aa", "  x" };
	struct pre_ends ends = { 0 }, tmp = { 0 };
	const size_t len = 200000;
	uint8_t *buf = malloc(len);
	unsigned int kind;
	size_t u;

	(void)state;
	assert_non_null(buf);
	for (kind = TOKENIZER_PRE_DEFAULT; kind < TOKENIZER_PRE_COUNT; kind++) {
		struct tokenizer_pre *pre;

		assert_int_equal(tokenizer_pre_create(kind, &pre, NULL), 0);
		for (u = 0; u < sizeof(unit) / sizeof(unit[0]); u++) {
			size_t k = strlen(unit[u]), n;
			char err[TOKENIZER_ERR_LEN];

			for (n = 0; n + k <= len; n += k)
				memcpy(buf + n, unit[u], k);
			if (tokenizer_pre_split(pre, buf, n, &ends, &tmp, err))
				fail_msg("kind %u, '%s': %s", kind, unit[u], err);
			assert_int_equal(ends.v[ends.n - 1], n);
		}
		/* a run that does not end where the piece does */
		memset(buf, ' ', len);
		buf[len - 1] = '1';
		assert_int_equal(tokenizer_pre_split(pre, buf, len, &ends, &tmp, NULL), 0);
		tokenizer_pre_destroy(pre);
	}
	free(buf);
	free(ends.v);
	free(tmp.v);
}

static void test_names(void **state)
{
	static const struct {
		const char *name;
		int kind; /* -1: unknown */
		unsigned int implied;
	} v[] = {
		{ "default", TOKENIZER_PRE_DEFAULT, 0 },
		{ "gpt-2", TOKENIZER_PRE_GPT2, 0 },
		{ "llama-bpe", TOKENIZER_PRE_LLAMA3, 9 },
		{ "llama3", TOKENIZER_PRE_LLAMA3, 9 },
		{ "llama-v3", TOKENIZER_PRE_LLAMA3, 9 },
		{ "qwen2", TOKENIZER_PRE_QWEN2, 0 },
		{ "deepseek-r1-qwen", TOKENIZER_PRE_QWEN2, 0 },
		{ "qwen35", TOKENIZER_PRE_QWEN35, 0 },
		{ "smollm", TOKENIZER_PRE_SMOLLM, 0 },
		{ "starcoder", TOKENIZER_PRE_SMOLLM, 0 },
		{ "refact", TOKENIZER_PRE_SMOLLM, 0 },
		{ "afmoe", TOKENIZER_PRE_AFMOE, 0 },
		{ "deepseek-v3", TOKENIZER_PRE_DEEPSEEK3, 0 },
		{ "deepseek-llm", TOKENIZER_PRE_DEEPSEEK_LLM, 0 },
		{ "deepseek-coder", TOKENIZER_PRE_DEEPSEEK_CODER, 0 },
		{ "kimi-k2", TOKENIZER_PRE_KIMI_K2, 0 },
		{ "tekken", TOKENIZER_PRE_TEKKEN, 9 },
		{ "gpt-4o", TOKENIZER_PRE_GPT4O, 0 },
		{ "gpt-22", -1, 0 },
		{ "gpt-", -1, 0 },
		{ "", -1, 0 },
	};
	enum tokenizer_pre_kind kind;
	unsigned int implied;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		int r = tokenizer_pre_lookup(v[i].name, strlen(v[i].name), &kind, &implied);

		assert_int_equal(r, v[i].kind < 0 ? -ENOTSUP : 0);
		if (!r) {
			assert_int_equal(kind, v[i].kind);
			assert_int_equal(implied, v[i].implied);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_by_hand),
		cmocka_unit_test(test_properties),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_names),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("tokenizer_pre", tests, NULL, NULL);
}
