// SPDX-License-Identifier: MIT
/* Random programs: hazards, operands, and the kinds of commands, one function each. */
#include "randprog.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "ig1_isa.h"
#include "ig1_tables.h"

#define ZONE	   0xc000 /* bytes of scratch that programs use, with luck often the same ones */
#define MAX_BOXES  512
#define LAST_REG   27 /* 28..31 count loops */
#define TRIES	   30
#define ENGINES	   3 /* tile, vec, dma; the sequencer is number 3 in the tables below */
#define SEQ	   3
#define FREE_TOKEN 12 /* tokens from here on go around at random */

enum space { SCRATCH, MEMORY };

struct box {
	uint64_t lo, hi;
	uint32_t index; /* of the command */
	uint8_t engine;
	uint8_t space;
	bool write;
};

struct gen {
	int undefined; /* see struct randprog */
	const struct randprog_world *world;
	const struct randprog_options *opt;
	struct randprog_rng rng;
	uint32_t (*w)[IG1_CMD_WORDS];
	uint32_t len, cap;
	int error;

	/* what commands since the last sync touch; those from `mine` on belong to the next command */
	struct box box[MAX_BOXES];
	uint32_t boxes, mine;
	uint32_t last[ENGINES];		  /* index + 1 of the engine's last command since the sync */
	uint32_t ordered[ENGINES][SEQ + 1]; /* the same: commands of the first known to the second */
	uint32_t free_tokens[IG1_TOKENS];
	uint32_t depth; /* of loops and branches */
	uint32_t loop_depth;
	uint32_t loop_count;
	uint8_t loop_reg;
	uint32_t emits;
};

void randprog_seed(struct randprog_rng *rng, uint64_t seed)
{
	rng->state = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15);
	if (!rng->state)
		rng->state = 1;
	randprog_next(rng);
}

uint64_t randprog_next(struct randprog_rng *rng)
{
	rng->state ^= rng->state >> 12;
	rng->state ^= rng->state << 25;
	rng->state ^= rng->state >> 27;
	return rng->state * UINT64_C(0x2545f4914f6cdd1d);
}

uint32_t randprog_below(struct randprog_rng *rng, uint32_t n)
{
	return n ? (uint32_t)((randprog_next(rng) >> 32) * n >> 32) : 0;
}

uint32_t randprog_float(struct randprog_rng *rng)
{
	static const uint32_t special[] = { 0,		0x80000000, 1,		0x807fffff,
					    0x00800000, 0x7f800000, 0xff800000, 0x7fc00000,
					    0xffc12345, 0x7f7fffff, 0x3f800000, 0xbf800000 };
	uint32_t bits = (uint32_t)(randprog_next(rng) >> 32);

	if (!randprog_below(rng, 40))
		return special[randprog_below(rng, sizeof(special) / sizeof(special[0]))];
	if (!randprog_below(rng, 20))
		return bits;
	/* exponents around one */
	return (bits & 0x807fffff) | (120 + randprog_below(rng, 14)) << 23;
}

static uint32_t below(struct gen *g, uint32_t n)
{
	return randprog_below(&g->rng, n);
}

static uint32_t between(struct gen *g, uint32_t lo, uint32_t hi)
{
	return lo + below(g, hi - lo + 1);
}

static bool percent(struct gen *g, uint32_t p)
{
	return below(g, 100) < p;
}

static float real(struct gen *g)
{
	return ig1_bits_to_f32(randprog_float(&g->rng));
}

/* ---- commands and hazards ---- */

static void touch(struct gen *g, enum space space, uint64_t lo, uint64_t hi, bool write)
{
	if (g->boxes < MAX_BOXES)
		g->box[g->boxes++] = (struct box){ lo, hi, 0, 0, (uint8_t)space, write };
}

static bool boxes_meet(const struct box *a, const struct box *b)
{
	return a->space == b->space && a->lo < b->hi && b->lo < a->hi;
}

static uint32_t append(struct gen *g, const uint32_t *w)
{
	void *p;

	if (g->len == g->cap) {
		g->cap = g->cap ? 2 * g->cap : 64;
		p = realloc(g->w, g->cap * sizeof(g->w[0]));
		if (!p) {
			g->error = -ENOMEM;
			g->cap = g->len;
			return 0;
		}
		g->w = p;
	}
	memcpy(g->w[g->len], w, sizeof(g->w[0]));
	return g->len++;
}

