/* SPDX-License-Identifier: MIT */
/*
 * What the sequencer's arithmetic and conditions mean (docs/isa.md, enums aluop and cond), for
 * everything in C that executes programs: the reference model and the compiler's hazard checker.
 * The RTL states it on its own, in ig1_seq.sv. Operands are R[ra] and R[rb] + imm.
 */
#ifndef IG1_SEQ_OPS_H
#define IG1_SEQ_OPS_H

#include <stdbool.h>
#include <stdint.h>

#include "ig1_isa.h"

static inline uint64_t ig1_seq_alu(unsigned int op, uint64_t a, uint64_t b)
{
	switch (op) {
	case IG1_ALUOP_ADD:
		return a + b;
	case IG1_ALUOP_SUB:
		return a - b;
	case IG1_ALUOP_MUL:
		return a * b;
	case IG1_ALUOP_SHL:
		return a << (b & 63);
	case IG1_ALUOP_SHR:
		return a >> (b & 63);
	case IG1_ALUOP_AND:
		return a & b;
	case IG1_ALUOP_OR:
		return a | b;
	case IG1_ALUOP_MIN:
		return a < b ? a : b;
	default:
		return a > b ? a : b;
	}
}

static inline bool ig1_seq_holds(unsigned int cond, uint64_t a, uint64_t b)
{
	switch (cond) {
	case IG1_COND_ALWAYS:
		return true;
	case IG1_COND_EQ:
		return a == b;
	case IG1_COND_NE:
		return a != b;
	case IG1_COND_LT:
		return a < b;
	default:
		return a >= b;
	}
}

#endif
