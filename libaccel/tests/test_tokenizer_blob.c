// SPDX-License-Identifier: MIT
/*
 * The serialised tokenizer: what the writer refuses and says, every header field spoiled, 10,000
 * random mutations and truncations, and the time a large vocabulary takes to load.
 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "tokenizer_le.h"
#include "tokenizer_fixture.h"

#define MUTATIONS 10000

static void test_writer_refuses(void **state)
{
	struct tokenizer_str odd[3] = { lit("a b c d"), lit("ab"), lit("a zz") };
	struct tokenizer_desc d;
	struct fixture f;
	float score;
	char *big;

	(void)state;
	fixture_desc(&f, "bpe.json");
	d = f.desc;
	d.pre = lit("no-such-pre");
	fixture_refuse(&d, -ENOTSUP, "tokenizer.ggml.pre: unknown pre-tokenizer 'no-such-pre'");
	fixture_refuse(&d, -ENOTSUP, "; supported: default, gpt-2, ");
	fixture_refuse(&d, -ENOTSUP, ", deepseek-llm, ");
	fixture_refuse(&d, -ENOTSUP, ", minimax-m2"); /* the last one: nothing is cut off */
	d = f.desc;
	d.model = lit("bert");
	fixture_refuse(&d, -ENOTSUP, "tokenizer.ggml.model: 'bert'");
	d = f.desc;
	d.n_tokens = 0;
	fixture_refuse(&d, -EINVAL, "tokenizer.ggml.tokens");
	d = f.desc;
	d.ids[TOKENIZER_EOT] = (int64_t)d.n_tokens;
	fixture_refuse(&d, -EINVAL, "tokenizer.ggml.eot_token_id");
	d.ids[TOKENIZER_EOT] = -2;
	fixture_refuse(&d, -EINVAL, "tokenizer.ggml.eot_token_id");
	d = f.desc;
	d.add_bos = 1;
	fixture_refuse(&d, -EINVAL, "tokenizer.ggml.add_bos_token");
	d.add_bos = 2;
	fixture_refuse(&d, -EINVAL, "tokenizer.ggml.add_bos_token");
	d = f.desc;
	d.size = 8;
	fixture_refuse(&d, -EINVAL, "tokenizer_desc.size");
	d = f.desc;
	d.n_merges = 1;
	d.merges = &odd[0]; /* "a" and "b c d" */
	fixture_refuse(&d, -EINVAL, "tokenizer.ggml.merges[0]");
	d.merges = &odd[1];
	fixture_refuse(&d, -EINVAL, "tokenizer.ggml.merges[0]");
	d.merges = &odd[2];
	fixture_refuse(&d, -EINVAL, "tokenizer.ggml.merges[0]: 'a zz': the right part");
	d = f.desc;
	f.types[5] = 7;
	fixture_refuse(&d, -EINVAL, "tokenizer.ggml.token_type[5]");
	f.types[5] = 1;
	f.tokens[9] = f.tokens[4];
	fixture_refuse(&d, -EINVAL, "tokenizer.ggml.tokens[9]: same text as token 4");
	big = calloc(1, TOKENIZER_MAX_TEXT + 1);
	assert_non_null(big);
	f.tokens[9] = (struct tokenizer_str){ big, TOKENIZER_MAX_TEXT + 1 };
	fixture_refuse(&d, -E2BIG, "tokenizer.ggml.tokens[9]");
	f.tokens[9].n = TOKENIZER_MAX_SPECIAL + 1;
	f.types[9] = TOKENIZER_CONTROL;
	fixture_refuse(&d, -E2BIG, "tokenizer.ggml.tokens[9]");
	free(big);
	fixture_free(&f);

	fixture_desc(&f, "spm512.json");
	score = f.scores[300];
	f.scores[300] = NAN;
	fixture_refuse(&f.desc, -EINVAL, "tokenizer.ggml.scores[300]");
	f.scores[300] = score;
	f.desc.ids[TOKENIZER_EOS] = 512;
	fixture_refuse(&f.desc, -EINVAL, "tokenizer.ggml.eos_token_id");
	fixture_free(&f);
}

static void test_writer_deterministic(void **state)
{
	static const char *const name[] = { "spm512.json", "bpe.json" };
	struct fixture a, b;
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		fixture_desc(&a, name[i]);
		fixture_build(&a);
		fixture_desc(&b, name[i]);
		fixture_build(&b);
		assert_int_equal(a.len, b.len);
		assert_memory_equal(a.blob, b.blob, a.len);
		fixture_free(&a);
		fixture_free(&b);
	}
}

