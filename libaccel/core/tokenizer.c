// SPDX-License-Identifier: MIT
/* Loading a blob (hostile input) and questions about the vocabulary. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tokenizer_internal.h"
#include "tokenizer_le.h"

static const char *const special_name[TOKENIZER_N_SPECIAL] = {
	"bos", "eos", "eot", "eom", "unk", "pad",
};

static int parse_header(struct tokenizer *t, size_t len, size_t *text_size, char *err)
{
	const uint8_t *p = t->blob;
	size_t need, part;
	uint32_t v;
	unsigned int i;

	if (len < TOKENIZER_BLOB_HEADER)
		return tok_fail(err, -EINVAL, "tokenizer: %zu bytes, the header has %d", len,
				TOKENIZER_BLOB_HEADER);
	if (get_le32(p) != TOKENIZER_BLOB_MAGIC)
		return tok_fail(err, -EINVAL, "tokenizer: magic is 0x%08x",
				(unsigned int)get_le32(p));
	if (get_le16(p + 4) != TOKENIZER_BLOB_VERSION)
		return tok_fail(err, -EINVAL, "tokenizer: version %u, this library reads %d",
				(unsigned int)get_le16(p + 4), TOKENIZER_BLOB_VERSION);
	if (get_le16(p + 6) != TOKENIZER_BLOB_HEADER)
		return tok_fail(err, -EINVAL, "tokenizer: header_size is %u",
				(unsigned int)get_le16(p + 6));
	if (get_le64(p + 8) != len)
		return tok_fail(err, -EINVAL, "tokenizer: total_size is %llu, the blob has %zu",
				(unsigned long long)get_le64(p + 8), len);
	if (p[16] != TOKENIZER_SPM && p[16] != TOKENIZER_BPE && p[16] != TOKENIZER_RWKV)
		return tok_fail(err, -EINVAL, "tokenizer: model is %u", p[16]);
	t->model = (enum tokenizer_model)p[16];
	if (p[17] >= TOKENIZER_PRE_COUNT ||
	    (p[17] == TOKENIZER_PRE_NONE) != (t->model != TOKENIZER_BPE))
		return tok_fail(err, -EINVAL, "tokenizer: pre-tokenizer is %u", p[17]);
	t->pre_kind = (enum tokenizer_pre_kind)p[17];
	t->flags = get_le16(p + 18);
	if (t->flags & ~TOKENIZER_BLOB_FLAGS)
		return tok_fail(err, -EINVAL, "tokenizer: flags are 0x%x", t->flags);
	t->n_tokens = get_le32(p + 20);
	if (!t->n_tokens || t->n_tokens > TOKENIZER_MAX_TOKENS)
		return tok_fail(err, -EINVAL, "tokenizer: n_tokens is %u",
				(unsigned int)t->n_tokens);
	t->n_merges = get_le32(p + 24);
	if (t->n_merges > TOKENIZER_MAX_MERGES || (t->n_merges && t->model != TOKENIZER_BPE))
		return tok_fail(err, -EINVAL, "tokenizer: n_merges is %u",
				(unsigned int)t->n_merges);
	*text_size = get_le32(p + 28);
	for (i = 0; i < TOKENIZER_N_SPECIAL; i++) {
		v = get_le32(p + 32 + 4 * i);
		if (v != UINT32_MAX && v >= t->n_tokens)
			return tok_fail(err, -EINVAL, "tokenizer: %s is %u, there are %u tokens",
					special_name[i], (unsigned int)v,
					(unsigned int)t->n_tokens);
		t->special[i] = (int32_t)v;
	}
	if ((t->flags & TOKENIZER_BLOB_ADD_BOS && t->special[TOKENIZER_BOS] < 0) ||
	    (t->flags & TOKENIZER_BLOB_ADD_EOS && t->special[TOKENIZER_EOS] < 0))
		return tok_fail(err, -EINVAL, "tokenizer: flags ask for a bos or eos that is none");
	if (get_le64(p + 56))
		return tok_fail(err, -EINVAL, "tokenizer: reserved is not zero");

	need = TOKENIZER_BLOB_HEADER;
	if (__builtin_mul_overflow((size_t)t->n_tokens, (size_t)TOKENIZER_BLOB_TOKEN, &part) ||
	    __builtin_add_overflow(need, part, &need) ||
	    __builtin_mul_overflow((size_t)t->n_merges, (size_t)TOKENIZER_BLOB_MERGE, &part) ||
	    __builtin_add_overflow(need, part, &need) ||
	    __builtin_add_overflow(need, *text_size, &need) || need != len)
		return tok_fail(err, -EINVAL,
				"tokenizer: n_tokens %u, n_merges %u and text_size "
				"%zu do not add up to %zu bytes",
				(unsigned int)t->n_tokens, (unsigned int)t->n_merges, *text_size,
				len);
	return 0;
}

static int parse_record(const struct tokenizer *t, uint32_t i, char *err)
{
	const uint8_t *rec = t->rec + (size_t)i * TOKENIZER_BLOB_TOKEN;
	uint32_t len = get_le32(rec);

	if (len > (t->model == TOKENIZER_RWKV ? TOKENIZER_MAX_RWKV : TOKENIZER_MAX_TEXT))
		return tok_fail(err, -EINVAL, "tokenizer: tokens[%u].length is %u", (unsigned int)i,
				(unsigned int)len);
	if (!isfinite(get_lef32(rec + 4)))
		return tok_fail(err, -EINVAL, "tokenizer: tokens[%u].score is not finite",
				(unsigned int)i);
	if (rec[8] < TOKENIZER_NORMAL || rec[8] > TOKENIZER_BYTE)
		return tok_fail(err, -EINVAL, "tokenizer: tokens[%u].type is %u", (unsigned int)i,
				rec[8]);
	if (rec[9] & ~TOKENIZER_TOKEN_EOG || get_le16(rec + 10))
		return tok_fail(err, -EINVAL, "tokenizer: tokens[%u].flags have unknown bits",
				(unsigned int)i);
	if (len > TOKENIZER_MAX_SPECIAL && rec[8] != TOKENIZER_NORMAL && rec[8] != TOKENIZER_UNUSED)
		return tok_fail(err, -EINVAL,
				"tokenizer: tokens[%u].length is %u for a special "
				"token",
				(unsigned int)i, (unsigned int)len);
	return 0;
}

static int parse_tokens(struct tokenizer *t, size_t text_size, char *err)
{
	uint32_t i, other;
	size_t sum = 0;
	int r;

	t->off = malloc(((size_t)t->n_tokens + 1) * sizeof(*t->off));
	if (!t->off)
		return tok_fail(err, -ENOMEM, "out of memory");
	for (i = 0; i < t->n_tokens; i++) {
		r = parse_record(t, i, err);
		if (r)
			return r;
		t->off[i] = (uint32_t)sum;
		sum += get_le32(t->rec + (size_t)i * TOKENIZER_BLOB_TOKEN);
		if (sum > text_size)
			return tok_fail(err, -EINVAL,
					"tokenizer: tokens[%u] ends outside of the "
					"%zu text bytes",
					(unsigned int)i, text_size);
	}
	t->off[i] = (uint32_t)sum;
	if (sum != text_size)
		return tok_fail(err, -EINVAL, "tokenizer: text_size is %zu, the tokens have %zu",
				text_size, sum);

	if (strtab_init(&t->tab, t->text, t->off, t->n_tokens))
		return tok_fail(err, -ENOMEM, "out of memory");
	for (i = 0; i < t->n_tokens; i++) {
		if (!token_len(t, i))
			continue;
		r = strtab_add(&t->tab, i, &other);
		if (r == -EEXIST)
			return tok_fail(err, -EINVAL,
					"tokenizer: tokens[%u] has the text of token "
					"%u",
					(unsigned int)i, (unsigned int)other);
		if (r)
			return tok_fail(err, -EINVAL, "tokenizer: tokens[%u]: texts collide",
					(unsigned int)i);
		if (type_is_text(token_type(t, i)) && token_len(t, i) > t->max_text)
			t->max_text = token_len(t, i);
	}
	return 0;
}

static int hex(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

/* Value of a text "<0xNN>", or -1. */
static int byte_text(const uint8_t *p, uint32_t n)
{
	if (n != 6 || memcmp(p, "<0x", 3) || p[5] != '>' || hex(p[3]) < 0 || hex(p[4]) < 0)
		return -1;
	return hex(p[3]) << 4 | hex(p[4]);
}

