// SPDX-License-Identifier: MIT
/* One page without anything from elsewhere; it is well-formed XML, too. */
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "compiler/report/html.h"
#include "ig1_tables.h"

#define MOST_STEPS 20u

static const char style[] =
	":root{--bg:#ffffff;--fg:#1d2330;--muted:#5b6472;--line:#d9dde4;--card:#f4f6f9;"
	"--blue:#3b6fb6;--orange:#d97f1f;--green:#3f8f5c;--grey:#8a919c;color-scheme:light dark}\n"
	"@media (prefers-color-scheme:dark){:root{--bg:#14171d;--fg:#e3e7ee;--muted:#9aa3b2;"
	"--line:#2f3541;--card:#1c2129;--blue:#6f9fe0;--orange:#eda456;--green:#6fbf8e;"
	"--grey:#8f97a5}}\n"
	"body{background:var(--bg);color:var(--fg);font:15px/1.5 system-ui,sans-serif;margin:0 auto;"
	"max-width:1000px;padding:24px}\n"
	"h1{font-size:24px;margin:0}h2{font-size:18px;margin:36px 0 4px}"
	"p{margin:4px 0 10px;color:var(--muted)}\n"
	".cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:10px;"
	"margin:20px 0}\n"
	".card{background:var(--card);border-radius:8px;padding:10px 14px}"
	".card b{display:block;font-size:20px}.card span{color:var(--muted);font-size:13px}\n"
	"svg{width:100%;height:auto;display:block;margin:6px 0}"
	"svg text{fill:var(--muted);font:11px system-ui,sans-serif}\n"
	".tick,.unit{text-anchor:end}.under{text-anchor:middle}"
	".grid{stroke:var(--line)}.mean{stroke:var(--fg);stroke-dasharray:4 3}\n"
	".c1,.tile{fill:var(--blue)}.c2,.vec{fill:var(--orange)}.c3,.dma{fill:var(--green)}"
	".seq{fill:var(--grey)}.buf{fill:var(--blue);fill-opacity:.45;stroke:var(--bg);"
	"stroke-width:.5}\n"
	".key{display:inline-block;width:10px;height:10px;border-radius:2px;margin:0 4px 0 12px}"
	"i.c1,i.tile{background:var(--blue)}i.c2,i.vec{background:var(--orange)}"
	"i.c3,i.dma{background:var(--green)}i.seq{background:var(--grey)}\n"
	"table{border-collapse:collapse;width:100%;font-size:13px}"
	"th,td{text-align:left;padding:3px 10px 3px 0;border-bottom:1px solid var(--line);"
	"vertical-align:top}th{color:var(--muted);font-weight:600}"
	".n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}"
	".k{white-space:nowrap}.w{overflow-wrap:anywhere}\n"
	"summary{cursor:pointer;color:var(--muted);margin:6px 0}";

void html_text(struct strbuf *o, const char *s)
{
	for (; *s; s++) {
		switch (*s) {
		case '<':
			strbuf_puts(o, "&lt;");
			break;
		case '>':
			strbuf_puts(o, "&gt;");
			break;
		case '&':
			strbuf_puts(o, "&amp;");
			break;
		case '"':
			strbuf_puts(o, "&quot;");
			break;
		case '\'':
			strbuf_puts(o, "&#39;");
			break;
		default:
			strbuf_add(o, s, 1);
			break;
		}
	}
}

void html_bytes(struct strbuf *o, uint64_t bytes)
{
	static const char *const units[] = { "B", "kB", "MB", "GB", "TB" };
	double v = (double)bytes;
	size_t i = 0;

	for (; v >= 1000 && i + 1 < sizeof(units) / sizeof(units[0]); i++)
		v /= 1000;
	/* three digits; 999.6 is not to become 1e+03 */
	strbuf_printf(o, "%.*f %s", !i || v >= 99.95 ? 0 : v >= 9.995 ? 1 : 2, v, units[i]);
}

