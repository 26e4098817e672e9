// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>

#include "compiler/image/build.h"
#include "compiler/quant/exact.h"
#include "compiler/quant/ggml_types.h"
#include "compiler/passes/pass.h"

/* Smaller first; of two that are equally large q4_0, whose blocks GGUF has, too. */
static const uint32_t by_size[] = {
	IR_FMT_B1_0, IR_FMT_T2_0, IR_FMT_Q4_0, IR_FMT_MX4,  IR_FMT_NV4,
	IR_FMT_IQ4,  IR_FMT_Q4_1, IR_FMT_Q5_1, IR_FMT_Q6_K, IR_FMT_Q8_0
};
#define N_FORMATS (sizeof(by_size) / sizeof(by_size[0]))

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

/* Whether all rows have the format's values; a test of the values, not of the type's name. */
static int try_exact(struct ir_model *m, const struct ir_tensor *t, uint32_t fmt, bool *is)
{
	uint64_t bytes = t->rows ? t->size / t->rows : 0, row;
	uint32_t wfmt = ir_format_wfmt(fmt);
	const uint8_t *src;
	uint8_t *buf, *dst;
	float *f;
	int ret = 0;

	*is = false;
	if (!t->data && !t->source) /* a graph without a file */
		return 0;
	buf = malloc(bytes + 1);
	dst = malloc((t->cols + 31) / 32 * ig1_wfmt_block_bytes(wfmt));
	f = malloc((t->cols + GGML_MAX_BLOCK) * sizeof(*f));
	if (!buf || !dst || !f) {
		ret = diag_nomem(&m->diag);
		goto out;
	}
	*is = true;
	for (row = 0; row < t->rows && *is; row++) {
		int64_t n = (int64_t)t->cols;

		pass_checked(m, t, row);
		src = build_row(t, row, buf);
		*is = !ggml_dequantize_row(t->src_type, src, f, n) &&
		      !exact_blocks(wfmt, t->src_type, src, f, dst, n);
	}
out:
	free(buf);
	free(dst);
	free(f);
	return ret;
}

static int choose(struct ir_model *m, struct ir_tensor *t, enum pass_format want)
{
	uint32_t kept = kept_format(t->src_type), only = IR_FMT_NONE;
	bool exact = false;
	size_t i;
	int ret;

	if (want == PASS_FORMAT_Q8_0)
		only = IR_FMT_Q8_0;
	if (want == PASS_FORMAT_Q4_0)
		only = IR_FMT_Q4_0;
	if (kept && (!only || only == kept)) {
		t->fmt = kept;
		t->requant = IR_KEPT;
		return 0;
	}
	for (i = 0; i < N_FORMATS; i++) {
		if (only && by_size[i] != only)
			continue;
		ret = try_exact(m, t, by_size[i], &exact);
		if (ret)
			return ret;
		t->fmt = by_size[i];
		t->requant = exact ? IR_REENCODED : IR_REQUANT;
		if (exact)
			return 0;
	}
	return 0;
}

/* One format for n matrices: the smallest that holds all of them, or q8_0. */
static int choose_common(struct ir_model *m, struct ir_tensor **mats, size_t n)
{
	bool exact = false;
	size_t f, i;
	int ret = 0;

	for (f = 0; f < N_FORMATS && !exact; f++) {
		for (i = 0, exact = true; i < n && exact && !ret; i++) {
			if (kept_format(mats[i]->src_type) != by_size[f])
				ret = try_exact(m, mats[i], by_size[f], &exact);
		}
		for (i = 0; i < n && exact && !ret; i++) {
			bool kept = kept_format(mats[i]->src_type) == by_size[f];

			mats[i]->fmt = by_size[f];
			mats[i]->requant = kept ? IR_KEPT : IR_REENCODED;
		}
		if (ret)
			return ret;
	}
	for (i = 0; i < n && !exact && !ret; i++)
		ret = choose(m, mats[i], PASS_FORMAT_Q8_0);
	return ret;
}

/* Experts of one part are addressed alike. */
static int level_experts(struct ir_model *m, const struct ir_op *op)
{
	size_t per = op->parts ? op->n_mats / op->parts : 0, i, k;

	for (i = 0; per > 1 && i + per <= op->n_mats; i += per) {
		for (k = 1; k < per && op->mats[i + k]->fmt == op->mats[i]->fmt; k++)
			;
		if (k < per && choose_common(m, op->mats + i, per))
			return m->diag.err;
	}
	return 0;
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
			t = op->mats[i];
			/* once, though several operations use it */
			if (!t->fmt && choose(m, t, o->format))
				return m->diag.err;
		}
		if (level_experts(m, op))
			return m->diag.err;
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
