// SPDX-License-Identifier: MIT
/* What the GGUF reader gives for good files; test_gguf_refuse.c has the others. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "compiler/frontends/gguf.h"
#include "compiler/quant/ggml_types.h"
#include "compiler/tests/gguf_walk.h"
#include "compiler/tests/gguf_writer.h"
#include "compiler/tests/test_skip.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* ---- helpers ---- */

static struct gguf_file *finish(struct gguf_writer *w, uint8_t **data)
{
	struct gguf_error err = { 0 };
	struct gguf_file *f = NULL;
	size_t size;

	assert_int_equal(gguf_writer_finish(w, data, &size), 0);
	gguf_writer_free(w);
	if (gguf_open_mem(*data, size, &f, &err))
		fail_msg("refused: %s", err.msg);
	return f;
}

/* ---- good files ---- */

static void test_scalars(void **state)
{
	struct gguf_error err = { 0 };
	struct gguf_writer w;
	struct gguf_file *f;
	struct gguf_str s;
	uint32_t u32 = 7;
	uint64_t u64;
	int64_t i64;
	uint8_t *data;
	float x;
	bool b;

	(void)state;
	gguf_write_sample(&w);
	f = finish(&w, &data);
	assert_int_equal(gguf_version(f), 3);
	assert_int_equal(gguf_alignment(f), 32);

	assert_int_equal(gguf_get_u32(f, "t.u8", &u32, &err), 0);
	assert_int_equal(u32, 255);
	assert_int_equal(gguf_get_u32(f, "t.u16", &u32, &err), 0);
	assert_int_equal(u32, 65535);
	assert_int_equal(gguf_get_u32(f, "t.u32", &u32, &err), 0);
	assert_int_equal(u32, 0xffffffff);
	assert_int_equal(gguf_get_u64(f, "t.u64", &u64, &err), 0);
	assert_true(u64 == UINT64_MAX);
	assert_int_equal(gguf_get_i64(f, "t.i8", &i64, &err), 0);
	assert_true(i64 == -128);
	assert_int_equal(gguf_get_i64(f, "t.i16", &i64, &err), 0);
	assert_true(i64 == -32768);
	assert_int_equal(gguf_get_i64(f, "t.i32", &i64, &err), 0);
	assert_true(i64 == INT32_MIN);
	assert_int_equal(gguf_get_i64(f, "t.i64", &i64, &err), 0);
	assert_true(i64 == INT64_MIN);
	assert_int_equal(gguf_get_f32(f, "t.f32", &x, &err), 0);
	assert_true(x == 1e-5f);
	assert_int_equal(gguf_get_f32(f, "t.f64", &x, &err), 0);
	assert_true(x == 0.1f);
	assert_int_equal(gguf_get_f32(f, "t.i16", &x, &err), 0);
	assert_true(x == -32768.0f);
	assert_int_equal(gguf_get_bool(f, "t.yes", &b, &err), 0);
	assert_true(b);
	assert_int_equal(gguf_get_bool(f, "t.no", &b, &err), 0);
	assert_false(b);
	assert_int_equal(gguf_get_str(f, "t.nul", &s, &err), 0);
	assert_int_equal(s.len, 3);
	assert_memory_equal(s.ptr, "a\0b", 3);
	assert_false(gguf_str_eq(s, "a"));
	assert_int_equal(gguf_get_str(f, "general.architecture", &s, &err), 0);
	assert_true(gguf_str_eq(s, "llama"));
	assert_false(gguf_str_eq(s, "llam"));
	assert_false(gguf_str_eq(s, "llama2"));
	assert_int_equal(err.msg[0], 0);

	/* An absent key leaves the default and the error alone. */
	u32 = 7;
	assert_int_equal(gguf_get_u32(f, "t.absent", &u32, &err), -ENOENT);
	assert_int_equal(gguf_get_u32(f, "t.u3", &u32, &err), -ENOENT);
	assert_int_equal(gguf_get_u32(f, "", &u32, &err), -ENOENT);
	assert_int_equal(u32, 7);
	assert_int_equal(err.msg[0], 0);

	/* Of several errors the first is told. */
	assert_int_equal(gguf_get_u32(f, "t.i8", &u32, &err), -ERANGE);
	assert_string_equal(err.msg, "key t.i8: the value does not fit u32");
	assert_int_equal(gguf_get_u32(f, "t.f32", &u32, &err), -EINVAL);
	assert_string_equal(err.msg, "key t.i8: the value does not fit u32");
	err.msg[0] = 0;
	assert_int_equal(gguf_get_u32(f, "t.f32", &u32, &err), -EINVAL);
	assert_string_equal(err.msg, "key t.f32: is f32, expected u32");
	err.msg[0] = 0;
	assert_int_equal(gguf_missing(&err, "t.absent"), -ENOENT);
	assert_string_equal(err.msg, "key t.absent: missing");

	assert_int_equal(gguf_get_u32(f, "t.u64", &u32, NULL), -ERANGE);
	assert_int_equal(gguf_get_u64(f, "t.i64", &u64, NULL), -ERANGE);
	assert_int_equal(gguf_get_i64(f, "t.u64", &i64, NULL), -ERANGE);
	assert_int_equal(gguf_get_u32(f, "t.yes", &u32, NULL), -EINVAL);
	assert_int_equal(gguf_get_u32(f, "t.u32s", &u32, NULL), -EINVAL);
	assert_int_equal(gguf_get_f32(f, "t.yes", &x, NULL), -EINVAL);
	assert_int_equal(gguf_get_bool(f, "t.u8", &b, NULL), -EINVAL);
	assert_int_equal(gguf_get_str(f, "t.words", &s, NULL), -EINVAL);
	assert_int_equal(u32, 7);
	gguf_close(f);
	free(data);
}

