// SPDX-License-Identifier: MIT
/*
 * t.mm and t.emb in every weight format: bit for bit against the terms and partial sums of docs/isa.md
 * in plain fp32, and t.mm within its bound of fp64.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "blocks.h"
#include "ig1_tables.h"
#include "rig.h"

#define ROM_ROWS   96
#define ROM_GROUPS 11
#define X	   0u
#define XS	   0x4000u
#define Y	   0x8000u
#define XSTRIDE	   512
#define XSSTRIDE   64
#define YSTRIDE	   (4 * ROM_ROWS)

static uint8_t rom[ROM_ROWS * ROM_GROUPS * 34];
static uint32_t rng = 1;

static uint32_t rnd(void)
{
	rng ^= rng << 13;
	rng ^= rng >> 17;
	rng ^= rng << 5;
	return rng;
}

static float rndf(float lo, float hi)
{
	return lo + (hi - lo) * (float)((rnd() >> 8) / 16777216.0);
}

static int setup(void **state)
{
	static struct rig g;

	*state = &g;
	return rig_open(&g, "small", rom, sizeof(rom), NULL, 0);
}

static int teardown(void **state)
{
	rig_close(*state);
	return 0;
}

static float *scratch_f(struct rig *g, uint32_t addr)
{
	return (float *)(ig1_ref_scratch(g->ref) + addr);
}

static void run(struct rig *g)
{
	rig_end(g);
	rig_run(g);
	assert_int_equal(g->done.fault, IG1_FAULT_NONE);
	rig_reset(g);
}

/* Random codes, scales that leave every result finite and normal. */
static void fill_rom(const struct block_format *f)
{
	size_t i, n = sizeof(rom) / f->bytes;
	unsigned int t;

	for (i = 0; i < sizeof(rom); i++)
		rom[i] = (uint8_t)rnd();
	for (i = 0; i < n; i++)
		for (t = 0; t < f->terms; t++)
			block_set_scale(f, rom + i * f->bytes, t, rnd(), false);
}

static float plain_dot(const struct block_format *f, const uint8_t *row, uint32_t groups,
		       const int8_t *x, const float *xs, double *want, double *mag)
{
	float a[8] = { 0 };
	uint32_t g, t;

	*want = *mag = 0;
	for (g = 0; g < groups; g++) {
		const uint8_t *b = row + g * f->bytes;

		for (t = 0; t < f->terms; t++) {
			float *p = &a[(g * f->terms + t) % 8];
			int sum = block_sum(f, b, t, x + 32 * g);
			double d = block_scale(f, b, t), v = sum * d * (double)xs[g];
			float s = (float)d * xs[g], m = (float)sum * s;

			*p = *p + m;
			*want += v;
			*mag += fabs(v);
		}
	}
	return ((a[0] + a[1]) + (a[2] + a[3])) + ((a[4] + a[5]) + (a[6] + a[7]));
}

static void matrix_trial(struct rig *g, const struct block_format *b)
{
	uint32_t groups = 1 + rnd() % ROM_GROUPS, rows = 1 + rnd() % ROM_ROWS;
	uint32_t cols = 1 + rnd() % 11, c, o, j;
	struct ig1_fmt_mm f = {
		.op = IG1_OP_T_MM,
		.fmt = b->fmt,
		.acc = rnd() & 1,
		.scaled = rnd() & 1,
		.alpha = 0.7f,
		.wstride = b->bytes * ROM_GROUPS,
		.rows = rows,
		.groups = groups,
		.cols = cols,
		.x = X,
		.xstride = XSTRIDE,
		.xs = XS,
		.xsstride = XSSTRIDE,
		.y = Y,
		.ystride = YSTRIDE,
	};

	for (c = 0; c < cols; c++) {
		for (j = 0; j < groups * 32; j++)
			ig1_ref_scratch(g->ref)[X + XSTRIDE * c + j] = (uint8_t)rnd();
		for (j = 0; j < groups; j++)
			scratch_f(g, XS + XSSTRIDE * c)[j] = rndf(0.01f, 1);
		for (o = 0; o < rows; o++)
			scratch_f(g, Y + YSTRIDE * c)[o] = 1;
	}
	ig1_encode_mm(&f, rig_cmd(g));
	run(g);
	assert_int_equal(g->done.counters[IG1_CTR_MACS], rows * groups * 32 * cols);
	assert_int_equal(g->done.counters[IG1_CTR_ROM_BYTES], rows * groups * b->bytes);
	for (c = 0; c < cols; c++) {
		const int8_t *x = (const int8_t *)ig1_ref_scratch(g->ref) + X + XSTRIDE * c;
		const float *xs = scratch_f(g, XS + XSSTRIDE * c);

		for (o = 0; o < rows; o++) {
			float got = scratch_f(g, Y + YSTRIDE * c)[o];
			double want, mag;
			float v = plain_dot(b, rom + o * f.wstride, groups, x, xs, &want, &mag);

			if (f.scaled) {
				v *= f.alpha;
				want *= (double)f.alpha;
				mag *= (double)f.alpha;
			}
			if (f.acc) {
				v = 1 + v;
				want += 1;
				mag += 1;
			}
			if (got != v)
				fail_msg("%s row %u col %u groups %u: %a instead of %a", b->name, o,
					 c, groups, (double)got, (double)v);
			if (fabs((double)got - want) > mag * 0x1p-20)
				fail_msg("%s row %u col %u: %.9g instead of %.9g", b->name, o, c,
					 (double)got, want);
		}
	}
}

static void matrix(void **state)
{
	int i, trial;

	for (i = 0; i < BLOCK_FORMATS; i++) {
		fill_rom(&block_formats[i]);
		for (trial = 0; trial < 20; trial++)
			matrix_trial(*state, &block_formats[i]);
	}
}

static void embedding(void **state)
{
	struct rig *g = *state;
	int i;

	for (i = 0; i < BLOCK_FORMATS; i++) {
		const struct block_format *b = &block_formats[i];
		const uint32_t cols = 7;
		struct ig1_fmt_emb f = { .op = IG1_OP_T_EMB,
					 .fmt = b->fmt,
					 .wstride = b->bytes * ROM_GROUPS,
					 .groups = ROM_GROUPS,
					 .rows = ROM_ROWS,
					 .cols = cols,
					 .idx = 0,
					 .istride = 4,
					 .y = Y,
					 .ystride = 128 * ROM_GROUPS };
		uint32_t index[7], c, j;

		fill_rom(b);
		for (c = 0; c < cols; c++)
			index[c] = rnd() % ROM_ROWS;
		memcpy(ig1_ref_scratch(g->ref), index, sizeof(index));
		ig1_encode_emb(&f, rig_cmd(g));
		run(g);
		assert_int_equal(g->done.counters[IG1_CTR_ROM_BYTES], cols * f.wstride);
		for (c = 0; c < cols; c++) {
			for (j = 0; j < 32 * ROM_GROUPS; j++) {
				const uint8_t *at = rom + index[c] * f.wstride + j / 32 * b->bytes;
				double s = block_scale(b, at, block_half(b, j % 32));
				float v = (float)(s * block_weight(b, at, j % 32));

				if (b->constant)
					v = (float)((double)v + block_scale(b, at, 1));
				assert_true(scratch_f(g, Y + f.ystride * c)[j] == v);
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(matrix),
		cmocka_unit_test(embedding),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("ref_matrix", tests, setup, teardown);
}
