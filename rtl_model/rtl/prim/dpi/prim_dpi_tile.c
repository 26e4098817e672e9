// SPDX-License-Identifier: MIT
/*
 * prim_tile_array. A run is the steps over one filling of the column buffer; it is computed at
 * once, at its last step. Usually a row is one run: then a row kernel does it. Otherwise the eight
 * partial sums of every row and column are kept between runs. Results go to one of two banks while
 * the other is read out.
 */
#include <stdlib.h>
#include <string.h>

#include "fp.h"
#include "kernels.h"
#include "prim_dpi_mask.h"

#define GROUP	32
#define KV_ROWS 32
#define PARTS	IG1_NUM_DOT_PARTIALS

struct dpi_tile {
	uint32_t rows; /* of results: array rows, at least those of a KV block */
	uint32_t columns;
	uint32_t col_groups;
	int8_t *x;	/* [columns][col_groups * GROUP] */
	float *xs;	/* [columns][col_groups] */
	int8_t *kv;	/* weights of a run: [KV_ROWS][col_groups * GROUP] */
	float *kvs;	/* [KV_ROWS][col_groups] */
	float *part;	/* [rows][columns][PARTS] */
	float *term;	/* of a group: [columns][rows][up to 2] */
	float *bank[2]; /* [columns][rows] */
	int8_t block[2][KV_ROWS][GROUP];
	float scales[2][KV_ROWS];
};

static void *zeroed(size_t n, size_t size)
{
	void *p = calloc(n, size);

	if (!p)
		abort();
	return p;
}

void *ig1_dpi_tile_new(uint32_t rows, uint32_t columns, uint32_t col_groups)
{
	struct dpi_tile *t = zeroed(1, sizeof(*t));

	t->rows = rows < KV_ROWS ? KV_ROWS : rows;
	t->columns = columns;
	t->col_groups = col_groups;
	/* 64 more: kernels may read past the last column's end */
	t->x = zeroed((size_t)columns * col_groups * GROUP + 64, 1);
	t->xs = zeroed((size_t)columns * col_groups + 16, sizeof(float));
	t->kv = zeroed((size_t)KV_ROWS * col_groups * GROUP + 64, 1);
	t->kvs = zeroed((size_t)KV_ROWS * col_groups + 16, sizeof(float));
	t->part = zeroed((size_t)t->rows * columns * PARTS, sizeof(float));
	t->term = zeroed((size_t)t->rows * columns * 2, sizeof(float));
	t->bank[0] = zeroed((size_t)t->rows * columns + DPI_WORDS, sizeof(float));
	t->bank[1] = zeroed((size_t)t->rows * columns + DPI_WORDS, sizeof(float));
	return t;
}

void ig1_dpi_tile_free(void *handle)
{
	struct dpi_tile *t = handle;

	if (!t)
		return;
	free(t->x);
	free(t->xs);
	free(t->kv);
	free(t->kvs);
	free(t->part);
	free(t->term);
	free(t->bank[0]);
	free(t->bank[1]);
	free(t);
}

/* Column buffer: int8 groups or scales of column col from a group on. */
void ig1_dpi_tile_x(void *handle, uint32_t col, uint32_t group, uint8_t scales, uint32_t bytes,
		    const uint32_t *data)
{
	struct dpi_tile *t = handle;
	uint32_t unit = scales ? 4 : GROUP, room;

	if (col >= t->columns || group >= t->col_groups)
		return;
	room = (t->col_groups - group) * unit;
	if (bytes > room)
		bytes = room;
	if (scales)
		memcpy(t->xs + (size_t)col * t->col_groups + group, data, bytes);
	else
		memcpy(t->x + ((size_t)col * t->col_groups + group) * GROUP, data, bytes);
}

