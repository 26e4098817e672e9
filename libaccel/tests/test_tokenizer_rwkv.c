// SPDX-License-Identifier: MIT
/*
 * RWKV's tokenizer: escapes, pieces worked out by hand, random vocabularies against a naive search,
 * what is refused.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tokenizer_le.h"
#include "tokenizer_fixture.h"
#include "tokenizer_unescape.h"

#define SEED 20261122

/* As a file has it: escapes, and both of Python's quotes as they come. */
static const char *const word[] = {
	"<s>",	 "\\n",	       "\\n\\n",     "\\t",
	" ",	 "a",	       "ab",	     "abcd",
	"abce",	 "b",	       "c",	     "d",
	"e",	 "\\xe6",      "\\x97\\xa5", "\\xe6\\x97\\xa5\\xe6",
	"\\x00", "\\xff\\xfe", "'",	     "\\'s",
	"\\\\",	 "\\\\n",      "[PAD1]",     " the",
	"\\\"",
};
#define N_WORD (sizeof(word) / sizeof(word[0]))

static void by_hand(struct fixture *f)
{
	size_t i;

	memset(f, 0, sizeof(*f));
	tokenizer_desc_init(&f->desc);
	f->tokens = calloc(N_WORD, sizeof(*f->tokens));
	f->types = calloc(N_WORD, sizeof(*f->types));
	assert_true(f->tokens && f->types);
	for (i = 0; i < N_WORD; i++) {
		f->tokens[i] = lit(word[i]);
		f->types[i] = TOKENIZER_NORMAL;
	}
	f->types[0] = TOKENIZER_CONTROL;
	f->types[22] = TOKENIZER_UNUSED;
	f->desc.model = lit("rwkv");
	f->desc.tokens = f->tokens;
	f->desc.types = f->types;
	f->desc.n_tokens = N_WORD;
	f->desc.ids[TOKENIZER_BOS] = f->desc.ids[TOKENIZER_EOS] = 0;
	f->desc.ids[TOKENIZER_EOT] = 2;
}

static void test_unescape(void **state)
{
	static const struct {
		const char *in, *out;
		size_t n;
		int ret;
	} v[] = {
		{ "", "", 0, 0 },
		{ "ab", "ab", 2, 0 },
		{ "\\t\\n\\r", "\t\n\r", 3, 0 },
		{ "\\x00\\xfF", "\0\xff", 2, 0 },
		{ "\\\\x41", "\\x41", 4, 0 },
		{ "\\'\\\"\\q", "'\"q", 3, 0 },
		{ "a\\", "", 0, -EINVAL },
		{ "\\x", "", 0, -EINVAL },
		{ "\\x4", "", 0, -EINVAL },
		{ "\\xg0", "", 0, -EINVAL },
		{ "\\x0g", "", 0, -EINVAL },
		{ "\xc3\xa9", "\xc3\xa9", 2, 0 },
	};
	char out[16];
	size_t i, n;

	(void)state;
	for (i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		size_t len = strlen(v[i].in);
		char *in = malloc(len ? len : 1); /* exact, for ASan */

		assert_non_null(in);
		memcpy(in, v[i].in, len);
		assert_int_equal(tokenizer_unescape(in, len, out, &n), v[i].ret);
		if (!v[i].ret) {
			assert_int_equal(n, v[i].n);
			assert_memory_equal(out, v[i].out, n);
		}
		free(in);
	}
}

