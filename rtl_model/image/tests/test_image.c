// SPDX-License-Identifier: MIT
/*
 * Reader and writer of .accel files. Link with -Wl,--wrap= for write, fsync, close and rename: the
 * tests let each of them fail.
 *
 * test_image [SEED [MUTATIONS]]
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "rtl_model/image/crc32.h"
#include "rtl_model/image/hash_x86.h"
#include "rtl_model/image/image.h"
#include "rtl_model/image/sha256.h"

#define ROM_BYTES  (34 * 40)
#define CROM_BYTES 256
#define COMMANDS   3

static uint64_t seed = 1;
static uint64_t rng;
static unsigned int mutations = 10000;
static char dir[64];
static char path[96];

static uint64_t rnd(void)
{
	uint64_t z = rng += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

/* --- faults put into system calls --- */

static struct {
	int active;
	long long write_after; /* bytes that fit, then ENOSPC; -1: no limit */
	int chop;	       /* short writes and EINTR */
	int fsync_errno, close_errno, rename_errno;
} sys;

ssize_t __real_write(int fd, const void *p, size_t n);
int __real_fsync(int fd);
int __real_close(int fd);
int __real_rename(const char *a, const char *b);
ssize_t __wrap_write(int fd, const void *p, size_t n);
int __wrap_fsync(int fd);
int __wrap_close(int fd);
int __wrap_rename(const char *a, const char *b);

ssize_t __wrap_write(int fd, const void *p, size_t n)
{
	ssize_t got;

	if (!sys.active)
		return __real_write(fd, p, n);
	if (sys.chop && rnd() % 3 == 0) {
		errno = EINTR;
		return -1;
	}
	if (sys.chop && n > 1)
		n = 1 + rnd() % (n - 1);
	if (sys.write_after >= 0) {
		if (!sys.write_after) {
			errno = ENOSPC;
			return -1;
		}
		if ((long long)n > sys.write_after)
			n = (size_t)sys.write_after;
	}
	got = __real_write(fd, p, n);
	if (got > 0 && sys.write_after >= 0)
		sys.write_after -= got;
	return got;
}

int __wrap_fsync(int fd)
{
	if (sys.active && sys.fsync_errno) {
		errno = sys.fsync_errno;
		return -1;
	}
	return __real_fsync(fd);
}

int __wrap_close(int fd)
{
	int ret = __real_close(fd);

	if (sys.active && sys.close_errno) {
		errno = sys.close_errno;
		return -1;
	}
	return ret;
}

int __wrap_rename(const char *a, const char *b)
{
	if (sys.active && sys.rename_errno) {
		errno = sys.rename_errno;
		return -1;
	}
	return __real_rename(a, b);
}

/* --- a sample file --- */

struct sample {
	uint8_t rom[ROM_BYTES], crom[CROM_BYTES], fdt[64], program[COMMANDS * IG1_COMMAND_BYTES];
	struct ig1_image_manifest manifest;
	struct ig1_image_tensor tensors[3];
	size_t piece; /* rom is written in pieces of this size */
};

static const char *const tensor_names[] = { "token_embd.weight", "blk.0.attn_q.weight",
					    "blk.0.norm" };
static const char *const debug_texts[] = { "embed", "blk.0.attn_q", "embed" };

static void sample_init(struct sample *s)
{
	static const uint8_t fdt[] = { 0xd0, 0x0d, 0xfe, 0xed, 0, 0, 0, 48 };
	size_t i;

	memset(s, 0, sizeof(*s));
	for (i = 0; i < ROM_BYTES; i++)
		s->rom[i] = (uint8_t)(i * 7 + 1);
	for (i = 0; i < CROM_BYTES; i++)
		s->crom[i] = (uint8_t)(i * 3);
	memcpy(s->fdt, fdt, sizeof(fdt));
	for (i = 0; i < COMMANDS; i++)
		s->program[i * IG1_COMMAND_BYTES] = IG1_OP_S_END;
	s->manifest.abi = 1;
	s->manifest.vocab = 100;
	s->manifest.context = 65;
	s->manifest.max_cols = 8;
	s->manifest.kv_block_bytes = 8192;
	s->manifest.kv_blocks = 3;
	s->manifest.layers = 2;
	s->manifest.width = 64;
	s->manifest.heads = 4;
	s->manifest.kv_heads = 2;
	s->manifest.head_size = 16;
	strcpy(s->manifest.arch, "llama");
	strcpy(s->manifest.name, "sample");
	s->tensors[0] = (struct ig1_image_tensor){
		.fmt = IG1_WFMT_Q8_0, .rows = 10, .groups = 2, .stride = 68, .bytes = 680
	};
	s->tensors[1] = (struct ig1_image_tensor){ .fmt = IG1_WFMT_Q4_0,
						   .offset = 680,
						   .rows = 8,
						   .groups = 4,
						   .stride = 72,
						   .bytes = 576,
						   .requant = 1 };
	s->tensors[2] = (struct ig1_image_tensor){ .fmt = IG1_TENSOR_F32,
						   .offset = 64,
						   .rows = 1,
						   .groups = 32,
						   .stride = 128,
						   .bytes = 128 };
	s->tensors[0].crc = ig1_crc32(0, s->rom, 680);
	s->tensors[1].crc = ig1_crc32(0, s->rom + 680, 576);
	s->tensors[2].crc = ig1_crc32(0, s->crom + 64, 128);
	s->piece = ROM_BYTES;
}

