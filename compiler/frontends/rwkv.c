// SPDX-License-Identifier: MIT
#include "compiler/frontends/rwkv.h"

#include <errno.h>

#define HEAD_EPS 64e-5f

int fe_read_wkv(struct fe_net *n)
{
	struct fe_rwkv *r = &n->rwkv;
	struct fe_keys *k = &n->keys;
	uint32_t shifts = 2;

	if (fe_u32(k, "wkv.head_size", true, &r->head) ||
	    fe_check_range(n, "wkv.head_size", r->head, n->width) ||
	    fe_u32(k, "token_shift_count", false, &shifts) ||
	    fe_u32(k, "feed_forward_length", true, &r->ff) ||
	    fe_check_range(n, "feed_forward_length", r->ff, IR_MAX_WIDTH / 2))
		return n->m->diag.err;
	if (shifts != 2)
		return diag_set(&n->m->diag, -ENOTSUP, "key %s.token_shift_count: %u, supported: 2",
				n->arch->name, shifts);
	if (n->width % r->head || (uint64_t)n->width * r->head > IR_MAX_WIDTH)
		return diag_set(
			&n->m->diag, -EINVAL,
			"key %s.wkv.head_size: %u, supported: a divisor of embedding_length "
			"%u, at most %u numbers of state",
			n->arch->name, r->head, n->width, IR_MAX_WIDTH);
	return 0;
}

struct ir_op *fe_elt(struct fe_net *n, uint32_t i, enum ir_fn fn, size_t n_in,
		     struct ir_op *const *in, struct ir_const *k, const char *name)
{
	struct ir_op *op = ir_op_new(n->m, IR_ELT, fe_layer_name(n, i, name), n_in, in, 0);

	if (!op)
		return NULL;
	op->fn = fn;
	op->width = in[0]->width;
	op->konst = k;
	op->kpos = !!k;
	return op;
}

struct ir_op *fe_binary(struct fe_net *n, uint32_t i, enum ir_fn fn, struct ir_op *a,
			struct ir_op *b, const char *name)
{
	struct ir_op *in[2] = { a, b };

	return fe_elt(n, i, fn, 2, in, NULL, name);
}

/* a * k + b */
struct ir_op *fe_mad(struct fe_net *n, uint32_t i, struct ir_op *a, struct ir_const *k,
		     struct ir_op *b, const char *name)
{
	struct ir_op *in[2] = { a, b };

	return k ? fe_elt(n, i, IR_FN_MAD, 2, in, k, name) : NULL;
}

struct ir_op *fe_layer_act(struct fe_net *n, uint32_t i, struct ir_op *x, enum ir_fn fn,
			   const char *name)
{
	return fe_act(n, x, fn, fe_layer_name(n, i, name));
}

struct ir_tensor *fe_layer_vector(struct fe_net *n, uint32_t i, const char *name)
{
	return fe_layer_tensor(n, i, name, true, n->width, 1);
}

/* h of the token before, less h */
struct ir_op *fe_shift_change(struct fe_net *n, uint32_t i, struct ir_op *h, const char *name)
{
	struct ir_op *op = ir_op_new(n->m, IR_SHIFT, fe_layer_name(n, i, name), 1, &h, 0);

	if (!op)
		return NULL;
	op->width = h->width;
	return fe_binary(n, i, IR_FN_SUB, op, h, "change");
}

/* Rows of seg elements less their mean, over their deviation, with the head's epsilon. */
struct ir_op *fe_head_norm(struct fe_net *n, uint32_t i, struct ir_op *x)
{
	struct ir_op *op = fe_center(n, x, n->rwkv.head, fe_layer_name(n, i, "time_mix_center"));

	op = op ? fe_rmsnorm(n, op, fe_layer_vector(n, i, "time_mix_ln.weight"), n->rwkv.head, 1,
			     fe_layer_name(n, i, "time_mix_ln"))
		: NULL;
	if (!op)
		return NULL;
	op->eps = HEAD_EPS;
	return fe_bias(n, op, fe_layer_vector(n, i, "time_mix_ln.bias"),
		       fe_layer_name(n, i, "time_mix_ln_bias"));
}

/* The sum over each head of a * b */
struct ir_op *fe_head_dot(struct fe_net *n, uint32_t i, struct ir_op *a, struct ir_op *b)
{
	struct ir_op *in[2] = { a, b };
	struct ir_op *op = ir_op_new(n->m, IR_DOT, fe_layer_name(n, i, "time_mix_bonus"), 2, in, 0);

	if (!op)
		return NULL;
	op->seg = n->rwkv.head;
	op->width = a->width / n->rwkv.head;
	return op;
}
