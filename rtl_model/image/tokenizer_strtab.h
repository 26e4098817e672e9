/* SPDX-License-Identifier: MIT */
/* Open-addressed map from a token's text to its id, over texts stored one after the other. */
#ifndef TOKENIZER_STRTAB_H
#define TOKENIZER_STRTAB_H

#include <stddef.h>
#include <stdint.h>

struct strtab {
	const uint8_t *text; /* borrowed */
	const uint32_t *off; /* borrowed, one more than there are texts */
	uint64_t *slot;	     /* hash in the upper half, id + 1 in the lower; 0 is free */
	size_t mask;
};

/* Room for n texts. Returns 0 or -ENOMEM. */
int strtab_init(struct strtab *tab, const uint8_t *text, const uint32_t *off, size_t n);
void strtab_free(struct strtab *tab);

/*
 * Enter text `id`. Returns 0, -EEXIST with the id that has this text already in *other, or -ELOOP
 * when the texts were chosen to collide.
 */
int strtab_add(struct strtab *tab, uint32_t id, uint32_t *other);

/* The id of a text, or -1. */
int32_t strtab_find(const struct strtab *tab, const void *p, size_t n);

#endif
