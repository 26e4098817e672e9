// SPDX-License-Identifier: MIT
#include "compiler/tests/hf_writer.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/quant/ggml_types.h"

static void *must(void *p)
{
	if (!p)
		abort();
	return p;
}

void hf_folder_free(struct hf_folder *d)
{
	size_t i;

	for (i = 0; i < d->n; i++) {
		free((void *)d->file[i].name);
		free((void *)d->file[i].data);
	}
	free(d->header);
	free(d->data);
	*d = (struct hf_folder){ 0 };
}

void hf_remove(struct hf_folder *d, const char *name)
{
	size_t i;

	for (i = 0; i < d->n; i++) {
		if (strcmp(d->file[i].name, name))
			continue;
		free((void *)d->file[i].name);
		free((void *)d->file[i].data);
		d->file[i] = d->file[--d->n];
		return;
	}
}

void hf_put(struct hf_folder *d, const char *name, const void *data, size_t n)
{
	uint8_t *copy = must(malloc(n ? n : 1));

	if (n)
		memcpy(copy, data, n);
	hf_remove(d, name);
	if (d->n == HF_MAX_FILES)
		abort();
	d->file[d->n++] = (struct gguf_part){ must(strdup(name)), copy, n };
}

void hf_put_text(struct hf_folder *d, const char *name, const char *text)
{
	hf_put(d, name, text, strlen(text));
}

const struct gguf_part *hf_find(const struct hf_folder *d, const char *name)
{
	size_t i;

	for (i = 0; i < d->n; i++) {
		if (!strcmp(d->file[i].name, name))
			return &d->file[i];
	}
	return NULL;
}

static void append(void *buf, size_t *size, size_t *room, const void *p, size_t n)
{
	uint8_t **b = buf;

	while (*size + n > *room) {
		*room = *room ? 2 * *room : 4096;
		*b = must(realloc(*b, *room));
	}
	if (n)
		memcpy(*b + *size, p, n);
	*size += n;
}

static void add_text(struct hf_folder *d, const char *fmt, ...)
{
	char buf[512];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	append(&d->header, &d->header_size, &d->header_room, buf, (size_t)n);
}

void hf_tensor(struct hf_folder *d, const char *name, const char *dtype, const uint64_t *shape,
	       const void *data, size_t bytes)
{
	size_t begin = d->data_size, i;

	add_text(d, "%s\"%s\":{\"dtype\":\"%s\",\"shape\":[",
		 d->header_size ? "," : "{\"__metadata__\":{\"format\":\"pt\"},", name, dtype);
	for (i = 0; shape[i]; i++)
		add_text(d, "%s%llu", i ? "," : "", (unsigned long long)shape[i]);
	add_text(d, "],\"data_offsets\":[%zu,%zu]}", begin, begin + bytes);
	append(&d->data, &d->data_size, &d->data_room, data, bytes);
}

void hf_finish_file(struct hf_folder *d, const char *name)
{
	uint8_t *all;
	uint64_t n;

	add_text(d, d->header_size ? "}" : "{}");
	while (d->header_size % 8)
		add_text(d, " ");
	n = d->header_size;
	all = must(malloc(8 + d->header_size + d->data_size));
	memcpy(all, &n, 8);
	memcpy(all + 8, d->header, d->header_size);
	if (d->data_size)
		memcpy(all + 8 + d->header_size, d->data, d->data_size);
	hf_put(d, name, all, 8 + d->header_size + d->data_size);
	free(all);
	d->header_size = 0;
	d->data_size = 0;
}

int hf_write_folder(const struct hf_folder *d, const char *path)
{
	char name[512];
	size_t i;
	FILE *f;

	for (i = 0; i < d->n; i++) {
		snprintf(name, sizeof(name), "%s/%s", path, d->file[i].name);
		f = fopen(name, "wb");
		if (!f)
			return -1;
		if (fwrite(d->file[i].data, 1, d->file[i].size, f) != d->file[i].size) {
			fclose(f);
			return -1;
		}
		if (fclose(f))
			return -1;
	}
	return 0;
}

/* ---- from GGUF ---- */

struct from {
	struct hf_folder *d;
	const struct gguf_file *f;
	char arch[32];
	uint32_t heads, kv_heads;
};

static uint32_t u32(const struct from *c, const char *key, uint32_t otherwise)
{
	char name[96];

	snprintf(name, sizeof(name), "%s.%s", c->arch, key);
	gguf_get_u32(c->f, name, &otherwise, NULL);
	return otherwise;
}

