// SPDX-License-Identifier: MIT
/*
 * A sequence's keys and values. Its region is an array of blocks of 32 positions; a block holds,
 * for each layer, key data (heads x groups x 1024 bytes), value data, key scales (heads x groups x
 * 128 bytes) and value scales. Blocks are whole pages, so that they can be shared and mapped one by
 * one.
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

int cg_kv_layout(struct ir_model *m, struct cg_kv *kv)
{
	struct ir_op *op;
	uint64_t at = 0;
	uint32_t i;

	*kv = (struct cg_kv){ .n_layers = m->meta.layers };
	kv->layers = arena_array(&m->arena, m->meta.layers, sizeof(*kv->layers));
	if (!kv->layers)
		return diag_nomem(&m->diag);
	for (op = m->first; op; op = op->next) {
		struct cg_kv_layer *l;
		uint64_t n;

		if (op->kind != IR_KVSTORE)
			continue;
		l = &kv->layers[op->layer];
		n = ir_groups(op->in[0]->width, op->seg);
		l->k = align_up(at, KV_DATA);
		l->v = l->k + n * KV_DATA;
		l->ks = l->v + n * KV_DATA;
		l->vs = l->ks + n * KV_SCALE;
		if (op->window && kv->window && op->window != kv->window)
			return diag_set(&m->diag, -ENOTSUP,
					"%s: a window of %u positions, another layer's has %u; "
					"supported: one window",
					op->name, op->window, kv->window);
		if (op->window)
			kv->window = op->window;
		at = l->vs + n * KV_SCALE;
	}
	kv->block_bytes = align_up(at, IG1_PAGE_BYTES);
	for (i = 0; i < kv->n_layers; i++)
		kv->layers[i].bstride = kv->block_bytes;
	/* bstride is a 32-bit field; a region must fit the address space */
	if (kv->block_bytes &&
	    (kv->block_bytes > UINT32_MAX ||
	     (m->meta.context + 31) / 32 > (1ull << IG1_VA_BITS) / kv->block_bytes))
		return diag_set(&m->diag, -ENOSPC,
				"KV cache: %" PRIu64
				" bytes for 32 positions, %u positions are too much "
				"for the address space",
				kv->block_bytes, m->meta.context);
	return 0;
}
