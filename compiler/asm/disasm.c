// SPDX-License-Identifier: MIT

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "asm.h"
#include "ig1_tables.h"

struct out {
	char *buf;
	size_t len, size;
	int full;
};

__attribute__((format(printf, 2, 3))) static void put(struct out *o, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(o->buf + o->len, o->size - o->len, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= o->size - o->len)
		o->full = 1;
	else
		o->len += (size_t)n;
}

/*
 * Shortest decimal digits that give back the bits, and the exponent of the first one. Digits are
 * picked out of the library's output and the check goes without a decimal point, because that
 * depends on the locale.
 */
static int shortest_digits(uint32_t bits, char digits[10], int *exp10)
{
	/* Not left to a conversion, which may be set to flush subnormals. */
	double value = bits >> 23 ? (double)ig1_bits_to_f32(bits) : bits * 0x1p-149;
	char text[32], check[32];
	const char *p;
	int prec, n;

	for (prec = 0; prec < 9; prec++) {
		snprintf(text, sizeof(text), "%.*e", prec, value);
		n = 0;
		for (p = text; *p && *p != 'e'; p++) {
			if (*p >= '0' && *p <= '9' && n < 9)
				digits[n++] = *p;
		}
		digits[n] = '\0';
		*exp10 = *p ? atoi(p + 1) : 0;
		snprintf(check, sizeof(check), "%se%d", digits, *exp10 - prec);
		if (ig1_f32_to_bits(strtof(check, NULL)) == bits)
			break;
	}
	while (n > 1 && digits[n - 1] == '0')
		digits[--n] = '\0';
	return n;
}

static void put_f32(struct out *o, uint32_t bits)
{
	char digits[10];
	int n, e, i;

	if ((bits >> 23 & 0xff) == 0xff) {
		put(o, "f32:0x%08" PRIx32, bits);
		return;
	}
	if (bits >> 31)
		put(o, "-");
	if (!(bits << 1)) {
		put(o, "0");
		return;
	}
	n = shortest_digits(bits & 0x7fffffff, digits, &e);
	if (e >= 0 && e < 9) {
		for (i = 0; i < n || i <= e; i++)
			put(o, "%s%c", i == e + 1 ? "." : "", i < n ? digits[i] : '0');
	} else if (e < 0 && e >= -5) {
		put(o, "0.%.*s%s", -e - 1, "0000", digits);
	} else {
		put(o, "%c%s%se%d", digits[0], n > 1 ? "." : "", digits + 1, e);
	}
}

static void put_field(struct out *o, const struct ig1_field_desc *f, uint64_t v)
{
	uint32_t i;

	put(o, " %s=", f->name);
	switch (f->kind) {
	case IG1_KIND_SINT:
		put(o, "%" PRId64, (int64_t)(v << (64 - f->bits)) >> (64 - f->bits));
		break;
	case IG1_KIND_HEX:
	case IG1_KIND_MASK:
		put(o, "0x%" PRIx64, v);
		break;
	case IG1_KIND_F32:
		put_f32(o, (uint32_t)v);
		break;
	case IG1_KIND_REG:
		put(o, "r%" PRIu64, v);
		break;
	case IG1_KIND_ENUM:
		for (i = 0; i < f->en->count; i++) {
			if (f->en->values[i].code == v)
				put(o, "%s", f->en->values[i].name);
		}
		break;
	default:
		put(o, "%" PRIu64, v);
		break;
	}
}

int ig1_disasm(const uint32_t w[IG1_CMD_WORDS], char *buf, size_t n)
{
	const struct ig1_op_desc *op = ig1_op_find(w[0] & 0xff);
	struct out o = { buf, 0, n, 0 };
	const struct ig1_field_desc *f;
	uint64_t v;
	uint32_t i;

	if (!n)
		return -ENOSPC;
	if (ig1_cmd_check(w, NULL) != IG1_FAULT_NONE) {
		put(&o, ".word");
		for (i = 0; i < IG1_CMD_WORDS; i++)
			put(&o, " 0x%" PRIx32, w[i]);
	} else {
		put(&o, "%s", op->name);
		/* Field 0 is the opcode. */
		for (i = 1; i < op->fmt->count; i++) {
			f = &op->fmt->fields[i];
			v = w[f->word];
			if (f->bits == 64)
				v |= (uint64_t)w[f->word + 1] << 32;
			else
				v = v >> f->lo & ((1ull << f->bits) - 1);
			if (v)
				put_field(&o, f, v);
		}
	}
	if (o.full) {
		buf[0] = '\0';
		return -ENOSPC;
	}
	return (int)o.len;
}

static uint32_t get_le32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

int ig1_disasm_program(const void *prog, size_t bytes, int index, char **text, size_t *len)
{
	size_t used = 0, size = 4096, i, k;
	const uint8_t *p = prog;
	uint32_t w[IG1_CMD_WORDS];
	char *buf, *bigger;
	int n;

	*text = NULL;
	*len = 0;
	if (bytes % IG1_COMMAND_BYTES)
		return -EINVAL;
	buf = malloc(size);
	if (!buf)
		return -ENOMEM;
	buf[0] = '\0';
	for (i = 0; i < bytes / IG1_COMMAND_BYTES; i++) {
		/* Room for the index, the line and its newline. */
		if (size - used < IG1_DISASM_MAX + 32) {
			size *= 2;
			bigger = realloc(buf, size);
			if (!bigger) {
				free(buf);
				return -ENOMEM;
			}
			buf = bigger;
		}
		for (k = 0; k < IG1_CMD_WORDS; k++)
			w[k] = get_le32(p + i * IG1_COMMAND_BYTES + 4 * k);
		if (index)
			used += (size_t)snprintf(buf + used, 32, "%5zu: ", i);
		n = ig1_disasm(w, buf + used, IG1_DISASM_MAX);
		if (n < 0) {
			free(buf);
			return n;
		}
		used += (size_t)n;
		buf[used++] = '\n';
		buf[used] = '\0';
	}
	*text = buf;
	*len = used;
	return 0;
}
