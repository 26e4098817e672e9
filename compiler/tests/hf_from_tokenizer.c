// SPDX-License-Identifier: MIT
/* A "llama" vocabulary of a GGUF file as tokenizer.json and its companions. */
#include <stdlib.h>
#include <string.h>

#include "compiler/tests/hf_from_gguf.h"

struct pair {
	size_t left, right, merged;
	float score;
};

static void add_pair(struct pair **list, size_t *n, size_t *room, const struct pair *p)
{
	if (*n == *room) {
		*room = *room ? 2 * *room : 256;
		*list = hf_must(realloc(*list, *room * sizeof(**list)));
	}
	(*list)[(*n)++] = *p;
}

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
			add_pair(&list, &n, &room, &p);
		}
	}
	if (n)
		qsort(list, n, sizeof(*list), by_score);
	for (i = 0; i < n; i++) {
		struct gguf_str l, r;
		char both[256];

		gguf_arr_str(tokens, list[i].left, &l);
		gguf_arr_str(tokens, list[i].right, &r);
		snprintf(both, sizeof(both), "%.*s %.*s", (int)l.len, l.ptr, (int)r.len, r.ptr);
		json_array_append_new(out, pairs ? json_pack("[o,o]", hf_text(l), hf_text(r))
						 : json_string(both));
	}
	free(list);
	return out;
}

void hf_write_tokenizer(struct hf_from *c, int pairs)
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
			json_array_append_new(added,
					      json_pack("{s:i,s:o,s:b}", "id", (int)i, "content",
							hf_text(s), "special", 1));
	}
	j = json_pack("{s:s,s:n,s:{s:s,s:[{s:s,s:s},{s:s,s:{s:s},s:s}]},s:{s:s,s:[{s:{s:s,s:i}},"
		      "{s:{s:s,s:i}}]}}",
		      "version", "1.0", "pre_tokenizer", "normalizer", "type", "Sequence",
		      "normalizers", "type", "Prepend", "prepend", "\xe2\x96\x81", "type",
		      "Replace", "pattern", "String", " ", "content", "\xe2\x96\x81",
		      "post_processor", "type", "TemplateProcessing", "single", "SpecialToken",
		      "id", "<s>", "type_id", 0, "Sequence", "id", "A", "type_id", 0);
	hf_must(j);
	json_object_set(j, "added_tokens", added);
	json_object_set_new(j, "model",
			    json_pack("{s:s,s:b,s:s,s:O,s:o}", "type", "BPE", "byte_fallback", 1,
				      "unk_token", "<unk>", "vocab", vocab, "merges",
				      merges(vocab, &tokens, &scores, &types, pairs)));
	json_decref(added);
	json_decref(vocab);
	hf_put_json(c->d, "tokenizer.json", j);
	hf_put_json(c->d, "tokenizer_config.json",
		    json_pack("{s:b,s:b,s:s,s:{s:s,s:b},s:s}", "add_bos_token", 1, "add_eos_token",
			      0, "bos_token", "<s>", "eos_token", "content", "</s>", "special", 1,
			      "unk_token", "<unk>"));
}
