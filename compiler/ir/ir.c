// SPDX-License-Identifier: MIT
#include <float.h>
#include <string.h>

#include "compiler/ir/ir.h"
#include "ig1_isa.h"

static const char *const kind_names[IR_KINDS] = {
	[IR_EMBED] = "embed",	  [IR_RMSNORM] = "rmsnorm",
	[IR_MATMUL] = "matmul",	  [IR_BIAS] = "bias",
	[IR_SLICE] = "slice",	  [IR_CONCAT] = "concat",
	[IR_ROPE] = "rope",	  [IR_QUANT] = "quant",
	[IR_KVSTORE] = "kvstore", [IR_ATTENTION] = "attention",
	[IR_ADD] = "add",	  [IR_ACT] = "act",
	[IR_GLU] = "glu",	  [IR_ELT] = "elt",
	[IR_PICK] = "pick",	  [IR_LOGITS] = "logits",
	[IR_CONV] = "conv",	  [IR_SCAN] = "scan",
	[IR_CENTER] = "center",	  [IR_L2NORM] = "l2norm",
	[IR_SHIFT] = "shift",	  [IR_WKV] = "wkv",
	[IR_DOT] = "dot",	  [IR_DOTS] = "dots",
	[IR_SOFTMAX] = "softmax", [IR_ROUTE] = "route",
	[IR_EXPERTS] = "experts", [IR_COMBINE] = "combine",
	[IR_HEADMM] = "headmm",	  [IR_JOIN] = "join",
	[IR_SQLA] = "sqla",	  [IR_RUNSUM] = "runsum",
	[IR_GATHER] = "gather",
};

static const struct {
	const char *name;
	uint32_t wfmt;
} formats[IR_FORMATS] = {
	[IR_FMT_NONE] = { "none", UINT32_MAX },	   [IR_FMT_F32] = { "f32", UINT32_MAX },
	[IR_FMT_Q8_0] = { "q8_0", IG1_WFMT_Q8_0 }, [IR_FMT_Q4_0] = { "q4_0", IG1_WFMT_Q4_0 },
	[IR_FMT_T2_0] = { "t2_0", IG1_WFMT_T2_0 }, [IR_FMT_B1_0] = { "b1_0", IG1_WFMT_B1_0 },
	[IR_FMT_MX4] = { "mx4", IG1_WFMT_MX4 },	   [IR_FMT_NV4] = { "nv4", IG1_WFMT_NV4 },
	[IR_FMT_IQ4] = { "iq4", IG1_WFMT_IQ4 },	   [IR_FMT_Q4_1] = { "q4_1", IG1_WFMT_Q4_1 },
	[IR_FMT_Q5_1] = { "q5_1", IG1_WFMT_Q5_1 }, [IR_FMT_Q6_K] = { "q6_k", IG1_WFMT_Q6_K },
};

static const struct {
	const char *name;
	unsigned int operands;
} fns[IR_FNS] = {
	[IR_FN_NONE] = { "none", 0 },	    [IR_FN_MOV] = { "mov", 1 },
	[IR_FN_ADD] = { "add", 2 },	    [IR_FN_SUB] = { "sub", 2 },
	[IR_FN_MUL] = { "mul", 2 },	    [IR_FN_MAX] = { "max", 2 },
	[IR_FN_MAD] = { "mad", 3 },	    [IR_FN_MUL3] = { "mul3", 3 },
	[IR_FN_LIN] = { "lin", 1 },	    [IR_FN_EXPS] = { "exps", 2 },
	[IR_FN_RECIP] = { "recip", 1 },	    [IR_FN_RSQRT] = { "rsqrt", 1 },
	[IR_FN_SIGMOID] = { "sigmoid", 1 }, [IR_FN_SILU] = { "silu", 1 },
	[IR_FN_SILUMUL] = { "silumul", 2 }, [IR_FN_GELU] = { "gelu", 0 },
	[IR_FN_RELU2] = { "relu2", 0 },	    [IR_FN_TANH] = { "tanh", 0 },
	[IR_FN_EXP] = { "exp", 0 },	    [IR_FN_SOFTPLUS] = { "softplus", 0 },
	[IR_FN_OAI] = { "oai", 0 },
};

const char *ir_fn_name(uint32_t fn)
{
	return fn < IR_FNS ? fns[fn].name : "?";
}

