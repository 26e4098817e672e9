// SPDX-License-Identifier: MIT
/* accel-bench: prompt and generation speed. accel-bench(1) is the reference. */
#include <argp.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/cli.h"

#define MAX_SIZES 16

enum { KEY_PP = 0x2001, KEY_TG, KEY_BATCH, KEY_DEPTH, KEY_CHUNK, KEY_STEPS, KEY_WATCHDOG };

static const struct argp_option options[] = {
	{ "pp", KEY_PP, "N,...", 0, "prompt sizes (default 512, or the context)", 1 },
	{ "tg", KEY_TG, "N,...", 0, "tokens to generate (default 128)", 1 },
	{ "batch", KEY_BATCH, "B,...", 0, "sequences generated at once (default 1)", 1 },
	{ "depth", KEY_DEPTH, "N", 0, "tokens stored before each test (default 0)", 1 },
	{ "repetitions", 'r', "N", 0, "repetitions after one for warm-up (default 5)", 1 },
	{ "chunk", KEY_CHUNK, "N", 0, "tokens of a prompt job (default: all the program takes)",
	  1 },
	{ "steps", KEY_STEPS, "N", 0, "generated tokens of a job (default 64)", 1 },
	{ "watchdog", KEY_WATCHDOG, "CYCLES", 0, "end jobs that take longer", 1 },
	{ "json", CLI_KEY_JSON, NULL, 0, "print one JSON object", 1 },
	CLI_TARGET_OPTIONS,
	{ 0 },
};

struct sizes {
	uint64_t v[MAX_SIZES];
	size_t n;
};

struct run {
	struct cli_target t;
	struct sizes pp, tg, batch;
	uint64_t depth, reps;
	struct accel_session_options o;
	bool exact;
	uint64_t vocab, context, max_cols, clock;
	json_t *tests;
	size_t planned, begun; /* tests */
	struct accel_session **sessions;
	struct accel_batch *b;
};

/* One test: what it ran and its samples. */
struct test {
	char name[64];
	uint64_t pp, tg, batch;
	double *seconds, *cpu; /* wall clock, processor time */
	size_t n;	       /* repetitions that came to their end; what follows is of these */
	uint64_t counters[ACCEL_COUNTERS];
	uint64_t jobs;
	uint64_t ioctls;
};

