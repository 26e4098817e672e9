/* SPDX-License-Identifier: MIT
 *
 * Every RV32I instruction but the system ones, with expected values worked out by hand.
 */
#include "env.inc"

	.macro RR op, a, b, want
	CHECK
	li	t0, \a
	li	t1, \b
	\op	t2, t0, t1
	EXPECT	t2, \want
	EXPECT	t0, \a
	EXPECT	t1, \b
	.endm

	.macro RI op, a, imm, want
	CHECK
	li	t0, \a
	\op	t2, t0, \imm
	EXPECT	t2, \want
	\op	t0, t0, \imm
	EXPECT	t0, \want
	.endm

	.macro TAKEN op, a, b
	CHECK
	li	t0, \a
	li	t1, \b
	\op	t0, t1, 1f
	j	fail
2:	\op	t0, t1, 3f
	j	fail
1:	\op	t0, t1, 2b
	j	fail
3:
	.endm

	.macro UNTAKEN op, a, b
	CHECK
	li	t0, \a
	li	t1, \b
	\op	t0, t1, fail
1:	\op	t0, t1, 1b
	.endm

	.macro LOAD op, offset, want
	CHECK
	\op	t2, \offset(s0)
	EXPECT	t2, \want
	addi	t2, s0, \offset - 2047
	\op	t2, 2047(t2)
	EXPECT	t2, \want
	.endm

	/* Stores 0x89abcdef over 0x01234567. */
	.macro STORE op, offset, want
	CHECK
	li	t0, 0x01234567
	sw	t0, 0(s1)
	li	t0, 0x89abcdef
	\op	t0, \offset(s1)
	lw	t2, 0(s1)
	EXPECT	t2, \want
	.endm

	.section .text.start, "ax"
	.globl	_start
_start:
	ENV_START
	la	t0, trap
	csrw	mtvec, t0

	RR	add, 0, 0, 0
	RR	add, 0x7fffffff, 1, 0x80000000
	RR	add, 0xffffffff, 1, 0
	RR	add, 0x12345678, 0x9abcdef0, 0xacf13568
	RR	sub, 0, 1, 0xffffffff
	RR	sub, 0x80000000, 1, 0x7fffffff
	RR	sub, 5, 5, 0
	RR	sll, 1, 31, 0x80000000
	RR	sll, 0x12345678, 4, 0x23456780
	RR	sll, 0x12345678, 32, 0x12345678
	RR	sll, 0xffffffff, 0xffffffe1, 0xfffffffe
	RR	srl, 0x80000000, 31, 1
	RR	srl, 0x80000000, 0, 0x80000000
	RR	srl, 0xf0000000, 0x24, 0x0f000000
	RR	sra, 0x80000000, 31, 0xffffffff
	RR	sra, 0x7fffffff, 31, 0
	RR	sra, 0xf0000000, 0x24, 0xff000000
	RR	slt, 0x80000000, 0x7fffffff, 1
	RR	slt, 0x7fffffff, 0x80000000, 0
	RR	slt, 3, 3, 0
	RR	slt, -1, 0, 1
	RR	sltu, 0x80000000, 0x7fffffff, 0
	RR	sltu, 0x7fffffff, 0x80000000, 1
	RR	sltu, 0, 0, 0
	RR	sltu, 0, 0xffffffff, 1
	RR	xor, 0xff00ff00, 0x0ff00ff0, 0xf0f0f0f0
	RR	or, 0xff00ff00, 0x0ff00ff0, 0xfff0fff0
	RR	and, 0xff00ff00, 0x0ff00ff0, 0x0f000f00

	RI	addi, 0x7fffffff, 1, 0x80000000
	RI	addi, 0, -2048, 0xfffff800
	RI	addi, 0xfffff801, 2047, 0
	RI	slti, 0x80000000, -2048, 1
	RI	slti, 0, -1, 0
	RI	slti, -2048, -2048, 0
	RI	sltiu, 0, -1, 1
	RI	sltiu, 0xffffffff, -1, 0
	RI	sltiu, 0, 1, 1
	RI	xori, 0x00ff0f0f, -1, 0xff00f0f0
	RI	xori, 0x00ff0f0f, 0x0f0, 0x00ff0fff
	RI	ori, 0x00ff0f00, -256, 0xffffff00
	RI	ori, 0x00ff0f00, 0x0ff, 0x00ff0fff
	RI	andi, 0x12345678, -16, 0x12345670
	RI	andi, 0x12345678, 0x7ff, 0x678
	RI	slli, 0x21212121, 0, 0x21212121
	RI	slli, 0x21212121, 7, 0x90909080
	RI	slli, 0x21212121, 31, 0x80000000
	RI	srli, 0x80000001, 1, 0x40000000
	RI	srli, 0xffffffff, 31, 1
	RI	srai, 0x80000001, 1, 0xc0000000
	RI	srai, 0x80000000, 31, 0xffffffff
	RI	srai, 0x40000000, 30, 1

	/* Register 0 stays zero. */
	CHECK
	li	t0, 77
	add	zero, t0, t0
	lui	zero, 0x12345
	auipc	zero, 1
	la	t1, data
	lw	zero, 0(t1)
	mul	zero, t0, t0
	csrr	zero, misa
	jal	zero, 1f
	j	fail
