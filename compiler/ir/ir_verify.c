// SPDX-License-Identifier: MIT
/* The rules of ir.h, checked between all passes and for graphs read from files. */
#include <errno.h>
#include <math.h>

#include "compiler/ir/ir_attr.h"

/* How many inputs and matrices an operation has, and whether it needs a constant or a table. */
static const struct {
	size_t in_min, in_max, mats_min, mats_max;
	bool konst, table, value;
} shape[IR_KINDS] = {
	[IR_EMBED] = { 0, 0, 1, 1, false, false, true },
	[IR_RMSNORM] = { 1, 1, 0, 0, true, false, true },
	[IR_MATMUL] = { 1, 2, 1, SIZE_MAX, false, false, true },
	[IR_BIAS] = { 1, 1, 0, 0, true, false, true },
	[IR_SLICE] = { 1, 1, 0, 0, false, false, true },
	[IR_CONCAT] = { 1, SIZE_MAX, 0, 0, false, false, true },
	[IR_ROPE] = { 1, 1, 0, 0, false, true, true },
	[IR_QUANT] = { 1, 1, 0, 0, false, false, true },
	[IR_KVSTORE] = { 1, 3, 0, 0, false, false, false },
	[IR_ATTENTION] = { 1, 4, 0, 0, false, false, true },
	[IR_ADD] = { 2, 2, 0, 0, false, false, true },
	[IR_ACT] = { 1, 1, 0, 0, false, false, true },
	[IR_GLU] = { 2, 2, 0, 0, false, false, true },
	[IR_ELT] = { 1, 3, 0, 0, false, false, true },
	[IR_CONV] = { 1, 1, 0, 0, true, false, true },
	[IR_SCAN] = { 4, 5, 0, 0, false, false, true },
	[IR_DOT] = { 2, 2, 0, 0, false, false, true },
	[IR_SHIFT] = { 1, 1, 0, 0, false, false, true },
	[IR_WKV] = { 4, 6, 0, 0, false, false, true },
	[IR_PICK] = { 1, 1, 0, 0, false, false, true },
	[IR_LOGITS] = { 1, 1, 0, 0, false, false, false },
	[IR_CENTER] = { 1, 1, 0, 0, false, false, true },
	[IR_L2NORM] = { 1, 1, 0, 0, true, false, true },
	[IR_DOTS] = { 1, 1, 0, 0, true, false, true },
	[IR_SOFTMAX] = { 1, 1, 0, 0, false, false, true },
	[IR_ROUTE] = { 1, 2, 0, 0, true, false, true },
	[IR_EXPERTS] = { 2, 2, 1, SIZE_MAX, false, false, true },
	[IR_GATHER] = { 1, 1, 0, 0, true, false, true },
	[IR_HEADMM] = { 1, 1, 1, 1, false, false, true },
	[IR_JOIN] = { 2, 2, 0, 0, false, false, true },
	[IR_COMBINE] = { 2, 3, 1, SIZE_MAX, false, false, true },
	[IR_SQLA] = { 4, 4, 0, 0, true, false, true },
	[IR_RUNSUM] = { 1, 1, 0, 0, false, false, true },
};

static int bad(struct ir_model *m, const struct ir_op *op, const char *what)
{
	return diag_set(&m->diag, -EINVAL, "graph: v%u %s \"%s\": %s", op->id,
			ir_kind_name(op->kind), op->name, what);
}

static int check_common(struct ir_model *m, const struct ir_op *op)
{
	size_t i;

	if (op->n_in < shape[op->kind].in_min || op->n_in > shape[op->kind].in_max)
		return bad(m, op, "wrong number of inputs");
	if (op->n_mats < shape[op->kind].mats_min || op->n_mats > shape[op->kind].mats_max)
		return bad(m, op, "wrong number of matrices");
	if (!op->konst == shape[op->kind].konst && op->kind != IR_ELT && op->kind != IR_SCAN &&
	    op->kind != IR_ATTENTION && op->kind != IR_EXPERTS && op->kind != IR_COMBINE)
		return bad(m, op, "constant missing or not wanted");
	if (!op->table == shape[op->kind].table)
		return bad(m, op, "table missing or not wanted");
	if (op->dt >= IR_DTYPES)
		return bad(m, op, "unknown data type");
	for (i = 0; i < op->n_in; i++) {
		if (op->in[i]->id >= op->id)
			return bad(m, op, "input is not defined before its use");
		if (!shape[op->in[i]->kind].value)
			return bad(m, op, "input has no value");
	}
	if (shape[op->kind].value && (!op->width || op->width > IR_MAX_WIDTH))
		return bad(m, op, "width is zero or too large");
	if (op->dt == IR_Q8 && (!op->seg || op->width % op->seg))
		return bad(m, op, "width is no multiple of the quantisation row");
	return 0;
}

