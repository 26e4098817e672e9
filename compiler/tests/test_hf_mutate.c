// SPDX-License-Identifier: MIT
/*
 * Damaged model folders: test_hf_mutate [COUNT [SEED]] damages config.json, tokenizer files, indexes
 * and safetensors of folders made here, opens them, walks what is accepted and compiles what makes a
 * graph. Nothing may crash, and every refusal says why; worth running under the sanitizers.
 * The damage is done to bytes and, so that it gets beyond the JSON parser, to numbers and words.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "compiler/compile.h"
#include "compiler/frontends/frontend.h"
#include "compiler/frontends/hf.h"
#include "compiler/quant/ggml_types.h"
#include "compiler/tests/gguf_walk.h"
#include "compiler/tests/hf_writer.h"
#include "compiler/tests/test_folder.h"
#include "tests/models/synth.h"
#include "tests/models/synth_ssm.h"

static const struct synth_model specs[] = {
	{ .name = "m1",
	  .arch = "llama",
	  .layers = 2,
	  .width = 32,
	  .heads = 4,
	  .kv_heads = 2,
	  .ff = 40,
	  .vocab = 280,
	  .context = 64,
	  .bias = SYNTH_BIAS_ALL,
	  .scaling = "yarn",
	  .factor = 4,
	  .original = 32,
	  .eps = 1e-5f,
	  .type = GGML_TYPE_BF16,
	  .seed = 1 },
	{ .name = "m2",
	  .arch = "qwen3",
	  .layers = 1,
	  .width = 36,
	  .heads = 3,
	  .kv_heads = 1,
	  .ff = 40,
	  .vocab = 270,
	  .context = 64,
	  .head_size = 12,
	  .tied = true,
	  .eps = 1e-5f,
	  .type = GGML_TYPE_F32,
	  .seed = 2 },
};

#define N_SPECS (sizeof(specs) / sizeof(specs[0]))

/* Of synth_ssm.c, for their conversions. */
static const char *const recurrent[] = { "nemotron_h-plain", "falcon-h1-plain", "qwen3next-plain",
					 "qwen35-parts",     "rwkv6-odd",	"rwkv7-odd" };

#define N_RECURRENT (sizeof(recurrent) / sizeof(recurrent[0]))

/*
 * Classes whose tensors are converted in other ways: config, then tensors as "name dtype sizes".
 * Opened and walked only; there need not be a front end.
 */
