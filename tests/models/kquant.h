/* SPDX-License-Identifier: MIT */
/*
 * Floats to Q4_K and Q6_K blocks of 256 and MXFP4 blocks of 32, by the plain rule: the scale is
 * what the largest magnitude (Q6_K, MXFP4) or the range that holds zero (Q4_K) asks for, codes are
 * rounded. n is a multiple of the block.
 */
#ifndef IG1_TESTS_MODELS_KQUANT_H
#define IG1_TESTS_MODELS_KQUANT_H

#include <stddef.h>
#include <stdint.h>

#define KQUANT_BLOCK	  256
#define KQUANT_Q4_K_BYTES 144
#define KQUANT_Q6_K_BYTES 210

void kquant_q4_k(const float *src, uint8_t *dst, size_t n);
void kquant_q6_k(const float *src, uint8_t *dst, size_t n);
void kquant_mxfp4(const float *src, uint8_t *dst, size_t n);

#endif
