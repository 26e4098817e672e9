/* SPDX-License-Identifier: MIT */
/* Blocks of the weight formats, read as docs/isa.md describes them: a model for tests. */
#ifndef IG1_TEST_BLOCKS_H
#define IG1_TEST_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct block_format {
	const char *name;
	uint8_t fmt; /* IG1_WFMT_* */
	uint8_t bytes;
	char scale;	/* 'h': f16, 'b': bf16, 'f': f32 */
	uint8_t terms;	/* scales of a block, one for each term */
	bool constant;	/* the second one's is added to all weights */
	uint8_t low_at; /* where the codes are, and the upper bits of those that lie apart */
	uint8_t high_at;
};

#define BLOCK_FORMATS 10
extern const struct block_format block_formats[BLOCK_FORMATS];

/* Weight j in units of its scale, without a constant. */
int block_weight(const struct block_format *f, const uint8_t *b, unsigned int j);

/* Scale or constant of a term, exactly; a subnormal fp32 is 0. */
double block_scale(const struct block_format *f, const uint8_t *b, unsigned int term);

/* Which term's scale weight j has. */
unsigned int block_half(const struct block_format *f, unsigned int j);

/* The integer sum of a term of a block and 32 inputs. */
int block_sum(const struct block_format *f, const uint8_t *b, unsigned int term, const int8_t *x);

/*
 * Gives a term of a block a finite scale from random bits: of 2^-10 to 2^-1, with `one` of 1 to 2.
 */
void block_set_scale(const struct block_format *f, uint8_t *b, unsigned int term, uint32_t bits,
		     bool one);

#endif
