/* SPDX-License-Identifier: MIT */
/*
 * Tensor element types of GGUF files: their names, their blocks, and their
 * values as float.
 *
 * A row (the contiguous dimension, ne[0]) is cut into blocks of `block`
 * elements, each stored in `bytes` bytes. The layouts are those of ggml; the
 * value of every element is the product of its parts in single precision, taken
 * left to right, with no fused multiply-add.
 */
#ifndef IG1_COMPILER_QUANT_GGML_TYPES_H
#define IG1_COMPILER_QUANT_GGML_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ggml_type {
	GGML_TYPE_F32 = 0,
	GGML_TYPE_F16 = 1,
	GGML_TYPE_Q4_0 = 2,
	GGML_TYPE_Q4_1 = 3,
	GGML_TYPE_Q5_0 = 6,
	GGML_TYPE_Q5_1 = 7,
	GGML_TYPE_Q8_0 = 8,
	GGML_TYPE_Q8_1 = 9,
	GGML_TYPE_Q2_K = 10,
	GGML_TYPE_Q3_K = 11,
	GGML_TYPE_Q4_K = 12,
	GGML_TYPE_Q5_K = 13,
	GGML_TYPE_Q6_K = 14,
	GGML_TYPE_Q8_K = 15,
	GGML_TYPE_IQ2_XXS = 16,
	GGML_TYPE_IQ2_XS = 17,
	GGML_TYPE_IQ3_XXS = 18,
	GGML_TYPE_IQ1_S = 19,
	GGML_TYPE_IQ4_NL = 20,
	GGML_TYPE_IQ3_S = 21,
	GGML_TYPE_IQ2_S = 22,
	GGML_TYPE_IQ4_XS = 23,
	GGML_TYPE_I8 = 24,
	GGML_TYPE_I16 = 25,
	GGML_TYPE_I32 = 26,
	GGML_TYPE_I64 = 27,
	GGML_TYPE_F64 = 28,
	GGML_TYPE_IQ1_M = 29,
	GGML_TYPE_BF16 = 30,
	GGML_TYPE_TQ1_0 = 34,
	GGML_TYPE_TQ2_0 = 35,
	GGML_TYPE_MXFP4 = 39,
	GGML_TYPE_NVFP4 = 40,
	GGML_TYPE_Q1_0 = 41,
	GGML_TYPE_Q2_0 = 42,
};

/* The largest block of any type, in elements. */
#define GGML_MAX_BLOCK 256

/*
 * 32 elements of an affine type (Q4_1, Q5_1, Q4_K, Q5_K): each is scale * code + constant, with all three as
 * the block has them: their own parts' products are exact, only the sum is rounded.
 */
struct ggml_affine {
	float scale, constant;
	uint8_t codes[32];
};

struct ggml_type_traits {
	uint32_t id;
	const char *name;
	uint32_t block; /* elements per block; 0 when not supported */
	uint32_t bytes; /* bytes per block; 0 when not supported */
	/* Blocks to floats; NULL when not supported. */
	void (*dequantize)(const uint8_t *src, float *dst, int64_t blocks);
	/* Group g of 32 of a block; NULL when the type is not affine. */
	void (*affine)(const uint8_t *src, int g, struct ggml_affine *out);
	bool forked; /* other programs use this id for another layout */
};

/* NULL for an id that was never assigned or was removed from the format. */
const struct ggml_type_traits *ggml_type_get(uint32_t id);

/* "Q8_0"; "unknown" when ggml_type_get gives NULL. Never NULL. */
const char *ggml_type_name(uint32_t id);

/* "F32, F16, ..." of all types that can be read, cut where there is no room. */
const char *ggml_supported_names(char *buf, size_t room);

/* True when tensors of this type can be read, which is: dequantised. */
bool ggml_type_supported(uint32_t id);

/*
 * Bytes of a row of ne0 elements. -ENOTSUP: the type is not supported; -EINVAL:
 * ne0 is negative or not a multiple of the block; -EOVERFLOW. *size is written
 * on success only.
 */
int ggml_row_size(uint32_t type, int64_t ne0, uint64_t *size);

/* Bytes of a whole tensor; errors as ggml_row_size. */
int ggml_tensor_size(uint32_t type, const int64_t ne[4], uint64_t *size);

/*
 * n elements (a multiple of the block) from src, of any alignment, to dst.
 * -ENOTSUP and -EINVAL as ggml_row_size. Non-finite scales in src give
 * non-finite values in dst; checking them is the caller's business.
 */
int ggml_dequantize_row(uint32_t type, const void *src, float *dst, int64_t n);

/* Group number `group` of 32 of a row. -ENOTSUP: the type is not affine. */
int ggml_affine_group(uint32_t type, const void *src, int64_t group, struct ggml_affine *out);

#endif
