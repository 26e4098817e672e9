// SPDX-License-Identifier: MIT
/* Each reason to refuse a GGUF file, and what lies just on the good side of it. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/frontends/gguf.h"
#include "compiler/quant/ggml_types.h"
#include "compiler/tests/gguf_walk.h"
#include "compiler/tests/gguf_writer.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Opens a copy of exactly the given size, so that a sanitizer sees every read beyond it. */
static int open_copy(const uint8_t *data, size_t size, struct gguf_error *err)
{
	uint8_t *copy = malloc(size ? size : 1);
	struct gguf_file *f = (struct gguf_file *)err; /* any non-NULL mark */
	int rc;

	assert_non_null(copy);
	memcpy(copy, data, size);
	memset(err, 0, sizeof(*err));
	rc = gguf_open_mem(copy, size, &f, err);
	if (rc) {
		assert_ptr_equal(f, err);
		assert_true(err->msg[0] != 0);
	} else {
		assert_int_equal(err->msg[0], 0);
		gguf_walk(f);
		gguf_close(f);
	}
	free(copy);
	return rc;
}

/* The file in b is refused with this code and a message with this part; frees b. */
static void refused(struct gguf_buf *b, int code, const char *part)
{
	struct gguf_error err;
	int rc;

	assert_int_equal(b->error, 0);
	rc = open_copy(b->data, b->size, &err);
	if (rc != code || !strstr(err.msg, part))
		fail_msg("got %d \"%s\", expected %d \"...%s...\"", rc, err.msg, code, part);
	gguf_buf_free(b);
}

static void accepted(struct gguf_buf *b)
{
	struct gguf_error err;

	assert_int_equal(b->error, 0);
	if (open_copy(b->data, b->size, &err))
		fail_msg("refused: %s", err.msg);
	gguf_buf_free(b);
}

/* A header, then n_kv keys to come. */
static struct gguf_buf with_keys(uint64_t n)
{
	struct gguf_buf b = { 0 };

	gguf_buf_header(&b, 3, 0, n);
	return b;
}

static struct gguf_buf with_tensors(uint64_t n)
{
	struct gguf_buf b = { 0 };

	gguf_buf_header(&b, 3, n, 0);
	return b;
}

/* One tensor and plenty of data behind it. */
static struct gguf_buf one_tensor(const char *name, uint32_t n_dims, const int64_t *ne,
				  uint32_t type, uint64_t offset)
{
	struct gguf_buf b = with_tensors(1);

	gguf_buf_tensor(&b, name, n_dims, ne, type, offset);
	gguf_buf_align(&b, 32);
	gguf_buf_zeros(&b, 4096);
	return b;
}

/* The last tensor's padding may be missing; any other missing byte is noticed. */
static void test_every_truncation(void **state)
{
	struct gguf_writer w;
	struct gguf_error err;
	uint8_t *data;
	size_t size, n, end;
	struct gguf_file *f = NULL;

	(void)state;
	gguf_write_sample(&w);
	assert_int_equal(gguf_writer_finish(&w, &data, &size), 0);
	gguf_writer_free(&w);
	assert_int_equal(gguf_open_mem(data, size, &f, NULL), 0);
	end = (size_t)(gguf_tensor(f, 3)->data - data) + gguf_tensor(f, 3)->size;
	gguf_close(f);
	assert_int_equal(gguf_open_mem(NULL, 0, &f, NULL), -EINVAL);
	for (n = 0; n <= size; n++)
		assert_int_equal(open_copy(data, n, &err), n < end ? -EINVAL : 0);
	free(data);
}

static void test_refuse_header(void **state)
{
	static const uint32_t versions[] = { 0, 1, 4, 0xffffffff };
	struct gguf_buf b = { 0 };
	size_t i;

	(void)state;
	gguf_buf_header(&b, 3, 0, 0);
	b.data[3] = 'f';
	refused(&b, -EINVAL, "magic");
	for (i = 0; i < ARRAY_SIZE(versions); i++) {
		gguf_buf_header(&b, versions[i], 0, 0);
		refused(&b, -ENOTSUP, "version");
	}
	gguf_buf_header(&b, 0x03000000, 0, 0);
	refused(&b, -ENOTSUP, "big-endian");
	gguf_buf_header(&b, 3, 0, 0);
	accepted(&b);
}

