// SPDX-License-Identifier: MIT
/* The tokenizer.ggml.* keys of a GGUF file to the runtime's tokenizer. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/image/build.h"
#include "tokenizer_blob.h"

static const struct {
	const char *key;
	int id;
} id_keys[] = {
	{ "tokenizer.ggml.bos_token_id", TOKENIZER_BOS },
	{ "tokenizer.ggml.eos_token_id", TOKENIZER_EOS },
	{ "tokenizer.ggml.eot_token_id", TOKENIZER_EOT },
	{ "tokenizer.ggml.eom_token_id", TOKENIZER_EOM },
	{ "tokenizer.ggml.unknown_token_id", TOKENIZER_UNK },
	{ "tokenizer.ggml.padding_token_id", TOKENIZER_PAD },
};

struct keys {
	struct ir_model *m;
	const struct gguf_file *f;
	struct arena *a;
};

/* 0, with *found false when the key is absent. */
static int array(struct keys *k, const char *key, enum gguf_type type, struct gguf_arr *arr,
		 bool *found)
{
	struct gguf_error err = { 0 };
	int ret = gguf_get_arr(k->f, key, arr, &err);

	*found = !ret;
	if (ret == -ENOENT)
		return 0;
	if (ret)
		return diag_set(&k->m->diag, ret, "%s", err.msg);
	if (type == GGUF_STRING && arr->type != GGUF_STRING)
		return diag_set(&k->m->diag, -EINVAL, "key %s: not an array of strings", key);
	return 0;
}

static int strings(struct keys *k, const char *key, const struct tokenizer_str **out, size_t *n)
{
	struct tokenizer_str *list;
	struct gguf_arr arr;
	bool found;
	size_t i;

	if (array(k, key, GGUF_STRING, &arr, &found))
		return k->m->diag.err;
	*out = NULL;
	*n = 0;
	if (!found)
		return 0;
	list = arena_array(k->a, arr.count + 1, sizeof(*list));
	if (!list)
		return diag_nomem(&k->m->diag);
	for (i = 0; i < arr.count; i++) {
		struct gguf_str s;

		if (gguf_arr_str(&arr, i, &s))
			return diag_set(&k->m->diag, -EINVAL, "key %s: element %zu", key, i);
		list[i] = (struct tokenizer_str){ s.ptr, s.len };
	}
	*out = list;
	*n = arr.count;
	return 0;
}

static int scores(struct keys *k, size_t n, const float **out)
{
	const char *key = "tokenizer.ggml.scores";
	struct gguf_arr arr;
	bool found;
	float *list;
	size_t i;

	if (array(k, key, GGUF_F32, &arr, &found) || !found)
		return k->m->diag.err;
	if (arr.count != n)
		return diag_set(&k->m->diag, -EINVAL, "key %s: %zu elements for %zu tokens", key,
				arr.count, n);
	list = arena_array(k->a, n + 1, sizeof(*list));
	if (!list)
		return diag_nomem(&k->m->diag);
	for (i = 0; i < n; i++) {
		if (gguf_arr_f32(&arr, i, &list[i]))
			return diag_set(&k->m->diag, -EINVAL, "key %s: element %zu is no number",
					key, i);
	}
	*out = list;
	return 0;
}

static int types(struct keys *k, size_t n, const int32_t **out)
{
	const char *key = "tokenizer.ggml.token_type";
	struct gguf_arr arr;
	int32_t *list;
	bool found;
	size_t i;

	if (array(k, key, GGUF_I32, &arr, &found) || !found)
		return k->m->diag.err;
	if (arr.count != n)
		return diag_set(&k->m->diag, -EINVAL, "key %s: %zu elements for %zu tokens", key,
				arr.count, n);
	list = arena_array(k->a, n + 1, sizeof(*list));
	if (!list)
		return diag_nomem(&k->m->diag);
	for (i = 0; i < n; i++) {
		int64_t v;

		if (gguf_arr_i64(&arr, i, &v) || v < INT32_MIN || v > INT32_MAX)
			return diag_set(&k->m->diag, -EINVAL, "key %s: element %zu", key, i);
		list[i] = (int32_t)v;
	}
	*out = list;
	return 0;
}

