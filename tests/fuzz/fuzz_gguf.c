// SPDX-License-Identifier: MIT
/* Fuzz entry of the GGUF reader: open as one file and as two parts, and walk what is accepted. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "compiler/frontends/gguf.h"
#include "compiler/tests/gguf_walk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gguf_error err = { 0 };
	struct gguf_part parts[2];
	struct gguf_file *f;
	size_t cut;

	if (!gguf_open_mem(data, size, &f, &err)) {
		gguf_walk(f);
		gguf_close(f);
		return 0;
	}
	/* two parts: where the second magic stands */
	for (cut = 4; cut + 4 <= size && memcmp(data + cut, "GGUF", 4); cut++)
		;
	if (cut + 4 > size)
		return 0;
	parts[0] = (struct gguf_part){ "1", data, cut };
	parts[1] = (struct gguf_part){ "2", data + cut, size - cut };
	if (!gguf_open_parts(parts, 2, &f, NULL)) {
		gguf_walk(f);
		gguf_close(f);
	}
	return 0;
}
