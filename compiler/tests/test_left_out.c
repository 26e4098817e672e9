// SPDX-License-Identifier: MIT
/* Tensors that no token depends on: what is said of them, and that all others are used or refused. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "compiler/compile.h"
#include "compiler/image/build.h"
#include "compiler/quant/ggml_types.h"
#include "compiler/tests/gguf_writer.h"
#include "compiler/tests/test_folder.h"
#include "image.h"
#include "tests/models/synth.h"
#include "tests/models/synth_ssm.h"

#define N_EXTRA 3
#define MTP	"layers that predict further tokens"

/* A vector of 8 values, each 4 bytes, for each name. */
static const struct {
	const char *arch;
	const char *extra[N_EXTRA];
	bool predicts;	  /* the last layer of two */
	const char *text; /* what the image says; NULL: nothing */
} cases[] = {
	{ "qwen2", { NULL }, false, NULL },
	{ "qwen2",
	  { "rope_freqs.weight" },
	  false,
	  "1 32 rotation factors that the architecture ignores\n" },
	{ "qwen3",
	  { "v.blk.0.attn_q.weight", "mm.input_projection.weight", "a.conv1d.1.weight" },
	  false,
	  "3 96 images and sounds\n" },
	{ "granite",
	  { "blk.0.attn_q.input_scale", "v.patch_embd.weight", "blk.1.ffn_up.input_scale" },
	  false,
	  "1 32 images and sounds\n2 64 scales of activations\n" },
	{ "llama", { "blk.1.nextn.enorm.weight" }, true, "10 6816 " MTP "\n" },
	/* of that layer, whatever else they are */
	{ "llama",
	  { "blk.1.attn_q.input_scale", "mm.0.bias" },
	  true,
	  "9 6784 " MTP "\n1 32 images and sounds\n1 32 scales of activations\n" },
};

static char path[96];

static void with_extra(const struct synth_model *m, const char *const *extra, size_t n,
		       bool predicts, uint8_t **data, size_t *size)
{
	static const int64_t ne[1] = { 8 };
	static const float ones[8] = { 1, 1, 1, 1, 1, 1, 1, 1 };
	struct gguf_writer w;
	char key[64];
	size_t i;

	gguf_writer_init(&w);
	assert_int_equal(synth_keys(m, &w), 0);
	assert_int_equal(synth_tensors(m, &w), 0);
	snprintf(key, sizeof(key), "%s.nextn_predict_layers", m->arch);
	if (predicts)
		gguf_write_u32(&w, key, 1);
	for (i = 0; i < n && extra[i]; i++)
		gguf_write_tensor(&w, extra[i], GGML_TYPE_F32, 1, ne, ones, sizeof(ones));
	assert_int_equal(gguf_writer_finish(&w, data, size), 0);
	gguf_writer_free(&w);
}

static int compile(const uint8_t *data, size_t size, struct compile_result *r)
{
	const struct compile_options o = {
		.model = "m", .data = data, .size = size, .out = path, .chip = compile_chip("small")
	};

	return compile_model(&o, r);
}

static void check_image(const char *text)
{
	struct ig1_image *img;
	const void *data;
	size_t bytes;

	assert_int_equal(ig1_image_open(path, &img, NULL), 0);
	assert_int_equal(ig1_image_verify(img, NULL), 0);
	assert_int_equal(ig1_image_section(img, IG1_SEC_LEFT_OUT, 0, &data, &bytes),
			 text ? 0 : -ENOENT);
	if (text && (bytes != strlen(text) || memcmp(data, text, bytes)))
		fail_msg("\"%.*s\", expected \"%s\"", (int)bytes, (const char *)data, text);
	ig1_image_close(img);
}

/* The same from the compiler and in the image. */
static void test_said(void **state)
{
	struct source_left_out *parts;
	struct compile_result r;
	size_t i, k, n, size;
	const char *text;
	uint8_t *data;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct synth_model m = synth_tiny(cases[i].arch);

		with_extra(&m, cases[i].extra, N_EXTRA, cases[i].predicts, &data, &size);
		if (compile(data, size, &r))
			fail_msg("case %zu: %s", i, r.model.diag.msg);
		check_image(cases[i].text);
		text = cases[i].text ? cases[i].text : "";
		assert_int_equal(build_left_out_parse(text, strlen(text), &parts, &n), 0);
		assert_int_equal(n, r.n_left_out);
		for (k = 0; k < r.n_left_out; k++) {
			assert_string_equal(parts[k].what, r.left_out[k].what);
			assert_int_equal(parts[k].tensors, r.left_out[k].tensors);
			assert_int_equal(parts[k].bytes, r.left_out[k].bytes);
		}
		free(parts);
		compile_free(&r);
		free(data);
	}
}

