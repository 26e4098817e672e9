// SPDX-License-Identifier: MIT
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/quant/ggml_types.h"
#include "compiler/report/eval_internal.h"

static int run_op(struct eval *e, const struct ir_op *op)
{
	switch (op->kind) {
	case IR_EMBED:
		return eval_embed(e, op);
	case IR_MATMUL:
		return eval_matmul(e, op);
	case IR_HEADMM:
		return eval_headmm(e, op);
	case IR_DOTS:
		return eval_dots(e, op);
	case IR_BIAS:
	case IR_ADD:
	case IR_ELT:
		return eval_elt(e, op);
	case IR_ACT:
	case IR_GLU:
		return eval_act(e, op);
	case IR_RMSNORM:
	case IR_CENTER:
	case IR_L2NORM:
	case IR_SOFTMAX:
		return eval_norm(e, op);
	case IR_SLICE:
	case IR_CONCAT:
	case IR_JOIN:
	case IR_PICK:
	case IR_DOT:
	case IR_LOGITS:
		return eval_shape(e, op);
	case IR_ROPE:
		return eval_rope(e, op);
	case IR_ATTENTION:
		return eval_attention(e, op);
	case IR_SQLA:
		return eval_squared(e, op);
	case IR_CONV:
		return eval_conv(e, op);
	case IR_SCAN:
		return eval_scan(e, op);
	case IR_SHIFT:
		return eval_shift(e, op);
	case IR_WKV:
		return eval_wkv(e, op);
	case IR_ROUTE:
		return eval_route(e, op);
	case IR_GATHER:
		return eval_gather(e, op);
	case IR_EXPERTS:
	case IR_COMBINE:
		return eval_experts(e, op);
	case IR_QUANT:
	case IR_KVSTORE:
	case IR_RUNSUM:
	case IR_KINDS:
		break;
	}
	return diag_set(&e->m->diag, -ENOTSUP,
			"graph: %s \"%s\": not of a graph as read from a file",
			ir_kind_name(op->kind), op->name);
}

double *eval_alloc(struct eval *e, uint64_t n)
{
	double *p = n <= SIZE_MAX / sizeof(*p) ? calloc(n ? n : 1, sizeof(*p)) : NULL;

	if (!p)
		diag_nomem(&e->m->diag);
	return p;
}

/* What an operation keeps for the sequence, all zero before the first token. */
static int make_state(struct eval *e, const struct ir_op *op)
{
	struct eval_op *o = &e->ops[op->id];
	/* squared attention keeps positions, not the sums that the chip may have */
	uint64_t bytes = op->kind == IR_SQLA ? 0 : ir_state_bytes(op);

	if (bytes)
		o->state = eval_alloc(e, bytes / 4);
	if (op->kind == IR_SQLA) {
		o->state = eval_alloc(e, (uint64_t)op->in[1]->width * e->positions);
		o->values = eval_alloc(e, (uint64_t)op->in[2]->width * e->positions);
		o->decays = eval_alloc(e, (uint64_t)op->in[3]->width * e->positions);
	}
	if (op->kind == IR_ATTENTION) {
		o->state = eval_alloc(e, (uint64_t)op->in[1]->width * e->positions);
		if (op->n_in == 3)
			o->values = eval_alloc(e, (uint64_t)op->in[2]->width * e->positions);
	}
	if (op->kind == IR_ROUTE) {
		o->choice = calloc((size_t)op->used * COLS, sizeof(*o->choice));
		if (!o->choice)
			diag_nomem(&e->m->diag);
	}
	return e->m->diag.err;
}

static int make_ops(struct eval *e)
{
	const struct ir_op *op;
	size_t i;

	for (op = e->m->first; op; op = op->next) {
		if (op->kind == IR_ATTENTION && (op->squared || op->n_in < 2))
			return diag_set(
				&e->m->diag, -ENOTSUP,
				"graph: attention \"%s\": not of a graph as read from a file",
				op->name);
		for (i = 0; i < op->n_in; i++)
			e->ops[op->in[i]->id].last = op->id;
		/* experts need the choice, too, but that stays */
		if (make_state(e, op))
			return e->m->diag.err;
	}
	return 0;
}