static void test_float_range(void **state)
{
	struct gguf_writer w;
	struct gguf_file *f;
	uint8_t *data;
	float x;

	(void)state;
	gguf_writer_init(&w);
	gguf_write_f32(&w, "nan", NAN);
	gguf_write_f32(&w, "inf", -INFINITY);
	gguf_write_f64(&w, "nan64", NAN);
	gguf_write_f64(&w, "big", 1e39);
	/* Half way from the largest float to 2^128, which rounds up; and just below. */
	gguf_write_f64(&w, "edge", 0x1.ffffffp127);
	gguf_write_f64(&w, "below", -0x1.fffffefffffffp127);
	gguf_write_f64(&w, "tiny", 1e-60);
	f = finish(&w, &data);
	assert_int_equal(gguf_get_f32(f, "nan", &x, NULL), -ERANGE);
	assert_int_equal(gguf_get_f32(f, "inf", &x, NULL), -ERANGE);
	assert_int_equal(gguf_get_f32(f, "nan64", &x, NULL), -ERANGE);
	assert_int_equal(gguf_get_f32(f, "big", &x, NULL), -ERANGE);
	assert_int_equal(gguf_get_f32(f, "edge", &x, NULL), -ERANGE);
	assert_int_equal(gguf_get_f32(f, "below", &x, NULL), 0);
	assert_true(x == -0x1.fffffep127f);
	assert_int_equal(gguf_get_f32(f, "tiny", &x, NULL), 0);
	assert_true(x == 0);
	gguf_close(f);
	free(data);
}

