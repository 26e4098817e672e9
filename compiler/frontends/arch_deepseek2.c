// SPDX-License-Identifier: MIT
/*
 * DeepSeek V2, V3 and relatives. Latent attention in its absorbed form: a position's key is its latent
 * vector with rotated dimensions behind it, its value the latent vector; all heads share them.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>

#include "compiler/frontends/mla.h"
#include "compiler/frontends/moe.h"

/* models.md section 5, deepseek2; n->mla */
struct fe_mla {
	uint32_t q_rank; /* 0: queries are made directly */
	uint32_t rank, rot, plain, value;
};

static const char *const keys[] = { "expert_count", "expert_used_count", "attention.q_lora_rank",
				    "attention.kv_lora_rank", NULL };

static const struct fe_moe_rules rules = {
	.gating = FE_GATING_SOFTMAX,
	.gating_key = true,
	.norm_key = true,
	.scale_key = true,
	.needs_experts = true,
	.own_width = true,
	.leading_dense = true,
	.select_bias = true,
	.shared = FE_SHARED_COUNT,
};

/* yarn makes scores sharper: by the key in one way, without it in another. */
static int read_yarn(struct fe_net *n)
{
	double log_factor = -log(n->rope->scale), plain = 1 + 0.1 * log_factor, m = plain;
	float mult = 0;

	if (fe_f32(&n->keys, "rope.scaling.yarn_log_multiplier", false, &mult))
		return n->m->diag.err;
	if (!(mult > -100 && mult < 100))
		return diag_set(
			&n->m->diag, -EINVAL,
			"key %s.rope.scaling.yarn_log_multiplier: %g, supported: -100 to 100",
			n->arch->name, (double)mult);
	if (n->rope->ext == 0)
		return 0;
	if (mult != 0) {
		m = 1 + 0.1 * 10 * (double)mult * log_factor;
		n->rope->mscale /= plain;
	}
	n->attn_scale = (float)(n->attn_scale * m * m);
	return 0;
}

/*
 * Sizes of a head. Files from before the absorbed form have those of its keys and values where others
 * have the latent vector's; *latent is that of the absorbed form.
 */
static int read_head(struct fe_net *n, struct fe_mla *a, uint32_t *key, uint32_t *latent)
{
	struct fe_keys *k = &n->keys;
	uint64_t sum;

	if (fe_u32(k, "attention.key_length_mla", false, key) ||
	    fe_u32(k, "attention.value_length_mla", *key != 0, &a->value))
		return n->m->diag.err;
	*latent = n->head_size;
	if (*key) {
		if (n->kv_heads != 1)
			return diag_set(&n->m->diag, -ENOTSUP,
					"key %s.attention.head_count_kv: %u, supported: 1 with "
					"attention.key_length_mla",
					n->arch->name, n->kv_heads);
		if (fe_check_range(n, "attention.kv_lora_rank", a->rank, n->head_size - 1))
			return n->m->diag.err;
		return fe_check_range(n, "attention.key_length_mla", *key, 65535);
	}
	a->value = n->value_size;
	if (n->kv_heads != n->heads)
		return diag_set(&n->m->diag, -ENOTSUP,
				"key %s.attention.head_count_kv: %u, supported: head_count, %u, "
				"without attention.key_length_mla",
				n->arch->name, n->kv_heads, n->heads);
	*key = n->head_size;
	sum = (uint64_t)a->rank + n->rope->dims;
	if (!a->rank || sum > 65535 || sum * n->heads > IR_MAX_WIDTH / 4)
		return diag_set(&n->m->diag, -ENOTSUP,
				"key %s.attention.kv_lora_rank: %u, with %u rotated dimensions and "
				"%u heads; supported: %u values in all",
				n->arch->name, a->rank, n->rope->dims, n->heads, IR_MAX_WIDTH / 4);
	*latent = (uint32_t)sum;
	return 0;
}