static int check_matmul(struct ir_model *m, const struct ir_op *op)
{
	uint64_t rows = 0;
	size_t i;

	for (i = 0; i < op->n_mats; i++) {
		if (op->mats[i]->cols != op->in[0]->width)
			return bad(m, op, "matrix does not fit the input");
		if (op->mats[i]->fmt != op->mats[0]->fmt)
			return bad(m, op, "matrices of different formats");
		if (__builtin_add_overflow(rows, op->mats[i]->rows, &rows))
			return bad(m, op, "too many rows");
	}
	if (rows != op->width)
		return bad(m, op, "width is not the number of rows");
	if (op->in[0]->dt == IR_Q8 && op->in[0]->seg != op->in[0]->width)
		return bad(m, op, "input is not quantised as one row");
	if (!isfinite(op->scale))
		return bad(m, op, "scale is not a number");
	if (op->acc != (op->n_in == 2) || op->dt != IR_F32)
		return bad(m, op, "wrong accumulation");
	if (op->acc && (op->in[1]->width != op->width || op->in[1]->dt != IR_F32))
		return bad(m, op, "accumulator does not fit");
	return 0;
}

static int check_concat(struct ir_model *m, const struct ir_op *op)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < op->n_in; i++) {
		n += op->in[i]->width;
		if (op->in[i]->dt != op->dt || op->in[i]->seg != op->seg)
			return bad(m, op, "parts of different types");
	}
	return n == op->width ? 0 : bad(m, op, "width is not the sum of the parts");
}

/* What is told of running sums is a pair for each KV head. */
static bool is_sums(const struct ir_op *in, const struct ir_op *op)
{
	return in->dt == IR_F32 && in->width == 2ull * op->kv_heads;
}

/* Attention without the softmax; its heads are checked. */
static int check_squared(struct ir_model *m, const struct ir_op *op)
{
	size_t i;

	for (i = 1; i < op->n_in && i < 3; i++) {
		if (op->in[i]->width != (uint64_t)op->seg * op->kv_heads)
			return bad(m, op, "keys or values do not fit the heads");
	}
	if (op->n_in > 3 && !is_sums(op->in[3], op))
		return bad(m, op, "running sums do not fit the heads");
	if (op->in[0]->dt == IR_Q8 && op->in[0]->seg != op->seg)
		return bad(m, op, "queries are not quantised by head");
	if (op->squared > 1 || op->vseg || op->window || op->sink || op->cap != 0 ||
	    op->scale != 0 || !op->konst || op->konst->n != 1)
		return bad(m, op, "squared scores with what only a softmax has");
	return op->layer < m->meta.layers ? 0 : bad(m, op, "layer out of range");
}

static int check_sqla(struct ir_model *m, const struct ir_op *op)
{
	uint64_t nk = (uint64_t)op->kv_heads * op->seg;
	size_t i;

	for (i = 0; i < op->n_in; i++) {
		if (op->in[i]->dt != IR_F32)
			return bad(m, op, "operands do not fit");
	}
	if (!op->heads || !op->kv_heads || op->heads % op->kv_heads || !op->seg ||
	    op->seg > IR_MAX_SQUARED || op->dt != IR_F32 || op->in[0]->width != op->width ||
	    op->width != (uint64_t)op->heads * op->seg)
		return bad(m, op, "heads do not fit the width");
	if (op->in[1]->width != nk || op->in[2]->width != nk || op->in[3]->width != op->kv_heads ||
	    op->konst->n != 1)
		return bad(m, op, "operands do not fit");
	return op->layer < m->meta.layers ? 0 : bad(m, op, "layer out of range");
}