static void put_sync(struct gen *g)
{
	struct ig1_fmt_seq f = { .op = IG1_OP_S_SYNC };
	uint32_t w[IG1_CMD_WORDS];
	uint32_t keep = g->boxes - g->mine;

	ig1_encode_seq(&f, w);
	append(g, w);
	memmove(g->box, g->box + g->mine, keep * sizeof(g->box[0]));
	g->boxes = keep;
	g->mine = 0;
	memset(g->last, 0, sizeof(g->last));
	memset(g->ordered, 0, sizeof(g->ordered));
}

/* The newest command of engine s that the next one must come after; index + 1, 0: none. */
static uint32_t newest_conflict(const struct gen *g, uint32_t s, uint32_t e)
{
	uint32_t i, j, newest = 0;

	for (i = g->mine; i < g->boxes; i++) {
		for (j = 0; j < g->mine; j++) {
			const struct box *b = &g->box[j];

			if (b->engine == s && b->index + 1 > g->ordered[s][e] &&
			    (b->write || g->box[i].write) && boxes_meet(b, &g->box[i]) &&
			    b->index + 1 > newest)
				newest = b->index + 1;
		}
	}
	return newest;
}

/* Waits for what the boxes of the next command ask for; may put an s.sync before it. */
static uint32_t order(struct gen *g, uint32_t e)
{
	uint32_t wait = 0, s;
	bool sync = g->boxes > MAX_BOXES - 32;

	for (s = 0; s < ENGINES && !sync; s++) {
		if (s == e || !newest_conflict(g, s, e))
			continue;
		if (percent(g, 20)) {
			sync = true;
			break;
		}
		/* the last command's gift covers all before it */
		wait |= 1u << (4 * s + e);
	}
	if (sync) {
		put_sync(g);
		return 0;
	}
	for (s = 0; s < ENGINES; s++) {
		if (!(wait >> (4 * s + e) & 1))
			continue;
		g->w[g->last[s] - 1][1] |= 1u << (4 * s + e);
		g->ordered[s][e] = g->last[s];
	}
	return wait;
}

static void put(struct gen *g, uint32_t *w)
{
	const struct ig1_op_desc *op = ig1_op_find((uint8_t)w[0]);
	uint32_t e = op->engine == IG1_ENGINE_SEQ ? SEQ : op->engine - 1u;
	uint32_t t, index, i;

	w[0] = (w[0] & 0xffff) | order(g, e) << 16;
	if (!g->depth && percent(g, 15)) {
		t = between(g, FREE_TOKEN, IG1_TOKENS - 1);
		if (g->free_tokens[t] && percent(g, 60)) {
			w[0] |= 0x10000u << t;
			g->free_tokens[t]--;
		}
		t = between(g, FREE_TOKEN, IG1_TOKENS - 1);
		if (g->free_tokens[t] < IG1_TOKEN_MAX) {
			w[1] |= 1u << t;
			g->free_tokens[t]++;
		}
	}
	for (i = 0; i < IG1_CMD_WORDS; i++)
		w[i] &= op->used[i];
	index = append(g, w);
	for (i = g->mine; i < g->boxes; i++) {
		g->box[i].index = index;
		g->box[i].engine = (uint8_t)e;
	}
	/* the sequencer's own commands are over before anything later is issued */
	if (e == SEQ)
		g->boxes = g->mine;
	else
		g->last[e] = index + 1;
	g->mine = g->boxes;
	if (g->opt->sequential)
		put_sync(g);
}

static void put_seq(struct gen *g, const struct ig1_fmt_seq *f)
{
	uint32_t w[IG1_CMD_WORDS];

	ig1_encode_seq(f, w);
	put(g, w);
}

static void put_li(struct gen *g, uint8_t rd, uint64_t imm)
{
	put_seq(g, &(struct ig1_fmt_seq){ .op = IG1_OP_S_LI, .rd = rd, .imm = imm });
}

/* ---- operands ---- */

/*
 * An address as field plus register: *field + R[result] is addr, or addr plus the loop's progress
 * of *slack bytes at most.
 */
struct operand {
	uint64_t field;
	uint64_t slack;
	uint8_t reg;
	uint64_t value; /* of the register, when it is not the loop's */
	uint32_t stride; /* of the loop's */
};

/* Chosen before the place is known, since the place must leave room for the slack. */
static struct operand plan(struct gen *g, uint32_t align)
{
	struct operand o = { 0 };

