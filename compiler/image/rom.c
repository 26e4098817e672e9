// SPDX-License-Identifier: MIT
/* Weight ROM: blocks byte for byte, or rows requantised; rows reordered where canon_rope says so. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/image/build.h"
#include "crc32.h"
#include "compiler/quant/exact.h"
#include "compiler/quant/ggml_types.h"
#include "compiler/quant/half.h"
#include "compiler/quant/requant.h"

#define CHECK_BYTES (4096u * 4u)
#define STEP_BYTES  (1u << 20)

/* The same where the rotated rows of a head are its last and stand behind all others. */
static uint64_t source_of_tail(const struct ir_tensor *t, uint64_t row)
{
	uint64_t plain = t->perm_head - t->perm_rot, all = t->rows / t->perm_head * plain;
	uint64_t half = t->perm_rot / 2, r;

	if (row < all)
		return row / plain * t->perm_head + row % plain;
	r = (row - all) % t->perm_rot;
	r = r < half ? 2 * r : 2 * (r - half) + 1;
	return (row - all) / t->perm_rot * t->perm_head + plain + r;
}

uint64_t build_source_row(const struct ir_tensor *t, uint64_t row)
{
	uint64_t head, r, half = t->perm_rot / 2;

	if (!t->perm_head)
		return row;
	if (t->perm_tail)
		return source_of_tail(t, row);
	head = row / t->perm_head;
	r = row % t->perm_head;
	if (r < t->perm_rot)
		r = r < half ? 2 * r : 2 * (r - half) + 1;
	return head * t->perm_head + r;
}

const uint8_t *build_row(const struct ir_tensor *t, uint64_t row, void *buf)
{
	if (t->data)
		return t->data + row * (t->size / t->rows);
	return gguf_tensor_row(t->source, t->source_row + row, buf);
}

/* Everything that goes into the ROM passes here, in order and in multiples of two bytes. */
static int put(struct build_rom *b, struct ig1_image_writer *w, const uint8_t *p, size_t n)
{
	uint64_t at = b->done, i;

	for (i = 0; i < n && at + i < CHECK_BYTES; i++)
		b->check += (uint32_t)p[i] << 8 * ((at + i) % 4);
	b->done += n;
	if (b->progress && b->progress->step && at / STEP_BYTES != b->done / STEP_BYTES)
		b->progress->step(b->progress->ctx, b->done, b->m->meta.rom_bytes);
	return ig1_image_write(w, p, n);
}

static int pad_to(struct build_rom *b, struct ig1_image_writer *w, uint64_t addr)
{
	static const uint8_t zeros[256];
	int ret = 0;

	if (addr < b->done)
		return -EINVAL;
	while (b->done < addr && !ret) {
		uint64_t n = addr - b->done;

		ret = put(b, w, zeros, n < sizeof(zeros) ? (size_t)n : sizeof(zeros));
	}
	return ret;
}

/* What requantising a row changed. */
static void count_loss(struct ir_tensor *t, const float *f, const uint8_t *dst)
{
	uint32_t type = t->fmt == IR_FMT_Q4_0 ? GGML_TYPE_Q4_0 : GGML_TYPE_Q8_0;
	uint64_t bytes = t->fmt == IR_FMT_Q4_0 ? REQUANT_Q4_0_BYTES : REQUANT_Q8_0_BYTES;
	float back[REQUANT_BLOCK];
	uint64_t i;

	for (i = 0; i < t->cols; i++) {
		double d;

		if (i % REQUANT_BLOCK == 0)
			ggml_dequantize_row(type, dst + i / REQUANT_BLOCK * bytes, back,
					    REQUANT_BLOCK);
		d = (double)back[i % REQUANT_BLOCK] - (double)f[i];
		t->lost2 += d * d;
		t->all2 += (double)f[i] * (double)f[i];
		t->lost_max = fmax(t->lost_max, fabs(d));
		t->all_max = fmax(t->all_max, fabs((double)f[i]));
	}
}

static int encode(const struct ir_tensor *t, const uint8_t *src, const float *f, uint8_t *dst,
		  int64_t n)
{
	if (t->requant == IR_REENCODED)
		return exact_blocks(ir_format_wfmt(t->fmt), t->src_type, src, f, dst, n);
	return t->fmt == IR_FMT_Q4_0 ? requant_row_q4_0(f, dst, n) : requant_row_q8_0(f, dst, n);
}

