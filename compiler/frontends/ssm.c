// SPDX-License-Identifier: MIT
#include "compiler/frontends/ssm.h"

#include <errno.h>
#include <stdio.h>

int fe_read_taps(struct fe_net *n, bool required)
{
	uint32_t *taps = &n->ssm.taps;

	if (fe_u32(&n->keys, "ssm.conv_kernel", required, taps) ||
	    fe_check_range(n, "ssm.conv_kernel", *taps, IR_MAX_TAPS))
		return n->m->diag.err;
	if (*taps == 1)
		return diag_set(&n->m->diag, -ENOTSUP,
				"key %s.ssm.conv_kernel: 1, supported: 2 to %u", n->arch->name,
				IR_MAX_TAPS);
	return 0;
}

static int read_sizes(struct fe_net *n)
{
	struct fe_keys *k = &n->keys;
	struct fe_ssm *s = &n->ssm;

	if (fe_read_taps(n, true) || fe_u32(k, "ssm.inner_size", true, &s->inner) ||
	    fe_check_range(n, "ssm.inner_size", s->inner, FE_MAX_PART) ||
	    fe_u32(k, "ssm.state_size", true, &s->state) ||
	    fe_check_range(n, "ssm.state_size", s->state, IR_MAX_WIDTH / s->inner) ||
	    fe_u32(k, "ssm.time_step_rank", true, &s->rank))
		return n->m->diag.err;
	return fe_check_range(n, "ssm.time_step_rank", s->rank, FE_MAX_PART);
}

int fe_read_mamba(struct fe_net *n)
{
	bool rms = false;
	char name[64];
	int ret;

	if (read_sizes(n))
		return n->m->diag.err;
	snprintf(name, sizeof(name), "%s.ssm.dt_b_c_rms", n->arch->name);
	ret = gguf_get_bool(n->f, name, &rms, NULL);
	if (ret && ret != -ENOENT)
		return diag_set(&n->m->diag, ret, "key %s: not a bool", name);
	n->ssm.norms = rms;
	return 0;
}

int fe_read_mamba2(struct fe_net *n)
{
	struct fe_ssm *s = &n->ssm;

	if (read_sizes(n))
		return n->m->diag.err;
	s->groups = 1;
	if (fe_u32(&n->keys, "ssm.group_count", false, &s->groups) ||
	    fe_check_range(n, "ssm.group_count", s->groups, s->rank))
		return n->m->diag.err;
	if (s->rank % s->groups || s->inner % s->rank)
		return diag_set(&n->m->diag, -EINVAL,
				"key %s.ssm.time_step_rank: %u heads do not divide ssm.inner_size "
				"%u, or %u groups do not divide the heads",
				n->arch->name, s->rank, s->inner, s->groups);
	if ((uint64_t)s->groups * s->state > FE_MAX_PART)
		return diag_set(
			&n->m->diag, -ENOTSUP,
			"key %s.ssm.group_count: %u groups of ssm.state_size %u, supported: "
			"%u values in all",
			n->arch->name, s->groups, s->state, FE_MAX_PART);
	return 0;
}

struct ir_op *fe_causal_conv(struct fe_net *n, uint32_t i, struct ir_op *x, const char *tensor,
			     enum fe_bias bias)
{
	struct ir_op *op = ir_op_new(n->m, IR_CONV, fe_layer_name(n, i, tensor), 1, &x, 0);
	uint32_t taps = n->ssm.taps;
	struct ir_tensor *w, *b;
	char name[64];

	if (!op)
		return NULL;
	snprintf(name, sizeof(name), "%s.weight", tensor);
	w = fe_layer_tensor(n, i, name, true, taps, x->width);
	b = fe_layer_bias(n, i, tensor, bias, x->width);
	if (!w || n->m->diag.err)
		return NULL;
	w->transposed = 1;
	op->konst = ir_const_new(n->m, w->name, 2);
	if (!op->konst)
		return NULL;
	op->konst->pieces[0] =
		(struct ir_piece){ .t = w, .n = (uint64_t)taps * x->width, .repeat = 1 };
	op->konst->pieces[1] = (struct ir_piece){ .t = b, .n = x->width, .repeat = 1 };
	op->konst->n = (uint64_t)(taps + 1) * x->width;
	op->width = x->width;
	op->taps = taps;
	return op;
}

