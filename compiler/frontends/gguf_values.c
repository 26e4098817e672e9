// SPDX-License-Identifier: MIT
/* What the getters give: typed values of keys and of array elements. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "compiler/frontends/gguf_internal.h"
#include "compiler/quant/half.h"

static const struct {
	const char *name;
	uint8_t size; /* of a scalar; 0: string or array */
} value_types[GGUF_N_TYPES] = {
	[GGUF_U8] = { "u8", 1 },       [GGUF_I8] = { "i8", 1 },	    [GGUF_U16] = { "u16", 2 },
	[GGUF_I16] = { "i16", 2 },     [GGUF_U32] = { "u32", 4 },   [GGUF_I32] = { "i32", 4 },
	[GGUF_F32] = { "f32", 4 },     [GGUF_BOOL] = { "bool", 1 }, [GGUF_STRING] = { "string", 0 },
	[GGUF_ARRAY] = { "array", 0 }, [GGUF_U64] = { "u64", 8 },   [GGUF_I64] = { "i64", 8 },
	[GGUF_F64] = { "f64", 8 },
};

const char *gguf_type_name(uint32_t type)
{
	return type < GGUF_N_TYPES ? value_types[type].name : "unknown";
}

size_t gguf_type_size(uint32_t type)
{
	return value_types[type].size;
}

int gguf_missing(struct gguf_error *err, const char *key)
{
	return fail(err, -ENOENT, "key %s: missing", key);
}

bool gguf_str_eq(struct gguf_str s, const char *text)
{
	return strlen(text) == s.len && memcmp(s.ptr, text, s.len) == 0;
}

/* An integer of any type as 64 bits in two's complement, and whether it is below 0. */
static int load_integer(enum gguf_type type, const uint8_t *p, uint64_t *bits, bool *negative)
{
	int64_t v;

	switch (type) {
	case GGUF_U8:
		*bits = *p;
		break;
	case GGUF_U16:
		*bits = load_le16(p);
		break;
	case GGUF_U32:
		*bits = load_le32(p);
		break;
	case GGUF_U64:
		*bits = load_le64(p);
		break;
	case GGUF_I8:
		v = (int8_t)*p;
		goto is_signed;
	case GGUF_I16:
		v = (int16_t)load_le16(p);
		goto is_signed;
	case GGUF_I32:
		v = (int32_t)load_le32(p);
		goto is_signed;
	case GGUF_I64:
		v = (int64_t)load_le64(p);
		goto is_signed;
	default:
		return -EINVAL;
	}
	*negative = false;
	return 0;
is_signed:
	*bits = (uint64_t)v;
	*negative = v < 0;
	return 0;
}

static int load_unsigned(enum gguf_type type, const uint8_t *p, uint64_t max, uint64_t *out)
{
	uint64_t bits;
	bool negative;
	int rc = load_integer(type, p, &bits, &negative);

	if (rc)
		return rc;
	if (negative || bits > max)
		return -ERANGE;
	*out = bits;
	return 0;
}

static int load_signed(enum gguf_type type, const uint8_t *p, int64_t *out)
{
	uint64_t bits;
	bool negative;
	int rc = load_integer(type, p, &bits, &negative);

	if (rc)
		return rc;
	if (!negative && bits > INT64_MAX)
		return -ERANGE;
	*out = (int64_t)bits;
	return 0;
}

static int load_float(enum gguf_type type, const uint8_t *p, float *out)
{
	uint64_t bits;
	double wide;
	bool negative;
	int rc;

	if (type == GGUF_F32) {
		*out = float_from_bits(load_le32(p));
		return 0;
	}
	if (type == GGUF_F64) {
		bits = load_le64(p);
		memcpy(&wide, &bits, sizeof(wide));
		/* Beyond float's range (the bound rounds to infinity) a cast is undefined. */
		if (isfinite(wide) && fabs(wide) >= 0x1.ffffffp127)
			return -ERANGE;
		*out = (float)wide;
		return 0;
	}
	rc = load_integer(type, p, &bits, &negative);
	if (rc)
		return rc;
	*out = negative ? (float)(int64_t)bits : (float)bits;
	return 0;
}

/* The common end of the getters: says what was wrong with which key. */
static int value_error(const char *key, uint32_t type, int rc, const char *wanted,
		       struct gguf_error *err)
{
	if (rc == -EINVAL)
		return fail(err, rc, "key %s: is %s, expected %s", key, gguf_type_name(type),
			    wanted);
	if (rc == -ERANGE)
		return fail(err, rc, "key %s: the value does not fit %s", key, wanted);
	return rc;
}

static int get_unsigned(const struct gguf_file *f, const char *key, uint64_t max, uint64_t *out,
			const char *wanted, struct gguf_error *err)
{
	const struct gguf_kv *kv = gguf_find_kv(f, key);

	if (!kv)
		return -ENOENT;
	return value_error(key, kv->type, load_unsigned(kv->type, kv->data, max, out), wanted, err);
}

int gguf_get_u32(const struct gguf_file *f, const char *key, uint32_t *out, struct gguf_error *err)
{
	uint64_t v;
	int rc = get_unsigned(f, key, UINT32_MAX, &v, "u32", err);

	if (!rc)
		*out = (uint32_t)v;
	return rc;
}

int gguf_get_u64(const struct gguf_file *f, const char *key, uint64_t *out, struct gguf_error *err)
{
	return get_unsigned(f, key, UINT64_MAX, out, "u64", err);
}

int gguf_get_i64(const struct gguf_file *f, const char *key, int64_t *out, struct gguf_error *err)
{
	const struct gguf_kv *kv = gguf_find_kv(f, key);

	if (!kv)
		return -ENOENT;
	return value_error(key, kv->type, load_signed(kv->type, kv->data, out), "i64", err);
}