static int check_attention(struct ir_model *m, const struct ir_op *op)
{
	uint64_t hs = op->seg, vs = op->vseg ? op->vseg : hs;
	size_t i;

	if (!op->heads || !op->kv_heads || op->heads % op->kv_heads || !hs ||
	    op->width != vs * op->heads || op->in[0]->width != hs * op->heads || op->dt != IR_F32)
		return bad(m, op, "heads do not fit the width");
	if (op->n_in == 2 && (!op->vseg || vs > hs || op->kv_heads != 1))
		return bad(m, op, "values in keys of more than one head, or longer than they");
	if (op->n_in > (op->squared ? 4u : 3u) || (op->squared && op->n_in > 1 && op->n_in < 4))
		return bad(m, op, "wrong number of inputs");
	if (op->squared)
		return check_squared(m, op);
	for (i = 1; i < op->n_in; i++) {
		if (op->in[i]->width != (i == 1 ? hs : vs) * op->kv_heads)
			return bad(m, op, "keys or values do not fit the heads");
	}
	if (op->in[0]->dt == IR_Q8 && op->in[0]->seg != op->seg)
		return bad(m, op, "queries are not quantised by head");
	if (op->window > m->meta.context)
		return bad(m, op, "window beyond the context");
	if (op->sink > 1 ||
	    (op->konst ? op->konst->n : 0) != (op->sink ? op->heads : 0) + (op->window ? 1u : 0u))
		return bad(m, op, "constant is not that of sinks and window");
	if (!isfinite(op->scale) || !(op->cap >= 0) || !isfinite(op->cap) ||
	    (op->sink && op->scale == 0))
		return bad(m, op, "unusable scale or cap");
	return op->layer < m->meta.layers ? 0 : bad(m, op, "layer out of range");
}

/* n elements as operand: all, one per row, or just one. */
static bool elt_operand(const struct ir_op *op, uint64_t n, bool konst)
{
	return n == op->width || (op->seg && n == op->width / op->seg) || (konst && n == 1);
}

static int check_elt(struct ir_model *m, const struct ir_op *op)
{
	unsigned int operands = ir_fn_operands(op->fn);
	size_t i;

	if (!operands)
		return bad(m, op, "function is not one pass of the vector unit");
	if (op->n_in + !!op->konst != operands || op->kpos >= operands || (op->kpos && !op->konst))
		return bad(m, op, "wrong number of operands");
	if (op->seg && op->width % op->seg)
		return bad(m, op, "width is no multiple of the rows");
	for (i = 0; i < op->n_in; i++) {
		if (op->in[i]->dt != IR_F32 || !elt_operand(op, op->in[i]->width, false))
			return bad(m, op, "operands do not fit");
	}
	if (op->konst && !elt_operand(op, op->konst->n, true))
		return bad(m, op, "constant does not fit");
	return 0;
}

static int check_conv(struct ir_model *m, const struct ir_op *op)
{
	if (op->in[0]->width != op->width || op->in[0]->dt != IR_F32 || op->dt != IR_F32)
		return bad(m, op, "does not fit its input");
	if (op->taps < 2 || op->taps > IR_MAX_TAPS)
		return bad(m, op, "unsupported number of taps");
	if (op->konst->n != (uint64_t)(op->taps + 1) * op->width)
		return bad(m, op, "weights do not fit");
	return 0;
}

static int check_scan(struct ir_model *m, const struct ir_op *op)
{
	uint64_t groups = op->kv_heads, dim = op->dim;
	size_t i;

	for (i = 0; i < op->n_in; i++) {
		if (op->in[i]->dt != IR_F32)
			return bad(m, op, "operands do not fit");
	}
	if (!op->heads || !op->seg || !groups || op->heads % groups || !dim || dim > IR_MAX_WIDTH ||
	    op->dt != IR_F32 || (uint64_t)op->heads * op->seg != op->width ||
	    op->in[0]->width != op->width || (uint64_t)op->width * dim > IR_MAX_WIDTH)
		return bad(m, op, "heads do not fit the width");
	if (op->in[1]->width != op->heads || op->in[2]->width != groups * dim ||
	    op->in[3]->width != groups * dim)
		return bad(m, op, "operands do not fit");
	if (!op->konst == (op->n_in == 4))
		return bad(m, op, "decay missing, or there twice");
	if (op->konst && op->konst->n != (uint64_t)op->width * dim + 1)
		return bad(m, op, "decay does not fit");
	if (op->n_in == 5 && op->in[4]->width != op->heads)
		return bad(m, op, "decay does not fit");
	return 0;
}

