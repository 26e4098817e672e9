// SPDX-License-Identifier: MIT
#include <inttypes.h>
#include <string.h>

#include "compiler/ir/ir_attr.h"

#define ATTR(s, key, type, field)                              \
	{                                                      \
		key, IR_ATTR_##type, offsetof(struct s, field) \
	}

const struct ir_attr ir_attrs_model[] = {
	ATTR(ir_meta, "arch", STR, arch),	    ATTR(ir_meta, "name", STR, name),
	ATTR(ir_meta, "layers", U32, layers),	    ATTR(ir_meta, "width", U32, width),
	ATTR(ir_meta, "vocab", U32, vocab),	    ATTR(ir_meta, "context", U32, context),
	ATTR(ir_meta, "heads", U32, heads),	    ATTR(ir_meta, "kv_heads", U32, kv_heads),
	ATTR(ir_meta, "head_size", U32, head_size), ATTR(ir_meta, "ff", U32, ff),
	ATTR(ir_meta, "rom", U64, rom_bytes),	    ATTR(ir_meta, "crom", U64, crom_bytes),
	ATTR(ir_meta, "state", U64, state_bytes),   { 0 },
};

const struct ir_attr ir_attrs_tensor[] = {
	ATTR(ir_tensor, "name", STR, name),
	ATTR(ir_tensor, "type", U32, src_type),
	ATTR(ir_tensor, "rows", U64, rows),
	ATTR(ir_tensor, "cols", U64, cols),
	ATTR(ir_tensor, "fmt", FORMAT, fmt),
	ATTR(ir_tensor, "requant", U32, requant),
	ATTR(ir_tensor, "perm_head", U32, perm_head),
	ATTR(ir_tensor, "perm_rot", U32, perm_rot),
	ATTR(ir_tensor, "perm_tail", U32, perm_tail),
	ATTR(ir_tensor, "transposed", U32, transposed),
	ATTR(ir_tensor, "placed", U32, placed),
	ATTR(ir_tensor, "addr", U64, addr),
	ATTR(ir_tensor, "stride", U64, stride),
	ATTR(ir_tensor, "groups", U64, groups),
	{ 0 },
};

const struct ir_attr ir_attrs_const[] = {
	ATTR(ir_const, "name", STR, name),
	ATTR(ir_const, "n", U64, n),
	ATTR(ir_const, "pieces", PIECES, pieces),
	ATTR(ir_const, "common", U32, common),
	ATTR(ir_const, "placed", U32, placed),
	ATTR(ir_const, "addr", U64, addr),
	{ 0 },
};

const struct ir_attr ir_attrs_table[] = {
	ATTR(ir_table, "name", STR, name),
	ATTR(ir_table, "dims", U32, dims),
	ATTR(ir_table, "positions", U32, positions),
	ATTR(ir_table, "base", F64, base),
	ATTR(ir_table, "scale", F64, scale),
	ATTR(ir_table, "mscale", F64, mscale),
	ATTR(ir_table, "ext", F64, ext),
	ATTR(ir_table, "beta_fast", F64, beta_fast),
	ATTR(ir_table, "beta_slow", F64, beta_slow),
	ATTR(ir_table, "orig_ctx", U32, orig_ctx),
	ATTR(ir_table, "factors", TENSOR, factors),
	ATTR(ir_table, "placed", U32, placed),
	ATTR(ir_table, "addr", U64, addr),
	ATTR(ir_table, "stride", U64, stride),
	{ 0 },
};

