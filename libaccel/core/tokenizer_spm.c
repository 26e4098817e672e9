// SPDX-License-Identifier: MIT
/* SentencePiece-style BPE by score (tokenizer.ggml.model = "llama"). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tokenizer_internal.h"
#include "tokenizer_le.h"

static const uint8_t space_mark[3] = { 0xe2, 0x96, 0x81 }; /* U+2581 */

/* Order-preserving map of a finite score to an integer, highest score first. */
static uint32_t score_prio(float score)
{
	uint32_t u;

	score += 0.0f; /* -0 ties with +0 */
	memcpy(&u, &score, sizeof(u));
	u = u >> 31 ? ~u : u | 0x80000000u;
	return ~u;
}

static int32_t find_text(const struct tokenizer *t, const uint8_t *p, uint32_t n)
{
	int32_t id;

	if (n > t->max_text)
		return -1;
	id = strtab_find(&t->tab, p, n);
	return id >= 0 && type_is_text(token_type(t, (uint32_t)id)) ? id : -1;
}

static int32_t join_score(const struct tokenizer *t, const struct merge_work *w,
			  const struct merge_sym *l, const struct merge_sym *r, uint32_t *prio)
{
	int32_t id = find_text(t, w->text + l->off, l->len + r->len);

	if (id >= 0)
		*prio = score_prio(get_lef32(t->rec + (size_t)id * TOKENIZER_BLOB_TOKEN + 4));
	return id;
}

/* Spaces become U+2581, one more in front if `prefix`. */
static uint8_t *escape(const uint8_t *text, size_t len, bool prefix, size_t *out_len)
{
	size_t n = len + 3 * (size_t)prefix, i;
	uint8_t *buf, *p;

	for (i = 0; i < len; i++)
		n += text[i] == ' ' ? 2 : 0;
	buf = malloc(n ? n : 1);
	if (!buf)
		return NULL;
	p = buf;
	if (prefix) {
		memcpy(p, space_mark, 3);
		p += 3;
	}
	for (i = 0; i < len; i++) {
		if (text[i] == ' ') {
			memcpy(p, space_mark, 3);
			p += 3;
		} else {
			*p++ = text[i];
		}
	}
	*out_len = n;
	return buf;
}

/* A symbol that no token stands for: its bytes, or unk when one of them has no token. */
static int fall_back(const struct tokenizer *t, const uint8_t *p, uint32_t n,
		     struct tokenizer_ids *out, struct tokenizer_stats *stats)
{
	uint32_t i;
	int r = 0;

	for (i = 0; i < n; i++) {
		if (t->byte_id[p[i]] >= 0)
			continue;
		stats->unknown_bytes += n;
		if (t->special[TOKENIZER_UNK] < 0)
			return 0;
		return tok_push_id(out, t->special[TOKENIZER_UNK]);
	}
	for (i = 0; i < n && !r; i++)
		r = tok_push_id(out, t->byte_id[p[i]]);
	return r;
}

int tokenizer_spm_encode(const struct tokenizer *t, const uint8_t *text, size_t len, bool prefix,
			 struct merge_work *w, struct tokenizer_ids *out,
			 struct tokenizer_stats *stats)
{
	uint8_t *buf;
	size_t n, i;
	int r = 0;

	buf = escape(text, len, prefix, &n);
	if (!buf)
		return -ENOMEM;
	merge_begin(w, buf);
	for (i = 0; i < n && !r;) {
		int k = tok_utf8(buf + i, n - i);

		if (k <= 0) {
			/* find_text() would be wrong here: a token is well-formed text. */
			stats->invalid_bytes++;
			r = merge_add(w, (uint32_t)i, 1, -1);
			i++;
			continue;
		}
		r = merge_add(w, (uint32_t)i, (uint32_t)k, find_text(t, buf + i, (uint32_t)k));
		i += (size_t)k;
	}
	if (!r)
		r = merge_run(t, w, join_score);
	for (i = 0; i < w->n_sym && !r; i++) {
		const struct merge_sym *s = &w->sym[i];

		if (!s->len)
			continue;
		if (s->id >= 0)
			r = tok_push_id(out, s->id);
		else
			r = fall_back(t, buf + s->off, s->len, out, stats);
	}
	free(buf);
	return r;
}