struct ir_op *fe_ssm_conv(struct fe_net *n, uint32_t i, struct ir_op *x, enum fe_bias bias)
{
	return fe_act(n, fe_causal_conv(n, i, x, "ssm_conv1d", bias), IR_FN_SILU,
		      fe_layer_name(n, i, "ssm_conv_act"));
}

/* y + d x; d has an element for each row of seg elements */
static struct ir_op *skip(struct fe_net *n, uint32_t i, struct ir_op *x, struct ir_op *y,
			  struct ir_tensor *d, uint32_t seg)
{
	struct ir_op *in[2] = { x, y };
	struct ir_op *op = ir_op_new(n->m, IR_ELT, fe_layer_name(n, i, "ssm_skip"), 2, in, 0);

	if (!op || !d)
		return NULL;
	op->konst = ir_const_tensor(n->m, d);
	op->kpos = 1;
	op->fn = IR_FN_MAD;
	op->width = x->width;
	op->seg = seg;
	return op->konst ? op : NULL;
}

/* One of the norms of FalconMamba and Jamba; required where the key says so. */
static struct ir_op *inner_norm(struct fe_net *n, uint32_t i, struct ir_op *x, const char *what)
{
	struct ir_tensor *w;
	char tensor[32];

	if (!x)
		return NULL;
	snprintf(tensor, sizeof(tensor), "%s_norm.weight", what);
	w = n->ssm.norms ? fe_layer_tensor(n, i, tensor, false, x->width, 1)
			 : fe_layer_optional(n, i, tensor, x->width);
	if (!w && n->ssm.norms) {
		/* without weights: the norm alone */
		struct ir_op *op = ir_op_new(n->m, IR_RMSNORM, fe_layer_name(n, i, what), 1, &x, 0);

		if (!op)
			return NULL;
		op->konst = ir_const_new(n->m, tensor, 1);
		if (!op->konst)
			return NULL;
		op->konst->pieces[0] = (struct ir_piece){ .value = 1, .n = x->width, .repeat = 1 };
		op->konst->n = x->width;
		op->width = x->width;
		op->seg = x->width;
		op->eps = n->eps;
		return op;
	}
	if (!w)
		return x;
	return fe_rmsnorm(n, x, w, x->width, 1, fe_layer_name(n, i, what));
}

static struct ir_op *scan(struct fe_net *n, uint32_t i, struct ir_op *const *in, size_t n_in,
			  uint32_t heads, uint32_t groups)
{
	struct ir_op *op = ir_op_new(n->m, IR_SCAN, fe_layer_name(n, i, "ssm_scan"), n_in, in, 0);

	if (!op)
		return NULL;
	op->width = in[0]->width;
	op->heads = heads;
	op->kv_heads = groups;
	op->seg = op->width / heads;
	op->dim = n->ssm.state;
	return op;
}

struct ir_op *fe_mamba(struct fe_net *n, uint32_t i, struct ir_op *h)
{
	const struct fe_ssm *s = &n->ssm;
	struct ir_op *in[4], *x, *z, *op;
	struct ir_tensor *a;

	op = fe_linear(n, i, h, "ssm_in", 2 * s->inner, FE_NO_BIAS, "ssm_in");
	x = fe_slice(n, op, 0, s->inner, fe_layer_name(n, i, "ssm_x_in"));
	z = fe_slice(n, op, s->inner, s->inner, fe_layer_name(n, i, "ssm_gate"));
	x = fe_ssm_conv(n, i, x, FE_BIAS);
	op = fe_linear(n, i, x, "ssm_x", s->rank + 2 * s->state, FE_NO_BIAS, "ssm_x");
	in[0] = x;
	in[1] = fe_slice(n, op, 0, s->rank, fe_layer_name(n, i, "ssm_dt_in"));
	in[2] = fe_slice(n, op, s->rank, s->state, fe_layer_name(n, i, "ssm_b"));
	in[3] = fe_slice(n, op, s->rank + s->state, s->state, fe_layer_name(n, i, "ssm_c"));
	in[1] = inner_norm(n, i, in[1], "ssm_dt");
	in[2] = inner_norm(n, i, in[2], "ssm_b");
	in[3] = inner_norm(n, i, in[3], "ssm_c");
	in[1] = fe_linear(n, i, in[1], "ssm_dt", s->inner, FE_BIAS, "ssm_dt");
	in[1] = fe_act(n, in[1], IR_FN_SOFTPLUS, fe_layer_name(n, i, "ssm_dt_act"));
	op = scan(n, i, in, 4, s->inner, 1);
	a = fe_layer_tensor(n, i, "ssm_a", true, s->state, s->inner);
	if (!op || !a)
		return NULL;
	op->konst = ir_const_new(n->m, a->name, 2);
	if (!op->konst)
		return NULL;
	op->konst->n = (uint64_t)s->state * s->inner + 1;
	op->konst->pieces[0] = (struct ir_piece){ .t = a, .n = op->konst->n - 1, .repeat = 1 };
	op->konst->pieces[1] = (struct ir_piece){ .n = 1, .repeat = 1 };
	op = skip(n, i, x, op, fe_layer_tensor(n, i, "ssm_d", true, s->inner, 1), s->inner);
	op = fe_glu(n, z, op, IR_FN_SILU, fe_layer_name(n, i, "ssm_gated"));
	return fe_linear(n, i, op, "ssm_out", n->width, FE_NO_BIAS, "ssm_out");
}