static void test_arrays(void **state)
{
	struct gguf_writer w;
	struct gguf_file *f;
	struct gguf_arr a;
	struct gguf_str s;
	uint64_t u64;
	int64_t i64;
	uint8_t *data;
	size_t i;
	float x;
	bool b;

	(void)state;
	gguf_write_sample(&w);
	f = finish(&w, &data);

	assert_int_equal(gguf_get_arr(f, "t.u8", &a, NULL), -EINVAL);
	assert_int_equal(gguf_get_arr(f, "t.u32s", &a, NULL), 0);
	assert_int_equal(a.type, GGUF_U32);
	assert_int_equal(a.count, 3);
	assert_int_equal(gguf_arr_u64(&a, 2, &u64), 0);
	assert_true(u64 == 0xffffffff);
	assert_int_equal(gguf_arr_u64(&a, 3, &u64), -ERANGE);
	assert_int_equal(gguf_arr_str(&a, 0, &s), -EINVAL);
	assert_int_equal(gguf_arr_bool(&a, 0, &b), -EINVAL);

	assert_int_equal(gguf_get_arr(f, "t.i16s", &a, NULL), 0);
	assert_int_equal(gguf_arr_i64(&a, 0, &i64), 0);
	assert_true(i64 == -1);
	assert_int_equal(gguf_arr_u64(&a, 0, &u64), -ERANGE);
	assert_int_equal(gguf_arr_f32(&a, 2, &x), 0);
	assert_true(x == 32767.0f);

	assert_int_equal(gguf_get_arr(f, "t.bools", &a, NULL), 0);
	assert_int_equal(gguf_arr_bool(&a, 0, &b), 0);
	assert_true(b);
	assert_int_equal(gguf_arr_bool(&a, 1, &b), 0);
	assert_false(b);
	assert_int_equal(gguf_arr_bool(&a, 3, &b), -ERANGE);
	assert_int_equal(gguf_arr_u64(&a, 0, &u64), -EINVAL);

	assert_int_equal(gguf_get_arr(f, "t.f64s", &a, NULL), 0);
	assert_int_equal(gguf_arr_f32(&a, 0, &x), 0);
	assert_true(x == 0.5f);
	assert_int_equal(gguf_arr_f32(&a, 1, &x), -ERANGE);
	assert_int_equal(gguf_arr_f32(&a, 2, &x), 0);
	assert_true(isinf(x));

	assert_int_equal(gguf_get_arr(f, "t.none", &a, NULL), 0);
	assert_int_equal(a.count, 0);
	assert_int_equal(gguf_arr_u64(&a, 0, &u64), -ERANGE);
	assert_int_equal(gguf_get_arr(f, "t.nowords", &a, NULL), 0);
	assert_int_equal(gguf_arr_str(&a, 0, &s), -ERANGE);

	assert_int_equal(gguf_get_arr(f, "t.words", &a, NULL), 0);
	assert_int_equal(a.count, GGUF_SAMPLE_WORDS);
	for (i = a.count; i-- > 0;) {
		assert_int_equal(gguf_arr_str(&a, i, &s), 0);
		assert_true(gguf_str_eq(s, gguf_sample_words[i]));
	}
	assert_int_equal(gguf_arr_u64(&a, 1, &u64), -EINVAL);
	gguf_close(f);
	free(data);
}

