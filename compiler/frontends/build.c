// SPDX-License-Identifier: MIT
/* Pieces that the architectures' graphs are put together from; see build.h. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "compiler/frontends/build.h"
#include "compiler/quant/ggml_types.h"

static int bad_shape(struct fe_net *n, const char *name, const struct gguf_tensor *g, uint64_t cols,
		     uint64_t rows, uint64_t count)
{
	if (count == 1 && g->ne[2] == 1 && g->ne[3] == 1)
		return diag_set(&n->m->diag, -EINVAL,
				"tensor %s: shape %" PRId64 " x %" PRId64 ", expected %" PRIu64
				" x %" PRIu64,
				name, g->ne[0], g->ne[1], cols, rows);
	return diag_set(&n->m->diag, -EINVAL,
			"tensor %s: shape %" PRId64 " x %" PRId64 " x %" PRId64 " x %" PRId64
			", expected %" PRIu64 " x %" PRIu64 " x %" PRIu64,
			name, g->ne[0], g->ne[1], g->ne[2], g->ne[3], cols, rows, count);
}

/* Tensors of a file stand in one array. */
static void mark_used(struct fe_net *n, const struct gguf_tensor *g)
{
	n->used[g - gguf_tensor(n->f, 0)] = 1;
}

int fe_tensor(struct fe_net *n, const char *name, bool required, uint64_t cols, uint64_t rows,
	      struct ir_tensor **out)
{
	return fe_tensor3(n, name, required, cols, rows, 1, out);
}

int fe_tensor3(struct fe_net *n, const char *name, bool required, uint64_t cols, uint64_t rows,
	       uint64_t count, struct ir_tensor **out)
{
	const struct gguf_tensor *g = gguf_find_tensor(n->f, name);
	struct ir_tensor *t;

	*out = NULL;
	if (n->m->diag.err)
		return n->m->diag.err;
	if (!g) {
		if (!required)
			return 0;
		return diag_set(&n->m->diag, -EINVAL, "tensor %s: missing", name);
	}
	mark_used(n, g);
	if ((uint64_t)g->ne[0] != cols || (uint64_t)g->ne[1] != rows ||
	    (uint64_t)g->ne[2] != count || g->ne[3] != 1)
		return bad_shape(n, name, g, cols, rows, count);
	t = ir_tensor_new(n->m, name, strlen(name));
	if (!t)
		return n->m->diag.err;
	t->src_type = g->type;
	t->rows = rows * count;
	t->cols = cols;
	t->data = g->data;
	t->source = g;
	t->size = g->size;
	*out = t;
	return 0;
}

struct ir_tensor *fe_layer_tensor(struct fe_net *n, uint32_t layer, const char *name, bool required,
				  uint64_t cols, uint64_t rows)
{
	struct ir_tensor *t;
	char buf[96];

	snprintf(buf, sizeof(buf), "blk.%u.%s", layer, name);
	fe_tensor(n, buf, required, cols, rows, &t);
	return t;
}

static const struct fe_optional *optional(struct fe_net *n, uint32_t layer, const char *name,
					  bool there)
{
	const struct fe_optional *o;
	struct fe_optional *first;

	for (o = n->optional; o; o = o->next) {
		if (!strcmp(o->name, name))
			return o;
	}
	first = arena_alloc(&n->m->arena, sizeof(*first));
	if (first)
		first->name = arena_strndup(&n->m->arena, name, strlen(name));
	if (!first || !first->name) {
		diag_nomem(&n->m->diag);
		return NULL;
	}
	first->next = n->optional;
	first->layer = layer;
	first->there = there;
	n->optional = first;
	return first;
}

struct ir_tensor *fe_layer_optional(struct fe_net *n, uint32_t layer, const char *name,
				    uint64_t cols)
{
	struct ir_tensor *t = fe_layer_tensor(n, layer, name, false, cols, 1);
	const struct fe_optional *o;
	char buf[96];

	if (n->m->diag.err)
		return NULL;
	o = optional(n, layer, name, t);
	if (!o || o->there == !!t)
		return t;
	snprintf(buf, sizeof(buf), "blk.%u.%s", t ? o->layer : layer, name);
	diag_set(&n->m->diag, -EINVAL, "tensor %s: missing, blk.%u has it", buf,
		 t ? layer : o->layer);
	return NULL;
}

