// SPDX-License-Identifier: MIT
/* Speed of the row kernels, one thread: GMAC/s by rows, groups and columns; elements per second. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fp.h"
#include "kernels.h"

#define MAX_GROUPS 64
#define MAX_COLS   8
#define WEIGHTS	   (1U << 21) /* elements of the matrix: stays in the second-level cache */

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static uint8_t *w;
static int8_t *xq;
static float *xs, *ws, *y, *a, *b;

#define I8 -1 /* beside IG1_WFMT_* */

static void run_dot(const struct ig1_kernels *k, int form, uint32_t rows, uint32_t groups,
		    uint32_t cols)
{
	size_t xst = (size_t)groups * 32;

	if (form == I8)
		k->dot_i8((const int8_t *)w, xst, ws, groups, rows, groups, xq, xst, xs, groups,
			  cols, y, 1, rows);
	else
		k->dot[form](w, (size_t)groups * ig1_wfmt_block_bytes((uint32_t)form), rows, groups,
			     xq, xst, xs, groups, cols, y, 1, rows);
}

static void bench_dot(const struct ig1_kernels *k, const char *name, int form)
{
	static const uint32_t groups[] = { 2, 4, 6, 8, 12, 18, 24, 64 };
	static const uint32_t cols[] = { 1, 4, 8 };
	size_t i, j;

	for (j = 0; j < sizeof(cols) / sizeof(cols[0]); j++) {
		printf("%-7s %-5s cols %u:", k->name, name, cols[j]);
		for (i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
			uint32_t rows = WEIGHTS / 32 / groups[i] / 4;
			double t0, t, best = 1e9;
			int rep;

			for (rep = 0; rep < 20; rep++) {
				t0 = now();
				run_dot(k, form, rows, groups[i], cols[j]);
				t = now() - t0;
				best = t < best ? t : best;
			}
			printf("  g%u %.1f", groups[i],
			       (double)rows * groups[i] * 32 * cols[j] / best * 1e-9);
		}
		printf("  GMAC/s\n");
	}
}

#define ROW 4096

#define BENCH_ROW(name, call)                                        \
	do {                                                         \
		double best = 1e9;                                   \
		int rep, it;                                         \
                                                                     \
		for (rep = 0; rep < 10; rep++) {                     \
			double t = now();                            \
                                                                     \
			for (it = 0; it < 20; it++)                  \
				call;                                \
			t = now() - t;                               \
			best = t < best ? t : best;                  \
		}                                                    \
		printf("  %s %.2f", name, 20.0 * ROW / best * 1e-9); \
	} while (0)

static void bench_rows(const struct ig1_kernels *k)
{
	volatile float sink;
	volatile uint32_t sink_i;

	printf("%-7s", k->name);
	BENCH_ROW("mul", k->mul(y, a, b, ROW));
	BENCH_ROW("mad", k->mad(y, a, b, a, ROW));
	BENCH_ROW("exp", k->exp_affine(y, a, 1.0f, 0.0f, ROW));
	BENCH_ROW("recip", k->recip(y, a, ROW));
	BENCH_ROW("rsqrt", k->rsqrt(y, a, ROW));
	BENCH_ROW("sigmoid", k->sigmoid(y, a, ROW));
	BENCH_ROW("silu_mul", k->silu_mul(y, a, b, ROW));
	BENCH_ROW("sum", sink = k->sum(a, ROW));
	BENCH_ROW("max", sink = k->max(a, ROW));
	BENCH_ROW("argmax", sink_i = k->argmax(a, ROW));
	BENCH_ROW("quantise", k->quantise(xq, xs, a, ROW / 32));
	BENCH_ROW("dequant_q8_0", k->dequant[IG1_WFMT_Q8_0](y, w, ROW / 32));
	BENCH_ROW("dequant_q4_0", k->dequant[IG1_WFMT_Q4_0](y, w, ROW / 32));
	printf("  Gelem/s\n");
	(void)sink;
	(void)sink_i;
}

int main(int argc, char **argv)
{
	struct ig1_fpenv env = ig1_fp_enter();
	size_t i;
	int kind;

	w = malloc(WEIGHTS * 2);
	xq = malloc(MAX_GROUPS * 32 * MAX_COLS);
	xs = malloc(MAX_GROUPS * MAX_COLS * sizeof(*xs));
	ws = malloc(WEIGHTS / 32 * sizeof(*ws));
	y = malloc(WEIGHTS * sizeof(*y));
	a = malloc(ROW * sizeof(*a));
	b = malloc(ROW * sizeof(*b));
	if (!w || !xq || !xs || !ws || !y || !a || !b)
		return 1;
	for (i = 0; i < WEIGHTS * 2; i++)
		w[i] = (uint8_t)(rand() & 0x3f); /* also keeps the half scales finite */
	for (i = 0; i < MAX_GROUPS * 32 * MAX_COLS; i++)
		xq[i] = (int8_t)(rand() % 255 - 127);
	for (i = 0; i < MAX_GROUPS * MAX_COLS; i++)
		xs[i] = (float)(rand() % 100 + 1) * 0.01f;
	for (i = 0; i < WEIGHTS / 32; i++)
		ws[i] = (float)(rand() % 100 + 1) * 0.01f;
	for (i = 0; i < ROW; i++) {
		a[i] = (float)(rand() % 2000 - 1000) * 0.01f;
		b[i] = (float)(rand() % 2000 - 1000) * 0.01f;
	}
	for (kind = IG1_SIMD_COUNT - 1; kind >= 0; kind--) {
		const struct ig1_kernels *k = ig1_kernels_get((enum ig1_simd)kind);

		if (!k || (argc > 1 && strcmp(argv[1], k->name)))
			continue;
		bench_dot(k, "q8_0", IG1_WFMT_Q8_0);
		bench_dot(k, "q4_0", IG1_WFMT_Q4_0);
		bench_dot(k, "t2_0", IG1_WFMT_T2_0);
		bench_dot(k, "b1_0", IG1_WFMT_B1_0);
		bench_dot(k, "mx4", IG1_WFMT_MX4);
		bench_dot(k, "q4_1", IG1_WFMT_Q4_1);
		bench_dot(k, "q5_1", IG1_WFMT_Q5_1);
		bench_dot(k, "nv4", IG1_WFMT_NV4);
		bench_dot(k, "q6_k", IG1_WFMT_Q6_K);
		bench_dot(k, "iq4", IG1_WFMT_IQ4);
		bench_dot(k, "i8", I8);
		bench_rows(k);
	}
	ig1_fp_leave(env);
	free(w);
	free(xq);
	free(xs);
	free(ws);
	free(y);
	free(a);
	free(b);
	return 0;
}
