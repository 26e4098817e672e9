// SPDX-License-Identifier: MIT
/*
 * Tokenizer: ids of llama.cpp for the demo models' SPM vocabulary; BPE and SPM against naive
 * quadratic merging on strings; round trips; streams. The pre-tokenizer and hostile blobs are in
 * test_tokenizer_pre.c and test_tokenizer_blob.c.
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

#define SEED 20260901

static void assert_ids(const char *what, const struct tokenizer_ids *got, const json_t *want)
{
	size_t i;

	for (i = 0; i < got->n && i < json_array_size(want); i++) {
		int64_t w = json_integer_value(json_array_get(want, i));

		if (got->v[i] != w)
			fail_msg("'%.60s': token %zu is %d, expected %lld", what, i, got->v[i],
				 (long long)w);
	}
	if (got->n != json_array_size(want))
		fail_msg("'%.60s': %zu tokens, expected %zu", what, got->n, json_array_size(want));
}

static void encode(const struct tokenizer *t, const void *p, size_t n, unsigned int flags,
		   struct tokenizer_ids *ids, struct tokenizer_stats *st)
{
	char err[TOKENIZER_ERR_LEN] = "";

	ids->n = 0;
	if (tokenizer_encode(t, p, n, flags, ids, st, err))
		fail_msg("encode: %s", err);
}

static void check_text(const struct tokenizer *t, const json_t *text, const json_t *want,
		       unsigned int flags)
{
	struct tokenizer_ids ids = { 0 };
	struct tokenizer_bytes back = { 0 };

	assert_non_null(want);
	encode(t, json_string_value(text), json_string_length(text), flags, &ids, NULL);
	assert_ids(json_string_value(text), &ids, want);
	assert_int_equal(tokenizer_decode(t, ids.v, ids.n, 0, &back), 0);
	if (!strstr(json_string_value(text), "▁")) { /* that one comes back as a space */
		assert_int_equal(back.n, json_string_length(text));
		assert_memory_equal(back.v, json_string_value(text), back.n);
	}
	tokenizer_ids_free(&ids);
	tokenizer_bytes_free(&back);
}

static void test_spm_cases(void **state)
{
	json_t *cases = fixture_json("spm512_cases.json"), *c;
	struct fixture f;
	size_t i;

	(void)state;
	fixture_desc(&f, "spm512.json");
	fixture_build(&f);
	json_array_foreach(cases, i, c)
	{
		const json_t *text = json_object_get(c, "text");

		check_text(f.t, text, json_object_get(c, "ids"), 0);
		check_text(f.t, text, json_object_get(c, "ids_with_bos"), TOKENIZER_AUTO);
		check_text(f.t, text, json_object_get(c, "ids_with_bos"), TOKENIZER_WITH_BOS);
	}
	print_message("# %zu strings\n", i);
	assert_true(i >= 28);
	json_decref(cases);
	fixture_free(&f);
}

static void test_spm_texts(void **state)
{
	json_t *doc = fixture_json("spm512_texts.json"), *c;
	struct tokenizer_ids ids = { 0 };
	struct tokenizer_bytes out = { 0 };
	struct fixture f;
	size_t i, k;

	(void)state;
	fixture_desc(&f, "spm512.json");
	fixture_build(&f);
	json_array_foreach(json_object_get(doc, "with_bos"), i, c) check_text(
		f.t, json_object_get(c, "text"), json_object_get(c, "ids"), TOKENIZER_AUTO);
	assert_int_equal(i, 6);
	json_array_foreach(json_object_get(doc, "without_bos"), i, c)
		check_text(f.t, json_object_get(c, "text"), json_object_get(c, "ids"), 0);
	assert_int_equal(i, 1);
	json_array_foreach(json_object_get(doc, "generated"), i, c)
	{
		const json_t *want = json_object_get(c, "text"), *v = json_object_get(c, "ids");

		ids.n = 0;
		out.n = 0;
		for (k = 0; k < json_array_size(v); k++)
			assert_int_equal(tok_push_id(&ids, (int32_t)json_integer_value(
								   json_array_get(v, k))),
					 0);
		assert_int_equal(tokenizer_decode(f.t, ids.v, ids.n, TOKENIZER_CONTINUE, &out), 0);
		assert_int_equal(out.n, json_string_length(want));
		assert_memory_equal(out.v, json_string_value(want), out.n);
	}
	print_message("# %zu generated texts\n", i);
	assert_int_equal(i, 30);
	tokenizer_ids_free(&ids);
	tokenizer_bytes_free(&out);
	json_decref(doc);
	fixture_free(&f);
}

