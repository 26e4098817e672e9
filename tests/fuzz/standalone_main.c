// SPDX-License-Identifier: MIT
/*
 * main for a fuzz entry that is built without libFuzzer: runs each file named on
 * the command line (standard input without any) through the entry once. For
 * replaying a corpus in the ordinary test run, and for AFL++.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The whole of f in an allocation of exactly its size, so that sanitizers see its end. */
static int run(FILE *f)
{
	size_t size = 0, room = 1 << 16, n;
	uint8_t *data = malloc(room), *more;

	while (data) {
		n = fread(data + size, 1, room - size, f);
		size += n;
		if (n == 0)
			break;
		if (size < room)
			continue;
		room *= 2;
		more = realloc(data, room);
		if (!more)
			free(data);
		data = more;
	}
	if (!data || ferror(f)) {
		free(data);
		return -EIO;
	}
	more = malloc(size ? size : 1);
	if (more) {
		memcpy(more, data, size);
		LLVMFuzzerTestOneInput(more, size);
	}
	free(data);
	free(more);
	return more ? 0 : -ENOMEM;
}

int main(int argc, char **argv)
{
	int i, rc, failed = 0;
	FILE *f;

	if (argc < 2)
		return run(stdin) ? 1 : 0;
	for (i = 1; i < argc; i++) {
		f = fopen(argv[i], "rb");
		rc = f ? run(f) : -errno;
		if (f)
			fclose(f);
		if (rc) {
			fprintf(stderr, "%s: %s\n", argv[i], strerror(-rc));
			failed++;
		}
	}
	printf("%d inputs, %d not read\n", argc - 1, failed);
	return failed ? 1 : 0;
}
