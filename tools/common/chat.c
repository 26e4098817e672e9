// SPDX-License-Identifier: MIT
/* Chat forms. */
#include "chat.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What stands around a user's message that an answer shall follow. The first marker found counts. */
static const struct {
	const char *marker, *before, *after;
} forms[] = {
	{ "<|im_start|>", "<|im_start|>user\n", "<|im_end|>\n<|im_start|>assistant\n" },
	{ "<|start_header_id|>", "<|start_header_id|>user<|end_header_id|>\n\n",
	  "<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n" },
	{ "<start_of_turn>", "<start_of_turn>user\n", "<end_of_turn>\n<start_of_turn>model\n" },
	{ "[INST]", "[INST] ", " [/INST]" },
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