	if (g->loop_depth && percent(g, 40)) {
		o.reg = (uint8_t)between(g, 9, LAST_REG);
		o.stride = align * below(g, 9);
		o.slack = (uint64_t)(g->loop_count - 1) * o.stride;
	} else if (percent(g, 20)) {
		o.reg = (uint8_t)between(g, 9, LAST_REG);
		o.value = (uint64_t)align * below(g, 1 << 12);
		if (percent(g, 50))
			o.value = -o.value;
	}
	return o;
}

/* Registers of a command must differ, or one operand's value overwrites another's. */
static void settle(struct gen *g, struct operand *o, uint64_t addr, uint32_t *regs, bool wide)
{
	if (o->reg && (*regs >> o->reg & 1)) {
		if (o->slack) /* cannot move any more: stay at the start */
			o->slack = 0;
		o->reg = 0;
		o->value = 0;
	}
	if (!wide && o->value > addr && o->value <= UINT32_MAX)
		o->value = addr & ~UINT64_C(1023);
	o->field = addr - (o->stride ? 0 : o->value);
	if (!o->reg) {
		o->field = addr;
		return;
	}
	*regs |= 1u << o->reg;
	if (o->stride)
		put_seq(g, &(struct ig1_fmt_seq){ .op = IG1_OP_S_ALU, .rd = o->reg,
						  .ra = g->loop_reg, .alu = IG1_ALUOP_MUL,
						  .imm = o->stride });
	else
		put_li(g, o->reg, o->value);
}

/* A scratch place for `bytes`, away from the n boxes given. */
static bool place(struct gen *g, uint64_t bytes, const struct box *avoid, uint32_t n,
		  struct box *out)
{
	uint32_t zone = percent(g, 5) ? g->world->cfg->scratch_bytes : ZONE;
	uint32_t i, k;

	if (bytes > zone)
		return false;
	for (k = 0; k < TRIES; k++) {
		out->lo = 4 * (uint64_t)below(g, (uint32_t)((zone - bytes) / 4 + 1));
		/* the very end now and then */
		if (percent(g, 2))
			out->lo = g->world->cfg->scratch_bytes - bytes;
		out->hi = out->lo + bytes;
		out->space = SCRATCH;
		for (i = 0; i < n; i++)
			if (boxes_meet(out, &avoid[i]))
				break;
		if (i == n)
			return true;
	}
	return false;
}

/* Extent of a strided operand around its base. */
struct extent {
	int64_t lo, hi;
};

static struct extent extent3(uint64_t n0, int64_t s0, uint64_t n1, int64_t s1, uint64_t n2,
			     int64_t s2, int64_t tail)
{
	const uint64_t n[3] = { n0, n1, n2 };
	const int64_t s[3] = { s0, s1, s2 };
	struct extent e = { 0, tail };
	int i;

	for (i = 0; i < 3; i++) {
		int64_t span = (int64_t)(n[i] - 1) * s[i];

		if (span < 0)
			e.lo += span;
		else
			e.hi += span;
	}
	return e;
}

static bool memory(struct gen *g, uint64_t bytes, uint32_t align, bool write, struct box *out)
{
	uint32_t k;

	for (k = 0; k < TRIES; k++) {
		const struct randprog_region *r = &g->world->region[below(g, g->world->regions)];

		if ((write && !r->writable) || r->bytes < bytes)
			continue;
		out->lo = r->va + (uint64_t)align *
					  below(g, (uint32_t)((r->bytes - bytes) / align + 1));
		out->hi = out->lo + bytes;
		out->space = MEMORY;
		return true;
	}
	return false;
}

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

	v->e = extent3(f->n0, 4 * v->s[0], f->n1, 4 * v->s[1], f->n2, 4 * v->s[2], 4);
	bytes = (uint64_t)(v->e.hi - v->e.lo) + v->op.slack;
	if (v->crom) {
		if (bytes > g->world->crom_bytes)
			return false;
		v->box.lo = 4 * (uint64_t)below(g, (uint32_t)((g->world->crom_bytes - bytes) / 4 + 1));
	} else if (!place(g, bytes, NULL, 0, &v->box)) {
		return false;
	}
	v->base = v->box.lo - (uint64_t)v->e.lo;
	return true;
}

