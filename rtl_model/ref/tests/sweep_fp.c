// SPDX-License-Identifier: MIT
/*
 * All 2^32 operands of the special functions: worst relative error against double, and the fastest
 * kernels against fp.h bit for bit. Minutes; run by hand, figures in spec/numbers.md.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "fp.h"
#include "kernels.h"

#define CHUNK 65536

static double d_recip(double x)
{
	return 1 / x;
}

static double d_rsqrt(double x)
{
	return 1 / sqrt(x);
}

static double d_sigmoid(double x)
{
	return 1 / (1 + exp(-x));
}

static double d_silu(double x)
{
	return x / (1 + exp(-x));
}

static void k_exp(float *y, const float *a, size_t n)
{
	ig1_kernels()->exp_affine(y, a, 1.0f, -0.0f, n);
}

static void sweep(const char *name, float (*f)(float), double (*ref)(double),
		  void (*vec)(float *, const float *, size_t), int is_silu)
{
	static float x[CHUNK], y[CHUNK];
	double max = 0, tail = 0;
	uint32_t at = 0;
	uint64_t base, diff = 0;
	int i;

	for (base = 0; base < UINT64_C(1) << 32; base += CHUNK) {
		for (i = 0; i < CHUNK; i++)
			x[i] = ig1_f32_from((uint32_t)base + (uint32_t)i);
		vec(y, x, CHUNK);
		for (i = 0; i < CHUNK; i++) {
			float one = ig1_canon(f(x[i]));
			double want, err;

			diff += ig1_f32_bits(one) != ig1_f32_bits(y[i]);
			if (((ig1_f32_bits(x[i]) >> 23) & 255) % 255 == 0)
				continue;
			want = ref((double)x[i]);
			if (is_silu && (double)x[i] < -87.33) {
				tail = fmax(tail, fabs(want - (double)one));
				continue;
			}
			if (!(fabs(want) >= 0x1p-126 * (1 + 0x1p-21) && fabs(want) < 0x1p128))
				continue;
			err = fabs((double)one / want - 1);
			if (!(err <= max)) {
				max = err;
				at = ig1_f32_bits(x[i]);
			}
		}
	}
	printf("%-8s worst 2^%.3f at %08x, %llu differ from %s", name, log2(max), at,
	       (unsigned long long)diff, ig1_kernels()->name);
	if (is_silu)
		printf(", absolute 2^%.2f below -87.33", log2(tail));
	printf("\n");
	fflush(stdout);
}

int main(void)
{
	struct ig1_fpenv env = ig1_fp_enter();
	const struct ig1_kernels *k = ig1_kernels();

	sweep("exp", ig1_exp, exp, k_exp, 0);
	sweep("recip", ig1_recip, d_recip, k->recip, 0);
	sweep("rsqrt", ig1_rsqrt, d_rsqrt, k->rsqrt, 0);
	sweep("sigmoid", ig1_sigmoid, d_sigmoid, k->sigmoid, 0);
	sweep("silu", ig1_silu, d_silu, k->silu, 1);
	ig1_fp_leave(env);
	return 0;
}
