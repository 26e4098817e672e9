// SPDX-License-Identifier: MIT
/* config.json of a GGUF model, and its files. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/quant/ggml_types.h"
#include "compiler/tests/hf_from_gguf.h"

void *hf_must(void *p)
{
	if (!p)
		abort();
	return p;
}

json_t *hf_text(struct gguf_str s)
{
	return hf_must(json_stringn(s.ptr, s.len));
}

void hf_put_json(struct hf_folder *d, const char *name, json_t *j)
{
	char *s = hf_must(json_dumps(j, JSON_INDENT(1)));

	hf_put_text(d, name, s);
	free(s);
	json_decref(j);
}

static const char *full(const struct hf_from *c, const char *key, char buf[96])
{
	snprintf(buf, 96, "%s.%s", c->arch, key);
	return buf;
}

static uint32_t u32(const struct hf_from *c, const char *key, uint32_t otherwise)
{
	char name[96];

	gguf_get_u32(c->f, full(c, key, name), &otherwise, NULL);
	return otherwise;
}

/* The usual numbers; those of the class come after them. */
static const struct hf_value usual[] = {
	{ "max_position_embeddings", "context_length", 'u' },
	{ "hidden_size", "embedding_length", 'u' },
	{ "num_hidden_layers", "block_count", 'u' },
	{ "intermediate_size", "feed_forward_length", 'u' },
	{ "num_attention_heads", "attention.head_count", 'u' },
	{ "num_key_value_heads", "attention.head_count_kv", 'u' },
	{ "head_dim", "attention.key_length", 'u' },
	{ "vocab_size", "vocab_size", 'u' },
	{ "rms_norm_eps", "attention.layer_norm_rms_epsilon", 'f' },
	{ "rope_theta", "rope.freq_base", 'f' },
	{ NULL, NULL, 0 },
};

static const struct hf_value yarn[] = {
	{ "factor", "rope.scaling.factor", 'f' },
	{ "beta_fast", "rope.scaling.yarn_beta_fast", 'f' },
	{ "beta_slow", "rope.scaling.yarn_beta_slow", 'f' },
	{ "original_max_position_embeddings", "rope.scaling.original_context_length", 'u' },
	{ NULL, NULL, 0 },
};

/* Numbers that are lists in the GGUF file are left to others, absent flags are false. */
static void put_values(const struct hf_from *c, json_t *to, const struct hf_value *v)
{
	char name[96];
	uint32_t n;
	float f;
	bool b;

	for (; v->json; v++) {
		full(c, v->key, name);
		if (v->type == 'z')
			json_object_set_new(to, v->json, json_integer(u32(c, v->key, 0)));
		else if (v->type == 'u' && !gguf_get_u32(c->f, name, &n, NULL))
			json_object_set_new(to, v->json, json_integer(n));
		else if (strchr("fo", v->type) && !gguf_get_f32(c->f, name, &f, NULL))
			json_object_set_new(to, v->json, json_real((double)f));
		else if (v->type == 'o')
			json_object_set_new(to, v->json, json_integer(1));
		else if (v->type == 'b') {
			b = false;
			gguf_get_bool(c->f, name, &b, NULL);
			json_object_set_new(to, v->json, json_boolean(b));
		}
	}
}

static json_t *floats(const struct hf_from *c, const char *tensor)
{
	const struct gguf_tensor *t = gguf_find_tensor(c->f, tensor);
	json_t *list = json_array();
	uint64_t i;
	float v;

	for (i = 0; t && i < t->elements; i++) {
		memcpy(&v, t->data + 4 * i, sizeof(v));
		json_array_append_new(list, json_real((double)v));
	}
	return list;
}

static void put_scaling(const struct hf_from *c)
{
	bool factors = gguf_find_tensor(c->f, "rope_factors_long.weight");
	struct gguf_str type = { "longrope", 8 };
	float factor = 1, attn, log_mult;
	char name[96];
	json_t *j;

	if (!factors && gguf_get_str(c->f, full(c, "rope.scaling.type", name), &type, NULL))
		return;
	j = json_object();
	json_object_set_new(j, "rope_type", hf_text(type));
	put_values(c, j, yarn);
	gguf_get_f32(c->f, full(c, "rope.scaling.factor", name), &factor, NULL);
	if (!gguf_get_f32(c->f, full(c, "rope.scaling.attn_factor", name), &attn, NULL))
		json_object_set_new(
			j, "attention_factor",
			json_real(factors ? (double)attn : (double)attn * (1 + 0.1 * log(factor))));
	if (!gguf_get_f32(c->f, full(c, "rope.scaling.yarn_log_multiplier", name), &log_mult,
			  NULL)) {
		json_object_set_new(j, "mscale", json_real(10 * (double)log_mult));
		json_object_set_new(j, "mscale_all_dim", json_real(10 * (double)log_mult));
	}
	if (factors) {
		json_object_set_new(j, "long_factor", floats(c, "rope_factors_long.weight"));
		json_object_set_new(j, "short_factor", floats(c, "rope_factors_short.weight"));
	}
	json_object_set_new(c->config, "rope_scaling", j);
}

