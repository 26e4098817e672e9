/* SPDX-License-Identifier: MIT */
/*
 * Bump allocator: everything of one compilation is freed at once. Memory is zeroed and aligned to
 * 16 bytes. Allocation failure returns NULL; nothing aborts.
 */
#ifndef IG1_COMPILER_IR_ARENA_H
#define IG1_COMPILER_IR_ARENA_H

#include <stddef.h>
#include <stdint.h>

struct arena_chunk;

struct arena {
	struct arena_chunk *head;
	size_t used; /* of the head chunk */
};

void *arena_alloc(struct arena *a, size_t n);
void *arena_array(struct arena *a, size_t count, size_t size);
char *arena_strndup(struct arena *a, const char *s, size_t n);
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void arena_free(struct arena *a);

#endif