static void test_refuse_counts(void **state)
{
	static const uint64_t counts[] = { 400,	      UINT64_C(1) << 32, UINT64_C(1) << 60,
					   INT64_MAX, (uint64_t)-1,	 (uint64_t)INT64_MIN };
	struct gguf_buf b = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		gguf_buf_header(&b, 3, 0, counts[i]);
		gguf_buf_zeros(&b, 400);
		refused(&b, -EINVAL, "n_kv");
		gguf_buf_header(&b, 3, counts[i], 0);
		gguf_buf_zeros(&b, 400);
		refused(&b, -EINVAL, "n_tensors");
	}
	/* As many as the bytes could hold, but they do not. */
	b = with_keys(2);
	gguf_buf_key(&b, "a", GGUF_U8);
	gguf_buf_u8(&b, 1);
	gguf_buf_zeros(&b, 16);
	refused(&b, -EINVAL, "key 1: empty");
}

static void test_refuse_strings(void **state)
{
	static const uint64_t lengths[] = {
		5,	    (UINT64_C(1) << 30) + 1, UINT64_C(1) << 32, UINT64_C(1) << 63,
		UINT64_MAX, UINT64_MAX - 7
	};
	struct gguf_buf b;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		b = with_keys(1);
		gguf_buf_u64(&b, lengths[i] + 100);
		gguf_buf_zeros(&b, 50);
		refused(&b, -EINVAL, "key 0");
		b = with_keys(1);
		gguf_buf_key(&b, "s", GGUF_STRING);
		gguf_buf_u64(&b, lengths[i]);
		gguf_buf_bytes(&b, "four", 4);
		refused(&b, -EINVAL, "key s: string of");
		b = with_keys(1);
		gguf_buf_key(&b, "strings", GGUF_ARRAY);
		gguf_buf_u32(&b, GGUF_STRING);
		gguf_buf_u64(&b, 2);
		gguf_buf_str(&b, "fine", 4);
		gguf_buf_u64(&b, lengths[i]);
		gguf_buf_bytes(&b, "four", 4);
		refused(&b, -EINVAL, "key strings: string of");
	}
}

static void test_refuse_arrays(void **state)
{
	static const uint64_t counts[] = { 3,
					   (UINT64_C(1) << 30) + 1,
					   UINT64_C(1) << 61,
					   (UINT64_C(1) << 61) + 1,
					   UINT64_C(1) << 62,
					   UINT64_MAX };
	static const uint32_t types[] = { GGUF_U64, GGUF_STRING, GGUF_F64 };
	struct gguf_buf b;
	size_t i, j;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		for (j = 0; j < ARRAY_SIZE(types); j++) {
			b = with_keys(1);
			gguf_buf_key(&b, "a", GGUF_ARRAY);
			gguf_buf_u32(&b, types[j]);
			gguf_buf_u64(&b, counts[i]);
			gguf_buf_zeros(&b, 23); /* one less than three elements */
			refused(&b, -EINVAL, "key a:");
		}
	}
	/* Refused for its count, before room is made for so many strings. */
	b = with_keys(1);
	gguf_buf_key(&b, "a", GGUF_ARRAY);
	gguf_buf_u32(&b, GGUF_STRING);
	gguf_buf_u64(&b, UINT64_C(1) << 30);
	gguf_buf_zeros(&b, 64);
	refused(&b, -EINVAL, "key a: 1073741824 strings are past the end");
	b = with_keys(1);
	gguf_buf_key(&b, "nest", GGUF_ARRAY);
	gguf_buf_u32(&b, GGUF_ARRAY);
	gguf_buf_u64(&b, 1);
	gguf_buf_u32(&b, GGUF_U8);
	gguf_buf_u64(&b, 1);
	gguf_buf_u8(&b, 1);
	refused(&b, -EINVAL, "key nest: array of arrays");
	b = with_keys(1);
	gguf_buf_key(&b, "a", GGUF_ARRAY);
	gguf_buf_u32(&b, 13);
	gguf_buf_u64(&b, 0);
	refused(&b, -EINVAL, "unknown array element type 13");
	b = with_keys(1);
	gguf_buf_key(&b, "a", GGUF_ARRAY);
	gguf_buf_u32(&b, GGUF_BOOL);
	gguf_buf_u64(&b, 3);
	gguf_buf_bytes(&b, "\0\1\2", 3);
	refused(&b, -EINVAL, "key a: bool with the value 2");
}