static void parse_sizes(const char *name, char *arg, struct sizes *s)
{
	char *save = NULL, *p;

	s->n = 0;
	for (p = strtok_r(arg, ",", &save); p; p = strtok_r(NULL, ",", &save)) {
		if (s->n == MAX_SIZES) {
			fprintf(stderr, "--%s: more than %d values\n", name, MAX_SIZES);
			exit(CLI_USAGE);
		}
		s->v[s->n++] = cli_uint(name, p, 0, 1u << 24);
	}
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct run *r = state->input;

	if (!cli_model_option(&r->t, key, arg, state))
		return 0;
	switch (key) {
	case KEY_PP:
		parse_sizes("pp", arg, &r->pp);
		break;
	case KEY_TG:
		parse_sizes("tg", arg, &r->tg);
		break;
	case KEY_BATCH:
		parse_sizes("batch", arg, &r->batch);
		break;
	case KEY_DEPTH:
		r->depth = cli_uint("depth", arg, 0, 1u << 24);
		break;
	case 'r':
		r->reps = cli_uint("repetitions", arg, 1, 10000);
		break;
	case KEY_CHUNK:
		r->o.chunk = (uint32_t)cli_uint("chunk", arg, 1, UINT32_MAX);
		break;
	case KEY_STEPS:
		r->o.decode_steps = (uint32_t)cli_uint("steps", arg, 1, 65536);
		break;
	case KEY_WATCHDOG:
		r->o.watchdog = cli_uint("watchdog", arg, 1, UINT64_MAX);
		break;
	case ARGP_KEY_END:
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

/* Any tokens do: speed does not depend on them. */
static int32_t token(const struct run *r, uint64_t i)
{
	return (int32_t)((i * 2654435761u >> 7) % r->vocab);
}

static int fill(struct run *r, struct accel_session *s, uint64_t n)
{
	int32_t *v = calloc(n + 1, sizeof(*v));
	uint64_t i;
	int err;

	if (!v)
		return ACCEL_ENOMEM;
	for (i = 0; i < n; i++)
		v[i] = token(r, i);
	err = n ? accel_session_append(s, v, n, NULL) : 0;
	free(v);
	return err;
}

/* Of all threads: where a chip is simulated, what it costs however busy the machine is. */
static double cpu_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* A session at the depth of the test; a window's layers may have lost what they need to go back. */
static int restore(struct run *r, struct accel_session *s)
{
	int err = accel_session_rewind(s, (uint32_t)r->depth);

	if (err != ACCEL_ESTATE)
		return err;
	accel_last_error(r->t.dev, NULL, 0);
	err = accel_session_rewind(s, 0);
	return err ? err : fill(r, s, r->depth);
}

/* Adds this repetition's, and forgets them; t NULL: forgets only. */
static void take_counters(struct run *r, bool batch, struct test *t)
{
	uint64_t v[ACCEL_COUNTERS], jobs = 0;
	size_t i;

	if (batch)
		accel_batch_counters(r->b, v, ACCEL_COUNTERS, &jobs, 1);
	else
		accel_session_counters(r->sessions[0], v, ACCEL_COUNTERS, &jobs, 1);
	for (i = 0; t && i < ACCEL_COUNTERS; i++)
		t->counters[i] += v[i];
	if (t)
		t->jobs += jobs;
}

/* Counters and ioctls of what is timed are added to `sum`'s; NULL: it is for warm-up. */
static int once(struct run *r, const struct test *t, struct test *sum, float *logits,
		double *seconds, double *cpu)
{
	int32_t *v = calloc(t->pp + t->batch + 1, sizeof(*v));
	uint64_t i, ioctls;
	double begin;
	int err = v ? 0 : ACCEL_ENOMEM;

	for (i = 0; v && i < t->pp + t->batch; i++)
		v[i] = token(r, i + 77);
	for (i = 0; i < t->batch && !err; i++)
		err = restore(r, r->sessions[i]);
	take_counters(r, t->batch > 1, NULL);
	ioctls = cli_get(r->t.dev, ACCEL_PARAM_IOCTLS);
	begin = cli_now();
	*cpu = cpu_now();
	if (!err && t->pp)
		err = accel_session_append(r->sessions[0], v, t->pp, logits);
	if (!err && t->tg && t->batch == 1)
		err = accel_session_decode(r->sessions[0], v[t->pp], (uint32_t)t->tg, NULL, 0, NULL,
					   NULL, NULL, NULL);
	else if (!err && t->tg)
		err = accel_batch_decode(r->b, r->sessions, v, t->batch, (uint32_t)t->tg, NULL,
					 NULL, NULL, NULL);
	*seconds = cli_now() - begin;
	*cpu = cpu_now() - *cpu;
	if (!err && sum) {
		take_counters(r, t->batch > 1, sum);
		sum->ioctls += cli_get(r->t.dev, ACCEL_PARAM_IOCTLS) - ioctls;
	}
	free(v);
	return err;
}

static int measure(struct run *r, struct test *t)
{
	float *logits = calloc(r->vocab, sizeof(*logits));
	double unused[2];
	uint64_t i;
	int err = logits ? 0 : ACCEL_ENOMEM;

	for (i = 0; i < t->batch && !err; i++) {
		err = accel_session_create(r->t.m, &r->o, &r->sessions[i]);
		cli_catch_interrupt(err ? NULL : r->sessions[i], NULL);
		if (!err)
			err = fill(r, r->sessions[i], r->depth);
	}
	if (!err)
		err = accel_batch_create(r->t.m, &r->o, &r->b);
	if (!err) {
		cli_catch_interrupt(r->sessions[0], r->b);
		err = once(r, t, NULL, logits, &unused[0], &unused[1]);
	}
	for (t->n = 0; t->n < r->reps && !err && !cli_interrupted(); t->n++) {
		cli_progress(t->name, t->n + 1, r->reps);
		err = once(r, t, t, logits, &t->seconds[t->n], &t->cpu[t->n]);
		if (err)
			break;
	}
	cli_progress("", 0, 0);
	cli_catch_interrupt(NULL, NULL);
	accel_batch_unref(r->b);
	r->b = NULL;
	for (i = 0; i < t->batch; i++) {
		accel_session_unref(r->sessions[i]);
		r->sessions[i] = NULL;
	}
	free(logits);
	return err;
}

/* A sum over all repetitions; not known before there is one. */
static double counter(const struct test *t, const char *name)
{
	const char *x;
	uint32_t i;

	for (i = 0; (x = accel_counter_name(i, NULL)); i++) {
		if (t->n && !strcmp(x, name))
			return (double)t->counters[i];
	}
	return NAN;
}

/* Mean of the samples, and their standard deviation: that of one sample is not known. */
static void statistics(const struct test *t, double tokens, double *mean, double *deviation)
{
	double n = (double)t->n, var = 0, x;
	size_t i;

	*mean = t->n ? 0 : NAN;
	for (i = 0; i < t->n; i++)
		*mean += tokens / t->seconds[i] / n;
	for (i = 0; i < t->n; i++) {
		x = tokens / t->seconds[i] - *mean;
		var += x * x;
	}
	*deviation = t->n > 1 ? sqrt(var / (n - 1)) : NAN;
}

static void report_text(struct run *r, const struct test *t, double mean, double deviation,
			double cycles, double modelled)
{
	char v[4][32];

	printf("| %-12s | %12s +/- %8s | %12s | %14s |\n", t->name,
	       cli_number(v[0], sizeof(v[0]), 1, mean),
	       cli_number(v[1], sizeof(v[1]), 1, deviation),
	       cli_number(v[2], sizeof(v[2]), 0, r->exact ? cycles : NAN),
	       cli_number(v[3], sizeof(v[3]), 1, r->exact ? modelled : NAN));
	fflush(stdout);
}

static void report(struct run *r, const struct test *t)
{
	double tokens = (double)(t->pp + t->tg * t->batch), all = tokens * (double)t->n;
	double cycles = counter(t, "cycles"), mean, deviation, modelled, cpu = 0;
	json_t *j, *samples;
	size_t i;

	statistics(t, tokens, &mean, &deviation);
	modelled = (double)r->clock * all / cycles;
	if (!r->t.json) {
		report_text(r, t, mean, deviation, cycles / all, modelled);
		return;
	}
	samples = json_array();
	for (i = 0; i < t->n; i++) {
		json_array_append_new(samples, json_real(t->seconds[i]));
		cpu += t->cpu[i];
	}
	j = json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:o}", "test", t->name,
		      "prompt_tokens", (json_int_t)t->pp, "generated_tokens", (json_int_t)t->tg,
		      "batch", (json_int_t)t->batch, "depth", (json_int_t)r->depth, "repetitions",
		      (json_int_t)t->n, "wall_tokens_per_s", cli_number_json(mean), "wall_stddev",
		      cli_number_json(deviation), "wall_seconds", samples);
	json_object_set_new(j, "cpu_tokens_per_s", cli_number_json(all / cpu));
	json_object_set_new(j, "jobs_per_repetition",
			    cli_number_json((double)t->jobs / (double)t->n));
	json_object_set_new(j, "macs_per_token", cli_number_json(counter(t, "macs") / all));
	json_object_set_new(j, "rom_bytes_per_token",
			    cli_number_json(counter(t, "rom_bytes") / all));
	json_object_set_new(j, "kv_bytes_per_token", cli_number_json(counter(t, "kv_bytes") / all));
	json_object_set_new(j, "dma_bytes_per_token",
			    cli_number_json(counter(t, "dma_bytes") / all));
	json_object_set_new(j, "commands_per_token", cli_number_json(counter(t, "commands") / all));
	if (t->ioctls)
		json_object_set_new(j, "ioctls_per_token", json_real((double)t->ioctls / all));
	if (r->exact) {
		json_object_set_new(j, "cycles_per_token", cli_number_json(cycles / all));
		json_object_set_new(j, "modelled_tokens_per_s", cli_number_json(modelled));
		json_object_set_new(j, "macs_per_cycle",
				    cli_number_json(counter(t, "macs") / cycles));
		json_object_set_new(j, "tile_busy",
				    cli_number_json(counter(t, "tile_busy") / cycles));
		json_object_set_new(j, "vec_busy",
				    cli_number_json(counter(t, "vec_busy") / cycles));
		json_object_set_new(j, "dma_busy",
				    cli_number_json(counter(t, "dma_busy") / cycles));
	}
	json_array_append_new(r->tests, j);
}

