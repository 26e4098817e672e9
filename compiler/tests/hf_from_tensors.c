// SPDX-License-Identifier: MIT
/* Tensors of a GGUF model as PyTorch has them: conversions undone by plain index arithmetic. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/quant/ggml_types.h"
#include "compiler/tests/hf_from_gguf.h"

#define MXFP4_BYTES 17 /* scale, 16 bytes of codes for 32 elements */

/* A tensor's elements, in GGUF's order, of a type that safetensors have. */
struct values {
	const char *dtype;
	size_t elem;
	uint64_t n, ne[4];
	uint8_t *p;
};

/* Where things are written: the torch tensor's name without suffix, and the suffix. */
struct target {
	struct hf_from *c;
	const struct hf_name *name;
	char prefix[64];
	const char *suffix;
	int layer;
};

static struct values load(const struct gguf_tensor *t)
{
	struct values v = { "F32", 4, t->elements, { 0 }, NULL };
	int i;

	for (i = 0; i < 4; i++)
		v.ne[i] = (uint64_t)t->ne[i];
	if (t->type == GGML_TYPE_BF16 || t->type == GGML_TYPE_F16) {
		v.dtype = t->type == GGML_TYPE_BF16 ? "BF16" : "F16";
		v.elem = 2;
	}
	v.p = hf_must(malloc(v.n * v.elem));
	if (v.elem == 2 || t->type == GGML_TYPE_F32)
		memcpy(v.p, t->data, v.n * v.elem);
	else if (ggml_dequantize_row(t->type, t->data, (float *)v.p, (int64_t)v.n))
		abort();
	return v;
}

static struct values sibling(const struct target *o, const char *gguf)
{
	char name[96];

	snprintf(name, sizeof(name), "blk.%d.%s", o->layer, gguf);
	return load(hf_must((void *)gguf_find_tensor(o->c->f, name)));
}

static void emit(const struct target *o, const char *hf, const char *suffix, const char *dtype,
		 const uint64_t *shape, const void *p, size_t bytes)
{
	char name[192];

	snprintf(name, sizeof(name), "%s%.*s%s", o->prefix, (int)strcspn(hf, "*"), hf, suffix);
	hf_tensor(o->c->d, name, dtype, shape, p, bytes);
	json_object_set_new(o->c->map, name, json_string(o->c->file));
}

/* Element i of the result is number from[i] of v. */
static void emit_from(const struct target *o, const struct values *v, const uint64_t *shape,
		      const uint64_t *from)
{
	uint8_t *p = hf_must(malloc(v->n * v->elem));
	uint64_t i;

	for (i = 0; i < v->n; i++)
		memcpy(p + i * v->elem, v->p + from[i] * v->elem, v->elem);
	emit(o, o->name->hf, o->suffix, v->dtype, shape, p, v->n * v->elem);
	free(p);
}

/* Row r of the result is row from[r] of v. */
static void emit_rows(const struct target *o, const struct values *v, const uint64_t *shape,
		      uint64_t cols, const uint64_t *from)
{
	uint64_t *each = hf_must(malloc(v->n * sizeof(*each))), i;

	for (i = 0; i < v->n; i++)
		each[i] = from[i / cols] * cols + i % cols;
	emit_from(o, v, shape, each);
	free(each);
}

static void as_it_is(const struct target *o, const struct values *v)
{
	uint64_t shape[5] = { 0 };
	int i, n = 4;

	while (n > 1 && v->ne[n - 1] == 1)
		n--;
	for (i = 0; i < n; i++)
		shape[i] = v->ne[n - 1 - i];
	emit(o, o->name->hf, o->suffix, v->dtype, shape, v->p, v->n * v->elem);
}

static void with_shape(const struct target *o, const struct values *v, uint64_t a, uint64_t b,
		       uint64_t c)
{
	uint64_t shape[4] = { a, b, c, 0 };

	emit(o, o->name->hf, o->suffix, v->dtype, shape, v->p, v->n * v->elem);
}

