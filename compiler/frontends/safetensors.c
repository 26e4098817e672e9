// SPDX-License-Identifier: MIT
#include "compiler/frontends/safetensors.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/frontends/gguf_internal.h"
#include "compiler/quant/ggml_types.h"
#include "compiler/quant/half.h"

#define MAX_HEADER (100u << 20)
#define MAX_NAME   255

static const struct {
	const char *name;
	uint32_t bytes, type, code;
} dtypes[] = {
	{ "F32", 4, GGML_TYPE_F32 },
	{ "F16", 2, GGML_TYPE_F16 },
	{ "BF16", 2, GGML_TYPE_BF16 },
	{ "U8", 1, ST_NO_TYPE },
	{ "I8", 1, ST_NO_TYPE },
	{ "BOOL", 1, ST_NO_TYPE },
	{ "F8_E4M3", 1, ST_NO_TYPE, ST_E4M3 },
	{ "F8_E5M2", 1, ST_NO_TYPE, ST_E5M2 },
	{ "F8_E8M0", 1, ST_NO_TYPE },
	{ "U16", 2, ST_NO_TYPE },
	{ "I16", 2, ST_NO_TYPE },
	{ "U32", 4, ST_NO_TYPE },
	{ "I32", 4, ST_NO_TYPE },
	{ "U64", 8, ST_NO_TYPE },
	{ "I64", 8, ST_NO_TYPE },
	{ "F64", 8, ST_NO_TYPE },
};

#define N_DTYPES (sizeof(dtypes) / sizeof(dtypes[0]))

/* What all messages about a tensor begin with. */
struct where {
	const char *file;
	char tensor[SHOWN];
	struct gguf_error *err;
};

