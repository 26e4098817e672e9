// SPDX-License-Identifier: MIT
/* Bitmap of pages with next-fit search. */
#include "pages.h"

#define BITS 64

int pages_init(struct pages *p, struct accel_env *env, uint64_t n)
{
	p->n = n;
	p->free = n;
	p->hint = 0;
	p->map = env_zalloc(env, (n + BITS - 1) / BITS, sizeof(*p->map));
	return p->map ? 0 : ACCEL_ENOMEM;
}

void pages_fini(struct pages *p, struct accel_env *env)
{
	env_free(env, p->map);
	p->map = NULL;
}

bool pages_taken(const struct pages *p, uint64_t page)
{
	if (page >= p->n)
		return false;
	return __atomic_load_n(&p->map[page / BITS], __ATOMIC_RELAXED) >> (page % BITS) & 1;
}

static void set(struct pages *p, uint64_t first, uint64_t count, bool taken)
{
	uint64_t i, bit;

	for (i = first; i < first + count; i++) {
		bit = UINT64_C(1) << (i % BITS);
		if (taken)
			__atomic_or_fetch(&p->map[i / BITS], bit, __ATOMIC_RELAXED);
		else
			__atomic_and_fetch(&p->map[i / BITS], ~bit, __ATOMIC_RELAXED);
	}
}

/* First run of `count` free pages that begins in [from, to). */
static bool search(const struct pages *p, uint64_t from, uint64_t to, uint64_t count,
		   uint64_t *first)
{
	uint64_t i = from, run = 0;

	while (i < p->n && i - run < to) {
		if (i % BITS == 0 && p->map[i / BITS] == UINT64_MAX) {
			i += BITS;
			run = 0;
			continue;
		}
		if (pages_taken(p, i)) {
			run = 0;
		} else if (++run == count) {
			*first = i + 1 - count;
			return true;
		}
		i++;
	}
	return false;
}

int pages_take_run(struct pages *p, uint64_t count, uint64_t *first)
{
	if (!count || count > p->free)
		return ACCEL_ENOSPACE;
	if (!search(p, p->hint, p->n, count, first) && !search(p, 0, p->hint, count, first))
		return ACCEL_ENOSPACE;
	set(p, *first, count, true);
	p->free -= count;
	p->hint = *first + count < p->n ? *first + count : 0;
	return 0;
}

void pages_give(struct pages *p, uint64_t first, uint64_t count)
{
	set(p, first, count, false);
	p->free += count;
	/* Prefer low pages again: keeps the footprint small. */
	if (first < p->hint)
		p->hint = first;
}