static void each_value(struct values *v, float (*fn)(float))
{
	float *f = (float *)v->p;
	uint64_t i;

	if (v->elem != 4)
		abort();
	for (i = 0; i < v->n; i++)
		f[i] = fn(f[i]);
}

static float less_1(float v)
{
	return v - 1.0f;
}

static float log_of_minus(float v)
{
	return (float)log(-(double)v);
}

/* Rows [pairs][2] of a head become [2][pairs]. */
static void unpermuted(const struct target *o, const struct values *v, uint32_t heads)
{
	uint64_t rows = v->ne[1] > 1 ? v->ne[1] : v->ne[0], cols = v->n / rows, d = rows / heads, r;
	uint64_t *from = hf_must(malloc(rows * sizeof(*from)));
	uint64_t shape[3] = { rows, cols == 1 && v->ne[1] == 1 ? 0 : cols, 0 };

	for (r = 0; r < rows; r++)
		from[r] = r / d * d + r % (d / 2) * 2 + r % d / (d / 2);
	emit_rows(o, v, shape, cols, from);
	free(from);
}

/* `parts` matrices, rows and columns changed over. */
static void transposed(const struct target *o, const struct values *v, uint64_t parts)
{
	uint64_t cols = v->ne[1] / parts, rows = v->ne[0], i;
	uint64_t *from = hf_must(malloc(v->n * sizeof(*from)));
	uint64_t two[3] = { rows, cols, 0 }, three[4] = { parts, rows, cols, 0 };

	for (i = 0; i < v->n; i++) {
		uint64_t part = i / (rows * cols), row = i / cols % rows, col = i % cols;

		from[i] = (part * cols + col) * rows + row;
	}
	emit_from(o, v, parts > 1 ? three : two, from);
	free(from);
}

static void stacked(const struct target *o, const struct values *v, bool letters)
{
	const char *at = strchr(o->name->hf, '{'), *end = strchr(at, '}');
	uint64_t count = letters ? v->ne[1] : v->ne[2], bytes = v->n / count * v->elem, i;
	uint64_t matrix[3] = { v->ne[1], v->ne[0], 0 }, row[4] = { 1, 1, v->ne[0], 0 };
	char name[160], which[24];

	for (i = 0; i < count; i++) {
		snprintf(which, sizeof(which), "%llu", (unsigned long long)i);
		if (letters)
			snprintf(which, sizeof(which), "%c", at[1 + i]);
		snprintf(name, sizeof(name), "%.*s%s%s", (int)(at - o->name->hf), o->name->hf,
			 which, end + 1);
		emit(o, name, o->suffix, v->dtype, letters ? row : matrix, v->p + i * bytes, bytes);
	}
}

/* gate's matrices and up's, by rows: blocks of `block` rows in turn */
static void merged(const struct target *o, const struct values *a, const struct values *b,
		   uint64_t block, const uint64_t *shape)
{
	uint64_t cols = a->ne[0], bytes = block * cols * a->elem, i, blocks = a->n / cols / block;
	uint8_t *p = hf_must(malloc(2 * a->n * a->elem));

	for (i = 0; i < blocks; i++) {
		memcpy(p + 2 * i * bytes, a->p + i * bytes, bytes);
		memcpy(p + (2 * i + 1) * bytes, b->p + i * bytes, bytes);
	}
	emit(o, o->name->hf, o->suffix, a->dtype, shape, p, 2 * a->n * a->elem);
	free(p);
}

/* The name of gate's sibling. */
static const char *up_of(const struct target *o, char buf[64])
{
	snprintf(buf, 64, "ffn_up%s%s", strlen(o->name->gguf) > 8 ? o->name->gguf + 8 : "",
		 o->suffix);
	return buf;
}

static void with_up(const struct target *o, const struct values *v)
{
	char up[64];
	struct values b = sibling(o, up_of(o, up));
	uint64_t three[4] = { v->ne[2], 2 * v->ne[1], v->ne[0], 0 };

	merged(o, v, &b, v->ne[1], v->ne[2] > 1 ? three : three + 1);
	free(b.p);
}

