/* SPDX-License-Identifier: MIT */
/* SHA-256 (FIPS 180-4), in pieces of any size. */
#ifndef IG1_SHA256_H
#define IG1_SHA256_H

#include <stddef.h>
#include <stdint.h>

#define IG1_SHA256_BYTES 32

struct ig1_sha256 {
	uint32_t h[8];
	uint64_t bytes;
	uint8_t block[64];
};

void ig1_sha256_init(struct ig1_sha256 *s);
void ig1_sha256_update(struct ig1_sha256 *s, const void *data, size_t n);

/* The compression function without special instructions; for tests. */
void ig1_sha256_portable(uint32_t state[8], const uint8_t *p, size_t blocks);

/* *s can be used again after another init; take a copy to get a digest on the way. */
void ig1_sha256_final(struct ig1_sha256 *s, uint8_t digest[IG1_SHA256_BYTES]);

#endif
