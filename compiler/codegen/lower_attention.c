// SPDX-License-Identifier: MIT
/*
 * Keys and values of all columns are stored before any column attends. A column attends alone:
 * scores, softmax, the values' scales folded into the probabilities, weighted sum.
 */
#include "compiler/codegen/lower.h"

static struct cg_cmd *store(struct lower *l, const char *name, const struct ir_op *op, uint64_t va,
			    uint64_t v1, uint64_t v2, uint32_t bytes, unsigned int rva,
			    unsigned int rsp, uint32_t n2)
{
	struct cg_cmd *c = cg_cmd(l->p, IG1_OP_D_ST, lw_name(l, op->name, name));

	c->u.dma.va = va;
	c->u.dma.rva = (uint8_t)rva;
	c->u.dma.v1 = v1;
	c->u.dma.v2 = v2;
	c->u.dma.rsp = (uint8_t)rsp;
	c->u.dma.s1 = bytes;
	c->u.dma.bytes = bytes;
	c->u.dma.n1 = (uint32_t)ir_groups(op->in[0]->width, op->seg);
	c->u.dma.n2 = n2;
	c->va_kind = CG_VA_KV;
	c->va_id = op->layer;
	c->va_write = true;
	return c;
}

void lw_kvstore(struct lower *l, const struct ir_op *op)
{
	enum { COL = R_T0, DATA, SCALES, OFF, SOFF };
	const struct cg_val *k = &l->vals[op->in[0]->id], *v = &l->vals[op->in[1]->id];
	const struct cg_kv_layer *kv = &l->kv->layers[op->layer];
	bool packed = k->buf == v->buf && k->sbuf == v->sbuf && v->off > k->off;
	const char *n = lw_name(l, op->name, "address");
	struct cg_cmd *c;
	size_t loop;

	loop = lw_loop(l, lw_name(l, op->name, "columns"), R_COL, R_COLS);
	lw_alu(l, n, COL, R_COL, IG1_ALUOP_MUL, R_ZERO, CG_COL_BYTES);
	lw_ld(l, n, DATA, COL, IG1_LDW_U64, l->coltab, CG_COL_DATA);
	lw_ld(l, n, SCALES, COL, IG1_LDW_U64, l->coltab, CG_COL_SCALES);
	lw_alu(l, n, OFF, R_COL, IG1_ALUOP_MUL, R_ZERO, k->cstride);
	lw_alu(l, n, SOFF, R_COL, IG1_ALUOP_MUL, R_ZERO, k->scstride);
	c = store(l, packed ? "data" : "k_data", op, kv->k, 1024, kv->v - kv->k, 32, DATA, OFF,
		  packed ? 2 : 1);
	if (packed)
		c->u.dma.s2 = (uint32_t)(v->off - k->off);
	cg_ref(l->p, c, CG_FIELD(dma, sp), false, false, k->buf, k->off);
	c = store(l, packed ? "scales" : "k_scales", op, kv->ks, 128, kv->vs - kv->ks, 4, SCALES,
		  SOFF, packed ? 2 : 1);
	if (packed)
		c->u.dma.s2 = (uint32_t)(v->soff - k->soff);
	cg_ref(l->p, c, CG_FIELD(dma, sp), false, false, k->sbuf, k->soff);
	if (!packed) {
		lw_alu(l, n, OFF, R_COL, IG1_ALUOP_MUL, R_ZERO, v->cstride);
		lw_alu(l, n, SOFF, R_COL, IG1_ALUOP_MUL, R_ZERO, v->scstride);
		c = store(l, "v_data", op, kv->v, 1024, 0, 32, DATA, OFF, 1);
		cg_ref(l->p, c, CG_FIELD(dma, sp), false, false, v->buf, v->off);
		c = store(l, "v_scales", op, kv->vs, 128, 0, 4, SCALES, SOFF, 1);
		cg_ref(l->p, c, CG_FIELD(dma, sp), false, false, v->sbuf, v->soff);
	}
	lw_loop_end(l, loop);
}

/* Scratch of one run of KV heads. */
struct att_bufs {
	uint32_t scores, max, sum, recip, vscale, prob, pscale;
	uint64_t span; /* positions a row has room for, a multiple of 32 */
};

enum { COL = R_T0, POS, KV, BLOCKS, OFF, SOFF, YOFF };

