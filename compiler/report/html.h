/* SPDX-License-Identifier: MIT */
/* Pieces of the page: escaped text, and plots as inline SVG. Well-formed XML throughout. */
#ifndef IG1_COMPILER_REPORT_HTML_H
#define IG1_COMPILER_REPORT_HTML_H

#include "compiler/report/report.h"

/* Text, or an attribute's value. */
void html_text(struct strbuf *o, const char *s);
/* 12345678 as "12.3 MB" and the like, for people. */
void html_bytes(struct strbuf *o, uint64_t bytes);

/* html_bars.c: bars over an axis from zero */
void html_plot_divergence(const struct report *rep, struct strbuf *o);
void html_plot_errors(const struct report *rep, struct strbuf *o);
void html_plot_tiles(const struct report *rep, struct strbuf *o);

/* html_time.c: rectangles over time */
void html_plot_scratch(const struct report *rep, const struct report_program *p, struct strbuf *o);
void html_plot_path(const struct report *rep, struct strbuf *o);

#define PLOT_WIDTH 960 /* units of all plots; the page scales them */
#define PLOT_LEFT  70  /* of the axis */
#define PLOT_RIGHT 10

#endif