static void copy_u32(const struct from *c, json_t *to, const char *name, const char *key)
{
	uint32_t v = u32(c, key, 0);

	if (v)
		json_object_set_new(to, name, json_integer(v));
}

static void copy_f32(const struct from *c, json_t *to, const char *name, const char *key)
{
	char full[96];
	float v;

	snprintf(full, sizeof(full), "%s.%s", c->arch, key);
	if (!gguf_get_f32(c->f, full, &v, NULL))
		json_object_set_new(to, name, json_real((double)v));
}

static json_t *text(struct gguf_str s)
{
	return must(json_stringn(s.ptr, s.len));
}

static void put_json(struct hf_folder *d, const char *name, json_t *j)
{
	char *s = must(json_dumps(j, JSON_INDENT(1)));

	hf_put_text(d, name, s);
	free(s);
	json_decref(j);
}

static void write_config(struct from *c)
{
	json_t *j = json_object(), *scaling = json_object();
	char key[64], class[64];
	struct gguf_str s;

	snprintf(class, sizeof(class), "%sForCausalLM",
		 !strcmp(c->arch, "llama")   ? "Llama"
		 : !strcmp(c->arch, "qwen2") ? "Qwen2"
					     : "Qwen3");
	json_object_set_new(j, "architectures", json_pack("[s]", class));
	json_object_set_new(j, "model_type", json_string(c->arch));
	if (!gguf_get_str(c->f, "general.name", &s, NULL))
		json_object_set_new(j, "_name_or_path", text(s));
	copy_u32(c, j, "max_position_embeddings", "context_length");
	copy_u32(c, j, "hidden_size", "embedding_length");
	copy_u32(c, j, "num_hidden_layers", "block_count");
	copy_u32(c, j, "intermediate_size", "feed_forward_length");
	copy_u32(c, j, "num_attention_heads", "attention.head_count");
	copy_u32(c, j, "num_key_value_heads", "attention.head_count_kv");
	copy_u32(c, j, "head_dim", "attention.key_length");
	copy_u32(c, j, "vocab_size", "vocab_size");
	copy_f32(c, j, "rms_norm_eps", "attention.layer_norm_rms_epsilon");
	copy_f32(c, j, "rope_theta", "rope.freq_base");
	json_object_set_new(j, "hidden_act", json_string("silu"));
	json_object_set_new(j, "tie_word_embeddings",
			    json_boolean(!gguf_find_tensor(c->f, "output.weight")));
	snprintf(key, sizeof(key), "%s.rope.scaling.type", c->arch);
	if (!gguf_get_str(c->f, key, &s, NULL)) {
		json_object_set_new(scaling, "rope_type", text(s));
		copy_f32(c, scaling, "factor", "rope.scaling.factor");
		copy_f32(c, scaling, "beta_fast", "rope.scaling.yarn_beta_fast");
		copy_f32(c, scaling, "beta_slow", "rope.scaling.yarn_beta_slow");
		copy_u32(c, scaling, "original_max_position_embeddings",
			 "rope.scaling.original_context_length");
		json_object_set(j, "rope_scaling", scaling);
	}
	json_decref(scaling);
	put_json(c->d, "config.json", j);
}

/* "blk.3.attn_q.weight" to "model.layers.3.self_attn.q_proj.weight" */
static void torch_name(const char *gguf, char out[128])
{
	static const char *const names[][2] = {
		{ "attn_norm", "input_layernorm" },    { "attn_q", "self_attn.q_proj" },
		{ "attn_k", "self_attn.k_proj" },      { "attn_v", "self_attn.v_proj" },
		{ "attn_output", "self_attn.o_proj" }, { "attn_q_norm", "self_attn.q_norm" },
		{ "attn_k_norm", "self_attn.k_norm" }, { "ffn_norm", "post_attention_layernorm" },
		{ "ffn_gate", "mlp.gate_proj" },       { "ffn_up", "mlp.up_proj" },
		{ "ffn_down", "mlp.down_proj" },       { "token_embd", "model.embed_tokens" },
		{ "output_norm", "model.norm" },       { "output", "lm_head" },
	};
	const char *base = gguf, *end;
	unsigned int layer = 0;
	int skip = 0;
	size_t i;

	if (sscanf(gguf, "blk.%u.%n", &layer, &skip) == 1)
		base = gguf + skip;
	end = strrchr(base, '.');
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strlen(names[i][0]) != (size_t)(end - base) ||
		    memcmp(names[i][0], base, (size_t)(end - base)))
			continue;
		if (skip)
			snprintf(out, 128, "model.layers.%u.%s%s", layer, names[i][1], end);
		else
			snprintf(out, 128, "%s%s", names[i][1], end);
		return;
	}
	abort();
}

