// SPDX-License-Identifier: MIT
#include "compiler/frontends/hf_convert.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "compiler/quant/ggml_types.h"

#define MAX_DIM 65535

static int new_rows(struct hf_making *m, const struct st_tensor **parts, size_t n)
{
	struct hf_rows *r = hf_alloc(m->h, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->base.read = hf_read_units;
	r->parts = parts;
	r->n_parts = n;
	r->f32 = parts[0]->type == ST_NO_TYPE;
	m->rows = r;
	m->t.data = NULL;
	return 0;
}

/* Of each `outer` units of the source, `inner` from `offset` on, as they lie. */
static struct hf_run *add_run(struct hf_rows *r, uint64_t units, uint64_t inner, uint64_t outer,
			      uint64_t offset)
{
	struct hf_run *run = &r->run[r->n_runs++];

	*run = (struct hf_run){
		.units = units, .inner = inner, .outer = outer, .offset = offset, .step = 1
	};
	return run;
}

/* All of s, or of `units` of its units of `unit` elements; m->t's shape stands. */
static int one_part(struct hf_making *m, const struct st_tensor *s, uint64_t unit, uint64_t units)
{
	const struct st_tensor **parts = hf_alloc(m->h, sizeof(*parts));
	int rc;

	if (!parts)
		return -ENOMEM;
	parts[0] = s;
	rc = new_rows(m, parts, 1);
	if (rc)
		return rc;
	m->rows->unit = unit;
	m->rows->per_row = (uint64_t)m->t.ne[0] / unit;
	m->rows->part_units = units;
	return 0;
}

static uint64_t columns(const struct st_tensor *s)
{
	return s->n_dims ? s->shape[s->n_dims - 1] : 1;
}

/* Rows, or of a vector elements. */
static uint64_t unit_of(const struct st_tensor *s)
{
	return s->n_dims < 2 ? 1 : columns(s);
}

static uint64_t elements(const struct st_tensor *s)
{
	return s->size / s->bytes;
}

/* As it lies, element by element. */
static int plain(struct hf_making *m, const struct st_tensor *s)
{
	uint64_t cols = (uint64_t)m->t.ne[0], rows = elements(s) / cols;
	int rc = m->rows ? 0 : one_part(m, s, cols, rows);

	if (!rc && !m->rows->n_runs)
		add_run(m->rows, rows, rows, rows, 0);
	return rc;
}

/* A torch shape the other way round. */
static void take_shape(struct gguf_tensor *t, const struct st_tensor *s)
{
	uint32_t i;

	t->n_dims = s->n_dims;
	t->ne[0] = 1;
	for (i = 0; i < s->n_dims; i++)
		t->ne[i] = (int64_t)s->shape[s->n_dims - 1 - i];
	t->type = s->type;
}

static int need_dims(struct hf_making *m, const struct st_tensor *s, uint32_t n)
{
	return s->n_dims == n ? 0
			      : hf_refuse(m, -EINVAL, "%u dimensions, expected %u", s->n_dims, n);
}

static int permute(struct hf_making *m, const struct st_tensor *s)
{
	const char *heads_json = m->rule->op == HF_PERMUTE_Q
					 ? "num_attention_heads"
					 : "num_key_value_heads|num_attention_heads";
	uint64_t heads, rows = s->shape[0];
	int rc = hf_need(m->h, heads_json, 1, MAX_DIM, &heads);

	if (rc)
		return rc;
	if (s->n_dims < 1 || s->n_dims > 2 || rows % heads || rows / heads % 2)
		return hf_refuse(m, -EINVAL,
				 "%" PRIu64 " rows are not %" PRIu64 " heads of even size",
				 s->n_dims ? rows : 0, heads);
	rc = one_part(m, s, unit_of(s), rows);
	if (!rc)
		add_run(m->rows, rows, rows / heads, rows / heads, 0)->half = rows / heads / 2;
	return rc;
}

static int halves(struct hf_making *m, const struct st_tensor *s)
{
	uint64_t rows = s->n_dims >= 2 ? s->shape[s->n_dims - 2] : 0, all;
	int rc;

	if (!rows || rows % 2)
		return hf_refuse(m, -EINVAL, "not an even number of rows");
	m->t.ne[1] = (int64_t)(rows / 2);
	all = elements(s) / columns(s) / 2;
	rc = one_part(m, s, columns(s), all);
	if (!rc)
		add_run(m->rows, all, rows / 2, rows, m->rule->op == HF_HALF_1 ? rows / 2 : 0);
	return rc;
}

static int alternate(struct hf_making *m, const struct st_tensor *s)
{
	uint64_t n = s->n_dims ? columns(s) : 0;
	int rc;

	if (!n || n % 2)
		return hf_refuse(m, -EINVAL, "not an even number of elements");
	m->t.ne[0] = (int64_t)(n / 2);
	rc = one_part(m, s, 1, elements(s) / 2);
	if (!rc)
		add_run(m->rows, elements(s) / 2, n / 2, n, m->rule->op == HF_ODD)->step = 2;
	return rc;
}

/* Every matrix of s; `rows` of its rows from `offset` on. */
static int transposed(struct hf_making *m, const struct st_tensor *s, uint64_t rows,
		      uint64_t offset)
{
	uint64_t outer = s->shape[s->n_dims - 2], matrices = elements(s) / columns(s) / outer;
	bool turns = m->rule->op == HF_TRANSPOSE_EVEN || m->rule->op == HF_TRANSPOSE_ODD;
	bool halves = m->rule->op == HF_TRANSPOSE_HALF_0 || m->rule->op == HF_TRANSPOSE_HALF_1;
	uint64_t taken = columns(s) / (turns || halves ? 2 : 1);
	int rc;

	if ((turns || halves) && columns(s) % 2)
		return hf_refuse(m, -EINVAL, "not an even number of columns");
	m->t.ne[0] = (int64_t)rows;
	m->t.ne[1] = (int64_t)taken;
	rc = one_part(m, s, 1, matrices * taken);
	if (rc)
		return rc;
	add_run(m->rows, m->rows->part_units, rows, outer, offset);
	m->rows->base.read = hf_read_transposed;
	m->rows->src_cols = columns(s);
	m->rows->cols = taken;
	m->rows->col_first = m->rule->op == HF_TRANSPOSE_ODD ? 1 : 0;
	if (m->rule->op == HF_TRANSPOSE_HALF_1)
		m->rows->col_first = taken;
	m->rows->col_step = turns ? 2 : 1;
	return 0;
}

static int transpose(struct hf_making *m, const struct st_tensor *s)
{
	if (s->n_dims < 2 || s->n_dims > 3)
		return hf_refuse(m, -EINVAL, "%u dimensions, expected 2 or 3", s->n_dims);
	return transposed(m, s, s->shape[s->n_dims - 2], 0);
}

/* [heads * (nope + v), r] to {nope, r, heads} or {r, v, heads} */
static int kv_b(struct hf_making *m, const struct st_tensor *s)
{
	struct st_tensor heads_of;
	uint64_t nope, v, heads;
	int rc = hf_need(m->h, "qk_nope_head_dim", 1, MAX_DIM, &nope);

	if (!rc)
		rc = hf_need(m->h, "v_head_dim", 1, MAX_DIM, &v);
	if (!rc)
		rc = hf_need(m->h, "num_attention_heads", 1, MAX_DIM, &heads);
	if (rc)
		return rc;
	if (s->n_dims != 2 || s->shape[0] != heads * (nope + v))
		return hf_refuse(m, -EINVAL,
				 "not %" PRIu64 " heads of %" PRIu64 " + %" PRIu64 " rows", heads,
				 nope, v);
	m->t.n_dims = 3;
	m->t.ne[2] = (int64_t)heads;
	if (m->rule->op == HF_KV_B_V) {
		m->t.ne[1] = (int64_t)v;
		rc = one_part(m, s, columns(s), heads * v);
		if (!rc)
			add_run(m->rows, heads * v, v, nope + v, nope);
		return rc;
	}
	heads_of = *s;
	heads_of.n_dims = 3;
	heads_of.shape[0] = heads;
	heads_of.shape[1] = nope + v;
	heads_of.shape[2] = s->shape[1];
	rc = transposed(m, &heads_of, nope, 0);
	if (!rc)
		m->rows->parts[0] = s;
	return rc;
}

/* NAME_blocks [X, rows, blocks, 16] and NAME_scales [X, rows, blocks] */
int hf_convert_mxfp4(struct hf_making *m, const struct st_tensor *s, const struct st_tensor *scales)
{
	bool all = m->rule->op == HF_MXFP4;
	uint64_t rows, units;
	uint32_t i;
	int rc;

	for (i = 0; i < 3 && s->n_dims == 4 && scales->n_dims == 3; i++) {
		if (s->shape[i] != scales->shape[i])
			return hf_refuse(m, -EINVAL, "the scales have another shape");
	}
	if (s->n_dims != 4 || scales->n_dims != 3 || s->shape[3] != HF_MXFP4_STORED_BYTES ||
	    strcmp(s->dtype, "U8") || strcmp(scales->dtype, "U8"))
		return hf_refuse(m, -EINVAL, "not U8 blocks [experts, rows, n, 16] with scales");
	rows = s->shape[1];
	if (!all && rows % 2)
		return hf_refuse(m, -EINVAL, "not an even number of rows");
	if (__builtin_mul_overflow((int64_t)s->shape[2], (int64_t)HF_MXFP4_BLOCK, &m->t.ne[0]))
		return hf_refuse(m, -EINVAL, "the number of elements overflows");
	m->t.n_dims = 3;
	m->t.type = GGML_TYPE_MXFP4;
	m->t.ne[1] = (int64_t)(all ? rows : rows / 2);
	m->t.ne[2] = (int64_t)s->shape[0];
	units = s->shape[0] * (uint64_t)m->t.ne[1];
	rc = one_part(m, s, s->shape[2] * HF_MXFP4_STORED_BYTES, units);
	if (rc)
		return rc;
	add_run(m->rows, units, (uint64_t)m->t.ne[1], rows, m->rule->op == HF_MXFP4_ODD)->step =
		all ? 1 : 2;
	m->rows->f32 = false;
	m->rows->per_row = 1;
	m->rows->base.read = hf_read_mxfp4;
	m->rows->scales = scales->data;
	return 0;
}

/* ---- falcon-h1, rwkv6: numbers times numbers of the config ---- */

/* One more factor of a run; absent is 1. */
static int factor(struct hf_making *m, struct hf_run *run, const char *name, size_t len)
{
	const json_t *j = hf_get(m->h->config, name, len);
	double v = json_number_value(j);

	/* a list that is shorter, or none */
	if (!j && !hf_get(m->h->config, name, memchr(name, '.', len) ? strcspn(name, ".") : len))
		return 0;
	if (!json_is_number(j) || !(fabs(v) < 1e30))
		return hf_fail(m->h, -EINVAL, "config.json: %.*s: not a number", (int)len, name);
	run->by[run->n_by++] = (float)v;
	return 0;
}

/* "*a*b" behind the rule's name */
static int factors(struct hf_making *m, struct hf_run *run)
{
	const char *s = strchr(m->rule->hf, '*');
	int rc = 0;

	while (s && *s && !rc) {
		size_t n = strcspn(s + 1, "*");

		rc = factor(m, run, s + 1, n);
		s += 1 + n;
	}
	return rc;
}

static int scale(struct hf_making *m, const struct st_tensor *s)
{
	int rc = plain(m, s);

	if (rc)
		return rc;
	m->rows->f32 = true;
	return factors(m, m->rows->run);
}

/* falcon-h1's ssm_in: gate, x, B, C and time steps have factors of their own. */
static int scale_parts(struct hf_making *m, const struct st_tensor *s)
{
	uint64_t inner, bc, heads, n[5], at = 0;
	char name[32];
	int rc = hf_need(m->h, "mamba_d_ssm|mamba_expand*hidden_size", 1, INT32_MAX, &inner), i;

	if (!rc)
		rc = hf_need(m->h, "mamba_n_groups*mamba_d_state", 1, INT32_MAX, &bc);
	if (!rc)
		rc = hf_need(m->h, "mamba_n_heads", 1, MAX_DIM, &heads);
	if (rc)
		return rc;
	if (s->n_dims != 2 || s->shape[0] != 2 * inner + 2 * bc + heads)
		return hf_refuse(m, -EINVAL,
				 "not 2 x %" PRIu64 " + 2 x %" PRIu64 " + %" PRIu64 " rows", inner,
				 bc, heads);
	rc = one_part(m, s, columns(s), s->shape[0]);
	n[0] = n[1] = inner;
	n[2] = n[3] = bc;
	n[4] = heads;
	for (i = 0; i < 5 && !rc; i++) {
		struct hf_run *run = add_run(m->rows, n[i], n[i], n[i], at);

		at += n[i];
		snprintf(name, sizeof(name), "ssm_multipliers.%d", i);
		rc = factors(m, run);
		if (!rc)
			rc = factor(m, run, name, strlen(name));
	}
	if (!rc)
		m->rows->f32 = true;
	return rc;
}

/* rwkv6: the residual was halved so many times before this layer. */
static int rescale(struct hf_making *m, const struct st_tensor *s)
{
	int64_t every = 0;
	int rc = hf_number(m->h, "rescale_every", &every);

	if (rc && rc != -ENOENT)
		return rc;
	if (every <= 0 || m->layer < every)
		return 0;
	rc = plain(m, s);
	if (rc)
		return rc;
	m->rows->f32 = true;
	m->rows->run[0].by[0] = ldexpf(1, (int)-(m->layer / every));
	m->rows->run[0].n_by = 1;
	return 0;
}

/* ---- qwen3next, qwen35: heads of the delta net ---- */

struct delta {
	uint64_t k_heads, each, key, value; /* heads, value heads of each, their sizes */
};

static int delta_sizes(struct hf_making *m, struct delta *d)
{
	uint64_t v_heads;
	int rc = hf_need(m->h, "linear_num_key_heads", 1, MAX_DIM, &d->k_heads);

	if (!rc)
		rc = hf_need(m->h, "linear_num_value_heads", 1, MAX_DIM, &v_heads);
	if (!rc)
		rc = hf_need(m->h, "linear_key_head_dim", 1, MAX_DIM, &d->key);
	if (!rc)
		rc = hf_need(m->h, "linear_value_head_dim", 1, MAX_DIM, &d->value);
	if (rc)
		return rc;
	if (v_heads % d->k_heads)
		return hf_fail(m->h, -EINVAL,
			       "config.json: linear_num_value_heads: %" PRIu64
			       " is no multiple of linear_num_key_heads %" PRIu64,
			       v_heads, d->k_heads);
	d->each = v_heads / d->k_heads;
	return 0;
}

/* Queries, keys, values and gates of a head follow each other; out: those of all heads. */
static int delta_qkvz(struct hf_making *m, const struct st_tensor *s)
{
	struct delta d = { 0 };
	uint64_t v, head, rows;
	int rc = delta_sizes(m, &d);

	if (rc)
		return rc;
	v = d.each * d.value;
	head = 2 * d.key + 2 * v;
	if (s->n_dims != 2 || s->shape[0] != d.k_heads * head)
		return hf_refuse(m, -EINVAL, "not %" PRIu64 " heads of %" PRIu64 " rows", d.k_heads,
				 head);
	rows = d.k_heads * (m->rule->op == HF_DELTA_Z ? v : 2 * d.key + v);
	m->t.ne[1] = (int64_t)rows;
	rc = one_part(m, s, columns(s), rows);
	if (rc)
		return rc;
	if (m->rule->op == HF_DELTA_Z) {
		add_run(m->rows, rows, v, head, 2 * d.key + v);
		return 0;
	}
	add_run(m->rows, d.k_heads * d.key, d.key, head, 0);
	add_run(m->rows, d.k_heads * d.key, d.key, head, d.key);
	add_run(m->rows, d.k_heads * v, v, head, 2 * d.key);
	return 0;
}

/* Value heads by key head to those that share none of them side by side. */
static int delta_tile(struct hf_making *m, const struct st_tensor *s)
{
	struct delta d = { 0 };
	uint64_t heads, keys, inner = 1, unit = unit_of(s), units;
	struct hf_run *run;
	int rc = delta_sizes(m, &d);

	if (rc)
		return rc;
	heads = d.k_heads * d.each;
	keys = m->rule->op == HF_TILE_QKV || m->rule->op == HF_TILE_CONV ? 2 * d.k_heads * d.key
									 : 0;
	if (m->rule->op == HF_TILE_COLUMNS)
		unit = d.value;
	else if (m->rule->op != HF_TILE && m->rule->op != HF_TILE_NEG_EXP)
		inner = d.value;
	if (!s->n_dims || (m->rule->op == HF_TILE_COLUMNS ? columns(s) : s->shape[0]) !=
				  keys + heads * (m->rule->op == HF_TILE_COLUMNS ? unit : inner))
		return hf_refuse(m, -EINVAL, "not %" PRIu64 " value heads", heads);
	if (m->rule->op == HF_TILE_CONV) {
		rc = need_dims(m, s, 3);
		if (!rc && s->shape[1] != 1)
			rc = hf_refuse(m, -EINVAL, "not a depthwise convolution [C, 1, K]");
		if (rc)
			return rc;
		m->t.n_dims = 2;
		m->t.ne[1] = m->t.ne[2];
	} else if (s->n_dims > 2) {
		return hf_refuse(m, -EINVAL, "%u dimensions, expected 1 or 2", s->n_dims);
	}
	units = elements(s) / unit;
	rc = one_part(m, s, unit, units);
	if (rc)
		return rc;
	if (keys)
		add_run(m->rows, keys, keys, keys, 0);
	run = add_run(m->rows, units - keys, inner, inner, keys);
	run->groups = d.k_heads;
	run->each = d.each;
	if (m->rule->op == HF_TILE_NEG_EXP) {
		m->rows->map = HF_MAP_NEG_EXP;
		m->rows->f32 = true;
	}
	return 0;
}

/* ---- shapes ---- */

static int change_shape(struct hf_making *m, const struct st_tensor *s)
{
	uint64_t groups;
	int rc;

	switch (m->rule->op) {
	case HF_CONV:
		if (s->n_dims != 3 || s->shape[1] != 1)
			return hf_refuse(m, -EINVAL, "not a depthwise convolution [C, 1, K]");
		m->t.n_dims = 2;
		m->t.ne[1] = m->t.ne[2];
		return 0;
	case HF_TRAIL:
	case HF_NEG_EXP_1:
		rc = need_dims(m, s, 1);
		m->t.n_dims = 2;
		m->t.ne[1] = m->t.ne[0];
		m->t.ne[0] = 1;
		return rc;
	case HF_FLAT:
		m->t.n_dims = 1;
		m->t.ne[0] = (int64_t)elements(s);
		return 0;
	case HF_GROUPS:
		rc = hf_need(m->h, "n_groups|mamba_n_groups|1", 1, MAX_DIM, &groups);
		if (rc)
			return rc;
		if (s->n_dims != 1 || s->shape[0] % groups)
			return hf_refuse(m, -EINVAL, "not %" PRIu64 " groups", groups);
		m->t.n_dims = 2;
		m->t.ne[0] = (int64_t)(s->shape[0] / groups);
		m->t.ne[1] = (int64_t)groups;
		return 0;
	default:
		return 0;
	}
}

static int mapped(struct hf_making *m, const struct st_tensor *s)
{
	int rc = change_shape(m, s);

	if (!rc)
		rc = plain(m, s);
	if (rc)
		return rc;
	m->rows->map = m->rule->op == HF_PLUS1 ? HF_MAP_PLUS1 : HF_MAP_NEG_EXP;
	m->rows->f32 = true;
	return 0;
}

static int apply_op(struct hf_making *m, const struct st_tensor *s)
{
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
	case HF_TRANSPOSE_EVEN:
	case HF_TRANSPOSE_ODD:
	case HF_TRANSPOSE_HALF_0:
	case HF_TRANSPOSE_HALF_1:
		return transpose(m, s);
	case HF_KV_B_K:
	case HF_KV_B_V:
		return kv_b(m, s);
	case HF_PLUS1:
	case HF_NEG_EXP:
	case HF_NEG_EXP_1:
		return mapped(m, s);
	case HF_SCALE:
	case HF_SCALE_TIED:
		return scale(m, s);
	case HF_SCALE_PARTS:
		return scale_parts(m, s);
	case HF_RESCALE:
		return rescale(m, s);
	case HF_DELTA_QKV:
	case HF_DELTA_Z:
		return delta_qkvz(m, s);
	case HF_TILE:
	case HF_TILE_NEG_EXP:
	case HF_TILE_ROWS:
	case HF_TILE_QKV:
	case HF_TILE_CONV:
	case HF_TILE_COLUMNS:
		return delta_tile(m, s);
	default:
		return change_shape(m, s);
	}
}

