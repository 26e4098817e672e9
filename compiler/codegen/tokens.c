// SPDX-License-Identifier: MIT
#include <errno.h>
#include <string.h>

#include "compiler/codegen/codegen.h"

/* Token of (producer, consumer); the sequencer is no producer, see above. */
static int token_of(unsigned int p, unsigned int c)
{
	return (int)((p - 1) * 3 + (c > p ? c - 1 : c));
}

struct engine_state {
	int64_t known[IG1_ENGINE_COUNT]; /* last command of each engine known to be complete */
};

struct tracker {
	struct cg_prog *p;
	struct engine_state now[IG1_ENGINE_COUNT];
	struct engine_state *at; /* by command: what was known when it started */
	size_t start;		 /* of the region */
};

static bool touches(const struct cg_prog *p, const struct cg_ref *a, const struct cg_ref *b)
{
	const struct cg_buf *x = &p->bufs[a->buf], *y = &p->bufs[b->buf];

	return (a->write || b->write) && x->addr < y->addr + y->size &&
	       y->addr < x->addr + x->size;
}

static bool conflict(const struct cg_prog *p, const struct cg_cmd *a, const struct cg_cmd *b)
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

static void learn(struct engine_state *s, const struct engine_state *from)
{
	unsigned int e;

	for (e = 0; e < IG1_ENGINE_COUNT; e++) {
		if (from->known[e] > s->known[e])
			s->known[e] = from->known[e];
	}
}

static void order_command(struct tracker *t, size_t i)
{
	struct cg_prog *p = t->p;
	struct cg_cmd *c = &p->cmds[i];
	unsigned int e = c->engine, q;
	struct engine_state *s = &t->now[e];
	int64_t need[IG1_ENGINE_COUNT];
	size_t j;

	learn(s, &t->now[IG1_ENGINE_SEQ]);
	for (q = 0; q < IG1_ENGINE_COUNT; q++)
		need[q] = -1;
	for (j = i; j-- > t->start;) {
		q = p->cmds[j].engine;
		if (q == e || q == IG1_ENGINE_SEQ || need[q] >= 0 || (int64_t)j <= s->known[q])
			continue;
		if (conflict(p, c, &p->cmds[j]))
			need[q] = (int64_t)j;
	}
	for (;;) {
		unsigned int best = 0;

		for (q = 1; q < IG1_ENGINE_COUNT; q++) {
			if (need[q] > s->known[q] && (!best || need[q] > need[best]))
				best = q;
		}
		if (!best)
			break;
		c->u.seq.wait |= (uint16_t)(1u << token_of(best, e));
		p->cmds[need[best]].u.seq.signal |= (uint16_t)(1u << token_of(best, e));
		learn(s, &t->at[need[best]]);
		s->known[best] = need[best];
	}
	t->at[i] = *s;
	s->known[e] = (int64_t)i;
	if (c->u.seq.op == IG1_OP_S_SYNC) {
		t->start = i + 1;
		for (q = 0; q < IG1_ENGINE_COUNT; q++)
			for (e = 0; e < IG1_ENGINE_COUNT; e++)
				t->now[q].known[e] = (int64_t)i;
	}
}

int cg_tokens(struct cg_prog *p)
{
	struct tracker t = { .p = p };
	unsigned int e, q;
	size_t i;

	t.at = arena_array(p->arena, p->n_cmds + 1, sizeof(*t.at));
	if (!t.at)
		return diag_nomem(p->diag);
	for (q = 0; q < IG1_ENGINE_COUNT; q++)
		for (e = 0; e < IG1_ENGINE_COUNT; e++)
			t.now[q].known[e] = -1;
	for (i = 0; i < p->n_cmds; i++)
		order_command(&t, i);
	return 0;
}
