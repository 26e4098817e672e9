// SPDX-License-Identifier: MIT
#include "compiler/frontends/gguf.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/frontends/gguf_internal.h"
#include "compiler/quant/ggml_types.h"
#include "compiler/quant/half.h"

#define GGUF_MAX_LENGTH	   (UINT64_C(1) << 30) /* bytes of a string, elements of an array */
#define GGUF_MAX_KEY	   65535
#define GGUF_MAX_NAME	   63
#define GGUF_DEFAULT_ALIGN 32

/* The smallest encodings: length, one byte, type, one byte; and no dimensions. */
#define GGUF_MIN_KV	(8 + 1 + 4 + 1)
#define GGUF_MIN_TENSOR (8 + 1 + 4 + 4 + 8)

/* The rest of the file: what lies at data[pos..size). */
struct cursor {
	const uint8_t *data;
	size_t size;
	size_t pos;
	struct gguf_error *err;
};

void gguf_set_error(struct gguf_error *err, const char *fmt, ...)
{
	va_list ap;

	if (!err || err->msg[0])
		return;
	va_start(ap, fmt);
	vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
	va_end(ap);
}

const char *gguf_show(struct gguf_str s, char buf[SHOWN])
{
	size_t i, n = s.len < SHOWN - 4 ? s.len : SHOWN - 4;

	for (i = 0; i < n; i++)
		buf[i] = s.ptr[i] > ' ' && s.ptr[i] < 0x7f ? s.ptr[i] : '?';
	strcpy(buf + n, n < s.len ? "..." : "");
	return buf;
}

int gguf_str_compare(struct gguf_str a, struct gguf_str b)
{
	int c = memcmp(a.ptr, b.ptr, a.len < b.len ? a.len : b.len);

	return c ? c : (a.len > b.len) - (a.len < b.len);
}

/* ---- reading ---- */

static size_t left(const struct cursor *c)
{
	return c->size - c->pos;
}

static const uint8_t *take(struct cursor *c, size_t n)
{
	if (n > left(c))
		return NULL;
	c->pos += n;
	return c->data + c->pos - n;
}

static int take_u32(struct cursor *c, uint32_t *out, const char *what)
{
	const uint8_t *p = take(c, 4);

	if (!p)
		return fail(c->err, -EINVAL, "%s: past the end of the file", what);
	*out = load_le32(p);
	return 0;
}

static int take_u64(struct cursor *c, uint64_t *out, const char *what)
{
	const uint8_t *p = take(c, 8);

	if (!p)
		return fail(c->err, -EINVAL, "%s: past the end of the file", what);
	*out = load_le64(p);
	return 0;
}

static int take_str(struct cursor *c, struct gguf_str *out, const char *what)
{
	uint64_t len;
	int rc = take_u64(c, &len, what);

	if (rc)
		return rc;
	if (len > GGUF_MAX_LENGTH || len > left(c))
		return fail(c->err, -EINVAL,
			    "%s: string of %" PRIu64
			    " bytes is past the end of the file or above 2^30",
			    what, len);
	out->len = (size_t)len;
	out->ptr = (const char *)take(c, out->len);
	return 0;
}

/* A key or tensor name. */
static int take_name(struct cursor *c, struct gguf_str *out, size_t max, const char *what)
{
	int rc = take_str(c, out, what);

	if (rc)
		return rc;
	if (out->len == 0)
		return fail(c->err, -EINVAL, "%s: empty", what);
	if (out->len > max)
		return fail(c->err, -EINVAL, "%s: %zu bytes long, at most %zu are allowed", what,
			    out->len, max);
	if (memchr(out->ptr, 0, out->len))
		return fail(c->err, -EINVAL, "%s: contains a NUL byte", what);
	return 0;
}

static int check_bools(struct cursor *c, const uint8_t *p, size_t n, const char *what)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (p[i] > 1)
			return fail(c->err, -EINVAL, "%s: bool with the value %u", what, p[i]);
	return 0;
}

static int read_string_array(struct cursor *c, struct gguf_arr *a, const char *what)
{
	size_t *starts, i, base = c->pos;
	struct gguf_str s;
	int rc;

	/* The count is bounded by the file's size before it becomes an allocation. */
	if (a->count > left(c) / 8)
		return fail(c->err, -EINVAL, "%s: %zu strings are past the end of the file", what,
			    a->count);
	starts = malloc((a->count ? a->count : 1) * sizeof(*starts));
	if (!starts)
		return fail(c->err, -ENOMEM, "%s: out of memory", what);
	a->starts = starts;
	for (i = 0; i < a->count; i++) {
		starts[i] = c->pos - base;
		rc = take_str(c, &s, what);
		if (rc)
			return rc;
	}
	return 0;
}