static void test_refuse_values(void **state)
{
	static const uint32_t types[] = { 13, 255, 0xffffffff };
	struct gguf_buf b;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(types); i++) {
		b = with_keys(1);
		gguf_buf_key(&b, "v", types[i]);
		gguf_buf_zeros(&b, 64);
		refused(&b, -EINVAL, "key v: unknown value type");
	}
	for (i = 2; i < 256; i += 253) {
		b = with_keys(1);
		gguf_buf_key(&b, "v", GGUF_BOOL);
		gguf_buf_u8(&b, (uint8_t)i);
		refused(&b, -EINVAL, "key v: bool with the value");
	}
}

static void test_refuse_keys(void **state)
{
	struct gguf_buf b;
	char *longest;

	(void)state;
	b = with_keys(1);
	gguf_buf_key(&b, "", GGUF_U32);
	gguf_buf_u32(&b, 0);
	refused(&b, -EINVAL, "key 0: empty");

	b = with_keys(1);
	gguf_buf_str(&b, "a\0b", 3);
	gguf_buf_u32(&b, GGUF_U32);
	gguf_buf_u32(&b, 0);
	refused(&b, -EINVAL, "key 0: contains a NUL");

	longest = malloc(65536);
	assert_non_null(longest);
	memset(longest, 'k', 65536);
	b = with_keys(1);
	gguf_buf_str(&b, longest, 65535);
	gguf_buf_u32(&b, GGUF_U8);
	gguf_buf_u8(&b, 0);
	accepted(&b);
	b = with_keys(1);
	gguf_buf_str(&b, longest, 65536);
	gguf_buf_u32(&b, GGUF_U8);
	gguf_buf_u8(&b, 0);
	refused(&b, -EINVAL, "key 0: 65536 bytes long");
	free(longest);

	b = with_keys(3);
	gguf_buf_key(&b, "same", GGUF_U8);
	gguf_buf_u8(&b, 0);
	gguf_buf_key(&b, "other", GGUF_U8);
	gguf_buf_u8(&b, 0);
	gguf_buf_key(&b, "same", GGUF_STRING);
	gguf_buf_str(&b, "x", 1);
	refused(&b, -EINVAL, "key same: occurs twice");

	/* A hostile name is made printable in the message, and cut. */
	b = with_keys(1);
	gguf_buf_key(&b, "bad\x1b[31m\nname\xff", 99);
	gguf_buf_u32(&b, 0);
	refused(&b, -EINVAL, "key bad?[31m?name?: unknown value type 99");
}

static void test_refuse_tensor_names(void **state)
{
	char name[65];
	static const int64_t ne[] = { 8 };
	struct gguf_buf b;

	(void)state;
	b = one_tensor("", 1, ne, GGML_TYPE_F32, 0);
	refused(&b, -EINVAL, "tensor 0: empty");
	memset(name, 'n', 64);
	name[64] = 0;
	b = one_tensor(name, 1, ne, GGML_TYPE_F32, 0);
	refused(&b, -EINVAL, "tensor 0: 64 bytes long");
	name[63] = 0;
	b = one_tensor(name, 1, ne, GGML_TYPE_F32, 0);
	accepted(&b);
	b = with_tensors(1);
	gguf_buf_str(&b, "a\0b", 3);
	gguf_buf_zeros(&b, 64);
	refused(&b, -EINVAL, "tensor 0: contains a NUL");
	b = with_tensors(2);
	gguf_buf_tensor(&b, "twin", 1, ne, GGML_TYPE_F32, 0);
	gguf_buf_tensor(&b, "twin", 1, ne, GGML_TYPE_F32, 32);
	gguf_buf_zeros(&b, 128);
	refused(&b, -EINVAL, "tensor twin: occurs twice");
}