const struct ir_attr ir_attrs_op[] = {
	ATTR(ir_op, "name", STR, name),	      ATTR(ir_op, "in", INPUTS, in),
	ATTR(ir_op, "mats", MATS, mats),      ATTR(ir_op, "const", CONST, konst),
	ATTR(ir_op, "table", TABLE, table),   ATTR(ir_op, "width", U32, width),
	ATTR(ir_op, "seg", U32, seg),	      ATTR(ir_op, "dt", DTYPE, dt),
	ATTR(ir_op, "off", U32, off),	      ATTR(ir_op, "acc", U32, acc),
	ATTR(ir_op, "pairs", U32, pairs),     ATTR(ir_op, "layer", U32, layer),
	ATTR(ir_op, "heads", U32, heads),     ATTR(ir_op, "kv_heads", U32, kv_heads),
	ATTR(ir_op, "eps", F32, eps),	      ATTR(ir_op, "scale", F32, scale),
	ATTR(ir_op, "shift", F32, shift),     ATTR(ir_op, "fn", FN, fn),
	ATTR(ir_op, "kpos", U32, kpos),	      ATTR(ir_op, "taps", U32, taps),
	ATTR(ir_op, "dim", U32, dim),	      ATTR(ir_op, "early", U32, early),
	ATTR(ir_op, "spread", U32, spread),   ATTR(ir_op, "state", U64, state),
	ATTR(ir_op, "window", U32, window),   ATTR(ir_op, "sink", U32, sink),
	ATTR(ir_op, "cap", F32, cap),	      ATTR(ir_op, "by_pos", U32, by_pos),
	ATTR(ir_op, "experts", U32, experts), ATTR(ir_op, "used", U32, used),
	ATTR(ir_op, "groups", U32, groups),   ATTR(ir_op, "used_groups", U32, used_groups),
	ATTR(ir_op, "chosen", U32, chosen),   ATTR(ir_op, "norm", U32, norm),
	ATTR(ir_op, "parts", U32, parts),     ATTR(ir_op, "vseg", U32, vseg),
	ATTR(ir_op, "squared", U32, squared), { 0 },
};

const char *const ir_dtype_names[IR_DTYPES] = { [IR_F32] = "f32", [IR_Q8] = "q8" };

/* A value that is absent when it is all zero bits. */
static bool attr_is_zero(const struct ir_attr *a, const void *obj)
{
	const char *p = (const char *)obj + a->offset;
	uint64_t v = 0;

	switch (a->type) {
	case IR_ATTR_INPUTS:
		return ((const struct ir_op *)obj)->n_in == 0;
	case IR_ATTR_MATS:
		return ((const struct ir_op *)obj)->n_mats == 0;
	case IR_ATTR_PIECES:
		return ((const struct ir_const *)obj)->n_pieces == 0;
	case IR_ATTR_U32:
	case IR_ATTR_F32:
	case IR_ATTR_FORMAT:
	case IR_ATTR_DTYPE:
	case IR_ATTR_FN:
		memcpy(&v, p, 4);
		return v == 0;
	default:
		memcpy(&v, p, 8);
		return v == 0;
	}
}

/* Everything outside printable ASCII as \xNN: names come from hostile files. */
static void print_str(struct strbuf *out, const char *s)
{
	strbuf_add(out, "\"", 1);
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '"' || c == '\\')
			strbuf_printf(out, "\\%c", c);
		else if (c < 0x20 || c > 0x7e)
			strbuf_printf(out, "\\x%02x", c);
		else
			strbuf_add(out, s, 1);
	}
	strbuf_add(out, "\"", 1);
}

/* Its bits, behind an f. */
static void print_number(struct strbuf *out, float value)
{
	uint32_t bits;

	memcpy(&bits, &value, sizeof(bits));
	if (bits)
		strbuf_printf(out, "f%" PRIu32, bits);
	else
		strbuf_puts(out, "zero");
}

static void print_pieces(struct strbuf *out, const struct ir_const *c)
{
	size_t i;

	for (i = 0; i < c->n_pieces; i++) {
		const struct ir_piece *p = &c->pieces[i];

		strbuf_puts(out, i ? "," : "[");
		if (p->t)
			strbuf_printf(out, "t%u", p->t->id);
		else
			print_number(out, p->value);
		strbuf_printf(out, "*%" PRIu64 "*%" PRIu64, p->n, p->repeat);
	}
	strbuf_puts(out, "]");
}