/* KV buffer: bytes of a block or of its scales. */
void ig1_dpi_tile_kv(void *handle, uint8_t buffer, uint8_t scales, uint32_t offset, uint32_t bytes,
		     const uint32_t *data)
{
	struct dpi_tile *t = handle;
	uint32_t size = scales ? sizeof(t->scales[0]) : sizeof(t->block[0]);
	uint8_t *to = scales ? (uint8_t *)t->scales[buffer & 1] : (uint8_t *)t->block[buffer & 1];

	if (offset >= size)
		return;
	memcpy(to + offset, data, bytes < size - offset ? bytes : size - offset);
}

/* The block in a buffer becomes group `group` of the run's weights. */
void ig1_dpi_tile_kv_step(void *handle, uint8_t buffer, uint8_t transpose, uint32_t group,
			  uint32_t positions)
{
	struct dpi_tile *t = handle;
	size_t stride = (size_t)t->col_groups * GROUP;
	int8_t(*block)[GROUP] = t->block[buffer & 1];
	uint32_t r, i;

	if (group >= t->col_groups || positions > KV_ROWS)
		return;
	for (r = 0; r < KV_ROWS; r++) {
		int8_t *row = t->kv + r * stride + (size_t)group * GROUP;

		if (transpose) {
			for (i = 0; i < positions; i++)
				row[i] = block[i][r];
			memset(row + positions, 0, GROUP - positions);
		} else {
			memcpy(row, block[r], GROUP);
		}
		t->kvs[(size_t)r * t->col_groups + group] =
			transpose ? 1.0f : t->scales[buffer & 1][r];
	}
}

#define FORM_KV IG1_WFMT_MAX /* beside IG1_WFMT_* */

struct run {
	uint32_t form;
	const uint8_t *w;
	size_t row_bytes;
	uint32_t rows, cols, groups;
	uint32_t acc; /* partial sum of the first term */
	uint8_t first, last, bank;
};

/* `groups` groups from `group` of the run; y[columns][rows]. */
static void dot(const struct dpi_tile *t, const struct run *run, uint32_t group, uint32_t groups,
		float *y)
{
	const struct ig1_kernels *k = ig1_kernels();
	const int8_t *x = t->x + (size_t)group * GROUP;
	const float *xs = t->xs + group;
	size_t xst = (size_t)t->col_groups * GROUP, sst = t->col_groups;

	if (run->form == FORM_KV)
		k->dot_i8((const int8_t *)run->w + (size_t)group * GROUP, run->row_bytes,
			  t->kvs + group, t->col_groups, run->rows, groups, x, xst, xs, sst,
			  run->cols, y, 1, t->rows);
	else
		k->dot[run->form](run->w + (size_t)group * ig1_wfmt_block_bytes(run->form),
				  run->row_bytes, run->rows, groups, x, xst, xs, sst, run->cols, y,
				  1, t->rows);
}

/* The terms of group g of the run to t->term, one row and column after the other. */
static void terms(struct dpi_tile *t, const struct run *run, uint32_t g, uint32_t n)
{
	uint32_t r, c;

	if (n == 1) {
		dot(t, run, g, 1, t->term);
		return;
	}
	for (c = 0; c < run->cols; c++)
		for (r = 0; r < run->rows; r++)
			ig1_group_terms(run->form,
					run->w + r * run->row_bytes +
						(size_t)g * ig1_wfmt_block_bytes(run->form),
					t->x + ((size_t)c * t->col_groups + g) * GROUP,
					t->xs[(size_t)c * t->col_groups + g],
					t->term + n * ((size_t)c * t->rows + r));
}

/* As the array does it: term by term onto the partial sums. */
static void run_partial(struct dpi_tile *t, const struct run *run)
{
	const uint32_t n = run->form == FORM_KV ? 1 : ig1_wfmt_terms(run->form);
	uint32_t r, c, g, i;

	for (g = 0; g < run->groups; g++) {
		terms(t, run, g, n);
		for (c = 0; c < run->cols; c++) {
			for (r = 0; r < run->rows; r++) {
				float *part = t->part + ((size_t)r * t->columns + c) * PARTS;
				const float *term = t->term + n * ((size_t)c * t->rows + r);

				if (run->first && !g)
					memset(part, 0, PARTS * sizeof(*part));
				for (i = 0; i < n; i++) {
					float *a = &part[(run->acc + n * g + i) % PARTS];

					*a = ig1_add(*a, term[i]);
				}
			}
		}
	}
	for (c = 0; run->last && c < run->cols; c++)
		for (r = 0; r < run->rows; r++)
			t->bank[run->bank][(size_t)c * t->rows + r] =
				ig1_dot_tree(t->part + ((size_t)r * t->columns + c) * PARTS);
}

