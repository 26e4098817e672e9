/* SPDX-License-Identifier: MIT */
/*
 * A small GGUF writer for tests: keys of every type, arrays, tensors with data,
 * into memory. Errors (only: out of memory) are kept and reported by
 * gguf_writer_finish.
 *
 * struct gguf_buf is the byte builder below it. Tests of refusals write their
 * malformed files with it, since the writer cannot.
 */
#ifndef IG1_COMPILER_TESTS_GGUF_WRITER_H
#define IG1_COMPILER_TESTS_GGUF_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "compiler/frontends/gguf.h"

struct gguf_buf {
	uint8_t *data; /* malloc */
	size_t size;
	size_t room;
	int error; /* -ENOMEM, sticky */
};

void gguf_buf_free(struct gguf_buf *b);
void gguf_buf_bytes(struct gguf_buf *b, const void *p, size_t n);
void gguf_buf_u8(struct gguf_buf *b, uint8_t v);
void gguf_buf_u32(struct gguf_buf *b, uint32_t v);
void gguf_buf_u64(struct gguf_buf *b, uint64_t v);
/* The length, then the bytes. */
void gguf_buf_str(struct gguf_buf *b, const char *p, size_t n);
void gguf_buf_zeros(struct gguf_buf *b, size_t n);
void gguf_buf_align(struct gguf_buf *b, size_t alignment);
void gguf_buf_header(struct gguf_buf *b, uint32_t version, uint64_t n_tensors, uint64_t n_kv);
/* Key and value type; the value follows. */
void gguf_buf_key(struct gguf_buf *b, const char *key, uint32_t type);
void gguf_buf_tensor(struct gguf_buf *b, const char *name, uint32_t n_dims, const int64_t *ne,
		     uint32_t type, uint64_t offset);

struct gguf_writer {
	struct gguf_buf kv;
	struct gguf_buf infos;
	struct gguf_buf blob;
	uint64_t n_kv;
	uint64_t n_tensors;
	uint32_t version; /* 3; may be changed before finish */
	uint32_t alignment;
};

void gguf_writer_init(struct gguf_writer *w);
void gguf_writer_free(struct gguf_writer *w);
/* Adds general.alignment; before the first tensor. */
void gguf_write_alignment(struct gguf_writer *w, uint32_t alignment);
void gguf_write_u8(struct gguf_writer *w, const char *key, uint8_t v);
void gguf_write_i8(struct gguf_writer *w, const char *key, int8_t v);
void gguf_write_u16(struct gguf_writer *w, const char *key, uint16_t v);
void gguf_write_i16(struct gguf_writer *w, const char *key, int16_t v);
void gguf_write_u32(struct gguf_writer *w, const char *key, uint32_t v);
void gguf_write_i32(struct gguf_writer *w, const char *key, int32_t v);
void gguf_write_u64(struct gguf_writer *w, const char *key, uint64_t v);
void gguf_write_i64(struct gguf_writer *w, const char *key, int64_t v);
void gguf_write_f32(struct gguf_writer *w, const char *key, float v);
void gguf_write_f64(struct gguf_writer *w, const char *key, double v);
void gguf_write_bool(struct gguf_writer *w, const char *key, bool v);
void gguf_write_str(struct gguf_writer *w, const char *key, const char *text);
void gguf_write_strn(struct gguf_writer *w, const char *key, const char *p, size_t n);
/* count scalars as they lie in memory (the host is little-endian or the tests do not care). */
void gguf_write_arr(struct gguf_writer *w, const char *key, enum gguf_type type, size_t count,
		    const void *elements);
void gguf_write_strs(struct gguf_writer *w, const char *key, size_t count,
		     const char *const *texts);
/* size bytes of data, which the shape must agree with: the writer does not check. */
void gguf_write_tensor(struct gguf_writer *w, const char *name, uint32_t type, uint32_t n_dims,
		       const int64_t *ne, const void *data, size_t size);
/* The file, malloc'ed and of exactly *size bytes. 0 or -ENOMEM. The writer can go on. */
int gguf_writer_finish(const struct gguf_writer *w, uint8_t **data, size_t *size);

/*
 * Initialises w and writes a key of every type, arrays of some, and four tensors
 * of up to four dimensions; t.words holds gguf_sample_words.
 */
#define GGUF_SAMPLE_WORDS 5
extern const char *const gguf_sample_words[GGUF_SAMPLE_WORDS];
void gguf_write_sample(struct gguf_writer *w);

#endif