static int produce_rom(void *ctx, struct ig1_image_writer *w)
{
	struct sample *s = ctx;
	size_t i, n;

	for (i = 0; i < ROM_BYTES; i += n) {
		n = s->piece < ROM_BYTES - i ? s->piece : ROM_BYTES - i;
		if (ig1_image_write(w, s->rom + i, n))
			return -EIO;
	}
	return 0;
}

static int sample_write(struct sample *s, char *err)
{
	struct ig1_image_writer *w;
	int ret = ig1_image_create(path, &w, err);

	if (ret)
		return ret;
	ig1_image_add_stream(w, IG1_SEC_ROM, 0, produce_rom, s);
	ig1_image_add(w, IG1_SEC_CROM, 0, s->crom, CROM_BYTES);
	ig1_image_add(w, IG1_SEC_FDT, 0, s->fdt, sizeof(s->fdt));
	ig1_image_add(w, IG1_SEC_PROGRAM, IG1_PROG_PREFILL, s->program, sizeof(s->program));
	ig1_image_add(w, IG1_SEC_PROGRAM, IG1_PROG_DECODE, s->program, IG1_COMMAND_BYTES);
	ig1_image_add_debug(w, IG1_PROG_PREFILL, debug_texts, COMMANDS);
	ig1_image_add_tensors(w, s->tensors, tensor_names, 3);
	ig1_image_add(w, IG1_SEC_TEMPLATE, 0, "{{ x }}", 7);
	ig1_image_add(w, IG1_SEC_MANIFEST, 0, &s->manifest, sizeof(s->manifest));
	ig1_image_add(w, IG1_SEC_GRAPH, 0, NULL, 0);
	ig1_image_add(w, 4711, 9, "future", 6);
	return ig1_image_commit(w, err);
}

static uint8_t *slurp(size_t *n)
{
	FILE *f = fopen(path, "rb");
	uint8_t *p;

	assert_non_null(f);
	fseek(f, 0, SEEK_END);
	*n = (size_t)ftell(f);
	rewind(f);
	p = malloc(*n);
	assert_non_null(p);
	assert_int_equal(fread(p, 1, *n, f), *n);
	fclose(f);
	return p;
}

static unsigned int files_in_dir(void)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	unsigned int n = 0;

	assert_non_null(d);
	while ((e = readdir(d)))
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

static int setup(void **state)
{
	(void)state;
	rng = seed;
	memset(&sys, 0, sizeof(sys));
	sys.write_after = -1;
	strcpy(dir, "/tmp/ig1_image_XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/a.accel", dir);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	sys.active = 0;
	unlink(path);
	return rmdir(dir);
}

/* --- sums --- */

static void test_crc32(void **state)
{
	uint8_t data[300];
	uint32_t bitwise, c;
	size_t n, i, cut;
	int k;

	(void)state;
	assert_int_equal(ig1_crc32(0, "", 0), 0);
	assert_int_equal(ig1_crc32(0, "123456789", 9), 0xcbf43926);
	for (i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)rnd();
	for (n = 0; n < sizeof(data); n++) {
		bitwise = ~0u;
		for (i = 0; i < n; i++) {
			bitwise ^= data[i];
			for (k = 0; k < 8; k++)
				bitwise = bitwise >> 1 ^ (bitwise & 1 ? 0xedb88320 : 0);
		}
		cut = n ? rnd() % n : 0;
		c = ig1_crc32(ig1_crc32(0, data, cut), data + cut, n - cut);
		assert_int_equal(c, ~bitwise);
	}
}

/* Whatever the processor has gives what the portable code gives. */
static void test_crc32_paths(void **state)
{
	uint8_t data[64 * 41];
	size_t i, n, from;

	(void)state;
	for (i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)rnd();
	for (n = 0; n <= 1500; n++) {
		from = rnd() % 64;
		assert_int_equal(ig1_crc32((uint32_t)n, data + from, n),
				 ig1_crc32_portable((uint32_t)n, data + from, n));
	}
}

static void test_sha256_paths(void **state)
{
	static const uint32_t start[8] = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
					   0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 };
	uint8_t data[64 * 41];
	struct ig1_sha256 sha;
	uint32_t h[8];
	size_t i, n, from;

	(void)state;
	for (i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)rnd();
	for (n = 0; n < 40; n++) {
		from = rnd() % 64;
		memcpy(h, start, sizeof(h));
		ig1_sha256_portable(h, data + from, n);
		ig1_sha256_init(&sha);
		ig1_sha256_update(&sha, data + from, 64 * n);
		assert_memory_equal(sha.h, h, sizeof(h));
	}
}

