// SPDX-License-Identifier: MIT
/* Chat forms, by what models' templates say. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/chat.h"

#define BAR "\xef\xbd\x9c"

static const struct {
	const char *template, *prompt; /* of the message " hi "; NULL: no form is known */
} cases[] = {
	{ "{{'<|im_start|>' + role}}",
	  "<|im_start|>user\n hi <|im_end|>\n<|im_start|>assistant\n" },
	{ "{{'<|im_start|>' + role + '<|im_sep|>'}}",
	  "<|im_start|>user<|im_sep|> hi <|im_end|><|im_start|>assistant<|im_sep|>" },
	{ "{{'<|user|>' + content + '<|end|>'}}", "<|user|>\n hi <|end|>\n<|assistant|>\n" },
	{ "{{'<|user|>' + content + '<|endoftext|>'}}", NULL },
	{ "{{'<|start_of_role|>'}}", "<|start_of_role|>user<|end_of_role|> hi <|end_of_text|>\n"
				     "<|start_of_role|>assistant<|end_of_role|>" },
	{ "{{'<" BAR "User" BAR ">'}}", "<" BAR "User" BAR "> hi <" BAR "Assistant" BAR ">" },
	{ "rwkv-world", "User: hi\n\nAssistant:" },
	{ "{{- 'User: ' + message['content']|trim + '\\n\\n' -}}", "User: hi\n\nAssistant:" },
	{ "{{ messages }}", NULL },
	{ "", NULL },
};

static void test_forms(void **state)
{
	char forms[512], name[32], *out;
	size_t i, n;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int ret = chat_prompt(cases[i].template, " hi ", 4, &out, &n);

		assert_int_equal(ret, cases[i].prompt ? 0 : -ENOENT);
		if (ret)
			continue;
		if (n != strlen(cases[i].prompt) || memcmp(out, cases[i].prompt, n))
			fail_msg("%s: \"%s\"", cases[i].template, out);
		free(out);
	}
	/* a message of spaces only, where spaces are taken off */
	assert_int_equal(chat_prompt("rwkv-world", " \n", 2, &out, &n), 0);
	assert_string_equal(out, "User: \n\nAssistant:");
	free(out);
	chat_forms(forms, sizeof(forms));
	assert_non_null(strstr(forms, "rwkv-world (RWKV World)"));
	assert_true(strlen(forms) < sizeof(forms) - 1);
	chat_forms(name, sizeof(name));
	assert_true(strlen(name) < sizeof(name));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_forms) };

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
