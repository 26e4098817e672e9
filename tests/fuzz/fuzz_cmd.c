// SPDX-License-Identifier: MIT
/*
 * Fuzz entry of command words: check, disassemble, assemble, compare. A command that the check
 * accepts must be printed by name, any other as words.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/asm/asm.h"
#include "ig1_tables.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void one(const uint8_t *data)
{
	uint32_t w[IG1_CMD_WORDS], back[IG1_CMD_WORDS];
	char text[IG1_DISASM_MAX], err[IG1_ASM_ERR];
	uint64_t addr;
	int fault, i;

	for (i = 0; i < IG1_CMD_WORDS; i++)
		w[i] = data[4 * i] | (uint32_t)data[4 * i + 1] << 8 |
		       (uint32_t)data[4 * i + 2] << 16 | (uint32_t)data[4 * i + 3] << 24;
	fault = ig1_cmd_check(w, &addr);
	if (fault != IG1_FAULT_NONE && fault != IG1_FAULT_OPCODE && fault != IG1_FAULT_FIELD)
		abort();
	if (fault == IG1_FAULT_FIELD ? addr >= IG1_CMD_WORDS : addr != 0)
		abort();
	if (ig1_disasm(w, text, sizeof(text)) < 0)
		abort();
	if ((fault == IG1_FAULT_NONE) == !strncmp(text, ".word", 5))
		abort();
	if (ig1_asm_line(text, back, err, sizeof(err)) != 1 || memcmp(w, back, sizeof(w)))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t i;

	for (i = 0; i + IG1_COMMAND_BYTES <= size; i += IG1_COMMAND_BYTES)
		one(data + i);
	return 0;
}
