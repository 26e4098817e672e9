// SPDX-License-Identifier: MIT
/* accelc info of what is not compiled yet: keys and tensors of a GGUF file or a folder. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "accelc.h"
#include "common/json_text.h"
#include "compiler/quant/ggml_types.h"

#define SHOWN_TEXT 60u

bool accelc_is_source(const char *path)
{
	char magic[4] = "";
	struct stat st;
	FILE *f;
	bool is;

	if (stat(path, &st))
		return false;
	if (S_ISDIR(st.st_mode))
		return true;
	f = S_ISREG(st.st_mode) ? fopen(path, "rb") : NULL;
	if (!f)
		return false;
	is = fread(magic, 1, 4, f) == 4 && !memcmp(magic, "GGUF", 4);
	fclose(f);
	return is;
}

/* Nothing of a file's texts reaches the terminal but printable characters. */
static void print_text(struct gguf_str s, size_t most)
{
	size_t i;

	for (i = 0; i < s.len && i < most; i++)
		putchar((unsigned char)s.ptr[i] < 0x20 || s.ptr[i] == 0x7f ? '?' : s.ptr[i]);
	if (i < s.len)
		fputs("...", stdout);
}

static json_t *scalar(const struct gguf_kv *kv)
{
	/* as an array of one, which any scalar can be read as */
	struct gguf_arr one = { .type = kv->type, .count = 1, .data = kv->data };
	uint64_t u;
	int64_t i;
	float v;
	bool b;

	if (kv->type == GGUF_STRING)
		return json_stringn(kv->str.ptr, kv->str.len);
	if (!gguf_arr_bool(&one, 0, &b))
		return json_boolean(b);
	if (!gguf_arr_i64(&one, 0, &i))
		return json_integer(i);
	if (!gguf_arr_u64(&one, 0, &u))
		return json_real((double)u);
	return gguf_arr_f32(&one, 0, &v) ? NULL : json_real((double)v);
}

static void print_keys(const struct gguf_file *f)
{
	size_t i;

	puts("\nkeys");
	for (i = 0; i < gguf_n_kv(f); i++) {
		const struct gguf_kv *kv = gguf_kv(f, i);
		json_t *j;
		char *s;

		printf("  ");
		print_text(kv->key, SIZE_MAX);
		printf(" = ");
		if (kv->type == GGUF_STRING) {
			putchar('"');
			print_text(kv->str, SHOWN_TEXT);
			puts("\"");
			continue;
		}
		if (kv->type == GGUF_ARRAY) {
			printf("%zu x %s\n", kv->arr.count, gguf_type_name(kv->arr.type));
			continue;
		}
		j = scalar(kv);
		s = j ? json_dumps(j, JSON_ENCODE_ANY | JSON_REAL_PRECISION(7)) : NULL;
		puts(s ? s : "?");
		free(s);
		json_decref(j);
	}
}

void accelc_left_out(FILE *f, const struct source_left_out *kinds, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		fprintf(f, "left out: %zu %s of %s, %" PRIu64 " bytes\n", kinds[i].tensors,
			kinds[i].tensors == 1 ? "tensor" : "tensors", kinds[i].what,
			kinds[i].bytes);
}

void accelc_left_out_json(json_t *j, const struct source_left_out *kinds, size_t n)
{
	json_t *tensors = json_object(), *bytes = json_object();
	size_t i;

	for (i = 0; i < n; i++) {
		json_object_set_new(tensors, kinds[i].what,
				    json_integer((json_int_t)kinds[i].tensors));
		json_object_set_new(bytes, kinds[i].what, json_integer((json_int_t)kinds[i].bytes));
	}
	json_object_set_new(j, "left_out", tensors);
	json_object_set_new(j, "left_out_bytes", bytes);
}

static void print_source(const struct gguf_file *f)
{
	struct source_left_out kinds[SOURCE_LEFT_OUT];
	size_t i, d;

	puts("files");
	for (i = 0; i < gguf_n_parts(f); i++) {
		const struct gguf_part *p = gguf_part(f, i);

		printf("  %14zu bytes  ", p->size);
		print_text((struct gguf_str){ p->name, strlen(p->name) }, SIZE_MAX);
		putchar('\n');
	}
	print_keys(f);
	puts("\ntensors");
	for (i = 0; i < gguf_n_tensors(f); i++) {
		const struct gguf_tensor *t = gguf_tensor(f, i);

		printf("  %-7s %s", ggml_type_name(t->type), t->rows ? "converted " : "");
		for (d = 0; d < t->n_dims; d++)
			printf("%s%" PRId64, d ? " x " : "", t->ne[d]);
		printf("  ");
		print_text(t->name, SIZE_MAX);
		putchar('\n');
	}
	i = source_left_out(f, kinds);
	if (i)
		putchar('\n');
	accelc_left_out(stdout, kinds, i);
}

static void print_json(const struct gguf_file *f)
{
	json_t *j = json_object(), *keys = json_object(), *tensors = json_array(),
	       *files = json_array();
	struct source_left_out kinds[SOURCE_LEFT_OUT];
	size_t i, d, n = source_left_out(f, kinds);

	for (i = 0; i < gguf_n_parts(f); i++) {
		const struct gguf_part *p = gguf_part(f, i);

		json_array_append_new(files,
				      json_pack("{s:o,s:I}", "name", json_text(p->name, SIZE_MAX),
						"bytes", (json_int_t)p->size));
	}
	for (i = 0; i < gguf_n_kv(f); i++) {
		const struct gguf_kv *kv = gguf_kv(f, i);
		json_t *v = kv->type == GGUF_ARRAY
				    ? json_pack("{s:s,s:I}", "type", gguf_type_name(kv->arr.type),
						"count", (json_int_t)kv->arr.count)
				    : scalar(kv);

		/* what is not UTF-8 or not finite has no place in JSON */
		json_object_setn_new(keys, kv->key.ptr, kv->key.len, v ? v : json_null());
	}
	for (i = 0; i < gguf_n_tensors(f); i++) {
		const struct gguf_tensor *t = gguf_tensor(f, i);
		json_t *shape = json_array(), *name = json_stringn(t->name.ptr, t->name.len);

		for (d = 0; d < t->n_dims; d++)
			json_array_append_new(shape, json_integer(t->ne[d]));
		json_array_append_new(tensors, json_pack("{s:o,s:s,s:o,s:b}", "name",
							 name ? name : json_null(), "type",
							 ggml_type_name(t->type), "shape", shape,
							 "converted", (int)(t->rows != NULL)));
	}
	accelc_left_out_json(j, kinds, n);
	json_object_set_new(j, "files", files);
	json_object_set_new(j, "keys", keys);
	json_object_set_new(j, "tensors", tensors);
	json_dumpf(j, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(j);
}

int accelc_source_info(const char *path, bool json)
{
	struct gguf_error err = { 0 };
	struct gguf_file *f;
	int ret = source_open(path, &f, &err);

	if (ret) {
		accelc_error("%s", err.msg);
		return accelc_exit_code(ret);
	}
	if (json)
		print_json(f);
	else
		print_source(f);
	gguf_close(f);
	return ACCELC_OK;
}
