// SPDX-License-Identifier: MIT
/* fp.h with the flushes written out, for comparison with the processor's own. */
#define IG1_FP_SOFT
#include "fp.h"

float soft_mul(float a, float b);
float soft_add(float a, float b);
float soft_sigmoid(float x);
float soft_rsqrt(float x);

float soft_mul(float a, float b)
{
	return ig1_mul(a, b);
}

float soft_add(float a, float b)
{
	return ig1_add(a, b);
}

float soft_sigmoid(float x)
{
	return ig1_sigmoid(x);
}

float soft_rsqrt(float x)
{
	return ig1_rsqrt(x);
}
