// SPDX-License-Identifier: MIT
#include "compiler/frontends/gguf_encode.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/quant/half.h"

#define N_KV_AT 16 /* magic, version, n_tensors before it */

void gguf_encode_add(struct gguf_encode *e, const void *p, size_t n)
{
	size_t want, room = e->room;
	uint8_t *more;

	if (e->error)
		return;
	if (__builtin_add_overflow(e->size, n, &want)) {
		e->error = -ENOMEM;
		return;
	}
	if (want > room) {
		while (room < want)
			room = room ? room * 2 : 4096;
		more = realloc(e->data, room);
		if (!more) {
			e->error = -ENOMEM;
			return;
		}
		e->data = more;
		e->room = room;
	}
	if (n)
		memcpy(e->data + e->size, p, n);
	e->size = want;
}

void gguf_encode_add_u32(struct gguf_encode *e, uint32_t v)
{
	v = htole32(v);
	gguf_encode_add(e, &v, sizeof(v));
}

static void add_u64(struct gguf_encode *e, uint64_t v)
{
	v = htole64(v);
	gguf_encode_add(e, &v, sizeof(v));
}

void gguf_encode_add_f32(struct gguf_encode *e, float v)
{
	gguf_encode_add_u32(e, float_bits(v));
}

void gguf_encode_add_str(struct gguf_encode *e, const char *p, size_t n)
{
	add_u64(e, n);
	gguf_encode_add(e, p, n);
}

static void add_key(struct gguf_encode *e, const char *key, enum gguf_type type)
{
	gguf_encode_add_str(e, key, strlen(key));
	gguf_encode_add_u32(e, type);
	e->n_kv++;
}

void gguf_encode_begin(struct gguf_encode *e)
{
	*e = (struct gguf_encode){ 0 };
	gguf_encode_add(e, "GGUF", 4);
	gguf_encode_add_u32(e, 3);
	add_u64(e, 0);
	add_u64(e, 0);
}

void gguf_encode_u32(struct gguf_encode *e, const char *key, uint32_t v)
{
	add_key(e, key, GGUF_U32);
	gguf_encode_add_u32(e, v);
}

void gguf_encode_f32(struct gguf_encode *e, const char *key, float v)
{
	add_key(e, key, GGUF_F32);
	gguf_encode_add_f32(e, v);
}

void gguf_encode_bool(struct gguf_encode *e, const char *key, bool v)
{
	uint8_t byte = v;

	add_key(e, key, GGUF_BOOL);
	gguf_encode_add(e, &byte, 1);
}

void gguf_encode_str(struct gguf_encode *e, const char *key, const char *p, size_t n)
{
	add_key(e, key, GGUF_STRING);
	gguf_encode_add_str(e, p, n);
}

void gguf_encode_array(struct gguf_encode *e, const char *key, enum gguf_type type, size_t count)
{
	add_key(e, key, GGUF_ARRAY);
	gguf_encode_add_u32(e, type);
	add_u64(e, count);
}

int gguf_encode_end(struct gguf_encode *e)
{
	uint64_t n = htole64(e->n_kv);

	if (!e->error)
		memcpy(e->data + N_KV_AT, &n, sizeof(n));
	return e->error;
}

void gguf_encode_free(struct gguf_encode *e)
{
	free(e->data);
	*e = (struct gguf_encode){ 0 };
}
