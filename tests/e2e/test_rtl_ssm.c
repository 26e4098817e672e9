// SPDX-License-Identifier: MIT
/*
 * The RTL computes state space models and hybrids as the reference model does, byte for byte: logits of a
 * prompt in two jobs, tokens of the chip's own loop, and a step back to before them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "accel/accel.h"
#include "compiler/compile.h"
#include "compiler/tests/test_skip.h"
#include "tests/models/synth_ssm.h"

#define PROMPT 9u
#define STEPS  8u

static void check(struct accel_device *dev, int err, const char *what)
{
	char text[512];

	if (!err)
		return;
	accel_last_error(dev, text, sizeof(text));
	fail_msg("%s: %d, %s", what, err, text);
}

#define OK(dev, expr) check(dev, expr, #expr)

struct result {
	float *logits; /* PROMPT + 1 rows */
	int32_t tokens[STEPS];
	size_t rows, vocab;
};

static int on_row(void *ctx, uint32_t position, const float *logits, uint32_t vocab)
{
	struct result *r = ctx;

	(void)position;
	assert_int_equal(vocab, r->vocab);
	memcpy(r->logits + r->rows++ * vocab, logits, vocab * sizeof(*logits));
	return 0;
}

static void run(const struct synth_ssm *m, const char *path, const char *backend, struct result *r)
{
	char text[512] = "";
	struct accel_device_options o = {
		.size = sizeof(o), .backend = backend, .error = text, .error_size = sizeof(text)
	};
	struct accel_device *dev;
	struct accel_session *s;
	struct accel_model *model;
	int32_t tokens[PROMPT];
	uint32_t n = 0, i;

	memset(r, 0, sizeof(*r));
	r->vocab = m->vocab;
	r->logits = calloc((PROMPT + 1) * r->vocab, sizeof(float));
	assert_non_null(r->logits);
	for (i = 0; i < PROMPT; i++)
		tokens[i] = (int32_t)((i * i * 7 + i * 31 + 1) % m->vocab);
	if (accel_device_open(&o, &dev))
		fail_msg("%s: %s", backend, text);
	OK(dev, accel_model_open(dev, path, NULL, &model));
	OK(dev, accel_session_create(model, NULL, &s));
	OK(dev, accel_session_append_all(s, tokens, PROMPT - 3, on_row, r));
	OK(dev, accel_session_append_all(s, tokens + PROMPT - 3, 3, on_row, r));
	OK(dev, accel_session_decode(s, tokens[0], STEPS, NULL, 0, NULL, NULL, r->tokens, &n));
	assert_int_equal(n, STEPS);
	OK(dev, accel_session_rewind(s, PROMPT - 1));
	OK(dev, accel_session_append_all(s, tokens + PROMPT - 1, 1, on_row, r));
	assert_int_equal(r->rows, PROMPT + 1);
	assert_memory_equal(r->logits + (PROMPT - 1) * r->vocab, r->logits + PROMPT * r->vocab,
			    r->vocab * sizeof(float));
	accel_session_unref(s);
	accel_model_unref(model);
	accel_device_unref(dev);
}

static void test_rtl(void **state)
{
	static const char *const chips[] = { "default", "small" };
	const struct synth_ssm *m = *state;
	struct result ref, sim;
	uint8_t *data;
	size_t size, i, k;

	assert_int_equal(synth_ssm_build(m, &data, &size), 0);
	for (i = 0; i < 2; i++) {
		char path[] = "/tmp/intaglio-rtl-XXXXXX";
		struct compile_options o = { .model = m->name,
					     .data = data,
					     .size = size,
					     .out = path,
					     .chip = compile_chip(chips[i]) };
		struct compile_result built;
		int fd = mkstemp(path);

		assert_true(fd >= 0);
		close(fd);
		if (compile_model(&o, &built))
			fail_msg("%s for %s: %s", m->name, chips[i], built.model.diag.msg);
		compile_free(&built);
		run(m, path, "ref", &ref);
		run(m, path, "sim", &sim);
		for (k = 0; k < (PROMPT + 1) * ref.vocab; k++) {
			if (memcmp(&ref.logits[k], &sim.logits[k], sizeof(float)))
				fail_msg("%s, chip %s: row %zu, logit %zu: %.9g, not %.9g", m->name,
					 chips[i], k / ref.vocab, k % ref.vocab, sim.logits[k],
					 ref.logits[k]);
		}
		assert_memory_equal(ref.tokens, sim.tokens, sizeof(ref.tokens));
		free(ref.logits);
		free(sim.logits);
		unlink(path);
	}
	free(data);
}

static int have_sim(void)
{
	const char *name;
	size_t i;

	for (i = 0; (name = accel_backend_name(i, NULL)); i++) {
		if (!strcmp(name, "sim"))
			return 1;
	}
	return 0;
}

int main(void)
{
	struct CMUnitTest *tests = calloc(n_ssm_shapes, sizeof(*tests));
	char(*skipped)[160] = calloc(n_ssm_shapes, sizeof(*skipped));
	size_t i;
	int ret;

	if (!tests || !skipped)
		return 1;
	for (i = 0; i < n_ssm_shapes; i++) {
		tests[i] = (struct CMUnitTest){ ssm_shapes[i].name, test_rtl, NULL, NULL,
						(void *)&ssm_shapes[i] };
		if (!have_sim())
			test_skip(&tests[i], skipped[i], sizeof(skipped[i]),
				  "built without the Verilated chip");
	}
	cmocka_set_message_output(CM_OUTPUT_TAP);
	ret = _cmocka_run_group_tests("rtl_ssm", tests, n_ssm_shapes, NULL, NULL);
	free(skipped);
	free(tests);
	return ret;
}
