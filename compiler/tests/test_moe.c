// SPDX-License-Identifier: MIT
/*
 * Mixtures of experts: of the weight ROM a step reads the dense part once and the chosen experts of
 * every column, counted by the chip; and what files about experts are refused.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/quant/ggml_types.h"
#include "compiler/tests/gguf_walk.h"
#include "compiler/tests/gguf_writer.h"
#include "compiler/tests/model_run.h"
#include "tests/models/forward64.h"
#include "tests/models/nmse.h"
#include "tests/models/shapes.h"
#include "tests/models/synth_ssm.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define STEPS	      5u

static bool has(struct gguf_str s, const char *part)
{
	return memmem(s.ptr, s.len, part, strlen(part)) != NULL;
}

static bool ends(struct gguf_str s, const char *end)
{
	size_t n = strlen(end);

	return s.len >= n && !memcmp(s.ptr + s.len - n, end, n);
}

/* Bytes of 32 weights of a type in ROM. */
static uint64_t block_bytes(uint32_t type)
{
	switch (type) {
	case GGML_TYPE_Q4_0:
	case GGML_TYPE_MXFP4:
		return 18;
	case GGML_TYPE_Q4_K:
		return 24;
	case GGML_TYPE_Q6_K:
		return 32;
	default:
		return 34;
	}
}

/* Bytes of n rows of a tensor in ROM. */
static uint64_t rows_bytes(const struct gguf_tensor *t, uint64_t n)
{
	return n * (((uint64_t)t->ne[0] + 31) / 32) * block_bytes(t->type);
}

/* What is read once for a step and for each column; what all experts are together. */
struct part {
	uint64_t step, column, all;
};

/* What the sum is made of, of either kind of description. */
struct model {
	const char *name;
	uint32_t experts, used, vocab;
	bool tied, single;
	uint32_t turned_cols, turned_rows, kept_rows; /* of attn_kv_b, whose first half is turned */
};

/* Constants of state space layers; names as they stand behind "blk.N.". */
static bool is_constant(struct gguf_str name)
{
	return has(name, "_inp.") || has(name, "_inp_shexp.") || has(name, "ssm_conv1d.") ||
	       has(name, "ssm_norm.") || ends(name, ".ssm_a") || ends(name, ".ssm_d") ||
	       ends(name, ".bias");
}

static struct part parts_of(const struct model *s, const struct gguf_file *f)
{
	struct part p = { 0 };
	size_t i;

	for (i = 0; i < gguf_n_tensors(f); i++) {
		const struct gguf_tensor *t = gguf_tensor(f, i);
		uint64_t rows = t->elements / (uint64_t)t->ne[0];
		bool single = s->single && (has(t->name, "ffn_gate.") || has(t->name, "ffn_up.") ||
					    has(t->name, "ffn_down."));

		if (t->n_dims < 2 || is_constant(t->name))
			continue;
		if (ends(t->name, "token_embd.weight")) {
			p.column += rows_bytes(t, 1);
			p.step += s->tied ? rows_bytes(t, rows) : 0;
		} else if (has(t->name, "attn_kv_b.")) {
			/* the half that makes keys is turned, head by head */
			struct gguf_tensor k = { .ne = { s->turned_cols } };

			p.step += rows_bytes(&k, s->turned_rows);
			p.step += rows_bytes(t, s->kept_rows);
		} else if (has(t->name, "_exps.") || single) {
			p.all += rows_bytes(t, rows);
		} else {
			p.step += rows_bytes(t, rows);
		}
	}
	p.column += p.all / s->experts * s->used;
	return p;
}

