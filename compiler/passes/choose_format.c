// SPDX-License-Identifier: MIT
#include <errno.h>

#include "compiler/quant/ggml_types.h"
#include "compiler/passes/pass.h"

static uint32_t kept_format(uint32_t type)
{
	switch (type) {
	case GGML_TYPE_Q8_0:
		return IR_FMT_Q8_0;
	case GGML_TYPE_Q4_0:
		return IR_FMT_Q4_0;
	default:
		return IR_FMT_NONE;
	}
}

/* Experts of one part are addressed alike: tensors of different formats become q8_0. */
static void level_experts(const struct ir_op *op)
{
	size_t per = op->parts ? op->n_mats / op->parts : 0, i;
	struct ir_tensor *t;

	for (i = 1; per > 1 && i < op->n_mats; i++) {
		if (i % per && op->mats[i]->fmt != op->mats[i - 1]->fmt)
			break;
	}
	if (per <= 1 || i == op->n_mats)
		return;
	for (i = 0; i < op->n_mats; i++) {
		t = op->mats[i];
		t->fmt = IR_FMT_Q8_0;
		t->requant = kept_format(t->src_type) != IR_FMT_Q8_0;
	}
}

int pass_choose_format(struct ir_model *m, const struct pass_options *o)
{
	struct ir_tensor *t;
	struct ir_const *c;
	struct ir_table *r;
	struct ir_op *op;
	size_t i;

	for (op = m->first; op; op = op->next) {
		for (i = 0; i < op->n_mats; i++) {
			uint32_t kept;

			t = op->mats[i];
			kept = kept_format(t->src_type);
			t->fmt = kept ? kept : IR_FMT_Q8_0;
			if (o->format == PASS_FORMAT_Q8_0)
				t->fmt = IR_FMT_Q8_0;
			if (o->format == PASS_FORMAT_Q4_0)
				t->fmt = IR_FMT_Q4_0;
			t->requant = t->fmt != kept;
		}
		level_experts(op);
	}
	for (c = m->consts; c; c = c->next) {
		for (i = 0; i < c->n_pieces; i++) {
			t = c->pieces[i].t;
			if (t && t->fmt && t->fmt != IR_FMT_F32)
				return diag_set(&m->diag, -ENOTSUP,
						"tensor %s: used as a matrix and as a constant",
						t->name);
			if (t)
				t->fmt = IR_FMT_F32;
		}
	}
	for (r = m->tables; r; r = r->next) {
		if (r->factors)
			r->factors->fmt = IR_FMT_F32;
	}
	return 0;
}
