// SPDX-License-Identifier: MIT
/*
 * v.*: passes over scratch. A row is handled in chunks of at most REF_ROW_CHUNK elements: sources are
 * gathered into plain rows (or used in place), one kernel computes, results are scattered, quantised
 * and reduced.
 */
#include <string.h>

#include "fp.h"
#include "ref_internal.h"

struct source {
	const uint8_t *base; /* of its space */
	uint64_t addr;
	int64_t s0, s1, s2; /* bytes */
};

struct pass {
	struct ig1_fmt_vec f;
	uint64_t n0, n1, n2;
	uint32_t used; /* bit i: source i */
	struct source src[4];
	uint64_t y, z;
};

static int setup(struct ig1_ref *r, const uint32_t *w, struct pass *p)
{
	struct ig1_fmt_vec *f = &p->f;
	struct ref_operand o;
	uint64_t groups;
	uint32_t space[4];
	int i;

	ig1_decode_vec(w, f);
	p->n0 = f->n0 + r->regs[f->rn0];
	p->n1 = f->n1 + r->regs[f->rn1];
	p->n2 = f->n2 + r->regs[f->rn2];
	if (ref_check_count(r, p->n0) || ref_check_count(r, p->n1) || ref_check_count(r, p->n2))
		return -1;
	if (!p->n0 || !p->n1 || !p->n2)
		return 1;
	if (f->out == IG1_VFMT_Q8 && f->red != IG1_VRED_NONE)
		return ref_fault(r, IG1_FAULT_FIELD, IG1_WORD_VEC_RED);
	if (f->out == IG1_VFMT_Q8 && f->y0 != 1)
		return ref_fault(r, IG1_FAULT_FIELD, IG1_WORD_VEC_Y0);
	p->used = ig1_vec_sources(f->op);
	p->src[0] = (struct source){
		.addr = f->a + r->regs[f->ra], .s0 = f->a0, .s1 = f->a1, .s2 = f->a2
	};
	p->src[1] = (struct source){
		.addr = f->bb + r->regs[f->rb], .s0 = f->b0, .s1 = f->b1, .s2 = f->b2
	};
	p->src[2] = (struct source){
		.addr = f->c + r->regs[f->rc], .s0 = f->c0, .s1 = f->c1, .s2 = f->c2
	};
	p->src[3] = (struct source){
		.addr = f->dd + r->regs[f->rc], .s0 = f->d0, .s1 = f->d1, .s2 = f->d2
	};
	space[0] = f->sa;
	space[1] = f->sb;
	space[2] = f->sc;
	space[3] = f->sd;
	p->y = f->y + r->regs[f->ry];
	p->z = f->z + r->regs[f->rz];
	for (i = 0; i < 4; i++)
		if (p->used & 1u << i && ref_check_align(r, p->src[i].addr, 4))
			return -1;
	if (f->out != IG1_VFMT_NONE && ref_check_align(r, p->y, 4))
		return -1;
	if (f->out == IG1_VFMT_Q8 && (ref_check_align(r, (uint64_t)(int64_t)f->y1, 4) ||
				      ref_check_align(r, (uint64_t)(int64_t)f->y2, 4)))
		return -1;
	if ((f->out == IG1_VFMT_Q8 || f->red != IG1_VRED_NONE) && ref_check_align(r, p->z, 4))
		return -1;

	for (i = 0; i < 4; i++) {
		struct source *s = &p->src[i];

		if (!(p->used & 1u << i))
			continue;
		s->s0 *= 4;
		s->s1 *= 4;
		s->s2 *= 4;
		s->base = space[i] == IG1_SPACE_CROM ? r->mask.crom : r->scratch;
		o = (struct ref_operand){
			.base = s->addr,
			.limit = space[i] == IG1_SPACE_CROM ? r->mask.crom_bytes
							    : r->cfg->scratch_bytes,
			.fault = space[i] == IG1_SPACE_CROM ? IG1_FAULT_CROM : IG1_FAULT_SCRATCH,
			.n = { (int64_t)p->n0, (int64_t)p->n1, (int64_t)p->n2 },
			.step = { s->s0, s->s1, s->s2 },
			.tail = 4,
		};
		if (ref_check_range(r, &o))
			return -1;
	}
	groups = (p->n0 + 31) / 32;
	o = (struct ref_operand){
		.base = p->y,
		.limit = r->cfg->scratch_bytes,
		.fault = IG1_FAULT_SCRATCH,
		.n = { f->out == IG1_VFMT_Q8 ? 1 : (int64_t)p->n0, (int64_t)p->n1, (int64_t)p->n2 },
		.step = { 4 * (int64_t)f->y0, f->y1, f->y2 },
		.tail = f->out == IG1_VFMT_Q8 ? groups * 32 : 4,
	};
	if (f->out == IG1_VFMT_F32) {
		o.step[1] *= 4;
		o.step[2] *= 4;
	}
	if (f->out != IG1_VFMT_NONE && ref_check_range(r, &o))
		return -1;
	o.base = p->z;
	o.n[0] = 1;
	o.step[1] = 4 * (int64_t)f->z1;
	o.step[2] = 4 * (int64_t)f->z2;
	o.tail = f->out == IG1_VFMT_Q8 ? groups * 4 : 4;
	if ((f->out == IG1_VFMT_Q8 || f->red != IG1_VRED_NONE) && ref_check_range(r, &o))
		return -1;
	return 0;
}

