/* SPDX-License-Identifier: MIT
 *
 * The M extension: corner values of each instruction, division by zero and overflow.
 */
#include "env.inc"

	/* The four products of a and b, with separate, same and overlapping registers. */
	.macro PRODUCTS a, b, lo, hi_ss, hi_su, hi_uu
	CHECK
	li	t0, \a
	li	t1, \b
	mul	t2, t0, t1
	EXPECT	t2, \lo
	mulh	t2, t0, t1
	EXPECT	t2, \hi_ss
	mulhsu	t2, t0, t1
	EXPECT	t2, \hi_su
	mulhu	t2, t0, t1
	EXPECT	t2, \hi_uu
	mv	t2, t0
	mulhsu	t2, t2, t1
	EXPECT	t2, \hi_su
	mv	t2, t1
	mulhsu	t2, t0, t2
	EXPECT	t2, \hi_su
	.endm

	.macro QUOTIENTS a, b, quot, rem, quotu, remu
	CHECK
	li	t0, \a
	li	t1, \b
	div	t2, t0, t1
	EXPECT	t2, \quot
	rem	t2, t0, t1
	EXPECT	t2, \rem
	divu	t2, t0, t1
	EXPECT	t2, \quotu
	remu	t2, t0, t1
	EXPECT	t2, \remu
	mv	t2, t0
	div	t2, t2, t1
	EXPECT	t2, \quot
	mv	t2, t1
	rem	t2, t0, t2
	EXPECT	t2, \rem
	.endm

	.section .text.start, "ax"
	.globl	_start
_start:
	ENV_START
	la	t0, trap
	csrw	mtvec, t0

	PRODUCTS 0, 0, 0, 0, 0, 0
	PRODUCTS 0, 0xffffffff, 0, 0, 0, 0
	PRODUCTS 1, 0xffffffff, 0xffffffff, 0xffffffff, 0, 0
	PRODUCTS 0xffffffff, 1, 0xffffffff, 0xffffffff, 0xffffffff, 0
	PRODUCTS 0xffffffff, 0xffffffff, 1, 0, 0xffffffff, 0xfffffffe
	PRODUCTS 0x80000000, 0x80000000, 0, 0x40000000, 0xc0000000, 0x40000000
	PRODUCTS 0x80000000, 0xffffffff, 0x80000000, 0, 0x80000000, 0x7fffffff
	PRODUCTS 0xffffffff, 0x80000000, 0x80000000, 0, 0xffffffff, 0x7fffffff
	PRODUCTS 0x7fffffff, 0x7fffffff, 1, 0x3fffffff, 0x3fffffff, 0x3fffffff
	PRODUCTS 0x7fffffff, 0x80000000, 0x80000000, 0xc0000000, 0x3fffffff, 0x3fffffff
	PRODUCTS 0x00010000, 0x00010000, 0, 1, 1, 1
	PRODUCTS 0xffff0000, 0x00010000, 0, 0xffffffff, 0xffffffff, 0x0000ffff
	PRODUCTS 0x12345678, 0x00000010, 0x23456780, 1, 1, 1

	QUOTIENTS 20, 6, 3, 2, 3, 2
	QUOTIENTS -20, 6, -3, -2, 0x2aaaaaa7, 2
	QUOTIENTS 20, -6, -3, 2, 0, 20
	QUOTIENTS -20, -6, 3, -2, 0, -20
	QUOTIENTS 0, 7, 0, 0, 0, 0
	QUOTIENTS 1, 1, 1, 0, 1, 0
	QUOTIENTS -1, 1, -1, 0, 0xffffffff, 0
	QUOTIENTS 0xffffffff, 0xffffffff, 1, 0, 1, 0
	QUOTIENTS 0x80000000, 1, 0x80000000, 0, 0x80000000, 0
	QUOTIENTS 0x80000000, 2, 0xc0000000, 0, 0x40000000, 0
	QUOTIENTS 0x7fffffff, 0x80000000, 0, 0x7fffffff, 0, 0x7fffffff
	QUOTIENTS 0xfffffffe, 0xffffffff, 2, 0, 0, 0xfffffffe
	/* overflow */
	QUOTIENTS 0x80000000, 0xffffffff, 0x80000000, 0, 0, 0x80000000
	/* division by zero */
	QUOTIENTS 0, 0, -1, 0, 0xffffffff, 0
	QUOTIENTS 1, 0, -1, 1, 0xffffffff, 1
	QUOTIENTS -1, 0, -1, -1, 0xffffffff, 0xffffffff
	QUOTIENTS 0x80000000, 0, -1, 0x80000000, 0xffffffff, 0x80000000
	QUOTIENTS 0x7fffffff, 0, -1, 0x7fffffff, 0xffffffff, 0x7fffffff

	/* Back to back, each reading the one before. */
	CHECK
	li	t0, 1000003
	li	t1, 7919
	mul	t2, t0, t1
	div	t2, t2, t1
	remu	t3, t2, t1
	mul	t3, t3, t3
	divu	t3, t3, t1
	EXPECT	t2, 0xfffeb50f		/* the product wraps to a negative number */
	EXPECT	t3, 0xc5c
	PASS

	.align	2
trap:
	j	fail
	ENV_END

	.bss
	.space	4
