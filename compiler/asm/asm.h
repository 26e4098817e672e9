/* SPDX-License-Identifier: MIT */
/*
 * Text form of IG1 commands, one per line:
 *
 *	[index:] mnemonic [field=value ...]	[# or ; comment]
 *
 * Mnemonics, fields and enum values are those of docs/isa.md. Fields not given are zero; the
 * disassembler prints the others in the order of the format:
 *
 *	t.mm wait=0x3 signal=0x10 fmt=q4_0 rom=0x1000 wstride=72 rows=4096 alpha=0.125 rx=r9
 *
 *	uint		decimal or 0x..
 *	sint		the same with an optional minus
 *	hex, mask	the same as uint, printed as 0x..
 *	reg		r0 .. r31
 *	enum		the value's name
 *	f32		a decimal that is rounded to nearest, or the bits: f32:0x7fc00000
 *
 * A command whose encoding the chip would refuse is 32 words instead: .word 0x20 0x0 ... The
 * assembler refuses to write such a command in any other way. So assembling what was disassembled
 * gives the same bytes, whatever they are.
 *
 * w[] holds a command's words as host integers; programs are little-endian bytes. Nothing here
 * depends on the locale or keeps state.
 */
#ifndef IG1_ASM_H
#define IG1_ASM_H

#include <stddef.h>
#include <stdint.h>

#include "ig1_isa.h"

/* Enough for every line that ig1_disasm() writes, its NUL included. */
#define IG1_DISASM_MAX 1280

/* Size that an error buffer should have. */
#define IG1_ASM_ERR 160

/* Writes the command without a newline. Returns the length, or -ENOSPC (buf is then empty). */
int ig1_disasm(const uint32_t w[IG1_CMD_WORDS], char *buf, size_t n);

/*
 * Returns 1 and the command in w, 0 for a line without one, or -EINVAL with a message in err that
 * names the field. w is only written with result 1. The line ends at its NUL or newline.
 */
int ig1_asm_line(const char *line, uint32_t w[IG1_CMD_WORDS], char *err, size_t errn);

/* The same for n bytes, which may be anything. */
int ig1_asm_line_n(const char *line, size_t n, uint32_t w[IG1_CMD_WORDS], char *err, size_t errn);

/*
 * A whole program, a line per command, each with its index if `index` is set. *text is malloc'ed,
 * NUL-terminated and the caller's; *len does not count the NUL.
 * Returns 0, -EINVAL (bytes is no multiple of a command's size) or -ENOMEM.
 */
int ig1_disasm_program(const void *prog, size_t bytes, int index, char **text, size_t *len);

/*
 * The reverse. *prog is malloc'ed and the caller's (NULL if there are no commands).
 * Returns 0, -EINVAL with a message in err that names line and field, or -ENOMEM.
 */
int ig1_asm_program(const char *text, size_t len, void **prog, size_t *bytes, char *err,
		    size_t errn);

#endif
