/* SPDX-License-Identifier: MIT */
/*
 * SHA-256 and CRC-32 with x86's instructions for them, for sha256.c and crc32.c alone. Images of
 * several gigabytes are hashed when they are compiled and verified; the portable code would take
 * longer than the disk.
 */
#ifndef IG1_HASH_X86_H
#define IG1_HASH_X86_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__x86_64__)
#define IG1_HASH_X86 1
#else
#define IG1_HASH_X86 0
#endif

/* What the processor has. */
bool ig1_sha256_x86_ok(void);
bool ig1_crc32_x86_ok(void);

/* n blocks of 64 bytes into state h; k: FIPS 180-4's 64 constants. */
void ig1_sha256_x86(uint32_t h[8], const uint8_t *p, size_t n, const uint32_t k[64]);

#define IG1_CRC32_X86_MIN 64u

/*
 * n, a multiple of 16 and at least IG1_CRC32_X86_MIN, bytes. rest: 16 bytes that, behind a register
 * of 0, leave the CRC register as `reg` followed by the n bytes would.
 */
void ig1_crc32_x86(uint32_t reg, const uint8_t *p, size_t n, uint8_t rest[16]);

#endif
