// SPDX-License-Identifier: MIT
/* One object; keys do not change. What is not known is null. */
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>

#include "compiler/report/report.h"
#include "ig1_tables.h"

#define DIGITS 9

static json_t *number(double v)
{
	return isfinite(v) ? json_real(v) : json_null();
}

static json_t *count(uint64_t v)
{
	return json_integer((json_int_t)v);
}

static json_t *model(const struct report *r)
{
	return json_pack("{s:s,s:s,s:s,s:I,s:I,s:I,s:I,s:I}", "file", r->file, "name", r->name,
			 "architecture", r->arch, "layers", (json_int_t)r->meta.layers, "width",
			 (json_int_t)r->meta.width, "vocabulary", (json_int_t)r->meta.vocab,
			 "context", (json_int_t)r->meta.context, "weights", (json_int_t)r->weights);
}

static json_t *chip(const struct report *r)
{
	const struct ig1_config *c = r->chip;

	return json_pack("{s:s,s:I,s:I,s:I,s:I,s:I}", "name", c->name, "tiles",
			 (json_int_t)c->tiles, "rows", (json_int_t)c->rows, "columns",
			 (json_int_t)c->columns, "lanes", (json_int_t)c->lanes, "clock_hz",
			 (json_int_t)c->clock_hz);
}

static json_t *accuracy(const struct report *r)
{
	const struct report_accuracy *a = &r->accuracy;
	double source = report_perplexity(a->nll_source, a->scored);
	double on_chip = report_perplexity(a->nll_chip, a->scored);
	json_t *kl, *j;
	uint32_t i;

	if (!r->have_accuracy)
		return json_null();
	kl = json_array();
	for (i = 0; i < a->tokens; i++)
		json_array_append_new(kl, number((double)a->kl[i]));
	j = json_pack("{s:s,s:I,s:I,s:I}", "text", a->text, "tokens", (json_int_t)a->tokens,
		      "scored", (json_int_t)a->scored, "top1_same", (json_int_t)a->top1);
	json_object_set_new(j, "top1", number(a->tokens ? (double)a->top1 / a->tokens : NAN));
	json_object_set_new(j, "kl_mean", number(a->tokens ? a->kl_sum / a->tokens : NAN));
	json_object_set_new(j, "kl_max", number(a->kl_max));
	json_object_set_new(j, "kl_max_token", count(a->kl_max_at));
	json_object_set_new(j, "perplexity_source", number(source));
	json_object_set_new(j, "perplexity_chip", number(on_chip));
	json_object_set_new(j, "perplexity_ratio", number(on_chip / source));
	json_object_set_new(j, "logits_nmse", number(a->power2 > 0 ? a->error2 / a->power2 : NAN));
	json_object_set_new(j, "kl", kl);
	return j;
}

static json_t *tensors(const struct report *r)
{
	json_t *list = json_array(), *j;
	size_t i;

	for (i = 0; i < r->n_tensors; i++) {
		const struct report_tensor *t = &r->tensors[i];
		uint64_t n = t->rows * t->cols;

		j = json_pack("{s:s,s:s,s:s,s:s,s:b,s:I,s:I,s:I,s:I,s:I}", "name", t->name, "type",
			      t->type, "format", t->format, "fate", report_fate_names[t->fate],
			      "exact", t->fate != REPORT_REQUANT, "rows", (json_int_t)t->rows,
			      "columns", (json_int_t)t->cols, "tiles", (json_int_t)t->tiles,
			      "source_bytes", (json_int_t)t->source_bytes, "rom_bytes",
			      (json_int_t)t->rom_bytes);
		json_object_set_new(j, "source_bits", number(report_bits(t->source_bytes, n)));
		json_object_set_new(j, "rom_bits", number(report_bits(t->rom_bytes, n)));
		json_object_set_new(j, "rms_error", number(t->rms_error));
		json_object_set_new(j, "max_error", number(t->max_error));
		json_array_append_new(list, j);
	}
	return list;
}

static json_t *rom(const struct report *r)
{
	const struct report_rom *m = &r->rom;
	json_t *tiles = json_array(), *kinds = json_array(), *j;
	uint32_t k;
	size_t i;

	for (k = 0; k < m->tiles; k++)
		json_array_append_new(tiles, json_pack("{s:I,s:I}", "bytes", (json_int_t)m->tile[k],
						       "read", (json_int_t)m->tile_read[k]));
	for (i = 0; i < m->n_kinds; i++)
		json_array_append_new(kinds, json_pack("{s:s,s:I}", "kind", m->kinds[i].name,
						       "bytes", (json_int_t)m->kinds[i].bytes));
	j = json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "bytes", (json_int_t)m->bytes, "capacity",
		      (json_int_t)m->capacity, "tile_min", (json_int_t)m->min, "tile_max",
		      (json_int_t)m->max, "read", (json_int_t)m->read, "tile_read_min",
		      (json_int_t)m->read_min, "tile_read_max", (json_int_t)m->read_max);
	json_object_set_new(j, "rows_at_work", number(m->fill));
	json_object_set_new(j, "tiles", tiles);
	json_object_set_new(j, "constant_bytes", count(m->const_bytes));
	json_object_set_new(j, "constant_capacity", count(m->const_capacity));
	json_object_set_new(j, "constants", kinds);
	return j;
}