static int read_deepseek2(struct fe_net *n)
{
	struct fe_mla *a = arena_alloc(&n->m->arena, sizeof(*a));
	uint32_t key = 0, latent = 0;
	struct fe_keys *k = &n->keys;

	if (!a)
		return diag_nomem(&n->m->diag);
	n->mla = a;
	if (fe_u32(k, "attention.q_lora_rank", false, &a->q_rank) ||
	    fe_u32(k, "attention.kv_lora_rank", true, &a->rank) || read_head(n, a, &key, &latent) ||
	    fe_check_range(n, "attention.value_length_mla", a->value, 65535))
		return n->m->diag.err;
	if (a->q_rank && fe_check_range(n, "attention.q_lora_rank", a->q_rank, 1u << 20))
		return n->m->diag.err;
	a->rot = latent - a->rank;
	if (n->rope->dims != a->rot || key <= a->rot)
		return diag_set(
			&n->m->diag, -EINVAL,
			"key %s.rope.dimension_count: %u, but key_length less kv_lora_rank is "
			"%u, and a head's keys have %u",
			n->arch->name, n->rope->dims, a->rot, key);
	a->plain = key - a->rot;
	n->head_size = latent;
	n->kv_heads = 1;
	n->attn_scale = (float)(1 / sqrt((double)key));
	return read_yarn(n);
}

/* Heads' last dimensions are rotated in pairs (2i, 2i + 1): see perm_tail. */
static struct ir_op *linear_with_tail(struct fe_net *n, uint32_t i, struct ir_op *x,
				      const char *what, uint32_t heads, uint32_t plain)
{
	uint32_t rot = n->mla->rot;
	struct ir_op *op = fe_linear(n, i, x, what, heads * (plain + rot), FE_NO_BIAS, what);

	if (!op)
		return NULL;
	op->mats[0]->perm_head = plain + rot;
	op->mats[0]->perm_rot = rot;
	op->mats[0]->perm_tail = 1;
	return op;
}

static struct ir_op *rotate(struct fe_net *n, struct ir_op *x, const char *name)
{
	struct ir_op *op = fe_rope_by(n, x, n->rope, name);

	if (!op)
		return NULL;
	op->seg = n->mla->rot;
	op->pairs = 0;
	return op;
}

/* The matrices of all heads; in older files two such are one, see mla.h. */
static int head_matrices(struct fe_net *n, uint32_t i, struct ir_tensor **k_b,
			 struct ir_tensor **v_b)
{
	const struct fe_mla *a = n->mla;
	char name[96];

	snprintf(name, sizeof(name), "blk.%u.attn_kv_b.weight", i);
	if (gguf_find_tensor(n->f, name))
		return fe_split_kv_b(n, i, a->rank, a->plain, a->value, k_b, v_b);
	snprintf(name, sizeof(name), "blk.%u.attn_k_b.weight", i);
	if (fe_tensor3(n, name, true, a->plain, a->rank, n->heads, k_b))
		return n->m->diag.err;
	snprintf(name, sizeof(name), "blk.%u.attn_v_b.weight", i);
	return fe_tensor3(n, name, true, a->rank, a->value, n->heads, v_b);
}

static struct ir_op *head_matmul(struct fe_net *n, uint32_t i, struct ir_op *x, struct ir_tensor *t,
				 const char *what)
{
	struct ir_op *op = ir_op_new(n->m, IR_HEADMM, fe_layer_name(n, i, what), 1, &x, 1);

	if (!op)
		return NULL;
	op->mats[0] = t;
	op->heads = n->heads;
	op->width = (uint32_t)t->rows;
	return op;
}

/* Two values, head by head or (heads: 1) as they are, side by side. */
static struct ir_op *join(struct fe_net *n, struct ir_op *a, struct ir_op *b, uint32_t heads,
			  const char *name)
{
	struct ir_op *in[2] = { a, b };
	struct ir_op *op = ir_op_new(n->m, IR_JOIN, name, 2, in, 0);

	if (!op)
		return NULL;
	op->heads = heads;
	op->width = a->width + b->width;
	return op;
}

