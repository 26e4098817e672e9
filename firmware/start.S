/* SPDX-License-Identifier: MIT */
/*
 * Reset and trap entry. Interrupts stay disabled (mstatus.MIE); mie.MEIE lets the external line end
 * a wfi, nothing else. So every trap is an error.
 */
	.equ	MIE_MEIE, 1 << 11

	.section .text.start, "ax"
	.globl	_start
_start:
	csrci	mstatus, 8
	la	t0, trap
	csrw	mtvec, t0
	.option	push
	.option	norelax
	la	gp, __global_pointer$
	.option	pop
	la	sp, fw_stack_top
	la	t0, fw_bss_begin
	la	t1, fw_bss_end
	bgeu	t0, t1, 2f
	/* Both are multiples of 16. */
1:	sw	zero, 0(t0)
	sw	zero, 4(t0)
	sw	zero, 8(t0)
	sw	zero, 12(t0)
	addi	t0, t0, 16
	bltu	t0, t1, 1b
2:	li	t0, MIE_MEIE
	csrw	mie, t0
	call	fw_main
	/* Does not return. */
	ebreak

	/* The stack may be what broke: a fresh one, and never back. */
	.align	2
trap:
	la	sp, fw_stack_top
	csrr	a0, mcause
	csrr	a1, mepc
	csrr	a2, mtval
	tail	fw_trap