/* The n elements of a source from element `first` of its row as a plain row, perhaps in `buf`. */
static const float *gather(const struct source *s, uint64_t i1, uint64_t i2, uint64_t first,
			   size_t n, float *buf)
{
	const uint8_t *p = s->base + (int64_t)s->addr + (int64_t)i2 * s->s2 + (int64_t)i1 * s->s1 +
			   (int64_t)first * s->s0;
	float v;
	size_t i;

	if (s->s0 == 4)
		return (const float *)p;
	if (!s->s0) {
		memcpy(&v, p, 4);
		for (i = 0; i < n; i++)
			buf[i] = v;
		return buf;
	}
	for (i = 0; i < n; i++)
		memcpy(&buf[i], p + (int64_t)i * s->s0, 4);
	return buf;
}

static void compute(struct ig1_ref *r, const struct ig1_fmt_vec *f, float *y, const float *a,
		    const float *b, const float *c, const float *d, size_t n)
{
	const struct ig1_kernels *k = r->k;
	size_t i;

	switch (f->op) {
	case IG1_OP_V_MOV:
		for (i = 0; i < n; i++)
			y[i] = ig1_f32_from(ig1_canon_bits(ig1_daz_bits(ig1_f32_bits(a[i]))));
		break;
	case IG1_OP_V_ADD:
		k->add(y, a, b, n);
		break;
	case IG1_OP_V_SUB:
		for (i = 0; i < n; i++)
			y[i] = ig1_canon(ig1_add(a[i], ig1_neg(b[i])));
		break;
	case IG1_OP_V_MUL:
		k->mul(y, a, b, n);
		break;
	case IG1_OP_V_MAD:
		k->mad(y, a, b, c, n);
		break;
	case IG1_OP_V_MUL3:
		for (i = 0; i < n; i++)
			y[i] = ig1_canon(ig1_mul(ig1_mul(a[i], b[i]), c[i]));
		break;
	case IG1_OP_V_LIN:
		k->affine(y, a, f->alpha, f->beta, n);
		break;
	case IG1_OP_V_EXPS:
		/* exp(fl(fl(a - b) * alpha)): adding -0 changes no product */
		for (i = 0; i < n; i++)
			y[i] = ig1_add(a[i], ig1_neg(b[i]));
		k->exp_affine(y, y, f->alpha, -0.0f, n);
		break;
	case IG1_OP_V_RECIP:
		k->recip(y, a, n);
		break;
	case IG1_OP_V_RSQRT:
		k->affine(y, a, f->alpha, f->beta, n);
		k->rsqrt(y, y, n);
		break;
	case IG1_OP_V_SIGM:
		k->sigmoid(y, a, n);
		break;
	case IG1_OP_V_SILU:
		k->silu(y, a, n);
		break;
	case IG1_OP_V_SILUMUL:
		k->silu_mul(y, a, b, n);
		break;
	case IG1_OP_V_ROT:
		for (i = 0; i < n; i++)
			y[i] = ig1_canon(ig1_add(ig1_mul(a[i], c[i]), ig1_mul(b[i], d[i])));
		break;
	case IG1_OP_V_MAX:
		for (i = 0; i < n; i++)
			y[i] = ig1_canon(ig1_max(a[i], b[i]));
		break;
	}
}

