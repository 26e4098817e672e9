// SPDX-License-Identifier: MIT
/*
 * Squared linear attention as a state of its own (recurrent: nothing to do here) or over the KV cache:
 *	sqla(q, k, v, x) -> attention(q, k, v, runsum(softplus(x))), squared
 * A state is (d + 1) d (d + 1) / 2 numbers a head, a position of the cache 2 d: where the context is short,
 * all of its positions are less. (What the chip keeps beside them, fp32 states and the scales and sums of
 * int8 positions, moves the point; so does what a step costs. --linear is for whoever knows better.) A state
 * is read and written whole at every token: one that is larger than resident SRAM is no choice of ours.
 */
#include "compiler/passes/pass.h"

/* (d + 1)^2 / 4 + 3 / 2 is (d (d + 2) + 7) / 4 */
uint32_t pass_linear_crossing(uint32_t d)
{
	return (d * (d + 2) + 7) / 4 + 1;
}

/* The states of all layers. */
static bool fits_sram(const struct ir_model *m, const struct ig1_config *chip)
{
	const struct ir_op *op;
	uint64_t bytes = 0;

	for (op = m->first; op && bytes <= chip->sram_bytes; op = op->next) {
		if (op->kind == IR_SQLA)
			bytes += ir_state_bytes(op);
	}
	return bytes <= chip->sram_bytes;
}

static bool parallel(const struct ir_model *m, const struct ir_op *op, enum pass_linear form,
		     bool fits)
{
	if (form != PASS_LINEAR_AUTO)
		return form == PASS_LINEAR_PARALLEL;
	return !fits || m->meta.context < pass_linear_crossing(op->seg);
}

static struct ir_op *before(struct ir_model *m, struct ir_op *at, enum ir_kind kind, size_t n_in,
			    struct ir_op *const *in, const char *what)
{
	struct ir_op *op = ir_op_make(
		m, kind, arena_printf(&m->arena, "%s%s", at->name, what) ?: at->name, n_in, in, 0);

	if (op)
		ir_op_before(m, at, op);
	return op;
}

static int make_parallel(struct ir_model *m, struct ir_op *sqla)
{
	struct ir_op *in[4] = { sqla->in[0], sqla->in[1], sqla->in[2] }, *op;

	op = before(m, sqla, IR_ACT, 1, &sqla->in[3], "_rate");
	if (!op)
		return m->diag.err;
	op->fn = IR_FN_SOFTPLUS;
	op->width = sqla->in[3]->width;
	in[3] = before(m, sqla, IR_RUNSUM, 1, &op, "_sums");
	if (!in[3])
		return m->diag.err;
	in[3]->width = 2 * op->width;
	op = before(m, sqla, IR_ATTENTION, 4, in, "");
	if (!op)
		return m->diag.err;
	op->squared = 1;
	op->konst = sqla->konst;
	op->width = sqla->width;
	op->seg = sqla->seg;
	op->layer = sqla->layer;
	op->heads = sqla->heads;
	op->kv_heads = sqla->kv_heads;
	ir_replace_uses(m, sqla, op, NULL);
	ir_op_unlink(m, sqla);
	return 0;
}

int pass_linear_form(struct ir_model *m, const struct pass_options *o)
{
	struct ir_op *op, *next;
	bool fits = fits_sram(m, o->chip), cache = false, any = false;

	for (op = m->first; op; op = next) {
		next = op->next;
		if (op->kind == IR_SQLA && parallel(m, op, o->linear, fits) && make_parallel(m, op))
			return m->diag.err;
	}
	for (op = m->first; op; op = op->next) {
		any = any || op->kind == IR_SQLA;
		cache = cache || op->kind == IR_ATTENTION;
	}
	/* the model's heads are those of its KV cache */
	if (any && !cache)
		m->meta.heads = m->meta.kv_heads = m->meta.head_size = 0;
	return 0;
}
