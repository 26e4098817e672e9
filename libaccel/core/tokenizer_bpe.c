// SPDX-License-Identifier: MIT
/* Byte-level BPE by rank (tokenizer.ggml.model = "gpt2"). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tokenizer_internal.h"
#include "tokenizer_le.h"

#define PROBE_MAX 4096 /* as in tokenizer_strtab.c */

static size_t pair_hash(uint64_t key)
{
	key ^= key >> 32;
	key *= 0x9e3779b97f4a7c15ull;
	key ^= key >> 29;
	key *= 0xbf58476d1ce4e5b9ull;
	return (size_t)(key ^ key >> 32);
}

static uint64_t pair_key(uint32_t left, uint32_t right)
{
	return ((uint64_t)left << 32 | right) + 1;
}

static int pair_add(struct tokenizer *t, uint64_t key, uint32_t rank, uint32_t id)
{
	size_t at = pair_hash(key) & t->pair_mask;
	unsigned int probe;

	for (probe = 0; probe < PROBE_MAX; probe++) {
		struct pair_slot *s = &t->pair[at];

		if (s->key == key) /* the first one counts */
			return 0;
		if (!s->key) {
			s->key = key;
			s->rank = rank;
			s->id = (int32_t)id;
			return 0;
		}
		at = (at + 1) & t->pair_mask;
	}
	return -ELOOP;
}

/* The joined token must be the two texts: everything else would change the prompt silently. */
static bool merge_fits(const struct tokenizer *t, uint32_t l, uint32_t r, uint32_t j)
{
	uint32_t nl = token_len(t, l), nr = token_len(t, r);

	return nl && nr && (uint64_t)nl + nr == token_len(t, j) &&
	       !memcmp(token_text(t, j), token_text(t, l), nl) &&
	       !memcmp(token_text(t, j) + nl, token_text(t, r), nr);
}

int tokenizer_bpe_load(struct tokenizer *t, const uint8_t *merges, char *err)
{
	size_t cap = 16;
	uint32_t i;

	while (cap / 2 < t->n_merges)
		cap *= 2; /* n_merges is at most TOKENIZER_MAX_MERGES */
	t->pair = calloc(cap, sizeof(*t->pair));
	if (!t->pair)
		return tok_fail(err, -ENOMEM, "out of memory");
	t->pair_mask = cap - 1;
	for (i = 0; i < t->n_merges; i++, merges += TOKENIZER_BLOB_MERGE) {
		uint32_t l = get_le32(merges), r = get_le32(merges + 4), j = get_le32(merges + 8);

		if (l >= t->n_tokens || r >= t->n_tokens || j >= t->n_tokens)
			return tok_fail(err, -EINVAL,
					"tokenizer: merges[%u]: id outside of the "
					"%u tokens",
					(unsigned int)i, (unsigned int)t->n_tokens);
		if (!merge_fits(t, l, r, j))
			return tok_fail(err, -EINVAL,
					"tokenizer: merges[%u]: token %u is not "
					"tokens %u and %u joined",
					(unsigned int)i, (unsigned int)j, (unsigned int)l,
					(unsigned int)r);
		if (!type_is_text(token_type(t, j)))
			return tok_fail(err, -EINVAL, "tokenizer: merges[%u]: token %u is special",
					(unsigned int)i, (unsigned int)j);
		if (pair_add(t, pair_key(l, r), i, j))
			return tok_fail(err, -EINVAL, "tokenizer: merges[%u]: pairs collide",
					(unsigned int)i);
	}
	return 0;
}

static int32_t join_rank(const struct tokenizer *t, const struct merge_work *w,
			 const struct merge_sym *l, const struct merge_sym *r, uint32_t *prio)
{
	uint64_t key;
	size_t at;

	(void)w;
	if (l->id < 0 || r->id < 0)
		return -1;
	key = pair_key((uint32_t)l->id, (uint32_t)r->id);
	for (at = pair_hash(key) & t->pair_mask; t->pair[at].key; at = (at + 1) & t->pair_mask) {
		if (t->pair[at].key == key) {
			*prio = t->pair[at].rank;
			return t->pair[at].id;
		}
	}
	return -1;
}

/* A whole piece that is a token, for vocabularies that ignore merges then. */
static int whole_piece(const struct tokenizer *t, const uint8_t *p, size_t n, struct merge_work *w,
		       int32_t *id)
{
	uint8_t letter[4];
	size_t i;

	*id = -1;
	if (n > t->max_text)
		return 0;
	w->alpha.n = 0;
	for (i = 0; i < n; i++) {
		int k = tok_utf8_put(tok_byte_to_alpha(p[i]), letter);

		if (tok_push_bytes(&w->alpha, letter, (size_t)k))
			return -ENOMEM;
	}
	*id = strtab_find(&t->tab, w->alpha.v, w->alpha.n);
	if (*id >= 0 && !type_is_text(token_type(t, (uint32_t)*id)))
		*id = -1;
	return 0;
}

static int push_byte(const struct tokenizer *t, int32_t id, struct tokenizer_ids *out,
		     struct tokenizer_stats *stats)
{
	if (id < 0) {
		stats->unknown_bytes++;
		id = t->special[TOKENIZER_UNK];
	}
	return id < 0 ? 0 : tok_push_id(out, id);
}

static int encode_piece(const struct tokenizer *t, const uint8_t *p, size_t n, struct merge_work *w,
			struct tokenizer_ids *out, struct tokenizer_stats *stats)
{
	size_t i;
	int r = 0;

	if (t->flags & TOKENIZER_BLOB_IGNORE_MERGES) {
		int32_t id;

		r = whole_piece(t, p, n, w, &id);
		if (r || id >= 0)
			return r ? r : tok_push_id(out, id);
	}
	merge_begin(w, p);
	for (i = 0; i < n && !r; i++)
		r = merge_add(w, (uint32_t)i, 1, t->byte_id[p[i]]);
	if (!r)
		r = merge_run(t, w, join_rank);
	for (i = 0; i < w->n_sym && !r; i++) {
		if (w->sym[i].len)
			r = push_byte(t, w->sym[i].id, out, stats);
	}
	return r;
}

static int encode_valid(const struct tokenizer *t, const uint8_t *p, size_t n, struct merge_work *w,
			struct pre_ends *ends, struct pre_ends *tmp, struct tokenizer_ids *out,
			struct tokenizer_stats *stats, char *err)
{
	size_t i, at = 0;
	int r;

	r = tokenizer_pre_split(t->pre, p, n, ends, tmp, err);
	for (i = 0; i < ends->n && !r; i++) {
		r = encode_piece(t, p + at, ends->v[i] - at, w, out, stats);
		at = ends->v[i];
	}
	return r;
}

int tokenizer_bpe_encode(const struct tokenizer *t, const uint8_t *text, size_t len,
			 struct merge_work *w, struct tokenizer_ids *out,
			 struct tokenizer_stats *stats, char *err)
{
	struct pre_ends ends = { 0 }, tmp = { 0 };
	size_t i = 0, start;
	int r = 0;

	while (i < len && !r) {
		int k = 1;

		start = i;
		while (i < len && (k = tok_utf8(text + i, len - i)) > 0)
			i += (size_t)k;
		if (i > start)
			r = encode_valid(t, text + start, i - start, w, &ends, &tmp, out, stats,
					 err);
		if (i < len && !r) {
			stats->invalid_bytes++;
			r = push_byte(t, t->byte_id[text[i]], out, stats);
			i++;
		}
	}
	free(ends.v);
	free(tmp.v);
	return r;
}
