/* SPDX-License-Identifier: MIT */
/*
 * One folder at a time for cmocka tests of the reader: tensors and config.json put in, GGUF tensors
 * and keys looked at. What does not hold fails the test.
 */
#ifndef IG1_COMPILER_TESTS_HF_FIXTURE_H
#define IG1_COMPILER_TESTS_HF_FIXTURE_H

#include "compiler/tests/hf_writer.h"

extern struct hf_folder fx_folder;
extern struct gguf_file *fx_file;

/* An F32 tensor of small numbers that are all different; shape in PyTorch's order, 0 ends it. */
void fx_put(const char *name, uint64_t a, uint64_t b, uint64_t c);
/* The numbers that were put. */
const float *fx_src(const char *name);
/* With what was put, and this config.json. */
void fx_open_folder(const char *config);
/* It is refused with this code and a message that has `says`; then everything is gone. */
void fx_refused(const char *config, int code, const char *says);
/* Everything is gone. */
void fx_reset(void);

/* All values of a GGUF tensor of that shape, read row by row. */
const float *fx_get(const char *name, int64_t ne0, int64_t ne1, int64_t ne2);
void fx_same(const char *name, const float *got, const float *want, size_t n);
void fx_copied(const char *gguf, const char *hf, int64_t ne0, int64_t ne1);
void fx_key_u32(const char *key, uint32_t want);
void fx_key_f32(const char *key, float want);
void fx_key_str(const char *key, const char *want);
void fx_key_absent(const char *key);

/* Numbers of config.json and tensors that most classes have: 5 tokens, 8 wide, heads of 4. */
#define FX_SIZES                                                                       \
	"\"max_position_embeddings\":64,\"hidden_size\":8,\"num_hidden_layers\":1,"    \
	"\"intermediate_size\":6,\"num_attention_heads\":2,\"num_key_value_heads\":1," \
	"\"vocab_size\":5,\"rms_norm_eps\":1e-6,\"hidden_act\":\"silu\","
void fx_put_globals(void);

#endif
