// SPDX-License-Identifier: MIT
/* Tensors of safetensors files as those of a GGUF file, by the rules of hf_archs.c. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/frontends/hf_internal.h"
#include "compiler/quant/ggml_types.h"
#include "compiler/quant/half.h"

#define MXFP4_BLOCK	   32
#define MXFP4_BLOCK_BYTES  17 /* in GGUF: scale, 16 bytes of codes */
#define MXFP4_STORED_BYTES 16

/*
 * Where the units (rows, or elements of a 1-D tensor) of a GGUF tensor come from. Unit u is unit
 *	q = u % part_units  of part u / part_units, which is the source's unit
 *	(q / inner) * outer + offset + permuted(q % inner) * step.
 */
struct hf_rows {
	struct gguf_rows base;
	const struct st_tensor **parts;
	uint64_t n_parts, part_units;
	uint64_t inner, outer, offset, step;
	uint64_t half;	       /* of a head, where rows [2][half] become [half][2]; 0: not */
	uint64_t per_row;      /* units in a row of the GGUF tensor */
	size_t unit_bytes;     /* in the source */
	const uint8_t *scales; /* MXFP4 */
	uint64_t src_cols;     /* transposed: elements of a source row */
};

/* ---- reading ---- */

static const uint8_t *unit(const struct hf_rows *r, uint64_t u)
{
	const struct st_tensor *part = r->parts[u / r->part_units];
	uint64_t q = u % r->part_units, in = q % r->inner;

	if (r->half)
		in = in % 2 * r->half + in / 2;
	return part->data + (q / r->inner * r->outer + r->offset + in * r->step) * r->unit_bytes;
}

static void read_moved(const struct gguf_rows *base, const struct gguf_tensor *t, uint64_t first,
		       uint64_t n, uint8_t *dst)
{
	const struct hf_rows *r = (const struct hf_rows *)base;
	uint64_t u = first * r->per_row, end = u + n * r->per_row;

	(void)t;
	for (; u < end; u++, dst += r->unit_bytes)
		memcpy(dst, unit(r, u), r->unit_bytes);
}

static void store_f32(uint8_t *p, float v)
{
	uint32_t u = htole32(float_bits(v));

	memcpy(p, &u, sizeof(u));
}

/* Element by element in F32; the source is in row order. */
static void read_mapped(const struct gguf_rows *base, const struct gguf_tensor *t, uint64_t first,
			uint64_t n, uint8_t *dst, float (*map)(float v))
{
	const struct hf_rows *r = (const struct hf_rows *)base;
	const struct st_tensor *s = r->parts[0];
	uint64_t at = first * (uint64_t)t->ne[0], end = at + n * (uint64_t)t->ne[0];
	float v;

	for (; at < end; at++, dst += 4) {
		ggml_dequantize_row(s->type, s->data + at * s->bytes, &v, 1);
		store_f32(dst, map(v));
	}
}

static float plus_1(float v)
{
	return v + 1.0f;
}

static float neg_exp(float v)
{
	return (float)-exp((double)v);
}

static void read_plus_1(const struct gguf_rows *r, const struct gguf_tensor *t, uint64_t first,
			uint64_t n, uint8_t *dst)
{
	read_mapped(r, t, first, n, dst, plus_1);
}

static void read_neg_exp(const struct gguf_rows *r, const struct gguf_tensor *t, uint64_t first,
			 uint64_t n, uint8_t *dst)
{
	read_mapped(r, t, first, n, dst, neg_exp);
}

/* Row u is column u % src_cols of the matrix of `inner` rows whose first is given by u / src_cols. */
static void read_transposed(const struct gguf_rows *base, const struct gguf_tensor *t,
			    uint64_t first, uint64_t n, uint8_t *dst)
{
	const struct hf_rows *r = (const struct hf_rows *)base;
	const struct st_tensor *s = r->parts[0];
	uint64_t row, i;

	(void)t;
	for (row = first; row < first + n; row++) {
		const uint8_t *p = s->data +
				   (row / r->src_cols * r->outer + r->offset) * r->unit_bytes +
				   row % r->src_cols * s->bytes;

		for (i = 0; i < r->inner; i++, dst += s->bytes, p += r->unit_bytes)
			memcpy(dst, p, s->bytes);
	}
}

