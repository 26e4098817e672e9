/* SPDX-License-Identifier: MIT */
/*
 * The serialised tokenizer: what the compiler stores in an .accel file and libaccel loads.
 *
 * All integers are little-endian. There are no offsets in the file: every section starts where
 * the one before it ends, and the sections fill the blob exactly.
 *
 *	header		TOKENIZER_BLOB_HEADER bytes
 *	tokens		n_tokens records of 12 bytes, in id order
 *	merges		n_merges records of 12 bytes, in rank order (BPE only)
 *	text		text_size bytes, the token texts one after the other, without terminators
 *
 * Header:
 *	 0  u32  magic, TOKENIZER_BLOB_MAGIC ("IGTK")
 *	 4  u16  version, TOKENIZER_BLOB_VERSION
 *	 6  u16  header size, TOKENIZER_BLOB_HEADER
 *	 8  u64  total size of the blob
 *	16  u8   model, enum tokenizer_model
 *	17  u8   pre-tokenizer, enum tokenizer_pre_kind (TOKENIZER_PRE_NONE but for BPE)
 *	18  u16  flags, TOKENIZER_BLOB_*; other bits zero
 *	20  u32  n_tokens, 1 .. TOKENIZER_MAX_TOKENS
 *	24  u32  n_merges, 0 .. TOKENIZER_MAX_MERGES
 *	28  u32  text_size
 *	32  i32  ids of bos, eos, eot, eom, unk, pad (six words), -1 = none
 *	56  u64  zero
 *
 * Token record:
 *	 0  u32  length of the text in bytes, 0 .. TOKENIZER_MAX_TEXT
 *	 4  f32  score, finite (SPM: merge priority, higher first)
 *	 8  u8   type, enum tokenizer_type
 *	 9  u8   flags, TOKENIZER_TOKEN_EOG
 *	10  u16  zero
 *
 * Texts are those of tokenizer.ggml.tokens, verbatim: U+2581 for a space (SPM), the GPT-2 byte
 * alphabet (BPE), the plain text for control and user-defined tokens. RWKV's are escaped there and
 * the bytes themselves here. No two tokens have the same non-empty text. Control, user-defined and
 * unknown tokens are at most TOKENIZER_MAX_SPECIAL long, RWKV's TOKENIZER_MAX_RWKV.
 *
 * A reader that does not know a model or pre-tokenizer refuses it: a new one is no new version.
 *
 * Merge record; the rank is the index, the first of equal pairs counts:
 *	 0  u32  id of the left part
 *	 4  u32  id of the right part
 *	 8  u32  id of the joined token; its text is left text + right text
 */
#ifndef TOKENIZER_BLOB_H
#define TOKENIZER_BLOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TOKENIZER_BLOB_MAGIC	     0x4b544749u
#define TOKENIZER_BLOB_VERSION	     1
#define TOKENIZER_BLOB_HEADER	     64
#define TOKENIZER_BLOB_TOKEN	     12
#define TOKENIZER_BLOB_MERGE	     12

#define TOKENIZER_MAX_TOKENS	     (1u << 22)
#define TOKENIZER_MAX_MERGES	     (1u << 23)
#define TOKENIZER_MAX_TEXT	     65535u
#define TOKENIZER_MAX_SPECIAL	     512u
#define TOKENIZER_MAX_RWKV	     512u

#define TOKENIZER_BLOB_ADD_BOS	     (1u << 0)
#define TOKENIZER_BLOB_ADD_EOS	     (1u << 1)
#define TOKENIZER_BLOB_SPACE_PREFIX  (1u << 2)
#define TOKENIZER_BLOB_IGNORE_MERGES (1u << 3)
#define TOKENIZER_BLOB_FLAGS	     0xfu

/* The token ends a generation (eos, eot, eom and their known names). */
#define TOKENIZER_TOKEN_EOG (1u << 0)

/* Size of every error buffer of this library's tokenizer and sampler. */
#define TOKENIZER_ERR_LEN 1024

enum tokenizer_model {
	TOKENIZER_SPM = 1,  /* "llama": SentencePiece-style merging by score */
	TOKENIZER_BPE = 2,  /* "gpt2": byte-level BPE, merging by rank */
	TOKENIZER_RWKV = 3, /* "rwkv": the longest token from the left */
};

