// SPDX-License-Identifier: MIT
/*
 * A sequence's keys and values. Its region is an array of blocks of 32 positions; a block holds,
 * for each layer, key data (heads x groups x 1024 bytes), value data, key scales (heads x groups x
 * 128 bytes), value scales and, for squared linear attention, running sums (two of 128 bytes for each
 * head). Blocks are whole pages, so that they can be shared and mapped one by one. Behind it is a ring of
 * blocks for layers with a window ([progabi] of the specification).
 */
#include <errno.h>
#include <inttypes.h>

#include "compiler/codegen/codegen.h"

#define KV_DATA	 1024u /* bytes of 32 positions x 32 values */
#define KV_SCALE 128u

static uint64_t align_up(uint64_t v, uint64_t to)
{
	return (v + to - 1) / to * to;
}

/* One window for all; a ring where it is smaller than the blocks of the whole context. */
static int choose_ring(struct ir_model *m, struct cg_kv *kv)
{
	const struct ir_op *op;
	uint64_t ring;

	for (op = m->first; op; op = op->next) {
		if (op->kind != IR_KVSTORE || !op->window)
			continue;
		if (kv->window && op->window != kv->window)
			return diag_set(&m->diag, -ENOTSUP,
					"%s: a window of %u positions, another layer's has %u; "
					"supported: one window",
					op->name, op->window, kv->window);
		kv->window = op->window;
	}
	ring = ((uint64_t)kv->window + IG1_WINDOW_SLACK - 1 + 31 + 31) / 32;
	if (kv->window && ring < kv->blocks)
		kv->ring = (uint32_t)ring;
	return 0;
}

/* n, vn: groups of 32 of keys and values; vn 0: values are parts of the keys; n_sums: rows of running sums */
static void place(struct cg_kv_layer *l, uint64_t n, uint64_t vn, uint64_t n_sums, uint64_t *at)
{
	l->k = align_up(*at, KV_DATA);
	if (!vn) {
		l->v = l->k;
		l->ks = l->k + n * KV_DATA;
		l->vs = l->ks;
		*at = l->ks + n * KV_SCALE;
		return;
	}
	l->v = l->k + n * KV_DATA;
	l->ks = l->v + vn * KV_DATA;
	l->vs = l->ks + n * KV_SCALE;
	l->sums = l->vs + vn * KV_SCALE;
	*at = l->sums + n_sums * KV_SCALE;
}

/* bstride is a 32-bit field; a region must fit the address space */
static int check_size(struct ir_model *m, const struct cg_kv *kv)
{
	uint64_t all, ring;

	if (kv->block_bytes <= UINT32_MAX && kv->ring_bytes <= UINT32_MAX &&
	    !__builtin_mul_overflow(kv->block_bytes, kv->blocks, &all) &&
	    !__builtin_mul_overflow(kv->ring_bytes, 2ull * kv->ring, &ring) &&
	    !__builtin_add_overflow(all, ring, &all) && all <= 1ull << IG1_VA_BITS)
		return 0;
	return diag_set(&m->diag, -ENOSPC,
			"KV cache: %" PRIu64 " bytes for 32 positions, %u positions are too much "
			"for the address space",
			kv->block_bytes + kv->ring_bytes, m->meta.context);
}

int cg_kv_layout(struct ir_model *m, struct cg_kv *kv)
{
	uint64_t at = 0, ring_at = 0, base;
	const struct ir_op *op;
	uint32_t i;

	*kv = (struct cg_kv){ .n_layers = m->meta.layers, .blocks = (m->meta.context + 31) / 32 };
	kv->layers = arena_array(&m->arena, m->meta.layers, sizeof(*kv->layers));
	if (!kv->layers)
		return diag_nomem(&m->diag);
	if (choose_ring(m, kv))
		return m->diag.err;
	for (op = m->first; op; op = op->next) {
		struct cg_kv_layer *l;

		if (op->kind != IR_KVSTORE)
			continue;
		l = &kv->layers[op->layer];
		l->ring = kv->ring && op->window;
		place(l, ir_groups(op->in[0]->width, op->seg),
		      op->n_in >= 2 ? ir_groups(op->in[1]->width, op->in[1]->seg) : 0,
		      op->squared ? 2ull * op->kv_heads : 0, l->ring ? &ring_at : &at);
	}
	kv->block_bytes = align_up(at, IG1_PAGE_BYTES);
	kv->ring_bytes = align_up(ring_at, IG1_PAGE_BYTES);
	if (!kv->block_bytes)
		kv->blocks = 0;
	if (check_size(m, kv))
		return m->diag.err;
	base = kv->blocks * kv->block_bytes;
	for (i = 0; i < kv->n_layers; i++) {
		struct cg_kv_layer *l = &kv->layers[i];

		l->bstride = l->ring ? kv->ring_bytes : kv->block_bytes;
		if (!l->ring)
			continue;
		l->k += base;
		l->v += base;
		l->ks += base;
		l->vs += base;
	}
	return 0;
}
