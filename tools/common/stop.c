// SPDX-License-Identifier: MIT
/* Stop strings. */
#include "stop.h"

#include <stdlib.h>
#include <string.h>

int stop_init(struct stop *s, const char *const *stops, size_t n)
{
	size_t i, len;

	memset(s, 0, sizeof(*s));
	s->stops = stops;
	s->n_stops = n;
	for (i = 0; i < n; i++) {
		len = strlen(stops[i]);
		s->longest = len > s->longest ? len : s->longest;
	}
	return 0;
}

void stop_fini(struct stop *s)
{
	free(s->done);
	s->done = NULL;
}

/* Does a stop string begin at `at`? 2: all of it is there; 1: as much as there is fits. */
static int match(const struct stop *s, size_t at)
{
	size_t i, len, have = s->n - at;
	int best = 0;

	for (i = 0; i < s->n_stops; i++) {
		len = strlen(s->stops[i]);
		if (have >= len && !memcmp(s->done + at, s->stops[i], len))
			return 2;
		if (have < len && !memcmp(s->done + at, s->stops[i], have))
			best = 1;
	}
	return best;
}

int stop_push(struct stop *s, const char *text, size_t n)
{
	size_t need;
	char *grown;
	int m;

	if (s->hit || !n)
		return 0;
	need = s->n + n;
	if (need > s->cap) {
		need = need < 256 ? 256 : 2 * need;
		grown = realloc(s->done, need);
		if (!grown)
			return -1;
		s->done = grown;
		s->cap = need;
	}
	memcpy(s->done + s->n, text, n);
	s->n += n;
	for (; s->n_done < s->n; s->n_done++) {
		m = match(s, s->n_done);
		if (m == 2) {
			s->hit = true;
			s->n = s->n_done;
		}
		if (m)
			break;
	}
	return 0;
}

void stop_flush(struct stop *s)
{
	s->n_done = s->n;
}

void stop_print(struct stop *s, FILE *f)
{
	if (s->n_done > s->printed) {
		fwrite(s->done + s->printed, 1, s->n_done - s->printed, f);
		fflush(f);
	}
	s->printed = s->n_done;
}