static void test_layers(void **state)
{
	struct gguf_error err = { 0 };
	struct gguf_writer w;
	struct gguf_file *f;
	uint32_t u[4] = { 9, 9, 9, 9 };
	uint8_t *data;
	float x[3];

	(void)state;
	gguf_write_sample(&w);
	f = finish(&w, &data);
	assert_int_equal(gguf_get_u32_layers(f, "t.absent", 3, u, &err), -ENOENT);
	assert_int_equal(gguf_get_u32_layers(f, "t.u8", 3, u, &err), 0);
	assert_true(u[0] == 255 && u[1] == 255 && u[2] == 255 && u[3] == 9);
	assert_int_equal(gguf_get_u32_layers(f, "t.u32s", 3, u, &err), 0);
	assert_true(u[0] == 1 && u[1] == 2 && u[2] == 0xffffffff && u[3] == 9);
	assert_int_equal(gguf_get_u32_layers(f, "t.bools", 3, u, &err), 0);
	assert_true(u[0] == 1 && u[1] == 0 && u[2] == 1);
	assert_int_equal(gguf_get_u32_layers(f, "t.yes", 2, u, &err), 0);
	assert_true(u[0] == 1 && u[1] == 1);
	assert_int_equal(gguf_get_f32_layers(f, "t.f32", 3, x, &err), 0);
	assert_true(x[2] == 1e-5f);
	assert_int_equal(gguf_get_f32_layers(f, "t.i16s", 3, x, &err), 0);
	assert_true(x[0] == -1 && x[2] == 32767);
	assert_int_equal(gguf_get_u32_layers(f, "t.none", 0, u, &err), 0);
	assert_int_equal(err.msg[0], 0);
	assert_int_equal(gguf_get_u32_layers(f, "t.u32s", 4, u, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "t.u32s: 3 elements, expected one for each of 4"));
	assert_int_equal(gguf_get_u32_layers(f, "t.i16s", 3, u, NULL), -ERANGE);
	assert_int_equal(gguf_get_u32_layers(f, "t.f64s", 3, u, NULL), -EINVAL);
	assert_int_equal(gguf_get_u32_layers(f, "t.words", GGUF_SAMPLE_WORDS, u, NULL), -EINVAL);
	assert_int_equal(gguf_get_u32_layers(f, "general.architecture", 3, u, NULL), -EINVAL);
	assert_int_equal(gguf_get_f32_layers(f, "t.f64s", 3, x, NULL), -ERANGE);
	gguf_close(f);
	free(data);
}

static void test_enumeration(void **state)
{
	static const struct {
		const char *name;
		uint32_t type, n_dims;
		int64_t ne[4];
		size_t size, at; /* relative to the first tensor's data */
	} want[] = {
		{ "vector", GGML_TYPE_F32, 1, { 5, 1, 1, 1 }, 20, 0 },
		{ "matrix", GGML_TYPE_Q8_0, 2, { 64, 3, 1, 1 }, 204, 32 },
		{ "four", GGML_TYPE_Q4_0, 4, { 32, 2, 3, 4 }, 432, 256 },
		{ "scalar", GGML_TYPE_F16, 0, { 1, 1, 1, 1 }, 2, 704 },
	};
	const struct gguf_tensor *t;
	struct gguf_writer w;
	struct gguf_file *f;
	uint8_t *data;
	size_t i;

	(void)state;
	gguf_write_sample(&w);
	w.version = 2;
	f = finish(&w, &data);
	assert_int_equal(gguf_version(f), 2);
	assert_int_equal(gguf_n_kv(f), 21);
	assert_true(gguf_str_eq(gguf_kv(f, 0)->key, "general.architecture"));
	assert_true(gguf_str_eq(gguf_kv(f, 20)->key, "t.nowords"));
	assert_int_equal(gguf_kv(f, 20)->type, GGUF_ARRAY);
	assert_int_equal(gguf_kv(f, 20)->arr.type, GGUF_STRING);
	assert_null(gguf_kv(f, 21));
	assert_int_equal(gguf_n_tensors(f), ARRAY_SIZE(want));
	assert_null(gguf_tensor(f, ARRAY_SIZE(want)));
	assert_null(gguf_find_tensor(f, "absent"));
	for (i = 0; i < ARRAY_SIZE(want); i++) {
		t = gguf_tensor(f, i);
		assert_ptr_equal(gguf_find_tensor(f, want[i].name), t);
		assert_true(gguf_str_eq(t->name, want[i].name));
		assert_int_equal(t->type, want[i].type);
		assert_int_equal(t->n_dims, want[i].n_dims);
		assert_memory_equal(t->ne, want[i].ne, sizeof(t->ne));
		assert_true(t->elements == (uint64_t)(t->ne[0] * t->ne[1] * t->ne[2] * t->ne[3]));
		assert_int_equal(t->size, want[i].size);
		assert_true(t->data == gguf_tensor(f, 0)->data + want[i].at);
		assert_int_equal((t->data - data) % 32, 0);
		assert_int_equal(t->data[0], (uint8_t)(i * 7));
		assert_int_equal(t->data[t->size - 1], (uint8_t)((i + t->size - 1) * 7));
	}
	gguf_close(f);
	free(data);
}

