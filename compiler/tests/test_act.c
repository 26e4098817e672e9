// SPDX-License-Identifier: MIT
/*
 * Activations as expand_act makes them, on the reference model, against double precision: over the
 * range of what can be told apart, dense where the functions bend, at the ends of the exponent range,
 * and for what is no number.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/codegen/lower.h"
#include "compiler/compile.h"
#include "compiler/passes/pass.h"
#include "compiler/tests/gguf_walk.h"
#include "ref.h"

#define WIDTH	2048u
#define BATCHES 24u
#define MEMORY	(4u << 20)
#define PROG_VA 0x10000ull
#define IN_VA	0x100000ull
#define OUT_VA	0x200000ull
#define U	0x1p-24

struct rig {
	struct ir_model m;
	struct cg_prog p;
	struct ig1_ref *ref;
	uint8_t *mem, *crom;
	const struct ig1_config *chip;
};

static int bus_read(void *ctx, uint64_t addr, void *dst, size_t n)
{
	struct rig *r = ctx;

	if (addr > MEMORY || n > MEMORY - addr)
		return -1;
	memcpy(dst, r->mem + addr, n);
	return 0;
}

static int bus_write(void *ctx, uint64_t addr, const void *src, size_t n)
{
	struct rig *r = ctx;

	if (addr > MEMORY || n > MEMORY - addr)
		return -1;
	memcpy(r->mem + addr, src, n);
	return 0;
}

static void move(struct rig *r, uint8_t op, uint64_t va, uint32_t buf)
{
	struct cg_cmd *c = cg_cmd(&r->p, op, "move");

	c->u.dma.va = va;
	c->u.dma.bytes = 4 * WIDTH;
	c->u.dma.n1 = 1;
	c->u.dma.n2 = 1;
	cg_ref(&r->p, c, CG_FIELD(dma, sp), false, op == IG1_OP_D_LD, buf, 0);
}

/* The program: inputs, the passes of an activation or a gate, the result. */
static void rig_open(struct rig *r, bool gate, enum ir_fn fn)
{
	static const struct cg_shape shape = { .cols = 1, .depth = 1 };
	const struct ig1_bus bus = { .ctx = r, .read = bus_read, .write = bus_write };
	struct ir_op *in[2], *op, *last;
	struct lower l = { .shape = &shape };
	struct ig1_mask mask = { 0 };
	struct ir_const *k;
	uint8_t *code;
	size_t bytes, i;

	memset(r, 0, sizeof(*r));
	ir_init(&r->m);
	r->chip = compile_chip("default");
	for (i = 0; i < 2; i++) {
		in[i] = ir_op_new(&r->m, IR_EMBED, "in", 0, NULL, 0);
		assert_non_null(in[i]);
		in[i]->width = WIDTH;
	}
	op = ir_op_new(&r->m, gate ? IR_GLU : IR_ACT, "act", gate ? 2 : 1, in, 0);
	assert_non_null(op);
	op->width = WIDTH;
	op->fn = fn;
	last = ir_op_new(&r->m, IR_LOGITS, "out", 1, &op, 0);
	assert_non_null(last);
	assert_int_equal(pass_expand_act(&r->m, NULL), 0);
	ir_renumber(&r->m);
	r->crom = calloc(1, 4096);
	for (k = r->m.consts, i = 0; k; k = k->next, i++) {
		k->addr = 4 * i;
		memcpy(r->crom + 4 * i, &k->pieces[0].value, 4);
	}
	cg_prog_init(&r->p, &r->m.arena, &r->m.diag, r->chip);
	l.m = &r->m;
	l.p = &r->p;
	l.vals = arena_array(&r->m.arena, r->m.last->id + 1, sizeof(*l.vals));
	assert_non_null(l.vals);
	for (op = r->m.first; op != last; op = op->next)
		l.vals[op->id] = (struct cg_val){ .set = true,
						  .buf = cg_buf(&r->p, op->name, 4 * WIDTH),
						  .cstride = 4 * WIDTH,
						  .rcols = R_COLS };
	for (i = 0; i < 2; i++)
		move(r, IG1_OP_D_LD, IN_VA + i * 4 * WIDTH, l.vals[in[i]->id].buf);
	cg_cmd(&r->p, IG1_OP_S_SYNC, "sync");
	for (op = r->m.first; op != last; op = op->next) {
		if (op->kind == IR_ELT)
			lw_elt(&l, op);
		else
			assert_int_equal(op->kind, IR_EMBED);
	}
	cg_cmd(&r->p, IG1_OP_S_SYNC, "sync");
	move(r, IG1_OP_D_ST, OUT_VA, l.vals[last->in[0]->id].buf);
	cg_cmd(&r->p, IG1_OP_S_END, "end");
	assert_int_equal(cg_plan(&r->p), 0);
	assert_true(r->p.scratch_used <= r->chip->scratch_bytes);
	assert_int_equal(cg_encode_all(&r->p, &code, &bytes), 0);
	r->mem = calloc(1, MEMORY);
	assert_non_null(r->mem);
	((uint64_t *)r->mem)[0] = 4096 | IG1_PTE_VALID;
	for (i = 0; i < MEMORY >> 21; i++)
		((uint64_t *)(r->mem + 4096))[i] =
			i << 21 | IG1_PTE_VALID | IG1_PTE_WRITE | IG1_PTE_LEAF;
	memcpy(r->mem + PROG_VA, code, bytes);
	free(code);
	mask.crom = r->crom;
	mask.crom_bytes = 4096;
	assert_int_equal(ig1_ref_create(r->chip, &mask, &bus, &r->ref), 0);
}