static void attention_heads(struct lower *l, const struct ir_op *op, const struct cg_val *q,
			    const struct cg_val *y, const struct att_bufs *b, uint32_t first,
			    uint32_t kv_heads)
{
	const struct cg_kv_layer *kv = &l->kv->layers[op->layer];
	uint32_t qper = op->heads / op->kv_heads, heads = kv_heads * qper, g;
	uint32_t groups = (op->seg + 31) / 32;
	uint64_t h0 = (uint64_t)first * qper, k0 = (uint64_t)first * groups;
	int64_t span = (int64_t)b->span;
	struct cg_cmd *c;

	/* scales of the values, a row per KV head and group */
	c = cg_cmd(l->p, IG1_OP_D_LD, lw_name(l, op->name, "v_scales"));
	c->u.dma.va = kv->vs + 128 * k0;
	c->u.dma.rva = KV;
	c->u.dma.v1 = l->kv->block_bytes;
	c->u.dma.v2 = 128;
	c->u.dma.s1 = 128;
	c->u.dma.s2 = (uint32_t)(4 * b->span);
	c->u.dma.bytes = 128;
	c->u.dma.n1 = 1;
	c->u.dma.rn1 = BLOCKS;
	c->u.dma.n2 = kv_heads * groups;
	c->va_kind = CG_VA_KV;
	c->va_id = op->layer;
	cg_ref(l->p, c, CG_FIELD(dma, sp), false, true, b->vscale, 0);

	c = cg_cmd(l->p, IG1_OP_T_QK, lw_name(l, op->name, "scores"));
	c->u.att.kv = kv->k + 1024 * k0;
	c->u.att.rkv = KV;
	c->u.att.ks = kv->ks + 128 * k0;
	c->u.att.rks = KV;
	c->u.att.npos = 1;
	c->u.att.rnpos = POS;
	c->u.att.heads = (uint16_t)kv_heads;
	c->u.att.qper = (uint16_t)qper;
	c->u.att.groups = (uint16_t)groups;
	c->u.att.xstride = 32 * groups;
	c->u.att.xsstride = 4 * groups;
	c->u.att.rx = OFF;
	c->u.att.rxs = SOFF;
	c->u.att.ystride = (uint32_t)(4 * b->span);
	c->u.att.bstride = (uint32_t)l->kv->block_bytes;
	c->u.att.sbstride = (uint32_t)l->kv->block_bytes;
	c->va_kind = CG_VA_KV;
	c->va_id = op->layer;
	cg_ref(l->p, c, CG_FIELD(att, x), false, false, q->buf, q->off + 32 * groups * h0);
	cg_ref(l->p, c, CG_FIELD(att, xs), false, false, q->sbuf, q->soff + 4 * groups * h0);
	cg_ref(l->p, c, CG_FIELD(att, y), false, true, b->scores, 0);

	c = lw_vec(l, IG1_OP_V_MOV, lw_name(l, op->name, "max"), 1, heads, R_ZERO);
	c->u.vec.rn0 = POS;
	lw_src(l, c, 'a', b->scores, 0, 1, span, 0, R_ZERO);
	lw_red(l, c, IG1_VRED_MAX, b->max, 0, 1, 0);
	c = lw_vec(l, IG1_OP_V_EXPS, lw_name(l, op->name, "exp"), 1, heads, R_ZERO);
	c->u.vec.rn0 = POS;
	c->u.vec.alpha = op->scale;
	lw_src(l, c, 'a', b->scores, 0, 1, span, 0, R_ZERO);
	lw_src(l, c, 'b', b->max, 0, 0, 1, 0, R_ZERO);
	lw_dst(l, c, b->scores, 0, span, 0);
	lw_red(l, c, IG1_VRED_SUM, b->sum, 0, 1, 0);
	c = lw_vec(l, IG1_OP_V_RECIP, lw_name(l, op->name, "recip"), heads, 1, R_ZERO);
	lw_src(l, c, 'a', b->sum, 0, 1, 0, 0, R_ZERO);
	lw_dst(l, c, b->recip, 0, 0, 0);

	for (g = 0; g < groups; g++) {
		c = lw_vec(l, IG1_OP_V_MUL3, lw_name(l, op->name, "prob"), 1, qper, R_ZERO);
		c->u.vec.n2 = kv_heads;
		c->u.vec.rn0 = POS;
		lw_src(l, c, 'a', b->scores, 0, 1, span, span * qper, R_ZERO);
		lw_src(l, c, 'b', b->recip, 0, 0, 1, qper, R_ZERO);
		lw_src(l, c, 'c', b->vscale, 4 * b->span * g, 1, 0, span * groups, R_ZERO);
		c->u.vec.out = IG1_VFMT_Q8;
		c->u.vec.y0 = 1;
		c->u.vec.y1 = (int32_t)span;
		c->u.vec.y2 = (int32_t)(span * qper);
		c->u.vec.z1 = (int32_t)(span / 32);
		c->u.vec.z2 = (int32_t)(span / 32 * qper);
		cg_ref(l->p, c, CG_FIELD(vec, y), false, true, b->prob, b->span * heads * g);
		cg_ref(l->p, c, CG_FIELD(vec, z), false, true, b->pscale, b->span / 8 * heads * g);
	}

	c = cg_cmd(l->p, IG1_OP_T_PV, lw_name(l, op->name, "values"));
	c->u.att.kv = kv->v + 1024 * k0;
	c->u.att.rkv = KV;
	c->u.att.npos = 1;
	c->u.att.rnpos = POS;
	c->u.att.heads = (uint16_t)kv_heads;
	c->u.att.qper = (uint16_t)qper;
	c->u.att.groups = (uint16_t)groups;
	c->u.att.dims = (uint16_t)op->seg;
	c->u.att.xstride = (uint32_t)b->span;
	c->u.att.xsstride = (uint32_t)(b->span / 8);
	c->u.att.xgstride = (uint32_t)(b->span * heads);
	c->u.att.xsgstride = (uint32_t)(b->span / 8 * heads);
	c->u.att.ystride = 4 * op->seg;
	c->u.att.ry = YOFF;
	c->u.att.bstride = (uint32_t)l->kv->block_bytes;
	c->va_kind = CG_VA_KV;
	c->va_id = op->layer;
	cg_ref(l->p, c, CG_FIELD(att, x), false, false, b->prob, 0);
	cg_ref(l->p, c, CG_FIELD(att, xs), false, false, b->pscale, 0);
	cg_ref(l->p, c, CG_FIELD(att, y), false, true, y->buf, y->off + 4ull * op->seg * h0);
}

