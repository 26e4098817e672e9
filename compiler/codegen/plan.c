// SPDX-License-Identifier: MIT
/*
 * Scratch addresses: live ranges from the commands, best fit in order of size, then a search over
 * orders that keeps what lowers the peak (Pisarchyk and Lee, "Efficient Memory Management for Deep
 * Neural Net Inference", 2020, describe the greedy part). Deterministic.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/codegen/codegen.h"

#define SEARCH_WORK  20000000ull /* buffer pairs looked at, at most */
#define SEARCH_TRIES 400u

static uint64_t aligned(uint64_t size)
{
	return (size + CG_BUF_ALIGN - 1) & ~(uint64_t)(CG_BUF_ALIGN - 1);
}

static bool is_loop(const struct cg_prog *p, size_t i)
{
	return p->cmds[i].u.seq.op == IG1_OP_S_LOOP;
}

/*
 * A buffer that a loop shares with what is outside is needed in all of the loop. One that only the
 * body touches is made anew in every iteration, but where iterations overlap (whole_loop).
 */
static int live_ranges(struct cg_prog *p)
{
	size_t i, j;

	for (i = 0; i < p->n_bufs; i++) {
		p->bufs[i].used = false;
		p->bufs[i].extended = false;
	}
	for (i = 0; i < p->n_cmds; i++) {
		for (j = 0; j < p->cmds[i].n_refs; j++) {
			const struct cg_ref *r = &p->cmds[i].refs[j];
			struct cg_buf *b = &p->bufs[r->buf];

			if (!b->used) {
				b->birth = (uint32_t)i;
				b->used = true;
			}
			b->death = (uint32_t)i;
		}
	}
	/* inner loops follow their outer ones: backwards, so that they are done first */
	for (i = p->n_cmds; i-- > 0;) {
		uint32_t s = (uint32_t)i, e = s + p->cmds[i].u.seq.len;

		if (!is_loop(p, i))
			continue;
		for (j = 0; j < p->n_bufs; j++) {
			struct cg_buf *b = &p->bufs[j];
			bool inside = b->birth > s && b->death <= e;

			if (!b->used || b->death < s || b->birth > e ||
			    (inside && (!b->whole_loop || b->extended)))
				continue;
			b->extended = true;
			if (b->birth > s)
				b->birth = s;
			if (b->death < e)
				b->death = e;
		}
	}
	return 0;
}

static bool overlap(const struct cg_buf *a, const struct cg_buf *b)
{
	return a->birth <= b->death && b->birth <= a->death;
}

/* Places the buffers of `order` one by one; returns the peak. `done`: scratch array. */
static uint64_t place(struct cg_prog *p, const uint32_t *order, size_t n, uint32_t *done,
		      uint64_t *addr)
{
	uint64_t peak = 0;
	size_t i, j, k, n_done;

	for (i = 0; i < n; i++) {
		const struct cg_buf *b = &p->bufs[order[i]];
		uint64_t need = aligned(b->size), at = 0, best = UINT64_MAX, best_gap = UINT64_MAX;

		/* neighbours in time, by address */
		n_done = 0;
		for (j = 0; j < i; j++) {
			uint32_t o = order[j];

			if (!overlap(b, &p->bufs[o]))
				continue;
			for (k = n_done++; k && addr[done[k - 1]] > addr[o]; k--)
				done[k] = done[k - 1];
			done[k] = o;
		}
		for (j = 0; j < n_done; j++) {
			uint32_t o = done[j];
			uint64_t end = addr[o] + aligned(p->bufs[o].size);

			if (addr[o] > at && addr[o] - at >= need && addr[o] - at < best_gap) {
				best = at;
				best_gap = addr[o] - at;
			}
			if (end > at)
				at = end;
		}
		addr[order[i]] = best != UINT64_MAX ? best : at;
		if (addr[order[i]] + need > peak)
			peak = addr[order[i]] + need;
	}
	return peak;
}

/* No plan can be better than the most that lives at one command. */
static uint64_t lower_bound(const struct cg_prog *p)
{
	uint64_t best = 0, *delta;
	int64_t live = 0;
	size_t i;

	delta = calloc(p->n_cmds + 1, sizeof(*delta));
	if (!delta)
		return 0;
	for (i = 0; i < p->n_bufs; i++) {
		if (!p->bufs[i].used)
			continue;
		delta[p->bufs[i].birth] += aligned(p->bufs[i].size);
		delta[p->bufs[i].death + 1] -= aligned(p->bufs[i].size);
	}
	for (i = 0; i <= p->n_cmds; i++) {
		live += (int64_t)delta[i];
		if (live > 0 && (uint64_t)live > best)
			best = (uint64_t)live;
	}
	free(delta);
	return best;
}

struct order_key {
	uint64_t key; /* descending */
	uint32_t birth, index;
};

