// SPDX-License-Identifier: MIT
#include <inttypes.h>
#include <math.h>

#include "compiler/report/report.h"
#include "ig1_tables.h"

#define MOST_STEPS 12u

static double percent(double part, double all)
{
	return all > 0 ? 100 * part / all : 0;
}

static void print_head(const struct report *r, struct strbuf *o)
{
	strbuf_printf(o, "model     %s (%s), %s\n", r->name[0] ? r->name : "-", r->arch, r->file);
	strbuf_printf(o,
		      "          %u layers, width %u, vocabulary %u, %u positions, %" PRIu64
		      " weights\n",
		      r->meta.layers, r->meta.width, r->meta.vocab, r->meta.context, r->weights);
	strbuf_printf(o,
		      "chip      %s: %u tiles of %u rows, %u columns, %u lanes, %" PRIu64 " MHz\n",
		      r->chip->name, r->chip->tiles, r->chip->rows, r->chip->columns,
		      r->chip->lanes, r->chip->clock_hz / 1000000);
	strbuf_printf(o, "weights   format %s: %.4f bits per weight in the file, %.4f in ROM\n",
		      r->format, report_bits(r->source_bytes, r->weights),
		      report_bits(r->rom_bytes, r->weights));
}

static void print_accuracy(const struct report *r, struct strbuf *o)
{
	const struct report_accuracy *a = &r->accuracy;
	double source = report_perplexity(a->nll_source, a->scored);
	double chip = report_perplexity(a->nll_chip, a->scored);

	strbuf_puts(o, "\naccuracy: the file in double precision, and the image on the reference "
		       "model\n");
	if (!r->have_accuracy) {
		strbuf_puts(o, "  not measured\n");
		return;
	}
	strbuf_printf(o, "  text                  %s, %u tokens\n", a->text, a->tokens);
	strbuf_printf(o, "  KL divergence         mean %.6f, largest %.6f nats at token %u\n",
		      a->tokens ? a->kl_sum / a->tokens : NAN, a->kl_max, a->kl_max_at);
	strbuf_printf(o, "  same top token        %u of %u, %.2f %%\n", a->top1, a->tokens,
		      percent(a->top1, a->tokens));
	if (a->scored)
		strbuf_printf(o, "  perplexity            file %.4f, chip %.4f, ratio %.5f\n",
			      source, chip, chip / source);
	strbuf_printf(o, "  error of the logits   NMSE %.3g\n",
		      a->power2 > 0 ? a->error2 / a->power2 : NAN);
}

static void print_tensors(const struct report *r, struct strbuf *o)
{
	size_t i;

	strbuf_puts(o, "\ntensors\n  file    ROM    bits, file  bits, ROM        rows x columns  "
		       "RMS error  largest  \n");
	for (i = 0; i < r->n_tensors; i++) {
		const struct report_tensor *t = &r->tensors[i];
		uint64_t n = t->rows * t->cols;

		strbuf_printf(o, "  %-7s %-6s %10.4f %10.4f %11" PRIu64 " x %-8" PRIu64, t->type,
			      t->format, report_bits(t->source_bytes, n),
			      report_bits(t->rom_bytes, n), t->rows, t->cols);
		if (t->fate == REPORT_REQUANT)
			strbuf_printf(o, " %8.3g %8.3g", t->rms_error, t->max_error);
		else
			strbuf_printf(o, " %17s", "exact");
		strbuf_printf(o, "  %s (%s)\n", t->name, report_fate_names[t->fate]);
	}
}

static void print_rom(const struct report *r, struct strbuf *o)
{
	const struct report_rom *m = &r->rom;
	uint32_t k;
	size_t i;

	strbuf_printf(o, "\nweight ROM: %" PRIu64 " of %" PRIu64 " bytes, %.2f %%\n", m->bytes,
		      m->capacity, percent((double)m->bytes, (double)m->capacity));
	strbuf_printf(o,
		      "  a tile holds %" PRIu64 " to %" PRIu64 " bytes; a token reads %" PRIu64
		      ", %" PRIu64 " to %" PRIu64 " of a tile\n",
		      m->min, m->max, m->read, m->read_min, m->read_max);
	strbuf_printf(o, "  rows of the array at work while matrices are read: %.2f %%\n",
		      100 * m->fill);
	for (k = 0; k < m->tiles; k++)
		strbuf_printf(o, "  tile %3u %14" PRIu64 " bytes %14" PRIu64 " read\n", k,
			      m->tile[k], m->tile_read[k]);
	strbuf_printf(o, "constant ROM: %" PRIu64 " of %" PRIu64 " bytes\n", m->const_bytes,
		      m->const_capacity);
	for (i = 0; i < m->n_kinds; i++)
		strbuf_printf(o, "  %14" PRIu64 "  %s\n", m->kinds[i].bytes, m->kinds[i].name);
}

