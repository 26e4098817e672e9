// SPDX-License-Identifier: MIT
/*
 * Fuzz entry for the tokenizer. Input: u16 (little-endian) length of a text, the text, a blob. The
 * blob's total_size is corrected, so that mutations which insert or delete bytes go on. The lines
 * of the text are an RWKV vocabulary as well, for its escapes.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "libaccel/core/tokenizer.h"
#include "tokenizer_le.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use(const struct tokenizer *t, const uint8_t *text, size_t n, unsigned int flags)
{
	struct tokenizer_bytes out = { 0 };
	struct tokenizer_ids ids = { 0 };
	struct tokenizer_stats st;
	size_t i;

	if (!tokenizer_encode(t, text, n, flags, &ids, &st, NULL)) {
		for (i = 0; i < ids.n; i++) {
			if (tokenizer_token_type(t, ids.v[i]) < 0)
				abort();
		}
		if (tokenizer_decode(t, ids.v, ids.n, TOKENIZER_SHOW_SPECIAL, &out) ||
		    tokenizer_decode(t, ids.v, ids.n, TOKENIZER_REPLACE, &out))
			abort();
	}
	tokenizer_ids_free(&ids);
	tokenizer_bytes_free(&out);
}

/* What the writer makes of any strings, the reader takes. */
static void write_rwkv(const uint8_t *text, size_t n)
{
	struct tokenizer_str lines[64];
	char err[TOKENIZER_ERR_LEN] = "";
	struct tokenizer_desc d;
	struct tokenizer *t;
	size_t i, start = 0;
	void *blob;
	size_t len;

	tokenizer_desc_init(&d);
	for (i = 0; i <= n && d.n_tokens < 64; i++) {
		if (i < n && text[i] != '\n')
			continue;
		lines[d.n_tokens++] =
			(struct tokenizer_str){ (const char *)text + start, i - start };
		start = i + 1;
	}
	d.model = (struct tokenizer_str){ "rwkv", 4 };
	d.tokens = lines;
	if (tokenizer_blob_write(&d, &blob, &len, err)) {
		if (!err[0])
			abort();
		return;
	}
	if (tokenizer_create(blob, len, &t, err))
		abort();
	use(t, text, n, 0);
	tokenizer_destroy(t);
	free(blob);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char err[TOKENIZER_ERR_LEN] = "";
	struct tokenizer *t;
	uint8_t *blob;
	size_t n, len;

	if (size < 2)
		return 0;
	n = get_le16(data);
	if (n > size - 2)
		n = size - 2;
	len = size - 2 - n;
	blob = malloc(len ? len : 1);
	if (!blob)
		return 0;
	memcpy(blob, data + 2 + n, len);
	if (len >= 16)
		put_le64(blob + 8, len);
	if (!tokenizer_create(blob, len, &t, err)) {
		use(t, data + 2, n, 0);
		use(t, data + 2, n, TOKENIZER_AUTO | TOKENIZER_PARSE_SPECIAL);
		use(t, data + 2, n, TOKENIZER_PARSE_USER);
		tokenizer_destroy(t);
	} else if (!err[0]) {
		abort();
	}
	free(blob);
	write_rwkv(data + 2, n);
	return 0;
}
