// SPDX-License-Identifier: MIT
#include "tokenizer_unescape.h"

#include <errno.h>

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int tokenizer_unescape(const char *p, size_t n, char *out, size_t *len)
{
	size_t i, k = 0;

	for (i = 0; i < n; i++) {
		char c = p[i];

		if (c == '\\') {
			if (++i == n)
				return -EINVAL;
			c = p[i];
			if (c == 't') {
				c = '\t';
			} else if (c == 'n') {
				c = '\n';
			} else if (c == 'r') {
				c = '\r';
			} else if (c == 'x') {
				if (n - i < 3 || hex(p[i + 1]) < 0 || hex(p[i + 2]) < 0)
					return -EINVAL;
				c = (char)(hex(p[i + 1]) << 4 | hex(p[i + 2]));
				i += 2;
			}
		}
		out[k++] = c;
	}
	*len = k;
	return 0;
}
