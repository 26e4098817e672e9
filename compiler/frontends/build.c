// SPDX-License-Identifier: MIT
/* Pieces that the architectures' graphs are put together from; see build.h. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "compiler/frontends/build.h"

int fe_tensor(struct fe_net *n, const char *name, bool required, uint64_t cols, uint64_t rows,
	      struct ir_tensor **out)
{
	const struct gguf_tensor *g = gguf_find_tensor(n->f, name);
	struct ir_tensor *t;
	uint64_t have_rows;

	*out = NULL;
	if (n->m->diag.err)
		return n->m->diag.err;
	if (!g) {
		if (!required)
			return 0;
		return diag_set(&n->m->diag, -EINVAL, "tensor %s: missing", name);
	}
	for (size_t i = 0; i < gguf_n_tensors(n->f); i++) {
		if (gguf_tensor(n->f, i) == g)
			n->used[i] = 1;
	}
	have_rows = g->elements / (uint64_t)g->ne[0];
	if ((uint64_t)g->ne[0] != cols || have_rows != rows || g->ne[2] != 1 || g->ne[3] != 1)
		return diag_set(&n->m->diag, -EINVAL,
				"tensor %s: shape %" PRId64 " x %" PRIu64 ", expected %" PRIu64
				" x %" PRIu64,
				name, g->ne[0], have_rows, cols, rows);
	t = ir_tensor_new(n->m, name, strlen(name));
	if (!t)
		return n->m->diag.err;
	t->src_type = g->type;
	t->rows = rows;
	t->cols = cols;
	t->data = g->data;
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

/* weight and, where the architecture may have one, bias */
struct ir_op *fe_linear(struct fe_net *n, uint32_t layer, struct ir_op *x, const char *tensor,
			uint32_t rows, bool may_bias, const char *name)
{
	struct ir_tensor *w, *b = NULL;
	struct ir_op *op;
	char buf[64];

	if (!x)
		return NULL;
	snprintf(buf, sizeof(buf), "%s.weight", tensor);
	w = fe_layer_tensor(n, layer, buf, true, x->width, rows);
	snprintf(buf, sizeof(buf), "%s.bias", tensor);
	if (may_bias)
		b = fe_layer_tensor(n, layer, buf, false, rows, 1);
	op = fe_matmul(n, x, w, fe_layer_name(n, layer, name));
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
	struct ir_op *op = ir_op_new(n->m, IR_ROPE, name, 1, &x, 0);

	if (!op)
		return NULL;
	op->table = n->rope;
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
