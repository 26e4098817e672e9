// SPDX-License-Identifier: MIT
/*
 * What the compiler puts into the file: the same bytes twice, blocks of the ROM byte for byte, rows
 * in their new order, requantised rows, constants, the numbers about it. And what it refuses, with
 * what it says.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <libfdt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "compiler/compile.h"
#include "compiler/quant/ggml_types.h"
#include "compiler/quant/half.h"
#include "compiler/quant/requant.h"
#include "compiler/tests/gguf_writer.h"
#include "compiler/tests/test_folder.h"
#include "crc32.h"
#include "image.h"
#include "sha256.h"
#include "tests/models/synth.h"

static const struct synth_model llama = {
	.name = "a llama",
	.arch = "llama",
	.layers = 2,
	.width = 64,
	.heads = 4,
	.kv_heads = 2,
	.ff = 96,
	.vocab = 70,
	.context = 96,
	.bias = SYNTH_BIAS_QKV,
	.rope_dims = 12,
	.eps = 1e-5f,
	.type = GGML_TYPE_Q4_0,
	.type2 = GGML_TYPE_Q8_0,
	.seed = 1,
};
static const struct synth_model qwen = {
	.name = "a qwen",
	.arch = "qwen3",
	.layers = 3,
	.width = 60,
	.heads = 4,
	.kv_heads = 2,
	.ff = 50,
	.vocab = 70,
	.context = 96,
	.head_size = 16,
	.tied = true,
	.eps = 1e-5f,
	.type = GGML_TYPE_F32,
	.seed = 2,
};

struct built {
	uint8_t *gguf;
	size_t gguf_bytes;
	struct gguf_file *f;
	struct ig1_image *img;
	char path[64];
	const uint8_t *rom, *crom;
	size_t rom_bytes, crom_bytes;
};

static void build(struct built *b, const struct synth_model *s, enum pass_format format)
{
	struct compile_options o = { .model = "model",
				     .chip = compile_chip("default"),
				     .format = format };
	struct compile_result r;
	char err[IG1_IMAGE_ERR];

	memset(b, 0, sizeof(*b));
	assert_int_equal(synth_build(s, &b->gguf, &b->gguf_bytes), 0);
	assert_int_equal(gguf_open_mem(b->gguf, b->gguf_bytes, &b->f, NULL), 0);
	test_template(b->path, sizeof(b->path), "compile");
	close(mkstemp(b->path));
	o.data = b->gguf;
	o.size = b->gguf_bytes;
	o.out = b->path;
	if (compile_model(&o, &r))
		fail_msg("%s", r.model.diag.msg);
	compile_free(&r);
	if (ig1_image_open(b->path, &b->img, err) || ig1_image_verify(b->img, err) ||
	    ig1_image_check_model(b->img, err))
		fail_msg("%s", err);
	assert_int_equal(
		ig1_image_section(b->img, IG1_SEC_ROM, 0, (const void **)&b->rom, &b->rom_bytes),
		0);
	assert_int_equal(
		ig1_image_section(b->img, IG1_SEC_CROM, 0, (const void **)&b->crom, &b->crom_bytes),
		0);
}

static void drop(struct built *b)
{
	ig1_image_close(b->img);
	gguf_close(b->f);
	free(b->gguf);
	unlink(b->path);
}

static const struct ig1_image_tensor *entry(const struct built *b, const char *name)
{
	uint32_t i;

	if (ig1_image_tensor_find(b->img, name, &i))
		fail_msg("no tensor %s", name);
	return ig1_image_tensor(b->img, i);
}

/* The source row that ROM row `row` must hold: pairs of the first rot rows of a head to halves. */
static size_t source_row(size_t row, size_t head, size_t rot)
{
	size_t h = row / head * head, r = row % head;

	if (r < rot / 2)
		return h + 2 * r;
	return r < rot ? h + 2 * (r - rot / 2) + 1 : h + r;
}

