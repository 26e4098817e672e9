// SPDX-License-Identifier: MIT
/* t.mm, t.emb, t.qk, t.pv. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "fp.h"
#include "ref_internal.h"

#define KV_ROWS		32u /* positions of a block */
#define KV_ROW_BYTES	32u /* values of a position in a block */
#define KV_BLOCK_BYTES	1024u
#define KV_SCALES_BYTES 128u

static struct ref_operand scratch_operand(struct ig1_ref *r, uint64_t base, uint64_t n1, int64_t s1,
					  uint64_t n2, int64_t s2, uint64_t tail)
{
	return (struct ref_operand){
		.base = base,
		.limit = r->cfg->scratch_bytes,
		.fault = IG1_FAULT_SCRATCH,
		.n = { 1, (int64_t)n1, (int64_t)n2 },
		.step = { 0, s1, s2 },
		.tail = tail,
	};
}

static struct ref_operand rom_operand(struct ig1_ref *r, uint64_t base, uint64_t rows,
				      uint32_t stride, uint64_t row_bytes)
{
	return (struct ref_operand){
		.base = base,
		.limit = r->mask.rom_bytes,
		.fault = IG1_FAULT_ROM,
		.n = { 1, 1, (int64_t)rows },
		.step = { 0, 0, stride },
		.tail = row_bytes,
	};
}

static int check_ranges(struct ig1_ref *r, const struct ref_operand *o, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (ref_check_range(r, &o[i]))
			return -1;
	return 0;
}

/* One result of t.mm as it is stored. */
static inline float finish(const struct ig1_fmt_mm *f, float v, float old)
{
	if (f->scaled)
		v = ig1_mul(v, f->alpha);
	if (f->acc)
		v = ig1_add(old, v);
	return ig1_canon(v);
}

int ref_exec_mm(struct ig1_ref *r, const uint32_t *w)
{
	struct ig1_fmt_mm f;
	uint64_t rom, rows, cols, x, xs, y, row_bytes, c, o;
	uint32_t block;

	ig1_decode_mm(w, &f);
	block = ig1_wfmt_block_bytes(f.fmt);
	rom = f.rom + r->regs[f.rrom];
	rows = f.rows + r->regs[f.rrows];
	cols = f.cols + r->regs[f.rcols];
	x = f.x + r->regs[f.rx];
	xs = f.xs + r->regs[f.rxs];
	y = f.y + r->regs[f.ry];
	if (ref_check_count(r, rows) || ref_check_count(r, f.groups) || ref_check_count(r, cols))
		return -1;
	if (!rows || !f.groups || !cols)
		return 0;
	if (ref_check_align(r, rom, 2) || ref_check_align(r, f.wstride, 2) ||
	    ref_check_align(r, x, 4) || ref_check_align(r, f.xstride, 4) ||
	    ref_check_align(r, xs, 4) || ref_check_align(r, f.xsstride, 4) ||
	    ref_check_align(r, y, 4) || ref_check_align(r, f.ystride, 4))
		return -1;
	row_bytes = (uint64_t)f.groups * block;
	{
		const struct ref_operand ops[] = {
			rom_operand(r, rom, rows, f.wstride, row_bytes),
			scratch_operand(r, x, 1, 0, cols, f.xstride, (uint64_t)f.groups * 32),
			scratch_operand(r, xs, 1, 0, cols, f.xsstride, (uint64_t)f.groups * 4),
			scratch_operand(r, y, 1, 0, cols, f.ystride, rows * 4),
		};

		if (check_ranges(r, ops, sizeof(ops) / sizeof(ops[0])))
			return -1;
	}
	/* Rows are done in slices so that the results of a slice stay in the cache. */
	for (o = 0; o < rows; o += 256) {
		uint32_t part = (uint32_t)(rows - o < 256 ? rows - o : 256);
		float *t = r->row[0];

		for (c = 0; c < cols;) {
			uint32_t n = (uint32_t)(cols - c < 8 ? cols - c : 8);
			const int8_t *px = (const int8_t *)r->scratch + x + c * f.xstride;
			const float *ps = (const float *)(r->scratch + xs + c * f.xsstride);
			uint32_t i, j;

			r->k->dot[f.fmt](r->mask.rom + rom + o * f.wstride, f.wstride, part,
					 f.groups, px, f.xstride, ps, f.xsstride / 4, n, t, 1, 256);
			for (j = 0; j < n; j++) {
				float *py = (float *)(r->scratch + y + (c + j) * f.ystride) + o;

				for (i = 0; i < part; i++)
					py[i] = finish(&f, t[256 * j + i], py[i]);
			}
			c += n;
		}
	}
	r->counters[IG1_CTR_MACS] += rows * f.groups * 32 * cols;
	r->counters[IG1_CTR_ROM_BYTES] += rows * row_bytes;
	return 0;
}