static bool is(const struct hf_from *c, const char *arch)
{
	return !strcmp(c->arch, arch);
}

/* What follows from several keys. */
static void put_derived(const struct hf_from *c)
{
	uint32_t inner = u32(c, "ssm.inner_size", 0), rank = u32(c, "ssm.time_step_rank", 0);
	uint32_t width = u32(c, "embedding_length", 0);
	uint32_t rot = u32(c, "rope.dimension_count", 0), head = u32(c, "attention.key_length", 0);
	json_t *j = c->config;

	if (is(c, "deepseek2")) {
		json_object_set_new(j, "qk_nope_head_dim",
				    json_integer(u32(c, "attention.key_length_mla", 0) - rot));
		json_object_set_new(
			j, "scoring_func",
			json_string(u32(c, "expert_gating_func", 1) == 2 ? "sigmoid" : "softmax"));
	} else if (is(c, "afmoe") && u32(c, "expert_gating_func", 0)) {
		json_object_set_new(
			j, "score_func",
			json_string(u32(c, "expert_gating_func", 0) == 2 ? "sigmoid" : "softmax"));
	} else if (is(c, "gemma2") || is(c, "gemma3")) {
		json_object_set_new(j, "query_pre_attn_scalar",
				    json_integer(head ? head : width / c->heads));
	} else if (is(c, "phi3") && rot) {
		head = head ? head : width / c->heads;
		json_object_set_new(j, "partial_rotary_factor", json_real((double)rot / head));
	} else if (is(c, "mamba2")) {
		json_object_set_new(j, "head_dim", json_integer(inner / rank));
	} else if (is(c, "granitehybrid")) {
		json_object_set_new(j, "mamba_d_head", json_integer(inner / rank));
	} else if (!strncmp(c->arch, "nemotron_h", 10)) {
		json_object_set_new(j, "mamba_head_dim", json_integer(inner / rank));
	} else if (is(c, "jamba")) {
		/* the description has a whole number */
		if (inner % width)
			abort();
		json_object_set_new(j, "mamba_expand", json_integer(inner / width));
	} else if (c->v_heads) {
		json_object_set_new(j, "linear_value_head_dim", json_integer(c->value));
	}
	if (is(c, "granitemoe") || is(c, "granite") || is(c, "granitehybrid")) {
		/* they always are in the config */
		static const char *const ones[] = { "embedding_multiplier", "residual_multiplier",
						    "logits_scaling" };
		size_t i;

		for (i = 0; i < 3; i++) {
			if (!json_object_get(j, ones[i]))
				json_object_set_new(j, ones[i], json_integer(1));
		}
		head = head ? head : width / c->heads;
		if (!json_object_get(j, "attention_multiplier"))
			json_object_set_new(j, "attention_multiplier",
					    json_real(1 / sqrt((double)head)));
	}
}

/* OpenELM has lists, and factors for lengths. */
static void put_lists(struct hf_from *c)
{
	static const struct hf_value lists[] = { { "num_query_heads", "attention.head_count", 0 },
						 { "num_kv_heads", "attention.head_count_kv", 0 },
						 { "ffn_multipliers", "feed_forward_length", 0 } };
	uint32_t *v = hf_must(calloc(c->layers, sizeof(*v))), i, k;
	double width = u32(c, "embedding_length", 1);
	char name[96];

	for (k = 0; k < 3; k++) {
		json_t *list = json_array();

		gguf_get_u32_layers(c->f, full(c, lists[k].key, name), c->layers, v, NULL);
		for (i = 0; i < c->layers; i++)
			json_array_append_new(list,
					      k < 2 ? json_integer(v[i]) : json_real(v[i] / width));
		json_object_set_new(c->config, lists[k].json, list);
	}
	free(v);
}

/* Layers of hybrids: by a list of words, Nemotron's by a string. */
static void put_layers(struct hf_from *c)
{
	uint32_t *kv = hf_must(calloc(c->layers, sizeof(*kv))), i;
	uint32_t *ff = hf_must(calloc(c->layers, sizeof(*ff)));
	struct gguf_arr a;
	char name[96], *letters;
	json_t *list;

	if (gguf_get_arr(c->f, full(c, "attention.head_count_kv", name), &a, NULL))
		goto out;
	gguf_get_u32_layers(c->f, name, c->layers, kv, NULL);
	gguf_get_u32_layers(c->f, full(c, "feed_forward_length", name), c->layers, ff, NULL);
	letters = hf_must(calloc(c->layers + 1, 1));
	list = json_array();
	for (i = 0; i < c->layers; i++) {
		if (kv[i])
			c->kv_heads = kv[i];
		snprintf(name, sizeof(name), "blk.%u.ffn_gate_inp.weight", i);
		letters[i] = kv[i] ? '*' : gguf_find_tensor(c->f, name) ? 'E' : ff[i] ? '-' : 'M';
		json_array_append_new(list, json_string(kv[i] ? "attention" : "mamba"));
		if (ff[i])
			json_object_set_new(c->config, "intermediate_size", json_integer(ff[i]));
	}
	json_object_set_new(c->config, "num_key_value_heads", json_integer(c->kv_heads));
	if (!strncmp(c->arch, "nemotron_h", 10))
		json_object_set_new(c->config, "hybrid_override_pattern", json_string(letters));
	else
		json_object_set(c->config, "layers_block_type", list);
	json_decref(list);
	free(letters);
out:
	free(kv);
	free(ff);
}

