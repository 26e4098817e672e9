// SPDX-License-Identifier: MIT
/*
 * Model file to graph: the numbers all architectures have, the embedding, one block after the other,
 * and the logits. The default block is attention and a feed-forward, each with its norms and its
 * residual add; what is in it, struct fe_arch says.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "compiler/frontends/gguf_internal.h"
#include "compiler/frontends/moe.h"
#include "compiler/frontends/source.h"

/* Keys that change the computation; an architecture takes those that it names, others must be 0. */
static const char *const special_keys[] = {
	"expert_count",
	"expert_used_count",
	"attention.scale",
	"attention.q_lora_rank",
	"attention.kv_lora_rank",
	"attn_logit_softcapping",
	"final_logit_softcapping",
	"embedding_scale",
	"residual_scale",
	"logit_scale",
	"attention.clamp_kqv",
	"attention.max_alibi_bias",
	"attention.temperature_scale",
	/* other names for rope.freq_base and rope.freq_base_swa, of files whose scaling is nowhere */
	"rope.global.freq_base",
	"rope.local.freq_base",
};

/* attn_q_norm or attn_k_norm, by head or of the whole row. */
static struct ir_op *norm_heads(struct fe_net *n, uint32_t i, struct ir_op *x, const char *name)
{
	if (!x || (!n->arch->head_norms && !n->arch->row_norms))
		return x;
	return fe_norm_rows(n, i, x, n->arch->row_norms ? x->width : n->head_size, name);
}

/* x + residual_scale * norm(y) */
static struct ir_op *residual(struct fe_net *n, uint32_t i, struct ir_op *x, struct ir_op *y,
			      const char *norm, const char *name)
{
	if (n->arch->post_norms)
		y = fe_layer_norm(n, i, y, norm);
	if (n->residual_scale != 1)
		y = fe_affine(n, y, n->residual_scale, 0, fe_layer_name(n, i, "residual_scale"));
	return fe_add(n, x, y, fe_layer_name(n, i, name));
}

static struct ir_tensor *sinks(struct fe_net *n, uint32_t i)
{
	if (n->arch->sinks)
		return fe_layer_tensor(n, i, "attn_sinks.weight", true, n->heads, 1);
	return fe_layer_optional(n, i, "attn_sinks.weight", n->heads);
}

struct ir_op *fe_attention_of(struct fe_net *n, uint32_t i, struct ir_op *h)
{
	bool windowed = n->windowed && n->windowed[i];
	const struct fe_attend a = { .sinks = sinks(n, i),
				     .window = windowed ? n->window : 0,
				     .scale = n->attn_scale,
				     .cap = n->attn_cap };
	struct ir_table *rope = windowed && n->rope_win ? n->rope_win : n->rope;
	struct ir_op *in[3], *op;

	fe_qkv(n, i, h, in);
	in[0] = norm_heads(n, i, in[0], "attn_q_norm");
	in[1] = norm_heads(n, i, in[1], "attn_k_norm");
	in[0] = fe_rope_by(n, in[0], rope, fe_layer_name(n, i, "rope_q"));
	in[1] = fe_rope_by(n, in[1], rope, fe_layer_name(n, i, "rope_k"));
	op = fe_attend(n, i, in[0], in[1], in[2], &a);
	return fe_linear(n, i, op, "attn_output", n->width, n->arch->bias_o, "attn_output");
}

struct ir_op *fe_attention(struct fe_net *n, uint32_t i, struct ir_op *x)
{
	struct ir_op *h = n->arch->no_pre_norms ? x : fe_layer_norm(n, i, x, "attn_norm");

	return residual(n, i, x, fe_attention_of(n, i, h), "post_attention_norm", "attn_residual");
}

struct ir_op *fe_ffn_of(struct fe_net *n, uint32_t i, struct ir_op *h)
{
	enum ir_fn act = n->arch->act ? n->arch->act : IR_FN_SILU;
	enum fe_bias bias = n->arch->bias_ffn;
	struct ir_op *in[2], *op;

