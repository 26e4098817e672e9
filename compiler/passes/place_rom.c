// SPDX-License-Identifier: MIT
/*
 * Matrices in the order of their use, row-major; those of one matmul directly behind each other, so
 * that their rows are one matrix. A run begins at a multiple of 64 bytes.
 */
#include <errno.h>
#include <inttypes.h>

#include "compiler/passes/pass.h"

#define ROM_ALIGN 64

/* Sizes fit: rows and columns are at most 2^24, blocks 34 bytes. */
static int place_op(struct ir_model *m, struct ir_op *op, uint64_t *end)
{
	uint64_t at = (*end + ROM_ALIGN - 1) & ~(uint64_t)(ROM_ALIGN - 1);
	size_t i;

	for (i = 0; i < op->n_mats; i++) {
		struct ir_tensor *t = op->mats[i];

		if (t->placed) {
			if (i && op->parts && t == op->mats[0])
				continue;
			if (op->n_mats > 1)
				return diag_set(&m->diag, -ENOTSUP,
						"tensor %s: used twice, once with others", t->name);
			continue;
		}
		t->groups = (t->cols + 31) / 32;
		t->stride = t->groups * ig1_wfmt_block_bytes(ir_format_wfmt(t->fmt));
		t->addr = at;
		t->placed = 1;
		at += t->rows * t->stride;
		if (at > UINT64_MAX / 2)
			return diag_set(&m->diag, -EOVERFLOW, "weight ROM: too large");
		*end = at;
	}
	return 0;
}

static int too_large(struct ir_model *m, const struct ig1_config *chip)
{
	struct strbuf s = { 0 };

	pass_chips(m, chip, &s);
	if (s.err)
		diag_nomem(&m->diag);
	else
		diag_set(&m->diag, -ENOSPC,
			 "weight ROM: needs %" PRIu64 " bytes, chip `%s` has %" PRIu64 "%.*s",
			 m->meta.rom_bytes, chip->name, chip->rom_bytes, (int)s.len, s.p);
	strbuf_free(&s);
	return m->diag.err;
}

int pass_place_rom(struct ir_model *m, const struct pass_options *o)
{
	struct ir_op *op;
	uint64_t end = 0;

	for (op = m->first; op; op = op->next) {
		if (op->n_mats && place_op(m, op, &end))
			return m->diag.err;
	}
	end = (end + ROM_ALIGN - 1) & ~(uint64_t)(ROM_ALIGN - 1);
	m->meta.rom_bytes = end;
	return end > o->chip->rom_bytes ? too_large(m, o->chip) : 0;
}