static void check_kept(const struct built *b, const char *name, size_t head, size_t rot)
{
	const struct ig1_image_tensor *e = entry(b, name);
	const struct gguf_tensor *g = gguf_find_tensor(b->f, name);
	size_t row_bytes, i;

	assert_non_null(g);
	row_bytes = g->size / (size_t)g->ne[1];
	assert_int_equal(e->requant, 0);
	assert_int_equal(e->src_type, g->type);
	assert_int_equal(e->rows, g->ne[1]);
	assert_int_equal(e->stride, row_bytes);
	assert_int_equal(e->bytes, g->size);
	for (i = 0; i < e->rows; i++)
		assert_memory_equal(b->rom + e->offset + i * row_bytes,
				    g->data + (head ? source_row(i, head, rot) : i) * row_bytes,
				    row_bytes);
	assert_int_equal(e->crc, ig1_crc32(0, b->rom + e->offset, e->bytes));
}

static void test_kept(void **state)
{
	struct built b;
	char name[64];
	uint32_t i;

	(void)state;
	build(&b, &llama, PASS_FORMAT_KEEP);
	check_kept(&b, "token_embd.weight", 0, 0);
	check_kept(&b, "output.weight", 0, 0);
	for (i = 0; i < llama.layers; i++) {
		snprintf(name, sizeof(name), "blk.%u.attn_q.weight", i);
		check_kept(&b, name, 16, 12);
		snprintf(name, sizeof(name), "blk.%u.attn_k.weight", i);
		check_kept(&b, name, 16, 12);
		snprintf(name, sizeof(name), "blk.%u.attn_v.weight", i);
		check_kept(&b, name, 0, 0);
		snprintf(name, sizeof(name), "blk.%u.ffn_down.weight", i);
		check_kept(&b, name, 0, 0);
	}
	/* of one format and input: behind each other */
	assert_int_equal(entry(&b, "blk.0.attn_k.weight")->offset,
			 entry(&b, "blk.0.attn_q.weight")->offset +
				 entry(&b, "blk.0.attn_q.weight")->bytes);
	assert_int_equal(entry(&b, "blk.0.ffn_up.weight")->offset,
			 entry(&b, "blk.0.ffn_gate.weight")->offset +
				 entry(&b, "blk.0.ffn_gate.weight")->bytes);
	drop(&b);
	/* pairs only in llama */
	build(&b, &qwen, PASS_FORMAT_KEEP);
	drop(&b);
}

/* Rows of 60 floats: two blocks, the second filled with zeros. */
static void check_requantised(const struct built *b, const char *name, bool q4)
{
	const struct ig1_image_tensor *e = entry(b, name);
	const struct gguf_tensor *g = gguf_find_tensor(b->f, name);
	size_t n = (size_t)g->ne[0], block = q4 ? 18 : 34, i;
	uint8_t want[16 * 34];
	float *row = malloc((n + GGML_MAX_BLOCK) * sizeof(*row));

	assert_non_null(row);
	assert_int_equal(e->requant, 1);
	assert_int_equal(e->fmt, q4 ? IG1_WFMT_Q4_0 : IG1_WFMT_Q8_0);
	assert_int_equal(e->groups, (n + 31) / 32);
	assert_int_equal(e->stride, e->groups * block);
	for (i = 0; i < e->rows; i++) {
		assert_int_equal(ggml_dequantize_row(g->type,
						     g->data + i * (g->size / (size_t)g->ne[1]),
						     row, (int64_t)n),
				 0);
		assert_int_equal(q4 ? requant_row_q4_0(row, want, (int64_t)n)
				    : requant_row_q8_0(row, want, (int64_t)n),
				 0);
		assert_memory_equal(b->rom + e->offset + i * e->stride, want, e->stride);
	}
	free(row);
}

/* Q4_0 as q8_0: other bytes, the same values. */
static void check_reencoded(const struct built *b, const char *name)
{
	const struct ig1_image_tensor *e = entry(b, name);
	const struct gguf_tensor *g = gguf_find_tensor(b->f, name);
	size_t n = (size_t)g->ne[0], i, k;
	float *want = malloc(2 * n * sizeof(*want)), *got = want + n;

	assert_non_null(want);
	assert_int_equal(e->requant, 2);
	assert_int_equal(e->fmt, IG1_WFMT_Q8_0);
	for (i = 0; i < e->rows; i++) {
		ggml_dequantize_row(g->type, g->data + i * (g->size / (size_t)g->ne[1]), want,
				    (int64_t)n);
		ggml_dequantize_row(GGML_TYPE_Q8_0, b->rom + e->offset + i * e->stride, got,
				    (int64_t)n);
		for (k = 0; k < n; k++)
			assert_true(want[k] == got[k]);
	}
	free(want);
}

