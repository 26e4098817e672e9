/* SPDX-License-Identifier: MIT */
/* Growing text or byte buffer. A failed allocation is remembered in `err`; later calls do nothing. */
#ifndef IG1_COMPILER_IR_STRBUF_H
#define IG1_COMPILER_IR_STRBUF_H

#include <stddef.h>

struct strbuf {
	char *p; /* NUL-terminated once anything was added; NULL when empty */
	size_t len;
	size_t cap;
	int err; /* 0 or -ENOMEM */
};

void strbuf_add(struct strbuf *s, const void *data, size_t n);
void strbuf_puts(struct strbuf *s, const char *text);
void strbuf_printf(struct strbuf *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void strbuf_free(struct strbuf *s);

#endif
