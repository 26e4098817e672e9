// SPDX-License-Identifier: MIT
#include <errno.h>
#include <inttypes.h>
#include <math.h>

#include "compiler/report/html.h"

#define HEIGHT	   200.0
#define TOP	   12.0
#define BOTTOM	   24.0
#define MOST_BARS  440u /* more values than that share bars, which show the largest */
#define PLOT_INNER (PLOT_WIDTH - PLOT_LEFT - PLOT_RIGHT)

struct bars {
	struct strbuf *o;
	uint32_t n;    /* values */
	uint32_t each; /* of a bar */
	double max;    /* upper end of the axis */
	double width;  /* of a bar with its gap */
};

/* 1, 2 or 5 times a power of ten: a few of them make up `max`. */
static double tick_of(double max)
{
	double p = pow(10, floor(log10(max / 4))), r = max / 4 / p;

	return p * (r < 1.5 ? 1 : r < 3.5 ? 2 : r < 7.5 ? 5 : 10);
}

static double y_of(const struct bars *b, double v)
{
	return TOP + (HEIGHT - TOP - BOTTOM) * (1 - v / b->max);
}

static void begin(struct bars *b, struct strbuf *o, const char *title, uint32_t n, double max,
		  double scale, const char *unit)
{
	double tick, v;

	*b = (struct bars){ .o = o, .n = n, .max = max > 0 && isfinite(max) ? 1.05 * max : 1 };
	b->each = (n + MOST_BARS - 1) / MOST_BARS;
	if (!b->each)
		b->each = 1;
	b->width = (double)PLOT_INNER / ((n + b->each - 1) / b->each + (n == 0));
	strbuf_printf(o, "<svg viewBox=\"0 0 %d %.0f\" role=\"img\"><title>", PLOT_WIDTH, HEIGHT);
	html_text(o, title);
	strbuf_puts(o, "</title>\n");
	tick = tick_of(b->max);
	for (v = 0; v <= b->max; v += tick)
		strbuf_printf(o,
			      "<line class=\"grid\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>"
			      "<text class=\"tick\" x=\"%d\" y=\"%.1f\">%.4g%s</text>\n",
			      PLOT_LEFT, PLOT_WIDTH - PLOT_RIGHT, y_of(b, v), y_of(b, v),
			      PLOT_LEFT - 6, y_of(b, v) + 4, v * scale, unit);
}

/* Value number i, at its bar; share: of the bar's width. */
static void bar(struct bars *b, uint32_t i, double v, const char *class, double share)
{
	double gap = b->width > 4 ? 1 : 0, w = (b->width - gap) * share;
	double x = PLOT_LEFT + b->width * (i / b->each) + (b->width - gap - w) / 2;

	/* what is not a number has no height, what is infinite all of it */
	v = v >= 0 ? fmin(v, b->max) : 0;
	strbuf_printf(b->o,
		      "<rect class=\"%s\" x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\">"
		      "<title>",
		      class, x, y_of(b, v), w, HEIGHT - BOTTOM - y_of(b, v));
}

static void bar_end(struct bars *b)
{
	strbuf_puts(b->o, "</title></rect>\n");
}

static void mark(struct bars *b, uint32_t i)
{
	strbuf_printf(b->o, "<text class=\"under\" x=\"%.2f\" y=\"%.0f\">%" PRIu32 "</text>\n",
		      PLOT_LEFT + b->width * (i / b->each) + b->width / 2, HEIGHT - 8, i);
}

static void end(struct bars *b, const char *under)
{
	uint32_t step = b->n > 4 ? (uint32_t)tick_of(b->n) : 1, i;

	/* the end is for what they number */
	for (i = 0; 4 * i <= 3 * b->n && i < b->n; i += step)
		mark(b, i);
	strbuf_printf(b->o, "<text class=\"unit\" x=\"%d\" y=\"%.0f\">", PLOT_WIDTH - PLOT_RIGHT,
		      HEIGHT - 8);
	html_text(b->o, under);
	strbuf_puts(b->o, "</text></svg>\n");
}