static void rig_close(struct rig *r)
{
	ig1_ref_destroy(r->ref);
	cg_prog_free(&r->p);
	ir_free(&r->m);
	free(r->mem);
	free(r->crom);
}

static void rig_run(struct rig *r, const float *a, const float *b, float *out)
{
	struct ig1_job job = { .magic = IG1_JOB_MAGIC,
			       .nargs = IG1_ARGS,
			       .prog_va = PROG_VA,
			       .prog_len = (uint32_t)r->p.n_cmds,
			       .args = { 0, 1 } };
	struct ig1_completion done;

	memcpy(r->mem + IN_VA, a, 4 * WIDTH);
	memcpy(r->mem + IN_VA + 4 * WIDTH, b, 4 * WIDTH);
	ig1_ref_run(r->ref, &job, 1, &done);
	if (done.status)
		fail_msg("fault %u in command %u", done.fault, done.fault_index);
	memcpy(out, r->mem + OUT_VA, 4 * WIDTH);
}

/* --- double precision --- */

static double sigmoid(double x)
{
	return 1 / (1 + exp(-x));
}

static double gelu(double x)
{
	return x * sigmoid(2 * 0.7978845608028654 * (x + 0.044715 * x * x * x));
}

static double oai(double g, double u)
{
	double a = fmin(g, 7);

	return a * sigmoid(1.702 * a) * (fmin(fmax(u, -7), 7) + 1);
}

static double want(bool gate, enum ir_fn fn, double x, double u)
{
	double y;

	switch (fn) {
	case IR_FN_SIGMOID:
		y = sigmoid(x);
		break;
	case IR_FN_SILU:
		y = x * sigmoid(x);
		break;
	case IR_FN_GELU:
		y = gelu(x);
		break;
	case IR_FN_RELU2:
		y = x > 0 ? x * x : 0;
		break;
	case IR_FN_TANH:
		y = tanh(x);
		break;
	case IR_FN_EXP:
		y = exp(x);
		break;
	case IR_FN_SOFTPLUS:
		y = fmax(x, 0) + log1p(exp(-fabs(x)));
		break;
	default:
		return oai(x, u);
	}
	return gate ? y * u : y;
}

/*
 * |error| <= rel u |y| + abs. The relative ones are what the passes' own bounds add up to, the absolute
 * ones what is lost where a step is flushed to zero or, for tanh and exp, what the argument's rounding
 * costs; passes/expand_act.c has the same numbers.
 */
static const struct bound {
	const char *name;
	bool gate;
	enum ir_fn fn;
	double rel, abs;
	double per_z; /* more rel for each unit of the exponent, which has been rounded: gelu, oai */
} bounds[] = {
	{ "sigmoid", false, IR_FN_SIGMOID, 4.75, 0x1p-126, 0 },
	{ "silu", false, IR_FN_SILU, 5.75, 0x1p-119, 0 },
	{ "gelu", false, IR_FN_GELU, 6, 0x1p-119, 4 },
	{ "relu2", false, IR_FN_RELU2, 1, 0x1p-126, 0 },
	{ "tanh", false, IR_FN_TANH, 1, 0x1.4p-22, 0 },
	{ "exp", false, IR_FN_EXP, 3.5, 0x1p-126, 0 },
	{ "softplus", false, IR_FN_SOFTPLUS, 10, 0x1p-125, 0 },
	{ "sigmoid gate", true, IR_FN_SIGMOID, 5.75, 0x1p-119, 0 },
	{ "silu gate", true, IR_FN_SILU, 6.75, 0x1p-112, 0 },
	{ "gelu gate", true, IR_FN_GELU, 7, 0x1p-112, 4 },
	{ "relu2 gate", true, IR_FN_RELU2, 2, 0x1p-119, 0 },
	{ "oai gate", true, IR_FN_OAI, 9, 0x1p-110, 2 },
};

/* What the sigmoid inside is of, as far as it can cost anything. */
static double exponent(enum ir_fn fn, double x)
{
	double z = 1.702 * x;

	if (fn == IR_FN_GELU)
		z = 2 * 0.7978845608028654 * (x + 0.044715 * x * x * x);
	return fmin(fabs(z), 90);
}

static float from_bits(uint32_t u)
{
	float f;

	memcpy(&f, &u, sizeof(f));
	return f;
}