int ref_exec_emb(struct ig1_ref *r, const uint32_t *w)
{
	struct ig1_fmt_emb f;
	uint64_t rom, cols, idx, y, row_bytes, c;
	uint32_t block, row, i;

	ig1_decode_emb(w, &f);
	block = ig1_wfmt_block_bytes(f.fmt);
	rom = f.rom + r->regs[f.rrom];
	cols = f.cols + r->regs[f.rcols];
	idx = f.idx + r->regs[f.ridx];
	y = f.y + r->regs[f.ry];
	if (ref_check_count(r, f.rows) || ref_check_count(r, f.groups) || ref_check_count(r, cols))
		return -1;
	if (!f.rows || !f.groups || !cols)
		return 0;
	if (ref_check_align(r, rom, 2) || ref_check_align(r, f.wstride, 2) ||
	    ref_check_align(r, idx, 4) || ref_check_align(r, f.istride, 4) ||
	    ref_check_align(r, y, 4) || ref_check_align(r, f.ystride, 4))
		return -1;
	row_bytes = (uint64_t)f.groups * block;
	{
		const struct ref_operand ops[] = {
			rom_operand(r, rom, f.rows, f.wstride, row_bytes),
			scratch_operand(r, idx, 1, 0, cols, f.istride, 4),
			scratch_operand(r, y, 1, 0, cols, f.ystride, (uint64_t)f.groups * 128),
		};

		if (check_ranges(r, ops, sizeof(ops) / sizeof(ops[0])))
			return -1;
	}
	for (c = 0; c < cols; c++) {
		float *py = (float *)(r->scratch + y + c * f.ystride);
		const uint8_t *pw;

		memcpy(&row, r->scratch + idx + c * f.istride, 4);
		if (row >= f.rows)
			return ref_fault(r, IG1_FAULT_INDEX, row);
		pw = r->mask.rom + rom + (uint64_t)row * f.wstride;
		r->k->dequant[f.fmt](py, pw, f.groups);
		for (i = 0; i < f.groups * 32; i++)
			py[i] = ig1_canon(py[i]);
	}
	r->counters[IG1_CTR_ROM_BYTES] += cols * row_bytes;
	return 0;
}

/* Room for `rows` bytes of gathered KV data and `scales` floats. */
static int kv_reserve(struct ig1_ref *r, size_t bytes, size_t scales)
{
	size_t need = bytes > scales * 4 ? bytes : scales * 4;
	uint8_t *rows;
	float *sc;

	if (need <= r->kv_cap)
		return 0;
	rows = realloc(r->kv_rows, need);
	if (rows)
		r->kv_rows = rows;
	sc = realloc(r->kv_scales, need);
	if (sc)
		r->kv_scales = sc;
	if (!rows || !sc)
		return -ENOMEM;
	r->kv_cap = need;
	return 0;
}

struct att {
	struct ig1_fmt_att f;
	uint64_t kv, ks, npos, heads, x, xs, y;
};

