/* SPDX-License-Identifier: MIT */
/* Shared by the kernel variants only. */
#ifndef IG1_REF_KERNELS_IMPL_H
#define IG1_REF_KERNELS_IMPL_H

#include "fp.h"
#include "kernels.h"

extern const struct ig1_kernels ig1_kernels_scalar;
/* The others use vector builtins and target pragmas that Clang lacks; it builds the fuzz entries. */
#if defined(__x86_64__) && !defined(__clang__)
extern const struct ig1_kernels ig1_kernels_avx2;
extern const struct ig1_kernels ig1_kernels_avx512;
#endif

#define IG1_FORM_I8 IG1_WFMT_MAX /* beside IG1_WFMT_*: no blocks, but int8 rows and scales apart */

/* Each of the formats, for what exists once per format: X(WFMT suffix, name) */
#define IG1_EACH_WFMT(X) \
	X(Q8_0, q8_0)    \
	X(Q4_0, q4_0)    \
	X(Q4_1, q4_1)    \
	X(Q5_1, q5_1)    \
	X(T2_0, t2_0)    \
	X(B1_0, b1_0)    \
	X(MX4, mx4)      \
	X(NV4, nv4)      \
	X(Q6_K, q6_k)    \
	X(IQ4, iq4)

#define IG1_DOT_ENTRY(wfmt, name)     [IG1_WFMT_##wfmt] = dot_##name,
#define IG1_DEQUANT_ENTRY(wfmt, name) [IG1_WFMT_##wfmt] = k_dequant_##name,

/* Whether the second term of a group is a constant times the sum of the inputs. */
static inline int ig1_has_constant(unsigned int wfmt)
{
	return wfmt == IG1_WFMT_Q4_1 || wfmt == IG1_WFMT_Q5_1;
}

/* Whether it is that of weights 16 to 31, which have a scale of their own. */
static inline int ig1_has_halves(unsigned int wfmt)
{
	return wfmt == IG1_WFMT_NV4 || wfmt == IG1_WFMT_Q6_K;
}

static inline int ig1_scale_bytes(unsigned int wfmt)
{
	switch (wfmt) {
	case IG1_WFMT_Q4_1:
	case IG1_WFMT_Q5_1:
	case IG1_WFMT_Q6_K:
	case IG1_WFMT_IQ4:
		return 4;
	default:
		return 2;
	}
}

/* What comes first in a block: the scale or constant of each of its terms. */
static inline float ig1_block_scale(unsigned int wfmt, const uint8_t *b, unsigned int term)
{
	uint32_t w;
	uint16_t h;

	if (ig1_scale_bytes(wfmt) == 4) {
		memcpy(&w, b + 4 * term, sizeof(w));
		return ig1_f32_from(w);
	}
	memcpy(&h, b + 2 * term, sizeof(h));
	return wfmt == IG1_WFMT_MX4 ? ig1_f32_from((uint32_t)h << 16) : ig1_f16_to_f32(h);
}

/* Where the codes of a block begin. */
static inline size_t ig1_codes_at(unsigned int wfmt)
{
	return (size_t)ig1_scale_bytes(wfmt) * ig1_wfmt_terms(wfmt);
}

static inline int ig1_nibble(const uint8_t *b, int j)
{
	return j < 16 ? b[j] & 15 : b[j - 16] >> 4;
}

/* Two bits of weight j. */
static inline int ig1_pair(const uint8_t *b, int j)
{
	return b[j % 8] >> (j / 8 * 2) & 3;
}

static inline int ig1_bit(const uint8_t *b, int j)
{
	return b[j / 8] >> (j % 8) & 1;
}

/* Twice the value of an E2M1 code. */
static inline int ig1_e2m1(int code)
{
	int e = code >> 1 & 3, m = code & 1, v = e ? (2 | m) << (e - 1) : m;

	return code & 8 ? -v : v;
}

/* Weight j of a block, in units of its scale and without its constant. */
static inline int ig1_block_weight(unsigned int wfmt, const uint8_t *b, int j)
{
	static const int8_t iq4[] = { IG1_NUM_IQ4 };
	const uint8_t *q = b + ig1_codes_at(wfmt);

	switch (wfmt) {
	case IG1_WFMT_Q4_0:
		return ig1_nibble(q, j) - 8;
	case IG1_WFMT_Q4_1:
		return ig1_nibble(q, j);
	case IG1_WFMT_Q5_1:
		return ig1_bit(q, j) << 4 | ig1_nibble(q + 4, j);
	case IG1_WFMT_T2_0:
		return (ig1_pair(q, j) ^ 2) - 2;
	case IG1_WFMT_B1_0:
		return ig1_bit(q, j) ? 1 : -1;
	case IG1_WFMT_MX4:
	case IG1_WFMT_NV4:
		return ig1_e2m1(ig1_nibble(q, j));
	case IG1_WFMT_Q6_K:
		return ((ig1_pair(q + 16, j) << 4 | ig1_nibble(q, j)) ^ 32) - 32;
	case IG1_WFMT_IQ4:
		return iq4[ig1_nibble(q, j)];
	default:
		return (int8_t)q[j];
	}
}

#endif