static int read_array(struct cursor *c, struct gguf_arr *a, const char *what)
{
	uint32_t type;
	uint64_t count;
	size_t bytes;
	int rc;

	rc = take_u32(c, &type, what);
	if (!rc)
		rc = take_u64(c, &count, what);
	if (rc)
		return rc;
	if (type >= GGUF_N_TYPES)
		return fail(c->err, -EINVAL, "%s: unknown array element type %" PRIu32, what, type);
	if (type == GGUF_ARRAY)
		return fail(c->err, -EINVAL, "%s: array of arrays", what);
	if (count > GGUF_MAX_LENGTH)
		return fail(c->err, -EINVAL, "%s: array of %" PRIu64 " elements is above 2^30",
			    what, count);
	a->type = type;
	a->count = (size_t)count;
	a->data = c->data + c->pos;
	if (type == GGUF_STRING)
		return read_string_array(c, a, what);
	if (__builtin_mul_overflow(a->count, gguf_type_size(type), &bytes) || !take(c, bytes))
		return fail(c->err, -EINVAL,
			    "%s: array of %zu %s elements is past the end of the file", what,
			    a->count, gguf_type_name(type));
	return type == GGUF_BOOL ? check_bools(c, a->data, a->count, what) : 0;
}

static int read_kv(struct cursor *c, size_t i, struct gguf_kv *kv)
{
	char what[SHOWN + 8], key[SHOWN];
	uint32_t type;
	int rc;

	snprintf(what, sizeof(what), "key %zu", i);
	rc = take_name(c, &kv->key, GGUF_MAX_KEY, what);
	if (rc)
		return rc;
	snprintf(what, sizeof(what), "key %s", gguf_show(kv->key, key));
	rc = take_u32(c, &type, what);
	if (rc)
		return rc;
	if (type >= GGUF_N_TYPES)
		return fail(c->err, -EINVAL, "%s: unknown value type %" PRIu32, what, type);
	kv->type = type;
	kv->data = c->data + c->pos;
	if (type == GGUF_STRING)
		return take_str(c, &kv->str, what);
	if (type == GGUF_ARRAY)
		return read_array(c, &kv->arr, what);
	if (!take(c, gguf_type_size(type)))
		return fail(c->err, -EINVAL, "%s: past the end of the file", what);
	return type == GGUF_BOOL ? check_bools(c, kv->data, 1, what) : 0;
}

/*
 * The shape, the type and the size that follows. The offset is checked by
 * place_tensors, when the place of the data is known.
 */
static int read_tensor(struct cursor *c, size_t i, struct gguf_tensor *t, uint64_t *offset)
{
	char what[SHOWN + 8], name[SHOWN], types[256];
	uint64_t size, elements = 1;
	uint32_t d;
	int rc;

	snprintf(what, sizeof(what), "tensor %zu", i);
	rc = take_name(c, &t->name, GGUF_MAX_NAME, what);
	if (rc)
		return rc;
	snprintf(what, sizeof(what), "tensor %s", gguf_show(t->name, name));
	rc = take_u32(c, &t->n_dims, what);
	if (rc)
		return rc;
	if (t->n_dims > GGUF_MAX_DIMS)
		return fail(c->err, -EINVAL, "%s: n_dims is %" PRIu32 ", at most 4 are allowed",
			    what, t->n_dims);
	for (d = 0; d < GGUF_MAX_DIMS; d++) {
		uint64_t ne = 1;

		if (d < t->n_dims) {
			rc = take_u64(c, &ne, what);
			if (rc)
				return rc;
		}
		t->ne[d] = (int64_t)ne;
		if (t->ne[d] <= 0)
			return fail(c->err, -EINVAL, "%s: ne[%" PRIu32 "] is %" PRId64, what, d,
				    t->ne[d]);
		if (__builtin_mul_overflow(elements, ne, &elements) || elements > INT64_MAX)
			return fail(c->err, -EINVAL, "%s: the product of ne overflows", what);
	}
	t->elements = elements;
	rc = take_u32(c, &t->type, what);
	if (!rc)
		rc = take_u64(c, offset, what);
	if (rc)
		return rc;
	rc = ggml_tensor_size(t->type, t->ne, &size);
	if (rc == -ENOTSUP)
		return fail(c->err, rc, "%s: type %" PRIu32 " (%s) is not supported; supported: %s",
			    what, t->type, ggml_type_name(t->type),
			    ggml_supported_names(types, sizeof(types)));
	if (rc == -EINVAL)
		return fail(c->err, rc,
			    "%s: ne[0] is %" PRId64 ", not a multiple of the %" PRIu32
			    " elements of a %s block",
			    what, t->ne[0], ggml_type_get(t->type)->block, ggml_type_name(t->type));
	if (rc || size > SIZE_MAX)
		return fail(c->err, -EINVAL, "%s: the size in bytes overflows", what);
	t->size = (size_t)size;
	return 0;
}

