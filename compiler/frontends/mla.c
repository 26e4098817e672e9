// SPDX-License-Identifier: MIT
#include "compiler/frontends/mla.h"

#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "compiler/quant/ggml_types.h"
#include "compiler/quant/half.h"

/* Rows `from` to from + n of every `head` rows of src. */
struct part {
	struct gguf_rows base;
	const struct gguf_tensor *src;
	uint64_t head, from, n;
};

static const uint8_t *source_row(const struct part *p, uint64_t head, uint64_t row)
{
	uint64_t bytes = p->src->size / (p->src->elements / (uint64_t)p->src->ne[0]);

	return p->src->data + (head * p->head + p->from + row) * bytes;
}

static void read_rows(const struct gguf_rows *base, const struct gguf_tensor *t, uint64_t first,
		      uint64_t n, uint8_t *dst)
{
	const struct part *p = (const struct part *)base;
	uint64_t bytes = t->size / (t->elements / (uint64_t)t->ne[0]), row;

	for (row = first; row < first + n; row++, dst += bytes)
		memcpy(dst, source_row(p, row / p->n, row % p->n), bytes);
}

/* Row r of a head is its column r, as F32: block by block, of which one element is wanted. */
static void read_columns(const struct gguf_rows *base, const struct gguf_tensor *t, uint64_t first,
			 uint64_t n, uint8_t *dst)
{
	const struct part *p = (const struct part *)base;
	const struct ggml_type_traits *type = ggml_type_get(p->src->type);
	uint64_t cols = (uint64_t)p->src->ne[0], row, k;
	float block[GGML_MAX_BLOCK];
	uint32_t v;

	(void)t;
	for (row = first; row < first + n; row++) {
		uint64_t col = row % cols, at = col / type->block * type->bytes;

		for (k = 0; k < p->n; k++, dst += sizeof(v)) {
			ggml_dequantize_row(p->src->type, source_row(p, row / cols, k) + at, block,
					    type->block);
			v = htole32(float_bits(block[col % type->block]));
			memcpy(dst, &v, sizeof(v));
		}
	}
}

static struct ir_tensor *make(struct fe_net *n, const struct part *p, const char *what,
			      uint32_t type, uint64_t cols, uint64_t rows)
{
	struct gguf_tensor *g = arena_alloc(&n->m->arena, sizeof(*g));
	struct part *own = arena_alloc(&n->m->arena, sizeof(*own));
	struct ir_tensor *t;
	uint64_t bytes;
	char name[96];

	snprintf(name, sizeof(name), "%.*s[%s]", (int)p->src->name.len, p->src->name.ptr, what);
	t = ir_tensor_new(n->m, name, strlen(name));
	if (!g || !own || !t) {
		diag_nomem(&n->m->diag);
		return NULL;
	}
	if (ggml_row_size(type, (int64_t)cols, &bytes)) {
		diag_set(&n->m->diag, -EINVAL, "tensor %s: rows of %" PRIu64 " elements", name,
			 cols);
		return NULL;
	}
	*own = *p;
	*g = (struct gguf_tensor){ .name = { t->name, strlen(t->name) },
				   .type = type,
				   .n_dims = 2,
				   .ne = { (int64_t)cols, (int64_t)rows, 1, 1 },
				   .elements = cols * rows,
				   .size = bytes * rows,
				   .rows = &own->base };
	t->src_type = type;
	t->rows = rows;
	t->cols = cols;
	t->source = g;
	t->size = g->size;
	return t;
}

int fe_split_kv_b(struct fe_net *n, uint32_t layer, uint32_t rank, uint32_t plain, uint32_t value,
		  struct ir_tensor **k_b, struct ir_tensor **v_b)
{
	struct part p = { .base = { read_columns }, .head = (uint64_t)plain + value, .n = plain };

	p.src = fe_layer_source(n, layer, "attn_kv_b.weight", rank, n->heads * p.head);
	if (!p.src)
		return n->m->diag.err;
	if (!p.src->data)
		return diag_set(&n->m->diag, -ENOTSUP,
				"tensor %.*s: converted when it is read; supported: attn_k_b and "
				"attn_v_b",
				(int)p.src->name.len, p.src->name.ptr);
	*k_b = make(n, &p, "k", GGML_TYPE_F32, plain, (uint64_t)n->heads * rank);
	p.base.read = read_rows;
	p.from = plain;
	p.n = value;
	*v_b = make(n, &p, "v", p.src->type, rank, (uint64_t)n->heads * value);
	return n->m->diag.err;
}