/* Which token stands for each byte. */
static int map_bytes(struct tokenizer *t, char *err)
{
	uint8_t letter[4];
	uint32_t i;
	int b;

	memset(t->byte_id, 0xff, sizeof(t->byte_id));
	for (i = 0; i < t->n_tokens; i++) {
		if (token_type(t, i) != TOKENIZER_BYTE)
			continue;
		b = byte_text(token_text(t, i), token_len(t, i));
		if (b < 0)
			return tok_fail(err, -EINVAL,
					"tokenizer: tokens[%u] is a byte token, but "
					"its text is not <0xNN>",
					(unsigned int)i);
		if (t->model != TOKENIZER_BPE && t->byte_id[b] < 0)
			t->byte_id[b] = (int32_t)i;
	}
	for (b = 0; b < 256; b++) {
		char text[8] = "<0x00>";
		int32_t id;
		int n = 6;

		if (t->byte_id[b] >= 0 || t->model == TOKENIZER_RWKV)
			continue;
		if (t->model == TOKENIZER_SPM) { /* files without token types */
			text[3] = "0123456789ABCDEF"[b >> 4];
			text[4] = "0123456789ABCDEF"[b & 15];
			id = strtab_find(&t->tab, text, (size_t)n);
		} else {
			n = tok_utf8_put(tok_byte_to_alpha((uint8_t)b), letter);
			id = strtab_find(&t->tab, letter, (size_t)n);
		}
		if (id >= 0 && type_is_text(token_type(t, (uint32_t)id)))
			t->byte_id[b] = id;
	}
	return 0;
}