static void print_attr(struct strbuf *out, const struct ir_attr *a, const void *obj)
{
	const char *p = (const char *)obj + a->offset;
	const struct ir_op *op = obj;
	size_t i;

	strbuf_printf(out, " %s=", a->key);
	switch (a->type) {
	case IR_ATTR_U32:
		strbuf_printf(out, "%" PRIu32, *(const uint32_t *)p);
		break;
	case IR_ATTR_U64:
		strbuf_printf(out, "%" PRIu64, *(const uint64_t *)p);
		break;
	case IR_ATTR_F32:
		strbuf_printf(out, "%.9g", (double)*(const float *)p);
		break;
	case IR_ATTR_F64:
		strbuf_printf(out, "%.17g", *(const double *)p);
		break;
	case IR_ATTR_STR:
		print_str(out, *(const char *const *)p);
		break;
	case IR_ATTR_FORMAT:
		strbuf_puts(out, ir_format_name(*(const uint32_t *)p));
		break;
	case IR_ATTR_DTYPE:
		strbuf_puts(out, ir_dtype_names[*(const uint32_t *)p % IR_DTYPES]);
		break;
	case IR_ATTR_FN:
		strbuf_puts(out, ir_fn_name(*(const uint32_t *)p));
		break;
	case IR_ATTR_TENSOR:
		strbuf_printf(out, "t%u", (*(struct ir_tensor *const *)p)->id);
		break;
	case IR_ATTR_CONST:
		strbuf_printf(out, "c%u", (*(struct ir_const *const *)p)->id);
		break;
	case IR_ATTR_TABLE:
		strbuf_printf(out, "r%u", (*(struct ir_table *const *)p)->id);
		break;
	case IR_ATTR_INPUTS:
		for (i = 0; i < op->n_in; i++)
			strbuf_printf(out, "%sv%u", i ? "," : "[", op->in[i]->id);
		strbuf_puts(out, "]");
		break;
	case IR_ATTR_MATS:
		for (i = 0; i < op->n_mats; i++)
			strbuf_printf(out, "%st%u", i ? "," : "[", op->mats[i]->id);
		strbuf_puts(out, "]");
		break;
	case IR_ATTR_PIECES:
		print_pieces(out, obj);
		break;
	}
}

static void print_attrs(struct strbuf *out, const struct ir_attr *a, const void *obj)
{
	for (; a->key; a++) {
		if (!attr_is_zero(a, obj))
			print_attr(out, a, obj);
	}
	strbuf_puts(out, "\n");
}

void ir_print(struct ir_model *m, struct strbuf *out)
{
	const struct ir_tensor *t;
	const struct ir_const *c;
	const struct ir_table *r;
	const struct ir_op *op;

	ir_renumber(m);
	strbuf_puts(out, IR_TEXT_MAGIC "\nmodel");
	print_attrs(out, ir_attrs_model, &m->meta);
	for (t = m->tensors; t; t = t->next) {
		strbuf_printf(out, "tensor t%u", t->id);
		print_attrs(out, ir_attrs_tensor, t);
	}
	for (c = m->consts; c; c = c->next) {
		strbuf_printf(out, "const c%u", c->id);
		print_attrs(out, ir_attrs_const, c);
	}
	for (r = m->tables; r; r = r->next) {
		strbuf_printf(out, "table r%u", r->id);
		print_attrs(out, ir_attrs_table, r);
	}
	for (op = m->first; op; op = op->next) {
		strbuf_printf(out, "op v%u %s", op->id, ir_kind_name(op->kind));
		print_attrs(out, ir_attrs_op, op);
	}
}

static void dot_label(struct strbuf *out, const char *s)
{
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '"' || c == '\\')
			strbuf_printf(out, "\\%c", c);
		else if (c >= 0x20 && c < 0x7f)
			strbuf_add(out, s, 1);
		else
			strbuf_puts(out, "?");
	}
}

void ir_dot(struct ir_model *m, struct strbuf *out)
{
	const struct ir_op *op;
	size_t i;

	ir_renumber(m);
	strbuf_puts(out, "digraph model {\n\trankdir=TB;\n\tnode [shape=box, fontsize=10];\n");
	for (op = m->first; op; op = op->next) {
		strbuf_printf(out, "\tv%u [label=\"", op->id);
		dot_label(out, op->name);
		strbuf_printf(out, "\\n%s", ir_kind_name(op->kind));
		if (op->width)
			strbuf_printf(out, " %u %s", op->width, ir_dtype_names[op->dt % IR_DTYPES]);
		for (i = 0; i < op->n_mats; i++) {
			strbuf_puts(out, "\\n");
			dot_label(out, op->mats[i]->name);
			strbuf_printf(out, " %s", ir_format_name(op->mats[i]->fmt));
		}
		strbuf_puts(out, "\"];\n");
		for (i = 0; i < op->n_in; i++)
			strbuf_printf(out, "\tv%u -> v%u;\n", op->in[i]->id, op->id);
	}
	strbuf_puts(out, "}\n");
}
