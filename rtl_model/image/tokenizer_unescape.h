/* SPDX-License-Identifier: MIT */
/*
 * Tokens of RWKV vocabularies are bytes, which a GGUF file's strings cannot hold: they are stored as
 * Python prints bytes, without b and quotes. \t \n \r and \xNN are bytes, any other character after
 * a backslash is itself.
 */
#ifndef TOKENIZER_UNESCAPE_H
#define TOKENIZER_UNESCAPE_H

#include <stddef.h>

/*
 * The bytes of p[0..n) to out, which has room for n; *len of them. Returns 0, or -EINVAL for an
 * escape that is cut short or has no two hexadecimal digits.
 */
int tokenizer_unescape(const char *p, size_t n, char *out, size_t *len);

#endif