static void test_requantised(void **state)
{
	struct built b;

	(void)state;
	build(&b, &qwen, PASS_FORMAT_KEEP);
	check_requantised(&b, "blk.0.attn_q.weight", false);
	check_requantised(&b, "blk.2.ffn_down.weight", false);
	check_requantised(&b, "token_embd.weight", false);
	drop(&b);
	build(&b, &qwen, PASS_FORMAT_Q4_0);
	check_requantised(&b, "blk.1.ffn_gate.weight", true);
	drop(&b);
	/* what is kept by default is converted when one format is asked for: to q8_0 without loss */
	build(&b, &llama, PASS_FORMAT_Q8_0);
	check_reencoded(&b, "blk.0.ffn_gate.weight");
	assert_int_equal(entry(&b, "blk.0.ffn_down.weight")->requant, 0);
	drop(&b);
	build(&b, &llama, PASS_FORMAT_Q4_0);
	check_requantised(&b, "blk.0.ffn_down.weight", true);
	assert_int_equal(entry(&b, "blk.0.ffn_gate.weight")->requant, 0);
	drop(&b);
}

static float const_at(const struct built *b, uint64_t at)
{
	float f;

	memcpy(&f, b->crom + at, 4);
	return f;
}

static void test_constants(void **state)
{
	const struct ig1_image_tensor *e;
	const struct gguf_tensor *g;
	struct built b;
	float f;
	size_t i;

	(void)state;
	build(&b, &llama, PASS_FORMAT_KEEP);
	e = entry(&b, "blk.1.ffn_norm.weight");
	g = gguf_find_tensor(b.f, "blk.1.ffn_norm.weight");
	assert_int_equal(e->fmt, IG1_TENSOR_F32);
	assert_int_equal(e->groups, 64);
	assert_memory_equal(b.crom + e->offset, g->data, g->size);
	assert_int_equal(e->crc, ig1_crc32(0, b.crom + e->offset, e->bytes));
	/* the bias of reordered rows is reordered with them */
	e = entry(&b, "blk.0.attn_q.bias");
	g = gguf_find_tensor(b.f, "blk.0.attn_q.bias");
	for (i = 0; i < 64; i++) {
		memcpy(&f, g->data + 4 * source_row(i, 16, 12), 4);
		assert_true(const_at(&b, e->offset + 4 * i) == f);
	}
	drop(&b);
	/* one norm for all heads: as many copies as there are heads, queries then keys */
	build(&b, &qwen, PASS_FORMAT_KEEP);
	e = entry(&b, "blk.1.attn_q_norm.weight");
	g = gguf_find_tensor(b.f, "blk.1.attn_q_norm.weight");
	for (i = 0; i < 4; i++)
		assert_memory_equal(b.crom + e->offset + i * g->size, g->data, g->size);
	assert_int_equal(entry(&b, "blk.1.attn_k_norm.weight")->offset, e->offset + 4 * g->size);
	drop(&b);
}

/* The rotation table stands behind everything else: its rows, by the formula. */
static void test_table(void **state)
{
	size_t stride = 8 * 3 * 4, at, pos, i;
	struct built b;

	(void)state;
	build(&b, &qwen, PASS_FORMAT_KEEP);
	at = b.crom_bytes - (stride * 96 + 127) / 128 * 128;
	for (pos = 0; pos < 96; pos += 19) {
		for (i = 0; i < 8; i++) {
			double t = (double)pos * pow(10000, -2.0 * (double)i / 16);
			size_t p = at + pos * stride + 4 * i;

			assert_true(const_at(&b, p) == (float)cos(t));
			assert_true(const_at(&b, p + 32) == -(float)sin(t));
			assert_true(const_at(&b, p + 64) == (float)sin(t));
		}
	}
	drop(&b);
}

static uint32_t fdt_u32(const void *fdt, const char *path, const char *name)
{
	int len, node = fdt_path_offset(fdt, path);
	const fdt32_t *p = fdt_getprop(fdt, node, name, &len);

	if (!p || len != 4)
		fail_msg("%s/%s", path, name);
	return fdt32_to_cpu(*p);
}

