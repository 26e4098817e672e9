// SPDX-License-Identifier: MIT
/* Fuzz entry of the GGUF reader: open, and walk what is accepted. */
#include <stddef.h>
#include <stdint.h>

#include "compiler/frontends/gguf.h"
#include "compiler/tests/gguf_walk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gguf_error err = { 0 };
	struct gguf_file *f;

	if (gguf_open_mem(data, size, &f, &err))
		return 0;
	gguf_walk(f);
	gguf_close(f);
	return 0;
}
