// SPDX-License-Identifier: MIT
/* accel-perplexity: how well a model predicts a text. accel-perplexity(1) is the reference. */
#include <argp.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/cli.h"
#include "common/perplexity.h"

enum { KEY_BLOCK = 0x2001, KEY_CTX, KEY_BOS, KEY_NLL, KEY_CHUNK, KEY_WATCHDOG };

static const struct argp_option options[] = {
	{ "file", 'f', "FILE", 0, "text, - is stdin", 1 },
	{ "ctx", KEY_CTX, "N", 0,
	  "windows of N tokens, the second half counts, as llama-perplexity (default: the model's "
	  "context, at most 512)",
	  1 },
	{ "block", KEY_BLOCK, "N", 0, "instead: blocks of N tokens after BOS, all tokens count",
	  1 },
	{ "bos", KEY_BOS, "ID", 0, "the token in front (default: the vocabulary's BOS)", 1 },
	{ "nll", KEY_NLL, "FILE", 0, "with --block: write an fp32 value per token", 1 },
	{ "chunk", KEY_CHUNK, "N", 0, "tokens of a job", 1 },
	{ "watchdog", KEY_WATCHDOG, "CYCLES", 0, "end jobs that take longer", 1 },
	{ "json", CLI_KEY_JSON, NULL, 0, "print one JSON object", 1 },
	CLI_TARGET_OPTIONS,
	{ 0 },
};

struct run {
	struct cli_target t;
	const char *file, *nll_path;
	uint64_t block, ctx;
	int64_t bos;
	uint32_t chunk;
	uint64_t watchdog;

	struct accel_session *s;
	int32_t *ids;
	size_t n;
	float *nll;
	struct perplexity p;
	size_t done; /* windows or blocks */
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct run *r = state->input;