static void check_rom_bytes(const struct model *s, const uint8_t *data, size_t size,
			    const char *chip)
{
	struct compile_options o = { .chip = compile_chip(chip) };
	uint32_t tokens[8], pos[8], out[8 * STEPS], n, i;
	struct model_run r;
	struct gguf_file *f;
	struct part p;
	float *logits;
	uint64_t got;

	assert_int_equal(gguf_open_mem(data, size, &f, NULL), 0);
	p = parts_of(s, f);
	gguf_close(f);
	assert_true(p.column > 0 && p.step > 0);
	o.data = data;
	o.size = size;
	if (model_open(&r, &o, 8))
		fail_msg("%s: %s", s->name, r.err);
	logits = calloc(8ull * r.mf->vocab, sizeof(*logits));
	assert_non_null(logits);
	for (i = 0; i < 8; i++) {
		tokens[i] = (i * 37 + 5) % s->vocab;
		pos[i] = 0;
	}
	for (n = 1; n <= r.mf->max_cols && n <= 8; n++) {
		assert_int_equal(model_prefill(&r, 0, 0, tokens, n, logits), 0);
		got = r.done.counters[IG1_CTR_ROM_BYTES];
		if (got != p.step + n * p.column)
			fail_msg("%s, chip %s, prefill of %u: %llu bytes of ROM, expected %llu",
				 s->name, chip, n, (unsigned long long)got,
				 (unsigned long long)(p.step + n * p.column));
		if (model_decode(&r, 0, pos, tokens, n, STEPS, UINT32_MAX, out, NULL) < 0)
			fail_msg("%s", r.err);
		got = r.done.counters[IG1_CTR_ROM_BYTES];
		if (got != STEPS * (p.step + n * p.column))
			fail_msg("%s, chip %s, decode of %u: %llu bytes of ROM, expected %llu",
				 s->name, chip, n, (unsigned long long)got,
				 (unsigned long long)(STEPS * (p.step + n * p.column)));
	}
	if (!strcmp(chip, "default"))
		print_message(
			"# %-20s %2u of %2u experts: a token reads %llu bytes of ROM, with all "
			"experts %llu\n",
			s->name, s->used, s->experts, (unsigned long long)(p.step + p.column),
			(unsigned long long)(p.step + p.column + p.all -
					     p.all * s->used / s->experts));
	free(logits);
	model_close(&r);
}

static void check_model(const struct model *s, uint8_t *data, size_t size)
{
	check_rom_bytes(s, data, size, "default");
	check_rom_bytes(s, data, size, "small");
	free(data);
}

static void test_rom_bytes(void **state)
{
	size_t i, n = 0, hybrids = 0, size;
	uint8_t *data;

	(void)state;
	for (i = 0; i < n_shapes; i++) {
		const struct synth_model *d = &shapes[i];
		const struct model s = { .name = d->name,
					 .experts = d->experts,
					 .used = d->used,
					 .vocab = d->vocab,
					 .tied = d->tied,
					 .single = d->expert_files == SYNTH_SINGLE,
					 .turned_cols = d->mla_plain,
					 .turned_rows = d->heads * d->mla_rank,
					 .kept_rows = d->heads * d->mla_value };

		if (!d->experts)
			continue;
		assert_int_equal(synth_build(d, &data, &size), 0);
		check_model(&s, data, size);
		n++;
	}
	assert_true(n > 4);
	for (i = 0; i < n_ssm_shapes; i++) {
		const struct synth_ssm *d = &ssm_shapes[i];
		const struct model s = {
			.name = d->name, .experts = d->experts, .used = d->used, .vocab = d->vocab
		};

		if (!d->experts)
			continue;
		assert_int_equal(synth_ssm_build(d, &data, &size), 0);
		check_model(&s, data, size);
		hybrids++;
	}
	assert_true(hybrids > 5);
}

/* --- refusals -------------------------------------------------------------------------------- */

enum change { U32, F32, MISSING, EXTRA, NONE };

