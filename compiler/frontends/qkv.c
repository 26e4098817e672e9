// SPDX-License-Identifier: MIT
/* Queries, keys and values: a matrix for each, or one with the rows of all. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "compiler/frontends/build.h"
#include "compiler/quant/ggml_types.h"

#define FUSED "attn_qkv"

/* Rows of the fused matrix; `index` of the three parts. */
struct part {
	uint32_t index, first, rows, all;
};

bool fe_has_tensor(const struct fe_net *n, uint32_t layer, const char *name)
{
	char buf[96];

	snprintf(buf, sizeof(buf), "blk.%u.%s", layer, name);
	return gguf_find_tensor(n->f, buf);
}

/* The part's elements of the bias. */
static struct ir_op *add_bias(struct fe_net *n, uint32_t i, struct ir_op *op, const struct part *p,
			      const char *name)
{
	struct ir_tensor *b =
		fe_layer_bias(n, i, FUSED, n->arch->bias_qkv ? FE_BIAS : FE_MAY_BIAS, p->all);
	const struct ggml_type_traits *type = b ? ggml_type_get(b->src_type) : NULL;
	char buf[96];

	if (!b || !op)
		return n->m->diag.err ? NULL : op;
	if (!b->data || type->block != 1) {
		diag_set(&n->m->diag, -ENOTSUP,
			 "tensor %s: converted or in blocks; supported: as stored", b->name);
		return NULL;
	}
	snprintf(buf, sizeof(buf), "%s[%u]", b->name, p->index);
	b->name = arena_strndup(&n->m->arena, buf, strlen(buf));
	if (!b->name) {
		diag_nomem(&n->m->diag);
		return NULL;
	}
	b->data += (uint64_t)p->first * type->bytes;
	b->cols = p->rows;
	b->size = (size_t)p->rows * type->bytes;
	snprintf(buf, sizeof(buf), "%s_bias", name);
	return fe_bias(n, op, b, fe_layer_name(n, i, buf));
}

static struct ir_op *make_part(struct fe_net *n, uint32_t i, struct ir_op *h, const struct part *p,
			       const char *name)
{
	struct ir_op *op;
	char buf[64];

	op = fe_matmul(
		n, h,
		fe_layer_part(n, i, FUSED ".weight", h->width, p->all, p->first, p->rows, p->index),
		fe_layer_name(n, i, name));
	snprintf(buf, sizeof(buf), "blk.%u." FUSED ".scale", i);
	op = fe_output_scale(n, op, buf, fe_layer_name(n, i, name));
	return add_bias(n, i, op, p, name);
}

void fe_qkv(struct fe_net *n, uint32_t i, struct ir_op *h, struct ir_op *out[3])
{
	static const char *const names[3] = { "attn_q", "attn_k", "attn_v" };
	const uint32_t rows[3] = { n->heads * n->head_size, n->kv_heads * n->head_size,
				   n->kv_heads * n->value_size };
	struct part p = { .all = rows[0] + rows[1] + rows[2] };
	uint32_t k;

	out[0] = out[1] = out[2] = NULL;
	if (!h)
		return;
	for (k = 0; k < 3; k++) {
		if (fe_has_tensor(n, i, FUSED ".weight") ||
		    (n->arch->fused && !fe_has_tensor(n, i, "attn_q.weight"))) {
			p.index = k;
			p.rows = rows[k];
			out[k] = make_part(n, i, h, &p, names[k]);
			p.first += rows[k];
		} else {
			out[k] = fe_linear(n, i, h, names[k], rows[k],
					   n->arch->bias_qkv ? FE_BIAS : FE_MAY_BIAS, names[k]);
		}
	}
}