unsigned int ir_fn_operands(uint32_t fn)
{
	return fn < IR_FNS ? fns[fn].operands : 0;
}

const char *ir_kind_name(enum ir_kind kind)
{
	return (unsigned int)kind < IR_KINDS ? kind_names[kind] : "?";
}

const char *ir_format_name(uint32_t fmt)
{
	return fmt < IR_FORMATS ? formats[fmt].name : "?";
}

uint32_t ir_format_wfmt(uint32_t fmt)
{
	return fmt < IR_FORMATS ? formats[fmt].wfmt : UINT32_MAX;
}

const char *ir_wfmt_name(uint32_t wfmt)
{
	uint32_t i;

	for (i = IR_FMT_Q8_0; i < IR_FORMATS; i++) {
		if (formats[i].wfmt == wfmt)
			return formats[i].name;
	}
	return "?";
}

void ir_init(struct ir_model *m)
{
	*m = (struct ir_model){ 0 };
	m->tensors_tail = &m->tensors;
	m->consts_tail = &m->consts;
	m->tables_tail = &m->tables;
}

void ir_free(struct ir_model *m)
{
	arena_free(&m->arena);
	ir_init(m);
}

struct ir_tensor *ir_tensor_new(struct ir_model *m, const char *name, size_t len)
{
	struct ir_tensor *t = arena_alloc(&m->arena, sizeof(*t));

	if (t)
		t->name = arena_strndup(&m->arena, name, len);
	if (!t || !t->name) {
		diag_nomem(&m->diag);
		return NULL;
	}
	*m->tensors_tail = t;
	m->tensors_tail = &t->next;
	return t;
}

struct ir_const *ir_const_new(struct ir_model *m, const char *name, size_t n_pieces)
{
	struct ir_const *c = arena_alloc(&m->arena, sizeof(*c));

	if (c) {
		c->name = arena_strndup(&m->arena, name, strlen(name));
		c->pieces = arena_array(&m->arena, n_pieces, sizeof(*c->pieces));
		c->n_pieces = n_pieces;
	}
	if (!c || !c->name || !c->pieces) {
		diag_nomem(&m->diag);
		return NULL;
	}
	*m->consts_tail = c;
	m->consts_tail = &c->next;
	return c;
}

struct ir_const *ir_const_tensor(struct ir_model *m, struct ir_tensor *t)
{
	struct ir_const *c;

	if (!t)
		return NULL;
	c = ir_const_new(m, t->name, 1);
	if (!c)
		return NULL;
	c->pieces[0] = (struct ir_piece){ .t = t, .n = t->rows * t->cols, .repeat = 1 };
	c->n = c->pieces[0].n;
	return c;
}

struct ir_const *ir_const_value(struct ir_model *m, float value)
{
	struct ir_const *c;

	for (c = m->consts; c; c = c->next) {
		if (c->common && c->n == 1 && !memcmp(&c->pieces[0].value, &value, sizeof(value)))
			return c;
	}
	c = ir_const_new(m, "number", 1);
	if (!c)
		return NULL;
	c->pieces[0] = (struct ir_piece){ .value = value, .n = 1, .repeat = 1 };
	c->n = 1;
	c->common = 1;
	return c;
}

struct ir_const *ir_const_selector(struct ir_model *m, uint32_t n)
{
	const struct ir_piece pieces[] = {
		{ .value = 0, .n = n - 1, .repeat = 1 },
		{ .value = 1, .n = 1, .repeat = 1 },
		{ .value = 0, .n = n - 1, .repeat = 1 },
		{ .value = -FLT_MAX, .n = 1, .repeat = 1 },
		{ .value = IR_ROUTE_LEAST, .n = 1, .repeat = 1 },
	};
	const size_t n_pieces = sizeof(pieces) / sizeof(pieces[0]);
	struct ir_const *c;

	for (c = m->consts; c; c = c->next) {
		if (c->common && c->n == ir_selector_elements(n) && c->n_pieces == n_pieces)
			return c;
	}
	c = ir_const_new(m, "selector", n_pieces);
	if (!c)
		return NULL;
	memcpy(c->pieces, pieces, sizeof(pieces));
	c->n = ir_selector_elements(n);
	c->common = 1;
	return c;
}

struct ir_table *ir_table_new(struct ir_model *m, const char *name)
{
	struct ir_table *t = arena_alloc(&m->arena, sizeof(*t));

