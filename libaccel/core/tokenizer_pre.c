// SPDX-License-Identifier: MIT
/*
 * Pre-tokenizers: regular expressions that cut a text into the pieces BPE works on. The expressions
 * are data of the published models (their tokenizer.json). Each stage works on the pieces of the
 * one before; what it does not match between two matches is a piece as well. A piece is matched on
 * its own: \s+(?!\S) sees the end of the piece as the end of the text.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tokenizer_internal.h"

#define MAX_STAGES  4
#define MATCH_LIMIT 10000000u
#define DEPTH_LIMIT 1000000u
#define HEAP_LIMIT  (64u << 10) /* KiB */

#define CONTRACTION "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
#define TAIL	    "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
#define GPT2	    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)"
/* llama-bpe and qwen2 differ in how many digits go together. */
#define CL100K(digits) \
	CONTRACTION "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|" digits "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|" TAIL
#define UPPER "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]"
#define LOWER "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]"
/* tekken and gpt-4o: words end where the case drops. */
#define CASED(suffix, digits)                                              \
	"[^\\r\\n\\p{L}\\p{N}]?" UPPER "*" LOWER "+" suffix "|"            \
	"[^\\r\\n\\p{L}\\p{N}]?" UPPER "+" LOWER "*" suffix "|" digits "|" \
	" ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|" TAIL
#define DEEPSEEK                                                 \
	"[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|" \
	"[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*|" TAIL
#define DEEPSEEK_CJK "[\\x{4e00}-\\x{9fa5}\\x{3040}-\\x{309f}\\x{30a0}-\\x{30ff}]+"
/* Han, kana, Kangxi radicals, Thai, Lao, Khmer, Myanmar, Hangul. */
#define AFMOE_ASIA                                                                      \
	"[\\x{4e00}-\\x{9fff}\\x{3400}-\\x{4dbf}\\x{f900}-\\x{faff}\\x{3040}-\\x{30ff}" \
	"\\x{ff65}-\\x{ff9f}\\x{2f00}-\\x{2fdf}\\x{e40}-\\x{e7f}\\x{e80}-\\x{eff}"      \
	"\\x{1780}-\\x{17ff}\\x{1000}-\\x{109f}\\x{aa60}-\\x{aa7f}\\x{a9e0}-\\x{a9ff}"  \
	"\\x{ac00}-\\x{d7af}\\x{1100}-\\x{11ff}]+"

/* Not an expression: runs of \p{N}, cut from the right into threes. */
#define DIGIT_GROUPS "\\p{N}+"

struct recipe {
	const char *expr[MAX_STAGES];
	unsigned int digit_groups; /* stages whose matches are cut into threes */
};

static const struct recipe recipe[TOKENIZER_PRE_COUNT] = {
	[TOKENIZER_PRE_DEFAULT] = { { "[\\p{P}\\$\\+<=>\\^~\\|]+", GPT2, "\\p{N}+",
				      "[0-9][0-9][0-9]" },
				    0 },
	[TOKENIZER_PRE_GPT2] = { { GPT2 }, 0 },
	[TOKENIZER_PRE_LLAMA3] = { { CL100K("\\p{N}{1,3}") }, 0 },
	[TOKENIZER_PRE_QWEN2] = { { CL100K("\\p{N}") }, 0 },
	[TOKENIZER_PRE_QWEN35] = { { CONTRACTION "|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}|"
						 " ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*|" TAIL },
				   0 },
	[TOKENIZER_PRE_SMOLLM] = { { "\\p{N}", GPT2 }, 0 },
	[TOKENIZER_PRE_AFMOE] = { { DIGIT_GROUPS, AFMOE_ASIA, DEEPSEEK }, 1u << 0 },
	[TOKENIZER_PRE_DEEPSEEK3] = { { "\\p{N}{1,3}", DEEPSEEK_CJK, DEEPSEEK }, 0 },
	[TOKENIZER_PRE_TEKKEN] = { { CASED("", "\\p{N}") }, 0 },
	[TOKENIZER_PRE_GPT4O] = { { CASED(CONTRACTION "?", "\\p{N}{1,3}") }, 0 },
};

struct tokenizer_pre {
	const struct recipe *recipe;
	pcre2_code *code[MAX_STAGES];
	unsigned int n;
	pcre2_match_context *limits;
};

void tokenizer_pre_destroy(struct tokenizer_pre *pre)
{
	unsigned int i;

	if (!pre)
		return;
	for (i = 0; i < pre->n; i++)
		pcre2_code_free(pre->code[i]);
	pcre2_match_context_free(pre->limits);
	free(pre);
}

