// SPDX-License-Identifier: MIT
#include "tokenizer_blob.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tokenizer_le.h"
#include "tokenizer_strtab.h"
#include "tokenizer_unescape.h"

#define KEY "tokenizer.ggml."

static const char *const id_key[TOKENIZER_N_SPECIAL] = {
	[TOKENIZER_BOS] = "bos_token_id",     [TOKENIZER_EOS] = "eos_token_id",
	[TOKENIZER_EOT] = "eot_token_id",     [TOKENIZER_EOM] = "eom_token_id",
	[TOKENIZER_UNK] = "unknown_token_id", [TOKENIZER_PAD] = "padding_token_id",
};

/* Texts that end a turn or a document in published vocabularies; the eot key is often missing. */
static const char *const eog_name[] = {
	"<|eot_id|>",
	"<|eom_id|>",
	"<|im_end|>",
	"<|end|>",
	"<end_of_turn>",
	"<|endoftext|>",
	"<|end_of_text|>",
	"<EOT>",
	"_<EOT>",
	"[EOT]",
	"<｜end▁of▁sentence｜>",
	"<end_of_utterance>",
};

#define LLAMA3_FLAGS (TOKENIZER_BLOB_IGNORE_MERGES | TOKENIZER_BLOB_ADD_BOS)

/* Values of tokenizer.ggml.pre in published files, by the expressions they stand for. */
static const struct {
	const char *name;
	enum tokenizer_pre_kind kind;
	unsigned int implied;
} pre_name[] = {
	{ "default", TOKENIZER_PRE_DEFAULT, 0 },
	{ "gpt-2", TOKENIZER_PRE_GPT2, 0 },
	{ "phi-2", TOKENIZER_PRE_GPT2, 0 },
	{ "mpt", TOKENIZER_PRE_GPT2, 0 },
	{ "olmo", TOKENIZER_PRE_GPT2, 0 },
	{ "jais", TOKENIZER_PRE_GPT2, 0 },
	{ "gigachat", TOKENIZER_PRE_GPT2, 0 },
	{ "mellum", TOKENIZER_PRE_GPT2, 0 },
	{ "a.x-4.0", TOKENIZER_PRE_GPT2, 0 },
	{ "exaone4", TOKENIZER_PRE_GPT2, 0 },
	{ "trillion", TOKENIZER_PRE_GPT2, 0 },
	{ "granite-docling", TOKENIZER_PRE_GPT2, 0 },
	{ "llama-bpe", TOKENIZER_PRE_LLAMA3, LLAMA3_FLAGS },
	{ "llama3", TOKENIZER_PRE_LLAMA3, LLAMA3_FLAGS },
	{ "llama-v3", TOKENIZER_PRE_LLAMA3, LLAMA3_FLAGS },
	{ "falcon3", TOKENIZER_PRE_LLAMA3, LLAMA3_FLAGS },
	{ "falcon-h1", TOKENIZER_PRE_LLAMA3, LLAMA3_FLAGS },
	{ "pixtral", TOKENIZER_PRE_LLAMA3, LLAMA3_FLAGS },
	{ "midm-2.0", TOKENIZER_PRE_LLAMA3, LLAMA3_FLAGS },
	{ "lfm2", TOKENIZER_PRE_LLAMA3, LLAMA3_FLAGS },
	{ "dbrx", TOKENIZER_PRE_LLAMA3, 0 },
	{ "smaug-bpe", TOKENIZER_PRE_LLAMA3, 0 },
	{ "glm4", TOKENIZER_PRE_LLAMA3, 0 },
	{ "chatglm-bpe", TOKENIZER_PRE_LLAMA3, 0 },
	{ "qwen2", TOKENIZER_PRE_QWEN2, 0 },
	{ "deepseek-r1-qwen", TOKENIZER_PRE_QWEN2, 0 },
	{ "stablelm2", TOKENIZER_PRE_QWEN2, 0 },
	{ "hunyuan", TOKENIZER_PRE_QWEN2, 0 },
	{ "megrez", TOKENIZER_PRE_QWEN2, 0 },
	{ "kormo", TOKENIZER_PRE_QWEN2, 0 },
	{ "solar-open", TOKENIZER_PRE_QWEN2, 0 },
	{ "grok-2", TOKENIZER_PRE_QWEN2, 0 },
	{ "qwen35", TOKENIZER_PRE_QWEN35, 0 },
	{ "smollm", TOKENIZER_PRE_SMOLLM, 0 },
	{ "starcoder", TOKENIZER_PRE_SMOLLM, 0 },
	{ "refact", TOKENIZER_PRE_SMOLLM, 0 },
	{ "command-r", TOKENIZER_PRE_SMOLLM, 0 },
	{ "codeshell", TOKENIZER_PRE_SMOLLM, 0 },
	{ "exaone", TOKENIZER_PRE_SMOLLM, 0 },
	{ "minerva-7b", TOKENIZER_PRE_SMOLLM, 0 },
	{ "mellum2", TOKENIZER_PRE_SMOLLM, 0 },
	{ "afmoe", TOKENIZER_PRE_AFMOE, 0 },
	{ "deepseek-v3", TOKENIZER_PRE_DEEPSEEK3, 0 },
	{ "hunyuan-dense", TOKENIZER_PRE_DEEPSEEK3, 0 },
	{ "joyai-llm", TOKENIZER_PRE_DEEPSEEK3, 0 },
	{ "deepseek-llm", TOKENIZER_PRE_DEEPSEEK_LLM, 0 },
	{ "deepseek-coder", TOKENIZER_PRE_DEEPSEEK_CODER, 0 },
	{ "kimi-k2", TOKENIZER_PRE_KIMI_K2, 0 },
	{ "tekken", TOKENIZER_PRE_TEKKEN, LLAMA3_FLAGS },
	{ "gpt-4o", TOKENIZER_PRE_GPT4O, 0 },
	{ "llama4", TOKENIZER_PRE_GPT4O, 0 },
	{ "kanana2", TOKENIZER_PRE_GPT4O, 0 },
	{ "minimax-m2", TOKENIZER_PRE_GPT4O, 0 },
};

