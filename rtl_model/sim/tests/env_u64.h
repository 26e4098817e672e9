/* SPDX-License-Identifier: MIT */
/* Numbers that the environment sets for these tests, in C's notation. */
#ifndef IG1_ENV_U64_H
#define IG1_ENV_U64_H

#include <stdint.h>
#include <stdlib.h>

static inline uint64_t env_u64(const char *name, uint64_t other)
{
	const char *s = getenv(name);

	return s && *s ? strtoull(s, NULL, 0) : other;
}

#endif
