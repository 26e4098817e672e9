// SPDX-License-Identifier: MIT
/* Random commands of the engines, one function for each kind. */
#include "randgen.h"

#include <stddef.h>

/* ---- vec ---- */

static int16_t stride0(struct gen *g)
{
	static const int16_t some[] = { 1, 1, 1, 1, 1, 1, 0, 2, -1, 3, -2, 7, 33 };

	return some[below(g, sizeof(some) / sizeof(some[0]))];
}

struct vec_dst {
	int64_t s0, s1, s2;
};

/* Strides of blocks of n1 x n0 elements that do not meet, in some order of the dimensions. */
static struct vec_dst apart(struct gen *g, uint32_t n0, uint32_t n1)
{
	struct vec_dst d;

	if (percent(g, 15)) {
		d.s1 = 1;
		d.s0 = n1 + below(g, 3);
		d.s2 = d.s0 * n0 + below(g, 4);
	} else {
		d.s0 = percent(g, 15) ? 2 : 1;
		d.s1 = d.s0 * n0 + below(g, 3);
		d.s2 = d.s1 * n1 + below(g, 3);
	}
	if (percent(g, 10))
		d.s1 = -d.s1;
	if (percent(g, 10))
		d.s2 = -d.s2;
	return d;
}

struct vec_src {
	struct operand op;
	struct extent e;
	struct box box; /* in scratch only */
	int64_t s[3];
	uint64_t base;
	bool crom;
};

static bool vec_source(struct gen *g, const struct ig1_fmt_vec *f, struct vec_src *v)
{
	uint64_t bytes;

	v->e = gen_extent(f->n0, 4 * v->s[0], f->n1, 4 * v->s[1], f->n2, 4 * v->s[2], 4);
	bytes = (uint64_t)(v->e.hi - v->e.lo) + v->op.slack;
	if (v->crom) {
		if (bytes > g->world->crom_bytes)
			return false;
		v->box.lo =
			4 * (uint64_t)below(g, (uint32_t)((g->world->crom_bytes - bytes) / 4 + 1));
	} else if (!gen_place(g, bytes, NULL, 0, &v->box)) {
		return false;
	}
	v->base = v->box.lo - (uint64_t)v->e.lo;
	return true;
}

