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

/* As signed numbers, which those of JSON are. */
static int number(char **s, uint64_t *v)
{
	char *end;

	if (!isdigit((unsigned char)**s))
		return -EINVAL;
	errno = 0;
	*v = strtoull(*s, &end, 10);
	if (errno || *v > INT64_MAX || *end != ' ')
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

static int parse_lines(char *text, size_t lines, struct source_left_out *out)
{
	uint64_t tensors;
	char *end;

	for (; lines; lines--, out++, text = end + 1) {
		end = strchrnul(text, '\n');
		if (!*end || number(&text, &tensors) || number(&text, &out->bytes) || text >= end ||
		    !printable(text, end))
			return -EINVAL;
		*end = '\0';
		out->tensors = (size_t)tensors;
		out->what = text;
	}
	return 0;
}

int build_left_out_parse(const char *text, size_t bytes, struct source_left_out **out, size_t *n)
{
	size_t lines = 0, room, i;
	char *copy;

	*out = NULL;
	*n = 0;
	for (i = 0; i < bytes; i++)
		lines += text[i] == '\n';
	if (bytes && text[bytes - 1] != '\n')
		return -EINVAL;
	if (__builtin_mul_overflow(lines, sizeof(**out), &room) ||
	    __builtin_add_overflow(room, bytes + 1, &room))
		return -ENOMEM;
	*out = malloc(room);
	if (!*out)
		return -ENOMEM;
	copy = (char *)(*out + lines);
	memcpy(copy, text, bytes);
	copy[bytes] = '\0';
	if (parse_lines(copy, lines, *out)) {
		free(*out);
		*out = NULL;
		return -EINVAL;
	}
	*n = lines;
	return 0;
}
