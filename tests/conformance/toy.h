/* SPDX-License-Identifier: MIT */
/*
 * A model of 64 tokens and one attention head, written straight in the chip's commands, for tests
 * of everything above the compiler. It keeps the program contract; its weights are random. Contents
 * depend on the options only.
 */
#ifndef TOY_H
#define TOY_H

#include <stdint.h>

#define TOY_VOCAB    64u
#define TOY_CONTEXT  100u /* four blocks, the last one not full */
#define TOY_MAX_COLS 5u
#define TOY_BLOCK    4096u /* bytes of 32 positions */
#define TOY_STATE    8192u /* bytes of state, where there is one */

struct toy_options {
	uint32_t seed;	     /* of the weights */
	uint32_t change_row; /* not 0: this row of the output matrix is another one */
	uint32_t sram_pages; /* resident SRAM; 0: 64 */
	uint32_t fault_step; /* not 0: decode faults (fault `index`) before step fault_step - 1 */
	uint32_t recurrent;  /* keeps a state, too: half of it is added to the input */
	uint32_t endless;    /* decode never ends and emits nothing */
	uint32_t stall;	     /* not 0: neither program comes to an end once it has this token */
	uint32_t window;     /* not 0: the manifest asks for a ring for it, which no program uses */
	uint32_t context;    /* as manifest and device tree say; 0: TOY_CONTEXT, at most that */
};

/* 0 or a negative errno. */
int toy_write(const char *path, const struct toy_options *o);

/* Index of the command of decode that faults. */
uint32_t toy_fault_index(void);
#define TOY_FAULT_ADDRESS 0xffffu

#endif