static int convert(struct build_rom *b, struct ir_tensor *t, uint64_t row, const uint8_t *src,
		   float *f, uint8_t *dst)
{
	int64_t n = (int64_t)t->cols;
	int ret = ggml_dequantize_row(t->src_type, src, f, n);

	if (!ret)
		ret = encode(t, src, f, dst, n);
	if (!ret && t->requant == IR_REQUANT)
		count_loss(t, f, dst);
	if (ret == -EINVAL)
		return diag_set(&b->m->diag, ret, "tensor %s: row %" PRIu64 " is not finite",
				t->name, row);
	if (ret == -ERANGE)
		return diag_set(&b->m->diag, ret, "tensor %s: row %" PRIu64 " has values beyond %s",
				t->name, row, ir_format_name(t->fmt));
	return ret ? diag_set(&b->m->diag, ret, "tensor %s: cannot be converted from %s", t->name,
			      ggml_type_name(t->src_type))
		   : 0;
}

static int put_tensor(struct build_rom *b, struct ig1_image_writer *w, struct ir_tensor *t)
{
	struct ig1_image_tensor *e = &b->entries[t->id];
	uint64_t src_bytes = t->size / t->rows, row;
	uint8_t *dst = NULL, *buf = NULL;
	float *f = NULL;
	int ret;

	ret = pad_to(b, w, t->addr);
	if (ret)
		return ret;
	if (t->data && !t->requant && !t->perm_head && t->stride == src_bytes) {
		e->crc = ig1_crc32(0, t->data, t->size);
		return put(b, w, t->data, t->size);
	}
	dst = malloc(t->stride);
	buf = malloc(src_bytes);
	f = malloc((t->cols + GGML_MAX_BLOCK) * sizeof(*f));
	if (!dst || !buf || !f)
		ret = diag_nomem(&b->m->diag);
	for (row = 0; row < t->rows && !ret; row++) {
		const uint8_t *src = build_row(t, build_source_row(t, row), buf), *p = src;

		if (t->requant) {
			ret = convert(b, t, row, src, f, dst);
			p = dst;
		}
		if (!ret) {
			e->crc = ig1_crc32(e->crc, p, t->stride);
			ret = put(b, w, p, t->stride);
		}
	}
	free(dst);
	free(buf);
	free(f);
	return ret;
}

double build_loss(const struct ir_tensor *t)
{
	return t->all2 > 0 ? sqrt(t->lost2 / t->all2) : 0;
}

int build_losses(struct ir_model *m)
{
	struct build_rom b = { .m = m };
	struct ir_tensor *t;
	int ret = 0;

	for (t = m->tensors; t && !ret; t = t->next) {
		uint64_t bytes = t->size / t->rows, row;
		uint8_t *dst, *buf;
		float *f;

		if (!t->placed || t->requant != IR_REQUANT)
			continue;
		t->lost2 = t->all2 = t->lost_max = t->all_max = 0;
		dst = malloc(t->stride);
		buf = malloc(bytes);
		f = malloc((t->cols + GGML_MAX_BLOCK) * sizeof(*f));
		if (!dst || !buf || !f)
			ret = diag_nomem(&m->diag);
		for (row = 0; row < t->rows && !ret; row++)
			ret = convert(&b, t, row, build_row(t, row, buf), f, dst);
		free(dst);
		free(buf);
		free(f);
	}
	return ret;
}

static int by_addr(const void *a, const void *b)
{
	const struct ir_tensor *x = *(const struct ir_tensor *const *)a;
	const struct ir_tensor *y = *(const struct ir_tensor *const *)b;

	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

int build_rom(void *ctx, struct ig1_image_writer *w)
{
	struct build_rom *b = ctx;
	struct ir_tensor **list, *t;
	size_t n = 0, i;
	int ret = 0;

	for (t = b->m->tensors; t; t = t->next)
		n++;
	list = arena_array(&b->m->arena, n + 1, sizeof(struct ir_tensor *));
	if (!list)
		return diag_nomem(&b->m->diag);
	for (n = 0, t = b->m->tensors; t; t = t->next) {
		if (t->placed)
			list[n++] = t;
	}
	qsort(list, n, sizeof(*list), by_addr);
	for (i = 0; i < n && !ret; i++)
		ret = put_tensor(b, w, list[i]);
	return ret ? ret : pad_to(b, w, b->m->meta.rom_bytes);
}
