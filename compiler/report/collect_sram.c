// SPDX-License-Identifier: MIT
/* The scratch plan of both programs, and what a sequence keeps. */
#include "compiler/report/report.h"

static int collect_program(struct report *rep, const struct cg_prog *p, struct report_program *out)
{
	size_t i;

	out->commands = p->n_cmds;
	out->scratch = p->scratch_used;
	out->bufs = arena_array(&rep->arena, p->n_bufs + 1, sizeof(*out->bufs));
	if (!out->bufs)
		return diag_nomem(&rep->diag);
	for (i = 0; i < p->n_bufs; i++) {
		const struct cg_buf *b = &p->bufs[i];
		const char *name;

		if (!b->used)
			continue;
		name = report_text(&rep->arena, b->name);
		if (!name)
			return diag_nomem(&rep->diag);
		out->bufs[out->n_bufs++] =
			(struct report_buf){ name, b->addr, b->size, b->birth, b->death };
	}
	return 0;
}

int report_collect_sram(struct report *rep, const struct compile_result *r)
{
	static const char *const names[IG1_PROGS] = { "prefill", "decode" };
	struct report_sram *s = &rep->sram;
	const struct cg_kv *kv = &r->code.kv;
	unsigned int k;

	s->scratch = rep->chip->scratch_bytes;
	s->resident = rep->chip->sram_bytes;
	s->kv_block = kv->block_bytes;
	s->kv_blocks = kv->blocks;
	s->ring_block = kv->ring_bytes;
	s->ring_blocks = kv->ring;
	s->state = r->model.meta.state_bytes;
	s->sequence = s->kv_block * s->kv_blocks + s->ring_block * s->ring_blocks + s->state;
	s->sequences = s->sequence ? s->resident / s->sequence : 0;
	for (k = 0; k < IG1_PROGS; k++) {
		s->programs[k].name = names[k];
		if (collect_program(rep, &r->code.prog[k], &s->programs[k]))
			return rep->diag.err;
	}
	return 0;
}
