// SPDX-License-Identifier: MIT
/*
 * The dense transformer of llama, qwen2 and qwen3: pre-norm attention and a gated feed-forward,
 * RMS norms, rotary positions.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "compiler/frontends/frontend.h"

struct dense {
	struct ir_model *m;
	const struct gguf_file *f;
	const struct fe_arch *arch;
	struct fe_keys keys;
	uint32_t layers, width, heads, kv_heads, head_size, vocab, context;
	uint32_t *ff; /* per layer */
	float eps;
	struct ir_table *rope;
	uint8_t *used; /* per tensor of the file */
};

/* Keys that change the computation and that the dense graph does not have; non-zero is refused. */
static const char *const refused_keys[] = {
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

static int find_tensor(struct dense *d, const char *name, bool required, uint64_t cols,
		       uint64_t rows, struct ir_tensor **out)
{
	const struct gguf_tensor *g = gguf_find_tensor(d->f, name);
	struct ir_tensor *t;
	uint64_t have_rows;

	*out = NULL;
	if (d->m->diag.err)
		return d->m->diag.err;
	if (!g) {
		if (!required)
			return 0;
		return diag_set(&d->m->diag, -EINVAL, "tensor %s: missing", name);
	}
	for (size_t i = 0; i < gguf_n_tensors(d->f); i++) {
		if (gguf_tensor(d->f, i) == g)
			d->used[i] = 1;
	}
	have_rows = g->elements / (uint64_t)g->ne[0];
	if ((uint64_t)g->ne[0] != cols || have_rows != rows || g->ne[2] != 1 || g->ne[3] != 1)
		return diag_set(&d->m->diag, -EINVAL,
				"tensor %s: shape %" PRId64 " x %" PRIu64 ", expected %" PRIu64
				" x %" PRIu64,
				name, g->ne[0], have_rows, cols, rows);
	t = ir_tensor_new(d->m, name, strlen(name));
	if (!t)
		return d->m->diag.err;
	t->src_type = g->type;
	t->rows = rows;
	t->cols = cols;
	t->data = g->data;
	t->size = g->size;
	*out = t;
	return 0;
}

static struct ir_tensor *layer_tensor(struct dense *d, uint32_t layer, const char *name,
				      bool required, uint64_t cols, uint64_t rows)
{
	struct ir_tensor *t;
	char buf[96];

	snprintf(buf, sizeof(buf), "blk.%u.%s", layer, name);
	find_tensor(d, buf, required, cols, rows, &t);
	return t;
}

static const char *layer_name(struct dense *d, uint32_t layer, const char *what)
{
	const char *s = arena_printf(&d->m->arena, "layer.%u/%s", layer, what);

	return s ? s : "";
}

static struct ir_op *rmsnorm(struct dense *d, struct ir_op *x, struct ir_tensor *w, uint32_t seg,
			     uint32_t copies, const char *name)
{
	struct ir_op *op = ir_op_new(d->m, IR_RMSNORM, name, 1, &x, 0);

	if (!op || !w)
		return NULL;
	op->konst = ir_const_tensor(d->m, w);
	if (!op->konst)
		return NULL;
	op->konst->pieces[0].repeat = copies;
	op->konst->n *= copies;
	op->width = x->width;
	op->seg = seg;
	op->eps = d->eps;
	return op;
}

static struct ir_op *matmul(struct dense *d, struct ir_op *x, struct ir_tensor *w, const char *name)
{
	struct ir_op *op = ir_op_new(d->m, IR_MATMUL, name, 1, &x, 1);

	if (!op || !w)
		return NULL;
	op->mats[0] = w;
	op->width = (uint32_t)w->rows;
	return op;
}

static struct ir_op *bias(struct dense *d, struct ir_op *x, struct ir_tensor *b, const char *name)
{
	struct ir_op *op;

	if (!b || !x)
		return x;
	op = ir_op_new(d->m, IR_BIAS, name, 1, &x, 0);
	if (!op)
		return NULL;
	op->konst = ir_const_tensor(d->m, b);
	op->width = x->width;
	return op;
}

/* weight and, where the architecture may have one, bias */
static struct ir_op *linear(struct dense *d, uint32_t layer, struct ir_op *x, const char *tensor,
			    uint32_t rows, bool may_bias, const char *name)
{
	struct ir_tensor *w, *b = NULL;
	struct ir_op *op;
	char buf[64];

	if (!x)
		return NULL;
	snprintf(buf, sizeof(buf), "%s.weight", tensor);
	w = layer_tensor(d, layer, buf, true, x->width, rows);
	snprintf(buf, sizeof(buf), "%s.bias", tensor);
	if (may_bias)
		b = layer_tensor(d, layer, buf, false, rows, 1);
	op = matmul(d, x, w, layer_name(d, layer, name));
	snprintf(buf, sizeof(buf), "%s_bias", name);
	return bias(d, op, b, layer_name(d, layer, buf));
}

static struct ir_op *add(struct dense *d, struct ir_op *a, struct ir_op *b, const char *name)
{
	struct ir_op *in[2] = { a, b };
	struct ir_op *op = ir_op_new(d->m, IR_ADD, name, 2, in, 0);

	if (op)
		op->width = a->width;
	return op;
}

static struct ir_op *rope(struct dense *d, struct ir_op *x, const char *name)
{
	struct ir_op *op = ir_op_new(d->m, IR_ROPE, name, 1, &x, 0);

	if (!op)
		return NULL;
	op->table = d->rope;
	op->width = x->width;
	op->seg = d->head_size;
	op->pairs = d->arch->rope_pairs;
	return op;
}

static struct ir_op *attention_block(struct dense *d, uint32_t i, struct ir_op *x)
{
	uint32_t nq = d->heads * d->head_size, nk = d->kv_heads * d->head_size;
	struct ir_op *h, *in[3], *op;

	h = rmsnorm(d, x, layer_tensor(d, i, "attn_norm.weight", true, d->width, 1), d->width, 1,
		    layer_name(d, i, "attn_norm"));
	in[0] = linear(d, i, h, "attn_q", nq, d->arch->bias_q, "attn_q");
	in[1] = linear(d, i, h, "attn_k", nk, d->arch->bias_q, "attn_k");
	in[2] = linear(d, i, h, "attn_v", nk, d->arch->bias_q, "attn_v");
	if (d->arch->head_norms) {
		in[0] = rmsnorm(d, in[0],
				layer_tensor(d, i, "attn_q_norm.weight", true, d->head_size, 1),
				d->head_size, d->heads, layer_name(d, i, "attn_q_norm"));
		in[1] = rmsnorm(d, in[1],
				layer_tensor(d, i, "attn_k_norm.weight", true, d->head_size, 1),
				d->head_size, d->kv_heads, layer_name(d, i, "attn_k_norm"));
	}
	in[0] = rope(d, in[0], layer_name(d, i, "rope_q"));
	in[1] = rope(d, in[1], layer_name(d, i, "rope_k"));
	op = ir_op_new(d->m, IR_ATTENTION, layer_name(d, i, "attn"), 3, in, 0);
	if (!op)
		return NULL;
	op->width = nq;
	op->seg = d->head_size;
	op->layer = i;
	op->heads = d->heads;
	op->kv_heads = d->kv_heads;
	op->scale = (float)(1.0 / sqrt((double)d->head_size));
	op = linear(d, i, op, "attn_output", d->width, d->arch->bias_o, "attn_output");
	return add(d, x, op, layer_name(d, i, "attn_residual"));
}

static struct ir_op *ffn_block(struct dense *d, uint32_t i, struct ir_op *x)
{
	struct ir_op *h, *in[2], *op;

	h = rmsnorm(d, x, layer_tensor(d, i, "ffn_norm.weight", true, d->width, 1), d->width, 1,
		    layer_name(d, i, "ffn_norm"));
	in[0] = linear(d, i, h, "ffn_gate", d->ff[i], d->arch->bias_ffn, "ffn_gate");
	in[1] = linear(d, i, h, "ffn_up", d->ff[i], d->arch->bias_ffn, "ffn_up");
	op = ir_op_new(d->m, IR_SWIGLU, layer_name(d, i, "ffn_act"), 2, in, 0);
	if (!op)
		return NULL;
	op->width = d->ff[i];
	op = linear(d, i, op, "ffn_down", d->width, d->arch->bias_ffn, "ffn_down");
	return add(d, x, op, layer_name(d, i, "ffn_residual"));
}

static int check_range(struct dense *d, const char *key, uint32_t v, uint32_t max)
{
	if (v && v <= max)
		return 0;
	return diag_set(&d->m->diag, -EINVAL, "key %s.%s: %u, supported: 1 to %u", d->arch->name,
			key, v, max);
}

static int read_sizes(struct dense *d)
{
	struct fe_keys *k = &d->keys;
	uint32_t vlen, i, file_context = 0;

	if (fe_u32(k, "block_count", true, &d->layers) ||
	    check_range(d, "block_count", d->layers, FE_MAX_LAYERS) ||
	    fe_u32(k, "embedding_length", true, &d->width) ||
	    check_range(d, "embedding_length", d->width, 1u << 20) ||
	    fe_u32(k, "context_length", true, &file_context) ||
	    check_range(d, "context_length", file_context, 1u << 24) ||
	    fe_u32_uniform(k, "attention.head_count", true, d->layers, &d->heads) ||
	    check_range(d, "attention.head_count", d->heads, 65535))
		return d->m->diag.err;
	d->kv_heads = d->heads;
	if (fe_u32_uniform(k, "attention.head_count_kv", false, d->layers, &d->kv_heads) ||
	    check_range(d, "attention.head_count_kv", d->kv_heads, d->heads))
		return d->m->diag.err;
	if (d->heads % d->kv_heads)
		return diag_set(&d->m->diag, -EINVAL,
				"key %s.attention.head_count_kv: %u does not divide head_count %u",
				d->arch->name, d->kv_heads, d->heads);
	d->head_size = d->width / d->heads;
	if (fe_u32(k, "attention.key_length", false, &d->head_size) ||
	    check_range(d, "attention.key_length", d->head_size, 65535))
		return d->m->diag.err;
	vlen = d->width / d->heads;
	if (fe_u32(k, "attention.value_length", false, &vlen))
		return d->m->diag.err;
	if (vlen != d->head_size)
		return diag_set(&d->m->diag, -ENOTSUP,
				"key %s.attention.value_length: %u, supported: key_length, %u",
				d->arch->name, vlen, d->head_size);
	if ((uint64_t)d->heads * d->head_size > IR_MAX_WIDTH / 4)
		return diag_set(&d->m->diag, -ENOTSUP,
				"key %s.attention.head_count: %u heads of %u values, supported: %u "
				"values in all",
				d->arch->name, d->heads, d->head_size, IR_MAX_WIDTH / 4);
	d->ff = arena_array(&d->m->arena, d->layers, sizeof(*d->ff));
	if (!d->ff)
		return diag_nomem(&d->m->diag);
	if (fe_u32_layers(k, "feed_forward_length", d->layers, d->ff))
		return d->m->diag.err;
	for (i = 0; i < d->layers; i++) {
		if (check_range(d, "feed_forward_length", d->ff[i], IR_MAX_WIDTH / 2))
			return d->m->diag.err;
	}
	if (d->context > file_context)
		return diag_set(&d->m->diag, -EDOM,
				"context of %u positions, the model has %u (key %s.context_length)",
				d->context, file_context, d->arch->name);
	if (!d->context)
		d->context = file_context;
	if (fe_f32(k, "attention.layer_norm_rms_epsilon", true, &d->eps))
		return d->m->diag.err;
	if (!(d->eps >= 0.0f) || d->eps > 1.0f)
		return diag_set(&d->m->diag, -EINVAL,
				"key %s.attention.layer_norm_rms_epsilon: %g, supported: 0 to 1",
				d->arch->name, (double)d->eps);
	return 0;
}

static int refuse_keys(struct dense *d)
{
	char name[128];
	size_t i;

	for (i = 0; i < sizeof(refused_keys) / sizeof(refused_keys[0]); i++) {
		float v = 0;
		int ret;

		snprintf(name, sizeof(name), "%s.%s", d->arch->name, refused_keys[i]);
		ret = gguf_get_f32(d->f, name, &v, NULL);
		if (ret == -ENOENT || (!ret && v == 0))
			continue;
		if (!strncmp(refused_keys[i], "expert", 6))
			return diag_set(&d->m->diag, -ENOTSUP,
					"key %s: mixtures of experts are not supported", name);
		return diag_set(&d->m->diag, -ENOTSUP,
				"key %s: not supported; supported: the key absent or 0", name);
	}
	return 0;
}

/* models.md section 3 and 4: frequencies, linear scaling, yarn. */
static int build_rope(struct dense *d)
{
	struct fe_keys *k = &d->keys;
	uint32_t dims = d->head_size, orig = 0;
	float base = 10000.0f, factor = 0.0f, attn = 1.0f, ext = -1.0f, fast = 32.0f, slow = 1.0f;
	struct gguf_str type = { "linear", 6 };
	struct ir_table *r;
	bool yarn, none;

	if (fe_u32(k, "context_length", true, &orig) ||
	    fe_u32(k, "rope.dimension_count", false, &dims) ||
	    fe_f32(k, "rope.freq_base", false, &base) || fe_str(k, "rope.scaling.type", &type) ||
	    fe_f32(k, "rope.scale_linear", false, &factor) ||
	    fe_f32(k, "rope.scaling.factor", false, &factor) ||
	    fe_f32(k, "rope.scaling.attn_factor", false, &attn) ||
	    fe_f32(k, "rope.scaling.yarn_ext_factor", false, &ext) ||
	    fe_f32(k, "rope.scaling.yarn_beta_fast", false, &fast) ||
	    fe_f32(k, "rope.scaling.yarn_beta_slow", false, &slow) ||
	    fe_u32(k, "rope.scaling.original_context_length", false, &orig))
		return d->m->diag.err;
	if (!dims || dims % 2 || dims > d->head_size)
		return diag_set(&d->m->diag, -EINVAL,
				"key %s.rope.dimension_count: %u, supported: even, 2 to the head "
				"size %u",
				d->arch->name, dims, d->head_size);
	if (!(base > 0.0f) || base == 1.0f)
		return diag_set(&d->m->diag, -EINVAL,
				"key %s.rope.freq_base: %g, supported: positive, not 1",
				d->arch->name, (double)base);
	if (factor < 0.0f)
		return diag_set(&d->m->diag, -EINVAL,
				"key %s.rope.scaling.factor: %g, supported: not negative",
				d->arch->name, (double)factor);
	yarn = gguf_str_eq(type, "yarn");
	none = gguf_str_eq(type, "none");
	if (!yarn && !none && !gguf_str_eq(type, "linear"))
		return diag_set(&d->m->diag, -ENOTSUP,
				"key %s.rope.scaling.type: \"%.*s\", supported: none, linear, yarn",
				d->arch->name, (int)(type.len < 32 ? type.len : 32), type.ptr);
	if (yarn && (!orig || !(fast > 0.0f) || !(slow > 0.0f)))
		return diag_set(&d->m->diag, -EINVAL,
				"key %s.rope.scaling: yarn needs a positive original context and "
				"betas",
				d->arch->name);
	r = ir_table_new(d->m, "rope");
	if (!r)
		return d->m->diag.err;
	r->dims = dims;
	r->positions = d->context;
	r->base = base;
	r->scale = none || factor == 0.0f ? 1.0 : 1.0 / (double)factor;
	r->mscale = attn;
	r->beta_fast = fast;
	r->beta_slow = slow;
	r->orig_ctx = orig;
	r->ext = ext < 0.0f ? yarn : ext;
	if (r->ext != 0.0)
		r->mscale *= 1.0 + 0.1 * log(1.0 / r->scale);
	if (d->arch->rope_freqs)
		find_tensor(d, "rope_freqs.weight", false, dims / 2, 1, &r->factors);
	d->rope = r;
	return d->m->diag.err;
}

/* A tensor that was not asked for could change the result: refuse it. */
static int refuse_tensors(struct dense *d)
{
	size_t i;

	for (i = 0; i < gguf_n_tensors(d->f); i++) {
		const struct gguf_tensor *g = gguf_tensor(d->f, i);
		const char *suffix = ".input_scale";
		size_t n = strlen(suffix);

		if (d->used[i] || gguf_str_eq(g->name, "rope_freqs.weight") ||
		    (g->name.len > n && !memcmp(g->name.ptr + g->name.len - n, suffix, n)))
			continue;
		return diag_set(&d->m->diag, -ENOTSUP,
				"tensor %.*s: not part of a supported %s model", (int)g->name.len,
				g->name.ptr, d->arch->name);
	}
	return 0;
}

static int build_graph(struct dense *d)
{
	const struct gguf_tensor *g = gguf_find_tensor(d->f, "token_embd.weight");
	struct ir_tensor *embd, *out, *out_bias = NULL;
	struct ir_meta *meta = &d->m->meta;
	struct ir_op *x, *op;
	uint32_t i;

	if (!g)
		return diag_set(&d->m->diag, -EINVAL, "tensor token_embd.weight: missing");
	if (g->ne[1] > IR_MAX_WIDTH / 4)
		return diag_set(&d->m->diag, -ENOTSUP,
				"tensor token_embd.weight: %" PRId64 " rows, supported: at most %u",
				g->ne[1], IR_MAX_WIDTH / 4);
	d->vocab = (uint32_t)g->ne[1];
	if (find_tensor(d, "token_embd.weight", true, d->width, d->vocab, &embd))
		return d->m->diag.err;
	meta->layers = d->layers;
	meta->width = d->width;
	meta->vocab = d->vocab;
	meta->context = d->context;
	meta->heads = d->heads;
	meta->kv_heads = d->kv_heads;
	meta->head_size = d->head_size;
	meta->ff = d->ff[0];
	x = ir_op_new(d->m, IR_EMBED, "token_embd", 0, NULL, 1);
	if (!x)
		return d->m->diag.err;
	x->mats[0] = embd;
	x->width = d->width;
	for (i = 0; i < d->layers; i++) {
		x = attention_block(d, i, x);
		x = ffn_block(d, i, x);
		if (!x)
			return d->m->diag.err;
	}
	op = ir_op_new(d->m, IR_PICK, "pick", 1, &x, 0);
	if (!op)
		return d->m->diag.err;
	op->width = d->width;
	find_tensor(d, "output_norm.weight", true, d->width, 1, &out);
	op = rmsnorm(d, op, out, d->width, 1, "output_norm");
	find_tensor(d, "output.weight", false, d->width, d->vocab, &out);
	if (d->arch->bias_out)
		find_tensor(d, "output.bias", false, d->vocab, 1, &out_bias);
	op = matmul(d, op, out ? out : embd, "output");
	op = bias(d, op, out_bias, "output_bias");
	ir_op_new(d->m, IR_LOGITS, "logits", 1, &op, 0);
	return d->m->diag.err ? d->m->diag.err : refuse_tensors(d);
}

int fe_build_dense(struct ir_model *m, const struct gguf_file *f, const struct fe_arch *arch,
		   uint32_t context)
{
	struct dense d = {
		.m = m, .f = f, .arch = arch, .context = context, .keys = { m, f, arch->name }
	};
	struct gguf_str name = { "", 0 };
	struct gguf_error err = { 0 };
	int ret;

	d.used = arena_alloc(&m->arena, gguf_n_tensors(f) + 1);
	if (!d.used)
		return diag_nomem(&m->diag);
	ret = gguf_get_str(f, "general.name", &name, &err);
	if (ret && ret != -ENOENT)
		return diag_set(&m->diag, ret, "%s", err.msg);
	m->meta.arch = arch->name;
	/* NUL bytes in it would end the text early; keep what stands before. */
	m->meta.name = arena_strndup(&m->arena, name.ptr, name.len);
	if (!m->meta.name)
		return diag_nomem(&m->diag);
	if (read_sizes(&d) || refuse_keys(&d) || build_rope(&d))
		return m->diag.err;
	return build_graph(&d);
}
