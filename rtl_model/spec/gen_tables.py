# SPDX-License-Identifier: MIT
"""ig1_tables.h and ig1_tables.c: descriptions for the assembler, checkers and printers."""

from gen_c import NOTICE, OFF, block_comment
from gen_model import CMD_WORDS

KINDS = ("uint", "sint", "hex", "f32", "reg", "mask", "enum")

HEADER = r"""#ifndef IG1_TABLES_H
#define IG1_TABLES_H

#include "ig1_chip.h"

#ifdef __cplusplus
extern "C" {
#endif

enum ig1_kind {
@KINDS@};

struct ig1_value_desc {
	const char *name;
	uint8_t code;
	uint8_t reserved; /* no command may hold it */
	const char *doc;
};

struct ig1_enum_desc {
	const char *name;
	uint32_t count;
	uint32_t valid; /* bit n: a command may hold value n */
	const struct ig1_value_desc *values;
	const char *doc;
};

/* A field of bits == 64 covers word and word + 1, low first. */
struct ig1_field_desc {
	const char *name;
	uint8_t word, lo, bits, kind;
	const struct ig1_enum_desc *en; /* kind IG1_KIND_ENUM, else NULL */
	const char *doc;
};

struct ig1_fmt_desc {
	const char *name;
	uint32_t count;
	const struct ig1_field_desc *fields; /* op, wait and signal first */
	const char *doc;
};

struct ig1_op_desc {
	const char *name;
	uint8_t code, engine; /* enum ig1_op, enum ig1_engine */
	const struct ig1_fmt_desc *fmt;
	const char *doc;
	uint32_t used[IG1_CMD_WORDS]; /* bits that may be set */
};

struct ig1_name_desc {
	const char *name;
	const char *doc;
};

/* clang-format off */
#define IG1_OPS		@NOPS@
#define IG1_FORMATS	@NFMTS@
#define IG1_ENUMS	@NENUMS@
/* clang-format on */

extern const struct ig1_op_desc ig1_ops[IG1_OPS];
extern const struct ig1_fmt_desc ig1_formats[IG1_FORMATS];
extern const struct ig1_enum_desc ig1_enums[IG1_ENUMS];
extern const struct ig1_name_desc ig1_engine_names[IG1_ENGINE_COUNT];
extern const struct ig1_name_desc ig1_fault_names[IG1_FAULTS];
extern const struct ig1_name_desc ig1_ctr_names[IG1_CTR_COUNT];

/* The description of an opcode; NULL: unknown or reserved. */
const struct ig1_op_desc *ig1_op_find(uint8_t code);

/* By mnemonic, n bytes long; NULL: none. */
const struct ig1_op_desc *ig1_op_by_name(const char *name, uint32_t n);

/* A fault's name; "unknown" beyond the table. */
const char *ig1_fault_name(uint32_t fault);

/*
 * What the sequencer checks of a command's encoding: IG1_FAULT_NONE, IG1_FAULT_OPCODE (unknown or
 * reserved, *addr = 0), or IG1_FAULT_FIELD with *addr = the lowest word that has a bit set which the
 * operation does not use, or an undefined or reserved enum value. addr may be NULL.
 */
int ig1_cmd_check(const uint32_t w[IG1_CMD_WORDS], uint64_t *addr);

#ifdef __cplusplus
}
#endif

#endif
"""

FUNCTIONS = r"""
const struct ig1_op_desc *ig1_op_find(uint8_t code)
{
	return op_index[code] ? &ig1_ops[op_index[code] - 1] : NULL;
}

const struct ig1_op_desc *ig1_op_by_name(const char *name, uint32_t n)
{
	uint32_t i;

	for (i = 0; i < IG1_OPS; i++) {
		if (strlen(ig1_ops[i].name) == n && !memcmp(ig1_ops[i].name, name, n))
			return &ig1_ops[i];
	}
	return NULL;
}

const char *ig1_fault_name(uint32_t fault)
{
	return fault < IG1_FAULTS ? ig1_fault_names[fault].name : "unknown";
}

int ig1_cmd_check(const uint32_t w[IG1_CMD_WORDS], uint64_t *addr)
{
	const struct ig1_op_desc *op = ig1_op_find(w[0] & 0xff);
	uint32_t stray = 0, bad = IG1_CMD_WORDS, i;
	const struct enum_check *e;

	if (addr)
		*addr = 0;
	if (!op)
		return IG1_FAULT_OPCODE;
	for (i = 0; i < IG1_CMD_WORDS; i++)
		stray |= w[i] & ~op->used[i];
	if (stray) {
		for (bad = 0; !(w[bad] & ~op->used[bad]); bad++)
			;
	}
	for (e = enum_checks[op->fmt - ig1_formats]; e->valid; e++) {
		if (e->word < bad && !(e->valid >> (w[e->word] >> e->lo & e->mask) & 1))
			bad = e->word;
	}
	if (bad == IG1_CMD_WORDS)
		return IG1_FAULT_NONE;
	if (addr)
		*addr = bad;
	return IG1_FAULT_FIELD;
}
"""