#define N_ELEM(a) (sizeof(a) / sizeof((a)[0]))

/* The writer's view of a description, checked and completed. */
struct plan {
	const struct tokenizer_desc *d;
	enum tokenizer_model model;
	enum tokenizer_pre_kind pre;
	unsigned int flags;
	size_t n_merges;
	int32_t id[TOKENIZER_N_SPECIAL];
	uint32_t *off; /* n_tokens + 1 */
	uint8_t *blob;
	size_t size;
	struct strtab tab;
	struct tokenizer_desc plain; /* d, without escapes */
	struct tokenizer_str *plain_tokens;
	char *plain_bytes;
};

static int __attribute__((format(printf, 3, 4))) fail(char *err, int code, const char *fmt, ...)
{
	va_list ap;

	if (err) {
		va_start(ap, fmt);
		vsnprintf(err, TOKENIZER_ERR_LEN, fmt, ap);
		va_end(ap);
	}
	return code;
}

static bool str_is(const struct tokenizer_str *s, const char *lit)
{
	return s->n == strlen(lit) && !memcmp(s->p, lit, s->n);
}

/* Precision for "%.*s" of a string from a file. */
static int shown(size_t n)
{
	return n > 80 ? 80 : (int)n;
}

void tokenizer_desc_init(struct tokenizer_desc *d)
{
	unsigned int i;

	memset(d, 0, sizeof(*d));
	d->size = sizeof(*d);
	for (i = 0; i < TOKENIZER_N_SPECIAL; i++)
		d->ids[i] = -1;
	d->add_bos = -1;
	d->add_eos = -1;
	d->add_space_prefix = -1;
	d->ignore_merges = -1;
}

