/* SPDX-License-Identifier: MIT */
/*
 * State space models and hybrids of GGUF files - mamba, mamba2, jamba, granitehybrid, nemotron_h,
 * falcon-h1, rwkv6, rwkv7, qwen3next, qwen35 and sqla, the hybrids with and without experts - in double
 * precision, token by token, as forward64.h is for the dense transformers: exact, or with the chip's
 * roundings to int8.
 */
#ifndef IG1_TESTS_MODELS_FORWARD64_SSM_H
#define IG1_TESTS_MODELS_FORWARD64_SSM_H

#include "tests/models/forward64.h"

/* Of sqla, which has different roundings: by the context, or this one. */
enum forward64_form { FORWARD64_BY_CONTEXT, FORWARD64_RECURRENT, FORWARD64_PARALLEL };

/*
 * Logits of all n positions, n * *vocab values, malloc'ed. 0, -EINVAL with the key or tensor in err, or
 * -ENOMEM. tie: how near to the middle between two codes any rounded number came, in steps of a code.
 */
int forward64_ssm(const uint8_t *data, size_t size, enum forward64_numbers numbers,
		  enum forward64_form form, const int32_t *tokens, size_t n, double **logits,
		  size_t *vocab, double *tie, struct gguf_error *err);

#endif
