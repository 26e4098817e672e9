// SPDX-License-Identifier: MIT
/*
 * tokenizer.json and its companions to tokenizer.ggml.* keys.
 *
 * Two kinds are known: byte-level BPE ("gpt2", known by a ByteLevel pre-tokenizer; which one, by its
 * expressions, tokenizer_recipe.h), and BPE with byte fallback, as SentencePiece models are stored
 * ("llama"). The latter's scores are not in the file; the order of its merges gives scores that
 * merge the same: the pair with the lowest rank is the one whose joined token has the highest score.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/frontends/hf_internal.h"
#include "tokenizer_blob.h"
#include "tokenizer_recipe.h"

#define SPACE	 "\xe2\x96\x81" /* U+2581 */
#define MAX_EXPR 2048

struct vocab {
	struct hf *h;
	json_t *json;	    /* tokenizer.json */
	json_t *config;	    /* tokenizer_config.json, or NULL */
	json_t *map;	    /* special_tokens_map.json, or NULL */
	json_t *generation; /* generation_config.json, or NULL */
	json_t *model, *by_text;
	size_t n;      /* tokens */
	json_t **text; /* strings; NULL: no token has the id */
	int32_t *type;
	float *score;
	bool bytes; /* byte-level */
	bool space_prefix;
	const char *unk;
};

#define refuse(v, code, fmt, ...) hf_fail((v)->h, code, "tokenizer.json: " fmt, ##__VA_ARGS__)

static const char *type_of(const json_t *j)
{
	const char *s = json_string_value(json_object_get(j, "type"));

	return s ? s : "";
}

/* ---- tokens ---- */

static int find(const struct vocab *v, const char *text, uint32_t *id)
{
	json_t *list = json_object_get(v->json, "added_tokens"), *j;
	size_t i;

	j = json_object_get(v->by_text, text);
	if (json_is_integer(j)) { /* checked before: below n */
		*id = (uint32_t)json_integer_value(j);
		return 0;
	}
	json_array_foreach(list, i, j)
	{
		const char *s = json_string_value(json_object_get(j, "content"));

		if (s && !strcmp(s, text)) {
			*id = (uint32_t)json_integer_value(json_object_get(j, "id"));
			return 0;
		}
	}
	return -ENOENT;
}

static int check_id(struct vocab *v, const json_t *id, const char *what, size_t *n)
{
	json_int_t i = json_integer_value(id);

	if (!json_is_integer(id) || i < 0 || i >= TOKENIZER_MAX_TOKENS)
		return refuse(v, -EINVAL, "%.80s: no id from 0 to %u", what,
			      TOKENIZER_MAX_TOKENS - 1);
	if ((size_t)i >= *n)
		*n = (size_t)i + 1;
	return 0;
}

/* How many ids there are; all of them are in range after it. */
static int count_tokens(struct vocab *v)
{
	json_t *added = json_object_get(v->json, "added_tokens"), *j;
	const char *text;
	int64_t want = 0;
	size_t i;
	int rc = 0;

	json_object_foreach(v->by_text, text, j)
	{
		rc = check_id(v, j, text, &v->n);
		if (rc)
			return rc;
	}
	if (added && !json_is_array(added))
		return refuse(v, -EINVAL, "added_tokens: not an array");
	json_array_foreach(added, i, j)
	{
		if (!json_is_string(json_object_get(j, "content")))
			return refuse(v, -EINVAL, "added_tokens[%zu].content: no string", i);
		rc = check_id(v, json_object_get(j, "id"), "added_tokens", &v->n);
		if (rc)
			return rc;
	}
	rc = hf_number(v->h, "vocab_size", &want);
	if (rc && rc != -ENOENT)
		return rc;
	if (want > TOKENIZER_MAX_TOKENS)
		return hf_fail(v->h, -EINVAL,
			       "config.json: vocab_size: %" PRId64 ", supported: at most %u", want,
			       TOKENIZER_MAX_TOKENS);
	if (want > 0 && (size_t)want > v->n)
		v->n = (size_t)want;
	return v->n ? 0 : refuse(v, -EINVAL, "model.vocab: empty");
}