/* {n, X} of gate and up to [X, 2n], element by element in turn */
static void in_turn(const struct target *o, const struct values *v)
{
	char up[64];
	struct values b = sibling(o, up_of(o, up)), a = *v;
	uint64_t shape[3] = { v->ne[1], 2 * v->ne[0], 0 };

	a.ne[0] = 1;
	merged(o, &a, &b, 1, shape);
	free(b.p);
}

static void kv_b(const struct target *o, const struct values *k)
{
	struct values v = sibling(o, "attn_v_b.weight");
	uint64_t nope = k->ne[0], r = k->ne[1], heads = k->ne[2], d = v.ne[1], h, i, j;
	uint64_t shape[3] = { heads * (nope + d), r, 0 };
	uint8_t *p = hf_must(malloc(k->n * k->elem + v.n * v.elem)), *at = p;

	for (h = 0; h < heads; h++) {
		for (i = 0; i < nope; i++) {
			for (j = 0; j < r; j++, at += k->elem)
				memcpy(at, k->p + ((h * r + j) * nope + i) * k->elem, k->elem);
		}
		memcpy(at, v.p + h * d * r * v.elem, d * r * v.elem);
		at += d * r * v.elem;
	}
	emit(o, o->name->hf, o->suffix, k->dtype, shape, p, (size_t)(at - p));
	free(p);
	free(v.p);
}

static void qkvz(const struct target *o, const struct values *v)
{
	const struct hf_from *c = o->c;
	struct values z = sibling(o, "attn_gate.weight");
	uint64_t each = c->v_heads / c->k_heads * c->value, row = v->ne[0] * v->elem, h;
	uint64_t shape[3] = { c->k_heads * 2 * (c->key + each), v->ne[0], 0 };
	uint8_t *p = hf_must(malloc(shape[0] * row)), *at = p;

	for (h = 0; h < c->k_heads; h++) {
		memcpy(at, v->p + h * c->key * row, c->key * row);
		at += c->key * row;
		memcpy(at, v->p + (c->k_heads + h) * c->key * row, c->key * row);
		at += c->key * row;
		memcpy(at, v->p + (2 * c->k_heads * c->key + h * each) * row, each * row);
		at += each * row;
		memcpy(at, z.p + h * each * row, each * row);
		at += each * row;
	}
	emit(o, o->name->hf, o->suffix, v->dtype, shape, p, shape[0] * row);
	free(p);
	free(z.p);
}

/* Behind `keys` rows, value heads of `size` rows: GGUF has head i of all groups, then i + 1. */
static void untiled(const struct target *o, const struct values *v, uint64_t keys, uint64_t size,
		    bool columns)
{
	const struct hf_from *c = o->c;
	uint64_t each = c->v_heads / c->k_heads;
	bool vector = v->ne[1] == 1;
	uint64_t rows = vector || columns ? v->ne[0] : v->ne[1], cols = v->n / rows, r;
	uint64_t shape[4] = { rows, vector ? 0 : cols, 0, 0 }, *at;
	uint64_t *from = hf_must(malloc((v->n + rows) * sizeof(*from)));

	for (r = 0; r < rows; r++) {
		uint64_t head = r < keys ? 0 : (r - keys) / size, group = head / each;

		from[r] = r < keys ? r
				   : keys + (head % each * c->k_heads + group) * size +
					     (r - keys) % size;
	}
	if (columns) {
		shape[0] = cols;
		shape[1] = rows;
		at = from + rows;
		for (r = 0; r < v->n; r++)
			at[r] = r / rows * rows + from[r % rows];
		emit_from(o, v, shape, at);
	} else {
		if (o->name->undo == UNTILED_CONV) {
			shape[1] = 1;
			shape[2] = cols;
		}
		emit_rows(o, v, shape, cols, from);
	}
	free(from);
}

