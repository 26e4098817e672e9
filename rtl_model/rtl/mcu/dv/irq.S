/* SPDX-License-Identifier: MIT
 *
 * Interrupts, wfi and the timer. RTL only: it needs the test peripheral.
 */
#include "env.inc"

	.macro	IRQ_IN cycles
	li	t0, \cycles
	sw	t0, PERIPH_IRQ(s0)
	.endm

	/* mtimecmp = mtime + cycles, high word first so that no early interrupt fires. */
	.macro	TIMER_IN cycles
	li	t0, -1
	sw	t0, 4(s1)
	li	t1, MTIME
	lw	t0, 0(t1)
	addi	t0, t0, \cycles
	sw	t0, 0(s1)
	sw	zero, 4(s1)
	.endm

	.section .text.start, "ax"
	.globl	_start
_start:
	ENV_START
	la	t0, trap
	csrw	mtvec, t0
	li	s0, PERIPH
	li	s1, MTIMECMP
	li	s2, 0			/* interrupts taken */
	/* A core reset leaves the timer alone. */
	li	t0, -1
	sw	t0, 4(s1)
	li	t1, MTIME
	sw	zero, 0(t1)
	sw	zero, 4(t1)
	li	s11, 0

	/* Disabled in mie: nothing happens, mip shows the line. */
	CHECK
	csrsi	mstatus, MSTATUS_MIE
	IRQ_IN	1
	li	t1, 100
1:	addi	t1, t1, -1
	bnez	t1, 1b
	bnez	s2, fail
	csrr	t0, mip
	EXPECT	t0, MIE_MEIE
	/* Enabled: taken before the next instruction. */
	CHECK
	li	t1, MIE_MEIE
	la	s3, 1f
	csrw	mie, t1
1:	EXPECT	s2, 1
	EXPECT	s4, 0x8000000b
	bne	s5, s3, fail
	csrr	t0, mtval
	EXPECT	t0, 0
	csrr	t0, mip
	EXPECT	t0, 0
	csrr	t0, mstatus
	EXPECT	t0, 0x1888
	EXPECT	s6, 0x1880

	/* mstatus.MIE off: pending, wakes wfi, is not taken until MIE is set. */
	CHECK
	csrci	mstatus, MSTATUS_MIE
	lw	s7, PERIPH_SLEEPS(s0)
	IRQ_IN	300
	wfi
	EXPECT	s2, 1
	csrr	t0, mip
	EXPECT	t0, MIE_MEIE
	lw	t0, PERIPH_SLEEPS(s0)
	sub	t0, t0, s7
	li	t1, 100
	bltu	t0, t1, fail
	li	t1, 301
	bgtu	t0, t1, fail
	/* With the line up wfi falls through. */
	CHECK
	lw	s7, PERIPH_SLEEPS(s0)
	wfi
	lw	t0, PERIPH_SLEEPS(s0)
	bne	t0, s7, fail
	EXPECT	s2, 1
	la	s3, 1f
	csrsi	mstatus, MSTATUS_MIE
1:	EXPECT	s2, 2
	bne	s5, s3, fail

	/* From wfi with MIE set: the trap returns to the instruction after it. */
	CHECK
	IRQ_IN	300
	la	s3, 1f
	wfi
1:	EXPECT	s2, 3
	EXPECT	s4, 0x8000000b
	bne	s5, s3, fail

	/* wfi ignores a line that mie masks; the timer ends it. */
	CHECK
	li	t1, MIE_MTIE
	csrw	mie, t1
	IRQ_IN	1
	lw	s7, PERIPH_SLEEPS(s0)
	TIMER_IN 300
	la	s3, 1f
	wfi
1:	EXPECT	s2, 4
	EXPECT	s4, 0x80000007
	bne	s5, s3, fail
	lw	t0, PERIPH_SLEEPS(s0)
	sub	t0, t0, s7
	li	t1, 100
	bltu	t0, t1, fail
	csrr	t0, mip
	EXPECT	t0, MIE_MEIE

	/* Both at once: external first, then the timer, before anything else runs. */
	CHECK
	csrci	mstatus, MSTATUS_MIE
	TIMER_IN 0
1:	csrr	t0, mip
	andi	t0, t0, MIE_MTIE
	beqz	t0, 1b
	li	t1, MIE_MTIE | MIE_MEIE
	csrw	mie, t1
	la	s3, 1f
	csrsi	mstatus, MSTATUS_MIE
1:	EXPECT	s2, 6
	EXPECT	s8, 0x8000000b		/* the one before the last */
	EXPECT	s4, 0x80000007
	bne	s5, s3, fail

	/* Timer over the carry from the low to the high word. */
	CHECK
	csrci	mstatus, MSTATUS_MIE
	li	t0, -1
	sw	t0, 4(s1)
	li	t1, MTIME
	li	t0, 1
	sw	zero, 0(s1)
	sw	t0, 4(s1)
	sw	zero, 4(t1)
	li	t0, -100
	sw	t0, 0(t1)
	csrr	t0, mip
	EXPECT	t0, 0
	wfi
	csrr	t0, mip
	EXPECT	t0, MIE_MTIE
	lw	t2, 4(t1)
	EXPECT	t2, 1
	lw	t2, 0(t1)
	li	t1, 100
	bgtu	t2, t1, fail
	EXPECT	s2, 6
	csrsi	mstatus, MSTATUS_MIE
	EXPECT	s2, 7

	/* An interrupt does not tear an instruction: a counted loop of loads, products and quotients
	 * under interrupts every few cycles gives the result it gives without. */
	CHECK
	csrci	mstatus, MSTATUS_MIE
	jal	s10, work
	mv	s9, a0
	li	s11, 1			/* the handler asks for the next interrupt */
	li	s2, 0
	csrsi	mstatus, MSTATUS_MIE
	IRQ_IN	1
	jal	s10, work
	csrci	mstatus, MSTATUS_MIE
	bne	a0, s9, fail
	li	t0, 50
	bltu	s2, t0, fail
	li	s11, 0
	sw	zero, PERIPH_IRQ(s0)

	/* Exceptions come with interrupts pending and masked too. */
	CHECK
	IRQ_IN	1
	li	s2, 0
	la	s3, 1f
1:	ecall
	EXPECT	s4, 11
	bne	s5, s3, fail
	EXPECT	s2, 1
	PASS

work:
	la	t0, buffer
	li	t1, 60
	li	a0, 12345
1:	sw	a0, 0(t0)
	lw	t2, 0(t0)
	mul	t2, t2, t2
	mulhu	a1, t2, a0
	div	a2, t2, t1
	rem	a3, t2, t1
	add	a0, a0, a1
	xor	a0, a0, a2
	sub	a0, a0, a3
	addi	t1, t1, -1
	bnez	t1, 1b
	jr	s10

	/* Acknowledges by cause; keeps cause, program counter and status of the last trap. */
	.align	2
trap:
	addi	s2, s2, 1
	mv	s8, s4
	csrr	s4, mcause
	csrr	s5, mepc
	csrr	s6, mstatus
	bltz	s4, 1f
	addi	s5, s5, 4
	csrw	mepc, s5
	addi	s5, s5, -4
	mret
1:	andi	a7, s4, 4
	bnez	a7, 2f
	sw	zero, PERIPH_IRQ(s0)
	beqz	s11, 3f
	andi	a7, s2, 31
	addi	a7, a7, 1
	sw	a7, PERIPH_IRQ(s0)
	mret
2:	li	a7, -1
	sw	a7, 4(s1)
3:	mret
	ENV_END

	.bss
buffer:
	.space	4