static void test_refuse_shapes(void **state)
{
	static const struct {
		uint32_t n_dims;
		int64_t ne[5];
		uint32_t type;
		const char *part;
	} bad[] = {
		{ 5, { 1, 1, 1, 1, 1 }, GGML_TYPE_F32, "tensor t: n_dims is 5" },
		{ 0xffffffff, { 1, 1, 1, 1, 1 }, GGML_TYPE_F32, "tensor t: n_dims is 4294967295" },
		{ 1, { 0 }, GGML_TYPE_F32, "tensor t: ne[0] is 0" },
		{ 2, { 8, 0 }, GGML_TYPE_F32, "tensor t: ne[1] is 0" },
		{ 2, { 8, -1 }, GGML_TYPE_F32, "tensor t: ne[1] is -1" },
		{ 1, { INT64_MIN }, GGML_TYPE_F32, "tensor t: ne[0] is -9223372036854775808" },
		{ 2, { INT64_MAX, 2 }, GGML_TYPE_F32, "product of ne overflows" },
		{ 2, { INT64_C(1) << 62, 2 }, GGML_TYPE_F32, "product of ne overflows" },
		{ 4, { 1 << 16, 1 << 16, 1 << 16, 1 << 16 }, GGML_TYPE_F32, "product of ne" },
		{ 4, { 1 << 20, 1 << 20, 1 << 20, 1 << 20 }, GGML_TYPE_F32, "product of ne" },
		/* The elements fit 63 bits, the bytes not 64. */
		{ 1, { INT64_C(1) << 62 }, GGML_TYPE_F32, "size in bytes overflows" },
		{ 2, { INT64_C(1) << 61, 3 }, GGML_TYPE_F32, "size in bytes overflows" },
		{ 1, { 33 }, GGML_TYPE_Q8_0, "ne[0] is 33, not a multiple of the 32" },
		{ 1, { 128 }, GGML_TYPE_Q4_K, "ne[0] is 128, not a multiple of the 256" },
		{ 2, { 16, 2 }, GGML_TYPE_Q4_0, "ne[0] is 16, not a multiple of the 32" },
		{ 1, { 1025 }, GGML_TYPE_F32, "tensor t: data is past the end" },
		{ 1, { INT64_C(1) << 61 }, GGML_TYPE_F32, "tensor t: data is past the end" },
		{ 2, { 64, 128 }, GGML_TYPE_Q8_0, "tensor t: data is past the end" },
	};
	struct gguf_buf b;
	uint32_t d;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		b = with_tensors(1);
		gguf_buf_str(&b, "t", 1);
		gguf_buf_u32(&b, bad[i].n_dims);
		for (d = 0; d < bad[i].n_dims && d < 5; d++)
			gguf_buf_u64(&b, (uint64_t)bad[i].ne[d]);
		gguf_buf_u32(&b, bad[i].type);
		gguf_buf_u64(&b, 0);
		gguf_buf_align(&b, 32);
		gguf_buf_zeros(&b, 4096);
		refused(&b, -EINVAL, bad[i].part);
	}
	b = one_tensor("t", 1, (const int64_t[]){ 1024 }, GGML_TYPE_F32, 0);
	accepted(&b);
}