struct ir_tensor *fe_layer_bias(struct fe_net *n, uint32_t layer, const char *name,
				enum fe_bias bias, uint64_t cols)
{
	char buf[80];

	snprintf(buf, sizeof(buf), "%s.bias", name);
	switch (bias) {
	case FE_NO_BIAS:
		return NULL;
	case FE_MAY_BIAS:
		return fe_layer_optional(n, layer, buf, cols);
	case FE_BIAS:
		return fe_layer_tensor(n, layer, buf, true, cols, 1);
	}
	return NULL;
}

/* Some of a tensor's rows as a tensor of its own; index: of such parts. */
static struct ir_tensor *part_of(struct fe_net *n, const struct gguf_tensor *g, uint64_t cols,
				 uint64_t first, uint64_t rows, uint32_t index)
{
	uint64_t bytes = g->size / (g->elements / cols);
	char buf[96];
	struct ir_tensor *t;

	snprintf(buf, sizeof(buf), "%.*s[%u]", (int)g->name.len, g->name.ptr, index);
	t = ir_tensor_new(n->m, buf, strlen(buf));
	if (!t)
		return NULL;
	t->src_type = g->type;
	t->rows = rows;
	t->cols = cols;
	t->size = bytes * rows;
	t->data = g->data ? g->data + bytes * first : NULL;
	t->source = g;
	t->source_row = first;
	return t;
}

const struct gguf_tensor *fe_layer_source(struct fe_net *n, uint32_t layer, const char *name,
					  uint64_t cols, uint64_t rows)
{
	const struct gguf_tensor *g;
	char buf[96];

	snprintf(buf, sizeof(buf), "blk.%u.%s", layer, name);
	g = gguf_find_tensor(n->f, buf);
	if (!g) {
		diag_set(&n->m->diag, -EINVAL, "tensor %s: missing", buf);
		return NULL;
	}
	mark_used(n, g);
	if ((uint64_t)g->ne[0] == cols && g->elements / cols == rows && g->elements % cols == 0)
		return g;
	diag_set(&n->m->diag, -EINVAL,
		 "tensor %s: %" PRId64 " x %" PRIu64 " values, expected %" PRIu64 " x %" PRIu64,
		 buf, g->ne[0], g->elements / (uint64_t)g->ne[0], cols, rows);
	return NULL;
}

struct ir_tensor *fe_layer_part(struct fe_net *n, uint32_t layer, const char *name, uint64_t cols,
				uint64_t all, uint64_t first, uint64_t rows, uint32_t index)
{
	const struct gguf_tensor *g = fe_layer_source(n, layer, name, cols, all);

	if (!g)
		return NULL;
	if ((uint64_t)g->ne[1] != all) {
		diag_set(&n->m->diag, -EINVAL,
			 "tensor blk.%u.%s: %" PRId64 " rows, expected %" PRIu64, layer, name,
			 g->ne[1], all);
		return NULL;
	}
	return part_of(n, g, cols, first, rows, index);
}

int fe_layer_rows(struct fe_net *n, uint32_t layer, const char *name, uint32_t cols, uint32_t rows,
		  struct ir_const **out)
{
	const struct gguf_tensor *g = fe_layer_source(n, layer, name, cols, rows);
	uint32_t i;

	for (i = 0; g && i < rows; i++) {
		struct ir_tensor *t = part_of(n, g, cols, i, 1, i);

		out[i] = t ? ir_const_tensor(n->m, t) : NULL;
		if (!out[i])
			break;
	}
	return n->m->diag.err;
}

