// SPDX-License-Identifier: MIT
/*
 * The table of docs/models.md: every architecture on a small random model, compiled, run on the
 * reference model against the double precision pass, and on the Verilated chip against the reference
 * model. A cell says what was seen, and the program fails where it saw something wrong. With `forms`: the
 * table of what the forms of squared linear attention cost instead.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "accel/accel.h"
#include "compiler/compile.h"
#include "compiler/frontends/frontend.h"
#include "tests/models/forms.h"
#include "tests/models/forward64_ssm.h"
#include "tests/models/nmse.h"
#include "tests/models/shapes.h"
#include "tests/models/synth_ssm.h"

#define PROMPT 24u
#define STEPS  8u
#define SEEDS  24u
/*
 * Single precision between the same roundings to int8. A number in the middle between two codes may go
 * to the other side, which costs 1e-6 and more: then another seed has to do. Another function never
 * comes near.
 */
#define BOUND 1e-10

struct model {
	const char *arch;		 /* as the row has it */
	const struct synth_model *dense; /* or */
	const struct synth_ssm *ssm;
};

struct result {
	float *logits; /* of the prompt, and of the decoded tokens as the next ones */
	int32_t tokens[STEPS];
	uint64_t cycles, rom; /* of the decoded tokens */
};

static char dir[256], gguf[512], accel[512];
static int32_t prompt[PROMPT];

static int build(const struct model *m, uint64_t seed, uint8_t **data, size_t *size)
{
	struct synth_model d;
	struct synth_ssm s;

	if (m->dense) {
		d = *m->dense;
		d.seed += seed;
		return synth_build(&d, data, size);
	}
	s = *m->ssm;
	s.seed += seed;
	return synth_ssm_build(&s, data, size);
}

/* Logits of all positions, with the chip's roundings to int8. */
static int oracle(const struct model *m, const uint8_t *data, size_t size, double **logits,
		  size_t *vocab)
{
	struct gguf_error err = { 0 };
	struct forward64 *f = NULL;
	double tie;
	int ret;

	if (m->ssm) {
		ret = forward64_ssm(data, size, FORWARD64_INT8, FORWARD64_BY_CONTEXT, prompt,
				    PROMPT, logits, vocab, &tie, &err);
	} else {
		ret = forward64_open_mem(data, size, FORWARD64_INT8, &f, &err);
		if (!ret) {
			*vocab = forward64_vocab(f);
			*logits = malloc(PROMPT * *vocab * sizeof(**logits));
			ret = *logits ? forward64_run(f, prompt, PROMPT, *logits, NULL) : -1;
			forward64_close(f);
		}
	}
	if (ret)
		fprintf(stderr, "%s: double precision: %s\n", m->arch, err.msg);
	return ret;
}

static int on_row(void *ctx, uint32_t position, const float *logits, uint32_t vocab)
{
	struct result *r = ctx;

	memcpy(r->logits + (size_t)position * vocab, logits, vocab * sizeof(*logits));
	return 0;
}

static uint64_t counter(const uint64_t *c, const char *name)
{
	const char *n;
	uint32_t i;

	for (i = 0; (n = accel_counter_name(i, NULL)); i++) {
		if (!strcmp(n, name))
			return c[i];
	}
	return 0;
}

static int run(const char *backend, size_t vocab, struct result *r)
{
	struct accel_device_options o = { .size = sizeof(o), .backend = backend };
	uint64_t c[ACCEL_COUNTERS] = { 0 };
	struct accel_session *s = NULL;
	struct accel_device *dev = NULL;
	struct accel_model *m = NULL;
	uint32_t n = 0;
	int ret;

	r->logits = calloc((PROMPT + STEPS) * vocab, sizeof(*r->logits));
	ret = r->logits ? accel_device_open(&o, &dev) : -1;
	if (!ret)
		ret = accel_model_open(dev, accel, NULL, &m);
	if (!ret)
		ret = accel_session_create(m, NULL, &s);
	if (!ret)
		ret = accel_session_append_all(s, prompt, PROMPT, on_row, r);
	if (!ret)
		ret = accel_session_counters(s, c, ACCEL_COUNTERS, NULL, 1);
	if (!ret)
		ret = accel_session_decode(s, prompt[0], STEPS, NULL, 0, NULL, NULL, r->tokens, &n);
	if (!ret)
		ret = accel_session_counters(s, c, ACCEL_COUNTERS, NULL, 0);
	if (!ret && n != STEPS)
		ret = -1;
	/* A decode compares their largest values only. One at a time it is the same program. */
	for (n = 0; n < STEPS && !ret; n++)
		ret = accel_session_append(s, &r->tokens[n], 1, r->logits + (PROMPT + n) * vocab);
	r->cycles = counter(c, "cycles");
	r->rom = counter(c, "rom_bytes");
	accel_session_unref(s);
	accel_model_unref(m);
	accel_device_unref(dev);
	return ret;
}

static int write_file(const uint8_t *data, size_t size)
{
	FILE *f = fopen(gguf, "wb");
	int bad = !f || fwrite(data, 1, size, f) != size;

	return (f && fclose(f)) || bad ? -1 : 0;
}