	if (fe_moe_layer(n, i))
		return fe_moe_ffn(n, i, h, NULL);
	if (!n->ff[i]) {
		diag_set(&n->m->diag, -EINVAL,
			 "key %s.feed_forward_length: missing, but layer %u has no experts",
			 n->arch->name, i);
		return NULL;
	}
	if (n->arch->no_gate) {
		op = fe_linear(n, i, h, "ffn_up", n->ff[i], bias, "ffn_up");
		op = fe_act(n, op, act, fe_layer_name(n, i, "ffn_act"));
	} else {
		if (n->arch->fused && !fe_has_tensor(n, i, "ffn_gate.weight")) {
			op = fe_linear(n, i, h, "ffn_up", 2 * n->ff[i], bias, "ffn_gate_up");
			in[0] = fe_slice(n, op, 0, n->ff[i], fe_layer_name(n, i, "ffn_gate"));
			in[1] = fe_slice(n, op, n->ff[i], n->ff[i], fe_layer_name(n, i, "ffn_up"));
		} else {
			in[0] = fe_linear(n, i, h, "ffn_gate", n->ff[i], bias, "ffn_gate");
			in[1] = fe_linear(n, i, h, "ffn_up", n->ff[i], bias, "ffn_up");
		}
		op = fe_glu(n, in[0], in[1], act, fe_layer_name(n, i, "ffn_act"));
	}
	return fe_linear(n, i, op, "ffn_down", n->width, bias, "ffn_down");
}

struct ir_op *fe_ffn(struct fe_net *n, uint32_t i, struct ir_op *x)
{
	struct ir_op *h = n->arch->no_pre_norms ? x : fe_layer_norm(n, i, x, "ffn_norm");

	/* experts add up in the residual where nothing is done to their sum */
	if (fe_moe_layer(n, i) && !n->arch->post_norms && n->residual_scale == 1)
		return fe_moe_ffn(n, i, h, x);
	return residual(n, i, x, fe_ffn_of(n, i, h), "post_ffw_norm", "ffn_residual");
}

/* Heads of a layer: both numbers, or, in a hybrid, 0 KV heads. */
static int check_heads(struct fe_net *n, uint32_t i)
{
	uint32_t heads = n->heads_of[i], kv = n->kv_of[i];

	if (n->arch->hybrid && !kv)
		return 0;
	if (fe_check_range(n, "attention.head_count", heads, 65535) ||
	    fe_check_range(n, "attention.head_count_kv", kv, heads))
		return n->m->diag.err;
	if (heads % kv)
		return diag_set(&n->m->diag, -EINVAL,
				"key %s.attention.head_count_kv: %u does not divide head_count %u "
				"(layer %u)",
				n->arch->name, kv, heads, i);
	if (n->arch->mla && (heads != n->heads_of[0] || kv != n->kv_of[0]))
		return diag_set(&n->m->diag, -ENOTSUP,
				"key %s.attention.head_count: %u for layer 0, %u for layer %u (KV "
				"heads: %u, %u); supported: the same for all layers",
				n->arch->name, n->heads_of[0], heads, i, n->kv_of[0], kv);
	return 0;
}

static int read_counts(struct fe_net *n)
{
	char name[128];
	uint32_t i;

	n->heads_of = arena_array(&n->m->arena, n->blocks, sizeof(*n->heads_of));
	n->kv_of = arena_array(&n->m->arena, n->blocks, sizeof(*n->kv_of));
	if (!n->heads_of || !n->kv_of)
		return diag_nomem(&n->m->diag);
	if (fe_u32_layers(&n->keys, "attention.head_count", n->blocks, n->heads_of))
		return n->m->diag.err;
	memcpy(n->kv_of, n->heads_of, n->blocks * sizeof(*n->kv_of));
	snprintf(name, sizeof(name), "%s.attention.head_count_kv", n->arch->name);
	if ((n->arch->hybrid || gguf_find_kv(n->f, name)) &&
	    fe_u32_layers(&n->keys, "attention.head_count_kv", n->blocks, n->kv_of))
		return n->m->diag.err;
	for (i = 0; i < n->layers; i++) {
		if (check_heads(n, i))
			return n->m->diag.err;
		if (n->kv_of[i] > n->kv_heads ||
		    (n->kv_of[i] == n->kv_heads && n->heads_of[i] > n->heads)) {
			n->heads = n->heads_of[i];
			n->kv_heads = n->kv_of[i];
		}
	}
	if (!n->kv_heads)
		return diag_set(&n->m->diag, -ENOTSUP,
				"key %s: 0 for all layers, supported: some with attention", name);
	return 0;
}

/* Without a key of its own a head has its share of the width, of the first layer that has some. */
static uint32_t head_share(const struct fe_net *n)
{
	uint32_t i = 0;

	while (!n->heads_of[i])
		i++;
	return n->width / n->heads_of[i];
}