static void heading(struct strbuf *o, const char *title, const char *text)
{
	strbuf_printf(o, "<h2>%s</h2>\n<p>%s</p>\n", title, text);
}

static void key(struct strbuf *o, const char *class, const char *text)
{
	strbuf_printf(o, "<i class=\"key %s\"></i>%s", class, text);
}

static void card(struct strbuf *o, const char *what, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void card(struct strbuf *o, const char *what, const char *fmt, ...)
{
	char text[64];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	strbuf_printf(o, "<div class=\"card\"><b>%s</b><span>%s</span></div>\n", text, what);
}

static void print_head(const struct report *r, struct strbuf *o)
{
	strbuf_puts(o, "<h1>");
	html_text(o, r->name[0] ? r->name : r->file);
	strbuf_puts(o, "</h1>\n<p>");
	html_text(o, r->file);
	strbuf_puts(o, ", ");
	html_text(o, r->arch);
	strbuf_printf(o,
		      ": %u layers, width %u, vocabulary %u, %u positions. Chip `%s`: %u tiles of "
		      "%u rows, %u columns, %u lanes at %" PRIu64 " MHz. Format %s.</p>\n",
		      r->meta.layers, r->meta.width, r->meta.vocab, r->meta.context, r->chip->name,
		      r->chip->tiles, r->chip->rows, r->chip->columns, r->chip->lanes,
		      r->chip->clock_hz / 1000000, r->format);
}

static void print_cards(const struct report *r, struct strbuf *o)
{
	const struct report_accuracy *a = &r->accuracy;
	double cycles = (double)r->path.all.cycles;

	strbuf_puts(o, "<div class=\"cards\">\n");
	card(o, "weights", "%.4g M", (double)r->weights / 1e6);
	card(o, "bits per weight in ROM", "%.3f", report_bits(r->rom_bytes, r->weights));
	if (r->have_accuracy) {
		card(o, "mean KL divergence, nats", "%.5f",
		     a->tokens ? a->kl_sum / a->tokens : NAN);
		card(o, "same top token", "%.2f %%", a->tokens ? 100.0 * a->top1 / a->tokens : NAN);
		if (a->scored)
			card(o, "perplexity, chip / file", "%.4f",
			     exp((a->nll_chip - a->nll_source) / a->scored));
	}
	card(o, "weight ROM used", "%.2f %%", 100 * (double)r->rom.bytes / (double)r->rom.capacity);
	card(o, "cycles for a token", "%.0f", cycles);
	card(o, "tokens per second", "%.0f", (double)r->chip->clock_hz / cycles);
	strbuf_puts(o, "</div>\n");
}

static void print_accuracy(const struct report *r, struct strbuf *o)
{
	const struct report_accuracy *a = &r->accuracy;

	if (!r->have_accuracy) {
		heading(o, "Accuracy", "Not measured.");
		return;
	}
	heading(o, "Accuracy",
		"KL divergence of the chip's predictions from the file's, by token: the model file "
		"in double precision, the image on the reference model. Dashed: the mean.");
	html_plot_divergence(r, o);
	strbuf_printf(o, "<p>%u tokens of: ", a->tokens);
	html_text(o, a->text);
	strbuf_printf(o,
		      ". Largest divergence %.6f nats at token %u. Same top token: %u of %u. "
		      "Perplexity: file %.4f, chip %.4f. NMSE of the logits: %.3g.</p>\n",
		      a->kl_max, a->kl_max_at, a->top1, a->tokens,
		      report_perplexity(a->nll_source, a->scored),
		      report_perplexity(a->nll_chip, a->scored),
		      a->power2 > 0 ? a->error2 / a->power2 : NAN);
}

static void print_tensors(const struct report *r, struct strbuf *o)
{
	size_t i;

	if (r->n_requantised) {
		heading(o, "Tensors",
			"Relative RMS error of each matrix that was requantised; others are exact.");
		html_plot_errors(r, o);
	} else {
		heading(o, "Tensors", "All are in ROM without any change of value.");
	}
	strbuf_puts(o, "<details><summary>All tensors</summary><table><tr><th>tensor</th>"
		       "<th>file</th><th>ROM</th><th>values</th><th class=\"n\">rows x columns</th>"
		       "<th class=\"n\">bits, file</th><th class=\"n\">bits, ROM</th>"
		       "<th class=\"n\">RMS error</th><th class=\"n\">largest</th></tr>\n");
	for (i = 0; i < r->n_tensors; i++) {
		const struct report_tensor *t = &r->tensors[i];
		uint64_t n = t->rows * t->cols;

		strbuf_puts(o, "<tr><td class=\"w\">");
		html_text(o, t->name);
		strbuf_printf(o,
			      "</td><td>%s</td><td>%s</td><td>%s</td><td class=\"n\">%" PRIu64
			      " x %" PRIu64
			      "</td><td class=\"n\">%.3f</td><td class=\"n\">%.3f</td>",
			      t->type, t->format, report_fate_names[t->fate], t->rows, t->cols,
			      report_bits(t->source_bytes, n), report_bits(t->rom_bytes, n));
		if (t->fate == REPORT_REQUANT)
			strbuf_printf(o,
				      "<td class=\"n\">%.3g</td><td class=\"n\">%.3g</td></tr>\n",
				      t->rms_error, t->max_error);
		else
			strbuf_puts(o, "<td class=\"n\">-</td><td class=\"n\">-</td></tr>\n");
	}
	strbuf_puts(o, "</table></details>\n");
}

static void print_rom(const struct report *r, struct strbuf *o)
{
	const struct report_rom *m = &r->rom;
	size_t i;

	heading(o, "ROM", "Bytes of weights in each tile, and those that a decoded token reads.");
	strbuf_puts(o, "<p>");
	key(o, "c1", "stored");
	key(o, "c3", "read for a token");
	strbuf_puts(o, "</p>\n");
	html_plot_tiles(r, o);
	strbuf_puts(o, "<p>Weight ROM: ");
	html_bytes(o, m->bytes);
	strbuf_puts(o, " of ");
	html_bytes(o, m->capacity);
	strbuf_printf(o,
		      "; %.2f %% of the array's rows have work while matrices are read. Constant "
		      "ROM: ",
		      100 * m->fill);
	html_bytes(o, m->const_bytes);
	strbuf_puts(o, " of ");
	html_bytes(o, m->const_capacity);
	strbuf_puts(o, ".</p>\n<table><tr><th>constants</th><th class=\"n\">bytes</th></tr>\n");
	for (i = 0; i < m->n_kinds; i++)
		strbuf_printf(o, "<tr><td>%s</td><td class=\"n\">%" PRIu64 "</td></tr>\n",
			      m->kinds[i].name, m->kinds[i].bytes);
	strbuf_puts(o, "</table>\n");
}

static void print_sram(const struct report *r, struct strbuf *o)
{
	const struct report_sram *s = &r->sram;
	unsigned int k;

	heading(o, "SRAM",
		"Scratch buffers by address, over the commands of each program, whose "
		"versions for one column and for many follow each other.");
	for (k = 0; k < IG1_PROGS; k++) {
		const struct report_program *p = &s->programs[k];

		strbuf_printf(o, "<p>%s: %zu commands, ", p->name, p->commands);
		html_bytes(o, p->scratch);
		strbuf_puts(o, " of ");
		html_bytes(o, s->scratch);
		strbuf_puts(o, "</p>\n");
		html_plot_scratch(r, p, o);
	}
	strbuf_puts(o, "<p>A sequence keeps ");
	html_bytes(o, s->sequence);
	strbuf_printf(o, " at %u positions (recurrent state: ", r->meta.context);
	html_bytes(o, s->state);
	strbuf_printf(o, "); %" PRIu64 " such sequences fit ", s->sequences);
	html_bytes(o, s->resident);
	strbuf_puts(o, " of resident SRAM.</p>\n");
}

static void print_path(const struct report *r, struct strbuf *o)
{
	const struct report_path *p = &r->path;
	double cycles = (double)p->all.cycles;
	size_t i;

	heading(o, "Critical path",
		"One decoded token by the estimator: the engines' work, and the chain of commands "
		"that each waited for the one before.");
	strbuf_puts(o, "<p>");
	key(o, "tile", "tile array");
	key(o, "vec", "vector unit");
	key(o, "dma", "DMA");
	key(o, "seq", "sequencer");
	strbuf_puts(o, "</p>\n");
	html_plot_path(r, o);
	strbuf_printf(o,
		      "<p>Position %u: %" PRIu64 " cycles, %" PRIu64
		      " of them gaps between commands. Prefill of %u tokens: %" PRIu64
		      " cycles.</p>\n<table><tr><th>on the path</th><th>engine</th>"
		      "<th class=\"n\">times</th><th class=\"n\">cycles</th>"
		      "<th class=\"n\">share</th></tr>\n",
		      p->pos, p->all.cycles, p->gaps, p->prefill_cols, p->prefill_cycles);
	for (i = 0; i < p->n_steps && i < MOST_STEPS; i++) {
		const struct report_step *s = &p->steps[i];

		strbuf_puts(o, "<tr><td class=\"w\">");
		html_text(o, s->name);
		strbuf_printf(o,
			      "</td><td>%s</td><td class=\"n\">%u</td><td class=\"n\">%" PRIu64
			      "</td><td class=\"n\">%.1f %%</td></tr>\n",
			      ig1_engine_names[s->engine].name, s->count, s->cycles,
			      100 * (double)s->cycles / cycles);
	}
	strbuf_puts(o, "</table>\n");
}

static void print_changes(const struct report *r, struct strbuf *o)
{
	size_t i;

	heading(o, "Changeable after tape-out", "Where the parts of the model are.");
	strbuf_puts(o, "<table><tr><th>what</th><th>where</th><th class=\"n\">bytes</th><th>how"
		       "</th></tr>\n");
	for (i = 0; i < r->n_changes; i++) {
		const struct report_change *c = &r->changes[i];

		strbuf_printf(o, "<tr><td>%s</td><td class=\"k\">%s</td><td class=\"n\">", c->what,
			      report_where_names[c->where]);
		if (c->bytes)
			strbuf_printf(o, "%" PRIu64, c->bytes);
		else
			strbuf_puts(o, "-");
		strbuf_puts(o, "</td><td>");
		html_text(o, c->how);
		strbuf_puts(o, "</td></tr>\n");
	}
	strbuf_puts(o, "</table>\n<details><summary>Sites for low-rank adapters</summary><table>"
		       "<tr><th>matrix</th><th class=\"n\">rows x columns</th>"
		       "<th class=\"n\">copies</th><th class=\"n\">bytes for rank 1</th></tr>\n");
	for (i = 0; i < r->n_sites; i++) {
		const struct report_site *s = &r->sites[i];

		strbuf_puts(o, "<tr><td class=\"w\">");
		html_text(o, s->tensor);
		strbuf_printf(o,
			      "</td><td class=\"n\">%" PRIu64 " x %" PRIu64
			      "</td><td class=\"n\">%" PRIu64 "</td><td class=\"n\">%" PRIu64
			      "</td></tr>\n",
			      s->rows, s->cols, s->copies, s->rank_bytes);
	}
	strbuf_puts(o, "</table></details>\n");
}

void report_print_html(const struct report *rep, struct strbuf *out)
{
	strbuf_puts(out, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/>"
			 "<meta name=\"viewport\" content=\"width=device-width\"/><title>");
	html_text(out, rep->name[0] ? rep->name : rep->file);
	strbuf_printf(out, "</title>\n<style>%s</style></head>\n<body>\n", style);
	print_head(rep, out);
	print_cards(rep, out);
	print_accuracy(rep, out);
	print_tensors(rep, out);
	print_rom(rep, out);
	print_sram(rep, out);
	print_path(rep, out);
	print_changes(rep, out);
	strbuf_puts(out, "</body></html>\n");
}