/* Decodes and checks; 1 when there is nothing to do. */
static int att_setup(struct ig1_ref *r, const uint32_t *w, struct att *a)
{
	struct ig1_fmt_att *f = &a->f;
	uint64_t blocks, x_tail, xs_tail, y_tail, ngroups;
	bool pv;

	ig1_decode_att(w, f);
	pv = f->op == IG1_OP_T_PV;
	a->kv = f->kv + r->regs[f->rkv];
	a->ks = f->ks + r->regs[f->rks];
	a->npos = f->npos + r->regs[f->rnpos];
	a->x = f->x + r->regs[f->rx];
	a->xs = f->xs + r->regs[f->rxs];
	a->y = f->y + r->regs[f->ry];
	a->heads = (uint64_t)f->heads * f->qper;
	if (ref_check_count(r, a->npos) || ref_check_count(r, a->heads))
		return -1;
	if (pv && f->dims > 32u * f->groups)
		return ref_fault(r, IG1_FAULT_COUNT, f->dims);
	if (!a->npos || !a->heads || !f->groups || (pv && !f->dims))
		return 1;
	if (ref_check_align(r, a->kv, KV_BLOCK_BYTES) ||
	    (!pv && ref_check_align(r, a->ks, KV_SCALES_BYTES)) || ref_check_align(r, a->x, 4) ||
	    ref_check_align(r, f->xstride, 4) || ref_check_align(r, a->xs, 4) ||
	    ref_check_align(r, f->xsstride, 4) || ref_check_align(r, a->y, 4) ||
	    ref_check_align(r, f->ystride, 4) ||
	    (pv && (ref_check_align(r, f->xgstride, 4) || ref_check_align(r, f->xsgstride, 4))) ||
	    ref_check_align(r, f->bstride, KV_BLOCK_BYTES) ||
	    (!pv && ref_check_align(r, f->sbstride, KV_SCALES_BYTES)))
		return -1;
	blocks = (a->npos + KV_ROWS - 1) / KV_ROWS;
	ngroups = pv ? f->groups : 1;
	x_tail = pv ? blocks * 32 : f->groups * 32u;
	xs_tail = pv ? blocks * 4 : f->groups * 4u;
	y_tail = pv ? f->dims * 4u : a->npos * 4;
	{
		const struct ref_operand ops[] = {
			scratch_operand(r, a->x, ngroups, pv ? f->xgstride : 0, a->heads,
					f->xstride, x_tail),
			scratch_operand(r, a->xs, ngroups, pv ? f->xsgstride : 0, a->heads,
					f->xsstride, xs_tail),
			scratch_operand(r, a->y, 1, 0, a->heads, f->ystride, y_tail),
		};

		return check_ranges(r, ops, sizeof(ops) / sizeof(ops[0]));
	}
}

static void count_att(struct ig1_ref *r, const struct att *a, unsigned int row_bytes)
{
	r->counters[IG1_CTR_MACS] += a->npos * a->f.groups * 32 * a->heads;
	r->counters[IG1_CTR_KV_BYTES] += (uint64_t)a->f.heads * a->f.groups * a->npos * row_bytes;
}

static void canon_rows(struct ig1_ref *r, const struct att *a, uint64_t n)
{
	uint64_t h, i;

	for (h = 0; h < a->heads; h++) {
		float *y = (float *)(r->scratch + a->y + h * a->f.ystride);

		for (i = 0; i < n; i++)
			y[i] = ig1_canon(y[i]);
	}
}

int ref_exec_qk(struct ig1_ref *r, const uint32_t *w)
{
	uint8_t bounce[KV_BLOCK_BYTES];
	struct att a;
	struct ig1_fmt_att *f = &a.f;
	uint64_t k, b, p;
	uint32_t g, i;
	int ret;

	ret = att_setup(r, w, &a);
	if (ret)
		return ret < 0 ? ret : 0;
	if (kv_reserve(r, (size_t)f->groups * KV_BLOCK_BYTES, (size_t)f->groups * KV_ROWS))
		return ref_fault(r, IG1_FAULT_ABORT, 0);
	for (k = 0; k < f->heads; k++) {
		for (b = 0, p = 0; p < a.npos; b++, p += KV_ROWS) {
			uint32_t rows = (uint32_t)(a.npos - p < KV_ROWS ? a.npos - p : KV_ROWS);
			size_t row_bytes = (size_t)f->groups * KV_ROW_BYTES;

			for (g = 0; g < f->groups; g++) {
				uint64_t at = k * f->groups + g;
				const uint8_t *d, *s;

				d = ref_mem_peek(r, a.kv + b * f->bstride + KV_BLOCK_BYTES * at,
						 rows * KV_ROW_BYTES, bounce);
				if (!d)
					return -1;
				for (i = 0; i < rows; i++)
					memcpy(r->kv_rows + i * row_bytes + KV_ROW_BYTES * g,
					       d + KV_ROW_BYTES * i, KV_ROW_BYTES);
				s = ref_mem_peek(r, a.ks + b * f->sbstride + KV_SCALES_BYTES * at,
						 rows * 4, bounce);
				if (!s)
					return -1;
				for (i = 0; i < rows; i++)
					memcpy(&r->kv_scales[(size_t)i * f->groups + g], s + 4 * i,
					       4);
			}
			r->k->dot_i8((const int8_t *)r->kv_rows, row_bytes, r->kv_scales, f->groups,
				     rows, f->groups,
				     (const int8_t *)r->scratch + a.x + k * f->qper * f->xstride,
				     f->xstride,
				     (const float *)(r->scratch + a.xs + k * f->qper * f->xsstride),
				     f->xsstride / 4, f->qper,
				     (float *)(r->scratch + a.y + k * f->qper * f->ystride) + p, 1,
				     f->ystride / 4);
		}
	}
	canon_rows(r, &a, a.npos);
	count_att(r, &a, KV_ROW_BYTES + 4);
	return 0;
}

