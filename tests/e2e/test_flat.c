// SPDX-License-Identifier: MIT
/*
 * What a decode step costs a model with a state alone does not depend on how many tokens came before: the same
 * commands and bytes at position 16 and at 4,096, on the RTL cycles within 1 %. So it is for a model whose
 * layers all have a window, once that is full.
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
#include "compiler/quant/ggml_types.h"
#include "compiler/tests/test_skip.h"
#include "ig1_chip.h"
#include "tests/models/synth.h"
#include "tests/models/synth_ssm.h"

#define NEAR  16u
#define FAR   4096u
#define FULL  96u /* past the windows; at the same place of a block of 32 as FAR */
#define STEPS 4u

/* Small: simulation feeds four thousand tokens. */
static const struct synth_ssm models[] = {
	{ .name = "flat-mamba",
	  .arch = "mamba",
	  .layers = 1,
	  .width = 32,
	  .vocab = 64,
	  .context = FAR + NEAR,
	  .taps = 4,
	  .inner = 32,
	  .state = 8,
	  .rank = 8,
	  .eps = 1e-5f,
	  .type = GGML_TYPE_Q8_0 },
	{ .name = "flat-mamba2",
	  .arch = "mamba2",
	  .layers = 1,
	  .width = 32,
	  .vocab = 64,
	  .context = FAR + NEAR,
	  .taps = 4,
	  .inner = 32,
	  .state = 16,
	  .rank = 2,
	  .groups = 1,
	  .eps = 1e-5f,
	  .type = GGML_TYPE_Q8_0 },
	{ .name = "flat-sqla",
	  .arch = "sqla",
	  .layers = 1,
	  .width = 32,
	  .vocab = 64,
	  .context = FAR + NEAR,
	  .taps = 2,
	  .heads = 2,
	  .kv_heads = 2,
	  .head_size = 8,
	  .ff = 32,
	  .eps = 1e-5f,
	  .type = GGML_TYPE_Q8_0 },
};

static const struct synth_model windowed[] = {
	{ .name = "flat-window",
	  .arch = "llama",
	  .layers = 2,
	  .width = 32,
	  .heads = 2,
	  .kv_heads = 1,
	  .ff = 32,
	  .vocab = 64,
	  .context = FAR + NEAR,
	  .eps = 1e-5f,
	  .window = 40,
	  .type = GGML_TYPE_Q8_0 },
};

struct way {
	const struct synth_ssm *model;
	const struct synth_model *windowed; /* or this */
	const char *name, *backend;
	uint32_t near;
};

static void check(struct accel_device *dev, int err, const char *what)
{
	char text[512];

	if (!err)
		return;
	accel_last_error(dev, text, sizeof(text));
	fail_msg("%s: %d, %s", what, err, text);
}

#define OK(dev, expr) check(dev, expr, #expr)

static void compile(const struct way *w, const char *path)
{
	struct compile_options o = { .model = w->name, .out = path, .chip = compile_chip("small") };
	struct compile_result r;
	uint8_t *data;

	if (w->windowed)
		assert_int_equal(synth_build(w->windowed, &data, &o.size), 0);
	else
		assert_int_equal(synth_ssm_build(w->model, &data, &o.size), 0);
	o.data = data;
	if (compile_model(&o, &r))
		fail_msg("%s: %s", w->name, r.model.diag.msg);
	compile_free(&r);
	free(data);
}

/* Counters of STEPS decode steps from the session's position on. */
static void decode(struct accel_device *dev, struct accel_session *s, uint64_t *counters)
{
	int32_t out[STEPS];
	uint32_t n = 0;

	OK(dev, accel_session_counters(s, NULL, 0, NULL, 1));
	OK(dev, accel_session_decode(s, 5, STEPS, NULL, 0, NULL, NULL, out, &n));
	assert_int_equal(n, STEPS);
	OK(dev, accel_session_counters(s, counters, IG1_CTR_COUNT, NULL, 0));
}

