// SPDX-License-Identifier: MIT
/*
 * Orders the engines. Two kinds of tokens, by (producer, consumer):
 *
 * An edge between commands that run equally often (of one body, in one iteration) is a plain token: the producer gives it, the consumer takes it. Both engines work in
 * order, so the n-th taken is the n-th given.
 *
 * Everything else (into a loop, out of it, from iteration to iteration) goes through the pair's
 * baton: one token, given once at the start of the program, which each command that takes part takes
 * and gives back. It passes from command to command in program order, so whoever holds it knows that
 * all former holders are complete, however often loops run.
 *
 * The sequencer needs no tokens as a producer: what it issues comes after what it has done. As a
 * consumer of a loop's body it waits at the loop's start.
 *
 * Knowledge is followed as vector clocks, so that what is known already, directly or through a third
 * engine, costs nothing. Loops are followed for two iterations, but for those whose body ends with
 * s.sync, where everything is known; they are taken to run at least once.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/codegen/codegen.h"

struct clock {
	int64_t known[IG1_ENGINE_COUNT]; /* last instance of each engine known to be complete */
};

/* An execution of a command. */
struct instance {
	uint32_t cmd;
	uint32_t frame; /* the iteration it belongs to: equal for commands that run equally often */
	uint8_t engine;
	struct clock at; /* known when it starts */
};

/* Givers of a plain token that nobody has taken yet. */
struct fifo {
	uint32_t *p;
	size_t head, n, cap;
};

struct tracker {
	struct cg_prog *p;
	struct instance *list;
	size_t n, cap;
	struct clock now[IG1_ENGINE_COUNT];
	int64_t start; /* everything before is known to everybody */
	struct fifo fifo[IG1_TOKENS];
	int64_t holder[IG1_TOKENS]; /* of a baton: last instance, -1: nobody yet */
	uint16_t batons;	    /* in use */
	uint32_t frames;
};

static unsigned int pair_of(unsigned int p, unsigned int c)
{
	return (p - 1) * 3 + (c > p ? c - 1 : c);
}

/* Plain tokens 0..8: tile, vec, dma to each of the other three engines. */
static unsigned int plain_token(unsigned int p, unsigned int c)
{
	return pair_of(p, c);
}

/* Batons 9..14: among tile, vec and dma. 15 is CG_CARRY, a plain token of the lowering. */
static unsigned int baton(unsigned int p, unsigned int c)
{
	return 9 + (p - 1) * 2 + (c > p ? c - 2 : c - 1);
}

static bool is_baton(unsigned int t)
{
	return t >= 9 && t != CG_CARRY;
}

static uint16_t bit(unsigned int t)
{
	return (uint16_t)(1u << t);
}

static bool touches(const struct cg_prog *p, const struct cg_ref *a, const struct cg_ref *b)
{
	const struct cg_buf *x = &p->bufs[a->buf], *y = &p->bufs[b->buf];

	return (a->write || b->write) && x->addr < y->addr + y->size && y->addr < x->addr + x->size;
}

static bool conflict_cmds(const struct cg_prog *p, const struct cg_cmd *a, const struct cg_cmd *b)
{
	size_t i, j;

	if (a->va_kind && a->va_kind == b->va_kind && a->va_id == b->va_id &&
	    (a->va_write || b->va_write))
		return true;
	for (i = 0; i < a->n_refs; i++) {
		for (j = 0; j < b->n_refs; j++) {
			if (touches(p, &a->refs[i], &b->refs[j]))
				return true;
		}
	}
	return false;
}

static bool is_loop(const struct cg_prog *p, size_t i)
{
	return p->cmds[i].u.seq.op == IG1_OP_S_LOOP;
}

/* A loop whose body ends with s.sync: one iteration tells all. */
static bool drained(const struct cg_prog *p, size_t i)
{
	return p->cmds[i + p->cmds[i].u.seq.len].u.seq.op == IG1_OP_S_SYNC;
}

/* The loop's start stands for the sequencer's commands in its body. */
static bool conflict(const struct cg_prog *p, uint32_t cmd, uint32_t other)
{
	const struct cg_cmd *c = &p->cmds[cmd], *o = &p->cmds[other];
	size_t j;

	if (conflict_cmds(p, c, o))
		return true;
	if (!is_loop(p, cmd) || drained(p, cmd))
		return false;
	for (j = cmd + 1; j <= cmd + c->u.seq.len; j++) {
		if (p->cmds[j].engine == IG1_ENGINE_SEQ && conflict_cmds(p, &p->cmds[j], o))
			return true;
	}
	return false;
}

static void learn(struct clock *s, const struct clock *from)
{
	unsigned int e;

	for (e = 0; e < IG1_ENGINE_COUNT; e++) {
		if (from->known[e] > s->known[e])
			s->known[e] = from->known[e];
	}
}