static int check_wkv(struct ir_model *m, const struct ir_op *op)
{
	uint64_t shared = (uint64_t)op->kv_heads * op->dim, own = (uint64_t)op->heads * op->dim;
	size_t i;

	for (i = 0; i < op->n_in; i++) {
		if (op->in[i]->dt != IR_F32)
			return bad(m, op, "operands do not fit");
	}
	if (!op->heads || !op->seg || !op->kv_heads || op->heads % op->kv_heads || !op->dim ||
	    op->dim > IR_MAX_WIDTH || op->dt != IR_F32 ||
	    (uint64_t)op->heads * op->seg != op->width || op->in[2]->width != op->width ||
	    (uint64_t)op->width * op->dim > IR_MAX_WIDTH)
		return bad(m, op, "heads do not fit the width");
	if (op->n_in == 5 || op->in[0]->width != shared || op->in[1]->width != shared ||
	    (op->in[3]->width != own && op->in[3]->width != op->heads))
		return bad(m, op, "operands do not fit");
	if (op->n_in == 6 && (op->early || op->in[4]->width != shared ||
			      (op->in[5]->width != own && op->in[5]->width != op->heads)))
		return bad(m, op, "the correction does not fit");
	return 0;
}

static bool is_act(uint32_t fn)
{
	return fn == IR_FN_SIGMOID || fn == IR_FN_SILU ||
	       (fn >= IR_FN_GELU && fn <= IR_FN_SOFTPLUS);
}

static bool is_glu(uint32_t fn)
{
	return fn == IR_FN_SIGMOID || fn == IR_FN_SILU || fn == IR_FN_GELU || fn == IR_FN_RELU2 ||
	       fn == IR_FN_OAI;
}

static int check_headmm(struct ir_model *m, const struct ir_op *op)
{
	const struct ir_tensor *t = op->mats[0];

	if (!op->heads || t->rows % op->heads || op->dt != IR_F32 || op->width != t->rows)
		return bad(m, op, "matrices do not fit the heads");
	if (op->in[0]->width != (uint64_t)op->heads * t->cols ||
	    (op->in[0]->dt == IR_Q8 && op->in[0]->seg != t->cols))
		return bad(m, op, "matrix does not fit the input");
	return 0;
}

static int check_join(struct ir_model *m, const struct ir_op *op)
{
	uint64_t sum = (uint64_t)op->in[0]->width + op->in[1]->width;

	if (!op->heads || op->in[0]->width % op->heads || op->in[1]->width % op->heads ||
	    op->in[0]->dt != IR_F32 || op->in[1]->dt != IR_F32 || op->dt != IR_F32 ||
	    sum != op->width)
		return bad(m, op, "parts do not fit the heads");
	return 0;
}

static int check_route(struct ir_model *m, const struct ir_op *op)
{
	uint64_t x = op->in[0]->width, of = op->groups ? x / op->groups : x;
	size_t i;

	for (i = 0; i < op->n_in; i++) {
		if (op->in[i]->dt != IR_F32 || op->in[i]->width != x)
			return bad(m, op, "inputs do not fit");
	}
	if (op->dt != IR_F32 || op->experts != x || op->width != op->used || op->used > x)
		return bad(m, op, "wrong number of experts");
	if (op->groups && (x % op->groups || !op->used_groups || op->used_groups > op->groups ||
			   op->used > op->used_groups * of))
		return bad(m, op, "wrong number of groups");
	if (!op->konst->common || op->konst->n != ir_selector_elements((uint32_t)x))
		return bad(m, op, "selector does not fit");
	return 0;
}

uint64_t ir_expert_rows(const struct ir_op *op)
{
	uint64_t per, rows = op->mats[0]->rows, experts = op->in[1]->experts;
	size_t i;

	if (!op->parts || op->n_mats % op->parts)
		return 0;
	per = op->n_mats / op->parts;
	if (per != 1 && per != experts)
		return 0;
	for (i = 0; i < op->n_mats; i++) {
		const struct ir_tensor *t = op->mats[i];

		if (t->cols != op->mats[0]->cols || t->rows != rows ||
		    t->fmt != op->mats[i / per * per]->fmt)
			return 0;
	}
	if (per != 1)
		return rows;
	if (op->parts > 1 && op->mats[0] == op->mats[1])
		experts *= op->parts;
	return rows % experts ? 0 : rows / experts;
}