static void test_by_hand(void **state)
{
	static const struct {
		const char *text;
		size_t n;
		unsigned int flags;
		int32_t ids[12]; /* -1 ends */
		size_t invalid, unknown;
	} v[] = {
		{ "", 0, 0, { -1 }, 0, 0 },
		{ "abcd", 4, 0, { 7, -1 }, 0, 0 },
		/* the longest that fits, not a prefix of one that does not */
		{ "abcab", 5, 0, { 6, 10, 6, -1 }, 0, 0 },
		{ "abce abc", 8, 0, { 8, 4, 6, 10, -1 }, 0, 0 },
		{ "\n\n\n", 3, 0, { 2, 1, -1 }, 0, 0 },
		{ "a'sa'", 5, 0, { 5, 19, 5, 18, -1 }, 0, 0 },
		{ "\\n\\", 3, 0, { 21, 20, -1 }, 0, 0 },
		{ "\0a", 2, 0, { 16, 5, -1 }, 0, 0 },
		{ "日", 3, 0, { 13, 14, -1 }, 0, 0 },
		{ "日\xe6\x97", 5, 0, { 15, -1 }, 2, 1 },
		{ "\xff\xfe", 2, 0, { 17, -1 }, 2, 0 },
		{ "[PAD1]", 6, 0, { 22, -1 }, 0, 0 },
		{ "a the\"", 6, 0, { 5, 23, 24, -1 }, 0, 0 },
		/* the control token: asked for only; no bos by itself */
		{ "<s>ab", 5, TOKENIZER_PARSE_SPECIAL, { 0, 6, -1 }, 0, 0 },
		{ "<s>ab", 5, 0, { 6, -1 }, 0, 3 },
		{ "ab", 2, TOKENIZER_AUTO, { 6, -1 }, 0, 0 },
		{ "ab", 2, TOKENIZER_WITH_BOS, { 0, 6, -1 }, 0, 0 },
	};
	struct tokenizer_bytes out = { 0 };
	struct tokenizer_ids ids = { 0 };
	struct tokenizer_stats st;
	struct fixture f;
	size_t i, k;

	(void)state;
	by_hand(&f);
	fixture_build(&f);
	assert_int_equal(tokenizer_model(f.t), TOKENIZER_RWKV);
	assert_int_equal(tokenizer_blob_flags(f.t), 0);
	assert_true(tokenizer_is_eog(f.t, 0) && tokenizer_is_eog(f.t, 2));
	assert_false(tokenizer_is_eog(f.t, 1));
	assert_int_equal(tokenizer_find(f.t, "\n\n", 2), 2);
	for (i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		ids.n = out.n = 0;
		assert_int_equal(
			tokenizer_encode(f.t, v[i].text, v[i].n, v[i].flags, &ids, &st, NULL), 0);
		for (k = 0; k < ids.n; k++) {
			if (v[i].ids[k] != ids.v[k])
				fail_msg("case %zu: token %zu is %d, expected %d", i, k, ids.v[k],
					 v[i].ids[k]);
		}
		assert_int_equal(v[i].ids[k], -1);
		assert_int_equal(st.invalid_bytes, v[i].invalid);
		assert_int_equal(st.unknown_bytes, v[i].unknown);
		if (v[i].flags || v[i].unknown)
			continue;
		assert_int_equal(tokenizer_decode(f.t, ids.v, ids.n, 0, &out), 0);
		assert_int_equal(out.n, v[i].n);
		assert_memory_equal(out.v, v[i].text, out.n);
	}
	tokenizer_ids_free(&ids);
	tokenizer_bytes_free(&out);
	fixture_free(&f);
}

/* A token that no text becomes, and an unknown one for what no token is. */
static void test_unknown(void **state)
{
	struct tokenizer_ids ids = { 0 };
	struct tokenizer_stats st;
	struct fixture f;

	(void)state;
	by_hand(&f);
	f.desc.ids[TOKENIZER_UNK] = 0;
	f.tokens[23] = lit("<0x7A>");
	f.types[23] = TOKENIZER_BYTE;
	fixture_build(&f);
	assert_int_equal(tokenizer_encode(f.t, "xaz", 3, 0, &ids, &st, NULL), 0);
	assert_int_equal(ids.n, 3);
	assert_int_equal(ids.v[0], 0);
	assert_int_equal(ids.v[1], 5);
	assert_int_equal(ids.v[2], 23);
	assert_int_equal(st.unknown_bytes, 1);
	tokenizer_ids_free(&ids);
	fixture_free(&f);
}

static int32_t naive(const struct fixture *f, const uint8_t *p, size_t n)
{
	size_t i, best = 0;
	int32_t id = -1;

	for (i = 0; i < f->desc.n_tokens; i++) {
		const struct tokenizer_str *s = &f->tokens[i];

		if (s->n > best && s->n <= n && !memcmp(s->p, p, s->n)) {
			best = s->n;
			id = (int32_t)i;
		}
	}
	return id;
}

