// SPDX-License-Identifier: MIT
/* accel-run: text or token ids through a model, token by token. accel-run(1) is the reference. */
#include <argp.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/chat.h"
#include "common/cli.h"
#include "common/stop.h"
#include "common/trace.h"

#define TRACE_ENTRIES (1u << 17)
#define JOB_STEPS     64u /* tokens of a job */
#define MAX_STOPS     16
#define PROMPT_PART   64u /* tokens, at least, between two looks at the progress */

enum {
	KEY_TEMP = 0x2001,
	KEY_TOP_K,
	KEY_TOP_P,
	KEY_MIN_P,
	KEY_SEED,
	KEY_REPEAT,
	KEY_TOKENS,
	KEY_LOGITS,
	KEY_ALL_LOGITS,
	KEY_IGNORE_EOS,
	KEY_RAW,
	KEY_CHAT,
	KEY_STOP,
	KEY_CTX,
	KEY_TRACE,
	KEY_TRACE_TOKEN,
	KEY_CHUNK,
	KEY_ECHO,
	KEY_SPECIAL,
	KEY_STATS,
	KEY_WATCHDOG,
};

static const struct argp_option options[] = {
	{ "prompt", 'p', "TEXT", 0, "prompt", 1 },
	{ "file", 'f', "FILE", 0, "prompt from a file, - is stdin", 1 },
	{ "tokens", KEY_TOKENS, "IDS", 0, "prompt as token ids 1,2,3; prints ids", 1 },
	{ "n", 'n', "N", 0, "tokens to generate (default 128)", 1 },
	{ "raw", KEY_RAW, NULL, 0, "the prompt is plain text (default)", 1 },
	{ "chat", KEY_CHAT, NULL, 0, "the prompt is a user's message in the chat template", 1 },
	{ "special", KEY_SPECIAL, NULL, 0, "control tokens' text in the prompt means the tokens",
	  1 },
	{ "echo", KEY_ECHO, NULL, 0, "print the prompt first", 1 },
	{ "temp", KEY_TEMP, "T", 0, "temperature; 0 (default) is greedy, on the chip", 2 },
	{ "top-k", KEY_TOP_K, "K", 0, "only the K most likely tokens", 2 },
	{ "top-p", KEY_TOP_P, "P", 0, "only the most likely tokens that reach P", 2 },
	{ "min-p", KEY_MIN_P, "P", 0, "no tokens below P times the most likely one", 2 },
	{ "repeat-penalty", KEY_REPEAT, "R", 0, "divide logits of the last 64 tokens", 2 },
	{ "seed", KEY_SEED, "S", 0, "seed of the sampler (default 0)", 2 },
	{ "ignore-eos", KEY_IGNORE_EOS, NULL, 0, "go on after end tokens", 3 },
	{ "stop", KEY_STOP, "TEXT", 0, "end before this text (may be repeated)", 3 },
	{ "ctx", KEY_CTX, "N", 0, "use N positions at most", 3 },
	{ "logits", KEY_LOGITS, "FILE", 0, "write fp32 logits, one row per generated step", 4 },
	{ "all-logits", KEY_ALL_LOGITS, NULL, 0, "and one per prompt token before them", 4 },
	{ "trace", KEY_TRACE, "FILE", 0, "write a Chrome trace of one generated token", 4 },
	{ "trace-token", KEY_TRACE_TOKEN, "N", 0,
	  "which one, from 1 (default 2); all: every job, the prompt's too", 4 },
	{ "chunk", KEY_CHUNK, "N", 0, "tokens of a prefill job", 4 },
	{ "watchdog", KEY_WATCHDOG, "CYCLES", 0, "end jobs that take longer", 4 },
	{ "stats", KEY_STATS, NULL, 0, "print times to stderr also when it is no terminal", 4 },
	{ "json", CLI_KEY_JSON, NULL, 0, "print one JSON object at the end", 4 },
	CLI_TARGET_OPTIONS,
	{ 0 },
};

struct run {
	struct cli_target t;
	const char *prompt, *file, *tokens, *logits_path, *trace_path;
	const char *stops[MAX_STOPS];
	size_t n_stops;
	uint64_t n, watchdog;
	uint32_t ctx, chunk, trace_token; /* trace_token 0: not given */
	struct accel_sampler_options sampling;
	bool ignore_eos, all_logits, chat, echo, special, stats;

