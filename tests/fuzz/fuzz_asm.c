// SPDX-License-Identifier: MIT
/* Fuzz entry of the assembler: any text; what it accepts must survive a disassembly. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/asm/asm.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t bytes, bytes2, len;
	char err[IG1_ASM_ERR], *text;
	void *prog, *prog2;

	if (ig1_asm_program((const char *)data, size, &prog, &bytes, err, sizeof(err))) {
		if (!err[0])
			abort();
		return 0;
	}
	if (ig1_disasm_program(prog, bytes, 1, &text, &len))
		abort();
	if (ig1_asm_program(text, len, &prog2, &bytes2, err, sizeof(err)))
		abort();
	if (bytes != bytes2 || (bytes && memcmp(prog, prog2, bytes)))
		abort();
	free(prog2);
	free(text);
	free(prog);
	return 0;
}