1:	bnez	zero, fail
	mv	t0, zero
	EXPECT	t0, 0

	/* Each register is its own. */
	CHECK
	.irp r, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16
	li	x\r, 0x1010101 * \r
	.endr
	.irp r, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	li	x\r, 0x1010101 * \r
	.endr
	li	x3, 0
	.irp r, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16
	add	x3, x3, x\r
	.endr
	.irp r, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	add	x3, x3, x\r
	.endr
	mv	t0, x3
	CHECK
	EXPECT	t0, (0x1010101 * (496 - 3)) & 0xffffffff

	CHECK
	lui	t0, 0xfffff
	EXPECT	t0, 0xfffff000
	lui	t0, 0x12345
	EXPECT	t0, 0x12345000

	/* auipc and the link of jal agree on the program counter. */
	CHECK
	auipc	t0, 0
	jal	t1, 1f
1:	sub	t2, t1, t0
	EXPECT	t2, 8
	auipc	t0, 0xfffff
	auipc	t1, 1
	sub	t2, t1, t0
	EXPECT	t2, 0x2004

	CHECK
	la	t0, 2f
	jalr	t1, 0(t0)
1:	j	fail
2:	la	t2, 1b
	bne	t1, t2, fail
	/* Bit 0 of the target is dropped; source and link may be the same register. */
	CHECK
	la	t0, 2f + 5
	jalr	t0, -4(t0)
1:	j	fail
2:	la	t2, 1b
	bne	t0, t2, fail
	CHECK
	j	2f
	j	fail
1:	j	3f
	j	fail
2:	j	1b
	j	fail
3:

	TAKEN	beq, 0x80000000, 0x80000000
	UNTAKEN	beq, 0x80000000, 0
	TAKEN	bne, 1, 0
	UNTAKEN	bne, -1, -1
	TAKEN	blt, -1, 0
	TAKEN	blt, 0x80000000, 0x7fffffff
	UNTAKEN	blt, 4, 4
	UNTAKEN	blt, 0x7fffffff, 0x80000000
	TAKEN	bge, 0, -1
	TAKEN	bge, 4, 4
	UNTAKEN	bge, 0x80000000, 0x7fffffff
	TAKEN	bltu, 0, 0xffffffff
	UNTAKEN	bltu, 0xffffffff, 0
	UNTAKEN	bltu, 9, 9
	TAKEN	bgeu, 0xffffffff, 0
	TAKEN	bgeu, 9, 9
	UNTAKEN	bgeu, 0x7fffffff, 0x80000000

	la	s0, data
	LOAD	lw, 0, 0x84c3f27f
	LOAD	lw, 4, 0x01fe8102
	LOAD	lb, 0, 0x7f
	LOAD	lb, 1, 0xfffffff2
	LOAD	lb, 2, 0xffffffc3
	LOAD	lb, 3, 0xffffff84
	LOAD	lb, 7, 1
	LOAD	lbu, 0, 0x7f
	LOAD	lbu, 1, 0xf2
	LOAD	lbu, 2, 0xc3
	LOAD	lbu, 3, 0x84
	LOAD	lh, 0, 0xfffff27f
	LOAD	lh, 2, 0xffff84c3
	LOAD	lh, 6, 0x01fe
	LOAD	lhu, 0, 0xf27f
	LOAD	lhu, 2, 0x84c3
	LOAD	lhu, 4, 0x8102

	la	s1, buffer
	STORE	sw, 0, 0x89abcdef
	STORE	sh, 0, 0x0123cdef
	STORE	sh, 2, 0xcdef4567
	STORE	sb, 0, 0x012345ef
	STORE	sb, 1, 0x0123ef67
	STORE	sb, 2, 0x01ef4567
	STORE	sb, 3, 0xef234567
	CHECK
	sw	t0, 4(s1)
	addi	t1, s1, 2047
	addi	t1, t1, 1
	sw	t0, -2044(t1)
	lw	t2, 4(s1)
	bne	t2, t0, fail
	/* A load may overwrite its own base. */
	mv	t1, s0
	lw	t1, 0(t1)
	EXPECT	t1, 0x84c3f27f

	/* A stored instruction is the one executed, even the very next. */
	CHECK
	li	t0, 0x00700513		/* li a0, 7 */
	la	t1, 1f
	li	a0, 0
	sw	t0, 0(t1)
	fence.i
1:	li	a0, 3
	EXPECT	a0, 7

	/* Reserved fields of fences are ignored. */
	CHECK
	fence
	fence	rw, w
	.word	0x8330000f		/* fence.tso */
	fence.i
	PASS

	.align	2
trap:
	j	fail
	ENV_END

	.data
	.align	2
data:
	.word	0x84c3f27f
	.word	0x01fe8102

	.bss
buffer:
	.space	8