/* Values of tokenizer.ggml.token_type. */
enum tokenizer_type {
	TOKENIZER_NORMAL = 1,
	TOKENIZER_UNKNOWN = 2,
	TOKENIZER_CONTROL = 3,
	TOKENIZER_USER_DEFINED = 4,
	TOKENIZER_UNUSED = 5,
	TOKENIZER_BYTE = 6,
};

enum tokenizer_pre_kind {
	TOKENIZER_PRE_NONE = 0,
	TOKENIZER_PRE_DEFAULT = 1,
	TOKENIZER_PRE_GPT2 = 2,
	TOKENIZER_PRE_LLAMA3 = 3,
	TOKENIZER_PRE_QWEN2 = 4,
	TOKENIZER_PRE_QWEN35 = 5,
	TOKENIZER_PRE_SMOLLM = 6,
	TOKENIZER_PRE_AFMOE = 7,
	TOKENIZER_PRE_DEEPSEEK3 = 8,
	TOKENIZER_PRE_TEKKEN = 9,
	TOKENIZER_PRE_GPT4O = 10,
	TOKENIZER_PRE_DEEPSEEK_LLM = 11,
	TOKENIZER_PRE_DEEPSEEK_CODER = 12,
	TOKENIZER_PRE_KIMI_K2 = 13,
	TOKENIZER_PRE_COUNT
};

/* Index into the header's six special ids. */
enum tokenizer_special {
	TOKENIZER_BOS,
	TOKENIZER_EOS,
	TOKENIZER_EOT,
	TOKENIZER_EOM,
	TOKENIZER_UNK,
	TOKENIZER_PAD,
	TOKENIZER_N_SPECIAL
};

struct tokenizer_str {
	const char *p; /* not terminated */
	size_t n;
};

/*
 * What the writer needs, in the terms of a GGUF file's tokenizer.ggml.* keys. The arrays belong to
 * the caller. Start from tokenizer_desc_init(), which marks everything optional as absent.
 */
struct tokenizer_desc {
	size_t size;		    /* sizeof(struct tokenizer_desc), set by _init */
	struct tokenizer_str model; /* "llama", "gpt2" or "rwkv" */
	struct tokenizer_str pre;   /* empty means "default"; only for "gpt2" */
	size_t n_tokens;
	const struct tokenizer_str *tokens;
	const float *scores;  /* n_tokens, or NULL: all 0 */
	const int32_t *types; /* n_tokens, or NULL: all normal */
	size_t n_merges;
	const struct tokenizer_str *merges; /* "left right"; only for "gpt2" */
	int64_t ids[TOKENIZER_N_SPECIAL];   /* -1: the file has no such key */
	int add_bos, add_eos;		    /* 0, 1, or -1: not given, use the model's default */
	int add_space_prefix;		    /* likewise */
	int ignore_merges;		    /* likewise; not a GGUF key, `pre` implies it */
};

void tokenizer_desc_init(struct tokenizer_desc *d);

/*
 * Serialise. *out is malloc'ed and the caller's. The bytes depend on the description only.
 * Absent values become those llama.cpp uses: "llama" has bos 1, eos 2, unk 0, a bos and a space
 * prefix; the aliases of llama-bpe and tekken add a bos and ignore merges; "rwkv" has none of them.
 *
 * err (TOKENIZER_ERR_LEN bytes, or NULL) names the offending key.
 * Returns 0, -EINVAL (the description is wrong), -ENOTSUP (a model or pre-tokenizer this library
 * does not have), -E2BIG or -ENOMEM.
 */
int tokenizer_blob_write(const struct tokenizer_desc *d, void **out, size_t *len, char *err);

/* The model for a value of tokenizer.ggml.model. Returns -ENOTSUP for an unknown name. */
int tokenizer_model_lookup(const char *name, size_t n, enum tokenizer_model *model);

/*
 * The pre-tokenizer for a value of tokenizer.ggml.pre. *implied (may be NULL) gets the
 * TOKENIZER_BLOB_* flags the name stands for. Returns -ENOTSUP for an unknown name.
 */
int tokenizer_pre_lookup(const char *name, size_t n, enum tokenizer_pre_kind *kind,
			 unsigned int *implied);

/* The other way round: a name for that kind and the implied flags, or NULL. */
const char *tokenizer_pre_name(enum tokenizer_pre_kind kind, unsigned int implied);

#endif