void lw_attention(struct lower *l, const struct ir_op *op, const struct cg_val *q,
		  const struct cg_val *y)
{
	const char *n = lw_name(l, op->name, "address");
	uint32_t step = l->shape->kv_heads < op->kv_heads ? l->shape->kv_heads : op->kv_heads;
	uint64_t heads = (uint64_t)step * (op->heads / op->kv_heads), groups = (op->seg + 31) / 32;
	struct att_bufs b = { .span = ((uint64_t)l->m->meta.context + 31) / 32 * 32 };
	uint32_t first;
	size_t loop;

	b.scores = cg_buf(l->p, lw_name(l, op->name, "scores"), 4 * b.span * heads);
	b.max = cg_buf(l->p, lw_name(l, op->name, "max"), 4 * heads);
	b.sum = cg_buf(l->p, lw_name(l, op->name, "sum"), 4 * heads);
	b.recip = cg_buf(l->p, lw_name(l, op->name, "recip"), 4 * heads);
	b.vscale = cg_buf(l->p, lw_name(l, op->name, "v_scales"), 4 * b.span * step * groups);
	b.prob = cg_buf(l->p, lw_name(l, op->name, "prob"), b.span * heads * groups);
	b.pscale = cg_buf(l->p, lw_name(l, op->name, "prob_scales"), b.span / 8 * heads * groups);
	loop = lw_loop(l, lw_name(l, op->name, "columns"), R_COL, R_COLS);
	lw_alu(l, n, COL, R_COL, IG1_ALUOP_MUL, R_ZERO, CG_COL_BYTES);
	lw_ld(l, n, POS, COL, IG1_LDW_U32, l->coltab, CG_COL_POS);
	lw_ld(l, n, KV, COL, IG1_LDW_U64, l->coltab, CG_COL_KV);
	lw_alu(l, n, BLOCKS, POS, IG1_ALUOP_SHR, R_ZERO, 5);
	lw_alu(l, n, OFF, R_COL, IG1_ALUOP_MUL, R_ZERO, q->cstride);
	lw_alu(l, n, SOFF, R_COL, IG1_ALUOP_MUL, R_ZERO, q->scstride);
	lw_alu(l, n, YOFF, R_COL, IG1_ALUOP_MUL, R_ZERO, y->cstride);
	for (first = 0; first < op->kv_heads; first += step)
		attention_heads(l, op, q, y, &b, first,
				op->kv_heads - first < step ? op->kv_heads - first : step);
	lw_loop_end(l, loop);
}