#define refuse(w, code, fmt, ...) \
	fail((w)->err, code, "%s: tensor %s: " fmt, (w)->file, (w)->tensor, ##__VA_ARGS__)

static int read_dtype(const struct where *w, const json_t *j, struct st_tensor *t)
{
	const char *name = json_string_value(json_object_get(j, "dtype"));
	size_t i;

	if (!name)
		return refuse(w, -EINVAL, "dtype: missing or no string");
	for (i = 0; i < N_DTYPES; i++) {
		if (strcmp(dtypes[i].name, name))
			continue;
		t->dtype = dtypes[i].name;
		t->type = dtypes[i].type;
		t->code = dtypes[i].code;
		t->bytes = dtypes[i].bytes;
		return 0;
	}
	return refuse(w, -ENOTSUP, "dtype: \"%.24s\" is not supported", name);
}

static int read_u64(const json_t *j, uint64_t *out)
{
	if (!json_is_integer(j) || json_integer_value(j) < 0)
		return -EINVAL;
	*out = (uint64_t)json_integer_value(j);
	return 0;
}

static int read_shape(const struct where *w, const json_t *j, struct st_tensor *t, uint64_t *bytes)
{
	const json_t *shape = json_object_get(j, "shape");
	size_t i;

	if (!json_is_array(shape))
		return refuse(w, -EINVAL, "shape: missing or no array");
	if (json_array_size(shape) > ST_MAX_DIMS)
		return refuse(w, -ENOTSUP, "shape: %zu dimensions, supported: at most %u",
			      json_array_size(shape), ST_MAX_DIMS);
	t->n_dims = (uint32_t)json_array_size(shape);
	*bytes = t->bytes;
	for (i = 0; i < t->n_dims; i++) {
		if (read_u64(json_array_get(shape, i), &t->shape[i]) || !t->shape[i] ||
		    t->shape[i] > INT64_MAX)
			return refuse(w, -EINVAL, "shape[%zu]: not a positive integer", i);
		if (__builtin_mul_overflow(*bytes, t->shape[i], bytes))
			return refuse(w, -EINVAL, "shape: the size in bytes overflows");
	}
	return 0;
}

static int read_offsets(const struct where *w, const json_t *j, struct st_tensor *t, uint64_t bytes,
			const uint8_t *data, uint64_t size)
{
	const json_t *o = json_object_get(j, "data_offsets");
	uint64_t begin, end;

	if (json_array_size(o) != 2 || read_u64(json_array_get(o, 0), &begin) ||
	    read_u64(json_array_get(o, 1), &end))
		return refuse(w, -EINVAL, "data_offsets: not two offsets");
	if (begin > end || end > size)
		return refuse(w, -EINVAL,
			      "data_offsets: %" PRIu64 " to %" PRIu64 ", the file has %" PRIu64
			      " bytes of data",
			      begin, end, size);
	if (end - begin != bytes)
		return refuse(w, -EINVAL,
			      "data_offsets: %" PRIu64 " bytes, shape and dtype make %" PRIu64,
			      end - begin, bytes);
	t->data = data + begin;
	t->size = t->stored = (size_t)bytes;
	return 0;
}

static int add(struct st_set *s, const struct st_tensor *t)
{
	struct st_tensor *more;
	size_t room = s->room ? s->room * 2 : 64;

	if (s->n == s->room) {
		more = reallocarray(s->t, room, sizeof(*more));
		if (!more)
			return -ENOMEM;
		s->t = more;
		s->room = room;
	}
	s->t[s->n++] = *t;
	return 0;
}

static int read_tensor(struct st_set *s, const struct where *w, const char *name, const json_t *j,
		       const uint8_t *data, uint64_t size, size_t number)
{
	struct st_tensor t = { .file = number };
	uint64_t bytes;
	int rc;

	if (!json_is_object(j))
		return refuse(w, -EINVAL, "not an object");
	if (!name[0] || strlen(name) > MAX_NAME)
		return refuse(w, -EINVAL, "name of %zu bytes, supported: 1 to %u", strlen(name),
			      MAX_NAME);
	rc = read_dtype(w, j, &t);
	if (!rc)
		rc = read_shape(w, j, &t, &bytes);
	if (!rc)
		rc = read_offsets(w, j, &t, bytes, data, size);
	if (rc)
		return rc;
	t.name = strdup(name);
	if (t.name && !add(s, &t))
		return 0;
	free(t.name);
	return refuse(w, -ENOMEM, "out of memory");
}

static int by_data(const void *a, const void *b)
{
	const struct st_tensor *x = a, *y = b;

	return x->data < y->data ? -1 : x->data > y->data;
}

/* The tensors of one file, from number `first` on, fill its data. */
static int check_cover(const struct st_set *s, size_t first, struct where *w, const uint8_t *data,
		       uint64_t size)
{
	uint64_t next = 0;
	size_t i;

	if (s->n > first)
		qsort(s->t + first, s->n - first, sizeof(*s->t), by_data);
	for (i = first; i < s->n; i++) {
		uint64_t begin = (uint64_t)(s->t[i].data - data);

		if (begin != next) {
			struct gguf_str name = { s->t[i].name, strlen(s->t[i].name) };

			gguf_show(name, w->tensor);
			return refuse(w, -EINVAL,
				      "data_offsets: begins at %" PRIu64
				      ", the data before end at %" PRIu64,
				      begin, next);
		}
		next = begin + s->t[i].size;
	}
	if (next != size)
		return fail(w->err, -EINVAL,
			    "%s: %" PRIu64 " bytes of data, the tensors have %" PRIu64, w->file,
			    size, next);
	return 0;
}

int st_read(struct st_set *s, const struct gguf_part *file, size_t number, struct gguf_error *err)
{
	struct where w = { .file = file->name, .err = err };
	size_t first = s->n;
	json_error_t e;
	const char *name;
	uint64_t header;
	json_t *root, *j;
	int rc = 0;

	if (file->size < 8)
		return fail(err, -EINVAL, "%s: header length: past the end of the file", w.file);
	header = load_le64(file->data);
	if (header > file->size - 8 || header > MAX_HEADER)
		return fail(err, -EINVAL,
			    "%s: header length: %" PRIu64
			    " bytes are past the end of the file or above %u",
			    w.file, header, MAX_HEADER);
	root = json_loadb((const char *)file->data + 8, (size_t)header, JSON_REJECT_DUPLICATES, &e);
	if (!root)
		return fail(err, -EINVAL, "%s: header: %s (byte %d)", w.file, e.text, e.position);
	if (!json_is_object(root))
		rc = fail(err, -EINVAL, "%s: header: not an object", w.file);
	json_object_foreach(root, name, j)
	{
		struct gguf_str text = { name, strlen(name) };

		if (rc || !strcmp(name, "__metadata__"))
			continue;
		gguf_show(text, w.tensor);
		rc = read_tensor(s, &w, name, j, file->data + 8 + header, file->size - 8 - header,
				 number);
	}
	if (!rc)
		rc = check_cover(s, first, &w, file->data + 8 + header, file->size - 8 - header);
	json_decref(root);
	return rc;
}

static int by_name(const void *a, const void *b)
{
	const struct st_tensor *x = a, *y = b;

	return strcmp(x->name, y->name);
}

int st_index(struct st_set *s, struct gguf_error *err)
{
	size_t i;

	if (s->n)
		qsort(s->t, s->n, sizeof(*s->t), by_name);
	for (i = 1; i < s->n; i++) {
		struct gguf_str name = { s->t[i].name, strlen(s->t[i].name) };
		char shown[SHOWN];

		if (!strcmp(s->t[i].name, s->t[i - 1].name))
			return fail(err, -EINVAL, "tensor %s: occurs twice",
				    gguf_show(name, shown));
	}
	return 0;
}

struct st_tensor *st_find(const struct st_set *s, const char *name)
{
	const struct st_tensor want = { .name = (char *)name };

	return s->n ? bsearch(&want, s->t, s->n, sizeof(*s->t), by_name) : NULL;
}

void st_free(struct st_set *s)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		free(s->t[i].name);
	free(s->t);
	*s = (struct st_set){ 0 };
}
