// SPDX-License-Identifier: MIT
/*
 * The longest chain of a decoded token: from the last command back to the first, each time to the one
 * that decided when this one began. Cycles between are gaps: tokens, queues and starts.
 */
#include <stdlib.h>
#include <string.h>

#include "compiler/report/report.h"

struct spans {
	struct estimate_span *p;
	size_t n, room;
	bool failed;
};

static void on_span(void *ctx, const struct estimate_span *s)
{
	struct spans *l = ctx;

	if (l->n == l->room && !l->failed) {
		size_t room = l->room ? 2 * l->room : 4096;
		void *p = realloc(l->p, room * sizeof(*l->p));

		if (!p) {
			l->failed = true;
			return;
		}
		l->p = p;
		l->room = room;
	}
	if (!l->failed)
		l->p[l->n++] = *s;
}

struct chain {
	struct report *rep;
	const struct cg_prog *prog;
	struct report_span *out; /* from the end on */
	size_t n;
};

static void add(struct chain *c, const struct estimate_span *s, uint64_t start, uint64_t end)
{
	const char *name = c->prog->cmds[s->index].name;

	if (start == end)
		return;
	c->rep->path.on_path[s->engine] += end - start;
	c->out[c->n++] = (struct report_span){ name, s->engine, start, end };
}

/* Issuing a command is the sequencer's work, whatever engine it is for. */
static void add_issue(struct chain *c, const struct estimate_span *s, uint64_t start, uint64_t end)
{
	struct estimate_span as = *s;

	as.engine = IG1_ENGINE_SEQ;
	add(c, &as, start, end);
}

/*
 * From command k, at its end, or where it is issued. Times between what one part says and the next are
 * gaps; every step goes to an earlier command, or from a command's end to its issue.
 */
static void walk(struct chain *c, const struct estimate_span *s, size_t k)
{
	uint64_t *gaps = &c->rep->path.gaps, at;
	bool issue = false;

	for (;;) {
		const struct estimate_span *p = &s[k];
		bool seq = p->engine == IG1_ENGINE_SEQ;

		if (!issue) {
			add(c, p, p->start, p->end);
			at = p->start;
			if (p->start_after != ESTIMATE_NOTHING) {
				k = p->start_after;
				*gaps += at - s[k].end;
				continue;
			}
			if (!seq) {
				*gaps += at - p->issue;
				issue = true;
				continue;
			}
		} else if (p->issue_after != ESTIMATE_NOTHING) {
			k = p->issue_after;
			issue = false;
			*gaps += p->issue - s[k].end;
			continue;
		}
		at = issue ? p->issue : p->start;
		if (!k) {
			if (issue)
				add_issue(c, p, 0, at);
			return;
		}
		/* the sequencer came from the command before */
		k--;
		if (issue)
			add_issue(c, p, s[k].engine == IG1_ENGINE_SEQ ? s[k].end : s[k].issue, at);
		issue = s[k].engine != IG1_ENGINE_SEQ;
	}
}

static int by_cycles(const void *a, const void *b)
{
	const struct report_step *x = a, *y = b;

	if (x->cycles != y->cycles)
		return x->cycles > y->cycles ? -1 : 1;
	if (x->engine != y->engine)
		return x->engine < y->engine ? -1 : 1;
	return strcmp(x->name, y->name);
}

static int by_name(const void *a, const void *b)
{
	const struct report_step *x = a, *y = b;

	if (x->engine != y->engine)
		return x->engine < y->engine ? -1 : 1;
	return strcmp(x->name, y->name);
}