/* ---- names ---- */

static int compare_kv(const void *a, const void *b)
{
	const struct gguf_kv *const *x = a, *const *y = b;

	return gguf_str_compare((*x)->key, (*y)->key);
}

static int compare_tensors(const void *a, const void *b)
{
	const struct gguf_tensor *const *x = a, *const *y = b;

	return gguf_str_compare((*x)->name, (*y)->name);
}

static int index_kv(struct gguf_file *f, struct gguf_error *err)
{
	char key[SHOWN];
	size_t i;

	f->kv_by_key = calloc(f->n_kv ? f->n_kv : 1, sizeof(*f->kv_by_key));
	if (!f->kv_by_key)
		return fail(err, -ENOMEM, "n_kv: out of memory");
	for (i = 0; i < f->n_kv; i++)
		f->kv_by_key[i] = &f->kv[i];
	qsort(f->kv_by_key, f->n_kv, sizeof(*f->kv_by_key), compare_kv);
	for (i = 1; i < f->n_kv; i++)
		if (gguf_str_compare(f->kv_by_key[i - 1]->key, f->kv_by_key[i]->key) == 0)
			return fail(err, -EINVAL, "key %s: occurs twice",
				    gguf_show(f->kv_by_key[i]->key, key));
	return 0;
}

int gguf_index_tensors(struct gguf_file *f, struct gguf_error *err)
{
	char name[SHOWN];
	size_t i;

	f->tensor_by_name = calloc(f->n_tensors ? f->n_tensors : 1, sizeof(*f->tensor_by_name));
	if (!f->tensor_by_name)
		return fail(err, -ENOMEM, "n_tensors: out of memory");
	for (i = 0; i < f->n_tensors; i++)
		f->tensor_by_name[i] = &f->tensors[i];
	qsort(f->tensor_by_name, f->n_tensors, sizeof(*f->tensor_by_name), compare_tensors);
	for (i = 1; i < f->n_tensors; i++)
		if (gguf_str_compare(f->tensor_by_name[i - 1]->name, f->tensor_by_name[i]->name) ==
		    0)
			return fail(err, -EINVAL, "tensor %s: occurs twice",
				    gguf_show(f->tensor_by_name[i]->name, name));
	return 0;
}

/* ---- the file ---- */

static int read_header(struct gguf_file *f, struct cursor *c, uint64_t *n_tensors, uint64_t *n_kv)
{
	const uint8_t *magic = take(c, 4);
	int rc;

	if (!magic || memcmp(magic, "GGUF", 4) != 0)
		return fail(c->err, -EINVAL, "magic: not a GGUF file");
	rc = take_u32(c, &f->version, "version");
	if (rc)
		return rc;
	if (f->version != 0 && (f->version & 0xffff) == 0)
		return fail(c->err, -ENOTSUP, "version: big-endian files are not supported");
	if (f->version != 2 && f->version != 3)
		return fail(c->err, -ENOTSUP, "version: %" PRIu32 " is not supported, 2 and 3 are",
			    f->version);
	rc = take_u64(c, n_tensors, "n_tensors");
	if (!rc)
		rc = take_u64(c, n_kv, "n_kv");
	return rc;
}

/*
 * A table with room for entry number `used`, new entries zeroed; NULL when out
 * of memory, with the old table still there. Tables grow as their entries are
 * read, so that a wrong count in the header costs no memory.
 */
static void *grow(void *table, size_t *room, size_t used, size_t entry)
{
	size_t want = *room ? *room * 2 : 64;
	uint8_t *p;

	if (used < *room)
		return table;
	p = reallocarray(table, want, entry);
	if (!p)
		return NULL;
	memset(p + *room * entry, 0, (want - *room) * entry);
	*room = want;
	return p;
}

