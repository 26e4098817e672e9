// SPDX-License-Identifier: MIT
/*
 * accel-accuracy: a compiled model against stored results of the same model elsewhere.
 *
 * The reference is a JSON file with `prompts` (prompt_ids, greedy_ids, greedy_margin, logits_file)
 * and `perplexity` (token_ids, block, mean_nll, nll_file); files are beside it. Prints a table row:
 * perplexity there and here, their ratio, mean difference of the tokens' nll, how often the most
 * likely token is the reference's when fed the reference's own continuation, the same where the
 * reference's margin is above 0.05, the normalised squared error of the logits and their KL divergence.
 */
#include <argp.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tools/common/cli.h"
#include "tools/common/perplexity.h"

#define MARGIN 0.05

enum { KEY_HEADER = 0x2001, KEY_MAX_RATIO, KEY_MIN_TOP1, KEY_BOS };

static const struct argp_option options[] = {
	{ "reference", 'r', "FILE", 0, "reference JSON", 1 },
	{ "header", KEY_HEADER, NULL, 0, "print the table's header first", 1 },
	{ "max-ratio", KEY_MAX_RATIO, "X", 0, "fail if a perplexity is above X times the other",
	  1 },
	{ "min-top1", KEY_MIN_TOP1, "X", 0, "fail if fewer than X of the most likely tokens agree",
	  1 },
	{ "bos", KEY_BOS, "ID", 0, "token in front of blocks (default: the vocabulary's BOS)", 1 },
	{ "json", CLI_KEY_JSON, NULL, 0, "print one JSON object", 1 },
	CLI_TARGET_OPTIONS,
	{ 0 },
};

struct run {
	struct cli_target t;
	const char *path;
	char *dir;
	bool header;
	double max_ratio, min_top1;
	int64_t bos;
	json_t *ref;
	struct accel_session *s;
	uint32_t vocab;

	double ppl_ref, ppl, nll_diff, nll_abs;
	size_t tokens;
	size_t steps, agree, clear, clear_agree;
	double err2, ref2, kl;
	size_t logits;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct run *r = state->input;