	if (!cli_model_option(&r->t, key, arg, state))
		return 0;
	switch (key) {
	case 'f':
		r->file = arg;
		break;
	case KEY_BLOCK:
		r->block = cli_uint("block", arg, 1, INT32_MAX);
		break;
	case KEY_CTX:
		r->ctx = cli_uint("ctx", arg, 4, INT32_MAX);
		break;
	case KEY_BOS:
		r->bos = (int64_t)cli_uint("bos", arg, 0, INT32_MAX);
		break;
	case KEY_NLL:
		r->nll_path = arg;
		break;
	case KEY_CHUNK:
		r->chunk = (uint32_t)cli_uint("chunk", arg, 1, UINT32_MAX);
		break;
	case KEY_WATCHDOG:
		r->watchdog = cli_uint("watchdog", arg, 1, UINT64_MAX);
		break;
	case ARGP_KEY_END:
		if (!r->file)
			argp_error(state, "no --file");
		if (r->block && r->ctx)
			argp_error(state, "--block and --ctx exclude each other");
		if (r->nll_path && !r->block)
			argp_error(state, "--nll needs --block");
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static int on_progress(void *ctx, size_t done, size_t total, const struct perplexity *p)
{
	struct run *r = ctx;
	char text[64];

	r->done = done;
	snprintf(text, sizeof(text), "perplexity %.4f", perplexity_value(p));
	cli_progress(text, done, total);
	return cli_interrupted();
}

static int prepare(struct run *r)
{
	uint64_t context = cli_model(r->t.m, ACCEL_MODEL_CONTEXT), bos;
	struct accel_session_options o = { .size = sizeof(o),
					   .chunk = r->chunk,
					   .watchdog = r->watchdog };
	uint32_t flags = r->block ? 0 : ACCEL_TEXT_AUTO;
	char *text;
	size_t len;
	int code, err;

	code = cli_check_chunk(&r->t, r->chunk);
	if (code)
		return code;
	if (cli_same_file(r->nll_path, r->file) || cli_same_file(r->nll_path, r->t.model)) {
		cli_message(&r->t, "--nll %s: also the text or the model", r->nll_path);
		return CLI_USAGE;
	}
	if (!r->block && !r->ctx)
		r->ctx = context < 512 ? context : 512;
	if (r->block + 1 > context || r->ctx > context) {
		cli_message(&r->t, "%s: the model's context is %llu",
			    r->block ? "--block" : "--ctx", (unsigned long long)context);
		return CLI_USAGE;
	}
	if (r->bos < 0 && !accel_model_get(r->t.m, ACCEL_MODEL_BOS, &bos) &&
	    (r->block || cli_model(r->t.m, ACCEL_MODEL_ADD_BOS)))
		r->bos = (int64_t)bos;
	accel_last_error(r->t.dev, NULL, 0);
	if (r->block && r->bos < 0) {
		cli_message(&r->t, "the vocabulary has no BOS; give --bos");
		return CLI_USAGE;
	}
	text = cli_read_file(&r->t, r->file, &len);
	if (!text)
		return CLI_INPUT;
	code = cli_tokenize(&r->t, r->file, text, len, flags, &r->ids, &r->n);
	free(text);
	if (code)
		return code;
	r->nll = calloc(r->n + 1, sizeof(*r->nll));
	if (!r->nll)
		return CLI_FAILURE;
	err = accel_session_create(r->t.m, &o, &r->s);
	return err ? cli_fail(&r->t, err, r->file) : 0;
}

static int write_nll(struct run *r)
{
	FILE *f = fopen(r->nll_path, "wb");
	bool bad = !f || fwrite(r->nll, sizeof(float), r->p.scored, f) != r->p.scored;

	if (f && fclose(f))
		bad = true;
	if (bad)
		cli_message(&r->t, "%s: %s", r->nll_path, strerror(errno));
	return bad ? CLI_FAILURE : 0;
}

static void say_interrupted(struct run *r)
{
	size_t size = r->block ? r->block : r->ctx;
	size_t total = r->block ? (r->n + size - 1) / size : r->n / size;

	cli_message(&r->t, "interrupted: %zu of %zu %s", r->done, total,
		    r->block ? "blocks" : "windows");
}

static void report(struct run *r, double seconds)
{
	uint64_t counters[ACCEL_COUNTERS] = { 0 };
	double mean = perplexity_mean(&r->p), value = perplexity_value(&r->p);
	double error = perplexity_error(&r->p);
	char v[3][32];
	json_t *j;

	if (!r->t.json) {
		printf("perplexity %s +/- %s (%s %llu, %zu of %zu tokens, mean nll %s)\n",
		       cli_number(v[0], sizeof(v[0]), 4, value),
		       cli_number(v[1], sizeof(v[1]), 4, error),
		       r->block ? "blocks of" : "windows of",
		       (unsigned long long)(r->block ? r->block : r->ctx), r->p.scored, r->n,
		       cli_number(v[2], sizeof(v[2]), 6, mean));
		return;
	}
	accel_session_counters(r->s, counters, ACCEL_COUNTERS, NULL, 0);
	j = json_pack("{s:o, s:s, s:s, s:I, s:I, s:I, s:b}", "model", cli_model_name(r->t.m),
		      "backend", accel_device_backend(r->t.dev), "rule",
		      r->block ? "blocks" : "windows", "size",
		      (json_int_t)(r->block ? r->block : r->ctx), "tokens", (json_int_t)r->n,
		      "scored", (json_int_t)r->p.scored, "interrupted", cli_interrupted());
	json_object_set_new(j, "mean_nll", cli_number_json(mean));
	json_object_set_new(j, "perplexity", cli_number_json(value));
	json_object_set_new(j, "standard_error", cli_number_json(error));
	json_object_set_new(j, "wall_seconds", json_real(seconds));
	json_object_set_new(j, "counters", cli_counters_json(r->t.dev, counters));
	cli_print_json(j);
}

static int run(struct run *r)
{
	int32_t bos;
	double t;
	int code, err;

	code = prepare(r);
	if (code)
		return code;
	bos = (int32_t)r->bos;
	cli_catch_interrupt(r->s, NULL);
	t = cli_now();
	if (r->block)
		err = perplexity_blocks(r->s, r->ids, r->n, r->block, bos, r->nll, &r->p,
					on_progress, r);
	else
		err = perplexity_windows(r->s, r->ids, r->n, r->ctx, bos, &r->p, on_progress, r);
	t = cli_now() - t;
	cli_catch_interrupt(NULL, NULL);
	cli_progress("", 0, 0);
	if (err && !cli_interrupted())
		return cli_fail(&r->t, err, "perplexity");
	if (!r->p.scored && !err) {
		cli_message(&r->t, "%s: %zu tokens are less than one window", r->file, r->n);
		return CLI_INPUT;
	}
	report(r, t);
	if (cli_interrupted())
		say_interrupted(r);
	if (r->nll_path)
		code = write_nll(r);
	return cli_interrupted() ? CLI_FAILURE : code;
}

int main(int argc, char **argv)
{
	static const struct argp argp = {
		options, parse, "MODEL.accel", "Perplexity of a text under a model on an IG1 chip.",
		NULL,	 NULL,	NULL
	};
	struct run r = { .bos = -1 };
	int code;

	cli_init(argv[0], &r.t);
	argp_parse(&argp, argc, argv, 0, NULL, &r);
	code = cli_open(&r.t);
	if (!code)
		code = cli_flush(&r.t, run(&r));
	accel_session_unref(r.s);
	cli_close(&r.t);
	free(r.nll);
	free(r.ids);
	return code;
}
