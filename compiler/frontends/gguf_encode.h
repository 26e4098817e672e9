/* SPDX-License-Identifier: MIT */
/*
 * Keys into the bytes of a GGUF file without tensors, for sources that are none. -ENOMEM is kept and
 * reported by the last call.
 */
#ifndef IG1_COMPILER_FRONTENDS_GGUF_ENCODE_H
#define IG1_COMPILER_FRONTENDS_GGUF_ENCODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "compiler/frontends/gguf.h"

struct gguf_encode {
	uint8_t *data; /* malloc'ed */
	size_t size, room;
	uint64_t n_kv;
	int error;
};

void gguf_encode_begin(struct gguf_encode *e);
void gguf_encode_u32(struct gguf_encode *e, const char *key, uint32_t v);
void gguf_encode_f32(struct gguf_encode *e, const char *key, float v);
void gguf_encode_bool(struct gguf_encode *e, const char *key, bool v);
void gguf_encode_str(struct gguf_encode *e, const char *key, const char *p, size_t n);
/* An array's head; its elements follow by gguf_encode_add*. */
void gguf_encode_array(struct gguf_encode *e, const char *key, enum gguf_type type, size_t count);
void gguf_encode_add(struct gguf_encode *e, const void *p, size_t n); /* little-endian bytes */
void gguf_encode_add_u32(struct gguf_encode *e, uint32_t v);
void gguf_encode_add_f32(struct gguf_encode *e, float v);
void gguf_encode_add_str(struct gguf_encode *e, const char *p, size_t n);
/* The file is e->data[0..size), the caller frees it. 0 or -ENOMEM. */
int gguf_encode_end(struct gguf_encode *e);
void gguf_encode_free(struct gguf_encode *e);

#endif
