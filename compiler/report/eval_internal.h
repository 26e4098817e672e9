/* SPDX-License-Identifier: MIT */
/* What the parts of the evaluator share. */
#ifndef IG1_COMPILER_REPORT_EVAL_INTERNAL_H
#define IG1_COMPILER_REPORT_EVAL_INTERNAL_H

#include <stddef.h>

#include "compiler/report/eval.h"

#define COLS EVAL_COLUMNS

/* Of an operation. */
struct eval_op {
	double *v;	  /* its value: width x COLS, the columns of an element side by side */
	uint32_t last;	  /* operation that reads it last */
	double *state;	  /* that of a sequence; keys of an attention, position by position */
	double *values;	  /* values of an attention */
	double *decays;	  /* of a squared one: sums of their logarithms, up to each position */
	uint32_t *choice; /* of a route: used x COLS experts */
};

struct eval {
	struct ir_model *m;
	uint32_t positions;
	uint32_t pos, n; /* the first of the columns under way, and how many */
	const int32_t *tokens;
	double *logits;
	struct eval_op *ops; /* by id */
	float **consts;	     /* by id; loaded when they are first used */
	double **freqs;	     /* by table: radians per position of each pair */
	uint8_t *raw;	     /* a row of a matrix as stored, */
	float *row;	     /* and its values */
};

/* Element i of a value in column c is v[i * COLS + c]. */
static inline double *eval_in(struct eval *e, const struct ir_op *op, size_t i)
{
	return e->ops[op->in[i]->id].v;
}

static inline double *eval_out(struct eval *e, const struct ir_op *op)
{
	return e->ops[op->id].v;
}

/* All return 0 or a negative errno with e->m->diag set. */

/* eval_weights.c: row `row` of what would be in ROM, in e->row; elements of a constant; frequencies. */
int eval_row(struct eval *e, const struct ir_tensor *t, uint64_t row);
int eval_const(struct eval *e, const struct ir_const *c, const float **out);
int eval_freqs(struct eval *e, const struct ir_table *t, const double **out);
/* Room for n elements. */
double *eval_alloc(struct eval *e, uint64_t n);

/* eval_matrix.c */
int eval_embed(struct eval *e, const struct ir_op *op);
int eval_matmul(struct eval *e, const struct ir_op *op);
int eval_headmm(struct eval *e, const struct ir_op *op);
int eval_dots(struct eval *e, const struct ir_op *op);

/* eval_elt.c: functions of elements, norms, parts of rows */
int eval_elt(struct eval *e, const struct ir_op *op);
int eval_act(struct eval *e, const struct ir_op *op);
int eval_norm(struct eval *e, const struct ir_op *op);
int eval_shape(struct eval *e, const struct ir_op *op);
void eval_softmax(double *x, uint32_t n, size_t stride);

/* eval_attention.c */
int eval_rope(struct eval *e, const struct ir_op *op);
int eval_attention(struct eval *e, const struct ir_op *op);
int eval_squared(struct eval *e, const struct ir_op *op);

/* eval_state.c */
int eval_conv(struct eval *e, const struct ir_op *op);
int eval_scan(struct eval *e, const struct ir_op *op);
int eval_shift(struct eval *e, const struct ir_op *op);
int eval_wkv(struct eval *e, const struct ir_op *op);

/* eval_experts.c */
int eval_route(struct eval *e, const struct ir_op *op);
int eval_gather(struct eval *e, const struct ir_op *op);
int eval_experts(struct eval *e, const struct ir_op *op);

#endif
