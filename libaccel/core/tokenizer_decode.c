// SPDX-License-Identifier: MIT
/* Ids to text, whole or as a stream. */
#include <errno.h>
#include <string.h>

#include "tokenizer_internal.h"

static const uint8_t replacement[3] = { 0xef, 0xbf, 0xbd }; /* U+FFFD */

static int spm_text(const uint8_t *p, uint32_t n, struct tokenizer_bytes *out)
{
	uint32_t i = 0;
	int r = 0;

	while (i < n && !r) {
		if (n - i >= 3 && p[i] == 0xe2 && p[i + 1] == 0x96 && p[i + 2] == 0x81) {
			r = tok_push_bytes(out, " ", 1);
			i += 3;
		} else {
			r = tok_push_bytes(out, &p[i++], 1);
		}
	}
	return r;
}

/* Letters outside of the alphabet occur in tokens added by hand; they stand for themselves. */
static int bpe_text(const uint8_t *p, uint32_t n, struct tokenizer_bytes *out)
{
	uint32_t i = 0;
	int r = 0;

	while (i < n && !r) {
		int k = tok_utf8(p + i, n - i);
		int b = k > 0 ? tok_alpha_to_byte(tok_utf8_value(p + i, k)) : -1;
		uint8_t byte = (uint8_t)b;

		if (k < 1)
			k = 1;
		r = b < 0 ? tok_push_bytes(out, p + i, (size_t)k) : tok_push_bytes(out, &byte, 1);
		i += (uint32_t)k;
	}
	return r;
}

static uint8_t nibble(uint8_t c)
{
	return (uint8_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
}

static int piece(const struct tokenizer *t, uint32_t id, unsigned int flags,
		 struct tokenizer_bytes *out)
{
	const uint8_t *p = token_text(t, id);
	uint32_t n = token_len(t, id);
	uint8_t byte;

	switch (token_type(t, id)) {
	case TOKENIZER_CONTROL:
	case TOKENIZER_UNKNOWN:
		return flags & TOKENIZER_SHOW_SPECIAL ? tok_push_bytes(out, p, n) : 0;
	case TOKENIZER_USER_DEFINED:
		return tok_push_bytes(out, p, n);
	case TOKENIZER_BYTE: /* the text was checked when the blob was loaded */
		byte = (uint8_t)(nibble(p[3]) << 4 | nibble(p[4]));
		return tok_push_bytes(out, &byte, 1);
	default:
		break;
	}
	/* A file without token types: its byte tokens are normal ones. */
	if (t->model == TOKENIZER_SPM && n == 6 && p[0] == '<') {
		unsigned int b;

		for (b = 0; b < 256; b++) {
			byte = (uint8_t)b;
			if (t->byte_id[b] == (int32_t)id)
				return tok_push_bytes(out, &byte, 1);
		}
	}
	if (t->model == TOKENIZER_RWKV)
		return tok_push_bytes(out, p, n);
	return t->model == TOKENIZER_SPM ? spm_text(p, n, out) : bpe_text(p, n, out);
}

int tokenizer_piece(const struct tokenizer *t, int32_t id, unsigned int flags,
		    struct tokenizer_bytes *out)
{
	size_t mark = out->n;
	int r;

	if (flags & ~TOKENIZER_DECODE_FLAGS)
		return -EINVAL;
	if (id < 0 || (uint32_t)id >= t->n_tokens)
		return -ERANGE;
	r = piece(t, (uint32_t)id, flags, out);
	if (r)
		out->n = mark;
	return r;
}

int tokenizer_stream_init(struct tokenizer_stream *s, const struct tokenizer *t, unsigned int flags)
{
	memset(s, 0, sizeof(*s));
	if (flags & ~TOKENIZER_DECODE_FLAGS)
		return -EINVAL;
	s->t = t;
	s->flags = flags;
	s->strip = t->flags & TOKENIZER_BLOB_SPACE_PREFIX && !(flags & TOKENIZER_CONTINUE);
	return 0;
}

void tokenizer_stream_free(struct tokenizer_stream *s)
{
	tokenizer_bytes_free(&s->tmp);
}

static int put_bad(const struct tokenizer_stream *s, size_t n, struct tokenizer_bytes *out)
{
	if (s->flags & TOKENIZER_REPLACE)
		return tok_push_bytes(out, replacement, sizeof(replacement));
	return tok_push_bytes(out, s->pend, n);
}

/* Take one byte; what is held is always a prefix of a well-formed sequence. */
static int feed(struct tokenizer_stream *s, uint8_t b, struct tokenizer_bytes *out)
{
	int k, r;

	s->pend[s->n_pend++] = b;
	while (s->n_pend) {
		k = tok_utf8(s->pend, s->n_pend);
		if (!k)
			return 0;
		r = k > 0 ? tok_push_bytes(out, s->pend, (size_t)k) : put_bad(s, (size_t)-k, out);
		if (r)
			return r;
		k = k > 0 ? k : -k;
		s->n_pend -= (unsigned int)k;
		memmove(s->pend, s->pend + k, s->n_pend);
	}
	return 0;
}

int tokenizer_stream_push(struct tokenizer_stream *s, int32_t id, struct tokenizer_bytes *out)
{
	enum tokenizer_type type;
	size_t i = 0;
	int r;

	s->tmp.n = 0;
	r = tokenizer_piece(s->t, id, s->flags, &s->tmp);
	if (r || !s->tmp.n)
		return r;
	/* The space that encoding put in front of the text, not one of a special token. */
	type = token_type(s->t, (uint32_t)id);
	if (s->strip && s->tmp.v[0] == ' ' &&
	    (type == TOKENIZER_NORMAL || type == TOKENIZER_UNUSED))
		i = 1;
	s->strip = false;
	for (; i < s->tmp.n && !r; i++)
		r = feed(s, s->tmp.v[i], out);
	return r;
}

int tokenizer_stream_flush(struct tokenizer_stream *s, struct tokenizer_bytes *out)
{
	int r = s->n_pend ? put_bad(s, s->n_pend, out) : 0;

	if (!r)
		s->n_pend = 0;
	return r;
}

int tokenizer_decode(const struct tokenizer *t, const int32_t *ids, size_t n, unsigned int flags,
		     struct tokenizer_bytes *out)
{
	struct tokenizer_stream s;
	size_t i, mark = out->n;
	int r;

	r = tokenizer_stream_init(&s, t, flags);
	for (i = 0; i < n && !r; i++)
		r = tokenizer_stream_push(&s, ids[i], out);
	if (!r)
		r = tokenizer_stream_flush(&s, out);
	tokenizer_stream_free(&s);
	if (r)
		out->n = mark;
	return r;
}
