/* SPDX-License-Identifier: MIT */
/*
 * One user message in a model's chat form. The form is recognised by the markers in the model's
 * template; a template with none of them is refused, not guessed.
 */
#ifndef CHAT_H
#define CHAT_H

#include <stddef.h>

/* The prompt's text, to be tokenised with control tokens parsed; *out is malloc'ed.
 * 0, -ENOENT (no form known for this template), -ENOMEM. */
int chat_prompt(const char *chat_template, const char *message, size_t n, char **out,
		size_t *out_n);
/* The markers it looks for, for messages: "MARKER (NAME), ...", cut to n bytes. */
void chat_forms(char *buf, size_t n);

#endif
