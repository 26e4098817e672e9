// SPDX-License-Identifier: MIT
/* C bodies of the arithmetic leaves. */
#include <stdint.h>

#include "svdpi.h"

#include "fp.h"
#include "prim_dpi.h"

static inline float operand(unsigned int bits)
{
	return ig1_fp_pin(ig1_f32_from(bits));
}

unsigned int ig1_dpi_fp32_mul(unsigned int a, unsigned int b)
{
	struct ig1_fpenv env = ig1_fp_enter();
	float y = ig1_fp_pin(ig1_mul(operand(a), operand(b)));

	ig1_fp_leave(env);
	return ig1_canon_bits(ig1_f32_bits(y));
}

unsigned int ig1_dpi_fp32_add(unsigned int a, unsigned int b)
{
	struct ig1_fpenv env = ig1_fp_enter();
	float y = ig1_fp_pin(ig1_add(operand(a), operand(b)));

	ig1_fp_leave(env);
	return ig1_canon_bits(ig1_f32_bits(y));
}

unsigned int ig1_dpi_fp32_mad(unsigned int a, unsigned int b, unsigned int c)
{
	struct ig1_fpenv env = ig1_fp_enter();
	float y = ig1_fp_pin(ig1_mad(operand(a), operand(b), operand(c)));

	ig1_fp_leave(env);
	return ig1_canon_bits(ig1_f32_bits(y));
}

unsigned int ig1_dpi_fp32_max(unsigned int a, unsigned int b)
{
	return ig1_f32_bits(ig1_max(ig1_f32_from(a), ig1_f32_from(b)));
}

unsigned int ig1_dpi_i2f(int x)
{
	/* never subnormal: any mode that rounds to nearest will do */
	return ig1_f32_bits(ig1_i2f(x));
}

unsigned int ig1_dpi_f16_f32(unsigned int h)
{
	return ig1_f32_bits(ig1_f16_to_f32((uint16_t)h));
}

signed char ig1_dpi_fp32_to_i8(unsigned int x)
{
	return ig1_f32_to_i8(ig1_f32_from(x));
}