/* Dense within -100 .. 100; all exponents; the ends. */
static float sample(uint64_t *rng, uint32_t batch, uint32_t i)
{
	static const uint32_t specials[] = {
		0x00000000, 0x80000000, 0x00000001, 0x80000001, 0x007fffff, 0x807fffff,
		0x00800000, 0x80800000, 0x7f7fffff, 0xff7fffff, 0x42b00000, 0xc2b00000,
		0x42b17217, 0xc2b17217, 0x42aeac50, 0xc2aeac50, 0x42b20000, 0xc2b20000,
	};
	uint64_t v = gguf_random(rng);

	if (!batch && i < sizeof(specials) / sizeof(specials[0]))
		return from_bits(specials[i]);
	switch (batch % 3) {
	case 0:
		return (float)((double)(v >> 11) * 0x1p-53 * 200 - 100);
	case 1:
		return (float)((double)(v >> 11) * 0x1p-53 * 16 - 8);
	default:
		v = (uint32_t)v;
		return (v & 0x7f800000) == 0x7f800000 ? 1.5f : from_bits((uint32_t)v);
	}
}

static void test_act(void **state)
{
	const struct bound *b = *state;
	static float x[WIDTH], u[WIDTH], got[WIDTH];
	double rel = 0, share = 0, at = 0, most;
	uint64_t rng = 7;
	struct rig r;
	uint32_t n, i;

	rig_open(&r, b->gate, b->fn);
	for (n = 0; n < BATCHES; n++) {
		for (i = 0; i < WIDTH; i++) {
			x[i] = sample(&rng, n, i);
			u[i] = (float)((double)(gguf_random(&rng) >> 11) * 0x1p-53 * 20 - 10);
		}
		rig_run(&r, x, u, got);
		for (i = 0; i < WIDTH; i++) {
			/* operands are read with subnormals as zero */
			double a = fabsf(x[i]) < 0x1p-126f ? 0 : x[i];
			double y = want(b->gate, b->fn, a, u[i]), e = fabs(got[i] - y), lim;

			/* before or behind the gate's product */
			if (fabs(y) >= 0x1p128 || (b->fn == IR_FN_RELU2 && a >= 0x1p64)) {
				assert_true(isinf(got[i]) || fabsf(got[i]) > 0x1.fffff0p127f);
				continue;
			}
			lim = (b->rel + b->per_z * exponent(b->fn, a)) * U * fabs(y) + b->abs;
			if (!(e <= lim))
				fail_msg("%s(%a, %a) = %a, in double precision %a: %.2f u", b->name,
					 (double)x[i], (double)u[i], (double)got[i], y,
					 e / fabs(y) / U);
			if (e / lim > share) {
				share = e / lim;
				at = a;
			}
			most = fabs(y) > 0x1p-100 ? e / fabs(y) / U : 0;
			if (most > rel && b->fn != IR_FN_TANH)
				rel = most;
			if (b->fn == IR_FN_TANH && e / U > rel)
				rel = e / U;
		}
	}
	print_message("# %-12s %7.2f u, %.2f of the bound at %g\n", b->name, rel, share, at);
	rig_close(&r);
}

/* What is infinite or no number: a finite neighbour's limit, or NaN where the chip says so. */
static void test_special(void **state)
{
	static const struct {
		bool gate;
		enum ir_fn fn;
		float low, high; /* at -inf and inf, u = 2 */
	} at[] = {
		{ false, IR_FN_SIGMOID, 0, 1 },		{ false, IR_FN_SILU, NAN, INFINITY },
		{ false, IR_FN_GELU, NAN, INFINITY },	{ false, IR_FN_RELU2, 0, INFINITY },
		{ false, IR_FN_TANH, -1, 1 },		{ false, IR_FN_EXP, 0, INFINITY },
		{ false, IR_FN_SOFTPLUS, 0, INFINITY }, { true, IR_FN_SIGMOID, 0, 2 },
		{ true, IR_FN_RELU2, 0, INFINITY },
	};
	static float x[WIDTH], u[WIDTH], got[WIDTH];
	size_t i;

	(void)state;
	x[0] = -INFINITY;
	x[1] = INFINITY;
	x[2] = NAN;
	u[0] = u[1] = u[2] = 2;
	for (i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		struct rig r;

		rig_open(&r, at[i].gate, at[i].fn);
		rig_run(&r, x, u, got);
		rig_close(&r);
		if (isnan(at[i].low) ? !isnan(got[0]) : got[0] != at[i].low)
			fail_msg("%s(-inf) = %g", ir_fn_name(at[i].fn), (double)got[0]);
		if (got[1] != at[i].high)
			fail_msg("%s(inf) = %g", ir_fn_name(at[i].fn), (double)got[1]);
		if (!isnan(got[2]))
			fail_msg("%s(NaN) = %g", ir_fn_name(at[i].fn), (double)got[2]);
	}
}

int main(void)
{
	enum { N = sizeof(bounds) / sizeof(bounds[0]) };
	struct CMUnitTest tests[N + 1] = { cmocka_unit_test(test_special) };
	size_t i;

	for (i = 0; i < N; i++)
		tests[i + 1] = (struct CMUnitTest){ bounds[i].name, test_act, NULL, NULL,
						    (void *)&bounds[i] };
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("act", tests, NULL, NULL);
}
