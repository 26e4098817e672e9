// SPDX-License-Identifier: MIT
#include "compiler/tests/gguf_walk.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/quant/ggml_types.h"

/* Longer rows are dequantised in part: a row of 2^40 elements may well be in a sparse file. */
#define WALK_ROW (1 << 16)

static void demand(int condition)
{
	if (!condition)
		abort();
}

static uint64_t sum_str(struct gguf_str s)
{
	uint64_t sum = s.len;
	size_t i;

	for (i = 0; i < s.len; i++)
		sum = sum * 31 + (uint8_t)s.ptr[i];
	return sum;
}

static uint64_t sum_arr(const struct gguf_arr *a)
{
	uint64_t sum = a->count, u;
	struct gguf_str s;
	int64_t v;
	size_t i;
	float x;
	bool b;

	for (i = 0; i < a->count; i++) {
		if (!gguf_arr_u64(a, i, &u))
			sum += u;
		if (!gguf_arr_i64(a, i, &v))
			sum += (uint64_t)v;
		if (!gguf_arr_f32(a, i, &x))
			sum += x > 0;
		if (!gguf_arr_bool(a, i, &b))
			sum += b;
		if (!gguf_arr_str(a, i, &s))
			sum += sum_str(s);
	}
	demand(gguf_arr_u64(a, a->count, &u) && gguf_arr_str(a, SIZE_MAX, &s));
	return sum;
}

static uint64_t walk_kv(const struct gguf_file *f, const struct gguf_kv *kv)
{
	char *key = strndup(kv->key.ptr, kv->key.len);
	uint32_t layers32[3];
	float layersf[3];
	uint64_t sum = sum_str(kv->key), u;
	struct gguf_arr a;
	struct gguf_str s;
	uint32_t w;
	int64_t v;
	float x;
	bool b;

	demand(key && gguf_find_kv(f, key) == kv);
	if (!gguf_get_u32(f, key, &w, NULL))
		sum += w;
	if (!gguf_get_u64(f, key, &u, NULL))
		sum += u;
	if (!gguf_get_i64(f, key, &v, NULL))
		sum += (uint64_t)v;
	if (!gguf_get_f32(f, key, &x, NULL))
		sum += x > 0;
	if (!gguf_get_bool(f, key, &b, NULL))
		sum += b;
	if (!gguf_get_str(f, key, &s, NULL))
		sum += sum_str(s);
	if (!gguf_get_arr(f, key, &a, NULL))
		sum += sum_arr(&a);
	if (!gguf_get_u32_layers(f, key, 3, layers32, NULL))
		sum += layers32[2];
	if (!gguf_get_f32_layers(f, key, 3, layersf, NULL))
		sum += layersf[2] > 0;
	free(key);
	return sum;
}

static uint64_t walk_tensor(const struct gguf_file *f, const struct gguf_tensor *t)
{
	char *name = strndup(t->name.ptr, t->name.len);
	int64_t n = t->ne[0] < WALK_ROW ? t->ne[0] : WALK_ROW, i;
	uint64_t sum = sum_str(t->name), row, size;
	uint8_t *buf = NULL;
	const uint8_t *p;
	float *values;

	demand(name && gguf_find_tensor(f, name) == t);
	demand(ggml_tensor_size(t->type, t->ne, &size) == 0 && size == t->size);
	demand(ggml_row_size(t->type, t->ne[0], &row) == 0 && row <= t->size);
	values = malloc((size_t)n * sizeof(*values));
	buf = t->data ? NULL : malloc(row);
	demand(values && (t->data || buf));
	p = gguf_tensor_row(t, 0, buf);
	demand(ggml_dequantize_row(t->type, p, values, n) == 0);
	for (i = 0; i < n; i++)
		sum += values[i] > 0;
	p = gguf_tensor_row(t, t->size / row - 1, buf);
	sum += p[row - 1];
	free(buf);
	free(values);
	free(name);
	return sum;
}

uint64_t gguf_walk(const struct gguf_file *f)
{
	uint64_t sum = gguf_version(f) + gguf_alignment(f);
	size_t i;

	for (i = 0; i < gguf_n_kv(f); i++)
		sum += walk_kv(f, gguf_kv(f, i));
	for (i = 0; i < gguf_n_tensors(f); i++)
		sum += walk_tensor(f, gguf_tensor(f, i));
	demand(!gguf_kv(f, gguf_n_kv(f)) && !gguf_tensor(f, gguf_n_tensors(f)));
	return sum;
}

static int compare_paths(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void add_paths(struct gguf_paths *p, const char *folder, const char *pattern)
{
	char text[4096];
	size_t i;
	glob_t g;

	snprintf(text, sizeof(text), "%s/%s", folder, pattern);
	if (glob(text, GLOB_NOSORT, NULL, &g))
		return;
	p->path = realloc(p->path, (p->count + g.gl_pathc) * sizeof(*p->path));
	demand(p->path != NULL);
	for (i = 0; i < g.gl_pathc; i++) {
		p->path[p->count] = strdup(g.gl_pathv[i]);
		demand(p->path[p->count++] != NULL);
	}
	globfree(&g);
}

void gguf_paths_find(struct gguf_paths *p, const char *folder)
{
	memset(p, 0, sizeof(*p));
	add_paths(p, folder, "*.gguf");
	add_paths(p, folder, "*/*.gguf");
	if (p->count)
		qsort(p->path, p->count, sizeof(*p->path), compare_paths);
}

void gguf_paths_free(struct gguf_paths *p)
{
	while (p->count)
		free(p->path[--p->count]);
	free(p->path);
	p->path = NULL;
}

const char *gguf_source_root(void)
{
	const char *root = getenv("INTAGLIO_SOURCE_ROOT");

	return root && *root ? root : ".";
}

void gguf_shared_models(char *path, size_t room)
{
	const char *folder = getenv("INTAGLIO_SHARED_MODELS");

	if (folder && *folder)
		snprintf(path, room, "%s", folder);
	else
		snprintf(path, room, "%s/../shared/models", gguf_source_root());
}

uint64_t gguf_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}
