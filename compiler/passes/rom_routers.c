// SPDX-License-Identifier: MIT
/*
 * Routers of experts are rows of constant ROM, exactly as in the file; those of a large model may be more
 * than it holds. Then all of them go into the weight ROM as q8_0 and become matmuls. (On tinymoe8x2 that
 * costs 0.1 % of perplexity; see compiler/README.md.)
 */
#include "compiler/passes/pass.h"
#include "compiler/quant/ggml_types.h"

/* For numbers that later passes add. */
#define SLACK 65536u

/* One number for every expert; the gate of a shared expert is one row, and stays. */
static bool is_router(const struct ir_op *op)
{
	return op->kind == IR_DOTS && op->width > 1 && op->konst->n_pieces == 1 &&
	       op->konst->pieces[0].t && op->konst->pieces[0].repeat == 1;
}

static int to_matmul(struct ir_model *m, struct ir_op *op)
{
	struct ir_tensor *t = op->konst->pieces[0].t;

	op->mats = arena_array(&m->arena, 1, sizeof(struct ir_tensor *));
	if (!op->mats)
		return diag_nomem(&m->diag);
	op->kind = IR_MATMUL;
	op->n_mats = 1;
	op->mats[0] = t;
	op->konst = NULL;
	/* whatever the format of other matrices */
	t->fmt = IR_FMT_Q8_0;
	t->requant = t->src_type == GGML_TYPE_Q8_0 ? IR_KEPT : IR_REQUANT;
	return 0;
}

int pass_rom_routers(struct ir_model *m, const struct pass_options *o)
{
	struct ir_op *op;

	if (pass_crom_need(m) + SLACK <= o->chip->crom_bytes)
		return 0;
	for (op = m->first; op; op = op->next) {
		if (is_router(op) && to_matmul(m, op))
			return m->diag.err;
	}
	return pass_dead_code(m, o);
}