static void test_refuse_types(void **state)
{
	static const int64_t ne[] = { 256 };
	static const struct {
		uint32_t type;
		const char *part;
	} named[] = {
		{ 24, "(I8)" },
		{ 25, "(I16)" },
		{ 26, "(I32)" },
		{ 27, "(I64)" },
		{ 28, "(F64)" },
		{ 9, "(Q8_1)" },
		{ 15, "(Q8_K)" },
		{ 16, "(IQ2_XXS)" },
		{ 17, "(IQ2_XS)" },
		{ 18, "(IQ3_XXS)" },
		{ 19, "(IQ1_S)" },
		{ 21, "(IQ3_S)" },
		{ 22, "(IQ2_S)" },
		{ 29, "(IQ1_M)" },
		{ 4, "(unknown)" },
		{ 5, "(unknown)" },
		{ 31, "(unknown)" },
		{ 33, "(unknown)" },
		{ 36, "(unknown)" },
		{ 38, "(unknown)" },
		{ 43, "(unknown)" },
		{ 1000, "(unknown)" },
		{ 0xffffffff, "(unknown)" },
	};
	struct gguf_buf b;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(named); i++) {
		b = one_tensor("w", 1, ne, named[i].type, 0);
		refused(&b, -ENOTSUP, named[i].part);
	}
	b = one_tensor("w", 1, ne, 16, 0);
	refused(&b, -ENOTSUP,
		"tensor w: type 16 (IQ2_XXS) is not supported; supported: F32, F16, Q4_0, Q4_1, "
		"Q5_0, Q5_1, Q8_0, Q2_K, Q3_K, Q4_K, Q5_K, Q6_K, IQ4_NL, IQ4_XS, BF16, TQ1_0, "
		"TQ2_0, MXFP4, NVFP4, Q1_0, Q2_0");
}

static void test_refuse_offsets(void **state)
{
	static const int64_t ne[] = { 3 }, ne64[] = { 64 };
	struct gguf_buf b;

	(void)state;
	b = one_tensor("t", 1, ne, GGML_TYPE_F32, 1);
	refused(&b, -EINVAL, "offset 1 is not a multiple of 32");
	b = one_tensor("t", 1, ne, GGML_TYPE_F32, 32);
	refused(&b, -EINVAL, "offset is 32, the data before end at 0");
	b = one_tensor("t", 1, ne, GGML_TYPE_F32, UINT64_C(1) << 40);
	refused(&b, -EINVAL, "the data before end at 0");
	b = one_tensor("t", 1, ne, GGML_TYPE_F32, -UINT64_C(32));
	refused(&b, -EINVAL, "the data before end at 0");

	/* The second tensor: overlapping, with a gap, unaligned, missing. */
	b = with_tensors(2);
	gguf_buf_tensor(&b, "a", 1, ne, GGML_TYPE_F32, 0);
	gguf_buf_tensor(&b, "b", 1, ne, GGML_TYPE_F32, 0);
	gguf_buf_zeros(&b, 256);
	refused(&b, -EINVAL, "tensor b: offset is 0, the data before end at 32");
	b = with_tensors(2);
	gguf_buf_tensor(&b, "a", 1, ne, GGML_TYPE_F32, 0);
	gguf_buf_tensor(&b, "b", 1, ne, GGML_TYPE_F32, 64);
	gguf_buf_zeros(&b, 256);
	refused(&b, -EINVAL, "tensor b: offset is 64, the data before end at 32");
	b = with_tensors(2);
	gguf_buf_tensor(&b, "a", 1, ne, GGML_TYPE_F32, 0);
	gguf_buf_tensor(&b, "b", 1, ne, GGML_TYPE_F32, 12);
	gguf_buf_zeros(&b, 256);
	refused(&b, -EINVAL, "tensor b: offset 12 is not a multiple");
	b = with_tensors(2);
	gguf_buf_tensor(&b, "a", 1, ne64, GGML_TYPE_F32, 0);
	gguf_buf_tensor(&b, "b", 1, ne64, GGML_TYPE_F32, 256);
	gguf_buf_align(&b, 32);
	gguf_buf_zeros(&b, 511);
	refused(&b, -EINVAL, "tensor b: data is past the end");

	/* The table ends in the file's last bytes: the aligned data would begin beyond it. */
	b = with_tensors(1);
	gguf_buf_tensor(&b, "t", 1, ne, GGML_TYPE_F32, 0);
	refused(&b, -EINVAL, "tensor t: data is past the end");
}

