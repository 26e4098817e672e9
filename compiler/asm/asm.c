// SPDX-License-Identifier: MIT

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "asm.h"
#include "ig1_tables.h"

/* Digits of a decimal fp32 constant; no shortest form needs more than nine. */
#define MAX_DIGITS 64

struct str {
	const char *p;
	size_t n;
};

struct msg {
	char *buf;
	size_t size;
};

/* Always -EINVAL, so that a check is one line. */
__attribute__((format(printf, 2, 3))) static int bad(struct msg *m, const char *fmt, ...)
{
	va_list ap;

	if (m->size) {
		va_start(ap, fmt);
		vsnprintf(m->buf, m->size, fmt, ap);
		va_end(ap);
	}
	return -EINVAL;
}

/* A piece of the input for a message: cut, unprintable bytes as '?'. */
struct quoted {
	char s[40];
};

static struct quoted quote(struct str t)
{
	struct quoted q;
	size_t i, n = t.n < sizeof(q.s) - 4 ? t.n : sizeof(q.s) - 4;

	for (i = 0; i < n; i++)
		q.s[i] = t.p[i] >= ' ' && t.p[i] <= '~' ? t.p[i] : '?';
	memcpy(q.s + n, t.n > n ? "..." : "", t.n > n ? 4 : 1);
	return q;
}

static int is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

static int is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static int same(struct str t, const char *s)
{
	return strlen(s) == t.n && !memcmp(s, t.p, t.n);
}

static struct str rest(struct str t, size_t n)
{
	return (struct str){ t.p + n, t.n - n };
}

/* The next run of non-blanks; empty at the end of the line. */
static struct str next_token(struct str *line)
{
	struct str t;
	size_t n = 0;

	while (line->n && is_space(line->p[0]))
		*line = rest(*line, 1);
	t = *line;
	while (n < line->n && !is_space(line->p[n]))
		n++;
	t.n = n;
	*line = rest(*line, n);
	return t;
}