struct ir_op *fe_mamba2(struct fe_net *n, uint32_t i, struct ir_op *h)
{
	const struct fe_ssm *s = &n->ssm;
	uint32_t bc = s->groups * s->state, heads = s->rank, seg = s->inner / heads;
	struct ir_op *in[5], *z, *dt, *x, *op;

	op = fe_linear(n, i, h, "ssm_in", 2 * s->inner + 2 * bc + heads, FE_NO_BIAS, "ssm_in");
	z = fe_slice(n, op, 0, s->inner, fe_layer_name(n, i, "ssm_gate"));
	x = fe_slice(n, op, s->inner, s->inner + 2 * bc, fe_layer_name(n, i, "ssm_xbc_in"));
	dt = fe_slice(n, op, 2 * s->inner + 2 * bc, heads, fe_layer_name(n, i, "ssm_dt_in"));
	op = fe_ssm_conv(n, i, x, n->arch->bias_conv ? FE_BIAS : FE_MAY_BIAS);
	in[0] = fe_slice(n, op, 0, s->inner, fe_layer_name(n, i, "ssm_x"));
	in[2] = fe_slice(n, op, s->inner, bc, fe_layer_name(n, i, "ssm_b"));
	in[3] = fe_slice(n, op, s->inner + bc, bc, fe_layer_name(n, i, "ssm_c"));
	dt = fe_bias(n, dt, fe_layer_tensor(n, i, "ssm_dt.bias", true, heads, 1),
		     fe_layer_name(n, i, "ssm_dt"));
	in[1] = fe_act(n, dt, IR_FN_SOFTPLUS, fe_layer_name(n, i, "ssm_dt_act"));
	in[4] = fe_gain(n, in[1], fe_layer_tensor(n, i, "ssm_a", true, 1, heads),
			fe_layer_name(n, i, "ssm_exponent"));
	in[4] = fe_act(n, in[4], IR_FN_EXP, fe_layer_name(n, i, "ssm_decay"));
	op = scan(n, i, in, 5, heads, s->groups);
	op = skip(n, i, in[0], op, fe_layer_tensor(n, i, "ssm_d", true, 1, heads), seg);
	op = fe_glu(n, z, op, IR_FN_SILU, fe_layer_name(n, i, "ssm_gated"));
	if (!s->no_gate_norm)
		op = fe_rmsnorm(n, op,
				fe_layer_tensor(n, i, "ssm_norm.weight", true, s->inner / s->groups,
						s->groups),
				s->inner / s->groups, 1, fe_layer_name(n, i, "ssm_norm"));
	return fe_linear(n, i, op, "ssm_out", n->width, FE_NO_BIAS, "ssm_out");
}

struct ir_op *fe_mix(struct fe_net *n, uint32_t i, struct ir_op *x,
		     struct ir_op *(*mixer)(struct fe_net *, uint32_t, struct ir_op *))
{
	struct ir_op *y = mixer(n, i, fe_layer_norm(n, i, x, "attn_norm"));

	if (n->residual_scale != 1)
		y = fe_affine(n, y, n->residual_scale, 0, fe_layer_name(n, i, "residual_scale"));
	return fe_add(n, x, y, fe_layer_name(n, i, "ssm_residual"));
}