/* The first layer's values are mixed with nothing. */
static void test_rwkv7(void **state)
{
	struct compile_result r;
	uint8_t *data;
	size_t size, i;

	(void)state;
	for (i = 0; i < n_ssm_shapes && strcmp(ssm_shapes[i].name, "rwkv7-odd"); i++)
		;
	assert_true(i < n_ssm_shapes);
	assert_int_equal(synth_ssm_build(&ssm_shapes[i], &data, &size), 0);
	assert_int_equal(compile(data, size, &r), 0);
	assert_int_equal(r.n_left_out, 1);
	assert_string_equal(r.left_out[0].what, "value mixing of the first layer");
	assert_int_equal(r.left_out[0].tensors, 3);
	compile_free(&r);
	free(data);
}

/* What is on no list is refused by its name. */
static void test_others(void **state)
{
	static const struct {
		const char *arch, *name, *says; /* NULL: it is used */
	} others[] = {
		{ "llama", "rope_freqs.weight", NULL }, /* half a head of 16: used */
		{ "llama", "blk.0.extra.weight",
		  "tensor blk.0.extra.weight: not part of a supported llama model" },
		{ "qwen3", "blk.2.attn_q.weight",
		  "tensor blk.2.attn_q.weight: not part of a supported qwen3 model" },
		{ "qwen3", "vision.weight", "tensor vision.weight: not part" },
		{ "qwen2", "blk.0.time_mix_v0.weight", "tensor blk.0.time_mix_v0.weight: not" },
		{ "qwen2", "position_embd.weight", "tensor position_embd.weight: not part" },
	};
	struct compile_result r;
	uint8_t *data;
	size_t size, i;
	int ret;

	(void)state;
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		struct synth_model m = synth_tiny(others[i].arch);

		with_extra(&m, &others[i].name, 1, false, &data, &size);
		ret = compile(data, size, &r);
		if (!others[i].says)
			assert_true(!ret && !r.n_left_out);
		else if (ret != -ENOTSUP || !strstr(r.model.diag.msg, others[i].says))
			fail_msg("case %zu: %d \"%s\"", i, ret, r.model.diag.msg);
		compile_free(&r);
		free(data);
	}
}

/* A section of a stranger's. */
static void test_parse(void **state)
{
	static const struct {
		const char *text;
		int n; /* lines, or an error */
	} texts[] = {
		{ "", 0 },
		{ "1 2 a b\n", 1 },
		{ "1 2 a\n3 4 b\n", 2 },
		/* kinds that are not known yet */
		{ "1 2 a\n1 2 b\n1 2 c\n1 2 d\n1 2 e\n1 2 f\n1 2 g\n1 2 h\n1 2 i\n", 9 },
		{ "1 9223372036854775807 a\n", 1 },
		{ "1 9223372036854775808 a\n", -EINVAL },
		{ "9223372036854775808 1 a\n", -EINVAL },
		{ "1 2 a", -EINVAL },
		{ "1 2 a\n3 4 b", -EINVAL },
		{ "1 2 \n", -EINVAL },
		{ "1 2\n", -EINVAL },
		{ "1 2\n3 a\n", -EINVAL },
		{ "1\n", -EINVAL },
		{ "\n", -EINVAL },
		{ "x 2 a\n", -EINVAL },
		{ "1 -2 a\n", -EINVAL },
		{ "1  2 a\n", -EINVAL },
		{ "1 99999999999999999999999 a\n", -EINVAL },
		{ "1 2 a\033[2J\n", -EINVAL },
		{ "1 2 \xff\n", -EINVAL },
	};
	static const char zero[] = "1 2 a\0b\n";
	struct source_left_out *out;
	size_t i, n;
	int ret;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		/* without a NUL behind it */
		size_t bytes = strlen(texts[i].text);
		char *text = malloc(bytes + 1);

		assert_non_null(text);
		memcpy(text + 1, texts[i].text, bytes);
		ret = build_left_out_parse(text + 1, bytes, &out, &n);
		if ((ret ? ret : (int)n) != texts[i].n)
			fail_msg("case %zu: %d, %zu", i, ret, n);
		assert_true(!ret == !!out);
		free(text);
		free(out);
	}
	assert_int_equal(build_left_out_parse(zero, sizeof(zero) - 1, &out, &n), -EINVAL);
}

static int setup(void **state)
{
	int fd;

	(void)state;
	test_template(path, sizeof(path), "left_out");
	fd = mkstemp(path);
	return fd < 0 ? -1 : close(fd);
}

static int teardown(void **state)
{
	(void)state;
	return unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_said),
		cmocka_unit_test(test_rwkv7),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_parse),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, teardown);
}