bool gen_vec(struct gen *g)
{
	static const uint8_t ops[] = {
		IG1_OP_V_MOV,  IG1_OP_V_ADD,  IG1_OP_V_SUB,	IG1_OP_V_MUL,	IG1_OP_V_MAD,
		IG1_OP_V_MUL3, IG1_OP_V_LIN,  IG1_OP_V_EXPS,	IG1_OP_V_RECIP, IG1_OP_V_RSQRT,
		IG1_OP_V_SIGM, IG1_OP_V_SILU, IG1_OP_V_SILUMUL, IG1_OP_V_ROT,	IG1_OP_V_MAX,
	};
	struct ig1_fmt_vec f = { 0 };
	struct vec_src src[4];
	struct operand oy, oz;
	struct extent e;
	struct box avoid[6], y, z;
	struct vec_dst d, dz;
	uint32_t w[IG1_CMD_WORDS];
	uint32_t which = below(g, sizeof(ops)), used, i, n = 0, regs = 0, groups;
	uint64_t ybase = 0, zbase = 0;
	bool in_place;

	f.op = ops[which];
	used = (uint32_t)__builtin_popcount(ig1_vec_sources(f.op)); /* a, then b, c, d */
	f.n0 = percent(g, 30) ? between(g, 1, 8) : between(g, 1, 140);
	f.n1 = percent(g, 60) ? 1 : between(g, 2, 5);
	f.n2 = percent(g, 75) ? 1 : between(g, 2, 3);
	f.out = percent(g, 25) ? IG1_VFMT_Q8 : percent(g, 85) ? IG1_VFMT_F32 : IG1_VFMT_NONE;
	if (f.out != IG1_VFMT_Q8 && percent(g, 40))
		f.red = (uint8_t)between(g, 1, 3);
	f.alpha = real(g);
	f.beta = real(g);
	groups = (f.n0 + 31) / 32;
	in_place = f.out == IG1_VFMT_F32 && percent(g, 25);
	d = apart(g, f.n0, f.n1);

	for (i = 0; i < used; i++) {
		/* c and d share a register */
		src[i].op = used == 4 && i >= 2 ? (struct operand){ 0 } : gen_plan(g, 4);
		src[i].s[0] = stride0(g);
		src[i].s[1] = (int64_t)below(g, 80) - (percent(g, 20) ? 60 : 0);
		src[i].s[2] = (int64_t)below(g, 200) - (percent(g, 20) ? 150 : 0);
		src[i].crom = percent(g, 15);
		if (in_place && !i) {
			src[0] = (struct vec_src){ .s = { d.s0, d.s1, d.s2 } };
		}
		if (!vec_source(g, &f, &src[i]))
			return false;
		if (!src[i].crom)
			avoid[n++] = src[i].box;
	}
	oy = gen_plan(g, 4);
	oz = gen_plan(g, 4);
	if (f.out == IG1_VFMT_Q8) {
		/* bytes; rows of whole groups */
		d.s0 = 1;
		d.s1 = 32 * (int64_t)groups + 4 * below(g, 3);
		d.s2 = d.s1 * f.n1 + 4 * below(g, 3);
		e = gen_extent(1, 0, f.n1, d.s1, f.n2, d.s2, 32 * (int64_t)groups);
		dz = apart(g, groups, f.n1);
		if (dz.s0 != 1 || dz.s1 == 1) {
			dz.s1 = groups;
			dz.s2 = (int64_t)groups * f.n1;
		}
	} else {
		e = gen_extent(f.n0, 4 * d.s0, f.n1, 4 * d.s1, f.n2, 4 * d.s2, 4);
		dz = apart(g, 1, f.n1);
	}
	if (in_place) {
		oy = (struct operand){ 0 };
		y = src[0].box;
		ybase = src[0].base;
		for (i = 1; i < n; i++)
			if (boxes_meet(&y, &avoid[i]))
				return false;
	} else if (f.out != IG1_VFMT_NONE) {
		if (!gen_place(g, (uint64_t)(e.hi - e.lo) + oy.slack, avoid, n, &y))
			return false;
		ybase = y.lo - (uint64_t)e.lo;
		avoid[n++] = y;
	}
	if (f.out == IG1_VFMT_Q8 || f.red) {
		e = gen_extent(1, 0, f.n1, 4 * dz.s1, f.n2, 4 * dz.s2,
			       f.out == IG1_VFMT_Q8 ? 4 * (int64_t)groups : 4);
		if (!gen_place(g, (uint64_t)(e.hi - e.lo) + oz.slack, avoid, n, &z))
			return false;
		zbase = z.lo - (uint64_t)e.lo;
	}

	gen_settle_count(g, &f.n0, &f.rn0, 1, &regs);
	gen_settle_count(g, &f.n1, &f.rn1, 1, &regs);
	gen_settle_count(g, &f.n2, &f.rn2, 1, &regs);
	for (i = 0; i < used; i++)
		gen_settle(g, &src[i].op, src[i].base, &regs, false);
	f.a = (uint32_t)src[0].op.field;
	f.ra = src[0].op.reg;
	f.sa = src[0].crom;
	f.a0 = (int16_t)src[0].s[0];
	f.a1 = (int32_t)src[0].s[1];
	f.a2 = (int32_t)src[0].s[2];
	if (used > 1) {
		f.bb = (uint32_t)src[1].op.field;
		f.rb = src[1].op.reg;
		f.sb = src[1].crom;
		f.b0 = (int16_t)src[1].s[0];
		f.b1 = (int32_t)src[1].s[1];
		f.b2 = (int32_t)src[1].s[2];
	}
	if (used > 2) {
		f.c = (uint32_t)src[2].op.field;
		f.rc = src[2].op.reg;
		f.sc = src[2].crom;
		f.c0 = (int16_t)src[2].s[0];
		f.c1 = (int32_t)src[2].s[1];
		f.c2 = (int32_t)src[2].s[2];
	}
	if (used > 3) {
		f.dd = (uint32_t)src[3].op.field;
		f.sd = src[3].crom;
		f.d0 = (int16_t)src[3].s[0];
		f.d1 = (int32_t)src[3].s[1];
		f.d2 = (int32_t)src[3].s[2];
	}
	if (f.out != IG1_VFMT_NONE) {
		gen_settle(g, &oy, ybase, &regs, false);
		f.y = (uint32_t)oy.field;
		f.ry = oy.reg;
		f.y0 = (int16_t)d.s0;
		f.y1 = (int32_t)d.s1;
		f.y2 = (int32_t)d.s2;
	}
	if (f.out == IG1_VFMT_Q8 || f.red) {
		gen_settle(g, &oz, zbase, &regs, false);
		f.z = (uint32_t)oz.field;
		f.rz = oz.reg;
		f.z1 = (int32_t)dz.s1;
		f.z2 = (int32_t)dz.s2;
	}
	for (i = 0; i < used; i++)
		if (!src[i].crom)
			touch(g, SCRATCH, src[i].box.lo, src[i].box.hi, false);
	if (f.out != IG1_VFMT_NONE)
		touch(g, SCRATCH, y.lo, y.hi, true);
	if (f.out == IG1_VFMT_Q8 || f.red)
		touch(g, SCRATCH, z.lo, z.hi, true);
	ig1_encode_vec(&f, w);
	gen_put(g, w);
	return true;
}

