// SPDX-License-Identifier: MIT
#include "hash_x86.h"

#if IG1_HASH_X86

#include <cpuid.h>
#include <immintrin.h>

/* gcc 12's __builtin_cpu_supports does not know sha. */
bool ig1_sha256_x86_ok(void)
{
	unsigned int a, b, c, d;

	if (!__get_cpuid_count(7, 0, &a, &b, &c, &d))
		return false;
	return (b & bit_SHA) && __builtin_cpu_supports("sse4.1");
}

bool ig1_crc32_x86_ok(void)
{
	return __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1");
}

/*
 * sha256rnds2 does two rounds on the state split into (a, b, e, f) and (c, d, g, h); what it returns
 * is the new former, and the old former is the new latter. Four words of the message schedule to a
 * register (Gulley et al., "Intel SHA Extensions", 2013).
 */
__attribute__((target("sha,sse4.1"))) void ig1_sha256_x86(uint32_t h[8], const uint8_t *p, size_t n,
							  const uint32_t k[64])
{
	const __m128i swap = _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3);
	__m128i abef = _mm_set_epi32((int)h[0], (int)h[1], (int)h[4], (int)h[5]);
	__m128i cdgh = _mm_set_epi32((int)h[2], (int)h[3], (int)h[6], (int)h[7]);
	uint32_t out[8];
	int i;

	for (; n; n--, p += 64) {
		const __m128i abef_in = abef, cdgh_in = cdgh;
		__m128i w[4], wk;

		for (i = 0; i < 16; i++) {
			__m128i *m = &w[i % 4];

			if (i < 4) {
				*m = _mm_loadu_si128((const __m128i *)(p + 16 * i));
				*m = _mm_shuffle_epi8(*m, swap);
			} else {
				__m128i last = w[(i + 3) % 4];
				__m128i w7 = _mm_alignr_epi8(last, w[(i + 2) % 4], 4);

				*m = _mm_sha256msg1_epu32(*m, w[(i + 1) % 4]);
				*m = _mm_sha256msg2_epu32(_mm_add_epi32(*m, w7), last);
			}
			wk = _mm_add_epi32(*m, _mm_loadu_si128((const __m128i *)(k + 4 * i)));
			cdgh = _mm_sha256rnds2_epu32(cdgh, abef, wk);
			wk = _mm_shuffle_epi32(wk, 0x0e);
			abef = _mm_sha256rnds2_epu32(abef, cdgh, wk);
		}
		abef = _mm_add_epi32(abef, abef_in);
		cdgh = _mm_add_epi32(cdgh, cdgh_in);
	}
	_mm_storeu_si128((__m128i *)out, abef);
	_mm_storeu_si128((__m128i *)(out + 4), cdgh);
	h[0] = out[3];
	h[1] = out[2];
	h[4] = out[1];
	h[5] = out[0];
	h[2] = out[7];
	h[3] = out[6];
	h[6] = out[5];
	h[7] = out[4];
}

__attribute__((target("pclmul,sse4.1"))) static __m128i fold(__m128i x, __m128i by, __m128i next)
{
	return _mm_xor_si128(
		_mm_xor_si128(_mm_clmulepi64_si128(x, by, 0x00), _mm_clmulepi64_si128(x, by, 0x11)),
		next);
}

/*
 * Folding of Gopal et al., "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ
 * Instruction", 2009; its constants for the bit-reflected polynomial: x^(8 * distance +- 32).
 */
__attribute__((target("pclmul,sse4.1"))) void ig1_crc32_x86(uint32_t reg, const uint8_t *p,
							    size_t n, uint8_t rest[16])
{
	const __m128i by64 = _mm_set_epi64x(0x1c6e41596, 0x154442bd4);
	const __m128i by16 = _mm_set_epi64x(0x0ccaa009e, 0x1751997d0);
	__m128i x[4], acc;
	int i;

	for (i = 0; i < 4; i++)
		x[i] = _mm_loadu_si128((const __m128i *)(p + 16 * i));
	x[0] = _mm_xor_si128(x[0], _mm_cvtsi32_si128((int)reg));
	for (p += 64, n -= 64; n >= 64; p += 64, n -= 64) {
		for (i = 0; i < 4; i++)
			x[i] = fold(x[i], by64, _mm_loadu_si128((const __m128i *)(p + 16 * i)));
	}
	acc = x[0];
	for (i = 1; i < 4; i++)
		acc = fold(acc, by16, x[i]);
	for (; n; p += 16, n -= 16)
		acc = fold(acc, by16, _mm_loadu_si128((const __m128i *)p));
	_mm_storeu_si128((__m128i *)rest, acc);
}

#else

bool ig1_sha256_x86_ok(void)
{
	return false;
}

bool ig1_crc32_x86_ok(void)
{
	return false;
}

void ig1_sha256_x86(uint32_t h[8], const uint8_t *p, size_t n, const uint32_t k[64])
{
	(void)h;
	(void)p;
	(void)n;
	(void)k;
}

void ig1_crc32_x86(uint32_t reg, const uint8_t *p, size_t n, uint8_t rest[16])
{
	(void)reg;
	(void)p;
	(void)n;
	(void)rest;
}

#endif