/* Commands of equal names, whatever the layer, together. */
static int sum_steps(struct report *rep)
{
	struct report_path *p = &rep->path;
	size_t i, n = 0;

	p->steps = arena_array(&rep->arena, p->n_chain + 1, sizeof(*p->steps));
	if (!p->steps)
		return diag_nomem(&rep->diag);
	for (i = 0; i < p->n_chain; i++) {
		const struct report_span *s = &p->chain[i];
		const char *name = report_any_layer(&rep->arena, s->name);

		if (!name)
			return diag_nomem(&rep->diag);
		p->steps[i] = (struct report_step){ name, s->engine, 1, s->end - s->start };
	}
	qsort(p->steps, p->n_chain, sizeof(*p->steps), by_name);
	for (i = 0; i < p->n_chain; i++) {
		if (n && !by_name(&p->steps[n - 1], &p->steps[i])) {
			p->steps[n - 1].count++;
			p->steps[n - 1].cycles += p->steps[i].cycles;
		} else {
			p->steps[n++] = p->steps[i];
		}
	}
	qsort(p->steps, n, sizeof(*p->steps), by_cycles);
	p->n_steps = n;
	return 0;
}

static int clean_names(struct report *rep, struct report_span *s, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		s[i].name = report_text(&rep->arena, s[i].name);
		if (!s[i].name)
			return diag_nomem(&rep->diag);
	}
	return 0;
}

static int make_chain(struct report *rep, const struct cg_prog *prog, const struct spans *l)
{
	struct report_path *p = &rep->path;
	/* a command may be there twice: its issue and its work */
	struct chain c = { rep, prog, NULL, 0 };
	size_t i, last = 0;

	c.out = arena_array(&rep->arena, 2 * l->n + 1, sizeof(*c.out));
	p->work = arena_array(&rep->arena, l->n + 1, sizeof(*p->work));
	if (!c.out || !p->work)
		return diag_nomem(&rep->diag);
	for (i = 0; i < l->n; i++) {
		const struct estimate_span *s = &l->p[i];

		if (s->end > l->p[last].end)
			last = i;
		if (s->engine != IG1_ENGINE_SEQ)
			p->work[p->n_work++] = (struct report_span){ prog->cmds[s->index].name,
								     s->engine, s->start, s->end };
	}
	if (l->n)
		walk(&c, l->p, last);
	for (i = 0; i < c.n / 2; i++) {
		struct report_span t = c.out[i];

		c.out[i] = c.out[c.n - 1 - i];
		c.out[c.n - 1 - i] = t;
	}
	p->chain = c.out;
	p->n_chain = c.n;
	if (clean_names(rep, p->chain, p->n_chain) || clean_names(rep, p->work, p->n_work))
		return rep->diag.err;
	return sum_steps(rep);
}

static int estimate(struct report *rep, const struct compile_result *r, enum ig1_prog kind,
		    uint32_t cols, uint32_t pos, struct spans *l, struct estimate *out)
{
	struct estimate_step step = { .chip = rep->chip,
				      .kind = kind,
				      .n_cmds = r->code.prog[kind].n_cmds,
				      .cols = cols,
				      .pos = pos,
				      .kv_bytes = rep->sram.sequence,
				      .state_bytes = rep->sram.state };
	uint8_t *code = NULL;
	size_t bytes;
	int ret;

	if (cg_encode_all(&r->code.prog[kind], &code, &bytes))
		return diag_nomem(&rep->diag);
	step.prog = code;
	ret = estimate_step(&step, l ? on_span : NULL, l, out, &rep->diag);
	free(code);
	if (ret && !rep->diag.err)
		diag_set(&rep->diag, ret, "estimate: %s", strerror(-ret));
	return ret;
}

int report_collect_path(struct report *rep, const struct compile_result *r, uint32_t pos)
{
	struct report_path *p = &rep->path;
	struct spans l = { 0 };
	struct estimate all;
	int ret;

	p->pos = pos;
	p->prefill_cols = r->code.shape.cols;
	if (p->prefill_cols > rep->meta.context)
		p->prefill_cols = rep->meta.context;
	ret = estimate(rep, r, IG1_PROG_PREFILL, p->prefill_cols, 0, NULL, &all);
	p->prefill_cycles = all.cycles;
	if (!ret)
		ret = estimate(rep, r, IG1_PROG_DECODE, 1, pos, &l, &p->all);
	if (!ret && l.failed)
		ret = diag_nomem(&rep->diag);
	if (!ret)
		ret = make_chain(rep, &r->code.prog[IG1_PROG_DECODE], &l);
	free(l.p);
	return ret;
}