static void test_refuse_alignment(void **state)
{
	static const uint32_t bad[] = { 0, 3, 48, 0xffffffff };
	static const int64_t ne[] = { 1 };
	struct gguf_buf b;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		b = with_keys(1);
		gguf_buf_key(&b, "general.alignment", GGUF_U32);
		gguf_buf_u32(&b, bad[i]);
		refused(&b, -EINVAL, "general.alignment");
	}
	b = with_keys(1);
	gguf_buf_key(&b, "general.alignment", GGUF_F32);
	gguf_buf_u32(&b, 0x42000000);
	refused(&b, -EINVAL, "general.alignment: is f32");
	b = with_keys(1);
	gguf_buf_key(&b, "general.alignment", GGUF_U64);
	gguf_buf_u64(&b, UINT64_C(1) << 40);
	refused(&b, -ERANGE, "general.alignment");
	/* A power of two that the file has no room for. */
	gguf_buf_header(&b, 3, 1, 1);
	gguf_buf_key(&b, "general.alignment", GGUF_U32);
	gguf_buf_u32(&b, 0x80000000);
	gguf_buf_tensor(&b, "t", 1, ne, GGML_TYPE_F32, 0);
	gguf_buf_zeros(&b, 512);
	refused(&b, -EINVAL, "tensor t: data is past the end");
}

static void test_split(void **state)
{
	struct gguf_buf b;

	(void)state;
	b = with_keys(1);
	gguf_buf_key(&b, "split.count", GGUF_U32);
	gguf_buf_u32(&b, 3);
	refused(&b, -EINVAL, "split.count: one of 3 parts");
	b = with_keys(1);
	gguf_buf_key(&b, "split.count", GGUF_U32);
	gguf_buf_u32(&b, 1);
	accepted(&b);
	b = with_keys(1);
	gguf_buf_key(&b, "split.count", GGUF_STRING);
	gguf_buf_str(&b, "3", 1);
	refused(&b, -EINVAL, "split.count: is string");
}

/* Ids 41 and 42 mean other block sizes in other programs: the size of the data decides. */
static void test_forked_types(void **state)
{
	static const int64_t ne[] = { 128, 2 };
	struct gguf_buf b;
	int padded;

	(void)state;
	for (padded = 0; padded < 2; padded++) {
		b = with_tensors(1);
		gguf_buf_tensor(&b, "q", 2, ne, GGML_TYPE_Q1_0, 0);
		gguf_buf_align(&b, 32);
		gguf_buf_zeros(&b, padded ? 64 : 36);
		accepted(&b);
	}
	b = with_tensors(1);
	gguf_buf_tensor(&b, "q", 2, ne, GGML_TYPE_Q1_0, 0);
	gguf_buf_align(&b, 32);
	gguf_buf_zeros(&b, 2 * 4 * 6); /* blocks of 32 elements and 6 bytes */
	refused(&b, -EINVAL, "tensor q: 48 bytes of data where Q1_0 has 36");
	b = with_tensors(1);
	gguf_buf_tensor(&b, "q", 2, ne, GGML_TYPE_Q2_0, 0);
	gguf_buf_align(&b, 32);
	gguf_buf_zeros(&b, 128);
	refused(&b, -EINVAL, "another program's type");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_truncation),
		cmocka_unit_test(test_refuse_header),
		cmocka_unit_test(test_refuse_counts),
		cmocka_unit_test(test_refuse_strings),
		cmocka_unit_test(test_refuse_arrays),
		cmocka_unit_test(test_refuse_values),
		cmocka_unit_test(test_refuse_keys),
		cmocka_unit_test(test_refuse_tensor_names),
		cmocka_unit_test(test_refuse_shapes),
		cmocka_unit_test(test_refuse_types),
		cmocka_unit_test(test_refuse_offsets),
		cmocka_unit_test(test_refuse_alignment),
		cmocka_unit_test(test_split),
		cmocka_unit_test(test_forked_types),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("gguf_refuse", tests, NULL, NULL);
}