static void test_alignment(void **state)
{
	static const uint32_t good[] = { 1, 8, 64, 4096 };
	static const int64_t ne[] = { 3 };
	static const float data3[] = { 1, 2, 3 };
	struct gguf_writer w;
	struct gguf_file *f;
	uint8_t *data;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(good); i++) {
		float v[3];

		gguf_writer_init(&w);
		gguf_write_alignment(&w, good[i]);
		gguf_write_tensor(&w, "a", GGML_TYPE_F32, 1, ne, data3, 12);
		gguf_write_tensor(&w, "b", GGML_TYPE_F32, 1, ne, data3, 12);
		f = finish(&w, &data);
		assert_int_equal(gguf_alignment(f), good[i]);
		assert_int_equal((gguf_tensor(f, 1)->data - data) % good[i], 0);
		assert_int_equal(ggml_dequantize_row(GGML_TYPE_F32, gguf_tensor(f, 1)->data, v, 3),
				 0);
		assert_memory_equal(v, data3, sizeof(v));
		gguf_close(f);
		free(data);
	}
}

/* Many names, in an order that is no order: found all, the last duplicate too. */
static void test_many_names(void **state)
{
	static const int64_t ne[] = { 1 };
	static const float one = 1.0f;
	struct gguf_writer w;
	struct gguf_file *f;
	uint8_t *data;
	char name[32];
	uint32_t v;
	size_t i;

	(void)state;
	gguf_writer_init(&w);
	for (i = 0; i < 3000; i++) {
		snprintf(name, sizeof(name), "n.%zu", i * 7919 % 3001);
		gguf_write_u32(&w, name, (uint32_t)i);
		gguf_write_tensor(&w, name, GGML_TYPE_F32, 1, ne, &one, sizeof(one));
	}
	f = finish(&w, &data);
	for (i = 0; i < 3000; i++) {
		snprintf(name, sizeof(name), "n.%zu", i * 7919 % 3001);
		assert_int_equal(gguf_get_u32(f, name, &v, NULL), 0);
		assert_int_equal(v, i);
		assert_ptr_equal(gguf_find_tensor(f, name), gguf_tensor(f, i));
	}
	gguf_close(f);
	free(data);
}

static void test_open_file(void **state)
{
	char path[] = "gguf-test-XXXXXX";
	struct gguf_error err = { 0 };
	struct gguf_file *f = NULL;
	struct gguf_writer w;
	uint8_t *data;
	size_t size;
	int fd;

	(void)state;
	gguf_write_sample(&w);
	assert_int_equal(gguf_writer_finish(&w, &data, &size), 0);
	gguf_writer_free(&w);
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(gguf_open_file(path, &f, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "empty"));
	assert_int_equal(write(fd, data, size), size);
	err.msg[0] = 0;
	assert_int_equal(gguf_open_file(path, &f, &err), 0);
	assert_int_equal(err.msg[0], 0);
	assert_int_equal(gguf_n_tensors(f), 4);
	gguf_walk(f);
	gguf_close(f);
	f = NULL;
	assert_int_equal(ftruncate(fd, 100), 0);
	assert_int_equal(gguf_open_file(path, &f, &err), -EINVAL);
	assert_null(f);
	close(fd);
	unlink(path);
	free(data);
	err.msg[0] = 0;
	assert_int_equal(gguf_open_file(path, &f, &err), -ENOENT);
	assert_non_null(strstr(err.msg, path));
	assert_int_equal(gguf_open_file(".", &f, NULL), -EINVAL);
	gguf_close(NULL);
}

/* ---- real files ---- */

/* Parameters, by the name's beginning; longer names first. */
static const struct {
	const char *family;
	uint64_t parameters;
} families[] = {
	{ "stories260K-w256", 2099968 }, { "stories260K-ff192", 279232 }, { "stories260K", 260032 },
	{ "tinymamba1", 192320 },	 { "tinymamba2", 153200 },	  { "tinymoe8x2", 1572032 },
	{ "tinyqwen2", 279872 },	 { "tinyqwen3", 1050144 },	  { "rwkv7-834K", 834048 },
};