static const char *const exotic[][16] = {
	{ "{\"architectures\":[\"DeepseekV3ForCausalLM\"],\"max_position_embeddings\":64,"
	  "\"hidden_size\":8,\"num_hidden_layers\":1,\"intermediate_size\":6,\"rms_norm_eps\":1e-6,"
	  "\"num_attention_heads\":2,\"kv_lora_rank\":4,\"qk_nope_head_dim\":3,"
	  "\"qk_rope_head_dim\":2,\"v_head_dim\":5,\"first_k_dense_replace\":0,\"hidden_act\":"
	  "\"silu\",\"n_routed_experts\":2,\"num_experts_per_tok\":1,\"moe_intermediate_size\":3,"
	  "\"rope_scaling\":{\"type\":\"yarn\",\"factor\":40,\"mscale\":1.0,\"mscale_all_dim\":1.0}}",
	  "model.embed_tokens.weight BF16 5 8", "model.norm.weight F32 8",
	  "model.layers.0.self_attn.kv_b_proj.weight BF16 16 4",
	  "model.layers.0.mlp.experts.0.up_proj.weight F16 3 8",
	  "model.layers.0.mlp.experts.1.up_proj.weight F16 3 8",
	  "model.layers.1.eh_proj.weight F16 3 8" },
	{ "{\"architectures\":[\"GptOssForCausalLM\"],\"max_position_embeddings\":64,"
	  "\"hidden_size\":8,\"num_hidden_layers\":1,\"intermediate_size\":6,\"rms_norm_eps\":1e-6,"
	  "\"num_attention_heads\":2,\"head_dim\":4,\"num_local_experts\":2,\"hidden_act\":\"silu\","
	  "\"num_experts_per_tok\":1,\"sliding_window\":128,\"quantization_config\":{"
	  "\"quant_method\":\"mxfp4\"},\"layer_types\":[\"sliding_attention\"]}",
	  "model.embed_tokens.weight BF16 5 8", "model.norm.weight F32 8",
	  "model.layers.0.mlp.experts.gate_up_proj_blocks U8 2 6 2 16",
	  "model.layers.0.mlp.experts.gate_up_proj_scales U8 2 6 2",
	  "model.layers.0.mlp.experts.gate_up_proj_bias BF16 2 6",
	  "model.layers.0.mlp.experts.down_proj_blocks U8 2 8 1 16",
	  "model.layers.0.mlp.experts.down_proj_scales U8 2 8 1" },
	{ "{\"architectures\":[\"Mamba2ForCausalLM\"],\"hidden_size\":8,\"num_hidden_layers\":1,"
	  "\"num_heads\":4,\"head_dim\":4,\"state_size\":3,\"n_groups\":2,\"conv_kernel\":4}",
	  "backbone.embeddings.weight F32 5 8", "backbone.layers.0.mixer.A_log F32 4",
	  "backbone.layers.0.mixer.D BF16 4", "backbone.layers.0.mixer.conv1d.weight F32 28 1 4",
	  "backbone.layers.0.mixer.norm.weight F32 16" },
	{ "{\"architectures\":[\"GraniteMoeForCausalLM\"],\"max_position_embeddings\":64,"
	  "\"hidden_size\":8,\"num_hidden_layers\":1,\"intermediate_size\":6,\"rms_norm_eps\":1e-6,"
	  "\"num_attention_heads\":2,\"num_local_experts\":2,\"num_experts_per_tok\":1,"
	  "\"embedding_multiplier\":12,\"attention_multiplier\":0.5,\"residual_multiplier\":0.25,"
	  "\"logits_scaling\":8.0,\"hidden_act\":\"silu\"}",
	  "model.embed_tokens.weight F32 5 8", "model.layers.0.self_attn.q_proj.weight F32 8 8",
	  "model.layers.0.self_attn.q_proj.bias F32 8",
	  "model.layers.0.block_sparse_moe.input_linear.weight BF16 2 6 8" },
	{ "{\"architectures\":[\"GPT2LMHeadModel\"],\"n_positions\":16,\"n_embd\":8,\"n_layer\":1,"
	  "\"n_head\":2,\"layer_norm_epsilon\":1e-5,\"activation_function\":\"gelu_new\"}",
	  "transformer.wte.weight F16 5 8", "transformer.h.0.attn.c_attn.weight F16 8 24",
	  "transformer.h.0.attn.c_attn.bias F16 24" },
	{ "{\"architectures\":[\"Gemma3ForCausalLM\"],\"max_position_embeddings\":64,\"hidden_size\":8,"
	  "\"num_hidden_layers\":2,\"intermediate_size\":6,\"num_attention_heads\":2,"
	  "\"rms_norm_eps\":1e-6,\"layer_types\":[\"full_attention\",\"sliding_attention\"],"
	  "\"rope_scaling\":{\"rope_type\":\"linear\",\"factor\":8}}",
	  "model.embed_tokens.weight BF16 5 8", "model.norm.weight BF16 8",
	  "model.layers.0.self_attn.q_norm.weight BF16 4", "lm_head.weight BF16 5 8" },
	{ "{\"architectures\":[\"LlamaForCausalLM\"],\"max_position_embeddings\":64,\"hidden_size\":8,"
	  "\"num_hidden_layers\":1,\"intermediate_size\":6,\"num_attention_heads\":2,"
	  "\"rms_norm_eps\":1e-6,\"hidden_act\":\"silu\",\"quantization_config\":{"
	  "\"quant_method\":\"fp8\",\"weight_block_size\":[3,5]}}",
	  "model.embed_tokens.weight BF16 5 8",
	  "model.layers.0.self_attn.q_proj.weight F8_E4M3 8 8",
	  "model.layers.0.self_attn.q_proj.weight_scale_inv F32 3 2",
	  "model.layers.0.mlp.up_proj.weight F8_E4M3 6 8",
	  "model.layers.0.mlp.up_proj.weight_scale_inv BF16 2 2" },
	{ "{\"architectures\":[\"LlamaForCausalLM\"],\"max_position_embeddings\":64,\"hidden_size\":8,"
	  "\"num_hidden_layers\":1,\"intermediate_size\":6,\"num_attention_heads\":2,"
	  "\"rms_norm_eps\":1e-6,\"hidden_act\":\"silu\",\"quantization_config\":{"
	  "\"quant_method\":\"compressed-tensors\",\"format\":\"pack-quantized\","
	  "\"config_groups\":{\"group_0\":{\"weights\":{\"block_structure\":[3,5]}}}}}",
	  "model.embed_tokens.weight BF16 5 8",
	  "model.layers.0.self_attn.q_proj.weight_packed I32 8 2",
	  "model.layers.0.self_attn.q_proj.weight_shape I32 2",
	  "model.layers.0.self_attn.q_proj.weight_scale BF16 8 4",
	  "model.layers.0.self_attn.q_proj.weight_zero_point I32 1 4",
	  "model.layers.0.self_attn.q_proj.weight_g_idx I32 16",
	  "model.layers.0.self_attn.v_proj.weight_packed I32 8 4",
	  "model.layers.0.self_attn.v_proj.weight_shape I32 2",
	  "model.layers.0.self_attn.v_proj.weight_scale F32 8 1",
	  "model.layers.0.mlp.up_proj.weight F8_E5M2 6 8",
	  "model.layers.0.mlp.up_proj.weight_scale F32 2 2",
	  "model.layers.0.mlp.gate_proj.weight I8 6 8",
	  "model.layers.0.mlp.gate_proj.weight_scale F32 2 2" },
};

