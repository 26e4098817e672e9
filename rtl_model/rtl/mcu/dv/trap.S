/* SPDX-License-Identifier: MIT
 *
 * Synchronous traps: cause, program counter, value, interrupt enables and the absence of side
 * effects. What QEMU does differently is in trap_local.S.
 */
#include "env.inc"
#include "trap.inc"

	.section .text.start, "ax"
	.globl	_start
_start:
	ENV_START
	la	t0, trap
	csrw	mtvec, t0
	la	s0, sig_begin
	csrw	mie, zero

	TRAP_NEXT 11, 1f, 0, 2f
1:	ecall
	j	fail
2:
	/* The handler ran with interrupts off and saw the old MIE in MPIE. */
	CHECK
	andi	t0, s6, MSTATUS_MIE | MSTATUS_MPIE
	bnez	t0, fail
	csrsi	mstatus, MSTATUS_MIE
	TRAP_NEXT 11, 1f, 0, 2f
1:	ecall
	j	fail
2:	CHECK
	andi	t0, s6, MSTATUS_MIE | MSTATUS_MPIE
	EXPECT	t0, MSTATUS_MPIE
	csrr	t0, mstatus
	andi	t0, t0, MSTATUS_MIE | MSTATUS_MPIE
	EXPECT	t0, MSTATUS_MIE | MSTATUS_MPIE
	csrci	mstatus, MSTATUS_MIE

	TRAP_NEXT 3, 1f, 0, 2f
1:	ebreak
	j	fail
2:
	/* Undefined encodings, destination t2 wherever there is one. */
	ILLEGAL	0xffffffff
	ILLEGAL	0x0000038b		/* custom-0 */
	ILLEGAL	0x0000b383		/* load, funct3 3: ld */
	ILLEGAL	0x0000f383		/* load, funct3 7 */
	ILLEGAL	0x0000e383		/* lwu */
	ILLEGAL	0x0070b023		/* sd */
	ILLEGAL	0x0070f023
	ILLEGAL	0x00002063		/* branch, funct3 2 and 3 */
	ILLEGAL	0x00003063
	ILLEGAL	0x000093e7		/* jalr, funct3 1 */
	ILLEGAL	0x02101393		/* slli by 33 */
	ILLEGAL	0x40101393		/* slli with the bit of srai */
	ILLEGAL	0x80105393		/* srli, funct7 40 */
	ILLEGAL	0x407313b3		/* sll with the bit of sub */
	ILLEGAL	0x407343b3
	ILLEGAL	0x047303b3		/* add, funct7 02 */
	ILLEGAL	0x037303bb		/* RV64: mulw */
	ILLEGAL	0x0000439b		/* RV64: addiw, bad funct3 */
	ILLEGAL	0x0000200f		/* misc-mem, funct3 2 */
	ILLEGAL	0x00004073		/* system, funct3 4 */
	ILLEGAL	0x10200073		/* sret */
	ILLEGAL	0x00200073		/* uret */
	ILLEGAL	0x000003f3		/* ecall with a destination */
	ILLEGAL	0x30208073		/* mret with a source */
	ILLEGAL	0x1005a3af		/* lr.w: no A extension */
	ILLEGAL	0x0005a387		/* flw: no F extension */
	ILLEGAL	0x00b50553		/* fadd.s */
	ILLEGAL	0x7c0023f3		/* csrr of a custom register */
	ILLEGAL	0x100023f3		/* sstatus */
	ILLEGAL	0x003023f3		/* fcsr */
	ILLEGAL	0xf14293f3		/* csrrw mhartid, t0 */
	ILLEGAL	0xf140d3f3		/* csrrwi mhartid, 1 */
	ILLEGAL	0xf112e3f3		/* csrrsi mvendorid, 5 */
	ILLEGAL	0xf112f3f3		/* csrrci mvendorid, 5 */
	ILLEGAL	0xf11013f3		/* csrrw mvendorid, x0 writes as well */

	/* Misaligned targets: the jump traps, the link is not written. */
	TRAP_NEXT_CODE 0, 1f, 2f + 2, 2f
1:	jal	t2, 2f + 2
	j	fail
2:	EXPECT	t2, 0x5a5a5a5a
	TRAP_NEXT_CODE 0, 1f, 2f + 2, 2f
	la	t1, 2f
1:	jalr	t2, 3(t1)
	j	fail
2:	EXPECT	t2, 0x5a5a5a5a
	TRAP_NEXT_CODE 0, 1f, 2f + 2, 2f
1:	beq	zero, zero, 2f + 2
	j	fail
2:	/* A branch that is not taken does not trap. */
	CHECK
	bne	zero, zero, 2b + 2

	/* Accesses nobody answers. */
	li	t1, NOWHERE
	TRAP_NEXT 5, 1f, NOWHERE, 2f
1:	lw	t2, 0(t1)
	j	fail
2:	EXPECT	t2, 0x5a5a5a5a
	TRAP_NEXT 5, 1f, NOWHERE + 3, 2f
1:	lbu	t2, 3(t1)
	j	fail
2:	EXPECT	t2, 0x5a5a5a5a
	TRAP_NEXT 5, 1f, NOWHERE - 2, 2f
1:	lh	t1, -2(t1)
	j	fail
2:	EXPECT	t1, NOWHERE
	TRAP_NEXT 7, 1f, NOWHERE, 2f
1:	sw	t2, 0(t1)
	j	fail
2:	TRAP_NEXT 7, 1f, NOWHERE + 1, 2f
1:	sb	t2, 1(t1)
	j	fail
2:	TRAP_NEXT 7, 1f, NOWHERE + 2, 2f
1:	sh	t2, 2(t1)
	j	fail
2:	/* Fetch: the trap is on the target, the jump has completed. */
	CHECK
	li	s1, 1
	li	s2, NOWHERE
	li	s3, NOWHERE
	la	s4, 2f
	li	s5, 0
	jalr	t2, 0(t1)
1:	j	fail
2:	la	t0, 1b
	bne	t0, t2, fail
	CHECK
	li	s2, NOWHERE + 0x40
	li	s3, NOWHERE + 0x40
	la	s4, 2f
	csrw	mepc, s2
	li	t0, 0x1800
	csrs	mstatus, t0
	mret
	j	fail
2:
	PASS

	TRAP_HANDLER
	ENV_END

	.bss
	.space	2048