/* What absent keys become. */
static void test_writer_defaults(void **state)
{
	struct fixture f;
	unsigned int i;

	(void)state;
	fixture_desc(&f, "spm512.json");
	for (i = 0; i < TOKENIZER_N_SPECIAL; i++)
		f.desc.ids[i] = -1;
	f.desc.add_bos = f.desc.add_eos = f.desc.add_space_prefix = -1;
	fixture_build(&f);
	assert_int_equal(tokenizer_blob_flags(f.t),
			 TOKENIZER_BLOB_ADD_BOS | TOKENIZER_BLOB_SPACE_PREFIX);
	assert_int_equal(tokenizer_special_id(f.t, TOKENIZER_BOS), 1);
	assert_int_equal(tokenizer_special_id(f.t, TOKENIZER_EOS), 2);
	assert_int_equal(tokenizer_special_id(f.t, TOKENIZER_UNK), 0);
	fixture_free(&f);
	fixture_desc(&f, "bpe.json");
	f.desc.pre = lit("");
	fixture_build(&f);
	assert_int_equal(tokenizer_blob_flags(f.t), 0);
	assert_int_equal(((uint8_t *)f.blob)[17], TOKENIZER_PRE_DEFAULT);
	fixture_free(&f);
}

static void test_header(void **state)
{
	static const struct {
		const char *file;
		size_t off, n;
		uint64_t value;
		const char *message;
	} v[] = {
		{ "bpe.json", 0, 4, 0x12345678, "magic" },
		{ "bpe.json", 4, 2, 2, "version" },
		{ "bpe.json", 6, 2, 60, "header_size" },
		{ "bpe.json", 8, 8, 1ull << 32, "total_size" },
		{ "bpe.json", 16, 1, 4, "model" },
		{ "bpe.json", 16, 1, 3, "pre-tokenizer" },
		{ "bpe.json", 17, 1, TOKENIZER_PRE_COUNT, "pre-tokenizer" },
		{ "bpe.json", 17, 1, 0, "pre-tokenizer" },
		{ "spm512.json", 17, 1, 1, "pre-tokenizer" },
		{ "bpe.json", 18, 2, 0x10, "flags" },
		{ "bpe.json", 18, 2, 1, "flags ask for a bos" },
		{ "bpe.json", 20, 4, 0, "n_tokens" },
		{ "bpe.json", 20, 4, 0xffffffff, "n_tokens" },
		{ "bpe.json", 20, 4, 761, "do not add up" },
		{ "bpe.json", 24, 4, 0xffffffff, "n_merges" },
		{ "bpe.json", 24, 4, 499, "do not add up" },
		{ "spm512.json", 24, 4, 1, "n_merges" },
		{ "bpe.json", 28, 4, 0, "do not add up" },
		{ "bpe.json", 28, 4, 0xffffffff, "do not add up" },
		{ "bpe.json", 36, 4, 0x80000000, "eos is" },
		{ "bpe.json", 52, 4, 762, "pad is" },
		{ "bpe.json", 56, 8, 1, "reserved" },
		{ "bpe.json", 64, 4, 65536, "tokens[0].length" },
		{ "bpe.json", 64, 4, 60000, "tokens[0] ends outside" },
		{ "bpe.json", 64, 4, 0, "text_size is" },
		{ "bpe.json", 68, 4, 0x7f800000, "tokens[0].score" },
		{ "bpe.json", 72, 1, 0, "tokens[0].type" },
		{ "bpe.json", 72, 1, 6, "tokens[0] is a byte token" },
		{ "bpe.json", 73, 1, 2, "tokens[0].flags" },
		{ "bpe.json", 74, 2, 1, "tokens[0].flags" },
		{ "bpe.json", 64 + 12 * 762, 4, 762, "merges[0]" },
		{ "bpe.json", 64 + 12 * 762 + 8, 4, 3, "merges[0]: token 3 is not" },
	};
	char err[TOKENIZER_ERR_LEN];
	struct tokenizer *t;
	struct fixture f;
	size_t i, k;

	(void)state;
	for (i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		fixture_desc(&f, v[i].file);
		fixture_build(&f);
		for (k = 0; k < v[i].n; k++)
			((uint8_t *)f.blob)[v[i].off + k] = (uint8_t)(v[i].value >> 8 * k);
		err[0] = '\0';
		assert_int_equal(tokenizer_create(f.blob, f.len, &t, err), -EINVAL);
		if (!strstr(err, v[i].message))
			fail_msg("byte %zu: '%s', expected '%s'", v[i].off, err, v[i].message);
		assert_null(t);
		fixture_free(&f);
	}
	assert_int_equal(tokenizer_create(NULL, 0, &t, NULL), -EINVAL);
}

/* If a mutated blob loads it must also work. */
static void use(const struct tokenizer *t)
{
	static const char text[] =
		"Once upon a <|im_start|>user <s> 123 日本\xff\xe3 don't  stop\n";
	struct tokenizer_bytes out = { 0 };
	struct tokenizer_ids ids = { 0 };
	size_t i;

	tokenizer_encode(t, text, sizeof(text), 0, &ids, NULL, NULL);
	tokenizer_encode(t, text, sizeof(text), TOKENIZER_PARSE_SPECIAL | TOKENIZER_AUTO, &ids,
			 NULL, NULL);
	for (i = 0; i < ids.n; i++)
		assert_in_range(ids.v[i], 0, tokenizer_n_tokens(t) - 1);
	assert_int_equal(
		tokenizer_decode(t, ids.v, ids.n, TOKENIZER_SHOW_SPECIAL | TOKENIZER_REPLACE, &out),
		0);
	tokenizer_ids_free(&ids);
	tokenizer_bytes_free(&out);
}