static const struct {
	const char *arch;
	enum change change;
	const char *name;
	double value;
	int ret;
	const char *says;
} refusals[] = {
	{ "qwen3moe", NONE, "", 0, 0, NULL },
	{ "qwen3moe", U32, "expert_count", 0, -EINVAL,
	  "key qwen3moe.expert_count: 0, supported: 1 to 4096" },
	{ "qwen3moe", U32, "expert_count", 5000, -EINVAL, "key qwen3moe.expert_count: 5000" },
	{ "qwen3moe", U32, "expert_count", 7, -EINVAL,
	  "tensor blk.0.ffn_gate_inp.weight: shape 64 x 6, expected 64 x 7" },
	{ "qwen3moe", MISSING, "expert_count", 0, -EINVAL, "key qwen3moe.expert_count: missing" },
	{ "qwen3moe", MISSING, "expert_used_count", 0, -EINVAL,
	  "key qwen3moe.expert_used_count: missing" },
	{ "qwen3moe", U32, "expert_used_count", 0, -EINVAL,
	  "key qwen3moe.expert_used_count: 0, supported: 1 to 6" },
	{ "qwen3moe", U32, "expert_used_count", 7, -EINVAL,
	  "key qwen3moe.expert_used_count: 7, supported: 1 to 6" },
	{ "qwen3moe", U32, "expert_feed_forward_length", 0, -EINVAL,
	  "key qwen3moe.expert_feed_forward_length: 0" },
	{ "qwen3moe", U32, "expert_feed_forward_length", 33, -EINVAL,
	  "tensor blk.0.ffn_gate_exps.weight: shape 64 x 32 x 6 x 1, expected 64 x 33 x 6" },
	{ "qwen3moe", U32, "expert_gating_func", 1, 0, NULL },
	{ "qwen3moe", U32, "expert_gating_func", 2, -ENOTSUP,
	  "key qwen3moe.expert_gating_func: 2, supported: 1 (softmax)" },
	{ "qwen3moe", U32, "expert_gating_func", 4, -ENOTSUP,
	  "key qwen3moe.expert_gating_func: 4, supported: 1 (softmax)" },
	{ "qwen3moe", F32, "expert_weights_scale", 0, 0, NULL },
	{ "qwen3moe", F32, "expert_weights_scale", 1, 0, NULL },
	{ "qwen3moe", F32, "expert_weights_scale", 2.5, -ENOTSUP,
	  "key qwen3moe.expert_weights_scale: 2.5, supported for qwen3moe: 0, 1" },
	{ "qwen2moe", F32, "expert_weights_scale", 2.5, -ENOTSUP,
	  "key qwen2moe.expert_weights_scale: 2.5" },
	{ "llama", F32, "expert_weights_scale", 0.5, -ENOTSUP,
	  "key llama.expert_weights_scale: 0.5" },
	{ "deepseek2", F32, "expert_weights_scale", 2.5, 0, NULL },
	{ "qwen3moe", MISSING, "blk.1.ffn_gate_inp.weight", 0, -EINVAL,
	  "tensor blk.1.ffn_gate_inp.weight: missing" },
	{ "qwen3moe", MISSING, "blk.1.ffn_up_exps.weight", 0, -EINVAL,
	  "tensor blk.1.ffn_up_exps.weight: missing" },
	{ "qwen3moe", MISSING, "blk.0.ffn_down_exps.weight", 0, -EINVAL,
	  "tensor blk.0.ffn_down_exps.weight: missing" },
	{ "qwen3moe", EXTRA, "blk.0.exp_probs_b.bias", 0, -ENOTSUP,
	  "tensor blk.0.exp_probs_b.bias: not part of a supported qwen3moe model" },
	{ "qwen3moe", EXTRA, "blk.0.ffn_gate_exps.scale", 0, -EINVAL,
	  "tensor blk.0.ffn_gate_exps.scale: shape 8 x 1, expected 6 x 1" },
	{ "qwen3moe", EXTRA, "blk.0.ffn_down_exps.input_scale", 0, 0, NULL },
	{ "gpt-oss", EXTRA, "blk.0.ffn_gate_exps.scale", 0, -ENOTSUP,
	  "tensor blk.0.ffn_gate_exps.scale: not part" },
	{ "qwen2moe", MISSING, "blk.0.ffn_gate_inp_shexp.weight", 0, -EINVAL,
	  "tensor blk.0.ffn_gate_inp_shexp.weight: missing" },
	{ "qwen2moe", U32, "expert_shared_feed_forward_length", 41, -EINVAL,
	  "tensor blk.0.ffn_gate_shexp.weight: shape 64 x 64, expected 64 x 41" },
	/* old files: the feed-forward's length, of 64, is the shared expert's, and two experts' */
	{ "qwen2moe", MISSING, "expert_shared_feed_forward_length", 0, 0, NULL },
	{ "qwen2moe", MISSING, "expert_feed_forward_length", 0, 0, NULL },
	{ "qwen3moe", MISSING, "expert_feed_forward_length", 0, -EINVAL,
	  "tensor blk.0.ffn_gate_exps.weight: shape 64 x 32 x 6 x 1, expected 64 x 24 x 6" },
	{ "afmoe", MISSING, "expert_feed_forward_length", 0, -EINVAL,
	  "key afmoe.expert_feed_forward_length: missing" },
	{ "qwen2moe", MISSING, "blk.1.attn_v.bias", 0, -EINVAL,
	  "tensor blk.1.attn_v.bias: missing" },
	{ "afmoe", NONE, "", 0, 0, NULL },
	{ "afmoe", U32, "expert_gating_func", 4, -ENOTSUP,
	  "key afmoe.expert_gating_func: 4, supported: 1 (softmax), 2 (sigmoid), 3" },
	{ "afmoe", MISSING, "blk.0.attn_gate.weight", 0, -EINVAL,
	  "tensor blk.0.attn_gate.weight: missing" },
	{ "gpt-oss", NONE, "", 0, 0, NULL },
	{ "gpt-oss", MISSING, "attention.sliding_window", 0, -EINVAL,
	  "key gpt-oss.attention.sliding_window: missing" },
	{ "gpt-oss", MISSING, "blk.0.ffn_gate_exps.bias", 0, -EINVAL,
	  "tensor blk.0.ffn_gate_exps.bias: missing" },
	{ "gpt-oss", MISSING, "blk.0.ffn_gate_inp.bias", 0, -EINVAL,
	  "tensor blk.0.ffn_gate_inp.bias: missing" },
	{ "gpt-oss", MISSING, "blk.1.attn_output.bias", 0, -EINVAL,
	  "tensor blk.1.attn_output.bias: missing" },
	{ "gpt-oss", MISSING, "blk.0.attn_k.bias", 0, -EINVAL,
	  "tensor blk.0.attn_k.bias: missing" },
	{ "gpt-oss", MISSING, "blk.1.attn_sinks.weight", 0, -EINVAL,
	  "tensor blk.1.attn_sinks.weight: missing" },
	{ "deepseek2", NONE, "", 0, 0, NULL },
	{ "deepseek2", U32, "expert_group_count", 4, -EINVAL,
	  "key deepseek2.expert_group_used_count: 0, supported: 1 to 4" },
	{ "deepseek2", MISSING, "attention.kv_lora_rank", 0, -EINVAL,
	  "key deepseek2.attention.kv_lora_rank: missing" },
	{ "deepseek2", U32, "attention.head_count_kv", 2, -ENOTSUP,
	  "key deepseek2.attention.head_count_kv: 2, supported: 1" },
	{ "deepseek2", MISSING, "blk.0.attn_k_b.weight", 0, -EINVAL,
	  "tensor blk.0.attn_k_b.weight: missing" },
	{ "deepseek2", U32, "attention.key_length_mla", 16, -EINVAL,
	  "key deepseek2.rope.dimension_count: 16" },
	{ "deepseek2", MISSING, "attention.key_length_mla", 0, -ENOTSUP,
	  "key deepseek2.attention.head_count_kv: 1, supported: head_count, 4, without" },
	{ "afmoe", U32, "attention.value_length", 8, -ENOTSUP,
	  "key afmoe.attention.value_length: 8, supported: key_length, 16" },
	{ "llama", NONE, "", 0, 0, NULL },
	{ "llama", U32, "expert_used_count", 9, -EINVAL,
	  "key llama.expert_used_count: 9, supported: 1 to 6" },
	{ "llama", U32, "expert_count", 0, -EINVAL, "key llama.expert_count: 0" },
	{ "llama", MISSING, "expert_count", 0, -EINVAL, "key llama.expert_count: 0" },
};

