// SPDX-License-Identifier: MIT
/* Weights as the file has them, in the order that the graph wants. */
#include <errno.h>
#include <stdlib.h>

#include "compiler/image/build.h"
#include "compiler/quant/ggml_types.h"
#include "compiler/report/eval_internal.h"

int eval_row(struct eval *e, const struct ir_tensor *t, uint64_t row)
{
	int ret = -ENOENT;

	if (t->data || t->source)
		ret = ggml_dequantize_row(t->src_type,
					  build_row(t, build_source_row(t, row), e->raw), e->row,
					  (int64_t)t->cols);
	return ret ? diag_set(&e->m->diag, ret, "tensor %s: not readable", t->name) : 0;
}

int eval_const(struct eval *e, const struct ir_const *c, const float **out)
{
	float *f = e->consts[c->id];
	int ret;

	*out = f;
	if (f)
		return 0;
	f = malloc((c->n + 1) * sizeof(*f));
	if (!f)
		return diag_nomem(&e->m->diag);
	ret = build_const(e->m, c, f);
	if (ret) {
		free(f);
		return ret;
	}
	e->consts[c->id] = f;
	*out = f;
	return 0;
}

int eval_freqs(struct eval *e, const struct ir_table *t, const double **out)
{
	double *f = e->freqs[t->id];
	int ret;

	*out = f;
	if (f)
		return 0;
	f = eval_alloc(e, t->dims / 2);
	if (!f)
		return e->m->diag.err;
	ret = build_freqs(e->m, t, f);
	if (ret) {
		free(f);
		return ret;
	}
	e->freqs[t->id] = f;
	*out = f;
	return 0;
}