int tokenizer_model_lookup(const char *name, size_t n, enum tokenizer_model *model)
{
	static const char *const names[] = {
		[TOKENIZER_SPM] = "llama",
		[TOKENIZER_BPE] = "gpt2",
		[TOKENIZER_RWKV] = "rwkv",
	};
	struct tokenizer_str s = { name, n };
	size_t i;

	for (i = TOKENIZER_SPM; i < N_ELEM(names); i++) {
		if (str_is(&s, names[i])) {
			*model = (enum tokenizer_model)i;
			return 0;
		}
	}
	return -ENOTSUP;
}

int tokenizer_pre_lookup(const char *name, size_t n, enum tokenizer_pre_kind *kind,
			 unsigned int *implied)
{
	struct tokenizer_str s = { name, n };
	size_t i;

	for (i = 0; i < N_ELEM(pre_name); i++) {
		if (!str_is(&s, pre_name[i].name))
			continue;
		*kind = pre_name[i].kind;
		if (implied)
			*implied = pre_name[i].implied;
		return 0;
	}
	return -ENOTSUP;
}

const char *tokenizer_pre_name(enum tokenizer_pre_kind kind, unsigned int implied)
{
	size_t i;

	for (i = 0; i < N_ELEM(pre_name); i++) {
		if (pre_name[i].kind == kind && pre_name[i].implied == implied)
			return pre_name[i].name;
	}
	return NULL;
}

static int32_t type_of(const struct tokenizer_desc *d, size_t i)
{
	return d->types ? d->types[i] : TOKENIZER_NORMAL;
}

static int unknown_pre(const char *pre, size_t n, char *err)
{
	char list[TOKENIZER_ERR_LEN] = "";
	size_t i, at = 0;

	for (i = 0; i < N_ELEM(pre_name) && at < sizeof(list); i++)
		at += (size_t)snprintf(list + at, sizeof(list) - at, "%s%s", i ? ", " : "",
				       pre_name[i].name);
	return fail(err, -ENOTSUP, KEY "pre: unknown pre-tokenizer '%.*s'; supported: %s", shown(n),
		    pre, list);
}

static int plan_kind(struct plan *pl, char *err)
{
	static const char dflt[] = "default";
	const struct tokenizer_desc *d = pl->d;
	const char *pre = d->pre.n ? d->pre.p : dflt;
	size_t n = d->pre.n ? d->pre.n : sizeof(dflt) - 1;

	if (tokenizer_model_lookup(d->model.p, d->model.n, &pl->model))
		return fail(err, -ENOTSUP, KEY "model: '%.*s' is not supported (llama, gpt2, rwkv)",
			    shown(d->model.n), d->model.p ? d->model.p : "");
	pl->pre = TOKENIZER_PRE_NONE;
	if (pl->model == TOKENIZER_SPM)
		pl->flags = TOKENIZER_BLOB_ADD_BOS | TOKENIZER_BLOB_SPACE_PREFIX;
	if (pl->model != TOKENIZER_BPE)
		return 0;
	pl->n_merges = d->n_merges;
	if (tokenizer_pre_lookup(pre, n, &pl->pre, &pl->flags))
		return unknown_pre(pre, n, err);
	return 0;
}

/* RWKV: go on with a description whose tokens are bytes. */
static int plan_unescape(struct plan *pl, char *err)
{
	const struct tokenizer_desc *d = pl->d;
	size_t i, n, sum = 0;
	char *p;

	for (i = 0; i < d->n_tokens; i++) {
		if (__builtin_add_overflow(sum, d->tokens[i].n, &sum))
			return fail(err, -E2BIG, KEY "tokens: sizes overflow");
	}
	pl->plain_tokens = calloc(d->n_tokens, sizeof(*pl->plain_tokens));
	pl->plain_bytes = malloc(sum ? sum : 1);
	if (!pl->plain_tokens || !pl->plain_bytes)
		return fail(err, -ENOMEM, "out of memory");
	p = pl->plain_bytes;
	for (i = 0; i < d->n_tokens; i++, p += n) {
		if (tokenizer_unescape(d->tokens[i].p, d->tokens[i].n, p, &n))
			return fail(err, -EINVAL, KEY "tokens[%zu]: '%.*s': broken escape", i,
				    shown(d->tokens[i].n), d->tokens[i].p);
		pl->plain_tokens[i] = (struct tokenizer_str){ p, n };
	}
	pl->plain = *d;
	pl->plain.tokens = pl->plain_tokens;
	pl->d = &pl->plain;
	return 0;
}