static bool make_vec(struct gen *g)
{
	static const uint8_t ops[] = {
		IG1_OP_V_MOV,  IG1_OP_V_ADD,  IG1_OP_V_SUB,	IG1_OP_V_MUL,  IG1_OP_V_MAD,
		IG1_OP_V_MUL3, IG1_OP_V_LIN,  IG1_OP_V_EXPS,	IG1_OP_V_RECIP, IG1_OP_V_RSQRT,
		IG1_OP_V_SIGM, IG1_OP_V_SILU, IG1_OP_V_SILUMUL, IG1_OP_V_ROT,	IG1_OP_V_MAX,
	};
	static const uint8_t srcs[] = { 1, 2, 2, 2, 3, 3, 1, 2, 1, 1, 1, 1, 2, 4, 2 };
	struct ig1_fmt_vec f = { 0 };
	struct vec_src src[4];
	struct operand oy, oz;
	struct extent e;
	struct box avoid[6], y, z;
	struct vec_dst d, dz;
	uint32_t w[IG1_CMD_WORDS];
	uint32_t which = below(g, sizeof(ops)), used = srcs[which], i, n = 0, regs = 0, groups;
	uint64_t ybase = 0, zbase = 0;
	bool in_place;

	f.op = ops[which];
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
		src[i].op = used == 4 && i >= 2 ? (struct operand){ 0 } : plan(g, 4);
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
	oy = plan(g, 4);
	oz = plan(g, 4);
	if (f.out == IG1_VFMT_Q8) {
		/* bytes; rows of whole groups */
		d.s0 = 1;
		d.s1 = 32 * (int64_t)groups + 4 * below(g, 3);
		d.s2 = d.s1 * f.n1 + 4 * below(g, 3);
		e = extent3(1, 0, f.n1, d.s1, f.n2, d.s2, 32 * (int64_t)groups);
		dz = apart(g, groups, f.n1);
		if (dz.s0 != 1 || dz.s1 == 1) {
			dz.s1 = groups;
			dz.s2 = (int64_t)groups * f.n1;
		}
	} else {
		e = extent3(f.n0, 4 * d.s0, f.n1, 4 * d.s1, f.n2, 4 * d.s2, 4);
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
		if (!place(g, (uint64_t)(e.hi - e.lo) + oy.slack, avoid, n, &y))
			return false;
		ybase = y.lo - (uint64_t)e.lo;
		avoid[n++] = y;
	}
	if (f.out == IG1_VFMT_Q8 || f.red) {
		e = extent3(1, 0, f.n1, 4 * dz.s1, f.n2, 4 * dz.s2,
			    f.out == IG1_VFMT_Q8 ? 4 * (int64_t)groups : 4);
		if (!place(g, (uint64_t)(e.hi - e.lo) + oz.slack, avoid, n, &z))
			return false;
		zbase = z.lo - (uint64_t)e.lo;
	}

	for (i = 0; i < used; i++)
		settle(g, &src[i].op, src[i].base, &regs, false);
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
		settle(g, &oy, ybase, &regs, false);
		f.y = (uint32_t)oy.field;
		f.ry = oy.reg;
		f.y0 = (int16_t)d.s0;
		f.y1 = (int32_t)d.s1;
		f.y2 = (int32_t)d.s2;
	}
	if (f.out == IG1_VFMT_Q8 || f.red) {
		settle(g, &oz, zbase, &regs, false);
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
	put(g, w);
	return true;
}

/* ---- tile ---- */

static bool make_mm(struct gen *g)
{
	struct ig1_fmt_mm f = { .op = IG1_OP_T_MM };
	struct operand orom = plan(g, 2), ox = plan(g, 4), os = plan(g, 4), oy = plan(g, 4);
	uint32_t w[IG1_CMD_WORDS];
	uint32_t block, regs = 0;
	uint64_t span, rom;
	struct box b[3];

	f.fmt = (uint8_t)below(g, 2);
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
	if (!place(g, (uint64_t)(f.cols - 1) * f.xstride + f.groups * 32 + ox.slack, NULL, 0, &b[0]) ||
	    !place(g, (uint64_t)(f.cols - 1) * f.xsstride + f.groups * 4 + os.slack, NULL, 0, &b[1]) ||
	    !place(g, (uint64_t)(f.cols - 1) * f.ystride + f.rows * 4 + oy.slack, b, 2, &b[2]))
		return false;
	settle(g, &orom, rom, &regs, true);
	settle(g, &ox, b[0].lo, &regs, false);
	settle(g, &os, b[1].lo, &regs, false);
	settle(g, &oy, b[2].lo, &regs, false);
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
	put(g, w);
	return true;
}

static void put_store(struct gen *g, uint64_t addr, uint8_t reg, bool wide)
{
	touch(g, SCRATCH, addr, addr + (wide ? 8 : 4), true);
	put_seq(g, &(struct ig1_fmt_seq){ .op = IG1_OP_S_ST, .rb = reg, .width = wide, .imm = addr });
}

