// SPDX-License-Identifier: MIT
#include "compiler/tests/exact_rows.h"

#include <stddef.h>

#include "compiler/quant/ggml_types.h"
#include "compiler/quant/half.h"
#include "compiler/tests/gguf_walk.h"
#include "fp.h"
#include "kernels.h"

static uint64_t below(uint64_t *rng, uint64_t n)
{
	return gguf_random(rng) % n;
}

/*
 * Where a block has its half precision scale and, if it has one, its constant or scale of constants; what
 * the scale is from, so that weights of all types are of about the same size.
 */
static const struct {
	uint16_t scale_at, scale, constant_at, constant;
} layouts[] = {
	[GGML_TYPE_Q4_0] = { 0, 0x2800 },
	[GGML_TYPE_Q4_1] = { 0, 0x2400, 2, 0x2800 },
	[GGML_TYPE_Q5_0] = { 0, 0x2000 },
	[GGML_TYPE_Q5_1] = { 0, 0x2000, 2, 0x2800 },
	[GGML_TYPE_Q8_0] = { 0, 0x1400 },
	[GGML_TYPE_Q2_K] = { 80, 0x1c00, 82, 0x2000 },
	[GGML_TYPE_Q3_K] = { 108, 0x1400 },
	[GGML_TYPE_Q4_K] = { 0, 0x0c00, 2, 0x1c00 },
	[GGML_TYPE_Q5_K] = { 0, 0x0800, 2, 0x1c00 },
	[GGML_TYPE_Q6_K] = { 208, 0x0400 },
	[GGML_TYPE_IQ4_NL] = { 0, 0x1400 },
	[GGML_TYPE_IQ4_XS] = { 0, 0x0400 },
	[GGML_TYPE_TQ1_0] = { 52, 0x2800 },
	[GGML_TYPE_TQ2_0] = { 64, 0x2800 },
	[GGML_TYPE_Q1_0] = { 0, 0x2800 },
	[GGML_TYPE_Q2_0] = { 0, 0x2800 },
};

void exact_random_row(uint64_t *rng, uint32_t type, uint8_t *row)
{
	const struct ggml_type_traits *t = ggml_type_get(type);
	uint8_t *p = row;
	size_t i, k;

	for (i = 0; i < EXACT_ROW / t->block; i++, p += t->bytes) {
		for (k = 0; k < t->bytes; k++)
			p[k] = (uint8_t)below(rng, 256);
		if (type == GGML_TYPE_MXFP4) {
			p[0] = (uint8_t)(118 + below(rng, 8));
		} else if (type == GGML_TYPE_NVFP4) {
			for (k = 0; k < 4; k++)
				p[k] = (uint8_t)(0x28 + below(rng, 8));
		} else {
			store_le16(p + layouts[type].scale_at,
				   (uint16_t)(layouts[type].scale + below(rng, 0x400)));
			/* a K-quant's is subtracted */
			if (layouts[type].constant_at)
				store_le16(p + layouts[type].constant_at,
					   (uint16_t)(layouts[type].constant + below(rng, 0x400) +
						      (t->block == 32 ? 0x8000 : 0)));
		}
		/* a ternary code of 3 is none that a quantiser writes */
		for (k = 0; type == GGML_TYPE_TQ2_0 && k < 64; k++)
			p[k] &= (uint8_t) ~(p[k] >> 1 & 0x55);
		/* nor are bytes that no five ternary digits make */
		for (k = 0; type == GGML_TYPE_TQ1_0 && k < 52; k++)
			p[k] = (uint8_t)((below(rng, 243) * 256 + 242) / 243);
	}
}

void exact_chip_row(uint32_t wfmt, const uint8_t *blocks, float *out)
{
	struct ig1_fpenv env = ig1_fp_enter();

	ig1_kernels()->dequant[wfmt](out, blocks, EXACT_ROW / 32);
	ig1_fp_leave(env);
}