/* ---- tile ---- */

static uint8_t weight_format(struct gen *g)
{
	static const uint8_t some[] = { IG1_WFMT_Q8_0, IG1_WFMT_Q4_0, IG1_WFMT_T2_0, IG1_WFMT_B1_0,
					IG1_WFMT_MX4,  IG1_WFMT_Q4_1, IG1_WFMT_Q5_1, IG1_WFMT_NV4,
					IG1_WFMT_Q6_K, IG1_WFMT_IQ4 };

	return some[below(g, sizeof(some))];
}

bool gen_mm(struct gen *g)
{
	struct ig1_fmt_mm f = { .op = IG1_OP_T_MM };
	struct operand orom = gen_plan(g, 2), ox = gen_plan(g, 4), os = gen_plan(g, 4),
		       oy = gen_plan(g, 4);
	uint32_t w[IG1_CMD_WORDS];
	uint32_t block, regs = 0;
	uint64_t span, rom;
	struct box b[3];

	f.fmt = weight_format(g);
	f.acc = percent(g, 30);
	f.scaled = percent(g, 30);
	f.alpha = f.scaled ? real(g) : 0;
	f.rows = percent(g, 30) ? between(g, 1, 4) : between(g, 1, 90);
	f.groups = percent(g, 70) ? between(g, 1, 5) : between(g, 1, 20);
	f.cols = percent(g, 50) ? 1 : between(g, 1, g->world->cfg->columns + 3);
	block = ig1_wfmt_block_bytes(f.fmt);
	f.wstride = percent(g, 60) ? f.groups * block : 2 * below(g, f.groups * block);
	span = (uint64_t)(f.rows - 1) * f.wstride + (uint64_t)f.groups * block + orom.slack;
	if (span > g->world->rom_bytes)
		return false;
	rom = 2 * (uint64_t)below(g, (uint32_t)((g->world->rom_bytes - span) / 2 + 1));
	f.xstride = percent(g, 80) ? f.groups * 32 + 4 * below(g, 3) : 4 * below(g, 20);
	f.xsstride = percent(g, 80) ? f.groups * 4 + 4 * below(g, 3) : 4 * below(g, 20);
	f.ystride = f.rows * 4 + 4 * below(g, 4);
	if (!gen_place(g, (uint64_t)(f.cols - 1) * f.xstride + f.groups * 32 + ox.slack, NULL, 0,
		       &b[0]) ||
	    !gen_place(g, (uint64_t)(f.cols - 1) * f.xsstride + f.groups * 4 + os.slack, NULL, 0,
		       &b[1]) ||
	    !gen_place(g, (uint64_t)(f.cols - 1) * f.ystride + f.rows * 4 + oy.slack, b, 2, &b[2]))
		return false;
	gen_settle_count(g, &f.rows, &f.rrows, 1, &regs);
	gen_settle_count(g, &f.cols, &f.rcols, 1, &regs);
	gen_settle(g, &orom, rom, &regs, true);
	gen_settle(g, &ox, b[0].lo, &regs, false);
	gen_settle(g, &os, b[1].lo, &regs, false);
	gen_settle(g, &oy, b[2].lo, &regs, false);
	f.rom = orom.field;
	f.rrom = orom.reg;
	f.x = (uint32_t)ox.field;
	f.rx = ox.reg;
	f.xs = (uint32_t)os.field;
	f.rxs = os.reg;
	f.y = (uint32_t)oy.field;
	f.ry = oy.reg;
	touch(g, SCRATCH, b[0].lo, b[0].hi, false);
	touch(g, SCRATCH, b[1].lo, b[1].hi, false);
	touch(g, SCRATCH, b[2].lo, b[2].hi, true);
	ig1_encode_mm(&f, w);
	gen_put(g, w);
	return true;
}