static bool make_emb(struct gen *g)
{
	struct ig1_fmt_emb f = { .op = IG1_OP_T_EMB };
	struct operand orom = plan(g, 2), oy = plan(g, 4);
	uint32_t w[IG1_CMD_WORDS];
	uint32_t block, regs = 0, i;
	uint64_t span, rom;
	struct box b[2];
	uint8_t reg;

	f.fmt = (uint8_t)below(g, 2);
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
	if (!place(g, (uint64_t)(f.cols - 1) * f.istride + 4, NULL, 0, &b[0]) ||
	    !place(g, (uint64_t)(f.cols - 1) * f.ystride + f.groups * 128 + oy.slack, b, 1, &b[1]))
		return false;
	f.idx = (uint32_t)b[0].lo;
	for (i = 0; i < f.cols; i++) {
		reg = (uint8_t)between(g, 9, LAST_REG);
		put_li(g, reg, below(g, f.rows));
		put_store(g, f.idx + (uint64_t)i * f.istride, reg, false);
	}
	settle(g, &orom, rom, &regs, true);
	settle(g, &oy, b[1].lo, &regs, false);
	f.rom = orom.field;
	f.rrom = orom.reg;
	f.y = (uint32_t)oy.field;
	f.ry = oy.reg;
	touch(g, SCRATCH, b[0].lo, b[0].hi, false);
	touch(g, SCRATCH, b[1].lo, b[1].hi, true);
	ig1_encode_emb(&f, w);
	put(g, w);
	return true;
}

static bool make_kv(struct gen *g)
{
	struct ig1_fmt_att f = { 0 };
	struct operand okv = plan(g, 1024), oks, ox = plan(g, 4), os = plan(g, 4), oy = plan(g, 4);
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
	if (!memory(g, (uint64_t)(blocks - 1) * f.bstride + 1024u * f.heads * f.groups + okv.slack, 1024,
		    false, &kv))
		return false;
	oks = plan(g, 128);
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
		if (!memory(g,
			    (uint64_t)(blocks - 1) * f.sbstride + 128u * f.heads * f.groups + oks.slack,
			    128, false, &ks))
			return false;
		f.xstride = f.groups * 32 + 4 * below(g, 3);
		f.xsstride = f.groups * 4 + 4 * below(g, 3);
		f.ystride = 4 * f.npos + 4 * below(g, 3);
		xspan = f.groups * 32;
		sspan = f.groups * 4;
		yspan = 4 * (uint64_t)f.npos;
	}
	if (!place(g, (heads - 1) * (uint64_t)f.xstride + xspan + ox.slack, NULL, 0, &b[0]) ||
	    !place(g, (heads - 1) * (uint64_t)f.xsstride + sspan + os.slack, NULL, 0, &b[1]) ||
	    !place(g, (heads - 1) * (uint64_t)f.ystride + yspan + oy.slack, b, 2, &b[2]))
		return false;
	settle(g, &okv, kv.lo, &regs, true);
	if (!pv) {
		settle(g, &oks, ks.lo, &regs, true);
		f.ks = oks.field;
		f.rks = oks.reg;
		touch(g, MEMORY, ks.lo, ks.hi, false);
	}
	settle(g, &ox, b[0].lo, &regs, false);
	settle(g, &os, b[1].lo, &regs, false);
	settle(g, &oy, b[2].lo, &regs, false);
	f.kv = okv.field;
	f.rkv = okv.reg;
	f.x = (uint32_t)ox.field;
	f.rx = ox.reg;
	f.xs = (uint32_t)os.field;
	f.rxs = os.reg;
	f.y = (uint32_t)oy.field;
	f.ry = oy.reg;
	touch(g, MEMORY, kv.lo, kv.hi, false);
	touch(g, SCRATCH, b[0].lo, b[0].hi, false);
	touch(g, SCRATCH, b[1].lo, b[1].hi, false);
	touch(g, SCRATCH, b[2].lo, b[2].hi, true);
	ig1_encode_att(&f, w);
	put(g, w);
	return true;
}

/* ---- dma ---- */