int hf_convert(struct hf_making *m, const struct st_tensor *s)
{
	int rc;

	take_shape(&m->t, s);
	m->t.data = s->data;
	rc = apply_op(m, s);
	if (!rc && !m->rows && s->type == ST_NO_TYPE)
		rc = plain(m, s);
	if (!rc && m->rows && m->rows->f32)
		m->t.type = GGML_TYPE_F32;
	return rc;
}

int hf_check_type(struct hf_making *m, const struct st_tensor *s)
{
	if (s->type != ST_NO_TYPE || s->code != ST_NONE)
		return 0;
	return hf_refuse(m, -ENOTSUP,
			 "dtype %s is not supported; supported: F32, F16, BF16, F8_E4M3, F8_E5M2",
			 s->dtype);
}

int hf_convert_stack(struct hf_making *m, const struct st_tensor **parts, uint32_t n, bool flat)
{
	uint64_t rows;
	int rc;

	take_shape(&m->t, parts[0]);
	if (flat) {
		m->t.n_dims = 1;
		m->t.ne[0] = (int64_t)elements(parts[0]);
	}
	m->t.ne[m->t.n_dims++] = n;
	rc = new_rows(m, parts, n);
	if (rc)
		return rc;
	if (m->rows->f32)
		m->t.type = GGML_TYPE_F32;
	rows = elements(parts[0]) / (uint64_t)m->t.ne[0];
	m->rows->unit = (uint64_t)m->t.ne[0];
	m->rows->per_row = 1;
	m->rows->part_units = rows;
	add_run(m->rows, rows, rows, rows, 0);
	return 0;
}
