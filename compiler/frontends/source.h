/* SPDX-License-Identifier: MIT */
/*
 * Opening a model by path, whatever holds it. What comes out has the keys, tensors and shapes of a
 * GGUF file, so that nothing after it knows the difference:
 *
 *   FILE.gguf                       a GGUF file, or any part of a split one
 *   a folder                        config.json with model.safetensors, or with the files that
 *                                   model.safetensors.index.json names (hf.h)
 *
 * Files of pickled objects (.bin, .pt, .pth, ...) are programs rather than data and are refused.
 */
#ifndef IG1_COMPILER_FRONTENDS_SOURCE_H
#define IG1_COMPILER_FRONTENDS_SOURCE_H

#include "compiler/frontends/gguf.h"

/* Returns and messages as gguf_open_file. gguf_close ends it. */
int source_open(const char *path, struct gguf_file **out, struct gguf_error *err);

/* Tensors of a model that no result depends on. */
struct source_left_out {
	const char *what;
	size_t tensors;
};

#define SOURCE_LEFT_OUT 2

/* The kinds that an open model has, and how many they are. */
size_t source_left_out(const struct gguf_file *f, struct source_left_out out[SOURCE_LEFT_OUT]);

#endif