static void mutate(const char *name, unsigned int rounds, uint64_t seed)
{
	char err[TOKENIZER_ERR_LEN];
	unsigned int i, k, loaded = 0;
	struct rnd r = { seed };
	struct tokenizer *t;
	struct fixture f;

	fixture_desc(&f, name);
	fixture_build(&f);
	for (i = 0; i < rounds; i++) {
		size_t len = f.len;
		uint8_t *p;

		if (rnd_next(&r, 4) == 0)
			len = rnd_next(&r, (uint32_t)f.len);
		p = malloc(len ? len : 1); /* exact, so that ASan sees one byte too far */
		assert_non_null(p);
		memcpy(p, f.blob, len);
		if (len >= 16 && rnd_next(&r, 2))
			put_le64(p + 8, len);
		for (k = rnd_next(&r, 4); len && k; k--) {
			size_t at = rnd_next(&r, 2) ? rnd_next(&r, (uint32_t)len)
						    : rnd_next(&r, 64) % len;

			p[at] ^= (uint8_t)(1u << rnd_next(&r, 8));
		}
		err[0] = '\0';
		if (!tokenizer_create(p, len, &t, err)) {
			loaded++;
			use(t);
			tokenizer_destroy(t);
		} else {
			assert_true(err[0]);
			assert_null(t);
		}
		free(p);
	}
	print_message("# %s: %u mutations, seed %llu, %u still load\n", name, rounds,
		      (unsigned long long)seed, loaded);
	assert_true(loaded < rounds);
	fixture_free(&f);
}

static void test_mutations(void **state)
{
	const char *s = getenv("TEST_SEED");
	uint64_t seed = s ? strtoull(s, NULL, 0) : 20260903;

	(void)state;
	mutate("spm512.json", MUTATIONS / 2, seed ? seed : 1);
	mutate("bpe.json", MUTATIONS / 2, seed ? seed : 1);
}

/* CPU seconds: other processes do not count. */
static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

/* 150,000 tokens, one merge for each that is not a byte: every token is its parent and a byte. */
static void test_large(void **state)
{
	enum { N = 150000 };
	struct tokenizer_str *tokens, *merges;
	struct tokenizer_ids ids = { 0 };
	struct rnd r = { 20260904 };
	struct tokenizer_desc d;
	struct fixture f = { 0 };
	char(*text)[24], (*merge)[26];
	size_t i, n_text = 1 << 20;
	double t0, t1, t2;
	char *prompt;

	(void)state;
	tokens = calloc(N, sizeof(*tokens));
	merges = calloc(N, sizeof(*merges));
	text = calloc(N, sizeof(*text));
	merge = calloc(N, sizeof(*merge));
	prompt = malloc(n_text);
	assert_true(tokens && merges && text && merge && prompt);
	tokenizer_desc_init(&d);
	for (i = 0; i < N; i++) {
		/* ASCII letters only: bytes of the alphabet stand for themselves */
		size_t up = i < 26 ? 0 : (i - 26) / 26, k = i % 26;
		size_t n = i < 26 ? 0 : tokens[up].n;

		memcpy(text[i], text[up], n);
		text[i][n] = (char)('a' + k);
		tokens[i] = (struct tokenizer_str){ text[i], n + 1 };
		if (i < 26)
			continue;
		memcpy(merge[i], text[up], n);
		merge[i][n] = ' ';
		merge[i][n + 1] = text[i][n];
		merges[d.n_merges++] = (struct tokenizer_str){ merge[i], n + 2 };
	}
	d.model = lit("gpt2");
	d.pre = lit("qwen2");
	d.tokens = tokens;
	d.n_tokens = N;
	d.merges = merges;
	f.desc = d;
	assert_int_equal(tokenizer_blob_write(&f.desc, &f.blob, &f.len, NULL), 0);
	for (i = 0; i < n_text; i++)
		prompt[i] = (char)(rnd_next(&r, 6) ? 'a' + (int)rnd_next(&r, 26) : ' ');

	t0 = now();
	assert_int_equal(tokenizer_create(f.blob, f.len, &f.t, NULL), 0);
	t1 = now();
	assert_int_equal(tokenizer_encode(f.t, prompt, n_text, 0, &ids, NULL, NULL), 0);
	t2 = now();
	print_message(
		"# %d tokens, %zu merges: load %.1f ms, encode 1 MiB to %zu ids %.0f ms of CPU\n",
		N, d.n_merges, (t1 - t0) * 1e3, ids.n, (t2 - t1) * 1e3);
	assert_true(t1 - t0 < 5.0); /* a bound for sanitizers and slow machines */
	tokenizer_ids_free(&ids);
	fixture_free(&f);
	free(tokens);
	free(merges);
	free(text);
	free(merge);
	free(prompt);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_writer_refuses),	cmocka_unit_test(test_writer_deterministic),
		cmocka_unit_test(test_writer_defaults), cmocka_unit_test(test_header),
		cmocka_unit_test(test_mutations),	cmocka_unit_test(test_large),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("tokenizer_blob", tests, NULL, NULL);
}