static void sha_hex(const void *data, size_t n, size_t piece, char hex[65])
{
	uint8_t digest[32];
	struct ig1_sha256 s;
	size_t i, k;

	ig1_sha256_init(&s);
	for (i = 0; i < n; i += k) {
		k = piece < n - i ? piece : n - i;
		ig1_sha256_update(&s, (const uint8_t *)data + i, k);
	}
	ig1_sha256_final(&s, digest);
	for (i = 0; i < 32; i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
}

/* The examples of FIPS 180-4's companion document, and pieces of every size. */
static void test_sha256(void **state)
{
	static const char *const two_blocks =
		"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
	char hex[65], again[65], *million = malloc(1000000);
	size_t n;

	(void)state;
	sha_hex("", 0, 1, hex);
	assert_string_equal(hex,
			    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	sha_hex("abc", 3, 1, hex);
	assert_string_equal(hex,
			    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	sha_hex(two_blocks, 56, 56, hex);
	assert_string_equal(hex,
			    "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
	assert_non_null(million);
	memset(million, 'a', 1000000);
	sha_hex(million, 1000000, 977, hex);
	assert_string_equal(hex,
			    "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
	for (n = 1; n < 200; n++) {
		sha_hex(million, n, n, hex);
		sha_hex(million, n, 1 + n / 3, again);
		assert_string_equal(hex, again);
	}
	free(million);
}

/* --- a good file --- */

static void test_round_trip(void **state)
{
	const struct ig1_image_manifest *m;
	char err[IG1_IMAGE_ERR] = "";
	struct ig1_image *img;
	const void *data;
	uint8_t id[32];
	struct sample s;
	struct ig1_sha256 sha;
	uint32_t i;
	size_t n;

	(void)state;
	sample_init(&s);
	if (sample_write(&s, err))
		fail_msg("%s", err);
	assert_int_equal(files_in_dir(), 1);
	assert_int_equal(ig1_image_open(path, &img, err), 0);
	assert_int_equal(ig1_image_verify(img, err), 0);
	assert_int_equal(ig1_image_check_model(img, err), 0);
	assert_int_equal(ig1_image_header(img)->sections, 11);
	for (i = 0; i < 11; i++)
		assert_int_equal(ig1_image_section_at(img, i)->offset % IG1_IMAGE_ALIGN, 0);

	ig1_sha256_init(&sha);
	ig1_sha256_update(&sha, s.rom, ROM_BYTES);
	ig1_sha256_update(&sha, s.crom, CROM_BYTES);
	ig1_sha256_final(&sha, id);
	assert_memory_equal(ig1_image_header(img)->mask_id, id, 32);

	assert_int_equal(ig1_image_section(img, IG1_SEC_ROM, 0, &data, &n), 0);
	assert_int_equal(n, ROM_BYTES);
	assert_memory_equal(data, s.rom, n);
	assert_int_equal(ig1_image_section(img, IG1_SEC_TEMPLATE, 0, &data, &n), 0);
	assert_int_equal(n, 7);
	assert_int_equal(ig1_image_section(img, IG1_SEC_GRAPH, 0, &data, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(ig1_image_section(img, IG1_SEC_TOKENIZER, 0, &data, &n), -ENOENT);
	assert_null(data);
	assert_int_equal(ig1_image_section(img, 4711, 9, &data, &n), 0);
	assert_memory_equal(data, "future", 6);
	assert_int_equal(ig1_image_program(img, IG1_PROG_PREFILL, &data, &n), 0);
	assert_int_equal(n, COMMANDS);
	assert_int_equal(ig1_image_program(img, IG1_PROG_DECODE, &data, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(ig1_image_program(img, 7, &data, &n), -ENOENT);
	assert_int_equal(n, 0);

	m = ig1_image_manifest(img);
	assert_memory_equal(m, &s.manifest, sizeof(*m));
	assert_int_equal(ig1_image_tensors(img), 3);
	for (i = 0; i < 3; i++) {
		uint32_t found = 99;

		assert_string_equal(ig1_image_tensor_name(img, i), tensor_names[i]);
		assert_int_equal(ig1_image_tensor(img, i)->bytes, s.tensors[i].bytes);
		assert_int_equal(ig1_image_tensor_find(img, tensor_names[i], &found), 0);
		assert_int_equal(found, i);
	}
	assert_null(ig1_image_tensor(img, 3));
	assert_null(ig1_image_tensor_name(img, 3));
	assert_int_equal(ig1_image_tensor_find(img, "blk.0", &i), -ENOENT);
	for (i = 0; i < COMMANDS; i++)
		assert_string_equal(ig1_image_debug(img, IG1_PROG_PREFILL, i), debug_texts[i]);
	assert_ptr_equal(ig1_image_debug(img, IG1_PROG_PREFILL, 0),
			 ig1_image_debug(img, IG1_PROG_PREFILL, 2));
	assert_null(ig1_image_debug(img, IG1_PROG_PREFILL, COMMANDS));
	assert_null(ig1_image_debug(img, IG1_PROG_DECODE, 0));
	assert_string_equal(ig1_image_type_name(IG1_SEC_CROM), "crom");
	assert_string_equal(ig1_image_type_name(0), "unknown");
	assert_string_equal(ig1_image_type_name(4711), "unknown");
	ig1_image_close(img);
	ig1_image_close(NULL);
}

/* The same content gives the same bytes, however it arrives, and with other permissions kept out. */
static void test_deterministic(void **state)
{
	static const size_t pieces[] = { 1, 7, 64, 4096 };
	struct sample s;
	uint8_t *first, *again;
	size_t n, m, i;
	struct stat st;

	(void)state;
	sample_init(&s);
	assert_int_equal(sample_write(&s, NULL), 0);
	first = slurp(&n);
	for (i = 0; i < 4; i++) {
		s.piece = pieces[i];
		sys.active = sys.chop = i & 1;
		assert_int_equal(sample_write(&s, NULL), 0);
		sys.active = 0;
		again = slurp(&m);
		assert_int_equal(n, m);
		assert_memory_equal(first, again, n);
		free(again);
	}
	free(first);
	assert_int_equal(stat(path, &st), 0);
	i = umask(022);
	umask((mode_t)i);
	assert_int_equal(st.st_mode & 0777, 0666 & ~i);
}

/* A section much larger than the writer's buffer. */
static int produce_large(void *ctx, struct ig1_image_writer *w)
{
	uint32_t block[1000], i, k;
	const uint32_t *count = ctx;

	for (i = 0; i < *count; i++) {
		for (k = 0; k < 1000; k++)
			block[k] = i * 1000 + k;
		ig1_image_write(w, block, sizeof(block));
	}
	return 0;
}

static void test_large(void **state)
{
	uint32_t count = 1500;
	struct ig1_image_writer *w;
	struct ig1_image *img;
	const uint32_t *words;
	const void *data;
	size_t n, i;

	(void)state;
	assert_int_equal(ig1_image_create(path, &w, NULL), 0);
	assert_int_equal(ig1_image_add_stream(w, IG1_SEC_ROM, 0, produce_large, &count), 0);
	assert_int_equal(ig1_image_commit(w, NULL), 0);
	assert_int_equal(ig1_image_open(path, &img, NULL), 0);
	assert_int_equal(ig1_image_verify(img, NULL), 0);
	assert_int_equal(ig1_image_section(img, IG1_SEC_ROM, 0, &data, &n), 0);
	assert_int_equal(n, 6000000);
	for (words = data, i = 0; i < n / 4; i++)
		assert_int_equal(words[i], i);
	assert_int_equal(ig1_image_check_model(img, NULL), -ENOENT);
	ig1_image_close(img);
}

/* --- damage by hand --- */

static size_t table_at(uint32_t i)
{
	return sizeof(struct ig1_image_header) + i * sizeof(struct ig1_image_section);
}

static void put(uint8_t *p, uint64_t v, size_t n)
{
	memcpy(p, &v, n);
}

static uint64_t section_offset(const uint8_t *file, uint32_t i)
{
	uint64_t v;

	memcpy(&v, file + table_at(i) + 8, 8);
	return v;
}

static void fix_table(uint8_t *file, size_t n)
{
	uint32_t sections, crc;

	memcpy(&sections, file + 12, 4);
	if (sections > (n - 64) / 32)
		return;
	crc = ig1_crc32(0, file + 64, sections * 32);
	put(file + 56, crc, 4);
}

enum where {
	HEADER,
	TABLE,
	CONTENT,
};

struct damage {
	enum where where;
	uint32_t section; /* in the sample's order */
	uint32_t offset;
	uint32_t bytes;
	uint64_t value;
	const char *message; /* its beginning */
};

static void test_damage(void **state)
{
	static const struct damage cases[] = {
		{ HEADER, 0, 0, 1, 'X', "header: magic" },
		{ HEADER, 0, 8, 4, 2, "header: version: 2" },
		{ HEADER, 0, 12, 4, 1025, "header: sections" },
		{ HEADER, 0, 12, 4, 0xffffffff, "header: sections" },
		{ HEADER, 0, 16, 8, 4096, "header: file_bytes" },
		{ HEADER, 0, 60, 4, 1, "header: flags" },
		{ HEADER, 0, 56, 4, 0, "header: table_crc" },
		{ TABLE, 2, 28, 4, 1, "section 2 (fdt): pad" },
		{ TABLE, 2, 8, 8, 4097, "section 2 (fdt): offset: 0x1001 is no multiple" },
		{ TABLE, 2, 8, 8, 0, "section 2 (fdt): offset: inside" },
		{ TABLE, 2, 16, 8, ~0ull, "section 2 (fdt): bytes" },
		{ TABLE, 2, 8, 8, ~0xfffull, "section 2 (fdt): bytes" },
		{ TABLE, 2, 16, 8, 1 << 20, "section 2 (fdt): bytes" },
		{ TABLE, 2, 8, 8, 4096, "section " },
		{ TABLE, 2, 4, 4, 1, "section 2 (fdt): arg" },
		{ TABLE, 3, 4, 4, 2, "section 3 (program): arg" },
		{ TABLE, 4, 4, 4, 0, "section 4 (program): type: there are two" },
		{ TABLE, 1, 0, 4, IG1_SEC_ROM, "section 1 (rom): type: there are two" },
		{ TABLE, 1, 16, 8, 254, "crom: bytes" },
		{ TABLE, 1, 16, 8, 188, "tensor 2: offset: outside the crom" },
		{ TABLE, 2, 16, 8, 39, "fdt: bytes" },
		{ CONTENT, 2, 0, 1, 0, "fdt: magic" },
		{ CONTENT, 2, 7, 1, 65, "fdt: totalsize" },
		{ TABLE, 4, 16, 8, 127, "program 1: bytes" },
		{ TABLE, 5, 16, 8, 11, "debug 0: bytes" },
		{ TABLE, 5, 16, 8, 20, "debug 0: the string table" },
		{ CONTENT, 5, 4, 4, 1000, "debug 0: offset of command 1" },
		{ TABLE, 6, 16, 8, 7, "tensors: bytes" },
		{ CONTENT, 6, 0, 4, 4, "tensors: count" },
		{ CONTENT, 6, 0, 4, 0xffffffff, "tensors: count" },
		{ CONTENT, 6, 4, 4, 1, "tensors: the word after" },
		{ TABLE, 6, 16, 8, 8 + 240 + 5, "tensors: the string table" },
		{ CONTENT, 6, 8, 4, 49, "tensor 0: name" },
		{ CONTENT, 6, 8, 4, 17, "tensor 0: name" },
		{ CONTENT, 6, 88, 4, 0, "tensor 1: name: 'token_embd.weight' is there twice" },
		{ CONTENT, 6, 8 + 4, 4, IG1_WFMT_PLANES, "tensor 0: fmt" },
		{ CONTENT, 6, 8 + 4, 4, 77, "tensor 0: fmt" },
		{ CONTENT, 6, 8 + 8, 8, 1, "tensor 0: offset: it or" },
		{ CONTENT, 6, 8 + 8, 8, 682, "tensor 0: offset: outside the rom" },
		{ CONTENT, 6, 8 + 8, 8, ~1ull, "tensor 0: offset: outside the rom" },
		{ CONTENT, 6, 8 + 16, 8, 0, "tensor 0: rows" },
		{ CONTENT, 6, 8 + 16, 8, 11, "tensor 0: bytes" },
		{ CONTENT, 6, 8 + 16, 8, ~0ull, "tensor 0: bytes" },
		{ CONTENT, 6, 8 + 24, 8, ~0ull, "tensor 0: stride" },
		{ CONTENT, 6, 8 + 32, 8, 66, "tensor 0: stride" },
		{ CONTENT, 6, 8 + 32, 8, ~1ull, "tensor 0: bytes" },
		{ CONTENT, 6, 8 + 52, 4, 2 + 1, "tensor 0: requant" },
		{ CONTENT, 6, 8 + 60, 4, 0xff800000, "tensor 0: loss" },
		{ CONTENT, 6, 8 + 79, 1, 1, "tensor 0: pad" },
		{ CONTENT, 6, 168 + 8, 8, 132, "tensor 2: offset: outside the crom" },
		{ TABLE, 8, 16, 8, 255, "manifest: bytes" },
		{ CONTENT, 8, 0, 4, 0, "manifest: abi" },
		{ CONTENT, 8, 0, 4, IG1_PROGRAM_ABI + 1, "manifest: abi" },
		{ CONTENT, 8, 4, 4, 0, "manifest: vocab" },
		{ CONTENT, 8, 8, 4, 0, "manifest: context" },
		{ CONTENT, 8, 8, 4, 0xffffffff, "manifest: context" },
		{ CONTENT, 8, 8, 4, 64, "manifest: kv_blocks" },
		{ CONTENT, 8, 12, 4, 0, "manifest: max_cols" },
		{ CONTENT, 8, 12, 4, 65537, "manifest: max_cols" },
		{ CONTENT, 8, 16, 8, 4095, "manifest: kv_block_bytes" },
		{ CONTENT, 8, 16, 8, 0, "manifest: kv_block_bytes" },
		{ CONTENT, 8, 16, 8, 1ull << 62, "manifest: kv_block_bytes: the KV region" },
		{ CONTENT, 8, 24, 4, 4, "manifest: kv_blocks" },
		{ CONTENT, 8, 28, 4, 0, "manifest: layers" },
		{ CONTENT, 8, 32, 4, 0, "manifest: width" },
		{ CONTENT, 8, 36, 4, 5, "manifest: heads" },
		{ CONTENT, 8, 40, 4, 0, "manifest: kv_heads" },
		{ CONTENT, 8, 44, 4, 0, "manifest: head_size" },
		{ CONTENT, 8, 104 + 7, 1, 'x', "manifest: arch" },
		{ CONTENT, 8, 120 + 63, 1, 'x', "manifest: name" },
		{ CONTENT, 8, 184, 8, 4096, "manifest: state_bytes: not in abi 1" },
		{ CONTENT, 8, 184, 8, 1, "manifest: state_bytes" },
		{ CONTENT, 8, 192, 8, 4096, "manifest: window: without a ring" },
		{ CONTENT, 8, 200, 4, 4, "manifest: win_blocks: not in abi 1" },
		{ CONTENT, 8, 204, 4, 8, "manifest: window: without a ring" },
		{ CONTENT, 8, 255, 1, 1, "manifest: pad" },
	};
	char err[IG1_IMAGE_ERR];
	struct ig1_image *img;
	uint8_t *good, *bad;
	struct sample s;
	size_t n, i, at;

	(void)state;
	sample_init(&s);
	assert_int_equal(sample_write(&s, NULL), 0);
	good = slurp(&n);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct damage *c = &cases[i];

		bad = malloc(n);
		assert_non_null(bad);
		memcpy(bad, good, n);
		at = c->offset;
		if (c->where == TABLE)
			at += table_at(c->section);
		if (c->where == CONTENT)
			at += section_offset(good, c->section);
		put(bad + at, c->value, c->bytes);
		if (c->where == TABLE)
			fix_table(bad, n);
		strcpy(err, "accepted");
		img = NULL;
		assert_int_equal(ig1_image_open_mem(bad, n, &img, err), -EINVAL);
		assert_null(img);
		if (strncmp(err, c->message, strlen(c->message)))
			fail_msg("case %zu: '%s', not '%s'", i, err, c->message);
		assert_int_equal(ig1_image_open_mem(bad, n, &img, NULL), -EINVAL);
		free(bad);
	}
	/* Every truncation, and a byte too many. */
	for (i = 0; i < n; i += i < 600 ? 1 : 97) {
		bad = malloc(i + 1);
		assert_non_null(bad);
		memcpy(bad, good, i);
		assert_int_equal(ig1_image_open_mem(bad, i, &img, err), -EINVAL);
		free(bad);
	}
	bad = calloc(1, n + 1);
	assert_non_null(bad);
	memcpy(bad, good, n);
	assert_int_equal(ig1_image_open_mem(bad, n + 1, &img, err), -EINVAL);
	free(bad);
	free(good);
}

/* Content whose CRC is wrong is refused when asked for, and by verify. */
static void test_wrong_crc(void **state)
{
	char err[IG1_IMAGE_ERR];
	struct ig1_image *img;
	const void *data;
	struct sample s;
	uint8_t *file;
	size_t n, size;

	(void)state;
	sample_init(&s);
	assert_int_equal(sample_write(&s, NULL), 0);
	file = slurp(&n);
	file[section_offset(file, 7)] ^= 1;
	assert_int_equal(ig1_image_open_mem(file, n, &img, err), 0);
	assert_int_equal(ig1_image_section(img, IG1_SEC_TEMPLATE, 0, &data, &size), -EBADMSG);
	assert_null(data);
	assert_int_equal(ig1_image_section(img, IG1_SEC_TEMPLATE, 0, &data, &size), -EBADMSG);
	assert_int_equal(ig1_image_section(img, IG1_SEC_FDT, 0, &data, &size), 0);
	assert_int_equal(ig1_image_verify(img, err), -EBADMSG);
	assert_string_equal(err, "section 7 (template): crc: the content is damaged");
	ig1_image_close(img);

	file[section_offset(file, 7)] ^= 1;
	file[24] ^= 0x80;
	assert_int_equal(ig1_image_open_mem(file, n, &img, err), 0);
	assert_int_equal(ig1_image_verify(img, err), -EBADMSG);
	assert_string_equal(err, "header: mask_id: does not match rom and crom");
	ig1_image_close(img);
	free(file);

	s.tensors[1].crc ^= 1;
	assert_int_equal(sample_write(&s, NULL), 0);
	assert_int_equal(ig1_image_open(path, &img, err), 0);
	assert_int_equal(ig1_image_verify(img, err), -EBADMSG);
	assert_string_equal(err, "tensor 1 ('blk.0.attn_q.weight'): crc: does not match");
	ig1_image_close(img);
}

/* --- damage at random --- */

static volatile uint8_t sink; /* keeps the reads */

static void walk(struct ig1_image *img)
{
	const struct ig1_image_section *s;
	const char *text;
	const void *data;
	uint32_t i, k;
	size_t n;

	for (i = 0; i < ig1_image_header(img)->sections; i++) {
		s = ig1_image_section_at(img, i);
		if (!ig1_image_section(img, s->type, s->arg, &data, &n) && n)
			sink ^= ((const uint8_t *)data)[n - 1];
	}
	for (i = 0; i < ig1_image_tensors(img); i++) {
		assert_int_equal(ig1_image_tensor_find(img, ig1_image_tensor_name(img, i), &k), 0);
		assert_int_equal(i, k);
	}
	for (k = 0; k < IG1_PROGS; k++) {
		for (i = 0; i < 5; i++) {
			text = ig1_image_debug(img, k, i);
			sink ^= text ? (uint8_t)strlen(text) : 0;
		}
	}
	ig1_image_verify(img, NULL);
	ig1_image_check_model(img, NULL);
}

static void mutate(uint8_t *p, size_t n)
{
	static const uint64_t values[] = { 0,	       1,	   4,	   0x7f,       0x80,
					   0xff,       4096,	   0xffff, 0x7fffffff, 0xffffffff,
					   1ull << 32, 1ull << 63, ~0ull,  ~0xfffull };
	uint64_t v = rnd() % 3 ? values[rnd() % 14] : rnd() % 3 ? rnd() % 300 : rnd();
	size_t width = 1u << rnd() % 4, at;
	uint32_t sec = (uint32_t)(rnd() % 11);

	/* Mostly where structure is: header and table, or the beginning of a section. */
	switch (rnd() % 4) {
	case 0:
		at = rnd() % 64;
		break;
	case 1:
		at = 64 + rnd() % (11 * 32);
		break;
	case 2:
		at = section_offset(p, sec) % n + rnd() % 400;
		break;
	default:
		at = rnd() % n;
		break;
	}
	at -= at % width;
	if (at + width <= n)
		put(p + at, v, width);
}

static void test_mutations(void **state)
{
	unsigned int i, k, opened = 0;
	char err[IG1_IMAGE_ERR];
	struct ig1_image *img;
	uint8_t *good, *bad;
	struct sample s;
	size_t n, m;

	(void)state;
	print_message("# seed %" PRIu64 ", %u mutations\n", seed, mutations);
	sample_init(&s);
	assert_int_equal(sample_write(&s, NULL), 0);
	good = slurp(&n);
	for (i = 0; i < mutations; i++) {
		m = rnd() % 16 ? n : rnd() % n;
		bad = malloc(m ? m : 1);
		assert_non_null(bad);
		memcpy(bad, good, m);
		for (k = (unsigned int)(1 + rnd() % 4); m == n && k; k--)
			mutate(bad, m);
		if (m >= 64 && rnd() % 4) {
			put(bad + 16, m, 8);
			fix_table(bad, m);
		}
		err[0] = '\0';
		if (!ig1_image_open_mem(bad, m, &img, err)) {
			opened++;
			walk(img);
			ig1_image_close(img);
		} else {
			assert_true(err[0] && strlen(err) < IG1_IMAGE_ERR);
		}
		free(bad);
	}
	free(good);
	print_message("# %u of them were well-formed\n", opened);
	assert_in_range(opened, mutations / 100, mutations - mutations / 10);
}

/* --- writing that fails --- */

static void expect_old_file(const uint8_t *old, size_t n)
{
	uint8_t *now;
	size_t m;

	assert_int_equal(files_in_dir(), 1);
	now = slurp(&m);
	assert_int_equal(m, n);
	assert_memory_equal(now, old, n);
	free(now);
}

/* Whatever fails, the old file stays and no other remains. */
static void test_failing_writes(void **state)
{
	char err[IG1_IMAGE_ERR];
	struct sample s;
	uint8_t *old;
	long long at;
	size_t n;

	(void)state;
	sample_init(&s);
	assert_int_equal(sample_write(&s, NULL), 0);
	old = slurp(&n);
	s.rom[0] ^= 1;
	sys.active = 1;
	for (at = 0; at < (long long)n + 64 + 11 * 32; at += 61) {
		sys.write_after = at;
		assert_int_equal(sample_write(&s, err), -ENOSPC);
		assert_string_equal(err, "write: No space left on device");
		expect_old_file(old, n);
	}
	sys.write_after = -1;
	sys.fsync_errno = ENOSPC;
	assert_int_equal(sample_write(&s, err), -ENOSPC);
	assert_string_equal(err, "fsync: No space left on device");
	sys.fsync_errno = 0;
	sys.close_errno = EIO;
	assert_int_equal(sample_write(&s, err), -EIO);
	sys.close_errno = 0;
	sys.rename_errno = EACCES;
	assert_int_equal(sample_write(&s, err), -EACCES);
	assert_string_equal(err, "rename: Permission denied");
	sys.active = 0;
	expect_old_file(old, n);
	free(old);
}

/* The same with a limit that the kernel enforces. */
static void test_file_size_limit(void **state)
{
	struct rlimit old, low;
	char err[IG1_IMAGE_ERR];
	struct sample s;
	int ret;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	sample_init(&s);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	low = old;
	low.rlim_cur = 20000;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
	ret = sample_write(&s, err);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(ret, -EFBIG);
	assert_int_equal(files_in_dir(), 0);
}

static int produce_failure(void *ctx, struct ig1_image_writer *w)
{
	(void)ctx;
	ig1_image_write(w, "x", 1);
	return -ECANCELED;
}

static struct ig1_image_writer *begin_file(void)
{
	struct ig1_image_writer *w;

	assert_int_equal(ig1_image_create(path, &w, NULL), 0);
	return w;
}

static void expect_refused(struct ig1_image_writer *w, int ret, const char *message)
{
	char err[IG1_IMAGE_ERR] = "";

	assert_int_equal(ig1_image_commit(w, err), ret);
	assert_string_equal(err, message);
	assert_int_equal(files_in_dir(), 0);
}

static void test_misuse(void **state)
{
	struct ig1_image_writer *w;
	char err[IG1_IMAGE_ERR];
	struct ig1_image *img;
	uint32_t i;

	(void)state;
	w = begin_file();
	assert_int_equal(ig1_image_add(w, IG1_SEC_CROM, 0, "abcd", 4), 0);
	assert_int_equal(ig1_image_add(w, IG1_SEC_ROM, 0, "abcd", 4), -EINVAL);
	assert_int_equal(ig1_image_add(w, IG1_SEC_GRAPH, 0, "abcd", 4), -EINVAL);
	expect_refused(w, -EINVAL, "begin: rom must come before crom: Invalid argument");

	w = begin_file();
	ig1_image_add(w, IG1_SEC_GRAPH, 0, "a", 1);
	assert_int_equal(ig1_image_begin(w, IG1_SEC_GRAPH, 0), -EEXIST);
	expect_refused(w, -EEXIST, "graph: File exists");

	w = begin_file();
	ig1_image_begin(w, IG1_SEC_GRAPH, 0);
	expect_refused(w, -EINVAL, "commit: the last section is not ended: Invalid argument");

	w = begin_file();
	assert_int_equal(ig1_image_write(w, "a", 1), -EINVAL);
	expect_refused(w, -EINVAL, "write: no section has begun: Invalid argument");

	w = begin_file();
	assert_int_equal(ig1_image_add_stream(w, IG1_SEC_ROM, 0, produce_failure, NULL),
			 -ECANCELED);
	expect_refused(w, -ECANCELED, "rom: Operation canceled");

	/* What the reader would refuse is not written. */
	w = begin_file();
	assert_int_equal(ig1_image_add(w, IG1_SEC_PROGRAM, 0, "abcd", 4), 0);
	expect_refused(w, -EINVAL, "program 0: bytes: 4 is no multiple of 128");

	w = begin_file();
	for (i = 0; i < 200 && !ig1_image_add(w, 1000 + i, 0, "x", 1); i++)
		;
	assert_int_equal(i, 126);
	expect_refused(w, -ENOSPC, "begin: too many sections: No space left on device");

	w = begin_file();
	ig1_image_add(w, IG1_SEC_GRAPH, 0, "a", 1);
	/* It has a name only where the file system knows no files without. */
	assert_in_range(files_in_dir(), 0, 1);
	ig1_image_abort(w);
	ig1_image_abort(NULL);
	assert_int_equal(files_in_dir(), 0);

	assert_int_equal(ig1_image_create("/nonexistent/x", &w, err), -ENOENT);
	assert_null(w);
	assert_int_equal(ig1_image_create(dir, &w, err), -EISDIR);
	assert_int_equal(ig1_image_create("/dev/null", &w, err), -EPERM);
	assert_string_equal(err, "not a regular file");
	assert_int_equal(ig1_image_open("/nonexistent/x", &img, err), -ENOENT);
	assert_string_equal(err, "open: No such file or directory");
	assert_int_equal(ig1_image_open(dir, &img, err), -EINVAL);
	assert_string_equal(err, "not a regular file");
	assert_null(img);
}

static void write_one(const char *to, uint32_t value)
{
	struct ig1_image_writer *w;

	assert_int_equal(ig1_image_create(to, &w, NULL), 0);
	assert_int_equal(ig1_image_add(w, IG1_SEC_ROM, 0, &value, sizeof(value)), 0);
	assert_int_equal(ig1_image_commit(w, NULL), 0);
}

static void expect_one(const char *at, uint32_t value)
{
	struct ig1_image *img;
	const void *data;
	size_t n;

	assert_int_equal(ig1_image_open(at, &img, NULL), 0);
	assert_int_equal(ig1_image_section(img, IG1_SEC_ROM, 0, &data, &n), 0);
	assert_int_equal(n, sizeof(value));
	assert_memory_equal(data, &value, n);
	ig1_image_close(img);
}

/* What links lead to is written, there yet or not; the links stay. */
static void test_links(void **state)
{
	char sub[96], target[128], relative[128], absolute[128], loop[128];
	struct ig1_image_writer *w;
	char err[IG1_IMAGE_ERR];
	struct stat st;

	(void)state;
	snprintf(sub, sizeof(sub), "%s/sub", dir);
	snprintf(target, sizeof(target), "%s/target", sub);
	snprintf(relative, sizeof(relative), "%s/relative", dir);
	snprintf(absolute, sizeof(absolute), "%s/absolute", dir);
	snprintf(loop, sizeof(loop), "%s/loop", dir);
	assert_int_equal(mkdir(sub, 0700), 0);
	assert_int_equal(symlink("sub/target", relative), 0);
	assert_int_equal(symlink(relative, absolute), 0);
	assert_int_equal(symlink("loop", loop), 0);
	write_one(absolute, 1);
	expect_one(target, 1);
	write_one(relative, 2);
	expect_one(target, 2);
	assert_int_equal(lstat(absolute, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_int_equal(lstat(relative, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_int_equal(lstat(target, &st), 0);
	assert_true(S_ISREG(st.st_mode));
	assert_int_equal(ig1_image_create(loop, &w, err), -ELOOP);
	assert_null(w);
	assert_int_equal(unlink(target), 0);
	assert_int_equal(rmdir(sub), 0); /* nothing else was in it */
	assert_int_equal(ig1_image_create(absolute, &w, err), -ENOENT);
	assert_string_equal(err, "create: No such file or directory");
	unlink(relative);
	unlink(absolute);
	unlink(loop);
	assert_int_equal(files_in_dir(), 0);
}

/* No sections at all is a file, too. */
static void test_empty(void **state)
{
	struct ig1_image_writer *w = begin_file();
	struct ig1_image *img;
	char err[IG1_IMAGE_ERR];
	const void *data;
	size_t n;

	(void)state;
	assert_int_equal(ig1_image_commit(w, NULL), 0);
	assert_int_equal(ig1_image_open(path, &img, NULL), 0);
	assert_int_equal(ig1_image_verify(img, NULL), 0);
	assert_null(ig1_image_manifest(img));
	assert_int_equal(ig1_image_tensors(img), 0);
	assert_int_equal(ig1_image_section(img, IG1_SEC_ROM, 0, &data, &n), -ENOENT);
	assert_int_equal(ig1_image_check_model(img, err), -ENOENT);
	assert_string_equal(err, "rom: the section is missing");
	ig1_image_close(img);
}

static void no_test(void **state)
{
	(void)state;
}

/* Without the instructions there is one path only: cmocka's skip() is no TAP, a test's name can be. */
static struct CMUnitTest needs(bool there, struct CMUnitTest test, const char *skipped)
{
	if (!there)
		test = (struct CMUnitTest){ .name = skipped, .test_func = no_test };
	return test;
}

int main(int argc, char **argv)
{
#if IG1_HASH_X86
	bool crc = ig1_crc32_x86_ok(), sha = ig1_sha256_x86_ok();
#else
	bool crc = false, sha = false;
#endif
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_crc32, setup, teardown),
		cmocka_unit_test_setup_teardown(test_sha256, setup, teardown),
		needs(crc,
		      (struct CMUnitTest)cmocka_unit_test_setup_teardown(test_crc32_paths, setup,
									 teardown),
		      "test_crc32_paths # SKIP no PCLMULQDQ here, only the portable code"),
		needs(sha,
		      (struct CMUnitTest)cmocka_unit_test_setup_teardown(test_sha256_paths, setup,
									 teardown),
		      "test_sha256_paths # SKIP no SHA instructions here, only the portable code"),
		cmocka_unit_test_setup_teardown(test_round_trip, setup, teardown),
		cmocka_unit_test_setup_teardown(test_deterministic, setup, teardown),
		cmocka_unit_test_setup_teardown(test_large, setup, teardown),
		cmocka_unit_test_setup_teardown(test_damage, setup, teardown),
		cmocka_unit_test_setup_teardown(test_wrong_crc, setup, teardown),
		cmocka_unit_test_setup_teardown(test_mutations, setup, teardown),
		cmocka_unit_test_setup_teardown(test_failing_writes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_file_size_limit, setup, teardown),
		cmocka_unit_test_setup_teardown(test_misuse, setup, teardown),
		cmocka_unit_test_setup_teardown(test_links, setup, teardown),
		cmocka_unit_test_setup_teardown(test_empty, setup, teardown),
	};

	if (argc > 1)
		seed = strtoull(argv[1], NULL, 0);
	if (argc > 2)
		mutations = (unsigned int)strtoul(argv[2], NULL, 0);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
