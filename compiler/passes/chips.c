// SPDX-License-Identifier: MIT
/*
 * A model that is larger than a chip's weight ROM: how many chips it would take. In a row, each with
 * neighbouring layers, filled one after the other; or side by side, each with an equal part of the
 * rows (and KV heads) of every layer. An estimate for whoever plans a board: nothing compiles for
 * several chips yet.
 */
#include <inttypes.h>
#include <stdio.h>

#include "compiler/passes/pass.h"

#define MOST_SHOWN 8u

struct row {
	const struct ig1_config *chip;
	uint64_t used;	      /* of the chip that is being filled */
	uint32_t chips;	      /* with it */
	uint32_t first, last; /* its layers */
	bool layers;	      /* it has some */
	bool fits;
	struct strbuf *out;
};

static uint64_t bytes_of(const struct ir_op *op)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < op->n_mats; i++)
		n += op->mats[i]->rows * op->mats[i]->stride;
	return n;
}

/* "layer.12/ffn_norm": 12; what is outside of the layers: -1 */
static int64_t layer_of(const struct ir_op *op)
{
	uint32_t layer;

	return sscanf(op->name, "layer.%" SCNu32 "/", &layer) == 1 ? (int64_t)layer : -1;
}

static void close_chip(struct row *r)
{
	if (r->chips > MOST_SHOWN)
		return;
	strbuf_puts(r->out, r->chips > 1 ? ", " : "");
	if (r->chips == MOST_SHOWN)
		strbuf_puts(r->out, "...");
	else if (!r->layers)
		strbuf_puts(r->out, "none");
	else if (r->first == r->last)
		strbuf_printf(r->out, "%" PRIu32, r->first);
	else
		strbuf_printf(r->out, "%" PRIu32 "-%" PRIu32, r->first, r->last);
}

/* What belongs together: a layer, the embedding, the output. */
static void add_part(struct row *r, int64_t layer, uint64_t bytes)
{
	if (bytes > r->chip->rom_bytes)
		r->fits = false;
	if (r->used && bytes > r->chip->rom_bytes - r->used) {
		close_chip(r);
		r->chips++;
		r->used = 0;
		r->layers = false;
	}
	r->used += bytes;
	if (layer < 0)
		return;
	if (!r->layers)
		r->first = (uint32_t)layer;
	r->last = (uint32_t)layer;
	r->layers = true;
}

/* False: a single layer is too large. */
static bool in_a_row(const struct ir_model *m, struct row *r)
{
	const struct ir_op *op;
	int64_t layer = -1, next;
	uint64_t bytes = 0;

	for (op = m->first; op; op = op->next) {
		if (!op->n_mats)
			continue;
		next = layer_of(op);
		if (bytes && (next != layer || next < 0)) {
			add_part(r, layer, bytes);
			bytes = 0;
		}
		layer = next;
		bytes += bytes_of(op);
	}
	add_part(r, layer, bytes);
	close_chip(r);
	return r->fits;
}

/* The least number that divides the KV heads (of models that have any) and is enough; 0: none is. */
static uint32_t side_by_side(const struct ir_model *m, const struct ig1_config *chip)
{
	uint32_t n, most = m->meta.kv_heads ? m->meta.kv_heads : 1024;

	for (n = 2; n <= most; n++) {
		if ((!m->meta.kv_heads || m->meta.kv_heads % n == 0) &&
		    m->meta.rom_bytes / n + 1 <= chip->rom_bytes)
			return n;
	}
	return 0;
}

void pass_chips(const struct ir_model *m, const struct ig1_config *chip, struct strbuf *out)
{
	struct strbuf layers = { 0 };
	struct row r = { .chip = chip, .chips = 1, .fits = true, .out = &layers };
	uint32_t n = side_by_side(m, chip);

	if (in_a_row(m, &r) && !layers.err)
		strbuf_printf(out, "; %" PRIu32 " such chips in a row would hold it (layers %.*s)",
			      r.chips, (int)layers.len, layers.p);
	else
		strbuf_puts(out, "; one layer alone is larger than that");
	if (n)
		strbuf_printf(out, ", or %" PRIu32 " side by side", n);
	strbuf_free(&layers);
}
