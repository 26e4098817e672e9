/* SPDX-License-Identifier: MIT */
/*
 * Model folders in Hugging Face's form for tests: safetensors files (hf_writer.c), and folders made
 * from GGUF models (hf_from_*.c) with names, orders and values as PyTorch has them. Written from the
 * formats' descriptions; shares nothing with the reader. Out of memory ends the program.
 */
#ifndef IG1_COMPILER_TESTS_HF_WRITER_H
#define IG1_COMPILER_TESTS_HF_WRITER_H

#include <stddef.h>
#include <stdint.h>

#include "compiler/frontends/gguf.h"

#define HF_MAX_FILES 16

struct hf_folder {
	struct gguf_part file[HF_MAX_FILES]; /* name and data malloc'ed */
	size_t n;
	/* of the safetensors file that is being written */
	char *header;
	size_t header_size, header_room;
	uint8_t *data;
	size_t data_size, data_room;
};

void hf_folder_free(struct hf_folder *d);
/* A file with these bytes; replaces one of that name. */
void hf_put(struct hf_folder *d, const char *name, const void *data, size_t n);
void hf_put_text(struct hf_folder *d, const char *name, const char *text);
void hf_remove(struct hf_folder *d, const char *name);
const struct gguf_part *hf_find(const struct hf_folder *d, const char *name);

/* A tensor of the shape as PyTorch has it, shape ended by 0. */
void hf_tensor(struct hf_folder *d, const char *name, const char *dtype, const uint64_t *shape,
	       const void *data, size_t bytes);
/* What was added since the last file becomes one. */
void hf_finish_file(struct hf_folder *d, const char *name);

/*
 * All of a GGUF file but its special cases: keys to config.json, tensors (F32 where they are
 * quantised) to shards > 1 files with an index or to one, tokenizer ("llama") to tokenizer.json.
 */
void hf_from_gguf(struct hf_folder *d, const struct gguf_file *f, unsigned int shards);

/*
 * Changes F32 values of a GGUF file in memory to near ones that come out the same when a folder is
 * made of them and read again: weights to which one was added, -exp() of something.
 */
void hf_make_exact(const struct gguf_file *f);

/*
 * Makes the folder one of a model that takes images, too: its class, the text_config's model_type, and what
 * the names of tensors get that began with "model.", or did not. With a tensor that has nothing to do with text.
 */
struct hf_wrapping {
	const char *class, *type, *model, *rest;
};
void hf_wrap(struct hf_folder *d, const struct hf_wrapping *w);

/* Into an existing folder of the file system. 0 or -1. */
int hf_write_folder(const struct hf_folder *d, const char *path);

#endif
