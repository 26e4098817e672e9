// SPDX-License-Identifier: MIT
/*
 * Eight bytes a step: table[k][b] is the CRC of byte b followed by k zero bytes, so the
 * contributions of eight bytes can be looked up independently (Kounavis and Berry, "A systematic
 * approach to building high performance, software-based, CRC generators", 2005).
 */

#include <pthread.h>

#include "crc32.h"
#include "hash_x86.h"

static uint32_t table[8][256];
static pthread_once_t table_once = PTHREAD_ONCE_INIT;

static bool have_x86;

static void table_init(void)
{
	uint32_t b, k, c;

	have_x86 = ig1_crc32_x86_ok();
	for (b = 0; b < 256; b++) {
		c = b;
		for (k = 0; k < 8; k++)
			c = c & 1 ? c >> 1 ^ 0xedb88320u : c >> 1;
		table[0][b] = c;
	}
	for (k = 1; k < 8; k++) {
		for (b = 0; b < 256; b++)
			table[k][b] = table[k - 1][b] >> 8 ^ table[0][table[k - 1][b] & 0xff];
	}
}

static uint32_t update(uint32_t crc, const uint8_t *p, size_t n)
{
	for (; n >= 8; n -= 8, p += 8) {
		crc ^= p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
		crc = table[7][crc & 0xff] ^ table[6][crc >> 8 & 0xff] ^
		      table[5][crc >> 16 & 0xff] ^ table[4][crc >> 24] ^ table[3][p[4]] ^
		      table[2][p[5]] ^ table[1][p[6]] ^ table[0][p[7]];
	}
	while (n--)
		crc = crc >> 8 ^ table[0][(crc ^ *p++) & 0xff];
	return crc;
}

uint32_t ig1_crc32_portable(uint32_t crc, const void *data, size_t n)
{
	pthread_once(&table_once, table_init);
	return ~update(~crc, data, n);
}

uint32_t ig1_crc32(uint32_t crc, const void *data, size_t n)
{
	size_t whole = n / 16 * 16;
	const uint8_t *p = data;
	uint8_t rest[16];

	pthread_once(&table_once, table_init);
	if (!have_x86 || n < IG1_CRC32_X86_MIN)
		return ig1_crc32_portable(crc, data, n);
	ig1_crc32_x86(~crc, p, whole, rest);
	return ~update(update(0, rest, sizeof(rest)), p + whole, n - whole);
}