#if defined(__SSE2__)
/* 16 rows of 16 bytes: interleaving rows i and i + 8 four times transposes them. */
static void transpose16(uint8_t *dst, size_t stride, const __m128i *rows)
{
	__m128i a[16], b[16];
	int i, stage;

	memcpy(a, rows, sizeof(a));
	for (stage = 0; stage < 4; stage++) {
		for (i = 0; i < 8; i++) {
			b[2 * i] = _mm_unpacklo_epi8(a[i], a[i + 8]);
			b[2 * i + 1] = _mm_unpackhi_epi8(a[i], a[i + 8]);
		}
		memcpy(a, b, sizeof(a));
	}
	for (i = 0; i < 16; i++)
		_mm_storeu_si128((__m128i *)(dst + (size_t)i * stride), a[i]);
}
#endif

/* dst[32][stride] = transposed rows of a block; rows past n are zero. */
static void transpose(uint8_t *dst, size_t stride, const uint8_t *src, uint32_t n)
{
	uint32_t i, p;
#if defined(__SSE2__)
	__m128i rows[16];

	for (i = 0; i < KV_ROW_BYTES; i += 16) {
		for (p = 0; p < KV_ROWS; p++) {
			uint32_t at = KV_ROW_BYTES * p + i;

			rows[p % 16] = p < n ? _mm_loadu_si128((const void *)(src + at))
					     : _mm_setzero_si128();
			if (p % 16 == 15)
				transpose16(dst + i * stride + (p & ~15u), stride, rows);
		}
	}
#else
	for (i = 0; i < KV_ROW_BYTES; i++) {
		uint8_t *d = dst + i * stride;

		for (p = 0; p < n; p++)
			d[p] = src[KV_ROW_BYTES * p + i];
		memset(d + n, 0, KV_ROWS - n);
	}
#endif
}

int ref_exec_pv(struct ig1_ref *r, const uint32_t *w)
{
	uint8_t bounce[KV_BLOCK_BYTES];
	struct att a;
	struct ig1_fmt_att *f = &a.f;
	uint64_t k, b, p, blocks, i;
	uint32_t g;
	int ret;

	ret = att_setup(r, w, &a);
	if (ret)
		return ret < 0 ? ret : 0;
	blocks = (a.npos + KV_ROWS - 1) / KV_ROWS;
	if (kv_reserve(r, blocks * KV_BLOCK_BYTES, blocks))
		return ref_fault(r, IG1_FAULT_ABORT, 0);
	for (i = 0; i < blocks; i++)
		r->kv_scales[i] = 1.0f;
	for (k = 0; k < f->heads; k++) {
		for (g = 0; g < f->groups; g++) {
			uint32_t dims = f->dims > 32 * g ? f->dims - 32 * g : 0;
			uint64_t h = k * f->qper;

			for (b = 0, p = 0; b < blocks; b++, p += KV_ROWS) {
				uint32_t rows =
					(uint32_t)(a.npos - p < KV_ROWS ? a.npos - p : KV_ROWS);
				const uint8_t *d;

				d = ref_mem_peek(r,
						 a.kv + b * f->bstride +
							 KV_BLOCK_BYTES * (k * f->groups + g),
						 rows * KV_ROW_BYTES, bounce);
				if (!d)
					return -1;
				transpose(r->kv_rows + KV_ROWS * b, blocks * KV_ROWS, d, rows);
			}
			if (!dims)
				continue;
			r->k->dot_i8((const int8_t *)r->kv_rows, blocks * KV_ROWS, r->kv_scales, 0,
				     dims < 32 ? dims : 32, (uint32_t)blocks,
				     (const int8_t *)r->scratch + a.x + h * f->xstride +
					     (uint64_t)g * f->xgstride,
				     f->xstride,
				     (const float *)(r->scratch + a.xs + h * f->xsstride +
						     (uint64_t)g * f->xsgstride),
				     f->xsstride / 4, f->qper,
				     (float *)(r->scratch + a.y + h * f->ystride) + 32 * g, 1,
				     f->ystride / 4);
		}
	}
	canon_rows(r, &a, f->dims);
	count_att(r, &a, KV_ROW_BYTES);
	return 0;
}