static struct ir_op *queries(struct fe_net *n, uint32_t i, struct ir_op *h, struct ir_tensor *k_b)
{
	const struct fe_mla *a = n->mla;
	const char *what = "attn_q";
	struct ir_op *plain, *rot;

	if (a->q_rank) {
		h = fe_linear(n, i, h, "attn_q_a", a->q_rank, FE_NO_BIAS, "attn_q_a");
		h = fe_rmsnorm(n, h,
			       fe_layer_tensor(n, i, "attn_q_a_norm.weight", true, a->q_rank, 1),
			       a->q_rank, 1, fe_layer_name(n, i, "attn_q_a_norm"));
		what = "attn_q_b";
	}
	h = linear_with_tail(n, i, h, what, n->heads, a->plain);
	plain = fe_slice(n, h, 0, n->heads * a->plain, fe_layer_name(n, i, "attn_q_plain"));
	plain = head_matmul(n, i, plain, k_b, "attn_k_b");
	rot = fe_slice(n, h, n->heads * a->plain, n->heads * a->rot,
		       fe_layer_name(n, i, "attn_q_rot"));
	rot = rotate(n, rot, fe_layer_name(n, i, "rope_q"));
	return join(n, plain, rot, n->heads, fe_layer_name(n, i, "attn_q_join"));
}

static struct ir_op *latent_keys(struct fe_net *n, uint32_t i, struct ir_op *h)
{
	const struct fe_mla *a = n->mla;
	struct ir_op *c, *rot;

	h = linear_with_tail(n, i, h, "attn_kv_a_mqa", 1, a->rank);
	c = fe_slice(n, h, 0, a->rank, fe_layer_name(n, i, "attn_kv"));
	c = fe_rmsnorm(n, c, fe_layer_tensor(n, i, "attn_kv_a_norm.weight", true, a->rank, 1),
		       a->rank, 1, fe_layer_name(n, i, "attn_kv_a_norm"));
	rot = fe_slice(n, h, a->rank, a->rot, fe_layer_name(n, i, "attn_k_rot"));
	rot = rotate(n, rot, fe_layer_name(n, i, "rope_k"));
	return join(n, c, rot, 1, fe_layer_name(n, i, "attn_k_join"));
}

static struct ir_op *block(struct fe_net *n, uint32_t i, struct ir_op *x)
{
	const struct fe_mla *a = n->mla;
	struct ir_tensor *k_b, *v_b;
	struct ir_op *h, *in[2], *op;

	h = fe_layer_norm(n, i, x, "attn_norm");
	if (head_matrices(n, i, &k_b, &v_b))
		return NULL;
	in[0] = queries(n, i, h, k_b);
	in[1] = latent_keys(n, i, h);
	op = ir_op_new(n->m, IR_ATTENTION, fe_layer_name(n, i, "attn"), 2, in, 0);
	if (!op)
		return NULL;
	op->seg = a->rank + a->rot;
	op->vseg = a->rank;
	op->width = n->heads * a->rank;
	op->layer = i;
	op->heads = n->heads;
	op->kv_heads = 1;
	op->scale = n->attn_scale;
	op = head_matmul(n, i, op, v_b, "attn_v_b");
	op = fe_linear(n, i, op, "attn_output", n->width, FE_NO_BIAS, "attn_output");
	return fe_ffn(n, i, fe_add(n, x, op, fe_layer_name(n, i, "attn_residual")));
}

const struct fe_arch fe_arch_deepseek2 = {
	.name = "deepseek2",
	.rope_pairs = 1,
	.mla = true,
	.keys = keys,
	.moe = &rules,
	.read = read_deepseek2,
	.block = block,
};
