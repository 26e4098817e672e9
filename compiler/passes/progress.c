// SPDX-License-Identifier: MIT
/* How far choose_format is, which reads all of a model. */
#include "compiler/image/build.h"
#include "compiler/passes/pass.h"

#define STEP_BYTES (1u << 20)

void pass_checked(const struct ir_model *m, const struct ir_tensor *t, uint64_t row)
{
	uint64_t bytes = t->rows ? t->size / t->rows : 0, done = row * bytes, total = 0;
	const struct ir_tensor *u;

	if (!m->progress || !m->progress->check ||
	    (row && done / STEP_BYTES == (done - bytes) / STEP_BYTES))
		return;
	for (u = m->tensors; u; u = u->next) {
		total += u->size;
		if (u != t && u->fmt)
			done += u->size;
	}
	m->progress->check(m->progress->ctx, done, total);
}
