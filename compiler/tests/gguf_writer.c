// SPDX-License-Identifier: MIT
#include "compiler/tests/gguf_writer.h"

#include <endian.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/quant/ggml_types.h"

static const size_t scalar_size[] = {
	[GGUF_U8] = 1,	[GGUF_I8] = 1,	[GGUF_U16] = 2, [GGUF_I16] = 2,
	[GGUF_U32] = 4, [GGUF_I32] = 4, [GGUF_F32] = 4, [GGUF_BOOL] = 1,
	[GGUF_U64] = 8, [GGUF_I64] = 8, [GGUF_F64] = 8,
};

void gguf_buf_free(struct gguf_buf *b)
{
	free(b->data);
	memset(b, 0, sizeof(*b));
}

void gguf_buf_bytes(struct gguf_buf *b, const void *p, size_t n)
{
	size_t room = b->room ? b->room : 256;
	uint8_t *data;

	if (b->error || n == 0)
		return;
	while (room - b->size < n)
		room *= 2;
	if (room != b->room) {
		data = realloc(b->data, room);
		if (!data) {
			b->error = -ENOMEM;
			return;
		}
		b->data = data;
		b->room = room;
	}
	memcpy(b->data + b->size, p, n);
	b->size += n;
}

void gguf_buf_u8(struct gguf_buf *b, uint8_t v)
{
	gguf_buf_bytes(b, &v, 1);
}

static void buf_u16(struct gguf_buf *b, uint16_t v)
{
	v = htole16(v);
	gguf_buf_bytes(b, &v, 2);
}

void gguf_buf_u32(struct gguf_buf *b, uint32_t v)
{
	v = htole32(v);
	gguf_buf_bytes(b, &v, 4);
}

void gguf_buf_u64(struct gguf_buf *b, uint64_t v)
{
	v = htole64(v);
	gguf_buf_bytes(b, &v, 8);
}

void gguf_buf_str(struct gguf_buf *b, const char *p, size_t n)
{
	gguf_buf_u64(b, n);
	gguf_buf_bytes(b, p, n);
}

void gguf_buf_zeros(struct gguf_buf *b, size_t n)
{
	static const uint8_t zeros[64];

	for (; n > sizeof(zeros); n -= sizeof(zeros))
		gguf_buf_bytes(b, zeros, sizeof(zeros));
	gguf_buf_bytes(b, zeros, n);
}

void gguf_buf_align(struct gguf_buf *b, size_t alignment)
{
	gguf_buf_zeros(b, -b->size & (alignment - 1));
}

void gguf_buf_header(struct gguf_buf *b, uint32_t version, uint64_t n_tensors, uint64_t n_kv)
{
	gguf_buf_bytes(b, "GGUF", 4);
	gguf_buf_u32(b, version);
	gguf_buf_u64(b, n_tensors);
	gguf_buf_u64(b, n_kv);
}

void gguf_buf_key(struct gguf_buf *b, const char *key, uint32_t type)
{
	gguf_buf_str(b, key, strlen(key));
	gguf_buf_u32(b, type);
}

void gguf_buf_tensor(struct gguf_buf *b, const char *name, uint32_t n_dims, const int64_t *ne,
		     uint32_t type, uint64_t offset)
{
	uint32_t d;

	gguf_buf_str(b, name, strlen(name));
	gguf_buf_u32(b, n_dims);
	for (d = 0; d < n_dims; d++)
		gguf_buf_u64(b, (uint64_t)ne[d]);
	gguf_buf_u32(b, type);
	gguf_buf_u64(b, offset);
}

void gguf_writer_init(struct gguf_writer *w)
{
	memset(w, 0, sizeof(*w));
	w->version = 3;
	w->alignment = 32;
}

void gguf_writer_free(struct gguf_writer *w)
{
	gguf_buf_free(&w->kv);
	gguf_buf_free(&w->infos);
	gguf_buf_free(&w->blob);
}

static struct gguf_buf *begin(struct gguf_writer *w, const char *key, enum gguf_type type)
{
	w->n_kv++;
	gguf_buf_key(&w->kv, key, type);
	return &w->kv;
}

void gguf_write_alignment(struct gguf_writer *w, uint32_t alignment)
{
	gguf_write_u32(w, "general.alignment", alignment);
	w->alignment = alignment;
}

void gguf_write_u8(struct gguf_writer *w, const char *key, uint8_t v)
{
	gguf_buf_u8(begin(w, key, GGUF_U8), v);
}

void gguf_write_i8(struct gguf_writer *w, const char *key, int8_t v)
{
	gguf_buf_u8(begin(w, key, GGUF_I8), (uint8_t)v);
}

void gguf_write_u16(struct gguf_writer *w, const char *key, uint16_t v)
{
	buf_u16(begin(w, key, GGUF_U16), v);
}

void gguf_write_i16(struct gguf_writer *w, const char *key, int16_t v)
{
	buf_u16(begin(w, key, GGUF_I16), (uint16_t)v);
}

void gguf_write_u32(struct gguf_writer *w, const char *key, uint32_t v)
{
	gguf_buf_u32(begin(w, key, GGUF_U32), v);
}

void gguf_write_i32(struct gguf_writer *w, const char *key, int32_t v)
{
	gguf_buf_u32(begin(w, key, GGUF_I32), (uint32_t)v);
}

void gguf_write_u64(struct gguf_writer *w, const char *key, uint64_t v)
{
	gguf_buf_u64(begin(w, key, GGUF_U64), v);
}

void gguf_write_i64(struct gguf_writer *w, const char *key, int64_t v)
{
	gguf_buf_u64(begin(w, key, GGUF_I64), (uint64_t)v);
}