static uint64_t fdt_u64(const void *fdt, const char *path, const char *name)
{
	int len, node = fdt_path_offset(fdt, path);
	const fdt64_t *p = fdt_getprop(fdt, node, name, &len);
	uint64_t v;

	if (!p || len != 8)
		fail_msg("%s/%s", path, name);
	memcpy(&v, p, 8);
	return fdt64_to_cpu(v);
}

static void test_description(void **state)
{
	const struct ig1_config *chip = compile_chip("default");
	const struct ig1_image_manifest *m;
	uint32_t check = 0, w;
	struct ig1_sha256 sha;
	uint8_t digest[32];
	const void *fdt;
	struct built b;
	size_t n, i;
	int len;

	(void)state;
	build(&b, &llama, PASS_FORMAT_KEEP);
	assert_int_equal(ig1_image_section(b.img, IG1_SEC_FDT, 0, &fdt, &n), 0);
	assert_int_equal(fdt_check_full(fdt, n), 0);
	assert_string_equal(fdt_getprop(fdt, 0, "compatible", &len), "intaglio,ig1");
	assert_int_equal(fdt_u32(fdt, "/", "intaglio,spec"), IG1_SPEC_VERSION);
	assert_int_equal(fdt_u32(fdt, "/chip", "intaglio,tiles"), chip->tiles);
	assert_int_equal(fdt_u32(fdt, "/chip", "intaglio,scratch-bytes"), chip->scratch_bytes);
	assert_true(fdt_u64(fdt, "/chip", "intaglio,rom-bytes") == b.rom_bytes);
	assert_true(fdt_u64(fdt, "/chip", "intaglio,crom-bytes") == b.crom_bytes);
	assert_true(fdt_u64(fdt, "/chip", "clock-frequency") == chip->clock_hz);
	assert_string_equal(fdt_getprop(fdt, fdt_path_offset(fdt, "/model"), "intaglio,name", &len),
			    "a llama");
	assert_string_equal(
		fdt_getprop(fdt, fdt_path_offset(fdt, "/model"), "intaglio,format", &len), "q4_0");
	assert_int_equal(fdt_u32(fdt, "/model", "intaglio,head-size"), 16);
	for (i = 0; i < 4096 && 4 * i < b.rom_bytes; i++) {
		memcpy(&w, b.rom + 4 * i, 4);
		check += w;
	}
	assert_int_equal(fdt_u32(fdt, "/mask", "intaglio,rom-check"), check);
	ig1_sha256_init(&sha);
	ig1_sha256_update(&sha, b.rom, b.rom_bytes);
	ig1_sha256_update(&sha, b.crom, b.crom_bytes);
	ig1_sha256_final(&sha, digest);
	assert_memory_equal(
		fdt_getprop(fdt, fdt_path_offset(fdt, "/mask"), "intaglio,mask-id", &len), digest,
		32);
	assert_memory_equal(ig1_image_header(b.img)->mask_id, digest, 32);

	m = ig1_image_manifest(b.img);
	assert_int_equal(m->abi, 1);
	assert_int_equal(m->vocab, 70);
	assert_int_equal(m->context, 96);
	assert_int_equal(m->max_cols, 8);
	assert_int_equal(m->kv_blocks, 3);
	assert_int_equal(m->kv_block_bytes % 4096, 0);
	assert_true(m->kv_block_bytes >= 2 * 2 * 2 * (1024 + 128));
	assert_string_equal(m->arch, "llama");
	assert_string_equal(m->name, "a llama");
	assert_true(m->source_bytes == b.gguf_bytes);
	/* embedding, output, and per layer q, k, v, o, gate, up, down */
	n = 2 * (64 * 64 + 2 * 32 * 64 + 64 * 64 + 3 * 96 * 64);
	assert_true(m->weights == n + 2 * 70 * 64);
	assert_true(m->macs_token == n + 70 * 64);
	ig1_sha256_init(&sha);
	ig1_sha256_update(&sha, b.gguf, b.gguf_bytes);
	ig1_sha256_final(&sha, digest);
	assert_memory_equal(m->source_sha256, digest, 32);
	drop(&b);
}

static uint8_t *slurp(const char *path, size_t *n)
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

