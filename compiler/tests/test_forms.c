// SPDX-License-Identifier: MIT
/* One model in the forms of several files: older ones, text parts, another type. The same ROMs and programs. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "compiler/compile.h"
#include "compiler/quant/ggml_types.h"
#include "compiler/tests/gguf_writer.h"
#include "compiler/tests/test_folder.h"
#include "image.h"
#include "tests/models/shapes.h"
#include "tests/models/synth_ssm.h"

static char path[2][96];

static const struct synth_ssm *shape(const char *name)
{
	size_t i;

	for (i = 0; i < n_ssm_shapes && strcmp(ssm_shapes[i].name, name); i++)
		;
	assert_true(i < n_ssm_shapes);
	return &ssm_shapes[i];
}

static int compile(const uint8_t *data, size_t size, const char *out, struct compile_result *r)
{
	const struct compile_options o = {
		.model = "m", .data = data, .size = size, .out = out, .chip = compile_chip("small")
	};

	return compile_model(&o, r);
}

static void same_section(struct ig1_image *a, struct ig1_image *b, uint32_t type, uint32_t arg)
{
	const void *x, *y;
	size_t n, m;

	assert_int_equal(ig1_image_section(a, type, arg, &x, &n), 0);
	assert_int_equal(ig1_image_section(b, type, arg, &y, &m), 0);
	if (n != m || memcmp(x, y, n))
		fail_msg("%s differs", ig1_image_type_name(type));
}

static void same_images(void)
{
	struct ig1_image *img[2];
	uint32_t k;

	for (k = 0; k < 2; k++)
		assert_int_equal(ig1_image_open(path[k], &img[k], NULL), 0);
	same_section(img[0], img[1], IG1_SEC_ROM, 0);
	same_section(img[0], img[1], IG1_SEC_CROM, 0);
	for (k = 0; k < IG1_PROGS; k++)
		same_section(img[0], img[1], IG1_SEC_PROGRAM, k);
	for (k = 0; k < 2; k++)
		ig1_image_close(img[k]);
}

/* All but the tokenizer's; arch: NULL, or another architecture's name. */
static void copy_keys(const struct gguf_file *f, const char *arch, struct gguf_writer *w)
{
	size_t i;

	for (i = 0; i < gguf_n_kv(f); i++) {
		const struct gguf_kv *kv = gguf_kv(f, i);
		char key[96], name[160];
		uint32_t u;
		float v;
		bool b;

		snprintf(key, sizeof(key), "%.*s", (int)kv->key.len, kv->key.ptr);
		snprintf(name, sizeof(name), "%s", key);
		if (!strncmp(name, "tokenizer.", 10))
			continue;
		if (arch && !strcmp(name, "general.architecture")) {
			gguf_write_str(w, name, arch);
			continue;
		}
		if (arch && strncmp(name, "general.", 8))
			snprintf(name, sizeof(name), "%s%s", arch, strchr(key, '.'));
		if (kv->type == GGUF_STRING)
			gguf_write_strn(w, name, kv->str.ptr, kv->str.len);
		else if (kv->type == GGUF_ARRAY)
			gguf_write_arr(w, name, kv->arr.type, kv->arr.count, kv->arr.data);
		else if (kv->type == GGUF_BOOL && !gguf_get_bool(f, key, &b, NULL))
			gguf_write_bool(w, name, b);
		else if (kv->type == GGUF_F32 && !gguf_get_f32(f, key, &v, NULL))
			gguf_write_f32(w, name, v);
		else if (!gguf_get_u32(f, key, &u, NULL))
			gguf_write_u32(w, name, u);
	}
}

/* rwkv6: time_mix_lerp_fused was five tensors; without: this one is left out. */
static void split_lerps(const struct gguf_file *f, const char *without, struct gguf_writer *w)
{
	static const char fused[] = "time_mix_lerp_fused.weight", letters[] = "wkvrg";
	char name[96];
	size_t i, k;

	gguf_writer_init(w);
	copy_keys(f, NULL, w);
	for (i = 0; i < gguf_n_tensors(f); i++) {
		const struct gguf_tensor *t = gguf_tensor(f, i);
		char *at;

		snprintf(name, sizeof(name), "%.*s", (int)t->name.len, t->name.ptr);
		at = strstr(name, fused);
		if (!at) {
			gguf_write_tensor(w, name, t->type, t->n_dims, t->ne, t->data, t->size);
			continue;
		}
		for (k = 0; k < 5; k++) {
			const int64_t ne[3] = { t->ne[0], 1, 1 };

			snprintf(at, sizeof(name) - (size_t)(at - name), "time_mix_lerp_%c.weight",
				 letters[k]);
			if (!without || strcmp(name, without))
				gguf_write_tensor(w, name, t->type, 3, ne,
						  t->data + k * t->size / 5, t->size / 5);
		}
	}
}

