/* SPDX-License-Identifier: MIT */
/*
 * Reader of GGUF files (versions 2 and 3, little-endian), in place: keys,
 * strings, arrays and tensor data are pointers into the caller's bytes or the
 * mapped file, which must stay valid until gguf_close.
 *
 * The bytes are hostile. gguf_open_* checks the whole file before it returns:
 * after a success every pointer and length in the structures below lies inside
 * the file, every tensor has a supported type (ggml_types.h) and a size that
 * follows from its shape, and every string array has an index. Pointers into
 * the file have no alignment; numbers are read through the getters or
 * ggml_dequantize_row.
 *
 * A split file (NAME-00001-of-00003.gguf; split.no, split.count,
 * split.tensors.count) is opened by the path of any part. Its keys are those of
 * the first part, its tensors those of all parts, in their order. Part numbers,
 * the counts and the total of tensors must agree; a key of another part, split.*
 * and general.alignment aside, must be in the first part with the same value.
 *
 * Refused besides what the format says: empty or NUL-containing keys and tensor names, keys above 65,535 bytes, tensor
 * names of 64 bytes or more, strings and arrays above 2^30, dimensions of 0,
 * tensor types that cannot be dequantised.
 *
 * Functions return 0 or a negative errno code:
 *   -EINVAL    the file breaks the format, or a value has another type
 *   -ENOENT    no such key (err is not touched: absent keys are normal)
 *   -ERANGE    a value does not fit the type asked for, an index is too large
 *   -ENOTSUP   valid, but not supported: version, tensor type
 *   -ENOMEM, and what open(2), fstat(2) and mmap(2) give.
 * The message in struct gguf_error names the field, and that of gguf_open_file begins with the path. It is written only while it
 * is empty, so the first error wins; start with `= { 0 }`. err may be NULL.
 *
 * Threads: an open file does not change, any number of threads may read it.
 *
 * Source: ggml docs/gguf.md.
 */
#ifndef IG1_COMPILER_FRONTENDS_GGUF_H
#define IG1_COMPILER_FRONTENDS_GGUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GGUF_MAX_DIMS 4

struct gguf_file;

struct gguf_error {
	char msg[384];
};

enum gguf_type {
	GGUF_U8 = 0,
	GGUF_I8 = 1,
	GGUF_U16 = 2,
	GGUF_I16 = 3,
	GGUF_U32 = 4,
	GGUF_I32 = 5,
	GGUF_F32 = 6,
	GGUF_BOOL = 7,
	GGUF_STRING = 8,
	GGUF_ARRAY = 9,
	GGUF_U64 = 10,
	GGUF_I64 = 11,
	GGUF_F64 = 12,
};

/* Bytes inside the file; no terminating NUL. Values may contain NUL bytes, names do not. */
struct gguf_str {
	const char *ptr;
	size_t len;
};

struct gguf_arr {
	enum gguf_type type; /* of the elements; never GGUF_ARRAY */
	size_t count;
	const uint8_t *data;  /* the first element */
	const size_t *starts; /* GGUF_STRING: where in data each element begins */
};

struct gguf_kv {
	struct gguf_str key;
	enum gguf_type type;
	const uint8_t *data; /* the value as stored */
	struct gguf_str str; /* when type is GGUF_STRING */
	struct gguf_arr arr; /* when type is GGUF_ARRAY */
};

struct gguf_tensor;

/*
 * Tensors whose bytes are nowhere as such, but made from others when they are read: rows first to
 * first + n as stored bytes to dst.
 */
struct gguf_rows {
	void (*read)(const struct gguf_rows *r, const struct gguf_tensor *t, uint64_t first,
		     uint64_t n, uint8_t *dst);
};

struct gguf_tensor {
	struct gguf_str name;
	uint32_t type;		   /* enum ggml_type */
	uint32_t n_dims;	   /* 0 to 4, as stored */
	int64_t ne[GGUF_MAX_DIMS]; /* ne[0] is contiguous; 1 beyond n_dims; never 0 */
	uint64_t elements;
	const uint8_t *data;	      /* NULL when there are rows */
	size_t size;		      /* bytes at data, or of all rows */
	const struct gguf_rows *rows; /* NULL: the bytes are at data */
};

/* A file that the model comes from. */
struct gguf_part {
	const char *name; /* its path, or what the opener called it */
	const uint8_t *data;
	size_t size;
};

/* The caller keeps data. *out is written on success only. One file, not a part of several. */
int gguf_open_mem(const uint8_t *data, size_t size, struct gguf_file **out, struct gguf_error *err);

