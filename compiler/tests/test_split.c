// SPDX-License-Identifier: MIT
/* Split GGUF files: any part opens all of them, and parts that do not fit each other are refused. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "compiler/compile.h"
#include "compiler/frontends/source.h"
#include "compiler/quant/ggml_types.h"
#include "compiler/tests/gguf_walk.h"
#include "compiler/tests/split.h"
#include "compiler/tests/test_folder.h"
#include "image.h"
#include "sha256.h"
#include "tests/models/synth.h"

static const struct synth_model spec = {
	.name = "split",
	.arch = "llama",
	.layers = 2,
	.width = 64,
	.heads = 4,
	.kv_heads = 2,
	.ff = 96,
	.vocab = 300,
	.context = 64,
	.eps = 1e-5f,
	.type = GGML_TYPE_Q4_0,
	.seed = 3,
};

static uint8_t *whole_data;
static size_t whole_size;
static struct gguf_file *whole;
static char dir[64];

static int setup(void **state)
{
	(void)state;
	test_template(dir, sizeof(dir), "split");
	if (!mkdtemp(dir) || synth_build(&spec, &whole_data, &whole_size))
		return -1;
	return gguf_open_mem(whole_data, whole_size, &whole, NULL);
}

static int teardown(void **state)
{
	char cmd[128];

	(void)state;
	gguf_close(whole);
	free(whole_data);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	return system(cmd);
}

static void write_file(const char *path, const void *data, size_t n)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

static const char *part_path(size_t i, size_t n)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/m-%05zu-of-%05zu.gguf", dir, i + 1, n);
	return path;
}

/* Writes the parts and forgets them. */
static void write_parts(size_t n, int empty_first, const struct split_faults *x)
{
	struct gguf_part parts[8];
	size_t i;

	assert_int_equal(split_build(whole, n, empty_first, x, parts), 0);
	for (i = 0; i < n; i++) {
		write_file(part_path(i, n), parts[i].data, parts[i].size);
		free((void *)parts[i].data);
	}
}

static void same_model(const struct gguf_file *f)
{
	size_t i;

	assert_int_equal(gguf_n_tensors(f), gguf_n_tensors(whole));
	for (i = 0; i < gguf_n_tensors(f); i++) {
		const struct gguf_tensor *a = gguf_tensor(whole, i), *b = gguf_tensor(f, i);

		assert_int_equal(a->name.len, b->name.len);
		assert_memory_equal(a->name.ptr, b->name.ptr, a->name.len);
		assert_int_equal(a->type, b->type);
		assert_memory_equal(a->ne, b->ne, sizeof(a->ne));
		assert_int_equal(a->size, b->size);
		assert_memory_equal(a->data, b->data, a->size);
	}
	for (i = 0; i < gguf_n_kv(whole); i++) {
		char key[128] = "";

		memcpy(key, gguf_kv(whole, i)->key.ptr, gguf_kv(whole, i)->key.len);
		assert_non_null(gguf_find_kv(f, key));
	}
	gguf_walk(f);
}

static void test_any_part(void **state)
{
	struct gguf_error err;
	struct gguf_file *f;
	size_t n, i;
	int empty;

	(void)state;
	for (n = 2; n <= 5; n++) {
		for (empty = 0; empty < 2; empty++) {
			write_parts(n, empty, NULL);
			for (i = 0; i < n; i++) {
				err = (struct gguf_error){ 0 };
				if (source_open(part_path(i, n), &f, &err))
					fail_msg("%s", err.msg);
				assert_int_equal(gguf_n_parts(f), n);
				same_model(f);
				gguf_close(f);
			}
		}
	}
}

/* One file may call itself part 1 of 1. */
static void test_single(void **state)
{
	struct gguf_file *f;

	(void)state;
	write_parts(1, 0, NULL);
	assert_int_equal(source_open(part_path(0, 1), &f, NULL), 0);
	same_model(f);
	gguf_close(f);
}

