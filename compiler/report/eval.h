/* SPDX-License-Identifier: MIT */
/*
 * What a model file says, without a chip: the graph as the front end makes it, in double precision, with
 * the file's weights as they are stored. Nothing is requantised, activations, keys, values and states are
 * not rounded. One sequence, from its first token on.
 */
#ifndef IG1_COMPILER_REPORT_EVAL_H
#define IG1_COMPILER_REPORT_EVAL_H

#include <stdint.h>

#include "compiler/ir/ir.h"

#define EVAL_COLUMNS 16u /* tokens at once: each row of a matrix is read once for all of them */

struct eval;

/*
 * m: of fe_build, with its file still open, untouched by passes; it must outlive *out. positions: the most
 * that will be run. 0 or a negative errno with m->diag set: -ENOTSUP for an operation that only passes
 * make, -ENOMEM, -ERANGE for more positions than the context.
 */
int eval_open(struct ir_model *m, uint32_t positions, struct eval **out);
void eval_close(struct eval *e);

/*
 * The sequence's next n tokens, 1 to EVAL_COLUMNS. logits: n rows of meta.vocab values. Errors as
 * eval_open; -EINVAL for a token outside of the vocabulary.
 */
int eval_run(struct eval *e, const int32_t *tokens, uint32_t n, double *logits);

#endif