static bool is_cut(enum tokenizer_type type)
{
	return type == TOKENIZER_CONTROL || type == TOKENIZER_UNKNOWN ||
	       type == TOKENIZER_USER_DEFINED;
}

/* Lengths of the special tokens, longest first, and the bytes they begin with. */
static int group_specials(struct tokenizer *t, char *err)
{
	struct special_group *g;
	uint32_t i, len, at[TOKENIZER_MAX_SPECIAL + 1];
	bool seen[TOKENIZER_MAX_SPECIAL + 1] = { false };
	size_t n = 0;

	for (i = 0; i < t->n_tokens; i++) {
		len = token_len(t, i);
		if (len && is_cut(token_type(t, i)) && !seen[len]) {
			seen[len] = true;
			n++;
		}
	}
	t->group = calloc(n ? n : 1, sizeof(*t->group));
	if (!t->group)
		return tok_fail(err, -ENOMEM, "out of memory");
	for (len = TOKENIZER_MAX_SPECIAL; len; len--) {
		if (seen[len]) {
			at[len] = (uint32_t)t->n_group;
			t->group[t->n_group++].len = len;
		}
	}
	for (i = 0; i < t->n_tokens; i++) {
		len = token_len(t, i);
		if (!len || !is_cut(token_type(t, i)))
			continue;
		g = &t->group[at[len]];
		g->first[token_text(t, i)[0] >> 6] |= 1ull << (token_text(t, i)[0] & 63);
		g->has_user |= token_type(t, i) == TOKENIZER_USER_DEFINED;
	}
	return 0;
}

int tokenizer_create(const void *blob, size_t len, struct tokenizer **out, char *err)
{
	struct tokenizer *t;
	size_t text_size = 0;
	int r;

	*out = NULL;
	t = calloc(1, sizeof(*t));
	if (t)
		t->blob = malloc(len ? len : 1);
	if (!t || !t->blob) {
		free(t);
		return tok_fail(err, -ENOMEM, "out of memory");
	}
	if (len)
		memcpy(t->blob, blob, len);
	r = parse_header(t, len, &text_size, err);
	if (r)
		goto fail;
	t->rec = t->blob + TOKENIZER_BLOB_HEADER;
	t->text = t->blob + len - text_size;
	r = parse_tokens(t, text_size, err);
	if (!r)
		r = map_bytes(t, err);
	if (!r)
		r = group_specials(t, err);
	if (!r && t->model == TOKENIZER_BPE) {
		r = tokenizer_bpe_load(t, t->rec + (size_t)t->n_tokens * TOKENIZER_BLOB_TOKEN, err);
		if (!r)
			r = tokenizer_pre_create(t->pre_kind, &t->pre, err);
	}
	if (!r && t->model == TOKENIZER_RWKV)
		r = tokenizer_rwkv_load(t, err);
	if (r)
		goto fail;
	*out = t;
	return 0;

fail:
	tokenizer_destroy(t);
	return r;
}

void tokenizer_destroy(struct tokenizer *t)
{
	if (!t)
		return;
	tokenizer_pre_destroy(t->pre);
	strtab_free(&t->tab);
	free(t->sorted);
	free(t->pair);
	free(t->group);
	free(t->off);
	free(t->blob);
	free(t);
}

enum tokenizer_model tokenizer_model(const struct tokenizer *t)
{
	return t->model;
}

size_t tokenizer_n_tokens(const struct tokenizer *t)
{
	return t->n_tokens;
}

unsigned int tokenizer_blob_flags(const struct tokenizer *t)
{
	return t->flags;
}

int32_t tokenizer_special_id(const struct tokenizer *t, enum tokenizer_special which)
{
	return (unsigned int)which < TOKENIZER_N_SPECIAL ? t->special[which] : -1;
}

int tokenizer_token_type(const struct tokenizer *t, int32_t id)
{
	if (id < 0 || (uint32_t)id >= t->n_tokens)
		return -ERANGE;
	return (int)token_type(t, (uint32_t)id);
}

bool tokenizer_is_eog(const struct tokenizer *t, int32_t id)
{
	if (id < 0 || (uint32_t)id >= t->n_tokens)
		return false;
	return t->rec[(size_t)id * TOKENIZER_BLOB_TOKEN + 9] & TOKENIZER_TOKEN_EOG;
}

int32_t tokenizer_find(const struct tokenizer *t, const char *text, size_t len)
{
	return len ? strtab_find(&t->tab, text, len) : -1;
}