static bool is_byte(const char *s)
{
	static const char hex[] = "0123456789ABCDEFabcdef";

	return strlen(s) == 6 && !memcmp(s, "<0x", 3) && strchr(hex, s[3]) && strchr(hex, s[4]) &&
	       s[5] == '>';
}

static int32_t base_type(const struct vocab *v, const char *text)
{
	if (!v->bytes && v->unk && !strcmp(text, v->unk))
		return TOKENIZER_UNKNOWN;
	return !v->bytes && is_byte(text) ? TOKENIZER_BYTE : TOKENIZER_NORMAL;
}

static int fill_tokens(struct vocab *v)
{
	json_t *added = json_object_get(v->json, "added_tokens"), *j;
	const char *text;
	size_t i;

	v->text = calloc(v->n, sizeof(json_t *));
	v->type = calloc(v->n, sizeof(*v->type));
	v->score = calloc(v->n, sizeof(*v->score));
	if (!v->text || !v->type || !v->score)
		return refuse(v, -ENOMEM, "out of memory");
	for (i = 0; i < v->n; i++)
		v->type[i] = TOKENIZER_UNUSED;
	json_object_foreach(v->by_text, text, j)
	{
		i = (size_t)json_integer_value(j);
		if (v->text[i])
			return refuse(v, -EINVAL, "model.vocab: id %zu occurs twice", i);
		v->text[i] = json_string(text);
		if (!v->text[i])
			return refuse(v, -ENOMEM, "out of memory");
		v->type[i] = base_type(v, text);
	}
	json_array_foreach(added, i, j)
	{
		json_t *content = json_object_get(j, "content");
		size_t id = (size_t)json_integer_value(json_object_get(j, "id"));

		if (v->text[id] && !json_equal(v->text[id], content))
			return refuse(v, -EINVAL, "added_tokens[%zu]: id %zu has another text", i,
				      id);
		json_decref(v->text[id]);
		v->text[id] = json_incref(content);
		if (base_type(v, json_string_value(content)) == TOKENIZER_UNKNOWN)
			v->type[id] = TOKENIZER_UNKNOWN;
		else
			v->type[id] = json_is_true(json_object_get(j, "special"))
					      ? TOKENIZER_CONTROL
					      : TOKENIZER_USER_DEFINED;
	}
	return 0;
}

static void put_tokens(struct vocab *v)
{
	struct gguf_encode *k = &v->h->keys;
	char pad[32];
	size_t i;

	gguf_encode_array(k, "tokenizer.ggml.tokens", GGUF_STRING, v->n);
	for (i = 0; i < v->n; i++) {
		if (v->text[i]) {
			gguf_encode_add_str(k, json_string_value(v->text[i]),
					    json_string_length(v->text[i]));
		} else {
			snprintf(pad, sizeof(pad), "[PAD%zu]", i);
			gguf_encode_add_str(k, pad, strlen(pad));
		}
	}
	gguf_encode_array(k, "tokenizer.ggml.token_type", GGUF_I32, v->n);
	for (i = 0; i < v->n; i++)
		gguf_encode_add_u32(k, (uint32_t)v->type[i]);
}

/* ---- merges ---- */

/* Both forms: "left right", and [left, right]. */
static int merge_parts(struct vocab *v, size_t i, const json_t *j, struct gguf_str *left,
		       struct gguf_str *right)
{
	const json_t *l = json_array_get(j, 0), *r = json_array_get(j, 1);
	const char *s = json_string_value(j), *space;

	if (json_array_size(j) == 2 && json_is_string(l) && json_is_string(r)) {
		*left = (struct gguf_str){ json_string_value(l), json_string_length(l) };
		*right = (struct gguf_str){ json_string_value(r), json_string_length(r) };
		return 0;
	}
	space = s ? memchr(s, ' ', json_string_length(j)) : NULL;
	if (!space)
		return refuse(v, -EINVAL, "model.merges[%zu]: no pair", i);
	*left = (struct gguf_str){ s, (size_t)(space - s) };
	*right = (struct gguf_str){ space + 1, json_string_length(j) - left->len - 1 };
	return 0;
}