int fe_layer_mats(struct fe_net *n, uint32_t layer, const char *name, uint32_t cols, uint32_t rows,
		  uint32_t parts, struct ir_tensor **out)
{
	const struct gguf_tensor *g = fe_layer_source(n, layer, name, cols, (uint64_t)rows * parts);
	uint32_t i;

	for (i = 0; g && i < parts; i++) {
		out[i] = part_of(n, g, cols, (uint64_t)rows * i, rows, i);
		if (!out[i])
			break;
	}
	return n->m->diag.err;
}

const char *fe_layer_name(struct fe_net *n, uint32_t layer, const char *what)
{
	const char *s = arena_printf(&n->m->arena, "layer.%u/%s", layer, what);

	return s ? s : "";
}

struct ir_op *fe_rmsnorm(struct fe_net *n, struct ir_op *x, struct ir_tensor *w, uint32_t seg,
			 uint32_t copies, const char *name)
{
	struct ir_op *op = ir_op_new(n->m, IR_RMSNORM, name, 1, &x, 0);

	if (!op || !w)
		return NULL;
	op->konst = ir_const_tensor(n->m, w);
	if (!op->konst)
		return NULL;
	op->konst->pieces[0].repeat = copies;
	op->konst->n *= copies;
	op->width = x->width;
	op->seg = seg;
	op->eps = n->eps;
	return op;
}

struct ir_op *fe_norm_rows(struct fe_net *n, uint32_t layer, struct ir_op *x, uint32_t seg,
			   const char *name)
{
	char buf[64];

	if (!x)
		return NULL;
	snprintf(buf, sizeof(buf), "%s.weight", name);
	return fe_rmsnorm(n, x, fe_layer_tensor(n, layer, buf, true, seg, 1), seg, x->width / seg,
			  fe_layer_name(n, layer, name));
}

/* With the mean gone, the variance is the mean square. */
struct ir_op *fe_norm(struct fe_net *n, struct ir_op *x, const char *tensor, const char *name)
{
	struct ir_tensor *w, *b = NULL;
	char buf[96];

	if (!x)
		return NULL;
	snprintf(buf, sizeof(buf), "%s.weight", tensor);
	fe_tensor(n, buf, true, x->width, 1, &w);
	if (!n->arch->layer_norm)
		return fe_rmsnorm(n, x, w, x->width, 1, name);
	snprintf(buf, sizeof(buf), "%s.bias", tensor);
	fe_tensor(n, buf, true, x->width, 1, &b);
	x = fe_center(n, x, x->width, arena_printf(&n->m->arena, "%s_center", name) ?: name);
	x = x ? fe_rmsnorm(n, x, w, x->width, 1, name) : NULL;
	return fe_bias(n, x, b, arena_printf(&n->m->arena, "%s_bias", name) ?: name);
}

struct ir_op *fe_layer_norm(struct fe_net *n, uint32_t layer, struct ir_op *x, const char *tensor)
{
	char buf[80];

	snprintf(buf, sizeof(buf), "blk.%u.%s", layer, tensor);
	return fe_norm(n, x, buf, fe_layer_name(n, layer, tensor));
}

struct ir_op *fe_center(struct fe_net *n, struct ir_op *x, uint32_t seg, const char *name)
{
	struct ir_op *op = ir_op_new(n->m, IR_CENTER, name, 1, &x, 0);

	if (!op)
		return NULL;
	op->width = x->width;
	op->seg = seg;
	return op;
}

struct ir_op *fe_l2norm(struct fe_net *n, struct ir_op *x, uint32_t seg, float eps,
			const char *name)
{
	struct ir_op *op = ir_op_new(n->m, IR_L2NORM, name, 1, &x, 0);

	if (!op)
		return NULL;
	op->width = x->width;
	op->seg = seg;
	/* below, the square is no number of the chip's */
	op->konst = ir_const_value(n->m, fmaxf(eps * eps, 0x1p-126f));
	return op->konst ? op : NULL;
}