static void assert_encodes(const struct tokenizer *t, const char *text, unsigned int flags,
			   const char *const *want)
{
	struct tokenizer_ids ids = { 0 };
	size_t i;

	encode(t, text, strlen(text), flags, &ids, NULL);
	for (i = 0; i < ids.n && want[i]; i++) {
		if (ids.v[i] != tokenizer_find(t, want[i], strlen(want[i])))
			fail_msg("'%s': token %zu is %d, not '%s'", text, i, ids.v[i], want[i]);
	}
	assert_true(i == ids.n && !want[i]);
	tokenizer_ids_free(&ids);
}

#define TOKENS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void test_spm_special(void **state)
{
	struct tokenizer_bytes out = { 0 };
	struct tokenizer_ids ids = { 0 };
	struct fixture f;

	(void)state;
	fixture_desc(&f, "spm512.json");
	fixture_build(&f);
	assert_encodes(f.t, "<s>a</s>a", TOKENIZER_PARSE_SPECIAL,
		       TOKENS("<s>", "▁a", "</s>", "▁a"));
	assert_encodes(f.t, "a<unk>", TOKENIZER_PARSE_SPECIAL, TOKENS("▁a", "<unk>"));
	assert_encodes(f.t, "<s>", TOKENIZER_PARSE_USER, TOKENS("▁", "<", "s", ">"));
	assert_encodes(f.t, "<s>", TOKENIZER_PARSE_SPECIAL | TOKENIZER_AUTO | TOKENIZER_WITH_EOS,
		       TOKENS("<s>", "<s>", "</s>"));
	assert_true(tokenizer_is_eog(f.t, 2));
	assert_false(tokenizer_is_eog(f.t, 1));
	assert_false(tokenizer_is_eog(f.t, -1));
	assert_false(tokenizer_is_eog(f.t, 512));
	assert_int_equal(tokenizer_token_type(f.t, 512), -ERANGE);
	assert_int_equal(tokenizer_special_id(f.t, TOKENIZER_UNK), 0);
	assert_int_equal(tokenizer_special_id(f.t, TOKENIZER_PAD), -1);

	encode(f.t, "<s>a", 4, TOKENIZER_PARSE_SPECIAL, &ids, NULL);
	assert_int_equal(tokenizer_decode(f.t, ids.v, ids.n, TOKENIZER_SHOW_SPECIAL, &out), 0);
	assert_int_equal(out.n, 5);
	assert_memory_equal(out.v, "<s> a", 5);
	out.n = 0;
	assert_int_equal(tokenizer_decode(f.t, ids.v, ids.n, 0, &out), 0);
	assert_int_equal(out.n, 1);

	assert_int_equal(tokenizer_encode(f.t, "a", 1, 1u << 9, &ids, NULL, NULL), -EINVAL);
	ids.v[0] = 512;
	assert_int_equal(tokenizer_decode(f.t, ids.v, 1, 0, &out), -ERANGE);
	ids.v[0] = -1;
	assert_int_equal(tokenizer_decode(f.t, ids.v, 1, 0, &out), -ERANGE);
	assert_int_equal(out.n, 1);
	tokenizer_ids_free(&ids);
	tokenizer_bytes_free(&out);
	fixture_free(&f);
}

/* Without byte tokens, unknown characters are unk, and counted; without unk, only counted. */
static void test_spm_unknown(void **state)
{
	struct tokenizer_stats st;
	struct tokenizer_ids ids = { 0 };
	struct fixture f;
	size_t i;

	(void)state;
	fixture_desc(&f, "spm512.json");
	for (i = 3; i < 259; i++) {
		f.tokens[i] = lit("");
		f.types[i] = TOKENIZER_UNUSED;
	}
	fixture_build(&f);
	encode(f.t, "a日b", 5, 0, &ids, &st);
	assert_int_equal(ids.n, 3);
	assert_int_equal(ids.v[1], 0);
	assert_int_equal(st.unknown_bytes, 3);
	assert_int_equal(st.invalid_bytes, 0);
	tokenizer_destroy(f.t);
	f.t = NULL;
	/* unk gone: id word 4 of the header */
	memset((uint8_t *)f.blob + 32 + 4 * TOKENIZER_UNK, 0xff, 4);
	assert_int_equal(tokenizer_create(f.blob, f.len, &f.t, NULL), 0);
	encode(f.t, "a日\xff", 5, 0, &ids, &st);
	assert_int_equal(ids.n, 1);
	assert_int_equal(st.unknown_bytes, 4);
	assert_int_equal(st.invalid_bytes, 1);
	tokenizer_ids_free(&ids);
	fixture_free(&f);
}