/* PyTorch has the first halves of a head's pairs, then the second ones. */
static void unpermute(uint8_t *data, size_t rows, size_t row_bytes, uint32_t heads)
{
	size_t d = rows / heads, r;
	uint8_t *was = must(malloc(rows * row_bytes));

	memcpy(was, data, rows * row_bytes);
	for (r = 0; r < rows; r++) {
		size_t in = r % d, to = r - in + in % 2 * (d / 2) + in / 2;

		memcpy(data + to * row_bytes, was + r * row_bytes, row_bytes);
	}
	free(was);
}

static void write_tensor(struct from *c, const struct gguf_tensor *t)
{
	const char *dtype = t->type == GGML_TYPE_BF16  ? "BF16"
			    : t->type == GGML_TYPE_F16 ? "F16"
						       : "F32";
	size_t elem = strcmp(dtype, "F32") ? 2 : 4, bytes = t->elements * elem, rows;
	uint8_t *data = must(malloc(bytes));
	uint64_t shape[3] = { 0 };
	char name[64] = "", torch[128];

	memcpy(name, t->name.ptr, t->name.len);
	torch_name(name, torch);
	if (elem == 2 || t->type == GGML_TYPE_F32)
		memcpy(data, t->data, bytes);
	else if (ggml_dequantize_row(t->type, t->data, (float *)data, (int64_t)t->elements))
		abort();
	rows = t->n_dims == 1 ? t->elements : t->elements / (size_t)t->ne[0];
	if (!strcmp(c->arch, "llama") && (strstr(name, "attn_q.") || strstr(name, "attn_k.")))
		unpermute(data, rows, bytes / rows,
			  strstr(name, "attn_q.") ? c->heads : c->kv_heads);
	shape[0] = rows;
	shape[1] = t->n_dims == 1 ? 0 : (uint64_t)t->ne[0];
	hf_tensor(c->d, torch, dtype, shape, data, bytes);
	free(data);
}

static void write_tensors(struct from *c, unsigned int shards)
{
	json_t *map = json_object();
	size_t n = gguf_n_tensors(c->f), i, k = 0;
	char file[64];

	for (i = 0; i < n; i++) {
		char name[64] = "", torch[128];
		const struct gguf_tensor *t = gguf_tensor(c->f, i);

		write_tensor(c, t);
		snprintf(file, sizeof(file), "model-%05zu-of-%05u.safetensors", k + 1, shards);
		memcpy(name, t->name.ptr, t->name.len);
		torch_name(name, torch);
		json_object_set_new(map, torch, json_string(file));
		if (i + 1 < n * (k + 1) / shards)
			continue;
		hf_finish_file(c->d, shards > 1 ? file : "model.safetensors");
		k++;
	}
	if (shards > 1)
		put_json(
			c->d, "model.safetensors.index.json",
			json_pack("{s:{s:i},s:o}", "metadata", "total_size", 1, "weight_map", map));
	else
		json_decref(map);
}

struct pair {
	size_t left, right, merged;
	float score;
};

static int by_score(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;

	if (x->score != y->score)
		return x->score > y->score ? -1 : 1;
	return x->left != y->left ? (x->left > y->left) - (x->left < y->left)
				  : (x->right > y->right) - (x->right < y->right);
}