/* All n parts of a split file in their order, or a single file. The caller keeps data and names. */
int gguf_open_parts(const struct gguf_part *parts, size_t n, struct gguf_file **out,
		    struct gguf_error *err);

/*
 * Maps the file, or all parts of it, read-only. Files must not be truncated while they are open: the
 * kernel answers access beyond the end with SIGBUS.
 */
int gguf_open_file(const char *path, struct gguf_file **out, struct gguf_error *err);

/* NULL is allowed. Every pointer obtained from the file ends here. */
void gguf_close(struct gguf_file *f);

/* The files that the model comes from, in order. */
size_t gguf_n_parts(const struct gguf_file *f);
const struct gguf_part *gguf_part(const struct gguf_file *f, size_t i);

uint32_t gguf_version(const struct gguf_file *f);
uint32_t gguf_alignment(const struct gguf_file *f);

/* Keys and tensors in file order; NULL when i is out of range or there is no such name. */
size_t gguf_n_kv(const struct gguf_file *f);
const struct gguf_kv *gguf_kv(const struct gguf_file *f, size_t i);
const struct gguf_kv *gguf_find_kv(const struct gguf_file *f, const char *key);
size_t gguf_n_tensors(const struct gguf_file *f);
const struct gguf_tensor *gguf_tensor(const struct gguf_file *f, size_t i);
const struct gguf_tensor *gguf_find_tensor(const struct gguf_file *f, const char *name);

/* Whether it is of a layer, "blk.LAYER.NAME". */
bool gguf_layer_of(const struct gguf_tensor *t, uint32_t *layer);

/*
 * Row `row` (of ne[0] elements; rows of all dimensions counted through) as stored: a pointer into
 * the file, or to buf, which has room for a row. row is below elements / ne[0].
 */
const uint8_t *gguf_tensor_row(const struct gguf_tensor *t, uint64_t row, void *buf);

/*
 * Scalars. *out is written on success only, so a default may be put there before
 * the call and -ENOENT be ignored. Integers are taken from any integer type that
 * holds a value in range; floats from f32, f64 and integers, and must be finite;
 * bool from bool only.
 */
int gguf_get_u32(const struct gguf_file *f, const char *key, uint32_t *out, struct gguf_error *err);
int gguf_get_u64(const struct gguf_file *f, const char *key, uint64_t *out, struct gguf_error *err);
int gguf_get_i64(const struct gguf_file *f, const char *key, int64_t *out, struct gguf_error *err);
int gguf_get_f32(const struct gguf_file *f, const char *key, float *out, struct gguf_error *err);
int gguf_get_bool(const struct gguf_file *f, const char *key, bool *out, struct gguf_error *err);
int gguf_get_str(const struct gguf_file *f, const char *key, struct gguf_str *out,
		 struct gguf_error *err);
int gguf_get_arr(const struct gguf_file *f, const char *key, struct gguf_arr *out,
		 struct gguf_error *err);

/*
 * A per-layer value: a scalar is copied to all n entries of out, an array must
 * have exactly n elements. The u32 form also takes bools, as 0 and 1. On an
 * error out may have been written in part.
 */
int gguf_get_u32_layers(const struct gguf_file *f, const char *key, size_t n, uint32_t *out,
			struct gguf_error *err);
int gguf_get_f32_layers(const struct gguf_file *f, const char *key, size_t n, float *out,
			struct gguf_error *err);

/*
 * Element i of an array, O(1): -ERANGE beyond the end or when the value does not
 * fit, -EINVAL when the elements have another type. Conversions as the scalar
 * getters, except that floats may be infinite or NaN.
 */
int gguf_arr_u64(const struct gguf_arr *a, size_t i, uint64_t *out);
int gguf_arr_i64(const struct gguf_arr *a, size_t i, int64_t *out);
int gguf_arr_f32(const struct gguf_arr *a, size_t i, float *out);
int gguf_arr_bool(const struct gguf_arr *a, size_t i, bool *out);
int gguf_arr_str(const struct gguf_arr *a, size_t i, struct gguf_str *out);

/* Writes "key <key>: missing" to err and returns -ENOENT, for keys that are required. */
int gguf_missing(struct gguf_error *err, const char *key);

/*
 * What a folder calls the tensor (whether it is there or not), or from which member of which file it has the
 * key, in buf; NULL: the same, or unknown.
 */
const char *gguf_stored_name(const struct gguf_file *f, const char *name, char *buf, size_t room);
const char *gguf_stored_key(const struct gguf_file *f, const char *key, char *buf, size_t room);

bool gguf_str_eq(struct gguf_str s, const char *text);

/* "u32"; "unknown" for a number that is no type. */
const char *gguf_type_name(uint32_t type);

#endif