/* Compiles the file with this seed and compares the reference model with double precision. */
static int try_seed(const struct model *m, uint64_t seed, struct result *ref, size_t *vocab,
		    double *error)
{
	struct compile_options o = { .model = gguf, .out = accel, .chip = compile_chip("small") };
	struct compile_result c;
	struct nmse e = { 0 };
	uint8_t *data = NULL;
	double *want = NULL;
	size_t size = 0;
	int ret = build(m, seed, &data, &size);

	if (!ret)
		ret = oracle(m, data, size, &want, vocab);
	if (!ret)
		ret = write_file(data, size);
	if (!ret) {
		ret = compile_model(&o, &c);
		if (ret)
			fprintf(stderr, "%s: %s\n", m->arch, c.model.diag.msg);
		compile_free(&c);
	}
	if (!ret)
		ret = run("ref", *vocab, ref);
	if (!ret) {
		nmse_add(&e, ref->logits, want, PROMPT * *vocab);
		*error = nmse_get(&e);
	}
	free(data);
	free(want);
	return ret;
}

static int row(const struct model *m, bool sim)
{
	struct result ref = { 0 }, rtl = { 0 };
	double error = INFINITY;
	size_t vocab = 0;
	bool same = false;
	uint64_t seed;
	int ret = 0;

	for (seed = 0; seed < SEEDS && !ret && !(error < BOUND); seed++) {
		free(ref.logits);
		ref.logits = NULL;
		ret = try_seed(m, seed, &ref, &vocab, &error);
	}
	if (!ret && sim)
		ret = run("sim", vocab, &rtl);
	if (ret)
		goto out;
	same = sim && !memcmp(ref.logits, rtl.logits, (PROMPT + STEPS) * vocab * sizeof(float)) &&
	       !memcmp(ref.tokens, rtl.tokens, sizeof(ref.tokens)) && ref.rom == rtl.rom;
	printf("| %s | yes | %.0e | %s | ", m->arch, error,
	       !sim   ? "-"
	       : same ? "same bytes"
		      : "**differs**");
	if (sim)
		printf("%llu", (unsigned long long)(rtl.cycles / STEPS));
	else
		printf("-");
	printf(" | %llu |\n", (unsigned long long)(ref.rom / STEPS));
	if (!(error < BOUND) || (sim && !same))
		ret = -1;
out:
	if (ret)
		fprintf(stderr, "%s: failed (%d)\n", m->arch, ret);
	free(ref.logits);
	free(rtl.logits);
	return ret;
}

/* Rows: the first model of every architecture, and the first with experts where that one has none. */
struct table {
	struct model rows[128];
	size_t n;
	char names[32][48];
	size_t n_names;
};

static const char *row_of(const struct synth_model *dense, const struct synth_ssm *ssm)
{
	return dense ? dense->arch : ssm->row ? ssm->row : ssm->arch;
}

static void add(struct table *t, const struct synth_model *dense, const struct synth_ssm *ssm)
{
	const char *arch = row_of(dense, ssm);
	uint32_t experts = dense ? dense->experts : ssm->experts;
	size_t i;

	for (i = 0; i < t->n; i++) {
		const struct model *m = &t->rows[i];

		if (!strcmp(row_of(m->dense, m->ssm), arch) &&
		    (!experts || (m->dense ? m->dense->experts : m->ssm->experts)))
			return;
	}
	for (i = 0; i < t->n && strcmp(t->rows[i].arch, arch); i++)
		;
	if (i < t->n) {
		if (t->n_names == sizeof(t->names) / sizeof(t->names[0]))
			return;
		snprintf(t->names[t->n_names], sizeof(t->names[0]), "%s, experts", arch);
		arch = t->names[t->n_names++];
	}
	if (t->n < sizeof(t->rows) / sizeof(t->rows[0]))
		t->rows[t->n++] = (struct model){ arch, dense, ssm };
}

/* No architecture may be missing; the text above the table says what these three are. */
static bool is_complete(const struct table *t)
{
	static const char *const aliases[] = { "qwen2vl", "qwen3vl", "qwen3vlmoe" };
	const char *name;
	bool all = true;
	size_t i, k;

	for (i = 0; (name = fe_arch_name(i)); i++) {
		bool is = false;

		for (k = 0; k < sizeof(aliases) / sizeof(aliases[0]); k++)
			is |= !strcmp(name, aliases[k]);
		for (k = 0; k < t->n; k++)
			is |= !strcmp(name, t->rows[k].dense ? t->rows[k].dense->arch
							     : t->rows[k].ssm->arch);
		if (!is)
			fprintf(stderr, "%s: no model of this architecture\n", name);
		all &= is;
	}
	return all;
}

int main(int argc, char **argv)
{
	bool sim = argc > 1 && !strcmp(argv[1], "sim");
	const char *tmp = getenv("TMPDIR");
	struct table t = { 0 };
	size_t i;
	int ret = 0;

	if (argc > 1 && !strcmp(argv[1], "forms"))
		return forms_table() ? 1 : 0;
	for (i = 0; i < PROMPT; i++)
		prompt[i] = (int32_t)((i * i * 7 + i * 31 + 1) % 64);
	for (i = 0; i < n_shapes; i++)
		add(&t, &shapes[i], NULL);
	for (i = 0; i < n_ssm_shapes; i++)
		add(&t, NULL, &ssm_shapes[i]);
	if (!is_complete(&t))
		return 1;
	snprintf(dir, sizeof(dir), "%s/intaglio-table-XXXXXX", tmp && *tmp ? tmp : "/tmp");
	if (!mkdtemp(dir))
		return 1;
	snprintf(gguf, sizeof(gguf), "%s/m.gguf", dir);
	snprintf(accel, sizeof(accel), "%s/m.accel", dir);
	printf("| architecture | compiles | ref: NMSE | RTL | cycles per token | "
	       "ROM bytes per token |\n|---|---|---|---|---|---|\n");
	for (i = 0; i < t.n; i++)
		ret |= row(&t.rows[i], sim);
	unlink(gguf);
	unlink(accel);
	rmdir(dir);
	return ret ? 1 : 0;
}