static bool is_key(const char *arch, struct gguf_str key, const char *name)
{
	char full[96];

	snprintf(full, sizeof(full), "%s.%s", arch, name);
	return gguf_str_eq(key, full);
}

/* The file again, with keys that are numbers and texts only, and the change. */
static void copy_changed(const struct gguf_file *f, size_t k, struct gguf_writer *w)
{
	const char *arch = refusals[k].arch, *name = refusals[k].name;
	static const float zeros[8];
	const int64_t ne[1] = { 8 };
	char text[128];
	size_t i;

	gguf_writer_init(w);
	for (i = 0; i < gguf_n_kv(f); i++) {
		const struct gguf_kv *kv = gguf_kv(f, i);
		struct gguf_str s;
		uint32_t u;
		float v;

		if (is_key(arch, kv->key, name) && refusals[k].change != NONE)
			continue;
		snprintf(text, sizeof(text), "%.*s", (int)kv->key.len, kv->key.ptr);
		if (!gguf_get_u32(f, text, &u, NULL))
			gguf_write_u32(w, text, u);
		else if (!gguf_get_f32(f, text, &v, NULL))
			gguf_write_f32(w, text, v);
		else if (!gguf_get_str(f, text, &s, NULL))
			gguf_write_strn(w, text, s.ptr, s.len);
	}
	snprintf(text, sizeof(text), "%s.%s", arch, name);
	if (refusals[k].change == U32)
		gguf_write_u32(w, text, (uint32_t)refusals[k].value);
	if (refusals[k].change == F32)
		gguf_write_f32(w, text, (float)refusals[k].value);
	for (i = 0; i < gguf_n_tensors(f); i++) {
		const struct gguf_tensor *t = gguf_tensor(f, i);

		if (gguf_str_eq(t->name, name))
			continue;
		snprintf(text, sizeof(text), "%.*s", (int)t->name.len, t->name.ptr);
		gguf_write_tensor(w, text, t->type, t->n_dims, t->ne, t->data, t->size);
	}
	if (refusals[k].change == EXTRA)
		gguf_write_tensor(w, name, GGML_TYPE_F32, 1, ne, zeros, sizeof(zeros));
}