static void test_deterministic(void **state)
{
	static const struct synth_model *const specs[] = { &llama, &qwen };
	size_t i, na, nb;
	struct built a, b;
	uint8_t *pa, *pb;

	(void)state;
	for (i = 0; i < 2; i++) {
		build(&a, specs[i], PASS_FORMAT_KEEP);
		build(&b, specs[i], PASS_FORMAT_KEEP);
		pa = slurp(a.path, &na);
		pb = slurp(b.path, &nb);
		assert_int_equal(na, nb);
		assert_memory_equal(pa, pb, na);
		free(pa);
		free(pb);
		drop(&a);
		drop(&b);
	}
}

/* ---- refusals ---- */

static void put_keys(struct gguf_writer *w, const struct synth_model *m)
{
	gguf_writer_init(w);
	assert_int_equal(synth_keys(m, w), 0);
}

static void put_tensors(struct gguf_writer *w, const struct synth_model *m)
{
	assert_int_equal(synth_tensors(m, w), 0);
}

static struct synth_model changed;

static const struct synth_model *with(uint32_t layers, uint32_t heads, uint32_t kv,
				      uint32_t head_size)
{
	changed = llama;
	changed.layers = layers;
	changed.heads = heads;
	changed.kv_heads = kv;
	changed.head_size = head_size;
	return &changed;
}

enum change { ARCH, KEY_U32, KEY_F32, KEY_BOOL, KEY_STR, TENSOR, NO_TENSOR, CONTEXT, CHIP, NONE };

static const struct {
	enum change change;
	const char *name; /* key or tensor */
	double value;
	const char *text;
	int ret;
	const char *says;
} refusals[] = {
	{ ARCH, NULL, 0, "bert", -ENOTSUP,
	  "key general.architecture: \"bert\" is not supported; supported: llama, qwen2, qwen3" },
	{ ARCH, NULL, 0, "b\033[2Jert\a", -ENOTSUP,
	  "key general.architecture: \"b?[2Jert?\" is not supported" },
	{ KEY_U32, "llama.expert_count", 8, NULL, -EINVAL, "key llama.expert_used_count: missing" },
	{ KEY_U32, "llama.expert_count", 0, NULL, 0, NULL },
	{ KEY_F32, "llama.attention.scale", 0.5, NULL, -ENOTSUP, "key llama.attention.scale: not" },
	{ KEY_F32, "llama.logit_scale", 2, NULL, -ENOTSUP, "key llama.logit_scale: not supported" },
	{ KEY_BOOL, "llama.use_parallel_residual", 1, NULL, -ENOTSUP,
	  "key llama.use_parallel_residual: true, supported: the key absent or false" },
	{ KEY_BOOL, "llama.use_parallel_residual", 0, NULL, 0, NULL },
	{ KEY_U32, "llama.use_parallel_residual", 1, NULL, -EINVAL,
	  "key llama.use_parallel_residual: is u32" },
	{ KEY_U32, "llama.nextn_predict_layers", 2, NULL, -EINVAL,
	  "key llama.nextn_predict_layers: 2 of block_count's 2 layers" },
	/* then the last layer is one of those, and nothing of it is looked at */
	{ KEY_U32, "llama.nextn_predict_layers", 1, NULL, 0, NULL },
	{ TENSOR, "blk.2.attn_q.weight", 0, NULL, -ENOTSUP, "tensor blk.2.attn_q.weight: not" },
	{ TENSOR, "blk.0.\033[2J", 0, NULL, -ENOTSUP, "tensor blk.0.?[2J: not part" },
	{ KEY_STR, "llama.rope.scaling.type", 0, "longrope", -ENOTSUP,
	  "key llama.rope.scaling.type: \"longrope\", supported: none, linear, yarn" },
	{ KEY_STR, "llama.rope.scaling.type", 0, "none", 0, NULL },
	{ KEY_F32, "llama.rope.scaling.factor", -1, NULL, -EINVAL,
	  "key llama.rope.scaling.factor" },
	{ KEY_F32, "llama.rope.freq_base", 0, NULL, -EINVAL, "key llama.rope.freq_base: 0" },
	{ KEY_U32, "llama.attention.value_length", 8, NULL, -EINVAL,
	  "tensor blk.0.attn_v.weight: shape 64 x 32, expected 64 x 16" },
	{ KEY_U32, "llama.attention.value_length", 0, NULL, -EINVAL,
	  "key llama.attention.value_length: 0, supported: 1 to 65535" },
	{ TENSOR, "blk.0.attn_q_norm.weight", 0, NULL, -ENOTSUP,
	  "tensor blk.0.attn_q_norm.weight: not part of a supported llama model" },
	{ TENSOR, "blk.0.ffn_gate_inp.weight", 0, NULL, -ENOTSUP,
	  "tensor blk.0.ffn_gate_inp.weight" },
	{ TENSOR, "blk.0.attn_q.input_scale", 0, NULL, 0, NULL },
	{ CONTEXT, NULL, 97, NULL, -EDOM, "context of 97 positions, the model has 96" },
	{ CONTEXT, NULL, 33, NULL, 0, NULL },
	{ NO_TENSOR, NULL, 0, NULL, -EINVAL, "tensor token_embd.weight: missing" },
	{ NONE, NULL, 0, NULL, 0, NULL },
};

