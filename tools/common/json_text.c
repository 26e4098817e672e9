// SPDX-License-Identifier: MIT
#include "json_text.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#define REPLACEMENT "\xef\xbf\xbd"

json_t *json_text(const char *p, size_t n)
{
	utf8proc_ssize_t k;
	utf8proc_int32_t c;
	size_t i, at = 0;
	json_t *j = NULL;
	char *buf;

	n = strnlen(p, n);
	buf = malloc(3 * n + 1);
	for (i = 0; buf && i < n; i += (size_t)k) {
		k = utf8proc_iterate((const utf8proc_uint8_t *)p + i, (utf8proc_ssize_t)(n - i),
				     &c);
		if (k > 0) {
			memcpy(buf + at, p + i, (size_t)k);
			at += (size_t)k;
		} else {
			memcpy(buf + at, REPLACEMENT, 3);
			at += 3;
			k = 1;
		}
	}
	if (buf)
		j = json_stringn(buf, at);
	free(buf);
	return j;
}
