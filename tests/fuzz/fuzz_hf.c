// SPDX-License-Identifier: MIT
/*
 * Fuzz entry of model folders. The input is the files one after the other: u8 which file, u24 (little-
 * endian) its size, its bytes; what is short or unknown is cut.
 */
#include <stddef.h>
#include <stdint.h>

#include "compiler/frontends/hf.h"
#include "compiler/tests/gguf_walk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = { "config.json",
					     "model.safetensors",
					     "tokenizer.json",
					     "tokenizer_config.json",
					     "generation_config.json",
					     "special_tokens_map.json",
					     "model.safetensors.index.json",
					     "model-00001-of-00002.safetensors",
					     "model-00002-of-00002.safetensors" };
	struct gguf_part files[16];
	struct gguf_error err = { 0 };
	struct gguf_file *f;
	size_t n = 0, len;

	while (size >= 4 && n < 16) {
		len = (size_t)data[1] | (size_t)data[2] << 8 | (size_t)data[3] << 16;
		if (len > size - 4)
			len = size - 4;
		files[n++] =
			(struct gguf_part){ names[data[0] % (sizeof(names) / sizeof(names[0]))],
					    data + 4, len };
		data += 4 + len;
		size -= 4 + len;
	}
	if (hf_open_files(files, n, &f, &err))
		return 0;
	gguf_walk(f);
	gguf_close(f);
	return 0;
}
