// SPDX-License-Identifier: MIT
/* Chat forms. */
#include "chat.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BAR "\xef\xbd\x9c" /* U+FF5C */

/*
 * What stands around a user's message that an answer shall follow. The first counts whose markers are all
 * found, so that a marker that others have, too, comes after them.
 */
static const struct {
	const char *name, *marker, *too, *before, *after;
	bool trim; /* no spaces around the message */
} forms[] = {
	{ "Phi 4", "<|im_sep|>", NULL, "<|im_start|>user<|im_sep|>",
	  "<|im_end|><|im_start|>assistant<|im_sep|>", false },
	{ "ChatML", "<|im_start|>", NULL, "<|im_start|>user\n",
	  "<|im_end|>\n<|im_start|>assistant\n", false },
	{ "Llama 3", "<|start_header_id|>", NULL, "<|start_header_id|>user<|end_header_id|>\n\n",
	  "<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n", false },
	{ "Gemma", "<start_of_turn>", NULL, "<start_of_turn>user\n",
	  "<end_of_turn>\n<start_of_turn>model\n", false },
	{ "Granite", "<|start_of_role|>", NULL, "<|start_of_role|>user<|end_of_role|>",
	  "<|end_of_text|>\n<|start_of_role|>assistant<|end_of_role|>", false },
	{ "Phi 3", "<|user|>", "<|end|>", "<|user|>\n", "<|end|>\n<|assistant|>\n", false },
	{ "DeepSeek 3", "<" BAR "User" BAR ">", NULL, "<" BAR "User" BAR ">",
	  "<" BAR "Assistant" BAR ">", false },
	{ "Mistral", "[INST]", NULL, "[INST] ", " [/INST]", false },
	/* converters write the name of llama.cpp's form, or its template */
	{ "RWKV World", "rwkv-world", NULL, "User: ", "\n\nAssistant:", true },
	{ "RWKV World", "'User: ' + message['content']|trim", NULL,
	  "User: ", "\n\nAssistant:", true },
};

#define N_FORMS (sizeof(forms) / sizeof(forms[0]))

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

int chat_prompt(const char *chat_template, const char *message, size_t n, char **out, size_t *out_n)
{
	size_t i, before, after;
	char *p;

	for (i = 0; i < N_FORMS; i++) {
		if (strstr(chat_template, forms[i].marker) &&
		    (!forms[i].too || strstr(chat_template, forms[i].too)))
			break;
	}
	if (i == N_FORMS)
		return -ENOENT;
	for (; forms[i].trim && n && is_space(message[n - 1]); n--)
		;
	for (; forms[i].trim && n && is_space(*message); n--)
		message++;
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
	for (i = 0; i < N_FORMS && at < n; i++)
		at += (size_t)snprintf(buf + at, n - at, "%s%s (%s)", i ? ", " : "",
				       forms[i].marker, forms[i].name);
}
