/* SPDX-License-Identifier: MIT */
/*
 * Floats to Q4_K, Q6_K and TQ2_0 blocks of 256, Q1_0 blocks of 128, NVFP4 blocks of 64 and MXFP4, Q4_1, Q5_1
 * and IQ4_NL blocks of 32, by the plain rule: the scale is what the largest magnitude (Q6_K, NVFP4, MXFP4,
 * IQ4_NL), the range (Q4_1, Q5_1), the range that holds zero (Q4_K) or the mean magnitude (TQ2_0, Q1_0) asks
 * for, codes are rounded. n is a multiple of the block.
 */
#ifndef IG1_TESTS_MODELS_KQUANT_H
#define IG1_TESTS_MODELS_KQUANT_H

#include <stddef.h>
#include <stdint.h>

#define KQUANT_BLOCK	   256
#define KQUANT_Q4_K_BYTES  144
#define KQUANT_Q6_K_BYTES  210
#define KQUANT_TQ2_0_BYTES 66
#define KQUANT_Q1_0_BLOCK  128
#define KQUANT_Q1_0_BYTES  18

void kquant_q4_k(const float *src, uint8_t *dst, size_t n);
void kquant_q6_k(const float *src, uint8_t *dst, size_t n);
void kquant_tq2_0(const float *src, uint8_t *dst, size_t n);
void kquant_q1_0(const float *src, uint8_t *dst, size_t n);
void kquant_mxfp4(const float *src, uint8_t *dst, size_t n);
void kquant_nvfp4(const float *src, uint8_t *dst, size_t n);
void kquant_q4_1(const float *src, uint8_t *dst, size_t n);
void kquant_q5_1(const float *src, uint8_t *dst, size_t n);
void kquant_iq4_nl(const float *src, uint8_t *dst, size_t n);

#endif