static int read_heads(struct fe_net *n)
{
	struct fe_keys *k = &n->keys;
	uint32_t i, most = 0;

	if (read_counts(n))
		return n->m->diag.err;
	n->head_size = n->value_size = head_share(n);
	if (fe_u32(k, "attention.key_length", false, &n->head_size) ||
	    fe_check_range(n, "attention.key_length", n->head_size, 65535) ||
	    fe_u32(k, "attention.value_length", false, &n->value_size) ||
	    fe_check_range(n, "attention.value_length", n->value_size, 65535))
		return n->m->diag.err;
	if (n->value_size != n->head_size && n->arch->same_values)
		return diag_set(&n->m->diag, -ENOTSUP,
				"key %s.attention.value_length: %u, supported: key_length, %u",
				n->arch->name, n->value_size, n->head_size);
	for (i = 0; i < n->layers; i++)
		most = n->heads_of[i] > most ? n->heads_of[i] : most;
	i = n->head_size > n->value_size ? n->head_size : n->value_size;
	if ((uint64_t)most * i > IR_MAX_WIDTH / 4)
		return diag_set(&n->m->diag, -ENOTSUP,
				"key %s.attention.head_count: %u heads of %u values, supported: %u "
				"values in all",
				n->arch->name, most, i, IR_MAX_WIDTH / 4);
	return 0;
}

static int read_ff(struct fe_net *n)
{
	const struct fe_moe_rules *moe = n->arch->moe;
	char name[128];
	uint32_t i;

	n->ff = arena_array(&n->m->arena, n->blocks, sizeof(*n->ff));
	if (!n->ff)
		return diag_nomem(&n->m->diag);
	snprintf(name, sizeof(name), "%s.feed_forward_length", n->arch->name);
	/* where every layer may have experts: see fe_ffn_of */
	if (moe && moe->own_width && !n->arch->hybrid && !gguf_find_kv(n->f, name))
		return 0;
	if (fe_u32_layers(&n->keys, "feed_forward_length", n->blocks, n->ff))
		return n->m->diag.err;
	for (i = 0; i < n->layers; i++) {
		if (n->arch->hybrid && !n->ff[i])
			continue;
		if (fe_check_range(n, "feed_forward_length", n->ff[i], IR_MAX_WIDTH / 2))
			return n->m->diag.err;
	}
	return 0;
}

/* Layers that predict further tokens stand behind the others; nothing of the next one depends on them. */
static int read_layers(struct fe_net *n)
{
	uint32_t more = 0;

	if (fe_u32(&n->keys, "block_count", true, &n->blocks) ||
	    fe_check_range(n, "block_count", n->blocks, FE_MAX_LAYERS) ||
	    fe_u32(&n->keys, "nextn_predict_layers", false, &more))
		return n->m->diag.err;
	if (more >= n->blocks)
		return diag_set(&n->m->diag, -EINVAL,
				"key %s.nextn_predict_layers: %u of block_count's %u layers",
				n->arch->name, more, n->blocks);
	n->layers = n->blocks - more;
	return 0;
}

static int read_sizes(struct fe_net *n)
{
	const char *eps = n->arch->layer_norm ? "attention.layer_norm_epsilon"
					      : "attention.layer_norm_rms_epsilon";
	struct fe_keys *k = &n->keys;
	uint32_t file_context = 0;

	if (read_layers(n) || fe_u32(k, "embedding_length", true, &n->width) ||
	    fe_check_range(n, "embedding_length", n->width, 1u << 20) ||
	    fe_u32(k, "context_length", true, &file_context) ||
	    fe_check_range(n, "context_length", file_context, 1u << 24))
		return n->m->diag.err;
	if (!n->arch->no_attention && (read_heads(n) || read_ff(n)))
		return n->m->diag.err;
	if (n->context > file_context)
		return diag_set(&n->m->diag, -EDOM,
				"context of %u positions, the model has %u (key %s.context_length)",
				n->context, file_context, n->arch->name);
	if (!n->context)
		n->context = file_context;
	if (fe_f32(k, eps, true, &n->eps))
		return n->m->diag.err;
	if (!(n->eps >= 0.0f) || n->eps > 1.0f)
		return diag_set(&n->m->diag, -EINVAL, "key %s.%s: %g, supported: 0 to 1",
				n->arch->name, eps, (double)n->eps);
	if (n->head_size)
		n->attn_scale = (float)(1.0 / sqrt((double)n->head_size));
	n->embd_scale = n->residual_scale = n->logit_scale = 1;
	return 0;
}