/* GGUF's blocks, one tensor's or two tensors' rows in turn, to codes and scales. */
static void blocks(const struct target *o, const struct gguf_tensor *a, const struct gguf_tensor *b)
{
	uint64_t n = (uint64_t)a->ne[0] / 32, rows = a->elements / (uint64_t)a->ne[0], r, k,
		 out = 0;
	uint64_t per = b ? 2 : 1, experts = (uint64_t)a->ne[2];
	uint64_t shape[5] = { experts, per * rows / experts, n, 16, 0 };
	uint64_t short_shape[4] = { shape[0], shape[1], n, 0 };
	uint8_t *codes = hf_must(calloc(per * rows * n, 16)),
		*scales = hf_must(malloc(per * rows * n));
	int j;

	for (r = 0; r < per * rows; r++) {
		const uint8_t *p = (r % per ? b : a)->data + r / per * n * MXFP4_BYTES;

		for (k = 0; k < n; k++, p += MXFP4_BYTES, out++) {
			scales[out] = p[0];
			for (j = 0; j < 32; j++) {
				uint8_t code = j < 16 ? p[1 + j] & 15 : p[1 + j - 16] >> 4;

				codes[16 * out + (uint64_t)j / 2] |= (uint8_t)(code << 4 * (j % 2));
			}
		}
	}
	emit(o, o->name->hf, "_blocks", "U8", shape, codes, 16 * out);
	emit(o, o->name->hf, "_scales", "U8", short_shape, scales, out);
	free(codes);
	free(scales);
}

/* A number of the config, with ".1" for an element of a list. */
static double number(const struct hf_from *c, const char *name, size_t n)
{
	char buf[64], *dot;
	json_t *j;

	snprintf(buf, sizeof(buf), "%.*s", (int)n, name);
	dot = strchr(buf, '.');
	if (dot)
		*dot = '\0';
	j = hf_must(json_object_get(c->config, buf));
	if (dot)
		j = hf_must(json_array_get(j, (size_t)atoi(dot + 1)));
	return json_number_value(j);
}

/* By powers of two, which is exact. */
static void divided(const struct target *o, struct values *v, bool parts)
{
	const struct hf_from *c = o->c;
	const char *s = strchr(o->name->hf, '*');
	uint64_t i, cols = v->ne[0], at[5];
	double by = 1;
	uint32_t k;

	if (v->elem != 4)
		abort();
	while (*s) {
		size_t n = strcspn(s + 1, "*");

		by *= number(c, s + 1, n);
		s += 1 + n;
	}
	at[0] = (uint64_t)number(c, "mamba_d_ssm", 11);
	at[1] = 2 * at[0];
	at[2] = at[1] +
		(uint64_t)(number(c, "mamba_n_groups", 14) * number(c, "mamba_d_state", 13));
	at[3] = 2 * at[2] - at[1];
	at[4] = UINT64_MAX;
	for (i = 0; i < v->n; i++) {
		char name[32];

		for (k = 0; parts && i / cols >= at[k]; k++)
			;
		snprintf(name, sizeof(name), "ssm_multipliers.%u", k);
		((float *)v->p)[i] /= (float)(by * (parts ? number(c, name, strlen(name)) : 1));
	}
	as_it_is(o, v);
}

static void scaled_back(const struct target *o, struct values *v)
{
	double every = number(o->c, "rescale_every", 13);
	uint64_t i;

	for (i = 0; v->elem == 4 && i < v->n; i++)
		((float *)v->p)[i] *= every > 0 ? exp2f((float)(o->layer / (int)every)) : 1;
	as_it_is(o, v);
}