	if (t)
		t->name = arena_strndup(&m->arena, name, strlen(name));
	if (!t || !t->name) {
		diag_nomem(&m->diag);
		return NULL;
	}
	*m->tables_tail = t;
	m->tables_tail = &t->next;
	return t;
}

struct ir_op *ir_op_make(struct ir_model *m, enum ir_kind kind, const char *name, size_t n_in,
			 struct ir_op *const *in, size_t n_mats)
{
	struct ir_op *op;
	size_t i;

	if (m->diag.err)
		return NULL;
	for (i = 0; i < n_in; i++) {
		if (!in[i])
			return NULL;
	}
	op = arena_alloc(&m->arena, sizeof(*op));
	if (op) {
		op->kind = kind;
		op->name = arena_strndup(&m->arena, name, strlen(name));
		op->in = arena_array(&m->arena, n_in, sizeof(*op->in));
		op->mats = arena_array(&m->arena, n_mats, sizeof(*op->mats));
	}
	if (!op || !op->name || !op->in || !op->mats) {
		diag_nomem(&m->diag);
		return NULL;
	}
	op->n_in = n_in;
	op->n_mats = n_mats;
	if (n_in)
		memcpy(op->in, in, n_in * sizeof(*in));
	return op;
}

struct ir_op *ir_op_new(struct ir_model *m, enum ir_kind kind, const char *name, size_t n_in,
			struct ir_op *const *in, size_t n_mats)
{
	struct ir_op *op = ir_op_make(m, kind, name, n_in, in, n_mats);

	if (op)
		ir_op_before(m, NULL, op);
	return op;
}

void ir_op_before(struct ir_model *m, struct ir_op *at, struct ir_op *op)
{
	op->next = at;
	op->prev = at ? at->prev : m->last;
	if (op->prev)
		op->prev->next = op;
	else
		m->first = op;
	if (at)
		at->prev = op;
	else
		m->last = op;
}

void ir_op_unlink(struct ir_model *m, struct ir_op *op)
{
	if (op->prev)
		op->prev->next = op->next;
	else
		m->first = op->next;
	if (op->next)
		op->next->prev = op->prev;
	else
		m->last = op->prev;
	op->next = NULL;
	op->prev = NULL;
}

void ir_replace_uses(struct ir_model *m, struct ir_op *from, struct ir_op *to, struct ir_op *keep)
{
	struct ir_op *op;
	size_t i;

	for (op = m->first; op; op = op->next) {
		for (i = 0; op != keep && i < op->n_in; i++) {
			if (op->in[i] == from)
				op->in[i] = to;
		}
	}
}

size_t ir_uses(const struct ir_model *m, const struct ir_op *op)
{
	const struct ir_op *u;
	size_t i, n = 0;

	for (u = m->first; u; u = u->next) {
		for (i = 0; i < u->n_in; i++)
			n += u->in[i] == op;
	}
	return n;
}

struct ir_op *ir_only_user(const struct ir_model *m, const struct ir_op *op)
{
	struct ir_op *u, *found = NULL;
	size_t i;

	for (u = m->first; u; u = u->next) {
		for (i = 0; i < u->n_in; i++) {
			if (u->in[i] != op)
				continue;
			if (found)
				return NULL;
			found = u;
		}
	}
	return found;
}

void ir_renumber(struct ir_model *m)
{
	struct ir_tensor *t;
	struct ir_const *c;
	struct ir_table *r;
	struct ir_op *op;
	uint32_t i;

	for (i = 0, t = m->tensors; t; t = t->next)
		t->id = i++;
	for (i = 0, c = m->consts; c; c = c->next)
		c->id = i++;
	for (i = 0, r = m->tables; r; r = r->next)
		r->id = i++;
	for (i = 0, op = m->first; op; op = op->next)
		op->id = i++;
}

/* Counts are at most IR_MAX_WIDTH, and a scan's product is; see ir_verify.c. */
uint64_t ir_state_bytes(const struct ir_op *op)
{
	switch (op->kind) {
	case IR_CONV:
		return 4ull * (op->taps - 1) * op->width;
	case IR_SHIFT:
		return 4ull * op->width;
	case IR_SCAN:
	case IR_WKV:
		return 4ull * op->width * op->dim;
	case IR_SQLA:
		return 4ull * op->kv_heads * (op->seg + 1) * ir_monomials(op->seg);
	case IR_RUNSUM:
		return 4ull * op->width;
	default:
		return 0;
	}
}