static int plan_ids(struct plan *pl, char *err)
{
	static const int32_t spm[TOKENIZER_N_SPECIAL] = {
		[TOKENIZER_BOS] = 1,  [TOKENIZER_EOS] = 2, [TOKENIZER_EOT] = -1,
		[TOKENIZER_EOM] = -1, [TOKENIZER_UNK] = 0, [TOKENIZER_PAD] = -1,
	};
	const struct tokenizer_desc *d = pl->d;
	unsigned int i;

	for (i = 0; i < TOKENIZER_N_SPECIAL; i++) {
		int64_t id = d->ids[i];

		if (id == -1) {
			pl->id[i] = -1;
			if (pl->model == TOKENIZER_SPM && spm[i] >= 0 &&
			    (size_t)spm[i] < d->n_tokens)
				pl->id[i] = spm[i];
			continue;
		}
		if (id < 0 || (uint64_t)id >= d->n_tokens)
			return fail(err, -EINVAL, KEY "%s: %lld is outside of the %zu tokens",
				    id_key[i], (long long)id, d->n_tokens);
		pl->id[i] = (int32_t)id;
	}
	return 0;
}

static int plan_flag(struct plan *pl, const char *name, int given, unsigned int bit, int32_t id,
		     bool needs_id, char *err)
{
	if (given < -1 || given > 1)
		return fail(err, -EINVAL, KEY "%s: %d is not a boolean", name, given);
	if (given == 1 && needs_id && id < 0)
		return fail(err, -EINVAL, KEY "%s: true, but the token's id is not given", name);
	if (given == 1)
		pl->flags |= bit;
	if (given == 0 || (needs_id && id < 0))
		pl->flags &= ~bit;
	return 0;
}

static int plan_flags(struct plan *pl, char *err)
{
	const struct tokenizer_desc *d = pl->d;
	int r;

	r = plan_flag(pl, "add_bos_token", d->add_bos, TOKENIZER_BLOB_ADD_BOS,
		      pl->id[TOKENIZER_BOS], true, err);
	if (r)
		return r;
	r = plan_flag(pl, "add_eos_token", d->add_eos, TOKENIZER_BLOB_ADD_EOS,
		      pl->id[TOKENIZER_EOS], true, err);
	if (r)
		return r;
	r = plan_flag(pl, "ignore_merges", d->ignore_merges, TOKENIZER_BLOB_IGNORE_MERGES, -1,
		      false, err);
	if (r)
		return r;
	if (pl->model == TOKENIZER_BPE) /* no file of this model means it */
		return 0;
	pl->flags &= ~TOKENIZER_BLOB_IGNORE_MERGES;
	if (pl->model == TOKENIZER_RWKV)
		return 0;
	return plan_flag(pl, "add_space_prefix", d->add_space_prefix, TOKENIZER_BLOB_SPACE_PREFIX,
			 -1, false, err);
}

static int check_token(const struct plan *pl, size_t i, char *err)
{
	const struct tokenizer_desc *d = pl->d;
	int32_t type = type_of(d, i);
	size_t n = d->tokens[i].n;

	if (type < TOKENIZER_NORMAL || type > TOKENIZER_BYTE)
		return fail(err, -EINVAL, KEY "token_type[%zu]: %d is not a type", i, (int)type);
	if (n > TOKENIZER_MAX_TEXT)
		return fail(err, -E2BIG, KEY "tokens[%zu]: %zu bytes, at most %u", i, n,
			    TOKENIZER_MAX_TEXT);
	if (n > TOKENIZER_MAX_RWKV && pl->model == TOKENIZER_RWKV)
		return fail(err, -E2BIG, KEY "tokens[%zu]: %zu bytes, at most %u", i, n,
			    TOKENIZER_MAX_RWKV);
	if (n > TOKENIZER_MAX_SPECIAL && type != TOKENIZER_NORMAL && type != TOKENIZER_UNUSED)
		return fail(err, -E2BIG, KEY "tokens[%zu]: special token of %zu bytes, at most %u",
			    i, n, TOKENIZER_MAX_SPECIAL);
	if (d->scores && !isfinite(d->scores[i]))
		return fail(err, -EINVAL, KEY "scores[%zu]: not finite", i);
	return 0;
}

