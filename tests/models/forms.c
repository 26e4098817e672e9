// SPDX-License-Identifier: MIT
/*
 * What the two forms of squared linear attention keep of a sequence, and the estimated cycles of a decoded
 * token, by the size of a head; from where on the recurrent one is less.
 */
#include "tests/models/forms.h"

#include <stdio.h>
#include <stdlib.h>

#include "compiler/quant/ggml_types.h"
#include "compiler/tests/model_run.h"
#include "tests/models/synth_ssm.h"

#define HEADS	4u
#define CONTEXT 16384u
#define EARLY	64u
#define LATE	1024u

static const struct synth_ssm model = { .name = "forms",
					.arch = "sqla",
					.layers = 1,
					.width = 64,
					.vocab = 64,
					.context = CONTEXT,
					.taps = 2,
					.heads = HEADS,
					.kv_heads = HEADS,
					.ff = 64,
					.eps = 1e-5f,
					.type = GGML_TYPE_Q8_0 };

static int compile(const struct synth_ssm *m, enum pass_linear form, struct compile_result *r)
{
	struct compile_options o = { .model = m->name,
				     .linear = form,
				     .chip = compile_chip("default") };
	uint8_t *data;
	int ret;

	*r = (struct compile_result){ 0 };
	ret = synth_ssm_build(m, &data, &o.size);
	if (ret)
		return ret;
	o.data = data;
	ret = compile_model(&o, r);
	if (ret)
		fprintf(stderr, "%s\n", r->model.diag.msg);
	free(data);
	return ret;
}

static uint64_t cycles(const struct compile_result *r, uint32_t pos)
{
	struct estimate e;

	return model_estimate(r, pos, &e) ? 0 : e.cycles;
}

/* The first position whose step costs more than `than`, or CONTEXT. */
static uint32_t first_above(const struct compile_result *r, uint64_t than)
{
	uint32_t lo = 0, hi = CONTEXT;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (cycles(r, mid) > than)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

/* Of the attention in one layer, by head: the state, and a position's data, scales and sums. */
static void bytes(const struct compile_result *rec, const struct compile_result *par,
		  uint64_t *state, uint64_t *token)
{
	const struct ir_op *op;

	for (op = rec->model.first; op; op = op->next) {
		if (op->kind == IR_SQLA)
			*state = ir_state_bytes(op) / HEADS;
	}
	for (op = par->model.first; op; op = op->next) {
		if (op->kind == IR_KVSTORE)
			*token = (2 * ir_groups(op->in[0]->width, op->seg) * (32 + 4) +
				  4 * (uint64_t)op->in[2]->width) /
				 HEADS;
	}
}

static int row(uint32_t d)
{
	struct compile_result rec, par = { 0 };
	uint64_t state = 0, token = 1, own;
	struct synth_ssm m = model;
	int ret;

	m.head_size = d;
	ret = compile(&m, PASS_LINEAR_RECURRENT, &rec);
	if (!ret)
		ret = compile(&m, PASS_LINEAR_PARALLEL, &par);
	if (!ret) {
		bytes(&rec, &par, &state, &token);
		own = cycles(&rec, 0);
		printf("| %u | %u | %llu | %llu | %llu | %llu | %llu | %llu | %u |\n", d,
		       pass_linear_crossing(d), (unsigned long long)state,
		       (unsigned long long)token, (unsigned long long)(state / token + 1),
		       (unsigned long long)own, (unsigned long long)cycles(&par, EARLY),
		       (unsigned long long)cycles(&par, LATE), first_above(&par, own));
	}
	compile_free(&rec);
	if (par.model.first)
		compile_free(&par);
	return ret ? -1 : 0;
}

int forms_table(void)
{
	static const uint32_t sizes[] = { 8, 16, 32, 64 };
	size_t i;
	int ret = 0;

	printf("| d | numbers: equal at | bytes: state | a token | equal at | "
	       "cycles: recurrent | parallel at %u | at %u | equal at |\n"
	       "|---|---|---|---|---|---|---|---|---|\n",
	       EARLY, LATE);
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]) && !ret; i++)
		ret = row(sizes[i]);
	return ret;
}
