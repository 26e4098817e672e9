/* SPDX-License-Identifier: MIT */
/* Shared by the files that make up an open model file: gguf*.c and those that build one from others. */
#ifndef IG1_COMPILER_FRONTENDS_GGUF_INTERNAL_H
#define IG1_COMPILER_FRONTENDS_GGUF_INTERNAL_H

#include "compiler/frontends/gguf.h"
#include "compiler/frontends/source.h"

#define GGUF_N_TYPES 13

/* Room for a name in a message, made printable and cut. */
#define SHOWN 80

/* Tensors of a folder that are left out. */
struct gguf_skipped {
	size_t tensors;
	uint64_t bytes;
};

struct gguf_file {
	const uint8_t *data; /* what was parsed: of a split file, the first part */
	size_t size;
	uint32_t version;
	uint32_t alignment;
	size_t n_kv;
	size_t n_tensors;
	struct gguf_kv *kv;
	struct gguf_tensor *tensors;
	/*
	 * Sorted by name. Not hash tables: the names are an attacker's, who could
	 * make them collide.
	 */
	const struct gguf_kv **kv_by_key;
	const struct gguf_tensor **tensor_by_name;
	struct gguf_part *parts; /* the array is the file's, what it points to the closer's */
	size_t n_parts;
	struct gguf_skipped skipped[SOURCE_LEFT_OUT];
	/* gguf_stored_name() and _key(), with close_ctx; NULL: names are as stored. */
	const char *(*stored_name)(void *ctx, const char *name, char *buf, size_t room);
	const char *(*stored_key)(void *ctx, const char *key, char *buf, size_t room);
	/* Frees what keys, tensors and parts point to; NULL when that is the caller's. */
	void (*close)(void *ctx);
	void *close_ctx;
};

/* One file's bytes, with nothing said about parts. */
int gguf_parse(const uint8_t *data, size_t size, struct gguf_file **out, struct gguf_error *err);
/* (Re)builds tensor_by_name; -EINVAL names a tensor that occurs twice. */
int gguf_index_tensors(struct gguf_file *f, struct gguf_error *err);
const char *gguf_show(struct gguf_str s, char buf[SHOWN]);
int gguf_str_compare(struct gguf_str a, struct gguf_str b);

/* A file mapped read-only: regular and not empty. */
int gguf_map(const char *path, struct gguf_part *out, struct gguf_error *err);
void gguf_unmap(const struct gguf_part *p);

/* Bytes of a scalar; 0 for strings and arrays. type < GGUF_N_TYPES. */
size_t gguf_type_size(uint32_t type);

/* Keeps the first message. */
__attribute__((format(printf, 2, 3))) void gguf_set_error(struct gguf_error *err, const char *fmt,
							  ...);

/* Sets the message and yields code; a macro, so that the compiler sees the code. */
#define fail(err, code, ...) (gguf_set_error(err, __VA_ARGS__), (code))

#endif