static int check_experts(struct ir_model *m, const struct ir_op *op)
{
	const struct ir_op *in = op->in[0], *route = op->in[1];
	bool combine = op->kind == IR_COMBINE;
	uint64_t rows, cols;

	if (route->kind != IR_ROUTE || op->dt != IR_F32)
		return bad(m, op, "no route");
	rows = ir_expert_rows(op);
	cols = op->mats[0]->cols;
	if (!rows || op->parts > IR_MAX_WIDTH / rows || (combine && op->parts != 1))
		return bad(m, op, "matrices are not those of so many experts");
	if (in->width != cols * (combine ? route->used : 1) || (in->dt == IR_Q8 && in->seg != cols))
		return bad(m, op, "matrix does not fit the input");
	if (op->width != rows * (combine ? 1 : op->parts * route->used))
		return bad(m, op, "width is not the number of rows");
	if (op->konst && op->konst->n != rows * op->parts * route->experts)
		return bad(m, op, "bias does not fit");
	if (op->acc != (op->n_in == 3) ||
	    (op->acc && (op->in[2]->width != op->width || op->in[2]->dt != IR_F32)))
		return bad(m, op, "accumulator does not fit");
	return 0;
}

static int check_gather(struct ir_model *m, const struct ir_op *op)
{
	const struct ir_op *route = op->in[0];

	if (route->kind != IR_ROUTE || op->dt != IR_F32)
		return bad(m, op, "no route");
	if (!op->parts || op->width != (uint64_t)op->parts * route->used || op->konst->common ||
	    op->konst->n != (uint64_t)op->parts * route->experts)
		return bad(m, op, "numbers are not those of so many experts");
	return 0;
}

static int check_kind(struct ir_model *m, const struct ir_op *op)
{
	const struct ir_op *in = op->n_in ? op->in[0] : NULL;
	bool same = in && in->width == op->width;
	bool f32 = in && in->dt == IR_F32;
	size_t i;

	switch (op->kind) {
	case IR_EMBED:
		return op->mats[0]->cols == op->width && op->dt == IR_F32
			       ? 0
			       : bad(m, op, "width is not that of the matrix");
	case IR_RMSNORM:
		if (!same || !f32 || !op->seg || op->width % op->seg || op->konst->n != op->width ||
		    !(op->eps >= 0))
			return bad(m, op, "shape, weight or epsilon does not fit");
		return 0;
	case IR_MATMUL:
		return check_matmul(m, op);
	case IR_BIAS:
		return same && f32 && op->konst->n == op->width ? 0
								: bad(m, op, "bias does not fit");
	case IR_SLICE:
		if (op->width > in->width || op->off > in->width - op->width)
			return bad(m, op, "beyond the end of the input");
		if (op->dt != in->dt ||
		    (in->dt == IR_Q8 && (op->seg != in->seg || op->off % op->seg)))
			return bad(m, op, "not at a border of the input's groups");
		return 0;
	case IR_CONCAT:
		return check_concat(m, op);
	case IR_ROPE:
		if (!same || !f32 || !op->seg || op->width % op->seg || op->table->dims > op->seg ||
		    op->table->dims % 2 || !op->table->dims)
			return bad(m, op, "heads or rotated dimensions do not fit");
		if (op->dt == IR_Q8 && (op->table->dims != op->seg || op->seg / 2 % 32))
			return bad(m, op, "halves of a head are no whole groups");
		return 0;
	case IR_QUANT:
		return same && f32 && op->dt == IR_Q8 ? 0 : bad(m, op, "does not fit its input");
	case IR_KVSTORE:
		if (op->n_in == 1 && (!op->vseg || op->vseg > op->seg))
			return bad(m, op, "wrong number of inputs");
		if (op->squared ? op->n_in != 3 : op->n_in > 2)
			return bad(m, op, "wrong number of inputs");
		if (op->squared && (op->squared > 1 || op->window || !is_sums(op->in[2], op)))
			return bad(m, op, "running sums do not fit the heads");
		for (i = 0; i < op->n_in && i < 2; i++) {
			uint32_t seg = i && op->vseg ? op->vseg : op->seg;

			if (op->in[i]->dt != IR_Q8 || op->in[i]->seg != seg ||
			    op->in[i]->width / seg != in->width / op->seg)
				return bad(m, op, "keys and values do not fit");
		}
		return op->layer < m->meta.layers ? 0 : bad(m, op, "layer out of range");
	case IR_ATTENTION:
		return check_attention(m, op);
	case IR_ACT:
		return same && f32 && op->dt == IR_F32 && is_act(op->fn)
			       ? 0
			       : bad(m, op, "does not fit its input");
	case IR_ELT:
		return check_elt(m, op);
	case IR_CONV:
		return check_conv(m, op);
	case IR_SCAN:
		return check_scan(m, op);
	case IR_DOT:
		if (!f32 || op->in[1]->dt != IR_F32 || op->in[1]->width != in->width || !op->seg ||
		    (uint64_t)op->width * op->seg != in->width || op->dt != IR_F32)
			return bad(m, op, "rows do not fit");
		return 0;
	case IR_SHIFT:
		return same && f32 && op->dt == IR_F32 ? 0 : bad(m, op, "does not fit its input");
	case IR_WKV:
		return check_wkv(m, op);
	case IR_SQLA:
		return check_sqla(m, op);
	case IR_RUNSUM:
		return f32 && op->dt == IR_F32 && op->width == 2ull * in->width
			       ? 0
			       : bad(m, op, "is not a pair for each element of its input");
	case IR_GLU:
		if (!is_glu(op->fn))
			return bad(m, op, "not a function of a gate");
		__attribute__((fallthrough));
	case IR_ADD:
		if (!same || !f32 || op->in[1]->width != op->width || op->in[1]->dt != IR_F32 ||
		    op->dt != IR_F32)
			return bad(m, op, "operands do not fit");
		return 0;
	case IR_PICK:
		return same && op->dt == in->dt && op->seg == in->seg ? 0
								      : bad(m, op, "does not fit");
	case IR_LOGITS:
		return in->width == m->meta.vocab && f32 ? 0 : bad(m, op, "not of the vocabulary");
	case IR_CENTER:
	case IR_L2NORM:
		return same && f32 && op->seg && op->width % op->seg == 0 &&
				       (!op->konst || op->konst->n == 1)
			       ? 0
			       : bad(m, op, "shape or epsilon does not fit");
	case IR_DOTS:
		return f32 && op->dt == IR_F32 && op->konst->n == (uint64_t)op->width * in->width &&
				       !op->konst->common
			       ? 0
			       : bad(m, op, "constant is not a row for every result");
	case IR_SOFTMAX:
		return same && f32 && op->dt == IR_F32 ? 0 : bad(m, op, "does not fit its input");
	case IR_ROUTE:
		return check_route(m, op);
	case IR_GATHER:
		return check_gather(m, op);
	case IR_HEADMM:
		return check_headmm(m, op);
	case IR_JOIN:
		return check_join(m, op);
	case IR_EXPERTS:
	case IR_COMBINE:
		return check_experts(m, op);
	case IR_KINDS:
		break;
	}
	return bad(m, op, "unknown operation");
}

