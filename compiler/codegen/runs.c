// SPDX-License-Identifier: MIT
/*
 * Finds layers that differ in nothing but where their weights, constants, KV blocks and states are, at
 * equal distances. Such a run becomes a loop of the sequencer: a program then fits the command cache,
 * however many layers the model has.
 */
#include <string.h>

#include "compiler/codegen/lower.h"

#define MAX_PERIODS 16u

struct search {
	struct ir_op *const *ops;
	size_t n, end; /* operations; the run ends before `end` */
	const struct cg_kv *kv;
	struct cg_run *run;
};

/* The distance of b behind a, the same for all of one kind; the first pair sets it. */
static bool same_step(uint64_t a, uint64_t b, uint64_t times, uint64_t *step, bool *known)
{
	if (b < a)
		return false;
	if (!*known) {
		if ((b - a) % times)
			return false;
		*step = (b - a) / times;
		*known = true;
	}
	return b - a == *step * times;
}

static bool same_attributes(const struct ir_op *a, const struct ir_op *b)
{
	return a->kind == b->kind && a->n_in == b->n_in && a->n_mats == b->n_mats &&
	       !a->konst == !b->konst && a->table == b->table && a->width == b->width &&
	       a->seg == b->seg && a->dt == b->dt && a->off == b->off && a->acc == b->acc &&
	       a->pairs == b->pairs && a->heads == b->heads && a->kv_heads == b->kv_heads &&
	       a->fn == b->fn && a->kpos == b->kpos && a->taps == b->taps && a->dim == b->dim &&
	       a->window == b->window && a->sink == b->sink && a->by_pos == b->by_pos &&
	       !memcmp(&a->cap, &b->cap, sizeof(a->cap)) && a->early == b->early &&
	       a->experts == b->experts && a->used == b->used && a->groups == b->groups &&
	       a->used_groups == b->used_groups && a->chosen == b->chosen && a->norm == b->norm &&
	       a->parts == b->parts && a->vseg == b->vseg && a->spread == b->spread &&
	       a->squared == b->squared && !memcmp(&a->shift, &b->shift, sizeof(a->shift)) &&
	       !memcmp(&a->eps, &b->eps, sizeof(a->eps)) &&
	       !memcmp(&a->scale, &b->scale, sizeof(a->scale));
}

/*
 * Inputs of b, in iteration k, are those of a, in the first: the same operation of the own iteration,
 * or the one value that is carried.
 */
static bool same_inputs(struct search *s, const struct ir_op *a, const struct ir_op *b, uint64_t k)
{
	struct cg_run *r = s->run;
	size_t i, base = r->first + k * r->period;

	for (i = 0; i < a->n_in; i++) {
		size_t x = a->in[i]->id, y = b->in[i]->id;

		if (x >= r->first) {
			if (y < base || y - base != x - r->first)
				return false;
			continue;
		}
		/* the same value for all, which a pass of its own only reads */
		if (x == y && a->kind == IR_ELT)
			continue;
		/* from outside: the same value for all, or carried from the iteration before */
		if (x == y && a->in[i]->kind != IR_EMBED && a->in[i]->dt == IR_F32)
			return false;
		if (!r->carried_known) {
			if (y < base - r->period || y >= base)
				return false;
			r->carried_in = x;
			r->carried_out = y - (base - r->period);
			r->carried_known = true;
		}
		if (x != r->carried_in || y != base - r->period + r->carried_out)
			return false;
	}
	return true;
}

static bool same_const(struct cg_run *r, const struct ir_const *a, const struct ir_const *b,
		       uint64_t k)
{
	if (a->common || b->common)
		return a == b;
	return a->n == b->n && same_step(a->addr, b->addr, k, &r->crom_step, &r->crom_known);
}

static bool same_places(struct search *s, const struct ir_op *a, const struct ir_op *b, uint64_t k)
{
	struct cg_run *r = s->run;
	const struct cg_kv_layer *x, *y;
	uint64_t *step;
	bool *known;
	size_t i;

	for (i = 0; i < a->n_mats; i++) {
		const struct ir_tensor *t = a->mats[i], *u = b->mats[i];

		if (t->rows != u->rows || t->cols != u->cols || t->fmt != u->fmt ||
		    t->stride != u->stride ||
		    !same_step(t->addr, u->addr, k, &r->rom_step, &r->rom_known))
			return false;
	}
	if (a->konst && !same_const(r, a->konst, b->konst, k))
		return false;
	if (ir_state_bytes(a) && !same_step(a->state, b->state, k, &r->state_step, &r->state_known))
		return false;
	if (a->kind != IR_KVSTORE && a->kind != IR_ATTENTION)
		return a->layer == b->layer;
	x = &s->kv->layers[a->layer];
	y = &s->kv->layers[b->layer];
	/* layers of the ring are as far apart as they are many, those of the other part likewise */
	step = x->ring ? &r->ring_step : &r->kv_step;
	known = x->ring ? &r->ring_known : &r->kv_known;
	return x->ring == y->ring && same_step(x->k, y->k, k, step, known) &&
	       same_step(x->v, y->v, k, step, known) && same_step(x->ks, y->ks, k, step, known) &&
	       same_step(x->vs, y->vs, k, step, known) &&
	       (!a->squared || same_step(x->sums, y->sums, k, step, known));
}