static int one(struct run *r, uint64_t pp, uint64_t tg, uint64_t batch)
{
	struct test t = { .pp = pp, .tg = tg, .batch = batch };
	int n, err;

	n = pp ? snprintf(t.name, sizeof(t.name), "pp%llu", (unsigned long long)pp)
	       : snprintf(t.name, sizeof(t.name), "tg%llu", (unsigned long long)tg);
	if (batch > 1)
		n += snprintf(t.name + n, sizeof(t.name) - (size_t)n, " x%llu",
			      (unsigned long long)batch);
	if (r->depth)
		snprintf(t.name + n, sizeof(t.name) - (size_t)n, " @ d%llu",
			 (unsigned long long)r->depth);
	if (r->depth + pp + tg > r->context) {
		cli_message(&r->t, "%s: more than the context of %llu", t.name,
			    (unsigned long long)r->context);
		return CLI_USAGE;
	}
	if (batch > r->max_cols || !batch) {
		cli_message(&r->t, "%s: the model takes 1 to %llu sequences at once", t.name,
			    (unsigned long long)r->max_cols);
		return CLI_USAGE;
	}
	t.seconds = calloc(2 * r->reps, sizeof(*t.seconds));
	if (!t.seconds)
		return CLI_FAILURE;
	t.cpu = t.seconds + r->reps;
	r->begun++;
	err = measure(r, &t);
	if (t.n || cli_interrupted())
		report(r, &t);
	free(t.seconds);
	if (cli_interrupted()) {
		cli_message(&r->t,
			    "interrupted: %s has %zu of %llu repetitions, %zu tests not begun",
			    t.name, t.n, (unsigned long long)r->reps, r->planned - r->begun);
		return CLI_FAILURE;
	}
	return err ? cli_fail(&r->t, err, t.name) : 0;
}