static bool takes_key(const struct fe_arch *a, const char *key)
{
	const char *const *k;

	for (k = a->keys; k && *k; k++) {
		if (!strcmp(*k, key))
			return true;
	}
	return false;
}

static int refuse_keys(struct fe_net *n)
{
	char name[128];
	size_t i;

	for (i = 0; i < sizeof(special_keys) / sizeof(special_keys[0]); i++) {
		float v = 0;
		int ret;

		if (takes_key(n->arch, special_keys[i]))
			continue;
		snprintf(name, sizeof(name), "%s.%s", n->arch->name, special_keys[i]);
		ret = gguf_get_f32(n->f, name, &v, NULL);
		if (ret == -ENOENT || (!ret && v == 0))
			continue;
		if (!strncmp(special_keys[i], "expert", 6))
			return diag_set(&n->m->diag, -ENOTSUP,
					"key %s: mixtures of experts are not supported", name);
		return diag_set(&n->m->diag, -ENOTSUP,
				"key %s: not supported; supported: the key absent or 0", name);
	}
	return 0;
}

static int refuse_flag(struct fe_net *n, const char *key, bool usual)
{
	bool v = usual;

	if (fe_bool(&n->keys, key, &v) || v == usual)
		return n->m->diag.err;
	return diag_set(&n->m->diag, -ENOTSUP, "key %s.%s: %s, supported: the key absent or %s",
			n->arch->name, key, v ? "true" : "false", usual ? "true" : "false");
}

/* The same of keys whose 0 is not what says no. A window as long as the context hides nothing. */
static int refuse_others(struct fe_net *n)
{
	uint32_t window = 0;

	if (refuse_flag(n, "use_parallel_residual", false) ||
	    (!n->arch->no_attention && refuse_flag(n, "attention.causal", true)))
		return n->m->diag.err;
	if (n->reads_window)
		return 0;
	if (fe_u32(&n->keys, "attention.sliding_window", false, &window))
		return n->m->diag.err;
	if (!window || n->arch->no_attention || window >= n->context)
		return 0;
	return diag_set(&n->m->diag, -ENOTSUP,
			"key %s.attention.sliding_window: %u, supported for %s: the key absent, 0, "
			"or the context's %u and more",
			n->arch->name, window, n->arch->name, n->context);
}

/* A tensor that was not asked for could change the result: refuse it. */
static int refuse_tensors(struct fe_net *n)
{
	char shown[SHOWN];
	size_t i;

	for (i = 0; i < gguf_n_tensors(n->f); i++) {
		const struct gguf_tensor *g = gguf_tensor(n->f, i);

		if (n->used[i] || source_part_of(n->f, g) != SOURCE_LEFT_OUT)
			continue;
		return diag_set(&n->m->diag, -ENOTSUP,
				"tensor %s: not part of a supported %s model",
				gguf_show(g->name, shown), n->arch->name);
	}
	return 0;
}

/* The embedding of the token, of the position where there is one, and its factor. */
static struct ir_op *embed(struct fe_net *n, struct ir_tensor *embd)
{
	struct ir_op *x, *pos = NULL;
	struct ir_tensor *t = NULL;
	const struct gguf_tensor *g;

	x = ir_op_new(n->m, IR_EMBED, "token_embd", 0, NULL, 1);
	if (!x)
		return NULL;
	x->mats[0] = embd;
	x->width = n->width;
	if (n->arch->pos_embd) {
		g = gguf_find_tensor(n->f, "position_embd.weight");
		if (g && (g->ne[1] < n->context || g->ne[1] > IR_MAX_WIDTH / 4)) {
			diag_set(&n->m->diag, -EINVAL,
				 "tensor position_embd.weight: %" PRId64
				 " rows, supported: the context's %u to %u",
				 g->ne[1], n->context, IR_MAX_WIDTH / 4);
			return NULL;
		}
		fe_tensor(n, "position_embd.weight", true, n->width,
			  g ? (uint64_t)g->ne[1] : n->context, &t);
		pos = t ? ir_op_new(n->m, IR_EMBED, "position_embd", 0, NULL, 1) : NULL;
		if (!pos)
			return NULL;
		pos->mats[0] = t;
		pos->width = n->width;
		pos->by_pos = 1;
	}
	if (n->embd_scale != 1)
		x = fe_affine(n, x, n->embd_scale, 0, "embd_scale");
	if (n->arch->embd_norm)
		x = fe_norm(n, x, "token_embd_norm", "embd_norm");
	return pos ? fe_add(n, x, pos, "embd") : x;
}