static int read_kvs(struct gguf_file *f, struct cursor *c, uint64_t n)
{
	struct gguf_kv *kv;
	size_t room = 0;
	int rc;

	if (n > left(c) / GGUF_MIN_KV)
		return fail(c->err, -EINVAL,
			    "n_kv: %" PRIu64 " keys are more than the file can hold", n);
	while (f->n_kv < n) {
		kv = grow(f->kv, &room, f->n_kv, sizeof(*kv));
		if (!kv)
			return fail(c->err, -ENOMEM, "n_kv: out of memory");
		f->kv = kv;
		/* Counted first: a half-read array's index is freed with the others. */
		f->n_kv++;
		rc = read_kv(c, f->n_kv - 1, &kv[f->n_kv - 1]);
		if (rc)
			return rc;
	}
	return 0;
}

static int read_general(struct gguf_file *f, struct gguf_error *err)
{
	int rc;

	f->alignment = GGUF_DEFAULT_ALIGN;
	rc = gguf_get_u32(f, "general.alignment", &f->alignment, err);
	if (rc && rc != -ENOENT)
		return rc;
	if (f->alignment == 0 || (f->alignment & (f->alignment - 1)))
		return fail(err, -EINVAL, "general.alignment: %" PRIu32 " is not a power of two",
			    f->alignment);
	return 0;
}

static int align_up(uint64_t v, uint32_t alignment, uint64_t *out)
{
	if (__builtin_add_overflow(v, (uint64_t)alignment - 1, out))
		return -EOVERFLOW;
	*out &= ~((uint64_t)alignment - 1);
	return 0;
}

/*
 * Tensor data follow each other without gaps but padding, in the order of the
 * tensor table. offsets[i] is relative to base.
 */
static int place_tensors(struct gguf_file *f, const uint64_t *offsets, uint64_t base,
			 struct gguf_error *err)
{
	uint64_t next = 0, blob, end = 0;
	char name[SHOWN];
	size_t i;

	if (f->n_tensors == 0)
		return 0;
	if (base > f->size)
		return fail(err, -EINVAL, "tensor %s: data is past the end of the file",
			    gguf_show(f->tensors[0].name, name));
	blob = f->size - base;
	for (i = 0; i < f->n_tensors; i++) {
		struct gguf_tensor *t = &f->tensors[i];

		gguf_show(t->name, name);
		if (offsets[i] & (f->alignment - 1))
			return fail(err, -EINVAL,
				    "tensor %s: offset %" PRIu64 " is not a multiple of %" PRIu32,
				    name, offsets[i], f->alignment);
		if (offsets[i] != next)
			return fail(err, -EINVAL,
				    "tensor %s: offset is %" PRIu64
				    ", the data before end at %" PRIu64,
				    name, offsets[i], next);
		if (__builtin_add_overflow(next, (uint64_t)t->size, &end) || end > blob)
			return fail(err, -EINVAL, "tensor %s: data is past the end of the file",
				    name);
		t->data = f->data + base + next;
		if (align_up(end, f->alignment, &next))
			return fail(err, -EINVAL, "tensor %s: the end of the data overflows", name);
	}
	/*
	 * Where an id means different layouts in different programs, the size is
	 * what tells; for all but the last tensor the next offset has shown it.
	 */
	if (ggml_type_get(f->tensors[i - 1].type)->forked && blob != end && blob != next)
		return fail(err, -EINVAL,
			    "tensor %s: %" PRIu64
			    " bytes of data where %s has %zu: another program's type",
			    name, blob - (end - f->tensors[i - 1].size),
			    ggml_type_name(f->tensors[i - 1].type), f->tensors[i - 1].size);
	return 0;
}

static int read_tensors(struct gguf_file *f, struct cursor *c, uint64_t n)
{
	size_t room = 0, offset_room = 0;
	uint64_t *offsets = NULL, *more, base;
	struct gguf_tensor *tensors;
	int rc = 0;

	if (n > left(c) / GGUF_MIN_TENSOR)
		return fail(c->err, -EINVAL,
			    "n_tensors: %" PRIu64 " tensors are more than the file can hold", n);
	while (f->n_tensors < n) {
		tensors = grow(f->tensors, &room, f->n_tensors, sizeof(*tensors));
		if (tensors)
			f->tensors = tensors;
		more = grow(offsets, &offset_room, f->n_tensors, sizeof(*offsets));
		if (more)
			offsets = more;
		if (!tensors || !more) {
			rc = fail(c->err, -ENOMEM, "n_tensors: out of memory");
			goto out;
		}
		rc = read_tensor(c, f->n_tensors, &tensors[f->n_tensors], &offsets[f->n_tensors]);
		if (rc)
			goto out;
		f->n_tensors++;
	}
	rc = gguf_index_tensors(f, c->err);
	if (rc)
		goto out;
	if (align_up(c->pos, f->alignment, &base))
		rc = fail(c->err, -EINVAL, "general.alignment: the start of the data overflows");
	else
		rc = place_tensors(f, offsets, base, c->err);
out:
	free(offsets);
	return rc;
}

