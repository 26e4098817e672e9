/* SPDX-License-Identifier: MIT
 *
 * A handler that cannot be fetched stops the core; a handler that traps after its first
 * instruction does not. The scratch register tells the bench that the latter was survived.
 */
#include "env.inc"

	.section .text.start, "ax"
	.globl	_start
_start:
	ENV_START
	la	t0, trap
	csrw	mtvec, t0
	li	s0, 0
	ecall
	j	fail

	.align	2
trap:
	addi	s0, s0, 1
	li	t0, 2
	beq	s0, t0, 1f
	ecall				/* nested: comes back to the line above */
1:	la	t0, 2f
	csrw	mepc, t0
	mret
2:	li	t0, NOWHERE
	csrw	mtvec, t0
	li	t1, PERIPH
	sw	s0, PERIPH_SCRATCH(t1)
	ecall
	PASS
	ENV_END

	.bss
	.space	4
