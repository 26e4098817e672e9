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

#endif