static bool make_dma(struct gen *g)
{
	struct ig1_fmt_dma f = { 0 };
	struct operand ov = plan(g, 4), os = plan(g, 4);
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
	em = extent3(1, 0, f.n1, v1, f.n2, v2, f.bytes);
	es = extent3(1, 0, f.n1, f.s1, f.n2, f.s2, f.bytes);
	if (!memory(g, (uint64_t)(em.hi - em.lo) + ov.slack, 4, store, &m) ||
	    !place(g, (uint64_t)(es.hi - es.lo) + os.slack, NULL, 0, &s))
		return false;
	settle(g, &ov, m.lo - (uint64_t)em.lo, &regs, true);
	settle(g, &os, s.lo, &regs, false);
	f.va = ov.field;
	f.rva = ov.reg;
	f.v1 = (uint64_t)v1;
	f.v2 = (uint64_t)v2;
	f.sp = (uint32_t)os.field;
	f.rsp = os.reg;
	touch(g, MEMORY, m.lo, m.hi, store);
	touch(g, SCRATCH, s.lo, s.hi, !store);
	ig1_encode_dma(&f, w);
	put(g, w);
	return true;
}

/* ---- sequencer ---- */

static bool make_seq(struct gen *g)
{
	struct ig1_fmt_seq f = { 0 };
	uint8_t reg = (uint8_t)between(g, 9, LAST_REG);
	struct box b;

	switch (below(g, 6)) {
	case 0:
	case 1:
		f.op = IG1_OP_S_ALU;
		f.rd = reg;
		f.ra = (uint8_t)below(g, IG1_REGS);
		f.rb = (uint8_t)below(g, IG1_REGS);
		f.alu = (uint8_t)between(g, IG1_ALUOP_ADD, IG1_ALUOP_MAX);
		f.imm = percent(g, 50) ? below(g, 100) : randprog_next(&g->rng);
		break;
	case 2:
		f.width = (uint8_t)below(g, 2);
		if (!place(g, f.width ? 8 : 4, NULL, 0, &b))
			return false;
		f.op = IG1_OP_S_LD;
		f.rd = reg;
		f.imm = b.lo;
		touch(g, SCRATCH, b.lo, b.hi, false);
		break;
	case 3:
		if (!place(g, 8, NULL, 0, &b))
			return false;
		put_store(g, b.lo, (uint8_t)below(g, IG1_REGS), percent(g, 50));
		return true;
	case 4:
		f.op = IG1_OP_S_SYNC;
		break;
	default:
		if (g->depth || g->emits == g->world->emit_entries)
			return false;
		f.op = IG1_OP_S_EMIT;
		f.ra = (uint8_t)below(g, IG1_REGS);
		f.rb = (uint8_t)below(g, IG1_REGS);
		f.kind = (uint16_t)randprog_next(&g->rng);
		g->emits++;
		break;
	}
	if (f.op == IG1_OP_S_SYNC)
		put_sync(g);
	else
		put_seq(g, &f);
	return true;
}

static void make_one(struct gen *g, uint32_t kinds);

/* Nothing is outstanding at either end of a body, so that hazards stay inside it. */
static uint32_t body(struct gen *g, uint32_t kinds, uint32_t commands)
{
	uint32_t first = g->len, end = g->len + commands;

	put_sync(g);
	while (g->len < end && !g->error)
		make_one(g, kinds);
	put_sync(g);
	return g->len - first;
}

static bool make_flow(struct gen *g, uint32_t kinds)
{
	struct ig1_fmt_seq f = { 0 };
	uint32_t at, count = g->loop_count;
	uint8_t reg = g->loop_reg;

	if (g->depth >= 4)
		return false;
	g->depth++;
	if (percent(g, 50)) {
		f.op = IG1_OP_S_SKIP;
		f.ra = (uint8_t)below(g, IG1_REGS);
		f.rb = (uint8_t)below(g, IG1_REGS);
		f.cond = (uint8_t)below(g, 5);
		f.imm = percent(g, 50) ? 0 : randprog_next(&g->rng);
		put_sync(g);
		at = g->len;
		put_seq(g, &f);
		f.len = body(g, kinds, between(g, 1, 4));
	} else {
		if (g->loop_depth == IG1_LOOP_DEPTH - 1) {
			g->depth--;
			return false;
		}
		f.op = IG1_OP_S_LOOP;
		f.rd = (uint8_t)(LAST_REG + 1 + g->loop_depth);
		f.imm = between(g, 0, 4);
		at = g->len;
		put_seq(g, &f);
		g->loop_depth++;
		g->loop_count = f.imm ? (uint32_t)f.imm : 1;
		g->loop_reg = f.rd;
		f.len = body(g, kinds, between(g, 1, 6));
		if (percent(g, 20)) {
			put_seq(g, &(struct ig1_fmt_seq){ .op = IG1_OP_S_BRK,
							  .ra = f.rd,
							  .cond = IG1_COND_GE,
							  .imm = below(g, 4) });
			f.len++;
			if (g->opt->sequential)
				f.len++;
		}
		g->loop_depth--;
		g->loop_count = count;
		g->loop_reg = reg;
		put_sync(g);
	}
	g->depth--;
	/* in sequential mode the command itself is followed by a sync, which is part of the body */
	if (g->opt->sequential)
		f.len++;
	if (g->len && !g->error) {
		uint32_t w[IG1_CMD_WORDS];

		ig1_encode_seq(&f, w);
		memcpy(g->w[at], w, sizeof(w));
	}
	return true;
}