static void header(struct run *r)
{
	if (r->t.json)
		return;
	printf("%s on %s%s\n\n", accel_model_string(r->t.m, ACCEL_MODEL_NAME),
	       accel_device_backend(r->t.dev),
	       r->exact ? "" : " (no time: only wall-clock figures)");
	printf("| %-12s | %25s | %12s | %14s |\n|---|---|---|---|\n", "test", "wall-clock tokens/s",
	       "cycles/token", "modelled tok/s");
}

static int run(struct run *r)
{
	size_t i, k;
	int code = 0;
	json_t *j;

	r->vocab = cli_model(r->t.m, ACCEL_MODEL_VOCAB);
	r->context = cli_model(r->t.m, ACCEL_MODEL_CONTEXT);
	r->max_cols = cli_model(r->t.m, ACCEL_MODEL_MAX_COLS);
	r->clock = cli_get(r->t.dev, ACCEL_PARAM_CLOCK_HZ);
	r->exact = cli_get(r->t.dev, ACCEL_PARAM_CYCLE_EXACT);
	if (!r->pp.n)
		r->pp = (struct sizes){ { r->context < 512 ? r->context : 512 }, 1 };
	code = cli_check_chunk(&r->t, r->o.chunk);
	if (code)
		return code;
	r->tests = json_array();
	r->sessions = calloc(r->max_cols + 1, sizeof(struct accel_session *));
	if (!r->tests || !r->sessions)
		return CLI_FAILURE;
	for (i = 0; i < r->pp.n; i++)
		r->planned += !!r->pp.v[i];
	for (i = 0; i < r->tg.n; i++)
		r->planned += r->tg.v[i] ? r->batch.n : 0;
	header(r);
	for (i = 0; i < r->pp.n && !code; i++)
		code = r->pp.v[i] ? one(r, r->pp.v[i], 0, 1) : 0;
	for (i = 0; i < r->tg.n && !code; i++) {
		for (k = 0; k < r->batch.n && !code; k++)
			code = r->tg.v[i] ? one(r, 0, r->tg.v[i], r->batch.v[k]) : 0;
	}
	if (r->t.json) {
		j = json_pack("{s:o, s:s, s:b, s:I, s:b, s:O}", "model", cli_model_name(r->t.m),
			      "backend", accel_device_backend(r->t.dev), "cycle_exact", r->exact,
			      "clock_hz", (json_int_t)r->clock, "interrupted", cli_interrupted(),
			      "tests", r->tests);
		cli_print_json(j);
	}
	return code;
}

int main(int argc, char **argv)
{
	static const struct argp argp = {
		options,
		parse,
		"MODEL.accel",
		"Measures a model on an IG1 chip. Wall-clock figures are those of this machine; modelled "
		"figures are cycles of the chip at its nominal clock.",
		NULL,
		NULL,
		NULL
	};
	struct run r = {
		.reps = 5, .tg = { { 128 }, 1 }, .batch = { { 1 }, 1 }, .o = { .size = sizeof(r.o) }
	};
	int code;

	cli_init(argv[0], &r.t);
	argp_parse(&argp, argc, argv, 0, NULL, &r);
	code = cli_open(&r.t);
	if (!code)
		code = cli_flush(&r.t, run(&r));
	json_decref(r.tests);
	free(r.sessions);
	cli_close(&r.t);
	return code;
}