static bool is_eog(const struct plan *pl, size_t i)
{
	size_t k;

	if (pl->id[TOKENIZER_EOS] == (int32_t)i || pl->id[TOKENIZER_EOT] == (int32_t)i ||
	    pl->id[TOKENIZER_EOM] == (int32_t)i)
		return true;
	if (type_of(pl->d, i) != TOKENIZER_CONTROL && type_of(pl->d, i) != TOKENIZER_USER_DEFINED)
		return false;
	for (k = 0; k < N_ELEM(eog_name); k++) {
		if (str_is(&pl->d->tokens[i], eog_name[k]))
			return true;
	}
	return false;
}

static int write_tokens(struct plan *pl, uint8_t *rec, uint8_t *text, char *err)
{
	const struct tokenizer_desc *d = pl->d;
	uint32_t other;
	size_t i;
	int r;

	for (i = 0; i < d->n_tokens; i++, rec += TOKENIZER_BLOB_TOKEN) {
		size_t n = d->tokens[i].n;

		put_le32(rec, (uint32_t)n);
		put_lef32(rec + 4, d->scores ? d->scores[i] : 0.0f);
		rec[8] = (uint8_t)type_of(d, i);
		rec[9] = is_eog(pl, i) ? TOKENIZER_TOKEN_EOG : 0;
		put_le16(rec + 10, 0);
		if (!n)
			continue;
		memcpy(text + pl->off[i], d->tokens[i].p, n);
		r = strtab_add(&pl->tab, (uint32_t)i, &other);
		if (r == -EEXIST)
			return fail(err, -EINVAL, KEY "tokens[%zu]: same text as token %u", i,
				    (unsigned int)other);
		if (r)
			return fail(err, -EINVAL, KEY "tokens[%zu]: texts collide", i);
	}
	return 0;
}

/* "left right": the separator is the first space that is not the first byte. */
static int write_merge(struct plan *pl, uint8_t *rec, size_t i, char *err)
{
	const struct tokenizer_str *m = &pl->d->merges[i];
	char join[2 * TOKENIZER_MAX_TEXT];
	int32_t id[3];
	const char *sp;
	size_t left, right;
	unsigned int k;

	if (m->n > sizeof(join))
		return fail(err, -E2BIG, KEY "merges[%zu]: %zu bytes", i, m->n);
	sp = m->n > 1 ? memchr(m->p + 1, ' ', m->n - 1) : NULL;
	if (!sp || sp + 1 == m->p + m->n)
		return fail(err, -EINVAL, KEY "merges[%zu]: not two texts and a space", i);
	left = (size_t)(sp - m->p);
	right = m->n - left - 1;
	memcpy(join, m->p, left);
	memcpy(join + left, sp + 1, right);

	id[0] = strtab_find(&pl->tab, join, left);
	id[1] = strtab_find(&pl->tab, join + left, right);
	id[2] = strtab_find(&pl->tab, join, left + right);
	for (k = 0; k < 3; k++) {
		static const char *const part[] = { "left part", "right part", "joined text" };

		if (id[k] < 0)
			return fail(err, -EINVAL, KEY "merges[%zu]: '%.*s': the %s is no token", i,
				    shown(m->n), m->p, part[k]);
		put_le32(rec + 4 * k, (uint32_t)id[k]);
	}
	return 0;
}