static void write_values(const struct target *o, struct values *v)
{
	const struct hf_from *c = o->c;

	switch (o->name->undo) {
	case ROWS_Q:
	case ROWS_K:
		unpermuted(o, v, o->name->undo == ROWS_Q ? c->heads : c->kv_heads);
		break;
	case MINUS_1:
		each_value(v, less_1);
		as_it_is(o, v);
		break;
	case LOG_OF_MINUS:
		each_value(v, log_of_minus);
		with_shape(o, v, v->ne[1] > 1 ? v->ne[1] : v->ne[0],
			   v->ne[0] > 1 && v->ne[1] > 1 ? v->ne[0] : 0, 0);
		break;
	case SQUEEZE:
	case FLAT:
		with_shape(o, v, v->n, 0, 0);
		break;
	case DEPTHWISE:
		with_shape(o, v, v->ne[1], 1, v->ne[0]);
		break;
	case LEADING:
		with_shape(o, v, 1, 1, v->n);
		break;
	case PER_EXPERT:
	case PER_LETTER:
		stacked(o, v, o->name->undo == PER_LETTER);
		break;
	case TRANSPOSED:
	case TRANSPOSED_5:
		transposed(o, v, o->name->undo == TRANSPOSED_5 ? 5 : 1);
		break;
	case WITH_UP:
		with_up(o, v);
		break;
	case KV_B:
		kv_b(o, v);
		break;
	case QKVZ:
		qkvz(o, v);
		break;
	case UNTILED_LOG:
		each_value(v, log_of_minus);
		untiled(o, v, 0, 1, false);
		break;
	case UNTILED:
	case UNTILED_ROWS:
		untiled(o, v, 0, o->name->undo == UNTILED ? 1 : c->value, false);
		break;
	case UNTILED_QKV:
	case UNTILED_CONV:
		untiled(o, v, 2 * c->k_heads * c->key, c->value, false);
		break;
	case UNTILED_COLUMNS:
		untiled(o, v, 0, c->value, true);
		break;
	case IN_TURN:
		in_turn(o, v);
		break;
	case DIVIDED:
	case DIVIDED_PARTS:
		divided(o, v, o->name->undo == DIVIDED_PARTS);
		break;
	case SCALED_BACK:
		scaled_back(o, v);
		break;
	default:
		as_it_is(o, v);
	}
}

static bool part_of_another(enum hf_undo undo)
{
	return undo == IS_UP || undo == IS_V_B || undo == IS_Z;
}

const struct hf_name *hf_name_of(const struct hf_class *class, const char *gguf, int *layer,
				 const char **suffix)
{
	const struct hf_name *n;
	const char *base = gguf;
	int skip = 0;

	*layer = -1;
	if (sscanf(gguf, "blk.%d.%n", layer, &skip) == 1)
		base = gguf + skip;
	for (n = class->names; n->gguf; n++) {
		size_t len = strlen(n->gguf);

		*suffix = base + len;
		if (!strncmp(base, n->gguf, len) &&
		    (!**suffix || !strcmp(*suffix, ".weight") || !strcmp(*suffix, ".bias")))
			return n;
	}
	return NULL;
}

void hf_write_tensor(struct hf_from *c, const struct gguf_tensor *t)
{
	struct target o = { .c = c };
	char name[64] = "";
	struct values v;

	memcpy(name, t->name.ptr, t->name.len);
	if (!strncmp(name, "rope_factors_", 13))
		return; /* in config.json */
	o.name = hf_name_of(c->class, name, &o.layer, &o.suffix);
	if (!o.name) {
		fprintf(stderr, "%s: %s has no name\n", c->arch, name);
		abort();
	}
	if (part_of_another(o.name->undo))
		return;
	if (o.layer >= 0)
		snprintf(o.prefix, sizeof(o.prefix), "%s%d.", c->class->prefix, o.layer);
	if (o.name->undo == BLOCKS || o.name->undo == BLOCKS_UP) {
		char up[96];

		snprintf(up, sizeof(up), "blk.%d.ffn_up_exps.weight", o.layer);
		blocks(&o, t, o.name->undo == BLOCKS ? NULL : gguf_find_tensor(c->f, up));
		return;
	}
	v = load(t);
	write_values(&o, &v);
	free(v.p);
}
