// SPDX-License-Identifier: MIT
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/codegen/codegen.h"
#include "ig1_tables.h"

void cg_prog_init(struct cg_prog *p, struct arena *a, struct diag *d, const struct ig1_config *chip)
{
	*p = (struct cg_prog){ .arena = a, .diag = d, .chip = chip };
}

void cg_prog_free(struct cg_prog *p)
{
	free(p->cmds);
	free(p->bufs);
	p->cmds = NULL;
	p->bufs = NULL;
	p->n_cmds = 0;
	p->n_bufs = 0;
	p->cap_cmds = 0;
	p->cap_bufs = 0;
}

uint32_t cg_buf(struct cg_prog *p, const char *name, uint64_t size)
{
	struct cg_buf *b;
	size_t cap;

	if (p->n_bufs == p->cap_bufs) {
		cap = p->cap_bufs ? 2 * p->cap_bufs : 64;
		b = realloc(p->bufs, cap * sizeof(*b));
		if (!b) {
			diag_nomem(p->diag);
			return 0;
		}
		p->bufs = b;
		p->cap_bufs = cap;
	}
	b = &p->bufs[p->n_bufs];
	*b = (struct cg_buf){ .name = name, .size = size };
	return (uint32_t)p->n_bufs++;
}

/* Room for one more command; NULL after a failure, with diag set. */
static struct cg_cmd *grow(struct cg_prog *p)
{
	struct cg_cmd *c;
	size_t cap;

	if (p->n_cmds >= CG_MAX_CMDS) {
		diag_set(p->diag, -ENOSPC, "program: more than %u commands", CG_MAX_CMDS);
		return NULL;
	}
	if (p->n_cmds == p->cap_cmds) {
		cap = p->cap_cmds ? 2 * p->cap_cmds : 256;
		c = realloc(p->cmds, cap * sizeof(*c));
		if (!c) {
			diag_nomem(p->diag);
			return NULL;
		}
		p->cmds = c;
		p->cap_cmds = cap;
	}
	return &p->cmds[p->n_cmds++];
}

static struct cg_cmd *fill(struct cg_cmd *c, uint8_t op, const char *name)
{
	static struct cg_cmd dummy;
	const struct ig1_op_desc *d = ig1_op_find(op);

	if (!c)
		c = &dummy;
	*c = (struct cg_cmd){ .name = name, .engine = d ? d->engine : 0 };
	c->u.seq.op = op;
	return c;
}

struct cg_cmd *cg_insert(struct cg_prog *p, size_t at, uint8_t op, const char *name)
{
	struct cg_cmd *c;
	size_t i;

	if (!grow(p))
		return fill(NULL, op, name);
	for (i = 0; i < at; i++) {
		c = &p->cmds[i];
		if ((c->u.seq.op == IG1_OP_S_LOOP || c->u.seq.op == IG1_OP_S_SKIP) &&
		    at <= i + c->u.seq.len)
			c->u.seq.len++;
	}
	c = &p->cmds[at];
	memmove(c + 1, c, (p->n_cmds - 1 - at) * sizeof(*c));
	return fill(c, op, name);
}

struct cg_cmd *cg_cmd(struct cg_prog *p, uint8_t op, const char *name)
{
	return fill(grow(p), op, name);
}

void cg_ref(struct cg_prog *p, struct cg_cmd *c, size_t field, bool wide, bool write, uint32_t buf,
	    uint64_t off)
{
	if (c->n_refs == CG_MAX_REFS) {
		diag_set(p->diag, -EINVAL, "%s: too many operands", c->name);
		return;
	}
	c->refs[c->n_refs++] = (struct cg_ref){ (uint16_t)field, wide, write, buf, off };
}

int cg_append(struct cg_prog *a, struct cg_prog *b)
{
	uint32_t base = (uint32_t)a->n_bufs, at = (uint32_t)a->n_cmds;
	size_t i, j;

	for (i = 0; i < b->n_bufs; i++) {
		const struct cg_buf *buf = &b->bufs[i];
		uint32_t k = cg_buf(a, buf->name, buf->size);

		if (a->diag->err)
			return a->diag->err;
		a->bufs[k] = *buf;
		a->bufs[k].birth += at;
		a->bufs[k].death += at;
	}
	for (i = 0; i < b->n_cmds; i++) {
		struct cg_cmd *c = cg_cmd(a, b->cmds[i].u.seq.op, b->cmds[i].name);

		if (a->diag->err)
			return a->diag->err;
		*c = b->cmds[i];
		for (j = 0; j < c->n_refs; j++)
			c->refs[j].buf += base;
	}
	if (b->scratch_used > a->scratch_used)
		a->scratch_used = b->scratch_used;
	cg_prog_free(b);
	return 0;
}

void cg_encode(const struct cg_prog *p, const struct cg_cmd *c, uint32_t w[IG1_CMD_WORDS])
{
	struct cg_cmd r = *c;
	size_t i;

	for (i = 0; i < c->n_refs; i++) {
		uint64_t v = p->bufs[c->refs[i].buf].addr + c->refs[i].off;
		char *at = (char *)&r + c->refs[i].field;
		uint32_t v32 = (uint32_t)v;

		if (c->refs[i].wide)
			memcpy(at, &v, 8);
		else
			memcpy(at, &v32, 4);
	}
	switch (r.u.seq.op) {
	case IG1_OP_T_MM:
		ig1_encode_mm(&r.u.mm, w);
		break;
	case IG1_OP_T_EMB:
		ig1_encode_emb(&r.u.emb, w);
		break;
	case IG1_OP_T_QK:
	case IG1_OP_T_PV:
		ig1_encode_att(&r.u.att, w);
		break;
	default:
		if (r.engine == IG1_ENGINE_VEC)
			ig1_encode_vec(&r.u.vec, w);
		else if (r.engine == IG1_ENGINE_DMA)
			ig1_encode_dma(&r.u.dma, w);
		else
			ig1_encode_seq(&r.u.seq, w);
		break;
	}
}

int cg_encode_all(const struct cg_prog *p, uint8_t **out, size_t *bytes)
{
	uint32_t w[IG1_CMD_WORDS];
	uint64_t addr;
	uint8_t *buf;
	size_t i, j;

	buf = malloc(p->n_cmds * IG1_COMMAND_BYTES + 1);
	if (!buf)
		return diag_nomem(p->diag);
	for (i = 0; i < p->n_cmds; i++) {
		cg_encode(p, &p->cmds[i], w);
		if (ig1_cmd_check(w, &addr)) {
			diag_set(p->diag, -EINVAL, "command %zu (%s): bad encoding, word %u", i,
				 p->cmds[i].name, (unsigned int)addr);
			free(buf);
			return p->diag->err;
		}
		for (j = 0; j < IG1_CMD_WORDS; j++) {
			w[j] = htole32(w[j]);
			memcpy(buf + i * IG1_COMMAND_BYTES + 4 * j, &w[j], 4);
		}
	}
	*out = buf;
	*bytes = p->n_cmds * IG1_COMMAND_BYTES;
	return 0;
}
