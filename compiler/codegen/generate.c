// SPDX-License-Identifier: MIT
/* Chooses the shape that fits the chip's scratch and makes both programs. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "compiler/codegen/codegen.h"

#define LOGITS_MIN 64u /* rows of the vocabulary at once, at least */

static int make(struct ir_model *m, const struct cg_options *o, enum ig1_prog kind,
		const struct cg_shape *shape, const struct cg_kv *kv, struct cg_prog *p)
{
	struct cg_shape s = *shape;
	int ret;

	cg_prog_free(p);
	cg_prog_init(p, &m->arena, &m->diag, o->chip);
	ret = cg_lower(m, kind, &s, kv, p);
	/* what the sequencer cannot keep it fetches again for every token */
	if (!ret && p->n_cmds > CG_CACHE_CMDS && s.cols == 1) {
		s.nested = true;
		cg_prog_free(p);
		cg_prog_init(p, &m->arena, &m->diag, o->chip);
		ret = cg_lower(m, kind, &s, kv, p);
	}
	return ret ? ret : cg_plan(p);
}

/* *need: scratch of the larger program. */
static int try_shape(struct ir_model *m, const struct cg_options *o, const struct cg_shape *shape,
		     struct cg_output *out, uint64_t *need)
{
	unsigned int k;
	int ret;

	*need = 0;
	for (k = 0; k < IG1_PROGS; k++) {
		ret = make(m, o, (enum ig1_prog)k, shape, &out->kv, &out->prog[k]);
		if (ret)
			return ret;
		if (out->prog[k].scratch_used > *need)
			*need = out->prog[k].scratch_used;
	}
	return 0;
}

/* As many KV heads at once, then as much of the vocabulary as fit. *fits: out is good. */
static int find_parts(struct ir_model *m, const struct cg_options *o, struct cg_output *out,
		      struct cg_shape s, uint64_t *least, bool *fits)
{
	uint64_t need;
	int ret;

	for (s.kv_heads = m->meta.kv_heads ? m->meta.kv_heads : 1; s.kv_heads; s.kv_heads /= 2) {
		for (s.logits = m->meta.vocab;; s.logits = (s.logits / 2 + 31) / 32 * 32) {
			ret = try_shape(m, o, &s, out, &need);
			if (ret)
				return ret;
			if (need < *least)
				*least = need;
			if (need <= o->chip->scratch_bytes) {
				out->shape = s;
				*fits = true;
				return 0;
			}
			if (s.logits <= LOGITS_MIN)
				break;
		}
	}
	return 0;
}

/*
 * Most columns first, since each multiplies prefill's speed; then two sets of buffers, so that the
 * engines overlap in attention, if there is anything to overlap.
 */
static int find_shape(struct ir_model *m, const struct cg_options *o, struct cg_output *out,
		      uint64_t *least, bool *fits)
{
	struct cg_shape s = { 0 };
	int ret = 0;

	*least = UINT64_MAX;
	*fits = false;
	s.cols = o->chip->columns;
	if (out->kv.ring && s.cols > IG1_WINDOW_SLACK)
		s.cols = IG1_WINDOW_SLACK;
	for (; s.cols && !ret && !*fits; s.cols--) {
		for (s.depth = s.cols > 1 ? 2 : 1; s.depth && !ret && !*fits; s.depth--)
			ret = find_parts(m, o, out, s, least, fits);
	}
	return ret;
}

static int finish(struct cg_prog *p)
{
	int ret = cg_plan_verify(p);

	return ret ? ret : cg_tokens(p);
}

/* A command that goes on behind the version for one column when there are more. */
static int add_choice(struct cg_prog *p, size_t len)
{
	struct cg_cmd *c = cg_insert(p, 0, IG1_OP_S_SKIP, "start/columns");
	size_t i;

	c->u.seq.cond = IG1_COND_NE;
	c->u.seq.ra = 2;
	c->u.seq.imm = 1;
	c->u.seq.len = (uint32_t)len;
	for (i = 0; i < p->n_bufs; i++) {
		p->bufs[i].birth++;
		p->bufs[i].death++;
	}
	return p->diag->err;
}

