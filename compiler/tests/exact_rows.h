/* SPDX-License-Identifier: MIT */
/* Rows for the tests of formats that keep values. */
#ifndef IG1_COMPILER_TESTS_EXACT_ROWS_H
#define IG1_COMPILER_TESTS_EXACT_ROWS_H

#include <stdint.h>

#define EXACT_ROW 256

/* EXACT_ROW elements of a type (enum ggml_type) in random codes with sane scales. */
void exact_random_row(uint64_t *rng, uint32_t type, uint8_t *row);

/* What the chip takes EXACT_ROW weights in its format wfmt for. */
void exact_chip_row(uint32_t wfmt, const uint8_t *blocks, float *out);

#endif
