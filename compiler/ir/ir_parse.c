// SPDX-License-Identifier: MIT
/* Text to graph. The text may come from a damaged .accel file: nothing in it is trusted. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/ir/ir_attr.h"

struct parser {
	struct ir_model *m;
	const char *p, *end; /* of the current line */
	unsigned int line;
	void **objs[4]; /* tensors, constants, tables, operations by id */
	size_t n[4], cap[4];
};

enum { OBJ_TENSOR, OBJ_CONST, OBJ_TABLE, OBJ_OP };

static int fail(struct parser *ps, const char *what)
{
	return diag_set(&ps->m->diag, -EINVAL, "graph line %u: %s", ps->line, what);
}

static void skip_blanks(struct parser *ps)
{
	while (ps->p < ps->end && *ps->p == ' ')
		ps->p++;
}

/* Letters, digits, '_' and '-': a word of the grammar. */
static size_t word(struct parser *ps, const char **w)
{
	const char *p;

	skip_blanks(ps);
	*w = ps->p;
	for (p = ps->p; p < ps->end; p++) {
		bool ok = (*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9') || *p == '_' ||
			  *p == '-';

		if (!ok)
			break;
	}
	ps->p = p;
	return (size_t)(p - *w);
}

static bool word_is(const char *w, size_t n, const char *text)
{
	return strlen(text) == n && !memcmp(w, text, n);
}

static bool eat_word(struct parser *ps, const char *text)
{
	const char *w;
	size_t n = word(ps, &w);

	return word_is(w, n, text);
}

static bool eat(struct parser *ps, char c)
{
	if (ps->p < ps->end && *ps->p == c) {
		ps->p++;
		return true;
	}
	return false;
}

static int parse_u64(struct parser *ps, uint64_t *out)
{
	const char *start = ps->p;
	uint64_t v = 0;

	for (; ps->p < ps->end && *ps->p >= '0' && *ps->p <= '9'; ps->p++) {
		if (__builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*ps->p - '0'), &v))
			return fail(ps, "number too large");
	}
	if (ps->p == start)
		return fail(ps, "number expected");
	*out = v;
	return 0;
}

