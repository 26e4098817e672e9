/* SPDX-License-Identifier: MIT */
/* Test helper: vocabularies from tests/data/tokenizer as blobs. */
#ifndef TOKENIZER_FIXTURE_H
#define TOKENIZER_FIXTURE_H

#include <jansson.h>

#include "../core/tokenizer.h"

struct fixture {
	json_t *doc;
	struct tokenizer_desc desc; /* points into doc and the arrays below */
	struct tokenizer_str *tokens, *merges;
	float *scores;
	int32_t *types;
	void *blob;
	size_t len;
	struct tokenizer *t;
};

/* Deterministic numbers for the random tests (xorshift64*). */
struct rnd {
	uint64_t s;
};

uint32_t rnd_next(struct rnd *r, uint32_t below);

/* A JSON file of tests/data/tokenizer; TEST_DATA_DIR overrides where tests/data is. */
json_t *fixture_json(const char *name);
/* Load a vocabulary without writing the blob. Fails the test on error. */
void fixture_desc(struct fixture *f, const char *name);
/* Write the blob and create the tokenizer from f->desc. */
void fixture_build(struct fixture *f);
void fixture_free(struct fixture *f);
/* The blob of d is not written: the error's code, and what its message says. */
void fixture_refuse(const struct tokenizer_desc *d, int code, const char *message);
struct tokenizer_str lit(const char *s);

#endif