static void learn_instance(struct tracker *t, struct clock *s, int64_t i)
{
	const struct instance *in = &t->list[i];

	learn(s, &in->at);
	if (i > s->known[in->engine])
		s->known[in->engine] = i;
}

static int fifo_push(struct tracker *t, struct fifo *f, uint32_t v)
{
	if (f->n == f->cap) {
		size_t cap = f->cap ? 2 * f->cap : 64;
		uint32_t *p = realloc(f->p, cap * sizeof(*p));

		if (!p)
			return diag_nomem(t->p->diag);
		f->p = p;
		f->cap = cap;
	}
	f->p[f->n++] = v;
	return 0;
}

/* What the command's masks, as far as they are known, teach it. */
static int take(struct tracker *t, const struct cg_cmd *c, struct clock *s)
{
	unsigned int k;

	for (k = 0; k < IG1_TOKENS; k++) {
		struct fifo *f = &t->fifo[k];

		if (!(c->u.seq.wait & bit(k)))
			continue;
		if (is_baton(k)) {
			if (t->holder[k] >= 0)
				learn_instance(t, s, t->holder[k]);
		} else {
			if (f->head == f->n)
				return diag_set(t->p->diag, -EINVAL,
						"%s: takes a token that nobody gave", c->name);
			learn_instance(t, s, f->p[f->head++]);
		}
	}
	return 0;
}

static int give(struct tracker *t, const struct cg_cmd *c, size_t i)
{
	unsigned int k;

	for (k = 0; k < IG1_TOKENS; k++) {
		if (!(c->u.seq.signal & bit(k)))
			continue;
		if (is_baton(k))
			t->holder[k] = (int64_t)i;
		else if (fifo_push(t, &t->fifo[k], (uint32_t)i))
			return t->p->diag->err;
	}
	return 0;
}

/* The latest instance of every other engine that conflicts with i and is not known to be done. */
static void find_needs(struct tracker *t, size_t i, const struct clock *s,
		       int64_t need[IG1_ENGINE_COUNT])
{
	unsigned int e = t->list[i].engine, q, open;
	int64_t j;

	for (q = 0; q < IG1_ENGINE_COUNT; q++)
		need[q] = -1;
	for (j = (int64_t)i - 1; j >= t->start; j--) {
		for (q = 1, open = 0; q < IG1_ENGINE_COUNT; q++)
			open += q != e && need[q] < 0 && j > s->known[q];
		if (!open)
			break;
		q = t->list[j].engine;
		if (q == e || q == IG1_ENGINE_SEQ || need[q] >= 0 || j <= s->known[q])
			continue;
		if (conflict(t->p, t->list[i].cmd, t->list[j].cmd))
			need[q] = j;
	}
}

/* Orders instance i behind instance p of another engine. */
static int add_edge(struct tracker *t, size_t i, int64_t p, struct clock *s)
{
	const struct instance *from = &t->list[p], *to = &t->list[i];
	struct cg_cmd *a = &t->p->cmds[from->cmd], *b = &t->p->cmds[to->cmd];
	unsigned int k;

	if (from->frame == to->frame) {
		k = plain_token(from->engine, to->engine);
		if (a->u.seq.signal & bit(k) || b->u.seq.wait & bit(k))
			return diag_set(t->p->diag, -EINVAL, "%s: cannot be ordered behind %s",
					b->name, a->name);
		a->u.seq.signal |= bit(k);
		b->u.seq.wait |= bit(k);
		learn_instance(t, s, p);
		return 0;
	}
	if (to->engine == IG1_ENGINE_SEQ)
		return diag_set(t->p->diag, -EINVAL, "%s: the sequencer cannot wait for %s",
				b->name, a->name);
	k = baton(from->engine, to->engine);
	t->batons |= bit(k);
	a->u.seq.wait |= bit(k);
	a->u.seq.signal |= bit(k);
	b->u.seq.wait |= bit(k);
	b->u.seq.signal |= bit(k);
	if (t->holder[k] >= 0)
		learn_instance(t, s, t->holder[k]);
	learn_instance(t, s, p);
	return 0;
}

static int order(struct tracker *t, size_t i)
{
	struct instance *in = &t->list[i];
	struct cg_cmd *c = &t->p->cmds[in->cmd];
	struct clock *s = &t->now[in->engine];
	int64_t need[IG1_ENGINE_COUNT];
	unsigned int q, e;

	learn(s, &t->now[IG1_ENGINE_SEQ]);
	if (take(t, c, s))
		return t->p->diag->err;
	find_needs(t, i, s, need);
	for (;;) {
		unsigned int best = 0;

		/* the latest first: it may bring the others with it */
		for (q = 1; q < IG1_ENGINE_COUNT; q++) {
			if (need[q] > s->known[q] && (!best || need[q] > need[best]))
				best = q;
		}
		if (!best)
			break;
		if (add_edge(t, i, need[best], s))
			return t->p->diag->err;
	}
	in->at = *s;
	s->known[in->engine] = (int64_t)i;
	if (c->u.seq.op == IG1_OP_S_SYNC) {
		t->start = (int64_t)i + 1;
		for (q = 0; q < IG1_ENGINE_COUNT; q++) {
			for (e = 0; e < IG1_ENGINE_COUNT; e++)
				t->now[q].known[e] = (int64_t)i;
		}
	}
	return give(t, c, i);
}