struct ir_op *fe_slice(struct fe_net *n, struct ir_op *x, uint32_t off, uint32_t width,
		       const char *name)
{
	struct ir_op *op = ir_op_new(n->m, IR_SLICE, name, 1, &x, 0);

	if (!op)
		return NULL;
	op->off = off;
	op->width = width;
	return op;
}

struct ir_op *fe_matmul(struct fe_net *n, struct ir_op *x, struct ir_tensor *w, const char *name)
{
	struct ir_op *op = ir_op_new(n->m, IR_MATMUL, name, 1, &x, 1);

	if (!op || !w)
		return NULL;
	op->mats[0] = w;
	op->width = (uint32_t)w->rows;
	return op;
}

struct ir_op *fe_bias(struct fe_net *n, struct ir_op *x, struct ir_tensor *b, const char *name)
{
	struct ir_op *op;

	if (!b || !x)
		return x;
	op = ir_op_new(n->m, IR_BIAS, name, 1, &x, 0);
	if (!op)
		return NULL;
	op->konst = ir_const_tensor(n->m, b);
	op->width = x->width;
	return op;
}

/* NVFP4's second scale: a number per matrix that multiplies its output, if the file has it. */
struct ir_op *fe_output_scale(struct fe_net *n, struct ir_op *x, const char *tensor,
			      const char *name)
{
	const char *text = arena_printf(&n->m->arena, "%s_scale", name);
	struct ir_tensor *t;
	uint8_t buf[4]; /* a type that holds one element has no longer ones */
	float v;

	if (fe_tensor(n, tensor, false, 1, 1, &t) || !x || !t)
		return x;
	if (ggml_dequantize_row(t->src_type, gguf_tensor_row(t->source, 0, buf), &v, 1) ||
	    !isfinite(v)) {
		diag_set(&n->m->diag, -EINVAL, "tensor %s: not one finite number", tensor);
		return NULL;
	}
	return v == 1.0f ? x : fe_affine(n, x, v, 0.0f, text ? text : "");
}

/* weight and bias */
struct ir_op *fe_linear(struct fe_net *n, uint32_t layer, struct ir_op *x, const char *tensor,
			uint32_t rows, enum fe_bias bias, const char *name)
{
	struct ir_tensor *w, *b;
	struct ir_op *op;
	char buf[96];

	if (!x)
		return NULL;
	snprintf(buf, sizeof(buf), "%s.weight", tensor);
	w = fe_layer_tensor(n, layer, buf, true, x->width, rows);
	b = fe_layer_bias(n, layer, tensor, bias, rows);
	op = fe_matmul(n, x, w, fe_layer_name(n, layer, name));
	snprintf(buf, sizeof(buf), "blk.%u.%s.scale", layer, tensor);
	op = fe_output_scale(n, op, buf, fe_layer_name(n, layer, name));
	snprintf(buf, sizeof(buf), "%s_bias", name);
	return fe_bias(n, op, b, fe_layer_name(n, layer, buf));
}

struct ir_op *fe_add(struct fe_net *n, struct ir_op *a, struct ir_op *b, const char *name)
{
	struct ir_op *in[2] = { a, b };
	struct ir_op *op = ir_op_new(n->m, IR_ADD, name, 2, in, 0);

	if (op)
		op->width = a->width;
	return op;
}

struct ir_op *fe_rope(struct fe_net *n, struct ir_op *x, const char *name)
{
	return fe_rope_by(n, x, n->rope, name);
}

struct ir_op *fe_rope_by(struct fe_net *n, struct ir_op *x, struct ir_table *table,
			 const char *name)
{
	struct ir_op *op;

	if (!table)
		return x;
	op = ir_op_new(n->m, IR_ROPE, name, 1, &x, 0);
	if (!op)
		return NULL;
	op->table = table;
	op->width = x->width;
	op->seg = n->head_size;
	op->pairs = n->arch->rope_pairs;
	return op;
}

int fe_check_range(struct fe_net *n, const char *key, uint32_t v, uint32_t max)
{
	if (v && v <= max)
		return 0;
	return diag_set(&n->m->diag, -EINVAL, "key %s.%s: %u, supported: 1 to %u", n->arch->name,
			key, v, max);
}