/* logit_scale * x, then capped */
static struct ir_op *finish_logits(struct fe_net *n, struct ir_op *x)
{
	if (n->logit_scale != 1)
		x = fe_affine(n, x, n->logit_scale, 0, "logit_scale");
	if (n->final_cap == 0)
		return x;
	x = fe_affine(n, x, 1 / n->final_cap, 0, "logit_cap_in");
	return fe_affine(n, fe_act(n, x, IR_FN_TANH, "logit_cap"), n->final_cap, 0,
			 "logit_cap_out");
}

static int build_graph(struct fe_net *n)
{
	const struct gguf_tensor *g = gguf_find_tensor(n->f, "token_embd.weight");
	struct ir_tensor *embd, *out, *out_bias = NULL;
	struct ir_meta *meta = &n->m->meta;
	struct ir_op *x, *op;
	uint32_t i;

	if (!g)
		return diag_set(&n->m->diag, -EINVAL, "tensor token_embd.weight: missing");
	if (g->ne[1] > IR_MAX_WIDTH / 4)
		return diag_set(&n->m->diag, -ENOTSUP,
				"tensor token_embd.weight: %" PRId64 " rows, supported: at most %u",
				g->ne[1], IR_MAX_WIDTH / 4);
	n->vocab = (uint32_t)g->ne[1];
	if (fe_tensor(n, "token_embd.weight", true, n->width, n->vocab, &embd))
		return n->m->diag.err;
	meta->layers = n->layers;
	meta->width = n->width;
	meta->vocab = n->vocab;
	meta->context = n->context;
	meta->heads = n->heads;
	meta->kv_heads = n->kv_heads;
	meta->head_size = n->head_size;
	meta->ff = n->ff ? n->ff[0] : 0;
	x = embed(n, embd);
	for (i = 0; i < n->layers; i++) {
		if (n->heads_of && !n->arch->mla) {
			n->heads = n->heads_of[i];
			n->kv_heads = n->kv_of[i];
		}
		x = n->arch->block ? n->arch->block(n, i, x) : fe_ffn(n, i, fe_attention(n, i, x));
		if (!x)
			return n->m->diag.err;
	}
	op = ir_op_new(n->m, IR_PICK, "pick", 1, &x, 0);
	if (!op)
		return n->m->diag.err;
	op->width = n->width;
	op = fe_norm(n, op, "output_norm", "output_norm");
	fe_tensor(n, "output.weight", false, n->width, n->vocab, &out);
	if (n->arch->bias_out)
		fe_tensor(n, "output.bias", false, n->vocab, 1, &out_bias);
	op = fe_matmul(n, op, out ? out : embd, "output");
	if (out)
		op = fe_output_scale(n, op, "output.scale", "output");
	op = finish_logits(n, fe_bias(n, op, out_bias, "output_bias"));
	ir_op_new(n->m, IR_LOGITS, "logits", 1, &op, 0);
	return n->m->diag.err ? n->m->diag.err : refuse_tensors(n);
}

int fe_build_net(struct ir_model *m, const struct gguf_file *f, const struct fe_arch *arch,
		 uint32_t context)
{
	struct fe_net n = {
		.m = m, .f = f, .arch = arch, .context = context, .keys = { m, f, arch->name }
	};
	struct gguf_str name = { "", 0 };
	struct gguf_error err = { 0 };
	int ret;

	n.used = arena_alloc(&m->arena, gguf_n_tensors(f) + 1);
	if (!n.used)
		return diag_nomem(&m->diag);
	ret = gguf_get_str(f, "general.name", &name, &err);
	if (ret && ret != -ENOENT)
		return diag_set(&m->diag, ret, "%s", err.msg);
	m->meta.arch = arch->name;
	/* NUL bytes in it would end the text early; keep what stands before. */
	m->meta.name = arena_strndup(&m->arena, name.ptr, name.len);
	if (!m->meta.name)
		return diag_nomem(&m->diag);
	if (read_sizes(&n) || refuse_keys(&n) ||
	    (!arch->no_rope && !arch->no_attention && fe_rope_table(&n)) || fe_moe_read(&n) ||
	    (arch->read && arch->read(&n)) || fe_refuse_window_base(&n) || refuse_others(&n))
		return m->diag.err;
	return build_graph(&n);
}