static int parse_float(struct parser *ps, double *out)
{
	char buf[40], *stop;
	size_t n = 0;

	while (ps->p < ps->end && *ps->p != ' ' && n + 1 < sizeof(buf))
		buf[n++] = *ps->p++;
	buf[n] = '\0';
	*out = strtod(buf, &stop);
	if (!n || *stop || !isfinite(*out))
		return fail(ps, "finite number expected");
	return 0;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int parse_str(struct parser *ps, const char **out)
{
	char *s;
	size_t n = 0;

	if (!eat(ps, '"'))
		return fail(ps, "string expected");
	s = arena_alloc(&ps->m->arena, (size_t)(ps->end - ps->p) + 1);
	if (!s)
		return diag_nomem(&ps->m->diag);
	while (ps->p < ps->end && *ps->p != '"') {
		char c = *ps->p++;

		if (c == '\\') {
			if (ps->p == ps->end)
				break;
			c = *ps->p++;
			if (c == 'x') {
				int hi = ps->end - ps->p >= 2 ? hex_digit(ps->p[0]) : -1;
				int lo = hi >= 0 ? hex_digit(ps->p[1]) : -1;

				if (lo < 0 || !(hi | lo))
					return fail(ps, "bad escape in string");
				c = (char)(hi << 4 | lo);
				ps->p += 2;
			}
		}
		s[n++] = c;
	}
	if (!eat(ps, '"'))
		return fail(ps, "string does not end");
	*out = s;
	return 0;
}

/* "t12": an object already defined */
static int parse_ref(struct parser *ps, int kind, void **out)
{
	uint64_t id;

	if (!eat(ps, "tcrv"[kind]))
		return fail(ps, "reference expected");
	if (parse_u64(ps, &id))
		return ps->m->diag.err;
	if (id >= ps->n[kind])
		return fail(ps, "reference to something not defined before");
	*out = ps->objs[kind][id];
	return 0;
}

static int remember(struct parser *ps, int kind, void *obj)
{
	void **p;

	if (ps->n[kind] == ps->cap[kind]) {
		ps->cap[kind] = ps->cap[kind] ? 2 * ps->cap[kind] : 64;
		p = realloc(ps->objs[kind], ps->cap[kind] * sizeof(*p));
		if (!p)
			return diag_nomem(&ps->m->diag);
		ps->objs[kind] = p;
	}
	ps->objs[kind][ps->n[kind]++] = obj;
	return 0;
}

/* "[x,y,z]"; the number of elements, found before they are parsed, or 0. */
static size_t list_length(const struct parser *ps)
{
	const char *p = ps->p;
	size_t n = 1;

	for (; p < ps->end && *p != ']' && *p != ' '; p++)
		n += *p == ',';
	return n;
}

static int parse_list(struct parser *ps, int kind, void ***out, size_t *count)
{
	size_t n = list_length(ps), i;
	void **list = arena_array(&ps->m->arena, n, sizeof(*list));

	if (!list)
		return diag_nomem(&ps->m->diag);
	for (i = 0; i < n; i++) {
		if (!eat(ps, i ? ',' : '['))
			return fail(ps, "list expected");
		if (parse_ref(ps, kind, &list[i]))
			return ps->m->diag.err;
	}
	if (!eat(ps, ']'))
		return fail(ps, "list does not end");
	*out = list;
	*count = n;
	return 0;
}

static int parse_number(struct parser *ps, float *out)
{
	uint64_t u;
	uint32_t bits;

	if (parse_u64(ps, &u))
		return ps->m->diag.err;
	bits = (uint32_t)u;
	memcpy(out, &bits, sizeof(*out));
	if (u > UINT32_MAX || !bits || !isfinite(*out))
		return fail(ps, "bits of a finite number expected");
	return 0;
}

static int parse_pieces(struct parser *ps, struct ir_const *c)
{
	size_t n = list_length(ps), i;
	struct ir_piece *list = arena_array(&ps->m->arena, n, sizeof(*list));

	if (!list)
		return diag_nomem(&ps->m->diag);
	for (i = 0; i < n; i++) {
		if (!eat(ps, i ? ',' : '['))
			return fail(ps, "list expected");
		if (ps->p < ps->end && *ps->p == 'z') {
			if (!eat_word(ps, "zero"))
				return fail(ps, "tensor or zero expected");
		} else if (eat(ps, 'f')) {
			if (parse_number(ps, &list[i].value))
				return ps->m->diag.err;
		} else if (parse_ref(ps, OBJ_TENSOR, (void **)&list[i].t)) {
			return ps->m->diag.err;
		}
		if (!eat(ps, '*') || parse_u64(ps, &list[i].n) || !eat(ps, '*') ||
		    parse_u64(ps, &list[i].repeat))
			return fail(ps, "tensor*elements*copies expected");
	}
	if (!eat(ps, ']'))
		return fail(ps, "list does not end");
	c->pieces = list;
	c->n_pieces = n;
	return 0;
}

static int parse_name(struct parser *ps, uint32_t count, const char *(*name)(uint32_t),
		      uint32_t *out)
{
	const char *w;
	size_t n = word(ps, &w);
	uint32_t i;

	for (i = 0; i < count; i++) {
		if (word_is(w, n, name(i))) {
			*out = i;
			return 0;
		}
	}
	return fail(ps, "unknown name");
}

static const char *dtype_name(uint32_t i)
{
	return ir_dtype_names[i];
}

static const char *kind_name(uint32_t i)
{
	return ir_kind_name((enum ir_kind)i);
}

static int parse_value(struct parser *ps, const struct ir_attr *a, void *obj)
{
	char *p = (char *)obj + a->offset;
	struct ir_op *op = obj;
	uint64_t u;
	double d;
	int err;

	switch (a->type) {
	case IR_ATTR_U32:
		err = parse_u64(ps, &u);
		if (!err && u > UINT32_MAX)
			return fail(ps, "number too large");
		if (!err)
			*(uint32_t *)p = (uint32_t)u;
		return err;
	case IR_ATTR_U64:
		return parse_u64(ps, (uint64_t *)p);
	case IR_ATTR_F32:
		err = parse_float(ps, &d);
		if (!err && !isfinite((float)d))
			return fail(ps, "number too large");
		if (!err)
			*(float *)p = (float)d;
		return err;
	case IR_ATTR_F64:
		return parse_float(ps, (double *)p);
	case IR_ATTR_STR:
		return parse_str(ps, (const char **)p);
	case IR_ATTR_FORMAT:
		return parse_name(ps, IR_FORMATS, ir_format_name, (uint32_t *)p);
	case IR_ATTR_DTYPE:
		return parse_name(ps, IR_DTYPES, dtype_name, (uint32_t *)p);
	case IR_ATTR_FN:
		return parse_name(ps, IR_FNS, ir_fn_name, (uint32_t *)p);
	case IR_ATTR_TENSOR:
		return parse_ref(ps, OBJ_TENSOR, (void **)p);
	case IR_ATTR_CONST:
		return parse_ref(ps, OBJ_CONST, (void **)p);
	case IR_ATTR_TABLE:
		return parse_ref(ps, OBJ_TABLE, (void **)p);
	case IR_ATTR_INPUTS:
		return parse_list(ps, OBJ_OP, (void ***)&op->in, &op->n_in);
	case IR_ATTR_MATS:
		return parse_list(ps, OBJ_TENSOR, (void ***)&op->mats, &op->n_mats);
	case IR_ATTR_PIECES:
		return parse_pieces(ps, obj);
	}
	return fail(ps, "unknown attribute");
}

static int parse_attrs(struct parser *ps, const struct ir_attr *table, void *obj)
{
	uint64_t seen = 0, bit;
	const struct ir_attr *a;
	const char *w;
	size_t n;

	for (skip_blanks(ps); ps->p < ps->end; skip_blanks(ps)) {
		n = word(ps, &w);
		for (a = table; a->key && !word_is(w, n, a->key); a++)
			;
		if (!a->key)
			return fail(ps, "unknown attribute");
		bit = 1ull << (a - table);
		if (seen & bit)
			return fail(ps, "attribute given twice");
		seen |= bit;
		if (!eat(ps, '='))
			return fail(ps, "'=' expected");
		if (parse_value(ps, a, obj))
			return ps->m->diag.err;
		if (ps->p < ps->end && *ps->p != ' ')
			return fail(ps, "space expected after a value");
	}
	return 0;
}

/* Every line but the first two: "<what> <letter><id> ...". Ids count up from 0. */
static int parse_id(struct parser *ps, int kind)
{
	uint64_t id;

	skip_blanks(ps);
	if (!eat(ps, "tcrv"[kind]) || parse_u64(ps, &id) || id != ps->n[kind])
		return fail(ps, "bad number of the object");
	return 0;
}

static int parse_op(struct parser *ps)
{
	struct ir_op *op;
	uint32_t kind = IR_KINDS;

	if (parse_id(ps, OBJ_OP))
		return ps->m->diag.err;
	skip_blanks(ps);
	if (parse_name(ps, IR_KINDS, kind_name, &kind))
		return ps->m->diag.err;
	op = ir_op_new(ps->m, (enum ir_kind)kind, "", 0, NULL, 0);
	if (!op || parse_attrs(ps, ir_attrs_op, op))
		return ps->m->diag.err;
	return remember(ps, OBJ_OP, op);
}

static int parse_line(struct parser *ps)
{
	const struct ir_attr *attrs;
	const char *w;
	size_t n = word(ps, &w);
	void *obj;
	int kind;

	if (word_is(w, n, "op"))
		return parse_op(ps);
	if (word_is(w, n, "tensor")) {
		kind = OBJ_TENSOR;
		attrs = ir_attrs_tensor;
		obj = ir_tensor_new(ps->m, "", 0);
	} else if (word_is(w, n, "const")) {
		kind = OBJ_CONST;
		attrs = ir_attrs_const;
		obj = ir_const_new(ps->m, "", 0);
	} else if (word_is(w, n, "table")) {
		kind = OBJ_TABLE;
		attrs = ir_attrs_table;
		obj = ir_table_new(ps->m, "");
	} else {
		return fail(ps, "unknown line");
	}
	if (!obj || parse_id(ps, kind) || parse_attrs(ps, attrs, obj))
		return ps->m->diag.err;
	return remember(ps, kind, obj);
}

int ir_parse(struct ir_model *m, const char *text, size_t n)
{
	const char *end = text + n, *eol;
	struct parser ps = { .m = m };
	int i;

	m->meta.arch = "";
	m->meta.name = "";
	for (; text < end && !m->diag.err; text = eol + 1) {
		ps.line++;
		eol = memchr(text, '\n', (size_t)(end - text));
		if (!eol) {
			fail(&ps, "line does not end");
			break;
		}
		ps.p = text;
		ps.end = eol;
		if (ps.line == 1) {
			if (!word_is(text, (size_t)(eol - text), IR_TEXT_MAGIC))
				fail(&ps, "\"" IR_TEXT_MAGIC "\" expected");
		} else if (ps.line == 2) {
			if (!eat_word(&ps, "model"))
				fail(&ps, "\"model\" expected");
			else
				parse_attrs(&ps, ir_attrs_model, &m->meta);
		} else {
			parse_line(&ps);
		}
	}
	if (!m->diag.err && ps.line < 2)
		fail(&ps, "empty graph");
	for (i = 0; i < 4; i++)
		free(ps.objs[i]);
	return m->diag.err;
}