def string(s):
    text = " ".join(s.split())
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def tables_h(spec):
    out = "/* SPDX-License-Identifier: MIT */\n" + NOTICE
    out += block_comment("Commands, faults and counters described as data, and the check of a command's encoding.\n"
                         "Everything is static and read-only.")
    text = HEADER.replace("@KINDS@", "".join(f"\tIG1_KIND_{k.upper()},\n" for k in KINDS))
    text = text.replace("@NOPS@", str(len(spec.ops))).replace("@NFMTS@", str(len(spec.formats)))
    return out + text.replace("@NENUMS@", str(len(spec.enums)))


def enum_tables(spec):
    out = ""
    for e in spec.enums.values():
        out += f"static const struct ig1_value_desc values_{e['n']}[] = {{\n"
        for v in e["v"]:
            out += f"\t{{ \"{v['n']}\", {v['c']}, {int(bool(v.get('rsv')))}, {string(v['d'])} }},\n"
        out += "};\n\n"
    out += "const struct ig1_enum_desc ig1_enums[IG1_ENUMS] = {\n"
    for e in spec.enums.values():
        out += (f"\t{{ \"{e['n']}\", {len(e['v'])}, {spec.valid_values(e['n']):#x}, "
                f"values_{e['n']}, {string(e['d'])} }},\n")
    return out + "};\n\n"


def format_tables(spec):
    order = list(spec.enums)
    out = ""
    for fmt in spec.formats.values():
        out += f"static const struct ig1_field_desc fields_{fmt.name}[] = {{\n"
        for f in fmt.fields:
            en = f"&ig1_enums[{order.index(f.enum)}]" if f.kind == "enum" else "NULL"
            out += (f'\t{{ "{f.name}", {f.word}, {f.lo}, {f.bits}, IG1_KIND_{f.kind.upper()}, '
                    f"{en}, {string(f.doc)} }},\n")
        out += "};\n\n"
    out += "const struct ig1_fmt_desc ig1_formats[IG1_FORMATS] = {\n"
    for fmt in spec.formats.values():
        out += f'\t{{ "{fmt.name}", {len(fmt.fields)}, fields_{fmt.name}, {string(fmt.doc)} }},\n'
    return out + "};\n\n"


def op_tables(spec):
    order = list(spec.formats)
    out = "const struct ig1_op_desc ig1_ops[IG1_OPS] = {\n"
    for o in spec.ops:
        out += (f'\t{{ "{o.name}", {o.code:#04x}, IG1_ENGINE_{o.engine.upper()}, '
                f"&ig1_formats[{order.index(o.fmt.name)}],\n\t  {string(o.doc)},\n\t  {{\n")
        used = o.used()
        for i in range(0, CMD_WORDS, 8):
            out += "\t    " + ", ".join(f"{w:#010x}" for w in used[i:i + 8]) + ",\n"
        out += "\t  } },\n"
    out += "};\n\n"
    out += "/* Opcode to index in ig1_ops, plus one. */\nstatic const uint8_t op_index[256] = {\n"
    index = {o.code: i + 1 for i, o in enumerate(spec.ops)}
    for row in range(0, 256, 16):
        out += "\t" + ", ".join(f"{index.get(row + k, 0)}" for k in range(16)) + ",\n"
    return out + "};\n\n"


def check_tables(spec):
    n = 1 + max(sum(f.kind == "enum" for f in fmt.fields) for fmt in spec.formats.values())
    out = "struct enum_check {\n\tuint8_t word, lo, mask;\n\tuint32_t valid;\n};\n\n"
    out += "/* Enum fields of each format, in word order. */\n"
    out += f"static const struct enum_check enum_checks[IG1_FORMATS][{n}] = {{\n"
    for fmt in spec.formats.values():
        rows = [f for f in fmt.fields if f.kind == "enum"]
        out += "\t{ " + "".join(f"{{ {f.word}, {f.lo}, {(1 << f.bits) - 1:#x}, {spec.valid_values(f.enum):#x} }}, "
                                for f in sorted(rows, key=lambda f: f.bit())) + "{ 0, 0, 0, 0 } },\n"
    return out + "};\n"


def name_table(what, count, rows):
    out = f"const struct ig1_name_desc {what}[{count}] = {{\n"
    for r in rows:
        out += f"\t{{ \"{r['n']}\", {string(r['d'])} }},\n"
    return out + "};\n\n"


def tables_c(spec):
    out = "// SPDX-License-Identifier: MIT\n" + NOTICE
    out += '#include <stddef.h>\n#include <string.h>\n\n#include "ig1_tables.h"\n\n' + OFF + "\n"
    out += enum_tables(spec) + format_tables(spec) + op_tables(spec)
    engines = sorted(spec.engines, key=lambda e: e["code"])
    out += name_table("ig1_engine_names", "IG1_ENGINE_COUNT", engines)
    out += name_table("ig1_fault_names", "IG1_FAULTS", spec.chip["fault"])
    out += name_table("ig1_ctr_names", "IG1_CTR_COUNT", spec.chip["counter"])
    return out + check_tables(spec) + "\n/* clang-format on */\n" + FUNCTIONS
