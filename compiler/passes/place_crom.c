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

static uint64_t table_stride(const struct ir_table *r)
{
	return (uint64_t)r->dims / 2 * 3 * 4;
}

uint64_t pass_crom_need(const struct ir_model *m)
{
	const struct ir_table *r;
	const struct ir_const *c;
	uint64_t sum = 0;

	for (c = m->consts; c; c = c->next)
		sum += align_up(4 * c->n);
	for (r = m->tables; r; r = r->next)
		sum += align_up(table_stride(r) * r->positions);
	return sum;
}

/* What takes most, for a message. */
static const char *largest(const struct ir_model *m, uint64_t *bytes)
{
	const struct ir_table *r;
	const struct ir_const *c;
	const char *name = "";

	for (*bytes = 0, c = m->consts; c; c = c->next) {
		if (c->placed && 4 * c->n > *bytes) {
			*bytes = 4 * c->n;
			name = c->name;
		}
	}
	for (r = m->tables; r; r = r->next) {
		if (r->stride * r->positions > *bytes) {
			*bytes = r->stride * r->positions;
			name = r->name;
		}
	}
	return name;
}

int pass_place_crom(struct ir_model *m, const struct pass_options *o)
{
	uint64_t end = 0, fixed, per_position = 0, most;
	const char *name;
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
		r->stride = table_stride(r);
		r->placed = 1;
		end = align_up(end + r->stride * r->positions);
		per_position += r->stride;
	}
	m->meta.crom_bytes = end;
	if (end <= o->chip->crom_bytes)
		return 0;
	name = largest(m, &most);
	if (fixed > o->chip->crom_bytes || !per_position)
		return diag_set(&m->diag, -ENOSPC,
				"constant ROM: needs %" PRIu64 " bytes, chip `%s` has %" PRIu64
				"; the largest part is %s, %" PRIu64 " bytes",
				end, o->chip->name, o->chip->crom_bytes, name, most);
	return diag_set(&m->diag, -ENOSPC,
			"constant ROM: needs %" PRIu64
			" bytes for %u positions, chip `%s` has %" PRIu64
			"; the largest --ctx that fits is %" PRIu64,
			end, m->meta.context, o->chip->name, o->chip->crom_bytes,
			(o->chip->crom_bytes - fixed) / per_position);
}
