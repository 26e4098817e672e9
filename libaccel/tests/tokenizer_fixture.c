// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tokenizer_fixture.h"

uint32_t rnd_next(struct rnd *r, uint32_t below)
{
	r->s ^= r->s >> 12;
	r->s ^= r->s << 25;
	r->s ^= r->s >> 27;
	return (uint32_t)((r->s * 0x2545f4914f6cdd1dull) >> 33) % below;
}

struct tokenizer_str lit(const char *s)
{
	return (struct tokenizer_str){ s, strlen(s) };
}

json_t *fixture_json(const char *name)
{
	const char *dir = getenv("TEST_DATA_DIR");
	char path[4096];
	json_error_t e;
	json_t *doc;

	snprintf(path, sizeof(path), "%s/tokenizer/%s", dir ? dir : "tests/data", name);
	doc = json_load_file(path, JSON_ALLOW_NUL, &e);
	if (!doc)
		fail_msg("%s: %s (line %d); set TEST_DATA_DIR to tests/data", path, e.text, e.line);
	return doc;
}

static struct tokenizer_str *strings(const json_t *a, size_t *n)
{
	struct tokenizer_str *v;
	size_t i;

	*n = json_array_size(a);
	v = calloc(*n + 1, sizeof(*v));
	assert_non_null(v);
	for (i = 0; i < *n; i++) {
		const json_t *s = json_array_get(a, i);

		v[i].p = json_string_value(s);
		v[i].n = json_string_length(s);
	}
	return v;
}

static int flag(const json_t *doc, const char *key)
{
	const json_t *v = json_object_get(doc, key);

	return v ? json_is_true(v) : -1;
}

void fixture_desc(struct fixture *f, const char *name)
{
	static const char *const key[TOKENIZER_N_SPECIAL] = {
		"bos_token_id", "eos_token_id",	    "eot_token_id",
		"eom_token_id", "unknown_token_id", "padding_token_id",
	};
	const json_t *a;
	size_t i;

	memset(f, 0, sizeof(*f));
	f->doc = fixture_json(name);
	tokenizer_desc_init(&f->desc);
	f->desc.model = lit(json_string_value(json_object_get(f->doc, "model")));
	f->desc.pre = lit(json_string_value(json_object_get(f->doc, "pre")));
	f->tokens = strings(json_object_get(f->doc, "tokens"), &f->desc.n_tokens);
	f->desc.tokens = f->tokens;
	f->merges = strings(json_object_get(f->doc, "merges"), &f->desc.n_merges);
	f->desc.merges = f->merges;

	f->types = calloc(f->desc.n_tokens, sizeof(*f->types));
	assert_non_null(f->types);
	a = json_object_get(f->doc, "token_type");
	assert_int_equal(json_array_size(a), f->desc.n_tokens);
	for (i = 0; i < f->desc.n_tokens; i++)
		f->types[i] = (int32_t)json_integer_value(json_array_get(a, i));
	f->desc.types = f->types;

	a = json_object_get(f->doc, "scores");
	if (a) {
		f->scores = calloc(f->desc.n_tokens, sizeof(*f->scores));
		assert_non_null(f->scores);
		for (i = 0; i < f->desc.n_tokens; i++)
			f->scores[i] = (float)json_real_value(json_array_get(a, i));
		f->desc.scores = f->scores;
	}
	for (i = 0; i < TOKENIZER_N_SPECIAL; i++) {
		a = json_object_get(f->doc, key[i]);
		if (a)
			f->desc.ids[i] = json_integer_value(a);
	}
	f->desc.add_bos = flag(f->doc, "add_bos_token");
	f->desc.add_eos = flag(f->doc, "add_eos_token");
	f->desc.add_space_prefix = flag(f->doc, "add_space_prefix");
}

void fixture_build(struct fixture *f)
{
	char err[TOKENIZER_ERR_LEN] = "";

	if (tokenizer_blob_write(&f->desc, &f->blob, &f->len, err) ||
	    tokenizer_create(f->blob, f->len, &f->t, err))
		fail_msg("%s", err);
}

void fixture_free(struct fixture *f)
{
	tokenizer_destroy(f->t);
	free(f->blob);
	free(f->tokens);
	free(f->merges);
	free(f->types);
	free(f->scores);
	json_decref(f->doc);
}

void fixture_refuse(const struct tokenizer_desc *d, int code, const char *message)
{
	char err[TOKENIZER_ERR_LEN] = "";
	void *blob;
	size_t len;
	int r = tokenizer_blob_write(d, &blob, &len, err);

	if (r != code || !strstr(err, message))
		fail_msg("returned %d '%s', expected %d '%s'", r, err, code, message);
	assert_null(blob);
}