static int add_instance(struct tracker *t, size_t cmd, uint32_t frame)
{
	if (t->n == t->cap) {
		size_t cap = t->cap ? 2 * t->cap : 1024;
		struct instance *p = realloc(t->list, cap * sizeof(*p));

		if (!p)
			return diag_nomem(t->p->diag);
		t->list = p;
		t->cap = cap;
	}
	t->list[t->n++] = (struct instance){ .cmd = (uint32_t)cmd,
					     .frame = frame,
					     .engine = t->p->cmds[cmd].engine };
	return 0;
}

/* What is known both in c2, behind a second iteration, and in c1, if the first was the last. */
static void meet(struct clock *c2, const struct clock *c1, int64_t first, int64_t len)
{
	unsigned int e;

	for (e = 0; e < IG1_ENGINE_COUNT; e++) {
		int64_t k = c1->known[e] >= first ? c1->known[e] + len : c1->known[e];

		if (k < c2->known[e])
			c2->known[e] = k;
	}
}

static int walk(struct tracker *t, size_t first, size_t end, uint32_t frame);

/*
 * Two iterations stand for any number: the second one for all but the first, and behind the loop for
 * the last, with no more known than if it had been the first.
 */
static int walk_loop(struct tracker *t, size_t at)
{
	size_t body = at + 1, end = body + t->p->cmds[at].u.seq.len, one = t->n, two, j;
	struct clock now[IG1_ENGINE_COUNT];
	unsigned int e;
	int ret;

	ret = walk(t, body, end, ++t->frames);
	if (ret || drained(t->p, at))
		return ret;
	memcpy(now, t->now, sizeof(now));
	two = t->n;
	ret = walk(t, body, end, ++t->frames);
	if (ret)
		return ret;
	for (e = 0; e < IG1_ENGINE_COUNT; e++)
		meet(&t->now[e], &now[e], (int64_t)one, (int64_t)(two - one));
	for (j = 0; j < two - one; j++)
		meet(&t->list[two + j].at, &t->list[one + j].at, (int64_t)one,
		     (int64_t)(two - one));
	return 0;
}

/* Commands first .. end - 1; loops nest at most IG1_LOOP_DEPTH deep. */
static int walk(struct tracker *t, size_t first, size_t end, uint32_t frame)
{
	size_t i;
	int ret = 0;

	for (i = first; i < end && !ret; i++) {
		ret = add_instance(t, i, frame);
		if (!ret)
			ret = order(t, t->n - 1);
		if (!ret && is_loop(t->p, i)) {
			ret = walk_loop(t, i);
			i += t->p->cmds[i].u.seq.len;
		}
	}
	return ret;
}

static int run(struct cg_prog *p, uint16_t *batons)
{
	struct tracker t = { .p = p };
	unsigned int e, q;
	size_t i;
	int ret;

	for (q = 0; q < IG1_ENGINE_COUNT; q++) {
		for (e = 0; e < IG1_ENGINE_COUNT; e++)
			t.now[q].known[e] = -1;
	}
	for (i = 0; i < IG1_TOKENS; i++)
		t.holder[i] = -1;
	ret = walk(&t, 0, p->n_cmds, 0);
	*batons |= t.batons;
	for (i = 0; i < IG1_TOKENS; i++)
		free(t.fifo[i].p);
	free(t.list);
	return ret;
}

/*
 * A baton found necessary late, in a second iteration, may order what got a plain token before: the
 * batons stay and the plain tokens are found anew.
 */
int cg_tokens(struct cg_prog *p)
{
	uint16_t batons = 0;
	size_t i;
	int ret;

	ret = run(p, &batons);
	for (i = 0; i < p->n_cmds; i++) {
		p->cmds[i].u.seq.wait &= batons | bit(CG_CARRY);
		p->cmds[i].u.seq.signal &= batons | bit(CG_CARRY);
	}
	if (!ret)
		ret = run(p, &batons);
	/* the batons' only gift: the lowering begins with a command of the sequencer */
	if (!ret && batons) {
		if (p->cmds[0].engine != IG1_ENGINE_SEQ)
			return diag_set(p->diag, -EINVAL,
					"program does not begin with the sequencer");
		p->cmds[0].u.seq.signal |= batons;
	}
	return ret;
}
