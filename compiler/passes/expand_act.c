// SPDX-License-Identifier: MIT
/*
 * Activations as element-wise operations, one pass of the vector unit each. models.md section 4 has
 * the definitions; what is done about cancellation and overflow stands beside each.
 *
 * Errors against double precision, u = 2^-24, over all finite operands; measured by tests/test_act.c on
 * the reference model, the bound that it holds them to in brackets:
 *	sigmoid		3.7 u (4.75), below -87.3 zero instead of less than 2^-126
 *	silu		4.2 u (5.75), below -87.3 zero instead of less than 2^-119
 *	gelu		relative (6 + 4 |z|) u, z the exponent 1.6 (x + 0.0447 x^3): it is rounded before the
 *			sigmoid is taken; 143 u where gelu is 1e-32, below 20 u where it is above 1e-3
 *	relu2		1.0 u (1)
 *	tanh		absolute 3.8 u (5)
 *	exp		3.3 u (3.5), below -87.3 zero instead of less than 2^-126
 *	softplus	5.4 u (10), likewise
 *	oai		relative (9 + 2 |z|) u, z = 1.702 g
 * and 1 u more for a gate's product. Infinities have the functions' limits but for silu(-inf) and
 * gelu(-inf), which are no number; NaN stays NaN.
 */
#include "compiler/passes/pass.h"

struct expand {
	struct ir_model *m;
	struct ir_op *at;
	unsigned int parts;
};

/* An operation of n operands, put before the one that is expanded; k: the last operand, or NULL. */
static struct ir_op *elt(struct expand *x, enum ir_fn fn, size_t n, struct ir_op *const *in,
			 struct ir_const *k)
{
	const char *name = arena_printf(&x->m->arena, "%s.%u", x->at->name, x->parts++);
	struct ir_op *op = ir_op_make(x->m, IR_ELT, name ? name : x->at->name, n, in, 0);

	if (!op)
		return NULL;
	op->fn = fn;
	op->width = x->at->width;
	op->konst = k;
	op->kpos = k ? (uint32_t)n : 0;
	ir_op_before(x->m, x->at, op);
	return op;
}

static struct ir_op *one(struct expand *x, enum ir_fn fn, struct ir_op *a)
{
	return elt(x, fn, 1, &a, NULL);
}

static struct ir_op *two(struct expand *x, enum ir_fn fn, struct ir_op *a, struct ir_op *b)
{
	struct ir_op *in[2] = { a, b };

	return elt(x, fn, 2, in, NULL);
}

static struct ir_op *three(struct expand *x, enum ir_fn fn, struct ir_op *a, struct ir_op *b,
			   struct ir_op *c)
{
	struct ir_op *in[3] = { a, b, c };

	return elt(x, fn, 3, in, NULL);
}

static struct ir_op *lin(struct expand *x, struct ir_op *a, double scale, double shift)
{
	struct ir_op *op;

	/* of another one without a shift: one pass, one rounding less */
	if (a && a->kind == IR_ELT && a->fn == IR_FN_LIN && a->shift == 0) {
		scale *= (double)a->scale;
		a = a->in[0];
	}
	op = one(x, IR_FN_LIN, a);
	if (!op)
		return NULL;
	op->scale = (float)scale;
	op->shift = (float)shift;
	return op;
}

/* max(a, v) */
static struct ir_op *at_least(struct expand *x, struct ir_op *a, float v)
{
	struct ir_const *k = ir_const_value(x->m, v);

	return k ? elt(x, IR_FN_MAX, 1, &a, k) : NULL;
}

/* min(a, v) */
static struct ir_op *at_most(struct expand *x, struct ir_op *a, float v)
{
	return lin(x, at_least(x, lin(x, a, -1, 0), -v), -1, 0);
}

/* exp(a * scale) */
static struct ir_op *exp_of(struct expand *x, struct ir_op *a, float scale)
{
	struct ir_const *k = ir_const_value(x->m, 0);
	struct ir_op *op = k ? elt(x, IR_FN_EXPS, 1, &a, k) : NULL;

	if (op)
		op->scale = scale;
	return op;
}

/* 0.5 (1 + tanh(z)) is sigmoid(2 z): nothing cancels. */
static struct ir_op *gelu_gate(struct expand *x, struct ir_op *a)
{
	const double k = 2 * 0.7978845608028654;