static void test_random(void **state)
{
	enum { ROUNDS = 60, TOKENS = 400, TEXT = 2000 };
	struct tokenizer_bytes out = { 0 };
	struct tokenizer_ids ids = { 0 };
	struct rnd r = { SEED };
	size_t i, k, at, total = 0;
	unsigned int round;

	(void)state;
	for (round = 0; round < ROUNDS; round++) {
		unsigned int letters = 2 + rnd_next(&r, 5);
		char text[TOKENS][8], prompt[TEXT];
		struct fixture f = { 0 };

		tokenizer_desc_init(&f.desc);
		f.tokens = calloc(TOKENS, sizeof(*f.tokens));
		assert_non_null(f.tokens);
		/* every letter, from 0xfd on over zero, so that the order of bytes matters */
		for (i = 0; i < TOKENS; i++) {
			size_t n = i < letters ? 1 : 1 + rnd_next(&r, 8), other;

			for (k = 0; k < n; k++)
				text[i][k] =
					(char)(0xfd + (i < letters ? i : rnd_next(&r, letters)));
			for (other = 0; other < f.desc.n_tokens; other++) {
				if (f.tokens[other].n == n &&
				    !memcmp(f.tokens[other].p, text[i], n))
					break;
			}
			if (other == f.desc.n_tokens)
				f.tokens[f.desc.n_tokens++] = (struct tokenizer_str){ text[i], n };
		}
		f.desc.model = lit("rwkv");
		f.desc.tokens = f.tokens;
		fixture_build(&f);
		for (i = 0; i < TEXT; i++)
			prompt[i] = (char)(0xfd + rnd_next(&r, letters));
		ids.n = out.n = 0;
		assert_int_equal(tokenizer_encode(f.t, prompt, TEXT, 0, &ids, NULL, NULL), 0);
		for (i = at = 0; i < ids.n; i++) {
			int32_t want = naive(&f, (uint8_t *)prompt + at, TEXT - at);

			if (ids.v[i] != want)
				fail_msg("round %u, byte %zu: token %d, expected %d", round, at,
					 ids.v[i], want);
			at += f.tokens[want].n;
		}
		assert_int_equal(at, TEXT);
		assert_int_equal(tokenizer_decode(f.t, ids.v, ids.n, 0, &out), 0);
		assert_int_equal(out.n, TEXT);
		assert_memory_equal(out.v, prompt, TEXT);
		total += ids.n;
		fixture_free(&f);
	}
	print_message("# %d vocabularies, %zu tokens, seed %d\n", ROUNDS, total, SEED);
	tokenizer_ids_free(&ids);
	tokenizer_bytes_free(&out);
}

static void test_refuses(void **state)
{
	char err[TOKENIZER_ERR_LEN], big[TOKENIZER_MAX_RWKV + 1];
	struct tokenizer *t;
	struct fixture f;
	uint8_t *p;

	(void)state;
	by_hand(&f);
	f.tokens[5] = lit("a\\x9");
	fixture_refuse(&f.desc, -EINVAL, "tokenizer.ggml.tokens[5]: 'a\\x9': broken escape");
	f.tokens[5] = lit("\\x61b");
	fixture_refuse(&f.desc, -EINVAL, "tokenizer.ggml.tokens[6]: same text as token 5");
	memset(big, 'x', sizeof(big));
	f.tokens[5] = (struct tokenizer_str){ big, sizeof(big) };
	fixture_refuse(&f.desc, -E2BIG, "tokenizer.ggml.tokens[5]");
	f.tokens[5].n--;
	fixture_build(&f);

	p = f.blob;
	p[17] = TOKENIZER_PRE_GPT2;
	assert_int_equal(tokenizer_create(p, f.len, &t, err), -EINVAL);
	assert_non_null(strstr(err, "pre-tokenizer is"));
	p[17] = TOKENIZER_PRE_NONE;
	put_le32(p + 24, 1);
	assert_int_equal(tokenizer_create(p, f.len, &t, err), -EINVAL);
	assert_non_null(strstr(err, "n_merges is"));
	put_le32(p + 24, 0);
	put_le32(p + TOKENIZER_BLOB_HEADER + 5 * TOKENIZER_BLOB_TOKEN, TOKENIZER_MAX_RWKV + 1);
	assert_int_equal(tokenizer_create(p, f.len, &t, err), -EINVAL);
	assert_non_null(strstr(err, "tokens[5].length"));
	fixture_free(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unescape), cmocka_unit_test(test_by_hand),
		cmocka_unit_test(test_unknown),	 cmocka_unit_test(test_random),
		cmocka_unit_test(test_refuses),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("tokenizer_rwkv", tests, NULL, NULL);
}
