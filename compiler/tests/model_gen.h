/* SPDX-License-Identifier: MIT */
/*
 * Small models with random weights, as GGUF files in memory, and their logits in double precision:
 * an independent reading of the same keys and tensors by the architectures' formulas.
 */
#ifndef IG1_COMPILER_TESTS_MODEL_GEN_H
#define IG1_COMPILER_TESTS_MODEL_GEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "compiler/tests/gguf_writer.h"

struct gen_spec {
	const char *name; /* of the test case */
	const char *arch;
	uint32_t layers, width, heads, kv_heads, ff, vocab, context;
	uint32_t head_size;  /* 0: width / heads, and no key */
	uint32_t rope_dims;  /* 0: head size, and no key */
	float rope_base;     /* 0: no key */
	const char *scaling; /* rope.scaling.type; NULL: no key */
	float factor, attn_factor;
	uint32_t orig_context;
	bool bias_qkv, bias_q_only, bias_o, bias_ffn, bias_out, rope_freqs, tied;
	uint32_t type, type_v; /* enum ggml_type of matrices; of attn_v and ffn_down when not 0 */
	uint32_t odd_layer;    /* n: layer n - 1 has attn_v and ffn_down in Q4_0; 0: none */
	uint64_t seed;
};

/* Begins the file; keys may be added before gen_finish. */
void gen_keys(struct gguf_writer *w, const struct gen_spec *s);
void gen_tensors(struct gguf_writer *w, const struct gen_spec *s);
/* All of it. 0 or -ENOMEM. */
int gen_model(const struct gen_spec *s, uint8_t **data, size_t *size);

/*
 * Logits of every one of n tokens, n x vocab, malloc'ed; from the file's own weights. plain_rope:
 * leave out scaling and factors, to see that a test would notice.
 */
double *gen_logits(const struct gen_spec *s, const uint8_t *data, size_t size,
		   const uint32_t *tokens, size_t n, bool plain_rope);

/* sum (a-b)^2 / sum b^2 */
double gen_nmse(const float *a, const double *b, size_t n);

#endif
