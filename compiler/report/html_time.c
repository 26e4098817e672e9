// SPDX-License-Identifier: MIT
#include <inttypes.h>

#include "compiler/report/html.h"
#include "ig1_tables.h"

#define LANE	   30 /* height of an engine's row */
#define PLAN	   220
#define BOTTOM	   26
#define TICKS	   6
#define LEAST	   0.6 /* rectangles that are nearer to each other become one */
#define PLOT_INNER (PLOT_WIDTH - PLOT_LEFT - PLOT_RIGHT)

static double x_of(uint64_t t, uint64_t end)
{
	return PLOT_LEFT + (end ? (double)PLOT_INNER * (double)t / (double)end : 0);
}

static void begin(struct strbuf *o, const char *title, int height, uint64_t end, const char *unit)
{
	int i;

	strbuf_printf(o, "<svg viewBox=\"0 0 %d %d\" role=\"img\"><title>", PLOT_WIDTH,
		      height + BOTTOM);
	html_text(o, title);
	strbuf_puts(o, "</title>\n");
	for (i = 0; i <= TICKS; i++) {
		uint64_t t = end * (uint64_t)i / TICKS;

		strbuf_printf(o,
			      "<line class=\"grid\" x1=\"%.1f\" x2=\"%.1f\" y1=\"0\" y2=\"%d\"/>"
			      "<text class=\"%s\" x=\"%.1f\" y=\"%d\">%" PRIu64 "%s%s</text>\n",
			      x_of(t, end), x_of(t, end), height, i == TICKS ? "unit" : "under",
			      x_of(t, end), height + 18, t, i == TICKS ? " " : "",
			      i == TICKS ? unit : "");
	}
}

static void rect(struct strbuf *o, const char *class, double x0, double x1, double y, double h)
{
	strbuf_printf(o,
		      "<rect class=\"%s\" x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\">"
		      "<title>",
		      class, x0, y, x1 - x0 < LEAST ? LEAST : x1 - x0, h);
}

/*
 * Spans of one engine, or of all, in order of time; what is too near to be told apart becomes one
 * rectangle, as long as the engine is the same.
 */
static void lane(struct strbuf *o, const struct report_span *s, size_t n, int engine, uint64_t end,
		 double y)
{
	static const char *const classes[IG1_ENGINE_COUNT] = { [IG1_ENGINE_SEQ] = "seq",
							       [IG1_ENGINE_TILE] = "tile",
							       [IG1_ENGINE_VEC] = "vec",
							       [IG1_ENGINE_DMA] = "dma" };
	size_t i, j, some;

	for (i = 0; i < n; i = j) {
		uint64_t last = s[i].end;

		j = i + 1;
		if (engine >= 0 && s[i].engine != (unsigned int)engine)
			continue;
		for (some = 1; j < n; j++) {
			if (s[j].engine != s[i].engine) {
				if (engine >= 0)
					continue;
				break;
			}
			if (x_of(s[j].start, end) - x_of(last, end) >= LEAST)
				break;
			last = s[j].end;
			some++;
		}
		rect(o, classes[s[i].engine], x_of(s[i].start, end), x_of(last, end), y, LANE - 8);
		html_text(o, s[i].name);
		if (some > 1)
			strbuf_printf(o, " and %zu more", some - 1);
		strbuf_printf(o, ": cycle %" PRIu64 " to %" PRIu64 "</title></rect>\n", s[i].start,
			      last);
	}
}

static void name(struct strbuf *o, const char *text, double y)
{
	strbuf_printf(o, "<text class=\"tick\" x=\"%d\" y=\"%.1f\">%s</text>\n", PLOT_LEFT - 6, y,
		      text);
}

void html_plot_path(const struct report *rep, struct strbuf *o)
{
	static const unsigned int rows[] = { IG1_ENGINE_TILE, IG1_ENGINE_VEC, IG1_ENGINE_DMA };
	const struct report_path *p = &rep->path;
	uint64_t end = p->all.cycles;
	unsigned int k;

	begin(o, "A decoded token in time", 4 * LANE, end, "cycles");
	for (k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
		name(o, ig1_engine_names[rows[k]].name, LANE * k + 19);
		lane(o, p->work, p->n_work, (int)rows[k], end, LANE * k + 4);
	}
	name(o, "path", LANE * k + 19);
	lane(o, p->chain, p->n_chain, -1, end, LANE * k + 4);
	strbuf_puts(o, "</svg>\n");
}

void html_plot_scratch(const struct report *rep, const struct report_program *p, struct strbuf *o)
{
	const struct report_program *both = rep->sram.programs;
	uint64_t all = 1;
	size_t i;

	/* one scale for both programs */
	for (i = 0; i < IG1_PROGS; i++)
		all = both[i].scratch > all ? both[i].scratch : all;

	begin(o, "Scratch plan", PLAN, p->commands, "command");
	for (i = 0; i <= 4; i++)
		strbuf_printf(o,
			      "<line class=\"grid\" x1=\"%d\" x2=\"%d\" y1=\"%zu\" y2=\"%zu\"/>"
			      "<text class=\"tick\" x=\"%d\" y=\"%zu\">%.1f kB</text>\n",
			      PLOT_LEFT, PLOT_WIDTH - PLOT_RIGHT, PLAN - PLAN * i / 4,
			      PLAN - PLAN * i / 4, PLOT_LEFT - 6,
			      PLAN - PLAN * i / 4 + (i == 4 ? 11 : 0), (double)all * i / 4e3);
	for (i = 0; i < p->n_bufs; i++) {
		const struct report_buf *b = &p->bufs[i];
		double h = PLAN * (double)b->bytes / (double)all;
		double y = PLAN * (1 - (double)(b->addr + b->bytes) / (double)all);

		rect(o, "buf", x_of(b->birth, p->commands),
		     x_of((uint64_t)b->death + 1, p->commands), y, h < LEAST ? LEAST : h);
		html_text(o, b->name);
		strbuf_printf(
			o, ": %" PRIu64 " bytes at %" PRIu64 ", commands %u to %u</title></rect>\n",
			b->bytes, b->addr, b->birth, b->death);
	}
	strbuf_puts(o, "</svg>\n");
}
