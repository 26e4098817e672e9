// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/ir/strbuf.h"

/* Room for n more bytes and a NUL. */
static int strbuf_reserve(struct strbuf *s, size_t n)
{
	size_t need, cap;
	char *p;

	if (s->err)
		return s->err;
	if (n > SIZE_MAX / 2 - 1 - s->len) {
		s->err = -ENOMEM;
		return s->err;
	}
	need = s->len + n + 1;
	if (need <= s->cap)
		return 0;
	cap = s->cap ? s->cap : 256;
	while (cap < need)
		cap *= 2;
	p = realloc(s->p, cap);
	if (!p) {
		s->err = -ENOMEM;
		return s->err;
	}
	s->p = p;
	s->cap = cap;
	return 0;
}

void strbuf_add(struct strbuf *s, const void *data, size_t n)
{
	if (strbuf_reserve(s, n))
		return;
	if (n)
		memcpy(s->p + s->len, data, n);
	s->len += n;
	s->p[s->len] = '\0';
}

void strbuf_puts(struct strbuf *s, const char *text)
{
	strbuf_add(s, text, strlen(text));
}

void strbuf_printf(struct strbuf *s, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0 || strbuf_reserve(s, (size_t)n))
		return;
	va_start(ap, fmt);
	vsnprintf(s->p + s->len, (size_t)n + 1, fmt, ap);
	va_end(ap);
	s->len += (size_t)n;
}

void strbuf_free(struct strbuf *s)
{
	free(s->p);
	*s = (struct strbuf){ 0 };
}
