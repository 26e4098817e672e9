// SPDX-License-Identifier: MIT
/*
 * Numbers that all layers share, then norm weights and biases in the order of their use, so that
 * equal layers lie at equal distances, then rotation tables; these at multiples of 128 bytes.
 */
#include <errno.h>
#include <inttypes.h>

#include "compiler/passes/pass.h"

#define CROM_ALIGN 128

static uint64_t align_up(uint64_t v)
{
	return (v + CROM_ALIGN - 1) & ~(uint64_t)(CROM_ALIGN - 1);
}

static void place(struct ir_const *c, uint64_t *end)
{
	c->addr = *end;
	c->placed = 1;
	*end += 4 * c->n;
}

int pass_place_crom(struct ir_model *m, const struct pass_options *o)
{
	uint64_t end = 0, fixed, per_position = 0;
	struct ir_table *r;
	struct ir_const *c;
	struct ir_op *op;

	/* what layers share must not stand between theirs */
	for (c = m->consts; c; c = c->next) {
		if (c->common)
			place(c, &end);
	}
	end = align_up(end);
	for (op = m->first; op; op = op->next) {
		c = op->konst;
		if (!c || c->placed)
			continue;
		place(c, &end);
		end = align_up(end);
		if (end > UINT64_MAX / 2)
			return diag_set(&m->diag, -EOVERFLOW, "constant ROM: too large");
	}
	fixed = end;
	for (r = m->tables; r; r = r->next) {
		r->addr = end;
		r->stride = (uint64_t)r->dims / 2 * 3 * 4;
		r->placed = 1;
		end = align_up(end + r->stride * r->positions);
		per_position += r->stride;
	}
	m->meta.crom_bytes = end;
	if (end <= o->chip->crom_bytes)
		return 0;
	if (fixed > o->chip->crom_bytes || !per_position)
		return diag_set(&m->diag, -ENOSPC,
				"constant ROM: needs %" PRIu64 " bytes, chip `%s` has %" PRIu64,
				end, o->chip->name, o->chip->crom_bytes);
	return diag_set(&m->diag, -ENOSPC,
			"constant ROM: needs %" PRIu64
			" bytes for %u positions, chip `%s` has %" PRIu64
			"; the largest --ctx that fits is %" PRIu64,
			end, m->meta.context, o->chip->name, o->chip->crom_bytes,
			(o->chip->crom_bytes - fixed) / per_position);
}
