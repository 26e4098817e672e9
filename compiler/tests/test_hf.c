// SPDX-License-Identifier: MIT
/* Folders with safetensors compile to what the GGUF file of the same model compiles to. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "compiler/compile.h"
#include "compiler/frontends/hf.h"
#include "compiler/frontends/source.h"
#include "compiler/quant/ggml_types.h"
#include "compiler/tests/gguf_walk.h"
#include "compiler/tests/hf_writer.h"
#include "image.h"
#include "tests/models/synth.h"

static char dir[64];

static int setup(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/hf-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
	char cmd[128];

	(void)state;
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	return system(cmd);
}

static struct ig1_image *compile(const char *model, const void *data, size_t size, const char *name)
{
	struct compile_options o = {
		.model = model, .data = data, .size = size, .chip = compile_chip("small")
	};
	struct compile_result r;
	struct ig1_image *img;
	char out[160];
	int ret;

	snprintf(out, sizeof(out), "%s/%s.accel", dir, name);
	o.out = out;
	ret = compile_model(&o, &r);
	if (ret)
		fail_msg("%s: %s", model, r.model.diag.msg);
	compile_free(&r);
	assert_int_equal(ig1_image_open(out, &img, NULL), 0);
	return img;
}

/* The folder on disk, compiled. */
static struct ig1_image *compile_folder(const struct hf_folder *d)
{
	char path[128], cmd[160];

	snprintf(path, sizeof(path), "%s/model", dir);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", path);
	assert_int_equal(system(cmd), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(hf_write_folder(d, path), 0);
	return compile(path, NULL, 0, "folder");
}

/* Section by section; of the manifest all but the source's size and sum. */
static void same(struct ig1_image *a, struct ig1_image *b, const char *what, const uint32_t *skip)
{
	struct ig1_image_manifest x = *ig1_image_manifest(a), y = *ig1_image_manifest(b);
	uint32_t i;

	x.source_bytes = y.source_bytes = 0;
	memset(x.source_sha256, 0, 32);
	memset(y.source_sha256, 0, 32);
	if (memcmp(&x, &y, sizeof(x)))
		fail_msg("%s: the manifests differ", what);
	if (ig1_image_header(a)->sections != ig1_image_header(b)->sections)
		fail_msg("%s: %u sections, expected %u", what, ig1_image_header(b)->sections,
			 ig1_image_header(a)->sections);
	for (i = 0; i < ig1_image_header(a)->sections; i++) {
		const struct ig1_image_section *s = ig1_image_section_at(a, i);
		const uint32_t *k;
		bool skipped = s->type == IG1_SEC_MANIFEST;

		for (k = skip; k && *k; k++)
			skipped |= s->type == *k;
		if (!skipped &&
		    (s->bytes != ig1_image_section_at(b, i)->bytes ||
		     memcmp(ig1_image_data_at(a, i), ig1_image_data_at(b, i), s->bytes)))
			fail_msg("%s: section %s differs", what, ig1_image_type_name(s->type));
	}
	ig1_image_close(a);
	ig1_image_close(b);
}

/* Every way in which matrices of the dense architectures lie in a file. */
static void test_same_as_gguf(void **state)
{
	static const struct synth_model models[] = {
		{ .name = "mha",
		  .arch = "llama",
		  .layers = 2,
		  .width = 64,
		  .heads = 4,
		  .kv_heads = 4,
		  .ff = 96,
		  .vocab = 300,
		  .context = 64,
		  .tied = true,
		  .eps = 1e-5f,
		  .type = GGML_TYPE_F32,
		  .seed = 1 },
		{ .name = "gqa",
		  .arch = "llama",
		  .layers = 2,
		  .width = 72,
		  .heads = 6,
		  .kv_heads = 2,
		  .head_size = 20,
		  .ff = 100,
		  .vocab = 97,
		  .context = 64,
		  .eps = 1e-6f,
		  .bias = SYNTH_BIAS_ALL,
		  .rope_base = 500000,
		  .type = GGML_TYPE_BF16,
		  .seed = 2 },
		{ .name = "linear",
		  .arch = "llama",
		  .layers = 1,
		  .width = 64,
		  .heads = 4,
		  .kv_heads = 1,
		  .ff = 64,
		  .vocab = 64,
		  .context = 64,
		  .eps = 1e-5f,
		  .scaling = "linear",
		  .factor = 4,
		  .type = GGML_TYPE_F16,
		  .seed = 3 },
		{ .name = "yarn",
		  .arch = "llama",
		  .layers = 1,
		  .width = 64,
		  .heads = 2,
		  .kv_heads = 1,
		  .head_size = 64,
		  .ff = 64,
		  .vocab = 64,
		  .context = 128,
		  .eps = 1e-5f,
		  .scaling = "yarn",
		  .factor = 4,
		  .original = 32,
		  .beta_fast = 16,
		  .beta_slow = 2,
		  .type = GGML_TYPE_BF16,
		  .seed = 4 },
		{ .name = "q2",
		  .arch = "qwen2",
		  .layers = 2,
		  .width = 64,
		  .heads = 8,
		  .kv_heads = 2,
		  .ff = 96,
		  .vocab = 300,
		  .context = 64,
		  .bias = SYNTH_BIAS_ALL,
		  .eps = 1e-6f,
		  .rope_base = 1e6f,
		  .type = GGML_TYPE_BF16,
		  .seed = 5 },
		{ .name = "q3",
		  .arch = "qwen3",
		  .layers = 2,
		  .width = 40,
		  .heads = 4,
		  .kv_heads = 2,
		  .head_size = 16,
		  .ff = 56,
		  .vocab = 300,
		  .context = 64,
		  .tied = true,
		  .eps = 1e-6f,
		  .type = GGML_TYPE_F16,
		  .seed = 6 },
	};
	/* these vocabularies' scores are not ranks of merges */
	static const uint32_t skip[] = { IG1_SEC_TOKENIZER, 0 };
	size_t i, shards;

	(void)state;
	for (i = 0; i < sizeof(models) / sizeof(models[0]); i++) {
		for (shards = 1; shards <= 3; shards += 2) {
			struct hf_folder d;
			struct gguf_file *f;
			uint8_t *data;
			size_t size;

			assert_int_equal(synth_build(&models[i], &data, &size), 0);
			assert_int_equal(gguf_open_mem(data, size, &f, NULL), 0);
			hf_from_gguf(&d, f, (unsigned int)shards);
			same(compile("gguf", data, size, "gguf"), compile_folder(&d),
			     models[i].name, skip);
			hf_folder_free(&d);
			gguf_close(f);
			free(data);
		}
	}
}

/*
 * Trained models, their Q8_0 written as F32: the ROM comes out with the same bytes, and the
 * tokenizer too. The tensor table and the graph say which type the file had.
 */
static void test_demo_models(void **state)
{
	static const char *const names[] = { "tinyqwen2-Q8_0", "tinyqwen3-Q8_0" };
	static const uint32_t skip[] = { IG1_SEC_TENSORS, IG1_SEC_GRAPH, 0 };
	char path[512];
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		struct hf_folder d;
		struct gguf_file *f;

		snprintf(path, sizeof(path), "%s/models/%s.gguf", gguf_source_root(), names[i]);
		assert_int_equal(gguf_open_file(path, &f, NULL), 0);
		hf_from_gguf(&d, f, 1 + (unsigned int)i);
		same(compile(path, NULL, 0, "gguf"), compile_folder(&d), names[i], skip);
		hf_folder_free(&d);
		gguf_close(f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_as_gguf),
		cmocka_unit_test(test_demo_models),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, teardown);
}