static json_t *program(const struct report_program *p)
{
	json_t *bufs = json_array();
	size_t i;

	for (i = 0; i < p->n_bufs; i++) {
		const struct report_buf *b = &p->bufs[i];

		json_array_append_new(
			bufs, json_pack("{s:s,s:I,s:I,s:I,s:I}", "name", b->name, "address",
					(json_int_t)b->addr, "bytes", (json_int_t)b->bytes, "birth",
					(json_int_t)b->birth, "death", (json_int_t)b->death));
	}
	return json_pack("{s:s,s:I,s:I,s:o}", "name", p->name, "commands", (json_int_t)p->commands,
			 "scratch_bytes", (json_int_t)p->scratch, "buffers", bufs);
}

static json_t *sram(const struct report *r)
{
	const struct report_sram *s = &r->sram;
	json_t *j = json_object(), *programs = json_array();
	unsigned int k;

	json_object_set_new(j, "scratch_capacity", count(s->scratch));
	json_object_set_new(j, "resident_capacity", count(s->resident));
	json_object_set_new(j, "kv_block_bytes", count(s->kv_block));
	json_object_set_new(j, "kv_blocks", count(s->kv_blocks));
	json_object_set_new(j, "ring_block_bytes", count(s->ring_block));
	json_object_set_new(j, "ring_blocks", count(s->ring_blocks));
	json_object_set_new(j, "state_bytes", count(s->state));
	json_object_set_new(j, "sequence_bytes", count(s->sequence));
	json_object_set_new(j, "sequences_resident", count(s->sequences));
	for (k = 0; k < IG1_PROGS; k++)
		json_array_append_new(programs, program(&s->programs[k]));
	json_object_set_new(j, "programs", programs);
	return j;
}

static json_t *path(const struct report *r)
{
	const struct report_path *p = &r->path;
	json_t *j = json_object(), *engines = json_array(), *steps = json_array();
	double hz = (double)r->chip->clock_hz;
	unsigned int q;
	size_t i;

	for (q = 0; q < IG1_ENGINE_COUNT; q++)
		json_array_append_new(engines, json_pack("{s:s,s:I,s:I,s:I}", "name",
							 ig1_engine_names[q].name, "commands",
							 (json_int_t)p->all.count[q], "busy",
							 (json_int_t)p->all.busy[q], "on_path",
							 (json_int_t)p->on_path[q]));
	for (i = 0; i < p->n_steps; i++)
		json_array_append_new(steps,
				      json_pack("{s:s,s:s,s:I,s:I}", "name", p->steps[i].name,
						"engine", ig1_engine_names[p->steps[i].engine].name,
						"count", (json_int_t)p->steps[i].count, "cycles",
						(json_int_t)p->steps[i].cycles));
	json_object_set_new(j, "position", count(p->pos));
	json_object_set_new(j, "cycles", count(p->all.cycles));
	json_object_set_new(j, "tokens_per_second", number(hz / (double)p->all.cycles));
	json_object_set_new(j, "prefill_tokens", count(p->prefill_cols));
	json_object_set_new(j, "prefill_cycles", count(p->prefill_cycles));
	json_object_set_new(j, "engines", engines);
	json_object_set_new(j, "gaps", count(p->gaps));
	json_object_set_new(j, "steps", steps);
	return j;
}

static json_t *changes(const struct report *r)
{
	json_t *list = json_array(), *j;
	size_t i;

	for (i = 0; i < r->n_changes; i++) {
		const struct report_change *c = &r->changes[i];

		j = json_pack("{s:s,s:s,s:s}", "what", c->what, "where",
			      report_where_names[c->where], "how", c->how);
		json_object_set_new(j, "bytes", c->bytes ? count(c->bytes) : json_null());
		json_array_append_new(list, j);
	}
	return list;
}

static json_t *sites(const struct report *r)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < r->n_sites; i++) {
		const struct report_site *s = &r->sites[i];

		json_array_append_new(list, json_pack("{s:s,s:I,s:I,s:I,s:I}", "tensor", s->tensor,
						      "rows", (json_int_t)s->rows, "columns",
						      (json_int_t)s->cols, "copies",
						      (json_int_t)s->copies, "rank_bytes",
						      (json_int_t)s->rank_bytes));
	}
	return list;
}

void report_print_json(const struct report *rep, struct strbuf *out)
{
	json_t *j = json_object(), *bits = json_object();
	char *s;

	json_object_set_new(bits, "source", number(report_bits(rep->source_bytes, rep->weights)));
	json_object_set_new(bits, "rom", number(report_bits(rep->rom_bytes, rep->weights)));
	json_object_set_new(j, "model", model(rep));
	json_object_set_new(j, "chip", chip(rep));
	json_object_set_new(j, "format", json_string(rep->format));
	json_object_set_new(j, "bits_per_weight", bits);
	json_object_set_new(j, "accuracy", accuracy(rep));
	json_object_set_new(j, "tensors", tensors(rep));
	json_object_set_new(j, "rom", rom(rep));
	json_object_set_new(j, "sram", sram(rep));
	json_object_set_new(j, "critical_path", path(rep));
	json_object_set_new(j, "changeable", changes(rep));
	json_object_set_new(j, "adapter_sites", sites(rep));
	s = json_dumps(j, JSON_INDENT(2) | JSON_REAL_PRECISION(DIGITS));
	json_decref(j);
	if (!s) {
		out->err = -ENOMEM;
		return;
	}
	strbuf_puts(out, s);
	strbuf_puts(out, "\n");
	free(s);
}