/* Stored with neighbours in a byte; GGUF has the halves of a block in its nibbles. */
static void read_mxfp4(const struct gguf_rows *base, const struct gguf_tensor *t, uint64_t first,
		       uint64_t n, uint8_t *dst)
{
	const struct hf_rows *r = (const struct hf_rows *)base;
	uint64_t blocks = (uint64_t)t->ne[0] / MXFP4_BLOCK, row, b;
	int j;

	for (row = first; row < first + n; row++) {
		const uint8_t *codes = unit(r, row);
		const uint8_t *scales =
			r->scales + (uint64_t)(codes - r->parts[0]->data) / MXFP4_STORED_BYTES;

		for (b = 0; b < blocks; b++, codes += MXFP4_STORED_BYTES) {
			*dst++ = scales[b];
			for (j = 0; j < 16; j++) {
				uint8_t lo = codes[j / 2] >> 4 * (j % 2) & 15;
				uint8_t hi = codes[8 + j / 2] >> 4 * (j % 2) & 15;

				*dst++ = (uint8_t)(lo | hi << 4);
			}
		}
	}
}

/* ---- making ---- */

struct making {
	struct hf *h;
	const struct hf_rule *rule;
	const char *hf; /* the source's name */
	struct gguf_tensor t;
	struct hf_rows *rows;
};