/* Row reduction over chunks whose lengths but the last are multiples of 32. */
struct reduction {
	float part[32];
	float max;
	int32_t key;
	uint32_t at;
};

static void reduce_start(struct reduction *s)
{
	memset(s->part, 0, sizeof(s->part));
	s->max = ig1_f32_from(IG1_F32_INF | IG1_SIGN);
	s->key = INT32_MIN;
	s->at = 0;
}

static void reduce_chunk(struct ig1_ref *r, uint32_t red, struct reduction *s, const float *y,
			 uint64_t first, size_t n)
{
	size_t i, j;

	if (red == IG1_VRED_SUM) {
		for (i = 0; i + 32 <= n; i += 32)
			for (j = 0; j < 32; j++)
				s->part[j] = ig1_add(s->part[j], y[i + j]);
		for (j = 0; i + j < n; j++)
			s->part[j] = ig1_add(s->part[j], y[i + j]);
	} else if (red == IG1_VRED_MAX) {
		s->max = ig1_max(s->max, r->k->max(y, n));
	} else {
		uint32_t at = r->k->argmax(y, n);
		int32_t key = ig1_order_key(y[at]);

		if (!ig1_is_nan_bits(ig1_f32_bits(y[at])) && key > s->key) {
			s->key = key;
			s->at = (uint32_t)(first + at);
		}
	}
}

static uint32_t reduce_end(uint32_t red, struct reduction *s)
{
	if (red == IG1_VRED_SUM)
		return ig1_f32_bits(ig1_canon(ig1_sum_tree(s->part)));
	if (red == IG1_VRED_MAX)
		return ig1_f32_bits(ig1_canon(s->max));
	return s->at;
}

static void run_row(struct ig1_ref *r, const struct pass *p, uint64_t i1, uint64_t i2)
{
	const struct ig1_fmt_vec *f = &p->f;
	const float *src[4] = { NULL, NULL, NULL, NULL };
	int64_t yrow = (int64_t)i1 * f->y1 + (int64_t)i2 * f->y2;
	uint8_t *z = r->scratch + p->z + 4 * ((int64_t)i1 * f->z1 + (int64_t)i2 * f->z2);
	struct reduction red;
	uint64_t first;
	uint32_t v;
	int s;

	reduce_start(&red);
	for (first = 0; first < p->n0; first += REF_ROW_CHUNK) {
		size_t n = p->n0 - first < REF_ROW_CHUNK ? (size_t)(p->n0 - first) : REF_ROW_CHUNK;
		float *out = r->row[4], *y;
		size_t i;

		for (s = 0; s < 4; s++)
			if (p->used & 1u << s)
				src[s] = gather(&p->src[s], i1, i2, first, n, r->row[s]);
		if (f->out == IG1_VFMT_F32) {
			y = (float *)(r->scratch + p->y + 4 * yrow) + (int64_t)first * f->y0;
			if (f->y0 == 1)
				out = y;
			compute(r, f, out, src[0], src[1], src[2], src[3], n);
			if (out != y)
				for (i = 0; i < n; i++)
					y[(int64_t)i * f->y0] = out[i];
		} else {
			compute(r, f, out, src[0], src[1], src[2], src[3], n);
			if (f->out == IG1_VFMT_Q8) {
				size_t groups = (n + 31) / 32;

				memset(out + n, 0, (groups * 32 - n) * 4);
				r->k->quantise((int8_t *)r->scratch + p->y + yrow + first,
					       (float *)(z + first / 8), out, groups);
			}
		}
		if (f->red != IG1_VRED_NONE)
			reduce_chunk(r, f->red, &red, out, first, n);
	}
	if (f->red != IG1_VRED_NONE) {
		v = reduce_end(f->red, &red);
		memcpy(z, &v, 4);
	}
}

int ref_exec_vec(struct ig1_ref *r, const uint32_t *w)
{
	struct pass p;
	uint64_t i1, i2;
	int ret;

	ret = setup(r, w, &p);
	if (ret)
		return ret < 0 ? ret : 0;
	for (i2 = 0; i2 < p.n2; i2++)
		for (i1 = 0; i1 < p.n1; i1++)
			run_row(r, &p, i1, i2);
	r->counters[IG1_CTR_VEC_ELEMS] += p.n0 * p.n1 * p.n2;
	return 0;
}