	if (!cli_model_option(&r->t, key, arg, state))
		return 0;
	switch (key) {
	case 'r':
		r->path = arg;
		break;
	case KEY_HEADER:
		r->header = true;
		break;
	case KEY_MAX_RATIO:
		r->max_ratio = cli_double("max-ratio", arg, 1, 1e9);
		break;
	case KEY_MIN_TOP1:
		r->min_top1 = cli_double("min-top1", arg, 0, 1);
		break;
	case KEY_BOS:
		r->bos = (int64_t)cli_uint("bos", arg, 0, INT32_MAX);
		break;
	case ARGP_KEY_END:
		if (!r->path)
			argp_error(state, "no --reference");
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static int bad_reference(struct run *r, const char *field)
{
	cli_message(&r->t, "%s: %s is missing or malformed", r->path, field);
	return CLI_INPUT;
}

static int32_t *get_ids(struct run *r, const json_t *a, size_t *n)
{
	int32_t *v;
	size_t i;

	*n = json_array_size(a);
	v = calloc(*n + 1, sizeof(*v));
	for (i = 0; v && i < *n; i++) {
		json_int_t x = json_integer_value(json_array_get(a, i));

		if (!json_is_integer(json_array_get(a, i)) || x < 0 || x >= (json_int_t)r->vocab) {
			free(v);
			return NULL;
		}
		v[i] = (int32_t)x;
	}
	return v;
}

/* n values of a file beside the reference. */
static float *get_floats(struct run *r, const char *name, size_t n)
{
	char path[4096];
	float *v = calloc(n + 1, sizeof(*v));
	FILE *f;
	size_t got = 0;

	snprintf(path, sizeof(path), "%s%s", r->dir, name);
	f = fopen(path, "rb");
	if (f) {
		got = fread(v, sizeof(*v), n + 1, f);
		fclose(f);
	}
	if (got != n) {
		cli_message(&r->t, "%s: %s", path, f ? "wrong size" : strerror(errno));
		free(v);
		return NULL;
	}
	return v;
}

static int on_progress(void *ctx, size_t done, size_t total, const struct perplexity *p)
{
	(void)ctx;
	(void)p;
	cli_progress("blocks", done, total);
	return cli_interrupted();
}

static int measure_perplexity(struct run *r)
{
	json_t *j = json_object_get(r->ref, "perplexity");
	json_int_t block = json_integer_value(json_object_get(j, "block"));
	const char *file = json_string_value(json_object_get(j, "nll_file"));
	struct perplexity p;
	float *want = NULL, *got = NULL;
	int32_t *ids = NULL;
	uint64_t bos;
	size_t n, i;
	int code = CLI_INPUT, err;

	if (block < 1 || block > INT32_MAX || !file)
		return bad_reference(r, "perplexity.block or nll_file");
	ids = get_ids(r, json_object_get(j, "token_ids"), &n);
	if (!ids || !n) {
		bad_reference(r, "perplexity.token_ids");
		goto out;
	}
	want = get_floats(r, file, n);
	got = calloc(n, sizeof(*got));
	if (!want || !got)
		goto out;
	if (r->bos < 0 && !accel_model_get(r->t.m, ACCEL_MODEL_BOS, &bos))
		r->bos = (int64_t)bos;
	if (r->bos < 0) {
		cli_message(&r->t, "the vocabulary has no BOS; give --bos");
		goto out;
	}
	err = perplexity_blocks(r->s, ids, n, (size_t)block, (int32_t)r->bos, got, &p, on_progress,
				NULL);
	if (err) {
		code = cli_fail(&r->t, err, "perplexity");
		goto out;
	}
	for (i = 0; i < n; i++) {
		r->ppl_ref += want[i];
		r->nll_diff += (double)got[i] - want[i];
		r->nll_abs += fabs((double)got[i] - want[i]);
	}
	r->tokens = n;
	r->ppl_ref = exp(r->ppl_ref / (double)n);
	r->ppl = perplexity_value(&p);
	r->nll_diff /= (double)n;
	r->nll_abs /= (double)n;
	code = 0;
out:
	free(got);
	free(want);
	free(ids);
	return code;
}

/* Error of logits, and KL divergence of their softmax. */
static void compare_logits(struct run *r, const float *want, const float *got)
{
	double zw = 0, zg = 0, d, lw, lg;
	uint32_t i;

	for (i = 0; i < r->vocab; i++) {
		d = (double)got[i] - want[i];
		r->err2 += d * d;
		r->ref2 += (double)want[i] * want[i];
		zw += exp(want[i]);
		zg += exp(got[i]);
	}
	for (i = 0; i < r->vocab; i++) {
		lw = want[i] - log(zw);
		lg = got[i] - log(zg);
		r->kl += exp(lw) * (lw - lg);
	}
	r->logits++;
}

static int measure_prompt(struct run *r, const json_t *p)
{
	const char *file = json_string_value(json_object_get(p, "logits_file"));
	const json_t *margin = json_object_get(p, "greedy_margin");
	int32_t *prompt = NULL, *greedy = NULL, *top = NULL;
	float *want = NULL, *got = NULL, *nll = NULL;
	size_t n, m, i;
	int code = CLI_INPUT, err;

	prompt = get_ids(r, json_object_get(p, "prompt_ids"), &n);
	greedy = get_ids(r, json_object_get(p, "greedy_ids"), &m);
	if (!prompt || !greedy || !n || json_array_size(margin) != m) {
		bad_reference(r, "prompts: prompt_ids, greedy_ids or greedy_margin");
		goto out;
	}
	code = CLI_FAILURE;
	got = calloc(r->vocab, sizeof(*got));
	top = calloc(m + 1, sizeof(*top));
	nll = calloc(m + 1, sizeof(*nll));
	if (!got || !top || !nll)
		goto out;
	err = accel_session_rewind(r->s, 0);
	if (!err)
		err = accel_session_append(r->s, prompt, n, got);
	if (!err)
		err = accel_logits_argmax(got, r->vocab, &top[0]);
	if (!err && m > 1)
		err = accel_session_score(r->s, greedy, m - 1, nll, top + 1);
	if (err) {
		code = cli_fail(&r->t, err, "prompt");
		goto out;
	}
	for (i = 0; i < m; i++) {
		bool clear = json_number_value(json_array_get(margin, i)) > MARGIN;
		bool same = top[i] == greedy[i];

		r->steps++;
		r->agree += same;
		r->clear += clear;
		r->clear_agree += clear && same;
	}
	code = CLI_INPUT;
	if (file) {
		want = get_floats(r, file, r->vocab);
		if (!want)
			goto out;
		compare_logits(r, want, got);
	}
	code = 0;
out:
	free(nll);
	free(top);
	free(got);
	free(want);
	free(greedy);
	free(prompt);
	return code;
}

static int measure(struct run *r)
{
	json_t *prompts = json_object_get(r->ref, "prompts"), *p;
	size_t i;
	int code;

	r->vocab = (uint32_t)cli_model(r->t.m, ACCEL_MODEL_VOCAB);
	if (json_integer_value(json_object_get(r->ref, "n_vocab")) != (json_int_t)r->vocab)
		return bad_reference(r, "n_vocab (it must be the model's)");
	code = measure_perplexity(r);
	json_array_foreach(prompts, i, p)
	{
		if (!code)
			code = measure_prompt(r, p);
		cli_progress("prompts", i + 1, json_array_size(prompts));
	}
	cli_progress("", 0, 0);
	return code;
}

static double share(size_t a, size_t n)
{
	return n ? (double)a / (double)n : 1;
}

static void report(struct run *r)
{
	double ratio = r->ppl / r->ppl_ref, nmse = r->ref2 > 0 ? r->err2 / r->ref2 : 0;
	const char *name = strrchr(r->path, '/');
	json_t *j;

	name = name ? name + 1 : r->path;
	if (r->t.json) {
		j = json_pack("{s:s, s:s, s:I, s:f, s:f, s:f, s:f, s:f}", "reference", name,
			      "backend", accel_device_backend(r->t.dev), "tokens",
			      (json_int_t)r->tokens, "perplexity_reference", r->ppl_ref,
			      "perplexity", r->ppl, "perplexity_ratio", ratio,
			      "mean_nll_difference", r->nll_diff, "mean_abs_nll_difference",
			      r->nll_abs);
		json_object_update_new(
			j, json_pack("{s:I, s:f, s:I, s:f, s:f, s:f}", "steps",
				     (json_int_t)r->steps, "top1", share(r->agree, r->steps),
				     "clear_steps", (json_int_t)r->clear, "top1_clear",
				     share(r->clear_agree, r->clear), "logits_nmse", nmse,
				     "logits_kl", r->logits ? r->kl / (double)r->logits : 0.0));
		cli_print_json(j);
		return;
	}
	if (r->header)
		printf("| reference | tokens | ppl there | ppl here | ratio | mean nll diff | top-1 | "
		       "top-1, margin > %.2f | logits NMSE | KL |\n"
		       "|---|---|---|---|---|---|---|---|---|---|\n",
		       MARGIN);
	printf("| %.*s | %zu | %.4f | %.4f | %.4f | %+.5f | %zu/%zu | %zu/%zu | %.2e | %.2e |\n",
	       (int)(strlen(name) > 5 ? strlen(name) - 5 : strlen(name)), name, r->tokens,
	       r->ppl_ref, r->ppl, ratio, r->nll_diff, r->agree, r->steps, r->clear_agree, r->clear,
	       nmse, r->logits ? r->kl / (double)r->logits : 0);
}

static int judge(struct run *r)
{
	double ratio = r->ppl / r->ppl_ref;

	if (r->max_ratio > 0 && !(ratio <= r->max_ratio && ratio >= 1 / r->max_ratio)) {
		cli_message(&r->t, "perplexity ratio %.4f is beyond %.4f", ratio, r->max_ratio);
		return CLI_FAILURE;
	}
	if (share(r->agree, r->steps) < r->min_top1) {
		cli_message(&r->t, "top-1 agreement %.4f is below %.4f", share(r->agree, r->steps),
			    r->min_top1);
		return CLI_FAILURE;
	}
	return 0;
}

static int run(struct run *r)
{
	const char *slash = strrchr(r->path, '/');
	json_error_t e;
	int code, err;

	r->dir = slash ? strndup(r->path, (size_t)(slash - r->path) + 1) : strdup("");
	r->ref = json_load_file(r->path, JSON_REJECT_DUPLICATES, &e);
	if (!r->dir || !r->ref) {
		cli_message(&r->t, "%s:%d: %s", r->path, e.line, e.text);
		return CLI_INPUT;
	}
	code = cli_open(&r->t);
	if (code)
		return code;
	err = accel_session_create(r->t.m, NULL, &r->s);
	if (err)
		return cli_fail(&r->t, err, "session");
	cli_catch_interrupt(r->s, NULL);
	code = measure(r);
	cli_catch_interrupt(NULL, NULL);
	if (!code) {
		report(r);
		code = judge(r);
	}
	return code;
}

int main(int argc, char **argv)
{
	static const struct argp argp = {
		options,       parse,
		"MODEL.accel", "Compares a model on an IG1 chip with stored results.",
		NULL,	       NULL,
		NULL
	};
	struct run r = { .bos = -1 };
	int code;

	cli_init(argv[0], &r.t);
	argp_parse(&argp, argc, argv, 0, NULL, &r);
	code = run(&r);
	accel_session_unref(r.s);
	cli_close(&r.t);
	json_decref(r.ref);
	free(r.dir);
	return code;
}
