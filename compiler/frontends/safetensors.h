/* SPDX-License-Identifier: MIT */
/*
 * Tables of the tensors in safetensors files. A file: u64 length of the header (little-endian), the
 * header as JSON { name: { dtype, shape, data_offsets: [begin, end] }, __metadata__: { } }, data.
 * Refused besides JSON errors: headers above 100 MB, more than ST_MAX_DIMS dimensions, sizes that do
 * not follow from shape and type, data that overlap or leave gaps, one name in two files.
 *
 * Source: huggingface/safetensors README, "Format".
 */
#ifndef IG1_COMPILER_FRONTENDS_SAFETENSORS_H
#define IG1_COMPILER_FRONTENDS_SAFETENSORS_H

#include "compiler/frontends/gguf.h"

#define ST_MAX_DIMS 4

/* How elements are stored that no GGML type has. */
enum st_code {
	ST_NONE,
	ST_E4M3,
	ST_E5M2,
	/* for the caller to set */
	ST_I8,
	ST_PACKED, /* rows of `stride` bytes, of codes of `bits` bits, the first in the lowest bits */
};

struct st_tensor {
	char *name;
	const char *dtype; /* as the format calls it, "BF16" */
	uint32_t type;	   /* enum ggml_type of the same layout; ST_NO_TYPE */
	uint32_t code;	   /* enum st_code, where there is no type */
	uint32_t bytes;	   /* of an element */
	uint32_t n_dims;
	uint64_t shape[ST_MAX_DIMS]; /* as stored: the last one is contiguous; never 0 */
	const uint8_t *data;
	size_t size, stored; /* stored: in the file, whatever becomes of size */
	size_t file;	     /* the caller's number of the file */
	/* for the caller: a code's scale, a number for each block of rows x columns; NULL: 1 */
	const struct st_tensor *scale;
	uint64_t scale_cols, block[2];
	/* packed codes of zero, likewise (NULL: half of all codes); column's blocks, I32 (NULL: in order) */
	const struct st_tensor *zero, *order;
	uint64_t stride;
	uint32_t bits;
	bool packed; /* the name was NAME_packed */
	bool used;
};

#define ST_NO_TYPE UINT32_MAX

struct st_set {
	struct st_tensor *t; /* after st_index sorted by name */
	size_t n, room;
};

/* Adds the tensors of a file, whose bytes must stay. Errors as gguf.h's. */
int st_read(struct st_set *s, const struct gguf_part *file, size_t number, struct gguf_error *err);
/* Sorts, and refuses names that occur twice. */
int st_index(struct st_set *s, struct gguf_error *err);
/* NULL: no such name. After st_index. */
struct st_tensor *st_find(const struct st_set *s, const char *name);
void st_free(struct st_set *s);

#endif