#define refuse(m, code, fmt, ...) \
	hf_fail((m)->h, code, "tensor %.100s: " fmt, (m)->hf, ##__VA_ARGS__)

static struct gguf_tensor *append(struct hf *h, const struct gguf_tensor *t)
{
	size_t room = h->tensors_room ? 2 * h->tensors_room : 64;
	struct gguf_tensor *more;

	if (h->n_tensors == h->tensors_room) {
		more = reallocarray(h->tensors, room, sizeof(*more));
		if (!more) {
			gguf_set_error(h->err, "tensors: out of memory");
			return NULL;
		}
		h->tensors = more;
		h->tensors_room = room;
	}
	h->tensors[h->n_tensors] = *t;
	return &h->tensors[h->n_tensors++];
}

static int name_tensor(struct hf *h, struct gguf_tensor *t, const char *name)
{
	size_t n = strlen(name);
	char *copy = hf_alloc(h, n + 1);

	if (!copy)
		return -ENOMEM;
	memcpy(copy, name, n);
	t->name = (struct gguf_str){ copy, n };
	return 0;
}

/* Sizes from the shape. */
static int finish(struct making *m, const char *name)
{
	struct gguf_tensor *t = &m->t;
	uint64_t size;
	int i, rc;

	t->elements = 1;
	for (i = 0; i < GGUF_MAX_DIMS; i++) {
		if (i >= (int)t->n_dims)
			t->ne[i] = 1;
		if (__builtin_mul_overflow(t->elements, (uint64_t)t->ne[i], &t->elements) ||
		    t->elements > INT64_MAX)
			return refuse(m, -EINVAL, "the number of elements overflows");
	}
	rc = ggml_tensor_size(t->type, t->ne, &size);
	if (rc || size > SIZE_MAX)
		return refuse(m, -EINVAL, "rows of %" PRId64 " elements do not fit type %s",
			      t->ne[0], ggml_type_name(t->type));
	t->size = (size_t)size;
	t->rows = t->data ? NULL : &m->rows->base;
	rc = name_tensor(m->h, t, name);
	return rc ? rc : append(m->h, t) ? 0 : -ENOMEM;
}

int hf_add_f32(struct hf *h, const char *name, const float *values, size_t n)
{
	struct making m = { .h = h, .hf = name };
	uint8_t *data = hf_alloc(h, 4 * n);
	size_t i;

	if (!data)
		return -ENOMEM;
	for (i = 0; i < n; i++)
		store_f32(data + 4 * i, values[i]);
	m.t = (struct gguf_tensor){ .type = GGML_TYPE_F32, .n_dims = 1, .data = data };
	m.t.ne[0] = (int64_t)n;
	return finish(&m, name);
}

static int new_rows(struct making *m, const struct st_tensor **parts, size_t n)
{
	struct hf_rows *r = hf_alloc(m->h, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->base.read = read_moved;
	r->parts = parts;
	r->n_parts = n;
	m->rows = r;
	return 0;
}

static int one_part(struct making *m, const struct st_tensor *s)
{
	const struct st_tensor **parts = hf_alloc(m->h, sizeof(*parts));

	if (!parts)
		return -ENOMEM;
	parts[0] = s;
	return new_rows(m, parts, 1);
}

/* A torch shape the other way round. */
static void take_shape(struct gguf_tensor *t, const struct st_tensor *s)
{
	uint32_t i;

	t->n_dims = s->n_dims;
	for (i = 0; i < s->n_dims; i++)
		t->ne[i] = (int64_t)s->shape[s->n_dims - 1 - i];
	t->type = s->type;
}

static uint64_t units_of(const struct st_tensor *s, uint64_t unit_bytes)
{
	return s->size / unit_bytes;
}

static int permute(struct making *m, const struct st_tensor *s)
{
	const char *heads_json = m->rule->op == HF_PERMUTE_Q
					 ? "num_attention_heads"
					 : "num_key_value_heads|num_attention_heads";
	uint64_t heads, rows = s->shape[0];
	int rc = hf_need(m->h, heads_json, 1, 65535, &heads);

	if (rc)
		return rc;
	if (s->n_dims < 1 || s->n_dims > 2 || rows % heads || rows / heads % 2)
		return refuse(m, -EINVAL, "%" PRIu64 " rows are not %" PRIu64 " heads of even size",
			      s->n_dims ? rows : 0, heads);
	rc = one_part(m, s);
	if (rc)
		return rc;
	m->rows->unit_bytes = s->size / rows;
	m->rows->per_row = s->n_dims == 1 ? rows : 1;
	m->rows->part_units = rows;
	m->rows->inner = m->rows->outer = rows / heads;
	m->rows->half = rows / heads / 2;
	m->rows->step = 1;
	return 0;
}

static int split_units(struct making *m, const struct st_tensor *s, bool elements, uint64_t offset,
		       uint64_t of, uint64_t inner, uint64_t step)
{
	int rc = one_part(m, s);

	if (rc)
		return rc;
	m->rows->unit_bytes = elements ? s->bytes : s->bytes * s->shape[s->n_dims - 1];
	m->rows->per_row = elements ? (uint64_t)m->t.ne[0] : 1;
	m->rows->part_units = units_of(s, m->rows->unit_bytes) / of * inner;
	m->rows->inner = inner;
	m->rows->outer = of;
	m->rows->offset = offset;
	m->rows->step = step;
	return 0;
}

static int halves(struct making *m, const struct st_tensor *s)
{
	uint64_t rows = s->n_dims >= 2 ? s->shape[s->n_dims - 2] : 0;

	if (!rows || rows % 2)
		return refuse(m, -EINVAL, "not an even number of rows");
	m->t.ne[1] = (int64_t)(rows / 2);
	return split_units(m, s, false, m->rule->op == HF_HALF_1 ? rows / 2 : 0, rows, rows / 2, 1);
}

static int alternate(struct making *m, const struct st_tensor *s)
{
	uint64_t n = s->n_dims ? s->shape[s->n_dims - 1] : 0;

	if (!n || n % 2)
		return refuse(m, -EINVAL, "not an even number of elements");
	m->t.ne[0] = (int64_t)(n / 2);
	return split_units(m, s, true, m->rule->op == HF_ODD, n, n / 2, 2);
}

static int transpose(struct making *m, const struct st_tensor *s)
{
	int rc = one_part(m, s);

	if (rc)
		return rc;
	if (s->n_dims != 2)
		return refuse(m, -EINVAL, "%u dimensions, expected 2", s->n_dims);
	m->t.ne[0] = (int64_t)s->shape[0];
	m->t.ne[1] = (int64_t)s->shape[1];
	m->rows->base.read = read_transposed;
	m->rows->src_cols = s->shape[1];
	m->rows->unit_bytes = s->bytes * s->shape[1];
	m->rows->inner = m->rows->outer = s->shape[0];
	return 0;
}

/* [heads * (nope + v), r] to {nope, r, heads} or {r, v, heads} */
static int kv_b(struct making *m, const struct st_tensor *s)
{
	uint64_t nope, v, heads;
	int rc = hf_need(m->h, "qk_nope_head_dim", 1, 65535, &nope);

	if (!rc)
		rc = hf_need(m->h, "v_head_dim", 1, 65535, &v);
	if (!rc)
		rc = hf_need(m->h, "num_attention_heads", 1, 65535, &heads);
	if (rc)
		return rc;
	if (s->n_dims != 2 || s->shape[0] != heads * (nope + v))
		return refuse(m, -EINVAL, "not %" PRIu64 " heads of %" PRIu64 " + %" PRIu64 " rows",
			      heads, nope, v);
	m->t.n_dims = 3;
	m->t.ne[2] = (int64_t)heads;
	if (m->rule->op == HF_KV_B_V) {
		m->t.ne[0] = (int64_t)s->shape[1];
		m->t.ne[1] = (int64_t)v;
		return split_units(m, s, false, nope, nope + v, v, 1);
	}
	rc = one_part(m, s);
	if (rc)
		return rc;
	m->t.ne[0] = (int64_t)nope;
	m->t.ne[1] = (int64_t)s->shape[1];
	m->rows->base.read = read_transposed;
	m->rows->src_cols = s->shape[1];
	m->rows->unit_bytes = s->bytes * s->shape[1];
	m->rows->inner = nope;
	m->rows->outer = nope + v;
	return 0;
}

/* NAME_blocks [X, rows, blocks, 16] and NAME_scales [X, rows, blocks] */
static int mxfp4(struct making *m, struct st_tensor *s, struct st_tensor *scales)
{
	bool all = m->rule->op == HF_MXFP4;
	uint64_t rows;
	uint32_t i;
	int rc;

	for (i = 0; i < 3 && s->n_dims == 4 && scales->n_dims == 3; i++) {
		if (s->shape[i] != scales->shape[i])
			return refuse(m, -EINVAL, "the scales have another shape");
	}
	if (s->n_dims != 4 || scales->n_dims != 3 || s->shape[3] != MXFP4_STORED_BYTES ||
	    strcmp(s->dtype, "U8") || strcmp(scales->dtype, "U8"))
		return refuse(m, -EINVAL, "not U8 blocks [experts, rows, n, 16] with scales");
	rows = s->shape[1];
	if (!all && rows % 2)
		return refuse(m, -EINVAL, "not an even number of rows");
	rc = one_part(m, s);
	if (rc)
		return rc;
	if (__builtin_mul_overflow((int64_t)s->shape[2], (int64_t)MXFP4_BLOCK, &m->t.ne[0]))
		return refuse(m, -EINVAL, "the number of elements overflows");
	m->t.n_dims = 3;
	m->t.type = GGML_TYPE_MXFP4;
	m->t.ne[1] = (int64_t)(all ? rows : rows / 2);
	m->t.ne[2] = (int64_t)s->shape[0];
	m->rows->base.read = read_mxfp4;
	m->rows->scales = scales->data;
	m->rows->unit_bytes = s->shape[2] * MXFP4_STORED_BYTES;
	m->rows->per_row = 1;
	m->rows->inner = (uint64_t)m->t.ne[1];
	m->rows->outer = rows;
	m->rows->part_units = s->shape[0] * m->rows->inner;
	m->rows->offset = m->rule->op == HF_MXFP4_ODD;
	m->rows->step = all ? 1 : 2;
	return 0;
}

static int change_shape(struct making *m, const struct st_tensor *s)
{
	uint64_t groups;
	int rc;

	switch (m->rule->op) {
	case HF_CONV:
		if (s->n_dims != 3 || s->shape[1] != 1)
			return refuse(m, -EINVAL, "not a depthwise convolution [C, 1, K]");
		m->t.n_dims = 2;
		m->t.ne[1] = m->t.ne[2];
		return 0;
	case HF_TRAIL:
	case HF_NEG_EXP_1:
		if (s->n_dims != 1)
			return refuse(m, -EINVAL, "%u dimensions, expected 1", s->n_dims);
		m->t.n_dims = 2;
		m->t.ne[1] = m->t.ne[0];
		m->t.ne[0] = 1;
		return 0;
	case HF_GROUPS:
		rc = hf_need(m->h, "n_groups|mamba_n_groups|1", 1, 65535, &groups);
		if (rc)
			return rc;
		if (s->n_dims != 1 || s->shape[0] % groups)
			return refuse(m, -EINVAL, "not %" PRIu64 " groups", groups);
		m->t.n_dims = 2;
		m->t.ne[0] = (int64_t)(s->shape[0] / groups);
		m->t.ne[1] = (int64_t)groups;
		return 0;
	default:
		return 0;
	}
}

static int convert(struct making *m, struct st_tensor *s)
{
	int rc;

	take_shape(&m->t, s);
	switch (m->rule->op) {
	case HF_PERMUTE_Q:
	case HF_PERMUTE_K:
		return permute(m, s);
	case HF_HALF_0:
	case HF_HALF_1:
		return halves(m, s);
	case HF_EVEN:
	case HF_ODD:
		return alternate(m, s);
	case HF_TRANSPOSE:
		return transpose(m, s);
	case HF_KV_B_K:
	case HF_KV_B_V:
		return kv_b(m, s);
	case HF_PLUS1:
	case HF_NEG_EXP:
	case HF_NEG_EXP_1:
		rc = change_shape(m, s);
		if (!rc)
			rc = one_part(m, s);
		if (rc)
			return rc;
		m->rows->base.read = m->rule->op == HF_PLUS1 ? read_plus_1 : read_neg_exp;
		m->t.type = GGML_TYPE_F32;
		return 0;
	default:
		m->t.data = s->data;
		return change_shape(m, s);
	}
}

static int check_type(struct making *m, const struct st_tensor *s)
{
	if (s->type != ST_NO_TYPE)
		return 0;
	return refuse(m, -ENOTSUP, "dtype %s is not supported; supported: F32, F16, BF16",
		      s->dtype);
}

/* All experts of a name: one matrix below the other. */
static int stack(struct making *m, const char *gguf, const char *pattern, uint32_t layer)
{
	const struct st_tensor **parts = NULL;
	struct st_tensor *first = NULL, *s;
	char name[256];
	uint32_t e;
	int rc;

	for (e = 0; e < m->h->experts; e++) {
		const char *at = strstr(pattern, "{e}");

		snprintf(name, sizeof(name), "%s%u.%.*s%u%s", m->h->arch->prefix, layer,
			 (int)(at - pattern), pattern, e, at + 3);
		m->hf = name;
		s = st_find(&m->h->set, name);
		if (!s && !e)
			return 0;
		if (!s)
			return refuse(m, -EINVAL, "missing, expert 0 has one");
		if (!first) {
			first = s;
			parts = hf_alloc(m->h, m->h->experts * sizeof(*parts));
			if (!parts)
				return -ENOMEM;
		}
		if (s->n_dims < 1 || s->n_dims > 2 || s->n_dims != first->n_dims ||
		    s->type != first->type || memcmp(s->shape, first->shape, sizeof(s->shape)))
			return refuse(m, -EINVAL, "not the shape and type of expert 0");
		rc = check_type(m, s);
		if (rc)
			return rc;
		s->used = true;
		parts[e] = s;
	}
	if (!first)
		return 0;
	rc = new_rows(m, parts, m->h->experts);
	if (rc)
		return rc;
	take_shape(&m->t, first);
	m->t.ne[m->t.n_dims++] = m->h->experts;
	m->rows->unit_bytes = first->bytes * first->shape[first->n_dims - 1];
	m->rows->per_row = 1;
	m->rows->part_units = first->n_dims == 2 ? first->shape[0] : 1;
	m->rows->inner = m->rows->outer = m->rows->part_units;
	m->rows->step = 1;
	return finish(m, gguf);
}

static bool have_tensor(const struct hf *h, const char *name)
{
	size_t i = h->n_tensors, n = strlen(name);

	/* rules for one name follow each other: the last few suffice */
	for (; i && i + 4 > h->n_tensors; i--) {
		if (h->tensors[i - 1].name.len == n && !memcmp(h->tensors[i - 1].name.ptr, name, n))
			return true;
	}
	return false;
}

static int make_one(struct hf *h, const struct hf_rule *rule, const char *gguf, const char *hf)
{
	struct making m = { .h = h, .rule = rule, .hf = hf };
	struct st_tensor *s, *scales = NULL;
	bool mx = rule->op >= HF_MXFP4 && rule->op <= HF_MXFP4_ODD;
	char blocks[272], name[272];
	int rc;

	snprintf(blocks, sizeof(blocks), "%s%s", hf, mx ? "_blocks" : "");
	s = st_find(&h->set, blocks);
	if (!s)
		return 0;
	if (rule->op != HF_DROP && have_tensor(h, gguf))
		return 0;
	s->used = true;
	if (rule->op == HF_DROP)
		return 0;
	if (!mx) {
		rc = check_type(&m, s);
	} else {
		snprintf(name, sizeof(name), "%s_scales", hf);
		scales = st_find(&h->set, name);
		if (!scales)
			return hf_fail(h, -EINVAL, "tensor %s: missing", name);
		scales->used = true;
		rc = mxfp4(&m, s, scales);
	}
	if (!rc && !mx)
		rc = convert(&m, s);
	return rc ? rc : finish(&m, gguf);
}

static int apply_rule(struct hf *h, const struct hf_rule *rule, const char *gguf_prefix,
		      const char *hf_prefix, uint32_t layer)
{
	static const char *const suffixes[] = { ".weight", ".bias" };
	char gguf[128], hf[256];
	size_t i, n = rule->raw ? 1 : 2;
	int rc = 0;

	for (i = 0; i < n && !rc; i++) {
		const char *suffix = rule->raw ? "" : suffixes[i];

		snprintf(gguf, sizeof(gguf), "%s%s%s", gguf_prefix, rule->gguf, suffix);
		if (strstr(rule->hf, "{e}")) {
			struct making m = { .h = h, .rule = rule };

			snprintf(hf, sizeof(hf), "%s%s", rule->hf, suffix);
			rc = stack(&m, gguf, hf, layer);
		} else {
			snprintf(hf, sizeof(hf), "%s%s%s", hf_prefix, rule->hf, suffix);
			rc = make_one(h, rule, gguf, hf);
		}
	}
	return rc;
}

static int apply_rules(struct hf *h, const struct hf_rule *rule, const char *gguf_prefix,
		       const char *hf_prefix, uint32_t layer)
{
	int rc = 0;

	for (; rule && rule->gguf && !rc; rule++)
		rc = apply_rule(h, rule, gguf_prefix, hf_prefix, layer);
	return rc;
}

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && !strcmp(s + n - m, end);
}

/* Prediction layers behind the last one. */
static bool beyond_last(const struct hf *h, const char *name)
{
	size_t n = strlen(h->arch->prefix);
	char *end;

	if (strncmp(name, h->arch->prefix, n) || name[n] < '0' || name[n] > '9')
		return false;
	return strtoul(name + n, &end, 10) >= h->layers && *end == '.';
}

static int refuse_unused(struct hf *h)
{
	size_t i, k;

	for (i = 0; i < h->set.n; i++) {
		const struct st_tensor *s = &h->set.t[i];
		bool ignored = s->used;

		for (k = 0; k < hf_n_ignored; k++)
			ignored |= ends_with(s->name, hf_ignored[k]);
		if (ignored || (h->arch->flags & HF_DROP_MTP && beyond_last(h, s->name)))
			continue;
		return hf_fail(h, -ENOTSUP, "tensor %.100s: not part of a supported %s model",
			       s->name, h->arch->gguf);
	}
	return 0;
}

int hf_tensors(struct hf *h)
{
	json_t *tie = json_object_get(h->config, "tie_word_embeddings");
	char gguf[64], hf[128];
	struct st_tensor *s;
	uint32_t layer;
	int rc;

	/* A tied matrix that was stored all the same must not become another one. */
	s = st_find(&h->set, "lm_head.weight");
	if (s && (json_is_true(tie) || (!json_is_false(tie) && h->arch->flags & HF_TIED))) {
		s->used = true;
		s->name[0] = '\0'; /* no rule finds it; still the first of its kind in the order */
		rc = st_index(&h->set, h->err);
		if (rc)
			return rc;
	}
	rc = apply_rules(h, h->arch->globals, "", "", 0);
	for (layer = 0; layer < h->layers && !rc; layer++) {
		snprintf(gguf, sizeof(gguf), "blk.%u.", layer);
		snprintf(hf, sizeof(hf), "%s%u.", h->arch->prefix, layer);
		rc = apply_rules(h, h->arch->layer2, gguf, hf, layer);
		if (!rc)
			rc = apply_rules(h, h->arch->layer, gguf, hf, layer);
	}
	return rc ? rc : refuse_unused(h);
}