/* Random text: words of the vocabularies, any code point, and (if asked) any bytes. */
static size_t random_text(struct rnd *r, const struct fixture *f, uint8_t *buf, size_t cap,
			  bool broken)
{
	size_t n = 0, parts = rnd_next(r, 40);

	while (parts-- && n + 80 < cap) {
		switch (rnd_next(r, broken ? 6 : 5)) {
		case 0: /* ASCII */
			buf[n++] = (uint8_t)(9 + rnd_next(r, 118));
			break;
		case 1: { /* a token's text without the marks */
			const struct tokenizer_str *s =
				&f->tokens[rnd_next(r, (uint32_t)f->desc.n_tokens)];

			if (s->n < 40 && !memchr(s->p, 0xe2, s->n)) {
				memcpy(buf + n, s->p, s->n);
				n += s->n;
			}
			break;
		}
		case 2:
			buf[n++] = ' ';
			break;
		case 3: { /* two- and three-byte code points, not U+2581 */
			uint32_t c = 0x80 + rnd_next(r, 0xd000 - 0x80);

			if (c != 0x2581)
				n += (size_t)tok_utf8_put(c, buf + n);
			break;
		}
		case 4: { /* an emoji */
			uint8_t e[4] = { 0xf0, 0x9f, 0x98, (uint8_t)(0x80 + rnd_next(r, 64)) };

			memcpy(buf + n, e, 4);
			n += 4;
			break;
		}
		default:
			buf[n++] = (uint8_t)rnd_next(r, 256);
			break;
		}
	}
	return n;
}

static size_t count_invalid(const uint8_t *p, size_t n)
{
	size_t i = 0, bad = 0;

	while (i < n) {
		int k = tok_utf8(p + i, n - i);

		bad += k <= 0;
		i += k > 0 ? (size_t)k : 1;
	}
	return bad;
}

static void round_trip(const char *name, unsigned int rounds)
{
	struct tokenizer_ids ids = { 0 };
	struct tokenizer_bytes out = { 0 };
	struct tokenizer_stats st;
	struct rnd r = { SEED };
	struct fixture f;
	uint8_t buf[2048];
	unsigned int i;

	fixture_desc(&f, name);
	fixture_build(&f);
	for (i = 0; i < rounds; i++) {
		size_t n = random_text(&r, &f, buf, sizeof(buf), i & 1);

		encode(f.t, buf, n, i & 2 ? TOKENIZER_PARSE_USER : 0, &ids, &st);
		assert_int_equal(st.unknown_bytes, 0);
		/* SPM and BPE step over ill-formed bytes alike */
		assert_int_equal(st.invalid_bytes, count_invalid(buf, n));
		out.n = 0;
		assert_int_equal(tokenizer_decode(f.t, ids.v, ids.n, 0, &out), 0);
		if (out.n != n || (n && memcmp(out.v, buf, n)))
			fail_msg("%s: round %u (seed %d): %zu bytes came back as %zu", name, i,
				 SEED, n, out.n);
	}
	tokenizer_ids_free(&ids);
	tokenizer_bytes_free(&out);
	fixture_free(&f);
}

static void test_round_trip(void **state)
{
	(void)state;
	round_trip("spm512.json", 4000);
	round_trip("bpe.json", 4000);
}

/* Naive merging: a list of strings, the best pair found by looking at all of them each time. */
struct naive {
	char sym[512][512];
	size_t n;
};

/* Value of joining a and b, lower first; -1 if they do not join. */
typedef long naive_rank(const struct fixture *f, const char *a, const char *b);