static int put_merges(struct vocab *v, const json_t *merges)
{
	struct gguf_encode *k = &v->h->keys;
	struct gguf_str l, r;
	json_t *j;
	size_t i;
	int rc;

	gguf_encode_array(k, "tokenizer.ggml.merges", GGUF_STRING, json_array_size(merges));
	json_array_foreach(merges, i, j)
	{
		char *text;

		rc = merge_parts(v, i, j, &l, &r);
		if (rc)
			return rc;
		if (memchr(l.ptr, ' ', l.len) || memchr(r.ptr, ' ', r.len))
			return refuse(v, -ENOTSUP, "model.merges[%zu]: a part has a space", i);
		text = malloc(l.len + r.len + 1);
		if (!text)
			return refuse(v, -ENOMEM, "out of memory");
		memcpy(text, l.ptr, l.len);
		text[l.len] = ' ';
		memcpy(text + l.len + 1, r.ptr, r.len);
		gguf_encode_add_str(k, text, l.len + r.len + 1);
		free(text);
	}
	return 0;
}

/* Scores from ranks: 0, -1, -2, ... in the order in which tokens can first be made. */
static int put_scores(struct vocab *v, const json_t *merges)
{
	struct gguf_str l, r;
	uint32_t next = 0;
	uint8_t *done = calloc(v->n, 1);
	json_t *j, *id;
	size_t i;
	int rc = 0;

	if (!done)
		return refuse(v, -ENOMEM, "out of memory");
	json_array_foreach(merges, i, j)
	{
		rc = merge_parts(v, i, j, &l, &r);
		if (rc)
			break;
		char *text = malloc(l.len + r.len + 1);

		if (!text) {
			rc = refuse(v, -ENOMEM, "out of memory");
			break;
		}
		memcpy(text, l.ptr, l.len);
		memcpy(text + l.len, r.ptr, r.len);
		text[l.len + r.len] = '\0';
		id = json_object_get(v->by_text, text);
		if (!id)
			rc = refuse(v, -EINVAL, "model.merges[%zu]: \"%.40s\" is no token", i,
				    text);
		free(text);
		if (rc)
			break;
		if (!done[json_integer_value(id)]) {
			done[json_integer_value(id)] = 1;
			v->score[json_integer_value(id)] = 0.0f - (float)next++;
		}
	}
	for (i = 0; i < v->n && !rc; i++) {
		if (!done[i] && v->type[i] == TOKENIZER_NORMAL)
			v->score[i] = 0.0f - (float)next++;
	}
	free(done);
	if (rc)
		return rc;
	gguf_encode_array(&v->h->keys, "tokenizer.ggml.scores", GGUF_F32, v->n);
	for (i = 0; i < v->n; i++)
		gguf_encode_add_f32(&v->h->keys, v->score[i]);
	return 0;
}

/* ---- which pre-tokenizer ---- */

struct stages {
	size_t n;
	const char *expr[TOKENIZER_MAX_STAGES + 1];
	bool bytes; /* a ByteLevel was among them */
	bool metaspace, metaspace_prefix;
};

