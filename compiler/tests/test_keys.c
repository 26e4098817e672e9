// SPDX-License-Identifier: MIT
/* Keys that few files have, and that change what is computed: taken, or refused by their names. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/compile.h"
#include "compiler/quant/ggml_types.h"
#include "compiler/tests/gguf_writer.h"
#include "tests/models/synth.h"

enum type { U32, F32, BOOL, TEXT };

static const struct {
	const char *arch;
	uint32_t window;
	const char *key; /* behind the architecture, or general.* */
	enum type type;
	double v;
	const char *text;
	const char *says; /* NULL: it compiles */
} cases[] = {
	{ "llama", 0, "general.type", TEXT, 0, "model", NULL },
	{ "llama", 0, "general.type", TEXT, 0, "adapter",
	  "key general.type: \"adapter\", supported: the key absent or \"model\"" },
	{ "llama", 0, "general.type", TEXT, 0, "mmproj", "key general.type: \"mmproj\"" },
	{ "llama", 0, "general.type", U32, 1, NULL, "key general.type: " },
	/* nothing of a file moves a terminal's cursor */
	{ "llama", 0, "general.type", TEXT, 0, "a\033[2Jb\x9b;c",
	  "key general.type: \"a?[2Jb?;c\", supported" },
	{ "llama", 0, "rope.scaling.type", TEXT, 0, "\033[31myarn",
	  "key llama.rope.scaling.type: \"?[31myarn\", supported" },
	{ "llama", 0, "attention.causal", BOOL, 1, NULL, NULL },
	{ "llama", 0, "attention.causal", BOOL, 0, NULL,
	  "key llama.attention.causal: false, supported: the key absent or true" },
	{ "llama", 0, "use_parallel_residual", BOOL, 1, NULL,
	  "key llama.use_parallel_residual: true, supported: the key absent or false" },
	{ "llama", 0, "attention.temperature_scale", F32, 0, NULL, NULL },
	{ "llama", 0, "attention.temperature_scale", F32, 0.1, NULL,
	  "key llama.attention.temperature_scale: not supported" },
	{ "gemma3", 20, "attention.key_length_swa", U32, 16, NULL, NULL },
	{ "gemma3", 20, "attention.key_length_swa", U32, 8, NULL,
	  "key gemma3.attention.key_length_swa: 8, supported: the key absent, or "
	  "attention.key_length, 16" },
	{ "gemma3", 20, "attention.value_length_swa", U32, 32, NULL,
	  "key gemma3.attention.value_length_swa: 32" },
	{ "gemma3", 20, "rope.dimension_count_swa", U32, 8, NULL,
	  "key gemma3.rope.dimension_count_swa: 8" },
	{ "gemma3", 0, "rope.dimension_count_swa", U32, 8, NULL, NULL },
	{ "gemma3", 20, "rope.freq_base_swa", F32, 5000, NULL, NULL },
	{ "gemma2", 20, "rope.freq_base_swa", F32, 10000, NULL, NULL },
	{ "gemma2", 20, "rope.freq_base_swa", F32, 5000, NULL,
	  "key gemma2.rope.freq_base_swa: 5000, supported for gemma2: the key absent, or "
	  "rope.freq_base, 10000" },
	{ "llama", 0, "rope.freq_base_swa", F32, 5000, NULL, NULL },
	{ "gemma3", 20, "rope.global.freq_base", F32, 1e6, NULL,
	  "key gemma3.rope.global.freq_base: not supported" },
	{ "gemma3", 20, "rope.local.freq_base", F32, 1e4, NULL,
	  "key gemma3.rope.local.freq_base: not supported" },
	{ "llama", 0, "pooling_type", U32, 3, NULL, NULL },
};

static int compile(const struct synth_model *m, const char *key, enum type type, double v,
		   const char *text, struct compile_result *r)
{
	struct compile_options o = { .model = "m", .chip = compile_chip("small") };
	struct gguf_writer w;
	uint8_t *data;
	char name[96];
	int ret;

	snprintf(name, sizeof(name), "%s%s%s", strncmp(key, "general.", 8) ? m->arch : "",
		 strncmp(key, "general.", 8) ? "." : "", key);
	gguf_writer_init(&w);
	assert_int_equal(synth_keys(m, &w), 0);
	if (type == U32)
		gguf_write_u32(&w, name, (uint32_t)v);
	else if (type == F32)
		gguf_write_f32(&w, name, (float)v);
	else if (type == BOOL)
		gguf_write_bool(&w, name, v != 0);
	else
		gguf_write_str(&w, name, text);
	assert_int_equal(synth_tensors(m, &w), 0);
	assert_int_equal(gguf_writer_finish(&w, &data, &o.size), 0);
	gguf_writer_free(&w);
	o.data = data;
	ret = compile_model(&o, r);
	free(data);
	return ret;
}

static void test_keys(void **state)
{
	struct compile_result r;
	size_t i;
	int ret;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct synth_model m = synth_tiny(cases[i].arch);

		m.window = cases[i].window;
		ret = compile(&m, cases[i].key, cases[i].type, cases[i].v, cases[i].text, &r);
		if (!ret != !cases[i].says || (ret && !strstr(r.model.diag.msg, cases[i].says)))
			fail_msg("%s: %d \"%s\"", cases[i].key, ret, r.model.diag.msg);
		compile_free(&r);
	}
}

/* The key repeats what follows from the others; only without yarn's ramp it is a factor of its own. */
static void test_yarn_attn_factor(void **state)
{
	struct synth_model m = synth_tiny("llama");
	struct compile_result r;

	(void)state;
	m.factor = 4;
	m.original = 16;
	m.attn_factor = 1.25f;
	m.scaling = "yarn";
	assert_int_equal(compile(&m, "rope.scaling.yarn_attn_factor", F32, 1.5, NULL, &r), 0);
	assert_true(fabs(r.model.tables->mscale - 1.25 * (1 + 0.1 * log(4))) < 1e-12);
	compile_free(&r);
	m.scaling = "linear";
	assert_int_equal(compile(&m, "rope.scaling.yarn_attn_factor", F32, 1.5, NULL, &r), 0);
	assert_true(fabs(r.model.tables->mscale - 1.25 * 1.5) < 1e-12);
	compile_free(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_yarn_attn_factor),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