void html_plot_divergence(const struct report *rep, struct strbuf *o)
{
	const struct report_accuracy *a = &rep->accuracy;
	double mean = a->tokens ? a->kl_sum / a->tokens : 0;
	struct bars b;
	uint32_t i, k, most;

	begin(&b, o, "KL divergence by token", a->tokens, a->kl_max, 1, "");
	for (i = 0; i < a->tokens; i += b.each) {
		for (most = i, k = i; k < a->tokens && k < i + b.each; k++)
			most = a->kl[k] > a->kl[most] ? k : most;
		bar(&b, i, (double)a->kl[most], "c1", 1);
		strbuf_printf(o, "token %" PRIu32 ": %.6f nats", most, (double)a->kl[most]);
		bar_end(&b);
	}
	mean = isfinite(mean) ? mean : 0;
	strbuf_printf(
		o,
		"<line class=\"mean\" x1=\"%d\" x2=\"%d\" y1=\"%.2f\" y2=\"%.2f\"><title>mean "
		"%.6f nats</title></line>\n",
		PLOT_LEFT, PLOT_WIDTH - PLOT_RIGHT, y_of(&b, mean), y_of(&b, mean), mean);
	end(&b, "token of the text");
}

static bool is_matrix(const struct report_tensor *t)
{
	return t->fate == REPORT_KEPT || t->fate == REPORT_REENCODED || t->fate == REPORT_REQUANT;
}

void html_plot_errors(const struct report *rep, struct strbuf *o)
{
	const struct report_tensor **list, *t;
	uint32_t n = 0, i, k, most;
	struct arena a = { 0 };
	struct bars b;
	double max = 0;
	size_t j;

	list = arena_array(&a, rep->n_tensors + 1, sizeof(const struct report_tensor *));
	if (!list) {
		o->err = -ENOMEM;
		return;
	}
	for (j = 0; j < rep->n_tensors; j++) {
		t = &rep->tensors[j];
		if (!is_matrix(t))
			continue;
		list[n++] = t;
		max = fmax(max, t->rms_error);
	}
	begin(&b, o, "Relative RMS error of matrices", n, max, 100, " %");
	for (i = 0; i < n; i += b.each) {
		for (most = i, k = i; k < n && k < i + b.each; k++)
			most = list[k]->rms_error > list[most]->rms_error ? k : most;
		t = list[most];
		bar(&b, i, t->rms_error, t->fate == REPORT_REQUANT ? "c2" : "c1", 1);
		html_text(o, t->name);
		strbuf_printf(o, ": %s to %s, %.4g %%", t->type, t->format, 100 * t->rms_error);
		bar_end(&b);
	}
	end(&b, "matrix, in the file's order of use");
	arena_free(&a);
}

void html_plot_tiles(const struct report *rep, struct strbuf *o)
{
	const struct report_rom *m = &rep->rom;
	struct bars b;
	uint32_t k;
	double scale = m->max >= 10000000 ? 1e-6 : m->max >= 10000 ? 1e-3 : 1;

	begin(&b, o, "Weight ROM by tile", m->tiles, (double)m->max, scale,
	      scale < 1e-3 ? " MB"
	      : scale < 1  ? " kB"
			   : " B");
	for (k = 0; k < m->tiles; k++) {
		bar(&b, k, (double)m->tile[k], "c1", 0.9);
		strbuf_printf(o, "tile %" PRIu32 ": %" PRIu64 " bytes", k, m->tile[k]);
		bar_end(&b);
		bar(&b, k, (double)m->tile_read[k], "c3", 0.45);
		strbuf_printf(o, "tile %" PRIu32 ": %" PRIu64 " bytes read for a token", k,
			      m->tile_read[k]);
		bar_end(&b);
	}
	end(&b, "tile");
}
