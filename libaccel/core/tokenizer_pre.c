// SPDX-License-Identifier: MIT
/* Runs the expressions of tokenizer_recipe.h. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tokenizer_internal.h"
#include "tokenizer_recipe.h"

#define MATCH_LIMIT 10000000u
#define DEPTH_LIMIT 1000000u
#define HEAP_LIMIT  (64u << 10) /* KiB */

struct tokenizer_pre {
	const struct tokenizer_recipe *recipe;
	pcre2_code *code[TOKENIZER_MAX_STAGES];
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

/*
 * The same matches, found in linear time: \s+$ tries every start of a run that ends before the end
 * of the piece. No piece that it meets has a line end, where $ would match, too.
 */
static const char *quick(const char *expr)
{
	return strcmp(expr, TOKENIZER_EXPR_END_SPACE) ? expr : "(?<!\\s)\\s++\\z";
}

int tokenizer_pre_create(enum tokenizer_pre_kind kind, struct tokenizer_pre **out, char *err)
{
	struct tokenizer_pre *pre;
	PCRE2_SIZE where;
	int code;

	*out = NULL;
	if ((unsigned int)kind >= TOKENIZER_PRE_COUNT || !tokenizer_recipe[kind].expr[0])
		return tok_fail(err, -EINVAL, "tokenizer: pre-tokenizer %d is unknown", (int)kind);
	pre = calloc(1, sizeof(*pre));
	if (!pre)
		goto no_memory;
	pre->recipe = &tokenizer_recipe[kind];
	pre->limits = pcre2_match_context_create(NULL);
	if (!pre->limits)
		goto no_memory;
	pcre2_set_match_limit(pre->limits, MATCH_LIMIT);
	pcre2_set_depth_limit(pre->limits, DEPTH_LIMIT);
	pcre2_set_heap_limit(pre->limits, HEAP_LIMIT);
	while (pre->n < TOKENIZER_MAX_STAGES && pre->recipe->expr[pre->n]) {
		pcre2_code *c = pcre2_compile((PCRE2_SPTR)quick(pre->recipe->expr[pre->n]),
					      PCRE2_ZERO_TERMINATED, PCRE2_UTF | PCRE2_UCP, &code,
					      &where, NULL);

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
