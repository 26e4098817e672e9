// SPDX-License-Identifier: MIT
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/image/build.h"

void build_left_out(const struct gguf_file *f, struct strbuf *out)
{
	struct source_left_out parts[SOURCE_LEFT_OUT];
	size_t n = source_left_out(f, parts), i;

	for (i = 0; i < n; i++)
		strbuf_printf(out, "%zu %" PRIu64 " %s\n", parts[i].tensors, parts[i].bytes,
			      parts[i].what);
}

static int number(char **s, uint64_t *v)
{
	char *end;

	if (!isdigit((unsigned char)**s))
		return -EINVAL;
	errno = 0;
	*v = strtoull(*s, &end, 10);
	if (errno || *end != ' ')
		return -EINVAL;
	*s = end + 1;
	return 0;
}

/* A stranger's text ends on terminals. */
static bool printable(const char *s, const char *end)
{
	while (s < end && *s >= 0x20 && *s < 0x7f)
		s++;
	return s == end;
}

int build_left_out_parse(char *text, struct source_left_out *out, size_t most)
{
	uint64_t tensors;
	size_t n = 0;
	char *end;

	for (; *text && n < most; text = end + 1, n++) {
		end = strchr(text, '\n');
		if (!end || number(&text, &tensors) || number(&text, &out[n].bytes) ||
		    text == end || !printable(text, end))
			return -EINVAL;
		*end = '\0';
		out[n].tensors = (size_t)tensors;
		out[n].what = text;
	}
	return *text ? -EINVAL : (int)n;
}
