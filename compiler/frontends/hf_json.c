// SPDX-License-Identifier: MIT
/* The folder's JSON, which Python wrote: its integers have no limit, and there may be Infinity and NaN. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/frontends/hf_internal.h"

/* What stands for numbers that are none: JSON has it, and no key takes it. */
#define HUGE_REAL "1e308"

static bool is_token_char(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       c == '+' || c == '-' || c == '.';
}

static bool is_word(const char *s, size_t n, const char *word)
{
	return n == strlen(word) && !memcmp(s, word, n);
}

/* An integer beyond int64_t. */
static bool is_too_big(const char *s, size_t n)
{
	const char *limit = "9223372036854775807";
	size_t i;

	if (n && *s == '-') {
		limit = "9223372036854775808";
		s++;
		n--;
	}
	for (i = 0; i < n; i++) {
		if (s[i] < '0' || s[i] > '9')
			return false;
	}
	return n > 19 || (n == 19 && memcmp(s, limit, n) > 0);
}

/* Such a token, spelt otherwise; NULL: it stays, with *suffix behind it. */
static const char *respell(const char *s, size_t n, const char **suffix)
{
	*suffix = is_too_big(s, n) ? "e0" : "";
	if (is_word(s, n, "Infinity") || is_word(s, n, "NaN"))
		return HUGE_REAL;
	return is_word(s, n, "-Infinity") ? "-" HUGE_REAL : NULL;
}

static size_t put(char *out, size_t at, const char *s, size_t n)
{
	if (out)
		memcpy(out + at, s, n);
	return at + n;
}

/*
 * The text with too big integers as reals of that value and HUGE_REAL for what is no number; strings
 * stay. Returns its size; out NULL: only that.
 */
static size_t respell_all(const char *s, size_t n, char *out)
{
	size_t at = 0, i = 0, len;

	while (i < n) {
		const char *other, *suffix;

		len = 1;
		if (s[i] == '"') {
			while (i + len < n && s[i + len] != '"')
				len += s[i + len] == '\\' ? 2 : 1;
			len = i + len < n ? len + 1 : n - i;
			at = put(out, at, s + i, len);
		} else if (is_token_char(s[i])) {
			while (i + len < n && is_token_char(s[i + len]))
				len++;
			other = respell(s + i, len, &suffix);
			at = put(out, at, other ? other : s + i, other ? strlen(other) : len);
			at = put(out, at, suffix, strlen(suffix));
		} else {
			at = put(out, at, s + i, len);
		}
		i += len;
	}
	return at;
}

/* NULL: that does not help either. */
static json_t *load_respelt(const char *text, size_t n, size_t flags)
{
	size_t size = respell_all(text, n, NULL);
	char *other = malloc(size ? size : 1);
	json_t *j = NULL;

	if (other) {
		respell_all(text, n, other);
		if (size != n || memcmp(other, text, n))
			j = json_loadb(other, size, flags, NULL);
	}
	free(other);
	return j;
}

/* Far above what any model has; a parsed file takes many times its size. */
static size_t json_limit(const char *name)
{
	static const struct {
		const char *name;
		size_t bytes;
	} limits[] = {
		{ "tokenizer.json", 256u << 20 },
		{ "model.safetensors.index.json", 64u << 20 },
		{ "tokenizer_config.json", 16u << 20 },
		{ "config.json", 4u << 20 },
	};
	size_t i;

	for (i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		if (!strcmp(name, limits[i].name))
			return limits[i].bytes;
	}
	return 1u << 20;
}

int hf_json_file(struct hf *h, const char *name, bool required, size_t flags, json_t **out)
{
	struct gguf_part part;
	json_error_t e;
	int rc = hf_file(h, name, &part);

	*out = NULL;
	if (rc == -ENOENT && !required)
		return 0;
	if (rc == -ENOENT)
		return hf_fail(h, rc, "%s: no such file in the folder", name);
	if (rc)
		return rc;
	if (part.size > json_limit(name))
		return hf_fail(h, -EINVAL, "%s: %zu bytes, supported: at most %zu", name, part.size,
			       json_limit(name));
	flags |= JSON_REJECT_DUPLICATES;
	*out = json_loadb((const char *)part.data, part.size, flags, &e);
	if (!*out)
		*out = load_respelt((const char *)part.data, part.size, flags);
	if (!*out)
		return hf_fail(h, -EINVAL, "%s: line %d: %s", name, e.line, e.text);
	if (!json_is_object(*out)) {
		json_decref(*out);
		*out = NULL;
		return hf_fail(h, -EINVAL, "%s: not an object", name);
	}
	return 0;
}
