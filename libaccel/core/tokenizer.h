/* SPDX-License-Identifier: MIT */
/*
 * Tokenizer: text to token ids and back, from the blob of tokenizer_blob.h.
 *
 * A struct tokenizer is immutable after tokenizer_create() and may be used by any number of
 * threads at once. Streams and growable arrays belong to one thread at a time.
 *
 * Functions return 0 or a negative errno; nothing is printed. Where there is an `err`, it is a
 * buffer of TOKENIZER_ERR_LEN bytes, or NULL, that gets a message naming the field at fault.
 *
 * Ill-formed UTF-8 in a prompt is neither refused nor lost: every byte that is not part of a
 * well-formed sequence becomes a symbol of its own and ends up as that byte's token (SPM: <0xNN>,
 * BPE: the byte's letter in the GPT-2 alphabet), and is counted in tokenizer_stats. A BPE text is
 * cut at such bytes before the pre-tokenizer sees it. RWKV's tokens are bytes anyway.
 *
 * Merging follows llama.cpp: SPM joins the adjacent pair with the highest score, the leftmost of
 * equals; BPE the one with the lowest rank. RWKV takes the longest token at each place.
 * Differences, on purpose: text that is not parsed for special tokens never becomes a control,
 * unknown or byte token, and `pre` expressions are those of the models' own tokenizer.json where
 * llama.cpp approximates them (tekken, gpt-4o). One code point is classified differently by PCRE2:
 * U+180E counts as a space.
 */
#ifndef TOKENIZER_H
#define TOKENIZER_H

#include "tokenizer_blob.h"

struct tokenizer;

/* Growable arrays. Zero-initialise; the functions below append. */
struct tokenizer_ids {
	int32_t *v;
	size_t n, cap;
};

struct tokenizer_bytes {
	uint8_t *v; /* not terminated */
	size_t n, cap;
};

void tokenizer_ids_free(struct tokenizer_ids *a);
void tokenizer_bytes_free(struct tokenizer_bytes *a);

/* Load a blob; it is copied. Returns 0, -EINVAL, -ENOMEM. */
int tokenizer_create(const void *blob, size_t len, struct tokenizer **out, char *err);
void tokenizer_destroy(struct tokenizer *t);

enum tokenizer_model tokenizer_model(const struct tokenizer *t);
size_t tokenizer_n_tokens(const struct tokenizer *t);
/* A special id, or -1 when the vocabulary has none. */
int32_t tokenizer_special_id(const struct tokenizer *t, enum tokenizer_special which);
/* The type of a token, or -ERANGE. */
int tokenizer_token_type(const struct tokenizer *t, int32_t id);
/* True when a generated `id` ends the answer. */
bool tokenizer_is_eog(const struct tokenizer *t, int32_t id);
/* The id of a token by its text as in the blob ("<|im_end|>", "▁the"; RWKV: its bytes), or -1. */
int32_t tokenizer_find(const struct tokenizer *t, const char *text, size_t len);
/* TOKENIZER_BLOB_* flags of the vocabulary. */
unsigned int tokenizer_blob_flags(const struct tokenizer *t);

/* bos and eos as the vocabulary's add_bos / add_eos say. */
#define TOKENIZER_AUTO (1u << 0)
/* bos / eos in any case; -ENOENT when there is none. */
#define TOKENIZER_WITH_BOS (1u << 1)
#define TOKENIZER_WITH_EOS (1u << 2)
/* Cut control, unknown and user-defined tokens out of the text first, longest first. */
#define TOKENIZER_PARSE_SPECIAL (1u << 3)
/* Cut user-defined tokens only; what llama.cpp does when parse_special is false. */
#define TOKENIZER_PARSE_USER   (1u << 4)
#define TOKENIZER_ENCODE_FLAGS 0x1fu

struct tokenizer_stats {
	size_t invalid_bytes; /* bytes outside of well-formed UTF-8; each became a byte token */
	size_t unknown_bytes; /* bytes no token stands for: unk instead, or nothing without unk */
};

#define TOKENIZER_MAX_INPUT (1u << 28)

/*
 * Append the ids of a text. stats may be NULL. On failure *out has the length it had.
 * Without PARSE_ flags the text is plain: "<s>" is three characters.
 * Returns 0, -EINVAL (flags), -ENOENT (no bos/eos), -E2BIG (text longer than TOKENIZER_MAX_INPUT,
 * or a pre-tokenizer expression ran into its limits), -ENOMEM.
 */
int tokenizer_encode(const struct tokenizer *t, const void *text, size_t len, unsigned int flags,
		     struct tokenizer_ids *out, struct tokenizer_stats *stats, char *err);

/* Show control and unknown tokens as their text; they are empty otherwise. */
#define TOKENIZER_SHOW_SPECIAL (1u << 0)
/* Keep the space an SPM vocabulary puts before the first word: the ids continue a text. */
#define TOKENIZER_CONTINUE (1u << 1)
/* Streams: turn ill-formed UTF-8 into U+FFFD, one per maximal subpart, instead of passing it. */
#define TOKENIZER_REPLACE      (1u << 2)
#define TOKENIZER_DECODE_FLAGS 0x7u

/* Append the bytes of one token, no space stripped. A piece may end inside a UTF-8 sequence. */
int tokenizer_piece(const struct tokenizer *t, int32_t id, unsigned int flags,
		    struct tokenizer_bytes *out);

/* Append the bytes of a whole sequence. -ERANGE for an id outside of the vocabulary. */
int tokenizer_decode(const struct tokenizer *t, const int32_t *ids, size_t n, unsigned int flags,
		     struct tokenizer_bytes *out);

/*
 * Detokenizer for a generation: each push appends the bytes that are certain, holding back an
 * incomplete UTF-8 sequence (at most 3 bytes) until the tokens after it complete or spoil it.
 * Free with tokenizer_stream_free(). Members are private.
 */
struct tokenizer_stream {
	const struct tokenizer *t;
	unsigned int flags;
	bool strip;
	uint8_t pend[4];
	unsigned int n_pend;
	struct tokenizer_bytes tmp;
};

int tokenizer_stream_init(struct tokenizer_stream *s, const struct tokenizer *t,
			  unsigned int flags);
int tokenizer_stream_push(struct tokenizer_stream *s, int32_t id, struct tokenizer_bytes *out);
/* End of the generation: append what was held back. */
int tokenizer_stream_flush(struct tokenizer_stream *s, struct tokenizer_bytes *out);
void tokenizer_stream_free(struct tokenizer_stream *s);

#endif
