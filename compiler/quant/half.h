/* SPDX-License-Identifier: MIT */
/*
 * Conversions between binary16, bfloat16 and binary32, and little-endian loads
 * from bytes of any alignment.
 *
 * half_to_float and bf16_to_float are exact for every code, subnormals and NaN
 * payloads included. float_to_half rounds to nearest, ties to even, makes
 * subnormals, overflows to infinity and keeps a NaN a (quiet) NaN. Written with
 * integers and selects where it can be, so that a compiler vectorises a loop of
 * half_to_float.
 *
 * Source: IEEE 754-2019, 3.4 and 4.3.1.
 */
#ifndef IG1_COMPILER_QUANT_HALF_H
#define IG1_COMPILER_QUANT_HALF_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

static inline uint32_t float_bits(float f)
{
	uint32_t u;

	memcpy(&u, &f, sizeof(u));
	return u;
}

static inline float float_from_bits(uint32_t u)
{
	float f;

	memcpy(&f, &u, sizeof(f));
	return f;
}

static inline uint16_t load_le16(const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return le16toh(v);
}

static inline uint32_t load_le32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return le32toh(v);
}

static inline uint64_t load_le64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return le64toh(v);
}

static inline void store_le16(uint8_t *p, uint16_t v)
{
	v = htole16(v);
	memcpy(p, &v, sizeof(v));
}

static inline void store_le32(uint8_t *p, uint32_t v)
{
	v = htole32(v);
	memcpy(p, &v, sizeof(v));
}

static inline float half_to_float(uint16_t h)
{
	uint32_t sign = (uint32_t)(h & 0x8000) << 16;
	uint32_t body = (uint32_t)(h & 0x7fff) << 13;
	uint32_t exponent = h & 0x7c00;
	uint32_t normal = body + ((127u - 15u) << 23);
	uint32_t special = body + ((255u - 31u) << 23);
	/* m * 2^-24 = 2^-14 * (1 + m / 1024) - 2^-14, without a float subnormal. */
	uint32_t tiny =
		float_bits(float_from_bits(body + 0x38800000u) - float_from_bits(0x38800000u));
	uint32_t u = exponent == 0x7c00 ? special : normal;

	u = exponent == 0 ? tiny : u;
	return float_from_bits(u | sign);
}

static inline uint16_t float_to_half(float f)
{
	uint32_t u = float_bits(f);
	uint16_t sign = (u >> 16) & 0x8000;
	uint32_t shift, m, half, rest;

	u &= 0x7fffffffu;
	if (u > 0x7f800000u)
		return sign | 0x7e00 | ((u >> 13) & 0x3ff);
	if (u >= 0x477ff000u) /* 65520, half way from the largest half to 2^16 */
		return sign | 0x7c00;
	if (u >= 0x38800000u) { /* 2^-14: a normal half; a carry moves the exponent */
		u -= (127u - 15u) << 23;
		return sign | ((u + 0xfff + ((u >> 13) & 1)) >> 13);
	}
	shift = 126 - (u >> 23); /* the unit of a subnormal half is 2^-24 */
	if (shift > 24)
		return sign;
	m = (u & 0x7fffff) | 0x800000;
	half = 1u << (shift - 1);
	rest = m & ((1u << shift) - 1);
	m >>= shift;
	m += rest > half || (rest == half && (m & 1));
	return sign | m;
}

static inline float bf16_to_float(uint16_t b)
{
	return float_from_bits((uint32_t)b << 16);
}

#endif