static long rank_merge(const struct fixture *f, const char *a, const char *b)
{
	char both[1100];
	size_t i;

	snprintf(both, sizeof(both), "%s %s", a, b);
	for (i = 0; i < f->desc.n_merges; i++) {
		if (!strcmp(f->merges[i].p, both))
			return (long)i;
	}
	return -1;
}

static long rank_score(const struct fixture *f, const char *a, const char *b)
{
	char both[1100];
	size_t i;

	snprintf(both, sizeof(both), "%s%s", a, b);
	for (i = 0; i < f->desc.n_tokens; i++) {
		if (f->types[i] == TOKENIZER_NORMAL && !strcmp(f->tokens[i].p, both))
			return 100000 - (long)f->scores[i]; /* the fixture's are integers */
	}
	return -1;
}

static void naive_merge(struct naive *nv, const struct fixture *f, naive_rank *rank)
{
	for (;;) {
		long best = -1;
		size_t i, at = 0, len;

		for (i = 0; i + 1 < nv->n; i++) {
			long k = rank(f, nv->sym[i], nv->sym[i + 1]);

			if (k >= 0 && (best < 0 || k < best)) {
				best = k;
				at = i;
			}
		}
		if (best < 0)
			return;
		len = strlen(nv->sym[at]);
		memmove(nv->sym[at] + len, nv->sym[at + 1], sizeof(nv->sym[0]) - len);
		memmove(&nv->sym[at + 1], &nv->sym[at + 2], (nv->n - at - 2) * sizeof(nv->sym[0]));
		nv->n--;
	}
}

static void naive_compare(const struct naive *nv, const struct tokenizer *t,
			  const struct tokenizer_ids *ids, size_t *at)
{
	size_t i;

	for (i = 0; i < nv->n; i++) {
		assert_true(*at < ids->n);
		if (ids->v[*at] != tokenizer_find(t, nv->sym[i], strlen(nv->sym[i])))
			fail_msg("token %zu is %d, naive merging says '%s'", *at, ids->v[*at],
				 nv->sym[i]);
		++*at;
	}
}

static void test_bpe_naive(void **state)
{
	struct pre_ends ends = { 0 }, tmp = { 0 };
	struct tokenizer_ids ids = { 0 };
	struct rnd r = { SEED };
	static struct naive nv;
	struct fixture f;
	uint8_t buf[400];
	unsigned int i;
	size_t pieces = 0, merged = 0;

	(void)state;
	fixture_desc(&f, "bpe.json");
	fixture_build(&f);
	for (i = 0; i < 600; i++) {
		size_t n = random_text(&r, &f, buf, sizeof(buf), false), k, j, from = 0, at = 0;

		encode(f.t, buf, n, 0, &ids, NULL);
		assert_int_equal(tokenizer_pre_split(f.t->pre, buf, n, &ends, &tmp, NULL), 0);
		for (k = 0; k < ends.n; k++) {
			nv.n = 0;
			for (j = from; j < ends.v[k]; j++) {
				uint32_t c = tok_byte_to_alpha(buf[j]);
				char *s = nv.sym[nv.n++];

				s[tok_utf8_put(c, (uint8_t *)s)] = '\0';
			}
			merged += nv.n;
			naive_merge(&nv, &f, rank_merge);
			merged -= nv.n;
			naive_compare(&nv, f.t, &ids, &at);
			from = ends.v[k];
			pieces++;
		}
		assert_int_equal(at, ids.n);
	}
	print_message("# %zu pieces, %zu merges\n", pieces, merged);
	assert_true(merged > 1000);
	free(ends.v);
	free(tmp.v);
	tokenizer_ids_free(&ids);
	fixture_free(&f);
}

static void test_spm_naive(void **state)
{
	struct tokenizer_ids ids = { 0 };
	struct rnd r = { SEED };
	static struct naive nv;
	struct fixture f;
	unsigned int i;
	size_t merged = 0;

	(void)state;
	fixture_desc(&f, "spm512.json");
	fixture_build(&f);
	for (i = 0; i < 400; i++) {
		static const char abc[] = "aehinorstdlmpwbgyTLOS .,\"' ";
		char text[64];
		size_t n = rnd_next(&r, 60), k, at = 0;

		nv.n = 0;
		strcpy(nv.sym[nv.n++], "▁");
		for (k = 0; k < n; k++) {
			text[k] = abc[rnd_next(&r, sizeof(abc) - 1)];
			snprintf(nv.sym[nv.n++], sizeof(nv.sym[0]), "%.3s",
				 text[k] == ' ' ? "▁" : (char[2]){ text[k], 0 });
		}
		merged += nv.n;
		naive_merge(&nv, &f, rank_score);
		merged -= nv.n;
		encode(f.t, text, n, 0, &ids, NULL);
		if (n)
			naive_compare(&nv, f.t, &ids, &at);
		assert_int_equal(at, ids.n);
	}
	print_message("# %zu merges\n", merged);
	assert_true(merged > 1000);
	tokenizer_ids_free(&ids);
	fixture_free(&f);
}

