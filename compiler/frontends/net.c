// SPDX-License-Identifier: MIT
/*
 * Model file to graph: the numbers all architectures have, the embedding, one block after the other,
 * and the logits. The default block is that of llama, qwen2 and qwen3: pre-norm attention and a gated
 * feed-forward, RMS norms, rotary positions.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "compiler/frontends/build.h"

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
	"nextn_predict_layers",
};

struct ir_op *fe_attention(struct fe_net *n, uint32_t i, struct ir_op *x)
{
	uint32_t nq = n->heads * n->head_size, nk = n->kv_heads * n->head_size;
	struct ir_op *h, *in[3], *op;

	h = fe_rmsnorm(n, x, fe_layer_tensor(n, i, "attn_norm.weight", true, n->width, 1), n->width,
		       1, fe_layer_name(n, i, "attn_norm"));
	in[0] = fe_linear(n, i, h, "attn_q", nq, n->arch->bias_q, "attn_q");
	in[1] = fe_linear(n, i, h, "attn_k", nk, n->arch->bias_q, "attn_k");
	in[2] = fe_linear(n, i, h, "attn_v", nk, n->arch->bias_q, "attn_v");
	if (n->arch->head_norms) {
		in[0] = fe_rmsnorm(
			n, in[0],
			fe_layer_tensor(n, i, "attn_q_norm.weight", true, n->head_size, 1),
			n->head_size, n->heads, fe_layer_name(n, i, "attn_q_norm"));
		in[1] = fe_rmsnorm(
			n, in[1],
			fe_layer_tensor(n, i, "attn_k_norm.weight", true, n->head_size, 1),
			n->head_size, n->kv_heads, fe_layer_name(n, i, "attn_k_norm"));
	}
	in[0] = fe_rope(n, in[0], fe_layer_name(n, i, "rope_q"));
	in[1] = fe_rope(n, in[1], fe_layer_name(n, i, "rope_k"));
	op = ir_op_new(n->m, IR_ATTENTION, fe_layer_name(n, i, "attn"), 3, in, 0);
	if (!op)
		return NULL;
	op->width = nq;
	op->seg = n->head_size;
	op->layer = i;
	op->heads = n->heads;
	op->kv_heads = n->kv_heads;
	op->scale = (float)(1.0 / sqrt((double)n->head_size));
	op = fe_linear(n, i, op, "attn_output", n->width, n->arch->bias_o, "attn_output");
	return fe_add(n, x, op, fe_layer_name(n, i, "attn_residual"));
}

struct ir_op *fe_ffn(struct fe_net *n, uint32_t i, struct ir_op *x)
{
	struct ir_op *h, *in[2], *op;

	h = fe_rmsnorm(n, x, fe_layer_tensor(n, i, "ffn_norm.weight", true, n->width, 1), n->width,
		       1, fe_layer_name(n, i, "ffn_norm"));
	in[0] = fe_linear(n, i, h, "ffn_gate", n->ff[i], n->arch->bias_ffn, "ffn_gate");
	in[1] = fe_linear(n, i, h, "ffn_up", n->ff[i], n->arch->bias_ffn, "ffn_up");
	op = fe_glu(n, in[0], in[1], IR_FN_SILU, fe_layer_name(n, i, "ffn_act"));
	op = fe_linear(n, i, op, "ffn_down", n->width, n->arch->bias_ffn, "ffn_down");
	return fe_add(n, x, op, fe_layer_name(n, i, "ffn_residual"));
}

static int read_heads(struct fe_net *n)
{
	struct fe_keys *k = &n->keys;
	uint32_t vlen;

	if (fe_u32_uniform(k, "attention.head_count", true, n->layers, &n->heads) ||
	    fe_check_range(n, "attention.head_count", n->heads, 65535))
		return n->m->diag.err;
	n->kv_heads = n->heads;
	if (fe_u32_uniform(k, "attention.head_count_kv", false, n->layers, &n->kv_heads) ||
	    fe_check_range(n, "attention.head_count_kv", n->kv_heads, n->heads))
		return n->m->diag.err;
	if (n->heads % n->kv_heads)
		return diag_set(&n->m->diag, -EINVAL,
				"key %s.attention.head_count_kv: %u does not divide head_count %u",
				n->arch->name, n->kv_heads, n->heads);
	n->head_size = n->width / n->heads;
	if (fe_u32(k, "attention.key_length", false, &n->head_size) ||
	    fe_check_range(n, "attention.key_length", n->head_size, 65535))
		return n->m->diag.err;
	vlen = n->width / n->heads;
	if (fe_u32(k, "attention.value_length", false, &vlen))
		return n->m->diag.err;
	if (vlen != n->head_size)
		return diag_set(&n->m->diag, -ENOTSUP,
				"key %s.attention.value_length: %u, supported: key_length, %u",
				n->arch->name, vlen, n->head_size);
	if ((uint64_t)n->heads * n->head_size > IR_MAX_WIDTH / 4)
		return diag_set(&n->m->diag, -ENOTSUP,
				"key %s.attention.head_count: %u heads of %u values, supported: %u "
				"values in all",
				n->arch->name, n->heads, n->head_size, IR_MAX_WIDTH / 4);
	return 0;
}

static int read_ff(struct fe_net *n)
{
	uint32_t i;

	n->ff = arena_array(&n->m->arena, n->layers, sizeof(*n->ff));
	if (!n->ff)
		return diag_nomem(&n->m->diag);
	if (fe_u32_layers(&n->keys, "feed_forward_length", n->layers, n->ff))
		return n->m->diag.err;
	for (i = 0; i < n->layers; i++) {
		if (fe_check_range(n, "feed_forward_length", n->ff[i], IR_MAX_WIDTH / 2))
			return n->m->diag.err;
	}
	return 0;
}

static int read_sizes(struct fe_net *n)
{
	struct fe_keys *k = &n->keys;
	uint32_t file_context = 0;

	if (fe_u32(k, "block_count", true, &n->layers) ||
	    fe_check_range(n, "block_count", n->layers, FE_MAX_LAYERS) ||
	    fe_u32(k, "embedding_length", true, &n->width) ||
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
	if (fe_f32(k, "attention.layer_norm_rms_epsilon", true, &n->eps))
		return n->m->diag.err;
	if (!(n->eps >= 0.0f) || n->eps > 1.0f)
		return diag_set(&n->m->diag, -EINVAL,
				"key %s.attention.layer_norm_rms_epsilon: %g, supported: 0 to 1",
				n->arch->name, (double)n->eps);
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

/* A tensor that was not asked for could change the result: refuse it. */
static int refuse_tensors(struct fe_net *n)
{
	size_t i;

	for (i = 0; i < gguf_n_tensors(n->f); i++) {
		const struct gguf_tensor *g = gguf_tensor(n->f, i);
		const char *suffix = ".input_scale";
		size_t len = strlen(suffix);

		if (n->used[i] || gguf_str_eq(g->name, "rope_freqs.weight") ||
		    (g->name.len > len && !memcmp(g->name.ptr + g->name.len - len, suffix, len)))
			continue;
		return diag_set(&n->m->diag, -ENOTSUP,
				"tensor %.*s: not part of a supported %s model", (int)g->name.len,
				g->name.ptr, n->arch->name);
	}
	return 0;
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
	x = ir_op_new(n->m, IR_EMBED, "token_embd", 0, NULL, 1);
	if (!x)
		return n->m->diag.err;
	x->mats[0] = embd;
	x->width = n->width;
	for (i = 0; i < n->layers; i++) {
		x = n->arch->block ? n->arch->block(n, i, x) : fe_ffn(n, i, fe_attention(n, i, x));
		if (!x)
			return n->m->diag.err;
	}
	op = ir_op_new(n->m, IR_PICK, "pick", 1, &x, 0);
	if (!op)
		return n->m->diag.err;
	op->width = n->width;
	fe_tensor(n, "output_norm.weight", true, n->width, 1, &out);
	op = fe_rmsnorm(n, op, out, n->width, 1, "output_norm");
	fe_tensor(n, "output.weight", false, n->width, n->vocab, &out);
	if (n->arch->bias_out)
		fe_tensor(n, "output.bias", false, n->vocab, 1, &out_bias);
	op = fe_matmul(n, op, out ? out : embd, "output");
	op = fe_bias(n, op, out_bias, "output_bias");
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
	if (read_sizes(&n) || refuse_keys(&n) || (!arch->no_attention && fe_rope_table(&n)) ||
	    (arch->read && arch->read(&n)))
		return m->diag.err;
	return build_graph(&n);
}