static void write_header(const struct plan *pl, uint8_t *p)
{
	unsigned int i;

	put_le32(p, TOKENIZER_BLOB_MAGIC);
	put_le16(p + 4, TOKENIZER_BLOB_VERSION);
	put_le16(p + 6, TOKENIZER_BLOB_HEADER);
	put_le64(p + 8, pl->size);
	p[16] = (uint8_t)pl->model;
	p[17] = (uint8_t)pl->pre;
	put_le16(p + 18, (uint16_t)pl->flags);
	put_le32(p + 20, (uint32_t)pl->d->n_tokens);
	put_le32(p + 24, (uint32_t)pl->n_merges);
	put_le32(p + 28, pl->off[pl->d->n_tokens]);
	for (i = 0; i < TOKENIZER_N_SPECIAL; i++)
		put_le32(p + 32 + 4 * i, (uint32_t)pl->id[i]);
	put_le64(p + 56, 0);
}

/* Check every token and lay the texts out. */
static int plan_layout(struct plan *pl, char *err)
{
	const struct tokenizer_desc *d = pl->d;
	uint32_t sum = 0;
	size_t i;
	int r;

	pl->off = calloc(d->n_tokens + 1, sizeof(*pl->off));
	if (!pl->off)
		return fail(err, -ENOMEM, "out of memory");
	for (i = 0; i < d->n_tokens; i++) {
		r = check_token(pl, i, err);
		if (r)
			return r;
		pl->off[i] = sum;
		if (__builtin_add_overflow(sum, (uint32_t)d->tokens[i].n, &sum))
			return fail(err, -E2BIG, KEY "tokens: texts of more than 4 GiB");
	}
	pl->off[i] = sum;
	pl->size = TOKENIZER_BLOB_HEADER + d->n_tokens * TOKENIZER_BLOB_TOKEN +
		   pl->n_merges * TOKENIZER_BLOB_MERGE + (size_t)sum;
	pl->blob = malloc(pl->size);
	if (!pl->blob)
		return fail(err, -ENOMEM, "out of memory");
	return 0;
}

int tokenizer_blob_write(const struct tokenizer_desc *d, void **out, size_t *len, char *err)
{
	struct plan pl = { .d = d };
	uint8_t *merges, *text;
	size_t i;
	int r;

	*out = NULL;
	*len = 0;
	if (d->size != sizeof(*d))
		return fail(err, -EINVAL, "tokenizer_desc.size: %zu, expected %zu", d->size,
			    sizeof(*d));
	if (!d->n_tokens || d->n_tokens > TOKENIZER_MAX_TOKENS)
		return fail(err, d->n_tokens ? -E2BIG : -EINVAL, KEY "tokens: %zu entries",
			    d->n_tokens);
	r = plan_kind(&pl, err);
	if (r)
		return r;
	if (pl.n_merges > TOKENIZER_MAX_MERGES)
		return fail(err, -E2BIG, KEY "merges: %zu entries", pl.n_merges);
	if (pl.model == TOKENIZER_RWKV)
		r = plan_unescape(&pl, err);
	if (!r)
		r = plan_ids(&pl, err);
	if (!r)
		r = plan_flags(&pl, err);
	if (!r)
		r = plan_layout(&pl, err);
	if (r)
		goto out;
	d = pl.d;

	merges = pl.blob + TOKENIZER_BLOB_HEADER + d->n_tokens * TOKENIZER_BLOB_TOKEN;
	text = merges + pl.n_merges * TOKENIZER_BLOB_MERGE;
	r = strtab_init(&pl.tab, text, pl.off, d->n_tokens);
	if (r) {
		fail(err, r, "out of memory");
		goto out;
	}
	write_header(&pl, pl.blob);
	r = write_tokens(&pl, pl.blob + TOKENIZER_BLOB_HEADER, text, err);
	for (i = 0; !r && i < pl.n_merges; i++)
		r = write_merge(&pl, merges + i * TOKENIZER_BLOB_MERGE, i, err);
	if (!r) {
		*out = pl.blob;
		*len = pl.size;
		pl.blob = NULL;
	}
out:
	strtab_free(&pl.tab);
	free(pl.off);
	free(pl.blob);
	free(pl.plain_tokens);
	free(pl.plain_bytes);
	return r;
}