static void test_bpe_special(void **state)
{
	struct fixture f;

	(void)state;
	fixture_desc(&f, "bpe.json");
	fixture_build(&f);
	/* the longest first, wherever it is */
	assert_encodes(f.t, "<tool>\n<tool>a", TOKENIZER_PARSE_USER,
		       TOKENS("<tool>\n", "<tool>", "a"));
	assert_encodes(f.t, "<|im_start|>user<|im_start|>", TOKENIZER_PARSE_SPECIAL,
		       TOKENS("<|im_start|>user", "<|im_start|>"));
	assert_encodes(f.t, "a<|endoftext|><|im_end|>b", TOKENIZER_PARSE_SPECIAL,
		       TOKENS("a", "<|endoftext|>", "<|im_end|>", "b"));
	assert_encodes(f.t, "<|", TOKENIZER_PARSE_SPECIAL, TOKENS("<", "|"));
	assert_encodes(f.t, "", TOKENIZER_PARSE_SPECIAL | TOKENIZER_WITH_EOS,
		       TOKENS("<|endoftext|>"));
	assert_true(tokenizer_is_eog(f.t, tokenizer_find(f.t, "<|im_end|>", 10)));
	assert_true(tokenizer_is_eog(f.t, tokenizer_find(f.t, "<|endoftext|>", 13)));
	assert_false(tokenizer_is_eog(f.t, tokenizer_find(f.t, "<|im_start|>", 12)));
	assert_int_equal(tokenizer_special_id(f.t, TOKENIZER_BOS), -1);
	assert_int_equal(tokenizer_encode(f.t, "a", 1, TOKENIZER_WITH_BOS,
					  &(struct tokenizer_ids){ 0 }, NULL, NULL),
			 -ENOENT);
	fixture_free(&f);
}

/* A piece that is a token although no merges lead to it. */
static void test_bpe_ignore_merges(void **state)
{
	struct tokenizer_str tokens[4] = { lit("a"), lit("b"), lit("ab"), lit("abab") };
	struct tokenizer_str merge = lit("a b");
	struct fixture f = { 0 };

	(void)state;
	tokenizer_desc_init(&f.desc);
	f.desc.model = lit("gpt2");
	f.desc.pre = lit("gpt-2");
	f.desc.tokens = tokens;
	f.desc.n_tokens = 4;
	f.desc.merges = &merge;
	f.desc.n_merges = 1;
	fixture_build(&f);
	assert_encodes(f.t, "abab", 0, TOKENS("ab", "ab"));
	fixture_free(&f);
	f.blob = NULL;
	f.t = NULL;
	f.desc.pre = lit("llama-bpe");
	fixture_build(&f);
	assert_int_equal(tokenizer_blob_flags(f.t), TOKENIZER_BLOB_IGNORE_MERGES);
	assert_encodes(f.t, "abab", 0, TOKENS("abab"));
	assert_encodes(f.t, "aba", 0, TOKENS("ab", "a"));
	fixture_free(&f);
}