static int one_stage(struct vocab *v, const json_t *j, struct stages *s)
{
	const char *type = type_of(j), *expr = NULL;
	const json_t *pattern;

	if (!strcmp(type, "ByteLevel")) {
		s->bytes = true;
		/* absent means true */
		if (json_is_false(json_object_get(j, "use_regex")))
			return 0;
		expr = tokenizer_recipe[TOKENIZER_PRE_GPT2].expr[0];
	} else if (!strcmp(type, "Metaspace")) {
		const char *scheme = json_string_value(json_object_get(j, "prepend_scheme"));

		s->metaspace = true;
		s->metaspace_prefix =
			scheme ? strcmp(scheme, "never") != 0
			       : !json_is_false(json_object_get(j, "add_prefix_space"));
		return 0;
	} else if (!strcmp(type, "Digits")) {
		expr = json_is_true(json_object_get(j, "individual_digits")) ? "\\p{N}" : "\\p{N}+";
	} else if (!strcmp(type, "Split")) {
		const char *how = json_string_value(json_object_get(j, "behavior"));
		bool invert = json_is_true(json_object_get(j, "invert"));

		pattern = json_object_get(j, "pattern");
		expr = json_string_value(json_object_get(pattern, "Regex"));
		/* SentencePiece models say it so; there is nothing left to split */
		if (!expr && json_object_get(pattern, "String") && v->model &&
		    json_is_true(json_object_get(v->model, "byte_fallback")))
			return 0;
		if (!how || (strcmp(how, "Isolated") && !(invert && !strcmp(how, "Removed"))))
			return refuse(v, -ENOTSUP,
				      "pre_tokenizer: Split with behavior \"%.24s\", supported: "
				      "Isolated",
				      how ? how : "");
	}
	if (!expr)
		return refuse(v, -ENOTSUP,
			      "pre_tokenizer: \"%.24s\" is not supported; supported: ByteLevel, "
			      "Split by a Regex, Digits, Metaspace",
			      type);
	if (s->n > TOKENIZER_MAX_STAGES)
		return refuse(v, -ENOTSUP, "pre_tokenizer: more than %u stages",
			      TOKENIZER_MAX_STAGES);
	s->expr[s->n++] = expr;
	return 0;
}

static int read_stages(struct vocab *v, struct stages *s)
{
	const json_t *pre = json_object_get(v->json, "pre_tokenizer"), *list, *j;
	size_t i;
	int rc = 0;

	if (!pre || json_is_null(pre))
		return 0;
	if (strcmp(type_of(pre), "Sequence"))
		return one_stage(v, pre, s);
	list = json_object_get(pre, "pretokenizers");
	json_array_foreach(list, i, j)
	{
		rc = one_stage(v, j, s);
		if (rc)
			return rc;
	}
	return 0;
}

/* An expression as tokenizer.json writes it: code points where ours has \x{...}. */
static void plain(const char *expr, char out[MAX_EXPR])
{
	size_t n = 0;

	while (*expr && n + 5 < MAX_EXPR) {
		if (!strncmp(expr, "\\x{", 3)) {
			uint32_t c = (uint32_t)strtoul(expr + 3, NULL, 16);

			if (c >= 0x800) {
				out[n++] = (char)(0xe0 | c >> 12);
				out[n++] = (char)(0x80 | (c >> 6 & 63));
			} else {
				out[n++] = (char)(0xc0 | c >> 6);
			}
			out[n++] = (char)(0x80 | (c & 63));
			expr = strchr(expr, '}') + 1;
		} else {
			out[n++] = *expr++;
		}
	}
	out[n] = '\0';
}

static bool same_expr(const char *json, const char *ours)
{
	char text[MAX_EXPR];

	if (!ours)
		return false;
	plain(ours, text);
	return !strcmp(json, text) || !strcmp(json, ours);
}

static bool is_recipe(const struct stages *s, enum tokenizer_pre_kind kind)
{
	const struct tokenizer_recipe *r = &tokenizer_recipe[kind];
	size_t i;

	for (i = 0; i < s->n; i++) {
		if (i >= TOKENIZER_MAX_STAGES || !same_expr(s->expr[i], r->expr[i]))
			return false;
	}
	return s->n == TOKENIZER_MAX_STAGES || !r->expr[s->n];
}

/*
 * afmoe cuts runs of digits from the right, which tokenizer.json says with expressions of its own
 * that differ between releases; what follows them is known.
 */
static bool is_afmoe(const struct vocab *v, const struct stages *s)
{
	return !strcmp(v->h->arch->gguf, "afmoe") && s->n &&
	       same_expr(s->expr[s->n - 1], tokenizer_recipe[TOKENIZER_PRE_AFMOE].expr[2]);
}

