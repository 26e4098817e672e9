/* SPDX-License-Identifier: MIT */
/* Page numbers 0..n-1, free or taken. The caller serialises; pages_taken() needs no lock. */
#ifndef ACCEL_PAGES_H
#define ACCEL_PAGES_H

#include <stdbool.h>
#include <stdint.h>

#include "core/env.h"

struct pages {
	uint64_t *map; /* bit set: taken */
	uint64_t n, free;
	uint64_t hint; /* where the next search begins */
};

int pages_init(struct pages *p, struct accel_env *env, uint64_t n);
void pages_fini(struct pages *p, struct accel_env *env);
/* `count` consecutive pages; ACCEL_ENOSPACE (not recorded) when there is no such run. */
int pages_take_run(struct pages *p, uint64_t count, uint64_t *first);
void pages_give(struct pages *p, uint64_t first, uint64_t count);
bool pages_taken(const struct pages *p, uint64_t page);

#endif
