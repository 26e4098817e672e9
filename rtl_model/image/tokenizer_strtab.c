// SPDX-License-Identifier: MIT
#include "tokenizer_strtab.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* At half load an honest table stays far below this; it bounds the work of a crafted one. */
#define PROBE_MAX 4096

/* FNV-1a with a final mix, so that the low bits of short texts spread. */
static uint64_t hash_text(const uint8_t *p, size_t n)
{
	uint64_t h = 0xcbf29ce484222325ull;
	size_t i;

	for (i = 0; i < n; i++)
		h = (h ^ p[i]) * 0x100000001b3ull;
	h ^= h >> 32;
	h *= 0x9e3779b97f4a7c15ull;
	return h ^ (h >> 29);
}

int strtab_init(struct strtab *tab, const uint8_t *text, const uint32_t *off, size_t n)
{
	size_t cap = 16;

	while (cap / 2 < n) {
		if (__builtin_mul_overflow(cap, (size_t)2, &cap))
			return -ENOMEM;
	}
	tab->slot = calloc(cap, sizeof(*tab->slot));
	if (!tab->slot)
		return -ENOMEM;
	tab->text = text;
	tab->off = off;
	tab->mask = cap - 1;
	return 0;
}

void strtab_free(struct strtab *tab)
{
	free(tab->slot);
	tab->slot = NULL;
}

int strtab_add(struct strtab *tab, uint32_t id, uint32_t *other)
{
	const uint8_t *p = tab->text + tab->off[id];
	size_t n = tab->off[id + 1] - tab->off[id];
	uint64_t h = hash_text(p, n);
	size_t at = h & tab->mask;
	unsigned int probe;

	for (probe = 0; probe < PROBE_MAX; probe++) {
		uint64_t s = tab->slot[at];

		if (!s) {
			tab->slot[at] = (h & 0xffffffff00000000ull) | (id + 1u);
			return 0;
		}
		if (s >> 32 == h >> 32) {
			uint32_t o = (uint32_t)s - 1;

			if (tab->off[o + 1] - tab->off[o] == n &&
			    !memcmp(tab->text + tab->off[o], p, n)) {
				*other = o;
				return -EEXIST;
			}
		}
		at = (at + 1) & tab->mask;
	}
	return -ELOOP;
}

int32_t strtab_find(const struct strtab *tab, const void *p, size_t n)
{
	uint64_t h = hash_text(p, n);
	size_t at = h & tab->mask;

	/* Terminates: at least half of the slots are free. */
	for (; tab->slot[at]; at = (at + 1) & tab->mask) {
		uint32_t o = (uint32_t)tab->slot[at] - 1;

		if (tab->slot[at] >> 32 == h >> 32 && tab->off[o + 1] - tab->off[o] == n &&
		    !memcmp(tab->text + tab->off[o], p, n))
			return (int32_t)o;
	}
	return -1;
}
