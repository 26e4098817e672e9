/* SPDX-License-Identifier: MIT */
/* JSON strings of text from files, which may be no UTF-8. */
#ifndef JSON_TEXT_H
#define JSON_TEXT_H

#include <jansson.h>
#include <stddef.h>

/* n bytes, or up to a zero; each byte that is not part of valid UTF-8 becomes U+FFFD. NULL: no memory. */
json_t *json_text(const char *p, size_t n);

#endif