struct ir_op *fe_act(struct fe_net *n, struct ir_op *x, enum ir_fn fn, const char *name)
{
	struct ir_op *op = ir_op_new(n->m, IR_ACT, name, 1, &x, 0);

	if (!op)
		return NULL;
	op->fn = fn;
	op->width = x->width;
	return op;
}

struct ir_op *fe_glu(struct fe_net *n, struct ir_op *g, struct ir_op *u, enum ir_fn fn,
		     const char *name)
{
	struct ir_op *in[2] = { g, u };
	struct ir_op *op = ir_op_new(n->m, IR_GLU, name, 2, in, 0);

	if (!op)
		return NULL;
	op->fn = fn;
	op->width = g->width;
	return op;
}

struct ir_op *fe_mul(struct fe_net *n, struct ir_op *x, struct ir_op *y, uint32_t seg,
		     const char *name)
{
	struct ir_op *in[2] = { x, y };
	struct ir_op *op = ir_op_new(n->m, IR_ELT, name, 2, in, 0);

	if (!op)
		return NULL;
	op->fn = IR_FN_MUL;
	op->width = x->width;
	op->seg = seg;
	return op;
}

struct ir_op *fe_gain(struct fe_net *n, struct ir_op *x, struct ir_tensor *w, const char *name)
{
	struct ir_op *op = ir_op_new(n->m, IR_ELT, name, 1, &x, 0);

	if (!op || !w)
		return NULL;
	op->konst = ir_const_tensor(n->m, w);
	if (!op->konst)
		return NULL;
	op->konst->pieces[0].repeat = x->width / op->konst->n;
	op->konst->n *= op->konst->pieces[0].repeat;
	op->kpos = 1;
	op->fn = IR_FN_MUL;
	op->width = x->width;
	return op;
}

struct ir_op *fe_affine(struct fe_net *n, struct ir_op *x, float scale, float shift,
			const char *name)
{
	struct ir_op *op = ir_op_new(n->m, IR_ELT, name, 1, &x, 0);

	if (!op)
		return NULL;
	op->fn = IR_FN_LIN;
	op->scale = scale;
	op->shift = shift;
	op->width = x->width;
	return op;
}

/* What the softmax needs beside the scores: see IR_ATTENTION. */
static struct ir_const *attend_const(struct fe_net *n, const struct fe_attend *a, uint32_t window)
{
	struct ir_const *c;

	if (!a->sinks)
		return ir_const_value(n->m, -INFINITY);
	c = ir_const_new(n->m, a->sinks->name, window ? 2 : 1);
	if (!c)
		return NULL;
	c->pieces[0] = (struct ir_piece){ .t = a->sinks, .n = n->heads, .repeat = 1 };
	if (window)
		c->pieces[1] = (struct ir_piece){ .value = -INFINITY, .n = 1, .repeat = 1 };
	c->n = n->heads + !!window;
	return c;
}

struct ir_op *fe_attend(struct fe_net *n, uint32_t layer, struct ir_op *q, struct ir_op *k,
			struct ir_op *v, const struct fe_attend *a)
{
	/* as wide as the context: it hides nothing */
	uint32_t window = a->window < n->context ? a->window : 0;
	struct ir_op *in[3] = { q, k, v };
	struct ir_op *op = ir_op_new(n->m, IR_ATTENTION, fe_layer_name(n, layer, "attn"), 3, in, 0);

	if (!op)
		return NULL;
	op->width = n->heads * n->value_size;
	op->seg = n->head_size;
	op->vseg = n->value_size != n->head_size ? n->value_size : 0;
	op->layer = layer;
	op->heads = n->heads;
	op->kv_heads = n->kv_heads;
	op->scale = a->scale;
	op->cap = a->cap;
	op->window = window;
	op->sink = !!a->sinks;
	if (window || a->sinks) {
		op->konst = attend_const(n, a, window);
		if (!op->konst)
			return NULL;
	}
	return op;
}