static int put_pre(struct vocab *v, const struct stages *s)
{
	bool ignore = json_is_true(json_object_get(v->model, "ignore_merges"));
	enum tokenizer_pre_kind kind;
	const char *name = NULL;
	unsigned int flags[] = { 0, TOKENIZER_BLOB_IGNORE_MERGES | TOKENIZER_BLOB_ADD_BOS };

	for (kind = TOKENIZER_PRE_DEFAULT; kind < TOKENIZER_PRE_COUNT; kind++) {
		if (s->n && is_recipe(s, kind))
			break;
	}
	if (kind == TOKENIZER_PRE_COUNT && is_afmoe(v, s))
		kind = TOKENIZER_PRE_AFMOE;
	if (kind == TOKENIZER_PRE_COUNT)
		return refuse(v, -ENOTSUP, "pre_tokenizer: unknown expression \"%.160s\"",
			      s->n ? s->expr[s->n - 1] : "");
	/* The name decides whether merges are ignored; some kinds have but one. */
	name = tokenizer_pre_name(kind, flags[ignore]);
	if (!name)
		name = tokenizer_pre_name(kind, flags[!ignore]);
	gguf_encode_str(&v->h->keys, "tokenizer.ggml.pre", name, strlen(name));
	return 0;
}

/* ---- normalizer ---- */

static int one_normalizer(struct vocab *v, const json_t *j)
{
	const char *type = type_of(j);
	const char *content = json_string_value(json_object_get(j, "content"));
	const char *pattern =
		json_string_value(json_object_get(json_object_get(j, "pattern"), "String"));

	if (v->bytes && (!strcmp(type, "NFC") || !*type))
		return 0;
	if (!v->bytes && !strcmp(type, "Replace") && content && pattern && !strcmp(pattern, " ") &&
	    !strcmp(content, SPACE))
		return 0;
	if (!v->bytes && !strcmp(type, "Prepend")) {
		const char *what = json_string_value(json_object_get(j, "prepend"));

		if (what && !strcmp(what, SPACE)) {
			v->space_prefix = true;
			return 0;
		}
	}
	return refuse(v, -ENOTSUP, "normalizer: \"%.24s\" is not supported; supported: %s", type,
		      v->bytes ? "NFC" : "Prepend and Replace of spaces by U+2581");
}

static int check_normalizer(struct vocab *v)
{
	const json_t *n = json_object_get(v->json, "normalizer"), *j;
	size_t i;
	int rc;

	if (!n || json_is_null(n))
		return 0;
	if (strcmp(type_of(n), "Sequence"))
		return one_normalizer(v, n);
	json_array_foreach(json_object_get(n, "normalizers"), i, j)
	{
		rc = one_normalizer(v, j);
		if (rc)
			return rc;
	}
	return 0;
}

/* ---- special tokens ---- */

/* A token's text: a string, or an object with one. */
static const char *token_text(const json_t *j)
{
	const char *s = json_string_value(j);

	return s ? s : json_string_value(json_object_get(j, "content"));
}

static const json_t *first_id(const json_t *j)
{
	return json_is_array(j) ? json_array_get(j, 0) : j;
}

/* By tokenizer_config.json, special_tokens_map.json, then the ids of config.json. -ENOENT: none. */
static int special_id(struct vocab *v, const char *what, uint32_t *id)
{
	const json_t *files[] = { v->config, v->map };
	const json_t *ids[] = { v->h->config, v->generation };
	char name[48];
	size_t i;

	snprintf(name, sizeof(name), "%s_token", what);
	for (i = 0; i < 2; i++) {
		const char *text = token_text(json_object_get(files[i], name));

		if (text && !find(v, text, id))
			return 0;
	}
	snprintf(name, sizeof(name), "%s_token_id", what);
	for (i = 0; i < 2; i++) {
		const json_t *j = first_id(json_object_get(ids[i], name));

		if (!json_is_integer(j))
			continue;
		if (json_integer_value(j) < 0 || json_integer_value(j) >= (json_int_t)v->n)
			continue;
		*id = (uint32_t)json_integer_value(j);
		return 0;
	}
	return -ENOENT;
}