static int try_gguf(struct gguf_writer *w, const struct compile_options *base, char *msg)
{
	struct compile_options o = *base;
	struct compile_result r;
	uint8_t *data;
	size_t size;
	int ret;

	assert_int_equal(gguf_writer_finish(w, &data, &size), 0);
	o.model = "model";
	o.data = data;
	o.size = size;
	ret = compile_model(&o, &r);
	strcpy(msg, r.model.diag.msg);
	compile_free(&r);
	free(data);
	gguf_writer_free(w);
	return ret;
}

static void test_refusals(void **state)
{
	static const int64_t ne[1] = { 16 };
	static const float zeros[16];
	char msg[DIAG_MSG_BYTES];
	struct gguf_writer w;
	size_t i;
	int ret;

	(void)state;
	for (i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		struct compile_options o = { .chip = compile_chip("default") };

		if (refusals[i].change == ARCH) {
			gguf_writer_init(&w);
			gguf_write_str(&w, "general.architecture", refusals[i].text);
		} else {
			put_keys(&w, &llama);
			if (refusals[i].change != NO_TENSOR)
				put_tensors(&w, &llama);
		}
		if (refusals[i].change == KEY_U32)
			gguf_write_u32(&w, refusals[i].name, (uint32_t)refusals[i].value);
		if (refusals[i].change == KEY_F32)
			gguf_write_f32(&w, refusals[i].name, (float)refusals[i].value);
		if (refusals[i].change == KEY_BOOL)
			gguf_write_bool(&w, refusals[i].name, refusals[i].value != 0);
		if (refusals[i].change == KEY_STR)
			gguf_write_str(&w, refusals[i].name, refusals[i].text);
		if (refusals[i].change == TENSOR)
			gguf_write_tensor(&w, refusals[i].name, GGML_TYPE_F32, 1, ne, zeros,
					  sizeof(zeros));
		if (refusals[i].change == CONTEXT)
			o.context = (uint32_t)refusals[i].value;
		ret = try_gguf(&w, &o, msg);
		if (ret != refusals[i].ret)
			fail_msg("case %zu: %d (%s), expected %d", i, ret, msg, refusals[i].ret);
		if (refusals[i].says && !strstr(msg, refusals[i].says))
			fail_msg("case %zu: \"%s\" does not say \"%s\"", i, msg, refusals[i].says);
	}
}

/* Keys that contradict the tensors, or make no sense. */
static void test_shapes(void **state)
{
	static const struct {
		uint32_t layers, heads, kv, head_size;
		const char *says;
	} cases[] = {
		{ 3, 4, 2, 0, "tensor blk.2.attn_norm.weight: missing" },
		{ 2, 4, 4, 0, "tensor blk.0.attn_k.weight: shape 64 x 32, expected 64 x 64" },
		{ 2, 4, 3, 0, "head_count_kv: 3 does not divide head_count 4" },
		{ 2, 4, 8, 0, "head_count_kv: 8, supported: 1 to 4" },
		{ 2, 4, 2, 15, "rope.dimension_count: 15, supported: even" },
		{ 2, 4, 2, 65536, "attention.key_length: 65536, supported: 1 to 65535" },
		{ 5000, 4, 2, 0, "block_count: 5000, supported: 1 to 4096" },
	};
	char msg[DIAG_MSG_BYTES];
	struct gguf_writer w;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct compile_options o = { .chip = compile_chip("default") };

		with(cases[i].layers, cases[i].heads, cases[i].kv, cases[i].head_size);
		changed.rope_dims = cases[i].head_size == 15 ? 15 : 12;
		put_keys(&w, &changed);
		put_tensors(&w, &llama);
		assert_int_equal(try_gguf(&w, &o, msg), -EINVAL);
		if (!strstr(msg, cases[i].says))
			fail_msg("case %zu: \"%s\" does not say \"%s\"", i, msg, cases[i].says);
	}
}

