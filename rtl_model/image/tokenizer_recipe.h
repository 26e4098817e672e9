/* SPDX-License-Identifier: MIT */
/*
 * Pre-tokenizers: regular expressions that cut a text into the pieces BPE works on. The expressions
 * are data of the published models (their tokenizer.json): the runtime cuts by them, the compiler
 * knows a tokenizer.json by them. Each stage works on the pieces of the one before; what it does not
 * match between two matches is a piece as well. A piece is matched on its own: \s+(?!\S) sees the
 * end of the piece as the end of the text.
 */
#ifndef TOKENIZER_RECIPE_H
#define TOKENIZER_RECIPE_H

#include "tokenizer_blob.h"

#define TOKENIZER_MAX_STAGES 6

/* Spaces at the end of a piece, as deepseek-llm writes it; the runtime has a faster way. */
#define TOKENIZER_EXPR_END_SPACE "\\s+$"

struct tokenizer_recipe {
	const char *expr[TOKENIZER_MAX_STAGES];
	unsigned int digit_groups; /* stages whose matches are cut into threes */
};

extern const struct tokenizer_recipe tokenizer_recipe[TOKENIZER_PRE_COUNT];

#endif
