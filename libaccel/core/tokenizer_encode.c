// SPDX-License-Identifier: MIT
/* Text to ids: cut special tokens out, encode what is between them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tokenizer_internal.h"

struct fragment {
	uint32_t off, len;
	int32_t id; /* -1: text */
};

struct fragments {
	struct fragment *v;
	size_t n, cap;
};

static int add(struct fragments *f, size_t off, size_t len, int32_t id)
{
	void *v = f->v;

	if (tok_reserve(&v, &f->cap, f->n, 1, sizeof(*f->v)))
		return -ENOMEM;
	f->v = v;
	f->v[f->n++] = (struct fragment){ (uint32_t)off, (uint32_t)len, id };
	return 0;
}

static bool wanted(const struct tokenizer *t, int32_t id, unsigned int flags)
{
	enum tokenizer_type type;

	if (id < 0)
		return false;
	type = token_type(t, (uint32_t)id);
	if (type == TOKENIZER_USER_DEFINED)
		return true;
	return flags & TOKENIZER_PARSE_SPECIAL &&
	       (type == TOKENIZER_CONTROL || type == TOKENIZER_UNKNOWN);
}

/* Cut the special tokens of one length out of one text fragment, from the left. */
static int cut_group(const struct tokenizer *t, const struct special_group *g, const uint8_t *text,
		     const struct fragment *f, unsigned int flags, struct fragments *out)
{
	size_t at = f->off, start = f->off, end = (size_t)f->off + f->len;

	while (end - at >= g->len) {
		uint8_t b = text[at];
		int32_t id = -1;

		if (g->first[b >> 6] >> (b & 63) & 1)
			id = strtab_find(&t->tab, text + at, g->len);
		if (!wanted(t, id, flags)) {
			at++;
			continue;
		}
		if ((at > start && add(out, start, at - start, -1)) || add(out, at, g->len, id))
			return -ENOMEM;
		at += g->len;
		start = at;
	}
	return end > start ? add(out, start, end - start, -1) : 0;
}

static int partition(const struct tokenizer *t, const uint8_t *text, size_t len, unsigned int flags,
		     struct fragments *out)
{
	struct fragments next = { 0 }, swap;
	size_t k, i;
	int r = 0;

	if (len)
		r = add(out, 0, len, -1);
	if (!(flags & (TOKENIZER_PARSE_SPECIAL | TOKENIZER_PARSE_USER)))
		return r;
	for (k = 0; k < t->n_group && !r; k++) {
		const struct special_group *g = &t->group[k];

		if (!(flags & TOKENIZER_PARSE_SPECIAL) && !g->has_user)
			continue;
		next.n = 0;
		for (i = 0; i < out->n && !r; i++) {
			const struct fragment *f = &out->v[i];

			if (f->id >= 0)
				r = add(&next, f->off, f->len, f->id);
			else
				r = cut_group(t, g, text, f, flags, &next);
		}
		swap = *out;
		*out = next;
		next = swap;
	}
	free(next.v);
	return r;
}

static int encode(const struct tokenizer *t, const uint8_t *text, const struct fragments *f,
		  struct tokenizer_ids *out, struct tokenizer_stats *stats, char *err)
{
	struct merge_work w = { 0 };
	bool after_special = true; /* the start of the text counts */
	size_t i;
	int r = 0;

	for (i = 0; i < f->n && !r; i++) {
		const struct fragment *p = &f->v[i];

		if (p->id >= 0) {
			r = tok_push_id(out, p->id);
			after_special = true;
			continue;
		}
		if (t->model == TOKENIZER_SPM)
			r = tokenizer_spm_encode(t, text + p->off, p->len,
						 after_special &&
							 t->flags & TOKENIZER_BLOB_SPACE_PREFIX,
						 &w, out, stats);
		else if (t->model == TOKENIZER_RWKV)
			r = tokenizer_rwkv_encode(t, text + p->off, p->len, out, stats);
		else
			r = tokenizer_bpe_encode(t, text + p->off, p->len, &w, out, stats, err);
		after_special = false;
	}
	merge_free(&w);
	return r;
}

int tokenizer_encode(const struct tokenizer *t, const void *text, size_t len, unsigned int flags,
		     struct tokenizer_ids *out, struct tokenizer_stats *stats, char *err)
{
	struct tokenizer_stats none;
	struct fragments f = { 0 };
	size_t mark = out->n;
	bool bos, eos;
	int r;

	if (!stats)
		stats = &none;
	memset(stats, 0, sizeof(*stats));
	if (flags & ~TOKENIZER_ENCODE_FLAGS)
		return tok_fail(err, -EINVAL, "flags: 0x%x has unknown bits", flags);
	if (len > TOKENIZER_MAX_INPUT)
		return tok_fail(err, -E2BIG, "text: %zu bytes, at most %u", len,
				TOKENIZER_MAX_INPUT);
	bos = flags & TOKENIZER_WITH_BOS ||
	      (flags & TOKENIZER_AUTO && t->flags & TOKENIZER_BLOB_ADD_BOS);
	eos = flags & TOKENIZER_WITH_EOS ||
	      (flags & TOKENIZER_AUTO && t->flags & TOKENIZER_BLOB_ADD_EOS);
	if ((bos && t->special[TOKENIZER_BOS] < 0) || (eos && t->special[TOKENIZER_EOS] < 0))
		return tok_fail(err, -ENOENT, "flags: the vocabulary has no %s token",
				bos && t->special[TOKENIZER_BOS] < 0 ? "bos" : "eos");
	if (err)
		err[0] = '\0';

	r = partition(t, text, len, flags, &f);
	if (!r && bos)
		r = tok_push_id(out, t->special[TOKENIZER_BOS]);
	if (!r)
		r = encode(t, text, &f, out, stats, err);
	if (!r && eos)
		r = tok_push_id(out, t->special[TOKENIZER_EOS]);
	free(f.v);
	if (r) {
		out->n = mark;
		if (r == -ENOMEM)
			tok_fail(err, r, "out of memory");
	}
	return r;
}