/* Versions for one and for more columns become one program; out->prog holds the latter. */
static int join_versions(struct ir_model *m, const struct cg_options *o, struct cg_output *out)
{
	struct cg_prog many[IG1_PROGS];
	struct cg_output one = { .kv = out->kv };
	struct cg_shape s = { .cols = 1, .depth = 1 };
	uint64_t need = UINT64_MAX;
	bool fits = false;
	unsigned int k;
	int ret = 0;

	if (out->shape.cols > 1)
		ret = find_parts(m, o, &one, s, &need, &fits);
	out->single = fits ? one.shape : out->shape;
	/* only one column to begin with; or a plan that happens not to fit: the other version does */
	if (!fits) {
		cg_output_free(&one);
		for (k = 0; k < IG1_PROGS && !ret; k++)
			ret = finish(&out->prog[k]);
		return ret;
	}
	for (k = 0; k < IG1_PROGS; k++) {
		many[k] = out->prog[k];
		out->prog[k] = one.prog[k];
	}
	for (k = 0; k < IG1_PROGS && !ret; k++) {
		ret = finish(&out->prog[k]);
		if (!ret)
			ret = finish(&many[k]);
		if (!ret)
			ret = add_choice(&out->prog[k], out->prog[k].n_cmds);
		if (!ret)
			ret = cg_append(&out->prog[k], &many[k]);
	}
	for (k = 0; k < IG1_PROGS; k++)
		cg_prog_free(&many[k]);
	return ret;
}

/* The scores of one KV head do not fit: how many positions would? */
static int largest_context(struct ir_model *m, const struct cg_options *o, struct cg_output *out,
			   uint32_t *context)
{
	struct cg_shape s = { 1, 1, m->meta.vocab < LOGITS_MIN ? m->meta.vocab : LOGITS_MIN, 1 };
	uint32_t keep = m->meta.context, lo = 0, hi = keep / 32;
	uint64_t need;
	int ret = 0;

	while (lo < hi && !ret) {
		uint32_t mid = lo + (hi - lo + 1) / 2;

		m->meta.context = 32 * mid;
		ret = try_shape(m, o, &s, out, &need);
		if (need <= o->chip->scratch_bytes)
			lo = mid;
		else
			hi = mid - 1;
	}
	m->meta.context = keep;
	*context = 32 * lo;
	return ret;
}

int cg_generate(struct ir_model *m, const struct cg_options *o, struct cg_output *out)
{
	uint32_t context = 0;
	uint64_t need;
	unsigned int k;
	bool fits;
	int ret;

	*out = (struct cg_output){ 0 };
	ret = cg_kv_layout(m, &out->kv);
	if (!ret)
		ret = find_shape(m, o, out, &need, &fits);
	if (ret)
		return ret;
	if (!fits) {
		ret = largest_context(m, o, out, &context);
		if (ret)
			return ret;
		if (!context)
			return diag_set(&m->diag, -ENOSPC,
					"scratch: needs %" PRIu64 " bytes, chip `%s` has %u", need,
					o->chip->name, o->chip->scratch_bytes);
		return diag_set(
			&m->diag, -ENOSPC,
			"scratch: needs %" PRIu64 " bytes for %u positions, chip `%s` has %u; "
			"the largest --ctx that fits is %u",
			need, m->meta.context, o->chip->name, o->chip->scratch_bytes, context);
	}
	ret = join_versions(m, o, out);
	for (k = 0; k < IG1_PROGS && !ret; k++)
		ret = cg_plan_verify(&out->prog[k]);
	return ret;
}

void cg_output_free(struct cg_output *out)
{
	unsigned int k;

	for (k = 0; k < IG1_PROGS; k++)
		cg_prog_free(&out->prog[k]);
}
