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

/* Puts what a folder calls it behind the name of the key or tensor that a message is about. */
void source_explain(const struct gguf_file *f, char *msg, size_t room);

/* Parts of models that are not compiled: no token depends on them. Every other tensor is used, or refused. */
enum source_part {
	SOURCE_PREDICTING, /* layers for tokens after the next one */
	SOURCE_MEDIA,
	SOURCE_ROPE_FREQS,  /* of architectures that do not look at them */
	SOURCE_ACTIVATIONS, /* scales of what matrices and caches are to take */
	SOURCE_TIED,	    /* an output matrix that is the embedding */
	SOURCE_BUFFERS,	    /* constants of programs */
	SOURCE_FIRST_VALUE, /* rwkv7: the first layer mixes its values with nothing */
	SOURCE_LEFT_OUT,    /* none of these */
};

struct source_left_out {
	const char *what;
	size_t tensors;
	uint64_t bytes; /* in the model's files */
};

/* Those that an open model has. */
size_t source_left_out(const struct gguf_file *f, struct source_left_out out[SOURCE_LEFT_OUT]);
/* rope_freqs.weight divides the frequencies of its architecture. */
bool source_uses_rope_freqs(const struct gguf_file *f);
/* The part that a tensor of an open model belongs to. */
enum source_part source_part_of(const struct gguf_file *f, const struct gguf_tensor *t);

#endif
