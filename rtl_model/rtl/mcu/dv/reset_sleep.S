/* SPDX-License-Identifier: MIT
 *
 * For a bench that resets the core once: reads the peripheral until then, so that the reset finds
 * an access in flight. The second start sleeps while the late response comes, then uses the
 * peripheral, which must answer the new accesses only.
 */
#include "env.inc"

	.section .text.start, "ax"
	.globl	_start
_start:
	la	s0, starts
	lw	t0, 0(s0)
	addi	t1, t0, 1
	sw	t1, 0(s0)
	li	s1, PERIPH
	bnez	t0, 2f
	li	t0, 0x13579bdf
	sw	t0, PERIPH_SCRATCH(s1)
1:	lw	t0, PERIPH_SCRATCH(s1)
	j	1b

2:	la	t0, trap
	csrw	mtvec, t0
	li	t0, MIE_MTIE
	csrw	mie, t0
	li	t1, MTIME
	li	t2, MTIMECMP
	lw	t0, 0(t1)
	addi	t0, t0, 200
	sw	t0, 0(t2)
	sw	zero, 4(t2)
	wfi
	CHECK
	li	t0, 0x2468ace0
	sw	t0, PERIPH_SCRATCH(s1)
	lw	t1, PERIPH_SCRATCH(s1)
	bne	t0, t1, fail
	CHECK
	li	t0, 0x80000000
	lw	t1, 0(t0)
	EXPECT	t1, 0xdb97531f
	lw	t0, 0(s0)
	EXPECT	t0, 2
	PASS

	.align	2
trap:
	j	fail
	ENV_END

	.data
	.align	2
starts:
	.word	0

	.bss
	.space	4