static void test_rwkv6_lerps(void **state)
{
	struct compile_result r;
	struct gguf_writer w;
	struct gguf_file *f;
	uint8_t *data, *old;
	size_t size, n;

	(void)state;
	assert_int_equal(synth_ssm_build(shape("rwkv6-odd"), &data, &size), 0);
	assert_int_equal(compile(data, size, path[0], &r), 0);
	compile_free(&r);
	assert_int_equal(gguf_open_mem(data, size, &f, NULL), 0);
	split_lerps(f, NULL, &w);
	assert_int_equal(gguf_writer_finish(&w, &old, &n), 0);
	gguf_writer_free(&w);
	if (compile(old, n, path[1], &r))
		fail_msg("%s", r.model.diag.msg);
	compile_free(&r);
	free(old);
	same_images();
	split_lerps(f, "blk.1.time_mix_lerp_v.weight", &w);
	assert_int_equal(gguf_writer_finish(&w, &old, &n), 0);
	gguf_writer_free(&w);
	assert_int_not_equal(compile(old, n, path[1], &r), 0);
	assert_string_equal(r.model.diag.msg, "tensor blk.1.time_mix_lerp_v.weight: missing");
	compile_free(&r);
	free(old);
	gguf_close(f);
	free(data);
}

/* All tensors as BF16, of which the F32 ones lose nothing: their lower halves are cleared before. */
static void to_bf16(const struct gguf_file *f, struct gguf_writer *w)
{
	size_t i, k;

	gguf_writer_init(w);
	copy_keys(f, NULL, w);
	for (i = 0; i < gguf_n_tensors(f); i++) {
		const struct gguf_tensor *t = gguf_tensor(f, i);
		uint8_t *from = (uint8_t *)t->data, *to = malloc(t->size / 2);
		char name[96];

		assert_int_equal(t->type, GGML_TYPE_F32);
		assert_non_null(to);
		for (k = 0; k < t->size; k += 4) {
			memset(from + k, 0, 2);
			memcpy(to + k / 2, from + k + 2, 2);
		}
		snprintf(name, sizeof(name), "%.*s", (int)t->name.len, t->name.ptr);
		gguf_write_tensor(w, name, GGML_TYPE_BF16, t->n_dims, t->ne, to, t->size / 2);
		free(to);
	}
}

static void check_bf16(const char *name, uint8_t *data, size_t size)
{
	struct compile_result r;
	struct gguf_writer w;
	struct gguf_file *f;
	uint8_t *bf16;
	size_t n;

	assert_int_equal(gguf_open_mem(data, size, &f, NULL), 0);
	to_bf16(f, &w);
	assert_int_equal(gguf_writer_finish(&w, &bf16, &n), 0);
	gguf_writer_free(&w);
	assert_int_equal(compile(data, size, path[0], &r), 0);
	compile_free(&r);
	if (compile(bf16, n, path[1], &r))
		fail_msg("%s: %s", name, r.model.diag.msg);
	compile_free(&r);
	same_images();
	gguf_close(f);
	free(bf16);
	free(data);
}

/* Norms, biases, routers, sinks, factors, constants of state space models: of every architecture. */
static void test_bf16(void **state)
{
	const char *last = "";
	uint8_t *data;
	size_t i, size;

	(void)state;
	for (i = 0; i < n_shapes; i++) {
		struct synth_model m = shapes[i];

		if (!strcmp(m.arch, last))
			continue;
		last = m.arch;
		m.type = GGML_TYPE_F32;
		m.type2 = m.expert_type = 0;
		assert_int_equal(synth_build(&m, &data, &size), 0);
		check_bf16(m.name, data, size);
	}
	for (i = 0; i < n_ssm_shapes; i++) {
		struct synth_ssm m = ssm_shapes[i];

		if (!strcmp(m.arch, last))
			continue;
		last = m.arch;
		m.type = GGML_TYPE_F32;
		assert_int_equal(synth_ssm_build(&m, &data, &size), 0);
		check_bf16(m.name, data, size);
	}
}