static int load_finite(enum gguf_type type, const uint8_t *p, float *out)
{
	float v;
	int rc = load_float(type, p, &v);

	if (!rc && !isfinite(v))
		rc = -ERANGE;
	if (!rc)
		*out = v;
	return rc;
}

int gguf_get_f32(const struct gguf_file *f, const char *key, float *out, struct gguf_error *err)
{
	const struct gguf_kv *kv = gguf_find_kv(f, key);

	if (!kv)
		return -ENOENT;
	return value_error(key, kv->type, load_finite(kv->type, kv->data, out), "a finite f32",
			   err);
}

int gguf_get_bool(const struct gguf_file *f, const char *key, bool *out, struct gguf_error *err)
{
	const struct gguf_kv *kv = gguf_find_kv(f, key);

	if (!kv)
		return -ENOENT;
	if (kv->type != GGUF_BOOL)
		return value_error(key, kv->type, -EINVAL, "bool", err);
	*out = *kv->data;
	return 0;
}

int gguf_get_str(const struct gguf_file *f, const char *key, struct gguf_str *out,
		 struct gguf_error *err)
{
	const struct gguf_kv *kv = gguf_find_kv(f, key);

	if (!kv)
		return -ENOENT;
	if (kv->type != GGUF_STRING)
		return value_error(key, kv->type, -EINVAL, "string", err);
	*out = kv->str;
	return 0;
}

int gguf_get_arr(const struct gguf_file *f, const char *key, struct gguf_arr *out,
		 struct gguf_error *err)
{
	const struct gguf_kv *kv = gguf_find_kv(f, key);

	if (!kv)
		return -ENOENT;
	if (kv->type != GGUF_ARRAY)
		return value_error(key, kv->type, -EINVAL, "array", err);
	*out = kv->arr;
	return 0;
}

/* A scalar is an array of one element that is read n times. */
static int layers(const struct gguf_kv *kv, const char *key, size_t n, enum gguf_type *type,
		  const uint8_t **p, size_t *step, struct gguf_error *err)
{
	if (kv->type != GGUF_ARRAY) {
		*type = kv->type;
		*p = kv->data;
		*step = 0;
		return 0;
	}
	if (kv->arr.count != n)
		return fail(err, -EINVAL,
			    "key %s: %zu elements, expected one for each of %zu layers", key,
			    kv->arr.count, n);
	*type = kv->arr.type;
	*p = kv->arr.data;
	*step = gguf_type_size(kv->arr.type);
	return 0;
}

int gguf_get_u32_layers(const struct gguf_file *f, const char *key, size_t n, uint32_t *out,
			struct gguf_error *err)
{
	const struct gguf_kv *kv = gguf_find_kv(f, key);
	enum gguf_type type;
	const uint8_t *p;
	size_t i, step;
	uint64_t v;
	int rc;

	if (!kv)
		return -ENOENT;
	rc = layers(kv, key, n, &type, &p, &step, err);
	if (rc)
		return rc;
	for (i = 0; i < n; i++, p += step) {
		rc = load_unsigned(type == GGUF_BOOL ? GGUF_U8 : type, p, UINT32_MAX, &v);
		if (rc)
			return value_error(key, type, rc, "u32 or one u32 per layer", err);
		out[i] = (uint32_t)v;
	}
	return 0;
}

int gguf_get_f32_layers(const struct gguf_file *f, const char *key, size_t n, float *out,
			struct gguf_error *err)
{
	const struct gguf_kv *kv = gguf_find_kv(f, key);
	enum gguf_type type;
	const uint8_t *p;
	size_t i, step;
	int rc;

	if (!kv)
		return -ENOENT;
	rc = layers(kv, key, n, &type, &p, &step, err);
	if (rc)
		return rc;
	for (i = 0; i < n; i++, p += step) {
		rc = load_finite(type, p, &out[i]);
		if (rc)
			return value_error(key, type, rc, "a finite f32 or one per layer", err);
	}
	return 0;
}

/* ---- array elements ---- */

static const uint8_t *element(const struct gguf_arr *a, size_t i)
{
	return a->data + i * gguf_type_size(a->type);
}

int gguf_arr_u64(const struct gguf_arr *a, size_t i, uint64_t *out)
{
	return i < a->count ? load_unsigned(a->type, element(a, i), UINT64_MAX, out) : -ERANGE;
}

int gguf_arr_i64(const struct gguf_arr *a, size_t i, int64_t *out)
{
	return i < a->count ? load_signed(a->type, element(a, i), out) : -ERANGE;
}

int gguf_arr_f32(const struct gguf_arr *a, size_t i, float *out)
{
	return i < a->count ? load_float(a->type, element(a, i), out) : -ERANGE;
}

int gguf_arr_bool(const struct gguf_arr *a, size_t i, bool *out)
{
	if (i >= a->count)
		return -ERANGE;
	if (a->type != GGUF_BOOL)
		return -EINVAL;
	*out = *element(a, i);
	return 0;
}

int gguf_arr_str(const struct gguf_arr *a, size_t i, struct gguf_str *out)
{
	const uint8_t *p;

	if (i >= a->count)
		return -ERANGE;
	if (a->type != GGUF_STRING)
		return -EINVAL;
	p = a->data + a->starts[i];
	out->len = (size_t)load_le64(p);
	out->ptr = (const char *)p + 8;
	return 0;
}

/* ---- tensor data ---- */

const uint8_t *gguf_tensor_row(const struct gguf_tensor *t, uint64_t row, void *buf)
{
	uint64_t bytes = t->size / (t->elements / (uint64_t)t->ne[0]);

	if (t->data)
		return t->data + row * bytes;
	t->rows->read(t->rows, t, row, 1, buf);
	return buf;
}
