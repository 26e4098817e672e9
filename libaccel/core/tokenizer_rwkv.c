// SPDX-License-Identifier: MIT
/*
 * RWKV's tokenizer (tokenizer.ggml.model = "rwkv"): from the left, the longest token the text goes on
 * with, on bytes. The tokens are sorted by their bytes; reading the text byte by byte narrows the
 * range of those that begin like it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tokenizer_internal.h"

static int by_bytes(const void *a, const void *b, void *ctx)
{
	const struct tokenizer *t = ctx;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	uint32_t nx = token_len(t, x), ny = token_len(t, y);
	int r = memcmp(token_text(t, x), token_text(t, y), nx < ny ? nx : ny);

	return r ? r : (nx > ny) - (nx < ny);
}

int tokenizer_rwkv_load(struct tokenizer *t, char *err)
{
	uint32_t i;

	t->sorted = malloc((size_t)t->n_tokens * sizeof(*t->sorted));
	if (!t->sorted)
		return tok_fail(err, -ENOMEM, "out of memory");
	for (i = 0; i < t->n_tokens; i++) {
		if (token_len(t, i) && type_is_text(token_type(t, i)))
			t->sorted[t->n_sorted++] = i;
	}
	qsort_r(t->sorted, t->n_sorted, sizeof(*t->sorted), by_bytes, t);
	return 0;
}

/* First of sorted[lo..hi), all longer than `at`, whose byte there is not below `byte`. */
static size_t bound(const struct tokenizer *t, size_t lo, size_t hi, size_t at, unsigned int byte)
{
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (token_text(t, t->sorted[mid])[at] < byte)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* The longest token that p[0..n) begins with, or -1. */
static int32_t longest(const struct tokenizer *t, const uint8_t *p, size_t n)
{
	size_t lo = 0, hi = t->n_sorted, i;
	int32_t id = -1;

	for (i = 0; i < n; i++) {
		lo = bound(t, lo, hi, i, p[i]);
		hi = bound(t, lo, hi, i, p[i] + 1u);
		if (lo == hi)
			break;
		/* texts differ: only the first can end here */
		if (token_len(t, t->sorted[lo]) == i + 1)
			id = (int32_t)t->sorted[lo++];
	}
	return id;
}

static size_t invalid_bytes(const uint8_t *p, size_t n)
{
	size_t i = 0, sum = 0;

	while (i < n) {
		int k = tok_utf8(p + i, n - i);

		sum += k < 1;
		i += k < 1 ? 1 : (size_t)k;
	}
	return sum;
}

int tokenizer_rwkv_encode(const struct tokenizer *t, const uint8_t *text, size_t len,
			  struct tokenizer_ids *out, struct tokenizer_stats *stats)
{
	size_t i = 0;
	int r = 0;

	stats->invalid_bytes += invalid_bytes(text, len);
	while (i < len && !r) {
		int32_t id = longest(t, text + i, len - i);

		if (id >= 0) {
			i += token_len(t, (uint32_t)id);
		} else {
			id = t->byte_id[text[i++]];
			if (id < 0) {
				stats->unknown_bytes++;
				id = t->special[TOKENIZER_UNK];
			}
		}
		r = id < 0 ? 0 : tok_push_id(out, id);
	}
	return r;
}