/* Whatever the tokens, a stream's output is well-formed after every push, and complete. */
static void test_stream(void **state)
{
	static const char text[] = "日本語 😀 naïve «x»";
	struct tokenizer_bytes out = { 0 }, one = { 0 };
	struct tokenizer_ids ids = { 0 };
	struct tokenizer_stream s;
	struct fixture f;
	size_t i;

	(void)state;
	fixture_desc(&f, "spm512.json");
	fixture_build(&f);
	encode(f.t, text, strlen(text), 0, &ids, NULL);
	assert_int_equal(tokenizer_stream_init(&s, f.t, 0), 0);
	for (i = 0; i < ids.n; i++) {
		assert_int_equal(tokenizer_stream_push(&s, ids.v[i], &out), 0);
		assert_int_equal(count_invalid(out.v, out.n), 0);
	}
	assert_int_equal(tokenizer_stream_flush(&s, &out), 0);
	assert_int_equal(out.n, strlen(text));
	assert_memory_equal(out.v, text, out.n);

	/* E6 97 41 F0 9F: a truncated sequence, a letter, a truncated end. */
	out.n = 0;
	tokenizer_stream_free(&s);
	assert_int_equal(tokenizer_stream_init(&s, f.t, TOKENIZER_REPLACE), 0);
	for (i = 0; i < 5; i++)
		assert_int_equal(
			tokenizer_stream_push(&s,
					      3 + "\xe6\x97\x41\xf0\x9f"[i] +
						      ("\xe6\x97\x41\xf0\x9f"[i] < 0 ? 256 : 0),
					      &out),
			0);
	assert_int_equal(out.n, 4);
	assert_int_equal(tokenizer_stream_flush(&s, &out), 0);
	assert_int_equal(out.n, 7);
	assert_memory_equal(out.v,
			    "\xef\xbf\xbd"
			    "A\xef\xbf\xbd",
			    7);
	tokenizer_stream_free(&s);

	/* A single token's piece keeps its space; a stream that continues does too. */
	i = (size_t)tokenizer_find(f.t, "▁the", 6);
	assert_int_equal(tokenizer_piece(f.t, (int32_t)i, 0, &one), 0);
	assert_int_equal(one.n, 4);
	assert_memory_equal(one.v, " the", 4);
	assert_int_equal(tokenizer_stream_init(&s, f.t, 1u << 7), -EINVAL);
	tokenizer_bytes_free(&out);
	tokenizer_bytes_free(&one);
	tokenizer_ids_free(&ids);
	fixture_free(&f);
}

static void test_utf8(void **state)
{
	static const struct {
		const char *p;
		size_t n;
		int want;
	} v[] = {
		{ "\x00", 1, 1 },
		{ "\x7f", 1, 1 },
		{ "\x80", 1, -1 },
		{ "\xc1\x80", 2, -1 },
		{ "\xc2\x80", 2, 2 },
		{ "\xc2", 1, 0 },
		{ "\xe0\x9f\x80", 3, -1 },
		{ "\xe0\xa0\x80", 3, 3 },
		{ "\xed\xa0\x80", 3, -1 },
		{ "\xed\x9f\xbf", 3, 3 },
		{ "\xe6\x97", 2, 0 },
		{ "\xe6\x97\x41", 3, -2 },
		{ "\xf0\x8f\x80\x80", 4, -1 },
		{ "\xf0\x90\x80\x80", 4, 4 },
		{ "\xf4\x90\x80\x80", 4, -1 },
		{ "\xf4\x8f\xbf\xbf", 4, 4 },
		{ "\xf0\x90\x80", 3, 0 },
		{ "\xf0\x90\x80\x41", 4, -3 },
		{ "\xf5", 1, -1 },
		{ "\xff", 1, -1 },
	};
	size_t i;
	int b;

	(void)state;
	for (i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		if (tok_utf8((const uint8_t *)v[i].p, v[i].n) != v[i].want)
			fail_msg("sequence %zu", i);
	}
	for (b = 0; b < 256; b++)
		assert_int_equal(tok_alpha_to_byte(tok_byte_to_alpha((uint8_t)b)), b);
	assert_int_equal(tok_byte_to_alpha(' '), 0x120);
	assert_int_equal(tok_byte_to_alpha('\n'), 0x10a);
	assert_int_equal(tok_byte_to_alpha(0xad), 0x143);
	assert_int_equal(tok_alpha_to_byte(' '), -1);
	assert_int_equal(tok_alpha_to_byte(0x144), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_spm_cases),
		cmocka_unit_test(test_spm_texts),
		cmocka_unit_test(test_spm_special),
		cmocka_unit_test(test_spm_unknown),
		cmocka_unit_test(test_spm_naive),
		cmocka_unit_test(test_bpe_naive),
		cmocka_unit_test(test_bpe_special),
		cmocka_unit_test(test_bpe_ignore_merges),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_stream),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("tokenizer", tests, NULL, NULL);
}