/* The same sections, whatever made them. */
static void same_section(const struct built *a, const struct built *b, uint32_t type)
{
	const void *p, *q;
	size_t n, k;

	assert_int_equal(ig1_image_section(a->img, type, 0, &p, &n), 0);
	assert_int_equal(ig1_image_section(b->img, type, 0, &q, &k), 0);
	assert_int_equal(n, k);
	assert_memory_equal(p, q, n);
}

/*
 * Layers that predict further tokens are behind the others, whole ones and with tensors of their own:
 * the image is that of the model without them.
 */
static void test_predicting_layers(void **state)
{
	static const int64_t ne[1] = { 64 };
	static const float zeros[64];
	struct built a, b = { 0 };
	struct compile_options o = { .model = "model",
				     .chip = compile_chip("default"),
				     .out = b.path };
	struct synth_model s = llama;
	struct compile_result r;
	char err[IG1_IMAGE_ERR];
	struct gguf_writer w;

	(void)state;
	s.ff_step = 32; /* the keys are arrays of all layers */
	build(&a, &s, PASS_FORMAT_KEEP);
	s.layers += 2;
	put_keys(&w, &s);
	put_tensors(&w, &s);
	gguf_write_u32(&w, "llama.nextn_predict_layers", 2);
	gguf_write_tensor(&w, "blk.3.nextn.enorm.weight", GGML_TYPE_F32, 1, ne, zeros,
			  sizeof(zeros));
	assert_int_equal(gguf_writer_finish(&w, &b.gguf, &b.gguf_bytes), 0);
	gguf_writer_free(&w);
	test_template(b.path, sizeof(b.path), "compile");
	close(mkstemp(b.path));
	o.data = b.gguf;
	o.size = b.gguf_bytes;
	if (compile_model(&o, &r))
		fail_msg("%s", r.model.diag.msg);
	assert_int_equal(r.n_left_out, 1);
	/* norms, q, k, v with their biases, o, feed-forward: 12 of a layer */
	assert_int_equal(r.left_out[0].tensors, 2 * 12 + 1);
	compile_free(&r);
	assert_int_equal(ig1_image_open(b.path, &b.img, err), 0);
	same_section(&a, &b, IG1_SEC_ROM);
	same_section(&a, &b, IG1_SEC_CROM);
	same_section(&a, &b, IG1_SEC_TENSORS);
	same_section(&a, &b, IG1_SEC_PROGRAM);
	same_section(&a, &b, IG1_SEC_GRAPH);
	drop(&a);
	drop(&b);
}

struct watched {
	uint64_t calls[2], last[2], total[2];
	bool bad;
};

static void watch(struct watched *w, int i, uint64_t done, uint64_t total)
{
	w->bad |= done > total || (w->calls[i] && total != w->total[i]);
	w->calls[i]++;
	w->last[i] = done;
	w->total[i] = total;
}

static void watch_check(void *ctx, uint64_t done, uint64_t total)
{
	/* before anything is written */
	((struct watched *)ctx)->bad |= ((struct watched *)ctx)->calls[1] != 0;
	watch(ctx, 0, done, total);
}

static void watch_step(void *ctx, uint64_t done, uint64_t total)
{
	watch(ctx, 1, done, total);
}

