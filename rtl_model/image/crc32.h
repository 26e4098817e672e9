/* SPDX-License-Identifier: MIT */
/*
 * CRC-32 as in IEEE 802.3, gzip and PNG: polynomial 0xedb88320 reflected, all ones before and
 * after. The empty string has 0; a piece is appended by passing the value so far.
 */
#ifndef IG1_CRC32_H
#define IG1_CRC32_H

#include <stddef.h>
#include <stdint.h>

uint32_t ig1_crc32(uint32_t crc, const void *data, size_t n);

/* Without special instructions; for tests. */
uint32_t ig1_crc32_portable(uint32_t crc, const void *data, size_t n);

#endif
