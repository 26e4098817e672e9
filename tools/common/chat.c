// SPDX-License-Identifier: MIT
/* Chat forms. */
#include "chat.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What stands around a user's message that an answer shall follow. The first marker found counts. */
static const struct {
	const char *name, *marker, *before, *after;
} forms[] = {
	{ "ChatML", "<|im_start|>", "<|im_start|>user\n", "<|im_end|>\n<|im_start|>assistant\n" },
	{ "Llama 3", "<|start_header_id|>", "<|start_header_id|>user<|end_header_id|>\n\n",
	  "<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n" },
	{ "Gemma", "<start_of_turn>", "<start_of_turn>user\n",
	  "<end_of_turn>\n<start_of_turn>model\n" },
	{ "Mistral", "[INST]", "[INST] ", " [/INST]" },
};

int chat_prompt(const char *chat_template, const char *message, size_t n, char **out, size_t *out_n)
{
	size_t i, before, after;
	char *p;

	for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (strstr(chat_template, forms[i].marker))
			break;
	}
	if (i == sizeof(forms) / sizeof(forms[0]))
		return -ENOENT;
	before = strlen(forms[i].before);
	after = strlen(forms[i].after);
	p = malloc(before + n + after + 1);
	if (!p)
		return -ENOMEM;
	memcpy(p, forms[i].before, before);
	memcpy(p + before, message, n);
	memcpy(p + before + n, forms[i].after, after + 1);
	*out = p;
	*out_n = before + n + after;
	return 0;
}

void chat_forms(char *buf, size_t n)
{
	size_t i, at = 0;

	buf[0] = 0;
	for (i = 0; i < sizeof(forms) / sizeof(forms[0]) && at < n; i++)
		at += (size_t)snprintf(buf + at, n - at, "%s%s (%s)", i ? ", " : "",
				       forms[i].marker, forms[i].name);
}