	return one(x, IR_FN_SIGMOID,
		   two(x, IR_FN_MUL, lin(x, two(x, IR_FN_MUL, a, a), k * 0.044715, k), a));
}

static struct ir_op *relu2(struct expand *x, struct ir_op *a)
{
	struct ir_op *r = at_least(x, a, 0);

	return two(x, IR_FN_MUL, r, r);
}

/* 2 sigmoid(2 a) - 1: an absolute error of a few u, which is what soft caps need. */
static struct ir_op *tanh_of(struct expand *x, struct ir_op *a)
{
	return lin(x, one(x, IR_FN_SIGMOID, lin(x, a, 2, 0)), 2, -1);
}

/*
 * max(a, 0) + ln(1 + u), u = exp(-|a|) in (0, 1]; ln(1 + u) = 2 artanh(s), s = u / (2 + u) at most 1/3,
 * by its series up to s^15: what is left out is below 2^-27 of it. Nothing overflows, and small
 * results keep their relative accuracy.
 */
static struct ir_op *softplus(struct expand *x, struct ir_op *a)
{
	struct ir_op *u, *s, *q, *p;
	struct ir_const *k;
	int i;

	u = exp_of(x, two(x, IR_FN_MAX, a, lin(x, a, -1, 0)), -1);
	s = two(x, IR_FN_MUL, u, one(x, IR_FN_RECIP, lin(x, u, 1, 2)));
	q = two(x, IR_FN_MUL, s, s);
	p = lin(x, q, 2.0 / 15, 2.0 / 13);
	for (i = 11; i > 0 && p; i -= 2) {
		struct ir_op *in[2] = { p, q };

		k = ir_const_value(x->m, (float)(2.0 / i));
		p = k ? elt(x, IR_FN_MAD, 2, in, k) : NULL;
	}
	return three(x, IR_FN_MAD, p, s, at_least(x, a, 0));
}

/* g' sigmoid(1.702 g') (clamp(u, -7, 7) + 1), g' = min(g, 7) */
static struct ir_op *oai(struct expand *x, struct ir_op *g, struct ir_op *u)
{
	struct ir_op *a = at_most(x, g, 7), *b = lin(x, at_most(x, at_least(x, u, -7), 7), 1, 1);

	return three(x, IR_FN_MUL3, a, one(x, IR_FN_SIGMOID, lin(x, a, 1.702, 0)), b);
}

static struct ir_op *act(struct expand *x, uint32_t fn, struct ir_op *a)
{
	switch (fn) {
	case IR_FN_SIGMOID:
	case IR_FN_SILU:
		return one(x, (enum ir_fn)fn, a);
	case IR_FN_GELU:
		return two(x, IR_FN_MUL, a, gelu_gate(x, a));
	case IR_FN_RELU2:
		return relu2(x, a);
	case IR_FN_TANH:
		return tanh_of(x, a);
	case IR_FN_EXP:
		return exp_of(x, a, 1);
	default:
		return softplus(x, a);
	}
}

static struct ir_op *glu(struct expand *x, uint32_t fn, struct ir_op *g, struct ir_op *u)
{
	switch (fn) {
	case IR_FN_SILU:
		return two(x, IR_FN_SILUMUL, g, u);
	case IR_FN_GELU:
		return three(x, IR_FN_MUL3, g, gelu_gate(x, g), u);
	case IR_FN_OAI:
		return oai(x, g, u);
	default:
		return two(x, IR_FN_MUL, act(x, fn, g), u);
	}
}

int pass_expand_act(struct ir_model *m, const struct pass_options *o)
{
	struct ir_op *op, *next, *y;

	(void)o;
	for (op = m->first; op; op = next) {
		struct expand x = { .m = m, .at = op };

		next = op->next;
		if (op->kind == IR_ACT)
			y = act(&x, op->fn, op->in[0]);
		else if (op->kind == IR_GLU)
			y = glu(&x, op->fn, op->in[0], op->in[1]);
		else
			continue;
		if (!y)
			return m->diag.err;
		y->name = op->name;
		ir_replace_uses(m, op, y, NULL);
		ir_op_unlink(m, op);
	}
	return 0;
}
