/* SPDX-License-Identifier: MIT
 *
 * Traps that belong to this chip: misaligned data, the memory map, bus errors, and encodings that
 * QEMU 7.2 treats in its own way. RTL only.
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

	ILLEGAL	0x12000073		/* sfence.vma; QEMU 7.2 takes it without S mode */
	/* All zero, and what would be compressed; QEMU reports 16 bits of these. */
	ILLEGAL	0x00000000
	ILLEGAL	0x00010001
	ILLEGAL	0x12340002
	/* Counters 1 and 2 of the event numbering do not exist. */
	ILLEGAL	0xb01023f3
	ILLEGAL	0xb81023f3
	ILLEGAL	0x321023f3

	li	t1, NOWHERE
	/* Misaligned data: neither register nor memory changes. QEMU performs these accesses. */
	.macro	MISALIGNED cause, op, offset
	TRAP_NEXT_CODE \cause, 1f, data + \offset, 2f
1:	\op	t2, \offset(s7)
	j	fail
2:	EXPECT	t2, 0x5a5a5a5a
	lw	t0, 0(s7)
	EXPECT	t0, 0x00112233
	lw	t0, 4(s7)
	EXPECT	t0, 0x44556677
	.endm
	la	s7, data
	MISALIGNED 4, lw, 1
	MISALIGNED 4, lw, 2
	MISALIGNED 4, lw, 3
	MISALIGNED 4, lh, 1
	MISALIGNED 4, lh, 3
	MISALIGNED 4, lhu, 1
	MISALIGNED 4, lhu, 3
	MISALIGNED 6, sw, 1
	MISALIGNED 6, sw, 2
	MISALIGNED 6, sw, 3
	MISALIGNED 6, sh, 1
	MISALIGNED 6, sh, 3
	/* Misaligned goes before the access fault. */
	TRAP_NEXT 4, 1f, NOWHERE + 2, 2f
1:	lw	t2, 2(t1)
	j	fail
2:
	/* Errors of a peripheral, and accesses it must not see as something else. */
	li	t1, PERIPH
	TRAP_NEXT 5, 1f, PERIPH + PERIPH_ERROR, 2f
1:	lw	t2, PERIPH_ERROR(t1)
	j	fail
2:	EXPECT	t2, 0x5a5a5a5a
	TRAP_NEXT 7, 1f, PERIPH + PERIPH_ERROR, 2f
1:	sw	t2, PERIPH_ERROR(t1)
	j	fail
2:	CHECK
	li	t0, 0x01020304
	sw	t0, PERIPH_SCRATCH(t1)
	li	t0, 0x0a0b0c0d
	sb	t0, PERIPH_SCRATCH + 1(t1)
	sh	t0, PERIPH_SCRATCH + 2(t1)
	lw	t2, PERIPH_SCRATCH(t1)
	EXPECT	t2, 0x0c0d0d04
	lbu	t2, PERIPH_SCRATCH + 3(t1)
	EXPECT	t2, 0x0c
	lh	t2, PERIPH_SCRATCH + 0(t1)
	EXPECT	t2, 0x0d04
	/* The top of the address space belongs to the peripherals. */
	CHECK
	li	t1, 0x80000000
	lw	t2, 0(t1)
	EXPECT	t2, 0xf3f2f2fb
	TRAP_NEXT 5, 1f, 0x80000004, 2f
1:	lw	t2, 4(t1)
	j	fail
2:	TRAP_NEXT 5, 1f, 0xfffffffc, 2f
	li	t1, -4
1:	lw	t2, 0(t1)
	j	fail
2:
	/* The edges of the SRAM, the timer and the peripheral window. */
	CHECK
	li	t1, 0x10000
	sw	t1, -4(t1)
	lw	t2, -4(t1)
	EXPECT	t2, 0x10000
	TRAP_NEXT 5, 1f, 0x10000, 2f
1:	lw	t2, 0(t1)
	j	fail
2:	TRAP_NEXT 7, 1f, 0x10000, 2f
1:	sb	t2, 0(t1)
	j	fail
2:	li	t1, 0x3ffffffc
	TRAP_NEXT 5, 1f, 0x3ffffffc, 2f
1:	lw	t2, 0(t1)
	j	fail
2:	li	t1, 0x02000000
	TRAP_NEXT 5, 1f, 0x02000000, 2f
1:	lw	t2, 0(t1)
	j	fail
2:	li	t1, MTIMECMP
	TRAP_NEXT 5, 1f, MTIMECMP + 8, 2f
1:	lw	t2, 8(t1)
	j	fail
2:	TRAP_NEXT 7, 1f, MTIMECMP - 4, 2f
1:	sw	t2, -4(t1)
	j	fail
2:	TRAP_NEXT 7, 1f, MTIMECMP + 1, 2f
1:	sb	t2, 1(t1)
	j	fail
2:	CHECK
	lw	t2, 0(t1)
	EXPECT	t2, -1
	lw	t2, 4(t1)
	EXPECT	t2, -1
	li	t0, 0x11223344
	sw	t0, 0(t1)
	li	t0, 0x55667788
	sw	t0, 4(t1)
	lw	t2, 0(t1)
	EXPECT	t2, 0x11223344
	lw	t2, 4(t1)
	EXPECT	t2, 0x55667788
	lbu	t2, 2(t1)
	EXPECT	t2, 0x22
	/* Fetches reach the SRAM only. */
	.macro	NO_FETCH address
	CHECK
	li	s1, 1
	li	s2, \address
	li	s3, \address
	la	s4, 2f
	li	s5, 0
	jr	s2
	j	fail
2:
	.endm
	NO_FETCH 0x10000
	NO_FETCH MTIME
	NO_FETCH PERIPH
	NO_FETCH 0xfffffffc
	/* Running off the end: the last word executes, the next faults. */
	CHECK
	li	t0, 0x00138393		/* addi t2, t2, 1 */
	li	s2, 0x10000
	sw	t0, -4(s2)
	li	s1, 1
	li	s3, 0x10000
	la	s4, 2f
	li	t2, 4
	jr	-4(s2)
	j	fail
2:	EXPECT	t2, 5

	/* Traps do not retire: two instructions between the reads, the ecall not among them. */
	TRAP_NEXT 11, 1f, 0, 2f
	csrw	minstret, zero
1:	ecall
	j	fail
2:	CHECK
	EXPECT	s8, 0
	PASS

	TRAP_HANDLER
	ENV_END

	.data
	.align	2
data:
	.word	0x00112233
	.word	0x44556677

	.bss
	.space	2048