/* Text parts: of each spec one. */
static const struct hf_wrapping wrappings[] = {
	{ "LlavaForConditionalGeneration", "llama", "language_model.model.", "language_model." },
	{ "Qwen3VLForConditionalGeneration", "qwen3_vl_text", "model.language_model.", "" },
};

#define N_EXOTIC  (sizeof(exotic) / sizeof(exotic[0]))

#define N_FOLDERS (3 * N_SPECS + N_EXOTIC + N_RECURRENT)

/* A folder of a model in memory, which goes. */
static int make_folder(struct hf_folder *d, uint8_t *data, size_t size, unsigned int shards)
{
	struct gguf_file *f;

	if (gguf_open_mem(data, size, &f, NULL))
		return -1;
	hf_from_gguf(d, f, shards);
	gguf_close(f);
	free(data);
	return 0;
}

static int make_recurrent(struct hf_folder *d, const char *name)
{
	uint8_t *data;
	size_t size, i;

	for (i = 0; i < n_ssm_shapes && strcmp(ssm_shapes[i].name, name); i++)
		;
	if (i == n_ssm_shapes || synth_ssm_build(&ssm_shapes[i], &data, &size))
		return -1;
	return make_folder(d, data, size, 1);
}

static void make_exotic(struct hf_folder *d, const char *const *lines)
{
	static const uint8_t zeros[4096];
	static const uint32_t packed[] = { 8, 16 }; /* every NAME_shape */
	size_t i;

	*d = (struct hf_folder){ 0 };
	hf_put_text(d, "config.json", lines[0]);
	for (i = 1; i < 16 && lines[i]; i++) {
		unsigned long long shape[5] = { 0 };
		uint64_t sizes[5] = { 0 };
		char name[128], dtype[8];
		size_t bytes, k;

		sscanf(lines[i], "%127s %7s %llu %llu %llu %llu", name, dtype, &shape[0], &shape[1],
		       &shape[2], &shape[3]);
		bytes = dtype[1] == '3' ? 4 : dtype[1] == '8' ? 1 : 2;
		for (k = 0; shape[k]; k++) {
			sizes[k] = shape[k];
			bytes *= shape[k];
		}
		hf_tensor(d, name, dtype, sizes,
			  strstr(name, "_shape") ? (const void *)packed : zeros, bytes);
	}
	hf_finish_file(d, "model.safetensors");
}

static uint64_t state = 1;

static uint64_t below(uint64_t n)
{
	return gguf_random(&state) % n;
}

/* A file as the damage leaves it. */
struct bytes {
	uint8_t *p;
	size_t n;
};

static void replace(struct bytes *b, size_t at, size_t old, const char *with)
{
	size_t n = strlen(with), size = b->n - old + n;
	uint8_t *p = malloc(size ? size : 1);

	if (!p)
		abort();
	memcpy(p, b->p, at);
	memcpy(p + at, with, n);
	memcpy(p + at + n, b->p + at + old, b->n - at - old);
	free(b->p);
	b->p = p;
	b->n = size;
}

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