/* Both of the stages that read all weights say how far they are. */
static void test_progress(void **state)
{
	struct watched w = { 0 };
	struct built b = { 0 };
	struct compile_options o = { .model = "model",
				     .chip = compile_chip("default"),
				     .progress = { &w, watch_check, watch_step } };
	struct synth_model s = qwen;
	struct compile_result r;

	(void)state;
	s.vocab = 30000; /* 7 MB of F32 */
	assert_int_equal(synth_build(&s, &b.gguf, &b.gguf_bytes), 0);
	o.data = b.gguf;
	o.size = b.gguf_bytes;
	o.format = PASS_FORMAT_KEEP;
	test_template(b.path, sizeof(b.path), "compile");
	close(mkstemp(b.path));
	o.out = b.path;
	if (compile_model(&o, &r))
		fail_msg("%s", r.model.diag.msg);
	assert_null(r.model.progress);
	assert_false(w.bad);
	/* q4_0 and q8_0 of each matrix are looked at: 7 of a layer and the embedding */
	assert_true(w.calls[0] >= 2 * (3 * 7 + 1) && w.calls[1] >= 1);
	assert_true(w.last[0] > 30000 * 60 * 4 && w.total[0] > w.last[0]);
	assert_true(w.total[1] == r.model.meta.rom_bytes);
	compile_free(&r);
	unlink(b.path);
	free(b.gguf);
}

/* What does not fit the chip, with numbers; the context it proposes does fit. */
static void test_limits(void **state)
{
	struct ig1_config chip = *compile_chip("small");
	struct compile_options o = { .chip = &chip };
	char msg[DIAG_MSG_BYTES];
	struct gguf_writer w;
	struct synth_model s = qwen;
	const char *p;

	(void)state;
	chip.rom_bytes = 20000;
	put_keys(&w, &s);
	put_tensors(&w, &s);
	if (try_gguf(&w, &o, msg) != -ENOSPC)
		fail_msg("%s", msg);
	assert_non_null(strstr(msg, "weight ROM: needs "));
	assert_non_null(strstr(msg, "chip `small` has 20000; one layer alone is larger"));
	chip.rom_bytes = strtoull(strstr(msg, "needs ") + strlen("needs "), NULL, 10) * 3 / 4;
	put_keys(&w, &s);
	put_tensors(&w, &s);
	assert_int_equal(try_gguf(&w, &o, msg), -ENOSPC);
	if (!strstr(msg, "; 2 such chips in a row would hold it (layers 0") ||
	    !strstr(msg, "), or 2 side by side"))
		fail_msg("%s", msg);

	chip = *compile_chip("small");
	s.context = 200000; /* the table of rotations is the limit */
	put_keys(&w, &s);
	put_tensors(&w, &s);
	if (try_gguf(&w, &o, msg) != -ENOSPC)
		fail_msg("%s", msg);
	p = strstr(msg, "the largest --ctx that fits is ");
	if (!p || !strstr(msg, "constant ROM: needs "))
		fail_msg("%s", msg);
	o.context = (uint32_t)strtoul(p + strlen("the largest --ctx that fits is "), NULL, 10);
	assert_true(o.context > 100000);
	put_keys(&w, &s);
	put_tensors(&w, &s);
	/* now the scores are */
	if (try_gguf(&w, &o, msg) != -ENOSPC)
		fail_msg("%s", msg);
	p = strstr(msg, "the largest --ctx that fits is ");
	if (!p || !strstr(msg, "scratch: needs "))
		fail_msg("%s", msg);
	o.context = (uint32_t)strtoul(p + strlen("the largest --ctx that fits is "), NULL, 10);
	assert_true(o.context > 5000);
	put_keys(&w, &s);
	put_tensors(&w, &s);
	assert_int_equal(try_gguf(&w, &o, msg), 0);
	o.context += 32;
	put_keys(&w, &s);
	put_tensors(&w, &s);
	if (try_gguf(&w, &o, msg) != -ENOSPC)
		fail_msg("%s", msg);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kept),	    cmocka_unit_test(test_requantised),
		cmocka_unit_test(test_constants),   cmocka_unit_test(test_table),
		cmocka_unit_test(test_description), cmocka_unit_test(test_deterministic),
		cmocka_unit_test(test_refusals),    cmocka_unit_test(test_shapes),
		cmocka_unit_test(test_limits),	    cmocka_unit_test(test_predicting_layers),
		cmocka_unit_test(test_progress),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("compile", tests, NULL, NULL);
}
