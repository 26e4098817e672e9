// SPDX-License-Identifier: MIT
/* Growable arrays, UTF-8 and the GPT-2 byte alphabet. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tokenizer_internal.h"

int tok_fail(char *err, int code, const char *fmt, ...)
{
	va_list ap;

	if (err) {
		va_start(ap, fmt);
		vsnprintf(err, TOKENIZER_ERR_LEN, fmt, ap);
		va_end(ap);
	}
	return code;
}

int tok_reserve(void **v, size_t *cap, size_t used, size_t n, size_t size)
{
	size_t need, bytes, want = *cap ? *cap : 16;
	void *p;

	if (__builtin_add_overflow(used, n, &need))
		return -ENOMEM;
	if (need <= *cap)
		return 0;
	while (want < need) {
		if (__builtin_mul_overflow(want, (size_t)2, &want))
			return -ENOMEM;
	}
	if (__builtin_mul_overflow(want, size, &bytes))
		return -ENOMEM;
	p = realloc(*v, bytes);
	if (!p)
		return -ENOMEM;
	*v = p;
	*cap = want;
	return 0;
}

int tok_push_id(struct tokenizer_ids *a, int32_t id)
{
	void *v = a->v;
	int r = tok_reserve(&v, &a->cap, a->n, 1, sizeof(*a->v));

	if (r)
		return r;
	a->v = v;
	a->v[a->n++] = id;
	return 0;
}

int tok_push_bytes(struct tokenizer_bytes *a, const void *p, size_t n)
{
	void *v = a->v;
	int r = tok_reserve(&v, &a->cap, a->n, n, 1);

	if (r)
		return r;
	a->v = v;
	if (n)
		memcpy(a->v + a->n, p, n);
	a->n += n;
	return 0;
}

void tokenizer_ids_free(struct tokenizer_ids *a)
{
	free(a->v);
	memset(a, 0, sizeof(*a));
}

void tokenizer_bytes_free(struct tokenizer_bytes *a)
{
	free(a->v);
	memset(a, 0, sizeof(*a));
}

/* Unicode table 3-7: only the second byte's range depends on the first. */
int tok_utf8(const uint8_t *p, size_t n)
{
	uint8_t lo = 0x80, hi = 0xbf;
	int len, i;

	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return -1;
	len = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	if (p[0] == 0xe0)
		lo = 0xa0;
	else if (p[0] == 0xed)
		hi = 0x9f;
	else if (p[0] == 0xf0)
		lo = 0x90;
	else if (p[0] == 0xf4)
		hi = 0x8f;
	for (i = 1; i < len; i++) {
		if ((size_t)i == n)
			return 0;
		if (p[i] < lo || p[i] > hi)
			return -i;
		lo = 0x80;
		hi = 0xbf;
	}
	return len;
}

uint32_t tok_utf8_value(const uint8_t *p, int len)
{
	static const uint8_t lead[5] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	uint32_t c = p[0] & lead[len];
	int i;

	for (i = 1; i < len; i++)
		c = c << 6 | (p[i] & 0x3f);
	return c;
}

int tok_utf8_put(uint32_t c, uint8_t *out)
{
	if (c < 0x80) {
		out[0] = (uint8_t)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (uint8_t)(0xc0 | c >> 6);
		out[1] = (uint8_t)(0x80 | (c & 0x3f));
		return 2;
	}
	out[0] = (uint8_t)(0xe0 | c >> 12);
	out[1] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
	out[2] = (uint8_t)(0x80 | (c & 0x3f));
	return 3;
}

/*
 * GPT-2 (Radford et al. 2019) writes bytes as printable letters: 0x21-0x7e, 0xa1-0xac and 0xae-0xff
 * stand for themselves, the 68 others take U+0100 and up in order.
 */
uint32_t tok_byte_to_alpha(uint8_t b)
{
	if (b <= 0x20)
		return 0x100u + b;
	if (b >= 0x7f && b <= 0xa0)
		return 0x100u + 0x21 + (b - 0x7fu);
	if (b == 0xad)
		return 0x100u + 0x21 + 0x22;
	return b;
}

int tok_alpha_to_byte(uint32_t c)
{
	if (c >= 0x100 && c <= 0x120)
		return (int)(c - 0x100);
	if (c >= 0x121 && c <= 0x142)
		return (int)(c - 0x121 + 0x7f);
	if (c == 0x143)
		return 0xad;
	if (c > 0xff || c <= 0x20 || (c >= 0x7f && c <= 0xa0) || c == 0xad)
		return -1;
	return (int)c;
}