static void test_flat(void **state)
{
	const struct way *w = *state;
	char path[] = "/tmp/intaglio-flat-XXXXXX", text[512] = "";
	struct accel_device_options o = {
		.size = sizeof(o), .backend = w->backend, .error = text, .error_size = sizeof(text)
	};
	uint64_t near[IG1_CTR_COUNT], far[IG1_CTR_COUNT], a, b, exact;
	struct accel_device *dev;
	struct accel_session *s;
	struct accel_model *m;
	uint32_t vocab = w->windowed ? w->windowed->vocab : w->model->vocab;
	int32_t tokens[FAR];
	int fd = mkstemp(path);
	uint32_t i;

	assert_true(fd >= 0);
	close(fd);
	compile(w, path);
	if (accel_device_open(&o, &dev))
		fail_msg("%s: %s", w->backend, text);
	OK(dev, accel_model_open(dev, path, NULL, &m));
	OK(dev, accel_session_create(m, NULL, &s));
	for (i = 0; i < FAR; i++)
		tokens[i] = (int32_t)((i * i * 7 + i * 31 + 1) % vocab);
	OK(dev, accel_session_append(s, tokens, w->near, NULL));
	decode(dev, s, near);
	OK(dev, accel_session_append(s, tokens, FAR - w->near - STEPS, NULL));
	assert_int_equal(accel_session_position(s), FAR);
	decode(dev, s, far);
	a = near[IG1_CTR_CYCLES];
	b = far[IG1_CTR_CYCLES];
	OK(dev, accel_device_get(dev, ACCEL_PARAM_CYCLE_EXACT, &exact));
	if (exact) {
		print_message("# %s, %s: %u steps take %llu cycles at %u, %llu at %u\n", w->backend,
			      w->name, STEPS, (unsigned long long)a, w->near, (unsigned long long)b,
			      FAR);
		assert_true(a > 0 && 100 * (a > b ? a - b : b - a) <= a);
	}
	for (i = 0; i < IG1_CTR_COUNT; i++) {
		if (!ig1_ctr_timed[i])
			assert_int_equal(near[i], far[i]);
	}
	assert_true(near[IG1_CTR_ROM_BYTES] > 0 && !near[IG1_CTR_KV_BYTES] == !w->windowed);
	accel_session_unref(s);
	accel_model_unref(m);
	accel_device_unref(dev);
	unlink(path);
}

static int have(const char *backend)
{
	const char *name;
	size_t i;

	for (i = 0; (name = accel_backend_name(i, NULL)); i++) {
		if (!strcmp(name, backend))
			return 1;
	}
	return 0;
}

int main(void)
{
	static const char *const backends[] = { "ref", "sim" };
	enum {
		STATES = sizeof(models) / sizeof(models[0]),
		MODELS = STATES + sizeof(windowed) / sizeof(windowed[0]),
		N = 2 * MODELS,
	};
	static struct CMUnitTest tests[N];
	static struct way ways[N];
	static char names[N][64], skipped[N][128];
	size_t i;

	for (i = 0; i < N; i++) {
		ways[i].backend = backends[i / MODELS];
		if (i % MODELS < STATES) {
			ways[i].model = &models[i % MODELS];
			ways[i].name = ways[i].model->name;
			ways[i].near = NEAR;
		} else {
			ways[i].windowed = &windowed[i % MODELS - STATES];
			ways[i].name = ways[i].windowed->name;
			ways[i].near = FULL;
		}
		snprintf(names[i], sizeof(names[i]), "%s: %s", ways[i].backend, ways[i].name);
		tests[i] = (struct CMUnitTest){ names[i], test_flat, NULL, NULL, &ways[i] };
		if (!have(ways[i].backend))
			test_skip(&tests[i], skipped[i], sizeof(skipped[i]),
				  "built without the Verilated chip");
	}
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return _cmocka_run_group_tests("flat", tests, N, NULL, NULL);
}