static void make_one(struct gen *g, uint32_t kinds)
{
	bool done = false;
	uint32_t k;

	for (k = 0; k < TRIES && !done && !g->error; k++) {
		uint32_t kind = 1u << below(g, 7);

		g->boxes = g->mine;
		if (!(kinds & kind))
			continue;
		switch (kind) {
		case RANDPROG_VEC:
			done = make_vec(g);
			break;
		case RANDPROG_MM:
			done = make_mm(g);
			break;
		case RANDPROG_EMB:
			done = make_emb(g);
			break;
		case RANDPROG_KV:
			done = make_kv(g);
			break;
		case RANDPROG_DMA:
			done = make_dma(g);
			break;
		case RANDPROG_SEQ:
			done = make_seq(g);
			break;
		default:
			done = percent(g, 40) && make_flow(g, kinds);
			break;
		}
	}
	g->boxes = g->mine;
	if (!done)
		put_sync(g);
}

/* ---- faults ---- */

static void raw(struct gen *g, const struct ig1_fmt_seq *f)
{
	uint32_t w[IG1_CMD_WORDS];

	ig1_encode_seq(f, w);
	append(g, w);
}

/* A good command of a kind that touches memory or scratch, as the last one. */
static uint32_t *victim(struct gen *g, uint32_t kinds)
{
	uint32_t before;
	int i;

	kinds &= RANDPROG_VEC | RANDPROG_MM | RANDPROG_EMB | RANDPROG_KV | RANDPROG_DMA;
	for (i = 0; i < 100 && !g->error; i++) {
		before = g->len;
		make_one(g, kinds);
		if (g->len > before && (g->w[g->len - 1][0] & 0xff) >= IG1_OP_T_MM)
			return g->w[g->len - 1];
	}
	return NULL;
}

