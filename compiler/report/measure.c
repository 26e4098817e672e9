// SPDX-License-Identifier: MIT
#include "compiler/report/measure.h"

#include <stdlib.h>

#include "compiler/frontends/frontend.h"
#include "compiler/frontends/source.h"
#include "compiler/report/eval.h"

static int compare(struct report *rep, struct ir_model *m, const int32_t *tokens, uint32_t n,
		   const struct measure_chip *chip)
{
	uint64_t vocab = m->meta.vocab;
	double *source = malloc(EVAL_COLUMNS * vocab * sizeof(*source));
	float *logits = malloc(EVAL_COLUMNS * vocab * sizeof(*logits));
	struct eval *e = NULL;
	uint32_t at, some, i;
	int ret = 0;

	if (!source || !logits)
		diag_nomem(&m->diag);
	if (!m->diag.err)
		ret = eval_open(m, n, &e);
	for (at = 0; at < n && !ret && !m->diag.err; at += some) {
		some = n - at < EVAL_COLUMNS ? n - at : EVAL_COLUMNS;
		ret = eval_run(e, tokens + at, some, source);
		if (!ret)
			ret = chip->run(chip->ctx, tokens + at, some, logits);
		for (i = 0; i < some && !ret; i++)
			report_accuracy_add(rep, source + i * vocab, logits + i * vocab,
					    at + i + 1 < n ? tokens[at + i + 1] : -1);
	}
	eval_close(e);
	free(source);
	free(logits);
	return m->diag.err ? m->diag.err : ret;
}

int measure(struct report *rep, const struct compile_options *o, const char *text,
	    const int32_t *tokens, uint32_t n, const struct measure_chip *chip)
{
	struct gguf_error err = { 0 };
	struct gguf_file *f = NULL;
	struct ir_model m;
	int ret;

	if (report_accuracy_begin(rep, text, n))
		return rep->diag.err;
	ret = source_open(o->model, &f, &err);
	if (ret)
		return diag_set(&rep->diag, ret, "%s", err.msg);
	ir_init(&m);
	ret = fe_build(&m, f, o->context);
	if (!ret)
		ret = compare(rep, &m, tokens, n, chip);
	if (m.diag.err)
		diag_set(&rep->diag, m.diag.err, "%s", m.diag.msg);
	ir_free(&m);
	gguf_close(f);
	return ret;
}