static int flag(struct keys *k, const char *key, int *out)
{
	struct gguf_error err = { 0 };
	bool v;
	int ret = gguf_get_bool(k->f, key, &v, &err);

	if (!ret)
		*out = v;
	return !ret || ret == -ENOENT ? 0 : diag_set(&k->m->diag, ret, "%s", err.msg);
}

static int text(struct keys *k, const char *key, struct tokenizer_str *out)
{
	struct gguf_error err = { 0 };
	struct gguf_str s;
	int ret = gguf_get_str(k->f, key, &s, &err);

	if (!ret)
		*out = (struct tokenizer_str){ s.ptr, s.len };
	return !ret || ret == -ENOENT ? 0 : diag_set(&k->m->diag, ret, "%s", err.msg);
}

static int fill(struct keys *k, struct tokenizer_desc *d)
{
	struct gguf_error err = { 0 };
	size_t i;
	int ret;

	if (text(k, "tokenizer.ggml.model", &d->model) || text(k, "tokenizer.ggml.pre", &d->pre) ||
	    strings(k, "tokenizer.ggml.tokens", &d->tokens, &d->n_tokens) ||
	    strings(k, "tokenizer.ggml.merges", &d->merges, &d->n_merges) ||
	    scores(k, d->n_tokens, &d->scores) || types(k, d->n_tokens, &d->types) ||
	    flag(k, "tokenizer.ggml.add_bos_token", &d->add_bos) ||
	    flag(k, "tokenizer.ggml.add_eos_token", &d->add_eos) ||
	    flag(k, "tokenizer.ggml.add_space_prefix", &d->add_space_prefix))
		return k->m->diag.err;
	for (i = 0; i < sizeof(id_keys) / sizeof(id_keys[0]); i++) {
		ret = gguf_get_i64(k->f, id_keys[i].key, &d->ids[id_keys[i].id], &err);
		if (ret && ret != -ENOENT)
			return diag_set(&k->m->diag, ret, "%s", err.msg);
	}
	if (d->n_tokens > k->m->meta.vocab)
		return diag_set(&k->m->diag, -EINVAL,
				"key tokenizer.ggml.tokens: %zu tokens, the embedding has %u rows",
				d->n_tokens, k->m->meta.vocab);
	return 0;
}

int build_tokenizer(struct ir_model *m, const struct gguf_file *f, void **out, size_t *bytes)
{
	char err[TOKENIZER_ERR_LEN] = "";
	struct keys k = { m, f, &m->arena };
	struct tokenizer_desc d;
	enum tokenizer_model known;
	struct gguf_str model;
	int ret;

	*out = NULL;
	*bytes = 0;
	m->no_tokenizer = NULL;
	if (!gguf_find_kv(f, "tokenizer.ggml.model")) {
		m->no_tokenizer = "the model has none";
		return 0;
	}
	/* of "no_vocab", too: ids in, ids out */
	if (!gguf_get_str(f, "tokenizer.ggml.model", &model, NULL) &&
	    tokenizer_model_lookup(model.ptr, model.len, &known)) {
		m->no_tokenizer = arena_printf(&m->arena, "tokenizer.ggml.model is '%.*s'",
					       model.len > 80 ? 80 : (int)model.len, model.ptr);
		return m->no_tokenizer ? 0 : diag_nomem(&m->diag);
	}
	tokenizer_desc_init(&d);
	ret = fill(&k, &d);
	if (ret)
		return ret;
	ret = tokenizer_blob_write(&d, out, bytes, err);
	return ret ? diag_set(&m->diag, ret, "tokenizer: %s", err) : 0;
}
