// SPDX-License-Identifier: MIT
/* The frame of a report, and what became of each tensor. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/quant/ggml_types.h"
#include "compiler/report/report.h"

static enum report_fate fate_of(const struct ir_tensor *t)
{
	if (!t->placed)
		return REPORT_CONSTANT;
	switch (t->requant) {
	case IR_REQUANT:
		return REPORT_REQUANT;
	case IR_REENCODED:
		return REPORT_REENCODED;
	default:
		return REPORT_KEPT;
	}
}

/* Elements of it in constant ROM, copies counted. */
static uint64_t constants_of(const struct ir_model *m, const struct ir_tensor *t)
{
	const struct ir_const *c;
	uint64_t n = 0;
	size_t i;

	for (c = m->consts; c; c = c->next) {
		for (i = 0; c->placed && i < c->n_pieces; i++) {
			if (c->pieces[i].t == t)
				n += c->pieces[i].n * c->pieces[i].repeat;
		}
	}
	return n;
}

static bool in_table(const struct ir_model *m, const struct ir_tensor *t)
{
	const struct ir_table *r;

	for (r = m->tables; r; r = r->next) {
		if (r->factors == t)
			return true;
	}
	return false;
}

static void describe(struct report *rep, const struct ir_model *m, const struct ir_tensor *t,
		     struct report_tensor *out)
{
	*out = (struct report_tensor){ .name = report_text(&rep->arena, t->name),
				       .type = ggml_type_name(t->src_type),
				       .fate = fate_of(t),
				       .rows = t->rows,
				       .cols = t->cols,
				       .source_bytes = t->size };
	if (t->placed) {
		out->format = ir_format_name(t->fmt);
		out->rom_bytes = t->rows * t->stride;
		out->tiles = t->rows < rep->chip->tiles ? (uint32_t)t->rows : rep->chip->tiles;
		if (t->requant == IR_REQUANT) {
			rep->n_requantised++;
			out->rms_error = build_loss(t);
			out->max_error = t->all_max > 0 ? t->lost_max / t->all_max : 0;
		}
		rep->weights += t->rows * t->cols;
		rep->source_bytes += t->size;
		rep->rom_bytes += out->rom_bytes;
		return;
	}
	out->format = ir_format_name(IR_FMT_F32);
	out->rom_bytes = 4 * constants_of(m, t);
	if (in_table(m, t))
		out->fate = REPORT_TABLE;
}

int report_collect_tensors(struct report *rep, const struct ir_model *m)
{
	const struct ir_tensor *t;
	size_t n = 0;

	for (t = m->tensors; t; t = t->next)
		n++;
	rep->tensors = arena_array(&rep->arena, n + 1, sizeof(*rep->tensors));
	if (!rep->tensors)
		return diag_nomem(&rep->diag);
	for (t = m->tensors; t; t = t->next) {
		/* what no operation uses any more is nowhere */
		if (!t->placed && !constants_of(m, t) && !in_table(m, t))
			continue;
		describe(rep, m, t, &rep->tensors[rep->n_tensors]);
		if (!rep->tensors[rep->n_tensors++].name)
			return diag_nomem(&rep->diag);
	}
	return 0;
}

static const char *base_name(const char *path)
{
	const char *end = path + strlen(path), *p;

	while (end > path + 1 && end[-1] == '/')
		end--;
	for (p = end; p > path && p[-1] != '/'; p--)
		;
	return p;
}

static int collect_head(struct report *rep, const struct compile_options *o,
			const struct ir_model *m, const char *file)
{
	static const char *const formats[] = { [PASS_FORMAT_KEEP] = "keep",
					       [PASS_FORMAT_Q8_0] = "q8_0",
					       [PASS_FORMAT_Q4_0] = "q4_0" };

	rep->file = report_text(&rep->arena, base_name(file));
	rep->arch = report_text(&rep->arena, m->meta.arch);
	rep->name = report_text(&rep->arena, m->meta.name);
	rep->format = formats[o->format];
	rep->chip = o->chip;
	rep->meta = m->meta;
	rep->meta.arch = rep->arch;
	rep->meta.name = rep->name;
	return rep->file && rep->arch && rep->name ? 0 : diag_nomem(&rep->diag);
}

int report_collect(struct report *rep, const struct compile_options *o,
		   const struct compile_result *r, const char *file, uint32_t pos)
{
	int ret;

	memset(rep, 0, sizeof(*rep));
	ret = collect_head(rep, o, &r->model, file);
	if (!ret)
		ret = report_collect_tensors(rep, &r->model);
	if (!ret)
		ret = report_collect_rom(rep, &r->model);
	if (!ret)
		ret = report_collect_sram(rep, r);
	if (!ret)
		ret = report_collect_path(rep, r, pos);
	if (!ret)
		ret = report_collect_changes(rep, &r->model);
	return ret;
}

void report_free(struct report *rep)
{
	free(rep->accuracy.kl);
	arena_free(&rep->arena);
	memset(rep, 0, sizeof(*rep));
}