/* The next number after a random place becomes another one. */
static void damage_number(struct bytes *b)
{
	static const char *const odd[] = { "0",		 "1",
					   "-1",	 "2",
					   "31",	 "255",
					   "65535",	 "65536",
					   "2147483647", "4294967295",
					   "4294967296", "9223372036854775807",
					   "1e30",	 "0.5",
					   "null",	 "true",
					   "\"x\"",	 "[]",
					   "{}",	 "-9223372036854775808",
					   "3",		 "64",
					   "Infinity",	 "-Infinity",
					   "NaN",	 "1000000000000000019884624838656" };
	size_t at = below(b->n), n;

	while (at < b->n && !is_digit(b->p[at]))
		at++;
	for (n = 0; at + n < b->n && is_digit(b->p[at + n]); n++)
		;
	if (n)
		replace(b, at, n, odd[below(sizeof(odd) / sizeof(odd[0]))]);
}

/* A quoted word, a key or a value, becomes another. */
static void damage_word(struct bytes *b)
{
	static const char *const words[] = { "F16",
					     "BF16",
					     "U8",
					     "F8_E4M3",
					     "BPE",
					     "Unigram",
					     "ByteLevel",
					     "Metaspace",
					     "Sequence",
					     "Split",
					     "yarn",
					     "llama3",
					     "longrope",
					     "linear",
					     "default",
					     "MixtralForCausalLM",
					     "Gemma2ForCausalLM",
					     "MambaForCausalLM",
					     "Mamba2ForCausalLM",
					     "GptOssForCausalLM",
					     "DeepseekV3ForCausalLM",
					     "GPT2LMHeadModel",
					     "AfmoeForCausalLM",
					     "JambaForCausalLM",
					     "FalconH1ForCausalLM",
					     "NemotronHForCausalLM",
					     "Qwen3NextForCausalLM",
					     "Rwkv6ForCausalLM",
					     "hybrid_override_pattern",
					     "Qwen2ForCausalLM",
					     "head_dim",
					     "num_local_experts",
					     "I32",
					     "I8",
					     "F8_E5M2",
					     "text_config",
					     "model_type",
					     "qwen3_vl_text",
					     "gemma3_text",
					     "compressed-tensors",
					     "pack-quantized",
					     "int-quantized",
					     "model.norm_shape",
					     "vocab",
					     "rope_scaling",
					     "model.norm.weight",
					     "",
					     "<s>",
					     "../x",
					     "layer_types" };
	const uint8_t *q, *end = b->p + b->n;
	size_t at = below(b->n), n;

	q = memchr(b->p + at, '"', b->n - at);
	if (!q)
		return;
	at = (size_t)(q - b->p) + 1;
	q = memchr(b->p + at, '"', (size_t)(end - b->p) - at);
	if (!q)
		return;
	n = (size_t)(q - b->p) - at;
	if (n < 128)
		replace(b, at, n, words[below(sizeof(words) / sizeof(words[0]))]);
}

static void damage(struct bytes *b, bool safetensors)
{
	size_t limit = b->n, at;

	if (b->n < 16)
		return;
	/* of safetensors nearly always the header */
	if (safetensors && below(16)) {
		uint64_t header;

		memcpy(&header, b->p, 8);
		if (header + 8 < limit)
			limit = (size_t)header + 8;
	}
	switch (below(6)) {
	case 0:
		b->p[below(limit)] ^= (uint8_t)(1 << below(8));
		break;
	case 1:
		b->p[below(limit)] = (uint8_t)below(256);
		break;
	case 2:
		b->n = below(4) ? below(limit) : below(b->n);
		break;
	case 3:
		at = below(safetensors ? 8 : limit);
		b->p[at] = (uint8_t)below(256);
		break;
	case 4:
		if (!safetensors)
			damage_word(b);
		else
			b->p[8 + below(limit - 8)] = (uint8_t)('0' + below(10));
		break;
	default:
		if (!safetensors)
			damage_number(b);
		else
			b->p[8 + below(limit - 8)] = "[]{}\",:-."[below(9)];
	}
}

struct tally {
	uint64_t refused, accepted, built, compiled, silent;
};

static char dir[64];

/* The whole compiler takes it or says why not. */
static void compile(const struct gguf_part *files, size_t n, struct tally *t)
{
	struct compile_options o = { .model = dir, .chip = compile_chip("small") };
	struct hf_folder d = { .n = n };
	struct compile_result r;
	char name[512];
	size_t i;
	int ret;

	memcpy(d.file, files, n * sizeof(*files));
	if (hf_write_folder(&d, dir))
		abort();
	ret = compile_model(&o, &r);
	t->compiled += !ret;
	if (ret && !r.model.diag.msg[0]) {
		t->silent++;
		printf("# not compiled, without a message\n");
	}
	compile_free(&r);
	for (i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "%s/%s", dir, files[i].name);
		unlink(name);
	}
}