/* Decimal or 0x.., all of t. -EINVAL: no number, -ERANGE: more than 64 bits. */
static int parse_u64(struct str t, uint64_t *v)
{
	unsigned int base = 10, d;
	size_t i;

	if (t.n > 2 && t.p[0] == '0' && (t.p[1] == 'x' || t.p[1] == 'X')) {
		base = 16;
		t = rest(t, 2);
	}
	if (!t.n)
		return -EINVAL;
	*v = 0;
	for (i = 0; i < t.n; i++) {
		char c = t.p[i];

		if (is_digit(c))
			d = (unsigned int)(c - '0');
		else if (base == 16 && (c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			d = (unsigned int)((c | 0x20) - 'a' + 10);
		else
			return -EINVAL;
		if (__builtin_mul_overflow(*v, (uint64_t)base, v) ||
		    __builtin_add_overflow(*v, (uint64_t)d, v))
			return -ERANGE;
	}
	return 0;
}

/*
 * A decimal number. It is handed to the library as digits and an exponent, without a decimal
 * point, because that depends on the locale.
 */
static int parse_decimal(struct str t, float *f)
{
	char text[MAX_DIGITS + 16];
	size_t i = 0, n = 0, digits = 0;
	int exp10 = 0, point = 0;
	uint64_t e;

	if (i < t.n && (t.p[i] == '-' || t.p[i] == '+'))
		text[n++] = t.p[i++];
	for (; i < t.n && (is_digit(t.p[i]) || (t.p[i] == '.' && !point)); i++) {
		if (t.p[i] == '.') {
			point = 1;
			continue;
		}
		if (digits++ == MAX_DIGITS)
			return -EINVAL;
		text[n++] = t.p[i];
		exp10 -= point;
	}
	if (!digits)
		return -EINVAL;
	if (i < t.n && (t.p[i] | 0x20) == 'e') {
		int minus = ++i < t.n && t.p[i] == '-';

		if (i < t.n && (t.p[i] == '-' || t.p[i] == '+'))
			i++;
		if (i == t.n || !is_digit(t.p[i]) || t.n - i > 4 || parse_u64(rest(t, i), &e))
			return -EINVAL;
		exp10 += minus ? -(int)e : (int)e;
		i = t.n;
	}
	if (i != t.n)
		return -EINVAL;
	snprintf(text + n, sizeof(text) - n, "e%d", exp10);
	*f = strtof(text, NULL);
	return (ig1_f32_to_bits(*f) >> 23 & 0xff) == 0xff ? -ERANGE : 0;
}

static int parse_f32(struct str t, uint64_t *v)
{
	float f;
	int ret;

	if (t.n > 4 && !memcmp(t.p, "f32:", 4)) {
		ret = parse_u64(rest(t, 4), v);
		return ret ? ret : *v > UINT32_MAX ? -ERANGE : 0;
	}
	ret = parse_decimal(t, &f);
	if (!ret)
		*v = ig1_f32_to_bits(f);
	return ret;
}

static int parse_sint(struct str t, unsigned int bits, uint64_t *v)
{
	uint64_t limit = 1ull << (bits - 1);
	int minus = t.n && t.p[0] == '-';
	int ret = parse_u64(rest(t, (size_t)minus), v);

	if (ret)
		return ret;
	if (*v > limit - !minus)
		return -ERANGE;
	if (minus)
		*v = -*v;
	return 0;
}

static int parse_enum(struct str t, const struct ig1_enum_desc *en, uint64_t *v)
{
	uint32_t i;

	for (i = 0; i < en->count; i++) {
		if (same(t, en->values[i].name)) {
			*v = en->values[i].code;
			return en->values[i].reserved ? -ENOTSUP : 0;
		}
	}
	return -EINVAL;
}

static int parse_value(struct str t, const struct ig1_field_desc *f, uint64_t *v)
{
	int ret;

	switch (f->kind) {
	case IG1_KIND_SINT:
		return parse_sint(t, f->bits, v);
	case IG1_KIND_F32:
		return parse_f32(t, v);
	case IG1_KIND_ENUM:
		return parse_enum(t, f->en, v);
	case IG1_KIND_REG:
		if (t.n < 2 || t.p[0] != 'r' || !is_digit(t.p[1]))
			return -EINVAL;
		t = rest(t, 1);
		break;
	default:
		break;
	}
	ret = parse_u64(t, v);
	if (!ret && f->bits < 64 && *v >> f->bits)
		return -ERANGE;
	return ret;
}

static int value_error(struct msg *m, const struct ig1_op_desc *op, const struct ig1_field_desc *f,
		       struct str value, int ret)
{
	static const char *const want[] = {
		[IG1_KIND_UINT] = "a number",
		[IG1_KIND_SINT] = "a number",
		[IG1_KIND_HEX] = "a number",
		[IG1_KIND_F32] = "a decimal or f32:0x..",
		[IG1_KIND_REG] = "a register r0..r31",
		[IG1_KIND_MASK] = "a number",
		[IG1_KIND_ENUM] = "a name",
	};
	struct quoted q = quote(value);

	if (ret == -ERANGE)
		return bad(m, "%s: %s: '%s' does not fit %u bits", op->name, f->name, q.s, f->bits);
	if (ret == -ENOTSUP)
		return bad(m, "%s: %s: '%s' is reserved", op->name, f->name, q.s);
	if (f->kind == IG1_KIND_ENUM)
		return bad(m, "%s: %s: no %s is called '%s'", op->name, f->name, f->en->name, q.s);
	return bad(m, "%s: %s: '%s' is not %s", op->name, f->name, q.s, want[f->kind]);
}

static int find_field(const struct ig1_op_desc *op, struct str name, uint32_t *i)
{
	for (*i = 1; *i < op->fmt->count; (*i)++) {
		if (same(name, op->fmt->fields[*i].name))
			return 0;
	}
	return -ENOENT;
}

static int parse_field(const struct ig1_op_desc *op, struct str t, uint32_t *w, uint64_t *seen,
		       struct msg *m)
{
	const char *eq = memchr(t.p, '=', t.n);
	const struct ig1_field_desc *f;
	struct str name, value;
	uint32_t i;
	uint64_t v;
	int ret;

	if (!eq)
		return bad(m, "%s: '%s' is not field=value", op->name, quote(t).s);
	name = (struct str){ t.p, (size_t)(eq - t.p) };
	value = rest(t, name.n + 1);
	if (find_field(op, name, &i))
		return bad(m, "%s: no field is called '%s'", op->name, quote(name).s);
	f = &op->fmt->fields[i];
	if (*seen >> i & 1)
		return bad(m, "%s: %s: given twice", op->name, f->name);
	*seen |= 1ull << i;
	if (!(op->used[f->word] >> f->lo & 1))
		return bad(m, "%s: %s: not used by this command", op->name, f->name);
	ret = parse_value(value, f, &v);
	if (ret)
		return value_error(m, op, f, value, ret);
	if (f->bits == 64) {
		w[f->word] = (uint32_t)v;
		w[f->word + 1] = (uint32_t)(v >> 32);
	} else {
		w[f->word] |= (uint32_t)((v & ((1ull << f->bits) - 1)) << f->lo);
	}
	return 0;
}

static int parse_words(struct str line, uint32_t *w, struct msg *m)
{
	struct str t;
	uint64_t v;
	int i;

	for (i = 0; i < IG1_CMD_WORDS; i++) {
		t = next_token(&line);
		if (!t.n)
			return bad(m, ".word: %d words, not %d", i, IG1_CMD_WORDS);
		if (parse_u64(t, &v) || v > UINT32_MAX)
			return bad(m, ".word: word %d: '%s' is not a 32-bit number", i, quote(t).s);
		w[i] = (uint32_t)v;
	}
	t = next_token(&line);
	if (t.n)
		return bad(m, ".word: more than %d words", IG1_CMD_WORDS);
	return 1;
}

static int is_index(struct str t)
{
	size_t i;

	if (t.n < 2 || t.p[t.n - 1] != ':')
		return 0;
	for (i = 0; i < t.n - 1; i++) {
		if (!is_digit(t.p[i]))
			return 0;
	}
	return 1;
}

static struct str strip_comment(const char *p, size_t n)
{
	struct str line = { p, 0 };

	while (line.n < n && p[line.n] != '#' && p[line.n] != ';' && p[line.n] != '\n')
		line.n++;
	return line;
}

int ig1_asm_line_n(const char *text, size_t n, uint32_t w[IG1_CMD_WORDS], char *err, size_t errn)
{
	struct str line = strip_comment(text, n), t;
	uint32_t out[IG1_CMD_WORDS] = { 0 };
	struct msg m = { err, err ? errn : 0 };
	const struct ig1_op_desc *op;
	uint64_t seen = 0, addr;
	int ret;

	if (m.size)
		err[0] = '\0';
	t = next_token(&line);
	if (is_index(t))
		t = next_token(&line);
	if (!t.n)
		return 0;
	if (same(t, ".word")) {
		ret = parse_words(line, out, &m);
		if (ret < 0)
			return ret;
		memcpy(w, out, sizeof(out));
		return 1;
	}
	op = t.n <= UINT32_MAX ? ig1_op_by_name(t.p, (uint32_t)t.n) : NULL;
	if (!op)
		return bad(&m, "no command is called '%s'", quote(t).s);
	out[0] = op->code;
	for (t = next_token(&line); t.n; t = next_token(&line)) {
		ret = parse_field(op, t, out, &seen, &m);
		if (ret)
			return ret;
	}
	if (ig1_cmd_check(out, &addr) != IG1_FAULT_NONE)
		return bad(&m, "%s: word %" PRIu64 " is malformed", op->name, addr);
	memcpy(w, out, sizeof(out));
	return 1;
}

int ig1_asm_line(const char *line, uint32_t w[IG1_CMD_WORDS], char *err, size_t errn)
{
	return ig1_asm_line_n(line, strlen(line), w, err, errn);
}

static void put_le32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
	p[2] = (uint8_t)(v >> 16);
	p[3] = (uint8_t)(v >> 24);
}

int ig1_asm_program(const char *text, size_t len, void **prog, size_t *bytes, char *err,
		    size_t errn)
{
	size_t used = 0, size = 0, line = 0, pos = 0, n, i;
	uint8_t *buf = NULL, *bigger;
	uint32_t w[IG1_CMD_WORDS];
	char why[IG1_ASM_ERR];
	int ret;

	*prog = NULL;
	*bytes = 0;
	if (err && errn)
		err[0] = '\0';
	for (; pos < len; pos += n) {
		const char *end = memchr(text + pos, '\n', len - pos);

		line++;
		n = end ? (size_t)(end - (text + pos)) + 1 : len - pos;
		ret = ig1_asm_line_n(text + pos, n, w, why, sizeof(why));
		if (ret < 0) {
			if (err && errn)
				snprintf(err, errn, "line %zu: %s", line, why);
			goto fail;
		}
		if (!ret)
			continue;
		if (used == size) {
			ret = -ENOMEM;
			if (__builtin_mul_overflow(size ? size : 32 * IG1_COMMAND_BYTES, 2, &size))
				goto fail;
			bigger = realloc(buf, size);
			if (!bigger)
				goto fail;
			buf = bigger;
		}
		for (i = 0; i < IG1_CMD_WORDS; i++)
			put_le32(buf + used + 4 * i, w[i]);
		used += IG1_COMMAND_BYTES;
	}
	*prog = buf;
	*bytes = used;
	return 0;

fail:
	free(buf);
	return ret;
}