static int by_key(const void *a, const void *b)
{
	const struct order_key *x = a, *y = b;

	if (x->key != y->key)
		return x->key > y->key ? -1 : 1;
	if (x->birth != y->birth)
		return x->birth < y->birth ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

/* What to place first: large buffers, long-lived ones, or those that are large times long. */
enum { ORDER_SIZE, ORDER_LIFE, ORDER_AREA, ORDERS };

static void make_order(const struct cg_prog *p, int kind, struct order_key *keys, uint32_t *order,
		       size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		const struct cg_buf *b = &p->bufs[keys[i].index];
		uint64_t life = b->death - b->birth + 1;

		keys[i].key = kind == ORDER_SIZE   ? b->size
			      : kind == ORDER_LIFE ? life
						   : b->size * life;
	}
	qsort(keys, n, sizeof(*keys), by_key);
	for (i = 0; i < n; i++)
		order[i] = keys[i].index;
}

static uint32_t next_random(uint32_t *state)
{
	/* Numerical Recipes' linear congruential generator; quality does not matter here */
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

/* Arrays of a plan in the making; n buffers are used. */
struct plan {
	struct order_key *keys;
	uint32_t *order, *best_order, *done;
	uint64_t *addr, *best_addr;
	size_t n;
};

static void keep(const struct cg_prog *p, struct plan *w)
{
	memcpy(w->best_addr, w->addr, p->n_bufs * sizeof(*w->addr));
	memcpy(w->best_order, w->order, w->n * sizeof(*w->order));
}

static void search(struct cg_prog *p, struct plan *w, uint64_t bound)
{
	uint64_t best = UINT64_MAX, peak, tries;
	uint32_t seed = 1;
	int kind;

	for (kind = 0; kind < ORDERS && best > bound; kind++) {
		make_order(p, kind, w->keys, w->order, w->n);
		peak = place(p, w->order, w->n, w->done, w->addr);
		if (peak < best) {
			best = peak;
			keep(p, w);
		}
	}
	memcpy(w->order, w->best_order, w->n * sizeof(*w->order));
	tries = w->n > 1 ? SEARCH_WORK / ((uint64_t)w->n * w->n) : 0;
	if (tries > SEARCH_TRIES)
		tries = SEARCH_TRIES;
	for (; tries && best > bound; tries--) {
		size_t i = next_random(&seed) % w->n, j = next_random(&seed) % w->n;
		uint32_t t = w->order[i];

		w->order[i] = w->order[j];
		w->order[j] = t;
		peak = place(p, w->order, w->n, w->done, w->addr);
		if (peak <= best) {
			best = peak;
			keep(p, w);
		} else {
			w->order[j] = w->order[i];
			w->order[i] = t;
		}
	}
	p->scratch_used = w->n ? best : 0;
}

int cg_plan(struct cg_prog *p)
{
	struct plan w = { 0 };
	uint64_t bound;
	size_t i;
	int ret;

	ret = live_ranges(p);
	if (ret)
		return ret;
	w.keys = calloc(p->n_bufs + 1, sizeof(*w.keys));
	w.order = calloc(3 * p->n_bufs + 1, sizeof(*w.order));
	w.addr = calloc(2 * p->n_bufs + 1, sizeof(*w.addr));
	if (!w.keys || !w.order || !w.addr) {
		ret = diag_nomem(p->diag);
		goto out;
	}
	w.best_order = w.order + p->n_bufs;
	w.done = w.best_order + p->n_bufs;
	w.best_addr = w.addr + p->n_bufs;
	for (i = 0; i < p->n_bufs; i++) {
		if (p->bufs[i].used)
			w.keys[w.n++] = (struct order_key){ 0, p->bufs[i].birth, (uint32_t)i };
	}
	bound = lower_bound(p);
	if (bound > p->chip->scratch_bytes) {
		p->scratch_used = bound;
		goto out;
	}
	search(p, &w, bound);
	if (p->scratch_used <= UINT32_MAX) {
		for (i = 0; i < p->n_bufs; i++)
			p->bufs[i].addr = (uint32_t)w.best_addr[i];
	}
out:
	free(w.keys);
	free(w.order);
	free(w.addr);
	return ret;
}

int cg_plan_verify(const struct cg_prog *p)
{
	size_t i, j;

	for (i = 0; i < p->n_bufs; i++) {
		const struct cg_buf *a = &p->bufs[i];

		if (!a->used)
			continue;
		if (a->size > p->chip->scratch_bytes || a->addr > p->chip->scratch_bytes - a->size)
			return diag_set(p->diag, -EINVAL, "scratch plan: %s is outside", a->name);
		for (j = i + 1; j < p->n_bufs; j++) {
			const struct cg_buf *b = &p->bufs[j];

			if (b->used && overlap(a, b) && a->addr < b->addr + b->size &&
			    b->addr < a->addr + a->size)
				return diag_set(p->diag, -EINVAL,
						"scratch plan: %s and %s live together and overlap",
						a->name, b->name);
		}
	}
	return 0;
}

void cg_plan_report(const struct cg_prog *p, struct strbuf *out)
{
	size_t i;

	strbuf_printf(out, "scratch: %" PRIu64 " of %u bytes\n", p->scratch_used,
		      p->chip->scratch_bytes);
	strbuf_puts(out, "   address      bytes   birth   death  buffer\n");
	for (i = 0; i < p->n_bufs; i++) {
		const struct cg_buf *b = &p->bufs[i];

		if (b->used)
			strbuf_printf(out, "%10u %10" PRIu64 " %7u %7u  %s\n", b->addr, b->size,
				      b->birth, b->death, b->name);
	}
}
