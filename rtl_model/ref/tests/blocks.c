// SPDX-License-Identifier: MIT
#include "blocks.h"

#include <math.h>
#include <string.h>

#include "ig1_isa.h"

const struct block_format block_formats[BLOCK_FORMATS] = {
	{ "q8_0", IG1_WFMT_Q8_0, 34, 'h', 1, false, 2, 0 },
	{ "q4_0", IG1_WFMT_Q4_0, 18, 'h', 1, false, 2, 0 },
	{ "q4_1", IG1_WFMT_Q4_1, 24, 'f', 2, true, 8, 0 },
	{ "q5_1", IG1_WFMT_Q5_1, 28, 'f', 2, true, 12, 8 },
	{ "t2_0", IG1_WFMT_T2_0, 10, 'h', 1, false, 2, 0 },
	{ "b1_0", IG1_WFMT_B1_0, 6, 'h', 1, false, 2, 0 },
	{ "mx4", IG1_WFMT_MX4, 18, 'b', 1, false, 2, 0 },
	{ "nv4", IG1_WFMT_NV4, 20, 'h', 2, false, 4, 0 },
	{ "q6_k", IG1_WFMT_Q6_K, 32, 'f', 2, false, 8, 24 },
	{ "iq4", IG1_WFMT_IQ4, 20, 'f', 1, false, 4, 0 },
};

int block_weight(const struct block_format *f, const uint8_t *b, unsigned int j)
{
	static const int e2m1[] = { 0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12 };
	static const int two_bits[] = { 0, 1, -2, -1 };
	static const int iq4[] = { -127, -104, -83, -65, -49, -35, -22, -10,
				   1,	 13,   25,  38,	 53,  69,  89,	113 };
	const uint8_t *q = b + f->low_at;
	int nibble, v;

	switch (f->fmt) {
	case IG1_WFMT_Q8_0:
		return (int8_t)q[j];
	case IG1_WFMT_T2_0:
		return two_bits[q[j % 8] >> 2 * (j / 8) & 3];
	case IG1_WFMT_B1_0:
		return q[j / 8] & 1 << j % 8 ? 1 : -1;
	}
	nibble = j < 16 ? q[j] % 16 : q[j - 16] / 16;
	switch (f->fmt) {
	case IG1_WFMT_Q4_0:
		return nibble - 8;
	case IG1_WFMT_Q5_1:
		return nibble + (b[f->high_at + j / 8] & 1 << j % 8 ? 16 : 0);
	case IG1_WFMT_MX4:
	case IG1_WFMT_NV4:
		return e2m1[nibble];
	case IG1_WFMT_Q6_K:
		v = nibble + 16 * (b[f->high_at + j % 8] >> 2 * (j / 8) & 3);
		return v < 32 ? v : v - 64;
	case IG1_WFMT_IQ4:
		return iq4[nibble];
	default:
		return nibble;
	}
}

double block_scale(const struct block_format *f, const uint8_t *b, unsigned int term)
{
	uint32_t w;
	float v;
	int e, m;

	if (f->scale == 'h') {
		b += 2 * term;
		e = b[1] >> 2 & 31;
		m = (b[1] & 3) << 8 | b[0];
		if (e == 31)
			return m ? (double)NAN : b[1] & 0x80 ? -(double)INFINITY : (double)INFINITY;
		return ldexp(m + (e ? 1024 : 0), (e ? e : 1) - 25) * (b[1] & 0x80 ? -1 : 1);
	}
	memcpy(&w, b + 4 * term, sizeof(w));
	if (f->scale == 'b')
		w <<= 16;
	if (!(w & 0x7f800000))
		return w >> 31 ? -0.0 : 0.0;
	memcpy(&v, &w, sizeof(v));
	return (double)v;
}

unsigned int block_half(const struct block_format *f, unsigned int j)
{
	return f->terms == 2 && !f->constant ? j / 16 : 0;
}

int block_sum(const struct block_format *f, const uint8_t *b, unsigned int term, const int8_t *x)
{
	int sum = 0;
	unsigned int j;

	for (j = 0; j < 32; j++) {
		if (f->constant && term)
			sum += x[j];
		else if (block_half(f, j) == term)
			sum += block_weight(f, b, j) * x[j];
	}
	return sum;
}

void block_set_scale(const struct block_format *f, uint8_t *b, unsigned int term, uint32_t bits,
		     bool one)
{
	uint32_t e = one ? 127 : 117 + (bits >> 8) % 10;
	uint32_t w = (bits & 0x807fffff) | e << 23;
	uint16_t h = (uint16_t)((bits >> 16 & 0x83ff) | (e - 112) << 10);

	if (f->scale == 'b')
		h = (uint16_t)(w >> 16);
	if (f->scale == 'f')
		memcpy(b + 4 * term, &w, sizeof(w));
	else
		memcpy(b + 2 * term, &h, sizeof(h));
}