static void make_config(struct hf_from *c)
{
	char extra[1024];
	struct gguf_str s;
	json_t *j;

	snprintf(extra, sizeof(extra), "{%s}", c->class->extra);
	c->config = hf_must(json_loads(extra, 0, NULL));
	/* what the other key says then does not matter */
	if (is(c, "falcon-h1") && !gguf_find_tensor(c->f, "blk.0.ssm_norm.weight")) {
		json_object_set_new(c->config, "mamba_rms_norm", json_false());
		json_object_set_new(c->config, "mamba_norm_before_gate", json_true());
	}
	j = c->config;
	json_object_set_new(j, "architectures", json_pack("[s]", c->class->class));
	/* a window is Mistral's, which is the same but for that */
	if (!strcmp(c->class->class, "LlamaForCausalLM") && u32(c, "attention.sliding_window", 0))
		json_object_set_new(j, "architectures", json_pack("[s]", "MistralForCausalLM"));
	json_object_set_new(j, "model_type", json_string(c->arch));
	if (!gguf_get_str(c->f, "general.name", &s, NULL))
		json_object_set_new(j, "_name_or_path", hf_text(s));
	put_values(c, j, usual);
	put_values(c, j, c->class->values);
	json_object_set_new(j, "tie_word_embeddings",
			    json_boolean(!gguf_find_tensor(c->f, "output.weight")));
	put_derived(c);
	if (is(c, "openelm"))
		put_lists(c);
	else
		put_layers(c);
	put_scaling(c);
}

static void write_tensors(struct hf_from *c, unsigned int shards)
{
	size_t n = gguf_n_tensors(c->f), i, k = 0;
	char file[64];

	c->map = json_object();
	for (i = 0; i < n; i++) {
		snprintf(file, sizeof(file), "model-%05zu-of-%05u.safetensors", k + 1, shards);
		c->file = file;
		hf_write_tensor(c, gguf_tensor(c->f, i));
		if (i + 1 < n * (k + 1) / shards)
			continue;
		hf_finish_file(c->d, shards > 1 ? file : "model.safetensors");
		k++;
	}
	if (shards > 1)
		hf_put_json(c->d, "model.safetensors.index.json",
			    json_pack("{s:{s:i},s:O}", "metadata", "total_size", 1, "weight_map",
				      c->map));
	json_decref(c->map);
}

static void begin(struct hf_from *c)
{
	struct gguf_str s;

	if (gguf_get_str(c->f, "general.architecture", &s, NULL) || s.len >= sizeof(c->arch))
		abort();
	memcpy(c->arch, s.ptr, s.len);
	c->class = hf_must((void *)hf_class_of(c->arch, u32(c, "expert_count", 0) != 0));
	c->layers = u32(c, "block_count", 0);
	c->heads = u32(c, "attention.head_count", 1);
	c->kv_heads = u32(c, "attention.head_count_kv", c->heads);
	if (!strncmp(c->arch, "qwen3next", 9) || !strncmp(c->arch, "qwen35", 6)) {
		c->k_heads = u32(c, "ssm.group_count", 1);
		c->v_heads = u32(c, "ssm.time_step_rank", 1);
		c->key = u32(c, "ssm.state_size", 1);
		c->value = u32(c, "ssm.inner_size", 1) / c->v_heads;
	}
}

void hf_from_gguf(struct hf_folder *d, const struct gguf_file *f, unsigned int shards)
{
	struct hf_from c = { .d = d, .f = f };

	*d = (struct hf_folder){ 0 };
	begin(&c);
	make_config(&c);
	write_tensors(&c, shards);
	hf_put_json(d, "config.json", c.config);
	hf_write_tokenizer(&c, shards > 1);
}

void hf_make_exact(const struct gguf_file *f)
{
	struct hf_from c = { .f = f };
	size_t i;

	begin(&c);
	for (i = 0; i < gguf_n_tensors(f); i++) {
		const struct gguf_tensor *t = gguf_tensor(f, i);
		const struct hf_name *n;
		const char *suffix;
		char name[64] = "";
		int layer, turns;
		uint64_t k;

		memcpy(name, t->name.ptr, t->name.len);
		n = hf_name_of(c.class, name, &layer, &suffix);
		for (k = 0; n && k < t->elements && t->type == GGML_TYPE_F32; k++) {
			float v;

			memcpy(&v, t->data + 4 * k, sizeof(v));
			for (turns = 0; turns < 4; turns++) {
				if (n->undo == MINUS_1)
					v = (v - 1.0f) + 1.0f;
				else if (n->undo == LOG_OF_MINUS || n->undo == UNTILED_LOG)
					v = (float)-exp((double)(float)log(-(double)v));
			}
			memcpy((uint8_t *)t->data + 4 * k, &v, sizeof(v));
		}
	}
}
