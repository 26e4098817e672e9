/* SPDX-License-Identifier: MIT
 *
 * Cycle costs on the SRAM, as the core documents them. RTL of the whole microcontroller only.
 */
#include "env.inc"

	/* count copies of the instruction take count * each cycles. */
	.macro	COST each, count, insn:vararg
	CHECK
	csrr	s1, mcycle
	.rept	\count
	\insn
	.endr
	csrr	s2, mcycle
	sub	s2, s2, s1
	EXPECT	s2, 1 + \each * \count
	.endm

	.section .text.start, "ax"
	.globl	_start
_start:
	ENV_START
	la	t0, trap
	csrw	mtvec, t0
	la	t3, fail		/* where the handler returns to */
	la	s0, buffer
	li	t0, -7
	li	t1, 3

	COST	1, 20, addi t2, t2, 1
	COST	1, 20, lui t2, 5
	COST	1, 20, csrrw t2, mscratch, t2
	COST	1, 20, fence
	COST	1, 20, beq t0, t1, fail
	COST	2, 20, bne t0, t1, .+4
	COST	2, 20, jal t2, .+4
	COST	3, 20, lw t2, 0(s0)
	COST	3, 20, sw t2, 0(s0)
	COST	3, 20, mul t2, t0, t1
	COST	34, 5, div t2, t0, t1
	COST	34, 5, remu t2, t0, zero

	/* A trap and back: 2 for the entry, 1 for csrw, 2 for mret. */
	CHECK
	la	t3, 1f
	csrr	s1, mcycle
	ecall
	j	fail
1:	csrr	s2, mcycle
	la	t3, fail
	sub	s2, s2, s1
	EXPECT	s2, 1 + 5
	PASS

	.align	2
trap:
	csrw	mepc, t3
	mret
	ENV_END

	.bss
buffer:
	.space	4