static void run_rows(struct dpi_tile *t, const struct run *run)
{
	struct ig1_fpenv env = ig1_fp_enter();

	if (!run->first || !run->last)
		run_partial(t, run);
	else
		dot(t, run, 0, run->groups, t->bank[run->bank]);
	ig1_fp_leave(env);
}

void ig1_dpi_tile_kv_run(void *handle, uint8_t first, uint8_t last, uint8_t bank, uint32_t acc,
			 uint32_t groups, uint32_t cols)
{
	struct dpi_tile *t = handle;
	const struct run run = {
		.form = FORM_KV,
		.w = (const uint8_t *)t->kv,
		.row_bytes = (size_t)t->col_groups * GROUP,
		.rows = KV_ROWS,
		.cols = cols,
		.groups = groups,
		.acc = acc,
		.first = first,
		.last = last,
		.bank = bank & 1,
	};

	if (groups <= t->col_groups && cols <= t->columns)
		run_rows(t, &run);
}

void ig1_dpi_tile_rom_run(void *handle, uint8_t chip, uint64_t addr, uint32_t wstride, uint8_t fmt,
			  uint8_t first, uint8_t last, uint8_t bank, uint32_t acc, uint32_t groups,
			  uint32_t rows, uint32_t cols)
{
	struct dpi_tile *t = handle;
	const struct dpi_mask *mask = ig1_dpi_mask(chip);
	const struct run run = {
		.form = fmt,
		.w = mask->rom + addr,
		.row_bytes = wstride,
		.rows = rows,
		.cols = cols,
		.groups = groups,
		.acc = acc,
		.first = first,
		.last = last,
		.bank = bank & 1,
	};
	uint32_t block = ig1_wfmt_block_bytes(fmt);
	uint64_t extent;

	if (!rows || rows > t->rows || groups > t->col_groups || cols > t->columns || !block)
		return;
	/* the sequencer has checked this; a bench may not have */
	extent = (uint64_t)(rows - 1) * wstride + (uint64_t)groups * block;
	if (extent > mask->rom_bytes || addr > mask->rom_bytes - extent)
		return;
	run_rows(t, &run);
}

/* `words` results of a column from a row on, finished as t.mm stores them. */
void ig1_dpi_tile_out(void *handle, uint8_t bank, uint32_t col, uint32_t row, uint32_t words,
		      uint8_t scaled, uint8_t acc, uint32_t alpha, const uint32_t *old,
		      uint32_t *data)
{
	struct dpi_tile *t = handle;
	const float *y;
	uint32_t i;

	if (col >= t->columns || row >= t->rows || words > DPI_WORDS)
		return;
	y = t->bank[bank & 1] + (size_t)col * t->rows + row;
	if (scaled || acc) {
		struct ig1_fpenv env = ig1_fp_enter();
		float v[DPI_WORDS], o[DPI_WORDS], a = ig1_f32_from(alpha);

		memcpy(v, y, 4 * (size_t)words);
		memcpy(o, old, sizeof(o));
		if (scaled)
			for (i = 0; i < words; i++)
				v[i] = ig1_mul(v[i], a);
		if (acc)
			for (i = 0; i < words; i++)
				v[i] = ig1_add(o[i], v[i]);
		for (i = 0; i < words; i++)
			v[i] = ig1_canon(v[i]);
		memcpy(data, v, 4 * (size_t)words);
		ig1_fp_leave(env);
		return;
	}
	for (i = 0; i < words; i++)
		data[i] = ig1_canon_bits(ig1_f32_bits(y[i]));
}
