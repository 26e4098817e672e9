/* SPDX-License-Identifier: MIT */
/* Attributes of the text form: one table per kind of line, used by printer and parser alike. */
#ifndef IG1_COMPILER_IR_IR_ATTR_H
#define IG1_COMPILER_IR_IR_ATTR_H

#include "compiler/ir/ir.h"

enum ir_attr_type {
	IR_ATTR_U32,
	IR_ATTR_U64,
	IR_ATTR_F32,
	IR_ATTR_F64,
	IR_ATTR_STR,
	IR_ATTR_FORMAT, /* uint32_t, by name */
	IR_ATTR_DTYPE,	/* uint32_t, by name */
	IR_ATTR_FN,	/* uint32_t, by name */
	IR_ATTR_TENSOR, /* struct ir_tensor * */
	IR_ATTR_CONST,
	IR_ATTR_TABLE,
	IR_ATTR_INPUTS, /* of struct ir_op */
	IR_ATTR_MATS,	/* of struct ir_op */
	IR_ATTR_PIECES, /* of struct ir_const */
};

struct ir_attr {
	const char *key; /* NULL ends the table */
	enum ir_attr_type type;
	size_t offset;
};

extern const struct ir_attr ir_attrs_model[], ir_attrs_tensor[], ir_attrs_const[], ir_attrs_table[],
	ir_attrs_op[];
extern const char *const ir_dtype_names[IR_DTYPES];

#define IR_TEXT_MAGIC "intaglio-ir 1"

#endif
