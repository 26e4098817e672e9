/* SPDX-License-Identifier: MIT
 *
 * CSR instructions and the registers' fields. Parts that the privileged specification leaves to
 * the implementation are checked on the RTL only.
 */
#include "env.inc"

	.section .text.start, "ax"
	.globl	_start
_start:
	ENV_START
	la	t0, trap
	csrw	mtvec, t0
	csrr	t1, mtvec
	CHECK
	bne	t0, t1, fail

	/* The six forms, on a register of 32 plain bits. */
	CHECK
	li	t0, 0xf0f0a5a5
	csrw	mscratch, t0
	li	t1, 0x12345678
	csrrw	t2, mscratch, t1
	EXPECT	t2, 0xf0f0a5a5
	csrr	t2, mscratch
	EXPECT	t2, 0x12345678
	CHECK
	li	t1, 0x80000007
	csrrs	t2, mscratch, t1
	EXPECT	t2, 0x12345678
	csrr	t2, mscratch
	EXPECT	t2, 0x9234567f
	CHECK
	li	t1, 0x9000000f
	csrrc	t2, mscratch, t1
	EXPECT	t2, 0x9234567f
	csrr	t2, mscratch
	EXPECT	t2, 0x02345670
	CHECK
	csrrwi	t2, mscratch, 31
	EXPECT	t2, 0x02345670
	csrrsi	t2, mscratch, 0
	EXPECT	t2, 31
	csrrci	t2, mscratch, 21
	EXPECT	t2, 31
	csrrsi	t2, mscratch, 16
	EXPECT	t2, 10
	csrrci	t2, mscratch, 0
	EXPECT	t2, 26
	csrrwi	t2, mscratch, 0
	EXPECT	t2, 26
	/* Source and destination the same; destination x0; source x0. */
	CHECK
	li	t0, 0x13572468
	csrrw	t0, mscratch, t0
	EXPECT	t0, 0
	csrrw	zero, mscratch, t0
	csrrw	t0, mscratch, zero
	EXPECT	t0, 0
	li	t0, -1
	csrrw	t0, mscratch, t0
	csrrw	t0, mscratch, zero
	EXPECT	t0, -1
	csrrs	t0, mscratch, zero
	EXPECT	t0, 0

	/* mepc, mtval and mcause keep what traps write. */
	CHECK
	li	t0, 0x8000abcc
	csrw	mepc, t0
	csrr	t1, mepc
	EXPECT	t1, 0x8000abcc
	li	t0, 0xdeadbeef
	csrw	mtval, t0
	csrr	t1, mtval
	EXPECT	t1, 0xdeadbeef
	li	t0, 0x8000000b
	csrw	mcause, t0
	csrr	t1, mcause
	EXPECT	t1, 0x8000000b
	csrw	mcause, 7
	csrr	t1, mcause
	EXPECT	t1, 7

	/* mie holds the two enables. */
	CHECK
	csrw	mie, zero
	csrr	t0, mie
	EXPECT	t0, 0
	li	t0, MIE_MEIE
	csrs	mie, t0
	csrr	t1, mie
	EXPECT	t1, MIE_MEIE
	li	t0, MIE_MTIE
	csrw	mie, t0
	csrr	t1, mie
	EXPECT	t1, MIE_MTIE
	csrw	mie, zero

	CHECK
	csrr	t0, mhartid
	EXPECT	t0, 0
	csrr	t0, misa
	li	t1, 0x40001100
	and	t0, t0, t1
	EXPECT	t0, 0x40001100
	csrr	t0, mvendorid
	EXPECT	t0, 0

	/* Counters advance and can be written. */
	CHECK
	csrr	t0, mcycle
	csrr	t1, mcycle
	csrr	t2, minstret
	csrr	t3, minstret
	beq	t0, t1, fail
	beq	t2, t3, fail

	/* mret moves MPIE to MIE and sets MPIE. */
	CHECK
	li	t0, MSTATUS_MPIE | MSTATUS_MIE
	csrc	mstatus, t0
	la	t1, 1f
	csrw	mepc, t1
	li	t1, 0x1800
	csrs	mstatus, t1
	mret
	j	fail
1:	csrr	t1, mstatus
	and	t1, t1, t0
	EXPECT	t1, MSTATUS_MPIE
	CHECK
	la	t1, 1f
	csrw	mepc, t1
	li	t1, 0x1800
	csrs	mstatus, t1
	mret
	j	fail
1:	csrr	t1, mstatus
	and	t1, t1, t0
	EXPECT	t1, MSTATUS_MPIE | MSTATUS_MIE
	csrc	mstatus, t0

#ifndef QEMU
	/* Hardwired fields. */
	CHECK
	csrw	mstatus, zero
	csrr	t0, mstatus
	EXPECT	t0, 0x1800
	li	t0, -1
	csrw	mie, t0
	csrr	t1, mie
	EXPECT	t1, MIE_MEIE | MIE_MTIE
	csrw	mie, zero
	csrw	mstatus, t0
	csrr	t1, mstatus
	EXPECT	t1, 0x1888
	csrw	mstatus, zero
	CHECK
	csrw	misa, zero
	csrr	t0, misa
	EXPECT	t0, 0x40001100
	li	t0, -1
	csrw	mip, t0
	csrr	t0, mip
	EXPECT	t0, 0
	csrw	mstatush, t0
	csrr	t0, mstatush
	EXPECT	t0, 0
	CHECK
	csrr	t0, marchid
	EXPECT	t0, 0
	csrr	t0, mimpid
	EXPECT	t0, 1
	csrr	t0, 0xf15
	EXPECT	t0, 0
	/* mepc has no low bits without the C extension; QEMU 7.2 keeps them. */
	CHECK
	li	t0, 0x8000abcf
	csrw	mepc, t0
	csrr	t1, mepc
	EXPECT	t1, 0x8000abcc
	/* Vectored mode is refused. */
	CHECK
	csrr	t0, mtvec
	ori	t1, t0, 3
	csrw	mtvec, t1
	csrr	t1, mtvec
	bne	t0, t1, fail
	/* Performance counters read as zero and ignore writes. */
	CHECK
	li	t0, -1
	csrw	mhpmcounter3, t0
	csrw	mhpmcounter31h, t0
	csrw	mhpmevent3, t0
	csrr	t0, mhpmcounter3
	EXPECT	t0, 0
	csrr	t0, mhpmcounter31h
	EXPECT	t0, 0
	csrr	t0, mhpmevent3
	EXPECT	t0, 0
	csrr	t0, mhpmevent31
	EXPECT	t0, 0

	/* minstret counts exactly; a write is seen by the next instruction. */
	CHECK
	csrw	minstret, 10
	csrr	t0, minstret
	csrr	t1, minstret
	EXPECT	t0, 10
	EXPECT	t1, 11
	CHECK
	csrw	minstreth, 3
	li	t0, -2
	csrw	minstret, t0
	nop
	nop
	csrr	t0, minstret
	csrr	t1, minstreth
	EXPECT	t0, 0
	EXPECT	t1, 4
	CHECK
	csrw	mcycleh, 7
	li	t0, -1
	csrw	mcycle, t0
	nop
	csrr	t1, mcycleh
	EXPECT	t1, 8
#endif
	PASS

	.align	2
trap:
	j	fail
	ENV_END

	.bss
	.space	4