/* A generation may end with more tokens than eos; the first other one is kept as eot. */
static void put_eot(struct vocab *v, uint32_t eos)
{
	const json_t *list = json_object_get(v->generation, "eos_token_id"), *j;
	size_t i;

	json_array_foreach(list, i, j)
	{
		json_int_t id = json_integer_value(j);

		if (!json_is_integer(j) || id < 0 || id >= (json_int_t)v->n || id == eos)
			continue;
		gguf_encode_u32(&v->h->keys, "tokenizer.ggml.eot_token_id", (uint32_t)id);
		return;
	}
}

static bool template_adds(const struct vocab *v, const json_t *post, const char *text, bool last);

static bool any_adds(const struct vocab *v, const json_t *list, const char *text, bool last)
{
	const json_t *j;
	size_t i;

	json_array_foreach(list, i, j)
	{
		/* a list within a list is not looked into: no depth from a stranger's file */
		if (strcmp(type_of(j), "Sequence") && template_adds(v, j, text, last))
			return true;
	}
	return false;
}

/* Whether a post-processor puts this token first (last) around a single text. */
static bool template_adds(const struct vocab *v, const json_t *post, const char *text, bool last)
{
	const json_t *single = json_object_get(post, "single"), *j;
	size_t n = json_array_size(single);
	const char *id;

	if (!strcmp(type_of(post), "Sequence"))
		return any_adds(v, json_object_get(post, "processors"), text, last);
	if (strcmp(type_of(post), "TemplateProcessing") || !n)
		return false;
	j = json_object_get(json_array_get(single, last ? n - 1 : 0), "SpecialToken");
	id = json_string_value(json_object_get(j, "id"));
	return id && text && !strcmp(id, text);
}

static void put_flag(struct vocab *v, const char *key, const char *config, bool has, uint32_t id,
		     bool last)
{
	const json_t *j = json_object_get(v->config, config);
	const char *text = has && v->text[id] ? json_string_value(v->text[id]) : NULL;

	gguf_encode_bool(
		&v->h->keys, key,
		has && (json_is_boolean(j)
				? json_is_true(j)
				: template_adds(v, json_object_get(v->json, "post_processor"), text,
						last)));
}

static void put_special(struct vocab *v)
{
	static const struct {
		const char *what, *key;
	} list[] = { { "bos", "tokenizer.ggml.bos_token_id" },
		     { "eos", "tokenizer.ggml.eos_token_id" },
		     { "unk", "tokenizer.ggml.unknown_token_id" },
		     { "pad", "tokenizer.ggml.padding_token_id" } };
	uint32_t ids[4] = { 0 };
	bool has[4];
	size_t i;

	for (i = 0; i < 4; i++) {
		has[i] = !special_id(v, list[i].what, &ids[i]);
		if (has[i])
			gguf_encode_u32(&v->h->keys, list[i].key, ids[i]);
	}
	if (has[1])
		put_eot(v, ids[1]);
	put_flag(v, "tokenizer.ggml.add_bos_token", "add_bos_token", has[0], ids[0], false);
	put_flag(v, "tokenizer.ggml.add_eos_token", "add_eos_token", has[1], ids[1], true);
}

static int put_template(struct vocab *v)
{
	json_t *j = json_object_get(v->config, "chat_template"), *item;
	struct gguf_part file;
	size_t i;
	int rc;

	if (json_is_array(j)) { /* several, with names */
		json_t *list = j;

		j = NULL;
		json_array_foreach(list, i, item)
		{
			const char *name = json_string_value(json_object_get(item, "name"));

			if (name && !strcmp(name, "default"))
				j = json_object_get(item, "template");
		}
	}
	if (json_is_string(j) && json_string_length(j)) {
		gguf_encode_str(&v->h->keys, "tokenizer.chat_template", json_string_value(j),
				json_string_length(j));
		return 0;
	}
	rc = hf_file(v->h, "chat_template.jinja", &file);
	if (rc == -ENOENT)
		return 0;
	if (!rc)
		gguf_encode_str(&v->h->keys, "tokenizer.chat_template", (const char *)file.data,
				file.size);
	return rc;
}