static const char *make_fault(struct gen *g, uint32_t kinds)
{
	struct ig1_fmt_dma dma = { .op = IG1_OP_D_LD, .bytes = 4, .n1 = 1, .n2 = 1 };
	struct ig1_fmt_seq seq = { 0 };
	uint32_t w[IG1_CMD_WORDS] = { 0 }, *v, i;
	const char *what = "none";

	put_sync(g);
	switch (below(g, 16)) {
	case 0:
		w[0] = (uint32_t)below(g, 256);
		append(g, w);
		what = "opcode or empty command";
		break;
	case 1:
		v = victim(g, kinds);
		if (v)
			v[below(g, IG1_CMD_WORDS)] ^= 1u << below(g, 32);
		g->undefined = 1;
		what = "flipped bit";
		break;
	case 2:
		v = victim(g, kinds);
		if (v)
			v[0] |= 0x10000u << below(g, 12);
		what = "token not given";
		break;
	case 3:
		seq.op = IG1_OP_S_LOOP;
		seq.imm = 300;
		seq.len = 1;
		raw(g, &seq);
		seq = (struct ig1_fmt_seq){ .op = IG1_OP_S_LI, .rd = 9, .signal = 0x0800 };
		raw(g, &seq);
		what = "token overflow";
		break;
	case 4:
	case 5:
		v = victim(g, kinds);
		if (v) {
			i = between(g, 2, 27);
			v[i] = percent(g, 50) ? v[i] + g->world->cfg->scratch_bytes
					      : (uint32_t)randprog_next(&g->rng);
		}
		g->undefined = 1;
		what = "wild word";
		break;
	case 6:
		seq.op = percent(g, 50) ? IG1_OP_S_LD : IG1_OP_S_ST;
		seq.imm = percent(g, 50) ? g->world->cfg->scratch_bytes - 4 + 2 * below(g, 4)
					 : randprog_next(&g->rng);
		seq.width = 1;
		raw(g, &seq);
		what = "scratch access of the sequencer";
		break;
	case 7:
		for (i = 0; i < 5; i++) {
			seq = (struct ig1_fmt_seq){ .op = IG1_OP_S_LOOP, .imm = 1 + below(g, 2), .len = 5 - i };
			raw(g, &seq);
		}
		seq = (struct ig1_fmt_seq){ .op = IG1_OP_S_LI, .rd = 9 };
		raw(g, &seq);
		what = "loops too deep";
		break;
	case 8:
		seq.op = percent(g, 50) ? IG1_OP_S_LOOP : IG1_OP_S_SKIP;
		seq.imm = percent(g, 20) ? UINT64_C(1) << 25 : 1;
		seq.len = percent(g, 30) ? 0 : (uint32_t)randprog_next(&g->rng);
		seq.cond = seq.op == IG1_OP_S_SKIP ? IG1_COND_NE : 0;
		raw(g, &seq);
		what = "loop or skip beyond its body";
		break;
	case 9:
		seq.op = IG1_OP_S_BRK;
		raw(g, &seq);
		what = "break outside a loop";
		break;
	case 10:
		for (i = g->emits; i <= g->world->emit_entries; i++) {
			seq = (struct ig1_fmt_seq){ .op = IG1_OP_S_EMIT, .ra = 1, .kind = 7 };
			raw(g, &seq);
		}
		what = "token buffer full";
		break;
	case 11:
	case 12:
	case 13:
		dma.op = percent(g, 50) ? IG1_OP_D_LD : IG1_OP_D_ST;
		dma.va = g->world->bad_va[below(g, g->world->bads)] + 4 * below(g, 1000);
		dma.bytes = 4 * between(g, 1, 2000);
		/* sometimes the bad page comes after a good one */
		dma.sp = 0;
		ig1_encode_dma(&dma, w);
		append(g, w);
		what = "bad page";
		break;
	case 14:
		dma.op = IG1_OP_D_ST;
		dma.va = g->world->ro_va + 4 * below(g, 1000);
		dma.n1 = between(g, 1, 3);
		dma.v1 = 8;
		ig1_encode_dma(&dma, w);
		append(g, w);
		what = "write to a read-only page";
		break;
	default:
		/* runs off the program's end */
		return "no end";
	}
	raw(g, &(struct ig1_fmt_seq){ .op = IG1_OP_S_END });
	return what;
}

/* ---- programs ---- */

/* Scratch is filled from the first region, which holds random data. */
static void prologue(struct gen *g)
{
	struct ig1_fmt_dma f = { .op = IG1_OP_D_LD, .n1 = 1, .n2 = 1 };
	uint64_t bytes = g->world->region[0].bytes;
	uint32_t w[IG1_CMD_WORDS];
	int i;

	f.va = g->world->region[0].va;
	f.bytes = (uint32_t)(bytes < ZONE ? bytes : ZONE);
	touch(g, SCRATCH, 0, f.bytes, true);
	touch(g, MEMORY, f.va, f.va + f.bytes, false);
	ig1_encode_dma(&f, w);
	put(g, w);
	put_sync(g);
	for (i = 0; i < 4; i++)
		put_li(g, (uint8_t)between(g, 9, LAST_REG), randprog_next(&g->rng));
}

int randprog_make(const struct randprog_world *world, const struct randprog_options *options,
		  struct randprog *out)
{
	struct gen *g = calloc(1, sizeof(*g));
	uint32_t i;

	if (!g)
		return -ENOMEM;
	g->world = world;
	g->opt = options;
	g->loop_count = 1;
	randprog_seed(&g->rng, options->seed);
	memset(out, 0, sizeof(*out));
	for (i = 0; i < IG1_ARGS; i++)
		out->args[i] = percent(g, 50) ? below(g, 1000) : randprog_next(&g->rng);
	prologue(g);
	while (g->len < options->commands && !g->error)
		make_one(g, options->kinds);
	if (options->faulty)
		out->fault = make_fault(g, options->kinds);
	else
		raw(g, &(struct ig1_fmt_seq){ .op = IG1_OP_S_END });
	out->undefined = g->undefined;
	out->w = g->w;
	out->len = g->len;
	i = (uint32_t)-g->error;
	free(g);
	if (i)
		randprog_free(out);
	return -(int)i;
}

void randprog_free(struct randprog *prog)
{
	free(prog->w);
	memset(prog, 0, sizeof(*prog));
}