static void print_sram(const struct report *r, struct strbuf *o)
{
	const struct report_sram *s = &r->sram;
	unsigned int k;
	size_t i;

	strbuf_printf(o,
		      "\nsequence: %" PRIu64 " bytes at %u positions (%" PRIu64 " for 32 positions",
		      s->sequence, r->meta.context, s->kv_block);
	if (s->ring_blocks)
		strbuf_printf(o, ", a ring of %" PRIu64 " x %" PRIu64, s->ring_blocks,
			      s->ring_block);
	if (s->state)
		strbuf_printf(o, ", %" PRIu64 " of recurrent state", s->state);
	strbuf_printf(o, "); %" PRIu64 " such sequences fit %" PRIu64 " bytes of resident SRAM\n",
		      s->sequences, s->resident);
	for (k = 0; k < IG1_PROGS; k++) {
		const struct report_program *p = &s->programs[k];

		strbuf_printf(o,
			      "%s: %zu commands, scratch: %" PRIu64 " of %" PRIu64
			      " bytes\n     address      bytes   birth   death  buffer\n",
			      p->name, p->commands, p->scratch, s->scratch);
		for (i = 0; i < p->n_bufs; i++)
			strbuf_printf(o, "  %10" PRIu64 " %10" PRIu64 " %7u %7u  %s\n",
				      p->bufs[i].addr, p->bufs[i].bytes, p->bufs[i].birth,
				      p->bufs[i].death, p->bufs[i].name);
	}
}

static void print_path(const struct report *r, struct strbuf *o)
{
	const struct report_path *p = &r->path;
	double cycles = (double)p->all.cycles, hz = (double)r->chip->clock_hz;
	unsigned int q;
	size_t i;

	strbuf_printf(o,
		      "\ncritical path of a decoded token at position %u (estimate): %" PRIu64
		      " cycles, %.0f tokens/s\n",
		      p->pos, p->all.cycles, hz / cycles);
	strbuf_printf(o, "  prefill of %u tokens: %" PRIu64 " cycles, %.0f tokens/s\n",
		      p->prefill_cols, p->prefill_cycles,
		      p->prefill_cols * hz / (double)p->prefill_cycles);
	for (q = 0; q < IG1_ENGINE_COUNT; q++)
		strbuf_printf(o,
			      "  %-5s busy %10" PRIu64 " (%5.1f %%), on the path %10" PRIu64
			      " (%5.1f %%)\n",
			      ig1_engine_names[q].name, p->all.busy[q],
			      percent((double)p->all.busy[q], cycles), p->on_path[q],
			      percent((double)p->on_path[q], cycles));
	strbuf_printf(o, "  %-5s %48" PRIu64 " (%5.1f %%)\n", "gaps", p->gaps,
		      percent((double)p->gaps, cycles));
	for (i = 0; i < p->n_steps && i < MOST_STEPS; i++) {
		const struct report_step *s = &p->steps[i];

		strbuf_printf(o, "  %10" PRIu64 " cycles (%5.1f %%) %6u times  %-5s %s\n",
			      s->cycles, percent((double)s->cycles, cycles), s->count,
			      ig1_engine_names[s->engine].name, s->name);
	}
}

static void print_changes(const struct report *r, struct strbuf *o)
{
	size_t i;

	strbuf_puts(o, "\nchangeable after tape-out\n");
	for (i = 0; i < r->n_changes; i++) {
		const struct report_change *c = &r->changes[i];

		strbuf_printf(o, "  %-17s ", report_where_names[c->where]);
		if (c->bytes)
			strbuf_printf(o, "%12" PRIu64, c->bytes);
		else
			strbuf_printf(o, "%12s", "-");
		strbuf_printf(o, "  %s: %s\n", c->what, c->how);
	}
	strbuf_puts(o,
		    "sites for low-rank adapters\n  rows x columns (copies), bytes for rank 1\n");
	for (i = 0; i < r->n_sites; i++) {
		const struct report_site *s = &r->sites[i];

		strbuf_printf(o,
			      "  %8" PRIu64 " x %-8" PRIu64 " (%4" PRIu64 ") %10" PRIu64 "  %s\n",
			      s->rows, s->cols, s->copies, s->rank_bytes, s->tensor);
	}
}

void report_print_text(const struct report *rep, struct strbuf *out)
{
	print_head(rep, out);
	print_accuracy(rep, out);
	print_tensors(rep, out);
	print_rom(rep, out);
	print_sram(rep, out);
	print_path(rep, out);
	print_changes(rep, out);
}