/* ---- all ---- */

static int put_tokenizer(struct vocab *v)
{
	struct gguf_encode *k = &v->h->keys;
	struct stages s = { 0 };
	json_t *merges;
	int rc;

	v->model = json_object_get(v->json, "model");
	v->by_text = json_object_get(v->model, "vocab");
	if (strcmp(type_of(v->model), "BPE"))
		return refuse(v, -ENOTSUP, "model.type: \"%.24s\", supported: BPE",
			      type_of(v->model));
	if (!json_is_object(v->by_text))
		return refuse(v, -EINVAL, "model.vocab: missing");
	merges = json_object_get(v->model, "merges");
	if (!json_is_array(merges) || json_array_size(merges) > TOKENIZER_MAX_MERGES)
		return refuse(v, -EINVAL, "model.merges: missing or more than %u",
			      TOKENIZER_MAX_MERGES);
	v->unk = json_string_value(json_object_get(v->model, "unk_token"));
	rc = read_stages(v, &s);
	if (rc)
		return rc;
	v->bytes = s.bytes;
	if (!v->bytes && !json_is_true(json_object_get(v->model, "byte_fallback")))
		return refuse(v, -ENOTSUP,
			      "BPE of another kind: neither a ByteLevel pre_tokenizer nor "
			      "model.byte_fallback");
	if (!v->bytes && s.n)
		return refuse(v, -ENOTSUP, "pre_tokenizer: expressions with model.byte_fallback");
	v->space_prefix = s.metaspace_prefix;
	rc = check_normalizer(v);
	if (!rc)
		rc = count_tokens(v);
	if (!rc)
		rc = fill_tokens(v);
	if (rc)
		return rc;
	gguf_encode_str(k, "tokenizer.ggml.model", v->bytes ? "gpt2" : "llama", v->bytes ? 4 : 5);
	put_tokens(v);
	rc = v->bytes ? put_pre(v, &s) : 0;
	if (!rc)
		rc = v->bytes ? put_merges(v, merges) : put_scores(v, merges);
	if (rc)
		return rc;
	if (!v->bytes)
		gguf_encode_bool(k, "tokenizer.ggml.add_space_prefix", v->space_prefix);
	put_special(v);
	return put_template(v);
}

static int no_tokenizer(struct hf *h)
{
	static const char *const others[] = { "tokenizer.model", "vocab.json", "vocab.txt" };
	struct gguf_part part;
	size_t i;

	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		if (!hf_file(h, others[i], &part))
			return hf_fail(h, -ENOTSUP, "%s: not read; supported: tokenizer.json",
				       others[i]);
	}
	return 0;
}

int hf_tokenizer(struct hf *h)
{
	struct vocab v = { .h = h };
	size_t i;
	int rc;

	rc = hf_json_file(h, "tokenizer.json", false, JSON_ALLOW_NUL, &v.json);
	if (!rc && !v.json)
		return no_tokenizer(h);
	if (!rc)
		rc = hf_json_file(h, "tokenizer_config.json", false, 0, &v.config);
	if (!rc)
		rc = hf_json_file(h, "special_tokens_map.json", false, 0, &v.map);
	if (!rc)
		rc = hf_json_file(h, "generation_config.json", false, 0, &v.generation);
	if (!rc)
		rc = put_tokenizer(&v);
	for (i = 0; i < v.n && v.text; i++)
		json_decref(v.text[i]);
	free(v.text);
	free(v.type);
	free(v.score);
	json_decref(v.json);
	json_decref(v.config);
	json_decref(v.map);
	json_decref(v.generation);
	return rc;
}