/* Text parts of models for images: positions have sections, which are the same for text. */
static void test_text_parts(void **state)
{
	static const char *const archs[][2] = { { "qwen2", "qwen2vl" },
						{ "qwen3", "qwen3vl" },
						{ "qwen3moe", "qwen3vlmoe" } };
	static const int32_t sections[4] = { 2, 1, 1, 0 };
	struct compile_result r;
	struct gguf_writer w;
	struct gguf_file *f;
	uint8_t *data, *vl;
	size_t i, k, size, n;
	char name[96];

	(void)state;
	for (i = 0; i < 3; i++) {
		for (k = 0; k < n_shapes && strcmp(shapes[k].arch, archs[i][0]); k++)
			;
		assert_true(k < n_shapes);
		assert_int_equal(synth_build(&shapes[k], &data, &size), 0);
		assert_int_equal(compile(data, size, path[0], &r), 0);
		compile_free(&r);
		assert_int_equal(gguf_open_mem(data, size, &f, NULL), 0);
		gguf_writer_init(&w);
		copy_keys(f, archs[i][1], &w);
		snprintf(name, sizeof(name), "%s.rope.dimension_sections", archs[i][1]);
		gguf_write_arr(&w, name, GGUF_I32, 4, sections);
		snprintf(name, sizeof(name), "%s.n_deepstack_layers", archs[i][1]);
		gguf_write_u32(&w, name, 3);
		for (k = 0; k < gguf_n_tensors(f); k++) {
			const struct gguf_tensor *t = gguf_tensor(f, k);

			snprintf(name, sizeof(name), "%.*s", (int)t->name.len, t->name.ptr);
			gguf_write_tensor(&w, name, t->type, t->n_dims, t->ne, t->data, t->size);
		}
		assert_int_equal(gguf_writer_finish(&w, &vl, &n), 0);
		gguf_writer_free(&w);
		if (compile(vl, n, path[1], &r))
			fail_msg("%s: %s", archs[i][1], r.model.diag.msg);
		assert_string_equal(r.model.meta.arch, archs[i][1]);
		compile_free(&r);
		same_images();
		gguf_close(f);
		free(vl);
		free(data);
	}
}

/* A copy of the file with a tensor of these sizes: its data as before, or a vector that is new. */
static void with_tensor(const struct gguf_file *f, const char *name, uint32_t n_dims,
			const int64_t *ne, struct gguf_writer *w)
{
	const struct gguf_tensor *old = gguf_find_tensor(f, name);
	float ones[64];
	char buf[96];
	size_t i;

	for (i = 0; i < 64; i++)
		ones[i] = 1;
	gguf_writer_init(w);
	copy_keys(f, NULL, w);
	for (i = 0; i < gguf_n_tensors(f); i++) {
		const struct gguf_tensor *t = gguf_tensor(f, i);

		snprintf(buf, sizeof(buf), "%.*s", (int)t->name.len, t->name.ptr);
		gguf_write_tensor(w, buf, t->type, t == old ? n_dims : t->n_dims,
				  t == old ? ne : t->ne, t->data, t->size);
	}
	if (!old)
		gguf_write_tensor(w, name, GGML_TYPE_F32, n_dims, ne, ones, sizeof(ones));
}

static void refused(uint8_t *data, size_t size, const char *name, uint32_t n_dims,
		    const int64_t *ne, const char *says)
{
	struct compile_result r;
	struct gguf_writer w;
	struct gguf_file *f;
	uint8_t *changed;
	size_t n;

	assert_int_equal(gguf_open_mem(data, size, &f, NULL), 0);
	with_tensor(f, name, n_dims, ne, &w);
	assert_int_equal(gguf_writer_finish(&w, &changed, &n), 0);
	gguf_writer_free(&w);
	assert_int_not_equal(compile(changed, n, NULL, &r), 0);
	if (!strstr(r.model.diag.msg, says))
		fail_msg("\"%s\" does not say \"%s\"", r.model.diag.msg, says);
	compile_free(&r);
	gguf_close(f);
	free(changed);
	free(data);
}

/* Of other forms no program is known that computes the same from them. */
static void test_other_forms(void **state)
{
	static const int64_t vector[1] = { 64 };
	struct gguf_file *f;
	uint8_t *data;
	size_t i, size;
	int64_t ne[3];

	(void)state;
	assert_int_equal(synth_ssm_build(shape("falcon-h1-plain"), &data, &size), 0);
	refused(data, size, "blk.0.attn_output.bias", 1, vector,
		"tensor blk.0.attn_output.bias: not part of a supported falcon-h1 model");
	for (i = 0; i < n_shapes && strcmp(shapes[i].arch, "phi3"); i++)
		;
	assert_true(i < n_shapes);
	assert_int_equal(synth_build(&shapes[i], &data, &size), 0);
	assert_int_equal(gguf_open_mem(data, size, &f, NULL), 0);
	memcpy(ne, gguf_find_tensor(f, "blk.0.attn_qkv.weight")->ne, sizeof(ne));
	gguf_close(f);
	ne[1] /= 2;
	ne[2] = 2;
	refused(data, size, "blk.0.attn_qkv.weight", 3, ne, "tensor blk.0.attn_qkv.weight: ");
}

static int setup(void **state)
{
	size_t i;
	int fd;

	(void)state;
	for (i = 0; i < 2; i++) {
		test_template(path[i], sizeof(path[i]), "old");
		fd = mkstemp(path[i]);
		if (fd < 0 || close(fd))
			return -1;
	}
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	return unlink(path[0]) | unlink(path[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rwkv6_lerps),
		cmocka_unit_test(test_bf16),
		cmocka_unit_test(test_text_parts),
		cmocka_unit_test(test_other_forms),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, teardown);
}