static void compile(const char *model, const char *out, struct ig1_image **img)
{
	struct compile_options o = { .model = model, .out = out, .chip = compile_chip("small") };
	struct compile_result r;
	int ret = compile_model(&o, &r);

	if (ret)
		fail_msg("%s: %s", model, r.model.diag.msg);
	compile_free(&r);
	assert_int_equal(ig1_image_open(out, img, NULL), 0);
}

/* The same file comes out but for the source's size and sum, which cover all parts. */
static void test_compile(void **state)
{
	char one[128], a[128], b[128];
	struct ig1_image *x, *y;
	struct ig1_sha256 sha;
	uint8_t sum[32];
	uint64_t bytes = 0;
	struct gguf_file *f;
	uint32_t i;

	(void)state;
	snprintf(one, sizeof(one), "%s/one.gguf", dir);
	snprintf(a, sizeof(a), "%s/a.accel", dir);
	snprintf(b, sizeof(b), "%s/b.accel", dir);
	write_file(one, whole_data, whole_size);
	write_parts(3, 0, NULL);
	compile(one, a, &x);
	compile(part_path(1, 3), b, &y);
	assert_int_equal(ig1_image_header(x)->sections, ig1_image_header(y)->sections);
	for (i = 0; i < ig1_image_header(x)->sections; i++) {
		const struct ig1_image_section *s = ig1_image_section_at(x, i);

		assert_int_equal(s->bytes, ig1_image_section_at(y, i)->bytes);
		if (s->type != IG1_SEC_MANIFEST)
			assert_memory_equal(ig1_image_data_at(x, i), ig1_image_data_at(y, i),
					    s->bytes);
	}
	assert_int_equal(source_open(part_path(2, 3), &f, NULL), 0);
	ig1_sha256_init(&sha);
	for (i = 0; i < 3; i++) {
		bytes += gguf_part(f, i)->size;
		ig1_sha256_update(&sha, gguf_part(f, i)->data, gguf_part(f, i)->size);
	}
	ig1_sha256_final(&sha, sum);
	gguf_close(f);
	assert_int_equal(ig1_image_manifest(x)->source_bytes, whole_size);
	assert_int_equal(ig1_image_manifest(y)->source_bytes, bytes);
	assert_memory_equal(ig1_image_manifest(y)->source_sha256, sum, 32);
	ig1_image_close(x);
	ig1_image_close(y);
}

static void refused(size_t i, size_t n, int code, const char *says)
{
	struct gguf_error err = { 0 };
	struct gguf_file *f;
	int rc = source_open(part_path(i, n), &f, &err);

	if (rc != code || !strstr(err.msg, says))
		fail_msg("part %zu of %zu: %d \"%s\", expected %d \"%s\"", i + 1, n, rc, err.msg,
			 code, says);
}