bool gen_emb(struct gen *g)
{
	struct ig1_fmt_emb f = { .op = IG1_OP_T_EMB };
	struct operand orom = gen_plan(g, 2), oy = gen_plan(g, 4);
	uint32_t w[IG1_CMD_WORDS];
	uint32_t block, regs = 0, i;
	uint64_t span, rom;
	struct box b[2];
	uint8_t reg;

	f.fmt = weight_format(g);
	f.rows = between(g, 1, 50);
	f.groups = between(g, 1, 9);
	f.cols = between(g, 1, 4);
	block = ig1_wfmt_block_bytes(f.fmt);
	f.wstride = f.groups * block + 2 * below(g, 3);
	span = (uint64_t)(f.rows - 1) * f.wstride + (uint64_t)f.groups * block + orom.slack;
	if (span > g->world->rom_bytes)
		return false;
	rom = 2 * (uint64_t)below(g, (uint32_t)((g->world->rom_bytes - span) / 2 + 1));
	f.istride = 4 * between(g, 0, 4);
	f.ystride = f.groups * 128 + 4 * below(g, 4);
	if (!gen_place(g, (uint64_t)(f.cols - 1) * f.istride + 4, NULL, 0, &b[0]) ||
	    !gen_place(g, (uint64_t)(f.cols - 1) * f.ystride + f.groups * 128 + oy.slack, b, 1,
		       &b[1]))
		return false;
	f.idx = (uint32_t)b[0].lo;
	for (i = 0; i < f.cols; i++) {
		reg = (uint8_t)between(g, 9, LAST_REG);
		gen_li(g, reg, below(g, f.rows));
		gen_store(g, f.idx + (uint64_t)i * f.istride, reg, false);
	}
	gen_settle_count(g, &f.cols, &f.rcols, 1, &regs);
	gen_settle(g, &orom, rom, &regs, true);
	gen_settle(g, &oy, b[1].lo, &regs, false);
	f.rom = orom.field;
	f.rrom = orom.reg;
	f.y = (uint32_t)oy.field;
	f.ry = oy.reg;
	touch(g, SCRATCH, b[0].lo, b[0].hi, false);
	touch(g, SCRATCH, b[1].lo, b[1].hi, true);
	ig1_encode_emb(&f, w);
	gen_put(g, w);
	return true;
}

bool gen_kv(struct gen *g)
{
	struct ig1_fmt_att f = { 0 };
	struct operand okv = gen_plan(g, 1024), oks, ox = gen_plan(g, 4), os = gen_plan(g, 4),
		       oy = gen_plan(g, 4);
	struct box b[3], kv, ks = { 0 };
	uint32_t w[IG1_CMD_WORDS];
	uint32_t blocks, heads, regs = 0;
	uint64_t xspan, sspan, yspan;
	bool pv = percent(g, 50);

	f.op = pv ? IG1_OP_T_PV : IG1_OP_T_QK;
	f.npos = percent(g, 40) ? between(g, 1, 33) : between(g, 1, 130);
	f.heads = (uint16_t)between(g, 1, 3);
	f.qper = (uint16_t)between(g, 1, 3);
	f.groups = (uint16_t)between(g, 1, 3);
	blocks = (f.npos + 31) / 32;
	heads = (uint32_t)f.heads * f.qper;
	f.bstride = 1024 * (f.heads * f.groups + below(g, 2));
	if (!gen_memory(g,
			(uint64_t)(blocks - 1) * f.bstride + 1024u * f.heads * f.groups + okv.slack,
			1024, false, &kv))
		return false;
	oks = gen_plan(g, 128);
	if (pv) {
		f.dims = (uint16_t)between(g, 1, 32 * f.groups);
		f.xgstride = 32 * blocks + 4 * below(g, 3);
		f.xsgstride = 4 * blocks + 4 * below(g, 3);
		f.xstride = f.groups * f.xgstride + 4 * below(g, 3);
		f.xsstride = f.groups * f.xsgstride + 4 * below(g, 3);
		f.ystride = 4 * f.dims + 4 * below(g, 3);
		xspan = (f.groups - 1) * f.xgstride + 32 * blocks;
		sspan = (f.groups - 1) * f.xsgstride + 4 * blocks;
		yspan = 4 * f.dims;
	} else {
		f.sbstride = 128 * (f.heads * f.groups + below(g, 2));
		if (!gen_memory(g,
				(uint64_t)(blocks - 1) * f.sbstride + 128u * f.heads * f.groups +
					oks.slack,
				128, false, &ks))
			return false;
		f.xstride = f.groups * 32 + 4 * below(g, 3);
		f.xsstride = f.groups * 4 + 4 * below(g, 3);
		f.ystride = 4 * f.npos + 4 * below(g, 3);
		xspan = f.groups * 32;
		sspan = f.groups * 4;
		yspan = 4 * (uint64_t)f.npos;
	}
	if (!gen_place(g, (heads - 1) * (uint64_t)f.xstride + xspan + ox.slack, NULL, 0, &b[0]) ||
	    !gen_place(g, (heads - 1) * (uint64_t)f.xsstride + sspan + os.slack, NULL, 0, &b[1]) ||
	    !gen_place(g, (heads - 1) * (uint64_t)f.ystride + yspan + oy.slack, b, 2, &b[2]))
		return false;
	gen_settle_count(g, &f.npos, &f.rnpos, 1, &regs);
	gen_settle(g, &okv, kv.lo, &regs, true);
	if (!pv) {
		gen_settle(g, &oks, ks.lo, &regs, true);
		f.ks = oks.field;
		f.rks = oks.reg;
	}
	gen_settle(g, &ox, b[0].lo, &regs, false);
	gen_settle(g, &os, b[1].lo, &regs, false);
	gen_settle(g, &oy, b[2].lo, &regs, false);
	f.kv = okv.field;
	f.rkv = okv.reg;
	f.x = (uint32_t)ox.field;
	f.rx = ox.reg;
	f.xs = (uint32_t)os.field;
	f.rxs = os.reg;
	f.y = (uint32_t)oy.field;
	f.ry = oy.reg;
	touch(g, MEMORY, kv.lo, kv.hi, false);
	if (!pv)
		touch(g, MEMORY, ks.lo, ks.hi, false);
	touch(g, SCRATCH, b[0].lo, b[0].hi, false);
	touch(g, SCRATCH, b[1].lo, b[1].hi, false);
	touch(g, SCRATCH, b[2].lo, b[2].hi, true);
	ig1_encode_att(&f, w);
	gen_put(g, w);
	return true;
}