	int32_t *ids; /* prompt */
	size_t n_ids;
	int32_t *ends; /* end tokens */
	size_t n_ends;
	int32_t *out;
	uint32_t n_out;
	struct accel_session *s;
	struct accel_sampler *sampler;
	struct accel_detok *detok;
	struct stop text;
	struct trace trace;
	FILE *logits;
	uint64_t rows; /* written there */
	bool write_error, ended, trace_all, progress;
	uint32_t steps; /* tokens to generate, if nothing ends it before */
	double t_start, t_first, t_end;
	const char *reason;
	int err;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct run *r = state->input;

	if (!cli_model_option(&r->t, key, arg, state))
		return 0;
	switch (key) {
	case 'p':
		r->prompt = arg;
		break;
	case 'f':
		r->file = arg;
		break;
	case 'n':
		r->n = cli_uint("n", arg, 0, INT32_MAX);
		break;
	case KEY_TOKENS:
		r->tokens = arg;
		break;
	case KEY_TEMP:
		r->sampling.temperature = cli_double("temp", arg, 0, 1000);
		break;
	case KEY_TOP_K:
		r->sampling.top_k = (uint32_t)cli_uint("top-k", arg, 0, UINT32_MAX);
		break;
	case KEY_TOP_P:
		r->sampling.top_p = cli_double("top-p", arg, 1e-9, 1);
		break;
	case KEY_MIN_P:
		r->sampling.min_p = cli_double("min-p", arg, 0, 1);
		break;
	case KEY_REPEAT:
		r->sampling.repeat_penalty = cli_double("repeat-penalty", arg, 1e-3, 1000);
		break;
	case KEY_SEED:
		r->sampling.seed = cli_uint("seed", arg, 0, UINT64_MAX);
		break;
	case KEY_IGNORE_EOS:
		r->ignore_eos = true;
		break;
	case KEY_STOP:
		if (r->n_stops == MAX_STOPS || !*arg)
			argp_error(state, "--stop: empty, or more than %d", MAX_STOPS);
		r->stops[r->n_stops++] = arg;
		break;
	case KEY_CTX:
		r->ctx = (uint32_t)cli_uint("ctx", arg, 1, UINT32_MAX);
		break;
	case KEY_LOGITS:
		r->logits_path = arg;
		break;
	case KEY_ALL_LOGITS:
		r->all_logits = true;
		break;
	case KEY_TRACE:
		r->trace_path = arg;
		break;
	case KEY_TRACE_TOKEN:
		r->trace_token = 0;
		r->trace_all = !strcmp(arg, "all");
		if (!r->trace_all)
			r->trace_token = (uint32_t)cli_uint("trace-token", arg, 1, INT32_MAX);
		break;
	case KEY_CHUNK:
		r->chunk = (uint32_t)cli_uint("chunk", arg, 1, UINT32_MAX);
		break;
	case KEY_RAW:
		r->chat = false;
		break;
	case KEY_CHAT:
		r->chat = true;
		break;
	case KEY_ECHO:
		r->echo = true;
		break;
	case KEY_SPECIAL:
		r->special = true;
		break;
	case KEY_WATCHDOG:
		r->watchdog = cli_uint("watchdog", arg, 1, UINT64_MAX);
		break;
	case KEY_STATS:
		r->stats = true;
		break;
	case ARGP_KEY_END:
		if (!!r->prompt + !!r->file + !!r->tokens != 1)
			argp_error(state, "give exactly one of -p, -f and --tokens");
		if (r->all_logits && !r->logits_path)
			argp_error(state, "--all-logits needs --logits");
		if (r->trace_path && !r->trace_all && (r->trace_token > r->n || !r->n))
			argp_error(state, "--trace: token %u is not generated with -n %llu",
				   r->trace_token ? r->trace_token : 1, (unsigned long long)r->n);
		if (r->tokens && (r->n_stops || r->chat || r->special))
			argp_error(state, "--stop, --chat and --special need a text prompt");
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

/* The message in the model's chat form; its control tokens are tokens. */
static int tokenize_chat(struct run *r, const char *message, size_t len)
{
	const char *t = accel_model_string(r->t.m, ACCEL_MODEL_TEMPLATE);
	char forms[512], *text;
	size_t n;
	int err, code;

	if (!t) {
		cli_message(&r->t, "--chat: the model has no chat template");
		return CLI_INPUT;
	}
	err = chat_prompt(t, message, len, &text, &n);
	if (err == -ENOENT) {
		chat_forms(forms, sizeof(forms));
		cli_message(&r->t,
			    "--chat: the model's chat template has none of the known markers: %s",
			    forms);
		return CLI_INPUT;
	}
	if (err) {
		cli_message(&r->t, "out of memory");
		return CLI_FAILURE;
	}
	code = cli_tokenize(&r->t, "prompt", text, n, ACCEL_TEXT_AUTO | ACCEL_TEXT_SPECIAL, &r->ids,
			    &r->n_ids);
	free(text);
	return code;
}

static int get_prompt(struct run *r)
{
	uint32_t flags = ACCEL_TEXT_AUTO | (r->special ? ACCEL_TEXT_SPECIAL : 0);
	const char *text;
	char *content = NULL;
	size_t len;
	ssize_t n;
	int code = 0;

	if (r->tokens) {
		n = cli_ids(&r->t, r->tokens, cli_model(r->t.m, ACCEL_MODEL_VOCAB), &r->ids);
		if (n < 0)
			return CLI_USAGE;
		r->n_ids = (size_t)n;
	} else {
		if (r->file) {
			content = cli_read_file(&r->t, r->file, &len);
			if (!content)
				return CLI_INPUT;
		} else {
			len = strlen(r->prompt);
		}
		text = content ? content : r->prompt;
		code = r->chat ? tokenize_chat(r, text, len)
			       : cli_tokenize(&r->t, "prompt", text, len, flags, &r->ids,
					      &r->n_ids);
		if (!code && r->echo && !r->t.json)
			fwrite(text, 1, len, stdout);
		free(content);
	}
	if (!code && !r->n_ids) {
		cli_message(&r->t, "the prompt has no tokens");
		code = CLI_USAGE;
	}
	return code;
}

static int find_ends(struct run *r)
{
	int32_t id, vocab = (int32_t)cli_model(r->t.m, ACCEL_MODEL_VOCAB);

	r->ends = malloc((size_t)vocab * sizeof(*r->ends));
	if (!r->ends)
		return CLI_FAILURE;
	for (id = 0; id < vocab && !r->ignore_eos; id++) {
		if (accel_model_is_end(r->t.m, id) == 1)
			r->ends[r->n_ends++] = id;
	}
	return 0;
}

static int write_row(struct run *r, const float *logits, uint32_t vocab)
{
	if (r->logits && fwrite(logits, sizeof(float), vocab, r->logits) != vocab) {
		r->write_error = true;
		return ACCEL_EIO;
	}
	r->rows++;
	return 0;
}

static int on_prompt_logits(void *ctx, uint32_t position, const float *logits, uint32_t vocab)
{
	struct run *r = ctx;

	(void)position;
	return write_row(r, logits, vocab);
}

static int on_sample(void *ctx, uint32_t position, const float *logits, uint32_t vocab,
		     int32_t *token)
{
	struct run *r = ctx;
	int err;

	(void)position;
	err = write_row(r, logits, vocab);
	if (!err)
		err = accel_sampler_sample(r->sampler, logits, vocab, token, NULL);
	if (!err)
		err = accel_sampler_accept(r->sampler, *token);
	return err;
}

static bool is_end(const struct run *r, int32_t token)
{
	size_t i;

	for (i = 0; i < r->n_ends; i++) {
		if (r->ends[i] == token)
			return true;
	}
	return false;
}

static int on_token(void *ctx, uint32_t slot, int32_t token)
{
	struct run *r = ctx;
	const char *text = NULL;
	size_t len = 0;

	(void)slot;
	if (!r->n_out)
		r->t_first = cli_now();
	r->out[r->n_out++] = token;
	if (r->progress && r->t.json)
		cli_progress("tokens", r->n_out, r->steps);
	if (is_end(r, token)) {
		r->reason = "eos";
		r->ended = true;
		return 1;
	}
	if (r->detok && !accel_detok_push(r->detok, token, &text, &len))
		stop_push(&r->text, text, len);
	if (!r->detok && !r->t.json) {
		printf("%s%d", r->n_out > 1 ? "," : "", token);
		fflush(stdout);
	} else if (!r->t.json) {
		stop_print(&r->text, stdout);
	}
	if (r->text.hit) {
		r->reason = "stop";
		r->ended = true;
		return 1;
	}
	return cli_interrupted();
}

static int append(struct run *r, const int32_t *ids, size_t n)
{
	if (r->all_logits)
		return accel_session_append_all(r->s, ids, n, on_prompt_logits, r);
	return accel_session_append(r->s, ids, n, NULL);
}

/* As many tokens as whole jobs take, so that the jobs are those of one call. */
static size_t prompt_part(const struct run *r)
{
	size_t job = r->chunk ? r->chunk : cli_model(r->t.m, ACCEL_MODEL_MAX_COLS);

	return job ? (PROMPT_PART + job - 1) / job * job : PROMPT_PART;
}

/* The prompt but its last token, which starts the decoding. */
static int prefill(struct run *r)
{
	size_t n = r->n_ids - 1, done = 0, part = r->progress ? prompt_part(r) : n;
	int err = 0;

	while (done < n && !err && !cli_interrupted()) {
		if (r->progress)
			cli_progress("prompt", done, n);
		part = part < n - done ? part : n - done;
		err = append(r, r->ids + done, part);
		done += part;
	}
	if (r->progress)
		cli_progress("", 0, 0);
	return err;
}

static bool by_host(const struct run *r)
{
	return r->logits || r->sampling.temperature > 0 || r->sampling.repeat_penalty != 0;
}

/* The next tokens, if there shall be more. */
static int decode(struct run *r, uint32_t steps)
{
	int32_t last = r->n_out ? r->out[r->n_out - 1] : r->ids[r->n_ids - 1];

	if (!steps || r->ended || cli_interrupted())
		return 0;
	if (by_host(r))
		return accel_session_decode_host(r->s, last, steps, r->ends, r->n_ends, on_sample,
						 r, on_token, r, NULL, NULL);
	return accel_session_decode(r->s, last, steps, r->ends, r->n_ends, on_token, r, NULL, NULL);
}

/*
 * All tokens, with the records of the job that has the traced one. Jobs have the steps that they have
 * without a trace, up to that token; without a number it is the second one, the first with warm TLBs,
 * or, when there is only one, that.
 */
static int decode_traced(struct run *r, uint32_t steps)
{
	uint64_t before[ACCEL_COUNTERS] = { 0 }, counters[ACCEL_COUNTERS] = { 0 };
	uint32_t token = r->trace_token ? r->trace_token : 2, n, got;
	int err, i;

	if (!r->trace_token && token > steps)
		token = steps;
	if (token > steps)
		return decode(r, steps);
	n = by_host(r) ? 1 : (token - 1) % JOB_STEPS + 1;
	if (!r->trace_token)
		n = token; /* one after the other, if the host chooses */
	err = decode(r, token - n);
	if (err)
		return err;
	err = accel_session_trace(r->s, TRACE_ENTRIES, trace_job, &r->trace);
	for (got = 0; got < n && !err && !r->ended && !cli_interrupted();
	     got = r->n_out - (token - n)) {
		accel_session_counters(r->s, before, ACCEL_COUNTERS, NULL, 0);
		err = decode(r, by_host(r) ? 1 : n);
	}
	accel_session_trace(r->s, 0, NULL, NULL);
	accel_session_counters(r->s, counters, ACCEL_COUNTERS, NULL, 0);
	for (i = 0; i < ACCEL_COUNTERS; i++)
		counters[i] -= before[i];
	if (r->n_out == token || (!r->trace_token && r->n_out && !err))
		trace_token(&r->trace, r->n_out, by_host(r) ? 1 : got, counters);
	return err ? err : decode(r, steps - token);
}

static void say_interrupted(struct run *r)
{
	unsigned long long n = r->n;

	if (r->n_out)
		cli_message(&r->t, "interrupted: %u of %llu tokens", r->n_out, n);
	else
		cli_message(&r->t,
			    "interrupted: %u of %zu prompt tokens stored, none of %llu "
			    "generated",
			    accel_session_position(r->s), r->n_ids, n);
}

static int generate(struct run *r)
{
	int32_t first = r->ids[r->n_ids - 1];
	uint32_t limit =
		r->ctx && r->ctx < accel_session_room(r->s) ? r->ctx : accel_session_room(r->s);
	uint32_t steps, room;
	int err;

	if (r->n_ids > limit) {
		cli_message(&r->t, "the prompt has %zu tokens, the context %u", r->n_ids, limit);
		return CLI_FAILURE;
	}
	room = limit - (uint32_t)r->n_ids + 1;
	steps = r->n > room ? room : (uint32_t)r->n;
	r->steps = steps;
	r->reason = steps < r->n ? "context" : "length";
	r->out = malloc((steps ? steps : 1) * sizeof(*r->out));
	if (!r->out)
		return CLI_FAILURE;
	/* where the prompt stands on the terminal, clearing a line would take its end */
	r->progress = isatty(STDERR_FILENO) && (r->t.json || !r->echo || !isatty(STDOUT_FILENO));
	r->t_start = r->t_first = cli_now();
	err = prefill(r);
	if (!err && !steps && r->all_logits)
		err = append(r, &first, 1);
	if (!err)
		err = r->trace_path && !r->trace_all ? decode_traced(r, steps) : decode(r, steps);
	if (r->progress && r->t.json)
		cli_progress("", 0, 0);
	r->t_end = cli_now();
	if (cli_interrupted()) {
		r->reason = "interrupted";
		say_interrupted(r);
		return CLI_FAILURE;
	}
	if (err) {
		r->reason = "error";
		return cli_fail(&r->t, err, r->write_error ? r->logits_path : "run");
	}
	return 0;
}

/* An output must not be another file of the run. */
static int check_output(struct run *r, const char *option, const char *path, const char *other)
{
	if (!cli_same_file(path, other))
		return CLI_OK;
	cli_message(&r->t, "%s %s: the same file as %s", option, path, other);
	return CLI_USAGE;
}

static int check_outputs(struct run *r)
{
	const char *const inputs[] = { r->t.model, r->t.mask, r->t.firmware, r->file };
	size_t i;
	int code = check_output(r, "--trace", r->trace_path, r->logits_path);

	for (i = 0; i < sizeof(inputs) / sizeof(inputs[0]) && !code; i++) {
		code = check_output(r, "--logits", r->logits_path, inputs[i]);
		if (!code)
			code = check_output(r, "--trace", r->trace_path, inputs[i]);
	}
	return code;
}

static int open_outputs(struct run *r)
{
	struct accel_session_options o = { .size = sizeof(o),
					   .chunk = r->chunk,
					   .decode_steps = JOB_STEPS,
					   .watchdog = r->watchdog };
	int code, err;

	code = cli_check_chunk(&r->t, r->chunk);
	if (!code)
		code = check_outputs(r);
	if (code)
		return code;
	if (r->logits_path) {
		r->logits = fopen(r->logits_path, "wb");
		if (!r->logits) {
			cli_message(&r->t, "%s: %s", r->logits_path, strerror(errno));
			return CLI_FAILURE;
		}
	}
	/* now that it is there, it may be the same by another name */
	code = check_output(r, "--trace", r->trace_path, r->logits_path);
	if (code)
		return code;
	if (r->trace_path) {
		if (trace_open(&r->trace, r->trace_path, r->t.dev, r->t.m, !r->trace_all)) {
			cli_message(&r->t, "%s: %s", r->trace_path, strerror(errno));
			return CLI_FAILURE;
		}
		if (r->trace_all) {
			o.trace_entries = TRACE_ENTRIES;
			o.trace = trace_job;
			o.trace_ctx = &r->trace;
		}
	}
	err = accel_session_create(r->t.m, &o, &r->s);
	if (!err)
		err = accel_sampler_create(r->t.dev, &r->sampling, &r->sampler);
	if (!err && !r->tokens)
		err = accel_detok_create(r->t.m, ACCEL_DETOK_CONTINUE | ACCEL_DETOK_REPLACE,
					 &r->detok);
	if (err)
		return cli_fail(&r->t, err, "session");
	return stop_init(&r->text, r->stops, r->n_stops) ? CLI_FAILURE : 0;
}

static void finish_text(struct run *r)
{
	const char *text;
	size_t len;

	if (r->detok) {
		if (!r->text.hit && !accel_detok_push(r->detok, -1, &text, &len))
			stop_push(&r->text, text, len);
		stop_flush(&r->text);
		if (!r->t.json) {
			stop_print(&r->text, stdout);
			putchar('\n');
		}
	} else if (!r->t.json) {
		putchar('\n');
	}
}

static void report(struct run *r)
{
	double gen_s = r->t_end - r->t_first;
	double prompt_s = r->n_out ? r->t_first - r->t_start : NAN;
	double speed = r->n_out > 1 && gen_s > 0 ? (r->n_out - 1) / gen_s : NAN;
	uint64_t counters[ACCEL_COUNTERS] = { 0 };
	char a[32], b[32];
	json_t *j, *ids;
	uint32_t i;

	if (!r->t.json) {
		if (isatty(STDERR_FILENO) || r->stats)
			fprintf(stderr,
				"\n%zu prompt tokens, %u generated (%s); wall clock: first token after "
				"%s s, then %s tokens/s\n",
				r->n_ids, r->n_out, r->reason,
				cli_number(a, sizeof(a), 3, prompt_s),
				cli_number(b, sizeof(b), 1, speed));
		return;
	}
	accel_session_counters(r->s, counters, ACCEL_COUNTERS, NULL, 0);
	ids = json_array();
	for (i = 0; i < r->n_out; i++)
		json_array_append_new(ids, json_integer(r->out[i]));
	j = json_pack("{s:o, s:s, s:i, s:o, s:s, s:o, s:o}", "model", cli_model_name(r->t.m),
		      "backend", accel_device_backend(r->t.dev), "prompt_tokens", (int)r->n_ids,
		      "tokens", ids, "stop_reason", r->reason, "wall_first_token_s",
		      cli_number_json(prompt_s), "wall_tokens_per_s", cli_number_json(speed));
	if (r->detok)
		json_object_set_new(j, "text",
				    json_stringn(r->text.done ? r->text.done : "", r->text.n_done));
	json_object_set_new(j, "cycle_exact",
			    json_boolean(cli_get(r->t.dev, ACCEL_PARAM_CYCLE_EXACT)));
	json_object_set_new(j, "counters", cli_counters_json(r->t.dev, counters));
	cli_print_json(j);
}

/* What of the outputs is not what was asked for. */
static int check_trace(struct run *r)
{
	if (r->trace.dropped) {
		cli_message(&r->t, "%s: records of %llu jobs did not fit", r->trace_path,
			    (unsigned long long)r->trace.dropped);
		return CLI_FAILURE;
	}
	if (!r->trace_path || r->trace.complete || (r->trace_all && !cli_interrupted()))
		return CLI_OK;
	if (r->trace_all)
		cli_message(&r->t, "%s: the run as far as it went", r->trace_path);
	else
		cli_message(&r->t, "%s: nothing, the run ended before token %u", r->trace_path,
			    r->trace_token ? r->trace_token : 1);
	return CLI_FAILURE;
}

static int run(struct run *r)
{
	int code;

	code = get_prompt(r);
	if (!code)
		code = find_ends(r);
	if (!code)
		code = open_outputs(r);
	if (code)
		return code;
	cli_catch_interrupt(r->s, NULL);
	code = generate(r);
	cli_catch_interrupt(NULL, NULL);
	if (r->t_start != 0) {
		finish_text(r);
		report(r);
	}
	if (r->logits && fclose(r->logits)) {
		cli_message(&r->t, "%s: %s", r->logits_path, strerror(errno));
		code = CLI_FAILURE;
	}
	r->logits = NULL;
	if (cli_interrupted() && r->logits_path)
		cli_message(&r->t, "%s: %llu rows", r->logits_path, (unsigned long long)r->rows);
	if (r->trace_all && !code)
		r->trace.complete = true;
	if (trace_close(&r->trace)) {
		cli_message(&r->t, "%s: %s", r->trace_path, strerror(errno));
		code = CLI_FAILURE;
	}
	if (check_trace(r) && !code)
		code = CLI_FAILURE;
	return cli_flush(&r->t, code);
}

int main(int argc, char **argv)
{
	static const struct argp argp = {
		options, parse, "MODEL.accel", "Runs a model on an IG1 chip.", NULL, NULL, NULL
	};
	struct run r = { 0 };
	int code;

	cli_init(argv[0], &r.t);
	r.n = 128;
	r.sampling.size = sizeof(r.sampling);
	argp_parse(&argp, argc, argv, 0, NULL, &r);
	code = cli_open(&r.t);
	if (!code)
		code = run(&r);
	if (r.logits)
		fclose(r.logits);
	trace_close(&r.trace);
	stop_fini(&r.text);
	accel_detok_destroy(r.detok);
	accel_sampler_destroy(r.sampler);
	accel_session_unref(r.s);
	cli_close(&r.t);
	free(r.out);
	free(r.ends);
	free(r.ids);
	return code;
}