static void test_refused(void **state)
{
	static const struct {
		struct split_faults x;
		int code;
		const char *says;
	} cases[] = {
		{ { .part = 1, .add_no = 1 },
		  -EINVAL,
		  "00002-of-00003.gguf: key split.no: 2, expected 1" },
		{ { .part = 2, .add_count = 1 },
		  -EINVAL,
		  "00003-of-00003.gguf: key split.count: 4, expected 3" },
		{ { .part = 0, .add_tensors = 1 },
		  -EINVAL,
		  "00001-of-00003.gguf: key split.tensors.count" },
		{ { .part = 2, .add_tensors = 1 },
		  -EINVAL,
		  "00003-of-00003.gguf: key split.tensors.count" },
		{ { .part = 1, .no_no = 1 },
		  -EINVAL,
		  "00002-of-00003.gguf: key split.no: missing" },
		{ { .part = 1, .no_count = 1 },
		  -EINVAL,
		  "00002-of-00003.gguf: key split.count: missing" },
		{ { .part = 2, .repeat = "token_embd.weight" },
		  -EINVAL,
		  "tensor token_embd.weight: occurs twice" },
		{ { .part = 1, .extra_key = "llama.new", .extra_value = "x" },
		  -EINVAL,
		  "00002-of-00003.gguf: key llama.new: not in the first part" },
		{ { .part = 1, .extra_key = "general.architecture", .extra_value = "qwen2" },
		  -EINVAL,
		  "key general.architecture: not the first part's value" },
	};
	char path[128], other[128];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		write_parts(3, 0, &cases[i].x);
		/* opened by a part that is good itself */
		refused(cases[i].x.part == 0 ? 1 : 0, 3, cases[i].code, cases[i].says);
	}
	/* the first part's value again is no contradiction */
	write_parts(3, 0,
		    &(struct split_faults){ .part = 1,
					    .extra_key = "general.architecture",
					    .extra_value = "llama" });
	{
		struct gguf_file *f;

		assert_int_equal(source_open(part_path(0, 3), &f, NULL), 0);
		gguf_close(f);
	}
	write_parts(3, 0, NULL);
	strcpy(path, part_path(1, 3));
	assert_int_equal(unlink(path), 0);
	refused(0, 3, -ENOENT, "m-00002-of-00003.gguf: No such file");
	write_file(path, "GGUF", 4);
	refused(0, 3, -EINVAL, "m-00002-of-00003.gguf: version");
	/* names that do not say what the file does */
	write_parts(3, 0, NULL);
	snprintf(other, sizeof(other), "%s/m-00001-of-00002.gguf", dir);
	assert_int_equal(rename(part_path(0, 3), other), 0);
	refused(0, 2, -EINVAL, "named part 1 of 2, but split.no is 0 and split.count 3");
	snprintf(path, sizeof(path), "%s/plain.gguf", dir);
	assert_int_equal(rename(other, path), 0);
	{
		struct gguf_error err = { 0 };
		struct gguf_file *f;

		assert_int_equal(source_open(path, &f, &err), -EINVAL);
		assert_non_null(strstr(err.msg, "does not end in -00001-of-00003.gguf"));
	}
}

static uint64_t rng = 1;

static uint64_t below(uint64_t n)
{
	return gguf_random(&rng) % n;
}

/* Damaged headers of any part: refused with a message, or a file that can be read. */
static void test_mutants(void **state)
{
	struct gguf_part good[3], bad[3];
	unsigned int i, accepted = 0;
	size_t k;

	(void)state;
	assert_int_equal(split_build(whole, 3, 0, NULL, good), 0);
	for (i = 0; i < 5000; i++) {
		struct gguf_error err = { 0 };
		struct gguf_file *f;
		uint8_t *p;
		size_t which = below(3), at;
		uint64_t v;
		int rc;

		for (k = 0; k < 3; k++) {
			p = malloc(good[k].size);
			assert_non_null(p);
			memcpy(p, good[k].data, good[k].size);
			bad[k] = (struct gguf_part){ "part", p, good[k].size };
		}
		p = (uint8_t *)bad[which].data;
		for (k = below(3) + 1; k; k--) {
			at = below((which ? 2000 : bad[which].size / 2) - 8);
			v = gguf_random(&rng);
			v >>= below(64);
			if (below(2))
				p[at] ^= (uint8_t)(1 << below(8));
			else
				memcpy(p + at, &v, 1 << below(4));
		}
		if (!below(8))
			bad[which].size = below(bad[which].size) + 1;
		rc = gguf_open_parts(bad, 3, &f, &err);
		if (rc) {
			assert_true(err.msg[0]);
		} else {
			gguf_walk(f);
			gguf_close(f);
			accepted++;
		}
		for (k = 0; k < 3; k++)
			free((void *)bad[k].data);
	}
	for (k = 0; k < 3; k++)
		free((void *)good[k].data);
	print_message("# 5000 damaged split files, %u accepted\n", accepted);
	assert_true(accepted > 0 && accepted < 5000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_part), cmocka_unit_test(test_single),
		cmocka_unit_test(test_compile),	 cmocka_unit_test(test_refused),
		cmocka_unit_test(test_mutants),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, teardown);
}
