// SPDX-License-Identifier: MIT
/* Opening models: identity, damage, text. */
#include "conformance.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void toy_path(char *path, size_t n, const char *name, const struct toy_options *o)
{
	snprintf(path, n, "%s/%s.accel", test_dir, name);
	assert_int_equal(toy_write(path, o), 0);
}

static void expect_mismatch(const char *path, const char *word)
{
	struct accel_device *dev = open_device(test_toy);
	struct accel_model *m;
	char text[512];

	assert_int_equal(accel_model_open(dev, path, NULL, &m), ACCEL_EMISMATCH);
	assert_null(m);
	assert_int_equal(accel_last_error(dev, text, sizeof(text)), ACCEL_EMISMATCH);
	if (!strstr(text, word))
		fail_msg("'%s' does not name %s", text, word);
	accel_device_unref(dev);
}

static void wrong_models_are_refused(void **state)
{
	struct toy_options row = { .seed = 1, .change_row = 5 };
	struct toy_options all = { .seed = 2 };
	struct toy_options ctx = { .seed = 1, .context = 64 };
	char path[600];

	(void)state;
	toy_path(path, sizeof(path), "row", &row);
	expect_mismatch(path, "output.weight");
	expect_mismatch(path, "contents");
	toy_path(path, sizeof(path), "all", &all);
	expect_mismatch(path, "token_embd.weight");
	toy_path(path, sizeof(path), "ctx", &ctx);
	expect_mismatch(path, "context");
}

static void first_model_becomes_the_mask(void **state)
{
	struct toy_options all = { .seed = 2 };
	struct accel_device *dev = open_device(NULL);
	struct accel_model *m, *n;
	char path[600];
	uint64_t v;

	(void)state;
	toy_path(path, sizeof(path), "other", &all);
	OK(dev, accel_model_open(dev, test_toy, NULL, &m));
	OK(dev, accel_device_get(dev, ACCEL_PARAM_HAS_MASK, &v));
	assert_int_equal(v, 1);
	OK(dev, accel_model_open(dev, test_toy, NULL, &n));
	accel_model_unref(n);
	FAILS(dev, ACCEL_EMISMATCH, accel_model_open(dev, path, NULL, &n));
	accel_model_unref(m);
	FAILS(dev, ACCEL_EMISMATCH, accel_model_open(dev, path, NULL, &n));
	accel_device_unref(dev);
}

static char *read_all(const char *path, size_t *n)
{
	FILE *f = fopen(path, "rb");
	char *p = malloc(1 << 20);

	assert_non_null(f);
	assert_non_null(p);
	*n = fread(p, 1, 1 << 20, f);
	fclose(f);
	return p;
}

