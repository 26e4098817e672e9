/* SPDX-License-Identifier: MIT */
/*
 * Model folders in the form of Hugging Face: config.json, safetensors files, tokenizer.json. What
 * is opened looks like a GGUF file of the same model: the same keys, tensor names, shapes, order of
 * rows and values, so that a front end need not know.
 *
 * Nothing of the weights is copied or converted ahead. Tensors that lie in the file as GGUF has them
 * point into the mapping; the others (rows in another order, experts stacked, norms plus one, ...)
 * are made row by row as they are read (struct gguf_rows). Memory is that of names and of the
 * vocabulary. 1-D tensors keep their type where GGUF files have F32; the values are the same.
 *
 * The files are hostile: JSON is parsed by jansson, every number is checked before use, tensor data
 * must fill a file without gaps or overlaps, an index must agree with its files. A tensor that the
 * architecture does not know is refused, not ignored.
 *
 * hf_archs.c has the tables: which config.json class is which GGUF architecture, and its names.
 * Source: the safetensors format (huggingface/safetensors README), llama.cpp's conversion scripts.
 */
#ifndef IG1_COMPILER_FRONTENDS_HF_H
#define IG1_COMPILER_FRONTENDS_HF_H

#include "compiler/frontends/gguf.h"

/* Returns and messages as gguf_open_file. */
int hf_open_folder(const char *path, struct gguf_file **out, struct gguf_error *err);

/* The same on n files in memory that the caller keeps; a name is that in the folder. */
int hf_open_files(const struct gguf_part *files, size_t n, struct gguf_file **out,
		  struct gguf_error *err);

#endif