/* ---- dma ---- */

bool gen_dma(struct gen *g)
{
	struct ig1_fmt_dma f = { 0 };
	struct operand ov = gen_plan(g, 4), os = gen_plan(g, 4);
	struct extent em, es;
	struct box m, s;
	int64_t v1, v2;
	uint32_t w[IG1_CMD_WORDS];
	uint32_t regs = 0;
	bool store = percent(g, 50);

	f.op = store ? IG1_OP_D_ST : IG1_OP_D_LD;
	f.bytes = 4 * (percent(g, 50)	? between(g, 1, 8)
		       : percent(g, 80) ? between(g, 1, 100)
					: between(g, 1, 2500));
	f.n1 = percent(g, 40) ? 1 : between(g, 1, 12);
	f.n2 = percent(g, 70) ? 1 : between(g, 1, 5);
	/* rows may meet: they are moved in order */
	v1 = percent(g, 20) ? 4 * (int64_t)below(g, 2000) : (int64_t)f.bytes + 4 * below(g, 9);
	v2 = percent(g, 20) ? 4 * (int64_t)below(g, 2000) : v1 * f.n1 + 4 * below(g, 9);
	if (percent(g, 15))
		v1 = -v1;
	if (percent(g, 15))
		v2 = -v2;
	f.s1 = percent(g, 20) ? 4 * below(g, 300) : f.bytes + 4 * below(g, 9);
	f.s2 = percent(g, 20) ? 4 * below(g, 300) : f.s1 * f.n1 + 4 * below(g, 9);
	em = gen_extent(1, 0, f.n1, v1, f.n2, v2, f.bytes);
	es = gen_extent(1, 0, f.n1, f.s1, f.n2, f.s2, f.bytes);
	if (!gen_memory(g, (uint64_t)(em.hi - em.lo) + ov.slack, 4, store, &m) ||
	    !gen_place(g, (uint64_t)(es.hi - es.lo) + os.slack, NULL, 0, &s))
		return false;
	gen_settle_count(g, &f.bytes, &f.rbytes, 4, &regs);
	gen_settle_count(g, &f.n1, &f.rn1, 1, &regs);
	gen_settle_count(g, &f.n2, &f.rn2, 1, &regs);
	gen_settle(g, &ov, m.lo - (uint64_t)em.lo, &regs, true);
	gen_settle(g, &os, s.lo, &regs, false);
	f.va = ov.field;
	f.rva = ov.reg;
	f.v1 = (uint64_t)v1;
	f.v2 = (uint64_t)v2;
	f.sp = (uint32_t)os.field;
	f.rsp = os.reg;
	touch(g, MEMORY, m.lo, m.hi, store);
	touch(g, SCRATCH, s.lo, s.hi, !store);
	ig1_encode_dma(&f, w);
	gen_put(g, w);
	return true;
}