static void test_refusals(void **state)
{
	struct synth_model s = { .layers = 2,
				 .width = 64,
				 .heads = 4,
				 .kv_heads = 2,
				 .ff = 48,
				 .vocab = 70,
				 .context = 96,
				 .eps = 1e-5f,
				 .experts = 6,
				 .used = 2,
				 .expert_ff = 32,
				 .type = GGML_TYPE_Q8_0,
				 .seed = 1 };
	size_t k;

	(void)state;
	for (k = 0; k < ARRAY_SIZE(refusals); k++) {
		struct compile_options o = { .model = "model", .chip = compile_chip("default") };
		struct compile_result r;
		struct gguf_writer w;
		struct gguf_file *f;
		uint8_t *data, *changed;
		size_t size;
		int ret;

		s.arch = refusals[k].arch;
		s.shared_ff = strcmp(s.arch, "qwen2moe") ? 0 : 64;
		s.ff = strcmp(s.arch, "qwen2moe") ? 48 : 64;
		s.expert_ff = strcmp(s.arch, "llama") ? 32 : 0;
		s.bias = SYNTH_BIAS_QKV | SYNTH_BIAS_O;
		s.sinks = !strcmp(s.arch, "gpt-oss");
		s.window = s.sinks ? 32 : 0;
		if (!strcmp(s.arch, "deepseek2")) {
			s.kv_heads = 1;
			s.head_size = 48;
			s.rope_dims = 16;
			s.mla_rank = 32;
			s.mla_plain = 16;
			s.mla_value = 16;
		} else {
			s.kv_heads = 2;
			s.head_size = 0;
			s.rope_dims = 0;
		}
		assert_int_equal(synth_build(&s, &data, &size), 0);
		assert_int_equal(gguf_open_mem(data, size, &f, NULL), 0);
		copy_changed(f, k, &w);
		assert_int_equal(gguf_writer_finish(&w, &changed, &size), 0);
		gguf_writer_free(&w);
		gguf_close(f);
		o.data = changed;
		o.size = size;
		ret = compile_model(&o, &r);
		if (ret != refusals[k].ret)
			fail_msg("case %zu, %s %s: %d (%s), expected %d", k, s.arch,
				 refusals[k].name, ret, r.model.diag.msg, refusals[k].ret);
		if (refusals[k].says && !strstr(r.model.diag.msg, refusals[k].says))
			fail_msg("case %zu: \"%s\" does not say \"%s\"", k, r.model.diag.msg,
				 refusals[k].says);
		compile_free(&r);
		free(changed);
		free(data);
	}
}