static int parse(struct gguf_file *f, struct gguf_error *err)
{
	struct cursor c = { .data = f->data, .size = f->size, .err = err };
	uint64_t n_tensors, n_kv;
	int rc;

	rc = read_header(f, &c, &n_tensors, &n_kv);
	if (!rc)
		rc = read_kvs(f, &c, n_kv);
	if (!rc)
		rc = index_kv(f, err);
	if (!rc)
		rc = read_general(f, err);
	if (!rc)
		rc = read_tensors(f, &c, n_tensors);
	return rc;
}

int gguf_parse(const uint8_t *data, size_t size, struct gguf_file **out, struct gguf_error *err)
{
	struct gguf_file *f = calloc(1, sizeof(*f));
	int rc;

	if (!f)
		return fail(err, -ENOMEM, "file: out of memory");
	f->data = data;
	f->size = size;
	rc = parse(f, err);
	if (rc) {
		gguf_close(f);
		return rc;
	}
	*out = f;
	return 0;
}

void gguf_close(struct gguf_file *f)
{
	size_t i;

	if (!f)
		return;
	for (i = 0; i < f->n_kv; i++)
		free((void *)f->kv[i].arr.starts);
	free(f->kv_by_key);
	free(f->tensor_by_name);
	free(f->kv);
	free(f->tensors);
	if (f->close)
		f->close(f->close_ctx);
	free(f->parts);
	free(f);
}

uint32_t gguf_version(const struct gguf_file *f)
{
	return f->version;
}

uint32_t gguf_alignment(const struct gguf_file *f)
{
	return f->alignment;
}

size_t gguf_n_kv(const struct gguf_file *f)
{
	return f->n_kv;
}

const struct gguf_kv *gguf_kv(const struct gguf_file *f, size_t i)
{
	return i < f->n_kv ? &f->kv[i] : NULL;
}

size_t gguf_n_tensors(const struct gguf_file *f)
{
	return f->n_tensors;
}

const struct gguf_tensor *gguf_tensor(const struct gguf_file *f, size_t i)
{
	return i < f->n_tensors ? &f->tensors[i] : NULL;
}

const struct gguf_kv *gguf_find_kv(const struct gguf_file *f, const char *key)
{
	const struct gguf_kv want = { .key = { key, strlen(key) } }, *p = &want;
	const struct gguf_kv **hit;

	hit = bsearch(&p, f->kv_by_key, f->n_kv, sizeof(*f->kv_by_key), compare_kv);
	return hit ? *hit : NULL;
}

const char *gguf_stored_name(const struct gguf_file *f, const char *name, char *buf, size_t room)
{
	return f->stored_name ? f->stored_name(f->close_ctx, name, buf, room) : NULL;
}

const char *gguf_stored_key(const struct gguf_file *f, const char *key, char *buf, size_t room)
{
	return f->stored_key ? f->stored_key(f->close_ctx, key, buf, room) : NULL;
}

const struct gguf_tensor *gguf_find_tensor(const struct gguf_file *f, const char *name)
{
	const struct gguf_tensor want = { .name = { name, strlen(name) } }, *p = &want;
	const struct gguf_tensor **hit;

	hit = bsearch(&p, f->tensor_by_name, f->n_tensors, sizeof(*f->tensor_by_name),
		      compare_tensors);
	return hit ? *hit : NULL;
}

bool gguf_layer_of(const struct gguf_tensor *t, uint32_t *layer)
{
	size_t at = strlen("blk."), end = at;
	uint32_t v = 0;

	if (t->name.len < at || memcmp(t->name.ptr, "blk.", at))
		return false;
	for (; end < t->name.len && t->name.ptr[end] >= '0' && t->name.ptr[end] <= '9'; end++) {
		if (__builtin_mul_overflow(v, 10u, &v) ||
		    __builtin_add_overflow(v, (uint32_t)(t->name.ptr[end] - '0'), &v))
			return false;
	}
	*layer = v;
	return end > at && end < t->name.len && t->name.ptr[end] == '.';
}
