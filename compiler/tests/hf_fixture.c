// SPDX-License-Identifier: MIT
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/frontends/hf.h"
#include "compiler/quant/ggml_types.h"
#include "compiler/tests/gguf_walk.h"
#include "compiler/tests/hf_fixture.h"

#define MAX_SOURCES 64

struct hf_folder fx_folder;
struct gguf_file *fx_file;

/* What the test put in. */
static struct source {
	char name[128];
	float *v;
	size_t n;
} sources[MAX_SOURCES];
static size_t n_sources;
static float *loaded[MAX_SOURCES];
static size_t n_loaded;

void fx_reset(void)
{
	hf_folder_free(&fx_folder);
	gguf_close(fx_file);
	fx_file = NULL;
	while (n_sources)
		free(sources[--n_sources].v);
	while (n_loaded)
		free(loaded[--n_loaded]);
}

void fx_put(const char *name, uint64_t a, uint64_t b, uint64_t c)
{
	uint64_t shape[4] = { a, b, b ? c : 0, 0 };
	size_t n = a * (b ? b : 1) * (b && c ? c : 1), i;
	struct source *s = &sources[n_sources++];

	assert_true(n_sources <= MAX_SOURCES);
	snprintf(s->name, sizeof(s->name), "%s", name);
	s->n = n;
	s->v = malloc(n * sizeof(*s->v));
	assert_non_null(s->v);
	for (i = 0; i < n; i++)
		s->v[i] = (float)n_sources * 0.01f + (float)i * 0x1p-12f;
	hf_tensor(&fx_folder, name, "F32", shape, s->v, n * sizeof(*s->v));
}

const float *fx_src(const char *name)
{
	size_t i;

	for (i = 0; i < n_sources; i++) {
		if (!strcmp(sources[i].name, name))
			return sources[i].v;
	}
	fail_msg("no source %s", name);
	return NULL;
}

void fx_open_folder(const char *config)
{
	struct gguf_error err = { 0 };

	hf_put_text(&fx_folder, "config.json", config);
	hf_finish_file(&fx_folder, "model.safetensors");
	if (hf_open_files(fx_folder.file, fx_folder.n, &fx_file, &err))
		fail_msg("%s", err.msg);
	gguf_walk(fx_file);
}

void fx_refused(const char *config, int code, const char *says)
{
	struct gguf_error err = { 0 };
	int rc;

	hf_put_text(&fx_folder, "config.json", config);
	hf_finish_file(&fx_folder, "model.safetensors");
	rc = hf_open_files(fx_folder.file, fx_folder.n, &fx_file, &err);
	if (rc != code || !strstr(err.msg, says))
		fail_msg("%d \"%s\", expected %d \"%s\"", rc, err.msg, code, says);
	fx_file = NULL;
	fx_reset();
}

const float *fx_get(const char *name, int64_t ne0, int64_t ne1, int64_t ne2)
{
	const struct gguf_tensor *t = gguf_find_tensor(fx_file, name);
	uint64_t row, rows;
	uint8_t *buf;
	float *v;

	if (!t)
		fail_msg("no tensor %s", name);
	if (t->ne[0] != ne0 || t->ne[1] != ne1 || t->ne[2] != ne2)
		fail_msg("%s: %lld x %lld x %lld", name, (long long)t->ne[0], (long long)t->ne[1],
			 (long long)t->ne[2]);
	rows = t->elements / (uint64_t)ne0;
	buf = malloc(t->size / rows);
	v = malloc(t->elements * sizeof(*v));
	assert_true(buf && v && n_loaded < MAX_SOURCES);
	for (row = 0; row < rows; row++)
		assert_int_equal(ggml_dequantize_row(t->type, gguf_tensor_row(t, row, buf),
						     v + row * (uint64_t)ne0, ne0),
				 0);
	free(buf);
	loaded[n_loaded++] = v;
	return v;
}

void fx_same(const char *name, const float *got, const float *want, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (got[i] != want[i])
			fail_msg("%s: element %zu is %g, expected %g", name, i, (double)got[i],
				 (double)want[i]);
	}
}

void fx_copied(const char *gguf, const char *hf, int64_t ne0, int64_t ne1)
{
	fx_same(gguf, fx_get(gguf, ne0, ne1, 1), fx_src(hf), (size_t)(ne0 * ne1));
}

void fx_key_u32(const char *key, uint32_t want)
{
	uint32_t v = ~want;

	if (gguf_get_u32(fx_file, key, &v, NULL) || v != want)
		fail_msg("key %s: %u, expected %u", key, v, want);
}

void fx_key_f32(const char *key, float want)
{
	float v = -1;

	if (gguf_get_f32(fx_file, key, &v, NULL) || v != want)
		fail_msg("key %s: %g, expected %g", key, (double)v, (double)want);
}

void fx_key_absent(const char *key)
{
	if (gguf_find_kv(fx_file, key))
		fail_msg("key %s is there", key);
}

void fx_put_globals(void)
{
	fx_put("model.embed_tokens.weight", 5, 8, 0);
	fx_put("model.norm.weight", 8, 0, 0);
}

void fx_key_str(const char *key, const char *want)
{
	struct gguf_str s = { "", 0 };

	if (gguf_get_str(fx_file, key, &s, NULL) || !gguf_str_eq(s, want))
		fail_msg("key %s: \"%.*s\", expected \"%s\"", key, (int)s.len, s.ptr, want);
}