static int make_rows(struct eval *e)
{
	uint64_t cols = 0, bytes = 0;
	const struct ir_tensor *t;

	for (t = e->m->tensors; t; t = t->next) {
		if (t->cols > cols)
			cols = t->cols;
		if (t->size / t->rows > bytes)
			bytes = t->size / t->rows;
	}
	e->raw = malloc(bytes + 1);
	e->row = malloc((cols + GGML_MAX_BLOCK) * sizeof(*e->row));
	return e->raw && e->row ? 0 : diag_nomem(&e->m->diag);
}

int eval_open(struct ir_model *m, uint32_t positions, struct eval **out)
{
	size_t ops = 0, consts = 0, tables = 0;
	const struct ir_const *c;
	const struct ir_table *t;
	struct ir_op *op;
	struct eval *e;

	if (ir_verify(m))
		return m->diag.err;
	if (positions > m->meta.context)
		return diag_set(&m->diag, -ERANGE, "%u tokens, the context has %u positions",
				positions, m->meta.context);
	for (op = m->first; op; op = op->next)
		ops++;
	for (c = m->consts; c; c = c->next)
		consts++;
	for (t = m->tables; t; t = t->next)
		tables++;
	e = calloc(1, sizeof(*e));
	if (!e)
		return diag_nomem(&m->diag);
	e->m = m;
	e->positions = positions;
	e->ops = calloc(ops + 1, sizeof(*e->ops));
	e->consts = calloc(consts + 1, sizeof(*e->consts));
	e->freqs = calloc(tables + 1, sizeof(*e->freqs));
	if (!e->ops || !e->consts || !e->freqs)
		diag_nomem(&m->diag);
	if (m->diag.err || make_ops(e) || make_rows(e)) {
		eval_close(e);
		return m->diag.err;
	}
	*out = e;
	return 0;
}

void eval_close(struct eval *e)
{
	const struct ir_const *c;
	const struct ir_table *t;
	const struct ir_op *op;

	if (!e)
		return;
	for (op = e->m->first; op && e->ops; op = op->next) {
		free(e->ops[op->id].v);
		free(e->ops[op->id].state);
		free(e->ops[op->id].values);
		free(e->ops[op->id].decays);
		free(e->ops[op->id].choice);
	}
	for (c = e->m->consts; c && e->consts; c = c->next)
		free(e->consts[c->id]);
	for (t = e->m->tables; t && e->freqs; t = t->next)
		free(e->freqs[t->id]);
	free(e->ops);
	free(e->consts);
	free(e->freqs);
	free(e->raw);
	free(e->row);
	free(e);
}

/* Values whose last reader was op. */
static void drop_values(struct eval *e, const struct ir_op *op)
{
	size_t i;

	for (i = 0; i < op->n_in; i++) {
		struct eval_op *o = &e->ops[op->in[i]->id];

		if (o->last != op->id)
			continue;
		free(o->v);
		o->v = NULL;
	}
}

int eval_run(struct eval *e, const int32_t *tokens, uint32_t n, double *logits)
{
	const struct ir_op *op;
	uint32_t i;
	int ret = 0;

	if (!n || n > COLS || n > e->positions - e->pos)
		return diag_set(&e->m->diag, -ERANGE, "%u tokens at position %u of %u", n, e->pos,
				e->positions);
	for (i = 0; i < n; i++) {
		if (tokens[i] < 0 || (uint32_t)tokens[i] >= e->m->meta.vocab)
			return diag_set(&e->m->diag, -EINVAL,
					"token %" PRId32 ": the vocabulary has %u", tokens[i],
					e->m->meta.vocab);
	}
	e->n = n;
	e->tokens = tokens;
	e->logits = logits;
	for (op = e->m->first; op && !ret; op = op->next) {
		struct eval_op *o = &e->ops[op->id];

		if (op->width) {
			free(o->v);
			o->v = eval_alloc(e, (uint64_t)op->width * COLS);
			if (!o->v)
				return e->m->diag.err;
		}
		ret = run_op(e, op);
		drop_values(e, op);
	}
	e->pos += n;
	return ret;
}