void gguf_write_f32(struct gguf_writer *w, const char *key, float v)
{
	uint32_t u;

	memcpy(&u, &v, sizeof(u));
	gguf_buf_u32(begin(w, key, GGUF_F32), u);
}

void gguf_write_f64(struct gguf_writer *w, const char *key, double v)
{
	uint64_t u;

	memcpy(&u, &v, sizeof(u));
	gguf_buf_u64(begin(w, key, GGUF_F64), u);
}

void gguf_write_bool(struct gguf_writer *w, const char *key, bool v)
{
	gguf_buf_u8(begin(w, key, GGUF_BOOL), v);
}

void gguf_write_str(struct gguf_writer *w, const char *key, const char *text)
{
	gguf_write_strn(w, key, text, strlen(text));
}

void gguf_write_strn(struct gguf_writer *w, const char *key, const char *p, size_t n)
{
	gguf_buf_str(begin(w, key, GGUF_STRING), p, n);
}

void gguf_write_arr(struct gguf_writer *w, const char *key, enum gguf_type type, size_t count,
		    const void *elements)
{
	struct gguf_buf *b = begin(w, key, GGUF_ARRAY);

	gguf_buf_u32(b, type);
	gguf_buf_u64(b, count);
	gguf_buf_bytes(b, elements, count * scalar_size[type]);
}

void gguf_write_strs(struct gguf_writer *w, const char *key, size_t count, const char *const *texts)
{
	struct gguf_buf *b = begin(w, key, GGUF_ARRAY);
	size_t i;

	gguf_buf_u32(b, GGUF_STRING);
	gguf_buf_u64(b, count);
	for (i = 0; i < count; i++)
		gguf_buf_str(b, texts[i], strlen(texts[i]));
}

void gguf_write_tensor(struct gguf_writer *w, const char *name, uint32_t type, uint32_t n_dims,
		       const int64_t *ne, const void *data, size_t size)
{
	w->n_tensors++;
	gguf_buf_tensor(&w->infos, name, n_dims, ne, type, w->blob.size);
	gguf_buf_bytes(&w->blob, data, size);
	gguf_buf_align(&w->blob, w->alignment);
}

int gguf_writer_finish(const struct gguf_writer *w, uint8_t **data, size_t *size)
{
	struct gguf_buf b = { 0 };
	uint8_t *exact;

	gguf_buf_header(&b, w->version, w->n_tensors, w->n_kv);
	gguf_buf_bytes(&b, w->kv.data, w->kv.size);
	gguf_buf_bytes(&b, w->infos.data, w->infos.size);
	gguf_buf_align(&b, w->alignment);
	gguf_buf_bytes(&b, w->blob.data, w->blob.size);
	exact = malloc(b.size ? b.size : 1);
	if (b.error || w->kv.error || w->infos.error || w->blob.error || !exact) {
		free(exact);
		gguf_buf_free(&b);
		return -ENOMEM;
	}
	memcpy(exact, b.data, b.size);
	*data = exact;
	*size = b.size;
	gguf_buf_free(&b);
	return 0;
}

const char *const gguf_sample_words[GGUF_SAMPLE_WORDS] = { "", "a", "two words", "\xe2\x96\x81tok",
							   "<0x0A>" };

void gguf_write_sample(struct gguf_writer *w)
{
	static const uint32_t u32s[] = { 1, 2, 0xffffffff };
	static const int16_t i16s[] = { -1, 0, 32767 };
	static const uint8_t bools[] = { 1, 0, 1 };
	static const double f64s[] = { 0.5, -3.41e38, INFINITY };
	static const int64_t ne1[] = { 5 }, ne2[] = { 64, 3 }, ne4[] = { 32, 2, 3, 4 };
	static uint8_t data[4096];
	size_t i;

	for (i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7);
	gguf_writer_init(w);
	gguf_write_str(w, "general.architecture", "llama");
	gguf_write_u8(w, "t.u8", 255);
	gguf_write_i8(w, "t.i8", -128);
	gguf_write_u16(w, "t.u16", 65535);
	gguf_write_i16(w, "t.i16", -32768);
	gguf_write_u32(w, "t.u32", 0xffffffff);
	gguf_write_i32(w, "t.i32", INT32_MIN);
	gguf_write_u64(w, "t.u64", UINT64_MAX);
	gguf_write_i64(w, "t.i64", INT64_MIN);
	gguf_write_f32(w, "t.f32", 1e-5f);
	gguf_write_f64(w, "t.f64", 0.1);
	gguf_write_bool(w, "t.yes", true);
	gguf_write_bool(w, "t.no", false);
	gguf_write_strn(w, "t.nul", "a\0b", 3);
	gguf_write_arr(w, "t.u32s", GGUF_U32, 3, u32s);
	gguf_write_arr(w, "t.i16s", GGUF_I16, 3, i16s);
	gguf_write_arr(w, "t.bools", GGUF_BOOL, 3, bools);
	gguf_write_arr(w, "t.f64s", GGUF_F64, 3, f64s);
	gguf_write_arr(w, "t.none", GGUF_U64, 0, NULL);
	gguf_write_strs(w, "t.words", GGUF_SAMPLE_WORDS, gguf_sample_words);
	gguf_write_strs(w, "t.nowords", 0, NULL);
	gguf_write_tensor(w, "vector", GGML_TYPE_F32, 1, ne1, data, 20);
	gguf_write_tensor(w, "matrix", GGML_TYPE_Q8_0, 2, ne2, data + 1, 6 * 34);
	gguf_write_tensor(w, "four", GGML_TYPE_Q4_0, 4, ne4, data + 2, 24 * 18);
	gguf_write_tensor(w, "scalar", GGML_TYPE_F16, 0, NULL, data + 3, 2);
}