static int check_const(struct ir_model *m, const struct ir_const *c)
{
	uint64_t sum = 0, n;
	size_t i;

	for (i = 0; i < c->n_pieces; i++) {
		const struct ir_piece *p = &c->pieces[i];

		if (__builtin_mul_overflow(p->n, p->repeat, &n) ||
		    __builtin_add_overflow(sum, n, &sum))
			sum = UINT64_MAX;
		if (p->t && p->t->rows * p->t->cols != p->n)
			sum = UINT64_MAX;
		if (sum > IR_MAX_WIDTH)
			break;
	}
	if (sum != c->n || c->n > IR_MAX_WIDTH)
		return diag_set(&m->diag, -EINVAL,
				"graph: constant c%u \"%s\": pieces do not add up", c->id, c->name);
	return 0;
}

int ir_verify(struct ir_model *m)
{
	const struct ir_tensor *t;
	const struct ir_const *c;
	const struct ir_table *r;
	const struct ir_op *op;

	if (m->diag.err)
		return m->diag.err;
	ir_renumber(m);
	for (t = m->tensors; t; t = t->next) {
		if (!t->rows || t->rows > IR_MAX_WIDTH || !t->cols || t->cols > IR_MAX_WIDTH ||
		    t->fmt >= IR_FORMATS)
			return diag_set(&m->diag, -EINVAL,
					"graph: tensor t%u: unusable shape or format", t->id);
	}
	for (c = m->consts; c; c = c->next) {
		if (check_const(m, c))
			return m->diag.err;
	}
	for (r = m->tables; r; r = r->next) {
		if (!r->dims || r->dims % 2 || !r->positions ||
		    (r->factors && r->factors->rows * r->factors->cols != r->dims / 2))
			return diag_set(&m->diag, -EINVAL, "graph: table r%u: bad shape", r->id);
	}
	for (op = m->first; op; op = op->next) {
		if (check_common(m, op) || check_kind(m, op))
			return m->diag.err;
	}
	return 0;
}