static int check_real(const char *path)
{
	const char *base = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	struct gguf_error err = { 0 };
	const struct gguf_tensor *t;
	struct gguf_file *f = NULL;
	uint64_t total = 0;
	struct gguf_arr a;
	struct gguf_str s;
	size_t i;

	if (gguf_open_file(path, &f, &err))
		fail_msg("%s: %s", path, err.msg);
	gguf_walk(f);
	if (gguf_get_str(f, "general.architecture", &s, &err))
		fail_msg("%s: no architecture", path);
	if (!gguf_get_arr(f, "tokenizer.ggml.tokens", &a, NULL))
		for (i = 0; i < a.count; i++)
			assert_int_equal(gguf_arr_str(&a, i, &s), 0);
	for (i = 0; i < gguf_n_tensors(f); i++) {
		float *row;

		t = gguf_tensor(f, i);
		total += t->elements;
		row = malloc((size_t)t->elements * sizeof(*row));
		assert_non_null(row);
		assert_int_equal(ggml_dequantize_row(t->type, t->data, row, (int64_t)t->elements),
				 0);
		for (s.len = 0; s.len < t->elements; s.len++)
			if (!isfinite(row[s.len]))
				fail_msg("%s: %.*s[%zu] is not finite", path, (int)t->name.len,
					 t->name.ptr, s.len);
		free(row);
	}
	gguf_close(f);
	for (i = 0; i < ARRAY_SIZE(families); i++) {
		if (strncmp(base, families[i].family, strlen(families[i].family)) != 0)
			continue;
		if (total != families[i].parameters)
			fail_msg("%s: %llu parameters, expected %llu", path,
				 (unsigned long long)total,
				 (unsigned long long)families[i].parameters);
		return 1;
	}
	return 0;
}

static char source_models[4096], shared_models[4096];

static void check_folder(const char *folder)
{
	struct gguf_paths p;
	int counted = 0;
	size_t i;

	gguf_paths_find(&p, folder);
	assert_true(p.count > 0);
	for (i = 0; i < p.count; i++)
		counted += check_real(p.path[i]);
	print_message("# %zu files in %s, parameters checked for %d\n", p.count, folder, counted);
	gguf_paths_free(&p);
}

static void test_source_models(void **state)
{
	(void)state;
	check_folder(source_models);
}

static void test_shared_models(void **state)
{
	(void)state;
	check_folder(shared_models);
}

static void skip_if_empty(struct CMUnitTest *test, const char *folder, char *name, size_t room)
{
	char reason[4200];
	struct gguf_paths p;

	gguf_paths_find(&p, folder);
	snprintf(reason, sizeof(reason), "no *.gguf in %s", folder);
	if (!p.count)
		test_skip(test, name, room, reason);
	gguf_paths_free(&p);
}

int main(void)
{
	static char source_skip[4300], shared_skip[4300];
	static struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scalars),	      cmocka_unit_test(test_float_range),
		cmocka_unit_test(test_arrays),	      cmocka_unit_test(test_layers),
		cmocka_unit_test(test_enumeration),   cmocka_unit_test(test_alignment),
		cmocka_unit_test(test_many_names),    cmocka_unit_test(test_open_file),
		cmocka_unit_test(test_source_models), cmocka_unit_test(test_shared_models),
	};

	snprintf(source_models, sizeof(source_models), "%s/models", gguf_source_root());
	gguf_shared_models(shared_models, sizeof(shared_models));
	skip_if_empty(&tests[ARRAY_SIZE(tests) - 2], source_models, source_skip,
		      sizeof(source_skip));
	skip_if_empty(&tests[ARRAY_SIZE(tests) - 1], shared_models, shared_skip,
		      sizeof(shared_skip));
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("gguf", tests, NULL, NULL);
}