int tokenizer_pre_create(enum tokenizer_pre_kind kind, struct tokenizer_pre **out, char *err)
{
	struct tokenizer_pre *pre;
	PCRE2_SIZE where;
	int code;

	*out = NULL;
	if ((unsigned int)kind >= TOKENIZER_PRE_COUNT || !recipe[kind].expr[0])
		return tok_fail(err, -EINVAL, "tokenizer: pre-tokenizer %d is unknown", (int)kind);
	pre = calloc(1, sizeof(*pre));
	if (!pre)
		goto no_memory;
	pre->recipe = &recipe[kind];
	pre->limits = pcre2_match_context_create(NULL);
	if (!pre->limits)
		goto no_memory;
	pcre2_set_match_limit(pre->limits, MATCH_LIMIT);
	pcre2_set_depth_limit(pre->limits, DEPTH_LIMIT);
	pcre2_set_heap_limit(pre->limits, HEAP_LIMIT);
	while (pre->n < MAX_STAGES && pre->recipe->expr[pre->n]) {
		pcre2_code *c =
			pcre2_compile((PCRE2_SPTR)pre->recipe->expr[pre->n], PCRE2_ZERO_TERMINATED,
				      PCRE2_UTF | PCRE2_UCP, &code, &where, NULL);

		if (!c && code == PCRE2_ERROR_HEAP_FAILED)
			goto no_memory;
		if (!c) {
			int n = (int)pre->n;

			tokenizer_pre_destroy(pre);
			return tok_fail(err, -EINVAL,
					"tokenizer: pre-tokenizer %d, expression %d: "
					"PCRE2 error %d at %zu",
					(int)kind, n, code, (size_t)where);
		}
		pre->code[pre->n++] = c;
		pcre2_jit_compile(c, PCRE2_JIT_COMPLETE); /* without JIT it is interpreted */
	}
	*out = pre;
	return 0;

no_memory:
	tokenizer_pre_destroy(pre);
	return tok_fail(err, -ENOMEM, "out of memory");
}

static int push_end(struct pre_ends *e, size_t end)
{
	void *v = e->v;

	if (tok_reserve(&v, &e->cap, e->n, 1, sizeof(*e->v)))
		return -ENOMEM;
	e->v = v;
	e->v[e->n++] = (uint32_t)end;
	return 0;
}

/* A run of digits: one or two, if it is not a multiple of three, then threes. */
static int push_digits(struct pre_ends *e, const uint8_t *text, size_t at, size_t end)
{
	size_t n = 0, i;

	for (i = at; i < end; i++)
		n += (text[i] & 0xc0) != 0x80;
	while (n) {
		size_t k = n % 3 ? n % 3 : 3;

		n -= k;
		for (; k; k--) {
			do
				at++;
			while (at < end && (text[at] & 0xc0) == 0x80);
		}
		if (push_end(e, at))
			return -ENOMEM;
	}
	return 0;
}

/* Cut text[at..end) by one expression. */
static int cut(const struct tokenizer_pre *pre, unsigned int stage, pcre2_match_data *md,
	       const uint8_t *text, size_t at, size_t end, struct pre_ends *out)
{
	PCRE2_SPTR p = text + at;
	size_t n = end - at, done = 0, from = 0;
	bool digits = pre->recipe->digit_groups >> stage & 1;

	while (from < n) {
		const PCRE2_SIZE *ov = pcre2_get_ovector_pointer(md);
		int rc = pcre2_match(pre->code[stage], p, n, from, PCRE2_NO_UTF_CHECK, md,
				     pre->limits);

		if (rc == PCRE2_ERROR_JIT_STACKLIMIT)
			rc = pcre2_match(pre->code[stage], p, n, from,
					 PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, md, pre->limits);
		if (rc == PCRE2_ERROR_NOMATCH)
			break;
		if (rc == PCRE2_ERROR_NOMEMORY)
			return -ENOMEM;
		if (rc < 0)
			return -E2BIG;
		if (ov[1] <= ov[0]) { /* no expression here matches nothing; be safe */
			from = ov[0] + 1;
			while (from < n && (p[from] & 0xc0) == 0x80)
				from++;
			continue;
		}
		if (ov[0] > done && push_end(out, at + ov[0]))
			return -ENOMEM;
		if (digits) {
			if (push_digits(out, text, at + ov[0], at + ov[1]))
				return -ENOMEM;
		} else if (push_end(out, at + ov[1])) {
			return -ENOMEM;
		}
		done = from = ov[1];
	}
	return done < n ? push_end(out, end) : 0;
}

int tokenizer_pre_split(const struct tokenizer_pre *pre, const uint8_t *text, size_t len,
			struct pre_ends *out, struct pre_ends *tmp, char *err)
{
	unsigned int stage;
	int r;

	out->n = 0;
	if (!len)
		return 0;
	r = push_end(out, len);
	for (stage = 0; stage < pre->n && !r; stage++) {
		pcre2_match_data *md;
		struct pre_ends swap;
		size_t i, at = 0;

		md = pcre2_match_data_create_from_pattern(pre->code[stage], NULL);
		if (!md)
			return tok_fail(err, -ENOMEM, "out of memory");
		tmp->n = 0;
		for (i = 0; i < out->n && !r; i++) {
			r = cut(pre, stage, md, text, at, out->v[i], tmp);
			at = out->v[i];
		}
		pcre2_match_data_free(md);
		swap = *out;
		*out = *tmp;
		*tmp = swap;
	}
	if (r == -E2BIG)
		return tok_fail(err, r, "text: the pre-tokenizer's expression hit its match limit");
	return r ? tok_fail(err, r, "out of memory") : 0;
}