/* Positions of a prompt whose logits are those of the double precision pass; tie: its least distance. */
static double against(const float *got, const uint8_t *data, size_t size,
		      enum forward64_numbers numbers, const uint32_t *tokens, double *tie)
{
	struct nmse s = { 0 };
	double *want, ties[8];
	struct forward64 *m;
	size_t n, i;

	assert_int_equal(forward64_open_mem(data, size, numbers, &m, NULL), 0);
	n = 8 * forward64_vocab(m);
	want = calloc(n, sizeof(*want));
	assert_non_null(want);
	assert_int_equal(forward64_run(m, (const int32_t *)tokens, 8, want, ties), 0);
	nmse_add(&s, got, want, n);
	for (*tie = 0.5, i = 0; i < 8; i++)
		*tie = ties[i] < *tie ? ties[i] : *tie;
	free(want);
	forward64_close(m);
	return nmse_get(&s);
}

/* On a chip whose constant ROM is too small for them, routers are matrices like others. */
static void check_rom_routers(const struct synth_model *shape)
{
	struct ig1_config chip = *compile_chip("small");
	struct synth_model s = *shape;
	double int8 = 1, tie = 0;
	uint32_t tokens[8], i;
	char *data = NULL;
	size_t size;

	chip.crom_bytes = 70000;
	for (i = 0; i < 8; i++)
		tokens[i] = (i * 37 + 5) % s.vocab;
	/* ties as in tests/models: another seed has to do */
	for (i = 0; i < 24 && !(int8 < 1e-10); i++, s.seed++) {
		struct compile_options o = { .chip = &chip };
		struct model_run r;
		const struct ir_op *op;
		float *logits = calloc(8ull * s.vocab, sizeof(*logits));
		uint32_t n = 0;

		assert_non_null(logits);
		assert_int_equal(synth_build(&s, (uint8_t **)&data, &size), 0);
		o.data = (const uint8_t *)data;
		o.size = size;
		if (model_open(&r, &o, 1))
			fail_msg("%s: %s", s.name, r.err);
		for (op = r.built.model.first; op; op = op->next)
			n += op->kind == IR_DOTS && op->width == s.experts;
		assert_int_equal(n, 0);
		assert_int_equal(model_prompt(&r, 0, tokens, 8, r.mf->max_cols, logits), 0);
		int8 = against(logits, o.data, size, FORWARD64_INT8_ROUTERS, tokens, &tie);
		if (!(int8 < 1e-10) && tie > 2e-4)
			fail_msg("%s: NMSE %g, nearest tie %g", s.name, int8, tie);
		/* and not those of exact ones */
		if (int8 < 1e-10)
			assert_true(against(logits, o.data, size, FORWARD64_INT8, tokens, &tie) >
				    1e-9);
		model_close(&r);
		free(logits);
		free(data);
	}
	assert_true(int8 < 1e-10);
	print_message("# %-20s routers in the weight ROM: NMSE %.0e\n", s.name, int8);
}

static void test_rom_routers(void **state)
{
	static const char *const names[] = { "qwen3moe-64x8", "qwen2moe-12x4", "gpt-oss",
					     "deepseek2-groups" };
	size_t i, k, n = 0;

	(void)state;
	for (i = 0; i < n_shapes; i++) {
		for (k = 0; k < ARRAY_SIZE(names); k++) {
			if (strcmp(shapes[i].name, names[k]))
				continue;
			check_rom_routers(&shapes[i]);
			n++;
		}
	}
	assert_int_equal(n, ARRAY_SIZE(names));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rom_bytes),
		cmocka_unit_test(test_rom_routers),
		cmocka_unit_test(test_refusals),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("moe", tests, NULL, NULL);
}