/* The front end takes it (true) or says why not. */
static bool build(const struct gguf_file *f, struct tally *t)
{
	struct ir_model m;
	int ret;

	ir_init(&m);
	ret = fe_build(&m, f, 0);
	if (!ret)
		ret = ir_verify(&m);
	t->built += !ret;
	t->silent += ret && !m.diag.msg[0];
	ir_free(&m);
	return !ret;
}

static void run_one(const struct hf_folder *d, struct tally *t)
{
	struct gguf_part files[HF_MAX_FILES];
	struct bytes b[HF_MAX_FILES];
	struct gguf_error err = { 0 };
	struct gguf_file *f;
	size_t i, k;

	for (i = 0; i < d->n; i++) {
		b[i] = (struct bytes){ malloc(d->file[i].size ? d->file[i].size : 1),
				       d->file[i].size };
		if (!b[i].p)
			abort();
		memcpy(b[i].p, d->file[i].data, d->file[i].size);
	}
	for (k = below(3) + 1; k; k--) {
		i = below(d->n);
		damage(&b[i], strstr(d->file[i].name, ".safetensors") &&
				      !strstr(d->file[i].name, ".json"));
	}
	for (i = 0; i < d->n; i++) {
		/* of exactly its size, so that sanitizers see its end */
		uint8_t *p = malloc(b[i].n ? b[i].n : 1);

		if (!p)
			abort();
		memcpy(p, b[i].p, b[i].n);
		free(b[i].p);
		files[i] = (struct gguf_part){ d->file[i].name, p, b[i].n };
	}
	if (hf_open_files(files, d->n, &f, &err)) {
		t->refused++;
		if (!err.msg[0]) {
			t->silent++;
			printf("# refused without a message\n");
		}
	} else {
		t->accepted++;
		gguf_walk(f);
		if (build(f, t))
			compile(files, d->n, t);
		gguf_close(f);
	}
	for (i = 0; i < d->n; i++)
		free((void *)files[i].data);
}

int main(int argc, char **argv)
{
	unsigned long count = argc > 1 ? strtoul(argv[1], NULL, 0) : 10000, i;
	struct hf_folder folders[N_FOLDERS];
	struct tally t = { 0 };

	state = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
	test_template(dir, sizeof(dir), "hf-mutate");
	if (!mkdtemp(dir))
		return 1;
	printf("1..1\n");
	fflush(stdout);
	for (i = 0; i < 2 * N_SPECS; i++) {
		uint8_t *data;
		size_t size;

		if (synth_build(&specs[i / 2], &data, &size) ||
		    make_folder(&folders[i], data, size, 1 + 2 * (i % 2)))
			return 1;
		hf_put_text(&folders[i], "generation_config.json", "{\"eos_token_id\":[2,5]}");
	}
	for (; i < 3 * N_SPECS; i++) {
		uint8_t *data;
		size_t size;

		if (synth_build(&specs[i - 2 * N_SPECS], &data, &size) ||
		    make_folder(&folders[i], data, size, 1 + (unsigned int)i % 2))
			return 1;
		hf_wrap(&folders[i], &wrappings[i - 2 * N_SPECS]);
	}
	for (; i < N_FOLDERS; i++) {
		struct hf_folder *d = &folders[i];
		struct gguf_error err = { 0 };
		struct gguf_file *f;

		if (i < 3 * N_SPECS + N_EXOTIC)
			make_exotic(d, exotic[i - 3 * N_SPECS]);
		else if (make_recurrent(d, recurrent[i - 3 * N_SPECS - N_EXOTIC]))
			return 1;
		if (hf_open_files(d->file, d->n, &f, &err)) {
			printf("# %s\nnot ok 1 - an undamaged folder is refused\n", err.msg);
			return 1;
		}
		gguf_close(f);
	}
	for (i = 0; i < count; i++)
		run_one(&folders[below(N_FOLDERS)], &t);
	for (i = 0; i < N_FOLDERS; i++)
		hf_folder_free(&folders[i]);
	rmdir(dir);
	printf("# %lu damaged folders: %llu refused, %llu opened, %llu of them made a graph, %llu "
	       "were compiled\n",
	       count, (unsigned long long)t.refused, (unsigned long long)t.accepted,
	       (unsigned long long)t.built, (unsigned long long)t.compiled);
	i = t.silent || !t.refused || !t.built || !t.compiled;
	printf("%sok 1 - damaged folders\n", i ? "not " : "");
	return i ? 1 : 0;
}
