/* SPDX-License-Identifier: MIT */
/*
 * The dense transformers of GGUF files - llama, qwen2, qwen3 - in double precision: dequantised
 * weights, exact activations, the logits of every position. Nothing is shared with the compiler or
 * the chip's numbers but the reader of the file and its table of types. For comparisons; slow.
 *
 * The definitions are llama.cpp's for GGUF files (names of keys and tensors, order of operations).
 *
 * FORWARD64_INT8 is the same with the roundings to int8 that the chip's formats ask for, and
 * nothing else rounded: groups of 32 with a scale each for the inputs of matrices, queries, keys,
 * values, and softmax weights times the values' scales (groups of positions); matrices of a type that
 * the chip does not have (forward64_native) to Q8_0. It says how much int8 costs a model.
 */
#ifndef IG1_TESTS_MODELS_FORWARD64_H
#define IG1_TESTS_MODELS_FORWARD64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "compiler/frontends/gguf.h"

struct forward64;

enum forward64_numbers {
	FORWARD64_EXACT,
	FORWARD64_INT8,
	FORWARD64_INT8_ROUTERS, /* and routers, like any other matrix */
};

/*
 * The file, or bytes of one, is needed during the call only. 0, -EINVAL (err names the key or
 * tensor), -ENOTSUP (another architecture or scaling), -ENOMEM, or what the reader says.
 */
int forward64_open(const char *path, enum forward64_numbers numbers, struct forward64 **out,
		   struct gguf_error *err);
int forward64_open_mem(const uint8_t *data, size_t size, enum forward64_numbers numbers,
		       struct forward64 **out, struct gguf_error *err);
void forward64_close(struct forward64 *m);

/* Whether the chip has matrices of a type as they are. */
bool forward64_native(uint32_t type);

uint32_t forward64_vocab(const struct forward64 *m);

/*
 * logits: n * vocab values, position by position. -EINVAL for a token outside of the vocabulary.
 * ties (may be NULL): n values, how near to the middle between two codes any number came that was
 * rounded for the position, in steps of a code; 0.5 when none was.
 */
int forward64_run(const struct forward64 *m, const int32_t *tokens, size_t n, double *logits,
		  double *ties);

#endif
