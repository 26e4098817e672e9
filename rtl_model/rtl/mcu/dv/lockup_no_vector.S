/* SPDX-License-Identifier: MIT
 *
 * A trap before mtvec is written stops the core.
 */
#include "env.inc"

	.section .text.start, "ax"
	.globl	_start
_start:
	ENV_START
	li	gp, 0
	li	t0, PERIPH
	li	t1, 1
	sw	t1, PERIPH_SCRATCH(t0)
	ecall
	PASS
	ENV_END

	.bss
	.space	4
