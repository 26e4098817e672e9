/* SPDX-License-Identifier: MIT */
/* Shared by the two halves of the GGUF reader, gguf.c and gguf_values.c. */
#ifndef IG1_COMPILER_FRONTENDS_GGUF_INTERNAL_H
#define IG1_COMPILER_FRONTENDS_GGUF_INTERNAL_H

#include "compiler/frontends/gguf.h"

#define GGUF_N_TYPES 13

/* Bytes of a scalar; 0 for strings and arrays. type < GGUF_N_TYPES. */
size_t gguf_type_size(uint32_t type);

/* Keeps the first message. */
__attribute__((format(printf, 2, 3))) void gguf_set_error(struct gguf_error *err, const char *fmt,
							  ...);

/* Sets the message and yields code; a macro, so that the compiler sees the code. */
#define fail(err, code, ...) (gguf_set_error(err, __VA_ARGS__), (code))

#endif
