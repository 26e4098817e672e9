// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>

#include "tokenizer_internal.h"

static int heap_push(struct merge_work *w, const struct merge_node *n)
{
	void *v = w->heap;
	size_t i, up;

	if (tok_reserve(&v, &w->cap_heap, w->n_heap, 1, sizeof(*w->heap)))
		return -ENOMEM;
	w->heap = v;
	for (i = w->n_heap++; i; i = up) {
		up = (i - 1) / 2;
		if (w->heap[up].key <= n->key)
			break;
		w->heap[i] = w->heap[up];
	}
	w->heap[i] = *n;
	return 0;
}

static struct merge_node heap_pop(struct merge_work *w)
{
	struct merge_node top = w->heap[0], last = w->heap[--w->n_heap];
	size_t i = 0, c;

	while ((c = 2 * i + 1) < w->n_heap) {
		if (c + 1 < w->n_heap && w->heap[c + 1].key < w->heap[c].key)
			c++;
		if (last.key <= w->heap[c].key)
			break;
		w->heap[i] = w->heap[c];
		i = c;
	}
	if (w->n_heap)
		w->heap[i] = last;
	return top;
}

void merge_begin(struct merge_work *w, const uint8_t *text)
{
	w->text = text;
	w->n_sym = 0;
	w->n_heap = 0;
}

int merge_add(struct merge_work *w, uint32_t off, uint32_t len, int32_t id)
{
	void *v = w->sym;
	struct merge_sym *s;

	if (tok_reserve(&v, &w->cap_sym, w->n_sym, 1, sizeof(*w->sym)))
		return -ENOMEM;
	w->sym = v;
	s = &w->sym[w->n_sym];
	s->prev = w->n_sym ? (uint32_t)w->n_sym - 1 : MERGE_NONE;
	s->next = MERGE_NONE;
	if (w->n_sym)
		w->sym[w->n_sym - 1].next = (uint32_t)w->n_sym;
	s->off = off;
	s->len = len;
	s->id = id;
	w->n_sym++;
	return 0;
}

static int offer(const struct tokenizer *t, struct merge_work *w, merge_join_fn *join, uint32_t l,
		 uint32_t r)
{
	struct merge_node n;
	uint32_t prio;

	if (l == MERGE_NONE || r == MERGE_NONE)
		return 0;
	n.id = join(t, w, &w->sym[l], &w->sym[r], &prio);
	if (n.id < 0)
		return 0;
	n.key = (uint64_t)prio << 32 | l;
	n.right = r;
	n.len = w->sym[l].len + w->sym[r].len;
	return heap_push(w, &n);
}

int merge_run(const struct tokenizer *t, struct merge_work *w, merge_join_fn *join)
{
	size_t i;

	for (i = 1; i < w->n_sym; i++) {
		if (offer(t, w, join, (uint32_t)i - 1, (uint32_t)i))
			return -ENOMEM;
	}
	while (w->n_heap) {
		struct merge_node n = heap_pop(w);
		uint32_t l = (uint32_t)n.key;
		struct merge_sym *ls = &w->sym[l], *rs = &w->sym[n.right];

		/* Either side merged since: its length changed, or it is gone. */
		if (!ls->len || !rs->len || ls->len + rs->len != n.len)
			continue;
		ls->len = n.len;
		ls->id = n.id;
		ls->next = rs->next;
		rs->len = 0;
		if (ls->next != MERGE_NONE)
			w->sym[ls->next].prev = l;
		if (offer(t, w, join, ls->prev, l) || offer(t, w, join, l, ls->next))
			return -ENOMEM;
	}
	return 0;
}

void merge_free(struct merge_work *w)
{
	free(w->sym);
	free(w->heap);
	tokenizer_bytes_free(&w->alpha);
	w->sym = NULL;
	w->heap = NULL;
}
