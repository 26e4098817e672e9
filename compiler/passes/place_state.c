// SPDX-License-Identifier: MIT
/*
 * What the operations keep of a sequence, in the order of the operations, so that equal layers lie at
 * equal distances; each at a multiple of 128 bytes, whole pages in all.
 */
#include <errno.h>
#include <inttypes.h>

#include "compiler/passes/pass.h"

#define STATE_ALIGN 128

static uint64_t align_up(uint64_t v, uint64_t to)
{
	return (v + to - 1) / to * to;
}

int pass_place_state(struct ir_model *m, const struct pass_options *o)
{
	uint64_t end = 0, bytes;
	struct ir_op *op;

	(void)o;
	for (op = m->first; op; op = op->next) {
		bytes = ir_state_bytes(op);
		if (!bytes)
			continue;
		op->state = end;
		end = align_up(end + bytes, STATE_ALIGN);
		if (end >> IG1_VA_BITS)
			return diag_set(
				&m->diag, -ENOSPC,
				"state of a sequence: %s and what is before it need %" PRIu64
				" bytes, too much for the address space",
				op->name, end);
	}
	m->meta.state_bytes = align_up(end, IG1_PAGE_BYTES);
	return 0;
}
