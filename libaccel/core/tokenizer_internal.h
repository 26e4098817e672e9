/* SPDX-License-Identifier: MIT */
/* What the tokenizer's files share; not for others. */
#ifndef TOKENIZER_INTERNAL_H
#define TOKENIZER_INTERNAL_H

#include "tokenizer.h"
#include "tokenizer_strtab.h"

struct tokenizer_pre;

/* Special tokens of one length, with a map of their first bytes. */
struct special_group {
	uint32_t len;
	bool has_user;
	uint64_t first[4];
};

/* Merge of two ids; key 0 is a free slot. */
struct pair_slot {
	uint64_t key; /* (left << 32 | right) + 1 */
	uint32_t rank;
	int32_t id;
};

struct tokenizer {
	uint8_t *blob;
	const uint8_t *rec;  /* token records */
	const uint8_t *text; /* texts */
	uint32_t *off;	     /* n_tokens + 1 offsets into text */
	uint32_t n_tokens, n_merges;
	uint32_t max_text; /* longest token that text can become */
	enum tokenizer_model model;
	enum tokenizer_pre_kind pre_kind;
	unsigned int flags;
	int32_t special[TOKENIZER_N_SPECIAL];
	int32_t byte_id[256]; /* -1: none */
	struct strtab tab;
	struct pair_slot *pair;
	size_t pair_mask;
	struct special_group *group; /* longest first */
	size_t n_group;
	struct tokenizer_pre *pre; /* BPE */
	uint32_t *sorted;	   /* RWKV: ids of what text can become, by their bytes */
	size_t n_sorted;
};

static inline enum tokenizer_type token_type(const struct tokenizer *t, uint32_t id)
{
	return (enum tokenizer_type)t->rec[(size_t)id * TOKENIZER_BLOB_TOKEN + 8];
}

static inline const uint8_t *token_text(const struct tokenizer *t, uint32_t id)
{
	return t->text + t->off[id];
}

static inline uint32_t token_len(const struct tokenizer *t, uint32_t id)
{
	return t->off[id + 1] - t->off[id];
}

/* Types that plain text may become. */
static inline bool type_is_text(enum tokenizer_type type)
{
	return type == TOKENIZER_NORMAL || type == TOKENIZER_USER_DEFINED ||
	       type == TOKENIZER_UNUSED;
}

/* tokenizer_text.c */
int __attribute__((format(printf, 3, 4))) tok_fail(char *err, int code, const char *fmt, ...);
/* Make room for n more elements of `size` bytes. Returns 0 or -ENOMEM. */
int tok_reserve(void **v, size_t *cap, size_t used, size_t n, size_t size);
int tok_push_id(struct tokenizer_ids *a, int32_t id);
int tok_push_bytes(struct tokenizer_bytes *a, const void *p, size_t n);
/*
 * First sequence of p[0..n), n > 0. Well-formed: its length, 1 to 4. A prefix of a well-formed one
 * that n cuts short: 0. Ill-formed: minus the length of the maximal subpart (Unicode 3.9, D93b).
 */
int tok_utf8(const uint8_t *p, size_t n);
/* GPT-2 alphabet: code point of a byte, and back (-1: not in the alphabet). */
uint32_t tok_byte_to_alpha(uint8_t b);
int tok_alpha_to_byte(uint32_t c);
/* Code point of a well-formed sequence. */
uint32_t tok_utf8_value(const uint8_t *p, int len);
int tok_utf8_put(uint32_t c, uint8_t *out);

/*
 * tokenizer_merge.c: greedy merging of adjacent symbols with a heap, O(n log n).
 * The caller fills `sym` by merge_add(), then merge_run() joins while `join` finds a pair.
 */
#define MERGE_NONE UINT32_MAX

struct merge_sym {
	uint32_t prev, next; /* MERGE_NONE at the ends */
	uint32_t off, len;   /* bytes; len 0: merged away */
	int32_t id;	     /* -1: no token */
};

struct merge_node {
	uint64_t key; /* priority << 32 | left symbol; smallest first */
	uint32_t right, len;
	int32_t id;
};

struct merge_work {
	const uint8_t *text;
	struct merge_sym *sym;
	size_t n_sym, cap_sym;
	struct merge_node *heap;
	size_t n_heap, cap_heap;
	struct tokenizer_bytes alpha; /* a piece in the GPT-2 alphabet */
};

/* Id of the token that l and r make together and its priority (lower first), or -1. */
typedef int32_t merge_join_fn(const struct tokenizer *t, const struct merge_work *w,
			      const struct merge_sym *l, const struct merge_sym *r, uint32_t *prio);

void merge_begin(struct merge_work *w, const uint8_t *text);
int merge_add(struct merge_work *w, uint32_t off, uint32_t len, int32_t id);
int merge_run(const struct tokenizer *t, struct merge_work *w, merge_join_fn *join);
void merge_free(struct merge_work *w);

/* tokenizer_pre.c: ends of the pieces of a well-formed UTF-8 text. */
struct pre_ends {
	uint32_t *v;
	size_t n, cap;
};

int tokenizer_pre_create(enum tokenizer_pre_kind kind, struct tokenizer_pre **out, char *err);
void tokenizer_pre_destroy(struct tokenizer_pre *pre);
/* Replaces the contents of *out; `tmp` is scratch. Both are freed by the caller. */
int tokenizer_pre_split(const struct tokenizer_pre *pre, const uint8_t *text, size_t len,
			struct pre_ends *out, struct pre_ends *tmp, char *err);

/* Encode one fragment without special tokens. */
int tokenizer_spm_encode(const struct tokenizer *t, const uint8_t *text, size_t len, bool prefix,
			 struct merge_work *w, struct tokenizer_ids *out,
			 struct tokenizer_stats *stats);
int tokenizer_bpe_encode(const struct tokenizer *t, const uint8_t *text, size_t len,
			 struct merge_work *w, struct tokenizer_ids *out,
			 struct tokenizer_stats *stats, char *err);

int tokenizer_rwkv_encode(const struct tokenizer *t, const uint8_t *text, size_t len,
			  struct tokenizer_ids *out, struct tokenizer_stats *stats);

/* tokenizer_rwkv.c: sort the tokens. Returns 0 or -ENOMEM. */
int tokenizer_rwkv_load(struct tokenizer *t, char *err);

/* tokenizer_bpe.c: build the merge table. Returns 0, -EINVAL, -ENOMEM. */
int tokenizer_bpe_load(struct tokenizer *t, const uint8_t *merges, char *err);

#endif