static bool same_iteration(struct search *s, uint64_t k)
{
	struct cg_run keep = *s->run;
	size_t j;

	for (j = 0; j < keep.period; j++) {
		const struct ir_op *a = s->ops[keep.first + j];
		const struct ir_op *b = s->ops[keep.first + k * keep.period + j];

		if (!same_attributes(a, b) || !same_inputs(s, a, b, k) ||
		    !same_places(s, a, b, k)) {
			*s->run = keep;
			return false;
		}
	}
	return true;
}

/* What leaves an iteration stands where it came in: it was accumulated in place. */
static bool in_place(const struct search *s)
{
	const struct cg_run *r = s->run;
	const struct ir_op *op = s->ops[r->first + r->carried_out];

	while (op->id >= r->first) {
		if (op->kind == IR_MATMUL && op->acc)
			op = op->in[1];
		else if (op->kind == IR_COMBINE && op->acc)
			op = op->in[2];
		else if ((op->kind == IR_BIAS || op->kind == IR_ADD) && op->dt == IR_F32 &&
			 lw_may_overwrite(op))
			op = op->in[0];
		else
			return false;
	}
	return op->id == r->carried_in;
}

/* Nothing behind the run may use a value of it but the last iteration's carried one. */
static bool used_inside_only(const struct search *s)
{
	const struct cg_run *r = s->run;
	size_t end = r->first + r->count * r->period, i, j;
	size_t out = end - r->period + r->carried_out;

	for (i = end; i < s->n; i++) {
		for (j = 0; j < s->ops[i]->n_in; j++) {
			size_t x = s->ops[i]->in[j]->id;

			if (x >= r->first && x < end && x != out)
				return false;
		}
	}
	return true;
}

/* What there is once or a few times in a layer: stores and states. */
bool cg_is_anchor(const struct ir_op *op)
{
	return op->kind == IR_KVSTORE || ir_state_bytes(op);
}

/* The next operation that may be the same one, a layer or several later. */
static size_t next_anchor(const struct search *s, size_t a, size_t i)
{
	while (i < s->end && !(cg_is_anchor(s->ops[i]) && same_attributes(s->ops[a], s->ops[i])))
		i++;
	return i;
}

/* Iterations of `period` operations from run->first on; 0: no run. */
static bool try_period(struct search *s, size_t first, size_t period)
{
	struct cg_run *run = s->run;

	*run = (struct cg_run){ .first = first, .period = period, .count = 1 };
	while (first + (run->count + 1) * period <= s->end && same_iteration(s, run->count))
		run->count++;
	return run->count > 1 && run->carried_known && in_place(s) && used_inside_only(s);
}

/* Operations that need no commands of their own, for runs in an iteration. */
static size_t saved_inside(const struct search *s)
{
	size_t end = s->run->first + s->run->period, i = s->run->first, saved = 0;
	struct cg_run inner;

	while (i < end) {
		if (!cg_find_run(s->ops, s->n, i, end, s->kv, false, &inner)) {
			i++;
			continue;
		}
		saved += (inner.count - 1) * inner.period;
		i += inner.count * inner.period;
	}
	return saved;
}

/*
 * Layers of different kinds may take turns: of the distances at which the first anchor comes back, the
 * one that saves most commands, the shortest of equals.
 */
bool cg_find_run(struct ir_op *const *ops, size_t n, size_t first, size_t end,
		 const struct cg_kv *kv, bool nested, struct cg_run *run)
{
	struct cg_run best = { 0 };
	struct search s = { ops, n, end, kv, run };
	size_t a = first, b, tries, saved, most = 0, inside;

	while (a < end && !cg_is_anchor(ops[a]))
		a++;
	for (b = a, tries = 0; tries < MAX_PERIODS; tries++) {
		b = next_anchor(&s, a, b + 1);
		if (b >= end)
			break;
		if (!try_period(&s, first, b - a))
			continue;
		inside = nested ? saved_inside(&s) : 0;
		saved = (run->count - 1) * run->period + inside;
		if (saved <= most)
			continue;
		run->nested = inside != 0;
		best = *run;
		most = saved;
	}
	*run = best;
	return best.count > 1;
}
