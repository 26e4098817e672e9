// SPDX-License-Identifier: MIT
/*
 * accelc report: compiles a model to a temporary file, runs a text on it through libaccel's reference
 * model and by the model file itself, and prints what was found.
 */
#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "accel/accel.h"
#include "accelc.h"
#include "compiler/report/measure.h"

#define DEFAULT_TOKENS 256u

/* beyond those of accelc_model_argp */
enum { OPT_TEXT = 0x200, OPT_TOKENS, OPT_POS, OPT_JSON, OPT_HTML };

/* tests/data/reference/text_c.txt */
extern const unsigned char report_default_text[];
extern const size_t report_default_text_bytes;

struct args {
	struct compile_options o;
	const char *text, *out;
	uint32_t tokens, pos;
	bool have_pos, json, html;
};

struct run {
	const struct args *a;
	char dir[128], image[160];
	struct accel_device *dev;
	struct accel_model *model;
	struct accel_session *session;
	int32_t *ids;
	size_t n;
	const char *what; /* the ids are of */
	uint32_t done;
	float *rows;
};

static const struct argp_option options[] = {
	{ NULL, 'o', "FILE", 0, "write FILE (default: standard output)", 0 },
	{ "text", OPT_TEXT, "FILE", 0, "text for the accuracy, - is stdin (default: a story)", 0 },
	{ "tokens", OPT_TOKENS, "N", 0, "tokens of it, 0: no accuracy (default: 256)", 0 },
	{ "pos", OPT_POS, "N", 0,
	  "position of the token whose critical path is shown (default: half the context)", 0 },
	{ "json", OPT_JSON, NULL, 0, "print JSON", 0 },
	{ "html", OPT_HTML, NULL, 0, "print a page with plots", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *a = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &a->o;
		return 0;
	case 'o':
		a->out = arg;
		return 0;
	case OPT_TEXT:
		a->text = arg;
		return 0;
	case OPT_TOKENS:
		a->tokens = accelc_number(state, "tokens", arg, 0);
		return 0;
	case OPT_POS:
		a->pos = accelc_number(state, "pos", arg, 0);
		a->have_pos = true;
		return 0;
	case OPT_JSON:
		a->json = true;
		return 0;
	case OPT_HTML:
		a->html = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int device_error(struct run *r, const char *what)
{
	char text[512] = "";

	if (r->dev)
		accel_last_error(r->dev, text, sizeof(text));
	accelc_error("%s: %s", what, text[0] ? text : "failed");
	return ACCELC_FAILURE;
}

/* A file without a tokenizer: numbers as good as any others. */
static int made_up_ids(struct run *r)
{
	uint64_t vocab = 1;
	uint32_t state = 1;
	size_t i;

	if (accel_model_get(r->model, ACCEL_MODEL_VOCAB, &vocab))
		return device_error(r, "model");
	r->n = r->a->tokens;
	r->what = "pseudo-random tokens: the file has no tokenizer";
	r->ids = malloc(r->n * sizeof(*r->ids));
	if (!r->ids)
		return ACCELC_FAILURE;
	for (i = 0; i < r->n; i++) {
		/* Numerical Recipes' linear congruential generator */
		state = state * 1664525u + 1013904223u;
		r->ids[i] = (int32_t)((state >> 8) % vocab);
	}
	return ACCELC_OK;
}

static int make_ids(struct run *r)
{
	const char *text = (const char *)report_default_text;
	size_t len = report_default_text_bytes, n = 0;
	char *own = NULL;
	int ret, code = ACCELC_OK;

	r->what = "the built-in story";
	if (r->a->text) {
		ret = accelc_read_file(r->a->text, &own, &len);
		if (ret) {
			accelc_error("%s: %s", r->a->text, strerror(-ret));
			return ret == -ENOMEM ? ACCELC_FAILURE : ACCELC_INPUT;
		}
		text = own;
		r->what = r->a->text;
	}
	ret = accel_model_tokenize(r->model, text, len, ACCEL_TEXT_AUTO, NULL, 0, &n);
	if (ret == ACCEL_ENOTSUP && !r->a->text)
		return made_up_ids(r);
	if (!ret || ret == ACCEL_ENOSPACE) {
		accel_last_error(r->dev, NULL, 0);
		r->ids = malloc((n + 1) * sizeof(*r->ids));
		ret = r->ids ? accel_model_tokenize(r->model, text, len, ACCEL_TEXT_AUTO, r->ids, n,
						    &r->n)
			     : ACCEL_ENOMEM;
	}
	if (ret) {
		device_error(r, r->what);
		code = ret == ACCEL_ENOMEM ? ACCELC_FAILURE : ACCELC_INPUT;
	} else if (!r->n) {
		accelc_error("%s: no tokens in it", r->what);
		code = ACCELC_INPUT;
	}
	free(own);
	return code;
}

static int on_row(void *ctx, uint32_t position, const float *logits, uint32_t vocab)
{
	struct run *r = ctx;

	(void)position;
	memcpy(r->rows, logits, vocab * sizeof(*logits));
	r->rows += vocab;
	return 0;
}

static int run_chip(void *ctx, const int32_t *tokens, uint32_t n, float *logits)
{
	struct run *r = ctx;

	r->rows = logits;
	if (accel_session_append_all(r->session, tokens, n, on_row, r)) {
		device_error(r, "reference model");
		return -EIO;
	}
	r->done += n;
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\raccuracy %u/%zu tokens%s", r->done, r->n,
			r->done == r->n ? "\n" : "");
	return 0;
}

static void remove_image(struct run *r)
{
	if (!r->dir[0])
		return;
	unlink(r->image);
	rmdir(r->dir);
	r->dir[0] = '\0';
}

/* Once it is open the file's name is not needed, and nothing stays behind whatever happens. */
static int open_image(struct run *r)
{
	char text[512] = "";
	const struct accel_device_options o = {
		.size = sizeof(o), .backend = "ref", .error = text, .error_size = sizeof(text)
	};
	int ret = accel_device_open(&o, &r->dev);

	if (ret) {
		accelc_error("reference model: %s", text);
		return ACCELC_FAILURE;
	}
	if (accel_model_open(r->dev, r->image, NULL, &r->model) ||
	    accel_session_create(r->model, NULL, &r->session))
		return device_error(r, "image");
	remove_image(r);
	return ACCELC_OK;
}

static int measure_accuracy(struct run *r, struct report *rep)
{
	const struct measure_chip chip = { run_chip, r };
	int code = open_image(r), ret;
	size_t most = r->a->tokens;

	if (!code)
		code = make_ids(r);
	if (code)
		return code;
	if (most > rep->meta.context)
		most = rep->meta.context;
	if (r->n > most)
		r->n = most;
	ret = measure(rep, &r->a->o, r->what, r->ids, (uint32_t)r->n, &chip);
	if (ret && rep->diag.err)
		accelc_error("%s", rep->diag.msg);
	return ret ? accelc_exit_code(ret) : ACCELC_OK;
}

static int make_folder(struct run *r)
{
	const char *tmp = getenv("TMPDIR");

	if (snprintf(r->dir, sizeof(r->dir), "%s/accelc-report-XXXXXX",
		     tmp && *tmp ? tmp : "/tmp") >= (int)sizeof(r->dir) ||
	    !mkdtemp(r->dir)) {
		accelc_error("%s: %s", r->dir, strerror(errno ? errno : ENAMETOOLONG));
		r->dir[0] = '\0';
		return ACCELC_FAILURE;
	}
	snprintf(r->image, sizeof(r->image), "%s/image.accel", r->dir);
	return ACCELC_OK;
}

static int print(const struct args *a, const struct report *rep)
{
	struct strbuf s = { 0 };
	FILE *f = stdout;
	bool bad;

	if (a->json)
		report_print_json(rep, &s);
	else if (a->html)
		report_print_html(rep, &s);
	else
		report_print_text(rep, &s);
	errno = ENOMEM;
	bad = s.err;
	if (!bad && a->out) {
		f = fopen(a->out, "wb");
		bad = !f;
	}
	/* standard output is checked by main */
	if (!bad && fwrite(s.p, 1, s.len, f) != s.len)
		bad = a->out;
	if (a->out && f && fclose(f))
		bad = true;
	if (bad)
		accelc_error("%s: %s", a->out ? a->out : "report", strerror(errno));
	strbuf_free(&s);
	return bad ? ACCELC_FAILURE : ACCELC_OK;
}

static int make_report(struct args *a, struct run *r, struct compile_result *c, struct report *rep)
{
	uint32_t context = c->model.meta.context;
	int ret;

	if (a->have_pos && a->pos >= context) {
		accelc_error("--pos %u: the model has %u positions", a->pos, context);
		return ACCELC_USAGE;
	}
	ret = report_collect(rep, &a->o, c, a->o.model, a->have_pos ? a->pos : context / 2);
	if (ret) {
		accelc_error("%s", rep->diag.msg);
		return accelc_exit_code(ret);
	}
	return a->tokens ? measure_accuracy(r, rep) : ACCELC_OK;
}

static void clean_up(struct run *r)
{
	accel_session_unref(r->session);
	accel_model_unref(r->model);
	accel_device_unref(r->dev);
	free(r->ids);
	remove_image(r);
}

int accelc_report(int argc, char **argv)
{
	static const struct argp_child children[] = { { &accelc_model_argp }, { 0 } };
	static const struct argp argp = { options, parse, "MODEL",
					  "Report on a model and its image: accuracy against the "
					  "model file, ROM, SRAM, time, and what can still be "
					  "changed.",
					  children };
	struct args a = { .tokens = DEFAULT_TOKENS };
	struct run r = { .a = &a };
	struct report rep = { 0 };
	struct compile_result c;
	int ret, code = ACCELC_OK;

	a.o.chip = compile_chip("default");
	a.o.losses = true;
	argp_parse(&argp, argc, argv, 0, NULL, &a);
	if (a.json && a.html) {
		accelc_error("report: --json and --html exclude each other");
		return ACCELC_USAGE;
	}
	if (a.out &&
	    (accelc_same_file(a.o.model, a.out) || (a.text && accelc_same_file(a.text, a.out)))) {
		accelc_error("-o %s: that is an input", a.out);
		return ACCELC_USAGE;
	}
	if (a.tokens)
		code = make_folder(&r);
	if (code)
		return code;
	a.o.out = a.tokens ? r.image : NULL;
	ret = compile_model(&a.o, &c);
	accelc_left_out(stderr, c.left_out, c.n_left_out);
	if (ret) {
		accelc_error("%s", c.model.diag.msg);
		code = accelc_exit_code(ret);
	} else {
		code = make_report(&a, &r, &c, &rep);
	}
	if (!code)
		code = print(&a, &rep);
	report_free(&rep);
	compile_free(&c);
	clean_up(&r);
	return code;
}