static void write_all(const char *path, const char *p, size_t n)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(p, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

static void damaged_files_are_refused(void **state)
{
	struct accel_model_options verify = { .size = sizeof(verify), .flags = ACCEL_MODEL_VERIFY };
	const char *backend = test_backend;
	struct accel_device *dev;
	struct accel_model *m;
	char path[600], *p, text[512];
	size_t n, i, opened = 0;
	int err;

	(void)state;
	/* What a file is worth is found out before there is a chip. */
	test_backend = "null";
	p = read_all(test_toy, &n);
	snprintf(path, sizeof(path), "%s/damaged.accel", test_dir);
	for (i = 0; i < n; i += i < 1024 ? 7 : n / 37) {
		write_all(path, p, i); /* cut */
		dev = open_device(NULL);
		err = accel_model_open(dev, path, NULL, &m);
		if (err != ACCEL_EFORMAT)
			fail_msg("cut at %zu: %d", i, err);
		accel_last_error(dev, text, sizeof(text));
		assert_non_null(strstr(text, "damaged.accel"));
		accel_device_unref(dev);
	}
	for (i = 0; i < n; i += i < 1024 ? 3 : n / 211) {
		p[i] ^= 0x40;
		write_all(path, p, n);
		p[i] ^= 0x40;
		dev = open_device(NULL);
		err = accel_model_open(dev, path, &verify, &m);
		if (!err) {
			accel_model_unref(m); /* padding between sections */
			opened++;
		} else if (err != ACCEL_EFORMAT && err != ACCEL_EVERSION &&
			   err != ACCEL_EMISMATCH) {
			fail_msg("byte %zu: %d", i, err);
		}
		accel_device_unref(dev);
	}
	assert_true(opened < n / 2);
	dev = open_device(NULL);
	FAILS(dev, ACCEL_EIO, accel_model_open(dev, "/nonexistent/x.accel", NULL, &m));
	accel_device_unref(dev);
	free(p);
	test_backend = backend;
}

static void parameters_describe_the_model(void **state)
{
	struct bench b;
	uint64_t v;
	const char *name;

	(void)state;
	bench_open(&b, test_toy);
	OK(b.dev, accel_model_get(b.m, ACCEL_MODEL_VOCAB, &v));
	assert_int_equal(v, TOY_VOCAB);
	OK(b.dev, accel_model_get(b.m, ACCEL_MODEL_KV_BLOCK_BYTES, &v));
	assert_int_equal(v, TOY_BLOCK);
	OK(b.dev, accel_model_get(b.m, ACCEL_MODEL_KV_BLOCKS, &v));
	assert_int_equal(v, 4);
	OK(b.dev, accel_model_get(b.m, ACCEL_MODEL_BOS, &v));
	assert_int_equal(v, 1);
	OK(b.dev, accel_model_get(b.m, ACCEL_MODEL_ADD_BOS, &v));
	assert_int_equal(v, 1);
	assert_string_equal(accel_model_string(b.m, ACCEL_MODEL_NAME), "toy");
	assert_null(accel_model_string(b.m, ACCEL_MODEL_TEMPLATE));
	assert_int_equal(strlen(accel_model_string(b.m, ACCEL_MODEL_SOURCE)), 64);
	name = accel_model_command_name(b.m, ACCEL_PROGRAM_PREFILL, 0);
	assert_string_equal(name, "columns");
	assert_null(accel_model_command_name(b.m, ACCEL_PROGRAM_PREFILL, 100000));
	assert_null(accel_model_command_name(b.m, (enum accel_program)7, 0));
	FAILS(b.dev, ACCEL_EARG, accel_model_get(b.m, (enum accel_model_param)999, &v));
	bench_close(&b);
}

static void text_becomes_ids_and_back(void **state)
{
	const char *text = "the cat sat on the rat", *piece;
	struct accel_detok *d;
	int32_t ids[64];
	struct bench b;
	char out[256];
	size_t n, i, len, used = 0;

	(void)state;
	bench_open(&b, test_toy);
	assert_int_equal(accel_model_tokenize(b.m, text, strlen(text), ACCEL_TEXT_AUTO, ids, 3, &n),
			 ACCEL_ENOSPACE);
	assert_true(n > 3);
	OK(b.dev, accel_model_tokenize(b.m, text, strlen(text), ACCEL_TEXT_AUTO, ids, 64, &n));
	assert_int_equal(ids[0], 1);
	OK(b.dev, accel_detok_create(b.m, 0, &d));
	for (i = 0; i <= n; i++) {
		OK(b.dev, accel_detok_push(d, i < n ? ids[i] : -1, &piece, &len));
		memcpy(out + used, piece, len);
		used += len;
	}
	out[used] = 0;
	assert_string_equal(out, text);
	FAILS(b.dev, ACCEL_EARG, accel_detok_push(d, (int32_t)b.vocab, &piece, &len));
	accel_detok_destroy(d);
	assert_int_equal(accel_model_is_end(b.m, 2), 1);
	assert_int_equal(accel_model_is_end(b.m, 5), 0);
	assert_int_equal(accel_model_find_token(b.m, "th", 2), 30);
	assert_true(accel_model_find_token(b.m, "zzz", 3) < 0);
	bench_close(&b);
}

static void samplers_are_deterministic(void **state)
{
	struct accel_sampler_options o = {
		.size = sizeof(o), .temperature = 1, .top_k = 20, .top_p = 0.9, .seed = 7
	};
	struct accel_device *dev = open_device(test_toy);
	struct accel_sampler *a, *c;
	float x[50];
	int32_t i, j, k, distinct = 0, before = -1;
	double p;

	(void)state;
	for (i = 0; i < 50; i++)
		x[i] = (float)((i * 37) % 50) / 10;
	OK(dev, accel_sampler_create(dev, &o, &a));
	OK(dev, accel_sampler_create(dev, &o, &c));
	for (i = 0; i < 100; i++) {
		OK(dev, accel_sampler_sample(a, x, 50, &j, &p));
		OK(dev, accel_sampler_sample(c, x, 50, &k, NULL));
		assert_int_equal(j, k);
		assert_true(p > 0 && p <= 1 && x[j] >= 2.5f);
		OK(dev, accel_sampler_accept(a, j));
		OK(dev, accel_sampler_accept(c, k));
		distinct += j != before;
		before = j;
	}
	assert_true(distinct > 10);
	accel_sampler_destroy(c);
	accel_sampler_destroy(a);
	OK(dev, accel_sampler_create(dev, NULL, &a)); /* greedy */
	OK(dev, accel_sampler_sample(a, x, 50, &j, NULL));
	assert_int_equal(accel_logits_argmax(x, 50, &k), 0);
	assert_int_equal(j, k);
	accel_sampler_destroy(a);
	o.temperature = -1;
	FAILS(dev, ACCEL_EARG, accel_sampler_create(dev, &o, &a));
	accel_device_unref(dev);
}

TEST_LIST(models, cmocka_unit_test(wrong_models_are_refused),
	  cmocka_unit_test(first_model_becomes_the_mask),
	  cmocka_unit_test(damaged_files_are_refused),
	  cmocka_unit_test(parameters_describe_the_model),
	  cmocka_unit_test(text_becomes_ids_and_back),
	  cmocka_unit_test(samplers_are_deterministic));
