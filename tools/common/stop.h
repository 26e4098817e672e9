/* SPDX-License-Identifier: MIT */
/* Text that grows piece by piece and ends before the first stop string. What could still become a
 * stop string is held back. */
#ifndef STOP_H
#define STOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct stop {
	const char *const *stops;
	size_t n_stops, longest;
	char *done;    /* all text, then what is held back; not terminated */
	size_t n_done; /* certain */
	size_t n;      /* held back included */
	size_t cap;
	size_t printed;
	bool hit;
};

/* 0 or -1 (out of memory). stops stay the caller's. */
int stop_init(struct stop *s, const char *const *stops, size_t n);
void stop_fini(struct stop *s);
int stop_push(struct stop *s, const char *text, size_t n);
/* No more text comes: nothing is held back. */
void stop_flush(struct stop *s);
/* What is certain and was not printed yet. */
void stop_print(struct stop *s, FILE *f);

#endif