/* Every way in which a token is two others, best score first: what HF's converters make. */
static json_t *merges(json_t *vocab, const struct gguf_arr *tokens, const struct gguf_arr *scores,
		      const struct gguf_arr *types, int pairs)
{
	struct pair *list = NULL;
	size_t n = 0, room = 0, i, cut;
	json_t *out = json_array();

	for (i = 0; i < tokens->count; i++) {
		struct gguf_str s;
		int64_t type;

		gguf_arr_str(tokens, i, &s);
		gguf_arr_i64(types, i, &type);
		for (cut = 1; type == 1 && cut < s.len; cut++) {
			json_t *l, *r;
			struct pair p = { .merged = i };

			if (((uint8_t)s.ptr[cut] & 0xc0) == 0x80)
				continue;
			l = json_object_getn(vocab, s.ptr, cut);
			r = json_object_getn(vocab, s.ptr + cut, s.len - cut);
			if (!l || !r)
				continue;
			p.left = (size_t)json_integer_value(l);
			p.right = (size_t)json_integer_value(r);
			gguf_arr_f32(scores, i, &p.score);
			append(&list, &n, &room, &p, sizeof(p));
		}
	}
	n /= sizeof(*list);
	if (n)
		qsort(list, n, sizeof(*list), by_score);
	for (i = 0; i < n; i++) {
		struct gguf_str l, r;
		char both[256];

		gguf_arr_str(tokens, list[i].left, &l);
		gguf_arr_str(tokens, list[i].right, &r);
		snprintf(both, sizeof(both), "%.*s %.*s", (int)l.len, l.ptr, (int)r.len, r.ptr);
		json_array_append_new(out, pairs ? json_pack("[o,o]", text(l), text(r))
						 : json_string(both));
	}
	free(list);
	return out;
}

static void write_tokenizer(struct from *c, int pairs)
{
	struct gguf_arr tokens, scores, types;
	json_t *vocab = json_object(), *added = json_array(), *j;
	struct gguf_str s;
	int64_t type;
	size_t i;

	if (gguf_get_arr(c->f, "tokenizer.ggml.tokens", &tokens, NULL) ||
	    gguf_get_arr(c->f, "tokenizer.ggml.scores", &scores, NULL) ||
	    gguf_get_arr(c->f, "tokenizer.ggml.token_type", &types, NULL)) {
		json_decref(vocab);
		json_decref(added);
		return;
	}
	for (i = 0; i < tokens.count; i++) {
		gguf_arr_str(&tokens, i, &s);
		gguf_arr_i64(&types, i, &type);
		json_object_setn_new(vocab, s.ptr, s.len, json_integer((json_int_t)i));
		if (type == 2 || type == 3)
			json_array_append_new(added, json_pack("{s:i,s:o,s:b}", "id", (int)i,
							       "content", text(s), "special", 1));
	}
	j = json_pack("{s:s,s:n,s:{s:s,s:[{s:s,s:s},{s:s,s:{s:s},s:s}]},s:{s:s,s:[{s:{s:s,s:i}},"
		      "{s:{s:s,s:i}}]}}",
		      "version", "1.0", "pre_tokenizer", "normalizer", "type", "Sequence",
		      "normalizers", "type", "Prepend", "prepend", "\xe2\x96\x81", "type",
		      "Replace", "pattern", "String", " ", "content", "\xe2\x96\x81",
		      "post_processor", "type", "TemplateProcessing", "single", "SpecialToken",
		      "id", "<s>", "type_id", 0, "Sequence", "id", "A", "type_id", 0);
	must(j);
	json_object_set(j, "added_tokens", added);
	json_object_set_new(j, "model",
			    json_pack("{s:s,s:b,s:s,s:O,s:o}", "type", "BPE", "byte_fallback", 1,
				      "unk_token", "<unk>", "vocab", vocab, "merges",
				      merges(vocab, &tokens, &scores, &types, pairs)));
	json_decref(added);
	json_decref(vocab);
	put_json(c->d, "tokenizer.json", j);
	put_json(c->d, "tokenizer_config.json",
		 json_pack("{s:b,s:b,s:s,s:{s:s,s:b},s:s}", "add_bos_token", 1, "add_eos_token", 0,
			   "bos_token", "<s>", "eos_token", "content", "</s>", "special", 1,
			   "unk_token", "<unk>"));
}

void hf_from_gguf(struct hf_folder *d, const struct gguf_file *f, unsigned int shards)
{
	struct from c = { .d = d, .f = f };
	struct gguf_str s;

	*d = (struct hf_folder){ 0 };
	if (gguf_get_str(f, "general.architecture", &s, NULL) || s.len >= sizeof(c.arch))
		abort();
	memcpy(c.arch, s.ptr, s.len);
	c.heads = u32(&c, "attention.head_count", 1);
	c.kv_heads = u32(&c, "attention.head_count_kv", c.heads);
	write_config(&c);
	write_tensors(&c, shards);
	write_tokenizer(&c, shards > 1);
}
